"""Turns to sentences.

Marks that the recogniser wrote are trusted; which of them end a sentence and which an abbreviation is decided
here for Korean, by pySBD's English rules (Sadvilkar and Neumann 2020) for any other language. Where there are
none, Korean ends where ``endings`` says, any other language at its pauses only. In every language a pause of
0.8 s between two words ends a sentence. A boundary always lies behind a blank, so that no word is cut, and
nothing is dropped or added: the sentences put together are the turn, and what a missing mark would say is their
``kind``.
"""

import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

from consumers.analysis.endings import kind_of, kind_of_mark, spoken_cuts
from consumers.analysis.intervals import Interval
from consumers.analysis.speech import SpokenTurn
from consumers.analysis.tokens import Token
from schemas.document import SentenceKind

SENTENCE_PAUSE_MS = 800
"""A pause of this length or more between two words ends a sentence."""

UNMARKED_WORDS = 20
"""In a marked Korean turn, a stretch of more words without a mark is cut like an unmarked turn."""

_ABBREVIATION = re.compile(r"(?i:[a-z]|mrs?|ms|dr|prof|vs|no|e\.g|i\.e)\.")
_HOUR = re.compile(r"\d+\.")
_MARKED_END = re.compile(r"(\S*[.!?…。]+[\"')\]”’]*)\s+(?=\S)")
_BLANK = re.compile(r"\s")
_HESITATION = re.compile(r"(?:\.\.+|…)[\"')\]]*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class SpokenSentence:
    """A sentence before analysis: its part of the turn's text, when it is said, and its tokens."""

    id: str
    text: str
    span: Interval
    tokens: tuple[Token, ...]
    kind: SentenceKind | None = None
    """Statement, question or unfinished: by its mark, in Korean else by its ending; None where neither tells."""


def split(turn: SpokenTurn, tokens: Sequence[Token], *, korean: bool) -> tuple[SpokenSentence, ...]:
    """The sentences of a turn; none where the turn has no text."""
    if not turn.text.strip():
        return ()
    places = locate(turn)
    pauses_ms = _pauses(turn, places)
    cuts = set(korean_cuts(turn.text) if korean else english_cuts(turn.text))
    if korean:
        cuts |= set(_unmarked_cuts(turn.text, tokens, cuts, pauses_ms))
    cuts |= {place for place, pause_ms in pauses_ms.items() if pause_ms >= SENTENCE_PAUSE_MS}
    bounds = [0, *sorted(cut for cut in cuts if _behind_blank(turn.text, cut)), len(turn.text)]
    parts = [Interval(start, end) for start, end in pairwise(bounds)]
    return tuple(
        _sentence(f"{turn.id}.s{number}", turn, part, places, tokens, korean=korean)
        for number, part in enumerate(parts, start=1)
    )


def _sentence(
    sentence_id: str,
    turn: SpokenTurn,
    part: Interval,
    places: Sequence[int | None],
    tokens: Sequence[Token],
    *,
    korean: bool,
) -> SpokenSentence:
    text = turn.text[part.start_ms : part.end_ms]
    own = tuple(t for t in tokens if part.start_ms <= t.start < part.end_ms)
    return SpokenSentence(
        id=sentence_id,
        text=text,
        span=_when(turn, places, part),
        tokens=own,
        kind=kind_of(text, own) if korean else kind_of_mark(text),
    )


def locate(turn: SpokenTurn) -> list[int | None]:
    """Where each piece begins in the turn's text; None for a piece that the text does not contain."""
    places: list[int | None] = []
    cursor = 0
    for piece in turn.pieces:
        text = piece.text.strip()
        at = turn.text.find(text, cursor) if text else -1
        places.append(at if at >= 0 else None)
        cursor = at + len(text) if at >= 0 else cursor
    return places


def _behind_blank(text: str, cut: int) -> bool:
    return 0 < cut < len(text) and text[cut - 1].isspace() and not text[cut].isspace()


def korean_cuts(text: str) -> Iterator[int]:
    """Places behind the marks that end a Korean sentence: not a hesitation's, an abbreviation's or a date's."""
    for match in _MARKED_END.finditer(text):
        word = match.group(1).lstrip("\"'([")
        if not (_HESITATION.search(word) or _HOUR.fullmatch(word) or _ABBREVIATION.fullmatch(word)):
            yield match.end()


def english_cuts(text: str) -> Iterator[int]:
    """Places where pySBD begins a sentence. Only these are taken from it: what it loses is lost nowhere."""
    # It takes a line's end for a sentence's, and control characters that are blanks for digits.
    for sentence in _segmenter().segment(_BLANK.sub(" ", text)):
        yield sentence.start


@cache
def _segmenter() -> Any:
    with warnings.catch_warnings():
        # Its source has invalid escapes, of which Python warns when it compiles it.
        warnings.simplefilter("ignore", DeprecationWarning)
        from pysbd import Segmenter  # noqa: PLC0415 -- a Korean call never needs it
    return Segmenter(language="en", clean=False, char_span=True)


def _unmarked_cuts(
    text: str, tokens: Sequence[Token], marked: Iterable[int], pauses_ms: Mapping[int, int]
) -> Iterator[int]:
    """Cuts by ending, in the stretches where the recogniser wrote no mark or forgot to."""
    bounds = [0, *sorted(marked), len(text)]
    for start, end in pairwise(bounds):
        stretch = text[start:end]
        if not re.search(r"[.!?…]", stretch) or len(stretch.split()) > UNMARKED_WORDS:
            own = [token for token in tokens if start <= token.start < end]
            yield from spoken_cuts(text, own, pauses_ms)


def _pauses(turn: SpokenTurn, places: Sequence[int | None]) -> dict[int, int]:
    """Place of each word but the first to the silence before it."""
    return {
        place: after.span.start_ms - before.span.end_ms
        for (before, after), place in zip(pairwise(turn.pieces), places[1:], strict=True)
        if place is not None
    }


def _when(turn: SpokenTurn, places: Iterable[int | None], part: Interval) -> Interval:
    spans = [
        piece.span
        for piece, place in zip(turn.pieces, places, strict=True)
        if place is not None and part.start_ms <= place < part.end_ms
    ]
    if not spans:
        return turn.span
    return Interval(min(s.start_ms for s in spans), max(s.end_ms for s in spans))

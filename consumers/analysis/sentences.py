"""Turns to sentences.

Korean boundaries are Kiwi's, repaired where speech differs from writing: 요 glued to a connective ends a
sentence (적어서요, 하나 더요), and so does a final ending before a blank, except in reported speech
(온다 그랬어요) and before 싶 (되나 싶어요). Elsewhere a sentence ends at ``. ! ?``. In every language a pause
of 0.8 s between two words ends it too. A boundary always lies behind a blank, so that no word is cut, and
nothing is dropped: the sentences put together are the turn.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from consumers.analysis.intervals import Interval
from consumers.analysis.speech import SpokenTurn
from consumers.analysis.tokens import Token

SENTENCE_PAUSE_MS = 800
"""A pause of this length or more between two words ends a sentence."""

_ABBREVIATIONS = frozenset("mr. mrs. ms. dr. st. no. vs. etc. e.g. i.e. a.m. p.m. inc. ltd.".split())  # noqa: SIM905 -- reads as the list it is
_PUNCTUATED_END = re.compile(r"(\S*[.!?…]+[\"')\]]*)\s+(?=\S)")
_REPORTING = ("하", "그러", "그렇", "이러", "말하")


@dataclass(frozen=True, slots=True, kw_only=True)
class SpokenSentence:
    """A sentence before analysis: its part of the turn's text, when it is said, and its tokens."""

    id: str
    text: str
    span: Interval
    tokens: tuple[Token, ...]


def split(turn: SpokenTurn, tokens: Sequence[Token], *, korean: bool) -> tuple[SpokenSentence, ...]:
    """The sentences of a turn; none where the turn has no text."""
    if not turn.text.strip():
        return ()
    places = locate(turn)
    cuts = set(_korean_cuts(turn.text, tokens) if korean else _punctuation_cuts(turn.text))
    cuts |= set(_pause_cuts(turn, places))
    bounds = [0, *sorted(cut for cut in cuts if _behind_blank(turn.text, cut)), len(turn.text)]
    parts = [Interval(start, end) for start, end in pairwise(bounds)]
    return tuple(
        SpokenSentence(
            id=f"{turn.id}.s{number}",
            text=turn.text[part.start_ms : part.end_ms],
            span=_when(turn, places, part),
            tokens=tuple(t for t in tokens if part.start_ms <= t.start < part.end_ms),
        )
        for number, part in enumerate(parts, start=1)
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


def _korean_cuts(text: str, tokens: Sequence[Token]) -> Iterator[int]:
    for place, (before, after) in enumerate(pairwise(tokens), start=1):
        if _vocative(tokens[place:]):
            return
        if after.sentence != before.sentence or _spoken_end(text, before, after):
            yield after.start


def _vocative(tail: Sequence[Token]) -> bool:
    """Whether all that follows is the addressee, as in 어떻게 해요 고객님."""
    words = [token.form for token in tail if token.tag != "SF"]
    return words == ["고객", "님"]


def _spoken_end(text: str, token: Token, following: Token) -> bool:
    if not text[token.end : following.start].isspace():
        return False
    if token.form in {"요", "이요"} and token.tag in {"MM", "JX"}:
        return token.start > 0 and not text[token.start - 1].isspace()
    reported = token.form.endswith(("다", "라", "냐", "자")) and following.form in _REPORTING
    return token.tag == "EF" and not reported and following.form != "싶"


def _punctuation_cuts(text: str) -> Iterator[int]:
    for match in _PUNCTUATED_END.finditer(text):
        if match.group(1).lower() not in _ABBREVIATIONS:
            yield match.end()


def _pause_cuts(turn: SpokenTurn, places: Sequence[int | None]) -> Iterator[int]:
    for (before, _), (after, place) in pairwise(zip(turn.pieces, places, strict=True)):
        if place is not None and after.span.start_ms - before.span.end_ms >= SENTENCE_PAUSE_MS:
            yield place


def _when(turn: SpokenTurn, places: Iterable[int | None], part: Interval) -> Interval:
    spans = [
        piece.span
        for piece, place in zip(turn.pieces, places, strict=True)
        if place is not None and part.start_ms <= place < part.end_ms
    ]
    if not spans:
        return turn.span
    return Interval(min(s.start_ms for s in spans), max(s.end_ms for s in spans))

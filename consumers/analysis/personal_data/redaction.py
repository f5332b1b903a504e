"""Personal data out of the speech of a call, before any analyser sees it.

Everything in a document comes from the redacted turns: text, words, sentences, evidence, keywords, summary.
Raw text stays only where the transcript came from: the topic ``calls.transcribed`` and the store's collection
``assemblies``, which must be readable by the services alone.

A word that a mention touches, and all others of the same mention, become one word, so that words and text
agree. A word that the text does not contain cannot be checked and loses its text.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from consumers.analysis.intervals import Interval
from consumers.analysis.personal_data.detection import detect
from consumers.analysis.personal_data.lines import Line, Mention
from consumers.analysis.personal_data.policy import Redactor
from consumers.analysis.sentences import locate
from consumers.analysis.speech import Piece, Speech, SpokenTurn
from consumers.analysis.tables import Tables
from schemas.personal_data import PersonalDataType, RedactionAction
from schemas.records import Role, Word


@dataclass(frozen=True, slots=True, kw_only=True)
class Redacted:
    """One mention after redaction: its place in the redacted text, and when its words are said."""

    type: PersonalDataType
    action: RedactionAction
    turn_id: str
    span: Interval
    start: int
    end: int
    channel: int | None
    confidence: float


class RedactedCall(Protocol):
    """What detection has to know of a call."""

    @property
    def roles(self) -> Mapping[str, Role]:
        """Speaker to role."""

    @property
    def language(self) -> str | None:
        """Primary tag; None: unknown."""

    @property
    def mixed(self) -> bool:
        """Whether all parties share a channel."""


def redact(
    speech: Speech, redactor: Redactor, tables: Tables, *, call: RedactedCall
) -> tuple[Speech, tuple[Redacted, ...]]:
    """The speech with every personal value replaced by its placeholder, and what was replaced."""
    lines = [_line(turn, call.roles) for turn in speech.turns]
    by_turn: dict[int, list[Mention]] = {}
    for mention in detect(lines, tables, language=call.language):
        by_turn.setdefault(mention.line, []).append(mention)
    turns: list[SpokenTurn] = []
    found: list[Redacted] = []
    for number, turn in enumerate(speech.turns):
        channel = None if call.mixed else speech.channels.get(turn.speaker)
        changed, own = _redact_turn(turn, by_turn.get(number, []), redactor, channel)
        turns.append(changed)
        found += own
    return replace(speech, turns=tuple(turns)), tuple(found)


def _line(turn: SpokenTurn, roles: Mapping[str, Role]) -> Line:
    return Line(
        text=turn.text,
        speaker=turn.speaker,
        role=roles.get(turn.speaker, Role.UNKNOWN),
        start_ms=turn.span.start_ms,
        end_ms=turn.span.end_ms,
    )


def _redact_turn(
    turn: SpokenTurn, mentions: Sequence[Mention], redactor: Redactor, channel: int | None
) -> tuple[SpokenTurn, list[Redacted]]:
    places = locate(turn)
    pieces = [
        piece if place is not None else replace(piece, text="", word=None)
        for piece, place in zip(turn.pieces, places, strict=True)
    ]
    starts = [-1 if place is None else place for place in places]
    found: list[Redacted] = []
    text, cursor = "", 0
    for mention in mentions:
        stand_in = redactor.placeholder(mention.type, turn.text[mention.start : mention.end])
        text += turn.text[cursor : mention.start]
        found.append(
            Redacted(
                type=mention.type,
                action=redactor.action(mention.type),
                turn_id=turn.id,
                span=_span(turn, mention, starts),
                start=len(text),
                end=len(text) + len(stand_in),
                channel=channel,
                confidence=mention.confidence,
            )
        )
        text += stand_in
        cursor = mention.end
    text += turn.text[cursor:]
    hidden = [
        (m, redactor.placeholder(m.type, turn.text[m.start : m.end]))
        for m in mentions
        if redactor.action(m.type) is not RedactionAction.KEEP
    ]
    return replace(turn, text=text, pieces=tuple(_pieces(pieces, starts, hidden))), found


def _touched(pieces: Sequence[Piece], starts: Sequence[int], mention: Mention) -> list[int]:
    """Indices of the pieces that share a character with a mention."""
    return [
        n
        for n, start in enumerate(starts)
        if start >= 0 and start < mention.end and mention.start < start + len(pieces[n].text.strip())
    ]


def _span(turn: SpokenTurn, mention: Mention, starts: Sequence[int]) -> Interval:
    spans = [turn.pieces[n].span for n in _touched(turn.pieces, starts, mention)]
    if not spans:
        return turn.span
    return Interval(min(s.start_ms for s in spans), max(s.end_ms for s in spans))


def _pieces(
    pieces: Sequence[Piece], starts: Sequence[int], hidden: Sequence[tuple[Mention, str]]
) -> list[Piece]:
    """The pieces with each hidden mention put into the first that it touches, the others of it dropped."""
    texts = [piece.text for piece in pieces]
    merged: dict[int, int] = {}
    # From the last mention to the first, so that earlier places in a piece's text stay valid.
    for mention, stand_in in reversed(hidden):
        touched = _touched(pieces, starts, mention)
        if not touched:
            continue
        first, last = touched[0], touched[-1]
        head = texts[first][: mention.start - starts[first] + _indent(pieces[first])]
        tail = texts[last][mention.end - starts[last] + _indent(pieces[last]) :]
        texts[first] = head + stand_in + tail
        merged |= dict.fromkeys(range(first + 1, last + 1), first)
    return [_united(pieces, texts, n, merged) for n in range(len(pieces)) if n not in merged]


def _indent(piece: Piece) -> int:
    """Blanks before the word that the recogniser gave with it."""
    return len(piece.text) - len(piece.text.lstrip())


def _united(pieces: Sequence[Piece], texts: Sequence[str], first: int, merged: Mapping[int, int]) -> Piece:
    last = first
    while last + 1 in merged:
        last += 1
    own = pieces[first]
    if texts[first] == own.text and last == first:
        return own
    group = pieces[first : last + 1]
    span = Interval(min(p.span.start_ms for p in group), max(p.span.end_ms for p in group))
    return replace(own, text=texts[first], span=span, word=_word(group, texts[first], span))


def _word(group: Sequence[Piece], text: str, span: Interval) -> Word | None:
    """One word for several; its confidence is the lowest of theirs."""
    if group[0].word is None:
        return None
    known = [p.word.confidence for p in group if p.word is not None and p.word.confidence is not None]
    return Word(
        word=text, start_ms=span.start_ms, end_ms=span.end_ms, confidence=min(known) if known else None
    )

"""The working types between the events and the document: who said which words when."""

from collections.abc import Mapping
from dataclasses import dataclass

from consumers.analysis.intervals import Interval
from schemas.records import Word

UNKNOWN_SPEAKER = "SPEAKER_UNKNOWN"
"""Label of words that nothing attributes to a speaker. It never gets a role."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """The smallest attributable stretch of text: a word, or a whole segment that came without words."""

    text: str
    span: Interval
    channel: int
    word: Word | None
    speaker: str = UNKNOWN_SPEAKER
    confidence: float | None = None
    """Share of its time that the speaker's segments cover; None: nothing to compare with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpokenTurn:
    """A turn before analysis. ``pieces`` are its words in order."""

    id: str
    speaker: str
    text: str
    span: Interval
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """Everything that was heard in a call.

    ``activity`` says when each speaker talks, raw: from diarization where it succeeded, else from the words.
    ``channels`` names the speaker's channel where the channel is the speaker.
    """

    turns: tuple[SpokenTurn, ...]
    activity: Mapping[str, tuple[Interval, ...]]
    channels: Mapping[str, int]

    @property
    def speakers(self) -> tuple[str, ...]:
        """All labels that talk, in the order of their first sound; the unknown one last."""
        first = {s: min(i.start_ms for i in spans) for s, spans in self.activity.items() if spans}
        for turn in self.turns:
            first.setdefault(turn.speaker, turn.span.start_ms)
        return tuple(sorted(first, key=lambda s: (s == UNKNOWN_SPEAKER, first[s], s)))

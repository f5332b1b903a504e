"""What every analyser sees of a call, and what it hands back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from consumers.analysis import sentences
from consumers.analysis.intervals import Interval, merge
from consumers.analysis.sentences import SpokenSentence
from consumers.analysis.speech import UNKNOWN_SPEAKER, Speech
from consumers.analysis.tables import SHIPPED, Tables
from consumers.analysis.tokens import Tokeniser
from schemas.document import Participant, Skipped, SkipReason
from schemas.records import Direction, Role

MERGE_GAP_MS = 300
"""Gaps of one speaker up to this are no pause."""
ISLAND_MS = 150
"""Shorter sounds between pauses are no speech."""


@dataclass(frozen=True)
class CallView:
    """One call, ready for analysis. What is costly is computed once, when first asked for.

    ``unattributed`` is set where nothing tells the speakers apart, ``wordless`` where there is no text; both
    say why. ``mixed`` is true where all parties share a channel.
    """

    call_id: str
    language: str | None
    speech: Speech
    participants: tuple[Participant, ...]
    mixed: bool
    tokeniser: Tokeniser
    unattributed: SkipReason | None = None
    wordless: SkipReason | None = None
    tables: Tables = SHIPPED
    direction: Direction = Direction.UNKNOWN

    @cached_property
    def sentences(self) -> Mapping[str, tuple[SpokenSentence, ...]]:
        """Turn id to its sentences, each turn cut into tokens exactly once."""
        korean = self.language == "ko"
        return {
            turn.id: sentences.split(turn, self.tokeniser.tokenise(turn.text), korean=korean)
            for turn in self.speech.turns
        }

    @cached_property
    def roles(self) -> Mapping[str, Role]:
        """Speaker to role."""
        return {participant.speaker: participant.role for participant in self.participants}

    @cached_property
    def intervals(self) -> Mapping[str, list[Interval]]:
        """Speaker to the stretches in which they talk: short gaps closed, islands dropped."""
        merged = {s: merge(spans, gap_ms=MERGE_GAP_MS) for s, spans in self.speech.activity.items()}
        return {s: [i for i in spans if i.length_ms >= ISLAND_MS] for s, spans in merged.items()}

    @cached_property
    def bounds(self) -> Interval | None:
        """From the first word to the last; without words from the first sound to the last."""
        spans = [piece.span for turn in self.speech.turns for piece in turn.pieces]
        spans = spans or [i for spans in self.speech.activity.values() for i in spans]
        if not spans:
            return None
        return Interval(min(i.start_ms for i in spans), max(i.end_ms for i in spans))

    def speakers(self, role: Role) -> list[str]:
        """The speakers who play a part."""
        return [speaker for speaker, their in self.roles.items() if their is role]

    @property
    def parties_known(self) -> bool:
        """Whether anybody is known to be agent or customer."""
        return bool(self.speakers(Role.AGENT) or self.speakers(Role.CUSTOMER))

    @property
    def named_speakers(self) -> list[str]:
        """The speakers that have a name of their own."""
        return [
            participant.speaker for participant in self.participants if participant.speaker != UNKNOWN_SPEAKER
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What an analyser adds to the document.

    ``fields`` are top-level fields of the document, ``sentences`` fields of single sentences by their id.
    """

    fields: Mapping[str, object] = field(default_factory=dict)
    sentences: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    skipped: Sequence[Skipped] = ()


class Analyser(Protocol):
    """One feature group. Pure: same view, same findings."""

    @property
    def name(self) -> str:
        """What it is called in ``skipped`` when it raises."""

    def versions(self, tables: Tables) -> Mapping[str, str]:
        """Its data files and their versions, for the provenance."""

    def analyse(self, call: CallView) -> Findings:
        """Everything it finds in this call."""

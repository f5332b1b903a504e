"""What every analyser sees of a call, and what it hands back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from consumers.analysis import act_rules, polarity, sentences, signals
from consumers.analysis.act_rules import Mark
from consumers.analysis.floor import Floor, backchannel_words
from consumers.analysis.intervals import Interval, merge
from consumers.analysis.personal_data.redaction import Redacted
from consumers.analysis.profanity import profanity_filter
from consumers.analysis.sentences import SpokenSentence
from consumers.analysis.speech import UNKNOWN_SPEAKER, Speech
from consumers.analysis.tables import SHIPPED, Tables
from consumers.analysis.tokens import Tokeniser
from schemas.document import Participant, Skipped, SkipReason
from schemas.records import Direction, Role
from schemas.sentiment import Sentiment

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
    personal_data: tuple[Redacted, ...] = ()
    """What was replaced in ``speech`` before the analysis."""

    @cached_property
    def sentences(self) -> Mapping[str, tuple[SpokenSentence, ...]]:
        """Turn id to its sentences, each turn cut into tokens exactly once."""
        korean = self.language == "ko"
        return {
            turn.id: sentences.split(turn, self.tokeniser.tokenise(turn.text), korean=korean)
            for turn in self.speech.turns
        }

    @cached_property
    def act_marks(self) -> Mapping[str, tuple[Mark, ...]]:
        """Sentence id to its acts with their kinds; empty for a language without act rules."""
        if self.language not in act_rules.LANGUAGES:
            return {s.id: () for spoken in self.sentences.values() for s in spoken}
        return act_rules.mark(
            self.speech.turns,
            self.sentences,
            roles=self.roles,
            acts=act_rules.tagger(self.tables, self.language),
            profanity=profanity_filter(self.tables),
        )

    @cached_property
    def acts(self) -> Mapping[str, tuple[str, ...]]:
        """Sentence id to the names of its acts, each once."""
        return {key: tuple(dict.fromkeys(m.act for m in marks)) for key, marks in self.act_marks.items()}

    @cached_property
    def polarity(self) -> Mapping[str, Sentiment]:
        """Sentence id to its sentiment; empty in a language without a lexicon."""
        if self.language not in polarity.LANGUAGES:
            return {}
        turns = (
            (t, self.roles.get(t.speaker, Role.UNKNOWN), self.sentences[t.id]) for t in self.speech.turns
        )
        return polarity.of_sentences(polarity.polarity_for(self.tables, self.language), turns, self.acts)

    @cached_property
    def signals(self) -> Mapping[str, frozenset[str]]:
        """Sentence id to its signals of the outcome; empty for a language without rules."""
        known = self.language in signals.LANGUAGES
        finder = signals.finder(self.tables, self.language or "") if known else None
        return {
            s.id: finder.find(s, self.roles.get(t.speaker, Role.UNKNOWN)) if finder else frozenset()
            for t in self.speech.turns
            for s in self.sentences[t.id]
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

    @cached_property
    def floor(self) -> Floor:
        """Who holds the floor when."""
        listens = backchannel_words(self.tables).speak(self.language)
        return Floor(self.speech.turns, self.intervals, bounds=self.bounds, listens=listens)

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

    ``fields`` are top-level fields of the document, ``turns`` and ``sentences`` fields of single ones by id.
    """

    fields: Mapping[str, object] = field(default_factory=dict)
    turns: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
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

"""The document: what one analysed call looks like in the store, on the command line and in exports.

Times are integer milliseconds since the start of the recording. A value that could not be computed is
``None`` and has an entry in ``skipped``; nothing is estimated in its place. ``document.schema.json`` is
generated from these records (``json_schema()``) and a test keeps it up to date.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field

from schemas.acts import Category, Escalation, Profanity, PromiseMade
from schemas.outcome import Keyword, Outcome, Summary, Topic
from schemas.personal_data import PersonalData
from schemas.quality import Count, Quality, Rate, Ratio
from schemas.records import (
    Audio,
    Call,
    Direction,
    DocumentStatus,
    Identifier,
    Milliseconds,
    Record,
    Role,
    StageError,
    Word,
)
from schemas.scorecard import ScoreCard
from schemas.sentiment import CallSentiment, Sentiment, TurnSentiment

Confidence = Annotated[float, Field(ge=0, le=1)]
Reliability = Literal["high", "low"]
"""``low`` where overlap comes from one mixed channel: diarization underestimates it there."""


class SkipReason(StrEnum):
    """Why a feature has no value for this call."""

    NO_SPEECH = "no_speech"
    """Nobody speaks in the recording."""
    NO_WORDS = "no_words"
    """Speech was found, but no words."""
    NO_WORD_TIMES = "no_word_times"
    """The text carries no time for each word."""
    TRANSCRIPTION_FAILED = "transcription_failed"
    DIARIZATION_FAILED = "diarization_failed"
    SPEAKERS_UNKNOWN = "speakers_unknown"
    """There are words, but nothing tells who says them."""
    ROLES_UNKNOWN = "roles_unknown"
    """The speakers are known, but not who is agent and who is customer."""
    PARTY_ABSENT = "party_absent"
    """One party never speaks, as in a voicemail."""
    TOO_FEW = "too_few"
    """There is less material than the metric's definition needs."""
    UNSUPPORTED_LANGUAGE = "unsupported_language"
    """No lexicon for the language of this call."""
    ASSISTANT_FAILED = "assistant_failed"
    """The operator's language model gave no answer that can be used; everything else is there."""
    BUG = "bug"
    """The analyser raised: the log has the exception under the same call id."""


class Skipped(Record):
    """A feature without a value, and why."""

    feature: str
    reason: SkipReason
    message: str


class CallMetadata(Record):
    """What the telephony system said of the call."""

    recording_uri: str | None = None
    direction: Direction = Direction.UNKNOWN
    queue: str | None = None
    agent_id: str | None = None
    attributes: Mapping[str, str] = {}
    started_at_ms: Milliseconds | None = None
    ended_at_ms: Milliseconds | None = None

    @classmethod
    def of(cls, call: Call) -> Self:
        """The call's own, as its events carry it along."""
        return cls(
            recording_uri=call.recording.uri,
            direction=call.direction,
            queue=call.queue,
            agent_id=call.agent_id,
            attributes=call.attributes,
            started_at_ms=call.started_at_ms,
            ended_at_ms=call.ended_at_ms,
        )


class Models(Record):
    """The models whose output was analysed."""

    profile: str | None = None
    transcription: str | None = None
    diarization: str | None = None


class Participant(Record):
    """One speaker and the part they play. ``confidence`` is that of the role, 0 where it is unknown."""

    speaker: str
    role: Role
    confidence: Confidence


SentenceKind = Literal["statement", "question", "unfinished"]


class Sentence(Record):
    """A sentence of a turn. The texts of a turn's sentences, one after the other, are the turn's text.

    Its times are those of its words; without word times they are the turn's, the tightest that is known.
    """

    id: str
    text: str
    start_ms: Milliseconds
    end_ms: Milliseconds
    kind: SentenceKind | None = None
    """By its mark or, in Korean, by its ending; None where neither tells (네, a bare noun)."""
    sentiment: Sentiment | None = None
    acts: tuple[str, ...] = ()


class Turn(Record):
    """What one speaker says until they pause or another one speaks."""

    id: str
    speaker: str
    role: Role
    start_ms: Milliseconds
    end_ms: Milliseconds
    text: str
    speaker_confidence: Confidence | None = None
    """Mean share of the words' time that the speaker's segments cover; None: no such evidence exists."""
    words: tuple[Word, ...] = ()
    sentences: tuple[Sentence, ...] = ()
    sentiment: TurnSentiment | None = None


class Span(Record):
    """A stretch of the recording."""

    start_ms: Milliseconds
    end_ms: Milliseconds


class PartyMilliseconds(Record):
    """One duration a party."""

    agent: Milliseconds | None = None
    customer: Milliseconds | None = None


class PartyRatios(Record):
    """One share a party."""

    agent: Ratio | None = None
    customer: Ratio | None = None


class LongGaps(Record):
    """Count and sum of gaps beyond a threshold."""

    count: int
    total_ms: Milliseconds


class NonTalk(Record):
    """Gaps of more than 3 s in which nobody speaks (Amazon's definition), and those of more than 5 s."""

    total_ms: Milliseconds
    longest_ms: Milliseconds
    instances: tuple[Span, ...]
    over_5s: LongGaps


class Silences(Record):
    """The gaps of more than 3 s that are of one kind."""

    count: Count
    total_ms: Milliseconds
    longest_ms: Milliseconds
    instances: tuple[Span, ...]


class PartyInterruptions(Record):
    """How often and how long a party spoke into the other's speech; an instance is the overlap."""

    count: int
    per_minute: Rate | None = None
    """Over the duration of the conversation."""
    total_ms: Milliseconds
    instances: tuple[Span, ...]


class Interruptions(Record):
    """Interruptions by the party that interrupts."""

    agent: PartyInterruptions
    customer: PartyInterruptions
    reliability: Reliability


class Latency(Record):
    """How long a party takes to answer, over the floor changes to it. Negative: it started before the end."""

    median_ms: int
    p90_ms: int
    count: int


class PartyLatency(Record):
    """Response latency by the party that answers."""

    agent: Latency | None = None
    customer: Latency | None = None


class SpeechRate(Record):
    """Articulation rate: units over the time that words take, without pauses of more than 0.25 s.

    Korean is judged by syllables; words are 어절 there and given for comparison only.
    """

    syllables_per_minute: float | None = None
    words_per_minute: float
    voiced_ms: Milliseconds


class PartySpeechRate(Record):
    """Speech rate of each party."""

    agent: SpeechRate | None = None
    customer: SpeechRate | None = None


class SpeakingRate(Record):
    """Units over the time of a party's turns, pauses included, without the time of replaced personal values."""

    syllables_per_minute: float | None = None
    words_per_minute: float
    speaking_ms: Milliseconds


class PartySpeakingRate(Record):
    """Speaking rate of each party."""

    agent: SpeakingRate | None = None
    customer: SpeakingRate | None = None


class Conversation(Record):
    """Timing of the call. ``duration_ms`` runs from the first word to the last, as Amazon counts it."""

    duration_ms: Milliseconds
    start_ms: Milliseconds
    end_ms: Milliseconds
    talk_time_ms: PartyMilliseconds = PartyMilliseconds()
    talk_time_by_speaker_ms: Mapping[str, Milliseconds] = {}
    talk_share_agent: Annotated[float, Field(ge=0, le=1)] | None = None
    """Agent's talk time over agent's and customer's."""
    talk_share_of_duration: PartyRatios = PartyRatios()
    """How much of the duration a party talks, as Amazon has it: the two overlap, and need not make up the whole."""
    overlap_ms: Milliseconds | None = None
    overlap_ratio: Ratio | None = None
    """Over the time in which anybody speaks."""
    overlap_reliability: Reliability | None = None
    non_talk: NonTalk | None = None
    non_talk_ratio: Ratio | None = None
    """Over the duration."""
    hold: Silences | None = None
    """Gaps of ``non_talk`` that the agent announced (at most 3 s before) or gave thanks for (within 5 s after)."""
    dead_air: Silences | None = None
    """The other gaps of ``non_talk``."""
    interruptions: Interruptions | None = None
    response_latency_ms: PartyLatency = PartyLatency()
    speech_rate: PartySpeechRate = PartySpeechRate()
    speaking_rate: PartySpeakingRate = PartySpeakingRate()
    turns: int | None = None
    mean_turn_ms: Milliseconds | None = None
    switches: int | None = None
    """How often the floor goes to another speaker; a backchannel does not take it."""
    switches_per_minute: Rate | None = None
    longest_monologue_ms: PartyMilliseconds = PartyMilliseconds()


class Provenance(Record):
    """What produced this document."""

    analysis: str
    speakers_from: Literal["channels", "diarization", "transcript", "none"]
    versions: Mapping[str, str] = {}
    """Of the tokeniser and of each data file, by name."""


class CallDocument(Record):
    """One call, analysed once."""

    call_id: Identifier
    tenant: Identifier = "default"
    run_id: Identifier
    revision: Annotated[int, Field(ge=1)] = 1
    status: DocumentStatus
    errors: tuple[StageError, ...] = ()
    call: CallMetadata = CallMetadata()
    audio: Audio | None = None
    language: str | None = None
    models: Models = Models()
    speech: bool | None = None
    """Whether anybody speaks in the recording; None when no stage could tell."""
    participants: tuple[Participant, ...] = ()
    turns: tuple[Turn, ...] = ()
    conversation: Conversation | None = None
    sentiment: CallSentiment | None = None
    acts: Mapping[str, int] | None = None
    """Act to how many sentences perform it: the agent's; of ``escalation_cue`` and ``profanity`` the customer's."""
    promises: tuple[PromiseMade, ...] = ()
    profanity: tuple[Profanity, ...] = ()
    escalation: Escalation | None = None
    quality: Quality | None = None
    scorecard: ScoreCard | None = None
    categories: tuple[Category, ...] = ()
    outcome: Outcome | None = None
    summary: Summary | None = None
    topics: tuple[Topic, ...] = ()
    keywords: tuple[Keyword, ...] = ()
    pii: tuple[PersonalData, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    provenance: Provenance


def json_schema() -> dict[str, object]:
    """JSON Schema of the document as it is written."""
    return CallDocument.model_json_schema(mode="serialization")

"""The events as typed, frozen records.

They mirror the newest ``.avsc`` of each subject field by field; ``tests/unit/test_contract.py`` proves it.
Times are integer milliseconds: ``*_at_ms`` since the epoch, ``start_ms`` and ``end_ms`` since the start of
the recording.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Identifier = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Milliseconds = Annotated[int, Field(ge=0)]


class Direction(StrEnum):
    """Who called whom, seen from the contact centre."""

    UNKNOWN = "unknown"
    INBOUND = "inbound"
    OUTBOUND = "outbound"


class Role(StrEnum):
    """A party's part in the call."""

    UNKNOWN = "unknown"
    AGENT = "agent"
    CUSTOMER = "customer"
    OTHER = "other"


class Layout(StrEnum):
    """What the recording's channels hold."""

    UNKNOWN = "unknown"
    MONO = "mono"
    STEREO = "stereo"
    FAKE_STEREO = "fake_stereo"


class StageStatus(StrEnum):
    """How a stage ended for a call."""

    UNKNOWN = "unknown"
    OK = "ok"
    FAILED = "failed"


class DocumentStatus(StrEnum):
    """How a call ended: ``partial`` when one part failed for good, ``failed`` when both did."""

    UNKNOWN = "unknown"
    COMPLETE = "complete"
    PARTIAL = "partial"
    FAILED = "failed"


class DiarizationMethod(StrEnum):
    """Where the speakers come from: the channels themselves, a model, or nowhere (no speech)."""

    UNKNOWN = "unknown"
    CHANNELS = "channels"
    MODEL = "model"


class Record(BaseModel):
    """Base of all records: immutable, strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Recording(Record):
    """Where the audio is and which role each channel carries, if known (index = channel)."""

    uri: Annotated[str, StringConstraints(min_length=1, max_length=4096)]
    channel_roles: tuple[Role, ...] = ()


class Call(Record):
    """What the telephony system knows of a call."""

    recording: Recording
    direction: Direction = Direction.UNKNOWN
    language_hint: str | None = None
    """BCP 47 primary tag such as ``ko`` or ``en``; None: detect."""
    speakers_hint: Annotated[int, Field(ge=1, le=32)] | None = None
    started_at_ms: Milliseconds | None = None
    ended_at_ms: Milliseconds | None = None
    agent_id: str | None = None
    queue: str | None = None
    attributes: Mapping[str, str] = {}


class StageError(Record):
    """Why a stage gave up."""

    stage: str
    code: str
    message: str


class Event(Record):
    """Envelope of every event.

    A *run* is one pass of a call through the pipeline; a replay is a new run with a higher revision.
    ``event_id`` is the same whenever the same stage answers the same run, so duplicates can be told.
    """

    SUBJECT: ClassVar[str]

    event_id: Identifier
    call_id: Identifier
    tenant: Identifier = "default"
    run_id: Identifier
    revision: Annotated[int, Field(ge=1)] = 1
    produced_at_ms: Milliseconds


class CallEnded(Event):
    """A call is over and its recording is there."""

    SUBJECT: ClassVar[str] = "call-ended"

    call: Call


class Audio(Record):
    """What the recording turned out to be. ``sample_rate_hz`` is the recording's own."""

    duration_ms: Milliseconds
    sample_rate_hz: int
    channels: int
    layout: Layout


class Word(Record):
    """One word with its time and the model's confidence, 0…1."""

    word: str
    start_ms: Milliseconds
    end_ms: Milliseconds
    confidence: float | None = None


class TranscriptSegment(Record):
    """A stretch of one channel's speech. In mono and fake stereo the channel is 0."""

    channel: int
    start_ms: Milliseconds
    end_ms: Milliseconds
    text: str
    confidence: float | None = None
    words: tuple[Word, ...] = ()


class SpeakerSegment(Record):
    """A stretch in which one speaker talks. ``channel`` is set where the channel is the speaker."""

    speaker: str
    channel: int | None = None
    start_ms: Milliseconds
    end_ms: Milliseconds


class StageEvent(Event):
    """What a speech stage says of a call: its result, or why there is none. ``call`` is carried along."""

    call: Call
    status: StageStatus
    error: StageError | None = None
    profile: str | None = None
    model: str | None = None
    audio: Audio | None = None
    processing_ms: Milliseconds = 0


class CallTranscribed(StageEvent):
    """The words of a call. No segments and status ``ok`` means that there was no speech."""

    SUBJECT: ClassVar[str] = "call-transcribed"

    language: str | None = None
    language_confidence: float | None = None
    segments: tuple[TranscriptSegment, ...] = ()


class CallDiarized(StageEvent):
    """The speakers of a call. No segments and status ``ok`` means that there was no speech."""

    SUBJECT: ClassVar[str] = "call-diarized"

    method: DiarizationMethod = DiarizationMethod.UNKNOWN
    segments: tuple[SpeakerSegment, ...] = ()


class PartySummary(Record):
    """One speaker's share of the call, without a word of what was said."""

    speaker: str
    role: Role
    role_confidence: float
    talk_time_ms: Milliseconds
    interruptions: int | None = None
    sentiment_label: str | None = None
    sentiment_score: float | None = None


class CallAnalyzed(Event):
    """The result for BI subscribers: figures only, the document in the store has the words."""

    SUBJECT: ClassVar[str] = "call-analyzed"

    status: DocumentStatus
    errors: tuple[StageError, ...] = ()
    direction: Direction = Direction.UNKNOWN
    agent_id: str | None = None
    queue: str | None = None
    language: str | None = None
    started_at_ms: Milliseconds | None = None
    ended_at_ms: Milliseconds | None = None
    duration_ms: Milliseconds | None = None
    non_talk_ms: Milliseconds | None = None
    parties: tuple[PartySummary, ...] = ()

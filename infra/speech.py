"""What the two speech services share: a job on one recording and the envelope of its answer."""

import hashlib
import time
from dataclasses import dataclass
from typing import Any

from infra.audio.load import load_recording
from infra.audio.policy import RecordingPolicy
from infra.audio.waveform import Waveform
from infra.profiles import Profile, ProfileBook, load_profiles
from infra.settings import ConsumerSettings, Settings
from schemas.document import CallDocument
from schemas.records import Audio, Call, CallEnded, Event


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechJob:
    """One recording for one profile."""

    call: Call
    profile: Profile


def event_id(of: Event | CallDocument, stage: str) -> str:
    """The id of a stage's answer: the same whenever the same stage answers the same run of the same call."""
    name = f"{of.tenant}\x1f{of.call_id}\x1f{of.run_id}\x1f{stage}"
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def envelope(event: Event, stage: str) -> dict[str, Any]:
    """The envelope fields of a stage's answer to an event."""
    return {
        "event_id": event_id(event, stage),
        "call_id": event.call_id,
        "tenant": event.tenant,
        "run_id": event.run_id,
        "revision": event.revision,
        "produced_at_ms": now_ms(),
    }


def recording_policy(settings: Settings) -> RecordingPolicy:
    """What the operator allows recordings to be."""
    return RecordingPolicy(
        allowed_roots=settings.allowed_roots,
        allowed_hosts=settings.allowed_hosts,
        allowed_buckets=settings.allowed_buckets,
        max_bytes=settings.max_recording_bytes,
        timeout_s=settings.recording_timeout_s,
        max_duration_s=settings.max_recording_s,
    )


def profile_book(settings: Settings) -> ProfileBook:
    """The installation's profiles. Fatal when the file is wrong."""
    return load_profiles(settings.profiles_file, model_cache=settings.model_cache)


def warm_profiles(settings: ConsumerSettings, book: ProfileBook) -> tuple[Profile, ...]:
    """The profiles whose models must work before a service is ready."""
    return tuple(book.get(name) for name in settings.warm_profiles or (book.default,))


def load(job: SpeechJob, policy: RecordingPolicy) -> Waveform:
    """The job's recording."""
    return load_recording(job.call.recording.uri, policy)


def describe(waveform: Waveform) -> Audio:
    """What a recording turned out to be, for the event."""
    return Audio(
        duration_ms=waveform.duration_ms,
        sample_rate_hz=waveform.source_rate_hz,
        channels=int(waveform.samples.shape[0]),
        layout=waveform.layout,
    )


def failed_envelope(event: CallEnded, stage: str) -> dict[str, Any]:
    """The fields of an answer that says that a stage gave up."""
    return {**envelope(event, stage), "call": event.call, "status": "failed"}

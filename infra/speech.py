"""What the two speech services share: their profiles, and a job on one recording."""

from dataclasses import dataclass

from infra.audio.load import load_recording
from infra.audio.policy import RecordingPolicy
from infra.audio.waveform import Waveform
from infra.profiles import Profile, ProfileBook, load_profiles
from infra.settings import ConsumerSettings, Settings
from schemas.records import Audio, Call


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechJob:
    """One recording for one profile."""

    call: Call
    profile: Profile


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

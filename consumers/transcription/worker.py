"""The part of the service that lives in the engine's process: recording in, words out."""

import time
from dataclasses import dataclass

from consumers.transcription.engine import FasterWhisperEngine, Transcript, TranscriptionEngine
from infra.audio.policy import RecordingPolicy
from infra.profiles import Profile
from infra.speech import SpeechJob, describe, load
from schemas.records import Audio


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcription:
    """A transcript and the recording that it is of."""

    audio: Audio
    processing_ms: int
    gpu_free_bytes: int | None = None
    transcript: Transcript


class TranscriptionWorker:
    """Transcribes one recording after the other with warm models."""

    def __init__(
        self, engine: TranscriptionEngine, *, policy: RecordingPolicy, warm: tuple[Profile, ...]
    ) -> None:
        self._engine = engine
        self._policy = policy
        self._warm = warm

    def warm_up(self) -> None:
        """Load every profile in use and prove that it yields its known words. Fatal otherwise."""
        for profile in self._warm:
            self._engine.self_test(profile.transcription)

    def run(self, job: SpeechJob) -> Transcription:
        """Transcribe the job's recording."""
        started_s = time.monotonic()
        waveform = load(job, self._policy)
        transcript = self._engine.transcribe(
            waveform, job.profile.transcription, language=job.call.language_hint
        )
        return Transcription(
            audio=describe(waveform),
            processing_ms=round((time.monotonic() - started_s) * 1000),
            transcript=transcript,
            gpu_free_bytes=self._gpu_free_bytes(),
        )

    def _gpu_free_bytes(self) -> int | None:
        memory = self._engine.gpu_memory_bytes()
        return memory[0] if memory else None


def make_worker(
    *,
    policy: RecordingPolicy,
    warm: tuple[Profile, ...],
    max_models: int,
    memory_budget_bytes: int | None,
) -> TranscriptionWorker:
    """Build the worker; called inside the engine's process."""
    engine = FasterWhisperEngine(max_models=max_models, memory_budget_bytes=memory_budget_bytes)
    return TranscriptionWorker(engine, policy=policy, warm=warm)

"""The part of the service that lives in the engine's process: recording in, speakers out."""

import time
from dataclasses import dataclass

from consumers.diarization.engine import Diarization, DiarizationEngine, PyannoteEngine
from infra.audio.policy import RecordingPolicy
from infra.profiles import Profile
from infra.speech import SpeechJob, describe, load
from schemas.records import Audio


@dataclass(frozen=True, slots=True, kw_only=True)
class DiarizedRecording:
    """The speakers and the recording that they are of."""

    audio: Audio
    processing_ms: int
    diarization: Diarization


class DiarizationWorker:
    """Diarizes one recording after the other with warm pipelines."""

    def __init__(
        self, engine: DiarizationEngine, *, policy: RecordingPolicy, warm: tuple[Profile, ...]
    ) -> None:
        self._engine = engine
        self._policy = policy
        self._warm = warm

    def warm_up(self) -> None:
        """Load and run the pipeline of every profile in use. Fatal when one does not work."""
        for profile in self._warm:
            self._engine.self_test(profile.diarization)

    def run(self, job: SpeechJob) -> DiarizedRecording:
        """Diarize the job's recording."""
        started_s = time.monotonic()
        waveform = load(job, self._policy)
        diarization = self._engine.diarize(waveform, job.profile.diarization, speakers=job.call.speakers_hint)
        return DiarizedRecording(
            audio=describe(waveform),
            processing_ms=round((time.monotonic() - started_s) * 1000),
            diarization=diarization,
        )


def make_worker(
    *, policy: RecordingPolicy, warm: tuple[Profile, ...], max_pipelines: int
) -> DiarizationWorker:
    """Build the worker; called inside the engine's process."""
    return DiarizationWorker(PyannoteEngine(max_pipelines=max_pipelines), policy=policy, warm=warm)

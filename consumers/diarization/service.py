"""A call that ended becomes a call that is diarized. No Kafka here."""

from collections.abc import Sequence
from functools import partial

from consumers.diarization.worker import DiarizedRecording
from infra import metrics
from infra.engine_host import EngineHost
from infra.envelope import envelope, failed_envelope
from infra.memory import Engine, StageMemory
from infra.profiles import Profile, ProfileBook
from infra.speech import SpeechJob
from infra.telemetry import engine_span
from schemas.records import CallDiarized, CallEnded, Event, StageError, StageStatus

STAGE = "diarization"
_PACKAGES = ("pyannote.audio",)


class DiarizationService:
    """Routes each call to its profile and has the engine find its speakers."""

    def __init__(
        self,
        host: EngineHost[SpeechJob, DiarizedRecording],
        book: ProfileBook,
        memory: StageMemory[CallDiarized],
    ) -> None:
        self._host = host
        self._book = book
        self._memory = memory

    async def handle(self, event: CallEnded) -> Sequence[Event]:
        """The speakers of the call, from memory where the same was asked before."""
        profile = self._book.route(event)
        spec = profile.diarization
        engine = Engine(profile=profile.name, spec=spec, model=spec.pipeline, packages=_PACKAGES)
        return (await self._memory.answer(event, engine, partial(self._diarize, event, profile)),)

    async def give_up(self, event: CallEnded, reason: StageError) -> Sequence[Event]:
        """The answer that there will be no speakers, and why."""
        return (CallDiarized(**failed_envelope(event, STAGE), error=reason),)

    async def _diarize(self, event: CallEnded, profile: Profile) -> CallDiarized:
        with engine_span(engine=STAGE, profile=profile.name):
            result = await self._host.run(SpeechJob(call=event.call, profile=profile))
        metrics.AUDIO_SECONDS.labels(STAGE).inc(result.audio.duration_ms / 1000)
        return CallDiarized(
            **envelope(event, STAGE),
            call=event.call,
            status=StageStatus.OK,
            profile=profile.name,
            model=result.diarization.model,
            audio=result.audio,
            processing_ms=result.processing_ms,
            method=result.diarization.method,
            segments=result.diarization.segments,
        )

"""A call that ended becomes a call that is transcribed. No Kafka here."""

from collections.abc import Sequence
from functools import partial

from consumers.transcription.worker import Transcription
from infra import metrics
from infra.engine_host import EngineHost
from infra.envelope import envelope, failed_envelope
from infra.memory import Engine, StageMemory
from infra.profiles import Profile, ProfileBook
from infra.speech import SpeechJob
from infra.telemetry import engine_span
from schemas.records import CallEnded, CallTranscribed, Event, StageError, StageStatus

STAGE = "transcription"
_PACKAGES = ("faster-whisper", "ctranslate2")


class TranscriptionService:
    """Routes each call to its profile and has the engine transcribe it."""

    def __init__(
        self,
        host: EngineHost[SpeechJob, Transcription],
        book: ProfileBook,
        memory: StageMemory[CallTranscribed],
    ) -> None:
        self._host = host
        self._book = book
        self._memory = memory

    async def handle(self, event: CallEnded) -> Sequence[Event]:
        """The words of the call, from memory where the same was asked before."""
        profile = self._book.route(event)
        spec = profile.transcription
        engine = Engine(profile=profile.name, spec=spec, model=spec.model, packages=_PACKAGES)
        return (await self._memory.answer(event, engine, partial(self._transcribe, event, profile)),)

    async def give_up(self, event: CallEnded, reason: StageError) -> Sequence[Event]:
        """The answer that there will be no words, and why."""
        return (CallTranscribed(**failed_envelope(event, STAGE), error=reason),)

    async def _transcribe(self, event: CallEnded, profile: Profile) -> CallTranscribed:
        with engine_span(engine=STAGE, profile=profile.name):
            result = await self._host.run(SpeechJob(call=event.call, profile=profile))
        if result.gpu_free_bytes is not None:
            metrics.GPU_FREE.labels(STAGE).set(result.gpu_free_bytes)
        metrics.AUDIO_SECONDS.labels(STAGE).inc(result.audio.duration_ms / 1000)
        return CallTranscribed(
            **envelope(event, STAGE),
            call=event.call,
            status=StageStatus.OK,
            profile=profile.name,
            model=result.transcript.model,
            audio=result.audio,
            processing_ms=result.processing_ms,
            language=result.transcript.language,
            language_confidence=result.transcript.language_confidence,
            segments=result.transcript.segments,
        )

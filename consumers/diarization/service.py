"""A call that ended becomes a call that is diarized. No Kafka here."""

from collections.abc import Sequence

from consumers.diarization.worker import DiarizedRecording
from infra import metrics
from infra.engine_host import EngineHost
from infra.envelope import envelope, failed_envelope
from infra.profiles import ProfileBook
from infra.speech import SpeechJob
from infra.telemetry import engine_span
from schemas.records import CallDiarized, CallEnded, Event, StageError, StageStatus

STAGE = "diarization"


class DiarizationService:
    """Routes each call to its profile and has the engine find its speakers."""

    def __init__(self, host: EngineHost[SpeechJob, DiarizedRecording], book: ProfileBook) -> None:
        self._host = host
        self._book = book

    async def handle(self, event: CallEnded) -> Sequence[Event]:
        """The speakers of the call."""
        profile = self._book.route(event)
        with engine_span(engine=STAGE, profile=profile.name):
            result = await self._host.run(SpeechJob(call=event.call, profile=profile))
        metrics.AUDIO_SECONDS.labels(STAGE).inc(result.audio.duration_ms / 1000)
        return (
            CallDiarized(
                **envelope(event, STAGE),
                call=event.call,
                status=StageStatus.OK,
                profile=profile.name,
                model=result.diarization.model,
                audio=result.audio,
                processing_ms=result.processing_ms,
                method=result.diarization.method,
                segments=result.diarization.segments,
            ),
        )

    async def give_up(self, event: CallEnded, reason: StageError) -> Sequence[Event]:
        """The answer that there will be no speakers, and why."""
        return (CallDiarized(**failed_envelope(event, STAGE), error=reason),)

"""The parts of a call become its document. No Kafka here.

The join is durable and stateless: each part goes into the store's assembly in one atomic step that returns what
there is; whoever completes it analyses the call. A part that comes again does no harm.
"""

from collections.abc import Sequence

from consumers.analysis.assistant import Assistant
from consumers.analysis.summary import summarise
from consumers.analysis.worker import AnalysisJob
from infra.engine_host import EngineHost
from infra.envelope import event_id, now_ms
from infra.store import Store
from infra.telemetry import engine_span
from schemas.document import CallDocument, CallMetadata, Models, Provenance
from schemas.records import CallDiarized, CallTranscribed, DocumentStatus, Event, StageError

STAGE = "analysis"

Part = CallTranscribed | CallDiarized


class AnalysisService:
    """Joins, analyses, stores, announces: in this order."""

    def __init__(
        self,
        host: EngineHost[AnalysisJob, CallDocument],
        store: Store,
        *,
        assistant: Assistant | None = None,
    ) -> None:
        self._host = host
        self._store = store
        self._assistant = assistant

    async def handle(self, part: Part) -> Sequence[Event]:
        """The call's result, once both parts are there; nothing before."""
        assembly = await self._store.assemble(part)
        if assembly.transcribed is None or assembly.diarized is None:
            return ()
        with engine_span(engine=STAGE):
            document = await self._host.run(
                AnalysisJob(transcribed=assembly.transcribed, diarized=assembly.diarized)
            )
        if self._assistant is not None:
            document = await self._assistant.add_to(document)
        return await self._store_and_announce(document)

    async def give_up(self, part: Part, reason: StageError) -> Sequence[Event]:
        """A document that says why the call could not be analysed, so that the call still ends in one."""
        return await self._store_and_announce(_failed_document(part, reason))

    async def _store_and_announce(self, document: CallDocument) -> Sequence[Event]:
        await self._store.save(document)
        return (summarise(document, event_id=event_id(document, STAGE), produced_at_ms=now_ms()),)


def _failed_document(part: Part, reason: StageError) -> CallDocument:
    return CallDocument(
        call_id=part.call_id,
        tenant=part.tenant,
        run_id=part.run_id,
        revision=part.revision,
        status=DocumentStatus.FAILED,
        errors=(*((part.error,) if part.error else ()), reason),
        call=CallMetadata.of(part.call),
        audio=part.audio,
        models=Models(profile=part.profile),
        provenance=Provenance(analysis="none", speakers_from="none"),
    )

"""Parts and documents for the tests of the store."""

from schemas.document import CallDocument, Provenance
from schemas.records import (
    Call,
    CallDiarized,
    CallTranscribed,
    DocumentStatus,
    Recording,
    SpeakerSegment,
    StageError,
    StageStatus,
    TranscriptSegment,
)

CALL = Call(recording=Recording(uri="file:///srv/a.wav"))


def a_failed_part(call_id: str = "call-1", *, run_id: str = "1") -> CallTranscribed:
    return a_transcribed(call_id, run_id=run_id).model_copy(
        update={
            "status": StageStatus.FAILED,
            "error": StageError(stage="transcription", code="timeout", message="no words"),
            "segments": (),
        }
    )


def a_transcribed(call_id: str = "call-1", *, run_id: str = "1", text: str = "안녕하세요") -> CallTranscribed:
    return CallTranscribed(
        event_id="t",
        call_id=call_id,
        run_id=run_id,
        produced_at_ms=1,
        call=CALL,
        status=StageStatus.OK,
        segments=(TranscriptSegment(channel=0, start_ms=0, end_ms=900, text=text),),
    )


def a_diarized(call_id: str = "call-1", *, run_id: str = "1", tenant: str = "default") -> CallDiarized:
    return CallDiarized(
        event_id="d",
        call_id=call_id,
        tenant=tenant,
        run_id=run_id,
        produced_at_ms=2,
        call=CALL,
        status=StageStatus.OK,
        segments=(SpeakerSegment(speaker="A", start_ms=0, end_ms=900),),
    )


def a_document(
    call_id: str = "call-1",
    *,
    revision: int = 1,
    run_id: str | None = None,
    analysis: str = "1",
    status: DocumentStatus = DocumentStatus.COMPLETE,
) -> CallDocument:
    return CallDocument(
        call_id=call_id,
        run_id=run_id or str(revision),
        revision=revision,
        status=status,
        provenance=Provenance(analysis=analysis, speakers_from="none"),
    )

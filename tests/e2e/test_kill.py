"""kill -9 of any service while calls are in flight loses no call and doubles no document."""

import pytest

from schemas.records import DocumentStatus
from schemas.topics import STAGES
from tests.e2e.conftest import Pipeline, await_condition, sample

pytestmark = [pytest.mark.fault, pytest.mark.timeout(420)]

CALLS = 6


@pytest.mark.parametrize("stage", STAGES)
def test_a_killed_service_that_comes_back_ends_with_one_document_a_call(
    pipeline: Pipeline, stage: str
) -> None:
    ids = [f"kill-{stage}-{number}" for number in range(CALLS)]
    pipeline.publish([sample("sample-en-callback", call_id=call_id) for call_id in ids])
    await_condition(
        lambda: any(pipeline.find(call_id) for call_id in ids), within_s=120, what="the first of the calls"
    )
    assert not all(pipeline.find(call_id) for call_id in ids), "nothing was in flight any more"
    pipeline.local.kill(stage)
    pipeline.local.start(stage)
    documents = pipeline.documents(ids, within_s=240)
    assert {document.status for document in documents.values()} == {DocumentStatus.COMPLETE}
    for call_id in ids:
        for collection in ("calls", "call_revisions"):
            assert pipeline.in_store(lambda s, c=collection, i=call_id: s.count(c, {"call_id": i})) == 1


def test_a_service_that_is_asked_to_stop_ends_by_itself(pipeline: Pipeline) -> None:
    """SIGTERM: drain, commit, exit 0; what was in flight is in a document once the service is back."""
    pipeline.publish([sample("sample-en-callback", call_id="terminated")])
    assert pipeline.local.terminate("transcription") == 0
    pipeline.local.start("transcription")
    assert pipeline.documents(["terminated"])["terminated"].status is DocumentStatus.COMPLETE

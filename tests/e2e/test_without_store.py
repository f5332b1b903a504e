"""A speech service needs the store for its memory alone, and does its work without it."""

from collections.abc import Iterator

import pytest

from schemas.records import DocumentStatus
from tests.e2e.conftest import Pipeline, sample

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

NOBODY_THERE = "mongodb://127.0.0.1:9"


@pytest.fixture(params=["transcription", "diarization"])
def stage_without_store(pipeline: Pipeline, request: pytest.FixtureRequest) -> Iterator[str]:
    """A service that was started where no store answers."""
    stage: str = request.param
    pipeline.local.terminate(stage)
    pipeline.local.start(stage, {"CALLYTICS_MONGO_URL": NOBODY_THERE})
    yield stage
    pipeline.local.terminate(stage)
    pipeline.local.start(stage)


def test_a_speech_service_starts_and_answers_where_no_store_is(
    pipeline: Pipeline, stage_without_store: str
) -> None:
    call_id = f"no-store-for-{stage_without_store}"
    pipeline.publish([sample("sample-en-callback", call_id=call_id)])
    document = pipeline.documents([call_id])[call_id]
    assert document.status is DocumentStatus.COMPLETE
    assert b'"store_away"' in pipeline.local.log(stage_without_store).read_bytes()

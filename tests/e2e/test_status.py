"""Every call is accounted for, and a dead letter that is redriven completes its call."""

import json
import shutil
from typing import Any

import pytest

from schemas.records import DocumentStatus
from tests.e2e.conftest import SAMPLES, Pipeline, await_condition, sample

pytestmark = [pytest.mark.integration, pytest.mark.timeout(420)]


def _status(pipeline: Pipeline) -> dict[str, Any]:
    asked = pipeline.callytics("status", "--since", "1d", "--json")
    assert asked.returncode == 0, asked.stderr
    account: dict[str, Any] = json.loads(asked.stdout)
    return account


def test_calls_in_are_documents_and_calls_on_their_way_and_none_is_lost(pipeline: Pipeline) -> None:
    before = _status(pipeline)
    ids = ["counted-1", "counted-2"]
    pipeline.publish([sample("sample-en-callback", call_id=call_id) for call_id in ids])
    during = _status(pipeline)
    assert during["calls"] == before["calls"] + 2
    assert during["calls"] == sum(during["documents"].values()) + during["unfinished"]
    assert during["lost"] == []
    pipeline.documents(ids)
    after = _status(pipeline)
    assert after["documents"]["complete"] >= before["documents"].get("complete", 0) + 2


def test_the_figures_can_be_exported_to_prometheus(pipeline: Pipeline) -> None:
    exported = pipeline.callytics("status", "--prometheus")
    assert exported.returncode == 0, exported.stderr
    assert "callytics_status_lost 0.0" in exported.stdout
    assert 'callytics_status_in_flight{stage="analysis"}' in exported.stdout


def test_a_redrive_completes_a_call_whose_recording_came_late(pipeline: Pipeline) -> None:
    """Missing at first: a failed document and two dead letters; there later: redriven, the document is complete."""
    recording = pipeline.recordings / "late.flac"
    recording.unlink(missing_ok=True)
    body = sample("sample-en-callback", call_id="came-late", recording=str(recording))
    pipeline.publish([body])
    assert pipeline.documents(["came-late"])["came-late"].status is DocumentStatus.FAILED

    def letters(*more: str) -> list[dict[str, Any]]:
        listed = pipeline.callytics("dlq", "list", "--call", "came-late", "--json", *more)
        assert listed.returncode == 0, listed.stderr
        return [json.loads(line) for line in listed.stdout.splitlines()]

    await_condition(lambda: len(letters()) == 2, within_s=60, what="the two dead letters")
    assert {letter["code"] for letter in letters()} == {"input_missing"}
    shutil.copy(SAMPLES / "en-callback.flac", recording)
    redriven = pipeline.callytics("dlq", "redrive", "--call", "came-late", "--yes")
    assert redriven.returncode == 0, redriven.stderr

    def is_complete() -> bool:
        pipeline.local.check()
        found = pipeline.find("came-late")
        return found is not None and found.status is DocumentStatus.COMPLETE

    await_condition(is_complete, within_s=120, what="the complete document")
    document = pipeline.find("came-late")
    assert document is not None
    assert (document.revision, document.errors) == (1, ())
    assert letters() == []
    assert {letter["state"] for letter in letters("--all")} == {"redriven"}
    assert _status(pipeline)["lost"] == []
    _redriven_traces_are_linked(pipeline)


def _redriven_traces_are_linked(pipeline: Pipeline) -> None:
    """A redriven record begins a trace of its own, linked to that in which it failed."""

    def spans(service: str) -> list[dict[str, Any]]:
        return [
            span
            for span in list(pipeline.collector.spans)
            if span["service"] == f"callytics-{service}"
            and span["attributes"].get("messaging.message.conversation_id") == "came-late"
        ]

    await_condition(lambda: len(spans("redrive")) == 2, within_s=30, what="the spans of the redrive")
    failed = {span["trace"] for stage in ("transcription", "diarization") for span in spans(stage)}
    for span in spans("redrive"):
        assert span["parent"] == ""
        assert set(span["links"]) <= failed - {span["trace"]}
        assert len(span["links"]) == 1

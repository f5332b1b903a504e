"""One trace a call, from the publisher through all three services to the store."""

import json
from typing import Any

import pytest

from tests.e2e.conftest import Pipeline, await_condition, sample

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

Span = dict[str, Any]


def test_the_spans_of_one_call_form_one_tree_across_the_processes(pipeline: Pipeline) -> None:
    body = json.dumps(sample("sample-en-callback", call_id="traced"))
    published = pipeline.callytics("publish", "--from", "-", given=body)
    assert published.returncode == 0, published.stderr
    pipeline.documents(["traced"])

    def spans() -> list[Span]:
        kept = list(pipeline.collector.spans)
        mine = next(
            (s for s in kept if s["attributes"].get("messaging.message.conversation_id") == "traced"), None
        )
        return [s for s in kept if mine and s["trace"] == mine["trace"]]

    def of(name: str) -> list[Span]:
        return [span for span in spans() if span["name"] == name]

    await_condition(lambda: len(of("send calls.analyzed")) == 1, within_s=30, what="the last span")
    await_condition(
        lambda: len(of("process calls.ended")) == 2, within_s=30, what="both speech services' spans"
    )
    by_id = {span["id"]: span for span in spans()}
    root = of("send calls.ended")
    assert len(root) == 1
    assert root[0]["parent"] == ""
    assert root[0]["service"] == "callytics-publisher"
    assert {(s["service"], by_id[s["parent"]]["name"]) for s in of("process calls.ended")} == {
        ("callytics-transcription", "send calls.ended"),
        ("callytics-diarization", "send calls.ended"),
    }
    for topic in ("calls.transcribed", "calls.diarized"):
        (processed,) = of(f"process {topic}")
        assert processed["service"] == "callytics-analysis"
        assert by_id[processed["parent"]]["name"] == f"send {topic}"
    (stored,) = of("bulkWrite calls")
    (announced,) = of("send calls.analyzed")
    assert stored["parent"] == announced["parent"]
    assert by_id[stored["parent"]]["name"] in {"process calls.transcribed", "process calls.diarized"}
    assert {"run transcription", "run diarization", "run analysis"} <= {span["name"] for span in spans()}

"""The commands of an operator against a running pipeline, each as a process of its own."""

import json

import pytest
from aiokafka import AIOKafkaConsumer

from schemas.document import CallDocument
from schemas.topics import dead_letter_topic
from tests.e2e.conftest import Pipeline, sample

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


def test_calls_published_from_stdin_can_be_shown(pipeline: Pipeline) -> None:
    """Many calls as JSON Lines; each answer names its call; ``show --json`` prints the document."""
    ids = ["stdin-1", "stdin-2"]
    lines = "\n".join(json.dumps(sample("sample-en-callback", call_id=call_id)) for call_id in ids)
    published = pipeline.callytics("publish", "--from", "-", "--json", given=lines)
    assert published.returncode == 0, published.stderr
    assert [json.loads(line)["call_id"] for line in published.stdout.splitlines()] == ids
    pipeline.documents(ids)
    shown = pipeline.callytics("show", "stdin-2", "--json")
    assert shown.returncode == 0, shown.stderr
    assert CallDocument.model_validate_json(shown.stdout) == pipeline.find("stdin-2")


def test_one_call_can_be_published_from_options(pipeline: Pipeline) -> None:
    body = sample("sample-en-callback")
    options = ["--recording", body["recording"], "--call-id", "from-options", "--queue", "demo"]
    published = pipeline.callytics("publish", *options, "--role", "agent", "--role", "customer")
    assert (published.returncode, published.stdout) == (0, "published from-options\n")
    document = pipeline.documents(["from-options"])["from-options"]
    assert [participant.role for participant in document.participants] == ["agent", "customer"]


def test_a_wrong_line_publishes_nothing_and_is_named(pipeline: Pipeline) -> None:
    lines = json.dumps(sample("sample-en-callback", call_id="beside-a-wrong-line")) + '\n{"queue": "demo"}\n'
    refused = pipeline.callytics("publish", "--from", "-", given=lines)
    assert refused.returncode == 1
    assert "line 2: recording" in refused.stderr
    assert pipeline.find("beside-a-wrong-line") is None


def test_showing_a_call_that_is_not_there_is_an_error(pipeline: Pipeline) -> None:
    shown = pipeline.callytics("show", "nobody")
    assert shown.returncode == 1
    assert "nobody" in shown.stderr


async def test_what_a_stage_gave_up_on_is_a_dead_letter_with_its_bytes_and_reason(pipeline: Pipeline) -> None:
    """The document comes before the dead letter, so the letter is waited for, not expected at once."""
    pipeline.publish([{"recording": "/nowhere/x.wav", "call_id": "buried", "queue": "demo"}])
    pipeline.documents(["buried"])
    consumer = AIOKafkaConsumer(
        dead_letter_topic("transcription"),
        bootstrap_servers=pipeline.local.settings.kafka_bootstrap,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    try:
        async for record in consumer:
            if record.key == b"buried":
                break
    finally:
        await consumer.stop()
    headers = dict(record.headers)
    assert headers["x-original-topic"] == b"calls.ended"
    assert headers["x-error-code"] == b"input_forbidden"
    assert record.value.startswith(b"\xc3\x01")

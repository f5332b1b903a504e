"""``callytics dlq`` against a real broker: found, shown, sent again untouched, discarded."""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from aiokafka import ConsumerRecord
from typer.testing import CliRunner, Result

from infra.bus import headers
from infra.bus.admin import create_topics
from infra.bus.dead_letters import DeadLetters
from infra.bus.scan import scan
from infra.envelope import now_ms
from infra.errors import ErrorCode, Poison
from infra.service import running_publisher
from infra.settings import Settings
from infra.stack import EmbeddedStack
from ops.cli.main import app
from schemas.codec import Codec
from schemas.records import Call, CallEnded, CallTranscribed, Recording, StageStatus, TranscriptSegment
from schemas.topics import CALLS_ENDED, CALLS_TRANSCRIBED, RETRY_TIERS, retry_topic

pytestmark = pytest.mark.integration

CALL = Call(recording=Recording(uri="file:///srv/1.wav"))
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
SAID = "카드 번호를 말씀해 주세요"


def _ended(call_id: str) -> CallEnded:
    return CallEnded(event_id=call_id, call_id=call_id, run_id="1", produced_at_ms=1, call=CALL)


def _transcribed(call_id: str) -> CallTranscribed:
    segment = TranscriptSegment(channel=0, start_ms=0, end_ms=900, text=SAID)
    return CallTranscribed(
        event_id=call_id,
        call_id=call_id,
        run_id="1",
        produced_at_ms=1,
        call=CALL,
        status=StageStatus.OK,
        segments=(segment,),
    )


def _record(topic: str, key: str, value: bytes) -> ConsumerRecord:
    return ConsumerRecord(
        topic=topic,
        partition=5,
        offset=7,
        timestamp=now_ms(),
        timestamp_type=0,
        key=key.encode(),
        value=value,
        checksum=None,
        serialized_key_size=None,
        serialized_value_size=None,
        headers=[("traceparent", TRACEPARENT.encode())],
    )


LETTERS: Sequence[tuple[str, ErrorCode, ConsumerRecord]] = (
    (
        "transcription",
        ErrorCode.INPUT_MISSING,
        _record(CALLS_ENDED.name, "call-1", Codec().encode(_ended("call-1"))),
    ),
    (
        "transcription",
        ErrorCode.ENGINE_CRASH,
        _record(CALLS_ENDED.name, "call-2", Codec().encode(_ended("call-2"))),
    ),
    ("diarization", ErrorCode.DECODE, _record(CALLS_ENDED.name, "call-3", b"\x00no event")),
    (
        "analysis",
        ErrorCode.BUG,
        _record(CALLS_TRANSCRIBED.name, "call-1", Codec().encode(_transcribed("call-1"))),
    ),
)


async def _bury(settings: Settings) -> None:
    await create_topics(settings)
    async with running_publisher(settings) as publisher:
        for stage, code, record in LETTERS:
            letters = DeadLetters(publisher, stage=stage)
            await letters.bury(record, Poison(code, f"no luck with {record.key.decode()}"))


async def _all(settings: Settings, topic: str) -> list[ConsumerRecord]:
    return [record async for record in scan(settings, topic)]


class Office:
    """The command on a broker that holds the four letters."""

    def __init__(self, settings: Settings, environment: Mapping[str, str]) -> None:
        self.settings = settings
        self._environment = environment

    def run(self, *arguments: str, code: int = 0) -> Result:
        result = CliRunner().invoke(app, ["dlq", *arguments], env=dict(self._environment))
        assert result.exit_code == code, result.output
        return result

    def listed(self, *arguments: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.run("list", "--json", *arguments).stdout.splitlines()]

    def calls(self, *arguments: str) -> set[tuple[str, str]]:
        return {(letter["stage"], letter["call_id"]) for letter in self.listed(*arguments)}

    def records(self, topic: str) -> list[ConsumerRecord]:
        return asyncio.run(_all(self.settings, topic))


@pytest.fixture
def office() -> Iterator[Office]:
    with EmbeddedStack() as stack:
        settings = Settings(kafka_bootstrap=stack.addresses.kafka_bootstrap, kafka_idempotence=False)
        asyncio.run(_bury(settings))
        yield Office(settings, stack.addresses.environment())


def test_letters_are_listed_and_found_by_stage_topic_code_time_and_call(office: Office) -> None:
    everything = {(stage, record.key.decode()) for stage, _, record in LETTERS}
    assert office.calls() == everything
    assert office.calls("--stage", "diarization", "--stage", "analysis") == {
        ("diarization", "call-3"),
        ("analysis", "call-1"),
    }
    assert office.calls("--topic", "calls.transcribed") == {("analysis", "call-1")}
    assert office.calls("--code", "engine_crash") == {("transcription", "call-2")}
    assert office.calls("--call", "call-1") == {("transcription", "call-1"), ("analysis", "call-1")}
    assert office.calls("--since", "1h") == everything
    assert office.calls("--until", "1h") == set()
    assert len(office.listed("--limit", "2")) == 2
    (letter,) = office.listed("--code", "input_missing")
    assert (letter["attempt"], letter["message"], letter["state"]) == (1, "no luck with call-1", "open")
    assert letter["letter"] in office.run("list").stdout


def test_a_letter_is_shown_with_its_headers_but_without_a_word_of_the_call(
    office: Office, tmp_path: Path
) -> None:
    (letter,) = office.listed("--stage", "analysis")
    shown = office.run("show", letter["letter"]).stdout
    assert SAID not in shown
    body = json.loads(shown)
    assert body["event_type"] == "CallTranscribed"
    assert body["headers"]["x-original-topic"] == "calls.transcribed"
    assert body["event"]["call_id"] == "call-1"
    raw = tmp_path / "letter.avro"
    assert SAID in office.run("show", letter["letter"], "--payload", "--raw", str(raw)).stdout
    assert raw.read_bytes() == LETTERS[3][2].value
    (undecodable,) = office.listed("--code", "decode")
    assert json.loads(office.run("show", undecodable["letter"]).stdout)["event_type"] is None


def test_a_redrive_is_a_dry_run_until_it_is_confirmed(office: Office) -> None:
    assert "would redrive 2 letters" in office.run("redrive", "--stage", "transcription").stdout
    assert office.records(retry_topic("transcription", RETRY_TIERS[0])) == []
    assert len(office.listed()) == 4


def test_a_redrive_sends_the_same_bytes_to_the_stage_alone_and_only_once(office: Office) -> None:
    before_ms = now_ms()
    assert "redrove 1 letters" in office.run("redrive", "--code", "input_missing", "--yes").stdout
    (sent,) = office.records(retry_topic("transcription", RETRY_TIERS[0]))
    original = LETTERS[0][2]
    assert (sent.key, sent.value) == (original.key, original.value)
    assert before_ms <= (headers.number(sent.headers, headers.NOT_BEFORE) or 0) <= now_ms()
    assert headers.text(sent.headers, headers.REDRIVE_ID)
    assert headers.text(sent.headers, headers.ORIGINAL_OFFSET) == "7"
    assert headers.text(sent.headers, headers.FIRST_FAILED_AT)
    forgotten = {headers.ATTEMPT, headers.ERROR_CODE, headers.ERROR_CLASS, headers.ERROR_MESSAGE}
    assert forgotten.isdisjoint(name for name, _ in sent.headers)
    assert office.records(retry_topic("diarization", RETRY_TIERS[0])) == []

    assert ("transcription", "call-1") not in office.calls()
    (letter,) = [one for one in office.listed("--all") if one["code"] == "input_missing"]
    assert letter["state"] == "redriven"
    refused = office.run("redrive", letter["letter"], "--yes", code=1)
    assert isinstance(refused.exception, Poison)
    assert "--again" in refused.exception.message
    office.run("redrive", letter["letter"], "--again", "--yes")
    assert len(office.records(retry_topic("transcription", RETRY_TIERS[0]))) == 2


def test_a_discarded_letter_is_listed_no_more_and_sent_nowhere(office: Office) -> None:
    (letter,) = office.listed("--code", "decode")
    assert "would discard 1 letters" in office.run("discard", letter["letter"]).stdout
    assert len(office.listed()) == 4
    office.run("discard", letter["letter"], "--yes")
    assert len(office.listed()) == 3
    assert {one["state"] for one in office.listed("--all")} == {"open", "discarded"}
    assert office.records(retry_topic("diarization", RETRY_TIERS[0])) == []


def test_a_letter_that_is_not_there_and_a_place_that_is_none_are_refused(office: Office) -> None:
    assert isinstance(office.run("show", "analysis:0:99999", code=1).exception, Poison)
    assert "STAGE:PARTITION:OFFSET" in office.run("show", "0:99999", code=2).stderr

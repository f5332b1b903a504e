"""What leaves for the broker: events under their key, dead letters and retries with their bytes untouched."""

from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka import ConsumerRecord
from aiokafka.errors import KafkaConnectionError, MessageSizeTooLargeError
from aiokafka.structs import ConsumerRecord as Received

from infra.bus.dead_letters import DeadLetters
from infra.bus.publisher import Publisher
from infra.bus.retries import Retries
from infra.envelope import now_ms
from infra.errors import ErrorCode, Poison, Retryable, Unavailable
from schemas.codec import Codec
from schemas.records import Call, CallEnded, CallTranscribed, Recording, StageStatus
from schemas.topics import CALLS_ENDED, CALLS_TRANSCRIBED, Lane, replay_topic

ENDED = CallEnded(
    event_id="e-1",
    call_id="call-1",
    run_id="1",
    produced_at_ms=1,
    call=Call(recording=Recording(uri="file:///srv/a.wav")),
)
ANSWER = CallTranscribed(
    event_id="a-1", call_id="call-1", run_id="1", produced_at_ms=2, call=ENDED.call, status=StageStatus.OK
)


def _record(value: bytes, *, headers: Sequence[tuple[str, bytes]] = ()) -> ConsumerRecord:
    return Received(
        topic=CALLS_ENDED.name,
        partition=3,
        offset=42,
        timestamp=1_700_000_000_000,
        timestamp_type=0,
        key=b"call-1",
        value=value,
        checksum=None,
        serialized_key_size=6,
        serialized_value_size=len(value),
        headers=tuple(headers),
    )


class Producer:
    """aiokafka's producer as far as the publisher uses it; it keeps what it was given."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.sent: list[tuple[str, dict[str, Any]]] = []

    async def send_and_wait(self, topic: str, **record: object) -> None:
        if self.error:
            raise self.error
        self.sent.append((topic, record))


async def test_events_go_to_their_topic_under_the_calls_key() -> None:
    producer = Producer()
    await Publisher(producer, Codec()).publish_all([ANSWER, ENDED])
    assert sorted((topic, record["key"]) for topic, record in producer.sent) == [
        (CALLS_ENDED.name, b"call-1"),
        (CALLS_TRANSCRIBED.name, b"call-1"),
    ]
    values = {topic: record["value"] for topic, record in producer.sent}
    assert Codec().decode(values[CALLS_ENDED.name], CallEnded) == ENDED


@pytest.mark.parametrize("error", [KafkaConnectionError(), TimeoutError()])
async def test_a_record_that_is_not_confirmed_is_the_brokers_fault(error: Exception) -> None:
    with pytest.raises(Unavailable, match=r"calls\.ended"):
        await Publisher(Producer(error), Codec()).publish(ENDED)


async def test_a_record_that_is_too_large_is_poison() -> None:
    """Waiting for the broker would never end: it will not take it tomorrow either."""
    with pytest.raises(Poison) as caught:
        await Publisher(Producer(MessageSizeTooLargeError()), Codec()).publish(ENDED)
    assert caught.value.code is ErrorCode.INPUT_TOO_LARGE


async def test_a_dead_letter_keeps_bytes_and_key_and_says_why() -> None:
    producer = Producer()
    letters = DeadLetters(Publisher(producer, Codec()), stage="transcription")
    record = _record(b"\xff\x00raw", headers=[("pbx", b"7"), ("x-error-code", b"old")])
    await letters.bury(record, Poison(ErrorCode.DECODE, "damaged"))
    ((topic, sent),) = producer.sent
    assert topic == "calls.transcription.dlq"
    assert (sent["key"], sent["value"]) == (b"call-1", b"\xff\x00raw")
    headers = dict(sent["headers"])
    assert len(headers) == len(sent["headers"]), "headers of an earlier burial are replaced"
    assert headers["pbx"] == b"7"
    assert headers["x-error-code"] == b"decode"
    assert headers["x-error-message"] == b"damaged"
    assert headers["x-error-class"] == b"Poison"
    place = (headers["x-original-topic"], headers["x-original-partition"], headers["x-original-offset"])
    assert place == (b"calls.ended", b"3", b"42")


async def test_replayed_events_go_to_the_lane_beside_their_topic() -> None:
    producer = Producer()
    await Publisher(producer, Codec()).publish(ANSWER, Lane.REPLAY)
    assert [topic for topic, _ in producer.sent] == [replay_topic(CALLS_TRANSCRIBED).name]


async def test_what_is_known_of_the_first_failure_is_kept() -> None:
    """A letter that was retried names the topic that it came from first, and counts its attempts."""
    producer = Producer()
    first = [
        ("x-original-topic", b"calls.ended.replay"),
        ("x-original-offset", b"7"),
        ("x-first-failed-at", b"2026-01-01T00:00:00.000+00:00"),
        ("x-attempt", b"3"),
        ("x-not-before", b"5"),
    ]
    await DeadLetters(Publisher(producer, Codec()), stage="transcription").bury(
        _record(b"raw", headers=first), Retryable(ErrorCode.TRANSIENT, "away")
    )
    headers = dict(producer.sent[0][1]["headers"])
    assert {name: headers[name] for name, _ in first[:3]} == dict(first[:3])
    assert headers["x-attempt"] == b"4"
    assert "x-not-before" not in headers


async def test_no_header_carries_a_telephone_number_or_an_address() -> None:
    producer = Producer()
    await DeadLetters(Publisher(producer, Codec()), stage="transcription").bury(
        _record(b"raw"),
        Poison(ErrorCode.INPUT_MISSING, "/srv/010-1234-5678/kim@example.org.wav is not there"),
    )
    assert dict(producer.sent[0][1]["headers"])["x-error-message"] == b"/srv/***/*** is not there"


async def test_a_letter_that_the_broker_refuses_is_not_dropped() -> None:
    """It blocks until an operator has made room: Unavailable is waited for."""
    letters = DeadLetters(Publisher(Producer(MessageSizeTooLargeError()), Codec()), stage="analysis")
    with pytest.raises(Unavailable, match=r"max\.message\.bytes"):
        await letters.bury(_record(b"raw"), Poison(ErrorCode.DECODE, "damaged"))


async def test_a_postponed_record_keeps_its_bytes_and_says_when_it_is_due() -> None:
    producer = Producer()
    retries = Retries(Publisher(producer, Codec()), stage="diarization")
    before = now_ms()
    tier = await retries.postpone(
        _record(b"raw", headers=[("x-attempt", b"1")]), Retryable(ErrorCode.TRANSIENT, "x")
    )
    ((topic, sent),) = producer.sent
    assert (tier and tier.name, topic) == ("5m", "calls.diarization.retry.5m")
    assert (sent["key"], sent["value"]) == (b"call-1", b"raw")
    due_ms = int(dict(sent["headers"])["x-not-before"])
    assert before + 300_000 <= due_ms <= now_ms() + 300_000


async def test_poison_is_never_postponed() -> None:
    producer = Producer()
    retries = Retries(Publisher(producer, Codec()), stage="diarization")
    assert await retries.postpone(_record(b"raw"), Poison(ErrorCode.INPUT_MISSING, "x")) is None
    assert producer.sent == []

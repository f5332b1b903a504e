"""What happens to a record from its bytes to its answer, and in which order."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import pytest
from aiokafka import ConsumerRecord
from aiokafka.errors import KafkaConnectionError, MessageSizeTooLargeError
from aiokafka.structs import ConsumerRecord as Received
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from infra.bus.dead_letters import DeadLetters
from infra.bus.publisher import Publisher
from infra.bus.stage import Stage, StageProcessor
from infra.errors import CallyticsError, ErrorCode, Fatal, Poison, Retryable, Unavailable
from infra.settings import ConsumerSettings
from schemas.codec import Codec, EncodeError
from schemas.records import Call, CallEnded, CallTranscribed, Event, Recording, StageError, StageStatus
from schemas.topics import CALLS_ENDED, CALLS_TRANSCRIBED

SECRET = "고객님 주민번호"  # noqa: S105 -- stands for what a customer says, which must stay out of all messages
ATTEMPTS = 3

ENDED = CallEnded(
    event_id="e-1",
    call_id="call-1",
    run_id="1",
    produced_at_ms=1,
    call=Call(recording=Recording(uri="file:///srv/a.wav")),
)


def _answer(*, error: StageError | None = None) -> CallTranscribed:
    return CallTranscribed(
        event_id="a-1",
        call_id="call-1",
        run_id="1",
        produced_at_ms=2,
        call=ENDED.call,
        status=StageStatus.FAILED if error else StageStatus.OK,
        error=error,
    )


class Rig:
    """A stage whose effects are recorded in their order; each effect can be made to fail first."""

    def __init__(self, *failures: Exception, endless: Exception | None = None) -> None:
        self.effects: list[str] = []
        self.published: list[Event] = []
        self.buried: list[CallyticsError] = []
        self.reasons: list[StageError] = []
        self.handled = 0
        self.failures = list(failures)
        self.endless = endless
        self.publish_failures: list[Exception] = []
        self.bury_failures: list[Exception] = []
        self.give_up_failures: list[Exception] = []

    async def handle(self, event: CallEnded) -> Sequence[Event]:
        assert event == ENDED
        self.handled += 1
        if self.failures:
            raise self.failures.pop(0)
        if self.endless:
            raise self.endless
        return (_answer(),)

    async def give_up(self, event: CallEnded, reason: StageError) -> Sequence[Event]:
        assert event == ENDED
        if self.give_up_failures:
            raise self.give_up_failures.pop(0)
        self.effects.append("give_up")
        self.reasons.append(reason)
        return (_answer(error=reason),)

    async def publish_all(self, events: Sequence[Event]) -> None:
        if self.publish_failures:
            raise self.publish_failures.pop(0)
        self.effects.append("publish")
        self.published.extend(events)

    async def bury(self, record: ConsumerRecord, failure: CallyticsError) -> None:
        assert record.topic == CALLS_ENDED.name
        if self.bury_failures:
            raise self.bury_failures.pop(0)
        self.effects.append("bury")
        self.buried.append(failure)

    async def process(self, value: bytes | None = None) -> None:
        stage: Stage[CallEnded] = Stage(
            name="transcription", inputs=(CALLS_ENDED,), handle=self.handle, give_up=self.give_up
        )
        processor = StageProcessor(
            stage,
            codec=Codec(),
            publisher=cast("Publisher", self),
            dead_letters=cast("DeadLetters", self),
            settings=ConsumerSettings(attempts=ATTEMPTS, backoff_initial_s=0.001, backoff_max_s=0.001),
        )
        await processor(_record(Codec().encode(ENDED) if value is None else value))
        self.effects.append("return")


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


def _outcomes(outcome: str) -> float:
    labels = {"stage": "transcription", "outcome": outcome}
    return REGISTRY.get_sample_value("callytics_calls_total", labels) or 0.0


async def test_the_answer_is_published_before_the_record_is_done() -> None:
    rig = Rig()
    before = _outcomes("ok")
    await rig.process()
    assert rig.effects == ["publish", "return"]
    assert rig.published == [_answer()]
    assert _outcomes("ok") == before + 1


async def test_poison_is_answered_then_buried_and_never_tried_again() -> None:
    rig = Rig(Poison(ErrorCode.INPUT_MISSING, "no file; check the mount"))
    before = _outcomes("input_missing")
    await rig.process()
    assert rig.handled == 1
    assert rig.effects == ["give_up", "publish", "bury", "return"]
    assert rig.reasons == [
        StageError(stage="transcription", code="input_missing", message="no file; check the mount")
    ]
    assert rig.published == [_answer(error=rig.reasons[0])]
    assert rig.buried[0].code is ErrorCode.INPUT_MISSING
    assert _outcomes("input_missing") == before + 1


async def test_what_may_pass_is_tried_again() -> None:
    rig = Rig(*[Retryable(ErrorCode.ENGINE_CRASH, "died")] * (ATTEMPTS - 1))
    await rig.process()
    assert rig.handled == ATTEMPTS
    assert rig.effects == ["publish", "return"]


async def test_what_does_not_pass_is_given_up_after_the_attempts() -> None:
    rig = Rig(endless=Retryable(ErrorCode.TIMEOUT, "no answer"))
    await rig.process()
    assert rig.handled == ATTEMPTS
    assert rig.effects == ["give_up", "publish", "bury", "return"]
    assert rig.buried[0].code is ErrorCode.TIMEOUT


async def test_a_server_that_is_away_is_waited_for_beyond_the_attempts() -> None:
    """No call is to blame for it, so no call is given up."""
    rig = Rig(*[Unavailable(ErrorCode.TRANSIENT, "store away")] * (4 * ATTEMPTS))
    await rig.process()
    assert rig.handled == 4 * ATTEMPTS + 1
    assert rig.effects == ["publish", "return"]


async def test_an_unexpected_exception_is_a_bug_and_its_text_goes_nowhere() -> None:
    """The text may quote the customer; type and place are enough to find the fault."""
    rig = Rig(endless=ValueError(SECRET))
    with capture_logs() as logs:
        await rig.process()
    assert rig.handled == ATTEMPTS
    assert rig.effects == ["give_up", "publish", "bury", "return"]
    assert rig.buried[0].code is ErrorCode.BUG
    assert rig.reasons[0].code == "bug"
    assert "ValueError" in rig.reasons[0].message
    assert "Rig.handle, line " in rig.reasons[0].message
    assert SECRET not in repr([logs, rig.reasons, rig.buried, rig.published])


async def test_bytes_that_are_no_event_are_buried_without_an_answer() -> None:
    rig = Rig()
    await rig.process(b"no avro at all")
    assert rig.handled == 0
    assert rig.effects == ["bury", "return"]
    assert rig.buried[0].code is ErrorCode.DECODE


async def test_a_record_without_a_value_is_buried() -> None:
    rig = Rig()
    await rig.process(b"")
    assert rig.effects == ["bury", "return"]
    assert rig.buried[0].code is ErrorCode.DECODE


async def test_an_event_of_another_topic_is_buried() -> None:
    rig = Rig()
    await rig.process(Codec().encode(_answer()))
    assert rig.effects == ["bury", "return"]
    assert rig.buried[0].code is ErrorCode.DECODE


async def test_fatal_leaves_the_record_for_another_process() -> None:
    """It propagates at once, and nothing is answered or buried: the call is not to blame."""
    rig = Rig(endless=Fatal(ErrorCode.RESOURCE, "no GPU"))
    with pytest.raises(Fatal, match="no GPU"):
        await rig.process()
    assert rig.handled == 1
    assert rig.effects == []


@pytest.mark.parametrize("fails", ["publish_failures", "give_up_failures", "bury_failures"])
async def test_an_effect_that_is_not_confirmed_is_waited_for_and_never_left_out(fails: str) -> None:
    rig = Rig(Poison(ErrorCode.INPUT_MISSING, "no file"))
    setattr(rig, fails, [Unavailable(ErrorCode.TRANSIENT, "away")] * (4 * ATTEMPTS))
    await rig.process()
    assert getattr(rig, fails) == []
    assert rig.effects == ["give_up", "publish", "bury", "return"]


async def test_a_broker_that_stays_away_blocks_the_record() -> None:
    """As long as the answer is not out the record is not done, so its offset cannot be committed."""
    rig = Rig()
    tried = asyncio.Event()
    tries = 0

    async def away(_: Sequence[Event]) -> None:
        nonlocal tries
        tries += 1
        if tries > 5 * ATTEMPTS:
            tried.set()
        raise Unavailable(ErrorCode.TRANSIENT, "away")

    rig.publish_all = away  # type: ignore[method-assign]  # the fake's own method, made to fail for ever
    task = asyncio.create_task(rig.process())
    await asyncio.wait_for(tried.wait(), 10)
    assert not task.done()
    assert rig.effects == []
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_work_is_not_done_again_when_only_its_answer_did_not_get_out() -> None:
    rig = Rig()
    rig.publish_failures = [Unavailable(ErrorCode.TRANSIENT, "away")] * 5
    await rig.process()
    assert rig.handled == 1


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (EncodeError("does not fit"), ErrorCode.BUG),
        (Poison(ErrorCode.INPUT_TOO_LARGE, "too large"), ErrorCode.INPUT_TOO_LARGE),
    ],
)
async def test_an_answer_that_can_never_be_sent_is_given_up(error: Exception, code: ErrorCode) -> None:
    """Otherwise one call would end every process that takes it on, or hold its partition for ever."""
    rig = Rig()
    rig.publish_failures = [error] * (1 if isinstance(error, Poison) else ATTEMPTS)
    await rig.process()
    assert rig.handled == 1
    assert rig.effects == ["give_up", "publish", "bury", "return"]
    assert rig.buried[0].code is code


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
    await Publisher(producer, Codec()).publish_all([_answer(), ENDED])
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
    letters = DeadLetters(
        Publisher(producer, Codec()), stage="transcription", group="callytics-transcription"
    )
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


async def test_no_log_line_names_the_recording() -> None:
    """File names often hold telephone numbers: the document has them, the log does not."""
    rig = Rig(Poison(ErrorCode.INPUT_MISSING, "/srv/calls/010-1234-5678.wav does not exist"))
    with capture_logs() as entries:
        await rig.process()
    assert rig.reasons[0].message.startswith("/srv/calls/")
    failed = [entry for entry in entries if entry["event"] == "call_failed"]
    assert [entry["code"] for entry in failed] == ["input_missing"]
    assert "1234" not in str(entries)
    assert "callytics show" in failed[0]["reason"]

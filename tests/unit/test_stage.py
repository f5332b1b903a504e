"""What happens to a record from its bytes to its answer, and in which order."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import pytest
from aiokafka import ConsumerRecord
from aiokafka.structs import ConsumerRecord as Received
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from infra.bus.breaker import Breaker, BreakerRules, BreakerState
from infra.bus.failures import attempts
from infra.bus.fence import Superseded
from infra.bus.insistence import Insistence
from infra.bus.lengths import AudioLengths
from infra.bus.retries import COSTLY_ATTEMPTS, Retries, next_tier
from infra.bus.stage import Exits, Stage, StageProcessor
from infra.errors import CallyticsError, ErrorCode, Fatal, Poison, Retryable, Unavailable
from infra.settings import ConsumerSettings
from schemas.codec import Codec, EncodeError
from schemas.records import Call, CallEnded, CallTranscribed, Event, Recording, StageError, StageStatus
from schemas.topics import CALLS_ENDED, Lane, RetryTier, replay_topic

if TYPE_CHECKING:
    from infra.bus.dead_letters import DeadLetters
    from infra.bus.publisher import Publisher

SECRET = "고객님 주민번호"  # noqa: S105 -- stands for what a customer says, which must stay out of all messages
ATTEMPTS = 3
SETTINGS = ConsumerSettings(attempts=ATTEMPTS, backoff_initial_s=0.001, backoff_max_s=0.001)
RULES = BreakerRules(consecutive=2, ratio=1, window=10, pause_s=0.05)

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
        self.held = True
        self.any_event = False
        self.breaker = Breaker(RULES)
        self.lengths = AudioLengths()
        self.lane: Lane | None = None
        self.publish_failures: list[Exception] = []
        self.bury_failures: list[Exception] = []
        self.give_up_failures: list[Exception] = []

    async def handle(self, event: CallEnded) -> Sequence[Event]:
        assert event == ENDED or self.any_event
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

    async def publish_all(self, events: Sequence[Event], lane: Lane = Lane.LIVE) -> None:
        self.lane = lane
        if self.publish_failures:
            raise self.publish_failures.pop(0)
        self.effects.append("publish")
        self.published.extend(events)

    async def bury(self, _: ConsumerRecord, failure: CallyticsError) -> None:
        if self.bury_failures:
            raise self.bury_failures.pop(0)
        self.effects.append("bury")
        self.buried.append(failure)

    async def postpone(self, record: ConsumerRecord, failure: CallyticsError) -> RetryTier | None:
        tier = next_tier(failure, attempts(record))
        if tier is not None:
            self.effects.append(f"postpone {tier.name}")
        return tier

    async def process(
        self,
        value: bytes | None = None,
        *,
        headers: Sequence[tuple[str, bytes]] = (),
        topic: str = CALLS_ENDED.name,
    ) -> None:
        stage: Stage[CallEnded] = Stage(
            name="transcription", inputs=(CALLS_ENDED,), handle=self.handle, give_up=self.give_up
        )
        processor = StageProcessor(
            stage,
            codec=Codec(),
            publisher=cast("Publisher", self),
            exits=Exits(
                retries=cast("Retries", self), dead_letters=cast("DeadLetters", self), breaker=self.breaker
            ),
            insistence=Insistence(SETTINGS, stage="transcription"),
            lengths=self.lengths,
        )
        value = Codec().encode(ENDED) if value is None else value
        await processor(_record(value, headers=headers, topic=topic), lambda: self.held)
        self.effects.append("return")


def _record(
    value: bytes, *, headers: Sequence[tuple[str, bytes]] = (), topic: str = CALLS_ENDED.name
) -> ConsumerRecord:
    return Received(
        topic=topic,
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
    rig = Rig(*[Retryable(ErrorCode.TRANSIENT, "host away")] * (ATTEMPTS - 1))
    await rig.process()
    assert rig.handled == ATTEMPTS
    assert rig.effects == ["publish", "return"]


@pytest.mark.parametrize("code", [ErrorCode.TIMEOUT, ErrorCode.ENGINE_CRASH])
async def test_a_call_that_ends_the_engine_twice_is_given_up(code: ErrorCode) -> None:
    """Each further attempt would take every other call's time, and no delay makes it better."""
    rig = Rig(endless=Retryable(code, "no answer"))
    await rig.process()
    assert rig.handled == COSTLY_ATTEMPTS
    assert rig.effects == ["give_up", "publish", "bury", "return"]
    assert rig.buried[0].code is code


async def test_what_may_still_pass_is_tried_later_without_an_answer() -> None:
    """Each failure of the record takes it one delay further; after the last one the call is given up."""
    effects = []
    for failed_before in range(4):
        rig = Rig(endless=Retryable(ErrorCode.RESOURCE, "disk full"))
        await rig.process(headers=[("x-attempt", b"%d" % failed_before)])
        assert rig.handled == ATTEMPTS
        effects.append(rig.effects)
    assert effects[:3] == [[f"postpone {tier}", "return"] for tier in ("30s", "5m", "1h")]
    assert effects[3] == ["give_up", "publish", "bury", "return"]


@pytest.mark.parametrize("failure", [None, Poison(ErrorCode.INPUT_MISSING, "no file")])
async def test_who_lost_the_partition_publishes_nothing(failure: Poison | None) -> None:
    """Another member does the call again: a late answer, letter or retry of ours would double it."""
    rig = Rig(*([failure] if failure else []))
    rig.held = False
    with pytest.raises(Superseded):
        await rig.process()
    assert rig.effects == []


async def test_what_a_replayed_call_yields_stays_in_the_replay_lane_also_after_a_retry() -> None:
    replayed, rig = replay_topic(CALLS_ENDED).name, Rig()
    await rig.process(topic=replayed)
    assert rig.lane is Lane.REPLAY
    await rig.process(topic="calls.transcription.retry.5m", headers=[("x-original-topic", replayed.encode())])
    assert rig.lane is Lane.REPLAY
    await rig.process(topic="calls.transcription.retry.5m", headers=[("x-original-topic", b"calls.ended")])
    assert rig.lane is Lane.LIVE


async def test_a_replayed_record_for_another_stage_is_left_to_it() -> None:
    rig = Rig()
    await rig.process(headers=[("x-replay-stage", b"diarization")])
    assert (rig.handled, rig.effects) == (0, ["return"])
    await rig.process(headers=[("x-replay-stage", b"transcription")])
    assert rig.handled == 1


async def test_the_open_breaker_holds_a_failing_call_and_tries_it_again_after_the_pause() -> None:
    """Two calls in a row were buried; the third one's cause has passed by its trial, which closes the breaker."""
    broken = Poison(ErrorCode.INPUT_MISSING, "no file; check the mount")
    rig = Rig(broken, broken, broken)
    await rig.process()
    await rig.process()
    assert rig.breaker.state is BreakerState.OPEN
    rig.effects.clear()
    await rig.process()
    assert rig.effects == ["publish", "return"]
    assert rig.breaker.state is BreakerState.CLOSED


async def test_a_failed_trial_is_buried_and_the_breaker_stays_open() -> None:
    """One letter a pause: calls that are broken themselves cannot hold the service for ever."""
    rig = Rig(endless=Poison(ErrorCode.INPUT_MISSING, "no file"))
    for _ in range(3):
        await rig.process()
    assert len(rig.buried) == 3
    assert rig.breaker.state is BreakerState.OPEN


async def test_the_length_of_a_call_is_learnt_from_its_event() -> None:
    rig = Rig()
    call = ENDED.call.model_copy(update={"started_at_ms": 1_000, "ended_at_ms": 61_000})
    rig.any_event = True
    await rig.process(Codec().encode(ENDED.model_copy(update={"call": call})))
    assert rig.lengths.mean_s == 60


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

    async def away(_: Sequence[Event], __: Lane) -> None:
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

"""One stage of the pipeline: what happens to a record from its bytes to its answer.

The handler sees events only. Here stand retries, the failure answer and the dead letter. Order of effects:
answer published, then dead letter published, then the offset is done. Never the reverse.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import structlog
from aiokafka import ConsumerRecord
from opentelemetry.trace import Span

from infra import metrics
from infra.bus import headers
from infra.bus.breaker import Breaker, BreakerState
from infra.bus.dead_letters import DeadLetters
from infra.bus.failures import origin_topic
from infra.bus.fence import Fence, Superseded
from infra.bus.insistence import Insistence
from infra.bus.lengths import AudioLengths
from infra.bus.publisher import Publisher
from infra.bus.retries import Retries
from infra.errors import CallyticsError, ErrorCode, Fatal, Poison
from infra.places import innermost
from infra.scrub import loggable
from infra.telemetry import mark_call, mark_failure, process_span
from schemas.codec import Codec, DecodeError
from schemas.records import Event, StageError
from schemas.topics import RETRY_TIERS, Lane, Topic, lane_of, replay_topic, retry_topic

_log = structlog.get_logger()

E = TypeVar("E", bound=Event)

AT_ONCE_BYTES = 32 * 1024
"""A record up to this size is decoded in less time than it takes to hand it to a thread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage(Generic[E]):
    """A service as the runtime sees it.

    ``handle`` turns an event into events; ``give_up`` turns an event that failed for good into the events that
    say so: every stage answers, so that nobody downstream waits for a part that will not come.
    """

    name: str
    inputs: tuple[Topic, ...]
    handle: Callable[[E], Awaitable[Sequence[Event]]]
    give_up: Callable[[E, StageError], Awaitable[Sequence[Event]]]

    @property
    def group(self) -> str:
        """The consumer group."""
        return f"callytics-{self.name}"

    @property
    def topics(self) -> tuple[str, ...]:
        """All that the group reads: live calls, replayed ones, and those that the stage tries again."""
        replays = (replay_topic(topic).name for topic in self.inputs)
        retries = (retry_topic(self.name, tier) for tier in RETRY_TIERS)
        return (*(topic.name for topic in self.inputs), *replays, *retries)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exits:
    """Where a record that fails may go, and what stops too many from going there."""

    retries: Retries
    dead_letters: DeadLetters
    breaker: Breaker


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taken(Generic[E]):
    record: ConsumerRecord
    event: E
    span: Span
    fence: Fence

    @property
    def lane(self) -> Lane:
        """What a replayed call yields stays in the replay lane, also after a retry."""
        return Lane.REPLAY if lane_of(origin_topic(self.record)) is Lane.REPLAY else Lane.LIVE


class StageProcessor(Generic[E]):
    """Does all that a record asks for; returns when its offset may be committed. Raises Fatal or Superseded."""

    def __init__(
        self,
        stage: Stage[E],
        *,
        codec: Codec,
        publisher: Publisher,
        exits: Exits,
        insistence: Insistence,
        lengths: AudioLengths,
    ) -> None:
        self._stage = stage
        self._codec = codec
        self._publisher = publisher
        self._exits = exits
        self._insistence = insistence
        self._lengths = lengths
        self._event_types = tuple(topic.event for topic in stage.inputs if topic.event is not None)

    async def __call__(self, record: ConsumerRecord, fence: Fence = lambda: True) -> None:
        """Process one record."""
        stage = self._stage
        with (
            process_span(
                topic=record.topic,
                partition=record.partition,
                offset=record.offset,
                group=stage.group,
                headers=record.headers,
            ) as span,
            metrics.IN_FLIGHT.labels(stage.name).track_inprogress(),
            metrics.PROCESS_SECONDS.labels(stage.name).time(),
        ):
            if headers.text(record.headers, headers.REPLAY_STAGE) not in (None, stage.name):
                return
            try:
                event: Any = await self._insistence.retried(lambda: self._decoded(record))
            except DecodeError as error:
                await self._bury(record, Poison(ErrorCode.DECODE, str(error)), span)
                return
            with structlog.contextvars.bound_contextvars(
                call_id=event.call_id, tenant=event.tenant, run_id=event.run_id, stage=stage.name
            ):
                mark_call(span, call_id=event.call_id, event_id=event.event_id)
                self._lengths.saw(_duration_ms(event))
                await self._settle(_Taken(record=record, event=event, span=span, fence=fence))

    async def _decoded(self, record: ConsumerRecord) -> Event:
        data: bytes = record.value or b""
        if len(data) <= AT_ONCE_BYTES and self._codec.knows(data):
            return self._codec.decode(data, self._event_types)
        # A long transcript takes a good part of a second, a registry more: too long for the loop's heartbeats.
        return await asyncio.to_thread(self._codec.decode, data, self._event_types)

    async def _settle(self, taken: _Taken[E]) -> None:
        """Answer the call; failing that, try it later; failing that, give it up."""
        failure = await self._attempt(taken)
        if failure is None or await self._postponed(taken, failure):
            return
        if self._exits.breaker.state is BreakerState.CLOSED:
            await self._give_up(taken, failure)
            return
        async with self._exits.breaker.trial():
            failure = await self._attempt(taken)
            if failure is not None:
                await self._give_up(taken, failure)

    async def _attempt(self, taken: _Taken[E]) -> CallyticsError | None:
        """Have the call handled and its answer published; why not, when that did not work."""
        try:
            events = await self._insistence.retried(lambda: self._stage.handle(taken.event))
            # In here too: an answer that can never be sent must not be tried by one process after the other.
            await self._publish(taken, events)
        except (Fatal, Superseded):
            raise
        except Exception as error:  # noqa: BLE001 -- whatever a handler raises, its call must be answered
            return self._as_failure(error)
        self._exits.breaker.succeeded()
        metrics.CALLS.labels(self._stage.name, "ok").inc()
        _log.info("call_processed", events=len(events))
        return None

    async def _postponed(self, taken: _Taken[E], failure: CallyticsError) -> bool:
        """Whether the call goes to a retry topic."""
        _held(taken)
        tier = await self._insistence.retried(lambda: self._exits.retries.postpone(taken.record, failure))
        if tier is None:
            return False
        metrics.CALLS.labels(self._stage.name, "retried").inc()
        _log.warning("call_postponed", code=failure.code, reason=loggable(failure), delay=tier.name)
        return True

    async def _give_up(self, taken: _Taken[E], failure: CallyticsError) -> None:
        _held(taken)
        reason = StageError(stage=self._stage.name, code=failure.code, message=failure.message)
        answers = await self._insistence.retried(lambda: self._stage.give_up(taken.event, reason))
        await self._publish(taken, answers)
        await self._bury(taken.record, failure, taken.span)

    async def _publish(self, taken: _Taken[E], events: Sequence[Event]) -> None:
        _held(taken)
        await self._insistence.retried(lambda: self._publisher.publish_all(events, taken.lane))

    def _as_failure(self, error: Exception) -> CallyticsError:
        if isinstance(error, CallyticsError):
            return error
        # The exception's own text may quote the customer; its type and place are enough to find it.
        _log.error("unexpected_exception", error=type(error).__name__, where=innermost(error))
        return Poison(ErrorCode.BUG, f"unexpected {type(error).__name__} in {innermost(error)}")

    async def _bury(self, record: ConsumerRecord, failure: CallyticsError, span: Span) -> None:
        mark_failure(span, code=failure.code)
        metrics.CALLS.labels(self._stage.name, failure.code).inc()
        _log.warning(
            "call_failed",
            code=failure.code,
            reason=loggable(failure),
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
        )
        await self._insistence.retried(lambda: self._exits.dead_letters.bury(record, failure))
        self._exits.breaker.failed()


def _held(taken: _Taken[Any]) -> None:
    """Superseded when another member has the partition by now: it does the call again and answers."""
    if not taken.fence():
        raise Superseded


def _duration_ms(event: Event) -> int | None:
    """How long the call is: by its recording where that was read, else by the telephony system's clock."""
    audio, call = getattr(event, "audio", None), getattr(event, "call", None)
    if audio is not None:
        return int(audio.duration_ms)
    if call is None or call.started_at_ms is None or call.ended_at_ms is None:
        return None
    return max(0, int(call.ended_at_ms - call.started_at_ms))

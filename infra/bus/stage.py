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
from tenacity import AsyncRetrying, RetryCallState, retry_if_not_exception_type, wait_random_exponential

from infra import metrics
from infra.bus.dead_letters import DeadLetters
from infra.bus.publisher import Publisher
from infra.errors import CallyticsError, ErrorCode, Fatal, Poison, Unavailable
from infra.settings import ConsumerSettings
from infra.telemetry import mark_call, mark_failure, process_span
from schemas.codec import Codec, DecodeError
from schemas.records import Event, StageError
from schemas.topics import Topic

_log = structlog.get_logger()

_SEE_DOCUMENT = "the recording; the call's document says what is wrong: callytics show CALL_ID"

E = TypeVar("E", bound=Event)
_T = TypeVar("_T")


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


class StageProcessor(Generic[E]):
    """Does all that a record asks for; returns when its offset may be committed. Raises only Fatal."""

    def __init__(
        self,
        stage: Stage[E],
        *,
        codec: Codec,
        publisher: Publisher,
        dead_letters: DeadLetters,
        settings: ConsumerSettings,
    ) -> None:
        self._stage = stage
        self._codec = codec
        self._publisher = publisher
        self._dead_letters = dead_letters
        self._settings = settings
        self._event_types = tuple(topic.event for topic in stage.inputs if topic.event is not None)

    async def __call__(self, record: ConsumerRecord) -> None:
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
            try:
                # A long transcript takes a good part of a second: too long for the loop's heartbeats.
                event: Any = await asyncio.to_thread(
                    self._codec.decode, record.value or b"", self._event_types
                )
            except DecodeError as error:
                await self._bury(record, Poison(ErrorCode.DECODE, str(error)), span)
                return
            with structlog.contextvars.bound_contextvars(
                call_id=event.call_id, tenant=event.tenant, run_id=event.run_id, stage=stage.name
            ):
                mark_call(span, call_id=event.call_id, event_id=event.event_id)
                await self._answer(record, event, span)

    async def _answer(self, record: ConsumerRecord, event: E, span: Span) -> None:
        try:
            events = await self._retried(lambda: self._stage.handle(event), self._settings.attempts)
            # In here too: an answer that can never be sent must not be tried by one process after the other.
            await self._insist(lambda: self._publisher.publish_all(events))
        except Fatal:
            raise
        except Exception as error:  # noqa: BLE001 -- whatever a handler raises, its call must be answered
            failure = self._as_failure(error)
            reason = StageError(stage=self._stage.name, code=failure.code, message=failure.message)
            answers = await self._insist(lambda: self._stage.give_up(event, reason))
            await self._insist(lambda: self._publisher.publish_all(answers))
            await self._bury(record, failure, span)
        else:
            metrics.CALLS.labels(self._stage.name, "ok").inc()
            _log.info("call_processed", events=len(events))

    def _as_failure(self, error: Exception) -> CallyticsError:
        if isinstance(error, CallyticsError):
            return error
        # The exception's own text may quote the customer; its type and place are enough to find it.
        _log.error("unexpected_exception", error=type(error).__name__, where=_place(error))
        return Poison(ErrorCode.BUG, f"unexpected {type(error).__name__} in {_place(error)}")

    async def _bury(self, record: ConsumerRecord, failure: CallyticsError, span: Span) -> None:
        mark_failure(span, code=failure.code)
        metrics.CALLS.labels(self._stage.name, failure.code).inc()
        _log.warning(
            "call_failed",
            code=failure.code,
            reason=_loggable(failure),
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
        )
        await self._insist(lambda: self._dead_letters.bury(record, failure))

    async def _insist(self, work: Callable[[], Awaitable[_T]]) -> _T:
        """Answers must get out: a broker or store that is away is waited for, whatever it takes."""
        return await self._retried(work, self._settings.attempts)

    async def _retried(self, work: Callable[[], Awaitable[_T]], attempts: int) -> _T:
        def enough(state: RetryCallState) -> bool:
            error = state.outcome.exception() if state.outcome else None
            return not isinstance(error, Unavailable) and state.attempt_number >= attempts

        retrying = AsyncRetrying(
            stop=enough,
            wait=wait_random_exponential(self._settings.backoff_initial_s, self._settings.backoff_max_s),
            retry=retry_if_not_exception_type((Poison, Fatal)),
            before_sleep=self._log_retry,
            reraise=True,
        )
        async for attempt in retrying:
            with attempt:
                result = await work()
        return result

    def _log_retry(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        metrics.RETRIES.labels(self._stage.name).inc()
        _log.warning(
            "will_retry",
            attempt=state.attempt_number,
            reason=_loggable(error) if isinstance(error, CallyticsError) else type(error).__name__,
        )


def _loggable(error: CallyticsError) -> str:
    """An error's message, unless it may name the recording: file names often hold telephone numbers."""
    return _SEE_DOCUMENT if error.code.startswith("input") else error.message


def _place(error: BaseException) -> str:
    """The innermost frame: file name and line."""
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    if traceback is None:
        return "an unknown place"
    return f"{traceback.tb_frame.f_code.co_qualname}, line {traceback.tb_lineno}"

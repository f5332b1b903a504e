"""Trying again in place: a few quick attempts at a call, and endless ones where a server of ours is away."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_not_exception_type, wait_random_exponential

from infra import metrics
from infra.bus.fence import Superseded
from infra.bus.retries import quick_attempts
from infra.errors import CallyticsError, Fatal, Poison, Unavailable
from infra.scrub import loggable
from infra.settings import ConsumerSettings
from schemas.codec import DecodeError

_log = structlog.get_logger()
_T = TypeVar("_T")

_NEVER_AGAIN = (Poison, Fatal, Superseded, DecodeError)


class Insistence:
    """Retries of one stage: exponential, with jitter, bounded (AWS Architecture Blog, *Exponential Backoff*)."""

    def __init__(self, settings: ConsumerSettings, *, stage: str) -> None:
        self._settings = settings
        self._stage = stage

    async def retried(self, work: Callable[[], Awaitable[_T]]) -> _T:
        """Do the work. What may pass is tried again a few times and then raised.

        A server of ours that is away is waited for, however long it takes: no call is to blame for it.
        """
        try:
            return await work()
        except _NEVER_AGAIN:
            raise
        except Exception as error:  # noqa: BLE001 -- whatever it is, it is counted as the first attempt
            return await self._again(work, error)

    async def _again(self, work: Callable[[], Awaitable[_T]], error: Exception) -> _T:
        """All attempts but the first. tenacity costs a fifth of a small record's time, so only failures pay it."""
        first = [error]

        async def attempt_again() -> _T:
            if first:
                raise first.pop()
            return await work()

        retrying = AsyncRetrying(
            stop=self._enough,
            wait=wait_random_exponential(self._settings.backoff_initial_s, self._settings.backoff_max_s),
            retry=retry_if_not_exception_type(_NEVER_AGAIN),
            before_sleep=self._say,
            reraise=True,
        )
        async for attempt in retrying:
            with attempt:
                result = await attempt_again()
        return result

    def _enough(self, state: RetryCallState) -> bool:
        error = state.outcome.exception() if state.outcome else None
        if error is None or isinstance(error, Unavailable):
            return False
        return state.attempt_number >= quick_attempts(error, self._settings.attempts)

    def _say(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        metrics.RETRIES.labels(self._stage).inc()
        _log.warning(
            "will_retry",
            attempt=state.attempt_number,
            reason=loggable(error) if isinstance(error, CallyticsError) else type(error).__name__,
        )

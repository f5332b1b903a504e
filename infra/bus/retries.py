"""Trying again later: which failures, after which delay, and the topics that hold a record until then.

Quick attempts in place come first (``infra.bus.stage``). What may still pass goes from one retry topic to the next,
each with a longer delay, and at last to the dead letters. Order among the calls is lost on the way,
which harms nothing: each call stands for itself.
"""

from collections.abc import Sequence

from aiokafka import ConsumerRecord

from infra.bus.failures import attempts, failure_headers
from infra.bus.publisher import Publisher
from infra.envelope import now_ms
from infra.errors import CallyticsError, ErrorCode, Poison, Retryable, Unavailable
from schemas.topics import RETRY_TIERS, RetryTier, retry_topic

_LATER = frozenset({ErrorCode.TRANSIENT, ErrorCode.RESOURCE})
"""What time may heal. A call that kills or outlasts the engine would only do so again."""
_COSTLY = frozenset({ErrorCode.ENGINE_CRASH, ErrorCode.TIMEOUT})
COSTLY_ATTEMPTS = 2
"""A call that ends the engine takes every other call's time: once may be chance, twice is the call."""


def quick_attempts(error: BaseException, usual: int) -> int:
    """How often in all a call with this failure is tried in place."""
    costly = isinstance(error, Retryable) and error.code in _COSTLY
    return min(usual, COSTLY_ATTEMPTS) if costly else usual


def next_tier(
    failure: CallyticsError, failed_before: int, tiers: Sequence[RetryTier] = RETRY_TIERS
) -> RetryTier | None:
    """The delay before a call is tried again, having failed so often before; None: it is a dead letter."""
    if not isinstance(failure, Retryable) or failure.code not in _LATER or failed_before >= len(tiers):
        return None
    return tiers[failed_before]


class Retries:
    """Sends records to a stage's retry topics. ``delay_factor`` shortens all delays, for tests."""

    def __init__(self, publisher: Publisher, *, stage: str, delay_factor: float = 1.0) -> None:
        self._publisher = publisher
        self._stage = stage
        self._delay_factor = delay_factor

    async def postpone(self, record: ConsumerRecord, failure: CallyticsError) -> RetryTier | None:
        """Send the record to its next retry topic; None when there is none left. Unavailable when not confirmed."""
        tier = next_tier(failure, attempts(record))
        if tier is None:
            return None
        now = now_ms()
        due_ms = now + round(tier.delay_s * self._delay_factor * 1000)
        reasons = failure_headers(record, failure, stage=self._stage, now_ms=now, not_before_ms=due_ms)
        try:
            await self._publisher.send(
                retry_topic(self._stage, tier), key=record.key, value=record.value, headers=reasons
            )
        except Poison as error:
            raise Unavailable(error.code, error.message) from error
        return tier

"""The breaker: when too many calls fail, something is wrong with the service and not with the calls.

Closed, all is well. Open, nothing is taken on and nothing is buried, so that a bad deploy does not pour a
whole topic into the dead letters. After a pause one call at a time may try: one that succeeds closes the
breaker, one that fails is buried and opens it again. (The pattern is Nygard's, *Release It!*, 2007.)
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum

LOOK_S = 0.2


class BreakerState(StrEnum):
    """What the breaker lets through."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerRules:
    """When the breaker opens: so many failures in a row, or such a share of the last ``window`` calls."""

    consecutive: int
    ratio: float
    window: int
    pause_s: float


class Breaker:
    """Counts outcomes; ``on_change`` hears of each new state, for health and log."""

    def __init__(
        self,
        rules: BreakerRules,
        *,
        on_change: Callable[[BreakerState], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rules = rules
        self._on_change = on_change
        self._clock = clock
        self._outcomes: deque[bool] = deque(maxlen=rules.window)
        self._in_a_row = 0
        self._opened_s: float | None = None
        self._trial = asyncio.Lock()

    @property
    def state(self) -> BreakerState:
        """Closed, open, or half open when the pause is over."""
        if self._opened_s is None:
            return BreakerState.CLOSED
        paused = self._clock() - self._opened_s < self._rules.pause_s
        return BreakerState.OPEN if paused else BreakerState.HALF_OPEN

    def limit(self, usual: int) -> int:
        """How many records may be in flight now."""
        return {BreakerState.CLOSED: usual, BreakerState.OPEN: 0, BreakerState.HALF_OPEN: 1}[self.state]

    def succeeded(self) -> None:
        """A call was answered with a result."""
        self._in_a_row = 0
        self._outcomes.append(True)
        if self._opened_s is not None and self.state is BreakerState.HALF_OPEN:
            self._opened_s = None
            self._outcomes.clear()
            self._on_change(BreakerState.CLOSED)

    def failed(self) -> None:
        """A call was buried."""
        self._in_a_row += 1
        self._outcomes.append(False)
        if self.state is BreakerState.HALF_OPEN or (self.state is BreakerState.CLOSED and self._too_many()):
            self._opened_s = self._clock()
            self._on_change(BreakerState.OPEN)

    @asynccontextmanager
    async def trial(self) -> AsyncIterator[None]:
        """The turn of one failing call: at once when closed, else after the pause and when no other call tries."""
        async with self._trial:
            while self.state is BreakerState.OPEN:  # noqa: ASYNC110 -- the end of the pause is no event
                await asyncio.sleep(LOOK_S)
            yield

    def _too_many(self) -> bool:
        full = len(self._outcomes) == self._rules.window
        share = self._outcomes.count(False) / self._rules.window
        return self._in_a_row >= self._rules.consecutive or (full and share >= self._rules.ratio)

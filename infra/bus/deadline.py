"""One point in time that all steps of a revocation or a drain share, so that a slow step cannot starve the next."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Deadline:
    """``at_s`` on the monotonic clock."""

    at_s: float
    clock: Callable[[], float] = time.monotonic

    @classmethod
    def after(cls, seconds: float, clock: Callable[[], float] = time.monotonic) -> "Deadline":
        """The deadline that many seconds from now."""
        return cls(clock() + seconds, clock)

    def left_s(self, *, reserve_s: float = 0.0, least_s: float = 0.0) -> float:
        """Seconds until the deadline less a reserve for later steps; never under ``least_s``."""
        return max(least_s, self.at_s - reserve_s - self.clock())

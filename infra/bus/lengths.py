"""How long calls are, as far as their events say: the measure of what waits."""

from collections import deque

_KNOWN_LENGTHS = 200


class AudioLengths:
    """The mean length of the calls seen lately, for those that wait unseen."""

    def __init__(self) -> None:
        self._lengths_s: deque[float] = deque(maxlen=_KNOWN_LENGTHS)

    def saw(self, duration_ms: int | None) -> None:
        """One call's length, where its event says it."""
        if duration_ms is not None:
            self._lengths_s.append(duration_ms / 1000)

    @property
    def mean_s(self) -> float | None:
        """Seconds; None as long as no event has named a length."""
        return sum(self._lengths_s) / len(self._lengths_s) if self._lengths_s else None

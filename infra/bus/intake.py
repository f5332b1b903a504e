"""Which records may be taken on now. Pure bookkeeping: no I/O; the clock is handed in.

Three rules beside the bound on what is in flight: a record in a retry topic waits until it is due, a replayed one
until no live call is in flight, and nothing is taken on while a breaker holds the stage back.
"""

from collections import Counter
from collections.abc import Callable, Iterable

from infra.bus import headers
from infra.bus.ledger import Partition
from infra.telemetry import Headers
from schemas.topics import Lane, lane_of


class Intake:
    """Counts what is in flight by lane and says what else may come.

    ``limit`` is asked each time: the most records in flight at this moment. Queued, working and retrying records
    all count until they are done.
    """

    def __init__(self, *, limit: Callable[[], int], max_replays: int, clock_ms: Callable[[], int]) -> None:
        self._limit = limit
        self._max_replays = max_replays
        self._clock_ms = clock_ms
        self._in_flight: Counter[Lane] = Counter()
        self._due_ms: dict[Partition, int] = {}

    @property
    def in_flight(self) -> int:
        """Records taken on and not done."""
        return self._in_flight.total()

    @property
    def free(self) -> int:
        """How many more records may be taken on."""
        return max(0, self._limit() - self.in_flight)

    def enter(self, lane: Lane) -> None:
        """A record was taken on."""
        self._in_flight[lane] += 1

    def leave(self, lane: Lane) -> None:
        """A record is done or given up."""
        self._in_flight[lane] -= 1

    def admits(self, partition: Partition, record_headers: Headers) -> bool:
        """Whether this record may be taken on now; when it is not due, its partition is closed until it is."""
        lane = lane_of(partition.topic)
        if self.free == 0:
            return False
        if lane is Lane.REPLAY:
            return self._replays_may_come
        due_ms = headers.number(record_headers, headers.NOT_BEFORE) if lane is Lane.RETRY else None
        if due_ms is not None and due_ms > self._clock_ms():
            self._due_ms[partition] = due_ms
            return False
        return True

    def closed(self, partitions: Iterable[Partition]) -> set[Partition]:
        """Those of the partitions that nothing may be read from now."""
        now_ms = self._clock_ms()
        self._due_ms = {p: due_ms for p, due_ms in self._due_ms.items() if due_ms > now_ms}
        if self.free == 0:
            return set(partitions)
        return {
            p
            for p in partitions
            if p in self._due_ms or (lane_of(p.topic) is Lane.REPLAY and not self._replays_may_come)
        }

    def forget(self, partition: Partition) -> None:
        """The partition is no longer ours."""
        self._due_ms.pop(partition, None)

    @property
    def _replays_may_come(self) -> bool:
        urgent = self._in_flight[Lane.LIVE] + self._in_flight[Lane.RETRY]
        return urgent == 0 and self._in_flight[Lane.REPLAY] < self._max_replays

"""What waits at the broker: records by lane and seconds of audio, for autoscaling, and a consumer that is stuck.

aiokafka has no public sign of a consumer that no longer fetches after a rebalance (issues 847, 1154, 1187): here
the broker's end offsets are compared with what was taken on, and one that stays behind ends the process.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping

import structlog
from aiokafka.errors import KafkaError

from infra import metrics
from infra.bus.ledger import Partition
from infra.bus.lengths import AudioLengths
from infra.bus.loop import ConsumerLoop
from infra.errors import ErrorCode, Fatal
from schemas.topics import Lane, lane_of

_log = structlog.get_logger()

_ASK_S = 10.0


class LagObserver:
    """Asks the broker how far it is, every ``interval_s``; Fatal by the loop when the consumer is stuck."""

    def __init__(
        self,
        loop: ConsumerLoop,
        *,
        stage: str,
        lengths: AudioLengths,
        interval_s: float,
        stuck_after_s: float,
    ) -> None:
        self._loop = loop
        self._stage = stage
        self._lengths = lengths
        self._interval_s = interval_s
        self._stuck_after_s = stuck_after_s
        self._behind_since_s: dict[tuple[Partition, int], float] = {}

    async def run(self) -> None:
        """Observe until cancelled."""
        while True:
            await asyncio.sleep(self._interval_s)
            await self.observe()

    async def observe(self) -> None:
        """One look at the broker; one that does not answer leaves the figures as they were."""
        try:
            async with asyncio.timeout(_ASK_S):
                waiting = await self._waiting()
        except (KafkaError, TimeoutError) as error:
            _log.warning("lag_unknown", error=type(error).__name__)
            return
        self._report(waiting)
        self._suspect(waiting)

    async def _waiting(self) -> Mapping[Partition, int]:
        """Records of each of our partitions that were not taken on yet."""
        consumer, ledger = self._loop.consumer, self._loop.ledger
        places = list(consumer.assignment())
        ends = await consumer.end_offsets(places) if places else {}
        waiting = {}
        for place, end in ends.items():
            partition = Partition(place.topic, place.partition)
            taken = ledger.next_offset(partition)
            waiting[partition] = max(
                0, end - (taken if taken is not None else await consumer.position(place))
            )
        return waiting

    def _report(self, waiting: Mapping[Partition, int]) -> None:
        lanes: Counter[Lane] = Counter()
        for partition, count in waiting.items():
            lanes[lane_of(partition.topic)] += count
        for lane in (Lane.LIVE, Lane.RETRY, Lane.REPLAY):
            metrics.WAITING_RECORDS.labels(self._stage, lane).set(lanes[lane])
        unfinished = lanes.total() + self._loop.in_flight
        mean_s = self._lengths.mean_s
        metrics.WAITING_AUDIO_SECONDS.labels(self._stage).set(
            unfinished * mean_s if mean_s is not None else (float("nan") if unfinished else 0.0)
        )
        oldest_ms = min((work.record.timestamp for work in self._loop.work), default=None)
        age_s = max(0.0, time.time() - oldest_ms / 1000) if oldest_ms is not None else 0.0
        metrics.OLDEST_UNFINISHED_SECONDS.labels(self._stage).set(age_s)

    def _suspect(self, waiting: Mapping[Partition, int]) -> None:
        """A partition with records that is open and from which nothing comes is one that aiokafka has forgotten."""
        closed = {Partition(p.topic, p.partition) for p in self._loop.consumer.paused()}
        now_s = time.monotonic()
        behind = {
            (partition, self._loop.ledger.next_offset(partition) or 0)
            for partition, count in waiting.items()
            if count and partition not in closed
        }
        self._behind_since_s = {place: self._behind_since_s.get(place, now_s) for place in behind}
        if any(now_s - since_s >= self._stuck_after_s for since_s in self._behind_since_s.values()):
            self._loop.fail(
                Fatal(
                    ErrorCode.TRANSIENT, "the consumer fetches nothing although records wait; start it again"
                )
            )

"""The consumer loop: poll, bounded in-flight work, pause and resume, timed commits, drain.

What a record means is the processor's business. The loop promises: a record's offset is committed only after
the processor returned for it and for every earlier record of its partition; records of one key are worked on one
after the other; and whoever lost a partition is told so before it acts.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field

import structlog
from aiokafka import (
    AIOKafkaConsumer,
    ConsumerRebalanceListener,
    ConsumerRecord,
    OffsetAndMetadata,
    TopicPartition,
)
from aiokafka.errors import CommitFailedError, KafkaError

from infra.bus.deadline import Deadline
from infra.bus.fence import Fence, Superseded
from infra.bus.intake import Intake
from infra.bus.ledger import Ledger, Partition, Ticket
from infra.envelope import now_ms
from infra.errors import ErrorCode, Fatal
from infra.settings import ConsumerSettings
from schemas.topics import Lane, lane_of

_log = structlog.get_logger()

Processor = Callable[[ConsumerRecord, Fence], Awaitable[None]]
"""Does all that a record asks for and returns when it is done. Raises only Fatal and Superseded."""

_COMMIT_S = 30.0
_COMMIT_RESERVE_S = 2.0
"""Kept free of a revocation's budget: finishing one more call must not cost the commit of all others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopHooks:
    """Who else hears of the loop: each turn, each assignment (how many partitions), and the beginning of the end.

    ``limit`` is asked how many records may be in flight now, given how many usually may.
    """

    tick: Callable[[], None] = lambda: None
    assigned: Callable[[int], None] = lambda _: None
    draining: Callable[[], None] = lambda: None
    limit: Callable[[int], int] = lambda usual: usual


@dataclass(slots=True, kw_only=True)
class Work:
    """One record in flight."""

    record: ConsumerRecord
    ticket: Ticket
    lane: Lane
    since_s: float
    task: asyncio.Task[None] = field(init=False)


class ConsumerLoop:
    """One member of one consumer group."""

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        *,
        topics: Iterable[str],
        process: Processor,
        settings: ConsumerSettings,
        hooks: LoopHooks = LoopHooks(),
    ) -> None:
        self.consumer = consumer
        self.ledger = Ledger()
        self._topics = tuple(topics)
        self._process = process
        self._settings = settings
        self._hooks = hooks
        self._intake = Intake(
            limit=lambda: hooks.limit(settings.max_in_flight),
            max_replays=settings.max_replays_in_flight,
            clock_ms=now_ms,
        )
        self._work: dict[tuple[Partition, int], Work] = {}
        self._last_of_key: dict[bytes, asyncio.Task[None]] = {}
        self._fatal: Fatal | None = None
        self._last_commit_s = 0.0

    @property
    def in_flight(self) -> int:
        """Records taken on and not done."""
        return len(self._work)

    @property
    def work(self) -> Sequence[Work]:
        """The records in flight, the oldest first."""
        return tuple(self._work.values())

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until ``stop`` is set, then drain. Raises Fatal when the processor does."""
        await self.consumer.start()
        try:
            self.consumer.subscribe(self._topics, listener=_Listener(self))
            while not stop.is_set() and self._fatal is None:
                await self._turn()
            self._hooks.draining()
            deadline = Deadline.after(self._settings.drain_s)
            await self._drain(deadline)
            await self._commit(within_s=deadline.left_s(least_s=_COMMIT_RESERVE_S))
        finally:
            await self._abandon()
            await self.consumer.stop()
        if self._fatal is not None:
            raise self._fatal

    def fail(self, error: Fatal) -> None:
        """End the loop with this error after its turn."""
        self._fatal = error

    async def _turn(self) -> None:
        """One poll. ``getmany`` must never be cancelled: that disables aiokafka's own watchdog for good."""
        waited = await self._room()
        self._regulate()
        batches = await self.consumer.getmany(
            timeout_ms=0 if waited and not self._intake.free else self._settings.poll_timeout_ms,
            max_records=max(self._intake.free, 1),
        )
        # Live calls first: those that can wait then find their places taken.
        for place in sorted(batches, key=lambda place: lane_of(place.topic) is not Lane.LIVE):
            self._take_all(place, batches[place])
        self._hooks.tick()
        if time.monotonic() - self._last_commit_s >= self._settings.commit_interval_ms / 1000:
            await self._commit(within_s=_COMMIT_S)

    async def _room(self) -> bool:
        """Whether a poll's time was spent waiting for room; pausing at once would throw away what is prefetched."""
        if self._intake.free or not self._work:
            return False
        tasks = {work.task for work in self._work.values()}
        timeout_s = self._settings.poll_timeout_ms / 1000
        await asyncio.wait(tasks, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        # One confirmation of the broker ends many records: let all of them end before the next poll.
        await asyncio.sleep(0)
        return True

    def _take_all(self, place: TopicPartition, records: Sequence[ConsumerRecord]) -> None:
        partition = Partition(place.topic, place.partition)
        for record in records:
            is_new = (partition, record.offset) not in self._work
            if is_new and not self._intake.admits(partition, record.headers):
                # Read again from here once there is room or the time has come.
                self.consumer.seek(place, record.offset)
                return
            self._take(partition, record)

    def _take(self, partition: Partition, record: ConsumerRecord) -> None:
        ticket = self.ledger.start(partition, record.offset)
        if ticket is None:
            return
        known = self._work.get((partition, record.offset))
        if known is not None:
            # The partition came straight back while the call was still being worked on: adopt it.
            known.ticket = ticket
            return
        work = Work(record=record, ticket=ticket, lane=lane_of(partition.topic), since_s=time.monotonic())
        self._work[partition, record.offset] = work
        self._intake.enter(work.lane)
        work.task = asyncio.create_task(self._do(work, self._last_of_key.get(record.key)))
        if record.key is not None:
            self._last_of_key[record.key] = work.task

    async def _do(self, work: Work, previous: asyncio.Task[None] | None) -> None:
        try:
            if previous is not None:
                await asyncio.wait({previous})
            await self._process(work.record, lambda: self.ledger.holds(work.ticket.partition))
            self.ledger.complete(work.ticket)
        except Superseded:
            _log.info("call_superseded", partition=work.ticket.partition.number, offset=work.record.offset)
        except Fatal as error:
            self._fatal = error
        except Exception as error:  # noqa: BLE001 -- an offset that can never be done would stop all commits
            _log.critical("processor_broken", error=type(error).__name__, offset=work.record.offset)
            self._fatal = Fatal(
                ErrorCode.BUG, f"the processor raised {type(error).__name__}; the call is done again"
            )
        finally:
            self._forget(work)

    def _forget(self, work: Work) -> None:
        del self._work[work.ticket.partition, work.record.offset]
        self._intake.leave(work.lane)
        if self._last_of_key.get(work.record.key) is work.task:
            del self._last_of_key[work.record.key]

    def _regulate(self) -> None:
        """Pausing throws away what was prefetched, so only on a change; a rebalance forgets it."""
        held = {Partition(p.topic, p.partition): p for p in self.consumer.assignment()}
        closed = {held[partition] for partition in self._intake.closed(held)}
        paused = self.consumer.paused()
        if closed - paused:
            self.consumer.pause(*(closed - paused))
        if paused - closed:
            self.consumer.resume(*(paused - closed))

    async def _commit(self, *, within_s: float) -> None:
        """Commit what may be; the client would try for ever while the broker is away, hence the time limit."""
        self._last_commit_s = time.monotonic()
        offsets = self.ledger.committable()
        if not offsets:
            return
        try:
            async with asyncio.timeout(within_s):
                await self.consumer.commit(
                    {TopicPartition(*partition): OffsetAndMetadata(o, "") for partition, o in offsets.items()}
                )
        except CommitFailedError:
            # The group moved on; whoever has the partition now does these calls again, without harm.
            _log.warning("commit_superseded", partitions=len(offsets))
        except (KafkaError, TimeoutError) as error:
            _log.warning("commit_failed_will_retry", error=type(error).__name__, partitions=len(offsets))
        else:
            self.ledger.committed(offsets)

    async def _drain(self, deadline: Deadline) -> None:
        tasks = [work.task for work in self._work.values()]
        if tasks:
            _, left = await asyncio.wait(tasks, timeout=deadline.left_s(reserve_s=_COMMIT_RESERVE_S))
            if left:
                _log.warning("drain_incomplete", calls=len(left), next="another member does them again")

    async def _abandon(self) -> None:
        tasks = [work.task for work in self._work.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def revoked(self, partitions: Iterable[TopicPartition]) -> None:
        """Finish what fits into the budget, commit it, and give the partitions up."""
        given_up = [Partition(p.topic, p.partition) for p in partitions]
        if given_up:
            deadline = Deadline.after(self._settings.rebalance_drain_s)
            await self._drain(deadline)
            await self._commit(within_s=deadline.left_s(least_s=_COMMIT_RESERVE_S))
        for partition in given_up:
            self.ledger.revoke(partition)
            self._intake.forget(partition)

    def assigned(self, partitions: Iterable[TopicPartition]) -> None:
        """Begin a new epoch of each partition."""
        given = [Partition(p.topic, p.partition) for p in partitions]
        for partition in given:
            self.ledger.assign(partition)
        self._hooks.assigned(len(given))
        _log.info("partitions_assigned", count=len(given))


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no types
    def __init__(self, loop: ConsumerLoop) -> None:
        self._loop = loop

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        await self._loop.revoked(revoked)

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self._loop.assigned(assigned)

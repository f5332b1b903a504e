"""The consumer loop: poll, bounded in-flight work, pause and resume, timed commits, drain.

What a record means is the processor's business. The loop promises: a record's offset is committed only after
the processor returned for it and for every earlier record of its partition.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
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

from infra.bus.ledger import Ledger, Partition, Ticket
from infra.errors import ErrorCode, Fatal
from infra.settings import ConsumerSettings

_log = structlog.get_logger()

Processor = Callable[[ConsumerRecord], Awaitable[None]]
"""Does all that a record asks for and returns when it is done. Raises only Fatal."""

_COMMIT_TIMEOUT_S = 30.0


@dataclass(slots=True)
class _Work:
    ticket: Ticket
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
        on_tick: Callable[[], None] = lambda: None,
        on_assigned: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._consumer = consumer
        self._topics = tuple(topics)
        self._process = process
        self._settings = settings
        self._on_tick = on_tick
        self._on_assigned = on_assigned
        self._ledger = Ledger()
        self._work: dict[tuple[Partition, int], _Work] = {}
        self._fatal: Fatal | None = None
        self._last_commit_s = 0.0

    @property
    def in_flight(self) -> int:
        """Records taken on and not done."""
        return len(self._work)

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until ``stop`` is set, then drain. Raises Fatal when the processor does."""
        await self._consumer.start()
        try:
            self._consumer.subscribe(self._topics, listener=_Listener(self))
            while not stop.is_set() and self._fatal is None:
                await self._turn()
            await self._drain(self._settings.drain_s)
            await self._commit()
        finally:
            await self._abandon()
            await self._consumer.stop()
        if self._fatal is not None:
            raise self._fatal

    async def _turn(self) -> None:
        """One poll. ``getmany`` must never be cancelled: that disables aiokafka's own watchdog for good."""
        free = self._settings.max_in_flight - len(self._work)
        self._set_paused(paused=free <= 0)
        batches = await self._consumer.getmany(
            timeout_ms=self._settings.poll_timeout_ms, max_records=max(free, 1)
        )
        for records in batches.values():
            for record in records:
                self._take(record)
        self._on_tick()
        if time.monotonic() - self._last_commit_s >= self._settings.commit_interval_ms / 1000:
            await self._commit()

    def _take(self, record: ConsumerRecord) -> None:
        partition = Partition(record.topic, record.partition)
        ticket = self._ledger.start(partition, record.offset)
        if ticket is None:
            return
        key = (partition, record.offset)
        if key in self._work:
            # The partition came straight back while the call was still being worked on: adopt it.
            self._work[key].ticket = ticket
            return
        work = _Work(ticket)
        self._work[key] = work
        work.task = asyncio.create_task(self._do(record, work))

    async def _do(self, record: ConsumerRecord, work: _Work) -> None:
        try:
            await self._process(record)
            self._ledger.complete(work.ticket)
        except Fatal as error:
            self._fatal = error
        except Exception as error:  # noqa: BLE001 -- an offset that can never be done would stop all commits
            _log.critical("processor_broken", error=type(error).__name__, offset=record.offset)
            self._fatal = Fatal(
                ErrorCode.BUG, f"the processor raised {type(error).__name__}; the call is done again"
            )
        finally:
            del self._work[work.ticket.partition, work.ticket.offset]

    def _set_paused(self, *, paused: bool) -> None:
        """Pausing throws away what was prefetched, so only on a change; a rebalance forgets it."""
        assignment = self._consumer.assignment()
        if paused and assignment - self._consumer.paused():
            self._consumer.pause(*assignment)
        elif not paused and self._consumer.paused():
            self._consumer.resume(*self._consumer.paused())

    async def _commit(self) -> None:
        self._last_commit_s = time.monotonic()
        offsets = self._ledger.committable()
        if not offsets:
            return
        try:
            async with asyncio.timeout(_COMMIT_TIMEOUT_S):
                await self._consumer.commit(
                    {TopicPartition(*partition): OffsetAndMetadata(o, "") for partition, o in offsets.items()}
                )
        except CommitFailedError:
            # The group moved on; whoever has the partition now does these calls again, without harm.
            _log.warning("commit_superseded", partitions=len(offsets))
        except (KafkaError, TimeoutError) as error:
            _log.warning("commit_failed_will_retry", error=type(error).__name__, partitions=len(offsets))
        else:
            self._ledger.committed(offsets)

    async def _drain(self, within_s: float) -> None:
        tasks = [work.task for work in self._work.values()]
        if tasks:
            _, left = await asyncio.wait(tasks, timeout=within_s)
            if left:
                _log.warning("drain_incomplete", calls=len(left), next="another member does them again")

    async def _abandon(self) -> None:
        tasks = [work.task for work in self._work.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def revoked(self, partitions: Iterable[TopicPartition]) -> None:
        """Finish what fits into the budget, commit it, and give the partitions up."""
        partitions = [Partition(p.topic, p.partition) for p in partitions]
        if partitions:
            await self._drain(self._settings.rebalance_drain_s)
            await self._commit()
        for partition in partitions:
            self._ledger.revoke(partition)

    def assigned(self, partitions: Iterable[TopicPartition]) -> None:
        """Begin a new epoch of each partition."""
        count = 0
        for partition in partitions:
            self._ledger.assign(Partition(partition.topic, partition.partition))
            count += 1
        self._on_assigned(count)
        _log.info("partitions_assigned", count=count)


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no types
    def __init__(self, loop: ConsumerLoop) -> None:
        self._loop = loop

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        await self._loop.revoked(revoked)

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self._loop.assigned(assigned)

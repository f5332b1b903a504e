"""The consumers that ``ops.bench.bus`` compares, each a process of its own that does the same no-op job.

Read a call-ended event, publish an answer under the same key, confirmed by the broker, and commit what is answered.
"""

import asyncio
import cProfile
import json
import pstats
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord

from infra.bus.connection import make_consumer, make_producer
from infra.bus.publisher import Publisher
from infra.bus.stage import Stage
from infra.envelope import failed_envelope
from infra.settings import ConsumerSettings
from schemas.codec import Codec
from schemas.records import CallEnded, CallTranscribed, Event, StageError
from schemas.topics import CALLS_ENDED, CALLS_TRANSCRIBED, Lane

STAGE = "transcription"
COMMIT_S = 1.0
_WAIT = "select.epoll"


class Meter:
    """Counts answers; at the ``count``-th it writes a JSON line: seconds, CPU seconds of this process, answers."""

    def __init__(self, count: int, on_full: Callable[[], None] = lambda: None) -> None:
        self._count = count
        self._on_full = on_full
        self._answered = 0
        self._began = (0.0, 0.0)

    def begin(self) -> None:
        """The first record is there."""
        if self._began == (0.0, 0.0):
            self._began = (time.perf_counter(), time.process_time())

    def answered(self, number: int = 1) -> None:
        """So many more answers are confirmed."""
        before, self._answered = self._answered, self._answered + number
        if before < self._count <= self._answered:
            wall_s, cpu_s = time.perf_counter() - self._began[0], time.process_time() - self._began[1]
            print(json.dumps({"wall_s": wall_s, "cpu_s": cpu_s, "messages": self._answered}), flush=True)
            self._on_full()


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a system has to do: under which group, how many at a time, measured by what."""

    settings: ConsumerSettings
    group: str
    meter: Meter


async def raw(job: Job) -> None:
    """Plain aiokafka, the fastest that is still safe: a batch in parallel, then the next, commits on a timer."""
    await _batches(job, lambda value: value)


async def raw_avro(job: Job) -> None:
    """The same with what any consumer of these topics needs: the event decoded, its answer encoded."""
    codec = Codec()
    await _batches(job, lambda value: codec.encode(answer(codec.decode(value, CallEnded))))


async def faststream(job: Job) -> None:
    """FastStream in its safe mode: acknowledged when the handler is done, redelivered on error."""
    from faststream import AckPolicy  # noqa: PLC0415 -- only in this system's process
    from faststream.kafka import KafkaBroker, KafkaMessage  # noqa: PLC0415 -- the same

    broker = KafkaBroker(
        job.settings.kafka_bootstrap,
        logger=None,
        acks="all",
        enable_idempotence=True,
        compression_type="gzip",
    )

    @broker.subscriber(
        CALLS_ENDED.name,
        group_id=job.group,
        auto_offset_reset="earliest",
        ack_policy=AckPolicy.NACK_ON_ERROR,
    )
    async def handle(body: bytes, message: KafkaMessage) -> None:
        job.meter.begin()
        record: Any = message.raw_message
        await broker.publish(body, CALLS_TRANSCRIBED.name, key=record.key)
        job.meter.answered()

    async with broker:
        await broker.start()
        await asyncio.Event().wait()


async def callytics(job: Job) -> None:
    """Our runtime, put together as in a service, around a stage that does nothing."""
    from infra.bus.runtime import Consumer  # noqa: PLC0415 -- only in this system's process
    from infra.health import Health  # noqa: PLC0415 -- the same

    async def handle(event: CallEnded) -> Sequence[Event]:
        job.meter.begin()
        return (answer(event),)

    async def give_up(_event: CallEnded, reason: StageError) -> Sequence[Event]:
        raise RuntimeError(f"the no-op stage failed with code {reason.code}")

    stage = _GroupedStage(
        name=STAGE, inputs=(CALLS_ENDED,), handle=handle, give_up=give_up, own_group=job.group
    )
    producer = make_producer(job.settings)
    await producer.start()
    codec = Codec()
    publisher = _Counted(producer, codec, job.meter)
    consumer = Consumer(job.settings, stage, publisher=publisher, codec=codec, health=Health())
    await consumer.run(asyncio.Event())


System = Callable[[Job], Awaitable[None]]
SYSTEMS: dict[str, System] = {
    "raw": raw,
    "raw-avro": raw_avro,
    "faststream": faststream,
    "callytics": callytics,
}


def answer(event: CallEnded) -> CallTranscribed:
    """The smallest answer of a stage to a call."""
    return CallTranscribed(**failed_envelope(event, STAGE))


def work(name: str, *, group: str, count: int, in_flight: int, profile: bool) -> None:
    """Be one system until killed; with ``profile`` until ``count`` answers, then write where the time went."""
    settings = ConsumerSettings(max_in_flight=in_flight, max_replays_in_flight=min(2, in_flight))
    profiler = cProfile.Profile()

    async def main() -> None:
        full = asyncio.Event()
        job = Job(settings=settings, group=group, meter=Meter(count, full.set))
        running = asyncio.ensure_future(SYSTEMS[name](job))
        await asyncio.wait(
            {running, asyncio.create_task(_when(full, profile=profile))}, return_when="FIRST_COMPLETED"
        )
        running.cancel()

    if profile:
        profiler.enable()
    asyncio.run(main())
    if profile:
        profiler.disable()
        print_profile(profiler)


def print_profile(profiler: cProfile.Profile, *, rows: int = 18) -> None:
    """Own time by module and by function of the event loop's thread alone, its waiting apart."""
    stats: dict[tuple[str, int, str], Any] = pstats.Stats(profiler).stats  # type: ignore[attr-defined]  # typeshed leaves it out
    by_module: Counter[str] = Counter()
    by_function: Counter[str] = Counter()
    waiting_s = 0.0
    for (file, line, function), (_, _, own_s, _, _) in stats.items():
        if _WAIT in function:
            waiting_s += own_s
            continue
        by_module[_module(file)] += own_s
        by_function[f"{_module(file)}:{line} {function}"] += own_s
    print(f"waiting for network, threads and timers: {waiting_s:.2f} s")
    total_s = by_module.total()
    for title, counted in (("module", by_module), ("function", by_function)):
        print(f"\nown time by {title}, {total_s:.2f} s in all")
        for name, own_s in counted.most_common(rows):
            print(f"{own_s:8.3f} s {own_s / total_s:6.1%}  {name}")


async def _when(full: asyncio.Event, *, profile: bool) -> None:
    await full.wait()
    if not profile:
        await asyncio.Event().wait()


async def _batches(job: Job, answered: Callable[[bytes], bytes]) -> None:
    consumer = make_consumer(job.settings, group=job.group)
    producer = make_producer(job.settings)
    await producer.start()
    await consumer.start()
    consumer.subscribe([CALLS_ENDED.name])
    committed_s = time.monotonic()
    while True:
        batches = await consumer.getmany(timeout_ms=300, max_records=job.settings.max_in_flight)
        records: list[ConsumerRecord] = [record for batch in batches.values() for record in batch]
        if records:
            job.meter.begin()
        sent = [
            producer.send_and_wait(CALLS_TRANSCRIBED.name, key=r.key, value=answered(r.value))
            for r in records
        ]
        await asyncio.gather(*sent)
        if time.monotonic() - committed_s >= COMMIT_S:
            await _commit(consumer)
            committed_s = time.monotonic()
        job.meter.answered(len(records))


async def _commit(consumer: AIOKafkaConsumer) -> None:
    """All that was polled is answered here, so the positions may be committed."""
    await consumer.commit()


def _module(file: str) -> str:
    if file == "~":
        return "built-in"
    path = Path(file)
    if "site-packages" in path.parts:
        return "/".join(path.parts[path.parts.index("site-packages") + 1 :])
    return "/".join(path.parts[-3:])


class _Counted(Publisher):
    """Tells the meter of each confirmed answer."""

    def __init__(self, producer: Any, codec: Codec, meter: Meter) -> None:
        super().__init__(producer, codec)
        self._meter = meter

    async def publish_all(self, events: Sequence[Event], lane: Lane = Lane.LIVE) -> None:
        await super().publish_all(events, lane)
        self._meter.answered(len(events))


@dataclass(frozen=True, kw_only=True)
class _GroupedStage(Stage[CallEnded]):
    """A stage whose group is new in each run, so that runs do not disturb one another."""

    own_group: str

    @property
    def group(self) -> str:
        return self.own_group

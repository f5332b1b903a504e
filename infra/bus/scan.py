"""Reading topics without a group: what lies in them now, from a time on, and how far groups have come.

Nothing here joins a group or commits, so that live consumers never notice. Works alike on the embedded broker,
which cannot answer an admin client's question for a group's offsets.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaConnectionError, KafkaError

from infra.bus.connection import make_admin, make_reader, no_broker, quietly
from infra.errors import ErrorCode, Fatal, Unavailable
from infra.settings import Settings

Offsets = dict[TopicPartition, int]
"""Partition → the offset of the next record: one past the last that was written, or done."""

_POLL_MS = 500
_AT_A_TIME = 500
_STALLED_S = 60.0


async def scan(
    settings: Settings, topic: str, *, since_ms: int | None = None, until_ms: int | None = None
) -> AsyncGenerator[ConsumerRecord]:
    """Every record of a topic that is there when the scan starts, each partition in order.

    ``since_ms`` and ``until_ms`` bound the records' timestamps, the latter exclusively. Who may leave early
    closes it (``contextlib.aclosing``). Unavailable when the broker stops answering; Fatal when it or the topic
    is not there.
    """
    partitions = await partitions_of(settings, [topic])
    async with _reader(settings) as consumer:
        ends: Offsets = await consumer.end_offsets(partitions)
        starts = await _starts(consumer, partitions, since_ms)
        async for record in _between(consumer, starts, ends):
            is_early = since_ms is not None and record.timestamp < since_ms
            is_late = until_ms is not None and record.timestamp >= until_ms
            if not (is_early or is_late):
                yield record


async def unread(settings: Settings, topic: str, *, group: str) -> AsyncGenerator[ConsumerRecord]:
    """Every record of a topic that is there when the scan starts and that a group has not done by its commits.

    The commits are asked for first: a record that is done meanwhile is still among them, none is missing.
    """
    committed = await committed_offsets(settings, group, [topic])
    partitions = await partitions_of(settings, [topic])
    async with _reader(settings) as consumer:
        ends: Offsets = await consumer.end_offsets(partitions)
        firsts = await _starts(consumer, partitions, None)
        starts = {place: max(first, committed.get(place, 0)) for place, first in firsts.items()}
        async for record in _between(consumer, starts, ends):
            yield record


async def fetch(settings: Settings, place: TopicPartition, offset: int) -> ConsumerRecord | None:
    """One record by its place; None when it is not (or no longer) there."""
    if place not in await partitions_of(settings, [place.topic]):
        return None
    async with _reader(settings) as consumer:
        first = (await consumer.beginning_offsets([place]))[place]
        end = (await consumer.end_offsets([place]))[place]
        if not first <= offset < end:
            return None
        found = [record async for record in _between(consumer, {place: offset}, {place: offset + 1})]
    return found[0] if found and found[0].offset == offset else None


async def end_offsets(settings: Settings, topics: Iterable[str]) -> Offsets:
    """The offset after the last record of every partition of the topics."""
    partitions = await partitions_of(settings, topics)
    async with _reader(settings) as consumer:
        ends: Offsets = await consumer.end_offsets(partitions)
    return ends


async def committed_offsets(settings: Settings, group: str, topics: Iterable[str]) -> Offsets:
    """How far a group has come; a partition of which it never committed anything is left out."""
    partitions = await partitions_of(settings, topics)
    async with _reader(settings, group=group) as consumer:
        found = await asyncio.gather(*(consumer.committed(place) for place in partitions))
    return {place: offset for place, offset in zip(partitions, found, strict=True) if offset is not None}


async def partitions_of(settings: Settings, topics: Iterable[str]) -> Sequence[TopicPartition]:
    """All partitions of the topics. Fatal when one of them does not exist."""
    names = tuple(topics)
    admin = make_admin(settings)
    try:
        async with _broker_or_error(settings):
            await admin.start()
            described = await admin.describe_topics(list(names))
    finally:
        await quietly(admin.close())
    found = [
        TopicPartition(topic["topic"], partition["partition"])
        for topic in described
        for partition in topic["partitions"]
    ]
    missing = sorted(set(names) - {place.topic for place in found})
    if missing:
        raise Fatal(
            ErrorCode.CONTRACT, f"the broker has no topic {', '.join(missing)}; run: callytics topics create"
        )
    return sorted(found)


@asynccontextmanager
async def _reader(settings: Settings, *, group: str | None = None) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = make_reader(settings, group=group)
    try:
        async with _broker_or_error(settings):
            await consumer.start()
            yield consumer
    finally:
        await quietly(consumer.stop())


@asynccontextmanager
async def _broker_or_error(settings: Settings) -> AsyncIterator[None]:
    try:
        yield
    except KafkaConnectionError as error:
        raise no_broker(settings) from error
    except (KafkaError, TimeoutError) as error:
        raise Unavailable(
            ErrorCode.TRANSIENT, f"the broker did not answer ({type(error).__name__}); try again"
        ) from error


async def _starts(
    consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition], since_ms: int | None
) -> Offsets:
    firsts: Offsets = await consumer.beginning_offsets(partitions)
    if since_ms is None:
        return firsts
    found = await consumer.offsets_for_times(dict.fromkeys(partitions, since_ms))
    # No record since then: nothing of this partition is read.
    return {place: max(firsts[place], at.offset) for place, at in found.items() if at is not None}


async def _between(
    consumer: AIOKafkaConsumer, starts: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]
) -> AsyncGenerator[ConsumerRecord]:
    """Records from ``starts`` to before ``ends``. Each partition is left as soon as it is read to its end."""
    pending = {place for place, start in starts.items() if start < ends[place]}
    if not pending:
        return
    consumer.assign(list(pending))
    for place in pending:
        consumer.seek(place, starts[place])
    while pending:
        for place, records in (await _poll(consumer, pending)).items():
            for record in records:
                if record.offset < ends[place]:
                    yield record
        # Not the last record's offset: the end may be one that compaction or a transaction's marker took.
        done = {place for place in pending if await consumer.position(place) >= ends[place]}
        if done:
            consumer.pause(*done)
            pending -= done


async def _poll(
    consumer: AIOKafkaConsumer, pending: Iterable[TopicPartition]
) -> Mapping[TopicPartition, Sequence[ConsumerRecord]]:
    """The next records; nothing only where an offset moved without one. Unavailable when nothing comes at all."""
    before = {place: await consumer.position(place) for place in pending}
    deadline_s = asyncio.get_running_loop().time() + _STALLED_S
    while asyncio.get_running_loop().time() < deadline_s:
        batches: Mapping[TopicPartition, Sequence[ConsumerRecord]] = await consumer.getmany(
            *before, timeout_ms=_POLL_MS, max_records=_AT_A_TIME
        )
        if batches or any([await consumer.position(place) > at for place, at in before.items()]):
            return batches
    raise Unavailable(ErrorCode.TRANSIENT, f"the broker sent nothing for {_STALLED_S:g} s; try again")

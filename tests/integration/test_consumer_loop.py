"""The consumer loop against a real broker: what is in flight, what is committed, and how it stops."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from infra.bus.connection import make_consumer, make_producer
from infra.bus.fence import Fence
from infra.bus.loop import ConsumerLoop
from infra.envelope import now_ms
from infra.errors import ErrorCode, Fatal
from infra.servers import ServerStack
from infra.settings import ConsumerSettings
from infra.stack import EmbeddedStack

pytestmark = pytest.mark.integration

BACKLOG = 20


@pytest.fixture(scope="module", params=["embedded", "real"])
def stack(request: pytest.FixtureRequest) -> Iterator[ServerStack]:
    if request.param == "real":
        yield request.getfixturevalue("real_stack")
    else:
        with EmbeddedStack() as running:
            yield running


def _settings(stack: ServerStack, *, max_in_flight: int = 8, drain_s: float = 10.0) -> ConsumerSettings:
    return ConsumerSettings(
        kafka_bootstrap=stack.addresses.kafka_bootstrap,
        kafka_idempotence=False,
        session_timeout_ms=6_000,
        max_in_flight=max_in_flight,
        commit_interval_ms=50,
        poll_timeout_ms=50,
        drain_s=drain_s,
        rebalance_drain_s=2.0,
    )


class Gate:
    """A processor whose records end when the test lets them: all, or offset by offset."""

    def __init__(self) -> None:
        self.started: list[tuple[int, int]] = []
        self.ended: list[tuple[int, int]] = []
        self.running = 0
        self.most_running = 0
        self._open = asyncio.Event()
        self._opened: dict[tuple[int, int], asyncio.Event] = {}
        self._kept: set[tuple[int, int]] = set()

    async def __call__(self, record: ConsumerRecord, _: Fence) -> None:
        place = (record.partition, record.offset)
        self.started.append(place)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            await self._leave(place)
            self.ended.append(place)
        finally:
            self.running -= 1

    async def _leave(self, place: tuple[int, int]) -> None:
        own = self._opened.setdefault(place, asyncio.Event())
        if place in self._kept:
            await own.wait()
            return
        waits = [asyncio.create_task(event.wait()) for event in (own, self._open)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    def let(self, *offsets: int, partition: int = 0) -> None:
        for offset in offsets:
            self._opened.setdefault((partition, offset), asyncio.Event()).set()

    def let_all(self) -> None:
        self._open.set()

    def keep(self, offset: int, *, partition: int = 0) -> None:
        """This one does not end, even when all others may."""
        self._kept.add((partition, offset))


async def _until(holds: Callable[[], Awaitable[bool]], *, within_s: float = 40.0) -> None:
    async with asyncio.timeout(within_s):
        while not await holds():  # noqa: ASYNC110 -- the broker's state has no event to wait for
            await asyncio.sleep(0.05)


async def _until_true(holds: Callable[[], bool], *, within_s: float = 40.0) -> None:
    async def answer() -> bool:
        return holds()

    await _until(answer, within_s=within_s)


async def _fill(stack: ServerStack, topic: str, *, partitions: int = 1, each: int = BACKLOG) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.addresses.kafka_bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, partitions, 1)])
    await admin.close()
    producer: AIOKafkaProducer = make_producer(_settings(stack))
    async with producer:
        for partition in range(partitions):
            for number in range(each):
                await producer.send_and_wait(topic, b"%d" % number, partition=partition)


@asynccontextmanager
async def _running(loop: ConsumerLoop) -> AsyncIterator[tuple[asyncio.Event, asyncio.Task[None]]]:
    """A loop that consumes until the test sets ``stop``; whatever is left of it ends with the test."""
    stop = asyncio.Event()
    task = asyncio.create_task(loop.run(stop))
    try:
        yield stop, task
    finally:
        stop.set()
        if not task.done():
            task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _loop(
    stack: ServerStack, topic: str, gate: Gate, *, settings: ConsumerSettings | None = None
) -> ConsumerLoop:
    settings = settings or _settings(stack)
    return ConsumerLoop(
        make_consumer(settings, group=f"group-{topic}"), topics=[topic], process=gate, settings=settings
    )


async def _committed(stack: ServerStack, topic: str, *, partitions: Sequence[int] = (0,)) -> list[int | None]:
    """What the broker holds for the group, asked by a consumer that does not join it."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=stack.addresses.kafka_bootstrap,
        group_id=f"group-{topic}",
        enable_auto_commit=False,
    )
    async with consumer:
        places = [TopicPartition(topic, number) for number in partitions]
        consumer.assign(places)
        return [await consumer.committed(place) for place in places]


async def test_a_backlog_is_taken_on_up_to_the_bound_and_committed_as_its_prefix_ends(
    stack: ServerStack,
) -> None:
    """Calls end in any order; the commit stops before the first one that has not (parallel-consumer 826)."""
    topic, gate = "prefix", Gate()
    await _fill(stack, topic)
    loop = _loop(stack, topic, gate, settings=_settings(stack, max_in_flight=4))
    async with _running(loop) as (stop, task):
        await _until_true(lambda: loop.in_flight == 4)
        gate.let(1, 2, 3)
        await _until_true(lambda: len(gate.started) == 7)
        assert gate.most_running == loop.in_flight == 4
        assert await _committed(stack, topic) in ([0], [None]), "the head has not ended"

        gate.let(0)
        await _until(lambda: _is_committed(stack, topic, 4))
        gate.let_all()
        await _until(lambda: _is_committed(stack, topic, BACKLOG))
        stop.set()
        await asyncio.wait_for(task, 20)
    assert gate.most_running == 4, "never more than the bound"
    assert sorted(gate.ended) == [(0, offset) for offset in range(BACKLOG)], "each once"


async def _is_committed(stack: ServerStack, topic: str, offset: int) -> bool:
    return await _committed(stack, topic) == [offset]


async def test_stopping_finishes_what_is_in_flight_commits_it_and_leaves_the_rest_to_another_member(
    stack: ServerStack,
) -> None:
    topic, first, second = "handover", Gate(), Gate()
    await _fill(stack, topic)
    loop = _loop(stack, topic, first, settings=_settings(stack, max_in_flight=5))
    async with _running(loop) as (stop, task):
        await _until_true(lambda: loop.in_flight == 5)
        stop.set()
        # The calls take some turns of the loop longer than the request to stop.
        asyncio.get_running_loop().call_later(0.5, first.let_all)
        await asyncio.wait_for(task, 20)
    assert await _committed(stack, topic) == [5]
    assert len(first.ended) == 5

    second.let_all()
    async with _running(_loop(stack, topic, second)) as (stop, task):
        await _until_true(lambda: len(second.ended) == BACKLOG - 5)
        stop.set()
        await asyncio.wait_for(task, 20)
    assert sorted(first.ended + second.ended) == [(0, offset) for offset in range(BACKLOG)]
    assert await _committed(stack, topic) == [BACKLOG]


async def test_a_record_that_never_ends_holds_the_commits_of_its_own_partition_only(
    stack: ServerStack,
) -> None:
    """And when its member stops, what it holds is not committed but done by the next one."""
    topic, gate = "stuck", Gate()
    await _fill(stack, topic, partitions=2, each=10)
    gate.keep(3, partition=0)
    gate.let_all()
    loop = _loop(stack, topic, gate, settings=_settings(stack, drain_s=0.2))
    async with _running(loop) as (stop, task):

        async def committed() -> bool:
            return await _committed(stack, topic, partitions=(0, 1)) == [3, 10]

        await _until(committed)
        await _until_true(lambda: len(gate.ended) == 19)
        assert await committed(), "later calls of the partition have ended, but it does not move"
        assert loop.in_flight == 1
        stop.set()
        await asyncio.wait_for(task, 20)
    assert await _committed(stack, topic, partitions=(0, 1)) == [3, 10]

    again = Gate()
    again.let_all()
    async with _running(_loop(stack, topic, again)):
        await _until_true(lambda: len(again.ended) == 7)
    assert sorted(again.ended) == [(0, offset) for offset in range(3, 10)]


async def test_a_second_member_takes_over_a_part_and_no_record_is_lost(stack: ServerStack) -> None:
    """What was in flight when the partitions were shared anew may be done twice, never not at all."""
    topic, gates = "shared", (Gate(), Gate())
    await _fill(stack, topic, partitions=4, each=5)
    first, second = (_loop(stack, topic, gate, settings=_settings(stack, max_in_flight=3)) for gate in gates)
    async with _running(first) as (_, _task):
        await _until_true(lambda: first.in_flight == 3)
        async with _running(second):
            await _until_true(lambda: second.in_flight > 0)
            for gate in gates:
                gate.let_all()

            async def all_committed() -> bool:
                return await _committed(stack, topic, partitions=range(4)) == [5] * 4

            await _until(all_committed)
    done = set(gates[0].ended) | set(gates[1].ended)
    assert done == {(partition, offset) for partition in range(4) for offset in range(5)}
    assert gates[1].ended, "the second member had its share"


async def test_fatal_ends_the_loop_and_leaves_its_record_uncommitted(stack: ServerStack) -> None:
    topic = "fatal"
    await _fill(stack, topic, each=3)
    settings = _settings(stack)

    async def process(record: ConsumerRecord, _: Fence) -> None:
        if record.offset == 1:
            raise Fatal(ErrorCode.RESOURCE, "no GPU")

    loop = ConsumerLoop(
        make_consumer(settings, group=f"group-{topic}"), topics=[topic], process=process, settings=settings
    )
    with pytest.raises(Fatal, match="no GPU"):
        await asyncio.wait_for(loop.run(asyncio.Event()), 40)
    assert await _committed(stack, topic) == [1]


async def test_a_postponed_record_is_taken_on_when_it_is_due_and_not_before(stack: ServerStack) -> None:
    """It holds no place meanwhile: what stands in other topics goes on."""
    topic, live, gate = "calls.analysis.retry.30s", "beside", Gate()
    gate.let_all()
    await _fill(stack, live, each=5)
    await _fill(stack, topic, each=0)
    due_ms = now_ms() + 1_500
    producer: AIOKafkaProducer = make_producer(_settings(stack))
    async with producer:
        for number in range(2):
            headers = [("x-not-before", b"%d" % (due_ms + number))]
            await producer.send_and_wait(topic, b"later", partition=0, headers=headers)
    taken_ms: dict[str, list[int]] = {topic: [], live: []}

    async def process(record: ConsumerRecord, _: Fence) -> None:
        taken_ms[record.topic].append(now_ms())

    settings = _settings(stack, max_in_flight=1)
    loop = ConsumerLoop(
        make_consumer(settings, group="postponed"), topics=[topic, live], process=process, settings=settings
    )
    async with _running(loop):
        await _until_true(lambda: len(taken_ms[topic]) == 2)
    assert min(taken_ms[topic]) >= due_ms
    assert len(taken_ms[live]) == 5


async def test_replayed_records_wait_while_live_ones_are_in_flight(stack: ServerStack) -> None:
    topic, live, gate = "calls.transcribed.replay", "before-replays", Gate()
    await _fill(stack, live, each=6)
    await _fill(stack, topic, each=6)
    seen: list[tuple[str, frozenset[str]]] = []
    running: list[str] = []

    async def process(record: ConsumerRecord, fence: Fence) -> None:
        seen.append((record.topic, frozenset(running)))
        running.append(record.topic)
        try:
            await gate(record, fence)
        finally:
            running.remove(record.topic)

    settings = _settings(stack, max_in_flight=4)
    loop = ConsumerLoop(
        make_consumer(settings, group="replayed"), topics=[topic, live], process=process, settings=settings
    )
    async with _running(loop):
        await _until_true(lambda: len(seen) > 0)
        gate.let_all()
        await _until_true(lambda: len(gate.ended) == 12)
    assert all(live not in beside for name, beside in seen if name == topic)


async def test_records_of_one_key_are_worked_on_one_after_the_other(stack: ServerStack) -> None:
    topic, gate = "keyed", Gate()
    await _fill(stack, topic, each=0)
    producer: AIOKafkaProducer = make_producer(_settings(stack))
    async with producer:
        for number in range(4):
            await producer.send_and_wait(topic, b"%d" % number, key=b"one call", partition=0)
    loop = _loop(stack, topic, gate)
    async with _running(loop):
        await _until_true(lambda: loop.in_flight == 4)
        assert gate.running == 1
        gate.let_all()
        await _until_true(lambda: len(gate.ended) == 4)
    assert gate.most_running == 1
    assert gate.ended == sorted(gate.ended)

"""The bus: our runtime with a stage that does nothing, beside plain aiokafka and FastStream, on one Apache Kafka.

Each system reads the same calls, in a process of its own, and publishes an answer for each: first a backlog
(messages per second and CPU time per message), then calls at a steady rate (latency from sending the call to seeing
its answer). The systems take turns, several times. ``raw`` passes bytes on; ``raw-avro`` also decodes the event and
encodes the answer, which no consumer of these topics can do without; FastStream passes bytes on.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, OffsetAndMetadata, TopicPartition

from infra.bus.admin import create_topics
from infra.bus.connection import make_producer
from infra.errors import CallyticsError
from infra.logs import configure_logging
from infra.settings import ConsumerSettings
from ops.bench.bus_systems import SYSTEMS, work
from ops.bench.figures import print_rows
from schemas.codec import Codec
from schemas.records import Call, CallEnded, Recording
from schemas.topics import CALLS_ENDED, CALLS_TRANSCRIBED

GOAL_OF_RAW = 0.8
GOAL_OF_FASTSTREAM = 3.0
_BOOTSTRAP = "CALLYTICS_KAFKA_BOOTSTRAP"
_GRACE_S = 20.0
"""How long an answer at a steady rate may be on its way before it counts as lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How much to ask of each system."""

    messages: int
    rate_hz: float
    paced: int
    in_flight: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one turn of one system gave."""

    system: str
    per_s: float
    cpu_ms: float
    latencies_ms: tuple[float, ...]


async def measure(system: str, load: Load, settings: ConsumerSettings) -> Run:
    """One turn: a backlog, then a steady rate, by a new process under a new group."""
    group = f"bench-{system}-{uuid.uuid4().hex[:8]}"
    producer = make_producer(settings)
    await producer.start()
    try:
        await _begin_at_the_end(settings, group)
        await _publish(producer, _calls(group, load.messages))
        with _system(system, group, load) as output:
            figures = json.loads(await asyncio.to_thread(output.readline) or "{}")
            if not figures:
                raise RuntimeError(f"{system} ended before it had answered: run it alone by --only {system}")
            latencies = await _paced(producer, settings, load)
    finally:
        await producer.stop()
    return Run(
        system=system,
        per_s=figures["messages"] / figures["wall_s"],
        cpu_ms=figures["cpu_s"] * 1000 / figures["messages"],
        latencies_ms=tuple(latencies),
    )


async def profile(load: Load, settings: ConsumerSettings) -> None:
    """Where the time of our runtime goes with a backlog, on standard output."""
    group = f"bench-profile-{uuid.uuid4().hex[:8]}"
    producer = make_producer(settings)
    await producer.start()
    try:
        await _begin_at_the_end(settings, group)
        await _publish(producer, _calls(group, load.messages))
    finally:
        await producer.stop()
    command = _command("callytics", group, load)
    await asyncio.to_thread(subprocess.run, [*command, "--profile"], check=True, stderr=subprocess.DEVNULL)


async def _begin_at_the_end(settings: ConsumerSettings, group: str) -> None:
    """The group starts at what is published from now on."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka_bootstrap, group_id=group, enable_auto_commit=False
    )
    await consumer.start()
    try:
        places = [TopicPartition(CALLS_ENDED.name, number) for number in range(CALLS_ENDED.partitions)]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        await consumer.commit({place: OffsetAndMetadata(offset, "") for place, offset in ends.items()})
    finally:
        await consumer.stop()


def _calls(group: str, count: int) -> Iterator[tuple[bytes, bytes]]:
    """Key and value of call-ended events."""
    codec = Codec()
    call = Call(
        recording=Recording(uri="s3://recordings/2026/11/24/call.wav"), language_hint="ko", queue="claims"
    )
    for number in range(count):
        call_id = f"{group}-{number}"
        event = CallEnded(event_id=call_id, call_id=call_id, run_id=call_id, produced_at_ms=0, call=call)
        yield call_id.encode(), codec.encode(event)


async def _publish(producer: AIOKafkaProducer, calls: Iterator[tuple[bytes, bytes]]) -> None:
    sent = [await producer.send(CALLS_ENDED.name, key=key, value=value) for key, value in calls]
    await asyncio.gather(*sent)


async def _paced(producer: AIOKafkaProducer, settings: ConsumerSettings, load: Load) -> list[float]:
    """Milliseconds from sending each call to reading its answer."""
    observer = AIOKafkaConsumer(bootstrap_servers=settings.kafka_bootstrap, fetch_max_wait_ms=20)
    await observer.start()
    try:
        places = [TopicPartition(CALLS_TRANSCRIBED.name, n) for n in range(CALLS_TRANSCRIBED.partitions)]
        observer.assign(places)
        for place, offset in (await observer.end_offsets(places)).items():
            observer.seek(place, offset)
        calls = list(_calls(f"paced-{uuid.uuid4().hex[:8]}", load.paced))
        sent_s: dict[bytes, float] = {}
        sending = asyncio.create_task(_send_at_rate(producer, calls, load.rate_hz, sent_s))
        seen_s = await _observe(
            observer, {key for key, _ in calls}, within_s=load.paced / load.rate_hz + _GRACE_S
        )
        await sending
    finally:
        await observer.stop()
    return [(seen_s[key] - sent_s[key]) * 1000 for key in seen_s]


async def _send_at_rate(
    producer: AIOKafkaProducer,
    calls: Sequence[tuple[bytes, bytes]],
    rate_hz: float,
    sent_s: dict[bytes, float],
) -> None:
    start_s = time.perf_counter()
    for number, (key, value) in enumerate(calls):
        await asyncio.sleep(max(0.0, start_s + number / rate_hz - time.perf_counter()))
        sent_s[key] = time.perf_counter()
        await producer.send(CALLS_ENDED.name, key=key, value=value)


async def _observe(observer: AIOKafkaConsumer, keys: set[bytes], *, within_s: float) -> dict[bytes, float]:
    """When the first answer under each key was read; an answer that does not come in time ends the benchmark."""
    seen_s: dict[bytes, float] = {}
    deadline_s = time.perf_counter() + within_s
    while len(seen_s) < len(keys):
        if time.perf_counter() > deadline_s:
            raise RuntimeError(
                f"{len(keys) - len(seen_s)} of {len(keys)} answers did not come: read the broker's log"
            )
        for records in (await observer.getmany(timeout_ms=100)).values():
            for record in records:
                if record.key in keys:
                    seen_s.setdefault(record.key, time.perf_counter())
    return seen_s


def _command(system: str, group: str, load: Load) -> list[str]:
    numbers = ["--messages", str(load.messages), "--in-flight", str(load.in_flight)]
    return [sys.executable, "-m", "ops.bench.bus", "--work", system, "--group", group, *numbers]


@contextmanager
def _system(system: str, group: str, load: Load) -> Iterator[IO[str]]:
    """A system at work; its standard output."""
    command = _command(system, group, load)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:  # noqa: S603 -- this very module
        assert process.stdout is not None  # noqa: S101 -- PIPE was asked for
        try:
            yield process.stdout
        finally:
            process.kill()


def print_results(runs: Sequence[Run]) -> bool:
    """The table, medians over the repeats; whether both goals are met."""
    systems = list(dict.fromkeys(run.system for run in runs))
    per_s = {name: statistics.median(r.per_s for r in runs if r.system == name) for name in systems}
    rows = []
    for name in systems:
        mine = [run for run in runs if run.system == name]
        waits = statistics.quantiles([ms for run in mine for ms in run.latencies_ms], n=100)
        figures = (per_s[name], statistics.median(r.cpu_ms for r in mine), waits[49], waits[98])
        rows.append((name, *(round(figure, 2) for figure in figures), len(mine)))
    print_rows(("system", "messages/s", "CPU ms/message", "p50 ms", "p99 ms", "runs"), rows)
    goals = (("raw", GOAL_OF_RAW), ("raw-avro", GOAL_OF_RAW), ("faststream", GOAL_OF_FASTSTREAM))
    verdicts = []
    for other, goal in goals:
        if other in per_s and "callytics" in per_s:
            ratio = per_s["callytics"] / per_s[other]
            verdicts.append(ratio >= goal)
            print(
                f"callytics / {other}: {ratio:.2f}, goal {goal:.1f}: {'pass' if verdicts[-1] else 'MISSED'}"
            )
    return all(verdicts)


@contextmanager
def _broker() -> Iterator[None]:
    """The broker of the environment, else an Apache Kafka of our own for as long as this lasts."""
    if os.environ.get(_BOOTSTRAP):
        yield
        return
    from infra.real_stack import RealStack  # noqa: PLC0415 -- only where no broker is named

    with RealStack() as stack:
        os.environ.update(stack.addresses.environment())
        yield


async def _compare(systems: Sequence[str], load: Load, *, repeats: int) -> list[Run]:
    settings = ConsumerSettings()
    await create_topics(settings)
    turns = [system for _ in range(repeats) for system in systems]
    return [await measure(system, load, settings) for system in turns]


async def _profile(load: Load) -> None:
    settings = ConsumerSettings()
    await create_topics(settings)
    await profile(load, settings)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; the exit code: 1 when a goal is missed."""
    parser = argparse.ArgumentParser(
        prog="python -m ops.bench.bus",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--only", nargs="+", choices=list(SYSTEMS), default=list(SYSTEMS), help="default: all"
    )
    parser.add_argument("--messages", type=int, default=5000, help="the backlog of each turn")
    parser.add_argument("--paced", type=int, default=500, help="calls at a steady rate in each turn")
    parser.add_argument("--rate", type=float, default=50.0, help="of these, calls per second")
    parser.add_argument("--in-flight", type=int, default=64, help="messages at a time")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument(
        "--profile", action="store_true", help="where our time goes, instead of the comparison"
    )
    parser.add_argument("--work", choices=list(SYSTEMS), help=argparse.SUPPRESS)
    parser.add_argument("--group", default="", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    load = Load(
        messages=options.messages, rate_hz=options.rate, paced=options.paced, in_flight=options.in_flight
    )
    # A system logs as in production, which costs its time; aiokafka tells here what a new broker does anyway.
    configure_logging("INFO" if options.work else "CRITICAL")
    if options.work:
        work(
            options.work,
            group=options.group,
            count=load.messages,
            in_flight=load.in_flight,
            profile=options.profile,
        )
        return 0
    try:
        with _broker():
            if options.profile:
                asyncio.run(_profile(load))
                return 0
            runs = asyncio.run(_compare(options.only, load, repeats=options.repeats))
    except CallyticsError as error:
        parser.exit(3, f"{error.message}\n")
    return 0 if print_results(runs) else 1


if __name__ == "__main__":
    sys.exit(main())

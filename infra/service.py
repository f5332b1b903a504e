"""The composition root that all three services share: settings in, a running consumer out."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import structlog
from aiokafka.errors import KafkaConnectionError

from infra.bus.connection import no_broker
from infra.bus.producing import RenewedProducer
from infra.bus.publisher import Publisher
from infra.bus.runtime import Consumer
from infra.bus.stage import Stage
from infra.engine_host import EngineHost
from infra.errors import CallyticsError
from infra.health import Health, HealthServer
from infra.logs import configure_logging
from infra.registry import codec_for
from infra.settings import ConsumerSettings, Settings
from infra.store import Store
from infra.telemetry import configure_tracing
from infra.watchdog import Watchdog
from schemas.codec import Codec
from schemas.records import Event

_log = structlog.get_logger()

E = TypeVar("E", bound=Event)
S = TypeVar("S", bound=ConsumerSettings)

EXIT_FATAL = 3

_TICK_S = 1.0


@dataclass(slots=True, kw_only=True)
class Wiring(Generic[E]):
    """What a service's own module adds to the runtime: its stage, its engine and, if it has one, its store."""

    stage: Stage[E]
    host: EngineHost[Any, Any]
    store: Store | None = field(default=None)


def run_service(settings: S, wire: Callable[[S], Wiring[E]], *, name: str) -> None:
    """Run a service until SIGTERM or SIGINT; exit with 3 when it cannot work. A second signal ends it at once."""
    configure_logging(settings.log_level)
    provider = configure_tracing(service=name, endpoint=settings.otlp_endpoint)
    try:
        asyncio.run(_serve(settings, wire(settings)))
    except CallyticsError as error:
        _log.critical("service_stopped", stage=name, code=error.code, reason=error.message)
        sys.exit(EXIT_FATAL)
    finally:
        provider.shutdown()


async def _serve(settings: ConsumerSettings, wiring: Wiring[E]) -> None:
    stage, host = wiring.stage, wiring.host
    stop = _stop_on_signals()
    health = Health()
    health.engine_pid = lambda: host.pid
    async with AsyncExitStack() as stack:
        server = HealthServer(health, stage=stage.name, host=settings.health_host, port=settings.health_port)
        server.start()
        stack.callback(server.close)
        _log.info("service_starting", stage=stage.name, health=f"{settings.health_host}:{server.port}")
        stack.callback(host.stop)
        if not await _unless_stopped(host.start(), stop, tick=health.tick):
            return
        health.set_ready("engine", ready=True)
        if wiring.store is not None:
            stack.callback(wiring.store.close)
            await wiring.store.prepare()
        codec = await asyncio.to_thread(codec_for, settings)
        publisher = await stack.enter_async_context(running_publisher(settings, codec=codec))
        consumer = Consumer(settings, stage, publisher=publisher, codec=codec, health=health)
        watchdog = Watchdog(lambda: health.age_s, stall_after_s=settings.stall_after_s)
        watchdog.start()
        stack.callback(watchdog.close)
        _log.info("service_consuming", stage=stage.name, group=stage.group)
        await _broker_or_fatal(consumer.run(stop), settings)
        _log.info("service_stopped", stage=stage.name)


@asynccontextmanager
async def running_publisher(settings: Settings, *, codec: Codec | None = None) -> AsyncIterator[Publisher]:
    """A publisher connected to the broker. Fatal when there is none."""
    if codec is None:
        codec = await asyncio.to_thread(codec_for, settings)
    producer = RenewedProducer(settings)
    try:
        await _broker_or_fatal(producer.start(), settings)
        yield Publisher(producer, codec)
    finally:
        await producer.stop()


async def _broker_or_fatal(work: Coroutine[Any, Any, None], settings: Settings) -> None:
    try:
        await work
    except KafkaConnectionError as error:
        raise no_broker(settings) from error


async def _unless_stopped(
    work: Coroutine[Any, Any, None], stop: asyncio.Event, *, tick: Callable[[], None]
) -> bool:
    """Whether the work ended before a signal asked to stop.

    Loading a model may take minutes; the service is alive all the while, and ``tick`` says so.
    """
    task = asyncio.create_task(work)
    stopped = asyncio.create_task(stop.wait())
    while not (task.done() or stopped.done()):
        await asyncio.wait({task, stopped}, timeout=_TICK_S, return_when=asyncio.FIRST_COMPLETED)
        tick()
    stopped.cancel()
    if not task.done():
        task.cancel()
        return False
    await task
    return True


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal() -> None:
        if stop.is_set():
            for task in asyncio.all_tasks():
                task.cancel()
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    return stop

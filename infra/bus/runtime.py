"""A stage put together with all that the bus does for it: loop, processor, retries, dead letters, breaker, lag."""

import asyncio
from typing import TypeVar

import structlog

from infra import metrics
from infra.bus.breaker import Breaker, BreakerRules, BreakerState
from infra.bus.connection import make_consumer
from infra.bus.dead_letters import DeadLetters
from infra.bus.insistence import Insistence
from infra.bus.lag import LagObserver
from infra.bus.lengths import AudioLengths
from infra.bus.loop import ConsumerLoop, LoopHooks
from infra.bus.publisher import Publisher
from infra.bus.retries import Retries
from infra.bus.stage import Exits, Stage, StageProcessor
from infra.health import Health
from infra.settings import ConsumerSettings
from schemas.codec import Codec
from schemas.records import Event

_log = structlog.get_logger()

E = TypeVar("E", bound=Event)

STUCK_FETCH_S = 180.0
"""A partition with records from which nothing came for so long is no longer fetched from."""


class Consumer:
    """One member of a stage's group, from the first poll to the last commit."""

    def __init__(
        self,
        settings: ConsumerSettings,
        stage: Stage[E],
        *,
        publisher: Publisher,
        codec: Codec,
        health: Health,
    ) -> None:
        breaker = make_breaker(settings, stage.name, health)
        exits = Exits(
            retries=Retries(publisher, stage=stage.name, delay_factor=settings.retry_delay_factor),
            dead_letters=DeadLetters(publisher, stage=stage.name),
            breaker=breaker,
        )
        lengths = AudioLengths()
        self.loop = ConsumerLoop(
            make_consumer(settings, group=stage.group),
            topics=stage.topics,
            process=StageProcessor(
                stage,
                codec=codec,
                publisher=publisher,
                exits=exits,
                insistence=Insistence(settings, stage=stage.name),
                lengths=lengths,
            ),
            settings=settings,
            hooks=LoopHooks(
                tick=health.tick,
                assigned=lambda _: health.set_ready("assignment", ready=True),
                draining=lambda: health.set_ready("assignment", ready=False),
                limit=breaker.limit,
            ),
        )
        self._observer = LagObserver(
            self.loop,
            stage=stage.name,
            lengths=lengths,
            interval_s=settings.lag_interval_s,
            stuck_after_s=STUCK_FETCH_S,
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until ``stop`` is set, then drain. Raises Fatal when the stage cannot work."""
        observing = asyncio.create_task(self._observer.run())
        try:
            await self.loop.run(stop)
        finally:
            observing.cancel()
            await asyncio.gather(observing, return_exceptions=True)


def make_breaker(settings: ConsumerSettings, stage: str, health: Health) -> Breaker:
    """The stage's breaker, which makes the service not ready while it is open."""

    def changed(state: BreakerState) -> None:
        is_open = state is not BreakerState.CLOSED
        health.set_ready("breaker", ready=not is_open)
        metrics.BREAKER_OPEN.labels(stage).set(is_open)
        if is_open:
            _log.critical(
                "breaker_open",
                pause_s=settings.breaker_pause_s,
                next="read the last call_failed lines and mend the cause; then callytics dlq redrive",
            )
        else:
            _log.warning("breaker_closed", next="callytics dlq list shows what failed meanwhile")

    rules = BreakerRules(
        consecutive=settings.breaker_consecutive,
        ratio=settings.breaker_ratio,
        window=settings.breaker_window,
        pause_s=settings.breaker_pause_s,
    )
    return Breaker(rules, on_change=changed)

"""A producer that is replaced when its sequence is broken.

aiokafka's idempotent producer numbers its batches. One that it gave up on while the broker was away leaves a gap,
and the broker then refuses every later batch of that producer id for ever; the client knows no newer epoch
(KIP-360). A new producer has a new id. What is sent twice by this is the same event under the same ``event_id``.
"""

import asyncio
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    InvalidProducerEpoch,
    InvalidProducerIdMapping,
    OutOfOrderSequenceNumber,
    ProducerFenced,
)

from infra.bus.connection import make_producer, quietly
from infra.settings import Settings

_log = structlog.get_logger()

_BROKEN = (OutOfOrderSequenceNumber, InvalidProducerEpoch, InvalidProducerIdMapping, ProducerFenced)


class RenewedProducer:
    """Sends like aiokafka's producer; a batch that is refused for its number costs the producer, not the caller."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._producer: AIOKafkaProducer = make_producer(settings)
        self._renewal = asyncio.Lock()
        self._retired: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Connect to the broker; the client's error when there is none."""
        await self._producer.start()

    async def stop(self) -> None:
        """Send what is pending and disconnect."""
        await quietly(self._producer.stop())
        await asyncio.gather(*self._retired, return_exceptions=True)

    async def send_and_wait(self, topic: str, **record: Any) -> Any:
        """Send one record and wait until it is confirmed. The client's error when it is not: send it again then."""
        producer = self._producer
        try:
            return await producer.send_and_wait(topic, **record)
        except _BROKEN as error:
            await self._renew(producer, type(error).__name__)
            raise

    async def _renew(self, broken: AIOKafkaProducer, reason: str) -> None:
        async with self._renewal:
            if self._producer is not broken:
                return
            fresh = make_producer(self._settings)
            try:
                await fresh.start()
            except BaseException:
                await quietly(fresh.stop())
                raise
            self._producer = fresh
        _log.warning("producer_renewed", reason=reason)
        # What it still holds fails one by one and is sent again by those who wait for it.
        retiring = asyncio.create_task(quietly(broken.stop()))
        self._retired.add(retiring)
        retiring.add_done_callback(self._retired.discard)

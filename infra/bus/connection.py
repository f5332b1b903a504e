"""How aiokafka's clients are made: the one place where its options stand."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor

from infra.errors import ErrorCode, Fatal
from infra.security import kafka_options
from infra.settings import ConsumerSettings, Settings

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
"""A three-hour call's words are some megabytes."""

_HOUR_MS = 3_600_000
_REBALANCE_MARGIN_MS = 3_000


def make_producer(settings: Settings) -> AIOKafkaProducer:
    """A producer that calls a record sent only when all in-sync replicas have it."""
    return AIOKafkaProducer(
        bootstrap_servers=settings.kafka_bootstrap,
        **kafka_options(settings),
        acks="all",
        enable_idempotence=settings.kafka_idempotence,
        compression_type="gzip",
        max_request_size=MAX_MESSAGE_BYTES,
        request_timeout_ms=settings.kafka_request_timeout_ms,
    )


def make_consumer(settings: ConsumerSettings, *, group: str) -> AIOKafkaConsumer:
    """A consumer of raw bytes that commits only what it is told to.

    The poll interval costs the broker nothing and is wide, since a call may take minutes; liveness is watched
    by the health endpoint. The rebalance timeout must outlast the work done while partitions are revoked.
    """
    return AIOKafkaConsumer(
        bootstrap_servers=settings.kafka_bootstrap,
        **kafka_options(settings),
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_poll_interval_ms=int(settings.job_deadline_s * 1000) + _HOUR_MS,
        session_timeout_ms=settings.session_timeout_ms,
        heartbeat_interval_ms=min(3_000, settings.session_timeout_ms // 3),
        rebalance_timeout_ms=int(settings.rebalance_drain_s * 1000) + _REBALANCE_MARGIN_MS,
        max_partition_fetch_bytes=MAX_MESSAGE_BYTES,
        request_timeout_ms=settings.kafka_request_timeout_ms,
        partition_assignment_strategy=[StickyPartitionAssignor],
    )


def make_reader(settings: Settings, *, group: str | None = None) -> AIOKafkaConsumer:
    """A consumer that is told what to read and commits nothing; ``group`` only to ask how far that group is."""
    return AIOKafkaConsumer(
        bootstrap_servers=settings.kafka_bootstrap,
        **kafka_options(settings),
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=MAX_MESSAGE_BYTES,
        request_timeout_ms=settings.kafka_request_timeout_ms,
    )


def make_admin(settings: Settings) -> AIOKafkaAdminClient:
    """A client for topics."""
    return AIOKafkaAdminClient(
        bootstrap_servers=settings.kafka_bootstrap,
        **kafka_options(settings),
        request_timeout_ms=settings.kafka_request_timeout_ms,
    )


def no_broker(settings: Settings) -> Fatal:
    """What to say when a client cannot start: aiokafka tells a refused password like an absent broker."""
    protocol = settings.kafka_security_protocol
    if protocol == "PLAINTEXT":
        hint = "start it or set CALLYTICS_KAFKA_BOOTSTRAP"
    else:
        hint = f"check CALLYTICS_KAFKA_BOOTSTRAP and, for {protocol}, user, password and certificates"
    message = f"no broker at {settings.kafka_bootstrap}, or it refused the credentials; {hint}"
    return Fatal(ErrorCode.TRANSIENT, message)


async def quietly(stopping: Coroutine[Any, Any, None], *, within_s: float = 10.0) -> None:
    """Await the end of an aiokafka client; one whose broker is gone may hang, so only so long."""
    try:
        async with asyncio.timeout(within_s):
            await stopping
    except (TimeoutError, OSError):
        return

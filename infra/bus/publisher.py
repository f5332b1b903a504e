"""Publishing: an event is out when every in-sync replica has it, not before."""

import asyncio
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol

from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from infra.errors import ErrorCode, Poison, Unavailable
from infra.telemetry import Headers, inject, send_span
from schemas.codec import Codec
from schemas.records import Event
from schemas.topics import Lane, topic_of

AT_ONCE_SEGMENTS = 50
"""An event of so few segments is encoded in less time than it takes to hand it to a thread."""


class Producer(Protocol):
    """What a publisher needs of a Kafka client."""

    async def send_and_wait(self, topic: str, **record: Any) -> Any:
        """Send one record and return when it is confirmed; KafkaError when it is not."""


class Publisher:
    """Sends events to their topics, keyed by call, with the trace context in the headers."""

    def __init__(self, producer: Producer, codec: Codec, *, timeout_s: float = 60.0) -> None:
        self._producer = producer
        self._codec = codec
        self._timeout_s = timeout_s

    async def publish(
        self,
        event: Event,
        lane: Lane = Lane.LIVE,
        *,
        headers: Headers = (),
        attributes: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Send one event. Unavailable when the broker does not confirm it in time.

        ``headers`` go with the record and ``attributes`` into its span.
        """
        topic = topic_of(type(event), lane).name
        value = await self._encoded(event)
        with send_span(topic=topic, call_id=event.call_id) as span:
            span.set_attributes(attributes)
            await self.send(topic, key=event.call_id.encode(), value=value, headers=headers)

    async def _encoded(self, event: Event) -> bytes:
        if len(getattr(event, "segments", ())) <= AT_ONCE_SEGMENTS:
            return self._codec.encode(event)
        # A long transcript takes a good part of a second: too long for the loop's heartbeats.
        return await asyncio.to_thread(self._codec.encode, event)

    async def publish_all(self, events: Sequence[Event], lane: Lane = Lane.LIVE) -> None:
        """Send several events; Unavailable when one of them is not confirmed."""
        if len(events) == 1:
            # The usual answer, and a task less.
            await self.publish(events[0], lane)
            return
        await asyncio.gather(*(self.publish(event, lane) for event in events))

    async def send(
        self, topic: str, *, key: bytes | None, value: bytes | None, headers: Headers = ()
    ) -> None:
        """Send bytes as they are. Poison when they are more than the broker takes."""
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._producer.send_and_wait(topic, key=key, value=value, headers=inject(headers))
        except MessageSizeTooLargeError as error:
            reason = (
                f"a record for {topic} is larger than the broker takes; raise the topic's max.message.bytes"
            )
            raise Poison(ErrorCode.INPUT_TOO_LARGE, reason) from error
        except (KafkaError, TimeoutError) as error:
            reason = f"the broker did not confirm a record for {topic} ({type(error).__name__})"
            raise Unavailable(ErrorCode.TRANSIENT, reason) from error

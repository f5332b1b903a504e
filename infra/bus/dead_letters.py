"""Dead letters: what a stage gave up on, with its original bytes and key and the reason in the headers."""

import time
from datetime import UTC, datetime

from aiokafka import ConsumerRecord

from infra.bus.publisher import Publisher
from infra.errors import CallyticsError
from schemas.topics import dead_letter_topic

_PREFIX = "x-"


class DeadLetters:
    """Publishes to a stage's dead-letter topic. Unavailable when the broker does not confirm."""

    def __init__(self, publisher: Publisher, *, stage: str, group: str) -> None:
        self._publisher = publisher
        self._topic = dead_letter_topic(stage)
        self._stage = stage
        self._group = group

    async def bury(self, record: ConsumerRecord, failure: CallyticsError) -> None:
        """Send a record's bytes untouched; headers of an earlier burial are replaced, not appended."""
        reasons = {
            "original-topic": record.topic,
            "original-partition": str(record.partition),
            "original-offset": str(record.offset),
            "original-timestamp": str(record.timestamp),
            "group": self._group,
            "stage": self._stage,
            "last-failed-at": datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="milliseconds"),
            "error-code": failure.code,
            "error-class": type(failure).__name__,
            "error-message": failure.message[:1024],
        }
        ours = {f"{_PREFIX}{name}": value.encode() for name, value in reasons.items()}
        kept = [(name, value) for name, value in record.headers if name not in ours]
        await self._publisher.send(
            self._topic, key=record.key, value=record.value, headers=[*kept, *ours.items()]
        )

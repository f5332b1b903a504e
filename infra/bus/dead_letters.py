"""Dead letters: what a stage gave up on, with its original bytes and key and the reason in the headers."""

from aiokafka import ConsumerRecord

from infra.bus.failures import failure_headers
from infra.bus.publisher import Publisher
from infra.envelope import now_ms
from infra.errors import CallyticsError, Poison, Unavailable
from schemas.topics import dead_letter_topic


class DeadLetters:
    """Publishes to a stage's dead-letter topic. Unavailable when the broker does not take the letter."""

    def __init__(self, publisher: Publisher, *, stage: str) -> None:
        self._publisher = publisher
        self._topic = dead_letter_topic(stage)
        self._stage = stage

    async def bury(self, record: ConsumerRecord, failure: CallyticsError) -> None:
        """Send a record's bytes untouched, with the reason in the headers."""
        reasons = failure_headers(record, failure, stage=self._stage, now_ms=now_ms())
        try:
            await self._publisher.send(self._topic, key=record.key, value=record.value, headers=reasons)
        except Poison as error:
            # A letter that the broker refuses must not be dropped: the record stays until an operator made room.
            raise Unavailable(error.code, error.message) from error

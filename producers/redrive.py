"""Dead letters seen from outside the services: found, sent again to the stage that gave up on them, or discarded.

The broker cannot delete a single record, so what was done about a letter is written into a compacted topic, keyed
by the letter's place; a letter without such a note is open. The note follows the confirmed record: a command that
dies between the two leaves a letter open that was sent, and sending it once more does no harm.
"""

import asyncio
import json
import uuid
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from aiokafka import ConsumerRecord, TopicPartition

from infra.bus import headers
from infra.bus.publisher import Publisher
from infra.bus.scan import fetch, scan
from infra.envelope import now_ms
from infra.errors import ErrorCode, Poison
from infra.settings import Settings
from infra.telemetry import send_span
from schemas.topics import HANDLED_LETTERS, RETRY_TIERS, STAGES, dead_letter_topic, retry_topic

Action = Literal["redriven", "discarded"]

_FORGOTTEN = (
    headers.ATTEMPT,
    headers.ERROR_CLASS,
    headers.ERROR_CODE,
    headers.ERROR_MESSAGE,
    headers.ERROR_DIGEST,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a letter lies, written ``stage:partition:offset``."""

    stage: str
    partition: int
    offset: int

    @classmethod
    def parse(cls, text: str) -> "Place":
        """The place in ``text``; ValueError when it is none."""
        stage, partition, offset = text.split(":")
        dead_letter_topic(stage)
        return cls(stage=stage, partition=int(partition), offset=int(offset))

    def __str__(self) -> str:
        return f"{self.stage}:{self.partition}:{self.offset}"

    @property
    def key(self) -> str:
        """The key under which it is noted what was done about the letter."""
        return f"{dead_letter_topic(self.stage)}/{self.partition}/{self.offset}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Handled:
    """What was done about a letter, and when."""

    action: Action
    at_ms: int
    redrive_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A record that a stage gave up on; ``handled`` is None while the letter is open."""

    place: Place
    record: ConsumerRecord
    handled: Handled | None = None

    def header(self, name: str) -> str | None:
        """One of the headers of ``infra.bus.headers``."""
        return headers.text(self.record.headers, name)

    @property
    def call_id(self) -> str | None:
        """The record's key; None where it has none."""
        key: bytes | None = self.record.key
        return None if key is None else key.decode("utf-8", "replace")

    @property
    def failed_at_ms(self) -> int:
        """When the stage gave up; the broker's time where the headers do not say."""
        text = self.header(headers.LAST_FAILED_AT)
        try:
            return round(datetime.fromisoformat(text or "").timestamp() * 1000)
        except ValueError:
            return int(self.record.timestamp)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which letters are meant: all fields that are set have to fit. Times are those of the burial."""

    stages: Sequence[str] = STAGES
    source: str | None = None
    """The topic that the record failed in first."""
    code: str | None = None
    call_id: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    with_handled: bool = False

    def fits(self, letter: DeadLetter) -> bool:
        """Whether a letter is meant; the times are left to the scan."""
        return (
            (self.with_handled or letter.handled is None)
            and self.source in (None, letter.header(headers.ORIGINAL_TOPIC))
            and self.code in (None, letter.header(headers.ERROR_CODE))
            and self.call_id in (None, letter.call_id)
        )


async def letters(settings: Settings, selection: Selection) -> AsyncGenerator[DeadLetter]:
    """The letters that are meant, stage by stage."""
    notes = await handled_letters(settings)
    for stage in selection.stages:
        found = scan(
            settings, dead_letter_topic(stage), since_ms=selection.since_ms, until_ms=selection.until_ms
        )
        # Whoever has enough letters leaves this loop early, and the scan has a consumer to stop.
        async with aclosing(found):
            async for record in found:
                letter = _letter(stage, record, notes)
                if selection.fits(letter):
                    yield letter


async def letters_at(settings: Settings, places: Iterable[Place]) -> Sequence[DeadLetter]:
    """The letters at these places; Poison when there is none at one of them."""
    notes = await handled_letters(settings)
    found = []
    for place in places:
        partition = TopicPartition(dead_letter_topic(place.stage), place.partition)
        record = await fetch(settings, partition, place.offset)
        if record is None:
            raise Poison(
                ErrorCode.CONTRACT, f"there is no dead letter {place}; see: callytics dlq list --all"
            )
        found.append(_letter(place.stage, record, notes))
    return found


async def handled_letters(settings: Settings) -> Mapping[str, Handled]:
    """What was done about letters, by ``Place.key``."""
    notes: dict[str, Handled] = {}
    async for record in scan(settings, HANDLED_LETTERS.name):
        if record.key and record.value:
            notes[record.key.decode()] = Handled(**json.loads(record.value))
    return notes


class LetterOffice:
    """Sends letters again and notes it; ``rate`` is letters a second at the most."""

    def __init__(self, publisher: Publisher, *, rate: float) -> None:
        self._publisher = publisher
        self._interval_s = 1 / rate

    async def redrive(self, found: Iterable[DeadLetter]) -> str:
        """Send each letter's bytes to the stage that gave up on it; the id under which this happened."""
        redrive_id = str(uuid.uuid4())
        for letter in found:
            due_s = asyncio.get_running_loop().time() + self._interval_s
            await self._send_again(letter, redrive_id)
            await self._note(letter, Handled(action="redriven", at_ms=now_ms(), redrive_id=redrive_id))
            await asyncio.sleep(max(0.0, due_s - asyncio.get_running_loop().time()))
        return redrive_id

    async def discard(self, found: Iterable[DeadLetter]) -> None:
        """Note of each letter that nothing more is to be done about it."""
        for letter in found:
            await self._note(letter, Handled(action="discarded", at_ms=now_ms()))

    async def _send_again(self, letter: DeadLetter, redrive_id: str) -> None:
        # The lane of the stage's own retries: nobody else reads it, so that no other stage does its part twice.
        topic = retry_topic(letter.place.stage, RETRY_TIERS[0])
        record = letter.record
        with send_span(topic=topic, call_id=letter.call_id or "", again=record.headers) as span:
            span.set_attribute("callytics.redrive_id", redrive_id)
            await self._publisher.send(
                topic, key=record.key, value=record.value, headers=redriven_headers(letter, redrive_id)
            )

    async def _note(self, letter: DeadLetter, handled: Handled) -> None:
        body: dict[str, Any] = {"action": handled.action, "at_ms": handled.at_ms}
        if handled.redrive_id is not None:
            body["redrive_id"] = handled.redrive_id
        await self._publisher.send(
            HANDLED_LETTERS.name, key=letter.place.key.encode(), value=json.dumps(body).encode()
        )


def redriven_headers(letter: DeadLetter, redrive_id: str) -> list[tuple[str, bytes]]:
    """A letter's headers with its failure forgotten and its origin kept, due at once."""
    due = {headers.NOT_BEFORE: str(now_ms()), headers.REDRIVE_ID: redrive_id}
    return headers.replaced(headers.without(letter.record.headers, *_FORGOTTEN), due)


def _letter(stage: str, record: ConsumerRecord, notes: Mapping[str, Handled]) -> DeadLetter:
    place = Place(stage=stage, partition=record.partition, offset=record.offset)
    return DeadLetter(place=place, record=record, handled=notes.get(place.key))

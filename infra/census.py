"""The places of ``infra.completeness`` as they are: the broker's topics, the groups' commits and the store."""

from collections import Counter
from collections.abc import Mapping, Sequence

from infra.bus.scan import committed_offsets, scan, unread
from infra.completeness import SPEECH_STAGES, Entries, Entry, Key
from infra.settings import Settings
from infra.store import Store
from schemas.codec import Codec, DecodeError
from schemas.records import CallEnded
from schemas.topics import (
    CALLS_DIARIZED,
    CALLS_ENDED,
    CALLS_TRANSCRIBED,
    HANDLED_LETTERS,
    RETRY_TIERS,
    STAGES,
    dead_letter_topic,
    replay_topic,
    retry_topic,
)


class Census:
    """Looks at a running installation; keeps ids only, whatever the size of the events."""

    def __init__(self, settings: Settings, store: Store, codec: Codec, *, since_ms: int) -> None:
        self._settings = settings
        self._store = store
        self._codec = codec
        self._since_ms = since_ms

    async def entries(self) -> Entries:
        """The calls that went in since the beginning of the window."""
        calls: dict[Key, Entry] = {}
        unreadable = 0
        async for record in scan(self._settings, CALLS_ENDED.name, since_ms=self._since_ms):
            try:
                event = self._codec.decode(record.value or b"", CallEnded)
            except DecodeError:
                unreadable += 1
                continue
            calls[event.tenant, event.call_id] = Entry(
                partition=record.partition, offset=record.offset, at_ms=record.timestamp
            )
        return Entries(calls=calls, unreadable=unreadable)

    async def done(self, stage: str) -> Mapping[int, int]:
        """How far a speech stage has committed."""
        offsets = await committed_offsets(self._settings, _group(stage), [CALLS_ENDED.name])
        return {place.partition: offset for place, offset in offsets.items()}

    async def replaying(self, stage: str) -> Counter[str]:
        """Replayed calls that a speech stage has not done."""
        return await self._unread(stage, replay_topic(CALLS_ENDED).name)

    async def retrying(self, stage: str) -> Counter[str]:
        """Records that a stage tries again later, from the shortest delay on: the way that a record goes."""
        return await self._unread(stage, *(retry_topic(stage, tier) for tier in RETRY_TIERS))

    async def arriving(self) -> Counter[str]:
        """Parts that the analysis has not taken into the store."""
        parts = (CALLS_TRANSCRIBED, CALLS_DIARIZED)
        topics = [*(topic.name for topic in parts), *(replay_topic(topic).name for topic in parts)]
        return await self._unread("analysis", *topics)

    async def statuses(self, keys: Sequence[Key]) -> Mapping[Key, str]:
        """The statuses of the newest documents."""
        return await self._store.documents.statuses(keys)

    async def dead(self) -> Mapping[str, int]:
        """Letters of any age that nobody has redriven or discarded."""
        handled = {record.key async for record in scan(self._settings, HANDLED_LETTERS.name)}
        counts: Counter[str] = Counter()
        for stage in STAGES:
            async for record in scan(self._settings, dead_letter_topic(stage)):
                counts[stage] += f"{record.topic}/{record.partition}/{record.offset}".encode() not in handled
        return counts

    async def missing(self, key: Key) -> Sequence[str]:
        """The speech stages whose part of a call never came to the store."""
        there = (await self._store.assemblies.parts([key])).get(key, frozenset())
        return [
            stage
            for stage, part in zip(SPEECH_STAGES, ("transcribed", "diarized"), strict=True)
            if part not in there
        ]

    async def _unread(self, stage: str, *topics: str) -> Counter[str]:
        waiting: Counter[str] = Counter()
        for topic in topics:
            async for record in unread(self._settings, topic, group=_group(stage)):
                waiting[(record.key or b"").decode("utf-8", "replace")] += 1
        return waiting


def _group(stage: str) -> str:
    return f"callytics-{stage}"

"""Replays: calls that were analysed are done again, whole or one stage of them, beside the live traffic.

A replay publishes into the replay lane, which services take from only while no live call waits. It never joins or
resets a group. Its id is the run id of what it makes, so that everything it sends has the same ids when it is sent
again: a replay whose command died is resumed by running it once more.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from infra.bus import headers
from infra.bus.publisher import Publisher
from infra.bus.scan import scan
from infra.envelope import event_id, now_ms
from infra.registry import codec_for
from infra.settings import Settings
from infra.store import Assembly, CallKey, Newest, Replay, ReplayState, Selection, Store
from schemas.codec import DecodeError
from schemas.records import CallDiarized, CallEnded, CallTranscribed, Event
from schemas.topics import CALLS_ENDED, STAGES, Lane

ALL = "all"
CHOICES = (ALL, *STAGES)
_TICK_S = 0.5
_MADE_BY: Mapping[type[Event], str] = {
    CallEnded: "ended",
    CallTranscribed: "transcription",
    CallDiarized: "diarization",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a replay would do. Audio is that of calls whose length is known."""

    calls: int
    audio_ms: int
    unknown_lengths: int
    expected_s: float | None
    """By the speed of the last finished replay of the same stage; None when there was none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast calls go out: ``rate`` a second, and no more than ``window`` sent and not yet finished."""

    rate: float = 10.0
    window: int = 50


async def select(selection: Selection, settings: Settings) -> dict[CallKey, CallEnded]:
    """The calls of a selection, each with its newest event. Bytes that are no event of ours are passed over."""
    codec = await asyncio.to_thread(codec_for, settings)
    wanted = frozenset(selection.call_ids)
    found: dict[CallKey, CallEnded] = {}
    records = scan(settings, CALLS_ENDED.name, since_ms=selection.since_ms, until_ms=selection.until_ms)
    async with aclosing(records):
        async for record in records:
            if wanted and (record.key or b"").decode("utf-8", "replace") not in wanted:
                continue
            try:
                event = codec.decode(record.value or b"", CallEnded)
            except DecodeError:
                continue
            if selection.tenant in {None, event.tenant}:
                found[event.tenant, event.call_id] = event
    return found


async def plan(calls: Mapping[CallKey, CallEnded], selection: Selection, store: Store) -> Plan:
    """Count the calls, their audio and the time that they may take."""
    newest = await store.documents.newest(list(calls))
    lengths = [length_of(event, newest.get(key)) for key, event in calls.items()]
    return Plan(
        calls=len(calls),
        audio_ms=sum(length for length in lengths if length is not None),
        unknown_lengths=lengths.count(None),
        expected_s=expected_s(len(calls), selection.stage, await store.replays.newest()),
    )


def length_of(event: CallEnded, newest: Newest | None) -> int | None:
    """A call's length: what its document says, else what the telephony system said, else unknown."""
    if newest is not None and newest.duration_ms is not None:
        return newest.duration_ms
    started, ended = event.call.started_at_ms, event.call.ended_at_ms
    return max(0, ended - started) if started is not None and ended is not None else None


def expected_s(calls: int, stage: str, past: Sequence[Replay]) -> float | None:
    """The time for so many calls at the speed of the newest finished replay of the same stage."""
    for replay in past:
        is_like = replay.selection.stage == stage and replay.state is ReplayState.DONE and replay.finished
        if is_like and replay.ended_at_ms is not None:
            return calls * (replay.ended_at_ms - replay.created_at_ms) / 1000 / replay.finished
    return None


def again(
    event: CallEnded, newest: Newest | None, parts: Assembly | None, *, replay_id: str, stage: str
) -> tuple[Event, ...]:
    """What to publish so that ``stage`` does the call again; nothing when a part that it needs is gone."""
    revision = max(event.revision, newest.revision if newest else 0) + 1
    sources: tuple[Event | None, ...] = (event,)
    if stage != ALL:
        transcribed, diarized = (parts.transcribed, parts.diarized) if parts else (None, None)
        sources = {
            "transcription": (event, diarized),
            "diarization": (event, transcribed),
            "analysis": (transcribed, diarized),
        }[stage]
    if None in sources:
        return ()
    return tuple(_stamped(source, replay_id, revision) for source in sources if source is not None)


def _stamped(event: Event, replay_id: str, revision: int) -> Event:
    renewed = event.model_copy(update={"run_id": replay_id, "revision": revision, "produced_at_ms": now_ms()})
    return renewed.model_copy(update={"event_id": event_id(renewed, _MADE_BY[type(event)])})


class ReplayRun:
    """One replay on its way: sends calls at its pace until all have their document or it is cancelled."""

    def __init__(
        self,
        replay: Replay,
        calls: Mapping[CallKey, CallEnded],
        *,
        publisher: Publisher,
        store: Store,
        pace: Pace,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._replay = replay
        self._calls = calls
        self._publisher = publisher
        self._store = store
        self._pace = pace
        self._clock = clock
        self._sent: set[CallKey] = set()
        self._finished: set[CallKey] = set()
        self._skipped: set[CallKey] = set()

    async def progress(self) -> AsyncIterator[Replay]:
        """Run; the books after every step. The last ones tell how it ended: done or cancelled."""
        self._finished |= await self._store.documents.calls_of(self._replay.id) & self._calls.keys()
        waiting = [key for key in self._calls if key not in self._finished]
        budget, before = 1.0, self._clock()
        while True:
            now = self._clock()
            budget, before = min(budget + (now - before) * self._pace.rate, max(1.0, self._pace.rate)), now
            room = self._pace.window - len(self._sent - self._finished)
            now_due, waiting = _split(waiting, min(int(budget), room))
            budget -= len(now_due)
            await self._send(now_due)
            outstanding = list(self._sent - self._finished)
            self._finished |= await self._store.documents.calls_of(self._replay.id, outstanding)
            books = await self._note()
            yield books
            if not books.is_open:
                return
            await asyncio.sleep(_TICK_S)

    async def _note(self) -> Replay:
        is_done = len(self._finished | self._skipped) == len(self._calls)
        changes = {
            "state": (ReplayState.DONE if is_done else ReplayState.RUNNING).value,
            "total": len(self._calls),
            "published": len(self._sent | self._finished),
            "finished": len(self._finished),
            "skipped": len(self._skipped),
            "ended_at_ms": now_ms() if is_done else None,
        }
        noted = await self._store.replays.update(self._replay.id, **changes)
        return noted or self._replay.model_copy(update={**changes, "state": ReplayState.CANCELLED})

    async def _send(self, keys: Sequence[CallKey]) -> None:
        newest = await self._store.documents.newest(keys)
        for key in keys:
            parts = await self._parts(key, newest.get(key))
            events = again(
                self._calls[key],
                newest.get(key),
                parts,
                replay_id=self._replay.id,
                stage=self._replay.selection.stage,
            )
            for event in events:
                await self._publish(event)
            (self._sent if events else self._skipped).add(key)

    async def _parts(self, key: CallKey, newest: Newest | None) -> Assembly | None:
        if self._replay.selection.stage == ALL or newest is None:
            return None
        # A run that only analysed stored parts anew has none of its own.
        found = await self._store.assemblies.find(key, newest.run_id)
        return found or await self._store.assemblies.latest(key)

    async def _publish(self, event: Event) -> None:
        """Each record starts a trace of its own, which carries the replay's id."""
        stage = self._replay.selection.stage
        marks = {headers.REPLAY_ID: self._replay.id}
        if isinstance(event, CallEnded) and stage != ALL:
            marks[headers.REPLAY_STAGE] = stage
        await self._publisher.publish(
            event,
            Lane.REPLAY,
            headers=headers.replaced((), marks),
            attributes={"callytics.replay.id": self._replay.id},
        )


def _split(keys: Sequence[CallKey], count: int) -> tuple[list[CallKey], list[CallKey]]:
    count = max(0, count)
    return list(keys[:count]), list(keys[count:])

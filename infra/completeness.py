"""Is any call lost? What went in, what came out, and where the rest is known to be.

A call only ever moves on: from ``calls.ended`` or its replay over the retry topics of the speech stages and their
answers to the analysis, its retry topics and the store. So the places are looked at in this order: a call that
moves on while they are looked at is met again further on, never missed. What is in none of them is lost.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from schemas.topics import STAGES

Key = tuple[str, str]
"""Tenant and call id."""

SPEECH_STAGES: Final = ("transcription", "diarization")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Where a call's newest ``calls.ended`` record stands, and the broker's time of it."""

    partition: int
    offset: int
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Entries:
    """The calls that went in. ``unreadable`` records were no event and end as dead letters, not as documents."""

    calls: Mapping[Key, Entry]
    unreadable: int


class Places(Protocol):
    """All places where a call may be. In between a call id suffices; at both ends tenants are told apart."""

    async def entries(self) -> Entries:
        """The calls that went in."""

    async def done(self, stage: str) -> Mapping[int, int]:
        """Partition of ``calls.ended`` → the offset before which a speech stage has done all."""

    async def replaying(self, stage: str) -> Counter[str]:
        """Call id → records that a speech stage has not done in the replay lane."""

    async def retrying(self, stage: str) -> Counter[str]:
        """Call id → records that wait in the retry topics of a stage, shortest delay first."""

    async def arriving(self) -> Counter[str]:
        """Call id → answers of the speech stages that the analysis has not done."""

    async def statuses(self, keys: Sequence[Key]) -> Mapping[Key, str]:
        """The statuses of the documents that there are."""

    async def dead(self) -> Mapping[str, int]:
        """Stage → dead letters that are open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What was found in the places."""

    entries: Entries
    done: Mapping[str, Mapping[int, int]]
    replaying: Mapping[str, Counter[str]]
    retrying: Mapping[str, Counter[str]]
    arriving: Counter[str]
    statuses: Mapping[Key, str]
    dead: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Completeness:
    """The account: ``calls`` = all ``documents`` + ``unfinished`` + ``lost``.

    A call may be in flight at several stages at once; ``unfinished`` counts it once. ``retrying`` and ``dead``
    count records, also those of calls that have a document already.
    """

    calls: int
    unreadable: int
    documents: Mapping[str, int]
    unfinished: int
    in_flight: Mapping[str, int]
    retrying: Mapping[str, int]
    dead: Mapping[str, int]
    oldest_unfinished_at_ms: int | None
    lost: tuple[Key, ...]


async def gather(places: Places) -> Facts:
    """Look at all places, each behind the ones that lead to it."""
    entries = await places.entries()
    done = {stage: await places.done(stage) for stage in SPEECH_STAGES}
    replaying = {stage: await places.replaying(stage) for stage in SPEECH_STAGES}
    retrying = {stage: await places.retrying(stage) for stage in SPEECH_STAGES}
    arriving = await places.arriving()
    retrying["analysis"] = await places.retrying("analysis")
    statuses = await places.statuses(list(entries.calls))
    return Facts(
        entries=entries,
        done=done,
        replaying=replaying,
        retrying=retrying,
        arriving=arriving,
        statuses=statuses,
        dead=await places.dead(),
    )


def account(facts: Facts) -> Completeness:
    """The account of one look."""
    calls = facts.entries.calls
    where = {key: _stages_of(facts, key, entry) for key, entry in calls.items() if key not in facts.statuses}
    in_flight = Counter(stage for stages in where.values() for stage in stages)
    return Completeness(
        calls=len(calls),
        unreadable=facts.entries.unreadable,
        documents=dict(Counter(facts.statuses.values())),
        unfinished=sum(1 for stages in where.values() if stages),
        in_flight={stage: in_flight[stage] for stage in STAGES},
        retrying={stage: facts.retrying[stage].total() for stage in STAGES},
        dead={stage: facts.dead.get(stage, 0) for stage in STAGES},
        oldest_unfinished_at_ms=min(
            (calls[key].at_ms for key, stages in where.items() if stages), default=None
        ),
        lost=tuple(sorted(key for key, stages in where.items() if not stages)),
    )


def _stages_of(facts: Facts, key: Key, entry: Entry) -> frozenset[str]:
    """The stages that still have to do with a call that has no document."""
    _, call_id = key
    waiting = {stage for stage in SPEECH_STAGES if entry.offset >= facts.done[stage].get(entry.partition, 0)}
    waiting |= {stage for stage in SPEECH_STAGES if facts.replaying[stage][call_id]}
    waiting |= {stage for stage in STAGES if facts.retrying[stage][call_id]}
    return frozenset(waiting | ({"analysis"} if facts.arriving[call_id] else set()))

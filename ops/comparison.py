"""What differs between two runs of the same calls, feature by feature.

Documents are compared as they are stored, so that a field that a release adds is compared as well.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

import numpy as np

from infra.store import Body, CallKey, Store

PREVIOUS = "previous"
"""In place of a run: the document that each call had before the other run."""

_IDENTITY = frozenset({"call_id", "tenant", "run_id", "revision"})
_READ_CLOSER = frozenset({"turns", "participants", "sentiment", "scorecard"})
"""Fields that features of their own are made of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """The documents that two runs made of one call; None where a run made none."""

    key: CallKey
    before: Body | None
    after: Body | None


@dataclass(slots=True, kw_only=True)
class Comparison:
    """Counts over all pairs. ``changed`` has the ids of the calls that differ, by feature."""

    both: int = 0
    only_before: int = 0
    only_after: int = 0
    changed: dict[str, list[str]] = field(default_factory=dict)
    words: int = 0
    """Of the first run, in calls of both."""
    edits: int = 0
    score_changes: list[float] = field(default_factory=list)
    """How much higher the second run's total is, in every call that has one in both."""

    @property
    def edit_rate(self) -> float | None:
        """Word edits (substituted, inserted, deleted) over words; None when there were no words."""
        return self.edits / self.words if self.words else None

    @property
    def score_change(self) -> float | None:
        """Mean change of the score card's total, in points; None when no call has one in both runs."""
        return fmean(self.score_changes) if self.score_changes else None

    def add(self, pair: Pair) -> None:
        """Count one call."""
        before, after = pair.before, pair.after
        if before is None or after is None:
            self.only_after += before is None
            self.only_before += after is None
            return
        self.both += 1
        for name, view in features_of(before, after).items():
            differs = view(before) != view(after)
            self.changed.setdefault(name, []).extend([pair.key[1]] if differs else [])
        said = words_of(before)
        self.words += len(said)
        self.edits += edit_distance(said, words_of(after))
        totals = score_of(before)[0], score_of(after)[0]
        if totals[0] is not None and totals[1] is not None:
            self.score_changes.append(totals[1] - totals[0])


def features_of(before: Body, after: Body) -> Mapping[str, Callable[[Body], Any]]:
    """What is compared: the features with a meaning of their own, then every further field."""
    further = sorted((before.keys() | after.keys()) - _IDENTITY - _READ_CLOSER)
    return {
        "words": words_of,
        "speakers": lambda body: len(body.get("participants") or ()),
        "roles": lambda body: sorted(p["role"] for p in body.get("participants") or ()),
        "sentiment": sentiment_of,
        "score card": score_of,
        **{name: _getter(name) for name in further},
    }


def _getter(name: str) -> Callable[[Body], Any]:
    return lambda body: body.get(name)


def words_of(body: Body) -> list[str]:
    """The words of the call in the order of its turns."""
    return [word for turn in body.get("turns") or () for word in turn["text"].split()]


def sentiment_of(body: Body) -> dict[str, str | None]:
    """The sentiment's label by party."""
    found = body.get("sentiment") or {}
    return {party: (found.get(party) or {}).get("label") for party in ("customer", "agent")}


def score_of(body: Body) -> tuple[float | None, dict[str, float | str], list[str]]:
    """The total, what each item brings or why it brings nothing, and what fails the call."""
    card = body.get("scorecard") or {}
    items = {
        item["id"]: item["status"] if item["share"] is None else item["share"]
        for item in card.get("items", ())
    }
    return card.get("total"), items, sorted(failure["id"] for failure in card.get("failures", ()))


def edit_distance(before: Sequence[str], after: Sequence[str]) -> int:
    """Levenshtein's distance by words (Wagner and Fischer, 1974), a row at a time."""
    numbers: dict[str, int] = {}
    one, two = (
        np.array([numbers.setdefault(word, len(numbers)) for word in words], dtype=np.int64)
        for words in (before, after)
    )
    steps = np.arange(len(two) + 1)
    row = steps.copy()
    for number, word in enumerate(one, start=1):
        other = np.empty_like(row)
        other[0] = number
        other[1:] = np.minimum(row[1:] + 1, row[:-1] + (two != word))
        # An insertion costs one more than the cell to the left: a running minimum once the slope is taken out.
        row = np.minimum.accumulate(other - steps) + steps
    return int(row[-1])


async def pairs(store: Store, before: str, after: str, *, tenant: str | None) -> AsyncIterator[Pair]:
    """The calls of both runs; with ``previous``, those of the second and what each had before."""
    seen: set[CallKey] = set()
    async for bodies in store.documents.revisions(after, tenant=tenant):
        keys = [(body["tenant"], body["call_id"]) for body in bodies]
        seen.update(keys)
        earlier = await _earlier(store, before, bodies)
        for key, body in zip(keys, bodies, strict=True):
            yield Pair(key=key, before=earlier.get(key), after=body)
    if before != PREVIOUS:
        for key in sorted(await store.documents.calls_of(before) - seen):
            if tenant in {None, key[0]}:
                yield Pair(key=key, before={}, after=None)


async def _earlier(store: Store, before: str, bodies: Sequence[Body]) -> dict[CallKey, Body]:
    if before == PREVIOUS:
        found = [await store.documents.previous(body) for body in bodies]
    else:
        keys = [(body["tenant"], body["call_id"]) for body in bodies]
        found = list(await store.documents.of_run(before, keys))
    return {(body["tenant"], body["call_id"]): body for body in found if body is not None}

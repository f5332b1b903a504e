"""Arithmetic on spans of time: pure functions, integer milliseconds, half-open ``[start, end)``."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple


class Interval(NamedTuple):
    """A stretch of time."""

    start_ms: int
    end_ms: int

    @property
    def length_ms(self) -> int:
        """Its duration."""
        return self.end_ms - self.start_ms

    @property
    def middle_ms(self) -> float:
        """The point halfway."""
        return (self.start_ms + self.end_ms) / 2


def merge(intervals: Iterable[Interval], *, gap_ms: int = 0) -> list[Interval]:
    """Disjoint intervals in order, any two that are at most ``gap_ms`` apart made one."""
    ordered = sorted(intervals)
    if not ordered:
        return []
    merged: list[Interval] = []
    start_ms, end_ms = ordered[0]
    for later in ordered[1:]:
        if later[0] - end_ms > gap_ms:
            merged.append(Interval(start_ms, end_ms))
            start_ms, end_ms = later
        elif later[1] > end_ms:
            end_ms = later[1]
    return [*merged, Interval(start_ms, end_ms)]


def total_ms(disjoint: Iterable[Interval]) -> int:
    """Summed length of disjoint intervals."""
    return sum(end_ms - start_ms for start_ms, end_ms in disjoint)


def shared_ms(one: Interval, other: Interval) -> int:
    """How long two intervals coincide."""
    return max(0, min(one.end_ms, other.end_ms) - max(one.start_ms, other.start_ms))


def meets(disjoint: Sequence[Interval], span: Interval) -> bool:
    """Whether any of an ordered disjoint list shares time with a span."""
    at = bisect_right(disjoint, span.start_ms, key=lambda interval: interval.end_ms)
    return at < len(disjoint) and disjoint[at].start_ms < span.end_ms


def crowded_ms(layers: Iterable[Sequence[Interval]]) -> int:
    """How long at least two of the layers are active; each layer is disjoint in itself."""
    edges = sorted((time, step) for layer in layers for i in layer for time, step in ((i[0], 1), (i[1], -1)))
    crowded = depth = 0
    for (time, step), (following, _) in pairwise(edges):
        depth += step
        crowded += following - time if depth > 1 else 0
    return crowded


def gaps(disjoint: Sequence[Interval], within: Interval) -> list[Interval]:
    """What of ``within`` no interval of an ordered disjoint list covers."""
    free: list[Interval] = []
    cursor = within.start_ms
    for interval in disjoint:
        if interval.start_ms > cursor:
            free.append(Interval(cursor, min(interval.start_ms, within.end_ms)))
        cursor = max(cursor, interval.end_ms)
    if cursor < within.end_ms:
        free.append(Interval(cursor, within.end_ms))
    return [gap for gap in free if gap.length_ms > 0]

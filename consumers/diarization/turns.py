"""Who speaks when, on the way from an engine's own output to the segments of an event."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.records import SpeakerSegment


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A stretch of one speaker's speech in seconds; ``channel`` is set where the channel is the speaker."""

    start_s: float
    end_s: float
    speaker: str
    channel: int | None = None


def to_segments(turns: Iterable[Turn], *, duration_ms: int) -> tuple[SpeakerSegment, ...]:
    """Turns in whole milliseconds, sorted; speakers are named by order of first speech."""
    names: dict[str, str] = {}
    segments = []
    for turn in sorted(turns, key=lambda t: (t.start_s, t.end_s, t.speaker)):
        start_ms, end_ms = max(0, round(turn.start_s * 1000)), min(duration_ms, round(turn.end_s * 1000))
        if end_ms <= start_ms:
            continue
        name = names.setdefault(turn.speaker, f"SPEAKER_{len(names):02d}")
        segment = SpeakerSegment(speaker=name, channel=turn.channel, start_ms=start_ms, end_ms=end_ms)
        segments.append(segment)
    return tuple(segments)


def spans(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Runs of true values as half-open (first, end) pairs."""
    edges = np.flatnonzero(np.diff(flags.astype(np.int8), prepend=0, append=0))
    return [(int(first), int(end)) for first, end in edges.reshape(-1, 2)]


def fill_gaps(found: Sequence[tuple[int, int]], longest: int) -> list[tuple[int, int]]:
    """Join neighbouring spans with at most ``longest`` between them."""
    joined: list[tuple[int, int]] = []
    for first, end in found:
        if joined and first - joined[-1][1] <= longest:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((first, end))
    return joined

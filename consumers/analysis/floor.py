"""Who holds the floor: backchannels, interruptions, floor changes, on the speakers' merged intervals."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from consumers.analysis import data
from consumers.analysis.intervals import Interval, gaps, merge, shared_ms
from consumers.analysis.tokens import WordTokeniser
from consumers.analysis.view import CallView

BACKCHANNEL_MS = 1000
"""A backchannel lasts at most this long."""
ACTIVE_BEFORE_MS = 1000
"""One is interrupted only after having talked this long."""
INTERRUPTION_OVERLAP_MS = 500
"""Both must talk at least this long at once."""


class BackchannelTable(BaseModel):
    """The content of ``backchannels.yaml``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    words: frozenset[str]


class Stretch(NamedTuple):
    """A merged interval with its speaker."""

    span: Interval
    speaker: str


@cache
def backchannels() -> BackchannelTable:
    """The shipped words, read at first use."""
    return data.load("backchannels.yaml", BackchannelTable)


def is_backchannel_text(text: str) -> bool:
    """Whether every word only says: go on, I am listening."""
    words = [token.form for token in WordTokeniser().tokenise(text) if token.tag == "W"]
    return bool(words) and all(word in backchannels().words for word in words)


class Floor:
    """The stretches of a call in order of time, with what is said in them."""

    def __init__(self, call: CallView) -> None:
        self._call = call
        self._said = _said(call)
        self.stretches = sorted(Stretch(i, s) for s, spans in call.intervals.items() for i in spans)

    def is_backchannel(self, stretch: Stretch) -> bool:
        """At most 1 s long and nothing but backchannel words; a short sound without words counts too."""
        text = self._text(stretch)
        return stretch.span.length_ms <= BACKCHANNEL_MS and (not text or is_backchannel_text(text))

    def interruptions(self, by: Sequence[str], over: Sequence[str]) -> list[Interval]:
        """The overlaps in which ``by`` cut into the speech of ``over``."""
        talk = [i for speaker in over for i in self._call.intervals.get(speaker, [])]
        found = (self._cut(s, sorted(talk)) for s in self.stretches if s.speaker in by)
        return [overlap for overlap in found if overlap is not None]

    def changes(self) -> Iterator[tuple[Stretch, Stretch]]:
        """Each pair of neighbouring stretches whose speakers differ.

        Backchannels, and stretches that lie wholly within another speaker's, take no floor.
        """
        for before, after in pairwise(self._holders()):
            if before.speaker != after.speaker:
                yield before, after

    def runs(self, speaker: str) -> Iterator[int]:
        """Length of each stretch of time, pauses included, in which only this speaker makes a sound."""
        if self._call.bounds is None:
            return
        others = merge(stretch.span for stretch in self.stretches if stretch.speaker != speaker)
        for free in gaps(others, self._call.bounds):
            own = [i for i in self._call.intervals.get(speaker, []) if shared_ms(i, free)]
            if own:
                start, end = max(own[0].start_ms, free.start_ms), min(own[-1].end_ms, free.end_ms)
                yield end - start

    def _holders(self) -> Iterator[Stretch]:
        held_until: dict[str, int] = {}
        for stretch in self.stretches:
            others = (end for speaker, end in held_until.items() if speaker != stretch.speaker)
            inside = stretch.span.end_ms <= max(others, default=-1)
            if not inside and not self.is_backchannel(stretch):
                held_until[stretch.speaker] = stretch.span.end_ms
                yield stretch

    def _cut(self, stretch: Stretch, talk: Sequence[Interval]) -> Interval | None:
        start_ms = stretch.span.start_ms
        at = bisect_right(talk, start_ms, key=lambda i: i.start_ms) - 1
        if at < 0 or start_ms - talk[at].start_ms < ACTIVE_BEFORE_MS:
            return None
        overlap = shared_ms(stretch.span, talk[at])
        if overlap < INTERRUPTION_OVERLAP_MS or self.is_backchannel(stretch):
            return None
        return Interval(start_ms, start_ms + overlap)

    def _text(self, stretch: Stretch) -> str:
        spoken = self._said.get(stretch.speaker, [])
        first = bisect_left(spoken, (float(stretch.span.start_ms), ""))
        last = bisect_left(spoken, (stretch.span.end_ms + 0.25, ""))
        return " ".join(text for _, text in spoken[first:last])


def _said(call: CallView) -> Mapping[str, list[tuple[float, str]]]:
    """Speaker to what they say with the moment in the middle of it."""
    said: dict[str, list[tuple[float, str]]] = {}
    for turn in call.speech.turns:
        for piece in turn.pieces:
            said.setdefault(turn.speaker, []).append((piece.span.middle_ms, piece.text))
    return {speaker: sorted(spoken) for speaker, spoken in said.items()}

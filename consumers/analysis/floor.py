"""Who holds the floor: backchannels, interruptions, floor changes, on the speakers' merged intervals."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from consumers.analysis.intervals import Interval, gaps, merge
from consumers.analysis.speech import Piece, SpokenTurn
from consumers.analysis.tables import Tables

TABLE = "backchannels.yaml"
BACKCHANNEL_MS = 1000
"""A backchannel lasts at most this long."""
ACTIVE_BEFORE_MS = 1000
"""One is interrupted only after having talked this long."""
INTERRUPTION_OVERLAP_MS = 500
"""Both must talk at least this long at once."""


class BackchannelTable(BaseModel):
    """The content of ``backchannels.yaml``: the words of each language, or several words that belong together."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    words: Mapping[str, frozenset[Annotated[str, Field(pattern=r"[^\W_]")]]]


class BackchannelWords:
    """A backchannel table ready for use."""

    def __init__(self, table: BackchannelTable) -> None:
        self.table = table
        self._only = {language: _only(words) for language, words in table.words.items()}

    def speak(self, language: str | None) -> Callable[[str], bool]:
        """Tells of a text in this language whether every word only says: go on, I am listening.

        No text does in a language without such words.
        """
        only = self._only.get(language or "", _NEVER)
        return lambda text: only.fullmatch(text) is not None


class Stretch(NamedTuple):
    """A merged interval with its speaker."""

    span: Interval
    speaker: str


class Heard(NamedTuple):
    """A piece of a turn, by its number."""

    turn: SpokenTurn
    number: int

    @property
    def piece(self) -> Piece:
        """The piece itself."""
        return self.turn.pieces[self.number]


class Interruption(NamedTuple):
    """A stretch that begins while another one is talking, and the stretch that it cuts into."""

    by: Stretch
    over: Stretch

    @property
    def overlap(self) -> Interval:
        """While both talk."""
        return Interval(self.by.span.start_ms, min(self.by.span.end_ms, self.over.span.end_ms))


def backchannel_words(tables: Tables) -> BackchannelWords:
    """The words of these tables."""
    return tables.built(TABLE, BackchannelTable, BackchannelWords)


class Floor:
    """The stretches of a call in order of time, with what is said in them.

    ``bounds`` are those of the conversation; ``listens`` tells whether a text only says: I am listening.
    """

    def __init__(
        self,
        turns: Sequence[SpokenTurn],
        intervals: Mapping[str, Sequence[Interval]],
        *,
        bounds: Interval | None,
        listens: Callable[[str], bool],
    ) -> None:
        self._turns = turns
        self._bounds = bounds
        self._listens = listens
        self.stretches = sorted(Stretch(i, s) for s, spans in intervals.items() for i in spans)
        self.union = merge(stretch.span for stretch in self.stretches)
        """While anybody at all speaks."""

    def of(self, speakers: Collection[str]) -> list[Stretch]:
        """The stretches of some speakers."""
        return [stretch for stretch in self.stretches if stretch.speaker in speakers]

    def is_backchannel(self, stretch: Stretch) -> bool:
        """At most 1 s long and nothing but backchannel words; a short sound without words counts too."""
        return stretch in self._light

    def signs(self, speakers: Collection[str]) -> list[Stretch]:
        """The backchannels of some speakers that have words: a cough is no sign of listening."""
        return [stretch for stretch in self.of(speakers) if self._light.get(stretch)]

    def interruptions(self, by: Collection[str], over: Collection[str]) -> list[Interruption]:
        """Where ``by`` cut into the speech of ``over``."""
        talk = self.of(over)
        found = (_cut(s, talk) for s in self.of(by) if not self.is_backchannel(s))
        return [interruption for interruption in found if interruption is not None]

    @cached_property
    def changes(self) -> Sequence[tuple[Stretch, Stretch]]:
        """Each pair of neighbouring stretches whose speakers differ.

        Backchannels, and stretches that lie wholly within another speaker's, take no floor.
        """
        return [
            (before, after) for before, after in pairwise(self._holders()) if before.speaker != after.speaker
        ]

    def runs(self, speaker: str) -> Iterator[int]:
        """Length of each stretch of time, pauses included, in which only this speaker makes a sound."""
        if self._bounds is None:
            return
        own = [stretch.span for stretch in self.of({speaker})]
        others = merge(stretch.span for stretch in self.stretches if stretch.speaker != speaker)
        for free in gaps(others, self._bounds):
            first = bisect_right(own, free.start_ms, key=lambda i: i.end_ms)
            last = bisect_left(own, free.end_ms, key=lambda i: i.start_ms) - 1
            if first <= last:
                yield min(own[last].end_ms, free.end_ms) - max(own[first].start_ms, free.start_ms)

    def last_heard(self, speaker: str, until_ms: int) -> Heard | None:
        """The last piece of a speaker whose middle lies before a moment; None before their first."""
        spoken = self._spoken.get(speaker, [])
        at = bisect_left(spoken, 2 * until_ms, key=_twice_middle) - 1
        return Heard(*spoken[at][1:]) if at >= 0 else None

    @cached_property
    def _light(self) -> Mapping[Stretch, str]:
        """Every backchannel with its words."""
        short = ((s, self._text(s)) for s in self.stretches if s.span.length_ms <= BACKCHANNEL_MS)
        return {stretch: text for stretch, text in short if not text or self._listens(text)}

    @cached_property
    def _spoken(self) -> Mapping[str, list[tuple[int, SpokenTurn, int]]]:
        """Speaker to their pieces, by twice the moment in the middle, which is whole milliseconds."""
        spoken: dict[str, list[tuple[int, SpokenTurn, int]]] = {}
        for turn in self._turns:
            spoken.setdefault(turn.speaker, []).extend(
                (sum(piece.span), turn, number) for number, piece in enumerate(turn.pieces)
            )
        for pieces in spoken.values():
            pieces.sort(key=_twice_middle)
        return spoken

    def _holders(self) -> Iterator[Stretch]:
        held_until: dict[str, int] = {}
        for stretch in self.stretches:
            (_, end_ms), speaker = stretch
            inside = any(end_ms <= until for other, until in held_until.items() if other != speaker)
            if not inside and not self.is_backchannel(stretch):
                held_until[speaker] = end_ms
                yield stretch

    def _text(self, stretch: Stretch) -> str:
        spoken = self._spoken.get(stretch.speaker, [])
        first = bisect_left(spoken, 2 * stretch.span.start_ms, key=_twice_middle)
        last = bisect_right(spoken, 2 * stretch.span.end_ms, key=_twice_middle)
        return " ".join(turn.pieces[number].text for _, turn, number in spoken[first:last]).strip()


def _twice_middle(spoken: tuple[int, SpokenTurn, int]) -> int:
    return spoken[0]


def _cut(stretch: Stretch, talk: Sequence[Stretch]) -> Interruption | None:
    start_ms = stretch.span.start_ms
    at = bisect_right(talk, start_ms, key=lambda s: s.span.start_ms) - 1
    if at < 0 or start_ms - talk[at].span.start_ms < ACTIVE_BEFORE_MS:
        return None
    found = Interruption(stretch, talk[at])
    return found if found.overlap.length_ms >= INTERRUPTION_OVERLAP_MS else None


def _only(entries: Iterable[str]) -> re.Pattern[str]:
    """What is made of these words alone, whatever stands between them."""
    # Longest first, and possessive: an entry may begin with another one, and no text takes long to refuse.
    longest = sorted(entries, key=lambda entry: (-len(entry), entry))
    spelt = "|".join(r"\W+".join(map(re.escape, _WORD.findall(entry))) for entry in longest)
    return re.compile(rf"\W*(?:(?:{spelt})(?!\w)\W*)++", re.IGNORECASE) if longest else _NEVER


_WORD = re.compile(r"\w+")
_NEVER = re.compile(r"(?!)")

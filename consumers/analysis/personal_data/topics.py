"""What a place in a call is about, by the words before it, behind it, and in the turns before."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from consumers.analysis.personal_data.lines import Line

NEAR_BEHIND = 25
"""A topic so many characters behind a number, as in *… 이 번호로 연락 주세요*, is the number's."""
TURNS_BACK = 4
SECONDS_BACK_MS = 45_000
_HANGUL, _LATIN = re.compile("[가-힣]"), re.compile("[A-Za-z]")
_ESCAPED = re.compile(r"\\[A-Za-z]")
NO_DIGITS = frozenset({"name", "address", "email", "vehicle_plate"})
"""Topics that say nothing about numbers."""


class TopicTable(BaseModel):
    """The content of ``pii.topics.yaml``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    topics: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicPatterns:
    """All topics as one pattern whose group names are the topics, and those of one script only, for speed."""

    both: re.Pattern[str]
    korean: re.Pattern[str]
    latin: re.Pattern[str]

    def suited(self, text: str) -> re.Pattern[str]:
        """The smallest that finds all there is in a text."""
        if _LATIN.search(text) is None:
            return self.korean
        return self.both if _HANGUL.search(text) else self.latin


def compile_topics(table: TopicTable) -> TopicPatterns:
    """The patterns of a table."""
    return TopicPatterns(
        both=_pattern(table.topics, lambda _: True),
        korean=_pattern(table.topics, lambda own: _HANGUL.search(own) is not None),
        latin=_pattern(table.topics, lambda own: _LATIN.search(_ESCAPED.sub("", own)) is not None),
    )


def _pattern(topics: Mapping[str, Sequence[str]], wanted: Callable[[str], bool]) -> re.Pattern[str]:
    kept = ((name, [f"(?:{p})" for p in own if wanted(p)]) for name, own in topics.items())
    parts = (f"(?P<{name}>{'|'.join(own)})" for name, own in kept if own)
    return re.compile("|".join(parts) or "(?!)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Named:
    start: int
    end: int
    topic: str


class Topics:
    """The topics of one call's lines."""

    def __init__(self, lines: Sequence[Line], patterns: TopicPatterns) -> None:
        self._lines = lines
        self._named = [
            [
                _Named(m.start(), m.end(), m.lastgroup)
                for m in patterns.suited(line.text).finditer(line.text)
                if m.lastgroup
            ]
            for line in lines
        ]

    def named_in(self, line: int) -> bool:
        """Whether a line names any topic of numbers; 다음 번호 names none."""
        return any(named.topic not in {*NO_DIGITS, "thing"} for named in self._named[line])

    def of(self, line: int, start: int, end: int) -> tuple[str, ...]:
        """What a number at this place may be, the likeliest first."""
        own = [named for named in self._named[line] if named.topic not in NO_DIGITS]
        before = [named for named in own if named.end <= start]
        if before:
            return (before[-1].topic,)
        behind = [named for named in own if 0 <= named.start - end <= NEAR_BEHIND]
        return (behind[0].topic,) if behind else self._before(line, exclude=NO_DIGITS)

    def asked(self, topic: str, line: int) -> bool:
        """Whether this line, or one of the last two, is about the topic."""
        return any(
            named.topic == topic for n in range(max(0, line - 2), line + 1) for named in self._named[n]
        )

    def last_asked(self, line: int) -> tuple[str, ...]:
        """The topics of the line just before."""
        return tuple(named.topic for named in self._named[line - 1]) if line else ()

    def _before(self, line: int, *, exclude: frozenset[str]) -> tuple[str, ...]:
        for earlier in range(line - 1, max(-1, line - 1 - TURNS_BACK), -1):
            if self._lines[line].start_ms - self._lines[earlier].end_ms > SECONDS_BACK_MS:
                break
            topics = [named.topic for named in self._named[earlier] if named.topic not in exclude]
            if topics:
                return tuple(topics)
        return ()

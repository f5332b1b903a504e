"""Numbers across turns: dictated in parts, repeated back, and answered to the other party's question.

The parts of a dictation are runs of one speaker between which the other says only *네*, repeats digits or asks
for the next part. Of the groups of such a chain the longest stretch that is a number counts. What repeats four
digits or more of a number that was found, within 90 s, is that number too.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from consumers.analysis.personal_data.digits import Group, Run, digits_of, runs
from consumers.analysis.personal_data.lines import Line, Mention
from consumers.analysis.personal_data.numbers import Number, Verdict, classify, structure
from consumers.analysis.personal_data.topics import Topics

CHAIN_GAP_MS = 20_000
CHAIN_TURNS = 3
ECHO_MS = 90_000
LEAST_ECHO = 4
LEAST_ECHOED = 7
BACKCHANNEL = 12
"""So many letters besides digits are an answer such as 네 확인했습니다, no new subject."""
_PROMPT = re.compile(r"다음|계속|이어서|나머지|뒷|불러|자리|go ahead|next|continue|uh huh", re.IGNORECASE)
_TAIL_ASKED = re.compile(r"뒷|뒤|끝|마지막|last four|ending", re.IGNORECASE)
_CERTAIN = 0.9


@dataclass(frozen=True, slots=True)
class _Found:
    digits: str
    verdict: Verdict
    line: int


class Dictation:
    """The numbers of one call."""

    def __init__(self, lines: Sequence[Line], topics: Topics, *, korean: bool) -> None:
        self._lines = lines
        self._topics = topics
        self._korean = korean
        self._runs = [runs(line.text, number, korean=korean) for number, line in enumerate(lines)]
        self._values: list[_Found] = []

    def mentions(self) -> list[Mention]:
        """Every personal number, one mention a line that has a part of it."""
        found: list[Mention] = []
        open_: list[Run] = []
        for run in (run for line in self._runs for run in line):
            mentions, rest = self._take(run, certain=True)
            found += mentions
            open_ += rest
        left: list[Run] = []
        for chain in self._chains(open_):
            mentions, rest = self._take(chain, certain=False)
            found += mentions
            left += rest
        return found + [echo for run in left for echo in self._echoes(run)]

    def _take(self, groups: Run, *, certain: bool) -> tuple[list[Mention], list[Run]]:
        """The number in a row of groups, what stands before and behind it taken in the same way."""
        if certain and groups:
            groups = self._completed(groups)
        hit = next(self._hits(groups, certain=certain), None)
        # A telephone number may seem to stand inside an account number: what is asked for goes first.
        inner = hit is not None and certain and hit[1] - hit[0] < len(groups)
        if hit is None or (inner and self._verdict(groups, certain=False) is not None):
            return [], [groups] if groups else []
        first, last, verdict = hit
        inside = groups[first:last]
        self._values.append(_Found(digits_of(inside), verdict, inside[-1].line))
        before, left = self._take(groups[:first], certain=certain)
        after, right = self._take(groups[last:], certain=certain)
        return [*before, *_mentions(inside, verdict), *after], left + right

    def _completed(self, groups: Run) -> Run:
        """The run with a last 이 read as two, where only so it has the length that its structure needs."""
        last = groups[-1]
        if not last.or_two or self._verdict(groups, certain=True) is not None:
            return groups
        longer = replace(last, end=last.end + 1, digits=last.digits + "2", or_two=False)
        completed = (*groups[:-1], longer)
        return completed if self._verdict(completed, certain=True) is not None else groups

    def _hits(self, groups: Run, *, certain: bool) -> Iterator[tuple[int, int, Verdict]]:
        for size in range(len(groups), 0, -1):
            for first in range(len(groups) - size + 1):
                verdict = self._verdict(groups[first : first + size], certain=certain)
                if verdict is not None:
                    yield first, first + size, verdict

    def _verdict(self, groups: Run, *, certain: bool) -> Verdict | None:
        first = groups[0]
        own_end = max(group.end for group in groups if group.line == first.line)
        number = Number(
            digits=digits_of(groups),
            lengths=tuple(len(group.digits) for group in groups),
            korean=self._korean,
            tail_asked=_TAIL_ASKED.search(self._lines[first.line].text) is not None,
        )
        if certain:
            shown = structure(number)
            if shown is None or shown[1] < _CERTAIN:
                return None
        return classify(number, self._topics.of(first.line, first.start, own_end))

    def _chains(self, open_: Sequence[Run]) -> Iterator[Run]:
        chain: Run = ()
        waiting: list[Run] = list(open_)
        while waiting:
            chain = waiting.pop(0)
            rest: list[Run] = []
            for run in waiting:
                if self._continues(chain[-1], run[0]):
                    chain = (*chain, *run)
                else:
                    rest.append(run)
            waiting = rest
            yield chain

    def _continues(self, last: Group, following: Group) -> bool:
        """Whether a run goes on where the same speaker stopped."""
        one, other = self._lines[last.line], self._lines[following.line]
        if last.line == following.line or one.speaker != other.speaker:
            return False
        near = other.start_ms - one.end_ms <= CHAIN_GAP_MS and following.line - last.line <= CHAIN_TURNS
        between = range(last.line + 1, following.line)
        return (
            near
            and self._ends(last)
            and self._begins(following)
            and all(self._transparent(n) for n in between)
        )

    def _ends(self, last: Group) -> bool:
        tail = self._lines[last.line].text[last.end :]
        return sum(map(str.isalnum, tail)) <= BACKCHANNEL

    def _begins(self, first: Group) -> bool:
        head = self._lines[first.line].text[: first.start]
        return sum(map(str.isalnum, head)) <= BACKCHANNEL and not self._topics.named_in(first.line)

    def _transparent(self, line: int) -> bool:
        text = self._lines[line].text
        spoken = sum(group.end - group.start for run in self._runs[line] for group in run)
        rest = sum(map(str.isalnum, text)) - spoken
        return not self._topics.named_in(line) and (rest <= BACKCHANNEL or _PROMPT.search(text) is not None)

    def _echoes(self, run: Run) -> Iterator[Mention]:
        at_ms = self._lines[run[0].line].start_ms
        for size in range(len(run), 0, -1):
            for first in range(len(run) - size + 1):
                inside = run[first : first + size]
                digits = digits_of(inside)
                for value in self._values:
                    recent = 0 <= at_ms - self._lines[value.line].start_ms <= ECHO_MS
                    long = len(digits) >= LEAST_ECHO and len(value.digits) >= LEAST_ECHOED
                    if recent and long and digits in value.digits:
                        yield from _mentions(inside, (value.verdict[0], 0.8))
                        return


def _mentions(groups: Run, verdict: Verdict) -> Iterator[Mention]:
    """One mention for each line that the groups stand in."""
    edges = [
        0,
        *(n for n, (a, b) in enumerate(pairwise(groups), start=1) if a.line != b.line),
        len(groups),
    ]
    for first, last in pairwise(edges):
        part = groups[first:last]
        yield Mention(part[0].line, part[0].start, part[-1].end, *verdict)

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
from consumers.analysis.personal_data.numbers import Number, Verdict, classify, is_public, structure
from consumers.analysis.personal_data.topics import Topics
from consumers.analysis.personal_data.written import REGIONS
from schemas.personal_data import PersonalDataType

CHAIN_GAP_MS = 20_000
CHAIN_TURNS = 3
ECHO_MS = 90_000
LEAST_ECHO = 4
LEAST_ECHOED = 7
LONGEST_NUMBER, LONGEST_RUN = 24, 48
"""Groups. Longer rows are recitals or noise, and are read in pieces so that time stays linear."""
BACKCHANNEL = 12
"""So many letters besides digits are an answer such as 네 확인했습니다, no new subject."""
_PROMPT = re.compile(r"다음|계속|이어서|나머지|뒷|불러|자리|go ahead|next|continue|uh huh", re.IGNORECASE)
_TAIL_ASKED = re.compile(r"뒷|뒤|끝|마지막|last four|ending", re.IGNORECASE)
_CORRECTS = re.compile(rf"{_TAIL_ASKED.pattern}|아니|말고|^no\b", re.IGNORECASE)
_TWO_ASKED = re.compile(r"(?:두|2)\s?자리|first two|last two", re.IGNORECASE)
_CERTAIN = 0.9
_HEADS = {
    PersonalDataType.PASSPORT: re.compile(r"(?<![가-힣A-Za-z])(?:엠|에스|알|지|디|오|피|[A-Z])[\s,-]*$"),
    PersonalDataType.DRIVER_LICENSE: re.compile(rf"(?:(?:{REGIONS})\s?|[A-Z][\s-]?)$"),
    PersonalDataType.PHONE: re.compile(r"(?:\+|플러스\s|plus\s)$"),
}
_OPEN = frozenset("2459")
"""Digits whose Korean names end in a vowel."""


@dataclass(frozen=True, slots=True)
class _Found:
    digits: str
    verdict: Verdict
    first: int
    last: int


class Dictation:
    """The numbers of one call."""

    def __init__(self, lines: Sequence[Line], topics: Topics, *, korean: bool) -> None:
        self._lines = lines
        self._topics = topics
        self._korean = korean
        self._runs = [
            [
                run[n : n + LONGEST_RUN]
                for run in runs(line.text, number, korean=korean)
                for n in range(0, len(run), LONGEST_RUN)
            ]
            for number, line in enumerate(lines)
        ]
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
        said = groups
        if groups:
            groups = self._completed(groups, certain=certain)
        hit = next(self._hits(groups, certain=certain), None)
        if hit is None or (certain and hit[1] - hit[0] < len(groups) and self._is_whole(groups)):
            return [], [said] if said else []
        first, last, verdict = hit
        inside = groups[first:last]
        before, left = self._take(groups[:first], certain=certain)
        after, right = self._take(groups[last:], certain=certain)
        if verdict is None:
            return before + after, left + right
        self._values.append(_Found(digits_of(inside), verdict, inside[0].line, inside[-1].line))
        return [*before, *self._mentions(inside, verdict), *after], left + right

    def _is_whole(self, groups: Run) -> bool:
        """Whether the whole is what was asked for: a telephone number may seem to stand inside an account's."""
        return self._explained(groups, certain=False) or is_public(digits_of(groups), korean=self._korean)

    def _explained(self, groups: Run, *, certain: bool) -> bool:
        """Whether it is known what the number is."""
        verdict = self._verdict(groups, certain=certain)
        return verdict is not None and verdict[0] is not PersonalDataType.NUMBER

    def _completed(self, groups: Run, *, certain: bool) -> Run:
        """The run with a last 이 read as two, where only so it is a number that is known.

        Behind a vowel 이에요 becomes 예요 (구예요, not 구이에요), so there it is a two wherever it may be one.
        """
        last = groups[-1]
        if not last.or_two:
            return groups
        end = last.end + len(last.or_two)
        behind = self._lines[last.line].text[end : end + 2]
        completed = (*groups[:-1], *_longer(last, end, "2"))
        if is_public(digits_of(completed), korean=self._korean):
            return completed
        likely = last.digits[-1] in _OPEN and behind[:1] in {"요", "에", "예"}
        if not likely and self._explained(groups, certain=certain):
            return groups
        if self._explained(completed, certain=certain):
            return completed
        completed = (*groups[:-1], *_longer(last, end + 1, "29"))
        return completed if behind == "구요" and self._explained(completed, certain=certain) else groups

    def _hits(self, groups: Run, *, certain: bool) -> Iterator[tuple[int, int, Verdict | None]]:
        """Stretches that are a number, the longest first; without a verdict those that anybody may call."""
        for size in range(min(len(groups), LONGEST_NUMBER), 0, -1):
            for first in range(len(groups) - size + 1):
                inside = groups[first : first + size]
                verdict = self._verdict(inside, certain=certain)
                if verdict is not None or (not certain and is_public(digits_of(inside), korean=self._korean)):
                    yield first, first + size, verdict

    def _verdict(self, groups: Run, *, certain: bool) -> Verdict | None:
        first = groups[0]
        own_end = max(group.end for group in groups if group.line == first.line)
        number = Number(
            digits=digits_of(groups),
            lengths=self._lengths(groups),
            korean=self._korean,
            tail_asked=self._asked(_TAIL_ASKED, first.line),
            two_asked=self._asked(_TWO_ASKED, first.line),
        )
        if certain:
            shown = structure(number)
            if shown is None or shown[1] < _CERTAIN:
                return None
        return classify(number, self._topics.of(first.line, first.start, own_end))

    def _lengths(self, groups: Run) -> tuple[int, ...]:
        """Digits between what parts the groups; one by one, or in English word by word, only a blank does not."""
        lengths = [len(groups[0].digits)]
        for last, group in pairwise(groups):
            blank = last.line == group.line and self._lines[group.line].text[last.end : group.start] == " "
            spelled = all(len(g.digits) == 1 or g.end - g.start > len(g.digits) for g in (last, group))
            if blank and spelled:
                lengths[-1] += len(group.digits)
            else:
                lengths.append(len(group.digits))
        return tuple(lengths)

    def _asked(self, words: re.Pattern[str], line: int) -> bool:
        """Whether a line, or the one before it, has these words."""
        return any(words.search(spoken.text) for spoken in self._lines[max(0, line - 1) : line + 1])

    def _chains(self, open_: Sequence[Run]) -> Iterator[Run]:
        chain: Run = ()
        waiting: list[Run] = list(open_)
        while waiting:
            chain = waiting.pop(0)
            rest: list[Run] = []
            for run in waiting:
                if len(chain) <= LONGEST_RUN and self._continues(chain[-1], run[0]):
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
        for size in range(min(len(run), LONGEST_NUMBER), 0, -1):
            for first in range(len(run) - size + 1):
                inside = run[first : first + size]
                for value in self._values:
                    if self._repeats(inside, value):
                        yield from self._mentions(inside, (value.verdict[0], 0.8))
                        return

    def _repeats(self, groups: Run, value: _Found) -> bool:
        """Whether the groups repeat a part of a number, or put its last digits right."""
        line, digits = self._lines[groups[0].line], digits_of(groups)
        if len(digits) < LEAST_ECHO or len(value.digits) < LEAST_ECHOED:
            return False
        began_ms, since_ms = (line.start_ms - self._lines[n].start_ms for n in (value.first, value.last))
        repeated = digits in value.digits and began_ms >= 0 and since_ms <= ECHO_MS
        corrected = len(digits) == LEAST_ECHO and 0 <= since_ms <= CHAIN_GAP_MS
        return repeated or (corrected and _CORRECTS.search(line.text[: groups[0].start]) is not None)

    def _mentions(self, groups: Run, verdict: Verdict) -> Iterator[Mention]:
        """One mention for each line that the groups stand in."""
        edges = [
            0,
            *(n for n, (a, b) in enumerate(pairwise(groups), start=1) if a.line != b.line),
            len(groups),
        ]
        for first, last in pairwise(edges):
            part = groups[first:last]
            start = self._head(part[0], verdict[0]) if first == 0 else part[0].start
            yield Mention(part[0].line, start, part[-1].end, *verdict)

    def _head(self, group: Group, kind: PersonalDataType) -> int:
        """Where the number begins with what is no digit: a passport's letter, a licence's region, a plus."""
        head = _HEADS.get(kind)
        before = head.search(self._lines[group.line].text[: group.start]) if head else None
        return before.start() if before else group.start


def _longer(last: Group, end: int, digits: str) -> Run:
    """A group with the digits that may stand behind it, as one more group where a blank parts them."""
    if last.or_two == "이":
        return (replace(last, end=end, digits=last.digits + digits, or_two=""),)
    return replace(last, or_two=""), Group(last.line, end - len(digits), end, digits)

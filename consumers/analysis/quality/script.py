"""The steps of the script: whether, where and in which order the agent takes them.

The table says by which acts a step is known and where its place is. A step's evidence is its first sentence that
stands within the step's window, else the first of all: who says goodbye too early and again at the end has said
it at its place. Windows count from the agent's first word and to the last word of the call.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from consumers.analysis.act_rules import LANGUAGES, ActName
from consumers.analysis.acts import Said, place, said
from consumers.analysis.lexicon import Pattern
from consumers.analysis.phrases import PhraseBook
from consumers.analysis.skips import Part, skip, without_parties
from consumers.analysis.tables import Tables
from consumers.analysis.view import CallView
from schemas.document import SkipReason
from schemas.quality import ScriptStep, StepName
from schemas.records import Milliseconds, Role

TABLE = "script.yaml"

Phrases = Mapping[str, tuple[Pattern, ...]]
"""Patterns by language."""


class ScriptRule(BaseModel):
    """A step: how it is known, and its place; a constraint that is not given always holds.

    ``acts`` are the step wherever they are done, ``phrases`` only within its window. ``before`` are steps whose
    last sentence it must not follow, ``before_acts`` acts of the agent that must not be done in an earlier turn;
    a sentence with one of the phrases ``harmless`` does not count as such (확인해 드리겠습니다).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: StepName
    acts: tuple[ActName, ...] = ()
    phrases: Phrases = {}
    speakers: frozenset[Role] = frozenset({Role.AGENT})
    first_ms: Milliseconds | None = None
    last_ms: Milliseconds | None = None
    before: tuple[StepName, ...] = ()
    before_acts: tuple[ActName, ...] = ()
    harmless: Phrases = {}


class ScriptTable(BaseModel):
    """The content of ``script.yaml``. The document has the steps in this order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    between: Phrases = {}
    """Words that may stand between any two elements of a pattern, by language."""
    steps: Annotated[tuple[ScriptRule, ...], Field(min_length=1)]


class Script:
    """A script table ready for use."""

    def __init__(self, table: ScriptTable) -> None:
        self.table = table
        self._books = {language: self._book(language) for language in LANGUAGES}

    def book(self, language: str) -> PhraseBook[tuple[StepName, str]]:
        """The phrases of a language, by step and field of its rule."""
        return self._books[language]

    def _book(self, language: str) -> PhraseBook[tuple[StepName, str]]:
        phrases = [
            ((rule.step, field), pattern)
            for rule in self.table.steps
            for field, by_language in (("phrases", rule.phrases), ("harmless", rule.harmless))
            for pattern in by_language.get(language, ())
        ]
        return PhraseBook(phrases, self.table.between.get(language, ()))


def script_for(tables: Tables) -> Script:
    """The script of these tables."""
    return tables.built(TABLE, ScriptTable, Script)


def versions(tables: Tables) -> Mapping[str, str]:
    """Of the script."""
    return {"script": script_for(tables).table.version}


def script(call: CallView) -> Part:
    """``script`` of ``quality``."""
    reason = call.wordless or without_parties(call, both=True)
    if call.language not in LANGUAGES:
        reason = reason or SkipReason.UNSUPPORTED_LANGUAGE
    if reason is not None:
        return {}, [skip("quality.script", reason)]
    rules = script_for(call.tables)
    walk = _Walk(call, rules)
    return {"script": tuple(walk.step(rule) for rule in rules.table.steps)}, []


@dataclass(frozen=True)
class _Walk:
    """A call along its script. Places ``at`` are numbers of the sentences of everybody but the customer."""

    call: CallView
    script: Script

    def step(self, rule: ScriptRule) -> ScriptStep:
        """What became of a step."""
        places = self._taken[rule.step]
        if not places:
            return ScriptStep(step=rule.step, said=False)
        at = next((n for n in places if self._within(rule, n)), places[0])
        in_place = self._within(rule, at) and self._in_order(rule, at)
        return ScriptStep(step=rule.step, said=True, in_place=in_place, evidence=place(*self._said[at]))

    @cached_property
    def _said(self) -> Sequence[Said]:
        roles = self.call.roles
        return [one for one in said(self.call) if roles.get(one[0].speaker) in {Role.AGENT, Role.OTHER}]

    @cached_property
    def _found(self) -> Sequence[Collection[tuple[StepName, str]]]:
        book = self.script.book(self.call.language or "")
        return [{match.key for match in book.find(sentence.tokens)} for _, sentence in self._said]

    @cached_property
    def _taken(self) -> Mapping[StepName, Sequence[int]]:
        return {rule.step: list(self._places(rule)) for rule in self.script.table.steps}

    def _places(self, rule: ScriptRule) -> Iterator[int]:
        for at in range(len(self._said)):
            if self._role(at) not in rule.speakers:
                continue
            by_phrase = (rule.step, "phrases") in self._found[at] and self._within(rule, at)
            if by_phrase or self._does(at, rule.acts):
                yield at

    def _within(self, rule: ScriptRule, at: int) -> bool:
        span = self._said[at][1].span
        early = rule.first_ms is None or span.start_ms - self._first_ms <= rule.first_ms
        return early and (rule.last_ms is None or self._last_ms - span.end_ms <= rule.last_ms)

    def _in_order(self, rule: ScriptRule, at: int) -> bool:
        followed = (self._taken.get(step, ()) for step in rule.before)
        return all(at <= places[-1] for places in followed if places) and not self._too_late(rule, at)

    def _too_late(self, rule: ScriptRule, at: int) -> bool:
        """Whether an earlier turn did what should have waited; within one turn the order does not matter."""
        turn = self._said[at][0]
        earlier = [n for n in range(at) if self._said[n][0].id != turn.id and self._role(n) is Role.AGENT]
        return any(
            self._does(n, rule.before_acts) and (rule.step, "harmless") not in self._found[n] for n in earlier
        )

    def _does(self, at: int, acts: Collection[str]) -> bool:
        return not set(acts).isdisjoint(self.call.acts[self._said[at][1].id])

    def _role(self, at: int) -> Role:
        return self.call.roles[self._said[at][0].speaker]

    @cached_property
    def _first_ms(self) -> int:
        starts = [s.span.start_ms for at, (_, s) in enumerate(self._said) if self._role(at) is Role.AGENT]
        return min(starts, default=0)

    @cached_property
    def _last_ms(self) -> int:
        return self.call.bounds.end_ms if self.call.bounds else 0

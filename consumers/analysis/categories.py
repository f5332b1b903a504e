"""Fills ``categories``: every category whose conditions the call meets, with what met them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from consumers.analysis.act_rules import LANGUAGES
from consumers.analysis.acts import Said, said
from consumers.analysis.category_rules import TABLE, CategoryRule, CategoryTable, Condition
from consumers.analysis.intervals import Interval
from consumers.analysis.phrases import PhraseBook
from consumers.analysis.skips import skip
from consumers.analysis.tables import Tables
from consumers.analysis.timing import silences
from consumers.analysis.view import CallView, Findings
from schemas.acts import Basis, Category
from schemas.document import SkipReason
from schemas.records import Role

_Key = tuple[int, int]
"""A category and a condition of it, by number."""
_Subject = tuple[str | None, str | None]
"""What a sentence is: an act, an act with its kind, or a sentiment (no act)."""


@dataclass(slots=True)
class Categoriser:
    """A category table ready for use."""

    table: CategoryTable
    _books: dict[str, PhraseBook[_Key]] = field(init=False)

    def __post_init__(self) -> None:
        self._books = {language: self._book(language) for language in LANGUAGES}

    def phrases(self, call: CallView) -> Mapping[_Key, list[Basis]]:
        """The sentences that hold a phrase of each condition, every sentence looked at once."""
        found: dict[_Key, list[Basis]] = {}
        book = self._books[call.language or ""]
        for turn, sentence in said(call):
            for key in {match.key for match in book.find(sentence.tokens)}:
                condition = self.table.categories[key[0]].all[key[1]]
                if _speaks(call, turn.speaker, condition):
                    found.setdefault(key, []).append(
                        _evidence(sentence.span, turn=turn.id, sentence=sentence.id)
                    )
        return found

    def _book(self, language: str) -> PhraseBook[_Key]:
        phrases = [
            ((number, place), pattern)
            for number, rule in enumerate(self.table.categories)
            for place, condition in enumerate(rule.all)
            if condition.phrases is not None
            for pattern in getattr(condition.phrases, language)
        ]
        return PhraseBook(phrases, self.table.between)


@dataclass(frozen=True, slots=True)
class CategoryAnalyser:
    """Which categories the call falls into."""

    name: str = "categories"

    def versions(self, tables: Tables) -> Mapping[str, str]:
        """The category table."""
        return {"categories": _categoriser(tables).table.version}

    def analyse(self, call: CallView) -> Findings:
        """Categories that ask for a party are left out where nobody knows the parties."""
        reason = call.wordless or (None if call.language in LANGUAGES else SkipReason.UNSUPPORTED_LANGUAGE)
        if reason is not None or call.bounds is None:
            return Findings(skipped=[skip("categories", reason or SkipReason.NO_SPEECH)])
        rules = _categoriser(call.tables)
        judged = _Judge(call, call.bounds, rules.phrases(call))
        decidable = [
            (n, rule)
            for n, rule in enumerate(rules.table.categories)
            if call.parties_known or not _asks(rule)
        ]
        found = [category for n, rule in decidable if (category := judged.category(n, rule))]
        left_out = len(decidable) < len(rules.table.categories)
        missing = call.unattributed or SkipReason.ROLES_UNKNOWN
        return Findings(
            fields={"categories": tuple(found)},
            skipped=[skip("categories.parties", missing)] if left_out else (),
        )


@dataclass(slots=True)
class _Judge:
    """Decides the conditions of one call."""

    call: CallView
    bounds: Interval
    phrases: Mapping[_Key, Sequence[Basis]]
    sentences: Mapping[_Subject, Sequence[Said]] = field(init=False)

    def __post_init__(self) -> None:
        filed: dict[_Subject, list[Said]] = {}
        for turn, sentence in said(self.call):
            for subject in _subjects(self.call, sentence.id):
                filed.setdefault(subject, []).append((turn, sentence))
        self.sentences = filed

    def category(self, number: int, rule: CategoryRule) -> Category | None:
        evidence: list[Basis] = []
        for place, condition in enumerate(rule.all):
            found = [e for e in self._found((number, place), condition) if self._inside(e, condition)]
            if (len(found) >= condition.at_least) == condition.absent:
                return None
            evidence += [] if condition.absent else found
        once = dict.fromkeys(evidence)
        return Category(name=rule.name, evidence=tuple(sorted(once, key=lambda e: e.start_ms)))

    def _inside(self, evidence: Basis, condition: Condition) -> bool:
        return condition.window is None or condition.window.contains(evidence.start_ms, self.bounds)

    def _found(self, key: _Key, condition: Condition) -> Iterable[Basis]:
        if condition.phrases is not None:
            return self.phrases.get(key, ())
        if condition.non_talk_ms is not None:
            return self._silences(condition.non_talk_ms)
        if condition.interruption_ms is not None:
            return self._interruptions(condition, condition.interruption_ms)
        return self._sentences(condition)

    def _sentences(self, condition: Condition) -> Iterator[Basis]:
        subject = (condition.act, condition.kind if condition.act else condition.sentiment)
        for turn, sentence in self.sentences.get(subject, ()):
            if _speaks(self.call, turn.speaker, condition):
                yield _evidence(sentence.span, turn=turn.id, sentence=sentence.id)

    def _silences(self, least_ms: int) -> Iterator[Basis]:
        for gap in silences(self.call, self.bounds):
            if gap.length_ms >= least_ms:
                yield _evidence(gap)

    def _interruptions(self, condition: Condition, least_ms: int) -> Iterator[Basis]:
        parties = {
            Role.AGENT: self.call.speakers(Role.AGENT),
            Role.CUSTOMER: self.call.speakers(Role.CUSTOMER),
        }
        by = Role(condition.speaker or Role.UNKNOWN)
        over = Role.CUSTOMER if by is Role.AGENT else Role.AGENT
        for interruption in self.call.floor.interruptions(parties[by], parties[over]):
            if interruption.overlap.length_ms >= least_ms:
                yield _evidence(interruption.overlap)


def _subjects(call: CallView, sentence_id: str) -> set[_Subject]:
    marks = call.act_marks[sentence_id]
    subjects: set[_Subject] = {(mark.act, kind) for mark in marks for kind in (None, mark.kind)}
    sentiment = call.polarity.get(sentence_id)
    return subjects | {(None, sentiment.label)} if sentiment else subjects


def _categoriser(tables: Tables) -> Categoriser:
    return tables.built(TABLE, CategoryTable, Categoriser)


def _asks(rule: CategoryRule) -> bool:
    """Whether a category cannot be told without knowing the parties."""
    return any(condition.speaker is not None for condition in rule.all)


def _speaks(call: CallView, speaker: str, condition: Condition) -> bool:
    return condition.speaker is None or call.roles.get(speaker, Role.UNKNOWN).value == condition.speaker


def _evidence(span: Interval, *, turn: str | None = None, sentence: str | None = None) -> Basis:
    return Basis(turn_id=turn, sentence_id=sentence, start_ms=span.start_ms, end_ms=span.end_ms)

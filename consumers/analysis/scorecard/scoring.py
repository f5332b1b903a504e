"""The score card of a call, from nothing but its document: a stored one can be scored again by another rubric.

An item is as good as the worst of its checks. One that nothing called for leaves the card, and the total is
what the scored items brought of what they could have brought. An item of which a check is missing is
``not_computed`` as a whole: the missing one might have been the worst. A call in which not both parties speak
has nothing to judge.

An item's confidence is the lowest of: how sure the roles of agent and customer are, and what the rubric's
``confidence`` paths say of its checks, ``low`` counting as 0.5.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from consumers.analysis.scorecard.document_path import DocumentPath, Value
from consumers.analysis.scorecard.rubric import POINTS, Check, Failure, Item, Rubric
from schemas.acts import Basis
from schemas.document import CallDocument, Sentence, Turn
from schemas.records import Role
from schemas.scorecard import AutomaticFailure, ItemStatus, ScoreCard, ScoreItem

GRADES: Mapping[object, float] = {"high": 1.0, "low": 0.5}
"""Confidence that a word for reliability stands for."""


def score(document: CallDocument, rubric: Rubric) -> ScoreCard:
    """The card of a call by a rubric."""
    judge = _Judge(document)
    items = tuple(judge.item(item) for item in rubric.items)
    scored = [item for item in items if item.status == "scored"]
    possible = sum(item.points for item in scored)
    reached = sum(item.score or 0.0 for item in scored)
    return ScoreCard(
        total=round(POINTS * reached / possible, 2) if possible else None,
        automatic_points=possible,
        human_points=sum(item.points for item in items if item.status == "human"),
        items=items,
        failures=tuple(judge.failures(rubric.failures)),
        rubric=rubric.version,
    )


class _Judged(NamedTuple):
    """What a check found."""

    check: Check
    status: ItemStatus
    value: Value | None = None
    share: float | None = None


class _Judge:
    """Judges one document."""

    def __init__(self, document: CallDocument) -> None:
        self._document = document

    def item(self, item: Item) -> ScoreItem:
        """A line of the card."""
        fields = {"id": item.id, "block": item.block, "title": self._title(item.title), "points": item.points}
        judgement = {"status": "human"} if item.human else self._judgement(item)
        return ScoreItem.model_validate(fields | judgement)

    def failures(self, rules: Iterable[Failure]) -> Iterator[AutomaticFailure]:
        """Those that the call gives cause for."""
        for rule in rules:
            if rule.metric is None:
                evidence = self._said(rule)
                fails = len(evidence) >= rule.at_least
            else:
                evidence = self._evidence(rule.evidence)
                fails = float(rule.metric.value(self._document) or 0) >= rule.at_least
            if fails:
                yield AutomaticFailure(id=rule.id, title=self._title(rule.title), evidence=evidence)

    def _judgement(self, item: Item) -> dict[str, object]:
        found = [self._judged(check) for check in item.checks]
        worst = min(found, key=_rank)
        fields: dict[str, object] = {"status": worst.status, "metric": worst.check.metric.text}
        if worst.share is None:
            return fields
        return fields | {
            "value": worst.value,
            "share": worst.share,
            "score": round(item.points * worst.share, 3),
            "confidence": self._confidence(judged.check for judged in found if judged.status == "scored"),
            "evidence": self._evidence(worst.check.proof),
        }

    def _judged(self, check: Check) -> _Judged:
        if not self._both_speak:
            return _Judged(check, "not_computed")
        language = self._document.language
        if check.languages and language is not None and language not in check.languages:
            return _Judged(check, "not_applicable")
        due = [path.value(self._document) for path in check.applies]
        if due and not any(due):
            return _Judged(check, "not_computed" if None in due else "not_applicable")
        value = check.metric.value(self._document)
        share = None if value is None else check.share(value)
        return _Judged(check, "not_computed" if share is None else "scored", value, share)

    @cached_property
    def _both_speak(self) -> bool:
        return {Role.AGENT, Role.CUSTOMER} <= {turn.role for turn in self._document.turns}

    def _confidence(self, checks: Iterable[Check]) -> float:
        told = [c.confidence.value(self._document) for c in checks if c.confidence is not None]
        grades = [GRADES.get(value, value) for value in told if value is not None]
        return min([self._role_confidence, *map(float, grades)])

    @cached_property
    def _role_confidence(self) -> float:
        parties = {Role.AGENT, Role.CUSTOMER}
        return min((p.confidence for p in self._document.participants if p.role in parties), default=0.0)

    def _evidence(self, path: DocumentPath | None) -> tuple[Basis, ...]:
        found = path.read(self._document) if path is not None else None
        return tuple(self._place(place) for place in found or ())

    def _said(self, rule: Failure) -> tuple[Basis, ...]:
        """Sentences of the agent in which one of the expressions stands."""
        language = self._document.language or ""
        said, unless = rule.said.get(language, ()), rule.unless.get(language, ())
        return tuple(
            self._place(sentence)
            for turn in self._document.turns
            for sentence in turn.sentences
            if turn.role is Role.AGENT
            and any(expression.search(sentence.text) for expression in said)
            and not any(expression.search(sentence.text) for expression in unless)
        )

    def _place(self, place: Any) -> Basis:
        turn_id, sentence_id = self._ids(place)
        return Basis(turn_id=turn_id, sentence_id=sentence_id, start_ms=place.start_ms, end_ms=place.end_ms)

    def _ids(self, place: Any) -> tuple[str | None, str | None]:
        """The turn and the sentence of what may be one of them, or may name them, or neither."""
        if isinstance(place, Sentence):
            return self._turn_of[place.id], place.id
        if isinstance(place, Turn):
            return place.id, None
        return getattr(place, "turn_id", None), getattr(place, "sentence_id", None)

    @cached_property
    def _turn_of(self) -> Mapping[str, str]:
        return {sentence.id: turn.id for turn in self._document.turns for sentence in turn.sentences}

    def _title(self, titles: Mapping[str, str]) -> str:
        return titles.get(self._document.language or "", next(iter(titles.values())))


def _rank(judged: _Judged) -> tuple[int, float]:
    """What decides an item comes first: what is missing, then the lowest share; what was not due comes last."""
    order: tuple[ItemStatus, ...] = ("not_computed", "scored", "not_applicable")
    return order.index(judged.status), judged.share or 0.0

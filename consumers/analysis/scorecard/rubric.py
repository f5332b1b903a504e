"""The rubric of a score card: items with their points, and what of the document each is judged by.

It is checked when it is read: a path that no document has, points that are not a hundred in all, bands out of
order are told with their line and column.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Self, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from consumers.analysis.scorecard.document_path import DocumentPath, Value
from schemas.acts import ACTS
from schemas.scorecard import Share

TABLE = "rubric.yaml"
POINTS = 100
SHARES: tuple[float, ...] = (1.0, 0.7, 0.4)
"""What the bands of a check bring, in the order in which a rubric lists them; beyond the last: nothing."""

_ACT = re.compile(r"acts\.(\w+)")


def _evidence(path: DocumentPath) -> DocumentPath:
    if not (path.shape.is_record and "start_ms" in path.shape.kind.model_fields):
        raise ValueError(f"{path.text} has no times, so it is no evidence")
    return path


def _graded(path: DocumentPath) -> DocumentPath:
    if path.shape.is_record or not any(path.accepts(value) for value in (0.5, "high")):
        raise ValueError(f"{path.text} is neither a share nor high or low")
    return path


def _rising(values: tuple[float, ...]) -> tuple[float, ...]:
    if list(values) != sorted(values):
        raise ValueError("each band reaches at least as far as the one before it: let the values rise")
    return values


def _falling(values: tuple[float, ...]) -> tuple[float, ...]:
    if list(values) != sorted(values, reverse=True):
        raise ValueError("each band reaches at least as far as the one before it: let the values fall")
    return values


def _nested(ranges: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    for low, high in ranges:
        if low > high:
            raise ValueError(f"{[low, high]} ends before it begins")
    for inner, outer in pairwise(ranges):
        if not (outer[0] <= inner[0] and inner[1] <= outer[1]):
            raise ValueError(f"the band {list(outer)} does not hold the one before it, {list(inner)}")
    return ranges


PathText = Annotated[DocumentPath, BeforeValidator(DocumentPath.of)]
EvidencePath = Annotated[PathText, AfterValidator(_evidence)]
ConfidencePath = Annotated[PathText, AfterValidator(_graded)]
Bands = Field(min_length=1, max_length=len(SHARES))
Titles = Annotated[Mapping[str, str], Field(min_length=1)]
"""Language to title; the first stands in for languages that have none."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class Check(_Model):
    """One value of the document, and what share of the points it brings.

    ``at_least``, ``at_most`` and ``within`` name the bands of SHARES, the best first; ``values`` gives a share to
    each value by itself, and none (``not_computed``) to those that it leaves out. ``applies``: nothing is due
    unless one of these is more than 0. ``languages``: not due in others.
    """

    metric: PathText
    at_least: Annotated[tuple[float, ...], Bands, AfterValidator(_falling)] | None = None
    at_most: Annotated[tuple[float, ...], Bands, AfterValidator(_rising)] | None = None
    within: Annotated[tuple[tuple[float, float], ...], Bands, AfterValidator(_nested)] | None = None
    values: Annotated[Mapping[bool | str, Share], Field(min_length=1)] | None = None
    applies: tuple[PathText, ...] = ()
    languages: tuple[str, ...] = ()
    evidence: EvidencePath | None = None
    confidence: ConfidencePath | None = None
    """Where the document says how far the value can be trusted: a share, or high or low."""

    @model_validator(mode="after")
    def _one_scale(self) -> Self:
        scales = ("at_least", "at_most", "within", "values")
        given = [name for name in scales if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"give exactly one of {', '.join(scales)}; here are {given or 'none'}")
        never = [str(value) for value in self.values or () if not self.metric.accepts(value)]
        if never or (self.values is not None and self.metric.is_count):
            raise ValueError(f"{self.metric.text} is never {', '.join(never) or 'one of the values'}")
        if self.values is None and not (self.metric.is_count or self.metric.accepts(1)):
            raise ValueError(f"{self.metric.text} is no number: give values")
        return self

    def share(self, value: Value) -> float | None:
        """What a value brings; None: the rubric does not say."""
        if self.values is not None:
            return self.values.get(value) if isinstance(value, bool | str) else None
        number = float(value)
        reached = [
            *(number >= least for least in self.at_least or ()),
            *(number <= most for most in self.at_most or ()),
            *(low <= number <= high for low, high in self.within or ()),
        ]
        return next((share for share, good in zip(SHARES, reached, strict=False) if good), 0.0)

    @cached_property
    def proof(self) -> DocumentPath | None:
        """Where the evidence stands: an act's are its party's sentences."""
        act = _ACT.fullmatch(self.metric.text)
        if self.evidence is not None or act is None:
            return self.evidence
        return DocumentPath.of(f"turns[role={ACTS[act[1]]}].sentences[acts={act[1]}]")


class Item(_Model):
    """A line of the score card: as good as the worst of its checks, or for a person to judge (``human``)."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    block: str
    title: Titles
    points: Annotated[float, Field(gt=0)]
    checks: tuple[Check, ...] = ()
    human: bool = False

    @model_validator(mode="after")
    def _judged(self) -> Self:
        if bool(self.checks) == self.human:
            raise ValueError("give checks, or human: true, one of them")
        return self


Expressions = Mapping[str, tuple[re.Pattern[str], ...]]
"""Language to regular expressions over a sentence."""


class Failure(_Model):
    """What fails a call whatever its points, for a person to confirm.

    Either a ``metric`` of ``at_least`` so much, or as many sentences of the agent in which one of ``said``
    stands and none of ``unless``.
    """

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    title: Titles
    metric: PathText | None = None
    at_least: Annotated[float, Field(gt=0)] = 1
    evidence: EvidencePath | None = None
    said: Expressions = {}
    unless: Expressions = {}

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.metric is None) == (not self.said):
            raise ValueError("give metric or said, one of them")
        if self.metric is not None and not (self.metric.is_count or self.metric.accepts(1)):
            raise ValueError(f"{self.metric.text} is no number")
        return self


Entry = TypeVar("Entry", Item, Failure)


def _distinct(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    counts = Counter(entry.id for entry in entries)
    if doubled := sorted(name for name, count in counts.items() if count > 1):
        raise ValueError(f"ids that stand here twice: {', '.join(doubled)}")
    return entries


def _hundred(items: tuple[Item, ...]) -> tuple[Item, ...]:
    total = sum(item.points for item in items)
    if not math.isclose(total, POINTS):
        raise ValueError(f"the points are {total:g} in all, not {POINTS}")
    return items


class Rubric(_Model):
    """The content of ``rubric.yaml``."""

    version: str
    items: Annotated[tuple[Item, ...], AfterValidator(_distinct), AfterValidator(_hundred)]
    failures: Annotated[tuple[Failure, ...], AfterValidator(_distinct)] = ()

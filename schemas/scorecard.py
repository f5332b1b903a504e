"""The score card of a call: a hundred points by the tenant's rubric, each with what it rests on."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.acts import Basis
from schemas.records import Record

Share = Annotated[float, Field(ge=0, le=1)]
Points = Annotated[float, Field(ge=0)]

ItemStatus = Literal["scored", "not_applicable", "not_computed", "human"]


class ScoreItem(Record):
    """One line of the score card.

    ``not_applicable``: nothing in the call asked for it (no refusal, no alternative due); ``not_computed``: the
    metric is missing, ``skipped`` of the document says why; ``human``: only a person can judge it. Of these
    three ``share`` and ``score`` are None, and their points do not count.
    """

    id: str
    block: str
    title: str
    points: Points
    """What it can bring before renormalisation."""
    status: ItemStatus
    metric: str | None = None
    """Path of the document that is judged."""
    value: float | bool | str | None = None
    """What stands there."""
    share: Share | None = None
    """Of the points: the band into which the value falls."""
    score: Points | None = None
    """points × share."""
    confidence: Share | None = None
    evidence: tuple[Basis, ...] = ()


class AutomaticFailure(Record):
    """Something that fails a call whatever its points, for a person to confirm."""

    id: str
    title: str
    evidence: tuple[Basis, ...] = ()


class ScoreCard(Record):
    """Points of a call. ``total`` is on 0…100, over the scored items alone; None when none could be scored."""

    total: Annotated[float, Field(ge=0, le=100)] | None = None
    automatic_points: Points
    """Points of the items that were scored: how much of the rubric ``total`` speaks for."""
    human_points: Points
    """Points that wait for a person."""
    items: tuple[ScoreItem, ...] = ()
    failures: tuple[AutomaticFailure, ...] = ()
    rubric: str
    """Version of the rubric."""

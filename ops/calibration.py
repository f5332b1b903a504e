"""Score cards beside what people gave the same calls: item by item, and the totals."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from infra.errors import ErrorCode, Poison
from ops import agreement
from ops.human_scores import HumanScore
from schemas.scorecard import ScoreCard, ScoreItem

DIGITS = 4
"""To which shares are compared: 5.6 of 8 points are 0.7."""


@dataclass(slots=True)
class Ratings:
    """The ratings that a card and a person gave the same things; ``left_out``: those the card did not score."""

    automatic: list[float] = field(default_factory=list)
    human: list[float] = field(default_factory=list)
    left_out: int = 0

    @property
    def count(self) -> int:
        """How many were rated by both."""
        return len(self.human)

    @property
    def too_few(self) -> bool:
        """Whether they tell nothing yet."""
        return self.count < agreement.LEAST

    def add(self, automatic: float | None, human: float) -> None:
        """Take in one rating by each; None: the card has none."""
        if automatic is None:
            self.left_out += 1
            return
        self.automatic.append(round(automatic, DIGITS))
        self.human.append(round(human, DIGITS))


Measure = Callable[[Ratings], float | None]

ITEM_MEASURES: Mapping[str, Measure] = {
    "exact": lambda r: agreement.exact_agreement(r.automatic, r.human),
    "kappa": lambda r: agreement.weighted_kappa(r.automatic, r.human, agreement.squared),
    "bias": lambda r: agreement.bias(r.automatic, r.human),
}
"""Of shares: exact agreement, quadratic weighted kappa, mean of automatic minus human."""

TOTAL_MEASURES: Mapping[str, Measure] = {
    "pearson": lambda r: agreement.pearson(r.automatic, r.human),
    "spearman": lambda r: agreement.spearman(r.automatic, r.human),
    "icc": lambda r: agreement.icc_2_1(list(zip(r.automatic, r.human, strict=True))),
    "difference": lambda r: agreement.mean_absolute_difference(r.automatic, r.human),
    "bias": lambda r: agreement.bias(r.automatic, r.human),
}
"""Of totals, in points."""


@dataclass(slots=True, kw_only=True)
class Calibration:
    """All that can be compared. ``unmatched``: rated calls without a score card."""

    items: dict[str, Ratings] = field(default_factory=dict)
    totals: Ratings = field(default_factory=Ratings)
    unmatched: set[str] = field(default_factory=set)


def figures(ratings: Ratings, measures: Mapping[str, Measure]) -> dict[str, float | None]:
    """Each measure's value, None of too few ratings and where it has no meaning."""
    return {name: None if ratings.too_few else measure(ratings) for name, measure in measures.items()}


def calibrate(scores: Sequence[HumanScore], cards: Mapping[str, ScoreCard]) -> Calibration:
    """Cards beside human scores. Poison, with its line, for a score that no card can have."""
    found = Calibration()
    for score in scores:
        card = cards.get(score.call_id)
        if card is None:
            found.unmatched.add(score.call_id)
        elif score.item is None:
            found.totals.add(card.total, score.total or 0.0)
        else:
            item = _item(card, score)
            found.items.setdefault(item.id, Ratings()).add(item.share, _share(score, item))
    return found


def _item(card: ScoreCard, score: HumanScore) -> ScoreItem:
    for item in card.items:
        if item.id == score.item:
            return item
    known = ", ".join(item.id for item in card.items)
    raise Poison(ErrorCode.CONTRACT, f"line {score.line}: there is no item {score.item}; there are {known}")


def _share(score: HumanScore, item: ScoreItem) -> float:
    if score.share is not None:
        return score.share
    given = score.score or 0.0
    if given > item.points:
        raise Poison(
            ErrorCode.CONTRACT,
            f"line {score.line}: {item.id} has {item.points:g} points, so {given:g} cannot be",
        )
    return given / item.points

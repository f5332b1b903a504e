"""How well two raters of the same things agree: the score card and a person.

Every figure is None where it has no meaning: of too few ratings, or where nothing varies.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from math import fsum
from statistics import StatisticsError, correlation, fmean
from typing import TypeVar

import numpy as np
from scipy.stats import rankdata

LEAST = 10
"""Fewer ratings tell nothing: of 9, a correlation of 0.66 is still compatible with none at all (p > 0.05)."""

Rating = TypeVar("Rating", bound=Hashable)


def squared(one: float, other: float) -> float:
    """Quadratic disagreement: of two shares of the points, the square of what lies between."""
    return (one - other) ** 2


def exact_agreement(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Share of equal ratings."""
    return fmean(a == b for a, b in zip(one, other, strict=True)) if one else None


def bias(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Mean difference: how much the first rates higher."""
    return fmean(a - b for a, b in zip(one, other, strict=True)) if one else None


def mean_absolute_difference(one: Sequence[float], other: Sequence[float]) -> float | None:
    """How far apart the two are on average."""
    return fmean(abs(a - b) for a, b in zip(one, other, strict=True)) if one else None


def weighted_kappa(
    one: Sequence[Rating], other: Sequence[Rating], disagreement: Callable[[Rating, Rating], float]
) -> float | None:
    """Agreement beyond chance, by how grave each disagreement is: 1 − observed / expected by the margins.

    J. Cohen, "Weighted kappa: Nominal scale agreement with provision for scaled disagreement or partial
    credit", Psychological Bulletin 70 (1968), 213–220. None where the margins leave nothing to disagree on.
    """
    if not one:
        return None
    observed = fmean(disagreement(a, b) for a, b in zip(one, other, strict=True))
    margins = Counter(one), Counter(other)
    chances = (n * m * disagreement(a, b) for a, n in margins[0].items() for b, m in margins[1].items())
    expected = fsum(chances) / (len(one) * len(other))
    return 1 - observed / expected if expected else None


def pearson(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Linear correlation (K. Pearson, 1895). It does not see a rater who is always stricter: the ICC does."""
    try:
        return correlation(one, other)
    except StatisticsError:
        return None


def spearman(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Correlation of the ranks, ties sharing theirs (C. Spearman, 1904)."""
    return pearson(rankdata(one).tolist(), rankdata(other).tolist())


def icc_2_1(ratings: Sequence[Sequence[float]]) -> float | None:
    """Absolute agreement of single raters, each having rated every target: ICC(2,1), two-way random effects.

    ``ratings`` has a row for each target. P. E. Shrout and J. L. Fleiss, "Intraclass correlations: Uses in
    assessing rater reliability", Psychological Bulletin 86 (1979), 420–428.
    """
    table = np.asarray(ratings, dtype=float)
    if table.ndim != 2 or min(table.shape) < 2:  # noqa: PLR2004 -- two targets and two raters
        return None
    targets, raters = table.shape
    rows, columns, mean = table.mean(axis=1), table.mean(axis=0), table.mean()
    between_targets = raters * ((rows - mean) ** 2).sum() / (targets - 1)
    between_raters = targets * ((columns - mean) ** 2).sum() / (raters - 1)
    rest = ((table - rows[:, None] - columns + mean) ** 2).sum() / ((targets - 1) * (raters - 1))
    spread = between_targets + (raters - 1) * rest + raters * (between_raters - rest) / targets
    return float((between_targets - rest) / spread) if spread else None

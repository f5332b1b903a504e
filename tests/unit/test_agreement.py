"""Agreement of two raters, by the figures that the literature gives for its own examples."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops import agreement

COHEN_1968 = {
    ("personality disorder", "personality disorder"): 88, ("personality disorder", "neurosis"): 14,
    ("personality disorder", "psychosis"): 18, ("neurosis", "personality disorder"): 10,
    ("neurosis", "neurosis"): 40, ("neurosis", "psychosis"): 10, ("psychosis", "personality disorder"): 2,
    ("psychosis", "neurosis"): 6, ("psychosis", "psychosis"): 12,
}  # fmt: skip # the table of the paper, of 200 patients
WEIGHTS = {
    frozenset({"personality disorder", "neurosis"}): 1,
    frozenset({"personality disorder", "psychosis"}): 3,
    frozenset({"neurosis", "psychosis"}): 6,
}
SHROUT_FLEISS_1979 = ((9, 2, 5, 8), (6, 1, 3, 2), (8, 4, 6, 8), (7, 1, 2, 6), (10, 5, 6, 9), (6, 2, 4, 7))
ANSCOMBE_1973 = (
    (10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5),
    (8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68),
)

shares = st.lists(st.tuples(*[st.sampled_from((0.0, 0.4, 0.7, 1.0))] * 2), min_size=2, max_size=12)


def cohens_patients() -> tuple[list[str], list[str]]:
    pairs = [pair for pair, count in COHEN_1968.items() for _ in range(count)]
    return [one for one, _ in pairs], [other for _, other in pairs]


def test_weighted_kappa_is_that_of_cohens_example() -> None:
    one, other = cohens_patients()
    found = agreement.weighted_kappa(one, other, lambda a, b: WEIGHTS.get(frozenset({a, b}), 0))
    assert found == pytest.approx(0.348, abs=5e-4)


def test_with_all_disagreements_alike_it_is_cohens_first_kappa() -> None:
    one, other = cohens_patients()
    assert agreement.weighted_kappa(one, other, lambda a, b: a != b) == pytest.approx(0.492, abs=5e-4)


@given(shares)
def test_weighted_kappa_is_one_minus_observed_over_expected_disagreement(
    pairs: list[tuple[float, float]],
) -> None:
    one, other = [a for a, _ in pairs], [b for _, b in pairs]
    observed = sum((a - b) ** 2 for a, b in pairs) / len(pairs)
    expected = sum((a - b) ** 2 for a, b in product(one, other)) / len(pairs) ** 2
    found = agreement.weighted_kappa(one, other, agreement.squared)
    assert found == (pytest.approx(1 - observed / expected) if expected else None)


def test_two_raters_who_give_everything_the_same_have_no_kappa() -> None:
    assert agreement.weighted_kappa([1.0, 1.0], [1.0, 1.0], agreement.squared) is None
    assert agreement.weighted_kappa([], [], agreement.squared) is None


def test_icc_is_that_of_shrout_and_fleiss() -> None:
    assert agreement.icc_2_1(SHROUT_FLEISS_1979) == pytest.approx(0.29, abs=5e-3)


def test_icc_sees_a_rater_who_is_always_stricter_and_a_correlation_does_not() -> None:
    automatic, human = [60.0, 70.0, 80.0, 90.0], [40.0, 50.0, 60.0, 70.0]
    assert agreement.pearson(automatic, human) == pytest.approx(1)
    found = agreement.icc_2_1(list(zip(automatic, human, strict=True)))
    assert found is not None
    assert found < 0.5


def test_icc_needs_two_targets_and_some_spread() -> None:
    assert agreement.icc_2_1([[1.0, 2.0]]) is None
    assert agreement.icc_2_1([[1.0, 1.0], [1.0, 1.0]]) is None


def test_pearson_is_that_of_anscombes_quartet() -> None:
    assert agreement.pearson(*ANSCOMBE_1973) == pytest.approx(0.816, abs=5e-4)


def test_spearman_correlates_ranks_and_ties_share_theirs() -> None:
    assert agreement.spearman([1, 2, 3, 4], [1, 10, 100, 1000]) == pytest.approx(1)
    iq, hours = (106, 100, 86, 101, 99, 103, 97, 113, 112, 110), (7, 27, 2, 50, 28, 29, 20, 12, 6, 17)
    assert agreement.spearman(iq, hours) == pytest.approx(-29 / 165)
    assert agreement.spearman([1, 1, 2], [1, 2, 3]) == pytest.approx(3**0.5 / 2)


def test_without_spread_there_is_no_correlation() -> None:
    assert agreement.pearson([1, 1, 1], [1, 2, 3]) is None
    assert agreement.spearman([1, 1, 1], [1, 2, 3]) is None


def test_bias_tells_who_is_milder_and_difference_how_far_apart() -> None:
    assert agreement.bias([1, 0.4], [0.7, 0.4]) == pytest.approx(0.15)
    assert agreement.mean_absolute_difference([1, 0.4], [0.7, 0.7]) == pytest.approx(0.3)
    assert agreement.exact_agreement([1, 0.4], [1, 0.7]) == 0.5
    assert agreement.bias([], []) is None

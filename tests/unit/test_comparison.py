"""What differs between two runs of a call."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ops.comparison import Comparison, Pair, edit_distance

words = st.lists(st.sampled_from("abc"), max_size=8)


def _body(**fields: Any) -> dict[str, Any]:
    return {
        "call_id": "c",
        "tenant": "t",
        "run_id": "1",
        "revision": 1,
        "status": "complete",
        "language": "ko",
        "turns": [{"text": "안녕하세요 고객님"}, {"text": "네"}],
        "participants": [{"role": "agent"}, {"role": "customer"}],
        "sentiment": {"customer": {"label": "neutral", "score": 0.1}, "agent": None},
    } | fields


def _compared(before: dict[str, Any] | None, after: dict[str, Any] | None) -> Comparison:
    found = Comparison()
    found.add(Pair(key=("t", "c"), before=before, after=after))
    return found


def _changed(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    return {name for name, ids in _compared(before, after).changed.items() if ids}


@given(words, words)
def test_the_edit_distance_is_levenshteins(one: list[str], two: list[str]) -> None:
    def by_definition(a: list[str], b: list[str]) -> int:
        if not a or not b:
            return len(a) + len(b)
        rest = by_definition(a[1:], b[1:]) + (a[0] != b[0])
        return min(rest, by_definition(a[1:], b) + 1, by_definition(a, b[1:]) + 1)

    assert edit_distance(one[:5], two[:5]) == by_definition(one[:5], two[:5])


def test_runs_that_differ_in_their_identity_only_are_alike() -> None:
    assert _changed(_body(), _body(run_id="2", revision=2)) == set()


def test_each_feature_is_counted_by_itself() -> None:
    assert _changed(_body(), _body(status="partial")) == {"status"}
    assert _changed(_body(), _body(language="en")) == {"language"}
    assert _changed(_body(), _body(participants=[{"role": "agent"}, {"role": "unknown"}])) == {"roles"}
    assert _changed(_body(), _body(participants=[{"role": "agent"}])) == {"roles", "speakers"}
    assert _changed(_body(), _body(turns=[{"text": "안녕"}])) == {"words"}


def test_a_sentiment_changes_with_its_label_and_not_with_its_score() -> None:
    assert _changed(_body(), _body(sentiment={"customer": {"label": "neutral", "score": 0.2}})) == set()
    assert _changed(_body(), _body(sentiment={"customer": {"label": "negative"}})) == {"sentiment"}


def _card(total: float | None, share: float | None, *failures: str) -> dict[str, Any]:
    item = {"id": "empathy", "status": "not_applicable" if share is None else "scored", "share": share}
    failed = [{"id": failure} for failure in failures]
    return _body(scorecard={"total": total, "items": [item], "failures": failed, "rubric": "1"})


def test_a_score_card_changes_with_what_an_item_brings_or_fails() -> None:
    before = _card(70.0, 0.7)
    assert _changed(before, before) == set()
    assert _changed(before, _card(40.0, 0.4)) == {"score card"}
    assert _changed(before, _card(70.0, None)) == {"score card"}
    assert _changed(before, _card(70.0, 0.7, "blame")) == {"score card"}
    assert _changed(before, _body()) == {"score card"}


def test_a_score_cards_confidence_and_rubric_alone_change_no_score() -> None:
    other = _card(70.0, 0.7)
    other["scorecard"]["rubric"] = "2"
    assert _changed(_card(70.0, 0.7), other) == set()


def test_the_mean_change_of_the_score_is_over_the_calls_that_have_one_twice() -> None:
    found = Comparison()
    bodies = [
        (_card(70.0, 0.7), _card(80.0, 1.0)), (_card(60.0, 0.7), _card(55.0, 0.4)),
        (_card(None, None), _card(90.0, 1.0)), (_body(), _card(10.0, 0.0)),
    ]  # fmt: skip # one call a pair
    for before, after in bodies:
        found.add(Pair(key=("t", "c"), before=before, after=after))
    assert found.score_change == 2.5
    assert Comparison().score_change is None


def test_a_field_that_a_later_release_adds_is_compared_too() -> None:
    assert _changed(_body(), _body(topics=["refund"])) == {"topics"}


def test_the_edit_rate_counts_words_of_the_first_run() -> None:
    found = _compared(_body(), _body(turns=[{"text": "안녕하세요 손님 네 네"}]))
    assert (found.words, found.edits) == (3, 2)
    assert found.edit_rate == 2 / 3
    assert _compared(_body(turns=[]), _body()).edit_rate is None


def test_calls_of_one_run_only_are_counted_and_not_compared() -> None:
    found = _compared(_body(), None)
    assert (found.both, found.only_before, found.only_after, found.changed) == (0, 1, 0, {})
    found = _compared(None, _body())
    assert (found.both, found.only_before, found.only_after) == (0, 0, 1)

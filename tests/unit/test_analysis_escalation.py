"""Escalation: the customer's signs, and a level that rises with anger and falls with calm."""

from consumers.analysis.escalation import ALPHA, THRESHOLD, _levels
from schemas.document import SkipReason
from tests.unit.test_analysis_acts import call


def test_a_calm_call_has_a_level_and_no_event() -> None:
    found = call(("agent", "무엇을 도와드릴까요"), ("customer", "요금제를 바꾸고 싶어요")).escalation
    assert found is not None
    assert (found.detected, found.events) == (False, ())
    assert found.index == 0


def test_each_sign_is_an_event_with_its_kind_and_place() -> None:
    found = call(("agent", "네"), ("customer", "책임자 바꿔 주세요"), ("customer", "씨발")).escalation
    assert found is not None
    assert found.detected
    assert [(e.kind, e.turn_id, e.start_ms) for e in found.events] == [
        ("supervisor_request", "t0002", 4000),
        ("profanity", "t0003", 8000),
    ]


def test_the_agents_words_are_no_sign() -> None:
    found = call(("agent", "책임자 바꿔 드릴게요"), ("customer", "네")).escalation
    assert found is not None
    assert not found.detected


def test_anger_over_several_turns_is_sustained_once() -> None:
    angry = [("customer", "도대체 몇 번을 말해야 돼요 너무 화가 나고 짜증나네요"), ("agent", "네")] * 5
    found = call(*angry).escalation
    assert found is not None
    assert [e.kind for e in found.events].count("sustained_anger") == 1
    assert found.index > THRESHOLD


def test_the_level_is_an_exponentially_weighted_mean() -> None:
    assert _levels([1.0, 0.0], base=0.0) == [ALPHA, ALPHA * (1 - ALPHA)]


def test_interrupting_in_a_calm_turn_raises_nothing() -> None:
    assert _levels([0.0, 0.0], base=0.3) == [0.0, 0.0]


def test_without_a_known_customer_it_is_skipped() -> None:
    document = call(("S1", "네"), ("S2", "네"), roles=False)
    assert document.escalation is None
    assert ("escalation", SkipReason.ROLES_UNKNOWN) in {(s.feature, s.reason) for s in document.skipped}

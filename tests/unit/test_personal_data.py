"""Personal data is found however it is said, and what only looks like it is left alone."""

import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from consumers.analysis.personal_data.detection import detect
from consumers.analysis.personal_data.digits import digits_of, runs
from consumers.analysis.personal_data.lines import Line
from consumers.analysis.personal_data.numbers import business_check, is_public, luhn
from consumers.analysis.personal_data.policy import POLICY, RedactionPolicy
from consumers.analysis.tables import SHIPPED
from ops.bench.pii_quality import ours, score, snippets, table
from schemas.personal_data import PersonalDataType as Kind
from schemas.records import Role


def lines(*turns: str, step_ms: int = 4_000) -> list[Line]:
    """Turns as ``a: …`` (agent) and ``c: …`` (customer)."""
    roles = {"a": Role.AGENT, "c": Role.CUSTOMER}
    return [
        Line(text=t[3:], speaker=t[0], role=roles[t[0]], start_ms=n * step_ms, end_ms=n * step_ms + 2_000)
        for n, t in enumerate(turns)
    ]


def found(*turns: str, language: str = "ko", step_ms: int = 4_000) -> list[tuple[str, str]]:
    call = lines(*turns, step_ms=step_ms)
    mentions = detect(call, SHIPPED, language=language)
    return [(m.type.value, call[m.line].text[m.start : m.end]) for m in mentions]


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("공일공 일이삼사 오육칠팔이요", "01012345678"),
        ("팔이에요 말고 하나둘 셋이고요", "8"),
        ("일이삼사에 오육칠팔이에요", "12345678"),
        ("010-1234-5678번으로", "01012345678"),
        ("공 삼 공 이요", "0302"),
    ],
)
def test_digits_are_read_without_the_copula(text: str, digits: str) -> None:
    assert digits_of(runs(text, 0, korean=True)[0]) == digits


@pytest.mark.parametrize(
    ("text", "digits"),
    [("double seven oh one", "7701"), ("forty one eleven", "4111"), ("triple five, two zero", "55520")],
)
def test_english_digit_words_are_read(text: str, digits: str) -> None:
    assert digits_of(runs(text, 0, korean=False)[0]) == digits


@pytest.mark.parametrize(
    "text", ["삼만 이천 원", "15,000원", "오후 두 시 삼십 분", "삼 개월", "이천이십육년"]
)
def test_quantities_are_no_digits(text: str) -> None:
    assert all(len(digits_of(run)) < 4 for run in runs(text, 0, korean=True))


def test_check_digits_follow_their_standards() -> None:
    assert luhn("4111111111111111")
    assert not luhn("4111111111111112")
    assert business_check("1248100998")
    assert not business_check("1248100999")


@pytest.mark.parametrize("number", ["15881234", "16440000", "18001234", "0801234567"])
def test_numbers_that_anybody_may_call_are_public(number: str) -> None:
    assert is_public(number, korean=True)


def test_a_registration_number_with_a_wrong_check_digit_is_still_one() -> None:
    """Since October 2020 the digit is random."""
    for last in range(10):
        assert found(f"c: 주민번호는 850312-123456{last}이요") == [("rrn", f"850312-123456{last}")]


def test_the_seventh_digit_tells_foreigners() -> None:
    assert found("c: 920607 5283910이요") == [("frn", "920607 5283910")]


def test_a_particle_may_follow_directly() -> None:
    said = found("c: 카드는 4111-1111-1111-1111번이고 메일은 kim@example.co.kr입니다")
    assert said == [("card", "4111-1111-1111-1111"), ("email", "kim@example.co.kr")]


def test_a_number_dictated_over_turns_is_one_and_all_its_parts_are_found() -> None:
    said = found("a: 연락처 불러 주세요", "c: 공일공", "a: 네", "c: 일이삼사", "a: 네", "c: 오육칠팔이요")
    assert said == [("phone", "공일공"), ("phone", "일이삼사"), ("phone", "오육칠팔")]


def test_parts_that_are_far_apart_are_no_dictation() -> None:
    said = found("c: 공일공", "a: 네", "c: 일이삼사 오육칠팔", step_ms=60_000)
    assert said == []


def test_what_the_agent_repeats_back_is_found_too() -> None:
    said = found("c: 카드번호는 4111 1111 1111 1234예요", "a: 뒤에 1234 맞으시죠")
    assert said == [("card", "4111 1111 1111 1234"), ("card", "1234")]


def test_the_question_of_the_other_party_tells_what_an_answer_is() -> None:
    assert found("a: 비밀번호 네 자리 부탁드려요", "c: 구삼이공이요") == [("pin", "구삼이공")]
    assert found("a: 주문번호 불러 주세요", "c: 구삼이공일이삼사오육칠이에요") == []


def test_an_account_that_holds_what_looks_like_a_phone_is_an_account() -> None:
    said = found("c: 농협 계좌 삼공이 공일팔팔 칠육오사 일일이요")
    assert said == [("account", "삼공이 공일팔팔 칠육오사 일일")]


def test_the_last_syllable_is_a_digit_where_the_structure_needs_it() -> None:
    said = found("c: 주민번호 육팔공이공구 다시 일오칠사구공이요")
    assert said == [("rrn", "육팔공이공구 다시 일오칠사구공이")]


@pytest.mark.parametrize(
    "text",
    [
        "고객센터는 일오팔팔 일이삼사예요",
        "주문번호 2026110300471이요",
        "총 십이만 삼천사백오십 원 나왔어요",
        "십일월 이십팔일 오후 세 시에 와 주세요",
        "모델명은 RF85B9111AP예요",
        "쿠폰 유효기간은 2026년 12월 31일까지예요",
        "비밀번호를 세 번 틀려서 잠겼어요",
        "배기량이 이천오백 씨씨예요",
        "바로 3일 안에 새로 10개 보내 주세요",
    ],
)
def test_what_is_no_personal_data_is_left_alone(text: str) -> None:
    assert found(f"c: {text}") == []


def test_the_agents_introduction_is_told_from_customers_names() -> None:
    said = found("a: 한빛은행 상담사 이수진입니다", "a: 고객님 성함이요", "c: 박서준이요", "a: 박서준 님")
    assert said == [("agent_name", "이수진"), ("name", "박서준"), ("name", "박서준")]


def test_role_words_are_no_names() -> None:
    assert found("a: 이용자님 설계사님 조합원님 고객님 잠시만요") == []


def test_an_address_needs_a_number_or_a_question() -> None:
    assert found("c: 저 서울 강남구에 살아요") == []
    assert found("a: 주소 불러 주세요", "c: 서울 강남구 테헤란로 152 301호요")[0][0] == "address"


def test_english_spoken_numbers_are_found() -> None:
    said = found(
        "a: What's the best number?", "c: two one two, five five five, oh one seven eight", language="en"
    )
    assert [kind for kind, _ in said] == ["phone"]


@given(st.text(alphabet="공일이삼사오육칠팔구 0123456789-이요에네.@ab가나", max_size=60))
def test_mentions_lie_in_their_line_in_order_and_apart(text: str) -> None:
    call = lines("a: 카드번호 계좌번호요", f"c: {text}")
    mentions = detect(call, SHIPPED, language="ko")
    assert all(0 <= m.start < m.end <= len(call[m.line].text) for m in mentions)
    assert not any(a.overlaps(b) for n, a in enumerate(mentions) for b in mentions[n + 1 :])


def test_the_policy_must_name_every_class() -> None:
    whole = SHIPPED.get(POLICY, RedactionPolicy)
    actions = {kind: action for kind, action in whole.actions.items() if kind is not Kind.CARD}
    with pytest.raises(ValidationError, match="card"):
        RedactionPolicy(version="1", padding_ms=0, actions=actions)


def test_frozen_lines_meet_the_goal_for_numbers() -> None:
    labelled = snippets("frozen")
    numbers = score(labelled, ours).total(names=False)
    assert numbers.labels >= 50
    assert (numbers.recall or 0) >= 0.98
    assert (numbers.precision or 0) >= 0.95


def test_the_labelled_sets_are_large_and_hold_enough_that_is_not_personal() -> None:
    both = [*snippets("dev"), *snippets("frozen")]
    assert len(both) >= 200
    assert sum(not snippet.labels for snippet in both) >= 0.4 * len(both)


def test_the_measure_counts_a_miss_and_a_false_alarm() -> None:
    def blind(call: Sequence[Line], language: str) -> list[tuple[int, int, int, str]]:
        return [(0, 0, len(call[0].text), language)]

    total = score(snippets("dev"), blind).total(names=False)
    assert total.found == 0
    assert total.precision is not None
    assert total.precision < 0.5


def test_the_table_names_a_missing_peer() -> None:
    header, *rows = table("dev")
    assert len(header) == len(rows[0])
    assert json.dumps(rows[-1])

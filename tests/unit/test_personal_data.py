"""Personal data is found however it is said, and what only looks like it is left alone."""

import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from consumers.analysis.personal_data import dictation
from consumers.analysis.personal_data.detection import detect
from consumers.analysis.personal_data.digits import digits_of, runs
from consumers.analysis.personal_data.lines import Line
from consumers.analysis.personal_data.numbers import (
    Number,
    Verdict,
    business_check,
    classify,
    is_public,
    luhn,
)
from consumers.analysis.personal_data.policy import POLICY, RedactionPolicy
from consumers.analysis.tables import SHIPPED
from ops.bench.pii_quality import PARTS, ours, score, snippets, table
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


@pytest.mark.parametrize(
    "text",
    [
        "성함이 뭐예요",
        "이름이 달라요",
        "오래 기다리신 고객님",
        "해지까지 가시면 고객님이 손해예요",
        "배송기사님이 오셨어요",
        "저는 여기 직원이에요",
        "아들 유치원비가 빠졌어요",
        "환자가 고열이라서 못 가요",
        "배송 지연이라고 합니다",
        "가게 이름이 오복식당이에요",
        "배우자 명의로 했어요",
    ],
)
def test_words_that_sound_like_names_are_none(text: str) -> None:
    assert found(f"c: {text}") == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("제 딸 유채린이 다쳤어요", "유채린"),
        ("저 남궁혜진인데요", "남궁혜진"),
        ("아까 통화한 심은경입니다", "심은경"),
        ("제 이름은 응우옌티란이에요", "응우옌티란"),
        ("법인 대표 조인성 명의 카드예요", "조인성"),
        ("정해인 주임 연결해 주세요", "정해인"),
    ],
)
def test_names_are_found_without_a_question(text: str, name: str) -> None:
    assert found(f"c: {text}") == [("name", name)]


def test_a_birth_date_behind_a_name_needs_no_question() -> None:
    assert found("c: 어윤경이요 칠사공일일팔이고요") == [("name", "어윤경"), ("birth_date", "칠사공일일팔")]


def test_an_address_needs_a_number_or_a_question() -> None:
    assert found("c: 저 서울 강남구에 살아요") == []
    assert found("a: 주소 불러 주세요", "c: 서울 강남구 테헤란로 152 301호요")[0][0] == "address"


def test_a_registration_number_may_begin_like_a_free_telephone_number() -> None:
    """080101 is a date of birth, 080-101-0000 a company's number."""
    assert found("c: 주민번호 080101-3000000이요") == [("rrn", "080101-3000000")]
    assert found("c: 전화는 080-101-0000이요") == []


def test_a_dotted_or_spelled_date_begins_a_registration_number() -> None:
    said = found("c: 주민번호는 육십구년 팔월 이십일일 다시 일공이사칠팔구예요")
    assert said == [("rrn", "육십구년 팔월 이십일일 다시 일공이사칠팔구")]


def test_what_the_agent_repeats_during_a_dictation_is_found() -> None:
    said = found("a: 주민번호요", "c: 칠구일이공사", "a: 네 칠구일이공사 뒷자리는요", "c: 이공일사칠삼육")
    assert [text for _, text in said] == ["칠구일이공사", "칠구일이공사", "이공일사칠삼육"]


def test_last_digits_that_are_put_right_are_found() -> None:
    said = found("a: 공일공 삼사오육 칠팔구공 맞으세요", "c: 아니 칠팔구일이요")
    assert said == [("phone", "공일공 삼사오육 칠팔구공"), ("phone", "칠팔구일")]


def test_this_is_no_digit() -> None:
    assert found("c: 01193847264 이 번호로 주세요") == [("phone", "01193847264")]


def test_a_mobile_number_counts_where_the_talk_is_of_things() -> None:
    said = found("c: 주문번호는 모르겠고요 공일공 이이삼삼 사사오오예요")
    assert said == [("phone", "공일공 이이삼삼 사사오오")]


@pytest.mark.parametrize("number", ["십이가 삼사오육", "284루 7719", "서울 32바 1234"])
def test_plates_are_found(number: str) -> None:
    assert found(f"c: 차량번호가 {number}예요") == [("vehicle_plate", number)]


def test_two_digits_count_where_two_were_asked_for() -> None:
    assert found("a: 카드 비밀번호 앞 두 자리요", "c: 삼팔이요") == [("pin", "삼팔")]
    assert found("a: 카드 비밀번호 아세요", "c: 삼팔이요") == []


def test_an_address_goes_on_behind_a_building() -> None:
    said = found("c: 주소는 송파구 올림픽로 300 롯데월드타워 32층 3201호예요")
    assert said == [("address", "송파구 올림픽로 300 롯데월드타워 32층 3201호")]


def test_long_rows_of_digits_take_linear_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A customer who recites digits must not hold up the analysis of other calls."""
    asked: list[Number] = []

    def counting(number: Number, topics: Sequence[str]) -> Verdict | None:
        asked.append(number)
        return classify(number, topics)

    monkeypatch.setattr(dictation, "classify", counting)
    counts = []
    for times in (50, 200):
        asked.clear()
        found("c: " + "일 이 삼 사 " * times)
        counts.append(len(asked))
    assert counts[1] < 5 * counts[0]


@pytest.mark.timeout(20)
def test_a_recital_of_districts_does_not_explode() -> None:
    """서울시 is a province and a town; trying both readings of each doubled the time with every word."""
    said = found("a: 주소요", "c: " + "서울시 강남구 서초구 " * 60)
    assert {kind for kind, _ in said} == {"address"}


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


@pytest.mark.parametrize("part", PARTS)
def test_labelled_lines_meet_the_goal(part: str) -> None:
    total = score(snippets(part), ours).total()
    assert total.labels >= 40
    assert (total.recall or 0) >= 0.98
    assert (total.precision or 0) >= 0.95


def test_the_labelled_sets_are_large_and_hold_enough_that_is_not_personal() -> None:
    every = [snippet for part in ("dev", *PARTS) for snippet in snippets(part)]
    assert len(every) >= 600
    assert sum(not snippet.labels for snippet in every) >= 0.4 * len(every)


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


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ("네 맞습니다 김민수입니다.", ["김민수"]),
        ("여보세요 박지영인데요 어제 전화했었거든요", ["박지영"]),
        ("네 고지서예요", []),
        ("정기권입니다", []),
        ("주소지인데요", []),
    ],
)
def test_a_sentence_that_is_all_name_hides_it_whatever_was_asked(said: str, names: list[str]) -> None:
    turns = ("a: 실례지만 생년월일 여섯 자리를 불러 주시겠어요", f"c: {said}")
    assert [value for _, value in found(*turns)] == names

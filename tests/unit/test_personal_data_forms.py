"""A person's number is hidden wholly, in any form in which it is written or said; a thing's number never is."""

from collections.abc import Sequence

from hypothesis import example, given
from hypothesis import strategies as st

from consumers.analysis.personal_data.detection import detect
from consumers.analysis.personal_data.lines import Line, Mention
from consumers.analysis.tables import SHIPPED
from schemas.personal_data import PersonalDataType as Kind
from schemas.records import Role

_KOREAN = ("공일이삼사오육칠팔구", "영일이삼사오육칠팔구")
_ENGLISH = (
    "oh one two three four five six seven eight nine",
    "zero one two three four five six seven eight nine",
)
_TIMES = {2: "double ", 3: "triple "}
_SPOKEN_GAPS = (" ", "에 ", " 다시 ", ", ", " 어 ", " 음 ", " 그 다음에 ")
_WRITTEN_GAPS = ("-", " ", ".", "")
_LETTERS = "가나다라마거너더러머버서저고노도로모보조누두루무부수우주하허호"
_TURN_MS = 4_000


def digits(size: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=size, max_size=size)


def groups(*sizes: int, head: str = "") -> st.SearchStrategy[tuple[str, ...]]:
    tail = st.tuples(*map(digits, sizes))
    return tail.map(lambda parts: (head, *parts) if head else parts)


MOBILES = groups(4, 4, head="010")
CARDS = groups(4, 4, 4, 4).filter(lambda parts: parts[0][0] in "3456")
REGISTRATIONS = st.builds(
    lambda year, month, day, sex, rest: (f"{year:02}{month:02}{day:02}", f"{sex}{rest}"),
    st.integers(0, 99),
    st.integers(1, 12),
    st.integers(1, 28),
    st.integers(1, 8),
    digits(6),
)


@st.composite
def written(draw: st.DrawFn, parts: Sequence[str]) -> str:
    return draw(st.sampled_from(_WRITTEN_GAPS)).join(parts)


@st.composite
def spoken(draw: st.DrawFn, parts: Sequence[str]) -> str:
    """Grouped as it is written down, or digit by digit with a blank between all."""
    names = draw(st.sampled_from(_KOREAN))
    said = ["".join(names[int(digit)] for digit in part) for part in parts]
    if draw(st.booleans()):
        return " ".join("".join(said))
    return draw(st.sampled_from(_SPOKEN_GAPS)).join(said)


def ended(number: str) -> str:
    """With a verb, as grammar has it: the copula keeps its 이 behind a consonant only."""
    return number + (
        "예요" if number[-1] in "이사오구" else "이에요" if number[-1] in "공영일삼육칠팔" else "번이에요"
    )


@st.composite
def said(draw: st.DrawFn, numbers: st.SearchStrategy[tuple[str, ...]]) -> str:
    parts = draw(numbers)
    return draw(st.one_of(written(parts), spoken(parts)))


@st.composite
def said_in_english(draw: st.DrawFn, numbers: st.SearchStrategy[tuple[str, ...]]) -> str:
    """Words with *double* and *triple*, a comma or nothing between the groups; or as it is written."""
    parts = draw(numbers)
    if draw(st.booleans()):
        return draw(st.sampled_from(("-", " "))).join(parts)
    names = draw(st.sampled_from(_ENGLISH)).split()
    times = draw(st.booleans())
    return draw(st.sampled_from((", ", " "))).join(_words(part, names, times) for part in parts)


def _words(part: str, names: Sequence[str], times: bool) -> str:
    words: list[str] = []
    rest = part
    while rest:
        run = len(rest) - len(rest.lstrip(rest[0]))
        size = min(run, 3) if times and run > 1 else 1
        words.append(_TIMES.get(size, "") + names[int(rest[0])])
        rest = rest[size:]
    return " ".join(words)


def mentions(*turns: tuple[Role, str], language: str = "ko") -> list[Mention]:
    lines = [
        Line(text=text, speaker=role, role=role, start_ms=n * _TURN_MS, end_ms=n * _TURN_MS + _TURN_MS // 2)
        for n, (role, text) in enumerate(turns)
    ]
    return detect(lines, SHIPPED, language=language)


def hides(kinds: Sequence[Kind], carrier: str, number: str, *, language: str = "ko") -> None:
    """All of the number is hidden, and nothing but what stands in it."""
    text = carrier.format(ended(number) if language == "ko" else number)
    start = text.index(number)
    found = mentions((Role.CUSTOMER, text), language=language)
    assert [m.type for m in found] in [[kind] for kind in kinds], (text, found)
    assert found[0].start <= start, (text, found)
    # A last 이 that may be the copula is hidden with the number rather than shown.
    assert start + len(number) <= found[0].end <= start + len(number) + 1, (text, found)


@given(
    said(MOBILES),
    st.sampled_from(["제 번호는 {}", "연락처가 {}", "{}", "네 어 {} 맞죠", "저기 {} 여기로 전화 주세요"]),
)
def test_a_mobile_number_is_hidden_wholly_without_any_cue(number: str, carrier: str) -> None:
    hides([Kind.PHONE], carrier, number)


@given(
    said(REGISTRATIONS),
    st.sampled_from(["주민번호는 {}", "{}", "네 {} 조회해 주세요", "주민등록번호가 {} 맞아요"]),
)
def test_a_registration_number_is_hidden_wholly_without_any_cue(number: str, carrier: str) -> None:
    hides([Kind.RRN, Kind.FRN], carrier, number)


@given(
    said(CARDS), st.sampled_from(["카드번호는 {}", "신용카드 {} 분실했어요", "체크카드 번호가 어 {} 맞죠"])
)
def test_a_card_number_is_hidden_wholly(number: str, carrier: str) -> None:
    hides([Kind.CARD], carrier, number)


@given(
    MOBILES | REGISTRATIONS | CARDS,
    st.sampled_from(_KOREAN),
    st.sampled_from(["네", "네네", "예 그다음이요", "네 계속 말씀해 주세요"]),
)
def test_a_number_dictated_over_turns_is_hidden_wholly(
    parts: tuple[str, ...], names: str, between: str
) -> None:
    question = {2: "주민등록번호 불러 주세요", 3: "전화번호 불러 주세요", 4: "카드번호 불러 주세요"}[
        len(parts)
    ]
    turns = [(Role.AGENT, question)]
    for part in parts:
        turns += [(Role.CUSTOMER, "".join(names[int(digit)] for digit in part)), (Role.AGENT, between)]
    hidden = {(m.line, m.start, m.end) for m in mentions(*turns)}
    assert hidden == {(n, 0, len(text)) for n, (role, text) in enumerate(turns) if role is Role.CUSTOMER}


AMERICAN = groups(3, 3, 4).filter(lambda parts: parts[0][0] in "23456789" and parts[0][1] != parts[0][2])
"""No area code of a person ends in a double digit: those are toll-free or reserved."""


@given(said_in_english(AMERICAN), st.sampled_from(["my number is {}", "you can reach me at {}"]))
def test_an_english_phone_number_is_hidden_wholly(number: str, carrier: str) -> None:
    hides([Kind.PHONE], carrier, number, language="en")


@given(said_in_english(groups(3, 2, 4)))
def test_a_social_security_number_is_hidden_wholly(number: str) -> None:
    hides([Kind.SSN], "my social is {}", number, language="en")


@given(said_in_english(CARDS))
def test_an_english_card_number_is_hidden_wholly(number: str) -> None:
    hides([Kind.CARD], "the card number is {}", number, language="en")


def numeral(number: int) -> str:
    """A number below ten million as it is said in Korean."""
    names, places = " 일이삼사오육칠팔구", ("", "십", "백", "천")

    def below(part: int) -> str:
        figures = [(int(figure), len(str(part)) - n - 1) for n, figure in enumerate(str(part))]
        return "".join(
            (names[figure] if figure > 1 or place == 0 else "") + places[place]
            for figure, place in figures
            if figure
        )

    high, low = divmod(number, 10_000)
    return f"{below(high)}만 {below(low)}".strip() if high else below(low)


AMOUNTS = st.integers(1, 9_999_999).flatmap(
    lambda n: st.sampled_from([f"{n:,}원", f"{n}원", f"{numeral(n)} 원", f"{numeral(n)}원"])
)
DATES = st.builds(
    lambda year, month, day, form: form(year, month, day),
    st.integers(2020, 2030),
    st.integers(1, 12),
    st.integers(1, 28),
    st.sampled_from(
        [
            lambda y, m, d: f"{y}년 {m}월 {d}일",
            lambda _y, m, d: f"{m}월 {d}일",
            lambda y, m, d: f"{numeral(y)}년 {numeral(m)}월 {numeral(d)}일",
            lambda _y, m, d: f"{numeral(m)}월 {numeral(d)}일",
            lambda y, m, d: f"{y}-{m:02}-{d:02}",
        ]
    ),
)
ORDERS = said(groups(8) | groups(4, 4) | groups(8, 6) | groups(4, 4, 4) | groups(5, 3, 4))
PUBLIC = said(
    st.builds(lambda head, tail: (head, tail), st.sampled_from(["1588", "1577", "1644", "1899"]), digits(4))
    | groups(3, 4, head="080")
)


def stays(carrier: str, value: str) -> None:
    text = carrier.format(value)
    assert mentions((Role.AGENT, "네 고객님 말씀하세요"), (Role.CUSTOMER, text)) == [], text


@example("사십이만 삼천 원", "카드값이 {} 나왔어요")
@given(
    AMOUNTS,
    st.sampled_from(
        ["이번 달에 {} 나왔어요", "카드값이 {} 나왔어요", "통장에서 {} 빠졌어요", "총 {}이고 할부예요"]
    ),
)
def test_an_amount_is_never_hidden(amount: str, carrier: str) -> None:
    stays(carrier, amount)


@given(
    DATES,
    st.sampled_from(
        ["{}에 배송된다고 했어요", "{}까지 내면 되나요", "계약은 {}부터예요", "{} 오전에 방문해 주세요"]
    ),
)
def test_a_date_of_business_is_never_hidden(date: str, carrier: str) -> None:
    stays(carrier, date)


@given(
    ORDERS.map(ended), st.sampled_from(["주문번호는 {}", "송장번호가 {}", "접수번호 {}", "예약번호는 어 {}"])
)
def test_the_number_of_an_order_is_never_hidden(order: str, carrier: str) -> None:
    stays(carrier, order)


@given(
    PUBLIC.map(ended), st.sampled_from(["고객센터가 {}", "{}", "전화를 {}", "대표번호 {}", "전화번호가 {}"])
)
def test_a_number_that_anybody_may_call_is_never_hidden(number: str, carrier: str) -> None:
    stays(carrier, number)


@given(
    st.integers(1, 999),
    st.sampled_from(
        [
            "개월",
            "분",
            "시간",
            "층",
            "호",
            "명",
            "개",
            "평",
            "박",
            "인치",
            "기가",
            "메가",
            "퍼센트",
            "번",
            "회",
        ]
    ),
    st.booleans(),
    st.sampled_from(
        ["그게 {}이라고 하던데요", "{} 정도 걸린대요", "비밀번호를 {} 틀렸어요", "카드가 {} 됐어요"]
    ),
)
def test_a_quantity_is_never_hidden(count: int, unit: str, figures: bool, carrier: str) -> None:
    stays(carrier, f"{count}{unit}" if figures else f"{numeral(count)} {unit}")

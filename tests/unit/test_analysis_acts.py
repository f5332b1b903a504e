"""Acts: what is done with a sentence, and what only looks like it."""

from itertools import product

import pytest

from consumers.analysis.engine import AnalysisEngine
from consumers.analysis.transcript import analyse_turns
from schemas.acts import ACTS
from schemas.document import CallDocument, SkipReason

ENGINE = AnalysisEngine()


def call(*said: tuple[str, str], language: str = "ko", roles: bool = True) -> CallDocument:
    turns = [
        {"speaker": speaker, "start_ms": n * 4000, "end_ms": n * 4000 + 3500, "text": text}
        for n, (speaker, text) in enumerate(said)
    ]
    speakers = {speaker for speaker, _ in said}
    given = {name: name for name in ("agent", "customer") if roles and name in speakers}
    return analyse_turns(ENGINE, {"call_id": "c", "language": language, "roles": given, "turns": turns})


def acts(text: str, *, role: str = "agent", language: str = "ko") -> set[str]:
    document = call((role, text), language=language)
    return {act for turn in document.turns for sentence in turn.sentences for act in sentence.acts}


@pytest.mark.parametrize(
    ("act", "text"),
    [
        ("greeting", "안녕하십니까 고객님"),
        ("self_introduction", "한빛카드 상담사 김민지입니다"),
        ("recording_notice", "상담 내용은 녹음되고 있습니다"),
        ("need_check", "무엇을 도와드릴까요"),
        ("identity_check", "본인 확인을 위해 생년월일 말씀해 주시겠어요"),
        ("empathy", "많이 속상하셨겠어요"),
        ("empathy", "그러셨군요"),
        ("apology", "불편을 드려 죄송합니다"),
        ("thanks", "감사합니다"),
        ("cushion", "번거로우시겠지만 다시 한번 말씀해 주시겠어요"),
        ("refusal", "그 부분은 처리가 불가합니다"),
        ("alternative", "다른 방법으로는 앱에서 신청하실 수 있습니다"),
        ("offer", "문자로 안내해 드릴까요"),
        ("promise", "내일까지 연락드리겠습니다"),
        ("hold_notice", "잠시만 기다려 주시겠어요"),
        ("hold_thanks", "기다려 주셔서 감사합니다"),
        ("transfer_notice", "담당 부서로 연결해 드리겠습니다"),
        ("further_help", "더 궁금하신 점은 없으세요"),
        ("closing", "좋은 하루 되세요"),
        ("abuse_warning", "욕설을 하시면 상담이 종료될 수 있습니다"),
        ("blame", "그건 고객님 잘못입니다"),
        ("conflict_phrase", "흥분하지 마시고요"),
    ],
)
def test_korean_agent_acts(act: str, text: str) -> None:
    assert act in acts(text)


@pytest.mark.parametrize(
    ("act", "stems", "endings"),
    [
        (
            "identity_check",
            ["성함", "생년월일", "받으실 주소", "예약번호"],
            [
                "{} 불러 주시겠어요",
                "{} 말씀해 주실래요",
                "{} 알려 주실 수 있을까요",
                "{} 여쭤볼게요",
                "{} 뭐예요",
            ],
        ),
        (
            "promise",
            ["확인해서 연락", "환불 처리해", "기사님 보내"],
            ["{} 드릴게요", "{} 드리겠습니다", "{} 드리도록 하겠습니다"],
        ),
        (
            "refusal",
            ["환불해", "날짜를 바꿔", "한도를 올려"],
            ["{} 드릴 수가 없어요", "{} 드리기 어렵습니다", "못 {} 드려요", "{} 드리는 건 불가능해요"],
        ),
        (
            "empathy",
            ["속상하", "답답하", "불안하", "힘드"],
            ["많이 {}셨겠어요", "정말 {}시겠네요", "{}셨죠", "얼마나 {}셨어요", "{}신 마음 이해합니다"],
        ),
        (
            "offer",
            ["다시 보내", "예약을 옮겨"],
            ["{} 드릴까요", "{} 드리면 어떨까요", "{} 드려도 될까요"],
        ),
        (
            "hold_notice",
            ["확인하는", "서류 찾는"],
            ["{} 동안 잠시만 기다려 주세요", "{} 동안 끊지 말고 계세요", "{} 동안 잠깐 계셔 주세요"],
        ),
        (
            "further_help",
            ["더", "또", "추가로"],
            ["{} 궁금하신 거 있으세요", "{} 필요하신 건 없으신가요", "{} 물어보실 건 없으세요"],
        ),
        (
            "transfer_notice",
            ["담당 부서로", "그쪽 직원에게"],
            ["{} 연결해 드릴게요", "{} 돌려 드리겠습니다", "{} 넘겨 드릴게요"],
        ),
        (
            "cushion",
            ["죄송합니다만", "송구합니다만", "미안합니다만", "다름이 아니라", "번거로우셔도"],
            ["{} 다시 한번 보내 주세요", "{}, 다시 한번 보내 주세요"],
        ),
        ("cushion", ["성함 부탁드려", "연락처를 여쭤봐", "주소를 확인해"], ["{}도 괜찮을까요"]),
        ("cushion", ["위약금이 나오는데", "오래 걸리는데"], ["{} 괜찮으시겠어요", "{} 괜찮으실까요"]),
        ("need_check", ["어떤", "무슨"], ["{} 도움 드릴까요", "{} 도움을 드릴까요"]),
        ("need_check", ["언제", "어디", "얼마 정도"], ["{}로 생각하세요", "{}로 생각하고 계시는지요"]),
        ("closing", ["건강", "감기", "빗길"], ["{} 유의하세요", "{} 조심하세요", "{} 조심하십시오"]),
        ("alternative", ["자리가", "좌석이", "객실이"], ["{} 남아 있습니다", "{} 두 개 남아 있어요"]),
        ("empathy", ["놀라고 힘드", "답답하고 속상하"], ["얼마나 {}셨어요", "얼마나 {}셨을까요"]),
        ("conflict_phrase", ["언성 높이", "목소리 높이", "소리 지르"], ["{}지 마세요", "{}지 마시고요"]),
        ("conflict_phrase", ["계속 이러", "자꾸 그러"], ["{}시면 저도 힘들어요", "{}시면 곤란합니다"]),
        ("conflict_phrase", ["그러", "마음대로 하"], ["{}시든지요", "{}시든가요"]),
        ("abuse_warning", ["반말", "욕설", "욕"], ["{}하지 마세요", "{}하지 마시고요"]),
        ("blame", ["그럴 리가", "그럴 리는"], ["{} 없는데요", "{} 없습니다"]),
        ("hold_notice", ["조금만", "일 분만", "잠깐만"], ["{} 시간을 주십시오", "{} 시간 주세요"]),
        ("apology", ["저희가", "제가"], ["{} 잘못 안내해 드렸어요", "{} 빠뜨렸습니다", "{} 놓쳤네요"]),
    ],
)
def test_an_act_is_told_by_kinds_of_words_and_endings_not_by_lines(
    act: str, stems: list[str], endings: list[str]
) -> None:
    """On unseen calls the fault was that rules named the sentences they were written from."""
    said = [ending.format(stem) for stem, ending in product(stems, endings)]
    assert [text for text in said if act not in acts(text)] == []


def test_thanks_at_the_very_start_are_the_greeting_and_later_they_are_not() -> None:
    opening = "감사합니다 한빛카드 상담사 김민지입니다"
    assert "greeting" in acts(opening)
    assert "greeting" not in acts("기다려 주셔서 감사합니다")
    document = call(("agent", "네"), ("customer", "네"), ("agent", "감사합니다"))
    assert document.acts is not None
    assert document.acts["greeting"] == 0


@pytest.mark.parametrize(
    ("act", "text"),
    [
        ("apology", "죄송하지만 그 부분은 어렵습니다"),
        ("apology", "죄송합니다만, 토요일은 만실입니다"),
        ("refusal", "많이 속상하시겠습니다"),
        ("refusal", "안내 못 드린 점 사과드립니다"),
        ("refusal", "제때 처리해 드리지 못한 점 사과드립니다"),
        ("refusal", "지점에서 승인을 안 눌렀네요"),
        ("cushion", "양해해 주셔서 감사합니다"),
        ("offer", "어떤 도움 드릴까요"),
        ("transfer_notice", "연결되는 동안 끊지 말고 기다려 주세요"),
        ("self_introduction", "지금 상담원이 다 통화 중이라 연결이 안 되네요"),
        ("conflict_phrase", "편하신 대로 하시든지요"),
        ("conflict_phrase", "소리를 키우지 마시고 볼륨을 줄여 보세요"),
        ("conflict_phrase", "자꾸 끊기시면 다시 전화 주세요"),
        ("apology", "죄송합니다만 처리가 안 됩니다"),
        ("alternative", "무엇을 도와드릴까요"),
        ("offer", "무엇을 도와드릴까요"),
        ("empathy", "잠시만 기다려 주시겠어요"),
        ("empathy", "번거로우시겠지만 다시 한번 말씀해 주시겠어요"),
        ("empathy", "불편을 드려 죄송합니다"),
        ("refusal", "욕설을 하시면 상담 진행이 어렵습니다"),
        ("alternative", "욕설을 하시면 통화가 종료될 수 있습니다"),
        ("refusal", "인터넷이 안 되시나요"),
        ("hold_notice", "기다려 주셔서 감사합니다"),
        ("promise", "담당 부서로 연결해 드리겠습니다"),
        ("empathy", "상담이 끝나면 통화가 종료될 수 있습니다"),
        ("blame", "그건 고객님 잘못이 아니세요"),
        ("blame", "환불 규정을 문자로 보내 드릴게요"),
        ("blame", "저희 책임이 맞습니다"),
        ("conflict_phrase", "말씀 끝까지 듣겠습니다"),
        ("conflict_phrase", "제가 착각했습니다"),
        ("conflict_phrase", "오해하시게 해서 죄송합니다"),
        ("conflict_phrase", "가까운 경찰서에 분실 신고하세요"),
        ("cushion", "바쁘신데 기다려 주셔서 감사합니다"),
        ("cushion", "다치신 데는 없고 괜찮으세요"),
        ("cushion", "지금은 이용이 가능하세요"),
        ("cushion", "쿠폰을 넣어 드릴까 하는데 괜찮으세요"),
        ("refusal", "수수료는 없습니다"),
        ("refusal", "안 내셔도 돼요"),
        ("promise", "못 보내 드려요"),
        ("alternative", "어디서 받으실 수 있는지 여쭤볼게요"),
        ("abuse_warning", "전화가 끊기면 다시 걸어 주세요"),
        ("apology", "사과 한 상자 주문하셨네요"),
        ("identity_check", "대표번호로 전화해 주세요"),
        ("transfer_notice", "요금을 돌려드릴게요"),
        ("further_help", "더 기다리셔야 해요"),
    ],
)
def test_what_only_looks_like_an_act(act: str, text: str) -> None:
    assert act not in acts(text)


@pytest.mark.parametrize(
    "text",
    [
        "책임자 바꿔 주세요",
        "소비자원에 신고할 거예요",
        "고소하겠습니다",
        "지금 세 번째 전화하는 거예요",
        "다른 통신사로 옮길 거예요",
        "약사 바꿔",
        "원장님 바꿔 주세요",
    ],
)
def test_the_customers_words_that_take_the_matter_further(text: str) -> None:
    assert "escalation_cue" in acts(text, role="customer")
    assert "escalation_cue" not in acts(text, role="agent")


@pytest.mark.parametrize(
    "text", ["해지하려면 위약금이 얼마예요", "분실 신고하려고요", "요금제를 해지하려고 합니다"]
)
def test_asking_how_to_cancel_or_report_is_no_threat(text: str) -> None:
    assert "escalation_cue" not in acts(text, role="customer")


def test_a_greeting_is_one_at_the_start_and_a_farewell_at_the_end() -> None:
    middle = [("agent", "네 확인했습니다"), ("customer", "네")] * 8
    document = call(*middle, ("agent", "안녕하세요"), ("agent", "네"), *middle)
    assert document.acts is not None
    assert document.acts["greeting"] == 0
    document = call(("agent", "좋은 하루 되세요"), *middle)
    assert document.acts is not None
    assert document.acts["closing"] == 0


def test_counts_are_the_agents_and_those_of_the_cues_the_customers() -> None:
    document = call(
        ("agent", "불편을 드려 죄송합니다"),
        ("customer", "죄송합니다"),
        ("customer", "책임자 바꿔 주세요"),
        ("customer", "씨발"),
    )
    assert document.acts is not None
    assert set(document.acts) == set(ACTS)
    counted = {act: count for act, count in document.acts.items() if count}
    assert counted == {"apology": 1, "escalation_cue": 1, "profanity": 1}


def test_without_roles_the_sentences_keep_their_acts_and_the_counts_are_skipped() -> None:
    document = call(("S1", "네"), ("S2", "죄송합니다"), roles=False)
    assert document.acts is None
    assert document.turns[1].sentences[0].acts == ("apology",)
    assert ("acts", SkipReason.ROLES_UNKNOWN) in {(s.feature, s.reason) for s in document.skipped}


def test_a_language_without_rules_is_skipped_by_name() -> None:
    document = call(("agent", "Guten Tag"), language="de")
    assert document.acts is None
    assert ("acts", SkipReason.UNSUPPORTED_LANGUAGE) in {(s.feature, s.reason) for s in document.skipped}


@pytest.mark.parametrize(
    ("text", "language", "who", "when"),
    [
        ("제가 내일 오전까지 연락드리겠습니다", "ko", "제가", "내일 오전까지"),
        ("담당 부서에서 세 시까지 전화드릴 거예요", "ko", "담당 부서에서", "세 시까지"),
        ("바로 처리해 드리겠습니다", "ko", None, None),
        ("I'll call you back within two days", "en", "I'll", "within two days"),
    ],
)
def test_a_promise_says_who_and_when_in_its_own_words_or_not_at_all(
    text: str, language: str, who: str | None, when: str | None
) -> None:
    (promise,) = call(("agent", text), language=language).promises
    assert (promise.who, promise.when) == (who, when)
    assert (promise.turn_id, promise.start_ms, promise.end_ms) == ("t0001", 0, 3500)


@pytest.mark.parametrize(
    ("customer", "agent", "repeats"),
    [
        ("접수번호는 삼칠구이예요", "삼칠구이요", True),
        ("접수번호는 삼칠구이예요", "사오일팔이요", False),
        ("세탁기가 소리가 너무 커요", "세탁기 소리가 크다는 말씀이시죠", True),
        ("세탁기가 소리가 너무 커요", "배송은 내일 오전이 맞습니다", False),
    ],
)
def test_repeating_back_needs_what_the_customer_has_just_said(
    customer: str, agent: str, repeats: bool
) -> None:
    sentences = call(("customer", customer), ("agent", agent)).turns[1].sentences
    assert any("repeat_back" in sentence.acts for sentence in sentences) is repeats

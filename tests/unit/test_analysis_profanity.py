"""Profanity: four tiers by token sequence, and the collisions that substrings die on."""

import pytest

from consumers.analysis.profanity import profanity_filter
from consumers.analysis.tables import SHIPPED
from consumers.analysis.tokens import KoreanTokeniser, WordTokeniser
from tests.unit.test_analysis_acts import call

KOREAN, WORDS = KoreanTokeniser(), WordTokeniser()


def tier(text: str, language: str = "ko") -> int | None:
    tokeniser = KOREAN if language == "ko" else WORDS
    return profanity_filter(SHIPPED).tier(tokeniser.tokenise(text), language)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("씨발 뭐 이런 회사가 다 있어", 1),
        ("닥치고 환불해 줘", 1),
        ("아이 씨", 1),
        ("이 새끼가 진짜", 1),
        ("병신 같은 게", 2),
        ("멍청한 놈아", 2),
        ("너 죽을래", 3),
        ("찾아가서 가만 안 둔다", 3),
        ("목소리 섹시하네 몇 살이야", 4),
        ("아이씨 진짜", 1),
        ("너 각오해라", 3),
        ("두고 봐 각오하는 게 좋을 거야", 3),
    ],
)
def test_korean_tiers(text: str, expected: int) -> None:
    assert tier(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "오늘 18시 발송 예정입니다",
        "열여덟 시 발송이에요",
        "네 시 발표라고 했잖아요",
        "병신년에 가입했어요",
        "강아지 새끼 사료요",
        "새끼손가락 다쳤어요",
        "시바견 사료 주문했는데요",
        "시발점이 어디예요",
        "십팔 개월 할부요",
        "개발 부서 연결해 주세요",
        "휴대폰이 자꾸 꺼져요",
        "쓰레기통 배송이 안 왔어요",
        "배고파 죽겠어요",
        "아이씨엔 케이 삼공구공일이요",
        "소송 걸 거야 각오해",
        "위약금은 각오하고 전화했어요",
    ],
)
def test_korean_collisions_are_clean(text: str) -> None:
    assert tier(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("this is bullshit", 1),
        ("you are all idiots", 2),
        ("I'll kill you", 3),
        ("you have a sexy voice", 4),
        ("sorry if that's a stupid question", None),
        ("my shih tzu is insured with you", None),
        ("I passed the class in assessment", None),
        ("they cut off the damn power again", 1),
        ("that was damn good service", None),
        ("your stupid update lost my files", None),
        ("you stupid people", 2),
    ],
)
def test_english_tiers_and_collisions(text: str, expected: int | None) -> None:
    assert tier(text, "en") == expected


def test_the_gravest_tier_of_a_sentence_counts() -> None:
    assert tier("씨발 너 죽을래") == 3


def test_the_finding_names_tier_and_place_and_never_the_word() -> None:
    document = call(("agent", "네"), ("customer", "씨발 진짜"))
    (found,) = document.profanity
    assert (found.tier, found.role, found.turn_id, found.start_ms) == (1, "customer", "t0002", 4000)
    assert "씨발" not in found.model_dump_json()


def test_regression_c2_a_clean_sentence_is_not_profane() -> None:
    document = call(("customer", "네 알겠습니다"))
    assert document.profanity == ()
    assert document.acts is not None
    assert document.acts["profanity"] == 0

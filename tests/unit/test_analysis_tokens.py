"""Tokens: one shape for what lexicon patterns are written in."""

import pytest

from consumers.analysis.language import language_of
from consumers.analysis.personal_data.placeholders import TAG
from consumers.analysis.tokens import KoreanTokeniser, WordTokeniser

KOREAN = KoreanTokeniser()


def forms(text: str) -> list[str]:
    return [token.form for token in KOREAN.tokenise(text)]


@pytest.mark.parametrize(
    ("text", "ending"),
    [
        ("감사합니다", "ㅂ니다"),
        ("확인해 드릴게요", "ㄹ게요"),
        ("도와드릴까요", "ㄹ까요"),
        ("확인됩니다", "ㅂ니다"),
        ("가능합니다", "ㅂ니다"),
    ],
)
def test_regression_k2_endings_that_begin_in_a_syllable_are_typed_jamo(text: str, ending: str) -> None:
    """The predecessor looked for ㅂ니다 in composed Hangul, where it never stands."""
    assert forms(text)[-1] == ending


@pytest.mark.parametrize("text", ["불편했어요", "불편하네요", "불편해서", "불편하셨겠어요", "불편합니다"])
def test_regression_k4_inflected_forms_have_one_stem(text: str) -> None:
    assert forms(text)[:2] == ["불편", "하"]


def test_tokens_lie_in_the_text_and_in_order() -> None:
    text = "이거 왜 안 돼요 어제부터 계속 끊겨서요"
    tokens = KOREAN.tokenise(text)
    assert [t.start for t in tokens] == sorted(t.start for t in tokens)
    assert all(0 <= t.start <= t.end <= len(text) for t in tokens)


def test_a_placeholder_is_one_token_and_no_word() -> None:
    found = KOREAN.tokenise("😀 [NAME] 고객님 [CARD:4242]로요")
    placeholders = [(t.form, t.start, t.end) for t in found if t.tag == TAG]
    assert placeholders == [("[NAME]", 2, 8), ("[CARD:4242]", 13, 24)]
    assert [t.form for t in found if t.tag != TAG] == ["😀", "고객", "님", "로", "요"]


def test_brackets_around_other_words_hide_nothing() -> None:
    assert "기타" in forms("[기타] 문의예요")


def test_english_contractions_of_not_come_apart() -> None:
    assert [t.form for t in WordTokeniser().tokenise("I can't, won't.")] == [
        "i",
        "can",
        "not",
        "will",
        "not",
        ".",
    ]


def test_korean_with_latin_product_names_is_korean_and_no_evidence_is_no_language() -> None:
    assert language_of(["iPhone 15 Pro 케이스 주문했는데요"]) == "ko"
    assert language_of(["hello, can you help me with the bill please"]) == "en"
    assert language_of(["12345", "..."]) is None

"""What the model makes up is dropped; what people say is kept."""

import pytest

from consumers.transcription.guards import (
    STOCK_PHRASES,
    Scores,
    compression_ratio,
    is_doubtful,
    is_silence,
    is_stock_phrase,
    loop_start,
    normalized,
)

SURE = Scores(no_speech=0.02, log_probability=-0.2)
UNSURE = Scores(no_speech=0.5, log_probability=-0.6)


def test_silence_needs_both_signs() -> None:
    assert is_silence(Scores(no_speech=0.7, log_probability=-1.2))
    assert not is_silence(Scores(no_speech=0.7, log_probability=-0.5))
    assert not is_silence(Scores(no_speech=0.1, log_probability=-2.0))


@pytest.mark.parametrize(
    "text",
    [
        "시청해 주셔서 감사합니다.",
        "MBC 뉴스 이덕영입니다.",
        " Thanks for watching!",
        "구독과 좋아요 부탁드립니다",
    ],
)
def test_stock_phrases_are_dropped_only_where_speech_is_in_doubt(text: str) -> None:
    assert is_stock_phrase(text, UNSURE)
    assert not is_stock_phrase(text, SURE)


@pytest.mark.parametrize(
    "text", ["감사합니다.", "Thank you.", "전화 주셔서 감사합니다", "MBC 뉴스 봤는데요 환불이요"]
)
def test_what_callers_really_say_is_no_stock_phrase(text: str) -> None:
    assert not is_stock_phrase(text, UNSURE)


def test_the_table_is_written_the_way_it_is_compared() -> None:
    assert {normalized(phrase) for phrase in STOCK_PHRASES} == STOCK_PHRASES


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("안녕하세요 " + "감사합니다 " * 12, 2),
        ("well " + "I do not know " * 5, 5),
        ("go " * 10, 1),
    ],
)
def test_endless_repetition_is_a_loop(text: str, start: int) -> None:
    assert loop_start(text.split()) == start


@pytest.mark.parametrize(
    "text",
    [
        "no no no no I said no",
        "번호는 공 공 공 공 일 일 일 일 입니다",
        "네 네 네 네 네 알겠습니다",
        "thank you thank you thank you bye bye",
        "",
    ],
)
def test_insisting_and_spelling_are_no_loops(text: str) -> None:
    assert loop_start(text.split()) is None


def test_repetitive_or_improbable_windows_are_decoded_again_but_silence_is_not() -> None:
    assert is_doubtful("감사합니다 " * 40, SURE)
    assert is_doubtful("something", Scores(no_speech=0.1, log_probability=-1.5))
    assert not is_doubtful("something", Scores(no_speech=0.9, log_probability=-1.5))
    assert not is_doubtful("안녕하세요 고객님 무엇을 도와드릴까요?", SURE)


def test_compression_tells_repetition_from_speech() -> None:
    assert compression_ratio("I want a refund for the washer that I bought last week.") < 1.5
    assert compression_ratio("감사합니다 " * 40) > 2.4
    assert compression_ratio("  ") == 0.0

"""Syllables as they are read aloud, and the rates of articulation and of speaking."""

import pytest

from consumers.analysis.rate import number_syllables, syllables
from tests.unit.timed_calls import call, timed

READ_ALOUD = {
    "0": "영",
    "7": "칠",
    "10": "십",
    "15": "십오",
    "100": "백",
    "111": "백십일",
    "10000": "만",
    "12345": "만이천삼백사십오",
    "50000": "오만",
    "50,000": "오만",
    "110000": "십일만",
    "010": "공일공",
    "3.5": "삼점오",
    "123456789": "일이삼사오육칠팔구",
}


@pytest.mark.parametrize(("number", "read"), READ_ALOUD.items())
def test_numbers_count_as_they_are_read_aloud(number: str, read: str) -> None:
    assert number_syllables(number) == len(read)


def test_syllables_of_hangul_capitals_and_latin_words() -> None:
    assert syllables("안녕하세요 LTE 요금제") == 5 + 3 + 3
    assert syllables("email") == 2


def test_the_speaking_rate_takes_the_pauses_of_a_turn_in() -> None:
    """Eight syllables: 2 s of articulation, 2.251 s from the first word to the last."""
    found = timed(("안녕", 0, 500), ("하세요", 750, 1500), ("고객님", 1751, 2251)).conversation
    assert found is not None
    assert found.speaking_rate.agent is not None
    assert found.speaking_rate.agent.speaking_ms == 2251
    assert found.speaking_rate.agent.syllables_per_minute == 213.2
    assert found.speaking_rate.agent.words_per_minute == 80.0


def test_what_stands_for_a_personal_value_is_in_neither_rate_nor_its_time() -> None:
    found = timed(("번호는", 0, 1000), ("010-1234-5678", 1100, 5000), ("맞습니다", 5100, 6100))
    assert found.pii
    assert found.conversation is not None
    speech, speaking = found.conversation.speech_rate.agent, found.conversation.speaking_rate.agent
    assert speech is not None
    assert speaking is not None
    assert (speech.voiced_ms, speech.words_per_minute) == (2000, 60.0)
    assert speaking.speaking_ms == 6100 - 3900


def test_articulation_leaves_out_pauses_of_more_than_250_ms() -> None:
    found = timed(("안녕", 0, 500), ("하세요", 750, 1500), ("고객님", 1751, 2251)).conversation
    assert found is not None
    assert found.speech_rate.agent is not None
    assert found.speech_rate.agent.voiced_ms == 2000
    assert found.speech_rate.agent.syllables_per_minute == 240.0
    assert found.speech_rate.agent.words_per_minute == 90.0


def test_without_word_times_there_is_no_speech_rate_and_a_reason() -> None:
    found = call([("A", 0, 1000, "안녕하세요"), ("C", 1500, 2500, "환불이요")])
    assert found.conversation is not None
    assert found.conversation.speech_rate.agent is None
    assert ("speech_rate.agent", "no_word_times") in {(s.feature, s.reason) for s in found.skipped}

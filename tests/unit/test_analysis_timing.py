"""Every timing metric against values worked out by hand."""

from collections.abc import Sequence
from typing import Any

import pytest

from consumers.analysis.engine import AnalysisEngine
from consumers.analysis.intervals import Interval, crowded_ms, gaps, merge
from consumers.analysis.rate import number_syllables, syllables
from consumers.analysis.timing import latency
from consumers.analysis.transcript import analyse_turns
from schemas.document import CallDocument, Conversation, Span

Row = tuple[str, int, int, str]
ENGINE = AnalysisEngine()
ROLES = {"A": "agent", "C": "customer"}


def call(rows: Sequence[Row], **fields: Any) -> CallDocument:
    turns = [{"speaker": s, "start_ms": a, "end_ms": b, "text": text} for s, a, b, text in rows]
    return analyse_turns(ENGINE, {"call_id": "c", "language": "ko", "roles": ROLES, "turns": turns} | fields)


def conversation(rows: Sequence[Row], **fields: Any) -> Conversation:
    found = call(rows, **fields).conversation
    assert found is not None
    return found


def test_merge_closes_gaps_up_to_the_threshold_and_not_beyond() -> None:
    spans = [Interval(0, 100), Interval(400, 500), Interval(801, 900)]
    assert merge(spans, gap_ms=300) == [Interval(0, 500), Interval(801, 900)]


def test_gaps_are_what_no_interval_covers() -> None:
    found = gaps([Interval(10, 20), Interval(30, 40)], Interval(0, 50))
    assert found == [Interval(0, 10), Interval(20, 30), Interval(40, 50)]


def test_crowded_time_counts_each_moment_once_however_many_talk() -> None:
    assert crowded_ms([[Interval(0, 10)], [Interval(5, 15)], [Interval(5, 8)]]) == 5


def test_duration_talk_time_and_share() -> None:
    found = conversation([("A", 1000, 4000, "네 고객님"), ("C", 4500, 5500, "환불이요")])
    assert found.duration_ms == 4500
    assert (found.talk_time_ms.agent, found.talk_time_ms.customer) == (3000, 1000)
    assert found.talk_time_by_speaker_ms == {"A": 3000, "C": 1000}
    assert found.talk_share_agent == 0.75


def test_one_speakers_gaps_up_to_300_ms_are_talk_and_islands_under_150_ms_are_not() -> None:
    rows = [
        ("A", 0, 1000, "하나"),
        ("A", 1300, 2000, "둘"),
        ("C", 3000, 3149, "어"),
        ("C", 4000, 5000, "네네네"),
    ]
    assert conversation(rows).talk_time_by_speaker_ms == {"A": 2000, "C": 1000}


@pytest.mark.parametrize(("gap_ms", "expected"), [(3000, 0), (3001, 1)])
def test_non_talk_begins_above_exactly_three_seconds(gap_ms: int, expected: int) -> None:
    found = conversation([("A", 0, 1000, "가"), ("C", 1000 + gap_ms, 2000 + gap_ms, "나")]).non_talk
    assert found is not None
    assert len(found.instances) == expected


@pytest.mark.parametrize(("gap_ms", "expected"), [(5000, 0), (5001, 1)])
def test_the_long_gap_counter_begins_above_exactly_five_seconds(gap_ms: int, expected: int) -> None:
    found = conversation([("A", 0, 1000, "가"), ("C", 1000 + gap_ms, 2000 + gap_ms, "나")]).non_talk
    assert found is not None
    assert found.over_5s.count == expected


def test_regression_c1_silence_is_the_sum_of_the_gaps_not_a_threshold() -> None:
    rows = [("A", 0, 1000, "가"), ("C", 5000, 6000, "나"), ("A", 12000, 13000, "다")]
    found = conversation(rows).non_talk
    assert found is not None
    assert (found.total_ms, found.longest_ms) == (10_000, 6000)
    assert found.instances == (Span(start_ms=1000, end_ms=5000), Span(start_ms=6000, end_ms=12000))
    assert (found.over_5s.count, found.over_5s.total_ms) == (1, 6000)


def interruptions_by_customer(start_ms: int, agent_end_ms: int, text: str, length_ms: int = 2000) -> int:
    rows = [("A", 0, agent_end_ms, "설명"), ("C", start_ms, start_ms + length_ms, text)]
    found = conversation(rows).interruptions
    assert found is not None
    return found.customer.count


@pytest.mark.parametrize(("overlap_ms", "expected"), [(499, 0), (500, 1)])
def test_an_interruption_needs_half_a_second_of_overlap(overlap_ms: int, expected: int) -> None:
    assert interruptions_by_customer(3000 - overlap_ms, 3000, "아니 그게 아니고요") == expected


@pytest.mark.parametrize(("before_ms", "expected"), [(999, 0), (1000, 1)])
def test_an_interruption_needs_a_second_of_speech_before_it(before_ms: int, expected: int) -> None:
    assert interruptions_by_customer(before_ms, 5000, "아니 그게 아니고요") == expected


@pytest.mark.parametrize(
    ("text", "length_ms", "expected"),
    [("네 네", 1000, 0), ("네 네", 1001, 1), ("아니요 잠깐", 1000, 1)],
)
def test_a_backchannel_of_up_to_a_second_is_no_interruption(text: str, length_ms: int, expected: int) -> None:
    assert interruptions_by_customer(2000, 9000, text, length_ms) == expected


def test_interruptions_carry_who_when_and_how_long() -> None:
    rows = [("C", 0, 4000, "제가 어제 주문한 게요"), ("A", 3000, 6000, "고객님 그건 규정상 안 됩니다")]
    found = conversation(rows).interruptions
    assert found is not None
    assert found.agent.instances == (Span(start_ms=3000, end_ms=4000),)
    assert (found.agent.total_ms, found.customer.count) == (1000, 0)
    assert conversation(rows).overlap_ms == 1000


def test_overlap_on_one_channel_is_marked_unreliable_and_on_two_reliable() -> None:
    rows = [("A", 0, 2000, "설명"), ("C", 2500, 4000, "질문")]
    assert conversation(rows).overlap_reliability == "low"
    assert conversation(rows, channels=2).overlap_reliability == "high"


def test_response_latency_is_next_start_minus_previous_end_at_floor_changes() -> None:
    rows = [
        ("A", 0, 1000, "질문 하나"),
        ("C", 1400, 2000, "대답 하나"),
        ("A", 2600, 3600, "질문 둘"),
        ("C", 4400, 5000, "대답 둘"),
        ("A", 4800, 6000, "질문 셋"),
    ]
    found = conversation(rows).response_latency_ms
    assert found.agent is not None
    assert found.customer is not None
    assert (found.agent.count, found.agent.median_ms, found.agent.p90_ms) == (2, 200, 520)
    assert (found.customer.count, found.customer.median_ms, found.customer.p90_ms) == (2, 600, 760)


def test_regression_k3_latency_of_overlapping_answers_is_negative_neither_dropped_nor_invented() -> None:
    found = conversation([("C", 0, 2000, "질문입니다"), ("A", 1800, 4000, "답변입니다")]).response_latency_ms
    assert found.agent is not None
    assert found.agent.median_ms == -200
    assert found.customer is None


def test_a_backchannel_takes_no_floor() -> None:
    rows = [("C", 0, 2000, "어제 주문했는데"), ("A", 2200, 2700, "네"), ("C", 2900, 5000, "안 왔어요")]
    assert conversation(rows).switches == 0


def test_p90_is_linear_between_ranks() -> None:
    found = latency([100, 200, 300, 400, 500])
    assert found is not None
    assert (found.median_ms, found.p90_ms) == (300, 460)
    assert latency([]) is None


def test_the_longest_monologue_ends_at_any_sound_of_the_other() -> None:
    rows = [("A", 0, 10_000, "긴 설명"), ("C", 4000, 4500, "네"), ("A", 10_500, 12_000, "계속")]
    assert conversation(rows).longest_monologue_ms.agent == 7500


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


def test_articulation_leaves_out_pauses_of_more_than_250_ms() -> None:
    words = [("안녕", 0, 500), ("하세요", 750, 1500), ("고객님", 1751, 2251)]
    turn = {
        "speaker": "A",
        "start_ms": 0,
        "end_ms": 2251,
        "text": "안녕 하세요 고객님",
        "words": [{"word": w, "start_ms": a, "end_ms": b} for w, a, b in words],
    }
    payload = {"call_id": "c", "language": "ko", "roles": {"A": "agent"}, "turns": [turn]}
    found = analyse_turns(ENGINE, payload).conversation
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

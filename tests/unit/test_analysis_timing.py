"""Every timing metric against values worked out by hand."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumers.analysis.engine import AnalysisEngine
from consumers.analysis.floor import BackchannelTable, BackchannelWords
from consumers.analysis.intervals import Interval, crowded_ms, gaps, meets, merge
from consumers.analysis.timing import TimingAnalyser, latency
from consumers.analysis.transcript import analyse_turns
from schemas.document import Conversation, Span
from tests.unit.timed_calls import NOTICE, ROLES, THANKS, call, conversation, held


def test_merge_closes_gaps_up_to_the_threshold_and_not_beyond() -> None:
    spans = [Interval(0, 100), Interval(400, 500), Interval(801, 900)]
    assert merge(spans, gap_ms=300) == [Interval(0, 500), Interval(801, 900)]


def test_gaps_are_what_no_interval_covers() -> None:
    found = gaps([Interval(10, 20), Interval(30, 40)], Interval(0, 50))
    assert found == [Interval(0, 10), Interval(20, 30), Interval(40, 50)]


def test_no_interval_and_one_interval_merge_into_themselves() -> None:
    assert merge([]) == []
    assert merge([Interval(5, 5)]) == [Interval(5, 5)]
    assert merge([Interval(0, 100), Interval(10, 20)]) == [Interval(0, 100)]


@pytest.mark.parametrize(
    ("start", "end", "expected"), [(0, 10, False), (0, 11, True), (19, 25, True), (20, 30, False)]
)
def test_what_only_touches_does_not_meet(start: int, end: int, *, expected: bool) -> None:
    assert meets([Interval(10, 20), Interval(30, 40)], Interval(start, end)) is expected


def test_crowded_time_counts_each_moment_once_however_many_talk() -> None:
    assert crowded_ms([[Interval(0, 10)], [Interval(5, 15)], [Interval(5, 8)]]) == 5


def test_duration_talk_time_and_share() -> None:
    found = conversation([("A", 1000, 4000, "네 고객님"), ("C", 4500, 5500, "환불이요")])
    assert found.duration_ms == 4500
    assert (found.talk_time_ms.agent, found.talk_time_ms.customer) == (3000, 1000)
    assert found.talk_time_by_speaker_ms == {"A": 3000, "C": 1000}
    assert found.talk_share_agent == 0.75


def test_amazons_share_is_over_the_duration() -> None:
    found = conversation([("A", 0, 3000, "네 고객님"), ("C", 4000, 5000, "환불이요")]).talk_share_of_duration
    assert (found.agent, found.customer) == (0.6, 0.2)


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


def test_non_talk_is_also_a_share_of_the_duration() -> None:
    assert conversation([("A", 0, 1000, "가"), ("C", 5000, 6000, "나")]).non_talk_ratio == 0.6667


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


def test_interruptions_count_over_the_minutes_and_overlap_over_all_speech() -> None:
    rows = [
        ("C", 0, 4000, "제가 어제 주문한 게요"),
        ("A", 3000, 6000, "규정상 안 됩니다"),
        ("C", 29_000, 30_000, "네에"),
    ]
    found = conversation(rows)
    assert found.interruptions is not None
    assert (found.interruptions.agent.per_minute, found.interruptions.customer.per_minute) == (2.0, 0.0)
    assert found.overlap_ratio == round(1000 / 7000, 4)


def test_regression_c6_overlap_and_interruptions_are_measured_where_both_talk_at_once() -> None:
    """Two channels are never mixed down: what one says under the other's voice keeps its time."""
    rows = [
        ("A", 0, 9000, "길게 설명합니다"),
        ("C", 2000, 4000, "아니 그게 아니고요"),
        ("C", 6000, 6500, "네"),
    ]
    found = conversation(rows, channels=2)
    assert (found.overlap_ms, found.overlap_reliability) == (2500, "high")
    assert found.interruptions is not None
    assert [span.start_ms for span in found.interruptions.customer.instances] == [2000]


def test_only_the_words_of_the_language_are_backchannels() -> None:
    rows = [("A", 0, 9000, "long talk"), ("C", 2000, 2900, "네 네")]
    for language, expected in (("ko", 0), ("en", 1)):
        found = conversation(rows, language=language).interruptions
        assert found is not None
        assert found.customer.count == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I see.", True),
        ("Uh-huh, okay", True),
        ("I", False),
        ("see you", False),
        ("okay, but", False),
        ("", False),
    ],
)
def test_words_that_belong_together_count_together_whatever_stands_between(
    text: str, *, expected: bool
) -> None:
    words = BackchannelWords(
        BackchannelTable(version="1", words={"en": {"i see", "uh-huh", "okay"}, "de": set()})
    )
    assert words.speak("en")(text) is expected
    assert words.speak("de")(text) is words.speak("fr")(text) is False


def test_a_tenants_own_backchannels_take_no_floor_and_its_version_is_told(tmp_path: Path) -> None:
    (tmp_path / "backchannels.yaml").write_text('version: "own"\nwords:\n  ko: [이야]\n', encoding="utf-8")
    turns = [{"speaker": s, "start_ms": a, "end_ms": b, "text": text} for s, a, b, text in TENANT]
    given_call = {"call_id": "c", "language": "ko", "roles": ROLES, "turns": turns}
    found = analyse_turns(AnalysisEngine((TimingAnalyser(),), rules_dir=tmp_path), given_call)
    assert found.provenance.versions["backchannels"] == "own"
    assert found.conversation is not None
    assert found.conversation.interruptions is not None
    assert found.conversation.interruptions.customer.instances == (Span(start_ms=4000, end_ms=4900),)


TENANT = [("A", 0, 9000, "설명"), ("C", 2000, 2900, "이야"), ("C", 4000, 4900, "네")]


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


def test_regression_k3_what_has_no_time_has_no_number() -> None:
    """No default latency, gap, length or ratio: what is missing is None, and ``skipped`` says why."""
    found = call([("A", 0, 1000, "안녕하세요"), ("C", 1500, 2500, "환불이요")], roles={})
    assert found.conversation is not None
    timing = found.conversation
    assert (timing.talk_share_agent, timing.interruptions, timing.hold) == (None, None, None)
    assert (timing.response_latency_ms.agent, timing.response_latency_ms.customer) == (None, None)
    assert (timing.speech_rate.agent, timing.speaking_rate.customer) == (None, None)
    missing = {"talk_share", "interruptions", "hold", "response_latency", "speech_rate", "speaking_rate"}
    assert missing <= {skipped.feature for skipped in found.skipped}


def test_a_call_of_a_moment_has_no_share_of_its_duration() -> None:
    found = call([("A", 1000, 1000, "네"), ("C", 1000, 1000, "네")])
    timing = found.conversation
    assert timing is not None
    assert (timing.duration_ms, timing.non_talk_ratio, timing.switches_per_minute) == (0, None, None)
    assert (timing.talk_share_of_duration.agent, timing.overlap_ratio) == (None, None)
    assert {s.feature for s in found.skipped if s.reason == "too_few"} >= {
        "non_talk_ratio",
        "switches_per_minute",
        "overlap_ratio",
        "talk_share_of_duration.agent",
    }


def test_regression_c3_one_voice_alone_is_timed() -> None:
    found = call(
        [("C", 500, 3500, "여보세요 아무도 없어요"), ("C", 9000, 10_000, "끊을게요")], roles={"C": "customer"}
    )
    assert found.conversation is not None
    timing = found.conversation
    assert (timing.duration_ms, timing.talk_time_ms.customer, timing.talk_time_ms.agent) == (9500, 4000, None)
    assert timing.talk_share_of_duration.customer == 0.4211
    assert ("talk_share_of_duration.agent", "party_absent") in {(s.feature, s.reason) for s in found.skipped}


def test_switches_per_minute_and_the_mean_length_of_turns() -> None:
    rows = [("A", 0, 1000, "하나"), ("C", 1500, 4500, "둘"), ("A", 29_000, 30_000, "셋")]
    found = conversation(rows)
    assert (found.turns, found.mean_turn_ms) == (3, 1667)
    assert (found.switches, found.switches_per_minute) == (2, 4.0)


def test_p90_is_linear_between_ranks() -> None:
    found = latency([100, 200, 300, 400, 500])
    assert found is not None
    assert (found.median_ms, found.p90_ms) == (300, 460)
    assert latency([]) is None


def test_the_longest_monologue_ends_at_any_sound_of_the_other() -> None:
    rows = [("A", 0, 10_000, "긴 설명"), ("C", 4000, 4500, "네"), ("A", 10_500, 12_000, "계속")]
    assert conversation(rows).longest_monologue_ms.agent == 7500


ROW = st.tuples(
    st.sampled_from("AC"),
    st.integers(0, 40_000),
    st.integers(0, 6000),
    st.sampled_from(["네", "네 알겠습니다", NOTICE, THANKS, "제가 어제 주문한 게", "", "아직 안 왔어요"]),
)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.lists(ROW, min_size=1, max_size=25))
def test_whatever_is_said_the_times_add_up(rows: list[tuple[str, int, int, str]]) -> None:
    found = call(
        [(speaker, start, start + length, text) for speaker, start, length, text in rows], channels=2
    )
    assert [s for s in found.skipped if s.reason == "bug"] == []
    timing = found.conversation
    assert timing is not None
    assert timing.overlap_ms is not None
    assert timing.non_talk is not None
    spoken_ms = sum(timing.talk_time_by_speaker_ms.values()) - timing.overlap_ms
    assert 0 <= spoken_ms <= timing.duration_ms - timing.non_talk.total_ms
    if timing.overlap_ratio is not None:
        assert timing.overlap_ratio == round(timing.overlap_ms / spoken_ms, 4)
    assert_gaps_add_up(timing)
    assert_parties_add_up(timing)


def assert_gaps_add_up(timing: Conversation) -> None:
    assert timing.non_talk is not None
    if timing.hold is not None and timing.dead_air is not None:
        told = [*held(timing.hold), *held(timing.dead_air)]
        assert sorted(told, key=lambda gap: gap.start_ms) == list(timing.non_talk.instances)
        assert timing.hold.total_ms + timing.dead_air.total_ms == timing.non_talk.total_ms
    assert timing.non_talk.over_5s.total_ms <= timing.non_talk.total_ms <= timing.duration_ms


def assert_parties_add_up(timing: Conversation) -> None:
    monologues = timing.longest_monologue_ms
    assert max(monologues.agent or 0, monologues.customer or 0) <= timing.duration_ms
    if timing.interruptions is None or timing.overlap_ms is None:
        return
    agent, customer = timing.interruptions.agent, timing.interruptions.customer
    assert agent.total_ms + customer.total_ms <= timing.overlap_ms
    waits = [timing.response_latency_ms.agent, timing.response_latency_ms.customer]
    assert sum(wait.count for wait in waits if wait is not None) == timing.switches

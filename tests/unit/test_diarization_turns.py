"""From turns to segments; phantoms; crosstalk."""

import numpy as np
import pytest

from consumers.diarization.channels import without_crosstalk
from consumers.diarization.pyannote_pipeline import without_phantoms
from consumers.diarization.turns import Turn, fill_gaps, spans, to_segments


def turn(start_s: float, end_s: float, speaker: str) -> Turn:
    return Turn(start_s=start_s, end_s=end_s, speaker=speaker)


def test_speakers_are_named_by_order_of_first_speech_and_overlap_is_kept() -> None:
    segments = to_segments([turn(2, 4, "a"), turn(0.5, 2.5, "z"), turn(6, 7, "z")], duration_ms=10_000)
    assert [(s.speaker, s.start_ms, s.end_ms) for s in segments] == [
        ("SPEAKER_00", 500, 2500),
        ("SPEAKER_01", 2000, 4000),
        ("SPEAKER_00", 6000, 7000),
    ]


def test_segments_lie_within_the_recording_and_are_never_empty() -> None:
    turns = [turn(-0.1, 0.2, "a"), turn(0.9, 1.4, "a"), turn(1.2, 1.5, "b"), turn(0.5, 0.5001, "c")]
    segments = to_segments(turns, duration_ms=1000)
    assert [(s.speaker, s.start_ms, s.end_ms) for s in segments] == [
        ("SPEAKER_00", 0, 200),
        ("SPEAKER_00", 900, 1000),
    ]


def test_spans_and_gaps() -> None:
    flags = np.array([1, 1, 0, 1, 0, 0, 0, 1], dtype=bool)
    assert spans(flags) == [(0, 2), (3, 4), (7, 8)]
    assert fill_gaps(spans(flags), 1) == [(0, 4), (7, 8)]
    assert spans(np.zeros(0, dtype=bool)) == []


def test_a_speaker_never_heard_alone_is_a_phantom() -> None:
    talk = [turn(0, 5, "a"), turn(1, 1.4, "b"), turn(3, 3.3, "b")]
    assert {t.speaker for t in without_phantoms(talk)} == {"a"}


@pytest.mark.parametrize(
    "second",
    [[turn(6, 6.4, "b")], [turn(1, 2.2, "b")]],
    ids=["a short answer alone", "a second of talking at the same time"],
)
def test_a_short_speaker_who_is_real_stays(second: list[Turn]) -> None:
    assert {t.speaker for t in without_phantoms([turn(0, 5, "a"), *second])} == {"a", "b"}


def test_the_only_speaker_is_no_phantom() -> None:
    assert without_phantoms([turn(0, 0.3, "a")]) == [turn(0, 0.3, "a")]


def test_echo_is_taken_out_and_speaking_at_the_same_time_is_kept() -> None:
    """Ten frames of the first, ten of the second, ten of both; echo at -25 dB passes for speech in both."""
    speech = np.ones((2, 30), dtype=bool)
    level = np.repeat([[-20.0, -45.0, -20.0], [-51.0, -26.0, -26.0]], 10, axis=1).astype(np.float32)
    own = without_crosstalk(speech, level)
    assert own[0].tolist() == [True] * 10 + [False] * 10 + [True] * 10
    assert own[1].tolist() == [False] * 10 + [True] * 20


def test_a_channel_of_nothing_but_echo_says_nothing() -> None:
    speech = np.ones((2, 20), dtype=bool)
    level = np.array([[-20.0] * 20, [-45.0] * 20], dtype=np.float32)
    own = without_crosstalk(speech, level)
    assert own[0].all()
    assert not own[1].any()

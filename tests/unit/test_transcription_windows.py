"""Speech is cut into windows at its pauses, and nothing of it is lost."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from consumers.transcription import windows
from consumers.transcription.windows import (
    FRAME_SAMPLES,
    Span,
    SpeechOptions,
    Window,
    cut_at_pauses,
    find_windows,
    halve,
    options_for,
)


def speak(monkeypatch: pytest.MonkeyPatch, probabilities: list[float]) -> NDArray[np.float32]:
    """Samples for which the network would give these probabilities."""
    scores = np.array(probabilities, dtype=np.float32)
    monkeypatch.setattr(windows, "speech_probabilities", lambda _samples: scores)
    return np.zeros(len(probabilities) * FRAME_SAMPLES, dtype=np.float32)


def frames(*stretches: tuple[float, int]) -> list[float]:
    return [probability for probability, count in stretches for _ in range(count)]


def test_silence_has_no_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_windows(speak(monkeypatch, frames((0.05, 500))), max_window_s=10) == ()
    assert find_windows(np.zeros(0, dtype=np.float32), max_window_s=10) == ()


def test_a_click_is_no_speech_and_a_short_word_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_windows(speak(monkeypatch, frames((0, 50), (0.9, 2), (0, 50))), max_window_s=10) == ()
    assert len(find_windows(speak(monkeypatch, frames((0, 50), (0.9, 6), (0, 50))), max_window_s=10)) == 1


def test_speech_that_fades_goes_on_until_it_is_below_the_offset(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = speak(monkeypatch, frames((0, 20), (0.4, 10), (0.2, 30), (0, 20)))
    (window,) = find_windows(samples, max_window_s=10, options=SpeechOptions(pad_ms=0))
    assert window == Window((Span(20 * FRAME_SAMPLES, 60 * FRAME_SAMPLES),))


def test_turns_are_windows_of_their_own_for_a_model_of_short_windows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    samples = speak(monkeypatch, frames((0.9, 60), (0, 15), (0.9, 60), (0, 45), (0.9, 60)))
    assert len(find_windows(samples, max_window_s=10)) == 3
    assert [len(w.speech) for w in find_windows(samples, max_window_s=30)] == [3]


def test_long_speech_is_cut_where_it_is_least_likely_speech(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = speak(monkeypatch, frames((0.9, 200), (0.2, 3), (0.9, 200)))
    first, second = find_windows(samples, max_window_s=10)
    assert first.end == second.start
    assert 200 * FRAME_SAMPLES <= first.end <= 203 * FRAME_SAMPLES


@given(
    stretches=st.lists(
        st.tuples(st.sampled_from([0.0, 0.1, 0.2, 0.35, 0.95]), st.integers(1, 400)),
        max_size=12,
    ),
    max_window_s=st.sampled_from([1.0, 3.0, 10.0, 30.0]),
)
def test_windows_are_ordered_apart_short_enough_and_hold_all_speech(
    stretches: list[tuple[float, int]],
    max_window_s: float,
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        probabilities = frames(*stretches)
        samples = speak(patch, probabilities)
        found = find_windows(samples, max_window_s=max_window_s)
    assert all(0 <= w.start < w.end <= len(samples) for w in found)
    assert all(len(w) <= max_window_s * 16_000 for w in found)
    assert all(left.end <= right.start for left, right in itertools.pairwise(found))
    covered = np.zeros(len(samples), dtype=bool)
    for window in found:
        for span in window.speech:
            covered[span.start : span.end] = True
    # A stretch of three frames and more at .95 is no click.
    position = 0
    for probability, count in stretches:
        if probability == 0.95 and count >= 3:
            assert covered[position : position + count * FRAME_SAMPLES].all()
        position += count * FRAME_SAMPLES


@given(length=st.integers(1, 2_000_000), limit=st.integers(8_000, 480_000))
def test_cutting_keeps_every_sample_and_leaves_no_crumbs(length: int, limit: int) -> None:
    span = Span(1000, 1000 + length)
    parts = cut_at_pauses(span, np.full(length // FRAME_SAMPLES + 4, 0.5, dtype=np.float32), limit)
    assert parts[0].start == span.start
    assert parts[-1].end == span.end
    assert all(left.end == right.start for left, right in itertools.pairwise(parts))
    assert all(0 < len(part) <= limit for part in parts)
    assert len(parts) == 1 or min(map(len, parts)) > limit // 8


def test_a_window_is_halved_at_its_longest_pause_or_its_quietest_moment() -> None:
    samples = np.ones(160_000, dtype=np.float32)
    samples[80_000:82_000] = 0
    spans = (Span(0, 10), Span(20, 30), Span(90, 100))
    assert halve(Window(spans), samples) == (Window(spans[:2]), Window(spans[2:]))
    left, right = halve(Window((Span(0, 160_000),)), samples)
    assert (left.start, right.end) == (0, 160_000)
    assert 80_000 <= left.end == right.start <= 82_000


def test_pauses_inside_a_window_grow_with_the_models_window() -> None:
    assert options_for(8).max_gap_ms == options_for(10).max_gap_ms == 0
    assert options_for(30).max_gap_ms == 2000

"""Words come out in order, inside the recording and inside the speech; made-up text does not."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from consumers.transcription.decoding import HeardWord, Hypothesis
from consumers.transcription.guards import Scores
from consumers.transcription.segments import build_segments
from consumers.transcription.windows import Span, Window
from schemas.records import TranscriptSegment

SURE = Scores(no_speech=0.0, log_probability=-0.2)


def heard(
    *words: tuple[str, float, float], spans: tuple[tuple[int, int], ...], scores: Scores = SURE
) -> Hypothesis:
    """A hypothesis from (word, start, end) in seconds and its spans of speech in milliseconds."""
    return Hypothesis(
        window=Window(tuple(Span(start * 16, end * 16) for start, end in spans)),
        text="".join(text for text, _, _ in words),
        words=tuple(HeardWord(text=t, start_s=a, end_s=b, probability=0.9) for t, a, b in words),
        scores=scores,
        tokens=len(words),
    )


def segments_of(*hypotheses: Hypothesis, duration_ms: int = 60_000) -> list[TranscriptSegment]:
    return list(build_segments(0, hypotheses, duration_ms=duration_ms))


def test_a_pause_parts_segments_and_a_breath_does_not() -> None:
    spans = ((1000, 1900), (2000, 3000), (4000, 5000))
    found = segments_of(heard((" one", 1.1, 1.8), (" two", 2.1, 2.9), (" three", 4.1, 4.9), spans=spans))
    assert [(s.text, s.start_ms, s.end_ms) for s in found] == [("one two", 1100, 2900), ("three", 4100, 4900)]
    assert [word.word for word in found[0].words] == ["one", "two"]
    assert found[0].confidence == 0.9


def test_a_word_stretched_over_silence_is_cut_back_to_its_speech() -> None:
    found = segments_of(heard((" late", 0.0, 4.5), spans=((4000, 5000),)))
    assert (found[0].start_ms, found[0].end_ms) == (4000, 4500)


def test_half_a_code_point_never_comes_out() -> None:
    found = segments_of(
        heard((" 환불", 0.1, 0.5), ("해\ufffd", 0.5, 0.8), (" \ufffd", 0.8, 0.9), spans=((0, 1000),))
    )
    assert found[0].text == "환불해"
    assert [word.word for word in found[0].words] == ["환불", "해"]


def test_text_that_could_not_be_aligned_keeps_the_windows_times() -> None:
    bare = heard(spans=((500, 1500),))
    hypothesis = Hypothesis(window=bare.window, text=" 네", words=(), scores=SURE, tokens=1)
    (segment,) = segments_of(hypothesis)
    assert (segment.text, segment.start_ms, segment.end_ms, segment.words) == ("네", 500, 1500, ())
    assert segment.confidence is None


def test_a_loop_ends_after_its_first_round() -> None:
    words = [(" 네", 0.0, 0.1), *((" 감사합니다", 0.1 + i / 10, 0.2 + i / 10) for i in range(15))]
    (segment,) = segments_of(heard(*words, spans=((0, 2000),)))
    assert segment.text == "네 감사합니다"


def test_stock_phrases_in_doubtful_speech_are_left_out() -> None:
    doubtful = Scores(no_speech=0.5, log_probability=-0.5)
    words = ((" Thanks", 0.1, 0.2), (" for", 0.2, 0.3), (" watching!", 0.3, 0.9))
    assert segments_of(heard(*words, spans=((0, 1000),), scores=doubtful)) == []
    assert len(segments_of(heard(*words, spans=((0, 1000),)))) == 1


times = st.floats(-1, 70, allow_nan=False)


@given(
    words=st.lists(st.tuples(st.sampled_from([" a", " b", "", " "]), times, times), max_size=12),
    edges=st.lists(st.integers(0, 65_000), min_size=2, max_size=8, unique=True).filter(
        lambda e: len(e) % 2 == 0
    ),
)
def test_times_are_monotone_and_within_the_recording_whatever_the_model_says(
    words: list[tuple[str, float, float]],
    edges: list[int],
) -> None:
    ordered = sorted(edges)
    spans = tuple(zip(ordered[::2], ordered[1::2], strict=True))
    found = segments_of(heard(*words, spans=spans), duration_ms=65_000)
    stamps = [t for s in found for w in s.words for t in (w.start_ms, w.end_ms)]
    assert stamps == sorted(stamps)
    assert all(0 <= t <= 65_000 for t in stamps)
    assert all(s.start_ms <= s.end_ms for s in found)
    assert all(left.end_ms <= right.start_ms for left, right in itertools.pairwise(found))

"""Words to speakers, words to turns: nothing is lost, nothing is changed, doubt is visible."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from consumers.analysis.alignment import by_channel, by_overlap, channel_speakers, pieces_of
from consumers.analysis.intervals import Interval
from consumers.analysis.speech import UNKNOWN_SPEAKER, Piece
from consumers.analysis.turns import TURN_PAUSE_MS, turns_of
from schemas.records import SpeakerSegment, TranscriptSegment, Word


def piece(
    text: str, start_ms: int, end_ms: int, *, speaker: str = UNKNOWN_SPEAKER, channel: int = 0
) -> Piece:
    word = Word(word=text, start_ms=start_ms, end_ms=end_ms)
    return Piece(text=text, span=Interval(start_ms, end_ms), channel=channel, word=word, speaker=speaker)


def segment(speaker: str, start_ms: int, end_ms: int, channel: int | None = None) -> SpeakerSegment:
    return SpeakerSegment(speaker=speaker, start_ms=start_ms, end_ms=end_ms, channel=channel)


def speakers(pieces: list[Piece], *segments: SpeakerSegment) -> list[str]:
    return [placed.speaker for placed in by_overlap(pieces, segments)]


times = st.integers(0, 20_000)
words = st.lists(
    st.builds(
        lambda text, start, length, speaker: piece(text, start, start + length, speaker=speaker),
        st.text(alphabet="가나다abc", min_size=1, max_size=3),
        times,
        st.integers(0, 900),
        st.sampled_from(["A", "B", "C"]),
    ),
    max_size=40,
)
segments = st.lists(
    st.builds(
        lambda s, start, length: segment(s, start, start + length), st.sampled_from("AB"), times, times
    ),
    max_size=20,
)


def test_a_word_goes_to_whom_most_of_it_overlaps() -> None:
    placed = by_overlap([piece("네", 900, 1300)], [segment("A", 0, 1000), segment("B", 1000, 2000)])
    assert placed[0].speaker == "B"
    assert placed[0].confidence == 0.75


def test_a_word_inside_two_speakers_at_once_is_doubtful() -> None:
    placed = by_overlap([piece("네", 0, 100)], [segment("A", 0, 1000), segment("B", 0, 1000)])
    assert placed[0].confidence == 0.5


def test_a_word_up_to_half_a_second_away_goes_to_the_nearest_with_no_confidence() -> None:
    near = by_overlap([piece("네", 1500, 1600)], [segment("A", 0, 1000), segment("B", 5000, 6000)])
    assert (near[0].speaker, near[0].confidence) == ("A", 0.0)


def test_a_word_far_from_any_voice_has_no_speaker() -> None:
    assert speakers([piece("구독", 1501, 1600)], segment("A", 0, 1000), segment("B", 5000, 6000)) == [
        UNKNOWN_SPEAKER
    ]


def test_a_single_diarized_speaker_gets_every_word() -> None:
    assert speakers([piece("네", 9000, 9100)], segment("A", 0, 1000)) == ["A"]


def test_a_word_without_length_still_finds_its_speaker() -> None:
    assert speakers([piece("네", 500, 500)], segment("A", 0, 1000), segment("B", 1000, 2000)) == ["A"]


def test_a_doubtful_lone_word_joins_the_speaker_around_it() -> None:
    run = [piece("어제", 0, 400), piece("주문한", 400, 800), piece("건데요", 800, 1200)]
    found = speakers(run, segment("A", 0, 580), segment("B", 580, 790), segment("A", 790, 1200))
    assert found == ["A", "B", "A"], "more than half of the word is covered"
    doubtful = speakers(run, segment("A", 0, 560), segment("B", 580, 780), segment("A", 820, 1200))
    assert doubtful == ["A", "A", "A"]


def test_smoothing_never_crosses_a_pause() -> None:
    run = [piece("어제", 0, 400), piece("네", 701, 1101), piece("건데요", 1200, 1600)]
    found = speakers(run, segment("A", 0, 400), segment("B", 701, 890), segment("A", 1200, 1600))
    assert found == ["A", "B", "A"]


def test_a_confident_short_answer_stays_with_who_gave_it() -> None:
    run = [piece("어제", 0, 400), piece("네", 400, 700), piece("건데요", 700, 1200)]
    assert speakers(run, segment("A", 0, 400), segment("B", 400, 700), segment("A", 700, 1200)) == [
        "A",
        "B",
        "A",
    ]


def test_regression_c6_stereo_words_keep_their_channels_speaker_even_where_both_talk() -> None:
    named = channel_speakers([segment("X", 0, 9000, channel=0), segment("Y", 0, 9000, channel=1)])
    placed = by_channel([piece("네", 0, 100, channel=1), piece("예", 0, 100, channel=0)], named)
    assert [(p.speaker, p.confidence) for p in placed] == [("Y", 1.0), ("X", 1.0)]


def test_a_segment_without_words_keeps_its_text_whole() -> None:
    parts = pieces_of([TranscriptSegment(channel=0, start_ms=0, end_ms=500, text="안녕하세요 고객님")])
    assert [(p.text, p.word) for p in parts] == [("안녕하세요 고객님", None)]
    assert turns_of(parts)[0].text == "안녕하세요 고객님"


def test_a_pause_of_more_than_a_second_starts_a_new_turn() -> None:
    gapless = [piece("하나", 0, 500, speaker="A"), piece("둘", 500 + TURN_PAUSE_MS, 2000, speaker="A")]
    paused = [piece("하나", 0, 500, speaker="A"), piece("둘", 501 + TURN_PAUSE_MS, 2000, speaker="A")]
    assert (len(turns_of(gapless)), len(turns_of(paused))) == (1, 2)


def test_another_speakers_word_in_between_starts_a_new_turn() -> None:
    run = [
        piece("하나", 0, 500, speaker="A"),
        piece("네", 500, 700, speaker="B"),
        piece("둘", 700, 900, speaker="A"),
    ]
    assert [(t.speaker, t.text) for t in turns_of(run)] == [("A", "하나"), ("B", "네"), ("A", "둘")]


def test_two_who_talk_at_once_have_two_turns_not_a_shredded_dialogue() -> None:
    run = [
        piece(str(n), n * 100, n * 100 + 100, speaker=s, channel=i)
        for i, s in enumerate("AB")
        for n in range(9)
    ]
    assert [turn.speaker for turn in turns_of(run)] == ["A", "B"]


def test_words_that_carry_their_own_blanks_are_put_together_as_they_are() -> None:
    run = [piece(" don", 0, 100), piece("'t", 100, 200), piece(" know", 200, 300)]
    assert turns_of(run)[0].text == "don't know"


@given(words)
def test_no_word_is_lost_changed_or_reordered_on_the_way_to_turns(pieces: list[Piece]) -> None:
    turns = turns_of(pieces)
    for speaker in "ABC":
        before = [p for p in pieces if p.speaker == speaker]
        after = [p for turn in turns if turn.speaker == speaker for p in turn.pieces]
        assert before == after


@given(words)
def test_every_word_lies_inside_its_turn(pieces: list[Piece]) -> None:
    for turn in turns_of(pieces):
        assert all(
            turn.span.start_ms <= p.span.start_ms <= p.span.end_ms <= turn.span.end_ms for p in turn.pieces
        )


@given(words, segments)
def test_no_word_is_lost_or_changed_on_the_way_to_speakers(
    pieces: list[Piece], spoken: list[SpeakerSegment]
) -> None:
    placed = by_overlap(pieces, spoken)
    assert [p.word for p in placed] == [p.word for p in pieces]
    assert Counter(p.text for p in placed) == Counter(p.text for p in pieces)
    assert all(0 <= (p.confidence or 0) <= 1 for p in placed)


@given(words, segments)
def test_the_sweep_finds_what_comparing_every_pair_finds(
    pieces: list[Piece], spoken: list[SpeakerSegment]
) -> None:
    for found, word in zip(by_overlap(pieces, spoken), pieces, strict=True):
        span = Interval(word.span.start_ms, max(word.span.end_ms, word.span.start_ms + 1))
        covered = {
            name: sum(
                max(0, min(s.end_ms, span.end_ms) - max(s.start_ms, span.start_ms))
                for s in spoken
                if s.speaker == name
            )
            for name in "AB"
        }
        share = covered.get(found.speaker, 0) / max(span.length_ms, sum(covered.values()))
        assert found.confidence == share

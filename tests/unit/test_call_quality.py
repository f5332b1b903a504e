"""The word-level speaker error that the benchmark reports."""

from ops.bench.call_quality import Spoken, fresh_calls, speaker_errors
from schemas.records import Word


def spoken(text: str) -> list[Spoken]:
    """``A:one B:two`` as words with speakers."""
    pairs = [token.split(":") for token in text.split()]
    return [
        Spoken(speaker, Word(word=word, start_ms=at, end_ms=at + 1))
        for at, (speaker, word) in enumerate(pairs)
    ]


TRUTH = spoken("A:hello A:there B:good B:morning A:bye")


def test_other_names_for_the_same_speakers_are_no_error() -> None:
    assert speaker_errors(TRUTH, spoken("X:Hello, X:there. Y:good Y:morning X:bye")) == (5, 0)


def test_each_word_with_the_wrong_speaker_counts_also_when_it_was_misheard() -> None:
    assert speaker_errors(TRUTH, spoken("X:hello X:there Y:good X:mourning X:bye")) == (5, 1)


def test_one_speaker_for_two_costs_all_words_of_the_lesser_one() -> None:
    assert speaker_errors(TRUTH, spoken("X:hello X:there X:good X:morning X:bye")) == (5, 2)


def test_a_speaker_too_many_costs_its_words() -> None:
    assert speaker_errors(TRUTH, spoken("X:hello X:there Y:good Y:morning Z:bye")) == (5, 1)


def test_words_left_out_or_invented_have_no_speaker_to_compare() -> None:
    assert speaker_errors(TRUTH, spoken("X:hello X:there Y:well Y:good Y:morning")) == (4, 0)
    assert speaker_errors(TRUTH, []) == (0, 0)


def test_fresh_calls_are_of_both_languages_and_layouts() -> None:
    truths = [call.truth for call in fresh_calls(seed=5, calls=4)]
    assert [truth.language for truth in truths] == ["ko", "en", "ko", "en"]
    assert [truth.layout for truth in truths] == ["stereo", "stereo", "mono", "mono"]
    assert len({truth.scenario for truth in truths}) > 1

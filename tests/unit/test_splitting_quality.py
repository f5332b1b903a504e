"""The benchmark of sentence boundaries: its counting, its labels, and the goal on the frozen part."""

from itertools import pairwise

import pytest

from ops.bench.analysis import areas, markdown
from ops.bench.splitting_quality import (
    GAP_MS,
    PARTS,
    LabelledTurn,
    OwnSplitter,
    boundaries,
    labelled_turns,
    spoken,
)

GOAL, ENGLISH_GOAL = 0.94, 0.98


def labelled(*sentences: str, pauses_ms: tuple[tuple[int, int], ...] = ()) -> LabelledTurn:
    return LabelledTurn(
        id="x", language="ko", punctuated=False, centre="bank", sentences=sentences, pauses_ms=pauses_ms
    )


def test_boundaries_are_counted_inside_a_turn_whatever_the_blanks() -> None:
    """One of the two found is right, one of the two true is missed; the turn's end counts nowhere."""
    turn = labelled("네 맞아요", "이거 언제", "와요")
    found = boundaries([turn], lambda _: ["네맞아요 ", "이거", "언제 와요"])
    assert (found.right, found.found, found.true) == (1, 2, 2)
    assert (found.precision, found.recall, found.f1) == (0.5, 0.5, 0.5)


def test_word_times_hold_the_written_pauses_and_nothing_of_the_labels() -> None:
    pieces = spoken(labelled("네 맞아요", "이거요", pauses_ms=((1, 500),)), timed=True).pieces
    gaps = [after.span.start_ms - before.span.end_ms for before, after in pairwise(pieces)]
    assert gaps == [500, GAP_MS]


def test_no_labelled_turn_stands_in_both_parts() -> None:
    development, frozen = ({turn.text for turn in labelled_turns(part)} for part in PARTS)
    assert not development & frozen


@pytest.mark.parametrize("part", PARTS)
def test_labels_name_sentences_and_words_that_exist(part: str) -> None:
    for turn in labelled_turns(part):
        assert all(number < len(turn.sentences) for number in turn.questions)
        assert all(number < len(turn.text.split()) for number, _ in turn.pauses_ms)


def test_unmarked_korean_reaches_its_goal_on_the_frozen_part() -> None:
    turns = [turn for turn in labelled_turns("frozen") if not turn.punctuated]
    assert boundaries(turns, OwnSplitter(timed=True)).f1 >= GOAL


def test_marked_english_reaches_its_goal_on_the_frozen_part() -> None:
    turns = [turn for turn in labelled_turns("frozen") if turn.language == "en"]
    assert boundaries(turns, OwnSplitter(timed=True)).f1 >= ENGLISH_GOAL


def test_areas_are_those_of_the_analysis_and_no_engine_of_speech() -> None:
    found = areas()
    assert {"splitting", "speed"} <= set(found)
    assert not {"call", "diarization", "transcription"} & set(found)


def test_a_table_is_markdown_with_its_first_row_as_header() -> None:
    assert list(markdown([["a", "b"], ["x", 0.5]])) == ["| a | b |", "| --- | --- |", "| x | 0.500 |"]

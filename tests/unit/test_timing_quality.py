"""The benchmark of timing: its truth is the grid's, its labels are sound, and the analysis meets it."""

import pytest

from ops.bench.timing_grid import Dialogue, LabelledTurn, reckon
from ops.bench.timing_quality import PARTS, Ours, dialogues, exact, naive, table

OURS = Ours()


@pytest.mark.parametrize("part", PARTS)
def test_the_truth_in_the_file_is_what_the_grid_makes_of_the_labels(part: str) -> None:
    assert {d.id: dict(d.truth) for d in dialogues(part)} == {d.id: reckon(d) for d in dialogues(part)}


def test_there_are_forty_dialogues_in_two_languages_and_none_stands_in_both_parts() -> None:
    texts = [[tuple(turn.text for turn in d.turns) for d in dialogues(part)] for part in PARTS]
    assert [len(set(part)) for part in texts] == [20, 20]
    assert not set(texts[0]) & set(texts[1])
    for part in PARTS:
        assert {d.language for d in dialogues(part)} == {"ko", "en"}
        assert {d.channels for d in dialogues(part)} == {1, 2}


def test_every_gap_that_counts_is_labelled_and_every_kind_of_label_occurs() -> None:
    for part in PARTS:
        names: set[str] = set()
        for dialogue in dialogues(part):
            truth = dialogue.truth
            assert len(truth["hold"]) + len(truth["dead_air"]) == truth["non_talk"][0], dialogue.id
            names |= {label.split("@")[0] for turn in dialogue.turns for label in turn.labels}
        assert names >= {"backchannel", "interrupts", "cuts_off", "covered", "opportunity", "after_hold"}


def test_the_grid_on_a_dialogue_worked_out_by_hand() -> None:
    """The agent breaks in at 3.0 s on what stops at 4.0 s; 5 s of silence, for which she gives thanks."""
    dialogue = Dialogue(
        id="x",
        language="ko",
        channels=2,
        roles={"A": "agent", "C": "customer"},
        turns=(
            LabelledTurn(speaker="C", words=(("제가", 0, 1000), ("어제", 1200, 4000)), syllables=4),
            LabelledTurn(
                speaker="A", words=(("네네네네", 3000, 6000),), syllables=4, labels=("interrupts", "cuts_off")
            ),
            LabelledTurn(
                speaker="A", words=(("감사합니다", 11_000, 12_000),), syllables=5, labels=("after_hold",)
            ),
            LabelledTurn(speaker="C", words=(("네", 12_200, 12_500),), syllables=1, labels=("backchannel",)),
        ),
    )
    truth = reckon(dialogue)
    assert (truth["duration"], truth["talk_time"]) == (12_500, [4000, 4300])
    assert truth["overlap"] == [1000, round(1000 / 7300, 4)]
    assert truth["interruptions"] == [[[3000, 4000]], []]
    assert truth["cut_offs"] == [[[3000, 4000]], []]
    assert (truth["hold"], truth["dead_air"]) == ([[6000, 11_000]], [])
    assert truth["latency"] == [[-1000, -1000, 1], [0, 0, 0]]
    assert (truth["monologue"], truth["first_response"]) == ([8000, 3000], 3000)
    assert truth["backchannels"] == [[0, 0.0], [1, 15.0]]
    assert truth["speech_rate"][1] == [69.8, 41.9, 4300]


def test_the_analysis_is_exact_on_the_development_part() -> None:
    assert {metric: wrong for metric, wrong in exact("dev", OURS).items() if wrong} == {}


def test_the_analysis_is_exact_on_all_but_one_of_the_frozen_part_in_each_metric() -> None:
    assert {metric: wrong for metric, wrong in exact("frozen", OURS).items() if len(wrong) > 1} == {}


def test_the_table_has_a_row_for_each_metric_with_both_reckoners() -> None:
    header, *rows = table()
    assert header == ["metric, dialogues exact", "dev", "ours", "naive", "frozen", "ours", "naive"]
    assert len(rows) == len(dialogues("dev")[0].truth)
    counts = {str(row[0]): row[2:4] for row in rows}
    assert counts["interruptions"] == [20, 20 - len(exact("dev", naive)["interruptions"])]

"""``callytics qa compare``: score cards beside what people gave."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from infra.errors import Poison
from ops.agreement import LEAST
from ops.calibration import ITEM_MEASURES, TOTAL_MEASURES, calibrate, figures
from ops.cli.main import app
from ops.human_scores import HumanScore, parse
from schemas.document import CallDocument, Provenance
from schemas.records import DocumentStatus
from schemas.scorecard import ScoreCard, ScoreItem

CSV, JSON_LINES = Path("scores.csv"), Path("scores.jsonl")


def item(share: float | None, item_id: str = "empathy", points: float = 8) -> ScoreItem:
    status = "not_applicable" if share is None else "scored"
    return ScoreItem.model_validate(
        {"id": item_id, "block": "b", "title": "t", "points": points, "status": status, "share": share}
    )


def card(*items: ScoreItem, total: float | None = None) -> ScoreCard:
    return ScoreCard(total=total, automatic_points=0, human_points=0, items=items, rubric="1")


def document(call_id: str, found: ScoreCard | None, **fields: Any) -> str:
    return CallDocument(
        call_id=call_id,
        run_id="r",
        status=DocumentStatus.COMPLETE,
        scorecard=found,
        provenance=Provenance(analysis="2", speakers_from="channels"),
        **fields,
    ).model_dump_json()


def scores(*rows: Mapping[str, Any]) -> list[HumanScore]:
    return [HumanScore.model_validate({"line": n, **row}) for n, row in enumerate(rows, start=2)]


def compare(
    folder: Path, human: str, documents: Sequence[str], *more: str, name: str = "scores.csv"
) -> Result:
    (folder / name).write_text(human, encoding="utf-8")
    (folder / "documents.jsonl").write_text("\n".join(documents) + "\n", encoding="utf-8")
    files = ["--human", str(folder / name), "--documents", str(folder / "documents.jsonl")]
    return CliRunner().invoke(app, ["qa", "compare", *files, *more], env={"COLUMNS": "120"})


def test_a_row_gives_points_or_a_share_of_an_item_or_the_total_of_a_call() -> None:
    text = "call_id,item,score,share,total\nc1,empathy,5.6,,\nc1,cushion,,0.4,\nc1,,,,82.5\n"
    rows = [(s.line, s.item, s.score, s.share, s.total) for s in parse(text, CSV)]
    assert rows == [
        (2, "empathy", 5.6, None, None),
        (3, "cushion", None, 0.4, None),
        (4, None, None, None, 82.5),
    ]


def test_json_lines_say_the_same() -> None:
    text = '{"call_id": "c1", "item": "empathy", "share": 1}\n\n{"call_id": "c1", "total": 90}\n'
    assert [(s.line, s.item, s.share, s.total) for s in parse(text, JSON_LINES)] == [
        (1, "empathy", 1, None),
        (3, None, None, 90),
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("call_id,item,score\nc1,empathy,5\nc2,empathy,five\n", "scores.csv: line 3: score"),
        ("call_id,item,score\nc1,empathy\n", "line 2: this row has not the 3 columns"),
        ("call_id,item,score\nc1,empathy,5,6\n", "line 2: this row has not the 3 columns"),
        ("call_id,item,score\nc1,,5\n", "line 2: give an item with score or share, or total"),
        ("call_id,item,score\nc1,empathy,\n", "line 2: give an item"),
        ("call_id,item,score,share\nc1,empathy,5,1\n", "line 2: give an item"),
        ("call_id,item,share\nc1,empathy,1.5\n", "line 2: share"),
        ("call_id,total\nc1,101\n", "line 2: total"),
        ("call_id,item,score\n,empathy,5\n", "line 2: call_id"),
        ("call,item,score\nc1,empathy,5\n", "line 1: unknown columns: call; there are call_id"),
        ("item,score\nempathy,5\n", "line 1: there is no column call_id"),
        ("", "line 1: there is no column call_id"),
        ('call_id,item,score\nc1,"empathy"x,5\n', "line 2: this is no CSV"),
        ("call_id,item,score\nc1,empathy,5\nc1,empathy,6\n", "line 3: the same is judged in line 2"),
    ],
)
def test_a_wrong_row_is_told_with_its_line(text: str, told: str) -> None:
    with pytest.raises(Poison) as caught:
        parse(text, CSV)
    assert told in caught.value.message


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "line 1: this is no JSON"),
        ("[1]", "line 1: this is no JSON object"),
        ('{"call": 1}', "line 1: "),
    ],
)
def test_a_wrong_line_of_json_is_told_with_its_number(text: str, told: str) -> None:
    with pytest.raises(Poison, match=told):
        parse(text, JSON_LINES)


def test_points_become_shares_of_the_items_own_points() -> None:
    found = calibrate(scores({"call_id": "c", "item": "empathy", "score": 5.6}), {"c": card(item(0.7))})
    assert (found.items["empathy"].automatic, found.items["empathy"].human) == ([0.7], [0.7])


def test_an_item_that_the_card_did_not_score_is_left_out_and_counted() -> None:
    found = calibrate(scores({"call_id": "c", "item": "empathy", "share": 1}), {"c": card(item(None))})
    assert (found.items["empathy"].count, found.items["empathy"].left_out) == (0, 1)


def test_a_call_without_a_card_is_named() -> None:
    assert calibrate(scores({"call_id": "c9", "total": 50}), {}).unmatched == {"c9"}


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"item": "grace", "share": 1}, "line 2: there is no item grace; there are empathy"),
        ({"item": "empathy", "score": 9}, "line 2: empathy has 8 points, so 9 cannot be"),
    ],
)
def test_a_score_that_no_card_can_have_is_told_with_its_line(row: Mapping[str, Any], told: str) -> None:
    with pytest.raises(Poison, match=told):
        calibrate(scores({"call_id": "c", **row}), {"c": card(item(1))})


def test_too_few_ratings_give_no_figure() -> None:
    cards = {f"c{n}": card(item((0.4, 0.7)[n % 2]), total=50 + n) for n in range(LEAST)}
    rows = [{"call_id": call_id, "total": 50} for call_id in cards]
    items = [{"call_id": call_id, "item": "empathy", "share": 0.7} for call_id in cards]
    few = calibrate(scores(*rows[1:], *items[1:]), cards)
    assert set(figures(few.totals, TOTAL_MEASURES).values()) == {None}
    assert set(figures(few.items["empathy"], ITEM_MEASURES).values()) == {None}
    enough = calibrate(scores(*rows, *items), cards)
    assert figures(enough.totals, TOTAL_MEASURES)["bias"] == pytest.approx(4.5)
    assert figures(enough.items["empathy"], ITEM_MEASURES)["exact"] == 0.5


def test_the_command_tells_agreement_item_by_item_and_of_the_totals(tmp_path: Path) -> None:
    levels = (0.0, 0.4, 0.7, 1.0)
    documents = [document(f"c{n}", card(item(levels[n % 4]), total=float(40 + 5 * n))) for n in range(LEAST)]
    rows = [f"c{n},empathy,{8 * levels[n % 4]:g}," for n in range(LEAST)]
    totals = [f"c{n},,,{30 + 5 * n}" for n in range(LEAST)]
    human = "\n".join(["call_id,item,score,total", *rows, *totals, "c99,,,50"])
    result = compare(tmp_path, human, documents, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["items"]["empathy"] == {"n": 10, "left_out": 0, "exact": 1, "kappa": 1, "bias": 0}
    assert found["totals"]["n"] == LEAST
    assert (found["totals"]["bias"], found["totals"]["difference"]) == (10, 10)
    assert found["totals"]["pearson"] == pytest.approx(1)
    assert found["totals"]["icc"] < 0.9
    assert found["unmatched"] == ["c99"]


def test_the_command_prints_too_few_in_place_of_a_number(tmp_path: Path) -> None:
    result = compare(
        tmp_path, "call_id,item,share\nc1,empathy,0.7\n", [document("c1", card(item(0.7), total=1))]
    )
    assert result.exit_code == 0, result.output
    (row,) = [line for line in result.stdout.splitlines() if "empathy" in line]
    assert row.split() == ["empathy", "1", "0", *["too", "few"] * 3]


def test_the_command_scores_by_another_rubric_first(tmp_path: Path) -> None:
    rubric = tmp_path / "rubric.yaml"
    rubric.write_text(
        "version: own\nitems:\n  - {id: mine, block: b, title: {ko: 가}, points: 100,"
        " checks: [{metric: acts.thanks, at_least: [1]}]}\n",
        encoding="utf-8",
    )
    turns = [
        {"id": role, "speaker": role, "role": role, "start_ms": 0, "end_ms": 1, "text": ""}
        for role in ("agent", "customer")
    ]
    line = json.dumps(json.loads(document("c1", None, acts={"thanks": 1})) | {"turns": turns})
    result = compare(tmp_path, "call_id,item,share\nc1,mine,1\n", [line], "--rubric", str(rubric), "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["items"]["mine"]["n"] == 1


def test_calls_that_nobody_scored_are_an_error(tmp_path: Path) -> None:
    result = compare(tmp_path, "call_id,total\nc1,50\n", [document("c2", card(item(1)))])
    assert isinstance(result.exception, Poison)
    assert "none of the 1 rated calls" in result.exception.message


def test_a_line_that_is_no_document_is_told_without_what_was_said(tmp_path: Path) -> None:
    wrong = json.dumps({"call_id": "c1", "turns": "제 번호는 010"}, ensure_ascii=False)
    result = compare(tmp_path, "call_id,total\nc1,50\n", [document("c2", None), wrong])
    assert isinstance(result.exception, Poison)
    assert "documents.jsonl: line 2" in result.exception.message
    assert "010" not in result.exception.message


def test_documents_come_from_one_place(tmp_path: Path) -> None:
    result = compare(tmp_path, "call_id,total\nc1,50\n", [], "--since", "2d")
    assert result.exit_code == 2
    assert "--documents or --since" in result.output

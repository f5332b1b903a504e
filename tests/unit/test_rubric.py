"""The rubric: a hundred points, paths that documents have, bands in order; errors with their line and column."""

import re

import pytest

from consumers.analysis import data
from consumers.analysis.scorecard.document_path import DocumentPath
from consumers.analysis.scorecard.rubric import POINTS, Rubric
from schemas.document import CallDocument, Provenance
from schemas.outcome import Outcome
from schemas.quality import Quality, ScriptStep
from schemas.records import DocumentStatus, Role

GOOD = """version: "1"
items:
  - id: thanks
    block: closing
    title: {ko: 감사}
    points: 40
    checks:
      - metric: acts.thanks
        at_least: [3, 2, 1]
  - id: accuracy
    block: handling
    title: {ko: 정확성}
    points: 60
    human: true
"""


def shipped() -> Rubric:
    return data.load("rubric.yaml", Rubric)


def complaint(text: str) -> tuple[int, int, str]:
    """The one complaint about a rubric."""
    found = data.attempt(text, Rubric)
    assert isinstance(found, list), "nothing is wrong with it"
    (only,) = found
    return only.line, only.column, only.message


def a_document(**fields: object) -> CallDocument:
    given = {"call_id": "c", "run_id": "r", "status": DocumentStatus.COMPLETE} | fields
    return CallDocument.model_validate(
        given | {"provenance": Provenance(analysis="2", speakers_from="channels")}
    )


def test_the_rubric_of_these_tests_is_good() -> None:
    assert isinstance(data.attempt(GOOD, Rubric), Rubric)


def test_the_shipped_rubric_has_the_items_and_points_of_the_published_blocks() -> None:
    blocks: dict[str, float] = {}
    for item in shipped().items:
        blocks[item.block] = blocks.get(item.block, 0) + item.points
    assert blocks == {
        "opening": 15, "listening": 25, "wording": 20, "delivery": 10, "handling": 20, "closing": 10,
    }  # fmt: skip # one row
    assert [(item.id, item.points) for item in shipped().items if item.human] == [("accuracy", 5)]


def test_the_shipped_rubric_has_every_title_in_both_languages() -> None:
    rubric = shipped()
    assert all(set(entry.title) == {"ko", "en"} for entry in (*rubric.items, *rubric.failures))


@pytest.mark.parametrize(
    ("before", "after", "line", "column", "told"),
    [
        ("points: 40", "points: 30", 3, 3, "the points are 90 in all, not 100"),
        ("metric: acts.thanks", "metric: acts.thank", 8, 17, "there is no thank; there are greeting"),
        ("metric: acts.thanks", "metric: quality.courtesy.grace.ratio", 8, 17, "there is no grace"),
        ("metric: acts.thanks", "metric: acts.thanks.count", 8, 17, "nothing stands below"),
        ("metric: acts.thanks", "metric: quality.script[step=greet].said", 8, 17, "step is never greet"),
        ("metric: acts.thanks", "metric: acts thanks", 8, 17, "no name"),
        ("[3, 2, 1]", "[1, 2, 3]", 9, 19, "let the values fall"),
        ("at_least: [3, 2, 1]", "at_most: [3, 2, 1]", 9, 18, "let the values rise"),
        ("at_least: [3, 2, 1]", "within: [[0, 5], [1, 9]]", 9, 17, "does not hold the one before it"),
        ("at_least: [3, 2, 1]", "within: [[5, 0]]", 9, 17, "ends before it begins"),
        ("at_least: [3, 2, 1]", "values: {loud: 1}", 8, 9, "acts.thanks is never loud"),
        ("[3, 2, 1]", "[3, 2, 1]\n        at_most: [1]", 8, 9, "exactly one of"),
        ("        at_least: [3, 2, 1]\n", "", 8, 9, "exactly one of"),
        ("[3, 2, 1]", "[4, 3, 2, 1]", 9, 19, "at most 3"),
        ("metric: acts.thanks", "metric: outcome.label", 8, 9, "is no number: give values"),
        ("[3, 2, 1]", "[1]\n        evidence: outcome.label", 10, 19, "has no times"),
        ("[3, 2, 1]", "[1]\n        confidence: outcome", 10, 21, "neither a share nor high or low"),
        ("[3, 2, 1]", "[1]\n        applies: [acts.thank]", 10, 19, "there is no thank"),
        ("human: true", "human: false", 10, 5, "give checks, or human: true"),
        ("id: accuracy", "id: thanks", 3, 3, "ids that stand here twice: thanks"),
        ("title: {ko: 감사}", "title: {}", 5, 12, "at least 1"),
    ],
)  # fmt: skip # one fault a row
def test_a_fault_is_told_with_its_place(before: str, after: str, line: int, column: int, told: str) -> None:
    found = complaint(GOOD.replace(before, after))
    assert told in found[2]
    assert found[:2] == (line, column)


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        ("{id: a, title: {ko: 가}}", "give metric or said"),
        ("{id: a, title: {ko: 가}, metric: profanity, said: {ko: [가]}}", "give metric or said"),
        ("{id: a, title: {ko: 가}, metric: outcome.label}", "is no number"),
        ("{id: a, title: {ko: 가}, said: {ko: ['(']}}", "regular expression"),
        ("{id: a, title: {ko: 가}, metric: 'profanity[role=agnt]'}", "role is never agnt"),
    ],
)
def test_a_fault_of_an_automatic_failure_is_told_with_its_line(failure: str, told: str) -> None:
    line, _, message = complaint(f"{GOOD}failures:\n  - {failure}\n")
    assert line == 16
    assert re.search(told, message)


def test_points_need_not_be_whole() -> None:
    text = GOOD.replace("points: 40", "points: 33.3").replace("points: 60", "points: 66.7")
    found = data.attempt(text, Rubric)
    assert isinstance(found, Rubric)
    assert sum(item.points for item in found.items) == pytest.approx(POINTS)


def test_a_path_through_a_list_keeps_the_entries_that_its_filter_names() -> None:
    steps = (
        ScriptStep(step="greeting", said=True, in_place=False),
        ScriptStep(step="closing", said=False),
    )
    document = a_document(quality=Quality(script=steps))
    assert DocumentPath.of("quality.script[step=greeting].in_place").value(document) is False
    assert DocumentPath.of("quality.script[step=closing].said").value(document) is False
    assert DocumentPath.of("quality.script[step=closing].in_place").value(document) is None
    assert DocumentPath.of("quality.script[step=summary].said").value(document) is None
    assert DocumentPath.of("quality.script[said=true]").value(document) == 1


def test_records_and_lists_are_counted_and_what_lacks_its_holder_is_missing() -> None:
    document = a_document(outcome=Outcome(label="promised", confidence=0.5))
    assert DocumentPath.of("outcome[label=promised]").value(document) == 1
    assert DocumentPath.of("outcome[label=resolved]").value(document) == 0
    assert DocumentPath.of("outcome.label").value(document) == "promised"
    assert DocumentPath.of("profanity[role=agent]").value(document) == 0
    assert DocumentPath.of("acts.thanks").value(document) is None
    assert DocumentPath.of("outcome.label").value(a_document()) is None
    assert DocumentPath.of("outcome[label=promised]").value(a_document()) is None
    assert DocumentPath.of("turns[role=agent].sentences[kind=question]").value(document) is None


def test_a_filters_value_has_the_fields_type() -> None:
    (step,) = DocumentPath.of("turns[role=agent]").steps
    assert step.wanted is Role.AGENT

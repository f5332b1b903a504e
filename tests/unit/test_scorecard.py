"""The score card: what each item brings, what leaves the card, and what the engine makes of it."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from consumers.analysis import data
from consumers.analysis.engine import AnalysisEngine
from consumers.analysis.scorecard.rubric import Rubric
from consumers.analysis.scorecard.scoring import score
from consumers.analysis.tables import Tables
from consumers.analysis.transcript import analyse_turns
from schemas.document import CallDocument, SkipReason
from schemas.outcome import Outcome
from schemas.quality import ByParty, Coverage, CutOff, CutOffs, Quality
from schemas.records import Role
from schemas.scorecard import ScoreCard
from tests.unit.scorecard_records import (
    MISSED,
    a_document,
    a_rubric,
    by_shipped,
    courtesy,
    item_of,
    judged,
    sentence,
    turn,
)

THANKS = {"metric": "acts.thanks", "at_least": [3, 2, 1]}


@pytest.mark.parametrize(("count", "share"), [(5, 1), (3, 1), (2, 0.7), (1, 0.4), (0, 0)])
def test_a_value_brings_the_share_of_the_best_band_that_it_reaches(count: int, share: float) -> None:
    found = judged(a_document(acts={"thanks": count}), THANKS)
    assert (found.status, found.value, found.share, found.score) == ("scored", count, share, 60 * share)


@pytest.mark.parametrize(("count", "share"), [(0, 1), (1, 0.7), (2, 0.7), (3, 0)])
def test_at_most_counts_from_below(count: int, share: float) -> None:
    assert (
        judged(a_document(acts={"blame": count}), {"metric": "acts.blame", "at_most": [0, 2]}).share == share
    )


@pytest.mark.parametrize(("gap", "share"), [(0.0, 1), (-0.2, 1), (0.3, 0.7), (0.5, 0.4), (-0.9, 0)])
def test_within_takes_the_narrowest_band_that_holds_the_value(gap: float, share: float) -> None:
    check = {"metric": "quality.rate_gap", "within": [[-0.2, 0.2], [-0.3, 0.3], [-0.5, 0.5]]}
    assert judged(a_document(quality=Quality(rate_gap=gap)), check).share == share


def test_values_name_the_share_of_each_and_leave_out_what_nobody_can_judge() -> None:
    check = {"metric": "outcome.label", "values": {"resolved": 1, "unresolved": 0.4}}
    found = judged(a_document(outcome=Outcome(label="unresolved", confidence=0.5)), check)
    assert (found.value, found.share) == ("unresolved", 0.4)
    dropped = judged(a_document(outcome=Outcome(label="dropped", confidence=0.5)), check)
    assert (dropped.status, dropped.share, dropped.score) == ("not_computed", None, None)


def test_an_item_is_as_good_as_the_worst_of_its_checks_and_rests_on_that() -> None:
    second = {"metric": "acts.closing", "at_least": [1]}
    found = judged(a_document(acts={"thanks": 2, "closing": 0}), THANKS, second)
    assert (found.metric, found.value, found.share) == ("acts.closing", 0, 0)
    assert judged(a_document(acts={"thanks": 2, "closing": 1}), THANKS, second).share == 0.7


def test_a_check_that_is_missing_leaves_the_whole_item_uncomputed() -> None:
    found = judged(a_document(acts={"thanks": 3}), THANKS, {"metric": "outcome.confidence", "at_least": [1]})
    assert (found.status, found.metric, found.score) == ("not_computed", "outcome.confidence", None)


def test_what_was_not_due_is_not_applicable_and_no_zero() -> None:
    """Pitfall: no complaint means no empathy was due, not that there was none."""
    check = {
        "metric": "quality.courtesy.empathy.ratio",
        "at_least": [0.8],
        "applies": ["quality.courtesy.empathy.due"],
    }
    found = judged(a_document(quality=courtesy()), check)
    assert (found.status, found.share) == ("not_applicable", None)
    missing = judged(a_document(), check)
    assert missing.status == "not_computed"
    due = Coverage(due=2, met=1, ratio=0.5, missed=(MISSED,))
    assert judged(a_document(quality=courtesy(empathy=due)), check).share == 0


def test_a_check_that_is_not_due_leaves_the_item_to_the_others() -> None:
    check = {"metric": "acts.closing", "at_least": [1], "applies": ["acts.refusal"]}
    acts = {"thanks": 3, "closing": 0, "refusal": 0}
    assert judged(a_document(acts=acts), THANKS, check).share == 1
    assert judged(a_document(acts=acts | {"refusal": 1}), THANKS, check).share == 0


def test_a_check_of_one_language_is_not_due_in_another() -> None:
    check = THANKS | {"languages": ["ko"]}
    assert judged(a_document(acts={"thanks": 3}), check).status == "scored"
    assert judged(a_document(acts={"thanks": 3}, language="en"), check).status == "not_applicable"


def test_the_total_is_over_the_items_that_were_scored() -> None:
    first = {"id": "a", "block": "b", "title": {"ko": "가"}, "points": 30, "checks": [THANKS]}
    second = first | {"id": "b", "points": 10, "checks": [{"metric": "acts.closing", "at_least": [1]}]}
    absent = first | {"id": "c", "points": 55, "checks": [THANKS | {"applies": ["acts.refusal"]}]}
    human = {"id": "d", "block": "b", "title": {"ko": "가"}, "points": 5, "human": True}
    rubric = Rubric.model_validate({"version": "1", "items": [first, second, absent, human]})
    card = score(a_document(acts={"thanks": 2, "closing": 0, "refusal": 0}), rubric)
    assert [item.status for item in card.items] == ["scored", "scored", "not_applicable", "human"]
    assert card.total == pytest.approx(100 * 21 / 40)
    assert (card.automatic_points, card.human_points, card.rubric) == (40, 5, "1")


def test_without_anything_scored_there_is_no_total() -> None:
    card = score(a_document(), a_rubric(THANKS))
    assert (card.total, card.automatic_points, card.human_points) == (None, 0, 40)


@pytest.mark.parametrize("only", [Role.AGENT, Role.CUSTOMER])
def test_a_call_of_one_party_is_not_judged(only: Role) -> None:
    """A voicemail has no questions, no listening, no closing to blame an agent for."""
    card = score(a_document(acts={"thanks": 3}, turns=(turn(only),)), a_rubric(THANKS))
    assert (card.items[0].status, card.total) == ("not_computed", None)


def test_the_evidence_of_an_act_is_its_partys_sentences() -> None:
    said = turn(Role.AGENT, sentence("a.1", acts=("thanks",)), sentence("a.2"))
    theirs = turn(Role.CUSTOMER, sentence("c.1", acts=("thanks",)))
    found = judged(a_document(acts={"thanks": 1}, turns=(said, theirs)), THANKS)
    assert [(e.turn_id, e.sentence_id, e.start_ms) for e in found.evidence] == [("turn-agent", "a.1", 1)]


def test_the_evidence_of_a_path_has_what_stands_there() -> None:
    due = Coverage(due=2, met=1, ratio=0.5, missed=(MISSED,))
    check = {
        "metric": "quality.courtesy.cushion.ratio",
        "at_least": [0.8, 0.5],
        "evidence": "quality.courtesy.cushion.missed",
    }
    (found,) = judged(a_document(quality=courtesy(cushion=due)), check).evidence
    assert (found.turn_id, found.sentence_id, found.start_ms, found.end_ms) == ("t2", "t2.1", 5, 9)


def test_confidence_is_the_least_of_the_roles_and_of_what_the_value_itself_is_worth() -> None:
    assert judged(a_document(acts={"thanks": 3}), THANKS).confidence == 0.9
    cut = CutOff(turn_id="t1", start_ms=3, end_ms=4)
    check = {
        "metric": "quality.cut_offs.agent.count",
        "at_most": [0],
        "confidence": "quality.cut_offs.agent.reliability",
    }
    for reliability, confidence in (("low", 0.5), ("high", 0.9)):
        cut_offs = CutOffs.model_validate({"count": 1, "instances": (cut,), "reliability": reliability})
        found = judged(a_document(quality=Quality(cut_offs=ByParty[CutOffs](agent=cut_offs))), check)
        assert found.confidence == confidence


def test_a_title_is_in_the_calls_language_or_in_the_first() -> None:
    titles = [judged(a_document(language=language), THANKS).title for language in ("ko", "en", "ja", None)]
    assert titles == ["가", "it", "가", "가"]


def test_scoring_again_needs_the_document_only_and_gives_the_same() -> None:
    document = by_engine()
    stored = CallDocument.model_validate_json(document.model_dump_json())
    assert by_shipped(stored) == document.scorecard


SAID = (
    ("A", "안녕하세요 새벽택배 상담원 민서준입니다 무엇을 도와드릴까요"),
    ("C", "택배가 안 와요 확인해 주세요"),
    ("A", "네 확인해 드리겠습니다 더 궁금하신 점 있으신가요"),
    ("C", "아니요 없어요"),
    ("A", "감사합니다 좋은 하루 되세요"),
)
GIVEN = {
    "call_id": "c",
    "language": "ko",
    "roles": {"A": "agent", "C": "customer"},
    "turns": [
        {"speaker": who, "start_ms": 4_000 * n, "end_ms": 4_000 * n + 3_500, "text": text}
        for n, (who, text) in enumerate(SAID)
    ],
}


@cache
def engine() -> AnalysisEngine:
    return AnalysisEngine()


def by_engine(tables: Tables | None = None, given: Mapping[str, Any] = GIVEN) -> CallDocument:
    return analyse_turns(AnalysisEngine(tables=tables) if tables else engine(), given)


def test_the_engine_adds_the_card_and_names_the_rubrics_version() -> None:
    document = by_engine()
    card = document.scorecard
    assert card is not None
    assert card.total is not None
    assert item_of(card, "further_help").share == 1
    assert document.provenance.versions["rubric"] == card.rubric == data.load("rubric.yaml", Rubric).version


def test_a_tenants_rubric_takes_the_place_of_the_shipped_one(tmp_path: Path) -> None:
    own = tmp_path / "rubric.yaml"
    own.write_text(
        "version: own\nitems:\n"
        "  - {id: one, block: b, title: {ko: 가}, points: 100,"
        " checks: [{metric: acts.thanks, at_least: [1]}]}\n",
        encoding="utf-8",
    )
    document = by_engine(Tables(tmp_path))
    assert document.scorecard is not None
    assert [(i.id, i.score) for i in document.scorecard.items] == [("one", 100)]
    assert document.provenance.versions["rubric"] == "own"


def test_a_bug_of_the_score_card_costs_the_card_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> ScoreCard:
        raise ZeroDivisionError

    monkeypatch.setattr("consumers.analysis.engine.score", broken)
    document = by_engine()
    assert document.scorecard is None
    assert [(s.feature, s.reason) for s in document.skipped if s.feature == "scorecard"] == [
        ("scorecard", SkipReason.BUG)
    ]
    assert document.acts is not None


def test_a_card_without_a_total_says_why() -> None:
    alone = dict(GIVEN) | {"turns": GIVEN["turns"][:1], "roles": {"A": "agent"}}
    document = by_engine(given=alone)
    assert document.scorecard is not None
    assert document.scorecard.total is None
    assert ("scorecard.total", SkipReason.PARTY_ABSENT) in [(s.feature, s.reason) for s in document.skipped]

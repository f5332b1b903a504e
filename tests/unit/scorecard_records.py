"""Documents and rubrics that tests of the score card make."""

from collections.abc import Mapping
from typing import Any

from consumers.analysis import data
from consumers.analysis.scorecard.rubric import Rubric
from consumers.analysis.scorecard.scoring import score
from schemas.acts import Place
from schemas.document import CallDocument, Participant, Provenance, Sentence, Turn
from schemas.quality import Courtesy, Coverage, Findings, Quality
from schemas.records import DocumentStatus, Role
from schemas.scorecard import ScoreCard, ScoreItem

NOTHING = Findings(count=0)
NEVER = Coverage(due=0, met=0)
MISSED = Place(turn_id="t2", sentence_id="t2.1", start_ms=5, end_ms=9)


def sentence(sentence_id: str, text: str = "", **fields: Any) -> Sentence:
    return Sentence(id=sentence_id, text=text, start_ms=1, end_ms=2, **fields)


def turn(role: Role, *sentences: Sentence) -> Turn:
    return Turn(
        id=f"turn-{role}", speaker=role, role=role, start_ms=0, end_ms=9, text="", sentences=sentences
    )


BOTH = (turn(Role.AGENT), turn(Role.CUSTOMER))


def a_document(**fields: Any) -> CallDocument:
    given: dict[str, Any] = {
        "call_id": "c",
        "run_id": "r",
        "status": DocumentStatus.COMPLETE,
        "language": "ko",
        "participants": tuple(Participant(speaker=r, role=r, confidence=0.9) for r in ("agent", "customer")),
        "turns": BOTH,
        "provenance": Provenance(analysis="2", speakers_from="channels"),
    }
    return CallDocument(**(given | fields))


def courtesy(**fields: Any) -> Quality:
    never = dict.fromkeys(("cushion", "empathy", "apology", "alternative", "repeat_back"), NEVER)
    nothing = dict.fromkeys(("negative_phrasing", "blame", "conflict", "ownership", "name_use"), NOTHING)
    promises = {"promises": 0, "promises_with_time": 0}
    return Quality(courtesy=Courtesy.model_validate({**never, **nothing, **promises, **fields}))


def a_rubric(*checks: Mapping[str, Any], **further: Any) -> Rubric:
    """One item of 60 points with these checks, one of 40 for a person."""
    item = {"id": "it", "block": "b", "title": {"ko": "가", "en": "it"}, "points": 60, "checks": list(checks)}
    human = {"id": "by_hand", "block": "b", "title": {"ko": "나"}, "points": 40, "human": True}
    return Rubric.model_validate({"version": "7", "items": [item, human], **further})


def judged(document: CallDocument, *checks: Mapping[str, Any]) -> ScoreItem:
    return score(document, a_rubric(*checks)).items[0]


def by_shipped(document: CallDocument) -> ScoreCard:
    return score(document, data.load("rubric.yaml", Rubric))


def item_of(card: ScoreCard, item_id: str) -> ScoreItem:
    return next(item for item in card.items if item.id == item_id)

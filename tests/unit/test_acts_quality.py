"""The labelled dialogues: enough of them, the parts apart, every role right, and what unseen calls are worth."""

from collections import Counter
from collections.abc import Mapping
from itertools import combinations

import pytest

from consumers.analysis import data
from consumers.analysis.category_rules import TABLE, CategoryTable
from consumers.analysis.engine import AnalysisEngine
from consumers.analysis.transcript import analyse_turns
from ops.bench import acts_quality, outcome_quality
from schemas.acts import ACTS
from schemas.document import CallDocument
from schemas.records import Role

UNSEEN = "blind_d"
"""The part that no rule was changed for."""
OF_TIME = {"dead_air", "long_hold", "agent_interrupts"}
"""Categories of silence and overlap: the labelled dialogues have times without either."""

Pairs = list[tuple[acts_quality.LabelledDialogue, CallDocument]]


@pytest.fixture(scope="module")
def documents() -> Mapping[str, Pairs]:
    """Part to its dialogues with their documents."""
    return {part: list(acts_quality.analysed(acts_quality.dialogues(part))) for part in acts_quality.PARTS}


def act_rates(pairs: Pairs, language: str) -> tuple[float, float]:
    """Precision and recall of all acts together."""
    own = [acts_quality.act_counts(given, found) for given, found in pairs if given.language == language]
    _, precision, recall = acts_quality.rates(sum(own, Counter[tuple[str, str]]()))
    return precision, recall


def test_at_least_forty_dialogues_and_no_long_text_in_two_parts() -> None:
    parts = {part: acts_quality.dialogues(part) for part in acts_quality.PARTS}
    everything = [dialogue for part in parts.values() for dialogue in part]
    assert len(everything) >= 40
    assert len({dialogue.id for dialogue in everything}) == len(everything)
    assert {act for d in everything for turn in d.turns for act in turn.acts} <= set(ACTS)
    told = [{t.text for d in part for t in d.turns if len(t.text) > 25} for part in parts.values()]
    assert not any(one & other for one, other in combinations(told, 2))


def test_no_speaker_gets_a_wrong_role_and_only_of_unseen_calls_some_get_none(
    documents: Mapping[str, Pairs],
) -> None:
    for part, pairs in documents.items():
        least_given = 0.9 if part == UNSEEN else 1.0
        _, of_given, of_all = acts_quality.role_rates(pairs)
        assert of_given == 1.0, part
        assert of_all >= least_given, part


@pytest.mark.parametrize(
    ("part", "language", "least"),
    [
        *(("dev", "ko", 0.95), ("dev", "en", 0.95)),
        *(("blind_c", "ko", 0.95), ("blind_c", "en", 0.95)),
        *((UNSEEN, "ko", 0.7), (UNSEEN, "en", 0.66)),
    ],
)
def test_acts_of_what_was_tuned_on_and_of_what_no_rule_has_seen(
    documents: Mapping[str, Pairs], part: str, language: str, least: float
) -> None:
    """The floors lie below what was measured, for rules may change."""
    assert min(act_rates(documents[part], language)) >= least


def test_profanity_of_the_development_lines() -> None:
    _, _, _, precision, recall, *_ = next(acts_quality.profanity_rows("dev"))
    assert isinstance(precision, float)
    assert isinstance(recall, float)
    assert min(precision, recall) >= 0.9


def test_a_dialogue_with_a_transfer_has_two_agents() -> None:
    dialogues = [d for part in acts_quality.PARTS for d in acts_quality.dialogues(part)]
    assert any(list(d.roles.values()).count(Role.AGENT) > 1 for d in dialogues)


def test_every_category_of_words_is_matched_by_a_labelled_dialogue(documents: Mapping[str, Pairs]) -> None:
    """A category that no dialogue falls into is no category of calls."""
    calls = [c for part in outcome_quality.PARTS for c in outcome_quality.labelled_calls(part)]
    of_calls = [document for _, document in outcome_quality.analysed(calls)]
    everything = [d for pairs in documents.values() for _, d in pairs] + of_calls
    matched = {category.name for document in everything for category in document.categories}
    shipped = {rule.name for rule in data.load(TABLE, CategoryTable).categories}
    assert shipped - matched == OF_TIME


@pytest.mark.parametrize(("times", "expected"), [(3, True), (2, False)])
def test_an_agent_who_cuts_in_three_times_interrupts(times: int, expected: bool) -> None:
    turns = [
        turn
        for start in range(0, times * 10_000, 10_000)
        for turn in (
            {
                "speaker": "customer",
                "start_ms": start,
                "end_ms": start + 5000,
                "text": "제가 어제 주문한 세탁기 때문에 전화했는데요",
            },
            {
                "speaker": "agent",
                "start_ms": start + 3000,
                "end_ms": start + 7000,
                "text": "주문번호부터 말씀해 주시겠어요",
            },
        )
    ]
    roles = {"agent": "agent", "customer": "customer"}
    given = {"call_id": "c", "language": "ko", "channels": 2, "roles": roles, "turns": turns}
    found = {category.name for category in analyse_turns(AnalysisEngine(), given).categories}
    assert ("agent_interrupts" in found) is expected

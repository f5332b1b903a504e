"""Under every fault each call ends in exactly one document of the right status, and only poison is buried."""

import pytest

from ops.bench.fault_rig.scenarios import CRASHING, SCENARIOS, Scenario, Stage, run

pytestmark = [pytest.mark.real, pytest.mark.fault, pytest.mark.timeout(300)]

CALLS = 30
FEW = 2


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_no_call_is_lost_and_no_document_doubled(stage: Stage, scenario: Scenario) -> None:
    check(scenario, stage, calls=CALLS)


def test_a_call_that_kills_the_engine_every_time_is_buried_and_its_neighbours_live(stage: Stage) -> None:
    check(CRASHING, stage, calls=FEW)
    check(SCENARIOS[0], stage, calls=CALLS)


def check(scenario: Scenario, stage: Stage, *, calls: int) -> None:
    outcome = run(scenario, stage, calls=calls).outcome
    assert outcome.lost == ()
    assert outcome.duplicate_documents == 0
    assert outcome.statuses == {scenario.status: calls}
    assert outcome.dead_letters == {place: count * calls for place, count in scenario.letters.items()}

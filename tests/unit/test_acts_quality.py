"""The labelled dialogues: enough of them, development and frozen apart, and good figures on development."""

from ops.bench import acts_quality
from schemas.acts import ACTS
from schemas.records import Role


def test_at_least_forty_dialogues_no_text_in_both_parts() -> None:
    dev, frozen = (acts_quality.dialogues(part) for part in acts_quality.PARTS)
    assert len(dev) + len(frozen) >= 40
    assert {act for d in [*dev, *frozen] for turn in d.turns for act in turn.acts} <= set(ACTS)
    told = [{turn.text for d in part for turn in d.turns if len(turn.text) > 25} for part in (dev, frozen)]
    assert not told[0] & told[1]


def test_roles_and_acts_of_the_development_dialogues() -> None:
    rates = {row[1]: (row[3], row[4]) for row in acts_quality.table() if row[0] == "dev"}
    assert rates["roles, ko"] == rates["roles, en"] == (1.0, 1.0)
    for name in ("acts, ko", "acts, en", "profanity"):
        precision, recall = rates[name]
        assert isinstance(precision, float)
        assert isinstance(recall, float)
        assert min(precision, recall) >= 0.9


def test_a_dialogue_with_a_transfer_has_two_agents() -> None:
    dialogues = [d for part in acts_quality.PARTS for d in acts_quality.dialogues(part)]
    assert any(list(d.roles.values()).count(Role.AGENT) > 1 for d in dialogues)

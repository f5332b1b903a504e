"""Hold told from dead air, at the edges of what announces a gap."""

from typing import Any

import pytest

from consumers.analysis.tokens import KoreanTokeniser
from tests.unit.timed_calls import NOTICE, THANKS, Row, call, conversation, held


@pytest.mark.parametrize(
    ("rows", "is_hold"),
    [
        ([("A", 0, 2000, NOTICE), ("A", 8000, 9000, "확인됐습니다")], True),
        ([("A", 0, 2000, NOTICE), ("C", 4600, 5000, "네"), ("A", 11_000, 12_000, "확인됐습니다")], True),
        ([("A", 0, 2000, NOTICE), ("C", 4601, 5001, "네"), ("A", 11_000, 12_000, "확인됐습니다")], False),
        ([("A", 0, 2000, "네 말씀하세요"), ("A", 8000, 9000, THANKS)], True),
        ([("C", 0, 2000, "왜 안 돼요"), ("C", 8000, 9000, "여보세요"), ("A", 13_000, 14_000, THANKS)], True),
        ([("C", 0, 2000, "왜 안 돼요"), ("C", 8000, 9000, "여보세요"), ("A", 14_001, 15_000, THANKS)], False),
        ([("C", 0, 2000, NOTICE), ("A", 8000, 9000, "네 괜찮습니다")], False),
        ([("A", 0, 2000, "네 말씀하세요"), ("A", 8000, 9000, "확인됐습니다")], False),
    ],
)
def test_a_gap_is_a_hold_when_the_agent_announces_it_or_thanks_for_it(
    rows: list[Row], *, is_hold: bool
) -> None:
    """The first gap of more than 3 s; a notice reaches 3 s from its end, thanks 5 s back to the gap's end."""
    found = conversation(rows)
    assert found.non_talk is not None
    first = found.non_talk.instances[0]
    assert (first in held(found.hold), first in held(found.dead_air)) == (is_hold, not is_hold)


@pytest.mark.parametrize(
    ("fields", "reason"), [({"language": "fr"}, "unsupported_language"), ({"roles": {}}, "roles_unknown")]
)
def test_without_acts_nobody_knows_a_hold_from_dead_air(fields: dict[str, Any], reason: str) -> None:
    found = call([("A", 0, 2000, "x"), ("C", 8000, 9000, "y")], **fields)
    assert found.conversation is not None
    assert (found.conversation.hold, found.conversation.dead_air) == (None, None)
    assert {s.reason for s in found.skipped if s.feature in {"hold", "dead_air"}} == {reason}
    assert found.conversation.non_talk is not None
    assert found.conversation.non_talk.total_ms == 6000


def test_a_bug_in_the_acts_costs_the_holds_and_no_other_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(KoreanTokeniser, "tokenise", broken)
    found = call([("A", 0, 2000, "가"), ("C", 8000, 9000, "나")])
    assert found.conversation is not None
    assert found.conversation.hold is None
    assert {s.reason for s in found.skipped if s.feature == "hold"} == {"bug"}
    assert found.conversation.talk_share_agent == 0.6667

"""Communication quality as a whole: a part that raises costs that part and nothing else."""

from typing import Any

import pytest

from consumers.analysis.engine import AnalysisEngine
from consumers.analysis.quality import analyser as quality
from consumers.analysis.transcript import analyse_turns
from schemas.document import SkipReason

CALL: dict[str, Any] = {
    "call_id": "quality-1",
    "language": "ko",
    "roles": {"A": "agent", "C": "customer"},
    "turns": [
        {"speaker": "A", "start_ms": 0, "end_ms": 3000, "text": "안녕하세요 무엇을 도와드릴까요"},
        {"speaker": "C", "start_ms": 3200, "end_ms": 6000, "text": "요금이 이상해서 전화했어요"},
    ],
}


def test_a_part_that_raises_costs_itself_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def courtesy(_: object) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(quality, "courtesy", courtesy)
    document = analyse_turns(AnalysisEngine(), CALL)
    assert document.quality is not None
    assert document.quality.courtesy is None
    assert document.quality.script
    assert document.quality.language.agent is not None
    assert [s.reason for s in document.skipped if s.feature == "quality.courtesy"] == [SkipReason.BUG]

"""Calls that tests of the timing make, by turns or by words."""

from collections.abc import Sequence
from typing import Any

from consumers.analysis.engine import AnalysisEngine
from consumers.analysis.transcript import analyse_turns
from schemas.document import CallDocument, Conversation, Silences, Span

NOTICE, THANKS = "잠시만 기다려 주세요", "기다려 주셔서 감사합니다"

Row = tuple[str, int, int, str]
ENGINE = AnalysisEngine()
ROLES = {"A": "agent", "C": "customer"}


def call(rows: Sequence[Row], **fields: Any) -> CallDocument:
    turns = [{"speaker": s, "start_ms": a, "end_ms": b, "text": text} for s, a, b, text in rows]
    return analyse_turns(ENGINE, {"call_id": "c", "language": "ko", "roles": ROLES, "turns": turns} | fields)


def conversation(rows: Sequence[Row], **fields: Any) -> Conversation:
    found = call(rows, **fields).conversation
    assert found is not None
    return found


def timed(*words: tuple[str, int, int]) -> CallDocument:
    """One turn of the agent by its words with their times."""
    turn = {
        "speaker": "A",
        "start_ms": words[0][1],
        "end_ms": words[-1][2],
        "text": " ".join(word for word, _, _ in words),
        "words": [{"word": word, "start_ms": start, "end_ms": end} for word, start, end in words],
    }
    payload = {"call_id": "c", "language": "ko", "roles": {"A": "agent"}, "turns": [turn]}
    return analyse_turns(ENGINE, payload)


def held(found: Silences | None) -> list[Span]:
    assert found is not None
    assert found.count == len(found.instances)
    assert found.total_ms == sum(gap.end_ms - gap.start_ms for gap in found.instances)
    return list(found.instances)

"""The script: which steps are said, where their evidence is, and whether they stand at their place."""

from pathlib import Path

import pytest

from consumers.analysis.engine import AnalysisEngine
from consumers.analysis.rule_files import read
from consumers.analysis.tables import Tables
from consumers.analysis.transcript import analyse_turns
from schemas.document import CallDocument, SkipReason
from schemas.quality import ScriptStep

ENGINE = AnalysisEngine()
Said = tuple[int, str, str]
"""Second of the beginning, speaker, text."""


def document(
    *said: Said, language: str = "ko", roles: bool = True, engine: AnalysisEngine = ENGINE
) -> CallDocument:
    turns = [
        {"speaker": speaker, "start_ms": 1000 * second, "end_ms": 1000 * second + 2000, "text": text}
        for second, speaker, text in said
    ]
    known = {speaker: speaker for _, speaker, _ in said} if roles else {}
    return analyse_turns(engine, {"call_id": "c", "language": language, "roles": known, "turns": turns})


def steps(*said: Said, language: str = "ko", engine: AnalysisEngine = ENGINE) -> dict[str, ScriptStep]:
    quality = document(*said, language=language, engine=engine).quality
    assert quality is not None
    return {step.step: step for step in quality.script}


CALL: tuple[Said, ...] = (
    (
        0,
        "agent",
        "안녕하세요 한빛카드 상담사 김민지입니다. 본 상담은 녹음되고 있습니다. 무엇을 도와드릴까요?",
    ),
    (5, "customer", "카드를 재발급받고 싶어요"),
    (8, "agent", "네 확인해 드리겠습니다. 성함과 생년월일 말씀해 주세요."),
    (12, "customer", "이상훈 팔공일이오요"),
    (20, "agent", "재발급 신청해 드리겠습니다"),
    (60, "agent", "정리하면 새 카드는 모레 도착합니다"),
    (64, "customer", "네"),
    (90, "agent", "더 궁금하신 점 있으세요"),
    (93, "customer", "아니요"),
    (96, "agent", "감사합니다. 좋은 하루 되세요."),
)


def test_a_call_by_the_script_has_every_step_at_its_place_with_its_first_sentence_as_evidence() -> None:
    found = steps(*CALL)
    assert [name for name, step in found.items() if step.said and step.in_place] == list(found)
    evidence = {name: step.evidence.turn_id for name, step in found.items() if step.evidence}
    assert evidence == {
        "greeting": "t0001",
        "self_introduction": "t0001",
        "recording_notice": "t0001",
        "identity_check": "t0003",
        "need_check": "t0001",
        "summary": "t0006",
        "further_help": "t0008",
        "closing": "t0010",
    }


def test_what_is_not_said_has_neither_place_nor_evidence() -> None:
    found = steps((0, "agent", "네"), (3, "customer", "네"))
    assert {(step.said, step.in_place, step.evidence) for step in found.values()} == {(False, None, None)}


@pytest.mark.parametrize(("second", "in_place"), [(20, True), (21, False)])
def test_the_greeting_belongs_into_the_first_twenty_seconds_of_the_agent(second: int, in_place: bool) -> None:
    found = steps((5, "agent", "네"), (10, "customer", "여보세요"), (5 + second, "agent", "안녕하세요"))
    assert found["greeting"].in_place is in_place


def test_an_announcement_before_the_agent_costs_no_time_and_gives_the_recording_notice() -> None:
    found = steps(
        (0, "other", "안녕하세요 한빛카드입니다. 통화 내용은 녹음됩니다."),
        (40, "agent", "안녕하세요 상담사 김민지입니다"),
        (45, "customer", "네"),
    )
    assert found["recording_notice"].in_place is True
    assert found["greeting"].in_place is True
    assert found["greeting"].evidence is not None
    assert found["greeting"].evidence.turn_id == "t0002"


@pytest.mark.parametrize(("end", "in_place"), [(40, True), (60, False)])
def test_the_farewell_belongs_into_the_last_thirty_seconds(end: int, in_place: bool) -> None:
    found = steps((0, "agent", "네"), (10, "agent", "안녕히 계세요"), (end, "customer", "아 저 그런데요"))
    assert found["closing"].in_place is in_place


def test_a_farewell_too_early_that_is_said_again_at_the_end_stands_at_its_place() -> None:
    found = steps(
        (0, "agent", "좋은 하루 되세요"), (3, "customer", "잠깐만요"), (80, "agent", "네 안녕히 계세요")
    )
    assert found["closing"].in_place is True
    assert found["closing"].evidence is not None
    assert found["closing"].evidence.turn_id == "t0003"


@pytest.mark.parametrize(
    ("before", "in_place"),
    [
        ("그 부분은 처리가 불가합니다", False),
        ("대신 다른 요금제로 바꾸실 수 있습니다", False),
        ("해지 처리해 드리겠습니다", False),
        ("네 바로 확인해 드리겠습니다", True),
        ("네 도와드리겠습니다", True),
        ("네 말씀하세요", True),
    ],
)
def test_identity_is_checked_before_anything_is_refused_or_promised(before: str, in_place: bool) -> None:
    found = steps(
        (0, "agent", "안녕하세요"),
        (3, "customer", "해지하려고요"),
        (6, "agent", before),
        (9, "customer", "네"),
        (12, "agent", "성함이 어떻게 되세요"),
        (15, "customer", "네"),
    )
    assert found["identity_check"].in_place is in_place


def test_further_help_after_the_farewell_comes_too_late() -> None:
    found = steps(
        (0, "agent", "네"),
        (5, "agent", "좋은 하루 되세요"),
        (8, "customer", "네"),
        (10, "agent", "아 더 궁금하신 점 있으세요"),
    )
    assert found["further_help"].in_place is False


def test_english_steps() -> None:
    found = steps(
        (0, "agent", "Good morning, my name is Sarah. How can I help you today?"),
        (5, "customer", "I'd like to change my address."),
        (8, "agent", "Would you mind giving me your account number?"),
        (12, "customer", "Sure."),
        (20, "agent", "To recap, your new address is on file."),
        (24, "agent", "Is there anything else?"),
        (28, "customer", "No."),
        (30, "agent", "Have a great day."),
        language="en",
    )
    assert {name for name, step in found.items() if step.in_place} == set(found) - {"recording_notice"}


OWN = """
version: own
steps:
  - step: closing
    acts: [closing]
    last_ms: 5000
  - step: greeting
    phrases: {ko: [충성]}
"""


def test_a_tenant_has_a_script_of_its_own(tmp_path: Path) -> None:
    own = tmp_path / "script.yaml"
    own.write_text(OWN, encoding="utf-8")
    assert read(own).complaints == ()
    engine = AnalysisEngine(tables=Tables(tmp_path))
    said: tuple[Said, ...] = ((0, "agent", "충성"), (3, "agent", "안녕히 계세요"), (20, "customer", "네"))
    found = steps(*said, engine=engine)
    assert [(name, step.said, step.in_place) for name, step in found.items()] == [
        ("closing", True, False),
        ("greeting", True, True),
    ]
    assert document(*said, engine=engine).provenance.versions["script"] == "own"


@pytest.mark.parametrize(
    "wrong", ["steps: []", "steps: [{step: dance}]", "steps: [{step: closing, acts: [dance]}]"]
)
def test_a_script_that_names_what_does_not_exist_is_refused_with_the_place(
    wrong: str, tmp_path: Path
) -> None:
    own = tmp_path / "script.yaml"
    own.write_text(f"version: own\n{wrong}\n", encoding="utf-8")
    assert [complaint.line for complaint in read(own).complaints] == [2]


@pytest.mark.parametrize(
    ("language", "roles", "reason"),
    [("ko", False, SkipReason.ROLES_UNKNOWN), ("de", True, SkipReason.UNSUPPORTED_LANGUAGE)],
)
def test_without_parties_or_rules_it_is_skipped(language: str, roles: bool, reason: SkipReason) -> None:
    found = document((0, "agent", "음"), (3, "customer", "음"), language=language, roles=roles)
    assert found.quality is not None
    assert found.quality.script == ()
    assert reason in {s.reason for s in found.skipped if s.feature == "quality.script"}

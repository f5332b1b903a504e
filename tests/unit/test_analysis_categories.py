"""Categories: every filter, windows, negation, thresholds, and the shipped ones."""

import os
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from consumers.analysis import data
from consumers.analysis.category_rules import TABLE, CategoryTable, Condition, Window
from consumers.analysis.engine import AnalysisEngine
from consumers.analysis.intervals import Interval
from consumers.analysis.transcript import analyse_turns
from schemas.acts import Category
from schemas.document import CallDocument
from tests.unit.test_analysis_acts import ENGINE, call

Said = tuple[str, str, int, int]


@dataclass(slots=True)
class Engine:
    """Analyses calls with a table of one category that has one condition."""

    engine: AnalysisEngine
    file: Path
    written: int = 0

    def categorised(
        self, condition: dict[str, object], *said: Said, roles: bool = True
    ) -> tuple[Category, ...]:
        table = {"version": "1", "categories": [{"name": "x", "title": "x", "all": [condition]}]}
        self.file.write_text(yaml.safe_dump(table, allow_unicode=True), encoding="utf-8")
        self.written += 1
        os.utime(self.file, (self.written, self.written))
        turns = [{"speaker": s, "text": t, "start_ms": start, "end_ms": end} for s, t, start, end in said]
        given = {s: s for s, *_ in said} if roles else {}
        payload = {"call_id": "c", "language": "ko", "channels": 2, "roles": given, "turns": turns}
        return analyse_turns(self.engine, payload).categories


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """One engine for all: a table that changes is read anew, the tokeniser stays."""
    folder = tmp_path_factory.mktemp("rules")
    return Engine(AnalysisEngine(rules_dir=folder), folder / TABLE)


def test_phrases_match_morphemes_of_the_party_in_question(engine: Engine) -> None:
    condition: dict[str, object] = {"phrases": {"ko": ["환불 하"]}, "speaker": "customer"}
    asked = ("customer", "환불해 주세요", 0, 2000)
    (found,) = engine.categorised(condition, asked, ("agent", "환불하시겠어요", 3000, 5000))
    assert [(e.turn_id, e.start_ms, e.end_ms) for e in found.evidence] == [("t0001", 0, 2000)]


def test_sentiment_and_its_threshold(engine: Engine) -> None:
    condition: dict[str, object] = {"sentiment": "negative", "speaker": "customer", "at_least": 2}
    angry = ("customer", "너무 화가 나네요", 0, 2000)
    assert not engine.categorised(condition, angry)
    (found,) = engine.categorised(condition, angry, ("customer", "정말 짜증나네요", 3000, 5000))
    assert len(found.evidence) == 2


def test_evidence_of_one_moment_stands_in_the_order_in_which_it_is_said(engine: Engine) -> None:
    """Without word times all sentences of a turn begin at once; the same call gives the same document."""
    condition: dict[str, object] = {"sentiment": "negative"}
    angry = (
        "너무 화가 나네요. 정말 짜증나네요. 진짜 답답하네요. 너무 불편했어요. 정말 실망했어요. 너무 화나요."
    )
    (found,) = engine.categorised(condition, ("customer", angry, 0, 9000))
    assert [e.sentence_id for e in found.evidence] == [f"t0001.s{n}" for n in range(1, 7)]


def test_an_act_counts_once_a_sentence_with_its_kind_or_without(engine: Engine) -> None:
    threat = ("customer", "소비자원에 신고할 거예요", 0, 2000)
    (found,) = engine.categorised({"act": "escalation_cue"}, threat)
    assert len(found.evidence) == 1
    assert not engine.categorised({"act": "escalation_cue", "kind": "repeat_contact"}, threat)
    assert not engine.categorised({"act": "escalation_cue", "at_least": 2}, threat)


def test_interruption_by_a_party_of_a_length(engine: Engine) -> None:
    said = (
        ("customer", "제가 어제 주문한 세탁기 때문에요", 0, 5000),
        ("agent", "주문번호 말씀해 주시겠어요", 3000, 7000),
    )
    long: dict[str, object] = {"interruption_ms": 1500, "speaker": "agent"}
    (found,) = engine.categorised(long, *said)
    assert [(e.start_ms, e.end_ms, e.turn_id) for e in found.evidence] == [(3000, 5000, None)]
    assert not engine.categorised(long | {"interruption_ms": 2500}, *said)
    assert not engine.categorised(long | {"speaker": "customer"}, *said)


def test_non_talk_of_a_length(engine: Engine) -> None:
    said = (("customer", "네", 0, 1000), ("agent", "네", 13_000, 14_000))
    (found,) = engine.categorised({"non_talk_ms": 10_000}, *said)
    assert [(e.start_ms, e.end_ms) for e in found.evidence] == [(1000, 13_000)]
    assert not engine.categorised({"non_talk_ms": 12_500}, *said)


def test_negation_holds_where_there_is_nothing_and_has_no_evidence(engine: Engine) -> None:
    condition: dict[str, object] = {"act": "greeting", "speaker": "agent", "absent": True}
    (found,) = engine.categorised(condition, ("agent", "네", 0, 1000), ("customer", "네", 2000, 3000))
    assert found.evidence == ()
    assert not engine.categorised(condition, ("agent", "안녕하세요", 0, 1000), ("customer", "네", 2000, 3000))


@pytest.mark.parametrize(
    ("window", "inside"),
    [
        ({"first_ms": 10_000}, {10_000}),
        ({"last_ms": 20_000}, {90_000}),
        ({"start_ms": 20_000, "end_ms": 60_000}, {50_000}),
        ({"first_percent": 50}, {10_000, 50_000}),
        ({"last_percent": 10}, {90_000}),
        ({"start_percent": 40, "end_percent": 60}, {50_000}),
        ({}, {10_000, 50_000, 90_000}),
    ],
)
def test_windows_are_absolute_or_relative(window: dict[str, float], inside: set[int]) -> None:
    # The call begins at 1 s, and windows count from there.
    conversation = Interval(1000, 101_000)
    times = (10_000, 50_000, 90_000)
    assert {t for t in times if Window.model_validate(window).contains(t + 1000, conversation)} == inside


@pytest.mark.parametrize(
    "condition",
    [
        {},
        {"act": "greeting", "sentiment": "negative"},
        {"act": "hello"},
        {"kind": "legal_threat", "sentiment": "negative"},
        {"interruption_ms": 500},
        {"non_talk_ms": 5000, "speaker": "agent"},
        {"act": "greeting", "at_least": 0},
    ],
)
def test_a_condition_that_means_nothing_is_refused(condition: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Condition.model_validate(condition)


def test_where_nobody_knows_the_parties_what_asks_for_one_is_left_out(engine: Engine) -> None:
    said = (("S1", "네", 0, 1000), ("S2", "네", 13_000, 14_000))
    missing: dict[str, object] = {"act": "greeting", "speaker": "agent", "absent": True}
    assert engine.categorised(missing, *said, roles=False) == ()
    assert [c.name for c in engine.categorised({"non_talk_ms": 10_000}, *said, roles=False)] == ["x"]


def names(document: CallDocument) -> set[str]:
    return {category.name for category in document.categories}


def test_at_least_twelve_categories_are_shipped_in_korean_and_english() -> None:
    rules = data.load(TABLE, CategoryTable).categories
    assert len(rules) >= 12
    for rule in rules:
        for condition in rule.all:
            assert condition.phrases is None or (condition.phrases.ko and condition.phrases.en)


@pytest.mark.parametrize(
    ("name", "ko", "en"),
    [
        ("cancellation_threat", "다른 통신사로 옮길 거예요", "I'm switching to another provider"),
        ("repeat_contact", "지금 세 번째 전화하는 거예요", "This is the third time I'm calling"),
        ("supervisor_request", "책임자 바꿔 주세요", "I want to speak to a manager"),
        ("complaint_threat", "금감원에 민원 넣을 거예요", "I'm going to file a complaint"),
        ("legal_threat", "변호사 선임해서 소송할 거예요", "I'm getting a lawyer"),
        ("publicity_threat", "인터넷에 다 올릴 거예요", "I'll post about it on twitter"),
        ("abuse", "씨발 진짜", "this is bullshit"),
        ("unresolved_promise", "해 준다고 해 놓고 안 해 주잖아요", "They promised to call but nobody did"),
        ("payment_dispute", "카드에서 두 번 결제됐어요", "I was charged twice"),
        ("data_privacy_concern", "제 번호는 어떻게 아셨어요", "How did you get my number"),
    ],
)
def test_shipped_categories_of_the_customers_words(name: str, ko: str, en: str) -> None:
    assert name in names(call(("agent", "네"), ("customer", ko)))
    assert name in names(call(("agent", "Yes"), ("customer", en), language="en"))
    assert name not in names(call(("agent", "네"), ("customer", "네 알겠습니다")))


def test_what_the_agent_leaves_out_is_a_category() -> None:
    bare = names(call(("agent", "네"), ("customer", "네")))
    assert {"missing_greeting", "missing_recording_notice", "missing_closing"} <= bare
    whole = names(
        call(
            ("agent", "안녕하세요 통화 내용은 녹음됩니다"), ("customer", "네"), ("agent", "좋은 하루 되세요")
        )
    )
    assert not {"missing_greeting", "missing_recording_notice", "missing_closing"} & whole


def test_a_silence_is_dead_air_unless_the_agent_announced_it() -> None:
    def silent(before: str, length_ms: int) -> set[str]:
        turns = [
            {"speaker": "agent", "start_ms": 0, "end_ms": 2000, "text": before},
            {"speaker": "customer", "start_ms": 2000 + length_ms, "end_ms": 3000 + length_ms, "text": "네"},
        ]
        roles = {"agent": "agent", "customer": "customer"}
        payload = {"call_id": "c", "language": "ko", "roles": roles, "turns": turns}
        return names(analyse_turns(ENGINE, payload)) & {"dead_air", "long_hold"}

    assert silent("네 그렇군요", 15_000) == {"dead_air"}
    assert silent("잠시만 기다려 주세요", 15_000) == set()
    assert silent("잠시만 기다려 주세요", 65_000) == {"long_hold"}

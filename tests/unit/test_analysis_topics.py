"""Topics by a tenant's table: phrases, pairs, parties, places, thresholds."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from consumers.analysis import data
from consumers.analysis.engine import AnalysisEngine
from consumers.analysis.tables import Tables
from consumers.analysis.topics import LANGUAGES, TopicTable
from consumers.analysis.transcript import analyse_turns
from schemas.document import CallDocument
from schemas.outcome import Topic


def document(engine: AnalysisEngine, *said: tuple[str, str], language: str = "en") -> CallDocument:
    turns = [
        {"speaker": who, "start_ms": n * 2000, "end_ms": n * 2000 + 1500, "text": text}
        for n, (who, text) in enumerate(said)
    ]
    roles = {"agent": "agent", "customer": "customer"}
    return analyse_turns(
        engine, {"call_id": "c", "language": language, "channels": 2, "roles": roles, "turns": turns}
    )


def topics(folder: Path, rule: dict[str, Any], *said: tuple[str, str]) -> tuple[Topic, ...]:
    table = {"version": "t", "language": "en", "topics": [{"name": "x", "title": "X"} | rule]}
    (folder / "topics.en.yaml").write_text(yaml.safe_dump(table))
    return document(AnalysisEngine(tables=Tables(folder)), *said).topics


def test_korean_and_english_calls_get_their_topic_with_evidence() -> None:
    engine = AnalysisEngine()
    refund = document(
        engine, ("customer", "환불이 아직 안 들어왔어요"), ("agent", "환불 확인해 보겠습니다"), language="ko"
    )
    assert [t.name for t in refund.topics] == ["refund"]
    assert refund.topics[0].title == "환불"
    assert [e.turn_id for e in refund.topics[0].evidence] == ["t0001", "t0002"]
    parcel = document(engine, ("customer", "My parcel has not arrived and the tracking says nothing"))
    assert parcel.topics[0].name == "delivery"


def test_a_topic_needs_its_threshold(tmp_path: Path) -> None:
    rule = {"any": {"boat": 1.0}, "threshold": 3.0}
    assert topics(tmp_path, rule, ("agent", "a boat")) == ()
    assert len(topics(tmp_path, rule, ("agent", "a boat"), ("agent", "the boat"), ("agent", "boat"))) == 1


def test_one_phrase_counts_three_times_at_most(tmp_path: Path) -> None:
    rule = {"any": {"boat": 1.0}, "threshold": 4.6}
    assert topics(tmp_path, rule, *[("agent", "boat")] * 30) == ()


def test_what_the_customer_says_counts_half_as_much_again(tmp_path: Path) -> None:
    rule = {"any": {"boat": 1.0}, "threshold": 2.0, "from_percent": 0}
    assert topics(tmp_path, rule, ("agent", "boat")) == ()
    assert len(topics(tmp_path, rule, ("customer", "boat"))) == 1


def test_a_pair_needs_both_phrases_in_one_sentence(tmp_path: Path) -> None:
    rule = {"pairs": [{"both": ["boat", "lost"], "weight": 3.0}], "threshold": 3.0}
    assert topics(tmp_path, rule, ("customer", "the boat"), ("customer", "I lost it")) == ()
    assert len(topics(tmp_path, rule, ("customer", "I lost the boat"))) == 1


def test_a_rule_about_one_party_ignores_the_other(tmp_path: Path) -> None:
    rule = {"any": {"boat": 9.0}, "speaker": "customer"}
    assert topics(tmp_path, rule, ("agent", "boat")) == ()
    assert len(topics(tmp_path, rule, ("customer", "boat"))) == 1


def test_a_rule_about_one_stretch_of_the_call_ignores_the_rest(tmp_path: Path) -> None:
    rule = {"any": {"boat": 9.0}, "from_percent": 50}
    rest = [("agent", "well")] * 3
    assert topics(tmp_path, rule, ("customer", "boat"), *rest) == ()
    assert len(topics(tmp_path, rule, *rest, ("customer", "boat"))) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_shipped_topic_has_a_name_of_its_own_and_can_be_reached(language: str) -> None:
    table = data.load(f"topics.{language}.yaml", TopicTable)
    names = [topic.name for topic in table.topics]
    assert len(names) == len(set(names))
    for topic in table.topics:
        assert sum(topic.any.values()) + sum(p.weight for p in topic.pairs) >= topic.threshold


def test_both_languages_know_the_same_topics() -> None:
    korean, english = (data.load(f"topics.{language}.yaml", TopicTable) for language in LANGUAGES)
    assert {t.name for t in korean.topics} == {t.name for t in english.topics}

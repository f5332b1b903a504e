"""What readers of documents rely on: these names, in these places, in what ``callytics analyze --jsonl`` prints."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from typer.testing import CliRunner

from ops.cli.main import app
from schemas.document import CallDocument, json_schema

AGENT, CUSTOMER = "A", "C"
SAID: tuple[tuple[str, int, int, str], ...] = (
    (AGENT, 0, 4500, "안녕하세요 새벽택배 고객센터 상담원 민서준입니다 무엇을 도와드릴까요"),
    (CUSTOMER, 4800, 9000, "택배가 사흘째 안 와요 벌써 두 번이나 전화했는데 정말 화가 나네요"),
    (AGENT, 8200, 12000, "많이 답답하셨겠습니다 불편을 드려 죄송합니다 고객님"),
    (AGENT, 12300, 16000, "본인 확인을 위해 성함과 연락처를 말씀해 주시겠어요"),
    (CUSTOMER, 16300, 20000, "김도현이고요 공일공 일이삼사 오육칠팔이에요"),
    (AGENT, 20300, 22000, "잠시만 기다려 주세요 확인해 보겠습니다"),
    (AGENT, 29000, 32000, "기다려 주셔서 감사합니다"),
    (AGENT, 32000, 37000, "죄송하지만 오늘 배송은 어렵습니다 대신 가까운 지점에서 바로 찾으실 수 있습니다"),
    (CUSTOMER, 37300, 40000, "이럴 거면 해지하고 소비자원에 신고할 거예요 책임자 바꿔 주세요"),
    (AGENT, 40200, 45000, "내일 오전까지 꼭 배송되도록 하고 제가 오늘 여섯 시까지 연락드리겠습니다"),
    (CUSTOMER, 45300, 47000, "네 그럼 기다릴게요"),
    (AGENT, 47200, 49000, "더 궁금하신 점 있으실까요"),
    (CUSTOMER, 49200, 50000, "아니요 없어요"),
    (AGENT, 50200, 53000, "이용해 주셔서 감사합니다 좋은 하루 되세요"),
)

NAMES = (
    "call_id",
    "participants[].speaker",
    "participants[].role",
    "participants[].confidence",
    "turns[].id",
    "turns[].speaker",
    "turns[].role",
    "turns[].start_ms",
    "turns[].end_ms",
    "turns[].text",
    "turns[].sentences[].id",
    "turns[].sentences[].text",
    "turns[].sentences[].start_ms",
    "turns[].sentences[].end_ms",
    "turns[].sentences[].sentiment.label",
    "turns[].sentences[].sentiment.score",
    "turns[].sentences[].acts[]",
    "conversation.duration_ms",
    "conversation.talk_time_ms.agent",
    "conversation.talk_time_ms.customer",
    "conversation.non_talk.total_ms",
    "conversation.non_talk.longest_ms",
    "conversation.non_talk.instances[]",
    "conversation.hold",
    "conversation.interruptions.agent.count",
    "conversation.interruptions.agent.total_ms",
    "conversation.interruptions.agent.instances[]",
    "conversation.interruptions.customer.count",
    "conversation.interruptions.customer.total_ms",
    "sentiment.customer.label",
    "sentiment.customer.score",
    "sentiment.customer.quarters[]",
    "sentiment.customer.trend",
    "sentiment.agent.label",
    *(
        f"acts.{act}"
        for act in (
            "greeting",
            "closing",
            "identity_check",
            "apology",
            "empathy",
            "cushion",
            "alternative",
            "thanks",
            "refusal",
        )
    ),
    "quality",
    "scorecard.total",
    "scorecard.items[]",
    "categories[]",
    "escalation.detected",
    "escalation.index",
    "escalation.events[]",
    "outcome.label",
    "outcome.confidence",
    "outcome.evidence[]",
    "summary",
    "topics[]",
    "keywords[]",
    "pii[].type",
    "pii[].turn_id",
    "pii[].start_ms",
    "pii[].end_ms",
    "skipped",
    "provenance",
)


@cache
def printed() -> Mapping[str, Any]:
    """The document of the call above, as the command prints it."""
    turns = [
        {
            "speaker": speaker,
            "start_ms": start_ms,
            "end_ms": end_ms,
            "text": text,
            "words": words(text, start_ms, end_ms),
        }
        for speaker, start_ms, end_ms, text in SAID
    ]
    call = {"call_id": "contract-1", "language": "ko", "direction": "inbound", "channels": 2, "turns": turns}
    with TemporaryDirectory() as folder:
        file = Path(folder) / "calls.jsonl"
        file.write_text(json.dumps(call, ensure_ascii=False) + "\n", encoding="utf-8")
        result = CliRunner().invoke(app, ["analyze", "--jsonl", str(file)])
    assert result.exit_code == 0, result.output
    (line,) = result.stdout.splitlines()
    document: dict[str, Any] = json.loads(line)
    return document


def words(text: str, start_ms: int, end_ms: int) -> list[dict[str, Any]]:
    """The words of a text, equally long."""
    each = text.split()
    step = (end_ms - start_ms) // len(each)
    return [
        {"word": word, "start_ms": start_ms + n * step, "end_ms": start_ms + (n + 1) * step}
        for n, word in enumerate(each)
    ]


def reach(values: list[Any], path: str) -> list[Any]:
    """Every value at a path; ``[]`` goes through all entries of a list."""
    for part in path.split("."):
        name = part.removesuffix("[]")
        values = [value[name] for value in values if value is not None]
        if part.endswith("[]"):
            assert all(isinstance(value, list) for value in values)
            values = [entry for value in values for entry in value]
    return values


@pytest.mark.parametrize("path", NAMES)
def test_a_name_of_the_contract_is_there_and_has_a_value(path: str) -> None:
    assert any(value is not None for value in reach([printed()], path))


def test_no_analyser_raised_on_it() -> None:
    assert [s for s in printed()["skipped"] if s["reason"] == "bug"] == []


def test_every_sentence_lies_in_its_turn_and_together_they_are_its_text() -> None:
    for turn in printed()["turns"]:
        assert "".join(sentence["text"] for sentence in turn["sentences"]) == turn["text"]
        for sentence in turn["sentences"]:
            assert turn["start_ms"] <= sentence["start_ms"] <= sentence["end_ms"] <= turn["end_ms"]


def test_the_printed_document_is_one_that_the_records_accept() -> None:
    document = CallDocument.model_validate(printed())
    assert document.model_dump(mode="json") == printed()


def test_the_json_schema_names_everything_that_is_printed() -> None:
    """Every object of the document has only keys that the schema knows, and all that it requires."""
    schema = json_schema()
    faults = list(mismatches(printed(), schema, schema["$defs"], "document"))
    assert faults == []


def mismatches(value: Any, schema: Any, definitions: Any, place: str) -> list[str]:
    """What a value has against the structure of its schema: types, keys, enumerations."""
    if "$ref" in schema:
        return mismatches(value, definitions[schema["$ref"].rsplit("/", 1)[1]], definitions, place)
    if "anyOf" in schema:
        tries = [mismatches(value, option, definitions, place) for option in schema["anyOf"]]
        return min(tries, key=len)
    if not isinstance(value, KINDS[schema["type"]] if "type" in schema else object):
        return [f"{place}: {type(value).__name__} for {schema['type']}"]
    if isinstance(value, dict):
        return _in_object(value, schema, definitions, place)
    if isinstance(value, list):
        items = schema.get("items", {})
        return [f for n, v in enumerate(value) for f in mismatches(v, items, definitions, f"{place}[{n}]")]
    is_allowed = value in schema.get("enum", [value]) and value == schema.get("const", value)
    return [] if is_allowed else [f"{place}: {value!r} is none of its values"]


KINDS: Mapping[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}


def _in_object(value: dict[str, Any], schema: Any, definitions: Any, place: str) -> list[str]:
    known, others = schema.get("properties", {}), schema.get("additionalProperties", True)
    missing = [f"{place}.{key} is missing" for key in schema.get("required", ()) if key not in value]
    unknown = [f"{place}.{key} is unknown" for key in value if key not in known and others is False]
    inside = [
        fault
        for key, entry in value.items()
        for fault in mismatches(
            entry, known.get(key, others if isinstance(others, dict) else {}), definitions, f"{place}.{key}"
        )
    ]
    return missing + unknown + inside

"""The records mirror the Avro schemas, the schemas keep to the house rules, and each event has its topic."""

import types
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, Final, Union, get_args, get_origin

import fastavro
import pytest
from pydantic import BaseModel

from schemas.codec import EVENTS, versions
from schemas.records import (
    CallEnded,
    Event,
)
from schemas.topics import DEAD_LETTERS, STAGES, TOPICS, dead_letter_topic, topic_of

SUBJECTS: Final = [event.SUBJECT for event in EVENTS]


def named_types(schema: Any) -> dict[str, Any]:
    """Every record and enum of a schema by its unqualified name, nested ones replaced by their names."""
    names: dict[str, Any] = {}
    fastavro.parse_schema(schema, named_schemas=names)
    return {name.rpartition(".")[2]: outline(definition) for name, definition in names.items()}


def outline(definition: Any) -> Any:
    """A definition in which each named type below the top is only its name."""
    if definition["type"] == "enum":
        return {"symbols": definition["symbols"], "default": definition.get("default"), "type": "enum"}
    fields = [{**field, "type": reference(field["type"])} for field in definition["fields"]]
    return {"type": "record", "fields": fields}


def reference(avro: Any) -> Any:
    if isinstance(avro, list):
        return [reference(branch) for branch in avro]
    if isinstance(avro, dict):
        if avro["type"] == "array":
            return {"type": "array", "items": reference(avro["items"])}
        if avro["type"] == "map":
            return {"type": "map", "values": reference(avro["values"])}
        return avro["name"].rpartition(".")[2] if "name" in avro else avro["type"]
    return avro.rpartition(".")[2]


def symbols_of(found: type[StrEnum]) -> list[str]:
    return [symbol.value for symbol in found]


PRIMITIVES: Final = {str: {"string"}, int: {"int", "long"}, float: {"double"}}


def mirrors(annotation: Any, avro: Any) -> bool:
    """Whether a record's annotation says what the Avro type says."""
    arguments, origin = get_args(annotation), get_origin(annotation)
    if hasattr(annotation, "__metadata__"):
        return mirrors(arguments[0], avro)
    if origin in {Union, types.UnionType}:
        (inner,) = (argument for argument in arguments if argument is not type(None))
        return isinstance(avro, list) and len(avro) == 2 and avro[0] == "null" and mirrors(inner, avro[1])
    if origin is tuple:
        return isinstance(avro, dict) and avro["type"] == "array" and mirrors(arguments[0], avro["items"])
    if origin is Mapping:
        return isinstance(avro, dict) and avro["type"] == "map" and mirrors(arguments[1], avro["values"])
    if annotation in PRIMITIVES:
        return isinstance(avro, str) and avro in PRIMITIVES[annotation]
    return bool(annotation.__name__ == avro)


def python_types(annotation: Any) -> Iterator[Any]:
    """The records and enums an annotation reaches, itself included."""
    for argument in get_args(annotation):
        yield from python_types(argument)
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        yield annotation
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from python_types(field.annotation)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.SUBJECT)
def test_records_mirror_the_newest_schema_field_by_field(event: type[Event]) -> None:
    """Same types, same fields in the same order, same optionality, same defaults, same symbols."""
    avro = named_types(versions(event.SUBJECT)[-1])
    python = {found.__name__: found for found in python_types(event)}
    assert set(python) == set(avro)
    for name, found in python.items():
        if issubclass(found, StrEnum):
            assert avro[name]["symbols"] == symbols_of(found), name
            continue
        fields = {field["name"]: field for field in avro[name]["fields"]}
        assert list(fields) == list(found.model_fields), name
        for key, info in found.model_fields.items():
            assert mirrors(info.annotation, fields[key]["type"]), f"{name}.{key}"
            assert info.is_required() == ("default" not in fields[key]), f"{name}.{key}"
            if not info.is_required():
                default = list(info.default) if isinstance(info.default, tuple) else info.default
                assert default == fields[key]["default"], f"{name}.{key}"


@pytest.mark.parametrize("subject", SUBJECTS)
def test_every_enum_is_closed_with_unknown_as_its_default(subject: str) -> None:
    enums = [found for found in named_types(versions(subject)[-1]).values() if found["type"] == "enum"]
    assert enums
    assert all(found["symbols"][0] == found["default"] == "unknown" for found in enums)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_times_are_long_and_every_time_is_in_milliseconds(subject: str) -> None:
    for found in named_types(versions(subject)[-1]).values():
        for field in found.get("fields", ()):
            is_long = field["type"] in ("long", ["null", "long"])
            assert is_long == field["name"].endswith("_ms"), field["name"]


def test_shared_types_are_the_same_in_every_subject() -> None:
    first: dict[str, Any] = {}
    shared = set()
    for subject in SUBJECTS:
        for name, definition in named_types(versions(subject)[-1]).items():
            if name in first:
                shared.add(name)
                assert first[name] == definition, f"{name} of {subject} differs"
            first[name] = definition
    assert {"Call", "Recording", "Role", "Direction", "StageError", "Audio"} <= shared


def test_every_event_has_one_topic_keyed_by_a_field_of_its_own() -> None:
    names = [topic.name for topic in TOPICS]
    assert len(set(names)) == len(names)
    for event in EVENTS:
        topic = topic_of(event)
        assert topic.event is event
        assert topic.key in event.model_fields


def test_every_stage_has_a_dead_letter_topic_that_outlives_its_source() -> None:
    assert [topic.name for topic in DEAD_LETTERS] == [dead_letter_topic(stage) for stage in STAGES]
    source = topic_of(CallEnded)
    assert all(topic.retention_ms > source.retention_ms and topic.event is None for topic in DEAD_LETTERS)
    assert set(DEAD_LETTERS) <= set(TOPICS)


def test_a_dead_letter_topic_of_no_stage_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown stage 'billing', use one of transcription"):
        dead_letter_topic("billing")

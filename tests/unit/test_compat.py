"""FULL_TRANSITIVE: all versions of a subject read one another, and the checker sees it when they do not."""

import json
from typing import Any, Final

import pytest

from schemas.codec import EVENTS, versions
from schemas.compat import full_transitive, incompatibilities

SUBJECTS: Final = [event.SUBJECT for event in EVENTS]


@pytest.mark.parametrize("subject", SUBJECTS)
def test_all_versions_read_one_another(subject: str) -> None:
    assert full_transitive(versions(subject)) == []


def record(*fields: Any, name: str = "R", **more: Any) -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": list(fields), **more}


def a(avro: Any, **more: Any) -> dict[str, Any]:
    return {"name": "a", "type": avro, **more}


def enum(*symbols: str, **more: Any) -> dict[str, Any]:
    return {"type": "enum", "name": "E", "symbols": list(symbols), **more}


def array(items: Any) -> dict[str, Any]:
    return {"type": "array", "items": items}


def mapping(values: Any) -> dict[str, Any]:
    return {"type": "map", "values": values}


def fixed(size: int) -> dict[str, Any]:
    return {"type": "fixed", "name": "F", "size": size}


UNREADABLE: Final = {
    "field without default is missing": (record(a("int")), record(), "$.a: the writer has no such field"),
    "narrowed": (record(a("int")), record(a("long")), "$.a: long is not readable as int"),
    "float narrowed": ("float", "double", "$: double is not readable as float"),
    "changed type": ("string", "int", "$: int is not readable as string"),
    "boolean is no number": ("int", "boolean", "$: boolean is not readable as int"),
    "enum without default": (enum("x"), enum("x", "y"), "$: the reader's enum has neither y nor a default"),
    "no longer optional": ("string", ["null", "string"], "$: null is not readable as string"),
    "union lost a branch": (
        ["null", "int"],
        ["null", "string"],
        "$: the reader's union has no branch for string",
    ),
    "array items": (array("int"), array("string"), "$[]: string is not readable as int"),
    "map values": (mapping("int"), mapping("string"), "${}: string is not readable as int"),
    "array is no map": (mapping("int"), array("int"), "$: array is not readable as map"),
    "renamed": (record(name="New"), record(name="Old"), "$: record Old is not readable as record New"),
    "fixed size": (fixed(4), fixed(8), "$: fixed of 8 bytes is not readable as 4 bytes"),
    "nested": (
        record(a(["null", array(record({"name": "b", "type": "int"}, name="N"))], default=None)),
        record(a(["null", array(record(name="N"))], default=None)),
        "$.a: the reader's union has no branch for array",
    ),
    "recursive": (
        record(a(["null", "R"]), {"name": "b", "type": "int"}),
        record(a(["null", "R"])),
        "$.b: the writer has no such field",
    ),
}
READABLE: Final = {
    "new field with default": (record(a("int", default=0)), record()),
    "removed field": (record(), record(a("int"))),
    "promoted": (record(a("double")), record(a("int"))),
    "text as bytes": ("bytes", "string"),
    "enum with default": (enum("x", default="x"), enum("x", "y")),
    "now optional": (["null", "string"], "string"),
    "promoted in a union": (["null", "double"], ["null", "int"]),
    "widened in a list": (array(["null", "long"]), array("int")),
    "renamed field with alias": (
        record({"name": "b", "type": "int", "aliases": ["a"]}),
        record(a("int")),
    ),
    "renamed record with alias": (record(name="New", aliases=["Old"]), record(name="Old")),
    "other namespace": (record(namespace="one"), record(namespace="two")),
    "spelled out": ({"type": "long"}, "int"),
    "recursive": (record(a(["null", "R"])), record(a(["null", "R"]))),
}


@pytest.mark.parametrize(("reader", "writer", "problem"), UNREADABLE.values(), ids=UNREADABLE)
def test_the_checker_finds_what_breaks_reading(reader: Any, writer: Any, problem: str) -> None:
    found = incompatibilities(reader, writer)
    assert len(found) == 1
    assert found[0].startswith(problem)


@pytest.mark.parametrize(("reader", "writer"), READABLE.values(), ids=READABLE)
def test_the_checker_lets_pass_what_is_readable(reader: Any, writer: Any) -> None:
    assert incompatibilities(reader, writer) == []


def test_full_transitive_looks_in_both_directions_and_past_the_neighbour() -> None:
    """v3 brings back with another type what v2 had dropped: only the pair v1, v3 shows it."""
    first, second, third = record(a("int", default=0)), record(), record(a("string", default=""))
    assert full_transitive([first, second]) == []
    assert full_transitive([second, third]) == []
    assert full_transitive([first, second, third]) == [
        "v1 cannot read v3: $.a: string is not readable as int",
        "v3 cannot read v1: $.a: int is not readable as string",
    ]


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_seeded_break_of_our_own_schemas_is_found(subject: str) -> None:
    newest = json.loads(json.dumps(versions(subject)[-1]))
    newest["fields"].append({"name": "site", "type": "string"})
    assert full_transitive([*versions(subject), newest])[-1].startswith("v2 cannot read v1: $.site")

"""Whether schemas can read one another: the Avro rules of schema resolution.

FULL_TRANSITIVE means that every version of a subject reads every other one, so that services roll in any
order and a replay of old events always works.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from typing import Any, Final

import fastavro

_PROMOTIONS: Final[Mapping[str, frozenset[str]]] = {
    "int": frozenset({"long", "float", "double"}),
    "long": frozenset({"float", "double"}),
    "float": frozenset({"double"}),
    "string": frozenset({"bytes"}),
    "bytes": frozenset({"string"}),
}


def full_transitive(versions: Sequence[Any]) -> list[str]:
    """What stands in the way of any version reading any other, oldest first; empty when nothing does."""
    numbered = list(enumerate(versions, start=1))
    return [
        f"v{reads} cannot read v{wrote}: {problem}"
        for (reads, reader), (wrote, writer) in permutations(numbered, 2)
        for problem in incompatibilities(reader, writer)
    ]


def incompatibilities(reader: Any, writer: Any) -> list[str]:
    """Why ``reader`` cannot read what ``writer`` wrote, one line a place; both are parsed JSON."""
    reader_names: dict[str, Any] = {}
    writer_names: dict[str, Any] = {}
    reader = fastavro.parse_schema(reader, named_schemas=reader_names)
    writer = fastavro.parse_schema(writer, named_schemas=writer_names)
    return list(_Resolution(reader_names, writer_names).problems(reader, writer, "$"))


@dataclass(frozen=True, slots=True)
class _Resolution:
    """Walks two schemas side by side. ``_seen`` ends the walk where a record contains itself."""

    reader_names: Mapping[str, Any]
    writer_names: Mapping[str, Any]
    _seen: set[tuple[str, str]] = field(default_factory=set)

    def problems(self, reader: Any, writer: Any, path: str) -> Iterator[str]:
        """All places below ``path`` at which the reader cannot follow the writer."""
        reader = _resolved(reader, self.reader_names)
        writer = _resolved(writer, self.writer_names)
        if isinstance(writer, list):
            for branch in writer:
                yield from self.problems(reader, branch, path)
        elif isinstance(reader, list):
            if not any(self._reads(branch, writer, path) for branch in reader):
                yield f"{path}: the reader's union has no branch for {_label(writer)}"
        else:
            yield from self._of_types(reader, writer, path)

    def _reads(self, reader: Any, writer: Any, path: str) -> bool:
        # A trial of one branch must not mark its records as seen for the branches after it.
        trial = _Resolution(self.reader_names, self.writer_names, set(self._seen))
        return next(trial.problems(reader, writer, path), None) is None

    def _of_types(self, reader: Any, writer: Any, path: str) -> Iterator[str]:
        """Two types, neither of them a union."""
        kind = _kind(reader)
        if kind != _kind(writer):
            if kind not in _PROMOTIONS.get(_kind(writer), ()):
                yield f"{path}: {_label(writer)} is not readable as {_label(reader)}"
        elif kind == "array":
            yield from self.problems(reader["items"], writer["items"], f"{path}[]")
        elif kind == "map":
            yield from self.problems(reader["values"], writer["values"], f"{path}{{}}")
        elif kind in {"record", "error", "enum", "fixed"}:
            yield from self._of_named(reader, writer, path)

    def _of_named(self, reader: Any, writer: Any, path: str) -> Iterator[str]:
        if not _same_name(reader, writer):
            yield f"{path}: {_label(writer)} is not readable as {_label(reader)}"
        elif reader["type"] == "enum":
            yield from _of_enums(reader, writer, path)
        elif reader["type"] == "fixed":
            if reader["size"] != writer["size"]:
                yield f"{path}: fixed of {writer['size']} bytes is not readable as {reader['size']} bytes"
        elif (reader["name"], writer["name"]) not in self._seen:
            self._seen.add((reader["name"], writer["name"]))
            yield from self._of_records(reader, writer, path)

    def _of_records(self, reader: Any, writer: Any, path: str) -> Iterator[str]:
        written = {item["name"]: item for item in writer["fields"]}
        for item in reader["fields"]:
            names = (item["name"], *item.get("aliases", ()))
            match = next((written[name] for name in names if name in written), None)
            place = f"{path}.{item['name']}"
            if match is not None:
                yield from self.problems(item["type"], match["type"], place)
            elif "default" not in item:
                yield f"{place}: the writer has no such field and the reader has no default for it"


def _of_enums(reader: Any, writer: Any, path: str) -> Iterator[str]:
    unknown = [symbol for symbol in writer["symbols"] if symbol not in reader["symbols"]]
    if unknown and "default" not in reader:
        yield f"{path}: the reader's enum has neither {', '.join(unknown)} nor a default"


def _resolved(schema: Any, names: Mapping[str, Any]) -> Any:
    """A name becomes the type it stands for, ``{"type": "string"}`` becomes ``"string"``."""
    if isinstance(schema, str):
        return names.get(schema, schema)
    if isinstance(schema, dict) and schema["type"] in {*_PROMOTIONS, "null", "boolean", "double"}:
        return schema["type"]
    return schema


def _kind(schema: Any) -> str:
    return str(schema["type"]) if isinstance(schema, dict) else str(schema)


def _label(schema: Any) -> str:
    name = schema.get("name") if isinstance(schema, dict) else None
    return f"{_kind(schema)} {name}" if name else _kind(schema)


def _same_name(reader: Any, writer: Any) -> bool:
    """Unqualified names decide, and the reader may know the type under an alias."""
    names = (reader["name"], *reader.get("aliases", ()))
    return _unqualified(writer["name"]) in {_unqualified(name) for name in names}


def _unqualified(name: str) -> str:
    return name.rpartition(".")[2]

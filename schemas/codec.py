"""Events to bytes and back: Avro under one of two headers.

* With a schema registry: Confluent framing, ``0x00`` and the schema's id, 4 bytes big-endian.
* Without: Avro single-object encoding, ``0xC3 0x01`` and the CRC-64-AVRO fingerprint of the schema's Parsing
  Canonical Form, 8 bytes little-endian (Avro 1.12 specification, "Single object encoding").

Reading takes both. The header names the writer's schema; the reader's is the newest of the subject.
"""

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from io import BytesIO
from typing import Any, Final, Protocol, TypeVar

import fastavro
from fastavro.schema import SchemaParseException, UnknownType, fingerprint, to_parsing_canonical_form
from fastavro.validation import ValidationError as AvroValidationError
from fastavro.validation import validate
from pydantic import ValidationError

from schemas.records import Event
from schemas.topics import EVENT_TOPICS

E = TypeVar("E", bound=Event)
Schema = Mapping[str, Any]

EVENTS: Final = tuple(topic.event for topic in EVENT_TOPICS if topic.event is not None)
_NAMESPACE: Final = "callytics"
_SINGLE_OBJECT_MARKER: Final = b"\xc3\x01"
_REGISTRY_MARKER: Final = b"\x00"
_SINGLE_OBJECT_HEADER_BYTES: Final = 10
_REGISTRY_HEADER: Final = struct.Struct(">cI")


class EncodeError(ValueError):
    """The event does not fit its schema, such as a number beyond 32 bits in an Avro ``int``."""


class DecodeError(ValueError):
    """The bytes are not an event that was expected here. The text never quotes the payload."""


class RegistryIds(Protocol):
    """What the codec asks of a schema registry. Nothing waits but a schema's id that is met for the first time."""

    def id_of(self, subject: str) -> int:
        """Id of the subject's newest version in this release; the subject is ``Event.SUBJECT``."""

    def schema_of(self, schema_id: int) -> Schema:
        """The writer's schema as parsed JSON, without references; KeyError when the id is unknown.

        An error of its own when the registry has to be asked and does not answer: it passes through the codec.
        """


@dataclass(frozen=True, slots=True)
class _Writer:
    """A schema that bytes were written with, ready for fastavro, and the event it describes."""

    event: type[Event]
    parsed: Any


@cache
def versions(subject: str) -> tuple[Schema, ...]:
    """All released schemas of a subject, oldest first; KeyError for an unknown subject."""
    folder = files("schemas") / "avro" / subject
    if not folder.is_dir():
        raise KeyError(subject)
    found = {int(file.name[1:-5]): file for file in folder.iterdir() if file.name.endswith(".avsc")}
    return tuple(json.loads(found[number].read_text(encoding="utf-8")) for number in sorted(found))


def single_object_header(schema: Schema) -> bytes:
    """The ten bytes before an event written with ``schema``."""
    canonical = to_parsing_canonical_form(dict(schema))
    # fastavro gives the hexadecimal text of the little-endian bytes, which is the order on the wire.
    return _SINGLE_OBJECT_MARKER + bytes.fromhex(fingerprint(canonical, "CRC-64-AVRO"))


class Codec:
    """Encodes and decodes events; with ``ids`` it writes the registry's framing and can read it."""

    def __init__(self, ids: RegistryIds | None = None) -> None:
        self._ids = ids
        self._by_id: dict[int, _Writer] = {}

    def encode(self, event: Event) -> bytes:
        """The event under the newest schema of its subject; EncodeError when it does not fit."""
        schema, datum = _newest(type(event)), event.model_dump()
        # Without messages first: writing them takes longer than all the rest.
        if not validate(datum, schema, raise_errors=False, strict=True):
            fields = ", ".join(_misfits(datum, schema))
            raise EncodeError(f"{type(event).__name__} does not fit its Avro schema at: {fields}")
        out = BytesIO()
        out.write(self._header(type(event)))
        fastavro.schemaless_writer(out, schema, datum)
        return out.getvalue()

    def decode(self, data: bytes, expected: type[E] | tuple[type[E], ...]) -> E:
        """The event in ``data``, of the expected type or of one of them; DecodeError otherwise."""
        writer, start = self._writer(data)
        types = expected if isinstance(expected, tuple) else (expected,)
        for event_type in types:
            if event_type is writer.event:
                return _read(data, start, writer.parsed, event_type)
        names = " or ".join(event_type.__name__ for event_type in types)
        raise DecodeError(f"a {writer.event.__name__} came where {names} was expected: check the topic")

    def knows(self, data: bytes) -> bool:
        """Whether decoding needs nothing from the registry: the writer's schema was met before or is our own."""
        if data[:1] != _REGISTRY_MARKER or len(data) < _REGISTRY_HEADER.size:
            return True
        return _REGISTRY_HEADER.unpack_from(data)[1] in self._by_id

    def _header(self, event_type: type[Event]) -> bytes:
        if self._ids is None:
            return _own_header(event_type)
        return _REGISTRY_HEADER.pack(_REGISTRY_MARKER, self._ids.id_of(event_type.SUBJECT))

    def _writer(self, data: bytes) -> tuple[_Writer, int]:
        """The writer's schema and the offset at which the Avro bytes start."""
        if data[:2] == _SINGLE_OBJECT_MARKER and len(data) >= _SINGLE_OBJECT_HEADER_BYTES:
            return _by_header(data[:_SINGLE_OBJECT_HEADER_BYTES]), _SINGLE_OBJECT_HEADER_BYTES
        if data[:1] == _REGISTRY_MARKER and len(data) >= _REGISTRY_HEADER.size:
            _, schema_id = _REGISTRY_HEADER.unpack_from(data)
            return self._by_schema_id(schema_id), _REGISTRY_HEADER.size
        raise DecodeError(
            "neither Avro single-object encoding nor registry framing: "
            "check that the producer writes Callytics events to this topic"
        )

    def _by_schema_id(self, schema_id: int) -> _Writer:
        """An id stands for one schema for ever, so what was looked up once stays."""
        if self._ids is None:
            raise DecodeError(f"written with registry schema id {schema_id}: set the schema registry's URL")
        if schema_id not in self._by_id:
            try:
                schema = self._ids.schema_of(schema_id)
            except KeyError:
                raise DecodeError(
                    f"schema id {schema_id} is unknown to the registry: "
                    "check that producer and consumer use the same one"
                ) from None
            self._by_id[schema_id] = _foreign_writer(schema, schema_id)
        return self._by_id[schema_id]


@cache
def _own_header(event_type: type[Event]) -> bytes:
    return single_object_header(versions(event_type.SUBJECT)[-1])


def _misfits(datum: Mapping[str, Any], schema: Any) -> list[str]:
    """The fields that do not fit."""
    try:
        validate(datum, schema, strict=True)
    except AvroValidationError as error:
        # Field names only: the error quotes the call.
        return [str(item.field) for item in error.errors]
    return []


def _parse(schema: Schema) -> Any:
    """Parsed apart from all others: subjects define the same names, each in its own file."""
    return fastavro.parse_schema(dict(schema), named_schemas={})


@cache
def _newest(event_type: type[Event]) -> Any:
    return _parse(versions(event_type.SUBJECT)[-1])


@cache
def _released() -> dict[bytes, _Writer]:
    """Every released schema by its single-object header."""
    return {
        single_object_header(schema): _Writer(event, _parse(schema))
        for event in EVENTS
        for schema in versions(event.SUBJECT)
    }


def _by_header(header: bytes) -> _Writer:
    try:
        return _released()[header]
    except KeyError:
        fingerprint_hex = header[2:][::-1].hex()
        raise DecodeError(
            f"schema fingerprint {fingerprint_hex} is unknown: "
            "upgrade this service to a release that has the writer's schema"
        ) from None


def _foreign_writer(schema: Schema, schema_id: int) -> _Writer:
    """A schema from the registry; it must be a version of one of our events."""
    try:
        parsed = _parse(schema)
        name = parsed["name"]
    except (SchemaParseException, UnknownType, LookupError, TypeError, ValueError):
        raise DecodeError(f"schema id {schema_id} is no readable Avro record schema") from None
    for event in EVENTS:
        if name == f"{_NAMESPACE}.{event.__name__}":
            return _Writer(event, parsed)
    raise DecodeError(f"schema id {schema_id} describes {name}, which is no Callytics event: check the topic")


def _read(data: bytes, start: int, writer: Any, event_type: type[E]) -> E:
    source = BytesIO(data)
    source.seek(start)
    name = event_type.__name__
    try:
        datum = fastavro.schemaless_reader(source, writer, _newest(event_type))
    except Exception as error:  # noqa: BLE001 - fastavro names no set of errors for bad bytes
        # "from None" here and below: the causes quote or hold the payload.
        raise DecodeError(f"the bytes are no {name} ({type(error).__name__}): damaged or cut short") from None
    if source.tell() != len(data):
        raise DecodeError(f"{len(data) - source.tell()} bytes follow the {name}: not written by this schema")
    try:
        return event_type.model_validate(datum)
    except ValidationError as error:
        places = ", ".join(
            f"{'.'.join(map(str, item['loc']))} ({item['type']})"
            for item in error.errors(include_url=False, include_context=False, include_input=False)
        )
        raise DecodeError(f"the {name} breaks the contract at: {places}") from None

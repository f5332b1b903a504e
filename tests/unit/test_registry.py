"""The registry's client: what is asked when, and what is told when the registry is away. No server here."""

import json
import struct
from typing import Any

import pytest
from confluent_kafka.schema_registry import RegisteredSchema, SchemaRegistryError
from confluent_kafka.schema_registry import Schema as RegistrySchema
from pydantic import SecretStr

from infra import registry as module
from infra.errors import ErrorCode, Fatal, Poison, Unavailable
from infra.registry import RegisteredIds, SchemaRegistry, codec_for, registry_subjects
from infra.settings import Settings
from ops.cli.schemas import local_problems, registered, registry_problems
from schemas.codec import EVENTS, Codec, DecodeError, Schema, versions
from schemas.records import Call, CallEnded, Recording

EVENT = CallEnded(
    event_id="e-1",
    call_id="c-1",
    run_id="r-1",
    produced_at_ms=1,
    call=Call(recording=Recording(uri="s3://recordings/1.wav")),
)
ENDED = "calls.ended-value"
UNKNOWN = SchemaRegistryError(404, 40403, "not found")


class Server:
    """The registry's answers, in memory, under the client's names; ``away`` raises as a dead connection does."""

    def __init__(self) -> None:
        self.subjects: dict[str, list[int]] = {}
        self.texts: dict[int, RegistrySchema] = {}
        self.levels: dict[str, str] = {}
        self.error: Exception | None = None
        self.asked: list[str] = []
        self.compatible = True

    def _answer(self, question: str) -> None:
        self.asked.append(question)
        if self.error is not None:
            raise self.error

    def add(self, schema: Schema, subject: str | None = None) -> int:
        return self.add_text(RegistrySchema(json.dumps(schema), "AVRO"), subject)

    def add_text(self, schema: RegistrySchema, subject: str | None = None) -> int:
        schema_id = 101 + len(self.texts)
        self.texts[schema_id] = schema
        if subject:
            self.subjects.setdefault(subject, []).append(schema_id)
        return schema_id

    def close(self) -> None:
        self.asked.append("close")

    def lookup_schema(self, subject: str, schema: RegistrySchema) -> RegisteredSchema:
        self._answer("lookup")
        for schema_id in self.subjects.get(subject, ()):
            if json.loads(self.texts[schema_id].schema_str or "") == json.loads(schema.schema_str or ""):
                return self._registered(subject, schema_id)
        raise UNKNOWN

    def get_versions(self, subject: str) -> list[int]:
        self._answer("versions")
        if subject not in self.subjects:
            raise UNKNOWN
        return list(range(1, len(self.subjects[subject]) + 1))

    def get_version(self, subject: str, number: int) -> RegisteredSchema:
        self._answer("version")
        return self._registered(subject, self.subjects[subject][number - 1])

    def get_schema(self, schema_id: int) -> RegistrySchema:
        self._answer("schema")
        if schema_id not in self.texts:
            raise UNKNOWN
        return self.texts[schema_id]

    def register_schema(self, subject: str, schema: RegistrySchema) -> int:
        self._answer("register")
        return self.add_text(schema, subject)

    def get_config(self, subject: str) -> Any:
        self._answer("config")
        if subject not in self.levels:
            raise UNKNOWN
        return type("Config", (), {"compatibility_level": self.levels[subject], "compatibility": None})()

    def set_compatibility(self, subject: str, level: str) -> None:
        self._answer("set")
        self.levels[subject] = level

    def test_compatibility(self, subject: str, schema: RegistrySchema) -> bool:
        assert schema.schema_type == "AVRO"
        self._answer("compatibility")
        if subject not in self.subjects:
            raise UNKNOWN
        return self.compatible

    def _registered(self, subject: str, schema_id: int) -> RegisteredSchema:
        number = self.subjects[subject].index(schema_id) + 1
        schema = self.texts[schema_id]
        return RegisteredSchema(
            schema_id=schema_id, guid=None, subject=subject, version=number, schema=schema
        )


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    made = Server()
    monkeypatch.setattr(module, "SchemaRegistryClient", lambda _options: made)
    return made


@pytest.fixture
def full(server: Server) -> Server:
    """A registry that has all schemas of this release."""
    for ours, theirs in registry_subjects().items():
        for schema in versions(ours):
            server.add(schema, theirs)
    return server


def settings(**more: Any) -> Settings:
    return Settings(registry_url="http://127.0.0.1:8081", **more)


def framed(schema_id: int) -> bytes:
    return struct.pack(">cI", b"\x00", schema_id) + Codec().encode(EVENT)[10:]


def test_subjects_follow_the_topic_name_strategy() -> None:
    assert registry_subjects() == {
        "call-ended": "calls.ended-value",
        "call-transcribed": "calls.transcribed-value",
        "call-diarized": "calls.diarized-value",
        "call-analyzed": "calls.analyzed-value",
    }


def test_without_a_registry_events_travel_in_single_object_encoding() -> None:
    assert codec_for(Settings(registry_url=None)).encode(EVENT)[:2] == b"\xc3\x01"


def test_with_a_registry_events_carry_the_registered_id_and_both_framings_are_read(full: Server) -> None:
    codec = codec_for(settings())
    data = codec.encode(EVENT)
    assert data[:5] == struct.pack(">cI", b"\x00", full.subjects[ENDED][-1])
    assert codec.decode(data, CallEnded) == EVENT
    assert codec.decode(Codec().encode(EVENT), CallEnded) == EVENT


def test_a_service_registers_nothing_and_refuses_to_start_when_a_schema_is_missing(server: Server) -> None:
    with pytest.raises(Fatal, match="callytics schemas register"):
        codec_for(settings())
    assert server.subjects == {}
    assert "register" not in server.asked


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ConnectionError("refused http://user:secret@host"), "does not answer"),
        (SchemaRegistryError(503, 50301, "no leader"), "HTTP 503"),
        (SchemaRegistryError(401, 401, "no"), "CALLYTICS_REGISTRY_PASSWORD"),
    ],
)
def test_a_cold_start_without_the_registry_is_fatal_and_names_no_secret(
    full: Server, error: Exception, says: str
) -> None:
    full.error = error
    with pytest.raises(Fatal, match=says) as caught:
        codec_for(settings())
    assert "secret" not in str(caught.value)


def test_a_registry_that_goes_away_does_not_stop_a_warm_codec(full: Server) -> None:
    old = full.add(versions("call-ended")[0] | {"doc": "An older text."}, ENDED)
    codec = codec_for(settings())
    full.asked.clear()
    full.error = ConnectionError()
    assert codec.decode(codec.encode(EVENT), CallEnded) == EVENT
    assert codec.decode(framed(old), CallEnded) == EVENT
    assert full.asked == []


def test_an_unknown_id_is_asked_for_once_and_then_known_for_ever(full: Server) -> None:
    codec = codec_for(settings())
    later = full.add(versions("call-ended")[0] | {"doc": "Registered since."}, ENDED)
    full.asked.clear()
    assert [codec.decode(framed(later), CallEnded) for _ in range(3)] == [EVENT] * 3
    assert full.asked == ["schema", "close"]


def test_a_record_whose_schema_cannot_be_asked_for_waits_and_is_no_poison(
    full: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(module.time, "monotonic", clock)
    codec = codec_for(settings())
    later = full.add(versions("call-ended")[0] | {"doc": "Registered since."}, ENDED)
    full.error = ConnectionError()
    for _ in range(2):
        with pytest.raises(Unavailable, match="registry"):
            codec.decode(framed(later), CallEnded)
    assert full.asked.count("schema") == 1, (
        "the second record must not wait for a registry that just did not answer"
    )
    full.error = None
    clock.now_s += 60.0
    assert codec.decode(framed(later), CallEnded) == EVENT


class Clock:
    """Seconds that pass when a test says so."""

    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def test_credentials_that_expire_later_make_a_record_wait_and_do_not_end_the_service(full: Server) -> None:
    ids = RegisteredIds(settings())
    full.error = SchemaRegistryError(403, 403, "no")
    with pytest.raises(Unavailable, match="CALLYTICS_REGISTRY_USERNAME"):
        ids.schema_of(99)


def test_an_id_that_the_registry_does_not_know_is_a_decode_error(full: Server) -> None:
    codec = codec_for(settings())
    with pytest.raises(DecodeError, match="schema id 7 is unknown"):
        codec.decode(framed(7), CallEnded)
    assert full.asked[-2:] == ["schema", "close"]


def test_an_id_of_another_kind_of_schema_is_a_decode_error(full: Server) -> None:
    codec = codec_for(settings())
    foreign = full.add_text(RegistrySchema("message M {}", "PROTOBUF"))
    with pytest.raises(DecodeError, match="no Avro schema"):
        codec.decode(framed(foreign), CallEnded)


def test_credentials_and_certificate_go_to_the_client_and_not_into_the_address_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    given: list[dict[str, Any]] = []
    monkeypatch.setattr(module, "SchemaRegistryClient", given.append)
    certificate = tmp_path / "ca.pem"
    certificate.touch()
    shown = SchemaRegistry(
        Settings(
            registry_url="https://registry:8081/v7",
            registry_username="service",
            registry_password=SecretStr("p:w"),
            registry_ca_file=certificate,
        )
    ).where
    assert shown == "https://registry:8081/v7"
    assert given[0]["basic.auth.user.info"] == "service:p:w"
    assert given[0]["ssl.ca.location"] == str(certificate)


def test_every_version_of_every_schema_reads_every_other_one() -> None:
    """What keeps an incompatible schema out of the repository: CI runs this."""
    assert set(registry_subjects()) == {event.SUBJECT for event in EVENTS}
    assert [problem for ours in registry_subjects() for problem in local_problems(ours)] == []


def test_registering_adds_what_is_missing_and_is_idempotent(server: Server) -> None:
    registry = SchemaRegistry(settings())

    def lines() -> list[str]:
        return list(registered(registry, "call-ended", ENDED, dry_run=False))

    assert lines() == ["is now FULL_TRANSITIVE", "version 1 registered, id 101"]
    assert lines() == ["is FULL_TRANSITIVE", "version 1 was there, id 101"]
    assert server.asked.count("register") == 1


def test_a_dry_run_of_registering_changes_nothing(server: Server) -> None:
    done = list(registered(SchemaRegistry(settings()), "call-ended", ENDED, dry_run=True))
    assert done == ["would be FULL_TRANSITIVE", "version 1 would be registered"]
    assert (server.subjects, server.levels) == ({}, {})


def test_check_tells_why_a_registered_schema_and_ours_do_not_read_one_another(server: Server) -> None:
    broken = dict(versions("call-ended")[0])
    broken["fields"] = [*broken["fields"], {"name": "must", "type": "string"}]
    server.add(broken, ENDED)
    problems = list(registry_problems(SchemaRegistry(settings()), "call-ended", ENDED))
    assert len(problems) == 1
    assert "the registry's id 101 cannot read version 1" in problems[0]
    assert "must" in problems[0]


def test_check_tells_when_the_registry_would_refuse_by_a_rule_of_its_own(server: Server) -> None:
    server.add(versions("call-ended")[0] | {"doc": "Another text."}, ENDED)
    server.compatible = False
    problems = list(registry_problems(SchemaRegistry(settings()), "call-ended", ENDED))
    assert problems == ["the registry at http://127.0.0.1:8081 would refuse version 1"]


def test_a_schema_that_the_registry_refuses_is_poison(server: Server) -> None:
    server.error = SchemaRegistryError(409, 409, "incompatible")
    with pytest.raises(Poison, match="refuses the schema") as caught:
        SchemaRegistry(settings()).register(ENDED, versions("call-ended")[0])
    assert caught.value.code is ErrorCode.CONTRACT

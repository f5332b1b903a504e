"""The schema registry, a real one: registered once, asked at the start, and not needed by a warm service."""

import struct
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner, Result

from infra.errors import Fatal, Poison, Unavailable
from infra.real_stack import RealStack
from infra.registry import LEVEL, SchemaRegistry, codec_for, registry_subjects
from infra.settings import Settings
from ops.cli.main import app
from ops.cli.schemas import registry_problems
from schemas.codec import Codec, DecodeError, Schema, versions
from schemas.records import Call, CallEnded, Recording

pytestmark = pytest.mark.real

ENDED = "calls.ended-value"
EVENT = CallEnded(
    event_id="e-1",
    call_id="c-1",
    run_id="r-1",
    produced_at_ms=1,
    call=Call(recording=Recording(uri="s3://recordings/통화-1.wav")),
)


@pytest.fixture
def registry(settings: Settings) -> Iterator[SchemaRegistry]:
    with SchemaRegistry(settings) as made:
        yield made


@pytest.fixture
def settings(real_stack: RealStack) -> Settings:
    """A registry that has all schemas of this release."""
    made = Settings(registry_url=real_stack.addresses.registry_url)
    assert register(made).exit_code == 0
    return made


def command(settings: Settings, *arguments: str) -> Result:
    return CliRunner(env={"CALLYTICS_REGISTRY_URL": settings.registry_url}).invoke(
        app, ["schemas", *arguments]
    )


def register(settings: Settings) -> Result:
    return command(settings, "register")


def newer(**fields: object) -> Schema:
    """A schema that a later release of the call-ended event might have."""
    return {**versions("call-ended")[-1], **fields}


def framed(schema_id: int) -> bytes:
    return struct.pack(">cI", b"\x00", schema_id) + Codec().encode(EVENT)[10:]


def test_registering_is_idempotent_and_sets_the_level(settings: Settings, registry: SchemaRegistry) -> None:
    again = register(settings)
    assert again.exit_code == 0, again.output
    assert "registered, id" not in again.output
    for ours, theirs in registry_subjects().items():
        assert registry.level_of(theirs) == LEVEL
        assert registry.id_of(theirs, versions(ours)[-1]) is not None


def test_what_is_registered_passes_the_check(settings: Settings) -> None:
    done = command(settings, "check")
    assert done.exit_code == 0, done.output
    assert done.output.count("all registered") == len(registry_subjects())


def test_an_incompatible_schema_is_told_by_the_check_and_refused_by_the_registry(
    registry: SchemaRegistry,
) -> None:
    broken = newer(fields=[*versions("call-ended")[-1]["fields"], {"name": "must", "type": "string"}])
    assert not registry.accepts(ENDED, broken)
    with pytest.raises(Poison, match="refuses the schema"):
        registry.register(ENDED, broken)


def test_the_check_tells_a_registry_of_another_history(
    registry: SchemaRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = newer(fields=[*versions("call-ended")[-1]["fields"], {"name": "must", "type": "string"}])
    monkeypatch.setattr("schemas.codec.versions", lambda _: (broken,))
    problems = list(registry_problems(registry, "call-ended", ENDED))
    assert len(problems) == 1
    assert "must" in problems[0]


def test_events_go_out_under_the_registered_id_and_come_back_whole(
    settings: Settings, registry: SchemaRegistry
) -> None:
    codec = codec_for(settings)
    data = codec.encode(EVENT)
    schema_id = registry.id_of(ENDED, versions("call-ended")[-1])
    assert data[:5] == struct.pack(">cI", b"\x00", schema_id)
    assert codec.decode(data, CallEnded) == EVENT


def test_a_schema_that_is_registered_after_the_start_is_learned_when_it_is_met(
    settings: Settings, registry: SchemaRegistry
) -> None:
    codec = codec_for(settings)
    later = registry.register(ENDED, newer(doc="A later release's text."))
    assert codec.decode(framed(later), CallEnded) == EVENT


def test_an_id_that_nobody_registered_is_a_decode_error(settings: Settings) -> None:
    with pytest.raises(DecodeError, match="unknown to the registry"):
        codec_for(settings).decode(framed(987_654), CallEnded)


def test_without_the_registry_a_warm_codec_goes_on_an_unknown_schema_waits_and_a_cold_start_ends(
    settings: Settings, real_stack: RealStack
) -> None:
    codec = codec_for(settings)
    real_stack.kill("registry")
    try:
        assert codec.decode(codec.encode(EVENT), CallEnded) == EVENT
        with pytest.raises(Unavailable, match="does not answer"):
            codec.decode(framed(987_654), CallEnded)
        with pytest.raises(Fatal, match="does not answer"):
            codec_for(settings)
    finally:
        real_stack.start("registry")

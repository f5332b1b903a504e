"""Events on the wire: both framings, golden bytes, and what happens to bytes that are no event."""

import json
import traceback
import types
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, Final, Union, get_args, get_origin

import fastavro
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from schemas.codec import EVENTS, Codec, DecodeError, EncodeError, Schema, single_object_header, versions
from schemas.records import (
    Audio,
    Call,
    CallAnalyzed,
    CallDiarized,
    CallEnded,
    CallTranscribed,
    DiarizationMethod,
    Direction,
    DocumentStatus,
    Event,
    Layout,
    PartySummary,
    Recording,
    Role,
    SpeakerSegment,
    StageError,
    StageStatus,
    TranscriptSegment,
    Word,
)

GOLDEN: Final = Path(__file__).parents[1] / "golden"
SUBJECTS: Final = [event.SUBJECT for event in EVENTS]

ENVELOPE: Final[dict[str, Any]] = {
    "event_id": "0b5f1c1e-5a4e-5d7e-9a60-6f2d3c1b0a99",
    "call_id": "call-0001",
    "tenant": "서울센터",
    "run_id": "run-0001",
    "revision": 2,
    "produced_at_ms": 1_767_225_600_123,
}
CALL: Final = Call(
    recording=Recording(uri="s3://recordings/call-0001.wav", channel_roles=(Role.AGENT, Role.CUSTOMER)),
    direction=Direction.INBOUND,
    language_hint="ko",
    speakers_hint=2,
    started_at_ms=1_767_225_000_000,
    ended_at_ms=1_767_225_600_000,
    agent_id="agent-7",
    queue="claims",
    attributes={"campaign": "2026-봄"},
)
STAGE: Final[dict[str, Any]] = {
    **ENVELOPE,
    "call": CALL,
    "status": StageStatus.OK,
    "profile": "small",
    "model": "base",
    "audio": Audio(duration_ms=600_000, sample_rate_hz=8_000, channels=2, layout=Layout.STEREO),
    "processing_ms": 42_000,
}
# Fixed for ever: their bytes are under tests/golden. A new version gets samples and bytes of its own.
SAMPLES: Final[tuple[Event, ...]] = (
    CallEnded(**ENVELOPE, call=CALL),
    CallTranscribed(
        **STAGE,
        language="ko",
        language_confidence=0.98,
        segments=(
            TranscriptSegment(
                channel=1,
                start_ms=1_200,
                end_ms=2_640,
                text="네, 안녕하세요.",
                confidence=0.91,
                words=(
                    Word(word="네,", start_ms=1_200, end_ms=1_500, confidence=0.88),
                    Word(word="안녕하세요.", start_ms=1_560, end_ms=2_640),
                ),
            ),
        ),
    ),
    CallDiarized(
        **STAGE,
        method=DiarizationMethod.CHANNELS,
        segments=(
            SpeakerSegment(speaker="S0", channel=0, start_ms=0, end_ms=1_100),
            SpeakerSegment(speaker="S1", start_ms=1_200, end_ms=2_640),
        ),
    ),
    CallAnalyzed(
        **ENVELOPE,
        status=DocumentStatus.PARTIAL,
        errors=(StageError(stage="diarization", code="model_failed", message="the model gave no result"),),
        direction=Direction.OUTBOUND,
        agent_id="agent-7",
        queue="claims",
        language="ko",
        started_at_ms=1_767_225_000_000,
        ended_at_ms=1_767_225_600_000,
        duration_ms=600_000,
        non_talk_ms=12_345,
        parties=(
            PartySummary(
                speaker="S0",
                role=Role.AGENT,
                role_confidence=0.75,
                talk_time_ms=321_000,
                interruptions=3,
                sentiment_label="positive",
                sentiment_score=1.5,
            ),
            PartySummary(speaker="S1", role=Role.CUSTOMER, role_confidence=0.5, talk_time_ms=210_000),
        ),
    ),
)


class Registry:
    """Ids of the newest versions, from 1001, and whatever else a test registers."""

    def __init__(self) -> None:
        self.ids = {subject: 1001 + index for index, subject in enumerate(SUBJECTS)}
        self.schemas = {self.ids[subject]: versions(subject)[-1] for subject in SUBJECTS}

    def id_of(self, subject: str) -> int:
        return self.ids[subject]

    def schema_of(self, schema_id: int) -> Schema:
        return self.schemas[schema_id]


PLAIN: Final = Codec()
FRAMED: Final = Codec(Registry())


def sample_id(sample: Event) -> str:
    return sample.SUBJECT


@pytest.mark.parametrize("codec", [PLAIN, FRAMED], ids=["single-object", "registry"])
@pytest.mark.parametrize("sample", SAMPLES, ids=sample_id)
def test_an_event_comes_back_as_it_went(sample: Event, codec: Codec) -> None:
    assert codec.decode(codec.encode(sample), type(sample)) == sample


def test_every_subject_has_a_sample() -> None:
    assert tuple(type(sample) for sample in SAMPLES) == EVENTS


@pytest.mark.parametrize("sample", SAMPLES, ids=sample_id)
def test_golden_bytes_still_decode_and_are_still_written(sample: Event) -> None:
    """Bytes that are out there stay readable, and this version's writer has not drifted."""
    golden = (GOLDEN / f"{sample.SUBJECT}-v1.bin").read_bytes()
    assert PLAIN.decode(golden, type(sample)) == sample
    assert PLAIN.encode(sample) == golden


def test_framings_are_those_of_the_specifications() -> None:
    plain, framed = PLAIN.encode(SAMPLES[0]), FRAMED.encode(SAMPLES[0])
    assert framed[:5] == b"\x00\x00\x00\x03\xe9"
    assert plain[:2] == b"\xc3\x01"
    assert plain[10:] == framed[5:]


def rabin(text: bytes) -> int:
    """CRC-64-AVRO, bit by bit, as the Avro specification defines it."""
    empty = 0xC15D213AA4D7A795
    value = empty
    for byte in text:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ (empty if value & 1 else 0)
    return value


def test_fingerprint_is_the_specification_s_in_little_endian_order() -> None:
    """Known answer for ``"null"`` from the Avro project's own test data, then every schema of ours."""
    assert rabin(b'"null"') == 7195948357588979594
    for subject in SUBJECTS:
        for schema in versions(subject):
            canonical = fastavro.schema.to_parsing_canonical_form(dict(schema)).encode()
            assert single_object_header(schema) == b"\xc3\x01" + rabin(canonical).to_bytes(8, "little")


def test_a_codec_with_a_registry_also_reads_single_object_encoding() -> None:
    assert FRAMED.decode(PLAIN.encode(SAMPLES[1]), CallTranscribed) == SAMPLES[1]


def test_one_of_several_expected_types_is_enough() -> None:
    expected = (CallTranscribed, CallDiarized)
    assert [PLAIN.decode(PLAIN.encode(sample), expected) for sample in SAMPLES[1:3]] == list(SAMPLES[1:3])


def built(model: type[Any]) -> st.SearchStrategy[Any]:
    """Any valid record; whole numbers stay in the 32 bits that Avro's ``int`` has."""
    fields = {name: valid(info.annotation, info.metadata) for name, info in model.model_fields.items()}
    return st.builds(model, **fields)


def valid(annotation: Any, metadata: Any = ()) -> st.SearchStrategy[Any]:
    arguments, origin = get_args(annotation), get_origin(annotation)
    if hasattr(annotation, "__metadata__"):
        return valid(arguments[0], getattr(annotation.__metadata__[0], "metadata", ()))
    if origin in {Union, types.UnionType}:
        return st.none() | valid(arguments[0])
    if origin is tuple:
        return st.lists(valid(arguments[0]), max_size=3).map(tuple)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return built(annotation)
    return plain(annotation, metadata)


def plain(annotation: Any, metadata: Any) -> st.SearchStrategy[Any]:
    if annotation is int:
        lowest = max((rule.ge for rule in metadata if hasattr(rule, "ge")), default=-(2**31))
        highest = min((rule.le for rule in metadata if hasattr(rule, "le")), default=2**31 - 1)
        return st.integers(lowest, highest)
    if annotation is str:
        return st.text(min_size=1, max_size=20)
    if annotation is float:
        return st.floats(allow_nan=False)
    if get_origin(annotation) is Mapping:
        return st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=3)
    return st.sampled_from(list(annotation))


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.SUBJECT)
@given(data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_valid_event_comes_back_as_it_went(event: type[Event], data: st.DataObject) -> None:
    sample = data.draw(built(event))
    assert PLAIN.decode(PLAIN.encode(sample), event) == sample
    assert FRAMED.decode(FRAMED.encode(sample), event) == sample


@pytest.mark.parametrize("change", [{"revision": 2**31}, {"produced_at_ms": 2**63}])
def test_a_number_beyond_its_avro_type_is_refused_and_named(change: dict[str, int]) -> None:
    """Python has no limit here, so without the check other languages would read a wrong number."""
    with pytest.raises(EncodeError, match=next(iter(change))):
        PLAIN.encode(SAMPLES[0].model_copy(update=change))


@given(data=st.binary(max_size=64))
@settings(max_examples=100, deadline=None)
def test_garbage_raises_decode_error_only(data: bytes) -> None:
    for head in (b"", PLAIN.encode(SAMPLES[1])[:10], FRAMED.encode(SAMPLES[1])[:5]):
        with pytest.raises(DecodeError):
            FRAMED.decode(head + data, CallTranscribed)


@pytest.mark.parametrize("sample", SAMPLES, ids=sample_id)
def test_every_cut_raises_decode_error(sample: Event) -> None:
    encoded = PLAIN.encode(sample)
    for length in range(len(encoded)):
        with pytest.raises(DecodeError):
            PLAIN.decode(encoded[:length], type(sample))


@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_a_changed_byte_gives_a_valid_event_or_decode_error(data: st.DataObject) -> None:
    sample = data.draw(st.sampled_from(SAMPLES))
    encoded = bytearray(PLAIN.encode(sample))
    encoded[data.draw(st.integers(0, len(encoded) - 1))] = data.draw(st.integers(0, 255))
    try:
        decoded = PLAIN.decode(bytes(encoded), type(sample))
    except DecodeError:
        return
    assert type(sample).model_validate(decoded.model_dump()) == decoded


def test_trailing_bytes_are_refused() -> None:
    with pytest.raises(DecodeError, match="1 bytes follow the CallEnded"):
        PLAIN.decode(PLAIN.encode(SAMPLES[0]) + b"\x00", CallEnded)


def test_another_subject_is_refused() -> None:
    with pytest.raises(DecodeError, match="a CallEnded came where CallTranscribed or CallDiarized was"):
        PLAIN.decode(PLAIN.encode(SAMPLES[0]), (CallTranscribed, CallDiarized))


def test_an_unknown_fingerprint_is_named() -> None:
    with pytest.raises(DecodeError, match="schema fingerprint 0807060504030201 is unknown"):
        PLAIN.decode(b"\xc3\x01\x01\x02\x03\x04\x05\x06\x07\x08rest", CallEnded)


def test_an_unknown_registry_id_is_named() -> None:
    with pytest.raises(DecodeError, match="schema id 7 is unknown to the registry"):
        FRAMED.decode(b"\x00\x00\x00\x00\x07rest", CallEnded)


def test_registry_framing_without_a_registry_says_what_to_set() -> None:
    with pytest.raises(DecodeError, match="set the schema registry's URL"):
        PLAIN.decode(FRAMED.encode(SAMPLES[0]), CallEnded)


@pytest.mark.parametrize(
    "foreign",
    [
        "string",
        {"type": "enum", "name": "E", "symbols": ["a"]},
        {"type": "record", "name": "CallEnded", "namespace": "other", "fields": []},
        {
            "type": "record",
            "name": "CallEnded",
            "namespace": "callytics",
            "fields": [{"name": "a", "type": "?"}],
        },
        {"name": "no type"},
    ],
)
def test_a_foreign_schema_under_a_registry_id_is_refused(foreign: Any) -> None:
    registry = Registry()
    registry.schemas[5] = foreign
    with pytest.raises(DecodeError, match="schema id 5"):
        Codec(registry).decode(b"\x00\x00\x00\x00\x05", CallEnded)


def written(schema: Any, datum: Any) -> bytes:
    out = BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema, named_schemas={}), datum)
    return out.getvalue()


def test_a_newer_writer_s_symbol_becomes_unknown_and_its_new_field_is_dropped() -> None:
    """What a release from the future writes is readable today."""
    newer = json.loads(json.dumps(versions("call-ended")[-1]).replace('"outbound"', '"outbound", "internal"'))
    newer["fields"].append({"name": "site", "type": ["null", "string"], "default": None})
    registry = Registry()
    registry.schemas[9] = newer
    datum = SAMPLES[0].model_dump(mode="json")
    datum["call"]["direction"] = "internal"
    datum["site"] = "Busan"
    decoded = Codec(registry).decode(b"\x00\x00\x00\x00\x09" + written(newer, datum), CallEnded)
    assert decoded.call.direction is Direction.UNKNOWN
    assert decoded.model_copy(update={"call": CALL}) == SAMPLES[0]


def test_errors_never_quote_the_payload() -> None:
    """Neither a broken rule of the record nor broken text shows what was in the event."""
    secret = "주민등록번호"  # noqa: S105 - stands for something said in a call, no credential
    schema = versions("call-ended")[-1]
    datum = {**SAMPLES[0].model_dump(mode="json"), "event_id": secret * 100, "revision": -1}
    rule = single_object_header(schema) + written(schema, datum)
    text = PLAIN.encode(SAMPLES[0].model_copy(update={"event_id": secret}))
    text = text.replace(secret.encode(), secret.encode()[:-1] + b"\xff")
    for data, place in ((rule, r"event_id \(string_too_long\), revision"), (text, "UnicodeDecodeError")):
        with pytest.raises(DecodeError, match=place) as caught:
            PLAIN.decode(data, CallEnded)
        shown = "".join(traceback.format_exception(caught.value))
        assert secret[:3] not in shown
        assert "xec" not in shown
        # UnicodeDecodeError holds the whole payload, so no cause may travel with the error.
        assert caught.value.__cause__ is None


def test_an_unknown_subject_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="call-lost"):
        versions("call-lost")

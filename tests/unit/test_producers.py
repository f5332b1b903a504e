"""Calls as people write them down become events."""

from pathlib import Path

import pytest

from infra.errors import ErrorCode, Poison
from producers.call_ended import CallRequest, request_from, requests_from
from schemas.codec import Codec
from schemas.records import CallEnded, Direction, Role


def _lines(*lines: str) -> list[CallRequest]:
    return list(requests_from(lines, source="calls.jsonl"))


def test_each_line_is_one_call_and_blank_lines_are_skipped() -> None:
    requests = _lines('{"recording": "s3://b/1.wav"}\n', "\n", "   ", '{"recording": "s3://b/2.wav"}')
    assert [request.recording for request in requests] == ["s3://b/1.wav", "s3://b/2.wav"]


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ("{not json", "no JSON"),
        ('["a list"]', "one JSON object"),
        ('"text"', "one JSON object"),
        ("{}", "recording"),
        ('{"recording": ""}', "recording"),
        (f'{{"recording": "s3://b/{"가" * 4096}"}}', "recording"),
        ('{"recording": "s3://b/1.wav", "colour": "red"}', "colour"),
        ('{"recording": "s3://b/1.wav", "call_id": ""}', "call_id"),
        ('{"recording": "s3://b/1.wav", "channel_roles": ["agent", "boss"]}', "channel_roles.1"),
        ('{"recording": "s3://b/1.wav", "direction": "sideways"}', "direction"),
    ],
)
def test_a_wrong_line_is_named_with_its_number_and_field(wrong: str, named: str) -> None:
    with pytest.raises(Poison) as caught:
        _lines('{"recording": "s3://b/0.wav"}', "", wrong)
    assert caught.value.code is ErrorCode.CONTRACT
    assert caught.value.message.startswith("calls.jsonl, line 3: ")
    assert named in caught.value.message


def test_calls_before_a_wrong_line_come_out() -> None:
    """The text is read as it is needed: a caller may publish the first calls of a long file."""
    requests = requests_from(['{"recording": "s3://b/1.wav"}', "{"], source="s")
    assert next(requests).recording == "s3://b/1.wav"
    with pytest.raises(Poison):
        next(requests)


@pytest.mark.parametrize(
    "field", [{"speakers_hint": 0}, {"speakers_hint": 33}, {"started_at_ms": -1}, {"ended_at_ms": -5}]
)
def test_values_that_the_event_forbids_are_found_in_the_request(field: dict[str, int]) -> None:
    """Not only when the event is made, which would be an exception without line and field."""
    with pytest.raises(Poison, match=next(iter(field))):
        request_from({"recording": "s3://b/1.wav", **field}, where="here")


def test_a_bare_path_becomes_an_absolute_file_uri(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (request,) = _lines('{"recording": "통화 1.wav"}')
    assert request.recording == (tmp_path / "통화 1.wav").resolve().as_uri()
    assert request.recording.startswith("file:///")


@pytest.mark.parametrize("uri", ["file:///srv/a.wav", "https://pbx.example/a.wav", "s3://bucket/a.wav"])
def test_a_uri_stays_as_it_is(uri: str) -> None:
    assert request_from({"recording": uri}, where="here").recording == uri


def test_the_event_id_is_the_same_whenever_the_same_call_is_published() -> None:
    request = CallRequest(recording="s3://b/1.wav", call_id="call-1")
    assert request.event().event_id == request.event().event_id
    other = CallRequest(recording="s3://b/1.wav", call_id="call-2")
    assert request.event().event_id != other.event().event_id
    elsewhere = CallRequest(recording="s3://b/1.wav", call_id="call-1", tenant="acme")
    assert request.event().event_id != elsewhere.event().event_id


def test_a_call_without_an_id_gets_one_of_its_own_each_time() -> None:
    request = CallRequest(recording="s3://b/1.wav")
    first, second = request.event(), request.event()
    assert first.call_id != second.call_id
    assert first.event_id != second.event_id


def test_all_that_is_known_of_the_call_is_in_its_event() -> None:
    request = request_from(
        {
            "recording": "s3://b/1.wav",
            "call_id": "call-1",
            "tenant": "acme",
            "channel_roles": ["agent", "customer"],
            "direction": "inbound",
            "language_hint": "ko",
            "speakers_hint": 2,
            "started_at_ms": 1_000,
            "ended_at_ms": 61_000,
            "agent_id": "a-7",
            "queue": "support-ko",
            "attributes": {"지점": "강남"},
        },
        where="here",
    )
    event = request.event()
    assert (event.call_id, event.tenant, event.run_id, event.revision) == ("call-1", "acme", "1", 1)
    assert event.call.recording.uri == "s3://b/1.wav"
    assert event.call.recording.channel_roles == (Role.AGENT, Role.CUSTOMER)
    assert event.call.direction is Direction.INBOUND
    assert (event.call.language_hint, event.call.speakers_hint) == ("ko", 2)
    assert (event.call.started_at_ms, event.call.ended_at_ms) == (1_000, 61_000)
    assert (event.call.agent_id, event.call.queue) == ("a-7", "support-ko")
    assert event.call.attributes == {"지점": "강남"}


def test_the_event_survives_the_wire() -> None:
    event = CallRequest(recording="s3://b/1.wav", call_id="call-1").event()
    codec = Codec()
    assert codec.decode(codec.encode(event), CallEnded) == event

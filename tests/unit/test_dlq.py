"""Dead letters without a broker: places, what a selection means, what a redrive keeps and forgets, and times."""

import pytest
import typer
from aiokafka import ConsumerRecord

from infra.bus import headers
from ops.cli.dlq import summary
from ops.cli.times import moment
from producers.redrive import DeadLetter, Handled, Place, Selection, redriven_headers

REASONS = {
    headers.ORIGINAL_TOPIC: "calls.ended",
    headers.ORIGINAL_OFFSET: "7",
    headers.FIRST_FAILED_AT: "2026-11-24T09:00:00.000+00:00",
    headers.LAST_FAILED_AT: "2026-11-24T10:00:00.000+00:00",
    headers.ATTEMPT: "4",
    headers.ERROR_CODE: "resource",
    headers.ERROR_CLASS: "Retryable",
    headers.ERROR_MESSAGE: "no memory",
    headers.ERROR_DIGEST: "abc",
    headers.REDRIVE_ID: "an earlier one",
}
NOW_MS = 1_795_500_000_000


def _letter(*, handled: Handled | None = None, key: bytes | None = b"call-1") -> DeadLetter:
    record = ConsumerRecord(
        topic="calls.transcription.dlq",
        partition=3,
        offset=17,
        timestamp=NOW_MS,
        timestamp_type=0,
        key=key,
        value=b"bytes",
        checksum=None,
        serialized_key_size=None,
        serialized_value_size=None,
        headers=[("foreign", b"kept"), *((name, value.encode()) for name, value in REASONS.items())],
    )
    place = Place(stage="transcription", partition=3, offset=17)
    return DeadLetter(place=place, record=record, handled=handled)


def test_a_place_is_read_as_it_is_written() -> None:
    place = _letter().place
    assert Place.parse(str(place)) == place
    assert place.key == "calls.transcription.dlq/3/17"


@pytest.mark.parametrize("text", ["3:17", "billing:3:17", "transcription:3", "transcription:three:17", ""])
def test_a_place_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"unknown stage|unpack|invalid literal"):
        Place.parse(text)


def test_a_redrive_forgets_the_failure_and_keeps_the_origin() -> None:
    again = dict(redriven_headers(_letter(), "this one"))
    assert again[headers.REDRIVE_ID] == b"this one"
    assert headers.NOT_BEFORE in again
    for kept in ("foreign", headers.ORIGINAL_TOPIC, headers.ORIGINAL_OFFSET, headers.FIRST_FAILED_AT):
        assert kept in again
    assert headers.ATTEMPT not in again
    assert not [name for name in again if name.startswith("x-error")]


def test_all_conditions_of_a_selection_have_to_fit() -> None:
    letter = _letter()
    assert Selection().fits(letter)
    assert Selection(source="calls.ended", code="resource", call_id="call-1").fits(letter)
    assert not Selection(code="decode", call_id="call-1").fits(letter)
    assert not Selection(code="resource", call_id="call-2").fits(letter)
    assert not Selection(source="calls.transcribed").fits(letter)


def test_a_handled_letter_is_meant_only_when_it_is_asked_for() -> None:
    letter = _letter(handled=Handled(action="discarded", at_ms=NOW_MS))
    assert not Selection().fits(letter)
    assert Selection(with_handled=True).fits(letter)
    assert summary(letter)["state"] == "discarded"


def test_a_letter_without_a_key_has_no_call() -> None:
    assert _letter(key=None).call_id is None


def test_a_summary_says_which_call_failed_when_and_why() -> None:
    told = summary(_letter())
    assert (told["call_id"], told["code"], told["attempt"], told["message"]) == (
        "call-1",
        "resource",
        4,
        "no memory",
    )
    assert told["failed_at_ms"] == 1_795_514_400_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", NOW_MS - 90_000),
        ("30m", NOW_MS - 1_800_000),
        ("24h", NOW_MS - 86_400_000),
        ("3d", NOW_MS - 259_200_000),
        ("2026-11-24T10:00:00+00:00", 1_795_514_400_000),
    ],
)
def test_a_moment_is_so_long_ago_or_an_iso_time(text: str, expected: int) -> None:
    assert moment(text, now_ms=NOW_MS) == expected


def test_a_moment_that_is_none_is_a_usage_error() -> None:
    with pytest.raises(typer.BadParameter, match="no time"):
        moment("yesterday", now_ms=NOW_MS)

"""Headers of records that were tried, failed, buried or replayed: one prefix, UTF-8 values, a fixed set.

Key and value bytes are never touched, so that trying again is sending the same bytes. A header is replaced and not
appended; the ``x-original-*`` ones and ``x-first-failed-at`` are kept from the first failure on.
"""

from collections.abc import Mapping

from infra.telemetry import Headers

ORIGINAL_TOPIC = "x-original-topic"
ORIGINAL_PARTITION = "x-original-partition"
ORIGINAL_OFFSET = "x-original-offset"
ORIGINAL_TIMESTAMP = "x-original-timestamp"
"""Milliseconds since the epoch, the broker's."""
GROUP = "x-group"
STAGE = "x-stage"
SERVICE_VERSION = "x-service-version"
WORKER = "x-worker"
ATTEMPT = "x-attempt"
"""How often the record was taken from a topic and failed, 1…; a redrive begins anew."""
FIRST_FAILED_AT = "x-first-failed-at"
LAST_FAILED_AT = "x-last-failed-at"
NOT_BEFORE = "x-not-before"
"""Milliseconds since the epoch: a record in a retry topic is not tried earlier."""
ERROR_CLASS = "x-error-class"
ERROR_CODE = "x-error-code"
ERROR_MESSAGE = "x-error-message"
ERROR_DIGEST = "x-error-digest"
ORIGIN_TRACEPARENT = "x-origin-traceparent"
REPLAY_ID = "x-replay-id"
REPLAY_STAGE = "x-replay-stage"
"""The only stage that a record of the replay lane is for; without it, every stage that reads the topic."""
REDRIVE_ID = "x-redrive-id"


def text(headers: Headers, name: str) -> str | None:
    """A header's value; None when the record has none of that name."""
    return next((value.decode("utf-8", "replace") for key, value in headers if key == name), None)


def number(headers: Headers, name: str) -> int | None:
    """A header's value as an integer; None when it is missing or no number."""
    value = text(headers, name)
    try:
        return int(value) if value is not None else None
    except ValueError:
        return None


def replaced(headers: Headers, values: Mapping[str, str]) -> list[tuple[str, bytes]]:
    """The headers with ``values`` in place of any of the same name."""
    kept = [(name, value) for name, value in headers if name not in values]
    return [*kept, *((name, value.encode()) for name, value in values.items())]


def without(headers: Headers, *names: str) -> list[tuple[str, bytes]]:
    """The headers less some."""
    return [(name, value) for name, value in headers if name not in names]

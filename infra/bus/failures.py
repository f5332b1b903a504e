"""The headers of a failed record: where it came from, what failed, how often, when it may be tried again."""

import hashlib
import os
import socket
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version

from aiokafka import ConsumerRecord

from infra.bus import headers
from infra.errors import CallyticsError
from infra.scrub import scrubbed
from infra.telemetry import TRACEPARENT

MESSAGE_CHARACTERS = 1024


def failure_headers(
    record: ConsumerRecord,
    failure: CallyticsError,
    *,
    stage: str,
    now_ms: int,
    not_before_ms: int | None = None,
) -> list[tuple[str, bytes]]:
    """The record's headers with those of this failure in place of an earlier one's.

    Where the record comes from, when it first failed and its first trace are kept from the first failure on.
    """
    kept = {
        name: value
        for name, value in _first(record, now_ms).items()
        if headers.text(record.headers, name) is None
    }
    mine = {**kept, **_this(record, failure, stage=stage, now_ms=now_ms)}
    if not_before_ms is not None:
        mine[headers.NOT_BEFORE] = str(not_before_ms)
    return headers.replaced(headers.without(record.headers, headers.NOT_BEFORE), mine)


def attempts(record: ConsumerRecord) -> int:
    """How often the record has been taken from a topic and failed before."""
    return headers.number(record.headers, headers.ATTEMPT) or 0


def origin_topic(record: ConsumerRecord) -> str:
    """The topic where the record first stood."""
    return headers.text(record.headers, headers.ORIGINAL_TOPIC) or str(record.topic)


def _first(record: ConsumerRecord, now_ms: int) -> Mapping[str, str]:
    first = {
        headers.ORIGINAL_TOPIC: record.topic,
        headers.ORIGINAL_PARTITION: str(record.partition),
        headers.ORIGINAL_OFFSET: str(record.offset),
        headers.ORIGINAL_TIMESTAMP: str(record.timestamp),
        headers.FIRST_FAILED_AT: _iso(now_ms),
    }
    trace = headers.text(record.headers, TRACEPARENT)
    return first if trace is None else {**first, headers.ORIGIN_TRACEPARENT: trace}


def _this(record: ConsumerRecord, failure: CallyticsError, *, stage: str, now_ms: int) -> Mapping[str, str]:
    # The message may name the recording, and file names often hold telephone numbers.
    message = scrubbed(failure.message)[:MESSAGE_CHARACTERS]
    kind = type(failure).__name__
    return {
        headers.GROUP: f"callytics-{stage}",
        headers.STAGE: stage,
        headers.SERVICE_VERSION: version("callytics"),
        headers.WORKER: f"{socket.gethostname()}/{os.getpid()}",
        headers.ATTEMPT: str(attempts(record) + 1),
        headers.LAST_FAILED_AT: _iso(now_ms),
        headers.ERROR_CLASS: kind,
        headers.ERROR_CODE: failure.code,
        headers.ERROR_MESSAGE: message,
        headers.ERROR_DIGEST: hashlib.sha256(f"{kind}\x1f{failure.code}\x1f{message}".encode()).hexdigest()[
            :16
        ],
    }


def _iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")

"""The envelope of an event: whose it is, which run, and an id that is the same whenever it is made again."""

import hashlib
import time
from typing import Any

from schemas.document import CallDocument
from schemas.records import CallEnded, Event


def event_id(of: Event | CallDocument, stage: str) -> str:
    """The id of a stage's answer: the same whenever the same stage answers the same run of the same call."""
    name = f"{of.tenant}\x1f{of.call_id}\x1f{of.run_id}\x1f{stage}"
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def envelope(event: Event, stage: str) -> dict[str, Any]:
    """The envelope fields of a stage's answer to an event."""
    return {
        "event_id": event_id(event, stage),
        "call_id": event.call_id,
        "tenant": event.tenant,
        "run_id": event.run_id,
        "revision": event.revision,
        "produced_at_ms": now_ms(),
    }


def failed_envelope(event: CallEnded, stage: str) -> dict[str, Any]:
    """The fields of an answer that says that a stage gave up."""
    return {**envelope(event, stage), "call": event.call, "status": "failed"}

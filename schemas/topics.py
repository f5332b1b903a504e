"""The table of topics: what is sent where, under which key and for how long it is kept.

Producers, consumers, ``callytics topics create`` and the AsyncAPI document all read this table.
"""

from dataclasses import dataclass
from typing import Final

from schemas.records import CallAnalyzed, CallDiarized, CallEnded, CallTranscribed, Event

_DAY_MS: Final = 24 * 60 * 60 * 1000
STAGES: Final = ("transcription", "diarization", "analysis")


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One topic. ``event`` is None where messages keep the bytes of the topic they come from."""

    name: str
    event: type[Event] | None
    partitions: int = 12
    retention_ms: int = 7 * _DAY_MS
    max_message_bytes: int = 16 * 1024 * 1024
    key: str = "call_id"
    """The event's field whose UTF-8 bytes are the message key: a call stays in order on one partition."""


CALLS_ENDED: Final = Topic(name="calls.ended", event=CallEnded)
CALLS_TRANSCRIBED: Final = Topic(name="calls.transcribed", event=CallTranscribed)
CALLS_DIARIZED: Final = Topic(name="calls.diarized", event=CallDiarized)
CALLS_ANALYZED: Final = Topic(name="calls.analyzed", event=CallAnalyzed, retention_ms=30 * _DAY_MS)


def dead_letter_topic(stage: str) -> str:
    """Name of the topic for messages that ``stage`` gave up on; ValueError for an unknown stage."""
    if stage not in STAGES:
        raise ValueError(f"unknown stage {stage!r}, use one of {', '.join(STAGES)}")
    return f"calls.{stage}.dlq"


DEAD_LETTERS: Final = tuple(
    Topic(name=dead_letter_topic(stage), event=None, retention_ms=30 * _DAY_MS) for stage in STAGES
)
TOPICS: Final = (CALLS_ENDED, CALLS_TRANSCRIBED, CALLS_DIARIZED, CALLS_ANALYZED, *DEAD_LETTERS)
_BY_EVENT: Final = {topic.event: topic for topic in TOPICS if topic.event is not None}


def topic_of(event_type: type[Event]) -> Topic:
    """The topic that carries ``event_type``; KeyError when none does."""
    return _BY_EVENT[event_type]

"""The table of topics: what is sent where, under which key and for how long it is kept.

Producers, consumers, ``callytics topics create`` and the AsyncAPI document all read this table. Every topic lies in
one *lane*: live calls, calls that a stage tries again later, calls that are replayed, and dead letters.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from schemas.records import CallAnalyzed, CallDiarized, CallEnded, CallTranscribed, Event

_DAY_MS: Final = 24 * 60 * 60 * 1000
STAGES: Final = ("transcription", "diarization", "analysis")


class Lane(StrEnum):
    """Which kind of traffic a topic carries; a consumer treats each kind in its own way."""

    LIVE = "live"
    RETRY = "retry"
    """Not before the time in the record's header."""
    REPLAY = "replay"
    """Only while no live call waits."""
    DEAD = "dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One topic. ``event`` is None where messages keep the bytes of the topic they come from."""

    name: str
    event: type[Event] | None
    lane: Lane = Lane.LIVE
    partitions: int = 12
    retention_ms: int = 7 * _DAY_MS
    max_message_bytes: int = 16 * 1024 * 1024
    compacted: bool = False
    """Only the newest record of each key is kept, and that no longer than the retention."""
    key: str = "call_id"
    """The event's field whose UTF-8 bytes are the message key: a call stays in order on one partition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryTier:
    """One delay of the retry topics. All records of a topic wait equally long, so they come due in order."""

    name: str
    delay_s: int


RETRY_TIERS: Final = (
    RetryTier(name="30s", delay_s=30),
    RetryTier(name="5m", delay_s=300),
    RetryTier(name="1h", delay_s=3600),
)

CALLS_ENDED: Final = Topic(name="calls.ended", event=CallEnded)
CALLS_TRANSCRIBED: Final = Topic(name="calls.transcribed", event=CallTranscribed)
CALLS_DIARIZED: Final = Topic(name="calls.diarized", event=CallDiarized)
CALLS_ANALYZED: Final = Topic(name="calls.analyzed", event=CallAnalyzed, retention_ms=30 * _DAY_MS)

EVENT_TOPICS: Final = (CALLS_ENDED, CALLS_TRANSCRIBED, CALLS_DIARIZED, CALLS_ANALYZED)
_INPUTS: Final = {
    "transcription": (CALLS_ENDED,),
    "diarization": (CALLS_ENDED,),
    "analysis": (CALLS_TRANSCRIBED, CALLS_DIARIZED),
}


def inputs_of(stage: str) -> tuple[Topic, ...]:
    """The live topics that ``stage`` consumes; ValueError for an unknown stage."""
    return _INPUTS[_known(stage)]


def dead_letter_topic(stage: str) -> str:
    """Name of the topic for messages that ``stage`` gave up on; ValueError for an unknown stage."""
    return f"calls.{_known(stage)}.dlq"


def retry_topic(stage: str, tier: RetryTier) -> str:
    """Name of the topic for messages that ``stage`` tries again later; ValueError for an unknown stage."""
    return f"calls.{_known(stage)}.retry.{tier.name}"


def replay_topic(topic: Topic) -> Topic:
    """The replay lane beside a live topic."""
    return Topic(
        name=f"{topic.name}.replay",
        event=topic.event,
        lane=Lane.REPLAY,
        partitions=topic.partitions,
        retention_ms=topic.retention_ms,
    )


def _known(stage: str) -> str:
    if stage not in STAGES:
        raise ValueError(f"unknown stage {stage!r}, use one of {', '.join(STAGES)}")
    return stage


REPLAYS: Final = tuple(replay_topic(topic) for topic in (CALLS_ENDED, CALLS_TRANSCRIBED, CALLS_DIARIZED))
RETRIES: Final = tuple(
    Topic(name=retry_topic(stage, tier), event=None, lane=Lane.RETRY, partitions=4)
    for stage in STAGES
    for tier in RETRY_TIERS
)
DEAD_LETTERS: Final = tuple(
    Topic(name=dead_letter_topic(stage), event=None, lane=Lane.DEAD, retention_ms=30 * _DAY_MS)
    for stage in STAGES
)
HANDLED_LETTERS: Final = Topic(
    name="calls.dlq.handled",
    event=None,
    lane=Lane.DEAD,
    partitions=1,
    retention_ms=31 * _DAY_MS,
    compacted=True,
    key="topic/partition/offset",
)
"""What was done about dead letters, since the broker cannot delete a single one: JSON, kept longer than they."""
TOPICS: Final = (*EVENT_TOPICS, *REPLAYS, *RETRIES, *DEAD_LETTERS, HANDLED_LETTERS)
_BY_EVENT: Final = {topic.event: topic for topic in EVENT_TOPICS if topic.event is not None}
_BY_NAME: Final = {topic.name: topic for topic in TOPICS}


def topic_of(event_type: type[Event], lane: Lane = Lane.LIVE) -> Topic:
    """The topic that carries ``event_type``; KeyError when none does.

    What a replay yields for a later stage stays in the replay lane; results go to their subscribers either way.
    """
    topic = _BY_EVENT[event_type]
    return _BY_NAME.get(f"{topic.name}.replay", topic) if lane is Lane.REPLAY else topic


def lane_of(name: str) -> Lane:
    """The lane of a topic, by its name; a topic that is not in the table is a live one."""
    topic = _BY_NAME.get(name)
    return topic.lane if topic else Lane.LIVE

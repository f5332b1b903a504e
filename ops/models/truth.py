"""What is really said in a synthetic call: the record beside its audio."""

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueWord:
    """One word and when it is spoken, in milliseconds from the start of the call."""

    word: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueSpeaker:
    """Who takes part: an identifier, the role, the voice variant and the channel (0 in mono)."""

    speaker: str
    role: str
    voice: str
    channel: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueTurn:
    """One speaker's uninterrupted say; it begins with its first word and ends with its last."""

    speaker: str
    role: str
    channel: int
    start_ms: int
    end_ms: int
    text: str
    words: tuple[TrueWord, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTruth:
    """Everything known of one synthetic call. ``channels`` names the role on each channel, none in mono."""

    call_id: str
    language: str
    layout: str
    direction: str
    scenario: str
    channels: tuple[str, ...]
    duration_ms: int
    speakers: tuple[TrueSpeaker, ...]
    turns: tuple[TrueTurn, ...]

    def to_json(self) -> str:
        """The record as JSON text, the same bytes every time."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1) + "\n"

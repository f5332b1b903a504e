"""Acts, promises, profanity, escalation and categories: what is done in a call, and where.

Every finding names its turn and sentence and their time.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from schemas.records import Milliseconds, Record, Role

ACTS: Mapping[str, Literal["agent", "customer"]] = {
    "greeting": "agent",
    "self_introduction": "agent",
    "recording_notice": "agent",
    "need_check": "agent",
    "identity_check": "agent",
    "empathy": "agent",
    "apology": "agent",
    "thanks": "agent",
    "cushion": "agent",
    "refusal": "agent",
    "alternative": "agent",
    "offer": "agent",
    "promise": "agent",
    "hold_notice": "agent",
    "hold_thanks": "agent",
    "transfer_notice": "agent",
    "repeat_back": "agent",
    "further_help": "agent",
    "closing": "agent",
    "abuse_warning": "agent",
    "blame": "agent",
    "conflict_phrase": "agent",
    "escalation_cue": "customer",
    "profanity": "customer",
}
"""Every act, and the party that the document's count of it is about."""


class Place(Record):
    """Where in the call something is found."""

    turn_id: str
    sentence_id: str
    start_ms: Milliseconds
    end_ms: Milliseconds


class PromiseMade(Place):
    """A promise of the agent. ``who`` and ``when`` are the sentence's words; None: it does not say."""

    who: str | None = None
    when: str | None = None


class Profanity(Place):
    """A profane sentence. The document never repeats the word.

    Tier 1: abuse; 2: contempt; 3: a threat of violence; 4: sexual harassment.
    """

    speaker: str
    role: Role
    tier: Literal[1, 2, 3, 4]


class EscalationEvent(Place):
    """One sign that the customer takes the matter further.

    ``kind``: supervisor_request, cancellation_threat, complaint_threat, legal_threat, publicity_threat,
    repeat_contact, profanity, or sustained_anger where the index stays high.
    """

    kind: str


class Escalation(Record):
    """How far the customer's anger went. ``index`` is the highest level of the call."""

    detected: bool
    index: Annotated[float, Field(ge=0, le=1)]
    events: tuple[EscalationEvent, ...] = ()


class Basis(Record):
    """What a category or a score rests on: a sentence, or a stretch of time without one."""

    turn_id: str | None = None
    sentence_id: str | None = None
    start_ms: Milliseconds
    end_ms: Milliseconds


class Category(Record):
    """A category that the call falls into. Nothing is the evidence of what is missing."""

    name: str
    evidence: tuple[Basis, ...] = ()

"""What a call was about and how it ended: outcome, summary, topics, keywords."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.acts import Place
from schemas.records import Record

Share = Annotated[float, Field(ge=0, le=1)]

OutcomeLabel = Literal["resolved", "promised", "transferred", "unresolved", "dropped", "unknown"]


class Outcome(Record):
    """How the call ended for the customer's concern.

    ``resolved``: done or answered in the call. ``promised``: still to be done, and the agent said that it will be.
    ``transferred``: handed to somebody else. ``unresolved``: refused, or the customer gave up. ``dropped``: the
    line went dead. ``unknown``: nothing in the words tells.
    """

    label: OutcomeLabel
    confidence: Share
    """The label's share of all evidence, lower where there is little of it."""
    evidence: tuple[Place, ...] = ()


class Quote(Place):
    """A sentence of the call, word for word as the document's turns have it."""

    text: str


class Summary(Record):
    """The call in a few sentences. Extracted ones are quoted, none of their words is made up."""

    text: str
    """The quoted sentences in the order of the call, or what ``written_by`` wrote."""
    issue: Quote | None = None
    """What the customer called for."""
    action: Quote | None = None
    """What the agent did in the call."""
    outcome: Quote | None = None
    """The strongest evidence of the outcome."""
    promise: Quote | None = None
    """What is still to be done, and by when."""
    quotes: tuple[Quote, ...] = ()
    """Every sentence that ``text`` is made of."""
    written_by: str | None = None
    """The language model that wrote ``text``; None: extracted."""


class Topic(Record):
    """What the call is about, of the topics that the tenant's table knows."""

    name: str
    title: str
    score: Share | None = None
    """None where a language model named it."""
    evidence: tuple[Place, ...] = ()
    written_by: str | None = None
    """The language model that named it; None: the table's rules."""


class Keyword(Record):
    """A noun or compound that stands out. ``score`` is relative to the call's first keyword."""

    term: str
    score: Share
    count: Annotated[int, Field(ge=1)]
    evidence: tuple[Place, ...] = ()
    """Where it is said first."""

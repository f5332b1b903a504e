"""Categories as data: conditions over words, acts, sentiment, interruptions and silence.

The filters are those of Amazon Transcribe Call Analytics (phrase, sentiment, interruption, non-talk; each for
a party, within a stretch of the call, or negated), with phrases as token patterns, and acts besides.
"""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from consumers.analysis.act_rules import ActName
from consumers.analysis.intervals import Interval
from consumers.analysis.lexicon import Pattern

TABLE = "categories.yaml"
Party = Literal["agent", "customer"]
Percent = Annotated[float, Field(ge=0, le=100)]
Milliseconds = Annotated[int, Field(ge=0)]
FILTERS = ("phrases", "act", "sentiment", "interruption_ms", "non_talk_ms")


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Window(_Model):
    """The stretch of the call that counts, in ms from its first word or in per cent of its length.

    ``first_*`` and ``last_*`` are its beginning and its end; all that are given must hold.
    """

    start_ms: Milliseconds | None = None
    end_ms: Milliseconds | None = None
    first_ms: Milliseconds | None = None
    last_ms: Milliseconds | None = None
    start_percent: Percent | None = None
    end_percent: Percent | None = None
    first_percent: Percent | None = None
    last_percent: Percent | None = None

    def contains(self, at_ms: int, call: Interval) -> bool:
        """Whether a moment lies in the window of a call."""
        after, left = at_ms - call.start_ms, call.end_ms - at_ms
        share = 100 / max(1, call.length_ms)
        floors = ((after, self.start_ms), (after * share, self.start_percent))
        ceilings = (
            (after, self.end_ms),
            (after, self.first_ms),
            (left, self.last_ms),
            (after * share, self.end_percent),
            (after * share, self.first_percent),
            (left * share, self.last_percent),
        )
        return all(limit is None or value >= limit for value, limit in floors) and all(
            limit is None or value <= limit for value, limit in ceilings
        )


class Phrases(_Model):
    """Token patterns by language."""

    ko: tuple[Pattern, ...] = ()
    en: tuple[Pattern, ...] = ()


class Condition(_Model):
    """One filter with what narrows it. ``absent`` turns it round: it holds where there is too little."""

    phrases: Phrases | None = None
    act: ActName | None = None
    kind: str | None = None
    """Of the act, as legal_threat of escalation_cue."""
    sentiment: Literal["positive", "neutral", "negative"] | None = None
    interruption_ms: Milliseconds | None = None
    """An interruption of at least so much overlap; ``speaker`` is who interrupts."""
    non_talk_ms: Milliseconds | None = None
    """A silence of both parties of at least this length."""
    speaker: Party | None = None
    window: Window | None = None
    at_least: Annotated[int, Field(ge=1)] = 1
    absent: bool = False

    @model_validator(mode="after")
    def _one_filter(self) -> Self:
        given = [name for name in FILTERS if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"give exactly one of {', '.join(FILTERS)}; here are {given or 'none'}")
        if self.kind is not None and self.act is None:
            raise ValueError("kind needs act")
        if self.interruption_ms is not None and self.speaker is None:
            raise ValueError("interruption_ms needs the speaker who interrupts")
        if self.non_talk_ms is not None and self.speaker is not None:
            raise ValueError("non_talk_ms is the silence of all: it has no speaker")
        return self


class CategoryRule(_Model):
    """A category and all the conditions that a call of it meets."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    title: str
    all: Annotated[tuple[Condition, ...], Field(min_length=1)]


class CategoryTable(_Model):
    """The content of ``categories.yaml``."""

    version: str
    between: tuple[Pattern, ...] = ()
    categories: tuple[CategoryRule, ...]

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        names = [rule.name for rule in self.categories]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(f"categories that stand here twice: {', '.join(doubled)}")
        return self

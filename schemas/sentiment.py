"""Sentiment in the document: of a sentence, a turn, a party, a quarter of the call."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.records import Milliseconds, Record

Score = Annotated[float, Field(ge=-1, le=1)]
"""−1 (negative) … 1 (positive)."""
AwsScore = Annotated[float, Field(ge=-5, le=5)]
"""The scale of Amazon Transcribe Call Analytics, −5 … 5: the score times five."""
Label = Literal["positive", "neutral", "negative"]


class Evidence(Record):
    """What spoke for a sentiment, with its share of the sum and where it stands.

    ``entry`` is a lexicon entry, or a cue of the customer's tone (``tone …``): an ending, a particle, an adverb.

    ``start`` and ``end`` are characters of the sentence's text. Turn and times are those of the sentence.
    """

    entry: str
    weight: float
    start: Annotated[int, Field(ge=0)]
    end: Annotated[int, Field(ge=0)]


class Sentiment(Record):
    """Polarity of one sentence: −1 (negative) … 1 (positive)."""

    label: Label
    score: Score
    evidence: tuple[Evidence, ...] = ()


class TurnSentiment(Record):
    """Polarity of a turn: that of its sentences' evidence taken together, as though it were one sentence."""

    label: Label
    score: Score


class Quarter(Record):
    """Mean sentiment in one quarter of the conversation; None where the party says no sentence in it."""

    start_ms: Milliseconds
    end_ms: Milliseconds
    score: Score | None = None
    aws_score: AwsScore | None = None


class Moment(Record):
    """A sentence that a figure rests on."""

    turn_id: str
    sentence_id: str
    start_ms: Milliseconds
    end_ms: Milliseconds
    score: Score


class PeakEnd(Record):
    """How the call is likely to be remembered: the mean of its worst moment and of its end.

    Remembered discomfort follows the most intense and the last moments, not the length (Kahneman et al.,
    "When More Pain Is Preferred to Less", 1993; Redelmeier and Kahneman 1996). ``peak`` is the party's
    sentence with the lowest score, the first of several; ``end`` the mean of its last three sentences.
    """

    score: Score
    peak: Moment
    end: Score


class PartySentiment(Record):
    """How a party felt: mean over its sentences (answers like 네 left out), over time, and the change."""

    label: Label
    score: Score
    aws_score: AwsScore
    sentences: int
    quarters: tuple[Quarter, ...]
    trend: float | None = None
    """Last quarter with a score minus the first with one."""
    peak_end: PeakEnd | None = None
    """None with fewer than three sentences."""


class CallSentiment(Record):
    """Sentiment by party."""

    customer: PartySentiment | None = None
    agent: PartySentiment | None = None

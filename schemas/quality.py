"""Communication quality: how agent and customer talk to each other, beyond the times in ``conversation``.

A ratio is between 0 and 1 and ``None`` where nothing called for it (no refusal, so no alternative was due);
a rate is per minute or per hundred sentences, as its name says. Korean levels of speech are the Korean
grammar's (하십시오체, 해요체, 해체); they are ``None`` in other languages.
"""

from typing import Annotated, Generic, Literal, TypeVar

from pydantic import Field

from schemas.acts import Place
from schemas.records import Milliseconds, Record

Ratio = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Rate = Annotated[float, Field(ge=0)]


class Finding(Place):
    """A sentence that a figure counts. ``kind`` tells findings of one list apart, where there are several."""

    kind: str | None = None


class CutOff(Record):
    """An interruption after which the other party stops, in the middle of a sentence (말자름)."""

    turn_id: str
    """The turn that was cut off."""
    sentence_id: str | None = None
    start_ms: Milliseconds
    end_ms: Milliseconds
    """From the moment of the interruption to the moment when the other party fell silent."""


class CutOffs(Record):
    """How often a party cut the other off. Little confidence on one mixed channel: see ``reliability``."""

    count: Count
    instances: tuple[CutOff, ...] = ()
    reliability: Literal["high", "low"]


class Backchannels(Record):
    """Signs of listening (호응): how many, and how many of the other party's pauses brought one.

    A pause of 0.3 to 1.5 s after a clause, in which nobody takes the floor, is an opportunity; it is covered when a
    backchannel begins in it. A short 네 that answers a question counts as a backchannel: its words are the same.
    """

    count: Count
    per_minute: Rate | None = None
    """Over the minutes in which the other party talks; None where it never does."""
    opportunities: Count
    covered: Count


class Coverage(Record):
    """How often what was due came. ``ratio`` is None when it was never due."""

    due: Count
    met: Count
    ratio: Ratio | None = None
    missed: tuple[Place, ...] = ()
    """Each occasion that called for it in vain, by its first sentence."""


class Findings(Record):
    """How often something is said, where, and how often in a hundred sentences of the party."""

    count: Count
    per_100_sentences: Rate | None = None
    instances: tuple[Finding, ...] = ()


class Honorifics(Record):
    """Level of speech, by the last ending of each sentence.

    ``deferential`` 하십시오체, ``polite`` 해요체, ``plain`` 해체 and 해라체 (반말), ``unfinished`` ends in a
    connective ending, ``none`` has no ending.
    """

    deferential: Count
    polite: Count
    plain: Count
    unfinished: Count
    none: Count
    ratio: Ratio | None = None
    """(deferential + polite) / (deferential + polite + plain)."""
    deferential_share: Ratio | None = None
    """deferential / (deferential + polite): 다까체 against 요조체."""
    plain_sentences: tuple[Place, ...] = ()


class Questions(Record):
    """Questions by kind: with a question word, answered by yes or no, or asking to confirm."""

    open: Count
    closed: Count
    verification: Count


class LanguageQuality(Record):
    """How a party speaks. ``filler_ratio`` and ``hedge_ratio`` are shares of its words and of its statements."""

    sentences: Count
    honorifics: Honorifics | None = None
    subject_honorifics: Findings | None = None
    """-시- and its lexical kin, said of a person."""
    over_honorifics: Findings | None = None
    """-시- said of a thing (사물존칭)."""
    filler_ratio: Ratio | None = None
    hedge_ratio: Ratio | None = None
    sentence_syllables_p90: Count | None = None
    """90th percentile of the length of its sentences, in syllables as they are read aloud; Korean only."""
    questions: Questions
    jargon: Findings
    """Words of the tenant's table that a customer would not know."""


class Courtesy(Record):
    """What an agent owes a customer, and gave."""

    cushion: Coverage
    """쿠션어: before a request, a refusal, bad news, in the same sentence or the one before."""
    empathy: Coverage
    """공감: within the agent's next two sentences after a clearly negative one of the customer."""
    apology: Coverage
    """Within the agent's next three sentences after a complaint about the company."""
    alternative: Coverage
    """대안 제시: within three sentences after a refusal."""
    repeat_back: Coverage
    """복창: of numbers, names, addresses that the customer gave, within two turns."""
    negative_phrasing: Findings
    """부정 표현 without an alternative."""
    blame: Findings
    conflict: Findings
    ownership: Findings
    """제가 확인해 드리겠습니다: the agent says that they themselves will do it."""
    name_use: Findings
    """Addressing the customer by name."""
    promises: Count
    promises_with_time: Count
    """Of these, the ones that say by when."""


StepName = Literal[
    "greeting",
    "self_introduction",
    "recording_notice",
    "identity_check",
    "need_check",
    "summary",
    "further_help",
    "closing",
]


class ScriptStep(Record):
    """A step of the script: whether and where it was said, and whether at its place.

    ``in_place`` is None where it was not said; its place is a stretch of the call (the first 20 s, the last
    30 s) or before another step, as the tenant's table has it.
    """

    step: StepName
    said: bool
    in_place: bool | None = None
    evidence: Place | None = None


T = TypeVar("T")


class ByParty(Record, Generic[T]):
    """One value a party; None: it never speaks, or its part is not known."""

    agent: T | None = None
    customer: T | None = None


# Named here, at the top of the module, because only such classes can be pickled: analyses run in processes.
PartyCutOffs = ByParty[CutOffs]
PartyBackchannels = ByParty[Backchannels]
PartyLanguage = ByParty[LanguageQuality]


class Quality(Record):
    """Communication quality of a call. A part that could not be computed is None and in ``skipped``."""

    cut_offs: PartyCutOffs = PartyCutOffs()
    """By the party that cuts off."""
    backchannels: PartyBackchannels = PartyBackchannels()
    """By the party that gives them."""
    rate_gap: float | None = None
    """(agent's speech rate − customer's) / customer's; in syllables (Korean) or words."""
    first_response_ms: Milliseconds | None = None
    """From the start of the recording to the agent's first word: telephony systems record from the answer on."""
    language: PartyLanguage = PartyLanguage()
    courtesy: Courtesy | None = None
    script: tuple[ScriptStep, ...] = ()

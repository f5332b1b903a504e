"""Who is the agent and who the customer.

Channel roles from the telephony system are the truth. Otherwise the cues of ``roles.yaml`` are summed over
the whole call for each speaker and the parts are given out jointly: the speaker with the most agent cues is
the agent, the one with the fewest the customer, and nobody gets a part when the sums lie too close. Among more
than two, a voice that only plays an announcement is ``other``, and whoever else sounds like an agent is one, as
after a transfer. Who speaks first decides nothing, since voice menus and transfers break that rule; where the
direction is known, whoever answers a call gets half of what a part needs.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cached_property

from pydantic import BaseModel, ConfigDict

from consumers.analysis.speech import UNKNOWN_SPEAKER, Speech
from consumers.analysis.tables import SHIPPED, Tables
from schemas.document import Participant
from schemas.records import Direction, Role

MARGIN = 2.0
"""Sum of cues that a part, or the difference between two speakers, needs."""
MAX_COUNT = 4
"""A cue counts at most so often a speaker: a habit is no proof."""
ANSWERING = 1.0
"""What answering the call speaks for: the agent if the call came in, the customer if it went out."""
DEDUCED_CONFIDENCE = 0.9
"""Of the second party's role, when the channels name only the first's."""


ANNOUNCEMENT_TURNS = 2
TABLE = "roles.yaml"

_Part = tuple[Role, float]


class Cue(BaseModel):
    """A regular expression over a turn's text and what it speaks for: the agent if positive."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    match: re.Pattern[str]
    weight: float


class CueTable(BaseModel):
    """The content of ``roles.yaml``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    cues: tuple[Cue, ...]
    announcements: tuple[re.Pattern[str], ...] = ()
    """What only a recorded voice says."""


class RoleResolver:
    """Gives every speaker a role and a confidence."""

    @cached_property
    def table(self) -> CueTable:
        """The shipped cues, read at first use."""
        return SHIPPED.get(TABLE, CueTable)

    def resolve(
        self,
        speech: Speech,
        channel_roles: Sequence[Role],
        *,
        direction: Direction = Direction.UNKNOWN,
        tables: Tables = SHIPPED,
    ) -> tuple[Participant, ...]:
        """One participant a speaker, in the order of their first sound."""
        cues = tables.get(TABLE, CueTable)
        given = _from_channels(speech, channel_roles)
        open_ = [s for s in speech.speakers if s not in given and s != UNKNOWN_SPEAKER]
        parts = given | (_complement(given, open_) or _from_cues(speech, open_, given, cues, direction))
        nobody = (Role.UNKNOWN, 0.0)
        return tuple(
            Participant(speaker=s, role=parts.get(s, nobody)[0], confidence=round(parts.get(s, nobody)[1], 3))
            for s in speech.speakers
        )


def score(cues: CueTable, texts: Sequence[str]) -> float:
    """Sum of the cues in one speaker's turns: positive for an agent, negative for a customer."""
    total = 0.0
    for cue in cues.cues:
        count = sum(len(cue.match.findall(text)) for text in texts)
        total += cue.weight * min(count, MAX_COUNT)
    return total


def _from_cues(
    speech: Speech,
    speakers: Sequence[str],
    given: Mapping[str, _Part],
    cues: CueTable,
    direction: Direction,
) -> dict[str, _Part]:
    texts: dict[str, list[str]] = {speaker: [] for speaker in speakers}
    for turn in speech.turns:
        if turn.speaker in texts:
            texts[turn.speaker].append(turn.text)
    played = {s: (Role.OTHER, DEDUCED_CONFIDENCE) for s in speakers if _is_announcement(cues, texts[s])}
    scores = {s: score(cues, said) for s, said in texts.items() if s not in played}
    answered = next((turn.speaker for turn in speech.turns if turn.speaker in scores), None)
    if answered is not None:
        scores[answered] += {Direction.INBOUND: ANSWERING, Direction.OUTBOUND: -ANSWERING}.get(direction, 0.0)
    return played | _jointly(scores, {role for role, _ in given.values()})


def _is_announcement(cues: CueTable, texts: Sequence[str]) -> bool:
    """Whether a speaker has one turn or two, and each is nothing but a recorded voice."""
    few = 0 < len(texts) <= ANNOUNCEMENT_TURNS
    return few and all(any(pattern.search(text) for pattern in cues.announcements) for text in texts)


def _from_channels(speech: Speech, channel_roles: Sequence[Role]) -> dict[str, _Part]:
    heard = speech.speakers
    return {
        speaker: (channel_roles[channel], 1.0)
        for speaker, channel in speech.channels.items()
        if speaker in heard and channel < len(channel_roles) and channel_roles[channel] is not Role.UNKNOWN
    }


def _complement(given: Mapping[str, _Part], open_: Sequence[str]) -> dict[str, _Part]:
    """The other party of a two-party call whose first is known from its channel."""
    opposite = {Role.AGENT: Role.CUSTOMER, Role.CUSTOMER: Role.AGENT}
    roles = [role for role, _ in given.values()]
    if len(roles) == 1 and len(open_) == 1 and roles[0] in opposite:
        return {open_[0]: (opposite[roles[0]], DEDUCED_CONFIDENCE)}
    return {}


def _jointly(scores: Mapping[str, float], taken: set[Role]) -> dict[str, _Part]:
    ranked = sorted(scores, key=lambda speaker: (-scores[speaker], speaker))
    if len(ranked) < 2 or taken:  # noqa: PLR2004 -- two parties make a conversation
        return _one_by_one(ranked, scores, taken)
    agent, customer = ranked[0], ranked[-1]
    span = scores[agent] - scores[customer]
    # With two, their difference says it all; among more, the agent has to sound like one.
    if span < MARGIN or (len(ranked) > 2 and scores[agent] < MARGIN):  # noqa: PLR2004 -- as above
        return {}
    parts = {agent: (Role.AGENT, _confidence(span)), customer: (Role.CUSTOMER, _confidence(span))}
    return parts | {s: _third(scores[s], scores[customer], span) for s in ranked[1:-1]}


def _third(score_: float, customers: float, span: float) -> _Part:
    """The part of a speaker between agent and customer: an agent too if they sound like one."""
    apart = score_ - customers
    if apart >= MARGIN and score_ >= MARGIN:
        return Role.AGENT, _confidence(apart)
    return Role.OTHER, _confidence(span) / 2


def _one_by_one(ranked: Sequence[str], scores: Mapping[str, float], taken: set[Role]) -> dict[str, _Part]:
    parts: dict[str, _Part] = {}
    for speaker in ranked:
        role = Role.AGENT if scores[speaker] > 0 else Role.CUSTOMER
        if abs(scores[speaker]) >= MARGIN and role not in taken:
            parts[speaker] = (role, _confidence(abs(scores[speaker])))
            taken = taken | {role}
    return parts


def _confidence(margin: float) -> float:
    return margin / (margin + MARGIN)

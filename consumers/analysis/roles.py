"""Who is the agent and who the customer.

Channel roles from the telephony system are the truth. Otherwise the cues of ``roles.yaml`` are summed over
the whole call for each speaker and the parts are given out jointly: the speaker with the most agent cues is
the agent, the one with the fewest the customer, and nobody gets a part when the sums lie too close. Who
speaks first decides nothing: outbound calls, voice menus and transfers break that rule.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cached_property

from pydantic import BaseModel, ConfigDict

from consumers.analysis import data
from consumers.analysis.speech import UNKNOWN_SPEAKER, Speech
from schemas.document import Participant
from schemas.records import Role

MARGIN = 2.0
"""Sum of cues that a part, or the difference between two speakers, needs."""
MAX_COUNT = 4
"""A cue counts at most so often a speaker: a habit is no proof."""
DEDUCED_CONFIDENCE = 0.9
"""Of the second party's role, when the channels name only the first's."""


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


class RoleResolver:
    """Gives every speaker a role and a confidence."""

    @cached_property
    def table(self) -> CueTable:
        """The shipped cues, read at first use."""
        return data.load("roles.yaml", CueTable)

    def resolve(self, speech: Speech, channel_roles: Sequence[Role]) -> tuple[Participant, ...]:
        """One participant a speaker, in the order of their first sound."""
        given = _from_channels(speech, channel_roles)
        open_ = [s for s in speech.speakers if s not in given and s != UNKNOWN_SPEAKER]
        parts = given | (_complement(given, open_) or self._from_cues(speech, open_, given))
        nobody = (Role.UNKNOWN, 0.0)
        return tuple(
            Participant(speaker=s, role=parts.get(s, nobody)[0], confidence=round(parts.get(s, nobody)[1], 3))
            for s in speech.speakers
        )

    def score(self, texts: Sequence[str]) -> float:
        """Sum of the cues in one speaker's turns: positive for an agent, negative for a customer."""
        total = 0.0
        for cue in self.table.cues:
            count = sum(len(cue.match.findall(text)) for text in texts)
            total += cue.weight * min(count, MAX_COUNT)
        return total

    def _from_cues(
        self, speech: Speech, speakers: Sequence[str], given: Mapping[str, tuple[Role, float]]
    ) -> dict[str, tuple[Role, float]]:
        texts: dict[str, list[str]] = {speaker: [] for speaker in speakers}
        for turn in speech.turns:
            if turn.speaker in texts:
                texts[turn.speaker].append(turn.text)
        taken = {role for role, _ in given.values()}
        return _jointly({s: self.score(t) for s, t in texts.items()}, taken)


def _from_channels(speech: Speech, channel_roles: Sequence[Role]) -> dict[str, tuple[Role, float]]:
    heard = speech.speakers
    return {
        speaker: (channel_roles[channel], 1.0)
        for speaker, channel in speech.channels.items()
        if speaker in heard and channel < len(channel_roles) and channel_roles[channel] is not Role.UNKNOWN
    }


def _complement(
    given: Mapping[str, tuple[Role, float]], open_: Sequence[str]
) -> dict[str, tuple[Role, float]]:
    """The other party of a two-party call whose first is known from its channel."""
    opposite = {Role.AGENT: Role.CUSTOMER, Role.CUSTOMER: Role.AGENT}
    roles = [role for role, _ in given.values()]
    if len(roles) == 1 and len(open_) == 1 and roles[0] in opposite:
        return {open_[0]: (opposite[roles[0]], DEDUCED_CONFIDENCE)}
    return {}


def _jointly(scores: Mapping[str, float], taken: set[Role]) -> dict[str, tuple[Role, float]]:
    ranked = sorted(scores, key=lambda speaker: (-scores[speaker], speaker))
    if len(ranked) < 2 or taken:  # noqa: PLR2004 -- two parties make a conversation
        return _one_by_one(ranked, scores, taken)
    agent, customer = ranked[0], ranked[-1]
    span = scores[agent] - scores[customer]
    # With two, their difference says it all; among more, the agent has to sound like one.
    if span < MARGIN or (len(ranked) > 2 and scores[agent] < MARGIN):  # noqa: PLR2004 -- as above
        return {}
    parts = {agent: (Role.AGENT, _confidence(span)), customer: (Role.CUSTOMER, _confidence(span))}
    others = {speaker: (Role.OTHER, _confidence(span) / 2) for speaker in ranked[1:-1]}
    return others | parts


def _one_by_one(
    ranked: Sequence[str], scores: Mapping[str, float], taken: set[Role]
) -> dict[str, tuple[Role, float]]:
    parts: dict[str, tuple[Role, float]] = {}
    for speaker in ranked:
        role = Role.AGENT if scores[speaker] > 0 else Role.CUSTOMER
        if abs(scores[speaker]) >= MARGIN and role not in taken:
            parts[speaker] = (role, _confidence(abs(scores[speaker])))
            taken = taken | {role}
    return parts


def _confidence(margin: float) -> float:
    return margin / (margin + MARGIN)

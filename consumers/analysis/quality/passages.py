"""Passages: what one party says until the other one says something.

A sentence that only says *go on, I am listening*, and does nothing else, ends no passage and is part of none, so
that 네 in the middle of a complaint makes one complaint of it, not two.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from consumers.analysis.acts import Said, said
from consumers.analysis.floor import backchannel_words
from consumers.analysis.speech import SpokenTurn
from consumers.analysis.view import CallView
from schemas.records import Role

_PARTIES = frozenset({Role.AGENT, Role.CUSTOMER})


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """Sentences of one party with their turns, at least one."""

    role: Role
    said: tuple[Said, ...]

    @property
    def turns(self) -> tuple[SpokenTurn, ...]:
        """The turns of its sentences, each once."""
        return tuple({turn.id: turn for turn, _ in self.said}.values())


def passages(call: CallView) -> list[Passage]:
    """Those of agent and customer, in order. Announcements and unknown voices are no part of the talk."""
    return [
        Passage(role=role, said=tuple(sentences))
        for role, sentences in groupby(_spoken(call), key=lambda s: call.roles[s[0].speaker])
    ]


def _spoken(call: CallView) -> Iterator[Said]:
    listens = backchannel_words(call.tables).speak(call.language)
    for turn, sentence in said(call):
        talks = call.acts[sentence.id] or not listens(sentence.text)
        if talks and call.roles.get(turn.speaker) in _PARTIES:
            yield turn, sentence

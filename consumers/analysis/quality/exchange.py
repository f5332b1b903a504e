"""What one party's words call for, and whether the other's answer it: occasions of courtesy.

One occasion a passage (see ``passages``), however many of its sentences call for the same: who asks for name and
date of birth in two sentences owes one cushion, who complains at length is owed one apology. It is met when any
of its sentences is answered, and named by its first. What could not be answered any more, because the agent says
nothing after it, was never due.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf
from typing import NamedTuple

from consumers.analysis.acts import Said
from consumers.analysis.lexicon import SentimentTable
from consumers.analysis.polarity import squashed
from consumers.analysis.promises import PromiseSlots, promise_slots
from consumers.analysis.quality.courtesy_rules import CourtesyCues, courtesy_cues
from consumers.analysis.quality.given import Values
from consumers.analysis.quality.passages import Passage, passages
from consumers.analysis.view import CallView
from schemas.records import Role

NEGATIVE = -0.4
"""A customer's sentence with this score or less, by the feelings that it names alone as well, calls for empathy."""
GRAVE = -0.75
"""A passage whose sentences below nought come to this score or less does even if it names no feeling."""
GRIEVANCE, CURT_GRIEVANCE, ANGRY_GRIEVANCE = -0.3, -0.5, -0.15
"""A customer's sentence with this score or less, its feelings left out, complains: stated, as a question or in less
words than ``STATED``, and where somebody is angry about it."""
STATED = 4
"""Words."""
PLEASED = 0.5
"""Who says something with this score or more blames nobody, whatever it names."""
REPROACH = -0.4
"""A word that judges the company is a complaint with this share or less."""
EMPATHY_WITHIN, APOLOGY_WITHIN, ALTERNATIVE_WITHIN = 2, 3, 3
"""Sentences of the agent."""
REPEAT_WITHIN = 2
"""Passages of the agent."""
REPEATED_SHARE = 0.6

_COMPLAINTS = frozenset({"repeat_contact", "complaint_threat"})
"""Kinds of escalation cues that hold a complaint about the company."""
_INSTEAD = frozenset({"alternative", "offer"})


class Occasion(NamedTuple):
    """Where something was due, and whether it came."""

    first: Said
    met: bool


@dataclass(frozen=True)
class Exchange:
    """A call as the talk of two parties. Places ``at`` are numbers of the agent's sentences."""

    call: CallView

    @cached_property
    def passages(self) -> Sequence[Passage]:
        """In order."""
        return passages(self.call)

    @cached_property
    def agent(self) -> Sequence[Said]:
        """The agent's sentences."""
        return [one for passage in self.passages if passage.role is Role.AGENT for one in passage.said]

    @cached_property
    def cues(self) -> Sequence[frozenset[str]]:
        """What each of the agent's sentences has besides its acts."""
        return [self.rules.of_agent(self._values.with_names(*one)) for one in self.agent]

    @cached_property
    def rules(self) -> CourtesyCues:
        """The cues of the call's language."""
        return courtesy_cues(self.call.tables, self.call.language or "")

    @cached_property
    def acts(self) -> Sequence[Collection[str]]:
        """The acts of each of the agent's sentences."""
        return [self.call.acts[sentence.id] for _, sentence in self.agent]

    def cushions(self) -> Iterator[Occasion]:
        """쿠션어 in the sentence that burdens the customer or the one before."""
        return self._of_agent(self._burdens, lambda at: self._any("cushion", range(max(0, at - 1), at + 1)))

    def alternatives(self) -> Iterator[Occasion]:
        """대안 제시 in the sentence that refuses or the next three."""
        return self._of_agent(self._refuses, self._offers_instead)

    def empathy(self) -> Iterator[Occasion]:
        """공감 within two sentences after what is clearly negative."""
        return self._of_customer(self._upset, "empathy", EMPATHY_WITHIN)

    def apologies(self) -> Iterator[Occasion]:
        """An apology, no cushion, within three sentences after a complaint."""
        return self._of_customer(self._complaints, "apology", APOLOGY_WITHIN)

    def repeats(self) -> Iterator[Occasion]:
        """복창 within two passages after the customer gave what is worth it."""
        values = self._values
        for number, passage in enumerate(self.passages):
            given = values.given(passage.turns) if passage.role is Role.CUSTOMER else None
            # Passages alternate, so every second one from here is the agent's.
            later = self.passages[number + 1 : number + 2 * REPEAT_WITHIN : 2]
            if given and later and given.worth_repeating:
                again = values.given(turn for p in later for turn in p.turns)
                yield Occasion(passage.said[0], given.share_in(again) >= REPEATED_SHARE)

    def is_bluntly_negative(self, at: int) -> bool:
        """부정 표현 that no alternative follows."""
        negative = "negative" in self.cues[at] and not self._excused(at)
        return (negative or self._refuses(at)) and not self._offers_instead(at)

    def uses_name(self, at: int) -> bool:
        """Whether the customer is addressed by name, other than to ask whether that is right."""
        acts, is_question = self.acts[at], self.agent[at][1].kind == "question"
        checks = "identity_check" in acts or ("repeat_back" in acts and is_question)
        return "name_use" in self.cues[at] and not checks

    def promises_when(self, at: int) -> bool:
        """Whether a promise says by when."""
        return "promise" in self.acts[at] and self._slots.when(self.agent[at][1]) is not None

    @cached_property
    def _values(self) -> Values:
        korean = self.call.language == "ko"
        return Values(self.call.personal_data, self.rules.table.repeated, korean=korean)

    @cached_property
    def _slots(self) -> PromiseSlots:
        return promise_slots(self.call.tables, self.call.language or "")

    @cached_property
    def _first_at(self) -> Mapping[str, int]:
        """Sentence id to its number among the agent's."""
        return {sentence.id: at for at, (_, sentence) in enumerate(self.agent)}

    def _of_agent(self, due: Callable[[int], bool], met: Callable[[int], bool]) -> Iterator[Occasion]:
        for passage in self.passages:
            places = [self._first_at[s.id] for _, s in passage.said] if passage.role is Role.AGENT else []
            calling = [at for at in places if due(at)]
            if calling:
                yield Occasion(self.agent[calling[0]], any(met(at) for at in calling))

    def _of_customer(
        self, due: Callable[[Passage], Sequence[Said]], act: str, within: int
    ) -> Iterator[Occasion]:
        after = 0
        for passage in self.passages:
            if passage.role is Role.AGENT:
                after += len(passage.said)
                continue
            calling = due(passage)
            if calling and self._is_answered(passage):
                yield Occasion(calling[0], self._any(act, range(after, after + within)))

    def _is_answered(self, passage: Passage) -> bool:
        """Whether the agent says anything after it, be it only that they listen."""
        start_ms = passage.said[-1][0].span.start_ms
        agents = self.call.speakers(Role.AGENT)
        return any(turn.span.start_ms > start_ms for turn in self.call.speech.turns if turn.speaker in agents)

    def _any(self, act: str, places: range) -> bool:
        return any(act in self.acts[at] for at in places if at < len(self.agent))

    def _burdens(self, at: int) -> bool:
        asks = "identity_check" in self.acts[at] or "information_request" in self.cues[at]
        # Who has a number confirmed asks for nothing.
        asks = asks and "repeat_back" not in self.acts[at]
        return asks or self._refuses(at) or "bad_news" in self.cues[at]

    def _refuses(self, at: int) -> bool:
        return "refusal" in self.acts[at] and not self._excused(at)

    def _excused(self, at: int) -> bool:
        """Whoever warns an abuser refuses nothing, nor does who apologises for what was not done."""
        return "abuse_warning" in self.acts[at] or "excuse" in self.cues[at]

    def _offers_instead(self, at: int) -> bool:
        """An alternative, an offer, or a promise that names another time."""
        places = range(at, min(at + 1 + ALTERNATIVE_WITHIN, len(self.agent)))
        return any(not _INSTEAD.isdisjoint(self.acts[n]) or self.promises_when(n) for n in places)

    def _upset(self, passage: Passage) -> Sequence[Said]:
        named = [one for one in passage.said if self._is_upset(one)]
        down = [one for one in passage.said if self.call.polarity[one[1].id].score < 0]
        is_grave = sum(self.call.polarity[sentence.id].score for _, sentence in down) <= GRAVE
        return named or (down if is_grave else [])

    def _is_upset(self, said: Said) -> bool:
        mood = self.call.polarity[said[1].id]
        # A problem told in the tone of a complaint wants a solution; feelings that are named want empathy.
        felt = sum(one.weight for one in mood.evidence if one.entry in self._moods.felt)
        clearly = max(mood.score, squashed(felt)) <= NEGATIVE
        return clearly or "misfortune" in self._customers_cues(said)

    def _complaints(self, passage: Passage) -> Sequence[Said]:
        """What accuses the company, and, unless it is about their own trouble, whatever else is a grievance."""
        own = any("own_doing" in self._customers_cues(one) for one in passage.said)
        own = own or passage.said[-1][0].span.start_ms >= self._misfortune_ms
        return [one for one in passage.said if self._accuses(one) or (not own and self._is_aggrieved(one))]

    def _accuses(self, said: Said) -> bool:
        mood, marks = self.call.polarity[said[1].id], self.call.act_marks[said[1].id]
        cues = self._customers_cues(said)
        judged = [one.weight for one in mood.evidence if one.entry in self._moods.judged]
        threatens = any(mark.act == "escalation_cue" and mark.kind in _COMPLAINTS for mark in marks)
        judges = min(judged, default=0) <= REPROACH and "own_doing" not in cues
        return mood.score < PLEASED and (threatens or judges or "complaint" in cues)

    def _is_aggrieved(self, said: Said) -> bool:
        mood = self.call.polarity[said[1].id]
        if "request" in self._customers_cues(said):
            return False
        moods, evidence = self._moods, mood.evidence
        # The tone of a sentence that names feelings is theirs.
        feels = any(one.entry in moods.told_of_self for one in evidence)
        told = sum(one.weight for one in evidence if not feels or one.entry in moods.faults)
        return mood.score <= GRIEVANCE and squashed(told) <= self._most(said)

    def _most(self, said: Said) -> float:
        _, sentence = said
        if "anger" in self._customers_cues(said):
            return ANGRY_GRIEVANCE
        is_stated = sentence.kind != "question" and len(sentence.text.split()) >= STATED
        return GRIEVANCE if is_stated else CURT_GRIEVANCE

    def _customers_cues(self, said: Said) -> frozenset[str]:
        return self._cues_of_customer[said[1].id]

    @cached_property
    def _misfortune_ms(self) -> float:
        """When the customer first tells a misfortune: what they say of it later on is still about that."""
        said = (one for passage in self.passages if passage.role is Role.CUSTOMER for one in passage.said)
        return next((t.span.start_ms for t, s in said if "misfortune" in self._cues_of_customer[s.id]), inf)

    @cached_property
    def _cues_of_customer(self) -> Mapping[str, frozenset[str]]:
        said = [one for passage in self.passages if passage.role is Role.CUSTOMER for one in passage.said]
        return {sentence.id: self.rules.of_customer(sentence.tokens) for _, sentence in said}

    @cached_property
    def _moods(self) -> "_Moods":
        return self.call.tables.built(f"sentiment.{self.call.language}.yaml", SentimentTable, _moods_of)


class _Moods(NamedTuple):
    """Ids of sentiment entries: what speakers feel or will do; all else; what judges; what wants empathy."""

    told_of_self: frozenset[str]
    faults: frozenset[str]
    judged: frozenset[str]
    felt: frozenset[str]


def _moods_of(table: SentimentTable) -> _Moods:
    return _Moods(
        told_of_self=frozenset(entry.id for entry in table.entries if entry.kind in {"emotion", "threat"}),
        faults=frozenset(entry.id for entry in table.entries if entry.kind in {"problem", "quality"}),
        judged=frozenset(entry.id for entry in table.entries if entry.kind == "quality"),
        felt=frozenset(entry.id for entry in table.entries if entry.kind != "problem" or entry.reproach),
    )

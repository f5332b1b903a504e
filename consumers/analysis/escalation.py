"""How far the customer's anger goes: an exponentially weighted level over the customer's turns.

Each turn adds the strength of its negative sentiment, a share for profanity, for interrupting and for having
called before; the level keeps 60 % of what it was (the weights are ours, not a published standard). Sustained
anger is a level above the threshold in two of three turns running; the other events are the customer's words.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from consumers.analysis.act_rules import LANGUAGES
from consumers.analysis.acts import place
from consumers.analysis.skips import skip, without_parties
from consumers.analysis.speech import SpokenTurn
from consumers.analysis.tables import Tables
from consumers.analysis.view import CallView, Findings
from schemas.acts import Escalation, EscalationEvent
from schemas.document import SkipReason
from schemas.records import Role

ALPHA = 0.4
"""Weight of the newest turn."""
PROFANITY, INTERRUPTIONS, REPEAT = 0.5, 0.3, 0.3
THRESHOLD = 0.6
WINDOW, NEEDED = 3, 2
_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class EscalationAnalyser:
    """Fills ``escalation``."""

    name: str = "escalation"

    def versions(self, _: Tables) -> Mapping[str, str]:
        """None of its own: it reads acts and sentiment."""
        return {}

    def analyse(self, call: CallView) -> Findings:
        """Index and events; skipped where the customer is not known."""
        reason = call.wordless or without_parties(call, both=False)
        if call.language not in LANGUAGES:
            reason = reason or SkipReason.UNSUPPORTED_LANGUAGE
        turns = [t for t in call.speech.turns if call.roles.get(t.speaker) is Role.CUSTOMER]
        if reason is not None or not turns:
            return Findings(skipped=[skip("escalation", reason or SkipReason.PARTY_ABSENT)])
        levels = _levels([_heat(call, turn) for turn in turns], _interrupting(call))
        events = sorted(
            [*_cues(call, turns), *_sustained(call, turns, levels)], key=lambda e: (e.start_ms, e.kind)
        )
        index = round(min(1.0, max(levels)), 3)
        found = Escalation(detected=bool(events), index=index, events=tuple(events))
        return Findings(fields={"escalation": found})


def _levels(heats: Sequence[float], base: float) -> list[float]:
    levels: list[float] = []
    level = 0.0
    for heat in heats:
        # Interrupting alone, in a calm turn, is liveliness.
        level = ALPHA * (heat + base if heat else 0.0) + (1 - ALPHA) * level
        levels.append(level)
    return levels


def _heat(call: CallView, turn: SpokenTurn) -> float:
    sentences = call.sentences[turn.id]
    moods = [call.polarity[s.id].score for s in sentences if s.id in call.polarity]
    marks = [mark for s in sentences for mark in call.act_marks[s.id]]
    profane = any(mark.act == "profanity" for mark in marks)
    repeated = any(mark.kind == "repeat_contact" for mark in marks)
    return max(0.0, -min(moods, default=0.0)) + PROFANITY * profane + REPEAT * repeated


def _interrupting(call: CallView) -> float:
    if call.bounds is None or call.mixed:
        return 0.0
    agents, customers = call.speakers(Role.AGENT), call.speakers(Role.CUSTOMER)
    count = len(call.floor.interruptions(customers, agents))
    return INTERRUPTIONS * min(1.0, count * _MINUTE_MS / max(_MINUTE_MS, call.bounds.length_ms))


def _cues(call: CallView, turns: Sequence[SpokenTurn]) -> Iterator[EscalationEvent]:
    for turn in turns:
        for sentence in call.sentences[turn.id]:
            for mark in call.act_marks[sentence.id]:
                kind = mark.kind if mark.act == "escalation_cue" else mark.act
                if mark.act in {"escalation_cue", "profanity"} and kind:
                    yield EscalationEvent(**place(turn, sentence).model_dump(), kind=kind)


def _sustained(
    call: CallView, turns: Sequence[SpokenTurn], levels: Sequence[float]
) -> Iterator[EscalationEvent]:
    """One event for each stretch, at the turn in which it becomes one."""
    hot = False
    for number, turn in enumerate(turns):
        recent = levels[max(0, number - WINDOW + 1) : number + 1]
        was, hot = hot, sum(level > THRESHOLD for level in recent) >= NEEDED
        sentences = call.sentences[turn.id]
        if hot and not was and sentences:
            yield EscalationEvent(**place(turn, sentences[0]).model_dump(), kind="sustained_anger")

"""How a call ends for the customer: the label that most evidence speaks for.

Every signal and act adds its weight from ``outcome.yaml`` to the labels it speaks for, half of it at the beginning
of the call and all of it at the end: what is said last holds. The customer's mood counts only in the last quarter.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast, get_args

from consumers.analysis import signals
from consumers.analysis.acts import place, said
from consumers.analysis.promises import promise_slots
from consumers.analysis.sentences import SpokenSentence
from consumers.analysis.skips import skip, without_parties
from consumers.analysis.speech import SpokenTurn
from consumers.analysis.tables import Tables
from consumers.analysis.view import CallView, Findings
from schemas.document import SkipReason
from schemas.outcome import Outcome, OutcomeLabel
from schemas.records import Role

LATE_SHARE = 0.75
"""Of the call's sentences; what comes after is its end."""
LATE_TURNS = 4
"""The end of a call has at least so many turns."""
LAST_TURNS = 2
"""A line that went dead is noticed in these."""
NEGATIVE = -0.3
"""A sentence's score from which on it counts as the customer's displeasure."""
EVIDENCE = 3
"""Sentences named at most."""
SCARCITY = 1.0
"""Weight that stands against every label, so that little evidence gives little confidence."""

_HANGING = frozenset(
    {"and", "or", "but", "to", "the", "a", "an", "my", "of", "because", "i", "she", "he", "we", "they"}
)
_HANGING_PARTICLES = frozenset({"JKS", "JKO", "JKG", "JC"})
"""Of a subject, an object, an owner, or a list that goes on."""
_UNWELCOME = frozenset({"refused", "refusal", "apology", "conflict_phrase", "blame", "cushion"})

_LABELS: tuple[str, ...] = get_args(OutcomeLabel)[:-1]


class Sign(NamedTuple):
    """A sentence's worth for one label."""

    label: str
    weight: float
    turn: SpokenTurn
    sentence: SpokenSentence


@dataclass(frozen=True, slots=True)
class OutcomeAnalyser:
    """Fills ``outcome``."""

    name: str = "outcome"

    def versions(self, tables: Tables) -> Mapping[str, str]:
        """Of the table of signals and weights."""
        return {"outcome": signals.table(tables).version}

    def analyse(self, call: CallView) -> Findings:
        """Label, confidence and the sentences that tell; skipped where the parties are not known."""
        reason = call.wordless or without_parties(call, both=False)
        if call.language not in signals.LANGUAGES:
            reason = reason or SkipReason.UNSUPPORTED_LANGUAGE
        if reason is not None:
            return Findings(skipped=[skip("outcome", reason)])
        return Findings(fields={"outcome": conclude(call)})


def conclude(call: CallView) -> Outcome:
    """The outcome of a call whose parties are known."""
    signs = list(signs_of(call))
    sums = {label: sum(s.weight for s in signs if s.label == label) for label in _LABELS}
    best = max(sums, key=lambda label: sums[label])
    if sums[best] < signals.table(call.tables).least:
        return Outcome(label="unknown", confidence=0)
    telling = sorted((s for s in signs if s.label == best), key=lambda s: -s.weight)[:EVIDENCE]
    places = {s.sentence.id: place(s.turn, s.sentence) for s in telling}
    return Outcome(
        label=cast("OutcomeLabel", best),
        confidence=round(sums[best] / (sum(sums.values()) + SCARCITY), 3),
        evidence=tuple(sorted(places.values(), key=lambda p: p.start_ms)),
    )


def signs_of(call: CallView) -> Iterator[Sign]:
    """Everything in the call that speaks for a label."""
    weights = signals.table(call.tables).weights
    sentences = list(said(call))
    late_turns = {turn.id for turn in call.speech.turns[-LATE_TURNS:]}
    for number, (turn, sentence) in enumerate(sentences):
        is_late = turn.id in late_turns or number >= LATE_SHARE * len(sentences)
        worth = 0.5 + 0.5 * (number + 1) / len(sentences)
        for mark in _marks(call, turn, sentence, is_late=is_late):
            for label in _LABELS:
                weight = getattr(weights, label).get(mark, 0.0)
                if weight:
                    yield Sign(label, weight * worth, turn, sentence)
    yield from _cut_off(call, sentences, weights.dropped)


def _marks(call: CallView, turn: SpokenTurn, sentence: SpokenSentence, *, is_late: bool) -> set[str]:
    """Names under which the table may have a weight for the sentence."""
    acts, marks = set(call.acts[sentence.id]), set(call.signals[sentence.id])
    is_agent = call.roles.get(turn.speaker) is Role.AGENT
    if "hands_over" in marks:
        acts.add("transfer_notice")
    if is_agent and "refusal" in acts:
        marks.add("refused")
    if "gives_up" in marks and _politely_done(call, turn):
        marks.remove("gives_up")
    if "undecided" in marks:
        marks -= {"accepts", "waits"}
    marks |= acts & ({"conflict_phrase", "transfer_notice"} if is_agent else set())
    if is_agent and marks & {"done"} == set() and ("promise" in acts or "future" in marks):
        marks |= {"timed_promise"} if _tells_when(call, sentence) else set()
        marks |= {"late_promise"} if is_late and "promise" in acts else set()
    if is_late:
        marks |= {f"late_{act}" for act in acts & {"transfer_notice", "escalation_cue"}}
        if not is_agent and call.polarity[sentence.id].score <= NEGATIVE:
            marks.add("late_negative")
        elif _is_last_of_speaker(call, turn) and "accepts" in marks and not is_agent:
            marks.add("contented_end")
    if "lost" in marks and turn.id in {t.id for t in call.speech.turns[-LAST_TURNS:]}:
        marks.add("late_lost")
    return marks


def _is_last_of_speaker(call: CallView, turn: SpokenTurn) -> bool:
    return all(
        t.id == turn.id
        for t in call.speech.turns[-LATE_TURNS:]
        if t.span.start_ms >= turn.span.start_ms and t.speaker == turn.speaker
    )


def _politely_done(call: CallView, turn: SpokenTurn) -> bool:
    """Whether 됐어요 answers the question for further wishes, or nothing was refused before it."""
    before = [t for t in call.speech.turns if t.span.start_ms < turn.span.start_ms]
    said_before = [[s.id for s in call.sentences[t.id]] for t in before]
    if said_before and any("further_help" in call.acts[key] for key in said_before[-1]):
        return True
    if any("works" in call.signals[s.id] for s in call.sentences[turn.id]):
        return True
    earlier = [key for keys in said_before for key in keys]
    return not any(_UNWELCOME & {*call.acts[key], *call.signals[key]} for key in earlier)


def _tells_when(call: CallView, sentence: SpokenSentence) -> bool:
    return promise_slots(call.tables, call.language or "").when(sentence) is not None


def _hangs(sentence: SpokenSentence) -> bool:
    """Whether a sentence ends with a word or particle that another word has to follow."""
    if not sentence.tokens:
        return False
    last = sentence.tokens[-1]
    return last.tag in _HANGING_PARTICLES or (last.tag == "W" and last.form in _HANGING)


def _cut_off(
    call: CallView, sentences: Sequence[tuple[SpokenTurn, SpokenSentence]], weights: Mapping[str, float]
) -> Iterator[Sign]:
    """A call that ends in the middle of a sentence, without a word of farewell in its last turns."""
    if not sentences:
        return
    last = {turn.id for turn in call.speech.turns[-LATE_TURNS:]}
    closing = {"closing", "further_help", "transfer_notice"}
    for turn, sentence in sentences:
        if turn.id in last and (
            closing & set(call.acts[sentence.id]) or "farewell" in call.signals[sentence.id]
        ):
            return
    turn, sentence = sentences[-1]
    heard = [s for t, s in sentences[-LATE_TURNS:] if call.roles.get(t.speaker) is Role.CUSTOMER]
    ends = (*heard[-1:], sentence)
    if any(_hangs(s) for s in ends):
        yield Sign("dropped", weights.get("hangs", 0.0), turn, sentence)
    elif any(s.kind == "unfinished" for s in ends):
        yield Sign("dropped", weights.get("cut_off", 0.0), turn, sentence)

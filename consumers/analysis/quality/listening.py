"""How the parties listen: cut-offs, backchannels, the pace of one beside the other."""

from bisect import bisect_left
from collections.abc import Collection, Iterator
from itertools import pairwise

from consumers.analysis.act_rules import LANGUAGES
from consumers.analysis.floor import Stretch
from consumers.analysis.intervals import Interval, meets, merge
from consumers.analysis.quality.clauses import Clauses, Unit
from consumers.analysis.rate import Rates, party_rates, why_no_rate
from consumers.analysis.skips import Part, skip, skip_all, without_parties
from consumers.analysis.timing import per_minute, reliability
from consumers.analysis.view import CallView
from schemas.document import Skipped, SkipReason
from schemas.quality import Backchannels, CutOff, CutOffs, PartyBackchannels, PartyCutOffs
from schemas.records import Role

CUT_OFF_MS = 1500
"""Who falls silent within this time of an interruption was cut off."""
PAUSE_MS = 1500
"""Longer pauses are no opportunity for a backchannel but for an answer."""


def listening(call: CallView) -> Part:
    """``cut_offs, backchannels, rate_gap, first_response_ms`` of ``quality``."""
    fields: dict[str, object] = {}
    skipped: list[Skipped] = []
    for part in (_clauses, _rate_gap, _first_response):
        values, missing = part(call)
        fields |= values
        skipped += missing
    return fields, skipped


def _clauses(call: CallView) -> Part:
    """What needs both the times and the ends of clauses."""
    reason = call.wordless or without_parties(call, both=True)
    if call.language not in LANGUAGES:
        reason = reason or SkipReason.UNSUPPORTED_LANGUAGE
    if reason is not None:
        return {}, skip_all(("quality.cut_offs", "quality.backchannels"), reason)
    clauses = Clauses(call)
    agent, customer = call.speakers(Role.AGENT), call.speakers(Role.CUSTOMER)
    cut_offs = PartyCutOffs(
        agent=_cut_offs(clauses, by=agent, over=customer),
        customer=_cut_offs(clauses, by=customer, over=agent),
    )
    backchannels = PartyBackchannels(
        agent=_backchannels(clauses, by=agent, to=customer),
        customer=_backchannels(clauses, by=customer, to=agent),
    )
    return {"cut_offs": cut_offs, "backchannels": backchannels}, []


def _cut_offs(clauses: Clauses, *, by: Collection[str], over: Collection[str]) -> CutOffs:
    found: list[CutOff] = []
    for interruption in clauses.call.floor.interruptions(by, over):
        start_ms, end_ms = interruption.by.span.start_ms, interruption.over.span.end_ms
        unit = _last_unit(clauses, interruption.over) if end_ms - start_ms <= CUT_OFF_MS else None
        if unit is not None and not clauses.ends_sentence(unit):
            found.append(
                CutOff(turn_id=unit.turn_id, sentence_id=unit.sentence.id, start_ms=start_ms, end_ms=end_ms)
            )
    return CutOffs(count=len(found), instances=tuple(found), reliability=reliability(clauses.call))


def _backchannels(clauses: Clauses, *, by: Collection[str], to: Collection[str]) -> Backchannels:
    floor = clauses.call.floor
    starts = [stretch.span.start_ms for stretch in floor.signs(by)]
    pauses = [pause for speaker in to for pause in _opportunities(clauses, speaker)]
    talk_ms = sum(stretch.span.length_ms for stretch in floor.of(to))
    return Backchannels(
        count=len(starts),
        per_minute=per_minute(len(starts), talk_ms),
        opportunities=len(pauses),
        covered=sum(bisect_left(starts, p.start_ms) < bisect_left(starts, p.end_ms) for p in pauses),
    )


def _opportunities(clauses: Clauses, speaker: str) -> Iterator[Interval]:
    """The short pauses of a speaker after a clause, in which nobody else takes the floor."""
    floor = clauses.call.floor
    taken = merge(s.span for s in floor.stretches if s.speaker != speaker and not floor.is_backchannel(s))
    for before, after in pairwise(floor.of({speaker})):
        pause = Interval(before.span.end_ms, after.span.start_ms)
        if pause.length_ms <= PAUSE_MS and not meets(taken, pause):
            unit = _last_unit(clauses, before)
            if unit is not None and clauses.ends_clause(unit):
                yield pause


def _last_unit(clauses: Clauses, stretch: Stretch) -> Unit | None:
    """What a stretch ends with; None where none of its words is known."""
    heard = clauses.call.floor.last_heard(stretch.speaker, stretch.span.end_ms)
    if heard is None or heard.piece.span.end_ms <= stretch.span.start_ms:
        return None
    return clauses.until(heard)


def _rate_gap(call: CallView) -> Part:
    reason = call.wordless or without_parties(call, both=True)
    if reason is None:
        agent, customer = _pace(party_rates(call, Role.AGENT)), _pace(party_rates(call, Role.CUSTOMER))
        if agent is not None and customer:
            return {"rate_gap": round((agent - customer) / customer, 4)}, []
    return {}, [skip("quality.rate_gap", reason or why_no_rate(call))]


def _pace(rates: Rates | None) -> float | None:
    """Syllables a minute where they are counted, else words."""
    if rates is None:
        return None
    syllables = rates.speech.syllables_per_minute
    return rates.speech.words_per_minute if syllables is None else syllables


def _first_response(call: CallView) -> Part:
    agents = call.speakers(Role.AGENT)
    reason = call.wordless or without_parties(call, both=not agents)
    starts = [t.span.start_ms for t in call.speech.turns if t.speaker in agents and t.text.strip()]
    if reason is None and starts:
        return {"first_response_ms": min(starts)}, []
    return {}, [skip("quality.first_response_ms", reason or SkipReason.TOO_FEW)]

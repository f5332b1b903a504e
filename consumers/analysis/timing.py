"""Timing of the conversation: talk, overlap, gaps, interruptions, latency, monologues.

Definitions are those that contact centres know: duration, talk time and non-talk (> 3 s) as Amazon Transcribe
Call Analytics has them, the count of gaps > 5 s as Google has it; an interruption needs 1.0 s of speech
before it, 0.5 s of overlap, and is no backchannel.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from statistics import median, quantiles

from consumers.analysis.floor import Floor, backchannels
from consumers.analysis.intervals import Interval, crowded_ms, gaps, merge, total_ms
from consumers.analysis.rate import speech_rate
from consumers.analysis.skips import skip, skip_all, without_parties
from consumers.analysis.tables import Tables
from consumers.analysis.view import CallView, Findings
from schemas.document import (
    Conversation,
    Interruptions,
    Latency,
    LongGaps,
    NonTalk,
    PartyInterruptions,
    PartyLatency,
    PartyMilliseconds,
    Reliability,
    Skipped,
    SkipReason,
    Span,
)
from schemas.records import Role

NON_TALK_MS = 3000
"""A gap counts as non-talk when it is longer."""
LONG_GAP_MS = 5000
"""And as long when it is longer than this."""


@dataclass(frozen=True, slots=True)
class TimingAnalyser:
    """Fills ``conversation``."""

    name: str = "conversation"

    def versions(self, _: Tables) -> Mapping[str, str]:
        """The words that take no floor."""
        return {"backchannels": backchannels().version}

    def analyse(self, call: CallView) -> Findings:
        """All timing metrics; those that need what this call lacks are skipped one by one."""
        bounds = call.bounds
        if bounds is None:
            return Findings(skipped=[skip("conversation", SkipReason.NO_SPEECH)])
        skipped: list[Skipped] = []
        fields: dict[str, object] = {"non_talk": non_talk(call, bounds)}
        floor = Floor(call)
        for part in (_talk, _overlap, _interruptions, _latency, _monologues, _turns, _rates):
            values, missing = part(call, floor)
            fields |= values
            skipped += missing
        span = {"duration_ms": bounds.length_ms, "start_ms": bounds.start_ms, "end_ms": bounds.end_ms}
        return Findings(fields={"conversation": Conversation.model_validate(span | fields)}, skipped=skipped)


Part = tuple[dict[str, object], Sequence[Skipped]]


def non_talk(call: CallView, bounds: Interval) -> NonTalk:
    """Gaps in which nobody at all speaks."""
    talk = merge(chain.from_iterable(call.intervals.values()))
    silent = [gap for gap in gaps(talk, bounds) if gap.length_ms > NON_TALK_MS]
    long = [gap for gap in silent if gap.length_ms > LONG_GAP_MS]
    return NonTalk(
        total_ms=total_ms(silent),
        longest_ms=max((gap.length_ms for gap in silent), default=0),
        instances=tuple(_spans(silent)),
        over_5s=LongGaps(count=len(long), total_ms=total_ms(long)),
    )


def latency(values: Sequence[int]) -> Latency | None:
    """Median and 90th percentile (linear between ranks); None without any value."""
    if not values:
        return None
    # quantiles() wants two values; of a single one every quantile is itself.
    tenths = quantiles(values, n=10, method="inclusive") if len(values) > 1 else [values[0]] * 9
    return Latency(median_ms=round(median(values)), p90_ms=round(tenths[8]), count=len(values))


def _talk(call: CallView, _floor: Floor) -> Part:
    if call.unattributed is not None:
        return {}, skip_all(("talk_time", "talk_share"), call.unattributed)
    by_speaker = {s: total_ms(spans) for s, spans in call.intervals.items()}
    values: dict[str, object] = {"talk_time_by_speaker_ms": by_speaker}
    reason = without_parties(call, both=False)
    if reason is not None:
        return values, skip_all(("talk_time", "talk_share"), reason)
    parties = {role: _party_total(call, by_speaker, role) for role in (Role.AGENT, Role.CUSTOMER)}
    values["talk_time_ms"] = _by_party(parties)
    agent, customer = parties[Role.AGENT], parties[Role.CUSTOMER]
    if agent is None or customer is None or agent + customer == 0:
        return values, [skip("talk_share", without_parties(call, both=True) or SkipReason.TOO_FEW)]
    values["talk_share_agent"] = round(agent / (agent + customer), 4)
    return values, []


def _overlap(call: CallView, _floor: Floor) -> Part:
    if call.unattributed is not None:
        return {}, [skip("overlap", call.unattributed)]
    overlap = crowded_ms(call.intervals.values())
    return {"overlap_ms": overlap, "overlap_reliability": _reliability(call)}, []


def _interruptions(call: CallView, floor: Floor) -> Part:
    reason = call.wordless or without_parties(call, both=True)
    if reason is not None:
        return {}, [skip("interruptions", reason)]
    agent, customer = call.speakers(Role.AGENT), call.speakers(Role.CUSTOMER)
    value = Interruptions(
        agent=_interrupter(floor.interruptions(agent, customer)),
        customer=_interrupter(floor.interruptions(customer, agent)),
        reliability=_reliability(call),
    )
    return {"interruptions": value}, []


def _latency(call: CallView, floor: Floor) -> Part:
    reason = call.wordless or without_parties(call, both=True)
    if reason is not None:
        return {}, [skip("response_latency", reason)]
    waits: dict[tuple[Role, Role], list[int]] = {}
    for before, after in floor.changes():
        pair = (call.roles[before.speaker], call.roles[after.speaker])
        waits.setdefault(pair, []).append(after.span.start_ms - before.span.end_ms)
    agent = latency(waits.get((Role.CUSTOMER, Role.AGENT), []))
    customer = latency(waits.get((Role.AGENT, Role.CUSTOMER), []))
    missing = [f"response_latency.{p}" for p, v in (("agent", agent), ("customer", customer)) if v is None]
    values = {"response_latency_ms": PartyLatency(agent=agent, customer=customer)}
    return dict(values), skip_all(missing, SkipReason.TOO_FEW)


def _monologues(call: CallView, floor: Floor) -> Part:
    reason = without_parties(call, both=False)
    if reason is not None:
        return {}, [skip("longest_monologue", reason)]
    longest = {
        role: max((run for speaker in call.speakers(role) for run in floor.runs(speaker)), default=None)
        for role in (Role.AGENT, Role.CUSTOMER)
    }
    return {"longest_monologue_ms": _by_party(longest)}, []


def _turns(call: CallView, floor: Floor) -> Part:
    reason = call.wordless or call.unattributed
    if reason is not None:
        return {}, [skip("turns", reason)]
    return {"turns": len(call.speech.turns), "switches": sum(1 for _ in floor.changes())}, []


def _rates(call: CallView, _floor: Floor) -> Part:
    reason = call.wordless or without_parties(call, both=False)
    if reason is not None:
        return {}, [skip("speech_rate", reason)]
    rate, missing = speech_rate(call)
    return {"speech_rate": rate}, missing


def _party_total(call: CallView, by_speaker: Mapping[str, int], role: Role) -> int | None:
    speakers = call.speakers(role)
    return sum(by_speaker.get(speaker, 0) for speaker in speakers) if speakers else None


def _by_party(values: Mapping[Role, int | None]) -> PartyMilliseconds:
    return PartyMilliseconds(agent=values.get(Role.AGENT), customer=values.get(Role.CUSTOMER))


def _interrupter(overlaps: Sequence[Interval]) -> PartyInterruptions:
    instances = tuple(_spans(overlaps))
    return PartyInterruptions(count=len(overlaps), total_ms=total_ms(overlaps), instances=instances)


def _spans(intervals: Sequence[Interval]) -> list[Span]:
    return [Span(start_ms=i.start_ms, end_ms=i.end_ms) for i in intervals]


def _reliability(call: CallView) -> Reliability:
    return "low" if call.mixed else "high"

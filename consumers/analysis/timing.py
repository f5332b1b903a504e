"""Timing of the conversation: talk, overlap, gaps, interruptions, latency, monologues.

Definitions are those that contact centres know: duration, talk time and non-talk (> 3 s) as Amazon Transcribe
Call Analytics has them, the count of gaps > 5 s as Google has it; an interruption needs 1.0 s of speech
before it, 0.5 s of overlap, and is no backchannel.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from statistics import median, quantiles

from consumers.analysis.floor import Interruption, backchannel_words
from consumers.analysis.guard import guarded
from consumers.analysis.hold import told_apart, why_untold
from consumers.analysis.intervals import Interval, crowded_ms, gaps, merge, shared_ms, total_ms
from consumers.analysis.rate import MINUTE_MS, party_rates, why_no_rate
from consumers.analysis.skips import Part, skip, skip_all, without_parties
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
    PartyRatios,
    PartySpeakingRate,
    PartySpeechRate,
    Reliability,
    Silences,
    Skipped,
    SkipReason,
    Span,
)
from schemas.records import Role

NON_TALK_MS = 3000
"""A gap counts as non-talk when it is longer."""
LONG_GAP_MS = 5000
"""And as long when it is longer than this."""


PARTIES = (Role.AGENT, Role.CUSTOMER)


@dataclass(frozen=True, slots=True)
class TimingAnalyser:
    """Fills ``conversation``."""

    name: str = "conversation"

    def versions(self, tables: Tables) -> Mapping[str, str]:
        """The words that take no floor."""
        return {"backchannels": backchannel_words(tables).table.version}

    def analyse(self, call: CallView) -> Findings:
        """All timing metrics; those that need what this call lacks are skipped one by one."""
        bounds = call.bounds
        if bounds is None:
            return Findings(skipped=[skip("conversation", SkipReason.NO_SPEECH)])
        skipped: list[Skipped] = []
        fields: dict[str, object] = {
            "duration_ms": bounds.length_ms,
            "start_ms": bounds.start_ms,
            "end_ms": bounds.end_ms,
        }
        for part in _PARTS:
            values, missing = part(call, bounds)
            fields |= values
            skipped += missing
        return Findings(fields={"conversation": Conversation.model_validate(fields)}, skipped=skipped)


def silences(call: CallView, bounds: Interval) -> list[Interval]:
    """The gaps of more than 3 s in which nobody at all speaks."""
    talk = merge(chain.from_iterable(call.intervals.values()))
    return [gap for gap in gaps(talk, bounds) if gap.length_ms > NON_TALK_MS]


def latency(values: Sequence[int]) -> Latency | None:
    """Median and 90th percentile (linear between ranks); None without any value."""
    if not values:
        return None
    # quantiles() wants two values; of a single one every quantile is itself.
    tenths = quantiles(values, n=10, method="inclusive") if len(values) > 1 else [values[0]] * 9
    return Latency(median_ms=round(median(values)), p90_ms=round(tenths[8]), count=len(values))


def _talk(call: CallView, bounds: Interval) -> Part:
    reason = call.unattributed or without_parties(call, both=False)
    by_speaker = {s: total_ms(spans) for s, spans in call.intervals.items()}
    values: dict[str, object] = {} if call.unattributed else {"talk_time_by_speaker_ms": by_speaker}
    if reason is not None:
        return values, skip_all(("talk_time", "talk_share", "talk_share_of_duration"), reason)
    parties = {role: _party_total(call, by_speaker, role) for role in PARTIES}
    shares = {role.value: _share_of(bounds, call, role) for role in PARTIES}
    values |= {"talk_time_ms": _by_party(parties), "talk_share_of_duration": PartyRatios(**shares)}
    missing = [f"talk_share_of_duration.{party}" for party, share in shares.items() if share is None]
    agent, customer = parties[Role.AGENT], parties[Role.CUSTOMER]
    if agent is None or customer is None or agent + customer == 0:
        missing.append("talk_share")
    else:
        values["talk_share_agent"] = round(agent / (agent + customer), 4)
    return values, skip_all(missing, without_parties(call, both=True) or SkipReason.TOO_FEW)


def _overlap(call: CallView, _: Interval) -> Part:
    if call.unattributed is not None:
        return {}, skip_all(("overlap", "overlap_ratio"), call.unattributed)
    overlap, talk = crowded_ms(call.intervals.values()), total_ms(call.floor.union)
    values = {"overlap_ms": overlap, "overlap_reliability": reliability(call)}
    if talk == 0:
        return values, [skip("overlap_ratio", SkipReason.TOO_FEW)]
    return values | {"overlap_ratio": round(overlap / talk, 4)}, []


def _non_talk(call: CallView, bounds: Interval) -> Part:
    silent = silences(call, bounds)
    long = [gap for gap in silent if gap.length_ms > LONG_GAP_MS]
    found = NonTalk(
        total_ms=total_ms(silent),
        longest_ms=max((gap.length_ms for gap in silent), default=0),
        instances=spans(silent),
        over_5s=LongGaps(count=len(long), total_ms=total_ms(long)),
    )
    if bounds.length_ms == 0:
        return {"non_talk": found}, [skip("non_talk_ratio", SkipReason.TOO_FEW)]
    return {"non_talk": found, "non_talk_ratio": round(found.total_ms / bounds.length_ms, 4)}, []


def _hold(call: CallView, bounds: Interval) -> Part:
    reason = why_untold(call)
    if reason is not None:
        return {}, skip_all(("hold", "dead_air"), reason)
    # The acts may raise, which must cost these two figures alone.
    told, failed = guarded("hold", call, lambda: told_apart(call, silences(call, bounds)), None)
    if told is None:
        return {}, [*failed, skip("dead_air", SkipReason.BUG)]
    return {"hold": _silences(told.hold), "dead_air": _silences(told.dead_air)}, []


def _interruptions(call: CallView, bounds: Interval) -> Part:
    reason = call.wordless or without_parties(call, both=True)
    if reason is not None:
        return {}, [skip("interruptions", reason)]
    agent, customer = call.speakers(Role.AGENT), call.speakers(Role.CUSTOMER)
    value = Interruptions(
        agent=_interrupter(call.floor.interruptions(agent, customer), bounds),
        customer=_interrupter(call.floor.interruptions(customer, agent), bounds),
        reliability=reliability(call),
    )
    return {"interruptions": value}, []


def _latency(call: CallView, _: Interval) -> Part:
    reason = call.wordless or without_parties(call, both=True)
    if reason is not None:
        return {}, [skip("response_latency", reason)]
    waits: dict[tuple[Role, Role], list[int]] = {}
    for before, after in call.floor.changes:
        pair = (call.roles[before.speaker], call.roles[after.speaker])
        waits.setdefault(pair, []).append(after.span.start_ms - before.span.end_ms)
    agent = latency(waits.get((Role.CUSTOMER, Role.AGENT), []))
    customer = latency(waits.get((Role.AGENT, Role.CUSTOMER), []))
    missing = [f"response_latency.{p}" for p, v in (("agent", agent), ("customer", customer)) if v is None]
    values = {"response_latency_ms": PartyLatency(agent=agent, customer=customer)}
    return values, skip_all(missing, SkipReason.TOO_FEW)


def _monologues(call: CallView, _: Interval) -> Part:
    reason = without_parties(call, both=False)
    if reason is not None:
        return {}, [skip("longest_monologue", reason)]
    longest = {
        role: max((run for speaker in call.speakers(role) for run in call.floor.runs(speaker)), default=None)
        for role in PARTIES
    }
    return {"longest_monologue_ms": _by_party(longest)}, []


def _turns(call: CallView, bounds: Interval) -> Part:
    reason = call.wordless or call.unattributed
    if reason is not None:
        return {}, skip_all(("turns", "mean_turn_ms", "switches_per_minute"), reason)
    turns, switches = call.speech.turns, len(call.floor.changes)
    mean_ms = round(sum(turn.span.length_ms for turn in turns) / len(turns))
    values = {"turns": len(turns), "mean_turn_ms": mean_ms, "switches": switches}
    if bounds.length_ms == 0:
        return values, [skip("switches_per_minute", SkipReason.TOO_FEW)]
    return values | {"switches_per_minute": per_minute(switches, bounds.length_ms)}, []


def _rates(call: CallView, _: Interval) -> Part:
    reason = call.wordless or without_parties(call, both=False)
    if reason is not None:
        return {}, skip_all(("speech_rate", "speaking_rate"), reason)
    rates = {role.value: party_rates(call, role) for role in PARTIES}
    known = {party: rate for party, rate in rates.items() if rate is not None}
    missing = [f"{name}.{p}" for name in ("speech_rate", "speaking_rate") for p in rates if p not in known]
    values = {
        "speech_rate": PartySpeechRate(**{party: rate.speech for party, rate in known.items()}),
        "speaking_rate": PartySpeakingRate(**{party: rate.speaking for party, rate in known.items()}),
    }
    return values, skip_all(missing, why_no_rate(call))


_PARTS = (_talk, _overlap, _non_talk, _hold, _interruptions, _latency, _monologues, _turns, _rates)


def per_minute(count: int, time_ms: int) -> float | None:
    """How often in a minute, over this time; None over none."""
    return round(count * MINUTE_MS / time_ms, 2) if time_ms else None


def reliability(call: CallView) -> Reliability:
    """How far what rests on overlap can be trusted in this call."""
    return "low" if call.mixed else "high"


def spans(intervals: Sequence[Interval]) -> tuple[Span, ...]:
    """Intervals as the document has them."""
    return tuple(Span(start_ms=i.start_ms, end_ms=i.end_ms) for i in intervals)


def _party_total(call: CallView, by_speaker: Mapping[str, int], role: Role) -> int | None:
    speakers = call.speakers(role)
    return sum(by_speaker.get(speaker, 0) for speaker in speakers) if speakers else None


def _share_of(bounds: Interval, call: CallView, role: Role) -> float | None:
    talk = merge(stretch.span for stretch in call.floor.of(call.speakers(role)))
    if not call.speakers(role) or bounds.length_ms == 0:
        return None
    # Diarization may hear somebody before the first word and after the last.
    return round(sum(shared_ms(span, bounds) for span in talk) / bounds.length_ms, 4)


def _by_party(values: Mapping[Role, int | None]) -> PartyMilliseconds:
    return PartyMilliseconds(agent=values.get(Role.AGENT), customer=values.get(Role.CUSTOMER))


def _interrupter(found: Sequence[Interruption], bounds: Interval) -> PartyInterruptions:
    overlaps = [interruption.overlap for interruption in found]
    return PartyInterruptions(
        count=len(found),
        per_minute=per_minute(len(found), bounds.length_ms),
        total_ms=total_ms(overlaps),
        instances=spans(overlaps),
    )


def _silences(silent: Sequence[Interval]) -> Silences:
    return Silences(
        count=len(silent),
        total_ms=total_ms(silent),
        longest_ms=max((gap.length_ms for gap in silent), default=0),
        instances=spans(silent),
    )

"""How many labelled dialogues get each timing metric exactly right, beside a reckoner without definitions.

``labelled/timing.dev.jsonl`` and ``timing.frozen.jsonl`` hold dialogues with the times of their words, written for
this project by one author who marked by hand what needs judgement; ``timing_grid`` measures from these marks, and
shares nothing with the analysis. The definitions were known before, and the frozen part was not tuned on, save for
one rule that its first run showed to be missing: -ㄴ데 read as a noun (opportunities, 19 of 20 before it).

The plain reckoner has turns alone: every overlap is an interruption and cuts off who stops first, every gap is
silence and those of more than 3 s are dead air, a backchannel is a turn of up to a second, and answers that begin
before the end of the question are dropped from the latency.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from consumers.analysis.engine import AnalysisEngine
from consumers.analysis.quality.analyser import QualityAnalyser
from consumers.analysis.timing import TimingAnalyser
from consumers.analysis.transcript import analyse_turns
from ops.bench.timing_grid import PARTIES, Dialogue, LabelledTurn, Truth
from schemas.document import CallDocument, Conversation, Silences, Span
from schemas.quality import Quality

LABELLED = Path(__file__).with_name("labelled")
PARTS = ("dev", "frozen")
MINUTE_MS = 60_000
Teller = Callable[[Dialogue], Mapping[str, Any]]


def dialogues(part: str) -> list[Dialogue]:
    """The dialogues of one part: ``dev`` or ``frozen``."""
    lines = (LABELLED / f"timing.{part}.jsonl").read_text(encoding="utf-8").splitlines()
    return [Dialogue.model_validate(json.loads(line)) for line in lines]


class Ours:
    """The analysis as it runs in the service."""

    def __init__(self) -> None:
        self._engine = AnalysisEngine((TimingAnalyser(), QualityAnalyser()))

    def __call__(self, dialogue: Dialogue) -> Truth:
        """Each metric as the document has it, in the shape of the truth."""
        document = self.document(dialogue)
        timing, quality = document.conversation, document.quality
        if timing is None or quality is None:
            return {}
        return _times(timing) | _taking(timing) | _rates(timing) | _listening(quality)

    def document(self, dialogue: Dialogue) -> CallDocument:
        """The document of a dialogue."""
        payload = {
            "call_id": dialogue.id,
            "language": dialogue.language,
            "channels": dialogue.channels,
            "roles": dialogue.roles,
            "turns": [_given(turn) for turn in dialogue.turns],
        }
        return analyse_turns(self._engine, payload)


def _given(turn: LabelledTurn) -> dict[str, object]:
    words = [{"word": word, "start_ms": start, "end_ms": end} for word, start, end in turn.words]
    start_ms, end_ms = turn.edges
    return {
        "speaker": turn.speaker,
        "start_ms": start_ms,
        "end_ms": end_ms,
        "text": turn.text,
        "words": words,
    }


def _each(parties: Any) -> list[Any]:
    return [getattr(parties, party) for party in PARTIES]


def _edges(spans: Sequence[Span]) -> list[list[int]]:
    return [[span.start_ms, span.end_ms] for span in spans]


def _times(timing: Conversation) -> Truth:
    gaps = timing.non_talk
    return {
        "duration": timing.duration_ms,
        "talk_time": _each(timing.talk_time_ms),
        "talk_share": timing.talk_share_agent,
        "talk_share_of_duration": _each(timing.talk_share_of_duration),
        "overlap": [timing.overlap_ms, timing.overlap_ratio],
        "reliability": timing.overlap_reliability,
        "non_talk": gaps and [len(gaps.instances), gaps.total_ms, gaps.longest_ms, timing.non_talk_ratio],
        "long_gaps": gaps and [gaps.over_5s.count, gaps.over_5s.total_ms],
        "hold": _silences(timing.hold),
        "dead_air": _silences(timing.dead_air),
    }


def _silences(silences: Silences | None) -> list[list[int]] | None:
    return None if silences is None else _edges(silences.instances)


def _taking(timing: Conversation) -> Truth:
    waits = _each(timing.response_latency_ms)
    found = _each(timing.interruptions)
    return {
        "interruptions": [_edges(party.instances) for party in found],
        "interruptions_per_minute": [party.per_minute for party in found],
        "latency": [[w.median_ms, w.p90_ms, w.count] if w else [0, 0, 0] for w in waits],
        "turns": [timing.turns, timing.mean_turn_ms],
        "switches": [timing.switches, timing.switches_per_minute],
        "monologue": _each(timing.longest_monologue_ms),
    }


def _rates(timing: Conversation) -> Truth:
    speech, speaking = _each(timing.speech_rate), _each(timing.speaking_rate)
    return {
        "speech_rate": [r and [r.syllables_per_minute, r.words_per_minute, r.voiced_ms] for r in speech],
        "speaking_rate": [
            r and [r.syllables_per_minute, r.words_per_minute, r.speaking_ms] for r in speaking
        ],
    }


def _listening(quality: Quality) -> Truth:
    signs, cuts = _each(quality.backchannels), _each(quality.cut_offs)
    return {
        "cut_offs": [cut and [[c.start_ms, c.end_ms] for c in cut.instances] for cut in cuts],
        "backchannels": [s and [s.count, s.per_minute] for s in signs],
        "opportunities": [s and [s.opportunities, s.covered] for s in signs],
        "rate_gap": quality.rate_gap,
        "first_response": quality.first_response_ms,
    }


def naive(dialogue: Dialogue) -> Truth:
    """What turns alone tell without any definition."""
    ordered = sorted(dialogue.turns, key=lambda turn: turn.edges)
    start, end = ordered[0].edges[0], max(turn.edges[1] for turn in ordered)
    gaps = [[a.edges[1], b.edges[0]] for a, b in pairwise(ordered) if b.edges[0] > a.edges[1]]
    silent = [b - a for a, b in gaps]
    turns = [dialogue.of(party) for party in PARTIES]
    talk = [sum(t.edges[1] - t.edges[0] for t in own) for own in turns]
    signs = [sum(t.edges[1] - t.edges[0] <= 1000 for t in own) for own in turns]  # noqa: PLR2004 -- a second
    cuts = [list(_overlaps(ordered, dialogue, party)) for party in PARTIES]
    both = sum(b - a for own in cuts for a, b in own)
    rates = [_plain_rate(dialogue, own, time) for own, time in zip(turns, talk, strict=True)]
    pace = [rate[0] or rate[1] for rate in rates]
    switches = sum(a.speaker != b.speaker for a, b in pairwise(ordered))
    lengths = [t.edges[1] - t.edges[0] for t in ordered]
    return {
        "duration": end - start,
        "talk_time": talk,
        "talk_share": round(talk[0] / sum(talk), 4),
        "talk_share_of_duration": [round(time / (end - start), 4) for time in talk],
        "overlap": [both, round(both / (sum(talk) - both), 4)],
        "reliability": "high",
        "non_talk": [len(gaps), sum(silent), max(silent, default=0), round(sum(silent) / (end - start), 4)],
        "long_gaps": [sum(s > 5000 for s in silent), sum(s for s in silent if s > 5000)],  # noqa: PLR2004 -- long
        "hold": [],
        "dead_air": [gap for gap in gaps if gap[1] - gap[0] > 3000],  # noqa: PLR2004 -- long
        "interruptions": cuts,
        "interruptions_per_minute": [round(len(own) * MINUTE_MS / (end - start), 2) for own in cuts],
        "cut_offs": cuts,
        "latency": [_plain_latency(ordered, dialogue, party) for party in PARTIES],
        "turns": [len(lengths), round(sum(lengths) / len(lengths))],
        "switches": [switches, round(switches * MINUTE_MS / (end - start), 2)],
        "monologue": [max(t.edges[1] - t.edges[0] for t in own) for own in turns],
        "speech_rate": rates,
        "speaking_rate": rates,
        "rate_gap": round((pace[0] - pace[1]) / pace[1], 4),
        "backchannels": [
            [n, round(n * MINUTE_MS / other, 2)] for n, other in zip(signs, reversed(talk), strict=True)
        ],
        "opportunities": [[0, 0], [0, 0]],
        "first_response": turns[0][0].edges[0],
    }


def _overlaps(ordered: Sequence[LabelledTurn], dialogue: Dialogue, party: str) -> Iterator[list[int]]:
    """Where a turn of the party begins before the one before it is over."""
    for before, after in pairwise(ordered):
        begins = after.edges[0] < before.edges[1] and before.speaker != after.speaker
        if begins and dialogue.roles[after.speaker] == party:
            yield [after.edges[0], min(before.edges[1], after.edges[1])]


def _plain_latency(ordered: Sequence[LabelledTurn], dialogue: Dialogue, party: str) -> list[int]:
    waits = [
        after.edges[0] - before.edges[1]
        for before, after in pairwise(ordered)
        if before.speaker != after.speaker and dialogue.roles[after.speaker] == party
    ]
    waits = sorted(wait for wait in waits if wait >= 0)
    return [round(median(waits)), waits[int(0.9 * (len(waits) - 1))], len(waits)] if waits else [0, 0, 0]


def _plain_rate(dialogue: Dialogue, turns: Sequence[LabelledTurn], time_ms: int) -> list[Any]:
    words = sum(len(turn.words) for turn in turns)
    syllables = sum(turn.syllables or 0 for turn in turns) if dialogue.language == "ko" else None
    per_minute = None if syllables is None else round(syllables * MINUTE_MS / time_ms, 1)
    return [per_minute, round(words * MINUTE_MS / time_ms, 1), time_ms]


def exact(part: str, tell: Teller) -> Mapping[str, list[str]]:
    """Metric to the dialogues that a teller gets wrong."""
    wrong: dict[str, list[str]] = {}
    for dialogue in dialogues(part):
        found = tell(dialogue)
        for metric, value in dialogue.truth.items():
            wrong.setdefault(metric, [])
            if found.get(metric) != value:
                wrong[metric].append(dialogue.id)
    return wrong


def table() -> list[list[object]]:
    """Rows of metric and, for each part, dialogues and how many of them are exact; the first is the header."""
    ours = Ours()
    tellers: tuple[Teller, ...] = (ours, naive)
    rows: list[list[object]] = [["metric, dialogues exact"]]
    for part in PARTS:
        rows[0] += [f"{part}", "ours", "naive"]
    columns = [(len(dialogues(part)), exact(part, tell)) for part in PARTS for tell in tellers]
    for metric in columns[0][1]:
        cells: list[object] = [metric.replace("_", " ")]
        for number, (count, wrong) in enumerate(columns):
            cells += [count] if number % len(tellers) == 0 else []
            cells.append(count - len(wrong[metric]))
        rows.append(cells)
    return rows

"""How long one core needs for the analysis of a Korean call of 120 turns and ten minutes, and where it goes.

The call is put together from the labelled turns of the splitting set (development part), which alternate between
two speakers until there are 120 turns over ten minutes, every word timed. CPU time of this process, the median of
several calls after warm-up. What several analysers share (tokens, sentences, acts, polarity) has rows of its own.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import cycle, islice
from statistics import median
from time import process_time

import psutil

from consumers.analysis.analysts import ANALYSERS
from consumers.analysis.engine import AnalysisEngine
from consumers.analysis.tables import Tables
from consumers.analysis.transcript import analyse_turns
from consumers.analysis.view import CallView, Findings
from ops.bench.splitting_quality import labelled_turns, spoken

TURNS, CALL_MS, REPEATS = 120, 600_000, 7
LIMIT_MS, MEMORY_MB = 150.0, 700.0
_SHARED: Mapping[str, Callable[[CallView], object]] = {
    "tokens": lambda call: [call.tokeniser.tokenise(turn.text) for turn in call.speech.turns],
    "tokens and sentences": lambda call: call.sentences,
    "acts": lambda call: call.acts,
    "polarity": lambda call: call.polarity,
}


@dataclass(slots=True)
class _Timed:
    """An analyser that keeps the CPU time it took each time."""

    name: str
    compute: Callable[[CallView], object]
    spent_ms: list[float] = field(default_factory=list)

    def versions(self, _tables: Tables) -> Mapping[str, str]:
        """None: it has no table."""
        return {}

    def analyse(self, call: CallView) -> Findings:
        """Nothing for the document."""
        self.spent_ms.append(_cpu_ms(lambda: self.compute(call)))
        return Findings()


def long_call() -> dict[str, object]:
    """The call as ``callytics analyze`` takes it."""
    korean = [turn for turn in labelled_turns("dev") if turn.language == "ko"]
    turns: list[dict[str, object]] = []
    for number, turn in enumerate(islice(cycle(korean), TURNS)):
        offset_ms = number * CALL_MS // TURNS
        words = [p.word for p in spoken(turn, timed=True).pieces if p.word is not None]
        timed = [
            {"word": w.word, "start_ms": w.start_ms + offset_ms, "end_ms": w.end_ms + offset_ms}
            for w in words
        ]
        edges = {"start_ms": timed[0]["start_ms"], "end_ms": timed[-1]["end_ms"]}
        turns.append({"speaker": "AC"[number % 2], "text": turn.text, "words": timed, **edges})
    roles = {"A": "agent", "C": "customer"}
    return {"call_id": "speed", "language": "ko", "channels": 2, "roles": roles, "turns": turns}


def table() -> list[list[object]]:
    """Rows of what is measured, CPU milliseconds or megabytes, and the goal; the first is the header."""
    engine, call = AnalysisEngine(), long_call()
    engine.warm_up()
    analyse_turns(engine, call)
    whole_ms = median(_cpu_ms(lambda: analyse_turns(engine, call)) for _ in range(REPEATS))
    rows: list[list[object]] = [["what", "measured", "goal"]]
    rows.append(["whole analysis, ms of one core", f"{whole_ms:.0f}", f"≤ {LIMIT_MS:.0f}"])
    rows += [[f"of it {name}", f"{spent_ms:.1f}", ""] for name, spent_ms in _profile(call)]
    resident_mb = psutil.Process(os.getpid()).memory_info().rss / 1e6
    rows.append(["resident memory of this process, MB", f"{resident_mb:.0f}", f"≤ {MEMORY_MB:.0f}"])
    return rows


def _profile(call: dict[str, object]) -> list[tuple[str, float]]:
    shared = [_Timed(name, compute) for name, compute in _SHARED.items()]
    timed = [*shared, *(_Timed(analyser.name, analyser.analyse) for analyser in ANALYSERS)]
    engine = AnalysisEngine(timed)
    for _ in range(REPEATS + 1):
        analyse_turns(engine, call)
    return [(part.name, median(part.spent_ms[1:])) for part in timed]


def _cpu_ms(work: Callable[[], object]) -> float:
    started_s = process_time()
    work()
    return (process_time() - started_s) * 1000

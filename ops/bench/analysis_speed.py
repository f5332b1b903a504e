"""How long one core needs for the analysis of a Korean call of 120 turns and ten minutes, and where it goes.

The call is put together from the labelled turns of the splitting set (development part), which alternate between
two speakers until there are 120 turns over ten minutes, every word timed. CPU time of this process after warm-up:
of the whole the mean of several calls, since the garbage collector's work falls on one in many, of the parts the
median. What several analysers share (tokens, sentences, acts, polarity) has rows of its own.

Memory is that of the service, wired as it runs but connected to neither broker nor store, and of the engine in its
child process, after 50 such calls. Resident sizes are added, so that pages which both share count twice.
"""

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import cycle, islice
from multiprocessing import get_context
from statistics import fmean, median
from time import process_time

import psutil

from consumers.analysis.analysts import ANALYSERS
from consumers.analysis.engine import AnalysisEngine
from consumers.analysis.settings import AnalysisSettings
from consumers.analysis.tables import Tables
from consumers.analysis.transcript import GivenCall, GivenTurn, analyse_turns
from consumers.analysis.view import CallView, Findings
from consumers.analysis.worker import AnalysisJob, AnalysisWorker
from infra.engine_host import EngineHost
from ops.bench.splitting_quality import labelled_turns, spoken
from schemas.document import CallDocument
from schemas.records import (
    Call,
    CallDiarized,
    CallTranscribed,
    DiarizationMethod,
    Recording,
    SpeakerSegment,
    StageStatus,
    TranscriptSegment,
)

TURNS, CALL_MS, REPEATS, CALLS = 120, 600_000, 20, 50
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
    AnalysisWorker(engine).warm_up()
    analyse_turns(engine, call)
    whole_ms = fmean(_cpu_ms(lambda: analyse_turns(engine, call)) for _ in range(REPEATS))
    rows: list[list[object]] = [["what", "measured", "goal"]]
    rows.append(["whole analysis, ms of one core", f"{whole_ms:.0f}", f"≤ {LIMIT_MS:.0f}"])
    bare = AnalysisEngine(())
    bare_ms = median(_cpu_ms(lambda: analyse_turns(bare, call)) for _ in range(REPEATS))
    rows.append(["of it without analysers (personal data, sentences, document)", f"{bare_ms:.1f}", ""])
    rows += [[f"of it {name}", f"{spent_ms:.1f}", ""] for name, spent_ms in _profile(call)]
    service_mb, engine_mb = memory_mb()
    rows.append(["resident memory of the service, MB", f"{service_mb:.0f}", ""])
    rows.append(["resident memory of its engine, MB", f"{engine_mb:.0f}", ""])
    rows.append(["both, MB", f"{service_mb + engine_mb:.0f}", f"≤ {MEMORY_MB:.0f}"])
    return rows


def long_job() -> AnalysisJob:
    """The same call as the service takes it: transcript and speakers, one party a channel."""
    given = GivenCall.model_validate(long_call())
    channels = {speaker: number for number, speaker in enumerate(given.roles)}
    recording = Recording(uri="file:///speed.wav", channel_roles=tuple(given.roles.values()))
    part = {"event_id": "e", "call_id": given.call_id, "run_id": "r", "produced_at_ms": 0}
    part |= {"call": Call(recording=recording, language_hint="ko"), "status": StageStatus.OK}
    return AnalysisJob(
        transcribed=CallTranscribed(**part, language="ko", segments=_segments(given.turns, channels)),
        diarized=CallDiarized(
            **part,
            method=DiarizationMethod.CHANNELS,
            segments=tuple(
                SpeakerSegment(
                    speaker=t.speaker, channel=channels[t.speaker], start_ms=t.start_ms, end_ms=t.end_ms
                )
                for t in given.turns
            ),
        ),
    )


def memory_mb() -> tuple[float, float]:
    """Resident megabytes of the service and of its engine, each in a process of its own."""
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_service_memory_mb).result()


def _service_memory_mb() -> tuple[float, float]:
    from consumers.analysis.__main__ import wire  # noqa: PLC0415 -- the service's imports are its memory

    return asyncio.run(_used_memory_mb(wire(AnalysisSettings()).host))


async def _used_memory_mb(host: EngineHost[AnalysisJob, CallDocument]) -> tuple[float, float]:
    await host.start()
    job = long_job()
    for _ in range(CALLS):
        await host.run(job)
    found = _resident_mb(os.getpid()), _resident_mb(host.pid)
    host.stop()
    return found


def _resident_mb(pid: int | None) -> float:
    return float(psutil.Process(pid).memory_info().rss / 1e6)


def _segments(turns: Sequence[GivenTurn], channels: Mapping[str, int]) -> tuple[TranscriptSegment, ...]:
    return tuple(
        TranscriptSegment(
            channel=channels[turn.speaker],
            start_ms=turn.start_ms,
            end_ms=turn.end_ms,
            text=turn.text,
            words=turn.words,
        )
        for turn in turns
    )


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

"""Engines that only take time: what a fault does to the bookkeeping does not depend on the model.

The recording's name says what happens: ``crash-*`` ends the engine's process every time, ``flaky-*`` fails twice
before it works, anything else yields the same two sentences. Each run is noted in a file, so that work done
twice is seen.
"""

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from consumers.analysis.engine import AnalysisEngine
from consumers.analysis.worker import AnalysisWorker
from consumers.diarization.engine import Diarization
from consumers.diarization.worker import DiarizedRecording
from consumers.transcription.engine import Transcript
from consumers.transcription.worker import Transcription
from infra.errors import ErrorCode, Retryable
from infra.speech import SpeechJob
from schemas.records import Audio, DiarizationMethod, Layout, SpeakerSegment, TranscriptSegment, Word

if TYPE_CHECKING:
    from collections.abc import Callable

WORK_S = "CALLYTICS_BENCH_WORK_S"
RUNS = "CALLYTICS_BENCH_RUNS"
"""File that each run of an engine adds a line to."""

_MODEL = "timed"
_FAILS = 2
_TEXTS = ("thank you for calling", "my internet is slow")
_TURN_MS = 2_000


class TimedSpeech:
    """A speech engine that waits and then says what it always says."""

    def __init__(self, stage: str, answer: "Callable[[int], Transcription | DiarizedRecording]") -> None:
        self._stage = stage
        self._answer = answer
        self._work_s = float(os.environ.get(WORK_S, "0.02"))
        self._runs = Path(os.environ[RUNS])

    def warm_up(self) -> None:
        """Nothing to load."""

    def run(self, job: SpeechJob) -> "Transcription | DiarizedRecording":
        """Take the time that a recording takes. Retryable for a flaky one; a crashing one does not return."""
        name = Path(urlsplit(job.call.recording.uri).path).name
        self._note(name)
        time.sleep(self._work_s)
        if name.startswith("crash-"):
            os._exit(42)
        if name.startswith("flaky-") and self._times(name) <= _FAILS:
            raise Retryable(ErrorCode.RESOURCE, "the engine is out of memory, as it was told to be")
        return self._answer(round(self._work_s * 1000))

    def _note(self, name: str) -> None:
        with self._runs.open("a", encoding="utf-8") as runs:
            runs.write(f"{self._stage} {name}\n")

    def _times(self, name: str) -> int:
        return self._runs.read_text(encoding="utf-8").splitlines().count(f"{self._stage} {name}")


def transcriber(**_: object) -> TimedSpeech:
    """Stands in for ``consumers.transcription.worker.make_worker``."""
    return TimedSpeech("transcription", _transcription)


def diarizer(**_: object) -> TimedSpeech:
    """Stands in for ``consumers.diarization.worker.make_worker``."""
    return TimedSpeech("diarization", _diarization)


class QuickAnalysis(AnalysisWorker):
    """The real analysis, without loading what English text never asks for."""

    def warm_up(self) -> None:
        """Nothing: the Korean tokeniser alone would take longer than a fault."""


def analyst(**_: object) -> QuickAnalysis:
    """Stands in for ``consumers.analysis.worker.make_worker``."""
    return QuickAnalysis(AnalysisEngine())


def _audio() -> Audio:
    return Audio(duration_ms=2 * _TURN_MS, sample_rate_hz=8_000, channels=2, layout=Layout.STEREO)


def _transcription(processing_ms: int) -> Transcription:
    segments = tuple(_segment(channel, text) for channel, text in enumerate(_TEXTS))
    transcript = Transcript(language="en", language_confidence=1.0, model=_MODEL, segments=segments)
    return Transcription(audio=_audio(), processing_ms=processing_ms, transcript=transcript)


def _segment(channel: int, text: str) -> TranscriptSegment:
    start_ms = channel * _TURN_MS
    words = tuple(
        Word(word=word, start_ms=start_ms + 300 * place, end_ms=start_ms + 300 * place + 250, confidence=1.0)
        for place, word in enumerate(text.split())
    )
    return TranscriptSegment(
        channel=channel, start_ms=start_ms, end_ms=words[-1].end_ms, text=text, confidence=1.0, words=words
    )


def _diarization(processing_ms: int) -> DiarizedRecording:
    segments = tuple(
        SpeakerSegment(
            speaker=f"SPEAKER_{channel:02d}",
            channel=channel,
            start_ms=channel * _TURN_MS,
            end_ms=(channel + 1) * _TURN_MS - 500,
        )
        for channel in range(2)
    )
    diarization = Diarization(model=_MODEL, method=DiarizationMethod.CHANNELS, segments=segments)
    return DiarizedRecording(audio=_audio(), processing_ms=processing_ms, diarization=diarization)

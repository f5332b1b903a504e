"""How well the transcription service reads, beside stock ``WhisperModel.transcribe`` with the same weights.

Stock Whisper gets each party's channel by itself, as the service does. Run it by ``python -m ops.bench.quality``.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jiwer
import numpy as np
from numpy.typing import NDArray

from consumers.transcription.engine import FasterWhisperEngine, Transcript
from consumers.transcription.guards import normalized
from infra.audio.decode import decode
from infra.audio.waveform import Waveform
from infra.profiles import TranscriptionProfile
from ops.bench.figures import Figure, print_rows
from ops.models.synth import SyntheticCall, write_wav
from ops.models.truth import CallTruth
from schemas.records import Word

_REFERENCES = Path(__file__).with_name("references.json")
_TURN_SLACK_MS = 250
_MAX_S = 600
_WITHOUT_ERROR = "jfk.flac"


@dataclass(slots=True)
class TextScore:
    """Texts to compare, without case and punctuation."""

    references: list[str] = field(default_factory=list)
    hypotheses: list[str] = field(default_factory=list)

    def add(self, reference: str, hypothesis: str) -> None:
        """One more pair."""
        self.references.append(normalized(reference))
        self.hypotheses.append(normalized(hypothesis))

    @property
    def wer(self) -> float:
        """Word error rate over all texts."""
        return float(jiwer.wer(self.references, self.hypotheses))

    @property
    def cer(self) -> float:
        """Character error rate over all texts."""
        return float(jiwer.cer(self.references, self.hypotheses))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One party of one real recording: what is said, and what each engine reads."""

    file: str
    channel: int
    reference: str
    ours: str
    stock: str

    @property
    def rates(self) -> tuple[float, float]:
        """Word error rates, ours and stock."""
        return score_of([self], "ours").wer, score_of([self], "stock").wer


def stock_whisper(profile: TranscriptionProfile) -> Any:
    """``WhisperModel`` with the profile's weights."""
    from faster_whisper import WhisperModel  # noqa: PLC0415 -- a native runtime

    return WhisperModel(
        profile.model,
        device=profile.device,
        compute_type=profile.compute_type,
        cpu_threads=profile.cpu_threads,
    )


def stock_words(whisper: Any, samples: NDArray[np.float32]) -> list[Word]:
    """The words that ``WhisperModel.transcribe`` with its defaults gives for one party's samples."""
    segments, _ = whisper.transcribe(samples, word_timestamps=True)
    return [
        Word(word=word.word.strip(), start_ms=round(word.start * 1000), end_ms=round(word.end * 1000))
        for segment in segments
        for word in segment.words
    ]


def stock(whisper: Any, samples: NDArray[np.float32], *, until_s: float | None = None) -> str:
    """What ``WhisperModel.transcribe`` with its defaults reads in one party's samples."""
    if until_s is not None:
        return " ".join(w.word for w in stock_words(whisper, samples) if w.start_ms < until_s * 1000)
    segments, _ = whisper.transcribe(samples)
    return " ".join(segment.text for segment in segments)


def ours(transcript: Transcript, channel: int, *, until_s: float | None = None) -> str:
    """What the service reads on one channel."""
    segments = [segment for segment in transcript.segments if segment.channel == channel]
    if until_s is None:
        return " ".join(segment.text for segment in segments)
    words = [word for segment in segments for word in segment.words]
    return " ".join(word.word for word in words if word.start_ms < until_s * 1000)


def read_recordings(
    engine: FasterWhisperEngine, profile: TranscriptionProfile, folder: Path
) -> Iterator[Reading]:
    """Every party whose words are known, of the real recordings in ``folder``."""
    whisper = stock_whisper(profile)
    for entry in json.loads(_REFERENCES.read_text(encoding="utf-8"))["recordings"]:
        waveform = decode((folder / entry["file"]).read_bytes(), max_duration_s=_MAX_S)
        channel, until_s = entry["channel"], entry["until_s"]
        yield Reading(
            file=entry["file"],
            channel=channel,
            reference=entry["text"],
            ours=ours(engine.transcribe(waveform, profile), channel, until_s=until_s),
            stock=stock(whisper, dict(waveform.parties)[channel], until_s=until_s),
        )


def score_of(readings: Iterable[Reading], system: str) -> TextScore:
    """The score of ``ours`` or ``stock`` over several readings."""
    score = TextScore()
    for reading in readings:
        score.add(reading.reference, getattr(reading, system))
    return score


def measure_recordings(profile: TranscriptionProfile, folder: Path) -> list[Figure]:
    """Print the word error rate of each real recording; the figures with a goal."""
    readings = []

    def rows() -> Iterator[tuple[object, ...]]:
        for reading in read_recordings(FasterWhisperEngine(max_models=1), profile, folder):
            readings.append(reading)
            yield reading.file, reading.channel, len(reading.reference.split()), *reading.rates

    print_rows(("real recording, WER", "channel", "words", "ours", "stock"), rows())
    first = [reading for reading in readings if reading.file == _WITHOUT_ERROR]
    others = [reading for reading in readings if reading.file != _WITHOUT_ERROR]
    return [
        _figure(f"small, real: WER of {_WITHOUT_ERROR}", first, limit=0.0),
        _figure("small, real: WER of the others", others, limit=score_of(others, "stock").wer),
    ]


def _figure(name: str, readings: list[Reading], *, limit: float) -> Figure:
    mine, plain = score_of(readings, "ours").wer, score_of(readings, "stock").wer
    return Figure(name=name, ours=mine, stock=plain, limit=limit)


def misplaced_words(truth: CallTruth, words: Iterable[tuple[int, Word]]) -> tuple[int, int]:
    """(all words, words whose middle lies in a turn of the other channel and in none of their own)."""
    total = misplaced = 0
    for channel, word in words:
        middle = (word.start_ms + word.end_ms) // 2
        speaking = {
            turn.channel
            for turn in truth.turns
            if turn.start_ms - _TURN_SLACK_MS <= middle <= turn.end_ms + _TURN_SLACK_MS
        }
        total += 1
        misplaced += bool(speaking) and channel not in speaking
    return total, misplaced


def placed_words(transcript: Transcript) -> list[tuple[int, Word]]:
    """Each word of a transcript with its channel."""
    return [(segment.channel, word) for segment in transcript.segments for word in segment.words]


def call_waveform(call: SyntheticCall) -> Waveform:
    """The call as the service would get it: written as a WAV and decoded."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "call.wav"
        write_wav(path, call.samples, call.sample_rate_hz)
        return decode(path.read_bytes(), max_duration_s=_MAX_S)

"""How well the transcription service reads, beside stock ``WhisperModel.transcribe`` with the same weights.

``python -m ops.bench.transcription_quality`` prints one table of real recordings (small profile) and one of
fresh synthetic calls (demo profile). Stock Whisper gets each party's channel by itself, as the service does.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Sequence
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
from ops.models.scenarios import SCENARIOS
from ops.models.synth import SyntheticCall, synthesize_call, write_wav
from schemas.records import Layout

_ROOT = Path(__file__).parents[2]
_REFERENCES = Path(__file__).with_name("references.json")
_SEED = 77_000_001
"""Far from the seeds of the training pools."""
_TURN_SLACK_MS = 250


@dataclass(slots=True)
class _Score:
    """Texts to compare, and words by the channel they were put on."""

    references: list[str] = field(default_factory=list)
    hypotheses: list[str] = field(default_factory=list)
    words: int = 0
    misplaced: int = 0

    def add(self, reference: str, hypothesis: str) -> None:
        self.references.append(normalized(reference))
        self.hypotheses.append(normalized(hypothesis))

    @property
    def wer(self) -> float:
        return float(jiwer.wer(self.references, self.hypotheses))

    @property
    def cer(self) -> float:
        return float(jiwer.cer(self.references, self.hypotheses))


def stock(whisper: Any, samples: NDArray[np.float32], *, until_s: float | None = None) -> str:
    """What ``WhisperModel.transcribe`` with its defaults reads in one party's samples."""
    segments, _ = whisper.transcribe(samples, word_timestamps=until_s is not None)
    if until_s is None:
        return " ".join(segment.text for segment in segments)
    return "".join(word.word for segment in segments for word in segment.words if word.start < until_s)


def ours(transcript: Transcript, channel: int, *, until_s: float | None = None) -> str:
    """What the service reads on one channel."""
    segments = [segment for segment in transcript.segments if segment.channel == channel]
    if until_s is None:
        return " ".join(segment.text for segment in segments)
    words = [word for segment in segments for word in segment.words]
    return " ".join(word.word for word in words if word.start_ms < until_s * 1000)


def real_recordings(engine: FasterWhisperEngine, profile: TranscriptionProfile, folder: Path) -> None:
    """Print the word error on the recordings that have a reference."""
    whisper = engine._models.get(profile)  # noqa: SLF001 -- the same weights, not a second copy of them
    print(f"{'recording':26} {'channel':>7} {'words':>6} {'ours WER':>9} {'stock WER':>10}")
    both = (_Score(), _Score())
    for entry in json.loads(_REFERENCES.read_text(encoding="utf-8"))["recordings"]:
        waveform = decode((folder / entry["file"]).read_bytes(), max_duration_s=600)
        channel, until_s, reference = entry["channel"], entry["until_s"], entry["text"]
        transcript = engine.transcribe(waveform, profile)
        texts = (
            ours(transcript, channel, until_s=until_s),
            stock(whisper, dict(waveform.parties)[channel], until_s=until_s),
        )
        rates = [jiwer.wer(normalized(reference), normalized(text)) for text in texts]
        for score, text in zip(both, texts, strict=True):
            score.add(reference, text)
        print(f"{entry['file']:26} {channel:7} {len(reference.split()):6} {rates[0]:9.3f} {rates[1]:10.3f}")
    print(f"{'all':26} {'':7} {'':6} {both[0].wer:9.3f} {both[1].wer:10.3f}\n")


def synthetic_calls(
    engine: FasterWhisperEngine,
    profile: TranscriptionProfile,
    *,
    calls: int,
    seed: int,
) -> None:
    """Print the errors on calls made for this run: half Korean, half English, half stereo, half mono."""
    scores: dict[tuple[str, str], tuple[_Score, _Score]] = defaultdict(lambda: (_Score(), _Score()))
    for index in range(calls):
        call = synthesize_call(
            seed=seed + index,
            language=("ko", "en")[index % 2],
            layout=("stereo", "mono")[index // 2 % 2],
            scenario=list(SCENARIOS)[index % len(SCENARIOS)],
        )
        _score_call(engine, profile, call, scores[call.truth.language, call.truth.layout])
    print(f"{'calls':12} {'ours CER':>9} {'WER':>6} {'wrong channel':>14} {'stock CER':>10} {'WER':>6}")
    for (language, layout), (mine, theirs) in sorted(scores.items()):
        wrong = f"{mine.misplaced}/{mine.words}" if layout == "stereo" else "-"
        print(
            f"{language} {layout:9} {mine.cer:9.3f} {mine.wer:6.3f} {wrong:>14}"
            f" {theirs.cer:10.3f} {theirs.wer:6.3f}",
        )


def _score_call(
    engine: FasterWhisperEngine,
    profile: TranscriptionProfile,
    call: SyntheticCall,
    scores: tuple[_Score, _Score],
) -> None:
    waveform = call_waveform(call)
    transcript = engine.transcribe(waveform, profile)
    whisper = engine._models.get(profile)  # noqa: SLF001 -- the same weights, not a second copy of them
    for channel, samples in waveform.parties:
        reference = " ".join(turn.text for turn in call.truth.turns if turn.channel == channel)
        scores[0].add(reference, ours(transcript, channel))
        scores[1].add(reference, stock(whisper, samples))
    if waveform.layout is Layout.STEREO:
        words, misplaced = misplaced_words(call, transcript)
        scores[0].words += words
        scores[0].misplaced += misplaced


def misplaced_words(call: SyntheticCall, transcript: Transcript) -> tuple[int, int]:
    """(all words, words whose middle lies in a turn of the other channel and in none of their own)."""
    words = misplaced = 0
    for segment in transcript.segments:
        for word in segment.words:
            middle = (word.start_ms + word.end_ms) // 2
            speaking = {
                turn.channel
                for turn in call.truth.turns
                if turn.start_ms - _TURN_SLACK_MS <= middle <= turn.end_ms + _TURN_SLACK_MS
            }
            words += 1
            misplaced += bool(speaking) and segment.channel not in speaking
    return words, misplaced


def call_waveform(call: SyntheticCall) -> Waveform:
    """The call as the service would get it: written as a WAV and decoded."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "call.wav"
        write_wav(path, call.samples, call.sample_rate_hz)
        return decode(path.read_bytes(), max_duration_s=600)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m ops.bench.transcription_quality", description=__doc__)
    parser.add_argument("--small", type=Path, default=Path.home() / ".cache/callytics/models/small/asr")
    parser.add_argument("--demo", type=Path, default=_ROOT / "ops/models/demo/asr")
    parser.add_argument("--recordings", type=Path, default=_ROOT / "tests/data/real")
    parser.add_argument("--calls", type=int, default=20, help="how many synthetic calls")
    parser.add_argument("--seed", type=int, default=_SEED)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    engine = FasterWhisperEngine(max_models=1)
    if options.small.is_dir():
        real_recordings(engine, _profile(options.small, options.threads), options.recordings)
    else:
        print(f"no model in {options.small}: run `callytics models fetch small` for the real recordings\n")
    limits = {"languages": ("ko", "en"), "max_window_s": 10.0}
    demo = _profile(options.demo, options.threads).model_copy(update=limits)
    synthetic_calls(engine, demo, calls=options.calls, seed=options.seed)


def _profile(model: Path, threads: int) -> TranscriptionProfile:
    return TranscriptionProfile(model=str(model), device="cpu", compute_type="int8", cpu_threads=threads)


if __name__ == "__main__":
    main()

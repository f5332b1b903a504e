"""Synthetic calls through the real engine with the demo model: real words, Korean ones too."""

from pathlib import Path

import jiwer
import numpy as np
import pytest

from consumers.transcription.engine import FasterWhisperEngine
from consumers.transcription.guards import normalized
from infra.audio.layout import detect_layout
from infra.audio.waveform import Waveform
from infra.profiles import TranscriptionProfile
from ops.bench.transcription_quality import call_waveform, misplaced_words, ours, placed_words
from ops.models.synth import synthesize_call
from schemas.records import Layout

MODEL = Path(__file__).parents[2] / "ops/models/demo/asr"
SEED = 88_000_001

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not MODEL.is_dir(), reason="the demo models are not built: python -m ops.models"),
]


@pytest.fixture(scope="module")
def engine() -> FasterWhisperEngine:
    return FasterWhisperEngine(max_models=1)


@pytest.fixture(scope="module")
def profile() -> TranscriptionProfile:
    return TranscriptionProfile(
        model=str(MODEL),
        device="cpu",
        compute_type="int8",
        cpu_threads=1,
        languages=("ko", "en"),
        max_window_s=10,
    )


@pytest.mark.parametrize(("language", "limit"), [("ko", 0.15), ("en", 0.15)])
def test_a_fresh_stereo_call_is_read_party_by_party(
    engine: FasterWhisperEngine,
    profile: TranscriptionProfile,
    language: str,
    limit: float,
) -> None:
    """Korean by character, English by word: at most 15 % errors, hardly a word on the wrong channel."""
    call = synthesize_call(seed=SEED, language=language, layout="stereo")
    waveform = call_waveform(call)
    assert waveform.layout is Layout.STEREO
    transcript = engine.transcribe(waveform, profile)
    assert transcript.language == language
    references, texts = [], []
    for channel in (0, 1):
        turns = [turn.text for turn in call.truth.turns if turn.channel == channel]
        references.append(normalized(" ".join(turns)))
        texts.append(normalized(ours(transcript, channel)))
    rate = jiwer.cer(references, texts) if language == "ko" else jiwer.wer(references, texts)
    assert rate <= limit
    words, misplaced = misplaced_words(call.truth, placed_words(transcript))
    assert words > 30
    assert misplaced <= words * 0.03


def test_a_leak_between_the_channels_does_not_double_the_words(
    engine: FasterWhisperEngine,
    profile: TranscriptionProfile,
) -> None:
    call = synthesize_call(seed=SEED + 1, language="en", layout="stereo")
    clean = call_waveform(call)
    leaky = clean.samples + np.float32(0.05) * clean.samples[::-1]
    assert detect_layout(leaky) is Layout.STEREO
    waveform = Waveform(samples=leaky, source_rate_hz=8_000, layout=Layout.STEREO)
    transcript = engine.transcribe(waveform, profile)
    words, misplaced = misplaced_words(call.truth, placed_words(transcript))
    assert words > 30
    assert misplaced <= words * 0.05


def test_noise_and_silence_have_no_words(engine: FasterWhisperEngine, profile: TranscriptionProfile) -> None:
    noise = np.random.default_rng(1).normal(0, 0.01, (1, 30 * 16_000)).astype(np.float32)
    for samples in (noise, np.zeros_like(noise)):
        waveform = Waveform(samples=samples, source_rate_hz=8_000, layout=Layout.MONO)
        transcript = engine.transcribe(waveform, profile, language="ko")
        assert transcript.segments == ()


def test_the_self_test_runs_without_a_recording(
    engine: FasterWhisperEngine, profile: TranscriptionProfile
) -> None:
    engine.self_test(profile)
    assert [model.model for model in engine.loaded()] == [str(MODEL)]
    assert engine.gpu_memory_bytes() is None

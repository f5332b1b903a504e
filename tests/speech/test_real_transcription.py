"""Real recordings through the small profile's Whisper."""

from pathlib import Path

import numpy as np
import pytest

from consumers.transcription.engine import FasterWhisperEngine, Transcript
from consumers.transcription.guards import normalized
from infra.audio.decode import decode
from infra.audio.waveform import SAMPLE_RATE_HZ, Waveform
from infra.errors import Fatal
from infra.profiles import TranscriptionProfile
from schemas.records import Layout

MODEL = Path.home() / ".cache/callytics/models/small/asr"
REAL = Path(__file__).parents[1] / "data/real"
JFK = (
    "and so my fellow americans ask not what your country can do for you ask what you can do for your country"
)

pytestmark = [
    pytest.mark.speech,
    pytest.mark.skipif(not MODEL.is_dir(), reason="run `callytics models fetch small` first"),
]


@pytest.fixture(scope="module")
def engine() -> FasterWhisperEngine:
    return FasterWhisperEngine(max_models=1)


@pytest.fixture(scope="module")
def profile() -> TranscriptionProfile:
    return TranscriptionProfile(model=str(MODEL), device="cpu", compute_type="int8", cpu_threads=2)


def waveform(name: str) -> Waveform:
    return decode((REAL / name).read_bytes(), max_duration_s=600)


def text(transcript: Transcript, channel: int = 0) -> str:
    return normalized(" ".join(s.text for s in transcript.segments if s.channel == channel))


def check_times(transcript: Transcript, audio: Waveform) -> None:
    for channel in {segment.channel for segment in transcript.segments}:
        segments = [s for s in transcript.segments if s.channel == channel]
        stamps = [t for s in segments for w in s.words for t in (w.start_ms, w.end_ms)]
        assert stamps == sorted(stamps)
        assert stamps[0] >= 0
        assert stamps[-1] <= audio.duration_ms
        assert all(0 <= (w.confidence or 0) <= 1 for s in segments for w in s.words)


def test_jfk_is_read_without_an_error(engine: FasterWhisperEngine, profile: TranscriptionProfile) -> None:
    audio = waveform("jfk.flac")
    transcript = engine.transcribe(audio, profile)
    assert audio.layout is Layout.FAKE_STEREO
    assert {s.channel for s in transcript.segments} == {0}
    assert text(transcript) == JFK
    assert transcript.language == "en"
    assert (transcript.language_confidence or 0) > 0.8
    check_times(transcript, audio)


def test_each_party_of_a_stereo_call_is_read_from_its_channel(
    engine: FasterWhisperEngine,
    profile: TranscriptionProfile,
) -> None:
    audio = waveform("stereo_diarization.wav")
    transcript = engine.transcribe(audio, profile)
    assert "complaint against the wizard" in text(transcript, 0)
    assert "the horizon seems extremely distant" in text(transcript, 1)
    assert [s.start_ms for s in transcript.segments] == sorted(s.start_ms for s in transcript.segments)
    check_times(transcript, audio)


def test_a_minute_in_two_languages_becomes_one_transcript(
    engine: FasterWhisperEngine,
    profile: TranscriptionProfile,
) -> None:
    audio = waveform("multilingual.mp3")
    transcript = engine.transcribe(audio, profile, language="xx")
    assert "permission is hereby granted free of charge to any person" in text(transcript)
    assert transcript.segments[-1].end_ms > 55_000
    check_times(transcript, audio)


def test_a_given_language_is_not_detected(engine: FasterWhisperEngine, profile: TranscriptionProfile) -> None:
    transcript = engine.transcribe(waveform("hotwords.mp3"), profile, language="en-US")
    assert (transcript.language, transcript.language_confidence) == ("en", None)
    assert "then you go into" in text(transcript)


def test_a_recording_without_speech_has_no_words(
    engine: FasterWhisperEngine,
    profile: TranscriptionProfile,
) -> None:
    transcript = engine.transcribe(waveform("empty.wav"), profile)
    assert transcript.segments == ()
    assert transcript.language is None


def test_ten_minutes_of_silence_and_of_noise_have_no_words(
    engine: FasterWhisperEngine,
    profile: TranscriptionProfile,
) -> None:
    length = 600 * SAMPLE_RATE_HZ
    noise = np.random.default_rng(0).normal(0, 0.003, (1, length)).astype(np.float32)
    for samples in (np.zeros((1, length), dtype=np.float32), noise):
        audio = Waveform(samples=samples, source_rate_hz=8_000, layout=Layout.MONO)
        assert engine.transcribe(audio, profile).segments == ()


def test_the_self_test_passes_on_what_is_said_and_stops_on_what_is_not(
    engine: FasterWhisperEngine,
    profile: TranscriptionProfile,
) -> None:
    recording = str(REAL / "jfk.flac")
    said = profile.model_copy(update={"self_test": recording, "self_test_words": ("Americans", "country")})
    engine.self_test(said)
    engine.self_test(profile)
    with pytest.raises(Fatal, match="elephants"):
        engine.self_test(said.model_copy(update={"self_test_words": ("country", "elephants")}))

"""The small profile on real recordings. Its models are fetched, not shipped."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from faster_whisper.audio import decode_audio
from numpy.typing import NDArray

from consumers.diarization.campplus import features, load_campplus
from consumers.diarization.engine import Diarization, PyannoteEngine
from consumers.diarization.turns import Turn
from infra.audio.layout import detect_layout
from infra.audio.waveform import SAMPLE_RATE_HZ, Waveform
from infra.models.fetch import is_present, verify_profile
from infra.profiles import DiarizationProfile
from ops.bench.dialogues import PAIRS, Dialogue, alone, dialogue, read_rttm, real_voices
from ops.bench.diarization_quality import error_rate, meetings
from schemas.records import DiarizationMethod, Layout

pytestmark = pytest.mark.speech

REAL = Path(__file__).parents[1] / "data" / "real"
CACHE = Path(os.environ.get("CALLYTICS_MODEL_CACHE", Path.home() / ".cache" / "callytics" / "models"))
DIARIZATION = CACHE / "small" / "diarization"


@pytest.fixture(scope="module", autouse=True)
def _small_profile() -> None:
    if is_present(CACHE):
        return
    reason = f"the small profile is not in {CACHE}: fetch it first"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def small() -> DiarizationProfile:
    return DiarizationProfile(kind="windows", pipeline=str(DIARIZATION), device="cpu")


@pytest.fixture(scope="module")
def engine() -> PyannoteEngine:
    return PyannoteEngine()


def mono(samples: NDArray[np.float32]) -> Waveform:
    return Waveform(samples=samples[None], source_rate_hz=SAMPLE_RATE_HZ, layout=Layout.MONO)


def rate(recording: Dialogue, result: Diarization) -> float:
    turns = [
        Turn(start_s=s.start_ms / 1000, end_s=s.end_ms / 1000, speaker=s.speaker) for s in result.segments
    ]
    return error_rate(recording, turns)


def test_the_fetched_files_are_those_of_the_manifest() -> None:
    assert verify_profile(CACHE) == []


def test_campplus_tells_the_two_speakers_of_the_meetings_apart() -> None:
    """Turns of at least 1.5 s without overlap: every cosine within a speaker exceeds every one between."""
    model = load_campplus(DIARIZATION / "embedding" / "campplus.pt", device=torch.device("cpu"))
    embeddings, names = [], []
    for uri, turns in read_rttm(REAL / "ami.rttm").items():
        samples = torch.from_numpy(decode_audio(str(REAL / f"{uri}.flac")))
        for speaker in sorted({who for *_, who in turns}):
            for start_s, end_s in alone(turns, speaker):
                if end_s - start_s >= 1.5:
                    cut = samples[round(start_s * SAMPLE_RATE_HZ) : round(end_s * SAMPLE_RATE_HZ)]
                    banks = features(cut)
                    embeddings.append(model((banks - banks.mean(dim=0))[None])[0])
                    names.append(speaker)
    vectors = torch.nn.functional.normalize(torch.stack(embeddings))
    cosine = (vectors @ vectors.T).numpy()
    same = np.array(names)[:, None] == np.array(names)[None]
    within, between = cosine[same & ~np.eye(len(names), dtype=bool)], cosine[~same]
    assert len(names) == 9
    assert within.min() > between.max()
    assert within.mean() > 0.5
    assert between.mean() < 0.3


def test_the_meeting_clips_stay_within_the_error_rate(
    engine: PyannoteEngine, small: DiarizationProfile
) -> None:
    """Two speakers given, no collar, overlap scored: mean error rate at most .30."""
    rates = [rate(clip, engine.diarize(mono(clip.samples), small, speakers=2)) for clip in meetings(REAL)]
    assert np.mean(rates) <= 0.30


@pytest.mark.parametrize("number", [2, 4])
def test_a_telephone_dialogue_has_two_speakers_without_being_told(
    engine: PyannoteEngine, small: DiarizationProfile, number: int
) -> None:
    made = dialogue(real_voices(REAL), PAIRS[number], seed=number)
    result = engine.diarize(mono(made.samples), small)
    assert {segment.speaker for segment in result.segments} == {"SPEAKER_00", "SPEAKER_01"}
    assert rate(made, result) <= 0.15


def test_a_voice_message_has_one_speaker(engine: PyannoteEngine, small: DiarizationProfile) -> None:
    made = dialogue(real_voices(REAL), ("english",), seed=100)
    result = engine.diarize(mono(made.samples), small)
    assert result.method is DiarizationMethod.MODEL
    assert result.model == "small/diarization"
    assert {segment.speaker for segment in result.segments} == {"SPEAKER_00"}


def test_fake_stereo_is_one_signal(engine: PyannoteEngine, small: DiarizationProfile) -> None:
    left, right = decode_audio(str(REAL / "jfk.flac"), split_stereo=True)
    samples = np.stack([left, right])
    waveform = Waveform(samples=samples, source_rate_hz=44_100, layout=detect_layout(samples))
    result = engine.diarize(waveform, small)
    assert result.method is DiarizationMethod.MODEL
    assert {segment.speaker for segment in result.segments} == {"SPEAKER_00"}


@pytest.mark.parametrize("samples", [0, 1, 800, 1600, 3200, 8000, 16_000])
@pytest.mark.parametrize("speakers", [None, 2])
def test_short_input_is_no_error(
    engine: PyannoteEngine, small: DiarizationProfile, samples: int, speakers: int | None
) -> None:
    speech = decode_audio(str(REAL / "jfk.flac"))[8000 : 8000 + samples]
    result = engine.diarize(mono(speech), small, speakers=speakers)
    assert all(segment.end_ms <= samples * 1000 // SAMPLE_RATE_HZ for segment in result.segments)


def test_no_speech_has_no_speakers(engine: PyannoteEngine, small: DiarizationProfile) -> None:
    for samples in (np.zeros(20 * SAMPLE_RATE_HZ, dtype=np.float32), decode_audio(str(REAL / "empty.wav"))):
        assert engine.diarize(mono(samples), small, speakers=2).segments == ()


def test_the_self_test_passes(engine: PyannoteEngine, small: DiarizationProfile) -> None:
    engine.self_test(small)

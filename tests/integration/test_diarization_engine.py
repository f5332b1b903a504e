"""The real engine on the demo pipeline, on stereo, and on input that is hardly any."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from faster_whisper.audio import decode_audio
from numpy.typing import NDArray

from consumers.diarization.engine import Diarization, PyannoteEngine, model_name
from infra.audio.layout import detect_layout
from infra.audio.waveform import Waveform
from infra.errors import Fatal
from infra.profiles import DiarizationProfile
from schemas.records import DiarizationMethod, Layout

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
REAL = ROOT / "tests" / "data" / "real"
DEMO = ROOT / "ops" / "models" / "demo" / "diarization"
RATE = 16_000
Floats = NDArray[np.float32]


@pytest.fixture(scope="module")
def demo() -> DiarizationProfile:
    return DiarizationProfile(kind="pyannote", pipeline=str(DEMO), device="cpu")


@pytest.fixture(scope="module")
def engine() -> PyannoteEngine:
    return PyannoteEngine()


def mono(samples: Floats) -> Waveform:
    return Waveform(samples=samples[None], source_rate_hz=RATE, layout=Layout.MONO)


def stereo(*channels: Floats) -> Waveform:
    samples = np.stack(channels)
    return Waveform(samples=samples, source_rate_hz=RATE, layout=detect_layout(samples))


def parties() -> tuple[Floats, Floats]:
    left, right = decode_audio(str(REAL / "stereo_diarization.wav"), split_stereo=True)
    return left, right


def talk_ms(result: Diarization, speaker: str) -> int:
    return sum(s.end_ms - s.start_ms for s in result.segments if s.speaker == speaker)


def test_the_demo_pipeline_passes_its_self_test(engine: PyannoteEngine, demo: DiarizationProfile) -> None:
    engine.self_test(demo)


@pytest.mark.parametrize("samples", [0, 1, 400, 799, 800, 1600, 3200, 16_000])
@pytest.mark.parametrize("speakers", [None, 1, 2])
def test_short_input_is_no_error(
    engine: PyannoteEngine, demo: DiarizationProfile, samples: int, speakers: int | None
) -> None:
    """Warnings are errors here, so this also proves that none escapes."""
    speech = parties()[0][:samples]
    result = engine.diarize(mono(speech), demo, speakers=speakers)
    assert all(s.end_ms <= samples * 1000 // RATE for s in result.segments)


@pytest.mark.parametrize("speakers", [None, 1, 2])
def test_silence_has_no_speakers(
    engine: PyannoteEngine, demo: DiarizationProfile, speakers: int | None
) -> None:
    result = engine.diarize(mono(np.zeros(20 * RATE, dtype=np.float32)), demo, speakers=speakers)
    assert result == Diarization(method=DiarizationMethod.MODEL, model="demo/diarization", segments=())


def test_warm_pipelines_are_bounded_and_kept(demo: DiarizationProfile) -> None:
    engine = PyannoteEngine(max_pipelines=1)
    automatic = demo.model_copy(update={"device": "auto"})
    silence = mono(np.zeros(RATE, dtype=np.float32))
    engine.diarize(silence, demo)
    first = engine._pipeline(demo)
    assert engine._pipeline(demo) is first
    engine.diarize(silence, automatic)
    assert len(engine._warm) == 1
    assert engine._pipeline(demo) is not first


def test_in_stereo_the_channel_is_the_speaker(engine: PyannoteEngine, demo: DiarizationProfile) -> None:
    result = engine.diarize(stereo(*parties()), demo)
    assert result.method is DiarizationMethod.CHANNELS
    assert result.model == "silero-vad"
    assert {(s.speaker, s.channel) for s in result.segments} == {("SPEAKER_00", 0), ("SPEAKER_01", 1)}
    assert list(result.segments) == sorted(result.segments, key=lambda s: s.start_ms)


@pytest.mark.parametrize("echo_db", [-30, -25, -20])
def test_crosstalk_changes_nothing_much(
    engine: PyannoteEngine, demo: DiarizationProfile, echo_db: float
) -> None:
    left, right = parties()
    left, right = np.tile(left, 3), np.tile(right, 3)
    echo = np.float32(10 ** (echo_db / 20))
    clean = engine.diarize(stereo(left, right), demo)
    heard = engine.diarize(stereo(left + echo * right, right + echo * left), demo)
    assert heard.method is DiarizationMethod.CHANNELS
    for speaker in ("SPEAKER_00", "SPEAKER_01"):
        assert talk_ms(heard, speaker) == pytest.approx(talk_ms(clean, speaker), rel=0.1, abs=300)


def test_a_directory_without_its_parts_is_fatal(engine: PyannoteEngine, tmp_path: Path) -> None:
    for kind, part in (("pyannote", "config.yaml"), ("windows", "segmentation/pytorch_model.bin")):
        profile = DiarizationProfile.model_validate({"kind": kind, "pipeline": str(tmp_path)})
        with pytest.raises(Fatal, match=f"lacks {part}"):
            engine.self_test(profile)


def test_a_directory_that_does_not_exist_is_not_taken_for_a_hub_name(
    engine: PyannoteEngine, tmp_path: Path
) -> None:
    profile = DiarizationProfile(kind="pyannote", pipeline=str(tmp_path / "gone"))
    with pytest.raises(Fatal, match=r"lacks config\.yaml"):
        engine.self_test(profile)


def test_a_broken_pipeline_says_what_is_wrong(engine: PyannoteEngine, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("pipeline: {name: no.such.Pipeline}\n", encoding="utf-8")
    profile = DiarizationProfile(kind="pyannote", pipeline=str(tmp_path))
    with pytest.raises(Fatal, match="cannot be loaded"):
        engine.self_test(profile)


def test_a_model_is_named_without_the_paths_of_the_machine() -> None:
    assert model_name(DiarizationProfile(pipeline="/var/cache/small/diarization")) == "small/diarization"
    hub = "pyannote/speaker-diarization-community-1"
    assert model_name(DiarizationProfile(pipeline=hub)) == hub


WATCH = """
import os, sys
for name in ("PYANNOTE_METRICS_ENABLED", "HF_HUB_OFFLINE"):
    os.environ.pop(name, None)
calls = []
watched = ("socket.connect", "socket.getaddrinfo")
sys.addaudithook(lambda name, _: calls.append(name) if name in watched else None)
import numpy as np
from consumers.diarization.engine import PyannoteEngine
from infra.audio.waveform import Waveform
from infra.profiles import DiarizationProfile
from schemas.records import Layout
engine = PyannoteEngine()
profile = DiarizationProfile(kind="pyannote", pipeline=sys.argv[1], device="cpu")
engine.self_test(profile)
noise = np.random.default_rng(0).standard_normal((1, 160_000)).astype(np.float32) * 0.1
engine.diarize(Waveform(samples=noise, source_rate_hz=16_000, layout=Layout.MONO), profile, speakers=2)
from pyannote.audio.telemetry.metrics import is_metrics_enabled
assert not is_metrics_enabled()
from opentelemetry import metrics, trace
for provider in (trace.get_tracer_provider(), metrics.get_meter_provider()):
    getattr(provider, "force_flush", lambda: None)()
assert not calls, calls
"""


def test_nothing_is_reported_and_no_socket_is_opened() -> None:
    """A fresh process with the defaults of the environment."""
    done = subprocess.run(
        [sys.executable, "-c", WATCH, str(DEMO)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]

"""The shipped models and samples are what their lists say."""

import json
from pathlib import Path
from typing import Any

import av
import pytest

from ops.models import manifest
from ops.models.sample_calls import CATALOG, SAMPLE_CALLS, SELF_TEST

MODELS = Path(manifest.__file__).parent
DEMO, SAMPLES = MODELS / "demo", MODELS / "samples"
ENTRIES: list[dict[str, Any]] = [
    json.loads(line) for line in (SAMPLES / CATALOG).read_text(encoding="utf-8").splitlines()
]
DEMO_ENTRIES = [entry for entry in ENTRIES if entry["queue"] == "demo"]


def probe(path: Path) -> tuple[int, float]:
    """(channels, seconds) of an audio file."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        samples = sum(frame.samples for frame in container.decode(stream))
        return stream.channels, samples / stream.rate


def test_the_shipped_models_match_their_manifest() -> None:
    assert manifest.read_manifest(DEMO) == manifest.entries(DEMO)


def test_a_changed_file_no_longer_matches(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"weights")
    manifest.main([str(tmp_path)])
    assert manifest.read_manifest(tmp_path) == manifest.entries(tmp_path)
    (tmp_path / "model.bin").write_bytes(b"Weights")
    assert manifest.read_manifest(tmp_path) != manifest.entries(tmp_path)


def test_the_catalogue_names_every_call_once() -> None:
    assert len({entry["call_id"] for entry in ENTRIES}) == len(ENTRIES)
    audio = {path.name for path in SAMPLES.iterdir() if path.suffix in {".flac", ".ogg", ".wav"}}
    assert {entry["file"] for entry in ENTRIES} == audio - {SELF_TEST}


@pytest.mark.parametrize("entry", DEMO_ENTRIES, ids=lambda entry: entry["call_id"])
def test_a_sample_is_what_its_truth_and_its_catalogue_line_say(entry: dict[str, Any]) -> None:
    truth = json.loads((SAMPLES / entry["file"]).with_suffix(".json").read_text(encoding="utf-8"))
    channels, seconds = probe(SAMPLES / entry["file"])
    assert truth["call_id"] == entry["call_id"]
    assert truth["language"] == entry["language_hint"]
    assert truth["direction"] == entry["direction"]
    assert truth["channels"] == entry["channel_roles"]
    assert channels == (2 if truth["layout"] == "stereo" else 1)
    assert seconds == pytest.approx(truth["duration_ms"] / 1000, abs=0.05)
    assert 20 <= seconds <= 60


def test_every_recipe_still_makes_the_truth_that_is_shipped() -> None:
    """One recipe stands for all: synthesis takes its time."""
    sample = SAMPLE_CALLS[0]
    shipped = (SAMPLES / f"{sample.name}.json").read_text(encoding="utf-8")
    assert sample.synthesize().truth.to_json() == shipped


def test_the_samples_cover_what_a_demonstration_needs() -> None:
    kinds = {(sample.language, sample.scenario) for sample in SAMPLE_CALLS}
    assert {scenario for _, scenario in kinds} >= {"happy", "angry", "long_hold", "voicemail"}
    assert {language for language, _ in kinds} == {"ko", "en"}
    assert {sample.layout for sample in SAMPLE_CALLS} == {"stereo", "mono"}


def test_the_real_calls_have_no_language_hint_and_exist() -> None:
    real = [entry for entry in ENTRIES if entry["queue"] == "real"]
    assert real
    assert all(entry["language_hint"] is None for entry in real)
    assert all(probe(SAMPLES / entry["file"])[1] > 1 for entry in real)


def test_the_synthetic_samples_stay_small() -> None:
    assert sum((SAMPLES / entry["file"]).stat().st_size for entry in DEMO_ENTRIES) < 2_500_000


def test_the_self_test_is_three_to_five_seconds() -> None:
    channels, seconds = probe(SAMPLES / SELF_TEST)
    assert channels == 1
    assert 3 <= seconds <= 5

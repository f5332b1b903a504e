"""``callytics redact-audio`` mutes what the document names and leaves everything else as it was."""

import io
import json
import subprocess
import sys
import wave
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from schemas.document import CallDocument

RATE_HZ = 8_000
SPAN_MS = (500, 900)


@pytest.fixture(name="recording")
def _recording(tmp_path: Path) -> Path:
    """Two seconds of noise on two channels."""
    noise = np.random.default_rng(1).integers(1_000, 2_000, (2 * RATE_HZ, 2), dtype=np.int16)
    path = tmp_path / "call.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(noise.tobytes())
    return path


def document(folder: Path, **changes: Any) -> Path:
    found = {
        "type": "card", "action": "mask", "turn_id": "t0001", "start_ms": SPAN_MS[0], "end_ms": SPAN_MS[1],
        "start_char": 0, "end_char": 6, "channel": 1, "confidence": 0.9,
    }  # fmt: skip # one record
    kept = found | {"type": "agent_name", "action": "keep", "start_ms": 1_200, "end_ms": 1_500}
    whole = {
        "call_id": "c", "run_id": "r", "status": "complete", "pii": [found, kept],
        "provenance": {"analysis": "1", "speakers_from": "channels", "versions": {"pii.policy": "1"}},
    }  # fmt: skip # as above
    path = folder / "document.json"
    path.write_text(CallDocument.model_validate(whole | changes).model_dump_json(), encoding="utf-8")
    return path


def redact(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ops.cli.main", "redact-audio", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def samples(path: Path) -> NDArray[np.int16]:
    """(samples, channels)."""
    with av.open(io.BytesIO(path.read_bytes()), "r") as file:
        stream = file.streams.audio[0]
        assert (stream.rate, stream.channels) == (RATE_HZ, 2)
        resampler = av.AudioResampler(format="s16")
        blocks = [b.to_ndarray() for f in file.decode(stream) for b in resampler.resample(f)]
    return np.concatenate(blocks, axis=1).reshape(-1, 2)


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_only_the_speakers_channel_is_muted_and_only_in_the_span(
    tmp_path: Path, recording: Path, suffix: str
) -> None:
    target = tmp_path / f"redacted{suffix}"
    done = redact(recording, document(tmp_path), "--output", target)
    assert done.returncode == 0, done.stderr
    before, after = samples(recording), samples(target)
    start, end = (ms * RATE_HZ // 1000 for ms in SPAN_MS)
    assert not after[start:end, 1].any()
    expected = before.copy()
    expected[start:end, 1] = 0
    np.testing.assert_array_equal(after, expected)


def test_all_channels_can_be_muted(tmp_path: Path, recording: Path) -> None:
    target = tmp_path / "redacted.wav"
    assert redact(recording, document(tmp_path), "-o", target, "--all-channels").returncode == 0
    start, end = (ms * RATE_HZ // 1000 for ms in SPAN_MS)
    assert not samples(target)[start:end].any()


def test_the_input_and_any_other_file_are_never_overwritten(tmp_path: Path, recording: Path) -> None:
    before = recording.read_bytes()
    done = redact(recording, document(tmp_path), "-o", recording)
    assert done.returncode == 3
    assert "cannot be written" in done.stderr
    assert recording.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["call.wav", "document.json"]


def test_a_document_that_was_never_searched_is_refused(tmp_path: Path, recording: Path) -> None:
    skipped = [{"feature": "pii", "reason": "bug", "message": "the analyser raised"}]
    done = redact(recording, document(tmp_path, skipped=skipped), "-o", tmp_path / "out.wav")
    assert done.returncode == 1
    assert "analyse the call again" in done.stderr
    assert not (tmp_path / "out.wav").exists()


def test_what_is_no_document_is_refused_without_quoting_it(tmp_path: Path, recording: Path) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text(json.dumps({"call_id": "c", "secret": "010-1234-5678"}), encoding="utf-8")
    done = redact(recording, bad, "-o", tmp_path / "out.wav")
    assert done.returncode == 1
    assert "010" not in done.stderr

"""The command line as scripts use it: a process, its two streams and its exit code."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.settings import INSTALLATION
from schemas.document import CallDocument

pytestmark = pytest.mark.integration

SAMPLES = INSTALLATION / "ops" / "models" / "samples"
COMMANDS = (
    "",
    "transcribe",
    "diarize",
    "analyze",
    "models",
    "models list",
    "models fetch",
    "models verify",
    "topics",
    "topics create",
    "up",
    "doctor",
    "demo",
    "run",
    "publish",
    "show",
)
GIVEN = {
    "call_id": "call-1",
    "language": "ko",
    "roles": {"A": "agent", "B": "customer"},
    "turns": [
        {"speaker": "A", "start_ms": 0, "end_ms": 1500, "text": "무엇을 도와드릴까요?"},
        {"speaker": "B", "start_ms": 2000, "end_ms": 4000, "text": "요금이 이상해요. 너무 화가 나요."},
    ],
}


def callytics(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ops.cli.main", *arguments],
        cwd=INSTALLATION,
        env={**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "100", "NO_COLOR": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )


def lines(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_transcribe_writes_the_agreed_line_for_each_file_and_tells_that_one_failed(tmp_path: Path) -> None:
    good, bad, absent = SAMPLES / "self_test.flac", tmp_path / "통화 1.wav", tmp_path / "absent.wav"
    bad.write_bytes(b"no audio at all")
    files = [str(bad), str(good), str(absent)]
    done = callytics("transcribe", "--profile", "demo", "--language", "ko", "--jsonl", *files)
    broken, spoken, missing = lines(done)
    assert done.returncode == 1
    assert set(broken) == {"file", "error"}
    assert broken["file"] == str(bad)
    assert set(broken["error"]) == {"code", "message"}
    assert broken["error"]["code"] == "input_unreadable"
    assert missing["error"]["code"] == "input_missing"
    assert set(spoken) == {"file", "language", "duration_ms", "layout", "segments"}
    assert (spoken["file"], spoken["language"], spoken["layout"]) == (str(good), "ko", "mono")
    for segment in spoken["segments"]:
        assert set(segment) == {"channel", "start_ms", "end_ms", "text", "words"}
        assert 0 <= segment["start_ms"] < segment["end_ms"] <= spoken["duration_ms"]
        for word in segment["words"]:
            assert set(word) == {"word", "start_ms", "end_ms", "confidence"}
            assert isinstance(word["start_ms"], int)
    assert "안녕하세요" in " ".join(segment["text"] for segment in spoken["segments"])


def test_transcribe_for_people_shows_the_words() -> None:
    done = callytics("transcribe", "--profile", "demo", str(SAMPLES / "self_test.flac"))
    assert done.returncode == 0, done.stderr
    assert "안녕하세요" in done.stdout


def test_diarize_writes_the_agreed_line_for_each_file() -> None:
    mono, stereo = SAMPLES / "ko-angry.ogg", SAMPLES / "ko-happy.ogg"
    done = callytics("diarize", "--profile", "demo", "--speakers", "2", "--jsonl", str(mono), str(stereo))
    assert done.returncode == 0, done.stderr
    found = lines(done)
    assert [(line["file"], line["layout"]) for line in found] == [
        (str(mono), "mono"),
        (str(stereo), "stereo"),
    ]
    for line, channels in zip(found, ({None}, {0, 1}), strict=True):
        assert set(line) == {"file", "duration_ms", "layout", "segments"}
        assert {segment["speaker"] for segment in line["segments"]} == {"SPEAKER_00", "SPEAKER_01"}
        assert {segment["channel"] for segment in line["segments"]} == channels
        assert all(set(s) == {"speaker", "channel", "start_ms", "end_ms"} for s in line["segments"])


def test_json_is_one_array() -> None:
    done = callytics("diarize", "--profile", "demo", "--json", str(SAMPLES / "ko-happy.ogg"), "/absent.wav")
    found = json.loads(done.stdout)
    assert done.returncode == 1
    assert [set(entry) - {"duration_ms", "layout", "segments"} for entry in found] == [
        {"file"},
        {"file", "error"},
    ]


def test_analyze_writes_one_document_of_one_object(tmp_path: Path) -> None:
    file = tmp_path / "call.json"
    file.write_text(json.dumps(GIVEN, indent=1), encoding="utf-8")
    done = callytics("analyze", str(file))
    document = CallDocument.model_validate_json(done.stdout)
    assert done.returncode == 0, done.stderr
    assert [turn.role for turn in document.turns] == ["agent", "customer"]


def test_analyze_writes_a_line_for_each_line_and_tells_where_one_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "calls.jsonl"
    wrong = {**GIVEN, "turns": [{"speaker": "A"}]}
    file.write_text("\n".join([json.dumps(GIVEN), "", json.dumps(wrong), "{"]), encoding="utf-8")
    done = callytics("analyze", "--jsonl", str(file))
    document, contract, decode = lines(done)
    assert done.returncode == 1
    assert CallDocument.model_validate(document).call_id == "call-1"
    assert (contract["line"], contract["error"]["code"]) == (3, "contract")
    assert (decode["line"], decode["error"]["code"]) == (4, "decode")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str) -> None:
    done = callytics(*command.split(), "--help")
    assert done.returncode == 0
    assert f"Example: callytics {command}" in done.stdout


def test_help_loads_no_engine() -> None:
    script = "import sys, ops.cli.main; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=INSTALLATION, capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    heavy = {
        "torch",
        "numpy",
        "ctranslate2",
        "faster_whisper",
        "pyannote",
        "aiokafka",
        "pymongo",
        "opentelemetry",
    }
    assert not loaded & heavy


@pytest.mark.parametrize(
    "arguments",
    [
        ("transcribe",),
        ("transcribe", "--profile", "absent", "call.wav"),
        ("diarize", "--json", "--jsonl", "call.wav"),
        ("models", "fetch", "absent"),
    ],
)
def test_a_wrong_command_line_exits_2_and_writes_no_result(arguments: tuple[str, ...]) -> None:
    done = callytics(*arguments)
    assert (done.returncode, done.stdout) == (2, "")


def test_a_missing_model_is_one_line_on_standard_error_and_exits_3(tmp_path: Path) -> None:
    profiles = tmp_path / "profiles.yaml"
    body = "{transcription: {model: /absent/model}, diarization: {pipeline: /absent/pipeline}}"
    profiles.write_text(f"profiles: {{broken: {body}}}\ndefault: broken\n", encoding="utf-8")
    sample = str(SAMPLES / "self_test.flac")
    done = callytics("transcribe", "--jsonl", sample, CALLYTICS_PROFILES_FILE=str(profiles))
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.splitlines()[-1].startswith("callytics: error: there is no model directory")
    assert "Traceback" not in done.stderr


def test_doctor_tells_what_to_do_for_each_fault_and_exits_3() -> None:
    # Port 9 of this machine (discard) has no server, so the servers are certainly away.
    away = {
        "CALLYTICS_KAFKA_BOOTSTRAP": "127.0.0.1:9",
        "CALLYTICS_MONGO_URL": "mongodb://user:hidden@127.0.0.1:9/?directConnection=true",
        "CALLYTICS_REGISTRY_URL": "http://127.0.0.1:9",
        "CALLYTICS_ALLOWED_ROOTS": "[]",
    }
    done = callytics("doctor", "--json", **away)
    checks = json.loads(done.stdout)
    verdicts = {check["name"]: check["verdict"] for check in checks}
    assert done.returncode == 3
    assert {"broker", "store", "registry", "recordings"} <= {n for n, v in verdicts.items() if v == "fault"}
    assert verdicts["profile demo"] == "ok"
    assert all(check["remedy"] for check in checks if check["verdict"] == "fault")
    assert "hidden" not in done.stdout + done.stderr

"""The compose files, which no Docker runs here, agree with the settings, the topics and each other."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.settings import INSTALLATION, SECRETS_DIR, ConsumerSettings
from schemas.topics import DEAD_LETTERS, RETRY_TIERS, STAGES, TOPICS, inputs_of, replay_topic, retry_topic

COMPOSE = INSTALLATION / "ops" / "compose"
OUTPUTS = {
    "transcription": {"calls.transcribed", "calls.transcribed.replay"},
    "diarization": {"calls.diarized", "calls.diarized.replay"},
    "analysis": {"calls.analyzed"},
}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((COMPOSE / "docker-compose.yaml").read_text(encoding="utf-8"))
    return loaded


def test_every_variable_of_ours_is_a_setting(compose: dict[str, Any]) -> None:
    container = (COMPOSE / "Containerfile").read_text(encoding="utf-8")
    named = set(re.findall(r"CALLYTICS_\w+", container))
    for service in compose["services"].values():
        named |= {name for name in service.get("environment", {}) if name.startswith("CALLYTICS_")}
    fields = {f"CALLYTICS_{field.upper()}" for field in ConsumerSettings.model_fields}
    assert len(named) > 10
    assert named - fields == {SECRETS_DIR}


@pytest.mark.parametrize("stage", STAGES)
def test_the_settings_of_each_service_are_accepted(
    compose: dict[str, Any], stage: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    service = compose["services"][stage]
    (tmp_path / "authority.pem").touch()
    for secret in service["secrets"][1:]:
        (tmp_path / secret["target"]).write_text("a password\n", encoding="utf-8")
    for name, value in service["environment"].items():
        monkeypatch.setenv(name, value.replace("/run/secrets", str(tmp_path)))
    settings = ConsumerSettings()
    assert settings.kafka_username == stage
    assert settings.kafka_password is not None
    assert settings.kafka_password.get_secret_value() == "a password"
    assert settings.mongo_password is not None


def test_every_image_has_a_version(compose: dict[str, Any]) -> None:
    images = [service["image"] for service in compose["services"].values()]
    bases = re.findall(r"^FROM (\S+)", (COMPOSE / "Containerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(images) >= 8
    assert bases == ["python:3.11-slim", "python:3.11-slim"]
    assert [image for image in images if not re.fullmatch(r"[\w./-]+:\d+\.\d+\.\d+", image)] == []


def test_every_secret_is_declared_and_made_by_the_script(compose: dict[str, Any], tmp_path: Path) -> None:
    used = {
        secret if isinstance(secret, str) else secret["source"]
        for service in compose["services"].values()
        for secret in service.get("secrets", [])
    }
    assert used == set(compose["secrets"])
    script = tmp_path / "secrets.sh"
    script.write_text((COMPOSE / "secrets.sh").read_text(encoding="utf-8"), encoding="utf-8")
    subprocess.run(["bash", str(script)], check=True, capture_output=True)
    for secret in compose["secrets"].values():
        assert (tmp_path / secret["file"]).stat().st_size
    assert (tmp_path / "secrets").stat().st_mode & 0o077 == 0
    password = (tmp_path / "secrets/kafka_analysis").read_text(encoding="utf-8").strip()
    assert f'user_analysis="{password}"' in (tmp_path / "secrets/server.properties").read_text(
        encoding="utf-8"
    )


def test_every_service_has_a_volume_file_and_dependency_that_exist(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        assert set(service.get("depends_on", ())) <= set(compose["services"])
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            if source.startswith("./") and not source.startswith("./secrets/"):
                assert (COMPOSE / source).is_file(), source


@pytest.mark.parametrize("stage", STAGES)
def test_a_service_reads_and_writes_its_own_topics_only(stage: str) -> None:
    rules = _rules()
    retries = {retry_topic(stage, tier) for tier in RETRY_TIERS}
    inputs = {name for topic in inputs_of(stage) for name in (topic.name, replay_topic(topic).name)}
    assert rules[stage, "Read"] == inputs | retries
    assert rules[stage, "Write"] == OUTPUTS[stage] | retries | {f"calls.{stage}.dlq"}


def test_no_rule_names_a_topic_that_is_not_there() -> None:
    named = set().union(*_rules().values())
    assert named <= {topic.name for topic in TOPICS}
    assert {topic.name for topic in DEAD_LETTERS if topic.name != "calls.dlq.handled"} <= named


def test_nobody_but_analysis_reads_what_was_said() -> None:
    words = {"calls.transcribed", "calls.transcribed.replay", "calls.analyzed"}
    readers = {
        user for (user, operation), topics in _rules().items() if operation == "Read" and topics & words
    }
    assert readers == {"analysis"}


def _rules() -> dict[tuple[str, str], set[str]]:
    """The table of ``acls.sh``: topics by user and operation."""
    rules: dict[tuple[str, str], set[str]] = {}
    for line in (COMPOSE / "acls.sh").read_text(encoding="utf-8").splitlines():
        if line.startswith("allow "):
            _, user, operation, *topics = line.split()
            rules.setdefault((user, operation), set()).update(topics)
    return rules

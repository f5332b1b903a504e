"""Settings come from the environment, under one prefix, and keep their secrets."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from infra.settings import ConsumerSettings, Settings, default_cache


def test_variables_carry_the_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLYTICS_KAFKA_BOOTSTRAP", "broker:9092")
    monkeypatch.setenv("MONGO_DATABASE", "other")
    monkeypatch.delenv("CALLYTICS_MONGO_DATABASE", raising=False)
    settings = Settings()
    assert settings.kafka_bootstrap == "broker:9092"
    assert settings.mongo_database == "callytics"


def test_lists_are_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLYTICS_ALLOWED_ROOTS", '["/srv/recordings", "/srv/통화"]')
    monkeypatch.setenv("CALLYTICS_WARM_PROFILES", '["demo"]')
    settings = ConsumerSettings()
    assert settings.allowed_roots == (Path("/srv/recordings"), Path("/srv/통화"))
    assert settings.warm_profiles == ("demo",)


def test_a_list_that_is_no_json_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLYTICS_ALLOWED_ROOTS", "/srv/recordings")
    with pytest.raises(ValueError, match="allowed_roots"):
        Settings()


def test_the_stores_password_is_in_no_text_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLYTICS_MONGO_URL", "mongodb://callytics:s3cret@store/")
    settings = Settings()
    for text in (repr(settings), str(settings), settings.model_dump_json()):
        assert "s3cret" not in text
    assert settings.mongo_url.get_secret_value() == "mongodb://callytics:s3cret@store/"


def test_no_recording_may_be_read_until_the_operator_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ALLOWED_ROOTS", "ALLOWED_HOSTS", "ALLOWED_BUCKETS"):
        monkeypatch.delenv(f"CALLYTICS_{name}", raising=False)
    settings = Settings()
    assert settings.allowed_roots == settings.allowed_hosts == settings.allowed_buckets == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAX_IN_FLIGHT", "0"),
        ("MAX_IN_FLIGHT", "many"),
        ("ATTEMPTS", "0"),
        ("SESSION_TIMEOUT_MS", "100"),
        ("HEALTH_PORT", "70000"),
        ("MAX_RECORDING_BYTES", "0"),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"CALLYTICS_{name}", value)
    with pytest.raises(ValidationError, match=name.lower()):
        ConsumerSettings()


def test_settings_do_not_change_after_they_were_read() -> None:
    settings = Settings()
    with pytest.raises(ValidationError, match="frozen"):
        settings.log_level = "DEBUG"  # type: ignore[misc]  # that it is forbidden is the rule under test


def test_the_cache_follows_the_xdg_specification(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache() == tmp_path / "callytics"
    monkeypatch.delenv("CALLYTICS_CACHE_DIR", raising=False)
    assert Settings().model_cache == tmp_path / "callytics" / "models"
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    assert default_cache() == Path.home() / ".cache" / "callytics"

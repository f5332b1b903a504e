"""Settings come from the environment, under one prefix, and keep their secrets."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from infra.errors import Fatal
from infra.security import kafka_options, mongo_options
from infra.settings import ConsumerSettings, Settings, default_cache
from ops.cli.exits import Exit
from ops.cli.main import main


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


SASL = {
    "kafka_security_protocol": "SASL_SSL",
    "kafka_sasl_mechanism": "PLAIN",
    "kafka_username": "analysis",
    "kafka_password": "s3cret",
}


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({**SASL, "kafka_username": None}, "needs kafka_username and kafka_password"),
        ({**SASL, "kafka_password": ""}, "needs kafka_username and kafka_password"),
        ({**SASL, "kafka_sasl_mechanism": None}, "needs kafka_sasl_mechanism"),
        ({**SASL, "kafka_security_protocol": "PLAINTEXT"}, "uses no user and password"),
        (
            {**SASL, "kafka_security_protocol": "SASL_PLAINTEXT", "kafka_bootstrap": "127.0.0.1:1,broker:2"},
            "would show the password to the network",
        ),
        (
            {**SASL, "kafka_security_protocol": "SASL_PLAINTEXT", "kafka_bootstrap": "localhost.example:1"},
            "would show the password to the network",
        ),
        ({"kafka_ca_file": __file__}, "uses no certificates"),
        ({**SASL, "kafka_key_file": __file__}, "need kafka_cert_file"),
        ({**SASL, "kafka_ca_file": "/nowhere/ca.pem"}, "does not point to a file"),
        ({"mongo_username": "callytics"}, "go together"),
        (
            {
                "mongo_url": "mongodb://a:b@store/",
                "mongo_username": "callytics",
                "mongo_password": "s3cret",
            },
            "has a user already",
        ),
        (
            {
                "registry_url": "http://registry",
                "registry_username": "callytics",
                "registry_password": "s3cret",
            },
            "use https",
        ),
        ({"registry_url": "file:///etc/passwd"}, "must begin with http"),
        ({"registry_url": "http://registry", "registry_ca_file": __file__}, "by https"),
    ],
)
def test_contradictory_or_unsafe_connections_are_refused_with_the_reason_but_not_the_secret(
    given: dict[str, str | None], reason: str
) -> None:
    with pytest.raises(ValidationError, match=reason) as caught:
        Settings.model_validate(given)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1:9092", "localhost:9092", "[::1]:9092,127.0.0.2:9092"])
def test_a_password_may_travel_in_the_clear_on_this_machine(host: str) -> None:
    plain = {**SASL, "kafka_security_protocol": "SASL_PLAINTEXT", "kafka_bootstrap": host}
    assert Settings.model_validate(plain).kafka_username == "analysis"


def test_secrets_come_from_files_and_the_environment_goes_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "callytics_mongo_password").write_text("from-a-file\n", encoding="utf-8")
    (tmp_path / "callytics_mongo_username").write_text("from-a-file", encoding="utf-8")
    monkeypatch.setenv("CALLYTICS_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("CALLYTICS_MONGO_USERNAME", "from-the-environment")
    settings = ConsumerSettings()
    assert settings.mongo_password is not None
    assert settings.mongo_password.get_secret_value() == "from-a-file"
    assert settings.mongo_username == "from-the-environment"


def test_a_folder_of_secrets_that_is_not_there_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CALLYTICS_SECRETS_DIR", str(tmp_path / "nowhere"))
    with pytest.raises(Fatal, match="CALLYTICS_SECRETS_DIR"):
        Settings()


def test_no_secret_is_in_any_text_of_the_settings() -> None:
    secrets = {
        name: f"s3cret-{name}"
        for name, field in Settings.model_fields.items()
        if "SecretStr" in str(field.annotation)
    }
    assert len(secrets) == 5
    secrets["mongo_url"] = "mongodb://127.0.0.1/?appName=s3cret"
    users = {"mongo_username": "a", "registry_username": "a", "registry_url": "https://registry"}
    settings = Settings.model_validate({**SASL, **users, **secrets, "kafka_cert_file": __file__})
    for text in (repr(settings), str(settings), settings.model_dump_json(), str(settings.model_dump())):
        assert "s3cret" not in text


def test_the_command_line_tells_a_refused_setting_in_one_line_without_its_value(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["callytics", "topics", "create"])
    monkeypatch.setenv("CALLYTICS_KAFKA_PASSWORD", "s3cret")
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == Exit.ENVIRONMENT
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "uses no user and password" in said
    assert "s3cret" not in said


def test_the_clients_get_what_the_settings_say() -> None:
    settings = Settings.model_validate(
        {**SASL, "mongo_username": "callytics", "mongo_password": "right", "mongo_ca_file": __file__}
    )
    options = kafka_options(settings)
    assert options["security_protocol"] == "SASL_SSL"
    assert options["sasl_mechanism"] == "PLAIN"
    assert (options["sasl_plain_username"], options["sasl_plain_password"]) == ("analysis", "s3cret")
    assert options["ssl_context"].check_hostname
    assert mongo_options(settings) == {
        "username": "callytics",
        "password": "right",
        "tls": True,
        "tlsCAFile": __file__,
    }
    assert kafka_options(Settings()) == {"security_protocol": "PLAINTEXT"}
    assert mongo_options(Settings()) == {}


def test_a_certificate_that_is_none_is_told_by_name() -> None:
    settings = Settings.model_validate({"kafka_security_protocol": "SSL", "kafka_ca_file": __file__})
    with pytest.raises(Fatal, match=r"TLS cannot be set up .*test_settings"):
        kafka_options(settings)


@pytest.mark.parametrize(
    ("unsafe", "reason"),
    [
        ({"drain_s": 85.0, "termination_grace_s": 90.0}, "killed while they are finished"),
        ({"rebalance_drain_s": 40.0}, "joining the group would time out"),
        ({"backoff_initial_s": 30.0, "backoff_max_s": 20.0}, "exceeds backoff_max_s"),
    ],
)
def test_settings_that_are_unsafe_together_are_refused_with_the_reason(
    unsafe: dict[str, float], reason: str
) -> None:
    with pytest.raises(ValidationError, match=reason):
        ConsumerSettings.model_validate(unsafe)

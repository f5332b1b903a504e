"""Settings that every process shares, read once from the environment (prefix ``CALLYTICS_``).

Lists are JSON: ``CALLYTICS_ALLOWED_ROOTS='["/srv/recordings"]'``. What the environment leaves out may lie in
files of the folder ``CALLYTICS_SECRETS_DIR``, each named like its variable in lower case, such as
``callytics_kafka_password``; they are read when the settings are made.
"""

import os
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, FilePath, SecretStr, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
)

from infra import security
from infra.errors import ErrorCode, Fatal

INSTALLATION = Path(__file__).resolve().parent.parent
"""Where the packages and the data files that they ship lie."""

SECRETS_DIR = "CALLYTICS_SECRETS_DIR"
"""The variable that names the folder of secrets."""

MEBIBYTE = 1024 * 1024


def default_cache() -> Path:
    """The user's cache folder for Callytics, by the XDG base directory specification."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "callytics"


class Settings(BaseSettings):
    """What broker, store, models and recordings a process may use."""

    # A refused input is not repeated: it may be a secret.
    model_config = SettingsConfigDict(
        env_prefix="CALLYTICS_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    kafka_bootstrap: str = "127.0.0.1:9092"
    kafka_idempotence: bool = True
    """Off only for the embedded broker, which has no idempotent producers."""
    kafka_request_timeout_ms: Annotated[int, Field(ge=1_000)] = 40_000
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    kafka_username: str | None = None
    kafka_password: SecretStr | None = None
    kafka_ca_file: FilePath | None = None
    """The authority that signed the broker's certificate. None: those that the system trusts."""
    kafka_cert_file: FilePath | None = None
    """Our own certificate, where the broker asks for one."""
    kafka_key_file: FilePath | None = None
    kafka_key_password: SecretStr | None = None

    registry_url: str | None = None
    registry_username: str | None = None
    registry_password: SecretStr | None = None
    registry_ca_file: FilePath | None = None

    mongo_url: SecretStr = SecretStr("mongodb://127.0.0.1:27017/?directConnection=true")
    mongo_database: str = "callytics"
    mongo_username: str | None = None
    mongo_password: SecretStr | None = None
    mongo_ca_file: FilePath | None = None
    """Given this or ``mongo_cert_file``, the store is spoken to by TLS."""
    mongo_cert_file: FilePath | None = None
    """Our own certificate and its key in one PEM file, where the store asks for one."""

    cache_dir: Path = Field(default_factory=default_cache)
    profiles_file: Path = INSTALLATION / "ops" / "models" / "profiles.yaml"

    rules_dir: Path | None = None
    """Lexicons and rules that replace the shipped ones: ``<rules_dir>/<tenant>/NAME``, ``<rules_dir>/NAME``."""

    allowed_roots: tuple[Path, ...] = ()
    """Folders that recordings may be read from. Empty: no file recording is read."""
    allowed_hosts: tuple[str, ...] = ()
    allowed_buckets: tuple[str, ...] = ()
    max_recording_bytes: Annotated[int, Field(gt=0)] = 1024 * MEBIBYTE
    max_recording_s: Annotated[float, Field(gt=0)] = 4 * 3600.0
    recording_timeout_s: Annotated[float, Field(gt=0)] = 60.0

    stage_results_lifetime_h: Annotated[float, Field(gt=0)] = 14 * 24.0
    """How long a speech stage remembers its answers, so that nothing is worked out twice."""

    otlp_endpoint: str | None = None
    """Base address of an OTLP/HTTP collector such as ``http://collector:4318``. None: nothing is sent."""
    log_level: str = "INFO"
    health_host: str = "127.0.0.1"
    health_port: Annotated[int, Field(ge=0, le=65535)] = 0
    """0: any free port, named in the log."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 -- there is no such file
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 -- its folder is not known before
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then the environment, then the folder of secrets. Fatal when it is not there."""
        folder = os.environ.get(SECRETS_DIR)
        if not folder:
            return init_settings, env_settings
        if not Path(folder).is_dir():
            raise Fatal(ErrorCode.INPUT_MISSING, f"{SECRETS_DIR} names no folder: {folder}")
        return init_settings, env_settings, SecretsSettingsSource(settings_cls, secrets_dir=folder)

    @model_validator(mode="after")
    def _connections_are_safe(self) -> Self:
        if faults := list(security.faults(self)):
            raise ValueError("; ".join(faults))
        return self

    @property
    def model_cache(self) -> Path:
        """Where fetched profiles lie."""
        return self.cache_dir / "models"


REBALANCE_MARGIN_MS = 3_000
"""Between the end of a revocation's budget and the broker's patience."""
STOP_MARGIN_S = 10.0
"""For the last commit, leaving the group and flushing the traces."""


class ConsumerSettings(Settings):
    """What a service needs on top: how much it takes on and how it stops."""

    max_in_flight: Annotated[int, Field(ge=1, le=1024)] = 8
    """Calls polled and not yet done, counting those that wait for a retry."""
    max_replays_in_flight: Annotated[int, Field(ge=1, le=1024)] = 2
    """Of these, replayed calls; they are taken on only while no live call is in flight."""
    commit_interval_ms: Annotated[int, Field(ge=50, le=60_000)] = 1_000
    poll_timeout_ms: Annotated[int, Field(ge=10)] = 300
    drain_s: Annotated[float, Field(gt=0)] = 60.0
    """How long a stopping member may finish its calls; what is left is done again by another member."""
    rebalance_drain_s: Annotated[float, Field(gt=0)] = 10.0
    """How long a member may finish its calls while others wait to share the partitions anew."""
    job_deadline_s: Annotated[float, Field(gt=0)] = 3600.0
    attempts: Annotated[int, Field(ge=1, le=20)] = 4
    """How often a call is tried in place when the fault may pass."""
    backoff_initial_s: Annotated[float, Field(gt=0)] = 0.5
    backoff_max_s: Annotated[float, Field(gt=0)] = 20.0
    retry_delay_factor: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Of the delays that the retry topics are named for; less than 1 in tests only."""
    breaker_consecutive: Annotated[int, Field(ge=1)] = 10
    """So many calls in a row that become dead letters stop the service from taking on more."""
    breaker_ratio: Annotated[float, Field(gt=0, le=1)] = 0.5
    breaker_window: Annotated[int, Field(ge=1)] = 50
    """The share is that of the last so many calls."""
    breaker_pause_s: Annotated[float, Field(gt=0)] = 60.0
    """After this one call at a time may try whether it works again."""
    lag_interval_s: Annotated[float, Field(gt=0)] = 15.0
    stall_after_s: Annotated[float, Field(gt=0)] = 30.0
    """A loop that does not turn for so long has its stacks written to the log."""
    termination_grace_s: Annotated[float, Field(gt=0)] = 90.0
    """What the supervisor (Kubernetes, systemd) allows between SIGTERM and SIGKILL."""
    session_timeout_ms: Annotated[int, Field(ge=6_000)] = 45_000
    warm_profiles: tuple[str, ...] = ()
    """Profiles whose models are loaded and proven before the service is ready. Empty: the default profile."""

    @model_validator(mode="after")
    def _safe_together(self) -> Self:
        rebalance_ms = int(self.rebalance_drain_s * 1000) + REBALANCE_MARGIN_MS
        unsafe = {
            f"drain_s {self.drain_s:g} and {STOP_MARGIN_S:g} s to stop exceed termination_grace_s"
            f" {self.termination_grace_s:g}: calls would be killed while they are finished": (
                self.drain_s + STOP_MARGIN_S > self.termination_grace_s
            ),
            f"kafka_request_timeout_ms {self.kafka_request_timeout_ms} must exceed the rebalance timeout of"
            f" {rebalance_ms} ms (rebalance_drain_s and a margin): joining the group would time out": (
                rebalance_ms >= self.kafka_request_timeout_ms
            ),
            f"backoff_initial_s {self.backoff_initial_s:g} exceeds backoff_max_s {self.backoff_max_s:g}": (
                self.backoff_initial_s > self.backoff_max_s
            ),
        }
        reasons = [reason for reason, is_so in unsafe.items() if is_so]
        if reasons:
            raise ValueError("; ".join(reasons))
        return self

"""Settings that every process shares, read once from the environment (prefix ``CALLYTICS_``).

Lists are JSON: ``CALLYTICS_ALLOWED_ROOTS='["/srv/recordings"]'``.
"""

import os
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

INSTALLATION = Path(__file__).resolve().parent.parent
"""Where the packages and the data files that they ship lie."""

MEBIBYTE = 1024 * 1024


def default_cache() -> Path:
    """The user's cache folder for Callytics, by the XDG base directory specification."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "callytics"


class Settings(BaseSettings):
    """What broker, store, models and recordings a process may use."""

    model_config = SettingsConfigDict(env_prefix="CALLYTICS_", frozen=True, extra="ignore")

    kafka_bootstrap: str = "127.0.0.1:9092"
    kafka_idempotence: bool = True
    """Off only for the embedded broker, which has no idempotent producers."""
    kafka_request_timeout_ms: Annotated[int, Field(ge=1_000)] = 40_000
    registry_url: str | None = None
    mongo_url: SecretStr = SecretStr("mongodb://127.0.0.1:27017/?directConnection=true")
    mongo_database: str = "callytics"

    cache_dir: Path = Field(default_factory=default_cache)
    profiles_file: Path = INSTALLATION / "ops" / "models" / "profiles.yaml"

    allowed_roots: tuple[Path, ...] = ()
    """Folders that recordings may be read from. Empty: no file recording is read."""
    allowed_hosts: tuple[str, ...] = ()
    allowed_buckets: tuple[str, ...] = ()
    max_recording_bytes: Annotated[int, Field(gt=0)] = 1024 * MEBIBYTE
    max_recording_s: Annotated[float, Field(gt=0)] = 4 * 3600.0
    recording_timeout_s: Annotated[float, Field(gt=0)] = 60.0

    otlp_endpoint: str | None = None
    """Base address of an OTLP/HTTP collector such as ``http://collector:4318``. None: nothing is sent."""
    log_level: str = "INFO"
    health_host: str = "127.0.0.1"
    health_port: Annotated[int, Field(ge=0, le=65535)] = 0
    """0: any free port, named in the log."""

    @property
    def model_cache(self) -> Path:
        """Where fetched profiles lie."""
        return self.cache_dir / "models"


class ConsumerSettings(Settings):
    """What a service needs on top: how much it takes on and how it stops."""

    max_in_flight: Annotated[int, Field(ge=1, le=1024)] = 8
    """Calls polled and not yet done, counting those that wait for a retry."""
    commit_interval_ms: Annotated[int, Field(ge=50)] = 1_000
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
    session_timeout_ms: Annotated[int, Field(ge=6_000)] = 45_000
    warm_profiles: tuple[str, ...] = ()
    """Profiles whose models are loaded and proven before the service is ready. Empty: the default profile."""

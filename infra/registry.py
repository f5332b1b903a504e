"""The schema registry: a Confluent-compatible server that knows each schema by an id.

A service asks it when it starts: for the id of every schema it writes and for all versions of our subjects. An id
stands for one schema for ever, so what is known is never asked again, and a registry that goes away later stops
nothing but records whose schema was registered since. A service never registers anything: that is ``callytics
schemas register``, once a release.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Any, Final, ParamSpec, Self, TypeVar
from urllib.parse import urlsplit

import structlog
from confluent_kafka.schema_registry import Schema as RegistrySchema
from confluent_kafka.schema_registry import SchemaRegistryClient, SchemaRegistryError

from infra.errors import CallyticsError, ErrorCode, Fatal, Poison, Unavailable
from infra.settings import Settings
from schemas.codec import EVENTS, Codec, DecodeError, Schema, versions
from schemas.topics import topic_of

LEVEL: Final = "FULL_TRANSITIVE"
"""Every version of a subject reads every other one."""

_AVRO: Final = "AVRO"
_NOT_FOUND: Final = 404
_REFUSED: Final = frozenset({409, 422})
_DENIED: Final = frozenset({401, 403})
_TIMEOUT_S: Final = 5
_QUIET_S: Final = 2.0
"""After an attempt that failed, the next records are not made to wait for the registry too."""

_log = structlog.get_logger()
_P = ParamSpec("_P")
_T = TypeVar("_T")


def registry_subjects() -> dict[str, str]:
    """Our subjects → the registry's, by its topic name strategy: ``call-ended`` → ``calls.ended-value``."""
    return {event.SUBJECT: f"{topic_of(event).name}-value" for event in EVENTS}


class SchemaRegistry:
    """The registry's calls that we need, with its errors in our words. A context manager: it holds connections.

    Each waits for the network. Unavailable when the registry does not answer, Fatal when it refuses the
    credentials, Poison when it refuses a schema.
    """

    def __init__(self, settings: Settings) -> None:
        if not settings.registry_url:
            raise Fatal(ErrorCode.CONTRACT, "no schema registry is set: set CALLYTICS_REGISTRY_URL")
        self.where = _without_credentials(settings.registry_url)
        self._client = SchemaRegistryClient(_options(settings))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def id_of(self, subject: str, schema: Schema) -> int | None:
        """The id under which a subject has this very schema; None when it is not registered there."""
        found = self._asked(self._client.lookup_schema, subject, _registry_form(schema))
        return None if found is None else _required(found.schema_id)

    def versions_of(self, subject: str) -> dict[int, Schema]:
        """Id → schema of all versions of a subject, oldest first; empty for an unknown subject."""
        numbers = self._asked(self._client.get_versions, subject) or []
        try:
            return dict(self._versions(subject, sorted(numbers)))
        except DecodeError as error:
            raise Fatal(ErrorCode.CONTRACT, f"{subject} in the schema registry: {error}") from None

    def schema(self, schema_id: int) -> Schema | None:
        """The schema behind an id; None when there is none, DecodeError when it is no Avro schema."""
        found = self._asked(self._client.get_schema, schema_id)
        return None if found is None else _parsed(found, schema_id)

    def register(self, subject: str, schema: Schema) -> int:
        """Register a schema as the subject's newest version; its id."""
        made = self._asked(self._client.register_schema, subject, _registry_form(schema))
        return _required(made)

    def level_of(self, subject: str) -> str | None:
        """The compatibility level that is set for this subject; None when the registry's own applies."""
        config = self._asked(self._client.get_config, subject)
        level = None if config is None else config.compatibility_level or config.compatibility
        return None if level is None else str(getattr(level, "value", level))

    def set_level(self, subject: str, level: str = LEVEL) -> None:
        """Set the subject's compatibility level."""
        self._asked(self._client.set_compatibility, subject, level)

    def accepts(self, subject: str, schema: Schema) -> bool:
        """Whether the registry would take the schema as the next version; true for an unknown subject."""
        verdict = self._asked(self._client.test_compatibility, subject, _registry_form(schema))
        return verdict is None or bool(verdict)

    def _versions(self, subject: str, numbers: list[int]) -> Iterator[tuple[int, Schema]]:
        for number in numbers:
            found = self._asked(self._client.get_version, subject, number)
            if found is not None:
                schema_id = _required(found.schema_id)
                yield schema_id, _parsed(found.schema, schema_id)

    def _asked(self, question: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T | None:
        """The registry's answer; None for "not found"."""
        try:
            return question(*args, **kwargs)
        except SchemaRegistryError as error:
            if error.http_status_code == _NOT_FOUND:
                return None
            raise self._in_our_words(error) from None
        except Exception as error:  # noqa: BLE001 -- the client passes on whatever its HTTP library raises
            # "from None": the causes hold the address with its credentials.
            raise Unavailable(
                ErrorCode.TRANSIENT,
                f"the schema registry at {self.where} does not answer ({type(error).__name__}); start it or check"
                " CALLYTICS_REGISTRY_URL",
            ) from None

    def _in_our_words(self, error: SchemaRegistryError) -> CallyticsError:
        status = error.http_status_code
        if status in _DENIED:
            reason = (
                "refuses the credentials; check CALLYTICS_REGISTRY_USERNAME and CALLYTICS_REGISTRY_PASSWORD"
            )
            return Fatal(ErrorCode.TRANSIENT, f"the schema registry at {self.where} {reason}")
        if status in _REFUSED:
            return Poison(
                ErrorCode.CONTRACT, f"the schema registry at {self.where} refuses the schema (HTTP {status})"
            )
        return Unavailable(
            ErrorCode.TRANSIENT, f"the schema registry at {self.where} answers HTTP {status}; read its log"
        )


class RegisteredIds:
    """``schemas.codec.RegistryIds``: all from memory but a writer's id that is met for the first time.

    Fatal when the registry does not answer now or lacks a schema that this release writes.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._away_until_s = 0.0
        try:
            with SchemaRegistry(settings) as registry:
                self._ids = {o: _newest_id(registry, o, t) for o, t in registry_subjects().items()}
                self._schemas = dict(_all_versions(registry))
        except Unavailable as error:
            raise Fatal(error.code, error.message) from None

    def id_of(self, subject: str) -> int:
        """The id of the newest version of our subject."""
        return self._ids[subject]

    def schema_of(self, schema_id: int) -> Schema:
        """The writer's schema; KeyError for an unknown id, Unavailable when it has to be asked and is away."""
        known = self._schemas.get(schema_id)
        if known is not None:
            return known
        # One asks, the others wait for its answer: they mostly want the same schema.
        with self._lock:
            if schema_id not in self._schemas:
                self._schemas[schema_id] = self._fetched(schema_id)
            return self._schemas[schema_id]

    def _fetched(self, schema_id: int) -> Schema:
        if time.monotonic() < self._away_until_s:
            raise Unavailable(ErrorCode.TRANSIENT, "the schema registry did not answer just now; start it")
        try:
            # Met once in a release: not worth a connection that is held all the time.
            with SchemaRegistry(self._settings) as registry:
                schema = registry.schema(schema_id)
        except (Unavailable, Fatal) as error:
            # Credentials that were good at the start and are refused now are the operator's to mend, not the end.
            self._away_until_s = time.monotonic() + _QUIET_S
            raise Unavailable(error.code, error.message) from None
        if schema is None:
            raise KeyError(schema_id)
        _log.info("schema_met", schema_id=schema_id)
        return schema


def codec_for(settings: Settings) -> Codec:
    """The codec of a process: with the registry's ids where a registry is set, else without.

    Waits for the registry; Fatal when it does not answer or lacks a schema that this release writes.
    """
    if not settings.registry_url:
        return Codec()
    return Codec(RegisteredIds(settings))


def _newest_id(registry: SchemaRegistry, ours: str, theirs: str) -> int:
    schema_id = registry.id_of(theirs, versions(ours)[-1])
    if schema_id is None:
        raise Fatal(
            ErrorCode.CONTRACT,
            f"the schema registry at {registry.where} lacks version {len(versions(ours))} of {theirs}:"
            " run callytics schemas register",
        )
    return schema_id


def _all_versions(registry: SchemaRegistry) -> Iterator[tuple[int, Schema]]:
    for subject in registry_subjects().values():
        yield from registry.versions_of(subject).items()


def _options(settings: Settings) -> dict[str, Any]:
    options: dict[str, Any] = {
        "url": settings.registry_url,
        "timeout": _TIMEOUT_S,
        "max.retries": 1,
        "retries.wait.ms": 200,
    }
    if settings.registry_username is not None:
        password = settings.registry_password
        secret = password.get_secret_value() if password else ""
        options["basic.auth.user.info"] = f"{settings.registry_username}:{secret}"
    if settings.registry_ca_file is not None:
        options["ssl.ca.location"] = str(settings.registry_ca_file)
    return options


def _without_credentials(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _registry_form(schema: Schema) -> RegistrySchema:
    return RegistrySchema(json.dumps(schema), _AVRO)


def _parsed(found: RegistrySchema, schema_id: int) -> Schema:
    try:
        parsed = json.loads(found.schema_str or "")
    except ValueError:
        parsed = None
    if (found.schema_type or _AVRO) != _AVRO or not isinstance(parsed, Mapping):
        raise DecodeError(f"schema id {schema_id} is no Avro schema: check who registered it")
    return parsed


def _required(schema_id: int | None) -> int:
    if schema_id is None:
        raise Fatal(
            ErrorCode.CONTRACT, "the schema registry's answer names no id: is it Confluent-compatible?"
        )
    return schema_id

"""The checks of ``callytics doctor``. Each says what it saw and, unless all is well, what to do."""

import asyncio
import base64
import logging
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from infra.errors import CallyticsError
from infra.maven import how_to_install, missing_tools
from infra.security import mongo_options, ssl_context
from infra.settings import Settings
from infra.speech import profile_book
from ops.cli.presence import Presence, state_of

_ANSWER_S = 4.0
_PYTHON = (3, 11)
_PACKAGES = ("callytics", "faster-whisper", "ctranslate2", "torch", "pyannote.audio", "aiokafka", "motor")


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at. A ``warning`` may be meant; a ``fault`` keeps something from working."""

    name: str
    verdict: Literal["ok", "warning", "fault"]
    detail: str
    remedy: str | None = None


def check_versions(_: Settings) -> Iterator[Check]:
    """Python and the packages that the results depend on."""
    python = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] == _PYTHON:
        yield Check(name="python", verdict="ok", detail=python)
    else:
        yield Check(
            name="python", verdict="fault", detail=python, remedy="install Callytics into Python 3.11"
        )
    for package in _PACKAGES:
        try:
            yield Check(name=package, verdict="ok", detail=version(package))
        except PackageNotFoundError:
            yield Check(name=package, verdict="fault", detail="not installed", remedy="run make setup")


def check_devices(_: Settings) -> Iterator[Check]:
    """Whether both runtimes see the same GPUs: transcription has CTranslate2, diarization has torch."""
    import ctranslate2  # noqa: PLC0415 -- a native runtime
    import torch  # noqa: PLC0415 -- seconds to import

    seen = (
        ctranslate2.get_cuda_device_count(),
        torch.cuda.device_count() if torch.cuda.is_available() else 0,
    )
    if seen == (0, 0):
        yield Check(name="device", verdict="ok", detail=f"CPU, {os.cpu_count()} cores; no GPU in sight")
    elif seen[0] == seen[1]:
        yield Check(name="device", verdict="ok", detail=f"{seen[0]} GPU, {torch.cuda.get_device_name(0)}")
    else:
        detail = f"transcription sees {seen[0]} GPUs, diarization {seen[1]}"
        yield Check(
            name="device",
            verdict="fault",
            detail=detail,
            remedy="install the CUDA 12 libraries and a current driver, or set device: cpu in the profiles",
        )


def check_profiles(settings: Settings) -> Iterator[Check]:
    """The profiles file and the models that it names."""
    try:
        book = profile_book(settings)
    except CallyticsError as error:
        remedy = "correct the file, or set CALLYTICS_PROFILES_FILE"
        yield Check(name="profiles", verdict="fault", detail=error.message, remedy=remedy)
        return
    verdicts: dict[Presence, Literal["ok", "warning", "fault"]]
    verdicts = {Presence.HERE: "ok", Presence.HUB: "warning", Presence.MISSING: "fault"}
    for profile in book.profiles:
        state = state_of(profile, settings.model_cache)
        default = ", the default" if profile.name == book.default else ""
        detail = f"{state.transcription}, {state.diarization}: {state.presence}{default}"
        name = f"profile {profile.name}"
        yield Check(name=name, verdict=verdicts[state.presence], detail=detail, remedy=state.remedy)


def check_broker(settings: Settings) -> Iterator[Check]:
    """Whether a broker gives its metadata."""
    remedy = (
        "start the broker (callytics up) or check CALLYTICS_KAFKA_BOOTSTRAP, user, password and certificates"
    )
    yield _answering("broker", settings.kafka_bootstrap, remedy, lambda: asyncio.run(_ask_broker(settings)))


def check_store(settings: Settings) -> Iterator[Check]:
    """Whether the document store answers a ping."""
    from pymongo.errors import PyMongoError  # noqa: PLC0415 -- a slow import

    from infra.store import Store  # noqa: PLC0415 -- the same

    async def ping() -> None:
        store = Store(settings, timeout_ms=int(_ANSWER_S * 1000))
        try:
            await asyncio.wait_for(store.ping(), 2 * _ANSWER_S)
        except PyMongoError as error:
            raise ConnectionError(type(error).__name__) from error
        finally:
            store.close()

    # The address without its credentials.
    where = urlsplit(settings.mongo_url.get_secret_value()).netloc.rpartition("@")[2]
    remedy = "start the store (callytics up) or check CALLYTICS_MONGO_URL, user, password and certificates"
    yield _answering("store", where, remedy, lambda: asyncio.run(ping()))


def check_security(settings: Settings) -> Iterator[Check]:
    """How the connections are secured; never the secrets themselves."""
    protocol, user = settings.kafka_security_protocol, settings.kafka_username
    ways = [protocol, *filter(None, (settings.kafka_sasl_mechanism,)), *([f"user {user}"] if user else [])]
    yield Check(name="broker security", verdict="ok", detail=", ".join(ways))
    options = mongo_options(settings)
    tls = "TLS" if options.get("tls") or "tls=true" in settings.mongo_url.get_secret_value() else "no TLS"
    detail = f"{tls}, user {settings.mongo_username}" if settings.mongo_username else tls
    yield Check(name="store security", verdict="ok", detail=detail)


def check_real_servers(_: Settings) -> Iterator[Check]:
    """Whether ``callytics up --real`` could start its servers; only proofs and benchmarks need them."""
    if missing := missing_tools():
        detail = f"{' and '.join(missing)} missing; only callytics up --real needs them"
        yield Check(name="real servers", verdict="warning", detail=detail, remedy=how_to_install(missing))
    else:
        yield Check(name="real servers", verdict="ok", detail="java and mvn are here")


def check_registry(settings: Settings) -> Iterator[Check]:
    """Whether the schema registry answers, where one is named."""
    if settings.registry_url is None:
        yield Check(name="registry", verdict="ok", detail="none named: the built-in schemas are used")
        return
    url = settings.registry_url.rstrip("/") + "/subjects"
    where = urlsplit(url).netloc.rpartition("@")[2]
    remedy = "start the registry, or correct or unset CALLYTICS_REGISTRY_URL"
    yield _answering("registry", where, remedy, lambda: _ask_registry(url, settings))


def check_roots(settings: Settings) -> Iterator[Check]:
    """Whether recordings may be read from anywhere, and whether those folders are there."""
    elsewhere = settings.allowed_hosts or settings.allowed_buckets
    if not settings.allowed_roots and not elsewhere:
        remedy = "set CALLYTICS_ALLOWED_ROOTS='[\"/folder/of/recordings\"]', or allowed hosts or buckets"
        detail = "no folder, host or bucket is allowed: no recording can be read"
        yield Check(name="recordings", verdict="fault", detail=detail, remedy=remedy)
    for root in settings.allowed_roots:
        yield _root(root)
    for place in (*settings.allowed_hosts, *settings.allowed_buckets):
        yield Check(name="recordings", verdict="ok", detail=place)


CHECKS: tuple[Callable[[Settings], Iterable[Check]], ...] = (
    check_versions,
    check_devices,
    check_profiles,
    check_broker,
    check_store,
    check_registry,
    check_security,
    check_real_servers,
    check_roots,
)


def _root(root: Path) -> Check:
    if root.is_dir() and os.access(root, os.R_OK | os.X_OK):
        return Check(name="recordings", verdict="ok", detail=str(root))
    remedy = "mount it, let this user read it, or correct CALLYTICS_ALLOWED_ROOTS"
    return Check(name="recordings", verdict="fault", detail=f"{root} is no readable folder", remedy=remedy)


def _answering(name: str, where: str, remedy: str, ask: Callable[[], None]) -> Check:
    try:
        ask()
    except (CallyticsError, OSError, ValueError) as error:
        # A client's own text may repeat an address with its credentials.
        detail = f"{where} does not answer ({type(error).__name__})"
        return Check(name=name, verdict="fault", detail=detail, remedy=remedy)
    return Check(name=name, verdict="ok", detail=f"{where} answers")


async def _ask_broker(settings: Settings) -> None:
    from aiokafka.errors import KafkaError  # noqa: PLC0415 -- a slow import

    from infra.bus.connection import make_admin, quietly  # noqa: PLC0415 -- the same

    # What the client would log is what the check says.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    admin = make_admin(settings)
    try:
        async with asyncio.timeout(_ANSWER_S):
            await admin.start()
            await admin.list_topics()
    except KafkaError as error:
        raise ConnectionError(type(error).__name__) from error
    finally:
        await quietly(admin.close(), within_s=_ANSWER_S)


def _ask_registry(url: str, settings: Settings) -> None:
    head = {"Accept": "application/json"}
    if settings.registry_username and settings.registry_password:
        pair = f"{settings.registry_username}:{settings.registry_password.get_secret_value()}"
        head["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    tls = None
    if url.startswith("https:"):
        tls = ssl_context(ca_file=settings.registry_ca_file, cert_file=None, key_file=None, key_password=None)
    request = urllib.request.Request(url, headers=head)  # noqa: S310 -- the settings allow http and https only
    with urllib.request.urlopen(request, timeout=_ANSWER_S, context=tls):  # noqa: S310 -- the same
        return

"""Whisper models that stay warm: one load per model, the least recently used goes first."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from infra.errors import CallyticsError, ErrorCode, Fatal
from infra.profiles import TranscriptionProfile

_log = structlog.get_logger()

ModelKey = tuple[str, str, str]
"""(model, device, compute_type)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedModel:
    """A warm model. ``estimated_bytes`` is the size of its files."""

    model: str
    device: str
    compute_type: str
    estimated_bytes: int


@dataclass(frozen=True, slots=True)
class _Warm:
    whisper: Any
    report: LoadedModel


class ModelCache:
    """Models by (model, device, compute_type), at most ``max_models`` and ``memory_budget_bytes`` of them.

    Safe under threads: those who ask for a model that is being loaded wait for that load. A model that goes
    while a call still uses it lives until that call is done.
    """

    def __init__(
        self,
        *,
        max_models: int,
        memory_budget_bytes: int | None = None,
        load: Callable[[TranscriptionProfile, Path], Any] | None = None,
    ) -> None:
        self._max_models = max_models
        self._budget = memory_budget_bytes
        self._load = load or _load_whisper
        self._lock = threading.Lock()
        self._warm: OrderedDict[ModelKey, Future[_Warm]] = OrderedDict()

    def get(self, profile: TranscriptionProfile) -> Any:
        """The profile's ``faster_whisper.WhisperModel``; Fatal when it cannot be loaded."""
        key = (profile.model, profile.device, profile.compute_type)
        with self._lock:
            future = self._warm.get(key)
            mine = future is None
            if future is None:
                future = self._warm[key] = Future()
            self._warm.move_to_end(key)
        if mine:
            self._fill(key, future, profile)
        return future.result().whisper

    def loaded(self) -> tuple[LoadedModel, ...]:
        """The warm models, the least recently used first."""
        with self._lock:
            futures = list(self._warm.values())
        return tuple(f.result().report for f in futures if f.done() and f.exception() is None)

    def _fill(self, key: ModelKey, future: Future[_Warm], profile: TranscriptionProfile) -> None:
        try:
            future.set_result(self._loaded(key, profile))
        except BaseException as error:  # noqa: BLE001 -- whoever waits for this load must hear of every way to fail
            with self._lock:
                del self._warm[key]
            future.set_exception(error)

    def _loaded(self, key: ModelKey, profile: TranscriptionProfile) -> _Warm:
        directory = _directory(profile.model)
        size = sum(file.stat().st_size for file in directory.rglob("*") if file.is_file())
        if self._budget is not None and size > self._budget:
            raise Fatal(
                ErrorCode.RESOURCE,
                f"model {profile.model} takes {size} bytes of {self._budget}; raise memory_budget_bytes",
            )
        self._make_room(key, size)
        whisper = self._load(profile, directory)
        model, device, compute_type = key
        report = LoadedModel(model=model, device=device, compute_type=compute_type, estimated_bytes=size)
        _log.info("model loaded", model=model, device=device, compute_type=compute_type, estimated_bytes=size)
        return _Warm(whisper, report)

    def _make_room(self, key: ModelKey, size: int) -> None:
        """Let go of what was used longest ago, before the new one takes its memory."""
        with self._lock:
            while excess := self._oldest_beyond(key, size):
                del self._warm[excess]
                _log.info("model let go", model=excess[0], device=excess[1], compute_type=excess[2])

    def _oldest_beyond(self, key: ModelKey, size: int) -> ModelKey | None:
        """The least recently used model, if with the new one there are too many or too large ones."""
        ready = [k for k, f in self._warm.items() if k != key and f.done() and f.exception() is None]
        held = size + sum(self._warm[k].result().report.estimated_bytes for k in ready)
        over = len(ready) + 1 > self._max_models or (self._budget is not None and held > self._budget)
        return ready[0] if over and ready else None


def _directory(model: str) -> Path:
    """The local directory of a model, fetched from the hub when it is a hub name."""
    if Path(model).is_dir():
        return Path(model)
    if Path(model).is_absolute():
        raise Fatal(
            ErrorCode.CONTRACT, f"there is no model directory {model}; correct the profile or fetch it"
        )
    from faster_whisper.utils import download_model  # noqa: PLC0415 -- heavy, and only for hub names

    try:
        return Path(download_model(model))
    except Exception as error:  # the hub's client has some dozens of errors
        raise Fatal(
            ErrorCode.CONTRACT,
            f"model {model} is no directory and cannot be fetched from the hub: {error}; "
            "check the name, or give a local directory in the profile",
        ) from error


def _load_whisper(profile: TranscriptionProfile, directory: Path) -> Any:
    from faster_whisper import WhisperModel  # noqa: PLC0415 -- loads ctranslate2 and tokenizers

    try:
        return WhisperModel(
            str(directory),
            device=profile.device,
            compute_type=profile.compute_type,
            cpu_threads=profile.cpu_threads,
            local_files_only=True,
        )
    except CallyticsError:
        raise
    except (RuntimeError, ValueError, OSError) as error:
        raise Fatal(
            ErrorCode.RESOURCE,
            f"model {profile.model} cannot be loaded on {profile.device} as {profile.compute_type}: {error}",
        ) from error

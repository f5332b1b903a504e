"""What a speech stage found out is remembered, so that a crash, a rebalance or a replay costs a read, not minutes.

An answer is kept under a key that says all that it depends on: whose call, which stage, the recording's bytes, the
model and the parameters. Analysis has no memory: it takes a tenth of a second and its result is the document.
"""

import asyncio
import hashlib
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Generic, TypeVar

import structlog
from pydantic import BaseModel

from infra import metrics
from infra.audio.policy import RecordingPolicy
from infra.audio.sources import read_recording
from infra.envelope import envelope
from infra.errors import Unavailable
from infra.store import StageResults
from schemas.codec import Codec, DecodeError
from schemas.records import CallEnded, StageEvent

_log = structlog.get_logger()

A = TypeVar("A", bound=StageEvent)

_PAUSE_S = 60.0
"""A store that did not answer is left alone for so long: no call waits for it again, and one warning is enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """What answers depend on besides the call: the profile that was chosen and the packages that run its model."""

    profile: str
    spec: BaseModel
    model: str
    """The model's directory, whose content counts and not its place, or its name in a hub."""
    packages: tuple[str, ...]

    def identity(self) -> dict[str, Any]:
        """All of it, as JSON. Reads the model's files the first time."""
        return {
            "profile": self.profile,
            "spec": self.spec.model_dump(mode="json", exclude={"model", "pipeline", "self_test"}),
            "model": _model_digest(self.model),
            "versions": {name: version(name) for name in (*self.packages, "callytics")},
        }


class StageMemory(Generic[A]):
    """Answers a call from memory, or has it worked out and remembers that.

    It never stops a call: without the store the stage works as if nothing were remembered. Errors of reading the
    recording are those that the engine would give.
    """

    def __init__(
        self,
        results: StageResults,
        *,
        stage: str,
        answer_type: type[A],
        policy: RecordingPolicy,
        lifetime: timedelta,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._results = results
        self._stage = stage
        self._answer_type = answer_type
        self._policy = policy
        self._lifetime = lifetime
        self._clock = clock
        self._codec = Codec()
        self._paused_until_s = float("-inf")
        self._reading = asyncio.Lock()

    async def answer(self, event: CallEnded, engine: Engine, work: Callable[[], Awaitable[A]]) -> A:
        """The remembered answer under this event's envelope, else that of ``work``, which is remembered first."""
        if self._clock() < self._paused_until_s:
            self._count("unavailable")
            return await work()
        key = await self._key(event, engine)
        known = await self._recall(key)
        if known is not None:
            return known.model_copy(update={**envelope(event, self._stage), "call": event.call})
        answer = await work()
        await self._remember(key, answer)
        return answer

    async def _key(self, event: CallEnded, engine: Engine) -> str:
        # One recording at a time: its bytes are in this process's memory while they are hashed.
        async with self._reading:
            recording = await asyncio.to_thread(_recording_digest, event.call.recording.uri, self._policy)
        return key_of(event, self._stage, recording, await asyncio.to_thread(engine.identity))

    async def _recall(self, key: str) -> A | None:
        try:
            found = await self._results.get(key)
        except Unavailable as error:
            self._pause(error)
            self._count("unavailable")
            return None
        answer = None if found is None else await asyncio.to_thread(self._decoded, found)
        self._count("miss" if answer is None else "hit")
        return answer

    async def _remember(self, key: str, answer: A) -> None:
        if self._clock() < self._paused_until_s:
            return
        encoded = await asyncio.to_thread(self._codec.encode, answer)
        try:
            await self._results.put(key, encoded, lifetime=self._lifetime)
        except Unavailable as error:
            self._pause(error)

    def _decoded(self, data: bytes) -> A | None:
        """None for what another release wrote in a way that this one cannot read."""
        try:
            return self._codec.decode(data, self._answer_type)
        except DecodeError:
            return None

    def _pause(self, error: Unavailable) -> None:
        self._paused_until_s = self._clock() + _PAUSE_S
        _log.warning(
            "stage_memory_away",
            stage=self._stage,
            reason=error.message,
            remedy="check CALLYTICS_MONGO_URL; calls go on and are worked out anew",
        )

    def _count(self, outcome: str) -> None:
        metrics.STAGE_RESULTS.labels(self._stage, outcome).inc()


def key_of(event: CallEnded, stage: str, recording: str, model: dict[str, Any]) -> str:
    """The key of an answer: SHA-256 over call, stage, recording, model and parameters."""
    call = event.call
    depends_on = {
        "call": [event.tenant, event.call_id],
        "stage": stage,
        "recording": recording,
        "model": model,
        "parameters": {
            "language": call.language_hint,
            "speakers": call.speakers_hint,
            "channel_roles": list(call.recording.channel_roles),
        },
    }
    return hashlib.sha256(json.dumps(depends_on, sort_keys=True).encode()).hexdigest()


def _recording_digest(uri: str, policy: RecordingPolicy) -> str:
    return hashlib.sha256(read_recording(uri, policy)).hexdigest()


@cache
def _model_digest(model: str) -> str:
    """Of all files of a model's directory; a hub's name stands for itself."""
    directory = Path(model)
    if not directory.is_dir():
        return model
    digest = hashlib.sha256()
    for file in sorted(path for path in directory.rglob("*") if path.is_file()):
        digest.update(f"{file.relative_to(directory)}\0{file.stat().st_size}\0".encode())
        with file.open("rb") as source:
            digest.update(hashlib.file_digest(source, "sha256").digest())
    return digest.hexdigest()

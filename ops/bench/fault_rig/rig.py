"""The rig: timed services on given servers, calls published into them, and what became of each."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

from aiokafka import ConsumerRecord
from pymongo import MongoClient

from infra.bus.scan import scan
from infra.settings import Settings
from ops.bench.fault_rig.engines import RUNS, WORK_S
from ops.cli.publish import publish_events
from ops.local import LocalPipeline, RunningStack
from producers.call_ended import request_from
from schemas.topics import (
    CALLS_ANALYZED,
    CALLS_DIARIZED,
    CALLS_TRANSCRIBED,
    DEAD_LETTERS,
    STAGES,
)

MODULE = "ops.bench.fault_rig.timed_service {stage}"
_LOOK_S = 0.2
_ANSWERS = (CALLS_TRANSCRIBED, CALLS_DIARIZED, CALLS_ANALYZED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a set of calls, by an oracle that asks store and broker and none of our own code."""

    calls: int
    statuses: Mapping[str, int]
    lost: tuple[str, ...]
    duplicate_documents: int
    duplicate_events: int
    dead_letters: Mapping[tuple[str, str], int]
    """(stage, error code) to how many letters the calls have."""
    redone: float
    """Engine runs beyond the first of each stage and call, as a share of those first ones."""
    analyzed_ms: Mapping[str, int]
    """Call to when its result came to the broker, milliseconds since the epoch."""


class FaultRig:
    """A context manager around three timed services; the servers are given and run already."""

    def __init__(
        self,
        stack: RunningStack,
        folder: Path,
        *,
        work_s: float = 0.02,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.recordings = folder / "recordings"
        self.recordings.mkdir(parents=True)
        self._runs = folder / "runs.log"
        self._runs.touch()
        self._stack = stack
        quick = {
            "CALLYTICS_ALLOWED_ROOTS": json.dumps([str(self.recordings)]),
            "CALLYTICS_SESSION_TIMEOUT_MS": "6000",
            "CALLYTICS_MAX_IN_FLIGHT": "16",
            "CALLYTICS_ATTEMPTS": "2",
            "CALLYTICS_BACKOFF_INITIAL_S": "0.05",
            "CALLYTICS_BACKOFF_MAX_S": "0.5",
            "CALLYTICS_RETRY_DELAY_FACTOR": "0.01",
            "CALLYTICS_COMMIT_INTERVAL_MS": "200",
            "CALLYTICS_BREAKER_CONSECUTIVE": "100000",
            "CALLYTICS_BREAKER_WINDOW": "100000",
            WORK_S: str(work_s),
            RUNS: str(self._runs),
        }
        self.pipeline = LocalPipeline(
            folder / "services", environment={**quick, **(environment or {})}, stack=stack, module=MODULE
        )

    def __enter__(self) -> Self:
        self.pipeline.__enter__()
        try:
            self.pipeline.await_ready()
        except BaseException:
            self.pipeline.close()
            raise
        return self

    def __exit__(self, *reason: object) -> None:
        self.pipeline.close()

    @property
    def settings(self) -> Settings:
        """Settings that lead to the servers."""
        return self.pipeline.settings

    def publish(self, ids: Sequence[str], *, kind: str = "call") -> None:
        """Publish calls, each with a recording ``<kind>-<id>`` of its own."""
        events = [self._request(call_id, kind).event() for call_id in ids]
        asyncio.run(publish_events(events, self.settings))

    def restart(self, *stages: str) -> None:
        """Start services that have ended, and wait until they consume."""
        for stage in stages:
            self.pipeline.start(stage)

    def await_documents(
        self, ids: Sequence[str], *, status: str | None = None, within_s: float = 90.0
    ) -> None:
        """Wait until every call has a document, of that status if one is given. TimeoutError naming one without.

        One call is asked for at a time: a look at all of them reads the embedded store's whole collection, and the
        oracle would take the store's time from the pipeline.
        """
        waiting = list(reversed(ids))
        with self.mongo() as client:
            calls = client[self.settings.mongo_database]["calls"]

            def none_waits() -> bool:
                while waiting and _has(calls, waiting[-1], status):
                    waiting.pop()
                return not waiting

            self.await_true(none_waits, within_s=within_s, what=lambda: f"the document of {waiting[-1]}")

    def await_true(
        self, holds: Callable[[], bool], *, within_s: float, what: Callable[[], str] = lambda: "the condition"
    ) -> None:
        """Poll until something holds. TimeoutError, saying what, after the deadline."""
        deadline = time.monotonic() + within_s
        while not holds():
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited {within_s:g} s for {what()}")
            time.sleep(_LOOK_S)

    def missing(self, ids: Sequence[str]) -> list[str]:
        """The calls without a document."""
        found = {document["call_id"] for document in self._documents("calls", ids)}
        return [call_id for call_id in ids if call_id not in found]

    def statuses(self, ids: Sequence[str]) -> Counter[str]:
        """How the calls ended."""
        return Counter(document["status"] for document in self._documents("calls", ids))

    def letters(self, ids: Sequence[str]) -> list[tuple[str, ConsumerRecord]]:
        """(stage, record) of the calls' dead letters."""
        wanted = {call_id.encode() for call_id in ids}
        return [
            (stage, record)
            for stage, topic in zip(STAGES, DEAD_LETTERS, strict=True)
            for record in self.records(topic.name)
            if record.key in wanted
        ]

    def records(self, topic: str) -> list[ConsumerRecord]:
        """All records of a topic."""

        async def read() -> list[ConsumerRecord]:
            return [record async for record in scan(self.settings, topic)]

        return asyncio.run(read())

    def outcome(self, ids: Sequence[str]) -> Outcome:
        """What became of the calls."""
        documents = self._documents("calls", ids)
        by_call = Counter(document["call_id"] for document in documents)
        events = {
            topic: self._events(topic.name, ids)
            for topic in (CALLS_TRANSCRIBED, CALLS_DIARIZED, CALLS_ANALYZED)
        }
        analyzed: dict[str, int] = {}
        for record in events[CALLS_ANALYZED]:
            analyzed.setdefault(record.key.decode(), record.timestamp)
        headers = [(stage, dict(record.headers)) for stage, record in self.letters(ids)]
        return Outcome(
            calls=len(ids),
            statuses=Counter(document["status"] for document in documents),
            lost=tuple(call_id for call_id in ids if call_id not in by_call),
            duplicate_documents=sum(count - 1 for count in by_call.values()),
            duplicate_events=sum(len(found) - len({r.key for r in found}) for found in events.values()),
            dead_letters=Counter((stage, found["x-error-code"].decode()) for stage, found in headers),
            redone=self._redone(ids),
            analyzed_ms=analyzed,
        )

    def mongo(self) -> "MongoClient[dict[str, Any]]":
        """A client of the store that is the oracle's own."""
        return MongoClient(self._stack.addresses.mongo_url, serverSelectionTimeoutMS=20_000)

    def _request(self, call_id: str, kind: str) -> Any:
        recording = self.recordings / f"{kind}-{call_id}.wav"
        if kind != "missing":
            recording.write_bytes(b"timed")
        body = {"call_id": call_id, "recording": str(recording), "channel_roles": ["agent", "customer"]}
        return request_from(body, where="rig")

    def _documents(self, collection: str, ids: Sequence[str]) -> list[dict[str, Any]]:
        with self.mongo() as client:
            found = client[self.settings.mongo_database][collection].find(
                {"call_id": {"$in": list(ids)}}, {"call_id": 1, "status": 1}
            )
            return list(found)

    def _events(self, topic: str, ids: Sequence[str]) -> list[ConsumerRecord]:
        wanted = {call_id.encode() for call_id in ids}
        return [record for record in self.records(topic) if record.key in wanted]

    def _redone(self, ids: Sequence[str]) -> float:
        wanted = set(ids)
        runs: Counter[str] = Counter()
        for line in self._runs.read_text(encoding="utf-8").splitlines():
            name = Path(line.split()[1]).stem
            if name.partition("-")[2] in wanted:
                runs[line] += 1
        return (runs.total() - len(runs)) / len(runs) if runs else 0.0


def _has(calls: Any, call_id: str, status: str | None) -> bool:
    found = calls.find_one({"tenant": "default", "call_id": call_id}, {"status": 1})
    return found is not None and status in (None, found["status"])


numbered = partial("{}-{:05d}".format)
"""A call's id in a scenario: its name and a number."""

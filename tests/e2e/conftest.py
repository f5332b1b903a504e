"""One pipeline for all end-to-end tests: embedded stack, three service processes, a trace collector."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from infra.models.fetch import is_present
from infra.settings import INSTALLATION, default_cache
from infra.store import Store
from ops.cli.publish import publish_events
from ops.local import LocalPipeline
from ops.models.synth import write_wav
from producers.call_ended import request_from
from schemas.document import CallDocument
from schemas.records import CallEnded

SAMPLES = INSTALLATION / "ops" / "models" / "samples"
REAL = INSTALLATION / "tests" / "data" / "real"


class Collector:
    """An OTLP/HTTP receiver: keeps every span that the pipeline's processes send."""

    def __init__(self) -> None:
        self.spans: list[dict[str, Any]] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.keep(ExportTraceServiceRequest.FromString(body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self.server.server_address[1]}"

    def keep(self, request: ExportTraceServiceRequest) -> None:
        for resource in request.resource_spans:
            names = {a.key: a.value.string_value for a in resource.resource.attributes}
            for scope in resource.scope_spans:
                for span in scope.spans:
                    self.spans.append(
                        {
                            "service": names["service.name"],
                            "name": span.name,
                            "id": span.span_id.hex(),
                            "parent": span.parent_span_id.hex(),
                            "trace": span.trace_id.hex(),
                            "links": [link.trace_id.hex() for link in span.links],
                            "attributes": {a.key: a.value.string_value for a in span.attributes},
                        }
                    )


class Pipeline:
    """What a test asks of the running pipeline."""

    def __init__(self, local: LocalPipeline, recordings: Path, collector: Collector) -> None:
        self.local = local
        self.recordings = recordings
        self.collector = collector

    def publish(self, bodies: Sequence[dict[str, Any]]) -> list[CallEnded]:
        """Publish calls, each in its own trace."""
        events = [request_from(body, where="test").event() for body in bodies]
        _run(lambda: publish_events(events, self.local.settings))
        return events

    def callytics(self, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command of the command line, as a process of its own."""
        return subprocess.run(
            [sys.executable, "-m", "ops.cli.main", *arguments],
            env={**os.environ, **self.local.environment},
            input=given,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def begun(self, *arguments: str) -> subprocess.Popen[str]:
        """A command that is still running, which the caller ends; it writes to one pipe."""
        return subprocess.Popen(
            [sys.executable, "-u", "-m", "ops.cli.main", *arguments],
            env={**os.environ, **self.local.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def documents(self, call_ids: Sequence[str], *, within_s: float = 240) -> dict[str, CallDocument]:
        """Wait for the documents of calls."""
        found: dict[str, CallDocument] = {}

        def all_there() -> bool:
            self.local.check()
            found.update({c: d for c in set(call_ids) - set(found) if (d := self.find(c))})
            return len(found) == len(call_ids)

        await_condition(all_there, within_s=within_s, what=f"documents of {sorted(call_ids)}")
        return found

    def find(self, call_id: str) -> CallDocument | None:
        return self.in_store(lambda store: store.find(call_id))

    def in_store(self, ask: Callable[[Store], Any]) -> Any:
        async def run() -> Any:
            store = Store(self.local.settings)
            try:
                return await ask(store)
            finally:
                store.close()

        return _run(run)


def _run(work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Run to the end, on a thread: a test that is itself asynchronous has a running loop in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(work())).result()


def await_condition(condition: Callable[[], bool], *, within_s: float, what: str) -> None:
    """Poll until a condition holds; fail, saying what was waited for, after the deadline."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {within_s:g} s for {what}"
        time.sleep(0.2)


def sample(name: str, **more: Any) -> dict[str, Any]:
    """The catalogue's body of a sample call."""
    for line in (SAMPLES / "catalog.jsonl").read_text(encoding="utf-8").splitlines():
        body: dict[str, Any] = json.loads(line)
        if body["call_id"] == name:
            del body["description"]
            recording = str(SAMPLES / body.pop("file"))
            return {**body, "recording": recording, **more}
    raise LookupError(name)


def _broken_recordings(folder: Path) -> None:
    (folder / "empty.wav").write_bytes(b"")
    (folder / "text.wav").write_text("this is no audio\n" * 50, encoding="utf-8")
    whole = (SAMPLES / "ko-voicemail.flac").read_bytes()
    (folder / "truncated.flac").write_bytes(whole[: len(whole) // 2])
    rng = np.random.default_rng(0)
    write_wav(folder / "short.wav", (rng.standard_normal((1, 1600)) * 500).astype(np.int16), 8000)
    write_wav(folder / "silence.wav", np.zeros((1, 600 * 8000), np.int16), 8000)


@pytest.fixture(scope="session")
def small_ready() -> bool:
    """Whether the small profile is there; in CI it has to be."""
    present = is_present(default_cache() / "models")
    assert present or not os.environ.get("CI"), "CI needs the small profile: callytics models fetch small"
    return present


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory: pytest.TempPathFactory, small_ready: bool) -> Iterator[Pipeline]:
    recordings = tmp_path_factory.mktemp("recordings")
    _broken_recordings(recordings)
    collector = Collector()
    Thread(target=collector.server.serve_forever, daemon=True).start()
    environment = {
        "CALLYTICS_ALLOWED_ROOTS": json.dumps([str(SAMPLES), str(REAL), str(recordings)]),
        "CALLYTICS_WARM_PROFILES": json.dumps(["demo", "small"] if small_ready else ["demo"]),
        "CALLYTICS_OTLP_ENDPOINT": collector.endpoint,
        "CALLYTICS_MAX_IN_FLIGHT": "4",
    }
    with LocalPipeline(tmp_path_factory.mktemp("pipeline"), environment=environment) as local:
        local.await_ready()
        yield Pipeline(local, recordings, collector)
    collector.server.shutdown()
    collector.server.server_close()

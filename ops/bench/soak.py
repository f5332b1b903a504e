"""``python -m ops.bench.soak``: memory of every process over many calls through the real engines, demo models.

The first calls warm everything up; growth is that of the resident memory from then to the end, in percent. The
pipeline is the demonstration's: embedded servers, three services, each with its engine in a child process.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from infra.settings import INSTALLATION
from infra.store import Store
from ops.cli.publish import publish_events
from ops.local import LocalPipeline
from producers.call_ended import request_from

SAMPLES = INSTALLATION / "ops" / "models" / "samples"
_WAVE = 50
_LOOK_S = 1.0
_MIB = 1024 * 1024


def main(arguments: Sequence[str] | None = None) -> int:
    """Send the calls in waves and print a row a process."""
    options = _options(arguments)
    environment = {
        "CALLYTICS_ALLOWED_ROOTS": json.dumps([str(SAMPLES)]),
        "CALLYTICS_WARM_PROFILES": '["demo"]',
    }
    with (
        tempfile.TemporaryDirectory(prefix="callytics-soak-") as folder,
        LocalPipeline(Path(folder), environment=environment) as pipeline,
    ):
        pipeline.await_ready()
        started_s, before = time.monotonic(), dict[str, int]()
        for done in _waves(pipeline, options):
            now = dict(_resident(pipeline))
            if done >= options.warm and not before:
                before = now
            print(
                f"{done} calls, {time.monotonic() - started_s:.0f} s: {_told(now)}",
                file=sys.stderr,
                flush=True,
            )
        _table(before, now)
    return 0


def _waves(pipeline: LocalPipeline, options: argparse.Namespace) -> Iterator[int]:
    for first in range(0, options.calls, _WAVE):
        ids = [f"soak-{number:05d}" for number in range(first, min(first + _WAVE, options.calls))]
        bodies = [{"call_id": i, "recording": str(SAMPLES / options.sample), **_HINTS} for i in ids]
        events = [request_from(body, where="soak").event() for body in bodies]
        asyncio.run(publish_events(events, pipeline.settings))
        _await(pipeline, ids)
        yield first + len(ids)


_HINTS: Mapping[str, Any] = {"queue": "demo", "language_hint": "ko"}


def _await(pipeline: LocalPipeline, ids: Sequence[str]) -> None:
    async def there() -> int:
        store = Store(pipeline.settings)
        try:
            return len(await store.documents.statuses([("default", call_id) for call_id in ids]))
        finally:
            store.close()

    while asyncio.run(there()) < len(ids):
        pipeline.check()
        time.sleep(_LOOK_S)


def _resident(pipeline: LocalPipeline) -> Iterator[tuple[str, int]]:
    for stage, pid in pipeline.pids.items():
        service = psutil.Process(pid)
        yield stage, service.memory_info().rss
        engines = [p for p in service.children(recursive=True) if "spawn_main" in " ".join(p.cmdline())]
        yield f"{stage} engine", sum(engine.memory_info().rss for engine in engines)


def _told(resident: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {size // _MIB}" for name, size in resident.items())


def _table(before: Mapping[str, int], after: Mapping[str, int]) -> None:
    print("| process | MiB after warm-up | MiB at the end | growth % |", "|---|---|---|---|", sep="\n")
    for name, size in before.items():
        growth = 100 * (after[name] - size) / size
        print(f"| {name} | {size / _MIB:.0f} | {after[name] / _MIB:.0f} | {growth:+.1f} |")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--calls", type=int, default=2_000)
    parser.add_argument("--warm", type=int, default=200, help="calls before the first measurement")
    parser.add_argument("--sample", default="ko-voicemail.flac")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())

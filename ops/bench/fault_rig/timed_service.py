"""``python -m ops.bench.fault_rig.timed_service STAGE``: a service as it is in production, but for its engine."""

import os
import sys
from importlib import import_module

from infra.service import run_service
from ops.bench.fault_rig import engines, points

_WORKERS = {
    "transcription": engines.transcriber,
    "diarization": engines.diarizer,
    "analysis": engines.analyst,
}
_SETTINGS = {stage: f"{stage.capitalize()}Settings" for stage in _WORKERS}


def main(stage: str) -> None:
    """Run a stage's own wiring with a timed worker in place of the real one."""
    if spec := os.environ.get(points.KILL_AT):
        points.install(spec)
    service = import_module(f"consumers.{stage}.__main__")
    service.make_worker = _WORKERS[stage]  # type: ignore[attr-defined]  # the one thing that differs
    settings = getattr(import_module(f"consumers.{stage}.settings"), _SETTINGS[stage])
    run_service(settings(), service.wire, name=stage)


if __name__ == "__main__":
    main(sys.argv[1])

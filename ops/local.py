"""The whole pipeline on one machine: embedded stack and the three services, each a process of its own.

For the demonstration, for trying things out and for the tests. Everything that it starts is stopped at the end.
"""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from infra.bus.admin import create_topics
from infra.errors import ErrorCode, Fatal
from infra.registry import SchemaRegistry, registry_subjects
from infra.settings import Settings
from infra.stack import EmbeddedStack, StackAddresses
from ops.cli.schemas import registered
from schemas.topics import STAGES

_QUICK_GROUPS = {
    "CALLYTICS_SESSION_TIMEOUT_MS": "10000",
    "CALLYTICS_REBALANCE_DRAIN_S": "5",
    "CALLYTICS_DRAIN_S": "10",
}
"""The embedded broker lets a group wait for half the session time-out before its first assignment."""

_SHARED_CORES = {"OMP_WAIT_POLICY": "PASSIVE"}
"""Two engines share the machine: threads that spin while they wait take it from each other."""

_READY_WITHIN_S = 180.0
_STOP_WITHIN_S = 20.0


def prepare(settings: Settings) -> None:
    """Make the topics and, where a registry is set, register the events' schemas. What is there already stays."""
    asyncio.run(create_topics(settings))
    if settings.registry_url:
        with SchemaRegistry(settings) as registry:
            for ours, theirs in registry_subjects().items():
                list(registered(registry, ours, theirs, dry_run=False))


class RunningStack(Protocol):
    """Broker and store that somebody else starts and stops, such as a started ``infra.real_stack.RealStack``."""

    @property
    def addresses(self) -> StackAddresses:
        """Where the servers listen."""

    def check(self) -> None:
        """Fatal when a server has ended by itself."""


class LocalPipeline:
    """A context manager around stack and services.

    ``folder`` takes data and logs (one ``<service>.log`` each). ``environment`` is added to what the services
    see, on top of the stack's addresses. A ``stack`` that is given runs already and goes on running; without one
    the pipeline has an embedded one of its own. ``module`` is what Python runs for a stage.
    """

    def __init__(
        self,
        folder: Path,
        *,
        environment: Mapping[str, str],
        stages: Sequence[str] = STAGES,
        stack: RunningStack | None = None,
        module: str = "consumers.{stage}",
    ) -> None:
        self._folder = folder
        self._environment = dict(environment)
        self._stages = tuple(stages)
        self._module = module
        embedded = EmbeddedStack(folder / "stack")
        self._own_stack = embedded if stack is None else None
        self._stack: RunningStack = stack or embedded
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            if self._own_stack is not None:
                self._own_stack.start()
            prepare(self.settings)
            for stage in self._stages:
                self.start(stage)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def environment(self) -> dict[str, str]:
        """The variables that lead to this pipeline."""
        return {**_QUICK_GROUPS, **_SHARED_CORES, **self._stack.addresses.environment(), **self._environment}

    @property
    def settings(self) -> Settings:
        """Settings that lead to this pipeline."""
        endpoint = self._environment.get("CALLYTICS_OTLP_ENDPOINT")
        return Settings.model_validate({**self._stack.addresses.settings(), "otlp_endpoint": endpoint})

    def start(self, stage: str, environment: Mapping[str, str] | None = None) -> None:
        """Start a service, again if it was stopped or killed, with more variables if it needs some."""
        self._processes[stage] = self.spawn(stage, environment)

    def spawn(self, stage: str, environment: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start one more member of a stage's group, which the caller ends."""
        with self.log(stage).open("ab") as log:
            return subprocess.Popen(  # noqa: S603 -- our own interpreter and module
                [sys.executable, "-m", *self._module.format(stage=stage).split()],
                env={**os.environ, **self.environment, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def pids(self) -> dict[str, int]:
        """Process id of each service."""
        return {stage: process.pid for stage, process in self._processes.items()}

    def kill(self, stage: str) -> None:
        """End a service at once, as ``kill -9`` does."""
        self._processes[stage].kill()
        self._processes[stage].wait()

    def terminate(self, stage: str) -> int:
        """Ask a service to stop and wait for it; its exit code."""
        process = self._processes[stage]
        process.send_signal(signal.SIGTERM)
        return process.wait(timeout=_STOP_WITHIN_S)

    def exit_code(self, stage: str) -> int | None:
        """How a service ended; None while it runs."""
        return self._processes[stage].poll()

    def log(self, stage: str) -> Path:
        """The file that a service logs to."""
        return self._folder / f"{stage}.log"

    def await_ready(
        self, *, stages: Sequence[str] | None = None, tick: Callable[[], None] = lambda: None
    ) -> None:
        """Wait until the services consume. Fatal, with the end of its log, when one ends instead."""
        deadline = time.monotonic() + _READY_WITHIN_S
        waiting = set(stages or self._stages)
        while waiting:
            waiting = {
                stage for stage in waiting if b'"partitions_assigned"' not in self.log(stage).read_bytes()
            }
            self.check()
            if time.monotonic() > deadline:
                raise Fatal(ErrorCode.TIMEOUT, f"not ready after {_READY_WITHIN_S:g} s: {', '.join(waiting)}")
            tick()
            time.sleep(0.2)

    def check(self) -> None:
        """Fatal, with the end of its log, when a service has ended by itself."""
        self._stack.check()
        for stage, process in self._processes.items():
            if process.poll() is not None:
                tail = self.log(stage).read_text(encoding="utf-8", errors="replace")[-1500:]
                raise Fatal(ErrorCode.RESOURCE, f"{stage} ended with exit code {process.returncode}: {tail}")

    def close(self) -> None:
        """Stop everything: services first, so that they can still commit."""
        for process in self._processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self._processes.values():
            try:
                process.wait(timeout=_STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()
        if self._own_stack is not None:
            self._own_stack.stop()

"""The engine host: a model lives in a child process.

So the event loop's heartbeats never wait for inference, a crash in native code costs one retry and not the
consumer, and memory can be given back by ending the process. CUDA and CTranslate2 are not fork-safe, hence
``spawn``.
"""

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing.connection import wait
from typing import Any, Generic, Protocol, TypeVar, cast

import structlog

from infra.errors import ErrorCode, Retryable
from infra.logs import configure_logging

_log = structlog.get_logger()

Job = TypeVar("Job")
Result = TypeVar("Result")
Job_contra = TypeVar("Job_contra", contravariant=True)
Result_co = TypeVar("Result_co", covariant=True)


class Worker(Protocol[Job_contra, Result_co]):
    """What lives in the child: loaded once, then given one job after the other."""

    def warm_up(self) -> None:
        """Load and prove the models. Raises Fatal when they cannot work."""

    def run(self, job: Job_contra) -> Result_co:
        """Do one job. Raises CallyticsError for what the caller must know."""


class EngineHost(Generic[Job, Result]):
    """Runs jobs in a child process, started when first needed and again after it died.

    ``factory`` makes the worker inside the child; it and every job must be picklable.
    """

    def __init__(
        self,
        factory: Callable[[], Worker[Job, Result]],
        *,
        name: str,
        log_level: str = "INFO",
        deadline_s: float = 3600.0,
    ) -> None:
        self._factory = factory
        self._name = name
        self._log_level = log_level
        self._deadline_s = deadline_s
        self._pool: ProcessPoolExecutor | None = None
        self._turn = asyncio.Semaphore(1)
        self.pid: int | None = None

    async def start(self) -> None:
        """Start the child and warm its models up. Fatal when the self-test fails."""
        await self._submit(_child_warm_up)

    async def run(self, job: Job) -> Result:
        """Do one job in the child.

        Retryable: ``engine-crash`` when the child died under it, ``timeout`` after the deadline, when the
        child is killed, since native code cannot be interrupted.
        """
        return cast("Result", await self._submit(_child_run, job))

    def stop(self) -> None:
        """End the child at once; what it was doing is lost."""
        pool, self._pool = self._pool, None
        self._kill()
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)

    async def _submit(self, function: Callable[..., object], *arguments: object) -> object:
        # One job at a time: the deadline counts work and not waiting, and a crash costs one call only.
        async with self._turn:
            return await self._answer(function, *arguments)

    async def _answer(self, function: Callable[..., object], *arguments: object) -> object:
        loop = asyncio.get_running_loop()
        try:
            pool = await self._running_pool()
            return await self._in_time(loop.run_in_executor(pool, function, *arguments))
        except BrokenProcessPool as error:
            self.stop()
            raise Retryable(
                ErrorCode.ENGINE_CRASH, f"the {self._name} engine's process died; it is started again"
            ) from error

    async def _in_time(self, answer: asyncio.Future[object]) -> object:
        try:
            async with asyncio.timeout(self._deadline_s) as deadline:
                return await answer
        except TimeoutError as error:
            if not deadline.expired():
                # The job's own, such as a socket's: an error like any other, no reason to end the child.
                raise
            self.stop()
            raise Retryable(
                ErrorCode.TIMEOUT, f"the {self._name} engine gave no answer within {self._deadline_s:g} s"
            ) from error

    async def _running_pool(self) -> ProcessPoolExecutor:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                max_workers=1,
                mp_context=multiprocessing.get_context("spawn"),
                initializer=partial(_child_start, self._factory, self._log_level),
            )
            loop = asyncio.get_running_loop()
            self.pid = await loop.run_in_executor(self._pool, os.getpid)
            _log.info("engine_started", engine=self._name, pid=self.pid)
        return self._pool

    def _kill(self) -> None:
        pid, self.pid = self.pid, None
        if pid is not None:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                return


_worker: Worker[Any, Any] | None = None


def _child_start(factory: Callable[[], Worker[Any, Any]], log_level: str) -> None:
    global _worker  # noqa: PLW0603 -- the child process has exactly one worker and the pool gives no other place
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    configure_logging(log_level)
    _worker = factory()


def _end_with_parent() -> None:
    """A parent killed with -9 cannot stop its child; a child left behind would hold the GPU for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _child_warm_up() -> None:
    assert _worker is not None, "the pool runs _child_start first"  # noqa: S101 -- told to the type checker
    _worker.warm_up()


def _child_run(job: object) -> object:
    assert _worker is not None, "the pool runs _child_start first"  # noqa: S101 -- told to the type checker
    result: object = _worker.run(job)
    return result

"""The engine host with real child processes: what a crash, a hang and a dead parent cost."""

import asyncio
import os
import signal
import sys
import textwrap
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest

from infra.engine_host import EngineHost
from infra.errors import CallyticsError, ErrorCode, Fatal, Poison, Retryable, Unavailable
from infra.settings import INSTALLATION

pytestmark = pytest.mark.integration

Job = tuple[str, object]
_NEVER_S = 3600.0


class Engine:
    """A worker that does to its process whatever the job says."""

    def __init__(self, *, fails_warm_up: bool = False) -> None:
        self._fails_warm_up = fails_warm_up
        self._jobs = 0

    def warm_up(self) -> None:
        if self._fails_warm_up:
            raise Fatal(ErrorCode.RESOURCE, "the self-test heard other words; fetch the model again")

    def run(self, job: Job) -> object:
        self._jobs += 1
        what, value = job
        match what:
            case "count":
                return self._jobs
            case "pid":
                return os.getpid()
            case "exit":
                os._exit(int(str(value)))
            case "sleep":
                time.sleep(_NEVER_S)
            case "raise":
                assert isinstance(value, BaseException)
                raise value
        return value


def _failing_engine() -> Engine:
    return Engine(fails_warm_up=True)


def _broken_engine() -> Engine:
    raise OSError("no such library")


@pytest.fixture
async def host() -> AsyncIterator[EngineHost[Job, object]]:
    host: EngineHost[Job, object] = EngineHost(Engine, name="test", log_level="ERROR", deadline_s=60)
    yield host
    host.stop()


async def _eventually(holds: Callable[[], bool], *, within_s: float = 20.0) -> None:
    async with asyncio.timeout(within_s):
        while not holds():  # noqa: ASYNC110 -- another process's end has no event to wait for
            await asyncio.sleep(0.02)


def _gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def test_jobs_run_in_one_child_that_keeps_its_worker(host: EngineHost[Job, object]) -> None:
    await host.start()
    assert await host.run(("pid", None)) == host.pid != os.getpid()
    assert await host.run(("count", None)) == 2


async def test_jobs_that_come_at_once_run_one_after_the_other(host: EngineHost[Job, object]) -> None:
    counts = await asyncio.gather(*(host.run(("count", None)) for _ in range(5)))
    assert counts == [1, 2, 3, 4, 5]


async def test_a_crash_costs_its_own_job_one_retry_and_the_next_job_nothing(
    host: EngineHost[Job, object],
) -> None:
    await host.start()
    first = host.pid
    crashed, after = await asyncio.gather(
        host.run(("exit", 9)), host.run(("count", None)), return_exceptions=True
    )
    assert isinstance(crashed, Retryable)
    assert crashed.code is ErrorCode.ENGINE_CRASH
    assert "test engine" in crashed.message
    assert after == 1, "a new child counts from the beginning"
    assert host.pid != first


async def test_a_child_that_dies_between_jobs_is_replaced(host: EngineHost[Job, object]) -> None:
    await host.start()
    assert host.pid is not None
    dead = host.pid
    os.kill(dead, signal.SIGKILL)
    await _eventually(lambda: _gone(dead))
    with pytest.raises(Retryable) as caught:
        await host.run(("count", None))
    assert caught.value.code is ErrorCode.ENGINE_CRASH
    assert await host.run(("count", None)) == 1


async def test_a_job_beyond_its_deadline_is_ended_with_its_child() -> None:
    """Native code cannot be interrupted, so the process is killed."""
    host: EngineHost[Job, object] = EngineHost(Engine, name="test", log_level="ERROR", deadline_s=1.0)
    try:
        await host.start()
        assert host.pid is not None
        hung = host.pid
        with pytest.raises(Retryable) as caught:
            await host.run(("sleep", None))
        assert caught.value.code is ErrorCode.TIMEOUT
        assert "1 s" in caught.value.message
        await _eventually(lambda: _gone(hung))
        assert host.pid is None
        assert await host.run(("count", None)) == 1
    finally:
        host.stop()


@pytest.mark.parametrize(
    "error",
    [
        Poison(ErrorCode.INPUT_UNREADABLE, "빈 녹음"),
        Retryable(ErrorCode.RESOURCE, "out of memory"),
        Unavailable(ErrorCode.TRANSIENT, "no storage"),
        Fatal(ErrorCode.RESOURCE, "no GPU"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_our_errors_come_back_as_they_were(
    host: EngineHost[Job, object], error: CallyticsError
) -> None:
    with pytest.raises(CallyticsError) as caught:
        await host.run(("raise", error))
    assert type(caught.value) is type(error)
    assert (caught.value.code, caught.value.message) == (error.code, error.message)
    assert await host.run(("count", None)) == 2, "an error is no crash: the child goes on"


async def test_an_unexpected_exception_comes_back_and_the_child_goes_on(
    host: EngineHost[Job, object],
) -> None:
    with pytest.raises(ZeroDivisionError):
        await host.run(("raise", ZeroDivisionError()))
    assert await host.run(("count", None)) == 2


async def test_a_timeout_inside_the_job_is_not_the_jobs_deadline(host: EngineHost[Job, object]) -> None:
    """A library's TimeoutError is an error like any other: the child with its models lives on."""
    with pytest.raises(TimeoutError):
        await host.run(("raise", TimeoutError("a socket in the job")))
    assert await host.run(("count", None)) == 2


async def test_a_failed_self_test_is_fatal() -> None:
    host: EngineHost[Job, object] = EngineHost(_failing_engine, name="test", log_level="ERROR")
    try:
        with pytest.raises(Fatal, match="self-test"):
            await host.start()
    finally:
        host.stop()


async def test_a_worker_that_cannot_be_made_is_a_crash_and_no_hang() -> None:
    host: EngineHost[Job, object] = EngineHost(_broken_engine, name="test", log_level="CRITICAL")
    try:
        with pytest.raises(Retryable) as caught:
            await asyncio.wait_for(host.start(), 60)
        assert caught.value.code is ErrorCode.ENGINE_CRASH
    finally:
        host.stop()


async def test_stopping_ends_the_child_at_once_even_during_a_job(host: EngineHost[Job, object]) -> None:
    await host.start()
    assert host.pid is not None
    pid = host.pid
    job = asyncio.create_task(host.run(("sleep", None)))
    await asyncio.sleep(0)
    host.stop()
    await _eventually(lambda: _gone(pid))
    with pytest.raises((Retryable, asyncio.CancelledError)):
        await job


async def test_the_event_loop_turns_while_a_job_runs(host: EngineHost[Job, object]) -> None:
    await host.start()
    job = asyncio.create_task(host.run(("sleep", None)))
    turns = 0
    while turns < 100:
        await asyncio.sleep(0)
        turns += 1
    assert not job.done()
    host.stop()
    with pytest.raises((Retryable, asyncio.CancelledError)):
        await job


_PARENT = """
import asyncio, json, sys
from infra.engine_host import EngineHost


class Idle:
    def warm_up(self):
        pass

    def run(self, job):
        return job


async def main():
    host = EngineHost(Idle, name="orphan", log_level="ERROR")
    await host.start()
    print("child", host.pid, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
"""


async def test_the_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    """A parent killed with -9 cannot stop its child, which would hold the GPU for ever."""
    script = tmp_path / "parent.py"
    script.write_text(textwrap.dedent(_PARENT), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(INSTALLATION)}
    parent = await asyncio.create_subprocess_exec(
        sys.executable,
        script,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,  # the standard library complains there of what the kill leaves behind
        env=environment,
    )
    try:
        child = await asyncio.wait_for(_child_of(parent), 60)
        assert not _gone(child)
    finally:
        parent.kill()
        await parent.wait()
    await _eventually(lambda: _gone(child))


async def _child_of(parent: asyncio.subprocess.Process) -> int:
    """The process id that the parent says its child has, among its log lines."""
    assert parent.stdout is not None
    async for line in parent.stdout:
        if line.startswith(b"child "):
            return int(line.split()[1])
    raise AssertionError("the parent ended without a child")

"""The watchdog: a loop that no longer turns is written down with its stacks, once for each stall."""

import asyncio
import threading
import time
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from infra.watchdog import Watchdog


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline, "waited 10 s"
        time.sleep(0.01)


async def test_a_stall_is_told_once_with_the_places_where_all_stands(
    capfd: pytest.CaptureFixture[str],
) -> None:
    age_s = 0.0
    looks = threading.Semaphore(0)

    def age() -> float:
        looks.release()
        return age_s

    def looked(times: int) -> None:
        for _ in range(times):
            assert looks.acquire(timeout=10)

    async def waits_for_ever() -> None:
        await asyncio.Event().wait()

    stuck = asyncio.create_task(waits_for_ever())
    await asyncio.sleep(0)
    dog = Watchdog(age, stall_after_s=0.04)
    with capture_logs() as logs:
        dog.start()
        looked(3)
        assert logs == []
        age_s = 1.0
        _until(lambda: bool(logs))
        looked(4)
        assert [entry["event"] for entry in logs] == ["loop_stalled"], "once for one stall"
        assert any("waits_for_ever" in place for place in logs[0]["tasks"])
        age_s = 0.0
        looked(3)
        age_s = 1.0
        _until(lambda: len(logs) == 2)
    dog.close()
    stuck.cancel()
    assert "in _watch" in capfd.readouterr().err

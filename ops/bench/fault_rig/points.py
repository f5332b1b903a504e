"""Named points at which a service ends itself by SIGKILL, as a power cut would, on the n-th passage."""

import asyncio
import os
import signal
from collections.abc import Callable
from typing import Any

from infra.bus.loop import ConsumerLoop
from infra.bus.publisher import Publisher
from infra.engine_host import EngineHost

KILL_AT = "CALLYTICS_BENCH_KILL_AT"
"""``POINT:N``, such as ``after_publish:5``."""


_COMMIT = "_commit"


class Countdown:
    """Ends this process when it is called for the n-th time."""

    def __init__(self, passages: int) -> None:
        self._left = passages

    def __call__(self) -> None:
        """One passage."""
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def _after_poll(passed: Countdown) -> None:
    _around(ConsumerLoop, "_take", after=passed)


def _mid_work(passed: Countdown) -> None:
    _beside(EngineHost, "run", passed)


def _after_result(passed: Countdown) -> None:
    _following(EngineHost, "run", passed)


def _after_publish(passed: Countdown) -> None:
    _following(Publisher, "publish_all", passed)


def _mid_commit(passed: Countdown) -> None:
    commit = getattr(ConsumerLoop, _COMMIT)

    async def dying(loop: ConsumerLoop, **options: float) -> None:
        if not loop.ledger.committable():
            return
        task = asyncio.create_task(commit(loop, within_s=options["within_s"]))
        await asyncio.sleep(0)
        passed()
        await task

    setattr(ConsumerLoop, _COMMIT, dying)


def _mid_drain(passed: Countdown) -> None:
    _beside(ConsumerLoop, "_drain", passed)


POINTS: dict[str, Callable[[Countdown], None]] = {
    "after_poll": _after_poll,
    "mid_work": _mid_work,
    "after_result": _after_result,
    "after_publish": _after_publish,
    "mid_commit": _mid_commit,
    "mid_drain": _mid_drain,
}


def install(spec: str) -> None:
    """Arm one point of this process. KeyError for an unknown one."""
    point, _, passages = spec.partition(":")
    POINTS[point](Countdown(int(passages)))


def _around(owner: type[Any], name: str, *, after: Countdown) -> None:
    original = getattr(owner, name)

    def wrapped(*arguments: object) -> object:
        result = original(*arguments)
        after()
        return result

    setattr(owner, name, wrapped)


def _following(owner: type[Any], name: str, passed: Countdown) -> None:
    original = getattr(owner, name)

    async def wrapped(*arguments: object) -> object:
        result = await original(*arguments)
        passed()
        return result

    setattr(owner, name, wrapped)


def _beside(owner: type[Any], name: str, passed: Countdown) -> None:
    """Dies while the work is under way: begun and not ended."""
    original = getattr(owner, name)

    async def wrapped(*arguments: object) -> object:
        task = asyncio.ensure_future(original(*arguments))
        await asyncio.sleep(0.01)
        passed()
        return await task

    setattr(owner, name, wrapped)

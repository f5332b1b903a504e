"""The watchdog: a thread that sees when the event loop no longer turns, and writes down where everything stands."""

import asyncio
import faulthandler
import sys
import threading
from collections.abc import Callable

import structlog

_log = structlog.get_logger()

_FRAMES = 12


class Watchdog:
    """Looks at the age of the loop's last turn; dumps all stacks to stderr, once for each stall.

    Stacks name functions and lines and no values, so that nothing of a call gets out. (After arroyo's detector of
    stuck threads.)
    """

    def __init__(self, age_s: Callable[[], float], *, stall_after_s: float) -> None:
        self._age_s = age_s
        self._stall_after_s = stall_after_s
        self._loop = asyncio.get_running_loop()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True, name="watchdog")

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def close(self) -> None:
        """Stop watching."""
        self._closed.set()
        self._thread.join(timeout=5)

    def _watch(self) -> None:
        stalled = False
        while not self._closed.wait(self._stall_after_s / 4):
            was_stalled, stalled = stalled, self._age_s() >= self._stall_after_s
            if stalled and not was_stalled:
                self._dump()

    def _dump(self) -> None:
        _log.critical("loop_stalled", after_s=self._stall_after_s, tasks=self._tasks(), next="stacks follow")
        faulthandler.dump_traceback(sys.__stderr__ or 2, all_threads=True)

    def _tasks(self) -> list[str]:
        """Where each task waits; the set may change while this thread reads it, which costs an entry at most."""
        try:
            tasks = list(asyncio.all_tasks(self._loop))
        except RuntimeError:
            return []
        frames = [task.get_stack(limit=1) for task in tasks]
        return [f"{f[0].f_code.co_qualname}, line {f[0].f_lineno}" for f in frames if f][:_FRAMES]

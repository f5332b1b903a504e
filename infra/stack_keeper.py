"""Ends an embedded server when the process that started it is gone without stopping it.

A process of its own: ``python stack_keeper.py OWNER_PID FOLDER SERVER_PID``, where FOLDER, unless empty, is
removed at the end. It imports the standard library only, so that it is up at once.

Linux could do this by ``PR_SET_PDEATHSIG``, but that signal comes when the *thread* that started the server
ends, so a stack that was started in a worker thread would die under its owner; and macOS has no such thing.
"""

import os
import shutil
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

_LOOK_S = 0.25
_TERM_S = 5.0


def keep(owner: int, folder: str, server: int) -> None:
    """Wait until ``owner`` is no longer the parent, then end the server's process group."""
    while os.getppid() == owner:
        time.sleep(_LOOK_S)
    deadline = time.monotonic() + _TERM_S
    with suppress(ProcessLookupError):
        os.killpg(server, signal.SIGTERM)
        while time.monotonic() < deadline:
            time.sleep(_LOOK_S)
            os.killpg(server, 0)
        os.killpg(server, signal.SIGKILL)
    if folder:
        shutil.rmtree(Path(folder), ignore_errors=True)


if __name__ == "__main__":
    keep(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))

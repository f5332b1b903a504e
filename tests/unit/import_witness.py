"""Imports every module of the project and prints, one a line, what these do to the world while at it.

A process of its own, started by ``test_architecture``: an audit hook cannot be taken back. What counts is done by
the code of our modules, or by a library that this code calls; what a library does when it is imported is its own.
"""

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel

if TYPE_CHECKING:
    from types import FrameType

ROOT = Path(__file__).parents[2]
ENVIRONMENT = "os.environ"
PACKAGES = ("schemas", "infra", "consumers", "producers", "ops")
OUTWARD = {
    "open", "socket.__new__", "socket.connect", "socket.bind", "socket.getaddrinfo", "subprocess.Popen",
}  # fmt: skip # one list

_seen: set[str] = set()


class _Warm(BaseModel):
    """Pydantic looks for its plugins once, at the first record of a process: not our modules' doing."""

    field: int = 0


class _Witnessed(type(os.environ)):  # type: ignore[misc] # the class has no public name
    def __getitem__(self, key: str) -> str:
        _note(ENVIRONMENT)
        value: str = super().__getitem__(key)
        return value

    def __setitem__(self, key: str, value: str) -> None:
        _note(ENVIRONMENT)
        super().__setitem__(key, value)


def modules() -> list[str]:
    """The dotted names of all our modules."""
    files = sorted(file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))
    return [
        ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for file in files
    ]


def _note(what: str) -> None:
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        file = frame.f_code.co_filename
        # A library that our code calls looks at its own variables: pydantic does for each record it makes.
        if file.startswith("<frozen importlib") or (what == ENVIRONMENT and "site-packages" in file):
            return
        if file.startswith(tuple(f"{ROOT / package}{os.sep}" for package in PACKAGES)):
            _seen.add(f"{Path(file).relative_to(ROOT)}:{frame.f_lineno} {what}")
            return
        frame = frame.f_back


def _audit(event: str, _: tuple[object, ...]) -> None:
    if event in OUTWARD:
        _note(event)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.addaudithook(_audit)
    os.environ.__class__ = _Witnessed  # so that whoever holds the mapping is seen
    names = modules()
    for name in names:
        import_module(name)
    os.environ.__class__ = _Witnessed.__base__
    print(*sorted(_seen), f"{len(names)} modules", sep="\n")  # noqa: T201 -- this is its answer

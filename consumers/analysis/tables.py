"""The data files that an analysis follows: a tenant's own where there are any, else the shipped ones.

A table is read, checked and compiled once and then kept: analysers ask for it at every call.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from pydantic import BaseModel

from consumers.analysis import data

Table = TypeVar("Table", bound=BaseModel)
Built = TypeVar("Built")


class Tables:
    """The tables of one tenant. ``folder`` holds those that replace a shipped one of the same name."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._kept: dict[tuple[str, object], Any] = {}

    def get(self, name: str, kind: type[Table]) -> Table:
        """The table ``name`` as a ``kind``. Fatal, with the place, when its content is wrong."""
        return self.built(name, kind, _itself)

    def built(self, name: str, kind: type[Table], build: Callable[[Table], Built]) -> Built:
        """What ``build`` makes of a table, made once."""
        key = (name, build)
        if key not in self._kept:
            self._kept[key] = build(self._read(name, kind))
        return cast("Built", self._kept[key])

    def _read(self, name: str, kind: type[Table]) -> Table:
        own = self._folder / name if self._folder else None
        if own is not None and own.is_file():
            return data.parse(own.read_text(encoding="utf-8"), kind, source=str(own))
        return data.load(name, kind)


def _itself(table: Table) -> Table:
    return table


SHIPPED = Tables()
"""The tables as they are shipped."""

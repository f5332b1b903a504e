"""The data files that an analysis follows: a tenant's own where there are any, else the shipped ones.

A table is read, checked and compiled once and then kept: analysers ask for it at every call. A file that
changes is read anew at the next call, without a restart; if its new content is wrong, the log says so and the
tables of before stay in use.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

import structlog
from pydantic import BaseModel

from consumers.analysis import data
from infra.errors import ErrorCode, Fatal

Table = TypeVar("Table", bound=BaseModel)
Built = TypeVar("Built")

_Stamp = tuple[Path, int, int] | None
_log = structlog.get_logger()


class Tables:
    """The tables of one tenant.

    ``folders`` hold files that replace a shipped one of the same name, the first that has it;
    ``replaced`` names single files that go before them all.
    """

    def __init__(self, *folders: Path, replaced: Mapping[str, Path] | None = None) -> None:
        self._folders = folders
        self._replaced = dict(replaced or {})
        self._kept: dict[tuple[str, object], Any] = {}
        self._outdated: dict[tuple[str, object], Any] = {}
        self._stamps: dict[str, _Stamp] = {}

    def get(self, name: str, kind: type[Table]) -> Table:
        """The table ``name`` as a ``kind``. Fatal, with the place, when its content is wrong."""
        return self.built(name, kind, _itself)

    def built(self, name: str, kind: type[Table], build: Callable[[Table], Built]) -> Built:
        """What ``build`` makes of a table, made once."""
        key = (name, build)
        if key not in self._kept:
            self._kept[key] = self._make(key, lambda: build(self._read(name, kind)))
        return cast("Built", self._kept[key])

    def refresh(self) -> None:
        """Notice files that came, went or changed since; the next use reads them."""
        for name, stamp in list(self._stamps.items()):
            if self._stamp(name) == stamp:
                continue
            del self._stamps[name]
            for key in [key for key in self._kept if key[0] == name]:
                self._outdated[key] = self._kept.pop(key)

    def _make(self, key: tuple[str, object], make: Callable[[], Built]) -> Built:
        before = self._outdated.pop(key, None)
        try:
            return make()
        except Fatal as error:
            if before is None:
                raise
            _log.error(
                "table_not_reloaded", table=key[0], place=error.message, advice="callytics rules check FILE"
            )
            return cast("Built", before)

    def _read(self, name: str, kind: type[Table]) -> Table:
        self._stamps[name] = self._stamp(name)
        own = self._own(name)
        if own is None:
            return data.load(name, kind)
        try:
            text = own.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise Fatal(ErrorCode.CONTRACT, f"the table {own} cannot be read: {error}") from error
        return data.parse(text, kind, source=str(own))

    def _own(self, name: str) -> Path | None:
        places = [self._replaced[name]] if name in self._replaced else []
        return next((f for f in (*places, *(d / name for d in self._folders)) if f.is_file()), None)

    def _stamp(self, name: str) -> _Stamp:
        own = self._own(name)
        try:
            return (own, own.stat().st_mtime_ns, own.stat().st_size) if own else None
        except OSError:
            return None


class TenantTables:
    """The tables of every tenant: ``<folder>/<tenant>/NAME``, else ``<folder>/NAME``, else the shipped NAME."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._of: dict[str, Tables] = {}

    def of(self, tenant: str) -> Tables:
        """A tenant's tables, files that changed since the last call noticed."""
        if self._folder is None:
            return SHIPPED
        if tenant not in self._of:
            # A tenant's name comes with the call: it may name a folder, never lead out of this one.
            named = tenant not in {"", ".", ".."} and Path(tenant).name == tenant
            own = (self._folder / tenant,) if named and "\0" not in tenant else ()
            self._of[tenant] = Tables(*own, self._folder)
        tables = self._of[tenant]
        tables.refresh()
        return tables


def _itself(table: Table) -> Table:
    return table


SHIPPED = Tables()
"""The tables as they are shipped."""

"""Stored calls analysed again, from their transcripts and speakers: no audio, no model, no broker.

Each call gets a new revision under the run id of the reanalysis. Revisions that live traffic or replays make at the
same time win as they always do: by their number.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from consumers.analysis.engine import AnalysisEngine
from consumers.analysis.rule_files import sound
from consumers.analysis.tables import Tables, TenantTables
from infra.store import Assembly, CallKey, Newest, Store
from schemas.document import CallDocument


@dataclass(frozen=True, slots=True, kw_only=True)
class Reanalysed:
    """A call and its new document; None where its parts are not stored (any more)."""

    key: CallKey
    document: CallDocument | None


class Reanalysis:
    """One pass over stored calls with the tables of the folder ``rules``, or that one (None: as shipped).

    ``pii_key`` is the service's, for policies that hash personal data.
    """

    def __init__(
        self, store: Store, *, run_id: str, rules: Path | None = None, pii_key: SecretStr | None = None
    ) -> None:
        self._store = store
        self._run_id = run_id
        self._pii_key = pii_key
        self._tables_of = _tables_of(rules)
        self._engine: AnalysisEngine | None = None
        self._tenant: str | None = None

    async def run(self, keys: Sequence[CallKey]) -> AsyncIterator[Reanalysed]:
        """Analyse the calls, tenant by tenant; every document is stored before it is told of."""
        for key in sorted(keys):
            parts = await self._store.assemblies.latest(key)
            if parts is None:
                yield Reanalysed(key=key, document=None)
                continue
            newest = (await self._store.documents.newest([key])).get(key)
            document = await asyncio.to_thread(self._analyse, key[0], parts, newest)
            await self._store.save(document)
            yield Reanalysed(key=key, document=document)

    def _analyse(self, tenant: str, parts: Assembly, newest: Newest | None) -> CallDocument:
        assert parts.transcribed is not None  # noqa: S101 -- the newest assembly with both parts was asked for
        assert parts.diarized is not None  # noqa: S101 -- as above
        revision = max(parts.revision, newest.revision if newest else 0) + 1
        run = {"run_id": self._run_id, "revision": revision}
        return self._engine_of(tenant).analyse(
            parts.transcribed.model_copy(update=run), parts.diarized.model_copy(update=run)
        )

    def _engine_of(self, tenant: str) -> AnalysisEngine:
        """One engine at a time: each holds the tokeniser's model."""
        if self._engine is None or self._tenant != tenant:
            self._engine = AnalysisEngine(tables=self._tables_of(tenant), pii_key=self._pii_key)
            self._tenant = tenant
        return self._engine


def _tables_of(rules: Path | None) -> Callable[[str], Tables]:
    """Tenant to its tables. Poison when a single table is wrong."""
    if rules is None or rules.is_dir():
        return TenantTables(rules).of
    tables = Tables(replaced={sound(rules).name: rules})
    return lambda _: tables

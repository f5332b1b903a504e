"""The store as services and commands see it: one client, and what is kept in it."""

from typing import Any

import structlog
from pymongo import ASCENDING, DESCENDING
from pymongo.errors import PyMongoError

from infra.errors import ErrorCode, Fatal
from infra.settings import Settings
from infra.store.assemblies import Assemblies, Assembly
from infra.store.database import Database
from infra.store.documents import Documents
from infra.store.replays import Replays
from infra.store.results import StageResults
from schemas.document import CallDocument
from schemas.records import CallDiarized, CallTranscribed

_log = structlog.get_logger()

_CALL = (("tenant", ASCENDING), ("call_id", ASCENDING))
_RUN = (*_CALL, ("run_id", ASCENDING))


class Store:
    """A pooled client of one database. Every method raises Unavailable when the store does not answer.

    A service that can do without (``is_essential`` false) starts all the same when the store is away.
    """

    def __init__(self, settings: Settings, *, timeout_ms: int = 10_000, is_essential: bool = True) -> None:
        self._database = Database(settings, timeout_ms=timeout_ms)
        self._is_essential = is_essential
        self.documents = Documents(self._database)
        self.assemblies = Assemblies(self._database)
        self.results = StageResults(self._database)
        self.replays = Replays(self._database)

    def close(self) -> None:
        """Close all connections."""
        self._database.close()

    async def prepare(self) -> None:
        """Make the indexes. Fatal when the store cannot be used and the service needs it."""
        try:
            await self._make_indexes()
        except PyMongoError as error:
            if self._is_essential:
                raise Fatal(
                    ErrorCode.TRANSIENT,
                    f"the document store cannot be used ({type(error).__name__}); check CALLYTICS_MONGO_URL",
                ) from error
            _log.warning("store_away", fault=type(error).__name__, remedy="check CALLYTICS_MONGO_URL")

    async def ping(self) -> None:
        """Prove that the store answers."""
        await self._database.ping()

    async def assemble(self, part: CallTranscribed | CallDiarized) -> Assembly:
        """Add a part to its run's assembly and return all parts there are: ``Assemblies.add``."""
        return await self.assemblies.add(part)

    async def save(self, document: CallDocument) -> None:
        """Write a document, unless a better one is there: ``Documents.save``."""
        await self.documents.save(document)

    async def find(self, call_id: str, *, tenant: str | None = None) -> CallDocument | None:
        """The newest document of a call; None when there is none."""
        return await self.documents.find(call_id, tenant=tenant)

    async def count(self, collection: str, query: dict[str, Any]) -> int:
        """How many records of a collection match."""
        async with self._database.command("count", collection):
            return int(await self._database[collection].count_documents(query))

    async def _make_indexes(self) -> None:
        calls, revisions = self._database["calls"], self._database["call_revisions"]
        await self._database["assemblies"].create_index(list(_RUN), unique=True)
        for expiring in ("assemblies", "stage_results"):
            await self._database[expiring].create_index("expires_at", expireAfterSeconds=0)
        await calls.create_index(list(_CALL), unique=True)
        await calls.create_index([("call.started_at_ms", DESCENDING)])
        await calls.create_index([("status", ASCENDING)])
        await revisions.create_index(list(_RUN), unique=True)
        await revisions.create_index([("run_id", ASCENDING)])

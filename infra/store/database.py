"""One database of a MongoDB-protocol server: its connections, its spans and its errors."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import WriteConcern
from pymongo.errors import BulkWriteError, ConnectionFailure, ExecutionTimeout, OperationFailure

from infra.errors import ErrorCode, Fatal, Unavailable
from infra.security import mongo_options
from infra.settings import Settings
from infra.telemetry import store_span

CallKey = tuple[str, str]
"""(tenant, call id)."""

_DURABLE = WriteConcern(w="majority", j=True)
_DUPLICATE = 11000
_REFUSED = frozenset({13, 18})
"""Unauthorized and AuthenticationFailed."""


class Database:
    """A pooled client. Writes are majority and journalled."""

    def __init__(self, settings: Settings, *, timeout_ms: int) -> None:
        self._client: Any = AsyncIOMotorClient(
            settings.mongo_url.get_secret_value(),
            **mongo_options(settings),
            serverSelectionTimeoutMS=timeout_ms,
            connectTimeoutMS=timeout_ms,
            socketTimeoutMS=3 * timeout_ms,
            retryWrites=False,
            tz_aware=True,
        )
        self._name = settings.mongo_database
        self._database = self._client.get_database(self._name, write_concern=_DURABLE)

    def __getitem__(self, collection: str) -> Any:
        return self._database[collection]

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    async def ping(self) -> None:
        """Prove that the store answers."""
        async with self.command("ping", "admin"):
            await self._database.command("ping")

    @asynccontextmanager
    async def command(self, operation: str, collection: str) -> AsyncIterator[None]:
        """Around one command: its span, and its errors in our words.

        Unavailable when the store does not answer, Fatal when it refuses the user: no call is to blame for either.
        """
        with store_span(operation=operation, collection=collection, database=self._name):
            try:
                yield
            except (ConnectionFailure, ExecutionTimeout) as error:
                raise Unavailable(
                    ErrorCode.TRANSIENT, f"the document store does not answer ({type(error).__name__})"
                ) from error
            except OperationFailure as error:
                if error.code not in _REFUSED:
                    raise
                raise Fatal(
                    ErrorCode.CONTRACT,
                    f"the document store refuses {operation} on {self._name}.{collection}; "
                    "check the user, the password and the roles of CALLYTICS_MONGO_URL",
                ) from error

    async def find(
        self, collection: str, query: dict[str, Any], fields: Sequence[str] = ()
    ) -> list[dict[str, Any]]:
        """All records that match, whole or reduced to ``fields``; for queries whose answer is bounded."""
        projection = {"_id": False} if not fields else {"_id": False, **dict.fromkeys(fields, True)}
        async with self.command("find", collection):
            found: list[dict[str, Any]] = await self[collection].find(query, projection).to_list(None)
        return found

    async def upsert(self, collection: str, writes: Sequence[Any]) -> int:
        """Write upserts, unordered; how many of them changed nothing.

        One that loses the race to insert against another member is refused as a duplicate: it is tried once more,
        since now there is a record to update.
        """
        unchanged, refused = await self._upsert(collection, writes)
        if refused:
            again, still = await self._upsert(collection, [writes[index] for index in refused])
            unchanged += again
            if still:
                raise Unavailable(
                    ErrorCode.TRANSIENT, "the document store refused an update; it is sent again"
                )
        return unchanged

    async def _upsert(self, collection: str, writes: Sequence[Any]) -> tuple[int, Sequence[int]]:
        refused: list[int] = []
        try:
            result = (await self[collection].bulk_write(list(writes), ordered=False)).bulk_api_result
        except BulkWriteError as error:
            result = error.details or {}
            faults = result.get("writeErrors", [])
            if any(fault["code"] != _DUPLICATE for fault in faults):
                raise
            refused = [fault["index"] for fault in faults]
        return result.get("nMatched", 0) - result.get("nModified", 0), refused


def among(keys: Sequence[CallKey]) -> dict[str, Any]:
    """The query for records of these calls, any of one tenant or of several."""
    by_tenant: dict[str, list[str]] = {}
    for tenant, call_id in keys:
        by_tenant.setdefault(tenant, []).append(call_id)
    each = [{"tenant": tenant, "call_id": {"$in": ids}} for tenant, ids in by_tenant.items()]
    return each[0] if len(each) == 1 else {"$or": each}

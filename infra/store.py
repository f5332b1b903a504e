"""The document store. Every motor call of the project stands in this module.

Collections: ``assemblies`` holds the parts of calls that wait for each other (they expire), ``calls`` the newest
revision of each call's document, ``call_revisions`` every run's. Writes are majority and journalled; all are
idempotent, and a document never replaces one of a higher revision.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bson import Binary
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import ASCENDING, DESCENDING, ReplaceOne, ReturnDocument, WriteConcern
from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    DuplicateKeyError,
    ExecutionTimeout,
    PyMongoError,
)

from infra import metrics
from infra.errors import ErrorCode, Fatal, Unavailable
from infra.settings import Settings
from infra.telemetry import store_span
from schemas.codec import Codec
from schemas.document import CallDocument
from schemas.records import CallDiarized, CallTranscribed

ASSEMBLY_LIFETIME = timedelta(days=14)
"""Longer than the topics keep the events, so that a replayed part always finds its other half."""

_DURABLE = WriteConcern(w="majority", j=True)
_DUPLICATE = 11000
_BATCH = 64
_UPSERTS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """The parts of one run of one call that have come so far."""

    transcribed: CallTranscribed | None
    diarized: CallDiarized | None


@dataclass(frozen=True, slots=True)
class _Pending:
    document: CallDocument
    written: asyncio.Future[None]


class Store:
    """A pooled client of one database. Every method raises Unavailable when the store does not answer."""

    def __init__(self, settings: Settings, *, timeout_ms: int = 10_000) -> None:
        self._client: Any = AsyncIOMotorClient(
            settings.mongo_url.get_secret_value(),
            serverSelectionTimeoutMS=timeout_ms,
            connectTimeoutMS=timeout_ms,
            socketTimeoutMS=3 * timeout_ms,
            retryWrites=False,
            tz_aware=True,
        )
        self._name = settings.mongo_database
        self._database = self._client.get_database(self._name, write_concern=_DURABLE)
        self._codec = Codec()
        self._pending: list[_Pending] = []
        self._writer: asyncio.Task[None] | None = None

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    async def prepare(self) -> None:
        """Make the indexes. Fatal when the store cannot be used."""
        try:
            await self._database.assemblies.create_index(
                [("tenant", ASCENDING), ("call_id", ASCENDING), ("run_id", ASCENDING)], unique=True
            )
            await self._database.assemblies.create_index("expires_at", expireAfterSeconds=0)
            await self._database.calls.create_index(
                [("tenant", ASCENDING), ("call_id", ASCENDING)], unique=True
            )
            await self._database.calls.create_index([("call.started_at_ms", DESCENDING)])
            await self._database.calls.create_index([("status", ASCENDING)])
            await self._database.call_revisions.create_index(
                [("tenant", ASCENDING), ("call_id", ASCENDING), ("run_id", ASCENDING)], unique=True
            )
        except PyMongoError as error:
            raise Fatal(
                ErrorCode.TRANSIENT,
                f"the document store cannot be used ({type(error).__name__}); check CALLYTICS_MONGO_URL",
            ) from error

    async def ping(self) -> None:
        """Prove that the store answers."""
        async with self._command("ping", "admin"):
            await self._database.command("ping")

    async def assemble(self, part: CallTranscribed | CallDiarized) -> Assembly:
        """Add a part to its run's assembly and return all parts there are, in one atomic step.

        Of two parts that come at the same moment at least the later one sees both.
        """
        field = "transcribed" if isinstance(part, CallTranscribed) else "diarized"
        key = {"tenant": part.tenant, "call_id": part.call_id, "run_id": part.run_id}
        encoded = await asyncio.to_thread(self._codec.encode, part)
        update = {
            "$set": {f"parts.{field}": Binary(encoded)},
            "$setOnInsert": {"expires_at": datetime.now(UTC) + ASSEMBLY_LIFETIME},
        }
        async with self._command("findAndModify", "assemblies"):
            merged = await self._upsert_assembly(key, update)
        return await asyncio.to_thread(self._assembly, merged["parts"])

    async def save(self, document: CallDocument) -> None:
        """Write a document; one whose call has a higher revision already is kept as a past run only.

        Documents that become ready while a write is under way go out together in the next one.
        """
        entry = _Pending(document, asyncio.get_running_loop().create_future())
        self._pending.append(entry)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_pending())
        async with self._command("bulkWrite", "calls"):
            await entry.written

    async def find(self, call_id: str, *, tenant: str | None = None) -> CallDocument | None:
        """The newest document of a call; None when there is none."""
        query = {"call_id": call_id} if tenant is None else {"call_id": call_id, "tenant": tenant}
        async with self._command("find", "calls"):
            found = await self._database.calls.find_one(query, {"_id": False})
        return CallDocument.model_validate(found) if found else None

    async def count(self, collection: str, query: dict[str, Any]) -> int:
        """How many records of a collection match."""
        async with self._command("count", collection):
            return int(await self._database[collection].count_documents(query))

    async def _upsert_assembly(self, key: dict[str, str], update: dict[str, Any]) -> dict[str, Any]:
        for _ in range(_UPSERTS):
            # Of parts that try to insert at once one wins. MongoDB tells the others that there is a duplicate, the
            # embedded store gives them nothing; the next time there is something to update.
            with suppress(DuplicateKeyError):
                merged: dict[str, Any] | None = await self._database.assemblies.find_one_and_update(
                    key, update, upsert=True, return_document=ReturnDocument.AFTER
                )
                if merged is not None:
                    return merged
        raise Unavailable(
            ErrorCode.TRANSIENT, "the document store did not take a part of a call; it is sent again"
        )

    def _assembly(self, parts: dict[str, bytes]) -> Assembly:
        transcribed, diarized = parts.get("transcribed"), parts.get("diarized")
        return Assembly(
            transcribed=self._codec.decode(bytes(transcribed), CallTranscribed) if transcribed else None,
            diarized=self._codec.decode(bytes(diarized), CallDiarized) if diarized else None,
        )

    async def _write_pending(self) -> None:
        while self._pending:
            batch, self._pending = self._pending[:_BATCH], self._pending[_BATCH:]
            try:
                await self._write([entry.document for entry in batch])
            except Exception as error:  # noqa: BLE001 -- handed to every caller whose document it concerns
                for entry in _waiting(batch):
                    entry.written.set_exception(error)
            else:
                for entry in _waiting(batch):
                    entry.written.set_result(None)

    async def _write(self, documents: Sequence[CallDocument]) -> None:
        bodies = await asyncio.to_thread(lambda: [document.model_dump(mode="json") for document in documents])
        await self._database.call_revisions.bulk_write([_revision(body) for body in bodies], ordered=False)
        # A duplicate is a guarded upsert that found a higher revision, or one that lost the race to insert against
        # another member: tried once more, only a document that is out of date is refused again.
        refused = await self._write_newest(bodies)
        stale = await self._write_newest(refused) if refused else ()
        metrics.STALE_DOCUMENTS.inc(len(stale))
        for document in documents:
            metrics.DOCUMENTS.labels(document.status).inc()

    async def _write_newest(self, bodies: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
        """Write the documents and return those that the unique index refused."""
        try:
            await self._database.calls.bulk_write([_newest(body) for body in bodies], ordered=False)
        except BulkWriteError as error:
            faults = (error.details or {}).get("writeErrors", [])
            if any(fault["code"] != _DUPLICATE for fault in faults):
                raise
            return [bodies[fault["index"]] for fault in faults]
        return ()

    @asynccontextmanager
    async def _command(self, operation: str, collection: str) -> AsyncIterator[None]:
        with store_span(operation=operation, collection=collection, database=self._name):
            try:
                yield
            except (ConnectionFailure, ExecutionTimeout) as error:
                raise Unavailable(
                    ErrorCode.TRANSIENT, f"the document store does not answer ({type(error).__name__})"
                ) from error


def _waiting(batch: Sequence[_Pending]) -> Iterator[_Pending]:
    """The entries whose caller was not cancelled."""
    return (entry for entry in batch if not entry.written.done())


def _key(body: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: body[name] for name in names}


def _revision(body: dict[str, Any]) -> ReplaceOne[dict[str, Any]]:
    return ReplaceOne(_key(body, "tenant", "call_id", "run_id"), body, upsert=True)


def _newest(body: dict[str, Any]) -> ReplaceOne[dict[str, Any]]:
    guard = {**_key(body, "tenant", "call_id"), "revision": {"$lte": body["revision"]}}
    return ReplaceOne(guard, body, upsert=True)

"""Documents: the newest revision of every call in ``calls``, every run of it in ``call_revisions``.

Two guards hold for whatever order answers come in: a document never replaces one of a higher revision, and within
one revision a lower status never replaces a higher one (failed < partial < complete).
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pymongo import DESCENDING, UpdateOne

from infra import metrics
from infra.store.database import CallKey, Database, among
from schemas.document import CallDocument
from schemas.records import DocumentStatus

Body = dict[str, Any]
"""A document as it is stored."""

_BATCH = 64
_KEYS_AT_A_TIME = 500
_RANKS = (DocumentStatus.FAILED, DocumentStatus.PARTIAL, DocumentStatus.COMPLETE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Newest:
    """What replays need to know of a call's newest document."""

    run_id: str
    revision: int
    duration_ms: int | None


@dataclass(frozen=True, slots=True)
class _Pending:
    document: CallDocument
    written: asyncio.Future[None]


class Documents:
    """Writes documents in batches and finds them again."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._pending: list[_Pending] = []
        self._writer: asyncio.Task[None] | None = None

    async def save(self, document: CallDocument) -> None:
        """Write a document; one that is out of date by now changes nothing, and is counted.

        Documents that become ready while a write is under way go out together in the next one.
        """
        entry = _Pending(document, asyncio.get_running_loop().create_future())
        self._pending.append(entry)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_pending())
        async with self._database.command("bulkWrite", "calls"):
            await entry.written

    async def find(self, call_id: str, *, tenant: str | None = None) -> CallDocument | None:
        """The newest document of a call; None when there is none."""
        query = {"call_id": call_id} if tenant is None else {"call_id": call_id, "tenant": tenant}
        async with self._database.command("find", "calls"):
            found = await self._database["calls"].find_one(query, {"_id": False})
        return CallDocument.model_validate(found) if found else None

    async def statuses(self, keys: Sequence[CallKey]) -> dict[CallKey, str]:
        """The status of each call's newest document, of those calls that have one."""
        return {_key_of(body): body["status"] for body in await self._newest_of(keys, "status")}

    async def newest(self, keys: Sequence[CallKey]) -> dict[CallKey, Newest]:
        """Run, revision and length of each call's newest document, of those calls that have one."""
        bodies = await self._newest_of(keys, "run_id", "revision", "audio.duration_ms")
        return {
            _key_of(body): Newest(
                run_id=body["run_id"],
                revision=body["revision"],
                duration_ms=(body.get("audio") or {}).get("duration_ms"),
            )
            for body in bodies
        }

    async def calls_of(self, run_id: str, among_keys: Sequence[CallKey] | None = None) -> frozenset[CallKey]:
        """The calls, of all or of some, that a run has ended for."""
        if among_keys is not None and not among_keys:
            return frozenset()
        some = among(among_keys) if among_keys else {}
        bodies = await self._database.find("call_revisions", {"run_id": run_id} | some, ("tenant", "call_id"))
        return frozenset(_key_of(body) for body in bodies)

    async def count_of(self, run_id: str, *, tenant: str | None = None) -> int:
        """How many calls a run has ended for."""
        query = {"run_id": run_id} if tenant is None else {"run_id": run_id, "tenant": tenant}
        async with self._database.command("count", "call_revisions"):
            return int(await self._database["call_revisions"].count_documents(query))

    async def revisions(self, run_id: str, *, tenant: str | None = None) -> AsyncIterator[Sequence[Body]]:
        """All documents of a run, some at a time, in the order of their calls."""
        keys = sorted(key for key in await self.calls_of(run_id) if tenant in {None, key[0]})
        for some in _in_batches(keys, _BATCH):
            yield await self.of_run(run_id, some)

    async def of_run(self, run_id: str, keys: Sequence[CallKey]) -> Sequence[Body]:
        """The documents that a run made of these calls."""
        return await self._database.find("call_revisions", {"run_id": run_id} | among(keys))

    async def previous(self, body: Body) -> Body | None:
        """The document that a call had before this one: its newest lower revision."""
        query = _fields(body, "tenant", "call_id") | {"revision": {"$lt": body["revision"]}}
        async with self._database.command("find", "call_revisions"):
            found: Body | None = await self._database["call_revisions"].find_one(
                query, {"_id": False}, sort=[("revision", DESCENDING)]
            )
        return found

    async def _newest_of(self, keys: Sequence[CallKey], *fields: str) -> list[Body]:
        found: list[Body] = []
        for some in _in_batches(keys, _KEYS_AT_A_TIME):
            found += await self._database.find("calls", among(some), ("tenant", "call_id", *fields))
        return found

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
        await self._database.upsert("call_revisions", [_as_revision(body) for body in bodies])
        if await self._database.upsert("calls", [_as_newest(body) for body in bodies]):
            metrics.STALE_DOCUMENTS.inc(await self._stale(bodies))
        for document in documents:
            metrics.DOCUMENTS.labels(document.status).inc()

    async def _stale(self, bodies: Sequence[Body]) -> int:
        kept = {
            _key_of(body): body
            for body in await self._newest_of([_key_of(body) for body in bodies], "revision", "status")
        }
        return sum(_is_stale(body, kept.get(_key_of(body))) for body in bodies)


def _in_batches(keys: Sequence[CallKey], size: int) -> Iterator[Sequence[CallKey]]:
    return (keys[start : start + size] for start in range(0, len(keys), size))


def _waiting(batch: Sequence[_Pending]) -> Iterator[_Pending]:
    """The entries whose caller was not cancelled."""
    return (entry for entry in batch if not entry.written.done())


def _key_of(body: Body) -> CallKey:
    return body["tenant"], body["call_id"]


def _fields(body: Body, *names: str) -> dict[str, Any]:
    return {name: body[name] for name in names}


def _as_revision(body: Body) -> UpdateOne:
    is_due = {"$in": [{"$ifNull": ["$status", "unknown"]}, _not_above(body["status"])]}
    return _replacing(_fields(body, "tenant", "call_id", "run_id"), body, is_due)


def _as_newest(body: Body) -> UpdateOne:
    revision = body["revision"]
    is_older = {"$lt": [{"$ifNull": ["$revision", 0]}, revision]}
    is_lower = {"$and": [{"$eq": ["$revision", revision]}, {"$in": ["$status", _not_above(body["status"])]}]}
    return _replacing(_fields(body, "tenant", "call_id"), body, {"$or": [is_older, is_lower]})


def _replacing(key: dict[str, Any], body: Body, is_due: dict[str, Any]) -> UpdateOne:
    """Replace the record of that key if it ``is_due``, in one atomic step.

    The guard stands in the update and not in the filter: a filter beyond the unique key is refused as a duplicate
    where it does not match, and the embedded store reads the whole collection for it.
    """
    replacement = {"$mergeObjects": [{"_id": "$_id"}, {"$literal": body}]}
    return UpdateOne(key, [{"$replaceWith": {"$cond": [is_due, replacement, "$$ROOT"]}}], upsert=True)


def _is_stale(body: Body, kept: Body | None) -> bool:
    """Whether the record that is kept is a better one."""
    return kept is not None and (
        kept["revision"] > body["revision"]
        or (kept["revision"] == body["revision"] and kept["status"] not in _not_above(body["status"]))
    )


def _not_above(status: str) -> list[str]:
    """The statuses that a document of this status may replace."""
    rank = _RANKS.index(DocumentStatus(status)) if status in _RANKS else 0
    return [DocumentStatus.UNKNOWN.value, *(known.value for known in _RANKS[: rank + 1])]

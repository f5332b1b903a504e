"""Assemblies: the parts of calls that wait for each other, and that replays take up again. They expire."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bson import Binary
from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from infra.errors import ErrorCode, Unavailable
from infra.store.database import CallKey, Database, among
from schemas.codec import Codec
from schemas.records import CallDiarized, CallTranscribed, StageStatus

ASSEMBLY_LIFETIME = timedelta(days=38)
"""As long as a call may wait in its topic (7 days) and then as a dead letter (30 days), so that one that is
redriven at last finds its other half. So long a replay finds the parts that it does not make anew."""

_UPSERTS = 5
_FIELDS = {CallTranscribed: "transcribed", CallDiarized: "diarized"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """The parts of one run of one call that have come so far."""

    transcribed: CallTranscribed | None
    diarized: CallDiarized | None

    @property
    def revision(self) -> int:
        """The run's revision; 0 while a part is missing."""
        if self.transcribed is None or self.diarized is None:
            return 0
        return max(self.transcribed.revision, self.diarized.revision)


class Assemblies:
    """Joins parts. ``ok`` beside the encoded parts tells which of them a failed one must not replace."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._codec = Codec()

    async def add(self, part: CallTranscribed | CallDiarized) -> Assembly:
        """Add a part to its run's assembly and return all parts there are, in one atomic step.

        Of two parts that come at the same moment at least the later one sees both. A failed part never replaces one
        that is there and good: a call that was dead-lettered and redriven stays done, in whatever order both come.
        """
        field = _FIELDS[type(part)]
        key = {"tenant": part.tenant, "call_id": part.call_id, "run_id": part.run_id}
        encoded = await asyncio.to_thread(self._codec.encode, part)
        async with self._database.command("findAndModify", "assemblies"):
            merged = await self._upsert(key, _adding(field, encoded, is_ok=part.status is StageStatus.OK))
        return await asyncio.to_thread(self._decoded, merged)

    async def find(self, key: CallKey, run_id: str) -> Assembly | None:
        """The parts of a run of a call; None when they are not (or no longer) there."""
        found = await self._database.find(
            "assemblies", {"tenant": key[0], "call_id": key[1], "run_id": run_id}
        )
        return await asyncio.to_thread(self._decoded, found[0]) if found else None

    async def latest(self, key: CallKey) -> Assembly | None:
        """The parts of a call's newest run that has both; None when none has (any more)."""
        records = await self._database.find("assemblies", {"tenant": key[0], "call_id": key[1]})
        found = await asyncio.to_thread(lambda: [self._decoded(record) for record in records])
        return max(
            (parts for parts in found if parts.revision), key=lambda parts: parts.revision, default=None
        )

    async def arrived(
        self,
        *,
        since_ms: int | None = None,
        until_ms: int | None = None,
        call_ids: Sequence[str] = (),
        tenant: str | None = None,
    ) -> list[CallKey]:
        """The calls whose first part came in that time, in the order of their keys."""
        expiry: dict[str, Any] = {}
        for bound, at_ms in (("$gte", since_ms), ("$lt", until_ms)):
            if at_ms is not None:
                expiry[bound] = datetime.fromtimestamp(at_ms / 1000, UTC) + ASSEMBLY_LIFETIME
        query = {"expires_at": expiry, "call_id": {"$in": list(call_ids)}, "tenant": tenant}
        wanted = {"expires_at": bool(expiry), "call_id": bool(call_ids), "tenant": tenant is not None}
        chosen = {name: value for name, value in query.items() if wanted[name]}
        records = await self._database.find("assemblies", chosen, ("tenant", "call_id"))
        return sorted({(record["tenant"], record["call_id"]) for record in records})

    async def parts(self, keys: Sequence[CallKey]) -> dict[CallKey, frozenset[str]]:
        """Which parts (``transcribed``, ``diarized``) the runs of these calls have, of those that have any."""
        present: dict[CallKey, frozenset[str]] = {}
        for record in await self._database.find("assemblies", among(keys), ("tenant", "call_id", "ok")):
            key = record["tenant"], record["call_id"]
            present[key] = present.get(key, frozenset()) | frozenset(record.get("ok", ()))
        return present

    async def _upsert(self, key: dict[str, str], update: list[dict[str, Any]]) -> dict[str, Any]:
        for _ in range(_UPSERTS):
            # Of parts that try to insert at once one wins. MongoDB tells the others that there is a duplicate, the
            # embedded store gives them nothing; the next time there is something to update.
            with suppress(DuplicateKeyError):
                merged: dict[str, Any] | None = await self._database["assemblies"].find_one_and_update(
                    key, update, upsert=True, return_document=ReturnDocument.AFTER
                )
                if merged is not None:
                    return merged
        raise Unavailable(
            ErrorCode.TRANSIENT, "the document store did not take a part of a call; it is sent again"
        )

    def _decoded(self, record: dict[str, Any]) -> Assembly:
        transcribed, diarized = (record["parts"].get(field) for field in _FIELDS.values())
        return Assembly(
            transcribed=self._codec.decode(bytes(transcribed), CallTranscribed) if transcribed else None,
            diarized=self._codec.decode(bytes(diarized), CallDiarized) if diarized else None,
        )


def _adding(field: str, encoded: bytes, *, is_ok: bool) -> list[dict[str, Any]]:
    """The update that puts a part in its place, unless it failed and a good one is there."""
    is_settled = {"$and": [{"$eq": [f"$ok.{field}", True]}, not is_ok]}
    added = {
        f"parts.{field}": {"$cond": [is_settled, f"$parts.{field}", {"$literal": Binary(encoded)}]},
        f"ok.{field}": {"$cond": [is_settled, True, is_ok]},
        "expires_at": {"$ifNull": ["$expires_at", {"$literal": datetime.now(UTC) + ASSEMBLY_LIFETIME}]},
    }
    return [{"$set": added}]

"""The books of replays: what was selected, how far it has come, whether it shall go on."""

from enum import StrEnum
from typing import Any

from pymongo import DESCENDING, ReturnDocument

from infra.store.database import Database
from schemas.records import Milliseconds, Record


class ReplayState(StrEnum):
    """Where a replay stands. ``failed``: its command ended with an error; it can be resumed like a running one."""

    PLANNED = "planned"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


class Selection(Record):
    """Which calls to do again: those whose ``CallEnded`` came in [``since_ms``, ``until_ms``) and fits the rest.

    Milliseconds since the epoch, by the broker's clock. ``stage`` is ``all`` or the only stage to do again.
    """

    since_ms: Milliseconds | None = None
    until_ms: Milliseconds
    call_ids: tuple[str, ...] = ()
    tenant: str | None = None
    stage: str = "all"


class Replay(Record):
    """One replay. Its id is the run id of every document that it makes."""

    id: str
    selection: Selection
    state: ReplayState = ReplayState.PLANNED
    total: int = 0
    published: int = 0
    """Calls sent, counted again when a resumed replay sends them again."""
    finished: int = 0
    """Calls that have their document."""
    skipped: int = 0
    """Calls whose stored parts are gone, so that one stage alone cannot be done again."""
    created_at_ms: Milliseconds
    ended_at_ms: Milliseconds | None = None

    @property
    def is_open(self) -> bool:
        """Whether it may still send calls."""
        return self.state in _OPEN


_OPEN = (ReplayState.PLANNED, ReplayState.RUNNING, ReplayState.FAILED)


class Replays:
    """The collection ``replays``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, replay: Replay) -> None:
        """Open the books of a replay."""
        async with self._database.command("insert", "replays"):
            await self._database["replays"].insert_one({"_id": replay.id, **replay.model_dump(mode="json")})

    async def get(self, replay_id: str) -> Replay | None:
        """One replay; None when there is none of that id."""
        found = await self._database.find("replays", {"_id": replay_id})
        return Replay.model_validate(found[0]) if found else None

    async def newest(self, *, limit: int = 20) -> list[Replay]:
        """The newest replays, the newest first."""
        async with self._database.command("find", "replays"):
            cursor = self._database["replays"].find({}, {"_id": False})
            found = await cursor.sort("created_at_ms", DESCENDING).limit(limit).to_list(None)
        return [Replay.model_validate(body) for body in found]

    async def unfinished(self) -> list[Replay]:
        """Replays that have neither ended nor been cancelled."""
        found = await self._database.find("replays", {"state": {"$in": [state.value for state in _OPEN]}})
        return [Replay.model_validate(body) for body in found]

    async def update(self, replay_id: str, **changes: Any) -> Replay | None:
        """Change a replay that is open and return it; None when it is not, as when it was cancelled meanwhile."""
        guard = {"_id": replay_id, "state": {"$in": [state.value for state in _OPEN]}}
        async with self._database.command("findAndModify", "replays"):
            found = await self._database["replays"].find_one_and_update(
                guard, {"$set": changes}, projection={"_id": False}, return_document=ReturnDocument.AFTER
            )
        return Replay.model_validate(found) if found else None

"""What stages found out, kept for a while so that the same work is not done twice."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

from bson import Binary
from pymongo.errors import DuplicateKeyError, PyMongoError

from infra.errors import ErrorCode, Unavailable
from infra.store.database import Database


class StageResults:
    """Encoded answers by a key that says all that they depend on. They expire.

    Whatever goes wrong is Unavailable: nobody needs these records, so no error of theirs may stop a call.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, key: str) -> bytes | None:
        """The answer under this key; None when there is none."""
        async with self._database.command("find", "stage_results"):
            try:
                found = await self._database["stage_results"].find_one({"_id": key})
            except PyMongoError as error:
                raise _unavailable(error) from error
        return bytes(found["answer"]) if found else None

    async def put(self, key: str, answer: bytes, *, lifetime: timedelta) -> None:
        """Keep an answer. Whoever comes second with the same key brings the same."""
        record = {"answer": Binary(answer), "expires_at": datetime.now(UTC) + lifetime}
        async with self._database.command("update", "stage_results"):
            try:
                with suppress(DuplicateKeyError):
                    await self._database["stage_results"].replace_one({"_id": key}, record, upsert=True)
            except PyMongoError as error:
                raise _unavailable(error) from error


def _unavailable(error: PyMongoError) -> Unavailable:
    return Unavailable(
        ErrorCode.TRANSIENT, f"the document store keeps no stage results now ({type(error).__name__})"
    )

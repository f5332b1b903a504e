"""Documents as commands are given them: a file of one, a file with one a line, or the store's."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from infra.errors import ErrorCode, Fatal, Poison
from infra.settings import Settings

if TYPE_CHECKING:
    from schemas.document import CallDocument

PLACES = 5
"""Faults of a document that are told at most."""


def document_of(file: Path) -> "CallDocument":
    """The document that a file holds. Fatal when it cannot be read, Poison when it is none."""
    return _parsed(text_of(file), str(file))


def documents_of(file: Path) -> "list[CallDocument]":
    """The documents of a file with one a line. Errors as of ``document_of``, with the line."""
    lines = enumerate(text_of(file).split("\n"), start=1)
    return [_parsed(line, f"{file}: line {number}") for number, line in lines if line.strip()]


async def documents_since(
    since_ms: int, *, tenant: str | None = None, call_ids: Sequence[str] = ()
) -> "list[CallDocument]":
    """The store's newest documents of the calls, all or some, whose first part came in from that time on."""
    from infra.store import Store  # noqa: PLC0415 -- keeps --help fast

    store = Store(Settings())
    try:
        keys = await store.assemblies.arrived(since_ms=since_ms, tenant=tenant, call_ids=call_ids)
        found = [await store.find(call_id, tenant=owner) for owner, call_id in keys]
    finally:
        store.close()
    return [document for document in found if document is not None]


def text_of(file: Path) -> str:
    """What is written in a file. Fatal when it cannot be read as UTF-8."""
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise Fatal(ErrorCode.INPUT_MISSING, f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Fatal(ErrorCode.INPUT_UNREADABLE, f"{file} is no UTF-8 text; save it as UTF-8") from error


def _parsed(text: str, source: str) -> "CallDocument":
    from pydantic import ValidationError  # noqa: PLC0415 -- keeps --help fast

    from schemas.document import CallDocument  # noqa: PLC0415 -- keeps --help fast

    try:
        return CallDocument.model_validate_json(text)
    except ValidationError as error:
        # The values are what callers said: only their places are told.
        places = ", ".join(".".join(map(str, e["loc"])) or e["type"] for e in error.errors()[:PLACES])
        raise Poison(
            ErrorCode.CONTRACT,
            f"{source} is no document of one call ({places}); callytics show CALL_ID --json writes one",
        ) from None

"""``callytics export``: a document in the shape that another system reads."""

import asyncio
import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infra.errors import ErrorCode, Fatal, Poison
from infra.settings import Settings

if TYPE_CHECKING:
    from schemas.document import CallDocument

app = typer.Typer()


class Format(StrEnum):
    """Shapes that a document can be written in."""

    AWS = "aws"


@app.command(epilog="Example: callytics export --format aws sample-ko-angry > call.json")
def export(
    call_id: Annotated[str | None, typer.Argument(help="The call's id, or give --file.")] = None,
    *,
    form: Annotated[Format, typer.Option("--format", help="aws: Amazon Transcribe Call Analytics.")],
    file: Annotated[
        Path | None, typer.Option(help="A document as JSON, instead of the store's.", exists=True)
    ] = None,
    tenant: Annotated[str | None, typer.Option(help="The tenant, where an id is used by several.")] = None,
) -> None:
    """Write a call's newest document, or that of a file, in the shape that another system reads."""
    if (call_id is None) == (file is None):
        raise typer.BadParameter("give a call's id or --file, one of them")
    document = _of_file(file) if file is not None else asyncio.run(_of_store(call_id or "", tenant))
    typer.echo(json.dumps(_WRITERS[form](document), ensure_ascii=False, indent=2))


def _of_file(file: Path) -> "CallDocument":
    from pydantic import ValidationError  # noqa: PLC0415 -- keeps --help fast

    from schemas.document import CallDocument  # noqa: PLC0415 -- keeps --help fast

    try:
        return CallDocument.model_validate_json(file.read_bytes())
    except OSError as error:
        raise Fatal(ErrorCode.INPUT_MISSING, f"{file} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        # The values are what callers said: only their places are told.
        places = ", ".join(".".join(map(str, e["loc"])) or e["type"] for e in error.errors()[:5])
        raise Poison(ErrorCode.CONTRACT, f"{file} is no document of one call: {places}") from None


async def _of_store(call_id: str, tenant: str | None) -> "CallDocument":
    from infra.store import Store  # noqa: PLC0415 -- keeps --help fast

    store = Store(Settings())
    try:
        document = await store.find(call_id, tenant=tenant)
    finally:
        store.close()
    if document is None:
        raise Poison(ErrorCode.CONTRACT, f"no document of call {call_id}; is it still on its way?")
    return document


def _aws(document: "CallDocument") -> dict[str, object]:
    from ops.aws_export import call_analytics  # noqa: PLC0415 -- keeps --help fast

    return call_analytics(document)


_WRITERS = {Format.AWS: _aws}

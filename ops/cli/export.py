"""``callytics export``: a document in the shape that another system reads."""

import asyncio
import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infra.errors import ErrorCode, Poison
from infra.settings import Settings
from ops.cli.documents import document_of
from ops.cli.show import find

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
    document = document_of(file) if file is not None else _of_store(call_id or "", tenant)
    typer.echo(json.dumps(_WRITERS[form](document), ensure_ascii=False, indent=2))


def _of_store(call_id: str, tenant: str | None) -> "CallDocument":
    document = asyncio.run(find(call_id, tenant=tenant, settings=Settings()))
    if document is None:
        raise Poison(ErrorCode.CONTRACT, f"no document of call {call_id}; is it still on its way?")
    return document


def _aws(document: "CallDocument") -> dict[str, object]:
    from ops.aws_export import call_analytics  # noqa: PLC0415 -- keeps --help fast

    return call_analytics(document)


_WRITERS = {Format.AWS: _aws}

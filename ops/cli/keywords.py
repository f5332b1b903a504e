"""``callytics keywords build``: the document frequencies that weigh keywords, from an operator's own calls."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infra.errors import ErrorCode, Fatal, Poison
from infra.settings import Settings
from ops.cli.times import moment

if TYPE_CHECKING:
    from schemas.document import CallDocument

app = typer.Typer(help="What weighs a call's keywords.", no_args_is_help=True)


@app.callback()
def keywords() -> None:
    """What weighs a call's keywords."""


@app.command(epilog="Example: callytics keywords build --since 30d --output rules/document_frequency.yaml")
def build(
    file: Annotated[
        Path | None, typer.Argument(help="Documents as JSON Lines; the store's if not given.", exists=True)
    ] = None,
    *,
    output: Annotated[Path, typer.Option(help="Where to write the table; its folder is one of --rules.")],
    since: Annotated[
        str | None, typer.Option(help="Of the store, from this time on: 30d or ISO 8601.")
    ] = None,
    tenant: Annotated[str | None, typer.Option(help="Of the store, only this tenant's calls.")] = None,
) -> None:
    """Count in how many calls each term occurs, and write the table that makes rare terms keywords."""
    if (file is None) == (since is None):
        raise typer.BadParameter("give a file of documents or --since, one of them")
    now = datetime.now(UTC)
    if file is not None:
        documents = _of_file(file)
    else:
        since_ms = moment(since or "", now_ms=round(now.timestamp() * 1000))
        documents = asyncio.run(_of_store(since_ms, tenant))
    import yaml  # noqa: PLC0415 -- keeps --help fast

    from ops.frequencies import count  # noqa: PLC0415 -- loads the tokenisers

    table = count(documents, version=f"{now:%Y-%m-%d}")
    text = yaml.safe_dump(table.model_dump(mode="json"), allow_unicode=True, sort_keys=False)
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Fatal(ErrorCode.RESOURCE, f"{output} cannot be written: {error.strerror}") from error
    typer.echo(f"{output}: {len(table.terms)} terms of {table.calls} calls")


def _of_file(file: Path) -> "list[CallDocument]":
    from pydantic import ValidationError  # noqa: PLC0415 -- keeps --help fast

    from schemas.document import CallDocument  # noqa: PLC0415 -- keeps --help fast

    documents = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        if line.strip():
            try:
                documents.append(CallDocument.model_validate_json(line))
            except ValidationError:
                raise Poison(ErrorCode.CONTRACT, f"{file}: line {number} is no document") from None
    return documents


async def _of_store(since_ms: int, tenant: str | None) -> "list[CallDocument]":
    from infra.store import Store  # noqa: PLC0415 -- keeps --help fast

    store = Store(Settings())
    try:
        keys = await store.assemblies.arrived(since_ms=since_ms, tenant=tenant)
        found = [await store.find(call_id, tenant=owner) for owner, call_id in keys]
    finally:
        store.close()
    return [document for document in found if document is not None]

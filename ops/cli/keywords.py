"""``callytics keywords build``: the document frequencies that weigh keywords, from an operator's own calls."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from infra.errors import ErrorCode, Fatal
from ops.cli.documents import documents_of, documents_since
from ops.cli.times import moment

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
        documents = documents_of(file)
    else:
        since_ms = moment(since or "", now_ms=round(now.timestamp() * 1000))
        documents = asyncio.run(documents_since(since_ms, tenant=tenant))
    import yaml  # noqa: PLC0415 -- keeps --help fast

    from ops.frequencies import count  # noqa: PLC0415 -- loads the tokenisers

    table = count(documents, version=f"{now:%Y-%m-%d}")
    text = yaml.safe_dump(table.model_dump(mode="json"), allow_unicode=True, sort_keys=False)
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Fatal(ErrorCode.RESOURCE, f"{output} cannot be written: {error.strerror}") from error
    typer.echo(f"{output}: {len(table.terms)} terms of {table.calls} calls")

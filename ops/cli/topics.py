"""``callytics topics``: the broker's topics."""

import asyncio
from typing import Annotated

import typer

app = typer.Typer(help="The broker's topics.", no_args_is_help=True)


@app.callback(epilog="Example: callytics topics create --replication 3")
def topics() -> None:
    """The broker's topics."""


@app.command(epilog="Example: callytics topics create --replication 3")
def create(
    *,
    replication: Annotated[int, typer.Option(min=1, help="Copies of each record; 3 in production.")] = 1,
) -> None:
    """Make every topic that is missing; those that exist stay as they are."""
    from infra.bus.admin import create_topics  # noqa: PLC0415 -- not needed for --help
    from infra.settings import Settings  # noqa: PLC0415 -- the same

    for name, made in asyncio.run(create_topics(Settings(), replication=replication)).items():
        typer.echo(f"{name}: {'made' if made else 'was there'}")

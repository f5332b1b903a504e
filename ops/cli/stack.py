"""``callytics up``: a broker and a store on this machine."""

import asyncio
import signal
import threading
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()

_LOOK_S = 1.0


@app.command(epilog="Example: callytics up --data ./data")
def up(
    *,
    data: Annotated[
        Path | None, typer.Option(file_okay=False, help="Keeps documents and logs; default: temporary.")
    ] = None,
) -> None:
    """Run a small broker and a small document store until Ctrl-C: for a laptop, never for production.

    Writes the variables that let other commands find them. The broker keeps its records in memory.
    """
    from infra.bus.admin import create_topics  # noqa: PLC0415 -- not needed for --help
    from infra.settings import Settings  # noqa: PLC0415 -- the same
    from infra.stack import EmbeddedStack  # noqa: PLC0415 -- the same

    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with EmbeddedStack(data) as stack:
        there = Settings(kafka_bootstrap=stack.addresses.kafka_bootstrap, kafka_idempotence=False)
        asyncio.run(create_topics(there))
        for name, value in stack.addresses.environment().items():
            typer.echo(f"export {name}='{value}'")
        typer.echo(f"Ready; logs in {stack.directory}. Ctrl-C stops it.", err=True)
        while not stopped.wait(_LOOK_S):
            stack.check()

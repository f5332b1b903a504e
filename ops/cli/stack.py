"""``callytics up``: a broker and a store on this machine."""

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
    real: Annotated[
        bool, typer.Option("--real", help="Apache Kafka and a schema registry; needs java and mvn.")
    ] = False,
) -> None:
    """Run a broker and a document store until Ctrl-C: for a laptop, never for production.

    Writes the variables that let other commands find them. The small broker keeps its records in memory, the one
    of --real on disk.
    """
    from infra.real_stack import RealStack  # noqa: PLC0415 -- not needed for --help
    from infra.settings import Settings  # noqa: PLC0415 -- the same
    from infra.stack import EmbeddedStack  # noqa: PLC0415 -- the same
    from ops.local import prepare  # noqa: PLC0415 -- the same

    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    chosen: RealStack | EmbeddedStack
    chosen = RealStack(data, cache_dir=Settings().cache_dir) if real else EmbeddedStack(data)
    with chosen as stack:
        prepare(Settings.model_validate(stack.addresses.settings()))
        for name, value in stack.addresses.environment().items():
            typer.echo(f"export {name}='{value}'")
        typer.echo(f"Ready; logs in {stack.directory}. Ctrl-C stops it.", err=True)
        while not stopped.wait(_LOOK_S):
            stack.check()

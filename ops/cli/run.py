"""``callytics run SERVICE``."""

from enum import StrEnum
from typing import Annotated

import typer

app = typer.Typer()


class Service(StrEnum):
    """The three services."""

    TRANSCRIPTION = "transcription"
    DIARIZATION = "diarization"
    ANALYSIS = "analysis"


@app.command(epilog="Example: callytics run transcription")
def run(service: Annotated[Service, typer.Argument(help="Which service.")]) -> None:
    """Run a service until SIGTERM or Ctrl-C. Exit 3 when it cannot work; the log says why."""
    from importlib import import_module  # noqa: PLC0415 -- keeps --help fast

    import_module(f"consumers.{service}.__main__").main()

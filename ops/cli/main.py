"""``callytics``: the one command of the project.

Exit codes: 0 ok, 1 some inputs failed, 2 usage, 3 a server, model or file cannot be used. Results go to
standard output, everything else to standard error.
"""

import sys
from typing import Annotated

import typer
from pydantic import ValidationError

from infra.errors import CallyticsError
from ops.cli import (
    demo,
    diff,
    dlq,
    doctor,
    export,
    keywords,
    models,
    publish,
    qa,
    reanalyze,
    redact,
    replay,
    rules,
    run,
    schemas,
    show,
    speech,
    stack,
    status,
    topics,
)
from ops.cli.exits import Exit, exit_of

app = typer.Typer(
    name="callytics",
    help="Self-hosted analytics of recorded calls: who said what, when and how.",
    epilog="Example: callytics transcribe --language ko call.wav",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(speech.app)
app.add_typer(demo.app)
app.add_typer(stack.app)
app.add_typer(run.app)
app.add_typer(publish.app)
app.add_typer(show.app)
app.add_typer(redact.app)
app.add_typer(status.app)
app.add_typer(doctor.app)
app.add_typer(models.app, name="models")
app.add_typer(topics.app, name="topics")
app.add_typer(dlq.app, name="dlq")
app.add_typer(replay.app, name="replay")
app.add_typer(diff.app)
app.add_typer(reanalyze.app)
app.add_typer(export.app)
app.add_typer(keywords.app, name="keywords")
app.add_typer(rules.app, name="rules")
app.add_typer(qa.app, name="qa")
app.add_typer(schemas.app, name="schemas")


@app.callback()
def configure(
    *,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Also log what goes well.")] = False,
) -> None:
    """Self-hosted analytics of recorded calls: who said what, when and how.

    Exit codes: 0 ok, 1 some inputs failed, 2 wrong usage, 3 a server, model or file cannot be used.
    """
    from infra.logs import configure_logging  # noqa: PLC0415 -- not needed for --help

    configure_logging("INFO" if verbose else "WARNING")


def main() -> None:
    """Run a command; an error that is told in words becomes one line on standard error."""
    try:
        app()
    except CallyticsError as error:
        typer.echo(f"callytics: error: {' '.join(error.message.split())}", err=True)
        sys.exit(exit_of(error))
    except ValidationError as error:
        # Records are validated where they are read; what comes to here is a setting. Its value is never shown.
        reasons = "; ".join(_setting_fault(fault["loc"], fault["msg"]) for fault in error.errors())
        typer.echo(f"callytics: error: {reasons}", err=True)
        sys.exit(Exit.ENVIRONMENT)


def _setting_fault(location: tuple[int | str, ...], message: str) -> str:
    name = f"CALLYTICS_{location[0]}".upper() if location else "the settings"
    return f"{name}: {message.removeprefix('Value error, ')}"


if __name__ == "__main__":
    main()

"""How results leave a command: JSON Lines and JSON for scripts, text for people."""

import json
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Annotated, Any

import typer

from infra.errors import CallyticsError, Fatal
from ops.cli.exits import Exit

Result = dict[str, Any]
"""What a command says of one input; one that failed has ``error`` with ``code`` and ``message``."""

JsonLines = Annotated[bool, typer.Option("--jsonl", help="One JSON object a line.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON array.")]


class Form(Enum):
    """How results are written."""

    TEXT = "text"
    JSON = "json"
    JSON_LINES = "jsonl"


def form_of(*, json_lines: bool, json_array: bool) -> Form:
    """The form that two flags ask for; both at once are a usage error."""
    if json_lines and json_array:
        raise typer.BadParameter("choose one of --jsonl and --json")
    if json_lines:
        return Form.JSON_LINES
    return Form.JSON if json_array else Form.TEXT


def attempt(source: Result, work: Callable[[], Result]) -> Result:
    """``source`` with the result of ``work`` or with its error; Fatal passes, since it concerns all inputs."""
    try:
        return source | work()
    except Fatal:
        raise
    except CallyticsError as error:
        return source | {"error": {"code": str(error.code), "message": error.message}}


def write(results: Iterable[Result], form: Form, render: Callable[[Result], None]) -> None:
    """Write each result as soon as it is there, a JSON array at the end; exit 1 when one of them failed."""
    done = []
    for result in results:
        done.append("error" in result)
        _write_one(result, form, render, first=len(done) == 1)
    if form is Form.JSON:
        typer.echo("]" if done else "[]")
    if any(done):
        raise typer.Exit(Exit.SOME_FAILED)


def _write_one(result: Result, form: Form, render: Callable[[Result], None], *, first: bool) -> None:
    if form is Form.JSON_LINES:
        typer.echo(json.dumps(result, ensure_ascii=False))
    elif form is Form.JSON:
        typer.echo(("[" if first else ",") + json.dumps(result, ensure_ascii=False, indent=2))
    elif "error" in result:
        typer.echo(f"callytics: error: {result['file']}: {result['error']['message']}", err=True)
    else:
        render(result)


def clock(milliseconds: int) -> str:
    """``3:05.250`` for 185 250 ms."""
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes}:{rest // 1000:02d}.{rest % 1000:03d}"

"""``callytics doctor``: what is wrong here, and what to do."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from ops.cli.exits import Exit

if TYPE_CHECKING:
    from ops.cli.checkup import Check

app = typer.Typer()

_MARKS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "fault": ("✗", "red")}


@app.command(epilog="Example: callytics doctor --json")
def doctor(*, json_array: Annotated[bool, typer.Option("--json", help="One JSON array.")] = False) -> None:
    """Check versions, devices, models, servers and settings; exit code 3 when something does not work."""
    from infra.settings import Settings  # noqa: PLC0415 -- not needed for --help
    from ops.cli.checkup import CHECKS  # noqa: PLC0415 -- the same

    settings = Settings()
    # Side by side: what does not answer is waited for once.
    with ThreadPoolExecutor(len(CHECKS)) as pool:
        groups = pool.map(lambda look: list(look(settings)), CHECKS)
    found = [check for group in groups for check in group]
    if json_array:
        typer.echo(json.dumps([asdict(check) for check in found], ensure_ascii=False, indent=2))
    else:
        for check in found:
            _show(check, typer.secho)
    if any(check.verdict == "fault" for check in found):
        raise typer.Exit(Exit.ENVIRONMENT)


def _show(check: "Check", say: Callable[..., None]) -> None:
    mark, colour = _MARKS[check.verdict]
    say(f"{mark} {check.name}: {check.detail}", fg=colour)
    if check.remedy:
        say(f"    {check.remedy}")

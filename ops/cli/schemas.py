"""``callytics schemas``: the events' schemas against one another and against the schema registry."""

from collections.abc import Iterator
from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from ops.cli.exits import Exit

if TYPE_CHECKING:
    from infra.registry import SchemaRegistry

app = typer.Typer(help="The events' schemas and the schema registry.", no_args_is_help=True)

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]


@app.callback(epilog="Example: callytics schemas register --dry-run")
def schemas() -> None:
    """The events' schemas and the schema registry."""


@app.command(epilog="Example: CALLYTICS_REGISTRY_URL=http://registry:8081 callytics schemas register")
def register(*, dry_run: DryRun = False) -> None:
    """Register every version of every schema that is missing, oldest first, and set FULL_TRANSITIVE.

    Exit 1 when the registry refuses a schema, 3 when it does not answer. Doing it again changes nothing.
    """
    from infra.registry import SchemaRegistry, registry_subjects  # noqa: PLC0415 -- keeps --help fast
    from infra.settings import Settings  # noqa: PLC0415 -- the same

    with SchemaRegistry(Settings()) as registry:
        for ours, theirs in registry_subjects().items():
            for line in registered(registry, ours, theirs, dry_run=dry_run):
                typer.echo(f"{theirs}: {line}")


@app.command(epilog="Example: callytics schemas check")
def check() -> None:
    """Check that every version of a schema reads every other one, here and, where one is set, in the registry.

    Exit 1 when two versions cannot read one another, with the reason.
    """
    from infra.registry import SchemaRegistry, registry_subjects  # noqa: PLC0415 -- keeps --help fast
    from infra.settings import Settings  # noqa: PLC0415 -- the same

    settings = Settings()
    problems = 0
    with SchemaRegistry(settings) if settings.registry_url else nullcontext() as registry:
        for ours, theirs in registry_subjects().items():
            found = [*local_problems(ours), *(registry_problems(registry, ours, theirs) if registry else ())]
            for problem in found:
                typer.echo(f"{theirs}: {problem}", err=True)
            if not found:
                typer.echo(f"{theirs}: {_well(registry, ours, theirs)}")
            problems += len(found)
    if problems:
        raise typer.Exit(Exit.SOME_FAILED)


def registered(registry: "SchemaRegistry", ours: str, theirs: str, *, dry_run: bool) -> Iterator[str]:
    """Bring one subject up to date and say what was done; with ``dry_run``, what would be."""
    from infra.registry import LEVEL  # noqa: PLC0415 -- keeps --help fast
    from schemas.codec import versions  # noqa: PLC0415 -- the same

    level = registry.level_of(theirs)
    if level == LEVEL:
        yield f"is {LEVEL}"
    else:
        if not dry_run:
            registry.set_level(theirs)
        yield f"{'would be' if dry_run else 'is now'} {LEVEL}"
    for number, schema in enumerate(versions(ours), start=1):
        schema_id = registry.id_of(theirs, schema)
        if schema_id is not None:
            yield f"version {number} was there, id {schema_id}"
        elif dry_run:
            yield f"version {number} would be registered"
        else:
            yield f"version {number} registered, id {registry.register(theirs, schema)}"


def local_problems(ours: str) -> list[str]:
    """Which of our own versions of a subject cannot read one another, and why."""
    from schemas.codec import versions  # noqa: PLC0415 -- keeps --help fast
    from schemas.compat import full_transitive  # noqa: PLC0415 -- the same

    return full_transitive(versions(ours))


def registry_problems(registry: "SchemaRegistry", ours: str, theirs: str) -> Iterator[str]:
    """Why the registry's versions and ours do not read one another, or why it would refuse ours."""
    from schemas.codec import versions  # noqa: PLC0415 -- keeps --help fast
    from schemas.compat import incompatibilities  # noqa: PLC0415 -- the same

    theirs_by_id = registry.versions_of(theirs)
    for number, schema in enumerate(versions(ours), start=1):
        if registry.id_of(theirs, schema) is not None:
            continue
        reasons = [
            f"{who}: {reason}"
            for schema_id, there in theirs_by_id.items()
            for who, reader, writer in (
                (f"version {number} cannot read the registry's id {schema_id}", schema, there),
                (f"the registry's id {schema_id} cannot read version {number}", there, schema),
            )
            for reason in incompatibilities(reader, writer)
        ]
        if not reasons and not registry.accepts(theirs, schema):
            reasons = [f"the registry at {registry.where} would refuse version {number}"]
        yield from reasons


def _well(registry: "SchemaRegistry | None", ours: str, theirs: str) -> str:
    from schemas.codec import versions  # noqa: PLC0415 -- keeps --help fast

    count = len(versions(ours))
    here = f"{count} {'version reads' if count == 1 else 'versions read'} one another"
    if registry is None:
        return f"{here}; no registry is set"
    missing = sum(registry.id_of(theirs, schema) is None for schema in versions(ours))
    return f"{here}; {f'{missing} not registered yet' if missing else 'all registered'}"

"""``callytics diff RUN_A RUN_B``: what a replay changed."""

import asyncio
import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infra.errors import ErrorCode, Poison
from infra.settings import Settings

if TYPE_CHECKING:
    from ops.comparison import Comparison

app = typer.Typer()


@app.command(epilog="Example: callytics diff previous replay-0a1b2c3d4e5f")
def diff(
    run_a: Annotated[str, typer.Argument(help="A run, or: previous.")],
    run_b: Annotated[str, typer.Argument(help="A run, such as a replay's id.")],
    *,
    tenant: Annotated[str | None, typer.Option(help="Only this tenant's calls.")] = None,
    calls: Annotated[bool, typer.Option("--calls", help="Also list the calls that changed.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare two runs of the same calls: in how many of them each feature changed.

    A run is a replay's id, or 1 for what the calls got at first; previous is what each call had before RUN_B.
    """
    found = asyncio.run(compare(run_a, run_b, tenant=tenant, settings=Settings()))
    if as_json:
        typer.echo(json.dumps(_as_json(found, with_calls=calls), ensure_ascii=False, indent=2))
        return
    typer.echo(
        f"{found.both} calls in both, {found.only_before} only in {run_a}, {found.only_after} only in {run_b}"
    )
    for name, ids in found.changed.items():
        typer.echo(f"{name} changed on {len(ids)} of {found.both} calls{_how_much(found, name)}")
        for call_id in ids if calls else ():
            typer.echo(f"  {call_id}")


async def compare(run_a: str, run_b: str, *, tenant: str | None, settings: Settings) -> "Comparison":
    """The comparison of two runs. Poison when the second has no documents."""
    from infra.store import Store  # noqa: PLC0415 -- keeps --help fast
    from ops.comparison import Comparison, pairs  # noqa: PLC0415 -- keeps --help fast

    store = Store(settings)
    found = Comparison()
    try:
        async for pair in pairs(store, run_a, run_b, tenant=tenant):
            found.add(pair)
    finally:
        store.close()
    if not found.both + found.only_after:
        raise Poison(ErrorCode.CONTRACT, f"run {run_b} has no documents; see: callytics replay status")
    return found


def _how_much(found: "Comparison", name: str) -> str:
    """By how much a feature changed, of those that have a measure."""
    if name == "words" and found.edit_rate:
        return f" (edit rate {found.edit_rate:.1%})"
    if name == "score card" and found.score_change is not None:
        return f" (mean change {found.score_change:+.1f} points)"
    return ""


def _as_json(found: "Comparison", *, with_calls: bool) -> dict[str, Any]:
    return {
        "both": found.both,
        "only_a": found.only_before,
        "only_b": found.only_after,
        "edit_rate": found.edit_rate,
        "score_change": found.score_change,
        "changed": {name: ids if with_calls else len(ids) for name, ids in found.changed.items()},
    }

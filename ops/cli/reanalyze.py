"""``callytics reanalyze``: stored calls analysed again with other rules."""

import asyncio
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from infra.errors import ErrorCode, Poison
from ops.cli.times import moment

app = typer.Typer()


@app.command(epilog="Example: callytics reanalyze --since 2d --rules rules/")
def reanalyze(
    *,
    since: Annotated[str | None, typer.Option(help="From this time on: 2h, 3d (ago) or ISO 8601.")] = None,
    until: Annotated[str | None, typer.Option(help="Before this time; now if not given.")] = None,
    call: Annotated[list[str] | None, typer.Option("--call", help="Only this call; may be repeated.")] = None,
    rules: Annotated[
        Path | None,
        typer.Option(help="Folder of tables, or one table, that replace the shipped ones.", exists=True),
    ] = None,
    tenant: Annotated[str | None, typer.Option(help="Only this tenant's calls.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Analyse stored calls again, without audio: each gets a new revision, and callytics diff tells what changed.

    The time is that at which a call's first part came in. Nothing is published to calls.analyzed.
    """
    if since is None and not call:
        raise typer.BadParameter("say which calls: give --since or --call")
    now = datetime.now(UTC)
    now_ms = round(now.timestamp() * 1000)
    bounds = (
        moment(since, now_ms=now_ms) if since else None,
        moment(until, now_ms=now_ms) if until else None,
    )
    run_id = f"reanalyze-{now:%Y%m%dT%H%M%S}{now.microsecond // 1000:03d}Z"
    done, missing = asyncio.run(
        _reanalyze(run_id, bounds, calls=tuple(call or ()), rules=rules, tenant=tenant)
    )
    if as_json:
        typer.echo(json.dumps({"run_id": run_id, "calls": done, "without_parts": missing}))
        return
    typer.echo(f"{run_id}: {done} calls analysed again, {missing} without stored parts")
    typer.echo(f"what changed: callytics diff previous {run_id}")


async def _reanalyze(
    run_id: str,
    bounds: tuple[int | None, int | None],
    *,
    calls: Sequence[str],
    rules: Path | None,
    tenant: str | None,
) -> tuple[int, int]:
    """How many calls were done and how many have no parts. Poison when nothing is stored of any."""
    from consumers.analysis.settings import AnalysisSettings  # noqa: PLC0415 -- keeps --help fast
    from infra.store import Store  # noqa: PLC0415 -- keeps --help fast
    from ops.reanalysis import Reanalysis  # noqa: PLC0415 -- keeps --help fast

    settings = AnalysisSettings()
    store = Store(settings)
    done = missing = 0
    try:
        keys = await store.assemblies.arrived(
            since_ms=bounds[0], until_ms=bounds[1], call_ids=calls, tenant=tenant
        )
        if not keys:
            raise Poison(ErrorCode.CONTRACT, "no such call has stored parts; see: callytics replay plan")
        async for result in Reanalysis(store, run_id=run_id, rules=rules, pii_key=settings.pii_hash_key).run(
            keys
        ):
            done += result.document is not None
            missing += result.document is None
            if sys.stderr.isatty():
                typer.echo(f"\r{done + missing}/{len(keys)}", err=True, nl=False)
    finally:
        store.close()
    return done, missing

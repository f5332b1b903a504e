"""``callytics status``: whether any call is lost."""

import asyncio
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infra.settings import Settings
from ops.cli.exits import Exit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.completeness import Completeness, Key

app = typer.Typer()

_LOOK_AGAIN_S = 2.0
_WATCH_S = 5.0


@app.command(epilog="Example: callytics status --since 24h")
def status(
    *,
    since: Annotated[str, typer.Option(help="Calls that ended since: 24h, 3d, or an ISO time.")] = "24h",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    prometheus: Annotated[bool, typer.Option("--prometheus", help="Prometheus text exposition.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Go on every few seconds until Ctrl-C.")] = False,
) -> None:
    """Account for every call: how many came in, have a document, are on their way, or are lost.

    Exit 1 when a call is lost: no document, and no place from which one can still come. That is said only
    after a second look.
    """
    if as_json and prometheus:
        raise typer.BadParameter("choose one of --json and --prometheus")
    settings = Settings()
    while True:
        found, missing = asyncio.run(_look(settings, since=since))
        if as_json:
            typer.echo(json.dumps(told(found, missing), ensure_ascii=False))
        elif prometheus:
            typer.echo(exposition(found), nl=False)
        else:
            _show(found, missing)
        if not watch:
            break
        asyncio.run(asyncio.sleep(_WATCH_S))
    if found.lost:
        raise typer.Exit(Exit.SOME_FAILED)


def told(found: "Completeness", missing: "Mapping[Key, tuple[str, ...]]") -> dict[str, Any]:
    """The account as JSON has it."""
    lost = [
        {"tenant": tenant, "call_id": call_id, "missing": missing.get((tenant, call_id), ())}
        for tenant, call_id in found.lost
    ]
    return {**asdict(found), "lost": lost}


def exposition(found: "Completeness") -> str:
    """The account in Prometheus's text format, for a cron job or sidecar that exports it."""
    from prometheus_client import CollectorRegistry, Gauge, generate_latest  # noqa: PLC0415 -- keeps --help fast

    registry = CollectorRegistry()

    def gauge(name: str, text: str, value: float) -> None:
        Gauge(f"callytics_status_{name}", text, registry=registry).set(value)

    def gauges(name: str, text: str, label: str, values: "Mapping[str, int]") -> None:
        family = Gauge(f"callytics_status_{name}", text, [label], registry=registry)
        for key, value in values.items():
            family.labels(key).set(value)

    oldest_ms = found.oldest_unfinished_at_ms
    gauge("calls", "Calls that went in.", found.calls)
    gauge("unreadable", "Records of calls.ended that are no event.", found.unreadable)
    gauge("unfinished", "Calls on their way.", found.unfinished)
    gauge("lost", "Calls with no document and no place from which one can come.", len(found.lost))
    gauge("oldest_unfinished_seconds", "Age of the oldest call on its way; 0 without one.", _age_s(oldest_ms))
    gauges("documents", "Calls with a document.", "status", found.documents)
    gauges("in_flight", "Calls that a stage has to do.", "stage", found.in_flight)
    gauges("retrying", "Records that a stage tries again later.", "stage", found.retrying)
    gauges("dead", "Dead letters that are open.", "stage", found.dead)
    return generate_latest(registry).decode()


async def _look(settings: Settings, *, since: str) -> "tuple[Completeness, dict[Key, tuple[str, ...]]]":
    """The account, looked at twice when a call seems to be lost, and what is missing of calls that are."""
    from infra.census import Census  # noqa: PLC0415 -- keeps --help fast
    from infra.completeness import account, gather  # noqa: PLC0415 -- the same
    from infra.envelope import now_ms  # noqa: PLC0415 -- the same
    from infra.registry import codec_for  # noqa: PLC0415 -- the same
    from infra.store import Store  # noqa: PLC0415 -- the same
    from ops.cli.times import moment  # noqa: PLC0415 -- the same

    store = Store(settings)
    census = Census(settings, store, codec_for(settings), since_ms=moment(since, now_ms=now_ms()))
    try:
        found = account(await gather(census))
        if found.lost:
            await asyncio.sleep(_LOOK_AGAIN_S)
            found = account(await gather(census))
        return found, {key: tuple(await census.missing(key)) for key in found.lost}
    finally:
        store.close()


def _age_s(at_ms: int | None) -> float:
    from infra.envelope import now_ms  # noqa: PLC0415 -- keeps --help fast

    return 0.0 if at_ms is None else max(0, now_ms() - at_ms) / 1000


def _show(found: "Completeness", missing: "Mapping[Key, tuple[str, ...]]") -> None:
    from ops.cli.tables import show_table  # noqa: PLC0415 -- keeps --help fast

    rows = [["calls in", str(found.calls)]]
    rows += [[f"documents, {name}", str(n)] for name, n in sorted(found.documents.items())]
    rows.append(["on their way", str(found.unfinished)])
    rows += [[f"  at {stage}", str(n)] for stage, n in found.in_flight.items()]
    rows += [[f"tried again later, {stage}", str(n)] for stage, n in found.retrying.items() if n]
    rows += [[f"dead letters open, {stage}", str(n)] for stage, n in found.dead.items() if n]
    if found.unreadable:
        rows.append(["records that are no event", str(found.unreadable)])
    if found.oldest_unfinished_at_ms is not None:
        rows.append(["oldest on its way", f"{_age_s(found.oldest_unfinished_at_ms):.0f} s"])
    rows.append(["lost", str(len(found.lost))])
    show_table("calls", ("what", "how many"), rows)
    for tenant, call_id in found.lost:
        parts = ", ".join(missing.get((tenant, call_id), ())) or "nothing; the analysis"
        typer.echo(f"lost: {tenant} {call_id}, missing: {parts}", err=True)

"""``callytics replay``: calls done again, whole or one stage of them."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infra.errors import CallyticsError, ErrorCode, Poison
from infra.settings import Settings
from ops.cli.tables import show_table
from ops.cli.times import moment, written

if TYPE_CHECKING:
    from infra.store import Replay, Selection, Store
    from producers.replay import Pace, Plan

app = typer.Typer(
    help="Calls done again, whole or one stage of them, beside the live traffic.", no_args_is_help=True
)

Since = Annotated[str | None, typer.Option(help="From this time on: 2h, 3d (ago) or ISO 8601.")]
Until = Annotated[str | None, typer.Option(help="Before this time; now if not given.")]
Calls = Annotated[list[str] | None, typer.Option("--call", help="Only this call; may be repeated.")]
Tenant = Annotated[str | None, typer.Option(help="Only this tenant's calls.")]
Stage = Annotated[str, typer.Option(help="all, transcription, diarization or analysis.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command(epilog="Example: callytics replay plan --since 2d --stage analysis")
def plan(
    *,
    since: Since = None,
    until: Until = None,
    call: Calls = None,
    tenant: Tenant = None,
    stage: Stage = "all",
    as_json: Json = False,
) -> None:
    """Say what a replay would do: calls, hours of audio, and how long the last one of its kind took."""
    selection = _selection(since, until, call, tenant=tenant, stage=stage)
    _show_plan(asyncio.run(_plan(selection, Settings())), as_json=as_json)


@app.command(epilog="Example: callytics replay run --since 2d --stage analysis --yes")
def run(  # noqa: PLR0913 -- the selection's options and the pace's
    *,
    since: Since = None,
    until: Until = None,
    call: Calls = None,
    tenant: Tenant = None,
    stage: Stage = "all",
    rate: Annotated[float, typer.Option(min=0.01, help="At most so many calls a second.")] = 10.0,
    window: Annotated[int, typer.Option(min=1, help="At most so many calls sent and not yet finished.")] = 50,
    resume: Annotated[str | None, typer.Option(help="Go on with this replay, which was cut off.")] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do it; without this, only say what would be done.")
    ] = False,
) -> None:
    """Do calls again and wait for their documents; Ctrl-C leaves a replay that --resume goes on with."""
    from infra.telemetry import configure_tracing  # noqa: PLC0415 -- keeps --help fast
    from producers.replay import Pace  # noqa: PLC0415 -- keeps --help fast

    settings = Settings()
    selection = None if resume else _selection(since, until, call, tenant=tenant, stage=stage)
    if selection is not None and not yes:
        _show_plan(asyncio.run(_plan(selection, settings)), as_json=False)
        typer.echo("nothing was sent: add --yes to do it")
        return
    provider = configure_tracing(service="replay", endpoint=settings.otlp_endpoint)
    try:
        asyncio.run(_run(selection, settings, pace=Pace(rate=rate, window=window), resume=resume))
    finally:
        provider.shutdown()


@app.command(epilog="Example: callytics replay status")
def status(
    replay_id: Annotated[
        str | None, typer.Argument(help="One replay; the newest twenty if not given.")
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """Show how far replays have come."""
    found = asyncio.run(_status(replay_id, Settings()))
    if as_json:
        typer.echo(json.dumps([replay.model_dump(mode="json") for replay in found], indent=2))
        return
    rows = [
        (
            replay.id,
            replay.state.value,
            replay.selection.stage,
            f"{replay.finished}/{replay.total}",
            str(replay.published),
            str(replay.skipped),
            written(replay.created_at_ms),
        )
        for replay in found
    ]
    show_table("replays", ("id", "state", "stage", "finished", "sent", "skipped", "begun"), rows)


@app.command(epilog="Example: callytics replay cancel replay-1f3a")
def cancel(replay_id: Annotated[str, typer.Argument(help="The replay.")]) -> None:
    """Have a replay send no more calls; those on their way are finished."""
    replay = asyncio.run(_cancel(replay_id, Settings()))
    typer.echo(f"cancelled {replay.id}: {replay.finished} of {replay.total} calls were finished")


def _selection(
    since: str | None, until: str | None, calls: Sequence[str] | None, *, tenant: str | None, stage: str
) -> "Selection":
    from infra.envelope import now_ms  # noqa: PLC0415 -- keeps --help fast
    from infra.store import Selection  # noqa: PLC0415 -- keeps --help fast
    from producers.replay import CHOICES  # noqa: PLC0415 -- keeps --help fast

    if stage not in CHOICES:
        raise typer.BadParameter(f"--stage is one of {', '.join(CHOICES)}")
    if since is None and not calls:
        raise typer.BadParameter("say which calls: give --since or --call")
    now = now_ms()
    return Selection(
        since_ms=moment(since, now_ms=now) if since else None,
        until_ms=moment(until, now_ms=now) if until else now,
        call_ids=tuple(calls or ()),
        tenant=tenant,
        stage=stage,
    )


@asynccontextmanager
async def _store(settings: Settings) -> AsyncIterator["Store"]:
    from infra.store import Store  # noqa: PLC0415 -- keeps --help fast

    store = Store(settings)
    try:
        yield store
    finally:
        store.close()


async def _plan(selection: "Selection", settings: Settings) -> "Plan":
    from producers import replay  # noqa: PLC0415 -- keeps --help fast

    async with _store(settings) as store:
        return await replay.plan(await replay.select(selection, settings), selection, store)


def _show_plan(found: "Plan", *, as_json: bool) -> None:
    shown: dict[str, Any] = {
        "calls": found.calls,
        "audio_hours": round(found.audio_ms / 3_600_000, 2),
        "calls_of_unknown_length": found.unknown_lengths,
        "expected_s": None if found.expected_s is None else round(found.expected_s),
    }
    if as_json:
        typer.echo(json.dumps(shown))
        return
    expected = "unknown" if found.expected_s is None else f"about {found.expected_s:.0f} s"
    typer.echo(
        f"{found.calls} calls, {shown['audio_hours']} hours of audio"
        f" ({found.unknown_lengths} calls of unknown length), time: {expected}"
    )


async def _run(
    selection: "Selection | None", settings: Settings, *, pace: "Pace", resume: str | None
) -> None:
    from infra.service import running_publisher  # noqa: PLC0415 -- keeps --help fast
    from producers.replay import ReplayRun, select  # noqa: PLC0415 -- keeps --help fast

    async with _store(settings) as store, running_publisher(settings) as publisher:
        books = await (_resumed(resume, store) if resume else _begun(selection, store))
        typer.echo(f"replay {books.id}")
        calls = await select(books.selection, settings)
        running = ReplayRun(books, calls, publisher=publisher, store=store, pace=pace)
        try:
            async for now in running.progress():
                if now.finished != books.finished or not now.is_open:
                    typer.echo(f"{now.state}: {now.finished} of {now.total} finished", err=True)
                books = now
        except CallyticsError:
            await store.replays.update(books.id, state="failed")
            typer.echo(f"to go on: callytics replay run --resume {books.id}", err=True)
            raise
        if books.skipped:
            typer.echo(f"{books.skipped} calls have no stored parts any more: replay them with --stage all")


async def _begun(selection: "Selection | None", store: "Store") -> "Replay":
    """The books of a new replay. Poison while another one is open: both would make the same revisions."""
    from infra.envelope import now_ms  # noqa: PLC0415 -- keeps --help fast
    from infra.store import Replay  # noqa: PLC0415 -- keeps --help fast

    if selection is None:
        raise Poison(ErrorCode.CONTRACT, "a replay needs a selection")
    others = await store.replays.unfinished()
    if others:
        raise Poison(
            ErrorCode.CONTRACT,
            f"replay {others[0].id} is not finished: wait for it, go on with it (run --resume) or cancel it",
        )
    books = Replay(id=f"replay-{uuid.uuid4().hex[:12]}", selection=selection, created_at_ms=now_ms())
    await store.replays.create(books)
    return books


async def _resumed(replay_id: str, store: "Store") -> "Replay":
    books = await store.replays.get(replay_id)
    if books is None or not books.is_open:
        state = "unknown" if books is None else books.state
        raise Poison(ErrorCode.CONTRACT, f"replay {replay_id} is {state}: there is nothing to go on with")
    return books


async def _status(replay_id: str | None, settings: Settings) -> "list[Replay]":
    async with _store(settings) as store:
        if replay_id is None:
            return await store.replays.newest()
        found = await store.replays.get(replay_id)
        if found is None:
            raise Poison(ErrorCode.CONTRACT, f"there is no replay {replay_id}; see: callytics replay status")
        finished = await store.documents.count_of(replay_id)
        return [found.model_copy(update={"finished": finished})]


async def _cancel(replay_id: str, settings: Settings) -> "Replay":
    from infra.store import ReplayState  # noqa: PLC0415 -- keeps --help fast

    async with _store(settings) as store:
        cancelled = await store.replays.update(replay_id, state=ReplayState.CANCELLED.value)
        if cancelled is None:
            raise Poison(ErrorCode.CONTRACT, f"replay {replay_id} is unknown or has ended")
        return cancelled

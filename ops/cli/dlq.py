"""``callytics dlq``: the calls that a stage gave up on."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infra.errors import ErrorCode, Poison
from infra.settings import Settings
from schemas.topics import STAGES

if TYPE_CHECKING:
    from producers.redrive import DeadLetter, Place, Selection

app = typer.Typer(help="Dead letters: the calls that a stage gave up on.", no_args_is_help=True)

_LETTER_HELP = "Letters as STAGE:PARTITION:OFFSET, as list prints them."

Letters = Annotated[list[str] | None, typer.Argument(metavar="[LETTER]...", help=_LETTER_HELP)]
Stage = Annotated[list[str] | None, typer.Option(help="Only this stage's; may be repeated.")]
Topic = Annotated[str | None, typer.Option(help="Only records that first failed in this topic.")]
Code = Annotated[str | None, typer.Option(help="Only this error code, such as input_missing.")]
Since = Annotated[str | None, typer.Option(help="Buried since: 24h, 3d, or an ISO time.")]
Until = Annotated[str | None, typer.Option(help="Buried before: 1h, or an ISO time.")]
Call = Annotated[str | None, typer.Option(help="Only this call's.")]
Limit = Annotated[int, typer.Option(min=1, help="At most so many letters.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a letter.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do it; otherwise it is only said what would be done.")]


@app.command("list", epilog="Example: callytics dlq list --stage transcription --code input_missing")
def list_letters(  # noqa: PLR0913 -- one option for each thing that a letter can be found by
    *,
    stage: Stage = None,
    topic: Topic = None,
    code: Code = None,
    since: Since = None,
    until: Until = None,
    call: Call = None,
    limit: Limit = 100,
    show_all: Annotated[bool, typer.Option("--all", help="Also letters redriven or discarded.")] = False,
    as_json: Json = False,
) -> None:
    """List the dead letters that are open: which call, which stage, why."""
    selection = _selection(
        stage, topic=topic, code=code, since=since, until=until, call=call, with_handled=show_all
    )
    found = asyncio.run(_found(selection, limit))
    if as_json:
        for letter in found:
            typer.echo(json.dumps(summary(letter), ensure_ascii=False))
    else:
        _show(found)


@app.command(epilog="Example: callytics dlq show transcription:3:17")
def show(
    letter: Annotated[str, typer.Argument(help="STAGE:PARTITION:OFFSET, as list prints it.")],
    *,
    payload: Annotated[bool, typer.Option("--payload", help="Also what was said in the call.")] = False,
    raw: Annotated[Path | None, typer.Option(help="Write the record's bytes to this file.")] = None,
) -> None:
    """Print one letter as JSON: its headers and its event, without a word of the transcript unless asked for."""
    from infra.registry import codec_for  # noqa: PLC0415 -- keeps --help fast
    from producers.redrive import letters_at  # noqa: PLC0415 -- the same

    settings = Settings()
    (found,) = asyncio.run(letters_at(settings, [_place(letter)]))
    if raw is not None:
        raw.write_bytes(found.record.value or b"")
    headers = {name: value.decode("utf-8", "replace") for name, value in found.record.headers}
    event = decoded(found, codec_for(settings), with_speech=payload)
    typer.echo(json.dumps({**summary(found), "headers": headers, **event}, ensure_ascii=False, indent=2))


@app.command(epilog="Example: callytics dlq redrive --code input_missing --since 24h --yes")
def redrive(  # noqa: PLR0913 -- one option for each thing that a letter can be found by
    letter: Letters = None,
    *,
    stage: Stage = None,
    topic: Topic = None,
    code: Code = None,
    since: Since = None,
    until: Until = None,
    call: Call = None,
    limit: Limit = 1000,
    rate: Annotated[float, typer.Option(min=0.01, help="Letters a second.")] = 10.0,
    again: Annotated[
        bool, typer.Option("--again", help="Also letters redriven or discarded before.")
    ] = False,
    yes: Yes = False,
) -> None:
    """Send letters again to the stage that gave up on them; without --yes only say which.

    Only that stage does its part again; when it succeeds, the call's document becomes complete.
    """
    selection = _selection(
        stage, topic=topic, code=code, since=since, until=until, call=call, with_handled=again
    )
    found = _chosen(letter, selection, limit)
    if not yes:
        _show(found)
        typer.echo(f"would redrive {len(found)} letters; --yes does it")
        return
    redrive_id = asyncio.run(_redrive(found, rate=rate))
    typer.echo(f"redrove {len(found)} letters, id {redrive_id}")


@app.command(epilog="Example: callytics dlq discard transcription:3:17 --yes")
def discard(  # noqa: PLR0913 -- one option for each thing that a letter can be found by
    letter: Letters = None,
    *,
    stage: Stage = None,
    topic: Topic = None,
    code: Code = None,
    since: Since = None,
    until: Until = None,
    call: Call = None,
    limit: Limit = 1000,
    yes: Yes = False,
) -> None:
    """Take letters off the list for good; without --yes only say which. Their documents stay as they are."""
    selection = _selection(
        stage, topic=topic, code=code, since=since, until=until, call=call, with_handled=False
    )
    found = _chosen(letter, selection, limit)
    if not yes:
        _show(found)
        typer.echo(f"would discard {len(found)} letters; --yes does it")
        return
    asyncio.run(_discard(found))
    typer.echo(f"discarded {len(found)} letters")


def summary(letter: "DeadLetter") -> dict[str, Any]:
    """What a list says of a letter."""
    from infra.bus import headers  # noqa: PLC0415 -- keeps --help fast

    attempt = letter.header(headers.ATTEMPT)
    return {
        "letter": str(letter.place),
        "stage": letter.place.stage,
        "partition": letter.place.partition,
        "offset": letter.place.offset,
        "failed_at_ms": letter.failed_at_ms,
        "call_id": letter.call_id,
        "code": letter.header(headers.ERROR_CODE),
        "attempt": int(attempt) if attempt and attempt.isdecimal() else None,
        "message": letter.header(headers.ERROR_MESSAGE),
        "state": letter.handled.action if letter.handled else "open",
    }


def decoded(letter: "DeadLetter", codec: Any, *, with_speech: bool) -> dict[str, Any]:
    """The letter's event, or why it is none. Of a transcript's segments only their number, unless asked for."""
    from schemas.codec import EVENTS, DecodeError  # noqa: PLC0415 -- keeps --help fast
    from schemas.records import CallTranscribed  # noqa: PLC0415 -- the same

    try:
        event = codec.decode(letter.record.value or b"", EVENTS)
    except DecodeError as error:
        return {"event_type": None, "reason": str(error)}
    body = event.model_dump(mode="json")
    if isinstance(event, CallTranscribed) and not with_speech:
        body["segments"] = f"{len(event.segments)} segments; --payload prints them"
    return {"event_type": type(event).__name__, "event": body}


def _selection(
    stages: Sequence[str] | None,
    *,
    topic: str | None,
    code: str | None,
    since: str | None,
    until: str | None,
    call: str | None,
    with_handled: bool,
) -> "Selection":
    from infra.envelope import now_ms  # noqa: PLC0415 -- keeps --help fast
    from ops.cli.times import moment  # noqa: PLC0415 -- the same
    from producers.redrive import Selection  # noqa: PLC0415 -- the same

    unknown = set(stages or ()) - set(STAGES)
    if unknown:
        raise typer.BadParameter(f"unknown stage {', '.join(unknown)}, use one of {', '.join(STAGES)}")
    now = now_ms()
    return Selection(
        stages=tuple(stages or STAGES),
        source=topic,
        code=code,
        call_id=call,
        since_ms=moment(since, now_ms=now) if since else None,
        until_ms=moment(until, now_ms=now) if until else None,
        with_handled=with_handled,
    )


def _chosen(named: Sequence[str] | None, selection: "Selection", limit: int) -> Sequence["DeadLetter"]:
    """The letters that are named, else those that are selected."""
    from producers.redrive import letters_at  # noqa: PLC0415 -- keeps --help fast

    if not named:
        return asyncio.run(_found(selection, limit))
    found = asyncio.run(letters_at(Settings(), [_place(text) for text in named]))
    for letter in found:
        if letter.handled is not None and not selection.with_handled:
            raise Poison(
                ErrorCode.CONTRACT, f"{letter.place} is {letter.handled.action} already; --again redrives it"
            )
    return found


def _place(text: str) -> "Place":
    from producers.redrive import Place  # noqa: PLC0415 -- keeps --help fast

    try:
        return Place.parse(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no letter: write STAGE:PARTITION:OFFSET") from None


async def _found(selection: "Selection", limit: int) -> Sequence["DeadLetter"]:
    from contextlib import aclosing  # noqa: PLC0415 -- keeps --help fast

    from producers.redrive import letters  # noqa: PLC0415 -- the same

    found: list[DeadLetter] = []
    async with aclosing(letters(Settings(), selection)) as selected:
        async for letter in selected:
            found.append(letter)
            if len(found) == limit:
                break
    return found


async def _redrive(found: Sequence["DeadLetter"], *, rate: float) -> str:
    from infra.service import running_publisher  # noqa: PLC0415 -- keeps --help fast
    from infra.telemetry import configure_tracing  # noqa: PLC0415 -- the same
    from producers.redrive import LetterOffice  # noqa: PLC0415 -- the same

    settings = Settings()
    provider = configure_tracing(service="redrive", endpoint=settings.otlp_endpoint)
    try:
        async with running_publisher(settings) as publisher:
            return await LetterOffice(publisher, rate=rate).redrive(found)
    finally:
        provider.shutdown()


async def _discard(found: Sequence["DeadLetter"]) -> None:
    from infra.service import running_publisher  # noqa: PLC0415 -- keeps --help fast
    from producers.redrive import LetterOffice  # noqa: PLC0415 -- the same

    async with running_publisher(Settings()) as publisher:
        await LetterOffice(publisher, rate=1).discard(found)


def _show(found: Sequence["DeadLetter"]) -> None:
    from ops.cli.tables import show_table  # noqa: PLC0415 -- keeps --help fast
    from ops.cli.times import written  # noqa: PLC0415 -- the same

    rows = []
    for letter in found:
        told = summary(letter)
        cells = [told[name] for name in ("letter", "call_id", "code", "state", "message")]
        cells.insert(-1, written(letter.failed_at_ms))
        rows.append(["-" if cell is None else str(cell) for cell in cells])
    columns = ("letter", "call", "code", "state", "failed at", "message")
    show_table(f"{len(found)} dead letters", columns, rows)

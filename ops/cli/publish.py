"""``callytics publish``: one call from options, or many from JSON Lines."""

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from infra.errors import ErrorCode, Poison
from infra.settings import Settings
from schemas.records import CallEnded, Direction, Role

app = typer.Typer()


@app.command(epilog="Example: callytics publish --recording /srv/1.wav --role agent --role customer")
def publish(  # noqa: PLR0913 -- one option for each thing that a telephony system may know
    *,
    recording: Annotated[str | None, typer.Option(help="URI or path of the recording.")] = None,
    source: Annotated[str | None, typer.Option("--from", help="JSON Lines file, or - for stdin.")] = None,
    call_id: Annotated[str | None, typer.Option(help="The call's id; random if not given.")] = None,
    tenant: Annotated[str, typer.Option(help="The tenant.")] = "default",
    role: Annotated[list[Role] | None, typer.Option(help="Role of each channel, in order.")] = None,
    direction: Annotated[Direction, typer.Option(help="Who called whom.")] = Direction.UNKNOWN,
    language: Annotated[str | None, typer.Option(help="Language hint such as ko or en.")] = None,
    speakers: Annotated[int | None, typer.Option(help="Number of speakers, if known.")] = None,
    agent: Annotated[str | None, typer.Option(help="The agent's id.")] = None,
    queue: Annotated[str | None, typer.Option(help="The queue; routes choose models by it.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a call.")] = False,
) -> None:
    """Publish call-ended events: one from options, or many by --from, one JSON object a line.

    Exit 1 when a call is wrong: then none is published.
    """
    from infra.telemetry import configure_tracing  # noqa: PLC0415 -- keeps --help fast
    from producers.call_ended import request_from, requests_from  # noqa: PLC0415 -- keeps --help fast

    if (recording is None) == (source is None):
        raise typer.BadParameter("give either --recording or --from")
    if recording is not None:
        body = {
            "recording": recording,
            "call_id": call_id,
            "tenant": tenant,
            "channel_roles": role or (),
            "direction": direction,
            "language_hint": language,
            "speakers_hint": speakers,
            "agent_id": agent,
            "queue": queue,
        }
        requests = [request_from(body, where="options")]
    else:
        requests = list(requests_from(_lines(source or "-"), source=source or "-"))
    events = [request.event() for request in requests]
    settings = Settings()
    provider = configure_tracing(service="publisher", endpoint=settings.otlp_endpoint)
    try:
        asyncio.run(publish_events(events, settings))
    finally:
        provider.shutdown()
    for event in events:
        answer = {"call_id": event.call_id, "tenant": event.tenant, "event_id": event.event_id}
        typer.echo(json.dumps(answer) if as_json else f"published {event.call_id}")


async def publish_events(events: Sequence[CallEnded], settings: Settings) -> None:
    """Publish events; returns when the broker has confirmed them all."""
    from infra.service import running_publisher  # noqa: PLC0415 -- keeps --help fast

    async with running_publisher(settings) as publisher:
        await publisher.publish_all(events)


def _lines(source: str) -> list[str]:
    if source == "-":
        return sys.stdin.readlines()
    try:
        return Path(source).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise Poison(ErrorCode.CONTRACT, f"{source} cannot be read: {error.strerror}") from error

"""Publishing "call ended": the one way in for telephony systems, the command line and the demonstration."""

import json
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationError

from infra.envelope import event_id, now_ms
from infra.errors import ErrorCode, Poison
from schemas.records import Call, CallEnded, Direction, Identifier, Milliseconds, Record, Recording, Role

STAGE = "ended"


def _absolute(uri: str) -> str:
    """A bare path becomes an absolute ``file`` URI: the service that reads it runs elsewhere."""
    return uri if urlsplit(uri).scheme else Path(uri).resolve().as_uri()


class CallRequest(Record):
    """A call as people write it down: one JSON object, flat. ``recording`` is a URI or a path."""

    recording: Annotated[str, Field(min_length=1), AfterValidator(_absolute), Field(max_length=4096)]
    call_id: Identifier | None = None
    tenant: Identifier = "default"
    channel_roles: tuple[Role, ...] = ()
    direction: Direction = Direction.UNKNOWN
    language_hint: str | None = None
    speakers_hint: Annotated[int, Field(ge=1, le=32)] | None = None
    started_at_ms: Milliseconds | None = None
    ended_at_ms: Milliseconds | None = None
    agent_id: str | None = None
    queue: str | None = None
    attributes: dict[str, str] = {}  # noqa: RUF012 -- pydantic copies defaults

    def event(self) -> CallEnded:
        """The first run of this call. A call without an id gets a random one."""
        known = self.model_dump(exclude={"recording", "call_id", "tenant", "channel_roles"})
        event = CallEnded(
            event_id="-",
            call_id=self.call_id or str(uuid.uuid4()),
            tenant=self.tenant,
            run_id="1",
            produced_at_ms=now_ms(),
            call=Call(recording=Recording(uri=self.recording, channel_roles=self.channel_roles), **known),
        )
        return event.model_copy(update={"event_id": event_id(event, STAGE)})


def requests_from(lines: Iterable[str], *, source: str) -> Iterator[CallRequest]:
    """The calls of a JSON Lines text; Poison naming the line that is wrong. Blank lines are skipped."""
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield request_from(
                _parsed(line, where=f"{source}, line {number}"), where=f"{source}, line {number}"
            )


def request_from(body: dict[str, Any], *, where: str) -> CallRequest:
    """One call; Poison naming the fields that are wrong."""
    try:
        return CallRequest.model_validate(body)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'call'}: {e['msg']}" for e in error.errors())
        raise Poison(ErrorCode.CONTRACT, f"{where}: {faults}") from error


def _parsed(line: str, *, where: str) -> dict[str, Any]:
    try:
        body = json.loads(line)
    except json.JSONDecodeError as error:
        raise Poison(ErrorCode.CONTRACT, f"{where}: no JSON ({error.msg})") from error
    if not isinstance(body, dict):
        raise Poison(ErrorCode.CONTRACT, f"{where}: one JSON object a line is needed")
    return body

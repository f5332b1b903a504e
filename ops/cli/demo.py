"""``callytics demo``: the whole pipeline on real audio, on this machine, in one command."""

import asyncio
import json
import shlex
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from infra.errors import CallyticsError, ErrorCode, Fatal
from infra.settings import INSTALLATION, Settings
from ops.cli.show import documents_folder

if TYPE_CHECKING:
    from ops.local import LocalPipeline
    from producers.call_ended import CallRequest
    from schemas.document import CallDocument
    from schemas.records import CallEnded

app = typer.Typer()

SAMPLES = INSTALLATION / "ops" / "models" / "samples"

_DEADLINE_S = 1800.0
_LOOK_S = 0.5
_REAL = "real"
"""The queue whose route leads to the ``small`` profile."""


@app.command(epilog="Example: callytics demo --audio my-call.wav")
def demo(
    *,
    audio: Annotated[
        Path | None, typer.Option(help="Your own recording instead of the sample calls.", dir_okay=False)
    ] = None,
) -> None:
    """Send sample calls through broker, three services and store, all started here and stopped at the end.

    Real recordings meet the small profile (genuine models, fetched once), synthetic Korean and English calls
    the demo profile, which understands nothing else. Exit 1 when a call failed.
    """
    from ops.local import LocalPipeline  # noqa: PLC0415 -- keeps --help fast

    console = Console()
    settings = Settings()
    small = _small_profile(settings, console)
    calls = _own_call(audio, small=small) if audio else _sample_calls(small=small)
    folder = settings.cache_dir / "demo"
    shutil.rmtree(folder, ignore_errors=True)
    requests = [request for request, _ in calls]
    warm = sorted({"small" if request.queue == _REAL else "demo" for request in requests})
    environment = {
        "CALLYTICS_ALLOWED_ROOTS": json.dumps([str(audio.resolve().parent if audio else SAMPLES)]),
        "CALLYTICS_WARM_PROFILES": json.dumps(warm),
        "CALLYTICS_CACHE_DIR": str(settings.cache_dir),
    }
    with _terminated_like_interrupted(), LocalPipeline(folder, environment=environment) as pipeline:
        console.print(f"Started a broker, a store and three services; logs in {folder}")
        documents = _run(pipeline, [request.event() for request in requests], console)
    _keep(documents, documents_folder(settings))
    shutil.rmtree(folder / "stack", ignore_errors=True)
    _print_table(documents, {request.call_id or "": text for request, text in calls}, console)
    console.print(f"\nWhere to look next: callytics show --demo {shlex.quote(documents[0].call_id)}")
    if any(document.status != "complete" for document in documents):
        raise typer.Exit(1)


def _small_profile(settings: Settings, console: Console) -> bool:
    """Whether the genuine models are there, after fetching them if need be."""
    from infra.models.fetch import fetch_profile, is_present  # noqa: PLC0415 -- keeps --help fast

    if is_present(settings.model_cache):
        return True
    console.print("Fetching the small profile (about 215 MB, once) …")
    try:
        fetch_profile(settings.model_cache)
    except CallyticsError as error:
        console.print(
            f"[yellow]Without the small profile there are no real recordings:[/yellow] {error.message}"
        )
        return False
    return True


def _sample_calls(*, small: bool) -> "list[tuple[CallRequest, str]]":
    from producers.call_ended import request_from  # noqa: PLC0415 -- keeps --help fast

    calls = []
    for line in (SAMPLES / "catalog.jsonl").read_text(encoding="utf-8").splitlines():
        body = json.loads(line)
        description = body.pop("description")
        body["recording"] = str(SAMPLES / body.pop("file"))
        if small or body["queue"] != _REAL:
            calls.append((request_from(body, where="catalog"), description))
    return calls


def _own_call(audio: Path, *, small: bool) -> "list[tuple[CallRequest, str]]":
    from producers.call_ended import request_from  # noqa: PLC0415 -- keeps --help fast

    if not audio.is_file():
        raise typer.BadParameter(f"{audio} is no file", param_hint="--audio")
    if not small:
        raise Fatal(
            ErrorCode.RESOURCE, "your own recording needs the small profile: callytics models fetch small"
        )
    body = {"recording": str(audio.resolve()), "call_id": f"own-{audio.stem}", "queue": _REAL}
    return [(request_from(body, where="--audio"), audio.name)]


def _run(pipeline: "LocalPipeline", events: "Sequence[CallEnded]", console: Console) -> "list[CallDocument]":
    from ops.cli.publish import publish_events  # noqa: PLC0415 -- keeps --help fast

    asyncio.run(publish_events(events, pipeline.settings))
    console.print(f"Published {len(events)} calls; the services warm their models up and begin")
    if console.is_terminal:
        return _run_with_bar(pipeline, events, console)
    documents = []
    for document in _arriving(pipeline, events):
        documents.append(document)
        console.print(f"{len(documents)}/{len(events)} {document.call_id} {document.status}")
    return documents


def _run_with_bar(
    pipeline: "LocalPipeline", events: "Sequence[CallEnded]", console: Console
) -> "list[CallDocument]":
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("calls", total=len(events))
        documents = []
        for document in _arriving(pipeline, events):
            documents.append(document)
            progress.update(task, advance=1, description=f"{document.call_id} {document.status}")
        return documents


def _arriving(pipeline: "LocalPipeline", events: "Sequence[CallEnded]") -> "Iterator[CallDocument]":
    """The documents as they appear. Fatal when a service ends or nothing comes any more."""
    from infra.store import Store  # noqa: PLC0415 -- keeps --help fast

    waiting = [event.call_id for event in events]
    deadline = time.monotonic() + _DEADLINE_S
    with asyncio.Runner() as runner, closing(Store(pipeline.settings)) as store:
        while waiting:
            pipeline.check()
            if time.monotonic() > deadline:
                raise Fatal(
                    ErrorCode.TIMEOUT, f"no document of {', '.join(waiting)}; read the services' logs"
                )
            for call_id in list(waiting):
                document = runner.run(store.find(call_id))
                if document is not None:
                    waiting.remove(call_id)
                    yield document
            time.sleep(_LOOK_S)


def _keep(documents: "Sequence[CallDocument]", folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for document in documents:
        file = folder / f"{quote(document.call_id, safe='')}.json"
        file.write_text(document.model_dump_json(indent=2), encoding="utf-8")


def _print_table(documents: "Sequence[CallDocument]", descriptions: dict[str, str], console: Console) -> None:
    table = Table(title="The calls", show_lines=True)
    for column in ("call", "what it was", "who spoke", "sentiment", "first and last words"):
        table.add_column(column, overflow="fold")
    for document in sorted(documents, key=lambda d: d.call_id):
        table.add_row(
            f"{document.call_id}\n{document.status} {document.language or ''}",
            descriptions.get(document.call_id, ""),
            _talk(document),
            _sentiment(document),
            _words(document),
        )
    Console(width=None if console.is_terminal else 160).print(table)


def _talk(document: "CallDocument") -> str:
    known = document.conversation.talk_time_by_speaker_ms if document.conversation else {}
    roles = {participant.speaker: participant.role for participant in document.participants}
    return "\n".join(f"{roles.get(s, s)} {ms / 1000:.1f} s" for s, ms in known.items()) or "nobody"


def _sentiment(document: "CallDocument") -> str:
    if document.sentiment is None:
        return ""
    parties = {"customer": document.sentiment.customer, "agent": document.sentiment.agent}
    return "\n".join(f"{name} {p.label} {p.score:+.2f}" for name, p in parties.items() if p)


def _words(document: "CallDocument") -> str:
    if document.errors:
        return "\n".join(f"{error.stage}: {error.message}" for error in document.errors)
    if not document.turns:
        return "no speech"
    return f"{document.turns[0].text[:60]} … {document.turns[-1].text[-60:]}"


@contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """SIGTERM must stop what was started just as Ctrl-C does."""

    def on_signal(number: int, _: object) -> None:
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, on_signal)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)

"""``callytics show CALL_ID``: one call's document."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from infra.settings import Settings

if TYPE_CHECKING:
    from schemas.document import CallDocument
    from schemas.scorecard import ScoreCard

app = typer.Typer()


@app.command(epilog="Example: callytics show sample-ko-angry --json")
def show(
    call_id: Annotated[str, typer.Argument(help="The call's id.")],
    *,
    tenant: Annotated[str | None, typer.Option(help="The tenant, where an id is used by several.")] = None,
    demo: Annotated[bool, typer.Option("--demo", help="A call of the last `callytics demo`.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the document as JSON.")] = False,
) -> None:
    """Print a call's newest document: who said what, when, and how it felt. Exit 1 when there is none."""
    settings = Settings()
    if demo:
        document = demonstrated(call_id, settings)
    else:
        document = asyncio.run(find(call_id, tenant=tenant, settings=settings))
    if document is None:
        typer.echo(f"callytics: error: no document of call {call_id}; is it still on its way?", err=True)
        raise typer.Exit(1)
    if as_json:
        typer.echo(document.model_dump_json(indent=2))
    else:
        print_document(document, Console())


def demonstrated(call_id: str, settings: Settings) -> "CallDocument | None":
    """A document that the last demonstration kept; its store is gone."""
    from schemas.document import CallDocument  # noqa: PLC0415 -- keeps --help fast

    file = documents_folder(settings) / f"{quote(call_id, safe='')}.json"
    return CallDocument.model_validate_json(file.read_bytes()) if file.is_file() else None


def documents_folder(settings: Settings) -> Path:
    """Where the demonstration keeps its documents."""
    return settings.cache_dir / "demo" / "documents"


async def find(call_id: str, *, tenant: str | None, settings: Settings) -> "CallDocument | None":
    """The newest document of a call."""
    from infra.store import Store  # noqa: PLC0415 -- keeps --help fast

    store = Store(settings)
    try:
        return await store.find(call_id, tenant=tenant)
    finally:
        store.close()


def print_document(document: "CallDocument", console: Console) -> None:
    """A document for people."""
    length = f"{document.audio.duration_ms / 1000:.1f} s" if document.audio else "no audio"
    console.print(f"[bold]{document.call_id}[/bold]  {document.status}  {document.language or '-'}  {length}")
    for error in document.errors:
        console.print(f"[red]{error.stage}: {error.code}[/red] {error.message}")
    if document.speech is False:
        console.print("no speech in this recording")
    console.print(_turns(document))
    for name, value in _findings(document):
        console.print(f"[bold]{name}[/bold]  {value}", highlight=False)
    if document.scorecard is not None and document.scorecard.total is not None:
        console.print(_scores(document.scorecard))
    if document.conversation is not None:
        console.print_json(document.conversation.model_dump_json(exclude_none=True))
    for skipped in document.skipped:
        console.print(f"[dim]not computed: {skipped.feature} ({skipped.reason}) {skipped.message}[/dim]")


def _turns(document: "CallDocument") -> Table:
    turns = Table(box=None, pad_edge=False)
    for column in ("start", "speaker", "role", "words", "sentiment"):
        turns.add_column(column, overflow="fold")
    for turn in document.turns:
        mood = f"{turn.sentiment.score:+.2f}" if turn.sentiment else ""
        turns.add_row(f"{turn.start_ms / 1000:.2f}", turn.speaker, turn.role, escape(turn.text), mood)
    return turns


def _findings(document: "CallDocument") -> Iterator[tuple[str, str]]:
    """What a reviewer asks first."""
    if document.outcome is not None:
        yield "outcome", f"{document.outcome.label} ({document.outcome.confidence:.2f})"
    if document.topics:
        yield "topics", ", ".join(topic.title for topic in document.topics)
    if document.categories:
        yield "categories", ", ".join(category.name for category in document.categories)
    if document.escalation is not None and document.escalation.detected:
        yield "escalation", ", ".join(dict.fromkeys(event.kind for event in document.escalation.events))
    for failure in document.scorecard.failures if document.scorecard else ():
        yield "failure", f"{failure.title} ({len(failure.evidence)})"


def _scores(card: "ScoreCard") -> Table:
    basis = f"by {card.automatic_points:.0f} points; {card.human_points:.0f} for people"
    title = f"score {card.total:.0f} of 100, {basis}"
    scores = Table(box=None, pad_edge=False, title=title, title_justify="left")
    for column in ("item", "points", "of", "found"):
        scores.add_column(column, overflow="fold")
    for item in card.items:
        reached = "-" if item.score is None else f"{item.score:g}"
        found = item.status if item.value is None else escape(f"{item.metric} = {item.value}")
        scores.add_row(item.title, reached, f"{item.points:g}", found)
    return scores

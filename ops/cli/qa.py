"""``callytics qa``: score cards beside what reviewers give."""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infra.errors import ErrorCode, Poison
from ops.cli.documents import documents_of, documents_since, text_of
from ops.cli.times import moment

if TYPE_CHECKING:
    from ops.calibration import Calibration, Measure, Ratings
    from schemas.document import CallDocument
    from schemas.scorecard import ScoreCard

app = typer.Typer(help="Quality assurance: score cards beside what reviewers give.", no_args_is_help=True)


@app.callback()
def qa() -> None:
    """Quality assurance: score cards beside what reviewers give."""


@app.command(epilog="Example: callytics qa compare --human reviews.csv --since 30d")
def compare(
    *,
    human: Annotated[
        Path,
        typer.Option(
            help="CSV or JSON Lines: call_id and item with score or share, or total.",
            exists=True,
            dir_okay=False,
        ),
    ],
    documents: Annotated[
        Path | None, typer.Option(help="Documents as JSON Lines, instead of the store's.", exists=True)
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="Of the store, from this time on: 30d or ISO 8601.")
    ] = None,
    tenant: Annotated[str | None, typer.Option(help="Of the store, only this tenant's calls.")] = None,
    rubric: Annotated[
        Path | None, typer.Option(help="Score the calls by this rubric first.", exists=True, dir_okay=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tell how well automatic scores agree with human ones: item by item, and the totals.

    exact: share of equal scores. kappa: quadratic weighted (Cohen 1968). bias: automatic minus human.
    icc: absolute agreement, ICC(2,1) (Shrout and Fleiss 1979). Of fewer than ten, no figure is given.
    """
    if (documents is None) == (since is None):
        raise typer.BadParameter("give --documents or --since, one of them")
    from ops.calibration import calibrate  # noqa: PLC0415 -- keeps --help fast
    from ops.human_scores import parse  # noqa: PLC0415 -- the same

    scores = parse(text_of(human), human)
    rated = sorted({score.call_id for score in scores})
    found = documents_of(documents) if documents is not None else _of_store(since or "", tenant, rated)
    cards = _cards(found, rubric)
    calibration = calibrate(scores, cards)
    if not cards.keys() & set(rated):
        raise Poison(
            ErrorCode.CONTRACT, f"none of the {len(rated)} rated calls is among {len(cards)} score cards"
        )
    if as_json:
        typer.echo(json.dumps(_as_json(calibration), ensure_ascii=False, indent=2))
    else:
        _print(calibration)


def _of_store(since: str, tenant: str | None, call_ids: Sequence[str]) -> "list[CallDocument]":
    since_ms = moment(since, now_ms=round(datetime.now(UTC).timestamp() * 1000))
    return asyncio.run(documents_since(since_ms, tenant=tenant, call_ids=call_ids))


def _cards(documents: "Sequence[CallDocument]", rubric: Path | None) -> "Mapping[str, ScoreCard]":
    """Call to score card: the document's own, or the one that another rubric gives it."""
    if rubric is None:
        return {d.call_id: d.scorecard for d in documents if d.scorecard is not None}
    from consumers.analysis.rule_files import sound  # noqa: PLC0415 -- the same
    from consumers.analysis.scorecard.rubric import Rubric  # noqa: PLC0415 -- keeps --help fast
    from consumers.analysis.scorecard.scoring import score  # noqa: PLC0415 -- the same

    table = sound(rubric).table
    if not isinstance(table, Rubric):
        raise Poison(ErrorCode.CONTRACT, f"{rubric} is no rubric")
    return {document.call_id: score(document, table) for document in documents}


def _as_json(found: "Calibration") -> dict[str, object]:
    from ops.calibration import ITEM_MEASURES, TOTAL_MEASURES  # noqa: PLC0415 -- keeps --help fast

    return {
        "items": {name: _figures(ratings, ITEM_MEASURES) for name, ratings in found.items.items()},
        "totals": _figures(found.totals, TOTAL_MEASURES),
        "unmatched": sorted(found.unmatched),
    }


def _figures(ratings: "Ratings", measures: "Mapping[str, Measure]") -> dict[str, object]:
    from ops.calibration import figures  # noqa: PLC0415 -- keeps --help fast

    return {"n": ratings.count, "left_out": ratings.left_out, **figures(ratings, measures)}


def _print(found: "Calibration") -> None:
    from ops.calibration import ITEM_MEASURES, TOTAL_MEASURES  # noqa: PLC0415 -- keeps --help fast
    from ops.cli.tables import show_table  # noqa: PLC0415 -- the same

    rows = [[name, *_cells(ratings, ITEM_MEASURES)] for name, ratings in found.items.items()]
    if rows:
        show_table("items", ("item", "n", "not scored", *ITEM_MEASURES), rows)
    if found.totals.count + found.totals.left_out:
        total = list(_cells(found.totals, TOTAL_MEASURES))
        show_table("totals", ("n", "not scored", *TOTAL_MEASURES), [total])
    if found.unmatched:
        typer.echo(f"{len(found.unmatched)} rated calls have no score card", err=True)


def _cells(ratings: "Ratings", measures: "Mapping[str, Measure]") -> Iterator[str]:
    from ops.calibration import figures  # noqa: PLC0415 -- keeps --help fast

    yield str(ratings.count)
    yield str(ratings.left_out)
    for value in figures(ratings, measures).values():
        yield "too few" if ratings.too_few else "-" if value is None else f"{value:.2f}"

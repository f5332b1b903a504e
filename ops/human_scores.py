"""What people gave: scores of items or totals of calls, as CSV or JSON Lines.

Columns or keys: ``call_id``; of an item its id ``item`` with ``score`` (points) or ``share`` (0…1); of a whole call
``total`` (0…100), and no item. Every row is one of these.
"""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, ValidationError, model_validator

from infra.errors import ErrorCode, Poison
from schemas.records import Identifier, Record
from schemas.scorecard import Points, Share

Row = tuple[int, Mapping[str, object]]
"""Line of the file, and what stands there."""


class HumanScore(Record):
    """One judgement of a person."""

    line: int
    call_id: Identifier
    item: str | None = None
    score: Points | None = None
    share: Share | None = None
    total: Annotated[float, Field(ge=0, le=100)] | None = None

    @model_validator(mode="after")
    def _one_judgement(self) -> Self:
        of_item = (self.score is None) != (self.share is None) and self.total is None
        of_call = self.total is not None and self.score is None and self.share is None
        if not (of_call if self.item is None else of_item):
            raise ValueError("give an item with score or share, or total without an item")
        return self


COLUMNS = tuple(name for name in HumanScore.model_fields if name != "line")


def parse(text: str, source: Path) -> list[HumanScore]:
    """The judgements of a file, by its suffix. Poison, with the line, when one is not as agreed."""
    rows = _of_csv(text, source) if source.suffix.lower() == ".csv" else _of_json_lines(text, source)
    return list(_distinct((_checked(row, source) for row in rows), source))


def _of_csv(text: str, source: Path) -> Iterator[Row]:
    """Line by line: a cell holds an id or a number, so none has more than one line."""
    rows = ((number, _cells(line, number, source)) for number, line in _lines(text))
    first, names = next(rows, (1, []))
    unknown = [name for name in names if name not in COLUMNS]
    if unknown or "call_id" not in names:
        told = f"unknown columns: {', '.join(unknown)}" if unknown else "there is no column call_id"
        raise _fault(source, first, f"{told}; there are {', '.join(COLUMNS)}")
    for number, cells in rows:
        if len(cells) != len(names):
            raise _fault(source, number, f"this row has not the {len(names)} columns of the first")
        yield number, {name: cell for name, cell in zip(names, cells, strict=True) if cell}


def _cells(line: str, number: int, source: Path) -> list[str]:
    try:
        (cells,) = csv.reader([line], strict=True)
    except csv.Error as error:
        raise _fault(source, number, f"this is no CSV: {error}") from error
    return [cell.strip() for cell in cells]


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines that are not blank, by their number."""
    return ((number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip())


def _of_json_lines(text: str, source: Path) -> Iterator[Row]:
    for number, line in _lines(text):
        try:
            row = json.loads(line)
        except ValueError as error:
            raise _fault(source, number, "this is no JSON; a CSV file has to be named *.csv") from error
        if not isinstance(row, dict):
            raise _fault(source, number, "this is no JSON object")
        yield number, row


def _checked(row: Row, source: Path) -> HumanScore:
    number, fields = row
    try:
        return HumanScore.model_validate({**fields, "line": number})
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        told = "; ".join(
            ": ".join([*map(str, e["loc"]), e["msg"].removeprefix("Value error, ")]) for e in faults
        )
        raise _fault(source, number, told) from None


def _distinct(scores: Iterable[HumanScore], source: Path) -> Iterator[HumanScore]:
    lines: dict[tuple[str, str | None], int] = {}
    for score in scores:
        first = lines.setdefault((score.call_id, score.item), score.line)
        if first != score.line:
            raise _fault(source, score.line, f"the same is judged in line {first} already")
        yield score


def _fault(source: Path, line: int, message: str) -> Poison:
    return Poison(ErrorCode.CONTRACT, f"{source}: line {line}: {message}")

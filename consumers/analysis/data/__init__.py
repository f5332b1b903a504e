"""Lexicons and cue tables as they are shipped, and how to read one."""

from importlib.resources import files
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from infra.errors import ErrorCode, Fatal

Table = TypeVar("Table", bound=BaseModel)


def load(name: str, kind: type[Table]) -> Table:
    """The shipped table ``name`` as a ``kind``. Fatal, with the place, when its content is wrong."""
    text = files(__name__).joinpath(name).read_text(encoding="utf-8")
    return parse(text, kind, source=name)


def parse(text: str, kind: type[Table], *, source: str) -> Table:
    """A table from YAML text; ``source`` names it in the Fatal that says what is wrong with it."""
    try:
        return kind.model_validate(yaml.safe_load(text))
    except (yaml.YAMLError, ValidationError) as error:
        raise Fatal(ErrorCode.CONTRACT, f"the table {source} cannot be used: {error}") from error

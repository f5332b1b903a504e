"""Where in a document a value stands: ``quality.script[step=greeting].said``, ``profanity[role=agent]``.

Names are those of the records, of a mapping its keys. A list is gone through entry by entry; ``[field=value]``
keeps the entries, or the record, whose field is that value or holds it. A path is checked against the records
when it is made, so that one that leads nowhere is told then and not at every call.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import NoneType, UnionType
from typing import Annotated, Any, NamedTuple, Self, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError

from schemas.acts import ACTS
from schemas.document import CallDocument

_STEP = re.compile(r"(?P<name>\w+)(\[(?P<field>\w+)=(?P<value>[\w-]+)\])?")
_KEYS: Mapping[str, Sequence[str]] = {"acts": tuple(ACTS)}
"""What the document's texts and keys of these names can be, where their type does not tell."""

Value = bool | float | str


class Shape(NamedTuple):
    """A type: what it is of, and whether it is a list of that."""

    kind: Any
    is_list: bool

    @property
    def is_record(self) -> bool:
        """Whether it has fields."""
        return isinstance(self.kind, type) and issubclass(self.kind, BaseModel)


class Step(NamedTuple):
    """A name, and the value that a field of what stands there must have."""

    name: str
    field: str | None
    wanted: object


@dataclass(frozen=True)
class DocumentPath:
    """A checked path. ``shape`` is that of what stands at its end."""

    text: str
    steps: tuple[Step, ...]
    shape: Shape

    @classmethod
    def of(cls, text: object) -> Self:
        """The path that a text means; ValueError when no document has it."""
        steps: list[Step] = []
        shape = Shape(CallDocument, is_list=False)
        for part in str(text).split("."):
            found = _STEP.fullmatch(part)
            if found is None:
                raise ValueError(f"{part!r} is no name and no name[field=value]")
            shape = _inside(shape, found["name"], steps[-1].name if steps else "")
            wanted = _wanted(shape, found["field"], found["value"]) if found["field"] else None
            steps.append(Step(found["name"], found["field"], wanted))
        return cls(str(text), tuple(steps), shape)

    @cached_property
    def is_count(self) -> bool:
        """Whether its value is how much stands there, as of records and lists."""
        return self.shape.is_list or self.shape.is_record or self.steps[-1].field is not None

    def read(self, document: CallDocument) -> list[Any] | None:
        """Everything that stands there, lists laid flat; None where what would hold it is missing."""
        values: list[Any] = [document]
        for step in self.steps:
            present = [v for v in (_get(value, step.name) for value in values) if v is not None]
            if not present:
                return None
            values = [e for v in present for e in (v if isinstance(v, tuple) else (v,))]
            if step.field is not None:
                values = [v for v in values if _has(v, step.field, step.wanted)]
        return values

    def value(self, document: CallDocument) -> Value | None:
        """What stands there (the first, if several do), of records and lists how many; None: it is missing."""
        values = self.read(document)
        if values is None or self.is_count:
            return None if values is None else len(values)
        first: Value | None = values[0] if values else None
        return first

    def accepts(self, value: object) -> bool:
        """Whether the value may stand there."""
        return _fitting(self.shape.kind, value) is not None


def _get(holder: Any, name: str) -> Any:
    return holder.get(name) if isinstance(holder, Mapping) else getattr(holder, name)


def _has(holder: Any, field: str, wanted: object) -> bool:
    found = getattr(holder, field)
    return wanted in found if isinstance(found, tuple) else found == wanted


def _inside(shape: Shape, name: str, holder: str) -> Shape:
    """The type of a field or key; ValueError when there is no such."""
    if shape.is_record:
        fields = shape.kind.model_fields
        if name not in fields:
            raise ValueError(f"there is no {name}; there are {', '.join(fields)}")
        return _shape(fields[name].annotation)
    if get_origin(shape.kind) is not Mapping:
        raise ValueError(f"nothing stands below {holder}, so no {name}")
    if name not in _KEYS.get(holder, (name,)):
        raise ValueError(f"there is no {name}; there are {', '.join(_KEYS[holder])}")
    return _shape(get_args(shape.kind)[1])


def _wanted(shape: Shape, field: str, value: str) -> object:
    """A filter's value as the field has it; ValueError when it never has that."""
    wanted = _fitting(_inside(shape, field, "a filter").kind, value)
    if wanted is None or value not in _KEYS.get(field, (value,)):
        raise ValueError(f"{field} is never {value}")
    return wanted


def _fitting(kind: Any, value: object) -> object:
    """The value as a type has it; None when it cannot."""
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError:
        return None


def _shape(annotation: Any) -> Shape:
    """A field's type without what stands around it: None, constraints, tuple."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _shape(arguments[0])
    if origin in {Union, UnionType}:
        (kind,) = [argument for argument in arguments if argument is not NoneType]
        return _shape(kind)
    if origin is tuple:
        return Shape(_shape(arguments[0]).kind, is_list=True)
    return Shape(annotation, is_list=False)

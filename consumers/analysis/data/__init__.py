"""Lexicons and rule tables as they are shipped, and how to read one."""

from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import NamedTuple, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from infra.errors import ErrorCode, Fatal

Table = TypeVar("Table", bound=BaseModel)
KIND = "kind"
"""A key that any table may have at its top: what it is, where its file's name does not say so."""


_LOADER: type[yaml.SafeLoader] | type[yaml.CSafeLoader] = (
    yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
)
"""The one in C takes a tenth of the time where the library is there."""


class Complaint(NamedTuple):
    """What is wrong with a table, and where: line and column count from 1."""

    line: int
    column: int
    message: str

    def at(self, source: str) -> str:
        """The complaint in the form that editors jump to."""
        return f"{source}:{self.line}:{self.column}: {self.message}"


def load(name: str, kind: type[Table]) -> Table:
    """The shipped table ``name`` as a ``kind``. Fatal, with the place, when its content is wrong."""
    text = files(__name__).joinpath(name).read_text(encoding="utf-8")
    return parse(text, kind, source=name)


def parse(text: str, kind: type[Table], *, source: str) -> Table:
    """A table from YAML text; ``source`` names it in the Fatal that says what is wrong with it."""
    read = attempt(text, kind)
    if isinstance(read, BaseModel):
        return read
    told = "; ".join(complaint.at(source) for complaint in read)
    raise Fatal(ErrorCode.CONTRACT, f"the table {source} cannot be used: {told}")


def attempt(text: str, kind: type[Table]) -> Table | list[Complaint]:
    """The table, or everything that is wrong with it."""
    try:
        root, content = _loaded(text)
    except yaml.YAMLError as error:
        return [_unreadable(error)]
    if doubled := list(_doubled(root)):
        return doubled
    if isinstance(content, dict):
        content.pop(KIND, None)
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        found = [(e["loc"], e["msg"]) for e in error.errors(include_url=False, include_input=False)]
        # A list whose only item is wrong is also called empty.
        causes = [loc for loc, _ in found]
        return [_complaint(root, loc, msg) for loc, msg in found if not _has_cause(loc, causes)]


def _loaded(text: str) -> tuple[Node | None, object]:
    """The nodes, which know their places, and the content that they mean."""
    loader = _LOADER(text)
    try:
        root = loader.get_single_node()
        return root, loader.construct_document(root) if root is not None else None
    finally:
        loader.dispose()


def _complaint(root: Node | None, loc: Sequence[int | str], message: str) -> Complaint:
    node = root
    for part in loc:
        node = _child(node, part) or node
    name = ".".join(map(str, loc))
    line, column = (node.start_mark.line + 1, node.start_mark.column + 1) if node else (1, 1)
    return Complaint(line, column, f"{name}: {message}" if name else message)


def _has_cause(loc: Sequence[int | str], others: Sequence[Sequence[int | str]]) -> bool:
    return any(len(other) > len(loc) and list(other[: len(loc)]) == list(loc) for other in others)


def _child(node: Node | None, part: int | str) -> Node | None:
    """The node of a key or number; None where the table has none, as for a missing key."""
    if isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.value):
        element: Node = node.value[part]
        return element
    if isinstance(node, MappingNode):
        return next((value for key, value in node.value if key.value == str(part)), None)
    return None


def _doubled(node: Node | None) -> Iterator[Complaint]:
    """Keys that stand twice in one mapping: YAML would silently take the last."""
    if isinstance(node, SequenceNode):
        for item in node.value:
            yield from _doubled(item)
    if isinstance(node, MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if isinstance(key, ScalarNode) and key.value in seen:
                mark = key.start_mark
                yield Complaint(mark.line + 1, mark.column + 1, f"the key {key.value} stands here twice")
            seen.add(str(key.value))
            yield from _doubled(value)


def _unreadable(error: yaml.YAMLError) -> Complaint:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or "this is no YAML"
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    return Complaint(line, column, f"no YAML: {problem}")

"""Token patterns and the sentiment lexicon that is written in them.

A pattern is a row of elements; ``form``, ``form/TAG``, ``start*`` or alternatives of these joined by ``|``.
Particles and the lexicon's ``between`` words may stand before an element, ``~`` allows four of any other.
An entry may give several patterns, ``||`` between them.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from consumers.analysis.tokens import Token

FREE_GAP = 4
"""How many arbitrary tokens ``~`` stands for at most."""

Pattern = Annotated[str, StringConstraints(min_length=1)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Entry(_Table):
    """One pattern and what it says of the speaker's mood."""

    id: str
    pattern: Pattern
    weight: Annotated[float, Field(ge=-1, le=1)]
    kind: Literal["emotion", "quality", "problem", "threat", "gratitude", "satisfaction"]
    fixed: bool = False
    speakers: Literal["customer", "any"] = "customer"


class Modifiers(_Table):
    """Words that change what an entry weighs, as patterns of this language."""

    between: tuple[Pattern, ...]
    negators: tuple[Pattern, ...]
    negation_window: int
    post_negations: tuple[Pattern, ...]
    intensifiers: tuple[Pattern, ...]
    softeners: tuple[Pattern, ...]
    requests: tuple[Pattern, ...]
    contrasts: tuple[Pattern, ...]
    conditions_before: tuple[Pattern, ...]
    conditions_after: tuple[Pattern, ...]
    intents: tuple[Pattern, ...]
    question_endings: tuple[Pattern, ...]
    question_mark: bool
    reasons: tuple[Pattern, ...]
    frames: tuple[Pattern, ...]


class SentimentTable(_Table):
    """The content of a ``sentiment.<language>.yaml``."""

    version: str
    language: str
    modifiers: Modifiers
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Term:
    """One alternative of an element."""

    form: str
    tag: str | None = None
    prefix: bool = False

    def matches(self, token: Token) -> bool:
        """Whether the token is this term."""
        if self.tag is not None and token.tag != self.tag:
            return False
        return token.form.startswith(self.form) if self.prefix else token.form == self.form


@dataclass(frozen=True, slots=True)
class Element:
    """Alternatives for one token, and whether others may stand before it."""

    terms: tuple[Term, ...]
    after_gap: bool = False

    def matches(self, token: Token) -> bool:
        """Whether any alternative is the token."""
        return any(term.matches(token) for term in self.terms)


def compile_pattern(pattern: str) -> tuple[Element, ...]:
    """A pattern's elements."""
    elements: list[Element] = []
    gap = False
    for part in pattern.split():
        if part == "~":
            gap = True
            continue
        elements.append(Element(tuple(_term(text) for text in part.split("|")), gap))
        gap = False
    return tuple(elements)


def _term(text: str) -> Term:
    form, _, tag = text.partition("/")
    return Term(form.removesuffix("*"), tag or None, form.endswith("*"))


@dataclass(frozen=True, slots=True)
class WordSet:
    """Single-token patterns, asked for membership."""

    terms: tuple[Term, ...]

    def __contains__(self, token: Token) -> bool:
        return any(term.matches(token) for term in self.terms)


def word_set(patterns: Iterable[str]) -> WordSet:
    """Single-token patterns as a set."""
    return WordSet(tuple(_term(text) for pattern in patterns for text in pattern.split("|")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """Where an entry matched, tokens ``[start, end)``, and which of them were merely passed over."""

    entry: Entry
    start: int
    end: int
    passed: tuple[Token, ...]


@dataclass(slots=True)
class Lexicon:
    """A sentiment table ready for matching."""

    table: SentimentTable
    _between: WordSet = field(init=False)
    _by_form: dict[str, list[tuple[Entry, tuple[Element, ...]]]] = field(init=False, default_factory=dict)
    _by_prefix: list[tuple[Entry, tuple[Element, ...]]] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self._between = word_set(self.table.modifiers.between)
        for entry in self.table.entries:
            for pattern in entry.pattern.split("||"):
                self._shelve(entry, compile_pattern(pattern))

    def hits(self, tokens: Sequence[Token]) -> list[Hit]:
        """Entries that match, longest first at each place, none overlapping another."""
        found: list[Hit] = []
        at = 0
        while at < len(tokens):
            best = self._best(tokens, at)
            if best is None:
                at += 1
                continue
            found.append(best)
            at = best.end
        return found

    def match(self, elements: Sequence[Element], tokens: Sequence[Token], at: int) -> tuple[int, ...] | None:
        """Indices of the tokens that a pattern beginning at ``at`` takes, or None."""
        taken: list[int] = []
        for element in elements:
            position = self._seek(element, tokens, at) if taken else at
            if position >= len(tokens) or not element.matches(tokens[position]):
                return None
            taken.append(position)
            at = position + 1
        return tuple(taken)

    def _seek(self, element: Element, tokens: Sequence[Token], at: int) -> int:
        free = FREE_GAP if element.after_gap else 0
        while at < len(tokens) and not element.matches(tokens[at]):
            if not self._passable(tokens[at]):
                if free == 0:
                    break
                free -= 1
            at += 1
        return at

    def _passable(self, token: Token) -> bool:
        return token.tag.startswith("J") or token in self._between

    def _shelve(self, entry: Entry, elements: tuple[Element, ...]) -> None:
        for term in elements[0].terms:
            shelf = self._by_prefix if term.prefix else self._by_form.setdefault(term.form, [])
            shelf.append((entry, elements))

    def _best(self, tokens: Sequence[Token], at: int) -> Hit | None:
        shelf = [*self._by_form.get(tokens[at].form, ()), *self._by_prefix]
        matches = ((entry, self.match(elements, tokens, at)) for entry, elements in shelf)
        hits = [_hit(entry, taken, tokens) for entry, taken in matches if taken is not None]
        return max(hits, key=lambda hit: hit.end - len(hit.passed), default=None)


def _hit(entry: Entry, taken: Collection[int], tokens: Sequence[Token]) -> Hit:
    start, end = min(taken), max(taken) + 1
    passed = tuple(tokens[i] for i in range(start, end) if i not in taken)
    return Hit(entry=entry, start=start, end=end, passed=passed)

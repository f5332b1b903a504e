"""Token patterns and the sentiment lexicon that is written in them.

A pattern is a row of elements; ``form``, ``form/TAG``, ``start*`` or alternatives of these joined by ``|``.
Particles and the lexicon's ``between`` words may stand before an element, ``~`` allows four of any other.
An entry may give several patterns, ``||`` between them.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from consumers.analysis.tokens import Token

FREE_GAP = 4
"""How many arbitrary tokens ``~`` stands for at most."""

Pattern = Annotated[str, StringConstraints(min_length=1)]
Value = TypeVar("Value")


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Entry(_Table):
    """One pattern and what it says of the speaker's mood, with a sentence in which it does.

    ``fixed``: a negation is part of it and turns nothing. ``reproach``: nor does a question or a condition
    weaken it (몇 번을 말해야 돼요?). ``opening``: only as the first words. ``silent_after``: acts of the other
    party's last sentence after which it is a plain answer. ``turns``: what was wrong before it is over (I was
    stuck, and then you found me).
    """

    id: str
    pattern: Pattern
    weight: Annotated[float, Field(ge=-1, le=1)]
    kind: Literal["emotion", "quality", "problem", "threat", "gratitude", "satisfaction"]
    example: str = ""
    fixed: bool = False
    reproach: bool = False
    opening: bool = False
    turns: bool = False
    speakers: Literal["customer", "any"] = "customer"
    silent_after: frozenset[str] = frozenset()


class Modifiers(_Table):
    """Words that change what an entry weighs, as patterns of this language."""

    between: tuple[Pattern, ...]
    negators: tuple[Pattern, ...]
    negation_window: int
    post_negations: tuple[Pattern, ...]
    intensifiers: tuple[Pattern, ...]
    softeners: tuple[Pattern, ...]
    contrasts: tuple[Pattern, ...]
    conditions_before: tuple[Pattern, ...]
    conditions_after: tuple[Pattern, ...]
    intents_before: tuple[Pattern, ...]
    intents_after: tuple[Pattern, ...]
    requests: tuple[Pattern, ...]
    question_openings: tuple[Pattern, ...]
    question_words: tuple[Pattern, ...] = ()
    question_endings: tuple[Pattern, ...]
    tags: tuple[Pattern, ...]
    reasons: tuple[Pattern, ...]
    frames: tuple[Pattern, ...]
    openers: tuple[Pattern, ...]


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
    words: "WordSet" = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "words", WordSet(self.terms))

    def matches(self, token: Token) -> bool:
        """Whether any alternative is the token."""
        return token in self.words


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
    forms: frozenset[str] = field(init=False, repr=False, compare=False)
    """The forms of those without a tag."""
    tagged: frozenset[tuple[str, str]] = field(init=False, repr=False, compare=False)
    prefixed: tuple[Term, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        whole = [t for t in self.terms if not t.prefix]
        object.__setattr__(self, "forms", frozenset(t.form for t in whole if t.tag is None))
        tagged = frozenset((t.form, t.tag) for t in whole if t.tag is not None)
        object.__setattr__(self, "tagged", tagged)
        object.__setattr__(self, "prefixed", tuple(t for t in self.terms if t.prefix))

    def __contains__(self, token: Token) -> bool:
        if token.form in self.forms or (token.form, token.tag) in self.tagged:
            return True
        return bool(self.prefixed) and any(term.matches(token) for term in self.prefixed)


def word_set(patterns: Iterable[str]) -> WordSet:
    """Single-token patterns as a set."""
    return WordSet(tuple(_term(text) for pattern in patterns for text in pattern.split("|")))


@dataclass(frozen=True, slots=True)
class _Filed(Generic[Value]):
    """A pattern on its shelf. ``needs``: one of these forms must stand in a text for it to match; none: any."""

    value: Value
    elements: tuple[Element, ...]
    needs: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        last = self.elements[-1].terms
        needs = () if any(term.prefix for term in last) else (term.form for term in last)
        object.__setattr__(self, "needs", frozenset(needs))


class PatternIndex(Generic[Value]):
    """Patterns by their first word, so that a place in a text is asked only for those that can begin there."""

    def __init__(self, between: WordSet) -> None:
        self._between = between
        self._by_form: dict[str, list[_Filed[Value]]] = {}
        self._by_prefix: dict[str, list[_Filed[Value]]] = {}
        self._heads: tuple[str, ...] = ()

    def add(self, patterns: str, value: Value) -> None:
        """Every pattern of a row joined by ``||``."""
        for pattern in patterns.split("||"):
            elements = compile_pattern(pattern)
            for term in elements[0].terms:
                shelf = self._by_prefix if term.prefix else self._by_form
                shelf.setdefault(term.form, []).append(_Filed(value, elements))
        self._heads = tuple(self._by_prefix)

    def at(self, tokens: Sequence[Token], place: int) -> Iterator[tuple[Value, tuple[int, ...]]]:
        """Each pattern that begins at ``place``, with the indices of the tokens it takes."""
        form = tokens[place].form
        shelves = [self._by_form.get(form, ())]
        if self._by_prefix:
            shelves += [self._by_prefix.get(form[:length], ()) for length in range(len(form) + 1)]
        if not any(shelves):
            return
        forms = {token.form for token in tokens}
        for shelf in shelves:
            for filed in shelf:
                if filed.needs and filed.needs.isdisjoint(forms):
                    continue
                taken = self._match(filed.elements, tokens, place)
                if taken is not None:
                    yield filed.value, taken

    def starts(self, tokens: Sequence[Token]) -> list[int]:
        """The places at which some pattern's first word stands."""
        known, heads = self._by_form, self._heads
        return [n for n, t in enumerate(tokens) if t.form in known or (heads and t.form.startswith(heads))]

    def anywhere(self, tokens: Sequence[Token]) -> bool:
        """Whether any pattern stands in these tokens."""
        starts = self.starts(tokens)
        return any(True for place in starts for _ in self.at(tokens, place))

    def _match(self, elements: Sequence[Element], tokens: Sequence[Token], at: int) -> tuple[int, ...] | None:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """Where an entry matched, tokens ``[start, end)``, and which of them were merely passed over."""

    entry: Entry
    start: int
    end: int
    passed: tuple[Token, ...]


class Lexicon:
    """A sentiment table ready for matching."""

    def __init__(self, table: SentimentTable) -> None:
        self.table = table
        self.between = word_set(table.modifiers.between)
        self._index: PatternIndex[Entry] = PatternIndex(self.between)
        for entry in table.entries:
            self._index.add(entry.pattern, entry)

    def hits(self, tokens: Sequence[Token]) -> list[Hit]:
        """Entries that match, none overlapping another; at each place that with most words, then most weight."""
        found: list[Hit] = []
        end = 0
        for place in self._index.starts(tokens):
            if place >= end:
                hits = [_hit(entry, taken, tokens) for entry, taken in self._index.at(tokens, place)]
                if hits:
                    found.append(max(hits, key=_weight_of_words))
                    end = found[-1].end
        return found


def _weight_of_words(hit: Hit) -> tuple[int, float]:
    return hit.end - hit.start - len(hit.passed), abs(hit.entry.weight)


def _hit(entry: Entry, taken: Collection[int], tokens: Sequence[Token]) -> Hit:
    start, end = min(taken), max(taken) + 1
    passed = tuple(tokens[i] for i in range(start, end) if i not in taken)
    return Hit(entry=entry, start=start, end=end, passed=passed)

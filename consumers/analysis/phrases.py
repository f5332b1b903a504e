"""Patterns over a sentence's tokens, looked up by the word that they begin with.

The patterns are those of ``lexicon.compile_pattern``; what may stand between two of their elements is the
book's own: particles always, and the words that the table names.
"""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from consumers.analysis.lexicon import FREE_GAP, Element, WordSet, compile_pattern, word_set
from consumers.analysis.tokens import Token

Key = TypeVar("Key", bound=Hashable)


class Found(NamedTuple, Generic[Key]):
    """Whose pattern matched, and the tokens ``[start, end)`` from its first element to its last."""

    key: Key
    start: int
    end: int


@dataclass(slots=True)
class PhraseBook(Generic[Key]):
    """Patterns under the names of what they mean."""

    phrases: Iterable[tuple[Key, str]]
    between: Iterable[str] = ()
    _between: WordSet = field(init=False)
    _by_form: dict[str, list[tuple[Key, tuple[Element, ...]]]] = field(init=False, default_factory=dict)
    _others: list[tuple[Key, tuple[Element, ...]]] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self._between = word_set(self.between)
        for key, phrase in self.phrases:
            for pattern in phrase.split("||"):
                self._shelve(key, compile_pattern(pattern))

    def find(self, tokens: Sequence[Token]) -> Iterator[Found[Key]]:
        """Every match, in the order of the tokens."""
        for at, token in enumerate(tokens):
            for key, elements in (*self._by_form.get(token.form, ()), *self._others):
                end = self._match(elements, tokens, at)
                if end is not None:
                    yield Found(key, at, end)

    def _shelve(self, key: Key, elements: tuple[Element, ...]) -> None:
        if any(term.prefix for term in elements[0].terms):
            self._others.append((key, elements))
            return
        for form in {term.form for term in elements[0].terms}:
            self._by_form.setdefault(form, []).append((key, elements))

    def _match(self, elements: Sequence[Element], tokens: Sequence[Token], at: int) -> int | None:
        if not elements[0].matches(tokens[at]):
            return None
        end = at + 1
        for element in elements[1:]:
            place = self._seek(element, tokens, end)
            if place is None:
                return None
            end = place + 1
        return end

    def _seek(self, element: Element, tokens: Sequence[Token], at: int) -> int | None:
        free = FREE_GAP if element.after_gap else 0
        for place in range(at, len(tokens)):
            if element.matches(tokens[place]):
                return place
            if not (tokens[place].tag.startswith("J") or tokens[place] in self._between):
                free -= 1
                if free < 0:
                    return None
        return None

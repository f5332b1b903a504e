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


class _Phrase(NamedTuple, Generic[Key]):
    """A pattern: its owner, its first element, and those that follow."""

    key: Key
    first: WordSet
    rest: tuple[Element, ...]
    needs: tuple[frozenset[str], ...]

    def lacks(self, forms: set[str]) -> bool:
        """Whether a sentence of these forms cannot hold the pattern."""
        return any(map(forms.isdisjoint, self.needs))


@dataclass(slots=True)
class PhraseBook(Generic[Key]):
    """Patterns under the names of what they mean."""

    phrases: Iterable[tuple[Key, str]]
    between: Iterable[str] = ()
    _between: WordSet = field(init=False)
    _by_form: dict[str, list[_Phrase[Key]]] = field(init=False, default_factory=dict)
    _by_letter: dict[str, list[_Phrase[Key]]] = field(init=False, default_factory=dict)
    _by_tag: dict[str | None, list[_Phrase[Key]]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._between = word_set(self.between)
        for key, phrase in self.phrases:
            for pattern in phrase.split("||"):
                self._shelve(key, compile_pattern(pattern))

    def find(self, tokens: Sequence[Token]) -> Iterator[Found[Key]]:
        """Every match, in the order of the tokens."""
        forms = {token.form for token in tokens}
        for at, token in enumerate(tokens):
            for phrase in self._beginning_with(token):
                if phrase.lacks(forms) or token not in phrase.first:
                    continue
                end = self._match(phrase.rest, tokens, at + 1)
                if end is not None:
                    yield Found(phrase.key, at, end)

    def _beginning_with(self, token: Token) -> Sequence[_Phrase[Key]]:
        found = self._by_form.get(token.form, ())
        if self._by_letter:
            found = (*found, *self._by_letter.get(token.form[:1], ()))
        if self._by_tag:
            found = (*found, *self._by_tag.get(token.tag, ()))
        return found

    def _shelve(self, key: Key, elements: tuple[Element, ...]) -> None:
        first, rest = elements[0].words, elements[1:]
        phrase = _Phrase(key, first, rest, tuple(needs for element in rest if (needs := _needs(element))))
        for form in {term.form for term in first.terms if not term.prefix}:
            self._by_form.setdefault(form, []).append(phrase)
        for letter in {term.form[0] for term in first.prefixed if term.form}:
            self._by_letter.setdefault(letter, []).append(phrase)
        for tag in {term.tag for term in first.prefixed if not term.form}:
            self._by_tag.setdefault(tag, []).append(phrase)

    def _match(self, elements: Sequence[Element], tokens: Sequence[Token], end: int) -> int | None:
        for element in elements:
            free = FREE_GAP if element.after_gap else 0
            place = end
            while place < len(tokens) and tokens[place] not in element.words:
                free -= not self._passes(tokens[place])
                if free < 0:
                    return None
                place += 1
            if place == len(tokens):
                return None
            end = place + 1
        return end

    def _passes(self, token: Token) -> bool:
        return token.tag.startswith("J") or token in self._between


def _needs(element: Element) -> frozenset[str]:
    """Forms of which a sentence has to have one for the element to match; empty: that cannot be told."""
    words = element.words
    return frozenset() if words.prefixed else words.forms | {form for form, _ in words.tagged}

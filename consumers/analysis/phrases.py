"""Patterns over a sentence's tokens, looked up by the word that they begin with.

The patterns are those of ``lexicon.compile_pattern``; what may stand between two of their elements is the
book's own: particles always, and the words that the table names.
"""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from consumers.analysis.lexicon import FREE_GAP, Element, compile_pattern
from consumers.analysis.tokens import Token

Key = TypeVar("Key", bound=Hashable)


class Found(NamedTuple, Generic[Key]):
    """Whose pattern matched, and the tokens ``[start, end)`` from its first element to its last."""

    key: Key
    start: int
    end: int


class _Step:
    """An element as sets: a token costs two look-ups, however many alternatives there are."""

    __slots__ = ("after_gap", "forms", "prefixed", "tagged")

    def __init__(self, element: Element) -> None:
        exact = [term for term in element.terms if not term.prefix]
        self.forms = frozenset(term.form for term in exact if term.tag is None)
        self.tagged = frozenset((term.form, term.tag) for term in exact if term.tag is not None)
        self.prefixed = tuple(term for term in element.terms if term.prefix)
        self.after_gap = element.after_gap

    def __contains__(self, token: Token) -> bool:
        if token.form in self.forms or (token.form, token.tag) in self.tagged:
            return True
        return bool(self.prefixed) and any(term.matches(token) for term in self.prefixed)

    @property
    def needs(self) -> frozenset[str]:
        """Forms of which a sentence has to have one for the element to match; empty: that cannot be told."""
        return frozenset() if self.prefixed else self.forms | {form for form, _ in self.tagged}


class _Phrase(NamedTuple, Generic[Key]):
    """A pattern: its owner, its first element, and those that follow."""

    key: Key
    first: _Step
    rest: tuple[_Step, ...]
    needs: tuple[frozenset[str], ...]


@dataclass(slots=True)
class PhraseBook(Generic[Key]):
    """Patterns under the names of what they mean."""

    phrases: Iterable[tuple[Key, str]]
    between: Iterable[str] = ()
    _between: _Step = field(init=False)
    _by_form: dict[str, list[_Phrase[Key]]] = field(init=False, default_factory=dict)
    _by_letter: dict[str, list[_Phrase[Key]]] = field(init=False, default_factory=dict)
    _by_tag: dict[str | None, list[_Phrase[Key]]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        between = compile_pattern("|".join(self.between))
        self._between = _Step(between[0] if between else Element(()))
        for key, phrase in self.phrases:
            for pattern in phrase.split("||"):
                self._shelve(key, compile_pattern(pattern))

    def find(self, tokens: Sequence[Token]) -> Iterator[Found[Key]]:
        """Every match, in the order of the tokens."""
        forms = {token.form for token in tokens}
        passable = [token.tag.startswith("J") or token in self._between for token in tokens]
        for at, token in enumerate(tokens):
            for phrase in self._beginning_with(token):
                if any(needed.isdisjoint(forms) for needed in phrase.needs) or token not in phrase.first:
                    continue
                end = _match(phrase.rest, tokens, at + 1, passable)
                if end is not None:
                    yield Found(phrase.key, at, end)

    def _beginning_with(self, token: Token) -> Iterator[_Phrase[Key]]:
        yield from self._by_form.get(token.form, ())
        yield from self._by_letter.get(token.form[:1], ())
        yield from self._by_tag.get(token.tag, ())

    def _shelve(self, key: Key, elements: tuple[Element, ...]) -> None:
        first, *rest = map(_Step, elements)
        phrase = _Phrase(key, first, tuple(rest), tuple(step.needs for step in rest if step.needs))
        for form in {term.form for term in elements[0].terms if not term.prefix}:
            self._by_form.setdefault(form, []).append(phrase)
        for letter in {term.form[0] for term in first.prefixed if term.form}:
            self._by_letter.setdefault(letter, []).append(phrase)
        for tag in {term.tag for term in first.prefixed if not term.form}:
            self._by_tag.setdefault(tag, []).append(phrase)


def _match(steps: Sequence[_Step], tokens: Sequence[Token], end: int, passable: Sequence[bool]) -> int | None:
    for step in steps:
        free = FREE_GAP if step.after_gap else 0
        place = end
        while place < len(tokens) and tokens[place] not in step:
            free -= not passable[place]
            if free < 0:
                return None
            place += 1
        if place == len(tokens):
            return None
        end = place + 1
    return end

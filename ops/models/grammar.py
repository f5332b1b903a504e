"""The template grammar of the synthetic calls, read from ``grammar.yaml``."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from random import Random
from typing import Any, Final

import yaml

LANGUAGES: Final = ("ko", "en")
_GRAMMAR_FILE: Final = Path(__file__).with_name("grammar.yaml")
_SLOT: Final = re.compile(r"\{(\w+)\}")
_FIRST_WORDS: Final = ("agent_open", "introduction")
_HELD_OUT_SHARE: Final = 10
_HANGUL: Final = range(0xAC00, 0xD7A4)
_FINALS: Final = 28
_FINAL_RIEUL: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """What a sentence is for: who says it, and how often it is drawn for training."""

    role: str
    weight: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Grammar:
    """The sentences of one language."""

    language: str
    categories: Mapping[str, Category]
    digits: tuple[str, ...]
    openers: tuple[str, ...]
    no_opener_before: tuple[str, ...]
    slots: Mapping[str, tuple[str, ...]]
    templates: Mapping[str, tuple[str, ...]]

    def draw_category(self, rng: Random) -> str:
        """A category, as often as its weight says."""
        weights = [category.weight for category in self.categories.values()]
        return rng.choices(list(self.categories), weights)[0]

    def draw(self, category: str, rng: Random) -> str:
        """One sentence of ``category`` as training meets it: any template, slot value and opener."""
        opener = "" if category in _FIRST_WORDS else rng.choice(self.openers)
        return self.say(rng.choice(self.templates[category]), rng, opener=opener)

    def say(
        self, template: str, rng: Random, *, fixed: Mapping[str, str] | None = None, opener: str = ""
    ) -> str:
        """``template`` with its slots filled; ``fixed`` gives slots their values where these fit."""
        sentence = self._open(opener, self._fill(template, rng, fixed or {}))
        return sentence[0].upper() + sentence[1:]

    def vocabulary(self) -> frozenset[str]:
        """Every word form the grammar can make, without punctuation and case."""
        words = {word for opener in self.openers for word in words_of(opener)}
        for template in (template for group in self.templates.values() for template in group):
            for token in template.split():
                words.update(word for form in self._forms(token) for word in words_of(form))
        return frozenset(words)

    def _fill(self, template: str, rng: Random, fixed: Mapping[str, str]) -> str:
        def value(slot: re.Match[str]) -> str:
            name, particle = slot.group(1), template[slot.end() :]
            if name in {"d3", "d4"}:
                return " ".join(rng.choice(self.digits) for _ in range(int(name[1])))
            fitting = [value for value in self.slots[name] if agrees(value, particle)]
            return fixed[name] if fixed.get(name) in fitting else rng.choice(fitting)

        return _SLOT.sub(value, template)

    def _open(self, opener: str, sentence: str) -> str:
        if not opener or sentence.startswith(self.no_opener_before):
            return sentence
        first = sentence.split(maxsplit=1)[0].strip(",.?")
        if self.language == "en":
            if opener.strip(",").lower() == first.lower():
                return sentence
            if first != "I" and first not in self._names():
                sentence = sentence[0].lower() + sentence[1:]
        return f"{opener} {sentence}"

    def _names(self) -> frozenset[str]:
        values = (*self.slots["name"], *self.slots["brand"])
        return frozenset(word for value in values for word in value.split())

    def _forms(self, token: str) -> list[str]:
        """What one token of a template can become."""
        slots = list(_SLOT.finditer(token))
        values = [
            self.digits
            if slot.group(1) in {"d3", "d4"}
            else tuple(v for v in self.slots[slot.group(1)] if agrees(v, token[slot.end() :]))
            for slot in slots
        ]
        forms = []
        for chosen in product(*values):
            picks = iter(chosen)
            forms.append(_SLOT.sub(lambda _, picks=picks: next(picks), token))  # type: ignore[misc] # mypy cannot infer a default argument of a lambda
        return forms


def words_of(text: str) -> list[str]:
    """The words of ``text`` as they are compared: lower case, no punctuation."""
    return re.sub(r"[^\w\s]", "", text.lower()).split()


def agrees(value: str, following: str) -> bool:
    """Whether the Korean particle that begins ``following`` fits the last sound of ``value``.

    The templates write one form of each particle, and the demo recogniser knows no other: a value that
    would need the other form is left out there. Anything but a Hangul ending fits everywhere.
    """
    if not value or ord(value[-1]) not in _HANGUL or not following:
        return True
    if following.startswith("부터"):
        return not value.endswith("에")
    final = (ord(value[-1]) - _HANGUL.start) % _FINALS
    if re.match(r"로(?=\s|$)", following):
        return final in {0, _FINAL_RIEUL}
    if re.match(r"[가를는](?=\s|$)", following):
        return final == 0
    if re.match(r"[은을](?=\s|$)|이나", following):
        return final != 0
    return True


def is_held_out(sentence: str) -> bool:
    """Whether ``sentence`` is one of the tenth of all sentences that no model is ever trained on.

    Decided by the MD5 of the whole sentence, so that it never moves when the grammar grows.
    """
    digest = hashlib.md5(sentence.encode(), usedforsecurity=False).hexdigest()
    return int(digest, 16) % _HELD_OUT_SHARE == 0


@cache
def load_grammar(language: str) -> Grammar:
    """The grammar of ``language`` (``ko`` or ``en``); ValueError for any other."""
    if language not in LANGUAGES:
        raise ValueError(f"no grammar for language {language!r}: choose one of {', '.join(LANGUAGES)}")
    document: dict[str, Any] = yaml.safe_load(_GRAMMAR_FILE.read_text(encoding="utf-8"))
    part = document[language]
    return Grammar(
        language=language,
        categories={name: Category(**fields) for name, fields in document["categories"].items()},
        digits=tuple(part["digits"]),
        openers=tuple(part["openers"]),
        no_opener_before=tuple(part["no_opener_before"]),
        slots={name: tuple(values) for name, values in part["slots"].items()},
        templates={name: tuple(values) for name, values in part["templates"].items()},
    )

"""Profanity in four tiers, told by token sequences with a list of collisions."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from consumers.analysis.lexicon import Pattern
from consumers.analysis.phrases import PhraseBook
from consumers.analysis.tables import Tables
from consumers.analysis.tokens import Token

Tier = Literal[1, 2, 3, 4]
TABLE = "profanity.yaml"
Language = Literal["ko", "en"]


class ProfanityRule(BaseModel):
    """Phrases of one tier, and the collisions that only look like them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    language: Language
    tier: Tier
    any: Annotated[tuple[Pattern, ...], Field(min_length=1)]
    unless: tuple[Pattern, ...] = ()


class ProfanityTable(BaseModel):
    """The content of ``profanity.yaml``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    between: tuple[Pattern, ...] = ()
    rules: tuple[ProfanityRule, ...]


@dataclass(slots=True)
class ProfanityFilter:
    """The rules of all languages, compiled."""

    table: ProfanityTable
    _books: dict[str, PhraseBook[tuple[int, bool]]] = field(init=False)

    def __post_init__(self) -> None:
        self._books = {language: self._book(language) for language in get_args(Language)}

    def tier(self, tokens: Sequence[Token], language: str | None) -> Tier | None:
        """The gravest tier of a sentence; None: it is clean, or there are no rules for the language."""
        book = self._books.get(language or "")
        found = {match.key for match in book.find(tokens)} if book else set()
        tiers = [
            self.table.rules[number].tier
            for number, wanted in found
            if wanted and (number, False) not in found
        ]
        return max(tiers, default=None)

    def _book(self, language: str) -> PhraseBook[tuple[int, bool]]:
        phrases = [
            ((number, wanted), pattern)
            for number, rule in enumerate(self.table.rules)
            for wanted, patterns in ((True, rule.any), (False, rule.unless))
            for pattern in patterns
            if rule.language == language
        ]
        return PhraseBook(phrases, self.table.between)


def profanity_filter(tables: Tables) -> ProfanityFilter:
    """The compiled rules."""
    return tables.built(TABLE, ProfanityTable, ProfanityFilter)

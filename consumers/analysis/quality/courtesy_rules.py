"""Cues of courtesy that are no acts: what is asked of the customer, complained about, put negatively, taken on.

The agent's: ``information_request``, ``bad_news``, ``negative``, ``excuse`` (an apology for what was not done,
or a word on the customer's trouble, which refuse nothing), ``ownership``, ``name_use``. The customer's:
``complaint`` about the company, ``anger`` (which somebody caused, as worry and grief need not be), ``misfortune``
that calls for empathy in whatever words it is told, ``own_doing``: what they did themselves, ``request`` in the
words of a complaint.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from consumers.analysis.lexicon import Pattern
from consumers.analysis.phrases import PhraseBook
from consumers.analysis.tables import Tables
from consumers.analysis.tokens import Token
from schemas.personal_data import PersonalDataType

CueName = Literal[
    "information_request",
    "bad_news",
    "negative",
    "excuse",
    "ownership",
    "name_use",
    "complaint",
    "anger",
    "misfortune",
    "own_doing",
    "request",
]
_Part = tuple[int, str]
"""The number of a rule, and the field of it that a phrase stands in."""

CUSTOMER_CUES = frozenset({"complaint", "anger", "misfortune", "own_doing", "request"})


class CourtesyRule(BaseModel):
    """One way of giving a cue: a phrase of ``any``, anywhere with it one of ``also``, and none of ``unless``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cue: CueName
    any: Annotated[tuple[Pattern, ...], Field(min_length=1)]
    also: tuple[Pattern, ...] = ()
    unless: tuple[Pattern, ...] = ()


class CourtesyTable(BaseModel):
    """The content of a ``courtesy.<language>.yaml``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    language: str
    repeated: frozenset[PersonalDataType]
    """What the agent is to say again when the customer gives it, besides numbers that are not personal."""
    between: tuple[Pattern, ...] = ()
    """Words that may stand between any two elements of a pattern."""
    rules: tuple[CourtesyRule, ...]


@dataclass(slots=True)
class CourtesyCues:
    """A courtesy table ready for use."""

    table: CourtesyTable
    _agent: PhraseBook[_Part] = field(init=False)
    _customer: PhraseBook[_Part] = field(init=False)

    def __post_init__(self) -> None:
        self._agent = self._book(agent=True)
        self._customer = self._book(agent=False)

    def of_agent(self, tokens: Sequence[Token]) -> frozenset[str]:
        """The agent's cues in a sentence."""
        return self._find(self._agent, tokens)

    def of_customer(self, tokens: Sequence[Token]) -> frozenset[str]:
        """The customer's cues in a sentence."""
        return self._find(self._customer, tokens)

    def _book(self, *, agent: bool) -> PhraseBook[_Part]:
        phrases = [
            ((number, part), pattern)
            for number, rule in enumerate(self.table.rules)
            if (rule.cue in CUSTOMER_CUES) is not agent
            for part, patterns in (("any", rule.any), ("also", rule.also), ("unless", rule.unless))
            for pattern in patterns
        ]
        return PhraseBook(phrases, self.table.between)

    def _find(self, book: PhraseBook[_Part], tokens: Sequence[Token]) -> frozenset[str]:
        found = {match.key for match in book.find(tokens)}
        return frozenset(
            self.table.rules[n].cue for n, part in found if part == "any" and self._holds(n, found)
        )

    def _holds(self, number: int, found: Collection[_Part]) -> bool:
        joined = not self.table.rules[number].also or (number, "also") in found
        return joined and (number, "unless") not in found


def courtesy_cues(tables: Tables, language: str) -> CourtesyCues:
    """The cues of a language."""
    return tables.built(f"courtesy.{language}.yaml", CourtesyTable, CourtesyCues)

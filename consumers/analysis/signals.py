"""Signals: what a sentence says about how the call ends, beyond its acts.

The agent's: ``done``, ``pending``, ``future``, ``answered``, ``refused``, ``referred``, ``hands_over``. The
customer's: ``works``, ``accepts``, ``waits``, ``gives_up``, ``undecided``, ``asks``. Anybody's: ``lost``,
``farewell``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from consumers.analysis.lexicon import Pattern
from consumers.analysis.phrases import PhraseBook
from consumers.analysis.sentences import SpokenSentence
from consumers.analysis.tables import Tables
from schemas.records import Role

LANGUAGES = ("ko", "en")

SignalName = Literal[
    "done",
    "pending",
    "answered",
    "referred",
    "hands_over",
    "refused",
    "future",
    "works",
    "accepts",
    "waits",
    "gives_up",
    "asks",
    "undecided",
    "lost",
    "farewell",
]


class SignalRule(BaseModel):
    """One way of giving a signal; a phrase of ``unless`` in the sentence takes it back."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    signal: SignalName
    speaker: Literal["agent", "customer", "any"] = "any"
    any: Annotated[tuple[Pattern, ...], Field(min_length=1)]
    unless: tuple[Pattern, ...] = ()


class LanguageSignals(BaseModel):
    """The rules of one language. ``between``: words that may stand between the elements of a pattern."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    between: tuple[Pattern, ...] = ()
    rules: tuple[SignalRule, ...]


class Weights(BaseModel):
    """How much a signal or act speaks for each label."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    resolved: Mapping[str, float]
    promised: Mapping[str, float]
    transferred: Mapping[str, float]
    unresolved: Mapping[str, float]
    dropped: Mapping[str, float]


class OutcomeTable(BaseModel):
    """The content of ``outcome.yaml``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    weights: Weights
    least: Annotated[float, Field(gt=0)]
    """With less evidence for every label the outcome is unknown."""
    languages: Mapping[Literal["ko", "en"], LanguageSignals]


@dataclass(slots=True)
class SignalFinder:
    """A language's rules ready for use."""

    rules: Sequence[SignalRule]
    between: Sequence[str]
    _phrases: PhraseBook[tuple[int, bool]] = field(init=False)

    def __post_init__(self) -> None:
        phrases = [
            ((number, wanted), pattern)
            for number, rule in enumerate(self.rules)
            for wanted, patterns in ((True, rule.any), (False, rule.unless))
            for pattern in patterns
        ]
        self._phrases = PhraseBook(phrases, self.between)

    def find(self, sentence: SpokenSentence, role: Role) -> frozenset[str]:
        """The signals of a sentence; those of a party also where nobody knows who speaks."""
        found = {match.key for match in self._phrases.find(sentence.tokens)}
        rules = [self.rules[n] for n, wanted in found if wanted and (n, False) not in found]
        return frozenset(r.signal for r in rules if role is Role.UNKNOWN or r.speaker in {role.value, "any"})


def finder(tables: Tables, language: str) -> SignalFinder:
    """The finder of a language."""
    return tables.built("outcome.yaml", OutcomeTable, _finders)[language]


def table(tables: Tables) -> OutcomeTable:
    """The table itself."""
    return tables.get("outcome.yaml", OutcomeTable)


def _finders(of: OutcomeTable) -> Mapping[str, SignalFinder]:
    return {language: SignalFinder(rules.rules, rules.between) for language, rules in of.languages.items()}

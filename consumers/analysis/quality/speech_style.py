"""The words by which a manner of speaking is told, one table a language: ``speech_style.<language>.yaml``.

Patterns are those of ``lexicon.compile_pattern``. A tenant replaces the table to name its own jargon, or the
things of its trade.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Self

from pydantic import BaseModel, ConfigDict, model_validator

from consumers.analysis.lexicon import Pattern, WordSet, word_set
from consumers.analysis.phrases import Found, PhraseBook
from consumers.analysis.quality.honorifics import HonorificRules, Honours
from consumers.analysis.tables import Tables
from consumers.analysis.tokens import Token

LANGUAGES = ("ko", "en")


class _Rules(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Phrases(_Rules):
    """What counts; a phrase of ``unless`` over the same words takes it back (as in *do you know*)."""

    any: tuple[Pattern, ...]
    unless: tuple[Pattern, ...] = ()


class QuestionRules(_Rules):
    """What kind of question a sentence is, and in a language without asking endings whether it is one."""

    words: Phrases
    """Question words, and where these are none (뭐 좀)."""
    confirming: tuple[Pattern, ...]
    """Tags and verbs that ask to confirm."""
    confirming_endings: tuple[Pattern, ...] = ()
    """The same, unless the sentence opens as a question or has a question word."""
    requests: tuple[Pattern, ...]
    """Requests, demands and greetings in the form of a question: they count as none."""
    yes_no_openings: tuple[Pattern, ...] = ()
    """First words of a question that yes or no answers, even where a question word follows."""
    open_openings: tuple[Pattern, ...] = ()
    """First words of a question with a question word, where no mark says that it is one."""
    openers: tuple[Pattern, ...] = ()
    """Single words that may stand before the first: *so*, *and*."""


class SpeechStyleTable(_Rules):
    """The content of a ``speech_style.<language>.yaml``. ``between``: words that may stand inside a pattern."""

    version: str
    language: str
    between: tuple[Pattern, ...] = ()
    fillers: Phrases
    hedges: Phrases
    jargon: tuple[Pattern, ...]
    questions: QuestionRules
    honorifics: HonorificRules | None = None
    """Korean only, and there due."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.language == "ko") != (self.honorifics is not None):
            raise ValueError("honorifics are for Korean, which needs them")
        return self


class Cue(NamedTuple):
    """What a phrase is a sign of; ``wanted`` is false for one that takes the sign back."""

    name: str
    wanted: bool = True


@dataclass(slots=True)
class SpeechStyle:
    """A table ready for use."""

    table: SpeechStyleTable
    honours: Honours | None = field(init=False, default=None)
    """Of whom or what -시- is said; None but in Korean."""
    openers: WordSet = field(init=False)
    """Words that may stand before a question's first."""
    _phrases: PhraseBook[Cue] = field(init=False)

    def __post_init__(self) -> None:
        table, asking = self.table, self.table.questions
        plain = {
            "jargon": table.jargon,
            "confirming": asking.confirming,
            "confirming_ending": asking.confirming_endings,
            "request": asking.requests,
            "yes_no_opening": asking.yes_no_openings,
            "open_opening": asking.open_openings,
        }
        self.openers = word_set(asking.openers)
        if table.honorifics is not None:
            self.honours = Honours(table.honorifics, table.between)
            plain["honorific_word"] = table.honorifics.words
        phrases = [(Cue(name), pattern) for name, patterns in plain.items() for pattern in patterns]
        guarded = {"filler": table.fillers, "hedge": table.hedges, "question_word": asking.words}
        for name, rule in guarded.items():
            phrases += [(Cue(name), pattern) for pattern in rule.any]
            phrases += [(Cue(name, wanted=False), pattern) for pattern in rule.unless]
        self._phrases = PhraseBook(phrases, table.between)

    def cues(self, tokens: Sequence[Token]) -> list[Found[Cue]]:
        """The signs in a sentence, those taken back left out, in the order of its words."""
        found = list(self._phrases.find(tokens))
        against = [match for match in found if not match.key.wanted]
        if not against:
            return found
        return [
            match
            for match in found
            if match.key.wanted and not any(_takes_back(other, match) for other in against)
        ]


def style_of(tables: Tables, language: str) -> SpeechStyle:
    """The table of a language, compiled."""
    return tables.built(f"speech_style.{language}.yaml", SpeechStyleTable, SpeechStyle)


def versions(tables: Tables) -> Mapping[str, str]:
    """Each language's table and its version."""
    return {f"speech_style.{language}": style_of(tables, language).table.version for language in LANGUAGES}


def _takes_back(other: Found[Cue], match: Found[Cue]) -> bool:
    return other.key.name == match.key.name and other.start < match.end and match.start < other.end

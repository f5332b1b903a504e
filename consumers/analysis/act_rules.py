"""The rules that tell what is done with a sentence: greeted, apologised, refused, promised.

An act is a phrase of the rule's ``any`` in a sentence that has none of its ``unless``, said by the party that
the rule is about, at the place of the call where it means that. Where nobody knows who speaks, the words
alone decide.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from consumers.analysis.lexicon import Pattern
from consumers.analysis.phrases import PhraseBook
from consumers.analysis.profanity import ProfanityFilter
from consumers.analysis.repeat_back import repeats_back
from consumers.analysis.sentences import SpokenSentence
from consumers.analysis.speech import SpokenTurn
from consumers.analysis.tables import Tables
from consumers.analysis.tokens import Token
from schemas.acts import ACTS
from schemas.records import Role

LANGUAGES = ("ko", "en")
OPENING_TURNS = 3
"""A speaker's first turns, in which a greeting is one."""
ENDING_TURNS = 8
"""The call's last turns, in which a farewell is one."""

Place = Literal["first", "opening", "ending"]


def _known(act: str) -> str:
    if act not in ACTS:
        raise ValueError(f"there is no act {act}; there are {', '.join(ACTS)}")
    return act


ActName = Annotated[str, AfterValidator(_known)]


class ActRule(BaseModel):
    """One way of performing an act. ``kind`` says more of it, as which threat an escalation cue is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    act: ActName
    kind: str | None = None
    speaker: Literal["agent", "customer", "any"] = "any"
    place: Place | None = None
    any: Annotated[tuple[Pattern, ...], Field(min_length=1)]
    unless: tuple[Pattern, ...] = ()


class ActTable(BaseModel):
    """The content of an ``acts.<language>.yaml``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    language: str
    between: tuple[Pattern, ...] = ()
    """Words that may stand between any two elements of a pattern."""
    who: tuple[Pattern, ...] = ()
    """Who keeps a promise."""
    when: tuple[Pattern, ...] = ()
    """When it will be kept."""
    rules: tuple[ActRule, ...]


class Mark(NamedTuple):
    """An act of a sentence, and its kind where the act has kinds."""

    act: str
    kind: str | None


@dataclass(slots=True)
class ActTagger:
    """An act table ready for use."""

    table: ActTable
    _phrases: PhraseBook[tuple[int, bool]] = field(init=False)

    def __post_init__(self) -> None:
        phrases = [
            ((number, wanted), pattern)
            for number, rule in enumerate(self.table.rules)
            for wanted, patterns in ((True, rule.any), (False, rule.unless))
            for pattern in patterns
        ]
        self._phrases = PhraseBook(phrases, self.table.between)

    def tag(self, tokens: Sequence[Token], role: Role, places: frozenset[Place]) -> tuple[Mark, ...]:
        """The acts of one sentence, each once, in the order of the table."""
        found = {match.key for match in self._phrases.find(tokens)}
        numbers = sorted(number for number, wanted in found if wanted and (number, False) not in found)
        rules = [self.table.rules[number] for number in numbers]
        return tuple(dict.fromkeys(Mark(r.act, r.kind) for r in rules if _applies(r, role, places)))


def tagger(tables: Tables, language: str) -> ActTagger:
    """The tagger of a language."""
    return tables.built(f"acts.{language}.yaml", ActTable, ActTagger)


def places_of(turns: Sequence[SpokenTurn]) -> Mapping[str, frozenset[Place]]:
    """Turn id to where in the call the turn stands."""
    counts: dict[str, int] = {}
    places: dict[str, frozenset[Place]] = {}
    for number, turn in enumerate(turns):
        counts[turn.speaker] = counts.get(turn.speaker, 0) + 1
        places[turn.id] = frozenset(_places(counts[turn.speaker], ending=number >= len(turns) - ENDING_TURNS))
    return places


def mark(
    turns: Sequence[SpokenTurn],
    sentences: Mapping[str, Sequence[SpokenSentence]],
    *,
    roles: Mapping[str, Role],
    acts: ActTagger,
    profanity: ProfanityFilter,
) -> dict[str, tuple[Mark, ...]]:
    """Sentence id to its acts, for every sentence of the call."""
    places, repeated = places_of(turns), repeats_back(turns, sentences, roles)
    marks: dict[str, tuple[Mark, ...]] = {}
    for turn in turns:
        role = roles.get(turn.speaker, Role.UNKNOWN)
        for sentence in sentences[turn.id]:
            found = list(acts.tag(sentence.tokens, role, places[turn.id]))
            if sentence.id in repeated:
                found.append(Mark("repeat_back", None))
            tier = profanity.tier(sentence.tokens, acts.table.language)
            if tier is not None:
                found.append(Mark("profanity", str(tier)))
            marks[sentence.id] = tuple(dict.fromkeys(found))
    return marks


def _places(number: int, *, ending: bool) -> Iterator[Place]:
    if number == 1:
        yield "first"
    if number <= OPENING_TURNS:
        yield "opening"
    if ending:
        yield "ending"


def _applies(rule: ActRule, role: Role, places: frozenset[Place]) -> bool:
    speaks = rule.speaker in {"any", role.value} or role in {Role.UNKNOWN, Role.OTHER}
    return speaks and (rule.place is None or rule.place in places)

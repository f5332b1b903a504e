"""Topics: what a call is about, of the topics that ``topics.<language>.yaml`` describes.

A topic's phrases and pairs of phrases add up their weights over the call. What the customer says counts half as
much again, and so does what is said in the first third, where the matter is named.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from consumers.analysis.acts import place, said
from consumers.analysis.lexicon import Pattern
from consumers.analysis.phrases import PhraseBook
from consumers.analysis.sentences import SpokenSentence
from consumers.analysis.skips import skip
from consumers.analysis.speech import SpokenTurn
from consumers.analysis.tables import Tables
from consumers.analysis.tokens import Token
from consumers.analysis.view import CallView, Findings
from schemas.document import SkipReason
from schemas.outcome import Topic
from schemas.records import Role

LANGUAGES = ("ko", "en")
CUSTOMER_WEIGHT = 1.5
EARLY_WEIGHT = 1.5
EARLY_SHARE = 1 / 3
REPEATS = 3
"""A phrase counts so often at most: a word that a call is full of is still one sign."""
TOPICS = 3
EVIDENCE = 3
HALF = 4.0
"""The sum at which a score is one half."""

Weight = Annotated[float, Field(gt=0, le=10)]


class Pair(BaseModel):
    """Two phrases that mean the topic when they stand in one sentence."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    both: tuple[Pattern, Pattern]
    weight: Weight


class TopicRule(BaseModel):
    """One topic. ``speaker``: whose words count; ``from_percent`` and ``to_percent``: of the call's sentences."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    title: str
    any: Mapping[Pattern, Weight] = {}
    pairs: tuple[Pair, ...] = ()
    speaker: Literal["agent", "customer", "any"] = "any"
    from_percent: Annotated[float, Field(ge=0, le=100)] = 0
    to_percent: Annotated[float, Field(ge=0, le=100)] = 100
    threshold: Annotated[float, Field(gt=0)] = 3.0
    """The least sum of weights."""


class TopicTable(BaseModel):
    """The content of a ``topics.<language>.yaml``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    language: str
    between: tuple[Pattern, ...] = ()
    topics: tuple[TopicRule, ...]


class _Key(NamedTuple):
    """A phrase of a topic: its number, and of a pair which half."""

    topic: int
    phrase: int
    half: int | None = None


@dataclass(slots=True)
class TopicTagger:
    """A topic table ready for use."""

    table: TopicTable
    _phrases: PhraseBook[_Key] = field(init=False)
    _weights: Mapping[_Key, float] = field(init=False)

    def __post_init__(self) -> None:
        self._phrases = PhraseBook([(key, pattern) for key, pattern, _ in self._keyed()], self.table.between)
        self._weights = {key: weight for key, _, weight in self._keyed()}

    def weights(self, tokens: Sequence[Token]) -> dict[_Key, float]:
        """The phrases and pairs that stand in a sentence, with their weights."""
        found = {match.key for match in self._phrases.find(tokens)}
        return {
            key._replace(half=None): self._weights[key]
            for key in found
            if key.half is None or (key.half == 0 and key._replace(half=1) in found)
        }

    def _keyed(self) -> Iterator[tuple[_Key, str, float]]:
        for number, topic in enumerate(self.table.topics):
            for phrase, (pattern, weight) in enumerate(topic.any.items()):
                yield _Key(number, phrase), pattern, weight
            for pair, both in enumerate(topic.pairs, start=len(topic.any)):
                for half, pattern in enumerate(both.both):
                    yield _Key(number, pair, half), pattern, both.weight


@dataclass(frozen=True, slots=True)
class TopicAnalyser:
    """Fills ``topics``."""

    name: str = "topics"

    def versions(self, tables: Tables) -> Mapping[str, str]:
        """Each language's table."""
        return {f"topics.{language}": tagger(tables, language).table.version for language in LANGUAGES}

    def analyse(self, call: CallView) -> Findings:
        """The call's topics, foremost first; none where nothing reaches a topic's threshold."""
        reason = call.wordless or (None if call.language in LANGUAGES else SkipReason.UNSUPPORTED_LANGUAGE)
        if reason is not None:
            return Findings(skipped=[skip("topics", reason)])
        return Findings(fields={"topics": tuple(topics_of(call, tagger(call.tables, call.language or "")))})


class _Hit(NamedTuple):
    key: _Key
    weight: float
    turn: SpokenTurn
    sentence: SpokenSentence


def topics_of(call: CallView, rules: TopicTagger) -> list[Topic]:
    """At most three topics, the highest sum first."""
    hits = list(_hits(call, rules))
    found: list[tuple[float, Topic]] = []
    for number, rule in enumerate(rules.table.topics):
        own = [hit for hit in hits if hit.key.topic == number]
        total = sum(hit.weight for hit in own)
        if total >= rule.threshold:
            found.append((total, _topic(rule, own, total)))
    return [topic for _, topic in sorted(found, key=lambda pair: -pair[0])][:TOPICS]


def _topic(rule: TopicRule, hits: Sequence[_Hit], total: float) -> Topic:
    best = sorted(hits, key=lambda hit: -hit.weight)
    telling = list({hit.sentence.id: hit for hit in best}.values())[:EVIDENCE]
    evidence = tuple(place(hit.turn, hit.sentence) for hit in sorted(telling, key=_start_ms))
    return Topic(name=rule.name, title=rule.title, score=round(total / (total + HALF), 3), evidence=evidence)


def _start_ms(hit: _Hit) -> int:
    return hit.sentence.span.start_ms


def tagger(tables: Tables, language: str) -> TopicTagger:
    """The tagger of a language."""
    return tables.built(f"topics.{language}.yaml", TopicTable, TopicTagger)


def _hits(call: CallView, rules: TopicTagger) -> Iterator[_Hit]:
    counts: Counter[_Key] = Counter()
    sentences = list(said(call))
    for number, (turn, sentence) in enumerate(sentences):
        role = call.roles.get(turn.speaker, Role.UNKNOWN)
        share = number / len(sentences)
        factor = CUSTOMER_WEIGHT if role is Role.CUSTOMER else 1.0
        factor *= EARLY_WEIGHT if share < EARLY_SHARE else 1.0
        for key, weight in rules.weights(sentence.tokens).items():
            if _counts(rules.table.topics[key.topic], role, share) and counts[key] < REPEATS:
                counts[key] += 1
                yield _Hit(key, weight * factor, turn, sentence)


def _counts(rule: TopicRule, role: Role, share: float) -> bool:
    is_theirs = rule.speaker == "any" or role in {Role.UNKNOWN, Role(rule.speaker)}
    return is_theirs and rule.from_percent <= 100 * share <= rule.to_percent

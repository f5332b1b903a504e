"""Keywords: nouns and compounds that stand out in a call.

Term frequency times inverse document frequency (Spärck Jones, "A statistical interpretation of term specificity",
1972). How many calls a term occurs in is known only of the operator's own calls: ``callytics keywords build``
writes that table. Until there is one, frequency alone decides, and the provenance says so.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from consumers.analysis.acts import place, said
from consumers.analysis.sentences import SpokenSentence
from consumers.analysis.skips import skip
from consumers.analysis.speech import SpokenTurn
from consumers.analysis.tables import Tables
from consumers.analysis.tokens import Token
from consumers.analysis.view import CallView, Findings
from schemas.document import SkipReason
from schemas.outcome import Keyword
from schemas.records import Role

LANGUAGES = ("ko", "en")
KEYWORDS = 10
CUSTOMER_WEIGHT = 1.5
"""What the customer says tells more of the matter than what the agent says."""
COMPOUND_BONUS = 1.3
"""A compound says more than the words that it is made of."""
PAIR_COUNT = 2
"""Nouns with a blank between them are one term when they stand so this often."""
FREQUENCY_TABLE = "document_frequency.yaml"

_NOUNS = frozenset({"NNG", "NNP", "SL", "XR"})
_LOOSE_SUFFIXES = frozenset({"님", "들", "쯤", "씩", "째", "경", "끼리", "네", "적"})
"""These make no new noun, as 화 (초기화) and 권 (항공권) do."""
INTRODUCTIONS = frozenset({"greeting", "self_introduction", "closing"})
"""Acts whose sentences name the company and the agent, not the matter."""


class StopTable(BaseModel):
    """The content of ``stopwords.yaml``: words that say nothing of the matter of a call."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    languages: Mapping[Literal["ko", "en"], frozenset[str]]


class FrequencyTable(BaseModel):
    """The content of ``document_frequency.yaml``: in how many of ``calls`` each term occurs.

    A term that is not listed is rarer than every listed one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    calls: Annotated[int, Field(ge=0)]
    terms: Mapping[str, Annotated[int, Field(ge=1)]] = {}

    @model_validator(mode="after")
    def _no_more_than_calls(self) -> Self:
        if any(count > self.calls for count in self.terms.values()):
            raise ValueError(f"a term cannot occur in more than the {self.calls} calls")
        return self


@dataclass(frozen=True, slots=True)
class Rarity:
    """Inverse document frequency by a table."""

    calls: int
    terms: Mapping[str, int]
    unlisted: int

    def of(self, term: str) -> float:
        """ln((1 + calls) / (1 + calls with the term)) + 1; 1 for every term without a table."""
        if not self.calls:
            return 1.0
        return math.log((1 + self.calls) / (1 + self.terms.get(term, self.unlisted))) + 1


class Mention(NamedTuple):
    """A term where it is said."""

    term: str
    is_compound: bool
    weight: float
    turn: SpokenTurn
    sentence: SpokenSentence


@dataclass(frozen=True, slots=True)
class KeywordAnalyser:
    """Fills ``keywords``."""

    name: str = "keywords"

    def versions(self, tables: Tables) -> Mapping[str, str]:
        """The stop words, and the frequency table or that there is none."""
        frequencies = tables.get(FREQUENCY_TABLE, FrequencyTable)
        basis = f"{frequencies.version}, {frequencies.calls} calls" if frequencies.calls else "frequency only"
        return {"keywords": basis, "stopwords": tables.get("stopwords.yaml", StopTable).version}

    def analyse(self, call: CallView) -> Findings:
        """The call's foremost terms, best first; terms of equal score in the order in which they are said."""
        reason = call.wordless or (None if call.language in LANGUAGES else SkipReason.UNSUPPORTED_LANGUAGE)
        if reason is not None:
            return Findings(skipped=[skip("keywords", reason)])
        found = ranked(list(mentions(call)), call.tables.built(FREQUENCY_TABLE, FrequencyTable, _rarity))
        if not found:
            return Findings(skipped=[skip("keywords", SkipReason.TOO_FEW)])
        return Findings(fields={"keywords": tuple(found)})


def ranked(mentioned: Sequence[Mention], rarity: Rarity) -> list[Keyword]:
    """The best terms. A word is counted out of the compounds that it is part of."""
    counts = Counter(m.term for m in mentioned)
    weights: defaultdict[str, float] = defaultdict(float)
    for mention in mentioned:
        weights[mention.term] += mention.weight * (COMPOUND_BONUS if mention.is_compound else 1.0)
    first = {m.term: m for m in reversed(mentioned)}
    scores = {term: weight * rarity.of(term) for term, weight in weights.items()}
    best = sorted(scores, key=lambda term: (-scores[term], first[term].sentence.span.start_ms))[:KEYWORDS]
    return [
        Keyword(
            term=term,
            score=round(scores[term] / scores[best[0]], 3),
            count=counts[term],
            evidence=(place(first[term].turn, first[term].sentence),),
        )
        for term in best
    ]


def mentions(call: CallView) -> Iterator[Mention]:
    """Every term of the call, pairs that come back put together."""
    stop = stop_words(call.tables, call.language)
    sentences = [pair for pair in said(call) if not INTRODUCTIONS & set(call.acts[pair[1].id])]
    terms = joined([list(terms_of(sentence, stop)) for _, sentence in sentences])
    for (turn, sentence), found in zip(sentences, terms, strict=True):
        weight = CUSTOMER_WEIGHT if call.roles.get(turn.speaker) is Role.CUSTOMER else 1.0
        for term, is_compound in found:
            yield Mention(term, is_compound, weight, turn, sentence)


class Term(NamedTuple):
    """A noun, or nouns written together, at its place in the turn."""

    form: str
    start: int
    end: int
    is_compound: bool


def stop_words(tables: Tables, language: str | None) -> frozenset[str]:
    """The stop words of a language."""
    words = tables.get("stopwords.yaml", StopTable).languages
    return next((stop for name, stop in words.items() if name == language), frozenset())


def terms_of(sentence: SpokenSentence, stop: frozenset[str]) -> Iterator[Term]:
    """The terms of a sentence in order; what replaces personal data has a tag of its own and is none."""
    run: list[Token] = []
    for token in sentence.tokens:
        goes_on = bool(run) and token.start == run[-1].end and token.tag != "W"
        usable = _is_noun(token) or (goes_on and _makes_noun(token))
        if run and not (usable and goes_on):
            yield from _term(run, stop)
            run = []
        if usable:
            run.append(token)
    yield from _term(run, stop)


def _term(run: Sequence[Token], stop: frozenset[str]) -> Iterator[Term]:
    form = "".join(token.form for token in run)
    if len(form) > 1 and form not in stop and not all(token.form in stop for token in run):
        yield Term(form, run[0].start, run[-1].end, len(run) > 1)


def _is_noun(token: Token) -> bool:
    if token.tag == "W":
        return len(token.form) > 2 and token.form.isalpha()  # noqa: PLR2004 -- shorter words are no keywords
    return token.tag in _NOUNS


def _makes_noun(token: Token) -> bool:
    return token.tag == "XSN" and token.form not in _LOOSE_SUFFIXES


def joined(sentences: Sequence[Sequence[Term]]) -> list[list[tuple[str, bool]]]:
    """The terms of each sentence and whether they are compounds, pairs that come back put together."""
    counts = Counter(pair for terms in sentences for pair in _pairs(terms))
    steady = {pair for pair, count in counts.items() if count >= PAIR_COUNT}
    return [list(_joined(terms, steady)) for terms in sentences]


def _pairs(terms: Sequence[Term]) -> Iterator[str]:
    for one, other in pairwise(terms):
        if other.start - one.end == 1 and one.form != other.form:
            yield f"{one.form} {other.form}"


def _joined(terms: Sequence[Term], steady: set[str]) -> Iterator[tuple[str, bool]]:
    at = 0
    while at < len(terms):
        pair = next(_pairs(terms[at : at + 2]), None)
        if pair in steady and pair is not None:
            yield pair, True
            at += 2
        else:
            yield terms[at].form, terms[at].is_compound
            at += 1


def _rarity(table: FrequencyTable) -> Rarity:
    return Rarity(
        calls=table.calls, terms=table.terms, unlisted=max(0, min(table.terms.values(), default=1) - 1)
    )

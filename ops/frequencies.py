"""In how many of an operator's calls each term occurs: the table that weighs keywords."""

from collections import Counter
from collections.abc import Iterable

from consumers.analysis.intervals import Interval
from consumers.analysis.keywords import INTRODUCTIONS, FrequencyTable, joined, stop_words, terms_of
from consumers.analysis.sentences import SpokenSentence
from consumers.analysis.tables import SHIPPED, Tables
from consumers.analysis.tokens import KoreanTokeniser, Tokeniser, WordTokeniser
from schemas.document import CallDocument

LEAST_CALLS = 3
"""A term of fewer calls is left out: it tells nothing, and may be somebody's name."""
MOST_TERMS = 5000


class FrequencyCount:
    """Counts documents, one after the other."""

    def __init__(self, tables: Tables = SHIPPED) -> None:
        self._tables = tables
        self._korean = KoreanTokeniser()
        self._words = WordTokeniser()
        self._counts: Counter[str] = Counter()
        self._calls = 0

    def add(self, document: CallDocument) -> None:
        """Count the terms of one call; a call without text does not count."""
        terms = self._terms(document)
        self._counts.update(terms)
        self._calls += bool(terms)

    def table(self, *, version: str) -> FrequencyTable:
        """The most frequent terms of three calls or more."""
        known = [(t, n) for t, n in self._counts.most_common(MOST_TERMS) if n >= LEAST_CALLS]
        return FrequencyTable(version=version, calls=self._calls, terms=dict(sorted(known)))

    def _terms(self, document: CallDocument) -> set[str]:
        tokeniser: Tokeniser = self._korean if document.language == "ko" else self._words
        stop = stop_words(self._tables, document.language)
        sentences = (
            SpokenSentence(
                id=s.id,
                text=s.text,
                span=Interval(s.start_ms, s.end_ms),
                tokens=tokeniser.tokenise(s.text),
            )
            for turn in document.turns
            for s in turn.sentences
            if not INTRODUCTIONS & set(s.acts)
        )
        terms = joined([list(terms_of(sentence, stop)) for sentence in sentences])
        return {term for found in terms for term, _ in found}


def count(documents: Iterable[CallDocument], *, version: str) -> FrequencyTable:
    """The table of these documents."""
    counting = FrequencyCount()
    for document in documents:
        counting.add(document)
    return counting.table(version=version)

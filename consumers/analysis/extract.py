"""The extractive summary: sentences of the call, chosen and quoted, never written.

Each slot (issue, action, outcome, promise) is filled with the most central of the sentences that can fill it.
Centrality is LexRank: Erkan and Radev, "LexRank: Graph-based Lexical Centrality as Salience in Text
Summarization", JAIR 22, 2004; here in its continuous form, over content words.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from consumers.analysis import signals
from consumers.analysis.acts import place, said
from consumers.analysis.keywords import stop_words
from consumers.analysis.outcome import conclude
from consumers.analysis.sentences import SpokenSentence
from consumers.analysis.skips import skip
from consumers.analysis.speech import SpokenTurn
from consumers.analysis.tables import Tables
from consumers.analysis.tokens import Token
from consumers.analysis.view import CallView, Findings
from schemas.document import SkipReason
from schemas.outcome import Quote, Summary
from schemas.records import Role

DAMPING = 0.85
"""Share of the rank that goes along the edges; the rest is spread evenly."""
ITERATIONS, TOLERANCE = 50, 1e-4
LEAST_WORDS = 2
"""Content words that a sentence worth quoting has."""
ISSUE_SHARE = 0.5
"""The customer names the issue in the first half."""
ISSUE_CANDIDATES = 4
"""Of the requests, the first few: later ones are details."""
SENTENCES_WITHOUT_ROLES = 3

NOTHING = 1e-9
"""Likeness to all other sentences below which a sentence has none: what rounding leaves."""

Vector = NDArray[np.float64]

_CONTENT = frozenset({"NNG", "NNP", "SL", "VV", "VA", "XR", "MAG"})
_NOUNS = frozenset({"NNG", "NNP", "SL", "XR", "W"})


class Line(NamedTuple):
    """A sentence with its turn, its place in the call (0…1) and how central it is."""

    turn: SpokenTurn
    sentence: SpokenSentence
    share: float
    words: frozenset[str]
    rank: float


@dataclass(frozen=True, slots=True)
class SummaryAnalyser:
    """Fills ``summary``."""

    name: str = "summary"

    def versions(self, _: Tables) -> Mapping[str, str]:
        """None of its own: it reads acts, signals and stop words."""
        return {}

    def analyse(self, call: CallView) -> Findings:
        """Quotes for each slot that the call fills; skipped when there is nothing to quote."""
        reason = call.wordless
        if call.language not in signals.LANGUAGES:
            reason = reason or SkipReason.UNSUPPORTED_LANGUAGE
        found = None if reason else summary_of(call)
        if found is None:
            return Findings(skipped=[skip("summary", reason or SkipReason.TOO_FEW)])
        return Findings(fields={"summary": found})


def summary_of(call: CallView) -> Summary | None:
    """The summary, None where no sentence says enough."""
    everything = ranked_lines(call)
    lines = [line for line in everything if len(line.words) >= LEAST_WORDS]
    if not lines:
        return None
    if not call.parties_known:
        best = sorted(lines, key=lambda line: -line.rank)[:SENTENCES_WITHOUT_ROLES]
        return _summary({}, [quote(line) for line in best])
    slots = {"issue": _issue(call, everything), "action": _signalled(call, lines, "done")}
    slots["promise"] = _promise(call, lines)
    slots["outcome"] = _told(call, lines)
    quotes = {name: quote(line) for name, line in slots.items() if line is not None}
    if not quotes:
        return _summary({}, [quote(max(lines, key=lambda line: line.rank))])
    return _summary(quotes, list(quotes.values()))


def _summary(slots: Mapping[str, Quote], quotes: Sequence[Quote]) -> Summary:
    once = {q.sentence_id: q for q in sorted(quotes, key=lambda q: (q.start_ms, q.sentence_id))}
    text = " ".join(q.text for q in once.values())
    return Summary(text=text, quotes=tuple(once.values()), **slots)


def quote(line: Line) -> Quote:
    """The sentence of a line, word for word."""
    return Quote(**place(line.turn, line.sentence).model_dump(), text=line.sentence.text.strip())


def _issue(call: CallView, lines: Sequence[Line]) -> Line | None:
    """The customer's request that is central and named early, which counts more (squared)."""
    said_early = [
        line
        for line in lines
        if call.roles.get(line.turn.speaker) is Role.CUSTOMER and line.share <= ISSUE_SHARE and _names(line)
    ]
    asking = [line for line in said_early if "asks" in call.signals[line.sentence.id]][:ISSUE_CANDIDATES]
    return _best(
        (asking or said_early)[:ISSUE_CANDIDATES], key=lambda line: line.rank * (1 - line.share) ** 2
    )


def _told(call: CallView, lines: Sequence[Line]) -> Line | None:
    """The sentence that tells the outcome, the agent's before the customer's."""
    ids = {found.sentence_id for found in conclude(call).evidence}
    telling = [line for line in lines if line.sentence.id in ids]
    agents = [line for line in telling if call.roles.get(line.turn.speaker) is Role.AGENT]
    return _best(agents or telling)


def _names(line: Line) -> bool:
    return any(token.tag in _NOUNS and token.form in line.words for token in line.sentence.tokens)


def _signalled(call: CallView, lines: Sequence[Line], signal: str) -> Line | None:
    return _best(line for line in lines if signal in call.signals[line.sentence.id])


def _promise(call: CallView, lines: Sequence[Line]) -> Line | None:
    """A promise for later, else none: what is done at once is no promise."""
    ids = {line.sentence.id for line in lines if "pending" in call.signals[line.sentence.id]}
    return _best((line for line in lines if line.sentence.id in ids), key=lambda line: line.share)


def _best(lines: Iterable[Line], key: Callable[[Line], float] = lambda line: line.rank) -> Line | None:
    return max(lines, key=key, default=None)


def ranked_lines(call: CallView) -> list[Line]:
    """Every sentence with its centrality."""
    stop = stop_words(call.tables, call.language)
    sentences = list(said(call))
    contents = [[t.form for t in sentence.tokens if _is_content(t)] for _, sentence in sentences]
    ranks = lexrank([Counter(form for form in forms if form not in stop) for forms in contents])
    return [
        Line(turn, sentence, number / len(sentences), frozenset(forms), float(rank))
        for number, ((turn, sentence), forms, rank) in enumerate(zip(sentences, contents, ranks, strict=True))
    ]


def _is_content(token: Token) -> bool:
    return token.tag in _CONTENT or (token.tag == "W" and len(token.form) > 1)


def lexrank(bags: Sequence[Counter[str]]) -> Vector:
    """The rank of each bag of words; they sum to 1. A bag that shares no word has the least."""
    if not bags:
        return np.zeros(0)
    words = _shared_words(bags)
    degrees = words.likeness(np.ones(len(bags)))
    linked = degrees > NOTHING
    ranks = np.full(len(bags), 1 / len(bags))
    for _ in range(ITERATIONS):
        given = np.divide(ranks, degrees, out=np.zeros(len(bags)), where=linked)
        passed_on = words.likeness(given) + ranks[~linked].sum() / len(bags)
        after = (1 - DAMPING) / len(bags) + DAMPING * passed_on
        if np.abs(after - ranks).sum() < TOLERANCE:
            return np.asarray(after)
        ranks = after
    return ranks


class _Words(NamedTuple):
    """The words that two bags or more have: of which bag, which word, and its share of the bag's length."""

    bags: NDArray[np.int64]
    words: NDArray[np.int64]
    weights: Vector

    def likeness(self, of: Vector) -> Vector:
        """For each bag the sum of its cosines with every other bag, each times that bag's number in ``of``.

        The cosines themselves are never laid out: sentences share few words, and a full matrix of them costs
        more than all else that a summary needs.
        """
        sums = np.bincount(self.words, self.weights * of[self.bags])
        own = np.bincount(self.bags, self.weights**2, minlength=len(of)) * of
        return np.asarray(np.bincount(self.bags, self.weights * sums[self.words], minlength=len(of)) - own)


def _shared_words(bags: Sequence[Counter[str]]) -> _Words:
    """The tf-idf vectors of the bags, of length 1, without the words that only one bag has."""
    spread = Counter(word for bag in bags for word in bag)
    idf = {word: math.log(1 + len(bags) / count) for word, count in spread.items()}
    numbers = {word: n for n, word in enumerate(word for word, count in spread.items() if count > 1)}
    found: list[tuple[int, int, float]] = []
    for row, bag in enumerate(bags):
        weights = {word: count * idf[word] for word, count in bag.items()}
        norm = math.sqrt(sum(weight**2 for weight in weights.values()))
        found += [(row, numbers[w], weight / norm) for w, weight in weights.items() if w in numbers]
    rows, columns, shares = zip(*found, strict=True) if found else ((), (), ())
    return _Words(np.array(rows, np.int64), np.array(columns, np.int64), np.array(shares, np.float64))

"""How well the sentiment of sentences is told, beside a lexicon of plain substrings and VADER.

Each labelled sentence is analysed as a turn of its own, after what the other party said before it where that
decides; the turn's label counts, and the macro-averaged F1 of the three labels is measured. The substring lexicon
looks for the written stems of the same entries anywhere, without any rule. VADER knows English only.

``labelled/sentiment.dev.jsonl`` is for tuning. ``sentiment.frozen.jsonl`` was written before the lexicon, by its
author: its figure flatters. ``sentiment.unseen.jsonl`` was written after it, to describe mishaps in words that
the lexicon may lack; what customers say lies between the two.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from consumers.analysis.engine import AnalysisEngine
from consumers.analysis.lexicon import SentimentTable
from consumers.analysis.polarity import SENTENCE_THRESHOLD, label_of, squashed
from consumers.analysis.sentiment import SentimentAnalyser
from consumers.analysis.tables import SHIPPED
from consumers.analysis.transcript import analyse_turns
from schemas.records import Role
from schemas.sentiment import Label

LABELLED = Path(__file__).parent / "labelled"
LABELS: tuple[Label, ...] = ("negative", "neutral", "positive")
TURN_MS = 4000
VADER_THRESHOLD = 0.05
"""VADER's own: its authors call a compound score below this neutral."""
_LEAST_STEM = 2
"""Characters of the shortest substring that the plain lexicon looks for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """A sentence with its label; ``before`` is what the other party said last."""

    id: str
    language: str
    role: Role
    text: str
    label: Label
    before: str | None = None


Teller = Callable[[Labelled], Label]


def read(part: str) -> list[Labelled]:
    """The labelled sentences of ``dev`` or ``frozen``."""
    lines = (LABELLED / f"sentiment.{part}.jsonl").read_text(encoding="utf-8").splitlines()
    rows = (json.loads(line) for line in lines)
    return [Labelled(**row | {"role": Role(row["role"])}) for row in rows]


class Ours:
    """The analysis as it runs in the service."""

    def __init__(self) -> None:
        self._engine = AnalysisEngine((SentimentAnalyser(),))

    def __call__(self, sentence: Labelled) -> Label:
        """The label of the turn."""
        other = Role.AGENT if sentence.role is Role.CUSTOMER else Role.CUSTOMER
        said = [(sentence.role, sentence.text)]
        if sentence.before is not None:
            said.insert(0, (other, sentence.before))
        turns = [
            {"speaker": role, "start_ms": n * TURN_MS, "end_ms": (n + 1) * TURN_MS - 1, "text": text}
            for n, (role, text) in enumerate(said)
        ]
        roles = {role: role for role, _ in said}
        payload = {"call_id": sentence.id, "language": sentence.language, "roles": roles, "turns": turns}
        sentiment = analyse_turns(self._engine, payload).turns[-1].sentiment
        return sentiment.label if sentiment is not None else "neutral"


class Substrings:
    """The same entries as words to be found anywhere in the text: no morphology, no rules, no speaker."""

    def __init__(self, language: str) -> None:
        table = SHIPPED.get(f"sentiment.{language}.yaml", SentimentTable)
        stems = ((stem, entry.weight) for entry in table.entries for stem in _surfaces(entry.pattern))
        self._stems = [(stem, weight) for stem, weight in stems if len(stem) >= _LEAST_STEM]

    def __call__(self, sentence: Labelled) -> Label:
        """The label of the sum of all weights whose substring occurs."""
        text = sentence.text.lower().replace(" ", "")
        total = sum(weight for stem, weight in self._stems if stem in text)
        return label_of(squashed(total), SENTENCE_THRESHOLD)


def _surfaces(pattern: str) -> Iterator[str]:
    """The written form of a pattern's first alternatives, blanks left out, up to the first gap."""
    for row in pattern.split("||"):
        parts = row.split("~")[0].split()
        yield "".join(part.split("|")[0].split("/")[0].rstrip("*") for part in parts)


class Vader:
    """vaderSentiment's compound score."""

    def __init__(self) -> None:
        module: Any = import_module("vaderSentiment.vaderSentiment")
        self._analyser = module.SentimentIntensityAnalyzer()

    def __call__(self, sentence: Labelled) -> Label:
        """The label at its authors' thresholds."""
        return label_of(self._analyser.polarity_scores(sentence.text)["compound"], VADER_THRESHOLD)


def macro_f1(sentences: Sequence[Labelled], tell: Teller) -> float:
    """F1 of each label, averaged over the labels."""
    pairs = [(sentence.label, tell(sentence)) for sentence in sentences]
    return sum(_f1(pairs, label) for label in LABELS) / len(LABELS)


def _f1(pairs: Sequence[tuple[Label, Label]], label: Label) -> float:
    right = sum(given == told == label for given, told in pairs)
    claimed = sum(told == label for _, told in pairs) + sum(given == label for given, _ in pairs)
    return 2 * right / claimed if claimed else 0.0


def table() -> list[list[object]]:
    """Rows of the benchmark, the header first: macro-F1 by part and language."""
    ours = Ours()
    vader = Vader() if find_spec("vaderSentiment") else None
    rows: list[list[object]] = [["sentiment, macro-F1", "sentences", "ours", "substrings", "VADER"]]
    for part in ("dev", "frozen", "unseen"):
        for language in ("ko", "en"):
            chosen = [sentence for sentence in read(part) if sentence.language == language]
            peer: object = "English only"
            if language == "en":
                peer = macro_f1(chosen, vader) if vader is not None else "not installed"
            plain = macro_f1(chosen, Substrings(language))
            rows.append([f"{language} {part}", len(chosen), macro_f1(chosen, ours), plain, peer])
    return rows

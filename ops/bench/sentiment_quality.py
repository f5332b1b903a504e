"""How well the sentiment of sentences is told, beside the lexicon without tone, plain substrings and VADER.

Each labelled sentence is analysed as a turn of its own, after what the other party said before it where that
decides; the turn's label counts, and the macro-averaged F1 of the three labels is measured. The substring lexicon
looks for the written stems of the same entries anywhere, without any rule. VADER knows English only.

``labelled/sentiment.*.jsonl``: ``frozen`` was written before the first lexicon, by its author. Each later part was
written to describe mishaps and comfort in words that the lexicon of its day may lack, blind A and B without sight
of it; each but ``blind D`` and ``blind E`` has served since it was first measured, to widen the lexicon and to
learn the tone, so that its figure flatters now. ``FIRST_MEASURED`` keeps the honest ones. ``voices`` was written to
be learned from; ``blind E`` just before it by the same hand, so that ``blind D`` says more of other people's calls.
Expect those to be worse still.
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
from consumers.analysis.polarity import SENTENCE_THRESHOLD, label_of, polarity_for, squashed
from consumers.analysis.sentiment import SentimentAnalyser
from consumers.analysis.tables import SHIPPED
from consumers.analysis.tokens import KoreanTokeniser, Tokeniser, WordTokeniser
from consumers.analysis.transcript import analyse_turns
from consumers.analysis.wording import Setting
from schemas.records import Role
from schemas.sentiment import Label

LABELLED = Path(__file__).parent / "labelled"
LABELS: tuple[Label, ...] = ("negative", "neutral", "positive")
TURN_MS = 4000
PARTS = {
    "dev": "dev",
    "frozen": "frozen",
    "unseen": "unseen",
    "blind_a": "blind A",
    "more": "more",
    "blind_b": "blind B",
    "blind_c": "blind C",
    "blind_d": "blind D",
    "voices": "voices",
    "blind_e": "blind E",
}
"""Parts of the labelled sentences, and what each is called."""
FIRST_MEASURED = {
    ("ko", "unseen"): 0.565,
    ("en", "unseen"): 0.510,
    ("ko", "blind_a"): 0.683,
    ("en", "blind_a"): 0.720,
    ("ko", "more"): 0.712,
    ("en", "more"): 0.543,
    ("ko", "blind_b"): 0.764,
    ("en", "blind_b"): 0.633,
    ("ko", "blind_c"): 0.829,
    ("en", "blind_c"): 0.740,
    ("ko", "blind_d"): 0.806,
    ("en", "blind_d"): 0.534,
    ("ko", "voices"): 0.691,
    ("en", "voices"): 0.664,
    ("ko", "blind_e"): 0.816,
    ("en", "blind_e"): 0.823,
}
"""Macro-F1 on the day when a part was first measured, before anything was learned from it."""
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
    """The labelled sentences of one of ``PARTS``."""
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


class LexiconAlone:
    """The same entries and rules without the tone; ``before`` is not heeded."""

    def __init__(self) -> None:
        self._tokenisers: dict[str, Tokeniser] = {"ko": KoreanTokeniser(), "en": WordTokeniser()}

    def __call__(self, sentence: Labelled) -> Label:
        """The label of the sum of the entries."""
        wording = polarity_for(SHIPPED, sentence.language).wording
        tokens = self._tokenisers[sentence.language].tokenise(sentence.text)
        total = wording.read(tokens, Setting(role=sentence.role)).total
        return label_of(squashed(total), SENTENCE_THRESHOLD)


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
    ours, lexicon = Ours(), LexiconAlone()
    vader = Vader() if find_spec("vaderSentiment") else None
    rows: list[list[object]] = [
        ["sentiment, macro-F1", "sentences", "first measured", "ours", "lexicon alone", "substrings", "VADER"]
    ]
    for part, name in PARTS.items():
        for language in ("ko", "en"):
            chosen = [sentence for sentence in read(part) if sentence.language == language]
            peer: object = "English only"
            if language == "en":
                peer = macro_f1(chosen, vader) if vader is not None else "not installed"
            first = FIRST_MEASURED.get((language, part), "")
            figures = [macro_f1(chosen, teller) for teller in (ours, lexicon, Substrings(language))]
            rows.append([f"{language} {name}", len(chosen), first, *figures, peer])
    return rows

"""Learns the tone tables: ``python -m ops.bench.sentiment_tone`` rewrites ``base`` and ``cues`` in each.

Multinomial logistic regression with a quadratic penalty, by full gradient steps from nought: deterministic. What is
learned from are the customers' sentences of the parts in ``PARTS``; the frozen part and the last two blind ones
stay out. The lexicon stays out as well: it knows the sentences it was tuned on, and would leave nothing to be
learned.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray

from consumers.analysis import data
from consumers.analysis.tokens import KoreanTokeniser, Token, Tokeniser, WordTokeniser
from consumers.analysis.tone import Tone, ToneTable, cue_counts
from ops.bench.sentiment_quality import LABELS, read
from schemas.records import Role

PARTS = ("dev", "unseen", "blind_a", "more", "blind_b", "blind_c", "voices")
LEAST_SENTENCES = 2
"""In how many sentences a cue must stand to be learned."""
PENALTY, STEP, STEPS = 3.0, 0.8, 300
CAUTION = 1.2
"""Log-odds by which a label must be ahead of neutral: most sentences of a call are, more than of the parts."""
LEXICON_UNIT = 8.0
"""Log-odds that a lexicon weight of 1 is worth."""
LEAST_LEANING = 0.008
"""Cues that lean less are left out."""
TOKENISERS: dict[str, Tokeniser] = {"ko": KoreanTokeniser(), "en": WordTokeniser()}

Floats = NDArray[np.float64]


def learned(table: ToneTable, parts: Sequence[str] = PARTS) -> ToneTable:
    """The table with leanings learned from the labelled sentences of its language."""
    said = [s for part in parts for s in read(part) if s.language == table.language]
    said = [s for s in said if s.role is Role.CUSTOMER]
    tokens = [TOKENISERS[table.language].tokenise(s.text) for s in said]
    tone = Tone(table)
    names = sorted(n for n, times in cue_counts(tone, tokens).items() if times >= LEAST_SENTENCES)
    targets = np.eye(len(LABELS))[[LABELS.index(s.label) for s in said]]
    weights = _fit(_presence(tone, names, tokens), targets) / LEXICON_UNIT
    down, up = weights[:, 0] - weights[:, 1], weights[:, 2] - weights[:, 1]
    caution = CAUTION / LEXICON_UNIT
    cues = {
        name: (round(float(d), 3), round(float(u), 3)) for name, d, u in zip(names, down, up, strict=False)
    }
    cues = {name: both for name, both in cues.items() if max(map(abs, both)) >= LEAST_LEANING}
    base = (round(float(down[-1]) - caution, 3), round(float(up[-1]) - caution, 3))
    return table.model_copy(update={"base": base, "cues": cues})


def _presence(tone: Tone, names: Sequence[str], sentences: Sequence[Sequence[Token]]) -> Floats:
    """A row per sentence, a column per cue, and one of ones."""
    column = {name: n for n, name in enumerate(names)}
    rows = np.zeros((len(sentences), len(names) + 1))
    rows[:, -1] = 1
    for row, tokens in zip(rows, sentences, strict=True):
        row[[column[name] for name in tone.names(tokens) if name in column]] = 1
    return rows


def _fit(rows: Floats, targets: Floats) -> Floats:
    weights = np.zeros((rows.shape[1], targets.shape[1]))
    for _ in range(STEPS):
        odds = rows @ weights
        chances = np.exp(odds - odds.max(axis=1, keepdims=True))
        chances /= chances.sum(axis=1, keepdims=True)
        weights -= STEP * (rows.T @ (chances - targets) + PENALTY * weights) / len(rows)
    return weights


def written(head: str, table: ToneTable) -> str:
    """The YAML of a table: what stands above its leanings stays as it is."""
    lines = [head.partition("\nbase:")[0].rstrip(), f"base: [{table.base[0]}, {table.base[1]}]", "cues:"]
    for name, (down, up) in table.cues.items():
        key = yaml.safe_dump(name, default_style='"', allow_unicode=True, width=200).strip()
        lines.append(f"  {key}: [{down}, {up}]")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Rewrite the shipped tables."""
    folder = Path(next(iter(data.__path__)))
    for language in TOKENISERS:
        path = folder / f"tone.{language}.yaml"
        head = path.read_text(encoding="utf-8")
        table = learned(data.parse(head, ToneTable, source=str(path)))
        path.write_text(written(head, table), encoding="utf-8")


if __name__ == "__main__":
    main()

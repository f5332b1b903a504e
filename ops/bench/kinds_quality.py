"""How well the kind of a spoken Korean sentence is told: statement, question or unfinished, without any mark.

``labelled/kinds.*.jsonl`` were written for this project by the author of the rules, both parts before the rules
that they measure; rules were tuned on dev. They are picked for what is hard (question words that ask nothing,
endings that serve both), so expect calls to be easier and other authors to be worse. A sentence is labelled by
its form: a reproach in the form of a question is a question, and so is a request (말씀해 주시겠어요). The plain
baseline looks at the last syllables.
"""

import json
import re
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from consumers.analysis.endings import kind_of
from consumers.analysis.tokens import KoreanTokeniser
from schemas.document import SentenceKind
from schemas.records import Record

PARTS = ("dev", "frozen")
KINDS: tuple[SentenceKind, ...] = ("statement", "question", "unfinished")
LABELLED = Path(__file__).with_name("labelled")

_PLAIN_QUESTION = re.compile("(?:니까|[까나가]요|냐|노|니|죠)$")
_PLAIN_UNFINISHED = re.compile("[고서데면]$|지만$|으니까$")


class LabelledSentence(Record):
    """A sentence as a recogniser writes it that knows no marks, and its kind."""

    text: str
    kind: SentenceKind


def sentences(part: str) -> list[LabelledSentence]:
    """The sentences of one of ``PARTS``."""
    lines = (LABELLED / f"kinds.{part}.jsonl").read_text(encoding="utf-8").splitlines()
    return [LabelledSentence.model_validate(json.loads(line)) for line in lines]


def table() -> list[list[object]]:
    """Rows of part, kind, items, precision and recall of ours and of the plain baseline; the first is the header.

    In the row of every kind the share of right ones stands for both rates.
    """
    rows: list[list[object]] = [
        ["part", "kind", "items", "precision", "recall", "plain precision", "plain recall"]
    ]
    for part in PARTS:
        given = sentences(part)
        told = [[tell(sentence.text) for sentence in given] for tell in (own_kind, plain_kind)]
        right = [sum(a.kind == b for a, b in zip(given, found, strict=True)) / len(given) for found in told]
        rows.append([part, "every", len(given), right[0], right[0], right[1], right[1]])
        rows += [[part, kind, *_rates(kind, given, told)] for kind in KINDS]
    return rows


def missed(
    part: str, tell: Callable[[str], SentenceKind | None]
) -> list[tuple[LabelledSentence, str | None]]:
    """The sentences of a part that ``tell`` gets wrong, with what it says of them."""
    told = [(sentence, tell(sentence.text)) for sentence in sentences(part)]
    return [(sentence, kind) for sentence, kind in told if sentence.kind != kind]


def own_kind(text: str) -> SentenceKind | None:
    """The kind by the rules of the analysis."""
    return kind_of(text, _korean().tokenise(text))


def plain_kind(text: str) -> SentenceKind:
    """The kind by the last syllables alone."""
    if _PLAIN_UNFINISHED.search(text):
        return "unfinished"
    return "question" if _PLAIN_QUESTION.search(text) else "statement"


@cache
def _korean() -> KoreanTokeniser:
    return KoreanTokeniser()


def _rates(
    kind: SentenceKind, given: Sequence[LabelledSentence], told: Sequence[Sequence[SentenceKind | None]]
) -> list[object]:
    due = sum(sentence.kind == kind for sentence in given)
    rates: list[object] = [due]
    for found in told:
        right = sum(a.kind == kind == b for a, b in zip(given, found, strict=True))
        rates += [right / max(1, found.count(kind)), right / max(1, due)]
    return rates

"""How well outcomes and topics are told: on labelled dialogues, whole ones in Korean and English.

``labelled/outcome.*.jsonl`` was written for this project by one author who also wrote the rules; expect other
authors' calls to be worse. Each dialogue has one outcome and the topic that it is foremost about; where the table
of topics grew, three dialogues of dev and frozen took the name of a new topic. The parts differ in what the rules
had seen of them when they were first measured:

dev: rules were tuned on it. frozen: the dialogues f… were written before there was a rule, i… (rows of their own)
when the first rules were finished; their misses were looked at since. blind_a: written without a look at the
rules, then tuned on. blind_b: written at the same time in another style, measured once (outcome .914, foremost
topic .943) before its misses were looked at. blind_c: written after that, in words that avoid those of the table,
measured once (outcome .909, foremost topic .409, topic among the three .500) before it was tuned on: what people
call for can be said in more words than a table lists.

Times are made by one rule that knows nothing of the labels: 170 ms a syllable (English: 330 ms a word), 300 ms
between turns. The baseline takes each set's most frequent label.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from consumers.analysis.engine import AnalysisEngine
from consumers.analysis.rate import syllables
from consumers.analysis.transcript import analyse_turns
from schemas.document import CallDocument
from schemas.records import Record

SYLLABLE_MS, WORD_MS, GAP_MS = 170, 330, 300
PARTS = ("dev", "frozen", "blind_a", "blind_b", "blind_c")
LAST = "i"
"""First letter of the ids of the frozen dialogues that were written after the first rules."""
LABELLED = Path(__file__).with_name("labelled")


class LabelledCall(Record):
    """A dialogue (role and text of each turn) with its outcome and topic."""

    id: str
    language: str
    centre: str
    outcome: str
    topic: str
    turns: tuple[tuple[str, str], ...]


def labelled_calls(part: str) -> list[LabelledCall]:
    """The dialogues of one of ``PARTS``."""
    lines = (LABELLED / f"outcome.{part}.jsonl").read_text(encoding="utf-8").splitlines()
    return [LabelledCall.model_validate(json.loads(line)) for line in lines]


def payload(call: LabelledCall) -> dict[str, object]:
    """The dialogue as ``callytics analyze`` takes it, its roles given."""
    turns: list[Mapping[str, object]] = []
    clock_ms = 0
    for role, text in call.turns:
        korean_ms, english_ms = SYLLABLE_MS * syllables(text), WORD_MS * len(text.split())
        end_ms = clock_ms + max(GAP_MS, korean_ms if call.language == "ko" else english_ms)
        turns.append({"speaker": role, "start_ms": clock_ms, "end_ms": end_ms, "text": text})
        clock_ms = end_ms + GAP_MS
    roles = {role: role for role, _ in call.turns}
    return {
        "call_id": call.id,
        "language": call.language,
        "channels": 2,
        "roles": roles,
        "turns": turns,
    }


def analysed(calls: Sequence[LabelledCall]) -> Iterator[tuple[LabelledCall, CallDocument]]:
    """Each dialogue with its document."""
    engine = AnalysisEngine()
    for call in calls:
        yield call, analyse_turns(engine, payload(call))


def table() -> list[list[object]]:
    """Rows of part, measure, calls, ours and baseline; the first is the header."""
    rows: list[list[object]] = [["part", "measure", "calls", "ours", "most frequent label"]]
    for part, calls in _sets():
        pairs = list(analysed(calls))
        outcomes = [(c.outcome, d.outcome.label if d.outcome else "none") for c, d in pairs]
        foremost = [(c.topic, d.topics[0].name if d.topics else "none") for c, d in pairs]
        among = sum(c.topic in {t.name for t in d.topics} for c, d in pairs) / len(pairs)
        rows += [
            [part, "outcome, accuracy", len(pairs), _accuracy(outcomes), _frequent(outcomes)],
            [part, "outcome, macro-F1", len(pairs), macro_f1(outcomes), ""],
            [part, "foremost topic, accuracy", len(pairs), _accuracy(foremost), _frequent(foremost)],
            [part, "topic among the three", len(pairs), among, ""],
        ]
    return rows


def _sets() -> Iterator[tuple[str, list[LabelledCall]]]:
    for part in PARTS:
        yield part, labelled_calls(part)
    yield "frozen, written last", [c for c in labelled_calls("frozen") if c.id.startswith(LAST)]


def macro_f1(pairs: Sequence[tuple[str, str]]) -> float:
    """Mean F1 over the true labels, of (true, found)."""
    labels = sorted({true for true, _ in pairs})
    return sum(_f1(pairs, label) for label in labels) / len(labels)


def _f1(pairs: Sequence[tuple[str, str]], label: str) -> float:
    right = sum(true == found == label for true, found in pairs)
    counted = sum((true == label) + (found == label) for true, found in pairs)
    return 2 * right / counted if counted else 0.0


def _accuracy(pairs: Sequence[tuple[str, str]]) -> float:
    return sum(true == found for true, found in pairs) / len(pairs)


def _frequent(pairs: Sequence[tuple[str, str]]) -> float:
    return Counter(true for true, _ in pairs).most_common(1)[0][1] / len(pairs)

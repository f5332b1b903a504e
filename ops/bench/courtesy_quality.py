"""How well courtesy and script are judged: on labelled dialogues, Korean and English.

``labelled/courtesy.*.jsonl`` was written for this project by one author, who also wrote the rules. Frozen was
written before a rule was run; its errors were not looked at when the rules were last changed, its figures were.
Dev, unseen and unseen2 were unseen sets until the rules were tuned on them. Unseen3 was written before the last
of these changes, looked at once, and no rule was tuned on it: it comes nearest to other people's calls. Roles are
given, times are made by one rule that knows nothing of the labels.

``due`` and ``met`` are the shares of dialogues in which that number is exactly the labelled one (of findings:
exactly these turns count). Precision and recall are of the turns in which something is missing (coverages), or
said (findings, script). The plain baseline looks for keywords in turns.
"""

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from consumers.analysis.engine import AnalysisEngine
from consumers.analysis.rate import syllables
from consumers.analysis.transcript import analyse_turns
from schemas.document import CallDocument
from schemas.records import Record, Role

PARTS = ("dev", "frozen", "unseen", "unseen2", "unseen3")
SYLLABLE_MS, WORD_MS, GAP_MS = 170, 330, 300
LABELLED = Path(__file__).with_name("labelled")
COVERAGES = ("cushion", "empathy", "apology", "alternative", "repeat_back")
FINDINGS = ("negative_phrasing", "blame", "conflict", "ownership", "name_use")
COUNTS = ("promises", "promises_with_time")


class LabelledTurn(Record):
    """A turn; ``wait_s`` is the silence before it."""

    role: Role
    text: str
    wait_s: int = 0


class LabelledTalk(Record):
    """A dialogue. Turns count from 1.

    ``due``: metric to the turns in which something is due and whether it came. ``found``: metric to the turns that
    count. ``script``: the steps that are said and whether at their place.
    """

    id: str
    language: str
    turns: tuple[LabelledTurn, ...]
    due: Mapping[str, Mapping[int, bool]]
    found: Mapping[str, tuple[int, ...]]
    promises: int
    promises_with_time: int
    script: Mapping[str, bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What is said of a dialogue: by metric the numbers due and met, turns missed or found; steps in place."""

    due: Mapping[str, int]
    met: Mapping[str, int]
    turns: Mapping[str, frozenset[int]]
    counts: Mapping[str, int]
    script: Mapping[str, bool]


def talks(part: str) -> list[LabelledTalk]:
    """The dialogues of one of ``PARTS``."""
    names = ("role", "text", "wait_s")
    rows = (
        json.loads(line) for line in (LABELLED / f"courtesy.{part}.jsonl").read_text("utf-8").splitlines()
    )
    return [
        LabelledTalk.model_validate(
            row | {"turns": [dict(zip(names, turn, strict=False)) for turn in row["turns"]]}
        )
        for row in rows
    ]


def payload(talk: LabelledTalk) -> dict[str, object]:
    """The dialogue as ``callytics analyze`` takes it, its roles given."""
    turns: list[dict[str, object]] = []
    clock_ms = 0
    for turn in talk.turns:
        clock_ms += 1000 * turn.wait_s
        spoken_ms = (
            SYLLABLE_MS * syllables(turn.text) if talk.language == "ko" else WORD_MS * len(turn.text.split())
        )
        end_ms = clock_ms + max(GAP_MS, spoken_ms)
        turns.append({"speaker": turn.role, "start_ms": clock_ms, "end_ms": end_ms, "text": turn.text})
        clock_ms = end_ms + GAP_MS
    roles = {turn.role.value: turn.role for turn in talk.turns}
    return {"call_id": talk.id, "language": talk.language, "channels": 2, "roles": roles, "turns": turns}


def labelled(talk: LabelledTalk) -> Judged:
    """The labels themselves."""
    due = {name: talk.due.get(name, {}) for name in COVERAGES}
    missed = {name: frozenset(turn for turn, met in turns.items() if not met) for name, turns in due.items()}
    return Judged(
        due={name: len(turns) for name, turns in due.items()},
        met={name: sum(turns.values()) for name, turns in due.items()},
        turns=missed | {name: frozenset(talk.found.get(name, ())) for name in FINDINGS},
        counts={name: getattr(talk, name) for name in COUNTS},
        script=talk.script,
    )


def ours(document: CallDocument) -> Judged:
    """What the analysis says."""
    quality = document.quality
    assert quality is not None and quality.courtesy is not None, "both parties are given"  # noqa: S101, PT018 -- told to the type checker
    number = {turn.id: n for n, turn in enumerate(document.turns, start=1)}
    kept = quality.courtesy
    coverages = {name: getattr(kept, name) for name in COVERAGES}
    missed = {name: frozenset(number[p.turn_id] for p in c.missed) for name, c in coverages.items()}
    found = {name: frozenset(number[p.turn_id] for p in getattr(kept, name).instances) for name in FINDINGS}
    return Judged(
        due={name: coverage.due for name, coverage in coverages.items()},
        met={name: coverage.met for name, coverage in coverages.items()},
        turns=missed | found,
        counts={name: getattr(kept, name) for name in COUNTS},
        script={s.step: s.in_place is True for s in quality.script if s.said},
    )


def plain(talk: LabelledTalk) -> Judged:
    """What a list of keywords finds."""
    numbered = list(enumerate(talk.turns, start=1))
    said = {
        turn: _Keywords(numbered, role) for turn, role in (("agent", Role.AGENT), ("customer", Role.CUSTOMER))
    }
    agent, customer = said["agent"], said["customer"]
    due = {
        "cushion": {n: agent.near("cushion", n, 1) for n in agent.turns("burden")},
        "empathy": {n: agent.near("empathy", n, 3) for n in customer.turns("upset")},
        "apology": {n: agent.near("apology", n, 3) for n in customer.turns("complaint")},
        "alternative": {n: agent.near("alternative", n, 3) for n in agent.turns("refusal")},
        "repeat_back": {n: agent.near("repeat", n, 3) for n in customer.turns("digits")},
    }
    missed = {name: frozenset(n for n, met in turns.items() if not met) for name, turns in due.items()}
    blunt = missed["alternative"]
    found = {name: frozenset(agent.turns(name)) for name in FINDINGS if name in KEYWORDS}
    return Judged(
        due={name: len(turns) for name, turns in due.items()},
        met={name: sum(turns.values()) for name, turns in due.items()},
        turns=missed | found | {"negative_phrasing": blunt},
        counts={name: len(agent.turns(name)) for name in COUNTS},
        script={step: True for step in STEPS if agent.turns(step)},
    )


STEPS = (
    *("greeting", "self_introduction", "recording_notice", "identity_check"),
    *("need_check", "summary", "further_help", "closing"),
)
KEYWORDS: Mapping[str, str] = {
    "burden": "성함|생년월일|번호|연락처|안 되|안 됩|어렵|불가|지연|위약금|number|name|can't|unable|fully booked",
    "cushion": "죄송하지만|죄송합니다만|번거로|실례|양해|괜찮으|혹시|afraid|unfortunately|mind|sorry",
    "upset": "화나|화가|짜증|답답|속상|어이|너무|불안|무서|힘드|frustrat|upset|ridiculous|terrible|disappointed",
    "empathy": "셨겠|속상|답답|놀라|걱정|이해|understand|sorry to hear|must have|oh no",
    "complaint": "안 오|안 와|안 되|두 번|세 번|잘못|고장|불편|wrong|twice|broken|still|waiting|nobody",
    "apology": "죄송|사과|송구|sorry|apolog",
    "refusal": "안 되|안 됩|어렵|불가|없습니다|can't|cannot|not possible|unable|fully booked",
    "alternative": "대신|다른|가능|방법|instead|could|another|option",
    "digits": r"\d{4}|[공일이삼사오육칠팔구]{4}",
    "repeat": r"\d{4}|[공일이삼사오육칠팔구]{4}",
    "blame": "규정|방침|약관|고객님이|policy|should have|your fault",
    "conflict": "흥분|진정|오해|아까 말씀|알아서|마음대로|calm down|already said",
    "ownership": "제가|i'll|i will",
    "name_use": "(?<!맞으)[가-힣]{3} (?:고객님|님)|m[rs]s? [a-z]+",
    "promises": "겠습니다|드릴게요|예정|i'll|you'll",
    "promises_with_time": "(?:오늘|내일|까지|시에).*(?:겠습니다|드릴게요|예정)|(?:i'll|you'll).*(?:today|tomorrow)",
    "greeting": "안녕하|반갑|hello|hi|good (?:morning|afternoon|evening)",
    "self_introduction": "입니다|my name|this is|speaking",
    "recording_notice": "녹음|녹취|recorded",
    "identity_check": "성함|생년월일|번호|name|date of birth|number",
    "need_check": "무엇을 도와|how can i|how may i|what can i",
    "summary": "정리|recap|summar",
    "further_help": "더 |다른 문의|추가|anything else",
    "closing": "좋은 하루|안녕히|감사합니다|goodbye|bye|have a",
}
"""What a list of substrings would hold, as one regular expression each."""


@dataclass(frozen=True, slots=True)
class _Keywords:
    """The turns of one party, by number."""

    numbered: Sequence[tuple[int, LabelledTurn]]
    role: Role

    def turns(self, name: str) -> list[int]:
        """Those with a keyword."""
        pattern = re.compile(KEYWORDS[name])
        return [
            n for n, turn in self.numbered if turn.role is self.role and pattern.search(turn.text.lower())
        ]

    def near(self, name: str, start: int, turns: int) -> bool:
        """Whether one of so many turns from ``start`` on has a keyword."""
        return any(start <= n < start + turns for n in self.turns(name))


Pairs = Sequence[tuple[Judged, Judged]]


def table() -> list[list[object]]:
    """Rows of part, metric, items, and our and the plain figures; the first is the header."""
    figures = ("due exact", "met exact", "precision", "recall")
    head = ["part", "metric", "items", *figures, *(f"plain {figure}" for figure in figures)]
    rows: list[list[object]] = [[*head]]
    engine = AnalysisEngine()
    for part in PARTS:
        given = talks(part)
        mine = [(labelled(t), ours(analyse_turns(engine, payload(t)))) for t in given]
        theirs = [(labelled(t), plain(t)) for t in given]
        rows += [[part, name, *measure(mine), *measure(theirs)[1:]] for name, measure in _measures()]
    return rows


def _measures() -> Iterator[tuple[str, Callable[[Pairs], list[object]]]]:
    """Name and function of each row, in order. A function gives the items and the four figures."""
    for names, measure in ((COVERAGES, _coverage), (FINDINGS, _found)):
        yield from ((name, partial(measure, names=(name,))) for name in names)
        yield "these five", partial(measure, names=names)
    yield from ((name, partial(_counted, name=name)) for name in COUNTS)
    yield "script, said and in place", _script


def _coverage(pairs: Pairs, names: Sequence[str]) -> list[object]:
    """What is due; exact dialogues; precision and recall of the turns that called for it in vain."""
    each = [(true, found, name) for true, found in pairs for name in names]
    due = sum(true.due[name] == found.due[name] for true, found, name in each) / len(each)
    met = sum(true.met[name] == found.met[name] for true, found, name in each) / len(each)
    rates = _rates([(true.turns[name], found.turns[name]) for true, found, name in each])
    return [sum(true.due[name] for true, _, name in each), due, met, *rates]


def _found(pairs: Pairs, names: Sequence[str]) -> list[object]:
    each = [(true.turns[name], found.turns[name]) for true, found in pairs for name in names]
    exact = sum(true == found for true, found in each) / len(each)
    return [sum(len(true) for true, _ in each), exact, "", *_rates(each)]


def _counted(pairs: Pairs, name: str) -> list[object]:
    exact = sum(true.counts[name] == found.counts[name] for true, found in pairs) / len(pairs)
    return [sum(true.counts[name] for true, _ in pairs), exact, "", "", ""]


def _script(pairs: Pairs) -> list[object]:
    each = [(set(true.script.items()), set(found.script.items())) for true, found in pairs]
    exact = sum(true == found for true, found in each) / len(each)
    return [sum(len(true) for true, _ in each), exact, "", *_rates(each)]


def _rates(pairs: Sequence[tuple[Collection[object], Collection[object]]]) -> tuple[float, float]:
    """Precision and recall of (true, found); 1 where there was nothing to find or nothing found."""
    right = sum(len(set(true) & set(found)) for true, found in pairs)
    found_all, true_all = (sum(len(pair[side]) for pair in pairs) for side in (1, 0))
    return right / found_all if found_all else 1.0, right / true_all if true_all else 1.0

"""How well acts, roles and profanity are told: on labelled dialogues and lines, Korean and English.

``labelled/acts.*.jsonl`` and ``labelled/profanity.*.jsonl`` were written for this project by one author who also
wrote the rules; expect other authors' calls to be worse. The parts differ in what the rules had seen of them when
they were first measured:

dev: rules were tuned on it. frozen: written when there was a first draft of the rules; its misses were looked at
since. blind_a: written without a look at the rules, then tuned on. blind_b: written at the same time in another
style; it was measured once (Korean acts .816 / .746, English .892 / .846) before its misses were looked at.
blind_c: written after that, in yet another style; it was measured once (Korean .919 / .908, English 1.000 / .846)
before its misses were looked at. blind_d: other trades and tempers and more idiom; its author had read the rules,
but no rule was changed for it (Korean .884 / .718, English .874 / .682 at first sight).
Three labels of earlier parts were then brought into line: thanks that open a call greet, and the Korean phrase
for "the reason I call is" is a cushion.

Roles are not given: they come from the words, and the acts are told with the roles found. An act is right when its
turn has it. The plain baseline for profanity looks for the words as strings.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from consumers.analysis.engine import AnalysisEngine
from consumers.analysis.profanity import profanity_filter
from consumers.analysis.rate import syllables
from consumers.analysis.tables import SHIPPED
from consumers.analysis.tokens import KoreanTokeniser, Tokeniser, WordTokeniser
from consumers.analysis.transcript import analyse_turns
from schemas.acts import ACTS
from schemas.document import CallDocument
from schemas.records import Direction, Record, Role

PARTS = ("dev", "frozen", "blind_a", "blind_b", "blind_c", "blind_d")
PROFANITY_PARTS = PARTS[:2]
LANGUAGES = ("ko", "en")
SYLLABLE_MS, WORD_MS, GAP_MS = 170, 330, 300
LABELLED = Path(__file__).with_name("labelled")
PLAIN_WORDS = (
    *("씨발", "시발", "시 발", "새끼", "병신", "지랄", "존나", "꺼져", "닥쳐", "미친"),
    *("fuck", "shit", "ass"),
)
"""What a list of substrings would hold."""


class LabelledTurn(Record):
    """A turn and its acts."""

    speaker: str
    text: str
    acts: frozenset[str]


class LabelledDialogue(Record):
    """A dialogue with the role of each speaker and the acts of each turn."""

    id: str
    language: str
    direction: Direction
    roles: Mapping[str, Role]
    turns: tuple[LabelledTurn, ...]


class LabelledLine(Record):
    """A line and its tier of profanity; None: it is clean."""

    language: Literal["ko", "en"]
    tier: int | None
    text: str


def dialogues(part: str) -> list[LabelledDialogue]:
    """The dialogues of one of ``PARTS``."""
    names = ("speaker", "text", "acts")
    return [
        LabelledDialogue.model_validate(
            row | {"turns": [dict(zip(names, turn, strict=True)) for turn in row["turns"]]}
        )
        for row in _rows(f"acts.{part}.jsonl")
    ]


def lines(part: str) -> list[LabelledLine]:
    """The lines for profanity of one of ``PROFANITY_PARTS``."""
    return [LabelledLine.model_validate(row) for row in _rows(f"profanity.{part}.jsonl")]


def payload(dialogue: LabelledDialogue) -> dict[str, object]:
    """The dialogue as ``callytics analyze`` takes it, without its roles.

    Times are made by one rule that knows nothing of the labels.
    """
    turns: list[dict[str, object]] = []
    clock_ms = 0
    for turn in dialogue.turns:
        korean_ms, english_ms = SYLLABLE_MS * syllables(turn.text), WORD_MS * len(turn.text.split())
        end_ms = clock_ms + max(GAP_MS, korean_ms if dialogue.language == "ko" else english_ms)
        turns.append({"speaker": turn.speaker, "start_ms": clock_ms, "end_ms": end_ms, "text": turn.text})
        clock_ms = end_ms + GAP_MS
    return {
        "call_id": dialogue.id,
        "language": dialogue.language,
        "direction": dialogue.direction,
        "turns": turns,
    }


def analysed(given: Sequence[LabelledDialogue]) -> Iterator[tuple[LabelledDialogue, CallDocument]]:
    """Each dialogue with its document."""
    engine = AnalysisEngine()
    for dialogue in given:
        yield dialogue, analyse_turns(engine, payload(dialogue))


def act_counts(dialogue: LabelledDialogue, document: CallDocument) -> Counter[tuple[str, str]]:
    """(act, ``right`` | ``missed`` | ``wrong``) over the turns; only the acts of the party that they are about."""
    counts: Counter[tuple[str, str]] = Counter()
    for true, turn in zip(dialogue.turns, document.turns, strict=True):
        role = dialogue.roles[true.speaker]
        found = {act for s in turn.sentences for act in s.acts if role in {ACTS[act], Role.OTHER}}
        counts.update((act, "right") for act in true.acts & found)
        counts.update((act, "missed") for act in true.acts - found)
        counts.update((act, "wrong") for act in found - true.acts)
    return counts


def table() -> list[list[object]]:
    """Rows of part, measure, items, and rates; the first is the header."""
    head = ["part", "measure", "items", "precision", "recall", "plain precision", "plain recall"]
    rows: list[list[object]] = [[*head]]
    for part in PARTS:
        pairs = list(analysed(dialogues(part)))
        for language in LANGUAGES:
            own = [(g, d) for g, d in pairs if g.language == language]
            rows.append([part, f"roles, {language}", *role_rates(own), "", ""])
            total = sum((act_counts(g, d) for g, d in own), Counter[tuple[str, str]]())
            rows.append([part, f"acts, {language}", *rates(total), "", ""])
        rows.extend(profanity_rows(part) if part in PROFANITY_PARTS else ())
    return rows


def by_act(part: str) -> list[list[object]]:
    """Rows of act, items, precision and recall, both languages together; the first is the header."""
    total = sum((act_counts(g, d) for g, d in analysed(dialogues(part))), Counter[tuple[str, str]]())
    rows = [[act, *rates(Counter({k: n for k, n in total.items() if k[0] == act}))] for act in ACTS]
    return [["act", "items", "precision", "recall"], *rows]


def role_rates(pairs: Iterable[tuple[LabelledDialogue, CallDocument]]) -> tuple[int, float, float]:
    """Speakers, share right of those given a role, share of all that is right."""
    judged = [(g.roles[p.speaker], p.role) for g, d in pairs for p in d.participants]
    given = [(true, found) for true, found in judged if found is not Role.UNKNOWN]
    right = sum(true is found for true, found in given)
    return len(judged), right / max(1, len(given)), right / max(1, len(judged))


def rates(counts: Mapping[tuple[str, str], int]) -> tuple[int, float, float]:
    """Items, precision and recall of counts as ``act_counts`` gives them."""
    sums = Counter[str]()
    for (_, outcome), n in counts.items():
        sums[outcome] += n
    return (
        sums["right"] + sums["missed"],
        sums["right"] / max(1, sums["right"] + sums["wrong"]),
        sums["right"] / max(1, sums["right"] + sums["missed"]),
    )


def profanity_rows(part: str) -> Iterator[list[object]]:
    """The rows of the table about a part's lines."""
    tokenisers: Mapping[str, Tokeniser] = {"ko": KoreanTokeniser(), "en": WordTokeniser()}
    rules = profanity_filter(SHIPPED)
    given = lines(part)
    ours = [rules.tier(tokenisers[line.language].tokenise(line.text), line.language) for line in given]
    plain = [any(word in line.text.lower() for word in PLAIN_WORDS) for line in given]
    detected = (*_detection(given, [t is not None for t in ours]), *_detection(given, plain)[1:])
    yield [part, "profanity", *detected]
    profane = [(line.tier, tier) for line, tier in zip(given, ours, strict=True) if line.tier and tier]
    share = sum(true == found for true, found in profane) / max(1, len(profane))
    yield [part, "its tier, where found", len(profane), share, "", "", ""]


def _detection(given: Sequence[LabelledLine], found: Sequence[bool]) -> tuple[int, float, float]:
    right = sum(hit and line.tier is not None for line, hit in zip(given, found, strict=True))
    profane = sum(line.tier is not None for line in given)
    return len(given), right / max(1, sum(found)), right / max(1, profane)


def _rows(name: str) -> Iterator[dict[str, Any]]:
    for line in (LABELLED / name).read_text(encoding="utf-8").splitlines():
        yield json.loads(line)

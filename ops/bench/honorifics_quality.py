"""How well a manner of speaking is told: level, honorifics, questions, hedges, fillers, on labelled sentences.

``labelled/honorifics.*.jsonl`` were written for this project by one author who also wrote the rules: dev and
frozen before any rule, unseen when there were rules, before the table of things was widened. Rules were tuned on
dev and on sentences in none of the parts; expect other authors' calls to be worse. A sentence is given alone,
without the turn around it. The plain baseline tells the level by the last characters, -시- of a thing by the
syllables of -시- behind the name of a thing, and the rest by words.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Literal

from consumers.analysis.endings import kind_of, kind_of_mark
from consumers.analysis.intervals import Interval
from consumers.analysis.quality.honorifics import Level
from consumers.analysis.quality.questions import QuestionKind
from consumers.analysis.quality.speech_manner import SpeechManner, manner_of
from consumers.analysis.quality.speech_style import style_of
from consumers.analysis.sentences import SpokenSentence
from consumers.analysis.tables import SHIPPED
from consumers.analysis.tokens import KoreanTokeniser, Tokeniser, WordTokeniser
from schemas.records import Record

PARTS = ("dev", "frozen", "unseen")
LANGUAGES: tuple[Literal["ko", "en"], ...] = ("ko", "en")
LABELLED = Path(__file__).with_name("labelled")


class LabelledSentence(Record):
    """A sentence and what it is. ``level`` in Korean only."""

    language: Literal["ko", "en"]
    text: str
    level: Level | None = None
    over_honorific: bool = False
    subject_honorific: bool = False
    question: QuestionKind | None = None
    hedge: bool = False
    fillers: int = 0


Told = tuple[LabelledSentence, SpeechManner]


def sentences(part: str) -> list[LabelledSentence]:
    """The sentences of one of ``PARTS``."""
    lines = (LABELLED / f"honorifics.{part}.jsonl").read_text(encoding="utf-8").splitlines()
    return [LabelledSentence.model_validate(json.loads(line)) for line in lines]


def heard(part: str) -> Iterator[Told]:
    """Each sentence with what is heard in it."""
    tokenisers: dict[str, Tokeniser] = {"ko": _korean(), "en": WordTokeniser()}
    styles = {language: style_of(SHIPPED, language) for language in LANGUAGES}
    for given in sentences(part):
        tokens = tokenisers[given.language].tokenise(given.text)
        kind = kind_of(given.text, tokens) if given.language == "ko" else kind_of_mark(given.text)
        spoken = SpokenSentence(id="s", text=given.text, span=Interval(0, 1), tokens=tokens, kind=kind)
        yield given, manner_of(styles[given.language], spoken)


def table() -> list[list[object]]:
    """Rows of part, measure, items, and rates; the first is the header.

    ``level``: the share of right ones stands for both rates, as each sentence gets one. ``questions``: a
    question of the wrong kind is one missed and one wrong.
    """
    rows: list[list[object]] = [
        ["part", "measure", "items", "precision", "recall", "plain precision", "plain recall"]
    ]
    for part in PARTS:
        told = list(heard(part))
        for language in LANGUAGES:
            own = [(given, spoken) for given, spoken in told if given.language == language]
            if not own:
                continue
            rows += [[part, *row] for row in _measures(language, own) if row[1]]
    return rows


@cache
def _korean() -> KoreanTokeniser:
    return KoreanTokeniser()


def _measures(language: str, told: Sequence[Told]) -> Iterator[list[object]]:
    if language == "ko":
        ours = sum(given.level == spoken.level for given, spoken in told) / len(told)
        plain = sum(given.level == plain_level(given.text) for given, _ in told) / len(told)
        yield ["level, ko", len(told), ours, ours, plain, plain]
        yield _row(
            "plain speech, ko",
            told,
            lambda g: g.level == "plain",
            lambda s: s.level == "plain",
            lambda text: plain_level(text) == "plain",
        )
        yield _row(
            "over_honorific, ko",
            told,
            lambda g: g.over_honorific,
            lambda s: s.honoured.thing,
            lambda text: bool(_PLAIN_OVER.search(text)),
        )
        yield _row(
            "subject_honorific, ko",
            told,
            lambda g: g.subject_honorific,
            lambda s: s.honoured.person,
            lambda text: bool(_PLAIN_HONORIFIC.search(text)),
        )
    yield _questions(language, told)
    yield _row(
        f"hedges, {language}",
        told,
        lambda g: g.hedge,
        lambda s: s.hedges,
        lambda text: bool(_PLAIN_HEDGE.search(text)),
    )
    yield _row(
        f"fillers, {language}",
        told,
        lambda g: g.fillers,
        lambda s: s.fillers,
        lambda text: len(_PLAIN_FILLER.findall(text)),
    )


def plain_level(text: str) -> Level:
    """The level by the last characters alone."""
    said = text.rstrip(" .?!,")
    return next((level for level, ending in _PLAIN_LEVELS if ending.search(said)), "none")


def plain_question(text: str) -> QuestionKind | None:
    """The kind by question mark, last characters and words alone."""
    if not (text.endswith("?") or _PLAIN_ASKS.search(text.rstrip(" .!"))):
        return None
    if _PLAIN_CONFIRMS.search(text):
        return "verification"
    return "open" if _PLAIN_WH.search(text) else "closed"


_PLAIN_LEVELS: tuple[tuple[Level, re.Pattern[str]], ...] = (
    ("deferential", re.compile("(니다|니까|시오)$")),
    ("polite", re.compile("[요죠]$")),
    ("plain", re.compile("[어아야해지다냐니자네줘]$")),
    ("unfinished", re.compile("[고서데면]$")),
)
_PLAIN_HONORIFIC = re.compile("시|세요|셔|셨|십니|신")
_PLAIN_OVER = re.compile(
    "(요금|금액|원|상품|제품|카드|배송|할인|예정|품절|쿠폰|기간|포인트|한도|재고|적용|접수).*(시|세요|셔|셨|십니)"
)
_PLAIN_ASKS = re.compile("(까|까요|나요|가요|죠)$")
_PLAIN_CONFIRMS = re.compile("맞|죠|right|correct")
_PLAIN_WH = re.compile(
    "뭐|무엇|어디|언제|왜|어떻|어떤|얼마|몇|누구|어느|무슨|(?i:what|which|who|where|when|why|how)"
)
_PLAIN_HEDGE = re.compile(r"것 같|아마|글쎄|(?i:\b(?:think|maybe|perhaps|probably|might|guess|sure)\b)")
_PLAIN_FILLER = re.compile(r"(?:^|(?<=\s))(?:어|음|그|저|막)(?=\s)|(?i:\b(?:u[hm]|er|erm|you know|i mean)\b)")


def _questions(language: str, told: Sequence[Told]) -> list[object]:
    due = sum(given.question is not None for given, _ in told)
    rates: list[float] = []
    for found in (
        [spoken.question for _, spoken in told],
        [plain_question(given.text) for given, _ in told],
    ):
        right = sum(
            kind is not None and kind == given.question for (given, _), kind in zip(told, found, strict=True)
        )
        rates += [right / max(1, sum(kind is not None for kind in found)), right / max(1, due)]
    return [f"questions, {language}", due, *rates]


def _row(
    name: str,
    told: Sequence[Told],
    true: Callable[[LabelledSentence], int],
    ours: Callable[[SpeechManner], int],
    plain: Callable[[str], int],
) -> list[object]:
    wanted = [true(given) for given, _ in told]
    rates: list[float] = []
    for found in ([ours(spoken) for _, spoken in told], [plain(given.text) for given, _ in told]):
        right = sum(min(a, b) for a, b in zip(wanted, found, strict=True))
        rates += [right / max(1, sum(found)), right / max(1, sum(wanted))]
    return [name, sum(wanted), *rates]

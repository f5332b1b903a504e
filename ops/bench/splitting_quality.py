"""How well turns are cut into sentences: F1 of the boundaries inside the turns of a labelled set.

The labelled turns (``labelled/splitting.*.jsonl``) were written for this project by one author in two passes, who
wrote the rules afterwards: no blind set. The development part was tuned on, the frozen part was not. A turn's last
boundary is given and not counted. Word times are made by one rule that knows nothing of the labels: 170 ms a
syllable, 40 ms between words, and where the author wrote a pause, that pause. ``words only`` leaves them out.
Peers get the text alone.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from consumers.analysis.intervals import Interval
from consumers.analysis.rate import syllables
from consumers.analysis.sentences import SpokenSentence, split
from consumers.analysis.speech import Piece, SpokenTurn
from consumers.analysis.tokens import KoreanTokeniser, WordTokeniser
from schemas.records import Record, Word

SYLLABLE_MS = 170
GAP_MS = 40

LABELLED = Path(__file__).with_name("labelled")
PARTS = ("dev", "frozen")
Splitter = Callable[["LabelledTurn"], list[str]]


class LabelledTurn(Record):
    """A turn with its true sentences, the numbers of those that ask, and (word number, ms) of its pauses."""

    id: str
    language: str
    punctuated: bool
    centre: str
    sentences: tuple[str, ...]
    questions: tuple[int, ...] = ()
    pauses_ms: tuple[tuple[int, int], ...] = ()

    @property
    def text(self) -> str:
        """What was said."""
        return " ".join(self.sentences)


@dataclass(frozen=True, slots=True, kw_only=True)
class Boundaries:
    """Boundaries found and true, and those that are both."""

    right: int
    found: int
    true: int

    @property
    def precision(self) -> float:
        """Share of the found that are true."""
        return self.right / self.found if self.found else 0.0

    @property
    def recall(self) -> float:
        """Share of the true that are found."""
        return self.right / self.true if self.true else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return 2 * self.right / (self.found + self.true) if self.found + self.true else 0.0


def labelled_turns(part: str) -> list[LabelledTurn]:
    """The turns of one part: ``dev`` or ``frozen``."""
    lines = (LABELLED / f"splitting.{part}.jsonl").read_text(encoding="utf-8").splitlines()
    return [LabelledTurn.model_validate(json.loads(line)) for line in lines]


def spoken(turn: LabelledTurn, *, timed: bool) -> SpokenTurn:
    """The labelled turn as the analysis sees it, with or without word times."""
    pieces, clock_ms, pauses = [], 0, dict(turn.pauses_ms)
    for number, word in enumerate(turn.text.split()):
        clock_ms += pauses.get(number, GAP_MS) if number else 0
        end_ms = clock_ms + SYLLABLE_MS * max(1, syllables(word))
        said = Word(word=word, start_ms=clock_ms, end_ms=end_ms)
        pieces.append(Piece(text=word, span=Interval(clock_ms, end_ms), channel=0, word=said))
        clock_ms = end_ms
    whole = Interval(0, clock_ms)
    untimed = (Piece(text=turn.text, span=whole, channel=0, word=None),)
    return SpokenTurn(
        id=turn.id, speaker="A", text=turn.text, span=whole, pieces=tuple(pieces) if timed else untimed
    )


def boundaries(turns: Iterable[LabelledTurn], splitter: Splitter) -> Boundaries:
    """A splitter's boundaries on the turns, counted by the letters before them so that blanks do not matter."""
    right = found = true = 0
    for turn in turns:
        ours, theirs = _places(splitter(turn)), _places(turn.sentences)
        right, found, true = right + len(ours & theirs), found + len(ours), true + len(theirs)
    return Boundaries(right=right, found=found, true=true)


def _places(parts: Sequence[str]) -> set[int]:
    lengths, total = set(), 0
    for part in parts[:-1]:
        total += len("".join(part.split()))
        lengths.add(total)
    return lengths


class OwnSplitter:
    """The analysis' own sentences."""

    def __init__(self, *, timed: bool) -> None:
        self._timed = timed
        self._korean, self._words = KoreanTokeniser(), WordTokeniser()

    def sentences(self, turn: LabelledTurn) -> tuple[SpokenSentence, ...]:
        """The sentences of a turn."""
        korean = turn.language == "ko"
        tokens = (self._korean if korean else self._words).tokenise(turn.text)
        return split(spoken(turn, timed=self._timed), tokens, korean=korean)

    def __call__(self, turn: LabelledTurn) -> list[str]:
        """Their texts."""
        return [sentence.text for sentence in self.sentences(turn)]


def question_counts(turns: Iterable[LabelledTurn]) -> Boundaries:
    """Questions told from other sentences without a mark, on the sentences as labelled."""
    own = KoreanTokeniser()
    right = found = true = 0
    for turn in turns:
        for number, text in enumerate(turn.sentences):
            alone = turn.model_copy(update={"sentences": (text,), "pauses_ms": ()})
            cut = split(spoken(alone, timed=False), own.tokenise(text), korean=True)
            asks, asked = cut[-1].kind == "question", number in turn.questions
            right, found, true = right + (asks and asked), found + asks, true + asked
    return Boundaries(right=right, found=found, true=true)


def _kiwi(model: str) -> Splitter:
    from kiwipiepy import Kiwi  # noqa: PLC0415 -- half a second, not needed to read the labels

    kiwi: Any = Kiwi(load_multi_dict=False, num_workers=1, model_type=model)
    return lambda turn: [sentence.text for sentence in kiwi.split_into_sents(turn.text)]


def _kss() -> Splitter:
    cut: Any = import_module("kss").split_sentences
    return lambda turn: list(cut(turn.text, backend="pecab"))


def _pysbd() -> Splitter:
    segmenter: Any = import_module("pysbd").Segmenter(language="en", clean=False)
    return lambda turn: list(segmenter.segment(turn.text))


def _syntok() -> Splitter:
    segmenter: Any = import_module("syntok.segmenter")
    return lambda turn: [
        "".join(token.spacing + token.value for token in sentence)
        for paragraph in segmenter.process(turn.text)
        for sentence in paragraph
    ]


PEERS: Sequence[tuple[str, str, str, Callable[[], Splitter]]] = (
    ("Kiwi alone", "kiwipiepy", "ko", lambda: _kiwi("cong")),
    ("Kiwi alone, largest", "kiwipiepy", "ko", lambda: _kiwi("largest")),
    ("kss (pecab)", "kss", "ko", _kss),
    ("pySBD alone", "pysbd", "en", _pysbd),
    ("syntok", "syntok", "en", _syntok),
)
"""Name, module, language, and what makes the splitter."""

SETS = (
    ("Korean, no marks", "ko", False),
    ("Korean with marks", "ko", True),
    ("English with marks", "en", True),
)


def table() -> list[list[object]]:
    """Rows of part, set, system, number of true boundaries, precision, recall, F1; the first is the header."""
    rows: list[list[object]] = [["part", "set", "system", "boundaries", "P", "R", "F1"]]
    splitters = list(_available())
    for part in PARTS:
        turns = labelled_turns(part)
        for title, language, marked in SETS:
            chosen = [t for t in turns if (t.language, t.punctuated) == (language, marked)]
            for name, spoken_language, splitter in splitters:
                if spoken_language in {language, None}:
                    rows.append([part, title, name, *_cells(splitter and boundaries(chosen, splitter))])
        unmarked = [t for t in turns if not t.punctuated]
        rows.append([part, "Korean, no marks", "questions", *_cells(question_counts(unmarked))])
    return rows


def _available() -> Iterator[tuple[str, str | None, Splitter | None]]:
    yield "ours, word times", None, OwnSplitter(timed=True)
    yield "ours, words only", None, OwnSplitter(timed=False)
    for name, module, language, make in PEERS:
        yield name, language, make() if find_spec(module) else None


def _cells(found: Boundaries | None) -> list[object]:
    if found is None:
        return ["-", "not installed", "", ""]
    return [found.true, *(f"{share:.3f}" for share in (found.precision, found.recall, found.f1))]

"""How a sentence is said: its grammar, whatever it is about.

People complain without a word of feeling (아직도 안 왔어요, nobody called me back) and are content without one
(바로 되네요). The words for that have no end, the grammar has: broken promises, hearsay, surprise, favours, negated
verbs, requests. A sentence is therefore reduced to its endings, particles, adverbs and other closed classes, and
all other words to their kind (harm, wait, staff …) or part of speech. Single ones and pairs of what is left are
the cues, and what is denied (never let me down). Each cue leans towards a complaint (``down``) and towards praise
(``up``); the weights are learned by ``ops/bench/sentiment_tone.py``
from labelled sentences, by multinomial logistic regression, without sight of the lexicon.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from consumers.analysis.tokens import Token

START, END, DENIED = "<", ">", "¬"
KIND = "C"
"""Stands for the part of speech of a word of which only the kind is kept."""
REACH = 4
"""How many words a negator denies."""
_MUTE = ("SF", "SP", "SS", "SE", "SO", "SW")
"""Punctuation: a recogniser may write it or not. A question mark is heard."""
_SHAPES = 20_000
"""Words whose shape is kept: the vocabulary of calls has no end."""


class ToneTable(BaseModel):
    """The content of a ``tone.<language>.yaml``. Leanings are in units of the lexicon's weights.

    ``tags``: parts of speech whose words are kept, by their beginnings, less those in ``content``. ``words``:
    other words that are kept. ``classes``: words of which only the kind is kept. ``suffixes``: what is kept of the
    rest. ``negators``: words that deny the next ones. ``cues``: (down, up) of a kept word, a pair or a denied one.
    ``base``: (down, up) of any sentence.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    language: str
    tags: tuple[str, ...]
    content: tuple[str, ...] = ()
    words: frozenset[str] = frozenset()
    classes: dict[str, tuple[str, ...]] = {}
    suffixes: tuple[str, ...] = ()
    negators: frozenset[str] = frozenset()
    base: tuple[float, float] = (0.0, 0.0)
    cues: dict[str, tuple[float, float]] = {}


class Cue(NamedTuple):
    """A cue in a sentence, tokens ``[start, end)``, and its leanings."""

    name: str
    start: int
    end: int
    down: float
    up: float


class Leaning(NamedTuple):
    """How far a sentence leans either way; below zero it does not."""

    down: float
    up: float
    cues: tuple[Cue, ...]


class Tone:
    """Finds the cues of one language."""

    def __init__(self, table: ToneTable) -> None:
        self.table = table
        kinds = {word: kind for kind, words in table.classes.items() for word in words}
        self._shape = lru_cache(maxsize=_SHAPES)(partial(_shape, table, kinds))
        pairs = ((name.split(" "), lean) for name, lean in table.cues.items())
        self._known = {tuple(words): (" ".join(words), *lean) for words, lean in pairs}

    def leaning(self, tokens: Sequence[Token]) -> Leaning:
        """The sum of a sentence's cues, each counted once."""
        known, cues = self._known, dict[str, Cue]()
        down, up = self.table.base
        for words, start, end in self._places(tokens):
            if words in known:
                name, downward, upward = known[words]
                if name not in cues:
                    cues[name] = Cue(name, start, end, downward, upward)
                    down, up = down + downward, up + upward
        return Leaning(down, up, tuple(cues.values()))

    def names(self, tokens: Sequence[Token]) -> Iterator[str]:
        """Every possible cue of a sentence."""
        return (" ".join(words) for words, _, _ in self._places(tokens))

    def _places(self, tokens: Sequence[Token]) -> Iterator[tuple[tuple[str, ...], int, int]]:
        last, at, denied_by = START, 0, -REACH - 1
        for place, token in enumerate(tokens):
            shape = self._shape(token.form, token.tag)
            if shape is None:
                continue
            yield (shape,), place, place + 1
            yield (last, shape), at, place + 1
            if token.form in self.table.negators:
                denied_by = place
            elif place - denied_by <= REACH:
                yield (DENIED, shape), denied_by, place + 1
            last, at = shape, place
        yield (last, END), at, len(tokens)


def _shape(table: ToneTable, kinds: Mapping[str, str], form: str, tag: str) -> str | None:
    if tag in _MUTE and form != "?":
        return None
    kept = tag.startswith(table.tags) and tag not in table.content
    if kept or form in table.words:
        return f"{form}/{tag}"
    if form in kinds:
        return f"{kinds[form]}/{KIND}"
    suffix = next((s for s in table.suffixes if form.endswith(s) and len(form) > len(s) + 2), None)
    return f"-{suffix}/{tag}" if suffix else tag


def cue_counts(tone: Tone, sentences: Iterable[Sequence[Token]]) -> Counter[str]:
    """In how many sentences each possible cue stands."""
    return Counter(name for tokens in sentences for name in set(tone.names(tokens)))

"""The recogniser's tokens: a small byte-level BPE, and Whisper's special tokens in the order they must have.

CTranslate2 takes a model for multilingual if its vocabulary holds the empty token, recognises prompt tokens
by their place between ``<|startoftranscript|>`` and ``<|notimestamps|>``, and wants all timestamps last.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import Any, Final

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from ops.models.grammar import LANGUAGES, load_grammar

END: Final = "<|endoftext|>"
START: Final = "<|startoftranscript|>"
_AFTER_LANGUAGES: Final = (
    "<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"
)  # fmt: skip # the order is the point
_TIMESTAMPS: Final = 1501
_SPACE: Final = "\u0120"
_FIRST_SYLLABLE, _LAST_SYLLABLE = "가", "힣"
_PIECES: Final = r" ?[\p{L}\p{N}]+| ?[^\s\p{L}\p{N}]+|\s+"
_BYTES: Final = 256
_ENGLISH_MERGES: Final = 520
_LINES: Final = 30_000
# faster-whisper suppresses the first token of each of these: it must not be the bare space.
_SUPPRESSED: Final = (" -", " '", " ♩♪♫♬♭♮♯")
_SUPPRESSED_REPEATS: Final = 6_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenIds:
    """The special tokens that training needs, by number."""

    end: int
    start: int
    transcribe: int
    previous: int
    no_speech: int
    no_timestamps: int
    first_timestamp: int
    languages: dict[str, int]
    size: int

    @classmethod
    def of(cls, tokenizer: Tokenizer) -> "TokenIds":
        """Those of ``tokenizer``."""
        number = tokenizer.get_vocab().__getitem__
        return cls(
            end=number(END),
            start=number(START),
            transcribe=number("<|transcribe|>"),
            previous=number("<|startofprev|>"),
            no_speech=number("<|nospeech|>"),
            no_timestamps=number("<|notimestamps|>"),
            first_timestamp=number("<|0.00|>"),
            languages={language: number(f"<|{language}|>") for language in LANGUAGES},
            size=tokenizer.get_vocab_size(),
        )


def build_tokenizer(seed: int = 1, lines: int = _LINES) -> Tokenizer:
    """A tokenizer for the grammar's sentences, learnt from ``lines`` of each language.

    Korean syllables are merged by hand, because a trained BPE joins bytes across syllables; a syllable that
    begins a word has a token together with its space.
    """
    rng = Random(seed)
    sentences = {language: _sentences(language, rng, lines) for language in LANGUAGES}
    document = _train_english(sentences["en"])
    _Merges(document).add_korean(sentences["ko"])
    _Merges(document).add_word_beginnings(sentences["en"])
    _add_specials(document)
    return Tokenizer.from_str(json.dumps(document))


def _sentences(language: str, rng: Random, count: int) -> list[str]:
    grammar = load_grammar(language)
    return [grammar.draw(grammar.draw_category(rng), rng) for _ in range(count)]


def _train_english(sentences: Sequence[str]) -> dict[str, Any]:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(_PIECES), "isolated"), _byte_level()]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=_BYTES + _ENGLISH_MERGES,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        max_token_length=5,
        min_frequency=2,
        special_tokens=[],
        show_progress=False,
    )
    # By Whisper's convention every utterance begins with a space.
    corpus = [f" {sentence}" for sentence in sentences] + list(_SUPPRESSED) * _SUPPRESSED_REPEATS
    tokenizer.train_from_iterator(corpus, trainer)
    document: dict[str, Any] = json.loads(tokenizer.to_str())
    return document


def _byte_level() -> Any:
    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)


def _as_bytes(text: str) -> str:
    return "".join(piece for piece, _ in _byte_level().pre_tokenize_str(text))


class _Merges:
    """Adds merges by hand to a tokenizer's document."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._vocabulary: dict[str, int] = document["model"]["vocab"]
        self._merges: list[list[str]] = document["model"]["merges"]

    def add_korean(self, sentences: Iterable[str]) -> None:
        words = {word for sentence in sentences for word in sentence.split()}
        syllables = [_as_bytes(s) for s in sorted({c for word in words for c in word if _is_syllable(c)})]
        for syllable in syllables:
            self._add(syllable[0], syllable[1])
        for syllable in syllables:
            self._add(syllable[:2], syllable[2])
        for initial in sorted({word[0] for word in words if _is_syllable(word[0])}):
            self._add(_SPACE, _as_bytes(initial))

    def add_word_beginnings(self, sentences: Iterable[str]) -> None:
        """Joins the space to the first piece of every word that would stand after a bare space token."""
        tokenizer = Tokenizer.from_str(json.dumps(self._document))
        for sentence in sentences:
            pieces = tokenizer.encode(f" {sentence}").tokens
            for piece, following in pairwise(pieces):
                if piece == _SPACE:
                    self._add(_SPACE, following)

    def _add(self, left: str, right: str) -> None:
        self._vocabulary.setdefault(left + right, len(self._vocabulary))
        if [left, right] not in self._merges:
            self._merges.append([left, right])


def _is_syllable(character: str) -> bool:
    return _FIRST_SYLLABLE <= character <= _LAST_SYLLABLE


def _add_specials(document: dict[str, Any]) -> None:
    from faster_whisper.tokenizer import _LANGUAGE_CODES  # noqa: PLC0415 # slow to import

    vocabulary: dict[str, int] = document["model"]["vocab"]
    vocabulary[""] = len(vocabulary)
    special = [END, START, *(f"<|{code}|>" for code in _LANGUAGE_CODES), *_AFTER_LANGUAGES]
    timestamps = [f"<|{index * 0.02:.2f}|>" for index in range(_TIMESTAMPS)]
    document["added_tokens"] = [
        {
            "id": len(vocabulary) + index,
            "content": content,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": index < len(special),
        }
        for index, content in enumerate(special + timestamps)
    ]

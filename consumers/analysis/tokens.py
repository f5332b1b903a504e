"""Text to tokens: morphemes for Korean (Kiwi), lower-cased words for everything else.

A token's ``form`` is what lexicon patterns are written in, so both are brought into one shape here: bound
jamo become the ones a keyboard types, irregular marks leave the tags, a negating prefix joins its noun
(불+친절) and adjectives in -하 are split (속상하 → 속상+하) because Kiwi does it for some and not for others.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, NamedTuple, Protocol

from consumers.analysis.personal_data.placeholders import PLACEHOLDER, TAG


class Token(NamedTuple):
    """A morpheme or word: normalised form, part of speech, place in the text, number of its sentence."""

    form: str
    tag: str
    start: int
    end: int
    sentence: int = 0


class Tokeniser(Protocol):
    """Cuts a text into tokens. ``version`` goes into the document's provenance."""

    @property
    def version(self) -> str:
        """Name and version of what cuts."""

    def tokenise(self, text: str) -> tuple[Token, ...]:
        """The tokens of one turn, in order."""


class KoreanTokeniser:
    """Kiwi, loaded at first use and kept. Creating it costs half a second and about 340 MB."""

    @cached_property
    def _kiwi(self) -> Any:
        from kiwipiepy import Kiwi  # noqa: PLC0415 -- costs memory and time that --help must not pay

        # The dictionary of multi-word names costs 190 MB and changed no boundary in any measured set.
        return Kiwi(load_multi_dict=False, num_workers=1)

    @property
    def version(self) -> str:
        """The library's own version."""
        import kiwipiepy  # noqa: PLC0415 -- as above

        return f"kiwipiepy {kiwipiepy.__version__}"

    def tokenise(self, text: str) -> tuple[Token, ...]:
        """Morphemes with Sejong tags; ``sentence`` is Kiwi's own sentence number."""
        hidden = [match.span() for match in PLACEHOLDER.finditer(text)] if "[" in text else []
        # Kiwi reads them as the nouns that they stand for; a bracket would begin a sentence behind it.
        nouns = [(start, end, "NNG") for start, end in hidden]
        raw = [
            Token(
                _typed_jamo(t.form),
                TAG if (t.start, t.start + t.len) in hidden else t.tag.split("-")[0],
                t.start,
                t.start + t.len,
                t.sent_position,
            )
            for t in self._kiwi.tokenize(text, pretokenized=nouns or None)
        ]
        return tuple(_normalised(raw))


class WordTokeniser:
    """Words by letters and digits. English contractions of *not* come apart: ``can't`` is ``can not``."""

    version = "words 1"

    def tokenise(self, text: str) -> tuple[Token, ...]:
        """Words tagged ``W``, question marks and other sentence marks tagged ``SF``."""
        return tuple(token for match in _WORD.finditer(text) for token in _words(match))


_WORD = re.compile(PLACEHOLDER.pattern + r"|[^\W_]+(?:['’][^\W_]+)*|[.!?]+")
_NOT = {"can't": "can", "won't": "will", "shan't": "shall"}
_BOUND_TO_TYPED = str.maketrans("ᆨᆫᆮᆯᆷᆸᆺᆻᆼᇀ", "ㄱㄴㄷㄹㅁㅂㅅㅆㅇㅌ")
_WHOLE_VERBS = frozenset({"못하"})
"""Verbs whose 하 is no suffix: 못하 negates."""


def _words(match: re.Match[str]) -> Iterator[Token]:
    text, start, end = match.group().lower().replace("’", "'"), match.start(), match.end()
    if text[0] == "[":
        yield Token(match.group(), TAG, start, end)
    elif not text[0].isalnum():
        yield Token(text[-1], "SF", start, end)
    elif text.endswith("n't"):
        yield Token(_NOT.get(text, text[:-3]), "W", start, end)
        yield Token("not", "W", start, end)
    else:
        yield Token(text, "W", start, end)


def _typed_jamo(form: str) -> str:
    return form.translate(_BOUND_TO_TYPED)


def _normalised(tokens: Sequence[Token]) -> Iterator[Token]:
    prefix: Token | None = None
    for token in tokens:
        if prefix is not None:
            yield Token(prefix.form + token.form, token.tag, prefix.start, token.end, token.sentence)
            prefix = None
        elif token.tag == "XPN":
            prefix = token
        elif _compound_adjective(token):
            stem_end = max(token.start, token.end - 1)
            yield Token(token.form[:-1], "XR", token.start, stem_end, token.sentence)
            yield Token("하", "XSA", stem_end, token.end, token.sentence)
        else:
            yield token
    if prefix is not None:
        yield prefix


def _compound_adjective(token: Token) -> bool:
    long_stem = len(token.form) > 1 and token.form.endswith("하")
    return long_stem and token.tag in {"VA", "VV"} and token.form not in _WHOLE_VERBS

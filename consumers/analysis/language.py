"""The language of a text whose recogniser named none."""

import re
from collections.abc import Iterable

KOREAN_SHARE = 0.3
"""Of the letters that are Hangul: Korean calls are full of Latin product names."""
ENGLISH_SHARE = 0.1
"""Of the words that are English function words; no other language written in Latin reaches it."""

_ENGLISH = frozenset(
    "the and you that this is are was have has not for with my your can will please thank what how it".split()  # noqa: SIM905 -- reads as the list it is
)


def language_of(texts: Iterable[str]) -> str | None:
    """``ko``, ``en``, or None where neither is evident."""
    text = " ".join(texts).lower()
    letters = [char for char in text if char.isalpha()]
    hangul = sum("가" <= char <= "힣" for char in letters)
    if letters and hangul / len(letters) >= KOREAN_SHARE:
        return "ko"
    words = re.findall(r"[a-z]+", text)
    english = sum(word in _ENGLISH for word in words)
    return "en" if words and english / len(words) >= ENGLISH_SHARE else None

"""Where a Korean sentence ends when nobody wrote a mark, and what kind of sentence it is.

Kiwi's own boundaries are the start. Speech differs from writing, so five rules repair them:

* R1: 요 glued to a connective, a noun or a numeral ends a sentence (적어서요, 하나 더요).
* R2: a final ending before a blank does, except in reported speech (온다 그랬어요) and before 싶 (되나 싶어요).
* R3: so do 네 and -ㅂ니다 where Kiwi takes them for connectives (어이가 없네).
* R4: an addressee or object said after its verb belongs to it (어떻게 해요 이거).
* R5: a pause decides: after a final ending a short one, after a connective a longer one.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from consumers.analysis.asking import asks, is_copular_question, is_southern
from consumers.analysis.question_words import GLUED
from consumers.analysis.tokens import Token
from schemas.document import SentenceKind

UNFINISHED_PAUSE_MS = 600
"""A connective followed by this pause is left unfinished (…했는데); shorter ones are breath."""
FINAL_PAUSE_MS = 350
"""After a final ending this pause ends the sentence whatever follows."""

_REPORTED = ("다", "라", "냐", "자")
_REPORTING = ("하", "그러", "그렇", "이러", "말하", "이거", "이것")
_CALLS = frozenset({"여보세요"})
_TITLES = frozenset({"고객", "어머", "어머니", "아버", "아버지", "선생", "사장", "기사", "회원"})
_ADDRESSES = frozenset({"어머님", "아버님", "선생님", "사장님", "어르신", "아가씨", "고객님"})
_AFTERTHOUGHTS = frozenset({"이거", "이것", "그거", "그것", "진짜", "빨리", "당장", "그쵸", "그죠"})
_FORMULAS = frozenset({"감사", "고맙", "반갑", "안녕", "죄송", "아니", "맞", "괜찮", "수고", "그렇"})
_FORMULA_REACH = 5
_LATE_TAGS = frozenset({"NP", "MAG", "IC", "JX", "JKS", "JKB"})
_LATE_REACH = 3
_FINAL_AT_END = re.compile(r"[다라냐자]니까$|다$|냐$|노$|^나$|거든$|잖아$|구나$")


def spoken_cuts(text: str, tokens: Sequence[Token], pauses_ms: Mapping[int, int]) -> list[int]:
    """Places in the text where a sentence begins, apart from the first.

    ``pauses_ms``: place of a word in the text to the silence before it.
    """
    cuts = [
        place
        for place, (before, after) in enumerate(pairwise(tokens), start=1)
        if text[before.end : after.start].isspace() and _ends(text, before, after, pauses_ms)
    ]
    return [tokens[place].start for place in _reattached(text, tokens, cuts, pauses_ms)]


def kind_of(text: str, tokens: Sequence[Token]) -> SentenceKind | None:
    """The kind of a Korean sentence: its mark, else its ending; None where neither tells (네, a bare noun)."""
    marked = kind_of_mark(text)
    if marked is not None:
        return marked
    words = _without_afterthoughts([token for token in tokens if not token.tag.startswith(("S", "W"))])
    if not words:
        return None
    last = words[-1]
    if last.tag == "EF" or last.form in GLUED or _misread_final(last) or _final_here(words):
        return "question" if asks(words) else "statement"
    return "unfinished" if last.tag == "EC" else None


def kind_of_mark(text: str) -> SentenceKind | None:
    """The kind that the closing mark states; None without one."""
    closing = text.rstrip().rstrip("\"')]”’")
    if closing.endswith(("...", "…")):
        return "unfinished"
    if closing.endswith(("?", "?!")):
        return "question"
    return "statement" if closing.endswith((".", "!", "。")) else None


def _ends(text: str, before: Token, after: Token, pauses_ms: Mapping[int, int]) -> bool:
    pause_ms = pauses_ms.get(after.start, 0)
    if before.form in GLUED and before.tag in {"MM", "JX"}:
        return before.start > 0 and not text[before.start - 1].isspace()
    if before.form in _CALLS:
        return True
    if before.tag == "EF" or _misread_final(before):
        return pause_ms >= FINAL_PAUSE_MS or not _goes_on(before, after)
    if before.tag == "EC" and pause_ms >= UNFINISHED_PAUSE_MS:
        return True
    return before.sentence != after.sentence


def _goes_on(before: Token, after: Token) -> bool:
    reported = before.form.endswith(_REPORTED) and after.form in _REPORTING
    return (reported and not before.form.endswith("니다")) or after.form == "싶"


def _without_afterthoughts(words: Sequence[Token]) -> Sequence[Token]:
    """The words up to what was said after the sentence: an addressee, an object, an adverb."""
    end = len(words)
    while end > 1 and (
        _late(words[end - 1]) or words[end - 1].tag in {"JKS", "XSN"} or words[end - 1].form in _TITLES
    ):
        end -= 1
    if words[:end] and words[end - 1].form in GLUED:
        return words[:end]
    for place in range(end - 1, max(0, end - _LATE_REACH - 2), -1):
        if words[place].tag == "EF":
            return words[: place + 1]
        if words[place].tag not in _LATE_TAGS:
            break
    return words[:end]


def _final_here(words: Sequence[Token]) -> bool:
    """Whether the last word, which Kiwi takes for no final ending, is one at a sentence's end."""
    if words[-1].tag == "EC":
        return bool(_FINAL_AT_END.search(words[-1].form)) or is_copular_question(words)
    return is_southern(words)


def _misread_final(token: Token) -> bool:
    return token.tag == "EC" and (token.form == "네" or token.form.endswith("니다"))


def _reattached(
    text: str, tokens: Sequence[Token], cuts: Sequence[int], pauses_ms: Mapping[int, int]
) -> Iterator[int]:
    """The cuts, each behind what belongs to the sentence before it (R4)."""
    for cut, following in pairwise([*cuts, len(tokens)]):
        late = _late_words(text, tokens, cut, following)
        if late == cut or pauses_ms.get(tokens[cut].start, 0) >= FINAL_PAUSE_MS:
            yield cut
        elif late < following:
            yield late if _after_formula(tokens, cut) and _addressed(tokens[cut]) else cut
        elif following < len(tokens):
            continue


def _late_words(text: str, tokens: Sequence[Token], cut: int, end: int) -> int:
    """Where the addressee or object at ``cut`` is over; ``cut`` itself where there is none."""
    place = cut
    while place < end and (_late(tokens[place]) or _addressed(tokens[place])):
        word, place = place, place + 1
        while place < end and not text[tokens[place - 1].end : tokens[place].start].isspace():
            if tokens[place].tag not in {"XSN", "SF", "JKS"}:
                return word
            place += 1
    return place


def _late(token: Token) -> bool:
    return token.form in _AFTERTHOUGHTS or token.form in _ADDRESSES


def _addressed(token: Token) -> bool:
    return token.form in _TITLES or token.form in _ADDRESSES


def _after_formula(tokens: Sequence[Token], cut: int) -> bool:
    return any(token.form in _FORMULAS for token in tokens[max(0, cut - _FORMULA_REACH) : cut])

"""Whether a question word asks: Korean uses the same words for who and somebody, what and something."""

import re
from collections.abc import Sequence

from consumers.analysis.tokens import Token

GLUED = frozenset({"요", "이요"})
"""Makes a polite end of a connective, a noun or a numeral (적어서요, 하나 더요)."""
HONOURING = frozenset({"시", "으시"})
"""What says that somebody else than the speaker acts."""

_WORDS = frozenset(
    "뭐 무엇 뭣 어디 언제 왜 어떻 어떻게 어떠 어떤 어떡 어쩌 우짜 얼마 얼마나 몇 며칠 누구 누 어느 무슨".split()  # noqa: SIM905 -- reads as the list it is
)
_AMOUNTS = frozenset({"몇", "며칠", "얼마"})
_A_FEW = frozenset({"전", "째", "안"})
_OFTEN = frozenset({"번", "동안"})
_FIXED = {"어쩌": {"ㄹ", "다"}}
"""Question word to what makes a set phrase of it: 어쩔 수 없죠, 어쩌다."""
_SOME = re.compile(r"^(?:이?든(?:지|가)?|이?라도|도|은|는|ㄴ|좀|보다)$")
"""Behind a question word or its noun: 언제든지, 어떤 것도. Topics are not asked for either (어떤 건 되고)."""
_CHOICE = frozenset({"나", "이나"})
"""누구나 is anybody, but 며칠이나 asks."""
_PASSED_OVER = ("N", "X", "VCP", "JKB", "JKG")
"""Tags of what stands between a question word and the particle that decides."""
_CLOSING = re.compile(
    r"[ㄴ은는ㄹ을던]지$|[나가까냐]$|냐[고면]$|[ㄴ은는던]데$|데도$|지만$|[어아여]도$|더라도$|더니$|더라$|거든$"
)
"""Endings of a clause whose question word is not asked by the sentence: 는지, 는데, 뭐더라."""
_ALLOWING = frozenset({"되", "괜찮", "좋"})
"""Behind -어도 they go on with its clause: 언제 가도 돼요."""
_GUESSES = (["것", "같"], ["거", "같"])


def asks_what(words: Sequence[Token]) -> bool:
    """Whether the sentence asks with a question word.

    Not with an indefinite one (누구나), not with one whose clause is over before the sentence is (어디 있는지
    알아요), and not in a guess (누가 들어온 것 같아요).
    """
    if [token.form for token in words[-3:-1]] in _GUESSES:
        return False
    places = (n for n, token in enumerate(words) if token.form in _WORDS and token.tag != "IC")
    return any(not (_is_indefinite(words, place) or is_over(words, place)) for place in places)


def is_over(words: Sequence[Token], place: int) -> bool:
    """Whether the clause of a word is over before the sentence is."""
    end = len(words) - (2 if words[-1].form in GLUED else 1)
    return any(
        token.tag in {"EC", "EF"}
        and _CLOSING.search(token.form)
        and not (token.form.endswith("도") and words[at + 1].form in _ALLOWING)
        for at, token in enumerate(words[:end])
        if at > place
    )


def _is_indefinite(words: Sequence[Token], place: int) -> bool:
    word, after = words[place], words[place + 1 :]
    if not after:
        return False
    if after[0].form in _FIXED.get(word.form, ()) or (word.form in _AMOUNTS and _is_a_few(words, place)):
        return True
    particle = _particle(word, after)
    if particle is None:
        return False
    choice = particle in _CHOICE and word.form not in _AMOUNTS
    return choice or bool(_SOME.match(particle))


def _particle(word: Token, after: Sequence[Token]) -> str | None:
    """What follows a question word and, where it is a determiner, its noun: 든지 of 어느 것이든지."""
    if word.form == "어떻" and after[0].form == "게":
        after = after[1:]
    for token in after:
        if _SOME.match(token.form) and token.tag != "ETM":
            return token.form
        noun = token.tag.startswith("N")
        if not token.tag.startswith(_PASSED_OVER) or (noun and word.tag != "MM"):
            return token.form if token.tag in {"JX", "EC"} else None
    return None


def _is_a_few(words: Sequence[Token], place: int) -> bool:
    """며칠 전, 몇 개 안 and 한 몇 tell; so does 몇 번 of what the speaker has done."""
    after = {token.form for token in words[place + 1 : place + 3]}
    if after & _A_FEW or (place > 0 and words[place - 1].form == "한"):
        return True
    verb = {token.form for token in words[-4:-1]}
    return bool(after & _OFTEN) and "었" in verb and not verb & HONOURING

"""Korean honorifics: the level at which a sentence is spoken, and of whom or what its -시- is said.

The level is that of the last ending. What is said after it belongs to it (right dislocation: 어떻게 해요
이거), an ending inside reported speech does not decide (알아서 해 라고 하셔서), and 요 glued to a connective or a
noun is an ending of its own (적어서요, 세 개요). -시- of a thing (사물존칭: 품절이세요) is a fault; of what is
close to a person (성함이 어떻게 되세요) it is right.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

from pydantic import BaseModel, ConfigDict

from consumers.analysis.lexicon import Pattern, WordSet, word_set
from consumers.analysis.phrases import Found, PhraseBook
from consumers.analysis.tokens import Token

Level = Literal["deferential", "polite", "plain", "unfinished", "none"]
"""The fields of ``schemas.quality.Honorifics``."""

_DEFERENTIAL = re.compile(r"[ㅂ습답랍][니디][다까더꺼]$|시오$|ㅂ시다$|소서$|^(?:으?오|소)$")
"""하십시오체, and 하오체 with it: both raise the hearer and both are formal."""
_DEFERENTIAL_WORD = re.compile(r".(?:니다|니까|십시오)$")
"""The ending as it is spelt, for formulas that Kiwi takes for a name (반갑습니다)."""
_POLITE = re.compile(r"[요죠쥬유예]$|[는ㄴ]교$")
_PLAIN_CONNECTIVE = re.compile(
    r"다$|[다라냐자]니까$|냐고?$|네$|거든$|잖아$|구나$|지$|[ㄹ을][게께]$|[당랑ㅇ]께$|[노꼬]$|^나$"
)
"""Connectives that Kiwi sees at the end of a sentence which ends there: 안 온다."""
_BARE = frozenset({"어", "아", "여"})
"""The same ending finishes 해 줘 and hangs in 확인해: without a mark only 주 tells the first."""
_HANGING = re.compile(r"(?:(?<![다라냐자])고|데|서|면|며)$")
"""Final endings by Kiwi that leave the sentence open as connectives do: 됐고, 좋은데."""
_MARKS = frozenset({"SF", "SP", "SS", "SSO", "SSC", "SE", "SO", "SW", "SB"})
_NOMINAL = frozenset({"음", "ㅁ", "기"})
"""Endings that make a noun of a verb: 확인했음 has no level."""
_GLUED = frozenset({"요", "이요", "예"})
"""예 is what 요 is in the south-east."""
_ANSWERS = frozenset({"아니요", "아뇨"})
_REPORTED = ("다", "라", "냐", "자")
_REPORTING = frozenset({"하", "그러", "그렇", "이러", "이렇", "말하", "카", "캐"})
_QUOTING = frozenset({"라고", "이라고", "라면서"})
_CLOSING_QUOTES = frozenset({"SS", "SSC"})
_LATE_TAGS = frozenset({"NP", "MAG", "MAJ", "IC", "JX", "JKS"})
"""What follows a connective that is left hanging (…했는데 제가)."""
_HONOURING = frozenset({"시", "으시"})
_HONOURING_ENDINGS = frozenset({"세요", "으세요", "셔요", "으셔요", "셔", "으셔", "세", "으세"})
_LINKS = {"있": "EC", "않": "EC", "하": "ETN"}
"""Auxiliary to the ending that binds a predicate to it."""
_SHORTEST_AUXILIARY = 3
"""A predicate, its ending and the auxiliary stand before such a -시-."""
_CLAUSE_ENDS = frozenset({"EC", "EF"})
_NO_SUBJECT = ("JKB", "JKO", "JKG", "JKQ", "V", "XSV", "XSA")
"""What follows a noun that is not the subject: 예약 없이, 앱에서, 주문하신."""
_LIMITS = frozenset({"없이", "까지", "부터"})
_SUBJECT = frozenset({"이", "가", "께서"})
_TOPIC = frozenset({"은", "는", "ㄴ", "도"})


def level(tokens: Sequence[Token]) -> Level:
    """The level of one sentence."""
    words = list(_words(tokens))
    marked, hanging = bool(tokens) and tokens[-1].tag == "SF", False
    for place in range(len(words) - 1, -1, -1):
        found = _level_at(words, place, marked=marked)
        if found == "unfinished":
            hanging = hanging or all(word.tag in _LATE_TAGS for word in words[place + 1 :])
        elif found is not None:
            return found
    return "unfinished" if hanging or (words and _hangs(words[-1])) else "none"


def _level_at(words: Sequence[Token], place: int, *, marked: bool) -> Level | None:
    """The level that a word gives its sentence; None: it is no ending that decides."""
    word = words[place]
    if word.form in _GLUED and place > 0 and words[place - 1].end == word.start:
        return "polite"
    if word.tag in {"IC", "NNP", "NNG"}:
        return _level_of_formula(word)
    if word.tag == "EC":
        return _level_of_connective(words, place, marked=marked)
    if word.tag != "EF" or word.form in _NOMINAL or _is_reported(words, place):
        return None
    return "unfinished" if _HANGING.search(word.form) else _level_of(word.form)


def _words(tokens: Sequence[Token]) -> Iterator[Token]:
    """The tokens but for marks; what stands behind a blank is no ending, whatever Kiwi says (공일공 네)."""
    end = 0
    for token in tokens:
        behind_blank = token.tag in {"EF", "EC"} and token.start > end
        if token.tag not in _MARKS:
            yield Token(token.form, "IC", token.start, token.end) if behind_blank else token
        # An elided copula has no width: it fills no blank.
        end = token.end if token.end > token.start else end


def _hangs(last: Token) -> bool:
    """Whether a sentence ends in a conjunction, or in 데 that Kiwi takes for a noun (없는데)."""
    return last.tag == "MAJ" or (last.form, last.tag) == ("데", "NNB")


def _level_of(ending: str) -> Level:
    if _DEFERENTIAL.search(ending):
        return "deferential"
    return "polite" if _POLITE.search(ending) else "plain"


def _level_of_connective(words: Sequence[Token], place: int, *, marked: bool) -> Level:
    form = words[place].form
    if _POLITE.search(form) or _DEFERENTIAL.search(form):
        return _level_of(form)
    if not all(word.tag in _LATE_TAGS for word in words[place + 1 :]):
        return "unfinished"
    bare = form in _BARE and (marked or (place > 0 and words[place - 1].form.endswith("주")))
    return "plain" if bare or _PLAIN_CONNECTIVE.search(form) else "unfinished"


def _level_of_formula(word: Token) -> Level | None:
    if _DEFERENTIAL_WORD.search(word.form):
        return "deferential"
    polite = word.tag == "IC" and word.form.endswith("요") and word.form not in _ANSWERS
    return "polite" if polite else None


def _is_reported(words: Sequence[Token], place: int) -> bool:
    if place + 1 == len(words):
        return False
    after = words[place + 1]
    reported = words[place].form.endswith(_REPORTED) and after.form in _REPORTING
    return after.tag == "JKQ" or (reported and not words[place].form.endswith("니다"))


def is_quoted(tokens: Sequence[Token], after: Sequence[Token]) -> bool:
    """Whether a sentence is another's words: in quotation marks, or reported by the one after it.

    … 취소해, 그랬어요: a sentence is cut after every final ending, so a quotation may be one of its own.
    """
    if not after or not tokens:
        return False
    first, second = after[0], after[1] if len(after) > 1 else None
    if tokens[-1].tag in _CLOSING_QUOTES or first.tag == "JKQ" or first.form in _QUOTING:
        return True
    if second is None or first.form not in _REPORTING or not first.tag.startswith("V"):
        return False
    return second.tag == "EP" or second.form.startswith(("더", "는", "시", "ㄴ다", "고", "면서"))


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Predicates(_Table):
    """What precedes -시- where it is a thing's.

    ``with_thing``: only where the nearest known noun before it is a thing, not a person (도착하-); without, they
    are no person's unless one is named as their subject (품절이-). ``owners``: in a question or a condition they
    are the owner's (쿠폰 있으세요?).
    """

    any: tuple[Pattern, ...]
    with_thing: bool = False
    owners: bool = False


class HonorificRules(_Table):
    """Of whom or what Korean -시- is said."""

    words: tuple[Pattern, ...]
    """Words that honour a person without -시-: 성함, 연세."""
    things: tuple[Pattern, ...]
    """Single nouns."""
    persons: tuple[Pattern, ...]
    """Single nouns."""
    predicates: tuple[Predicates, ...]


@dataclass(frozen=True, slots=True)
class Honoured:
    """Whether -시- honours a person in a sentence, and whether a thing."""

    person: bool = False
    thing: bool = False


@dataclass(slots=True)
class Honours:
    """Tells of whom or what -시- is said, by the rules of a table."""

    rules: HonorificRules
    between: Sequence[str] = ()
    _predicates: PhraseBook[Predicates] = field(init=False)
    _things: WordSet = field(init=False)
    _persons: WordSet = field(init=False)

    def __post_init__(self) -> None:
        rules = [(group, pattern) for group in self.rules.predicates for pattern in group.any]
        self._predicates = PhraseBook(rules, self.between)
        self._things, self._persons = word_set(self.rules.things), word_set(self.rules.persons)

    def find(self, tokens: Sequence[Token], *, asks: bool) -> Honoured:
        """Whom or what -시- honours; ``asks``: the sentence is a question."""
        if not any(map(_honours, tokens)):
            return Honoured()
        tokens = list(_with_copulas(tokens))
        places = [place for place, token in enumerate(tokens) if _honours(token)]
        matches = list(self._predicates.find(tokens))
        of_things = [p for p in places if any(self._of_thing(tokens, p, m, asks=asks) for m in matches)]
        return Honoured(person=len(of_things) < len(places), thing=bool(of_things))

    def _of_thing(self, tokens: Sequence[Token], place: int, match: Found[Predicates], *, asks: bool) -> bool:
        """Whether the match is the predicate of the -시- at ``place``, and a thing's."""
        group = match.key
        if match.end != _predicate_end(tokens, place):
            return False
        after = tokens[place + 1 :]
        if self._modifies_person(after) or (group.owners and (asks or _conditions(after))):
            return False
        if group.with_thing:
            nearest = self._nearest(tokens, match.start)
            return nearest is not None and tokens[nearest] in self._things
        return not self._of_named_person(tokens, match.start, topics=group.owners)

    def _modifies_person(self, after: Sequence[Token]) -> bool:
        """Whether a person follows of whom -시- tells (추가되시는 분)."""
        return len(after) > 1 and after[0].tag == "ETM" and after[1] in self._persons

    def _of_named_person(self, tokens: Sequence[Token], start: int, *, topics: bool) -> bool:
        """Whether a person is the subject (or the topic), or the clause before honours one (오실 예정이)."""
        if start > 1 and tokens[start - 1].tag == "ETM" and _honours(tokens[start - 2]):
            return True
        place = self._nearest(tokens, start)
        if place is None or tokens[place] not in self._persons:
            return False
        return tokens[place + 1].form in (_SUBJECT | _TOPIC if topics else _SUBJECT)

    def _nearest(self, tokens: Sequence[Token], start: int) -> int | None:
        """Where the nearest known noun before ``start`` is that may be the subject of its clause."""
        for place in range(start - 1, -1, -1):
            token, after = tokens[place], tokens[place + 1]
            if token.tag in _CLAUSE_ENDS:
                return None
            free = place + 1 == start or not (after.form in _LIMITS or after.tag.startswith(_NO_SUBJECT))
            if free and (token in self._things or token in self._persons):
                return place
        return None


def _honours(token: Token) -> bool:
    if token.tag == "EP":
        return token.form in _HONOURING
    return token.tag in {"EF", "EC"} and token.form in _HONOURING_ENDINGS


def _with_copulas(tokens: Sequence[Token]) -> Iterator[Token]:
    """The tokens with the copula that is not heard after a vowel: 무료세요 is 무료이세요."""
    for before, token in pairwise((None, *tokens)):
        if token is None:
            continue
        if before is not None and before.tag.startswith("N") and token.form in _HONOURING_ENDINGS:
            yield Token("이", "VCP", token.start, token.start)
        yield token


def _predicate_end(tokens: Sequence[Token], place: int) -> int:
    """Where what -시- is said of ends: before an auxiliary (등록되어 있으시, 맞지 않으시, 비싸긴 하시)."""
    if place < _SHORTEST_AUXILIARY:
        return place
    linked = place - 2 - tokens[place - 2].tag.startswith("J")
    return linked if tokens[linked].tag == _LINKS.get(tokens[place - 1].form) else place


def _conditions(after: Sequence[Token]) -> bool:
    """Whether -시- goes on as a condition or before a noun (쿠폰 있으시면, 쿠폰 있으신 분)."""
    if not after or after[0].tag not in {"EC", "ETM"}:
        return False
    if after[0].tag == "EC":
        return after[0].form.endswith("면")
    return len(after) == 1 or after[1].form not in {"거", "것"}

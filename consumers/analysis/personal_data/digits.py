"""Runs of digits, written or spoken, in Korean and English.

A *group* is a stretch of digits without a blank, a *run* groups that only blanks, hyphens, particles and
fillers part. Quantities (삼 개월, 15,000원, two hundred) are no digits. The 이 that ends 팔이요 is the copula,
not the digit two. Two-digit words of English (forty one) count as two digits.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

_KOREAN = dict(zip("공영빵일이삼사오육륙칠팔구", "0001234566789", strict=True)) | dict(
    zip("제로 하나 둘 셋 넷 다섯 여섯 일곱 여덟 아홉".split(), "0123456789", strict=True)  # noqa: SIM905 -- reads as the list it is
)
_ONES = dict(
    zip(
        "zero oh o nought one two three four five six seven eight nine".split(),  # noqa: SIM905 -- as above
        "0000123456789",
        strict=True,
    )
)
_TEENS = {
    word: str(number)
    for number, word in enumerate(
        "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split(),  # noqa: SIM905 -- as above
        start=10,
    )
}
_TENS = dict(zip("twenty thirty forty fifty sixty seventy eighty ninety".split(), "23456789", strict=True))  # noqa: SIM905 -- as above

ONE_DIGIT = r"(?:하나|둘|셋|넷|다섯|여섯|일곱|여덟|아홉|[0-9공영일이삼사오육륙칠팔구])"
"""A digit, written or said in Korean."""
_COPULA_AFTER_DIGIT = (
    r"(?:요|에요|예요|고|구요|라|거|네|죠|지|었|며|면|니|세|신|시|야|잖|랑|든|던|긴|래|랬|란)"
)
_SYLLABLES = "0-9공영빵일이삼사오육륙칠팔구"
_UNIT = (
    rf"(?:하나|다섯|여섯|일곱|여덟|아홉|제로|[0-9공영빵일삼사오육륙칠팔구둘셋넷]|(?<=[^\s0-9])이(?!{_COPULA_AFTER_DIGIT})"
    # A word of its own, 이 is "this" (이 번호), but among other digits it is one, whatever follows: 공 삼 공 이요.
    rf"|(?<!\S)이(?=[{_SYLLABLES}]|\s[{_SYLLABLES}](?:[{_SYLLABLES}\s이요에]|$)|에\s|\s?[.,]|$)"
    r"|(?<=\s[공영일이삼사오육칠팔구]\s)이)"
)
_COUNTER = (
    r"십|백|천|만|억|원|호(?!수)|동|번지|편|년|월|시간|시(?![가-힣])|분|초|개|명|층|평|회|건|퍼센트|프로|%|기가|메가|"
    rf"킬로|인치|장|살|세(?!요)|배|주|차|점|가지|자리|번째|대(?!시)|달|병|박|인(?![데가지])|일(?=간|까지|부터|에|날|자|$|\s(?![{_SYLLABLES}](?:\s|$)))"
)
_TAIL = r"번|이|인|입|에|의|요|예|으로|로|은|는|가|를|을|고|구|라|다시|대시|하고|맞|거|죠|네|지|랑|도|님"
_LONE_UNITS = 2
"""Spoken groups up to this length are a quantity before any counter, longer ones only before _NAMED."""
_NAMED = r"원|만|억|호(?!수)|동|번지|편"
_WRITTEN_UNITS = 4
_HYPHENS = frozenset("-–—")
"""What stands behind one is part of a number and counts nothing."""

_KOREAN_GROUP = re.compile(
    rf"\d{{1,3}}(?:,\d{{3}})+(?!\d)|(?P<group>(?<![0-9A-Za-z가-힣]){_UNIT}+|(?<![0-9A-Za-z]){_UNIT}{{5,}}"
    rf"|(?<![0-9A-Za-z])[0-9]+)(?![0-9A-Za-z])(?P<tail>[가-힣]*)"
)
_NEXT_PART = r"(?:그\s?다음|다음|가운데|중간|뒤|뒷자리|끝|끝자리|마지막)(?:에|은|는|이|가)?"
_KOREAN_LINK = re.compile(
    rf"(?:번?에|의|하고|(?:이?고요?|이?구요|이?요)(?=[\s,]*{_NEXT_PART}))?[\s\-–.,·()/]*"
    rf"(?:(?:다시|대시|하이픈|빼기|그리고|{_NEXT_PART}|슬래시|네|예|어|음|아|그|[에의](?=\s))[\s,.]*|[\-–]\s*)*"
)
_ENGLISH_WORD = "|".join(sorted({*_ONES, *_TEENS, *_TENS}, key=len, reverse=True))
_ENGLISH_GROUP = re.compile(
    rf"\$?\d{{1,3}}(?:,\d{{3}})+(?!\d)|[$£€]\s?\d[\d.]*"
    rf"|(?<![\w$])(?P<group>[0-9]+|(?:(?:double|triple)\s)?(?:{_ENGLISH_WORD}))(?![\w%])",
    re.IGNORECASE,
)
_ENGLISH_LINK = re.compile(r"[\s,\-.()/]*(?:(?:and|dash|hyphen|uh|um|then)[\s,]+)*", re.IGNORECASE)
_ENGLISH_COUNTER = re.compile(
    r"[\s-]*(?:hundred|thousand|million|dollars?|bucks|cents?|percent|pounds|euros|minutes?|hours?|days?|weeks?"
    r"|months?|years?|inch(?:es)?|megabits?|gigs?|gigabytes?|times?|people|adults?|child(?:ren)?|(?<=twenty.four)[\s-]seven\b)"
    r"(?!\s*(?:five|six|eight|nine|zero|oh|one|two|three|four)\b)",
    re.IGNORECASE,
)
_COUNTER_AFTER = re.compile(rf"\s?(?:{_COUNTER})")
_NAMED_AFTER = re.compile(rf"\s?(?:{_NAMED})")
_TAIL_AFTER = re.compile(rf"(?:{_TAIL})")
_UNITS = re.compile(_UNIT)
_SPELLED_BEFORE = re.compile(r"(?:(?:^|\s)[공영일이삼사오육칠팔구]){2}\s$")
_OR_TWO = re.compile(r"(?:(?:에|\s다시)?\s)?이(?=[가-힣])")


@dataclass(frozen=True, slots=True)
class Group:
    """Digits without a blank between them."""

    line: int
    start: int
    end: int
    digits: str
    or_two: str = ""
    """What stands up to and with a 이 behind it that was taken for the copula and may be one more digit."""


Run = tuple[Group, ...]


def digits_of(groups: Sequence[Group]) -> str:
    """All digits of several groups."""
    return "".join(group.digits for group in groups)


def runs(text: str, line: int, *, korean: bool) -> list[Run]:
    """The runs of one line, in order."""
    link = _KOREAN_LINK if korean else _ENGLISH_LINK
    found: list[list[Group]] = []
    for group in _korean(text, line) if korean else _english(text, line):
        if found and link.fullmatch(text, found[-1][-1].end, group.start):
            found[-1].append(group)
        else:
            found.append([group])
    return [tuple(groups) for groups in found]


def _korean(text: str, line: int) -> Iterator[Group]:
    for match in _KOREAN_GROUP.finditer(text):
        spoken = match["group"]
        if spoken and not _is_quantity(text, match):
            end = match.end("group")
            two = None if spoken.isdecimal() else _OR_TWO.match(text, end)
            yield Group(line, match.start("group"), end, _read_korean(spoken), two[0] if two else "")


def _is_quantity(text: str, match: re.Match[str]) -> bool:
    """Whether counted things follow, or the syllables belong to a word."""
    group, end = match["group"], match.end("group")
    if text[match.start("group") - 1 : match.start("group")] in _HYPHENS:
        return False
    if len(group) == 1 and _SPELLED_BEFORE.search(text[: match.start("group")]):
        return False
    if _NAMED_AFTER.match(text, end):
        return len(group) <= _WRITTEN_UNITS or text[end : end + 2].strip().startswith(("원", "만", "억"))
    if group.isdecimal():
        return len(group) <= _WRITTEN_UNITS and _COUNTER_AFTER.match(text, end) is not None
    if len(group) <= _LONE_UNITS and _COUNTER_AFTER.match(text, end):
        return True
    return bool(match["tail"]) and not _TAIL_AFTER.match(text, end)


@lru_cache(maxsize=256)
def _read_korean(group: str) -> str:
    return "".join(_KOREAN.get(unit, unit) for unit in _UNITS.findall(group))


def _english(text: str, line: int) -> Iterator[Group]:
    pending: Group | None = None
    for match in _ENGLISH_GROUP.finditer(text):
        if not match["group"] or _ENGLISH_COUNTER.match(text, match.end()):
            continue
        group = Group(line, match.start("group"), match.end("group"), _read_english(match["group"].lower()))
        pair = pending is not None and text[pending.end : group.start] in {" ", "-"} and _adds(text, group)
        if pending is not None and pair:
            yield Group(line, pending.start, group.end, pending.digits[0] + group.digits)
            pending = None
            continue
        if pending is not None:
            yield pending
        pending = group if match["group"].lower() in _TENS else None
        if pending is None:
            yield group
    if pending is not None:
        yield pending


def _adds(text: str, group: Group) -> bool:
    """Whether a word such as *one* completes *forty*."""
    word = text[group.start : group.end].lower()
    return word in _ONES and word not in {"zero", "oh", "o", "nought"}


def _read_english(words: str) -> str:
    if words.isdecimal():
        return words
    *times, word = words.split()
    digits = _ONES.get(word) or _TEENS.get(word) or _TENS[word] + "0"
    return digits * {"double": 2, "triple": 3}.get(times[0], 1) if times else digits

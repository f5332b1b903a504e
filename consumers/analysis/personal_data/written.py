"""What is told by its own shape or by words around it: e-mail, passport numbers, dates of birth, card expiry.

Hangul is a word character to regular expressions, so borders are looked for among Latin letters and digits
only: a particle may follow directly (kim@example.com입니다).
"""

import re
from collections.abc import Iterator, Sequence

from consumers.analysis.personal_data.lines import Line, Mention
from consumers.analysis.personal_data.topics import Topics
from schemas.personal_data import PersonalDataType as Kind

_SURE, _LIKELY = 0.99, 0.85
_EMAIL = re.compile(r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9][A-Za-z0-9._%+-]*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_EMAIL_WORD = r"(?!(?:이메일|메일|주소|저는|제|네|그|어|음|예)(?:은|는|이|가|요)?\s)[A-Za-z0-9가-힣._-]+"
_EMAIL_KOREAN = re.compile(
    rf"(?<![가-힣A-Za-z0-9])(?:{_EMAIL_WORD}\s*){{1,8}}골뱅이\s*[A-Za-z0-9가-힣]+\s*"
    r"(?:(?:닷|점|쩜|\.)\s*(?:씨오|컴|넷|네트|오알지|케이알|com|net|co|kr|org)\s*)+"
)
_EMAIL_ENGLISH = re.compile(
    r"\b[A-Za-z0-9_]+(?:(?:\s(?:dot|underscore|dash)\s|[._-])[A-Za-z0-9_]+)*\sat\s[A-Za-z0-9-]+"
    r"(?:\s(?:dot)\s[A-Za-z]+)+",
    re.IGNORECASE,
)
_PASSPORT = re.compile(r"(?<![A-Za-z0-9])[A-Z](?:\d{8}|\d{3}[A-Z]\d{4})(?![A-Za-z0-9])")
_PASSPORT_SPOKEN = re.compile(
    r"(?:엠|에스|알|지|디|오|피)\s*(?:다시\s*)?(?:[공영일이삼사오육륙칠팔구]\s*){8}", re.IGNORECASE
)

_NUM = r"(?:\d{1,4}|[공영일이삼사오육륙칠팔구십백천]+|유|시)"
_DATE = re.compile(
    rf"(?:(?<![가-힣\d]){_NUM}\s?년\s?)?(?<![가-힣\d]){_NUM}\s?월\s?{_NUM}\s?일(?!\s?(?:간|까지|부터))"
    r"|(?<!\d)(?:19|20)\d\d[-./]\d{1,2}[-./]\d{1,2}(?!\d)"
)
_EXPIRY = re.compile(
    rf"(?<![가-힣\d])(?:{_NUM}\s?월\s?{_NUM}\s?년|{_NUM}\s?년\s?{_NUM}\s?월(?!\s?{_NUM}\s?일))"
    r"|(?<![\d/])(?:0[1-9]|1[0-2])\s?/\s?\d\d(?![\d/])"
)
_EXPIRING_GOODS = re.compile(
    r"쿠폰|상품권|적립|포인트|보험|면허|여권|약정|식품|coupon|voucher|points", re.IGNORECASE
)
_MONTH = (
    r"(?:january|february|march|april|may|june|july|august|september|october|november|december"
    r"|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\.?"
)
_DAY = (
    r"(?:\d{1,2}(?:st|nd|rd|th)?|(?:twenty|thirty)[\s-](?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth)"
    r"|first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|thirteenth|fourteenth|fifteenth"
    r"|sixteenth|seventeenth|eighteenth|nineteenth|twentieth|thirtieth"
    r"|(?:twenty|thirty)(?:[\s-](?:one|two|three|four|five|six|seven|eight|nine))?)"
)
_YEAR = (
    r"(?:(?:19|20)\d\d|(?:nineteen|twenty)(?:[\s-](?:oh|hundred|ten|eleven|twelve|\w+teen|twenty|thirty|forty|fifty|sixty"
    r"|seventy|eighty|ninety)(?:[\s-](?:one|two|three|four|five|six|seven|eight|nine))?)|two thousand(?:\s\w+)?)"
)
_DATE_ENGLISH = re.compile(
    rf"\b(?:{_MONTH}\s(?:the\s)?{_DAY}|(?:the\s)?{_DAY}\s(?:of\s)?{_MONTH})(?:,?\s(?:of\s)?{_YEAR})?\b"
    r"|(?<!\d)\d{1,2}[/.-]\d{1,2}[/.-](?:\d{4}|\d\d)(?!\d)|(?<!\d)(?:19|20)\d\d-\d\d-\d\d(?!\d)",
    re.IGNORECASE,
)


def written(lines: Sequence[Line], topics: Topics, *, korean: bool) -> list[Mention]:
    """E-mail addresses, passports, dates of birth and expiry of all lines."""
    return [mention for number, line in enumerate(lines) for mention in _in(number, line, topics, korean)]


def _in(number: int, line: Line, topics: Topics, korean: bool) -> Iterator[Mention]:
    text = line.text
    if "@" in text:
        yield from _all(_EMAIL, number, text, Kind.EMAIL)
    if "골뱅이" in text:
        yield from _all(_EMAIL_KOREAN, number, text, Kind.EMAIL)
    if not korean and " at " in text:
        yield from _all(_EMAIL_ENGLISH, number, text, Kind.EMAIL)
    yield from _all(_PASSPORT, number, text, Kind.PASSPORT)
    if topics.asked("passport", number):
        yield from _all(_PASSPORT_SPOKEN, number, text, Kind.PASSPORT)
    for match in (_DATE if korean else _DATE_ENGLISH).finditer(text):
        if text[match.end() :].startswith("생") or _of_birth(number, match, topics):
            yield Mention(number, match.start(), match.end(), Kind.BIRTH_DATE, _LIKELY)
    if topics.asked("card_expiry", number) and not _EXPIRING_GOODS.search(text):
        yield from _all(_EXPIRY, number, text, Kind.CARD_EXPIRY)


def _of_birth(number: int, match: re.Match[str], topics: Topics) -> bool:
    """Whether a date stands under the topic of birth: nearest in its turn, or asked for."""
    return "birth_date" in topics.of(number, match.start(), match.end())


def _all(pattern: re.Pattern[str], number: int, text: str, kind: Kind) -> Iterator[Mention]:
    for match in pattern.finditer(text):
        yield Mention(number, match.start(), match.start() + len(match.group().rstrip()), kind, _SURE)

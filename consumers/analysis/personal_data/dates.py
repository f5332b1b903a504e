"""Dates that are personal: of birth, the date that begins a registration number, and the expiry of cards."""

import re
from collections.abc import Iterator, Sequence

from consumers.analysis.personal_data.digits import ONE_DIGIT
from consumers.analysis.personal_data.lines import Line, Mention
from consumers.analysis.personal_data.topics import Topics
from schemas.personal_data import PersonalDataType as Kind

_SURE, _LIKELY = 0.99, 0.85
_BORN = re.compile(
    r"(?<![가-힣\d])(?:(?:19|20)?\d\d|(?:천\s?구백\s?|이천\s?)?[이삼사오육칠팔구]?십[일이삼사오육칠팔구]?"
    r"|(?:일구|이공)?[공영일이삼사오육칠팔구]{2})\s?년\s?(?=생(?:$|[\s.,?]|이|인|입|요|예|으|맞|은|도))"
)
_REGISTERED = re.compile(
    rf"(?:\s?(?:다시|대시|하이픈|에|에다|그리고|뒷자리는|-|,))*\s*"
    rf"(?P<sex>[1-8일이삼사오육칠팔]|하나|둘|셋|넷)(?:\s?{ONE_DIGIT}){{6}}"
    r"(?!\s?(?:[0-9공영일삼사오육륙칠팔구]|이(?!요|에요|예요|고|구요|라|거|네|죠|지|며|면|니|세|신|시)))"
)
"""What follows a date of birth in a registration number; the first digit tells citizens from foreigners."""
_CITIZENS = frozenset("1234일이삼사하나둘셋넷")
_NUM = r"(?:\d{1,4}|[공영일이삼사오육륙칠팔구십백천]+|유|시)"
_DAY_OF_MONTH = r"(?:\d{1,2}|[이삼]?십[일이삼사오육칠팔구]?|[공영]?[일이삼사오육칠팔구])"
_DATE = re.compile(
    rf"(?:(?<![가-힣\d]){_NUM}\s?년(?P<born>생)?\s?)?(?<![가-힣\d])"
    rf"{_NUM}\s?월\s?{_DAY_OF_MONTH}\s?일(?!\s?(?:간|까지|부터))"
    r"|(?<!\d)(?:19|20)\d\d[-./]\d{1,2}[-./]\d{1,2}(?!\d)"
)
MONTH = (
    r"(?:january|february|march|april|may|june|july|august|september|october|november|december"
    r"|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\.?"
)
_EXPIRY = re.compile(
    rf"(?<![가-힣\d])(?:{_NUM}\s?월\s?{_NUM}\s?년|{_NUM}\s?년\s?{_NUM}\s?월(?!\s?{_NUM}\s?일))"
    rf"|\b{MONTH}\s(?:of\s)?(?:20\d\d|twenty[\s-](?:twenty|thirty)(?:[\s-]\w+)?)"
    r"|(?<![\d/])(?:0[1-9]|1[0-2])\s?/\s?\d\d(?![\d/])",
    re.IGNORECASE,
)
_EXPIRING_GOODS = re.compile(
    r"쿠폰|상품권|계약|요금제|할인|이용권|멤버십|자격|구독|적립|포인트|보험|면허|여권|약정|식품"
    r"|coupon|voucher|points",
    re.IGNORECASE,
)
DAY = (
    r"(?:\d{1,2}(?:st|nd|rd|th)?|(?:twenty|thirty)[\s-](?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth)"
    r"|first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|thirteenth|fourteenth|fifteenth"
    r"|sixteenth|seventeenth|eighteenth|nineteenth|twentieth|thirtieth"
    r"|(?:twenty|thirty)(?:[\s-](?:one|two|three|four|five|six|seven|eight|nine))?)"
)
_YEAR = (
    r"(?:(?:19|20)\d\d|(?:nineteen|twenty)(?:[\s-](?:oh|hundred|ten|eleven|twelve|\w+teen|twenty|thirty|forty|fifty|sixty"
    r"|seventy|eighty|ninety)(?:[\s-](?:one|two|three|four|five|six|seven|eight|nine))?)|two thousand(?:\s\w+)?"
    r"|(?:['’]?\d\d|(?:oh|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:[\s-](?:one|two|three|four|five|six|seven"
    r"|eight|nine))?)(?![\d:]))"
)
_DATE_ENGLISH = re.compile(
    rf"\b(?:{MONTH}\s(?:the\s)?{DAY}|(?:the\s)?{DAY}\s(?:of\s)?{MONTH})(?:,?\s(?:of\s)?{_YEAR})?\b"
    r"|(?<!\d)\d{1,2}[/.-]\d{1,2}[/.-](?:\d{4}|\d\d)(?!\d)|(?<!\d)(?:19|20)\d\d-\d\d-\d\d(?!\d)",
    re.IGNORECASE,
)


def dates(lines: Sequence[Line], topics: Topics, *, korean: bool) -> list[Mention]:
    """Dates of birth, registration numbers that begin with one, and expiry dates of cards."""
    return [mention for number, line in enumerate(lines) for mention in _in(number, line, topics, korean)]


def _in(number: int, line: Line, topics: Topics, korean: bool) -> Iterator[Mention]:
    text = line.text
    for match in (_DATE if korean else _DATE_ENGLISH).finditer(text):
        if registered := _REGISTERED.match(text, match.end()):
            kind = Kind.RRN if registered["sex"] in _CITIZENS else Kind.FRN
            yield Mention(number, match.start(), registered.end(), kind, _SURE)
        elif _is_birth(number, text, match, topics):
            yield Mention(number, match.start(), match.end(), Kind.BIRTH_DATE, _LIKELY)
    for match in _BORN.finditer(text) if korean else ():
        yield Mention(number, match.start(), match.end(), Kind.BIRTH_DATE, _LIKELY)
    if topics.asked("card_expiry", number) and not _EXPIRING_GOODS.search(text):
        for match in _EXPIRY.finditer(text):
            yield Mention(number, match.start(), match.end(), Kind.CARD_EXPIRY, _SURE)


def _is_birth(number: int, text: str, match: re.Match[str], topics: Topics) -> bool:
    """Whether 생 says so, or the topic of birth is the nearest in the turn or was asked for."""
    born = match.groupdict().get("born") is not None or text[match.end() :].lstrip().startswith("생")
    return born or "birth_date" in topics.of(number, match.start(), match.end())

"""What is told by its shape: e-mail, passports, plates, licences, IBANs, passwords; some under their topic only.

Hangul is a word character to regular expressions, so borders are looked for among Latin letters and digits
only: a particle may follow directly (kim@example.com입니다).
"""

import re
from collections.abc import Iterator, Sequence

from consumers.analysis.personal_data.digits import ONE_DIGIT
from consumers.analysis.personal_data.lines import Line, Mention
from consumers.analysis.personal_data.topics import Topics
from schemas.personal_data import PersonalDataType as Kind

_SURE, _LIKELY = 0.99, 0.85
_EMAIL = re.compile(r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9][A-Za-z0-9._%+-]*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_EMAIL_WORD = (
    r"(?!(?:(?:이메일|메일|주소)(?:은|는|이|가)?요?|제가|저는|제|네|그|어|음|예)\s)[A-Za-z0-9가-힣._-]+"
)
_EMAIL_KOREAN = re.compile(
    rf"(?<![가-힣A-Za-z0-9]){_EMAIL_WORD}(?:\s+{_EMAIL_WORD}){{0,7}}?\s*(?:골뱅이|앳|엣|@|at)\s*[A-Za-z0-9가-힣]+\s*"
    r"(?:(?:닷|점|쩜|쩝|\.)\s*(?:씨오|컴|넷|네트|오알지|케이알|에이씨|지오|아이오|com|net|co|kr|org|ac|go|io)\s*)+"
)
_AT = re.compile(r"골뱅이|\s[앳엣]\s|[가-힣]\s(?:@|at)\s")
_EMAIL_ENGLISH = re.compile(
    r"(?<![\w'’])(?!(?:e-?mail|address|is|it)\s)(?:[A-Za-z]\s)*[A-Za-z0-9_]+"
    r"(?:(?:\s(?:dot|underscore|dash|hyphen|period)\s|[._-])[A-Za-z0-9_]+"
    r"|\s(?:(?:double|triple)\s\w+|zero|oh|one|two|three|four|five|six|seven|eight|nine|\w+teen|\w+ty|\d+|[A-Za-z])\b)*"
    r"\sat\s[A-Za-z0-9-]+(?:(?:\sdot\s|\.)[A-Za-z]+)*?"
    r"(?:(?:\sdot\s|\.)(?:com|net|org|edu|gov|io|me|us|ca|info|biz|co|uk|kr|au|nz|ie|de|fr|tv|app|dev|example)\b)+",
    re.IGNORECASE,
)
_PASSPORT = re.compile(r"(?<![A-Za-z0-9])[A-Z](?:\d{8}|\d{3}[A-Z]\d{4})(?![A-Za-z0-9]|-\d)")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:\s?[A-Z0-9]{4}){2,7}(?:\s?[A-Z0-9]{1,3})?\b")
_LICENSE = re.compile(r"\b[A-Z]{1,2}[\s-]?\d{2,4}(?:[\s-]?\d{3,4}){1,3}\b")
_PLATE_LATIN = re.compile(r"\b(?=[A-Z0-9\s-]{0,4}\d)(?=[0-9\s-]{0,4}[A-Z])[A-Z0-9]{2,4}[\s-]?[A-Z0-9]{2,4}\b")
_SECRET = re.compile(r"(?<![A-Za-z0-9])(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z0-9!#$%^&*]{4,}")
_PART = r"(?:\s*(?:다시|대시|하이픈|에(?!이)|-|,))?\s*"
_LETTER = (
    r"(?:에이치|에이|비|씨|디|이|에프|지|아이|제이|케이|엘|엠|엔|오|피|큐|알|에스|티|유|브이|더블유|엑스|와이|제트"
    r"|[A-Z])"
)
_PASSPORT_SPOKEN = re.compile(
    rf"(?<![가-힣A-Za-z])(?:엠|에스|알|지|디|오|피|[A-Z]){_PART}"
    rf"(?:(?:{ONE_DIGIT}{_PART}){{7}}|(?:{ONE_DIGIT}{_PART}){{3,4}}{_LETTER}{_PART}(?:{ONE_DIGIT}{_PART}){{3}}){ONE_DIGIT}",
    re.IGNORECASE,
)
REGIONS = r"서울|부산|대구|인천|광주|대전|울산|세종|경기|강원|충북|충남|전북|전남|경북|경남|제주"
_PLATE_LETTER = r"[가나다라마거너더러머버서어저고노도로모보소오조구누두루무부수우주바사아자허하호배]"
_PLATE = re.compile(
    rf"(?:(?:{REGIONS})\s?)?(?<![0-9A-Za-z])\d{{2,3}}\s?{_PLATE_LETTER}\s?\d{{4}}(?![\d,]|\s?[원년만개명])"
)
_PLATE_SPOKEN = re.compile(
    rf"(?<![가-힣])(?:(?:{REGIONS})\s)?"
    rf"(?:{ONE_DIGIT}\s?{ONE_DIGIT}(?:\s?{ONE_DIGIT})?|[이삼사오육칠팔구]?백?[이삼사오육칠팔구]?십{ONE_DIGIT}?)"
    rf"\s?{_PLATE_LETTER}(?:에|의)?\s?(?:{ONE_DIGIT}\s?){{3}}{ONE_DIGIT}(?!\s?[원년만])"
)
_ASKED = (
    ("passport", _PASSPORT_SPOKEN, Kind.PASSPORT),
    ("driver_license", _LICENSE, Kind.DRIVER_LICENSE),
    ("vehicle_plate", _PLATE_SPOKEN, Kind.VEHICLE_PLATE),
    ("vehicle_plate", _PLATE_LATIN, Kind.VEHICLE_PLATE),
)
"""What counts only where its topic is talked about."""


def written(lines: Sequence[Line], topics: Topics, *, korean: bool) -> list[Mention]:
    """E-mail addresses, passports, plates, licences, IBANs and passwords of all lines."""
    return [mention for number, line in enumerate(lines) for mention in _in(number, line, topics, korean)]


def _in(number: int, line: Line, topics: Topics, korean: bool) -> Iterator[Mention]:
    text = line.text
    if "@" in text:
        yield from _all(_EMAIL, number, text, Kind.EMAIL)
    if _AT.search(text):
        yield from _all(_EMAIL_KOREAN, number, text, Kind.EMAIL)
    if not korean and " at " in text:
        yield from _all(_EMAIL_ENGLISH, number, text, Kind.EMAIL)
    yield from _all(_IBAN, number, text, Kind.ACCOUNT)
    yield from _all(_PLATE, number, text, Kind.VEHICLE_PLATE)
    yield from _under_topic(number, text, topics)


def _under_topic(number: int, text: str, topics: Topics) -> Iterator[Mention]:
    for topic, pattern, kind in _ASKED:
        if topics.asked(topic, number):
            yield from _all(pattern, number, text, kind)
    for match in _PASSPORT.finditer(text):
        if topics.of(number, match.start(), match.end())[:1] != ("none",):
            yield Mention(number, match.start(), match.end(), Kind.PASSPORT, _SURE)
    for match in _SECRET.finditer(text):
        if topics.of(number, match.start(), match.end())[:1] == ("pin",):
            yield Mention(number, match.start(), match.end(), Kind.PIN, _LIKELY)


def _all(pattern: re.Pattern[str], number: int, text: str, kind: Kind) -> Iterator[Mention]:
    for match in pattern.finditer(text):
        yield Mention(number, match.start(), match.start() + len(match.group().rstrip()), kind, _SURE)

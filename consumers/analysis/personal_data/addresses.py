"""Addresses: road names with numbers, lots (동, 리 with 번지), and 동·호 of a building, with what stands before.

A city or district alone is no address unless it was asked for. A road counts where a district stands before it
or the talk is of an address: 바로 3일 looks like one, and so does 카드로 10만원.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from consumers.analysis.personal_data.lines import Line, Mention
from consumers.analysis.personal_data.topics import Topics
from schemas.personal_data import PersonalDataType as Kind

_SURE, _LIKELY = 0.9, 0.75
_NUM = r"(?:\d+|[공영일이삼사오육륙칠팔구십백천]+(?:\s[일이삼사오육칠팔구십백천]+(?=\s?(?:동|호|번지)))?)"
_LOT = (
    rf"(?:산\s?)?{_NUM}(?:\s?(?:-|다시|에)\s?{_NUM})?(?:\s?번지)?"
    r"(?!\s?(?:원|개|시|분|월|일\b|명|만|천|%|건|번(?!지)|회|차|년))"
)


class PlaceTable(BaseModel):
    """The content of ``pii.places.yaml``; words are parted by blanks."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    provinces: str
    buildings: str
    no_places: str
    streets: str
    states: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacePatterns:
    """The compiled ways in which addresses are said."""

    road: re.Pattern[str]
    unit: re.Pattern[str]
    room: re.Pattern[str]
    """Without a building: an address only where one was asked for."""
    district: re.Pattern[str]
    english: re.Pattern[str]


def compile_places(table: PlaceTable) -> PlacePatterns:
    """The patterns of a table."""
    province = rf"(?:{'|'.join(table.provinces.split())})(?:특별시|광역시|특별자치시|특별자치도|시|도)?"
    # 면 and 읍 behind their county only: 취소하시면 ends like a township.
    town = rf"(?!{'|'.join(table.no_places.split())})[가-힣]{{1,4}}(?:시|군|구)(?:\s+[가-힣]{{1,4}}[읍면])?"
    # Atomic, as 서울시 is both a province and a town and every reading would be tried.
    admin = rf"(?>(?:{province}|{town})\s+)"
    spot = rf"[가-힣0-9]{{1,9}}?(?:대로|로|길|동|리|[0-9일이삼사오육칠]가)\s?(?:{_NUM}번?길\s?)?{_LOT}"
    buildings = "|".join(table.buildings.split())
    block = rf"(?:{_NUM}|[가나다라마바A-Za-z]|에이|비|씨|디)\s?동(?:\s?에)?"
    whole_unit = (
        rf"(?:[가-힣]*(?:{buildings})\s*)?{block}\s*{_NUM}\s?호|[가-힣]*(?:{buildings})\s*{_NUM}\s?[호층]"
    )
    unit = rf"{whole_unit}|{_NUM}\s?호(?!선|차|기|봉|실)|{_NUM}\s?층"
    return PlacePatterns(
        road=re.compile(
            rf"(?<![가-힣])(?P<admin>{admin}{{0,4}})(?P<spot>{spot})(?:[\s,]*(?:{unit}))?(?:[\s,]*{_NUM}\s?호)?"
        ),
        unit=re.compile(rf"(?<![가-힣\d]){whole_unit}"),
        room=re.compile(
            rf"(?<![가-힣\d])(?:지하\s?)?(?:{_NUM}\s?층\s*(?:에\s*)?)?{_NUM}\s?호(?!선|차|기|봉|실)"
        ),
        district=re.compile(
            rf"(?<![가-힣])(?:{admin}{{1,4}}[가-힣]{{1,4}}(?:구|동|읍|면|리)|{admin}{{2,4}})"
        ),
        english=_english(_words(table.streets), _words(table.states)),
    )


def _words(words: str) -> str:
    return "|".join(word.replace("_", r"\s") for word in words.split())


def _english(streets: str, states: str) -> re.Pattern[str]:
    number = (
        r"(?:\d{1,6}[A-Za-z]?|(?:(?:one|two|three|four|five|six|seven|eight|nine|ten|oh|hundred|\w+teen|eleven|twelve"
        r"|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)[\s-]){1,5})"
    )
    gap = (
        r"(?:to|of|and|in|on|at|from|for|by|the|a|minutes?|hours?|days?|weeks?|months?|years?|miles?|blocks?"
        r"|people|percent)\b"
    )
    digit = r"(?:\d|(?:zero|oh|one|two|three|four|five|six|seven|eight|nine)\b)"
    unit = r"(?:,?\s(?:apt|apartment|unit|suite|number|flat|floor|#)\.?\s?\w+(?:\s(?-i:[A-Z])\b)?)?"
    code = rf"(?:,?\s(?:(?:{digit}\s?){{5}}(?:-\d{{4}})?|(?-i:[A-Z]{{1,2}}\d[A-Z\d]?\s?\d[A-Z]{{2}})))"
    town = (
        r"(?:(?-i:,\s[A-Z][a-z]+(?:\s[A-Z][a-z]+){0,2})|,?\s[a-z]+(?:\s[a-z]+)?(?=,?\s(?:" + states + r")\b))"
    )
    tail = rf"{unit}{town}?{unit}(?:,?\s(?:{states})\b)?{code}?"
    road = rf"{number}\s?(?:[NSEW]\.?\s)?(?:(?!{gap})(?:\d+(?:st|nd|rd|th)|[A-Za-z]+)\s){{1,3}}(?:{streets})\b\.?"
    return re.compile(rf"\b(?:{road}|p\.?\s?o\.?\sbox\s(?:\d+|(?:{digit}\s?)+)){tail}", re.IGNORECASE)


def addresses(
    lines: Sequence[Line], topics: Topics, patterns: PlacePatterns, *, korean: bool
) -> list[Mention]:
    """The addresses of a call."""
    return [
        Mention(number, start, end, Kind.ADDRESS, confidence)
        for number, line in enumerate(lines)
        for start, end, confidence in (
            _korean(number, line.text, topics, patterns)
            if korean
            else _matches(patterns.english, line.text, _SURE)
        )
    ]


def _korean(
    number: int, text: str, topics: Topics, patterns: PlacePatterns
) -> Iterator[tuple[int, int, float]]:
    asked = topics.asked("address", number)
    for match in patterns.road.finditer(text):
        if match["admin"] or (asked and _is_place(match["spot"])):
            yield match.start(), match.end(), _SURE
    yield from _matches(patterns.unit, text, _LIKELY)
    if asked:
        yield from _matches(patterns.district, text, _LIKELY)
        yield from _matches(patterns.room, text, _LIKELY)


def _is_place(spot: str) -> bool:
    """Without a district before it, a name of two syllables at least: 바로 3 is too short to be one."""
    name = re.split(r"[\s\d]", spot, maxsplit=1)[0]
    return len(name) > 2  # noqa: PLR2004 -- two syllables and 로, 길 or 동


def _matches(pattern: re.Pattern[str], text: str, confidence: float) -> Iterator[tuple[int, int, float]]:
    for match in pattern.finditer(text):
        yield match.start(), match.start() + len(match.group().rstrip(" ,.")), confidence

"""Names in context: after a cue (성함은 …), before 고객님 or 님, and as the answer to a question for the name.

A name alone is not told from a noun. What was found once is found again wherever the call repeats it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from consumers.analysis.personal_data.lines import Line, Mention
from consumers.analysis.personal_data.topics import Topics
from schemas.personal_data import PersonalDataType as Kind
from schemas.records import Role

_SURE, _LIKELY = 0.9, 0.75
_LEAST_REPEATED = 3
_VERBAL = ("요", "죠", "까", "니다")
"""Ends of verbs (해 주세요 고객님) that no given name has."""
_NUMERALS = frozenset("공영일이삼사오육륙칠팔구십백천만")
_ENDING = (
    r"(?=\s*(?:님|씨|고객|이라고|라고|이고|고요|이에요|예요|이요|요|입니다|이었|였|인데|이구|이신|맞|매니저|상담|대리|과장|팀장|$|[.,?!{\[])"
    r"|\s+(?:님|씨|고객))"
)


class NameTable(BaseModel):
    """The content of ``pii.names.yaml``; words are parted by blanks."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    surnames: str
    double_surnames: str
    no_names: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NamePatterns:
    """The compiled ways in which Korean names are said. Group ``name`` is the name."""

    cued: re.Pattern[str]
    introduced: re.Pattern[str]
    addressed: re.Pattern[str]
    quoted: re.Pattern[str]
    answered: re.Pattern[str]
    no_names: frozenset[str]


def compile_names(table: NameTable) -> NamePatterns:
    """The patterns of a table."""
    single, double = "".join(table.surnames.split()), "|".join(table.double_surnames.split())
    full = rf"(?P<name>(?:{double})\s?[가-힣]{{1,2}}?|[{single}]\s?[가-힣]\s?[가-힣]{{0,2}}?)"
    exact = rf"(?P<name>(?:{double})[가-힣]{{1,2}}|[{single}][가-힣]{{2,3}})"
    return NamePatterns(
        cued=re.compile(
            rf"(?:성함은|성함이|이름은|이름이|예금주(?:는|가|명은)?|명의자?(?:는|가)|본인은|수취인(?:은)?|받는\s?(?:분|사람)은?"
            rf"|피보험자(?:는|가)?|계약자(?:는|가)?|환자(?:는|분은)?|동행은|어머니요?|아버지요?|남편은?|아내는?)\s*{full}{_ENDING}"
        ),
        introduced=re.compile(
            rf"(?:상담사|상담원|담당자?|매니저|저는|보험|은행|센터|통신|카드)\s+{full}(?=\s*(?:입니다|이었|였|매니저|상담|대리|과장|이라고|라고|예요|이에요))"
        ),
        addressed=re.compile(
            rf"(?<![가-힣]){exact}\s*(?:고객님|회원님|환자분|환자님|선생님|님|씨)(?![가-힣]*도우미)"
        ),
        quoted=re.compile(
            rf"(?<![가-힣]){full}(?:이라고|라고)\s?(?:합니다|해요|하는데|하고|하거든)|(?:제가|저는|제\s?이름은)\s+{_other(full)}(?=입니다|이고|이에요|예요|인데요)"
        ),
        answered=re.compile(
            rf"^\s*(?:(?:네|예|아|어|음|저는|저|제|그|저희\s어머니요|어머니요)[\s,]+)*{full}(?=\s*(?:님|씨)?\s*(?:이요|요|이에요|예요|입니다|이고|고요|인데|이라고|라고|$|[.,\d]|[공영일이삼사오육칠팔구]{{4}}))"
        ),
        no_names=frozenset(table.no_names.split()),
    )


def _other(pattern: str) -> str:
    return pattern.replace("(?P<name>", "(?P<name2>")


def korean_names(lines: Sequence[Line], topics: Topics, patterns: NamePatterns) -> list[Mention]:
    """The names of a Korean call."""
    found: list[Mention] = []
    for number, line in enumerate(lines):
        for match, confidence, ours in _korean_matches(number, line, topics, patterns):
            group = "name" if match["name"] else "name2"
            name = match[group]
            if not _is_word(name, patterns.no_names):
                kind = Kind.AGENT_NAME if ours else Kind.NAME
                found.append(Mention(number, match.start(group), match.end(group), kind, confidence))
    return found + _repeated(lines, found)


def _korean_matches(
    number: int, line: Line, topics: Topics, patterns: NamePatterns
) -> Iterator[tuple[re.Match[str], float, bool]]:
    agent = line.role is not Role.CUSTOMER
    for match in patterns.introduced.finditer(line.text):
        yield match, _SURE, agent
    for pattern in (patterns.cued, patterns.addressed, patterns.quoted):
        for match in pattern.finditer(line.text):
            yield match, _SURE, False
    if "name" in topics.last_asked(number) and (answer := patterns.answered.search(line.text)):
        yield answer, _LIKELY, False


def _is_word(name: str, no_names: frozenset[str]) -> bool:
    """Whether it is a word or a numeral that only looks like a name."""
    joined = name.replace(" ", "").removesuffix("님")
    listed = joined in no_names or name in no_names
    return listed or joined.endswith(_VERBAL) or set(joined) <= _NUMERALS


def _repeated(lines: Sequence[Line], found: Sequence[Mention]) -> list[Mention]:
    names = {lines[m.line].text[m.start : m.end]: m.type for m in found}
    long = {name: kind for name, kind in names.items() if len(name) >= _LEAST_REPEATED}
    if not long:
        return []
    pattern = re.compile("|".join(rf"(?<!\w){re.escape(name)}" for name in long))
    return [
        Mention(number, match.start(), match.end(), long[match.group()], _LIKELY)
        for number, line in enumerate(lines)
        for match in pattern.finditer(line.text)
    ]


_WORD = r"[A-Za-z][A-Za-z'’-]+"
_STOP = (
    r"(?!(?:and|i|i'm|im|the|a|an|calling|here|speaking|from|with|is|on|in|at|not|about|sorry|yes|no|so|it|it's|"
    r"that|this|my|your|our|for|to|right|correct|just|going|because|but|what|how|why|when|who|ridiculous|"
    r"account|customer|number|there|really|still|very|ok|okay|fine|sure|please|under|spelled|of|regarding)\b)"
)
_FULL = rf"(?P<name>{_STOP}{_WORD}(?:\s{_STOP}{_WORD}){{0,2}})"
_PROPER = r"(?P<name>[A-Z][a-z'’]+(?:\s[A-Z][A-Za-z'’-]+){0,2})"
_ENGLISH = (
    re.compile(rf"(?:my|the|her|his|first|last|full)\s(?:full\s)?name(?:\sis|['’]s)\s{_FULL}", re.IGNORECASE),
    re.compile(rf"(?i:\b(?:this is|speaking with|speak(?:ing)? to|i am|i['’]m|it['’]s))\s{_PROPER}"),
    re.compile(r"\b(?P<name>(?:Mr|Mrs|Ms|Miss|Dr)\.?\s[A-Z][A-Za-z'’-]+)"),
)
_ENGLISH_ANSWER = re.compile(
    rf"^\s*(?:(?:yes|yeah|sure|it['’]s|it is|um|uh|okay|ok|this is)[\s,]+)*{_FULL}\s*[.,]?\s*$", re.IGNORECASE
)
_INTRODUCTION = re.compile(r"\b(?:this is|my name is|my name['’]s|i['’]m)\b", re.IGNORECASE)
_NO_PERSON = frozenset("Thank Thanks Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split())  # noqa: SIM905 -- reads as the list it is


def english_names(lines: Sequence[Line], topics: Topics) -> list[Mention]:
    """The names of an English call."""
    found: list[Mention] = []
    for number, line in enumerate(lines):
        matches = [match for pattern in _ENGLISH for match in pattern.finditer(line.text)]
        if "name" in topics.last_asked(number) and (answer := _ENGLISH_ANSWER.search(line.text)):
            matches.append(answer)
        for match in matches:
            ours = line.role is Role.AGENT and _INTRODUCTION.search(match.group()) is not None
            kind = Kind.AGENT_NAME if ours else Kind.NAME
            if match["name"].split()[0] not in _NO_PERSON:
                found.append(Mention(number, match.start("name"), match.end("name"), kind, _SURE))
    return found + _repeated(lines, found)

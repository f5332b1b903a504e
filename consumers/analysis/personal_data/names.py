"""Korean names in context: after a cue (성함은 …), before 고객님 or 님, and as the answer to a question for them.

A name alone is not told from a noun. Where the context is weak (딸 유채린이), its syllables must be such as given
names have. What was found once is found again wherever the call repeats it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from pydantic import BaseModel, ConfigDict

from consumers.analysis.personal_data.digits import digits_of, runs
from consumers.analysis.personal_data.lines import Line, Mention
from consumers.analysis.personal_data.numbers import is_date
from consumers.analysis.personal_data.topics import Topics
from schemas.personal_data import PersonalDataType as Kind
from schemas.records import Role

_SURE, _LIKELY = 0.9, 0.75
_LEAST_REPEATED = 3
_SYLLABLES = 3
"""Of most names; longer ones may be two words (배송기사)."""
_VERBAL = re.compile(
    r"(?:요|죠|까|니다|[가-힣](?:하신|하는|하던|시는|셨던|되신|된|려는)|^[가-힣]{2,3}(?:는|던|실|할|면|팀|한테))$"
)
"""Ends of verbs (해 주세요 고객님, 남기신 고객님) that no given name has."""
_ROLE = re.compile(
    r"(?:학생|신부|공인|직원|사원|기사|교사|의사|약사|회원|국인|민원|신청|상점|업자|업체|용품|무관|하|실|과|팀"
    r"|점|부)$"
)
"""Ends of what people are, not of what they are called, and of orders (전화하라고)."""
_GREETING = 3
_BORN = re.compile(
    r"\s?(?:이고요?|고요?|이구요|구요|이요|요|이며|님)?[\s,]+(?P<born>[공영일이삼사오육칠팔구]{6}|\d{6})"
    r"(?!\s?[공영일삼사오육칠팔구\d-]|\s?이(?![고구요에예라죠인]))"
)
_SELF, _BE = re.compile(r"(?<![가-힣])(?:저는|제가|전)\s"), re.compile(r"입니다|이에요|예요|이고|이었|였")
_CALLED = re.compile(r"(?:이라고|라고)\s?합니다")
_BLANK = re.compile(r"\s")
_NUMERALS = frozenset("공영일이삼사오육륙칠팔구십백천만")
_PARTICLE = re.compile(r"(?:은|는|이|가|을|를|도|의|로|에|예|이에|이예|인|입)$")
_COPULA = (
    r"(?:이라고|라고(?=\s?[하합해불등])|이고|고요|이구요|구요|이에요|이예요|예요|에요|이요|요|입니다|이었|였|인데"
    r"|이신|이십니|이시|이세요|맞|이거든|거든)"
)
_TITLE = r"(?:매니저|대리|과장|팀장|실장|부장|차장|주임|계장|주무관)"
_ADDRESSED = r"고객님|회원님|환자분|환자님|선생님|어머님|아버님|보호자|님|씨"
_ENDING = rf"(?=\s*(?:님|씨|고객|{_COPULA}|{_TITLE}|상담|$|[.,?!{{\[])|\s+(?:님|씨|고객)|\s?[(\d]|\s[공영]일)"
_PARTICLES = r"(?:은|이|을|는|가|도|하고)\s*"
_OBJECT = (
    r"(?=(?:은|는|이|가|을|를|으로|로|와|과|하고|이랑|랑|한테|에게|께서|의|도|께)(?:$|[\s,.])"
    r"|\s(?:명의|이름|앞으로|전화|연락처|번호|휴대폰|핸드폰|\d|공일공))"
)
_SAID = r"(?:이라고?|라고?)\s?(?:합니다|해요|하는데|하고|하거든|하는\s?사람|등록|불러)"
_FOREIGN = r"[가-힣]{2,8}(?:\s[가-힣]{2,6})?"
_SINO = "[공영일이삼사오육칠팔구]"
_FILLERS = (
    r"(?:(?:네|예|아|어|음|저는요?|저|제|그|저희\s\S{2,4}|본인은?|제\s?이름은|이름은|성함은|아니요?)[\s,]+)*"
)


_BEFORE_NAMES = "네|예|아|어|맞습니다|맞아요|맞는데요|안녕하세요|안녕하십니까|여보세요|수고하십니다"
_ALONE = rf"(?:^|[.?!]\s*)(?:(?:{_BEFORE_NAMES})[\s,.]+)*"
"""What may stand before a name that is all of a sentence."""


class NameTable(BaseModel):
    """The content of ``pii.names.yaml``; words are parted by blanks, and 받는_분 holds one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    surnames: str
    double_surnames: str
    given: str
    kin: str
    parties: str
    things: str
    no_names: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NamePatterns:
    """The compiled ways in which Korean names are said. Group ``name`` is the name."""

    introduced: re.Pattern[str]
    greeted: re.Pattern[str]
    """In an agent's first turns, what they are called."""
    cued: tuple[re.Pattern[str], ...]
    """Whatever follows is a name."""
    weak: tuple[re.Pattern[str], ...]
    """What follows is a name where it sounds like one."""
    foreign: re.Pattern[str]
    presented: re.Pattern[str]
    answered: re.Pattern[str]
    closing: re.Pattern[str]
    """At the end of an answer."""
    surnames: frozenset[str]
    given: frozenset[str]
    no_names: frozenset[str]

    def written(self, name: str) -> bool:
        """Whether a name of one blank is a surname and a given name: 안 들려 is none."""
        parts = name.split()
        return len(parts) != 2 or parts[0] not in self.surnames or self.sounds(name)  # noqa: PLR2004 -- one blank

    def sounds(self, name: str) -> bool:
        """Whether the syllables behind the surname are such as given names have."""
        joined = name.replace(" ", "")
        rest = next((joined[len(s) :] for s in (joined[:2], joined[:1]) if s in self.surnames), "")
        return bool(rest) and self.given.issuperset(rest) and _ROLE.search(joined) is None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """Parts of the patterns: names of several lengths, and what stands before them."""

    full: str
    exact: str
    plain: str
    person: str
    unthing: str
    cued: str

    @classmethod
    def of(cls, table: NameTable) -> Self:
        single, double = "".join(table.surnames.split()), "|".join(table.double_surnames.split())
        people = f"{_alternatives(table.kin)}|{_alternatives(table.parties)}"
        unthing = "".join(rf"(?<!{thing}{gap})" for thing in table.things.split() for gap in ("", r"\s"))
        return cls(
            full=rf"(?P<name>(?:{double})\s?[가-힣]\s?[가-힣]??|[{single}]\s?[가-힣]\s?[가-힣]{{0,2}}?)",
            exact=rf"(?P<name>(?:{double})[가-힣]{{1,2}}|[{single}][가-힣]{{2,3}})",
            plain=rf"(?P<name>(?:{double})[가-힣]{{1,2}}?|[{single}][가-힣]{{2}})",
            person=rf"(?<![가-힣])(?:{people})(?:님|분|되시는\s분)?(?:의?\s?(?:성함|이름))?"
            r"(?:은|는|이|가|을|를|도|께서|요|명은)?",
            unthing=unthing,
            cued=rf"{unthing}(?:성함|존함|이름|성명|명의자?|예금주|(?:고객|주문자|예금주|입금자|예약자)명)",
        )


def compile_names(table: NameTable) -> NamePatterns:
    """The patterns of a table."""
    words = _Words.of(table)
    cued, full, plain = words.cued, words.full, words.plain
    introduced = r"상담사|상담원|담당자?|매니저|저는|보험|은행|센터|통신|카드|[가-힣]+팀|지점|지사|본부"
    foreign = rf"{words.unthing}(?:이름|성함|성명)(?:은|이)\s+(?P<name>{_FOREIGN}?)"
    return NamePatterns(
        introduced=re.compile(
            rf"(?:{introduced})\s+{full}(?=\s*(?:입니다|이었|였|{_TITLE}|상담|이라고|라고|예요|이에요))"
        ),
        greeted=re.compile(rf"[가-힣]\s+{plain}(?=입니다|이에요|예요|이었습니다|였습니다|\s?인사)"),
        cued=_compiled(
            rf"{cued}{_PARTICLES}{_FILLERS}{full}{_ENDING}",
            rf"(?<![가-힣]){words.exact}\s*(?:{_ADDRESSED})(?![가-힣]*도우미)",
            rf"(?:제가|저는|제\s?이름은)\s+{full}(?=입니다|이고|이에요|예요|인데요|이거든요|{_SAID})",
        ),
        weak=_weak(words),
        foreign=re.compile(rf"{foreign}(?=이에요|예요|입니다|이고요|로\s(?:되|돼|했|등록)|{_SAID})"),
        presented=re.compile(
            rf"^\s*(?:(?:네|예|안녕하세요|여보세요|저는)[\s,]+)*(?P<name>{_FOREIGN}?)(?=(?:이라고|라고)\s?합니다)"
        ),
        answered=re.compile(
            rf"^\s*{_FILLERS}{full}(?=\s*(?:님|씨)?\s*(?:{_COPULA}|(?:이|으)?로\s?(?:해|했|등록|돼|되|예약)|$|[.,\d]"
            rf"|\s{_SINO[:-1]}십]{{2}}|{_SINO}{{4}}|\s(?:김|이|박)\s))"
        ),
        closing=re.compile(rf"\s{plain}(?=(?:이요|이에요|예요|입니다)\s*[.?]?$)"),
        surnames=frozenset([*table.surnames.split(), *table.double_surnames.split()]),
        given=frozenset("".join(table.given.split())),
        no_names=frozenset(table.no_names.split()),
    )


def _weak(words: _Words) -> tuple[re.Pattern[str], ...]:
    plain, person = words.plain, words.person
    dated = rf"(?:\S{{1,6}}년\s|공일공|영일공|010|{_SINO}{{6}}|\d{{6}})"
    contact = r"(?:통화|전화|연락|문의)(?:한|했던|드린|드렸던)"
    return _compiled(
        rf"{person}\s+{plain}{_OBJECT}",
        rf"{person}\s+{_FILLERS}{plain}(?=\s*(?:{_COPULA}|님|씨)|\s?$)",
        rf"(?<![가-힣]){plain}(?=\s?{_TITLE}|\s(?:명의|앞으로))",
        rf"{words.cued}\s+{_FILLERS}{words.full}{_ENDING}",
        rf"[가-힣][는은한실을던된인]\s?(?:사람|분|이름)(?:은|이|이름은)?\s+{plain}(?=\s*{_COPULA}|{_OBJECT})",
        rf"^\s*{_FILLERS}(?:{_SINO}{{6}}|\d{{6}})(?:에|이고)?,?\s+{plain}(?=\s?(?:{_COPULA}|$))",
        rf"^\s*{_FILLERS}{plain}(?=(?:이고요?|고요?|이요|요|이며)?,?\s+{dated})",
        rf"(?<![가-힣])(?:저|전|난)[\s,]+{plain}(?=인데|이에요|예요|이거든|입니다)",
        # 지연이라고 is 지연 and 이라고.
        rf"(?<![가-힣]){plain}(?<!이)(?={_SAID}|(?:이라는|라는)\s?(?:사람|분|이름|직원))",
        rf"{contact}\s+{plain}(?=입니다|인데|이에요|예요|이라고)",
        rf"(?<![가-힣]){plain}(?=(?:이에요|예요|입니다)[\s,]+(?:제\s)?(?:이름|성함))",
        rf"생(?:이고|이며|인|이요|이에요)?\s+{plain}(?=입니다|이고|이에요|예요|인데요|이요|요|$)",
        rf"{_ALONE}{plain}(?=인데요|(?:입니다|이에요|예요|이라고\s?하는데요)(?:\s(?:네|예))?\s*(?:[.,!?]|$))",
    )


def _compiled(*patterns: str) -> tuple[re.Pattern[str], ...]:
    return tuple(map(re.compile, patterns))


def _alternatives(words: str) -> str:
    """Alternatives of a list, the longest first."""
    return "|".join(sorted((w.replace("_", r"\s?") for w in words.split()), key=len, reverse=True))


def korean_names(lines: Sequence[Line], topics: Topics, patterns: NamePatterns) -> list[Mention]:
    """The names of a Korean call."""
    return [
        Mention(number, *match.span("name"), Kind.AGENT_NAME if _presented(line, match) else kind, confidence)
        for number, line in enumerate(lines)
        for match, confidence, kind in _matches(number, line, topics, patterns)
        if not _is_word(match["name"], patterns.no_names) and patterns.written(match["name"])
    ]


def _matches(
    number: int, line: Line, topics: Topics, patterns: NamePatterns
) -> Iterator[tuple[re.Match[str], float, Kind]]:
    text = line.text
    greeting = line.role is Role.AGENT and number < _GREETING
    introduced = Kind.NAME if line.role is Role.CUSTOMER else Kind.AGENT_NAME
    yield from ((match, _SURE, introduced) for match in patterns.introduced.finditer(text))
    for pattern in patterns.cued:
        yield from ((match, _SURE, Kind.NAME) for match in pattern.finditer(text))
    asked = "name" in topics.last_asked(number)
    extra = (*((patterns.greeted,) if greeting else ()), *((patterns.closing,) if asked else ()))
    for pattern in (*patterns.weak, *extra):
        kind = Kind.AGENT_NAME if pattern is patterns.greeted else Kind.NAME
        yield from ((m, _LIKELY, kind) for m in pattern.finditer(text) if patterns.sounds(m["name"]))
    for pattern in (patterns.foreign, patterns.presented) if line.role is Role.CUSTOMER else ():
        yield from ((match, _LIKELY, Kind.NAME) for match in pattern.finditer(text))
    if asked and (answer := patterns.answered.search(text)):
        yield answer, _LIKELY, Kind.NAME


def _presented(line: Line, match: re.Match[str]) -> bool:
    """Whether an agent tells their own name: 저는 …, … 라고 합니다."""
    before, behind = line.text[: match.start("name")], line.text[match.end("name") :]
    own = _SELF.search(before) is not None and _BE.match(behind) is not None
    return line.role is Role.AGENT and (own or _CALLED.match(behind) is not None)


def _is_word(name: str, no_names: frozenset[str]) -> bool:
    """Whether it is a word, with a particle or not, or a numeral that only looks like a name."""
    joined = name.replace(" ", "").removesuffix("님")
    words = {joined, *name.split()[:1], _PARTICLE.sub("", joined), _VERBAL.sub("", joined)}
    if len(joined) > _SYLLABLES:
        words |= {joined[:2], joined[2:], joined[:3]}
    return bool(words & no_names) or _VERBAL.search(joined) is not None or set(joined) <= _NUMERALS


def births(lines: Sequence[Line], names: Sequence[Mention]) -> list[Mention]:
    """Six digits that are a date, said directly behind a name."""
    found = ((name, _BORN.match(lines[name.line].text, name.end)) for name in names)
    return [
        Mention(name.line, match.start("born"), match.end("born"), Kind.BIRTH_DATE, _LIKELY)
        for name, match in found
        if match and is_date(digits_of(runs(match["born"], 0, korean=True)[0]))
    ]


def repeated(lines: Sequence[Line], names: Sequence[Mention]) -> list[Mention]:
    """Names of three letters or more wherever the call has them, syllable by syllable too."""
    kinds = {_BLANK.sub("", lines[m.line].text[m.start : m.end]): m.type for m in names}
    long = {name: kind for name, kind in kinds.items() if len(name) >= _LEAST_REPEATED}
    if not long:
        return []
    pattern = re.compile("|".join(r"(?<!\w)" + r"\s?".join(map(re.escape, name)) for name in long))
    return [
        Mention(number, match.start(), match.end(), long[_BLANK.sub("", match.group())], _LIKELY)
        for number, line in enumerate(lines)
        for match in pattern.finditer(line.text)
    ]

"""English names in context: after a cue (my name is …), behind a title, and as the answer to a question."""

import re
from collections.abc import Iterator, Sequence

from consumers.analysis.personal_data.dates import DAY, MONTH
from consumers.analysis.personal_data.lines import Line, Mention
from consumers.analysis.personal_data.topics import Topics
from schemas.personal_data import PersonalDataType as Kind
from schemas.records import Role

_SURE = 0.9
_WORD = r"[A-Za-z][A-Za-z'’-]+"
_STOP = (
    r"(?!(?:and|i|i'm|im|the|a|an|calling|here|speaking|from|with|is|on|in|at|not|about|sorry|yes|no|so|it|it's|"
    r"that|this|my|your|our|for|to|right|correct|just|going|because|but|what|how|why|when|who|ridiculous|"
    r"account|customer|number|there|really|still|very|ok|okay|fine|sure|please|under|spelled|spelt|of|regarding|as|you|he|she|we|they|are|am|was|"
    r"has|have|do|don't|can|isn't|of course|speak|available|home|me|him|her)\b)"
)
_FULL = rf"(?P<name>{_STOP}{_WORD}(?:\s(?:(?-i:[A-Z])\.?\s)?{_STOP}{_WORD}){{0,2}})"
_CAPITAL = r"[A-Z](?:['’][A-Z])?[a-z]+(?:[A-Z][a-z]+)?(?:-[A-Z][a-z]+)?"
_PROPER = rf"(?P<name>{_CAPITAL}(?:\s(?:[A-Z]\.?\s)?{_CAPITAL}){{0,2}})"
_TWO_PROPER = rf"(?P<name>{_CAPITAL}(?:\s(?:[A-Z]\.?\s)?{_CAPITAL}){{1,2}})"
_PERSON = (
    r"husband|wife|spouse|partner|son|daughter|kid|mother|father|mom|mum|dad|brother|sister|grandmother|grandfather"
    r"|grandma|grandpa|roommate|cardholder|account holder|policyholder|beneficiary|passenger|patient|recipient"
)
_PATTERNS = (
    re.compile(
        rf"(?:my|the|her|his|their|first|last|full)\s(?:full\s)?name(?:\sis|['’]s)\s{_FULL}", re.IGNORECASE
    ),
    re.compile(rf"(?i:\b(?:last|first|maiden|middle|sur)\s?name,?)\s{_PROPER}"),
    re.compile(
        rf"(?i:\b(?:this is|(?:you(?:['’]re| are)\s)?speaking with|speak(?:ing)? to|talk(?:ing)? to"
        rf"|i am|i['’]m|name of|in the name"
        rf"|name on (?:the|my|this) \w+(?: is|['’]s)))\s{_PROPER}"
    ),
    re.compile(rf"(?i:\b(?:{_PERSON})(?:['’]s name)?(?:\sis|,)?)\s{_PROPER}"),
    re.compile(
        rf"(?i:\b(?:on behalf of|made out to|registered to|addressed to|listed under|under))\s{_TWO_PROPER}"
    ),
    re.compile(rf"\b(?P<name>(?:Mr|Mrs|Ms|Miss|Dr)\.?\s{_CAPITAL}(?:\s{_CAPITAL})?)"),
)
_PRESENTED = re.compile(
    rf"(?:^|[.,!?]\s){_PROPER}\s(?:here|speaking)\b"
    rf"|(?i:\bit['’]s)\s{_PROPER.replace('<name>', '<dated>')}\s(?:here|again|calling|from|over at)\b"
)
_ANSWER = re.compile(
    rf"^\s*(?:(?:yes|yeah|sure|it['’]s|it is|um|uh|okay|ok|this is|my name is|that['’]s|that would be)[\s,]+)*"
    rf"(?:{_FULL}\s*[.,]?\s*$|(?P<dated>{_STOP}{_WORD}\s{_STOP}{_WORD})"
    rf"(?=,?\s(?:(?:the\s)?{DAY}\b|{MONTH}|\d|\S+@|(?:[A-Z][\s-]){{3}})))",
    re.IGNORECASE,
)
_INTRODUCTION = re.compile(
    r"\b(?:this is|my name is|my name['’]s|i['’]m|you(?:['’]re| are) speaking)\b", re.IGNORECASE
)
_NO_PERSON = frozenset(
    (  # noqa: SIM905 -- reads as the list it is
        "Thank Thanks Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February March April May"
        " June July August September October November December English Spanish Korean American Customer Hello Hi"
        " Okay Sorry Sure Yes No The And Is"
    ).split()
)


def english_names(lines: Sequence[Line], topics: Topics) -> list[Mention]:
    """The names of an English call."""
    return [mention for number, line in enumerate(lines) for mention in _in(number, line, topics)]


def _in(number: int, line: Line, topics: Topics) -> Iterator[Mention]:
    matches = [(match, False) for pattern in _PATTERNS for match in pattern.finditer(line.text)]
    matches += [(match, True) for match in _PRESENTED.finditer(line.text)]
    if "name" in topics.last_asked(number) and (answer := _ANSWER.search(line.text)):
        matches.append((answer, False))
    for match, presented in matches:
        group = "name" if match["name"] else "dated"  # Python allows no group twice.
        introduced = presented or _INTRODUCTION.search(match.group()) is not None
        kind = Kind.AGENT_NAME if introduced and line.role is Role.AGENT else Kind.NAME
        if match[group].split()[0] not in _NO_PERSON:
            yield Mention(number, match.start(group), match.end(group), kind, _SURE)

"""Repeating back (복창): the agent says the customer's digits or words again to have them confirmed."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from consumers.analysis.lexicon import word_set
from consumers.analysis.personal_data.placeholders import TAG as PLACEHOLDER_TAG
from consumers.analysis.sentences import SpokenSentence
from consumers.analysis.speech import SpokenTurn
from consumers.analysis.tokens import Token
from schemas.records import Role

SHARE = 0.6
"""Of the agent's content words that the customer has just said."""
LEAST_DIGITS, LEAST_NUMBERS, LEAST_WORDS = 3, 2, 2
TURNS = 2
"""How many turns of the other party are remembered."""

_DIGITS = {digit: str(n) for n, row in enumerate(("공 영 zero oh", "일 one", "이 two", "삼 three", "사 four",
          "오 five", "육 six", "칠 seven", "팔 eight", "구 nine")) for digit in row.split()}  # fmt: skip
_NAME = "[NAME]"
_NUMBERS = frozenset({"NR", "SN"})
_CONTENT = frozenset({"NNG", "NNP", "SL", "XR", "VV", "VA"}) | _NUMBERS
_LEAST_LETTERS = {"W": 4, "VV": 2, "VA": 2}
"""Shorter words of these classes are too common to tell anything."""
_COMMON = frozenset(
    ["고객", "확인", "말씀", "경우", "that", "your", "this", "have", "with", "what", "right", "correct"]
)
_CONFIRMS = word_set(["맞/VV|말씀|확인|군요|는군요|구나|네요|죠|correct|right|so|confirm|that's"])


def repeats_back(
    turns: Sequence[SpokenTurn], sentences: Mapping[str, Sequence[SpokenSentence]], roles: Mapping[str, Role]
) -> set[str]:
    """Ids of the sentences in which a speaker who is no customer repeats what another one has just said."""
    found: set[str] = set()
    for number, turn in enumerate(turns):
        if roles.get(turn.speaker, Role.UNKNOWN) is Role.CUSTOMER:
            continue
        before = [t for t in turns[max(0, number - 2 * TURNS) : number] if t.speaker != turn.speaker][-TURNS:]
        said = [sentence for t in before for sentence in sentences[t.id]]
        if said:
            heard = _heard(said)
            found.update(s.id for s in sentences[turn.id] if _repeats(s.tokens, heard))
    return found


class _Heard(NamedTuple):
    """What the other party has said: its digits, the forms of its words, and its text without blanks."""

    digits: str
    forms: frozenset[str]
    text: str


def _heard(said: Sequence[SpokenSentence]) -> _Heard:
    tokens = [token for sentence in said for token in sentence.tokens]
    return _Heard(
        digits=_digits(tokens),
        forms=frozenset(token.form for token in tokens),
        text="".join(sentence.text for sentence in said).replace(" ", "").lower(),
    )


def _repeats(tokens: Sequence[Token], heard: _Heard) -> bool:
    if any(run in heard.digits for run in _digit_runs(tokens)):
        return True
    # What was redacted stands in both sentences under the same name; a name alone is how people are addressed.
    if any(
        token.tag == PLACEHOLDER_TAG and token.form != _NAME and token.form in heard.forms for token in tokens
    ):
        return True
    numbers = [token.form for token in tokens if token.tag in _NUMBERS]
    if len(numbers) >= LEAST_NUMBERS and all(number in heard.forms for number in numbers):
        return True
    words = {token.form for token in tokens if _tells(token)} - _COMMON
    if len(words) < LEAST_WORDS or not any(token in _CONFIRMS for token in tokens):
        return False
    again = sum(word in heard.forms or (len(word) > 1 and word in heard.text) for word in words)
    return again >= SHARE * len(words)


def _tells(token: Token) -> bool:
    least = _LEAST_LETTERS.get(token.tag, 1)
    return (token.tag in _CONTENT or token.tag == "W") and len(token.form) >= least


def _digit_runs(tokens: Sequence[Token]) -> Iterable[str]:
    """The stretches of digits, written or spoken one by one, that are long enough to be a number."""
    for is_digit, run in groupby((_digit(token) for token in tokens), key=bool):
        digits = "".join(run)
        if is_digit and len(digits) >= LEAST_DIGITS:
            yield digits


def _digits(tokens: Sequence[Token]) -> str:
    return "".join(_digit(token) for token in tokens)


def _digit(token: Token) -> str:
    if token.tag == "SN" or (token.tag == "W" and token.form.isdigit()):
        return "".join(c for c in token.form if c.isdigit())
    return _DIGITS.get(token.form, "") if token.tag in {"NR", "W"} else ""

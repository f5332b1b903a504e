"""What the customer gives — numbers, names, addresses — and how much of it the agent says again (복창).

Personal values are known by their placeholders: the same one (or the same kept value) in the agent's words is the
value said again. Other numbers are compared digit by digit.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from consumers.analysis.personal_data.digits import digits_of, runs
from consumers.analysis.personal_data.placeholders import PLACEHOLDER, TAG
from consumers.analysis.personal_data.redaction import Redacted
from consumers.analysis.sentences import SpokenSentence
from consumers.analysis.speech import SpokenTurn
from consumers.analysis.tokens import Token
from schemas.personal_data import PersonalDataType

LEAST_DIGITS = 4
"""A shorter number is not worth repeating."""
LEAST_REPEATED = 2
"""A single digit that both say is chance."""
NAME = "[NAME]"
"""How patterns write the customer's name."""
_WORTH = {PersonalDataType.NAME: 1}
"""Of a value among others; a name is one word, everything else is several."""
_WORTH_OF_MORE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Values that turns contain: personal ones by type with what stands in the text for them, and bare digits."""

    personal: frozenset[tuple[PersonalDataType, str]]
    numbers: tuple[str, ...]

    @property
    def worth_repeating(self) -> bool:
        """Whether there is anything that the agent should say again."""
        return bool(self.personal) or any(len(number) >= LEAST_DIGITS for number in self.numbers)

    def share_in(self, other: "Given") -> float:
        """How much of this is in ``other``, between 0 and 1."""
        digits = "".join(number for number in self.numbers if len(number) >= LEAST_DIGITS)
        total = sum(map(_worth, self.personal)) + (_WORTH_OF_MORE if digits else 0)
        again = sum(map(_worth, self.personal & other.personal))
        return (again + _WORTH_OF_MORE * _repeated(digits, other.numbers)) / total if total else 0.0


class Values:
    """Looks up what turns contain. ``kinds``: the personal values that are to be said again."""

    def __init__(
        self, found: Iterable[Redacted], kinds: Collection[PersonalDataType], *, korean: bool
    ) -> None:
        self._kinds = kinds
        self._korean = korean
        self._found: Mapping[str, list[Redacted]] = _by_turn(found)

    def given(self, turns: Iterable[SpokenTurn]) -> Given:
        """What several turns contain together."""
        own = list(turns)
        return Given(
            personal=frozenset(value for turn in own for value in self._personal(turn)),
            numbers=tuple(number for turn in own for number in self._numbers(turn)),
        )

    def with_names(self, turn: SpokenTurn, sentence: SpokenSentence) -> Sequence[Token]:
        """A sentence's tokens, every name in it one token, so that kept and hashed ones are like masked ones."""
        tokens: Sequence[Token] = sentence.tokens
        for found in self._found.get(turn.id, ()):
            inside = [n for n, token in enumerate(tokens) if found.start <= token.start < found.end]
            if inside and found.type is PersonalDataType.NAME:
                first, last = tokens[inside[0]], tokens[inside[-1]]
                name = Token(NAME, TAG, first.start, last.end, first.sentence)
                tokens = [*tokens[: inside[0]], name, *tokens[inside[-1] + 1 :]]
        return tokens

    def _personal(self, turn: SpokenTurn) -> Iterator[tuple[PersonalDataType, str]]:
        for found in self._found.get(turn.id, ()):
            if found.type in self._kinds:
                value = turn.text[found.start : found.end]
                # A kept number is the same however it is said: 010, 공일공.
                digits = "".join(digits_of(run) for run in runs(value, 0, korean=self._korean))
                yield found.type, digits or value

    def _numbers(self, turn: SpokenTurn) -> Iterator[str]:
        """Digits outside personal values, kept ones included: they are counted as such."""
        text = PLACEHOLDER.sub(lambda match: "|" * len(match.group()), turn.text)
        hidden = [(found.start, found.end) for found in self._found.get(turn.id, ())]
        for run in runs(text, 0, korean=self._korean):
            outside = [g for g in run if not any(start < g.end and g.start < end for start, end in hidden)]
            if outside:
                yield digits_of(outside)


def _by_turn(found: Iterable[Redacted]) -> dict[str, list[Redacted]]:
    by_turn: dict[str, list[Redacted]] = {}
    for one in found:
        by_turn.setdefault(one.turn_id, []).append(one)
    return by_turn


def _worth(value: tuple[PersonalDataType, str]) -> int:
    return _WORTH.get(value[0], _WORTH_OF_MORE)


def _repeated(digits: str, numbers: Sequence[str]) -> float:
    """Share of the digits that stand, in stretches of at least two, in these numbers."""
    parts = {number for number in numbers if len(number) >= LEAST_REPEATED and number in digits}
    whole = any(digits in number for number in numbers)
    return 1.0 if digits and whole else min(1.0, sum(map(len, parts)) / max(1, len(digits)))

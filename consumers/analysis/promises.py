"""Who promises what by when: the slots of a promise, in the sentence's own words."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from consumers.analysis.act_rules import ActTable
from consumers.analysis.lexicon import WordSet, word_set
from consumers.analysis.phrases import Found, PhraseBook
from consumers.analysis.sentences import SpokenSentence
from consumers.analysis.tables import Tables
from consumers.analysis.tokens import Token

_NUMBERS = frozenset({"NR", "SN", "MM"})
_LIMITS = word_set(
    [
        "까지|이내|안|후|뒤|내|중|전|경|쯤|정도|사이|부터",
        "by|within|before|in|next|after|end|of|the|this|one|two|three|four|five|six|seven|ten|few|couple",
    ]
)
"""Words that belong to a time when they stand beside one."""


@dataclass(slots=True)
class PromiseSlots:
    """Finds the slots with the words of an act table."""

    table: ActTable
    _who: PhraseBook[str] = field(init=False)
    _when: WordSet = field(init=False)

    def __post_init__(self) -> None:
        self._who = PhraseBook((("who", pattern) for pattern in self.table.who), self.table.between)
        self._when = word_set(self.table.when)

    def who(self, sentence: SpokenSentence) -> str | None:
        """The first one named who acts, at the sentence's greatest length; None: nobody is named."""
        found = list(self._who.find(sentence.tokens))
        if not found:
            return None
        best = min(found, key=lambda match: (match.start, -match.end))
        return _text(sentence, best)

    def when(self, sentence: SpokenSentence) -> str | None:
        """The longest stretch of words that tell a time; None: no time is told."""
        tokens = sentence.tokens
        runs: list[Found[str]] = []
        start: int | None = None
        for at in range(len(tokens) + 1):
            inside = at < len(tokens) and self._tells_time(tokens, at)
            if inside and start is None:
                start = at
            elif not inside and start is not None:
                runs.append(Found("when", start, at))
                start = None
        timed = [run for run in runs if any(t in self._when for t in tokens[run.start : run.end])]
        best = max(timed, key=lambda run: run.end - run.start, default=None)
        return _text(sentence, best) if best else None

    def _tells_time(self, tokens: Sequence[Token], at: int) -> bool:
        token = tokens[at]
        return token in self._when or token.tag in _NUMBERS or token.tag == "JX" or token in _LIMITS


def promise_slots(tables: Tables, language: str) -> PromiseSlots:
    """The slot finder of a language."""
    return tables.built(f"acts.{language}.yaml", ActTable, PromiseSlots)


def _text(sentence: SpokenSentence, match: Found[str]) -> str:
    """The whole words; tokens count from the beginning of the turn, the sentence's text does not."""
    first, last = sentence.tokens[match.start], sentence.tokens[match.end - 1]
    offset, text = _offset(sentence), sentence.text
    start, end = first.start - offset, last.end - offset
    start = text.rfind(" ", 0, start + 1) + 1
    rest = text.find(" ", end)
    return text[start : rest if rest >= 0 else len(text)].strip().rstrip(".,!?")


def _offset(sentence: SpokenSentence) -> int:
    lead = len(sentence.text) - len(sentence.text.lstrip())
    return sentence.tokens[0].start - lead

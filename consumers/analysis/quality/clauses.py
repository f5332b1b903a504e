"""Whether what somebody has said until a moment ends a clause, or a whole sentence.

Korean is judged by its last ending: a final one or a glued 요 ends a sentence, a connective one at least a clause.
Recognisers close with a full stop what was cut off, so every mark counts but that one. In English the marks decide
where the recogniser writes any; where it writes none, only a word that cannot stand last (the, my, because) tells
that more was to come, and everything else passes for finished.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from consumers.analysis.endings import kind_of, kind_of_mark
from consumers.analysis.floor import Heard, backchannel_words
from consumers.analysis.sentences import SpokenSentence, locate
from consumers.analysis.tokens import Token
from consumers.analysis.view import CallView
from schemas.document import SentenceKind

_FINISHED = frozenset({"statement", "question"})
_CLAUSE_MARKS = (",", ";", ":", "-", "–", "—")
_DANGLING = frozenset(
    "a an the my your our their its every some and or but because if unless than of from to into "  # noqa: SIM905 -- reads as the list it is
    "i we he she they i'm i've i'll i'd we're we've we'll we'd you're you've you'll they're they've it's".split()
)


class Unit(NamedTuple):
    """The part of a sentence that was said until a moment."""

    turn_id: str
    sentence: SpokenSentence
    text: str
    tokens: tuple[Token, ...]


@dataclass(slots=True)
class Clauses:
    """Judges what is said in one call."""

    call: CallView
    _places: dict[str, list[int | None]] = field(default_factory=dict)
    _punctuated: bool = field(init=False)

    def __post_init__(self) -> None:
        every = (s for spoken in self.call.sentences.values() for s in spoken)
        self._punctuated = any(kind_of_mark(sentence.text) is not None for sentence in every)

    def until(self, heard: Heard) -> Unit | None:
        """The sentence of a piece up to its end; None where the text of its turn does not contain it."""
        turn = heard.turn
        if turn.id not in self._places:
            self._places[turn.id] = locate(turn)
        place = self._places[turn.id][heard.number]
        if place is None:
            return None
        end, start = place + len(heard.piece.text.strip()), 0
        for sentence in self.call.sentences[turn.id]:
            if start < end <= start + len(sentence.text):
                tokens = tuple(token for token in sentence.tokens if token.start < end)
                return Unit(turn.id, sentence, turn.text[start:end], tokens)
            start += len(sentence.text)
        return None

    def ends_sentence(self, unit: Unit) -> bool:
        """Whether nothing is missing: of an answer that only says that one listens nothing is."""
        if backchannel_words(self.call.tables).speak(self.call.language)(unit.text):
            return True
        if self.call.language == "ko":
            return _korean_kind(unit) in _FINISHED
        if self._punctuated:
            return kind_of_mark(unit.text) in _FINISHED
        return not _dangles(unit)

    def ends_clause(self, unit: Unit) -> bool:
        """Whether the speaker could pause here, and the other one show that they listen."""
        if self.call.language == "ko":
            return _korean_kind(unit) is not None
        if self._punctuated:
            return unit.text.endswith(_CLAUSE_MARKS) or kind_of_mark(unit.text) is not None
        return not _dangles(unit)


def _korean_kind(unit: Unit) -> SentenceKind | None:
    # With more words behind it, Kiwi takes the connective of 같은데 for the noun 데.
    hidden = [(t.form, t.tag) for t in unit.tokens if not t.tag.startswith("S")][-1:] == [("데", "NNB")]
    if hidden or kind_of_mark(unit.text) == "unfinished":
        return "unfinished"
    return kind_of(unit.text.rstrip(" .,"), unit.tokens)


def _dangles(unit: Unit) -> bool:
    return bool(unit.tokens) and unit.tokens[-1].form in _DANGLING

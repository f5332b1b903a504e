"""What a question wants: an account (with a question word), yes or no, or a confirmation.

A request in the form of a question (말씀해 주시겠어요, *could you spell that*) is none. In Korean the sentence's
kind says whether it asks; elsewhere a sentence without a mark asks when it opens like a question.
"""

from collections.abc import Collection, Sequence
from typing import Literal

from consumers.analysis.endings import kind_of_mark
from consumers.analysis.lexicon import WordSet
from consumers.analysis.phrases import Found
from consumers.analysis.quality.speech_style import Cue
from consumers.analysis.sentences import SpokenSentence

QuestionKind = Literal["open", "closed", "verification"]
"""The fields of ``schemas.quality.Questions``."""


def question_kind(
    sentence: SpokenSentence, cues: Sequence[Found[Cue]], openers: WordSet, *, of_thing: bool = False
) -> QuestionKind | None:
    """The kind of question that a sentence is; None: it asks nothing.

    ``openers`` may stand before it. ``of_thing``: it says -시- of a thing, and then an unmarked -셨어요, which
    else asks the hearer, tells (접수되셨어요).
    """
    names = {cue.key.name for cue in cues}
    opening = _opening(sentence, cues, openers)
    if not (sentence.kind == "question" or (sentence.kind is None and opening)):
        return None
    if "request" in names or (of_thing and _tells(sentence, names)):
        return None
    if "confirming" in names:
        return "verification"
    if opening == "yes_no_opening":
        return "closed"
    if "question_word" in names:
        return "open"
    return "verification" if "confirming_ending" in names else "closed"


def _opening(sentence: SpokenSentence, cues: Sequence[Found[Cue]], openers: WordSet) -> str | None:
    """How the sentence opens, where that makes a question of it."""
    first = next((n for n, token in enumerate(sentence.tokens) if token not in openers), 0)
    names = {cue.key.name for cue in cues if cue.start == first}
    return next((name for name in ("yes_no_opening", "open_opening") if name in names), None)


def _tells(sentence: SpokenSentence, names: Collection[str]) -> bool:
    unmarked = kind_of_mark(sentence.text) is None
    return unmarked and "question_word" not in names and sentence.text.rstrip().endswith("셨어요")

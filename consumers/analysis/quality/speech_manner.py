"""The manner of single sentences: level of speech, honorifics, question or statement, hedges, fillers, jargon.

A statement is a sentence that asks and requests nothing and has an ending (Korean) or more than two words.
"""

from collections.abc import Sequence
from typing import NamedTuple

from consumers.analysis.phrases import Found
from consumers.analysis.quality.honorifics import Honoured, Level, is_quoted, level
from consumers.analysis.quality.questions import QuestionKind, question_kind
from consumers.analysis.quality.speech_style import Cue, SpeechStyle
from consumers.analysis.sentences import SpokenSentence
from consumers.analysis.tokens import Token

_FINISHED = frozenset({"deferential", "polite", "plain"})
SHORTEST_STATEMENT_WORDS = 3
"""Fewer English words are an answer (*yes*, *thank you*), no statement."""


class SpeechManner(NamedTuple):
    """What is heard in one sentence. ``level`` is None, and nobody honoured, but in Korean."""

    level: Level | None
    honoured: Honoured
    question: QuestionKind | None
    states: bool
    hedges: bool
    fillers: int
    jargon: tuple[tuple[int, int], ...]
    """First token of each term, and the one behind its last."""


def manner_of(
    style: SpeechStyle, sentence: SpokenSentence, after: SpokenSentence | None = None
) -> SpeechManner:
    """The manner of a sentence; ``after`` is the next one of its turn, which may report this one."""
    cues = style.cues(sentence.tokens)
    names = {cue.key.name for cue in cues}
    spoken_level = _level(sentence, after) if style.honours is not None else None
    honoured = _honoured(style, sentence, worded="honorific_word" in names)
    question = question_kind(sentence, cues, style.openers, of_thing=honoured.thing)
    asks = question is not None or "request" in names
    return SpeechManner(
        level=spoken_level,
        honoured=honoured,
        question=question,
        states=not asks and _is_finished(sentence, spoken_level),
        hedges="hedge" in names,
        fillers=_fillers(sentence.tokens, cues) if "filler" in names else 0,
        jargon=tuple((cue.start, cue.end) for cue in cues if cue.key.name == "jargon"),
    )


def _level(sentence: SpokenSentence, after: SpokenSentence | None) -> Level:
    found = level(sentence.tokens)
    quoted = found == "plain" and after is not None and is_quoted(sentence.tokens, after.tokens)
    return "none" if quoted else found


def _honoured(style: SpeechStyle, sentence: SpokenSentence, *, worded: bool) -> Honoured:
    if style.honours is None:
        return Honoured()
    found = style.honours.find(sentence.tokens, asks=sentence.kind == "question")
    return Honoured(person=True, thing=found.thing) if worded else found


def _is_finished(sentence: SpokenSentence, spoken_level: Level | None) -> bool:
    if spoken_level is None:
        return len(sentence.text.split()) >= SHORTEST_STATEMENT_WORDS
    return spoken_level in _FINISHED


def _fillers(tokens: Sequence[Token], cues: Sequence[Found[Cue]]) -> int:
    """How many fillers; none where nothing else is said: that is an answer or a sign of listening."""
    fillers = [cue for cue in cues if cue.key.name == "filler"]
    inside = {at for cue in fillers for at in range(cue.start, cue.end)}
    words = {at for at, token in enumerate(tokens) if token.tag not in {"SF", "SP", "SE"}}
    return len(fillers) if words - inside else 0

"""Polarity of sentences: what is named, by the lexicon, and how it is said, by its grammar.

The lexicon's sum pulls one way, and the tone leans both ways: the way with the greater sum wins, if it is
above nought. Only the customer's tone counts: an agent speaks of trouble in order to end it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

from consumers.analysis.lexicon import Hit, Lexicon, SentimentTable
from consumers.analysis.sentences import SpokenSentence
from consumers.analysis.speech import SpokenTurn
from consumers.analysis.tables import Tables
from consumers.analysis.tokens import Token
from consumers.analysis.tone import Cue, Leaning, Tone, ToneTable
from consumers.analysis.wording import Setting, Wording, compiled
from schemas.records import Role
from schemas.sentiment import Evidence, Label, Sentiment

LANGUAGES = ("ko", "en")
SENTENCE_THRESHOLD = 0.15
"""Below this the sentence is neutral."""
SQUASH = 1.0
"""x / sqrt(x² + SQUASH) keeps any sum within −1…1."""
_LEAST = SENTENCE_THRESHOLD * sqrt(SQUASH / (1 - SENTENCE_THRESHOLD**2)) + 0.001
"""The sum that is just no longer neutral."""
_NEUTRAL_MOST = _LEAST - 0.01
_SLIGHT = 0.001
RESERVE = 0.2
"""What either way needs more where a sentence asks, wants, or thanks by routine."""
_CUES_SHOWN = 3


def label_of(score: float, threshold: float) -> Label:
    """The word for a score."""
    if abs(score) < threshold:
        return "neutral"
    return "positive" if score > 0 else "negative"


def squashed(total: float) -> float:
    """A sum of shares brought into −1…1."""
    return round(total / sqrt(total * total + SQUASH), 3)


@dataclass(frozen=True, slots=True)
class Polarity:
    """Scores sentences by one lexicon and one tone."""

    wording: Wording
    tone: Tone

    @property
    def lexicon(self) -> Lexicon:
        """The entries that are looked for."""
        return self.wording.lexicon

    def score(self, tokens: Sequence[Token], setting: Setting, *, start: int = 0) -> Sentiment:
        """Label, score and what they rest on; ``start`` is where the sentence begins in its turn.

        Neither an entry nor a tone that leans enough means neutral, score 0, no evidence.
        """
        named = self.wording.read(tokens, setting)
        total, cues = named.total, list[tuple[Cue, float]]()
        if setting.role is not Role.AGENT and not named.formula:
            leaning = self.tone.leaning(tokens)
            total = _total(named.total, leaning)
            if abs(total) >= _LEAST and self.wording.is_reserved(named, tokens, setting.role):
                total = _total(named.total, leaning, reserve=RESERVE)
            cues = _cues(leaning, total, total - named.total)
        kept = 1.0 if cues or not named.total else total / named.total
        score = squashed(total)
        evidence = [_of_entry(hit, share * kept, tokens, start) for hit, share in named.shares]
        evidence += [_of_cue(cue, share, tokens, start) for cue, share in cues]
        return Sentiment(label=label_of(score, SENTENCE_THRESHOLD), score=score, evidence=tuple(evidence))


def _total(named: float, leaning: Leaning, *, reserve: float = 0.0) -> float:
    """The stronger way's sum, or what is left of the entries' where neither is strong enough."""
    down = max(0.0, -named) + leaning.down - reserve
    up = max(0.0, named) + leaning.up - reserve
    if max(down, up) > 0:
        return up + _LEAST if up > down else -down - _LEAST
    return max(-_NEUTRAL_MOST, min(_NEUTRAL_MOST, named))


def _cues(leaning: Leaning, total: float, rest: float) -> list[tuple[Cue, float]]:
    """The cues that speak most for what the entries leave unsaid, with their shares of it."""
    if abs(total) < _LEAST or abs(rest) < _SLIGHT:
        return []
    upward = total > 0
    leans = [(cue.up if upward else -cue.down, cue) for cue in leaning.cues]
    fitting = [(lean, cue) for lean, cue in leans if lean * rest > 0]
    worded = [(lean, cue) for lean, cue in fitting if "/" in cue.name]
    speaking = sorted(worded or fitting, key=lambda pair: -abs(pair[0]))[:_CUES_SHOWN]
    whole = sum(lean for lean, _ in speaking)
    return [(cue, rest * lean / whole) for lean, cue in speaking]


def _of_entry(hit: Hit, share: float, tokens: Sequence[Token], start: int) -> Evidence:
    return _evidence(hit.entry.id, share, tokens[hit.start : hit.end], start)


def _of_cue(cue: Cue, share: float, tokens: Sequence[Token], start: int) -> Evidence:
    return _evidence(f"tone {cue.name}", share, tokens[cue.start : cue.end], start)


def _evidence(name: str, share: float, tokens: Sequence[Token], start: int) -> Evidence:
    return Evidence(
        entry=name,
        weight=round(share, 3),
        start=max(0, tokens[0].start - start),
        end=max(0, tokens[-1].end - start),
    )


def polarity_for(tables: Tables, language: str) -> Polarity:
    """The polarity of a language's tables, each compiled once."""
    return Polarity(
        tables.built(f"sentiment.{language}.yaml", SentimentTable, compiled),
        tables.built(f"tone.{language}.yaml", ToneTable, Tone),
    )


def of_sentences(
    polarity: Polarity,
    turns: Iterable[tuple[SpokenTurn, Role, Sequence[SpokenSentence]]],
    acts: Mapping[str, Collection[str]],
) -> Mapping[str, Sentiment]:
    """Sentence id to its sentiment, for the turns of a call in order. ``acts`` may lack any sentence."""
    return dict(_scored(polarity, turns, acts))


def _scored(
    polarity: Polarity,
    turns: Iterable[tuple[SpokenTurn, Role, Sequence[SpokenSentence]]],
    acts: Mapping[str, Collection[str]],
) -> Iterator[tuple[str, Sentiment]]:
    last: dict[str, frozenset[str]] = {}
    for turn, role, sentences in turns:
        others = [said for speaker, said in last.items() if speaker != turn.speaker]
        setting = Setting(role=role, answers=others[-1] if others else frozenset())
        start = 0
        for sentence in sentences:
            yield sentence.id, polarity.score(sentence.tokens, setting, start=start)
            start += len(sentence.text)
        if sentences:
            last.pop(turn.speaker, None)
            last[turn.speaker] = frozenset(acts.get(sentences[-1].id, ()))

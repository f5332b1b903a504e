"""Polarity of one sentence: lexicon entries, changed by what stands around them.

The rules are those of VADER (Hutto and Gilbert 2014) carried over to morphemes: negation weakens and turns,
intensifiers and softeners scale, the clause after a contrast counts more, conditions, wishes and questions
count less, routine thanks count little. Apology and empathy formulas of the agent name the customer's trouble
and carry no mood.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import Literal

from consumers.analysis.lexicon import Element, Hit, Lexicon, WordSet, compile_pattern, word_set
from consumers.analysis.tokens import Token
from schemas.document import Evidence, Sentiment
from schemas.records import Role

NEGATED_POSITIVE, NEGATED_NEGATIVE, TWICE_NEGATED = -0.8, -0.4, 0.6
INTENSIFIED, SOFTENED = 1.3, 0.7
LAST_CLAUSE, EARLIER_CLAUSE = 1.3, 0.7
CONDITIONAL, ASKED, ROUTINE = 0.2, 0.3, 0.3
SENTENCE_THRESHOLD = 0.15
"""Below this the sentence is neutral."""
SQUASH = 1.0
"""x / sqrt(x² + SQUASH) keeps any sum within −1…1."""
SCOPE = 3
"""How many tokens before an entry an intensifier, and after it a condition, still concerns it."""

Label = Literal["positive", "neutral", "negative"]


def label_of(score: float, threshold: float) -> Label:
    """The word for a score."""
    if abs(score) < threshold:
        return "neutral"
    return "positive" if score > 0 else "negative"


@dataclass(slots=True)
class _Sets:
    """A lexicon's modifiers, compiled."""

    negators: WordSet
    intensifiers: WordSet
    softeners: WordSet
    requests: WordSet
    contrasts: WordSet
    conditions_before: WordSet
    conditions_after: WordSet
    intents: WordSet
    question_endings: WordSet
    reasons: WordSet
    post_negations: list[tuple[Element, ...]]
    frames: list[tuple[Element, ...]]


@dataclass(slots=True)
class Polarity:
    """Scores sentences with one lexicon."""

    lexicon: Lexicon
    _sets: _Sets = field(init=False)

    def __post_init__(self) -> None:
        m = self.lexicon.table.modifiers
        self._sets = _Sets(
            negators=word_set(m.negators),
            intensifiers=word_set(m.intensifiers),
            softeners=word_set(m.softeners),
            requests=word_set(m.requests),
            contrasts=word_set(m.contrasts),
            conditions_before=word_set(m.conditions_before),
            conditions_after=word_set(m.conditions_after),
            intents=word_set(m.intents),
            question_endings=word_set(m.question_endings),
            reasons=word_set(m.reasons),
            post_negations=[compile_pattern(p) for p in m.post_negations],
            frames=[compile_pattern(p) for p in m.frames],
        )

    def score(self, tokens: Sequence[Token], role: Role) -> Sentiment:
        """Label, score and the entries behind it. No entry means neutral, score 0, no evidence."""
        hits = [] if self._is_formula(tokens, role) else self._hits_for(tokens, role)
        shares = [(hit.entry.id, hit.entry.weight * self._factor(hit, tokens)) for hit in hits]
        shares = [(entry, share) for entry, share in shares if share]
        total = sum(share for _, share in shares)
        score = round(total / sqrt(total * total + SQUASH), 3)
        evidence = tuple(Evidence(entry=entry, weight=round(share, 3)) for entry, share in shares)
        return Sentiment(label=label_of(score, SENTENCE_THRESHOLD), score=score, evidence=evidence)

    def _hits_for(self, tokens: Sequence[Token], role: Role) -> list[Hit]:
        agent = role is Role.AGENT
        return [hit for hit in self.lexicon.hits(tokens) if not agent or hit.entry.speakers == "any"]

    def _is_formula(self, tokens: Sequence[Token], role: Role) -> bool:
        if role is Role.CUSTOMER:
            return False
        places = range(len(tokens))
        return any(self.lexicon.match(frame, tokens, at) for frame in self._sets.frames for at in places)

    def _factor(self, hit: Hit, tokens: Sequence[Token]) -> float:
        clause = self._clause(hit, tokens)
        if hit.entry.fixed:
            return clause
        return (
            clause
            * self._negation(hit, tokens)
            * self._intensity(hit, tokens)
            * self._mood(hit, tokens)
            * self._routine(hit, tokens)
        )

    def _negation(self, hit: Hit, tokens: Sequence[Token]) -> float:
        window = tokens[max(0, hit.start - self.lexicon.table.modifiers.negation_window) : hit.start]
        count = sum(token in self._sets.negators for token in [*window, *hit.passed])
        count += self._negated_after(hit, tokens)
        if count == 0:
            return 1.0
        if count > 1:
            return TWICE_NEGATED
        return NEGATED_POSITIVE if hit.entry.weight > 0 else NEGATED_NEGATIVE

    def _negated_after(self, hit: Hit, tokens: Sequence[Token]) -> bool:
        at = hit.end
        while at < len(tokens) and tokens[at].tag in {"EP", "XSA", "XSV", "VCP"}:
            at += 1
        starts = {at, min(at + 1, len(tokens))} if _particle(tokens, at) else {at}
        return any(self.lexicon.match(p, tokens, s) for p in self._sets.post_negations for s in starts)

    def _intensity(self, hit: Hit, tokens: Sequence[Token]) -> float:
        near = [*tokens[max(0, hit.start - SCOPE) : hit.start], *hit.passed]
        factor = INTENSIFIED if any(token in self._sets.intensifiers for token in near) else 1.0
        softened = any(token in self._sets.softeners for token in near)
        polite = any(token in self._sets.requests for token in tokens)
        return factor * (SOFTENED if softened and not polite else 1.0)

    def _clause(self, hit: Hit, tokens: Sequence[Token]) -> float:
        contrast = self._last_contrast(tokens)
        if contrast is None:
            return 1.0
        return LAST_CLAUSE if hit.start > contrast else EARLIER_CLAUSE

    def _mood(self, hit: Hit, tokens: Sequence[Token]) -> float:
        sets, after = self._sets, tokens[hit.end :]
        before = tokens[max(0, hit.start - 2 * SCOPE) : hit.start]
        if any(t in sets.conditions_after for t in after[:SCOPE]) or _any(sets.conditions_before, before):
            return CONDITIONAL
        asked = self._is_question(tokens) and hit.start > (self._last_contrast(tokens) or -1)
        return ASKED if asked or _any(sets.intents, after) else 1.0

    def _is_question(self, tokens: Sequence[Token]) -> bool:
        marked = bool(tokens) and tokens[-1].form.endswith("?")
        if self.lexicon.table.modifiers.question_mark:
            return marked
        endings = [token for token in tokens if token.tag == "EF"]
        return bool(endings) and endings[-1] in self._sets.question_endings

    def _last_contrast(self, tokens: Sequence[Token]) -> int | None:
        # A connective that ends the sentence sets nothing against anything.
        places = [i for i, token in enumerate(tokens[:-1]) if token in self._sets.contrasts]
        return places[-1] if places else None

    def _routine(self, hit: Hit, tokens: Sequence[Token]) -> float:
        if hit.entry.kind != "gratitude":
            return 1.0
        meant = self._intensity(hit, tokens) > 1 or _any(self._sets.reasons, tokens)
        return 1.0 if meant else ROUTINE


def _any(words: WordSet, tokens: Sequence[Token]) -> bool:
    return any(token in words for token in tokens)


def _particle(tokens: Sequence[Token], at: int) -> bool:
    return at < len(tokens) and tokens[at].tag.startswith("J")

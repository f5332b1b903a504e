"""What a sentence names: lexicon entries, changed by what stands around them.

The rules are those of VADER (Hutto and Gilbert 2014) carried over to morphemes: negation weakens and turns,
intensifiers and softeners scale, the clause after a contrast counts more, conditions, wishes and questions
count less, routine thanks count little. What is said in form of a question but meant as a reproach keeps its
weight. Apology and empathy formulas of the agent name the customer's trouble and carry no mood.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from consumers.analysis.lexicon import Hit, Lexicon, PatternIndex, SentimentTable, WordSet, word_set
from consumers.analysis.tokens import Token
from schemas.records import Role

NEGATED_POSITIVE, NEGATED_NEGATIVE, TWICE_NEGATED = -0.8, -0.2, 0.6
INTENSIFIED, SOFTENED = 1.3, 0.7
LAST_CLAUSE, EARLIER_CLAUSE = 1.3, 0.7
OVER = 0.1
"""What is left of a trouble that a later turn has ended."""
CONDITIONAL, ASKED, ROUTINE = 0.2, 0.3, 0.3
SCOPE = 3
"""How many tokens before an entry an intensifier, and after it a condition, still concerns it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Who says a sentence, and the acts of what the other party said last."""

    role: Role
    answers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Named:
    """What a sentence names: entries with what each adds to its sum.

    ``answer``: it answers an offer. ``formula``: it is an apology or empathy.
    """

    shares: tuple[tuple[Hit, float], ...]
    answer: bool = False
    formula: bool = False

    @property
    def total(self) -> float:
        """The sum."""
        return sum(share for _, share in self.shares)


class Wording:
    """Finds the entries of one lexicon and what each weighs where it stands."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        m = lexicon.table.modifiers
        self.window = m.negation_window
        self.negators, self.intensifiers = word_set(m.negators), word_set(m.intensifiers)
        self.softeners, self.contrasts = word_set(m.softeners), word_set(m.contrasts)
        self.conditions_before = word_set(m.conditions_before)
        self.conditions_after = word_set(m.conditions_after)
        self.reasons, self.openers = word_set(m.reasons), word_set(m.openers)
        self.question_openings = word_set(m.question_openings)
        self.question_words = word_set(m.question_words)
        self.question_endings = word_set(m.question_endings)
        self.post_negations = self._patterns(m.post_negations)
        self.intents_before = self._patterns(m.intents_before)
        self.intents_after = self._patterns(m.intents_after)
        self.requests, self.tags = self._patterns(m.requests), self._patterns(m.tags)
        self.frames = self._patterns(m.frames)

    def read(self, tokens: Sequence[Token], setting: Setting) -> Named:
        """The entries that count with their shares; none in a formula."""
        if setting.role is not Role.CUSTOMER and self.frames.anywhere(tokens):
            return Named((), formula=True)
        hits = self.lexicon.hits(tokens)
        answer = any(hit.entry.silent_after & setting.answers for hit in hits)
        counted = [hit for hit in hits if self._counts(hit, tokens, setting)]
        if not counted:
            return Named((), answer=answer)
        reading = _Reading(self, tokens, setting.role)
        turned = max((hit.start for hit in counted if hit.entry.turns), default=0)
        shares = ((hit, hit.entry.weight * reading.factor(hit) * _left(hit, turned)) for hit in counted)
        return Named(tuple((hit, share) for hit, share in shares if share), answer=answer)

    def is_reserved(self, named: Named, tokens: Sequence[Token], role: Role) -> bool:
        """Whether a sentence asks, wants, answers an offer, or does nothing but thank by routine."""
        return named.answer or _Reading(self, tokens, role).is_reserved([hit for hit, _ in named.shares])

    def _counts(self, hit: Hit, tokens: Sequence[Token], setting: Setting) -> bool:
        entry = hit.entry
        if setting.role is Role.AGENT and entry.speakers != "any":
            return False
        if entry.silent_after & setting.answers:
            return False
        return not entry.opening or all(self._opens(token) for token in tokens[: hit.start])

    def _opens(self, token: Token) -> bool:
        return token.tag == "IC" or token in self.openers

    def _patterns(self, patterns: Iterable[str]) -> PatternIndex[bool]:
        index: PatternIndex[bool] = PatternIndex(self.lexicon.between)
        for pattern in patterns:
            index.add(pattern, True)
        return index


class _Reading:
    """One sentence: what changes its entries."""

    def __init__(self, wording: Wording, tokens: Sequence[Token], role: Role) -> None:
        self._w = wording
        self._tokens = tokens
        self._role = role
        self._contrast = self._last_contrast()
        self._question = self._is_question()
        self._request = wording.requests.anywhere(tokens)

    def factor(self, hit: Hit) -> float:
        """What a hit's weight is multiplied by."""
        factor = self._clause(hit) * self._intensity(hit)
        if not hit.entry.fixed and not hit.entry.reproach:
            factor *= self._negation(hit) * self._routine(hit)
        return factor if hit.entry.reproach else factor * self._mood(hit)

    def is_reserved(self, hits: Sequence[Hit]) -> bool:
        """Whether the sentence asks, wants, or does nothing but thank by routine."""
        if any(hit.entry.reproach for hit in hits):
            return False
        if self._question or self._request or self._meant_as_reason(self._tokens, self._tokens[-2 * SCOPE :]):
            return True
        if not hits:
            return _any(self._w.question_words, self._tokens)
        return all(self._routine(hit) * self._mood(hit) < 1 for hit in hits)

    def _negation(self, hit: Hit) -> float:
        window = self._tokens[max(0, hit.start - self._w.window) : hit.start]
        count = sum(token in self._w.negators for token in [*window, *hit.passed])
        count += self._negated_after(hit)
        if count == 0:
            return 1.0
        if count > 1:
            return TWICE_NEGATED
        return NEGATED_POSITIVE if hit.entry.weight > 0 else NEGATED_NEGATIVE

    def _negated_after(self, hit: Hit) -> bool:
        tokens, at = self._tokens, hit.end
        while at < len(tokens) and tokens[at].tag in {"EP", "XSA", "XSV", "VCP"}:
            at += 1
        places = {at, at + 1} if at < len(tokens) and tokens[at].tag.startswith("J") else {at}
        return any(True for p in places if p < len(tokens) for _ in self._w.post_negations.at(tokens, p))

    def _intensity(self, hit: Hit) -> float:
        near = [*self._tokens[max(0, hit.start - SCOPE) : hit.start], *hit.passed]
        factor = INTENSIFIED if _any(self._w.intensifiers, near) else 1.0
        softened = not self._request and _any(self._w.softeners, near)
        return factor * (SOFTENED if softened else 1.0)

    def _clause(self, hit: Hit) -> float:
        if self._contrast is None:
            return 1.0
        return LAST_CLAUSE if hit.end > self._contrast + 1 else EARLIER_CLAUSE

    def _mood(self, hit: Hit) -> float:
        before, after = self._tokens[: hit.start], self._tokens[hit.end :]
        conditional = _any(self._w.conditions_before, before[-2 * SCOPE :])
        if conditional or _any(self._w.conditions_after, after[:SCOPE]):
            return CONDITIONAL
        return ASKED if self._asked(hit) or self._meant_as_reason(before, after) else 1.0

    def _asked(self, hit: Hit) -> bool:
        """Whether it is part of what is asked, or a problem named only to ask for help with it."""
        if hit.entry.kind == "problem":
            return self._question or self._request
        return self._question and (self._contrast is None or hit.start > self._contrast)

    def _meant_as_reason(self, before: Sequence[Token], after: Sequence[Token]) -> bool:
        return self._w.intents_before.anywhere(before) or self._w.intents_after.anywhere(after)

    def _routine(self, hit: Hit) -> float:
        if hit.entry.kind != "gratitude":
            return 1.0
        meant = self._intensity(hit) > 1 or _any(self._w.reasons, self._tokens)
        return 1.0 if meant and self._role is not Role.AGENT else ROUTINE

    def _is_question(self) -> bool:
        words = [token for token in self._tokens if token.tag != "SF"]
        if not words or self._w.tags.anywhere(words[-SCOPE:]):
            return False
        endings = [token for token in words if token.tag == "EF"]
        ended = bool(endings) and endings[-1] in self._w.question_endings
        return self._tokens[-1].form.endswith("?") or ended or words[0] in self._w.question_openings

    def _last_contrast(self) -> int | None:
        # A connective that ends the sentence sets nothing against anything.
        content = [i for i, token in enumerate(self._tokens) if token.tag not in {"SF", "JX", "EF"}]
        last = content[-1] if content else 0
        places = [i for i, token in enumerate(self._tokens[:last]) if token in self._w.contrasts]
        return places[-1] if places else None


def _left(hit: Hit, turned: int) -> float:
    return OVER if hit.entry.weight < 0 and hit.start < turned else 1.0


def _any(words: WordSet, tokens: Iterable[Token]) -> bool:
    return any(token in words for token in tokens)


def compiled(table: SentimentTable) -> Wording:
    """A table's entries and modifiers, ready for matching."""
    return Wording(Lexicon(table))

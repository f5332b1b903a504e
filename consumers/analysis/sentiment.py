"""Sentiment of sentences and of parties, over the whole call and its quarters."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from consumers.analysis.floor import backchannel_words
from consumers.analysis.intervals import Interval
from consumers.analysis.polarity import LANGUAGES, SENTENCE_THRESHOLD, label_of, polarity_for, squashed
from consumers.analysis.sentences import SpokenSentence
from consumers.analysis.skips import skip, without_parties
from consumers.analysis.tables import Tables
from consumers.analysis.view import CallView, Findings
from schemas.document import Skipped, SkipReason
from schemas.records import Role
from schemas.sentiment import (
    CallSentiment,
    Moment,
    PartySentiment,
    PeakEnd,
    Quarter,
    Sentiment,
    TurnSentiment,
)

PARTY_THRESHOLD = 0.1
"""Below this a party's mean is neutral."""
QUARTERS = 4
AWS_SCALE = 5
"""Amazon's scores run from −5 to 5."""
END_SENTENCES = 3
"""How many of a party's sentences are the end of the call to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A sentence with its sentiment. Answers that only keep the other talking have no mood, and dilute no mean."""

    sentence: SpokenSentence
    turn_id: str
    role: Role
    sentiment: Sentiment
    has_mood: bool


@dataclass(slots=True)
class SentimentAnalyser:
    """Fills ``sentiment`` and the sentiment of each sentence."""

    name: str = "sentiment"

    def versions(self, tables: Tables) -> Mapping[str, str]:
        """Each language's lexicon and tone."""
        of = {lang: polarity_for(tables, lang) for lang in LANGUAGES}
        lexicons = {f"sentiment.{lang}": polarity.lexicon.table.version for lang, polarity in of.items()}
        return lexicons | {f"tone.{lang}": polarity.tone.table.version for lang, polarity in of.items()}

    def analyse(self, call: CallView) -> Findings:
        """Every sentence and turn scored; party figures where the parties are known."""
        reason = call.wordless or (None if call.language in LANGUAGES else SkipReason.UNSUPPORTED_LANGUAGE)
        if reason is not None or call.bounds is None:
            return Findings(skipped=[skip("sentiment", reason or SkipReason.NO_SPEECH)])
        scored = list(_scored(call))
        by_sentence = {item.sentence.id: {"sentiment": item.sentiment} for item in scored}
        by_turn = {turn_id: {"sentiment": sentiment} for turn_id, sentiment in _of_turns(scored)}
        fields, skipped = _parties(call, scored, call.bounds)
        return Findings(fields=fields, turns=by_turn, sentences=by_sentence, skipped=skipped)


def _scored(call: CallView) -> Iterator[Scored]:
    listens = backchannel_words(call.tables).speak(call.language)
    for turn in call.speech.turns:
        role = call.roles.get(turn.speaker, Role.UNKNOWN)
        for sentence in call.sentences[turn.id]:
            sentiment = call.polarity[sentence.id]
            has_mood = not listens(sentence.text)
            yield Scored(
                sentence=sentence, turn_id=turn.id, role=role, sentiment=sentiment, has_mood=has_mood
            )


def _of_turns(scored: Iterable[Scored]) -> Iterator[tuple[str, TurnSentiment]]:
    for turn_id, items in groupby(scored, key=lambda item: item.turn_id):
        score = squashed(sum(found.weight for item in items for found in item.sentiment.evidence))
        yield turn_id, TurnSentiment(label=label_of(score, SENTENCE_THRESHOLD), score=score)


def _parties(
    call: CallView, scored: Sequence[Scored], bounds: Interval
) -> tuple[dict[str, object], list[Skipped]]:
    reason = without_parties(call, both=False)
    if reason is not None:
        return {}, [skip("sentiment.parties", reason)]
    parties: dict[str, PartySentiment] = {}
    skipped: list[Skipped] = []
    for role in (Role.CUSTOMER, Role.AGENT):
        said = [item for item in scored if item.role is role and item.has_mood]
        if said:
            parties[role.value] = _party(said, bounds)
        else:
            absent = SkipReason.TOO_FEW if call.speakers(role) else SkipReason.PARTY_ABSENT
            skipped.append(skip(f"sentiment.{role.value}", absent))
    return {"sentiment": CallSentiment(**parties)}, skipped


def _party(said: Sequence[Scored], bounds: Interval) -> PartySentiment:
    quarters = tuple(_quarters(said, bounds))
    known = [quarter.score for quarter in quarters if quarter.score is not None]
    score = _mean(said)
    return PartySentiment(
        label=label_of(score, PARTY_THRESHOLD),
        score=score,
        aws_score=_aws(score),
        sentences=len(said),
        quarters=quarters,
        trend=round(known[-1] - known[0], 3) if len(known) > 1 else None,
        peak_end=_peak_end(said),
    )


def _peak_end(said: Sequence[Scored]) -> PeakEnd | None:
    if len(said) < END_SENTENCES:
        return None
    worst = min(said, key=lambda item: item.sentiment.score)
    span, end = worst.sentence.span, _mean(said[-END_SENTENCES:])
    peak = Moment(
        turn_id=worst.turn_id,
        sentence_id=worst.sentence.id,
        start_ms=span.start_ms,
        end_ms=span.end_ms,
        score=worst.sentiment.score,
    )
    return PeakEnd(score=round((peak.score + end) / 2, 3), peak=peak, end=end)


def _quarters(said: Sequence[Scored], bounds: Interval) -> Iterator[Quarter]:
    """Four equal parts of the conversation; a sentence belongs to the one in which it begins."""
    edges = [bounds.start_ms + bounds.length_ms * n // QUARTERS for n in range(QUARTERS + 1)]
    for number in range(QUARTERS):
        start, end = edges[number], edges[number + 1]
        last = number == QUARTERS - 1
        inside = [
            s for s in said if start <= s.sentence.span.start_ms and (last or s.sentence.span.start_ms < end)
        ]
        score = _mean(inside) if inside else None
        aws_score = None if score is None else _aws(score)
        yield Quarter(start_ms=start, end_ms=end, score=score, aws_score=aws_score)


def _mean(said: Sequence[Scored]) -> float:
    return round(sum(item.sentiment.score for item in said) / len(said), 3)


def _aws(score: float) -> float:
    return round(score * AWS_SCALE, 2)

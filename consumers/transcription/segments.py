"""Hypotheses to segments: words in order, inside the recording, grouped at the pauses."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from consumers.transcription.decoding import HeardWord, Hypothesis
from consumers.transcription.guards import (
    COMPRESSION_RATIO_THRESHOLD,
    compression_ratio,
    is_stock_phrase,
    loop_start,
    normalized,
)
from consumers.transcription.windows import Span
from infra.audio.waveform import SAMPLE_RATE_HZ
from schemas.records import TranscriptSegment, Word

_SEGMENT_PAUSE_MS = 300
_HALF_CHARACTER = "\ufffd"
"""What a tokenizer gives for half a code point at the end of a window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Placed:
    """A word on the recording's clock; ``turn`` counts the stretches of speech between longer pauses."""

    text: str
    start_ms: int
    end_ms: int
    confidence: float
    turn: int


def build_segments(
    channel: int,
    hypotheses: Iterable[Hypothesis],
    *,
    duration_ms: int,
) -> Iterator[TranscriptSegment]:
    """The segments of one party, sorted; what the guards reject is left out.

    Times are within the recording, no word starts before the one before it has ended.
    """
    cursor_ms = 0
    for hypothesis in hypotheses:
        for segment in _segments(channel, hypothesis, earliest_ms=cursor_ms, latest_ms=duration_ms):
            yield segment
            cursor_ms = segment.end_ms


def _segments(
    channel: int,
    hypothesis: Hypothesis,
    *,
    earliest_ms: int,
    latest_ms: int,
) -> Iterator[TranscriptSegment]:
    words = _without_loop(hypothesis.words)
    text = "".join(word.text for word in words) if words else hypothesis.text
    if compression_ratio(text) > COMPRESSION_RATIO_THRESHOLD or is_stock_phrase(text, hypothesis.scores):
        return
    if not words:
        yield from _wordless(channel, hypothesis, earliest_ms=earliest_ms, latest_ms=latest_ms)
        return
    placed = _place(words, hypothesis.window.speech, earliest_ms=earliest_ms, latest_ms=latest_ms)
    for _, turn in groupby(placed, key=lambda word: word.turn):
        segment = _segment(channel, list(turn))
        if segment is not None:
            yield segment


def _without_loop(words: Sequence[HeardWord]) -> Sequence[HeardWord]:
    """Up to the end of the first round of an endless repetition."""
    end = loop_start([normalized(word.text) for word in words])
    return words if end is None else words[:end]


def _wordless(
    channel: int,
    hypothesis: Hypothesis,
    *,
    earliest_ms: int,
    latest_ms: int,
) -> Iterator[TranscriptSegment]:
    """Text that could not be aligned is still what was said: it takes the window's times."""
    text = _clean(hypothesis.text)
    start = min(max(_ms(hypothesis.window.start), earliest_ms), latest_ms)
    end = min(max(_ms(hypothesis.window.end), start), latest_ms)
    if text:
        yield TranscriptSegment(channel=channel, start_ms=start, end_ms=end, text=text)


def _place(
    words: Sequence[HeardWord],
    speech: Sequence[Span],
    *,
    earliest_ms: int,
    latest_ms: int,
) -> Iterator[_Placed]:
    """Each word within its stretch of speech, none before its predecessor's end."""
    turns = _turns(speech)
    index, cursor = 0, earliest_ms
    for word in words:
        index = max(index, _nearest(word, speech))
        low, high = _ms(speech[index].start), min(_ms(speech[index].end), latest_ms)
        start = min(max(round(word.start_s * 1000), low, cursor), max(high, cursor))
        end = max(start, min(round(word.end_s * 1000), high))
        cursor = end
        yield _Placed(
            text=word.text,
            start_ms=start,
            end_ms=end,
            confidence=word.probability,
            turn=turns[index],
        )


def _nearest(word: HeardWord, speech: Sequence[Span]) -> int:
    """The stretch of speech that the word's middle lies in or is closest to."""
    middle = (word.start_s + word.end_s) / 2 * SAMPLE_RATE_HZ
    distances = [max(span.start - middle, middle - span.end, 0.0) for span in speech]
    return distances.index(min(distances))


def _turns(speech: Sequence[Span]) -> list[int]:
    """A number for each stretch: equal where the pause between is too short to part segments."""
    numbers = [0]
    for left, right in pairwise(speech):
        numbers.append(numbers[-1] + (_ms(right.start - left.end) >= _SEGMENT_PAUSE_MS))
    return numbers


def _segment(channel: int, words: Sequence[_Placed]) -> TranscriptSegment | None:
    text = _clean("".join(word.text for word in words))
    if not text:
        return None
    kept = tuple(
        Word(word=spoken, start_ms=w.start_ms, end_ms=w.end_ms, confidence=round(w.confidence, 4))
        for w in words
        if (spoken := _clean(w.text))
    )
    confidence = sum(word.confidence for word in words) / len(words)
    return TranscriptSegment(
        channel=channel,
        start_ms=words[0].start_ms,
        end_ms=words[-1].end_ms,
        text=text,
        confidence=round(confidence, 4),
        words=kept,
    )


def _clean(text: str) -> str:
    return text.replace(_HALF_CHARACTER, "").strip()


def _ms(samples: int) -> int:
    return samples * 1000 // SAMPLE_RATE_HZ

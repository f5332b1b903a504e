"""Attributed words to turns.

A turn ends when its speaker pauses for more than a second or another speaker says a word in between. Words of
two speakers who talk at once stay in two turns that overlap; nothing is interleaved word by word.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from heapq import merge as merge_ordered
from itertools import groupby

from consumers.analysis.intervals import Interval
from consumers.analysis.speech import Piece, SpokenTurn

TURN_PAUSE_MS = 1000
"""A longer pause of the same speaker starts a new turn."""


def turns_of(pieces: Sequence[Piece]) -> tuple[SpokenTurn, ...]:
    """Turns in order of time. Each speaker's words keep the order in which they were given."""
    middles = sorted(piece.span.middle_ms for piece in pieces)
    by_speaker = sorted(pieces, key=lambda piece: piece.speaker)
    runs = [list(_runs(list(words), middles)) for _, words in groupby(by_speaker, lambda p: p.speaker)]
    # Merging keeps a speaker's own order even where a recogniser's times run backwards.
    ordered = merge_ordered(*runs, key=lambda run: (_span(run).start_ms, run[0].speaker))
    return tuple(_turn(f"t{number:04d}", run) for number, run in enumerate(ordered, start=1))


def join_text(texts: Iterable[str]) -> str:
    """Words to running text. Words that carry their own blanks are put together as they are."""
    parts = list(texts)
    glued = any(part[:1].isspace() or part[-1:].isspace() for part in parts)
    return ("" if glued else " ").join(parts).strip()


def _runs(words: Sequence[Piece], middles: Sequence[float]) -> Iterable[list[Piece]]:
    run = [words[0]]
    for word in words[1:]:
        if _breaks(run[-1].span, word.span, middles):
            yield run
            run = []
        run.append(word)
    yield run


def _breaks(before: Interval, after: Interval, middles: Sequence[float]) -> bool:
    if after.start_ms - before.end_ms > TURN_PAUSE_MS:
        return True
    # Between two consecutive words of one speaker lies no third of theirs: what does is another's.
    return bisect_left(middles, after.start_ms) > bisect_right(middles, before.end_ms)


def _span(run: Sequence[Piece]) -> Interval:
    return Interval(min(p.span.start_ms for p in run), max(p.span.end_ms for p in run))


def _turn(turn_id: str, run: Sequence[Piece]) -> SpokenTurn:
    text = join_text(piece.text for piece in run)
    return SpokenTurn(id=turn_id, speaker=run[0].speaker, text=text, span=_span(run), pieces=tuple(run))

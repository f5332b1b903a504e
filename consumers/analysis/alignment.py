"""Words to speakers.

Where the channel is the speaker, the channel decides. Elsewhere each word goes to the speaker whose diarized
segments cover most of it; a word that none covers goes to the nearest segment within 0.5 s and otherwise to
``SPEAKER_UNKNOWN``: text far from any detected voice is more often the recogniser's invention than the
neighbour's. When diarization found a single speaker there is nobody else, and distance does not matter.
One sweep over words and segments in order of time, O(W + T) after sorting.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from consumers.analysis.intervals import Interval, shared_ms
from consumers.analysis.speech import UNKNOWN_SPEAKER, Piece
from schemas.records import SpeakerSegment, TranscriptSegment

NEAREST_TOLERANCE_MS = 500
"""How far from a segment a word may lie and still be its speaker's."""
SMOOTHING_CONFIDENCE = 0.5
"""A lone word changes hands only if at most this share of it is covered by its own speaker."""
SMOOTHING_PAUSE_MS = 300
"""A lone word is never moved across a pause longer than this."""


def pieces_of(segments: Iterable[TranscriptSegment]) -> list[Piece]:
    """The words of a transcript in its order; a segment without words stays whole. Blank text is no piece."""
    pieces: list[Piece] = []
    for segment in segments:
        if segment.words:
            pieces += [
                Piece(text=w.word, span=_span(w.start_ms, w.end_ms), channel=segment.channel, word=w)
                for w in segment.words
            ]
        elif segment.text.strip():
            span = _span(segment.start_ms, segment.end_ms)
            pieces.append(Piece(text=segment.text, span=span, channel=segment.channel, word=None))
    return pieces


def channel_speakers(segments: Iterable[SpeakerSegment]) -> dict[int, str]:
    """Channel to speaker, for the channels whose segments all name one speaker."""
    named: dict[int, set[str]] = {}
    for segment in segments:
        if segment.channel is not None:
            named.setdefault(segment.channel, set()).add(segment.speaker)
    return {channel: next(iter(names)) for channel, names in sorted(named.items()) if len(names) == 1}


def by_channel(pieces: Iterable[Piece], speakers: Mapping[int, str]) -> list[Piece]:
    """Every piece with its channel's speaker; a channel without a name is called ``CHANNEL_<n>``."""
    return [
        replace(piece, speaker=speakers.get(piece.channel, f"CHANNEL_{piece.channel}"), confidence=1.0)
        for piece in pieces
    ]


def by_overlap(pieces: Sequence[Piece], segments: Iterable[SpeakerSegment]) -> list[Piece]:
    """Every piece with the speaker whose segments cover most of it, in the order given."""
    sweep = _Sweep(sorted(segments, key=lambda s: (s.start_ms, s.end_ms, s.speaker)))
    placed = list(pieces)
    covers: list[dict[str, float]] = [{} for _ in pieces]
    for index in sorted(range(len(placed)), key=lambda i: placed[i].span):
        covers[index] = sweep.shares(placed[index].span)
        speaker = _winner(covers[index]) or sweep.nearest(placed[index].span)
        share = covers[index].get(speaker, 0.0)
        placed[index] = replace(placed[index], speaker=speaker, confidence=share)
    return _smooth(placed, covers)


def _span(start_ms: int, end_ms: int) -> Interval:
    return Interval(start_ms, max(start_ms, end_ms))


def _winner(shares: Mapping[str, float]) -> str | None:
    return min(shares, key=lambda speaker: (-shares[speaker], speaker)) if shares else None


@dataclass(slots=True)
class _Sweep:
    """Walks along the segments as the asked spans move forward in time."""

    segments: Sequence[SpeakerSegment]
    _next: int = 0
    _open: list[SpeakerSegment] = field(default_factory=list)
    _last_closed: SpeakerSegment | None = None

    def shares(self, span: Interval) -> dict[str, float]:
        """Speaker to share of ``span``. Speakers that talk over each other share what they both cover."""
        # A word without a length still lies somewhere: give it a millisecond.
        probe = Interval(span.start_ms, max(span.end_ms, span.start_ms + 1))
        self._advance(probe)
        covered: dict[str, int] = {}
        for segment in self._open:
            common = shared_ms(probe, Interval(segment.start_ms, segment.end_ms))
            if common:
                covered[segment.speaker] = covered.get(segment.speaker, 0) + common
        whole = max(probe.length_ms, sum(covered.values()))
        return {speaker: common / whole for speaker, common in covered.items()}

    def nearest(self, span: Interval) -> str:
        """Speaker of the nearest segment, or unknown when all are too far."""
        if len({segment.speaker for segment in self.segments}) == 1:
            return self.segments[0].speaker
        near: list[tuple[int, str]] = []
        if self._last_closed is not None:
            near.append((span.start_ms - self._last_closed.end_ms, self._last_closed.speaker))
        if self._next < len(self.segments):
            following = self.segments[self._next]
            near.append((following.start_ms - span.end_ms, following.speaker))
        distance, speaker = min(near, default=(NEAREST_TOLERANCE_MS + 1, UNKNOWN_SPEAKER))
        return speaker if distance <= NEAREST_TOLERANCE_MS else UNKNOWN_SPEAKER

    def _advance(self, probe: Interval) -> None:
        while self._next < len(self.segments) and self.segments[self._next].start_ms < probe.end_ms:
            self._open.append(self.segments[self._next])
            self._next += 1
        still_open: list[SpeakerSegment] = []
        for segment in self._open:
            if segment.end_ms > probe.start_ms:
                still_open.append(segment)
            elif self._last_closed is None or segment.end_ms > self._last_closed.end_ms:
                self._last_closed = segment
        self._open = still_open


def _smooth(pieces: list[Piece], covers: Sequence[Mapping[str, float]]) -> list[Piece]:
    """Give a doubtful lone word between two words of one other speaker to that speaker.

    Only within running speech, and only when the word's own speaker covers at most half of it: a confident
    short answer such as 네 stays with who gave it.
    """
    smoothed = list(pieces)
    for i in range(1, len(pieces) - 1):
        before, lone, after = smoothed[i - 1], pieces[i], pieces[i + 1]
        flips = before.speaker == after.speaker != lone.speaker
        doubtful = (lone.confidence or 0.0) <= SMOOTHING_CONFIDENCE
        if flips and doubtful and _running(before, lone) and _running(lone, after):
            share = covers[i].get(before.speaker, 0.0)
            smoothed[i] = replace(lone, speaker=before.speaker, confidence=share)
    return smoothed


def _running(one: Piece, other: Piece) -> bool:
    gap = other.span.start_ms - one.span.end_ms
    return one.channel == other.channel and gap <= SMOOTHING_PAUSE_MS

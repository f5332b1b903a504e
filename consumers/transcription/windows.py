"""Where a party speaks, cut into the windows that the recogniser decodes.

Voice activity comes from the Silero network that faster-whisper carries. Its own segmentation is not used: it
copies whole recordings several times, cuts long speech wherever the limit falls, and its thresholds miss half
of some telephone voices. Here a recording is scored in blocks and cut at its pauses.

All positions are samples at 16 kHz.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from infra.audio.waveform import SAMPLE_RATE_HZ

FRAME_SAMPLES = 512
"""The network scores frames of 32 ms."""

_BLOCK_FRAMES = 9_375
"""Five minutes: bounds the memory for one run of the network."""
_WARM_UP_FRAMES = 31
"""A second of the block before, so that the recurrent network does not start cold in the middle of a word."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of samples, ``end`` not included."""

    start: int
    end: int

    def __len__(self) -> int:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Window:
    """What is decoded in one piece: one or more stretches of speech and the short pauses between them."""

    speech: tuple[Span, ...]

    @property
    def start(self) -> int:
        """First sample."""
        return self.speech[0].start

    @property
    def end(self) -> int:
        """One past the last sample."""
        return self.speech[-1].end

    def __len__(self) -> int:
        return self.end - self.start


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechOptions:
    """How speech is told from silence and gathered into windows.

    A frame at or above ``onset`` opens a stretch of speech, ``min_silence_ms`` below ``offset`` closes it.
    Stretches shorter than ``min_speech_ms`` are clicks. Each is widened by ``pad_ms``, never into its
    neighbour. Stretches at most ``max_gap_ms`` apart share a window.
    """

    onset: float = 0.3
    offset: float = 0.15
    min_silence_ms: int = 200
    min_speech_ms: int = 96
    pad_ms: int = 100
    max_gap_ms: int = 0


def options_for(max_window_s: float) -> SpeechOptions:
    """The options for a model with such windows.

    A model of 30 s windows reads better, and 30 s at a time cheaper, with neighbouring turns in view: pauses
    up to 2 s stay inside a window, and padding of .3 s keeps soft beginnings. One of short windows reads
    single turns best: with pauses of .5 s inside, the demo model's errors rose by half.
    """
    beyond_turns = max(0.0, max_window_s - 10)
    return SpeechOptions(pad_ms=100 + int(10 * beyond_turns), max_gap_ms=int(100 * beyond_turns))


def halve(window: Window, samples: NDArray[np.float32]) -> tuple[Window, Window]:
    """Two windows from one, cut at the longest pause in it, or where its middle half is quietest."""
    pauses = [right.start - left.end for left, right in pairwise(window.speech)]
    if pauses:
        cut = int(np.argmax(pauses)) + 1
        return Window(window.speech[:cut]), Window(window.speech[cut:])
    frames = np.square(samples[window.start : window.end]).copy()
    frames.resize((-(-len(frames) // FRAME_SAMPLES), FRAME_SAMPLES))
    quarter = len(frames) // 4
    quietest = quarter + int(np.argmin(frames[quarter : max(quarter + 1, 3 * quarter)].sum(axis=1)))
    middle = window.start + quietest * FRAME_SAMPLES + FRAME_SAMPLES // 2
    return Window((Span(window.start, middle),)), Window((Span(middle, window.end),))


def find_windows(
    samples: NDArray[np.float32],
    *,
    max_window_s: float,
    options: SpeechOptions | None = None,
    ignored: NDArray[np.bool_] | None = None,
) -> tuple[Window, ...]:
    """The windows of one party, in order, none longer than ``max_window_s``; empty when nobody speaks.

    ``ignored`` marks frames of 32 ms that are somebody else's speech.
    """
    options = options or options_for(max_window_s)
    probabilities = speech_probabilities(samples)
    if ignored is not None:
        probabilities = np.where(ignored, np.float32(0), probabilities)
    limit = int(max_window_s * SAMPLE_RATE_HZ)
    speech = _speech(probabilities, options)
    cut = [part for span in speech for part in cut_at_pauses(span, probabilities, limit)]
    padded = _pad(cut, options.pad_ms * SAMPLE_RATE_HZ // 1000, limit=limit, length=len(samples))
    return tuple(_gather(padded, options.max_gap_ms * SAMPLE_RATE_HZ // 1000, limit=limit))


def speech_probabilities(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """How likely each frame of 32 ms is speech: shape (frames,), 0…1."""
    from faster_whisper.vad import get_vad_model  # noqa: PLC0415 -- loads a runtime: only when speech is sought

    network = get_vad_model()
    frames = -(-len(samples) // FRAME_SAMPLES)
    scores = np.zeros(frames, dtype=np.float32)
    for first in range(0, frames, _BLOCK_FRAMES):
        warm = max(0, first - _WARM_UP_FRAMES)
        last = min(frames, first + _BLOCK_FRAMES)
        block = samples[warm * FRAME_SAMPLES : last * FRAME_SAMPLES]
        whole = np.pad(block, (0, (last - warm) * FRAME_SAMPLES - len(block)))
        scores[first:last] = np.asarray(network(whole)).reshape(-1)[first - warm :]
    return scores


def cut_at_pauses(span: Span, probabilities: NDArray[np.float32], limit: int) -> list[Span]:
    """Halve a stretch where speech is least likely until every part is at most ``limit`` samples."""
    if len(span) <= limit:
        return [span]
    # Parts stay above a quarter of the whole, or a pause at the edge would leave crumbs.
    first = (span.start + len(span) // 4) // FRAME_SAMPLES
    last = max(first + 1, (span.end - len(span) // 4) // FRAME_SAMPLES)
    middle = (first + int(np.argmin(probabilities[first:last]))) * FRAME_SAMPLES + FRAME_SAMPLES // 2
    halves = (Span(span.start, middle), Span(middle, span.end))
    return [part for half in halves for part in cut_at_pauses(half, probabilities, limit)]


def _speech(probabilities: NDArray[np.float32], options: SpeechOptions) -> list[Span]:
    """Hysteresis over the frames."""
    frame_ms = FRAME_SAMPLES * 1000 // SAMPLE_RATE_HZ
    patience = max(1, options.min_silence_ms // frame_ms)
    shortest = options.min_speech_ms * SAMPLE_RATE_HZ // 1000
    found: list[Span] = []
    for first, last in _runs(probabilities, options, patience):
        span = Span(first * FRAME_SAMPLES, last * FRAME_SAMPLES)
        if len(span) >= shortest:
            found.append(span)
    return found


def _runs(
    probabilities: NDArray[np.float32],
    options: SpeechOptions,
    patience: int,
) -> Iterator[tuple[int, int]]:
    """(first, one past last) frame of each stretch of speech."""
    first: int | None = None
    last = 0
    for frame, probability in enumerate(probabilities.tolist()):
        if first is None:
            if probability >= options.onset:
                first, last = frame, frame + 1
        elif probability >= options.offset:
            last = frame + 1
        elif frame - last >= patience:
            yield first, last
            first = None
    if first is not None:
        yield first, last


def _pad(spans: list[Span], pad: int, *, limit: int, length: int) -> list[Span]:
    """Widen each span by ``pad``, at most to the middle of the pause beside it or to ``limit``."""
    starts = [0, *((left.end + right.start) // 2 for left, right in pairwise(spans))]
    ends = [*starts[1:], length]
    padded = []
    for span, lowest, highest in zip(spans, starts, ends, strict=False):
        room = min(pad, (limit - len(span)) // 2)
        padded.append(Span(max(lowest, span.start - room), min(highest, span.end + room)))
    return padded


def _gather(spans: list[Span], max_gap: int, *, limit: int) -> Iterator[Window]:
    """Join neighbours into windows while the pause is short and the window fits."""
    held: list[Span] = []
    for span in spans:
        if held and (span.start - held[-1].end > max_gap or span.end - held[0].start > limit):
            yield Window(tuple(held))
            held = []
        held.append(span)
    if held:
        yield Window(tuple(held))

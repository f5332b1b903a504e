"""Windows to words: Whisper over one party's windows, doubtful ones twice.

Batches go through faster-whisper's ``BatchedInferencePipeline``, a few windows at a time: it would otherwise
hold the features of the whole call. It ignores Whisper's own thresholds, so windows that fail them are
decoded once more alone, where temperature fallback works.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby, takewhile
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray

from consumers.transcription.guards import Scores, is_doubtful, is_silence
from consumers.transcription.windows import Window, halve
from infra.audio.waveform import SAMPLE_RATE_HZ
from infra.errors import ErrorCode, Fatal, Retryable
from infra.profiles import TranscriptionProfile

_log = structlog.get_logger()

_TEMPERATURES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_TOKEN_LIMIT = 223
"""Whisper writes at most 224 tokens a window and stops in mid-sentence: dense Korean can get there."""
_SHORTEST_HALF = 2 * SAMPLE_RATE_HZ

_OUT_OF_MEMORY = ("out of memory", "cudaerrorinvaliddevice", "bad_alloc", "failed to allocate")
_STICKY = ("unspecified launch failure", "illegal memory access", "cudnn_status", "cublas_status")


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardWord:
    """A word as the model gives it, its leading space included; seconds from the recording's start."""

    text: str
    start_s: float
    end_s: float
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypothesis:
    """What the model reads in a window."""

    window: Window
    text: str
    words: tuple[HeardWord, ...]
    scores: Scores
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoder:
    """One model with one language, for one call."""

    whisper: Any
    profile: TranscriptionProfile
    language: str

    def decode(self, samples: NDArray[np.float32], windows: Sequence[Window]) -> Iterator[Hypothesis]:
        """A hypothesis for each window that holds speech, in order.

        Windows that hit the token limit come back as two.
        """
        size = self.profile.batch_size
        for first in range(0, len(windows), size):
            for hypothesis in self._batch(samples, windows[first : first + size]):
                yield from self._settled(samples, hypothesis)

    def _batch(self, samples: NDArray[np.float32], windows: Sequence[Window]) -> list[Hypothesis]:
        """Decode windows together; where the device's memory does not suffice, in halves."""
        try:
            with device_errors():
                return self._together(samples, windows)
        except Retryable:
            if len(windows) == 1:
                raise
            _log.warning("device memory exhausted: decoding in smaller batches", windows=len(windows))
            middle = len(windows) // 2
            return self._batch(samples, windows[:middle]) + self._batch(samples, windows[middle:])

    def _together(self, samples: NDArray[np.float32], windows: Sequence[Window]) -> list[Hypothesis]:
        from faster_whisper import BatchedInferencePipeline  # noqa: PLC0415 -- loads ctranslate2

        # One pipeline object per batch: it keeps state between calls and is not thread-safe.
        segments, _ = BatchedInferencePipeline(self.whisper).transcribe(
            samples,
            language=self.language,
            beam_size=self.profile.beam_size,
            batch_size=len(windows),
            clip_timestamps=[
                {"start": w.start / SAMPLE_RATE_HZ, "end": w.end / SAMPLE_RATE_HZ} for w in windows
            ],
            without_timestamps=True,
            word_timestamps=True,
        )
        by_window = [list(group) for _, group in groupby(segments, key=lambda segment: segment.seek)]
        return [
            _hypothesis(window, group, offset_s=0.0) for window, group in zip(windows, by_window, strict=True)
        ]

    def _settled(self, samples: NDArray[np.float32], hypothesis: Hypothesis) -> Iterator[Hypothesis]:
        """Redo what was cut off or is doubtful; leave out silence."""
        if hypothesis.tokens >= _TOKEN_LIMIT and len(hypothesis.window) >= 2 * _SHORTEST_HALF:
            yield from self.decode(samples, halve(hypothesis.window, samples))
            return
        if is_doubtful(hypothesis.text, hypothesis.scores):
            hypothesis = self._again(samples, hypothesis)
        if not is_silence(hypothesis.scores) and hypothesis.text.strip():
            yield hypothesis

    def _again(self, samples: NDArray[np.float32], doubtful: Hypothesis) -> Hypothesis:
        """Decode one window alone with temperature fallback; the more probable reading stays."""
        import ctranslate2  # noqa: PLC0415 -- a native runtime

        ctranslate2.set_random_seed(0)  # the same recording shall give the same words
        window = doubtful.window
        with device_errors():
            segments, _ = self.whisper.transcribe(
                samples[window.start : window.end],
                language=self.language,
                beam_size=self.profile.beam_size,
                temperature=_TEMPERATURES,
                condition_on_previous_text=False,
                without_timestamps=True,
                word_timestamps=True,
            )
            # Without time stamps the sequential decoder reads on after the last word, and finds words in the
            # padding: only its first reading counts.
            first = list(takewhile(lambda segment: segment.seek == 0, segments))
            again = _hypothesis(window, first, offset_s=window.start / SAMPLE_RATE_HZ)
        if not again.text.strip():
            return doubtful
        better = again.scores.log_probability > doubtful.scores.log_probability
        return (
            again
            if better or is_doubtful(doubtful.text, Scores(no_speech=0, log_probability=0))
            else doubtful
        )


def _hypothesis(window: Window, segments: Iterable[Any], *, offset_s: float) -> Hypothesis:
    """Join what faster-whisper gives for a window."""
    parts = list(segments)
    return Hypothesis(
        window=window,
        text="".join(part.text for part in parts),
        words=tuple(
            HeardWord(
                text=word.word,
                start_s=float(word.start) + offset_s,
                end_s=float(word.end) + offset_s,
                probability=float(word.probability),
            )
            for part in parts
            for word in part.words or ()
        ),
        scores=Scores(
            no_speech=max((part.no_speech_prob for part in parts), default=1.0),
            log_probability=min((part.avg_logprob for part in parts), default=float("-inf")),
        ),
        tokens=sum(len(part.tokens) for part in parts),
    )


@contextmanager
def device_errors() -> Iterator[None]:
    """Native errors by what has to happen: no memory is Retryable, a broken device is Fatal."""
    try:
        yield
    except MemoryError as error:
        raise _exhausted(error) from error
    except RuntimeError as error:
        text = str(error).lower()
        if any(sign in text for sign in _OUT_OF_MEMORY):
            raise _exhausted(error) from error
        if any(sign in text for sign in _STICKY):
            message = f"the device is in a broken state ({error}); the process must be restarted"
            raise Fatal(ErrorCode.ENGINE_CRASH, message) from error
        raise


def _exhausted(error: Exception) -> Retryable:
    return Retryable(
        ErrorCode.RESOURCE,
        f"the device's memory is exhausted ({error}); lower batch_size or choose a smaller model",
    )

"""Training windows for the recogniser: utterances joined, sent over a line, with tokens and their times.

A window holds one or more utterances of one language in at most 10 s. The last may be cut off by the window's
end; then only its first timestamp is a target, as in Whisper's own training. Beside the tokens every window
tells the phoneme of each 20 ms frame and the time span of each token: the two auxiliary losses, without which
this little data does not teach the attention to follow the speech.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from ops.models.asr.tokens import TokenIds
from ops.models.speech import RATE_HZ, SpokenWord, Utterance
from ops.models.telephone import Line

MAX_WINDOW_S: Final = 10.0
FRAMES_PER_S: Final = 50
Span = tuple[float, float]

_NO_SPEECH_SHARE: Final = 0.04
_TIMESTAMPS_SHARE: Final = 0.6
_SHORT_LEAD_SHARE: Final = 0.8
_SHORT_GAP_SHARE: Final = 0.85
_LAST_UTTERANCE_SHARE: Final = 0.35
_FITTING_SHARE: Final = 0.6
_CLAMP_SHARE: Final = 0.5
_DIGITAL_SILENCE_SHARE: Final = 0.15
_TIMESTAMP_PROMPT_SHARE: Final = 0.5
_MIN_ROOM_S: Final = 0.8
_FEWEST: Final = 50
_LAST_START_S: Final = 1.0
_PROMPT_TIMES: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingWindow:
    """One window.

    ``features`` is log-mel, shape (80, frames of 10 ms). ``tokens`` begins with ``prompt`` history tokens
    that are no target. ``spans`` gives each token its seconds, None where it has none. ``phonemes`` is the
    class of each 20 ms frame, 0 for none.
    """

    features: NDArray[np.float32]
    tokens: list[int]
    spans: list[Span | None]
    phonemes: NDArray[np.int64]
    prompt: int = 0
    no_speech: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowPlan:
    """What windows to make now: their longest length, only one utterance each, history tokens."""

    max_s: float
    single: bool = False
    prompt: int = 0


@dataclass(frozen=True, slots=True)
class _Placed:
    start_s: float
    utterance: Utterance


class WindowMaker:
    """Draws windows from a pool, for ever."""

    def __init__(
        self, pool: Sequence[Utterance], tokenizer: Any, phonemes: dict[str, int], *, seed: int
    ) -> None:
        from faster_whisper.feature_extractor import FeatureExtractor  # noqa: PLC0415 # slow to import

        self._pool = sorted(pool, key=lambda utterance: utterance.duration_s)
        self._durations_s = np.array([utterance.duration_s for utterance in self._pool])
        self._tokenizer = tokenizer
        self._ids = TokenIds.of(tokenizer)
        self._phonemes = phonemes
        self._extract = FeatureExtractor(feature_size=80, chunk_length=int(MAX_WINDOW_S))
        self._rng = Random(seed)
        self._noise = np.random.default_rng(seed)

    def make(self, plan: WindowPlan) -> TrainingWindow:
        """One window."""
        if not plan.single and self._rng.random() < _NO_SPEECH_SHARE:
            return self._without_speech(plan.max_s)
        placed, cut = self._place(plan)
        samples, phonemes = self._mix(placed, cut, plan.max_s)
        features = self._features(samples)
        frames = (features.shape[1] + 1) // 2
        tokens, spans = self._targets(placed, cut)
        history = self._history(plan.prompt, placed[0].utterance.language)
        untimed: list[Span | None] = [None] * len(history)
        return TrainingWindow(
            features=features,
            tokens=history + tokens,
            spans=untimed + spans,
            phonemes=np.pad(phonemes[:frames], (0, max(0, frames - len(phonemes)))),
            prompt=len(history),
        )

    def _without_speech(self, max_s: float) -> TrainingWindow:
        rng, ids = self._rng, self._ids
        silent = rng.random() < _DIGITAL_SILENCE_SHARE
        level = 0.0 if silent else 10 ** rng.uniform(-4.5, -1.6)
        samples = self._noise.standard_normal(int(2 * RATE_HZ * rng.uniform(0.5, max_s))) * level
        features = self._extract(samples.astype(np.float32), padding=0).astype(np.float32)
        language = rng.choice(list(ids.languages.values()))
        first = rng.choice([ids.first_timestamp, ids.no_timestamps])
        tokens = [ids.start, language, ids.transcribe, first, ids.end]
        return TrainingWindow(
            features=features,
            tokens=tokens,
            spans=[None] * len(tokens),
            phonemes=np.zeros((features.shape[1] + 1) // 2, np.int64),
            no_speech=True,
        )

    def _place(self, plan: WindowPlan) -> tuple[list[_Placed], _Placed | None]:
        """Utterances one after the other, and the one that the window's end cuts off, if any."""
        rng = self._rng
        now_s = rng.choice([0, 0.05, 0.2, 0.4]) if rng.random() < _SHORT_LEAD_SHARE else rng.uniform(0, 1.6)
        first = self._pick(plan.max_s - now_s)
        if first.duration_s > plan.max_s - now_s:
            first, now_s = self._pool[0], 0.0
        placed = [_Placed(now_s, first)]
        while not plan.single and rng.random() >= _LAST_UTTERANCE_SHARE:
            gap = rng.random() < _SHORT_GAP_SHARE
            now_s += placed[-1].utterance.duration_s
            now_s += rng.choice([0, 0.1, 0.2, 0.3, 0.5]) if gap else rng.uniform(0.5, 1.5)
            room_s = plan.max_s - now_s
            if room_s < _MIN_ROOM_S:
                break
            longest_s = room_s if rng.random() < _FITTING_SHARE else float("inf")
            following = _Placed(now_s, self._pick(longest_s, first.language))
            if following.utterance.duration_s > room_s:
                return placed, following
            placed.append(following)
        return placed, None

    def _pick(self, max_s: float, language: str | None = None) -> Utterance:
        fitting = max(int(np.searchsorted(self._durations_s, max_s)), min(_FEWEST, len(self._pool)))
        while True:
            utterance = self._pool[self._rng.randrange(fitting)]
            if language in {None, utterance.language}:
                return utterance

    def _mix(
        self, placed: Sequence[_Placed], cut: _Placed | None, max_s: float
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Samples at 16 kHz as they come out of the line, and the phoneme of each 20 ms."""
        rng = self._rng
        end_s = placed[-1].start_s + placed[-1].utterance.duration_s
        end_s = max_s if cut else end_s + rng.choice([0, 0, 0.1, 0.3, 0.6])
        length = min(int(RATE_HZ * end_s), int(RATE_HZ * MAX_WINDOW_S))
        samples = np.zeros(length, np.float32)
        phonemes = np.zeros(length * FRAMES_PER_S // RATE_HZ + 2, np.int64)
        for item in (*placed, *([cut] if cut else [])):
            first = int(item.start_s * RATE_HZ)
            part = item.utterance.samples[: length - first] / 32_768 * 10 ** (rng.uniform(-6, 0) / 20)
            samples[first : first + len(part)] += part.astype(np.float32)
            self._mark(phonemes, item)
        heard = Line.draw(self._noise).carry(samples, self._noise)
        return resample_poly(heard, 2, 1).astype(np.float32), phonemes

    def _mark(self, frames: NDArray[np.int64], item: _Placed) -> None:
        sounds = item.utterance.phonemes
        ends_s = [*(sound.start_s for sound in sounds[1:]), item.utterance.duration_s]
        for sound, end_s in zip(sounds, ends_s, strict=True):
            name = "" if sound.is_pause else item.utterance.language + sound.name
            first, last = item.start_s + sound.start_s, item.start_s + end_s
            frames[int(first * FRAMES_PER_S) : int(last * FRAMES_PER_S)] = self._phonemes.get(name, 0)

    def _features(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        features: NDArray[np.float32] = self._extract(samples, padding=0).astype(np.float32)
        if self._rng.random() < _CLAMP_SHARE:
            # faster-whisper clamps 8 below the maximum of the whole file, which the window may not hold.
            louder = self._rng.uniform(0, 1)
            features = np.maximum(features, np.float32(features.max() + (louder - 8) / 4))
        return features

    def _targets(self, placed: Sequence[_Placed], cut: _Placed | None) -> tuple[list[int], list[Span | None]]:
        ids = self._ids
        timed = cut is not None or self._rng.random() < _TIMESTAMPS_SHARE
        tokens = [ids.start, ids.languages[placed[0].utterance.language], ids.transcribe]
        spans: list[Span | None] = [None] * 3
        if not timed:
            tokens.append(ids.no_timestamps)
            spans.append(None)
        for index, item in enumerate(placed):
            words = item.utterance.words
            start_s, end_s = item.start_s + words[0].start_s, item.start_s + words[-1].end_s
            first = self._timestamp(min(start_s, _LAST_START_S) if index == 0 else start_s)
            last = max(self._timestamp(end_s), first + 1)
            text, times = self._text(item)
            tokens += [first, *text, last] if timed else text
            spans += [_around(start_s), *times, _around(end_s)] if timed else times
        if cut:
            tokens.append(self._timestamp(cut.start_s))
            spans.append(_around(cut.start_s))
        ending_s = placed[-1].start_s + placed[-1].utterance.duration_s
        return [*tokens, ids.end], [*spans, _around(ending_s)]

    def _timestamp(self, seconds: float) -> int:
        step = round(seconds * FRAMES_PER_S + self._rng.gauss(0, 0.8))
        return self._ids.first_timestamp + min(int(MAX_WINDOW_S * FRAMES_PER_S), max(0, step))

    def _text(self, item: _Placed) -> tuple[list[int], list[Span]]:
        """The text's tokens and their seconds: shares of the word's span by characters."""
        text = f" {item.utterance.text}"
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        times_s = item.start_s + _character_times(text, item.utterance.words)
        spans = [(float(times_s[first]), float(times_s[last])) for first, last in encoding.offsets]
        return list(encoding.ids), spans

    def _history(self, length: int, language: str) -> list[int]:
        """``<|startofprev|>`` and the last ``length`` tokens of other sentences, half with timestamps."""
        if not length:
            return []
        ids, rng = self._ids, self._rng
        history: list[int] = []
        while len(history) < length:
            utterance = self._pick(float("inf"), language)
            text = self._tokenizer.encode(f" {utterance.text}", add_special_tokens=False).ids
            if rng.random() < _TIMESTAMP_PROMPT_SHARE:
                first, last = sorted(rng.sample(range(_PROMPT_TIMES), 2))
                text = [ids.first_timestamp + first, *text, ids.first_timestamp + last]
            history += text
        return [ids.previous, *history[-length:]]


def _around(seconds: float) -> Span:
    return seconds - 0.1, seconds + 0.1


def _character_times(text: str, words: Sequence[SpokenWord]) -> NDArray[np.float64]:
    """Seconds at every character boundary of ``text`` (a space before each of ``words``)."""
    boundaries, times_s, position = [0], [words[0].start_s], 0
    for word in words:
        boundaries += [position + 1, position + 1 + len(word.text)]
        times_s += [word.start_s, word.end_s]
        position += 1 + len(word.text)
    return np.interp(np.arange(len(text) + 1), boundaries, times_s)

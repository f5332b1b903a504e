"""Training chunks: two people talk over telephone lines, and where each of them does.

The dialogue takes turns of one to four sentences; 5 to 30 % of the changes overlap, listeners put in short
answers, and now and then nobody speaks for seconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from ops.models.diarization.pool import Clip, Speaker
from ops.models.speech import RATE_HZ
from ops.models.telephone import Line

MODEL_RATE_HZ: Final = 16_000
ABSENT: Final = -1
_ABSENT_SHARE: Final = 0.12
_NO_SPEECH_SHARE: Final = 0.04
_MIXED_LANGUAGE_SHARE: Final = 0.1
_KOREAN_SHARE: Final = 0.65
_SHORT_SHARE: Final = 0.18
_BACKCHANNEL_SHARE: Final = 0.25
_CHANGE_SHARE: Final = 0.88
_LONG_PAUSE_SHARE: Final = 0.04
_LONG_SENTENCE_S: Final = 1.5
_PADDED_SHARE: Final = 0.12
_PADDED_END_SHARE: Final = 0.8
_ALL_PRESENT_TRIES: Final = 3
Spans = list[tuple[int, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """One training example: float samples at 16 kHz, for two places the spans of speech (in samples).

    ``speakers`` numbers who has each place, -1 where nobody.
    """

    samples: NDArray[np.float32]
    speech: tuple[Spans, Spans]
    speakers: tuple[int, int]


class Mixer:
    """Makes chunks of ``duration_s`` from ``speakers``, for ever."""

    def __init__(self, speakers: Sequence[Speaker], *, duration_s: float, seed: int) -> None:
        self._speakers = speakers
        self._duration_s = duration_s
        self._rng = np.random.default_rng(seed)
        everyone = list(range(len(speakers)))
        self._groups = {
            language: [i for i in everyone if speakers[i].language == language] for language in ("ko", "en")
        } | {"both": everyone}

    def chunk(self) -> Chunk:
        """One chunk; most hold both speakers."""
        length = int(self._duration_s * RATE_HZ)
        if self._chance(_NO_SPEECH_SHARE):
            return Chunk(samples=self._no_speech(length), speech=([], []), speakers=(ABSENT, ABSENT))
        chosen = self._choose()
        for _ in range(_ALL_PRESENT_TRIES):
            tracks, speech = self._dialogue(chosen, length)
            if all(speech):
                break
        samples = self._over_lines(tracks)
        if self._chance(_PADDED_SHARE):
            samples, speech = self._cut_end(samples, speech)
        # The model hears 16 kHz: two samples for each of the telephone's.
        doubled = [[(2 * a, 2 * b) for a, b in spans] for spans in (*speech, [])][:2]
        return Chunk(
            samples=resample_poly(samples, 2, 1).astype(np.float32),
            speech=(doubled[0], doubled[1]),
            speakers=(chosen[0], chosen[1] if len(chosen) > 1 else ABSENT),
        )

    def _chance(self, share: float) -> bool:
        return bool(self._rng.random() < share)

    def _choose(self) -> list[int]:
        language = "ko" if self._chance(_KOREAN_SHARE) else "en"
        group = self._groups["both" if self._chance(_MIXED_LANGUAGE_SHARE) else language]
        count = 1 if self._chance(_ABSENT_SHARE) or len(group) == 1 else 2
        return [int(index) for index in self._rng.choice(group, count, replace=False)]

    def _dialogue(self, chosen: Sequence[int], length: int) -> tuple[NDArray[np.float32], list[Spans]]:
        """One track for each speaker, and the spans of speech in it: a cut from a longer talk."""
        extra = int(self._rng.uniform(0, 6) * RATE_HZ)
        talk = _Talk([self._speakers[index] for index in chosen], length + extra, self._rng)
        talk.run()
        first = int(self._rng.integers(0, extra + 1))
        return talk.tracks[:, first : first + length], [_crop(s, first, length) for s in talk.speech]

    def _over_lines(self, tracks: NDArray[np.float32]) -> NDArray[np.float32]:
        gains_db = self._rng.uniform(-7, 7, len(tracks))
        mixed = (tracks * 10 ** (gains_db[:, None] / 20)).sum(axis=0).astype(np.float32)
        return Line.draw(self._rng).carry(mixed, self._rng)

    def _cut_end(
        self, samples: NDArray[np.float32], speech: list[Spans]
    ) -> tuple[NDArray[np.float32], list[Spans]]:
        """Zeros before or after some point, as in the last window of a file."""
        at = int(self._rng.uniform(0.15, 0.9) * len(samples))
        kept = (0, at) if self._chance(_PADDED_END_SHARE) else (at, len(samples))
        padded = np.zeros_like(samples)
        padded[slice(*kept)] = samples[slice(*kept)]
        inside = [
            [(max(a, kept[0]), min(b, kept[1])) for a, b in s if a < kept[1] and b > kept[0]] for s in speech
        ]
        return padded, inside

    def _no_speech(self, length: int) -> NDArray[np.float32]:
        """Silence, noise, a ringing tone, or notes as of hold music."""
        kind = self._rng.choice(["silence", "noise", "tone", "notes"])
        if kind == "silence":
            return np.zeros(2 * length, np.float32)
        noise = self._rng.standard_normal(2 * length) * 10 ** (self._rng.uniform(-70, -30) / 20)
        if kind == "noise":
            return noise.astype(np.float32)
        times_s = np.arange(2 * length) / MODEL_RATE_HZ
        every_s = float(self._rng.choice([0.25, 0.5, 1.0, 3.0]))
        pitches_hz = 220 * 2 ** (self._rng.integers(0, 24, int(self._duration_s / every_s) + 2) / 12)
        if kind == "tone":
            wave = np.sin(2 * np.pi * pitches_hz[0] * times_s) * (times_s % every_s < every_s / 2)
        else:
            pitch_hz = pitches_hz[(times_s / every_s).astype(int)]
            wave = np.sin(2 * np.pi * pitch_hz * times_s) * np.exp(-3 * (times_s % every_s))
        return np.asarray(wave * 0.1 + noise, np.float32)


class _Talk:
    """One conversation, filled from its start to its end."""

    def __init__(self, speakers: Sequence[Speaker], length: int, rng: np.random.Generator) -> None:
        self.tracks = np.zeros((len(speakers), length), np.float32)
        self.speech: list[Spans] = [[] for _ in speakers]
        self._speakers = speakers
        self._rng = rng
        self._free_s = [0.0] * len(speakers)
        self._end_s = length / RATE_HZ

    def run(self) -> None:
        rng = self._rng
        overlap_share, gap_s = rng.choice([0.05, 0.15, 0.3]), rng.choice([0.2, 0.45, 0.9])
        current, now_s = int(rng.integers(len(self._speakers))), rng.uniform(0, 1.5)
        while now_s < self._end_s:
            begin_s = now_s
            now_s = self._turn(current, now_s)
            if len(self._speakers) > 1 and rng.random() < _CHANGE_SHARE:
                current = 1 - current
            if rng.random() < overlap_share:
                now_s = max(begin_s + 0.3, now_s - rng.uniform(0.15, 1.2))
            else:
                now_s += min(rng.exponential(gap_s), 3.0) + 0.05
            if rng.random() < _LONG_PAUSE_SHARE:
                now_s += rng.uniform(2, 6)

    def _turn(self, speaker: int, now_s: float) -> float:
        rng = self._rng
        for _ in range(int(rng.choice([1, 1, 1, 2, 2, 3, 4]))):
            short = rng.random() < _SHORT_SHARE
            clips = self._speakers[speaker].backchannels if short else self._speakers[speaker].sentences
            begin_s = max(now_s, self._free_s[speaker] + 0.05)
            now_s = self._place(speaker, clips[rng.integers(len(clips))], begin_s, rng.uniform(0.85, 1.15))
            if now_s - begin_s > _LONG_SENTENCE_S and rng.random() < _BACKCHANNEL_SHARE:
                self._answer(speaker, begin_s, now_s)
            now_s += rng.uniform(0.05, 0.6)
        return now_s

    def _answer(self, speaker: int, begin_s: float, end_s: float) -> None:
        """A short word of the listener while ``speaker`` speaks."""
        listener = 1 - speaker
        at_s = self._rng.uniform(begin_s + 0.5, end_s - 0.2)
        if len(self._speakers) > 1 and at_s > self._free_s[listener] + 0.1:
            clips = self._speakers[listener].backchannels
            self._place(listener, clips[self._rng.integers(len(clips))], at_s, self._rng.uniform(0.6, 1.0))

    def _place(self, speaker: int, clip: Clip, at_s: float, gain: float) -> float:
        first = int(at_s * RATE_HZ)
        track = self.tracks[speaker]
        room = max(0, len(track) - first)
        track[first : first + len(clip.samples)] += clip.samples[:room] * np.float32(gain)
        moved = [(first + a, min(first + b, len(track))) for a, b in clip.speech if first + a < len(track)]
        self.speech[speaker] += moved
        self._free_s[speaker] = at_s + len(clip.samples) / RATE_HZ
        return self._free_s[speaker]


def _crop(spans: Spans, first: int, length: int) -> Spans:
    return [
        (max(a, first) - first, min(b, first + length) - first)
        for a, b in spans
        if b > first and a < first + length
    ]

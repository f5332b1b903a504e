"""Who can take part in a training dialogue: speakers with their sentences and short answers."""

from dataclasses import dataclass
from random import Random
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ops.models.diarization.voices import STOCK_VOICES, voice_data
from ops.models.grammar import load_grammar
from ops.models.speech import RATE_HZ, Synthesizer, Utterance, Voice

_KOREAN_SHARE: Final = 0.65
_FRAME: Final = RATE_HZ // 100
_FLOOR_DB: Final = -38.0
_CLOSED_GAP: Final = 25
_SHORTEST: Final = 4
_LEVEL: Final = 0.08
_BACKCHANNELS: Final = {
    "ko": (
        "네",
        "네 네",
        "아 네",
        "음",
        "그렇군요",
        "아 그래요",
        "맞아요",
        "알겠습니다",
        "어",
        "네 맞습니다",
    ),
    "en": ("yes", "okay", "right", "uh huh", "I see", "sure", "yeah", "no", "all right", "oh really"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """One utterance without the silence around it: float samples at 8 kHz, spans of speech in samples."""

    samples: NDArray[np.float32]
    speech: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """One voice with what it has said."""

    language: str
    sentences: tuple[Clip, ...]
    backchannels: tuple[Clip, ...]


def speak_speakers(random_voices: int, *, sentences: int, backchannels: int, seed: int) -> list[Speaker]:
    """``random_voices`` invented speakers and the stock ones; about 10 ms a sentence."""
    rng = Random(seed)
    with voice_data(random_voices, seed=seed) as (data, names):
        synthesizer = Synthesizer(data)
        return [
            _speak(synthesizer, name, rng, sentences=sentences, backchannels=backchannels)
            for name in (*names, *STOCK_VOICES)
        ]


def _speak(synthesizer: Synthesizer, name: str, rng: Random, *, sentences: int, backchannels: int) -> Speaker:
    language = "ko" if rng.random() < _KOREAN_SHARE else "en"
    grammar = load_grammar(language)
    stretch = 1.0 if name in STOCK_VOICES else rng.uniform(0.95, 1.06)
    rate, pitch = rng.randint(135, 205), rng.randint(35, 65)
    texts = [grammar.draw(grammar.draw_category(rng), rng) for _ in range(sentences)]
    texts += [rng.choice(_BACKCHANNELS[language]) for _ in range(backchannels)]
    clips = []
    for text in texts:
        voice = Voice(variant=name, rate=rate + rng.randint(-12, 12), pitch=pitch + rng.randint(-6, 6))
        clips.append(_clip(synthesizer.speak(text, language=language, voice=voice, stretch=stretch)))
    return Speaker(
        language=language, sentences=tuple(clips[:sentences]), backchannels=tuple(clips[sentences:])
    )


def _clip(utterance: Utterance) -> Clip:
    spans = speech_spans(utterance.samples)
    first, last = spans[0][0], spans[-1][1]
    samples = utterance.samples[first:last].astype(np.float32)
    samples *= _LEVEL / max(1e-6, float(np.sqrt(np.mean(samples**2))))
    spans = tuple((begin - first, end - first) for begin, end in spans)
    return Clip(samples=np.clip(samples, -1, 1), speech=spans)


def speech_spans(samples: NDArray[np.int16]) -> tuple[tuple[int, int], ...]:
    """Where clean samples hold speech: 10 ms frames down to 38 dB under the loud ones.

    Gaps under 0.25 s are closed. At least one span: the whole, where nothing stands out.
    """
    count = len(samples) // _FRAME
    frames = samples[: count * _FRAME].reshape(count, _FRAME).astype(np.float64)
    level_db = 10 * np.log10((frames**2).mean(axis=1) + 1.0)
    active = np.flatnonzero(level_db > np.percentile(level_db, 95) + _FLOOR_DB)
    groups = np.split(active, np.flatnonzero(np.diff(active) > _CLOSED_GAP) + 1)
    spans = tuple(
        (int(group[0]) * _FRAME, (int(group[-1]) + 1) * _FRAME)
        for group in groups
        if len(group) and group[-1] - group[0] + 1 >= _SHORTEST
    )
    return spans or ((0, len(samples)),)

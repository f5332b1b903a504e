"""Speech with exact word and phoneme times, by espeak-ng.

The library and the data are those of the PyPI package ``espeakng_loader`` (espeak-ng 1.52), bound through
ctypes: the command-line program tells no times.
"""

import ctypes
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import espeakng_loader
import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

RATE_HZ: Final = 8_000
"""Sample rate of every utterance: the band of a telephone."""

FEMALE_VOICES: Final = ("f1", "f2", "f3", "f5", "Annie", "belinda", "linda")
MALE_VOICES: Final = ("m1", "m2", "m4", "m6", "m7", "m8", "Lee")
"""espeak-ng voice variants that the demo models and silero's voice-activity detection hear well."""

ESPEAK_VOICES: Final = {"ko": "ko", "en": "en-us"}

_SEED: Final = 1
_SYNCHRONOUS: Final = 2
_PHONEME_EVENTS: Final = 1
_UTF8: Final = 1
_RATE, _PITCH, _RANGE = 1, 3, 4
_END_OF_LIST, _WORD, _PHONEME = 0, 1, 7
_ESPEAK_RATE_HZ: Final = 22_050
_FRAME: Final = RATE_HZ // 100
_SPEECH_FLOOR_DB: Final = -38.0
_PEAK: Final = 20_000


class _Id(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    """``espeak_EVENT`` of ``speak_lib.h``; ``audio_position`` is in milliseconds."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    )


_C_LIBRARY: Final = ctypes.CDLL(None)
_CALLBACK: Final = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """One speaker: a voice variant, words a minute, pitch and pitch range (0…99, 50 is the variant's own)."""

    variant: str
    rate: int = 165
    pitch: int = 50
    pitch_range: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class SpokenWord:
    """A word and where it is spoken, in seconds from the start of its utterance."""

    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Phoneme:
    """A phoneme (espeak-ng's mnemonic; a pause begins with ``_``) and the second it begins at."""

    name: str
    start_s: float

    @property
    def is_pause(self) -> bool:
        """Whether nothing is said."""
        return not self.name or self.name.startswith("_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Utterance:
    """One spoken sentence: int16 samples at 8 kHz, one word for each word of ``text``."""

    text: str
    language: str
    voice: str
    samples: NDArray[np.int16]
    words: tuple[SpokenWord, ...]
    phonemes: tuple[Phoneme, ...]

    @property
    def duration_s(self) -> float:
        """Length of the samples in seconds, with the silence at both ends."""
        return len(self.samples) / RATE_HZ


@dataclass(frozen=True, slots=True, kw_only=True)
class _Raw:
    """What espeak-ng gave: 22.05 kHz samples, (character, second) of the words, phonemes."""

    samples: NDArray[np.int16]
    word_starts: tuple[tuple[int, float], ...]
    phonemes: tuple[Phoneme, ...]


class Synthesizer:
    """espeak-ng with a state of its own; not for use by two threads at a time.

    What espeak-ng says depends a little on everything that it said before, and ``espeak_Initialize`` does not
    reset that. So each synthesizer loads a private copy of the library: the same sequence of utterances is
    then the same samples, in any process and after any other synthesizer. ``data_path`` is the folder
    ``espeak-ng-data`` to use (None: the package's). RuntimeError if the library refuses it.
    """

    def __init__(self, data_path: Path | None = None) -> None:
        self._data_path = data_path or Path(espeakng_loader.get_data_path())
        self._library = _private_library()
        self._library.espeak_Synth.argtypes = [
            ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int,
            ctypes.c_uint, ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p,
        ]  # fmt: skip # the C prototype, in its own lines
        self._chunks: list[NDArray[np.int16]] = []
        self._word_starts: list[tuple[int, float]] = []
        self._phonemes: list[Phoneme] = []
        self._callback = _CALLBACK(self._collect)
        path = str(self._data_path).encode()
        rate_hz = self._library.espeak_Initialize(_SYNCHRONOUS, 0, path, _PHONEME_EVENTS)
        if rate_hz != _ESPEAK_RATE_HZ:
            raise RuntimeError(
                f"espeak-ng did not start with its data in {self._data_path}: reinstall the package"
                " espeakng_loader"
            )
        self._library.espeak_SetSynthCallback(self._callback)

    def speak(self, text: str, *, language: str, voice: Voice, stretch: float = 1.0) -> Utterance:
        """``text`` spoken once, its loudest sample at 0.6 of full scale.

        ``stretch`` plays it that much faster, pitch and formants with it. ValueError for a voice variant
        that the data does not hold.
        """
        raw = self._speak(text, language=language, voice=voice)
        samples = _to_telephone_rate(raw.samples, stretch)
        spoken = _speech_span(samples)
        phonemes = tuple(Phoneme(name=p.name, start_s=p.start_s / stretch) for p in raw.phonemes)
        starts = [(character, start_s / stretch) for character, start_s in raw.word_starts]
        words = _words(text, starts, phonemes, spoken)
        return Utterance(
            text=text, language=language, voice=voice.variant, samples=samples, words=words, phonemes=phonemes
        )

    def _speak(self, text: str, *, language: str, voice: Voice) -> _Raw:
        self._select(language, voice)
        for buffer in (self._chunks, self._word_starts, self._phonemes):
            buffer.clear()
        # Breath is random, seeded with the time of day; the Klatt voices use the process's one generator.
        self._library.espeak_ng_SetRandSeed(ctypes.c_long(_SEED))
        _C_LIBRARY.srand(_SEED)
        encoded = text.encode() + b"\0"
        self._library.espeak_Synth(encoded, len(encoded), 0, 1, 0, _UTF8, None, None)
        self._library.espeak_Synchronize()
        if not self._chunks:
            raise RuntimeError(f"espeak-ng said nothing with voice {voice.variant!r}: check its variant file")
        return _Raw(
            samples=np.concatenate(self._chunks),
            word_starts=tuple(self._word_starts),
            phonemes=tuple(self._phonemes),
        )

    def _select(self, language: str, voice: Voice) -> None:
        # An unknown variant is silently spoken with the plain voice, so it is looked for first.
        if not (self._data_path / "voices" / "!v" / voice.variant).is_file():
            raise ValueError(f"no voice variant {voice.variant!r} in {self._data_path}/voices/!v")
        name = f"{ESPEAK_VOICES[language]}+{voice.variant}"
        if self._library.espeak_SetVoiceByName(name.encode()) != 0:
            raise ValueError(f"espeak-ng knows no voice {name!r}")
        for parameter, value in ((_RATE, voice.rate), (_PITCH, voice.pitch), (_RANGE, voice.pitch_range)):
            self._library.espeak_SetParameter(parameter, value, 0)

    def _collect(self, wave: Any, length: int, events: Any) -> int:
        if length > 0 and wave:
            self._chunks.append(np.ctypeslib.as_array(wave, (length,)).copy())
        index = 0
        while events[index].type != _END_OF_LIST:
            self._note(events[index])
            index += 1
        return 0

    def _note(self, event: Any) -> None:
        start_s = event.audio_position / 1000
        if event.type == _WORD and event.length > 0:
            self._word_starts.append((event.text_position - 1, start_s))
        elif event.type == _PHONEME:
            name = bytes(event.id.string).split(b"\0")[0].decode("utf-8", "replace")
            self._phonemes.append(Phoneme(name=name, start_s=start_s))


def _private_library() -> ctypes.CDLL:
    """A copy of the library that shares no variable with any other copy: the loader knows files by inode."""
    with TemporaryDirectory() as folder:
        path = shutil.copy(espeakng_loader.get_library_path(), folder)
        return ctypes.CDLL(path)


def _to_telephone_rate(samples: NDArray[np.int16], stretch: float) -> NDArray[np.int16]:
    up, down = 160, ceil(441 * stretch) if stretch != 1.0 else 441
    resampled: NDArray[np.float64] = resample_poly(samples.astype(np.float64), up, down)
    return (resampled * (_PEAK / max(1.0, float(np.abs(resampled).max())))).astype(np.int16)


def _speech_span(samples: NDArray[np.int16]) -> tuple[float, float]:
    """(first, last) second with speech: 10 ms frames less than 38 dB under the loud ones."""
    count = len(samples) // _FRAME
    frames = samples[: count * _FRAME].reshape(count, _FRAME).astype(np.float64)
    level_db = 10 * np.log10((frames**2).mean(axis=1) + 1.0)
    active = np.flatnonzero(level_db > np.percentile(level_db, 95) + _SPEECH_FLOOR_DB)
    return active[0] * _FRAME / RATE_HZ, (active[-1] + 1) * _FRAME / RATE_HZ


def _words(
    text: str,
    starts: Sequence[tuple[int, float]],
    phonemes: Sequence[Phoneme],
    spoken: tuple[float, float],
) -> tuple[SpokenWord, ...]:
    """One time span for each word of ``text``.

    espeak-ng joins some Korean words into one event: those share the event's span by their letters.
    """
    tokens = list(re.finditer(r"\S+", text))
    groups: list[tuple[float, list[str]]] = []
    for token in tokens:
        start_s = next((s for c, s in starts if token.start() <= c < token.end()), None)
        if start_s is None and groups:
            groups[-1][1].append(token.group())
        else:
            groups.append((spoken[0] if not groups else start_s or spoken[0], [token.group()]))
    words: list[SpokenWord] = []
    for index, (start_s, texts) in enumerate(groups):
        limit_s = groups[index + 1][0] if index + 1 < len(groups) else spoken[1]
        words += _share(
            texts, max(start_s, spoken[0]), min(_pause_after(start_s, limit_s, phonemes), spoken[1])
        )
    return tuple(words)


def _pause_after(start_s: float, limit_s: float, phonemes: Sequence[Phoneme]) -> float:
    """Where speech that began at ``start_s`` stops: the first pause, at the latest ``limit_s``."""
    return next((p.start_s for p in phonemes if p.is_pause and start_s < p.start_s < limit_s), limit_s)


def _share(texts: Sequence[str], start_s: float, end_s: float) -> list[SpokenWord]:
    letters = np.cumsum([0, *(len(re.sub(r"\W", "", text)) or 1 for text in texts)])
    edges = start_s + (end_s - start_s) * letters / letters[-1]
    return [
        SpokenWord(text=text, start_s=float(edges[i]), end_s=float(edges[i + 1]))
        for i, text in enumerate(texts)
    ]

"""Mono telephone dialogues cut together from real voices, with who speaks when.

Stretches in which one person alone speaks (by annotation where there is one, else by voice activity) are
cut from the real recordings of the tests and from pyannote.audio's own sample, sent through a telephone
channel and alternated. The same seed gives the same dialogues. The recordings are short, so a voice's
stretches overlap each other in a dialogue; no two start at the same place.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
from faster_whisper.audio import decode_audio
from faster_whisper.vad import VadOptions, get_speech_timestamps
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt

from infra.audio.waveform import SAMPLE_RATE_HZ

Floats = NDArray[np.float32]
Span = tuple[float, float]

PAIRS = (
    ("english", "other"),
    ("sample-a", "sample-b"),
    ("president", "english"),
    ("sample-a", "english"),
    ("other", "president"),
    ("sample-b", "other"),
    ("president", "sample-a"),
    ("english", "sample-b"),
)
"""Who talks to whom. The voices of the meetings are left out: their microphone stood far off."""

_CHANGE_S = 30.0
"""Where ``multilingual.mp3`` goes over from the first reader to the second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """One person: mono samples at 16 kHz and where in them this person alone speaks, in seconds."""

    samples: Floats
    speech: tuple[Span, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialogue:
    """Mono samples at 16 kHz and the true turns: (start, end, voice) in seconds."""

    name: str
    samples: Floats
    turns: tuple[tuple[float, float, str], ...]


def real_voices(recordings: Path) -> dict[str, Voice]:
    """All usable voices: from the folder of real recordings and from pyannote.audio's sample."""
    multilingual = _read(recordings / "multilingual.mp3")
    president = _read(recordings / "jfk.flac")
    spoken = _heard(multilingual)
    voices = {
        "english": _voice(multilingual, [(s, e) for s, e in spoken if e < _CHANGE_S]),
        "other": _voice(multilingual, [(s, e) for s, e in spoken if s > _CHANGE_S]),
        "president": _voice(president, _heard(president)),
    }
    sample_file = Path(str(distribution("pyannote.audio").locate_file("pyannote/audio/sample/sample.wav")))
    annotated = {
        "sample": sample_file,
        "dev00": recordings / "dev00.flac",
        "dev01": recordings / "dev01.flac",
    }
    names = {"speaker90": "sample-a", "speaker91": "sample-b", "MEE009": "meeting-a", "MEE012": "meeting-b"}
    turns = read_rttm(sample_file.with_suffix(".rttm")) | read_rttm(recordings / "ami.rttm")
    for uri, file in annotated.items():
        for speaker in sorted({who for _, _, who in turns[uri]}):
            voice = _voice(_read(file), alone(turns[uri], speaker))
            name = names[speaker]
            voices[name] = _joined(voices[name], voice) if name in voices else voice
    return voices


def read_rttm(file: Path) -> dict[str, list[tuple[float, float, str]]]:
    """Turns by recording: (start, end, speaker) in seconds."""
    turns: dict[str, list[tuple[float, float, str]]] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        _, uri, _, start, length, _, _, speaker, *_ = line.split()
        turns.setdefault(uri, []).append((float(start), float(start) + float(length), speaker))
    return turns


def alone(turns: Sequence[tuple[float, float, str]], speaker: str) -> list[Span]:
    """Where the speaker talks and nobody else does."""
    spans = [(start, end) for start, end, who in turns if who == speaker]
    for cut_start, cut_end in [(start, end) for start, end, who in turns if who != speaker]:
        pieces = [((start, min(end, cut_start)), (max(start, cut_end), end)) for start, end in spans]
        spans = [piece for pair in pieces for piece in pair if piece[1] - piece[0] > 0]
    return sorted(set(spans))


def dialogue(voices: dict[str, Voice], names: Sequence[str], *, seed: int) -> Dialogue:
    """Alternate the named voices for 64 to 90 s; with one name it is a voice message."""
    rng = np.random.default_rng(seed)
    target_s = rng.uniform(64, 86)
    gains_db = rng.uniform(-4, 4, size=len(names))
    pieces: list[Floats] = [np.zeros(SAMPLE_RATE_HZ // 2, dtype=np.float32)]
    turns: list[tuple[float, float, str]] = []
    at_s, turn = 0.5, 0
    while at_s < target_s:
        name = names[turn % len(names)]
        samples, speech = _stretch(voices[name], rng)
        pause = np.zeros(round(rng.uniform(0.15, 0.9) * SAMPLE_RATE_HZ), dtype=np.float32)
        pieces += [samples * np.float32(10 ** (gains_db[turn % len(names)] / 20)), pause]
        turns += [(at_s + start, at_s + end, name) for start, end in speech]
        at_s += (len(samples) + len(pause)) / SAMPLE_RATE_HZ
        turn += 1
    whole = telephone(np.concatenate(pieces), rng)
    return Dialogue(name=" + ".join(names), samples=whole, turns=tuple(turns))


def telephone(samples: Floats, rng: np.random.Generator) -> Floats:
    """300-3400 Hz, line noise at -55 dBFS, 8-bit µ-law."""
    band = butter(4, [300, 3400], btype="bandpass", fs=SAMPLE_RATE_HZ, output="sos")
    filtered = sosfiltfilt(band, samples)
    noisy = np.clip(filtered + 10 ** (-55 / 20) * rng.standard_normal(len(samples)), -1, 1)
    compressed = np.round(np.sign(noisy) * np.log1p(255 * np.abs(noisy)) / np.log(256) * 127) / 127
    expanded = np.sign(compressed) * np.expm1(np.abs(compressed) * np.log(256)) / 255
    out: Floats = expanded.astype(np.float32)
    return out


def _stretch(voice: Voice, rng: np.random.Generator) -> tuple[Floats, list[Span]]:
    """A random piece of 1 to 6 s that begins and ends with speech, and where in it speech is."""
    first = int(rng.integers(len(voice.speech)))
    wanted_s = rng.uniform(1.0, 6.0)
    start, end = voice.speech[first]
    start += rng.uniform(0, max(0.0, end - start - wanted_s))
    last = first
    while voice.speech[last][1] - start < wanted_s and _follows(voice, last):
        last += 1
    end = min(voice.speech[last][1], start + wanted_s)
    spans = [(max(s, start) - start, min(e, end) - start) for s, e in voice.speech if s < end and e > start]
    piece = voice.samples[round(start * SAMPLE_RATE_HZ) : round(end * SAMPLE_RATE_HZ)]
    return piece, spans


def _follows(voice: Voice, index: int) -> bool:
    """Whether the next span of speech comes so soon that nobody else spoke in between."""
    spans = voice.speech
    return index + 1 < len(spans) and spans[index + 1][0] - spans[index][1] < 0.6  # noqa: PLR2004 -- seconds


def _read(file: Path) -> Floats:
    samples: Floats = decode_audio(str(file), sampling_rate=SAMPLE_RATE_HZ)
    return samples


def _heard(samples: Floats) -> list[Span]:
    """Where somebody speaks, by voice activity; pauses below 0.3 s are speech (NIST convention)."""
    options = VadOptions(min_silence_duration_ms=300, speech_pad_ms=30, min_speech_duration_ms=200)
    found = get_speech_timestamps(samples, vad_options=options, sampling_rate=SAMPLE_RATE_HZ)
    return [(hit["start"] / SAMPLE_RATE_HZ, hit["end"] / SAMPLE_RATE_HZ) for hit in found]


def _voice(samples: Floats, spans: Sequence[Span]) -> Voice:
    """A voice at the loudness that all voices get: -26 dBFS over its speech."""
    speech = tuple((s, e) for s, e in spans if e - s >= 0.4)  # noqa: PLR2004 -- seconds
    pieces = [samples[round(s * SAMPLE_RATE_HZ) : round(e * SAMPLE_RATE_HZ)] for s, e in speech]
    loudness = np.sqrt(np.mean(np.concatenate(pieces) ** 2))
    return Voice(samples=(samples * (0.05 / loudness)).astype(np.float32), speech=speech)


def _joined(first: Voice, second: Voice) -> Voice:
    """One voice from two recordings of the same person, with a gap that no stretch crosses."""
    offset_s = len(first.samples) / SAMPLE_RATE_HZ + 1
    gap = np.zeros(SAMPLE_RATE_HZ, dtype=np.float32)
    return Voice(
        samples=np.concatenate([first.samples, gap, second.samples]),
        speech=(*first.speech, *((s + offset_s, e + offset_s) for s, e in second.speech)),
    )

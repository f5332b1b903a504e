"""A leak of the other party is no speech of this one; speech of its own always is."""

import numpy as np
import pytest
from numpy.typing import NDArray

from consumers.transcription.crosstalk import crosstalk_frames

SECOND = 16_000


def voice(seed: int, seconds: float, *, pitch_hz: float) -> NDArray[np.float32]:
    """Harmonics of a gliding pitch in a syllable rhythm: like speech, it can correlate by chance."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * SECOND)) / SECOND
    phase = (
        2
        * np.pi
        * np.cumsum(pitch_hz * (1 + 0.15 * np.sin(2 * np.pi * 0.7 * time + rng.uniform(0, 6))))
        / SECOND
    )
    tone = sum(np.sin(k * phase + rng.uniform(0, 6)) / k for k in range(1, 12))
    rhythm = np.clip(np.sin(2 * np.pi * 3.1 * time + rng.uniform(0, 6)) + 0.4, 0, None)
    return (0.2 * tone * rhythm).astype(np.float32)


def noise(seed: int, length: int, level: float = 0.001) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(0, level, length).astype(np.float32)


@pytest.mark.parametrize("leak_db", [-10, -20, -30])
@pytest.mark.parametrize("delay_ms", [0, 5, 120])
def test_a_delayed_and_weaker_copy_is_found(leak_db: float, delay_ms: int) -> None:
    origin = voice(1, 4, pitch_hz=120)
    leak = np.roll(origin, delay_ms * 16) * 10 ** (leak_db / 20) + noise(2, len(origin))
    assert crosstalk_frames(leak.astype(np.float32), [origin]).mean() > 0.8
    assert not crosstalk_frames(origin, [leak.astype(np.float32)]).any()


@pytest.mark.parametrize("level", [1.0, 0.3, 0.1])
def test_two_who_talk_at_once_are_both_kept(level: float) -> None:
    loud, quiet = voice(1, 6, pitch_hz=120), voice(2, 6, pitch_hz=205) * np.float32(level)
    assert crosstalk_frames(quiet, [loud]).mean() < 0.1


def test_own_speech_over_a_leak_is_kept_and_the_leak_alone_is_not() -> None:
    origin, own = voice(1, 8, pitch_hz=120), voice(2, 8, pitch_hz=205)
    own[: 4 * SECOND] = 0
    mixed = (own + 0.03 * origin + noise(3, len(own))).astype(np.float32)
    leaked = crosstalk_frames(mixed, [origin])
    half = len(leaked) // 2
    assert leaked[: half - 16].mean() > 0.8
    assert leaked[half + 16 :].mean() < 0.1


def test_silence_and_independent_noise_are_no_copies() -> None:
    silence = np.zeros(3 * SECOND, dtype=np.float32)
    assert not crosstalk_frames(silence, [voice(1, 3, pitch_hz=120)]).any()
    assert not crosstalk_frames(noise(1, 3 * SECOND), [noise(2, 3 * SECOND, 0.1)]).any()


@pytest.mark.parametrize("length", [0, 1, 511, 512, 70 * SECOND + 77])
def test_there_is_an_answer_for_every_frame(length: int) -> None:
    samples = noise(1, length)
    assert crosstalk_frames(samples, [samples * 4]).shape == (-(-length // 512),)

"""Two channels are two parties only when each carries speech of its own."""

from pathlib import Path

import numpy as np
import pytest
from faster_whisper.audio import decode_audio
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from infra.audio.layout import detect_layout
from schemas.records import Layout

RATE = 16_000
REAL = Path(__file__).parents[1] / "data" / "real"
Floats = NDArray[np.float32]


def speech(rng: np.random.Generator, turns: list[tuple[float, float]], duration_s: float) -> Floats:
    """Voiced noise with syllables in the given turns (start, length in seconds), silence elsewhere."""
    samples = np.zeros(round(duration_s * RATE), dtype=np.float32)
    for start_s, length_s in turns:
        start, length = round(start_s * RATE), round(length_s * RATE)
        time = np.arange(length) / RATE
        pitch = rng.uniform(90, 220) * (1 + 0.1 * np.sin(2 * np.pi * 0.7 * time))
        phase = 2 * np.pi * np.cumsum(pitch) / RATE
        voice = sum(np.sin(k * phase + rng.uniform(0, 6)) / k for k in range(1, 20))
        voice = voice + 0.3 * rng.standard_normal(length)
        syllables = 0.15 + np.abs(np.sin(2 * np.pi * 2.2 * time))
        samples[start : start + length] = (0.05 * voice * syllables)[: len(samples) - start]
    return samples


def noise(rng: np.random.Generator, like: Floats, db: float) -> Floats:
    return (10 ** (db / 20) * rng.standard_normal(like.shape)).astype(np.float32)


def dialogue(rng: np.random.Generator) -> Floats:
    """Two parties in turn, one a channel, 40 s."""
    agent = [(t, 3.0) for t in np.arange(0.5, 36, 8)]
    customer = [(t + 3.6, 3.5) for t in np.arange(0.5, 36, 8)]
    return np.stack([speech(rng, turns, 40) for turns in (agent, customer)])


def voice(rng: np.random.Generator) -> Floats:
    return speech(rng, [(1, 4), (6, 5), (13, 3), (18, 9)], 30)


def test_one_channel_is_mono() -> None:
    assert detect_layout(voice(np.random.default_rng(1))[None]) is Layout.MONO


def test_more_than_two_channels_are_one_mix() -> None:
    rng = np.random.default_rng(1)
    assert detect_layout(np.concatenate([dialogue(rng), dialogue(rng)])) is Layout.MONO


@given(
    scale=st.sampled_from([1.0, 0.5, 0.1, -1.0, -0.3]),
    delay=st.integers(-240, 240),
    noise_db=st.sampled_from([-90.0, -60.0, -50.0]),
    seed=st.integers(0, 9),
)
@settings(max_examples=25, deadline=None)
def test_a_scaled_inverted_delayed_noisy_copy_is_fake_stereo(
    scale: float, delay: int, noise_db: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    left = voice(rng)
    pair = np.stack([left, scale * np.roll(left, delay)])
    assert detect_layout(pair + noise(rng, pair, noise_db)) is Layout.FAKE_STEREO


@given(
    crosstalk_db=st.sampled_from([None, -35.0, -25.0, -20.0]),
    delay=st.sampled_from([0, 5, 160, 1600]),
    noise_db=st.sampled_from([-120.0, -70.0, -50.0]),
    level_db=st.sampled_from([0.0, -6.0, 6.0]),
    seed=st.integers(0, 9),
)
@settings(max_examples=40, deadline=None)
def test_two_parties_stay_stereo_whatever_the_crosstalk(
    *, crosstalk_db: float | None, delay: int, noise_db: float, level_db: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    pair = dialogue(rng)
    pair[1] *= 10 ** (level_db / 20)
    if crosstalk_db is not None:
        pair = pair + 10 ** (crosstalk_db / 20) * np.roll(pair[::-1], delay, axis=1)
    assert detect_layout(pair + noise(rng, pair, noise_db)) is Layout.STEREO


@pytest.mark.parametrize("crosstalk", [0.0, 0.056], ids=["clean", "echo at -25 dB"])
@pytest.mark.parametrize("quiet", [0, 1])
def test_a_customer_who_hardly_speaks_is_still_a_party(crosstalk: float, quiet: int) -> None:
    rng = np.random.default_rng(3)
    talker = speech(rng, [(t, 7.0) for t in range(1, 290, 8)], 300)
    customer = speech(rng, [(100.2, 0.7), (204.1, 0.9)], 300)
    pair = np.stack([talker + crosstalk * customer, customer + crosstalk * talker])
    pair = pair[::-1] if quiet == 0 else pair
    assert detect_layout(pair + noise(rng, pair, -65)) is Layout.STEREO


@pytest.mark.parametrize("noise_db", [-200, -75, -45])
@pytest.mark.parametrize("dead", [0, 1])
def test_a_dead_channel_is_no_party(noise_db: float, dead: int) -> None:
    rng = np.random.default_rng(4)
    pair = np.stack([voice(rng)] * 2)
    pair[dead] = noise(rng, pair[dead], noise_db)
    assert detect_layout(pair) is Layout.FAKE_STEREO


def test_a_channel_with_hum_or_offset_only_is_no_party() -> None:
    left = voice(np.random.default_rng(5))
    hum = 0.02 * np.sin(2 * np.pi * 50 * np.arange(len(left)) / RATE).astype(np.float32) + 0.1
    assert detect_layout(np.stack([left, hum])) is Layout.FAKE_STEREO


def test_a_channel_with_nothing_but_the_echo_of_the_other_is_no_party() -> None:
    rng = np.random.default_rng(6)
    left = voice(rng)
    pair = np.stack([left, 0.05 * left])
    assert detect_layout(pair + noise(rng, pair, -80)) is Layout.FAKE_STEREO


def test_a_mix_beside_one_of_its_parties_is_not_one_party_a_channel() -> None:
    pair = dialogue(np.random.default_rng(7))
    assert detect_layout(np.stack([pair.sum(axis=0), pair[0]])) is Layout.FAKE_STEREO


@pytest.mark.parametrize("samples", [0, 1, 1599, 3200])
def test_hardly_any_samples_are_no_error(samples: int) -> None:
    assert detect_layout(np.zeros((2, samples), dtype=np.float32)) is Layout.FAKE_STEREO


@pytest.mark.parametrize(
    ("name", "layout"),
    [("jfk.flac", Layout.FAKE_STEREO), ("stereo_diarization.wav", Layout.STEREO)],
)
def test_real_recordings(name: str, layout: Layout) -> None:
    left, right = decode_audio(str(REAL / name), split_stereo=True)
    assert detect_layout(np.stack([left, right])) is layout

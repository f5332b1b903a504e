"""What the two channels of a recording hold: one party each, or one signal twice.

Method (ours). Both channels are cut into frames of 100 ms. A frame of a channel is *active* when it stands
out of that channel's own noise floor. The one delay at which the channels agree best is found by
cross-correlation; an active frame is *shared* when, at that delay, it correlates with the other channel and
the levels relate as they do in the other correlated frames. An active frame that is not shared is the
channel's *own*.

* A channel that is hardly ever active is dead: fake stereo.
* No own frames: a copy, whatever its scale, sign or delay: fake stereo.
* Own frames in both channels: stereo.
* Own frames in one channel only: all that the other says is heard here too. As a faint echo, it is crosstalk
  in a call where one party hardly speaks: stereo. At a similar level, this channel is a mix: fake stereo.

Echo changes the level relation with the party who speaks, which no copy does: this tells the two apart even
where they correlate perfectly.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft

from infra.audio.waveform import SAMPLE_RATE_HZ
from schemas.records import Layout

_FRAME = SAMPLE_RATE_HZ // 10
_FRAMES_PER_BLOCK = 600
_MAX_LAG = SAMPLE_RATE_HZ // 40
"""Copies are up to 25 ms apart; an echo from the line comes later."""
_LAG_BLOCK = 4 * SAMPLE_RATE_HZ
_LAG_BLOCKS = 48

_FLOOR_DB = -65.0
"""Below the quantisation noise of telephone codecs nothing is speech."""
_ABOVE_NOISE_DB = 10.0
_BELOW_LOUD_DB = 30.0
_SHARED_CORRELATION = 0.7
_SAME_GAIN_DB = 6.0
_ECHO_DB = 15.0
"""A party heard at least this much fainter than in its own channel is an echo."""
_MIN_FRAMES = 4
_MIN_SHARE = 0.002
"""Own speech of less than 0.4 s and 0.2 % of the active time is a click or a codec artefact."""

_Floats = NDArray[np.float32]
_Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frames:
    """Per frame: both levels in dBFS, shape (2, frames), and the channels' correlation, -1…1."""

    level_db: _Floats
    correlation: _Floats


def detect_layout(samples: NDArray[np.float32]) -> Layout:
    """Tell mono, stereo and fake stereo apart.

    ``samples`` has shape (channels, samples) at 16 kHz. One channel is mono. So are more than two: which of
    them carry a party cannot be told, and their mean holds everybody.
    """
    if samples.shape[0] != 2:  # noqa: PLR2004 -- the title of this module
        return Layout.MONO
    frames = _measure(samples, lag=0)
    lag = _best_lag(samples, frames.level_db)
    if lag:
        frames = _measure(samples, lag=lag)
    return _decide(frames)


def _decide(frames: _Frames) -> Layout:
    level = frames.level_db
    active = np.stack([_active(level[0]), _active(level[1])])
    enough = np.maximum(_MIN_FRAMES, _MIN_SHARE * active.sum(axis=1))
    if (active.sum(axis=1) < _MIN_FRAMES).any():
        return Layout.FAKE_STEREO
    own = active & ~_shared(frames, active)
    has_own = own.sum(axis=1) >= enough
    if has_own.all():
        return Layout.STEREO
    if not has_own.any():
        return Layout.FAKE_STEREO
    quiet = int(np.argmin(has_own))
    louder_at_home_db = np.median((level[quiet] - level[1 - quiet])[active[quiet]])
    return Layout.STEREO if louder_at_home_db >= _ECHO_DB else Layout.FAKE_STEREO


def _active(level_db: _Floats) -> _Flags:
    """Frames that stand out of the channel's own noise and are not far below its loudest second."""
    if not len(level_db):
        return np.zeros(0, dtype=bool)
    loud = np.sort(level_db)[-10:].mean()
    noise = max(float(np.percentile(level_db, 10)), _FLOOR_DB)
    flags: _Flags = level_db > max(noise + _ABOVE_NOISE_DB, loud - _BELOW_LOUD_DB)
    return flags


def _shared(frames: _Frames, active: _Flags) -> _Flags:
    """Frames in which both channels carry the same signal in the usual relation of levels."""
    alike = np.abs(frames.correlation) >= _SHARED_CORRELATION
    gain_db = frames.level_db[1] - frames.level_db[0]
    seen = gain_db[alike & active.any(axis=0)]
    if not len(seen):
        return np.zeros_like(alike)
    shared: _Flags = alike & (np.abs(gain_db - np.median(seen)) <= _SAME_GAIN_DB)
    return shared


def _measure(samples: _Floats, *, lag: int) -> _Frames:
    """Levels and correlation of all frames, with the second channel moved ``lag`` samples ahead."""
    first, second = samples[0, max(0, -lag) :], samples[1, max(0, lag) :]
    count = min(len(first), len(second)) // _FRAME
    energy = np.zeros((3, count))
    for start in range(0, count, _FRAMES_PER_BLOCK):
        stop = min(start + _FRAMES_PER_BLOCK, count)
        a, b = (x[start * _FRAME : stop * _FRAME].reshape(-1, _FRAME) for x in (first, second))
        # A constant offset is no sound, but would make any two channels correlate.
        a, b = a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True)
        energy[:, start:stop] = [np.einsum("ij,ij->i", x, y) for x, y in ((a, a), (b, b), (a, b))]
    tiny = np.finfo(np.float32).tiny
    power = np.maximum(energy[:2] / _FRAME, tiny)
    return _Frames(
        level_db=(10 * np.log10(power)).astype(np.float32),
        correlation=(energy[2] / _FRAME / np.sqrt(power[0] * power[1])).astype(np.float32),
    )


def _best_lag(samples: _Floats, level_db: _Floats) -> int:
    """Delay in samples of the second channel at which the channels agree best, from the loudest blocks."""
    per_block = _LAG_BLOCK // _FRAME
    blocks = math.ceil(level_db.shape[1] / per_block)
    loudness = [level_db[:, i * per_block : (i + 1) * per_block].sum(axis=0).max() for i in range(blocks)]
    size = next_fast_len(_LAG_BLOCK + _MAX_LAG, real=True)
    total = np.zeros(2 * _MAX_LAG + 1)
    for block in np.argsort(loudness)[-_LAG_BLOCKS:]:
        piece = samples[:, block * _LAG_BLOCK : (block + 1) * _LAG_BLOCK]
        spectrum = rfft(piece - piece.mean(axis=1, keepdims=True), size, axis=1)
        circular = irfft(spectrum[1] * np.conj(spectrum[0]), size)
        total += np.concatenate([circular[-_MAX_LAG:], circular[: _MAX_LAG + 1]])
    return int(np.argmax(np.abs(total))) - _MAX_LAG

"""Where a channel only repeats another: echo and crosstalk in stereo recordings.

Telephone hybrids and headsets leak one party into the other's channel, some 20 to 30 dB weaker but clear
enough for a recogniser, which then hears every sentence twice. A leak is a copy, so it correlates with its
origin; two people talking at once do not.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from consumers.transcription.windows import FRAME_SAMPLES

_BLOCK_FRAMES = 8
"""Decided for 256 ms at a time, seen in twice that."""
_WINDOW_SAMPLES = 2 * _BLOCK_FRAMES * FRAME_SAMPLES
_MAX_DELAY_SAMPLES = 2_400
"""150 ms: longer echo is what the network's cancellers are for."""
_CHUNK_BLOCKS = 256
"""About a minute: bounds the memory for the spectra."""

_MIN_CORRELATION = 0.4
_MIN_DISTANCE_DB = 6.0


def crosstalk_frames(
    samples: NDArray[np.float32], others: Sequence[NDArray[np.float32]]
) -> NDArray[np.bool_]:
    """Which frames of 32 ms hold mainly a weaker copy of one of ``others``: shape (frames,)."""
    frames = -(-len(samples) // FRAME_SAMPLES)
    leaked = np.zeros(frames, dtype=bool)
    blocks = -(-frames // _BLOCK_FRAMES)
    for first in range(0, blocks, _CHUNK_BLOCKS):
        count = min(_CHUNK_BLOCKS, blocks - first)
        own = _windows(samples, first, count)
        copies = np.zeros(count, dtype=bool)
        for other in others:
            copies |= _are_copies(own, _windows(other, first, count))
        start = first * _BLOCK_FRAMES
        stop = min(frames, start + count * _BLOCK_FRAMES)
        leaked[start:stop] = np.repeat(copies, _BLOCK_FRAMES)[: stop - start]
    return leaked


def _windows(samples: NDArray[np.float32], first: int, count: int) -> NDArray[np.float32]:
    """Overlapping windows, each centred on its block: shape (count, samples)."""
    block = _WINDOW_SAMPLES // 2
    start = first * block - block // 2
    stop = start + (count + 1) * block
    piece = samples[max(0, start) : stop]
    padded = np.zeros((count + 1) * block, dtype=np.float32)
    offset = max(0, -start)
    padded[offset : offset + len(piece)] = piece
    halves = padded.reshape(count + 1, block)
    return np.concatenate([halves[:-1], halves[1:]], axis=1)


def _are_copies(own: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Normalised cross-correlation at the best delay, and the distance in level."""
    size = 2 * _WINDOW_SAMPLES
    spectrum = np.fft.rfft(own, size) * np.conj(np.fft.rfft(other, size))
    correlation = np.fft.irfft(spectrum, size)
    near = np.concatenate([correlation[:, :_MAX_DELAY_SAMPLES], correlation[:, -_MAX_DELAY_SAMPLES:]], axis=1)
    own_energy, other_energy = (np.square(x).sum(axis=1) + 1e-9 for x in (own, other))
    alike = np.abs(near).max(axis=1) / np.sqrt(own_energy * other_energy) > _MIN_CORRELATION
    weaker = 10 * np.log10(other_energy / own_energy) > _MIN_DISTANCE_DB
    return np.asarray(alike & weaker)

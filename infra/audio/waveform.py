"""The one in-memory shape of a recording."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.records import Layout

SAMPLE_RATE_HZ = 16_000
"""Every engine here works at this rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waveform:
    """A decoded recording.

    ``samples`` is float32 of shape (channels, samples) at 16 kHz, each channel kept separately, values in
    -1…1. ``source_rate_hz`` is the recording's own rate. ``layout`` tells whether the channels are one
    party each (``stereo``), one signal (``mono``) or copies of one signal (``fake_stereo``).
    """

    samples: NDArray[np.float32]
    source_rate_hz: int
    layout: Layout

    @property
    def duration_ms(self) -> int:
        """Length in milliseconds."""
        return int(self.samples.shape[1]) * 1000 // SAMPLE_RATE_HZ

    @property
    def mono(self) -> NDArray[np.float32]:
        """Mean over the channels: shape (samples,)."""
        mix: NDArray[np.float32] = self.samples.mean(axis=0, dtype=np.float32)
        return mix

    @property
    def parties(self) -> tuple[tuple[int, NDArray[np.float32]], ...]:
        """What to run an engine on: (channel, samples) for each party in stereo, else once for the mix."""
        if self.layout is Layout.STEREO:
            return tuple(enumerate(self.samples))
        return ((0, self.mono),)

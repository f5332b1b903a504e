"""A telephone line: band limit, tilt, noise, gain and G.711 μ-law, on float samples at 8 kHz."""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from ops.models.speech import RATE_HZ

_MU: Final = 255.0
_COLOURED_SHARE: Final = 0.4
_MU_LAW_SHARE: Final = 0.7
_SILENT_POWER: Final = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What one line does to speech. ``snr_db`` counts against the mean power of the whole signal."""

    low_hz: float = 300.0
    high_hz: float = 3400.0
    tilt_db_per_khz: float = 0.0
    snr_db: float = 35.0
    gain_db: float = -6.0
    coloured_noise: bool = False
    mu_law: bool = True

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Self:
        """Any line that training should meet: from clean to 12 dB over the noise, from loud to faint."""
        return cls(
            low_hz=rng.uniform(200, 340),
            high_hz=rng.uniform(3200, 3550),
            tilt_db_per_khz=rng.uniform(-2, 2),
            snr_db=rng.uniform(12, 45),
            gain_db=rng.uniform(-18, 0),
            coloured_noise=bool(rng.random() < _COLOURED_SHARE),
            mu_law=bool(rng.random() < _MU_LAW_SHARE),
        )

    @classmethod
    def draw_good(cls, rng: np.random.Generator) -> Self:
        """A line as people have it on a good day."""
        return cls(
            low_hz=rng.uniform(230, 320),
            high_hz=rng.uniform(3300, 3500),
            tilt_db_per_khz=rng.uniform(-1, 1),
            snr_db=rng.uniform(28, 40),
            gain_db=rng.uniform(-9, -3),
        )

    def carry(self, samples: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
        """``samples`` (1-D, -1…1) as the other end hears them, scaled to the line's gain at their peak."""
        limited = self._limit_band(samples)
        limited = limited / max(1e-5, float(np.abs(limited).max()))
        heard = np.clip((limited + self._noise(limited, rng)) * 10 ** (self.gain_db / 20), -1, 1)
        return (_through_mu_law(heard) if self.mu_law else heard).astype(np.float32)

    def _limit_band(self, samples: NDArray[np.float32]) -> NDArray[np.float64]:
        length = 1 << int(np.ceil(np.log2(max(2, len(samples)))))
        hertz = np.fft.rfftfreq(length, 1 / RATE_HZ)
        slopes = 1 / (1 + np.exp(-(hertz - self.low_hz) / 25)) / (1 + np.exp((hertz - self.high_hz) / 60))
        tilt = 10 ** (self.tilt_db_per_khz * (hertz / 1000 - 1.5) / 20)
        limited: NDArray[np.float64] = np.fft.irfft(np.fft.rfft(samples, length) * slopes * tilt, length)
        return limited[: len(samples)]

    def _noise(self, samples: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
        noise: NDArray[np.float64] = rng.standard_normal(len(samples))
        if self.coloured_noise:
            noise = np.convolve(noise, np.ones(4) / 4, "same")
        # A line on which nobody speaks still hums: its noise is set against faint speech.
        power = max(float(np.mean(samples**2)), _SILENT_POWER) * 10 ** (-self.snr_db / 10)
        return noise / max(1e-9, float(noise.std())) * float(np.sqrt(power))


def _through_mu_law(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Quantised to the 256 levels of μ-law (ITU-T G.711, continuous form)."""
    compressed = np.sign(samples) * np.log1p(_MU * np.abs(samples)) / np.log1p(_MU)
    levels = np.round((compressed + 1) * 127.5) / 127.5 - 1
    expanded: NDArray[np.float64] = np.sign(levels) * np.expm1(np.abs(levels) * np.log1p(_MU)) / _MU
    return expanded

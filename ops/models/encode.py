"""Audio files small enough to be shipped: FLAC or Opus in Ogg, by FFmpeg."""

from fractions import Fraction
from pathlib import Path
from typing import Final, cast

import av
import numpy as np
from numpy.typing import NDArray

_CODECS: Final = {".flac": "flac", ".ogg": "libopus"}
_OPUS_BITS_PER_S: Final = 20_000
"""For each channel. At 12 kbit/s the channels of a stereo call are heard in each other, 20 dB down."""
_LAYOUTS: Final = {1: "mono", 2: "stereo"}


def encode(path: Path, samples: NDArray[np.int16], rate_hz: int) -> None:
    """Write int16 ``samples`` of shape (channels, samples) to ``path``.

    The suffix chooses: ``.flac`` (lossless) or ``.ogg`` (Opus). ValueError for another.
    """
    if path.suffix not in _CODECS:
        raise ValueError(f"cannot write {path.name}: choose {' or '.join(_CODECS)}")
    layout = _LAYOUTS[samples.shape[0]]
    # bitexact leaves out the version of the encoder, so that the same call is the same file.
    with av.open(str(path), "w", options={"fflags": "+bitexact"}) as container:
        stream = cast("av.AudioStream", container.add_stream(_CODECS[path.suffix], rate=rate_hz))
        stream.layout = layout
        if path.suffix == ".ogg":
            stream.bit_rate = _OPUS_BITS_PER_S * samples.shape[0]
        interleaved = np.ascontiguousarray(samples.T).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(interleaved, format="s16", layout=layout)
        frame.sample_rate = rate_hz
        frame.time_base = Fraction(1, rate_hz)
        frame.pts = 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))

"""Bytes of a recording to a waveform, in memory, through FFmpeg's libraries (PyAV)."""

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import av
import numpy as np
import structlog
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from numpy.typing import NDArray

from infra.audio.layout import detect_layout
from infra.audio.waveform import SAMPLE_RATE_HZ, Waveform
from infra.errors import ErrorCode, Poison

if TYPE_CHECKING:
    from av.packet import Packet  # generic for type checkers only

_log = structlog.get_logger()

MAX_CHANNELS = 8
"""More is no recording of a call, and would let a small file claim much memory."""

_CONTAINERS = "wav,w64,mp3,flac,ogg,mov,matroska,webm,aac,amr,aiff,au,caf,asf,avi"
"""No playlists (HLS, concat, DASH): those make FFmpeg read whatever files and addresses they name."""
INPUT_OPTIONS = {"format_whitelist": _CONTAINERS, "protocol_whitelist": "none"}
"""How every recording is opened."""

_MAX_CONTAINER_FAILURES = 100
_TRUNCATED_SHARE = 0.98
_TRUNCATED_SLACK_S = 0.5


def decode(data: bytes, *, max_duration_s: float) -> Waveform:
    """Decode a recording, every channel by itself, resampled once to 16 kHz float32.

    A recording that ends early is decoded as far as it goes. NaN and infinite samples become 0, others are
    clipped to -1…1. Poison INPUT_UNREADABLE when there is no audio in it, INPUT_TOO_LARGE when more than
    ``max_duration_s`` comes out of it, whatever its header says.
    """
    if not data:
        raise _unreadable("the file is empty")
    try:
        with av.open(io.BytesIO(data), "r", metadata_errors="ignore", options=INPUT_OPTIONS) as container:
            if not container.streams.audio:
                raise _unreadable("the file has no audio stream")
            stream = container.streams.audio[0]
            announced_s = container.duration / av.time_base if container.duration else None
            samples = _decode_stream(
                container, stream, announced_s=announced_s, max_duration_s=max_duration_s
            )
            rate_hz = stream.rate
    except av.FFmpegError as error:
        raise _unreadable(f"FFmpeg says {error.strerror!r}") from error
    return Waveform(samples=samples, source_rate_hz=rate_hz, layout=detect_layout(samples))


def _unreadable(reason: str) -> Poison:
    return Poison(
        ErrorCode.INPUT_UNREADABLE,
        f"the recording is no readable audio: {reason}; play it to check what was stored",
    )


def _decode_stream(
    container: InputContainer,
    stream: AudioStream,
    *,
    announced_s: float | None,
    max_duration_s: float,
) -> NDArray[np.float32]:
    if not 1 <= stream.channels <= MAX_CHANNELS:
        raise _unreadable(f"it has {stream.channels} channels, 1 to {MAX_CHANNELS} are possible")
    sink = _Sink(
        channels=stream.channels,
        limit=int(max_duration_s * SAMPLE_RATE_HZ),
        expected_s=announced_s,
    )
    for block in _resampled(container, stream):
        sink.write(block)
    if not sink.written:
        raise _unreadable("not one sample could be decoded")
    decoded_s = sink.written / SAMPLE_RATE_HZ
    if announced_s and decoded_s < announced_s * _TRUNCATED_SHARE - _TRUNCATED_SLACK_S:
        _log.warning(
            "recording is truncated: its header announces more than there is",
            decoded_s=round(decoded_s, 2),
            announced_s=round(announced_s, 2),
        )
    return sink.samples


def _resampled(container: InputContainer, stream: AudioStream) -> Iterator[NDArray[np.float32]]:
    """Blocks of shape (channels, samples) at 16 kHz.

    The resampler is made anew when a stream changes its sample format, rate or channels half-way, as
    concatenated MP3 and chained Ogg do; the first frame decides how many channels come out.
    """
    layout: str | None = None
    source: tuple[str, str, int] | None = None
    resampler: AudioResampler | None = None
    for frame in _frames(container, stream):
        frame.pts = None  # gaps in the time stamps are no gaps in the audio
        described = (frame.format.name, frame.layout.name, frame.sample_rate)
        if resampler is None or described != source:
            yield from _flush(resampler)
            layout = layout or frame.layout.name
            resampler = AudioResampler(format="fltp", layout=layout, rate=SAMPLE_RATE_HZ)
            source = described
        yield from map(_array, resampler.resample(frame))
    yield from _flush(resampler)


def _flush(resampler: AudioResampler | None) -> Iterator[NDArray[np.float32]]:
    if resampler is not None:
        yield from map(_array, resampler.resample(None))


def _array(frame: AudioFrame) -> NDArray[np.float32]:
    return np.asarray(frame.to_ndarray(), dtype=np.float32)


def _frames(container: InputContainer, stream: AudioStream) -> Iterator[AudioFrame]:
    """All frames that can be decoded: what is broken costs itself and not the rest."""
    broken = 0
    for packet in _packets(container, stream):
        if packet is None:
            broken += 1
            continue
        try:
            yield from packet.decode()
        except av.FFmpegError:
            broken += 1
    if broken:
        _log.warning("recording is damaged: what could not be decoded is left out", packets=broken)


def _packets(container: InputContainer, stream: AudioStream) -> Iterator["Packet[AudioStream] | None"]:
    """The packets up to the end; None where the container is broken, a bounded number of times."""
    failures = 0
    while failures < _MAX_CONTAINER_FAILURES:
        try:
            yield from container.demux(stream)
        except av.FFmpegError:
            failures += 1
            yield None
        else:
            return


@dataclass(slots=True, kw_only=True)
class _Sink:
    """One array that the recording is written into, so that a long one is never held twice.

    Its size follows the header where there is one; a header that promised too little costs one copy. Memory
    that is never written to is never taken from the system.
    """

    channels: int
    limit: int
    expected_s: float | None
    written: int = 0
    _held: NDArray[np.float32] = field(init=False)

    def __post_init__(self) -> None:
        expected = self.limit if self.expected_s is None else int((self.expected_s + 1) * SAMPLE_RATE_HZ)
        self._held = np.empty((self.channels, max(1, min(self.limit, expected))), dtype=np.float32)

    @property
    def samples(self) -> NDArray[np.float32]:
        """What was written: shape (channels, written), a view."""
        return self._held[:, : self.written]

    def write(self, block: NDArray[np.float32]) -> None:
        """Append (channels, samples); Poison beyond the limit."""
        end = self.written + block.shape[1]
        if end > self.limit:
            raise Poison(
                ErrorCode.INPUT_TOO_LARGE,
                f"the recording is longer than {self.limit // SAMPLE_RATE_HZ} s; "
                "raise max_duration_s if it is meant to pass",
            )
        if end > self._held.shape[1]:
            larger = np.empty((self.channels, self.limit), dtype=np.float32)
            larger[:, : self.written] = self.samples
            self._held = larger
        target = self._held[:, self.written : end]
        np.nan_to_num(block, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
        np.clip(block, -1.0, 1.0, out=target)
        self.written = end

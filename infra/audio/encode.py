"""A copy of a recording with stretches of it muted, at its own rate and with all its channels (PyAV)."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from numpy.typing import NDArray

from infra.audio.decode import INPUT_OPTIONS
from infra.errors import ErrorCode, Fatal, Poison

CODECS = {".wav": "pcm_s16le", ".flac": "flac"}
"""Lossless ones, so that what is not muted stays as it was, in 16 bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """A stretch to mute, in one channel or, with None, in all."""

    start_ms: int
    end_ms: int
    channel: int | None = None


def write_muted(recording: bytes, target: Path, silences: Sequence[Silence]) -> None:
    """Write ``recording`` to the new file ``target`` (.wav or .flac) with zeros in the silences.

    Poison INPUT_UNREADABLE when the recording is no audio; Fatal RESOURCE when ``target`` exists already or
    cannot be written. No half-written file is left behind.
    """
    partial = target.with_name(f".{target.name}.part{target.suffix}")
    try:
        _write(recording, partial, silences)
        # Unlike a rename, a link never replaces what is there.
        target.hardlink_to(partial)
    except av.FFmpegError as error:
        raise Poison(
            ErrorCode.INPUT_UNREADABLE, f"the recording cannot be copied: FFmpeg says {error.strerror!r}"
        ) from error
    except OSError as error:
        raise Fatal(
            ErrorCode.RESOURCE, f"{target} cannot be written: {error.strerror}; name a new file"
        ) from error
    finally:
        partial.unlink(missing_ok=True)


def _write(recording: bytes, target: Path, silences: Sequence[Silence]) -> None:
    with (
        av.open(io.BytesIO(recording), "r", metadata_errors="ignore", options=INPUT_OPTIONS) as source,
        av.open(str(target), "w") as sink,
    ):
        if not source.streams.audio:
            raise Poison(ErrorCode.INPUT_UNREADABLE, "the recording has no audio stream")
        heard = source.streams.audio[0]
        codec, layout = CODECS[target.suffix.lower()], heard.layout.name
        written = cast("AudioStream", sink.add_stream(codec, rate=heard.rate, layout=layout))
        for frame in _muted(source, heard, silences):
            sink.mux(written.encode(frame))
        sink.mux(written.encode(None))


def _muted(source: InputContainer, stream: AudioStream, silences: Sequence[Silence]) -> Iterator[AudioFrame]:
    """The recording's frames as 16-bit samples; like the analysis, time counts decoded samples."""
    rate_hz, layout = stream.rate, stream.layout.name
    resampler = AudioResampler(format="s16", layout=layout, rate=rate_hz)
    first = 0
    for block in _blocks(source, stream, resampler):
        samples = np.array(block.to_ndarray(), dtype=np.int16).reshape(-1, stream.channels)
        _mute(samples, first, rate_hz, silences)
        frame = AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout=layout)
        frame.sample_rate = rate_hz
        frame.pts = first
        first += samples.shape[0]
        yield frame


def _blocks(source: InputContainer, stream: AudioStream, resampler: AudioResampler) -> Iterator[AudioFrame]:
    for frame in source.decode(stream):
        frame.pts = None  # gaps in the time stamps are no gaps in the audio
        yield from resampler.resample(frame)
    yield from resampler.resample(None)


def _mute(samples: NDArray[np.int16], first: int, rate_hz: int, silences: Sequence[Silence]) -> None:
    """Zero what of ``samples`` (samples, channels), which begin at sample ``first``, lies in a silence."""
    for silence in silences:
        start = max(0, silence.start_ms * rate_hz // 1000 - first)
        end = -(-silence.end_ms * rate_hz // 1000) - first
        if end > start:
            channels = slice(None) if silence.channel is None else silence.channel
            samples[start:end, channels] = 0

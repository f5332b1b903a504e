"""Recordings of every make come out as 16 kHz float32, broken ones with a reason."""

import io
from pathlib import Path
from typing import TYPE_CHECKING, cast

import av
import numpy as np
import pytest
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

from infra.audio.decode import decode
from infra.errors import ErrorCode, Poison

if TYPE_CHECKING:
    from av.audio.stream import AudioStream

LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1"}


def tones(seconds: float, rate_hz: int, channels: int = 1) -> NDArray[np.float32]:
    """A different tone on each channel, each interrupted at its own times."""
    time = np.arange(int(seconds * rate_hz)) / rate_hz
    channel = np.arange(channels)[:, None]
    return (0.4 * np.sin(2 * np.pi * (300 + 200 * channel) * time)).astype(np.float32)


def encode(samples: NDArray[np.float32], *, rate_hz: int, codec: str, container: str) -> bytes:
    layout = LAYOUTS[len(samples)]
    target = io.BytesIO()
    with av.open(target, "w", format=container) as out:
        stream = cast("AudioStream", out.add_stream(codec, rate=rate_hz, layout=layout))
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout=layout)
        frame.sample_rate = rate_hz
        size = stream.codec_context.frame_size or None
        shaper = AudioResampler(format=stream.format.name, layout=layout, rate=rate_hz, frame_size=size)
        for piece in [*shaper.resample(frame), *shaper.resample(None), None]:
            out.mux(stream.encode(piece))
    return target.getvalue()


def peak_hz(channel: NDArray[np.float32]) -> int:
    spectrum = np.abs(np.fft.rfft(channel))
    return round(float(spectrum.argmax()) * 16_000 / len(channel) / 10) * 10


def code_of(data: bytes, max_duration_s: float = 60) -> ErrorCode:
    with pytest.raises(Poison) as caught:
        decode(data, max_duration_s=max_duration_s)
    return caught.value.code


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(
    ("codec", "container", "rate_hz"),
    [
        ("pcm_s16le", "wav", 8_000),
        ("pcm_s24le", "wav", 48_000),
        ("pcm_f32le", "wav", 44_100),
        ("pcm_mulaw", "wav", 8_000),
        ("pcm_alaw", "wav", 8_000),
        ("libmp3lame", "mp3", 44_100),
        ("flac", "flac", 16_000),
        ("libopus", "ogg", 48_000),
        ("aac", "ipod", 44_100),
    ],
)
def test_each_format_keeps_each_channel(codec: str, container: str, rate_hz: int, channels: int) -> None:
    data = encode(tones(2, rate_hz, channels), rate_hz=rate_hz, codec=codec, container=container)
    waveform = decode(data, max_duration_s=60)
    assert waveform.samples.dtype == np.float32
    assert waveform.source_rate_hz == rate_hz
    assert abs(waveform.duration_ms - 2000) < 60
    assert [peak_hz(channel) for channel in waveform.samples] == [300, 500][:channels]


def test_more_than_two_channels_stay_apart() -> None:
    data = encode(tones(1, 16_000, 6), rate_hz=16_000, codec="pcm_s16le", container="wav")
    waveform = decode(data, max_duration_s=60)
    assert [peak_hz(channel) for channel in waveform.samples] == [300, 500, 700, 900, 1100, 1300]


def test_a_fifth_of_a_second_is_a_recording() -> None:
    data = encode(tones(0.2, 8_000), rate_hz=8_000, codec="pcm_mulaw", container="wav")
    assert decode(data, max_duration_s=60).duration_ms == 200


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"This is a text that somebody called call.wav.\n" * 40,
        b'{"status": 404}',
        b"RIFF\x24\x00\x00\x00WAVE",
        np.random.default_rng(0).bytes(20_000),
    ],
)
def test_what_is_no_audio_is_unreadable(data: bytes) -> None:
    assert code_of(data) is ErrorCode.INPUT_UNREADABLE


def test_a_wav_without_samples_is_unreadable() -> None:
    data = encode(tones(0.1, 8_000), rate_hz=8_000, codec="pcm_s16le", container="wav")
    assert code_of(data[:78]) is ErrorCode.INPUT_UNREADABLE


def test_a_video_without_sound_is_unreadable() -> None:
    target = io.BytesIO()
    with av.open(target, "w", format="matroska") as out:
        stream = out.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 16
        stream.pix_fmt = "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), dtype=np.uint8))
        out.mux([*stream.encode(frame), *stream.encode(None)])
    with pytest.raises(Poison, match="no audio stream"):
        decode(target.getvalue(), max_duration_s=60)


def test_playlists_cannot_make_the_decoder_read_other_files(tmp_path: Path) -> None:
    """FFmpeg's HLS and concat readers open what a playlist names: a way to any file of the machine."""
    inner = tmp_path / "inner.wav"
    inner.write_bytes(encode(tones(1, 8_000), rate_hz=8_000, codec="pcm_s16le", container="wav"))
    hls = f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile://{inner}\n#EXT-X-ENDLIST\n"
    concat = f"ffconcat version 1.0\nfile {inner}\n"
    assert code_of(hls.encode()) is ErrorCode.INPUT_UNREADABLE
    assert code_of(concat.encode()) is ErrorCode.INPUT_UNREADABLE


@pytest.mark.parametrize(
    ("codec", "container"), [("pcm_s16le", "wav"), ("libmp3lame", "mp3"), ("flac", "flac")]
)
def test_a_truncated_recording_is_decoded_as_far_as_it_goes(codec: str, container: str) -> None:
    data = encode(tones(4, 16_000), rate_hz=16_000, codec=codec, container=container)
    waveform = decode(data[: len(data) // 2], max_duration_s=60)
    assert 1200 < waveform.duration_ms < 2500
    assert peak_hz(waveform.samples[0]) == 300


def test_damage_in_the_middle_costs_only_itself() -> None:
    data = bytearray(encode(tones(4, 16_000), rate_hz=16_000, codec="libmp3lame", container="mp3"))
    middle = len(data) // 2
    data[middle : middle + 300] = bytes(300)
    assert decode(bytes(data), max_duration_s=60).duration_ms > 3500


def test_the_duration_limit_counts_what_is_decoded_and_not_what_the_header_says() -> None:
    data = bytearray(encode(tones(3, 8_000), rate_hz=8_000, codec="pcm_s16le", container="wav"))
    assert code_of(bytes(data), max_duration_s=2) is ErrorCode.INPUT_TOO_LARGE
    size_at = data.index(b"data") + 4
    data[size_at : size_at + 4] = (0xFFFFFFFF).to_bytes(4, "little")
    assert code_of(bytes(data), max_duration_s=2) is ErrorCode.INPUT_TOO_LARGE
    assert abs(decode(bytes(data), max_duration_s=60).duration_ms - 3000) < 20


def test_samples_that_are_no_numbers_become_silence_and_the_rest_is_clipped() -> None:
    samples = tones(1, 16_000)
    samples[0, [100, 200, 300]] = np.nan, np.inf, 1e30
    data = encode(samples, rate_hz=16_000, codec="pcm_f32le", container="wav")
    decoded = decode(data, max_duration_s=60).samples
    assert decoded[0, [100, 200, 300]].tolist() == [0.0, 0.0, 1.0]
    assert np.isfinite(decoded).all()
    assert np.abs(decoded).max() <= 1.0


@pytest.mark.parametrize(("first", "second"), [(2, 1), (1, 2)])
def test_a_change_of_rate_and_channels_half_way_does_not_crash(first: int, second: int) -> None:
    """Telephony systems glue MP3 files together; the first decides how many channels come out."""
    left = encode(tones(2, 44_100, first), rate_hz=44_100, codec="libmp3lame", container="mp3")
    right = encode(tones(2, 22_050, second), rate_hz=22_050, codec="libmp3lame", container="mp3")
    waveform = decode(left + right, max_duration_s=60)
    assert waveform.samples.shape[0] == first
    assert 3800 < waveform.duration_ms < 4300

"""Diarization of a call with one party a channel: the channel is the speaker.

Speech is found in each channel by Silero VAD. What a channel hears of the other party (crosstalk) is taken
out: there, the other channel is much louder, measured against how loud each party is in its own channel.
"""

import itertools

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from consumers.diarization.turns import Turn, fill_gaps, spans
from infra.audio.waveform import SAMPLE_RATE_HZ, Waveform

VAD_MODEL = "silero-vad"

_FRAME_S = 0.01
_FRAME = round(SAMPLE_RATE_HZ * _FRAME_S)
_BLOCK = 600 * SAMPLE_RATE_HZ
_SMOOTH = 30
"""Levels are compared over 300 ms: a syllable, so that one quiet consonant decides nothing."""
_CROSSTALK_DB = 12.0
_LONGEST_GAP = 25
_SHORTEST_TURN = 15
_SILENT_DB = -120.0

_Flags = NDArray[np.bool_]
_Levels = NDArray[np.float32]


def channel_turns(waveform: Waveform) -> list[Turn]:
    """Each channel's speech without the other party's echo."""
    speech = np.stack([_speech(samples) for samples in waveform.samples])
    levels = np.stack([_level_db(samples, speech.shape[1]) for samples in waveform.samples])
    return [
        Turn(start_s=first * _FRAME_S, end_s=end * _FRAME_S, speaker=str(channel), channel=channel)
        for channel, own in enumerate(without_crosstalk(speech, levels))
        for first, end in fill_gaps(spans(own), _LONGEST_GAP)
        if end - first >= _SHORTEST_TURN
    ]


def without_crosstalk(speech: _Flags, level_db: _Levels) -> _Flags:
    """Speech of shape (channels, frames) that is a channel's own, given levels of the same shape in dB."""
    own = speech.copy()
    usual = _usual_levels(speech, level_db)
    above_usual = level_db - usual[:, None]
    for one, other in itertools.permutations(range(len(speech)), 2):
        own[one] &= above_usual[one] > above_usual[other] - _CROSSTALK_DB
    return own


def _usual_levels(speech: _Flags, level_db: _Levels) -> NDArray[np.float64]:
    """How loud each party is: median level where its channel is the loudest and has speech.

    A channel that is never the loudest gets the loudest party's level: all that it has is echo.
    """
    loudest = level_db.argmax(axis=0)
    heard = [level_db[c][speech[c] & (loudest == c)] for c in range(len(speech))]
    known = [float(np.median(levels)) if len(levels) else None for levels in heard]
    fallback = max((level for level in known if level is not None), default=0.0)
    return np.array([fallback if level is None else level for level in known])


def _speech(samples: NDArray[np.float32]) -> _Flags:
    """Voice activity of one channel, shape (frames of 10 ms,), in blocks that bound the memory."""
    from faster_whisper.vad import VadOptions, get_speech_timestamps  # noqa: PLC0415 -- a second of import

    options = VadOptions(min_silence_duration_ms=200, speech_pad_ms=60, min_speech_duration_ms=100)
    flags = np.zeros(len(samples) // _FRAME, dtype=bool)
    for start in range(0, len(samples), _BLOCK):
        block = samples[start : start + _BLOCK]
        for hit in get_speech_timestamps(block, options, SAMPLE_RATE_HZ):
            flags[(start + hit["start"]) // _FRAME : (start + hit["end"]) // _FRAME] = True
    return flags


def _level_db(samples: NDArray[np.float32], frames: int) -> _Levels:
    """Level in dBFS of each 10 ms, averaged in power over 300 ms around it."""
    framed = samples[: frames * _FRAME].reshape(frames, _FRAME)
    power = np.einsum("ij,ij->i", framed, framed) / _FRAME
    smooth = uniform_filter1d(power, _SMOOTH, mode="nearest") if frames else power
    levels: _Levels = 10 * np.log10(np.maximum(smooth, 10 ** (_SILENT_DB / 10)))
    return levels

"""A recording's URI to its waveform."""

from infra.audio.decode import decode
from infra.audio.policy import RecordingPolicy
from infra.audio.sources import read_recording
from infra.audio.waveform import Waveform


def load_recording(uri: str, policy: RecordingPolicy) -> Waveform:
    """Fetch and decode a recording; errors as in ``read_recording`` and ``decode``."""
    return decode(read_recording(uri, policy), max_duration_s=policy.max_duration_s)

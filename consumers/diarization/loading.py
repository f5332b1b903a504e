"""The one door to pyannote.audio: no telemetry, no needless warnings, no hub for local models."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING

from infra.errors import ErrorCode, Fatal

if TYPE_CHECKING:
    import torch

    from infra.profiles import Device


def pyannote_audio() -> ModuleType:
    """Import pyannote.audio (seconds) with its usage reports switched off.

    It reports the length of every recording to its makers unless told not to, and reads the switch from the
    environment: set here, before the import, and again in case that someone else came first.
    """
    os.environ["PYANNOTE_METRICS_ENABLED"] = "0"
    with warnings.catch_warnings():
        # Recordings reach the models in memory: a missing torchcodec is no news to us.
        warnings.simplefilter("ignore")
        import pyannote.audio  # noqa: PLC0415 -- seconds of import
    os.environ["PYANNOTE_METRICS_ENABLED"] = "0"
    audio: ModuleType = pyannote.audio
    return audio


@contextmanager
def hub_offline() -> Iterator[None]:
    """What is local must never ask the hub, not even to look for a newer version."""
    import huggingface_hub.constants as hub  # noqa: PLC0415 -- comes with pyannote.audio

    before = hub.HF_HUB_OFFLINE
    hub.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        hub.HF_HUB_OFFLINE = before


def torch_device(device: "Device") -> "torch.device":
    """The device that a profile means. Fatal when it asks for CUDA and there is none."""
    import torch  # noqa: PLC0415 -- a second of import

    available = torch.cuda.is_available()
    if device == "cuda" and not available:
        message = "the profile asks for device cuda and no CUDA device is to be seen: use auto or cpu"
        raise Fatal(ErrorCode.RESOURCE, message)
    return torch.device("cuda" if available and device != "cpu" else "cpu")

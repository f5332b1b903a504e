"""From a recording to who speaks when: the one interface of the service to its models."""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import structlog
from numpy.typing import NDArray

from consumers.diarization.channels import VAD_MODEL, channel_turns
from consumers.diarization.turns import Turn, to_segments
from infra.audio.waveform import SAMPLE_RATE_HZ, Waveform
from infra.errors import CallyticsError, ErrorCode, Fatal, Retryable
from infra.profiles import DiarizationProfile
from schemas.records import DiarizationMethod, Layout, SpeakerSegment

if TYPE_CHECKING:
    import torch

_SHORTEST_S = 0.05
_PARTS = {
    "pyannote": ("config.yaml",),
    "windows": ("segmentation/pytorch_model.bin", "embedding/campplus.pt"),
}

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Diarization:
    """Who speaks when, and where that is known from.

    ``segments`` are sorted by start and may overlap; speakers are SPEAKER_00, SPEAKER_01, … by order of first
    speech; ``channel`` is set where the channel is the speaker. No segments: nobody speaks.
    """

    method: DiarizationMethod
    model: str
    segments: tuple[SpeakerSegment, ...]


class DiarizationEngine(Protocol):
    """What the service needs of an engine."""

    def diarize(
        self, waveform: Waveform, profile: DiarizationProfile, *, speakers: int | None = None
    ) -> Diarization:
        """Find the speakers; ``speakers`` is their number where it is known."""
        ...

    def self_test(self, profile: DiarizationProfile) -> None:
        """Load the profile's models and run them. Fatal, saying what is wrong, when they do not work."""
        ...


class Pipeline(Protocol):
    """A loaded model pipeline."""

    def turns(self, samples: NDArray[np.float32], *, speakers: int | None) -> list[Turn]:
        """Who speaks when in mono samples of shape (samples,), overlap kept."""
        ...


class PyannoteEngine:
    """The real engine: channels for stereo, else the profile's pipeline.

    Loaded pipelines stay warm, at most ``max_pipelines`` of them; the one unused for longest goes first.
    One recording at a time is worked on: the models use all cores or the whole device for it.
    """

    def __init__(self, *, max_pipelines: int = 2) -> None:
        self._max_pipelines = max_pipelines
        self._warm: OrderedDict[tuple[str, str, str], Pipeline] = OrderedDict()
        self._loading = threading.Lock()
        self._running = threading.Lock()

    def diarize(
        self, waveform: Waveform, profile: DiarizationProfile, *, speakers: int | None = None
    ) -> Diarization:
        """Find the speakers. Retryable when memory runs out, Fatal when the profile's models do not load."""
        if waveform.layout is Layout.STEREO:
            turns, method, model = channel_turns(waveform), DiarizationMethod.CHANNELS, VAD_MODEL
        else:
            turns, method, model = (
                self._model_turns(waveform, profile, speakers),
                DiarizationMethod.MODEL,
                model_name(profile),
            )
        segments = to_segments(turns, duration_ms=waveform.duration_ms)
        return Diarization(method=method, model=model, segments=segments)

    def self_test(self, profile: DiarizationProfile) -> None:
        """Load the pipeline and run it on two seconds of a generated signal. Fatal when either fails."""
        try:
            pipeline = self._pipeline(profile)
            with self._running:
                pipeline.turns(_signal(), speakers=None)
        except Fatal:
            raise
        except Exception as error:
            # Whatever a broken model raises, the process must not say that it is ready.
            message = f"diarization pipeline {profile.pipeline} fails its self-test: {error}. Fetch it again."
            raise Fatal(ErrorCode.RESOURCE, message) from error

    def _model_turns(
        self, waveform: Waveform, profile: DiarizationProfile, speakers: int | None
    ) -> list[Turn]:
        if waveform.samples.shape[1] < _SHORTEST_S * SAMPLE_RATE_HZ:
            return []
        pipeline = self._pipeline(profile)
        with self._running, _memory_errors_told():
            return pipeline.turns(np.ascontiguousarray(waveform.mono), speakers=speakers)

    def _pipeline(self, profile: DiarizationProfile) -> Pipeline:
        key = (profile.kind, profile.pipeline, profile.device)
        with self._loading:
            if key not in self._warm:
                while len(self._warm) >= self._max_pipelines:
                    dropped, _ = self._warm.popitem(last=False)
                    _log.info("diarization pipeline dropped from memory", pipeline=dropped[1])
                self._warm[key] = load_pipeline(profile)
                _log.info("diarization pipeline loaded", pipeline=profile.pipeline, kind=profile.kind)
            self._warm.move_to_end(key)
            return self._warm[key]


def load_pipeline(profile: DiarizationProfile) -> Pipeline:
    """The pipeline of the profile's kind, loaded. Fatal when the models are not there or do not load."""
    _check_parts(profile)
    from consumers.diarization.loading import torch_device  # noqa: PLC0415 -- a second of import
    from consumers.diarization.pyannote_pipeline import PyannotePipeline  # noqa: PLC0415 -- the same
    from consumers.diarization.windows import WindowsPipeline  # noqa: PLC0415 -- the same

    device: torch.device = torch_device(profile.device)
    try:
        if profile.kind == "windows":
            return WindowsPipeline(Path(profile.pipeline), device=device, batch_size=profile.batch_size)
        return PyannotePipeline(profile.pipeline, device=device, batch_size=profile.batch_size)
    except CallyticsError:
        raise
    except Exception as error:
        # Checkpoints raise whatever unpickling and torch raise.
        message = (
            f"diarization pipeline {profile.pipeline} cannot be loaded ({type(error).__name__}: {error}): "
        )
        raise Fatal(ErrorCode.RESOURCE, message + "put its files back as they were shipped") from error


def model_name(profile: DiarizationProfile) -> str:
    """The pipeline's name for documents: a hub name as it is, of a directory the last two parts."""
    path = Path(profile.pipeline)
    return "/".join(path.parts[-2:]) if path.is_absolute() else profile.pipeline


def _check_parts(profile: DiarizationProfile) -> None:
    """A directory must have the parts that its kind needs; what looks like one must exist."""
    path = Path(profile.pipeline)
    local = path.is_dir() or path.is_absolute() or profile.kind == "windows"
    missing = [part for part in _PARTS[profile.kind] if local and not (path / part).is_file()]
    if missing:
        message = (
            f"diarization pipeline {profile.pipeline} of kind {profile.kind} lacks {', '.join(missing)}: "
        )
        raise Fatal(
            ErrorCode.RESOURCE, message + "fetch the profile, or correct its path in the profiles file"
        )


@contextmanager
def _memory_errors_told() -> Iterator[None]:
    try:
        yield
    except MemoryError as error:
        raise Retryable(
            ErrorCode.RESOURCE, "memory ran out in diarization: give it more, or fewer calls"
        ) from error
    except RuntimeError as error:
        if "memory" in str(error):
            message = "the device's memory ran out in diarization: lower batch_size in the profile"
            raise Retryable(ErrorCode.RESOURCE, message) from error
        raise


def _signal() -> NDArray[np.float32]:
    """Two seconds of a buzzing tone with syllables: something that a model may or may not take for speech."""
    time_s = np.arange(2 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    buzz = np.sum([np.sin(2 * np.pi * 120 * k * time_s) / k for k in range(1, 25)], axis=0)
    signal: NDArray[np.float32] = (0.1 * buzz * np.abs(np.sin(2 * np.pi * 2 * time_s))).astype(np.float32)
    return signal

"""A pyannote.audio pipeline as it is: a local directory or a hub name."""

import warnings
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from consumers.diarization.loading import hub_offline, pyannote_audio
from consumers.diarization.turns import Turn
from infra.audio.waveform import SAMPLE_RATE_HZ
from infra.errors import ErrorCode, Fatal

if TYPE_CHECKING:
    import torch

_PHANTOM_S = 1.0
_PHANTOM_ALONE_S = 0.1


class PyannotePipeline:
    """One loaded pipeline. Fatal when it cannot be loaded."""

    def __init__(self, name: str, *, device: "torch.device", batch_size: int) -> None:
        audio = pyannote_audio()
        local = Path(name).is_dir()
        try:
            with hub_offline() if local else nullcontext(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                pipeline = audio.Pipeline.from_pretrained(name)
        except Exception as error:
            # The loader raises whatever the hub, the checkpoint or the configuration raises.
            raise Fatal(ErrorCode.RESOURCE, _why_not(name, error, local=local)) from error
        if pipeline is None:
            raise Fatal(ErrorCode.RESOURCE, _why_not(name, None, local=local))
        pipeline.segmentation_batch_size = batch_size
        pipeline.embedding_batch_size = batch_size
        self._pipeline: Any = pipeline.to(device)

    def turns(self, samples: NDArray[np.float32], *, speakers: int | None) -> list[Turn]:
        """Who speaks when in mono samples of shape (samples,), overlap kept."""
        import torch  # noqa: PLC0415 -- loaded with the pipeline

        file = {"waveform": torch.from_numpy(samples)[None], "sample_rate": SAMPLE_RATE_HZ}
        with warnings.catch_warnings():
            # Of too little speech for an embedding it warns, and gives one speaker: just what is wanted.
            warnings.simplefilter("ignore")
            output = self._pipeline(file, num_speakers=speakers)
        annotation = getattr(output, "speaker_diarization", output)
        found = [
            Turn(start_s=segment.start, end_s=segment.end, speaker=str(label))
            for segment, _, label in annotation.itertracks(yield_label=True)
        ]
        return without_phantoms(found)


def without_phantoms(turns: list[Turn]) -> list[Turn]:
    """Drop speakers whose little speech lies all within the others'.

    Where two voices are counted but clustering knows one speaker, pyannote fills up with a speaker whom
    nobody ever hears alone.
    """
    speakers = {turn.speaker for turn in turns}
    phantoms = {speaker for speaker in speakers if len(speakers) > 1 and _is_phantom(turns, speaker)}
    return [turn for turn in turns if turn.speaker not in phantoms]


def _is_phantom(turns: list[Turn], speaker: str) -> bool:
    own = [turn for turn in turns if turn.speaker == speaker]
    total_s = sum(turn.end_s - turn.start_s for turn in own)
    if total_s >= _PHANTOM_S:
        return False
    others = [turn for turn in turns if turn.speaker != speaker]
    covered_s = sum(max(0.0, min(a.end_s, b.end_s) - max(a.start_s, b.start_s)) for a in own for b in others)
    return total_s - covered_s < _PHANTOM_ALONE_S


def _why_not(name: str, error: Exception | None, *, local: bool) -> str:
    what = f"the diarization pipeline {name} cannot be loaded"
    if error is not None:
        what += f" ({type(error).__name__}: {error})"
    if local:
        return f"{what}: put the directory back as it was shipped, or choose another profile"
    return (
        f"{what}: if it is a directory, it is not there; if it is a hub name, check the network, accept its "
        "conditions on the hub and set HF_TOKEN; the demo and small profiles need neither"
    )

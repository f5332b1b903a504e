"""Speech and overlap from pyannote's segmentation model.

The model hears up to three speakers in a chunk of some seconds but does not know them again in the next one.
Taken from it is only what does not depend on identity. Speaker changes without a pause are left to the
embeddings: in telephone speech the model hears few of them.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from consumers.diarization.loading import hub_offline, pyannote_audio
from consumers.diarization.turns import fill_gaps, spans
from infra.audio.waveform import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    import torch

_STEPS_PER_CHUNK = 4
_MAJORITY = 0.5
_OVERLAP_SHARE = 0.75
"""Overlap is believed when nearly all chunks hear it: a false one costs as much as a missed one."""
_FLICKER_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """Per frame, shape (frames,): somebody speaks, two or more speak.

    Frame ``i`` lasts from ``i * step_s`` to ``(i + 1) * step_s``.
    """

    step_s: float
    speech: NDArray[np.bool_]
    overlap: NDArray[np.bool_]


class Segmentation:
    """One loaded segmentation model."""

    def __init__(self, checkpoint: Path, *, device: "torch.device", batch_size: int) -> None:
        audio = pyannote_audio()
        with hub_offline():
            model = audio.Model.from_pretrained(str(checkpoint))
        self._chunk_s = float(model.specifications.duration)
        self._inference: Any = audio.Inference(
            model,
            step=self._chunk_s / _STEPS_PER_CHUNK,
            skip_aggregation=True,
            batch_size=batch_size,
            device=device,
        )
        self._step_s = float(model.receptive_field.step)
        # The model's first frame looks at the middle of its receptive field, ours at the middle of a step.
        field = model.receptive_field
        self._first = (field.start + field.duration / 2) / self._step_s - 0.5

    def activity(self, samples: NDArray[np.float32]) -> Activity:
        """Listen to mono samples of shape (samples,), at least one of them."""
        import torch  # noqa: PLC0415 -- loaded with the model

        wave = torch.from_numpy(samples)[None]
        chunks = self._inference({"waveform": wave, "sample_rate": SAMPLE_RATE_HZ})
        frames = max(1, round(len(samples) / SAMPLE_RATE_HZ / self._step_s))
        hop = self._chunk_s / _STEPS_PER_CHUNK / self._step_s
        shares = _mean_over_chunks(np.asarray(chunks.data), hop=hop, first=self._first, frames=frames)
        return Activity(
            step_s=self._step_s,
            speech=self._steady(shares[0] >= _MAJORITY),
            overlap=shares[1] >= _OVERLAP_SHARE,
        )

    def _steady(self, speech: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Close gaps that are too short for a pause, then drop what is still too short for a word."""
        shortest = round(_FLICKER_S / self._step_s)
        steady = np.zeros_like(speech)
        for first, end in fill_gaps(spans(speech), shortest):
            steady[first:end] = end - first > shortest
        return steady


def _mean_over_chunks(
    chunks: NDArray[np.float32], *, hop: float, first: float, frames: int
) -> NDArray[np.float32]:
    """Chunks of shape (chunks, frames, speakers) to the shares, (2, frames), with speech and with overlap."""
    total = np.zeros((3, frames), dtype=np.float32)
    for number, active in enumerate(chunks > 0.5):  # noqa: PLR2004 -- the conversion yields 0 and 1
        start = round(number * hop + first)
        count = active.sum(axis=1)
        votes = np.stack([count > 0, count > 1, np.ones_like(count)])
        room = max(0, min(len(count), frames - start))
        total[:, start : start + room] += votes[:, :room]
    shares: NDArray[np.float32] = total[:2] / np.maximum(total[2], 1)
    return shares

"""Speaker segmentation: pyannote's PyanNet at half its resolution, for two speakers in 5 s.

Two local speakers instead of three make a third fewer embeddings; the clustering still finds more in a call.
Longer windows are no better for so small a network: it mixes the speakers up within them.
"""

from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ops.models.diarization.loop import Example, Run, train
from ops.models.diarization.mixing import MODEL_RATE_HZ, Chunk, Mixer

DURATION_S: Final = 5.0
_ARCHITECTURE: Final[dict[str, Any]] = {
    "sincnet": {"stride": 20},
    "lstm": {
        "hidden_size": 96,
        "num_layers": 2,
        "bidirectional": True,
        "monolithic": True,
        "dropout": 0.0,
    },
    "linear": {"hidden_size": 64, "num_layers": 1},
}


def build_segmentation() -> Any:
    """An untrained network, its first filters (a sinc bank) fixed: 0.4 million parameters."""
    from pyannote.audio.core.task import Problem, Resolution, Specifications  # noqa: PLC0415 # slow to import
    from pyannote.audio.models.segmentation import PyanNet  # noqa: PLC0415 # the same

    model: Any = PyanNet(**_ARCHITECTURE)
    # The classifier is built for these specifications, so they come before setup().
    model.specifications = Specifications(
        problem=Problem.MONO_LABEL_CLASSIFICATION,
        resolution=Resolution.FRAME,
        duration=DURATION_S,
        min_duration=DURATION_S,
        warm_up=(0.0, 0.0),
        classes=["speaker#1", "speaker#2"],
        powerset_max_classes=2,
        permutation_invariant=True,
    )
    model.setup()
    for part in (model.sincnet.wav_norm1d, model.sincnet.conv1d[0]):
        part.requires_grad_(False)
    return model


class SegmentationTraining:
    """Trains ``model`` by the negative log-likelihood of the powerset classes under the better permutation.

    Source: Plaquet and Bredin, "Powerset multi-class cross entropy loss for neural speaker diarization",
    Interspeech 2023.
    """

    def __init__(self, model: Any, mixer: Mixer) -> None:
        from pyannote.audio.utils.powerset import Powerset  # noqa: PLC0415 # slow to import

        self._model = model
        self._mixer = mixer
        self._powerset = Powerset(2, 2)
        field = model.receptive_field
        frames = np.arange(model.num_frames(int(DURATION_S * MODEL_RATE_HZ)))
        centres_s = field.start + field.duration / 2 + frames * field.step
        self._centres = (centres_s * MODEL_RATE_HZ).astype(int)

    def run(self, *, minutes: float, rate: float = 2e-3) -> int:
        """Train for ``minutes``; the number of steps."""
        parameters = [parameter for parameter in self._model.parameters() if parameter.requires_grad]
        settings = Run(name="segmentation", minutes=minutes, rate=rate, batch=16, max_norm=1.0)
        self._model.train()
        return train(settings, torch.optim.Adam(parameters, lr=rate), self.draw, self._loss)

    def draw(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """(samples of shape (1, samples), who speaks at each frame of shape (frames, 2))."""
        chunk = self._mixer.chunk()
        return chunk.samples[None], self._target(chunk)

    def _target(self, chunk: Chunk) -> NDArray[np.float32]:
        active = np.zeros((len(self._centres), 2), np.float32)
        for place, spans in enumerate(chunk.speech):
            for begin, end in spans:
                active[(self._centres >= begin) & (self._centres < end), place] = 1
        return active

    def _loss(self, batch: Example, _elapsed: float) -> Tensor:
        samples, active = batch
        scores = self._model(samples).transpose(1, 2)
        losses = []
        for order in ([0, 1], [1, 0]):
            classes = self._powerset.to_powerset(active[..., order]).argmax(-1)
            losses.append(functional.nll_loss(scores, classes, reduction="none").mean(1))
        return torch.stack(losses, 1).min(1).values.mean()

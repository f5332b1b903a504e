"""Speaker embedding: pyannote's x-vector on MFCC of the telephone band, 64 values a voice."""

from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ops.models.diarization.loop import Example, Run, train
from ops.models.diarization.mixing import ABSENT, Chunk, Mixer

DURATION_S: Final = 4.0
DIMENSION: Final = 64
_MASK_RATE_HZ: Final = 100
_SAMPLES_PER_MASK: Final = 160
_SHORTEST: Final = 50
_LONG: Final = 100
_SHORTENED_SHARE: Final = 0.4
_MARGIN_FROM: Final = 0.15
_MARGIN: Final = 0.2
_SCALE, _MARGIN_SCALE = 20.0, 30.0
_ARCHITECTURE: Final[dict[str, Any]] = {
    "mfcc": {
        "n_mfcc": 30,
        "melkwargs": {"n_fft": 512, "hop_length": 400, "n_mels": 40, "f_min": 200.0, "f_max": 3600.0},
    },
    "dimension": DIMENSION,
}


def build_embedding() -> Any:
    """An untrained network: 2.9 million parameters."""
    from pyannote.audio.core.task import Problem, Resolution, Specifications  # noqa: PLC0415 # slow to import
    from pyannote.audio.models.embedding import XVectorMFCC  # noqa: PLC0415 # the same

    model = XVectorMFCC(**_ARCHITECTURE)
    model.specifications = Specifications(
        problem=Problem.REPRESENTATION, resolution=Resolution.CHUNK, duration=DURATION_S
    )
    return model


def alone(
    chunk: Chunk, *, duration_s: float, rng: np.random.Generator | None = None, shortest: int = _SHORTEST
) -> NDArray[np.float32]:
    """Where each place speaks alone: 0 or 1 in steps of 10 ms, shape (2, steps); all 0 where too little.

    With ``rng`` the borders move a little and long evidence is cut, as segmentation will do it.
    """
    active = np.zeros((2, int(duration_s * _MASK_RATE_HZ)), np.float32)
    for place, spans in enumerate(chunk.speech):
        for begin, end in spans:
            moved = rng.normal(0, 4, 2) if rng is not None else (0, 0)
            first, last = begin / _SAMPLES_PER_MASK + moved[0], end / _SAMPLES_PER_MASK + moved[1]
            active[place, max(0, round(first)) : max(0, round(last))] = 1
    masks: NDArray[np.float32] = active * (active.sum(axis=0) < len(active))
    for mask in masks:
        if rng is not None:
            _shorten(mask, rng)
        if mask.sum() < shortest:
            mask[:] = 0
    return masks


def _shorten(mask: NDArray[np.float32], rng: np.random.Generator) -> None:
    count = mask.sum()
    if count > _LONG and rng.random() < _SHORTENED_SHARE:
        kept = rng.uniform(_SHORTEST, count)
        first = rng.uniform(0, count - kept)
        order = np.cumsum(mask)
        mask *= (order >= first) & (order <= first + kept)


class EmbeddingTraining:
    """Trains ``model`` to tell the speakers of ``mixer`` apart.

    Cosine softmax first, then with an additive angular margin (Deng et al., "ArcFace", CVPR 2019).
    """

    def __init__(self, model: Any, mixer: Mixer, *, speakers: int, seed: int) -> None:
        self._model = model
        self._mixer = mixer
        self._rng = np.random.default_rng(seed)
        self._centres = nn.Parameter(torch.randn(speakers, DIMENSION) * 0.1)

    def run(self, *, minutes: float, rate: float = 2e-3) -> int:
        """Train for ``minutes``; the number of steps."""
        parameters = [*self._model.parameters(), self._centres]
        optimizer = torch.optim.AdamW(parameters, lr=rate, weight_decay=1e-4)
        self._model.train()
        settings = Run(name="embedding", minutes=minutes, rate=rate, batch=24, max_norm=5.0)
        return train(settings, optimizer, self.draw, self._loss)

    def draw(self) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
        """(samples (1, samples), masks (2, steps), speaker of each place or -1)."""
        while True:
            chunk = self._mixer.chunk()
            masks = alone(chunk, duration_s=DURATION_S, rng=self._rng)
            if masks.any():
                heard = masks.any(axis=1)
                return chunk.samples[None], masks, np.where(heard, chunk.speakers, ABSENT)

    def _loss(self, batch: Example, elapsed: float) -> Tensor:
        samples, masks, speakers = batch
        heard = speakers != ABSENT
        # An all-zero mask gives NaN gradients (the root of a zero variance): fill it and drop its output.
        masks = torch.where(heard[..., None], masks, torch.ones_like(masks))
        voices = functional.normalize(self._model(samples, weights=masks)[heard], dim=-1)
        cosines = voices @ functional.normalize(self._centres, dim=-1).T
        right = functional.one_hot(speakers[heard], len(self._centres)).bool()
        if elapsed < _MARGIN_FROM:
            return functional.cross_entropy(_SCALE * cosines, speakers[heard])
        angles = torch.acos(cosines.clamp(-0.9999, 0.9999))
        cosines = torch.where(right, torch.cos(angles + _MARGIN), cosines)
        return functional.cross_entropy(_MARGIN_SCALE * cosines, speakers[heard])

"""LDA and PLDA on speaker embeddings, in the two files that pyannote's clustering reads.

Two generalised eigenvalue problems of the between- and within-speaker covariance, as in Kaldi's x-vector
recipe. The pipeline loads them even where its clustering is agglomerative and does not use them.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import eigh

from ops.models.diarization.embedding import alone
from ops.models.diarization.mixing import Mixer

_FEWEST: Final = 3
_LONG_ENOUGH: Final = 100
Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plda:
    """``mean1`` (dimension), ``lda`` (dimension, reduced), the rest in the reduced space."""

    mean1: Matrix
    lda: Matrix
    mean2: Matrix
    mu: Matrix
    tr: Matrix
    psi: Matrix

    def write(self, folder: Path) -> None:
        """``xvec_transform.npz`` and ``plda.npz`` in ``folder``."""
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(folder / "xvec_transform.npz", mean1=self.mean1, mean2=self.mean2, lda=self.lda)
        np.savez(folder / "plda.npz", mu=self.mu, tr=self.tr, psi=self.psi)


def embed(model: Any, mixer: Mixer, *, count: int, duration_s: float) -> tuple[Matrix, NDArray[np.int64]]:
    """(embeddings (count or one more, dimension), their speakers) of voices with a second alone."""
    embeddings: list[Matrix] = []
    speakers: list[int] = []
    model.eval()
    while len(embeddings) < count:
        chunk = mixer.chunk()
        masks = alone(chunk, duration_s=duration_s, shortest=_LONG_ENOUGH)
        heard = [place for place in range(2) if masks[place].any()]
        if not heard:
            continue
        with torch.inference_mode():
            weights = torch.from_numpy(masks[heard])[None]
            values = model(torch.from_numpy(chunk.samples)[None, None], weights=weights)[0]
        embeddings += list(values.double().numpy())
        speakers += [chunk.speakers[place] for place in heard]
    return np.array(embeddings), np.array(speakers)


def fit(embeddings: Matrix, speakers: NDArray[np.int64], *, reduced: int = 40) -> Plda:
    """The transforms for ``embeddings``; ValueError where no speaker has three of them."""
    mean1 = embeddings.mean(axis=0)
    scaled = _scale(embeddings - mean1)
    within, between = _covariances(scaled, speakers)
    lda = eigh(between, within)[1][:, ::-1][:, :reduced]
    projected = scaled @ lda
    mean2 = projected.mean(axis=0)
    scaled = _scale(projected - mean2)
    within, between = _covariances(scaled, speakers)
    values, vectors = eigh(between + 1e-6 * np.eye(reduced), within)
    order = np.argsort(-values)
    return Plda(
        mean1=mean1,
        lda=lda,
        mean2=mean2,
        mu=scaled.mean(axis=0),
        tr=vectors[:, order].T,
        psi=np.maximum(values[order], 1e-3),
    )


def _scale(vectors: Matrix) -> Matrix:
    """To the length that a standard normal vector of the dimension has."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(np.sqrt(vectors.shape[1]) * vectors / lengths, np.float64)


def _covariances(vectors: Matrix, speakers: NDArray[np.int64]) -> tuple[Matrix, Matrix]:
    """(within, between) over the speakers with at least three vectors."""
    mean, dimension = vectors.mean(axis=0), vectors.shape[1]
    groups = [vectors[speakers == speaker] for speaker in np.unique(speakers)]
    groups = [group for group in groups if len(group) >= _FEWEST]
    if not groups:
        raise ValueError("no speaker has three embeddings: draw more chunks or use fewer speakers")
    within = sum((np.cov(group, rowvar=False) for group in groups), np.zeros((dimension, dimension)))
    offsets = np.array([group.mean(axis=0) - mean for group in groups])
    floor = 1e-5 * np.trace(within) / dimension / len(groups)
    return within / len(groups) + floor * np.eye(dimension), offsets.T @ offsets / len(groups)

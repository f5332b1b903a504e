"""Speech and overlap from the segmentation model, identity from sliding speaker embeddings.

The segmentation model often hears one speaker where two of the same sex alternate; embeddings do not. So it
only says when somebody speaks and when two do. Who: CAM++ embeddings of 1.5 s windows every 0.25 s over that
speech are clustered, and each frame goes to the speaker whose centroid is most similar to the windows around
it, weighted by a Gaussian of 0.4 s. Where two speak, the second most similar one speaks as well.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from consumers.diarization.clustering import Floats, speaker_centroids, unit
from consumers.diarization.segmentation import Activity, Segmentation
from consumers.diarization.turns import Turn, fill_gaps, spans
from infra.audio.waveform import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    import torch

_WINDOW_FRAMES = 148
"""1.5 s of feature frames of 25 ms, 10 ms apart."""
_STEP_FRAMES = 25
_SHORTEST_FRAMES = 20
_PIECE_S = 60.0
"""Features are computed for a minute of speech at a time, which bounds the memory."""
_VOTE_S = 0.4
_PAUSE_S = 0.3
"""Shorter pauses belong to the speech (the convention of NIST's evaluations)."""
_CLEAN_SHARE = 0.8
"""Windows with more than a fifth of overlap, or less than half filled by speech, teach no centroid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """Embeddings of shape (windows, dimension), their centres and their true speech in seconds."""

    embeddings: Floats
    centre_s: NDArray[np.float64]
    speech_s: NDArray[np.float64]


class WindowsPipeline:
    """The models below a directory: ``segmentation/pytorch_model.bin`` and ``embedding/campplus.pt``."""

    def __init__(self, directory: Path, *, device: "torch.device", batch_size: int) -> None:
        from consumers.diarization.campplus import load_campplus  # noqa: PLC0415 -- a second of import

        checkpoint = directory / "segmentation" / "pytorch_model.bin"
        self._segmentation = Segmentation(checkpoint, device=device, batch_size=batch_size)
        self._embedding = load_campplus(directory / "embedding" / "campplus.pt", device=device)
        self._device = device
        self._batch_size = batch_size

    def turns(self, samples: NDArray[np.float32], *, speakers: int | None) -> list[Turn]:
        """Who speaks when in mono samples of shape (samples,), overlap kept."""
        activity = self.listen(samples)
        return decide(activity, self.embed(samples, activity), speakers=speakers)

    def listen(self, samples: NDArray[np.float32]) -> Activity:
        """Where somebody speaks, and where two do."""
        return self._segmentation.activity(samples)

    def embed(self, samples: NDArray[np.float32], activity: Activity) -> Windows | None:
        """Embeddings of all windows over the speech; None when there is too little for one."""
        import torch  # noqa: PLC0415 -- loaded with the models

        embeddings, centres, lengths, batch = [], [], [], []
        for centre_s, speech_s, banks in _windows(samples, activity):
            centres.append(centre_s)
            lengths.append(speech_s)
            batch.append(banks - banks.mean(dim=0))
            if len(batch) == self._batch_size:
                embeddings.append(self._embed(torch.stack(batch)))
                batch.clear()
        if batch:
            embeddings.append(self._embed(torch.stack(batch)))
        if not embeddings:
            return None
        return Windows(
            embeddings=np.concatenate(embeddings),
            centre_s=np.array(centres),
            speech_s=np.array(lengths),
        )

    def _embed(self, banks: "torch.Tensor") -> Floats:
        import torch  # noqa: PLC0415 -- loaded with the models

        with torch.inference_mode():
            found: Floats = self._embedding(banks.to(self._device)).cpu().numpy()
        return found


def decide(activity: Activity, windows: Windows | None, *, speakers: int | None) -> list[Turn]:
    """From what was heard to who speaks when; without windows all speech is one speaker's."""
    if windows is None:
        return _turns(activity.speech, activity, speaker="0")
    centroids = speaker_centroids(_clean(windows, activity), speakers=speakers)
    return assign(activity, windows, centroids)


def assign(activity: Activity, windows: Windows, centroids: Floats) -> list[Turn]:
    """Give each frame of speech to the most similar speaker, each frame of overlap to the second one too."""
    similarity = _frame_similarity(activity, windows, unit(windows.embeddings) @ centroids.T)
    ranked = np.argsort(-similarity, axis=1, kind="stable")
    turns = []
    for speaker in range(len(centroids)):
        talks = activity.speech & (ranked[:, 0] == speaker)
        if len(centroids) > 1:
            talks |= activity.overlap & (ranked[:, 1] == speaker)
        turns += _turns(talks, activity, speaker=str(speaker))
    return turns


def _frame_similarity(activity: Activity, windows: Windows, similarity: Floats) -> NDArray[np.float64]:
    """Windows' similarities of shape (windows, speakers) to (frames, speakers), by weight of the distance."""
    frames = len(activity.speech)
    at = np.minimum((windows.centre_s / activity.step_s).astype(int), frames - 1)
    votes = np.zeros((frames, similarity.shape[1] + 1))
    np.add.at(votes, at, np.column_stack([similarity, np.ones(len(at))]))
    votes = gaussian_filter1d(votes, _VOTE_S / activity.step_s, axis=0, truncate=8, mode="constant")
    reached = np.flatnonzero(votes[:, -1] > 0)
    # Speech too short and too far off for any vote goes where the nearest frame with votes goes.
    after = np.searchsorted(reached, np.arange(frames)).clip(max=len(reached) - 1)
    votes = votes[reached[after]]
    means: NDArray[np.float64] = votes[:, :-1] / votes[:, -1:]
    return means


def _windows(
    samples: NDArray[np.float32], activity: Activity
) -> Iterator[tuple[float, float, "torch.Tensor"]]:
    """Centre, seconds of speech and filter banks (148, 80) of each window over the speech.

    A stretch shorter than a window is repeated to its length, so that all go through the network together.
    """
    import torch  # noqa: PLC0415 -- loaded with the models

    from consumers.diarization.campplus import FRAME_STEP, features  # noqa: PLC0415 -- a second of import

    frame_s = FRAME_STEP / SAMPLE_RATE_HZ
    for start_s, end_s in _pieces(activity):
        piece = samples[round(start_s * SAMPLE_RATE_HZ) : round(end_s * SAMPLE_RATE_HZ)]
        if len(piece) < (_SHORTEST_FRAMES + 2) * FRAME_STEP:
            continue
        banks = features(torch.from_numpy(piece))
        if len(banks) < _WINDOW_FRAMES:
            again = torch.arange(_WINDOW_FRAMES) % len(banks)
            yield (start_s + end_s) / 2, len(banks) * frame_s, banks[again]
            continue
        last = len(banks) - _WINDOW_FRAMES
        for first in [*range(0, last, _STEP_FRAMES), last]:
            centre_s = start_s + (first + _WINDOW_FRAMES / 2) * frame_s
            yield centre_s, _WINDOW_FRAMES * frame_s, banks[first : first + _WINDOW_FRAMES]


def _pieces(activity: Activity) -> Iterator[tuple[float, float]]:
    """Stretches of speech in seconds, at most a minute each."""
    for first, end in spans(activity.speech):
        start_s, end_s = first * activity.step_s, end * activity.step_s
        count = max(1, round((end_s - start_s) / _PIECE_S))
        edges = np.linspace(start_s, end_s, count + 1)
        yield from zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)


def _clean(windows: Windows, activity: Activity) -> Floats:
    """Embeddings fit to teach centroids: one speaker, enough speech; all when none is."""
    half = round(_WINDOW_FRAMES / 200 / activity.step_s)
    centre = (windows.centre_s / activity.step_s).astype(int)
    summed = np.concatenate([[0], np.cumsum(activity.overlap)])
    first, end = (np.clip(centre + side, 0, len(activity.overlap)) for side in (-half, half))
    overlap = (summed[end] - summed[first]) / (2 * half)
    fit = (overlap <= 1 - _CLEAN_SHARE) & (windows.speech_s >= _WINDOW_FRAMES / 200)
    return windows.embeddings[fit] if fit.any() else windows.embeddings


def _turns(talks: NDArray[np.bool_], activity: Activity, *, speaker: str) -> list[Turn]:
    """One speaker's turns; short pauses in which nobody else speaks belong to them."""
    longest = round(_PAUSE_S / activity.step_s)
    filled = talks.copy()
    for first, end in fill_gaps(spans(talks), longest):
        filled[first:end] |= ~activity.speech[first:end]
    step_s = activity.step_s
    return [Turn(start_s=first * step_s, end_s=end * step_s, speaker=speaker) for first, end in spans(filled)]

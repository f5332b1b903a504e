"""How many speakers there are among embeddings of short windows, and where each speaker's centroid lies.

Average linkage on cosine distance. Its dendrogram is cut where as many *sizable* clusters hang below the cut
as there are speakers: a laugh or a cough forms a cluster of its own and is nobody.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import pdist

Floats = NDArray[np.float32]

_MOST_WINDOWS = 2000
"""Linkage needs memory with the square of the windows; evenly chosen ones tell the same."""
_MIN_WINDOWS = 4
_MIN_SHARE = 0.04
"""A speaker has at least a second of speech and 4 % of all."""
_MIN_GAP = 0.12
_MOST_BETWEEN = 0.48
"""Two people: so much less alike between than within, and not very alike at all."""
_MIN_GAP_MORE = 0.25
_MOST_BETWEEN_MORE = 0.3
"""A call has two parties: a third one needs more evidence."""
_MOST_SPEAKERS = 6
_REFINEMENTS = 5


class Separation(NamedTuple):
    """Of the closest clusters: cosine within the looser one less cosine between, and the latter."""

    gap: float
    between: float


def unit(embeddings: Floats) -> Floats:
    """Embeddings of shape (n, dimension) scaled to length one."""
    norms = np.linalg.norm(embeddings, axis=1, keepdims=True)
    scaled: Floats = embeddings / np.maximum(norms, np.finfo(np.float32).tiny)
    return scaled


def speaker_centroids(embeddings: Floats, *, speakers: int | None) -> Floats:
    """Centroids of shape (speakers, dimension), length one, of at least one embedding (n, dimension).

    Without ``speakers`` the number is estimated: two if the two largest clusters are two people, else one;
    more only when every pair of clusters is far apart. Fewer than asked for come back when the embeddings
    hold no more.
    """
    vectors = unit(embeddings)
    vectors = vectors[np.linspace(0, len(vectors) - 1, min(len(vectors), _MOST_WINDOWS)).round().astype(int)]
    if len(vectors) == 1 or speakers == 1:
        return unit(vectors.mean(axis=0, keepdims=True))
    tree = linkage(pdist(vectors, "cosine"), method="average")
    if speakers is not None:
        return _refined(vectors, _cut(tree, vectors, speakers))
    best = unit(vectors.mean(axis=0, keepdims=True))
    for count in range(2, _MOST_SPEAKERS + 1):
        centroids = _refined(vectors, _cut(tree, vectors, count))
        if len(centroids) < count or not _are_people(separation(vectors, centroids), count):
            break
        best = centroids
    return best


def separation(vectors: Floats, centroids: Floats) -> Separation:
    """How far apart the two closest clusters are."""
    nearest = (vectors @ centroids.T).argmax(axis=1)
    sums = np.stack([vectors[nearest == k].sum(axis=0) for k in range(len(centroids))])
    sizes = np.bincount(nearest, minlength=len(centroids))
    # The sum of all pairwise cosines is the squared length of the sum of the vectors.
    products = sums @ sums.T
    within = (np.diag(products) - sizes) / np.maximum(sizes * (sizes - 1), 1)
    between = products / np.maximum(np.outer(sizes, sizes), 1)
    gaps = np.minimum(within[:, None], within[None]) - between
    different = ~np.eye(len(gaps), dtype=bool)
    return Separation(gap=float(gaps[different].min()), between=float(between[different].max()))


def _are_people(found: Separation, count: int) -> bool:
    if count == 2:  # noqa: PLR2004 -- a call has two parties
        return found.gap >= _MIN_GAP and found.between <= _MOST_BETWEEN
    return found.gap >= _MIN_GAP_MORE and found.between <= _MOST_BETWEEN_MORE


def _cut(tree: NDArray[np.float64], vectors: Floats, count: int) -> Floats:
    """Centroids of the ``count`` largest clusters at the first cut that has so many sizable ones."""
    smallest = max(_MIN_WINDOWS, _MIN_SHARE * len(vectors))
    labels = np.ones(len(vectors), dtype=np.int64)
    for clusters in range(count, len(vectors) + 1):
        cut = fcluster(tree, clusters, criterion="maxclust")
        sizes = np.bincount(cut)
        if (sizes >= smallest).sum() >= count:
            labels = cut
            break
        if sizes.max() < smallest:
            labels = fcluster(tree, count, criterion="maxclust")
            break
    sizes = np.bincount(labels)
    largest = [label for label in np.argsort(-sizes, kind="stable")[:count] if sizes[label]]
    return unit(np.stack([vectors[labels == label].mean(axis=0) for label in largest]))


def _refined(vectors: Floats, centroids: Floats) -> Floats:
    """Some rounds of k-means on the sphere: linkage never takes back an early mistake."""
    for _ in range(_REFINEMENTS):
        nearest = (vectors @ centroids.T).argmax(axis=1)
        present = np.unique(nearest)
        centroids = unit(np.stack([vectors[nearest == k].mean(axis=0) for k in present]))
    return centroids

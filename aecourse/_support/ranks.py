"""Measures that depend on the order of scores alone, for many resamples at once.

Sorting every resample would be slow. Each row gets its place in the order of the scores once; a
resample is then a vector of counts over these places, from which each measure follows by cumulative sums.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Counts = tuple[NDArray[np.int64], NDArray[np.int64]]


class Places:
    """The position of each row in the order of the scores, highest first.

    There is a place for each score that some anomaly has, and one for each gap between two
    such scores. The measures need no more: which normal rows fall in one gap, and in which
    order, changes none of them. The threshold, if there is one, is a place of its own.
    """

    def __init__(
        self, y: NDArray[np.int64], score: NDArray[np.float64], threshold: float | None = None
    ) -> None:
        edges = score[y == 1] if threshold is None else np.append(score[y == 1], threshold)
        self._edges = np.unique(edges)
        self.size = 2 * self._edges.size + 1
        self.anomalies = self.of(score[y == 1])
        self.normals = self.of(score[y == 0])
        self.n_flagged = None if threshold is None else int(self.of(threshold))  # places above it

    def of(self, score: ArrayLike) -> NDArray[np.int64]:
        """Return the place of each score."""
        below = np.searchsorted(self._edges, score, "left") + np.searchsorted(self._edges, score, "right")
        return self.size - 1 - below

    def counts(self, anomalies: NDArray[np.int64], normals: NDArray[np.int64]) -> Counts:
        """Anomalies and normal rows in each place, (resamples, places), of drawn row numbers."""
        return _counts_in(self.anomalies[anomalies], self.size), _counts_in(self.normals[normals], self.size)

    def as_given(self) -> Counts:
        """The counts of the rows themselves, (1, places)."""
        return _counts_in(self.anomalies[None], self.size), _counts_in(self.normals[None], self.size)


def _counts_in(places, size):
    starts = np.arange(len(places))[:, None] * size
    return np.bincount((places + starts).ravel(), minlength=len(places) * size).reshape(len(places), size)


# Each measure takes the numbers of anomalies and of normal rows in each place, highest scores
# first, both of shape (resamples, places), and returns one value a resample.


def auroc(anomalies: NDArray[np.int64], normals: NDArray[np.int64]) -> NDArray[np.float64]:
    """Area under the ROC curve."""
    above = np.cumsum(normals, axis=1)
    n_normals = above[:, -1]
    beaten = (anomalies * (n_normals[:, None] - above + normals / 2)).sum(axis=1)
    return beaten / anomalies.sum(axis=1) / n_normals


def average_precision(anomalies: NDArray[np.int64], normals: NDArray[np.int64]) -> NDArray[np.float64]:
    """Average precision."""
    true = np.cumsum(anomalies, axis=1)
    flagged = true + np.cumsum(normals, axis=1)
    return (anomalies * true / np.maximum(flagged, 1)).sum(axis=1) / true[:, -1]


def precision_at(anomalies: NDArray[np.int64], normals: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """Precision among the k highest scores, the mean over all orders of tied rows."""
    rows = anomalies + normals
    seen = np.cumsum(rows, axis=1)
    last = (np.arange(len(rows)), (seen < k).sum(axis=1))  # the place that the k-th row is in
    before = np.cumsum(anomalies, axis=1)[last] - anomalies[last]
    open_slots = k - (seen[last] - rows[last])
    return (before + anomalies[last] * open_slots / rows[last]) / k

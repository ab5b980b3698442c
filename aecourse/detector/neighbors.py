"""Distances to the nearest reference rows, where a row that is a reference itself does not count."""

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from aecourse.detector.forward import VALUES_PER_CHUNK, Floats

EQUAL = 1e-6  # two rows nearer than this, in units of a usual row's length, are the same row
_FEW = 4  # the search takes longer to start than so many rows need
_BLOCK = 64  # rows whose squared distances to all references are held at once: little enough for a cache
_UNSURE = 0.01  # below this share of a row's square, single precision confuses references of like distance
SMALLEST = 1e-3  # is added to a distance before its logarithm is taken


class Neighbors:
    """The nearest of n reference rows.

    One reference that equals a row is left out: the distance of a training row is then that to the *other*
    training rows, and rows that were references and rows that were not are treated alike.

    Parameters
    ----------
    references : ndarray of shape (n, k)
        Normal rows, n at least 2.
    n_neighbors : int
        How many distances are averaged, at most n − 1.

    Examples
    --------
    >>> import numpy as np
    >>> line = Neighbors(np.array([[0.0], [1.0], [3.0]]), n_neighbors=1)
    >>> np.exp(line.log_distance(np.array([[0.0], [2.5]]))).round(2).tolist()
    [1.0, 0.5]
    """

    def __init__(self, references: NDArray, n_neighbors: int) -> None:
        self.references = np.asarray(references, dtype=np.float32)
        self.n_neighbors = min(n_neighbors, len(self.references) - 1)
        self._squares = _squared_lengths(self.references)

    @cached_property
    def _search(self) -> NearestNeighbors:
        """The search for more than two candidates of many rows."""
        return NearestNeighbors(n_neighbors=self.n_neighbors + 1, algorithm="brute").fit(self.references)

    @cached_property
    def _in_double(self) -> tuple[Floats, Floats]:
        """The references and their squared lengths in double precision."""
        references = self.references.astype(np.float64)
        return references, _squared_lengths(references)

    def nearest(self, rows: Floats) -> tuple[Floats, NDArray[np.intp]]:
        """Return the root-mean-square distances (m, n_neighbors) of rows (m, k), and whose they are."""
        # Slices keep what is computed for all neighbours of all rows at once within memory.
        size = max(1, VALUES_PER_CHUNK // ((self.n_neighbors + 1) * rows.shape[1]))
        found = [self._nearest(rows[start : start + size]) for start in range(0, len(rows), size)]
        distances, places = zip(*found, strict=True)
        return np.concatenate(distances), np.concatenate(places)

    def _nearest(self, rows: Floats) -> tuple[Floats, NDArray[np.intp]]:
        places = self._candidates(rows.astype(np.float32))
        # The search rounds; the distances are computed again, so that equal rows get equal scores.
        exact = np.sqrt(np.square(rows[:, None] - self.references[places]).mean(axis=2))
        order = np.argsort(exact, axis=1, kind="stable")
        equal = exact.min(axis=1) <= EQUAL * (1 + np.sqrt(np.square(rows).mean(axis=1)))
        kept = np.take_along_axis(order, equal[:, None] + np.arange(self.n_neighbors), axis=1)
        return np.take_along_axis(exact, kept, axis=1), np.take_along_axis(places, kept, axis=1)

    def _candidates(self, rows: NDArray[np.float32]) -> NDArray[np.intp]:
        """Return the places of the nearest references, one more than asked for, in any order."""
        if self.n_neighbors > 1 and len(rows) > _FEW:
            return self._search.kneighbors(rows, return_distance=False)
        # For two candidates, or few rows, matrix products are two to three times as fast as the search.
        places, unsure = self._by_products(rows, self.references, self._squares)
        if unsure.any():
            places[unsure], _ = self._by_products(rows[unsure].astype(np.float64), *self._in_double)
        return places

    def _by_products(
        self, rows: NDArray[Any], references: NDArray[Any], squared_lengths: NDArray[Any]
    ) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Return candidates in the precision of the rows, and which rows lie too near to one for it."""
        places = np.empty((len(rows), self.n_neighbors + 1), dtype=np.intp)
        unsure = np.empty(len(rows), dtype=bool)
        for start in range(0, len(rows), _BLOCK):
            block = slice(start, start + _BLOCK)
            squares = (-2 * rows[block]) @ references.T
            squares += squared_lengths  # the squared distances, less the row's own square
            own = _squared_lengths(rows[block])
            unsure[block] = squares.min(axis=1) + own < _UNSURE * own
            places[block] = _smallest(squares, self.n_neighbors + 1)
        return places, unsure

    def log_distance(self, rows: Floats) -> Floats:
        """Return the log of the mean distance (m,) of rows (m, k) to their nearest references."""
        return np.log(self.nearest(rows)[0].mean(axis=1) + SMALLEST)


def _squared_lengths(rows: NDArray[Any]) -> NDArray[Any]:
    """Return the squared length (m,) of rows (m, k)."""
    return np.einsum("ij,ij->i", rows, rows)


def _smallest(values: NDArray[Any], count: int) -> NDArray[np.intp]:
    """Return the places (m, count) of the smallest values in each row; the values are overwritten."""
    if count > 2:
        return np.argpartition(values, count - 1, axis=1)[:, :count]
    first = values.argmin(axis=1)
    np.put_along_axis(values, first[:, None], np.inf, axis=1)
    return np.column_stack([first, values.argmin(axis=1)])


class LocalNeighbors:
    """How much farther a row lies from its neighbours than they from theirs: the idea of LOF, in logarithms.

    Parameters
    ----------
    references : ndarray of shape (n, k)
        Normal rows, n at least 2.
    n_neighbors : int
        How many distances are averaged, at most n − 1.

    References
    ----------
    Breunig, M. M., Kriegel, H.-P., Ng, R. T., and Sander, J. (2000). LOF: identifying density-based local
    outliers. SIGMOD.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> dense, sparse = rng.normal(0, 0.1, size=(100, 2)), rng.normal(9, 1.0, size=(100, 2))
    >>> local = LocalNeighbors(np.vstack([dense, sparse]), n_neighbors=10)
    >>> near_dense, near_sparse = local.score(np.array([[1.0, 0.0], [10.0, 9.0]]))
    >>> bool(near_dense > 1 > near_sparse)
    True
    """

    def __init__(self, references: NDArray, n_neighbors: int) -> None:
        self.neighbors = Neighbors(references, n_neighbors)
        # Of each reference, the log distance to its own neighbours.
        self.own = self.neighbors.log_distance(self.references.astype(np.float64))

    @property
    def references(self) -> NDArray[np.float32]:
        """ndarray of shape (n, k): the reference rows."""
        return self.neighbors.references

    def score(self, rows: Floats) -> Floats:
        """Return the log distance (m,) of rows (m, k), less the mean of their neighbours' own."""
        distances, places = self.neighbors.nearest(rows)
        return np.log(distances.mean(axis=1) + SMALLEST) - self.own[places].mean(axis=1)

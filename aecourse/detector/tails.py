"""From values to probabilities: how rarely normal rows reach a value as high, also where none was ever seen.

Below a high level the share is counted. Above it, where only a few values lie, an exponential tail with their
mean excess continues the count, so that a value twice as far out as any that was seen gets a probability too.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

VALUES_PER_CHUNK = 2**22  # numbers that are sorted at a time
N_KNOTS = 20
_FEWEST, _MOST, _SHARE = 5, 60, 10  # values in the tail: a tenth of all, within these bounds
_SMALLEST_EXCESS = 1e-3  # of a tail whose values are all equal
_SMALLEST_COLUMN_EXCESS = 0.05  # the same of a column, in its standard deviations
SMALLEST_SUM = 1e-3  # is added to a sum of surprises before its logarithm is taken


@dataclass(frozen=True)
class Tails:
    """The surprise of values, −log p, with p the share of normal values that are at least as high.

    Attributes
    ----------
    knots : ndarray of shape (k, 20)
        Values of each of the k columns, in increasing order; the last is the level at which the tail begins.
    heights : ndarray of shape (k, 20)
        The surprise at the knots, counted; between them it is a straight line.
    excess : ndarray of shape (k,)
        Mean excess of the values above the level: the scale of the tail.

    References
    ----------
    Coles, S. (2001). An Introduction to Statistical Modeling of Extreme Values. Springer (excesses over a
    high level, and why an exponential tail is the plain choice among them).

    Examples
    --------
    >>> import numpy as np
    >>> tails = Tails.fit(np.random.default_rng(0).exponential(size=(5000, 1)))
    >>> tails.surprise(np.array([[0.0], [3.0], [20.0]])).round(1).tolist()
    [[0.0], [2.9], [19.0]]
    """

    knots: Floats
    heights: Floats
    excess: Floats

    @classmethod
    def fit(cls, values: Floats, smallest_excess: float = _SMALLEST_EXCESS) -> Self:
        """Count the values of each column, and measure how far its largest go beyond the level.

        Parameters
        ----------
        values : ndarray of shape (n, k)
            Finite values of n normal rows, at least one.
        smallest_excess : float
            The mean excess of a tail whose values are all equal.

        Returns
        -------
        Tails
        """
        n = len(values)
        in_tail = min(max(_FEWEST, min(n // _SHARE, _MOST)), max(n - 1, 1))
        ordered = np.sort(values, axis=0)
        places = np.linspace(0, max(n - 1 - in_tail, 0), N_KNOTS).round().astype(int)
        knots = ordered[places].T
        # Equal values have the surprise of the first of them: all are at least as high.
        first = np.stack([np.searchsorted(ordered[:, j], knots[j]) for j in range(len(knots))])
        heights = np.log(n + 1) - np.log(n + 1 - first)
        excess = np.maximum(ordered[-in_tail:].mean(axis=0) - knots[:, -1], smallest_excess)
        return cls(knots, heights, excess)

    def only(self, place: int) -> Self:
        """Return the tails of one column alone."""
        one = slice(place, place + 1)
        return type(self)(self.knots[one], self.heights[one], self.excess[one])

    def surprise(self, values: Floats) -> Floats:
        """Return −log p of values (m, k), at least 0."""
        beyond = np.maximum(values - self.knots[:, -1], 0) / self.excess
        # As np.interp for each column, all columns at once: a row alone is scored as fast as it can be.
        above = (values[:, :, None] >= self.knots).sum(axis=2)
        lower, upper = np.clip(above - 1, 0, N_KNOTS - 1), np.clip(above, 0, N_KNOTS - 1)
        columns = np.arange(len(self.knots))
        start, height = self.knots[columns, lower], self.heights[columns, lower]
        width = self.knots[columns, upper] - start
        share = (values - start) / np.where(width > 0, width, 1)
        share = np.where((above > 0) & (width > 0), share, 0)
        return height + share * (self.heights[columns, upper] - height) + beyond


@dataclass(frozen=True)
class ColumnTails:
    """How rare a row's values are in their columns: the surprises of both sides, summed over the columns.

    Attributes
    ----------
    above, below : Tails
        Of the d columns, and of the columns with their signs changed.

    References
    ----------
    Li, Z., Zhao, Y., Hu, X., Botta, N., Ionescu, C., and Chen, G. H. (2023). ECOD: unsupervised outlier
    detection using empirical cumulative distribution functions. IEEE Transactions on Knowledge and Data
    Engineering (the sum over columns of the log tail probabilities).

    Fisher, R. A. (1932). Statistical methods for research workers, fourth edition. Oliver and Boyd (why
    logarithms of probabilities are added).

    Examples
    --------
    >>> import numpy as np
    >>> tails = ColumnTails.fit(np.random.default_rng(0).normal(size=(500, 2)))
    >>> usual, far = tails.score(np.array([[0.0, 0.0], [5.0, 5.0]]))
    >>> bool(usual < 1.5 < far)
    True
    """

    above: Tails
    below: Tails

    @classmethod
    def fit(cls, rows: Floats) -> Self:
        """Find the tails of n standardised rows (n, d)."""
        # A few columns at a time: sorting makes a copy of them.
        size = max(1, VALUES_PER_CHUNK // len(rows))
        columns = [rows[:, start : start + size] for start in range(0, rows.shape[1], size)]
        return cls(*(_of_columns(columns, sign) for sign in (1, -1)))

    def score(self, rows: Floats) -> Floats:
        """Return the log of the sum of the surprises (m,) of rows (m, d)."""
        surprises = self.above.surprise(rows) + self.below.surprise(-rows)
        return np.log(surprises.sum(axis=1) + SMALLEST_SUM)


def _of_columns(groups: list[Floats], sign: int) -> Tails:
    """Return the tails of several groups of columns (n, k), times a sign, as those of one."""
    fitted = [Tails.fit(sign * group, _SMALLEST_COLUMN_EXCESS) for group in groups]
    names = ("knots", "heights", "excess")
    return Tails(*(np.concatenate([getattr(each, name) for each in fitted]) for name in names))

"""Numbers that stand for something else, such as −999 for "not measured", and numbers far from all others."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Body", "draw_in", "find_body", "find_sentinels"]

MIN_REST = 20  # with fewer other values nothing can be said about one
FAR_RANGES = 5  # a value so many times the usual range away from it is far outside
IQR_TO_RANGE = 2.44  # the central 90 % of a Gaussian, in interquartile ranges
FEW = 5  # so few different values far outside are codes, more are measurements
NEAR_RANGES = 3  # values are drawn in from so many usual ranges on, counted from the middle
_MACHINE = (2**15 - 1, -(2**15), 2**16 - 1, 2**31 - 1, -(2**31), 2**32 - 1, 2**63 - 1, -(2**63))


@dataclass(frozen=True)
class Body:
    """Where the bulk of a column lies.

    Attributes
    ----------
    center, spread : float
        Middle and length of the range that holds 90 % of the values.

    Examples
    --------
    >>> Body(10.0, 2.0).distance(np.array([10.5, 16.0]))
    array([0. , 2.5])
    """

    center: float
    spread: float

    def distance(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how far numbers lie outside of the range, in lengths of the range.

        Parameters
        ----------
        numbers : ndarray of float of shape (n,)
            The numbers.

        Returns
        -------
        ndarray of float of shape (n,)
        """
        with np.errstate(over="ignore"):
            return np.maximum(np.abs(numbers - self.center) / self.spread - 0.5, 0)


def find_body(numbers: NDArray[np.float64]) -> Body | None:
    """Find the range of the central 90 % of the values, without an extreme value that occurs very often.

    Parameters
    ----------
    numbers : ndarray of float of shape (n,)
        Finite numbers.

    Returns
    -------
    Body or None
        None if there are too few values, or at least 90 % of them are equal.

    Examples
    --------
    >>> find_body(np.repeat([-999.0, 1.0, 2.0, 3.0], [60, 20, 20, 20]))
    Body(center=2.0, spread=2.0)
    """
    if numbers.size < MIN_REST:
        return None
    for end in (numbers.min(), numbers.max()):
        equal = numbers == end
        stands_out = _is_familiar(float(end)) or len(np.unique(numbers)) > MIN_REST
        if stands_out and 0.05 * numbers.size < equal.sum() <= numbers.size - MIN_REST:
            rest = _range(numbers[~equal])
            # an often repeated end of a range without a gap, such as zero rain, belongs to it
            if rest is not None and rest.distance(np.array([end]))[0] > FAR_RANGES:
                return rest
    return _range(numbers)


def _range(numbers: NDArray[np.float64]) -> Body | None:
    low, first, third, high = np.quantile(numbers, [0.05, 0.25, 0.75, 0.95])
    with np.errstate(over="ignore"):
        spread = float(high - low)
        by_quartiles = IQR_TO_RANGE * float(third - first)
    if 0 < by_quartiles < spread / 10:  # more than one in twenty may stand for something else
        body = Body(float(first / 2 + third / 2), by_quartiles)
        far = numbers[body.distance(numbers) > FAR_RANGES]
        if far.size <= 0.1 * numbers.size or len(np.unique(far)) <= FEW:
            return body
    return Body(float(low / 2 + high / 2), spread) if 0 < spread < np.inf else None


def find_sentinels(numbers: NDArray[np.float64], body: Body) -> list[float]:
    """Find the values that stand for something else: far outside, and repeated or of a familiar form.

    Parameters
    ----------
    numbers : ndarray of float of shape (n,)
        Finite numbers.
    body : Body
        From :func:`find_body`.

    Returns
    -------
    list of float
        In ascending order. A far value that occurs once and has no familiar form is not one of them.

    Examples
    --------
    >>> temperatures = np.append(np.random.default_rng(0).normal(20, 3, 200), [-999.0, 1e6])
    >>> find_sentinels(temperatures, find_body(temperatures))
    [-999.0]
    """
    distance = body.distance(numbers)
    values, counts = np.unique(numbers[distance > FAR_RANGES], return_counts=True)
    familiar = np.array([_is_familiar(value) for value in values], dtype=bool)
    # A repeated value of no familiar form is one only if it stands alone beside a column of many values: far
    # groups of codes, such as 100 and 101 beside 1, 2 and 3, are none.
    alone = len(values) - familiar.sum() == 1 and len(np.unique(numbers)) > MIN_REST
    return [float(value) for value in values[familiar | ((counts >= 3) & alone)]]


def _is_familiar(value: float) -> bool:
    """Whether programs write the number for "none": 999, −99.9, 1e20, the largest integer and so on."""
    digits = f"{abs(value):.15g}".replace(".", "")
    nines = "e" not in digits and len(digits) >= 2 and set(digits.strip("0")) == {"9"}
    power = abs(value) >= 1e10 and float(f"1e{np.log10(abs(value)):.0f}") == abs(value)
    limits = (*map(float, _MACHINE), float(np.finfo(np.float32).max), float(np.finfo(np.float64).max))
    return bool(nines or power or value in limits or -value in limits)


def spike(numbers: NDArray[np.float64]) -> float | None:
    """Find a smallest or largest value that occurs often and stands apart: it may stand for a missing one.

    Parameters
    ----------
    numbers : ndarray of float of shape (n,)
        Finite numbers.

    Returns
    -------
    float or None

    Examples
    --------
    >>> pressures = np.append(np.random.default_rng(0).normal(80, 8, 200), np.zeros(10))
    >>> spike(pressures)
    0.0
    """
    values, counts = np.unique(numbers, return_counts=True)
    if len(values) <= MIN_REST:
        return None
    for end, inner in ((0, 1), (-1, -2)):
        rest = np.delete(counts, end)
        if _is_familiar(float(values[end])):  # such as -999: a few of them are enough
            often = counts[end] >= 3 and counts[end] > rest.max()
        else:
            often = counts[end] >= max(5, 0.01 * numbers.size) and counts[end] > 4 * rest.max()
        low, high = np.quantile(numbers[numbers != values[end]], [0.25, 0.75])
        if often and abs(values[end] - values[inner]) > high - low:
            return float(values[end])
    return None


def draw_in(numbers: NDArray[np.float64], body: Body) -> NDArray[np.float64]:
    """Bring far numbers nearer, in their order, so that they do not hide the spread of the others.

    Parameters
    ----------
    numbers : ndarray of float of shape (n,)
        The numbers.
    body : Body
        Where the bulk lies. Numbers within three lengths of its range from the middle stay as they are.

    Returns
    -------
    ndarray of float of shape (n,)
        Beyond that, the distance grows with its logarithm.

    Examples
    --------
    >>> draw_in(np.array([0.0, 3.0, 1e9]), Body(0.0, 1.0)).round(1)
    array([ 0. ,  3. , 23.7])
    """
    with np.errstate(over="ignore", invalid="ignore"):
        ranges = (numbers - body.center) / body.spread
        beyond = np.maximum(np.abs(ranges) - NEAR_RANGES, 0)
        drawn = body.center + np.sign(ranges) * body.spread * (NEAR_RANGES + np.log1p(beyond))
    return np.where(beyond > 0, drawn, numbers)

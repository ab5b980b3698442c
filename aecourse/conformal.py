"""Decisions over a batch of rows: conformal p-values and control of the false-discovery rate.

A threshold promises how many *normal* rows are flagged. Whoever follows up alerts asks another question:
how many of the *flagged* rows are normal? Their expected share is the false-discovery rate (FDR).

1. `p_values` compares each row's anomaly score with the scores of held-out normal rows, the calibration rows;
2. `select` flags rows such that the false-discovery rate stays at or below a level;
3. `null_share` estimates which share of the batch is normal; if that is well below 1, `select` finds more;
4. `weighted_p_values` stays valid if normal rows have drifted in a way whose density ratio is known, and
   `select_weighted` then takes the place of `select`;
5. `conditional_p_values` hold for the calibration rows in hand, not only on average over such rows.

============================= ================================================== =============================
Function                      What it assumes                                    What it promises
============================= ================================================== =============================
:func:`p_values`              calibration and new normal rows are exchangeable   P(p ≤ t) ≤ t for a normal row
:func:`select`                independent rows, p-values from :func:`p_values`   FDR ≤ level × share of normal
with :func:`null_share`       the same, and ``cut`` × (n + 1) a whole number     FDR ≤ level
:func:`weighted_p_values`     a covariate shift with known density ratio         P(p ≤ t) ≤ t for a normal row
:func:`select_weighted`       the same, independent rows                         FDR ≤ level
:func:`conditional_p_values`  independent calibration and new normal rows        P(p ≤ t) ≤ t for all t at
                                                                                 once, except in a share
                                                                                 1 − ``confidence`` of
                                                                                 calibration sets
============================= ================================================== =============================

All but the last are averages over calibration sets and batches. With one calibration set in hand, the
p-values of its whole batch lean the same way, and the rate reached may lie above the level.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from aecourse._support.checks import (
    RandomState,
    check_finite_array,
    check_fraction,
    check_number,
    check_random_state,
    check_scores,
)

__all__ = [
    "conditional_p_values",
    "null_share",
    "p_values",
    "select",
    "select_weighted",
    "weighted_p_values",
]


def p_values(
    scores: ArrayLike,
    calibration_scores: ArrayLike,
    *,
    randomised: bool = False,
    random_state: RandomState = 0,
) -> NDArray[np.float64]:
    """Return the conformal p-value of each row: how rarely a normal row scores as high.

    With n calibration rows it is (1 + the number of calibration scores at least as high) / (n + 1).

    Parameters
    ----------
    scores : array-like of shape (m,)
        Anomaly scores of the new rows.
    calibration_scores : array-like of shape (n,)
        Anomaly scores of normal rows that the model was not trained on.
    randomised : bool
        Break ties at random, the row's tie with itself included. A normal row's p-value is then uniform
        on (0, 1), where it otherwise is at least as large as a uniform one.
    random_state : int, RandomState or None
        Seeds the breaking of ties.

    Returns
    -------
    ndarray of shape (m,)
        The p-values; without ``randomised`` none is below 1 / (n + 1).

    Raises
    ------
    ValueError
        If the scores are not finite numbers in one dimension.

    References
    ----------
    Bates, Candès, Lei, Romano and Sesia (2023), "Testing for outliers with conformal p-values",
    Annals of Statistics 51.

    Examples
    --------
    >>> p_values([2.5, 9.0], [1.0, 2.0, 3.0, 4.0])
    array([0.6, 0.2])
    """
    scores = check_scores(scores)
    calibration = check_scores(calibration_scores, "calibration_scores")
    equal_weights = np.ones(len(scores)), np.ones(len(calibration))
    return _p_values(scores, calibration, *equal_weights, randomised, random_state)


def conditional_p_values(
    scores: ArrayLike, calibration_scores: ArrayLike, *, confidence: float = 0.95
) -> NDArray[np.float64]:
    """Return p-values that hold for the calibration rows in hand, with a stated confidence.

    :func:`p_values` keep their promise on average over calibration sets; with an unlucky set, more than 5 %
    of new normal rows have p ≤ 0.05, today and on every other day. These p-values are larger, by so much
    that the promise holds at every level at once in all but a share 1 − ``confidence`` of calibration sets.

    Parameters
    ----------
    scores : array-like of shape (m,)
        Anomaly scores of the new rows.
    calibration_scores : array-like of shape (n,)
        Anomaly scores of normal rows that the model was not trained on.
    confidence : float
        Share of calibration sets for which the promise holds, strictly between 0 and 1.

    Returns
    -------
    ndarray of shape (m,)
        The p-values, none below those of :func:`p_values`.

    Raises
    ------
    ValueError
        If the scores are not finite numbers in one dimension, or ``confidence`` is out of range.

    Notes
    -----
    Generalised Simes bounds for n ordered uniform numbers: what was the p-value j / (n + 1) becomes
    1 − ((1 − ``confidence``) × i (i − 1) … (i − k + 1) / (n (n − 1) … (n − k + 1)))^(1/k) with
    i = n + 1 − j and k = n/2, the default of the authors' own program. Given the calibration rows, the
    p-values of independent new rows are independent, so Benjamini and Hochberg's procedure (:func:`select`)
    keeps its level with the same confidence.

    References
    ----------
    Bates, Candès, Lei, Romano and Sesia (2023), "Testing for outliers with conformal p-values",
    Annals of Statistics 51.

    Examples
    --------
    >>> calibration = np.arange(1, 200)
    >>> p_values([190], calibration), conditional_p_values([190], calibration).round(3)
    (array([0.055]), array([0.097]))
    """
    confidence = check_fraction(confidence, "confidence")
    calibration = check_scores(calibration_scores, "calibration_scores")
    n = len(calibration)
    k = max(1, n // 2)
    rank = np.rint(p_values(scores, calibration) * (n + 1)).astype(int)  # 1 to n + 1
    below = n + 1 - rank  # calibration scores under the row's score
    # Sums of k consecutive logarithms: log of i (i - 1) ... (i - k + 1), for i from k to n.
    cumulated = np.append(0.0, np.cumsum(np.log(np.arange(1, n + 1))))
    products = cumulated[k:] - cumulated[: n + 1 - k]
    bounds = np.append(np.ones(k), -np.expm1((np.log(1 - confidence) + products - products[-1]) / k))
    return bounds[below]


def weighted_p_values(
    scores: ArrayLike,
    calibration_scores: ArrayLike,
    *,
    weights: ArrayLike,
    calibration_weights: ArrayLike,
    randomised: bool = False,
    random_state: RandomState = 0,
) -> NDArray[np.float64]:
    """Return conformal p-values that hold under a known covariate shift.

    The weight of a row x is the density ratio of normal rows, new over calibration, at x. A factor that all
    weights have in common does not matter.

    Parameters
    ----------
    scores : array-like of shape (m,)
        Anomaly scores of the new rows.
    calibration_scores : array-like of shape (n,)
        Anomaly scores of normal rows that the model was not trained on.
    weights : array-like of shape (m,)
        Weights of the new rows, above 0.
    calibration_weights : array-like of shape (n,)
        Weights of the calibration rows, at least 0.
    randomised : bool
        Break ties at random, the row's tie with itself included.
    random_state : int, RandomState or None
        Seeds the breaking of ties.

    Returns
    -------
    ndarray of shape (m,)
        The p-values.

    Raises
    ------
    ValueError
        If scores or weights are not finite, or the weights are negative or of another length.

    Notes
    -----
    Each p-value keeps its promise, but the p-values of a batch depend on each other in a way for which
    Benjamini and Hochberg's procedure has no proof in finite samples; for a batch there is
    :func:`select_weighted`.

    References
    ----------
    Jin and Candès (2023), "Model-free selective inference under covariate shift via weighted conformal
    p-values", arXiv 2307.09291.

    Examples
    --------
    >>> weighted_p_values([2.5], [1.0, 2.0, 3.0, 4.0], weights=[1], calibration_weights=[1, 1, 1, 5])
    array([0.77777778])
    """
    scores = check_scores(scores)
    calibration = check_scores(calibration_scores, "calibration_scores")
    new = _check_weights(weights, "weights", len(scores))
    old = _check_weights(calibration_weights, "calibration_weights", len(calibration))
    if (new == 0).any():
        raise ValueError(
            "weights must be above 0; a new row of weight 0 could not have come from the new distribution."
        )
    return _p_values(scores, calibration, new, old, randomised, random_state)


def _check_weights(weights: ArrayLike, name: str, n: int) -> NDArray[np.float64]:
    array = check_finite_array(weights, name)
    if array.shape != (n,):
        raise ValueError(f"{name} must hold one weight a row, {n} in all; found shape {array.shape}.")
    if (array < 0).any():
        raise ValueError(f"{name} must be at least 0; found {array.min():g}.")
    return array


def _p_values(
    scores: NDArray[np.float64],
    calibration: NDArray[np.float64],
    weights: NDArray[np.float64],
    calibration_weights: NDArray[np.float64],
    randomised: bool,
    random_state: RandomState,
) -> NDArray[np.float64]:
    order = np.argsort(calibration)
    ranked = calibration[order]
    # Entry i is the weight of all calibration rows from rank i upwards.
    from_rank = np.append(np.cumsum(calibration_weights[order][::-1])[::-1], 0.0)
    at_least = from_rank[np.searchsorted(ranked, scores, side="left")]
    total = from_rank[0] + weights
    if not randomised:
        return (at_least + weights) / total
    above = from_rank[np.searchsorted(ranked, scores, side="right")]
    share = check_random_state(random_state).uniform(size=len(scores))
    return (above + share * (at_least - above + weights)) / total


def _check_p_values(values: ArrayLike) -> NDArray[np.float64]:
    array = check_scores(values, "p")
    if (array < 0).any() or (array > 1).any():
        raise ValueError(f"p must hold p-values from 0 to 1; found {array.min():g} to {array.max():g}.")
    return array


def null_share(p: ArrayLike, cut: float = 0.5) -> float:
    """Estimate which share of a batch is normal, by Storey's method.

    Normal rows have p-values spread evenly over (0, 1), and few other rows have one above ``cut``. So the
    share is (1 + the number of p-values above ``cut``) / (m × (1 − ``cut``)).

    Parameters
    ----------
    p : array-like of shape (m,)
        P-values of a batch.
    cut : float
        Where anomalies are assumed to have ended, strictly between 0 and 1.

    Returns
    -------
    float
        The estimate. In a batch without anomalies it may exceed 1; `select` then becomes a little stricter,
        as the proof of its promise needs.

    Raises
    ------
    ValueError
        If ``p`` holds no p-values, or ``cut`` is out of range.

    References
    ----------
    Storey, Taylor and Siegmund (2004), "Strong control, conservative point estimation and simultaneous
    conservative consistency of false discovery rates", Journal of the Royal Statistical Society B 66.

    Examples
    --------
    >>> null_share([0.01, 0.01, 0.02, 0.03, 0.3, 0.4, 0.7, 0.9])
    0.75
    """
    p = _check_p_values(p)
    cut = check_fraction(cut, "cut")
    return float((1 + np.sum(p > cut)) / (len(p) * (1 - cut)))


def select(p: ArrayLike, level: float = 0.1, *, null_share: float = 1.0) -> NDArray[np.bool_]:
    """Flag rows of a batch by Benjamini and Hochberg's procedure.

    Parameters
    ----------
    p : array-like of shape (m,)
        P-values of a batch.
    level : float
        The false-discovery rate that is allowed, strictly between 0 and 1.
    null_share : float
        The share of the batch that is normal; pass what :func:`null_share` estimates for Storey's
        correction.

    Returns
    -------
    ndarray of bool, of shape (m,)
        True where the row is flagged.

    Raises
    ------
    ValueError
        If ``p`` holds no p-values, or another argument is out of range.

    Notes
    -----
    ``scipy.stats.false_discovery_control`` does the work. No row is flagged if ``p`` holds too coarse
    values: with n calibration rows, flagging k of m rows takes 1 / (n + 1) ≤ ``level`` × k / m.

    Examples
    --------
    >>> select([0.01, 0.04, 0.3, 0.9], level=0.1)
    array([ True,  True, False, False])
    """
    p = _check_p_values(p)
    level = check_fraction(level, "level")
    share = check_number(null_share, "null_share", above=0)
    # A whole-number boundary such as 3 / 30 ≤ 0.1 must not fail by rounding.
    return stats.false_discovery_control(p) * share <= level * (1 + 1e-12)


def select_weighted(
    scores: ArrayLike,
    calibration_scores: ArrayLike,
    *,
    weights: ArrayLike,
    calibration_weights: ArrayLike,
    level: float = 0.1,
) -> NDArray[np.bool_]:
    """Flag rows of a batch under a known covariate shift, by Jin and Candès's procedure.

    For each row the batch's p-values are computed again as if that row were one more calibration row, and
    Benjamini and Hochberg's procedure says how many rows would be flagged with it. A row is a candidate if
    its own p-value is small enough for that number; then candidates whose number is too large are dropped.

    Parameters
    ----------
    scores, calibration_scores, weights, calibration_weights
        As for :func:`weighted_p_values`.
    level : float
        The false-discovery rate that is allowed, strictly between 0 and 1.

    Returns
    -------
    ndarray of bool, of shape (m,)
        True where the row is flagged.

    Raises
    ------
    ValueError
        If scores or weights are not finite, the weights are negative or of another length, or ``level`` is
        out of range.

    Notes
    -----
    The variant of the paper that draws no random numbers, its "deterministic pruning". The time grows with
    the square of the number of rows: about a second for 5,000.

    References
    ----------
    Jin and Candès (2023), "Model-free selective inference under covariate shift via weighted conformal
    p-values", arXiv 2307.09291.

    Examples
    --------
    >>> select_weighted([9.0, 2.5, 8.0], np.arange(8) / 2, level=0.2, weights=[1, 1, 1],
    ...                 calibration_weights=np.ones(8))
    array([ True, False,  True])
    """
    level = check_fraction(level, "level") * (1 + 1e-12)  # against rounding, as in `select`
    p = weighted_p_values(
        scores, calibration_scores, weights=weights, calibration_weights=calibration_weights
    )
    scores, new, old = (np.asarray(each, float) for each in (scores, weights, calibration_weights))
    at_least = p * (old.sum() + new) - new  # weight of the calibration rows with scores at least as high
    n_flagged = np.empty(len(p))
    steps = level * np.arange(1, len(p) + 1) / len(p)
    for j in range(len(p)):
        with_row = (at_least + new[j] * (scores[j] >= scores)) / (old.sum() + new[j])
        with_row[j] = 0
        n_flagged[j] = np.flatnonzero(np.sort(with_row) <= steps)[-1] + 1
    candidates = p <= level * n_flagged / len(p)
    numbers = np.sort(n_flagged[candidates])
    fitting = np.flatnonzero(numbers <= np.arange(1, len(numbers) + 1))
    return candidates & (n_flagged <= (fitting[-1] + 1 if len(fitting) else 0))

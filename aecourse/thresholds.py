"""Rules that turn anomaly scores into a threshold.

A row is flagged when its score lies **strictly above** ``threshold_``. Each rule is an object:

1. make it with its budget, ``Conformal(rate=0.01)``;
2. fit it on the scores of *held-out normal rows*, rows that the model was not trained on;
3. read its ``rule``, its ``assumption``, and the false-alarm rate it promises, ``promised_rate``;
4. hold it to that: ``realised(scores)`` on other normal rows gives the rate it reached, with an interval.

=========================== ========================= =============================================
Rule                        What it assumes           What it promises of the mean false-alarm rate
=========================== ========================= =============================================
:class:`Percentile`         exchangeable rows         a bound, larger than asked when rows are few
:class:`MeanSD`             Gaussian scores           the exact rate
:class:`MedianMAD`          Gaussian scores           the rate, to first order
:class:`Conformal`          exchangeable rows         at most what was asked
:class:`PeaksOverThreshold` a generalised Pareto tail the rate, to first order
:class:`AlertBudget`        exchangeable rows         at most so many false alerts a day
:class:`FBeta`              labels like those to come none
:class:`ExpectedCost`       labels like those to come none
=========================== ========================= =============================================

The false-alarm rate is the share of normal rows that are flagged. It depends on the rows
that the rule was fitted on, so a promise speaks of its mean over such fits. Only
``Conformal(rate, confidence=0.95)`` promises something of the one fit that you have.
"""

import inspect
import math
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, stats
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from aecourse._support.checks import (
    check_fraction,
    check_labels,
    check_number,
    check_scores,
    check_whole,
    match_rows,
)

__all__ = [
    "AlertBudget",
    "CannotPromise",
    "Conformal",
    "ExpectedCost",
    "FBeta",
    "MeanSD",
    "MedianMAD",
    "PeaksOverThreshold",
    "Percentile",
    "Realised",
    "Rule",
    "rows_needed",
    "rules",
    "table",
]

# The MAD of a Gaussian is 0.6745 standard deviations; 1 / 0.6745 = 1.4826 makes it consistent.
_MAD_TO_SD = 1 / float(stats.norm.ppf(0.75))

# Below this tail index the maximum-likelihood fit of a generalised Pareto tail is not regular.
_LOWEST_INDEX = -0.5


class CannotPromise(ValueError):
    """These scores cannot carry the promise that the rule was asked for.

    Raised if there are too few rows, or if so many scores are equal that the rule has
    nothing to measure. It is a ``ValueError``; :func:`table` turns it into a note.

    Examples
    --------
    >>> try:
    ...     Conformal(rate=0.01).fit(range(98))
    ... except CannotPromise as error:
    ...     print(error)
    Conformal(rate=0.01, confidence=None) needs at least 99 rows to promise 1 %; scores has 98. \
Add held-out normal rows, or ask for a larger rate.
    """


@dataclass(frozen=True)
class Realised:
    """The false-alarm rate that a threshold reached, with its Clopper–Pearson interval.

    Attributes
    ----------
    rate : float
        Share of the normal rows that were flagged.
    low, high : float
        Ends of the interval.
    n : int
        Normal rows examined.
    flagged : int
        Those of them that were flagged.
    confidence : float
        Level of the interval.

    Examples
    --------
    >>> print(Realised(rate=0.02, low=0.0024, high=0.0704, n=100, flagged=2, confidence=0.95))
    2 % (2 of 100 rows; 95 % interval 0.24 % to 7.04 %)
    """

    rate: float
    low: float
    high: float
    n: int
    flagged: int
    confidence: float

    def __str__(self):
        return (
            f"{_percent(self.rate)} ({self.flagged:,} of {self.n:,} rows; {_percent(self.confidence)} "
            f"interval {_percent(self.low)} to {_percent(self.high)})"
        )


def _percent(share):
    return f"{100 * share:.3g} %"


def _decimal(number):
    """Return the number as it is written, so that 100 rows at 0.29 are 29 and not 28.999…."""
    return Fraction(str(float(number)))


class Rule(BaseEstimator):
    """What all rules share; each adds ``_threshold``, ``_sentence``, ``assumption`` and its rates.

    Each rule also has ``target_rate``, the false-alarm rate asked for, and ``promised_rate``, the one
    promised; both are None for the rules that learn from labels.

    Attributes
    ----------
    threshold_ : float
        Rows with a score above it are flagged.
    n_rows_ : int
        Rows fitted on.
    trained_on_ : bool
        Whether the model was trained on those rows.
    needs_labels : bool
        Whether ``fit`` needs labels of both classes.
    assumption : str
        What must hold for the promise to be kept.

    Examples
    --------
    >>> isinstance(Conformal(), Rule)
    True
    """

    needs_labels = False
    assumption: str
    threshold_: float
    n_rows_: int
    trained_on_: bool
    # Rules print as text, also in a notebook: a stored output must not depend on scikit-learn's HTML.
    _repr_html_ = None
    _repr_mimebundle_ = None

    def _threshold(self, scores: NDArray[np.float64], y: NDArray[np.int64] | None) -> float:
        raise NotImplementedError

    def _sentence(self) -> str:
        raise NotImplementedError

    def __repr__(self):
        # Every parameter is shown, defaults too: a threshold without its budget says nothing.
        names = inspect.signature(type(self)).parameters
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"

    def fit(self, scores: ArrayLike, y: ArrayLike | None = None, trained_on: bool = False) -> Self:
        """Choose the threshold.

        Parameters
        ----------
        scores : array-like of shape (n,)
            Anomaly scores, high = anomalous, of rows that the model was not trained on. For the
            rules without labels: of normal rows only.
        y : array-like of shape (n,), optional
            Labels, 1 = anomaly. :class:`FBeta` and :class:`ExpectedCost` need both classes; the
            others refuse any anomaly, which would raise their threshold.
        trained_on : bool
            True if these are scores of the rows that the model was trained on. The rule is fitted and
            warns: a model fits those rows better than new ones, so the threshold is too low.

        Returns
        -------
        self
            With ``threshold_``, ``n_rows_`` and ``trained_on_`` set.

        Raises
        ------
        ValueError
            If a parameter, the scores or the labels are unusable.
        CannotPromise
            If there are too few rows for the promise, or too many equal scores.

        Examples
        --------
        >>> import numpy as np
        >>> scores = np.random.default_rng(0).exponential(size=500)
        >>> float(round(Conformal(rate=0.01).fit(scores).threshold_, 3))
        4.711
        """
        y = match_rows(y, scores, "y", "scores")
        scores = check_scores(scores)
        labels = None
        if self.needs_labels:
            if y is None:
                raise ValueError(
                    f"y is missing: {type(self).__name__} learns from labels (1 = anomaly). "
                    "Pass fit(scores, y), or use a rule that needs none, such as Conformal."
                )
            labels = check_labels(y, n_rows=scores.size, need_both=True)
        elif y is not None and check_labels(y, n_rows=scores.size).any():
            raise ValueError(
                f"y holds {int(check_labels(y).sum())} anomalies (1), but {type(self).__name__} is fitted on "
                "normal rows only. Pass fit(scores[y == 0])."
            )
        # Scores near the largest float overflow here; the check below says so better than numpy.
        with np.errstate(over="ignore", invalid="ignore"):
            threshold = float(self._threshold(scores, labels))
        if not math.isfinite(threshold):
            raise ValueError(
                f"scores gave the threshold {threshold}: they are too large to compute with "
                f"(up to {np.abs(scores).max():.3g}). Scale the scores down."
            )
        if trained_on:
            warnings.warn(
                "These are scores of rows that the model was trained on. Its errors there are smaller than "
                "on new rows, so the threshold is too low and the realised false-alarm rate will be higher "
                "than promised. Hold out normal rows and fit on their scores.",
                UserWarning,
                stacklevel=2,
            )
        self.threshold_ = threshold
        self.n_rows_ = scores.size
        self.trained_on_ = bool(trained_on)
        return self

    def predict(self, scores: ArrayLike) -> NDArray[np.int64]:
        """Flag the rows whose score lies strictly above the threshold.

        Parameters
        ----------
        scores : array-like of shape (n,)
            Anomaly scores.

        Returns
        -------
        ndarray of shape (n,)
            1 = flagged as an anomaly, 0 = not.

        Raises
        ------
        ValueError
            If the rule is not fitted, or the scores are unusable.

        Examples
        --------
        >>> MeanSD(k=1).fit([1, 2, 3]).predict([2.9, 3, 3.1])
        array([0, 0, 1])
        """
        check_is_fitted(self, "threshold_")
        return (check_scores(scores) > self.threshold_).astype(int)

    def realised(self, scores: ArrayLike, confidence: float = 0.95) -> Realised:
        """Measure the false-alarm rate on normal rows that took no part in the fit.

        Parameters
        ----------
        scores : array-like of shape (n,)
            Anomaly scores of normal rows.
        confidence : float
            Level of the interval, strictly between 0 and 1.

        Returns
        -------
        Realised
            ``rate``, ``low``, ``high``, ``n``, ``flagged`` and ``confidence``.

        Raises
        ------
        ValueError
            If the rule is not fitted, or an argument is unusable.

        References
        ----------
        Clopper, C. J., and Pearson, E. S. (1934). The use of confidence or fiducial limits illustrated
        in the case of the binomial. Biometrika 26(4), 404–413.

        Examples
        --------
        >>> rule = Percentile(q=90).fit(range(101))
        >>> print(rule.realised(range(200)))
        54.5 % (109 of 200 rows; 95 % interval 47.3 % to 61.5 %)
        """
        flags = self.predict(scores)
        confidence = check_fraction(confidence, "confidence")
        flagged = int(flags.sum())
        interval = stats.binomtest(flagged, flags.size).proportion_ci(confidence, method="exact")
        return Realised(
            flagged / flags.size, float(interval.low), float(interval.high), flags.size, flagged, confidence
        )

    @property
    def rule(self) -> str:
        """str: What is flagged, with the rule's numbers; once fitted, with the threshold too.

        Examples
        --------
        >>> print(MeanSD(k=2).fit([1.0, 2.0, 3.0]).rule)
        Flag a score above mean + 2 standard deviations: threshold 4 from 3 rows.
        """
        if not hasattr(self, "threshold_"):
            return f"{self._sentence()}."
        rows = "training rows, so too low" if self.trained_on_ else "rows"
        return f"{self._sentence()}: threshold {self.threshold_:.4g} from {self.n_rows_:,} {rows}."


def _cannot(rule, needed, rate, found):
    return CannotPromise(
        f"{rule!r} needs at least {needed:,} rows to promise {_percent(rate)}; scores has {found:,}. "
        "Add held-out normal rows, or ask for a larger rate."
    )


class Percentile(Rule):
    """A percentile of the normal scores, interpolated as NumPy does.

    It asks for the rate 1 − q/100, and gets more: a new row is as likely to fall into each of
    the n + 1 gaps between n scores, and the percentile does not count its own gap. What can be
    promised is 1 − ⌊h⌋/(n + 1), where h = 1 + (n − 1)q/100 is the rank of the percentile. For
    the 99th from 99 rows that is 2 %. :class:`Conformal` corrects this.

    Parameters
    ----------
    q : float
        Percentile, from 0 to 100.

    Attributes
    ----------
    threshold_ : float
        Rows with a score above it are flagged.

    References
    ----------
    Hyndman, R. J., and Fan, Y. (1996). Sample quantiles in statistical packages. The American
    Statistician 50(4), 361–365 (their definition 7, NumPy's default).

    David, H. A., and Nagaraja, H. N. (2003). Order Statistics, 3rd ed., Wiley (the
    share of the population below an order statistic).

    Examples
    --------
    >>> rule = Percentile(q=99).fit(range(99))
    >>> round(rule.threshold_, 2), round(rule.target_rate, 4), round(rule.promised_rate, 4)
    (97.02, 0.01, 0.02)
    """

    assumption = (
        "Rows to come are exchangeable with the rows fitted on. No distribution is assumed. The promise is "
        "for the mean rate over such fits."
    )

    def __init__(self, q: float = 99) -> None:
        self.q = q

    def _sentence(self):
        return f"Flag a score above percentile {self.q:g} of the normal scores"

    def _threshold(self, scores, y):
        return np.percentile(scores, check_number(self.q, "q", at_least=0, at_most=100))

    @property
    def target_rate(self) -> float:
        """float: The rate asked for, 1 − q/100.

        Examples
        --------
        >>> Percentile(q=98).target_rate
        0.02
        """
        return float(1 - _decimal(check_number(self.q, "q", at_least=0, at_most=100)) / 100)

    @property
    def promised_rate(self) -> float:
        """float: Bound on the mean rate for the rows fitted on; before ``fit``, its limit for many rows.

        Examples
        --------
        >>> round(Percentile(q=98).fit(range(1000)).promised_rate, 4)
        0.021
        """
        if not hasattr(self, "threshold_"):
            return self.target_rate
        # The same expression as NumPy's, so that rounding falls on the same side.
        below = 1 + math.floor((self.n_rows_ - 1) * (float(self.q) / 100))
        return 1 - below / (self.n_rows_ + 1)


class MeanSD(Rule):
    """Mean plus k standard deviations.

    For Gaussian scores (x − mean)/(sd·√(1 + 1/n)) of a new row follows Student's t with n − 1
    degrees of freedom, so the mean false-alarm rate is exactly P(t > k/√(1 + 1/n)); for many
    rows it tends to the Gaussian tail beyond k. Reconstruction errors are seldom Gaussian: with
    a heavier tail the promise is broken.

    Parameters
    ----------
    k : float
        Standard deviations above the mean, 0 or more. The standard deviation has n − 1 below.

    Attributes
    ----------
    threshold_ : float
        Rows with a score above it are flagged.

    References
    ----------
    Hahn, G. J. (1969). Factors for calculating two-sided prediction intervals for samples from a
    normal distribution. Journal of the American Statistical Association 64(327), 878–888 (used one-sided).

    Examples
    --------
    >>> rule = MeanSD(k=3).fit([1.0, 2.0, 3.0, 4.0, 5.0])
    >>> round(rule.threshold_, 3), round(rule.promised_rate, 4), round(rule.target_rate, 4)
    (7.743, 0.026, 0.0013)
    """

    assumption = (
        "Rows to come are exchangeable with the rows fitted on, and the scores are Gaussian. With heavier "
        "tails the rate is higher than promised."
    )

    def __init__(self, k: float = 3) -> None:
        self.k = k

    def _sentence(self):
        return f"Flag a score above mean + {self.k:.4g} standard deviations"

    def _threshold(self, scores, y):
        k = check_number(self.k, "k", at_least=0)
        if scores.size < 2:
            raise CannotPromise(f"{self!r} needs at least 2 rows for a standard deviation; scores has 1.")
        if np.ptp(scores) == 0:
            raise CannotPromise(
                f"all {scores.size} scores equal {scores[0]:g}, so their standard deviation is 0 and "
                f"{self!r} has no scale. Check the scores, or use Conformal."
            )
        return scores.mean() + k * scores.std(ddof=1)

    @property
    def target_rate(self) -> float:
        """float: The rate asked for, the Gaussian tail beyond k.

        Examples
        --------
        >>> round(MeanSD(k=3).target_rate, 5)
        0.00135
        """
        return float(stats.norm.sf(check_number(self.k, "k", at_least=0)))

    @property
    def promised_rate(self) -> float:
        """float: Mean rate for the rows fitted on; before ``fit``, its limit for many rows.

        Examples
        --------
        >>> round(MeanSD(k=3).fit(range(30)).promised_rate, 5)
        0.0031
        """
        if not hasattr(self, "threshold_"):
            return self.target_rate
        return float(stats.t.sf(self.k / math.sqrt(1 + 1 / self.n_rows_), self.n_rows_ - 1))


class MedianMAD(Rule):
    """Median plus k robust standard deviations, each 1.4826 × MAD.

    The MAD is the median distance to the median. Of a Gaussian it is 0.6745 standard deviations;
    the factor 1.4826 = 1/0.6745 makes k mean the same as in :class:`MeanSD`. Up to half of the
    rows may be outliers before the threshold breaks down, so the rule suits validation rows that
    may hide a few anomalies. In return, the median and the MAD vary more from fit to fit, which
    raises the mean false-alarm rate; the promise accounts for that to order 1/n:
    P(Z > k(1 − 0.762/n)/√(1 + v)), where v = (1.571 + 1.361·k²)/n is the variance of the threshold
    over the variance of the scores.

    Parameters
    ----------
    k : float
        Robust standard deviations above the median, 0 or more.

    Attributes
    ----------
    threshold_ : float
        Rows with a score above it are flagged.

    References
    ----------
    Leys, C., Ley, C., Klein, O., Bernard, P., and Licata, L. (2013). Detecting outliers: do not use
    standard deviation around the mean, use absolute deviation around the median. Journal of
    Experimental Social Psychology 49(4), 764–766.

    Rousseeuw, P. J., and Croux, C. (1993). Alternatives to the median absolute deviation. Journal of
    the American Statistical Association 88(424), 1273–1283 (36.74 % efficiency of the MAD).

    Park, C., Kim, H., and Wang, M. (2022). Investigation of finite-sample properties of robust location
    and scale estimators. Communications in Statistics – Simulation and Computation 51(5), 2619–2645
    (bias −0.76213/n of the MAD).

    Examples
    --------
    >>> scores = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 1000.0]
    >>> round(MedianMAD(k=3).fit(scores).threshold_, 2), round(MeanSD(k=3).fit(scores).threshold_, 2)
    (16.62, 1048.47)
    """

    assumption = (
        "Rows to come are exchangeable with the rows fitted on, and the scores are Gaussian, but for up to "
        "half of them. The promise holds to order 1/n. With heavier tails the rate is higher than promised."
    )

    # Below 10 rows terms of order 1/n² in the promise are no longer small.
    _min_rows = 10
    _median_variance = math.pi / 2
    _mad_variance = 0.5 / 0.3674
    _mad_bias = 0.76213

    def __init__(self, k: float = 3) -> None:
        self.k = k

    def _sentence(self):
        return f"Flag a score above median + {self.k:.4g} × 1.4826 × MAD"

    def _threshold(self, scores, y):
        k = check_number(self.k, "k", at_least=0)
        if scores.size < self._min_rows:
            raise _cannot(self, self._min_rows, self.target_rate, scores.size)
        mad = stats.median_abs_deviation(scores)
        if mad == 0:
            raise CannotPromise(
                "more than half of the scores are equal, so their MAD is 0 and the threshold would flag "
                f"every larger score. {self!r} cannot be used here; use Conformal."
            )
        return np.median(scores) + k * _MAD_TO_SD * mad

    @property
    def target_rate(self) -> float:
        """float: The rate asked for, the Gaussian tail beyond k.

        Examples
        --------
        >>> round(MedianMAD(k=2).target_rate, 4)
        0.0228
        """
        return float(stats.norm.sf(check_number(self.k, "k", at_least=0)))

    @property
    def promised_rate(self) -> float:
        """float: Mean rate for the rows fitted on, to order 1/n; before ``fit``, its limit.

        Examples
        --------
        >>> round(MedianMAD(k=2).fit(range(100)).promised_rate, 4)
        0.0275
        """
        if not hasattr(self, "threshold_"):
            return self.target_rate
        n, k = self.n_rows_, self.k
        variance = (self._median_variance + self._mad_variance * k**2) / n
        return float(stats.norm.sf(k * (1 - self._mad_bias / n) / math.sqrt(1 + variance)))


def rows_needed(rate: float, confidence: float | None = None) -> int:
    """Return the number of held-out normal rows that :class:`Conformal` needs for its promise.

    Without ``confidence`` that is 1/rate − 1, rounded up. With it, the largest score must keep the
    promise: 1 − (1 − rate)ⁿ ≥ confidence.

    Parameters
    ----------
    rate : float
        False-alarm rate, strictly between 0 and 1.
    confidence : float, optional
        Level 1 − δ of the promise for the one fit at hand.

    Returns
    -------
    int
        Rows.

    Raises
    ------
    ValueError
        If an argument is not strictly between 0 and 1.

    References
    ----------
    Wilks, S. S. (1941). Determination of sample sizes for setting tolerance limits. The Annals of
    Mathematical Statistics 12(1), 91–96.

    Examples
    --------
    >>> rows_needed(0.01), rows_needed(0.01, confidence=0.95)
    (99, 299)
    """
    marginal = math.ceil(1 / _decimal(check_fraction(rate, "rate"))) - 1
    if confidence is None:
        return marginal
    confidence = check_fraction(confidence, "confidence")
    n = max(marginal, 1, math.floor(math.log1p(-confidence) / math.log1p(-rate)))
    while stats.beta.cdf(rate, 1, n) < confidence:
        n += 1
    return n


def _allowed(n, rate, confidence=None):
    """Return m: the threshold is the m-th largest of n scores, or 0 if no score is high enough.

    A new row exceeds the m-th largest with mean probability m/(n + 1), and over fits that
    probability follows Beta(m, n + 1 − m); ties only lower it.
    """
    m = int((n + 1) * rate)
    if confidence is None:
        return m
    candidates = np.arange(1, m + 1)
    return int((stats.beta.cdf(float(rate), candidates, n + 1 - candidates) >= confidence).sum())


class Conformal(Rule):
    """Split-conformal threshold: a false-alarm rate that holds for any distribution and any n.

    The threshold is the m-th largest of n scores, with m = ⌊rate·(n + 1)⌋. A new normal row is
    equally likely to take each rank among n + 1, so it is flagged with probability at most
    m/(n + 1) ≤ rate. That is a mean over fits: one fit can be above it, the next below.

    With ``confidence=1 − δ`` the promise is for the fit at hand. The rate of the m-th largest
    score follows Beta(m, n + 1 − m), so the largest m is taken for which that lies at or below ``rate``
    with probability at least 1 − δ (and m/(n + 1) ≤ rate still holds). The threshold is higher
    and more rows are needed: 299 instead of 99 for 1 % with confidence 95 %.

    Parameters
    ----------
    rate : float
        False-alarm rate, strictly between 0 and 1.
    confidence : float, optional
        Level 1 − δ, strictly between 0 and 1.

    Attributes
    ----------
    threshold_ : float
        Rows with a score above it are flagged.
    scores_ : ndarray of shape (n,)
        The scores fitted on, sorted.

    References
    ----------
    Vovk, V., Gammerman, A., and Shafer, G. (2005). Algorithmic Learning in a Random World. Springer.

    Lei, J., G'Sell, M., Rinaldo, A., Tibshirani, R. J., and Wasserman, L. (2018). Distribution-free
    predictive inference for regression. Journal of the American Statistical Association 113(523), 1094–1111.

    Vovk, V. (2012). Conditional validity of inductive conformal predictors. Proceedings of Machine
    Learning Research 25, 475–490 (the promise with confidence 1 − δ).

    Bates, S., Candès, E., Lei, L., Romano, Y., and Sesia, M. (2023). Testing for outliers with conformal
    p-values. The Annals of Statistics 51(1), 149–178.

    Examples
    --------
    >>> scores = range(1, 1000)
    >>> Conformal(rate=0.01).fit(scores).threshold_
    990.0
    >>> Conformal(rate=0.01, confidence=0.95).fit(scores).threshold_
    995.0
    """

    assumption = (
        "Rows to come are exchangeable with the rows fitted on. No distribution is assumed, and any number "
        "of rows will do that is enough for the rate. Without a confidence the promise is for the mean rate "
        "over such fits; with one, it is for this fit, with that confidence, if the rows are independent."
    )

    def __init__(self, rate: float = 0.01, confidence: float | None = None) -> None:
        self.rate = rate
        self.confidence = confidence

    def _sentence(self):
        promise = f"at most {_percent(self.rate)} of normal rows lie above it"
        if self.confidence is None:
            return f"Flag a score above the conformal limit chosen so that on average {promise}"
        sure = f"with confidence {self.confidence:g}"
        return f"Flag a score above the conformal limit chosen so that {sure} {promise}"

    def _threshold(self, scores, y):
        needed = rows_needed(self.rate, self.confidence)
        if scores.size < needed:
            raise _cannot(self, needed, self.rate, scores.size)
        self.scores_ = np.sort(scores)
        return self.scores_[-_allowed(scores.size, _decimal(self.rate), self.confidence)]

    def p_values(self, scores: ArrayLike) -> NDArray[np.float64]:
        """Return conformal p-values, small for anomalies.

        p(s) = (1 + number of fitted scores ≥ s)/(n + 1). Of normal rows at most a share a, on
        average, has p ≤ a. Without ``confidence``, a row is flagged exactly if p ≤ rate.
        The p-values of one batch share the fitted rows, so they are not independent.

        Parameters
        ----------
        scores : array-like of shape (n,)
            Anomaly scores.

        Returns
        -------
        ndarray of shape (n,)
            p-values, from 1/(n + 1) to 1, for the mean over fits (even if ``confidence`` is set).

        Raises
        ------
        ValueError
            If the rule is not fitted, or the scores are unusable.

        References
        ----------
        Bates et al. (2023) and Vovk et al. (2005), as cited for the class.

        Examples
        --------
        >>> rule = Conformal(rate=0.2).fit([1, 2, 3, 4])
        >>> rule.p_values([0, 3, 3.5, 9])
        array([1. , 0.6, 0.4, 0.2])
        """
        check_is_fitted(self, "threshold_")
        scores = check_scores(scores)
        n = self.scores_.size
        return (1 + n - np.searchsorted(self.scores_, scores, side="left")) / (n + 1)

    @property
    def target_rate(self) -> float:
        """float: The rate asked for.

        Examples
        --------
        >>> Conformal(rate=0.05).target_rate
        0.05
        """
        return check_fraction(self.rate, "rate")

    @property
    def promised_rate(self) -> float:
        """float: The rate asked for is the rate promised.

        Examples
        --------
        >>> Conformal(rate=0.05, confidence=0.9).promised_rate
        0.05
        """
        return self.target_rate


class AlertBudget(Rule):
    """As many false alerts a day as somebody can examine.

    The same order statistic as :class:`Conformal` at the rate alerts a day / rows a day. On days of
    normal rows only, the mean number of alerts is at most the budget. Anomalies come on top.

    Parameters
    ----------
    alerts_per_day : float
        False alerts a day, on average; more than 0 and fewer than the rows. 0.5 is one in two days.
    rows_per_day : int
        Rows scored a day.

    Attributes
    ----------
    threshold_ : float
        Rows with a score above it are flagged.

    References
    ----------
    Vovk, V., Gammerman, A., and Shafer, G. (2005). Algorithmic Learning in a Random World. Springer.

    Examples
    --------
    >>> rule = AlertBudget(alerts_per_day=5, rows_per_day=1000).fit(range(1, 1000))
    >>> rule.threshold_, rule.promised_rate, rule.busy_day(0.95)
    (995.0, 0.005, 11)
    """

    assumption = (
        "Rows to come are exchangeable with the rows fitted on. No distribution is assumed. The budget is "
        "for the mean over days and fits, of normal rows; anomalies come on top."
    )

    def __init__(self, alerts_per_day: float = 10, rows_per_day: int = 1000) -> None:
        self.alerts_per_day = alerts_per_day
        self.rows_per_day = rows_per_day

    def _rate(self):
        alerts = check_number(self.alerts_per_day, "alerts_per_day", above=0)
        rows = check_whole(self.rows_per_day, "rows_per_day")
        if alerts >= rows:
            raise ValueError(
                f"alerts_per_day must be fewer than rows_per_day; found {self.alerts_per_day!r} alerts for "
                f"{self.rows_per_day!r} rows. Such a budget needs no threshold."
            )
        return _decimal(alerts) / _decimal(rows)

    def _sentence(self):
        return (
            f"Flag a score above the limit that allows on average {self.alerts_per_day:g} false alerts a day "
            f"among {self.rows_per_day:,} rows"
        )

    def _threshold(self, scores, y):
        rate = self._rate()
        needed = math.ceil(1 / rate) - 1
        if scores.size < needed:
            raise _cannot(self, needed, float(rate), scores.size)
        return np.sort(scores)[-_allowed(scores.size, rate)]

    def busy_day(self, share: float = 0.95) -> int:
        """Return the number of false alerts that is not exceeded on this share of days.

        A budget holds on average; single days scatter, by chance of the day's rows and of the rows
        fitted on. Together they follow a beta-binomial distribution.

        Parameters
        ----------
        share : float
            Share of days, strictly between 0 and 1.

        Returns
        -------
        int
            Alerts.

        Raises
        ------
        ValueError
            If the rule is not fitted, or the share is unusable.

        References
        ----------
        Johnson, N. L., Kemp, A. W., and Kotz, S. (2005). Univariate Discrete Distributions, 3rd ed.,
        Wiley, chapter 6 (the beta-binomial distribution).

        Examples
        --------
        >>> AlertBudget(alerts_per_day=10, rows_per_day=1000).fit(range(5000)).busy_day(0.99)
        19
        """
        check_is_fitted(self, "threshold_")
        share = check_fraction(share, "share")
        m = _allowed(self.n_rows_, self._rate())
        return int(stats.betabinom.ppf(share, int(self.rows_per_day), m, self.n_rows_ + 1 - m))

    @property
    def target_rate(self) -> float:
        """float: The rate asked for, alerts a day / rows a day.

        Examples
        --------
        >>> AlertBudget(alerts_per_day=20, rows_per_day=1000).target_rate
        0.02
        """
        return float(self._rate())

    @property
    def promised_rate(self) -> float:
        """float: The rate asked for is the rate promised.

        Examples
        --------
        >>> AlertBudget(alerts_per_day=1, rows_per_day=400).promised_rate
        0.0025
        """
        return self.target_rate


def _simplex(objective, start, args=(), disp=0):
    """Find the maximum-likelihood fit as SciPy does, but to six digits and not four."""
    return optimize.fmin(objective, start, args=args, disp=disp, xtol=1e-6, ftol=1e-8)


class PeaksOverThreshold(Rule):
    """Extreme values: fit the tail of the scores and read the threshold of a rare rate from the fit.

    Above a high level u the excess of a score follows, for most distributions and in the limit, a
    generalised Pareto distribution. Its tail index says how heavy the tail is: below 0 it ends,
    0 is exponential, above 0 a power. The level is set so that ``tail_fraction`` of the rows exceed
    it, and the threshold is u + σ/ξ·((rate·n/N)^(−ξ) − 1) with N exceedances, scale σ, tail index ξ.
    Thus rates below 1/n can be asked for, which the other rules cannot reach.

    In return, the rule relies on the model, and its fit is noisy. The log of the realised rate has,
    to first order, the variance v = gᵀIg/N, where I is the inverse Fisher information and g the
    gradient in (ξ, log σ). The promise is rate·exp(v): half of v for the mean of a log-normal, as much
    again for the bias of the fit; simulation (see the tests) shows that it covers the mean rate. If it
    is more than twice the rate asked for, or fewer than 30 scores make up the tail, there are too few
    rows, and ``fit`` raises.

    If the fit fails or gives a tail index below −0.5, a tail that ends so abruptly that the
    likelihood has no regular maximum, the index is set to −0.5 and only the scale is fitted. A
    warning says so, and v is taken from the exponential tail.

    Parameters
    ----------
    rate : float
        False-alarm rate, above 0 and below ``tail_fraction``.
    tail_fraction : float
        Share of the rows that make up the tail, strictly between 0 and 1.

    Attributes
    ----------
    threshold_ : float
        Rows with a score above it are flagged.
    level_ : float
        The level u where the tail begins.
    n_exceedances_ : int
        Scores above the level.
    tail_index_, scale_ : float
        ξ (SciPy's shape ``c``) and σ, the latter in units of the scores.
    fallback_ : bool
        Whether the tail index was set to −0.5.

    References
    ----------
    Pickands, J. (1975). Statistical inference using extreme order statistics. The Annals of Statistics
    3(1), 119–131.

    Coles, S. (2001). An Introduction to Statistical Modeling of Extreme Values. Springer,
    section 4.3.3 (the threshold as a return level, and its error by the delta method).

    Smith, R. L. (1984). Threshold methods for sample extremes. In Statistical Extremes and Applications,
    Reidel, 621–638 (Fisher information, regular for tail index above −0.5).

    Siffer, A., Fouque, P.-A., Termier, A., and Largouet, C. (2017). Anomaly detection in streams with
    extreme value theory. Proceedings of KDD 2017, 1067–1075.

    Examples
    --------
    >>> import numpy as np
    >>> scores = np.random.default_rng(0).exponential(size=2000)
    >>> rule = PeaksOverThreshold(rate=0.001).fit(scores)   # the true threshold is log(1000) = 6.91
    >>> round(rule.threshold_, 1), rule.n_exceedances_, round(rule.promised_rate, 4)
    (7.2, 200, 0.0013)
    """

    assumption = (
        "Rows to come are exchangeable with the rows fitted on, and the scores above the level follow a "
        "generalised Pareto distribution with a tail index well above -0.5. The promise holds to order one "
        "over the number of exceedances, for the mean rate over such fits."
    )

    # With fewer, the mean rate was seen in simulation to exceed the first-order promise.
    _min_exceedances = 30

    def __init__(self, rate: float = 0.01, tail_fraction: float = 0.1) -> None:
        self.rate = rate
        self.tail_fraction = tail_fraction

    def _sentence(self):
        index = f" of index {self.tail_index_:.2g}" if hasattr(self, "tail_index_") else ""
        return (
            f"Flag a score above the limit that {_percent(self.rate)} of rows exceed by the generalised "
            f"Pareto tail{index} fitted to the largest {_percent(self.tail_fraction)}"
        )

    def _check_rates(self):
        rate = check_fraction(self.rate, "rate")
        tail_fraction = check_fraction(self.tail_fraction, "tail_fraction")
        if rate >= tail_fraction:
            raise ValueError(
                f"rate must be below tail_fraction; found {rate} and {tail_fraction}. Enlarge the tail, or "
                "use Conformal, which suits rates that are not rare."
            )
        return rate, tail_fraction

    def _threshold(self, scores, y):
        rate, tail_fraction = self._check_rates()
        n = scores.size
        n_tail = int(n * _decimal(tail_fraction))
        if n_tail < self._min_exceedances:
            needed = math.ceil(self._min_exceedances / _decimal(tail_fraction))
            raise CannotPromise(
                f"{self!r} needs at least {self._min_exceedances} scores in the tail, so {needed:,} rows; "
                f"scores has {n:,}. Add held-out normal rows, or enlarge tail_fraction."
            )
        ordered = np.sort(scores)
        level = ordered[n - n_tail - 1]
        excess = ordered[ordered > level] - level
        distinct = np.unique(excess).size
        if distinct < self._min_exceedances:
            raise CannotPromise(
                f"only {distinct} different scores lie above the level {level:g}, for a tail of {n_tail}; "
                f"at least {self._min_exceedances} are needed to fit it. Many scores are equal: use "
                "Conformal, which takes ties, or add rows."
            )
        if rate >= excess.size / n:
            raise CannotPromise(
                f"only {excess.size} of {n:,} scores lie above the level {level:g}, because many are equal, "
                f"and the rate {rate} asks for more. Enlarge tail_fraction, or use Conformal."
            )
        index, scale, fallback = self._fit_tail(excess)
        if fallback:
            warnings.warn(
                "The tail of these scores ends abruptly, and its generalised Pareto fit has no regular "
                "maximum. Its tail index is set to -0.5; compare the threshold with Conformal's.",
                UserWarning,
                stacklevel=3,
            )
        share = rate * n / excess.size
        # The first-order variance shrinks to nothing at the lowest index, where its theory ends; the
        # exponential tail's is a cautious stand-in.
        log_variance = self._log_variance(share, 0.0 if fallback else index, excess.size)
        if not log_variance <= math.log(2):  # also if it overflows
            needed = n * log_variance / math.log(2)
            needed = f"about {needed:,.0f}" if needed < 1e12 else "over 1,000,000,000,000"
            raise CannotPromise(
                f"{self!r} reaches too far beyond the data: with {excess.size} scores in the tail it could "
                f"promise no better than twice the rate; {needed} rows are needed, scores has {n:,}. "
                "Add held-out normal rows, or ask for a larger rate."
            )
        self.level_, self.n_exceedances_ = float(level), excess.size
        self.tail_index_, self.scale_, self.fallback_ = index, scale, fallback
        self._inflation = math.exp(log_variance)
        return level + stats.genpareto.isf(share, index, scale=scale)

    @staticmethod
    def _fit_tail(excess):
        """Return tail index, scale, and whether the index had to be set."""
        mean = excess.mean()
        unit = excess / mean  # the same digits for any unit of the scores
        ratio = 1 / unit.var(ddof=1)
        start = 0.5 * (1 - ratio), 0.5 * (1 + ratio)  # the fit by moments, to start from
        try:
            index, _, scale = stats.genpareto.fit(unit, start[0], floc=0, scale=start[1], optimizer=_simplex)
            regular = index >= _LOWEST_INDEX
        except stats.FitError:  # the search left the distribution's range
            regular = False
        if not regular:
            index, _, scale = stats.genpareto.fit(
                unit, fc=_LOWEST_INDEX, floc=0, scale=unit.max(), optimizer=_simplex
            )
        return float(index), float(scale * mean), not regular

    @staticmethod
    def _log_variance(share, index, n):
        """Return the variance, to first order, of the log of the rate beyond the fitted threshold."""
        log_share = np.log(share)
        # Derivatives of the quantile (share^-ξ − 1)/ξ, times the hazard share^ξ there.
        if abs(index) < 1e-5:
            by_index, by_scale = log_share**2 / 2, -log_share
        else:
            shrunk = np.float64(share) ** index
            by_scale = (1 - shrunk) / index
            by_index = (-log_share - by_scale) / index
        return (1 + index) * ((1 + index) * by_index**2 - 2 * by_index * by_scale + 2 * by_scale**2) / n

    @property
    def target_rate(self) -> float:
        """float: The rate asked for.

        Examples
        --------
        >>> PeaksOverThreshold(rate=0.001).target_rate
        0.001
        """
        return self._check_rates()[0]

    @property
    def promised_rate(self) -> float:
        """float: Mean rate for the rows fitted on, to first order; before ``fit``, its limit.

        Examples
        --------
        >>> PeaksOverThreshold(rate=0.001).promised_rate
        0.001
        """
        return self.target_rate * getattr(self, "_inflation", 1.0)


def _cuts(scores, y):
    """Return thresholds from low to high, and the hits and false alarms above each.

    Only these cuts differ: just below the lowest score (all rows are flagged), and at each score.
    """
    order = np.argsort(scores)
    values, anomalies = scores[order], y[order]
    last = np.append(np.flatnonzero(np.diff(values)), values.size - 1)  # last row of each distinct score
    thresholds = np.concatenate([[np.nextafter(values[0], -np.inf)], values[last]])
    anomalies_below = np.concatenate([[0], np.cumsum(anomalies)[last]])
    rows_below = np.concatenate([[0], last + 1])
    hits = anomalies.sum() - anomalies_below
    return thresholds, hits, (values.size - rows_below) - hits


def _highest_best(values):
    """Return the last index of the maximum: of equally good thresholds, the one with fewest alerts."""
    return values.size - 1 - int(np.argmax(values[::-1]))


class FBeta(Rule):
    """The threshold with the highest F-beta score on labelled rows.

    F-beta = (1 + β²)·tp/((1 + β²)·tp + β²·fn + fp). Every cut between different scores is tried,
    in O(n log n); of equally good ones the highest is taken.

    Parameters
    ----------
    beta : float
        Recall counts beta times as much as precision; above 0.

    Attributes
    ----------
    threshold_ : float
        Rows with a score above it are flagged.
    value_ : float
        F-beta on the rows fitted on: the best of many, so higher than on new rows.

    References
    ----------
    van Rijsbergen, C. J. (1979). Information Retrieval, 2nd ed., Butterworths, chapter 7.

    Examples
    --------
    >>> rule = FBeta(beta=1).fit([1, 2, 3, 4, 5], y=[0, 0, 1, 0, 1])
    >>> rule.threshold_, round(rule.value_, 3)
    (2.0, 0.8)
    """

    needs_labels = True
    assumption = (
        "Rows to come are like the labelled rows: the same anomalies, in the same share, which must be many "
        "enough. No false-alarm rate is promised."
    )
    #: No rate is asked for, and none is promised.
    target_rate: float | None = None
    promised_rate: float | None = None

    def __init__(self, beta: float = 1.0) -> None:
        self.beta = beta

    def _sentence(self):
        best = f" of {self.value_:.4g}" if hasattr(self, "value_") else ""
        return (
            f"Flag a score above the cut with the highest F-beta{best} (beta {self.beta:g}) on labelled rows"
        )

    def _threshold(self, scores, y):
        weight = check_number(self.beta, "beta", above=0) ** 2
        thresholds, hits, false_alarms = _cuts(scores, y)
        values = (1 + weight) * hits / (hits + weight * y.sum() + false_alarms)
        best = _highest_best(values)
        self.value_ = float(values[best])
        return thresholds[best]


class ExpectedCost(Rule):
    """The threshold with the lowest expected cost on labelled rows.

    Cost a row = base rate · miss rate · cost of a miss + (1 − base rate) · false-alarm rate · cost of a
    false alarm. Every cut between different scores is tried, in O(n log n); of equally good ones
    the highest is taken.

    Parameters
    ----------
    cost_miss : float
        Cost of an anomaly that is not flagged, in any unit; above 0.
    cost_false_alarm : float
        Cost of a normal row that is flagged, in the same unit; above 0.
    base_rate : float, optional
        Share of anomalies among the rows to come, strictly between 0 and 1. Without it, their share
        among the labelled rows, which is wrong if anomalies were collected on purpose.

    Attributes
    ----------
    threshold_ : float
        Rows with a score above it are flagged.
    cost_ : float
        Expected cost a row on the rows fitted on: the best of many, so lower than on new rows.

    References
    ----------
    Elkan, C. (2001). The foundations of cost-sensitive learning. Proceedings of IJCAI 2001, 973–978.

    Provost, F., and Fawcett, T. (2001). Robust classification for imprecise environments. Machine
    Learning 42, 203–231.

    Examples
    --------
    >>> scores, y = [1, 2, 3, 4, 5], [0, 0, 1, 0, 1]
    >>> rule = ExpectedCost(cost_miss=10, cost_false_alarm=1).fit(scores, y)
    >>> rule.threshold_, rule.cost_
    (2.0, 0.2)
    >>> ExpectedCost(cost_miss=10, cost_false_alarm=1, base_rate=0.01).fit(scores, y).threshold_
    4.0
    """

    needs_labels = True
    assumption = (
        "Rows to come are like the labelled rows of each class, the costs are right, and so is the base "
        "rate. No false-alarm rate is promised."
    )
    #: No rate is asked for, and none is promised.
    target_rate: float | None = None
    promised_rate: float | None = None

    def __init__(
        self, cost_miss: float = 10.0, cost_false_alarm: float = 1.0, base_rate: float | None = None
    ) -> None:
        self.cost_miss = cost_miss
        self.cost_false_alarm = cost_false_alarm
        self.base_rate = base_rate

    def _sentence(self):
        best = f" of {self.cost_:.4g} a row" if hasattr(self, "cost_") else ""
        return (
            f"Flag a score above the cut with the lowest expected cost{best} (a miss {self.cost_miss:g}, "
            f"a false alarm {self.cost_false_alarm:g})"
        )

    def _threshold(self, scores, y):
        cost_miss = check_number(self.cost_miss, "cost_miss", above=0)
        cost_false_alarm = check_number(self.cost_false_alarm, "cost_false_alarm", above=0)
        thresholds, hits, false_alarms = _cuts(scores, y)
        n_anomalies, n = int(y.sum()), y.size
        misses = n_anomalies - hits
        if self.base_rate is None:
            costs = (cost_miss * misses + cost_false_alarm * false_alarms) / n
        else:
            base_rate = check_fraction(self.base_rate, "base_rate")
            costs = base_rate * cost_miss * misses / n_anomalies + (
                1 - base_rate
            ) * cost_false_alarm * false_alarms / (n - n_anomalies)
        best = _highest_best(-costs)
        self.cost_ = float(costs[best])
        return thresholds[best]


def rules(rate: float = 0.01) -> dict[str, Rule]:
    """Return every rule that needs no labels, each asked for the same false-alarm rate.

    Parameters
    ----------
    rate : float
        False-alarm rate, above 0 and at most 0.25: a larger share is not a tail.

    Returns
    -------
    dict
        Name → unfitted rule.

    Raises
    ------
    ValueError
        If the rate is out of range.

    Examples
    --------
    >>> for name, rule in rules(rate=0.01).items():
    ...     print(f"{name:22}{rule.target_rate:.3f}")
    percentile            0.010
    mean + k sd           0.010
    median + k MAD        0.010
    conformal             0.010
    conformal, confident  0.010
    peaks over threshold  0.010
    alert budget          0.010
    """
    rate = check_fraction(rate, "rate")
    if rate > 0.25:
        raise ValueError(f"rate must be at most 0.25 to compare rules of the tail; found {rate}.")
    k = float(stats.norm.isf(rate))
    rows_per_day = max(1000, math.ceil(1 / _decimal(rate)))
    return {
        "percentile": Percentile(q=float(100 - 100 * _decimal(rate))),
        "mean + k sd": MeanSD(k=k),
        "median + k MAD": MedianMAD(k=k),
        "conformal": Conformal(rate=rate),
        "conformal, confident": Conformal(rate=rate, confidence=0.95),
        "peaks over threshold": PeaksOverThreshold(rate=rate, tail_fraction=max(0.1, 2 * rate)),
        "alert budget": AlertBudget(
            alerts_per_day=float(_decimal(rate) * rows_per_day), rows_per_day=rows_per_day
        ),
    }


def table(
    rules_to_compare: "Mapping[str, Rule] | Iterable[Rule]",
    validation_scores: ArrayLike,
    test_normal_scores: ArrayLike,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Fit rules on validation normals and compare promised with realised false-alarm rates.

    Parameters
    ----------
    rules_to_compare : dict or iterable
        Name → rule, as from :func:`rules`, or the rules alone, named by what they print. They are
        copied, not changed. A rule that needs labels must come fitted, and is used as it is.
    validation_scores : array-like of shape (n,)
        Anomaly scores of held-out normal rows.
    test_normal_scores : array-like of shape (m,)
        Anomaly scores of other normal rows.
    confidence : float
        Level of the interval of the realised rate.

    Returns
    -------
    pandas.DataFrame
        One row a rule: ``threshold``, ``asked`` and ``promised`` rate, ``realised`` rate with ``low`` and
        ``high``, ``flagged`` of ``rows``, and a ``note``. If a rule cannot promise anything on so few
        rows, its numbers are missing and the note says why.

    Raises
    ------
    ValueError
        If scores or a rule's parameters are unusable, or a rule that needs labels is not fitted.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> chosen = [Percentile(q=99), Conformal(rate=0.01)]
    >>> out = table(chosen, rng.normal(size=99), rng.normal(size=1000))
    >>> print(out[["promised", "realised", "low", "high"]].round(3).reset_index(drop=True))
       promised  realised    low   high
    0      0.02     0.021  0.013  0.032
    1      0.01     0.019  0.011  0.030
    """
    if isinstance(rules_to_compare, Mapping):
        named = dict(rules_to_compare)
    else:
        named = {repr(rule): rule for rule in rules_to_compare}
    if not named:
        raise ValueError("rules_to_compare is empty; pass at least one rule, or rules(rate=0.01).")
    validation_scores = check_scores(validation_scores, "validation_scores")
    test_normal_scores = check_scores(test_normal_scores, "test_normal_scores")
    rows = {}
    for name, rule in named.items():
        try:
            fitted = rule if rule.needs_labels else clone(rule).fit(validation_scores)
        except CannotPromise as reason:
            rows[name] = {"asked": rule.target_rate, "note": str(reason)}
            continue
        got = fitted.realised(test_normal_scores, confidence)
        rows[name] = {
            "threshold": fitted.threshold_,
            "asked": fitted.target_rate,
            "promised": fitted.promised_rate,
            "realised": got.rate,
            "low": got.low,
            "high": got.high,
            "flagged": got.flagged,
            "rows": got.n,
            "note": "",
        }
    columns = ["threshold", "asked", "promised", "realised", "low", "high", "flagged", "rows", "note"]
    frame = pd.DataFrame(list(rows.values()), index=pd.Index(list(rows), name="rule"), columns=columns)
    numbers = columns[:6]
    frame[numbers] = frame[numbers].astype(float)
    return frame.astype({"flagged": "Int64", "rows": "Int64"})

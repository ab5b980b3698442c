"""How good anomaly scores are, with an interval beside every number.

Anomalies (1) are the positive class everywhere, a high score means "anomalous", and a row is
flagged when its score is *strictly above* the threshold.

Labels and scores may be arrays or pandas objects. If both have row labels, rows are matched by
them, and labels that differ are refused.

The intervals are stratified bootstrap intervals: each resample draws as many normal rows from
the normal rows, and as many anomalies from the anomalies, as there are. They say how far the
number could move with another test set of the same make-up; they say nothing about another
training run. The scores are sorted once, not once a resample (see
``_support.ranks``).

The ends are those of the bias-corrected and accelerated (BCa) bootstrap [1]_, the
acceleration being a sixth of the skewness of the resampled values, as it is for a measure that
is a sum over rows. Resampling n rows makes the spread too small by the factor
sqrt((n - 1) / n) and ignores that the spread is itself an estimate, so the normal quantiles
are widened accordingly [2]_; n is the size of the smaller class that the measure depends on.

A measure at its bound, such as a recall of exactly 1, is 1 in every resample. Its open end is
that of the exact binomial interval [3]_: ``(alpha / 2) ** (1 / n)`` after n successes out of
n, with alpha = 1 - confidence. With ten anomalies or fewer the other intervals are too narrow.

A detector that scores at random has an AUROC of 0.5 and, in expectation, an average precision
close to the base rate (the share of anomalies). Read an average precision beside the base
rate, which `report` prints for that reason.

References
----------
.. [1] B. Efron (1987). Better bootstrap confidence intervals. Journal of the American
   Statistical Association 82(397), 171-185.
.. [2] T. C. Hesterberg (2015). What teachers should know about the bootstrap: resampling in
   the undergraduate statistics curriculum. The American Statistician 69(4), 371-386.
.. [3] C. J. Clopper and E. S. Pearson (1934). The use of confidence or fiducial limits
   illustrated in the case of the binomial. Biometrika 26(4), 404-413.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri, stdtrit  # normal cdf, normal and Student quantiles
from sklearn import metrics

from aecourse._support import ranks
from aecourse._support.checks import (
    check_fraction,
    check_labels,
    check_number,
    check_scores,
    check_whole,
    match_rows,
)

# Rows drawn at a time. So few that the arrays stay in the processor's cache: measured twice as
# fast as with 2,000,000, and the memory does not grow with the number of resamples.
_DRAWS_AT_A_TIME = 100_000


class Interval(NamedTuple):
    """A measured value with the ends of its interval.

    Attributes
    ----------
    value, low, high : float
        The value, and the lower and upper end.

    Examples
    --------
    >>> from aecourse.evaluation import Interval
    >>> Interval(0.95, low=0.93, high=0.97).high
    0.97
    """

    value: float
    low: float
    high: float


class Table(pd.DataFrame):
    """A pandas DataFrame that shows three decimals and is never wrapped.

    The numbers behind it are not rounded. Every pandas method works, and tables derived from
    this one are shown in the same way.

    Parameters
    ----------
    *args, **kwargs
        As for `pandas.DataFrame`.

    Examples
    --------
    >>> from aecourse.evaluation import Table
    >>> Table({"value": [2 / 3, -0.00001]}, index=["AUROC", "difference"])
                value
    AUROC       0.667
    difference  0.000
    """

    @property
    def _constructor(self):
        return Table

    def _options(self):
        return pd.option_context(
            "display.float_format", _three_decimals, "display.width", 200, "display.max_columns", None
        )

    def __repr__(self):
        with self._options():
            return super().__repr__()

    def _repr_html_(self):
        with self._options():
            return super()._repr_html_()


def _three_decimals(number):
    return f"{round(number, 3) + 0.0:.3f}"  # adding 0.0 turns -0.0 into 0.0


def auroc(y: ArrayLike, score: ArrayLike) -> float:
    """Area under the ROC curve: how often an anomaly scores above a normal row.

    The probability that a random anomaly has a higher score than a random normal row, ties
    counted half [1]_. 0.5 is chance, whatever the base rate.

    Parameters
    ----------
    y : array-like of shape (n,)
        1 = anomaly, 0 = normal; both must be present.
    score : array-like of shape (n,)
        Anomaly score of each row, high = anomalous, in any unit.

    Returns
    -------
    float
        Between 0 and 1.

    Raises
    ------
    ValueError
        If a class is missing, the lengths differ, or a score is not finite.

    References
    ----------
    .. [1] J. A. Hanley and B. J. McNeil (1982). The meaning and use of the area under a
       receiver operating characteristic (ROC) curve. Radiology 143(1), 29-36.

    Examples
    --------
    >>> from aecourse.evaluation import auroc
    >>> auroc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75
    """
    y, score = _check(y, score)
    return float(metrics.roc_auc_score(y, score))


def average_precision(y: ArrayLike, score: ArrayLike) -> float:
    """Average precision: the area under the precision-recall curve, summed in steps.

    The precision at each score that some anomaly has, weighted by the share of the anomalies
    that have it [1]_; no interpolation. Chance level is the base rate.

    Parameters
    ----------
    y : array-like of shape (n,)
        1 = anomaly, 0 = normal; both must be present.
    score : array-like of shape (n,)
        Anomaly score of each row, high = anomalous.

    Returns
    -------
    float
        Between 0 and 1.

    Raises
    ------
    ValueError
        If a class is missing, the lengths differ, or a score is not finite.

    References
    ----------
    .. [1] J. Davis and M. Goadrich (2006). The relationship between precision-recall and ROC
       curves. ICML, 233-240.

    Examples
    --------
    >>> from aecourse.evaluation import average_precision
    >>> round(average_precision([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]), 4)
    0.8333
    """
    y, score = _check(y, score)
    return float(metrics.average_precision_score(y, score))


def precision_at_k(y: ArrayLike, score: ArrayLike, k: int | None = None) -> float:
    """Share of anomalies among the k rows with the highest scores.

    If several rows tie for the last places, the value is the mean over all orders of the
    tied rows, so it does not depend on the order in which rows are given.

    Parameters
    ----------
    y : array-like of shape (n,)
        1 = anomaly, 0 = normal; both must be present.
    score : array-like of shape (n,)
        Anomaly score of each row, high = anomalous.
    k : int, optional
        Number of rows examined. By default the number of anomalies, where precision and
        recall are the same number.

    Returns
    -------
    float
        Between 0 and 1.

    Raises
    ------
    ValueError
        If k is not a whole number from 1 to n, or y and score are not valid.

    Examples
    --------
    >>> from aecourse.evaluation import precision_at_k
    >>> precision_at_k([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.5
    >>> precision_at_k([0, 1], [3.0, 3.0], k=1)  # a tie: either row may come first
    0.5
    """
    y, score = _check(y, score)
    k = int(y.sum()) if k is None else check_whole(k, "k", maximum=y.size)
    return float(ranks.precision_at(*ranks.Places(y, score).as_given(), k)[0])


def false_alarm_rate(y: ArrayLike, score: ArrayLike, threshold: float) -> float:
    """Share of the normal rows that are flagged: that score strictly above the threshold.

    Parameters
    ----------
    y : array-like of shape (n,)
        1 = anomaly, 0 = normal; at least one normal row.
    score : array-like of shape (n,)
        Anomaly score of each row, high = anomalous.
    threshold : float
        In the unit of the scores.

    Returns
    -------
    float
        Between 0 and 1.

    Raises
    ------
    ValueError
        If no row is normal, or threshold is not a number.

    Examples
    --------
    >>> from aecourse.evaluation import false_alarm_rate
    >>> false_alarm_rate([0, 0, 0, 0, 1], [1.0, 2.0, 3.0, 4.0, 9.0], threshold=3.0)
    0.25
    """
    y, score = _check(y, score, need_both=False)
    if (y == 1).all():
        raise ValueError("y has no normal rows (0), and the false-alarm rate is a share of them.")
    return float((score[y == 0] > check_number(threshold, "threshold", infinite=True)).mean())


def scorer(measure: str | Callable[[ArrayLike, ArrayLike], float] = "AUROC") -> Callable[..., float]:
    """Make a scorer for scikit-learn's model selection, in which 1 means anomaly.

    A scorer of scikit-learn itself, such as ``scoring="roc_auc"``, takes a high
    ``decision_function`` for the class 1. For detectors it is high for *normal* rows, so that a search
    with labels of 1 for anomalies would choose the worst setting.

    Parameters
    ----------
    measure : {"AUROC", "average precision", "precision@k"} or callable
        What to maximise; a function takes labels (1 = anomaly) and anomaly scores.

    Returns
    -------
    callable
        Takes a fitted detector, rows and their labels (1 = anomaly), and returns the measure of its anomaly
        scores. The detector may be any with ``anomaly_score`` or ``score_samples``, or a pipeline that
        ends with one.

    Raises
    ------
    ValueError
        If the measure is unknown. The scorer raises it if a fold lacks a class, or the detector gives no
        scores.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.model_selection import GridSearchCV, PredefinedSplit
    >>> from aecourse.baselines import KNNDistance
    >>> rng = np.random.default_rng(0)
    >>> X = np.vstack([rng.normal(size=(300, 3)), rng.normal(size=(20, 3)) + 1.5])
    >>> y = np.repeat([0, 1], [300, 20])
    >>> only_normals = PredefinedSplit(np.where(np.arange(320) < 200, -1, 0))  # the first 200 train
    >>> settings = {"n_neighbors": [1, 20]}
    >>> for scoring in (scorer(), "roc_auc"):
    ...     search = GridSearchCV(KNNDistance(), settings, scoring=scoring, cv=only_normals).fit(X, y)
    ...     print(search.best_params_, round(search.best_score_, 2))
    {'n_neighbors': 20} 0.88
    {'n_neighbors': 1} 0.17
    """
    named = {"AUROC": auroc, "average precision": average_precision, "precision@k": precision_at_k}
    if not callable(measure) and measure not in named:
        raise ValueError(f"measure must be one of {list(named)}, or a function; found {measure!r}.")
    function = measure if callable(measure) else named[measure]

    def score(detector: Any, X: ArrayLike, y: ArrayLike) -> float:
        if hasattr(detector, "anomaly_score"):
            scores = detector.anomaly_score(X)
        elif hasattr(detector, "score_samples"):
            scores = -detector.score_samples(X)
        elif hasattr(detector, "decision_function"):
            scores = -detector.decision_function(X)
        else:
            raise ValueError(
                f"{type(detector).__name__} gives no scores: it has neither anomaly_score nor score_samples."
            )
        return float(function(y, scores))

    return score


def report(
    y: ArrayLike,
    score: ArrayLike,
    threshold: float | None = None,
    *,
    k: int | None = None,
    confidence: float = 0.95,
    n_resamples: int = 1000,
    random_state: int | np.random.Generator | None = 0,
) -> Table:
    """Every measure of one detector, with its stratified bootstrap interval.

    Parameters
    ----------
    y : array-like of shape (n,)
        1 = anomaly, 0 = normal; both must be present.
    score : array-like of shape (n,)
        Anomaly score of each row, high = anomalous.
    threshold : float, optional
        Rows strictly above it are flagged. Without it, the four measures that need it
        (precision, recall, F1, false-alarm rate) are left out.
    k : int, optional
        Rows examined in precision@k; by default the number of anomalies.
    confidence : float
        Share of such intervals that hold the true value, strictly between 0 and 1.
    n_resamples : int
        Number of bootstrap resamples.
    random_state : int, numpy Generator or None
        What the resamples are drawn from; the same whole number gives the same intervals.

    Returns
    -------
    Table of shape (8, 3) or (4, 3)
        A DataFrame with one measure a row (AUROC, average precision, precision, recall, F1,
        false-alarm rate, precision@k, base rate) and the columns value, low and high.
        ``attrs`` keeps the threshold, k, the confidence and the number of rows of each class.
        The base rate is the average precision of chance; the resampling keeps it as it is,
        so its interval has no width. If no row is flagged, precision is undefined: NaN.
        F1 is then 0, since its formula 2 TP / (2 TP + FP + FN) holds.

    Raises
    ------
    ValueError
        If a class is missing, the lengths differ, a score is not finite, or an argument is
        out of its range.

    Examples
    --------
    >>> import numpy as np
    >>> from aecourse.evaluation import report
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat([0, 1], [950, 50])
    >>> score = rng.normal(size=1000) + 2 * y
    >>> table = report(y, score, threshold=1.64)
    >>> table[["value"]]
                       value
    AUROC              0.894
    average precision  0.436
    precision          0.406
    recall             0.560
    F1                 0.471
    false-alarm rate   0.043
    precision@k        0.420
    base rate          0.050
    >>> bool(table.loc["AUROC", "low"] < table.loc["AUROC", "value"] < table.loc["AUROC", "high"])
    True
    """
    y, score = _check(y, score)
    k = int(y.sum()) if k is None else check_whole(k, "k", maximum=y.size)
    if threshold is not None:
        threshold = check_number(threshold, "threshold", infinite=True)
    confidence = check_fraction(confidence, "confidence")
    n_anomalies, n_normals = int(y.sum()), int(y.size - y.sum())
    places = ranks.Places(y, score, threshold)

    def measure(anomalies, normals):
        measured = {
            "AUROC": ranks.auroc(anomalies, normals),
            "average precision": ranks.average_precision(anomalies, normals),
        }
        if threshold is not None:
            measured |= _at_threshold(anomalies, normals, places.n_flagged)
        measured["precision@k"] = ranks.precision_at(anomalies, normals, k)
        return measured

    values = measure(*places.as_given())
    resampled = _concatenate(
        measure(*places.counts(*draw)) for draw in _draws(n_anomalies, n_normals, n_resamples, random_state)
    )
    n = min(n_anomalies, n_normals)
    looks_at = {"recall": n_anomalies, "false-alarm rate": n_normals}
    trials = looks_at | {"F1": n_anomalies, "precision@k": k}
    if threshold is not None:
        trials["precision"] = int((score > threshold).sum())
    rows = {
        name: _interval(
            values[name][0], resampled[name], confidence, looks_at.get(name, n), trials=trials.get(name, n)
        )
        for name in values
    }
    base_rate = n_anomalies / y.size
    rows["base rate"] = Interval(base_rate, base_rate, base_rate)
    table = Table.from_dict(rows, orient="index", columns=["value", "low", "high"])
    table.attrs = {
        "threshold": threshold,
        "k": k,
        "confidence": confidence,
        "n_anomalies": n_anomalies,
        "n_normals": n_normals,
    }
    return table


def compare(
    y: ArrayLike,
    scores: Mapping[str, ArrayLike],
    *,
    reference: str | None = None,
    by: str = "AUROC",
    confidence: float = 0.95,
    n_resamples: int = 1000,
    random_state: int | np.random.Generator | None = 0,
) -> Table:
    """Several detectors on the same rows, the best first.

    Every detector is measured on the same resamples, so the intervals of the differences are
    *paired*: what makes the test set easy or hard for all detectors cancels. Two detectors
    whose own intervals overlap may well differ clearly. Choosing the best and measuring it on
    the same rows flatters it a little.

    Parameters
    ----------
    y : array-like of shape (n,)
        1 = anomaly, 0 = normal; both must be present.
    scores : dict of str to array-like of shape (n,)
        Anomaly scores of each detector, high = anomalous.
    reference : str, optional
        The detector that the others are compared with; by default the best one.
    by : {"AUROC", "AP"}
        The measure that sorts, ranks and is subtracted.
    confidence : float
        Of each interval, strictly between 0 and 1.
    n_resamples : int
        Number of bootstrap resamples.
    random_state : int, numpy Generator or None
        What the resamples are drawn from.

    Returns
    -------
    Table of shape (number of detectors, 10)
        A DataFrame with one detector a row, best first; columns rank (equal values share a
        rank), AUROC, AUROC low, AUROC high, AP, AP low, AP high, and difference, difference
        low, difference high: the detector minus the reference, in the measure ``by``. An
        interval of the difference that leaves out 0 tells the two apart.
        ``attrs`` keeps the reference, ``by``, the confidence and the base rate, which is the
        AP of chance.

    Raises
    ------
    ValueError
        If scores is empty, reference is not among its names, or the input is not valid.

    Examples
    --------
    >>> import numpy as np
    >>> from aecourse.evaluation import compare
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat([0, 1], [950, 50])
    >>> noise = rng.normal(size=1000)
    >>> table = compare(y, {"weak": noise + y, "strong": noise + 2 * y}, n_resamples=200)
    >>> table[["rank", "AUROC", "AP", "difference"]]
            rank  AUROC    AP  difference
    strong     1  0.894 0.436       0.000
    weak       2  0.700 0.134      -0.195
    >>> bool(table.loc["weak", "difference high"] < 0)
    True
    """
    if not isinstance(scores, dict) or not scores:
        raise ValueError(
            "scores must be a dict with at least one detector, such as {'k-NN': knn_scores}; "
            f"found {type(scores).__name__}{' without entries' if isinstance(scores, dict) else ''}."
        )
    if by not in ("AUROC", "AP"):
        raise ValueError(f"by must be 'AUROC' or 'AP'; found {by!r}.")
    if reference is not None and reference not in scores:
        raise ValueError(f"reference must be one of {list(scores)}; found {reference!r}.")
    confidence = check_fraction(confidence, "confidence")
    places = {}
    for name, score in scores.items():
        labels, score = _check(y, score, score_name=f"scores[{name!r}]")
        places[name] = ranks.Places(labels, score)
    n_anomalies, n_normals = int(labels.sum()), int(labels.size - labels.sum())
    n = min(n_anomalies, n_normals)

    def measure(counts_of):
        measured = {}
        for name, place in places.items():
            counts = counts_of(place)
            measured[name, "AUROC"] = ranks.auroc(*counts)
            measured[name, "AP"] = ranks.average_precision(*counts)
        return measured

    values = measure(lambda place: place.as_given())
    resampled = _concatenate(
        measure(lambda place, draw=draw: place.counts(*draw))
        for draw in _draws(n_anomalies, n_normals, n_resamples, random_state)
    )
    if reference is None:
        reference = max(scores, key=lambda name: values[name, by][0])
    rows = {}
    for name in scores:
        row: dict[str, float] = {}
        for column in ("AUROC", "AP"):
            interval = _interval(values[name, column][0], resampled[name, column], confidence, n, trials=n)
            row |= _three(column, interval)
        difference = _interval(
            values[name, by][0] - values[reference, by][0],
            resampled[name, by] - resampled[reference, by],
            confidence,
            n,
        )
        rows[name] = row | _three("difference", difference)
    table = Table.from_dict(rows, orient="index")
    table.insert(0, "rank", table[by].rank(ascending=False, method="min").astype(int))
    table = table.sort_values("rank", kind="stable")
    table.attrs = {
        "reference": reference,
        "by": by,
        "confidence": confidence,
        "base_rate": n_anomalies / labels.size,
    }
    return table


def bootstrap_interval(
    measure: Callable[[NDArray[np.int64], NDArray[np.float64]], float],
    y: ArrayLike,
    score: ArrayLike,
    *,
    confidence: float = 0.95,
    n_resamples: int = 1000,
    random_state: int | np.random.Generator | None = 0,
) -> Interval:
    """A measured value and its stratified bootstrap interval, for any measure.

    Calls ``measure`` once a resample. `report` gives the same intervals for its own measures,
    many times faster; and since it knows that they end at 0 and 1, it gives them an interval
    there too, where this function returns one of no width.

    Parameters
    ----------
    measure : callable
        Takes labels (1 = anomaly) and anomaly scores, both of shape (n,), and returns a number.
        Resamples for which it returns NaN are left out.
    y : array-like of shape (n,)
        1 = anomaly, 0 = normal; both must be present.
    score : array-like of shape (n,)
        Anomaly score of each row, high = anomalous.
    confidence : float
        Strictly between 0 and 1.
    n_resamples : int
        Number of bootstrap resamples.
    random_state : int, numpy Generator or None
        What the resamples are drawn from.

    Returns
    -------
    Interval
        A named tuple (value, low, high).

    Raises
    ------
    ValueError
        If measure cannot be called, or the input is not valid.

    Examples
    --------
    >>> import numpy as np
    >>> from aecourse.evaluation import bootstrap_interval
    >>> y = np.repeat([0, 1], [90, 10])
    >>> score = np.arange(100.0)
    >>> gap = lambda y, score: np.median(score[y == 1]) - np.median(score[y == 0])
    >>> value, low, high = bootstrap_interval(gap, y, score, n_resamples=200)
    >>> float(value), bool(low < value < high)
    (50.0, True)
    """
    if not callable(measure):
        raise ValueError(f"measure must be a function of (y, score); found {measure!r}.")
    y, score = _check(y, score)
    confidence = check_fraction(confidence, "confidence")
    anomalies, normals = score[y == 1], score[y == 0]
    labels = np.repeat([1, 0], [anomalies.size, normals.size])
    resampled = [
        measure(labels, np.concatenate([anomalies[drawn_anomalies], normals[drawn_normals]]))
        for draw in _draws(anomalies.size, normals.size, n_resamples, random_state)
        for drawn_anomalies, drawn_normals in zip(*draw, strict=True)
    ]
    n = min(anomalies.size, normals.size)
    return _interval(measure(y, score), np.array(resampled, dtype=float), confidence, n)


def by_group(
    y: ArrayLike,
    score: ArrayLike,
    groups: ArrayLike,
    threshold: float | None = None,
    *,
    confidence: float = 0.95,
    n_resamples: int = 1000,
    random_state: int | np.random.Generator | None = 0,
) -> Table:
    """How well each kind of anomaly is found: each group against all normal rows.

    Parameters
    ----------
    y : array-like of shape (n,)
        1 = anomaly, 0 = normal; both must be present.
    score : array-like of shape (n,)
        Anomaly score of each row, high = anomalous.
    groups : array-like of shape (n,)
        What each row is, for example its digit. Only the groups of anomalies make a row of
        the table; the normal rows of all groups are the other side of every AUROC.
    threshold : float, optional
        Rows strictly above it are flagged.
    confidence : float
        Of each interval, strictly between 0 and 1.
    n_resamples : int
        Number of bootstrap resamples.
    random_state : int, numpy Generator or None
        What the resamples are drawn from; a whole number draws the same normal rows for
        every group.

    Returns
    -------
    Table of shape (number of groups, 4 or 5)
        A DataFrame with one group a row, in the order of the labels; columns anomalies (their
        number), AUROC, AUROC low, AUROC high, and, with a threshold, flagged: the share of the
        group's anomalies above it (its recall).

    Raises
    ------
    ValueError
        If groups does not have one label a row, or y and score are not valid.

    Examples
    --------
    >>> from aecourse.evaluation import by_group
    >>> table = by_group([0, 0, 0, 1, 1, 1], [1, 2, 3, 4, 5, 2.5], list("nnnaab"), threshold=3.5)
    >>> table[["anomalies", "AUROC", "flagged"]]
       anomalies  AUROC  flagged
    a          2  1.000    1.000
    b          1  0.667    0.000
    """
    groups = np.asarray(match_rows(groups, y, "groups", "y"))
    y, score = _check(y, score)
    if groups.shape != y.shape:
        raise ValueError(
            f"groups must hold one label for each of the {y.size} rows; found shape {groups.shape}."
        )
    if threshold is not None:
        threshold = check_number(threshold, "threshold", infinite=True)
    rows = {}
    for group in np.unique(groups[y == 1]).tolist():
        chosen = (y == 0) | (groups == group)
        table = report(
            y[chosen],
            score[chosen],
            threshold,
            confidence=confidence,
            n_resamples=n_resamples,
            random_state=random_state,
        )
        rows[group] = {"anomalies": table.attrs["n_anomalies"]} | _three("AUROC", table.loc["AUROC"])
        if threshold is not None:
            rows[group]["flagged"] = table.loc["recall", "value"]
    return Table.from_dict(rows, orient="index")


def _at_threshold(anomalies, normals, n_flagged):
    true = anomalies[:, :n_flagged].sum(axis=1)
    false = normals[:, :n_flagged].sum(axis=1)
    n_anomalies = anomalies.sum(axis=1)
    flagged = true + false
    return {
        "precision": np.where(flagged > 0, true / np.maximum(flagged, 1), np.nan),
        "recall": true / n_anomalies,
        "F1": 2 * true / (flagged + n_anomalies),
        "false-alarm rate": false / normals.sum(axis=1),
    }


def _draws(n_anomalies, n_normals, n_resamples, random_state):
    """Row numbers of each stratified resample, some resamples at a time."""
    n_resamples = check_whole(n_resamples, "n_resamples")
    # A generator for each class: what is drawn does not depend on how many are drawn at a time.
    anomalies, normals = np.random.default_rng(random_state).spawn(2)
    step = max(1, _DRAWS_AT_A_TIME // (n_anomalies + n_normals))
    for start in range(0, n_resamples, step):
        size = min(step, n_resamples - start)
        yield (
            anomalies.integers(n_anomalies, size=(size, n_anomalies)),
            normals.integers(n_normals, size=(size, n_normals)),
        )


def _concatenate(parts):
    parts = list(parts)
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _interval(value, resampled, confidence, n, trials=None):
    """The BCa interval of a value, with quantiles widened for n rows (see the module).

    For a measure that cannot leave 0 to 1, ``trials`` is the number of rows that it is a share of.
    """
    value = float(value)
    resampled = resampled[~np.isnan(resampled)]
    if np.isnan(value) or resampled.size == 0:
        return Interval(value, np.nan, np.nan)
    spread = resampled.std()
    if spread <= 1e-12 * max(1.0, abs(value)):
        if trials is None or value not in (0, 1):
            return Interval(value, value, value)
        exact = ((1 - confidence) / 2) ** (1 / trials)
        return Interval(value, min(value, exact), max(value, 1 - exact))
    n = max(n, 2)
    z = np.array([-1, 1]) * stdtrit(n - 1, (1 + confidence) / 2) * np.sqrt(n / (n - 1))
    below = np.mean(resampled < value) + np.mean(resampled == value) / 2
    smallest = 0.5 / resampled.size
    bias = ndtri(np.clip(below, smallest, 1 - smallest))
    shifted = bias + z
    acceleration = np.mean((resampled - resampled.mean()) ** 3) / spread**3 / 6
    stretch = 1 - acceleration * shifted
    # A stretch of 0 or less stands for a quantile at the far end.
    level = np.where(stretch > 0, ndtr(bias + shifted / np.where(stretch > 0, stretch, 1)), shifted > 0)
    low, high = np.quantile(resampled, level)
    return Interval(value, min(float(low), value), max(float(high), value))


def _three(name, interval):
    return dict(zip((name, f"{name} low", f"{name} high"), interval, strict=True))


def _check(y, score, need_both=True, score_name="score"):
    score = check_scores(match_rows(score, y, score_name, "y"), score_name)
    return check_labels(y, "y", n_rows=score.size, need_both=need_both), score

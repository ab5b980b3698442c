"""What simple methods make of the same rows: each gets the detector's features, its rows and its budget."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from aecourse import baselines, evaluation, thresholds
from aecourse.tabular.detector import CALIBRATION, TRAINING, TableDetector
from aecourse.tabular.preparation import FAR

__all__ = ["NAME", "Comparison", "Method", "compare"]

NAME = "this detector"
# Rows drawn from larger tables: the neighbours of every row would take longer than the detector itself.
MOST_TRAINED_ON, MOST_COMPARED = 10_000, 2_000
RESAMPLES = 500
CONFIDENCE = 0.95
_LIMIT = 1e6  # as in the detector: standardised values are clipped here


@dataclass(frozen=True)
class Method:
    """One method on the rows compared.

    Attributes
    ----------
    name : str
        Its name.
    flagged : int
        Compared rows that it flags, at the same budget as the detector.
    flagged_by_both : int
        Those of them that the detector flags too.
    recall : float or None
        Share of the rejected rows that it flags; None if there are no rejected rows, as all below.
    auroc, average_precision : (float, float, float) or None
        Value and interval.
    auroc_difference, average_precision_difference : (float, float, float) or None
        The method minus the detector, and the interval of the paired difference. None for the detector.
    only_this, only_detector : int or None
        Rejected rows that only the method flags, and that only the detector flags.
    """

    name: str
    flagged: int
    flagged_by_both: int
    recall: float | None = None
    auroc: tuple[float, float, float] | None = None
    average_precision: tuple[float, float, float] | None = None
    auroc_difference: tuple[float, float, float] | None = None
    average_precision_difference: tuple[float, float, float] | None = None
    only_this: int | None = None
    only_detector: int | None = None

    def ahead(self) -> list[str]:
        """Say in which measures the method is ahead of the detector by more than chance explains.

        Returns
        -------
        list of str
            A phrase for each of AUROC, average precision and recall in which it is.

        Examples
        --------
        >>> Method("k-NN", 40, 30, recall=0.4, only_this=10, only_detector=0).ahead()
        ['in recall at the same budget (10 rejected rows that the detector misses, against 0 the other \
way round)']
        """
        phrases = []
        for measure, difference in (
            ("AUROC", self.auroc_difference),
            ("average precision", self.average_precision_difference),
        ):
            if difference is not None and difference[1] > 0:
                phrases.append(
                    f"in {measure} by {difference[0]:.3f} ({CONFIDENCE:.0%} interval {difference[1]:.3f} to "
                    f"{difference[2]:.3f})"
                )
        only_this, only_detector = self.only_this or 0, self.only_detector or 0
        if only_this > only_detector:
            chance = stats.binomtest(only_this, only_this + only_detector, alternative="greater").pvalue
            if chance < (1 - CONFIDENCE) / 2:
                phrases.append(
                    f"in recall at the same budget ({only_this:,} rejected rows that the detector misses, "
                    f"against {only_detector:,} the other way round)"
                )
        return phrases


@dataclass(frozen=True)
class Comparison:
    """The detector and the simple methods on the same rows.

    Attributes
    ----------
    n_trained_on : int
        Training rows that the simple methods were fitted on.
    n_normal, n_rejected : int
        Rows compared: normal ones that nothing was trained on, and rows that the query does not select.
    methods : tuple of Method
        The detector first.
    """

    n_trained_on: int
    n_normal: int
    n_rejected: int
    methods: tuple[Method, ...]

    @property
    def sentences(self) -> list[str]:
        """list of str: Where a simple method is ahead, or that none is."""
        if not self.n_rejected:
            return []
        ahead = {method.name: phrases for method in self.methods[1:] if (phrases := method.ahead())}
        if not ahead:
            return ["On these rows no simple method is ahead of the detector by more than chance explains."]
        named = [f"{name} is ahead {' and '.join(phrases)}." for name, phrases in ahead.items()]
        return ["On these rows a simple method does better than the detector.", *named]


def compare(table: pd.DataFrame, detector: TableDetector, scored: pd.DataFrame) -> Comparison:
    """Fit simple methods on the detector's training rows, and compare them on rows not trained on.

    Every method gets the features that the detector gets, standardised. Its threshold is the conformal one
    of the rows that set the detector's, at the same budget. Of large tables some rows are drawn at random.

    Parameters
    ----------
    table : pandas.DataFrame of shape (n, columns)
        The table that the detector was fitted on.
    detector : TableDetector
        The fitted detector.
    scored : pandas.DataFrame of shape (n, …)
        What ``detector.score`` gave for the table.

    Returns
    -------
    Comparison

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> width, ok = [*rng.normal(5, 1, 200), *range(20, 30)], ["yes"] * 200 + ["no"] * 10
    >>> table = pd.DataFrame({"width": width, "ok": ok})
    >>> detector = TableDetector(budget=0.05).fit(table, "ok == 'yes'")
    >>> comparison = compare(table, detector, detector.score(table))
    >>> [(method.name, method.recall) for method in comparison.methods][:2]
    [('this detector', 1.0), ('PCA reconstruction', 1.0)]
    """
    rng = np.random.RandomState(detector.random_state)
    used, normal = detector.used_for_, detector.normal_
    train = _some(np.flatnonzero(used == TRAINING), MOST_TRAINED_ON, rng)
    threshold_rows = np.flatnonzero(used == CALIBRATION)
    unseen = _some(np.flatnonzero(normal & (used != TRAINING)), MOST_COMPARED, rng)
    rejected = _some(np.flatnonzero(~normal), MOST_COMPARED, rng)
    features = detector.preparation_.transform(table.iloc[train])
    features = features[(np.abs(features) < FAR).all(axis=1)]
    center, scale = features.mean(axis=0), features.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)

    def standardised(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.clip((rows - center) / scale, -_LIMIT, _LIMIT)

    compared = np.concatenate([unseen, rejected])
    Z = standardised(features)
    Z_threshold, Z_compared = (
        standardised(detector.preparation_.transform(table.iloc[rows])) for rows in (threshold_rows, compared)
    )
    scores = {NAME: scored["score"].to_numpy()[compared]}
    flags = {NAME: scored["flagged"].to_numpy()[compared] == 1}
    for name, method in baselines.strong(detector.random_state, scale=False).items():
        method.fit(Z)
        rule = thresholds.Conformal(rate=detector.budget).fit(method.anomaly_score(Z_threshold))
        scores[name] = method.anomaly_score(Z_compared)
        flags[name] = scores[name] > rule.threshold_
    is_rejected = np.arange(len(compared)) >= len(unseen)
    measured = _measures(is_rejected, scores) if rejected.size and unseen.size else {}
    methods = tuple(_method(name, flags, is_rejected, measured) for name in scores)
    return Comparison(len(features), len(unseen), len(rejected), methods)


def _some(places: NDArray[np.int64], most: int, rng: np.random.RandomState) -> NDArray[np.int64]:
    """Return some of the places, in ascending order, if there are more than needed."""
    return places if len(places) <= most else np.sort(rng.choice(places, most, replace=False))


def _measures(
    is_rejected: NDArray[np.bool_], scores: Mapping[str, NDArray[np.float64]]
) -> dict[str, pd.DataFrame]:
    """Return AUROC and average precision with intervals, and the paired differences in each."""
    return {
        by: evaluation.compare(
            is_rejected.astype(int),
            dict(scores),
            reference=NAME,
            by=by,
            confidence=CONFIDENCE,
            n_resamples=RESAMPLES,
        )
        for by in ("AUROC", "AP")
    }


def _method(
    name: str,
    flags: Mapping[str, NDArray[np.bool_]],
    is_rejected: NDArray[np.bool_],
    measured: Mapping[str, pd.DataFrame],
) -> Method:
    mine, detectors = flags[name], flags[NAME]
    flagged, by_both = int(mine.sum()), int((mine & detectors).sum())
    if not measured:
        return Method(name, flagged, by_both)

    def three(by: str, column: str) -> tuple[float, float, float]:
        value, low, high = (float(measured[by].loc[name, f"{column}{end}"]) for end in ("", " low", " high"))
        return value, low, high

    return Method(
        name,
        flagged,
        by_both,
        recall=float(mine[is_rejected].mean()),
        auroc=three("AUROC", "AUROC"),
        average_precision=three("AP", "AP"),
        auroc_difference=None if name == NAME else three("AUROC", "difference"),
        average_precision_difference=None if name == NAME else three("AP", "difference"),
        only_this=None if name == NAME else int((mine & ~detectors & is_rejected).sum()),
        only_detector=None if name == NAME else int((detectors & ~mine & is_rejected).sum()),
    )

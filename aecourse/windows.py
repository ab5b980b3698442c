"""Sliding windows over a series: cut without leakage, scored point by point, judged event by event.

A series has n points at equal steps. Window i of size w and stride s holds the points
``i * s`` to ``i * s + w - 1``. Spans of points, of alarms and of events are half open: ``start`` is
the first point, ``stop`` one past the last, as in a Python slice.

Three things go wrong easily, and each has a function here:

- windows that overlap share points, so a random split puts copies of the training points into
  validation: `split` leaves a gap;
- a point lies in up to w windows, and a score assigned to the wrong point of its window comes too late or
  too early: `point_scores` keeps them aligned;
- neighbouring points are not independent: `event_report` counts events instead of points, and
  `block_interval` resamples whole stretches.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from sklearn.base import clone

from aecourse import evaluation
from aecourse._support import ranks
from aecourse._support.checks import (
    check_finite_array,
    check_fraction,
    check_labels,
    check_scores,
    check_whole,
    match_rows,
)

__all__ = [
    "EventReport",
    "Span",
    "block_compare",
    "block_interval",
    "event_report",
    "point_adjust",
    "point_scores",
    "rolling_thresholds",
    "runs",
    "shared_points",
    "sliding",
    "split",
    "starts",
]

_HOW = ("mean", "max", "last")


def starts(n_points: int, size: int, stride: int = 1) -> NDArray[np.int64]:
    """Return the first point of each window that fits whole into a series.

    Parameters
    ----------
    n_points : int
        Points of the series.
    size : int
        Points of a window.
    stride : int
        Points from one window's start to the next.

    Returns
    -------
    ndarray of int of shape (n_windows,)
        0, stride, 2 · stride, …; the last window ends at or before the last point.

    Raises
    ------
    ValueError
        If an argument is not a whole number of at least 1, or no window fits.

    Examples
    --------
    >>> from aecourse import windows
    >>> windows.starts(10, size=4, stride=3)
    array([0, 3, 6])
    """
    n_points, size, stride = (
        check_whole(n_points, "n_points"),
        check_whole(size, "size"),
        check_whole(stride, "stride"),
    )
    if size > n_points:
        raise ValueError(f"size must be at most the {n_points} points of the series; found {size}.")
    return np.arange(0, n_points - size + 1, stride)


def sliding(values: ArrayLike, size: int, stride: int = 1) -> NDArray[np.float64]:
    """Return every window of a series, one a row.

    Parameters
    ----------
    values : array-like of shape (n,) or (n, n_channels)
        The series, at equal steps.
    size : int
        Points of a window.
    stride : int
        Points from one window's start to the next.

    Returns
    -------
    ndarray of shape (n_windows, size) or (n_windows, size, n_channels)
        A view that cannot be written to: the windows share the memory of ``values``, as they share
        its points.

    Raises
    ------
    ValueError
        If values are not finite numbers in one or two dimensions, or no window fits.

    Examples
    --------
    >>> from aecourse import windows
    >>> windows.sliding([1, 2, 3, 4, 5], size=3)
    array([[1., 2., 3.],
           [2., 3., 4.],
           [3., 4., 5.]])
    """
    values = check_finite_array(values, "values")
    if values.ndim not in (1, 2):
        raise ValueError(f"values must have shape (n,) or (n, n_channels); found {values.shape}.")
    starts(len(values), size, stride)  # for its checks
    view = np.lib.stride_tricks.sliding_window_view(values, size, axis=0)[::stride]
    return view if values.ndim == 1 else np.moveaxis(view, -1, 1)


def split(
    n_windows: int, size: int, stride: int = 1, validation_fraction: float = 0.3, gap: int | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Divide windows by time: the first for training, the last for validation, a gap between them.

    Parameters
    ----------
    n_windows : int
        Windows, in order of time.
    size : int
        Points of a window.
    stride : int
        Points from one window's start to the next.
    validation_fraction : float
        Share of the windows that goes to validation, strictly between 0 and 1.
    gap : int, optional
        Windows left out between the two parts. By default the fewest after which no point is
        shared: ⌈size / stride⌉ − 1, which is size − 1 for a stride of 1.

    Returns
    -------
    train, validation : ndarray of int
        Numbers of the windows of each part.

    Raises
    ------
    ValueError
        If an argument is out of its range, or the gap leaves no window to train on.

    References
    ----------
    The gap is what López de Prado (2018), Advances in Financial Machine Learning, Wiley, chapter 7,
    calls purging.

    Examples
    --------
    >>> from aecourse import windows
    >>> train, validation = windows.split(10, size=3, validation_fraction=0.3)
    >>> train, validation
    (array([0, 1, 2, 3, 4]), array([7, 8, 9]))
    """
    n_windows, size, stride = (
        check_whole(n_windows, "n_windows"),
        check_whole(size, "size"),
        check_whole(stride, "stride"),
    )
    fraction = check_fraction(validation_fraction, "validation_fraction")
    gap = -(-size // stride) - 1 if gap is None else check_whole(gap, "gap", minimum=0)
    n_validation = max(1, round(n_windows * fraction))
    n_train = n_windows - n_validation - gap
    if n_train < 1:
        raise ValueError(
            f"gap: {n_windows} windows less {n_validation} for validation and a gap of {gap} leave none to "
            "train on. Use a longer series, smaller windows or a smaller validation_fraction."
        )
    return np.arange(n_train), np.arange(n_windows - n_validation, n_windows)


def shared_points(train_starts: ArrayLike, starts: ArrayLike, size: int) -> NDArray[np.float64]:
    """Share of each window's points that some training window holds too.

    Parameters
    ----------
    train_starts : array-like of int of shape (m,)
        First points of the training windows, in any order.
    starts : array-like of int of shape (n,)
        First points of the windows that are asked about.
    size : int
        Points of a window.

    Returns
    -------
    ndarray of shape (n,)
        From 0 (none) to 1 (all). A validation window should have 0.

    Raises
    ------
    ValueError
        If the starts are not whole numbers of at least 0, or size is not at least 1.

    Examples
    --------
    >>> from aecourse import windows
    >>> windows.shared_points([0, 1, 2], [3, 4, 6], size=4)  # points 0 to 5 are taken
    array([0.75, 0.5 , 0.  ])
    """
    size = check_whole(size, "size")
    places = []
    for name, given in (("train_starts", train_starts), ("starts", starts)):
        given = np.asarray(given)
        if given.ndim != 1 or given.size == 0 or given.dtype.kind not in "iu" or given.min() < 0:
            raise ValueError(f"{name} must hold window starts, whole numbers of at least 0; found {given!r}.")
        places.append(given)
    train, asked = places
    taken = np.zeros(max(train.max(), asked.max()) + size)
    for offset in range(size):
        taken[train + offset] = 1
    before = np.concatenate([[0], np.cumsum(taken)])  # taken points before each point
    return (before[asked + size] - before[asked]) / size


def point_scores(
    window_scores: ArrayLike, n_points: int, stride: int = 1, how: str = "mean", size: int | None = None
) -> NDArray[np.float64]:
    """One anomaly score a point, from the scores of the windows that hold it.

    Parameters
    ----------
    window_scores : array-like of shape (n_windows, size) or (n_windows,)
        Scores within each window, point by point, as a reconstruction error gives them; or one
        score a window, which then stands for each of its points.
    n_points : int
        Points of the series.
    stride : int
        Points from one window's start to the next.
    how : {"mean", "max", "last"}
        Take the mean or the largest over the windows that hold the point, or the score of the one
        window that ends with it. The last is known at once; the other two only when the last window
        that holds the point is complete, size − 1 points later.
    size : int, optional
        Points of a window; needed if there is one score a window.

    Returns
    -------
    ndarray of shape (n_points,)
        Scores at their own points. NaN if no window holds the point: for ``"last"`` the first
        size − 1 points, and with a stride above 1 the points between ends of windows; for the others
        the points after the last window.

    Raises
    ------
    ValueError
        If the number of windows is not the one that the series has, or an argument is not valid.

    Examples
    --------
    >>> from aecourse import windows
    >>> errors = [[0, 0, 9], [0, 9, 0], [9, 0, 0]]  # point 2 is odd, in three windows
    >>> windows.point_scores(errors, n_points=5)
    array([0., 0., 9., 0., 0.])
    >>> windows.point_scores([1, 4, 1], n_points=5, size=3)  # one score a window is smeared
    array([1. , 2.5, 2. , 2.5, 1. ])
    >>> windows.point_scores([1, 4, 1], n_points=5, size=3, how="last")
    array([nan, nan,  1.,  4.,  1.])
    """
    scores = check_finite_array(window_scores, "window_scores")
    if scores.ndim not in (1, 2) or scores.size == 0:
        raise ValueError(
            f"window_scores must have shape (n_windows, size) or (n_windows,); found {scores.shape}."
        )
    if scores.ndim == 2:
        if size is not None and size != scores.shape[1]:
            raise ValueError(f"size must be the width of window_scores, {scores.shape[1]}; found {size!r}.")
        size = scores.shape[1]
    elif size is None:
        raise ValueError("size is missing: with one score a window, pass size, the points of a window.")
    if how not in _HOW:
        raise ValueError(f"how must be one of {list(_HOW)}; found {how!r}.")
    first = starts(n_points, size, stride)
    if len(first) != len(scores):
        raise ValueError(
            f"window_scores has {len(scores)} windows, but a series of {n_points} points has {len(first)} of "
            f"size {size} and stride {stride}. Score every window, in order."
        )
    if how == "last":
        points = np.full(n_points, np.nan)
        points[first + size - 1] = scores[:, -1] if scores.ndim == 2 else scores
        return points
    columns = scores.T if scores.ndim == 2 else [scores] * size
    if how == "max":
        points = np.full(n_points, -np.inf)
        for offset, column in enumerate(columns):
            points[first + offset] = np.maximum(points[first + offset], column)
        return np.where(np.isfinite(points), points, np.nan)
    total, count = np.zeros(n_points), np.zeros(n_points)
    for offset, column in enumerate(columns):
        total[first + offset] += column
        count[first + offset] += 1
    return np.divide(total, count, out=np.full(n_points, np.nan), where=count > 0)


class Span(NamedTuple):
    """Points from ``start`` to ``stop`` - 1.

    Attributes
    ----------
    start, stop : int
        First point, and one past the last.

    Examples
    --------
    >>> from aecourse import windows
    >>> windows.Span(3, 7).stop
    7
    """

    start: int
    stop: int


def runs(flags: ArrayLike, merge: int = 0) -> list[Span]:
    """Unbroken runs of ones: the events of labels, or the alarms of flagged points.

    Parameters
    ----------
    flags : array-like of shape (n,)
        0 or 1 a point.
    merge : int
        Runs with at most so many zeros between them count as one: an operator who was called
        a moment ago is not called again.

    Returns
    -------
    list of Span
        In order of time.

    Raises
    ------
    ValueError
        If flags hold anything but 0 and 1, or merge is negative.

    Examples
    --------
    >>> from aecourse import windows
    >>> windows.runs([0, 1, 1, 0, 1, 0, 0, 1])
    [Span(start=1, stop=3), Span(start=4, stop=5), Span(start=7, stop=8)]
    >>> windows.runs([0, 1, 1, 0, 1, 0, 0, 1], merge=1)
    [Span(start=1, stop=5), Span(start=7, stop=8)]
    """
    flags = check_labels(flags, "flags")
    merge = check_whole(merge, "merge", minimum=0)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags, [0]])))
    found: list[Span] = []
    for start, stop in edges.reshape(-1, 2).tolist():
        if found and start - found[-1].stop <= merge:
            found[-1] = found[-1]._replace(stop=stop)
        else:
            found.append(Span(start, stop))
    return found


@dataclass(frozen=True)
class EventReport:
    """Events found and alarms that were right.

    Attributes
    ----------
    n_events, found : int
        Events, and those of them with a flagged point.
    n_alarms, right : int
        Alarms, and those of them that touch an event.
    recall, precision, f1 : float
        found / n_events, right / n_alarms, and their harmonic mean. Precision is NaN without alarms,
        recall without events; F1 is 0 if nothing is found.
    recall_interval, precision_interval : tuple of float
        Clopper–Pearson intervals: events, and alarms, are counted as independent trials.
    delays : ndarray of shape (n_events,)
        Points from an event's start until its first flag is known; NaN where it is missed.
    confidence : float
        Level of the intervals.

    Examples
    --------
    >>> from aecourse import windows
    >>> report = windows.event_report([(2, 5), (8, 9)], [0, 0, 0, 1, 1, 1, 0, 0, 0, 0])
    >>> report.found, report.right, report.delays
    (1, 1, array([ 1., nan]))
    """

    n_events: int
    found: int
    n_alarms: int
    right: int
    recall: float
    precision: float
    f1: float
    recall_interval: tuple[float, float]
    precision_interval: tuple[float, float]
    delays: NDArray[np.float64]
    confidence: float


def event_report(
    events: Iterable[Any], flags: ArrayLike, *, merge: int = 0, lag: int = 0, confidence: float = 0.95
) -> EventReport:
    """Judge flags event by event: what was found, how late, and how many alarms were false.

    An event is found when one of its points is flagged. An alarm is a run of flagged points (`runs`);
    it is right when one of its points lies in an event. A long event counts once, and so does a
    long alarm, whatever its length.

    Parameters
    ----------
    events : sequence of Event, Span or (start, stop)
        The true events; objects with ``start`` and ``stop``, or pairs of them.
    flags : array-like of shape (n,)
        1 = flagged, one a point.
    merge : int
        Alarms with at most so many points between them are one.
    lag : int
        Points until a flag is known: 0 if a score needs no later point, size − 1 for scores that
        wait for the last window (`point_scores` with mean or max). It is added to each delay.
    confidence : float
        Level of the intervals, strictly between 0 and 1.

    Returns
    -------
    EventReport
        Counts, recall, precision and F1, their intervals, and the delay of each event.

    Raises
    ------
    ValueError
        If an event lies outside the series, or an argument is not valid.

    References
    ----------
    Tatbul, Lee, Zdonik, Alam and Gottschlich (2018). Precision and recall for time series. NeurIPS
    (range-based measures, of which "one point is enough" is the simplest).

    Clopper and Pearson (1934). The use of confidence or fiducial limits illustrated in the case of
    the binomial. Biometrika 26(4), 404–413.

    Examples
    --------
    >>> from aecourse import windows
    >>> report = windows.event_report([(2, 5), (8, 9)], [1, 0, 0, 1, 1, 1, 0, 0, 0, 0])
    >>> report.recall, report.precision, report.delays
    (0.5, 0.5, array([ 1., nan]))
    """
    flags = check_labels(flags, "flags")
    lag = check_whole(lag, "lag", minimum=0)
    confidence = check_fraction(confidence, "confidence")
    spans = [_span(event, len(flags)) for event in events]
    alarms = runs(flags, merge)
    delays = np.full(len(spans), np.nan)
    touched = np.zeros(len(flags), dtype=bool)
    for place, (start, stop) in enumerate(spans):
        touched[start:stop] = True
        flagged = np.flatnonzero(flags[start:stop])
        if len(flagged):
            delays[place] = flagged[0] + lag
    found = int(np.isfinite(delays).sum())
    # Only flagged points count: if alarms are merged, the points between them are not flagged.
    right = sum(bool((touched & (flags == 1))[start:stop].any()) for start, stop in alarms)
    recall, recall_interval = _share(found, len(spans), confidence)
    precision, precision_interval = _share(right, len(alarms), confidence)
    f1 = 2 * recall * precision / (recall + precision) if found else 0.0
    return EventReport(
        len(spans),
        found,
        len(alarms),
        right,
        recall,
        precision,
        f1,
        recall_interval,
        precision_interval,
        delays,
        confidence,
    )


def _span(event, n_points):
    start, stop = (event.start, event.stop) if hasattr(event, "start") else tuple(event)
    if not 0 <= start < stop <= n_points:
        raise ValueError(
            f"events must lie within the {n_points} points of flags, with start < stop; found {start} to "
            f"{stop}. Count both from the same first point."
        )
    return Span(int(start), int(stop))


def _share(successes, trials, confidence):
    """Return a share and its Clopper–Pearson interval; NaN and (0, 1) without trials."""
    if not trials:
        return float("nan"), (0.0, 1.0)
    interval = stats.binomtest(successes, trials).proportion_ci(confidence, method="exact")
    return successes / trials, (float(interval.low), float(interval.high))


def point_adjust(y: ArrayLike, flags: ArrayLike) -> NDArray[np.int64]:
    """Flag every point of an event of which one point is flagged: "point adjustment".

    It is here to be measured, not to be used: a long event that was hit once, by luck, gets as
    many hits as it has points, so the precision and recall of points then flatter any score [2]_.

    Parameters
    ----------
    y : array-like of shape (n,)
        1 = the point belongs to an event.
    flags : array-like of shape (n,)
        1 = flagged.

    Returns
    -------
    ndarray of int of shape (n,)
        The adjusted flags.

    Raises
    ------
    ValueError
        If y or flags hold anything but 0 and 1, or their lengths differ.

    References
    ----------
    .. [1] H. Xu et al. (2018). Unsupervised anomaly detection via variational auto-encoder for seasonal
       KPIs in web applications. WWW, 187-196 (where the protocol is from).
    .. [2] S. Kim, K. Choi, H.-S. Choi, B. Lee and S. Yoon (2022). Towards a rigorous evaluation of
       time-series anomaly detection. AAAI 36(7), 7194-7201.

    Examples
    --------
    >>> from aecourse import windows
    >>> windows.point_adjust([0, 1, 1, 1, 0, 1, 1], [1, 0, 0, 1, 0, 0, 0])
    array([1, 1, 1, 1, 0, 0, 0])
    """
    y = check_labels(y, "y")
    adjusted = check_labels(flags, "flags", n_rows=y.size).copy()
    for start, stop in runs(y):
        adjusted[start:stop] = adjusted[start:stop].max()
    return adjusted


def block_interval(
    measure: Callable[[NDArray[np.int64], NDArray[np.float64]], float],
    y: ArrayLike,
    score: ArrayLike,
    block: int,
    *,
    confidence: float = 0.95,
    n_resamples: int = 500,
    random_state: int | None = 0,
) -> evaluation.Interval:
    """A measure of point scores and its interval, from a bootstrap of whole blocks.

    Neighbouring points resemble each other, so drawing single points pretends to more
    information than there is, and its intervals are too narrow. Here a resample is made of blocks of
    consecutive points, each from a random place of the series, which is closed into a circle. The
    ends are the percentiles of the resampled values.

    Parameters
    ----------
    measure : callable
        Takes labels and scores, both of shape (n,), and returns a number. Resamples where it
        returns NaN or raises a ValueError, because a class is missing, are left out.
    y : array-like of shape (n,)
        1 = anomaly, 0 = normal.
    score : array-like of shape (n,)
        Anomaly score of each point, high = anomalous.
    block : int
        Points of a block: longer than the memory of the series, and much shorter than the series.
    confidence : float
        Strictly between 0 and 1.
    n_resamples : int
        Number of resamples.
    random_state : int
        Seed of the blocks.

    Returns
    -------
    Interval
        A named tuple (value, low, high).

    Raises
    ------
    ValueError
        If an argument is not valid, the block is longer than the series, or no resample holds both
        classes.

    References
    ----------
    Künsch (1989). The jackknife and the bootstrap for general stationary observations. The Annals of
    Statistics 17(3), 1217–1241.

    Politis and Romano (1992). A circular block-resampling procedure for stationary data. In Exploring
    the Limits of Bootstrap, Wiley, 263–270.

    Examples
    --------
    >>> import numpy as np
    >>> from aecourse import windows
    >>> score = np.repeat(np.random.default_rng(0).normal(size=50), 10)  # each value ten times
    >>> y = np.zeros(500, dtype=int)
    >>> mean = lambda y, score: score.mean()
    >>> wide, narrow = (windows.block_interval(mean, y, score, block=size) for size in (20, 1))
    >>> bool(wide.high - wide.low > 2 * (narrow.high - narrow.low))
    True
    """
    if not callable(measure):
        raise ValueError(f"measure must be a function of (y, score); found {measure!r}.")
    score = check_scores(match_rows(score, y, "score", "y"), "score")
    y = check_labels(y, "y", n_rows=score.size)
    confidence = check_fraction(confidence, "confidence")
    value = float(measure(y, score))
    resampled = []
    for rows in _block_rows(score.size, block, n_resamples, random_state):
        try:
            resampled.append(float(measure(y[rows], score[rows])))
        except ValueError:  # a class is missing from these blocks
            continue
    resampled = np.array([value for value in resampled if not np.isnan(value)])
    if not resampled.size:
        raise ValueError(f"block of {block} points: no resample could be measured. Use shorter blocks.")
    low, high = np.quantile(resampled, [(1 - confidence) / 2, (1 + confidence) / 2])
    return evaluation.Interval(value, float(low), float(high))


def _block_rows(
    n: int, block: int, n_resamples: int, random_state: int | None
) -> Iterator[NDArray[np.int64]]:
    """Yield the point numbers of each resample, blocks of consecutive points of a closed circle."""
    block, n_resamples = check_whole(block, "block"), check_whole(n_resamples, "n_resamples")
    if block > n:
        raise ValueError(f"block must be at most the {n} points of the series; found {block}.")
    rng = np.random.RandomState(random_state)
    for _ in range(n_resamples):
        begin = rng.randint(n, size=-(-n // block))
        yield ((begin[:, None] + np.arange(block)).ravel() % n)[:n]


def block_compare(
    y: ArrayLike,
    scores: Mapping[str, ArrayLike],
    block: int,
    *,
    confidence: float = 0.95,
    n_resamples: int = 500,
    random_state: int | None = 0,
) -> evaluation.Table:
    """AUROC and average precision of several detectors' point scores, with block-bootstrap intervals.

    The same numbers as `block_interval` gives for `evaluation.auroc` and
    `evaluation.average_precision`, many times faster, since the points are sorted once. All
    detectors are measured on the same resamples.

    Parameters
    ----------
    y : array-like of shape (n,)
        1 = anomaly, 0 = normal; both must be present.
    scores : dict of str to array-like of shape (n,)
        Anomaly scores of each detector, high = anomalous.
    block, confidence, n_resamples, random_state
        As in `block_interval`.

    Returns
    -------
    Table of shape (number of detectors, 6)
        A DataFrame with one detector a row, in the order given; columns AUROC, AUROC low, AUROC high, AP,
        AP low, AP high.

    Raises
    ------
    ValueError
        If scores is empty, or an argument is not valid.

    References
    ----------
    As in `block_interval`.

    Examples
    --------
    >>> import numpy as np
    >>> from aecourse import windows
    >>> y = np.tile(np.repeat([0, 1], [45, 5]), 20)  # an event of five points in fifty
    >>> noise = np.random.default_rng(0).normal(size=1000)
    >>> table = windows.block_compare(y, {"weak": noise + y, "strong": noise + 2 * y}, block=50)
    >>> table[["AUROC", "AP"]]
            AUROC    AP
    weak    0.750 0.323
    strong  0.920 0.672
    >>> bool((table["AUROC low"] < table["AUROC"]).all() and (table["AUROC"] < table["AUROC high"]).all())
    True
    """
    if not isinstance(scores, dict) or not scores:
        raise ValueError(
            f"scores must be a dict with at least one detector; found {type(scores).__name__}"
            f"{' without entries' if isinstance(scores, dict) else ''}."
        )
    y = check_labels(y, "y", need_both=True)
    confidence = check_fraction(confidence, "confidence")
    rows = np.array(list(_block_rows(y.size, block, n_resamples, random_state)))
    rows = rows[(y[rows].min(axis=1) == 0) & (y[rows].max(axis=1) == 1)]
    if not len(rows):
        raise ValueError(f"block of {block} points: no resample holds both classes. Use shorter blocks.")
    table: dict[str, dict[str, float]] = {}
    for name, score in scores.items():
        score = check_scores(score, f"scores[{name!r}]")
        if score.size != y.size:
            raise ValueError(f"scores[{name!r}] has {score.size} scores for {y.size} labels; pass one each.")
        order = ranks.Places(y, score)
        place = order.of(score)
        counts = [
            np.array([np.bincount(place[row[y[row] == label]], minlength=order.size) for row in rows])
            for label in (1, 0)
        ]
        table[name] = {}
        for measure, function in (("AUROC", ranks.auroc), ("AP", ranks.average_precision)):
            ends = np.quantile(function(*counts), [(1 - confidence) / 2, (1 + confidence) / 2])
            value = function(*order.as_given())[0]
            table[name] |= {measure: value, f"{measure} low": ends[0], f"{measure} high": ends[1]}
    return evaluation.Table.from_dict(table, orient="index")


def rolling_thresholds(
    scores: ArrayLike,
    rule: Any,
    memory: int,
    step: int,
    start: int | None = None,
    keep: str | ArrayLike | None = None,
) -> NDArray[np.float64]:
    """Return a threshold for each point, fitted again every ``step`` points on the scores just before.

    Parameters
    ----------
    scores : array-like of shape (n,)
        Anomaly scores in order of time.
    rule : object
        A rule of `aecourse.thresholds`, such as ``Conformal(0.01)``; it is copied for each fit.
    memory : int
        Points before a fit that it may look at.
    step : int
        Points from one fit to the next.
    start : int, optional
        The first point that gets a threshold; ``memory`` by default.
    keep : None, "accepted" or array-like of shape (n,)
        Which of those scores count: all; those that lay at or below the threshold of their own time
        (points before ``start`` have none and always count); or those marked 1, for example
        because a person has examined the alarms and found no fault.

    Returns
    -------
    ndarray of shape (n,)
        The threshold of each point, NaN before ``start``. No threshold depends on its own point or
        on a later one.

    Raises
    ------
    ValueError
        If an argument is not valid, or a fit has too few scores for the rule.

    Examples
    --------
    >>> import numpy as np
    >>> from aecourse import thresholds, windows
    >>> windows.rolling_thresholds(np.arange(8.0), thresholds.Percentile(100), memory=4, step=2)
    array([nan, nan, nan, nan,  3.,  3.,  5.,  5.])
    """
    scores = check_scores(scores)
    memory, step = check_whole(memory, "memory"), check_whole(step, "step")
    start = memory if start is None else check_whole(start, "start")
    automatic = isinstance(keep, str)
    if automatic and keep != "accepted":
        raise ValueError(f"keep must be None, 'accepted' or an array of 0 and 1; found {keep!r}.")
    if not memory <= start < scores.size:
        raise ValueError(
            f"start must be at least memory ({memory}) and below the {scores.size} points; found {start}."
        )
    counts = (
        np.ones(scores.size, dtype=bool)
        if keep is None or automatic
        else check_labels(keep, "keep", n_rows=scores.size).astype(bool)
    )
    limits = np.full(scores.size, np.nan)
    for first in range(start, scores.size, step):
        before, now = slice(first - memory, first), slice(first, first + step)
        limits[now] = clone(rule).fit(scores[before][counts[before]]).threshold_
        if automatic:
            counts[now] = scores[now] <= limits[now]
    return limits

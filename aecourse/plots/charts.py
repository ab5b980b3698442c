"""The public charts.

Each function draws on ``ax``, or on a new figure if that is None, and returns the Axes (for a grid, an
array of Axes). Each figure has a title and labelled axes with units. If an argument has the wrong shape, or
if values are missing or infinite, a function raises a ``ValueError`` that names the argument.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from aecourse._support.checks import (
    check_classes,
    check_finite_array,
    check_flag,
    check_labels,
    check_limits,
    check_named_numbers,
    check_names,
    check_number,
    check_rows,
    check_scores,
    check_whole,
    match_rows,
)
from aecourse._support.wording import counted
from aecourse.plots.description import name_artist
from aecourse.plots.style import (
    FLAGGED,
    LABEL_SIZE,
    PALETTE,
    REFERENCE_LINES,
    SERIES,
    SMALL_SIZE,
    THRESHOLD_LINES,
    AxesGrid,
    LineStyle,
    add_legend,
    class_style,
    dress,
    new_axes,
    new_grid,
    series_style,
    set_grid_title,
)

if TYPE_CHECKING:
    import pandas as pd

#: One threshold or several by name.
Thresholds: TypeAlias = float | Mapping[str, float]
#: One unnamed series of values, or several by name.
OneOrMore: TypeAlias = ArrayLike | Mapping[str, ArrayLike]
Interval: TypeAlias = tuple[float, float]


def _by_name(values: Any, default_name: str) -> dict[str, Any]:
    """Return {name: values}, for one unnamed array or for a mapping."""
    return dict(values) if isinstance(values, Mapping) else {default_name: values}


def _level_lines(
    ax: Axes,
    levels: Mapping[str, float],
    *,
    vertical: bool,
    role: str = "reference",
    styles: Sequence[LineStyle] = REFERENCE_LINES,
    digits: str = ".4g",
    **style: float,
) -> None:
    """Draw a line across the Axes for each named level."""
    line_across = ax.axvline if vertical else ax.axhline
    for place, (name, level) in enumerate(levels.items()):
        line = line_across(
            float(level),
            color=PALETTE[role],
            linestyle=styles[place % len(styles)],
            label=f"{name} ({float(level):{digits}})",
            **style,
        )
        name_artist(line, name)


def _check_thresholds(threshold: Thresholds | None) -> dict[str, float]:
    """Return thresholds by name; none for None."""
    if threshold is None:
        return {}
    if isinstance(threshold, Mapping):
        return check_named_numbers(threshold, "threshold")
    return {"threshold": check_number(threshold, "threshold")}


def _threshold_lines(ax: Axes, thresholds: Mapping[str, float], *, vertical: bool) -> None:
    if thresholds:
        _level_lines(
            ax,
            thresholds,
            vertical=vertical,
            role="threshold",
            styles=THRESHOLD_LINES,
            digits=".3g",
            linewidth=1.6,
            zorder=5,
        )


def _check_series(values: Any, name: str) -> NDArray[np.float64]:
    """Return a row of numbers, some of which may be missing or infinite, such as losses that diverge."""
    try:
        numbers = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must hold numbers, but could not be read as such ({error}).") from error
    if numbers.ndim != 1 or not numbers.size:
        raise ValueError(f"{name} must hold numbers in one row; found the shape {numbers.shape}.")
    return numbers


def loss_curves(
    history: Any,
    ax: Axes | None = None,
    *,
    metric: str = "loss",
    title: str = "Training and validation loss",
    ylabel: str = "Loss (mean over a batch)",
    log: bool = False,
    reference: Mapping[str, float] | None = None,
) -> Axes:
    """Draw a metric epoch by epoch, on the training rows and on the validation rows.

    Parameters
    ----------
    history : keras.callbacks.History or dict of str to sequence of float
        The return value of ``fit``, or its ``history``.
    ax : matplotlib Axes, optional
        Where to draw.
    metric : str
        Key of the history; the key with the prefix ``val_`` is drawn too, if the history has it.
    title, ylabel : str
        Title, and label of the y axis, which should name the unit.
    log : bool
        Whether the y axis is logarithmic.
    reference : dict of str to float, optional
        Horizontal lines by name, for example the loss of predicting zero.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If the history has no such key, or no epochs.

    Examples
    --------
    >>> from aecourse import plots
    >>> ax = plots.loss_curves({"loss": [0.3, 0.2], "val_loss": [0.4, 0.3]})
    >>> [line.get_label() for line in ax.get_lines()]
    ['training', 'validation']
    """
    values = getattr(history, "history", history)
    if not isinstance(values, Mapping):
        raise ValueError(
            f"history must be what fit returned, or a dict of lists; found {type(values).__name__}."
        )
    if not isinstance(metric, str) or metric not in values or np.size(values[metric]) == 0:
        raise ValueError(
            f"history has no epochs of {metric!r}; found the keys {sorted(map(str, values))}. Pass what fit "
            "returned, and one of its keys as metric."
        )
    levels = check_named_numbers(reference, "reference")
    log = check_flag(log, "log")
    by_key = {
        key: _check_series(values[key], f"history[{key!r}]")
        for key in (metric, f"val_{metric}")
        if key in values
    }
    ax = new_axes(ax)
    keys = {"training": metric, "validation": f"val_{metric}"}
    for (name, key), (colour, marker, line) in zip(keys.items(), SERIES, strict=False):
        if key in by_key:
            losses = by_key[key]
            ax.plot(
                np.arange(1, len(losses) + 1),
                losses,
                color=colour,
                marker=marker,
                linestyle=line,
                label=name,
                linewidth=1.8,
                markersize=4.5,
                markevery=max(1, len(losses) // 20),
            )
    _level_lines(ax, levels, vertical=False, linewidth=1.4)
    if log:
        ax.set_yscale("log")
    dress(ax, title, "Epoch", ylabel)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    add_legend(ax)
    return ax


def score_histogram(
    scores_normal: ArrayLike,
    scores_anomaly: ArrayLike | None = None,
    threshold: Thresholds | None = None,
    bins: int = 30,
    range: Interval | None = None,
    log: bool = False,
    unit: str = "mean squared error",
    ax: Axes | None = None,
    *,
    share: bool = False,
    title: str = "Anomaly scores",
    names: tuple[str, str] = ("normal", "anomaly"),
) -> Axes:
    """Draw the histogram of anomaly scores, by class, with the threshold.

    Both classes share their bins. Rows outside ``range`` are not drawn; the legend counts them.

    Parameters
    ----------
    scores_normal : array-like of shape (n,)
        Anomaly scores of normal rows.
    scores_anomaly : array-like of shape (m,), optional
        Anomaly scores of anomalies.
    threshold : float or dict of str to float, optional
        One threshold, or several by name.
    bins : int
        Number of bins.
    range : tuple of float, optional
        Lowest and highest score drawn; all by default.
    log : bool
        Whether the y axis is logarithmic.
    unit : str
        Unit of the scores.
    ax : matplotlib Axes, optional
        Where to draw.
    share : bool
        Whether to draw per cent of each class instead of rows, for classes of unequal size.
    title : str
        Title.
    names : tuple of str
        Names of the two classes.

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> from aecourse import plots
    >>> ax = plots.score_histogram([0.1, 0.1, 0.4], [0.8], threshold=0.5, bins=4)
    >>> [int(bar.get_height()) for bar in ax.containers[0]]
    [2, 1, 0, 0]
    """
    classes = {"normal": check_scores(scores_normal, "scores_normal")}
    if scores_anomaly is not None:
        classes["anomaly"] = check_scores(scores_anomaly, "scores_anomaly")
    bins = check_whole(bins, "bins", maximum=100_000)
    limits = None if range is None else check_limits(range, "range")
    log, share = check_flag(log, "log"), check_flag(share, "share")
    lines = _check_thresholds(threshold)
    shown = check_names(names, "names", 2, "classes")
    edges = np.histogram_bin_edges(np.concatenate(list(classes.values())), bins, limits)
    ax = new_axes(ax)
    for name, (role, scores) in zip(shown, classes.items(), strict=False):
        drawn = scores[(scores >= edges[0]) & (scores <= edges[-1])]
        label = f"{name}, {counted(scores.size, 'row')}"
        outside = scores.size - drawn.size
        weights = np.full(drawn.size, 100 / scores.size) if share else None
        bars: Any
        _, _, bars = ax.hist(
            drawn,
            bins=edges.tolist(),
            weights=weights,
            hatch=None if role == "normal" else "////",
            log=log,
            label=f"{label}\n({outside:,} outside the range)" if outside else label,
        )
        for bar in bars:  # only the face is pale, so that the other class shows through
            bar.set_facecolor((PALETTE[role], 0.35 if role == "normal" else 0.12))
            bar.set_edgecolor(PALETTE[role])
            bar.set_linewidth(0.9)
        name_artist(bars.patches[0], label)
    _threshold_lines(ax, lines, vertical=True)
    if limits is not None:
        ax.set_xlim(*limits)
    ylabel = "Share of the class (%)" if share else "Rows per bin"
    dress(ax, title, f"Anomaly score ({unit})", ylabel, grid="y")
    add_legend(ax)
    return ax


def _check_labels_and_scores(y: ArrayLike, score: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    score = check_scores(match_rows(score, y, "score", "y"), "score")
    y = check_labels(y)
    if y.size != score.size:
        raise ValueError(f"y has {y.size} labels for {score.size} rows of score; pass one for each.")
    return y, score


def error_scatter(
    y: ArrayLike,
    score: ArrayLike,
    threshold: Thresholds | None = None,
    ax: Axes | None = None,
    *,
    unit: str = "mean squared error",
    log: bool = False,
    title: str = "Anomaly score of each row",
) -> Axes:
    """Draw the anomaly score of every row at the row's own index, whatever its class.

    Parameters
    ----------
    y : array-like of shape (n,)
        Labels, 1 = anomaly.
    score : array-like of shape (n,)
        Anomaly scores.
    threshold : float or dict of str to float, optional
        One threshold, or several by name.
    ax : matplotlib Axes, optional
        Where to draw.
    unit : str
        Unit of the scores.
    log : bool
        Whether the y axis is logarithmic.
    title : str
        Title.

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> from aecourse import plots
    >>> ax = plots.error_scatter([0, 1, 0], [0.1, 0.9, 0.2], threshold=0.5)
    >>> [points.get_offsets()[:, 0].tolist() for points in ax.collections]
    [[0.0, 2.0], [1.0]]
    """
    y, score = _check_labels_and_scores(y, score)
    lines, log = _check_thresholds(threshold), check_flag(log, "log")
    ax = new_axes(ax)
    index = np.arange(score.size)
    crowded = score.size > 2000
    for label, role, marker in ((0, "normal", "o"), (1, "anomaly", "x")):
        in_class = y == label
        if in_class.any():
            ax.scatter(
                index[in_class],
                score[in_class],
                marker=marker,
                color=PALETTE[role],
                s=(6 if crowded else 16),
                alpha=(0.5 if crowded and label == 0 else 0.9),
                linewidths=(0 if label == 0 else 1.0),
                label=f"{role}, {counted(int(in_class.sum()), 'row')}",
                zorder=2 + label,
            )
    _threshold_lines(ax, lines, vertical=False)
    if log:
        ax.set_yscale("log")
    dress(ax, title, "Row (index in the test set)", f"Anomaly score ({unit})")
    add_legend(ax)
    return ax


def _check_scores_by_name(scores: OneOrMore, y: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
    checked = {}
    for name, values in _by_name(scores, "detector").items():
        checked[name] = check_scores(values, f"scores[{name!r}]")
        if checked[name].size != y.size:
            raise ValueError(
                f"scores[{name!r}] holds {checked[name].size} scores for {y.size} labels; "
                "pass one score for each row."
            )
    return checked


def roc(
    y: ArrayLike,
    scores: OneOrMore,
    ax: Axes | None = None,
    *,
    thresholds: Mapping[str, float] | None = None,
    title: str = "ROC curve",
) -> Axes:
    """Draw recall against false-alarm rate over all thresholds.

    Parameters
    ----------
    y : array-like of shape (n,)
        Labels, 1 = anomaly.
    scores : dict of str to array-like of shape (n,), or array-like of shape (n,)
        Anomaly scores by the detector's name.
    ax : matplotlib Axes, optional
        Where to draw.
    thresholds : dict of str to float, optional
        Thresholds by the detector's name; their points are marked on the curves.
    title : str
        Title.

    Returns
    -------
    matplotlib Axes

    References
    ----------
    T. Fawcett: An introduction to ROC analysis, Pattern Recognition Letters 27 (2006) 861-874.

    Examples
    --------
    >>> from aecourse import plots
    >>> ax = plots.roc([0, 0, 1, 1], {"mine": [0.1, 0.4, 0.35, 0.8]})
    >>> ax.get_legend_handles_labels()[1]
    ['mine (AUROC 0.750)', 'chance']
    """
    from sklearn.metrics import roc_auc_score, roc_curve

    y = check_labels(y, need_both=True)
    by_name = _check_scores_by_name(scores, y)
    marked = check_named_numbers(thresholds, "thresholds")
    ax = new_axes(ax, 6.8, 4.0)
    for place, (name, score) in enumerate(by_name.items()):
        colour, marker, style = series_style(place)
        false_alarms, recall, _ = roc_curve(y, score, drop_intermediate=False)
        (line,) = ax.plot(
            false_alarms,
            recall,
            color=colour,
            linestyle=style,
            linewidth=1.9,
            label=f"{name} (AUROC {roc_auc_score(y, score):.3f})",
        )
        name_artist(line, name, "curve")
        if name in marked:
            flagged = score > marked[name]
            (point,) = ax.plot(
                [flagged[y == 0].mean()],
                [flagged[y == 1].mean()],
                color=colour,
                marker=marker,
                markersize=8,
                markeredgecolor="white",
                linestyle="none",
                label=f"{name} at its threshold",
                zorder=4,
            )
            name_artist(point, f"{name} at its threshold")
    ax.plot([0, 1], [0, 1], color=PALETTE["reference"], linestyle=REFERENCE_LINES[1], label="chance")
    dress(ax, title, "False-alarm rate (share of normal rows)", "Recall (share of anomalies)")
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    add_legend(ax)
    return ax


def precision_recall(
    y: ArrayLike, scores: OneOrMore, ax: Axes | None = None, *, title: str = "Precision and recall"
) -> Axes:
    """Draw precision against recall over all thresholds, with the base rate.

    Parameters
    ----------
    y : array-like of shape (n,)
        Labels, 1 = anomaly.
    scores : dict of str to array-like of shape (n,), or array-like of shape (n,)
        Anomaly scores by the detector's name.
    ax : matplotlib Axes, optional
        Where to draw.
    title : str
        Title.

    Returns
    -------
    matplotlib Axes
        The area under a curve is its average precision; a detector that guesses stays at the
        base rate.

    References
    ----------
    J. Davis, M. Goadrich: The relationship between precision-recall and ROC curves, ICML 2006.

    Examples
    --------
    >>> from aecourse import plots
    >>> ax = plots.precision_recall([0, 0, 1, 1], {"mine": [0.1, 0.4, 0.35, 0.8]})
    >>> ax.get_legend_handles_labels()[1]
    ['mine (AP 0.833)', 'base rate (0.500)']
    """
    from sklearn.metrics import average_precision_score, precision_recall_curve

    y = check_labels(y, need_both=True)
    by_name = _check_scores_by_name(scores, y)
    ax = new_axes(ax, 6.8, 4.0)
    for place, (name, score) in enumerate(by_name.items()):
        colour, _, style = series_style(place)
        precision, recall, _ = precision_recall_curve(y, score)
        (line,) = ax.plot(
            recall,
            precision,
            color=colour,
            linestyle=style,
            linewidth=1.9,
            drawstyle="steps-post",
            label=f"{name} (AP {average_precision_score(y, score):.3f})",
        )
        name_artist(line, name, "curve")
    _level_lines(ax, {"base rate": y.mean()}, vertical=False, styles=REFERENCE_LINES[1:], digits=".3f")
    dress(ax, title, "Recall (share of anomalies)", "Precision (share of flagged rows)")
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.04))
    add_legend(ax)
    return ax


def confusion(
    y: ArrayLike,
    score: ArrayLike,
    threshold: float,
    ax: Axes | None = None,
    *,
    title: str = "Decisions at the threshold",
) -> Axes:
    """Draw the confusion matrix of a threshold: rows strictly above it are flagged.

    Parameters
    ----------
    y : array-like of shape (n,)
        Labels, 1 = anomaly.
    score : array-like of shape (n,)
        Anomaly scores.
    threshold : float
        Rows above it are flagged.
    ax : matplotlib Axes, optional
        Where to draw.
    title : str
        Title.

    Returns
    -------
    matplotlib Axes
        The image shows the share of each true class, the texts the counts.

    Examples
    --------
    >>> from aecourse import plots
    >>> ax = plots.confusion([0, 0, 1, 1], [0.1, 0.6, 0.5, 0.8], threshold=0.5)
    >>> [text.get_text().splitlines()[:2] for text in ax.texts][2]
    ['missed anomalies', '1']
    """
    y, score = _check_labels_and_scores(y, score)
    flagged = (score > check_number(threshold, "threshold", infinite=True)).astype(int)
    counts = np.array([np.bincount(flagged[y == truth], minlength=2) for truth in (0, 1)])
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.zeros((2, 2)), where=totals > 0)
    ax = new_axes(ax, 5.4, 3.4)
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1.8, aspect="auto")  # pale, for the dark text on it
    words = (("normal, passed", "false alarms"), ("missed anomalies", "caught anomalies"))
    classes = ("normal rows", "anomalies")
    for truth, decision in itertools.product((0, 1), (0, 1)):
        share = f"{shares[truth, decision]:.1%} of {classes[truth]}"
        ax.text(
            decision,
            truth,
            f"{words[truth][decision]}\n{counts[truth, decision]:,}\n{share}",
            ha="center",
            va="center",
            fontsize=LABEL_SIZE,
            color=PALETTE["text"],
        )
    dress(ax, title, "Decision", "Truth", grid=None)
    ax.set_xticks([0, 1], ["passed", "flagged"])
    ax.set_yticks([0, 1], ["normal", "anomaly"], rotation=90, va="center")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return ax


def _values_and_arms(
    table: "pd.DataFrame", metric: str
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """Return the values and the two arms of their intervals (or None) from a table."""
    if not hasattr(table, "columns") or not hasattr(table, "index"):
        raise ValueError(f"table must be a pandas.DataFrame; found {type(table).__name__}.")
    names = [str(each) for each in table.columns]
    if not isinstance(metric, str) or metric not in names:
        raise ValueError(f"table has no column {metric!r}; found {names}. Name one of them as metric.")
    values = check_scores(table[metric], f"table[{metric!r}]")
    low, high = f"{metric} low", f"{metric} high"
    if low in names and high in names:
        ends = [_check_series(table[each], f"table[{each!r}]") for each in (low, high)]
        return values, np.maximum([values - ends[0], ends[1] - values], 0)
    return values, None


def _draw_dots(
    table: "pd.DataFrame", metric: str, ax: Axes | None, *, width: float, row_height: float, label: str
) -> Axes:
    """Draw one dot for each row of a table, from top to bottom, with its interval."""
    values, arms = _values_and_arms(table, metric)
    ax = new_axes(ax, width, 1.3 + row_height * len(values))
    places = np.arange(len(values))
    style: dict[str, Any] = {"color": PALETTE["normal"], "marker": "o", "markersize": 6, "linestyle": "none"}
    style["label"] = label if arms is None else f"{label}, with interval"
    if arms is None:
        ax.plot(values, places, **style)
    else:
        ax.errorbar(values, places, xerr=arms, elinewidth=1.8, capsize=3.5, **style)
    ax.set_yticks(places, [str(name) for name in table.index])
    ax.set_ylim(len(values) - 0.5, -0.5)
    return ax


_METRIC_NAMES = {
    "AUROC": "AUROC (area under the ROC curve)",
    "AP": "Average precision",
    "recall": "Recall (share of anomalies)",
    "precision": "Precision (share of flagged rows)",
}


def detector_comparison(
    table: "pd.DataFrame",
    metric: str = "AUROC",
    ax: Axes | None = None,
    *,
    title: str = "Detectors compared",
    xlabel: str | None = None,
    reference: Mapping[str, float] | None = None,
) -> Axes:
    """Draw one dot for each detector, with its interval.

    Parameters
    ----------
    table : pandas.DataFrame
        One row for each detector, named by the index, with a column ``metric`` and, for the
        intervals, columns of the same name with `` low`` and `` high``, as
        :func:`aecourse.evaluation.compare` returns it.
    metric : str
        Column to draw.
    ax : matplotlib Axes, optional
        Where to draw.
    title : str
        Title.
    xlabel : str, optional
        Label of the axis, with the unit; known metrics have one by default.
    reference : dict of str to float, optional
        Vertical lines by name, for example the highest value that is possible.

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> import pandas as pd
    >>> from aecourse import plots
    >>> table = pd.DataFrame({"AUROC": [0.99, 0.95], "AUROC low": [0.98, 0.93],
    ...                       "AUROC high": [1.0, 0.97]}, index=["k-NN", "PCA"])
    >>> ax = plots.detector_comparison(table)
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['k-NN', 'PCA']
    """
    levels = check_named_numbers(reference, "reference")
    ax = _draw_dots(table, metric, ax, width=7.2, row_height=0.36, label="measured")
    _level_lines(ax, levels, vertical=True)
    dress(ax, title, xlabel or _METRIC_NAMES.get(metric, metric), "Detector", grid="x")
    if reference:
        add_legend(ax)
    return ax


def auroc_by_group(
    table: "pd.DataFrame",
    ax: Axes | None = None,
    *,
    overall: float | None = None,
    title: str = "AUROC by group",
    group_name: str = "Group",
    xlabel: str = "AUROC against the normal rows",
) -> Axes:
    """Draw one dot for each group of anomalies, with its interval.

    Parameters
    ----------
    table : pandas.DataFrame
        One row for each group, named by the index and drawn from top to bottom, with a column
        ``AUROC`` and, for the intervals, ``AUROC low`` and ``AUROC high``, as
        :func:`aecourse.evaluation.by_group` returns it.
    ax : matplotlib Axes, optional
        Where to draw.
    overall : float, optional
        The AUROC over all groups, drawn as a vertical line.
    title, group_name, xlabel : str
        Title and labels of the axes.

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> import pandas as pd
    >>> from aecourse import plots
    >>> ax = plots.auroc_by_group(pd.DataFrame({"AUROC": [0.99, 0.95]}, index=["1", "2"]))
    >>> ax.get_lines()[0].get_xdata().tolist()
    [0.99, 0.95]
    """
    overall = None if overall is None else check_number(overall, "overall")
    ax = _draw_dots(table, "AUROC", ax, width=6.4, row_height=0.3, label="one group")
    if overall is not None:
        _level_lines(ax, {"all groups": overall}, vertical=True, digits=".3f", zorder=1.5)
        add_legend(ax)
    dress(ax, title, xlabel, group_name, grid="x")
    return ax


def sweep(
    x: ArrayLike,
    y: OneOrMore,
    low: OneOrMore | None = None,
    high: OneOrMore | None = None,
    ax: Axes | None = None,
    *,
    xlabel: str,
    ylabel: str,
    title: str = "Sweep",
    reference: Mapping[str, float] | None = None,
    logx: bool = False,
    logy: bool = False,
) -> Axes:
    """Draw a metric against a setting that was varied, with its interval and reference levels.

    Parameters
    ----------
    x : array-like of shape (n,)
        Settings.
    y : array-like of shape (n,), or dict of str to array-like of shape (n,)
        The metric at each setting; several curves by name.
    low, high : as ``y``, optional
        Ends of the interval; for several curves, by some or all of their names.
    ax : matplotlib Axes, optional
        Where to draw.
    xlabel, ylabel, title : str
        Labels of the axes, with units, and title.
    reference : dict of str to float, optional
        Horizontal lines by name.
    logx, logy : bool
        Whether an axis is logarithmic; a logarithmic x axis has a tick at every setting.

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> from aecourse import plots
    >>> ax = plots.sweep([2, 4, 8], [0.90, 0.95, 0.97], xlabel="Latent units",
    ...                  ylabel="AUROC", reference={"PCA, 32 components": 0.9925})
    >>> ax.get_lines()[0].get_ydata().tolist()
    [0.9, 0.95, 0.97]
    """
    x = check_scores(x, "x")
    is_single = not isinstance(y, Mapping)
    curves = {name: check_scores(values, f"y[{name!r}]") for name, values in _by_name(y, "measured").items()}
    lows, highs = (
        {each: _check_series(ends, f"{side}[{each!r}]") for each, ends in _by_name(given, "measured").items()}
        for side, given in (("low", {} if low is None else low), ("high", {} if high is None else high))
    )
    for side, named in (("y", curves), ("low", lows), ("high", highs)):
        for name, values in named.items():
            if values.size != x.size:
                raise ValueError(
                    f"{side}[{name!r}] holds {values.size} values for {x.size} settings x; pass one for each."
                )
    levels = check_named_numbers(reference, "reference")
    logx, logy = check_flag(logx, "logx"), check_flag(logy, "logy")
    ax = new_axes(ax)
    for place, (name, values) in enumerate(curves.items()):
        colour, marker, style = series_style(place)
        if name in lows and name in highs:
            ax.fill_between(
                x,
                lows[name],
                highs[name],
                color=colour,
                alpha=0.16,
                linewidth=0,
                label="interval" if is_single else f"{name}, interval",
            )
        ax.plot(
            x, values, color=colour, marker=marker, linestyle=style, label=name, linewidth=1.8, markersize=5.5
        )
    _level_lines(ax, levels, vertical=False, linewidth=1.4)
    if logx:
        ax.set_xscale("log")
        ax.set_xticks(x, [f"{setting:g}" for setting in x])
        ax.minorticks_off()
    if logy:
        ax.set_yscale("log")
    dress(ax, title, xlabel, ylabel)
    if not is_single or len(ax.get_legend_handles_labels()[1]) > 1:
        add_legend(ax)
    return ax


def timing_bars(
    seconds: Mapping[str, float],
    ax: Axes | None = None,
    *,
    baseline: str | None = None,
    unit: str = "s",
    title: str = "Time taken",
    xlabel: str = "Time (seconds)",
    log: bool = False,
) -> Axes:
    """Draw one bar for each method, with its time and its speed relative to the baseline.

    Parameters
    ----------
    seconds : dict of str to float
        Time of each method.
    ax : matplotlib Axes, optional
        Where to draw.
    baseline : str, optional
        Name of the method that the others are compared with.
    unit : str
        Unit written after each time.
    title, xlabel : str
        Title and label of the axis.
    log : bool
        Whether the x axis is logarithmic.

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> from aecourse import plots
    >>> ax = plots.timing_bars({"Keras fit": 1.74, "compiled loop": 0.1}, baseline="Keras fit")
    >>> [text.get_text() for text in ax.texts]
    ['1.74 s', '0.1 s (17.4x as fast)']
    """
    seconds, log = check_named_numbers(seconds, "seconds"), check_flag(log, "log")
    if not seconds:
        raise ValueError("seconds is empty; pass the time of at least one method by name.")
    if baseline is not None and (not isinstance(baseline, str) or baseline not in seconds):
        raise ValueError(f"baseline {baseline!r} is not among the methods {list(seconds)}.")
    ax = new_axes(ax, 7.2, 1.3 + 0.4 * len(seconds))
    names, values = list(seconds), list(seconds.values())
    bars = ax.barh(names, values, color=PALETTE["normal"], height=0.6, label="time", log=log)
    words = []
    for name, value in zip(names, values, strict=True):
        faster = (
            "" if baseline in (None, name) or not value else f" ({seconds[baseline] / value:.3g}x as fast)"
        )
        words.append(f"{value:.3g} {unit}{faster}")
    ax.bar_label(bars, words, padding=4, fontsize=SMALL_SIZE, color=PALETTE["text"])
    ax.invert_yaxis()
    ax.margins(x=0.22)
    dress(ax, title, xlabel, "Method", grid="x")
    return ax


def _draw_image(ax: Axes, pixels: NDArray, cmap: str, vmin: float, vmax: float) -> Any:
    image = ax.imshow(pixels, cmap=cmap, vmin=vmin, vmax=vmax, interpolation="nearest")
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    return image


def image_grid(
    images: ArrayLike,
    titles: Sequence[object] | None = None,
    ax: Any = None,
    *,
    columns: int = 10,
    title: str = "Images",
    value_range: Interval | None = None,
) -> AxesGrid:
    """Draw grey images side by side.

    Parameters
    ----------
    images : array-like of shape (n, height, width)
        Images, high = bright.
    titles : sequence of str, optional
        A title above each image. Round numbers that depend on the processor: titles are part of
        the description.
    ax : array of matplotlib Axes, optional
        Where to draw.
    columns : int
        Images in a row.
    title : str
        Title of the figure.
    value_range : tuple of float, optional
        The values drawn black and white; the lowest and highest of all images by default.

    Returns
    -------
    array of matplotlib Axes of shape (rows, columns)

    Examples
    --------
    >>> import numpy as np
    >>> from aecourse import plots
    >>> axes = plots.image_grid(np.zeros((3, 28, 28)), titles=["7", "2", "1"])
    >>> axes.shape
    (1, 3)
    """
    images = _check_images(images, "images")
    titles = None if titles is None else check_names(titles, "titles", len(images), "images", "entries")
    limits = None if value_range is None else check_limits(value_range, "value_range")
    panel = (0.82, 0.78 if titles is None else 0.98)
    axes = new_grid(ax, len(images), columns, margins=(0.0, 0.45), panel=panel, min_width=3.2)
    low, high = limits or (images.min(), images.max())
    for cell, pixels in zip(axes.flat, images, strict=False):
        _draw_image(cell, pixels, "gray", low, high)
    _set_image_titles(axes.flat, titles)
    set_grid_title(axes, title)
    return axes


def _set_image_titles(cells: Iterable[Axes], titles: Iterable[object] | None) -> None:
    for cell, title in zip(cells, [] if titles is None else titles, strict=False):
        cell.set_title(str(title), fontsize=SMALL_SIZE, color=PALETTE["text"])


def _check_images(images: ArrayLike, name: str) -> NDArray:
    """Return images in their own number type, so that their pixels are drawn without rounding."""
    if check_finite_array(images, name).ndim != 3 or 0 in np.shape(images):
        images = np.asarray(images)
        raise ValueError(
            f"{name} must have the shape (n, height, width); found shape {images.shape}. "
            f"Reshape flat rows with {name}.reshape(-1, height, width)."
        )
    images = np.asarray(images)
    return images if images.dtype.kind in "biuf" else images.astype(float)  # numbers as objects


def reconstructions(
    originals: ArrayLike,
    rebuilt: ArrayLike,
    image_shape: tuple[int, int] | None = None,
    n: int = 8,
    ax: Any = None,
    *,
    title: str = "Originals, reconstructions and error maps",
    titles: Sequence[object] | None = None,
) -> AxesGrid:
    """Draw originals above their reconstructions above maps of the squared error.

    Parameters
    ----------
    originals, rebuilt : array-like of shape (m, height, width) or (m, height * width)
        Images and their reconstructions by the autoencoder; the first ``n`` are drawn.
    image_shape : tuple of int, optional
        Height and width of an image, for flat rows.
    n : int
        Number of images.
    ax : array of matplotlib Axes of shape (3, n), optional
        Where to draw.
    title : str
        Title of the figure.
    titles : sequence of str, optional
        A title above each original.

    Returns
    -------
    array of matplotlib Axes of shape (3, n)
        All errors share one colour scale; its ends are next to the last map.

    Examples
    --------
    >>> import numpy as np
    >>> from aecourse import plots
    >>> X = np.random.default_rng(0).random((5, 784))
    >>> plots.reconstructions(X, np.full((5, 784), 0.5), (28, 28), n=4).shape
    (3, 4)
    """
    originals, rebuilt = (
        check_finite_array(each, name) for name, each in (("originals", originals), ("rebuilt", rebuilt))
    )
    if originals.shape != rebuilt.shape:
        raise ValueError(
            f"rebuilt has the shape {rebuilt.shape} and originals {originals.shape}; pass equal shapes."
        )
    if not originals.size:
        raise ValueError(f"originals is empty: it has the shape {originals.shape}. Pass at least one image.")
    if image_shape is not None:
        sides = [image_shape] if not isinstance(image_shape, Sequence) else list(image_shape)
        if len(sides) != 2:
            raise ValueError(f"image_shape must be a height and a width; found {image_shape!r}.")
        image_shape = tuple(check_whole(side, "image_shape") for side in sides)
        assert image_shape is not None
        if originals[:1].size != np.prod(image_shape):
            raise ValueError(
                f"image_shape {tuple(image_shape)} does not fit rows of {originals[:1].size} pixels."
            )
        originals, rebuilt = (each.reshape(-1, *image_shape) for each in (originals, rebuilt))
    n = check_whole(n, "n")
    titles = None if titles is None else check_names(titles, "titles")
    originals = _check_images(originals, "originals")[:n].astype(float)
    rebuilt = _check_images(rebuilt, "rebuilt")[:n].astype(float)
    errors = (originals - rebuilt) ** 2
    count = len(originals)
    margins = (1.5, 3.0 if titles is None else 3.2)
    axes = new_grid(ax, 3 * count, count, margins=margins, panel=(0.85, 0.0))
    grey = (min(originals.min(), rebuilt.min()), max(originals.max(), rebuilt.max()))
    largest = errors.max() or 1.0
    for row, name, images, cmap, limits in zip(
        axes,
        ("original", "reconstruction", "squared error"),
        (originals, rebuilt, errors),
        ("gray", "gray", "inferno"),
        (grey, grey, (0, largest)),
        strict=True,
    ):
        for cell, pixels in zip(row, images, strict=True):
            image = _draw_image(cell, pixels, cmap, *limits)
        row[0].set_ylabel(
            name, fontsize=SMALL_SIZE, color=PALETTE["text"], rotation=0, ha="right", va="center"
        )
    _set_image_titles(axes[0], titles)
    scale = axes[2, -1].get_figure().colorbar(image, cax=axes[2, -1].inset_axes([1.06, 0, 0.08, 1]))
    scale.set_ticks([0, largest], labels=["0", f"{largest:.2g}"])
    scale.ax.tick_params(labelsize=SMALL_SIZE, length=2, labelcolor=PALETTE["text"])
    scale.outline.set_visible(False)
    set_grid_title(axes, title)
    return axes


def _scatter_classes(ax: Axes, points: NDArray[np.float64], labels: NDArray | None, size: float = 16) -> None:
    """Draw points by class; without labels all points look the same."""
    style: dict[str, Any] = {"s": size, "alpha": 0.75, "linewidths": 0}
    if labels is None:
        ax.scatter(*points.T, color=PALETTE["normal"], label=counted(len(points), "row"), **style)
        return
    classes = np.unique(labels)
    is_binary = classes.dtype.kind in "biu" and set(classes.tolist()) <= {0, 1}
    for place, label in enumerate(classes):
        name, (colour, marker) = str(label), class_style(place)
        if is_binary:
            name, marker = ("anomaly", "X") if label else ("normal", "o")
            colour = PALETTE[name]
        in_class = points[labels == label]
        rows = counted(len(in_class), "row")
        ax.scatter(*in_class.T, color=colour, marker=marker, label=f"{name}, {rows}", **style)


def latent_space(
    codes: ArrayLike, labels: ArrayLike | None = None, ax: Axes | None = None, *, title: str = "Latent space"
) -> Axes:
    """Draw latent codes as points in the plane, coloured by class.

    Parameters
    ----------
    codes : array-like of shape (n, k)
        Latent codes, k at least 2. More than two units are projected onto their first two
        principal components, and the axes say so.
    labels : array-like of shape (n,), optional
        Class of each row. The integers 0 and 1 are drawn as normal and anomaly; pass text for
        two other classes.
    ax : matplotlib Axes, optional
        Where to draw.
    title : str
        Title.

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> from aecourse import plots
    >>> ax = plots.latent_space([[0, 1, 5], [1, 0, 5], [2, 2, 9]], ["a", "a", "b"])
    >>> ax.get_xlabel()
    'Principal component 1 of 3 code units (activation)'
    """
    points = check_rows(codes, "codes")
    units = points.shape[1]
    if units < 2:
        raise ValueError(
            "codes must have at least 2 columns; found 1. Draw a single unit with score_histogram."
        )
    if units > 2:
        from sklearn.decomposition import PCA

        points = PCA(2, svd_solver="full").fit_transform(check_rows(points, "codes", min_rows=2))
        axis_labels = [f"Principal component {place} of {units} code units (activation)" for place in (1, 2)]
    else:
        axis_labels = [f"Code unit {place} (activation)" for place in (1, 2)]
    classes = None if labels is None else check_classes(labels, "labels", len(points))
    ax = new_axes(ax, 6.4, 4.2)
    _scatter_classes(ax, points, classes)
    if classes is not None:
        add_legend(ax)
    dress(ax, title, axis_labels[0], axis_labels[1])
    return ax


def feature_errors_bar(
    errors_row: ArrayLike,
    feature_names: Sequence[object] | None = None,
    top: int = 10,
    ax: Axes | None = None,
    *,
    typical: ArrayLike | None = None,
    title: str = "Which features made the row anomalous",
    unit: str = "squared error, scaled units",
) -> Axes:
    """Draw the features with the largest errors of one row.

    Parameters
    ----------
    errors_row : array-like of shape (d,)
        Error of every feature, for example ``detector.feature_errors(X)[0]``.
    feature_names : sequence of str, optional
        Names of the features.
    top : int
        Number of features drawn, the largest error on top.
    ax : matplotlib Axes, optional
        Where to draw.
    typical : array-like of shape (d,), optional
        Error of a typical normal row, drawn as black marks.
    title, unit : str
        Title, and unit of the errors.

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> from aecourse import plots
    >>> ax = plots.feature_errors_bar([0.1, 3.0, 0.5], ["age", "amount", "hour"], top=2)
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['amount', 'hour']
    """
    errors = check_scores(errors_row, "errors_row")
    if feature_names is None:
        names = [f"feature {place}" for place in range(errors.size)]
    else:
        names = check_names(feature_names, "feature_names", errors.size, "errors in errors_row")
    usual = None if typical is None else check_scores(typical, "typical")
    if usual is not None and usual.size != errors.size:
        raise ValueError(
            f"typical has {usual.size} values for {errors.size} errors in errors_row; pass one for each."
        )
    largest = np.argsort(-errors, kind="stable")[: check_whole(top, "top")]
    ax = new_axes(ax, 6.8, 1.3 + 0.3 * len(largest))
    places = np.arange(len(largest))
    ax.barh(places, errors[largest], color=PALETTE["anomaly"], height=0.65, label="this row")
    if usual is not None:
        ax.plot(
            usual[largest],
            places,
            color=PALETTE["threshold"],
            marker="|",
            markersize=13,
            markeredgewidth=2.4,
            linestyle="none",
            label="a typical normal row",
        )
        add_legend(ax)
    ax.set_yticks(places, [names[place] for place in largest])
    ax.invert_yaxis()
    dress(ax, title, f"Error ({unit})", "Feature", grid="x")
    return ax


def decision_regions(
    detectors: Mapping[str, Any],
    X: ArrayLike,
    xlim: Interval | None = None,
    ylim: Interval | None = None,
    y: ArrayLike | None = None,
    ax: Any = None,
    *,
    columns: int = 3,
    resolution: int = 80,
    feature_names: tuple[str, str] = ("Feature 1 (units)", "Feature 2 (units)"),
    title: str = "Decision regions",
) -> AxesGrid:
    """Draw the region that each fitted detector flags, for rows with two features.

    Parameters
    ----------
    detectors : dict of str to fitted detector
        Anything with scikit-learn's ``predict`` (-1 = outlier).
    X : array-like of shape (n, 2)
        Rows drawn as points.
    xlim, ylim : tuple of float, optional
        Limits of the axes; by default those of the data and a fifth of their range on each side.
    y : array-like of shape (n,), optional
        Labels, 1 = anomaly; without them all rows look the same.
    ax : array of matplotlib Axes, optional
        Where to draw: one panel for each detector, in rows of ``columns``.
    columns : int
        Panels in a row.
    resolution : int
        Points of the grid along each axis.
    feature_names : tuple of str
        Labels of the axes, with units.
    title : str
        Title of the figure.

    Returns
    -------
    array of matplotlib Axes of shape (rows, columns)

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.covariance import EllipticEnvelope
    >>> from aecourse import plots
    >>> X = np.random.default_rng(0).normal(size=(50, 2))
    >>> axes = plots.decision_regions({"ellipse": EllipticEnvelope(random_state=0).fit(X)}, X, resolution=20)
    >>> axes[0, 0].get_title()
    'ellipse'
    """
    X = check_rows(X, n_features=2)
    labels = None if y is None else check_labels(y, n_rows=len(X))
    if not isinstance(detectors, Mapping):
        raise ValueError(
            f"detectors must be a dict of fitted detectors by name; found {type(detectors).__name__}."
        )
    if not detectors:
        raise ValueError("detectors is empty; pass at least one fitted detector by name.")
    for name, detector in detectors.items():
        if not callable(getattr(detector, "predict", None)):
            raise ValueError(f"detectors[{name!r}] has no method predict; found {type(detector).__name__}.")
    resolution = check_whole(resolution, "resolution", 2, 2000)
    names = check_names(feature_names, "feature_names", 2, "axes")
    xlim = None if xlim is None else check_limits(xlim, "xlim")
    ylim = None if ylim is None else check_limits(ylim, "ylim")
    room = 0.2 * np.ptp(X, axis=0)
    xlim = xlim or (X[:, 0].min() - room[0], X[:, 0].max() + room[0])
    ylim = ylim or (X[:, 1].min() - room[1], X[:, 1].max() + room[1])
    x_grid, y_grid = np.meshgrid(
        np.linspace(xlim[0], xlim[1], resolution), np.linspace(ylim[0], ylim[1], resolution)
    )
    axes = new_grid(
        ax, len(detectors), columns, margins=(2.2, 0.7), panel=(2.6, 2.3), sharex=True, sharey=True
    )
    for place, (cell, (name, detector)) in enumerate(zip(axes.flat, detectors.items(), strict=False)):
        flagged = detector.predict(np.column_stack([x_grid.ravel(), y_grid.ravel()])) == -1
        height = flagged.astype(float).reshape(x_grid.shape)
        region = cell.contourf(x_grid, y_grid, height, levels=[-0.5, 0.5, 1.5], colors=["white", FLAGGED])
        name_artist(region, "flagged (shaded) and passed (white)", "regions")
        if flagged.any() and not flagged.all():
            edge = cell.contour(
                x_grid, y_grid, height, levels=[0.5], colors=[PALETTE["threshold"]], linewidths=1.2
            )
            name_artist(edge, "boundary", "outline")
        _scatter_classes(cell, X, labels, size=11)
        dress(cell, name, names[0], names[1], grid=None)
        cell.set(xlim=xlim, ylim=ylim)
        cell.label_outer()
        if place + axes.shape[1] >= len(detectors):  # no panel below, even if the last row is not full
            cell.set_xlabel(names[0])
            cell.tick_params(labelbottom=True)
    handles, labelled = axes[0, 0].get_legend_handles_labels()
    flagged_area = Patch(facecolor=FLAGGED, edgecolor=PALETTE["threshold"], label="flagged area")
    add_legend(axes[0, -1], handles=[*handles, flagged_area], labels=[*labelled, "flagged area"])
    set_grid_title(axes, title)
    return axes


def pairwise(
    X: ArrayLike,
    feature_names: Sequence[str],
    flagged: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    ax: Any = None,
    *,
    columns: int = 3,
    title: str = "The measurements in pairs",
) -> AxesGrid:
    """Draw every pair of features, with circles around the flagged rows.

    Parameters
    ----------
    X : array-like of shape (n, d)
        Rows, with 2 to 6 features.
    feature_names : sequence of str
        Names of the features, with units.
    flagged : array-like of shape (n,), optional
        True, or 1, for the rows that a detector flags.
    labels : array-like of shape (n,), optional
        Class of each row; the integers 0 and 1 are drawn as normal and anomaly.
    ax : array of matplotlib Axes, optional
        Where to draw; d (d - 1) / 2 Axes.
    columns : int
        Panels in a row.
    title : str
        Title of the figure.

    Returns
    -------
    array of matplotlib Axes of shape (rows, columns)

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from aecourse import plots
    >>> iris = load_iris()
    >>> axes = plots.pairwise(iris.data, iris.feature_names, flagged=iris.data[:, 3] > 2.4)
    >>> axes.shape, int(len(axes[0, 0].collections[-1].get_offsets()))
    ((2, 3), 3)
    """
    X = check_rows(X)
    if not 2 <= X.shape[1] <= 6:
        raise ValueError(
            f"X must have 2 to 6 columns for a plot in pairs; found {X.shape[1]}. Select some of them."
        )
    feature_names = check_names(feature_names, "feature_names", X.shape[1], "columns")
    classes = None if labels is None else check_classes(labels, "labels", len(X))
    ringed = np.zeros(len(X), dtype=bool)
    if flagged is not None:
        ringed = check_labels(check_classes(flagged, "flagged", len(X)), "flagged").astype(bool)
    pairs = list(itertools.combinations(range(X.shape[1]), 2))
    axes = new_grid(ax, len(pairs), columns, margins=(1.9, 0.6), panel=(2.3, 2.2))
    for cell, (i, j) in zip(axes.flat, pairs, strict=False):
        _scatter_classes(cell, X[:, [i, j]], classes, size=13)
        if ringed.any():
            cell.scatter(
                *X[ringed][:, [i, j]].T,
                s=62,
                facecolors="none",
                edgecolors=PALETTE["threshold"],
                linewidths=1.2,
                label=f"flagged, {counted(int(ringed.sum()), 'row')}",
            )
        dress(cell, "", feature_names[i], feature_names[j])
    add_legend(axes[0, -1])
    set_grid_title(axes, title)
    return axes

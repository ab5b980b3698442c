"""Every figure that two lessons share, in one calm style that does not rest on colour alone.

Each function draws on ``ax``, or on a new figure where that is None, and returns the Axes (an
array of Axes for a grid). Each figure has a title and labelled axes with units. Normal rows
are blue circles or plain bars, anomalies vermillion crosses or hatched bars, the threshold a
dashed black line: the colours stay apart under the common forms of colour blindness, and the
markers and lines differ as well.

:func:`describe` says in words what was drawn, and :func:`show` puts a figure into a notebook
with those words as its alternative text.

References
----------
.. [1] M. Okabe, K. Ito: Color universal design, 2008, https://jfly.uni-koeln.de/color/
.. [2] W3C: Web Content Accessibility Guidelines 2.2, 2023, success criteria 1.1.1, 1.4.1,
   1.4.3 and 1.4.11.
"""

import io
import itertools
import re
from collections.abc import Mapping
from types import MappingProxyType

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.category import StrCategoryLocator
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.container import BarContainer, ErrorbarContainer
from matplotlib.contour import ContourSet
from matplotlib.lines import AxLine
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, MaxNLocator
from PIL import Image

from aecourse._support.checks import check_labels, check_rows, check_scores

__all__ = [
    "PALETTE",
    "SERIES",
    "auroc_by_group",
    "confusion",
    "decision_regions",
    "describe",
    "detector_comparison",
    "error_scatter",
    "feature_errors_bar",
    "image_grid",
    "latent_space",
    "loss_curves",
    "pairwise",
    "precision_recall",
    "reconstructions",
    "roc",
    "score_histogram",
    "show",
    "sweep",
    "timing_bars",
]

#: Colour by role. All but ``grid``, which carries no meaning, stand out from white by 3 to 1.
PALETTE = MappingProxyType(
    {
        "normal": "#0072B2",
        "anomaly": "#D55E00",
        "threshold": "#111111",
        "reference": "#5f5f5f",
        "text": "#222222",
        "axis": "#767676",
        "grid": "#e4e4e4",
    }
)

#: Colour, marker and line style of the first, second, ... series of a plot.
SERIES = (
    ("#0072B2", "o", "-"),
    ("#D55E00", "s", "--"),
    ("#009E73", "^", "-."),
    ("#CC79A7", "D", ":"),
    ("#111111", "v", (0, (6, 1.5, 1, 1.5, 1, 1.5))),
)
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*", "p")
_REFERENCE_LINES = ((0, (4, 3)), (0, (1, 2)), (0, (7, 2, 1, 2)), (0, (10, 3)))
_FLAGGED = "#f6dccb"  # pale vermillion; a black outline bounds the area as well
_TITLE, _LABEL, _SMALL = 11, 9.5, 8.5  # sizes of text in points
_DPI = 100


# --- House style -----------------------------------------------------------------------------


def _series(place):
    """Return the style of a series; from the sixth on, colours return with other markers."""
    colour, _, line = SERIES[place % len(SERIES)]
    return colour, _MARKERS[place % len(_MARKERS)], line


def _new(ax, width=7.2, height=3.6):
    """Return the Axes to draw on."""
    if ax is None:
        _, ax = plt.subplots(figsize=(width, height), dpi=_DPI, layout="constrained")
    return ax


def _new_grid(ax, rows, columns, width, height, **shared):
    """Return an array of Axes of shape (rows, columns) to draw on."""
    if ax is None:
        _, axes = plt.subplots(
            rows, columns, figsize=(width, height), dpi=_DPI, layout="constrained", squeeze=False, **shared
        )
        return axes
    axes = np.asarray(ax, dtype=object)
    if axes.size != rows * columns:
        raise ValueError(
            f"ax must hold {rows} x {columns} Axes for this figure; found {axes.size}. "
            f"Make them with plt.subplots({rows}, {columns})."
        )
    return axes.reshape(rows, columns)


def _dress(ax, title, xlabel, ylabel, grid="both"):
    """Give Axes their words and the quiet frame."""
    ax.set_title(title, fontsize=_TITLE, color=PALETTE["text"])
    ax.set_xlabel(xlabel, fontsize=_LABEL, color=PALETTE["text"])
    ax.set_ylabel(ylabel, fontsize=_LABEL, color=PALETTE["text"])
    ax.tick_params(labelsize=_SMALL, color=PALETTE["axis"], labelcolor=PALETTE["text"])
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(PALETTE["axis"])
    ax.set_axisbelow(True)
    if grid:
        ax.grid(True, axis=grid, color=PALETTE["grid"], linewidth=0.8)


def _legend(ax, **entries):
    """Put the legend to the right of the Axes, where it covers no data."""
    legend = ax.legend(
        loc="upper left",
        bbox_to_anchor=(1.01, 1.0),
        frameon=False,
        fontsize=_SMALL,
        labelcolor=PALETTE["text"],
        handlelength=2.6,
        borderaxespad=0.0,
        **entries,
    )
    for handle in legend.legend_handles:  # points of a crowded plot are too small to tell apart
        if isinstance(handle, PathCollection):
            handle.set_sizes([30])
            handle.set_alpha(1)


def _super_title(axes, title):
    figure = axes.flat[0].get_figure()
    figure.suptitle(title, fontsize=_TITLE, color=PALETTE["text"])


def _name(artist, name, kind=""):
    """Give an artist a name for its description, without the computed numbers of its label.

    A ``kind`` replaces the count of points, where that depends on ties between scores.
    """
    artist.set_gid(f"aecourse|{kind}|{name}")


def _mapping(values, default_name):
    """Return {name: values}, for one unnamed array or for a mapping."""
    return dict(values) if isinstance(values, Mapping) else {default_name: values}


def _threshold_lines(ax, threshold, vertical):
    """Draw one threshold, or several by name."""
    line_across = ax.axvline if vertical else ax.axhline
    styles = ("--", ":", "-.", (0, (8, 2)), (0, (1, 1)))
    for place, (name, value) in enumerate(_mapping(threshold, "threshold").items()):
        line = line_across(
            float(value),
            color=PALETTE["threshold"],
            linewidth=1.6,
            linestyle=styles[place % len(styles)],
            label=f"{name} ({float(value):.3g})",
            zorder=5,
        )
        _name(line, name)


def _references(ax, reference):
    """Draw level lines that a curve is compared with."""
    for place, (name, value) in enumerate((reference or {}).items()):
        line = ax.axhline(
            float(value),
            color=PALETTE["reference"],
            linewidth=1.4,
            label=f"{name} ({float(value):.4g})",
            linestyle=_REFERENCE_LINES[place % len(_REFERENCE_LINES)],
        )
        _name(line, name)


def _rows(count):
    return f"{count:,} row{'' if count == 1 else 's'}"


# --- Training and scores -----------------------------------------------------------------------


def loss_curves(
    history,
    ax=None,
    *,
    metric="loss",
    title="Training and validation loss",
    ylabel="Loss (mean over a batch)",
    log=False,
    reference=None,
):
    """Draw a measure of training, epoch by epoch, and the same on validation rows.

    Parameters
    ----------
    history : keras.callbacks.History or dict of str to sequence of float
        What ``fit`` returned, or its ``history``.
    ax : matplotlib Axes, optional
        Where to draw.
    metric : str
        Key of the history; ``val_`` and the key is drawn too, if it is there.
    title, ylabel : str
        Words; the label should hold the unit.
    log : bool
        Whether the loss has a logarithmic axis.
    reference : dict of str to float, optional
        Level lines, for example the loss of predicting zero.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If the history has no such key, or no epoch.

    Examples
    --------
    >>> from aecourse import plots
    >>> ax = plots.loss_curves({"loss": [0.3, 0.2], "val_loss": [0.4, 0.3]})
    >>> [line.get_label() for line in ax.get_lines()]
    ['training', 'validation']
    """
    values = getattr(history, "history", history)
    if metric not in values or len(values[metric]) == 0:
        raise ValueError(
            f"history has no epochs of {metric!r}; found the keys {sorted(values)}. Pass what fit returned."
        )
    ax = _new(ax)
    names = {"training": metric, "validation": f"val_{metric}"}
    for place, (name, key) in enumerate(names.items()):
        if key in values:
            losses = np.asarray(values[key], dtype=float)
            colour, marker, line = SERIES[place]
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
    _references(ax, reference)
    if log:
        ax.set_yscale("log")
    _dress(ax, title, "Epoch", ylabel)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    _legend(ax)
    return ax


def score_histogram(
    scores_normal,
    scores_anomaly=None,
    threshold=None,
    bins=30,
    range=None,
    log=False,
    unit="mean squared error",
    ax=None,
    *,
    share=False,
    title="Anomaly scores",
    names=("normal", "anomaly"),
):
    """Draw the histogram of anomaly scores, by class, with the threshold.

    Both classes share their bins. Rows outside ``range`` are not drawn; the legend counts them.

    Parameters
    ----------
    scores_normal : array_like of shape (n,)
        Anomaly scores of normal rows.
    scores_anomaly : array_like of shape (m,), optional
        Anomaly scores of anomalies.
    threshold : float or dict of str to float, optional
        One threshold, or several by name.
    bins : int
        Number of bins.
    range : tuple of float, optional
        Lowest and highest score drawn; all by default.
    log : bool
        Whether the counts have a logarithmic axis.
    unit : str
        Unit of the scores.
    ax : matplotlib Axes, optional
        Where to draw.
    share : bool
        Draw per cent of each class instead of rows, for classes of unequal size.
    title : str
        Title.
    names : tuple of str
        What the two classes are called.

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
    classes = [(names[0], check_scores(scores_normal, "scores_normal"), "normal", None)]
    if scores_anomaly is not None:
        classes.append((names[1], check_scores(scores_anomaly, "scores_anomaly"), "anomaly", "////"))
    edges = np.histogram_bin_edges(np.concatenate([scores for _, scores, _, _ in classes]), bins, range)
    ax = _new(ax)
    for name, scores, role, hatch in classes:
        drawn = scores[(scores >= edges[0]) & (scores <= edges[-1])]
        stable = f"{name}, {_rows(scores.size)}"
        outside = scores.size - drawn.size
        weights = np.full(drawn.size, 100 / scores.size) if share else None
        _, _, bars = ax.hist(
            drawn,
            bins=edges,
            weights=weights,
            hatch=hatch,
            log=log,
            label=f"{stable}\n({outside:,} outside the range)" if outside else stable,
        )
        for bar in bars:  # the face is pale, so that classes show through; edges and hatching are not
            bar.set_facecolor((PALETTE[role], 0.35 if role == "normal" else 0.12))
            bar.set_edgecolor(PALETTE[role])
            bar.set_linewidth(0.9)
        _name(bars.patches[0], stable)
    if threshold is not None:
        _threshold_lines(ax, threshold, vertical=True)
    if range is not None:
        ax.set_xlim(*range)
    counted = "Share of the class (%)" if share else "Rows per bin"
    _dress(ax, title, f"Anomaly score ({unit})", counted, grid="y")
    _legend(ax)
    return ax


def error_scatter(
    y,
    score,
    threshold=None,
    ax=None,
    *,
    unit="mean squared error",
    log=False,
    title="Anomaly score of each row",
):
    """Draw the anomaly score of every row at the row's own index, whatever its class.

    Parameters
    ----------
    y : array_like of shape (n,)
        Labels, 1 = anomaly.
    score : array_like of shape (n,)
        Anomaly scores.
    threshold : float or dict of str to float, optional
        One threshold, or several by name.
    ax : matplotlib Axes, optional
        Where to draw.
    unit : str
        Unit of the scores.
    log : bool
        Whether the scores have a logarithmic axis.
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
    score = check_scores(score, "score")
    y = check_labels(y, n_rows=score.size)
    ax = _new(ax)
    index = np.arange(score.size)
    crowded = score.size > 2000
    for label, role, marker in ((0, "normal", "o"), (1, "anomaly", "x")):
        mine = y == label
        if mine.any():
            ax.scatter(
                index[mine],
                score[mine],
                marker=marker,
                color=PALETTE[role],
                s=(6 if crowded else 16),
                alpha=(0.5 if crowded and label == 0 else 0.9),
                linewidths=(0 if label == 0 else 1.0),
                label=f"{role}, {_rows(int(mine.sum()))}",
                zorder=2 + label,
            )
    if threshold is not None:
        _threshold_lines(ax, threshold, vertical=False)
    if log:
        ax.set_yscale("log")
    _dress(ax, title, "Row (index in the test set)", f"Anomaly score ({unit})")
    _legend(ax)
    return ax


# --- Evaluation --------------------------------------------------------------------------------


def roc(y, scores, ax=None, *, thresholds=None, title="ROC curve"):
    """Draw recall against false-alarm rate over all thresholds.

    Parameters
    ----------
    y : array_like of shape (n,)
        Labels, 1 = anomaly.
    scores : dict of str to array_like of shape (n,), or array_like of shape (n,)
        Anomaly scores by the detector's name.
    ax : matplotlib Axes, optional
        Where to draw.
    thresholds : dict of str to float, optional
        By the detector's name: the threshold whose point is marked on the curve.
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
    scores = {name: _scores_of(values, name, y) for name, values in _mapping(scores, "detector").items()}
    ax = _new(ax, 6.8, 4.0)
    for place, (name, score) in enumerate(scores.items()):
        colour, marker, style = _series(place)
        false_alarms, recall, _ = roc_curve(y, score, drop_intermediate=False)
        (line,) = ax.plot(
            false_alarms,
            recall,
            color=colour,
            linestyle=style,
            linewidth=1.9,
            label=f"{name} (AUROC {roc_auc_score(y, score):.3f})",
        )
        _name(line, name, "curve")
        if thresholds is not None and name in thresholds:
            flagged = score > thresholds[name]
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
            _name(point, f"{name} at its threshold")
    ax.plot([0, 1], [0, 1], color=PALETTE["reference"], linestyle=_REFERENCE_LINES[1], label="chance")
    _dress(ax, title, "False-alarm rate (share of normal rows)", "Recall (share of anomalies)")
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    _legend(ax)
    return ax


def _scores_of(values, name, y):
    score = check_scores(values, f"scores[{name!r}]")
    if score.size != y.size:
        raise ValueError(
            f"scores[{name!r}] holds {score.size} scores for {y.size} labels; pass one score a row."
        )
    return score


def precision_recall(y, scores, ax=None, *, title="Precision and recall"):
    """Draw precision against recall over all thresholds, with the base rate.

    Parameters
    ----------
    y : array_like of shape (n,)
        Labels, 1 = anomaly.
    scores : dict of str to array_like of shape (n,), or array_like of shape (n,)
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
    scores = {name: _scores_of(values, name, y) for name, values in _mapping(scores, "detector").items()}
    ax = _new(ax, 6.8, 4.0)
    for place, (name, score) in enumerate(scores.items()):
        colour, _, style = _series(place)
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
        _name(line, name, "curve")
    base = ax.axhline(
        y.mean(),
        color=PALETTE["reference"],
        linestyle=_REFERENCE_LINES[1],
        label=f"base rate ({y.mean():.3f})",
    )
    _name(base, "base rate")
    _dress(ax, title, "Recall (share of anomalies)", "Precision (share of flagged rows)")
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.04))
    _legend(ax)
    return ax


def confusion(y, score, threshold, ax=None, *, title="Decisions at the threshold"):
    """Draw the four counts of a threshold: rows strictly above it are flagged.

    Parameters
    ----------
    y : array_like of shape (n,)
        Labels, 1 = anomaly.
    score : array_like of shape (n,)
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
        The image holds the share of each true class, the texts the counts.

    Examples
    --------
    >>> from aecourse import plots
    >>> ax = plots.confusion([0, 0, 1, 1], [0.1, 0.6, 0.5, 0.8], threshold=0.5)
    >>> [text.get_text().splitlines()[:2] for text in ax.texts][2]
    ['missed anomalies', '1']
    """
    score = check_scores(score, "score")
    y = check_labels(y, n_rows=score.size)
    flagged = (score > threshold).astype(int)
    counts = np.array([np.bincount(flagged[y == truth], minlength=2) for truth in (0, 1)])
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.zeros((2, 2)), where=totals > 0)
    ax = _new(ax, 5.4, 3.4)
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1.8, aspect="auto")  # pale, for the dark text on it
    words = (("normal, passed", "false alarms"), ("missed anomalies", "caught anomalies"))
    whole = ("normal rows", "anomalies")
    for truth in (0, 1):
        for decision in (0, 1):
            share = f"{shares[truth, decision]:.1%} of {whole[truth]}"
            ax.text(
                decision,
                truth,
                f"{words[truth][decision]}\n{counts[truth, decision]:,}\n{share}",
                ha="center",
                va="center",
                fontsize=_LABEL,
                color=PALETTE["text"],
            )
    _dress(ax, title, "Decision", "Truth", grid=None)
    ax.set_xticks([0, 1], ["passed", "flagged"])
    ax.set_yticks([0, 1], ["normal", "anomaly"], rotation=90, va="center")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return ax


def _intervals(table, metric, argument):
    """Return values and the two arms of their intervals (or None) from a table."""
    if metric not in table.columns:
        raise ValueError(f"{argument} has no column {metric!r}; found {[str(c) for c in table.columns]}.")
    values = table[metric].to_numpy(dtype=float)
    low, high = f"{metric} low", f"{metric} high"
    if low in table.columns and high in table.columns:
        arms = np.array([values - table[low].to_numpy(float), table[high].to_numpy(float) - values])
        return values, np.maximum(arms, 0)
    return values, None


def _dots(ax, names, values, arms, label):
    """Draw one dot a name, from top to bottom, with its interval."""
    places = np.arange(len(names))
    style = {"color": PALETTE["normal"], "marker": "o", "markersize": 6, "linestyle": "none", "label": label}
    if arms is None:
        ax.plot(values, places, **style)
    else:
        ax.errorbar(values, places, xerr=arms, elinewidth=1.8, capsize=3.5, **style)
    ax.set_yticks(places, [str(name) for name in names])
    ax.set_ylim(len(names) - 0.5, -0.5)


_METRIC_NAMES = {
    "AUROC": "AUROC (area under the ROC curve)",
    "AP": "Average precision",
    "recall": "Recall (share of anomalies)",
    "precision": "Precision (share of flagged rows)",
}


def detector_comparison(
    table, metric="AUROC", ax=None, *, title="Detectors compared", xlabel=None, reference=None
):
    """Draw one dot a detector, with its interval.

    Parameters
    ----------
    table : pandas.DataFrame
        One row a detector, named by the index: a column named as ``metric`` and, for the
        intervals, the same with `` low`` and `` high``, as :func:`aecourse.evaluation.compare`
        returns it.
    metric : str
        Column to draw.
    ax : matplotlib Axes, optional
        Where to draw.
    title : str
        Title.
    xlabel : str, optional
        Name of the measure with its unit; known measures have one.
    reference : dict of str to float, optional
        Vertical lines, for example the ceiling of what is possible.

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
    values, arms = _intervals(table, metric, "table")
    ax = _new(ax, 7.2, 1.3 + 0.36 * len(values))
    _dots(ax, table.index, values, arms, "measured" if arms is None else "measured, with interval")
    for place, (name, value) in enumerate((reference or {}).items()):
        line = ax.axvline(
            float(value),
            color=PALETTE["reference"],
            label=f"{name} ({float(value):.4g})",
            linestyle=_REFERENCE_LINES[place % len(_REFERENCE_LINES)],
        )
        _name(line, name)
    _dress(ax, title, xlabel or _METRIC_NAMES.get(metric, metric), "Detector", grid="x")
    if reference:
        _legend(ax)
    return ax


def auroc_by_group(
    table,
    ax=None,
    *,
    overall=None,
    title="AUROC by group",
    group_name="Group",
    xlabel="AUROC against the normal rows",
):
    """Draw one dot a group of anomalies, with its interval.

    Parameters
    ----------
    table : pandas.DataFrame
        One row a group, named by the index and drawn from top to bottom, with a column
        ``AUROC`` and, for the intervals, ``AUROC low`` and ``AUROC high``, as
        :func:`aecourse.evaluation.by_group` returns it.
    ax : matplotlib Axes, optional
        Where to draw.
    overall : float, optional
        Value over all groups, as a vertical line.
    title, group_name, xlabel : str
        Words of the title and of the axes.

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
    values, arms = _intervals(table, "AUROC", "table")
    ax = _new(ax, 6.4, 1.3 + 0.3 * len(values))
    _dots(ax, table.index, values, arms, "one group" if arms is None else "one group, with interval")
    if overall is not None:
        line = ax.axvline(
            float(overall),
            color=PALETTE["reference"],
            linestyle=_REFERENCE_LINES[0],
            zorder=1.5,
            label=f"all groups ({float(overall):.3f})",
        )
        _name(line, "all groups")
        _legend(ax)
    _dress(ax, title, xlabel, group_name, grid="x")
    return ax


def sweep(
    x,
    y,
    low=None,
    high=None,
    ax=None,
    *,
    xlabel,
    ylabel,
    title="Sweep",
    reference=None,
    logx=False,
    logy=False,
):
    """Draw a measure against a setting that was varied, with its interval and reference levels.

    Parameters
    ----------
    x : array_like of shape (n,)
        Settings.
    y : array_like of shape (n,), or dict of str to array_like of shape (n,)
        The measure at each setting; several curves by name.
    low, high : as ``y``, optional
        Ends of the interval; for several curves, mappings with some or all of their names.
    ax : matplotlib Axes, optional
        Where to draw.
    xlabel, ylabel, title : str
        Words, with units.
    reference : dict of str to float, optional
        Level lines by name.
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
    one = not isinstance(y, Mapping)
    curves = {name: check_scores(values, f"y[{name!r}]") for name, values in _mapping(y, "measured").items()}
    lows, highs = ({} if ends is None else _mapping(ends, "measured") for ends in (low, high))
    for name, values in curves.items():
        if values.size != x.size:
            raise ValueError(
                f"y[{name!r}] holds {values.size} values for {x.size} settings x; pass one each."
            )
    ax = _new(ax)
    for place, (name, values) in enumerate(curves.items()):
        colour, marker, style = _series(place)
        if name in lows and name in highs:
            ax.fill_between(
                x,
                lows[name],
                highs[name],
                color=colour,
                alpha=0.16,
                linewidth=0,
                label="interval" if one else f"{name}, interval",
            )
        ax.plot(
            x, values, color=colour, marker=marker, linestyle=style, label=name, linewidth=1.8, markersize=5.5
        )
    _references(ax, reference)
    if logx:
        ax.set_xscale("log")
        ax.set_xticks(x, [f"{setting:g}" for setting in x])
        ax.minorticks_off()
    if logy:
        ax.set_yscale("log")
    _dress(ax, title, xlabel, ylabel)
    if not one or len(ax.get_legend_handles_labels()[1]) > 1:
        _legend(ax)
    return ax


def timing_bars(
    seconds, ax=None, *, baseline=None, unit="s", title="Time taken", xlabel="Time (seconds)", log=False
):
    """Draw one bar a method, with its time and how much faster than the baseline it is.

    Parameters
    ----------
    seconds : dict of str to float
        Time of each method.
    ax : matplotlib Axes, optional
        Where to draw.
    baseline : str, optional
        Name of the method that the others are compared with.
    unit : str
        Unit written behind each time.
    title, xlabel : str
        Words.
    log : bool
        Whether the times have a logarithmic axis.

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
    if baseline is not None and baseline not in seconds:
        raise ValueError(f"baseline {baseline!r} is not among the methods {list(seconds)}.")
    ax = _new(ax, 7.2, 1.3 + 0.4 * len(seconds))
    names, values = list(seconds), [float(value) for value in seconds.values()]
    bars = ax.barh(names, values, color=PALETTE["normal"], height=0.6, label="time", log=log)
    words = []
    for name, value in zip(names, values, strict=True):
        faster = "" if baseline in (None, name) else f" ({seconds[baseline] / value:.3g}x as fast)"
        words.append(f"{value:.3g} {unit}{faster}")
    ax.bar_label(bars, words, padding=4, fontsize=_SMALL, color=PALETTE["text"])
    ax.invert_yaxis()
    ax.margins(x=0.22)
    _dress(ax, title, xlabel, "Method", grid="x")
    return ax


# --- Images and codes --------------------------------------------------------------------------


def _picture(ax, pixels, cmap, vmin, vmax):
    image = ax.imshow(pixels, cmap=cmap, vmin=vmin, vmax=vmax, interpolation="nearest")
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    return image


def image_grid(images, titles=None, ax=None, *, columns=10, title="Images", value_range=None):
    """Draw grey images side by side.

    Parameters
    ----------
    images : array_like of shape (n, height, width)
        Images, high = bright.
    titles : sequence of str, optional
        Words above each image. Round what depends on the processor: they are part of the
        description.
    ax : array of matplotlib Axes, optional
        Where to draw.
    columns : int
        Images in a line.
    title : str
        Title of the whole.
    value_range : tuple of float, optional
        Values drawn black and white; the lowest and highest of all images by default.

    Returns
    -------
    array of matplotlib Axes of shape (lines, columns)

    Examples
    --------
    >>> import numpy as np
    >>> from aecourse import plots
    >>> axes = plots.image_grid(np.zeros((3, 28, 28)), titles=["7", "2", "1"])
    >>> axes.shape
    (1, 3)
    """
    images = _check_images(images, "images")
    if titles is not None and len(titles) != len(images):
        raise ValueError(f"titles has {len(titles)} entries for {len(images)} images; pass one each.")
    columns = min(columns, len(images))
    lines = -(-len(images) // columns)
    height = 0.45 + lines * (0.78 if titles is None else 0.98)
    axes = _new_grid(ax, lines, columns, max(3.2, 0.82 * columns), height)
    low, high = value_range or (images.min(), images.max())
    for place, cell in enumerate(axes.flat):
        if place < len(images):
            _picture(cell, images[place], "gray", low, high)
            if titles is not None:
                cell.set_title(str(titles[place]), fontsize=_SMALL, color=PALETTE["text"])
        else:
            cell.set_axis_off()
    _super_title(axes, title)
    return axes


def _check_images(images, name):
    images = np.asarray(images)
    if images.ndim != 3 or 0 in images.shape or images.dtype.kind not in "biuf":
        raise ValueError(
            f"{name} must hold numbers of shape (n, height, width); found shape {images.shape}, "
            f"type {images.dtype}. Reshape flat rows with {name}.reshape(-1, height, width)."
        )
    return images


def reconstructions(
    originals,
    reconstructions,
    image_shape=None,
    n=8,
    ax=None,
    *,
    title="Originals, reconstructions and error maps",
    titles=None,
):
    """Draw originals above their reconstructions above maps of the squared error.

    Parameters
    ----------
    originals, reconstructions : array_like of shape (m, height, width) or (m, height * width)
        Images and what the autoencoder made of them; the first ``n`` are drawn.
    image_shape : tuple of int, optional
        Height and width of an image, for flat rows.
    n : int
        Number of images.
    ax : array of matplotlib Axes of shape (3, n), optional
        Where to draw.
    title : str
        Title of the whole.
    titles : sequence of str, optional
        Words above each original.

    Returns
    -------
    array of matplotlib Axes of shape (3, n)
        All errors share one scale, whose ends stand beside the last map.

    Examples
    --------
    >>> import numpy as np
    >>> from aecourse import plots
    >>> X = np.random.default_rng(0).random((5, 784))
    >>> plots.reconstructions(X, np.full((5, 784), 0.5), (28, 28), n=4).shape
    (3, 4)
    """
    originals, rebuilt = np.asarray(originals), np.asarray(reconstructions)
    if originals.shape != rebuilt.shape:
        raise ValueError(
            f"reconstructions has the shape {rebuilt.shape} and originals {originals.shape}; "
            "pass equal shapes."
        )
    if image_shape is not None:
        if originals[:1].size != np.prod(image_shape):
            raise ValueError(
                f"image_shape {tuple(image_shape)} does not fit rows of {originals[:1].size} pixels."
            )
        originals, rebuilt = (each.reshape(-1, *image_shape) for each in (originals, rebuilt))
    originals = _check_images(originals, "originals")[:n].astype(float)
    rebuilt = _check_images(rebuilt, "reconstructions")[:n].astype(float)
    errors = (originals - rebuilt) ** 2
    count = len(originals)
    axes = _new_grid(ax, 3, count, 1.5 + 0.85 * count, 3.0 + (0.0 if titles is None else 0.2))
    low, high = min(originals.min(), rebuilt.min()), max(originals.max(), rebuilt.max())
    largest = errors.max() or 1.0
    for line, (name, pictures, cmap, ends) in enumerate(
        (
            ("original", originals, "gray", (low, high)),
            ("reconstruction", rebuilt, "gray", (low, high)),
            ("squared error", errors, "inferno", (0, largest)),
        )
    ):
        for place, pixels in enumerate(pictures):
            image = _picture(axes[line, place], pixels, cmap, *ends)
        axes[line, 0].set_ylabel(
            name, fontsize=_SMALL, color=PALETTE["text"], rotation=0, ha="right", va="center"
        )
    if titles is not None:
        for cell, words in zip(axes[0], titles, strict=False):
            cell.set_title(str(words), fontsize=_SMALL, color=PALETTE["text"])
    scale = axes[2, -1].get_figure().colorbar(image, cax=axes[2, -1].inset_axes([1.06, 0, 0.08, 1]))
    scale.set_ticks([0, largest], labels=["0", f"{largest:.2g}"])
    scale.ax.tick_params(labelsize=_SMALL, length=2, labelcolor=PALETTE["text"])
    scale.outline.set_visible(False)
    _super_title(axes, title)
    return axes


# --- Tables ------------------------------------------------------------------------------------


def _class_styles(labels):
    """Return (label, name, colour, marker) for every class; 0 and 1 are normal and anomaly."""
    found = np.unique(labels)
    if found.dtype.kind in "biu" and set(found.tolist()) <= {0, 1}:
        roles = {0: ("normal", PALETTE["normal"], "o"), 1: ("anomaly", PALETTE["anomaly"], "X")}
        return [(label, *roles[label]) for label in found.tolist()]
    return [(label, str(label), *_series(place)[:2]) for place, label in enumerate(found)]


def _one_each(values, name, rows):
    """Return values, one a row, as an array; None stays None."""
    if values is None:
        return None
    values = np.asarray(values)
    if values.shape != (rows,):
        raise ValueError(f"{name} has the shape {values.shape} for {rows} rows; pass one value a row.")
    return values


def _scatter_classes(ax, points, labels, size=16):
    """Draw points by class, or all alike where there are no labels."""
    if labels is None:
        ax.scatter(
            *points.T, color=PALETTE["normal"], s=size, alpha=0.75, linewidths=0, label=_rows(len(points))
        )
        return
    for label, name, colour, marker in _class_styles(labels):
        mine = labels == label
        ax.scatter(
            *points[mine].T,
            color=colour,
            marker=marker,
            s=size,
            alpha=0.75,
            linewidths=0,
            label=f"{name}, {_rows(int(mine.sum()))}",
        )


def latent_space(codes, labels=None, ax=None, *, title="Latent space"):
    """Draw latent codes as points in the plane, coloured by class.

    Parameters
    ----------
    codes : array_like of shape (n, k)
        Latent codes, k at least 2. More than two units are projected on their first two
        principal components, and the axes say so.
    labels : array_like of shape (n,), optional
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
    codes = check_rows(codes, "codes")
    units = codes.shape[1]
    if units < 2:
        raise ValueError(
            "codes must have at least 2 columns; found 1. Draw a single unit with score_histogram."
        )
    if units > 2:
        from sklearn.decomposition import PCA

        codes = PCA(2, svd_solver="full").fit_transform(check_rows(codes, "codes", min_rows=2))
        words = [f"Principal component {place} of {units} code units (activation)" for place in (1, 2)]
    else:
        words = [f"Code unit {place} (activation)" for place in (1, 2)]
    ax = _new(ax, 6.4, 4.2)
    labels = _one_each(labels, "labels", len(codes))
    _scatter_classes(ax, codes, labels)
    if labels is not None:
        _legend(ax)
    _dress(ax, title, *words)
    return ax


def feature_errors_bar(
    errors_row,
    feature_names=None,
    top=10,
    ax=None,
    *,
    typical=None,
    title="Which features made the row anomalous",
    unit="squared error, scaled units",
):
    """Draw the features with the largest error of one row.

    Parameters
    ----------
    errors_row : array_like of shape (d,)
        Error of every feature, for example ``detector.feature_errors(X)[0]``.
    feature_names : sequence of str, optional
        Names of the features.
    top : int
        Number of features drawn, the largest error on top.
    ax : matplotlib Axes, optional
        Where to draw.
    typical : array_like of shape (d,), optional
        Error of a typical normal row, as black marks.
    title, unit : str
        Words.

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
    names = [f"feature {place}" for place in range(errors.size)] if feature_names is None else feature_names
    if len(names) != errors.size:
        raise ValueError(f"feature_names has {len(names)} names for {errors.size} errors; pass one each.")
    largest = np.argsort(-errors, kind="stable")[:top]
    ax = _new(ax, 6.8, 1.3 + 0.3 * len(largest))
    places = np.arange(len(largest))
    ax.barh(places, errors[largest], color=PALETTE["anomaly"], height=0.65, label="this row")
    if typical is not None:
        ax.plot(
            check_scores(typical, "typical")[largest],
            places,
            color=PALETTE["threshold"],
            marker="|",
            markersize=13,
            markeredgewidth=2.4,
            linestyle="none",
            label="a typical normal row",
        )
        _legend(ax)
    ax.set_yticks(places, [str(names[place]) for place in largest])
    ax.invert_yaxis()
    _dress(ax, title, f"Error ({unit})", "Feature", grid="x")
    return ax


def decision_regions(
    detectors,
    X,
    xlim=None,
    ylim=None,
    y=None,
    ax=None,
    *,
    columns=3,
    resolution=80,
    feature_names=("Feature 1 (units)", "Feature 2 (units)"),
    title="Decision regions",
):
    """Draw where each fitted detector flags, over rows with two features.

    Parameters
    ----------
    detectors : dict of str to fitted detector
        Anything with scikit-learn's ``predict`` (-1 = outlier).
    X : array_like of shape (n, 2)
        Rows drawn as points.
    xlim, ylim : tuple of float, optional
        Window; the data with a fifth of room on each side by default.
    y : array_like of shape (n,), optional
        Labels, 1 = anomaly; without them all rows are drawn alike.
    ax : array of matplotlib Axes, optional
        Where to draw; as many as detectors, in lines of ``columns``.
    columns : int
        Panels in a line.
    resolution : int
        Points of the grid along each axis.
    feature_names : tuple of str
        Labels of the axes, with units.
    title : str
        Title of the whole.

    Returns
    -------
    array of matplotlib Axes of shape (lines, columns)

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
    if not detectors:
        raise ValueError("detectors is empty; pass at least one fitted detector by name.")
    room = 0.2 * np.ptp(X, axis=0)
    xlim = xlim or (X[:, 0].min() - room[0], X[:, 0].max() + room[0])
    ylim = ylim or (X[:, 1].min() - room[1], X[:, 1].max() + room[1])
    across, up = np.meshgrid(np.linspace(*xlim, resolution), np.linspace(*ylim, resolution))
    columns = min(columns, len(detectors))
    lines = -(-len(detectors) // columns)
    axes = _new_grid(ax, lines, columns, 2.2 + 2.6 * columns, 0.7 + 2.3 * lines, sharex=True, sharey=True)
    for place, (cell, (name, detector)) in enumerate(zip(axes.flat, detectors.items(), strict=False)):
        flagged = (detector.predict(np.column_stack([across.ravel(), up.ravel()])) == -1).astype(float)
        flagged = flagged.reshape(across.shape)
        region = cell.contourf(across, up, flagged, levels=[-0.5, 0.5, 1.5], colors=["white", _FLAGGED])
        _name(region, "flagged (shaded) and passed (white)", "regions")
        if 0 < flagged.mean() < 1:
            edge = cell.contour(
                across, up, flagged, levels=[0.5], colors=[PALETTE["threshold"]], linewidths=1.2
            )
            _name(edge, "boundary", "outline")
        _scatter_classes(cell, X, labels, size=11)
        _dress(cell, name, feature_names[0], feature_names[1], grid=None)
        cell.set(xlim=xlim, ylim=ylim)
        cell.label_outer()
        if place + columns >= len(detectors):  # no panel below, even where a line is not full
            cell.set_xlabel(feature_names[0])
            cell.tick_params(labelbottom=True)
    for cell in axes.flat[len(detectors) :]:
        cell.set_axis_off()
    handles, names = axes[0, 0].get_legend_handles_labels()
    flagged_area = Patch(facecolor=_FLAGGED, edgecolor=PALETTE["threshold"], label="flagged area")
    _legend(axes[0, -1], handles=[*handles, flagged_area], labels=[*names, "flagged area"])
    _super_title(axes, title)
    return axes


def pairwise(
    X, feature_names, flagged=None, labels=None, ax=None, *, columns=3, title="The measurements in pairs"
):
    """Draw every pair of features, with the flagged rows ringed.

    Parameters
    ----------
    X : array_like of shape (n, d)
        Rows, with 2 to 6 features.
    feature_names : sequence of str
        Names of the features, with units.
    flagged : array_like of shape (n,), optional
        True, or 1, for the rows that a detector flags.
    labels : array_like of shape (n,), optional
        Class of each row; the integers 0 and 1 are drawn as normal and anomaly.
    ax : array of matplotlib Axes, optional
        Where to draw; d (d - 1) / 2 Axes.
    columns : int
        Panels in a line.
    title : str
        Title of the whole.

    Returns
    -------
    array of matplotlib Axes of shape (lines, columns)

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
        raise ValueError(f"X must have 2 to 6 columns for a plot in pairs; found {X.shape[1]}. Choose some.")
    if len(feature_names) != X.shape[1]:
        raise ValueError(
            f"feature_names has {len(feature_names)} names for {X.shape[1]} columns; pass one each."
        )
    labels = _one_each(labels, "labels", len(X))
    flagged = _one_each(np.zeros(len(X)) if flagged is None else flagged, "flagged", len(X)).astype(bool)
    pairs = list(itertools.combinations(range(X.shape[1]), 2))
    columns = min(columns, len(pairs))
    lines = -(-len(pairs) // columns)
    axes = _new_grid(ax, lines, columns, 1.9 + 2.3 * columns, 0.6 + 2.2 * lines)
    for cell, (i, j) in zip(axes.flat, pairs, strict=False):
        _scatter_classes(cell, X[:, [i, j]], labels, size=13)
        if flagged.any():
            cell.scatter(
                *X[flagged][:, [i, j]].T,
                s=62,
                facecolors="none",
                edgecolors=PALETTE["threshold"],
                linewidths=1.2,
                label=f"flagged, {_rows(int(flagged.sum()))}",
            )
        _dress(cell, "", feature_names[i], feature_names[j])
    for cell in axes.flat[len(pairs) :]:
        cell.set_axis_off()
    _legend(axes[0, -1])
    _super_title(axes, title)
    return axes


# --- Words for pictures ------------------------------------------------------------------------


def _one_line(text):
    return re.sub(r"\s+", " ", text).strip()


def _kind_and_name(artist, label=None):
    """Return the kind and name given by ``_name``, else the label that a legend would show."""
    gid = artist.get_gid() or ""
    if gid.startswith("aecourse|"):
        return gid.split("|", 2)[1:]
    label = str(artist.get_label() if label is None else label)
    return "", "" if label.startswith("_") else _one_line(label)


def _phrase(what, name):
    return f"{what} '{name}'" if name else what


def _count(number, singular, plural=None):
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def _line_phrase(line):
    kind, name = _kind_and_name(line)
    x, y = list(line.get_xdata()), list(line.get_ydata())
    if kind:
        return _phrase(kind, name)
    if isinstance(line, AxLine):
        return _phrase("straight line", name)
    if len(x) == 2 and x[0] == x[1] and y == [0, 1]:
        return _phrase("vertical line", name)
    if len(x) == 2 and y[0] == y[1] and x == [0, 1]:
        return _phrase("horizontal line", name)
    if line.get_linestyle() in ("None", "none", " ", ""):
        return _phrase(_count(len(x), "point"), name)
    return _phrase(f"line through {_count(len(x), 'point')}", name)


def _collection_phrase(collection):
    kind, name = _kind_and_name(collection)
    if kind:
        return _phrase(kind, name)
    if isinstance(collection, PathCollection):
        return _phrase(_count(len(collection.get_offsets()), "point"), name)
    if isinstance(collection, LineCollection):
        return _phrase(_count(len(collection.get_segments()), "line segment"), name)
    if isinstance(collection, ContourSet):
        return _phrase("filled contours" if collection.filled else "contour lines", name)
    return _phrase("shaded area", name)


def _drawn(ax):
    """Return a phrase for each thing drawn on the Axes."""
    phrases, inside = [], set()
    for container in ax.containers:
        parts = container.get_children()
        inside.update(map(id, parts))
        if isinstance(container, BarContainer) and parts:
            name = _kind_and_name(parts[0], container.get_label())[1]
            phrases.append(_phrase(_count(len(parts), "bar"), name))
        elif isinstance(container, ErrorbarContainer):
            what = "point with its interval", "points with their intervals"
            phrases.append(_phrase(_count(len(parts[0].get_xdata()), *what), container.get_label()))
    phrases += [_line_phrase(line) for line in ax.get_lines() if id(line) not in inside]
    phrases += [_collection_phrase(each) for each in ax.collections if id(each) not in inside]
    loose = [patch for patch in ax.patches if id(patch) not in inside]
    phrases += [_phrase("shape", _kind_and_name(patch)[1]) for patch in loose]
    for image in ax.images:
        height, width = image.get_array().shape[:2]
        phrases.append(_phrase(f"{height} by {width} coloured cells", _kind_and_name(image)[1]))
    return phrases


def _axis_words(axis):
    words = _one_line(axis.get_label().get_text())
    if axis.get_scale() == "log":
        words += " (logarithmic)"
    if isinstance(axis.get_major_locator(), (FixedLocator, StrCategoryLocator)):
        ticks = [_one_line(tick.get_text()) for tick in axis.get_ticklabels()]
        if any(ticks):
            words += f" [{'; '.join(tick for tick in ticks if tick)}]"
    return words.strip()


def _title_of(ax):
    found = [_one_line(ax.get_title(loc)) for loc in ("left", "center", "right")]
    return " ".join(each for each in found if each)


def _is_picture(ax):
    """Say whether Axes hold an image without a coordinate system, such as a digit."""
    return bool(ax.images) and not (ax.get_xticks().size or ax.get_yticks().size)


def _describe_panel(ax, numbers):
    title = _title_of(ax)
    words = [f"{title}."] if title else []
    axes = [
        f"{name} axis: {found}"
        for name, found in (("x", _axis_words(ax.xaxis)), ("y", _axis_words(ax.yaxis)))
        if found
    ]
    if axes:
        words.append(f"{'; '.join(axes)}.")
    words.append(f"Drawn: {'; '.join(_drawn(ax)) or 'nothing'}.")
    if numbers:
        legend = [_one_line(text) for text in ax.get_legend_handles_labels()[1]]
        texts = [_one_line(text.get_text()) for text in ax.texts]
        if legend:
            words.append(f"Legend: {'; '.join(legend)}.")
        if any(texts):
            words.append(f"Texts: {'; '.join(text for text in texts if text)}.")
    return " ".join(words)


def _describe_pictures(pictures):
    """Describe all images of a grid at once, by their number, size and words."""
    sizes = {}
    for ax in pictures:
        for image in ax.images:
            height, width = image.get_array().shape[:2]
            size = f"of {height} by {width} pixels"
            sizes[size] = sizes.get(size, 0) + 1
    counted = [f"{_count(number, 'image')} {size}" for size, number in sizes.items()]
    words = [f"Drawn: {'; '.join(counted)}."]
    lines = [_one_line(ax.get_ylabel()) for ax in pictures if ax.get_ylabel()]
    titles = [_title_of(ax) for ax in pictures if _title_of(ax)]
    if lines:
        words.append(f"Lines, from the top: {', '.join(lines)}.")
    if titles:
        words.append(f"Titles: {', '.join(titles)}.")
    return " ".join(words)


def _figure(fig_or_ax):
    """Return the figure of a figure, of Axes or of an array of Axes."""
    if isinstance(fig_or_ax, (np.ndarray, list, tuple)):
        fig_or_ax = np.asarray(fig_or_ax, dtype=object).flat[0]
    figure = fig_or_ax if hasattr(fig_or_ax, "savefig") else getattr(fig_or_ax, "figure", None)
    while figure is not None and not hasattr(figure, "savefig"):
        figure = figure.figure  # from a subfigure to the whole
    if figure is None:
        raise ValueError(f"fig_or_ax must be a figure or Axes; found {type(fig_or_ax).__name__}.")
    return figure


def _scales(figure):
    """Return the Axes of the figure's colour bars."""
    mappables = [each for ax in figure.axes for each in (*ax.images, *ax.collections)]
    return [each.colorbar.ax for each in mappables if each.colorbar is not None]


def describe(fig_or_ax, numbers=False):
    """Say in words what a figure shows, from what was really drawn on it.

    The text holds titles, axes with their labels and names of ticks, and what was drawn, with
    its number of points, bars or images. Numbers that were computed, such as a threshold in a
    legend, are left out, so that the text is the same on every processor.

    Parameters
    ----------
    fig_or_ax : matplotlib Figure, Axes or array of Axes
        What to describe; Axes stand for their whole figure.
    numbers : bool
        Add the legends and texts as they are drawn, with their computed numbers.

    Returns
    -------
    str
        One line.

    Examples
    --------
    >>> from aecourse import plots
    >>> ax = plots.score_histogram([0.1, 0.2, 0.2], threshold=0.15, bins=5)
    >>> print(plots.describe(ax).replace(". ", ".\\n"))
    Anomaly scores.
    x axis: Anomaly score (mean squared error); y axis: Rows per bin.
    Drawn: 5 bars 'normal, 3 rows'; vertical line 'threshold'.
    """
    figure = _figure(fig_or_ax)
    scales = _scales(figure)
    axes = [ax for ax in figure.axes if ax.get_visible() and ax.has_data() and ax not in scales]
    pictures = [ax for ax in axes if _is_picture(ax)]
    panels = [ax for ax in axes if ax not in pictures]
    words = [f"{_one_line(figure.get_suptitle())}."] if figure.get_suptitle() else []
    for name, found in (("x", figure.get_supxlabel()), ("y", figure.get_supylabel())):
        if found:
            words.append(f"{name} axis of all panels: {_one_line(found)}.")
    for place, ax in enumerate(panels, start=1):
        start = f"Panel {place} of {len(panels)}: " if len(panels) > 1 else ""
        words.append(start + _describe_panel(ax, numbers))
    if pictures:
        words.append(_describe_pictures(pictures))
    for scale in scales:
        label = _one_line(scale.get_ylabel() or scale.get_xlabel())
        if label:
            words.append(f"Colour scale: {label}.")
    return " ".join(words) or "An empty figure."


def _missing_words(figure):
    """Return what the figure lacks in words: titles, labels of axes and of colour scales."""
    scales = _scales(figure)
    missing = []
    titled = {tuple(ax.get_position().bounds) for ax in figure.axes if _title_of(ax)}  # twins share a place
    for place, ax in enumerate(figure.axes, start=1):
        if not ax.get_visible() or not ax.has_data():
            continue
        which = f"Axes {place}" + (f" ({_title_of(ax)!r})" if _title_of(ax) else "")
        if ax in scales:
            if not (ax.get_ylabel() or ax.get_xlabel()):
                missing.append(f"{which}, a colour scale, has no label")
            continue
        if not (figure.get_suptitle() or tuple(ax.get_position().bounds) in titled):
            missing.append(f"{which} has no title")
        if _is_picture(ax):
            continue
        for name, shared, figure_label in (
            ("x", ax.get_shared_x_axes(), figure.get_supxlabel()),
            ("y", ax.get_shared_y_axes(), figure.get_supylabel()),
        ):
            siblings = shared.get_siblings(ax)
            if not figure_label and not any(getattr(each, f"get_{name}label")() for each in siblings):
                missing.append(f"{which} has no {name} label")
    return missing


def _png(figure):
    """Return the figure as PNG with a palette, about half the size and hardly another colour."""
    buffer, small = io.BytesIO(), io.BytesIO()
    figure.savefig(buffer, format="png", facecolor="white")
    with Image.open(buffer) as picture:
        # Maximum coverage keeps the rare bright shades of an error map, which median cut merges.
        few = picture.convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few.save(small, format="png", optimize=True)
    return small.getvalue()


def show(fig_or_ax, text):
    """Show a figure in a notebook, with words for those who cannot see it, and close it.

    The output holds the picture and, as plain text and as the picture's alternative text, your
    sentence followed by :func:`describe`. A comparison of stored with new outputs compares the
    words, not the pixels. Outside of Jupyter the words are printed.

    Parameters
    ----------
    fig_or_ax : matplotlib Figure, Axes or array of Axes
        What to show; Axes stand for their whole figure.
    text : str
        A sentence, of at least 20 characters, on what the picture shows.

    Raises
    ------
    ValueError
        If the sentence is missing, or if Axes with data have no title or no label on an axis;
        the message names them.

    Examples
    --------
    >>> from aecourse import plots
    >>> ax = plots.loss_curves({"loss": [0.3, 0.2]}, title="Loss")
    >>> plots.show(ax, "The loss falls from 0.3 to 0.2.")  # doctest: +ELLIPSIS
    The loss falls from 0.3 to 0.2. Loss. x axis: Epoch; ... Drawn: line through 2 points 'training'.
    """
    if not isinstance(text, str) or len(text.strip()) < 20:
        raise ValueError(
            "text must be a sentence of at least 20 characters that says what the picture shows; "
            f"found {text!r}."
        )
    figure = _figure(fig_or_ax)
    missing = _missing_words(figure)
    if missing:
        raise ValueError(f"fig_or_ax: {'; '.join(missing)}. Set them with ax.set(title=, xlabel=, ylabel=).")
    from IPython import get_ipython
    from IPython.display import display

    description = f"{_one_line(text)} {describe(figure)}"
    picture = _png(figure)
    plt.close(figure)
    if get_ipython() is None:  # a plain script has no place for a picture
        print(description)
        return
    display(
        {"image/png": picture, "text/plain": description},
        metadata={"image/png": {"alt": description}},
        raw=True,
    )

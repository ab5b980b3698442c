"""The threshold explorer: move a threshold, and see what it catches, misses and costs.

:func:`outcome` and :func:`cost_curve` compute the numbers and know nothing of pictures.
:func:`explore` shows them: in a live notebook as a slider over the histogram of the scores,
with the confusion matrix and the costs next to it; without widgets, as a picture of one
threshold with a description.

A row is flagged when its score lies strictly above the threshold.
"""

import io
import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aecourse import plots
from aecourse._support import html, progress
from aecourse._support.checks import check_fraction, check_labels, check_number, check_scores, match_rows

__all__ = ["Outcome", "cost_curve", "explore", "outcome"]

_STEPS = 400  # of the slider, and points of the cost curve


@dataclass(frozen=True)
class Outcome:
    """What a threshold does: counts on the labelled rows, rates, and what to expect of a day in use.

    Attributes
    ----------
    threshold : float
        Rows with a score above it are flagged.
    caught, missed : int
        Labelled anomalies that are flagged, and that are not.
    false_alarms, passed : int
        Labelled normal rows that are flagged, and that are not.
    recall, false_alarm_rate : float
        Share of the anomalies, and of the normal rows, that are flagged.
    precision : float
        Share of anomalies among flagged rows, at the base rate of use; NaN if none is flagged.
    alerts, false_alerts, misses : float
        Expected numbers a day: flagged rows, flagged normal rows, anomalies not flagged.
    cost : float
        Expected cost a day, in the unit of the costs.

    Examples
    --------
    >>> print(outcome([0, 0, 0, 1], [1.0, 2.0, 3.0, 3.0], threshold=2.5, base_rate=0.01))
    threshold 2.5: recall 100.0 %, false-alarm rate 33.3 %, precision 3 %; a day of 1,000 rows: \
340 alerts, 330 of them false, 0 anomalies missed, cost 330
    """

    threshold: float
    caught: int
    missed: int
    false_alarms: int
    passed: int
    recall: float
    false_alarm_rate: float
    precision: float
    alerts: float
    false_alerts: float
    misses: float
    cost: float
    rows_per_day: int

    def __str__(self):
        precision = "undefined" if math.isnan(self.precision) else f"{self.precision:.0%}".replace("%", " %")
        return (
            f"threshold {self.threshold:.4g}: recall {100 * self.recall:.1f} %, false-alarm rate "
            f"{100 * self.false_alarm_rate:.1f} %, precision {precision}; a day of {self.rows_per_day:,} "
            f"rows: {self.alerts:.3g} alerts, {self.false_alerts:.3g} of them false, {self.misses:.3g} "
            f"anomalies missed, cost {self.cost:.3g}"
        )


def _checked(y, score):
    score = check_scores(match_rows(score, y, "score", "y"), "score")
    return check_labels(y, n_rows=score.size, need_both=True), score


@dataclass(frozen=True)
class _Day:
    """A day in use: what errors cost, the share of anomalies, the rows."""

    cost_miss: float
    cost_false_alarm: float
    base_rate: float
    rows: float

    def misses(self, recall):
        return self.rows * self.base_rate * (1 - recall)

    def false_alerts(self, false_alarm_rate):
        return self.rows * (1 - self.base_rate) * false_alarm_rate

    def cost(self, recall, false_alarm_rate):
        misses, false_alerts = self.misses(recall), self.false_alerts(false_alarm_rate)
        return misses * self.cost_miss + false_alerts * self.cost_false_alarm


def _day(y, cost_miss, cost_false_alarm, base_rate, rows_per_day):
    """Check the settings of a day."""
    base_rate = y.mean() if base_rate is None else check_fraction(base_rate, "base_rate")
    return _Day(
        check_number(cost_miss, "cost_miss", above=0),
        check_number(cost_false_alarm, "cost_false_alarm", above=0),
        float(base_rate),
        check_number(rows_per_day, "rows_per_day", above=0),
    )


def _flagged(y, score, thresholds):
    """Return, for each threshold, the flagged anomalies and the flagged normal rows."""
    return tuple(
        chosen.size - np.searchsorted(np.sort(chosen), thresholds, side="right")
        for chosen in (score[y == 1], score[y == 0])
    )


def outcome(
    y: ArrayLike,
    score: ArrayLike,
    threshold: float,
    *,
    cost_miss: float = 10.0,
    cost_false_alarm: float = 1.0,
    base_rate: float | None = None,
    rows_per_day: float = 1000,
) -> Outcome:
    """Return what a threshold does on labelled rows, and on a day in use.

    Recall and false-alarm rate are shares of one class each, so they hold at any base rate b.
    A day of n rows then has n·b·recall caught anomalies and n·(1 − b)·(false-alarm rate) false
    alerts, and costs n·b·(1 − recall)·cost_miss + n·(1 − b)·(false-alarm rate)·cost_false_alarm.

    Parameters
    ----------
    y : array-like of shape (n,)
        Labels, 1 = anomaly; both classes.
    score : array-like of shape (n,)
        Anomaly scores, high = anomalous.
    threshold : float
        Rows with a score above it are flagged.
    cost_miss, cost_false_alarm : float
        Cost of an anomaly that is not flagged and of a normal row that is, in one unit; above 0.
    base_rate : float, optional
        Share of anomalies in use; by default their share in ``y``.
    rows_per_day : int
        Rows scored a day.

    Returns
    -------
    Outcome

    Raises
    ------
    ValueError
        If an argument is unusable.

    References
    ----------
    Elkan, C. (2001). The foundations of cost-sensitive learning. Proceedings of IJCAI 2001, 973–978.

    Examples
    --------
    >>> found = outcome([0, 0, 0, 1, 1], [1, 2, 3, 3, 4], threshold=3, base_rate=0.01, rows_per_day=1000)
    >>> found.caught, found.missed, found.false_alarms, found.passed
    (1, 1, 0, 3)
    >>> found.misses, found.cost   # 10 anomalies a day, half of them missed, 10 each
    (5.0, 50.0)
    """
    y, score = _checked(y, score)
    return _outcome(y, score, threshold, _day(y, cost_miss, cost_false_alarm, base_rate, rows_per_day))


def _outcome(y, score, threshold, day):
    threshold = float(check_scores([threshold], "threshold")[0])
    caught, false_alarms = (int(count) for count in _flagged(y, score, threshold))
    n_anomalies = int(y.sum())
    n_normals = y.size - n_anomalies
    recall, false_alarm_rate = caught / n_anomalies, false_alarms / n_normals
    true_alerts, false_alerts = day.rows * day.base_rate * recall, day.false_alerts(false_alarm_rate)
    alerts = true_alerts + false_alerts
    return Outcome(
        threshold=threshold,
        caught=caught,
        missed=n_anomalies - caught,
        false_alarms=false_alarms,
        passed=n_normals - false_alarms,
        recall=recall,
        false_alarm_rate=false_alarm_rate,
        precision=true_alerts / alerts if alerts else math.nan,
        alerts=alerts,
        false_alerts=false_alerts,
        misses=day.misses(recall),
        cost=day.cost(recall, false_alarm_rate),
        rows_per_day=int(day.rows),
    )


def cost_curve(
    y: ArrayLike,
    score: ArrayLike,
    thresholds: ArrayLike,
    *,
    cost_miss: float = 10.0,
    cost_false_alarm: float = 1.0,
    base_rate: float | None = None,
    rows_per_day: float = 1000,
) -> NDArray[np.float64]:
    """Return the expected cost a day at each of many thresholds.

    Parameters
    ----------
    y : array-like of shape (n,)
        Labels, 1 = anomaly; both classes.
    score : array-like of shape (n,)
        Anomaly scores, high = anomalous.
    thresholds : array-like of shape (m,)
        Thresholds, in any order.
    cost_miss, cost_false_alarm, base_rate, rows_per_day
        As for :func:`outcome`.

    Returns
    -------
    ndarray of shape (m,)
        Cost a day at each threshold, as ``outcome(...).cost``.

    Raises
    ------
    ValueError
        If an argument is unusable.

    Examples
    --------
    >>> cost_curve([0, 0, 0, 1, 1], [1, 2, 3, 3, 4], [0, 2, 3, 4], base_rate=0.01).tolist()
    [990.0, 330.0, 50.0, 100.0]
    """
    y, score = _checked(y, score)
    day = _day(y, cost_miss, cost_false_alarm, base_rate, rows_per_day)
    return _costs(y, score, check_scores(thresholds, "thresholds"), day)


def _costs(y, score, thresholds, day):
    caught, false_alarms = _flagged(y, score, thresholds)
    return day.cost(caught / np.sum(y == 1), false_alarms / np.sum(y == 0))


@dataclass(frozen=True)
class _Shown:
    """The labelled rows, and how they are drawn."""

    y: NDArray[np.int64]
    score: NDArray[np.float64]
    view: tuple[float, float]
    bins: int
    names: tuple[str, str]
    unit: str


def _draw(figure, shown, now, day, *, confusion):
    """Draw histogram, confusion matrix (if wanted) and cost curve; return Axes and what moves."""
    width, panels = (12.6, 3) if confusion else (10.2, 2)
    figure.set_size_inches(width, 3.4)
    figure.set_layout_engine("constrained")
    axes = figure.subplots(1, panels)
    plots.score_histogram(
        shown.score[shown.y == 0],
        shown.score[shown.y == 1],
        threshold=now.threshold,
        bins=shown.bins,
        range=shown.view,
        share=True,
        ax=axes[0],
        names=shown.names,
        unit=shown.unit,
        title="Scores and threshold",
    )
    axes[0].legend(frameon=False, fontsize=8, loc="upper right")
    if confusion:
        plots.confusion(shown.y, shown.score, now.threshold, ax=axes[1], title="Decisions on these rows")
    thresholds = np.linspace(shown.view[0], shown.view[1], _STEPS + 1)
    costs, nothing = _costs(shown.y, shown.score, thresholds, day), day.cost(0, 0)
    ax = axes[-1]
    ax.plot(thresholds, costs, color=plots.PALETTE["normal"], label="all thresholds")
    ax.axhline(nothing, color=plots.PALETTE["reference"], linestyle=":", label="flag nothing")
    (point,) = ax.plot(now.threshold, now.cost, "o", color=plots.PALETTE["threshold"], label="this threshold")
    # Flagging nearly everything costs so much that the lowest part of the curve would not be seen.
    ax.set(
        title="Cost of a day",
        xlabel=f"Threshold ({shown.unit})",
        ylabel="Expected cost a day",
        xlim=shown.view,
        ylim=(0, 1.6 * max(nothing, now.cost)),
    )
    ax.legend(frameon=False, fontsize=8)
    line = next(line for line in axes[0].get_lines() if line.get_label().startswith("threshold"))
    return axes, line, point


def _picture(figure, description):
    """Return a figure as HTML, with alternative text: the image of ipywidgets has none."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=80, facecolor="white")
    return html.render("picture.html", description=description, address=html.png_address(buffer.getvalue()))


def _controls(widgets, shown, threshold, day):
    """Return the widgets: three sliders, the table and the picture, which follow them."""
    from matplotlib.figure import Figure

    wide = {"layout": {"width": "640px"}, "style": {"description_width": "150px"}}
    step = (shown.view[1] - shown.view[0]) / _STEPS
    slider = widgets.FloatSlider(
        threshold,
        min=shown.view[0],
        max=shown.view[1],
        step=step,
        description="threshold",
        readout_format=".4g",
        **wide,
    )
    ratio = widgets.FloatLogSlider(
        day.cost_miss / day.cost_false_alarm,
        min=-1,
        max=4,
        step=0.01,
        description="miss, in false alarms",
        **wide,
    )
    base_rate = widgets.FloatLogSlider(
        day.base_rate, min=-4, max=math.log10(0.99), description="base rate", readout_format=".2%", **wide
    )
    table, picture = widgets.HTML(), widgets.HTML()
    drawn: dict[str, Any] = {}

    def settings():
        return replace(day, cost_miss=ratio.value * day.cost_false_alarm, base_rate=base_rate.value)

    def redraw(change=None):
        now = _outcome(shown.y, shown.score, slider.value, settings())
        # Not through pyplot, whose state all threads share: JupyterLab may call us from a second one.
        drawn["figure"] = Figure()
        _, drawn["line"], drawn["point"] = _draw(drawn["figure"], shown, now, settings(), confusion=False)
        show(now)

    def move(change):
        now = _outcome(shown.y, shown.score, slider.value, settings())
        drawn["line"].set_xdata([now.threshold, now.threshold])
        drawn["line"].set_label(f"threshold ({now.threshold:.3g})")
        legend = drawn["line"].axes.get_legend()
        next(text for text in legend.get_texts() if text.get_text().startswith("threshold")).set_text(
            drawn["line"].get_label()
        )
        drawn["point"].set_data([now.threshold], [now.cost])
        show(now)

    def show(now):
        table.value = html.render("outcome.html", now=now, base_rate=base_rate.value)
        picture.value = _picture(drawn["figure"], f"At {now}.")

    redraw()
    slider.observe(move, "value")
    ratio.observe(redraw, "value")
    base_rate.observe(redraw, "value")
    return widgets.VBox([slider, ratio, base_rate, table, picture])


def explore(
    y: ArrayLike,
    score: ArrayLike,
    threshold: float,
    *,
    cost_miss: float = 10.0,
    cost_false_alarm: float = 1.0,
    base_rate: float | None = None,
    rows_per_day: float = 1000,
    view: tuple[float, float] | None = None,
    bins: int = 40,
    names: tuple[str, str] = ("normal", "anomaly"),
    unit: str = "mean squared error",
    interactive: bool | None = None,
) -> Any:
    """Show what a threshold does, with a slider if widgets run and as a picture otherwise.

    Parameters
    ----------
    y : array-like of shape (n,)
        Labels, 1 = anomaly; both classes.
    score : array-like of shape (n,)
        Anomaly scores, high = anomalous.
    threshold : float
        The threshold to begin with; rows with a score above it are flagged.
    cost_miss, cost_false_alarm, base_rate, rows_per_day
        As for :func:`outcome`. The explorer's second slider moves the ratio of the costs.
    view : tuple of float, optional
        Lowest and highest score shown and reached by the slider; all scores by default.
    bins : int
        Bins of the histogram.
    names : tuple of str
        What the two classes are called.
    unit : str
        Unit of the scores.
    interactive : bool, optional
        Whether to use widgets. By default in a notebook that has ipywidgets, unless progress bars
        are turned off by ``AECOURSE_PROGRESS=0``: nobody is there to move a slider then.

    Returns
    -------
    ipywidgets.VBox or None
        The widgets, which a notebook shows as a cell's last line. None for the picture, which is
        displayed with its description.

    Raises
    ------
    ValueError
        If an argument is unusable, or widgets are asked for and ipywidgets is missing.

    Examples
    --------
    >>> explore([0, 0, 0, 1], [1.0, 2.0, 3.0, 3.0], threshold=2.5, interactive=False)  # doctest: +ELLIPSIS
    At threshold 2.5: recall 100.0 %, false-alarm rate 33.3 %, ...
    """
    import matplotlib.pyplot as plt

    y, score = _checked(y, score)
    day = _day(y, cost_miss, cost_false_alarm, base_rate, rows_per_day)
    view = (float(score.min()), float(score.max())) if view is None else tuple(map(float, view))
    if len(view) != 2 or not view[0] < view[1]:
        raise ValueError(f"view must be a lowest and a higher score; found {view}.")
    shown = _Shown(y, score, view, bins, names, unit)
    now = _outcome(y, score, threshold, day)
    widgets = _widgets(interactive)
    if widgets is not None:
        start = min(max(now.threshold, view[0]), view[1])
        return _controls(widgets, shown, start, day)
    axes, _, _ = _draw(plt.figure(), shown, now, day, confusion=True)
    plots.show(axes, f"At {now}.")
    return None


def _widgets(interactive):
    """Return ipywidgets if it is to be used, else None."""
    from IPython import get_ipython

    if interactive is None:
        interactive = progress.wanted() and get_ipython() is not None
        required = False
    else:
        required = interactive
    if not interactive:
        return None
    try:
        import ipywidgets
    except ImportError as error:
        if required:
            raise ValueError(
                "interactive=True needs ipywidgets, which is not installed. Install it, or pass "
                "interactive=False for a picture."
            ) from error
        return None
    return ipywidgets

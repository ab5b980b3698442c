"""The page that ``aecourse detect`` writes: one file, figures inside, which loads and executes nothing."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from aecourse._support.html import png_address, render
from aecourse.tabular.detector import CALIBRATION, LATER, TRAINING, TableDetector
from aecourse.tabular.findings import gather

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["render_report"]

MOST_ROWS = 20  # flagged rows shown; all of them are in flagged.csv


@dataclass(frozen=True)
class _Figure:
    """A figure as part of the page: its address, and a text for readers who cannot see it."""

    address: str
    alt: str


def _embed(ax: Axes, alt: str) -> _Figure:
    """Turn a figure into a part of the page, and close it."""
    import matplotlib.pyplot as plt

    figure = ax.get_figure(root=True)
    assert figure is not None
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100, facecolor="white")
    plt.close(figure)
    return _Figure(png_address(buffer.getvalue()), alt)


def _scores_figure(scored: pd.DataFrame, threshold: float) -> _Figure:
    from aecourse import plots

    new = scored[~scored["used_for"].isin([TRAINING, LATER])]
    score = new["score"].to_numpy()
    calibration = (new["used_for"] == CALIBRATION).to_numpy()
    high = max(2 * threshold, float(np.quantile(score, 0.98)))
    low = min(0.0, float(score.min()))
    ax = plots.score_histogram(
        score[calibration],
        None if calibration.all() else score[~calibration],
        threshold=threshold,
        bins=40,
        range=(low, high),
        share=True,
        unit="minus log probability",
        title="Scores of the rows that were not trained on",
        names=("normal, set the threshold", "used for nothing"),
    )
    return _embed(
        ax,
        f"Histogram of anomaly scores. Of {calibration.sum():,} normal rows that set the threshold "
        f"{(score[calibration] > threshold).sum():,} lie above it, of {(~calibration).sum():,} rows used for "
        f"nothing {(score[~calibration] > threshold).sum():,}.",
    )


def _short(name: str) -> str:
    return name if len(name) <= 30 else name[:29] + "…"


def _row_figure(errors: pd.Series, row: int) -> _Figure:
    from aecourse import plots

    ax = plots.feature_errors_bar(
        errors.to_numpy(),
        [_short(name).replace("$", r"\$") for name in errors.index],  # or Matplotlib would read a formula
        top=8,
        typical=np.ones(len(errors)),
        unit="times that of a normal row",
        title=f"Row {row:,}, the most anomalous",
    )
    largest = errors.sort_values(ascending=False, kind="stable").head(3)
    named = ", ".join(f"{name} ({value:.2g})" for name, value in largest.items())
    return _embed(ax, f"Bars of the columns with the largest error of row {row:,}: {named} times the usual.")


def render_report(
    name: str,
    table: pd.DataFrame,
    detector: TableDetector,
    scored: pd.DataFrame,
    explained: pd.DataFrame,
    found: Mapping[str, Any] | None = None,
) -> str:
    """Make the page.

    Parameters
    ----------
    name : str
        Name of the table.
    table : pandas.DataFrame of shape (n, columns)
        The table.
    detector : TableDetector
        The fitted detector.
    scored : pandas.DataFrame of shape (n, 6)
        Number, score, p-value, flag, columns outside and use of each row.
    explained : pandas.DataFrame
        The flagged rows, the highest score first, with their reasons.
    found : dict, optional
        What `findings.gather` gathered; by default it is gathered here.

    Returns
    -------
    str
        A page in HTML.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from aecourse.tabular import TableDetector
    >>> table = pd.DataFrame({"width": np.random.default_rng(0).normal(size=100)})
    >>> detector = TableDetector(budget=0.05).fit(table)
    >>> scored = detector.score(table).assign(row=range(1, 101), used_for=detector.used_for_)
    >>> flagged = scored[scored["flagged"] == 1]
    >>> explained = flagged.assign(reasons=detector.reasons(table.loc[flagged.index]))
    >>> page = render_report("widths.csv", table, detector, scored, explained)
    >>> page.startswith("<!doctype html>"), "<script" in page
    (True, False)
    """
    found = gather(name, table, detector, scored) if found is None else found
    errors = detector.errors(table.loc[explained.index[:1]])
    leading = [(each["name"], each["leads"]) for each in found["columns"] if each["leads"]]
    return render(
        "report.html",
        found=found,
        n_flagged=len(explained),
        roles=[(each["used_for"], each["rows"], each["flagged"]) for each in found["rows"]],
        preparation=detector.preparation_,
        later=detector.later_,
        scores_figure=_scores_figure(scored, detector.threshold_),
        row_figure=_row_figure(errors.iloc[0], int(explained["row"].iloc[0])) if len(errors) else None,
        shown=found["flagged"][:MOST_ROWS],
        profiles={each["name"]: _profile_in_words(each) for each in found["columns"]},
        leading=sorted(leading, key=lambda each: -each[1])[:10],
        compared=_compared(found),
    )


def _interval(interval: Mapping[str, float] | None) -> str:
    if interval is None:
        return ""
    return f"{interval['value']:.3f} ({interval['low']:.3f} to {interval['high']:.3f})"


def _compared(found: Mapping[str, Any]) -> list[list[Any]]:
    """Return the rows of the table of methods."""
    comparison = found["comparison"]
    if not comparison["rejected"]:
        return [[each["name"], each["flagged"], each["flagged_by_both"]] for each in comparison["methods"]]
    return [
        [
            each["name"],
            f"{each['recall']:.1%}",
            *map(_interval, (each["auroc"], each["average_precision"])),
            *map(_interval, (each["auroc_difference"], each["average_precision_difference"])),
        ]
        for each in comparison["methods"]
    ]


def _profile_in_words(column: Mapping[str, Any]) -> str:
    """Say which values are usual in a column."""
    if column["median"] is not None:
        low, middle, high = (f"{column[name]:.4g}" for name in ("low_5", "median", "high_95"))
        return f"{middle}; 90 % lie from {low} to {high}"
    return ", ".join(f"{each['text']} ({each['share']:.0%})" for each in column["frequent"])

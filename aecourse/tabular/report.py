"""The page that ``aecourse detect`` writes: one file, figures inside, which loads and executes nothing."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from aecourse._support.html import png_address, render
from aecourse.tabular.detector import CALIBRATION, LATER, TRAINING, TableDetector

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["render_report"]

MOST_ROWS = 20  # flagged rows shown; all of them are in flagged.csv
MOST_COUNTED = 1000  # flagged rows whose leading columns are counted
_SHOWN_COLUMNS = ["row", "score", "p_value", "outside", "used_for", "reasons"]


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


def _row_figure(errors: pd.Series, row: int) -> _Figure:
    from aecourse import plots

    ax = plots.feature_errors_bar(
        errors.to_numpy(),
        [str(name).replace("$", r"\$") for name in errors.index],  # or Matplotlib would read a formula
        top=8,
        typical=np.ones(len(errors)),
        unit="times that of a normal row",
        title=f"Row {row:,}, the most anomalous",
    )
    largest = errors.sort_values(ascending=False, kind="stable").head(3)
    named = ", ".join(f"{name} ({value:.2g})" for name, value in largest.items())
    return _embed(ax, f"Bars of the columns with the largest error of row {row:,}: {named} times the usual.")


def render_report(
    name: str, table: pd.DataFrame, detector: TableDetector, scored: pd.DataFrame, explained: pd.DataFrame
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
    by_use = scored.groupby("used_for")["flagged"].agg(["size", "sum"])
    counted = table.loc[explained.index[:MOST_COUNTED]]
    errors = detector.errors(counted)
    leading = errors.idxmax(axis=1).value_counts() if len(errors) else pd.Series(dtype=int)
    return render(
        "report.html",
        name=name,
        n_rows=len(table),
        n_flagged=len(explained),
        n_counted=len(counted),
        train_on=detector.train_on_,
        threshold=detector.threshold_,
        budget=detector.budget,
        preparation=detector.preparation_,
        notes=detector.notes_,
        later=detector.later_,
        roles=[(use, int(n), int(flagged), f"{flagged / n:.1%}") for use, (n, flagged) in by_use.iterrows()],
        scores_figure=_scores_figure(scored, detector.threshold_),
        row_figure=_row_figure(errors.iloc[0], int(explained["row"].iloc[0])) if len(errors) else None,
        shown_columns=_SHOWN_COLUMNS,
        shown=explained.head(MOST_ROWS)[_SHOWN_COLUMNS].values.tolist(),
        leading=[(column, int(n)) for column, n in leading.head(10).items()],
    )

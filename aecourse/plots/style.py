"""The house style: colours, markers, lines, and how Axes are made and labelled.

Normal rows are blue circles or plain bars, anomalies vermillion crosses or hatched bars, the threshold a
dashed black line. The colours can be told apart under the common forms of colour blindness, and the markers
and lines differ as well.

References
----------
.. [1] M. Okabe, K. Ito: Color universal design, 2008, https://jfly.uni-koeln.de/color/
.. [2] W3C: Web Content Accessibility Guidelines 2.2, 2023, success criteria 1.1.1, 1.4.1,
   1.4.3 and 1.4.11.
"""

from types import MappingProxyType
from typing import Any, Literal, TypeAlias

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from numpy.typing import NDArray

from aecourse._support.checks import check_whole

LineStyle: TypeAlias = str | tuple[int, tuple[float, ...]]
#: An array of Axes.
AxesGrid: TypeAlias = NDArray[Any]

#: Colour by role. All but ``grid``, which carries no meaning, contrast with white by at least 3 to 1.
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
SERIES: tuple[tuple[str, str, LineStyle], ...] = (
    ("#0072B2", "o", "-"),
    ("#D55E00", "s", "--"),
    ("#009E73", "^", "-."),
    ("#CC79A7", "D", ":"),
    ("#111111", "v", (0, (6, 1.5, 1, 1.5, 1, 1.5))),
)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*", "p")
#: Colours of up to ten classes of points, each with a marker of its own; all contrast with white.
CLASS_COLOURS = (
    *(colour for colour, _, _ in SERIES),
    "#8f7300",
    "#6a3d9a",
    "#00838f",
    "#8c2d04",
    "#7f7f7f",
)
THRESHOLD_LINES: tuple[LineStyle, ...] = ("--", ":", "-.", (0, (8, 2)), (0, (1, 1)))
REFERENCE_LINES: tuple[LineStyle, ...] = ((0, (4, 3)), (0, (1, 2)), (0, (7, 2, 1, 2)), (0, (10, 3)))
FLAGGED = "#f6dccb"  # pale vermillion; a black outline bounds the area as well
TITLE_SIZE, LABEL_SIZE, SMALL_SIZE = 11, 9.5, 8.5  # of text, in points
_DPI = 100


def series_style(place: int) -> tuple[str, str, LineStyle]:
    """Return colour, marker and line of a series; from the sixth on, colours repeat with other markers."""
    colour, _, line = SERIES[place % len(SERIES)]
    return colour, MARKERS[place % len(MARKERS)], line


def class_style(place: int) -> tuple[str, str]:
    """Return colour and marker of a class of points; ten classes have ten colours and ten markers."""
    return CLASS_COLOURS[place % len(CLASS_COLOURS)], MARKERS[place % len(MARKERS)]


def new_axes(ax: Axes | None, width: float = 7.2, height: float = 3.6) -> Axes:
    """Return ``ax``, or the Axes of a new figure if it is None."""
    if ax is not None and not isinstance(ax, Axes):
        raise ValueError(f"ax must be one matplotlib Axes, or None; found {type(ax).__name__}.")
    if ax is None:
        _, ax = plt.subplots(figsize=(width, height), dpi=_DPI, layout="constrained")
    return ax


def new_grid(
    ax: Any,
    n_panels: int,
    columns: int,
    *,
    margins: tuple[float, float],
    panel: tuple[float, float],
    min_width: float = 0.0,
    **shared: bool,
) -> AxesGrid:
    """Return an array of Axes of shape (rows, columns), from ``ax`` or a new figure; unused ones are hidden.

    The width and height of a new figure are those of its margins and of one panel, in inches.
    """
    columns = min(check_whole(columns, "columns"), n_panels)
    rows = -(-n_panels // columns)
    if ax is None:
        width = max(min_width, margins[0] + panel[0] * columns)
        _, axes = plt.subplots(
            rows,
            columns,
            figsize=(width, margins[1] + panel[1] * rows),
            dpi=_DPI,
            layout="constrained",
            squeeze=False,
            **shared,
        )
    else:
        try:
            axes = np.asarray(ax, dtype=object)
        except ValueError as error:  # ragged
            raise ValueError(f"ax must be an array of matplotlib Axes ({error}).") from error
        if axes.size != rows * columns:
            raise ValueError(
                f"ax must hold {rows} x {columns} Axes for this figure; found {axes.size}. "
                f"Make them with plt.subplots({rows}, {columns})."
            )
        if not all(isinstance(each, Axes) for each in axes.flat):
            raise ValueError(f"ax must hold matplotlib Axes; found {type(axes.flat[0]).__name__}.")
        axes = axes.reshape(rows, columns)
    for unused in axes.flat[n_panels:]:
        unused.set_axis_off()
    return axes


def dress(
    ax: Axes, title: str, xlabel: str, ylabel: str, grid: Literal["both", "x", "y"] | None = "both"
) -> None:
    """Give Axes their title, labels, quiet frame and grid."""
    ax.set_title(title, fontsize=TITLE_SIZE, color=PALETTE["text"])
    ax.set_xlabel(xlabel, fontsize=LABEL_SIZE, color=PALETTE["text"])
    ax.set_ylabel(ylabel, fontsize=LABEL_SIZE, color=PALETTE["text"])
    ax.tick_params(labelsize=SMALL_SIZE, color=PALETTE["axis"], labelcolor=PALETTE["text"])
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(PALETTE["axis"])
    ax.set_axisbelow(True)
    if grid:
        ax.grid(True, axis=grid, color=PALETTE["grid"], linewidth=0.8)


def add_legend(ax: Axes, **entries: Any) -> None:
    """Put the legend to the right of the Axes, where it covers no data."""
    legend = ax.legend(
        loc="upper left",
        bbox_to_anchor=(1.01, 1.0),
        frameon=False,
        fontsize=SMALL_SIZE,
        labelcolor=PALETTE["text"],
        handlelength=2.6,
        borderaxespad=0.0,
        **entries,
    )
    for handle in legend.legend_handles:  # points of a crowded plot are too small to tell apart
        if isinstance(handle, PathCollection):
            handle.set_sizes([30])
            handle.set_alpha(1)


def set_grid_title(axes: AxesGrid, title: str) -> None:
    """Give the figure of a grid its title."""
    axes.flat[0].get_figure().suptitle(title, fontsize=TITLE_SIZE, color=PALETTE["text"])

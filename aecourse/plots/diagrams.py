"""Diagrams of structure: the layers of an autoencoder, and the steps from a row to an alarm."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Polygon

from aecourse._support.checks import check_whole
from aecourse.plots.style import LABEL_SIZE, PALETTE, SMALL_SIZE, TITLE_SIZE

__all__ = ["autoencoder", "steps"]

_FACE = "#eaf2fb"  # pale blue, as in the drawings of the architecture


def _new_figure(width: float, height: float, title: str) -> Figure:
    figure = plt.figure(figsize=(width, height), dpi=100)
    figure.suptitle(title, fontsize=TITLE_SIZE, color=PALETTE["text"])
    return figure


def _write(
    figure: Figure, x: float, y: float, words: str, size: float = LABEL_SIZE, weight: str = "normal"
) -> None:
    figure.text(
        x, y, words, ha="center", va="center", color=PALETTE["text"], fontsize=size, fontweight=weight
    )


def autoencoder(widths: Sequence[int], title: str = "An autoencoder") -> Figure:
    """Draw the layers of an autoencoder, with their widths, from input to output.

    Parameters
    ----------
    widths : sequence of int
        Numbers of units from the input to the output; the narrowest inner layer is the code.
    title : str
        Title.

    Returns
    -------
    matplotlib Figure
        Show it with :func:`aecourse.plots.show`.

    Raises
    ------
    ValueError
        If there are fewer than three layers, or a width is not a whole number of at least 1.

    Examples
    --------
    >>> from aecourse.plots import diagrams
    >>> figure = diagrams.autoencoder([784, 32, 784])
    >>> [words.get_text() for words in figure.texts[1:4]]  # after the title
    ['784', '32', '784']
    """
    sizes = [check_whole(width, f"widths[{place}]") for place, width in enumerate(widths)]
    if len(sizes) < 3:
        raise ValueError(f"widths must name at least three layers; found {len(sizes)}.")
    figure = _new_figure(7.2, 2.9, title)
    code = 1 + int(np.argmin(sizes[1:-1]))
    x = np.linspace(0.12, 0.88, len(sizes))
    half = 0.05 + 0.22 * np.log1p(sizes) / np.log1p(max(sizes))  # of the figure's height
    middle, bar = 0.5, 0.014
    for left, right in zip(range(len(sizes) - 1), range(1, len(sizes)), strict=True):
        corners = [
            (x[left] + bar, middle - half[left]),
            (x[left] + bar, middle + half[left]),
            (x[right] - bar, middle + half[right]),
            (x[right] - bar, middle - half[right]),
        ]
        figure.add_artist(Polygon(corners, facecolor=_FACE, edgecolor="none"))
    for place, size in enumerate(sizes):
        role = "anomaly" if place == code else "normal"
        corners = [(x[place] + dx, middle + dy) for dx, dy in _corners(bar, half[place])]
        figure.add_artist(Polygon(corners, facecolor=PALETTE[role], edgecolor="none"))
        _write(figure, x[place], middle - half[place] - 0.06, f"{size:,}")
    for place, words in ((0, "input"), (code, "code"), (len(sizes) - 1, "output")):
        _write(figure, x[place], middle + half[place] + 0.06, words, weight="bold")
    _write(figure, (x[0] + x[code]) / 2, 0.06, "encoder", SMALL_SIZE)
    _write(figure, (x[code] + x[-1]) / 2, 0.06, "decoder", SMALL_SIZE)
    return figure


def _corners(dx: float, dy: float) -> list[tuple[float, float]]:
    return [(-dx, -dy), (-dx, dy), (dx, dy), (dx, -dy)]


def steps(boxes: Sequence[str], title: str, notes: Sequence[str] = ()) -> Figure:
    """Draw steps as boxes in a row, with arrows from each to the next.

    Parameters
    ----------
    boxes : sequence of str
        Words of each step; a line break starts a new line.
    title : str
        Title.
    notes : sequence of str
        Words below each box, in smaller letters; empty for none.

    Returns
    -------
    matplotlib Figure
        Show it with :func:`aecourse.plots.show`.

    Raises
    ------
    ValueError
        If there are fewer than two boxes, or more notes than boxes.

    Examples
    --------
    >>> from aecourse.plots import diagrams
    >>> figure = diagrams.steps(["score", "threshold", "alarm"], "From score to alarm")
    >>> [words.get_text() for words in figure.texts[1:]]
    ['score', 'threshold', 'alarm']
    """
    if len(boxes) < 2 or len(notes) > len(boxes):
        raise ValueError(
            f"boxes must hold at least two steps, and notes at most as many; found {len(boxes)} boxes "
            f"and {len(notes)} notes."
        )
    figure = _new_figure(7.2, 2.0 if notes else 1.6, title)
    room = 0.96 / len(boxes)
    x = 0.02 + room * (np.arange(len(boxes)) + 0.5)
    middle, width, height = (0.56, 0.74 * room, 0.36) if notes else (0.42, 0.74 * room, 0.46)
    for place, words in enumerate(boxes):
        corner = (x[place] - width / 2, middle - height / 2)
        figure.add_artist(
            FancyBboxPatch(
                corner,
                width,
                height,
                boxstyle="round,pad=0,rounding_size=0.02",
                facecolor=_FACE,
                edgecolor=PALETTE["normal"],
            )
        )
        _write(figure, x[place], middle, words)
        if place:
            start, end = x[place - 1] + width / 2, x[place] - width / 2
            figure.add_artist(
                FancyArrowPatch(
                    (start, middle),
                    (end, middle),
                    arrowstyle="-|>",
                    mutation_scale=12,
                    color=PALETTE["text"],
                )
            )
    for place, words in enumerate(notes):
        _write(figure, x[place], 0.16, words, SMALL_SIZE)
    return figure

"""Diagrams of structure: an autoencoder's layers, steps to an alarm, splits of rows, windows, random cuts."""

from collections.abc import Iterable, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Polygon
from numpy.typing import ArrayLike, NDArray

from aecourse._support.checks import check_names, check_number, check_rows, check_scores, check_whole
from aecourse.plots.style import LABEL_SIZE, PALETTE, SMALL_SIZE, TITLE_SIZE, dress

__all__ = ["autoencoder", "random_cuts", "sliding_windows", "steps", "three_way_split"]

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


def _check_wholes(values: object, name: str, minimum: int) -> list[int]:
    """Return whole numbers as a list."""
    if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Iterable):
        raise ValueError(f"{name} must be a list of whole numbers; found {type(values).__name__}.")
    return [check_whole(each, f"{name}[{place}]", minimum) for place, each in enumerate(values)]


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
    sizes = _check_wholes(widths, "widths", 1)
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


def steps(boxes: Sequence[str], title: str, notes: Sequence[str] = (), width: float = 7.2) -> Figure:
    """Draw steps as boxes in a row, with arrows from each to the next.

    Parameters
    ----------
    boxes : sequence of str
        Words of each step; a line break starts a new line.
    title : str
        Title.
    notes : sequence of str
        Words below each box, in smaller letters; empty for none.
    width : float
        Width of the figure, in inches; a narrow one is easier to read on a telephone.

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
    boxes, notes = check_names(boxes, "boxes"), check_names(notes, "notes")
    width = check_number(width, "width", above=0, at_most=100)
    if len(boxes) < 2 or len(notes) > len(boxes):
        raise ValueError(
            f"boxes must hold at least two steps, and notes at most as many; found {len(boxes)} boxes "
            f"and {len(notes)} notes."
        )
    figure = _new_figure(width, 2.0 if notes else 1.6, title)
    room = 0.96 / len(boxes)
    x = 0.02 + room * (np.arange(len(boxes)) + 0.5)
    middle, box, height = (0.56, 0.74 * room, 0.36) if notes else (0.42, 0.74 * room, 0.46)
    for place, words in enumerate(boxes):
        _draw_box(figure, (x[place], middle), (box, height), "normal")
        _write(figure, x[place], middle, words)
        if place:
            start, end = x[place - 1] + box / 2, x[place] - box / 2
            _draw_arrow(figure, (start, middle), (end, middle), head=12)
    for place, words in enumerate(notes):
        _write(figure, x[place], 0.16, words, SMALL_SIZE)
    return figure


def three_way_split(
    train: int,
    validation: int,
    test_normal: int,
    test_anomalies: int,
    tasks: Sequence[str] = ("fit scalers\nand models", "choose the\nthreshold", "one report,\nat the end"),
    title: str = "Three sets of rows, each with one task",
) -> Figure:
    """Draw how rows are divided: normal rows into three sets, and all anomalies into the test set.

    Parameters
    ----------
    train, validation : int
        Numbers of normal rows to train on and to choose the threshold on.
    test_normal, test_anomalies : int
        Numbers of normal rows and of anomalies in the test set.
    tasks : sequence of three str
        What each set is for; a line break starts a new line.
    title : str
        Title.

    Returns
    -------
    matplotlib Figure
        Show it with :func:`aecourse.plots.show`.

    Raises
    ------
    ValueError
        If a number is not a whole number of at least 1, or there are not three tasks.

    Examples
    --------
    >>> from aecourse.plots import diagrams
    >>> figure = diagrams.three_way_split(200, 50, 107, 106)
    >>> [words.get_text() for words in figure.texts[1:3]]
    ['357 normal rows', '106 anomalies']
    """
    names = ("train", "validation", "test_normal", "test_anomalies")
    counts = [
        check_whole(count, name)
        for count, name in zip((train, validation, test_normal, test_anomalies), names, strict=True)
    ]
    tasks = check_names(tasks, "tasks", 3, "sets")
    figure = _new_figure(5.6, 3.4, title)
    top, middle, height = 0.78, 0.42, 0.13
    _draw_box(figure, (0.36, top), (0.56, height), "normal")
    _draw_box(figure, (0.83, top), (0.26, height), "anomaly")
    _write(figure, 0.36, top, f"{sum(counts[:3]):,} normal rows")
    _write(figure, 0.83, top, f"{counts[3]:,} anomalies")
    sets = ((0.17, "training", "normal"), (0.5, "validation", "normal"), (0.83, "test", "anomaly"))
    inside = (
        f"{counts[0]:,}\nnormal",
        f"{counts[1]:,}\nnormal",
        f"{counts[2]:,} normal\n{counts[3]:,} anomalies",
    )
    for (x, name, role), words, task in zip(sets, inside, tasks, strict=True):
        _draw_box(figure, (x, middle), (0.28, 0.19), role)
        _write(figure, x, middle + 0.14, name, weight="bold")
        _write(figure, x, middle, words)
        _draw_arrow(figure, (x, middle - 0.1), (x, 0.24))
        _write(figure, x, 0.15, task, SMALL_SIZE)
    for start, end in ((0.2, 0.17), (0.4, 0.47), (0.58, 0.76), (0.85, 0.85)):
        _draw_arrow(figure, (start, top - height / 2), (end, middle + 0.175))
    return figure


def _draw_box(figure: Figure, centre: tuple[float, float], size: tuple[float, float], role: str) -> None:
    """Draw a box with round corners; one that holds anomalies is hatched at its edge as well."""
    corner = (centre[0] - size[0] / 2, centre[1] - size[1] / 2)
    figure.add_artist(
        FancyBboxPatch(
            corner,
            *size,
            boxstyle="round,pad=0,rounding_size=0.02",
            facecolor=_FACE if role == "normal" else "#fdf1ea",
            edgecolor=PALETTE[role],
            linestyle="-" if role == "normal" else "--",
        )
    )


def _draw_arrow(
    figure: Figure, start: tuple[float, float], end: tuple[float, float], head: float = 11
) -> None:
    arrow = FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=head, color=PALETTE["text"])
    figure.add_artist(arrow)


def _check_points(points: object) -> dict[str, tuple[NDArray[np.float64], list[tuple[int, float]]]]:
    """Return the points of the plane and their cuts by name."""
    if not isinstance(points, Mapping):
        raise ValueError(f"points must be a dict of points and cuts by name; found {type(points).__name__}.")
    if not points:
        raise ValueError("points is empty; pass at least one point and its cuts by name.")
    checked = {}
    for name, each in points.items():
        try:
            given, cuts = each
            pairs = [(column, place) for column, place in cuts]
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"points[{name!r}] must be a point and a list of its cuts, each a column and a place."
            ) from error
        point = check_scores(given, f"points[{name!r}]")
        if point.size != 2:
            raise ValueError(f"points[{name!r}] must be a point of the plane; found {point.size} numbers.")
        for column, _ in pairs:
            if not isinstance(column, (int, np.integer)) or column not in (0, 1):
                raise ValueError(f"points: a cut must name column 0 or 1; found {column!r} for {name!r}.")
        places = [check_number(place, f"points[{name!r}], the place of a cut") for _, place in pairs]
        checked[str(name)] = (
            point,
            [(int(column), place) for (column, _), place in zip(pairs, places, strict=True)],
        )
    return checked


def random_cuts(
    rows: ArrayLike,
    points: Mapping[str, tuple[ArrayLike, Sequence[tuple[int, float]]]],
    title: str = "Random cuts until a point is alone",
) -> Figure:
    """Draw the cuts of an isolation tree around points of the plane, one panel for each point.

    Each cut is a line across the part of the plane that the earlier cuts have left around the point.

    Parameters
    ----------
    rows : array-like of shape (n, 2)
        The rows that the tree was grown on.
    points : dict of str to tuple
        For each panel's name the point, of shape (2,), and its cuts in order: pairs of a column, 0 or 1, and
        the place of the cut in that column.
    title : str
        Title.

    Returns
    -------
    matplotlib Figure
        Show it with :func:`aecourse.plots.show`.

    Raises
    ------
    ValueError
        If rows has not two columns, no point is given, or a cut names another column.

    Examples
    --------
    >>> from aecourse.plots import diagrams
    >>> cuts = [(0, 2.0), (1, 0.5)]
    >>> figure = diagrams.random_cuts([[0, 0], [1, 1], [3, 0]], {"two cuts": ((3, 0), cuts)})
    >>> figure.axes[0].get_title()
    'two cuts'
    """
    rows = check_rows(rows, "rows", n_features=2)
    checked = _check_points(points)
    figure, axes = plt.subplots(
        len(checked), 1, figsize=(5.2, 3.4 * len(checked)), dpi=100, layout="constrained", squeeze=False
    )
    figure.suptitle(title, fontsize=TITLE_SIZE, color=PALETTE["text"])
    ends = np.column_stack([rows.min(axis=0), rows.max(axis=0)])
    for ax, (name, (point, cuts)) in zip(axes.flat, checked.items(), strict=True):
        box = np.column_stack([np.minimum(ends[:, 0], point), np.maximum(ends[:, 1], point)])
        box += 0.05 * np.ptp(box, axis=1)[:, None] * [-1, 1]
        ax.set(xlim=box[0], ylim=box[1])
        for column, place in cuts:
            across = box[1 - column]
            line = ([place, place], across) if column == 0 else (across, [place, place])
            ax.plot(*line, color=PALETTE["threshold"], linewidth=1.1, label="cut")
            box[column, 0 if place <= point[column] else 1] = place
        ax.plot(*rows.T, "o", color=PALETTE["normal"], markersize=3, label="rows")
        ax.plot(*point, "X", color=PALETTE["anomaly"], markersize=9, label="the point")
        dress(ax, name, "x (no unit)", "y (no unit)", grid=None)
    return figure


def sliding_windows(
    n_points: int,
    size: int,
    train: Sequence[int],
    validation: Sequence[int],
    title: str = "Windows, and the gap between training and validation",
) -> Figure:
    """Draw a short series as a row of points and, below it, its windows with a stride of one.

    Parameters
    ----------
    n_points : int
        Points of the series.
    size : int
        Points of a window.
    train, validation : sequence of int
        Numbers of the windows of each part; the others are left out.
    title : str
        Title.

    Returns
    -------
    matplotlib Figure
        Show it with :func:`aecourse.plots.show`.

    Raises
    ------
    ValueError
        If no window fits into the series.

    Examples
    --------
    >>> from aecourse.plots import diagrams
    >>> figure = diagrams.sliding_windows(12, 3, train=range(5), validation=range(7, 10))
    >>> [words.get_text() for words in figure.texts[1:4]]  # after the title
    ['0', '1', '2']
    """
    n_points, size = check_whole(n_points, "n_points", 1, 1000), check_whole(size, "size")
    train, validation = _check_wholes(train, "train", 0), _check_wholes(validation, "validation", 0)
    n_windows = n_points - size + 1
    if n_windows < 1:
        raise ValueError(f"size must be at most the {n_points} points of the series; found {size}.")
    figure = _new_figure(7.2, 1.2 + 0.24 * n_windows, title)
    step, row = 0.72 / n_points, 0.72 / n_windows
    for point in range(n_points):
        _write(figure, 0.03 + step * (point + 0.5), 0.84, str(point), SMALL_SIZE)
    for window in range(n_windows):
        part = "train" if window in train else "validate" if window in validation else "left out"
        role = {"train": "normal", "validate": "anomaly", "left out": "reference"}[part]
        left, middle = 0.03 + step * window, 0.79 - row * (window + 0.5)
        right, low, high = left + step * size, middle - 0.36 * row, middle + 0.36 * row
        corners = [(left, low), (right, low), (right, high), (left, high)]
        style = ":" if part == "left out" else "-"
        face = "none" if part == "left out" else PALETTE[role]
        figure.add_artist(Polygon(corners, facecolor=face, edgecolor=PALETTE[role], linestyle=style))
        _write(figure, 0.88, middle, f"window {window}: {part}", SMALL_SIZE)
    return figure

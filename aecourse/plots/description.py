"""Figures in words: what was drawn, said in a sentence, for readers who cannot see it."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, TypeAlias

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.category import StrCategoryLocator
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.container import BarContainer, ErrorbarContainer
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure
from matplotlib.lines import AxLine
from matplotlib.ticker import FixedLocator

from aecourse._support.wording import counted
from aecourse.plots.pictures import small_png, svg
from aecourse.plots.style import AxesGrid

#: A figure, or Axes that stand for their whole figure.
FigureOrAxes: TypeAlias = Figure | Axes | AxesGrid


def name_artist(artist: Any, name: str, kind: str = "") -> None:
    """Give an artist a name for its description, without the computed numbers of its label.

    A ``kind`` replaces the count of points if that depends on ties between scores.
    """
    artist.set_gid(f"aecourse|{kind}|{name}")


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def _kind_and_name(artist: Any, label: object = None) -> tuple[str, str]:
    """Return the kind and name given by ``name_artist``, else the label that a legend would show."""
    gid = artist.get_gid() or ""
    if gid.startswith("aecourse|"):
        _, kind, name = gid.split("|", 2)
        return kind, name
    label = str(artist.get_label() if label is None else label)
    return "", "" if label.startswith("_") else _one_line(label)


def _phrase(what: str, name: str | None) -> str:
    return f"{what} '{name}'" if name else what


def _describe_line(line: Any) -> str:
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
        return _phrase(counted(len(x), "point"), name)
    return _phrase(f"line through {counted(len(x), 'point')}", name)


def _describe_collection(collection: Any) -> str:
    kind, name = _kind_and_name(collection)
    if kind:
        return _phrase(kind, name)
    if isinstance(collection, PathCollection):
        return _phrase(counted(len(np.asarray(collection.get_offsets())), "point"), name)
    if isinstance(collection, LineCollection):
        return _phrase(counted(len(collection.get_segments()), "line segment"), name)
    if isinstance(collection, ContourSet):
        return _phrase("filled contours" if collection.filled else "contour lines", name)
    return _phrase("shaded area", name)


def _describe_artists(ax: Axes) -> Iterator[str]:
    """Yield a phrase for each thing drawn on the Axes."""
    in_containers: set[int] = set()
    for container in ax.containers:
        parts: list[Any] = container.get_children()
        in_containers.update(map(id, parts))
        if isinstance(container, BarContainer) and parts:
            _, name = _kind_and_name(parts[0], container.get_label())
            yield _phrase(counted(len(parts), "bar"), name)
        elif isinstance(container, ErrorbarContainer):
            points = counted(
                len(parts[0].get_xdata()), "point with its interval", "points with their intervals"
            )
            yield _phrase(points, container.get_label())
    yield from (_describe_line(line) for line in ax.get_lines() if id(line) not in in_containers)
    yield from (_describe_collection(each) for each in ax.collections if id(each) not in in_containers)
    for patch in ax.patches:
        if id(patch) not in in_containers:
            yield _phrase("shape", _kind_and_name(patch)[1])
    for image in ax.images:
        height, width = _image_shape(image)
        yield _phrase(f"{height} by {width} coloured cells", _kind_and_name(image)[1])


def _image_shape(image: Any) -> tuple[int, int]:
    return image.get_array().shape[:2]


def _describe_axis(axis: Any) -> str:
    words = _one_line(axis.get_label().get_text())
    if axis.get_scale() == "log":
        words += " (logarithmic)"
    if isinstance(axis.get_major_locator(), (FixedLocator, StrCategoryLocator)):
        ticks = [_one_line(tick.get_text()) for tick in axis.get_ticklabels()]
        if any(ticks):
            words += f" [{'; '.join(tick for tick in ticks if tick)}]"
    return words.strip()


def _title(ax: Axes) -> str:
    titles = [_one_line(ax.get_title(loc)) for loc in ("left", "center", "right")]
    return " ".join(title for title in titles if title)


def _is_image_panel(ax: Axes) -> bool:
    """Return whether Axes hold an image without a coordinate system, such as a digit."""
    return bool(ax.images) and not (ax.get_xticks().size or ax.get_yticks().size)


def _describe_panel(ax: Axes, numbers: bool) -> str:
    words = [f"{_title(ax)}."] if _title(ax) else []
    axes = {"x": _describe_axis(ax.xaxis), "y": _describe_axis(ax.yaxis)}
    if any(axes.values()):
        words.append("; ".join(f"{name} axis: {label}" for name, label in axes.items() if label) + ".")
    words.append(f"Drawn: {'; '.join(_describe_artists(ax)) or 'nothing'}.")
    if numbers:
        legend = [_one_line(text) for text in ax.get_legend_handles_labels()[1]]
        texts = [_one_line(text.get_text()) for text in ax.texts]
        if legend:
            words.append(f"Legend: {'; '.join(legend)}.")
        if any(texts):
            words.append(f"Texts: {'; '.join(text for text in texts if text)}.")
    return " ".join(words)


def _describe_images(panels: list[Axes]) -> str:
    """Describe all images of a grid at once, by their number, size and words."""
    shapes = Counter(_image_shape(image) for ax in panels for image in ax.images)
    groups = [
        f"{counted(number, 'image')} of {height} by {width} pixels"
        for (height, width), number in shapes.items()
    ]
    words = [f"Drawn: {'; '.join(groups)}."]
    rows = [_one_line(ax.get_ylabel()) for ax in panels if ax.get_ylabel()]
    titles = [_title(ax) for ax in panels if _title(ax)]
    if rows:
        words.append(f"Lines, from the top: {', '.join(rows)}.")
    if titles:
        words.append(f"Titles: {', '.join(titles)}.")
    return " ".join(words)


def whole_figure(fig_or_ax: FigureOrAxes) -> Figure:
    """Return the figure of a figure, of Axes or of an array of Axes."""
    if isinstance(fig_or_ax, (np.ndarray, list, tuple)):
        fig_or_ax = np.asarray(fig_or_ax, dtype=object).flat[0]
    figure: Any = fig_or_ax if hasattr(fig_or_ax, "savefig") else getattr(fig_or_ax, "figure", None)
    while figure is not None and not hasattr(figure, "savefig"):
        figure = figure.figure  # from a subfigure to the whole
    if figure is None:
        raise ValueError(f"fig_or_ax must be a figure or Axes; found {type(fig_or_ax).__name__}.")
    return figure


def _colour_scales(figure: Figure) -> list[Axes]:
    """Return the Axes of the figure's colour bars."""
    mappables = [each for ax in figure.axes for each in (*ax.images, *ax.collections)]
    return [each.colorbar.ax for each in mappables if each.colorbar is not None]


def describe(fig_or_ax: FigureOrAxes, numbers: bool = False) -> str:
    """Describe in words what a figure shows, from what is really drawn on it.

    The text contains titles, axes with their labels and names of ticks, and what is drawn, with
    its number of points, bars or images. It leaves out computed numbers, such as a threshold in
    a legend, so that it is the same on every processor.

    Parameters
    ----------
    fig_or_ax : matplotlib Figure, Axes or array of Axes
        What to describe; Axes stand for their whole figure.
    numbers : bool
        Whether to add the legends and texts as they are drawn, with their computed numbers.

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
    figure = whole_figure(fig_or_ax)
    scales = _colour_scales(figure)
    axes = [ax for ax in figure.axes if ax.get_visible() and ax.has_data() and ax not in scales]
    images = [ax for ax in axes if _is_image_panel(ax)]
    panels = [ax for ax in axes if ax not in images]
    words = [f"{_one_line(figure.get_suptitle())}."] if figure.get_suptitle() else []
    for name, label in (("x", figure.get_supxlabel()), ("y", figure.get_supylabel())):
        if label:
            words.append(f"{name} axis of all panels: {_one_line(label)}.")
    for place, ax in enumerate(panels, start=1):
        start = f"Panel {place} of {len(panels)}: " if len(panels) > 1 else ""
        words.append(start + _describe_panel(ax, numbers))
    if images:
        words.append(_describe_images(images))
    for scale in scales:
        label = _one_line(scale.get_ylabel() or scale.get_xlabel())
        if label:
            words.append(f"Colour scale: {label}.")
    return " ".join(words) or "An empty figure."


def missing_words(figure: Figure) -> list[str]:
    """Return what the figure lacks in words: titles, labels of axes and of colour scales."""
    scales = _colour_scales(figure)
    titled = {tuple(ax.get_position().bounds) for ax in figure.axes if _title(ax)}  # twins share a place
    missing = []
    for place, ax in enumerate(figure.axes, start=1):
        if not ax.get_visible() or not ax.has_data():
            continue
        which = f"Axes {place}" + (f" ({_title(ax)!r})" if _title(ax) else "")
        if ax in scales:
            if not (ax.get_ylabel() or ax.get_xlabel()):
                missing.append(f"{which}, a colour scale, has no label")
            continue
        if not (figure.get_suptitle() or tuple(ax.get_position().bounds) in titled):
            missing.append(f"{which} has no title")
        if not _is_image_panel(ax):
            missing += [f"{which} has no {name} label" for name in "xy" if not _has_label(figure, ax, name)]
    return missing


def _has_label(figure: Figure, ax: Axes, name: str) -> bool:
    """Return whether an axis has a label: that of the figure, its own, or that of Axes that share it."""
    siblings = getattr(ax, f"get_shared_{name}_axes")().get_siblings(ax)
    labels = [
        getattr(figure, f"get_sup{name}label")(),
        *(getattr(each, f"get_{name}label")() for each in siblings),
    ]
    return any(labels)


def show(fig_or_ax: FigureOrAxes, text: str) -> None:
    """Show a figure in a notebook, with words for readers who cannot see it, and close it.

    The output contains the figure as vectors, sharp on any screen, and as PNG for places that show no
    vectors, such as a notebook that is not trusted or a page of feedback. As plain text, and as the
    picture's alternative text, it contains your sentence followed by :func:`describe`. A comparison
    of stored with new outputs compares the words, not the picture. Outside of Jupyter the words are
    printed.

    Parameters
    ----------
    fig_or_ax : matplotlib Figure, Axes or array of Axes
        What to show; Axes stand for their whole figure.
    text : str
        A sentence, of at least 20 characters, on what the figure shows.

    Raises
    ------
    ValueError
        If the sentence is missing, or if Axes with data lack a title or the label of an axis;
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
            "text must be a sentence of at least 20 characters that says what the figure shows; "
            f"found {text!r}."
        )
    figure = whole_figure(fig_or_ax)
    missing = missing_words(figure)
    if missing:
        raise ValueError(f"fig_or_ax: {'; '.join(missing)}. Set them with ax.set(title=, xlabel=, ylabel=).")
    from IPython import get_ipython
    from IPython.display import display

    description = f"{_one_line(text)} {describe(figure)}"
    if get_ipython() is None:  # a plain script cannot show a picture
        plt.close(figure)
        print(description)
        return
    pictures = {"image/png": small_png(figure), "image/svg+xml": svg(figure, description)}
    plt.close(figure)
    display(
        {**pictures, "text/plain": description},
        metadata={kind: {"alt": description} for kind in pictures},
        raw=True,
    )

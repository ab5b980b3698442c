"""The plots: what is drawn is what was passed in, in words and colours that everybody can use."""

import base64
import functools
import inspect
import io
import itertools
import os
import re
import subprocess
import sys
import traceback
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex, to_rgb
from nbconvert import HTMLExporter
from PIL import Image
from sklearn.decomposition import PCA
from sklearn.metrics import average_precision_score, roc_auc_score
from traitlets.config import Config

from aecourse import evaluation, plots
from aecourse.plots import style
from aecourse.plots.description import missing_words, whole_figure
from aecourse.plots.pictures import MANY_POINTS, small_png, svg

RNG = np.random.default_rng(0)
NORMAL = RNG.gamma(4, 0.005, 200)
ANOMALY = RNG.gamma(6, 0.012, 60)
Y = np.repeat([0, 1], [200, 60])[RNG.permutation(260)]
SCORE = np.empty(260)
SCORE[Y == 0], SCORE[Y == 1] = NORMAL, ANOMALY
IMAGES = RNG.random((6, 8, 5))
POINTS = RNG.normal(size=(40, 4))


class Box:
    """A detector of rows outside the unit square around 0."""

    def predict(self, X):
        return np.where(np.abs(X).max(axis=1) > 1, -1, 1)


class Never:
    """A detector that flags nothing."""

    def predict(self, X):
        return np.ones(len(X), dtype=int)


@functools.cache
def group_table():
    return evaluation.by_group(Y, SCORE, np.where(Y, np.arange(260) % 3, 9), n_resamples=50)


@functools.cache
def comparison_table():
    noisy = SCORE + 0.02 * np.sin(np.arange(260))
    return evaluation.compare(Y, {"autoencoder, deep": SCORE, "k-NN": noisy}, n_resamples=50)


# Every public function that draws on one Axes, and every one that draws a grid.
SINGLE = {
    "loss_curves": lambda ax=None: plots.loss_curves({"loss": [3, 2, 1], "val_loss": [4, 3, 2]}, ax=ax),
    "score_histogram": lambda ax=None: plots.score_histogram(NORMAL, ANOMALY, 0.04, ax=ax),
    "error_scatter": lambda ax=None: plots.error_scatter(Y, SCORE, 0.04, ax=ax),
    "roc": lambda ax=None: plots.roc(Y, {"mine": SCORE}, ax=ax, thresholds={"mine": 0.04}),
    "precision_recall": lambda ax=None: plots.precision_recall(Y, {"mine": SCORE}, ax=ax),
    "confusion": lambda ax=None: plots.confusion(Y, SCORE, 0.04, ax=ax),
    "detector_comparison": lambda ax=None: plots.detector_comparison(
        comparison_table(), ax=ax, reference={"ceiling": 0.99}
    ),
    "auroc_by_group": lambda ax=None: plots.auroc_by_group(group_table(), ax=ax, overall=0.9),
    "sweep": lambda ax=None: plots.sweep(
        [1, 2], [3, 4], [2, 3], [4, 5], ax=ax, xlabel="x (m)", ylabel="y (s)"
    ),
    "timing_bars": lambda ax=None: plots.timing_bars({"fit": 2.0, "loop": 0.5}, ax=ax, baseline="fit"),
    "latent_space": lambda ax=None: plots.latent_space(POINTS, np.arange(40) % 3, ax=ax),
    "feature_errors_bar": lambda ax=None: plots.feature_errors_bar(
        [1, 3, 2], list("abc"), ax=ax, typical=[1, 1, 1]
    ),
}
GRID = {
    "reconstructions": (lambda ax=None: plots.reconstructions(IMAGES, 1 - IMAGES, n=4, ax=ax), (3, 4)),
    "image_grid": (lambda ax=None: plots.image_grid(IMAGES, list("abcdef"), columns=4, ax=ax), (2, 4)),
    "decision_regions": (
        lambda ax=None: plots.decision_regions(
            {"box": Box(), "never": Never(), "again": Box()},
            POINTS[:, :2],
            columns=2,
            resolution=20,
            ax=ax,
        ),
        (2, 2),
    ),
    "pairwise": (
        lambda ax=None: plots.pairwise(POINTS, list("abcd"), POINTS[:, 0] > 1, ax=ax, columns=4),
        (2, 4),
    ),
}
ALL = {**SINGLE, **{name: draw for name, (draw, _) in GRID.items()}}


@pytest.fixture(autouse=True)
def _closed_figures():
    yield
    plt.close("all")


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def heights(ax, place):
    return [bar.get_height() for bar in ax.containers[place]]


# --- What is refused, and how ------------------------------------------------------------------

# A right call of every chart and every diagram: all its arguments, by name.
ARGUMENTS = {
    "loss_curves": {"history": {"loss": [3, 2], "val_loss": [4, 3]}, "metric": "loss"},
    "score_histogram": {
        "scores_normal": NORMAL,
        "scores_anomaly": ANOMALY,
        "threshold": 0.04,
        "bins": 5,
        "range": (0, 1),
        "names": ("a", "b"),
    },
    "error_scatter": {"y": Y, "score": SCORE, "threshold": {"a": 0.1}},
    "roc": {"y": Y, "scores": {"mine": SCORE}, "thresholds": {"mine": 0.04}},
    "precision_recall": {"y": Y, "scores": SCORE},
    "confusion": {"y": Y, "score": SCORE, "threshold": 0.04},
    "detector_comparison": {
        "table": pd.DataFrame({"AP": [1], "AP low": [0], "AP high": [1]}),
        "metric": "AP",
    },
    "auroc_by_group": {"table": pd.DataFrame({"AUROC": [1]}), "overall": 0.5},
    "sweep": {"x": [1, 2], "y": [3, 4], "low": [2, 3], "high": [4, 5], "xlabel": "x", "ylabel": "y"},
    "timing_bars": {"seconds": {"fit": 2.0, "loop": 0.5}, "baseline": "fit"},
    "latent_space": {"codes": POINTS[:5], "labels": list("aabbb")},
    "feature_errors_bar": {"errors_row": [1, 3], "feature_names": ["a", "b"], "top": 2, "typical": [1, 1]},
    "image_grid": {"images": IMAGES[:2], "titles": ["a", "b"], "columns": 2, "value_range": (0, 1)},
    "reconstructions": {"originals": IMAGES[:2], "rebuilt": IMAGES[:2], "image_shape": (8, 5), "n": 1},
    "decision_regions": {
        "detectors": {"box": Box()},
        "X": POINTS[:5, :2],
        "xlim": (0, 1),
        "ylim": (0, 1),
        "y": [0, 0, 0, 1, 1],
        "columns": 1,
        "resolution": 5,
        "feature_names": ("a", "b"),
    },
    "pairwise": {
        "X": POINTS[:5, :2],
        "feature_names": ["a", "b"],
        "flagged": [0, 0, 0, 0, 1],
        "labels": list("aabbb"),
    },
    "diagrams.autoencoder": {"widths": [4, 2, 4]},
    "diagrams.steps": {"boxes": ["a", "b"], "title": "t", "notes": ["c"]},
    "diagrams.three_way_split": {"train": 1, "validation": 1, "test_normal": 1, "test_anomalies": 1},
    "diagrams.random_cuts": {"rows": [[0, 0], [1, 1]], "points": {"a": ((1, 1), [(0, 0.5)])}},
    "diagrams.sliding_windows": {"n_points": 5, "size": 2, "train": [0], "validation": [2]},
}
WORDS = {"title", "unit", "ylabel", "xlabel", "group_name"}  # of any kind: they are only written
WRONG = {
    "a text": "scores",
    "None": None,
    "ragged": [[1.0], [1.0, 2.0]],
    "NaN": [np.nan, 1.0],
    "a NaN": np.nan,
    "another length": np.arange(99.0),
    "three-dimensional": np.zeros((2, 2, 2)),
    "texts": ["a", "b", "c"],
    "empty": [],
    "an empty array": np.zeros((0, 2)),
    "an object": object(),
    "objects": [object(), None],
    "a dict of texts": {"a": "b"},
    "a dict of ragged lists": {"a": [[1.0], [1.0, 2.0]]},
    "a negative number": -1,
    "a fraction": 2.5,
    "complex": 1j,
    "a dict of None": {"mine": None},
}


def drawing(name):
    return functools.reduce(getattr, name.split("."), plots)


def test_every_chart_and_every_diagram_is_in_the_sweep():
    diagrams = {f"diagrams.{name}" for name in plots.diagrams.__all__}
    assert set(ARGUMENTS) == set(ALL) | diagrams
    for name, arguments in ARGUMENTS.items():
        drawing(name)(**arguments)
        plt.close("all")


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("name", ARGUMENTS)
def test_a_wrong_argument_is_refused_by_its_name(name, wrong):
    """A value of any kind is drawn, or refused by us and with the argument's name."""
    draw = drawing(name)
    for argument in set(inspect.signature(draw).parameters) - WORDS:
        try:
            draw(**ARGUMENTS[name] | {argument: WRONG[wrong]})
        except (ValueError, TypeError) as error:
            place = traceback.extract_tb(error.__traceback__)[-1].filename
            assert os.sep + "aecourse" + os.sep in place, f"{argument}: {error!r} is raised in {place}"
            assert re.search(rf"\b{argument}\b", str(error)), f"{argument}: {error!r} does not name it"
        plt.close("all")


# --- Colours -----------------------------------------------------------------------------------

# Machado, Oliveira, Fernandes 2009: complete protanopia and deuteranopia, on linear RGB.
SIGHT = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
}


def linear(colour):
    rgb = np.array(to_rgb(colour))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def contrast(one, other):
    """WCAG 2.2's contrast ratio, from 1 to 21."""
    low, high = sorted(linear(colour) @ [0.2126, 0.7152, 0.0722] for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def lab(rgb):
    """CIELAB of linear sRGB under D65."""
    xyz = (
        np.array(
            [
                [0.4124564, 0.3575761, 0.1804375],
                [0.2126729, 0.7151522, 0.0721750],
                [0.0193339, 0.1191920, 0.9503041],
            ]
        )
        @ np.clip(rgb, 0, 1)
        / [0.95047, 1, 1.08883]
    )
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def distance(one, other, sight):
    return np.linalg.norm(lab(SIGHT[sight] @ linear(one)) - lab(SIGHT[sight] @ linear(other)))


def test_contrast_is_that_of_the_guidelines():
    assert contrast("black", "white") == pytest.approx(21)
    assert contrast("#777777", "white") == pytest.approx(4.48, abs=0.01)  # the guidelines' own example
    assert distance("red", "#00a000", "normal") > 3 * distance("red", "#00a000", "deuteranopia")


def test_colours_stand_out_from_the_white_ground():
    graphical = [plots.PALETTE[role] for role in ("normal", "anomaly", "threshold", "reference", "axis")]
    for colour in graphical + [colour for colour, _, _ in plots.SERIES] + [*style.CLASS_COLOURS]:
        assert contrast(colour, "white") >= 3, colour
    assert contrast(plots.PALETTE["text"], "white") >= 4.5
    assert contrast(plots.PALETTE["text"], style.FLAGGED) >= 4.5


@pytest.mark.parametrize("sight", SIGHT)
def test_colours_stay_apart_under_colour_blindness(sight):
    roles = [plots.PALETTE[role] for role in ("normal", "anomaly", "threshold")]
    assert min(distance(*pair, sight) for pair in itertools.combinations(roles, 2)) > 40
    series = [colour for colour, _, _ in plots.SERIES]
    assert min(distance(*pair, sight) for pair in itertools.combinations(series, 2)) > 15


def test_colour_is_never_the_only_cue():
    assert len({marker for _, marker, _ in plots.SERIES}) == len(plots.SERIES)
    assert len({str(line) for _, _, line in plots.SERIES}) == len(plots.SERIES)
    assert len({style.series_style(place)[:2] for place in range(15)}) == 15
    ax = plots.score_histogram(NORMAL, ANOMALY, 0.04)
    hatches = [container[0].get_hatch() for container in ax.containers]
    assert hatches[0] is None and hatches[1]
    points = plots.error_scatter(Y, SCORE).collections
    assert not np.array_equal(points[0].get_paths()[0].vertices, points[1].get_paths()[0].vertices)


def test_palette_cannot_be_changed_by_accident():
    with pytest.raises(TypeError):
        plots.PALETTE["normal"] = "red"


def test_confusion_is_readable_at_every_share():
    ax = plots.confusion(Y, SCORE, 0.04)
    assert len(ax.texts) == 4
    for share in np.linspace(0, 1, 21):
        for text in ax.texts:
            assert contrast(text.get_color(), to_hex(ax.images[0].to_rgba(share))) >= 4.5


# --- Conventions that all plots keep -----------------------------------------------------------


def test_every_public_function_that_draws_is_tested_here():
    drawing = set(plots.__all__) - {"PALETTE", "SERIES", "describe", "diagrams", "show"}
    assert drawing == set(ALL)


@pytest.mark.parametrize("name", SINGLE)
def test_a_plot_draws_on_the_axes_it_is_given(name):
    figure, (left, right) = plt.subplots(1, 2)
    assert SINGLE[name](right) is right
    assert right.has_data() and not left.has_data()
    assert plt.get_fignums() == [figure.number]


@pytest.mark.parametrize("name", GRID)
def test_a_grid_draws_on_the_axes_it_is_given(name):
    draw, shape = GRID[name]
    figure, axes = plt.subplots(*shape)
    drawn = draw(axes.ravel())
    assert drawn.shape == shape and drawn[0, 0] is axes[0, 0] and drawn[-1, -1] is axes[-1, -1]
    assert plt.get_fignums() == [figure.number]
    assert draw().shape == shape
    with pytest.raises(ValueError, match=f"ax must hold {shape[0]} x {shape[1]} Axes .* found 1"):
        draw(figure.axes[0])


def words_on(figure):
    """Return every text of a figure that is not a tick: titles, labels, legends, annotations."""
    found = [figure._suptitle] if figure._suptitle is not None else []
    for ax in figure.axes:
        found += [ax.title, ax.xaxis.label, ax.yaxis.label, *ax.texts]
        found += ax.get_legend().get_texts() if ax.get_legend() else []
    return [text for text in found if text.get_text().strip()]


@pytest.mark.parametrize("name", ALL)
def test_every_plot_is_complete_readable_small_and_not_clipped(name):
    before = dict(matplotlib.rcParams)
    figure = whole_figure(ALL[name]())
    assert missing_words(figure) == []
    assert 1_000 < len(small_png(figure)) < 60_000
    assert dict(matplotlib.rcParams) == before
    texts = words_on(figure)
    assert texts
    for text in texts:
        box = text.get_window_extent()
        assert box.x0 >= -1 and box.x1 <= figure.bbox.x1 + 1, text
        assert box.y0 >= -1 and box.y1 <= figure.bbox.y1 + 1, text
    boxes = [text.get_window_extent() for text in texts]
    for (one, a), (other, b) in itertools.combinations(zip(texts, boxes, strict=True), 2):
        apart = a.x1 <= b.x0 + 1 or b.x1 <= a.x0 + 1 or a.y1 <= b.y0 + 1 or b.y1 <= a.y0 + 1
        assert apart, (one, other)
    ticks = [tick for ax in figure.axes for tick in (*ax.get_xticklabels(), *ax.get_yticklabels())]
    for text in texts + ticks:
        assert contrast(text.get_color(), "white") >= 4.5, text
        assert text.get_fontsize() >= 8, text


def test_few_colours_change_no_pixel_visibly():
    figure = whole_figure(plots.reconstructions(IMAGES, 1 - IMAGES))
    figure.canvas.draw()  # the first layout may differ from the next by a pixel
    exact = io.BytesIO()
    figure.savefig(exact, format="png", facecolor="white")
    before, after = (
        np.asarray(Image.open(picture).convert("RGB")).astype(int)
        for picture in (exact, io.BytesIO(small_png(figure)))
    )
    assert np.abs(before - after).max() <= 6  # of 255
    assert len(small_png(figure)) < 0.8 * exact.getbuffer().nbytes


def test_a_crowded_scatter_stays_small():
    scores = RNG.gamma(4, 0.01, 20_000)
    ax = plots.error_scatter(np.arange(20_000) % 100 == 0, scores, 0.1)
    assert len(small_png(ax.figure)) < 60_000
    drawing = svg(ax.figure, "")
    assert len(drawing) < 200_000
    assert drawing.count("<image ") == 1  # the normal rows; there are fewer anomalies than MANY_POINTS
    assert len(points_of(drawing)) == 200


def points_of(drawing):
    """Return the places of the points in a figure's SVG: of the longest line that stands for points."""
    lines = re.findall(r"<path d='M([^']*)' style='fill:none;marker:", drawing)
    longest = max(lines, key=len)
    return np.array([place.split() for place in longest.split("L")], float)


# --- Vectors -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
def test_a_figure_as_vectors_is_the_same_every_time_and_small(name):
    before = dict(matplotlib.rcParams)
    drawing, again = (svg(whole_figure(ALL[name]()), "A < B & 'C'") for _ in range(2))
    assert drawing == again
    assert dict(matplotlib.rcParams) == before
    assert len(drawing) < 80_000 and "\n" not in drawing
    root = ElementTree.fromstring(drawing)
    assert root.find("{*}title").text == "A < B & 'C'"
    # Nothing that another host must send, and nothing that differs from run to run.
    assert set(re.findall(r"[a-z]+://[^'\"<> ]*", drawing)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"DOCTYPE|metadata|<text|20\d\d-\d\d|matplotlib", drawing, re.IGNORECASE)
    used = set(re.findall(r"(?:href='#|url\(#)([^')]+)", drawing))
    assert used == used & {each.get("id") for each in root.iter()}


def test_points_stay_where_they_are():
    rows = np.sort(RNG.random(300))
    figure = whole_figure(plots.error_scatter(np.arange(300) % 10 == 0, rows, threshold=0.5))
    figure.canvas.draw()
    kept = points_of(svg(figure, ""))  # of the normal rows
    shown = figure.axes[0].collections[0]
    exact = figure.axes[0].transData.transform(shown.get_offsets()) * 72 / figure.dpi
    assert kept.shape == exact.shape == (270, 2)
    moved = np.abs(np.column_stack([kept[:, 0], figure.get_figheight() * 72 - kept[:, 1]]) - exact)
    assert moved.max() < 0.05  # of a point, which is a 72nd of an inch


@pytest.mark.parametrize(("n", "images"), [(MANY_POINTS, 0), (MANY_POINTS + 1, 1)])
def test_a_crowd_of_points_becomes_pixels(n, images):
    figure, ax = plt.subplots()
    ax.scatter(np.arange(n), np.arange(n))
    assert svg(figure, "").count("<image ") == images


def test_an_image_keeps_its_own_pixels():
    figure = whole_figure(plots.image_grid(IMAGES[:1], titles=["one"]))
    drawing = svg(figure, "")
    (data,) = re.findall(r"data:image/png;base64,([^']+)", drawing)
    with Image.open(io.BytesIO(base64.b64decode(data))) as picture:
        assert picture.size == (5, 8)
    assert "image-rendering:pixelated" in drawing  # enlarged without blur


def test_import_changes_no_settings_and_does_not_load_tensorflow():
    code = (
        "import sys, matplotlib\n"
        "before = dict(matplotlib.rcParams)\n"
        "from aecourse import plots\n"
        "plots.PALETTE\n"
        "after = dict(matplotlib.rcParams)\n"
        "print({key for key in before if before[key] != after[key]}, 'tensorflow' in sys.modules)\n"
    )
    environment = {**os.environ, "MPLBACKEND": "Agg"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout == "set() False\n"


# --- Training and scores -----------------------------------------------------------------------


def test_loss_curves():
    class History:
        history = {"loss": [3.0, 2.0, 1.0], "val_loss": [4.0, 3.0, 2.0], "mae": [1.0, 0.5, 0.2]}

    ax = plots.loss_curves(History(), reference={"predicting zero": 2.5}, log=True, title="T", ylabel="mse")
    training, validation, zero = ax.get_lines()
    assert training.get_xdata().tolist() == validation.get_xdata().tolist() == [1, 2, 3]
    assert training.get_ydata().tolist() == [3, 2, 1] and validation.get_ydata().tolist() == [4, 3, 2]
    assert list(zero.get_ydata()) == [2.5, 2.5]
    assert legend(ax) == ["training", "validation", "predicting zero (2.5)"]
    assert (ax.get_title(), ax.get_xlabel(), ax.get_ylabel(), ax.get_yscale()) == ("T", "Epoch", "mse", "log")
    other = plots.loss_curves(History.history, metric="mae")
    assert [line.get_ydata().tolist() for line in other.get_lines()] == [[1.0, 0.5, 0.2]]
    for bad in ({"val_loss": [1]}, {"loss": []}):
        with pytest.raises(ValueError, match="history has no epochs of 'loss'"):
            plots.loss_curves(bad)


def test_score_histogram_counts():
    ax = plots.score_histogram(NORMAL, ANOMALY, 0.04, bins=12, unit="pixels", names=("zeros", "ones"))
    edges = np.histogram_bin_edges(np.r_[NORMAL, ANOMALY], 12)
    assert heights(ax, 0) == np.histogram(NORMAL, edges)[0].tolist()
    assert heights(ax, 1) == np.histogram(ANOMALY, edges)[0].tolist()
    assert [bar.get_x() for bar in ax.containers[0]] == pytest.approx(edges[:-1])
    assert [line.get_xdata()[0] for line in ax.get_lines()] == [0.04]
    assert legend(ax) == ["zeros, 200 rows", "ones, 60 rows", "threshold (0.04)"]
    assert ax.get_xlabel() == "Anomaly score (pixels)" and ax.get_ylabel() == "Rows per bin"


def test_score_histogram_range_is_kept_and_what_lies_outside_is_counted():
    scores = [0.0, 0.01, 0.02, 0.5, 0.9]
    ax = plots.score_histogram(scores, range=(0, 0.15), bins=30)
    assert len(ax.containers[0]) == 30 and sum(heights(ax, 0)) == 3
    assert ax.get_xlim() == (0, 0.15)
    assert legend(ax) == ["normal, 5 rows\n(2 outside the range)"]


def test_score_histogram_share_log_and_several_thresholds():
    rules = {"percentile": 0.03, "conformal": 0.05}
    ax = plots.score_histogram(NORMAL, ANOMALY, rules, share=True, log=True)
    assert sum(heights(ax, 0)) == pytest.approx(100) and sum(heights(ax, 1)) == pytest.approx(100)
    assert ax.get_yscale() == "log" and ax.get_ylabel() == "Share of the class (%)"
    assert [line.get_xdata()[0] for line in ax.get_lines()] == [0.03, 0.05]
    assert len({str(line.get_linestyle()) for line in ax.get_lines()}) == 2
    assert legend(ax)[2:] == ["percentile (0.03)", "conformal (0.05)"]
    with pytest.raises(ValueError, match="scores_anomaly holds 1 NaN"):
        plots.score_histogram(NORMAL, [np.nan])


def test_error_scatter_draws_each_row_at_its_own_index():
    ax = plots.error_scatter(Y, SCORE, {"rule": 0.04}, log=True)
    normal, anomaly = ax.collections
    for label, points in ((0, normal), (1, anomaly)):
        x, y = points.get_offsets().T
        assert x.tolist() == np.flatnonzero(Y == label).tolist() and y.tolist() == SCORE[Y == label].tolist()
    assert list(ax.get_lines()[0].get_ydata()) == [0.04, 0.04]
    assert legend(ax) == ["normal, 200 rows", "anomaly, 60 rows", "rule (0.04)"]
    assert ax.get_yscale() == "log"
    assert len(plots.error_scatter(np.zeros(5, int), SCORE[:5]).collections) == 1
    with pytest.raises(ValueError, match="y has 3 labels for 260 rows"):
        plots.error_scatter([0, 1, 0], SCORE)


# --- Evaluation --------------------------------------------------------------------------------


def test_roc_area_points_and_thresholds():
    other = SCORE[::-1].copy()
    ax = plots.roc(Y, {"mine": SCORE, "other": other}, thresholds={"mine": 0.04})
    mine, point, second, chance = ax.get_lines()
    assert np.trapezoid(mine.get_ydata(), mine.get_xdata()) == pytest.approx(roc_auc_score(Y, SCORE))
    assert np.trapezoid(second.get_ydata(), second.get_xdata()) == pytest.approx(roc_auc_score(Y, other))
    assert point.get_xdata().tolist() == [np.mean(NORMAL > 0.04)]
    assert point.get_ydata().tolist() == [np.mean(ANOMALY > 0.04)]
    assert list(chance.get_xdata()) == list(chance.get_ydata()) == [0, 1]
    assert legend(ax)[0] == f"mine (AUROC {roc_auc_score(Y, SCORE):.3f})"
    assert legend(plots.roc(Y, SCORE))[0].startswith("detector (AUROC")


def test_precision_recall_area_and_base_rate():
    ax = plots.precision_recall(Y, {"mine": SCORE})
    line, base = ax.get_lines()
    recall, precision = line.get_xdata(), line.get_ydata()
    area = -np.sum(np.diff(recall) * precision[:-1])  # the curve runs from recall 1 down to 0, in steps
    assert area == pytest.approx(average_precision_score(Y, SCORE))
    assert list(base.get_ydata()) == [60 / 260, 60 / 260]
    assert legend(ax) == [f"mine (AP {average_precision_score(Y, SCORE):.3f})", "base rate (0.231)"]


@pytest.mark.parametrize("draw", [plots.roc, plots.precision_recall])
def test_curves_refuse_bad_input(draw):
    with pytest.raises(ValueError, match=r"scores\['a'\] holds 2 scores for 3 labels"):
        draw([0, 1, 1], {"a": [1, 2]})
    with pytest.raises(ValueError, match="y has no anomalies"):
        draw([0, 0], {"a": [1, 2]})
    assert plt.get_fignums() == []


def test_confusion_flags_strictly_above():
    ax = plots.confusion([0, 0, 0, 1, 1], [0.1, 0.5, 0.9, 0.5, 0.6], 0.5)
    np.testing.assert_allclose(ax.images[0].get_array(), [[2 / 3, 1 / 3], [1 / 2, 1 / 2]])
    assert [text.get_text() for text in ax.texts] == [
        "normal, passed\n2\n66.7% of normal rows",
        "false alarms\n1\n33.3% of normal rows",
        "missed anomalies\n1\n50.0% of anomalies",
        "caught anomalies\n1\n50.0% of anomalies",
    ]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["passed", "flagged"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["normal", "anomaly"]
    np.testing.assert_array_equal(plots.confusion([0, 0], [1, 2], 3).images[0].get_array(), [[1, 0], [0, 0]])


def check_dots(ax, table, column, names):
    dots, _, (bars,) = ax.containers[0]
    assert list(dots.get_xdata()) == table[column].tolist()
    assert list(dots.get_ydata()) == list(range(len(names)))
    ends = np.array([segment[:, 0] for segment in bars.get_segments()])
    np.testing.assert_allclose(ends, table[[f"{column} low", f"{column} high"]])
    assert [label.get_text() for label in ax.get_yticklabels()] == names
    assert ax.yaxis_inverted()  # the first on top


@pytest.mark.parametrize(
    ("metric", "words"), [("AUROC", "AUROC (area under the ROC curve)"), ("AP", "Average precision")]
)
def test_detector_comparison_of_a_real_table(metric, words):
    table = comparison_table()
    ax = plots.detector_comparison(table, metric, reference={"ceiling": 0.995})
    check_dots(ax, table, metric, table.index.tolist())
    assert ax.get_xlabel() == words and ax.get_ylabel() == "Detector"
    assert "ceiling (0.995)" in legend(ax)
    assert [list(line.get_xdata()) for line in ax.get_lines() if line.get_label().startswith("ceiling")] == [
        [0.995, 0.995]
    ]


def test_auroc_by_group_of_a_real_table():
    table = group_table()
    ax = plots.auroc_by_group(table, overall=0.91, group_name="Kind")
    check_dots(ax, table, "AUROC", ["0", "1", "2"])
    assert ax.get_ylabel() == "Kind" and "all groups (0.910)" in legend(ax)


def test_dots_without_intervals_and_without_a_column():
    table = pd.DataFrame({"mine": [0.5, 0.7]}, index=["a", "b"])
    ax = plots.detector_comparison(table, "mine", xlabel="Mine (%)")
    assert ax.get_lines()[0].get_xdata().tolist() == [0.5, 0.7] and ax.get_xlabel() == "Mine (%)"
    assert "2 points 'measured'" in plots.describe(ax)
    with pytest.raises(ValueError, match=r"table has no column 'AUROC'; found \['mine'\]"):
        plots.detector_comparison(table)
    with pytest.raises(ValueError, match="table has no column 'AUROC'"):
        plots.auroc_by_group(table)


def test_sweep_one_curve_with_interval_and_references():
    x, y = np.array([2, 4, 8]), np.array([0.8, 0.9, 0.95])
    ax = plots.sweep(
        x,
        y,
        y - 0.1,
        y + 0.02,
        xlabel="Units",
        ylabel="AUROC",
        logx=True,
        logy=True,
        reference={"PCA": 0.92, "1-NN": 0.93},
    )
    measured, pca, knn = ax.get_lines()
    assert measured.get_xdata().tolist() == [2, 4, 8] and measured.get_ydata().tolist() == y.tolist()
    assert list(pca.get_ydata()) == [0.92] * 2 and list(knn.get_ydata()) == [0.93] * 2
    band = ax.collections[0].get_paths()[0].vertices
    for place in x:
        ends = band[band[:, 0] == place][:, 1]
        middle = y[x == place][0]
        assert (ends.min(), ends.max()) == pytest.approx((middle - 0.1, middle + 0.02))
    assert [label.get_text() for label in ax.get_xticklabels()] == ["2", "4", "8"]
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert legend(ax) == ["interval", "measured", "PCA (0.92)", "1-NN (0.93)"]


def test_sweep_several_curves():
    curves = {"a": [1, 2, 3], "b": [2, 3, 4]}
    ax = plots.sweep([1, 2, 3], curves, {"b": [1, 2, 3]}, {"b": [3, 4, 5]}, xlabel="x", ylabel="y")
    assert [line.get_ydata().tolist() for line in ax.get_lines()] == list(curves.values())
    assert legend(ax) == ["a", "b, interval", "b"]
    assert plots.sweep([1, 2], [1, 2], xlabel="x", ylabel="y").get_legend() is None
    with pytest.raises(ValueError, match=r"y\['a'\] holds 3 values for 2 settings x"):
        plots.sweep([1, 2], curves, xlabel="x", ylabel="y")


def test_timing_bars():
    ax = plots.timing_bars({"fit": 1.5, "loop": 0.1}, baseline="fit", unit="ms", xlabel="Time (ms)")
    assert [bar.get_width() for bar in ax.containers[0]] == [1.5, 0.1]
    assert [text.get_text() for text in ax.texts] == ["1.5 ms", "0.1 ms (15x as fast)"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["fit", "loop"] and ax.yaxis_inverted()
    assert [text.get_text() for text in plots.timing_bars({"a": 1, "b": 2}, log=True).texts] == ["1 s", "2 s"]
    with pytest.raises(ValueError, match=r"baseline 'x' is not among the methods \['a'\]"):
        plots.timing_bars({"a": 1}, baseline="x")


# --- Images and codes --------------------------------------------------------------------------


def test_image_grid():
    axes = plots.image_grid(IMAGES, np.array(list("abcdef")), columns=4, title="Six", value_range=(0, 2))
    for image, title, ax in zip(IMAGES, "abcdef", axes.flat, strict=False):
        np.testing.assert_array_equal(ax.images[0].get_array(), image)
        assert ax.get_title() == title and ax.images[0].get_clim() == (0, 2)
    assert not axes[1, 2].has_data() and not axes[1, 2].axison
    assert axes[0, 0].figure.get_suptitle() == "Six"
    with pytest.raises(ValueError, match="titles has 1 entries for 6 images"):
        plots.image_grid(IMAGES, ["a"])
    with pytest.raises(ValueError, match=r"images must have the shape .* found shape \(6, 40\)"):
        plots.image_grid(IMAGES.reshape(6, -1))
    with pytest.raises(ValueError, match="images must hold numbers"):
        plots.image_grid([[["a"]]])
    with pytest.raises(ValueError, match="columns must be a whole number of at least 1; found 0"):
        plots.image_grid(IMAGES, columns=0)


@pytest.mark.parametrize("flat", [True, False])
def test_reconstructions_with_error_maps(flat):
    rebuilt = np.clip(IMAGES + RNG.normal(size=IMAGES.shape) / 5, 0, 1)
    arguments = (IMAGES, rebuilt) if not flat else (IMAGES.reshape(6, -1), rebuilt.reshape(6, -1), (8, 5))
    axes = plots.reconstructions(*arguments, n=4, titles=list("0123"))
    errors = (IMAGES - rebuilt) ** 2
    for place in range(4):
        shown = [axes[line, place].images[0] for line in range(3)]
        np.testing.assert_allclose(shown[0].get_array(), IMAGES[place])
        np.testing.assert_allclose(shown[1].get_array(), rebuilt[place])
        np.testing.assert_allclose(shown[2].get_array(), errors[place])
        assert shown[0].get_clim() == shown[1].get_clim() and shown[2].get_clim() == (0, errors[:4].max())
        assert axes[0, place].get_title() == str(place)
    assert [ax.get_ylabel() for ax in axes[:, 0]] == ["original", "reconstruction", "squared error"]
    scale = axes[2, -1].child_axes[0]
    assert [label.get_text() for label in scale.get_yticklabels()] == ["0", f"{errors[:4].max():.2g}"]


def test_reconstructions_edge_cases():
    assert plots.reconstructions(IMAGES, IMAGES, n=50).shape == (3, 6)  # no error at all, fewer than n
    with pytest.raises(ValueError, match=r"rebuilt has the shape \(6, 40\) and originals \(6, 8"):
        plots.reconstructions(IMAGES, IMAGES.reshape(6, -1))
    with pytest.raises(ValueError, match=r"image_shape \(7, 5\) does not fit rows of 40 pixels"):
        plots.reconstructions(IMAGES, IMAGES, (7, 5))
    with pytest.raises(ValueError, match="originals must have the shape"):
        plots.reconstructions(IMAGES.reshape(6, -1), IMAGES.reshape(6, -1))


def test_latent_space_of_two_units():
    codes, labels = POINTS[:, :2], np.arange(40) % 12
    ax = plots.latent_space(codes, labels)
    for label, points in enumerate(ax.collections):
        np.testing.assert_array_equal(points.get_offsets(), codes[labels == label])
    assert legend(ax)[:2] == ["0, 4 rows", "1, 4 rows"] and len(ax.collections) == 12
    looks = {(to_hex(p.get_facecolor()[0]), p.get_paths()[0].vertices.tobytes()) for p in ax.collections}
    assert len(looks) == 12
    assert len({colour for colour, _ in looks}) == 10  # ten digits in ten colours, each with its marker
    assert ax.get_xlabel() == "Code unit 1 (activation)"
    alone = plots.latent_space(codes)
    np.testing.assert_array_equal(alone.collections[0].get_offsets(), codes)
    assert alone.get_legend() is None


def test_latent_space_of_more_units_is_projected_and_says_so():
    ax = plots.latent_space(POINTS, (POINTS[:, 0] > 1).astype(int))
    projected = PCA(2, svd_solver="full").fit_transform(POINTS)
    np.testing.assert_allclose(ax.collections[0].get_offsets(), projected[POINTS[:, 0] <= 1])
    assert ax.get_ylabel() == "Principal component 2 of 4 code units (activation)"
    assert [name.split(",")[0] for name in legend(ax)] == ["normal", "anomaly"]
    assert to_hex(ax.collections[1].get_facecolor()[0]) == plots.PALETTE["anomaly"].lower()
    with pytest.raises(ValueError, match="codes must have at least 2 columns; found 1"):
        plots.latent_space(POINTS[:, :1])
    with pytest.raises(ValueError, match=r"labels has the shape \(3,\) for 40 rows"):
        plots.latent_space(POINTS, [0, 1, 2])


# --- Tables ------------------------------------------------------------------------------------


def test_feature_errors_bar():
    ax = plots.feature_errors_bar([0.5, 3, 1, 2], list("abcd"), top=3, typical=[9, 8, 7, 6])
    assert [bar.get_width() for bar in ax.containers[0]] == [3, 2, 1]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["b", "d", "c"] and ax.yaxis_inverted()
    assert ax.get_lines()[0].get_xdata().tolist() == [8, 6, 7]
    unnamed = plots.feature_errors_bar([1, 2])
    assert [label.get_text() for label in unnamed.get_yticklabels()] == ["feature 1", "feature 0"]
    with pytest.raises(ValueError, match="feature_names has 1 names for 2 errors"):
        plots.feature_errors_bar([1, 2], ["a"])


def test_decision_regions_are_the_detectors_decisions():
    y = (np.abs(POINTS[:, :2]).max(axis=1) > 1).astype(int)
    axes = plots.decision_regions(
        {"box": Box(), "never": Never(), "again": Box()},
        POINTS[:, :2],
        (-2, 2),
        (-2, 2),
        y,
        columns=2,
        resolution=41,
        feature_names=("length (cm)", "width (cm)"),
    )
    region, outline, normal, anomaly = axes[0, 0].collections
    passed, flagged = region.get_paths()
    assert passed.contains_point((0.05, 0.05)) and flagged.contains_point((1.8, -1.8))
    assert not passed.contains_point((1.8, 0)) and not passed.contains_point((0, -1.8))
    ends = outline.get_paths()[0].vertices
    assert np.abs(ends).max(axis=1) == pytest.approx(np.full(len(ends), 1.05), abs=0.06)  # half a cell off 1
    np.testing.assert_array_equal(normal.get_offsets(), POINTS[y == 0, :2])
    np.testing.assert_array_equal(anomaly.get_offsets(), POINTS[y == 1, :2])
    assert len(axes[0, 1].collections) == 3  # no outline where nothing is flagged
    assert [ax.get_title() for ax in axes.flat] == ["box", "never", "again", ""] and not axes[1, 1].axison
    assert [ax.get_xlabel() for ax in axes.flat[:3]] == ["", "length (cm)", "length (cm)"]
    assert [ax.get_ylabel() for ax in axes.flat[:3]] == ["width (cm)", "", "width (cm)"]
    assert legend(axes[0, 1])[-1] == "flagged area"
    with pytest.raises(ValueError, match="detectors is empty"):
        plots.decision_regions({}, POINTS[:, :2])
    with pytest.raises(ValueError, match="X has 4 columns"):
        plots.decision_regions({"box": Box()}, POINTS)


def test_pairwise_marks_the_flagged_rows_in_every_pair():
    flagged = POINTS[:, 0] > 1
    species = np.where(POINTS[:, 1] > 0, "setosa", "virginica")
    axes = plots.pairwise(POINTS, ["a (cm)", "b (cm)", "c (cm)", "d (cm)"], flagged, species)
    for ax, (i, j) in zip(axes.flat, itertools.combinations(range(4), 2), strict=True):
        setosa, virginica, rings = ax.collections
        np.testing.assert_array_equal(setosa.get_offsets(), POINTS[species == "setosa"][:, [i, j]])
        np.testing.assert_array_equal(virginica.get_offsets(), POINTS[species == "virginica"][:, [i, j]])
        np.testing.assert_array_equal(rings.get_offsets(), POINTS[flagged][:, [i, j]])
        assert (ax.get_xlabel(), ax.get_ylabel()) == (f"{'abcd'[i]} (cm)", f"{'abcd'[j]} (cm)")
    assert legend(axes[0, -1])[-1] == f"flagged, {flagged.sum()} rows"
    plain = plots.pairwise(POINTS[:, :2], ["a", "b"])
    assert plain.shape == (1, 1) and legend(plain[0, 0]) == ["40 rows"]
    assert not plots.pairwise(POINTS, list("abcd"), columns=4)[1, 3].axison


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((POINTS[:, :1], ["a"]), "X must have 2 to 6 columns .* found 1"),
        ((POINTS, ["a"]), "feature_names has 1 names for 4 columns"),
        ((POINTS, list("abcd"), [True]), r"flagged has the shape \(1,\) for 40 rows"),
        ((POINTS, list("abcd"), None, [1, 2]), r"labels has the shape \(2,\) for 40 rows"),
    ],
)
def test_pairwise_refuses_bad_input(arguments, words):
    with pytest.raises(ValueError, match=words):
        plots.pairwise(*arguments)


# --- Words for pictures ------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
def test_descriptions_are_stable_and_without_computed_numbers(name):
    first, second = plots.describe(ALL[name]()), plots.describe(ALL[name]())
    assert first == second and "\n" not in first and "  " not in first
    assert not re.search(r"\d\.\d", first)  # no threshold, area or interval
    assert len(first) > 60


def test_description_says_what_is_drawn():
    ax = plots.score_histogram(NORMAL, ANOMALY, 0.04, range=(0, 0.05), log=True, title="Scores\nof rows")
    assert plots.describe(ax) == (
        "Scores of rows. x axis: Anomaly score (mean squared error); y axis: Rows per bin (logarithmic). "
        "Drawn: 30 bars 'normal, 200 rows'; 30 bars 'anomaly, 60 rows'; vertical line 'threshold'."
    )
    told = plots.describe(ax, numbers=True)
    outside = int(np.sum(ANOMALY > 0.05))
    assert f"anomaly, 60 rows ({outside} outside the range)" in told and "threshold (0.04)" in told
    assert "Texts: normal, passed 1 100.0% of normal rows" in plots.describe(
        plots.confusion([0, 1], [0, 1], 0.5), numbers=True
    )


def test_description_follows_the_artists_and_not_the_function():
    ax = plots.error_scatter(Y, SCORE, 0.04)
    ax.collections[1].remove()
    ax.set_title("Changed")
    assert plots.describe(ax).startswith("Changed. x axis: Row")
    assert plots.describe(ax).endswith("Drawn: horizontal line 'threshold'; 200 points 'normal, 200 rows'.")


def test_description_of_a_figure_by_hand():
    figure, (ax, other) = plt.subplots(1, 2)
    figure.suptitle("Both")
    figure.supxlabel("time (s)")
    figure.supylabel("power (W)")
    ax.plot([1, 2], [3, 4], label="line")
    ax.plot([1], [3], "o")
    ax.axline((0, 0), slope=1, label="diagonal")
    ax.hlines([1, 2, 3], 0, 1, label="ranges")
    ax.fill_between([1, 2], [1, 2], label="band")
    ax.contour(np.eye(4))
    ax.contourf(np.eye(4))
    ax.add_patch(plt.Rectangle((0, 0), 1, 1, label="box"))
    other.errorbar([1, 2], [1, 2], yerr=1, label="means")
    other.bar(["a", "b"], [1, 2])
    other.set_title("Second")
    assert plots.describe(np.array([ax, other])) == (
        "Both. x axis of all panels: time (s). y axis of all panels: power (W). Panel 1 of 2: "
        "Drawn: line through 2 points 'line'; 1 point; straight line 'diagonal'; "
        "3 line segments 'ranges'; shaded area 'band'; contour lines; filled contours; shape 'box'. "
        "Panel 2 of 2: Second. x axis: [a; b]. Drawn: 2 points with their intervals 'means'; 2 bars."
    )
    assert plots.describe(plt.figure()) == "An empty figure."


def test_description_of_pictures_and_colour_scales():
    axes = plots.reconstructions(IMAGES, 1 - IMAGES, n=4, titles=list("7210"))
    assert plots.describe(axes) == (
        "Originals, reconstructions and error maps. Drawn: 12 images of 8 by 5 pixels. "
        "Lines, from the top: original, reconstruction, squared error. Titles: 7, 2, 1, 0."
    )
    figure, ax = plt.subplots()
    image = ax.imshow(np.eye(3))
    figure.colorbar(image, label="Correlation")
    ax.set(title="Heat", xlabel="feature", ylabel="feature")
    assert plots.describe(ax) == (
        "Heat. x axis: feature; y axis: feature. Drawn: 3 by 3 coloured cells. Colour scale: Correlation."
    )


def test_subfigures_stand_for_their_whole_figure():
    whole = plt.figure()
    left, _ = whole.subfigures(1, 2)
    ax = left.subplots()
    assert whole_figure(ax) is whole and whole_figure(left) is whole
    with pytest.raises(ValueError, match="fig_or_ax must be a figure or Axes; found str"):
        plots.describe("figure")


@pytest.fixture
def shown(monkeypatch):
    """Catch what is displayed, as in a notebook."""
    import IPython

    calls = []
    monkeypatch.setattr(IPython, "get_ipython", lambda: object())
    monkeypatch.setattr("IPython.display.display", lambda *args, **kwargs: calls.append((args, kwargs)))
    return calls


KINDS = ("image/png", "image/svg+xml")
SENTENCE = "Normal rows lie left of the threshold."


def test_show_displays_picture_and_words_and_closes_the_figure(shown):
    ax = plots.score_histogram(NORMAL, ANOMALY, 0.04)
    words = f"{SENTENCE} {plots.describe(ax)}"
    size = ax.figure.get_size_inches() * ax.figure.dpi
    assert plots.show(ax, SENTENCE) is None
    (((bundle,), options),) = shown
    assert bundle["text/plain"] == words
    assert options == {"metadata": {kind: {"alt": words} for kind in KINDS}, "raw": True}
    drawing = ElementTree.fromstring(bundle["image/svg+xml"])
    assert (drawing.get("width"), drawing.get("height")) == tuple(f"{side:.0f}" for side in size)
    assert drawing.find("{*}title").text == words and drawing.get("role") == "img"
    with Image.open(io.BytesIO(bundle["image/png"])) as picture:
        assert picture.format == "PNG" and picture.size == tuple(size.astype(int))
        assert len(np.unique(np.asarray(picture.convert("RGB")).reshape(-1, 3), axis=0)) > 50
    assert plt.get_fignums() == []


def test_show_prints_the_words_outside_of_a_notebook(capsys):
    ax = plots.timing_bars({"fit": 1.0})
    plots.show(ax, "One bar, of one second.")
    assert capsys.readouterr().out == (
        "One bar, of one second. Time taken. x axis: Time (seconds); y axis: Method [fit]. "
        "Drawn: 1 bar 'time'.\n"
    )
    assert plt.get_fignums() == []


@pytest.mark.parametrize("text", ["", "A histogram.", None, "   short    text     ", 12345678901234567890123])
def test_show_wants_a_sentence(text, shown):
    with pytest.raises(ValueError, match="text must be a sentence of at least 20 characters"):
        plots.show(plots.timing_bars({"a": 1}), text)
    assert shown == []


@pytest.mark.parametrize(
    ("words", "missing"),
    [
        ({}, ["Axes 1 has no title", "Axes 1 has no x label", "Axes 1 has no y label"]),
        ({"title": "T", "ylabel": "y"}, ["Axes 1 ('T') has no x label"]),
        ({"xlabel": "x", "ylabel": "y"}, ["Axes 1 has no title"]),
    ],
)
def test_show_names_what_is_missing(words, missing, shown):
    figure, ax = plt.subplots()
    ax.plot([1, 2])
    ax.set(**words)
    with pytest.raises(ValueError, match=re.escape(f"fig_or_ax: {'; '.join(missing)}. Set")):
        plots.show(figure, SENTENCE)
    assert shown == [] and plt.fignum_exists(figure.number)


def test_words_may_be_shared_by_panels_twins_and_scales(shown):
    figure, axes = plt.subplots(2, 2, sharex=True, sharey=True)
    for ax in axes.flat[:3]:
        ax.plot([1, 2])
    axes[1, 0].set_xlabel("x")
    assert missing_words(figure) == [
        f"Axes {place} has no {what}" for place in (1, 2, 3) for what in ("title", "y label")
    ]
    figure.suptitle("All")
    figure.supylabel("y")
    plots.show(figure, SENTENCE)

    figure, ax = plt.subplots()
    ax.plot([1, 2])
    ax.set(title="T", xlabel="x", ylabel="y")
    twin = ax.twinx()
    twin.plot([3, 4])
    assert missing_words(figure) == ["Axes 2 has no y label"]
    twin.set_ylabel("other y")
    plots.show(figure, SENTENCE)

    figure, ax = plt.subplots()
    scale = figure.colorbar(ax.imshow(np.eye(3)))
    ax.set(title="T", xlabel="x", ylabel="y")
    assert missing_words(figure) == ["Axes 2, a colour scale, has no label"]
    scale.set_label("share")
    plots.show(figure, SENTENCE)
    assert len(shown) == 3


def test_pictures_need_a_title_but_no_axis_labels(shown):
    figure, ax = plt.subplots()
    ax.imshow(np.eye(3))
    ax.set(xticks=[], yticks=[])
    assert missing_words(figure) == ["Axes 1 has no title"]
    ax.set_title("A digit")
    plots.show(figure, SENTENCE)
    assert len(shown) == 1


SPECIAL = 'Scores "above" 1 < 2 & the threshold\'s line.'


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """A notebook that shows a picture, run with the backend that notebooks use."""
    from nbclient import NotebookClient

    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell(source)
            for source in (
                "import matplotlib.pyplot as plt\nfrom aecourse import plots",
                f"plots.show(plots.score_histogram([0.1, 0.2, 0.3], threshold=0.25, bins=3), {SPECIAL!r})",
                "print(plt.get_backend(), plt.get_fignums())",
            )
        ]
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MPLBACKEND", raising=False)
        patch.setenv("IPYTHONDIR", str(tmp_path_factory.mktemp("ipython")))
        NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    return notebook


def test_a_notebook_holds_the_picture_once_with_its_words(executed):
    (output,) = executed.cells[1].outputs  # not once more from the backend at the end of the cell
    words = output["data"]["text/plain"]
    assert words.startswith(SPECIAL) and words.endswith("3 bars 'normal, 3 rows'; vertical line 'threshold'.")
    assert {kind: output["metadata"][kind]["alt"] for kind in KINDS} == dict.fromkeys(KINDS, words)
    assert output["data"]["image/svg+xml"].startswith("<svg ")
    assert base64.b64decode(output["data"]["image/png"]).startswith(b"\x89PNG")
    backend = executed.cells[2].outputs[0]["text"]
    assert "inline" in backend and backend.endswith("[]\n")


class Pictures(HTMLParser):
    """Collects the attributes of every picture of a page."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        if tag == "img":
            self.found.append(dict(attributes))


# nbconvert's "lab" page leaves the alternative text out; its "classic" page has that of PNG.
ON_PAPER = {"config": Config(NbConvertBase={"display_data_priority": ["image/png", "text/plain"]})}


def test_alternative_text_reaches_the_web_page(executed):
    page, _ = HTMLExporter(template_name="classic", **ON_PAPER).from_notebook_node(executed)
    (picture,) = Pictures(page).found
    assert picture["alt"] == executed.cells[1].outputs[0]["data"]["text/plain"]
    assert picture["src"].startswith("data:image/png;base64,")


def test_points_are_the_same_in_the_legend_whatever_their_size():
    ax = plots.error_scatter(np.arange(3000) % 10 == 0, np.arange(3000) / 3000)
    assert {points.get_sizes()[0] for points in ax.collections} == {6}
    handles = [each for each in ax.get_legend().legend_handles if isinstance(each, PathCollection)]
    assert [each.get_sizes()[0] for each in handles] == [30, 30]


# --- Diagrams ----------------------------------------------------------------------------------


def test_an_autoencoder_is_drawn_with_its_widths_and_its_code():
    figure = plots.diagrams.autoencoder([784, 128, 16, 64, 784])
    words = [text.get_text() for text in figure.texts]
    assert words[1:6] == ["784", "128", "16", "64", "784"]
    code = words.index("code")
    assert figure.texts[code].get_position()[0] == figure.texts[3].get_position()[0]  # above the narrowest
    with pytest.raises(ValueError, match="at least three layers; found 2"):
        plots.diagrams.autoencoder([784, 16])


def test_steps_are_joined_by_arrows():
    figure = plots.diagrams.steps(["score", "threshold", "alarm"], "Title", notes=["", "chosen before"])
    kinds = [type(artist).__name__ for artist in figure.artists + figure.patches]
    assert kinds.count("FancyBboxPatch") == 3 and kinds.count("FancyArrowPatch") == 2
    with pytest.raises(ValueError, match="found 1 boxes and 0 notes"):
        plots.diagrams.steps(["alone"], "Title")

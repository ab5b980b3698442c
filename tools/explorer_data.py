"""Build the threshold explorer: a page in plain JavaScript on the scores that labs 06 and 08 stored.

On its own: ``python -m tools.explorer_data FOLDER`` writes ``index.html`` and, in ``static/``, the
scripts, the style, the data as a script and pictures of digits. Open the page in a browser.

Inside the book:

1. ``docs/explorer/index.md`` is the page. It includes ``docs/explorer/fragment.html`` and loads its files
   from ``../_static/explorer/``, so it must be built as ``explorer/index.html``.
2. Call ``write_static(SOME_FOLDER / "explorer")`` before Sphinx runs, and name ``SOME_FOLDER`` in
   ``html_static_path``. Sphinx then copies the files to ``_static/explorer/``.
3. Put ``explorer/index`` into a toctree. Nothing else of ``docs/explorer/`` is a page.

Colours follow ``html[data-theme]`` if a theme sets it, and the reader's system if none does.
"""

import argparse
import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from aecourse import datasets, thresholds
from tools.places import ROOT

SCORES = ROOT / "notebooks" / "data"
PAGE = ROOT / "docs" / "explorer"
OWN_FILES = ("calculate.js", "chart.js", "explorer.js", "explorer.css")

RATE = 0.01  # what every rule is asked for, as in lesson 09
DAY = {"rows": 1000, "baseRate": 0.01, "costMiss": 30, "costFalseAlarm": 1}  # as in lesson 09's explorer
START = "conformal"
BINS = 40
COLUMNS, ROWS = 20, 20  # of the sheet of images
BINS_TO_STEPS = 10  # the slider takes ten steps in the width of a bar


@dataclass(frozen=True)
class Lab:
    """Where a lab's scores are, what its classes are called, and which scores the chart shows."""

    key: str
    title: str
    truth: str  # the labels among the stored arrays
    names: tuple[str, str]
    unit: str
    view: tuple[float, float]  # begins below the lowest score and ends above the highest
    ticks: tuple[float, ...]
    log: bool = False
    sheet: str = ""  # the picture that shows some of its rows, if they are images


LABS = (
    Lab(
        "06",
        "Lab 06: MNIST zeros",
        "y",
        ("zeros", "other digits"),
        "mean squared error",
        (0.0, 0.12),
        (0, 0.02, 0.04, 0.06, 0.08, 0.1, 0.12),
        sheet="digits.png",
    ),
    Lab(
        "08",
        "Lab 08: imbalanced synthetic data",
        "cluster",
        ("normal rows", "rows of the true cluster"),
        "mean squared residual",
        (0.05, 12.8),
        (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
        log=True,
    ),
)


def read(lab: Lab) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Return a lab's stored scores in double precision: validation normals, test rows, test labels."""
    with np.load(SCORES / f"scores_{lab.key}.npz") as stored:
        return stored["val"].astype(float), stored["test"].astype(float), stored[lab.truth].astype(int)


def fitted_rules(
    validation: NDArray[np.float64], test: NDArray[np.float64], y: NDArray[np.int64]
) -> dict[str, tuple[Any, NDArray[np.float64]]]:
    """Fit the rules as lesson 09 does.

    Parameters
    ----------
    validation : ndarray of shape (n,)
        Scores of the validation normals.
    test : ndarray of shape (m,)
        Scores of the test rows.
    y : ndarray of shape (m,)
        Their labels, 1 = anomaly.

    Returns
    -------
    dict
        Name → (fitted rule, scores of normal rows that took no part in the fit).
    """
    fitted = {name: (rule.fit(validation), test[y == 0]) for name, rule in thresholds.rules(RATE).items()}
    learn, judge = train_test_split(np.arange(y.size), test_size=0.5, stratify=y, random_state=0)
    learned = {
        "F1, from labels": thresholds.FBeta(beta=1),
        "F2, from labels": thresholds.FBeta(beta=2),
        "expected cost, from labels": thresholds.ExpectedCost(
            cost_miss=10, cost_false_alarm=1, base_rate=0.01
        ),
    }
    for name, rule in learned.items():
        fitted[name] = rule.fit(test[learn], y[learn]), test[judge][y[judge] == 0]
    return fitted


def _rule(rule: Any, unseen_normals: NDArray[np.float64]) -> dict[str, object]:
    """Return what the page shows of a fitted rule."""
    promised = rule.promised_rate
    return {
        "learned": promised is None,  # from labels, of rows that the chart shows
        "threshold": rule.threshold_,
        "written": repr(rule),
        "sentence": rule.rule,
        "assumption": rule.assumption,
        "promised": (
            "no false-alarm rate" if promised is None else f"a false-alarm rate of {100 * promised:.3g} %"
        ),
        "realised": str(rule.realised(unseen_normals)),
    }


def _axis(lab: Lab, bins: int) -> tuple[NDArray[np.float64], list[float]]:
    """Return the edges of the bars, and the slider's thresholds in short decimal numbers."""
    low, high = np.log10(lab.view) if lab.log else lab.view
    edges, steps = (np.linspace(low, high, count + 1) for count in (bins, bins * BINS_TO_STEPS))
    if lab.log:
        edges, steps = 10**edges, 10**steps
    return edges, [float(f"{step:.4g}") for step in steps]


def chosen_rows(test: NDArray[np.float64], y: NDArray[np.int64]) -> NDArray[np.intp]:
    """Return the rows that the page shows: half of each class, spread evenly over it, by rising score."""
    half = COLUMNS * ROWS // 2
    chosen = []
    for label in (0, 1):
        rows = np.flatnonzero(y == label)
        rows = rows[np.argsort(test[rows], kind="stable")]
        chosen.append(rows[np.linspace(0, rows.size - 1, half).round().astype(int)])
    both = np.concatenate(chosen)
    return both[np.argsort(test[both], kind="stable")]


def write_sheet(lab: Lab, folder: Path) -> None:
    """Write the images of the chosen rows as one picture, row by row."""
    _, test, y = read(lab)
    _, (images, _) = datasets.load_mnist()
    chosen = images[chosen_rows(test, y)].reshape(ROWS, COLUMNS, 28, 28)
    whole = chosen.swapaxes(1, 2).reshape(ROWS * 28, COLUMNS * 28)
    PIL.Image.fromarray(255 - whole).save(folder / lab.sheet, optimize=True)


def _images(lab: Lab, test: NDArray[np.float64], y: NDArray[np.int64]) -> dict[str, object] | None:
    if not lab.sheet:
        return None
    rows = chosen_rows(test, y)
    _, (_, digits) = datasets.load_mnist()
    return {
        "file": lab.sheet,
        "side": 28,
        "columns": COLUMNS,
        "scores": test[rows].tolist(),
        "digits": digits[rows].tolist(),
    }


def scores_data(
    lab: Lab, test: NDArray[np.float64], y: NDArray[np.int64], bins: int = BINS
) -> dict[str, object]:
    """Return what a page needs to draw the scores of test rows and move a threshold over them.

    Parameters
    ----------
    lab : Lab
        What the classes are called, and which scores are shown.
    test : ndarray of shape (m,)
        Scores of the test rows.
    y : ndarray of shape (m,)
        Their labels, 1 = anomaly.
    bins : int
        Number of bars.

    Returns
    -------
    dict
        Types that JSON has.

    Raises
    ------
    ValueError
        If a score lies outside the view.
    """
    normal, anomaly = np.sort(test[y == 0]), np.sort(test[y == 1])
    edges, steps = _axis(lab, bins)
    if not (steps[0] < test.min() and test.max() <= steps[-1]):
        raise ValueError(f"view of lab {lab.key} must hold all scores, {test.min():g} to {test.max():g}")
    return {
        "names": lab.names,
        "unit": lab.unit,
        "normal": normal.tolist(),
        "anomaly": anomaly.tolist(),
        # A threshold that flags every row, as ExpectedCost takes it.
        "belowAll": float(np.nextafter(test.min(), -np.inf)),
        "log": lab.log,
        "ticks": lab.ticks,
        "steps": steps,
        "edges": edges.tolist(),
        "normalBars": np.histogram(normal, edges)[0].tolist(),
        "anomalyBars": np.histogram(anomaly, edges)[0].tolist(),
    }


def lab_data(lab: Lab) -> dict[str, object]:
    """Return all that the page knows of a lab, in types that JSON has."""
    validation, test, y = read(lab)
    return scores_data(lab, test, y) | {
        "key": lab.key,
        "title": lab.title,
        "rules": {name: _rule(*fitted) for name, fitted in fitted_rules(validation, test, y).items()},
        "images": _images(lab, test, y),
    }


def data() -> dict[str, object]:
    """Return what ``data.js`` holds."""
    return {"start": START, "day": DAY, "labs": [lab_data(lab) for lab in LABS]}


def write_static(folder: str | os.PathLike[str]) -> Path:
    """Write scripts, style, data and pictures into a folder; return it."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name in OWN_FILES:
        shutil.copyfile(PAGE / name, folder / name)
    for lab in LABS:
        if lab.sheet:
            write_sheet(lab, folder)
    # Python and JavaScript both write and read a double without loss. A script, since a page that was opened
    # from a disk may fetch no data.
    text = f"window.explorerData = {json.dumps(data(), allow_nan=False)};\n"
    (folder / "data.js").write_text(text, encoding="utf-8")
    return folder


STANDALONE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Threshold explorer</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="static/explorer.css">
</head>
<body class="explorer-alone">
<main>
<h1>Threshold explorer</h1>
{fragment}
</main>
<script defer src="static/data.js"></script>
<script defer src="static/calculate.js"></script>
<script defer src="static/chart.js"></script>
<script defer src="static/explorer.js"></script>
</body>
</html>
"""


def build(folder: str | os.PathLike[str]) -> Path:
    """Write the page that needs no book, ``index.html`` with its folder ``static``; return the folder."""
    folder = Path(folder)
    write_static(folder / "static")
    fragment = (PAGE / "fragment.html").read_text(encoding="utf-8")
    (folder / "index.html").write_text(STANDALONE.format(fragment=fragment), encoding="utf-8")
    return folder


def main(arguments: list[str] | None = None) -> int:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folder", type=Path, help="where to write the page")
    folder = build(parser.parse_args(arguments).folder)
    print(f"Open {folder / 'index.html'} in a browser.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

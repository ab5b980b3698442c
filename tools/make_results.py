"""Make the stored results of `aecourse.datasets.load_results`: quality by table, method and seed.

- ``make stored-results ARGS="untuned"`` measures `AutoencoderDetector` and simple methods on the digits, wine
  and Iris data of scikit-learn, each class once as the normal one, and each digit once as the anomaly. No
  choice in the detector was made on them. scikit-learn's breast-cancer data are not among them: they are the
  table WDBC of the ablation.
- ``make stored-results ARGS="ablation --data DIR"`` measures what each part of the detector's score, each
  view of the rows, and each choice in the training is worth, on the ``.npz`` files in DIR. The weights with
  which the parts are joined were chosen on the same tables.

The protocol is that of `benchmarks.bench_quality`: 70 % of the normal rows are trained on, the other ones and
all anomalies are the test rows, and columns are standardised on the training rows. In ``untuned`` the seed
changes the split too. Each finished table is kept in ``--work``, so an interrupted run continues.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ["AECOURSE_PROGRESS"] = "0"

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.datasets import load_digits, load_iris, load_wine

from aecourse import AutoencoderDetector
from aecourse._support.files import write_whole
from aecourse.datasets import compare_results, load_results
from benchmarks.bench_quality import NAME, SEEDS, Rows, load, measures, protocol, simple_detectors

FOLDER = Path(__file__).parents[1] / "aecourse" / "data" / "results"
WHOLE = "all parts"
MEASURES = (("auroc", "AUROC"), ("average_precision", "average precision"))
# The parts of the score that look at each view of the rows. The whitened view has one, ``white``.
VIEWS = {"standardised": ("plain", "latent"), "stretched": ("range", "local")}
TRAINING: dict[str, dict[str, Any]] = {"without noise": {"noise": (0, 0)}, "code of 2": {"code_size": 2}}

Measured = Iterator[tuple[str, int, NDArray, NDArray]]  # method, seed, labels and scores of the test rows


def ablation(rows: Rows) -> Measured:
    """Yield the scores of one table with parts, views and choices in the training left out."""
    train, test, y = rows
    for seed in SEEDS:
        detector = AutoencoderDetector(random_state=seed).fit(train)
        parts = detector.score_parts(test)
        yield WHOLE, seed, y, detector.anomaly_score(test)
        left_out = {part: (part,) for part in parts} | {
            f"the {name} view": each for name, each in VIEWS.items()
        }
        for name, without in left_out.items():
            others = {part: value for part, value in parts.items() if part not in without}
            yield f"without {name}", seed, y, detector.combine(others)
        for name, change in TRAINING.items():
            changed = AutoencoderDetector(random_state=seed, **change).fit(train)
            yield name, seed, y, changed.anomaly_score(test)


def untuned(X: NDArray, y: NDArray) -> Measured:
    """Yield the scores of the detector and of simple methods on one table, over several splits."""
    for seed in SEEDS:
        train, test, labels = protocol(X, y, seed)
        yield NAME, seed, labels, AutoencoderDetector(random_state=seed).fit(train).anomaly_score(test)
        for name, detector in simple_detectors(seed).items():
            yield name, seed, labels, -detector.fit(train).score_samples(test)


def one_class_tables() -> Iterator[tuple[str, NDArray, NDArray]]:
    """Yield name, rows and labels (1 = anomaly) of each table made of scikit-learn's data."""
    for name, loader in {"iris": load_iris, "wine": load_wine, "digits": load_digits}.items():
        X, classes = loader(return_X_y=True)
        for each in np.unique(classes):
            yield f"{name}, {each} normal", X, (classes != each).astype(int)
            if name == "digits":
                yield f"{name}, {each} anomalous", X, (classes == each).astype(int)


def tables(which: str, data: Path | None) -> Iterator[tuple[str, Measured]]:
    """Yield the name of each table, and its measurements, not yet made."""
    if which == "untuned":
        yield from ((name, untuned(X, y)) for name, X, y in one_class_tables())
    else:
        assert data is not None
        yield from ((name, ablation(rows)) for name, rows in load(data).items())


def measure(table: str, scores: Measured) -> pd.DataFrame:
    """Return one row for each method and seed."""
    return pd.DataFrame(
        [(table, method, seed, *measures(y, score)) for method, seed, y, score in scores],
        columns=["table", "method", "seed", "auroc", "average_precision"],
    )


def make(which: str, work: Path, data: Path | None = None) -> pd.DataFrame:
    """Measure all tables of a result; those that ``work`` holds already are read from there."""
    parts = []
    for table, scores in tables(which, data):
        path = work / f"{which} {table}.csv"
        if not path.exists():
            write_whole(path, measure(table, scores).to_csv(index=False))
            print(f"{table}: done", flush=True)
        parts.append(pd.read_csv(path))
    return pd.concat(parts)


def in_words(name: str, reference: str, first: str) -> str:
    """Return a stored result as the table that a docstring shows: paired differences with intervals.

    Parameters
    ----------
    name : str
        As for `aecourse.datasets.load_results`.
    reference : str
        The method that the differences are to; its row shows its own values.
    first : str
        Heading of the first column.
    """
    compared = compare_results(load_results(name), reference)
    rows = [(first, *(words for _, words in MEASURES))]
    for method, row in compared.iterrows():
        cells = [f"{row[measure]:.3f}" for measure, _ in MEASURES]
        if method != reference:
            cells = [
                f"{row[f'{measure}_difference']:+.3f} "
                f"({row[f'{measure}_low']:+.3f} to {row[f'{measure}_high']:+.3f})"
                for measure, _ in MEASURES
            ]
        rows.append((str(method), *cells))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    rule = "  ".join("=" * width for width in widths)
    return "\n".join([rule, lines[0], rule, *lines[1:], rule])


def main(arguments: list[str] | None = None) -> int:
    """Make one of the files."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("which", choices=["ablation", "untuned"])
    parser.add_argument("--data", type=Path, help="for the ablation: folder of .npz files with X and y")
    parser.add_argument("--work", type=Path, default=Path("_build/bench/results"), help="for finished tables")
    options = parser.parse_args(arguments)
    if options.which == "ablation" and not options.data:
        parser.error("the ablation needs --data, a folder of ADBench's .npz files")
    options.work.mkdir(parents=True, exist_ok=True)
    results = make(options.which, options.work, options.data)
    data = " --data DIR" if options.data else ""
    head = (
        f'# Made by: make stored-results ARGS="{options.which}{data}"; the protocol: tools/make_results.py\n'
    )
    head += "# AUROC and average precision by table, method and seed, rounded to four digits.\n"
    path = FOLDER / f"{options.which}.csv"
    write_whole(path, head + results.to_csv(index=False, float_format="%.4f"))
    print(f"written: {path} ({path.stat().st_size:,} bytes)")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Make the figures that lesson 10 reads: its networks, trained from several starts on several data sets.

``python -m tools.make_variants`` writes ``notebooks/data/variants_10.npz`` in about ten minutes on two idle
cores. Networks, data and scores are the lesson's own: its cells are run here. Each finished data set is kept
in ``--work``, so an interrupted run continues. `benchmarks.bench_variants` compares one start with the file.
"""

import argparse
import os
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

os.environ["AECOURSE_PROGRESS"] = "0"

import nbformat
import numpy as np
from numpy.typing import NDArray

from aecourse._support.files import whole_file

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "10_autoencoder_variants.ipynb"
STORED = NOTEBOOK.parent / "data" / "variants_10.npz"
CELLS = ("imports", "data", "variants", "train", "vae-functions", "draws-functions", "table-variants")
DATASETS = ("digit 8", "digit 2", "digit 3", "digit 5", "tumours")
SEEDS = tuple(range(5))
NAMES = (
    "dense",
    "denoising",
    "sparse, L1",
    "sparse, KL",
    "tied",
    "convolutional",
    "variational",
    "variational, 20 draws",
    "variational, ELBO",
    "ensemble of three",
    "dense, three times as long",
)


def lesson() -> dict[str, Any]:
    """Run the lesson's cells that define data, networks and scores, and return what they define."""
    sources = {cell.id: cell.source for cell in nbformat.read(NOTEBOOK, as_version=4).cells}
    names: dict[str, Any] = {}
    for name in CELLS:
        exec(sources[name], names)
    return names


def load(names: dict[str, Any], dataset: str) -> tuple[NDArray, ...]:
    """Return train, validation and test rows, test labels and test groups of one data set."""
    return names["table_data"]() if dataset == "tumours" else names["digit_data"](int(dataset[-1]))


def measure(
    names: dict[str, Any], dataset: str, data: tuple[NDArray, ...], seed: int, wanted: Collection[str] = NAMES
) -> dict[str, tuple[float, float]]:
    """Train from one start.

    Parameters
    ----------
    names : dict
        What `lesson` returned.
    dataset : str
        One of ``DATASETS``.
    data : tuple
        What `load` returned for it.
    seed : int
        The start. The ensemble's other members start from 100 and 200 more.
    wanted : collection of str
        The networks to train, among ``NAMES``.

    Returns
    -------
    dict of str to (float, float)
        AUROC and average precision on the test rows, by name.
    """
    X, _, X_test, y, _ = data
    is_table = dataset == "tumours"
    make = names["table_variants" if is_table else "digit_variants"]
    epochs, batch_size = (60, 32) if is_table else (12, 64)

    def trained(model, seed, times=1):
        names["train"](model, X, seed, times * epochs, batch_size)
        return model

    scores = {}
    for kind, model in make(seed).items():
        if kind in wanted:
            trained(model, seed)
            scores[kind] = names["error"](model, X_test)
            if kind == "variational":
                scores[f"{kind}, 20 draws"] = names["drawn_errors"](model, X_test, 20).mean(axis=0)
                scores[f"{kind}, ELBO"] = names["negative_elbo"](model, X_test, scores[f"{kind}, 20 draws"])
    if "ensemble of three" in wanted:
        members = [scores["dense"]] + [
            names["error"](trained(make(start)["dense"], start), X_test) for start in (seed + 100, seed + 200)
        ]
        scores["ensemble of three"] = np.mean(members, axis=0)
    if "dense, three times as long" in wanted:
        scores["dense, three times as long"] = names["error"](
            trained(make(seed)["dense"], seed, times=3), X_test
        )
    return {name: _quality(names, y, score) for name, score in scores.items() if name in wanted}


def _quality(names: dict[str, Any], y: NDArray, score: NDArray) -> tuple[float, float]:
    """Return AUROC and average precision."""
    evaluation = names["evaluation"]
    return evaluation.auroc(y, score), evaluation.average_precision(y, score)


def simple(names: dict[str, Any], dataset: str, data: tuple[NDArray, ...]) -> dict[str, tuple[float, float]]:
    """Return AUROC and average precision of the strong simple baselines."""
    methods = names["baselines"].strong(scale=dataset == "tumours")
    X, _, X_test, y, _ = data
    return {name: _quality(names, y, method.fit(X).anomaly_score(X_test)) for name, method in methods.items()}


def run(work: Path) -> None:
    """Measure everything, with one file in ``work`` for each data set, and join the files."""
    names = lesson()
    parts = {}
    for dataset in DATASETS:
        path = work / f"{dataset.replace(' ', '_')}.npz"
        if not path.exists():
            data = load(names, dataset)
            starts = [measure(names, dataset, data, seed) for seed in SEEDS]
            missing = (np.nan, np.nan)
            values = np.array([[start.get(name, missing) for start in starts] for name in NAMES])
            classical = simple(names, dataset, data)
            with whole_file(path) as temporary:
                np.savez(
                    temporary,
                    values=values,
                    simple=np.array(list(classical.values())),
                    simple_names=np.array(list(classical)),
                )
            means = (f"{name} {row[:, 0].mean():.3f}" for name, row in zip(NAMES, values, strict=True))
            print(dataset, *means, sep="\n  ", flush=True)
        with np.load(path) as archive:
            parts[dataset] = dict(archive)
    values = np.stack([part["values"] for part in parts.values()])
    simple_values = np.stack([part["simple"] for part in parts.values()])
    with whole_file(STORED) as temporary:
        np.savez_compressed(
            temporary,
            datasets=np.array(DATASETS),
            names=np.array(NAMES),
            seeds=np.array(SEEDS),
            auroc=values[..., 0],
            average_precision=values[..., 1],
            simple_names=parts[DATASETS[0]]["simple_names"],
            simple_auroc=simple_values[..., 0],
            simple_average_precision=simple_values[..., 1],
        )
    print(f"written: {STORED} ({STORED.stat().st_size:,} bytes)")


def main(arguments: list[str] | None = None) -> int:
    """Make the file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument(
        "--work",
        type=Path,
        default=Path("_build/bench/variants"),
        help="folder for finished data sets (default: %(default)s)",
    )
    options = parser.parse_args(arguments)
    options.work.mkdir(parents=True, exist_ok=True)
    run(options.work)
    return 0


if __name__ == "__main__":
    sys.exit(main())

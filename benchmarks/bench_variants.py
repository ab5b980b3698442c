"""Train the networks of lesson 10 from several starts on several data sets, and store how well they detect.

``python -m benchmarks.bench_variants`` writes ``notebooks/data/variants_10.npz``, which the lesson reads,
in about ten minutes on two idle cores. Networks, data and scores are the lesson's own: its cells are run
here. Each finished data set is kept in ``--work``, so a run that was stopped goes on. ``--check`` trains
the table's networks of one start anew and compares them with the file.
"""

import argparse
import os
from pathlib import Path

os.environ["AECOURSE_PROGRESS"] = "0"

import nbformat
import numpy as np

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


def lesson():
    """Run the lesson's cells that define data, networks and scores, and return what they define."""
    sources = {cell.id: cell.source for cell in nbformat.read(NOTEBOOK, as_version=4).cells}
    names = {}
    for name in CELLS:
        exec(sources[name], names)
    return names


def load(names, dataset):
    """Return train, validation and test rows, test labels and test groups of one data set."""
    return names["table_data"]() if dataset == "tumours" else names["digit_data"](int(dataset[-1]))


def measure(names, dataset, data, seed, wanted=NAMES):
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
    wanted : sequence of str
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
    evaluation = names["evaluation"]
    return {
        name: (evaluation.auroc(y, score), evaluation.average_precision(y, score))
        for name, score in scores.items()
        if name in wanted
    }


def simple(names, dataset, data):
    """Return AUROC and average precision of the strong simple baselines."""
    methods = names["baselines"].strong(scale=dataset == "tumours")
    scores = {name: method.fit(data[0]).anomaly_score(data[2]) for name, method in methods.items()}
    evaluation = names["evaluation"]
    return {
        name: (evaluation.auroc(data[3], score), evaluation.average_precision(data[3], score))
        for name, score in scores.items()
    }


def run(work):
    """Measure everything, one file a data set in ``work``, and join the files."""
    names = lesson()
    parts = {}
    for dataset in DATASETS:
        path = work / f"{dataset.replace(' ', '_')}.npz"
        if not path.exists():
            data = load(names, dataset)
            found = [measure(names, dataset, data, seed) for seed in SEEDS]
            nothing = (np.nan, np.nan)
            values = np.array([[one.get(name, nothing) for one in found] for name in NAMES])
            classical = simple(names, dataset, data)
            np.savez(
                path,
                values=values,
                simple=np.array(list(classical.values())),
                simple_names=np.array(list(classical)),
            )
            means = (f"{name} {row[:, 0].mean():.3f}" for name, row in zip(NAMES, values, strict=True))
            print(dataset, *means, sep="\n  ", flush=True)
        with np.load(path) as archive:
            parts[dataset] = dict(archive)
    values = np.stack([part["values"] for part in parts.values()])
    classical = np.stack([part["simple"] for part in parts.values()])
    np.savez_compressed(
        STORED,
        datasets=np.array(DATASETS),
        names=np.array(NAMES),
        seeds=np.array(SEEDS),
        auroc=values[..., 0],
        average_precision=values[..., 1],
        simple_names=parts[DATASETS[0]]["simple_names"],
        simple_auroc=classical[..., 0],
        simple_average_precision=classical[..., 1],
    )
    print("wrote", STORED.name, STORED.stat().st_size, "bytes")


def difference(dataset="tumours", seed=4, wanted=("tied", "denoising")):
    """Train some networks anew and return the largest difference from the stored figures."""
    names = lesson()
    again = measure(names, dataset, load(names, dataset), seed, wanted)
    with np.load(STORED) as stored:
        place = list(stored["datasets"]).index(dataset), list(stored["seeds"]).index(seed)
        kinds = list(stored["names"])
        return max(
            abs(stored[what][place[0], kinds.index(name), place[1]] - value)
            for name, values in again.items()
            for what, value in zip(("auroc", "average_precision"), values, strict=True)
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--work",
        type=Path,
        default=Path("_build/bench/variants"),
        help="folder for what is finished (default: %(default)s)",
    )
    parser.add_argument("--check", action="store_true", help="compare one start of the table with the file")
    options = parser.parse_args()
    if options.check:
        print(f"largest difference from the stored figures: {difference():.1e}")
        return
    options.work.mkdir(parents=True, exist_ok=True)
    run(options.work)


if __name__ == "__main__":
    main()

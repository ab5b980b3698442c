"""Make the figures of lesson 08: each of its networks, trained from five starts.

``python -m tools.make_imbalanced`` writes ``notebooks/data/starts_08.npz`` in about five minutes on two idle
cores. Each finished start is kept in ``--work``, so an interrupted run continues.
`benchmarks.bench_imbalanced` trains networks of one start again and compares them with the file.
"""

import argparse
import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path

os.environ["AECOURSE_PROGRESS"] = "0"

import keras
import numpy as np
from numpy.typing import NDArray

from aecourse import builders, datasets, evaluation, training
from aecourse._support.files import whole_file
from tools.stored import write_arrays

STORED = Path(__file__).parents[1] / "notebooks" / "data" / "starts_08.npz"
SEEDS = tuple(range(5))
MEASURES = ("AUROC, labels", "AP, labels", "AUROC, cluster", "AP, cluster")
PRECISION = "float64"  # as in the lesson, so that the figures do not depend on the processor


@functools.cache
def rows() -> dict[str, NDArray]:
    """Return the lesson's rows: as drawn, standardised and whitened, with labels and the true cluster."""
    split = datasets.make_imbalanced()
    center, scale = split.X_train.mean(axis=0), split.X_train.std(axis=0)
    parts = {"train": split.X_train, "val": split.X_val, "test": split.X_test}
    standard = {name: (part - center) / scale for name, part in parts.items()}
    variances, directions = np.linalg.eigh(np.cov(standard["train"].T))
    whitener = (directions / np.sqrt(variances)) @ directions.T
    real = np.char.startswith(np.asarray(split.groups_test, dtype=str), "anomaly").astype(int)
    return {
        **{f"X_{name}": part for name, part in parts.items()},
        **{f"Z_{name}": part for name, part in standard.items()},
        **{f"W_{name}": part @ whitener for name, part in standard.items()},
        "all": datasets.make_imbalanced(validation_fraction=0).X_train,
        "y": split.y_test,
        "real": real,
    }


def measure(score: NDArray) -> list[float]:
    """Return the ``MEASURES`` of scores of the test rows."""
    return [
        figure(truth, score)
        for truth in (rows()["y"], rows()["real"])
        for figure in (evaluation.auroc, evaluation.average_precision)
    ]


def residual(model: keras.Model, X: NDArray) -> NDArray:
    """Return rows minus their reconstructions."""
    return X - training.predict(model, X)


def absolute(model: keras.Model, X: NDArray) -> NDArray:
    """Return the mean absolute error of each row, shape (n,)."""
    return np.abs(residual(model, X)).mean(axis=1)


def squared(model: keras.Model, X: NDArray) -> NDArray:
    """Return the mean squared error of each row, shape (n,)."""
    return (residual(model, X) ** 2).mean(axis=1)


def whitened_size(residuals: NDArray, reference: NDArray) -> NDArray:
    """Return the squared length of residuals, whitened by the covariance of the reference residuals."""
    inverse = np.linalg.pinv(np.cov(reference.T), rcond=1e-10, hermitian=True)
    centred = residuals - reference.mean(axis=0)
    return (centred @ inverse * centred).sum(axis=1)


def _lab_model(seed: int, output: str) -> keras.Model:
    return builders.dense(32, (16, 8), 4, output=output, loss="mae", random_state=seed, dtype=PRECISION)


def as_published(seed: int) -> list[list[float]]:
    """Train the published network on all training rows as drawn."""
    model = builders.imbalanced_lab(random_state=seed, dtype=PRECISION)
    training.fit(model, rows()["all"], epochs=20, batch_size=64, random_state=seed)
    return [measure(absolute(model, rows()["X_test"]))]


def linear(seed: int, table: str) -> list[list[float]]:
    """Train the published layers with a linear output, on rows as drawn (X) or standardised (Z)."""
    model = _lab_model(seed, "linear")
    training.fit(model, rows()[f"{table}_train"], epochs=20, batch_size=64, random_state=seed)
    return [measure(absolute(model, rows()[f"{table}_test"]))]


def code(seed: int, size: int) -> list[list[float]]:
    """Train one hidden layer of 64 units each way; return the plain and the whitened score."""
    model = builders.dense(32, (64,), size, code_activation="linear", random_state=seed, dtype=PRECISION)
    training.fit(model, rows()["Z_train"], epochs=8, batch_size=256, random_state=seed)
    val, test = residual(model, rows()["Z_val"]), residual(model, rows()["Z_test"])
    return [measure((test**2).mean(axis=1)), measure(whitened_size(test, val))]


def narrow(seed: int) -> list[list[float]]:
    """Train a linear code of 28 units on whitened rows."""
    model = builders.dense(32, (), 28, activation="linear", random_state=seed, dtype=PRECISION)
    training.fit(model, rows()["W_train"], epochs=10, batch_size=256, random_state=seed)
    return [measure(squared(model, rows()["W_test"]))]


def denoising(seed: int, table: str = "W") -> list[list[float]]:
    """Train the linear denoising autoencoder on whitened (W) or standardised (Z) rows."""
    model = builders.denoising(
        32, (), 32, activation="linear", amount=1.0, random_state=seed, dtype=PRECISION
    )
    training.fit(model, rows()[f"{table}_train"], epochs=10, batch_size=256, random_state=seed)
    return [measure(squared(model, rows()[f"{table}_test"]))]


#: What is trained for each start, and the names of what each training gives.
TRAININGS: dict[tuple[str, ...], Callable[[int], list[list[float]]]] = {
    ("as published",): as_published,
    ("linear output",): functools.partial(linear, table="X"),
    ("linear output, standardised",): functools.partial(linear, table="Z"),
    ("code of 4", "code of 4, whitened residuals"): functools.partial(code, size=4),
    ("code of 16", "code of 16, whitened residuals"): functools.partial(code, size=16),
    ("code of 28", "code of 28, whitened residuals"): functools.partial(code, size=28),
    ("whitened rows, code of 28",): narrow,
    ("standardised rows, denoising",): functools.partial(denoising, table="Z"),
    ("whitened rows, denoising",): denoising,
}
NAMES = tuple(name for names in TRAININGS for name in names)


def one_start(seed: int) -> NDArray[np.float64]:
    """Return the measures of all trainings from one start, shape (names, measures)."""
    return np.array([line for train in TRAININGS.values() for line in train(seed)])


def kept(path: Path, seed: int) -> NDArray[np.float64]:
    """Return what is stored of one start, which is trained first if the file does not exist."""
    if not path.exists():
        figures = one_start(seed)
        with whole_file(path) as temporary:
            np.save(temporary, figures)
        print(path.stem, np.round(figures[:, 1], 3), flush=True)
    return np.load(path)


def main(arguments: list[str] | None = None) -> int:
    """Make the file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument(
        "--work",
        type=Path,
        default=Path("_build/bench/imbalanced"),
        help="folder for finished starts (default: %(default)s)",
    )
    options = parser.parse_args(arguments)
    options.work.mkdir(parents=True, exist_ok=True)
    keras.config.set_floatx(PRECISION)
    by_start = np.array([kept(options.work / f"start-{seed}.npy", seed) for seed in SEEDS])
    write_arrays(
        STORED,
        {"names": np.array(NAMES), "measure_names": np.array(MEASURES), "by_start": by_start},
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Make the figures and the scores of lesson 06: its networks, trained from several starts and on all digits.

``python -m tools.make_zeros`` writes ``notebooks/data/starts_06.npz`` and ``notebooks/data/scores_06.npz``
in about ten minutes on two idle cores. Each finished training is kept in ``--work``, so an interrupted run
continues. `benchmarks.bench_zeros` trains one start again and compares it with the file.
"""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["AECOURSE_PROGRESS"] = "0"

import keras
import numpy as np
from numpy.typing import NDArray

from aecourse import baselines, builders, datasets, evaluation, training
from aecourse._support.files import whole_file

DATA = Path(__file__).parents[1] / "notebooks" / "data"
STARTS, SCORES = DATA / "starts_06.npz", DATA / "scores_06.npz"
SIZES = (2, 4, 8, 16, 32, 64)
SEEDS = tuple(range(5))
DIGITS = tuple(range(10))
CODE_SIZE = 16  # of all networks but those of the sweep
EPOCHS, PATIENCE, BATCH = 40, 3, 64
STOPPING_SHARE = 8  # one training row in eight stops the training
SHORT = 7  # epochs of the short training
WATCHED = (1, 2, 3, 5, SHORT, 10, 15, 20, 25, 30, 35)  # epochs at which the network is measured
BUDGET = 0.01
PRECISION = "float64"  # as in the lesson, so that the figures do not depend on the processor
MEASURES = ("AUROC", "recall", "false-alarm rate", "recall at equal alarms", "ones flagged")
SIMPLE = ("PCA reconstruction, 32", "k-NN, 5 nearest")


def error(model: keras.Model, X: NDArray) -> NDArray[np.float64]:
    """Return the mean squared error of each row, shape (n,)."""
    return ((training.predict(model, X) - X) ** 2).mean(axis=1)


def measure(
    score: Callable[[NDArray], NDArray], split: datasets.Split, test_score: NDArray | None = None
) -> list[float]:
    """Return the ``MEASURES`` of a detector.

    ``recall`` and ``false-alarm rate`` are those at its own conformal threshold for the budget, chosen on the
    validation rows. ``recall at equal alarms`` is that at the threshold that flags the budget's share of the
    normal *test* rows, so that all detectors give equally many false alarms.
    """
    val_score = score(split.X_val)
    test_score = score(split.X_test) if test_score is None else test_score
    normal, anomaly = split.y_test == 0, split.y_test == 1
    own = np.sort(val_score)[-int(BUDGET * (len(val_score) + 1))]
    equal = np.sort(test_score[normal])[-int(BUDGET * normal.sum()) - 1]
    return [
        evaluation.auroc(split.y_test, test_score),
        np.mean(test_score[anomaly] > own),
        np.mean(test_score[normal] > own),
        np.mean(test_score[anomaly] > equal),
        np.mean(test_score[split.groups_test == 1] > own),
    ]


class Watch(keras.callbacks.Callback):
    """Measure the network after some of its epochs."""

    def __init__(self, split: datasets.Split, epochs: tuple[int, ...]) -> None:
        super().__init__()
        self.split, self.epochs = split, epochs
        self.seen: dict[int, list[float]] = {}

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if epoch + 1 in self.epochs:
            self.seen[epoch + 1] = measure(lambda X: error(self.model, X), self.split)


def train(
    split: datasets.Split,
    code_size: int,
    seed: int,
    watched: tuple[int, ...] = (SHORT,),
    epochs: int = EPOCHS,
) -> tuple[keras.Model, Watch, dict[str, list[float]]]:
    """Train the deeper network of the lesson; return it, what was measured on the way, and its history."""
    model = builders.dense(
        784,
        (128,),
        code_size,
        code_activation="linear",
        output="sigmoid",
        random_state=seed,
        dtype=PRECISION,
    )
    watch = Watch(split, watched)
    stopper = keras.callbacks.EarlyStopping(patience=PATIENCE, restore_best_weights=True)
    stop = len(split.X_train) // STOPPING_SHARE  # X_val is kept for the threshold
    history = training.fit(
        model,
        split.X_train[:-stop],
        epochs=epochs,
        batch_size=BATCH,
        validation_data=split.X_train[-stop:],
        callbacks=[watch, stopper],
        random_state=seed,
    )
    return model, watch, history.history


def one_deeper(
    split: datasets.Split, code_size: int, seed: int, watched: tuple[int, ...]
) -> dict[str, NDArray[np.float64]]:
    """Return what is stored of one training of the deeper network."""
    model, watch, history = train(split, code_size, seed, watched)
    steps = np.full((len(WATCHED) + 1, len(MEASURES)), np.nan)
    for epoch, values in watch.seen.items():
        steps[WATCHED.index(epoch)] = values
    steps[-1] = measure(lambda X: error(model, X), split)  # of the best epoch
    losses = np.array(history["val_loss"])
    return {
        "measures": steps,
        "epochs": np.array(len(losses)),
        "loss": np.array([losses[:SHORT].min(), losses.min()]),
    }


def one_single_layer(split: datasets.Split, code_size: int, seed: int) -> dict[str, NDArray[np.float64]]:
    """Return the measures of the published single layer, trained for its ten epochs."""
    model = builders.dense(784, (), code_size, output="sigmoid", random_state=seed, dtype=PRECISION)
    training.fit(model, split.X_train, epochs=10, batch_size=32, random_state=seed)
    return {"measures": np.array(measure(lambda X: error(model, X), split))}


def one_digit_simple(split: datasets.Split) -> dict[str, NDArray[np.float64]]:
    """Return the measures of the simple methods."""
    methods = (
        baselines.PCAReconstruction(n_components=32, scale=False),
        baselines.KNNDistance(n_neighbors=5, scale=False),
    )
    fitted = [method.fit(split.X_train) for method in methods]
    return {"measures": np.array([measure(method.anomaly_score, split) for method in fitted])}


def kept(path: Path, make: Callable[..., dict[str, NDArray]], *arguments: Any) -> dict[str, NDArray]:
    """Return the arrays of a file, which is made first, with these arguments, if it does not exist."""
    if not path.exists():
        arrays: dict[str, Any] = make(*arguments)
        with whole_file(path) as temporary:
            np.savez(temporary, **arrays)
        print(path.stem, *np.round(arrays["measures"][-1], 3).ravel(), flush=True)
    with np.load(path) as archive:
        return dict(archive)


def run(work: Path) -> dict[str, NDArray]:
    """Return the arrays of ``starts_06.npz``."""
    splits = {digit: datasets.load_mnist_digit(digit) for digit in DIGITS}
    zeros = splits[0]

    def deeper(digit: int, size: int, seed: int) -> dict[str, NDArray]:
        watched = WATCHED if (digit, size) == (0, CODE_SIZE) else (SHORT,)
        path = work / f"deeper-{digit}-{size}-{seed}.npz"
        return kept(path, one_deeper, splits[digit], size, seed, watched)

    def grid(cells: list[list[dict[str, NDArray]]], name: str) -> NDArray:
        return np.array([[cell[name] for cell in row] for row in cells])

    by_seed = [deeper(0, CODE_SIZE, seed) for seed in SEEDS]
    by_digit = [[deeper(digit, CODE_SIZE, seed) for seed in SEEDS] for digit in DIGITS]
    by_size = [[deeper(0, size, seed) for seed in SEEDS] for size in SIZES]
    one_layer = [
        [kept(work / f"single-{size}-{seed}.npz", one_single_layer, zeros, size, seed) for seed in SEEDS]
        for size in SIZES
    ]
    simple = [kept(work / f"simple-{d}.npz", one_digit_simple, splits[d]) for d in DIGITS]
    both = [WATCHED.index(SHORT), len(WATCHED)]
    return {
        "measure_names": np.array(MEASURES),
        "simple_names": np.array(SIMPLE),
        "code_sizes": np.array(SIZES),
        "watched": np.array(WATCHED),
        "zeros": np.array([each["measures"] for each in by_seed]),
        "zeros_epochs": np.array([each["epochs"] for each in by_seed]),
        "by_size": grid(by_size, "measures")[:, :, both],
        "by_size_loss": grid(by_size, "loss"),
        "by_size_epochs": grid(by_size, "epochs"),
        "single_layer": grid(one_layer, "measures"),
        "by_digit": grid(by_digit, "measures")[:, :, both],
        "by_digit_epochs": grid(by_digit, "epochs"),
        "simple_by_digit": np.array([each["measures"] for each in simple]),
    }


def scores() -> dict[str, NDArray]:
    """Return the arrays of ``scores_06.npz``: the deeper network's scores from the lesson's own start."""
    split = datasets.load_mnist_zeros()
    model, _, _ = train(split, CODE_SIZE, seed=0, watched=())
    measured = {
        "val": error(model, split.X_val),
        "test": error(model, split.X_test),
        "y": split.y_test,
        "groups": split.groups_test,
    }
    return {name: np.asarray(values, "float32") for name, values in measured.items()}


def write(path: Path, arrays: dict[str, Any]) -> None:
    """Write arrays to a file, whole or not at all."""
    with whole_file(path) as temporary:
        np.savez_compressed(temporary, **arrays)
    print(f"written: {path.name} ({path.stat().st_size:,} bytes)")


def main(arguments: list[str] | None = None) -> int:
    """Make both files."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument(
        "--work",
        type=Path,
        default=Path("_build/bench/zeros"),
        help="folder for finished trainings (default: %(default)s)",
    )
    options = parser.parse_args(arguments)
    options.work.mkdir(parents=True, exist_ok=True)
    write(STARTS, run(options.work))
    write(SCORES, scores())
    return 0


if __name__ == "__main__":
    sys.exit(main())

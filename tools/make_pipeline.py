"""Make the figures of lesson 04: its networks on five splits of the tumours, from five starts each, and
the tutorial's network with each scaling and output on one split.

``python -m tools.make_pipeline`` writes ``notebooks/data/starts_04.npz`` in about four minutes on
two idle cores.
`benchmarks.bench_pipeline` trains one start again and compares it with the file.
"""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

os.environ["AECOURSE_PROGRESS"] = "0"

import keras
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler

from aecourse import baselines, builders, evaluation, training
from tools.stored import write_arrays

STORED = Path(__file__).parents[1] / "notebooks" / "data" / "starts_04.npz"
SEEDS = tuple(range(5))  # of the splits, and of the starts on each
CODES = (10, 20, 30)
NETWORKS = ("as published", "repaired, 10 epochs", "repaired, stopped", *(f"code of {k}" for k in CODES))
SIMPLE = ("size of the numbers", "PCA reconstruction", "Mahalanobis", "k-NN", "Isolation Forest")
BUDGET = 0.05
MEASURES = ("AUROC", "recall at equal alarms", "columns seen")
SCALERS = {"raw": FunctionTransformer, "min-max": MinMaxScaler, "standardised": StandardScaler}
OUTPUTS = ("sigmoid", "linear")
PRECISION = "float64"  # as in the lesson, so that the figures do not depend on the processor


@dataclass
class Rows:
    """The parts of the lesson's split: normal rows to fit and to stop, and a test set."""

    fit: NDArray
    stop: NDArray
    test: NDArray
    y: NDArray  # 1 for malignant


def split(seed: int) -> Rows:
    """Return the lesson's split; the lesson itself shows seed 0."""
    table, target = load_breast_cancer(return_X_y=True, as_frame=True)
    known, test_benign = train_test_split(table[target == 1], test_size=107, random_state=seed)
    known, _ = train_test_split(known, test_size=50, random_state=seed)  # for the threshold
    fit, stop = train_test_split(known, test_size=40, random_state=seed)
    test = pd.concat([test_benign, table[target == 0]])
    labels = np.repeat([0, 1], [107, 212])
    return Rows(fit.to_numpy(), stop.to_numpy(), test.to_numpy(), labels)


def error(model: keras.Model, X: NDArray) -> NDArray:
    """Return the mean squared error of each row, shape (n,)."""
    return ((training.predict(model, X) - X) ** 2).mean(axis=1)


def measure(score: Callable[[NDArray], NDArray], rows: Rows) -> list[float]:
    """Return the ``MEASURES`` of a detector.

    Recall and columns are those at the threshold above which 5 % of the normal test rows lie, so that each
    detector raises the same number of false alarms. A column is seen if one value six standard deviations
    above its mean raises an alarm in more than half of the normal test rows.
    """
    on_test = score(rows.test)
    normal = on_test[rows.y == 0]
    equal = np.sort(normal)[-int(BUDGET * len(normal)) - 1]
    mean, deviation = rows.fit.mean(axis=0), rows.fit.std(axis=0)
    seen = 0
    for column in range(rows.fit.shape[1]):
        damaged = rows.test[rows.y == 0]
        damaged[:, column] = mean[column] + 6 * deviation[column]
        seen += np.mean(score(damaged) > equal) > 0.5
    return [evaluation.auroc(rows.y, on_test), np.mean(on_test[rows.y == 1] > equal), seen]


def tutorial(output: str, n_features: int, seed: int) -> keras.Model:
    """Return the tutorial's network with this output activation."""
    keras.utils.set_random_seed(seed)
    relu = [keras.layers.Dense(units, activation="relu") for units in (64, 32, 64)]
    model = keras.Sequential(
        [keras.Input((n_features,)), *relu, keras.layers.Dense(n_features, activation=output)]
    )
    model.compile(optimizer="adam", loss="mse")
    return model


def recipe(code_size: int, n_features: int, seed: int) -> keras.Model:
    """Return the recipe's network."""
    return builders.dense(
        n_features,
        hidden=(64,),
        code_size=code_size,
        activation="tanh",
        code_activation="linear",
        output="linear",
        learning_rate=0.003,
        random_state=seed,
        dtype=PRECISION,
    )


def network(name: str, rows: Rows, seed: int) -> list[float]:
    """Train one network and return its measures."""
    n_features = rows.fit.shape[1]
    raw = name == "as published"
    mean, deviation = (0, 1) if raw else (rows.fit.mean(axis=0), rows.fit.std(axis=0))
    fit, stop = ((part - mean) / deviation for part in (rows.fit, rows.stop))
    if name.startswith("code of"):
        model = recipe(int(name.rpartition(" ")[2]), n_features, seed)
    else:
        model = tutorial("sigmoid" if raw else "linear", n_features, seed)
    if raw or name.endswith("10 epochs"):
        training.fit(model, fit, epochs=10, batch_size=32, random_state=seed)
    else:
        training.fit(
            model,
            fit,
            epochs=300,
            batch_size=32,
            validation_data=stop,
            early_stopping=10,
            random_state=seed,
        )
    return measure(lambda X: error(model, (X - mean) / deviation), rows)


def unexplained(scaling: str, output: str, rows: Rows, seed: int) -> float:
    """Train the tutorial's network on scaled rows for 100 epochs; return its error on the stopping rows.

    The reconstructions go back into the table's units, and the error of each column is divided by its
    variance, so that answering the column's mean gives about 1.
    """
    scaler = SCALERS[scaling]()
    Z = scaler.fit_transform(rows.fit)
    model = tutorial(output, rows.fit.shape[1], seed)
    training.fit(model, Z, epochs=100, batch_size=32, random_state=seed)
    redrawn = scaler.inverse_transform(training.predict(model, scaler.transform(rows.stop)))
    return float(np.mean(((redrawn - rows.stop) / rows.fit.std(axis=0)) ** 2))


def ranges(start: int) -> list[list[float]]:
    """Return the unexplained share of each scaling and output on the split that the lesson shows."""
    return [[unexplained(scaling, output, split(0), start) for output in OUTPUTS] for scaling in SCALERS]


def simple(rows: Rows) -> list[list[float]]:
    """Return the measures of the simple methods, each given the rows that fit the networks."""
    methods = baselines.strong()
    scores = {"size of the numbers": lambda X: np.mean(X**2, axis=1)}
    scores |= {name: method.fit(rows.fit).anomaly_score for name, method in methods.items()}
    return [measure(scores[name], rows) for name in SIMPLE]


def run() -> dict[str, NDArray]:
    """Return the arrays of ``starts_04.npz``."""
    keras.config.set_floatx(PRECISION)
    keras.config.set_dtype_policy(PRECISION)
    figures = []
    for seed in SEEDS:
        rows = split(seed)
        figures.append([[network(name, rows, start) for name in NETWORKS] for start in SEEDS])
        print(f"split {seed}", np.mean(figures[-1], axis=0).round(3).tolist(), flush=True)
    return {
        "networks": np.array(NETWORKS),
        "simple": np.array(SIMPLE),
        "by_network": np.array(figures),  # split, start, network, measure
        "by_simple": np.array([simple(split(seed)) for seed in SEEDS]),  # split, method, measure
        "scalers": np.array(list(SCALERS)),
        "outputs": np.array(OUTPUTS),
        "ranges": np.array([ranges(start) for start in SEEDS]),  # start, scaler, output
    }


def main() -> int:
    """Make the file."""
    write_arrays(STORED, run())
    return 0


if __name__ == "__main__":
    sys.exit(main())

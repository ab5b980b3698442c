"""Make the figures of lesson 05: its network on five splits of each task, from five starts each, and others.

``python -m tools.make_iris`` writes ``notebooks/data/starts_05.npz`` in about ten minutes on two idle cores.
`benchmarks.bench_iris` trains some starts again and compares them with the file.
"""

import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

os.environ["AECOURSE_PROGRESS"] = "0"

import keras
import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from aecourse import baselines, builders, datasets, evaluation, training
from tools.stored import write_arrays

STORED = Path(__file__).parents[1] / "notebooks" / "data" / "starts_05.npz"
SEEDS = tuple(range(5))  # of the splits, and of the starts on each
TASKS = ("setosa", "versicolor", "virginica", "planted")
LESSON = "code of 2"  # trained from five starts on each split; the others from one start, the split's number
OTHERS = ("code of 1", "code of 3", "printed layers, repaired")
SIMPLE = ("PCA reconstruction", "Mahalanobis", "k-NN", "Isolation Forest")
MEASURES = ("AUROC", "recall", "false-alarm rate")
EPOCHS, BATCH, RATE = 300, 16, 0.003
OUTPUTS = ("relu", "linear")
TRAININGS = {  # of the printed layers: optimizer, its rate, epochs, rows in a batch
    "Adadelta 0.001, 10 steps (printed)": ("Adadelta", 0.001, 10, 256),
    "Adadelta 0.001, 600 steps": ("Adadelta", 0.001, 100, 16),
    "Adadelta 1.0, 10 steps": ("Adadelta", 1.0, 10, 256),
    "Adam 0.001, 600 steps": ("Adam", 0.001, 100, 16),
}
PRECISION = "float64"  # as in the lesson, so that the figures do not depend on the processor


def plant(flowers: NDArray, others: NDArray, rng: np.random.Generator) -> tuple[NDArray, NDArray]:
    """Return damaged copies of flowers, a third of them in each way, and the names of the damages."""
    damaged, kinds = flowers.copy(), np.repeat(["inches", "swapped", "borrowed"], len(flowers) // 3)
    for flower, kind in zip(damaged, kinds, strict=True):
        column = rng.integers(4)
        if kind == "inches":
            flower[column] /= 2.54
        elif kind == "swapped":
            flower[[0, 2]] = flower[[2, 0]]
        else:
            flower[column] = others[rng.integers(len(others)), column]
    return damaged, kinds


def split(task: str, seed: int) -> datasets.Split:
    """Return the rows of a task; the lesson shows seed 0."""
    if task != "planted":
        return datasets.load_iris_novelty(task, random_state=seed)
    iris = load_iris().data
    rng = np.random.default_rng(seed)
    train, val, test, chosen = np.split(rng.permutation(150), [70, 100, 120])
    damaged, kinds = plant(iris[chosen], iris[train], rng)
    return datasets.Split(
        X_train=iris[train],
        X_val=iris[val],
        X_test=np.vstack([iris[test], damaged]),
        y_test=np.repeat([0, 1], [20, 30]),
        groups_test=np.r_[np.repeat("sound", 20), kinds],
        feature_names=tuple(load_iris().feature_names),
        name="Iris, planted errors",
        description="150 flowers, 30 of them damaged.",
        licence="CC BY 4.0",
        citation="Fisher (1936), Annals of Eugenics 7.",
    )


def measure(score: Callable[[NDArray], NDArray], rows: datasets.Split) -> list[float]:
    """Return the ``MEASURES``: the last two at the conformal threshold for 6 %, or 4 % with 30 rows."""
    on_val, on_test = score(rows.X_val), score(rows.X_test)
    alarms = on_test > np.sort(on_val)[-1]  # m = 1, the largest of 16 or of 30 scores
    return [
        evaluation.auroc(rows.y_test, on_test),
        alarms[rows.y_test == 1].mean(),
        alarms[rows.y_test == 0].mean(),
    ]


def make_network(name: str, seed: int) -> keras.Model:
    """Return the lesson's network, or one of the ``OTHERS``, compiled with Adam."""
    if name.startswith("code of"):
        return builders.dense(
            4,
            hidden=(16,),
            code_size=int(name[-1]),
            activation="tanh",
            code_activation="linear",
            output="linear",
            learning_rate=RATE,
            random_state=seed,
            dtype=PRECISION,
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # it has no bottleneck
        printed = builders.iris_printed(random_state=seed, dtype=PRECISION)
    output = keras.layers.Dense(4, dtype=PRECISION, kernel_initializer=keras.initializers.GlorotUniform(seed))
    model = keras.Model(printed.inputs[0], output(printed.layers[-2].output))
    model.compile(optimizer=keras.optimizers.Adam(RATE), loss="mse")
    return model


def network(name: str, rows: datasets.Split, seed: int) -> list[float]:
    """Train one network and return its measures."""
    mean, deviation = rows.X_train.mean(axis=0), rows.X_train.std(axis=0)
    model = make_network(name, seed)
    training.fit(model, (rows.X_train - mean) / deviation, epochs=EPOCHS, batch_size=BATCH, random_state=seed)

    def score(X: NDArray) -> NDArray:
        Z = (X - mean) / deviation
        return ((training.predict(model, Z) - Z) ** 2).mean(axis=1)

    return measure(score, rows)


def printed_layers(output: str, seed: int) -> keras.Model:
    """Return the lab's layers with this output activation, not compiled."""
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    rows = keras.Input((4,))
    penalty = keras.regularizers.L1(10e-5)
    hidden = layers.Dense(100, activation="tanh", activity_regularizer=penalty)(rows)
    for units, activation in ((50, "relu"), (50, "tanh"), (100, "tanh")):
        hidden = layers.Dense(units, activation=activation)(hidden)
    return keras.Model(rows, layers.Dense(4, activation=output)(hidden))


def causes(seed: int) -> list[list[float]]:
    """Return the error of the printed layers on the lab's 96 training rows, by output and training.

    All trainings begin with the same weights, those of the seed.
    """
    flowers, _ = train_test_split(load_iris().data, test_size=0.2, random_state=0)
    rows = StandardScaler().fit_transform(flowers)[:96]  # what validation_split=0.2 leaves for training
    errors: list[list[float]] = []
    for output in OUTPUTS:
        errors.append([])
        for optimizer, rate, epochs, batch_size in TRAININGS.values():
            model = printed_layers(output, seed)
            model.compile(optimizer=getattr(keras.optimizers, optimizer)(rate), loss="mse")
            training.fit(model, rows, epochs=epochs, batch_size=batch_size, random_state=seed)
            errors[-1].append(float(np.mean((training.predict(model, rows) - rows) ** 2)))
        keras.backend.clear_session()
    return errors


def in_double(measure_all: Callable[[], list]) -> list:
    """Return what a function measures while Keras computes in double precision."""
    policy, floatx = keras.config.dtype_policy(), keras.config.floatx()
    keras.config.set_floatx(PRECISION)
    keras.config.set_dtype_policy(PRECISION)
    try:
        return measure_all()
    finally:
        keras.config.set_floatx(floatx)
        keras.config.set_dtype_policy(policy)


def simple(rows: datasets.Split) -> list[list[float]]:
    """Return the measures of the simple methods, each given the rows that fit the networks."""
    methods = baselines.strong() | {"PCA reconstruction": baselines.PCAReconstruction(n_components=2)}
    return [measure(methods[name].fit(rows.X_train).anomaly_score, rows) for name in SIMPLE]


def run() -> dict[str, NDArray]:
    """Return the arrays of ``starts_05.npz``."""
    ours, others = [], []
    for task in TASKS:
        for seed in SEEDS:
            rows = split(task, seed)
            ours.append([network(LESSON, rows, start) for start in SEEDS])
            others.append([network(name, rows, seed) for name in OTHERS])
            keras.backend.clear_session()
            print(task, seed, np.round([*ours[-1], *others[-1]], 2).tolist(), flush=True)
    shape = (len(TASKS), len(SEEDS))
    return {
        "tasks": np.array(TASKS),
        "others": np.array(OTHERS),
        "simple": np.array(SIMPLE),
        "by_start": np.reshape(ours, (*shape, len(SEEDS), len(MEASURES))),  # task, split, start, measure
        "by_other": np.reshape(others, (*shape, len(OTHERS), len(MEASURES))),  # task, split, network, measure
        "by_simple": np.array([[simple(split(task, seed)) for seed in SEEDS] for task in TASKS]),
        "outputs": np.array(OUTPUTS),
        "trainings": np.array(list(TRAININGS)),
        "causes": np.array(in_double(lambda: [causes(seed) for seed in SEEDS])),  # start, output, training
    }


def main() -> int:
    """Make the file."""
    write_arrays(STORED, run())
    return 0


if __name__ == "__main__":
    sys.exit(main())

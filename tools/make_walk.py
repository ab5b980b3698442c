"""Make the figures of lesson 13: its networks on eight machines, on a walk and on beats, from five starts.

``python -m tools.make_walk --wheel aeon-1.6.0-py3-none-any.whl`` writes ``notebooks/data/starts_13.npz`` in
about fifteen minutes on two idle cores. Each finished training is kept in ``--work``, so an interrupted run
continues. Without ``--wheel`` the heart beats, which only that file holds, keep their stored figures.
`benchmarks.bench_walk` trains one start of each kind again and compares it with the file.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ["AECOURSE_PROGRESS"] = "0"

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from aecourse import baselines, builders, datasets, thresholds, training, windows
from tools.stored import write_arrays

STORED = Path(__file__).parents[1] / "notebooks" / "data" / "starts_13.npz"
SEEDS = tuple(range(5))
MACHINES = tuple(range(1, 9))
SIZE, DAY = 36, 144  # of the machines
TRAIN = 4 * 7 * DAY
MERGE, ALLOWED = SIZE, 2  # alarms so close are one; alarms in the two validation weeks
SECOND, STEP = 64, 4  # of the walk: points of a window, and from one training window to the next
BEAT = 96  # points of a window of the heart beats, about half a beat
NETWORKS = ("dense", "convolutional", "LSTM")
ON_BEATS = NETWORKS[:2]  # the LSTM takes minutes a start there
SIMPLE = (
    "PCA, window error",
    "PCA, channel errors, whitened",
    "k-NN",
    "spreads of the channels",
    "correlations of the channels",
)
FAULTS = ("stuck", "turned", "late")
EPOCHS, BATCH, RATE, CODE = 30, 32, 0.003, 16
PRECISION = "float64"  # as in the lesson, so that the figures do not depend on the processor


def alarm_limit(score: NDArray, part: slice, allowed: int = ALLOWED, merge: int = MERGE) -> float:
    """Return the lowest threshold that, with all higher ones, gives at most so many alarms in a part."""
    known, limit = score[part], np.inf
    for lower in np.sort(known)[::-1]:
        if len(windows.runs((known > lower).astype(int), merge=merge)) > allowed:
            break
        limit = lower
    return float(limit)


def judge(flags: NDArray, series: datasets.TimeSeries) -> list[float]:
    """Return the faults found and the false alarms a week of flags in the test part."""
    flags = np.where(np.arange(len(flags)) < series.test.start, 0, flags).astype(int)
    report = windows.event_report(series.events, flags, merge=MERGE)
    return [report.found, (report.n_alarms - report.right) / 12]


def seasonal(values: NDArray, n_days: int = 28) -> NDArray:
    """Return each point's distance from the same time of the first days, as in the lesson."""
    days = values.reshape(-1, DAY)
    weekend, known = np.arange(len(days)) % 7 >= 5, np.arange(len(days)) < n_days
    result = np.empty(days.shape)
    for kind in (False, True):
        typical = days[known & (weekend == kind)]
        typical = np.concatenate([np.roll(typical, shift, axis=1) for shift in (-1, 0, 1)])
        here = weekend == kind
        result[here] = np.abs(days[here] - typical.mean(axis=0)) / typical.std(axis=0, ddof=1)
    return result.ravel()


def machine_network(values: NDArray, seed: int, epochs: int = 30) -> Callable[[NDArray], NDArray]:
    """Train the dense network on a machine's own weeks; return its whitened point scores of any values."""
    mean, sd = values[:TRAIN].mean(), values[:TRAIN].std()
    model = builders.dense(
        SIZE, hidden=(64,), code_size=8, code_activation="linear", random_state=seed, dtype=PRECISION
    )
    rows = windows.sliding((values[:TRAIN] - mean) / sd, SIZE)
    training.fit(model, rows, epochs=epochs, random_state=seed)
    whitener = baselines.MahalanobisDistance(scale=False).fit(training.predict(model, rows) - rows)

    def scores(values: NDArray) -> NDArray:
        rows = windows.sliding((values - mean) / sd, SIZE)
        each = whitener.anomaly_score(training.predict(model, rows) - rows)
        return windows.point_scores(each, len(values), size=SIZE)

    return scores


def one_machine(machine: int, seed: int, epochs: int = 30) -> dict[str, NDArray]:
    """Return found and false alarms a week: the network alone, and with the profile at half budgets each."""
    series = datasets.make_machine_temperature(random_state=machine)
    score = machine_network(series.values, seed, epochs)(series.values)
    profile = seasonal(series.values)
    alone = score > alarm_limit(score, series.validation)
    both = (score > alarm_limit(score, series.validation, 1)) | (
        profile > alarm_limit(profile, series.validation, 1)
    )
    return {"found": np.array([judge(flags, series) for flags in (alone, both)])}


def transferred(seed: int) -> dict[str, NDArray]:
    """Return the same for the network of the lesson's machine, which has seen none of the eight."""
    scores = machine_network(datasets.make_machine_temperature(random_state=0).values, seed)
    rows = []
    for machine in MACHINES:
        series = datasets.make_machine_temperature(random_state=machine)
        score = scores(series.values)
        rows.append(judge(score > alarm_limit(score, series.validation), series))
    return {"found": np.array(rows)}


def network(kind: str, shape: tuple[int, int], seed: int) -> keras.Model:
    """Build one of the three autoencoders of the lesson for windows of a shape (steps, channels)."""
    keras.utils.set_random_seed(seed)
    steps, channels = shape
    if kind == "dense":
        inner = [
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(CODE),
            layers.Dense(128, activation="relu"),
            layers.Dense(steps * channels),
            layers.Reshape(shape),
        ]
    elif kind == "convolutional":
        inner = [
            layers.Conv1D(32, 7, strides=2, padding="same", activation="relu"),
            layers.Conv1D(16, 7, strides=2, padding="same", activation="relu"),
            layers.Flatten(),
            layers.Dense(CODE),
            layers.Dense(steps // 4 * 16, activation="relu"),
            layers.Reshape((steps // 4, 16)),
            layers.Conv1DTranspose(32, 7, strides=2, padding="same", activation="relu"),
            layers.Conv1DTranspose(channels, 7, strides=2, padding="same"),
        ]
    else:
        inner = [
            layers.LSTM(32),
            layers.Dense(CODE),
            layers.RepeatVector(steps),
            layers.LSTM(32, return_sequences=True),
            layers.Dense(channels),
        ]
    model = keras.Sequential([keras.Input(shape), *inner])
    model.compile(optimizer=keras.optimizers.Adam(RATE), loss="mse")
    return model


def trained(kind: str, rows: NDArray, seed: int, epochs: int = EPOCHS) -> keras.Model:
    """Return one of the three autoencoders, trained on windows in double precision."""
    keras.config.set_floatx(PRECISION)
    model = network(kind, rows.shape[1:], seed)
    model.fit(rows, rows, epochs=epochs, batch_size=BATCH, verbose=0)
    return model


def redrawn(model: keras.Model, rows: NDArray) -> NDArray:
    """Return a network's reconstruction of windows."""
    return np.concatenate([model.predict_on_batch(rows[at : at + 512]) for at in range(0, len(rows), 512)])


def by_channel(redraw: Callable[[NDArray], NDArray], train: NDArray) -> Callable[[NDArray], NDArray]:
    """Return a score of windows: how unusual the errors of their channels are together.

    The mean squared error of each channel is taken in logarithms, so that too small an error counts as well,
    and the Mahalanobis distance of these from those of the training windows is the score.
    """

    def errors(rows: NDArray) -> NDArray:
        return np.log(((redraw(rows) - rows) ** 2).mean(axis=1) + 1e-6)

    typical = baselines.MahalanobisDistance(scale=False).fit(errors(train))
    return lambda rows: typical.anomaly_score(errors(rows))


def window_error(redraw: Callable[[NDArray], NDArray]) -> Callable[[NDArray], NDArray]:
    """Return a score of windows: their mean squared error over all steps and channels."""
    return lambda rows: ((redraw(rows) - rows) ** 2).mean(axis=(1, 2))


def planted(values: NDArray) -> Iterator[tuple[str, int, int, NDArray]]:
    """Yield (kind, start, stop, damaged copy) of the walk's test part, one fault a copy.

    A channel is stuck at one value for a second; or a sensor is turned, so that its first two directions
    change places, or runs a quarter of a second late, each for two seconds.
    """
    for start in range(2 * SECOND, len(values) - 4 * SECOND, 3 * SECOND):
        for channel in range(values.shape[1]):
            copy = values.copy()
            copy[start : start + SECOND, channel] = copy[start, channel]
            yield "stuck", start, start + SECOND, copy
        stop = start + 2 * SECOND
        for first in range(0, values.shape[1], 3):
            copy = values.copy()
            copy[start:stop, [first, first + 1]] = copy[start:stop, [first + 1, first]]
            yield "turned", start, stop, copy
            copy = values.copy()
            late = SECOND // 4
            copy[start:stop, first : first + 3] = values[start - late : stop - late, first : first + 3]
            yield "late", start, stop, copy


def walk_parts() -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Return training windows, validation windows and test windows of the walk, and the test's points."""
    walk = datasets.load_walk()
    known = walk.values[walk.train]
    scaled = (walk.values - known.mean(axis=0)) / known.std(axis=0)
    train, val, test = (
        windows.sliding(scaled[part], SECOND) for part in (walk.train, walk.validation, walk.test)
    )
    return train[::STEP], val, test, scaled[walk.test]


def walk_measures(score: Callable[[NDArray], NDArray]) -> NDArray:
    """Return the realised false-alarm rate, and the share of each fault found, at two thresholds.

    The first is conformal for 1 % of the validation windows; the second gives one alarm in the undamaged
    test part, the same for every method. A fault is found if it makes a window flagged that was not before.
    """
    _, val, test, points = walk_parts()
    val_score, test_score = score(val), score(test)
    limits = (
        thresholds.Conformal(0.01).fit(val_score).threshold_,
        alarm_limit(test_score, slice(None), allowed=1, merge=SECOND),
    )
    found: dict[str, list[list[bool]]] = {kind: [] for kind in FAULTS}
    for kind, start, stop, copy in planted(points):
        first = start - SECOND + 1
        now = score(windows.sliding(copy[first : stop + SECOND - 1], SECOND, STEP))
        before = test_score[first:stop:STEP][: len(now)]
        found[kind].append([bool(np.any((now > limit) & (before <= limit))) for limit in limits])
    shares = [np.mean(found[kind], axis=0) for kind in FAULTS]
    return np.array([np.mean(test_score > limits[0]), *np.transpose(shares).ravel()])


SCORES = ("window error", "channel errors, whitened")


def both_scores(redraw: Callable[[NDArray], NDArray], train: NDArray) -> list[Callable[[NDArray], NDArray]]:
    """Return the two scores of a method that redraws windows."""
    return [window_error(redraw), by_channel(redraw, train)]


def one_walk(kind: str, seed: int, epochs: int = EPOCHS) -> dict[str, NDArray]:
    """Return the measures of one network on the walk with both scores, and its mean errors."""
    train, val, _, _ = walk_parts()
    model = trained(kind, train, seed, epochs)
    scores = both_scores(lambda rows: redrawn(model, rows), train)
    return {
        "measures": np.array([walk_measures(score) for score in scores]),
        "losses": np.array([scores[0](rows).mean() for rows in (train, val)]),
    }


def flat(rows: NDArray) -> NDArray:
    """Return each window as one row."""
    return rows.reshape(len(rows), -1)


def pca(train: NDArray) -> Callable[[NDArray], NDArray]:
    """Return the reconstruction of windows by as many principal components as the codes have units."""
    fitted = baselines.PCAReconstruction(CODE, scale=False).fit(flat(train))
    return lambda rows: fitted.reconstruct(flat(rows)).reshape(rows.shape)


def knn(train: NDArray) -> Callable[[NDArray], NDArray]:
    """Return the distance of windows to the fifth nearest training window."""
    fitted = baselines.KNNDistance(n_neighbors=5, scale=False).fit(flat(train))
    return lambda rows: fitted.anomaly_score(flat(rows))


def correlations(rows: NDArray) -> NDArray:
    """Return the correlation of each pair of channels within each window, shape (n, pairs)."""
    centred = rows - rows.mean(axis=1, keepdims=True)
    centred /= centred.std(axis=1, keepdims=True) + 1e-3
    every = np.einsum("nti,ntj->nij", centred, centred) / rows.shape[1]
    return every[:, *np.triu_indices(rows.shape[2], 1)]


def spreads(rows: NDArray) -> NDArray:
    """Return the logarithm of each channel's standard deviation within each window, shape (n, channels)."""
    return np.log(rows.std(axis=1) + 1e-3)


def of_summaries(summary: Callable[[NDArray], NDArray], train: NDArray) -> Callable[[NDArray], NDArray]:
    """Return a score of windows: the Mahalanobis distance of some summary of them."""
    typical = baselines.MahalanobisDistance(scale=False).fit(summary(train))
    return lambda rows: typical.anomaly_score(summary(rows))


def simple_walk() -> dict[str, NDArray]:
    """Return the measures of the simple methods on the walk, in the order of ``SIMPLE``."""
    train, *_ = walk_parts()
    scores = [*both_scores(pca(train), train), knn(train)]
    scores += [of_summaries(summary, train) for summary in (spreads, correlations)]
    return {"measures": np.array([walk_measures(score) for score in scores])}


def beats_measures(score: Callable[[NDArray], NDArray], wheel: str) -> NDArray:
    """Return how far from the event the highest score lies, and how many alarms come before the event's.

    Alarms are taken from the highest score down, at most half a window apart counted as one. A point gets the
    mean of the scores of the windows that hold it.
    """
    series = datasets.load_internal_bleeding(wheel)
    (event,) = series.events
    known = series.values[series.train]
    rows = windows.sliding((series.values - known.mean()) / known.std(), BEAT)[..., None]
    points = windows.point_scores(score(rows), len(series.values), size=BEAT)[series.test]
    start, stop = event.start - series.test.start, event.stop - series.test.start
    peak = int(points.argmax())
    away = max(0, start - peak, peak - (stop - 1))
    limit = points[max(0, start - BEAT // 2) : stop + BEAT // 2].max()
    alarms = windows.runs((points >= limit).astype(int), merge=BEAT // 2)
    false = sum(alarm.stop <= start - BEAT // 2 or alarm.start >= stop + BEAT // 2 for alarm in alarms)
    return np.array([away, false])


def beats_train(wheel: str) -> NDArray:
    """Return the training windows of the heart beats."""
    series = datasets.load_internal_bleeding(wheel)
    known = series.values[series.train]
    return windows.sliding((known - known.mean()) / known.std(), BEAT)[..., None]


def one_beats(kind: str, seed: int, wheel: str) -> dict[str, NDArray]:
    """Return the measures of one network on the heart beats."""
    model = trained(kind, beats_train(wheel), seed)
    return {"measures": beats_measures(window_error(lambda rows: redrawn(model, rows)), wheel)}


def simple_beats(wheel: str) -> dict[str, NDArray]:
    """Return the measures of PCA and k-NN on the heart beats."""
    train = beats_train(wheel)
    scores = window_error(pca(train)), knn(train)
    return {"measures": np.array([beats_measures(score, wheel) for score in scores])}


def kept(path: Path, make: Callable[..., dict[str, NDArray]], *arguments: Any) -> dict[str, NDArray]:
    """Return the arrays of a file, which is made first, with these arguments, if it does not exist."""
    if not path.exists():
        write_arrays(path, make(*arguments))
    with np.load(path) as archive:
        return dict(archive)


def everything(work: Path, wheel: str | None) -> dict[str, NDArray]:
    """Return the arrays of ``starts_13.npz``."""
    own = [[kept(work / f"machine-{m}-{s}.npz", one_machine, m, s)["found"] for s in SEEDS] for m in MACHINES]
    moved = [kept(work / f"moved-{s}.npz", transferred, s)["found"] for s in SEEDS]
    walk = [[kept(work / f"walk-{kind}-{s}.npz", one_walk, kind, s) for s in SEEDS] for kind in NETWORKS]
    arrays = {
        "machines": np.array(own),  # machine, start, (alone, with profile), (found, false a week)
        "moved": np.array(moved),  # start, machine, (found, false a week)
        "walk": np.array([[each["measures"] for each in row] for row in walk]),
        "walk_losses": np.array([[each["losses"] for each in row] for row in walk]),
        "walk_simple": kept(work / "walk-simple.npz", simple_walk)["measures"],
    }
    if wheel is None:
        with np.load(STORED) as stored:
            return arrays | {name: stored[name] for name in ("beats", "beats_simple")}
    beats = [
        [kept(work / f"beats-{kind}-{s}.npz", one_beats, kind, s, wheel)["measures"] for s in SEEDS]
        for kind in ON_BEATS
    ]
    simple = kept(work / "beats-simple.npz", simple_beats, wheel)["measures"]
    return arrays | {"beats": np.array(beats), "beats_simple": simple}


def main(arguments: list[str] | None = None) -> int:
    """Write the file; return the exit status."""
    parser = argparse.ArgumentParser(description="Make the figures of lesson 13.")
    parser.add_argument(
        "--work", type=Path, default=Path("_build/walk"), help="folder for finished trainings"
    )
    parser.add_argument("--wheel", help="the wheel of aeon 1.6.0, for the heart beats")
    options = parser.parse_args(arguments)
    options.work.mkdir(parents=True, exist_ok=True)
    write_arrays(STORED, everything(options.work, options.wheel))
    return 0


if __name__ == "__main__":
    sys.exit(main())

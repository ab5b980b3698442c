"""Measure training and scoring against Keras's own loops and against PyOD.

``python -m benchmarks.bench_training --out _build/bench`` writes ``training.json`` and
``training.png``. Both sides of a ratio run in one process, in turn, several times. Other work on the machine
can only add to a time, so the shortest time represents each side; the JSON holds the processor seconds of
each run too. ``--quick`` is a smoke test with small jobs: its
figures mean nothing. ``--rule`` measures the two constants by which ``training.fit`` chooses XLA.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ |= {"AECOURSE_PROGRESS": "0", "TF_CPP_MIN_LOG_LEVEL": "3"}

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from aecourse import builders, datasets, training
from aecourse.training import loops

Result = dict[str, Any]  # of one figure: name, measured, target, at_least, reached, and details
BENCHES = ("lab", "pyod", "zeros dense", "zeros conv", "scaling", "predict")


class _Clock(keras.callbacks.Callback):
    """Seconds of each epoch."""

    def on_train_begin(self, logs=None):
        self.seconds = []

    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(time.perf_counter() - self.start)


def _time_fit(
    kind: str, make: Callable[[], keras.Model], X: NDArray, *, epochs: int, batch_size: int
) -> dict[str, Any]:
    """Build and train one model; return seconds in all, of the fastest later epoch, and the final loss."""
    clock = _Clock()
    start, cpu_start = time.perf_counter(), time.process_time()
    model = make()
    if kind == "keras":
        history = model.fit(X, X, epochs=epochs, batch_size=batch_size, verbose=0, callbacks=[clock])
    else:
        history = training.fit(model, X, epochs=epochs, batch_size=batch_size, callbacks=[clock])
    whole, cpu = time.perf_counter() - start, time.process_time() - cpu_start
    return {
        "whole_s": whole,
        "cpu_s": cpu,
        "epoch_s": min(clock.seconds[1:]),
        "first_epoch_s": clock.seconds[0],
        "loss": history.history["loss"][-1],
        "loop": getattr(history, "loop", "keras"),
    }


def _against_keras(
    make: Callable[[], keras.Model], X: NDArray, *, epochs: int, batch_size: int, rounds: int
) -> dict[str, Any]:
    """Train with both loops in turn, and compare the shortest times."""
    runs = [
        {kind: _time_fit(kind, make, X, epochs=epochs, batch_size=batch_size) for kind in ("keras", "ours")}
        for _ in range(rounds)
    ]

    def ratio(what: str) -> float:
        return min(run["keras"][what] for run in runs) / min(run["ours"][what] for run in runs)

    return {
        "epoch_ratio": ratio("epoch_s"),
        "whole_ratio": ratio("whole_s"),
        "loss_difference": max(abs(r["ours"]["loss"] / r["keras"]["loss"] - 1) for r in runs),
        "rounds": runs,
    }


def _result(name: str, measured: float, target: float, *, at_least: bool = True, **details: Any) -> Result:
    """Compare one figure with its target."""
    reached = measured >= target if at_least else measured <= target
    return {
        "name": name,
        "measured": measured,
        "target": target,
        "at_least": at_least,
        "reached": bool(reached),
        **details,
    }


def _lab_rows(quick: bool) -> NDArray[np.float32]:
    split = datasets.make_imbalanced(n_samples=5_000 if quick else 100_000, validation_fraction=0)
    return np.ascontiguousarray(split.X_train, dtype="float32")


def bench_lab(quick: bool) -> list[Result]:
    """Time the imbalanced lab as published: 79,200 rows of 32, batch 64, 20 epochs."""
    compared = _against_keras(
        builders.imbalanced_lab,
        _lab_rows(quick),
        epochs=3 if quick else 20,
        batch_size=64,
        rounds=1 if quick else 3,
    )
    return [
        _result("lab: an epoch, Keras / ours", compared["epoch_ratio"], 12, rounds=compared["rounds"]),
        _result("lab: whole job with compiling, Keras / ours", compared["whole_ratio"], 6),
        _result("lab: difference of the final loss", compared["loss_difference"], 0.005, at_least=False),
    ]


def bench_pyod(quick: bool) -> list[Result]:
    """Time PyOD's autoencoder with the lab's layers, batch and epochs, nothing added."""
    try:
        from pyod.models.auto_encoder import AutoEncoder
    except ImportError as error:
        print(f"PyOD is left out: {error}. Install the extra 'bench' to measure it.")
        return []
    X, epochs = _lab_rows(quick), 3 if quick else 20

    def make():
        return builders.dense(32, (16, 8), 4, output="sigmoid")

    runs = []
    for _ in range(1 if quick else 3):
        start = time.perf_counter()
        AutoEncoder(
            hidden_neuron_list=[16, 8, 4],
            batch_norm=False,
            dropout_rate=0.0,
            lr=1e-3,
            epoch_num=epochs,
            batch_size=64,
            preprocessing=False,
            verbose=0,
        ).fit(X)
        pyod_s = time.perf_counter() - start
        start = time.perf_counter()
        model = make()
        training.fit(model, X, epochs=epochs, batch_size=64)
        np.square(training.predict(model, X) - X).mean(axis=1)  # PyOD's fit ends with these scores
        runs.append({"pyod_s": pyod_s, "ours_s": time.perf_counter() - start})
    ratio = min(run["pyod_s"] for run in runs) / min(run["ours_s"] for run in runs)
    return [_result("lab: whole job with scores, PyOD / ours", ratio, 8, rounds=runs)]


def _zeros(quick: bool) -> NDArray[np.float32]:
    (images, labels), _ = datasets.load_mnist()
    return (images[labels == 0] / 255.0).astype("float32")[: 640 if quick else None]


def _zeros_against_keras(
    name: str, make: Callable[[], keras.Model], *, epochs: int, quick: bool
) -> list[Result]:
    compared = _against_keras(make, _zeros(quick), epochs=epochs, batch_size=32, rounds=1 if quick else 3)
    ratio, rounds = compared["epoch_ratio"], compared["rounds"]
    return [
        _result(f"MNIST zeros, {name}: an epoch, Keras / ours", ratio, 1, rounds=rounds),
        _result(f"MNIST zeros, {name}: whole job, Keras / ours", compared["whole_ratio"], 1),
    ]


def bench_zeros_dense(quick: bool) -> list[Result]:
    """Time the MNIST-zeros model as published: 5,923 images, batch 32, 10 epochs."""
    return _zeros_against_keras("dense", builders.mnist_zeros, epochs=3 if quick else 10, quick=quick)


def bench_zeros_conv(quick: bool) -> list[Result]:
    """Time a convolutional model on the same images."""

    def make():
        return builders.convolutional((28, 28), filters=(16, 8), code_size=16, output="sigmoid")

    return _zeros_against_keras("conv", make, epochs=2 if quick else 5, quick=quick)


def memory_bytes() -> tuple[int, int]:
    """Return memory in use now and at its peak; without /proc, the peak for both.

    ``getrusage`` also counts the process that started this one, so it is the second choice.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        now, peak = (int(lines[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM"))
        return now, peak
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return peak, peak


def _probe(what: str, n_rows: int, n_columns: int) -> dict[str, float]:
    """Train or score once; this runs in a process of its own, so that its peak memory is its own."""
    model = builders.dense(n_columns, (16, 8), 4)
    small = np.zeros((300, n_columns), dtype="float32")
    training.fit(model, small, epochs=1, batch_size=256)  # loads and compiles what any job needs
    training.predict(model, small)
    before, _ = memory_bytes()
    X = np.random.default_rng(0).standard_normal((n_rows, n_columns), dtype="float32")
    if what == "fit":
        clock = _Clock()
        training.fit(model, X, epochs=3, batch_size=256, callbacks=[clock])
        seconds = min(clock.seconds)
    else:
        start = time.perf_counter()
        training.predict(model, X)
        seconds = time.perf_counter() - start
    return {
        "rows": n_rows,
        "columns": n_columns,
        "seconds": seconds,
        "memory_over_data": (memory_bytes()[1] - before) / X.nbytes,
    }


def _probe_apart(what: str, n_rows: int, n_columns: int) -> dict[str, float]:
    """Run `_probe` in a process of its own."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.bench_training",
        "--probe",
        what,
        str(n_rows),
        str(n_columns),
    ]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def _exponent(points: list[dict[str, float]], axis: str) -> float:
    """Return the slope of log(seconds) against log(size): 1 if the cost is proportional to the size."""
    sizes, seconds = zip(*((p[axis], p["seconds"]) for p in points), strict=True)
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def bench_scaling(quick: bool) -> list[Result]:
    """Time an epoch as rows grow 10 k → 1 M and columns 8 → 512, and take the peak memory."""
    row_counts = (1_000, 5_000) if quick else (10_000, 30_000, 100_000, 300_000, 1_000_000)
    column_counts = (8, 32) if quick else (8, 32, 128, 512)
    by_rows = [_probe_apart("fit", n, 32) for n in row_counts]
    by_columns = [_probe_apart("fit", row_counts[-1] // 5, d) for d in column_counts]
    score = _probe_apart("predict", row_counts[-1], 32)
    largest = (by_rows[-1], by_columns[-1], score)
    return [
        _result(
            "an epoch grows with rows to the power",
            _exponent(by_rows, "rows"),
            1.1,
            at_least=False,
            points=by_rows,
        ),
        _result(
            "an epoch grows with columns to the power",
            _exponent(by_columns, "columns"),
            1.1,
            at_least=False,
            points=by_columns,
        ),
        _result(
            "peak memory over the data, largest jobs",
            max(p["memory_over_data"] for p in largest),
            3,
            at_least=False,
            points=list(largest),
        ),
    ]


def bench_predict(quick: bool) -> list[Result]:
    """Score rows of 32 columns with ``training.predict`` and ``model.predict`` at its defaults."""
    X = np.random.default_rng(0).standard_normal((20_000 if quick else 1_000_000, 32), dtype="float32")
    model = builders.imbalanced_lab()
    model.predict(X[:64], verbose=0), training.predict(model, X[:64])  # compile both
    runs = []
    for _ in range(1 if quick else 3):
        start = time.perf_counter()
        theirs = model.predict(X, verbose=0)
        middle = time.perf_counter()
        ours = training.predict(model, X)
        runs.append(
            {
                "keras_s": middle - start,
                "ours_s": time.perf_counter() - middle,
                "largest_difference": float(np.abs(ours - theirs).max()),
            }
        )
    ratio = min(run["keras_s"] for run in runs) / min(run["ours_s"] for run in runs)
    return [_result(f"scoring {len(X):,} x 32, model.predict / ours", ratio, 5, rounds=runs)]


def _time_loops(
    width: int, hidden: tuple[int, ...], code: int, batch: int, *, n_steps: int = 100, repeats: int = 7
) -> tuple[dict[str, float], dict[str, float], int]:
    """Return seconds of a step, and of making the loop and running it first, with and without XLA."""
    rows = np.random.default_rng(0).standard_normal((batch * n_steps, width), dtype="float32")
    data, order = (tf.constant(rows),), tf.range(len(rows))
    model = builders.dense(width, hidden, code)
    loops.create_variables(model, rows[:batch], rows[:batch])
    functions = loops.CompiledFunctions.of(model)
    kinds = {"graph": (order, tf.constant(batch)), "xla": (tf.reshape(order, (n_steps, batch)),)}
    first: dict[str, float] = {}
    step: dict[str, float] = {}
    for repeat in range(repeats + 1):
        for kind, args in kinds.items():
            start = time.perf_counter()
            functions.epoch("train", kind, data)(data, *args)
            model.metrics[0].result().numpy()  # wait until the steps are done
            seconds = time.perf_counter() - start
            if repeat == 0:
                first[kind] = seconds
            else:
                step[kind] = min(step.get(kind, np.inf), seconds / n_steps)
    return step, first, loops.count_multiplications(model, batch)


def measure_rule() -> None:
    """Print, for dense models of several sizes, a step's time with and without XLA, and break-evens."""
    print(f"{'model':>24} {'batch':>5} {'M mult.':>8} {'graph ms':>9} {'xla ms':>7} {'break-even steps':>17}")
    for width, hidden, code in (
        (32, (16, 8), 4),
        (64, (64, 32), 16),
        (128, (128, 64), 32),
        (256, (256, 128), 64),
        (512, (512, 256), 128),
        (784, (), 16),
    ):
        for batch in (32, 256):
            step, first, size = _time_loops(width, hidden, code, batch)
            saved = step["graph"] - step["xla"]
            even = f"{(first['xla'] - first['graph']) / saved:,.0f}" if saved > 0 else "never"
            print(
                f"{f'{width} {hidden} {code}':>24} {batch:>5} {size / 1e6:8.2f} {step['graph'] * 1e3:9.3f} "
                f"{step['xla'] * 1e3:7.3f} {even:>17}",
                flush=True,
            )


def _plot(results: list[Result], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    ratios = [r for r in results if r["at_least"]][::-1]
    scaling = {r["name"].split()[4]: r["points"] for r in results if "to the power" in r["name"]}
    figure, axes = plt.subplots(1, 2, figsize=(13, 4.5), layout="constrained", width_ratios=(3, 2))
    left, right = axes
    if ratios:
        left.barh(
            [r["name"] for r in ratios], [r["measured"] for r in ratios], color="#0072B2", label="measured"
        )
        left.plot([r["target"] for r in ratios], range(len(ratios)), "D", color="#D55E00", label="target")
        left.set(xscale="log", xlabel="times faster (log scale)", title="Speed, both sides in one process")
        left.legend()
    for (axis, points), marker, colour in zip(scaling.items(), "os", ("#009E73", "#CC79A7"), strict=False):
        right.plot(
            [p[axis] for p in points],
            [p["seconds"] for p in points],
            marker=marker,
            color=colour,
            label=f"by {axis}",
        )
    if scaling:
        right.set(
            xscale="log",
            yscale="log",
            xlabel="rows, or columns",
            ylabel="seconds an epoch",
            title="Cost of an epoch",
        )
        right.legend()
    figure.savefig(path, dpi=110)
    plt.close(figure)


def run(names: Sequence[str], out: Path, *, quick: bool) -> list[Result]:
    """Run benchmarks by name, print target and measurement, and write the JSON and the plot."""
    functions = {name: globals()["bench_" + name.replace(" ", "_")] for name in BENCHES}
    results = []
    for name in names:
        print(f"-- {name}", flush=True)
        for result in functions[name](quick):
            word = "at least" if result["at_least"] else "at most"
            verdict = "reached" if result["reached"] else "NOT reached"
            print(
                f"   {result['name']}: {result['measured']:.3g} (target {word} {result['target']:g}: "
                f"{verdict})",
                flush=True,
            )
            results.append(result)
    out.mkdir(parents=True, exist_ok=True)
    about = {
        "quick": quick,
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
    }
    (out / "training.json").write_text(json.dumps({"about": about, "results": results}, indent=1) + "\n")
    _plot(results, out / "training.png")
    print(f"Written: {out / 'training.json'}, {out / 'training.png'}")
    return results


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmarks that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument(
        "--out", type=Path, default=Path("_build/bench"), help="folder for training.json and training.png"
    )
    parser.add_argument("--quick", action="store_true", help="small jobs: a smoke test")
    parser.add_argument("--only", nargs="+", choices=BENCHES, default=BENCHES, help="run only these")
    parser.add_argument("--rule", action="store_true", help="measure from which size on XLA saves time")
    parser.add_argument("--probe", nargs=3, metavar=("WHAT", "ROWS", "COLUMNS"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.probe:
        what, n_rows, n_columns = options.probe
        print(json.dumps(_probe(what, int(n_rows), int(n_columns))))
    elif options.rule:
        measure_rule()
    else:
        run(options.only, options.out, quick=options.quick)
    return 0


if __name__ == "__main__":
    sys.exit(main())

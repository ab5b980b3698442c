"""Measure how well the detector tells anomalies from normal rows.

``python -m benchmarks.bench_quality --data DIR --out _build/bench`` writes ``quality.json`` and
``quality.png``, and prints

- the area under the ROC curve and the average precision of `AutoencoderDetector` at its defaults, for
  each ``.npz`` file in DIR (arrays ``X``, and ``y`` with 1 = anomaly) and each seed, with those of simple
  detectors, of k-NN in two scalings of the columns, and of PyOD's LUNAR where PyOD and PyTorch are
  installed (the extra ``bench``);
- on how many sets it is ahead of each of them and behind, and the mean difference over the sets;
- what each part of the score, and each choice in the training, is worth (the ablation);
- the same detector, at the same defaults, on the imbalanced synthetic set of lesson 08.

The protocol: 70 % of the normal rows, in the order of ``RandomState(0).permutation``, are trained on, and
a ``StandardScaler`` is fitted on them; the other normal rows and all anomalies are the test rows. The seeds
change the detector, not the split.
"""

import argparse
import contextlib
import io
import json
import os
import platform
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

os.environ["AECOURSE_PROGRESS"] = "0"

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from aecourse import AutoencoderDetector, baselines, datasets

SEEDS = (0, 1, 2)
NAME = "AutoencoderDetector"
TARGETS = {"AUROC": 0.938, "average precision": 0.850, "seconds a seed": 140.0}
# The choices in the training that the ablation undoes, one at a time.
CHANGES: dict[str, dict[str, Any]] = {
    "without noise": {"noise": (0, 0)},
    "one size of noise, 0.5": {"noise": (0.5, 0.5)},
    "code of 2": {"code_size": 2},
    "2 members": {"n_members": 2},
    "5 neighbours": {"n_neighbors": 5},
}
LEVEL = 0.005  # two detectors that differ by no more are level on a set
MEASURES = ("AUROC", "average precision")
LAB_TARGETS = {"labels as given": 0.50, "true cluster": 0.985}

Rows = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]  # training, test, test labels
Table = dict[str, list[float]]  # AUROC and average precision, by set


def protocol(X: NDArray, y: NDArray, seed: int = 0) -> Rows:
    """Split and standardise a labelled table; return training rows, test rows and test labels."""
    normal, anomalous = np.flatnonzero(y == 0), np.flatnonzero(y == 1)
    normal = normal[np.random.RandomState(seed).permutation(len(normal))]
    cut = int(0.7 * len(normal))
    test = np.concatenate([normal[cut:], anomalous])
    scaler = StandardScaler().fit(X[normal[:cut]])
    return scaler.transform(X[normal[:cut]]), scaler.transform(X[test]), y[test].astype(int)


def load(folder: str | os.PathLike[str]) -> dict[str, Rows]:
    """Return {name: (training rows, test rows, test labels)} of the .npz files in a folder."""
    sets = {}
    for path in sorted(Path(folder).glob("*.npz")):
        with np.load(path, allow_pickle=False) as archive:
            sets[path.stem.split("_", 1)[-1]] = protocol(archive["X"].astype(float), archive["y"].astype(int))
    return sets


def measures(y: NDArray, score: NDArray) -> list[float]:
    """Return AUROC and average precision of an anomaly score."""
    return [float(roc_auc_score(y, score)), float(average_precision_score(y, score))]


def simple_detectors(seed: int) -> dict[str, Any]:
    """Return the detectors to beat, for columns that the protocol has already standardised."""
    return baselines.strong(random_state=seed, scale=False) | {
        "1-NN": baselines.KNNDistance(n_neighbors=1, scale=False),
        "k-NN, one range": make_pipeline(MinMaxScaler(), baselines.KNNDistance(scale=False)),
        "LOF": baselines.LOF(scale=False),
    }


class Lunar:
    """PyOD's LUNAR at its defaults, behind the two methods that this benchmark calls."""

    def __init__(self, seed: int) -> None:
        from pyod.models.lunar import LUNAR

        self.seed, self.detector = seed, LUNAR()

    def fit(self, rows: NDArray) -> "Lunar":
        """Train it on normal rows."""
        import torch

        np.random.seed(self.seed)  # LUNAR draws from the global generators
        torch.manual_seed(self.seed)
        with contextlib.redirect_stdout(io.StringIO()):
            self.detector.fit(rows)
        return self

    def score_samples(self, rows: NDArray) -> NDArray:
        """Return minus LUNAR's score: high = normal, as in scikit-learn."""
        return -self.detector.decision_function(rows)


class PyodAutoEncoder:
    """PyOD's autoencoder at its defaults, behind the two methods that this benchmark calls."""

    def __init__(self, seed: int) -> None:
        from pyod.models.auto_encoder import AutoEncoder

        self.detector = AutoEncoder(random_state=seed, verbose=0)

    def fit(self, rows: NDArray) -> "PyodAutoEncoder":
        """Train it on normal rows."""
        with contextlib.redirect_stdout(io.StringIO()):
            self.detector.fit(rows)
        return self

    def score_samples(self, rows: NDArray) -> NDArray:
        """Return minus its reconstruction error: high = normal, as in scikit-learn."""
        return -self.detector.decision_function(rows)


def rivals(seed: int) -> dict[str, Any]:
    """Return the simple detectors, and PyOD's two networks where they can be imported."""
    detectors = simple_detectors(seed)
    with contextlib.suppress(ImportError):
        detectors["LUNAR"] = Lunar(seed)
    with contextlib.suppress(ImportError):
        detectors["PyOD autoencoder"] = PyodAutoEncoder(seed)
    return detectors


def run_simple(sets: Mapping[str, Rows], seed: int = 0) -> dict[str, Table]:
    """Return {detector: {set: [AUROC, average precision]}}."""
    return {
        name: {
            key: measures(y, -detector.fit(train).score_samples(test))
            for key, (train, test, y) in sets.items()
        }
        for name, detector in rivals(seed).items()
    }


def run_detector(sets: Mapping[str, Rows], seed: int, **changes: Any) -> tuple[dict[str, Table], list[float]]:
    """Fit and score every set; return measures of the whole and of each part by set, and the seconds.

    The seconds are a pair: by the clock, which other work on the machine slows, and of the processor.
    """
    results, seconds = {}, np.zeros(2)
    for key, (train, test, y) in sets.items():
        start = np.array([time.perf_counter(), time.process_time()])
        detector = AutoencoderDetector(random_state=seed, **changes).fit(train)
        score = detector.anomaly_score(test)
        seconds += np.array([time.perf_counter(), time.process_time()]) - start
        parts = detector.score_parts(test)
        results[key] = (
            {"all parts": measures(y, score)}
            | {f"{part} only": measures(y, value) for part, value in parts.items()}
            | {f"without {part}": measures(y, _without(detector, parts, part)) for part in parts}
        )
    return results, seconds.tolist()


def _without(detector: AutoencoderDetector, parts: Mapping[str, NDArray], left_out: str) -> NDArray:
    """Return the combined score of the other parts."""
    return detector.combine({part: value for part, value in parts.items() if part != left_out})


@dataclass(frozen=True)
class Paired:
    """The detector against one other, over the sets.

    Attributes
    ----------
    ahead, level, behind : int
        Sets on which it is better, within `LEVEL`, or worse.
    difference : tuple of three float
        Mean difference over the sets, and the ends of its 95 % interval (bootstrap over the sets).
    """

    ahead: int
    level: int
    behind: int
    difference: tuple[float, float, float]


def paired(ours: Table, other: Table, column: int) -> Paired:
    """Compare two detectors set by set in one measure: 0 for AUROC, 1 for average precision."""
    differences = np.array([ours[key][column] - other[key][column] for key in ours])
    draws = np.random.default_rng(0).choice(differences, size=(10_000, len(differences))).mean(axis=1)
    low, high = np.quantile(draws, [0.025, 0.975])
    return Paired(
        ahead=int((differences > LEVEL).sum()),
        level=int((np.abs(differences) <= LEVEL).sum()),
        behind=int((differences < -LEVEL).sum()),
        difference=(float(differences.mean()), float(low), float(high)),
    )


def mean(table: Table) -> list[float]:
    """Return the mean over the sets."""
    return [float(value) for value in np.mean(list(table.values()), axis=0)]


def run_lab(seed: int) -> dict[str, Any]:
    """Return average precision and seconds on the imbalanced synthetic set."""
    split = datasets.make_imbalanced()
    start = time.perf_counter()
    normals = np.concatenate([split.X_train, split.X_val])
    score = AutoencoderDetector(random_state=seed).fit(normals).anomaly_score(split.X_test)
    seconds = time.perf_counter() - start
    in_cluster = np.char.startswith(np.asarray(split.groups_test, str), "anomaly").astype(int)
    return {
        "labels as given": measures(split.y_test, score),
        "true cluster": measures(in_cluster, score),
        "seconds": seconds,
    }


@dataclass(frozen=True)
class Result:
    """Everything that one run of the benchmark measured."""

    seeds: list[int]
    sets: Table  # the detector's mean over seeds
    by_seed: list[Table]
    seconds: list[list[float]]  # by seed: by the clock, and of the processor
    simple: dict[str, Table]
    ablation: dict[str, Table]
    lab: dict[str, Any] | None

    @property
    def mean(self) -> list[float]:
        """AUROC and average precision, mean over sets and seeds."""
        return mean(self.sets)

    @property
    def paired(self) -> dict[str, dict[str, Paired]]:
        """The detector, mean over seeds, against each rival: {rival: {measure: comparison}}."""
        return {
            name: {what: paired(self.sets, table, column) for column, what in enumerate(MEASURES)}
            for name, table in self.simple.items()
        }

    @property
    def worst_seed(self) -> dict[str, float]:
        """The lowest mean over sets of any seed."""
        lowest = np.min([mean(table) for table in self.by_seed], axis=0)
        return dict(zip(MEASURES, lowest.tolist(), strict=True))

    @property
    def reached(self) -> dict[str, bool]:
        """Whether each target is reached."""
        auroc, precision = self.mean
        reached = {
            "AUROC": auroc >= TARGETS["AUROC"],
            "average precision": precision >= TARGETS["average precision"],
            "seconds a seed": max(clock for clock, _ in self.seconds) < TARGETS["seconds a seed"],
        }
        if self.lab:
            reached |= {what: self.lab[what][1] >= target for what, target in LAB_TARGETS.items()}
        return reached


def run(
    sets: Mapping[str, Rows],
    seeds: Sequence[int] = SEEDS,
    *,
    with_ablation: bool = True,
    with_lab: bool = True,
) -> Result:
    """Measure the detector at every seed, the simple detectors, and what each choice is worth."""
    runs, seconds = zip(*(run_detector(sets, seed) for seed in seeds), strict=True)

    def over_seeds(what: str) -> Table:
        return {
            key: np.mean([run[key][what] for run in runs if what in run[key]], axis=0).tolist()
            for key in sets
            if what in runs[0][key]
        }

    ablation = {what: over_seeds(what) for what in runs[0][next(iter(sets))]}
    for name, change in CHANGES.items() if with_ablation else ():
        table, _ = run_detector(sets, seeds[0], **change)
        ablation[f"{name} (seed {seeds[0]})"] = {key: table[key]["all parts"] for key in sets}
    return Result(
        seeds=list(seeds),
        sets=over_seeds("all parts"),
        by_seed=[{key: run[key]["all parts"] for key in sets} for run in runs],
        seconds=list(seconds),
        simple=run_simple(sets),
        ablation=ablation,
        lab=run_lab(seeds[0]) if with_lab else None,
    )


def _row(name: str, table: Table, sets: Sequence[str]) -> str:
    cells = [f"{table[key][0]:.3f}/{table[key][1]:.3f}" if key in table else "" for key in sets]
    return f"{name:<26}" + "".join(f"{cell:>12}" for cell in (*cells, "{:.3f}/{:.3f}".format(*mean(table))))


def report(result: Result) -> None:
    """Print the tables, the means, the seconds and the targets."""
    sets = list(result.sets)
    print("AUROC/average precision, mean over seeds", result.seeds, "for", NAME)
    print(f"{'':<26}" + "".join(f"{key[:11]:>12}" for key in (*sets, "mean")))
    for name, table in {**result.simple, NAME: result.sets}.items():
        print(_row(name, table, sets))
    for seed, table in zip(result.seeds, result.by_seed, strict=True):
        print(_row(f"  seed {seed}", table, sets))
    print(f"\n{NAME}, mean over seeds, against the others: sets ahead / level / behind, mean difference")
    for name, by_measure in result.paired.items():
        cells = [
            f"{what} {each.ahead:2d}/{each.level:2d}/{each.behind:2d} {each.difference[0]:+.3f} "
            f"({each.difference[1]:+.3f} to {each.difference[2]:+.3f})"
            for what, each in by_measure.items()
        ]
        print(f"{name:<26}" + "   ".join(cells))
    print("\nAblation")
    for name, table in result.ablation.items():
        print(_row(name, table, sets))
    if result.lab:
        print(
            f"\nImbalanced synthetic set, in {result.lab['seconds']:.1f} s: average precision "
            f"{result.lab['labels as given'][1]:.4f} against the labels as given, "
            f"{result.lab['true cluster'][1]:.4f} against the true cluster"
        )
    (auroc, precision), lowest = result.mean, result.worst_seed
    print(
        f"\nmean AUROC {auroc:.4f} (worst seed {lowest['AUROC']:.4f}), "
        f"mean average precision {precision:.4f} (worst seed {lowest['average precision']:.4f})"
    )
    for what, values in zip(
        ("by the clock", "of the processor"), zip(*result.seconds, strict=True), strict=True
    ):
        print(
            f"seconds {what} to fit and score all {len(sets)} sets: "
            f"{', '.join(f'{value:.1f}' for value in values)} by seed, {sum(values):.1f} in all"
        )
    verdicts = (f"{what} {'yes' if ok else 'NO'}" for what, ok in result.reached.items())
    print("targets reached: " + ", ".join(verdicts))


def as_json(result: Result) -> dict[str, Any]:
    """Return the content of quality.json."""
    measured = asdict(result)
    measured["seconds by seed (clock, processor)"] = measured.pop("seconds")
    return {
        "protocol": __doc__.split("The protocol: ")[1].strip(),
        "mean": result.mean,
        "worst seed": result.worst_seed,
        "paired": {
            name: {what: asdict(each) for what, each in by_measure.items()}
            for name, by_measure in result.paired.items()
        },
        **measured,
        "targets": TARGETS | LAB_TARGETS,
        "reached": result.reached,
        "machine": {
            "processor": platform.machine(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
        },
    }


def draw(result: Result, path: Path) -> None:
    """Draw both measures of every detector on every set, and how far ours is ahead in average precision."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(
        1, 3, figsize=(16, 0.4 * len(result.sets) + 1.8), sharey=True, layout="constrained"
    )
    for column, (ax, what) in enumerate(zip(axes[:2], MEASURES, strict=True)):
        for (name, table), marker in zip(
            {NAME: result.sets, **result.simple}.items(), "os^vDPX*<>", strict=False
        ):
            ax.plot(
                [table[key][column] for key in result.sets],
                range(len(result.sets)),
                marker,
                label=name,
                markersize=9 if name == NAME else 6,
                color="#D55E00" if name == NAME else None,
                alpha=1 if name == NAME else 0.55,
            )
        ax.set(xlabel=what, yticks=range(len(result.sets)), yticklabels=list(result.sets), title=what)
        ax.grid(axis="x", alpha=0.3)
    for (name, table), marker in zip(result.simple.items(), "s^vDPX*<>", strict=False):
        ahead = [result.sets[key][1] - table[key][1] for key in result.sets]
        axes[2].plot(ahead, range(len(result.sets)), marker, label=name, alpha=0.55)
    axes[2].axvline(0, color="black", linewidth=0.8)
    axes[2].set(title=f"{NAME} minus each other", xlabel="difference in average precision")
    axes[2].grid(axis="x", alpha=0.3)
    axes[0].invert_yaxis()
    axes[1].legend(fontsize=8)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark, or say that there are no data; return the exit status."""
    parser = argparse.ArgumentParser(description="Detection quality of AutoencoderDetector.")
    parser.add_argument("--data", required=True, help="folder of .npz files with X and y")
    parser.add_argument(
        "--out", type=Path, default=Path("_build/bench"), help="folder for quality.json and quality.png"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS), help="seeds of the detector")
    parser.add_argument("--no-lab", action="store_true", help="leave out the imbalanced synthetic set")
    parser.add_argument("--no-ablation", action="store_true", help="leave out the fits of the ablation")
    options = parser.parse_args(arguments)
    sets = load(options.data) if Path(options.data).is_dir() else {}
    if not sets:
        print(f"data not found: no .npz files in {options.data}")
        return 0
    result = run(sets, options.seeds, with_ablation=not options.no_ablation, with_lab=not options.no_lab)
    report(result)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "quality.json").write_text(json.dumps(as_json(result), indent=1), encoding="utf-8")
    draw(result, options.out / "quality.png")
    print(f"written: {options.out / 'quality.json'}, {options.out / 'quality.png'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

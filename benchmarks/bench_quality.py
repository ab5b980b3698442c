"""Measure how well the detector tells anomalies from normal rows.

``python -m benchmarks.bench_quality --data DIR --out _build/bench`` writes ``quality.json`` and
``quality.png``, and prints

- the area under the ROC curve and the average precision of `AutoencoderDetector` at its defaults, for
  each ``.npz`` file in DIR (arrays ``X``, and ``y`` with 1 = anomaly) and each seed, beside simple
  detectors;
- what each part of the score, and each choice in the training, is worth (the ablation);
- the same detector, at the same defaults, on the imbalanced synthetic set of lesson 08.

The protocol: 70 % of the normal rows, in the order of ``RandomState(0).permutation``, are trained on, and
a ``StandardScaler`` is fitted on them; the other normal rows and all anomalies are the test rows. The seeds
change the detector, not the split.
"""

import argparse
import json
import os
import platform
import sys
import time
from pathlib import Path

os.environ["AECOURSE_PROGRESS"] = "0"

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.preprocessing import StandardScaler

from aecourse import AutoencoderDetector, baselines, datasets

SEEDS = (0, 1, 2)
NAME = "AutoencoderDetector"
TARGETS = {"AUROC": 0.92, "average precision": 0.80, "seconds a seed": 60.0}
# The choices in the training that the ablation undoes, one at a time.
CHANGES = {
    "without noise": {"noise": (0, 0)},
    "one size of noise, 0.5": {"noise": (0.5, 0.5)},
    "code of 2": {"code_size": 2},
    "2 members": {"n_members": 2},
}
LAB_TARGETS = {"labels as given": 0.50, "true cluster": 0.99}


def protocol(X, y):
    """Split and standardise a labelled table; return training rows, test rows and test labels."""
    normal, anomalous = np.flatnonzero(y == 0), np.flatnonzero(y == 1)
    normal = normal[np.random.RandomState(0).permutation(len(normal))]
    cut = int(0.7 * len(normal))
    test = np.concatenate([normal[cut:], anomalous])
    scaler = StandardScaler().fit(X[normal[:cut]])
    return scaler.transform(X[normal[:cut]]), scaler.transform(X[test]), y[test].astype(int)


def load(folder):
    """Return {name: (training rows, test rows, test labels)} of the .npz files in a folder."""
    sets = {}
    for path in sorted(Path(folder).glob("*.npz")):
        with np.load(path, allow_pickle=False) as archive:
            sets[path.stem.split("_", 1)[-1]] = protocol(archive["X"].astype(float), archive["y"].astype(int))
    return sets


def measures(y, score):
    """AUROC and average precision of an anomaly score."""
    return [float(roc_auc_score(y, score)), float(average_precision_score(y, score))]


def simple_detectors(seed):
    """The detectors to beat, on columns that the protocol has already standardised."""
    return baselines.strong(random_state=seed, scale=False) | {
        "1-NN": baselines.KNNDistance(n_neighbors=1, scale=False),
        "LOF": baselines.LOF(scale=False),
    }


def run_simple(sets, seed=0):
    """Return {detector: {set: [AUROC, average precision]}}."""
    return {
        name: {
            key: measures(y, detector.fit(train).anomaly_score(test))
            for key, (train, test, y) in sets.items()
        }
        for name, detector in simple_detectors(seed).items()
    }


def run_detector(sets, seed, **changes):
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


def _without(detector, parts, left_out):
    """The combined score of the other parts."""
    return detector.combine(np.column_stack([value for part, value in parts.items() if part != left_out]))


def mean(table):
    """Mean over sets of {set: [AUROC, average precision]}."""
    return [float(value) for value in np.mean(list(table.values()), axis=0)]


def run_lab(seed):
    """Return average precision and seconds on the imbalanced synthetic set."""
    split = datasets.make_imbalanced()
    start = time.perf_counter()
    normals = np.concatenate([split.X_train, split.X_val])
    score = AutoencoderDetector(random_state=seed).fit(normals).anomaly_score(split.X_test)
    seconds = time.perf_counter() - start
    in_cluster = np.char.startswith(split.groups_test.astype(str), "anomaly").astype(int)
    return {
        "labels as given": measures(split.y_test, score),
        "true cluster": measures(in_cluster, score),
        "seconds": seconds,
    }


def _line(name, values, width=26):
    return f"{name:<{width}}" + "".join(f"{value:>12}" for value in values)


def _pair(values):
    return f"{values[0]:.3f}/{values[1]:.3f}"


def _draw(ours, simple, sets, path):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(11, 0.4 * len(sets) + 1.8), sharey=True, layout="constrained")
    for column, (ax, what) in enumerate(zip(axes, ("AUROC", "average precision"), strict=True)):
        for (name, table), marker in zip({NAME: ours, **simple}.items(), "os^vDPX", strict=False):
            ax.plot(
                [table[key][column] for key in sets],
                range(len(sets)),
                marker,
                label=name,
                markersize=9 if name == NAME else 6,
                color="#D55E00" if name == NAME else None,
                alpha=1 if name == NAME else 0.55,
            )
        ax.set(xlabel=what, yticks=range(len(sets)), yticklabels=list(sets), title=what)
        ax.grid(axis="x", alpha=0.3)
    axes[0].invert_yaxis()
    axes[1].legend(fontsize=8)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main(arguments=None):
    """Run the whole, or say that there is no data. Returns the exit status."""
    parser = argparse.ArgumentParser(description="Detection quality of AutoencoderDetector.")
    parser.add_argument("--data", required=True, help="folder of .npz files with X and y")
    parser.add_argument("--out", default="_build/bench", help="folder for quality.json and quality.png")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--no-lab", action="store_true", help="leave out the imbalanced synthetic set")
    parser.add_argument("--no-ablation", action="store_true", help="leave out the fits of the ablation")
    options = parser.parse_args(arguments)
    sets = load(options.data) if Path(options.data).is_dir() else {}
    if not sets:
        print(f"data not found: no .npz files in {options.data}")
        return 0

    simple = run_simple(sets)
    runs, seconds = zip(*(run_detector(sets, seed) for seed in options.seeds), strict=True)

    def over_seeds(what):
        return {
            key: np.mean([run[key][what] for run in runs if what in run[key]], axis=0).tolist()
            for key in sets
            if what in runs[0][key]
        }

    ours = over_seeds("all parts")
    print("AUROC/average precision, mean over seeds", options.seeds, "for", NAME)
    print(_line("", [key[:11] for key in sets] + ["mean"]))
    for name, table in {**simple, NAME: ours}.items():
        print(_line(name, [_pair(table[key]) for key in sets] + [_pair(mean(table))]))
    for seed, run in zip(options.seeds, runs, strict=True):
        table = {key: run[key]["all parts"] for key in sets}
        print(_line(f"  seed {seed}", [_pair(table[key]) for key in sets] + [_pair(mean(table))]))

    ablation = {what: over_seeds(what) for what in runs[0][next(iter(sets))]}
    if not options.no_ablation:
        for name, change in CHANGES.items():
            table, _ = run_detector(sets, options.seeds[0], **change)
            ablation[f"{name} (seed {options.seeds[0]})"] = {key: table[key]["all parts"] for key in sets}
    print("\nAblation")
    for name, table in ablation.items():
        print(_line(name, [_pair(table[key]) if key in table else "" for key in sets] + [_pair(mean(table))]))

    auroc, precision = mean(ours)
    lowest = {
        what: min(mean({key: run[key]["all parts"] for key in sets})[i] for run in runs)
        for i, what in enumerate(("AUROC", "average precision"))
    }
    reached = {
        "AUROC": auroc >= TARGETS["AUROC"],
        "average precision": precision >= TARGETS["average precision"],
        "seconds a seed": max(clock for clock, _ in seconds) < TARGETS["seconds a seed"],
    }
    lab = None if options.no_lab else run_lab(options.seeds[0])
    if lab:
        reached |= {what: lab[what][1] >= target for what, target in LAB_TARGETS.items()}
        print(
            f"\nImbalanced synthetic set, in {lab['seconds']:.1f} s: average precision "
            f"{lab['labels as given'][1]:.4f} against the labels as given, "
            f"{lab['true cluster'][1]:.4f} against the true cluster"
        )
    print(
        f"\nmean AUROC {auroc:.4f} (worst seed {lowest['AUROC']:.4f}), "
        f"mean average precision {precision:.4f} (worst seed {lowest['average precision']:.4f})"
    )
    for what, values in zip(("by the clock", "of the processor"), zip(*seconds, strict=True), strict=True):
        print(
            f"seconds {what} to fit and score all {len(sets)} sets: "
            f"{', '.join(f'{value:.1f}' for value in values)} by seed, {sum(values):.1f} in all"
        )
    print("targets reached: " + ", ".join(f"{what} {'yes' if ok else 'NO'}" for what, ok in reached.items()))

    out = Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    (out / "quality.json").write_text(
        json.dumps(
            {
                "protocol": __doc__.split("The protocol: ")[1].strip(),
                "seeds": options.seeds,
                "mean": [auroc, precision],
                "worst seed": lowest,
                "seconds by seed (clock, processor)": seconds,
                "sets": ours,
                "simple": simple,
                "ablation": ablation,
                "lab": lab,
                "targets": TARGETS | LAB_TARGETS,
                "reached": reached,
                "machine": {
                    "processor": platform.machine(),
                    "cores": os.cpu_count(),
                    "python": platform.python_version(),
                },
            },
            indent=1,
        ),
        encoding="utf-8",
    )
    _draw(ours, simple, sets, out / "quality.png")
    print(f"written: {out / 'quality.json'}, {out / 'quality.png'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

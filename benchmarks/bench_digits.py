"""Measure one-class detection on MNIST: each digit normal in turn, all other digits anomalies.

``python -m benchmarks.bench_digits`` trains the networks and detectors of `tools.make_digits` from nothing,
prints the area under the ROC curve, and compares it with the stored scores of lesson 12: the exit status is 1
if a digit or a mean differs by more than the tolerance. ``--digits`` and ``--seeds`` measure a part of it.
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aecourse import datasets, evaluation
from tools.make_digits import CANDIDATES, DIGITS, NAMES, SEEDS, STORED, load, run

TARGETS = {"mean AUROC": 0.985, "seconds a start": 360.0}
TOLERANCE = {"one digit": 0.01, "mean": 0.004}


def auroc_table(arrays: Mapping[str, NDArray]) -> NDArray[np.float64]:
    """Return the AUROC (digits, detectors) of stored scores."""
    (_, _), (_, labels) = datasets.load_mnist()
    return np.array(
        [
            [
                evaluation.auroc((labels != digit).astype(int), score.astype(np.float32))
                for score in by_detector
            ]
            for digit, by_detector in zip(arrays["digits"], arrays["scores"], strict=True)
        ]
    )


def starts_table(arrays: Mapping[str, NDArray]) -> NDArray[np.float64]:
    """Return the AUROC (digits, starts) of the repairing network with the chosen score, each start alone."""
    place = CANDIDATES["repairing"].index(tuple(arrays["chosen repairing"]))
    return arrays["test repairing"][:, :, place]


def compare(new: Mapping[str, NDArray], stored: Mapping[str, NDArray]) -> list[str]:
    """Return a sentence for each new result that differs from the stored one by more than the tolerance.

    With fewer starts than stored, the starts are compared one by one, and their mean is left out.
    """
    places = [list(stored["digits"]).index(digit) for digit in new["digits"]]
    starts = [list(stored["seeds"]).index(seed) for seed in new["seeds"]]
    pairs = {"each start": (starts_table(new), starts_table(stored)[np.ix_(places, starts)])}
    table, before = auroc_table(new), auroc_table(stored)[places]
    for name in new["detectors"]:
        column_new, column = list(new["detectors"]).index(name), list(stored["detectors"]).index(name)
        if name == NAMES[0] and len(starts) < len(stored["seeds"]):
            continue
        pairs[str(name)] = table[:, column_new], before[:, column]
    problems = []
    for name, (value, old) in pairs.items():
        gap = np.abs(value - old).reshape(len(places), -1).max(axis=1)
        if gap.max() > TOLERANCE["one digit"]:
            digit = new["digits"][gap.argmax()]
            problems.append(
                f"{name}, digit {digit}: the AUROC differs by {gap.max():.4f} from the stored one"
            )
        if abs(value.mean() - old.mean()) > TOLERANCE["mean"]:
            problems.append(f"{name}: mean AUROC {value.mean():.4f}, stored {old.mean():.4f}")
    return problems


def report(arrays: Mapping[str, NDArray]) -> None:
    """Print the tables, the seconds and, of all digits, the targets."""
    table, starts = auroc_table(arrays), starts_table(arrays)
    names = [str(name) for name in arrays["detectors"]]
    print("normal digit: " + ", ".join(map(str, arrays["digits"])))
    for name, column in zip(names, table.T, strict=True):
        print(f"{name:<26}{column.mean():.4f}  " + " ".join(f"{value:.4f}" for value in column))
    for seed, column in zip(arrays["seeds"], starts.T, strict=True):
        print(
            f"{'start ' + str(seed):<26}{column.mean():.4f}  " + " ".join(f"{value:.4f}" for value in column)
        )
    seconds = arrays["seconds"].sum(axis=0)
    print(f"processor seconds of one start over these digits: {seconds.min():.0f} to {seconds.max():.0f}")
    if len(arrays["digits"]) == len(DIGITS):
        reached = {
            "mean AUROC": starts.mean() >= TARGETS["mean AUROC"],
            "seconds a start": seconds.max() < TARGETS["seconds a start"],
        }
        print(
            "targets reached: " + ", ".join(f"{what} {'yes' if ok else 'NO'}" for what, ok in reached.items())
        )


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark and compare; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument(
        "--digits", type=int, nargs="+", default=DIGITS, choices=DIGITS, help="digits that are normal in turn"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS, choices=SEEDS, help="starts to train")
    parser.add_argument("--stored", type=Path, default=STORED, help="the scores to compare with")
    options = parser.parse_args(arguments)
    if not options.stored.exists():
        parser.error(f"nothing to compare with: {options.stored} is missing")
    stored = load(options.stored)
    chosen = {name: tuple(stored[f"chosen {name}"]) for name in ("repairing", "k-NN", "PCA")}
    arrays = run(options.digits, options.seeds, chosen=chosen)
    report(arrays)
    problems = compare(arrays, stored)
    print("\n".join(problems) or "the same as stored, within the tolerance")
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())

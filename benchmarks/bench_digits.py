"""Measure one-class detection on MNIST: each digit normal in turn, all other digits anomalies.

``python -m benchmarks.bench_digits`` trains the detectors of `tools.make_digits` from nothing, prints the
area under the ROC curve, and compares it with the stored scores of lesson 12: the exit status is 1 if a
digit or the mean differs by more than the tolerance, or if the spoiled normals clearly prefer another score.
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aecourse import datasets, evaluation
from tools.make_digits import CANDIDATES, DIGITS, STORED, choose, load, run

TARGETS = {"mean AUROC": 0.975, "seconds": 360.0}
TOLERANCE = {"one digit": 0.01, "mean": 0.003, "choice": 0.001}


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


def compare(new: Mapping[str, NDArray], stored: Mapping[str, NDArray]) -> list[str]:
    """Return a sentence for each new result that differs from the stored one by more than the tolerance."""
    problems = []
    places = [list(stored["digits"]).index(digit) for digit in new["digits"]]
    columns = [list(stored["detectors"]).index(name) for name in new["detectors"]]
    table, before = auroc_table(new), auroc_table(stored)[np.ix_(places, columns)]
    for name, value, old in zip(new["detectors"], table.T, before.T, strict=True):
        worst = int(np.abs(value - old).argmax())
        if np.abs(value - old)[worst] > TOLERANCE["one digit"]:
            problems.append(
                f"{name}, digit {new['digits'][worst]}: AUROC {value[worst]:.4f}, stored {old[worst]:.4f}"
            )
        if abs(value.mean() - old.mean()) > TOLERANCE["mean"]:
            problems.append(f"{name}: mean AUROC {value.mean():.4f}, stored {old.mean():.4f}")
    spoiled, place = new["spoiled"].mean(axis=0), choose(stored["spoiled"])
    if len(new["digits"]) == len(DIGITS) and spoiled.max() - spoiled[place] > TOLERANCE["choice"]:
        problems.append(
            f"the spoiled normals choose {CANDIDATES[spoiled.argmax()]} ({spoiled.max():.4f}), "
            f"not {CANDIDATES[place]} ({spoiled[place]:.4f}) as stored"
        )
    return problems


def report(arrays: Mapping[str, NDArray], table: NDArray[np.float64], seconds: NDArray[np.float64]) -> None:
    """Print the table, the candidate scores, the seconds and, of all digits, the targets."""
    print("AUROC       " + "".join(f"{name:>18}" for name in arrays["detectors"]))
    for name, row in zip([*arrays["digits"], "mean"], [*table, table.mean(axis=0)], strict=True):
        print(f"{name:<12}" + "".join(f"{value:>18.4f}" for value in row))
    for candidate, spoiled in zip(CANDIDATES, arrays["spoiled"].mean(axis=0), strict=True):
        print(
            f"smoothing {candidate[0]:.1f}, ink to the power {candidate[1]:.1f}: {spoiled:.4f} against "
            f"spoiled normals{', chosen' if candidate == tuple(arrays['chosen']) else ''}"
        )
    (clock, processor), (clock_all, processor_all) = seconds.sum(axis=0)
    print(
        f"seconds: {clock:.0f} for the autoencoders ({processor:.0f} of the processor), "
        f"{clock_all:.0f} in all ({processor_all:.0f})"
    )
    if len(arrays["digits"]) == len(DIGITS):
        reached = {
            "mean AUROC": table[:, 0].mean() >= TARGETS["mean AUROC"],
            "seconds": clock_all < TARGETS["seconds"],
        }
        words = (f"{what} {'yes' if ok else 'NO'}" for what, ok in reached.items())
        print("targets reached: " + ", ".join(words))


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark and compare; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument(
        "--digits", type=int, nargs="+", default=DIGITS, choices=DIGITS, help="digits that are normal in turn"
    )
    parser.add_argument("--no-simple", action="store_true", help="leave out the simple detectors")
    parser.add_argument("--stored", type=Path, default=STORED, help="the scores to compare with")
    options = parser.parse_args(arguments)
    if not options.stored.exists():
        parser.error(f"nothing to compare with: {options.stored} is missing")
    stored = load(options.stored)
    arrays, seconds = run(options.digits, with_simple=not options.no_simple, chosen=tuple(stored["chosen"]))
    report(arrays, auroc_table(arrays), seconds)
    problems = compare(arrays, stored)
    print("\n".join(problems) or "the same as stored, within the tolerance")
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())

"""Make the detectors that assignment 4 has students diagnose: the instructor's side of it.

    python -m tools.make_detectors             write aecourse/data/detectors.npz, print the hidden tests' key
    python -m tools.make_detectors --seed 7    other data and another key, for another year

Students get the data alone, by the number that belongs to their id; only this module and the hidden tests
say which detector has which fault.
"""

import argparse
import itertools
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aecourse._support.files import whole_file
from aecourse.homework import broken

FILE = Path(__file__).resolve().parents[1] / "aecourse" / "data" / "detectors.npz"
LETTERS = {"range": "r", "leakage": "l", "bottleneck": "b", "labels": "y"}
N_FEATURES, CODE_SIZE = 10, 3
N_TRAIN, N_NORMAL, N_ODD = 300, 160, 60
SEED = 20


def orders(seed: int = SEED) -> list[tuple[str, ...]]:
    """Return, for each variant, the faults in the order of the detectors' names; all differ."""
    possible = list(itertools.permutations(broken.FAULTS))
    chosen = np.random.default_rng(seed).permutation(len(possible))[: broken.VARIANTS]
    return [possible[place] for place in chosen]


def key(seed: int = SEED) -> str:
    """Return the orders as the hidden tests hold them: one word of four letters for each variant."""
    return " ".join("".join(LETTERS[fault] for fault in order) for order in orders(seed))


def _rows(rng: np.random.Generator) -> tuple[NDArray, NDArray, NDArray]:
    """Draw normal rows near a plane of CODE_SIZE dimensions, and anomalies off it."""
    mixing = rng.normal(size=(CODE_SIZE, N_FEATURES))
    count = N_TRAIN + N_NORMAL
    normal = rng.normal(size=(count, CODE_SIZE)) @ mixing + 0.2 * rng.normal(size=(count, N_FEATURES))
    odd = rng.normal(size=(N_ODD, CODE_SIZE)) @ mixing + 1.2 * rng.normal(size=(N_ODD, N_FEATURES))
    X_test = np.vstack([normal[N_TRAIN:], odd])
    y_test = np.repeat([0, 1], [N_NORMAL, N_ODD])
    order = rng.permutation(len(y_test))
    return normal[:N_TRAIN], X_test[order], y_test[order]


def make(fault: str, rng: np.random.Generator) -> dict[str, NDArray | int]:
    """Return a detector with a fault, as `broken.detector` describes it."""
    X_train, X_test, y_test = _rows(rng)
    if fault == "leakage":
        X_train = np.vstack([X_train, X_test[y_test == 1], X_test[y_test == 0][: N_NORMAL // 3]])
        X_train = X_train[rng.permutation(len(X_train))]
    centre, spread = X_train.mean(axis=0), X_train.std(axis=0)
    X_train, X_test = (X_train - centre) / spread, (X_test - centre) / spread
    code_size = N_FEATURES if fault == "bottleneck" else CODE_SIZE
    axes = np.linalg.svd(X_train, full_matrices=False)[2][:code_size]
    R_test = X_test if fault == "bottleneck" else X_test @ axes.T @ axes
    if fault == "range":
        R_test = 1 / (1 + np.exp(-R_test))
    if fault == "labels":
        y_test = 1 - y_test
    return {"X_train": X_train, "X_test": X_test, "y_test": y_test, "R_test": R_test, "code_size": code_size}


def arrays(seed: int = SEED) -> dict[str, Any]:
    """Return the content of the file: single precision, which leaves equal rows equal."""
    stored = {}
    for variant, order in enumerate(orders(seed)):
        for place, (name, fault) in enumerate(zip(broken.NAMES, order, strict=True)):
            for part, value in make(fault, np.random.default_rng([seed, variant, place])).items():
                kind = np.int8 if part in ("y_test", "code_size") else np.float32
                stored[f"{variant}_{name}_{part}"] = np.asarray(value, dtype=kind)
    return stored


def main(arguments: list[str] | None = None) -> int:
    """Write the file and print the key."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seed", type=int, default=SEED, help="draws the data and the key")
    options = parser.parse_args(arguments)
    with whole_file(FILE) as temporary:
        np.savez_compressed(temporary, **arrays(options.seed))
    print(f"{FILE}: {FILE.stat().st_size / 1e6:.1f} MB")
    print(f'In the three tests of assignments/text/a4.md: _key = "{key(options.seed)}".split()')
    return 0


if __name__ == "__main__":
    sys.exit(main())

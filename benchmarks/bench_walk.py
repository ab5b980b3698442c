"""Train one network of each kind of lesson 13 again and compare it with the stored figures.

``python -m benchmarks.bench_walk`` prints the largest difference. `tools.make_walk` makes the figures.
"""

import sys

import numpy as np

from tools import make_walk


def difference(machine: int = 3, seed: int = 0, kinds: tuple[str, ...] = ("dense",)) -> dict[str, float]:
    """Train again and return the largest differences from the stored figures.

    Parameters
    ----------
    machine : int
        One of the eight machines.
    seed : int
        The start of all networks, 0 to 4.
    kinds : tuple of str
        Networks that walk: "dense", "convolutional" and "LSTM", which takes about a minute.

    Returns
    -------
    dict of str to float
        For the machine: of faults found and of false alarms a week. For the walk: of the shares flagged and
        found, and of the mean squared errors, relative to them.
    """
    with np.load(make_walk.STORED) as archive:
        stored = dict(archive)
    again = make_walk.one_machine(machine, seed)["found"]
    found = {
        "machine": float(np.abs(again - stored["machines"][make_walk.MACHINES.index(machine), seed]).max())
    }
    for kind in kinds:
        place, walked = make_walk.NETWORKS.index(kind), make_walk.one_walk(kind, seed)
        losses = walked["losses"] / stored["walk_losses"][place, seed] - 1
        found[f"walk, {kind}: shares"] = float(np.abs(walked["measures"] - stored["walk"][place, seed]).max())
        found[f"walk, {kind}: errors"] = float(np.abs(losses).max())
    return found


def main() -> int:
    """Train every kind again and print the differences."""
    for name, value in difference(kinds=make_walk.NETWORKS).items():
        print(f"{name}: differs by at most {value:.1e}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

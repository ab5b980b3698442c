"""Train some networks of lesson 05 again and compare them with the stored figures.

``python -m benchmarks.bench_iris`` prints the largest difference. `tools.make_iris` makes the figures.
"""

import numpy as np

from tools.make_iris import LESSON, OTHERS, SEEDS, STORED, TASKS, causes, in_double, network, simple, split


def difference(task: str = "virginica", seed: int = 1, start: int = 4) -> float:
    """Measure again and return the largest difference from the stored figures.

    Parameters
    ----------
    task : str
        The species held out, or ``"planted"``.
    seed : int
        The split, 0 to 4.
    start : int
        The start of the lesson's network, 0 to 4.

    Returns
    -------
    float
        The largest absolute difference of an AUROC, a recall, a false-alarm rate or a mean squared error.
    """
    rows, place = split(task, seed), TASKS.index(task)
    with np.load(STORED) as stored:
        gaps = [
            np.subtract(network(LESSON, rows, start), stored["by_start"][place, seed, start]),
            np.subtract(network(OTHERS[-1], rows, seed), stored["by_other"][place, seed, -1]),
            np.subtract(simple(rows), stored["by_simple"][place, seed]),
            np.subtract(in_double(lambda: causes(start)), stored["causes"][start]),
        ]
    return max(float(np.abs(gap).max()) for gap in gaps)


if __name__ == "__main__":
    largest = max(difference(task, seed) for task in TASKS for seed in SEEDS)
    print(f"largest difference from the stored figures: {largest:.1e}")

"""Train some networks of lesson 10 again and compare them with the stored figures.

``python -m benchmarks.bench_variants`` prints the largest difference. `tools.make_variants` makes the
figures.
"""

from collections.abc import Collection

import numpy as np

from tools.make_variants import STORED, lesson, load, measure


def difference(
    dataset: str = "tumours", seed: int = 4, wanted: Collection[str] = ("tied", "denoising")
) -> float:
    """Train some networks from one start and return the largest difference from the stored figures."""
    names = lesson()
    again = measure(names, dataset, load(names, dataset), seed, wanted)
    with np.load(STORED) as stored:
        row, start = list(stored["datasets"]).index(dataset), list(stored["seeds"]).index(seed)
        kinds = list(stored["names"])
        return max(
            abs(stored[what][row, kinds.index(name), start] - value)
            for name, values in again.items()
            for what, value in zip(("auroc", "average_precision"), values, strict=True)
        )


if __name__ == "__main__":
    print(f"largest difference from the stored figures: {difference():.1e}")

"""Train networks of lesson 08 again and compare them with the stored figures.

``python -m benchmarks.bench_imbalanced`` prints the largest difference. `tools.make_imbalanced` makes the
figures.
"""

import numpy as np

from tools.make_imbalanced import NAMES, STORED, TRAININGS

CHEAP = (("whitened rows, code of 28",), ("whitened rows, denoising",))


def difference(seed: int = 4, trainings: tuple[tuple[str, ...], ...] = CHEAP) -> float:
    """Train again and return the largest difference from the stored figures.

    Parameters
    ----------
    seed : int
        The start, 0 to 4.
    trainings : tuple
        Keys of ``TRAININGS``: what to train.

    Returns
    -------
    float
        The largest absolute difference of an AUROC or an average precision.
    """
    with np.load(STORED) as stored:
        by_name = dict(zip(NAMES, stored["by_start"][seed], strict=True))
    return max(
        float(np.abs(np.subtract(again, by_name[name])).max())
        for names in trainings
        for name, again in zip(names, TRAININGS[names](seed), strict=True)
    )


if __name__ == "__main__":
    print(f"largest difference from the stored figures: {difference(trainings=tuple(TRAININGS)):.1e}")

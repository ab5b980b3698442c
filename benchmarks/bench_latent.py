"""Train one network of lesson 07 again and compare it with the stored figures.

``python -m benchmarks.bench_latent`` prints the largest difference. `tools.make_latent` makes the figures.
"""

import numpy as np

from tools.make_latent import STORED, unseen_network


def difference(digit: int = 9, seed: int = 4) -> float:
    """Train the manual's network without a digit and compare its AUROC on that digit.

    Parameters
    ----------
    digit : int
        The unseen digit.
    seed : int
        The start, 0 to 4.

    Returns
    -------
    float
        The absolute difference from the stored AUROC.
    """
    with np.load(STORED) as stored:
        return abs(float(unseen_network(digit, seed)["measures"] - stored["unseen_network"][digit, seed]))


if __name__ == "__main__":
    print(f"difference from the stored AUROC: {difference():.1e}")

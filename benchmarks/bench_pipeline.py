"""Train one start of lesson 04 again and compare it with the stored figures.

``python -m benchmarks.bench_pipeline`` prints the largest difference. `tools.make_pipeline` makes
the figures.
"""

import keras
import numpy as np

from tools.make_pipeline import NETWORKS, PRECISION, STORED, network, ranges, simple, split


def difference(seed: int = 4, start: int = 3, names: tuple[str, ...] = ("repaired, 10 epochs",)) -> float:
    """Measure again and return the largest difference from the stored figures.

    Parameters
    ----------
    seed : int
        The split, 0 to 4.
    start : int
        The start of the networks, 0 to 4.
    names : tuple of str
        The networks to train; the simple methods are fitted, too.

    Returns
    -------
    float
        The largest absolute difference of an AUROC or a recall, of a share of the columns, or, relative,
        of an unexplained share.
    """
    policy, floatx = keras.config.dtype_policy(), keras.config.floatx()
    keras.config.set_floatx(PRECISION)
    keras.config.set_dtype_policy(PRECISION)
    try:
        rows = split(seed)
        again = [network(name, rows, start) for name in names]
        with np.load(STORED) as stored:
            places = [NETWORKS.index(name) for name in names]
            gaps = [
                np.abs(np.array(again) - stored["by_network"][seed, start, places]),
                np.abs(np.array(simple(rows)) - stored["by_simple"][seed]),
            ]
            relative = np.abs(np.array(ranges(start)) / stored["ranges"][start] - 1).max()
    finally:
        keras.config.set_floatx(floatx)
        keras.config.set_dtype_policy(policy)
    return max(float(relative), *(float((gap / [1, 1, 30]).max()) for gap in gaps))


if __name__ == "__main__":
    print(f"largest difference from the stored figures: {difference(names=NETWORKS):.1e}")

"""Train one network of lesson 06 again and compare it with the stored figures.

``python -m benchmarks.bench_zeros`` prints the largest difference. `tools.make_zeros` makes the figures.
"""

import numpy as np

from aecourse import datasets
from tools.make_zeros import CODE_SIZE, STARTS, WATCHED, one_digit_simple, one_single_layer, train


def difference(seed: int = 4, epochs: int = 2, size: int = 2, digit: int | None = None) -> float:
    """Measure again and return the largest difference from the stored figures.

    Parameters
    ----------
    seed : int
        The start of both networks, 0 to 4.
    epochs : int
        Epochs of the deeper network; it is compared with what is stored for the last of them.
    size : int
        Code size of the published single layer.
    digit : int, optional
        The normal digit of the simple methods, which are left out without it.

    Returns
    -------
    float
        The largest absolute difference of an AUROC, a recall or a false-alarm rate.
    """
    zeros = datasets.load_mnist_zeros()
    _, watch, _ = train(zeros, CODE_SIZE, seed, watched=(epochs,), epochs=epochs)
    with np.load(STARTS) as stored:
        row = list(stored["code_sizes"]).index(size)
        pairs = [
            (watch.seen[epochs], stored["zeros"][seed, WATCHED.index(epochs)]),
            (one_single_layer(zeros, size, seed)["measures"], stored["single_layer"][row, seed]),
        ]
        if digit is not None:
            again = one_digit_simple(datasets.load_mnist_digit(digit))["measures"]
            pairs.append((again, stored["simple_by_digit"][digit]))
        return max(float(np.abs(np.subtract(*pair)).max()) for pair in pairs)


if __name__ == "__main__":
    print(f"largest difference from the stored figures: {difference(epochs=7, digit=0):.1e}")

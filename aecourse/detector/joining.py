"""The parts of a detector's score, joined to one.

Each part is a *surprise*, −log p: p is the share of normal rows whose part is at least as high. Independent
tests are joined by adding their surprises (Fisher's method); the parts depend on each other, so the sum is
not read from a table but calibrated again, on held-out normal rows. One part is tested beside the sum: an
anomaly that only the white view sees would be lost among the false alarms of the others.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from aecourse.detector.tails import Tails

Floats = NDArray[np.float64]

# In the order in which `AutoencoderDetector.score_parts` names them.
PARTS = ("plain", "latent", "range", "local", "columns", "white")
WEIGHTS = {"plain": 1.0, "latent": 1.0, "range": 1.0, "local": 1.0, "columns": 0.5}
ALONE = "white"
SHARE_ALONE = 0.02  # of the probability of a false alarm, for the part that is tested alone


@dataclass(frozen=True)
class Joint:
    """How the surprises of a detector's parts become its anomaly score.

    Attributes
    ----------
    tails : Tails or None
        Of the weighted sum of the parts that are added; None if no part is.
    """

    tails: Tails | None

    @classmethod
    def fit(cls, held_out: Mapping[str, Floats]) -> Self:
        """Calibrate the sum of the parts on their surprises (n,) for held-out normal rows."""
        return cls(Tails.fit(_sum(held_out)[:, None]) if set(held_out) - {ALONE} else None)

    def score(self, parts: Mapping[str, Floats]) -> Floats:
        """Return the anomaly score (n,) of rows with these surprises (n,), of the same parts as in `fit`."""
        tests = []
        if self.tails is not None:
            tests.append(sharpen(self.tails.surprise(_sum(parts)[:, None])[:, 0]))
        if ALONE in parts:
            tests.append(sharpen(parts[ALONE]))
        if len(tests) == 1:
            return tests[0]
        # 1/p of both tests, averaged: a row stands out if one of them is sure.
        joined, alone = tests
        return np.logaddexp(np.log(1 - SHARE_ALONE) + joined, np.log(SHARE_ALONE) + alone)


def _sum(parts: Mapping[str, Floats]) -> Floats:
    return sum(
        (WEIGHTS[name] * np.asarray(value) for name, value in parts.items() if name != ALONE), np.zeros(1)
    )


def sharpen(surprise: Floats) -> Floats:
    """Let a surprise beyond a probability of one tenth grow faster than in proportion.

    Of two tests the surer one should decide. With the exponential tails of surprises alone, a row that is far
    out in one of them scores little more than a row that is moderately far out in both.
    """
    return surprise + np.square(np.maximum(surprise - np.log(10), 0)) / 4

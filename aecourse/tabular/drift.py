"""Whether new rows still look like the rows that a detector was trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from scipy import stats

if TYPE_CHECKING:
    from aecourse.tabular.detector import TableDetector

__all__ = ["Drift"]

FALSE_WARNING_RATE = 0.001  # for each of the two tests, over tables without drift


class Drift:
    """Count, piece by piece, whether new rows still look like the training rows.

    Two tests are made, and each warns by chance alone for about one table in a thousand.
    *Values outside*: a new value lies outside of the range of n training rows with probability 2/(n + 1),
    so their number among m new rows follows a beta-binomial distribution. *Flagged rows*: likewise, with the
    rank of the threshold among the rows that set it. A drift that stays inside of the ranges and flags no
    more rows is not seen.

    Parameters
    ----------
    detector : TableDetector
        The fitted detector.

    Attributes
    ----------
    n_rows, n_flagged : int
        Number of rows seen, and of rows flagged.
    outside : dict of str to int
        For each column the number of values outside of those in training.

    References
    ----------
    Wilks, S. S. (1942). Statistical prediction with special reference to the problem of tolerance limits. The
    Annals of Mathematical Statistics 13(4), 400–409 (the distribution of the number outside).

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from aecourse.tabular import TableDetector
    >>> table = pd.DataFrame({"width": np.random.default_rng(0).normal(5, 1, 200)})
    >>> detector = TableDetector(budget=0.05).fit(table)
    >>> detector.drift(table).warnings
    []
    >>> detector.drift(table + 3).outside["width"] > 50
    True
    """

    n_rows: int
    n_flagged: int
    outside: dict[str, int]

    def __init__(self, detector: TableDetector) -> None:
        self._detector = detector
        self.n_rows = self.n_flagged = 0
        self.outside = {column.name: 0 for column in detector.preparation_.columns_}

    def add(self, table: pd.DataFrame, scored: pd.DataFrame) -> None:
        """Count a piece of the new table.

        Parameters
        ----------
        table : pandas.DataFrame of shape (n, columns)
            New rows.
        scored : pandas.DataFrame of shape (n, 4)
            What ``TableDetector.score`` returned for them.
        """
        self.n_rows += len(table)
        self.n_flagged += int(scored["flagged"].sum())
        for name, count in self._detector.preparation_.outside(table).sum().items():
            self.outside[name] += int(count)

    @property
    def warnings(self) -> list[str]:
        """list of str: A sentence on each column with too many values outside, and on too many flags."""
        return self._column_warnings() + self._flag_warnings()

    def _column_warnings(self) -> list[str]:
        n_train = self._detector.preparation_.n_rows_
        sentences = []
        for name, count in sorted(self.outside.items(), key=lambda item: -item[1]):
            chance = stats.betabinom.sf(count - 1, self.n_rows, 2, n_train - 1) if count else 1.0
            if chance < FALSE_WARNING_RATE / len(self.outside):
                sentences.append(
                    f"{name!r}: {count:,} of {self.n_rows:,} values ({count / self.n_rows:.1%}) lie "
                    f"outside of those in training; {2 / (n_train + 1):.1%} would be usual."
                )
        return sentences

    def _flag_warnings(self) -> list[str]:
        if not self.n_flagged:
            return []
        scores = self._detector.rule_.scores_
        above = int((scores > self._detector.threshold_).sum()) + 1
        chance = stats.betabinom.sf(self.n_flagged - 1, self.n_rows, above, scores.size + 1 - above)
        if chance >= FALSE_WARNING_RATE:
            return []
        return [
            f"{self.n_flagged:,} of {self.n_rows:,} rows ({self.n_flagged / self.n_rows:.1%}) are "
            f"flagged; of normal rows at most {self._detector.budget:.1%} would be, on average. There "
            "are anomalies, or the table has drifted: look at some flagged rows before you decide which."
        ]

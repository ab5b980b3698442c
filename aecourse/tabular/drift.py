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

    Three tests are made, and each warns by chance alone for about one table in a thousand.
    *Values outside*: a new number lies outside of the range of n training rows with probability 2/(n + 1),
    so their number among m new rows follows a beta-binomial distribution. A text is new as often as training
    rows held a text that no other one held. *Gaps*: the share of values that are missing, or cannot be read,
    is compared with that in training by Fisher's exact test. *Flagged rows*: as for values outside, with the
    rank of the threshold among the rows that set it. A drift that stays inside of the ranges, leaves the gaps
    as they were and flags no more rows is not seen.

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
    gaps : dict of str to int
        For each column the number of values that are missing or cannot be read.

    References
    ----------
    Wilks, S. S. (1942). Statistical prediction with special reference to the problem of tolerance limits. The
    Annals of Mathematical Statistics 13(4), 400–409 (the distribution of the number outside).

    Good, I. J. (1953). The population frequencies of species and the estimation of population parameters.
    Biometrika 40(3–4), 237–264 (why texts that occur once tell how often a new one comes).

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
    gaps: dict[str, int]

    def __init__(self, detector: TableDetector) -> None:
        self._detector = detector
        self.n_rows = self.n_flagged = 0
        self.outside = {column.name: 0 for column in detector.preparation_.columns_}
        self.gaps = dict(self.outside)

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
        preparation = self._detector.preparation_
        for counts, found in ((self.outside, preparation.outside), (self.gaps, preparation.gaps)):
            for name, count in found(table).sum().items():
                counts[name] += int(count)

    @property
    def warnings(self) -> list[str]:
        """list of str: A sentence on each column that differs from training, and on too many flags."""
        return self.column_warnings + self.flag_warnings

    @property
    def column_warnings(self) -> list[str]:
        """list of str: A sentence on each column that differs from training."""
        return self._outside_warnings() + self._gap_warnings()

    def _outside_warnings(self) -> list[str]:
        n_train = self._detector.preparation_.n_rows_
        columns = {column.name: column for column in self._detector.preparation_.columns_}
        sentences = []
        for name, count in sorted(self.outside.items(), key=lambda item: -item[1]):
            if not count:
                continue
            if columns[name].kind == "category":
                usual = columns[name].once / n_train
                chance = self._more_than_in_training(count, columns[name].once)
            else:
                usual = 2 / (n_train + 1)
                chance = stats.betabinom.sf(count - 1, self.n_rows, 2, n_train - 1)
            if chance < FALSE_WARNING_RATE / len(self.outside):
                sentences.append(
                    f"{name!r}: {count:,} of {self.n_rows:,} values ({count / self.n_rows:.1%}) lie "
                    f"outside of those in training; {usual:.1%} would be usual."
                )
        return sentences

    def _gap_warnings(self) -> list[str]:
        n_train = self._detector.preparation_.n_rows_
        sentences = []
        for column in self._detector.preparation_.columns_:
            count = self.gaps[column.name]
            more = self._more_than_in_training(count, column.gaps)
            fewer = stats.hypergeom.cdf(count, self.n_rows + n_train, count + column.gaps, self.n_rows)
            if 2 * min(more, fewer) < FALSE_WARNING_RATE / len(self.gaps):
                sentences.append(
                    f"{column.name!r}: {count:,} of {self.n_rows:,} values ({count / self.n_rows:.1%}) are "
                    f"missing or cannot be read; in training {column.gaps / n_train:.1%} were."
                )
        return sentences

    def _more_than_in_training(self, count: int, in_training: int) -> float:
        """Return how probable at least so many are, if new rows do not differ from training rows."""
        both = self.n_rows + self._detector.preparation_.n_rows_
        return float(stats.hypergeom.sf(count - 1, both, count + in_training, self.n_rows))

    @property
    def flag_warnings(self) -> list[str]:
        """list of str: A sentence on the flagged rows, if they are more than chance explains."""
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

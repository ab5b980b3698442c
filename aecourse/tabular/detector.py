"""A detector for tables: columns prepared, an autoencoder fitted, and a threshold with a promise."""

import hashlib
import json
import math
import os
import re
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from sklearn.exceptions import NotFittedError

from aecourse import __version__, thresholds
from aecourse._support.checks import check_fraction, check_whole
from aecourse._support.files import temporary_folder, whole_file
from aecourse.detector import AutoencoderDetector
from aecourse.tabular import clocks
from aecourse.tabular.columns import Choices, with_text_names
from aecourse.tabular.drift import Drift
from aecourse.tabular.oddities import find_oddities
from aecourse.tabular.preparation import FAR, Preparation
from aecourse.tabular.query import Query
from aecourse.tabular.reading import Reading
from aecourse.tabular.recognition import Recognised, recognise
from aecourse.tabular.sources import refuse_unknown
from aecourse.tabular.windowing import Plan

__all__ = ["Later", "Reason", "TableDetector"]

# What a row is used for. The last normal rows in time are set aside, to see whether the promise lasts.
TRAINING, CALIBRATION, LATER, NOT_USED = "training", "threshold", "later", "nothing"
MAX_FIT, MAX_CALIBRATION = 100_000, 20_000
CALIBRATION_SHARE = 0.3
MIN_NORMAL = 40
LATER_SHARE, MIN_LATER, MAX_LATER = 0.1, 20, 20_000

# A saved detector holds little more than random weights and a list of scores, neither of which packs well.
MAX_UNPACKED, MAX_RATIO = 1 << 28, 100
_FORMAT, _FORMAT_VERSION = "aecourse table detector", 3
_ABOUT, _DETECTOR = "about.json", "detector.zip"
_ENTRIES = set(
    "format format_version version sha256 preparation choices reading series budget train_on threshold "
    "calibration_scores".split()
)


class TableDetector:
    """Find anomalous rows of a table, with a promise on false alarms.

    ``fit`` takes the normal rows. It sets the last tenth of them in time aside, if there are enough, and
    divides the others at random. On 70 % of these it learns how columns become numbers and fits an
    `AutoencoderDetector`. The other 30 %, or as many as the budget needs, set the threshold so that on
    average at most a share ``budget`` of new normal rows is flagged, whatever their distribution. At most
    100,000 rows are fitted on, and 20,000 set the threshold (more for a tiny budget).

    The promise holds if new rows come from the same source. The rows set aside show whether it lasts: they
    come later than all others, and ``later_`` says what share of them is flagged.

    Parameters
    ----------
    budget : float
        Share of normal rows that may be flagged.
    random_state : int
        Seed of the division of the rows and of the detector.
    choices : Choices, optional
        What you know about the columns: signs in numbers, formats of dates, values for missing ones.
    trim : float
        Share of the training rows, those with the highest scores, that the detector leaves out and is fitted
        again without, because anomalies may be among them; see `AutoencoderDetector`.
    reading : Reading, optional
        How the file of the table was read; only saved, for new files.
    plan : Plan, optional
        How the rows were cut from a series; only saved, for new series.

    Attributes
    ----------
    preparation_ : Preparation
        How columns become numbers.
    detector_ : AutoencoderDetector
        The fitted detector; its threshold is ``threshold_``.
    rule_ : thresholds.Conformal
        The fitted threshold rule; it gives the p-values.
    threshold_ : float
        A row is flagged if its score is strictly above it.
    train_on_ : str or None
        The query that selected the normal rows.
    recognised_ : dict of str to Recognised
        How each column of the training table is read. It is not saved.
    used_for_ : ndarray of str of shape (n,)
        What `fit` used each row of its table for: ``training``, ``threshold``, ``later`` (set aside) or
        ``nothing``. It is not saved.
    normal_ : ndarray of bool of shape (n,)
        Which rows of its table `fit` took for normal. It is not saved.
    later_ : Later or None
        The false-alarm rate on the rows set aside; None if there were too few rows. It is not saved.

    References
    ----------
    Bates, S., Candès, E., Lei, L., Romano, Y., and Sesia, M. (2023). Testing for outliers with conformal
    p-values. The Annals of Statistics 51(1), 149–178.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> rng = np.random.default_rng(0)
    >>> table = pd.DataFrame({"width": rng.normal(5, 1, 200), "kind": rng.choice(["a", "b"], 200)})
    >>> detector = TableDetector(budget=0.05).fit(table)
    >>> new = pd.DataFrame({"kind": ["a", "a"], "width": [5.0, 50.0]})
    >>> detector.score(new)["flagged"].tolist()
    [0, 1]
    """

    preparation_: Preparation
    detector_: AutoencoderDetector
    rule_: thresholds.Conformal
    threshold_: float
    train_on_: str | None
    recognised_: dict[str, Recognised]
    used_for_: NDArray[np.object_]
    normal_: NDArray[np.bool_]
    later_: "Later | None"

    def __init__(
        self,
        budget: float = 0.01,
        random_state: int = 0,
        choices: Choices | None = None,
        trim: float = 0.0,
        reading: Reading | None = None,
        plan: Plan | None = None,
    ) -> None:
        self.budget = budget
        self.random_state = random_state
        self.choices = choices
        self.trim = trim
        self.reading = reading
        self.plan = plan

    def fit(
        self,
        table: pd.DataFrame,
        train_on: str | None = None,
        ignore: Iterable[str] = (),
        used_for: ArrayLike | None = None,
    ) -> Self:
        """Learn from the normal rows of a table.

        Parameters
        ----------
        table : pandas.DataFrame of shape (n, columns)
            The table.
        train_on : str, optional
            The query that the normal rows fulfil, see `Query`. The columns that it names are labels, and so
            do not become features. Without a query all rows count as normal.
        ignore : iterable of str
            Other columns that do not become features.
        used_for : array-like of str of shape (n,), optional
            What to use each row for, see ``used_for_``, if the rows must not be divided at random.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the query fails or selects too few rows for the budget, or the columns cannot be used.
        """
        table = with_text_names(table)
        order = None
        if used_for is None:
            order = self._divide(table, train_on, ignore)
        else:
            self._take_as_divided(table, np.asarray(used_for, dtype=object), ignore)
        rows = table[self.used_for_ == TRAINING]
        self._prepare(rows)
        X = self.preparation_.transform(rows)
        X = X[(np.abs(X) < FAR).all(axis=1)]
        if len(X) < MIN_NORMAL // 2:
            raise ValueError(
                f"only {len(X)} of {len(rows)} training rows are without infinite values; at "
                f"least {MIN_NORMAL // 2} are needed. Replace infinite values, or leave their columns "
                "out: ignore= or --ignore."
            )
        self.detector_ = AutoencoderDetector(trim=self.trim, random_state=self.random_state).fit(X)
        self._set_threshold(self._scores(table[self.used_for_ == CALIBRATION]))
        later = table[self.used_for_ == LATER]
        self.later_ = self._look_at_later(later, order) if len(later) else None
        return self

    def prepare(self, table: pd.DataFrame, train_on: str | None = None, ignore: Iterable[str] = ()) -> Self:
        """Do what :meth:`fit` does before the network is fitted: recognise the columns, divide the rows.

        Parameters
        ----------
        table, train_on, ignore
            As for :meth:`fit`.

        Returns
        -------
        self
            With ``recognised_``, ``used_for_`` and ``preparation_``; it cannot score.

        Raises
        ------
        ValueError
            As for :meth:`fit`.
        """
        table = with_text_names(table)
        self._divide(table, train_on, ignore)
        self._prepare(table[self.used_for_ == TRAINING])
        return self

    def _prepare(self, rows: pd.DataFrame) -> None:
        self.preparation_ = Preparation(self.choices).fit(rows, self._leave_out, self.recognised_)
        self.preparation_.notes_ += self._oddities

    def _divide(self, table: pd.DataFrame, train_on: str | None, ignore: Iterable[str]) -> str | None:
        """Recognise the columns and divide the rows; return the column that gives the order in time."""
        budget = check_fraction(self.budget, "budget")
        query = Query(train_on) if train_on is not None else None
        named = query.columns if query else ()
        leave_out = _as_asked(table, self.choices or Choices(), ignore)
        leave_out |= dict.fromkeys(named, "it is named in the query that selects the normal rows")
        self.normal_ = np.asarray(query.select(table), dtype=bool) if query else np.full(len(table), True)
        normal = np.flatnonzero(self.normal_)
        if query and not normal.size:
            raise ValueError(_no_normal_rows(query, table))
        self._leave_out = leave_out
        self.recognised_ = recognise(table, self.choices, leave_out)
        self._oddities = find_oddities(table, self.recognised_)
        normal, order = _in_time(table, normal, self.recognised_)
        normal, later = set_aside(normal, budget)
        fit, calibration = divide_rows(normal, budget, np.random.RandomState(self.random_state))
        self.train_on_ = train_on
        self.used_for_ = np.full(len(table), NOT_USED, dtype=object)
        self.used_for_[fit], self.used_for_[calibration], self.used_for_[later] = TRAINING, CALIBRATION, LATER
        return order

    def _take_as_divided(
        self, table: pd.DataFrame, used_for: NDArray[np.object_], ignore: Iterable[str]
    ) -> None:
        """Recognise the columns, and use each row for what the caller says."""
        check_fraction(self.budget, "budget")
        self._leave_out = _as_asked(table, self.choices or Choices(), ignore)
        self.recognised_ = recognise(table, self.choices, self._leave_out)
        self._oddities = []
        self.train_on_, self.used_for_, self.normal_ = None, used_for, used_for != NOT_USED

    def _look_at_later(self, rows: pd.DataFrame, order: str | None) -> "Later":
        drift = self.drift(rows)
        return Later(
            realised=self.rule_.realised(self._scores(rows)),
            order=order,
            promised=float(self.budget),
            changes=tuple(drift.column_warnings),
            selected=self.train_on_ is not None,
            outside=drift.outside,
            gaps=drift.gaps,
        )

    @property
    def rate_range_(self) -> tuple[float, float]:
        """(float, float): Share of new normal rows that 95 of 100 thresholds like this one flag.

        The promise is about the mean. The rate of the m-th largest of n scores follows Beta(m, n + 1 − m),
        which is wide if m is small.
        """
        scores = self.rule_.scores_
        m = int((scores > self.threshold_).sum()) + 1
        low, high = stats.beta.ppf([0.025, 0.975], m, scores.size + 1 - m)
        return float(low), float(high)

    @property
    def notes_(self) -> list[str]:
        """list of str: What was noticed in the columns, and whether the promise lasts."""
        return [*self.preparation_.notes_, *([str(self.later_)] if self.later_ else [])]

    def _check_fitted(self) -> None:
        if not hasattr(self, "threshold_"):
            raise NotFittedError(
                "this TableDetector has not learned anything yet. Call fit first, or load one."
            )

    def _set_threshold(self, scores: ArrayLike) -> None:
        self.rule_ = thresholds.Conformal(rate=self.budget).fit(scores)
        self.threshold_ = float(self.rule_.threshold_)
        self.detector_.set_threshold(self.threshold_, self.budget)

    def _scores(self, table: pd.DataFrame) -> NDArray[np.float64]:
        # Rounded, because the last digits depend on the other rows of the same call, and the row whose score
        # is the threshold must never be above it.
        return np.round(self.detector_.anomaly_score(self.preparation_.transform(table)), 9)

    def score(self, table: pd.DataFrame) -> pd.DataFrame:
        """Score the rows of a table.

        Parameters
        ----------
        table : pandas.DataFrame of shape (n, columns)
            Rows with the columns of the training table, in any order; labels are not needed.

        Returns
        -------
        pandas.DataFrame of shape (n, 4)
            ``score`` (high = anomalous), ``p_value`` (conformal; small = anomalous), ``flagged`` (1 =
            flagged) and ``outside`` (number of columns with a value outside of those in training).

        Raises
        ------
        ValueError
            If a column is missing, or does not contain what it contained in training.
        """
        self._check_fitted()
        table = with_text_names(table)
        score = self._scores(table)
        return pd.DataFrame(
            {
                "score": score,
                "p_value": self.rule_.p_values(score),
                "flagged": (score > self.threshold_).astype(int),
                "outside": self.preparation_.outside(table).sum(axis=1).to_numpy(),
            },
            index=table.index,
        )

    def errors(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return how far each row departs from what is expected, column by column.

        Parameters
        ----------
        table : pandas.DataFrame of shape (n, columns)
            Rows.

        Returns
        -------
        pandas.DataFrame of shape (n, columns used)
            The largest error among the features that a column became, from
            `AutoencoderDetector.feature_errors`: about 1 for a normal row.
        """
        self._check_fitted()
        names = self.preparation_.source_names_
        if not len(table):
            return pd.DataFrame(columns=names, dtype=float)
        errors = self.detector_.feature_errors(self.preparation_.transform(table))
        starts = np.searchsorted(self.preparation_.sources_, np.arange(len(names)))
        index = with_text_names(table).index
        return pd.DataFrame(np.maximum.reduceat(errors, starts, axis=1), index=index, columns=names)

    def reasons(self, table: pd.DataFrame, top: int = 3) -> list[str]:
        """Say in words which columns made each row anomalous.

        Parameters
        ----------
        table : pandas.DataFrame of shape (n, columns)
            Rows.
        top : int
            Number of columns to name.

        Returns
        -------
        list of str
            Such as ``"width = 50 (error 130 times the usual); …"``, the column with the largest error first.
        """
        return ["; ".join(map(str, row)) for row in self.explain(table, top)]

    def explain(self, table: pd.DataFrame, top: int = 3) -> list[list["Reason"]]:
        """Return the columns that made each row anomalous.

        Parameters
        ----------
        table : pandas.DataFrame of shape (n, columns)
            Rows.
        top : int
            Number of columns to name.

        Returns
        -------
        list of list of Reason
            For each row its columns, the one with the largest error first.
        """
        top = check_whole(top, "top")
        table = with_text_names(table)
        found = self.errors(table)
        names, errors = list(found.columns), found.to_numpy()
        order = np.argsort(-errors, axis=1, kind="stable")[:, :top]
        usual = {column.name: column.usual for column in self.preparation_.columns_}
        values = [table[name].array for name in names]
        return [
            [
                Reason(names[at], _as_text(values[at][row]), usual[names[at]], float(errors[row, at]))
                for at in places
            ]
            for row, places in enumerate(order)
        ]

    def drift(self, table: pd.DataFrame) -> Drift:
        """Compare a table with the training rows.

        Parameters
        ----------
        table : pandas.DataFrame of shape (n, columns)
            New rows.

        Returns
        -------
        Drift
            Its ``warnings`` are empty if the table looks like the training rows.
        """
        scored = self.score(table)
        drift = Drift(self)
        drift.add(with_text_names(table), scored)
        return drift

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything to one file, without pickle. The file appears whole or not at all.

        Parameters
        ----------
        path : path-like
            The file to write; an existing one is replaced.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        self._check_fitted()
        with temporary_folder() as folder:
            inner = folder / _DETECTOR
            self.detector_.save(inner)
            detector = inner.read_bytes()
        about = {
            "format": _FORMAT,
            "format_version": _FORMAT_VERSION,
            "version": __version__,
            "sha256": hashlib.sha256(detector).hexdigest(),
            "preparation": self.preparation_.to_json(),
            "choices": asdict(self.choices or Choices()),
            "reading": asdict(self.reading or Reading()),
            "series": self.plan.to_json() if self.plan else None,
            "budget": float(self.budget),
            "train_on": self.train_on_,
            "threshold": self.threshold_,
            "calibration_scores": self.rule_.scores_.tolist(),
        }
        with whole_file(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(_ABOUT, json.dumps(about, indent=1))
            archive.writestr(_DETECTOR, detector)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read what :meth:`save` wrote. Nothing in the file is executed.

        Parameters
        ----------
        path : path-like
            The file.

        Returns
        -------
        TableDetector
            It scores as the saved one did.

        Raises
        ------
        OSError
            If the file is missing or damaged.
        ValueError
            If it is not such a file, or was changed.
        """
        about, detector = _read_archive(path)
        try:
            if about["format"] == _FORMAT and about["format_version"] == 2:  # without these two
                about |= {"format_version": _FORMAT_VERSION, "reading": {}, "series": None}
            if about["format"] != _FORMAT or about["format_version"] != _FORMAT_VERSION:
                raise ValueError(
                    f"it has the format {about['format']!r}, version "
                    f"{about['format_version']!r}; this aecourse reads {_FORMAT!r}, version "
                    f"{_FORMAT_VERSION}"
                )
            if set(about) != _ENTRIES:
                raise ValueError(f"entries are unknown or missing: {sorted(set(about) ^ _ENTRIES)}")
            if hashlib.sha256(detector).hexdigest() != about["sha256"]:
                raise ValueError("it was changed after it was saved: a checksum differs")
            choices = Choices(**about["choices"])
            loaded = cls(
                budget=check_fraction(about["budget"], "budget"),
                choices=choices,
                reading=Reading(**about["reading"]),
                plan=Plan.from_json(about["series"]) if about["series"] is not None else None,
            )
            loaded.train_on_, loaded.later_ = about["train_on"], None
            loaded.preparation_ = Preparation.from_json(about["preparation"])
            with temporary_folder() as folder:
                inner = folder / _DETECTOR
                inner.write_bytes(detector)
                loaded.detector_ = AutoencoderDetector.load(inner)
            loaded.trim, seed = loaded.detector_.trim, loaded.detector_.random_state
            loaded.random_state = seed if isinstance(seed, int) else 0
            if loaded.detector_.n_features_in_ != len(loaded.preparation_.feature_names_):
                raise ValueError("its columns and its detector do not fit together")
            loaded._set_threshold(np.asarray(about["calibration_scores"], dtype=float))
            if loaded.threshold_ != about["threshold"]:
                raise ValueError("its threshold and its scores do not fit together")
        except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError) as error:
            raise ValueError(
                f"{os.fspath(path)!r} cannot be used: {error}. Make it again with 'aecourse detect'."
            ) from error
        return loaded


@dataclass(frozen=True)
class Reason:
    """A column that made a row anomalous.

    Attributes
    ----------
    column : str
        Its name.
    found : str
        The value in the row, in words.
    usual : str or None
        The median of the training rows, or their most frequent text; None for a date.
    error : float
        The error of the value, in units of that of a normal row.

    Examples
    --------
    >>> print(Reason("width", "50", "5.02", 131.4))
    width = 50 (error 130 times the usual)
    """

    column: str
    found: str
    usual: str | None
    error: float

    def __str__(self):
        times = float(f"{self.error:.2g}")  # two digits say enough
        many = f"{times:,.0f}" if times >= 10 else f"{times:g}"
        return f"{self.column} = {self.found} (error {many} times the usual)"


@dataclass(frozen=True)
class Later:
    """What became of the promise on the normal rows that come after all others.

    Attributes
    ----------
    realised : thresholds.Realised
        The share of them that is flagged, with its interval.
    order : str or None
        The column of dates whose order decides what comes later; None if it is the order of the rows.
    promised : float
        The share that was promised.
    changes : tuple of str
        A sentence on each column that differs from training, see `Drift`.
    selected : bool
        Whether a query selected the normal rows; if not, anomalies may be among them.
    outside, gaps : dict of str to int
        For each column the values that lie outside of those in training, and those that are missing or
        cannot be read.

    Examples
    --------
    >>> realised = thresholds.Realised(1.0, 0.88, 1.0, 30, 30, 0.95)
    >>> Later(realised, None, 0.02, ()).broken
    True
    """

    realised: thresholds.Realised
    order: str | None
    promised: float
    changes: tuple[str, ...]
    selected: bool = True
    outside: Mapping[str, int] = field(default_factory=dict)
    gaps: Mapping[str, int] = field(default_factory=dict)

    @property
    def broken(self) -> bool:
        """bool: Whether more rows are flagged than chance explains."""
        return self.realised.low > self.promised

    def __str__(self):
        by = "in the order of the table" if self.order is None else f"in the order of {self.order!r}"
        sentences = [
            f"The last {self.realised.n:,} normal rows {by} were set aside. Flagged: {self.realised}; "
            f"promised: at most {100 * self.promised:.3g} %."
        ]
        if self.broken:
            sentences.append(
                "So the promise does not hold for later rows"
                + (
                    "."
                    if self.selected
                    else ", or there are anomalies among them: no query selected normal rows."
                )
            )
        elif self.changes:
            sentences.append("But columns change towards the end of the table, so the promise will not last.")
        if self.changes:
            sentences += self.changes[:3]
        if self.broken or self.changes:
            sentences.append(
                "Leave out columns that grow with time (ignore= or --ignore); shuffle a table that is sorted "
                "by something else than time."
            )
        return " ".join(sentences)


def set_aside(normal: NDArray[np.int64], budget: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Set the last tenth of the normal rows aside, if enough remain for the budget.

    Parameters
    ----------
    normal : ndarray of int of shape (n,)
        Positions of the normal rows, in the order of time.
    budget : float
        Share of normal rows that may be flagged.

    Returns
    -------
    kept, later : ndarray of int
        Positions of the rows to learn from, and of the last ones. There are none of the latter if fewer than
        20 could be spared.

    Examples
    --------
    >>> kept, later = set_aside(np.arange(300), 0.02)
    >>> len(kept), later.min(), later.max()
    (270, np.int64(270), np.int64(299))
    """
    spare = len(normal) - _rows_for(budget)
    n_later = min(round(LATER_SHARE * len(normal)), MAX_LATER, spare)
    n_later = n_later if n_later >= MIN_LATER else 0
    return normal[: len(normal) - n_later], normal[len(normal) - n_later :]


def _rows_for(budget: float) -> int:
    """Return how many normal rows a budget needs."""
    return max(2 * thresholds.rows_needed(budget), MIN_NORMAL)


def _in_time(
    table: pd.DataFrame, normal: NDArray[np.int64], recognised: Mapping[str, Recognised]
) -> tuple[NDArray[np.int64], str | None]:
    """Put the normal rows in the order of a column of dates, if one says when each row was written."""
    best, best_order, ordered = None, 0.0, normal
    dates_of = {
        name: each.column.formats
        for name, each in recognised.items()
        if each.column.kind == "date" and clocks.TIME not in each.column.formats
    }
    for name, formats in dates_of.items():
        dates = clocks.to_dates(table[name].iloc[normal], formats)
        if dates.isna().mean() > 0.05 or dates.nunique() < 2:
            continue
        order = abs(float(dates.reset_index(drop=True).rank().corr(pd.Series(np.arange(len(normal))))))
        # of several dates, such as those of birth and of a visit, the one by which the file is sorted
        if len(dates_of) == 1 or (order >= 0.9 and order > best_order):
            best, best_order = name, order
            ordered = normal[np.argsort(dates.to_numpy(), kind="stable")]
    return ordered, best


def divide_rows(
    normal: NDArray[np.int64], budget: float, rng: np.random.RandomState
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Divide the normal rows at random.

    Parameters
    ----------
    normal : ndarray of int of shape (n,)
        Positions of the normal rows.
    budget : float
        Share of normal rows that may be flagged.
    rng : numpy.random.RandomState
        Source of the random order.

    Returns
    -------
    fit, calibration : ndarray of int
        Positions of the rows to fit on, and of those that set the threshold, each in ascending order.

    Raises
    ------
    ValueError
        If there are too few rows for the budget.

    Examples
    --------
    >>> fit, calibration = divide_rows(np.arange(100), 0.05, np.random.RandomState(0))
    >>> len(fit), len(calibration)
    (70, 30)
    """
    for_promise = thresholds.rows_needed(budget)
    needed = _rows_for(budget)
    if len(normal) < needed:
        possible = _rounded_up(1 / (len(normal) // 2 + 1))
        way_out = f", or ask for a budget of {possible:g} or more" if len(normal) >= MIN_NORMAL else ""
        raise ValueError(
            f"a budget of {budget:g} needs at least {needed:,} normal rows, half of them ({for_promise:,} at "
            f"least) to set the threshold; found {len(normal):,}. Add normal rows{way_out}."
        )
    order = rng.permutation(normal)
    n_calibration = min(
        max(round(CALIBRATION_SHARE * len(normal)), for_promise), max(MAX_CALIBRATION, 2 * for_promise)
    )
    calibration, rest = order[:n_calibration], order[n_calibration:]
    return np.sort(rest[:MAX_FIT]), np.sort(calibration)


def _rounded_up(number: float) -> float:
    """Round up to two significant digits."""
    unit = 10.0 ** (math.floor(math.log10(number)) - 1)
    return math.ceil(number / unit - 1e-9) * unit


def _as_asked(table: pd.DataFrame, choices: Choices, ignore: Iterable[str]) -> dict[str, str]:
    """Return the columns that the caller does not want, and why they are left out."""
    ignore = [*map(str, ignore), *choices.ignore]
    for option, names in (("ignore", ignore), ("only", choices.only)):
        refuse_unknown(option, names, table.columns)
    others = [str(name) for name in table.columns if choices.only and name not in choices.only]
    return dict.fromkeys(others, "it is not among those to use") | dict.fromkeys(ignore, "you asked for it")


def _no_normal_rows(query: Query, table: pd.DataFrame) -> str:
    """Say that a query selected nothing, and what its columns contain."""
    contents, hint = [], ""
    for name in query.columns:
        counts = table[name].value_counts()
        known = counts.index.tolist()
        values = [f"{value!r} ({count:,})" for value, count in zip(known[:5], counts, strict=False)]
        values += [f"{len(known) - 5:,} other values"] if len(known) > 5 else []
        n_missing = int(table[name].isna().sum())
        values += [f"no value ({n_missing:,})"] if n_missing else []
        contents.append(f"{name!r} holds {', '.join(values)}")
        if pd.api.types.is_numeric_dtype(table[name]) and re.search("['\"]", query.text):
            hint = f" Numbers stand without quotation marks: {name!r} holds numbers."
    return f"the query {query.text!r} selects none of {len(table):,} rows. {'; '.join(contents)}.{hint}"


def _as_text(value: object) -> str:
    if pd.isna(value):
        return "missing"
    return f"{value:.6g}" if isinstance(value, (float, np.floating)) else str(value)[:60]


def _parse(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:  # no JSON, or nested or with digits beyond all measure
        raise zipfile.BadZipFile(f"its description cannot be read: {error}") from error


def _entry(archive: zipfile.ZipFile, name: str) -> bytes:
    """Return an entry; `ZipFile.read` would unpack all of it, even if that is more than it says."""
    with archive.open(name) as stream:
        return stream.read(archive.getinfo(name).file_size + 1)


def _read_archive(path: str | os.PathLike[str]) -> tuple[dict[str, Any], bytes]:
    """Return the description and the detector inside of a saved file."""
    name = os.fspath(path)
    wrong_file = f"{name!r} is not a detector of a table. Name a file that 'aecourse detect' wrote."
    try:
        with zipfile.ZipFile(path) as archive:
            if sorted(archive.namelist()) != sorted([_ABOUT, _DETECTOR]):
                raise ValueError(wrong_file)
            for entry in archive.infolist():
                if entry.file_size > min(MAX_UNPACKED, MAX_RATIO * entry.compress_size + 2**20):
                    raise ValueError(
                        f"{name!r} cannot be used: {entry.filename} unpacks to {entry.file_size:,} bytes, "
                        "more than a detector has. Make it again with 'aecourse detect'."
                    )
            about = _parse(_entry(archive, _ABOUT))
            if not isinstance(about, dict):
                raise ValueError(wrong_file)
            return about, _entry(archive, _DETECTOR)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"{name!r} does not exist. Name a file that 'aecourse detect' wrote."
        ) from error
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        RuntimeError,
    ) as error:
        raise OSError(
            f"{name!r} is damaged, or not a detector of a table ({error}). Make it again with "
            "'aecourse detect'."
        ) from error

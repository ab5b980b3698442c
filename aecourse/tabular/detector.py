"""From a CSV to a saved detector, scores and a report: what ``aecourse detect`` and ``aecourse score`` do.

:class:`TableDetector` joins the parts of the course for a table as people have it: the columns prepared
(`tables.Preparation`), an `AutoencoderDetector` fitted on normal rows, and a conformal threshold from
normal rows that the detector never saw. :func:`detect` and :func:`score` run it on files.
"""

import hashlib
import json
import math
import os
import shutil
import tempfile
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

import aecourse
from aecourse import thresholds
from aecourse._support import progress
from aecourse._support.checks import check_fraction
from aecourse.detector import AutoencoderDetector
from aecourse.tabular import reading as tables

__all__ = ["Drift", "Result", "TableDetector", "detect", "score"]

TRAINING, CALIBRATION, NOT_USED = "training", "threshold", "nothing"
RESULT_FILES = ("detector.aecourse", "flagged.csv", "report.html", "scores.csv")
MAX_FIT, MAX_CALIBRATION = 100_000, 20_000
CALIBRATION_SHARE = 0.3
MIN_NORMAL = 40
CHUNK = 50_000
SURPRISE = 0.001  # a warning of drift where chance alone would give one in so few of the tables

_FORMAT, _FORMAT_VERSION = "aecourse table detector", 1
_ABOUT, _DETECTOR = "about.json", "detector.zip"
_ENTRIES = {
    "format",
    "format_version",
    "version",
    "sha256",
    "preparation",
    "budget",
    "train_on",
    "threshold",
    "calibration_scores",
}


class TableDetector:
    """Find anomalous rows of a table, with a promise on false alarms.

    ``fit`` takes the rows that are normal and divides them at random. On 70 % it learns how columns become
    numbers and fits an `AutoencoderDetector`. On the other 30 %, or as many as the budget needs, it sets the
    threshold, so that on average at most a share ``budget`` of new normal rows is flagged, whatever their
    distribution. At most 100,000 rows are fitted on, and 20,000 set the threshold (more for a tiny budget).

    Parameters
    ----------
    budget : float
        Share of normal rows that may be flagged.
    random_state : int
        Seeds the division of the rows and the detector.

    Attributes
    ----------
    preparation_ : tables.Preparation
        How columns become numbers.
    detector_ : AutoencoderDetector
        The detector, with this threshold as its own.
    rule_ : thresholds.Conformal
        The fitted threshold rule; it gives the p-values.
    threshold_ : float
        A row is flagged when its score is strictly above it.
    train_on_ : str or None
        The query that chose the normal rows.
    used_for_ : ndarray of str of shape (n,)
        What each row of the table of ``fit`` was used for: ``training``, ``threshold`` or ``nothing``. Not
        saved.

    References
    ----------
    Bates, S., Candès, E., Lei, L., Romano, Y., and Sesia, M. (2023). Testing for outliers with conformal
    p-values. The Annals of Statistics 51(1), 149–178.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> rng = np.random.default_rng(0)
    >>> table = pd.DataFrame({"width": rng.normal(5, 1, 200), "kind": rng.choice(["a", "b"], 200)})
    >>> found = TableDetector(budget=0.05).fit(table)
    >>> new = pd.DataFrame({"kind": ["a", "a"], "width": [5.0, 50.0]})
    >>> found.score(new)["flagged"].tolist()
    [0, 1]
    """

    def __init__(self, budget=0.01, random_state=0):
        self.budget = budget
        self.random_state = random_state

    def fit(self, table, train_on=None, ignore=()):
        """Learn from the normal rows of a table.

        Parameters
        ----------
        table : pandas.DataFrame of shape (n, columns)
            The table.
        train_on : str, optional
            The query that the normal rows fulfil, see `tables.Query`. The columns that it names are labels,
            and so no features. Without it all rows are taken for normal.
        ignore : sequence of str
            Further columns that are no features.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the query fails or selects too few rows for the budget, or the columns cannot be used.
        """
        budget = check_fraction(self.budget, "budget")
        query = tables.Query(train_on) if train_on is not None else None
        named = query.columns if query else ()
        leave_out = {name: "it is named in the query that selects the normal rows" for name in named}
        for name in ignore:
            if name not in table.columns:
                raise ValueError(f"ignore names the column {name!r}, which the table does not have.")
            leave_out[str(name)] = "you asked for it"
        normal = np.flatnonzero(query.select(table)) if query else np.arange(len(table))
        if query and not normal.size:
            raise ValueError(_no_rows(query, table))
        fit, calibration = _divide(normal, budget, np.random.RandomState(self.random_state))
        self.train_on_ = train_on
        self.used_for_ = np.full(len(table), NOT_USED, dtype=object)
        self.used_for_[fit], self.used_for_[calibration] = TRAINING, CALIBRATION
        rows = table.iloc[fit]
        self.preparation_ = tables.Preparation().fit(rows, leave_out)
        X = self.preparation_.transform(rows)
        X = X[(np.abs(X) < tables.FAR).all(axis=1)]
        if len(X) < MIN_NORMAL // 2:
            raise ValueError(
                f"only {len(X)} of {len(fit)} training rows hold no infinite value; at least "
                f"{MIN_NORMAL // 2} are needed. Replace infinite values, or leave their columns "
                "out: ignore= or --ignore."
            )
        self.detector_ = AutoencoderDetector(random_state=self.random_state).fit(X)
        self._set_threshold(self._scores(table.iloc[calibration]))
        return self

    def _set_threshold(self, scores):
        self.rule_ = thresholds.Conformal(rate=self.budget).fit(scores)
        self.threshold_ = float(self.rule_.threshold_)
        detector = self.detector_
        detector.threshold_, detector.promised_rate_ = self.threshold_, float(self.budget)
        detector.offset_ = -self.threshold_

    def _scores(self, table):
        # Rounded, because the last digits depend on the rows that a row is scored with, and the row that is
        # the threshold must never be above it.
        return np.round(self.detector_.anomaly_score(self.preparation_.transform(table)), 9)

    def score(self, table):
        """Score the rows of a table.

        Parameters
        ----------
        table : pandas.DataFrame of shape (n, columns)
            Rows with the columns of the training table, in any order; the label is not needed.

        Returns
        -------
        pandas.DataFrame of shape (n, 4)
            ``score`` (high = anomalous), ``p_value`` (conformal; small = anomalous), ``flagged`` (1 =
            flagged) and ``outside`` (number of columns with a value outside of those in training).

        Raises
        ------
        ValueError
            If a column is missing, or does not hold what it held in training.
        """
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

    def errors(self, table):
        """Return how much of each row's anomaly lies in each column.

        Parameters
        ----------
        table : pandas.DataFrame of shape (n, columns)
            Rows.

        Returns
        -------
        pandas.DataFrame of shape (n, columns used)
            The largest error among the features that a column became, as `AutoencoderDetector.feature_errors`
            has it: about 1 for a normal row.
        """
        names = self.preparation_.source_names_
        if not len(table):
            return pd.DataFrame(columns=names, dtype=float)
        errors = self.detector_.feature_errors(self.preparation_.transform(table))
        starts = np.searchsorted(self.preparation_.sources_, np.arange(len(names)))
        return pd.DataFrame(np.maximum.reduceat(errors, starts, axis=1), index=table.index, columns=names)

    def reasons(self, table, top=3):
        """Say in words which columns made each row anomalous.

        Parameters
        ----------
        table : pandas.DataFrame of shape (n, columns)
            Rows.
        top : int
            Columns named.

        Returns
        -------
        list of str
            Such as ``"width = 50 (error 130 times the usual); …"``, the column with the largest error first.
        """
        errors = self.errors(table)
        order = np.argsort(-errors.to_numpy(), axis=1, kind="stable")[:, :top]
        return [
            "; ".join(
                _reason(errors.columns[place], table[errors.columns[place]].iloc[row], errors.iat[row, place])
                for place in places
            )
            for row, places in enumerate(order)
        ]

    def drift(self, table):
        """Compare a table with the training rows.

        Parameters
        ----------
        table : pandas.DataFrame of shape (n, columns)
            New rows.

        Returns
        -------
        Drift
            Its ``warnings`` is empty where the table looks like the training rows.
        """
        found = Drift(self)
        found.add(table, self.score(table))
        return found

    # ------------------------------------------------------------------ files

    def save(self, path):
        """Write everything to one file, without pickle; it appears whole or not at all.

        Parameters
        ----------
        path : path-like
            Where to; an existing file is replaced.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        path = Path(path)
        with tempfile.TemporaryDirectory() as folder:
            inner = Path(folder) / _DETECTOR
            self.detector_.save(inner)
            detector = inner.read_bytes()
        about = {
            "format": _FORMAT,
            "format_version": _FORMAT_VERSION,
            "version": aecourse.__version__,
            "sha256": hashlib.sha256(detector).hexdigest(),
            "preparation": self.preparation_.to_json(),
            "budget": float(self.budget),
            "train_on": self.train_on_,
            "threshold": self.threshold_,
            "calibration_scores": self.rule_.scores_.tolist(),
        }
        with _whole_file(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(_ABOUT, json.dumps(about, indent=1))
            archive.writestr(_DETECTOR, detector)

    @classmethod
    def load(cls, path):
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
            If it is no such file, or was changed.
        """
        about, detector = _read(path)
        try:
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
            found = cls(budget=check_fraction(about["budget"], "budget"))
            found.train_on_ = about["train_on"]
            found.preparation_ = tables.Preparation.from_json(about["preparation"])
            with tempfile.TemporaryDirectory() as folder:
                inner = Path(folder) / _DETECTOR
                inner.write_bytes(detector)
                found.detector_ = AutoencoderDetector.load(inner)
            if found.detector_.n_features_in_ != len(found.preparation_.feature_names_):
                raise ValueError("its columns and its detector do not fit together")
            found._set_threshold(np.asarray(about["calibration_scores"], dtype=float))
            if found.threshold_ != about["threshold"]:
                raise ValueError("its threshold and its scores do not fit together")
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"{os.fspath(path)!r} cannot be used: {error}. Make it again with 'aecourse detect'."
            ) from error
        return found


def _divide(normal, budget, rng):
    """Divide the normal rows into those to fit on and those that set the threshold, each in their order."""
    for_promise = thresholds.rows_needed(budget)
    needed = max(2 * for_promise, MIN_NORMAL)
    if len(normal) < needed:
        could = _rounded_up(1 / (len(normal) // 2 + 1))
        way_out = f", or ask for a budget of {could:g} or more" if len(normal) >= MIN_NORMAL else ""
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


def _rounded_up(number):
    """Round up to two digits."""
    unit = 10.0 ** (math.floor(math.log10(number)) - 1)
    return math.ceil(number / unit - 1e-9) * unit


def _no_rows(query, table):
    """Say that a query selected nothing, and what its columns hold."""
    held = []
    for name in query.columns:
        counts = table[name].value_counts().head(5)
        values = ", ".join(f"{value!r} ({count:,})" for value, count in counts.items())
        held.append(f"{name!r} holds {values}")
    return f"the query {query.text!r} selects none of {len(table):,} rows. {'; '.join(held)}."


def _reason(name, value, error):
    text = f"{value:.6g}" if isinstance(value, (float, np.floating)) else str(value)
    shown = "missing" if pd.isna(value) else text[:60]
    times = float(f"{error:.2g}")  # two digits say enough
    many = f"{times:,.0f}" if times >= 10 else f"{times:g}"
    return f"{name} = {shown} (error {many} times the usual)"


class Drift:
    """Whether new rows still look like the training rows, counted piece by piece.

    Two things are tested, and each warning would come from chance alone in about one table in a thousand.
    *Values outside*: a new value lies outside of the range of n training rows with probability 2/(n + 1),
    so their number among m new rows follows a beta-binomial distribution. *Flagged rows*: likewise,
    with the place of the threshold among the rows that set it. A drift inside of the ranges that flags no
    more rows is not seen.

    Parameters
    ----------
    detector : TableDetector
        The fitted detector.

    Attributes
    ----------
    n_rows, n_flagged : int
        Rows seen, and flagged.
    outside : dict of str to int
        Values outside of those in training, by column.

    References
    ----------
    Wilks, S. S. (1942). Statistical prediction with special reference to the problem of tolerance limits. The
    Annals of Mathematical Statistics 13(4), 400–409 (the distribution of the number outside).

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> table = pd.DataFrame({"width": np.random.default_rng(0).normal(5, 1, 200)})
    >>> found = TableDetector(budget=0.05).fit(table)
    >>> found.drift(table).warnings
    []
    >>> found.drift(table + 3).outside["width"] > 50
    True
    """

    def __init__(self, detector):
        self._detector = detector
        self.n_rows = self.n_flagged = 0
        self.outside = {column.name: 0 for column in detector.preparation_.columns_}

    def add(self, table, scored):
        """Count a piece of the new table.

        Parameters
        ----------
        table : pandas.DataFrame
            New rows.
        scored : pandas.DataFrame
            What ``TableDetector.score`` returned for them.
        """
        self.n_rows += len(table)
        self.n_flagged += int(scored["flagged"].sum())
        for name, count in self._detector.preparation_.outside(table).sum().items():
            self.outside[name] += int(count)

    @property
    def warnings(self):
        """list of str: A sentence for each column with too many values outside, and for too many flags."""
        return self._columns() + self._flags()

    def _columns(self):
        n_train, found = self._detector.preparation_.n_rows_, []
        for name, count in sorted(self.outside.items(), key=lambda item: -item[1]):
            chance = stats.betabinom.sf(count - 1, self.n_rows, 2, n_train - 1) if count else 1.0
            if chance < SURPRISE / len(self.outside):
                found.append(
                    f"{name!r}: {count:,} of {self.n_rows:,} values ({count / self.n_rows:.1%}) lie "
                    f"outside of those in training; {2 / (n_train + 1):.1%} would be usual."
                )
        return found

    def _flags(self):
        rule = self._detector.rule_
        n = rule.scores_.size
        above = int((rule.scores_ > self._detector.threshold_).sum()) + 1
        if (
            not self.n_flagged
            or stats.betabinom.sf(self.n_flagged - 1, self.n_rows, above, n + 1 - above) >= SURPRISE
        ):
            return []
        return [
            f"{self.n_flagged:,} of {self.n_rows:,} rows ({self.n_flagged / self.n_rows:.1%}) are "
            f"flagged; of normal rows at most {self._detector.budget:.1%} would be, on average. There "
            "are anomalies, or the table has drifted: look at some flagged rows before you decide which."
        ]


# ---------------------------------------------------------------------------- jobs on files


@dataclass(frozen=True)
class Result:
    """What a job on files did.

    Attributes
    ----------
    output : pathlib.Path
        The folder, or the file, that was written.
    n_rows, n_flagged : int
        Rows scored, and flagged.
    lines : tuple of str
        What the command prints.
    warnings : tuple of str
        Signs of drift; only from :func:`score`.

    Examples
    --------
    >>> Result(Path("scores.csv"), 100, 2, ("2 of 100 rows are flagged.",)).warnings
    ()
    """

    output: Path
    n_rows: int
    n_flagged: int
    lines: tuple
    warnings: tuple = ()


def detect(
    csv,
    output=None,
    *,
    train_on=None,
    budget=0.01,
    ignore=(),
    force=False,
    separator=None,
    decimal=".",
    encoding=None,
    random_state=0,
):
    """Fit a detector on a CSV file, score all its rows, and write a folder of results.

    The folder holds ``scores.csv`` (each row), ``flagged.csv`` (flagged rows, with the columns that made them
    so), ``report.html`` (one page, nothing in it is loaded or executed) and ``detector.aecourse`` (for
    :func:`score`). It is made elsewhere and moved to its place at the end, so that a failure leaves nothing.

    Parameters
    ----------
    csv : path-like
        The table.
    output : path-like, optional
        The folder; by default the name of the CSV with ``-results``, beside it.
    train_on : str, optional
        The query that normal rows fulfil; all rows count as normal without it.
    budget : float
        Share of normal rows that may be flagged.
    ignore : sequence of str
        Columns that are no features.
    force : bool
        Replace a folder of results that is there.
    separator, decimal, encoding
        As for `tables.read_csv`.
    random_state : int
        Seed.

    Returns
    -------
    Result
        Counts, and what was done in sentences.

    Raises
    ------
    OSError
        If a file cannot be read or written, or the folder is there already.
    ValueError
        If the table or the query cannot be used.

    Examples
    --------
    >>> import tempfile
    >>> rng = np.random.default_rng(0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     table = pd.DataFrame(rng.normal(size=(120, 2)), columns=["a", "b"])
    ...     table["ok"] = ["yes"] * 119 + ["no"]
    ...     table.to_csv(f"{folder}/data.csv", index=False)
    ...     result = detect(f"{folder}/data.csv", train_on="ok == 'yes'", budget=0.05)
    ...     sorted(path.name for path in result.output.iterdir())
    ['detector.aecourse', 'flagged.csv', 'report.html', 'scores.csv']
    """
    from aecourse.tabular import report as report_page

    csv = Path(csv)
    output = Path(output) if output is not None else csv.with_name(f"{csv.stem}-results")
    _check_free(output, force)
    check_fraction(budget, "budget")
    if train_on is not None:
        tables.Query(train_on)  # refused before the table is read
    table = tables.read_csv(csv, separator=separator, decimal=decimal, encoding=encoding)
    found = TableDetector(budget, random_state).fit(table, train_on, ignore)
    scored = pd.concat([found.score(piece) for piece in _pieces(table, "scoring")])
    scored["used_for"] = found.used_for_
    scored.insert(0, "row", np.arange(1, len(table) + 1))
    flagged = scored[scored["flagged"] == 1].sort_values("score", ascending=False, kind="stable")
    rows = table.loc[flagged.index]
    reasons = [reason for piece in _pieces(rows, "explaining") for reason in found.reasons(piece)]
    lines = _summary(csv, table, found, scored)
    with _whole_folder(output, force) as folder:
        scored.to_csv(folder / "scores.csv", index=False, float_format="%.6g")
        explained = flagged.drop(columns="flagged").assign(reasons=reasons)
        clashing = {name: f"{name} (table)" for name in rows.columns if name in explained.columns}
        explained.join(rows.rename(columns=clashing)).to_csv(folder / "flagged.csv", index=False)
        found.save(folder / "detector.aecourse")
        page = report_page.render(csv.name, table, found, scored, explained)
        (folder / "report.html").write_text(page, encoding="utf-8")
    return Result(output, len(table), len(flagged), tuple(lines))


def score(detector, csv, output=None, *, force=False, separator=None, decimal=".", encoding=None):
    """Score the rows of a CSV file with a saved detector, in pieces: memory does not grow with the file.

    The output has a line for each row: ``row``, ``score``, ``p_value``, ``flagged``, ``outside``, and
    ``reasons`` for a flagged one. It appears whole or not at all.

    Parameters
    ----------
    detector : path-like
        A ``detector.aecourse`` that :func:`detect` wrote.
    csv : path-like
        The table.
    output : path-like, optional
        The file; by default the name of the CSV with ``-scores.csv``, beside it.
    force : bool
        Replace a file that is there.
    separator, decimal, encoding
        As for `tables.read_csv`.

    Returns
    -------
    Result
        Counts, what was done in sentences, and warnings of drift.

    Raises
    ------
    OSError
        If a file cannot be read or written, or the output is there already.
    ValueError
        If the detector or the table cannot be used.

    Examples
    --------
    >>> score("nowhere.aecourse", "new.csv")
    Traceback (most recent call last):
        ...
    FileNotFoundError: 'nowhere.aecourse' does not exist. Name a file that 'aecourse detect' wrote.
    """
    csv = Path(csv)
    output = Path(output) if output is not None else csv.with_name(f"{csv.stem}-scores.csv")
    if output.is_dir():
        raise IsADirectoryError(f"{output} is a folder; name a file for the scores.")
    if output.exists() and output.resolve() == csv.resolve():
        raise FileExistsError(f"{output} is the table itself. Name another file for the scores.")
    if output.exists() and not force:
        raise FileExistsError(
            f"{output} is there already. Name another file, or replace it with force=True or --force."
        )
    found = TableDetector.load(detector)
    texts = [column.name for column in found.preparation_.columns_ if column.kind != "number"]
    drift, ignored = Drift(found), []
    bar = progress.bar(description="scoring", total=_count_lines(csv))
    with bar, _whole_file(output) as temporary:
        for piece in tables.read_chunks(
            csv, CHUNK, text_columns=texts, separator=separator, decimal=decimal, encoding=encoding
        ):
            first = drift.n_rows == 0
            ignored = found.preparation_.check(piece)
            scored = found.score(piece)
            drift.add(piece, scored)
            flagged = scored["flagged"].to_numpy() == 1
            scored["reasons"] = ""
            scored.loc[flagged, "reasons"] = found.reasons(piece[flagged]) if flagged.any() else []
            scored.insert(0, "row", piece.index + 1)
            scored.to_csv(
                temporary, mode="w" if first else "a", header=first, index=False, float_format="%.6g"
            )
            bar.update(len(piece))
    lines = [
        f"{csv.name}: {drift.n_rows:,} rows; {drift.n_flagged:,} flagged "
        f"({drift.n_flagged / drift.n_rows:.1%}), with a budget of {found.budget:.3%} of normal rows."
    ]
    if ignored:
        lines.append(f"Ignored, because unknown in training: {tables._some(ignored)}.")
    return Result(output, drift.n_rows, drift.n_flagged, tuple(lines), tuple(drift.warnings))


def _pieces(table, description):
    """Yield pieces of a table, with a progress bar over rows."""
    with progress.bar(description=description, total=len(table)) as bar:
        for start in range(0, len(table), CHUNK):
            yield table.iloc[start : start + CHUNK]
            bar.update(min(CHUNK, len(table) - start))


def _summary(csv, table, found, scored):
    """Say in sentences what was done."""
    used = scored["used_for"]
    n_train, n_calibration = int((used == TRAINING).sum()), int((used == CALIBRATION).sum())
    if found.train_on_ is None:
        which = (
            "all rows count as normal, because no query says which do; anomalies among them make the "
            "detector blunt"
        )
    else:
        which = f"normal rows are those with {found.train_on_}"
    lines = [
        f"{csv.name}: {len(table):,} rows, {table.shape[1]} columns; {which}.",
        f"{n_train:,} normal rows to train on, {n_calibration:,} others to set the threshold.",
    ]
    lines += [f"Left out {name!r}: {why}." for name, why in found.preparation_.left_out_.items()]
    lines += found.preparation_.notes_
    lines.append(
        f"Threshold {found.threshold_:.4g}: of new normal rows at most {found.budget:.3%} are "
        "flagged, on average."
    )
    for role, words in (
        (NOT_USED, "rows that were used for nothing"),
        (CALIBRATION, "rows that set the threshold"),
        (TRAINING, "rows trained on"),
    ):
        of = scored.loc[used == role, "flagged"]
        if len(of):
            lines.append(f"Flagged: {int(of.sum()):,} of {len(of):,} {words}.")
    return lines


def _count_lines(path):
    """Count the line ends of a file, as a guess of its rows; 0 where it cannot be read."""
    try:
        with open(path, "rb") as file:
            return max(0, sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b"")) - 1)
    except OSError:
        return 0


# ---------------------------------------------------------------------------- whole or not at all


def _read(path):
    name = os.fspath(path)
    try:
        with zipfile.ZipFile(path) as archive:
            if sorted(archive.namelist()) != sorted([_ABOUT, _DETECTOR]):
                raise ValueError(
                    f"{name!r} is no detector of a table. Name a file that 'aecourse detect' wrote."
                )
            about = json.loads(archive.read(_ABOUT))
            if not isinstance(about, dict):
                raise ValueError(
                    f"{name!r} is no detector of a table. Name a file that 'aecourse detect' wrote."
                )
            return about, archive.read(_DETECTOR)
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
        UnicodeDecodeError,
        json.JSONDecodeError,
    ) as error:
        raise OSError(
            f"{name!r} is damaged, or no detector of a table ({error}). Make it again with 'aecourse detect'."
        ) from error


def _needs_parent(path):
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"the folder {path.parent} does not exist. Make it first, or write elsewhere."
        )


def _is_result(folder):
    """Whether a folder holds results of an earlier run and nothing else."""
    return (
        folder.is_dir()
        and not folder.is_symlink()
        and all(path.name in RESULT_FILES for path in folder.iterdir())
    )


def _check_free(output, force):
    _needs_parent(output)
    if not output.exists() and not output.is_symlink():
        return
    if not _is_result(output):
        raise FileExistsError(f"{output} is there already, and is no folder of results. Name another folder.")
    if not force and any(output.iterdir()):
        raise FileExistsError(
            f"{output} holds results already. Name another folder, or replace them with "
            "force=True or --force."
        )


@contextmanager
def _whole_folder(output, force):
    """Yield a temporary folder that takes the place of ``output`` when nothing failed."""
    temporary = Path(tempfile.mkdtemp(dir=output.parent, prefix=f".{output.name}."))
    try:
        fresh = temporary / "new"
        fresh.mkdir()
        yield fresh
        _check_free(output, force)  # again: it may have appeared in the meantime
        if output.exists():
            output.rename(temporary / "old")
        fresh.rename(output)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def _whole_file(output):
    """Yield a temporary path that takes the place of ``output`` when nothing failed."""
    _needs_parent(output)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{output.name}.") as folder:
        temporary = Path(folder) / output.name
        yield temporary
        os.replace(temporary, output)

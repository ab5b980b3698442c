"""Turn the columns of a table into numbers: learned from normal rows, and kept as plain JSON."""

import difflib
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, fields, replace
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aecourse.tabular import clocks, sentinels
from aecourse.tabular.numbers import (
    Contradiction,
    Style,
    find_style,
    look_like_numbers,
    to_floats,
    with_signs,
)
from aecourse.tabular.reading import first_few

__all__ = ["Choices", "Column", "Preparation", "recognise"]

MAX_CATEGORIES = 20  # more distinct texts than this: the most frequent, and one feature for all others
MIN_PARSED = 0.8  # a text column counts as numbers, or dates, if at least this share can be read as such
MIN_MARKED = 0.05  # if at least this share of the training rows lacks a value, a feature says which rows do
FAR = 1e300  # replaces an infinite value: finite, and far outside of any range
MAX_WORDS = 5  # at most so many different words among many numbers are placeholders, and not categories
SAMPLE = 50_000  # values from all over a longer column that decide how it is written
MAX_REMEMBERED = 50  # different unreadable texts of a column that are remembered

_MISSING = "(missing)"
_OTHER = "(other)"
_PLACEHOLDERS = {"not available", "not measured", "no data"} | set(
    "? - -- --- . .. * n/a na n.a. n.a nan none null nil missing unknown undefined tbd nd n.d. k.a. #n/a #na "
    "#value! #div/0! #ref! #num! #name? #null!".split()
)
_TRUTH = {"true", "false"}


@dataclass(frozen=True)
class Choices:
    """What the caller knows about the columns. Everything else is found from the columns themselves.

    Attributes
    ----------
    decimal : {'.', ','}, optional
        The decimal sign of numbers, where a column leaves it open.
    thousands : str, optional
        The sign that separates thousands: one of ``, . ' _`` and the blank.
    units : dict of str to float
        What each unit is worth, such as ``{"kg": 1, "g": 0.001}``.
    date_formats : tuple of str
        How dates are written, in the letters of ``strptime``, such as ``%d/%m/%Y``.
    na_values : tuple of str
        Values that stand for a missing one, such as ``?`` or ``-999``.
    numeric : tuple of str
        Columns to use as the numbers that they hold, even if they look like clocks or codes.
    categorical : tuple of str
        Columns to use as categories.

    Raises
    ------
    ValueError
        If a sign is not one that numbers are written with.

    Examples
    --------
    >>> Choices(decimal=",", na_values=["?"]).na_values
    ('?',)
    """

    decimal: str | None = None
    thousands: str | None = None
    units: Mapping[str, float] | None = None
    date_formats: Sequence[str] = ()
    na_values: Sequence[str] = ()
    numeric: Sequence[str] = ()
    categorical: Sequence[str] = ()

    def __post_init__(self) -> None:
        for name in ("date_formats", "na_values", "numeric", "categorical"):
            value = getattr(self, name)
            if isinstance(value, str):
                raise ValueError(f"{name} must be a list of texts; found the text {value!r}.")
            object.__setattr__(self, name, tuple(map(str, value)))
        if self.decimal not in (None, ".", ","):
            raise ValueError(f"decimal must be '.' or ','; found {self.decimal!r}.")
        if self.thousands not in (None, "", ",", ".", " ", "'", "_"):
            raise ValueError(
                "thousands must be one of ',', '.', a blank, an apostrophe and '_'; "
                f"found {self.thousands!r}."
            )
        if self.thousands and self.thousands == self.decimal:
            raise ValueError(f"decimal and thousands must differ; both are {self.decimal!r}.")
        for unit, worth in (self.units or {}).items():
            if not isinstance(worth, (int, float)) or not np.isfinite(worth) or worth == 0:
                raise ValueError(f"units must name a number for each unit; found {unit!r}: {worth!r}.")
        both = set(self.numeric) & set(self.categorical)
        if both:
            raise ValueError(f"numeric and categorical both name {first_few(sorted(both))}.")


@dataclass(frozen=True)
class Column:
    """What was learned about one column.

    Attributes
    ----------
    name : str
        Name of the column.
    kind : {'number', 'category', 'date'}
        What it contains. True and False count as the numbers 1 and 0.
    low, high : float
        Smallest and largest number in the training rows; 0 for the other kinds.
    fill : float
        Median, which replaces a missing number.
    values : tuple of str
        The texts that become one feature each.
    other : bool
        Whether there were more texts, which share one feature.
    seen : tuple of str
        The texts of the training rows that are not among ``values``.
    once : int
        Number of texts that occurred in a single training row.
    missing : bool
        Whether values were missing in the training rows.
    marked : bool
        Whether enough values were missing that a feature says in which rows.
    gaps : int
        Number of training rows without a readable value.
    parts : tuple of str
        What a date is turned into: ``weekday``, ``hour``.
    formats : tuple of str
        How dates are written, see `clocks.to_dates`.
    decimal, thousands, units, fraction
        How numbers are written, see `numbers.Style`.
    na_values : tuple of str
        Values that count as missing because the caller said so.
    unread : tuple of str
        Texts among numbers or dates that could not be read.
    sentinels : tuple of float
        Numbers that count as missing because they lie far outside and stand for something else.
    center, spread : float
        Middle and length of the usual range, if far numbers are drawn in; otherwise both are 0.
    used : bool
        False for a constant column, which is watched but does not become a feature.

    Examples
    --------
    >>> Column("age", "number", low=1.0, high=90.0, fill=40.0).features()
    ['age']
    """

    name: str
    kind: str
    low: float = 0.0
    high: float = 0.0
    fill: float = 0.0
    values: tuple[str, ...] = ()
    other: bool = False
    seen: tuple[str, ...] = ()
    once: int = 0
    missing: bool = False
    marked: bool = False
    gaps: int = 0
    parts: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    decimal: str = "."
    thousands: str = ""
    units: tuple[tuple[str, float], ...] = ()
    fraction: bool = False
    na_values: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    sentinels: tuple[float, ...] = ()
    center: float = 0.0
    spread: float = 0.0
    used: bool = True

    @property
    def style(self) -> Style:
        """Style: how the numbers of the column are written."""
        return Style(self.decimal, self.thousands, self.units, self.fraction)

    @property
    def is_text(self) -> bool:
        """bool: Whether a file must be read as text here, because a piece of it could look like numbers."""
        return self.kind != "number" or not self.style.plain

    def features(self) -> list[str]:
        """Return the names of the features that the column becomes."""
        if not self.used:
            return []
        if self.kind == "number":
            names = [self.name]
        elif self.kind == "category":
            names = [f"{self.name} = {value}" for value in self.values]
            names += [f"{self.name} = {_OTHER}"] if self.other else []
        else:
            names = [f"{self.name}: {part}, {wave}" for part in self.parts for wave in ("sine", "cosine")]
        return names + ([f"{self.name} is missing"] if self.marked else [])


class Preparation:
    """How the columns of a table become numbers: learned from normal rows, kept as plain JSON.

    - Numbers stay as they are, and a missing one becomes the median. If at least 5 % of the training rows
      lack a value, another feature says which rows do; a rarer gap would be flagged only for being a gap. An
      infinite value becomes ±1e300, which is far outside.
    - Numbers in a text column may have separators of thousands, a decimal comma, currencies, one unit, or
      brackets around negative ones (see `numbers`). A column that can be read in two ways is refused.
    - What cannot be read counts as missing, is counted, and is named. A number far outside that stands for a
      missing one, such as −999, counts as missing too. Other far numbers are drawn in towards the others,
      in their order, so that a few of them do not hide the spread of all the rest.
    - A text column becomes one feature of 0 and 1 for each of its (at most 20) most frequent texts, and one
      for all others.
    - A date becomes weekday and hour, each as a sine and a cosine, so that Sunday is next to Monday, if the
      training rows cover at least two weeks, or two days. The date itself is not used: later ones would
      all be outside.
    - Left out, with a note, are the columns that the caller names, constant columns, copies of other columns,
      columns without values, texts that are nearly all different, numbers that rise or fall from row to
      row (row numbers, clocks), and whole numbers that are nearly all different (identifiers).

    Parameters
    ----------
    choices : Choices, optional
        What the caller knows about the columns.

    Attributes
    ----------
    columns_ : tuple of Column
        What was learned about each column that is used or watched.
    left_out_ : dict of str to str
        Columns that do not become features, and why.
    notes_ : list of str
        Sentences on what else was noticed in `fit`.
    feature_names_ : list of str
        Names of the features that `transform` returns.
    sources_ : ndarray of int of shape (features,)
        For each feature the position in ``source_names_`` of the column that it comes from.
    source_names_ : list of str
        The columns that become features.
    n_rows_ : int
        Number of training rows.

    References
    ----------
    Numbers and texts are treated as by scikit-learn's ``SimpleImputer(add_indicator=True)`` and
    ``OneHotEncoder`` with infrequent categories (Pedregosa et al., 2011, Journal of Machine Learning Research
    12); a test compares the results.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"size": [1.0, None, 3.0], "colour": ["red", "blue", "red"], "unit": "mm"})
    >>> preparation = Preparation().fit(table)
    >>> preparation.feature_names_
    ['size', 'size is missing', 'colour = red', 'colour = blue']
    >>> preparation.transform(table)
    array([[1., 0., 1., 0.],
           [2., 1., 0., 1.],
           [3., 0., 1., 0.]])
    >>> preparation.left_out_
    {'unit': "always 'mm'"}
    """

    choices: Choices
    columns_: tuple[Column, ...]
    left_out_: dict[str, str]
    notes_: list[str]
    feature_names_: list[str]
    sources_: NDArray[np.int64]
    source_names_: list[str]
    n_rows_: int

    def __init__(self, choices: Choices | None = None) -> None:
        self.choices = choices if choices is not None else Choices()

    def fit(
        self,
        table: pd.DataFrame,
        leave_out: Mapping[str, str] | None = None,
        recognised: Mapping[str, "Recognised"] | None = None,
    ) -> Self:
        """Learn how each column becomes numbers.

        Parameters
        ----------
        table : pandas.DataFrame of shape (n, columns)
            Normal rows, in their order.
        leave_out : dict of str to str, optional
            Columns that do not become features, and why.
        recognised : dict of str to Recognised, optional
            What :func:`recognise` found in the whole table that these rows come from. By default it is found
            in these rows.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a column could be read in two ways, or no column is left.
        """
        table = with_text_names(table)
        if recognised is None:
            recognised = recognise(table, self.choices, leave_out or ())
        self.n_rows_ = len(table)
        self.left_out_, self.notes_ = dict(leave_out or {}), []
        columns: list[Column] = []
        seen: dict[bytes, str] = {}
        for name in map(str, table.columns):
            if name in self.left_out_:
                continue
            n_notes = len(self.notes_)
            column = self._learn(recognised[name].column, table[name])
            if column is None:
                del self.notes_[n_notes:]  # the reason for leaving it out is enough
                continue
            if column.used:
                same = seen.setdefault(_encode(column, table[name]).tobytes(), name)
                if same != name:
                    self.left_out_[name] = f"the same as {same!r}"
                    del self.notes_[n_notes:]
                    continue
            self.notes_ += recognised[name].notes
            columns.append(column)
        self._set_columns(columns)
        if not self.feature_names_:
            why = "; ".join(f"{name}: {reason}" for name, reason in list(self.left_out_.items())[:8])
            raise ValueError(
                f"no column is left to learn from ({why}). Add columns that vary among normal rows."
            )
        return self

    def _set_columns(self, columns: list[Column]) -> None:
        self.columns_ = tuple(columns)
        used = [column for column in columns if column.used]
        self.source_names_ = [column.name for column in used]
        self.feature_names_ = [name for column in used for name in column.features()]
        self.sources_ = np.repeat(np.arange(len(used)), [len(column.features()) for column in used])

    def _learn(self, column: Column, series: pd.Series) -> Column | None:
        """Describe a column, or return None and write the reason into ``left_out_``."""
        series = _present(column, series)
        if series.isna().all():
            self.left_out_[column.name] = "it has no values"
            return None
        learn = {"number": self._learn_number, "date": self._learn_date, "category": self._learn_category}
        return learn[column.kind](column, series)

    def _learn_number(self, column: Column, series: pd.Series) -> Column | None:
        name, numbers = column.name, _to_numbers(column, series)
        infinite = np.isinf(numbers)
        if infinite.any():
            self.notes_.append(
                f"{name!r}: {int(infinite.sum()):,} infinite values, which count as far "
                "outside; rows with such a value are not trained on."
            )
        if name not in self.choices.numeric:
            column = self._note_far_values(column, numbers[np.isfinite(numbers)])
            numbers = _without(numbers, column.sentinels)
        finite = numbers[np.isfinite(numbers)]
        if finite.size == 0:
            self.left_out_[name] = "it has no finite values"
            return None
        low, high = float(finite.min()), float(finite.max())
        column = replace(column, low=low, high=high, fill=low, **_describe_gaps(np.isnan(numbers)))
        if name not in self.choices.numeric:
            reason = self._says_when_or_which(column, series, numbers)
            if reason:
                self.left_out_[name] = f"{reason} (if it is a measurement: numeric= or --numeric)"
                return None
        if low == high:
            if not column.marked:
                self.left_out_[name] = f"always {low:.6g}"
            return replace(column, used=column.marked)
        with np.errstate(over="ignore"):  # the mean of the two middle values may overflow
            fill = float(np.median(finite))
        return replace(column, fill=fill if np.isfinite(fill) else float(np.sort(finite)[finite.size // 2]))

    def _note_far_values(self, column: Column, finite: NDArray[np.float64]) -> Column:
        """Return the column with its sentinels and, if it has other far values, its usual range."""
        body = sentinels.find_body(finite)
        if body is None:
            return column
        name, rest = column.name, finite
        found = sentinels.find_sentinels(finite, body)
        if found:
            rest = _without(finite, found)
            rest = rest[np.isfinite(rest)]
            shown = " or ".join(f"{value:.15g}" for value in found)
            rows = f"{finite.size - rest.size:,} of {self.n_rows_:,} training rows"
            self.notes_.append(
                f"{name!r}: {rows} hold {shown}, far from all other values ({rest.min():.6g} to "
                f"{rest.max():.6g}), as programs write what is missing. It counts as missing; if it was "
                "measured: numeric= or --numeric."
            )
        far = rest[body.distance(rest) > sentinels.FAR_RANGES]
        if far.size:
            self.notes_.append(
                f"{name!r}: {far.size:,} of {self.n_rows_:,} training rows hold values far from the others, "
                f"such as {far[np.argmax(np.abs(far))]:.6g}; they are drawn in, so that the spread of the "
                "rest stays visible."
            )
            column = replace(column, center=body.center, spread=body.spread)
        elif not found and (spike := sentinels.spike(finite)) is not None:
            self.notes_.append(
                f"{name!r}: {spike:.6g} occurs {int((finite == spike).sum()):,} times, apart from the other "
                f"values. If it stands for a missing value: na_values= or --na-values {spike:g}."
            )
        return replace(column, sentinels=tuple(found))

    def _says_when_or_which(
        self, column: Column, series: pd.Series, numbers: NDArray[np.float64]
    ) -> str | None:
        """Return the reason to leave out clocks and identifiers; note whole numbers that may be some."""
        exact = _whole_numbers(series, numbers)
        if exact is not None:  # differences of large ones are lost in floats
            known = np.isfinite(numbers)
            numbers = numbers.copy()
            numbers[known] = (exact - exact.min()).astype(float)
        reason = clocks.running(numbers)
        if reason or exact is None or len(exact) < clocks.MIN_ROWS:
            return reason
        reason = clocks.identifier(exact)
        if reason is None and len(pd.unique(exact)) == len(exact):
            if _named_like_identifier(column.name):
                return "its whole numbers are all different, and it is named like an identifier"
            self.notes_.append(
                f"{column.name!r}: whole numbers, all different. If they are identifiers, leave the "
                "column out: ignore= or --ignore."
            )
        return reason

    def _learn_date(self, column: Column, series: pd.Series) -> Column | None:
        name, dates = column.name, clocks.to_dates(series, column.formats)
        known = dates[dates.notna()]
        if known.empty:
            self.left_out_[name] = "it has no values that are dates"
            return None
        hours = _hour(known)
        if clocks.TIME in column.formats:
            reason = clocks.running(hours.to_numpy())
            if reason or hours.nunique() == 1:
                self.left_out_[name] = reason or "always the same time"
                return None
            self.notes_.append(f"{name!r} is a time of day: 23 h is next to 0 h.")
            return replace(column, parts=("hour",), **_describe_gaps(dates.isna()))
        days = (known.max() - known.min()) / pd.Timedelta(days=1)
        varies = {"weekday": known.dt.day_of_week.nunique() > 1, "hour": hours.nunique() > 1}
        # a part of which training saw less than two rounds would be outside later
        parts = tuple(
            part for part, rounds in (("weekday", 14), ("hour", 2)) if varies[part] and days >= rounds
        )
        if column.formats in (("%Y%m",), ("%b %Y",), ("%B %Y",), ("%b-%Y",)) or _are_months(known):
            parts = ()
        if not parts:
            self.left_out_[name] = (
                "a date, of which training saw less than two weeks or two days"
                if any(varies.values()) and days < 14
                else "a date that is always the same weekday and hour"
                if not any(varies.values())
                else "a month, which has neither weekday nor hour"
            )
            return None
        used = f"{' and '.join(parts)} {'are' if len(parts) > 1 else 'is'}"
        self.notes_.append(f"{name!r} is a date: its {used} used, not the date itself.")
        return replace(column, parts=parts, **_describe_gaps(dates.isna()))

    def _learn_category(self, column: Column, series: pd.Series) -> Column | None:
        name, gaps = column.name, _describe_gaps(series.isna())
        counts = _to_texts(series).value_counts()
        counts = counts[counts.index != _MISSING]
        # the most frequent first, and equally frequent ones in the order of the alphabet
        values = sorted(counts.index, key=lambda value: (-counts[value], value))
        if len(values) == 1 and not gaps["marked"]:
            self.left_out_[name] = f"always {values[0]!r}"
            return replace(column, values=tuple(values), used=False, **gaps)
        if len(values) > MAX_CATEGORIES and len(values) > 0.5 * len(series):
            if name not in self.choices.categorical:
                self.left_out_[name] = _describe_texts(values)
                return None
        if len(values) > MAX_CATEGORIES:
            self.notes_.append(
                f"{name!r} holds {len(values):,} different texts; the {MAX_CATEGORIES} most "
                "frequent are told apart."
            )
        return replace(
            column,
            values=tuple(values[:MAX_CATEGORIES]),
            other=len(values) > MAX_CATEGORIES,
            seen=tuple(values[MAX_CATEGORIES:]),
            once=int((counts == 1).sum()),
            **gaps,
        )

    @property
    def text_columns(self) -> list[str]:
        """list of str: Columns to read from a file as text, so that each piece is read like the whole."""
        return [column.name for column in self.columns_ if column.is_text]

    def rewrite(self, decimal: str | None = None, thousands: str | None = None) -> None:
        """Expect numbers to be written in another way from now on, because another program wrote a new file.

        Parameters
        ----------
        decimal, thousands : str, optional
            The signs of the new file; None keeps those of the training table.
        """
        if decimal is None and thousands is None:
            return
        columns = []
        for column in self.columns_:
            if column.kind == "number":
                style = with_signs(column.style, decimal, thousands)
                column = replace(column, decimal=style.decimal, thousands=style.thousands)
            columns.append(column)
        self._set_columns(columns)

    def check(self, table: pd.DataFrame) -> list[str]:
        """Compare the columns of a table with those of the training rows.

        Parameters
        ----------
        table : pandas.DataFrame
            A table with its columns in any order.

        Returns
        -------
        list of str
            Columns that were unknown in training, and are ignored.

        Raises
        ------
        ValueError
            If a needed column is missing.
        """
        names = [str(name) for name in table.columns]
        lacking = [column.name for column in self.columns_ if column.used and column.name not in names]
        if lacking:
            extra = [name for name in names if name not in self._known()]
            close = {name: difflib.get_close_matches(name, extra, n=1, cutoff=0.7) for name in lacking}
            hints = [f"{matches[0]!r} for {name!r}" for name, matches in close.items() if matches]
            raise ValueError(
                f"the table lacks {len(lacking)} of the {len(self.source_names_)} columns that the detector "
                f"was trained on: {first_few(lacking)}."
                + (f" Was a column renamed ({', '.join(hints[:3])})?" if hints else "")
                + " Add them with their old names; an unknown value may be left empty."
            )
        return [name for name in names if name not in self._known()]

    def _known(self) -> set[str]:
        return {column.name for column in self.columns_} | set(self.left_out_)

    def transform(self, table: pd.DataFrame) -> NDArray[np.float64]:
        """Turn rows into numbers.

        Parameters
        ----------
        table : pandas.DataFrame of shape (n, columns)
            Rows. Columns are found by name, so their order does not matter; unknown ones are ignored.

        Returns
        -------
        ndarray of shape (n, features)
            Finite numbers.

        Raises
        ------
        ValueError
            If a column is missing, or does not contain what it contained in training.
        """
        table = with_text_names(table)
        self.check(table)
        used = [column for column in self.columns_ if column.used]
        return np.column_stack([_encode(column, table[column.name]) for column in used])

    def outside(self, table: pd.DataFrame) -> pd.DataFrame:
        """Say which values lie outside of those in training.

        Parameters
        ----------
        table : pandas.DataFrame of shape (n, columns)
            Rows.

        Returns
        -------
        pandas.DataFrame of bool of shape (n, columns watched)
            True for a number below the smallest or above the largest one in training, for a text that was not
            seen in training, for a missing value in a column without gaps in training, and for a text that is
            no number, or no date, and was not seen in training either.
        """
        return self._watch(table, _outside)

    def gaps(self, table: pd.DataFrame) -> pd.DataFrame:
        """Say which values are missing or cannot be read.

        Parameters
        ----------
        table : pandas.DataFrame of shape (n, columns)
            Rows.

        Returns
        -------
        pandas.DataFrame of bool of shape (n, columns watched)
        """
        return self._watch(table, _gaps)

    def _watch(
        self, table: pd.DataFrame, look: Callable[[Column, pd.Series], NDArray[np.bool_]]
    ) -> pd.DataFrame:
        table = with_text_names(table)
        watched = [column for column in self.columns_ if column.name in table.columns]
        return pd.DataFrame(
            {column.name: look(column, table[column.name]) for column in watched}, index=table.index
        )

    def to_json(self) -> dict[str, Any]:
        """Return everything that was learned as plain lists, texts and numbers.

        Returns
        -------
        dict
            What :meth:`from_json` reads.
        """
        return {
            "columns": [asdict(column) for column in self.columns_],
            "left_out": self.left_out_,
            "notes": self.notes_,
            "n_rows": self.n_rows_,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Build the preparation that :meth:`to_json` described.

        Parameters
        ----------
        data : dict
            As ``to_json`` returned it.

        Returns
        -------
        Preparation

        Raises
        ------
        ValueError
            If the data do not have that form.
        """
        try:
            columns = [_column_from_json(each) for each in data["columns"]]
            preparation = cls()
            preparation.left_out_ = {str(name): str(why) for name, why in data["left_out"].items()}
            preparation.notes_ = [str(note) for note in data["notes"]]
            preparation.n_rows_ = int(data["n_rows"])
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ValueError(f"the description of the columns cannot be read ({error!r}).") from error
        preparation._set_columns(columns)
        return preparation


def _column_from_json(data: dict[str, Any]) -> Column:
    entries: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in data.items()
    }
    entries["units"] = tuple((str(unit), float(worth)) for unit, worth in entries.get("units", ()))
    column = Column(**entries)
    for field in fields(Column):
        expected = str if field.default is MISSING else type(field.default)
        if not isinstance(getattr(column, field.name), expected):
            raise ValueError(f"{field.name} is {getattr(column, field.name)!r}")
    if column.kind not in ("number", "category", "date") or not set(column.parts) <= {"weekday", "hour"}:
        raise ValueError(f"unknown kind {column.kind!r} with parts {column.parts!r}")
    texts = (*column.values, *column.seen, *column.formats, *column.na_values, *column.unread)
    if not all(isinstance(value, str) for value in texts):
        raise ValueError("values must be texts")
    numbers = (column.low, column.high, column.fill, column.center, column.spread, *column.sentinels)
    if not all(isinstance(number, float) for number in column.sentinels) or not np.isfinite(numbers).all():
        raise ValueError("numbers must be finite")
    return column


def _describe_gaps(missing: Any) -> dict[str, Any]:
    """Return the entries of a `Column` that tell about its missing values."""
    return {
        "missing": bool(missing.any()),
        "marked": bool(missing.mean() >= MIN_MARKED),
        "gaps": int(missing.sum()),
    }


def with_text_names(table: Any) -> pd.DataFrame:
    """Return a table with texts as names of its columns.

    Parameters
    ----------
    table : pandas.DataFrame of shape (n, columns)
        The table. Names may be numbers or have several levels.

    Returns
    -------
    pandas.DataFrame of shape (n, columns)
        The same table, if its names are texts.

    Raises
    ------
    ValueError
        If it is no DataFrame, or two columns have the same name.

    Examples
    --------
    >>> with_text_names(pd.DataFrame([[1, 2]], columns=[2021, 2022])).columns.tolist()
    ['2021', '2022']
    """
    if not isinstance(table, pd.DataFrame):
        way = "table.to_pandas()" if hasattr(table, "to_pandas") else "pandas.DataFrame(…, columns=[…])"
        raise ValueError(
            f"the table must be a pandas DataFrame; found {type(table).__name__}. Make one: {way}."
        )
    names = [" ".join(map(str, name)) if isinstance(name, tuple) else str(name) for name in table.columns]
    if len(set(names)) < len(names):
        repeated = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(
            f"{len(repeated)} column names stand more than once: {first_few(repeated)}. Rename them."
        )
    return table if names == list(table.columns) else table.set_axis(names, axis=1)


@dataclass(frozen=True)
class Recognised:
    """How a column of a whole table is to be read.

    Attributes
    ----------
    column : Column
        Its kind, and how its numbers or dates are written. Nothing else is learned yet.
    notes : tuple of str
        What to tell the user.

    Examples
    --------
    >>> recognise(pd.DataFrame({"price": ["1.234,50", "7,25"]}))["price"].column.decimal
    ','
    """

    column: Column
    notes: tuple[str, ...] = ()


def recognise(
    table: pd.DataFrame, choices: Choices | None = None, leave_out: Collection[str] = ()
) -> dict[str, Recognised]:
    """Find out from a whole table what each column contains and how it is written.

    Parameters
    ----------
    table : pandas.DataFrame of shape (n, columns)
        All rows, also those that are not normal: they are written by the same hand.
    choices : Choices, optional
        What the caller knows.
    leave_out : collection of str
        Columns to pass over.

    Returns
    -------
    dict of str to Recognised

    Raises
    ------
    ValueError
        If a column could be read in two ways, or ``choices`` names a column that the table lacks.

    Examples
    --------
    >>> table = pd.DataFrame({"when": ["14-Mar-2024", "2-Apr-2024"], "price": ["$1,200", "$7.50"]})
    >>> found = recognise(table)
    >>> [each.column.kind for each in found.values()]
    ['date', 'number']
    >>> print(*found["price"].notes)
    'price' holds numbers written like '$1,200' (decimal sign '.', thousands separated by ',', unit '$').
    """
    choices = choices or Choices()
    table = with_text_names(table)
    names = list(table.columns)
    for option in ("numeric", "categorical"):
        for name in getattr(choices, option):
            if name not in names:
                raise ValueError(f"{option} names the column {name!r}, which the table does not have.")
    found = {name: _recognise(name, table[name], choices) for name in names if name not in leave_out}
    if choices.decimal is None and choices.thousands is None:
        _refuse_doubtful_points(table, found)
    return found


def _recognise(name: str, series: pd.Series, choices: Choices) -> Recognised:
    column = Column(name, "number", na_values=tuple(choices.na_values))
    if name in choices.categorical:
        return Recognised(replace(column, kind="category"))
    if pd.api.types.is_bool_dtype(series):
        return Recognised(column)
    if pd.api.types.is_datetime64_any_dtype(series):
        return Recognised(replace(column, kind="date"))
    if pd.api.types.is_complex_dtype(series):
        raise ValueError(f"column {name!r} holds complex numbers. Give their parts a column each.")
    sample = _present(column, _sample(series))
    if pd.api.types.is_numeric_dtype(sample):
        column = _without_separators(column, sample, choices)
        return Recognised(column) if column.kind == "number" else _with_unread(column, series, [])
    try:
        column, example = _recognise_texts(column, sample, choices)
    except (Contradiction, clocks.AmbiguousDates) as error:
        raise ValueError(f"column {name!r} holds {error}") from error
    if column.kind == "category":
        return Recognised(column)
    styled = column.kind == "number" and not column.style.plain
    notes = [f"{name!r} holds {column.style.describe(example)}."] if styled else []
    return _with_unread(column, series, notes)


def _sample(series: pd.Series) -> pd.Series:
    """Return the known values, or, of a long column, many of them from all over it."""
    if len(series) <= SAMPLE:
        return series.dropna()
    some = series.iloc[np.linspace(0, len(series) - 1, SAMPLE).astype(int)].dropna()
    return some if len(some) >= SAMPLE / 10 else series.dropna().head(SAMPLE)


def _without_separators(column: Column, series: pd.Series, choices: Choices) -> Column:
    """Return a column of numbers as one of dates, if they are dates such as 20240301."""
    if column.name in choices.numeric:
        return column
    known = series.dropna()
    if pd.api.types.is_integer_dtype(known.dtype):
        known = known.to_numpy(dtype=np.int64 if known.max() < 2**63 else np.uint64) if len(known) else known
    numbers = np.asarray(known)
    numbers = numbers[np.isfinite(numbers.astype(float))]
    if not numbers.size:
        return column
    found = clocks.calendar_format(numbers, len(pd.unique(numbers)))
    return replace(column, kind="date", formats=(found,)) if found else column


def _recognise_texts(column: Column, series: pd.Series, choices: Choices) -> tuple[Column, str]:
    """Return the kind of a column of texts and how its numbers or dates are written, with an example."""
    counts = _to_texts(series).value_counts()
    texts = [str(text) for text in counts.index]
    base = ~_are_placeholders(texts)
    known, weights = [text for text, each in zip(texts, base, strict=True) if each], counts.to_numpy()[base]
    forced = column.name in choices.numeric
    if len(texts) == 1 and not forced:
        return replace(column, kind="category"), ""  # however it could be read, it is always the same
    if choices.date_formats and not forced:
        formats = clocks.find_formats(known, weights, choices.date_formats)
        if formats and formats[0] in choices.date_formats:
            return replace(column, kind="date", formats=formats), ""
    signs = {"decimal": choices.decimal, "thousands": choices.thousands}
    style = find_style(known, weights, **signs, units=choices.units)
    if style is None and known and (forced or _TRUTH >= {text.lower() for text in known[:3]}):
        style = Style()
    if style is not None:
        readable = ~np.isnan(to_floats(known, style))
        # half is enough if the caller says that there are numbers, or digits after a decimal sign do
        sure = forced or any(signs.values()) or (style.fraction and readable.sum() > MAX_CATEGORIES)
        if weights[readable].sum() >= (0.5 if sure else MIN_PARSED) * weights.sum():
            return _as_numbers(column, style, [known[row] for row in np.flatnonzero(readable)], choices)
    if forced:
        raise ValueError(
            f"numeric names the column {column.name!r}, but most of its values are no numbers, such as "
            f"{first_few(known, 3)}."
        )
    formats = clocks.find_formats(known, weights)
    return (
        replace(column, kind="date", formats=formats) if formats else replace(column, kind="category")
    ), ""


def _are_placeholders(texts: list[str]) -> NDArray[np.bool_]:
    """Say which texts stand for a missing value: the usual signs, and a few others among many numbers."""
    usual = np.array([text.lower() in _PLACEHOLDERS for text in texts], dtype=bool)
    words = np.array([not any(sign.isdigit() for sign in text) for text in texts], dtype=bool)
    for others in (~look_like_numbers(texts), words):  # among numbers, and among dates
        if (others & ~usual).sum() <= MAX_WORDS and (~others).sum() > MAX_CATEGORIES:
            return usual | (others & ~_are_special(texts))
    return usual


def _are_special(texts: list[str]) -> NDArray[np.bool_]:
    return ~np.isnan(to_floats(texts, Style()))


def _as_numbers(column: Column, style: Style, readable: list[str], choices: Choices) -> tuple[Column, str]:
    column = replace(
        column,
        decimal=style.decimal,
        thousands=style.thousands,
        units=style.units,
        fraction=style.fraction,
    )
    if style.plain and all(text.isdigit() for text in readable):
        column = _without_separators(column, pd.Series(to_floats(readable, style)), choices)
    return column, max(readable, key=len, default="")


def _with_unread(column: Column, series: pd.Series, notes: list[str]) -> Recognised:
    """Count over the whole column the values that cannot be read; remember and name them."""
    series = _present(column, series)
    if column.kind == "number":
        gaps = np.isnan(_to_numbers(column, series))
    else:
        gaps = clocks.to_dates(series, column.formats).isna().to_numpy()
    known = series.notna().to_numpy(copy=True)
    if column.kind == "number":  # what the caller named as missing is not unreadable
        known &= ~_to_texts(series).isin(column.na_values).to_numpy()
    unread = _to_texts(series[gaps & known])
    if not len(unread):
        return Recognised(column, tuple(notes))
    different = unread.value_counts().index.tolist()
    what = "numbers" if column.kind == "number" else "dates"
    note = (
        f"{column.name!r}: {len(unread):,} of {known.sum():,} values are no {what} "
        f"({first_few(different, 3)}) and count as missing."
    )
    return Recognised(replace(column, unread=tuple(different[:MAX_REMEMBERED])), (*notes, note))


def _refuse_doubtful_points(table: pd.DataFrame, found: Mapping[str, Recognised]) -> None:
    """Refuse numbers whose points may separate thousands, though any reader takes them for decimal signs.

    That is so if a point always stands before three digits, and another column has decimal commas, or the
    same column has short numbers without a point.
    """
    commas = [
        name for name, each in found.items() if each.column.decimal == "," and each.column.kind == "number"
    ]
    for name, each in found.items():
        if each.column.kind != "number" or not pd.api.types.is_float_dtype(table[name]):
            continue
        numbers = np.abs(_sample(table[name]).to_numpy(dtype=float))
        numbers = numbers[np.isfinite(numbers)]
        whole = numbers == np.floor(numbers)
        short = bool(whole.mean() >= 0.05) if whole.size else False
        if _stand_before_three_digits(numbers[~whole]) and (numbers < 1000).all() and (commas or short):
            why = f"column {commas[0]!r} has decimal commas" if commas else "whole numbers stand beside them"
            raise ValueError(
                f"column {name!r} holds numbers such as {numbers[~whole][0]:.3f}, and {why}, so the point "
                "may separate thousands. Say which: --decimal . or --thousands . (decimal='.' or "
                "thousands='.')."
            )


def _stand_before_three_digits(numbers: NDArray[np.float64]) -> bool:
    """Whether fractions all have three digits, or fewer where those at the end are zeros."""
    if numbers.size < 10 or numbers.min() < 1:
        return False
    thousandths = np.round(numbers * 1000)
    return bool(np.allclose(numbers * 1000, thousandths, rtol=0) and np.mean(thousandths % 10 != 0) >= 0.8)


def _present(column: Column, series: pd.Series) -> pd.Series:
    """Return the values with those blanked that the caller names as missing, and empty texts."""
    if pd.api.types.is_bool_dtype(series) or pd.api.types.is_datetime64_any_dtype(series):
        return series
    if pd.api.types.is_timedelta64_dtype(series):
        series = series.dt.total_seconds()
    if pd.api.types.is_numeric_dtype(series):
        if not column.na_values:
            return series
        numbers = pd.to_numeric(pd.Series(column.na_values), errors="coerce").dropna()
        return series.mask(series.isin(numbers))
    texts = series.astype("str").str.strip()
    return series.mask(series.notna() & texts.isin(["", *column.na_values]))


def _to_texts(series: pd.Series) -> pd.Series:
    """Return the values as texts without surrounding blanks; a missing value becomes "(missing)"."""
    texts = series.astype("str").str.strip()
    return texts.where(series.notna(), _MISSING)


def _to_numbers(column: Column, series: pd.Series) -> NDArray[np.float64]:
    """Return the values as floats; what is not a number, or stands for a missing one, becomes NaN."""
    if pd.api.types.is_bool_dtype(series) or pd.api.types.is_numeric_dtype(series):
        numbers = series.to_numpy(dtype=float, na_value=np.nan)
    else:
        codes, texts = pd.factorize(_to_texts(series))
        numbers = to_floats([str(text) for text in texts], column.style)[codes]
    named = to_floats(column.na_values, Style())  # -999 is also meant where it is written as -999.0
    return _without(numbers, [*column.sentinels, *named[~np.isnan(named)]])


def _without(numbers: NDArray[np.float64], values: Sequence[float]) -> NDArray[np.float64]:
    return np.where(np.isin(numbers, values), np.nan, numbers) if len(values) else numbers


def _whole_numbers(series: pd.Series, numbers: NDArray[np.float64]) -> NDArray | None:
    """Return the known numbers of a column without rounding, or None if some are not whole."""
    known = np.isfinite(numbers)
    finite = numbers[known]
    if not np.all(finite == np.floor(finite)):
        return None
    if np.abs(finite).max() < 2**53:
        return finite.astype(np.int64)
    values = series[known]
    if pd.api.types.is_integer_dtype(values.dtype):
        return values.to_numpy(dtype=object)
    texts = _to_texts(values)
    if pd.api.types.is_numeric_dtype(values) or not texts.str.fullmatch(r"[+-]?\d+").all():
        return None
    return np.array([int(text) for text in texts], dtype=object)


def _describe_texts(values: list[str]) -> str:
    """Say why a column is left out in which nearly every row has another text."""
    example = values[0] if len(values[0]) <= 40 else values[0][:40] + "…"
    if np.mean([any(sign.isdigit() for sign in value) for value in values]) >= MIN_PARSED:
        return (
            f"nearly every row has another text, such as {example!r}, as in an identifier: neither numbers "
            "nor dates in a form that is known"
        )
    return f"nearly every row has another text, such as {example!r}, as in an identifier or free text"


def _named_like_identifier(name: str) -> bool:
    parts = re.split(r"[^a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower())
    return bool({"id", "uuid", "guid", "key", "serial", "nr", "no"} & set(parts))


def _are_months(dates: pd.Series) -> bool:
    """Whether all dates are the first of a month at midnight, which is how a month is read."""
    return bool((dates.dt.day == 1).all() and (_hour(dates) == 0).all())


def _hour(dates: pd.Series) -> pd.Series:
    return dates.dt.hour + dates.dt.minute / 60


def _encode(column: Column, series: pd.Series) -> NDArray[np.float64]:
    """Turn one column into its features, an array of shape (n, features)."""
    encode = {"number": _encode_number, "category": _encode_category, "date": _encode_date}[column.kind]
    return np.column_stack(encode(column, _present(column, series))).astype(float)


def _encode_number(column: Column, series: pd.Series) -> list[NDArray]:
    numbers = _to_numbers(column, series)
    missing = np.isnan(numbers)
    _refuse_other_kind(column, series, missing)
    if column.spread:
        numbers = sentinels.draw_in(numbers, sentinels.Body(column.center, column.spread))
    filled = np.nan_to_num(np.where(missing, column.fill, numbers), posinf=FAR, neginf=-FAR)
    return [np.clip(filled, -FAR, FAR), *([missing] if column.marked else [])]


def _refuse_other_kind(column: Column, series: pd.Series, missing: NDArray[np.bool_]) -> None:
    """Refuse new rows most of whose values cannot be read as in training."""
    if pd.api.types.is_numeric_dtype(series) or pd.api.types.is_datetime64_any_dtype(series):
        return
    texts = _to_texts(series[series.notna().to_numpy() & missing])
    texts = texts[~texts.isin(column.unread) & ~_are_placeholders(list(texts))]
    if len(texts) < 20 or len(texts) <= 0.5 * series.notna().sum():
        return
    what = "numbers" if column.kind == "number" else "dates"
    try:
        style = find_style(list(texts)) if column.kind == "number" else None
        hint = f"They look like {style.describe(texts.iloc[0])}. " if style is not None else ""
    except Contradiction as error:
        hint = f"They look like {error} "
    if hint:
        hint += "If they were written by another program, say how: --decimal ',' or '.', --thousands. "
    raise ValueError(
        f"column {column.name!r} held {what} when the detector was trained, but most of its values here "
        f"cannot be read as such, for example {texts.iloc[0]!r}. {hint}Write {what}, or leave unknown ones "
        "empty."
    )


def _encode_category(column: Column, series: pd.Series) -> list[NDArray]:
    texts = _to_texts(series)
    features = [(texts == value).to_numpy() for value in column.values]
    missing = series.isna().to_numpy()
    if column.other:
        features.append(~np.logical_or.reduce([*features, missing]))
    return features + ([missing] if column.marked else [])


def _encode_date(column: Column, series: pd.Series) -> list[NDArray]:
    dates = clocks.to_dates(series, column.formats)
    missing = dates.isna().to_numpy()
    _refuse_other_kind(column, series, missing)
    features = []
    for part in column.parts:
        turn = dates.dt.day_of_week / 7 if part == "weekday" else _hour(dates) / 24
        angle = 2 * np.pi * turn.to_numpy(dtype=float, na_value=np.nan)
        features += [np.where(missing, 0, np.sin(angle)), np.where(missing, 0, np.cos(angle))]
    return features + ([missing] if column.marked else [])


def _gaps(column: Column, series: pd.Series) -> NDArray[np.bool_]:
    series = _present(column, series)
    if column.kind == "number":
        return np.isnan(_to_numbers(column, series))
    if column.kind == "date":
        return clocks.to_dates(series, column.formats).isna().to_numpy()
    return series.isna().to_numpy()


def _outside(column: Column, series: pd.Series) -> NDArray[np.bool_]:
    series = _present(column, series)
    empty = series.isna().to_numpy()
    if column.kind == "category":
        known = _to_texts(series).isin([*column.values, *column.seen]).to_numpy()
        return ~known & ~(empty & column.missing)
    if column.kind == "number":
        numbers = _to_numbers(column, series)
        outside, gap = (numbers < column.low) | (numbers > column.high), np.isnan(numbers)
    else:
        gap = clocks.to_dates(series, column.formats).isna().to_numpy()
        outside = np.zeros(len(series), dtype=bool)
    if pd.api.types.is_numeric_dtype(series) or pd.api.types.is_datetime64_any_dtype(series):
        unknown = np.zeros(len(series), dtype=bool)
    else:  # a text that could not be read in training either counts like a missing value
        unknown = gap & ~empty & ~_to_texts(series).isin(column.unread).to_numpy()
    return outside | unknown | (gap & (not column.missing))

"""What is known about a column: what the caller says, what was learned, and how its values are read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aecourse.tabular.clocks import to_seconds
from aecourse.tabular.numbers import Style, shapes, to_floats
from aecourse.tabular.sources import first_few, refuse_repeated

__all__ = ["Choices", "Column", "present", "to_numbers", "to_texts", "with_text_names", "without"]

MISSING_TEXT = "(missing)"
_OTHER = "(other)"


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
    only : tuple of str
        The columns to use; empty for all of them.
    ignore : tuple of str
        Columns that are not used.

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
    only: Sequence[str] = ()
    ignore: Sequence[str] = ()

    def __post_init__(self) -> None:
        for name in ("date_formats", "na_values", "numeric", "categorical", "only", "ignore"):
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
        both = set(self.only) & set(self.ignore)
        if both:
            raise ValueError(f"only and ignore both name {first_few(sorted(both))}.")

    @property
    def file_decimal(self) -> str:
        """str: The decimal sign to read a file with; a point that separates thousands is not one."""
        return "," if self.decimal == "," or self.thousands == "." else "."


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
        How dates are written, see `clocks.to_dates`; ``duration`` for a column of durations.
    decimal, thousands, units, fraction
        How numbers are written, see `numbers.Style`.
    file_decimal : {'.', ','}
        The decimal sign with which pandas read the training file: plain numbers have it too.
    new_decimal, new_thousands : str
        Signs to try first in new rows, see `Preparation.rewrite`; empty if there are none.
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
    file_decimal: str = "."
    new_decimal: str = ""
    new_thousands: str = ""
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
        simple = self.decimal == self.file_decimal and not (self.thousands or self.units or self.new_decimal)
        return self.kind != "number" or not simple or bool(self.formats)

    @property
    def usual(self) -> str | None:
        """str or None: The median, or the most frequent text, of the training rows; None for a date."""
        if self.kind == "number":
            return f"{self.fill:.6g}"
        return self.values[0] if self.values else None

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


def with_text_names(table: Any) -> pd.DataFrame:
    """Return a table with texts as names of its columns.

    Parameters
    ----------
    table : pandas.DataFrame of shape (n, columns)
        The table, or one of Polars or Arrow. Names may be numbers or have several levels.

    Returns
    -------
    pandas.DataFrame of shape (n, columns)
        The same table, if its names are texts.

    Raises
    ------
    ValueError
        If it is not a DataFrame, or two columns have the same name.

    Examples
    --------
    >>> with_text_names(pd.DataFrame([[1, 2]], columns=[2021, 2022])).columns.tolist()
    ['2021', '2022']
    """
    if hasattr(table, "to_pandas"):  # Polars, Arrow and others; pandas itself has no such method
        table = table.to_pandas()
    if not isinstance(table, pd.DataFrame):
        raise ValueError(
            f"the table must be a pandas DataFrame, or something with a method to_pandas; found "
            f"{type(table).__name__}. Make one: pandas.DataFrame(…, columns=[…])."
        )
    names = [" ".join(map(str, name)) if isinstance(name, tuple) else str(name) for name in table.columns]
    refuse_repeated(names)
    return table if names == list(table.columns) else table.set_axis(names, axis=1)


def present(column: Column, series: pd.Series) -> pd.Series:
    """Return the values with those blanked that the caller names as missing, and empty texts.

    Parameters
    ----------
    column : Column
        How the column is read.
    series : pandas.Series of shape (n,)
        Its values, as they stand in the table.

    Returns
    -------
    pandas.Series of shape (n,)
        A duration becomes its number of seconds.

    Examples
    --------
    >>> present(Column("x", "number", na_values=("?",)), pd.Series(["?", " ", "5"])).isna().tolist()
    [True, True, False]
    """
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


def to_texts(series: pd.Series) -> pd.Series:
    """Return the values as texts without surrounding blanks; a missing value becomes "(missing)".

    Parameters
    ----------
    series : pandas.Series of shape (n,)
        Values of any kind.

    Returns
    -------
    pandas.Series of str of shape (n,)

    Examples
    --------
    >>> to_texts(pd.Series([" a", None])).tolist()
    ['a', '(missing)']
    """
    texts = series.astype("str").str.strip()
    return texts.where(series.notna(), MISSING_TEXT)


def to_numbers(column: Column, series: pd.Series) -> NDArray[np.float64]:
    """Return the values of a column of numbers as floats.

    Parameters
    ----------
    column : Column
        How its numbers are written, and which stand for missing ones.
    series : pandas.Series of shape (n,)
        Its values, from :func:`present`.

    Returns
    -------
    ndarray of float of shape (n,)
        What is not a number, or stands for a missing one, is NaN.

    Examples
    --------
    >>> to_numbers(Column("x", "number", sentinels=(-999.0,)), pd.Series(["5", "-999.0", "?"]))
    array([ 5., nan, nan])
    """
    if pd.api.types.is_bool_dtype(series) or pd.api.types.is_numeric_dtype(series):
        numbers = series.to_numpy(dtype=float, na_value=np.nan)
    else:
        codes, uniques = pd.factorize(to_texts(series))
        texts = [str(text) for text in uniques]
        if column.formats:
            return to_seconds(shapes(texts)[2])[codes]
        numbers = to_floats(texts, column.style)[codes]
        if column.new_decimal:
            new_style = Style(column.new_decimal, column.new_thousands, column.units, column.fraction)
            newly = to_floats(texts, new_style)[codes]
            # a column may keep its point in a file whose other columns have commas
            if np.isfinite(newly).sum() >= 0.5 * np.isfinite(numbers).sum() and np.isfinite(newly).any():
                numbers = newly
    named = to_floats(column.na_values, Style())  # -999 is also meant where it is written as -999.0
    return without(numbers, [*column.sentinels, *named[~np.isnan(named)]])


def without(numbers: NDArray[np.float64], values: Sequence[float]) -> NDArray[np.float64]:
    """Return numbers with some values replaced by NaN.

    Parameters
    ----------
    numbers : ndarray of float of shape (n,)
        The numbers.
    values : sequence of float
        The values to replace.

    Returns
    -------
    ndarray of float of shape (n,)

    Examples
    --------
    >>> without(np.array([1.0, -9.0]), [-9.0])
    array([ 1., nan])
    """
    return np.where(np.isin(numbers, values), np.nan, numbers) if len(values) else numbers

"""Find out from a whole table what each of its columns contains, and how it is written."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aecourse.tabular import clocks
from aecourse.tabular.columns import Choices, Column, present, to_numbers, to_texts, with_text_names
from aecourse.tabular.numbers import Contradiction, Style, find_style, look_like_numbers, to_floats
from aecourse.tabular.sources import first_few, refuse_unknown

__all__ = ["Recognised", "UnclearColumn", "are_placeholders", "recognise"]

MAX_CATEGORIES = 20  # more distinct texts than this: the most frequent, and one feature for all others
MIN_PARSED = 0.8  # a text column counts as numbers, or dates, if at least this share can be read as such
MAX_WORDS = 5  # at most so many different words among many numbers are placeholders, and not categories
SAMPLE = 50_000  # values from all over a longer column that decide how it is written
MAX_REMEMBERED = 50  # different unreadable texts of a column that are remembered

_PLACEHOLDERS = {"not available", "not measured", "no data"} | set(
    "? - -- --- . .. * n/a na n.a. n.a nan none null nil missing unknown undefined tbd nd n.d. k.a. #n/a #na "
    "#value! #div/0! #ref! #num! #name? #null!".split()
)
_TRUTH = {"true", "false"}


class UnclearColumn(ValueError):
    """A column can be read in two ways, or not as the caller says.

    Parameters
    ----------
    column : str
        Its name.
    message : str
        What is wrong, and what to do.

    Examples
    --------
    >>> UnclearColumn("price", "column 'price' holds …").column
    'price'
    """

    def __init__(self, column: str, message: str) -> None:
        super().__init__(message)
        self.column = column


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
        refuse_unknown(option, getattr(choices, option), names)
    found = {name: _recognise(name, table[name], choices) for name in names if name not in leave_out}
    if choices.decimal is None and choices.thousands is None:
        _refuse_doubtful_points(table, found)
    return found


def _recognise(name: str, series: pd.Series, choices: Choices) -> Recognised:
    column = Column(name, "number", na_values=tuple(choices.na_values), file_decimal=choices.file_decimal)
    if name in choices.categorical:
        return Recognised(replace(column, kind="category"))
    if pd.api.types.is_bool_dtype(series):
        return Recognised(column)
    if pd.api.types.is_datetime64_any_dtype(series):
        return Recognised(replace(column, kind="date"))
    if pd.api.types.is_complex_dtype(series):
        raise UnclearColumn(name, f"column {name!r} holds complex numbers. Give their parts a column each.")
    sample = present(column, _sample(series))
    if pd.api.types.is_numeric_dtype(sample):
        column = _without_separators(replace(column, decimal=choices.file_decimal), sample, choices)
        return Recognised(column) if column.kind == "number" else _with_unread(column, series, [])
    try:
        column, example = _recognise_texts(column, sample, choices)
    except (Contradiction, clocks.AmbiguousDates) as error:
        raise UnclearColumn(name, f"column {name!r} holds {error}") from error
    if column.kind == "category":
        return Recognised(column)
    styled = column.kind == "number" and not column.style.plain
    notes = [f"{name!r} holds {column.style.describe(example)}."] if styled else []
    if column.formats == (clocks.DURATION,):
        notes = [f"{name!r} holds durations, such as {example!r}; they count in seconds."]
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
    counts = to_texts(series).value_counts()
    texts = [str(text) for text in counts.index]
    base = ~are_placeholders(texts)
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
    if clocks.are_durations(known, weights, sure=forced):
        return replace(column, formats=(clocks.DURATION,)), known[0]
    if forced:
        raise UnclearColumn(
            column.name,
            f"numeric names the column {column.name!r}, but most of its values are not numbers, such as "
            f"{first_few(known, 3)}.",
        )
    formats = clocks.find_formats(known, weights)
    return (
        replace(column, kind="date", formats=formats) if formats else replace(column, kind="category")
    ), ""


def are_placeholders(texts: list[str]) -> NDArray[np.bool_]:
    """Say which texts stand for a missing value: the usual signs, and a few others among many numbers.

    Parameters
    ----------
    texts : list of str of length n
        The different texts of a column.

    Returns
    -------
    ndarray of bool of shape (n,)

    Examples
    --------
    >>> are_placeholders(["12", "n/a", "broken"]).tolist()
    [False, True, False]
    >>> are_placeholders([*map(str, range(30)), "broken"])[-1]
    np.True_
    """
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
    series = present(column, series)
    if column.kind == "number":
        gaps = np.isnan(to_numbers(column, series))
    else:
        gaps = clocks.to_dates(series, column.formats).isna().to_numpy()
    known = series.notna().to_numpy(copy=True)
    if column.kind == "number":  # what the caller named as missing is not unreadable
        known &= ~to_texts(series).isin(column.na_values).to_numpy()
    unread = to_texts(series[gaps & known])
    if not len(unread):
        return Recognised(column, tuple(notes))
    different = unread.value_counts().index.tolist()
    what = "numbers" if column.kind == "number" else "dates"
    note = (
        f"{column.name!r}: {len(unread):,} of {known.sum():,} values are not {what} "
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
        numbers = numbers[np.isfinite(numbers) & (numbers != 999)]  # which may stand for a missing value
        whole = numbers == np.floor(numbers)
        # short numbers below 1000, more than by chance, or larger than all those with a point
        larger = whole.any() and not whole.all() and numbers[whole].max() > numbers[~whole].max()
        short = bool(whole.any() and (larger or whole.mean() >= 0.05))
        if _stand_before_three_digits(numbers[~whole]) and (numbers < 1000).all() and (commas or short):
            why = (
                f"column {commas[0]!r} has decimal commas"
                if commas
                else "the column has short whole numbers too"
            )
            raise UnclearColumn(
                name,
                f"column {name!r} holds numbers such as {numbers[~whole][0]:.3f}, and {why}, so the point "
                "may separate thousands. Say which: --decimal . or --thousands . (decimal='.' or "
                "thousands='.').",
            )


def _stand_before_three_digits(numbers: NDArray[np.float64]) -> bool:
    """Whether fractions all have three digits, or fewer where those at the end are zeros."""
    if numbers.size < 10 or numbers.min() < 1:
        return False
    thousandths = np.round(numbers * 1000)
    return bool(np.allclose(numbers * 1000, thousandths, rtol=0) and np.mean(thousandths % 10 != 0) >= 0.8)

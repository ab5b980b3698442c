"""What is odd about a table as a whole: rows that are none, units and offsets that change, codes among dates.

Each of these can be read without an error, and would then count as data. So each is said.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aecourse.tabular import clocks
from aecourse.tabular.columns import MISSING_TEXT, present, to_numbers, to_texts
from aecourse.tabular.recognition import Recognised, are_placeholders
from aecourse.tabular.sources import first_few

__all__ = ["find_oddities"]

MIN_ROWS = 20
MOST_LOOKED_AT = 5000  # values of a column, from all over it
MOST_TEXTS = 1000  # different ones of a column that are compared
UNIT_RATIO, UNIT_GAP = 50, 5  # between the medians of two parts, and between their nearest values
_TOTALS = set(
    "total totals subtotal sum summe gesamt gesamtsumme mean average avg mittelwert durchschnitt "
    "moyenne totale media suma promedio".split()
) | {"grand total", "∑", "σ"}
# Not those that may name a class, such as None and unknown.
_BLANKS = set("nan null (null) <null> n/a n.a. <na> \\n ?".split())
_OFFSET = r"\d:\d\d(?::\d\d)?(?:[.,]\d+)? ?(Z|[+-]\d\d:?\d\d)?$"
_FAMILIAR_DATES = {"0001-01-01", "1753-01-01", "1899-12-30", "1900-01-01", "1970-01-01", "9999-12-31"}


def find_oddities(table: pd.DataFrame, recognised: Mapping[str, Recognised]) -> list[str]:
    """Find what is odd about a table as a whole.

    Parameters
    ----------
    table : pandas.DataFrame of shape (n, columns)
        All rows, in their order.
    recognised : dict of str to Recognised
        How its columns are read.

    Returns
    -------
    list of str
        A sentence on each.

    Examples
    --------
    >>> from aecourse.tabular import recognise
    >>> table = pd.DataFrame({"item": ["a", "b"] * 15 + ["total"], "price": [*range(3, 33), 525]})
    >>> print(*find_oddities(table, recognise(table)))
    The last row seems to be a total: it holds 'total', and its 'price' is the sum of those above. Remove \
it, or it counts as a row.
    """
    if len(table) < MIN_ROWS:
        return []
    notes = [*_blank_rows(table), *_repeated_names(table), *_second_names(table, recognised)]
    notes += _total(table, recognised)
    for name, each in recognised.items():
        values = present(each.column, table[name])
        if each.column.kind == "number":
            notes += _change_of_unit(
                name, to_numbers(each.column, _spread(values)), _spread_rows(len(values))
            )
        elif each.column.kind == "date":
            notes += [*_far_dates(name, _spread(values), each), *_offsets(name, values)]
        else:
            notes += _texts(name, values)
    return notes


def _spread_rows(n_rows: int) -> NDArray[np.intp]:
    """Return rows from all over a table, in their order."""
    return np.unique(np.linspace(0, n_rows - 1, min(n_rows, MOST_LOOKED_AT)).astype(int))


def _spread(series: pd.Series) -> pd.Series:
    return series.iloc[_spread_rows(len(series))]


def _rows_in_words(rows: NDArray[np.intp]) -> str:
    shown = ", ".join(f"{row + 1:,}" for row in rows[:3])
    return (
        f"{len(rows):,} {'row' if len(rows) == 1 else 'rows'} (row {shown}{', …' if len(rows) > 3 else ''})"
    )


def _blank_rows(table: pd.DataFrame) -> Iterator[str]:
    blank = np.ones(len(table), dtype=bool)
    for name in table.columns:
        blank &= table[name].isna().to_numpy()
        if not blank.any():
            return
    rows = np.flatnonzero(blank)
    if table.shape[1] > 1:
        yield f"{_rows_in_words(rows)} without any value, which count as rows all the same. Remove them."


def _repeated_names(table: pd.DataFrame) -> Iterator[str]:
    """Say where the names stand once more, as in tables that were written one after another."""
    if table.shape[1] < 2 or any(pd.api.types.is_numeric_dtype(table[name]) for name in table.columns):
        return
    rows = np.ones(len(table), dtype=bool)
    for name in table.columns:
        rows &= (to_texts(table[name]).str.lstrip("\ufeff") == name).to_numpy()
        if not rows.any():
            return
    places = np.flatnonzero(rows)
    words = "repeats" if places.size == 1 else "repeat"
    yield (
        f"{_rows_in_words(places)} {words} the names of the columns, as in tables written one after another. "
        "Remove them."
    )


def _second_names(table: pd.DataFrame, recognised: Mapping[str, Recognised]) -> Iterator[str]:
    """Say that the first row belongs to the names: it holds units where others have numbers."""
    texts = []
    for name, each in recognised.items():
        if each.column.kind != "number":
            continue
        first = table[name].iloc[:1]
        if not np.isnan(to_numbers(each.column, present(each.column, first)))[0]:
            return
        text = to_texts(first).iloc[0]
        if text != MISSING_TEXT:
            if (
                text[:1].isdigit()
                or text not in each.column.unread
                or (to_texts(table[name]) == text).sum() > 1
            ):
                return
            texts.append(text)
    if texts and not are_placeholders(texts).any():
        yield (
            f"The first row seems to belong to the names: it holds {first_few(texts, 3)} where the "
            "others have numbers, as units do. Remove it, or it counts as a row."
        )


def _total(table: pd.DataFrame, recognised: Mapping[str, Recognised]) -> Iterator[str]:
    words, sums = [], []
    for name, each in recognised.items():
        last = table[name].iloc[-1]
        if isinstance(last, str) and last.strip().rstrip(":").lower() in _TOTALS:
            if (to_texts(table[name]) == last.strip()).sum() == 1:
                words.append(last.strip())
        if each.column.kind == "number":
            if _is_sum(each, table[name]):
                sums.append(name)
    if not words and not sums:
        return
    why = [f"it holds {first_few(words, 2)}"] if words else []
    if sums:
        one = len(sums) == 1
        why.append(f"its {first_few(sums, 2)} {'is the sum' if one else 'are the sums'} of those above")
    yield f"The last row seems to be a total: {', and '.join(why)}. Remove it, or it counts as a row."


def _is_sum(each: Recognised, series: pd.Series) -> bool:
    """Whether the last number is far larger than the others, and their sum."""

    def numbers(of: pd.Series) -> NDArray[np.float64]:
        found = to_numbers(each.column, present(each.column, of))
        return found[np.isfinite(found)]

    last, some = numbers(series.iloc[-1:]), numbers(_spread(series.iloc[:-1]))
    if not last.size or some.size < MIN_ROWS / 2 or not abs(last[0]) > 3 * np.abs(some).max() > 0:
        return False
    with np.errstate(over="ignore"):
        return bool(np.isclose(numbers(series.iloc[:-1]).sum(), last[0], rtol=1e-6))


def _change_of_unit(name: str, numbers: NDArray[np.float64], rows: NDArray[np.intp]) -> Iterator[str]:
    """Say that all values from some row on are many times as large, or as small, as all before."""
    known = np.isfinite(numbers)
    numbers, rows = numbers[known], rows[known]
    if numbers.size < MIN_ROWS or numbers.min() <= 0 or (np.diff(numbers) >= 0).all():
        return
    ordered = np.sort(numbers)
    gaps = ordered[1:] / ordered[:-1]
    place = int(np.argmax(gaps))
    small = numbers <= ordered[place]
    switches = np.flatnonzero(small[1:] != small[:-1])
    if gaps[place] < UNIT_GAP or switches.size != 1 or min(small.sum(), (~small).sum()) < MIN_ROWS / 2:
        return
    first, later = numbers[: switches[0] + 1], numbers[switches[0] + 1 :]
    before, after = float(np.median(first)), float(np.median(later))
    ratio = max(before / after, after / before)
    rising = any((np.diff(part) >= 0).all() or (np.diff(part) <= 0).all() for part in (first, later))
    if ratio < UNIT_RATIO or rising:
        return
    yield (
        f"{name!r}: from about row {rows[switches[0] + 1] + 1:,} on all values are {ratio:,.3g} times as "
        f"{'large' if after > before else 'small'} as before (medians {before:.4g} and {after:.4g}). If the "
        "unit has changed, write the whole column in one."
    )


def _far_dates(name: str, values: pd.Series, each: Recognised) -> Iterator[str]:
    """Say that the first or the last of the dates occurs often, and apart from all others."""
    if clocks.TIME in each.column.formats:
        return
    dates = clocks.to_dates(values, each.column.formats)
    known = dates[dates.notna()]
    for date, others in ((known.min(), 1), (known.max(), -1)) if len(known) >= MIN_ROWS else ():
        rest = known[known != date]
        if rest.nunique() < MIN_ROWS / 2:
            continue
        nearest = rest.min() if others == 1 else rest.max()
        span = rest.max() - rest.min()
        is_code = len(known) - len(rest) >= 3 or date.strftime("%Y-%m-%d").rjust(10, "0") in _FAMILIAR_DATES
        if is_code and abs(nearest - date) > max(2 * span, pd.Timedelta(days=365)):
            text = str(values[(dates == date).to_numpy()].iloc[0])
            yield (
                f"{name!r}: {text!r} lies far from all other dates. If it stands for a missing one: "
                f"na_values= or --na-values {text!r}."
            )


def _offsets(name: str, values: pd.Series) -> Iterator[str]:
    """Say that times have different offsets from UTC."""
    if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_datetime64_any_dtype(values):
        return
    texts = to_texts(_spread(values.dropna())).reset_index(drop=True)
    found = texts.str.extract(_OFFSET)[0][texts.str.contains(r"\d:\d\d", regex=True)].fillna("none")
    different = found.unique().tolist()
    if len(different) > 1:
        yield (
            f"{name!r} holds times with different offsets from UTC ({', '.join(sorted(different)[:3])}); "
            "they are compared in UTC, and one without an offset counts as UTC."
        )


def _texts(name: str, values: pd.Series) -> Iterator[str]:
    """Say that a text may stand for a missing one, and that texts differ in nothing but their case."""
    counts = to_texts(_spread(values)).value_counts()
    counts = counts[counts.index != MISSING_TEXT]
    if len(counts) > MOST_TEXTS or len(counts) < 2:
        return
    blanks = [
        text for text in counts.index if text.lower() in _BLANKS or text.startswith("#") and "!" in text
    ]
    if blanks and len(counts) > len(blanks):
        yield (
            f"{name!r}: {first_few(blanks, 3)} is taken for a text like the others. If it stands for a "
            f"missing value: na_values= or --na-values {blanks[0]!r}."
        )
    alike: dict[str, list[str]] = {}
    for text in sorted(map(str, counts.index)):
        alike.setdefault(" ".join(text.casefold().split()), []).append(text)
    doubled = next((texts for texts in alike.values() if len(texts) > 1), None)
    if doubled:
        yield (
            f"{name!r}: {first_few(doubled, 3)} differ in nothing but blanks or capitals, and are told apart."
        )

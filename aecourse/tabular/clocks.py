"""Dates, times, counters and identifiers: columns that say when or which, and not what.

A detector must not learn them. Dates, counters and running times go on, so each later row lies outside of
what was seen in training, and would be flagged for being later. An identifier says nothing at all.
"""

import re
import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from aecourse.tabular.numbers import shapes

__all__ = [
    "AmbiguousDates",
    "are_durations",
    "calendar_format",
    "find_formats",
    "identifier",
    "running",
    "to_dates",
    "to_seconds",
]

MIN_ROWS = 50  # of a shorter column the order of rows says too little
MIN_ORDER = 0.98  # absolute rank correlation with the order of rows from which a column is a clock
MIN_EVEN = 0.99  # and absolute correlation: a clock advances evenly, the values of a sorted table do not
MOST_FORMATS = 4  # ways of writing dates that one column may mix

ISO, TIME, DURATION = "ISO8601", "time of day", "duration"
WEEK, QUARTER, WEEK_AND_DAY = "week", "quarter", "%G-W%V-%u"
EPOCHS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_EPOCH_START, _EPOCH_END = 946_684_800, 2_208_988_800  # the years 2000 to 2039, in seconds since 1970
_FIRST_YEAR, _LAST_YEAR = 1900, 2100

_DATE_LIKE = re.compile(
    r"\D*(9{4}[-/.]9{1,2}([-/.]9{1,2})?|9{1,2}[-/. ]9{1,2}[-/. ](9{4}|99)"
    r"|9{1,2}(st|nd|rd|th)?[-/. ][A-Za-z]{3,9}[-/. ,]+(9{4}|99)|[A-Za-z]{3,9}\.? 9{1,2},? 9{4}"
    r"|[A-Za-z]{3}[-/. ]9{4}|[A-Za-z]{3} +9{1,2} 99:99:99 9{4}|9{8}T?(9{4}|9{6})?)(\D.*)?"
)
_ISO_LIKE = re.compile(r"9{4}-99(-99)?([ T]99(:99(:99([.,]9+)?)?)? ?(Z|[+-]99:?(99)?)?)?")
_TIME_LIKE = re.compile(r"9{1,2}:99(:99([.,]9+)?)?( ?[AaPp]\.?[Mm]\.?)?")
_PERIODS = {
    WEEK_AND_DAY: re.compile(r"(?P<year>\d{4})-W(?P<number>\d\d)-\d"),
    WEEK: re.compile(
        r"(?P<year>\d{4})[-/ ]?(?:W|KW|CW) ?(?P<number>\d\d?)"
        r"|(?:W|KW|CW|Week|week|wk) ?(?P<number2>\d\d?)[-/ ](?P<year2>\d{4})"
    ),
    QUARTER: re.compile(r"(?P<year>\d{4})[-/ ]?[Qq](?P<number>\d)|[Qq](?P<number2>\d)[-/ ]?(?P<year2>\d{4})"),
}
_IN_SECONDS = {"days": 86400, "hours": 3600, "minutes": 60, "seconds": 1}
_NUMBER = r"(\d+(?:[.,]\d+)?)"
_DURATIONS = {
    # 74:51 and 1:14:51 count their last part as seconds, with days in front if there are any
    "clock": re.compile(
        r"(?P<sign>-)?(?:(?P<days>\d+) ?d(?:ays?)?,? )?(?:(?P<hours>\d+):(?=\d+:))?"
        r"(?P<minutes>\d+):(?P<seconds>[0-5]\d(?:[.,]\d+)?)"
    ),
    "words": re.compile(
        rf"(?P<sign>-)?(?:(?P<days>{_NUMBER}) ?d(?:ays?)?)? ?(?:(?P<hours>{_NUMBER}) ?h(?:(?:ou)?rs?)?)? ?"
        rf"(?:(?P<minutes>{_NUMBER}) ?m(?:in(?:ute)?s?)?)? ?(?:(?P<seconds>{_NUMBER}) ?s(?:ec|econd)?s?)?"
    ),
    "ISO 8601": re.compile(
        rf"(?P<sign>-)?P(?:(?P<days>{_NUMBER})D)?T?(?:(?P<hours>{_NUMBER})H)?(?:(?P<minutes>{_NUMBER})M)?"
        rf"(?:(?P<seconds>{_NUMBER})S)?"
    ),
}
# What pandas does not guess. Day and month in both orders: the whole column decides.
_DATES = [f"%d{sign}%m{sign}%{year}" for sign in "/.-" for year in "Yy"]
_DATES += [f"%m{sign}%d{sign}%{year}" for sign in "/.-" for year in "Yy"]
_DATES += ["%d-%b-%y", "%d %b %y", "%d/%b/%Y", "%b %Y", "%b-%Y", "%B %Y"]
_TIMES = ["", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", ":%H:%M:%S %z", " %H:%M:%S%z"]
_OWN_FORMATS = [date + time for date in _DATES for time in _TIMES]


class AmbiguousDates(ValueError):
    """Day and month of a column of dates cannot be told apart.

    Examples
    --------
    >>> try:
    ...     find_formats(["03/04/2024", "05/06/2024"])
    ... except AmbiguousDates as error:
    ...     print(error)
    dates such as '03/04/2024', in which day and month cannot be told apart. Say how they are written: \
--date-format '%d/%m/%Y' or '%m/%d/%Y' (date_formats= in Python), or leave the column out: --ignore (ignore=).
    """


def find_formats(
    texts: Sequence[str],
    weights: Sequence[int] | NDArray[np.int64] | None = None,
    date_formats: Sequence[str] = (),
) -> tuple[str, ...]:
    """Find out how the dates of a column are written.

    Parameters
    ----------
    texts : sequence of str of shape (n,)
        The different texts of the column, without surrounding blanks.
    weights : sequence of int of shape (n,), optional
        How often each occurs.
    date_formats : sequence of str
        Formats of ``strptime`` that the caller names; they are tried first.

    Returns
    -------
    tuple of str
        What :func:`to_dates` reads them with; empty if fewer than 80 % are dates.

    Raises
    ------
    AmbiguousDates
        If no date of the column tells day and month apart.

    Examples
    --------
    >>> find_formats(["14-Mar-2024", "02-Apr-2024"])
    ('%d-%b-%Y',)
    >>> find_formats(["03/04/2024", "25/06/2024"])
    ('%d/%m/%Y',)
    >>> find_formats(["10:30", "7:15"])
    ('time of day',)
    """
    if not len(texts):
        return ()
    weights = np.ones(len(texts), dtype=int) if weights is None else np.asarray(weights)
    series = pd.Series(list(texts), dtype=object)
    for each in date_formats:
        if weights[_parse(series, each).notna()].sum() >= 0.8 * weights.sum():
            return (each,)
    codes, found, _ = shapes(texts)
    weight = np.bincount(codes, weights=weights)
    order = [code for code in np.argsort(-weight, kind="stable")[:50] if _is_date_like(found[code])]
    if weight[order].sum() < 0.8 * weights.sum():
        return ()
    formats: list[str] = []
    open_ = np.isin(codes, order)
    for code in order:
        these = np.flatnonzero(open_ & (codes == code))
        if these.size and len(formats) < MOST_FORMATS and (each := _format_of(series, these, codes == code)):
            formats.append(each)
            open_[these] = False
            # the same format may read other shapes too: 1/2/2024 and 11/12/2024
            rest = np.flatnonzero(open_)
            open_[rest[_parse(series.iloc[rest], each).notna().to_numpy()]] = False
    read = weights[to_dates(series, formats).notna()].sum() if formats else 0
    if read < 0.8 * weights.sum():
        return ()
    return _order_of_day_and_month(series, weights, formats)


def _is_date_like(shape: str) -> bool:
    periods = any(each.fullmatch(shape) for each in _PERIODS.values())
    return periods or bool(_TIME_LIKE.fullmatch(shape) or _DATE_LIKE.fullmatch(shape))


def _format_of(series: pd.Series, rows: NDArray, same: NDArray) -> str | None:
    """Return the format that reads most of these texts, which all have one shape."""
    texts = series.iloc[rows]
    shape = re.sub(r"\d", "9", texts.iloc[0])
    if _TIME_LIKE.fullmatch(shape):
        return TIME
    if _ISO_LIKE.fullmatch(shape):
        return ISO
    for period, pattern in _PERIODS.items():
        if pattern.fullmatch(shape):
            return period
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of day and month: they are compared below
        guesses = [pd.tseries.api.guess_datetime_format(texts.iloc[0], dayfirst=day) for day in (True, False)]
    sample = texts.iloc[:1000]
    known = [each for each in dict.fromkeys([*guesses, *_own_formats(shape)]) if each]
    known = [each for each in known if not re.match("%Y.?%d", each)]  # nobody writes the year, then the day
    read = {each: int(_parse(sample, each).notna().sum()) for each in known}
    best = max(read, key=read.__getitem__, default=None)
    return best if best is not None and read[best] >= 0.8 * len(sample) else None


def _own_formats(shape: str) -> list[str]:
    """Return the formats of the list that may fit a shape, judged by the signs between the digits."""
    signs = set(re.sub(r"[9A-Za-z ]", "", shape))
    return [each for each in _OWN_FORMATS if set(re.sub(r"[%A-Za-z ]", "", each)) <= signs | {""}]


def _order_of_day_and_month(series: pd.Series, weights: NDArray, formats: list[str]) -> tuple[str, ...]:
    """Exchange day and month where only that order reads the column; refuse what both orders read."""
    decided = list(formats)
    for place, each in enumerate(formats):
        turned = _turned(each)
        if turned is None:
            continue
        as_found, as_turned = _parse(series, each), _parse(series, turned)
        n_found, n_turned = weights[as_found.notna()].sum(), weights[as_turned.notna()].sum()
        same = as_found.equals(as_turned)
        if n_found == n_turned and not same:
            one, other = sorted((each, turned))
            raise AmbiguousDates(
                f"dates such as {series.iloc[0]!r}, in which day and month cannot be told apart. Say how "
                f"they are written: --date-format {one!r} or {other!r} (date_formats= in Python), or leave "
                "the column out: --ignore (ignore=)."
            )
        decided[place] = each if n_found >= n_turned else turned
    return tuple(dict.fromkeys(decided))


def _turned(date_format: str) -> str | None:
    """Exchange day and month in a format, if it names both in digits and the year does not stand in front."""
    if "%d" not in date_format or "%m" not in date_format or date_format.startswith("%Y"):
        return None
    return date_format.replace("%d", "%\0").replace("%m", "%d").replace("%\0", "%m")


def calendar_format(numbers: NDArray, n_distinct: int) -> str | None:
    """Say whether numbers are dates without separators, such as 20240301, or seconds since 1970.

    Parameters
    ----------
    numbers : ndarray of shape (n,)
        The known numbers, at least one.
    n_distinct : int
        How many of them differ.

    Returns
    -------
    str or None
        The format, which :func:`to_dates` reads; None if they are other numbers.

    Examples
    --------
    >>> calendar_format(np.array([20240301, 20240302, 20240303]), 3)
    '%Y%m%d'
    >>> calendar_format(np.arange(30) * 3600 + 1_700_000_000, 30)
    'epoch s'
    """
    low, high = numbers.min(), numbers.max()
    whole = bool(np.all(numbers == np.floor(numbers)))
    days: NDArray = (
        numbers[(numbers >= _FIRST_YEAR * 10_000) & (numbers <= _LAST_YEAR * 10_000)]
        if whole
        else numbers[:0]
    )
    if n_distinct >= 3 and len(days) >= 0.95 * numbers.size:  # the others may be 0 or 99999999
        if _parse(pd.Series(pd.unique(days)), "%Y%m%d").notna().all():
            return "%Y%m%d"
    if whole and n_distinct >= 12 and _FIRST_YEAR * 100 <= low and high <= _LAST_YEAR * 100:
        month = numbers.astype(np.int64) % 100
        if np.all((month >= 1) & (month <= 12)):
            return "%Y%m"
    if n_distinct >= 20:
        for unit, factor in EPOCHS.items():
            inside = _EPOCH_START * factor <= low and high <= _EPOCH_END * factor
            if inside and high - low >= 3600 * factor:  # a shorter time is that of a counter
                return f"epoch {unit}"
    return None


def to_dates(series: pd.Series, formats: Sequence[str]) -> pd.Series:
    """Read a column of dates.

    Parameters
    ----------
    series : pandas.Series of shape (n,)
        Texts, numbers or dates.
    formats : sequence of str
        From :func:`find_formats` or :func:`calendar_format`; each reads what those before it could not. Empty
        for a column that already holds dates.

    Returns
    -------
    pandas.Series of shape (n,)
        Dates in UTC; what cannot be read is missing. A time of day is that time on a day of 1900.

    Examples
    --------
    >>> to_dates(pd.Series(["14-Mar-2024", "?"]), ["%d-%b-%Y"]).isna().tolist()
    [False, True]
    """
    if pd.api.types.is_datetime64_any_dtype(series):
        return pd.to_datetime(series, utc=True)
    if not formats:
        formats = (ISO,)
    result = _parse(series, formats[0])
    for each in formats[1:]:
        rest = result.isna() & series.notna()
        if not rest.any():
            break
        result = result.where(~rest, _parse(series.where(rest), each))
    return result


def _parse(series: pd.Series, date_format: str) -> pd.Series:
    """Read dates in one format; what does not have it is missing."""
    if date_format.startswith("epoch "):
        numbers = pd.to_numeric(series, errors="coerce")
        return pd.to_datetime(numbers, unit=date_format.removeprefix("epoch "), errors="coerce", utc=True)
    if pd.api.types.is_numeric_dtype(series):
        whole = series.where(series == np.floor(series))
        series = whole.astype("Int64").astype("str").where(whole.notna())
    texts = series.astype("str").str.strip().where(series.notna())
    if date_format == TIME:
        return _parse_times(texts)
    if date_format in (WEEK, QUARTER):
        return _parse_periods(texts, date_format)
    return pd.to_datetime(texts, errors="coerce", format=date_format, utc=True)


def _parse_periods(texts: pd.Series, period: str) -> pd.Series:
    """Read weeks and quarters as their first days."""
    found = texts.str.extract(f"^(?:{_PERIODS[period].pattern})$")
    year, number = (found[name].fillna(found[f"{name}2"]) for name in ("year", "number"))
    if period == WEEK:
        return pd.to_datetime(
            year + "-W" + number.str.zfill(2) + "-1", errors="coerce", format=WEEK_AND_DAY, utc=True
        )
    month = number.map({"1": "01", "2": "04", "3": "07", "4": "10"})
    return pd.to_datetime(year + month, errors="coerce", format="%Y%m", utc=True)


def to_seconds(texts: Sequence[str]) -> NDArray[np.float64]:
    """Read durations such as 74:51, 1:14:51, ``2 days 03:00:00``, ``2h 12min`` or PT17M45S.

    Parameters
    ----------
    texts : sequence of str of shape (n,)
        Texts without surrounding blanks.

    Returns
    -------
    ndarray of float of shape (n,)
        Their seconds; the last part of a clock counts as seconds. Other texts become NaN.

    Examples
    --------
    >>> to_seconds(["74:51", "-1:14:51", "2h 12min", "PT17M45S", "3:75", "?"])
    array([ 4491., -4491.,  7920.,  1065.,    nan,    nan])
    """
    return np.array([_one_duration(text) for text in texts], dtype=float)


def _one_duration(text: str) -> float:
    for pattern in _DURATIONS.values():
        found = pattern.fullmatch(text)
        parts = {name: found[name] for name in _IN_SECONDS if found[name]} if found else {}
        if parts:
            if "hours" in parts and ":" in text and float(parts["minutes"]) >= 60:
                return np.nan
            total = sum(float(part.replace(",", ".")) * _IN_SECONDS[name] for name, part in parts.items())
            return -total if found is not None and found["sign"] else total
    return np.nan


def are_durations(
    texts: Sequence[str], weights: Sequence[int] | NDArray[np.int64], sure: bool = False
) -> bool:
    """Say whether a column holds durations, and not times of day.

    Parameters
    ----------
    texts : sequence of str of shape (n,)
        The different texts of the column.
    weights : sequence of int of shape (n,)
        How often each occurs.
    sure : bool
        Whether the caller says that they are numbers. If not, 1 % of them must be written as no time of day
        is.

    Returns
    -------
    bool

    Examples
    --------
    >>> are_durations(["4:51", "74:51"], [1, 1]), are_durations(["4:51", "14:51"], [1, 1])
    (True, False)
    """
    if not len(texts):
        return False
    weights = np.asarray(weights)
    _, found, cleaned = shapes(texts)
    if not any(_is_duration_like(shape) for shape in found[:50]):
        return False
    read = ~np.isnan(to_seconds(cleaned))
    if weights[read].sum() < 0.8 * weights.sum():
        return False
    of_day = _parse_times(pd.Series(cleaned, dtype="str")).notna().to_numpy()
    return sure or bool(weights[read & ~of_day].sum() >= 0.01 * weights.sum())


def _is_duration_like(shape: str) -> bool:
    """Whether a shape has parts; a single number with a unit, such as 5 min, is left to `numbers`."""
    return len(re.findall(r"\d+(?:[.,]\d+)?", shape)) > 1 and not np.isnan(
        _one_duration(shape.replace(":99", ":59"))
    )


def _parse_times(texts: pd.Series) -> pd.Series:
    """Read times of day, with seconds or without, in 24 hours or with AM and PM."""
    found = texts.str.extract(r"^(\d{1,2}):(\d\d)(?::(\d\d(?:[.,]\d+)?))?(?: ?([AaPp])\.?[Mm]\.?)?$")
    hour, minute = pd.to_numeric(found[0]), pd.to_numeric(found[1])
    second = pd.to_numeric(found[2].str.replace(",", ".")).fillna(0)
    half = found[3].str.lower()
    hour = hour.where(half.isna(), hour % 12 + 12 * (half == "p"))
    valid = (hour < 24) & (minute < 60) & (second < 60)
    since = pd.to_timedelta((3600 * hour + 60 * minute + second).where(valid), unit="s")
    return pd.Timestamp("1900-01-01", tz="UTC") + since


def running(numbers: NDArray[np.float64]) -> str | None:
    """Say whether a column rises or falls with the order of rows, as row numbers and clocks do.

    Parameters
    ----------
    numbers : ndarray of float of shape (n,)
        The column in the order of the rows; missing values are NaN.

    Returns
    -------
    str or None
        The reason to leave it out. Ties, gaps, fractions, missing values and a few exchanged rows do not hide
        a clock. A column by which the table was sorted is another matter: its values do not advance evenly.

    Examples
    --------
    >>> running(np.arange(100) // 3 * 0.5)
    'it rises from row to row, like a row number or a clock'
    >>> running(np.sort(np.random.default_rng(0).normal(size=200))) is None
    True
    """
    place = np.flatnonzero(np.isfinite(numbers))
    numbers = numbers[place]
    if numbers.size < MIN_ROWS or numbers.min() == numbers.max():
        return None
    direction = "rises" if numbers[-1] > numbers[0] else "falls"
    reason = f"it {direction} from row to row, like a row number or a clock"
    with np.errstate(over="ignore"):
        steps = np.diff(numbers)
    strict = bool(np.all(steps > 0) or np.all(steps < 0))
    if strict and np.all(numbers == np.floor(numbers)):
        return reason
    if _cheap_order(numbers) < 0.9:
        return None
    scaled = numbers / np.abs(numbers).max()  # the squares of huge numbers would overflow
    spread = scaled.std() > 0 and abs(np.corrcoef(place, scaled)[0, 1]) >= MIN_EVEN
    ordered = abs(stats.spearmanr(place, numbers).statistic) >= MIN_ORDER
    return reason if spread and ordered else None


def _cheap_order(numbers: NDArray[np.float64]) -> float:
    """Rank correlation of at most 200 rows with their order: most columns are not clocks, and end here."""
    some = numbers[np.linspace(0, numbers.size - 1, min(200, numbers.size)).astype(int)]
    return (
        abs(float(stats.spearmanr(np.arange(some.size), some).statistic)) if some.min() < some.max() else 0.0
    )


def identifier(values: NDArray) -> str | None:
    """Say whether whole numbers are identifiers: so many different ones do not come by chance.

    n numbers that are drawn from R equally likely ones contain about n²/2R equal pairs, and more if some are
    likelier. Numbers of customers or rows contain hardly any, since each is given once.

    Parameters
    ----------
    values : ndarray of shape (n,)
        The known values: whole numbers, as integers where they are large.

    Returns
    -------
    str or None
        The reason to leave the column out.

    Examples
    --------
    >>> identifier(np.random.default_rng(0).permutation(200))
    'its whole numbers are nearly all different, though few are possible, as in an identifier'
    >>> identifier(np.random.default_rng(0).integers(0, 200, 200)) is None
    True
    """
    n = len(values)
    if n < MIN_ROWS:
        return None
    possible = int(values.max()) - int(values.min()) + 1
    expected = n * (n - 1) / 2 / possible
    if expected < 10:
        return None
    counts = np.unique(values, return_counts=True)[1].astype(float)
    if (counts * (counts - 1) / 2).sum() > 0.2 * expected:
        return None
    return "its whole numbers are nearly all different, though few are possible, as in an identifier"

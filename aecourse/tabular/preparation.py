"""Turn the columns of a table into numbers: learned from normal rows, and kept as plain JSON."""

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, asdict, fields, replace
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.exceptions import NotFittedError

from aecourse._support.checks import check_whole
from aecourse.tabular import clocks, sentinels
from aecourse.tabular.columns import (
    MISSING_TEXT,
    Choices,
    Column,
    present,
    to_numbers,
    to_texts,
    with_text_names,
    without,
)
from aecourse.tabular.numbers import Contradiction, find_style, with_signs
from aecourse.tabular.recognition import MAX_CATEGORIES, MIN_PARSED, Recognised, are_placeholders, recognise
from aecourse.tabular.sources import first_few

__all__ = ["Preparation"]

MIN_MARKED = 0.05  # if at least this share of the training rows lacks a value, a feature says which rows do
MOST_ROWS = 2**53  # a saved file that counts more is not one of ours
FAR = 1e300  # replaces an infinite value: finite, and far outside of any range


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
    {'unit': "always 'mm' in the training rows"}
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
        recognised: Mapping[str, Recognised] | None = None,
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

    def _check_fitted(self) -> None:
        if not hasattr(self, "columns_"):
            raise NotFittedError("this Preparation has not learned anything yet. Call fit first.")

    def _set_columns(self, columns: list[Column]) -> None:
        self.columns_ = tuple(columns)
        used = [column for column in columns if column.used]
        self.source_names_ = [column.name for column in used]
        self.feature_names_ = [name for column in used for name in column.features()]
        self.sources_ = np.repeat(np.arange(len(used)), [len(column.features()) for column in used])

    def _learn(self, column: Column, series: pd.Series) -> Column | None:
        """Describe a column, or return None and write the reason into ``left_out_``."""
        series = present(column, series)
        if series.isna().all():
            self.left_out_[column.name] = "it has no values"
            return None
        learn = {"number": self._learn_number, "date": self._learn_date, "category": self._learn_category}
        return learn[column.kind](column, series)

    def _learn_number(self, column: Column, series: pd.Series) -> Column | None:
        name, numbers = column.name, to_numbers(column, series)
        infinite = np.isinf(numbers)
        if infinite.any():
            self.notes_.append(
                f"{name!r}: {int(infinite.sum()):,} infinite values, which count as far "
                "outside; rows with such a value are not trained on."
            )
        if name not in self.choices.numeric:
            column = self._note_far_values(column, numbers[np.isfinite(numbers)])
            numbers = without(numbers, column.sentinels)
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
                self.left_out_[name] = f"always {low:.6g} in the training rows"
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
            rest = without(finite, found)
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
                self.left_out_[name] = reason or "always the same time in the training rows"
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
        periods = [each for each in (clocks.WEEK, clocks.QUARTER) if each in column.formats]
        if periods:
            self.left_out_[name] = f"a {periods[0]}, which has neither weekday nor hour"
            return None
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
        counts = to_texts(series).value_counts()
        counts = counts[counts.index != MISSING_TEXT]
        # the most frequent first, and equally frequent ones in the order of the alphabet
        values = sorted(counts.index, key=lambda value: (-counts[value], value))
        if len(values) == 1 and not gaps["marked"]:
            self.left_out_[name] = f"always {values[0]!r} in the training rows"
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
    def file_decimal(self) -> str:
        """str: The decimal sign to read a file with, as the training file was read."""
        return next((column.file_decimal for column in self.columns_), ".")

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
                column = replace(column, new_decimal=style.decimal, new_thousands=style.thousands)
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
        self._check_fitted()
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
        self._check_fitted()
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
        self._check_fitted()
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
            preparation.n_rows_ = check_whole(data["n_rows"], "n_rows", maximum=MOST_ROWS)
        except (KeyError, TypeError, AttributeError, ValueError, ArithmeticError) as error:
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
    if not (0 <= column.once <= MOST_ROWS and 0 <= column.gaps <= MOST_ROWS):
        raise ValueError(f"numbers of rows are {column.once!r} and {column.gaps!r}")
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
    texts = to_texts(values)
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
    return np.column_stack(encode(column, present(column, series))).astype(float)


def _encode_number(column: Column, series: pd.Series) -> list[NDArray]:
    numbers = to_numbers(column, series)
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
    texts = to_texts(series[series.notna().to_numpy() & missing])
    texts = texts[~texts.isin(column.unread) & ~are_placeholders(list(texts))]
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
    texts = to_texts(series)
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
    series = present(column, series)
    if column.kind == "number":
        return np.isnan(to_numbers(column, series))
    if column.kind == "date":
        return clocks.to_dates(series, column.formats).isna().to_numpy()
    return series.isna().to_numpy()


def _outside(column: Column, series: pd.Series) -> NDArray[np.bool_]:
    series = present(column, series)
    empty = series.isna().to_numpy()
    if column.kind == "category":
        known = to_texts(series).isin([*column.values, *column.seen]).to_numpy()
        return ~known & ~(empty & column.missing)
    if column.kind == "number":
        numbers = to_numbers(column, series)
        outside, gap = (numbers < column.low) | (numbers > column.high), np.isnan(numbers)
    else:
        gap = clocks.to_dates(series, column.formats).isna().to_numpy()
        outside = np.zeros(len(series), dtype=bool)
    if pd.api.types.is_numeric_dtype(series) or pd.api.types.is_datetime64_any_dtype(series):
        unknown = np.zeros(len(series), dtype=bool)
    else:  # a text that could not be read in training either counts like a missing value
        unknown = gap & ~empty & ~to_texts(series).isin(column.unread).to_numpy()
    return outside | unknown | (gap & (not column.missing))

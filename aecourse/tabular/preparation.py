"""Turn the columns of a table into numbers: learned from normal rows, and kept as plain JSON."""

import difflib
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aecourse.tabular.reading import first_few

__all__ = ["Column", "Preparation"]

MAX_CATEGORIES = 20  # more distinct texts than this: the most frequent, and one feature for all others
MIN_PARSED = 0.8  # a text column counts as numbers, or dates, if at least this share can be read as such
MIN_MARKED = 0.05  # if at least this share of the training rows lacks a value, a feature says which rows do
FAR = 1e300  # replaces an infinite value: finite, and far outside of any range

_MISSING = "(missing)"
_OTHER = "(other)"
_DECIMAL_COMMA = r"[-+]?\d+,\d+"
_DAY_MONTH = r"\d{1,2}[./-]\d{1,2}[./-]\d{2,4}(?:[ T].*)?"
_ISO_DATE = r"\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}.*)?"


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
    missing : bool
        Whether values were missing in the training rows.
    marked : bool
        Whether enough values were missing that a feature says in which rows.
    parts : tuple of str
        What a date is turned into: ``weekday``, ``hour``.
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
    missing: bool = False
    marked: bool = False
    parts: tuple[str, ...] = ()
    used: bool = True

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
      lack a value, another feature says which rows do; a rarer gap would be flagged only for being a gap. In
      a text column of which at least 80 % of the values are numbers, the others count as missing. An
      infinite value becomes ±1e300, which is far outside.
    - A text column becomes one feature of 0 and 1 for each of its (at most 20) most frequent texts, and one
      for all others.
    - A date, written as 2024-03-01 or 2024-03-01 14:30, becomes weekday and hour, each as a sine and a
      cosine, so that Sunday is next to Monday. The date itself is not used: later ones would all be outside.
    - Left out, with a note, are the columns that the caller names, constant columns, copies of other columns,
      columns without values, texts that are nearly all different, and numbers that rise or fall from row to
      row (row numbers, clocks).

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

    columns_: tuple[Column, ...]
    left_out_: dict[str, str]
    notes_: list[str]
    feature_names_: list[str]
    sources_: NDArray[np.int64]
    source_names_: list[str]
    n_rows_: int

    def fit(self, table: pd.DataFrame, leave_out: Mapping[str, str] | None = None) -> Self:
        """Learn how each column becomes numbers.

        Parameters
        ----------
        table : pandas.DataFrame of shape (n, columns)
            Normal rows, in their order.
        leave_out : dict of str to str, optional
            Columns that do not become features, and why.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a column could be read in two ways, or no column is left.
        """
        self.n_rows_ = len(table)
        self.left_out_, self.notes_ = dict(leave_out or {}), []
        columns: list[Column] = []
        seen: dict[bytes, str] = {}
        for name in map(str, table.columns):
            if name in self.left_out_:
                continue
            column = self._learn(name, table[name])
            if column is None:
                continue
            if column.used:
                same = seen.setdefault(_encode(column, table[name]).tobytes(), name)
                if same != name:
                    self.left_out_[name] = f"the same as {same!r}"
                    continue
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

    def _learn(self, name: str, series: pd.Series) -> Column | None:
        """Describe a column, or return None and write the reason into ``left_out_``."""
        if series.isna().all():
            self.left_out_[name] = "it has no values"
            return None
        kind = _kind(name, series)
        if kind == "number":
            return self._learn_number(name, series)
        if kind == "date":
            return self._learn_date(name, series)
        return self._learn_category(name, series)

    def _learn_number(self, name: str, series: pd.Series) -> Column | None:
        numbers = _to_numbers(series)
        unread = series[np.isnan(numbers) & series.notna().to_numpy()]
        if len(unread):
            self.notes_.append(
                f"{name!r}: {len(unread):,} values are no numbers "
                f"({first_few(list(unread.unique()), 3)}) and count as missing."
            )
        infinite = np.isinf(numbers)
        if infinite.any():
            self.notes_.append(
                f"{name!r}: {int(infinite.sum()):,} infinite values, which count as far "
                "outside; rows with such a value are not trained on."
            )
        finite = numbers[np.isfinite(numbers)]
        if finite.size == 0:
            self.left_out_[name] = "it has no finite values"
            return None
        low, high, gaps = float(finite.min()), float(finite.max()), _describe_gaps(np.isnan(numbers))
        if low == high:
            if not gaps["marked"]:
                self.left_out_[name] = f"always {low:.6g}"
            return Column(name, "number", low, high, low, used=gaps["marked"], **gaps)
        whole = np.all(finite == np.floor(finite))
        with np.errstate(invalid="ignore"):  # of two infinite values
            steps = np.diff(numbers)
        if len(numbers) >= 50 and whole and not gaps["missing"] and (np.all(steps > 0) or np.all(steps < 0)):
            self.left_out_[name] = "it rises or falls from row to row, like a row number or a clock"
            return None
        if len(numbers) >= 50 and whole and len(np.unique(finite)) == len(numbers):
            self.notes_.append(
                f"{name!r}: whole numbers, all different. If they are identifiers, leave the "
                "column out: ignore= or --ignore."
            )
        with np.errstate(over="ignore"):  # the mean of the two middle values may overflow
            fill = float(np.median(finite))
        fill = fill if np.isfinite(fill) else float(np.sort(finite)[finite.size // 2])
        return Column(name, "number", low, high, fill, **gaps)

    def _learn_date(self, name: str, series: pd.Series) -> Column | None:
        dates = _to_dates(series)
        known = dates[dates.notna()]
        unread = int((dates.isna() & series.notna()).sum())
        if unread:
            self.notes_.append(f"{name!r}: {unread:,} values are not dates and count as missing.")
        parts = [
            part
            for part, values in (("weekday", known.dt.day_of_week), ("hour", _hour(known)))
            if values.nunique() > 1
        ]
        if not parts:
            self.left_out_[name] = "a date that is always the same weekday and hour"
            return None
        self.notes_.append(f"{name!r} is a date: of it {' and '.join(parts)} are used, not the date itself.")
        return Column(name, "date", parts=tuple(parts), **_describe_gaps(dates.isna()))

    def _learn_category(self, name: str, series: pd.Series) -> Column | None:
        gaps = _describe_gaps(series.isna())
        counts = _to_texts(series).value_counts()
        counts = counts[counts.index != _MISSING]
        # the most frequent first, and equally frequent ones in the order of the alphabet
        values = sorted(counts.index, key=lambda value: (-counts[value], value))
        if len(values) == 1 and not gaps["marked"]:
            self.left_out_[name] = f"always {values[0]!r}"
            return Column(name, "category", values=tuple(values), used=False, **gaps)
        if len(values) > MAX_CATEGORIES and len(values) > 0.5 * len(series):
            self.left_out_[name] = "nearly every row has another text, as in an identifier or free text"
            return None
        if len(values) > MAX_CATEGORIES:
            self.notes_.append(
                f"{name!r} holds {len(values):,} different texts; the {MAX_CATEGORIES} most "
                "frequent are told apart."
            )
        return Column(
            name,
            "category",
            values=tuple(values[:MAX_CATEGORIES]),
            other=len(values) > MAX_CATEGORIES,
            **gaps,
        )

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
            seen in training (or was among the rare ones), and for a missing value in a column without gaps in
            training.
        """
        watched = [column for column in self.columns_ if column.name in table.columns]
        return pd.DataFrame(
            {column.name: _outside(column, table[column.name]) for column in watched}, index=table.index
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
    column = Column(**entries)
    for field in fields(Column):
        expected = str if field.default is MISSING else type(field.default)
        if not isinstance(getattr(column, field.name), expected):
            raise ValueError(f"{field.name} is {getattr(column, field.name)!r}")
    if column.kind not in ("number", "category", "date") or not set(column.parts) <= {"weekday", "hour"}:
        raise ValueError(f"unknown kind {column.kind!r} with parts {column.parts!r}")
    if not all(isinstance(value, str) for value in column.values):
        raise ValueError("values must be texts")
    if not np.isfinite([column.low, column.high, column.fill]).all():
        raise ValueError("numbers must be finite")
    return column


def _describe_gaps(missing: Any) -> dict[str, Any]:
    """Return the entries of a `Column` that tell about its missing values."""
    return {"missing": bool(missing.any()), "marked": bool(missing.mean() >= MIN_MARKED)}


def _share(mask: Any, of: int) -> float:
    return mask.sum() / max(1, of)


def _kind(name: str, series: pd.Series) -> str:
    """Say what a column contains, or refuse it if it could be two things."""
    if pd.api.types.is_numeric_dtype(series) or pd.api.types.is_bool_dtype(series):
        return "number"
    if pd.api.types.is_datetime64_any_dtype(series):
        return "date"
    present = series.dropna()
    texts = _to_texts(present)
    if _share(~np.isnan(_to_numbers(present)), len(texts)) >= MIN_PARSED:
        return "number"
    _refuse_decimal_comma(name, texts)
    if _share(texts.str.fullmatch(_ISO_DATE), len(texts)) >= MIN_PARSED:
        return "date"
    if _share(texts.str.fullmatch(_DAY_MONTH), len(texts)) >= MIN_PARSED:
        raise ValueError(
            f"column {name!r} holds dates such as {texts.iloc[0]!r}, in which day and month "
            "cannot be told apart. Write them as 2024-03-01, or leave the column out: ignore= "
            "or --ignore."
        )
    return "category"


def _refuse_decimal_comma(name: str, texts: pd.Series) -> None:
    if _share(texts.str.fullmatch(_DECIMAL_COMMA), len(texts)) >= 0.5:
        raise ValueError(
            f"column {name!r} holds numbers with a comma, such as {texts.iloc[0]!r}. If it is "
            "a decimal comma, pass decimal=',' or --decimal ','; if it separates thousands, remove it."
        )


def _to_texts(series: pd.Series) -> pd.Series:
    """Return the values as texts without surrounding blanks; a missing value becomes "(missing)"."""
    texts = series.astype("str").str.strip()
    return texts.where(series.notna(), _MISSING)


def _to_numbers(series: pd.Series) -> NDArray[np.float64]:
    """Return the values as floats; what is not a number becomes NaN. True and False are 1 and 0."""
    if pd.api.types.is_bool_dtype(series) or pd.api.types.is_numeric_dtype(series):
        return series.to_numpy(dtype=float, na_value=np.nan)
    texts = series.astype("str").str.strip().str.lower()
    texts = texts.replace({"true": "1", "false": "0"})
    return pd.to_numeric(texts, errors="coerce").to_numpy(dtype=float, na_value=np.nan)


def _to_dates(series: pd.Series) -> pd.Series:
    if pd.api.types.is_datetime64_any_dtype(series):
        return pd.to_datetime(series, utc=True)
    return pd.to_datetime(series.astype("str").str.strip(), errors="coerce", format="ISO8601", utc=True)


def _hour(dates: pd.Series) -> pd.Series:
    return dates.dt.hour + dates.dt.minute / 60


def _encode(column: Column, series: pd.Series) -> NDArray[np.float64]:
    """Turn one column into its features, an array of shape (n, features)."""
    encode = {"number": _encode_number, "category": _encode_category, "date": _encode_date}[column.kind]
    return np.column_stack(encode(column, series)).astype(float)


def _encode_number(column: Column, series: pd.Series) -> list[NDArray]:
    numbers = _to_numbers(series)
    missing = np.isnan(numbers)
    present = series.notna().to_numpy()
    if present.sum() >= 20 and _share(missing & present, present.sum()) > 0.5:
        texts = _to_texts(series[present])
        _refuse_decimal_comma(column.name, texts)
        raise ValueError(
            f"column {column.name!r} held numbers when the detector was trained, but most of its "
            f"values here are not numbers, such as {texts.iloc[0]!r}. Write numbers, or leave "
            "unknown ones empty."
        )
    filled = np.nan_to_num(np.where(missing, column.fill, numbers), posinf=FAR, neginf=-FAR)
    return [np.clip(filled, -FAR, FAR), *([missing] if column.marked else [])]


def _encode_category(column: Column, series: pd.Series) -> list[NDArray]:
    texts = _to_texts(series)
    features = [(texts == value).to_numpy() for value in column.values]
    missing = series.isna().to_numpy()
    if column.other:
        features.append(~np.logical_or.reduce([*features, missing]))
    return features + ([missing] if column.marked else [])


def _encode_date(column: Column, series: pd.Series) -> list[NDArray]:
    dates = _to_dates(series)
    missing = dates.isna().to_numpy()
    features = []
    for part in column.parts:
        turn = dates.dt.day_of_week / 7 if part == "weekday" else _hour(dates) / 24
        angle = 2 * np.pi * turn.to_numpy(dtype=float, na_value=np.nan)
        features += [np.where(missing, 0, np.sin(angle)), np.where(missing, 0, np.cos(angle))]
    return features + ([missing] if column.marked else [])


def _outside(column: Column, series: pd.Series) -> NDArray[np.bool_]:
    if column.kind == "number":
        numbers = _to_numbers(series)
        outside = (numbers < column.low) | (numbers > column.high)
        return outside | (np.isnan(numbers) & (not column.missing))
    if column.kind == "category":
        known = _to_texts(series).isin(column.values).to_numpy()
        return ~known & ~(series.isna().to_numpy() & column.missing)
    return _to_dates(series).isna().to_numpy() & (not column.missing)

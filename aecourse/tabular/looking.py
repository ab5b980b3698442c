"""Say how each column of a table is read and what would be done with it, before anything is fitted."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from aecourse.tabular import clocks
from aecourse.tabular.columns import Choices, Column, present, to_numbers, to_texts, with_text_names
from aecourse.tabular.detector import CALIBRATION, LATER, TRAINING, TableDetector
from aecourse.tabular.numbers import WRITTEN
from aecourse.tabular.query import Query
from aecourse.tabular.reading import Reading, open_table
from aecourse.tabular.recognition import UnclearColumn
from aecourse.tabular.sources import first_few

__all__ = ["look"]


def look(
    csv: str | os.PathLike[str],
    *,
    train_on: str | None = None,
    budget: float = 0.01,
    separator: str | None = None,
    encoding: str | None = None,
    header: bool | None = None,
    ragged: str = "refuse",
    sheet: str | None = None,
    choices: Choices | None = None,
) -> tuple[str, ...]:
    """Look at a table as :func:`detect` would, without fitting or writing anything.

    Parameters
    ----------
    csv : path-like
        The table, see `open_table`.
    train_on, budget, choices
        As for :func:`detect`.
    separator, encoding, header, ragged, sheet
        As for `open_table`.

    Returns
    -------
    tuple of str
        Sentences: one on each column, and on what was noticed and would be done.

    Raises
    ------
    OSError, ValueError
        If the table or the query cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> rng = np.random.default_rng(0)
    >>> table = pd.DataFrame({"n": range(90), "size": rng.normal(5, 1, 90).round(1), "kind": ["a", "b"] * 45})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     table.to_csv(f"{folder}/data.csv", index=False)
    ...     print(*look(f"{folder}/data.csv", budget=0.05), sep="\\n")
    data.csv: 90 rows, 3 columns. Nothing was fitted.
      'n': numbers. Left out: it rises from row to row, like a row number or a clock (if it is a measurement:
      \
numeric= or --numeric).
      'size': numbers from 2.7 to 7. Used.
      'kind': texts, 'a' or 'b'. Used.
    'aecourse detect' would train on 63 rows and set the threshold with 27 others.
    """
    choices = choices or Choices()
    if train_on is not None:
        Query(train_on)  # refused before the file is read
    with open_table(
        csv,
        decimal=choices.file_decimal,
        **Reading(separator, encoding, header, ragged, sheet).options(),
    ) as source:
        table = with_text_names(source.read())
    lines = [f"{Path(source.name).name}: {len(table):,} rows, {table.shape[1]} columns. Nothing was fitted."]
    lines += source.notes
    detector, unclear, refused = _prepared(table, train_on, budget, choices)
    lines += [f"  {name!r}: {_say(name, table[name], detector, unclear)}" for name in table.columns]
    if hasattr(detector, "preparation_"):
        lines += [f"Noticed: {note}" for note in detector.preparation_.notes_ if WRITTEN not in note]
    return (*lines, *_say_what_follows(detector, unclear, refused))


def _prepared(
    table: pd.DataFrame, train_on: str | None, budget: float, choices: Choices
) -> tuple[TableDetector, dict[str, str], str]:
    """Prepare as far as possible; return why columns are unclear, and why no detector would be fitted."""
    unclear: dict[str, str] = {}
    while True:
        detector = TableDetector(budget, choices=choices)
        try:
            return detector.prepare(table, train_on), unclear, ""
        except UnclearColumn as error:
            unclear[error.column] = str(error)
            choices = _without(choices, error.column)
        except ValueError as error:
            if not hasattr(detector, "recognised_"):
                raise
            return detector, unclear, str(error)


def _without(choices: Choices, name: str) -> Choices:
    """Return the choices with a column ignored."""
    return replace(
        choices,
        numeric=[each for each in choices.numeric if each != name],
        categorical=[each for each in choices.categorical if each != name],
        only=[each for each in choices.only if each != name],
        ignore=[*choices.ignore, name],
    )


def _say(name: str, series: pd.Series, detector: TableDetector, unclear: dict[str, str]) -> str:
    """Say how a column is read, and what is done with it."""
    if name in unclear:
        return f"unclear. {unclear[name]}"
    known = detector.recognised_.get(name)
    preparation = getattr(detector, "preparation_", None)
    reason = preparation.left_out_.get(name) if preparation is not None else None
    what = "texts" if known is None and not pd.api.types.is_numeric_dtype(series) else "numbers"
    if known is not None:
        what = ", ".join(_describe(known.column, series, brief=reason is not None))
    if reason is not None:
        return f"{what}. Left out: {reason}."
    if preparation is None:
        return f"{what}."
    column = next(each for each in preparation.columns_ if each.name == name)
    parts = f": its {' and '.join(column.parts)}" if column.parts else ""
    return f"{what}. Used{parts}{', with a feature that says where it is missing' if column.marked else ''}."


def _describe(column: Column, series: pd.Series, brief: bool) -> Iterator[str]:
    """Say in words what a column contains."""
    series = present(column, series)
    if column.kind == "number":
        numbers = to_numbers(column, series)
        gaps, finite = np.isnan(numbers), numbers[np.isfinite(numbers)]
        ends = f" from {finite.min():.6g} to {finite.max():.6g}" if finite.size and not brief else ""
        what = "durations in seconds" if column.formats else "numbers"
        written = (
            "" if column.style.plain else f" written with {column.style.describe('').split('(')[1][:-1]}"
        )
        yield f"{what}{written}{ends}"
    elif column.kind == "date":
        gaps = clocks.to_dates(series, column.formats).isna().to_numpy()
        yield "times of day" if clocks.TIME in column.formats else "dates"
        written = [each for each in column.formats if "%" in each]
        if written:
            yield f"written as {' or '.join(written)}"
    else:
        gaps = series.isna().to_numpy()
        values = to_texts(series[~gaps]).value_counts().index.tolist()
        yield "texts"
        if not brief:
            yield " or ".join(map(repr, values)) if len(values) <= 2 else f"{first_few(values, 3)}"
    if gaps.any():
        yield f"{gaps.mean():.1%} missing"


def _say_what_follows(detector: TableDetector, unclear: dict[str, str], refused: str) -> list[str]:
    if refused:
        return [f"'aecourse detect' would refuse the table: {refused}"]
    n = {use: int((detector.used_for_ == use).sum()) for use in (TRAINING, CALIBRATION, LATER)}
    threshold = f"set the threshold with {n[CALIBRATION]:,} others"
    last = f", {threshold} and test it on the last {n[LATER]:,} in time" if n[LATER] else f" and {threshold}"
    done = f"'aecourse detect' would train on {n[TRAINING]:,} rows{last}."
    return [done] if not unclear else [f"With {first_few(list(unclear))} decided or ignored: {done}"]

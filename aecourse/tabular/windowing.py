"""Cut a table with a clock into windows, each of them one row of numbers."""

from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aecourse import windows
from aecourse._support.checks import check_number, check_whole
from aecourse.tabular import clocks
from aecourse.tabular.columns import Choices, present, to_numbers, with_text_names
from aecourse.tabular.recognition import recognise
from aecourse.tabular.sources import first_few, refuse_unknown

__all__ = ["Plan", "Windows", "cut", "make_plan"]

TOLERANCE = 0.1  # of a step, by which a time may lie off the grid
MOST_OFF_GRID = 0.01  # share of the steps that may be off it
_STRIDES = 6  # windows that begin within the length of one


@dataclass(frozen=True)
class Plan:
    """How a series is cut into windows.

    Attributes
    ----------
    time : str
        The column of times.
    window : int
        Points of a window.
    stride : int
        Points from one window's start to the next.
    step : float
        Time from one point to the next, in seconds if the times are dates.
    columns : tuple of str
        The columns of numbers that the windows hold.

    Examples
    --------
    >>> Plan("ts", 60, 10, 1.0, ("load",)).names()[:2]
    ['load, point 1', 'load, point 2']
    """

    time: str
    window: int
    stride: int
    step: float
    columns: tuple[str, ...]

    def names(self) -> list[str]:
        """Return the names of the columns of a table of windows.

        Returns
        -------
        list of str
        """
        return [f"{name}, point {place + 1}" for name in self.columns for place in range(self.window)]

    def to_json(self) -> dict[str, Any]:
        """Return the plan as plain values.

        Returns
        -------
        dict
        """
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Build the plan that :meth:`to_json` described.

        Parameters
        ----------
        data : dict
            As ``to_json`` returned it.

        Returns
        -------
        Plan

        Raises
        ------
        ValueError
            If the values are not those of a plan.
        """
        if set(data) != {"time", "window", "stride", "step", "columns"}:
            raise ValueError(f"a plan of windows has other entries; found {sorted(data)}")
        return cls(
            str(data["time"]),
            check_whole(data["window"], "window", minimum=2),
            check_whole(data["stride"], "stride"),
            check_number(data["step"], "step", above=0),
            tuple(str(name) for name in data["columns"]),
        )


@dataclass(frozen=True)
class Windows:
    """The windows of a series.

    Attributes
    ----------
    table : pandas.DataFrame of shape (windows, points times columns)
        A row for each window.
    first : ndarray of int of shape (windows,)
        The first row of each window in the series.
    notes : tuple of str
        What was noticed about the clock.
    """

    table: pd.DataFrame
    first: NDArray[np.int64]
    notes: tuple[str, ...]


def make_plan(table: pd.DataFrame, time: str, window: int, choices: Choices, leave_out: set[str]) -> Plan:
    """Find the step of the clock and the columns of numbers.

    Parameters
    ----------
    table : pandas.DataFrame of shape (n, columns)
        The series, in the order of time.
    time : str
        The column of times.
    window : int
        Points of a window.
    choices : Choices
        What is known about the columns.
    leave_out : set of str
        Columns that are not used.

    Returns
    -------
    Plan

    Raises
    ------
    ValueError
        If the clock cannot be used, or there is no column of numbers.

    Examples
    --------
    >>> table = pd.DataFrame({"ts": range(100), "load": np.sin(np.arange(100))})
    >>> make_plan(table, "ts", 12, Choices(), set())
    Plan(time='ts', window=12, stride=2, step=1.0, columns=('load',))
    """
    table = with_text_names(table)
    refuse_unknown("time", [time], table.columns)
    window = check_whole(window, "window", minimum=2)
    unused = leave_out | {time} | set(choices.ignore)
    recognised = recognise(table, choices, unused)
    columns = tuple(
        name
        for name, each in recognised.items()
        if name not in unused and each.column.kind == "number" and (not choices.only or name in choices.only)
    )
    if not columns:
        raise ValueError(
            f"a series needs a column of numbers besides {time!r}; found {first_few(list(table.columns))}."
        )
    times = _times(table, time, choices)
    return Plan(time, window, max(1, window // _STRIDES), float(np.median(np.diff(times))), columns)


def _times(table: pd.DataFrame, time: str, choices: Choices) -> NDArray[np.float64]:
    """Return the times as numbers, in seconds if they are dates; refuse what is no clock."""
    column = recognise(table[[time]], choices, ())[time].column
    if column.kind == "date":
        dates = clocks.to_dates(present(column, table[time]), column.formats)
        times = ((dates - dates.min()) / pd.Timedelta(seconds=1)).to_numpy(dtype=float, na_value=np.nan)
    elif column.kind == "number":
        times = to_numbers(column, present(column, table[time]))
    else:
        raise ValueError(
            f"time names {time!r}, which holds neither dates nor numbers, such as "
            f"{str(table[time].iloc[0])!r}. Say how it is written: date_formats= or --date-format."
        )
    if len(times) < 3:
        raise ValueError(f"a series needs at least 3 points; found {len(times)}.")
    if np.isnan(times).any():
        row = int(np.flatnonzero(np.isnan(times))[0])
        raise ValueError(
            f"{time!r} has {int(np.isnan(times).sum()):,} times that are missing or cannot be read, the "
            f"first in row {row + 1:,}. Fill them or leave out these rows."
        )
    steps = np.diff(times)
    if (steps <= 0).any():
        row = int(np.flatnonzero(steps <= 0)[0]) + 1
        what = "repeats the time before it" if steps[row - 1] == 0 else "is earlier than the row before it"
        raise ValueError(
            f"{time!r} must rise from row to row; row {row + 1:,} {what}. Sort the table by time, and make "
            "one series of each machine or place."
        )
    return times


def _after_gaps(times: NDArray[np.float64], plan: Plan) -> tuple[NDArray[np.int64], list[str]]:
    """Return the rows that follow a gap, and notes; refuse a clock with uneven steps."""
    steps = np.diff(times) / plan.step
    off = np.abs(steps - np.round(steps)) > TOLERANCE
    if off.mean() > MOST_OFF_GRID:
        raise ValueError(
            f"{plan.time!r} has uneven steps: {off.mean():.0%} of them are no multiple of the usual one, "
            f"{plan.step:g}. Windows need equal steps: bring the series to a grid first, "
            "for example with pandas.DataFrame.resample(…).mean()."
        )
    gaps = np.flatnonzero((np.round(steps) != 1) | off) + 1
    notes = []
    if gaps.size:
        missing = int(np.maximum(np.round(steps[gaps - 1]) - 1, 0).sum())
        notes.append(
            f"{plan.time!r} has {gaps.size:,} gaps, where {missing:,} points are missing, the first before "
            f"row {gaps[0] + 1:,}. No window reaches across a gap."
        )
    return gaps, notes


def cut(table: pd.DataFrame, plan: Plan, choices: Choices) -> Windows:
    """Cut a series into windows, none of which reaches across a gap.

    Parameters
    ----------
    table : pandas.DataFrame of shape (n, columns)
        The series, in the order of time.
    plan : Plan
        How to cut it.
    choices : Choices
        What is known about the columns.

    Returns
    -------
    Windows

    Raises
    ------
    ValueError
        If a column is missing, the clock cannot be used, its step is another, or no window fits.

    Examples
    --------
    >>> table = pd.DataFrame({"ts": [0, 1, 2, 3, 9, 10, 11, 12], "load": range(8)})
    >>> found = cut(table, Plan("ts", 3, 1, 1.0, ("load",)), Choices())
    >>> found.first, found.table.iloc[-1].tolist()
    (array([0, 1, 4, 5]), [5.0, 6.0, 7.0])
    """
    table = with_text_names(table)
    lacking = [name for name in (plan.time, *plan.columns) if name not in table.columns]
    if lacking:
        raise ValueError(f"the series lacks {first_few(lacking)}, which the detector was trained on.")
    times = _times(table, plan.time, choices)
    step = float(np.median(np.diff(times)))
    if abs(step / plan.step - 1) > TOLERANCE:
        raise ValueError(
            f"{plan.time!r} has a step of {step:g}, and the detector was trained on a step of {plan.step:g}. "
            "Bring the series to that step first."
        )
    gaps, notes = _after_gaps(times, plan)
    edges = [0, *gaps.tolist(), len(table)]
    first = [
        start + windows.starts(stop - start, plan.window, plan.stride)
        for start, stop in zip(edges[:-1], edges[1:], strict=True)
        if stop - start >= plan.window
    ]
    if not first:
        raise ValueError(
            f"no window of {plan.window} points fits between the gaps of {plan.time!r}. Use a smaller window."
        )
    starts = np.concatenate(first)
    recognised = recognise(table[list(plan.columns)], choices, ())
    values = {}
    for name in plan.columns:
        column = recognised[name].column
        if column.kind != "number":
            raise ValueError(f"{name!r} held numbers when the detector was trained, and holds texts here.")
        values[name] = to_numbers(column, present(column, table[name]))
    blocks = [values[name][starts[:, None] + np.arange(plan.window)] for name in plan.columns]
    return Windows(pd.DataFrame(np.hstack(blocks), columns=plan.names()), starts, tuple(notes))

"""Find unusual stretches of a time series: windows are scored as rows, and reported as events.

The report in JSON of a series has the structure below, in the words that `findings` and `scoring` use.
``detector`` and ``drift`` are there if the series was scored with a saved detector.

============================  =======================================================================
``format``                    text: ``aecourse report of a series``
``format_version``            whole number, 1; it rises if an entry changes its meaning
``aecourse``                  text: version of the package
``table.name``                text: name of the file
``table.sha256``              text: SHA-256 of the file
``detector.name``             text: name of the detector's file
``detector.sha256``           text: SHA-256 of that file
``settings.train_on``         text?: the query that quiet points fulfil
``settings.budget``           number: share of quiet windows that may be flagged
``settings.random_state``     whole number: the seed
``settings.trim``             number: share of the training windows that were left out
``settings.series``           object: the column of times, the step, the points of a window and so on
``threshold``                 number: windows with a higher score are flagged
``events[].start``            text: time of the first point
``events[].end``              text: time of the last point
``events[].points``           whole number
``events[].windows``          whole number: flagged windows
``events[].score``            number: the highest
``events[].reasons``          text: columns with the largest error, and when
``drift.promised``            number: share of new quiet windows that may be flagged
``drift.flagged``             count: windows of this series
``drift.broken``              true or false: whether more are flagged than chance explains
``drift.warnings``            list of texts: what differs from training
``drift.columns[].name``      text: a column, and the place in the window
``drift.columns[].outside``   whole number: values outside of those in training
``drift.columns[].gaps``      whole number: values that are missing or cannot be read
``notes``                     list of texts: what was done and noticed
============================  =======================================================================
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aecourse import __version__, windows
from aecourse.tabular.columns import Choices, to_texts, with_text_names
from aecourse.tabular.detector import CALIBRATION, NOT_USED, TRAINING, TableDetector
from aecourse.tabular.query import Query
from aecourse.tabular.windowing import Windows, cut, make_plan
from aecourse.thresholds import rows_needed

__all__ = ["Found", "facts", "find", "score"]

VALIDATION_SHARE = 0.4  # of the quiet windows, the last ones, set the threshold
MIN_TRAINING = 40


@dataclass(frozen=True)
class Found:
    """What was found in a series.

    Attributes
    ----------
    detector : TableDetector
        The fitted detector of windows.
    scored : pandas.DataFrame of shape (windows, …)
        A row for each window: the times of its first and last point, score, p-value, flag, and, if it was
        fitted here, what it was used for.
    events : pandas.DataFrame of shape (events, 6)
        Stretches of flagged windows that overlap or touch: start, end, points, windows, the highest score and
        its reasons.
    notes : tuple of str
        What was noticed.
    """

    detector: TableDetector
    scored: pd.DataFrame
    events: pd.DataFrame
    notes: tuple[str, ...]


def find(
    table: pd.DataFrame,
    time: str,
    window: int,
    *,
    detector: TableDetector,
    train_on: str | None = None,
) -> Found:
    """Fit a detector on the earlier quiet windows, set its threshold on later ones, and find events.

    Quiet windows hold only points that the query selects; without a query all are taken for quiet. The first
    60 % of them in time are trained on. The threshold is set on the last 40 %, on windows that do not overlap
    each other and share no point with those trained on.

    Parameters
    ----------
    table : pandas.DataFrame of shape (n, columns)
        The series, in the order of time, at equal steps; gaps are allowed.
    time : str
        The column of times.
    window : int
        Points of a window.
    detector : TableDetector
        An unfitted detector, which is fitted on the windows.
    train_on : str, optional
        The query that quiet points fulfil.

    Returns
    -------
    Found

    Raises
    ------
    ValueError
        If the clock cannot be used, or there are too few quiet windows for the budget.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> load = np.sin(np.arange(2000) / 5) + 0.1 * rng.normal(size=2000)
    >>> load[1500:1510] += 3
    >>> table = pd.DataFrame({"ts": np.arange(2000), "load": load})
    >>> found = find(table, "ts", 12, detector=TableDetector(budget=0.05))
    >>> strongest = found.events.sort_values("score").iloc[-1]
    >>> bool(int(strongest["start"]) <= 1500 <= int(strongest["end"]))
    True
    """
    table = with_text_names(table)
    choices = detector.choices or Choices()
    query = Query(train_on) if train_on is not None else None
    quiet = np.asarray(query.select(table), dtype=bool) if query else np.full(len(table), True)
    if not quiet.any():
        raise ValueError(f"the query {train_on!r} selects none of {len(table):,} rows.")
    plan = make_plan(table, time, window, choices, set(query.columns) if query else set())
    found = cut(table, plan, choices)
    used_for = _divide(found, quiet, plan.window, plan.stride, detector.budget)
    # every place in a window is a column of its own: numbers, and no clocks, codes or sentinels
    detector.choices = Choices(numeric=plan.names())
    detector.plan = plan
    detector.fit(found.table, used_for=used_for)
    detector.choices, detector.train_on_ = choices, train_on
    scored, events = score(table, found, detector)
    return Found(detector, scored.assign(used_for=used_for), events, found.notes)


def _divide(
    found: Windows, quiet: NDArray[np.bool_], size: int, stride: int, budget: float
) -> NDArray[np.object_]:
    """Say what each window is used for."""
    places = found.first[:, None] + np.arange(size)
    usable = np.flatnonzero(quiet[places].all(axis=1))
    needed = rows_needed(budget)
    used_for = np.full(len(found.first), NOT_USED, dtype=object)
    if len(usable) > MIN_TRAINING:
        train, later = windows.split(len(usable), size, stride, VALIDATION_SHARE)
        train, later = usable[train], usable[later]
        # those trained on may reach into later ones where quiet time is interrupted
        apart = [int(later[0])]
        for place in later[1:]:
            if found.first[place] >= found.first[apart[-1]] + size:
                apart.append(int(place))
        train = train[found.first[train] + size <= found.first[apart[0]]]
        if len(train) >= MIN_TRAINING and len(apart) >= needed:
            used_for[train], used_for[apart] = TRAINING, CALIBRATION
            return used_for
        n_apart, n_train = len(apart), len(train)
    else:
        n_apart, n_train = 0, len(usable)
    points = int(needed * size / VALIDATION_SHARE) + 2 * size
    raise ValueError(
        f"a budget of {budget:g} needs {needed:,} later windows of {size} quiet points that do not overlap, "
        f"and {MIN_TRAINING} earlier ones: about {points:,} quiet points. Found {n_apart:,} and {n_train:,}. "
        "Use a smaller window, a larger budget or a longer series."
    )


def score(table: pd.DataFrame, found: Windows, detector: TableDetector) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Score the windows of a series, and join flagged ones to events.

    Parameters
    ----------
    table : pandas.DataFrame of shape (n, columns)
        The series.
    found : Windows
        Its windows.
    detector : TableDetector
        A detector of such windows.

    Returns
    -------
    scored, events : pandas.DataFrame
        As in `Found`.
    """
    plan = detector.plan
    assert plan is not None
    times = to_texts(with_text_names(table)[plan.time]).to_numpy()
    scored = detector.score(found.table).drop(columns="outside")
    last = found.first + plan.window - 1
    scored.insert(0, "start", times[found.first])
    scored.insert(1, "end", times[last])
    flagged = scored["flagged"].to_numpy() == 1
    points = np.zeros(len(table), dtype=int)
    for first in found.first[flagged]:
        points[first : first + plan.window] = 1
    events = []
    for span in windows.runs(points):
        inside = flagged & (found.first >= span.start) & (last < span.stop)
        highest = int(scored["score"].where(inside).idxmax())
        events.append(
            {
                "start": times[span.start],
                "end": times[span.stop - 1],
                "points": span.stop - span.start,
                "windows": int(inside.sum()),
                "score": float(scored["score"].iloc[highest]),
                "reasons": _reasons(detector, found.table.iloc[[highest]], times, int(found.first[highest])),
            }
        )
    return scored, pd.DataFrame(events, columns=["start", "end", "points", "windows", "score", "reasons"])


def facts(
    detector: TableDetector, table: dict[str, str], events: pd.DataFrame, notes: list[str]
) -> dict[str, Any]:
    """Gather what was found, in the structure that the module describes.

    Parameters
    ----------
    detector : TableDetector
        The fitted detector of windows.
    table : dict of str to str
        Name and SHA-256 of the file.
    events : pandas.DataFrame of shape (events, 6)
        As in `Found`.
    notes : list of str
        What was done and noticed.

    Returns
    -------
    dict
        Texts, numbers, lists and dictionaries only.
    """
    assert detector.plan is not None
    return {
        "format": "aecourse report of a series",
        "format_version": 1,
        "aecourse": __version__,
        "table": table,
        "settings": {
            "train_on": detector.train_on_,
            "budget": float(detector.budget),
            "random_state": int(detector.random_state),
            "trim": float(detector.trim),
            "series": detector.plan.to_json(),
        },
        "threshold": detector.threshold_,
        "events": events.to_dict("records"),
        "notes": notes,
    }


def _reasons(detector: TableDetector, row: pd.DataFrame, times: NDArray[Any], first: int) -> str:
    """Name the columns with the largest error in a window, and the time of it."""
    plan = detector.plan
    assert plan is not None
    errors = detector.errors(row).iloc[0]
    names = np.array([name.rpartition(", point ")[0] for name in errors.index])
    offsets = np.array([int(name.rpartition(" ")[2]) - 1 for name in errors.index])
    said = []
    for name in plan.columns:
        own = np.flatnonzero(names == name)
        if own.size:
            worst = own[np.argmax(errors.to_numpy()[own])]
            time = times[first + offsets[worst]]
            error = float(errors.iloc[worst])
            said.append((error, f"{name} at {time} (error {error:.2g} times the usual)"))
    return "; ".join(text for _, text in sorted(said, reverse=True)[:3])

"""Exercises of lesson 16, in service."""

import functools
from collections.abc import Callable
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aecourse.exercises.checks import Check, Exercise, Wrong, choice, function, integer, number, register
from aecourse.exercises.memory import remember_last


def _flag_batch(p, level):
    p = np.asarray(p)
    fits = np.sort(p) <= level * np.arange(1, len(p) + 1) / len(p)
    return p <= (np.sort(p)[np.flatnonzero(fits)[-1]] if fits.any() else -1)


# In the first batch the smallest p-value is above its own limit, and the third below: all three are flagged.
_BATCHES = (
    (np.array([0.06, 0.9, 0.035, 0.07, 0.4]), 0.15),
    (np.array([0.001, 0.012, 0.5, 0.02, 0.8, 0.03]), 0.05),
    (np.array([0.001, 0.04, 0.6, 0.8, 0.045]), 0.05),
    (np.array([0.2, 0.9, 0.6]), 0.1),
)


def _one_by_one(p, level):
    return np.asarray(p) <= level


def _bonferroni(p, level):
    return np.asarray(p) <= level / len(p)


def _places_without_going_back(p, level):
    p = np.asarray(p)
    order = np.argsort(p)
    flagged = np.zeros(len(p), dtype=bool)
    for k, place in enumerate(order, start=1):
        if p[place] > level * k / len(p):
            break
        flagged[place] = True
    return flagged


def _only_those_that_fit(p, level):
    p = np.asarray(p)
    flagged = np.zeros(len(p), dtype=bool)
    order = np.argsort(p)
    flagged[order] = p[order] <= level * np.arange(1, len(p) + 1) / len(p)
    return flagged


# 16.5, a monitor. The student's function watches streams that it has never seen.
_USUAL = (6, 10, 20)  # alerts on a usual day
_LEARN, _YEAR, _CHANGED = 60, 365, 120
_QUIET_SHARE = 0.15
_SOON = {1.5: 15, 2.0: 6}  # by how much the alerts rise, and the median day that is soon enough
_Streams = list[tuple[NDArray[np.int64], NDArray[np.int64]]]


@functools.cache
def _streams(factor: float, n_days: int, per_rate: int) -> _Streams:
    """Return pairs of usual days and of the days since, ``per_rate`` of them for each usual number."""
    rng = np.random.default_rng([16, int(10 * factor)])
    return [
        (rng.poisson(usual, _LEARN), rng.poisson(factor * usual, n_days))
        for usual in _USUAL
        for _ in range(per_rate)
    ]


class _Fault(Exception):
    """What is wrong with a monitor: a sentence, or the name of a usual mistake."""


def _ask_for(monitor: Callable[..., Any], usual_days: NDArray, counts: NDArray) -> int | None:
    """Return the whole number that a monitor returns, or None."""
    try:
        day = monitor(usual_days.copy(), counts.copy())
    except (Exception, SystemExit) as error:
        words = str(error).strip().split("\n")[0][:200].rstrip(".")
        raise _Fault(f"Your function stops with {type(error).__name__}{words and ': '}{words}.") from error
    if day is None:
        return None
    if isinstance(day, (bool, np.bool_)) or not isinstance(day, Real):
        raise _Fault("Return the index of a day, a whole number, or None if there is no alarm.")
    if not float(day).is_integer():
        raise _Fault(f"The index of a day is a whole number; found {float(day):g}.")
    return int(float(day))


def _ask(monitor: Callable[..., Any], usual_days: NDArray, counts: NDArray) -> int | None:
    """Return the day on which a monitor raises its alarm, or None."""
    day = _ask_for(monitor, usual_days, counts)
    if day is not None and not 0 <= day < len(counts):
        raise _Fault(
            f"Your function returns the day {day} of a stream of {len(counts)} days; the first day has "
            "the index 0. Return None if there is no alarm."
        )
    return day


@remember_last
def _monitor_fault(monitor: Any) -> str | None:
    """Return the first thing that is wrong with a monitor, or None."""
    if not callable(monitor):
        return "Give the function first_alarm itself, without calling it."
    try:
        _check_that_it_waits(monitor)
        _check_quiet_years(monitor)
        _check_delays(monitor)
    except _Fault as fault:
        return str(fault)
    return None


def _check_that_it_waits(monitor: Callable[..., Any]) -> None:
    """Hold a monitor to the days up to its alarm."""
    silent = True
    for usual_days, counts in _streams(2.0, _CHANGED, 70)[::10]:
        day = _ask(monitor, usual_days, counts)
        if day is None:
            continue
        silent = False
        if _ask(monitor, usual_days, counts[: day + 1]) != day:
            raise _Fault("looks ahead")
        before = _ask_for(monitor, usual_days, counts[:day]) if day else None
        if before is not None:
            raise _Fault("counts from 1" if before == day else "looks ahead")
    if silent:
        raise _Fault("never")


def _check_quiet_years(monitor: Callable[..., Any]) -> None:
    """Hold a monitor to its share of quiet years with an alarm."""
    alarms = [_ask(monitor, *stream) is not None for stream in _streams(1.0, _YEAR, 70)]
    by_rate = np.reshape(alarms, (len(_USUAL), -1)).mean(axis=1)
    share = np.mean(alarms)
    if share <= _QUIET_SHARE:
        return
    if by_rate[-1] > 0.8 and by_rate[0] < 0.1:
        raise _Fault("rate assumed")
    raise _Fault(
        f"Your monitor raises an alarm in {share:.0%} of the quiet years; at most {_QUIET_SHARE:.0%} may "
        "have one. Raise its limit."
    )


def _check_delays(monitor: Callable[..., Any]) -> None:
    """Hold a monitor to its days until a change is found."""
    for factor, soon in _SOON.items():
        days = [_ask(monitor, *stream) for stream in _streams(factor, _CHANGED, 70)]
        delay = float(np.median([_CHANGED if day is None else day + 1 for day in days]))
        if delay > soon:
            how = "by half" if factor == 1.5 else "to twice the usual number"
            if factor == 1.5:
                raise _Fault("slow")
            raise _Fault(
                f"When the alerts rise {how}, your monitor needs {delay:.0f} days; allowed are {soon}."
            )


def _has(fault: str) -> Callable[[Any], bool]:
    return lambda monitor: _monitor_fault(monitor) == fault


def _complaint(monitor: Any) -> str | None:
    fault = _monitor_fault(monitor)
    return fault if fault and fault.endswith(".") else None


def _cusum_monitor(usual_days, counts, limit=17.0, usual=None):
    usual = np.mean(usual_days) if usual is None else usual
    level = 0.0
    for day, count in enumerate(counts):
        level = max(0.0, level + count - 0.5 * usual / np.log(1.5))
        if level > limit:
            return day
    return None


def _window_monitor(usual_days, counts):
    """Answer with sums over the last eight days, in units of their standard deviation."""
    usual = np.mean(usual_days)
    sums = np.convolve(counts, np.ones(8))[: len(counts)]
    lengths = np.minimum(np.arange(1, len(counts) + 1), 8)
    over = np.flatnonzero((sums - lengths * usual) / np.sqrt(lengths * usual) > 4.1)
    return int(over[0]) if len(over) else None


def _daily_monitor(usual_days, counts):
    usual = np.mean(usual_days)
    over = np.flatnonzero((np.asarray(counts) - usual) / np.sqrt(usual) > 4.1)
    return int(over[0]) if len(over) else None


def _peeking_monitor(usual_days, counts):
    above = np.mean(counts) > 1.2 * np.mean(usual_days)
    return int(np.argmax(counts)) if above else None


def _monitor_from_one(usual_days, counts):
    day = _cusum_monitor(usual_days, counts)
    return None if day is None else day + 1


register(
    Exercise(
        id="16.1",
        is_right=number(8.0, 0.01),
        why="m = 2, the whole part of 2.5, and the mean rate is 2/250: less than the budget allows.",
        wrong=(
            Wrong(
                "m over n",
                number(1000 * 2 / 249, 0.009),
                "Close. A new row counts, too: how many gaps do 249 sorted scores leave?",
            ),
            Wrong("rate", number(0.008, 1e-6), "That is the rate. How many of 1,000 rows is it?"),
            Wrong(
                "the budget",
                number(10, 0.05),
                "That is the budget. The threshold is one of the calibration scores: which m do they allow?",
            ),
        ),
        hint="The mean rate is m / (n + 1), with m the whole part of 0.01 · (n + 1).",
    ),
    Exercise(
        id="16.2",
        is_right=choice("b", "abc"),
        why="Normal rows look as before, so there may be more anomalies. Recalibrating would hide them.",
        wrong=(
            Wrong(
                "recalibrate",
                choice("a", "abc"),
                "Median and means say that most rows have not changed. What would you fit the threshold on?",
            ),
            Wrong(
                "nothing",
                choice("c", "abc"),
                "A quiet year has an alarm once in ten; a tripled number by chance is far rarer still.",
            ),
        ),
    ),
    Exercise(
        id="16.3",
        is_right=integer(5),
        why="The smallest p-value is 1/1000, and 0.1 · k/500 reaches it at k = 5.",
        wrong=(
            Wrong(
                "one", integer(1), "A single row would need a p-value of 0.1 · 1/500. Is there one so small?"
            ),
            Wrong(
                "level of the batch", integer(50), "That is 10 % of the rows; the level limits false alerts."
            ),
            Wrong("four", integer(4), "With k = 4 the limit is 0.0008. How small can a p-value be?"),
        ),
        hint="The smallest p-value is 1 / (n + 1). For which k is level · k / m at least that?",
    ),
    Exercise(
        id="16.4",
        is_right=function(_flag_batch, _BATCHES),
        why="The largest k counts: all rows up to it are flagged, whatever the smaller places say.",
        also_right=(lambda p, level: _flag_batch(p, level).astype(int),),
        wrong=(
            Wrong(
                "each on its own",
                function(_one_by_one, _BATCHES),
                "You compare each p-value with the level. The limit of the k-th smallest is level · k / m.",
            ),
            Wrong(
                "the first limit for all",
                function(_bonferroni, _BATCHES),
                "You use the limit of the smallest p-value for all. The k-th smallest has level · k / m.",
            ),
            Wrong(
                "stops too soon",
                function(_places_without_going_back, _BATCHES),
                "You stop at the first place that is above its limit. A later place may be below its own: "
                "look for the largest k.",
            ),
            Wrong(
                "leaves gaps",
                function(_only_those_that_fit, _BATCHES),
                "You flag only the places that are below their own limit. Flag all rows up to the largest "
                "such place.",
            ),
        ),
        hint="Sort the p-values, find the largest k whose p-value is at most level · k / m, and flag k.",
    ),
    Exercise(
        id="16.5",
        is_right=Check(lambda monitor: _monitor_fault(monitor) is None, _complaint),
        why="Few quiet years with an alarm, and changes found in time, whatever the usual number is.",
        right_example=_cusum_monitor,
        also_right=(_window_monitor,),
        wrong=(
            Wrong(
                "never",
                _has("never"),
                "Your monitor raises no alarm although the alerts have doubled. Does it return the day?",
                lambda usual_days, counts: None,
            ),
            Wrong(
                "looks ahead",
                _has("looks ahead"),
                "Given only the days up to its alarm, your monitor decides otherwise: it used later days. "
                "Decide each day from that day and those before it.",
                _peeking_monitor,
            ),
            Wrong(
                "counts from 1",
                _has("counts from 1"),
                "Your alarm comes a day before the day that you return. Return the index of the day, which "
                "is 0 for the first.",
                _monitor_from_one,
            ),
            Wrong(
                "rate assumed",
                _has("rate assumed"),
                "With 20 alerts on a usual day your monitor raises an alarm in nearly every quiet year. "
                "Learn the usual number from usual_days.",
                lambda usual_days, counts: _cusum_monitor(usual_days, counts, usual=10),
            ),
            Wrong(
                "slow",
                _has("slow"),
                "When the alerts rise by half, your monitor needs more than 15 days. Single days cannot show "
                "a small rise: let several days add up.",
                _daily_monitor,
            ),
        ),
        hint="Take the mean of usual_days, add up the surplus over it day by day, and alarm above a limit.",
    ),
)

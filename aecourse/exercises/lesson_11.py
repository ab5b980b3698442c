"""Exercises of lesson 11, when autoencoders fail."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aecourse.exercises.checks import Check, Exercise, Wrong, function, number, register
from aecourse.exercises.memory import remember_last

_FLOOR = 0.42**2 / 2  # two readings: the variance of their difference is twice that of one


def _pass_through(before, after, probe):
    return np.sum((after - before) * probe) / np.sum(probe**2)


def _no_projection(before, after, probe):
    return np.sum((after - before) ** 2) / np.sum(probe**2)


def _not_subtracted(before, after, probe):
    return np.sum(after * probe) / np.sum(probe**2)


def _removed(before, after, probe):
    return 1 - _pass_through(before, after, probe)


def _mean_of_ratios(before, after, probe):
    return np.mean((after - before) / probe)


_PROBE = np.array([[0.5, -0.5], [0.25, 1.0], [-1.0, 0.75]])
_BEFORE = np.array([[1.0, 2.0], [3.0, -1.0], [0.5, 0.0]])
_PROBES = (
    (_BEFORE, _BEFORE + _PROBE, _PROBE),
    (_BEFORE, _BEFORE, _PROBE),
    (_BEFORE, _BEFORE + _PROBE @ np.array([[0.3, 0.2], [0.1, 0.6]]), _PROBE),
)


def _out_of_range(rows, low, high, margin):
    room = margin * (high - low)
    return np.any((rows < low - room) | (rows > high + room), axis=1)


def _all_columns(rows, low, high, margin):
    room = margin * (high - low)
    return np.all((rows < low - room) | (rows > high + room), axis=1)


def _no_margin(rows, low, high, margin):
    return np.any((rows < low) | (rows > high), axis=1)


def _above_only(rows, low, high, margin):
    return np.any(rows > high + margin * (high - low), axis=1)


def _absolute_margin(rows, low, high, margin):
    return np.any((rows < low - margin) | (rows > high + margin), axis=1)


def _at_least(rows, low, high, margin):
    room = margin * (high - low)
    return np.any((rows <= low - room) | (rows >= high + room), axis=1)


def _by_column(rows, low, high, margin):
    room = margin * (high - low)
    return np.any((rows < low - room) | (rows > high + room), axis=0)


_ROWS = np.array(
    [
        [0.5, 50.0],
        [1.4, 50.0],
        [1.6, 50.0],
        [0.5, -60.0],
        [0.5, 149.0],
        [9.0, 900.0],
        [-0.4, 0.0],
        [1.5, 50.0],  # exactly at the limit
        [0.5, -50.0],
    ]
)
_TABLES = (
    (_ROWS, np.array([0.0, 0.0]), np.array([1.0, 100.0]), 0.5),
    (_ROWS, np.array([0.0, 0.0]), np.array([1.0, 100.0]), 0.0),
)


# 11.5, a detector with a guard. Column 0 is what the score looks at; the others have long tails.
_RATE = 0.1
_N_LONG = 40


def _column_0(rows: NDArray) -> NDArray:
    return np.asarray(rows)[:, 0]


@functools.cache
def _guard_rows() -> tuple[NDArray, NDArray, NDArray]:
    """Return training, validation and fresh normal rows."""
    rng = np.random.default_rng(5)

    def draw(n: int) -> NDArray:
        return np.column_stack([rng.uniform(size=n), rng.standard_t(2.0, size=(n, _N_LONG))])

    return draw(150), draw(1999), draw(8000)


def _run_guard(make: Callable[..., Any]) -> tuple[Callable[[NDArray], Any] | None, str | None]:
    """Return the flag function that a student's function makes, or what is wrong with it."""
    train, val, _ = _guard_rows()
    try:
        flag = make(_column_0, train.copy(), val.copy(), _RATE)
    except (Exception, SystemExit) as error:
        return None, _stopped(error)
    if not callable(flag):
        return None, "Your function must return a function, flag(rows); does it end with `return flag`?"
    return flag, None


def _stopped(error: BaseException) -> str:
    words = str(error).strip().split("\n")[0][:200].rstrip(".")
    return f"Your function stops with {type(error).__name__}{words and ': '}{words}."


def _flags(flag: Callable[[NDArray], Any], rows: NDArray) -> NDArray[np.bool_] | str:
    """Return what a flag function says of rows, or what is wrong with its form."""
    try:
        found = np.asarray(flag(rows.copy()))
    except (Exception, SystemExit) as error:
        return _stopped(error)
    if found.shape != (len(rows),):
        return f"flag(rows) must return one answer a row, shape ({len(rows)},); found {found.shape}."
    if found.dtype != bool and not np.isin(found, (0, 1)).all():
        return "flag(rows) must return True or False for each row, not scores."
    return found.astype(bool)


def _special_rows() -> dict[str, tuple[NDArray, bool]]:
    """Return rows that must be flagged, or must not, by what they test."""
    train = _guard_rows()[0]
    low, high = train.min(axis=0), train.max(axis=0)
    ordinary = np.append(0.3, np.zeros(_N_LONG))
    rows = np.tile(ordinary, (_N_LONG, 1))
    above, below, near, scored = rows.copy(), rows.copy(), rows.copy(), rows.copy()
    place = np.arange(_N_LONG), np.arange(1, _N_LONG + 1)
    width = (high - low)[1:]
    above[place], below[place] = high[1:] + 0.7 * width, low[1:] - 0.7 * width
    near[place] = high[1:] + 0.3 * width
    scored[:, 0] = 1.0
    return {
        "above the range": (above, True),
        "below the range": (below, True),
        "within the margin": (near, False),
        "score forgotten": (scored, True),
    }


@remember_last
def _guard_fault(make: Any) -> str | None:
    """Return the first thing that is wrong: a sentence, or the name of a usual mistake."""
    if not callable(make):
        return "Give the function guarded_detector itself, without calling it."
    flag, problem = _run_guard(make)
    if flag is None:
        return problem
    for name, (rows, wanted) in _special_rows().items():
        found = _flags(flag, rows)
        if isinstance(found, str):
            return found
        if not (found == wanted).all():
            return name
    found = _flags(flag, _guard_rows()[2])
    if isinstance(found, str):
        return found
    if found.mean() > _RATE + 0.025:
        return "too many"
    if found.mean() < _RATE - 0.008:
        return "too few"
    return None


def _guard_has(fault: str) -> Callable[[Any], bool]:
    return lambda make: _guard_fault(make) == fault


def _guard_complaint(make: Any) -> str | None:
    fault = _guard_fault(make)
    return fault if fault and fault.endswith((".", "?", "`?")) else None


def _joint_rank(score: Any, X_train: NDArray, X_val: NDArray, rate: float) -> Callable[[NDArray], NDArray]:
    """Answer by one ranking, in which rows out of range come first."""
    low, high = X_train.min(axis=0), X_train.max(axis=0)

    def joint(rows: NDArray) -> NDArray:
        return np.where(_out_of_range(rows, low, high, 0.5), np.inf, score(rows))

    threshold = np.sort(joint(X_val))[-int(rate * (len(X_val) + 1))]
    return lambda rows: _out_of_range(rows, low, high, 0.5) | (joint(rows) > threshold)


def _what_is_left(score: Any, X_train: NDArray, X_val: NDArray, rate: float) -> Callable[[NDArray], Any]:
    """Answer by the share of the budget that the guard leaves, with a list of truth values."""
    low, high = X_train.min(axis=0), X_train.max(axis=0)
    outside = _out_of_range(X_val, low, high, 0.5)
    left = rate - outside.mean()
    threshold = np.quantile(score(X_val[~outside]), 1 - left / (1 - outside.mean()))
    return lambda rows: [
        bool(out or value > threshold)
        for out, value in zip(_out_of_range(rows, low, high, 0.5), score(rows), strict=True)
    ]


def _wrong_guard(
    margin: float = 0.5,
    upper_only: bool = False,
    counted: bool = True,
    scored: bool = True,
    share: float = 1.0,
) -> Callable[..., Any]:
    """Return an answer with one mistake."""

    def make(score: Any, X_train: NDArray, X_val: NDArray, rate: float) -> Callable[[NDArray], NDArray]:
        low, high = X_train.min(axis=0), X_train.max(axis=0)
        outside = _above_only if upper_only else _out_of_range

        def joint(rows: NDArray) -> NDArray:
            return np.where(outside(rows, low, high, margin) & counted, np.inf, score(rows))

        threshold = np.sort(joint(X_val))[-max(1, int(share * rate * (len(X_val) + 1)))]
        return lambda rows: outside(rows, low, high, margin) | ((joint(rows) > threshold) & scored)

    return make


register(
    Exercise(
        id="11.1",
        is_right=number(_FLOOR, 5e-4),
        why="Both noises add up in the difference: its variance, 0.176, is twice that of one reading.",
        wrong=(
            Wrong(
                "not halved",
                number(0.42**2, 5e-4),
                "That is the variance of the difference. Both readings have a part in it.",
            ),
            Wrong(
                "standard deviation",
                number(0.42 / np.sqrt(2), 5e-4),
                "That is a standard deviation. The error is a mean of squares.",
            ),
            Wrong(
                "halved only",
                number(0.21, 5e-4),
                "Variances add, not standard deviations. Square first, then halve.",
            ),
        ),
        hint="Var(a − b) = Var(a) + Var(b) for independent noise; the variance of one reading is asked for.",
    ),
    Exercise(
        id="11.2",
        is_right=function(_pass_through, _PROBES),
        why="It is the slope of what came back on what went in: 1 for a copy, 0 where all of it is removed.",
        wrong=(
            Wrong(
                "no projection",
                function(_no_projection, _PROBES),
                "That is the size of the change, whatever its direction. Multiply it by the probe.",
            ),
            Wrong(
                "reconstruction not subtracted",
                function(_not_subtracted, _PROBES),
                "Most of `after` has nothing to do with the probe. Which part of it has?",
            ),
            Wrong(
                "share removed",
                function(_removed, _PROBES),
                "That is the share that was removed. Which share came back?",
            ),
            Wrong(
                "mean of ratios",
                function(_mean_of_ratios, _PROBES),
                "The smallest probes dominate a mean of ratios. Divide two sums.",
            ),
        ),
        hint="Multiply the change of the output by the probe, sum, and divide by what a copy would give.",
    ),
    Exercise(
        id="11.3",
        is_right=number(7 / 188, 6e-4),
        why="Nineteen scores lie above the 20th largest: twelve anomalies, seven normal rows. That is 3.7 %.",
        wrong=(
            Wrong("percent", number(100 * 7 / 188, 0.06), "Give a share between 0 and 1."),
            Wrong(
                "twenty above",
                number(8 / 188, 1e-3),
                "A row is flagged when its score is strictly above the threshold. Is the twentieth?",
            ),
            Wrong(
                "anomalies forgotten",
                number(19 / 188, 5e-4),
                "Twelve of the rows above the threshold are anomalies, not normal rows.",
            ),
            Wrong(
                "promise",
                number(0.1, 5e-4),
                "That is the promise for clean rows. The twelve anomalies use up most of it.",
            ),
            Wrong(
                "of all rows",
                number(7 / 200, 5e-4),
                "The false-alarm rate is a share of the normal rows only.",
            ),
            Wrong("rounded too far", number(0.04, 1e-9), "Close. Give three decimals."),
        ),
        hint="How many scores lie strictly above the 20th largest, and whose are they?",
    ),
    Exercise(
        id="11.4",
        is_right=function(_out_of_range, _TABLES),
        why="One feature outside is enough, on either side; the room is a share of its own range.",
        wrong=(
            Wrong(
                "all columns",
                function(_all_columns, _TABLES),
                "You ask for every feature to be outside. One wrong unit is enough to make a row wrong.",
            ),
            Wrong("no margin", function(_no_margin, _TABLES), "Where is the margin?"),
            Wrong(
                "above only",
                function(_above_only, _TABLES),
                "A value can leave its range on the low side as well.",
            ),
            Wrong(
                "at least",
                function(_at_least, _TABLES),
                "A value exactly at the limit has not left the range by *more* than the margin: use < and >.",
            ),
            Wrong(
                "absolute margin",
                function(_absolute_margin, _TABLES),
                "The margin is a share of each feature's range: features have different units.",
            ),
            Wrong(
                "by column",
                lambda answer: answer(*_TABLES[0]).shape == _TABLES[0][1].shape,
                "The result has one entry a feature. Give one entry a row.",
                _by_column,
            ),
        ),
        hint="Compare with low − margin · (high − low) and high + margin · (high − low); `any` over a row.",
    ),
    Exercise(
        id="11.5",
        is_right=Check(lambda make: _guard_fault(make) is None, _guard_complaint),
        why="Rows out of range are flagged on both sides, and both kinds of alarm together keep to the "
        "budget on fresh rows.",
        right_example=_joint_rank,
        also_right=(_what_is_left,),
        wrong=(
            Wrong(
                "too many",
                _guard_has("too many"),
                "On fresh normal rows your detector flags clearly more than the budget. The guard's alarms "
                "count too: rank the rows of X_val by both together, for example with an infinite score for "
                "a row out of range. (And choose the threshold on X_val, not on the training rows.)",
                _wrong_guard(counted=False),
            ),
            Wrong(
                "too few",
                _guard_has("too few"),
                "On fresh normal rows your detector flags clearly fewer than the budget allows, and so it "
                "misses anomalies. How many rows of X_val may lie above the threshold?",
                _wrong_guard(share=0.8),
            ),
            Wrong(
                "above only",
                _guard_has("below the range"),
                "A row far below the range of the training rows is not flagged.",
                _wrong_guard(upper_only=True),
            ),
            Wrong(
                "no guard",
                _guard_has("above the range"),
                "A row far above the range of the training rows is not flagged: it has an ordinary score, so "
                "the guard has to do it.",
                _wrong_guard(margin=1e9),
            ),
            Wrong(
                "no margin",
                _guard_has("within the margin"),
                "A row that leaves the range by less than half of its width, with an ordinary score, is "
                "flagged. Where is the margin?",
                _wrong_guard(margin=0.0),
            ),
            Wrong(
                "no score",
                _guard_has("score forgotten"),
                "A row inside the range with the highest score of all is not flagged. Join both with *or*.",
                _wrong_guard(scored=False),
            ),
        ),
        hint="Write the guard first and try it on a row that is far out; then count the alarms on X_val.",
    ),
)

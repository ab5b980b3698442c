"""Exercises of lesson 11, when autoencoders fail."""

import numpy as np

from aecourse.exercises.checks import Exercise, Wrong, function, number, register

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


def _by_column(rows, low, high, margin):
    room = margin * (high - low)
    return np.any((rows < low - room) | (rows > high + room), axis=0)


_ROWS = np.array(
    [[0.5, 50.0], [1.4, 50.0], [1.6, 50.0], [0.5, -60.0], [0.5, 149.0], [9.0, 900.0], [-0.4, 0.0]]
)
_TABLES = (
    (_ROWS, np.array([0.0, 0.0]), np.array([1.0, 100.0]), 0.5),
    (_ROWS, np.array([0.0, 0.0]), np.array([1.0, 100.0]), 0.0),
)

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
        hint="Var(a − b) = Var(a) + Var(b) for independent noise; the floor is the variance of one reading.",
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
        is_right=number(3 / 194, 2e-4),
        why="Nine scores lie above the 10th largest: six anomalies, three normal rows. 1.5 %, not 5 %.",
        wrong=(
            Wrong("percent", number(100 * 3 / 194, 0.02), "Give a share between 0 and 1."),
            Wrong(
                "ten above",
                number(4 / 194, 2e-4),
                "A row is flagged when its score is strictly above the threshold. Is the tenth?",
            ),
            Wrong(
                "anomalies forgotten",
                number(9 / 194, 2e-4),
                "Six of the rows above the threshold are anomalies, not normal rows.",
            ),
            Wrong(
                "promise",
                number(0.05, 2e-4),
                "That is the promise for clean rows. The six anomalies use up most of it.",
            ),
            Wrong(
                "of all rows",
                number(3 / 200, 2e-4),
                "The false-alarm rate is a share of the normal rows only.",
            ),
        ),
        hint="How many scores lie strictly above the 10th largest, and whose are they?",
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
)

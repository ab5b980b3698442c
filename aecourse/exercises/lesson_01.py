"""Exercises of lesson 01, what is an anomaly."""

import numpy as np

from aecourse.exercises.checks import Check, Exercise, Wrong, choice, function, number, register

_KINDS = ("point", "contextual", "collective")

# 50,000 parts, 1 % defective, 90 % of them caught, 4 % of the good ones flagged
_CAUGHT, _FALSE = 0.90 * 500, 0.04 * 49_500


def _zscore(train, rows):
    return np.abs(np.asarray(rows) - np.mean(train)) / np.std(train)


def _sample_zscore(train, rows):
    return np.abs(np.asarray(rows) - np.mean(train)) / np.std(train, ddof=1)


def _signed(train, rows):
    return (np.asarray(rows) - np.mean(train)) / np.std(train)


def _own_statistics(train, rows):
    return np.abs(np.asarray(rows) - np.mean(rows)) / np.std(rows)


def _not_divided(train, rows):
    return np.abs(np.asarray(rows) - np.mean(train))


# training values, values to score: some below the mean, some above
_CASES = (
    (np.array([1.0, 2.0, 3.0, 6.0]), np.array([-4.0, 3.0, 10.0])),
    (np.array([20.5, 19.0, 21.5, 20.0, 18.0]), np.array([20.0, 36.0])),
)
_BY_N, _BY_N_MINUS_1 = function(_zscore, _CASES), function(_sample_zscore, _CASES)


register(
    Exercise(
        id="01.1",
        is_right=choice("contextual", _KINDS),
        why="The value is ordinary in January; the month, its context, makes it odd.",
        wrong=(
            Wrong(
                "point",
                choice("point", _KINDS),
                "A point anomaly is odd wherever it stands. Would 3 kW be odd in January?",
            ),
            Wrong(
                "collective",
                choice("collective", _KINDS),
                "A collective anomaly is a group of rows. How many rows are odd here?",
            ),
        ),
    ),
    Exercise(
        id="01.2",
        is_right=number(_CAUGHT / (_CAUGHT + _FALSE), 0.0006),
        why="450 caught of 450 + 1,980 flagged: four alarms in five are false, at 90 % recall.",
        right_example=0.185,
        wrong=(
            Wrong(
                "recall",
                number(0.90, 0.0006),
                "That is the recall, a share of the defective parts. Precision is a share of the alarms.",
            ),
            Wrong(
                "accuracy",
                number((_CAUGHT + 0.96 * 49_500) / 50_000, 0.0006),
                "That is the accuracy, a share of all parts. Precision is a share of the alarms.",
                0.9594,
            ),
            Wrong(
                "percent",
                number(100 * _CAUGHT / (_CAUGHT + _FALSE), 0.06),
                "Give a share between 0 and 1, not per cent.",
                18.5,
            ),
            Wrong(
                "false share",
                number(_FALSE / (_CAUGHT + _FALSE), 0.0006),
                "That is the share of false alarms among the alarms; precision is the rest.",
                0.815,
            ),
            Wrong(
                "base rate left out",
                number(0.90 / (0.90 + 0.04), 0.0006),
                "Count parts: how many are defective, how many good? The rates are shares of different "
                "groups.",
                0.957,
            ),
            Wrong(
                "false alarms among all parts",
                number(_CAUGHT / (_CAUGHT + 0.04 * 50_000), 0.0006),
                "Close. The 4 % are of the good parts, not of all parts.",
                0.1837,
            ),
        ),
        hint="Count the caught parts and the false alarms; precision is caught, divided by both together.",
    ),
    Exercise(
        id="01.3",
        is_right=Check(lambda answer: _BY_N(answer) or _BY_N_MINUS_1(answer), _BY_N.complaint),
        why="Mean and deviation come from the training rows, and both sides count.",
        right_example=_zscore,
        wrong=(
            Wrong(
                "signed",
                function(_signed, _CASES),
                "A value far below the mean is odd, too, but its score must be high: think of the sign.",
            ),
            Wrong(
                "statistics of the rows",
                function(_own_statistics, _CASES),
                "Take mean and standard deviation from train: the rows to score may hold anomalies.",
            ),
            Wrong(
                "not divided",
                function(_not_divided, _CASES),
                "That is the distance in the unit of the data; divide it by the standard deviation.",
            ),
        ),
        hint="Subtract the mean of train, take the absolute value, divide by the standard deviation of "
        "train.",
        also_right=(
            _sample_zscore,
            lambda train, rows: [abs(row - np.mean(train)) / np.std(train) for row in rows],
        ),
    ),
    Exercise(
        id="01.4",
        is_right=choice("b", "abc"),
        why="Scalers are models too: they are fitted on training normals only.",
        wrong=(
            Wrong(
                "no labels",
                choice("a", "abc"),
                "It sees no labels, but it sees the anomalies: how do they change the mean and the "
                "deviation?",
            ),
            Wrong(
                "no scaling",
                choice("c", "abc"),
                "Without scaling the column with the largest values decides every distance. What else is "
                "wrong?",
            ),
        ),
    ),
)

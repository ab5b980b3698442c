"""Exercises of lesson 08, the imbalanced synthetic lab."""

import numpy as np

from aecourse.exercises.checks import Exercise, Wrong, function, number, register


def _ceiling(share):
    return share + (1 - share) / 2


_SHARES = ((0.0,), (0.25,), (99 / 197,), (1.0,))


def _whitened(coordinates, variances):
    return np.mean(np.asarray(coordinates) ** 2 / np.asarray(variances))


def _plain_squares(coordinates, variances):
    return np.mean(np.asarray(coordinates) ** 2)


def _over_deviation(coordinates, variances):
    return np.mean(np.asarray(coordinates) ** 2 / np.sqrt(variances))


def _over_squared_variance(coordinates, variances):
    return np.mean((np.asarray(coordinates) / np.asarray(variances)) ** 2)


def _sum_of_whitened(coordinates, variances):
    return np.sum(np.asarray(coordinates) ** 2 / np.asarray(variances))


# coordinates along the principal components, variances of the normal rows there
_ROWS = (
    (np.array([1.0, 1.0]), np.array([4.0, 0.01])),
    (np.array([3.0, -0.2, 0.5]), np.array([9.0, 1.0, 0.25])),
)

register(
    Exercise(
        id="08.1",
        is_right=number(19_803 / 20_000, 5e-4),
        why="Every row labelled 0 counts as right: 19,803 of 20,000. It finds nothing all the same.",
        also_right=(0.99,),
        wrong=(
            Wrong("percent", number(99.015, 0.05), "Give a share between 0 and 1, not a percentage."),
            Wrong(
                "base rate", number(197 / 20_000, 1e-4), "That is the share of the rows that it gets wrong."
            ),
            Wrong("recall", number(0), "That is its recall. Accuracy counts the right answers on all rows."),
            Wrong(
                "published",
                number(0.97, 0.004),
                "That is near the published detector's accuracy; this one flags nothing at all.",
                0.9704,
            ),
        ),
        hint="Count the rows on which 'not an anomaly' agrees with the label, and divide by all rows.",
    ),
    Exercise(
        id="08.2",
        is_right=function(_ceiling, _SHARES),
        why="A real anomaly beats every normal row; a flipped label is a normal row and beats half of them.",
        wrong=(
            Wrong(
                "flipped labels lose",
                function(lambda share: share, _SHARES),
                "A normal row labelled 1 still beats some normal rows labelled 0. How many, by chance?",
            ),
            Wrong(
                "always perfect",
                function(lambda share: 1.0, _SHARES),
                "The detector knows the cluster, but it is measured against the labels.",
            ),
            Wrong(
                "half of all",
                function(lambda share: share / 2 + 0.5 * (1 - share) / 2, _SHARES),
                "A real anomaly scores above all normal rows, not above half of them.",
            ),
        ),
        hint="Average over the rows labelled 1: how often does a real one beat a normal row, and a flipped "
        "one?",
    ),
    Exercise(
        id="08.3",
        is_right=number(0.2, 1e-3),
        why="At most 2 % of the rows are flagged. If all of them are anomalies, that is 2 of every 10.",
        wrong=(
            Wrong("percent", number(20, 0.1), "Give a share between 0 and 1, not a percentage."),
            Wrong(
                "perfect", number(1), "How many rows of the batch can lie above its own 98th percentile?", 1.0
            ),
            Wrong(
                "share flagged",
                number(0.02, 1e-4),
                "That share of all rows is flagged. What share of the anomalies is that?",
            ),
            Wrong(
                "percentile",
                number(0.98, 1e-4),
                "98 % of all rows are not flagged. How many anomalies can be among the rest?",
            ),
        ),
        hint="Take 1,000 rows: how many are flagged, and how many are anomalies?",
    ),
    Exercise(
        id="08.4",
        is_right=function(_whitened, _ROWS),
        why="Each squared coordinate is divided by what is usual in its direction: the variance there.",
        wrong=(
            Wrong(
                "no whitening",
                function(_plain_squares, _ROWS),
                "You have the plain mean square. Divide each square by what is usual in its direction.",
            ),
            Wrong(
                "standard deviation",
                function(_over_deviation, _ROWS),
                "The coordinate is squared, so its unit is that of a variance, not of a standard deviation.",
            ),
            Wrong(
                "variance twice",
                function(_over_squared_variance, _ROWS),
                "You divide before squaring, so the variance is squared too. Divide by its root, or square "
                "first.",
            ),
            Wrong(
                "sum",
                function(_sum_of_whitened, _ROWS),
                "That is the sum over the directions; the question asks for the mean.",
            ),
        ),
        hint="Square each coordinate, divide it by the variance of its direction, and take the mean.",
    ),
)

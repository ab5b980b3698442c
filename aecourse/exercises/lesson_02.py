"""Exercises of lesson 02, the classical methods."""

import numpy as np

from aecourse.exercises.checks import Exercise, Wrong, choice, function, number, register

_METHODS = ("k-NN", "LOF", "DBSCAN", "PCA")


def _expected_depth(rows):
    return 2 * np.sum(1 / np.arange(1, rows)) - 2 * (rows - 1) / rows


def _isolation_score(mean_cuts, rows):
    return 2 ** (-mean_cuts / _expected_depth(rows))


def _sign_forgotten(mean_cuts, rows):
    return 2 ** (mean_cuts / _expected_depth(rows))


def _base_e(mean_cuts, rows):
    return np.exp(-mean_cuts / _expected_depth(rows))


def _not_divided(mean_cuts, rows):
    return 2.0**-mean_cuts


def _with_logarithm(mean_cuts, rows):
    depth = 2 * (np.log(rows - 1) + np.euler_gamma) - 2 * (rows - 1) / rows
    return 2 ** (-mean_cuts / depth)


# mean number of cuts, rows in a tree. The logarithm that stands in for the harmonic number in
# many texts is right to 0.001 for so many rows.
_CASES = ((4.0, 256), (10.0, 256), (7.5, 1000))


def _compared_with(reference):
    return function(reference, _CASES, tol=0.001)


register(
    Exercise(
        id="02.1",
        is_right=number(2.5, 1e-6),
        why="The nearest rows are 3 and 8, at distances 2 and 3; their mean is 2.5.",
        wrong=(
            Wrong("nearest only", number(2, 1e-6), "That is the nearest row alone; k = 2 takes two."),
            Wrong(
                "k-th only",
                number(3, 1e-6),
                "That is the distance to the second row. The score here is the mean over both.",
            ),
            Wrong("sum", number(5, 1e-6), "Divide the sum of the two distances by k."),
            Wrong(
                "all rows", number(3.5, 1e-6), "That is the mean over all four rows; take the two nearest."
            ),
        ),
        hint="Write down the four distances to 5, sort them, and take the mean of the first two.",
    ),
    Exercise(
        id="02.2",
        is_right=_compared_with(_isolation_score),
        why="2 to the power of minus the mean number of cuts over the expected one: 0.5 where they agree.",
        wrong=(
            Wrong(
                "sign",
                _compared_with(_sign_forgotten),
                "More cuts must give a lower score; look at the sign of the exponent.",
            ),
            Wrong(
                "base e",
                _compared_with(_base_e),
                "The base is 2, so that the average number of cuts gives 0.5.",
            ),
            Wrong(
                "not divided",
                _compared_with(_not_divided),
                "Divide the number of cuts by c, the number expected among so many rows.",
            ),
        ),
        hint="The formula is in section 3; the number of cuts stands for E[h(x)] and the rows for ψ.",
        also_right=(_with_logarithm,),
    ),
    Exercise(
        id="02.3",
        is_right=choice("LOF", _METHODS),
        why="LOF compares the density around the part with that around its neighbours, so short can be far.",
        wrong=(
            Wrong(
                "k-NN",
                choice("k-NN", _METHODS),
                "The same distance is ordinary among the other machine's parts. Relative to what?",
            ),
            Wrong(
                "DBSCAN",
                choice("DBSCAN", _METHODS),
                "DBSCAN has one radius for both clouds. Look at its case in section 8.",
            ),
            Wrong(
                "PCA",
                choice("PCA", _METHODS),
                "PCA looks for departures from a plane. Is the fault off a plane, or off a cloud?",
            ),
        ),
    ),
    Exercise(
        id="02.4",
        is_right=number(0.977, 0.0006),
        why="Higher than standardised, by luck: the area columns have the largest numbers, decide alone, and "
        "happen to tell tumours apart. In other units it would be another figure.",
        wrong=(
            Wrong(
                "standardised",
                number(0.963, 0.0006),
                "That is the standardised k-NN. Pass scale=False to KNNDistance.",
            ),
            Wrong("percent", number(97.7, 0.06), "Give a share between 0 and 1."),
            Wrong(
                "other way round",
                number(0.023, 0.0006),
                "The score must be high for anomalies: use anomaly_score, not score_samples.",
            ),
        ),
        hint="Fit baselines.KNNDistance(n_neighbors=5, scale=False) on X_train, and score X_test.",
    ),
    Exercise(
        id="02.5",
        is_right=number(200, 1e-6),
        why="Ten times the rows, a hundred times the time.",
        wrong=(
            Wrong(
                "linear",
                number(20, 1e-6),
                "That is growth in proportion. With the square, ten times the rows is more.",
            ),
            Wrong("cubic", number(2000, 1e-6), "That is growth with the third power."),
            Wrong("factor only", number(100, 1e-6), "That is the factor; multiply it by the 2 seconds."),
        ),
        hint="Square the factor by which the rows grow, and multiply.",
    ),
)

"""Exercises of lesson 02, the classical methods."""

import numpy as np

from aecourse.exercises.checks import Check, Exercise, Wrong, choice, function, number, register
from aecourse.exercises.memory import remember_last

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


# 02.5, LOF from NumPy: training rows, rows to score, number of neighbours
def _random_tables():
    rng = np.random.default_rng(5)
    for n_rows, n_columns, k in ((60, 2, 5), (40, 3, 1), (150, 4, 12)):
        train = rng.normal(size=(n_rows, n_columns)) * rng.choice([0.3, 2.0], size=(n_rows, 1))
        yield train, rng.normal(size=(25, n_columns)) * 2, k


def _distances(rows, train):
    return np.linalg.norm(rows[:, None, :] - train[None, :, :], axis=2)


def _lof_by_broadcasting_with(
    own=False,
    reach=lambda distances, kd_near, kd_own: np.maximum(distances, kd_near),
    final=lambda near, own: near.mean(axis=1) / own,
):
    """Return LOF with, perhaps, one mistake in it."""

    def lof(train, rows, k):
        among = _distances(train, train)
        if not own:
            np.fill_diagonal(among, np.inf)
        kd = np.sort(among, axis=1)[:, k - 1]

        def lrd(distances):
            nearest = np.argsort(distances, axis=1)[:, :k]
            near = np.take_along_axis(distances, nearest, axis=1)
            return nearest, 1 / reach(near, kd[nearest], near[:, -1]).mean(axis=1)

        nearest, density = lrd(_distances(rows, train))
        return final(lrd(among)[1][nearest], density)

    return lof


_lof_by_broadcasting = _lof_by_broadcasting_with()


def _lof_by_loops(train, rows, k):
    """Answer row by row, in plain Python."""

    def neighbours(row, without=None):
        far = [(float(np.sqrt(np.sum((row - other) ** 2))), place) for place, other in enumerate(train)]
        return sorted(pair for pair in far if pair[1] != without)[:k]

    found = [neighbours(row, without=place) for place, row in enumerate(train)]
    kd = [near[-1][0] for near in found]

    def lrd(near):
        return k / sum(max(kd[place], distance) for distance, place in near)

    density = [lrd(near) for near in found]
    scores = []
    for row in rows:
        near = neighbours(row)
        scores.append(sum(density[place] for _, place in near) / k / lrd(near))
    return scores


def _mean_distance(train, rows, k):
    return np.sort(_distances(rows, train), axis=1)[:, :k].mean(axis=1)


def _lof_by_scikit_learn(train, rows, k):
    from sklearn.neighbors import LocalOutlierFactor

    return -LocalOutlierFactor(n_neighbors=k, novelty=True).fit(train).score_samples(rows)


_LOF_MISTAKES = {
    "own neighbour": _lof_by_broadcasting_with(own=True),
    "upside down": _lof_by_broadcasting_with(final=lambda near, own: own / near.mean(axis=1)),
    "negative": _lof_by_broadcasting_with(final=lambda near, own: -near.mean(axis=1) / own),
    "plain distance": _lof_by_broadcasting_with(reach=lambda distances, kd_near, kd_own: distances),
    "kd of the row": _lof_by_broadcasting_with(
        reach=lambda distances, kd_near, kd_own: np.maximum(distances, kd_own[:, None])
    ),
    "k-NN distance": _mean_distance,
}


@remember_last
def _lof_fault(answer):
    """Return the name of the mistake, a sentence, or None if the scores are scikit-learn's."""
    tables = list(_random_tables())
    right = function(_lof_by_scikit_learn, tables, tol=1e-5)
    with np.errstate(all="ignore"):  # a row that is its own only neighbour has infinite density
        if complaint := right.complaint(answer):
            return complaint
        if right.passes(answer):
            return None
        for name, mistake in _LOF_MISTAKES.items():
            if all(
                np.allclose(answer(*case), mistake(*case), rtol=1e-5, equal_nan=True) for case in tables[::2]
            ):
                return name
    return "other"


def _lof_is(fault):
    return lambda answer: _lof_fault(answer) == fault


def _lof_complaint(answer):
    fault = _lof_fault(answer)
    return fault if fault and fault.endswith((".", "?")) else None


register(
    Exercise(
        id="02.1",
        is_right=number(2.5, 1e-6),
        also_right=(5 / 2, [2.5]),
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
                "DBSCAN has one radius for both clouds. Look at its case in section 8 of the lesson.",
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
        why="That is higher than with standardised columns. Without scaling the two columns in the largest "
        "numbers decide, both of them areas, and on this table areas tell the tumours apart. Measured in "
        "other units the same tumours would get other scores.",
        wrong=(
            Wrong(
                "standardised",
                number(0.963, 0.0006),
                "That is k-NN on standardised columns. Fit NearestNeighbors on X_train itself.",
            ),
            Wrong("percent", number(97.7, 0.06), "Give a share between 0 and 1."),
            Wrong(
                "other way round",
                number(0.023, 0.0006),
                "The score must be high for anomalies: use the distance itself, without a minus sign.",
            ),
            Wrong(
                "rounded too far",
                number(0.98, 1e-6),
                "Close, but rounded too far: give three decimals.",
            ),
        ),
        hint="Fit NearestNeighbors(n_neighbors=5) on tumours.X_train, score tumours.X_test by the mean "
        "distance, and pass labels and scores to roc_auc_score.",
    ),
    Exercise(
        id="02.5",
        is_right=Check(lambda answer: _lof_fault(answer) is None, _lof_complaint),
        why="On random tables your scores are those of scikit-learn's LocalOutlierFactor with novelty=True.",
        right_example=_lof_by_broadcasting,
        also_right=(_lof_by_loops,),
        hint="Check the three quantities in turn on a small table: kd of the training rows, then lrd of the "
        "training rows and of the new rows, then the ratio.",
        wrong=(
            Wrong(
                "own neighbour",
                _lof_is("own neighbour"),
                "Close. A training row finds itself at distance 0 and counts as its own neighbour. Leave it "
                "out wherever the training rows look for neighbours: for kd and for lrd.",
                _LOF_MISTAKES["own neighbour"],
            ),
            Wrong(
                "upside down",
                _lof_is("upside down"),
                "Your ratio is the wrong way round: the neighbours' density goes above, the row's own below, "
                "so that a row in sparse surroundings gets a high score.",
                _LOF_MISTAKES["upside down"],
            ),
            Wrong(
                "negative",
                _lof_is("negative"),
                "Those are the right scores with a minus sign, as in scikit-learn's score_samples. Here high "
                "means anomalous.",
                _LOF_MISTAKES["negative"],
            ),
            Wrong(
                "plain distance",
                _lof_is("plain distance"),
                "Your lrd takes the mean of plain distances. The reachability distance is never below kd of "
                "the neighbour: np.maximum(kd[neighbours], distances).",
                _LOF_MISTAKES["plain distance"],
            ),
            Wrong(
                "kd of the row",
                _lof_is("kd of the row"),
                "The kd in the reachability distance is that of the neighbour y, not that of the row x.",
                _LOF_MISTAKES["kd of the row"],
            ),
            Wrong(
                "k-NN distance",
                _lof_is("k-NN distance"),
                "That is the mean distance to the neighbours, the k-NN score. LOF then compares densities.",
                _mean_distance,
            ),
        ),
    ),
)

"""Exercises of lesson 08, the imbalanced synthetic lab."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from aecourse.exercises.checks import Check, Exercise, Wrong, function, number, register
from aecourse.exercises.memory import remember_last


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

# 08.5, the lab rebuilt. The student's function is run on a smaller draw, with two clusters in other places.
_BUDGET = 0.01
_SETS, _SCORES = ("validation rows", "test rows"), ("validation scores", "test scores")
_FIGURES = ("threshold", "average precision", "base rate", "false-alarm rate", "recall")
_ENOUGH = 0.4  # average precision; perfect is about 0.8 here, and the published lab's way reaches 0.06


@functools.cache
def _small_lab() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    from sklearn.datasets import make_classification

    X, y = make_classification(
        n_samples=12_000,
        n_features=32,
        n_informative=32,
        n_redundant=0,
        n_clusters_per_class=1,
        weights=[0.99, 0.01],
        class_sep=0.5,
        random_state=2,
    )
    return X, y


@remember_last
def _lab_fault(lab: Any) -> str | None:
    """Return the first thing that is wrong with a lab: a sentence, or the name of a usual mistake."""
    if not callable(lab):
        return "Give the function my_lab itself, without calling it."
    X, y = _small_lab()
    try:
        report = lab(X.copy(), y.copy())
    except (Exception, SystemExit) as error:
        words = str(error).strip().split("\n")[0][:200].rstrip(".")
        return f"Your function stops with {type(error).__name__}{words and ': '}{words}."
    fault = _form_fault(report)
    if fault:
        return fault
    validation, test = (np.asarray(report[key]).astype(int) for key in _SETS)
    val_score, test_score = (np.asarray(report[key], dtype=float) for key in _SCORES)
    figures = {key: float(np.asarray(report[key], dtype=float).item()) for key in _FIGURES}
    return (
        _split_fault(validation, test, y)
        or _threshold_fault(val_score, test_score[y[test] == 0], figures["threshold"])
        or _figures_fault(test_score, y[test], figures)
    )


def _form_fault(report: Any) -> str | None:
    """Return what is wrong with the form of a report: its keys, shapes and numbers."""
    if not isinstance(report, Mapping):
        return "Your function must return a dictionary; does it end with a return statement?"
    if missing := [key for key in (*_SETS, *_SCORES, *_FIGURES) if key not in report]:
        return f"Your report lacks {missing[0]!r}; look at the list of keys."
    values = {}
    for key in (*_SETS, *_SCORES, *_FIGURES):
        try:
            values[key] = np.asarray(report[key], dtype=float)
        except (TypeError, ValueError):
            return f"{key!r} must hold numbers."
        if not np.isfinite(values[key]).all():
            return f"{key!r} holds a value that is not finite."
    for rows, scores in zip(_SETS, _SCORES, strict=True):
        places = values[rows]
        if places.ndim != 1 or not len(places) or (places % 1).any():
            return f"{rows!r} must hold the numbers of the rows in X: whole numbers, one a row."
        if places.min() < 0 or places.max() >= len(_small_lab()[0]) or len(set(places)) < len(places):
            return f"{rows!r} must name rows of X, from 0 to {len(_small_lab()[0]) - 1}, each once."
        if values[scores].shape != places.shape:
            return (
                f"{scores!r} must hold one score for each of the {len(places)} rows; "
                f"found the shape {values[scores].shape}. Take the mean over the columns, axis=1."
            )
    for key in _FIGURES:
        if values[key].size != 1:
            return f"{key!r} must be one number; found the shape {values[key].shape}."
    return None


def _split_fault(validation: NDArray, test: NDArray, y: NDArray) -> str | None:
    if np.isin(validation, test).any():
        return "Some rows are in the validation set and in the test set. Give each row one task."
    if y[validation].any():
        return "anomalies in validation"
    if len(validation) < 500 or not 0.1 <= len(test) / len(y) <= 0.5:
        return (
            f"Hold out at least 500 normal rows for the threshold, and between a tenth and a half of all "
            f"rows for the test; found {len(validation)} and {len(test)} of {len(y)}."
        )
    if not 0.5 <= y[test].mean() / y.mean() <= 2:
        return "Your test set has another share of anomalies than the data. Draw its rows at random."
    return None


def _threshold_fault(val_score: NDArray, test_normal: NDArray, threshold: float) -> str | None:
    """Return what is wrong with a threshold for the budget of 1 %."""
    m = int(_BUDGET * (len(val_score) + 1))
    above = int(np.sum(val_score > threshold))
    if m / 4 <= above < m:
        return None
    if abs(np.mean(test_normal > threshold) - _BUDGET) < 2 / len(test_normal):
        return "threshold on the test rows"
    return (
        f"{above} of the {len(val_score)} validation scores lie above your threshold; a conformal threshold "
        f"for a budget of 1 % has {m - 1} above it, the m-th largest being the threshold itself."
    )


def _figures_fault(test_score: NDArray, y: NDArray, figures: Mapping[str, float]) -> str | None:
    true = {
        "average precision": average_precision_score(y, test_score),
        "base rate": np.mean(y),
        "false-alarm rate": np.mean(test_score[y == 0] > figures["threshold"]),
        "recall": np.mean(test_score[y == 1] > figures["threshold"]),
    }
    for key, value in true.items():
        if abs(figures[key] - value) > 0.006:  # rounding to two places is fine
            return (
                f"Your {key} is {figures[key]:.3f}, but your test scores and your threshold give "
                f"{value:.3f}. Which rows does it count?"
            )
    return None if true["average precision"] >= _ENOUGH else "no better than the published lab"


def _lab_has(fault: str) -> Callable[[Any], bool]:
    return lambda lab: _lab_fault(lab) == fault


def _lab_complaint(lab: Any) -> str | None:
    fault = _lab_fault(lab)
    return fault if fault and fault.endswith((".", "?")) else None


def _three_sets(y: NDArray, seed: int = 0) -> tuple[NDArray, NDArray, NDArray]:
    """Return the places of normal rows to train and to validate, and of test rows."""
    order = np.random.default_rng(seed).permutation(len(y))
    test, rest = order[: len(y) // 5], order[len(y) // 5 :]
    rest = rest[y[rest] == 0]
    return rest[2000:], rest[:2000], test


def _report(val_rows, test_rows, val, test, y, threshold=None):
    threshold = np.sort(val)[-int(_BUDGET * (len(val) + 1))] if threshold is None else threshold
    truth = y[test_rows]
    return {
        "validation rows": val_rows,
        "test rows": test_rows,
        "validation scores": val,
        "test scores": test,
        "threshold": threshold,
        "average precision": average_precision_score(truth, test),
        "base rate": truth.mean(),
        "false-alarm rate": np.mean(test[truth == 0] > threshold),
        "recall": np.mean(test[truth == 1] > threshold),
    }


def _keras_lab(X, y):
    """Answer in Keras: a linear denoising autoencoder on whitened rows."""
    import keras

    train, val, test = _three_sets(y)
    variances, directions = np.linalg.eigh(np.cov(X[train].T))
    W = (X - X[train].mean(axis=0)) @ directions / np.sqrt(variances)
    model = keras.Sequential(
        [
            keras.Input((32,)),
            keras.layers.GaussianNoise(1.0),
            keras.layers.Dense(32),
            keras.layers.Dense(32),
        ]
    )
    model.compile(optimizer=keras.optimizers.Adam(0.005), loss="mse")
    model.fit(W[train], W[train], epochs=12, batch_size=128, verbose=0)
    score = ((model.predict(W, batch_size=4096, verbose=0) - W) ** 2).mean(axis=1)
    return _report(val, test, score[val], score[test], y)


def _residual_lab(X, y):
    """Answer with scikit-learn's network, whose residuals are whitened."""
    from sklearn.neural_network import MLPRegressor

    train, val, test = _three_sets(y, seed=1)
    Z = (X - X[train].mean(axis=0)) / X[train].std(axis=0)
    network = MLPRegressor(hidden_layer_sizes=8, activation="identity", max_iter=8, random_state=0).fit(
        Z[train], Z[train]
    )
    residual = Z - network.predict(Z)
    inverse = np.linalg.pinv(np.cov(residual[val].T), rcond=1e-10, hermitian=True)
    score = ((residual @ inverse) * residual).sum(axis=1)
    return _report(val, test, score[val], score[test], y)


def _linear_lab(mistake):
    """Return a lab with principal components in place of a network, and one mistake."""

    def lab(X, y):
        train, val, test = _three_sets(y)
        if mistake == "anomalies in validation":
            val = np.append(val, np.setdiff1d(np.flatnonzero(y), test))
        coordinates = (X - X[train].mean(axis=0)) @ np.linalg.eigh(np.cov(X[train].T))[1]
        if mistake == "plain error":
            score = (coordinates[:, :28] ** 2).mean(axis=1)
        else:
            score = (coordinates**2 / coordinates[train].var(axis=0)).mean(axis=1)
        limit = np.quantile(score[test][y[test] == 0], 0.99) if mistake == "test threshold" else None
        return _report(val, test, score[val], score[test], y, limit)

    return lab


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
    Exercise(
        id="08.5",
        is_right=Check(lambda lab: _lab_fault(lab) is None, _lab_complaint),
        why="Three sets with one task each, a threshold from validation normals, and a detector that finds "
        "what can be found.",
        right_example=_keras_lab,
        also_right=(_residual_lab, _linear_lab("")),
        wrong=(
            Wrong(
                "anomalies in validation",
                _lab_has("anomalies in validation"),
                "Some of your validation rows are labelled anomalies. The threshold is a promise about "
                "normal rows: choose it on rows labelled 0.",
                _linear_lab("anomalies in validation"),
            ),
            Wrong(
                "threshold on the test rows",
                _lab_has("threshold on the test rows"),
                "Your threshold fits the test rows. Choose it from the validation scores alone; the test "
                "rows are for the report.",
                _linear_lab("test threshold"),
            ),
            Wrong(
                "no better than the published lab",
                _lab_has("no better than the published lab"),
                "Your average precision stays near the base rate, as the published lab's does. The anomalies "
                "lie in directions of low variance: weigh each direction by its own spread.",
                _linear_lab("plain error"),
            ),
        ),
        hint="Go through the six steps one by one, and print the shape of what each gives.",
    ),
)

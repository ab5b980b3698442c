"""Exercises of lesson 01, what is an anomaly."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from aecourse.exercises.checks import Check, Exercise, Wrong, choice, function, number, register
from aecourse.exercises.memory import remember_last

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


# 01.5, a leak-free split. The student's function is called on a table, and again with its test rows or its
# validation rows changed: what these rows must not influence has to stay as it was.
_BUDGET = 0.05
_SETS = ("training rows", "validation rows", "test rows")
_SCORES = ("validation scores", "test scores")
_NUMBERS = ("threshold", "false-alarm rate")


@functools.cache
def _table() -> tuple[NDArray, NDArray]:
    """Return 700 rows of four columns in different units, and 1 for the 60 anomalies among them."""
    rng = np.random.default_rng(11)
    y = np.zeros(700, dtype=int)
    y[rng.choice(700, 60, replace=False)] = 1
    X = rng.normal(size=(700, 4))
    X[y == 1] += rng.choice([-4.0, 4.0], size=(60, 4))
    return X * [1.0, 10.0, 0.1, 5.0] + [0.0, 50.0, 1.0, -20.0], y


def _call(report: Callable[..., Any], X: NDArray) -> Any:
    try:
        return report(X.copy(), _table()[1].copy(), _BUDGET)
    except (Exception, SystemExit) as error:
        return error


@remember_last
def _report_fault(report: Any) -> str | None:
    """Return the first thing that is wrong with a report: a sentence, or the name of a usual mistake."""
    if not callable(report):
        return "Give the function my_report itself, without calling it."
    X, y = _table()
    first = _call(report, X)
    fault = _form_fault(first) or _rows_fault([np.asarray(first[key]) for key in _SETS], y)
    if fault is None:
        fault = _leak_fault(report, first, X) or _figures_fault(first, y)
    return fault


def _form_fault(result: Any) -> str | None:
    """Return what is wrong with the form of a report: its keys and their shapes."""
    if isinstance(result, BaseException):
        words = str(result).strip().split("\n")[0][:200].rstrip(".")
        return f"Your function stops with {type(result).__name__}{words and ': '}{words}."
    if not isinstance(result, Mapping):
        return "Your function must return a dictionary; does it end with a return statement?"
    if missing := [key for key in (*_SETS, *_SCORES, *_NUMBERS) if key not in result]:
        return f"Your report lacks {missing[0]!r}; look at the list of keys."
    n_rows = len(_table()[0])
    for key in _SETS:
        rows = np.asarray(result[key])
        if rows.ndim != 1 or rows.dtype.kind not in "iu" or rows.size == 0:
            return f"{key!r} must hold row numbers, in one dimension; np.flatnonzero makes them from a mask."
        if rows.min() < 0 or rows.max() >= n_rows:
            return f"{key!r} must hold row numbers from 0 to {n_rows - 1}."
    for key, rows_key in zip(_SCORES, _SETS[1:], strict=True):
        n, values = len(result[rows_key]), _floats(result[key])
        if values is None or values.shape != (n,):
            return f"{key!r} must hold one number for each of the {n} {rows_key}."
    for key in _NUMBERS:
        values = _floats(result[key])
        if values is None or values.size != 1:
            return f"{key!r} must be one finite number."
    return None


def _floats(values: Any) -> NDArray | None:
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        return None
    return array if np.isfinite(array).all() else None


def _rows_fault(sets: Sequence[NDArray], y: NDArray) -> str | None:
    """Return what is wrong with the division of the rows: to train, to validate and to test."""
    train, val, test = sets
    together = np.concatenate([train, val, test])
    if len(np.unique(together)) < len(together):
        twice = next(
            f"the {one} and the {other}"
            for one, other, shared in (
                ("training rows", "validation rows", np.intersect1d(train, val)),
                ("training rows", "test rows", np.intersect1d(train, test)),
                ("validation rows", "test rows", np.intersect1d(val, test)),
                ("rows of a set", "same set", [0]),
            )
            if len(shared)
        )
        return f"A row number appears twice, in {twice}. Each row may belong to one set only."
    if y[train].any() or y[val].any():
        return "anomalies outside the test set"
    if y[test].sum() < y.sum():
        return (
            f"Only {y[test].sum()} of the {y.sum()} anomalies are in the test set; no other set needs them."
        )
    if y[test].all():
        return "The test set contains anomalies only, so false alarms cannot be counted. Keep normal rows."
    if len(val) < 1 / _BUDGET - 1 or len(train) < 20:
        return (
            f"You have {len(train)} training rows and {len(val)} validation rows; a threshold for "
            f"{_BUDGET:.0%} needs at least {1 / _BUDGET - 1:.0f} validation rows, and the model some dozens."
        )
    return None


def _leak_fault(report: Callable[..., Any], first: Mapping[str, Any], X: NDArray) -> str | None:
    """Return what moves although it must not, or stays although it must move."""
    again = _call(report, X)
    same_rows = _form_fault(again) is None and all(np.array_equal(first[key], again[key]) for key in _SETS)
    if not same_rows or not np.allclose(first["test scores"], again["test scores"]):
        return "no seed"
    moved = {}
    for key in _SETS[1:]:
        rows = np.asarray(first[key])
        changed = X.copy()
        changed[rows] = X.mean(axis=0) + 3 * (X[rows] - X.mean(axis=0)) + X.std(axis=0)
        moved[key] = _call(report, changed)
        if _form_fault(moved[key]) or not all(np.array_equal(first[s], moved[key][s]) for s in _SETS):
            return "Your division of the rows changes with the values in X; it may look at y and a seed only."
    by_test, by_val = moved["test rows"], moved["validation rows"]
    if not np.allclose(first["threshold"], by_test["threshold"], rtol=1e-6):
        return "threshold has seen the test rows"
    if not np.allclose(first["validation scores"], by_test["validation scores"], rtol=1e-6):
        return "model has seen the test rows"
    if not np.allclose(first["test scores"], by_val["test scores"], rtol=1e-6):
        return "model has seen the validation rows"
    if np.allclose(first["threshold"], by_val["threshold"], rtol=1e-6):
        return "threshold from the training rows"
    return None


def _figures_fault(result: Mapping[str, Any], y: NDArray) -> str | None:
    """Return what is wrong with the scores, the threshold's place among them, or the false-alarm rate."""
    val, test = (np.asarray(result[key], dtype=float) for key in _SCORES)
    threshold, given = (float(np.asarray(result[key], dtype=float).item()) for key in _NUMBERS)
    truth = y[np.asarray(result["test rows"])]
    auroc = roc_auc_score(truth, test)
    if auroc < 0.2:  # scores in a wrong order come out near 0.5
        return "upside down"
    if auroc < 0.9:
        return (
            f"Your test scores have an AUROC of {auroc:.2f}; on this table standardised columns and k-NN "
            "reach more than 0.99. Are the columns standardised, and the scores in the order of the rows?"
        )
    m, above = int(_BUDGET * (len(val) + 1)), int(np.sum(val > threshold))
    if above == m:
        return "one too many"
    if above != m - 1:
        return (
            f"{above} of your {len(val)} validation scores lie above the threshold; with a budget of "
            f"{_BUDGET:.0%} it must be {m - 1}, as the threshold is the m-th largest of them, m = {m}."
        )
    true = np.mean(test[truth == 0] > threshold)
    if abs(given - true) > 0.006:  # rounding to two places is fine
        if abs(given - 100 * true) < 0.6:
            return "percent"
        if abs(given - np.mean(test > threshold)) < 0.006:
            return "share of all flagged rows"
        return f"Your false-alarm rate is {given:.3f}, but your test scores and threshold give {true:.3f}."
    return None


def _report_has(fault: str) -> Callable[[Any], bool]:
    return lambda report: _report_fault(report) == fault


def _report_complaint(report: Any) -> str | None:
    fault = _report_fault(report)
    return fault if fault and fault.endswith((".", "?")) else None


def _divide(y: NDArray, seed: int | None = 0) -> tuple[NDArray, NDArray, NDArray]:
    normal = np.random.default_rng(seed).permutation(np.flatnonzero(y == 0))
    train, val, fresh = np.split(normal, [len(normal) // 2, 3 * len(normal) // 4])
    return train, val, np.concatenate([fresh, np.flatnonzero(y == 1)])


def _knn_report(X: NDArray, y: NDArray, budget: float) -> dict[str, Any]:
    """Answer with scikit-learn's neighbours, as the lesson does."""
    from sklearn.neighbors import NearestNeighbors
    from sklearn.preprocessing import StandardScaler

    train, val, test = _divide(y)
    scaler = StandardScaler().fit(X[train])
    finder = NearestNeighbors(n_neighbors=5).fit(scaler.transform(X[train]))
    val_score, test_score = (
        finder.kneighbors(scaler.transform(X[rows]))[0].mean(axis=1) for rows in (val, test)
    )
    threshold = np.sort(val_score)[-int(budget * (len(val) + 1))]
    return _as_report(train, val, test, val_score, test_score, threshold, y)


def _as_report(
    train: NDArray,
    val: NDArray,
    test: NDArray,
    val_score: NDArray,
    test_score: NDArray,
    threshold: float,
    y: NDArray,
) -> dict[str, Any]:
    return {
        "training rows": train,
        "validation rows": val,
        "test rows": test,
        "validation scores": val_score,
        "test scores": test_score,
        "threshold": threshold,
        "false-alarm rate": np.mean(test_score[y[test] == 0] > threshold),
    }


def _package_report(X: NDArray, y: NDArray, budget: float) -> dict[str, Any]:
    """Answer with scikit-learn's splitter, lists of rows, and the package's Mahalanobis distance and rule."""
    from sklearn.model_selection import train_test_split

    from aecourse import baselines, thresholds

    train, rest = train_test_split(np.where(y == 0)[0], train_size=300, random_state=1)
    val, fresh = train_test_split(rest, train_size=150, random_state=2)
    test = np.sort(np.r_[fresh, np.where(y)[0]])
    method = baselines.MahalanobisDistance().fit(X[train])
    rule = thresholds.Conformal(rate=budget).fit(method.anomaly_score(X[val]))
    report = _as_report(
        train, val, test, method.anomaly_score(X[val]), method.anomaly_score(X[test]), rule.threshold_, y
    )
    return (
        report
        | {key: list(report[key]) for key in _SETS}
        | {"false-alarm rate": [report["false-alarm rate"]]}
    )


def _wrong_report(
    scaled_on: str = "train",
    threshold: Callable[..., float] = lambda train, val, test, m: np.sort(val)[-m],
    rate: Callable[..., Any] = lambda flagged, truth: np.mean(flagged[truth == 0]),
    sign: int = 1,
    seed: int | None = 0,
    anomalies_to_train: int = 0,
) -> Callable[..., dict[str, Any]]:
    """Return a report by the distance from the mean, with one mistake."""

    def report(X: NDArray, y: NDArray, budget: float) -> dict[str, Any]:
        train, val, test = _divide(y, seed)
        if anomalies_to_train:
            train = np.concatenate([train, test[-anomalies_to_train:]])
            test = test[:-anomalies_to_train]
        seen = {"train": train, "train and val": np.r_[train, val], "all": np.arange(len(X))}[scaled_on]
        Z = (X - X[seen].mean(axis=0)) / X[seen].std(axis=0)
        score = sign * (Z**2).sum(axis=1)
        limit = threshold(score[train], score[val], score[test], int(budget * (len(val) + 1)))
        result = _as_report(train, val, test, score[val], score[test], limit, y)
        return result | {"false-alarm rate": rate(score[test] > limit, y[test])}

    return report


register(
    Exercise(
        id="01.1",
        is_right=choice("contextual", _KINDS),
        why="The value is ordinary in January; the month, its context, makes it unusual.",
        wrong=(
            Wrong(
                "point",
                choice("point", _KINDS),
                "A point anomaly is unusual wherever it occurs. Would 3 kW be unusual in January?",
            ),
            Wrong(
                "collective",
                choice("collective", _KINDS),
                "A collective anomaly is a group of rows. How many rows are unusual here?",
            ),
        ),
    ),
    Exercise(
        id="01.2",
        is_right=number(_CAUGHT / (_CAUGHT + _FALSE), 0.0006),
        why="450 caught of 450 + 1,980 flagged: four alarms in five are false, at 90 % recall.",
        right_example=0.185,
        also_right=(5 / 27, [np.float32(0.1852)]),
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
                number(100 * _CAUGHT / (_CAUGHT + _FALSE), 0.6),
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
            Wrong(
                "alarms for each caught part",
                number((_CAUGHT + _FALSE) / _CAUGHT, 0.05),
                "That is the number of alarms for each part caught; precision is the other way round.",
                5.4,
            ),
            Wrong(
                "rounded too far",
                number(_CAUGHT / (_CAUGHT + _FALSE), 0.016),
                "Close, but rounded too far: give three decimals, or the fraction itself.",
                0.19,
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
                "A value far below the mean is unusual, too, but its score must be high: think of the sign.",
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
        also_right=("B)", "b) the scaler has seen anomalies and test rows"),
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
    Exercise(
        id="01.5",
        is_right=Check(lambda report: _report_fault(report) is None, _report_complaint),
        why="Changed test rows leave your threshold where it was, changed validation rows leave your model "
        "as it was, and the false-alarm rate is what your scores say.",
        right_example=_knn_report,
        also_right=(_package_report,),
        hint="Go through the four steps one by one, and print the shape of what each gives.",
        wrong=(
            Wrong(
                "anomalies outside the test set",
                _report_has("anomalies outside the test set"),
                "There are anomalies among your training or validation rows. Those sets are normal only; all "
                "anomalies belong to the test set.",
                _wrong_report(anomalies_to_train=10),
            ),
            Wrong(
                "no seed",
                _report_has("no seed"),
                "A second call on the same table gives another division or other scores. Give every random "
                "generator a seed.",
                _wrong_report(seed=None),
            ),
            Wrong(
                "threshold has seen the test rows",
                _report_has("threshold has seen the test rows"),
                "When only the test rows change, your threshold moves: something has seen them. Fit the "
                "scaler on X[training rows], and choose the threshold from validation scores.",
                _wrong_report(scaled_on="all"),
            ),
            Wrong(
                "model has seen the test rows",
                _report_has("model has seen the test rows"),
                "When only the test rows change, your validation scores move. Fit the scaler and the model "
                "on the training rows alone.",
                _wrong_report(scaled_on="all", threshold=lambda train, val, test, m: 12.0),
            ),
            Wrong(
                "model has seen the validation rows",
                _report_has("model has seen the validation rows"),
                "When only the validation rows change, your test scores move. Fit the scaler and the model "
                "on the training rows alone; the validation rows choose the threshold and nothing else.",
                _wrong_report(scaled_on="train and val"),
            ),
            Wrong(
                "threshold from the training rows",
                _report_has("threshold from the training rows"),
                "Your threshold does not move when the validation rows change. Choose it from the validation "
                "scores: the model knows its training rows.",
                _wrong_report(threshold=lambda train, val, test, m: np.quantile(train, 0.95)),
            ),
            Wrong(
                "one too many",
                _report_has("one too many"),
                "One validation score too many lies above your threshold. Sort the scores and take the m-th "
                "largest, with m the whole part of budget · (n + 1): the new row counts, too.",
                _wrong_report(threshold=lambda train, val, test, m: np.sort(val)[-m - 1]),
            ),
            Wrong(
                "upside down",
                _report_has("upside down"),
                "Your AUROC is far below 0.5: anomalies get lower scores than normal rows. A high score must "
                "mean anomalous; scikit-learn's score_samples needs a minus sign.",
                _wrong_report(sign=-1),
            ),
            Wrong(
                "percent",
                _report_has("percent"),
                "Give the false-alarm rate as a share between 0 and 1, not per cent.",
                _wrong_report(rate=lambda flagged, truth: 100 * np.mean(flagged[truth == 0])),
            ),
            Wrong(
                "share of all flagged rows",
                _report_has("share of all flagged rows"),
                "That is the share of all test rows that are flagged, caught anomalies included. A false "
                "alarm is a flagged normal row; divide by the number of normal rows.",
                _wrong_report(rate=lambda flagged, truth: np.mean(flagged)),
            ),
        ),
    ),
)

"""Exercises of lesson 06, the MNIST-zeros lab."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from aecourse.exercises.checks import Check, Exercise, Wrong, choice, function, integer, register
from aecourse.exercises.memory import remember_last


def _precision(base_rate, recall, false_alarm_rate):
    caught = base_rate * recall
    return caught / (caught + (1 - base_rate) * false_alarm_rate)


# base rate, recall, false-alarm rate
_CASES = ((0.01, 0.9, 0.01), (0.5, 0.8, 0.1), (0.9, 1.0, 0.05))


def _without_base_rate(base_rate, recall, false_alarm_rate):
    return recall / (recall + false_alarm_rate)


def _all_rows_false(base_rate, recall, false_alarm_rate):
    return base_rate * recall / (base_rate * recall + false_alarm_rate)


# 06.5, the whole lab for another digit. The student's function is run on a few hundred sevens.
_BUDGET = 0.01
_KEYS = (
    "validation scores",
    "test scores",
    "threshold",
    "false-alarm rate",
    "recall",
    "AUROC",
    "simple AUROC",
)
_Rows = tuple[NDArray, NDArray, NDArray, NDArray]


@functools.cache
def _sevens() -> _Rows:
    """Return 480 sevens to train, 199 for the threshold, 300 test rows, and 1 where those are anomalies."""
    from aecourse import datasets

    split = datasets.load_mnist_digit(7)
    rows = np.concatenate(
        [np.flatnonzero(split.y_test == label)[:count] for label, count in ((0, 100), (1, 200))]
    )
    rows.sort()
    return split.X_train[:480], split.X_val[:199], split.X_test[rows], split.y_test[rows]


def _run_lab(lab: Callable[..., Any]) -> Any:
    """Return what a student's lab returns on sevens, or the error that it stops with."""
    try:
        return lab(*(rows.copy() for rows in _sevens()))
    except (Exception, SystemExit) as error:
        return error


@remember_last
def _lab_fault(lab: Any) -> str | None:
    """Return the first thing that is wrong with a lab: a sentence, or the name of a usual mistake."""
    if not callable(lab):
        return "Give the function my_lab itself, without calling it."
    report = _run_lab(lab)
    fault = _form_fault(report)
    if fault is None:
        val_score, test_score = (np.asarray(report[key], dtype=float) for key in _KEYS[:2])
        figures = {key: float(np.asarray(report[key]).item()) for key in _KEYS[2:]}
        fault = _threshold_fault(val_score, test_score, figures["threshold"])
        fault = fault or _figures_fault(test_score, figures)
    return fault


def _form_fault(report: Any) -> str | None:
    """Return what is wrong with the form of a report: its keys, shapes and numbers."""
    if isinstance(report, BaseException):
        words = str(report).strip().split("\n")[0][:200].rstrip(".")
        return f"Your function stops with {type(report).__name__}{words and ': '}{words}."
    if not isinstance(report, Mapping):
        return "Your function must return a dictionary; does it end with a return statement?"
    if missing := [key for key in _KEYS if key not in report]:
        return f"Your report lacks {missing[0]!r}; look at the list of keys."
    for key in _KEYS:
        try:
            values = np.asarray(report[key], dtype=float)
        except (TypeError, ValueError):
            return f"{key!r} must hold numbers."
        rows = dict(zip(_KEYS[:2], _sevens()[1:3], strict=True)).get(key)
        if rows is not None and values.shape != (len(rows),):
            return (
                f"{key!r} must hold one score for each of the {len(rows)} rows; "
                f"found the shape {values.shape}. Take the mean over the pixels, axis=1."
            )
        if rows is None and values.size != 1:
            return f"{key!r} must be one number; found the shape {values.shape}."
        if not np.isfinite(values).all():
            return f"{key!r} is not finite. Did the loss become nan?"
    return None


def _threshold_fault(val_score: NDArray, test_score: NDArray, threshold: float) -> str | None:
    """Return what is wrong with the scores, or with the place of the threshold among them."""
    y = _sevens()[3]
    auroc = roc_auc_score(y, test_score)
    if auroc < _mean_image_auroc():
        return "upside down" if auroc < 0.5 else "hardly trained"
    m = int(_BUDGET * (len(val_score) + 1))
    above, false_alarms = int(np.sum(val_score > threshold)), np.mean(test_score[y == 0] > threshold)
    if above == m - 1:
        return None
    if above == m:
        return "one too many"
    if above != m + 1 and abs(false_alarms - _BUDGET) < 1 / np.sum(y == 0):
        return "threshold on the test rows"
    return (
        f"{above} of the {len(val_score)} validation scores lie above your threshold; with a budget of 1 % "
        f"it must be {m - 1}, as the threshold is the m-th largest of them."
    )


def _figures_fault(test_score: NDArray, figures: Mapping[str, float]) -> str | None:
    """Return what is wrong with the figures of a report, given its scores and threshold."""
    y = _sevens()[3]
    if any(figures[key] > 1 for key in _KEYS[3:]):
        return "percent"
    true = {
        "false-alarm rate": np.mean(test_score[y == 0] > figures["threshold"]),
        "recall": np.mean(test_score[y == 1] > figures["threshold"]),
        "AUROC": roc_auc_score(y, test_score),
    }
    for key, value in true.items():
        if abs(figures[key] - value) > 0.006:  # rounding to two places is fine
            return (
                f"Your {key} is {figures[key]:.3f}, but your test scores and your threshold give "
                f"{value:.3f}. Which rows does it count?"
            )
    if figures["simple AUROC"] < 0.5:
        return "The simple AUROC must be that of a method that beats chance: between 0.5 and 1."
    return None


@functools.cache
def _mean_image_auroc() -> float:
    """Return the AUROC of the distance to the mean training image: a network that learned nothing else."""
    train, _, test, y = _sevens()
    return float(roc_auc_score(y, ((test - train.mean(axis=0)) ** 2).mean(axis=1)))


def _lab_has(fault: str) -> Callable[[Any], bool]:
    return lambda lab: _lab_fault(lab) == fault


def _lab_complaint(lab: Any) -> str | None:
    fault = _lab_fault(lab)
    return fault if fault and fault.endswith((".", "?")) else None


def _honest_report(
    val: NDArray, test: NDArray, threshold: float, y_test: NDArray, simple: NDArray
) -> dict[str, Any]:
    return {
        "validation scores": val,
        "test scores": test,
        "threshold": threshold,
        "false-alarm rate": np.mean(test[y_test == 0] > threshold),
        "recall": np.mean(test[y_test == 1] > threshold),
        "AUROC": roc_auc_score(y_test, test),
        "simple AUROC": roc_auc_score(y_test, simple),
    }


def _keras_lab(X_train: NDArray, X_val: NDArray, X_test: NDArray, y_test: NDArray) -> dict[str, Any]:
    """Answer in Keras, as the lesson does; k-NN is the simple method."""
    import keras

    from aecourse import baselines

    model = keras.Sequential(
        [
            keras.Input((784,)),
            keras.layers.Dense(16, activation="relu"),
            keras.layers.Dense(784, activation="sigmoid"),
        ]
    )
    model.compile(optimizer=keras.optimizers.Adam(0.005), loss="mse")
    model.fit(X_train, X_train, epochs=12, batch_size=32, verbose=0)
    val = ((model.predict(X_val, verbose=0) - X_val) ** 2).mean(axis=1)
    test = ((model.predict(X_test, verbose=0) - X_test) ** 2).mean(axis=1)
    threshold = np.sort(val)[-int(0.01 * (len(val) + 1))]
    knn = baselines.KNNDistance(n_neighbors=5, scale=False).fit(X_train)
    return _honest_report(val, test, threshold, y_test, knn.anomaly_score(X_test))


def _scikit_learn_lab(X_train: NDArray, X_val: NDArray, X_test: NDArray, y_test: NDArray) -> dict[str, Any]:
    """Answer with scikit-learn's network, sums for means and the package's rule; PCA is the simple one."""
    from sklearn.decomposition import PCA
    from sklearn.neural_network import MLPRegressor

    from aecourse import thresholds

    network = MLPRegressor(hidden_layer_sizes=16, learning_rate_init=0.01, max_iter=40, random_state=0).fit(
        X_train, X_train
    )
    pca = PCA(16).fit(X_train)
    val = ((network.predict(X_val) - X_val) ** 2).sum(axis=1)
    test = ((network.predict(X_test) - X_test) ** 2).sum(axis=1)
    simple = ((pca.inverse_transform(pca.transform(X_test)) - X_test) ** 2).sum(axis=1)
    return _honest_report(val, test, thresholds.Conformal(rate=0.01).fit(val).threshold_, y_test, simple)


def _wrong_lab(
    threshold: Callable[[NDArray, NDArray], float] = lambda val, test_normal: np.sort(val)[-2],
    sign: int = 1,
    percent: bool = False,
    components: int = 16,
) -> Callable[..., dict[str, Any]]:
    """Return a lab with a linear autoencoder and one mistake."""

    def lab(X_train: NDArray, X_val: NDArray, X_test: NDArray, y_test: NDArray) -> dict[str, Any]:
        mean = X_train.mean(axis=0) if components else 0.3 * X_train.mean(axis=0)
        directions = np.linalg.svd(X_train - mean, full_matrices=False)[2][:components]
        val, test = (
            sign * (((X - mean) - (X - mean) @ directions.T @ directions) ** 2).mean(axis=1)
            for X in (X_val, X_test)
        )
        report = _honest_report(val, test, threshold(val, test[y_test == 0]), y_test, test)
        for key in ("false-alarm rate", "recall") if percent else ():
            report[key] *= 100
        return report

    return lab


register(
    Exercise(
        id="06.1",
        is_right=integer(199),
        why="0.005 · (199 + 1) = 1, so the largest score is the threshold; with one row fewer m would be 0.",
        wrong=(
            Wrong(
                "one over the rate",
                integer(200),
                "Close. It is n + 1 that is multiplied by the rate, since the new row counts too.",
            ),
            Wrong("for one percent", integer(99), "That is for a budget of 1 %; here it is 0.5 %."),
            Wrong("percent taken as a share", integer(1), "0.5 % is 0.005, not 0.5."),
        ),
        hint="m, the whole part of 0.005 · (n + 1), must be at least 1.",
    ),
    Exercise(
        id="06.2",
        is_right=function(_precision, _CASES),
        why="Caught anomalies over all flagged rows, each class weighted by its share.",
        wrong=(
            Wrong(
                "no base rate",
                function(_without_base_rate, _CASES),
                "Weight both classes by their share: the base rate and one minus the base rate.",
            ),
            Wrong(
                "normals not weighted",
                function(_all_rows_false, _CASES),
                "The false-alarm rate is a share of the normal rows; how many of all rows are normal?",
            ),
        ),
        hint="Precision is what is caught, divided by all that is flagged: caught anomalies and false "
        "alarms.",
    ),
    Exercise(
        id="06.3",
        is_right=integer(205_856),
        why="Each layer has inputs · units weights and one bias a unit.",
        wrong=(
            Wrong("no biases", integer(204_800), "You left out the biases: one a unit."),
            Wrong("encoder only", integer(102_544), "That is the encoder; the decoder counts too."),
            Wrong(
                "twice the encoder",
                integer(205_088),
                "The decoder's biases are 128 and 784, not those of the encoder again.",
            ),
        ),
        hint="Sum inputs · units + units over the four layers.",
    ),
    Exercise(
        id="06.4",
        is_right=choice("b", "abc"),
        why="Choosing on the test set makes the report too good; choose first, or on other rows.",
        wrong=(
            Wrong(
                "no threshold",
                choice("a", "abc"),
                "AUROC needs no threshold, but the size was still chosen by looking at test labels.",
            ),
            Wrong(
                "validation loss",
                choice("c", "abc"),
                "Look at the printed table: the lowest loss is that of the largest code. Is that the size "
                "that detects best from every start?",
            ),
        ),
    ),
    Exercise(
        id="06.5",
        is_right=Check(lambda lab: _lab_fault(lab) is None, _lab_complaint),
        why="Your threshold keeps its place among the validation scores, and your report says what your "
        "scores say. Now let it judge a digit of your own.",
        right_example=_keras_lab,
        also_right=(_scikit_learn_lab,),
        wrong=(
            Wrong(
                "threshold on the test rows",
                _lab_has("threshold on the test rows"),
                "Your threshold fits the normal test rows, not the validation rows. Choose it from the "
                "validation scores alone; the test rows are for the report.",
                _wrong_lab(lambda val, test_normal: float(np.quantile(test_normal, 0.99))),
            ),
            Wrong(
                "one too many",
                _lab_has("one too many"),
                "One validation score too many lies above your threshold. The new row counts too: sort the "
                "scores and take the m-th largest, with m the whole part of 0.01 · (n + 1).",
                _wrong_lab(lambda val, test_normal: float(np.quantile(val, 0.99))),
            ),
            Wrong(
                "upside down",
                _lab_has("upside down"),
                "Your AUROC is below 0.5: anomalies get lower scores than normal rows. A high score must "
                "mean anomalous.",
                _wrong_lab(sign=-1),
            ),
            Wrong(
                "hardly trained",
                _lab_has("hardly trained"),
                "Your scores separate less than the distance to the mean training image does. Print the loss "
                "by epoch: does it fall? Train longer, or check that input and target are the same rows.",
                _wrong_lab(components=0),
            ),
            Wrong(
                "percent",
                _lab_has("percent"),
                "Give shares between 0 and 1, not per cent.",
                _wrong_lab(percent=True),
            ),
        ),
        hint="Go through the four steps one by one, and print the shape of what each gives.",
    ),
)

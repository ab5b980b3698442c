"""Exercises of lesson 04, the Keras pipeline."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from aecourse.exercises.checks import Check, Exercise, Wrong, choice, function, integer, register
from aecourse.exercises.memory import remember_last

_ROWS = np.array([[1.0, 2.0], [0.0, 0.0], [3.0, -1.0], [1.0, 1.0]])
_RECONSTRUCTION = np.array([[1.0, 1.0], [0.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
# The mean squared errors are 0.5, 0, 6.5 and 1: one of them equals the second threshold.
_CASES = ((_ROWS, _RECONSTRUCTION, 0.4), (_ROWS, _RECONSTRUCTION, 1.0), (_ROWS, _RECONSTRUCTION, 7.0))


def _errors(X, reconstruction):
    return (np.asarray(X) - np.asarray(reconstruction)) ** 2


def _flag(X, reconstruction, threshold):
    return (_errors(X, reconstruction).mean(axis=1) > threshold).astype(int)


def _at_or_above(X, reconstruction, threshold):
    return (_errors(X, reconstruction).mean(axis=1) >= threshold).astype(int)


def _summed(X, reconstruction, threshold):
    return (_errors(X, reconstruction).sum(axis=1) > threshold).astype(int)


def _down_the_columns(X, reconstruction, threshold):
    return (_errors(X, reconstruction).mean(axis=0) > threshold).astype(int)


def _below(X, reconstruction, threshold):
    return (_errors(X, reconstruction).mean(axis=1) < threshold).astype(int)


def _has_shape(shape):
    """Return a test for a function that returns this shape, whatever the values."""
    return lambda answer: np.shape(answer(*_CASES[0])) == shape


# 04.5, the recipe on another table. The student's function is trained on 95 wines.
_BUDGET = 0.05
_DAMAGED = ("hue", "nonflavanoid_phenols")  # columns in small units
_Detector = Callable[[pd.DataFrame, pd.DataFrame], pd.DataFrame]


@functools.cache
def _wines() -> tuple[pd.DataFrame, pd.DataFrame, NDArray]:
    """Return known wines, wines to judge with their columns turned round, and the kind of each of these."""
    from sklearn.datasets import load_wine
    from sklearn.model_selection import train_test_split

    table, grower = load_wine(return_X_y=True, as_frame=True)
    known, fresh = train_test_split(table[grower != 0], test_size=24, random_state=0)
    damaged = [
        fresh.assign(**{column: known[column].mean() + 6 * known[column].std()}) for column in _DAMAGED
    ]
    new = pd.concat([fresh, table[grower == 0].iloc[:30], *damaged])
    kinds = np.repeat(["sound", "foreign", *_DAMAGED], [24, 30, 24, 24])
    new.index = pd.Index([f"wine {place}" for place in range(len(new))])
    return known, new[new.columns[::-1]], kinds


@remember_last
def _detector_fault(detector: Any) -> str | None:
    """Return the first thing that is wrong with a detector: a sentence, or the name of a usual mistake."""
    if not callable(detector):
        return "Give the function wine_detector itself, without calling it."
    known, new, kinds = _wines()
    try:
        judged = detector(known.copy(), new.copy())
    except (Exception, SystemExit) as error:
        words = str(error).strip().split("\n")[0][:200].rstrip(".")
        return f"Your function stops with {type(error).__name__}{words and ': '}{words}."
    if fault := _table_fault(judged, new):
        return fault
    score, flagged = judged["score"].to_numpy(float), judged["flagged"].to_numpy(bool)
    return _flags_fault(score, flagged, kinds)


def _table_fault(judged: Any, new: pd.DataFrame) -> str | None:
    """Return what is wrong with the form of the table that a detector returned."""
    if judged is None:
        return "Your function returns None; does it end with a return statement?"
    if not isinstance(judged, pd.DataFrame):
        return f"Return a DataFrame; found something of type {type(judged).__name__}."
    if missing := [name for name in ("score", "flagged") if name not in judged]:
        return f"Your table lacks the column {missing[0]!r}; found {list(judged.columns)[:5]}."
    if not judged.index.equals(new.index):
        return "Your table must have the index of new, one row for each wine in the same order."
    try:
        finite = np.isfinite(judged["score"].to_numpy(float)).all()
        judged["flagged"].to_numpy(bool)
    except (TypeError, ValueError):
        return "The column 'score' must hold numbers, and 'flagged' truth values."
    return None if finite else "Some scores are not finite. Did the loss become nan?"


def _flags_fault(score: NDArray, flagged: NDArray, kinds: NDArray) -> str | None:
    """Return what is wrong with the scores and the flags of a detector."""
    share = {kind: flagged[kinds == kind].mean() for kind in np.unique(kinds)}
    compared = np.isin(kinds, ("sound", "foreign"))
    if roc_auc_score(kinds[compared] == "foreign", score[compared]) < 0.5:
        return "upside down"
    if share["sound"] > 0.9:
        return "columns"
    if not flagged.any():
        return "nothing flagged"
    if score[flagged].mean() < score[~flagged].mean():
        return "upside down"
    if score[flagged].min() <= score[~flagged].max():
        return "A wine is flagged whose score is not above that of one that is not: use one threshold."
    if share["sound"] > 0.25:
        return "too many"
    if min(share[column] for column in _DAMAGED) < 0.5:
        return "not scaled"
    if share["foreign"] < 0.3:
        return "Hardly any wine of the third grower is flagged. Print the loss by epoch: does it fall?"
    return None


def _detector_has(fault: str) -> Callable[[Any], bool]:
    return lambda detector: _detector_fault(detector) == fault


def _detector_complaint(detector: Any) -> str | None:
    fault = _detector_fault(detector)
    return fault if fault and fault.endswith((".", "?")) else None


def _keras_detector(known: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Answer in Keras, as the lesson does."""
    import keras
    from sklearn.model_selection import train_test_split

    fit, for_threshold = train_test_split(known, test_size=25, random_state=1)
    mean, deviation = fit.mean(), fit.std()
    model = keras.Sequential(
        [
            keras.Input((known.shape[1],)),
            keras.layers.Dense(5, activation="tanh"),
            keras.layers.Dense(known.shape[1]),
        ]
    )
    model.compile(optimizer=keras.optimizers.Adam(0.02), loss="mse")
    Z = ((fit - mean) / deviation).to_numpy()
    model.fit(Z, Z, epochs=40, batch_size=16, verbose=0)

    def score(table: pd.DataFrame) -> NDArray:
        Z = ((table[known.columns] - mean) / deviation).to_numpy()
        return np.mean((model.predict(Z, verbose=0) - Z) ** 2, axis=1)

    limit = np.sort(score(for_threshold))[-int(0.05 * (len(for_threshold) + 1))]
    judged = pd.DataFrame({"score": score(new)}, index=new.index)
    judged["flagged"] = judged["score"] > limit
    return judged


def _scikit_learn_detector(known: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Answer with scikit-learn's network in a pipeline, flags as 0 and 1."""
    from sklearn.neural_network import MLPRegressor
    from sklearn.preprocessing import StandardScaler

    from aecourse import thresholds

    shuffled = known.sample(frac=1, random_state=0)
    fit, for_threshold = shuffled[:65], shuffled[65:]
    scaler = StandardScaler().fit(fit)
    Z = scaler.transform(fit)
    network = MLPRegressor(
        hidden_layer_sizes=5, activation="tanh", learning_rate_init=0.02, max_iter=300, random_state=0
    )
    network.fit(Z, Z)

    def score(table: pd.DataFrame) -> NDArray:
        Z = scaler.transform(table[list(known)])
        return ((network.predict(Z) - Z) ** 2).sum(axis=1)

    rule = thresholds.Conformal(rate=0.05).fit(score(for_threshold))
    return pd.DataFrame({"score": score(new), "flagged": rule.predict(score(new))}, new.index)


def _wrong_detector(mistake: str) -> _Detector:
    """Return a linear autoencoder with one mistake."""

    def detector(known: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
        fit, for_threshold = known[:70], known[70:]
        ours = new if mistake == "columns" else new[known.columns]
        if mistake == "too many":
            fit = for_threshold = known[:24]
        mean, deviation = fit.mean().to_numpy(), fit.std().to_numpy()
        if mistake == "not scaled":
            deviation = np.ones_like(deviation)
        kept = 11 if mistake == "too many" else 4
        directions = np.linalg.svd((fit.to_numpy() - mean) / deviation, full_matrices=False)[2][:kept]

        def score(table: pd.DataFrame) -> NDArray:
            Z = (table.to_numpy() - mean) / deviation
            return ((Z - Z @ directions.T @ directions) ** 2).mean(axis=1)

        limit = np.sort(score(for_threshold))[-int(_BUDGET * (len(for_threshold) + 1))]
        limit *= 1000 if mistake == "nothing flagged" else 1
        judged = pd.DataFrame({"score": score(ours), "flagged": score(ours) > limit}, new.index)
        if mistake == "upside down":
            judged["score"] *= -1
        return judged

    return detector


register(
    Exercise(
        id="04.1",
        is_right=choice("c"),
        why="tanh returns numbers between -1 and 1, and a linear output any number.",
        wrong=(
            Wrong("sigmoid", choice("a"), "A sigmoid returns nothing below 0."),
            Wrong("relu", choice("b"), "A relu returns nothing below 0."),
            Wrong("softmax", choice("d"), "Softmax outputs are positive and sum to 1 over the columns."),
        ),
    ),
    Exercise(
        id="04.2",
        is_right=integer(8126),
        why="Each layer has inputs · units weights and one bias a unit: 1984 + 2080 + 2112 + 1950.",
        wrong=(
            Wrong("no biases", integer(7936), "You left out the biases: one a unit."),
            Wrong("encoder only", integer(4064), "That is the encoder; the decoder counts too."),
            Wrong(
                "twice the encoder",
                integer(8128),
                "The decoder's biases are 64 and 30, not those of the encoder again.",
            ),
        ),
        hint="Sum inputs · units + units over the four layers.",
    ),
    Exercise(
        id="04.3",
        is_right=function(_flag, _CASES),
        why="One mean a row, over the columns; a score equal to the threshold is not flagged.",
        wrong=(
            Wrong(
                "at or above",
                function(_at_or_above, _CASES),
                "A row whose score equals the threshold is not flagged: strictly above.",
            ),
            Wrong("sum", function(_summed, _CASES), "Take the mean over the columns, not the sum."),
            Wrong(
                "down the columns",
                _has_shape((2,)),
                "You get one value a column; average over axis 1, so that each row gets one.",
                _down_the_columns,
            ),
            Wrong("turned round", function(_below, _CASES), "A high error is an anomaly: flag above."),
        ),
        hint="Square the differences, average each row over its columns, and compare with the threshold.",
    ),
    Exercise(
        id="04.4",
        is_right=integer(2),
        why="The crosses are numbered among themselves, from 0, and row 11 is the third of them.",
        wrong=(
            Wrong("its own index", integer(11), "That would be right, and it is not what the plot does."),
            Wrong("counted from one", integer(3), "Count the crosses from 0, as range(len(...)) does."),
            Wrong("the false one", integer(4), "There are four crosses, at 0 to 3; which one is row 11?"),
        ),
        hint="The plot draws the flagged errors against range(4). In which place is row 11 among them?",
    ),
    Exercise(
        id="04.5",
        is_right=Check(lambda detector: _detector_fault(detector) is None, _detector_complaint),
        why="It sees wines of another grower and single wrong values in small units, and it leaves nearly "
        "all sound wines alone.",
        right_example=_keras_detector,
        also_right=(_scikit_learn_detector,),
        wrong=(
            Wrong(
                "upside down",
                _detector_has("upside down"),
                "Foreign wines get lower scores than sound ones, or the flagged wines lower scores than the "
                "others. A high score must mean anomalous.",
                _wrong_detector("upside down"),
            ),
            Wrong(
                "columns",
                _detector_has("columns"),
                "Nearly all sound wines are flagged. Print new.columns and known.columns: are they in the "
                "same order? And is new scaled with the numbers of the wines that were fitted?",
                _wrong_detector("columns"),
            ),
            Wrong(
                "nothing flagged",
                _detector_has("nothing flagged"),
                "No wine is flagged at all. Print the threshold and the scores: are they in the same units?",
                _wrong_detector("nothing flagged"),
            ),
            Wrong(
                "too many",
                _detector_has("too many"),
                "More than a quarter of the sound wines are flagged. Do the scores that set the threshold "
                "come from wines on which nothing was fitted?",
                _wrong_detector("too many"),
            ),
            Wrong(
                "not scaled",
                _detector_has("not scaled"),
                "A wine whose hue is six standard deviations too high passes. The columns have very "
                "different units: are they scaled?",
                _wrong_detector("not scaled"),
            ),
        ),
        hint="Go through the steps of the recipe one by one, and print the shape of what each gives.",
    ),
)

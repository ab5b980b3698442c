"""Exercises of lesson 05, the Iris lab."""

import functools
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from aecourse.exercises.checks import Check, Exercise, Wrong, array, integer, number, register
from aecourse.exercises.memory import remember_last

# 05.5, a third kind of anomaly. The student's function is run on 30 flowers.
_Design = Callable[[pd.DataFrame, np.random.Generator], Any]
_EXACT = 1e-9  # centimetres; less is rounding
_FOUND = 0.8  # AUROC that one of the two detectors must reach


@functools.cache
def _flowers() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return all flowers, 80 to fit a detector, 40 to test it, and the 30 that are to be damaged."""
    from sklearn.datasets import load_iris

    table = load_iris(as_frame=True).data
    order = np.random.default_rng(5).permutation(len(table))
    return table, table.iloc[order[:80]], table.iloc[order[80:120]], table.iloc[order[120:]]


def _run_design(design: _Design, seed: int) -> tuple[Any, bool]:
    """Return what a student's function returns, or its error, and whether its input stayed as it was."""
    sound = _flowers()[3].copy()
    try:
        damaged = design(sound, np.random.default_rng(seed))
    except (Exception, SystemExit) as error:
        damaged = error
    return damaged, sound.equals(_flowers()[3])


@remember_last
def _design_fault(design: Any) -> str | None:
    """Return the first thing that is wrong with the anomalies: a sentence, or the name of a usual mistake."""
    if not callable(design):
        return "Give the function my_anomaly itself, without calling it."
    damaged, unchanged = _run_design(design, seed=0)
    if fault := _frame_fault(damaged):
        return fault
    if not unchanged:
        return "input changed"
    values = damaged.to_numpy(float)
    if fault := _values_fault(values):
        return fault
    if not np.allclose(values, _run_design(design, seed=0)[0].to_numpy(float), atol=_EXACT):
        return "another generator"
    if np.allclose(values, _run_design(design, seed=1)[0].to_numpy(float), atol=_EXACT):
        return "no generator"
    return None if max(_aurocs(values)) >= _FOUND else "not found"


def _frame_fault(damaged: Any) -> str | None:
    """Return what is wrong with the form of the damaged flowers."""
    sound = _flowers()[3]
    if isinstance(damaged, BaseException):
        words = str(damaged).strip().split("\n")[0][:200].rstrip(".")
        return f"Your function stops with {type(damaged).__name__}{words and ': '}{words}."
    if damaged is None:
        return "Your function returns None; does it end with a return statement?"
    if not isinstance(damaged, pd.DataFrame):
        return f"Return a DataFrame; found something of type {type(damaged).__name__}."
    if not (damaged.index.equals(sound.index) and damaged.columns.equals(sound.columns)):
        return "Your table must have the index and the columns of sound, in the same order."
    try:
        finite = np.isfinite(damaged.to_numpy(float)).all()
    except (TypeError, ValueError):
        finite = False
    return None if finite else "Every value must be a finite number."


def _values_fault(values: NDArray) -> str | None:
    """Return what is wrong with the values of the damaged flowers."""
    table, _, _, frame = _flowers()
    real, sound = table.to_numpy(), frame.to_numpy()
    if (values < real.min(axis=0) - _EXACT).any() or (values > real.max(axis=0) + _EXACT).any():
        return "out of range"
    changes = np.sum(np.abs(values - sound) > _EXACT, axis=1)
    if changes.min() == 0:
        return "unchanged"
    if changes.min() == 1:
        return "one value"
    if np.abs(values - sound[:, [2, 1, 0, 3]]).max(axis=1).min() < _EXACT:
        return "swapped"
    if np.abs(values[:, None] - real).max(axis=2).min() < _EXACT:
        return "real flower"
    return None


def _aurocs(values: NDArray) -> list[float]:
    """Return the AUROC of two detectors, fitted on sound flowers, for these anomalies."""
    from aecourse import baselines

    _, fit, test, _ = _flowers()
    y = np.repeat([0, 1], [len(test), len(values)])
    both = np.vstack([test, values])
    detectors = (baselines.MahalanobisDistance(), baselines.KNNDistance(n_neighbors=5))
    return [float(roc_auc_score(y, each.fit(fit.to_numpy()).anomaly_score(both))) for each in detectors]


def _design_has(fault: str) -> Callable[[Any], bool]:
    return lambda design: _design_fault(design) == fault


def _design_complaint(design: Any) -> str | None:
    fault = _design_fault(design)
    return fault if fault and fault.endswith((".", "?")) else None


def _mirrored(sound: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Answer with the petals mirrored in the middle of their range: long sepals get short petals."""
    table, damaged = _flowers()[0], sound.copy()
    for name in ("petal length (cm)", "petal width (cm)"):
        low, high = table[name].min(), table[name].max()
        damaged[name] = (low + high - sound[name] + rng.normal(0, 0.1, len(sound))).clip(low, high)
    return damaged


def _anywhere(sound: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Answer with flowers drawn evenly from the box that holds all flowers."""
    table = _flowers()[0]
    drawn = rng.uniform(table.min(), table.max(), sound.shape)
    return pd.DataFrame(drawn, index=sound.index, columns=sound.columns)


def _in_place(sound: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    sound.loc[:, :] = _mirrored(sound, rng)
    return sound


def _in_inches(sound: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    return sound / rng.normal(2.54, 0.01)


def _some_left(sound: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    damaged = _mirrored(sound, rng)
    damaged.iloc[:10] = sound.iloc[:10]
    return damaged


def _borrowed(sound: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    width = sound.columns[1]
    return sound.assign(**{width: 0.5 * sound[width] + 0.5 * rng.permutation(sound[width]) + 0.01})


def _swapped(sound: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    damaged = _mirrored(sound, rng)
    first = sound[sound.iloc[:, 2].between(4.4, 6) & (sound.iloc[:, 0] < 6.8)].iloc[0]  # fits both ranges
    damaged.loc[first.name] = first.to_numpy()[[2, 1, 0, 3]]
    return damaged


def _other_flowers(sound: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    return sound[::-1].set_axis(sound.index)


def _own_generator(sound: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    return _mirrored(sound, np.random.default_rng())


def _without_generator(sound: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    return _mirrored(sound, np.random.default_rng(0))


def _shaken(sound: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    table = _flowers()[0]
    return (sound + rng.normal(0, 0.05, sound.shape)).clip(table.min(), table.max(), axis=1)


register(
    Exercise(
        id="05.1",
        is_right=number(0.52, 0.001),
        why="The positive values can be returned exactly; of the negative ones all of z² remains: (1.44 + "
        "0.64) / 4.",
        wrong=(
            Wrong(
                "mean over the negatives",
                number(1.04, 0.001),
                "Divide by all four values; the two positive ones have an error of 0.",
            ),
            Wrong(
                "predicting zero",
                number(1.2, 0.001),
                "That is the error of predicting zero. A relu can return the positive values.",
            ),
            Wrong("absolute values", number(0.5, 0.001), "Square the errors before you average."),
            Wrong("no error", number(0, 0.001), "A relu returns no negative number, so some error remains."),
        ),
        also_right=(Fraction(13, 25), [0.52]),
        hint="Which output is the best for each value, if it must not be negative? Average the squared "
        "errors.",
    ),
    Exercise(
        id="05.2",
        is_right=array([10, 60]),
        why="A batch cannot hold more rows than there are: one step an epoch; and 96 / 16 = 6 steps an "
        "epoch.",
        wrong=(
            Wrong("rows seen", array([960, 960]), "That counts rows. A step uses a whole batch."),
            Wrong("one epoch", array([1, 6]), "That is one epoch; there are ten."),
            Wrong(
                "rows before the validation split",
                array([10, 80]),
                "Training uses 96 rows: the last fifth of the 120 is kept for validation.",
            ),
        ),
        hint="Steps in an epoch: rows / batch size, rounded up.",
    ),
    Exercise(
        id="05.3",
        is_right=integer(49),
        why="0.02 · (49 + 1) = 1: the largest score is the threshold. With one row fewer there is none.",
        wrong=(
            Wrong(
                "one over the rate",
                integer(50),
                "Close. It is n + 1 that is multiplied by the rate, since the new row counts too.",
            ),
            Wrong("for one percent", integer(99), "That is for a budget of 1 %; here it is 2 %."),
            Wrong(
                "for the smallest rate here",
                integer(16),
                "16 rows can promise 1/17, and that is more than 2 %.",
            ),
        ),
        hint="m, the whole part of 0.02 · (n + 1), must be at least 1.",
    ),
    Exercise(
        id="05.4",
        is_right=number(1 - 0.025 ** (1 / 20), 0.002),
        why="(1 - f)^20 = 0.025 gives f = 16.8 %. No alarm among 20 is a weak proof of a low rate.",
        right_example=0.168,
        also_right=(1 - 0.025 ** (1 / 20),),
        wrong=(
            Wrong(
                "no width",
                number(0, 0.0005),
                "None of 20 does not mean none at all: at a rate of 5 % it happens in a third of the cases.",
            ),
            Wrong(
                "one-sided",
                number(1 - 0.05 ** (1 / 20), 0.002),
                "That leaves 5 % on one side. A two-sided 95 % interval leaves 2.5 % on each.",
                0.139,
            ),
            Wrong(
                "rule of three",
                number(3 / 20, 0.0005),
                "Three over n is a rule of thumb for the one-sided limit; solve the equation.",
                0.15,
            ),
            Wrong("percent", number(16.84, 0.2), "Give a fraction between 0 and 1.", 16.8),
        ),
        hint="No alarm among 20 has probability (1 - f)^20. Set it to 0.025 and solve for f.",
    ),
    Exercise(
        id="05.5",
        is_right=Check(lambda design: _design_fault(design) is None, _design_complaint),
        why="No column alone gives your anomalies away; detectors that look at the combination find them.",
        right_example=_mirrored,
        also_right=(_anywhere,),
        wrong=(
            Wrong(
                "input changed",
                _design_has("input changed"),
                "Your function changes the flowers that it is given. Begin with damaged = sound.copy().",
                _in_place,
            ),
            Wrong(
                "out of range",
                _design_has("out of range"),
                "Some values lie outside the range of their column, so that a look at one column finds them. "
                "Compare damaged.min() and damaged.max() with those of the whole table.",
                _in_inches,
            ),
            Wrong(
                "unchanged",
                _design_has("unchanged"),
                "Some flowers are returned as they were. Print (damaged != sound).sum(axis=1).",
                _some_left,
            ),
            Wrong(
                "one value",
                _design_has("one value"),
                "In some flowers one value only has changed: that is the borrowed kind of the lesson. Print "
                "(damaged != sound).sum(axis=1).",
                _borrowed,
            ),
            Wrong(
                "swapped",
                _design_has("swapped"),
                "Some flowers have nothing but their sepal and petal length swapped, a kind that the lesson "
                "has already.",
                _swapped,
            ),
            Wrong(
                "real flower",
                _design_has("real flower"),
                "Some of your anomalies are exact copies of real flowers of the table, so they are sound.",
                _other_flowers,
            ),
            Wrong(
                "another generator",
                _design_has("another generator"),
                "The same seed gives other anomalies in a second call. Draw every random number from rng.",
                _own_generator,
            ),
            Wrong(
                "no generator",
                _design_has("no generator"),
                "Two generators with different seeds give the same anomalies. Draw something from rng.",
                _without_generator,
            ),
            Wrong(
                "not found",
                _design_has("not found"),
                "Neither k-NN nor Mahalanobis distance reaches an AUROC of 0.8: your anomalies are too "
                "similar to sound flowers. Which relation between the columns do real flowers keep?",
                _shaken,
            ),
        ),
        hint="Think of a relation that sound flowers keep, such as long petals being wide, and break it.",
    ),
)

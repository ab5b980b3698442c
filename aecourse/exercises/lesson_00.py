"""Exercises of lesson 00, start here: two small ones that show what a self-check says."""

import numpy as np

from aecourse.exercises.checks import Exercise, Wrong, function, integer, register

# scores, threshold; one score of each case lies on the threshold
_CASES = (
    (np.array([0.2, 0.5, 0.9]), 0.5),
    (np.array([3.0, 1.0, 2.0, 2.0]), 2.0),
)


def _flag(score, threshold):
    return (np.asarray(score) > threshold).astype(int)


def _not_strictly(score, threshold):
    return (np.asarray(score) >= threshold).astype(int)


def _below(score, threshold):
    return (np.asarray(score) < threshold).astype(int)


def _plus_minus(score, threshold):
    return np.where(np.asarray(score) > threshold, -1, 1)


register(
    Exercise(
        id="00.1",
        is_right=integer(2),
        why="1 means anomaly, 0 means normal, in every lesson.",
        wrong=(
            Wrong(
                "counted the normals",
                integer(3),
                "You counted the zeros; which of the two numbers means anomaly?",
            ),
            Wrong("counted all", integer(5), "That is the number of rows; count the anomalies only."),
        ),
        hint="Count the labels that mean anomaly.",
    ),
    Exercise(
        id="00.2",
        is_right=function(_flag, _CASES),
        why="A row on the threshold passes; only those above it are flagged.",
        wrong=(
            Wrong(
                "on the threshold",
                function(_not_strictly, _CASES),
                "Nearly. What does your function say of a score that equals the threshold?",
            ),
            Wrong("below", function(_below, _CASES), "The other way round: a high score is an anomaly."),
            Wrong(
                "scikit-learn's signs",
                function(_plus_minus, _CASES),
                "-1 and +1 are scikit-learn's signs; here 1 is a flagged row, and 0 every other row.",
            ),
        ),
        hint="Compare the scores with the threshold, and turn True and False into 1 and 0.",
        also_right=(lambda score, threshold: np.asarray(score) > threshold,),
    ),
)

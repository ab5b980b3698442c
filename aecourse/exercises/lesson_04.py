"""Exercises of lesson 04, the Keras pipeline."""

import numpy as np

from aecourse.exercises.checks import Exercise, Wrong, choice, function, integer, register

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
        is_right=integer(147),
        why="The anomalies start at row 107, and the cross is number 40 of them, counted from 0: 107 + 40.",
        wrong=(
            Wrong(
                "the plot's index", integer(40), "Test row 40 is benign. The crosses are numbered separately."
            ),
            Wrong("counted from one", integer(148), "Both count from 0: the first anomaly is row 107."),
            Wrong("one short", integer(146), "107 benign rows are the rows 0 to 106."),
        ),
        hint="The first cross, at 0, is the first malignant row. Which row of the test set is that?",
    ),
    Exercise(
        id="04.5",
        is_right=choice("b"),
        why="Like the model it is a thing fitted. Validation and test rows have to meet it as new rows will.",
        wrong=(
            Wrong(
                "all",
                choice("a"),
                "Test rows would leak into it, and anomalies stretch the scale that should show them.",
            ),
            Wrong(
                "validation too",
                choice("c"),
                "Then the validation scores, which set the threshold, are no longer those of new rows.",
            ),
            Wrong(
                "the new rows", choice("d"), "Scaled by themselves, rows that are all too large look normal."
            ),
        ),
    ),
)

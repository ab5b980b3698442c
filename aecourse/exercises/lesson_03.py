"""Exercises of lesson 03, the autoencoder from equations."""

import numpy as np

from aecourse.exercises.checks import Exercise, Wrong, function, integer, number, register


def _sigmoid(z):
    return 1 / (1 + np.exp(-z))


def _before_sigmoid(X, output):
    return 2 / X.size * (output - X) * output * (1 - output)


def _bias_gradient(X, output):
    return _before_sigmoid(X, output).sum(axis=0)


def _bias_mean(X, output):
    return _before_sigmoid(X, output).mean(axis=0)


def _bias_sign(X, output):
    return -_bias_gradient(X, output)


def _bias_no_slope(X, output):
    return (2 / X.size * (output - X)).sum(axis=0)


def _bias_no_average(X, output):
    return X.size * _bias_gradient(X, output)


def _bias_rows_only(X, output):
    return X.shape[1] * _bias_gradient(X, output)


def _bias_no_two(X, output):
    return _bias_gradient(X, output) / 2


def _bias_every_row(X, output):
    return _before_sigmoid(X, output)


def _tied_parts(X, W):
    """Return the gradients of W as encoder and as decoder."""
    H = _sigmoid(X @ W)
    D2 = _before_sigmoid(X, _sigmoid(H @ W.T))
    return X.T @ ((D2 @ W) * H * (1 - H)), (H.T @ D2).T


def _tied_gradient(X, W):
    encoder, decoder = _tied_parts(X, W)
    return encoder + decoder


def _tied_encoder(X, W):
    return _tied_parts(X, W)[0]


def _tied_decoder(X, W):
    return _tied_parts(X, W)[1]


def _tied_mean(X, W):
    return _tied_gradient(X, W) / 2


_rng = np.random.default_rng(3)
_ROWS_AND_OUTPUTS = [(_rng.random((n, d)), _rng.random((n, d))) for n, d in ((1, 3), (5, 4))]
_ROWS_AND_WEIGHTS = [(_rng.random((n, d)), _rng.normal(size=(d, k))) for n, d, k in ((1, 3, 2), (6, 4, 3))]


register(
    Exercise(
        id="03.1",
        is_right=integer(430),
        why="200 weights and 10 biases in the first layer, 200 weights and 20 biases in the second.",
        wrong=(
            Wrong("no biases", integer(400), "Those are the weights; the biases come on top."),
            Wrong("biases of the code", integer(410), "The output layer's units have biases too."),
            Wrong("biases of the output", integer(420), "The code's units have biases too."),
            Wrong(
                "biases of the input",
                integer(440),
                "A bias belongs to a unit that computes something; the 20 inputs do not.",
            ),
            Wrong(
                "biases of three layers",
                integer(450),
                "A bias belongs to a unit that computes something; the 20 inputs do not.",
            ),
        ),
        hint="Each layer has inputs · units weights and one bias a unit.",
    ),
    Exercise(
        id="03.2",
        is_right=function(_bias_gradient, _ROWS_AND_OUTPUTS),
        why="The bias is added to every row, so the rows of D2 are summed.",
        wrong=(
            Wrong(
                "mean over the rows",
                function(_bias_mean, _ROWS_AND_OUTPUTS),
                "The 1 / n is in D2 already. A bias acts on every row, and effects add up.",
            ),
            Wrong(
                "sign",
                function(_bias_sign, _ROWS_AND_OUTPUTS),
                "The size is right. Does the loss rise or fall when an output that is too high rises?",
            ),
            Wrong(
                "no slope",
                function(_bias_no_slope, _ROWS_AND_OUTPUTS),
                "The bias stands inside the sigmoid: its slope O (1 − O) belongs to the chain.",
            ),
            Wrong(
                "no average",
                function(_bias_no_average, _ROWS_AND_OUTPUTS),
                "The loss is a mean over all entries; where is the number of entries?",
            ),
            Wrong(
                "average over rows only",
                function(_bias_rows_only, _ROWS_AND_OUTPUTS),
                "The loss is averaged over the columns as well as over the rows.",
            ),
            Wrong(
                "no two",
                function(_bias_no_two, _ROWS_AND_OUTPUTS),
                "Half of it: the derivative of a square has a factor 2.",
            ),
            Wrong(
                "every row",
                function(_bias_every_row, _ROWS_AND_OUTPUTS),
                "That is D2, with one row for each row of X. There is one bias for each column.",
            ),
        ),
        hint="A bias is a weight from an input that is always 1. Put a column of ones for A into fact 3.",
    ),
    Exercise(
        id="03.3",
        is_right=number(0.00005, 1e-9),
        why="Her gradient is 20 times as large, so the rate must be 20 times as small.",
        wrong=(
            Wrong(
                "wrong direction",
                number(0.02, 1e-6),
                "Summing makes the gradient larger. Must the rate then grow or shrink?",
            ),
            Wrong(
                "batch size too",
                number(0.001 / 640, 1e-9),
                "She still averages over the 32 rows; only the 20 columns are summed.",
            ),
            Wrong(
                "batch size instead",
                number(0.001 / 32, 1e-9),
                "She still averages over the 32 rows; it is the columns that are summed.",
            ),
            Wrong(
                "unchanged",
                number(0.001, 1e-9),
                "The steps would differ: by which factor does her gradient differ?",
            ),
        ),
        hint="A step is rate times gradient. By which factor does her gradient differ?",
    ),
    Exercise(
        id="03.4",
        is_right=function(_tied_gradient, _ROWS_AND_WEIGHTS),
        why="W stands in two places, and a weight's effects add up.",
        wrong=(
            Wrong(
                "encoder only",
                function(_tied_encoder, _ROWS_AND_WEIGHTS),
                "That is W's part as encoder. W also stands in the decoder.",
            ),
            Wrong(
                "decoder only",
                function(_tied_decoder, _ROWS_AND_WEIGHTS),
                "That is W's part as decoder. W also stands in the encoder.",
            ),
            Wrong(
                "mean of both",
                function(_tied_mean, _ROWS_AND_WEIGHTS),
                "Both parts are there, but halved. Effects add up; they are not averaged.",
            ),
        ),
        hint="Write both gradients as in section 1.3 with W2 = Wᵀ, bring them to W's shape, and add them.",
    ),
)

"""Exercises of lesson 10, autoencoder variants."""

import numpy as np

from aecourse.exercises.checks import Exercise, Wrong, choice, function, integer, number, register


def _divergence(mean, log_var):
    return 0.5 * (np.square(mean) + np.exp(log_var) - 1 - log_var).sum(axis=1)


def _without_half(mean, log_var):
    return 2 * _divergence(mean, log_var)


def _mean_over_units(mean, log_var):
    return _divergence(mean, log_var) / np.shape(mean)[1]


def _one_number(mean, log_var):
    return _divergence(mean, log_var).sum()


def _without_the_logarithm(mean, log_var):
    return 0.5 * (np.square(mean) + np.exp(log_var) - 1).sum(axis=1)


# means and log variances of a few rows
_CASES = (
    (np.zeros((2, 3)), np.zeros((2, 3))),
    (np.array([[1.0, -2.0], [0.5, 0.0]]), np.array([[0.0, 0.3], [-1.0, -4.0]])),
    (np.array([[3.0], [0.1], [-0.7]]), np.array([[-2.0], [0.5], [0.0]])),
)


register(
    Exercise(
        id="10.1",
        is_right=integer(13_908),
        why="Two kernels, 196 · 64 and 64 · 16, used both ways, and the biases 64, 16, 64 and 196.",
        wrong=(
            Wrong(
                "not tied",
                integer(27_476),
                "That is the dense network: it has kernels of its own on the way back.",
            ),
            Wrong(
                "no biases", integer(13_568), "You left out the biases; each layer's outputs have their own."
            ),
            Wrong(
                "encoder only",
                integer(13_648),
                "The kernels are shared, the biases are not: the way back has biases too.",
            ),
            Wrong(
                "half of dense",
                integer(13_738),
                "Only the kernels are shared; half of the whole halves the biases too.",
            ),
        ),
        hint="Count each kernel once, and the biases of all four layers.",
    ),
    Exercise(
        id="10.2",
        is_right=function(_divergence, _CASES),
        why="Half the sum, over the units, of mean² + variance − 1 − log variance; it is 0 for mean 0 and "
        "variance 1.",
        wrong=(
            Wrong("no half", function(_without_half, _CASES), "There is a factor of one half."),
            Wrong(
                "mean over units",
                function(_mean_over_units, _CASES),
                "The divergences of the units add up: take the sum over them, not the mean.",
            ),
            Wrong(
                "one number for all",
                function(_one_number, _CASES),
                "One number a row is wanted: sum over the units only (axis=1).",
            ),
            Wrong(
                "no logarithm",
                function(_without_the_logarithm, _CASES),
                "Without − log variance nothing keeps the variance from shrinking to 0.",
            ),
        ),
        hint="Try it on a mean of 0 and a log variance of 0: the answer is 0.",
    ),
    Exercise(
        id="10.3",
        is_right=number(0.04, 1e-9),
        why="The squared error divided by beta is the squared error divided by twice the variance.",
        wrong=(
            Wrong("the variance", number(0.02, 1e-9), "Compare error / beta with error / (2 · variance)."),
            Wrong("half", number(0.01, 1e-9), "The other way round: beta / 2 is the variance."),
        ),
        hint="In nats a squared error counts 1 / (2 · variance); in this loss it counts 1 / beta.",
    ),
    Exercise(
        id="10.4",
        is_right=choice("c", "abc"),
        why="Another start gives another network; only more starts show how much that moves the figure.",
        wrong=(
            Wrong(
                "other test rows",
                choice("a", "abc"),
                "That is what the bootstrap imitates: it draws test rows again and again.",
            ),
            Wrong(
                "hard rows",
                choice("b", "abc"),
                "Pairing takes care of that: both networks are measured on the same resamples.",
            ),
        ),
    ),
)

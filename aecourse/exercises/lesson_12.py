"""Exercises of lesson 12, the ten-digit benchmark."""

import numpy as np

from aecourse.exercises.checks import Exercise, Wrong, choice, function, number, register

# One-class Deep SVDD, digit by digit, in percent, as published.
DEEP_SVDD = (98.0, 99.7, 91.7, 91.9, 94.9, 88.5, 98.3, 94.6, 93.9, 96.5)
_WITHOUT_WORST = float(np.mean(sorted(DEEP_SVDD)[1:])) / 100


def _overall(aurocs, counts):
    return float(np.average(aurocs, weights=counts))


def _unweighted(aurocs, counts):
    return float(np.mean(aurocs))


def _smallest(aurocs, counts):
    return float(np.min(aurocs))


# AUROC of each kind of anomaly, and how many of each there are
_CASES = (((0.99, 0.90), (900, 100)), ((0.95, 0.85, 0.6), (10, 10, 80)), ((0.7,), (5,)))


register(
    Exercise(
        id="12.1",
        is_right=number(0.948, 0.0006),
        why="The ten values sum to 948.0 percent.",
        wrong=(
            Wrong("percent", number(94.8, 0.06), "Right value, wrong unit: give a share between 0 and 1."),
            Wrong(
                "worst digit left out",
                number(_WITHOUT_WORST, 0.0006),
                "That leaves out the five, the worst digit. All ten count.",
            ),
        ),
        hint="Sum the ten values, divide by ten, and by 100.",
    ),
    Exercise(
        id="12.2",
        is_right=function(_overall, _CASES),
        why="AUROC is a mean over pairs of a normal and an anomaly; a kind with more images has more pairs.",
        wrong=(
            Wrong(
                "plain mean",
                function(_unweighted, _CASES),
                "The kinds have different numbers of images; a frequent kind counts more.",
            ),
            Wrong(
                "the worst kind",
                function(_smallest, _CASES),
                "That is the worst kind. All anomalies together are a mean over kinds.",
            ),
        ),
        hint="Each anomaly is paired with every normal image. How many pairs does each kind have?",
    ),
    Exercise(
        id="12.3",
        is_right=choice("c", "abc"),
        why="The choice used the labels of the rows on which the result is reported, ten times over.",
        wrong=(
            Wrong(
                "nothing",
                choice("a", "abc"),
                "All candidates see the same images, yet the labels made the choice.",
            ),
            Wrong(
                "too few candidates",
                choice("b", "abc"),
                "More candidates make it worse: the best of many is more often lucky.",
            ),
        ),
        hint="Ask which rows decided, and on which rows the result is reported.",
    ),
)

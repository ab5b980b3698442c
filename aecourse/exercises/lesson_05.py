"""Exercises of lesson 05, the Iris lab."""

from aecourse.exercises.checks import Exercise, Wrong, array, choice, integer, number, register

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
        is_right=choice("c"),
        why="It measures the distance from one centre, and there, between the clusters, the anomalies are.",
        wrong=(
            Wrong(
                "rows",
                choice("a"),
                "On setosa and on virginica it works with 64 rows too. What is different about versicolor?",
            ),
            Wrong("singular", choice("b"), "64 rows in 4 columns give a regular covariance matrix."),
            Wrong(
                "not standardised",
                choice("d"),
                "Mahalanobis distance divides by the covariance, so the scale of a column does not matter.",
            ),
        ),
    ),
)

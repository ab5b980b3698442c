"""Exercises of lesson 14, your own data."""

from aecourse.exercises.checks import Exercise, Wrong, choice, integer, number, register

_PRECISION = 0.001 * 0.6 / (0.001 * 0.6 + 0.999 * 0.01)

register(
    Exercise(
        id="14.1",
        is_right=integer(398),
        why="The threshold alone needs 1/0.005 - 1 = 199 rows, and at most half of the normal rows go to it.",
        wrong=(
            Wrong(
                "the threshold only",
                integer(199),
                "That many set the threshold. The detector needs rows too: at most half may set the "
                "threshold.",
            ),
            Wrong(
                "one over the rate",
                integer(400),
                "Close. A new row counts too: n + 1 times the rate must reach 1. Then double it.",
            ),
            Wrong("for the default budget", integer(198), "That is for a budget of 1 %."),
            Wrong(
                "one over the rate, not doubled",
                integer(200),
                "A new row counts too, and the detector needs as many rows again.",
            ),
        ),
        hint="thresholds.rows_needed(0.005) rows set the threshold. What share of the normal rows may they "
        "be?",
    ),
    Exercise(
        id="14.2",
        is_right=number(_PRECISION, 0.001),
        why="Of 1000 rows 0.6 are true alarms and 9.99 false ones: 0.6 / 10.59, one flag in eighteen.",
        right_example=0.0567,
        also_right=(_PRECISION,),
        wrong=(
            Wrong(
                "recall",
                number(0.6, 0.0005),
                "That is the share of anomalies that are found. Precision is a share of the flagged rows.",
            ),
            Wrong(
                "every anomaly found",
                number(0.001 / (0.001 + 0.00999), 0.0005),
                "That is the precision at a recall of 100 %; here 60 % of the anomalies are found.",
                0.091,
            ),
            Wrong(
                "one minus the false-alarm rate",
                number(0.99, 0.001),
                "1 % of the normal rows are flagged. That is not a share of the flagged rows.",
            ),
            Wrong("percent", number(100 * _PRECISION, 0.1), "Give a share between 0 and 1.", 5.67),
        ),
        hint="Count true and false alarms among 1000 rows, and divide.",
    ),
    Exercise(
        id="14.3",
        is_right=integer(10),
        why="A new value is the least or the largest of 200 with probability 2/200, whatever the "
        "distribution.",
        wrong=(
            Wrong(
                "none",
                integer(0),
                "The range of a sample is narrower than that of the source: new extremes turn up.",
            ),
            Wrong("one side", integer(5), "A value can be below the least or above the largest one."),
            Wrong(
                "one in a hundred of 199",
                integer(2),
                "That is the number of extremes among 200 values; there are 1000 new ones.",
            ),
        ),
        hint="Each of 200 exchangeable values is as likely to be the largest. There are two ends.",
    ),
    Exercise(
        id="14.4",
        is_right=choice("c"),
        why="It is written when the loan has gone wrong. On the day of the decision nobody knows it.",
        wrong=(
            Wrong(
                "income", choice("a"), "The bank asks for it before it decides. Which one is written later?"
            ),
            Wrong(
                "branch",
                choice("b"),
                "It is known on the day. It may be unfair to use, which is another question.",
            ),
            Wrong("weekday", choice("d"), "Known on the day, and probably useless, but no leak."),
        ),
        hint="For each column ask when it is written.",
    ),
)

"""Exercises of lesson 09, threshold evaluation."""

import numpy as np

from aecourse.exercises.checks import Exercise, Wrong, choice, function, number, register


def _cost(recall, false_alarm_rate, base_rate, cost_miss, cost_false_alarm):
    return base_rate * (1 - recall) * cost_miss + (1 - base_rate) * false_alarm_rate * cost_false_alarm


# recall, false-alarm rate, base rate, cost of a miss, cost of a false alarm
_COST_CASES = ((0.9, 0.01, 0.01, 100, 1), (0.5, 0.2, 0.3, 10, 2), (1.0, 0.05, 0.001, 500, 3))


def _cost_of_hits(recall, false_alarm_rate, base_rate, cost_miss, cost_false_alarm):
    return base_rate * recall * cost_miss + (1 - base_rate) * false_alarm_rate * cost_false_alarm


def _cost_without_base_rate(recall, false_alarm_rate, base_rate, cost_miss, cost_false_alarm):
    return (1 - recall) * cost_miss + false_alarm_rate * cost_false_alarm


def _cost_all_rows_false(recall, false_alarm_rate, base_rate, cost_miss, cost_false_alarm):
    return base_rate * (1 - recall) * cost_miss + false_alarm_rate * cost_false_alarm


def _precision(y, flagged, base_rate):
    y, flagged = np.asarray(y), np.asarray(flagged)
    hits = base_rate * np.mean(flagged[y == 1])
    return hits / (hits + (1 - base_rate) * np.mean(flagged[y == 0]))


_LABELS = np.repeat([0, 1], [8, 4])
_FLAGS = np.array([1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 0])
_FLAG_CASES = ((_LABELS, _FLAGS, 0.01), (_LABELS, _FLAGS, 0.5), (_LABELS[::-1], _FLAGS, 0.1))


def _precision_at_hand(y, flagged, base_rate):
    return np.mean(np.asarray(y)[np.asarray(flagged) == 1])


def _precision_of_counts(y, flagged, base_rate):
    hits = base_rate * np.sum(flagged[y == 1])
    return hits / (hits + (1 - base_rate) * np.sum(flagged[y == 0]))


register(
    Exercise(
        id="09.1",
        is_right=number(1 / 250, 1e-6),
        why="A new row exceeds the largest of 249 scores with probability 1/250 = 0.4 %.",
        also_right=(0.004,),
        wrong=(
            Wrong(
                "one over n",
                number(1 / 249, 1e-6),
                "Close. How many gaps do 249 sorted scores leave for a new one?",
            ),
            Wrong("percent", number(0.4, 1e-6), "Give a share: 1 % is 0.01."),
            Wrong(
                "the budget of the lesson",
                number(0.01, 1e-9),
                "1 % needs 99 rows only. With 249 you can promise less.",
            ),
        ),
        hint="The threshold can be no higher than the largest score. How likely is a new row to exceed that?",
    ),
    Exercise(
        id="09.2",
        is_right=function(_cost, _COST_CASES),
        why="Each kind of error counts with the share of rows that it happens to, times its cost.",
        wrong=(
            Wrong(
                "hits for misses",
                function(_cost_of_hits, _COST_CASES),
                "The recall is the share of anomalies that are found. Which share costs?",
            ),
            Wrong(
                "no base rate",
                function(_cost_without_base_rate, _COST_CASES),
                "Weight both errors by the share of their class: base rate, and one minus base rate.",
            ),
            Wrong(
                "normals not weighted",
                function(_cost_all_rows_false, _COST_CASES),
                "The false-alarm rate is a share of the normal rows; how many of all rows are normal?",
            ),
        ),
        hint="Add up: share of rows that are missed anomalies, times a cost, and the same for false alarms.",
    ),
    Exercise(
        id="09.3",
        is_right=number(499 * 3 / 90, 0.166),
        why="499 normal rows for each anomaly, times 3/90: the curve rises 16.6 times as fast as it runs.",
        wrong=(
            Wrong(
                "costs turned",
                number(499 * 90 / 3, 100),
                "Invert the ratio of the costs: if a miss is expensive, even a flat curve pays.",
            ),
            Wrong(
                "base rates turned",
                number(3 / 90 / 499, 1e-6),
                "Invert the ratio of the base rates: false alarms happen among the many normal rows.",
            ),
            Wrong("costs only", number(3 / 90, 1e-3), "The costs alone; where is the base rate?"),
            Wrong(
                "upside down",
                number(90 / 3 / 499, 1e-3),
                "That is one over the slope: recall is on the vertical axis.",
            ),
        ),
        hint="Slope = (1 − b)/b · (cost of a false alarm)/(cost of a miss).",
    ),
    Exercise(
        id="09.4",
        is_right=choice("b", "abc"),
        why="Normal rows look as before, so there may be more anomalies. Recalibrating would hide them.",
        wrong=(
            Wrong(
                "recalibrate",
                choice("a", "abc"),
                "The median says that most rows have not changed. What would you fit it on?",
            ),
            Wrong(
                "nothing",
                choice("c", "abc"),
                "The monitor raises one false alarm in ten years, so chance is an unlikely cause.",
            ),
        ),
    ),
    Exercise(
        id="09.5",
        is_right=function(_precision, _FLAG_CASES),
        why="Recall and false-alarm rate hold at any base rate; the base rate then weighs the two classes.",
        wrong=(
            Wrong(
                "as in the rows",
                function(_precision_at_hand, _FLAG_CASES),
                "That is the precision in these rows. Where is the other base rate?",
            ),
            Wrong(
                "counts",
                function(_precision_of_counts, _FLAG_CASES),
                "Counts hold the base rate of these rows already. Take shares of each class.",
            ),
        ),
        hint="Compute the recall and the false-alarm rate from the arrays, then use the formula of section "
        "8.",
    ),
)

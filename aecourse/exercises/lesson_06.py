"""Exercises of lesson 06, the MNIST-zeros lab."""

from aecourse.exercises.checks import Exercise, Wrong, choice, function, integer, register


def _precision(base_rate, recall, false_alarm_rate):
    caught = base_rate * recall
    return caught / (caught + (1 - base_rate) * false_alarm_rate)


# base rate, recall, false-alarm rate
_CASES = ((0.01, 0.9, 0.01), (0.5, 0.8, 0.1), (0.9, 1.0, 0.05))


def _without_base_rate(base_rate, recall, false_alarm_rate):
    return recall / (recall + false_alarm_rate)


def _all_rows_false(base_rate, recall, false_alarm_rate):
    return base_rate * recall / (base_rate * recall + false_alarm_rate)


register(
    Exercise(
        id="06.1",
        is_right=integer(199),
        why="0.005 · (199 + 1) = 1, so the largest score is the threshold; with one row fewer m would be 0.",
        wrong=(
            Wrong(
                "one over the rate",
                integer(200),
                "Close. It is n + 1 that is multiplied by the rate, since the new row counts too.",
            ),
            Wrong("for one percent", integer(99), "That is for a budget of 1 %; here it is 0.5 %."),
            Wrong("percent taken as a share", integer(1), "0.5 % is 0.005, not 0.5."),
        ),
        hint="m, the whole part of 0.005 · (n + 1), must be at least 1.",
    ),
    Exercise(
        id="06.2",
        is_right=function(_precision, _CASES),
        why="Caught anomalies over all flagged rows, each class weighted by its share.",
        wrong=(
            Wrong(
                "no base rate",
                function(_without_base_rate, _CASES),
                "Weight both classes by their share: the base rate and one minus the base rate.",
            ),
            Wrong(
                "normals not weighted",
                function(_all_rows_false, _CASES),
                "The false-alarm rate is a share of the normal rows; how many of all rows are normal?",
            ),
        ),
        hint="Precision is what is caught, divided by all that is flagged: caught anomalies and false "
        "alarms.",
    ),
    Exercise(
        id="06.3",
        is_right=integer(205_856),
        why="Each layer has inputs · units weights and one bias a unit.",
        wrong=(
            Wrong("no biases", integer(204_800), "You left out the biases: one a unit."),
            Wrong("encoder only", integer(102_544), "That is the encoder; the decoder counts too."),
            Wrong(
                "twice the encoder",
                integer(205_088),
                "The decoder's biases are 128 and 784, not those of the encoder again.",
            ),
        ),
        hint="Sum inputs · units + units over the four layers.",
    ),
    Exercise(
        id="06.4",
        is_right=choice("b", "abc"),
        why="Choosing on the test set makes the report too good; choose first, or on other rows.",
        wrong=(
            Wrong(
                "no threshold",
                choice("a", "abc"),
                "AUROC needs no threshold, but the size was still chosen by looking at test labels.",
            ),
            Wrong(
                "validation loss",
                choice("c", "abc"),
                "Look at the printed sweep: the lowest validation loss is at another size.",
            ),
        ),
    ),
)

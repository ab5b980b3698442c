"""Exercises of lesson 15, scaling out."""

from aecourse.exercises.checks import Exercise, Wrong, choice, function, number, register


def _speed_up(serial, workers):
    return 1 / (serial + (1 - serial) / workers)


def _ideal(serial, workers):
    return workers


def _shares_swapped(serial, workers):
    return 1 / (1 - serial + serial / workers)


def _parallel_part_only(serial, workers):
    return workers * (1 - serial)


_CASES = ((0.05, 20), (0.5, 2), (0.01, 128), (0.2, 1))

register(
    Exercise(
        id="15.1",
        is_right=number(12.0, 1e-6),
        why="250 million rows, 12 numbers each, 4 bytes a number: 12 GB, before any copy.",
        wrong=(
            Wrong("double precision", number(24.0, 1e-6), "A float32 number takes half of that."),
            Wrong("bits", number(96.0, 1e-6), "float32 has 32 bits; how many bytes are that?"),
            Wrong(
                "no bytes",
                number(3.0, 1e-6),
                "That is the count of numbers, in billions. How many bytes each?",
            ),
            Wrong("bytes", number(12e9, 1), "That is in bytes; the question asks for GB."),
        ),
        hint="Rows times columns times bytes a number, over a billion.",
    ),
    Exercise(
        id="15.2",
        is_right=number(60.0, 1e-6),
        why="The start does not split: 10 + 1,000/20 = 60 seconds, 17 times as fast as one worker's 1,010.",
        wrong=(
            Wrong("no start", number(50.0, 1e-6), "That is the work alone. What about the start?"),
            Wrong(
                "start split too",
                number(50.5, 1e-6),
                "The start takes 10 seconds whatever the number of workers.",
            ),
            Wrong(
                "start for each",
                number(250.0, 1e-6),
                "The workers start side by side, not one after the other.",
            ),
        ),
        hint="What splits among the workers, and what does not?",
    ),
    Exercise(
        id="15.3",
        is_right=choice("b", "abc"),
        why="The scheduler knows what the dead worker held or worked on, and gives just that to others.",
        wrong=(
            Wrong(
                "everything again",
                choice("a", "abc"),
                "Would the scheduler forget what the other workers have finished?",
            ),
            Wrong("lost", choice("c", "abc"), "Look at section 4: how many rows were scored after the kill?"),
        ),
        hint="The scheduler keeps a list of which worker holds what.",
    ),
    Exercise(
        id="15.4",
        is_right=function(_speed_up, _CASES),
        why="The serial share keeps its time, the rest is divided by the number of workers.",
        wrong=(
            Wrong("ideal", function(_ideal, _CASES), "That holds when nothing is serial."),
            Wrong(
                "shares swapped",
                function(_shares_swapped, _CASES),
                "Which share is divided by the number of workers, the serial one or the rest?",
            ),
            Wrong(
                "product",
                function(_parallel_part_only, _CASES),
                "Add the times of both shares first; then compare with one worker's time.",
            ),
        ),
        hint="With one worker's time as 1, what is the time with w workers?",
    ),
)

"""Lessons 00 to 07: seeds, constructions, folded checks, and lines that fit the page."""

import re

import nbformat
import pytest

from aecourse import exercises
from tools import catalogue, reading
from tools import text as texts

EARLY = [f"{number:02}" for number in range(8)]
NOTEBOOKS = {entry.number: entry.path for entry in catalogue.read()}
WIDEST = 88


def cells(number, kind):
    notebook = nbformat.read(NOTEBOOKS[number], as_version=4)
    return [cell for cell in notebook.cells if cell.cell_type == kind]


def prose(number):
    return " ".join(" ".join(cell.source for cell in cells(number, "markdown")).split())


def code(number):
    return "\n".join(cell.source for cell in cells(number, "code"))


# --- What a page shows -------------------------------------------------------------------------


@pytest.mark.parametrize("number", NOTEBOOKS)
def test_lines_of_code_need_no_scrolling_sideways(number):
    assert [line for line in code(number).split("\n") if len(line) > WIDEST] == []


@pytest.mark.parametrize("number", [f"{number:02}" for number in range(17)])
def test_a_cell_that_only_asserts_is_folded(number):
    for cell in cells(number, "code"):
        if cell.id in ("white-rows", "clean-up"):  # these also do something that the next cells need
            continue
        asserts = re.search(r"^\s*assert ", cell.source, re.MULTILINE)
        if asserts and not cell.outputs and not {"exercise", "solution"} & set(cell.metadata.get("tags", [])):
            assert texts.is_checks(cell), cell.id


# --- The seeds ---------------------------------------------------------------------------------

# lesson: title and date of its tutorials, and calls and settings as published, in order
SEEDS = {
    "01": (["*Anomaly Detection* (undated)", "*Assignment No 4* (undated)"], []),
    "02": (["*Anomaly Detection* (undated)"], []),
    "03": (
        ["27 September 2023", "*[python] Theano for anomaly detection*"],
        ["rate * gradient1", "RATE, EPOCHS = 0.001, 100", "updates="],
    ),
    "04": (
        ["1 October 2023", "*Anomaly detection using autoencoders in TensorFlow with Python*"],
        ['"adam"', "epochs=10, batch_size=32"],
    ),
    "05": (
        ["*Understanding Anomaly Detection Using Autoencoders In Python*", "no date"],
        ["L1(10e-5)", '"adadelta"', "epochs=10, batch_size=256, shuffle=True, validation_split=0.2"],
    ),
    "06": (
        ["*Anomaly Detection*", "no date"],
        ["keras.Model)", "epochs=10, shuffle=True", "(zeros_test, zeros_test)", "BY_EYE = 0.04"],
    ),
    "07": (
        ["*Assignment No 4*, undated"],
        ["autoencoder.layers[-1](any_code)", 'loss="mae"', "epochs=20"],
    ),
}


@pytest.mark.parametrize("number", SEEDS)
def test_a_lesson_names_its_tutorials_and_runs_their_calls(number):
    titles, calls = SEEDS[number]
    text, program = prose(number), "".join(code(number).split())  # however the code is laid out
    for title in titles:
        assert title in text
    places = [program.index("".join(call.split())) for call in calls]  # an error if one is missing
    assert places == sorted(places)


# --- The constructions -------------------------------------------------------------------------


def construction(number):
    """Return the last exercise of a lesson, and the cell of its solution."""
    solutions = [cell for cell in cells(number, "code") if texts.is_solution(cell)]
    return list(each for each in exercises.all_exercises() if each.startswith(number))[-1], solutions[-1]


@pytest.mark.parametrize("number", EARLY[1:])
def test_each_lesson_ends_with_something_to_build(number):
    exercise_id, solution = construction(number)
    assert exercise_id == f"{number}.5"
    assert 15 <= reading.lines_of(solution.source) <= 45
    printed = "".join(output.get("text", "") for output in solution.outputs)
    assert f"Exercise {exercise_id}: right." in printed


@pytest.mark.parametrize("number", EARLY)
def test_an_exercise_knows_two_right_solutions_and_two_mistakes(number):
    """``test_exercises`` tries all. Lesson 00 has one line to write; the others have a construction."""
    exercise = exercises.all_exercises()[construction(number)[0]]
    rights = [exercise.right_example, *exercise.also_right]
    assert len({id(right) for right in rights}) >= 2
    assert len({wrong.hint for wrong in exercise.wrong}) >= 2

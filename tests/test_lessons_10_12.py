"""Lessons 10 to 12: narrow cells, one place to edit, exercises judged by what they do, shared code."""

import pathlib
import re

import nbformat
import numpy as np
import pytest
from scipy import ndimage

from aecourse import exercises
from tools import make_digits

NOTEBOOKS = sorted((pathlib.Path(__file__).parents[1] / "notebooks").glob("1[012]_*.ipynb"))
BUILT = ("10.5", "11.5", "12.4")


def code_of(path):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_stub_of_an_exercise_is_what_its_check_is_called_with(path):
    """A student edits one place: what the stub defines is passed to the check."""
    stubs = [cell.source for cell in code_of(path) if "exercise" in cell.metadata.get("tags", [])]
    assert len(stubs) >= 4
    for source in stubs:
        defined = re.match(r"(?:def |class )?(\w+)", source).group(1)
        assert re.search(rf'exercises\.check\("1[012]\.\d", {defined}\)$', source), source


# --- Construction exercises: two right forms pass, each usual mistake gets its own hint ------------


@pytest.mark.parametrize("name", BUILT)
def test_two_different_right_answers_pass(name):
    exercise = exercises.all_exercises()[name]
    answers = [exercise.right_example, *exercise.also_right]
    assert len(answers) >= 2
    assert [exercises.verdict(exercise, answer)[:6] for answer in answers] == ["right."] * len(answers)


@pytest.mark.parametrize("name", BUILT)
def test_wrong_answers_get_their_own_hint(name):
    exercise = exercises.all_exercises()[name]
    assert len(exercise.wrong) >= 2
    for wrong in exercise.wrong:
        assert exercises.verdict(exercise, wrong.example) == f"not yet. {wrong.hint}", wrong.name


@pytest.mark.parametrize("name", BUILT)
@pytest.mark.parametrize("answer", [3, "layer", lambda *given: None, lambda: 1 / 0])
def test_nonsense_gets_a_sentence(name, answer):
    said = exercises.verdict(exercises.all_exercises()[name], answer)
    assert said.startswith("not yet. ") and said.endswith((".", "?"))


@pytest.mark.parametrize(
    "name, answer, word",
    [
        ("11.3", 0.037, "right"),
        ("11.3", 7 / 188, "right"),
        ("11.3", np.float32(7 / 188), "right"),
        ("11.3", [0.0372], "right"),
        ("11.3", 0.035, "normal rows only"),
        ("11.3", 3.7, "share between 0 and 1"),
        ("11.4", lambda rows, low, high, margin: _outside(rows, low, high, margin, np.greater_equal), "more"),
        ("11.4", lambda rows, low, high, margin: _outside(rows, low, high, margin, np.greater), "right"),
    ],
)
def test_warm_ups_take_what_people_write(name, answer, word):
    assert word in exercises.verdict(exercises.all_exercises()[name], answer)


def _outside(rows, low, high, margin, beyond):
    room = margin * (high - low)
    return (beyond(low - room, rows) | beyond(rows, high + room)).any(axis=1)


# --- The damage that lesson 12 shows is what the stored networks were trained with -----------------


def test_the_damage_in_lesson_12_is_that_of_the_stored_networks():
    sources = {cell.id: cell.source for cell in code_of(NOTEBOOKS[2])}
    names = {"np": np, "ndimage": ndimage, "roc_auc_score": None}
    functions = sources["score"].split("\nvariants = ")[0]
    exec(sources["damage"] + "\n" + functions, names)
    images = np.random.default_rng(0).random((40, 784))
    ours, theirs = (each["damaged"](images, np.random.default_rng(3)) for each in (names, vars(make_digits)))
    assert np.allclose(ours, theirs) and not np.allclose(ours, images)
    drawn = np.zeros_like(images)
    score = names["residual_score"](images, images - drawn, 1, 1)
    assert np.allclose(score, make_digits.residual_score(images, drawn, 1, 1), rtol=1e-4)

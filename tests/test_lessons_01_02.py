"""Lessons 01 and 02: plain code comes first, the diagrams say what they show, the checks of answers bite."""

import pathlib
import re

import nbformat
import numpy as np
import pytest
from sklearn.neighbors import LocalOutlierFactor

from aecourse import exercises
from aecourse.plots import diagrams

NOTEBOOKS = sorted((pathlib.Path(__file__).parents[1] / "notebooks").glob("0[12]_*.ipynb"))
SCIKIT_LEARN = (
    "NearestNeighbors",
    "LocalOutlierFactor",
    "DBSCAN",
    "IsolationForest",
    "OneClassSVM",
    "PCA",
    "EmpiricalCovariance",
    "MinCovDet",
)


def code_of(path):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def test_lesson_02_calls_scikit_learn_before_the_package():
    """Each class is called in a cell before the first one that calls the package's methods."""
    cells = [cell.source for cell in code_of(NOTEBOOKS[1])]
    package = next(place for place, source in enumerate(cells) if re.search(r"baselines\.\w+\(", source))
    for name in SCIKIT_LEARN:
        assert any(f"{name}(" in source for source in cells[:package]), name


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_stub_of_an_exercise_is_what_its_check_is_called_with(path):
    """A student edits one place: the function that the stub defines is passed to the check."""
    stubs = [cell.source for cell in code_of(path) if "exercise" in cell.metadata.get("tags", [])]
    assert len(stubs) == 5
    for source in stubs:
        defined = re.match(r"(?:def )?(\w+)", source).group(1)
        assert re.search(rf'exercises\.check\("0[12]\.\d", {defined}\)$', source), source


# --- The diagrams ------------------------------------------------------------------------------


def words_of(figure):
    return " ".join(text.get_text() for text in figure.texts)


def test_the_split_names_all_counts_and_tasks():
    words = words_of(diagrams.three_way_split(200, 50, 1007, 106))
    assert "1,257 normal rows" in words and "106 anomalies" in words
    for part in ("training", "validation", "test", "200\nnormal", "50\nnormal", "choose the\nthreshold"):
        assert part in words


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((0, 50, 10, 5), r"train must be .*found 0"),
        ((200, 50, 10, 2.5), r"test_anomalies must be .*found 2\.5"),
        ((200, 50, 10, 5, ["one"]), r"tasks has 1 name.* for 3 sets"),
    ],
)
def test_the_split_refuses_bad_numbers(arguments, words):
    with pytest.raises(ValueError, match=words):
        diagrams.three_way_split(*arguments)


def test_each_cut_crosses_only_what_is_left_around_the_point():
    cuts = [(0, 2.0), (1, 0.5), (0, 2.5)]
    figure = diagrams.random_cuts([[0, 0], [1, 1], [3, 0]], {"three cuts": ((3, 0), cuts)})
    lines = [line.get_xydata() for line in figure.axes[0].lines if line.get_label() == "cut"]
    bottom, right = figure.axes[0].get_ylim()[0], figure.axes[0].get_xlim()[1]
    assert np.allclose(lines[1], [[2.0, 0.5], [right, 0.5]])  # right of the first cut
    assert np.allclose(lines[2], [[2.5, bottom], [2.5, 0.5]])  # and below the second


@pytest.mark.parametrize(
    ("rows", "points", "words"),
    [
        ([[0, 0, 0]], {"a": ((0, 0), [])}, "rows"),
        ([[0, 0]], {}, "points is empty"),
        ([[0, 0], [1, 1]], {"a": ((0, 0), [(2, 0.5)])}, "column 0 or 1; found 2 for 'a'"),
    ],
)
def test_random_cuts_refuse_what_they_cannot_draw(rows, points, words):
    with pytest.raises(ValueError, match=words):
        diagrams.random_cuts(rows, points)


def test_steps_can_be_narrow():
    assert diagrams.steps(["a", "b"], "Two steps", width=4.0).get_size_inches()[0] == 4.0


# --- The checks of the constructions -----------------------------------------------------------


def spoiled(change):
    """A right report with something changed in it."""

    def report(X, y, budget):
        return change(exercises.all_exercises()["01.5"].right_example(X, y, budget))

    return report


SPOILED = {
    "training rows twice": (
        lambda report: report | {"training rows": np.r_[report["training rows"], report["test rows"][:5]]},
        "A row number appears twice, in the training rows and the test rows.",
    ),
    "a row twice in one set": (
        lambda report: (
            report | {"training rows": np.r_[report["training rows"], report["training rows"][:1]]}
        ),
        "A row number appears twice",
    ),
    "a mask": (
        lambda report: report | {"training rows": np.ones(700, dtype=bool)},
        "'training rows' must hold row numbers, in one dimension; np.flatnonzero makes them from a mask.",
    ),
    "a missing key": (
        lambda report: {key: value for key, value in report.items() if key != "threshold"},
        "Your report lacks 'threshold'; look at the list of keys.",
    ),
    "too few scores": (
        lambda report: report | {"test scores": report["test scores"][:-1]},
        "'test scores' must hold one number for each of the 220 test rows.",
    ),
    "another rate": (
        lambda report: report | {"false-alarm rate": 0.5},
        "Your false-alarm rate is 0.500, but your test scores and threshold give",
    ),
    "scores in another order": (
        lambda report: report | {"test scores": np.roll(report["test scores"], 40)},
        "Your test scores have an AUROC of",
    ),
    "a tuple": (lambda report: tuple(report), "Your function must return a dictionary"),
}


@pytest.mark.parametrize("name", SPOILED)
def test_a_report_is_told_the_first_thing_that_is_wrong(name, capsys):
    change, words = SPOILED[name]
    exercises.check("01.5", spoiled(change))
    assert capsys.readouterr().out.startswith(f"Exercise 01.5: not yet. {words}")


def test_a_report_that_stops_is_told_why(capsys):
    exercises.check("01.5", lambda X, y, budget: X[len(X)])
    assert "Your function stops with IndexError: index 700 is out of bounds" in capsys.readouterr().out


def test_a_division_that_looks_at_the_values_is_found(capsys):
    def report(X, y, budget):
        order = np.argsort(X[:, 0])  # the smallest values of the first column train
        back = exercises.all_exercises()["01.5"].right_example(X[order], y[order], budget)
        return back | {key: order[back[key]] for key in ("training rows", "validation rows", "test rows")}

    exercises.check("01.5", report)
    assert "Your division of the rows changes with the values in X" in capsys.readouterr().out


@pytest.mark.parametrize("k", [1, 3, 10])
def test_the_exercises_own_lof_is_scikit_learns(k):
    rng = np.random.default_rng(k)
    train, rows = rng.normal(size=(80, 3)), rng.normal(size=(30, 3)) * 3
    theirs = -LocalOutlierFactor(n_neighbors=k, novelty=True).fit(train).score_samples(rows)
    for answer in (
        exercises.all_exercises()["02.5"].right_example,
        *exercises.all_exercises()["02.5"].also_right,
    ):
        assert np.allclose(answer(train, rows, k), theirs, rtol=1e-6)


def test_a_lof_without_a_name_for_its_mistake_gets_the_general_hint(capsys):
    exercises.check("02.5", lambda train, rows, k: np.ones(len(rows)))
    assert capsys.readouterr().out.startswith("Exercise 02.5: not yet. Check the three quantities in turn")
    exercises.check("02.5", lambda train, rows, k: np.ones((len(rows), 1)))
    assert "returns the shape (25, 1) on input 1 of 3, where (25,) is expected" in capsys.readouterr().out

"""Lessons 03 to 05: stored figures are complete and come again, and the recipe runs without the package."""

import pathlib
import subprocess
import sys

import nbformat
import numpy as np
import pytest

from aecourse import exercises
from benchmarks import bench_iris, bench_pipeline
from tools import make_iris, make_pipeline

ROOT = pathlib.Path(__file__).parents[1]


def cell(lesson, name):
    """Return the source of a lesson's cell."""
    path = next((ROOT / "notebooks").glob(f"{lesson}_*.ipynb"))
    return next(each.source for each in nbformat.read(path, as_version=4).cells if each.id == name)


@pytest.mark.parametrize("path", [make_pipeline.STORED, make_iris.STORED], ids=lambda path: path.stem)
def test_the_stored_figures_are_finite_and_small(path):
    with np.load(path, allow_pickle=False) as archive:
        stored = dict(archive)
    assert all(np.isfinite(values).all() for values in stored.values() if values.dtype.kind == "f")
    assert path.stat().st_size < 50_000


def test_the_figures_of_lesson_04_are_complete():
    n = len(make_pipeline.SEEDS)
    with np.load(make_pipeline.STORED) as stored:
        assert stored["by_network"].shape == (n, n, len(make_pipeline.NETWORKS), len(make_pipeline.MEASURES))
        assert stored["by_simple"].shape == (n, len(make_pipeline.SIMPLE), len(make_pipeline.MEASURES))


def test_the_figures_of_lesson_05_are_complete():
    shape = (len(make_iris.TASKS), len(make_iris.SEEDS))
    with np.load(make_iris.STORED) as stored:
        assert stored["by_start"].shape == (*shape, len(make_iris.SEEDS), len(make_iris.MEASURES))
        assert stored["by_other"].shape == (*shape, len(make_iris.OTHERS), len(make_iris.MEASURES))
        assert stored["by_simple"].shape == (*shape, len(make_iris.SIMPLE), len(make_iris.MEASURES))


@pytest.mark.parametrize("bench", [bench_pipeline, bench_iris], ids=lambda bench: bench.__name__[11:])
def test_one_start_trained_again_gives_the_stored_figures(bench):
    """In double precision other processors differ in late digits, which can swap a few pairs of rows."""
    assert bench.difference() < 0.002


def test_the_recipe_runs_without_the_package(tmp_path):
    """The cell can be copied into an empty notebook; there it flags few benign and most malignant tumours."""
    program = "import sys\nsys.modules['aecourse'] = None\n" + cell("04", "recipe")
    program += "\nshares = result.groupby('malignant')['flagged'].mean()\n"
    program += "assert shares[False] < 0.15 and shares[True] > 0.5\n"
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr.decode()[-500:]


@pytest.mark.parametrize(
    "exercise, answer",
    [
        ("04.1", "(C)"),
        ("04.1", "c) tanh or linear"),
        ("04.2", np.float32(8126)),
        ("04.4", [2]),
        ("05.1", np.float32(0.52)),
        ("05.1", [0.52]),
    ],
)
def test_answers_count_in_the_forms_that_people_write(exercise, answer):
    assert exercises.all_exercises()[exercise].accepts(answer)

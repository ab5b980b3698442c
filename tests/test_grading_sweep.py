"""Every test of every assignment, in this process: nonsense earns nothing, an honest answer everything."""

import numpy as np
import pytest

from aecourse.homework import forms
from tools import sweep
from tools.in_process import Sitting

# Students drawn for each assignment; `make sweep` draws two hundred.
IDS = {
    "a1": ("10000",),
    "a2": tuple(str(10_000 + number) for number in range(10)),
    "a3": tuple(str(10_000 + number) for number in range(60)),
    "a4": tuple(str(10_000 + number) for number in range(24)),
    "a5": ("10000",),
}


@pytest.fixture(scope="module", params=sweep.NAMES)
def run(request):
    """The model solution of an assignment, run for one student."""
    made = sweep.sitting(request.param)
    points = {cell.name: cell.points for cell in made.about.cells if cell.kind == "test"}
    assert {name: result["earned"] for name, result in made.results().items()} == points
    assert set(points) - set(sweep.JUDGED[request.param]) <= {"test-runs"}
    return made


def test_nonsense_earns_nothing(run):
    tried = list(sweep.undeserved(run.about.name, run))
    assert len(tried) > 250
    assert [row for row in tried if row[3] > row[4]] == []


def test_an_answer_earns_the_same_in_any_usual_form(run):
    tried = list(sweep.lost(run.about.name, run))
    assert len(tried) > 40
    assert [row for row in tried if row[3] < row[4]] == []


@pytest.mark.parametrize("name", sweep.NAMES)
def test_the_model_solution_earns_all_for_any_data(name):
    assert {
        student: found for student in IDS[name] if (found := sweep.short_of_full(name, student, True))
    } == {}


def test_an_average_precision_a_little_above_one_costs_nothing():
    """The mean of ones is 1.0000000000000002 in some resamples of this student's scores."""
    run = Sitting(sweep.source("a2"), "10000")
    assert max(row["high"] for row in run.names["report"]) > 1
    assert [result["earned"] for result in run.results().values()] == [5, 5, 4]


@pytest.mark.parametrize("label, form", list(sweep.number_forms().items()))
def test_a_number_is_read_in_each_form(label, form):
    assert forms.number(form(0.25)) == 0.25


@pytest.mark.parametrize("value", [None, "0.5", "text", [], [1, 2], {}, object(), 1 + 1j, ["a"], set(), len])
def test_what_is_no_number_is_an_error_that_says_so(value):
    with pytest.raises(ValueError, match="expected"):
        forms.number(value)


@pytest.mark.parametrize("read", [forms.mapping, forms.records])
@pytest.mark.parametrize("value", [None, 3, "text", np.zeros(3), [1, 2]])
def test_what_has_no_names_is_an_error_that_says_so(read, value):
    with pytest.raises(ValueError, match="expected a"):
        read(value)

"""Each assignment: the model solution earns all, the empty notebook nothing, a typical mistake its hint."""

import json
import pathlib
import sys

import pytest

from aecourse.grading import assignment, broken, preflight, task

HERE = pathlib.Path(__file__).parents[1] / "assignments"
NAMES = ("a1", "a2", "a3", "a4", "a5")
sys.path.insert(0, str(HERE))
import make  # noqa: E402


def source(name):
    return (HERE / "source" / name / f"{name}.ipynb").read_bytes()


def wrong_answers():
    for name in NAMES:
        for wrong in json.loads((HERE / "answers" / f"{name}.json").read_text(encoding="utf-8")):
            yield pytest.param(name, wrong, id=f"{name}-{wrong['label'].replace(' ', '-')}")


def grade(name, data, student="12345"):
    record = task.grade(source(name), preflight.Incoming(student, "doe", f"{name}.ipynb", data))
    assert record.status in ("graded", "graded after repair"), (record.message, record.notes)
    return record, {cell.name: cell for cell in record.cells if cell.kind == "test"}


def test_the_released_notebooks_are_what_their_sources_give():
    assert [path.parent.name for path, _ in make.pairs()] == list(NAMES)
    assert make.main(["--check"]) == 0


def test_drift_is_noticed(monkeypatch, tmp_path, capsys):
    (tmp_path / "source" / "a3").mkdir(parents=True)
    (tmp_path / "source" / "a3" / "a3.ipynb").write_bytes(source("a3"))
    monkeypatch.setattr(make, "HERE", tmp_path)
    assert make.main(["--check"]) == 1
    assert make.main([]) == 0 and make.main(["--check"]) == 0
    released = tmp_path / "release" / "a3" / "a3.ipynb"
    released.write_bytes(released.read_bytes().replace(b"strictly", b"hardly"))
    assert make.main(["--check"]) == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_source_is_complete(name):
    about = assignment.read(source(name))
    assert about.name == name and about.title and about.minutes >= 30
    assert sum(cell.points for cell in about.graded) == (40 if name == "a5" else 20 + 4 * (name in ("a1",)))
    for cell in about.graded:
        assert cell.points > 0 and cell.title != cell.name, cell.name
        if cell.kind == "test":
            assert cell.hint and cell.source != cell.released, cell.name
    prose = "\n".join(cell.source for cell in about.cells if cell.cell_type == "markdown")
    assert "Expected time" in prose
    released = assignment.release(about).decode()
    assert [line for line in about.hidden_lines() if json.dumps(line)[1:-1] in released] == []
    assert len(json.loads((HERE / "answers" / f"{name}.json").read_text())) >= 3


@pytest.mark.parametrize("student", ["12345", "67890"])
@pytest.mark.parametrize("name", NAMES)
def test_the_model_solution_earns_all(name, student):
    record, cells = grade(name, assignment.solved(assignment.read(source(name))), student)
    assert {
        cell.name: (cell.earned, cell.message) for cell in cells.values() if cell.earned < cell.points
    } == {}
    assert {cell.outcome for cell in record.cells if cell.kind == "manual"} == {"to be marked"}


@pytest.mark.parametrize("name", NAMES)
def test_the_empty_notebook_earns_nothing(name):
    record, cells = grade(name, assignment.release(assignment.read(source(name))))
    assert record.automatic == 0
    assert {cell.outcome for cell in record.cells if cell.kind == "manual"} == {"not answered"}


@pytest.mark.parametrize("name, wrong", list(wrong_answers()))
def test_a_typical_mistake_gets_its_marks_and_its_hint(name, wrong):
    _, cells = grade(name, assignment.answered(assignment.read(source(name)), wrong["answers"]))
    assert {cell.name: cell.earned for cell in cells.values()} == wrong["marks"]
    for cell, hint in wrong["hints"].items():
        assert cells[cell].message == hint


def test_another_students_diagnosis_is_wrong():
    """Faults are a student's own: of twenty ids, few share one another's order."""
    orders = [tuple(broken.truth(str(number)).values()) for number in range(20)]
    assert len(set(orders)) > 8

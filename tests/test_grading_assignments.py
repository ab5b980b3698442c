"""Each assignment: the model solution earns all, the empty notebook nothing, a typical mistake its hint."""

import json
import pathlib
import re
import shutil

import numpy as np
import pytest

from aecourse.grading import assignment, submissions
from aecourse.grading.grade import grade
from aecourse.grading.record import Status
from aecourse.homework import broken
from tools import make_detectors as detectors
from tools import make_release

HERE = pathlib.Path(__file__).parents[1] / "assignments"
NAMES = ("a1", "a2", "a3", "a4", "a5")


def source(name):
    return (HERE / "source" / name / f"{name}.ipynb").read_bytes()


def wrong_answers():
    for name in NAMES:
        for wrong in json.loads((HERE / "answers" / f"{name}.json").read_text(encoding="utf-8")):
            yield pytest.param(name, wrong, id=f"{name}-{wrong['label'].replace(' ', '-')}")


def graded(name, data, student="12345"):
    record = grade(source(name), submissions.Incoming(student, "doe", f"{name}.ipynb", data))
    assert record.status in (Status.GRADED, Status.REPAIRED), (record.message, record.notes)
    return record, {cell.name: cell for cell in record.cells if cell.kind == "test"}


def test_the_notebooks_are_what_their_texts_give():
    made = make_release.notebooks()
    for kind in ("source", "release"):
        assert [path for path in made if kind in path.parts] == [
            HERE / kind / name / f"{name}.ipynb" for name in NAMES
        ]
    assert make_release.main(["--check"]) == 0


def test_drift_is_noticed(monkeypatch, tmp_path, capsys):
    (tmp_path / "text").mkdir()
    shutil.copy(HERE / "text" / "a3.md", tmp_path / "text")
    monkeypatch.setattr(make_release, "FOLDER", tmp_path)
    assert make_release.main(["--check"]) == 1
    assert make_release.main([]) == 0 and make_release.main(["--check"]) == 0
    assert (tmp_path / "source" / "a3" / "a3.ipynb").read_bytes() == source("a3")
    released = tmp_path / "release" / "a3" / "a3.ipynb"
    released.write_bytes(released.read_bytes().replace(b"strictly", b"hardly"))
    assert make_release.main(["--check"]) == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_source_is_complete(name):
    about = assignment.read(source(name))
    assert about.name == name and about.title and about.minutes >= 30
    for cell in about.graded:
        assert cell.points > 0 and cell.title != cell.name, cell.name
        if cell.kind == "test":
            assert cell.hint and cell.source != cell.released, cell.name
    prose = "\n".join(cell.source for cell in about.cells if cell.cell_type == "markdown")
    assert "Expected time" in prose
    released = assignment.release(about).decode()
    assert [line for line in about.hidden_lines() if json.dumps(line)[1:-1] in released] == []
    assert len(json.loads((HERE / "answers" / f"{name}.json").read_text())) >= 3


@pytest.mark.parametrize("name", NAMES)
def test_the_points_in_the_text_add_up(name):
    """The total of the title is that of all cells, and of all parts as their headings give them."""
    about = assignment.read(source(name))
    title, *parts = [
        cell.source for cell in about.cells if cell.cell_type == "markdown" and cell.kind == "given"
    ]
    assert re.search(r"(\d+) points", title)[1] == f"{about.points:.0f}"
    if name == "a5":  # a table of criteria and a protocol
        rubric = [int(points) for points in re.findall(r"^\| \w+ \((\d+)\)", parts[-1], re.MULTILINE)]
        assert (
            f"{about.test_points:.0f} for the protocol" in title and f"{sum(rubric)} by the rubric" in title
        )
        assert sum(rubric) == about.points - about.test_points
        return
    found = [re.search(r"\((\d+) points([^)]*)", " ".join(text.split())) for text in parts]
    assert sum(int(match[1]) for match in found if match) == about.points
    for match in filter(None, found):
        shares = re.findall(r"[:,;] (\d) (?!each|a method)", match[2])
        assert not shares or sum(map(int, shares)) == int(match[1]), match[0]


@pytest.mark.parametrize("student", ["12345", "67890"])
@pytest.mark.parametrize("name", NAMES)
def test_the_model_solution_earns_all(name, student):
    record, cells = graded(name, assignment.solved(assignment.read(source(name))), student)
    assert {
        cell.name: (cell.earned, cell.message) for cell in cells.values() if cell.earned < cell.points
    } == {}
    assert {cell.outcome for cell in record.cells if cell.kind == "manual"} == {"to be marked"}


@pytest.mark.parametrize("name", NAMES)
def test_the_empty_notebook_earns_nothing(name):
    record, cells = graded(name, assignment.release(assignment.read(source(name))))
    assert record.automatic == 0
    assert {cell.outcome for cell in record.cells if cell.kind == "manual"} == {"not answered"}


@pytest.mark.parametrize("name, wrong", list(wrong_answers()))
def test_a_typical_mistake_gets_its_marks_and_its_hint(name, wrong):
    _, cells = graded(name, assignment.answered(assignment.read(source(name)), wrong["answers"]))
    assert {cell.name: cell.earned for cell in cells.values()} == wrong["marks"]
    for cell, hint in wrong["hints"].items():
        assert cells[cell].message == hint


def test_another_students_diagnosis_is_wrong():
    """The variants differ in the order of their faults, and of twenty ids few share one."""
    assert len(set(detectors.orders())) == broken.VARIANTS == 12
    assert len({broken.variant(str(number)) for number in range(20)}) > 7
    assert len({broken.variant(f"hidden-{number}") for number in (1, 2, 3)}) == 3


def test_the_detectors_are_what_their_maker_gives():
    stored, made = dict(np.load(detectors.FILE, allow_pickle=False)), detectors.arrays()
    assert stored.keys() == made.keys()
    for name, value in made.items():
        assert stored[name].dtype == value.dtype
        np.testing.assert_allclose(stored[name], value, atol=1e-5, err_msg=name)


def test_students_get_no_word_of_where_the_faults_are():
    """The order is in the hidden tests and in the maker, not in what the released notebook imports."""
    words = f'_key = "{detectors.key()}".split()'
    about = assignment.read(source("a4"))
    holders = [cell.name for cell in about.cells if words in cell.source]
    assert holders == ["test-find", "test-prove", "test-repair"]
    assert words not in "".join(cell.released for cell in about.cells)
    assert not hasattr(broken, "truth")
    names = {name.split("_", 2)[2] for name in np.load(detectors.FILE).files}
    assert names == set(broken.PARTS)


def test_every_variant_can_be_diagnosed_by_measurement():
    """The model solution finds all four faults of each; ids are tried until each variant was met."""
    [find] = [cell.source for cell in assignment.read(source("a4")).cells if cell.name == "find"]
    ids = {broken.variant(str(number)): str(number) for number in range(300)}
    for number, order in enumerate(detectors.orders()):
        names = {"np": np, "detectors": {name: broken.detector(ids[number], name) for name in broken.NAMES}}
        exec(find, names)
        assert tuple(names["found"].values()) == order
    with pytest.raises(ValueError, match="alpha, beta, gamma, delta"):
        broken.detector("1", "epsilon")


DETECTOR_REPAIR = """
from aecourse import AutoencoderDetector


def repair(d, fault):
    X_train, y_test = d["X_train"], d["y_test"]
    if fault == "leakage":
        test_rows = {row.tobytes() for row in d["X_test"].round(6)}
        X_train = X_train[[row.tobytes() not in test_rows for row in X_train.round(6)]]
    if fault == "labels":
        y_test = 1 - y_test
    detector = AutoencoderDetector(code_size=3, epochs=100, random_state=0).fit(X_train)
    return X_train, y_test, detector.anomaly_score(d["X_test"])
"""
KERAS_CHOICE = """
import keras


def choose(scores_val, scores, y, cost_miss, cost_false_alarm, base_rate, rate):
    least = limit_for(scores_val, rate)
    candidates = keras.ops.convert_to_tensor([least, *np.unique(scores)[np.unique(scores) > least]])
    costs = [expected_cost(scores, y, limit, cost_miss, cost_false_alarm, base_rate)
             for limit in keras.ops.convert_to_numpy(candidates)]
    return candidates[int(np.argmin(costs))]
"""


@pytest.mark.parametrize(
    "name, answer", [("a3", {"choice": KERAS_CHOICE}), ("a4", {"repair": DETECTOR_REPAIR})]
)
def test_the_courses_own_methods_fit_in_the_limits(name, answer):
    """TensorFlow needs more than 2 GB of address space, and each fit takes seconds."""
    record, _ = graded(name, assignment.answered(assignment.read(source(name)), answer))
    assert record.automatic == record.possible, record.cells

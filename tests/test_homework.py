"""What students' notebooks import, under its names of today and of earlier versions."""

import importlib
import subprocess
import sys

import pytest

from aecourse.homework import broken, personal

FIND_GRADER = """
import sys
import aecourse.homework
print([name for name in sys.modules if name.startswith(("aecourse.grading", "tensorflow", "keras"))])
"""


@pytest.mark.parametrize("module", [broken, personal])
def test_the_old_import_path_gives_the_same_module(module):
    """Notebooks handed out earlier import them from the grader."""
    name = module.__name__.rpartition(".")[2]
    assert importlib.import_module(f"aecourse.grading.{name}") is module
    assert module.__name__ == f"aecourse.homework.{name}" == module.__spec__.name


def test_the_imports_of_a_notebook_handed_out_earlier_work_in_a_new_process():
    code = (
        "from aecourse.grading import broken, personal\n"
        "import aecourse.homework as homework\n"
        "assert broken is homework.broken and personal is homework.personal\n"
        "assert broken.personal is personal"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_homework_imports_no_grader():
    found = subprocess.run([sys.executable, "-c", FIND_GRADER], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_data_belong_to_a_student():
    one, same, other = (broken.detector(student, "alpha") for student in ("12345", "12345", "67890"))
    assert list(one) == list(broken.PARTS)
    assert (one["X_test"] == same["X_test"]).all() and (one["X_test"] != other["X_test"]).any()
    assert len({personal.seed(str(number), "a1") for number in range(50)}) == 50


def test_while_grading_the_submissions_id_counts(monkeypatch):
    monkeypatch.setenv(personal.VARIABLE, "4711")
    assert personal.confirmed("12345") == "4711" and personal.confirmed("your id") == "4711"
    monkeypatch.delenv(personal.VARIABLE)
    assert personal.confirmed("12345") == "12345"
    for typed in ("", "  ", "your id"):
        with pytest.raises(ValueError, match="put your own id there"):
            personal.confirmed(typed)

"""nbgrader opens the gradebook that we write, and marks given by hand stay."""

import argparse
import contextlib
import csv
import json
import pathlib
import re
import shutil
import urllib.request

import chromium
import formgrader
import nbgrader  # noqa: F401  (a missing nbgrader is a failure, not a skipped test)
import pytest
from nbgrader.api import Gradebook
from traitlets.config import PyFileConfigLoader

from aecourse.grading import assignment, cli, gradebook
from tools import hostile_submissions, made_up_assignment

SOURCE = made_up_assignment.source()
ABOUT = assignment.read(SOURCE)


class Course:
    """A class graded by the command: perfect, empty, one who plants scripts, and nothing handed in."""

    def __init__(self, folder):
        self.folder, self.nbgrader = folder, folder / "out" / "nbgrader"
        (folder / "in").mkdir()
        (folder / "demo.ipynb").write_bytes(SOURCE)
        (folder / "class.csv").write_text("id,name\n1001,Ada\n1002,Bob\n1003,Cyd\n1004,Dan\n")
        by_label = {case.label: case for case in hostile_submissions.cases(ABOUT)}
        for number, label in enumerate(("perfect", "empty", "script"), 1001):
            (folder / "in" / f"{label}_{number}_demo.ipynb").write_bytes(by_label[label].data)
        self.grade()

    def grade(self, folder=None):
        folder = folder or self.folder
        parser = argparse.ArgumentParser()
        cli.add_commands(parser.add_subparsers())
        words = ["grade", folder / "in", "-o", folder / "out", "-a", folder / "demo.ipynb"]
        options = parser.parse_args([*map(str, words), "--roster", str(folder / "class.csv")])
        assert options.run(options) == 0

    def table(self, name="grades.csv"):
        with open(self.folder / "out" / name, newline="", encoding="utf-8") as stream:
            return {row["ID"]: row for row in csv.DictReader(stream)}


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    return Course(tmp_path_factory.mktemp("gradebook"))


def open_book(folder):
    with gradebook.alembic_on_path():
        return contextlib.closing(Gradebook(f"sqlite:///{folder / 'gradebook.db'}", course_id="aecourse"))


def test_scores_are_those_of_the_table(course):
    with open_book(course.nbgrader) as book:
        for student, row in course.table().items():
            submission = book.find_submission("demo", student)
            assert submission.score == float(row["Total"]) and submission.max_score == 11
            assert submission.needs_manual_grade == (row["Waits for a mark"] == "3")


def test_the_gradebook_is_named_as_the_folder_was_given(course, capsys, monkeypatch):
    monkeypatch.chdir(course.folder)
    course.grade(pathlib.Path())
    printed = capsys.readouterr().out
    assert f"gradebook: {pathlib.Path('out', 'nbgrader', 'gradebook.db')}\n" in printed
    assert str(course.folder) not in printed


def test_a_folder_of_results_can_be_moved(course, tmp_path):
    """The pages for marking open the gradebook that is in their own folder."""
    moved = shutil.copytree(course.nbgrader, tmp_path / "else where")
    about = PyFileConfigLoader("nbgrader_config.py", path=str(moved)).load_config().CourseDirectory
    assert about.root == str(moved) and about.db_url == f"sqlite:///{moved / 'gradebook.db'}"


@pytest.fixture(scope="module")
def pages(course, tmp_path_factory):
    """A Jupyter server with nbgrader's pages, in the course folder."""
    with formgrader.opened(course.nbgrader, tmp_path_factory.mktemp("jupyter")) as get:
        yield get


def submissions(get):
    return formgrader.submissions(get, "demo")


def send(address, method, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data, {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=120) as answer:
        return json.loads(answer.read())


def test_the_pages_list_the_class(pages):
    """Nobody who handed in nothing is counted as a submission."""
    [about] = json.loads(pages("/api/assignments"))
    assert (about["name"], about["max_score"], about["max_code_score"]) == ("demo", 11, 8)
    assert about["num_submissions"] == 3
    rows = {row["student"]: row for row in json.loads(pages("/api/submissions/demo"))}
    for student in ("1001", "1002", "1003"):
        assert rows[student]["autograded"] and rows[student]["submitted"]
    assert (rows["1001"]["score"], rows["1002"]["score"]) == (8, 0)
    page = pages(f"/submissions/{submissions(pages)['1001']}")
    assert "Because normal rows set it." in page and "quantile" in page


def test_a_mark_given_on_the_page_is_in_the_next_table(pages, course):
    """A person opens a written answer, marks and comments it; grading again keeps and exports both."""
    assert course.table()["1001"]["why (of 3)"] == "" and course.table()["1001"]["Waits for a mark"] == "3"
    query = f"?submission_id={submissions(pages)['1001']}"
    [grade] = [row for row in json.loads(pages("/api/grades" + query)) if row["name"] == "why"]
    assert grade["needs_manual_grade"] and grade["max_score"] == 3
    mark = {"manual_score": 2.5, "extra_credit": None}
    sent = send(f"{pages.address}/api/grade/{grade['id']}", "PUT", mark)
    assert sent["manual_score"] == 2.5 and not sent["needs_manual_grade"]
    [comment] = [row for row in json.loads(pages("/api/comments" + query)) if row["name"] == "why"]
    send(f"{pages.address}/api/comment/{comment['id']}", "PUT", {"manual_comment": "Name <b>whose</b> rows."})
    for _ in range(2):  # grading again changes neither
        course.grade()
        row = course.table()["1001"]
        found = [row[name] for name in ("why (of 3)", "Waits for a mark", "Total", "Possible")]
        assert found == ["2.5", "0", "10.5", "11"]
        assert course.table()["1003"]["Waits for a mark"] == "3"
    [there] = [row for row in json.loads(pages("/api/submissions/demo")) if row["student"] == "1001"]
    assert there["score"] == 10.5 and not there["needs_manual_grade"]
    page = (course.folder / "out" / "feedback" / "1001.html").read_text()
    assert "marked by a person" in page and "Name &lt;b&gt;whose&lt;/b&gt; rows." in page
    with open(course.folder / "out" / "moodle.csv", newline="") as stream:
        uploaded = {row["ID number"]: row for row in csv.DictReader(stream)}
    assert uploaded["1001"]["demo"] == "10.5" and "not marked" not in uploaded["1001"]["Feedback comments"]
    assert "3 points are not marked yet" in uploaded["1003"]["Feedback comments"]


def test_nbgraders_own_autograder_finds_no_code_to_run(pages, course):
    """It would run a submission outside the sandbox; the marks stay as they were."""
    before = course.table()["1003"]["Total"]
    answer = send(f"{pages.address}/api/submission/demo/1003/autograde", "POST")
    assert answer["success"] is False
    assert list((course.nbgrader / "submitted").rglob("*.ipynb")) == []
    rows = {row["student"]: row for row in json.loads(pages("/api/submissions/demo"))}
    assert rows["1003"]["score"] == float(before) == 8


def test_a_planted_script_does_not_run_on_the_marking_page(pages, tmp_path):
    address = f"{pages.address}/submissions/{submissions(pages)['1003']}"
    shown = chromium.dumped(address, tmp_path / "profile", 3000)
    assert re.search(r"<title>(.*?)</title>", shown, re.DOTALL)[1].strip() != "PLANTED"
    assert "PLANTED" in shown  # the student's text is there, as text


def test_extra_credit_comments_and_rubric_items_arrive(course):
    """Also a comment on a solution, and extra credit on a test: neither has a mark of its own."""
    rubric = "Question: 1/2 say who acts\nData: 0,5 of 1\nRead lesson 09."
    with open_book(course.nbgrader) as book:
        why = book.find_grade("why", "demo", "demo", "1003")
        why.manual_score, why.needs_manual_grade = 1.5, False
        book.find_grade("test-flag", "demo", "demo", "1003").extra_credit = 0.5
        for name, words in (("why", rubric), ("scale", "Nicely <i>short</i>.")):
            book.find_comment(name, "demo", "demo", "1003").manual_comment = words
        book.db.commit()
    course.grade()
    row = course.table()["1003"]
    assert (row["why (of 3)"], row["Extra credit"], row["Total"]) == ("1.5", "0.5", "10")
    assert (row["why validation normals: Question"], row["why validation normals: Data"]) == ("1", "0.5")
    assert (
        "the function scale: Nicely <i>short</i>." in row["Comments"] and "Read lesson 09." in row["Comments"]
    )
    with open_book(course.nbgrader) as book:
        assert book.find_submission("demo", "1003").score == 10
    page = (course.folder / "out" / "feedback" / "1003.html").read_text()
    assert (
        "Nicely &lt;i&gt;short&lt;/i&gt;." in page
        and "Extra credit: 0.5." in page
        and "Question: 1/2" in page
    )
    with open(course.folder / "out" / "moodle.csv", newline="") as stream:
        [uploaded] = [row for row in csv.DictReader(stream) if row["ID number"] == "1003"]
    assert uploaded["demo"] == "10" and "say who acts" in uploaded["Feedback comments"]
    report = (course.folder / "out" / "report.html").read_text()
    assert "items of the rubric" not in report
    with open_book(course.nbgrader) as book:
        book.find_grade("why", "demo", "demo", "1003").manual_score = 2.5
        book.db.commit()
    course.grade()
    report = (course.folder / "out" / "report.html").read_text()
    assert "the items of the rubric sum to 1.5, the mark is 2.5" in report

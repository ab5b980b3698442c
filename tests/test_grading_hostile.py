"""A class that contains the hard cases is graded whole, and none of them gets more than it earned."""

import csv
import html
import json
import os
import random
import re
import sqlite3
from argparse import ArgumentParser
from types import SimpleNamespace

import chromium
import psutil
import pytest

from aecourse.grading import assignment, batch, cli, collecting, session
from aecourse.grading.record import Record
from aecourse.grading.sandbox import fork_server, process
from tools import hostile_submissions, made_up_assignment, made_up_class

ABOUT = assignment.read(made_up_assignment.source())
LABELS = [case.label for case in hostile_submissions.cases(ABOUT)]


@pytest.fixture(scope="session")
def graded(tmp_path_factory):
    """The class, graded once by the command."""
    folder = tmp_path_factory.mktemp("class")
    results = folder / "results"
    source = folder / "source" / "demo" / "demo.ipynb"
    source.parent.mkdir(parents=True)
    source.write_bytes(made_up_assignment.source())
    # A process that a submission leaves behind sleeps for so long, and is found by it.
    marker = f"{random.SystemRandom().randrange(10**5, 10**6)}.{os.getpid()}"
    rows = hostile_submissions.cases(ABOUT, str(results), str(source), marker)
    students = made_up_class.write_class(folder / "submissions", rows)
    parser = ArgumentParser()
    cli.add_commands(parser.add_subparsers())
    # Endless loops only wait: with more at once than cores, the others go on meanwhile.
    words = ["grade", str(folder / "submissions"), "-o", str(results), "-a", str(source), "--workers", "4"]
    options = parser.parse_args(words)
    status = options.run(options)
    records = {}
    for file in (results / "records").glob("*.json"):
        record = Record.from_dict(json.loads(file.read_text()))
        records[record.student] = record
    return SimpleNamespace(
        folder=folder,
        results=results,
        status=status,
        marker=marker,
        source=source,
        cases={case.label: case for case in rows},
        students=students,
        records={label: records[student] for label, student in students.items() if student in records},
        page=lambda label: (results / "feedback" / f"{students[label]}.html").read_text(),
    )


def outputs(record):
    """Return everything that a record shows of what the submission printed."""
    reports = [cell["report"] for cell in record.shown if cell["report"]]
    return "\n".join(output.get("text", "") for report in reports for output in report["outputs"])


def test_the_whole_class_is_graded(graded):
    assert graded.status == 0
    assert set(graded.records) == set(LABELS)
    with open(graded.results / "grades.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert sorted(row["ID"] for row in rows) == sorted(graded.students.values())


@pytest.mark.parametrize("label", LABELS)
def test_a_submission_gets_its_status_and_its_marks(graded, label):
    case, record = graded.cases[label], graded.records[label]
    assert record.status == case.status, (record.message, record.notes)
    assert {cell.name: cell.earned for cell in record.cells if cell.kind == "test"} == case.marks
    assert record.possible == 8 and record.by_hand == 3
    assert record.message
    # A safety net: the deadline, and far more than two starts take on a busy machine.
    assert record.seconds - record.waited < ABOUT.seconds + session.OVERHEAD


@pytest.mark.parametrize("label", LABELS)
def test_a_page_shows_no_hidden_text_and_nothing_active(graded, label):
    page = graded.page(label)
    words = html.unescape(re.sub(r"<[^>]*>", " ", page))
    stored = json.dumps(graded.records[label].to_dict())
    # What a student wrote may be there; of the tests, only a name, points and the author's hint.
    own = "\n".join(cell["source"] for cell in graded.records[label].shown)
    for line in ABOUT.hidden_lines():
        assert line in own or line not in words
    assert "heron" not in words and "heron" not in stored
    assert "<script" not in page and 'onerror="' not in page and "javascript:" not in page
    assert re.findall(r"<(?:iframe|object|embed|svg|link|form|base)\b", page) == []
    assert len(page) < 1_000_000


def test_no_process_is_left(graded):
    fork_server.close()
    left = []
    for running in psutil.process_iter(["cmdline"]):
        if any(graded.marker in word for word in running.info["cmdline"] or ()):
            left.append(running.info["cmdline"])
    assert left == []
    family = [child for child in psutil.Process().children(recursive=True) if child.name() == "bwrap"]
    assert psutil.wait_procs(family, timeout=60)[1] == []


def test_the_gradebook_holds_what_the_records_say(graded):
    with sqlite3.connect(graded.results / "nbgrader" / "gradebook.db") as book:
        total = book.execute("select sum(auto_score) from grade").fetchone()[0]
        students = book.execute("select count(*) from submitted_assignment").fetchone()[0]
    assert students == len(LABELS)
    assert total == sum(record.automatic for record in graded.records.values())


def test_a_submission_writes_nothing_into_the_results(graded):
    assert sorted(path.name for path in graded.results.iterdir() if path.name != "nbgrader") == [
        "assignment.txt",
        "canvas.csv",
        "feedback",
        "grades.csv",
        "moodle.csv",
        "records",
        "report.html",
        "students.csv",
    ]
    assert list(graded.folder.rglob("*escaped*")) == []


def test_the_source_folder_cannot_be_read(graded):
    text = outputs(graded.records["reader"])
    assert "FileNotFoundError" in text and "COPIED" not in text


def test_output_is_capped_by_size(graded):
    record = graded.records["output"]
    assert "more characters were not kept" in outputs(record)
    assert len(json.dumps(record.to_dict())) < 300_000


def test_processes_are_bounded(graded):
    found = re.search(r"stopped after (\d+) of BlockingIOError", outputs(graded.records["forks"]))
    assert 0 < int(found[1]) <= process.Limits().processes


def test_memory_is_bounded(graded):
    errors = [cell["report"]["error"] for cell in graded.records["memory"].shown if cell["report"]]
    assert "MemoryError" in [error["name"] for error in errors if error]


def test_the_disk_is_bounded(graded):
    text = outputs(graded.records["disk"])
    assert "NOT BOUNDED" not in text
    sizes = [int(size) for size in re.findall(r"(\d+) MB, then", text)]
    assert len(sizes) == 5 and max(sizes) <= process.Limits().scratch_mb


def test_there_is_no_network(graded):
    text = outputs(graded.records["network"])
    assert text.count("no network") == 2 and "CONNECTED" not in text


def test_nothing_of_the_machine_is_seen(graded):
    text = outputs(graded.records["snooper"])
    assert "OTHERS []" in text
    assert re.findall(r"SEEN (/root|/etc)\S*", text) == []
    assert not re.search(r"uid 0\b", text)


def test_a_refusal_tells_the_student_what_to_do(graded):
    for label in ("symlink", "bomb", "traversal", "zipped-link", "truncated", "picture"):
        assert re.search(r"[Hh]and (it )?in", graded.records[label].message), label


def test_hints_are_the_authors(graded):
    messages = {cell.name: cell.message for cell in graded.records["half"].cells}
    assert messages["test-threshold"] == "half of three scores lie above the middle one"
    assert messages["test-row_errors"] == "Read again what row_errors returns."


def test_grading_again_computes_nothing(graded):
    handed_in = collecting.collect(graded.folder / "submissions", "demo")
    store = batch.Store(graded.results / "records")
    records, computed = batch.grade_all(graded.source.read_bytes(), handed_in, store)
    assert computed == 0 and len(records) == len(LABELS)


def test_a_planted_script_does_not_run(graded, tmp_path):
    """In a real browser: the title that the scripts would set is not set; without our care it would be."""

    def title(path):
        shown = chromium.dumped(path.as_uri(), tmp_path / "profile", 2000)
        return re.search(r"<title>(.*?)</title>", shown, re.DOTALL)[1]

    assert title(graded.results / "feedback" / f"{graded.students['script']}.html") == "demo: script"
    careless = tmp_path / "careless.html"
    careless.write_text(html.unescape(re.sub(r"<meta[^>]*>", "", graded.page("script"))))
    assert title(careless) == "PLANTED"

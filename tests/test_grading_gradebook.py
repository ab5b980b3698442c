"""nbgrader opens the gradebook that we write, and marks given by hand stay."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import nbgrader  # noqa: F401  (a missing nbgrader is a failure, not a skipped test)
import pytest
from nbgrader.api import Gradebook

from aecourse.grading import assignment, batch, demo, gradebook, preflight

SOURCE = demo.source()
ABOUT = assignment.read(SOURCE)


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course folder of three students: perfect, empty, and one who plants scripts."""
    folder = tmp_path_factory.mktemp("gradebook")
    rows = [case for case in demo.cases(ABOUT) if case.label in ("perfect", "empty", "script")]
    submissions = [preflight.Incoming(case.label, case.label, "", case.data) for case in rows]
    records, _ = batch.grade_all(SOURCE, submissions, batch.Store(folder / "records"))
    gradebook.write(folder / "nbgrader", ABOUT, SOURCE, records)
    return folder / "nbgrader", records


def open_book(folder):
    with gradebook._tools_on_path():
        return contextlib.closing(Gradebook(f"sqlite:///{folder / 'gradebook.db'}", course_id="aecourse"))


def test_scores_are_those_of_the_records(course):
    folder, records = course
    with open_book(folder) as book:
        for record in records:
            submission = book.find_submission("demo", record.student)
            assert submission.score == record.automatic and submission.max_score == 11
            waits = any(cell.outcome == "to be marked" for cell in record.cells)
            assert submission.needs_manual_grade == waits


def test_a_mark_given_by_hand_survives_grading_again(course):
    folder, records = course
    with open_book(folder) as book:
        grade = book.find_grade("why", "demo", "demo", "perfect")
        grade.manual_score, grade.needs_manual_grade = 2.5, False
        book.db.commit()
    gradebook.write(folder, ABOUT, SOURCE, records)
    with open_book(folder) as book:
        submission = book.find_submission("demo", "perfect")
        assert submission.score == 8 + 2.5 and not submission.needs_manual_grade
        grade = book.find_grade("why", "demo", "demo", "perfect")
        grade.manual_score, grade.needs_manual_grade = None, True
        book.db.commit()


@pytest.fixture(scope="module")
def pages(course, tmp_path_factory):
    """A Jupyter server with nbgrader's pages, in the course folder."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    own = tmp_path_factory.mktemp("jupyter")
    environment = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(own / "config"),
        "JUPYTER_DATA_DIR": str(own / "data"),
        "PATH": os.pathsep.join([str(pathlib.Path(sys.executable).parent), os.environ["PATH"]]),
    }
    server = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "jupyter_server",
            "--no-browser",
            "--allow-root",
            f"--port={port}",
            "--ServerApp.port_retries=0",
            "--ServerApp.token=",
            "--ServerApp.password=",
            "--ServerApp.disable_check_xsrf=True",
        ],
        cwd=course[0],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://localhost:{port}/formgrader"

    def get(path):
        with urllib.request.urlopen(address + path, timeout=60) as answer:
            return answer.read().decode()

    get.address = address
    try:
        waited = time.monotonic() + 90
        while time.monotonic() < waited:
            try:
                get("/api/assignments")
                break
            except OSError:
                time.sleep(0.5)
        yield get
    finally:
        server.kill()
        server.wait()


def submissions(get):
    return {row["student"]: row["id"] for row in json.loads(get("/api/submitted_notebooks/demo/demo"))}


def test_the_marking_pages_open(pages):
    [about] = json.loads(pages("/api/assignments"))
    assert (about["name"], about["max_score"], about["max_code_score"]) == ("demo", 11, 8)
    found = submissions(pages)
    assert set(found) == {"perfect", "empty", "script"}
    page = pages(f"/submissions/{found['perfect']}")
    assert "Because normal rows set it." in page and "quantile" in page


def test_a_planted_script_does_not_run_on_the_marking_page(pages, tmp_path):
    browser = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
    assert browser, "this test needs Chromium: apt-get install chromium"
    line = [
        browser,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={tmp_path / 'profile'}",
        "--virtual-time-budget=3000",
        "--dump-dom",
        f"{pages.address}/submissions/{submissions(pages)['script']}",
    ]
    shown = subprocess.run(line, capture_output=True, text=True, timeout=120).stdout
    assert re.search(r"<title>(.*?)</title>", shown, re.DOTALL)[1].strip() != "PLANTED"
    assert "PLANTED" in shown  # the student's text is there, as text

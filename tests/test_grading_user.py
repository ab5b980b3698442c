"""The grader as an ordinary user: the same sandbox, the same marks, or a clear refusal."""

import json
import os
import pathlib
import shutil
import stat
import subprocess
import sys
import tempfile

import pytest

from aecourse.grading import assignment
from aecourse.grading.record import Record
from aecourse.grading.sandbox import process
from tools import hostile_submissions, made_up_assignment, made_up_class

SOURCE = made_up_assignment.source()
ABOUT = assignment.read(SOURCE)
USER = 54321
LABELS = ("perfect", "half", "exit", "reader", "disk", "network", "snooper", "killer", "forks")
COLD = """
import sys
from tools import hostile_submissions, made_up_assignment
from aecourse.grading import assignment, submissions
from aecourse.grading.grade import grade
source = made_up_assignment.source()
for case in hostile_submissions.cases(assignment.read(source)):
    if case.label in ("disk", "snooper"):
        record = grade(source, submissions.Incoming("1", "", "", case.data), warmed=False)
        print(case.label, record.status, record.automatic)
        for cell in record.shown:
            for output in (cell["report"] or {}).get("outputs", []):
                print(output.get("text"))
"""


def as_user(*arguments, before=()):
    """Return the command line that runs something as an ordinary user; not root, it is as it is.

    Where root's own folders hold the interpreter, it is shown at its place, for that user to read.
    """
    if os.geteuid() != 0:
        return [*before, *arguments]
    places = [*process.readable_places(), pathlib.Path(__file__).parents[1]]
    closed = {
        next((parent for parent in reversed(place.parents) if not parent.stat().st_mode & stat.S_IXOTH), None)
        for place in places
    } - {None}
    line = ["bwrap", "--dev-bind", "/", "/"]
    for top in sorted(closed):
        line += ["--perms", "0755", "--tmpfs", str(top)]
        for place in places:
            if place.is_relative_to(top):
                for parent in reversed(place.parents):
                    if parent.is_relative_to(top) and parent != top:
                        line += ["--perms", "0755", "--dir", str(parent)]
                line += ["--bind", str(place), str(place)]
    drop = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--inh-caps=-all"]
    return [*line, "--", *drop, "--bounding-set=-all", "--no-new-privs", *before, *arguments]


@pytest.fixture(scope="module")
def place():
    """A folder that the user may write to, with submissions in it."""
    folder = pathlib.Path(tempfile.mkdtemp(dir="/tmp"))
    try:
        folder.chmod(0o777)
        (folder / "demo.ipynb").write_bytes(SOURCE)
        cases = [case for case in hostile_submissions.cases(ABOUT) if case.label in LABELS]
        made_up_class.write_class(folder / "in", cases)
        yield folder
    finally:
        shutil.rmtree(folder)


def run(place, line):
    environment = {**os.environ, "HOME": str(place), "PYTHONDONTWRITEBYTECODE": "1"}
    environment |= {"PYTHONPATH": str(pathlib.Path(__file__).parents[1])}
    return subprocess.run(line, cwd=place, env=environment, capture_output=True, text=True, timeout=300)


def grade(place, *before):
    words = ["-m", "aecourse.cli", "grade", "in", "-o", "out", "-a", "demo.ipynb"]
    return run(place, as_user(os.path.abspath(sys.executable), *words, before=before))


def test_an_ordinary_user_grades_as_root_does(place):
    done = grade(place)
    assert done.returncode == 0, done.stderr
    records = {}
    for file in (place / "out" / "records").glob("*.json"):
        record = Record.from_dict(json.loads(file.read_text()))
        records[record.name] = record
        assert file.stat().st_uid == (USER if os.geteuid() == 0 else os.geteuid())
    cases = {case.label: case for case in hostile_submissions.cases(ABOUT)}
    assert set(records) == set(LABELS)
    for label, record in records.items():
        assert record.status == cases[label].status, (label, record.notes)
        marks = {cell.name: cell.earned for cell in record.cells if cell.kind == "test"}
        assert marks == cases[label].marks, label
    assert "NOT BOUNDED" not in words(records["disk"]) and words(records["disk"]).count("MB, then") == 5
    assert words(records["network"]).count("no network") == 2
    assert "OTHERS []" in words(records["snooper"]) and "SEEN /root" not in words(records["snooper"])


def words(record):
    return "".join(
        output.get("text", "")
        for cell in record.shown
        for output in (cell["report"] or {}).get("outputs", [])
    )


def test_processes_started_from_nothing_are_as_confined(place):
    done = run(place, as_user(os.path.abspath(sys.executable), "-c", COLD))
    assert done.stdout.count("graded 8.0") == 2, done.stderr
    assert "NOT BOUNDED" not in done.stdout and "OTHERS []" in done.stdout


def test_where_users_may_not_make_namespaces_it_refuses(place):
    shutil.rmtree(place / "out", ignore_errors=True)
    room = ("bwrap", "--dev-bind", "/", "/", "--unshare-user", "--disable-userns", "--")
    done = grade(place, *room)
    assert done.returncode == 1 and not (place / "out").exists()
    assert "No sandbox: bubblewrap does not work here" in done.stderr
    assert "user namespaces" in done.stderr and "--trusted" in done.stderr
    assert "Traceback" not in done.stderr

"""`make lab` and others in a shared room: a read-only mount, homes that cannot be written, a port in use."""

import contextlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys

import pytest
from waiting import wait_until

from benchmarks.bench_first_cell import ADDRESS, ask, listens, run_cell
from tools import lab, setup_env

ROOT = pathlib.Path(__file__).parents[1]
VENV = setup_env.venv_path()
pytestmark = [
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="read-only mounts are made by bubblewrap"),
    pytest.mark.skipif(not setup_env.read_stamp(VENV), reason="the environment was not made by 'make setup'"),
]
KERNEL = {"argv": ["/usr/bin/false", "{connection_file}"], "display_name": "not ours", "language": "python"}
PORT = 8888  # the first that the lab tries


@pytest.fixture
def home(tmp_path):
    """A home with a blank and letters that are not ASCII, in which another python3 kernel is installed."""
    home = tmp_path / "zu Hause, 日本"
    kernel = home / ".local" / "share" / "jupyter" / "kernels" / "python3"
    kernel.mkdir(parents=True)
    (kernel / "kernel.json").write_text(json.dumps(KERNEL))
    return home


def room(home, *read_only, target="lab", **environment):
    """Run a target of make where the course, its environment and some other folders cannot be written."""
    mounts = [word for place in (ROOT, VENV, *read_only) for word in ("--ro-bind", str(place), str(place))]
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("JUPYTER", "IPYTHON", "AECOURSE_WORK", "MAKE", "MFLAGS", "XDG"))
    }
    # With a process space of its own, nothing that it starts outlives it.
    alone = ("--unshare-pid", "--proc", "/proc", "--die-with-parent")
    return subprocess.Popen(
        ["bwrap", "--dev-bind", "/", "/", *mounts, *alone, "--chdir", str(ROOT), "make", target],
        env=inherited | {"HOME": str(home), "BROWSER": "true"} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@contextlib.contextmanager
def taken(port):
    """Take a port of this machine, unless it is taken."""
    with socket.socket() as one:
        with contextlib.suppress(OSError):
            one.bind(("127.0.0.1", port))
            one.listen()
        yield


CELL = """import sys, matplotlib.pyplot, keras, aecourse
from aecourse import datasets
print(sys.prefix, keras.backend.backend(), len(datasets.load_iris_novelty().X_test) > 0)"""


@pytest.mark.parametrize("kind", ["a home", "a home that cannot be written"])
def test_a_lesson_can_be_worked_through_on_a_read_only_mount(home, tmp_path, kind):
    work = tmp_path / "meine Kopie é" if "cannot" in kind else home / "aecourse-work"
    more = {"AECOURSE_WORK": str(work)} if "cannot" in kind else {}
    with taken(PORT):
        server = room(home, *([home] if "cannot" in kind else []), KERAS_BACKEND="torch", **more)
        said = ""
        try:
            for line in server.stdout:
                said += line
                if found := ADDRESS.search(line):
                    break
            else:
                pytest.fail(f"the server did not start:\n{said}")
            base, port, token = found.groups()
            assert int(port) != PORT
            wait_until(lambda: listens(int(port)))
            lessons = {entry["name"] for entry in ask(base, token, "GET", "contents")["content"]}
            assert {lab.FIRST, "assignments", "data"} <= lessons
            assert run_cell(base, token, CELL).strip().endswith(f"{VENV} tensorflow True")
            # What is opened can be saved.
            assert all(os.access(path, os.W_OK) for path in work.rglob("*"))
        finally:
            server.kill()
            said += server.communicate(timeout=60)[0]
        assert "Traceback" not in said, said
        assert (work / lab.FIRST).exists() and not (home / ".aecourse").exists()


def test_without_any_folder_to_write_in_the_lab_says_what_to_name(home):
    server = room(home, home)
    said = server.communicate(timeout=120)[0]
    assert server.returncode != 0 and "AECOURSE_WORK=FOLDER make lab" in said and "Traceback" not in said


@pytest.mark.parametrize("kind", ["at home", "named"])
def test_what_is_made_from_the_lessons_goes_where_one_may_write(home, tmp_path, kind):
    work = tmp_path / "meine Kopie é" if kind == "named" else home / "aecourse-work"
    more = {"AECOURSE_WORK": str(work)} if kind == "named" else {}
    server = room(home, target="quizzes", **more)
    said = server.communicate(timeout=120)[0]
    assert server.returncode == 0, said
    assert {"moodle.xml", "quizzes.gift"} < {path.name for path in (work / "_build" / "quizzes").iterdir()}


@pytest.mark.parametrize("target", ["course", "quizzes", "site", "slides"])
def test_without_any_folder_to_write_in_a_target_says_what_to_name(home, target):
    server = room(home, home, target=target)
    said = server.communicate(timeout=120)[0]
    assert server.returncode != 0 and "AECOURSE_WORK" in said and "Traceback" not in said, said


def test_a_user_without_a_home_gets_a_sentence():
    """As in containers that run under a number which the machine does not know."""
    code = "import sys; from tools import lab; sys.exit(lab.main(['--copy-only', '--work', '/proc/none']))"
    if os.geteuid() != 0:
        pytest.skip("only root becomes another user")
    command = ["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups", sys.executable, "-c", code]
    environment = {name: value for name, value in os.environ.items() if name != "HOME"}
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert result.returncode == 1 and "AECOURSE_WORK" in result.stderr and "Traceback" not in result.stderr

"""Submissions forked from one server: as graded from nothing, and none sees or changes another."""

import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import threading

import psutil
import pytest
from waiting import wait_until

from aecourse.grading import assignment, grade, submissions
from aecourse.grading.sandbox import fork_server, process
from tools import hostile_submissions, made_up_assignment

SOURCE = made_up_assignment.source()
# For submissions that wait until the test ends them.
PATIENT = made_up_assignment.source(seconds=3000)
ABOUT = assignment.read(SOURCE)
TOKEN = f"left-behind-{random.SystemRandom().randrange(10**8, 10**9)}"

# Leaves something in every place that a process can leave something in, then waits for a process of its own.
POLLUTE = """
import builtins, ctypes, os, socket, subprocess, sys, tempfile
token = "TOKEN"
for folder in ("/tmp", "/dev/shm", "/home/student", "/var/tmp", "/run"):
    try:
        open(os.path.join(folder, "polluted"), "w").write(token)
    except OSError:
        pass
os.environ["POLLUTED"] = token
numpy_ = sys.modules["numpy"]
numpy_.polluted = builtins.polluted = sys.polluted = token
numpy_.mean = builtins.sum = lambda *a, **k: 42
sys.modules["polluted"] = sys
sys.path.insert(0, "/tmp/polluted")
listener = socket.socket(socket.AF_UNIX)
listener.bind("\\0polluted")
listener.listen()
server = socket.create_server(("127.0.0.1", 54321)) if hasattr(socket, "create_server") else None
libc = ctypes.CDLL(None)
libc.shmget(4711, 4096, 0o1666)
libc.sethostname(b"polluted", 8)
kept = [token * 100 for _ in range(1000)]
own = {int(name) for name in os.listdir("/proc/self/task")}
for number in set(range(1, 400)) - own:
    try:
        os.kill(number, 9)
    except OSError:
        pass
subprocess.Popen(["sleep", "MARKER"], start_new_session=True)
subprocess.run(["sleep", "1MARKER"])
print("stayed")
"""
# Says what is there, in words that are the same wherever nothing was left.
LOOK = """
import builtins, ctypes, os, socket, sys
import numpy
found = {}
found["files"] = {folder: sorted(os.listdir(folder)) for folder in ("/tmp", "/dev/shm", "/home/student")}
found["environment"] = dict(os.environ)
found["names"] = [hasattr(place, "polluted") for place in (numpy, builtins, sys)]
found["results"] = [float(numpy.mean([1.0, 2.0])), sum([1, 2])]
found["modules"] = "polluted" in sys.modules
found["path"] = sys.path
found["processes"] = sorted(int(name) for name in os.listdir("/proc") if name.isdigit())
found["hostname"] = socket.gethostname()
found["sockets"] = open("/proc/net/unix").read().count("polluted")
found["shared memory"] = len(open("/proc/sysvipc/shm").readlines())
handles = [f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd")]
found["open files"] = sorted(os.readlink(path).split(":")[0] for path in handles if os.path.lexists(path))
for address, family in (("\\0polluted", socket.AF_UNIX), (("127.0.0.1", 54321), socket.AF_INET)):
    try:
        socket.socket(family).connect(address)
        found[str(address)] = "connected"
    except OSError as problem:
        found[str(address)] = type(problem).__name__
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status") if ":\\t" in line)
found["rights"] = [status[name].strip() for name in ("CapEff", "CapPrm", "CapInh", "NoNewPrivs", "Groups")]
user = os.getuid()
found["root"] = user == 0
try:
    os.setuid(0)
    found["became root"] = True
except OSError:
    found["became root"] = False
libc = ctypes.CDLL(None)
found["unmounted"] = [libc.umount2(place, 2) for place in (b"/tmp", b"/home/student", b"/proc")]
import re
own = "its-own-" + str(os.getpid() * 10**8)
held = control = 0
with open("/proc/self/mem", "rb", 0) as memory:
    for line in open("/proc/self/maps"):
        span, rights = line.split()[:2]
        first, last = (int(part, 16) for part in span.split("-"))
        if "rw" in rights and last - first < 2**28:
            try:
                memory.seek(first)
                part = memory.read(last - first)
                held += len(re.findall(rb"left-behind-\\d{9}", part))
                control += len(re.findall(rb"its-own-\\d{9}", part))
            except (OSError, OverflowError, ValueError):
                pass
found["memory"] = [held, control > 0]  # the second shows that the search finds what is there
import json
print(json.dumps(found, sort_keys=True))
"""


def incoming(first="", answers=None, student="10001"):
    return submissions.Incoming(
        student, "doe", "doe.ipynb", made_up_assignment.submission(ABOUT, answers, first)
    )


def words(record):
    return "".join(
        output.get("text", "")
        for cell in record.shown
        for output in (cell["report"] or {}).get("outputs", [])
    )


def running(argument):
    """Return the processes of this machine that have this argument."""
    return [item for item in psutil.process_iter(["cmdline"]) if argument in (item.info["cmdline"] or ())]


def look(warmed=True):
    record = grade.grade(SOURCE, incoming(LOOK), warmed=warmed)
    assert (record.status, record.automatic) == ("graded", 8), (record.notes, record.shown[2]["report"])
    return json.loads(words(record))


@pytest.fixture(scope="module")
def server():
    """The server of the made-up class's assignment; it must be there, or nothing here is tested."""
    found = fork_server.server_for(ABOUT.imports)
    assert found is not None, fork_server.SERVERS.problems
    return found


def test_a_submission_finds_nothing_of_another(server):
    """Before, during and after one that leaves something everywhere, the next finds the same."""
    marker = f"{random.SystemRandom().randrange(10**5, 10**6)}.{os.getpid()}"
    before, records = look(), []
    text = POLLUTE.replace("TOKEN", TOKEN).replace("MARKER", marker)
    other = incoming(text, student="left-behind-100000002")  # the looker searches its memory for this, too
    polluter = threading.Thread(target=lambda: records.append(grade.grade(PATIENT, other)))
    polluter.start()
    wait_until(lambda: running(f"1{marker}"))
    assert running(marker)
    during = look()
    assert polluter.is_alive(), "the two did not run side by side"
    [waited_for] = running(f"1{marker}")
    waited_for.kill()
    polluter.join()
    after = look()
    assert records[0].status == "graded" and "stayed" in words(records[0])
    assert running(marker) == [] and not server.users
    assert fork_server.server_for(ABOUT.imports) is server, "all of them were to be forked from one server"
    assert before == during == after
    assert before["memory"] == [0, True] and TOKEN.startswith("left-behind-")
    # Where this clone lies under /tmp, so do Python's own folders.
    own = sorted({place.parts[2] for place in process.readable_places() if place.is_relative_to("/tmp")})
    assert before["files"] == {"/tmp": own, "/dev/shm": [], "/home/student": [".ipython"]}
    assert before["environment"]["AECOURSE_STUDENT"] == "10001"
    assert before["rights"] == ["0" * 16] * 3 + ["1", ""]
    assert before["root"] is before["became root"] is False
    assert before["unmounted"] == [-1, -1, -1]


def test_a_fork_finds_what_a_fresh_process_finds(server):
    warmed, cold = look(), look(warmed=False)
    # A server's sandbox holds the server; a fork is the second process of a namespace of its own.
    assert warmed.pop("processes") == [1, 2] and cold.pop("processes") == [1, 2]
    assert warmed == cold


@pytest.mark.parametrize("warmed", [True, False])
def test_python_may_lie_in_a_folder_that_is_covered(warmed, monkeypatch):
    """A clone under /tmp: each submission has a /tmp of its own, and Python's folders are read there."""
    places = process.readable_places()
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        place = pathlib.Path(folder) / "deep" / "packages"
        place.mkdir(parents=True)
        (place / "found.txt").write_text("found")
        for each in (place.parent, place, pathlib.Path(folder)):
            each.chmod(0o755)
        monkeypatch.setattr(process, "readable_places", lambda: [*places, place])
        look = f"""
import json, os
try:
    open({str(place / "new")!r}, "w")
    written = True
except OSError:
    written = False
print(json.dumps([open({str(place / "found.txt")!r}).read(), written, len(os.listdir("/tmp"))]))
"""
        server = fork_server.Server(ABOUT.imports) if warmed else None
        try:
            monkeypatch.setattr(fork_server, "server_for", lambda modules: server)
            record = grade.grade(SOURCE, incoming(look), warmed=warmed)
        finally:
            if server is not None:
                server.close()
        read, written, n_names = json.loads(words(record))
        assert (read, written) == ("found", False)
        assert not (place / "new").exists()
        assert n_names == len({each.parts[2] for each in [*places, place] if each.is_relative_to("/tmp")})


@pytest.mark.parametrize("label", ["half", "exit-in-test", "snooper", "disk", "network", "forks", "huge"])
def test_marks_are_the_same_from_nothing(label, server):
    """The hostile class is graded by forks; here both ways, with the same words and marks."""
    [case] = [case for case in hostile_submissions.cases(ABOUT) if case.label == label]
    grades = []
    for warmed in (True, False):
        record = grade.grade(SOURCE, submissions.Incoming("10001", "", "", case.data), warmed=warmed)
        assert record.status == case.status
        assert {cell.name: cell.earned for cell in record.cells if cell.kind == "test"} == case.marks
        grades.append([cell.message for cell in record.cells])
    assert grades[0] == grades[1]
    if label == "disk":
        assert "NOT BOUNDED" not in words(record)


def test_a_lost_server_is_our_fault_not_the_students():
    """Nothing is scored as crashed; and the next submission gets a new server."""
    first, records = fork_server.server_for(ABOUT.imports), []
    marker = f"2{random.SystemRandom().randrange(10**5, 10**6)}.{os.getpid()}"
    slow = incoming(f"import subprocess\nsubprocess.run(['sleep', '{marker}'])")
    grading = threading.Thread(target=lambda: records.append(grade.grade(PATIENT, slow)))
    grading.start()
    wait_until(lambda: running(marker))
    assert len(first.users) == 2 and grading.is_alive(), records
    first.close()
    grading.join()
    assert records[0].status == "grader failed" and "server" in records[0].notes[0]
    assert grade.grade(SOURCE, incoming()).automatic == 8
    assert fork_server.server_for(ABOUT.imports) is not first


def test_where_no_server_can_run_processes_start_from_nothing(monkeypatch):
    servers = fork_server.Servers()
    monkeypatch.setattr(fork_server, "server_for", servers.get)
    monkeypatch.setattr(process, "server_command", lambda arguments: ["/bin/false"])
    record = grade.grade(SOURCE, incoming())
    assert (record.status, record.automatic) == ("graded", 8)
    assert "does not answer" in servers.problems[tuple(ABOUT.imports)]


def test_a_server_with_threads_is_not_forked_from(tmp_path, monkeypatch):
    """A fork has one thread; what another thread of the server held would stay held in it for ever."""
    (tmp_path / "site-packages").mkdir()
    (tmp_path / "site-packages" / "threaded_module.py").write_text(
        "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path / "site-packages"))
    plain = process.server_command
    where = tmp_path / "site-packages"

    def with_module(arguments):
        line = plain(arguments)
        at = line.index("--clearenv") + 1
        return [*line[:at], "--setenv", "PYTHONPATH", str(where), *line[at:]]

    monkeypatch.setattr(process, "server_command", with_module)
    with pytest.raises(fork_server.Unavailable, match="2 threads"):
        fork_server.Server(("threaded_module",))


def test_a_server_ends_with_the_grader():
    code = (
        "import sys\nfrom aecourse.grading.sandbox import fork_server\n"
        "assert fork_server.server_for(['numpy'])\n"
        "print('up', flush=True)\nsys.stdin.read()"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    grader = subprocess.Popen([sys.executable, "-c", code], **pipes)
    assert grader.stdout.readline() == "up\n"
    family = psutil.Process(grader.pid).children(recursive=True)
    assert any("aecourse.grading.inside.fork_server" in " ".join(member.cmdline()) for member in family)
    grader.send_signal(signal.SIGKILL)
    grader.communicate()
    gone, left = psutil.wait_procs(family, timeout=60)
    assert left == [] and len(gone) == len(family)

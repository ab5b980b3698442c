"""Submissions that attack the grader, or that are damaged, with the status and the points that they must get.

Each attack is the source of a cell, or an edited file. ``cases`` lists them; a new one is a line there.
"""

import io
import json
import os
import pathlib
import stat
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aecourse.grading import assignment
from aecourse.grading.record import Status
from tools.made_up_assignment import FULL_MARKS, NO_MARKS, WRONG, submission

NO_SCALE_MARKS = {**FULL_MARKS, "test-scale": 0}
SYMBOLIC_LINK = stat.S_IFLNK | 0o777

PATCH_NUMPY = """
import numpy
numpy.allclose = numpy.all = numpy.array_equal = lambda *a, **k: True
"""
PATCH_BUILTINS = """
import builtins
builtins.list = builtins.int = builtins.abs = lambda *a, **k: True
"""
DROP_ASSERTS = """
import ast
class Drop(ast.NodeTransformer):
    def visit_Assert(self, node):
        return ast.Pass()
get_ipython().ast_transformers.append(Drop())
"""
SPY_ON_CELLS = """
import sys, gc
def look(*a):
    frame = sys._getframe()
    while frame:
        print({name: str(value)[:500] for name, value in frame.f_locals.items()})
        frame = frame.f_back
    print([text for text in gc.get_objects() if isinstance(text, str) and "hidden_" in text][:50])
    print(get_ipython().user_ns.get("In"))
get_ipython().events.register("pre_run_cell", look)
get_ipython().events.register("post_run_cell", look)
import atexit
atexit.register(look)
"""
KEEP_ARGUMENTS = """
seen = []
class Watch:
    def __repr__(self):
        return repr(seen)
import numpy as _n
def _keep(*a, **k):
    seen.append(a)
    print("kept", a)
    raise ValueError("kept " + repr(a))
scale = _keep
"""
FLOOD_THE_CHANNEL = """
import os, socket, struct, sys
for number in range(3, 64):
    try:
        os.write(number, struct.pack(">IQ", 40, 2**60) + b"x" * 40)
    except OSError:
        pass
"""
FORGE_ANSWERS = """
import json, os, struct
def _answer(value):
    head = json.dumps(value).encode()
    return struct.pack(">IQ", len(head), 0) + head
for number in range(3, 64):
    for forged in ({"unanswered": "passed"}, {"result": {"outcome": "passed", "earned": 400.0}},
                   {"value": ["plain", True]},
                   {"value": ["handle", 0, "x"]}):
        try:
            os.write(number, _answer(forged) * 20)
        except OSError:
            pass
"""
EQUAL_TO_EVERYTHING = """
class Same:
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __lt__(self, other): return True
    __gt__ = __le__ = __ge__ = __lt__
    def __bool__(self): return True
    def __len__(self): return 2
    def __iter__(self): return iter([Same(), Same()])
    def __array__(self, *a, **k): raise TypeError
    def __getattr__(self, name): return (2, 2) if name == "shape" else Same()
    def __call__(self, *a, **k): return Same()
    __add__ = __sub__ = __rsub__ = __radd__ = __abs__ = lambda self, *a: Same()
scale = row_errors = threshold = flag = Same()
"""
ENDLESS_LOOP = "def scale(X):\n    while True:\n        pass"
IGNORE_SIGNALS = """
import signal, threading
signal.signal(signal.SIGALRM, signal.SIG_IGN)
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
def _forever():
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
_forever()
"""
LEAVE_DAEMONS = """
import subprocess, sys, os
for _ in range(2):
    subprocess.Popen(["setsid", "sleep", "{marker}"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                     stderr=subprocess.DEVNULL, start_new_session=True)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execvp("sleep", ["sleep", "{marker}"])
    os._exit(0)
"""
REWRITE_THE_GRADEBOOK = """
import os, subprocess
subprocess.Popen(["sh", "-c", "while true; do "
                  "for f in {results}/gradebook.db {results}/nbgrader/gradebook.db; do "
                  "mkdir -p $(dirname $f); echo forged > $f; done; sleep 0.05; done; # {marker}"],
                 start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
"""
READ_THE_SOURCES = """
import glob, json, os
for path in ["{source}", *glob.glob("{folder}/**/*.ipynb", recursive=True)]:
    try:
        for cell in json.load(open(path))["cells"]:
            exec("".join(cell["source"]))
        print("COPIED", path)
    except Exception as problem:
        print(type(problem).__name__)
"""
FORK_BOMB = """
import os, time
made = 0
try:
    while True:
        if os.fork() == 0:
            time.sleep(60)
            os._exit(0)
        made += 1
except OSError as problem:
    print("stopped after", made, "of", type(problem).__name__)
"""
TAKE_ALL_MEMORY = "hoard = []\nwhile True:\n    hoard.append(bytes(2**24))"
TAKE_MEMORY_IN_MANY_PROCESSES = """
import os, time
for _ in range(5):
    if os.fork() == 0:
        held = bytearray(os.urandom(1)) * (300 * 2**20)
        time.sleep(60)
        os._exit(0)
time.sleep(60)
"""
FILL_THE_DISKS = """
import os
for folder in ("/tmp", "/dev/shm", "/home/student", "/var/tmp", "/"):
    written = 0
    try:
        for number in range(40):
            with open(os.path.join(folder, f"fill{number}"), "wb") as stream:
                for _ in range(16):
                    written += stream.write(bytes(2**20))
    except OSError as problem:
        print(folder, written >> 20, "MB, then", type(problem).__name__)
    else:
        print(folder, written >> 20, "MB: NOT BOUNDED")
"""
FLOOD_THE_OUTPUT = "line = 'x' * 2**20\nfor _ in range(200):\n    print(line)"
CONNECT = """
import socket
for address in (("1.1.1.1", 53), ("127.0.0.1", 22)):
    try:
        socket.create_connection(address, timeout=2)
        print("CONNECTED", address)
    except OSError as problem:
        print("no network:", type(problem).__name__)
"""
KILL_ALL_PROCESSES = """
import os, signal
os.kill(-1, signal.SIGKILL)
"""
LOOK_AROUND = """
import os
print("OTHERS", [p for p in os.listdir("/proc") if p.isdigit() and int(p) > 20])
for path in ("/root/.bashrc", "/etc/shadow", "/etc/passwd", "/srv", "/home"):
    try:
        print("SEEN", path, os.listdir(path) if os.path.isdir(path) else open(path).read()[:10])
    except OSError as problem:
        print(path, type(problem).__name__)
print("uid", os.getuid())
"""
REPLACE_THE_RUNNER = """
shell = get_ipython()
type(shell).run_cell = lambda *a, **k: None
import aecourse.grading.inside.student as own, sys
main = sys.modules["__main__"]
for module in (own, main):
    for name in ("Runner", "BlockingChannel", "Encoder", "decode"):
        if hasattr(module, name):
            setattr(module, name, lambda *a, **k: True)
"""
PLANT_SCRIPTS = """
from IPython.display import HTML, Javascript, Markdown, display
print("<script>document.title='PLANTED'</script><img src=x onerror=\\"document.title='PLANTED'\\">")
display(HTML("<script>document.title='PLANTED'</script>"))
display(Javascript("document.title='PLANTED'"))
display({"image/png": "\\"><script>document.title='PLANTED'</script>",
         "text/plain": "</pre><script>document.title="
         "'PLANTED'</script>"}, raw=True)
raise ValueError("</pre><svg onload=\\"document.title='PLANTED'\\">")
"""
RETURN_A_HUGE_ARRAY = "def scale(X):\n    return np.zeros((20_000, 20_000), dtype=np.int8)"
EXIT_IN_THE_TEST = "import os\ndef scale(X):\n    os._exit(1)"
WARN_HARMLESSLY = "import warnings, sys\nwarnings.warn('harmless')\nprint('note', file=sys.stderr)"


@dataclass(frozen=True)
class Case:
    """One student of the made-up class, and what must come of the submission.

    Parameters
    ----------
    label : str
    data : bytes
        The file's content.
    status : Status
    marks : dict of str to int
        Points by test cell.
    suffix : str
        The file's ending.
    place : callable, optional
        Creates the submission itself, given the path.
    """

    label: str
    data: bytes
    status: Status = Status.GRADED
    marks: Mapping[str, int] = field(default_factory=lambda: dict(FULL_MARKS))
    suffix: str = ".ipynb"
    place: Callable[[pathlib.Path], None] | None = None


def _edited(data: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    notebook = json.loads(data)
    change(notebook)
    return assignment.to_bytes(notebook)


def _strip_metadata(notebook: dict[str, Any]) -> None:
    notebook["metadata"] = {}
    for cell in notebook["cells"]:
        cell["metadata"] = {}
        cell.pop("id", None)


def _raise_points(notebook: dict[str, Any]) -> None:
    for cell in notebook["cells"]:
        if cell["id"] == "test-scale":
            cell["source"] = "pass"
            cell["metadata"]["nbgrader"]["points"] = 400


def _forge_test(notebook: dict[str, Any]) -> None:
    meta = {"schema_version": 3, "grade_id": "bonus", "cell_type": "code", "task": False}
    meta |= {"grade": True, "solution": False, "locked": True, "points": 50}
    notebook["cells"].append(assignment.new_cell("code", "bonus", "50", {"nbgrader": meta}))


def _repeat_ids(notebook: dict[str, Any]) -> None:
    for cell in notebook["cells"]:
        cell["id"] = "same"


def _plant_script_in_answer(notebook: dict[str, Any]) -> None:
    notebook["cells"][-1]["source"] = (
        "<script>document.title='PLANTED'</script><img src=x onerror=\"document.title='PLANTED'\">"
    )


def _zip(name: str, content: bytes | str, mode: int = stat.S_IFREG | 0o644) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        entry = zipfile.ZipInfo(name)
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = mode << 16
        archive.writestr(entry, content)
    return stream.getvalue()


def _place_link(path: pathlib.Path) -> None:
    os.symlink("/etc/passwd", path)


def cases(
    about: assignment.Assignment,
    results: str = "/results",
    source_path: str = "/source/demo.ipynb",
    marker: str = "31415",
) -> list[Case]:
    """Return the hard cases, after three honest submissions.

    Parameters
    ----------
    about : assignment.Assignment
        The assignment of :func:`made_up_assignment.source`.
    results, source_path : str
        Where a hostile submission looks for the gradebook and the solutions.
    marker : str
        Seconds that a left-behind process sleeps, by which it is recognised.

    Returns
    -------
    list of Case
    """
    perfect = assignment.solved(about)
    half = {
        "row_errors": "def row_errors(X, R):\n    return ((X - R) ** 2).sum(axis=1)",
        "threshold": WRONG["threshold"],
        "flag": WRONG["flag"],
    }
    half_marks = {"test-scale": 2, "test-row_errors": 1, "test-threshold": 0, "test-flag": 0}
    return [
        Case("perfect", perfect),
        Case("empty", assignment.release(about), marks=NO_MARKS),
        Case("half", submission(about, half), marks=half_marks),
        *_file_cases(about, perfect),
        *_code_cases(about, results, source_path, marker),
    ]


def _file_cases(about: assignment.Assignment, perfect: bytes) -> list[Case]:
    """Return the cases whose files are damaged, edited or something else than a notebook."""
    wrong_scale = submission(about, {"scale": WRONG["scale"]})
    other = assignment.new_notebook([assignment.new_cell("code", "other", "1")])
    zipped_link = _zip("demo.ipynb", "/etc/passwd", SYMBOLIC_LINK)
    return [
        Case("deleted-test", _edited(perfect, lambda notebook: notebook["cells"].pop(3)), Status.REPAIRED),
        Case("raised-points", _edited(wrong_scale, _raise_points), marks=NO_SCALE_MARKS),
        Case("same-ids", _edited(perfect, _repeat_ids), Status.REPAIRED),
        Case("stripped", _edited(perfect, _strip_metadata), Status.REPAIRED),
        Case("forged", _edited(perfect, _forge_test)),
        Case("truncated", perfect[: len(perfect) // 2], Status.UNREADABLE, NO_MARKS),
        Case("nulls", perfect[:300] + bytes(5) + perfect[300:], Status.REPAIRED),
        Case("nested", b'{"cells": ' + b"[" * 100_000, Status.UNREADABLE, NO_MARKS),
        Case("picture", b"\x89PNG\r\n\x1a\n" + bytes(range(256)), Status.UNREADABLE, NO_MARKS),
        Case("other", assignment.to_bytes(other), Status.OTHER_ASSIGNMENT, NO_MARKS),
        Case("symlink", b"", Status.REFUSED, NO_MARKS, place=_place_link),
        Case("zipped", _zip("work/demo.ipynb", perfect), suffix=".zip"),
        Case("bomb", _zip("bomb_demo.ipynb", bytes(60 * 2**20)), Status.REFUSED, NO_MARKS, ".zip"),
        Case("traversal", _zip("../../escaped.ipynb", perfect), Status.REFUSED, NO_MARKS, ".zip"),
        Case("zipped-link", zipped_link, Status.REFUSED, NO_MARKS, ".zip"),
    ]


def _code_cases(about: assignment.Assignment, results: str, source_path: str, marker: str) -> list[Case]:
    """Return the cases whose code attacks the grader, or fails in a way that could stop it."""

    def first(code: str, answers: Mapping[str, str] | None = None) -> bytes:
        return submission(about, answers, code)

    def scale(code: str) -> bytes:
        return submission(about, {"scale": code})

    reader = READ_THE_SOURCES.format(source=source_path, folder=os.path.dirname(source_path))
    rewriter = REWRITE_THE_GRADEBOOK.format(results=results, marker=marker)
    script = _edited(first(PLANT_SCRIPTS), _plant_script_in_answer)
    equal = submission(about, {**WRONG, "flag": EQUAL_TO_EVERYTHING})
    return [
        # It does not end, ends Python or prints a lot.
        Case("loop", scale(ENDLESS_LOOP), Status.TIMED_OUT, NO_SCALE_MARKS),
        Case("stubborn", first(IGNORE_SIGNALS), Status.TIMED_OUT),
        Case("exit", first("import os\nos._exit(1)"), Status.CRASHED),
        Case("exit-in-test", scale(EXIT_IN_THE_TEST), Status.CRASHED, NO_SCALE_MARKS),
        Case("output", first(FLOOD_THE_OUTPUT)),
        Case("warning", first(WARN_HARMLESSLY)),
        Case("huge", scale(RETURN_A_HUGE_ARRAY), marks=NO_SCALE_MARKS),
        # It would earn points without an answer.
        Case("reader", first(reader, WRONG), marks=NO_MARKS),
        Case("rewriter", first(rewriter, WRONG), marks=NO_MARKS),
        Case("patched", first(PATCH_NUMPY, WRONG), marks=NO_MARKS),
        Case("builtins", first(PATCH_BUILTINS, WRONG), Status.CRASHED, NO_MARKS),
        Case("transformer", first(DROP_ASSERTS, WRONG), marks=NO_MARKS),
        Case("forger", first(FORGE_ANSWERS, WRONG), marks=NO_MARKS),
        Case("equal", equal, marks=NO_MARKS),
        Case("ipython", first(REPLACE_THE_RUNNER, WRONG), marks=NO_MARKS),
        # It would get hold of the hidden tests, or do something on the instructor's machine.
        Case("hook", first(SPY_ON_CELLS)),
        Case("hoarder", scale(KEEP_ARGUMENTS), marks=NO_SCALE_MARKS),
        Case("script", script),
        Case("socket", first(FLOOD_THE_CHANNEL), Status.CRASHED),
        Case("network", first(CONNECT)),
        Case("snooper", first(LOOK_AROUND)),
        Case("killer", first(KILL_ALL_PROCESSES)),
        Case("daemon", first(LEAVE_DAEMONS.format(marker=marker))),
        # It would take what others need.
        Case("forks", first(FORK_BOMB)),
        Case("memory", first(TAKE_ALL_MEMORY)),
        Case("memory-of-many", first(TAKE_MEMORY_IN_MANY_PROCESSES), Status.OUT_OF_MEMORY),
        Case("disk", first(FILL_THE_DISKS)),
    ]

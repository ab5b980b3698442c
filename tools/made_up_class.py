"""A made-up class: a small assignment, and submissions that do what real and hostile ones do.

The tests grade it and compare with what is expected here; ``make grade-demo`` shows it.
"""

import io
import json
import os
import pathlib
import stat
import sys
import webbrowser
import zipfile
from dataclasses import dataclass, field

from aecourse.grading import assignment as assignments

SECONDS = 20
MEMORY_MB = 1024
# A word in the hidden tests alone: where it appears, they have leaked.
HIDDEN_WORD = "hidden_heron"

_GIVEN = "import numpy as np"
_PARTS = {
    "scale": (
        "def scale(X):\n    ### BEGIN SOLUTION\n    X = np.asarray(X, dtype=float)\n"
        "    return (X - X.mean(axis=0)) / X.std(axis=0)\n    ### END SOLUTION",
        "assert scale([[1, 2], [3, 6]]).shape == (2, 2), 'scale keeps the shape'\n### BEGIN HIDDEN TESTS\n"
        f"{HIDDEN_WORD} = np.random.default_rng(20).normal(3, 2, (30, 4))\n"
        f"scaled_heron = scale({HIDDEN_WORD})\n"
        "assert np.allclose(scaled_heron.mean(axis=0), 0), 'mean'\n"
        "assert np.allclose(scaled_heron.std(axis=0), 1), 'spread'\n### END HIDDEN TESTS",
        {"mean": "Subtract each column's mean.", "spread": "Divide each column by its standard deviation."},
    ),
    "row_errors": (
        "def row_errors(X, R):\n    ### BEGIN SOLUTION\n"
        "    return ((np.asarray(X) - np.asarray(R)) ** 2).mean(axis=1)\n"
        "    ### END SOLUTION",
        "found = np.asarray(row_errors(np.eye(3), np.zeros((3, 3))))\n"
        "assert found.ndim == 1, 'one error a row'\n"
        f"### BEGIN HIDDEN TESTS\n{HIDDEN_WORD}_rows = np.arange(12.0).reshape(4, 3)\n"
        f"heron_errors = np.asarray(row_errors({HIDDEN_WORD}_rows, np.zeros((4, 3))))\n"
        "assert heron_errors.shape == (4,), 'rows'\nassert np.all(np.diff(heron_errors) > 0), 'order'\n"
        f"1 + int(np.allclose(heron_errors, ({HIDDEN_WORD}_rows ** 2).mean(axis=1)))\n### END HIDDEN TESTS",
        {
            "rows": "Return one error for each row.",
            "order": "Rows further from their reconstruction score higher.",
        },
    ),
    "threshold": (
        "def threshold(scores, rate):\n    ### BEGIN SOLUTION\n"
        "    return float(np.quantile(scores, 1 - rate))\n"
        "    ### END SOLUTION",
        "assert threshold([1.0, 2.0, 3.0], 0.5) == 2.0, 'half of three scores lie above the middle one'\n"
        f"### BEGIN HIDDEN TESTS\n{HIDDEN_WORD}_scores = np.random.default_rng(21).exponential(size=2000)\n"
        f"heron_rate = np.mean({HIDDEN_WORD}_scores > threshold({HIDDEN_WORD}_scores, 0.05))\n"
        "assert abs(heron_rate - 0.05) < 0.002, 'rate'\n### END HIDDEN TESTS",
        {"rate": "The share of scores above the threshold must be the rate."},
    ),
    "flag": (
        "def flag(scores, limit):\n    ### BEGIN SOLUTION\n"
        "    return (np.asarray(scores) > limit).astype(int)\n"
        "    ### END SOLUTION",
        "assert list(flag([0.0, 1.0], 0.5)) == [0, 1], '1 marks an anomaly'\n### BEGIN HIDDEN TESTS\n"
        f"{HIDDEN_WORD}_flags = flag([0.5, 0.25, 0.75], 0.5)\n"
        f"assert list({HIDDEN_WORD}_flags) == [0, 0, 1], 'strict'\n### END HIDDEN TESTS",
        {"strict": "A score equal to the threshold is not flagged."},
    ),
}
FULL = {"test-scale": 2, "test-row_errors": 2, "test-threshold": 2, "test-flag": 2}
ZERO = dict.fromkeys(FULL, 0)
WRONG = {name: f"def {name}(*args):\n    return 0" for name in _PARTS}


def source(seconds=SECONDS, memory_mb=MEMORY_MB):
    """Return the bytes of the assignment's source: four parts of two points, and an answer in words."""

    def cell(cell_type, name, text, extra=None, **meta):
        base = {
            "schema_version": 3,
            "grade_id": name,
            "grade": False,
            "solution": False,
            "locked": False,
            "task": False,
            "cell_type": cell_type,
        }
        made = {"cell_type": cell_type, "id": name, "metadata": {"nbgrader": base | meta}, "source": text}
        if extra:
            made["metadata"]["aecourse"] = extra
        return made | ({"outputs": [], "execution_count": None} if cell_type == "code" else {})

    cells = [
        cell("markdown", "title", "# A detector in four functions", locked=True),
        cell("code", "imports", _GIVEN, locked=True),
    ]
    for name, (solution, test, hints) in _PARTS.items():
        cells.append(cell("code", name, solution, solution=True))
        cells.append(
            cell(
                "code",
                f"test-{name}",
                test,
                {"title": f"the function {name}", "hints": hints, "hint": f"Read again what {name} returns."},
                grade=True,
                locked=True,
                points=2,
            )
        )
    cells.append(
        cell(
            "markdown",
            "why",
            "### BEGIN SOLUTION\nBecause normal rows set it.\n### END SOLUTION",
            {"title": "why validation normals"},
            grade=True,
            solution=True,
            points=3,
        )
    )
    about = {"assignment": "demo", "title": "Demo", "minutes": 20, "seconds": seconds, "memory_mb": memory_mb}
    return assignments.to_bytes(
        {"cells": cells, "metadata": {"aecourse": about}, "nbformat": 4, "nbformat_minor": 5}
    )


@dataclass(frozen=True)
class Case:
    """One student of the made-up class, and what must come of the submission.

    Parameters
    ----------
    label : str
    data : bytes
        The file's content.
    status : str
    marks : dict
        Points by test cell.
    suffix : str
        The file's ending.
    place : callable, optional
        Puts the submission where it belongs itself, given the path.
    """

    label: str
    data: bytes
    status: str = "graded"
    marks: dict = field(default_factory=lambda: dict(FULL))
    suffix: str = ".ipynb"
    place: object = None


def _answered(about, answers=None, first=""):
    data = assignments.answered(about, answers or {})
    if first:
        notebook = json.loads(data)
        notebook["cells"].insert(
            2,
            {
                "cell_type": "code",
                "id": "own",
                "metadata": {},
                "source": first,
                "outputs": [],
                "execution_count": None,
            },
        )
        data = assignments.to_bytes(notebook)
    return data


def _edited(data, change):
    notebook = json.loads(data)
    change(notebook)
    return assignments.to_bytes(notebook)


def _without_metadata(notebook):
    notebook["metadata"] = {}
    for cell in notebook["cells"]:
        cell["metadata"] = {}
        cell.pop("id", None)


def _raise_points(notebook):
    for cell in notebook["cells"]:
        if cell["id"] == "test-scale":
            cell["source"] = "pass"
            cell["metadata"]["nbgrader"]["points"] = 400


def _forge_cell(notebook):
    meta = {
        "schema_version": 3,
        "grade_id": "bonus",
        "grade": True,
        "solution": False,
        "locked": True,
        "points": 50,
        "cell_type": "code",
        "task": False,
    }
    notebook["cells"].append(
        {
            "cell_type": "code",
            "id": "bonus",
            "metadata": {"nbgrader": meta},
            "source": "50",
            "outputs": [],
            "execution_count": None,
        }
    )


def _same_ids(notebook):
    for cell in notebook["cells"]:
        cell["id"] = "same"


def _zip(*entries, compression=zipfile.ZIP_DEFLATED):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, data, mode in entries:
            about = zipfile.ZipInfo(name)
            about.compress_type = compression
            about.external_attr = mode << 16
            archive.writestr(about, data)
    return stream.getvalue()


PATCH = """
import numpy
numpy.allclose = numpy.all = numpy.array_equal = lambda *a, **k: True
"""
BUILTINS = """
import builtins
builtins.list = builtins.int = builtins.abs = lambda *a, **k: True
"""
TRANSFORM = """
import ast
class Drop(ast.NodeTransformer):
    def visit_Assert(self, node):
        return ast.Pass()
get_ipython().ast_transformers.append(Drop())
"""
HOOK = """
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
HOARD = """
seen = []
class Watch:
    def __repr__(self):
        return repr(seen)
import numpy as _n
def _keep(*a, **k):
    seen.append(a)
    print("kept", a)
    raise ValueError("kept " + repr(a))
"""
SOCKET = """
import os, socket, struct, sys
for number in range(3, 64):
    try:
        os.write(number, struct.pack(">IQ", 40, 2**60) + b"x" * 40)
    except OSError:
        pass
"""
FORGE = """
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
EQUAL = """
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
LOOP = "def scale(X):\n    while True:\n        pass"
STUBBORN = """
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
DAEMON = """
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
REWRITE = """
import os, subprocess
subprocess.Popen(["sh", "-c", "while true; do "
                  "for f in {results}/gradebook.db {results}/nbgrader/gradebook.db; do "
                  "mkdir -p $(dirname $f); echo forged > $f; done; sleep 0.05; done; # {marker}"],
                 start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
"""
READ = """
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
MEMORY = "hoard = []\nwhile True:\n    hoard.append(bytes(2**24))"
MEMORY_OF_MANY = """
import os, time
for _ in range(5):
    if os.fork() == 0:
        held = bytearray(os.urandom(1)) * (300 * 2**20)
        time.sleep(60)
        os._exit(0)
time.sleep(60)
"""
DISK = """
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
OUTPUT = "line = 'x' * 2**20\nfor _ in range(200):\n    print(line)"
NETWORK = """
import socket
for address in (("1.1.1.1", 53), ("127.0.0.1", 22)):
    try:
        socket.create_connection(address, timeout=2)
        print("CONNECTED", address)
    except OSError as problem:
        print("no network:", type(problem).__name__)
"""
KILL = """
import os, signal
os.kill(-1, signal.SIGKILL)
"""
PROCESSES = """
import os
print("OTHERS", [p for p in os.listdir("/proc") if p.isdigit() and int(p) > 20])
for path in ("/root/.bashrc", "/etc/shadow", "/etc/passwd", "/srv", "/home"):
    try:
        print("SEEN", path, os.listdir(path) if os.path.isdir(path) else open(path).read()[:10])
    except OSError as problem:
        print(path, type(problem).__name__)
print("uid", os.getuid())
"""
IPYTHON = """
shell = get_ipython()
type(shell).run_cell = lambda *a, **k: None
import aecourse.grading.inside.student as own, sys
main = sys.modules["__main__"]
for module in (own, main):
    for name in ("Runner", "wire"):
        if hasattr(module, name):
            setattr(module, name, lambda *a, **k: True)
"""
SCRIPT = """
from IPython.display import HTML, Javascript, Markdown, display
print("<script>document.title='PLANTED'</script><img src=x onerror=\\"document.title='PLANTED'\\">")
display(HTML("<script>document.title='PLANTED'</script>"))
display(Javascript("document.title='PLANTED'"))
display({"image/png": "\\"><script>document.title='PLANTED'</script>",
         "text/plain": "</pre><script>document.title="
         "'PLANTED'</script>"}, raw=True)
raise ValueError("</pre><svg onload=\\"document.title='PLANTED'\\">")
"""
HUGE = "def scale(X):\n    return np.zeros((20_000, 20_000), dtype=np.int8)"
EXIT_IN_TEST = "import os\ndef scale(X):\n    os._exit(1)"
WARN = "import warnings, sys\nwarnings.warn('harmless')\nprint('note', file=sys.stderr)"


def cases(about, results="/results", source_path="/source/demo.ipynb", marker="31415"):
    """Return the class.

    Parameters
    ----------
    about : assignment.Assignment
        The assignment of :func:`source`.
    results, source_path : str
        Where a hostile submission looks for the gradebook and the solutions.
    marker : str
        Seconds that a left-behind process sleeps: it is recognised by them.

    Returns
    -------
    list of Case
    """
    perfect = assignments.solved(about)
    less = {**FULL, "test-scale": 0}
    sleep = {"marker": marker, "results": results}
    no_scale = {"scale": WRONG["scale"]}
    link = stat.S_IFLNK | 0o777
    plain = stat.S_IFREG | 0o644
    bomb = _zip(("bomb_demo.ipynb", bytes(60 * 2**20), plain))

    def linked(path):
        os.symlink("/etc/passwd", path)

    def first(text, answers=None):
        return _answered(about, answers, text)

    rows = [
        Case("perfect", perfect),
        Case("empty", assignments.release(about), marks=ZERO),
        Case(
            "half",
            _answered(
                about,
                {
                    "row_errors": "def row_errors(X, R):\n    return ((X - R) ** 2).sum(axis=1)",
                    "threshold": WRONG["threshold"],
                    "flag": WRONG["flag"],
                },
            ),
            marks={"test-scale": 2, "test-row_errors": 1, "test-threshold": 0, "test-flag": 0},
        ),
        Case("loop", _answered(about, {"scale": LOOP}), "timed out", less),
        Case("stubborn", first(STUBBORN), "timed out"),
        Case("exit", first("import os\nos._exit(1)"), "crashed"),
        Case("exit-in-test", _answered(about, {"scale": EXIT_IN_TEST}), "crashed", less),
        Case("deleted-test", _edited(perfect, lambda nb: nb["cells"].pop(3)), "graded after repair"),
        Case("raised-points", _edited(_answered(about, no_scale), _raise_points), marks=less),
        Case("same-ids", _edited(perfect, _same_ids), "graded after repair"),
        Case("stripped", _edited(perfect, _without_metadata), "graded after repair"),
        Case("output", first(OUTPUT)),
        Case(
            "reader",
            first(READ.format(source=source_path, folder=os.path.dirname(source_path)), WRONG),
            marks=ZERO,
        ),
        Case("rewriter", first(REWRITE.format(**sleep), WRONG), marks=ZERO),
        Case("patched", first(PATCH, WRONG), marks=ZERO),
        Case("builtins", first(BUILTINS, WRONG), "crashed", ZERO),
        Case("transformer", first(TRANSFORM, WRONG), marks=ZERO),
        Case("hook", first(HOOK)),
        Case("warning", first(WARN)),
        Case("truncated", perfect[: len(perfect) // 2], "unreadable", ZERO),
        Case("nulls", perfect[:300] + bytes(5) + perfect[300:], "graded after repair"),
        Case("symlink", b"", "refused", ZERO, place=linked),
        Case("forged", _edited(perfect, _forge_cell)),
        Case("daemon", first(DAEMON.format(**sleep))),
        Case(
            "script",
            _edited(
                first(SCRIPT),
                lambda nb: nb["cells"][-1].update(
                    source="<script>document.title='PLANTED'</script>"
                    "<img src=x onerror=\"document.title='PLANTED'\">"
                ),
            ),
        ),
        # The attacks beyond the table.
        Case("bomb", bomb, "refused", ZERO, ".zip"),
        Case("traversal", _zip(("../../escaped.ipynb", perfect, plain)), "refused", ZERO, ".zip"),
        Case("zipped-link", _zip(("demo.ipynb", "/etc/passwd", link)), "refused", ZERO, ".zip"),
        Case("zipped", _zip(("work/demo.ipynb", perfect, plain)), suffix=".zip"),
        Case("socket", first(SOCKET), "crashed"),
        Case("forger", first(FORGE, WRONG), marks=ZERO),
        Case("equal", _answered(about, {**WRONG, "flag": EQUAL}), marks=ZERO),
        Case("hoarder", _answered(about, {"scale": HOARD + "scale = _keep"}), marks=less),
        Case("forks", first(FORK_BOMB)),
        Case("memory", first(MEMORY)),
        Case("memory-of-many", first(MEMORY_OF_MANY), "out of memory"),
        Case("disk", first(DISK)),
        Case("network", first(NETWORK)),
        Case("killer", first(KILL)),
        Case("snooper", first(PROCESSES)),
        Case("ipython", first(IPYTHON, WRONG), marks=ZERO),
        Case("huge", _answered(about, {"scale": HUGE}), marks=less),
        Case("nested", b'{"cells": ' + b"[" * 100_000, "unreadable", ZERO),
        Case("picture", b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "unreadable", ZERO),
        Case(
            "other",
            assignments.to_bytes(
                {
                    "cells": [{"cell_type": "code", "source": "1", "metadata": {}}],
                    "metadata": {},
                    "nbformat": 4,
                    "nbformat_minor": 5,
                }
            ),
            "not this assignment",
            ZERO,
        ),
    ]
    return rows


def write_class(folder, rows):
    """Write the submissions as an LMS names them; return the student ids by label."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    students = {}
    for number, case in enumerate(rows):
        student = str(10_001 + number)
        path = folder / f"{case.label}_{student}_demo (1){case.suffix}"
        if case.place is not None:
            case.place(path)
        else:
            path.write_bytes(case.data)
        students[case.label] = student
    return students


# A class as it may be: most submissions are honest, and some of the hard ones are among them.
HARD_CASES_SHOWN = (
    "loop",
    "exit",
    "deleted-test",
    "raised-points",
    "same-ids",
    "stripped",
    "output",
    "patched",
    "truncated",
    "nulls",
    "symlink",
    "script",
    "bomb",
    "memory-of-many",
    "reader",
    "other",
)


def class_of_30(about):
    """Return thirty cases: fourteen honest submissions of different quality, and sixteen hard ones."""
    hard = [case for case in cases(about) if case.label in HARD_CASES_SHOWN]
    names = list(_PARTS)
    honest = []
    for number in range(30 - len(hard)):
        wrong = {name: WRONG[name] for place, name in enumerate(names) if number >> place & 1 and number < 9}
        marks = {**FULL, **{f"test-{name}": 0 for name in wrong}}
        honest.append(Case(f"student-{number}", _answered(about, wrong), marks=marks))
    return honest + hard


def measure(counts, workers=None, scheduler=None):
    """Grade generated classes that differ in each submission; print and return seconds a submission.

    Parameters
    ----------
    counts : list of int
        Submissions in each class.
    workers : int, optional
        Submissions at once on this machine.
    scheduler : str, optional
        Address of a Dask scheduler.

    Returns
    -------
    dict of int to float
    """
    import tempfile
    import time

    from aecourse.grading import batch
    from aecourse.grading import submissions as preflight

    about, taken = assignments.read(source()), {}
    for count in counts:
        rows = []
        for number in range(count):
            wrong = {name: WRONG[name] for place, name in enumerate(_PARTS) if number >> place & 1}
            data = _answered(about, wrong, f"number = {number}")
            rows.append(preflight.Incoming(str(number), "", "", data))
        with tempfile.TemporaryDirectory() as folder:
            started = time.monotonic()
            records, _ = batch.grade_all(
                source(), rows, batch.Store(folder), workers=workers, scheduler=scheduler
            )
            taken[count] = (time.monotonic() - started) / count
        if any(record.status != "graded" for record in records):
            raise RuntimeError("a generated submission was not graded as it should be")
        print(f"{count} submissions: {taken[count]:.3f} s a submission, {1 / taken[count]:.1f} a second")
    return taken


def measure_tensorflow(count):
    """Grade model solutions of assignment 1, which train with TensorFlow, from nothing and warm.

    Parameters
    ----------
    count : int
        Submissions, each another student's.

    Returns
    -------
    dict of str to float
        Seconds a submission: 'from nothing', and 'warm' (with the server's own start, and 'once it runs').
    """
    import tempfile
    import time

    from aecourse.grading import batch, cli
    from aecourse.grading import submissions as preflight
    from aecourse.grading.sandbox import fork_server as warm

    data = (cli.SOURCES / "a1" / "a1.ipynb").read_bytes()
    about = assignments.read(data)
    rows = [preflight.Incoming(str(number), "", "", assignments.solved(about)) for number in range(count)]
    warm.close()
    taken, marks = {}, []
    for name in ("from nothing", "warm", "once it runs"):
        with tempfile.TemporaryDirectory() as folder:
            started = time.monotonic()
            records, _ = batch.grade_all(data, rows, batch.Store(folder), warmed=name != "from nothing")
            taken[name] = (time.monotonic() - started) / count
        marks.append([record.automatic for record in records])
        print(f"{count} submissions with TensorFlow, {name}: {taken[name]:.2f} s a submission")
    if marks[0] != marks[1] or marks[0] != marks[2] or set(marks[0]) != {20}:
        raise RuntimeError(f"the marks differ: {marks}")
    print(f"from nothing takes {taken['from nothing'] / taken['once it runs']:.1f} times as long")
    return taken


def show(address):
    """Open an address in a browser; where there is no display, say what to open."""
    # Without one a browser in text mode could start and wait for keys.
    display = sys.platform != "linux" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if not (display and webbrowser.open(address)):
        print(f"There is no display to open the report on. Open it in a browser: {address}")


def main():
    """Grade the made-up class and open its report; with a folder as argument, there."""
    import argparse
    import shutil

    from aecourse.grading import cli

    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", nargs="?", type=pathlib.Path, default=pathlib.Path("_build/grade-demo"))
    parser.add_argument("--no-browser", action="store_true")
    parser.add_argument(
        "--measure",
        type=int,
        nargs="+",
        metavar="COUNT",
        help="grade generated classes of these sizes instead, and print the seconds",
    )
    parser.add_argument(
        "--tensorflow",
        type=int,
        metavar="COUNT",
        help="grade so many model solutions of assignment 1 from nothing and warm, and print the seconds",
    )
    options = parser.parse_args()
    if options.measure or options.tensorflow:
        measure(options.measure or [])
        if options.tensorflow:
            measure_tensorflow(options.tensorflow)
        return 0
    for part in ("submissions", "source"):
        shutil.rmtree(options.folder / part, ignore_errors=True)
    path = options.folder / "source" / "demo.ipynb"
    path.parent.mkdir(parents=True)
    path.write_bytes(source())
    write_class(options.folder / "submissions", class_of_30(assignments.read(source())))
    top = argparse.ArgumentParser()
    cli.add_commands(top.add_subparsers())
    words = [
        "grade",
        str(options.folder / "submissions"),
        "-o",
        str(options.folder / "results"),
        "-a",
        str(path),
    ]
    grading = top.parse_args(words)
    status = grading.run(grading)
    if status == 0 and not options.no_browser:
        show((options.folder / "results" / "report.html").resolve().as_uri())
    return status


if __name__ == "__main__":
    raise SystemExit(main())

"""The grader's parts: format, reading, matching, messages, the sandbox, batches."""

import contextlib
import csv
import io
import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import threading
import zipfile
from argparse import ArgumentParser
from dataclasses import replace

import numpy as np
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from waiting import wait_until

from aecourse.grading import (
    assignment,
    batch,
    cli,
    collecting,
    feedback,
    grade,
    gradebook,
    matching,
    results,
    session,
    steps,
    submissions,
)
from aecourse.grading.sandbox import messages, process
from aecourse.homework import personal
from tools import hostile_submissions, made_up_assignment, made_up_class

SOURCE = made_up_assignment.source()
ABOUT = assignment.read(SOURCE)
PERFECT = assignment.solved(ABOUT)


def incoming(data, student="10001"):
    return submissions.Incoming(student, "doe", "doe.ipynb", data)


def run(*words):
    parser = ArgumentParser()
    cli.add_commands(parser.add_subparsers())
    options = parser.parse_args([str(word) for word in words])
    return options.run(options)


# The format.


def test_the_released_notebook_holds_no_solution_no_hidden_test_and_no_hint():
    released = assignment.release(ABOUT).decode()
    assert "heron" not in released
    assert "X.mean(axis=0)" not in released and "Because normal rows" not in released
    assert "Subtract each column" not in released
    assert released.count("raise NotImplementedError()") == 4
    again = assignment.read(released.encode())
    assert [cell.name for cell in again.cells] == [cell.name for cell in ABOUT.cells]
    assert again.student_names == ABOUT.student_names == {"scale", "row_errors", "threshold", "flag"}
    assert sum(cell.points for cell in again.graded) == 11


@pytest.mark.parametrize(
    "source, words",
    [
        ("### BEGIN SOLUTION\nx = 1", "close it"),
        ("x = 1\n### END SOLUTION", "pair the marks"),
    ],
)
def test_marks_that_do_not_pair_are_an_error_that_names_the_cell(source, words):
    notebook = json.loads(SOURCE)
    notebook["cells"][2]["source"] = source + "\n### BEGIN SOLUTION" * (words == "pair the marks")
    with pytest.raises(ValueError, match=f"cell 2 .*{words}"):
        assignment.read(assignment.to_bytes(notebook))


def test_two_cells_of_one_name_are_an_error():
    notebook = json.loads(SOURCE)
    notebook["cells"][4]["metadata"]["nbgrader"]["grade_id"] = "scale"
    with pytest.raises(ValueError, match="'scale' is used by two cells"):
        assignment.read(assignment.to_bytes(notebook))


def test_nbgrader_reads_the_released_notebook(tmp_path):
    import nbformat
    from nbgrader import utils

    notebook = nbformat.reads(assignment.release(ABOUT).decode(), as_version=4)
    nbformat.validate(notebook)
    assert [cell.metadata.nbgrader.grade_id for cell in notebook.cells if utils.is_grade(cell)] == [
        cell.name for cell in ABOUT.graded
    ]


# Reading.


@pytest.mark.parametrize(
    "name, student",
    [
        ("lovelace_12345_a1 (1).ipynb", "12345"),
        ("lovelaceada_LATE_12345_998877_a1-2.ipynb", "12345"),
        ("Ada Lovelace_4711_assignsubmission_file_", "4711"),
        ("4711_a1.ipynb", "4711"),
        ("ada", "ada"),
        ("../../etc/passwd", "etc-passwd"),
        ("=cmd|' /C calc'!A0.ipynb", "cmd-C-calc-A0"),
    ],
)
def test_a_name_tells_the_student(name, student):
    assert collecting.identify(name)[0] == student


def test_all_layouts_are_found(tmp_path):
    (tmp_path / "ada_1001_demo (1).ipynb").write_bytes(b"old")
    (tmp_path / "ada_1001_demo (2).ipynb").write_bytes(b"new")
    (tmp_path / "Bob_1002_assignsubmission_file_").mkdir()
    (tmp_path / "Bob_1002_assignsubmission_file_" / "demo.ipynb").write_bytes(b"bob")
    (tmp_path / "cyd" / "demo").mkdir(parents=True)
    (tmp_path / "cyd" / "demo" / "demo.ipynb").write_bytes(b"cyd")
    (tmp_path / "cyd" / "demo" / "scratch.ipynb").write_bytes(b"no")
    (tmp_path / "dan_1004").mkdir()
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("__MACOSX/demo.ipynb", b"no")
        archive.writestr("demo.ipynb", b"eve")
    (tmp_path / "eve_1005.zip").write_bytes(stream.getvalue())
    found = {item.student: item for item in collecting.collect(tmp_path, "demo", {"1006": "Fay"})}
    assert {student: item.data for student, item in found.items()} == {
        "1001": b"new",
        "1002": b"bob",
        "cyd": b"cyd",
        "1004": None,
        "1005": b"eve",
        "1006": None,
    }
    assert found["1001"].notes == ("set aside: ada_1001_demo (1).ipynb",)
    assert found["1004"].status == found["1006"].status == "nothing submitted"
    # The same class as one archive.
    whole = tmp_path.parent / f"{tmp_path.name}.zip"
    with zipfile.ZipFile(whole, "w") as archive:
        for path in sorted(tmp_path.rglob("*")):
            archive.write(path, path.relative_to(tmp_path))
    again = {item.student: item.data for item in collecting.collect(whole, "demo")}
    assert again == {"1001": b"new", "1002": b"bob", "cyd": b"cyd", "1005": b"eve"}


def test_what_is_not_a_plain_file_of_bearable_size_is_refused(tmp_path):
    os.mkfifo(tmp_path / "ada_1001_demo.ipynb")
    with open(tmp_path / "bob_1002_demo.ipynb", "wb") as stream:
        stream.truncate(submissions.MAX_FILE + 1)
    secret = tmp_path.parent / "secret"
    secret.mkdir(exist_ok=True)
    (secret / "demo.ipynb").write_bytes(PERFECT)
    os.symlink(secret, tmp_path / "cyd_1003")
    (tmp_path / os.fsdecode(b"d\xe9b_1004_demo.ipynb")).write_bytes(PERFECT)
    found = {item.student: item for item in collecting.collect(tmp_path, "demo")}
    assert [found[student].status for student in ("1001", "1002", "1003")] == [
        "refused",
        "too large",
        "refused",
    ]
    assert found["1004"].data == PERFECT and found["1004"].origin.encode()


@pytest.mark.parametrize(
    "data, status",
    [
        (b"", "unreadable"),
        (b"{}", "unreadable"),
        (b"[]", "unreadable"),
        (b"\xff\xfe\x00", "unreadable"),
        (b'{"cells": []}', "unreadable"),
        (b'{"cells": 3}', "unreadable"),
        (b"<html>", "unreadable"),
        (b'{"cells": [1, {"cell_type": "code", "source": [7]}]}', "not this assignment"),
        (b'{"cells": [%s]}' % b",".join([b'{"cell_type":"raw"}'] * 1001), "refused"),
    ],
)
def test_what_is_not_a_notebook_gets_a_status(data, status):
    record = grade.grade(SOURCE, incoming(data))
    assert record.status == status and record.automatic == 0 and len(record.message) > 20


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5),
        lambda parts: (
            st.lists(parts, max_size=3)
            | st.dictionaries(
                st.sampled_from(["cells", "cell_type", "source", "metadata", "nbgrader", "grade_id", "id"]),
                parts,
                max_size=4,
            )
        ),
        max_leaves=15,
    )
)
@settings(max_examples=200, deadline=None)
def test_no_json_makes_the_reader_fail(value):
    try:
        cells, _ = submissions.read_notebook(
            json.dumps({"cells": [value, {"cell_type": "code", "source": "1"}]}).encode()
        )
    except submissions.Refused:
        return
    matching.match(ABOUT, cells)


def test_cells_that_lost_their_metadata_are_found_by_likeness():
    cells, _ = submissions.read_notebook(PERFECT)
    for cell in cells:
        cell["grade_id"] = None
    cells.insert(3, {"cell_type": "code", "source": "scratch = 1", "grade_id": None})
    places, repairs = matching.match(ABOUT, cells)
    names = [cell.name for cell in ABOUT.cells]
    assert places == {name: number + (number >= 3) for number, name in enumerate(names)}
    assert repairs == ["the grading marks of some cells were missing and were put back"]


def test_a_notebook_of_the_old_format_is_read():
    old = {"nbformat": 3, "worksheets": [{"cells": [{"cell_type": "code", "input": "x = 1"}]}]}
    cells, repairs = submissions.read_notebook(json.dumps(old).encode())
    assert cells[0]["source"] == "x = 1" and repairs == ["the notebook was in an old format"]


# Messages.


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        3,
        -(10**30),
        0.1,
        float("inf"),
        "é",
        [1, (2.5, "x")],
        {"a": [1], 2: None},
        np.float32(1.5),
        np.arange(6).reshape(2, 3),
        np.array(["a", "bc"]),
        np.array("2020-01-01", dtype="datetime64[D]"),
        np.zeros((0, 3)),
    ],
)
def test_plain_values_arrive_as_they_were(value):
    encoder = messages.Encoder()
    tree = json.loads(json.dumps(encoder.encode(value)))
    found = messages.decode(tree, encoder.body)
    assert type(found) is type(value)
    np.testing.assert_equal(found, value)


def test_a_table_arrives():
    import pandas

    table = pandas.DataFrame({"rate": [0.1, 0.2], "rows": [1, 2]})
    encoder = messages.Encoder()
    tree = encoder.encode(table)
    pandas.testing.assert_frame_equal(messages.decode(tree, encoder.body), table)


@pytest.mark.parametrize(
    "tree",
    [
        ["array", "|O", [1], 0],
        ["array", "<f8", [10**12], 0],
        ["array", "<f8", [-1], 0],
        ["array", "<f8", [1], -8],
        ["array", "<f8", [2, 2], 8],
        ["handle", 0, "x"],
        ["handle", "0", "x"],
        ["int", "9" * 5000],
        ["plain", [1]],
        ["dict", [[["list", []], ["plain", 1]]]],
        ["pickle", "x"],
        [],
        None,
        7,
        ["float", "zz"],
        ["list", 5],
        ["array", "<f8,<f8", [1], 0],
        ["array", {"a": 1}, [1], 0],
    ],
)
def test_a_forged_value_is_refused(tree):
    with pytest.raises(messages.Malformed):
        messages.decode(tree, bytes(16))


def test_arrays_that_share_a_place_are_refused():
    """A small message could otherwise fill the memory of whoever decodes it."""
    array = ["array", "<f8", [2], 0]
    with pytest.raises(messages.Malformed, match="overlap"):
        messages.decode(["list", [array, array]], bytes(16))
    assert len(messages.decode(["list", [array, ["array", "<f8", [2], 16]]], bytes(32))) == 2


@pytest.mark.parametrize("head, body", [(messages.MAX_HEADER + 1, 0), (0, messages.MAX_BODY + 1), (2, 2**60)])
def test_an_oversized_frame_is_refused(head, body):
    with pytest.raises(messages.Malformed, match="was announced"):
        messages.unpack_lengths(messages.LENGTHS.pack(head, body))


@pytest.mark.parametrize("data", [b"", b"[]", b"7", b"{", b"\xff", b"[" * 100_000])
def test_a_header_that_is_not_an_object_is_refused(data):
    with pytest.raises(messages.Malformed, match="a header is not"):
        messages.unpack_header(data)


def test_a_deep_value_is_refused():
    tree = ["plain", 1]
    for _ in range(500):
        tree = ["list", [tree]]
    with pytest.raises(messages.Malformed):
        messages.decode(tree, b"")
    with pytest.raises(ValueError, match="nested too deeply"):
        value = []
        value.append(value)
        messages.Encoder().encode(value)


def test_objects_do_not_travel():
    with pytest.raises(TypeError, match="cannot be passed on"):
        messages.Encoder().encode(object())
    with pytest.raises(ValueError, match="too large"):
        messages.Encoder().encode(np.zeros(messages.MAX_BODY, dtype=np.int16))


# What a test may ask of the student's objects.


def pair(solution, test):
    """Return an assignment of one solution cell under one test of three points."""
    meta = {"schema_version": 3, "grade": False, "solution": False, "locked": False, "task": False}
    cells = [
        ("code", "given", "import numpy as np", {"locked": True}),
        ("code", "part", f"### BEGIN SOLUTION\n{solution}\n### END SOLUTION", {"solution": True}),
        ("code", "test", test, {"grade": True, "locked": True, "points": 3}),
    ]
    return {
        "cells": [
            {
                "cell_type": kind,
                "id": name,
                "source": text,
                "outputs": [],
                "execution_count": None,
                "metadata": {"nbgrader": {**meta, "grade_id": name, "cell_type": kind, **more}},
            }
            for kind, name, text, more in cells
        ],
        "metadata": {"aecourse": {"assignment": "pair", "seconds": 60, "memory_mb": 4096}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def graded_pair(solution, test):
    """Grade one solution cell under one test of three points."""
    data = assignment.to_bytes(pair(solution, test))
    record = grade.grade(data, incoming(assignment.solved(assignment.read(data))))
    return record, record.cells[0]


@pytest.mark.parametrize(
    "solution, test, earned",
    [
        (
            "class M:\n    size = (3, 4)\n    def predict(self, X): return X * 2\nm = M()",
            "assert m.size == (3, 4)\nassert m.predict(np.ones(2)).tolist() == [2, 2]",
            3,
        ),
        ("def make():\n    return lambda x: x + 1\nf = make()", "assert f(f(1)) == 3", 3),
        ("f = [len, str]", "assert len(f) == 2 and f[0]('abc') == 3", 3),
        (
            "def f(x):\n    raise ValueError(x)",
            "try:\n    f(1)\nexcept ValueError:\n    ok = True\nassert ok",
            3,
        ),
        ("def f(x):\n    raise AssertionError('key')", "f(1)", 0),
        ("x = 1", "assert y == 1", 0),
        ("x = 2", "assert 1 < x < 3\nx / 4", 0.5),
        ("x = float('nan')", "x", 0),
        ("x = 1e9", "x", 3),
        ("x = -5", "x", 0),
        ("class T:\n    def __bool__(self): return True\nx = T()", "assert x", 0),
        ("class T(float):\n    def __gt__(self, o): return True\nx = T(1)", "assert x > 5", 0),
        (
            "class A(np.ndarray):\n    def __eq__(self, o): return True\nx = np.zeros(2).view(A)",
            "assert (x == 5).all()",
            0,
        ),
        (
            "class DataFrame:\n    columns = property(lambda self: 1 / 0)\n"
            "DataFrame.__module__ = 'pandas'\nx = DataFrame()",
            "assert x is not None",
            0,
        ),
        ("x = np.str_('three')", "x", 0),
        # A last line that is no plain number says that the answer was none.
        ("x = np.array([9.0])", "3 * (x > 0)", 0),
        ("x = np.array(2.0)", "x", 0),
        ("x = None", "x", 0),
        ("x = True", "x", 0),
        ("x = np.True_", "x", 0),
        ("x = [3]", "x", 0),
        ("x = 3 + 0j", "x", 0),
        ("x = np.timedelta64(3)", "x", 0),
        ("class T: pass\nx = T()", "x", 0),
        ("x = np.float32(2)", "x", 2),
        ("x = np.int64(2)", "x", 2),
    ],
)
def test_a_test_judges_plain_values(solution, test, earned):
    record, cell = graded_pair(solution, test)
    assert record.status == "graded", record.notes
    assert cell.earned == earned, cell.message


FORGED = """
import os, struct
def f():
    head = ('{"value": ["plain", "' + "\u00e9" * 1_300_000 + '"]}').encode()
    for number in range(3, 64):
        try:
            os.write(number, struct.pack(">IQ", len(head), 0) + head)
        except OSError:
            pass
"""


def test_a_forged_answer_that_grows_on_the_way_is_the_students_fault():
    """In two bytes a character it is small enough to come in, but too large to be passed on."""
    record, cell = graded_pair(FORGED, "assert f() == 1")
    assert (record.status, cell.outcome, cell.earned) == ("crashed", "crashed", 0), record.notes


def test_a_forged_report_is_bounded():
    deep: list = []
    for _ in range(900):
        deep = [deep]
    forged = {
        "outputs": [{"text": "a\0b" * 100_000}, {"picture": deep}, {"text": 3}, 7, *[{"text": "x"}] * 100],
        "error": {"name": deep, "message": "m" * 10**6, "where": [deep, *["line"] * 10]},
        "seconds": float("nan"),
        "late": "yes",
        "more": 1,
    }
    report = session.tidy_report(forged)
    assert report["outputs"][0]["text"].startswith("abab") and len(json.dumps(report)) < 30_000
    assert report["error"] == {"name": "", "message": "m" * 2000, "where": ["line"] * 5}
    assert (report["seconds"], report["late"], report["ended"]) == (None, False, None)
    assert session.tidy_report({"outputs": 3, "error": "e"})["outputs"] == []


def steps_of(*order):
    """Return the plan of a submission whose cells come in this order; others are the student's own."""
    sources = {cell.name: cell for cell in ABOUT.cells}
    cells = [
        {"cell_type": sources[name].cell_type, "source": f"edited {name}"}
        if name in sources
        else {"cell_type": "code", "source": name}
        for name in order
    ]
    places = {name: position for position, name in enumerate(order) if name in sources}
    plan = steps.plan(ABOUT, cells, places)
    return [step.name if isinstance(step, steps.RunTest) else step.source for step in plan]


def test_given_cells_are_restored_and_tests_come_after_what_they_test():
    given = [cell.source for cell in ABOUT.cells if cell.name == "imports"]
    parts = ("scale", "row_errors", "threshold", "flag")
    usual = [*given, *(f"{word}{name}" for name in parts for word in ("edited ", "test-"))]
    names = [cell.name for cell in ABOUT.cells]
    assert steps_of(*names) == usual
    # Missing ones come where they belong, a test also after the student's own cells that follow its part.
    assert steps_of(*(name for name in names if name not in ("imports", "test-scale"))) == usual
    without = [name for name in names if name != "test-scale"]
    assert steps_of(*without[:3], "own", *without[3:])[:4] == [*given, "edited scale", "own", "test-scale"]
    # A test that was moved to the front still comes after the part that it tests.
    moved = ["test-flag", *(name for name in names if name != "test-flag")]
    assert steps_of(*moved) == usual


def test_a_student_cannot_supply_a_helper_that_a_test_lacks():
    """Where an earlier test stopped before it defined a helper, the student's own is not used."""
    test = "assert part == 1\nhelper = abs"
    notebook = json.loads(SOURCE)
    notebook["cells"][3]["source"] = test.replace("part", "scale(0)")
    notebook["cells"][5]["source"] = "assert helper(row_errors([[1]], [[0]])[0] - 1) < 1e-9"
    source = assignment.to_bytes(notebook)
    answers = {
        "scale": "helper = lambda x: 0\ndef scale(X):\n    return 7",
        "row_errors": made_up_assignment.WRONG["row_errors"],
    }
    record = grade.grade(source, incoming(assignment.answered(assignment.read(source), answers)))
    assert [cell.earned for cell in record.cells[:2]] == [0, 0]


def test_names_are_those_at_the_place_of_the_test():
    """A later cell that uses a name again does not change what was graded."""
    notebook = json.loads(PERFECT)
    notebook["cells"].append(
        {"cell_type": "code", "source": "scale = flag = None", "metadata": {}, "outputs": []}
    )
    record = grade.grade(SOURCE, incoming(assignment.to_bytes(notebook)))
    assert record.automatic == 8


MODEL = """import keras
keras.utils.set_random_seed(0)
layer = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")
model = keras.Sequential([keras.Input((1,)), layer])
def f(x): return float(model.predict(np.array([[x]]), verbose=0)[0, 0])"""


@pytest.mark.parametrize(
    "solution, later",
    [
        ("import math as m\ndef f(x): return m.sqrt(x * x)", "m = 3.0"),
        ("scale = 1\ndef f(x): return scale * x", "for scale in range(5): pass"),
        ("def half(x): return x / 2\ndef f(x): return 2 * half(x)", "def half(x): return x"),
        ("def f(x): return helper(x)\ndef helper(x): return x", "del helper"),
        ("weights = [1]\ndef f(x): return sum(weights) * x", "weights.append(1)"),
        ("weights = np.ones(1)\ndef f(x): return weights.sum() * x", "weights *= 2"),
        ("options = {'scale': [1]}\ndef f(x): return options['scale'][0] * x", "options['scale'][0] = 7"),
        ("a = b = [1]\na.append(0)\ndef f(x): return x if a is b else 0", "a = [1]"),
        ("class M: scale = 1\nm = M()\ndef f(x): return m.scale * x", "m.scale = 2"),
        (
            "from sklearn.preprocessing import StandardScaler\ns = StandardScaler().fit([[1], [3]])\n"
            "def f(x): return s.transform([[2 + x]])[0, 0]",
            "s.fit([[10], [30]])",
        ),
        (
            "import pandas as pd\ntable = pd.DataFrame({'scale': [1]})\n"
            "def f(x): return table.scale.sum() * x",
            "table.loc[0, 'scale'] = 9",
        ),
        ("lines = open('/dev/null')\nn = (i for i in [1])\ndef f(x): return x", "n = None"),
        (MODEL, "model.set_weights([np.array([[5.0]])])"),
    ],
)
def test_a_test_sees_the_state_after_its_own_cell(solution, later):
    """What a later cell rebinds or changes is as it was, for values and for what functions look up."""
    data = assignment.to_bytes(
        pair(
            solution,
            "assert f(1) == 1, 'visible'\n### BEGIN HIDDEN TESTS\nassert f(2) == 2\n### END HIDDEN TESTS",
        )
    )
    notebook = json.loads(assignment.solved(assignment.read(data)))
    notebook["cells"].append(assignment.new_cell("code", "later", later))
    record = grade.grade(data, incoming(assignment.to_bytes(notebook)))
    assert record.shown[-1]["report"]["error"] is None, record.shown[-1]["report"]
    assert record.cells[0].earned == 3, record.cells[0].message


def test_a_broken_assignment_is_our_fault_not_the_students():
    notebook = json.loads(SOURCE)
    notebook["cells"][1]["source"] = "import there_is_no_such_module"
    record = grade.grade(assignment.to_bytes(notebook), incoming(PERFECT))
    assert record.status == "grader failed" and "there_is_no_such_module" in record.notes[0]


def test_importing_tensorflow_in_a_tested_cell_costs_nothing():
    """Its start-up lines go to standard error, which is not a failure; its memory fits."""
    source = made_up_assignment.source(seconds=240, memory_mb=3072)
    solution = (
        "def scale(X):\n    import keras\n    X = np.asarray(X, dtype=float)\n"
        "    return keras.ops.convert_to_numpy(keras.ops.convert_to_tensor((X - X.mean(0)) / X.std(0)))"
    )
    record = grade.grade(source, incoming(assignment.answered(assignment.read(source), {"scale": solution})))
    assert (record.status, record.automatic) == ("graded", 8), record.cells


# The sandbox.


def test_cpu_time_is_bounded():
    """A process that ignores every signal is ended by the kernel."""
    limits = process.Limits(cpu_seconds=1, memory_mb=512)
    code = "import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass"
    line = process.command([os.path.abspath(sys.executable), "-c", code], limits, {})

    def processor_seconds():
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    before = processor_seconds()
    assert subprocess.run(line, timeout=300).returncode != 0  # the timeout only guards against a hang
    assert processor_seconds() - before < 5


def test_without_a_sandbox_nothing_is_graded(tmp_path, monkeypatch, capsys):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "ada_1001_demo.ipynb").write_bytes(PERFECT)
    (tmp_path / "demo.ipynb").write_bytes(SOURCE)
    monkeypatch.setattr(process, "problem", lambda: "the program bwrap is not installed.")
    monkeypatch.setattr(gradebook, "available", lambda: False)
    words = ["grade", tmp_path / "in", "-o", tmp_path / "out", "-a", tmp_path / "demo.ipynb"]
    assert run(*words) == 1
    said = capsys.readouterr().err
    assert "apt-get install bubblewrap" in said and "--trusted" in said
    assert not (tmp_path / "out").exists()
    assert run(*words, "--trusted") == 0
    said = capsys.readouterr().out
    assert "1  graded" in said and gradebook.HOW_TO_GET_IT in said


def test_the_sandbox_says_what_is_missing(monkeypatch):
    process.problem.cache_clear()
    monkeypatch.setenv("PATH", "/nowhere")
    try:
        assert process.problem() == "the program bwrap is not installed."
    finally:
        process.problem.cache_clear()


# A student's own check.


def test_check_fails_where_a_visible_test_fails(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    right, wrong = tmp_path / "right.ipynb", tmp_path / "wrong.ipynb"
    right.write_bytes(PERFECT)
    wrong.write_bytes(assignment.answered(ABOUT, {"flag": made_up_assignment.WRONG["flag"]}))
    assert run("check", right) == 0
    assert "All visible tests pass." in capsys.readouterr().out
    assert run("check", wrong) == 1
    said = capsys.readouterr().out
    assert "failed  the function flag" in said and "passed" in said and "Some parts do not pass yet." in said
    assert run("check", tmp_path / "missing.ipynb") == 1


def test_check_runs_a_solution_that_was_turned_into_text(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    notebook = json.loads(PERFECT)
    for cell in notebook["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == "flag":
            cell["cell_type"] = "markdown"
    (tmp_path / "mine.ipynb").write_text(json.dumps(notebook))
    assert run("check", tmp_path / "mine.ipynb") == 0
    assert "passed  the function flag" in capsys.readouterr().out


def test_check_ends_its_kernel_and_prints_nothing_else(tmp_path):
    notebook = json.loads(PERFECT)
    say_which = "import os; open('kernel', 'w').write(str(os.getpid()))"
    notebook["cells"].insert(
        0, {"cell_type": "code", "source": say_which, "metadata": {}, "outputs": [], "execution_count": None}
    )
    (tmp_path / "mine.ipynb").write_text(json.dumps(notebook))
    program = [sys.executable, "-m", "aecourse.cli", "check", "mine.ipynb"]
    done = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and done.stderr == "", done
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "kernel").read_text()), 0)


def test_check_uses_the_id_in_the_notebook(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    source = pathlib.Path(__file__).parents[1] / "assignments" / "source" / "a3" / "a3.ipynb"
    solved = assignment.solved(assignment.read(source.read_bytes()))
    (tmp_path / "a3.ipynb").write_bytes(solved)
    assert run("check", tmp_path / "a3.ipynb") == 1
    assert "put your own id" in capsys.readouterr().err
    (tmp_path / "a3.ipynb").write_bytes(solved.replace(b"your id", b"4711", 1))
    assert run("check", tmp_path / "a3.ipynb") == 0


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("raise OSError('the lid is open')", "a cell stops with OSError: the lid is open"),
        ("import os; os._exit(3)", "The kernel ended in the middle"),
        ("while True: pass", "a cell stops with KeyboardInterrupt"),
    ],
)
def test_check_says_what_stops_the_students_own_cells(source, said, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    notebook = json.loads(PERFECT)
    notebook["metadata"]["aecourse"]["seconds"] = 3
    notebook["cells"].insert(0, {"cell_type": "code", "source": source, "metadata": {}, "outputs": []})
    (tmp_path / "mine.ipynb").write_text(json.dumps(notebook))
    status = run("check", tmp_path / "mine.ipynb")
    out = capsys.readouterr().out
    assert said in out, out
    assert status == ("kernel" in said) and out.count("All visible tests pass.") == (not status)


def test_check_refuses_another_notebook(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    notebook = json.loads(PERFECT)
    other = {"cell_type": "code", "source": "1", "metadata": {}, "outputs": [], "execution_count": None}
    (tmp_path / "other.ipynb").write_text(json.dumps(notebook | {"cells": [other]}))
    assert run("check", tmp_path / "other.ipynb") == 1
    assert "it has no tests" in capsys.readouterr().err


def test_the_grader_says_that_it_needs_linux(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(cli.sys, "platform", "win32")
    assert run("grade", tmp_path, "-o", tmp_path / "out") == 1
    said = capsys.readouterr().err
    assert "needs Linux" in said and "aecourse check" in said and not (tmp_path / "out").exists()


# Results.


def record_of(origin, student="4711", name="Ada", earned=1.5, answer="to be marked"):
    """A record of a perfect start: one cell with a fraction, one answer in words."""
    made = grade.refused(
        ABOUT, submissions.Incoming(student, name, origin, None), "graded", "Done, all of it."
    )
    outcomes = {cell.name: answer for cell in ABOUT.graded if cell.kind == "manual"} | {"test-flag": "partly"}
    cells = [
        replace(cell, outcome=outcomes.get(cell.name, "failed"), earned=earned * (cell.name == "test-flag"))
        for cell in made.cells
    ]
    return replace(made, cells=cells)


def tables(folder, *records):
    """Write the tables and return their rows as a spreadsheet or an LMS reads them."""
    results.write(folder, ABOUT, list(records))
    found = {}
    for name in ("grades", "moodle", "canvas"):
        data = (folder / f"{name}.csv").read_bytes()
        assert not data.startswith(b"\xef\xbb\xbf") and data.endswith(b"\r\n")
        found[name] = list(csv.reader(io.StringIO(data.decode(), newline="")))
        assert len({len(row) for row in found[name]}) == 1
    return found


def test_the_table_of_grades_has_each_cell_and_the_total(tmp_path):
    head, row = tables(tmp_path, record_of("ada_4711_demo.ipynb"))["grades"]
    named = dict(zip(head, row, strict=True))
    assert [name for name in head if " (of " in name] == [
        f"{cell.name} (of {cell.points:.0f})" for cell in ABOUT.graded
    ]
    assert (named["test-flag (of 2)"], named["test-scale (of 2)"], named["why (of 3)"]) == ("1.5", "0", "")
    assert [named[name] for name in ("Total", "Possible", "Waits for a mark")] == ["1.5", "11", "3"]


def test_moodle_gets_ids_or_its_own_numbers(tmp_path):
    """Its gradebook looks users up by ID number; its downloads are named by participants' numbers instead."""
    both = record_of("ada_4711_demo.ipynb"), record_of("bob_4712_demo.ipynb", "4712")
    rows = tables(tmp_path, *both)["moodle"]
    assert rows[0] == ["ID number", "Full name", "demo", "Feedback comments"]
    # An empty id would be taken for the user of the row before.
    assert [(row[0], float(row[2])) for row in rows[1:]] == [("4711", 1.5), ("4712", 1.5)]
    assert rows[1][3] == "Done, all of it. 3 points are not marked yet."
    rows = tables(tmp_path, record_of("Ada Lovelace_4711_assignsubmission_file_/demo.ipynb"))["moodle"]
    assert rows[0] == [
        "Identifier",
        "Full name",
        "Grade",
        "Maximum Grade",
        "Last modified (grade)",
        "Feedback comments",
    ]
    assert rows[1][0] == "Participant 4711" and float(rows[1][2]) == 1.5 and rows[1][3] == "11"


def test_canvas_gets_one_assignment_and_the_right_students(tmp_path):
    """It takes any further column for an assignment, and what is in ID for its own number of a student."""
    head, points, row = tables(tmp_path, record_of("ada_4711_demo.ipynb"))["canvas"]
    assert head == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "demo"]
    assert "Points Possible" in points[0] and points[1:] == ["", "", "", "", "11"]
    assert row == ["Ada", "", "4711", "4711", "", "1.5"]
    for origin in ("lovelaceada_4711_998877_demo-2.ipynb", "lovelaceada_LATE_4711_998877_demo.ipynb"):
        assert tables(tmp_path, record_of(origin))["canvas"][2] == ["Ada", "4711", "", "", "", "1.5"]


def test_text_in_tables_is_no_formula(tmp_path):
    record = replace(record_of("x", name="=1+1", answer="not answered"), message='@x, "y"')
    found = tables(tmp_path, record)
    assert found["grades"][1][0] == found["canvas"][2][0] == found["moodle"][1][1] == "'=1+1"
    assert found["grades"][1][3] == found["moodle"][1][3] == '\'@x, "y"'


def test_pages_show_only_pictures_that_are_png():
    assert feedback.picture_address("iVBORw0KGgo=") == "data:image/png;base64,iVBORw0KGgo="
    assert feedback.picture_address("PHN2Zz4=") == "" and feedback.picture_address('"><script>') == ""


def test_a_persons_seed():
    assert personal.seed("1", "a1") != personal.seed("1", "a2")
    with pytest.raises(ValueError, match="put your own id there"):
        personal.confirmed("your id")


# The demonstration.


def test_the_made_up_class_has_thirty_students_and_the_hard_cases():
    rows = made_up_class.class_of_30(ABOUT)
    assert len(rows) == len({case.label for case in rows}) == 30
    assert {case.label for case in rows} >= set(made_up_class.HARD_CASES_SHOWN)


def test_without_a_display_the_report_is_named_not_opened(monkeypatch, capsys):
    opened = []
    monkeypatch.setattr(made_up_class.webbrowser, "open", lambda address: opened.append(address) or True)
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(made_up_class.sys, "platform", "linux")
    made_up_class.show("file:///report.html")
    assert not opened and "Open it in a browser: file:///report.html" in capsys.readouterr().out
    monkeypatch.setenv("DISPLAY", ":0")
    made_up_class.show("file:///report.html")
    assert opened == ["file:///report.html"] and not capsys.readouterr().out


# Batches.


def some(count):
    """Return submissions that differ, so that each has a record of its own."""
    made = []
    for number in range(count):
        data = assignment.answered(
            ABOUT, {"flag": made_up_assignment.WRONG["flag"]} if number % 3 == 0 else {}
        )
        made.append(incoming(data, f"{2000 + number}"))
    return made


def marks(records):
    return [(record.student, record.status, record.automatic) for record in records]


def test_only_what_changed_is_graded_again(tmp_path):
    store = batch.Store(tmp_path)
    handed_in = some(4)
    first, computed = batch.grade_all(SOURCE, handed_in, store)
    assert computed == 4
    handed_in[1] = incoming(assignment.release(ABOUT), "2001")
    again, computed = batch.grade_all(SOURCE, handed_in, store)
    assert computed == 1 and again[1].automatic == 0
    assert marks(again[2:]) == marks(first[2:])
    assert batch.key_of(SOURCE + b" ", handed_in[0]) != batch.key_of(SOURCE, handed_in[0])


def test_a_damaged_record_is_graded_again(tmp_path):
    store = batch.Store(tmp_path)
    [record], _ = batch.grade_all(SOURCE, some(1), store)
    (tmp_path / f"{record.key}.json").write_text('{"student":')
    assert batch.grade_all(SOURCE, some(1), store)[1] == 1


@pytest.mark.parametrize(
    "field, value", [("status", "excellent"), ("cells", 3), ("cells", [{"outcome": "won"}])]
)
def test_a_record_with_unknown_values_is_graded_again(field, value, tmp_path):
    store = batch.Store(tmp_path)
    [record], _ = batch.grade_all(SOURCE, some(1), store)
    assert store.get(record.key) == record
    changed = json.dumps({**record.to_dict(), field: value})
    (tmp_path / f"{record.key}.json").write_text(changed)
    assert store.get(record.key) is None


def test_two_graders_may_store_the_same_record_at_once(tmp_path):
    store = batch.Store(tmp_path)
    record = replace(record_of("ada_4711_demo.ipynb"), key="same", notes=["x" * 500_000])
    writers = [threading.Thread(target=store.put, args=(record,)) for _ in range(8)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        assert store.get("same") in (None, record)
    assert store.get("same") == record and [path.name for path in tmp_path.iterdir()] == ["same.json"]


@pytest.mark.parametrize(
    "file, decides",
    [
        ("grading/feedback.py", False),
        ("grading/gradebook.py", False),
        ("grading/results.py", False),
        ("grading/batch.py", False),
        ("grading/cli.py", False),
        ("plots/charts.py", False),
        ("grading/assignment.py", True),
        ("grading/grade.py", True),
        ("grading/inside/scorer.py", True),
        ("grading/record.py", True),
        ("grading/matching.py", True),
        ("grading/sandbox/process.py", True),
        ("grading/session.py", True),
        ("grading/submissions.py", True),
        ("homework/personal.py", True),
    ],
)
def test_a_record_depends_on_the_code_that_decides_marks(file, decides, tmp_path):
    package = tmp_path / "aecourse"
    shutil.copytree(pathlib.Path(batch.aecourse.__file__).parent, package)
    before = batch.code_digest(package)
    path = package / file
    path.write_bytes(path.read_bytes() + b"\n")
    assert (batch.code_digest(package) != before) is decides
    (package / "grading" / "sandbox" / "added.py").write_text("")
    assert batch.code_digest(package) != before


INTERRUPTED = """
import sys
sys.path.insert(0, {tests!r})
from test_grading import SOURCE, CountingStore, batch, some


def wait_to_be_killed():
    print("three are stored", flush=True)
    sys.stdin.read()


batch.grade_all(SOURCE, some(8), CountingStore({folder!r}, wait_to_be_killed), workers=1)
"""


def test_killed_half_way_it_goes_on_where_it_was(tmp_path):
    code = INTERRUPTED.format(tests=str(pathlib.Path(__file__).parent), folder=str(tmp_path))
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    child = subprocess.Popen([sys.executable, "-c", code], **pipes)
    assert child.stdout.readline() == "three are stored\n"
    child.kill()
    child.communicate()
    kept = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("*.json")}
    assert len(kept) == 3
    records, computed = batch.grade_all(SOURCE, some(8), batch.Store(tmp_path))
    assert computed == 8 - len(kept)
    assert all((tmp_path / name).stat().st_mtime_ns == when for name, when in kept.items())
    assert marks(records) == [(f"{2000 + n}", "graded", 6.0 if n % 3 == 0 else 8.0) for n in range(8)]


def test_interrupted_from_the_keyboard_it_ends_and_says_so(tmp_path):
    """What was graded stays; what runs is ended, an endless loop too."""
    (tmp_path / "in").mkdir()
    # A loop may run for so long that the command would not end in this test if it waited for it.
    (tmp_path / "demo.ipynb").write_bytes(made_up_assignment.source(seconds=3000))
    for number, answers in enumerate(
        ({}, {"scale": hostile_submissions.ENDLESS_LOOP}, {"scale": hostile_submissions.ENDLESS_LOOP})
    ):
        path = tmp_path / "in" / f"ada_{1001 + number}_demo.ipynb"
        path.write_bytes(assignment.answered(ABOUT, answers))
    words = ["grade", "in", "-o", "out", "-a", "demo.ipynb", "--workers", "1"]
    command = subprocess.Popen(
        [sys.executable, "-m", "aecourse.cli", *words], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )

    def family():
        return psutil.Process(command.pid).children(recursive=True)

    def processor_seconds():
        used = 0.0
        for member in family():
            with contextlib.suppress(psutil.NoSuchProcess):
                used += sum(member.cpu_times()[:2])
        return used

    wait_until(lambda: list(tmp_path.glob("out/records/*.json")))
    before = processor_seconds()
    wait_until(lambda: processor_seconds() > before + 1)  # a loop runs
    left = family()
    command.send_signal(signal.SIGINT)
    said = command.communicate(timeout=120)[1]  # raises if it waited until the loop's time was over
    assert command.returncode == 130 and "Interrupted. What was graded is kept" in said
    assert len(list(tmp_path.glob("out/records/*.json"))) == 1
    assert left and psutil.wait_procs(left, timeout=60)[1] == []


def test_a_cluster_that_loses_a_worker_loses_nothing(tmp_path):
    import distributed

    environment = {**os.environ, "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "5"}
    beside = pathlib.Path(sys.executable).parent
    file = tmp_path / "scheduler.json"
    common = ["--scheduler-file", str(file)]
    processes = [
        subprocess.Popen(
            [beside / "dask", "scheduler", *common, "--port", "0", "--no-dashboard"],
            env=environment,
            stderr=subprocess.DEVNULL,
        )
    ]
    try:
        for _ in range(2):
            processes.append(
                subprocess.Popen(
                    [
                        beside / "dask",
                        "worker",
                        *common,
                        "--nthreads",
                        "1",
                        "--no-nanny",
                        "--no-dashboard",
                        "--local-directory",
                        str(tmp_path),
                    ],
                    env=environment,
                    stderr=subprocess.DEVNULL,
                )
            )
        wait_until(file.exists)
        address = json.loads(file.read_text())["address"]
        with distributed.Client(address, timeout="60s") as client:
            client.wait_for_workers(2, timeout=60)
        store, handed_in = CountingStore(tmp_path / "records", lambda: processes[1].kill()), some(12)
        records, computed = batch.grade_all(SOURCE, handed_in, store, scheduler=address)
    finally:
        for started in processes:
            started.kill()
            started.wait()
    assert processes[1].returncode == -9
    assert computed == 12 and sorted(store.written) == sorted(set(store.written)) and len(store.written) == 12
    here, _ = batch.grade_all(SOURCE, handed_in, batch.Store(tmp_path / "here"))
    assert marks(records) == marks(here)
    assert [record.cells for record in records] == [record.cells for record in here]


class CountingStore(batch.Store):
    """A store that remembers what was written, and calls something when three are."""

    def __init__(self, folder, at_three):
        super().__init__(folder)
        self.written, self._at_three = [], at_three

    def put(self, record):
        super().put(record)
        self.written.append(record.student)
        if len(self.written) == 3:
            self._at_three()


# Answers where students put them.


def changed(change, data=PERFECT):
    """Grade the model solution after a change to its list of cells."""
    notebook = json.loads(data)
    change(notebook["cells"])
    return grade.grade(SOURCE, incoming(assignment.to_bytes(notebook)))


def place_of(cells, name):
    return next(number for number, cell in enumerate(cells) if cell["id"] == name)


@pytest.mark.parametrize("cell_type", ["markdown", "code", "raw"])
@pytest.mark.parametrize("keep_id", [True, False])
def test_a_written_answer_in_another_cell_waits_for_a_mark(cell_type, keep_id):
    """In a cell below the empty one, or in the cell itself, turned into another type."""

    def write(cells):
        at = place_of(cells, "why")
        written = assignment.new_cell(cell_type, "own", "Normal rows decide, since anomalies are rare.")
        if keep_id:
            written["metadata"] = cells[at]["metadata"]
            cells[at] = written
        else:
            cells[at]["source"] = assignment.TEXT_STUB
            cells.insert(at + 1, written)

    record = changed(write)
    [answer] = [cell for cell in record.cells if cell.kind == "manual"]
    assert answer.outcome == "to be marked" and record.automatic == 8
    [shown] = [cell for cell in record.shown if cell["name"] == "why"]
    assert shown["source"].startswith("Normal rows") and shown["cell_type"] == "markdown"


def test_an_empty_answer_with_nothing_below_is_not_answered():
    record = changed(lambda cells: cells[place_of(cells, "why")].update(source=assignment.TEXT_STUB))
    assert [cell.outcome for cell in record.cells if cell.kind == "manual"] == ["not answered"]


def test_a_solution_that_was_turned_into_text_is_run():
    def turn(cells):
        at = place_of(cells, "scale")
        cells[at] = {**assignment.new_cell("markdown", "scale", cells[at]["source"], cells[at]["metadata"])}

    record = changed(turn)
    assert (record.status, record.automatic) == ("graded after repair", 8)
    assert "a solution had been turned into text and was run as code" in record.repairs


@pytest.mark.parametrize("below", [False, True])
def test_of_copies_the_last_edited_one_counts(below):
    """A copied cell keeps its name; the stub or a wrong try stays above, or a stub is left below."""

    def copy(cells):
        at = place_of(cells, "scale")
        stub = {**cells[at], "id": "stub", "source": assignment.CODE_STUB}
        wrong = {**cells[at], "id": "wrong", "source": made_up_assignment.WRONG["scale"]}
        if below:
            cells.append({**cells[at], "id": "last"})
            cells[at] = wrong
        else:
            cells[at + 1 : at + 1] = [stub]
            cells.insert(at, wrong)

    record = changed(copy)
    assert record.automatic == 8, record.cells
    assert "of several copies of a cell the last one that was edited was graded" in record.repairs


@pytest.mark.parametrize("handed_in, wanted", [("a1", "a3"), ("a3", "a1"), ("a2", "a4")])
def test_another_assignments_notebook_is_told_apart(handed_in, wanted):
    folder = pathlib.Path(__file__).parents[1] / "assignments" / "source"
    sources = {name: (folder / name / f"{name}.ipynb").read_bytes() for name in (handed_in, wanted)}
    solved = assignment.solved(assignment.read(sources[handed_in]))
    record = grade.grade(sources[wanted], incoming(solved))
    assert record.status == "not this assignment" and record.automatic == 0
    assert f"the notebook of assignment {handed_in}." in record.message


ASSIGNMENTS = pathlib.Path(__file__).parents[1] / "assignments" / "source"
SOURCES = {
    **{path.stem: path.read_bytes() for path in sorted(ASSIGNMENTS.glob("*/*.ipynb"))},
    "demo": made_up_assignment.source(),
}


def without_metadata(data, *, also_of_cells):
    """The bytes of a notebook as a hosted service leaves them."""
    notebook = json.loads(data)
    notebook["metadata"] = {}
    for cell in notebook["cells"] if also_of_cells else ():
        cell["metadata"] = {}
        cell.pop("id")
    return assignment.to_bytes(notebook)


@pytest.mark.parametrize("also_of_cells", [False, True])
@pytest.mark.parametrize("kind", ["released", "solved"])
@pytest.mark.parametrize("handed_in", SOURCES)
def test_an_assignments_cells_show_which_it_is(handed_in, kind, also_of_cells):
    """Each notebook for each assignment, without the metadata that say which it is."""
    make = {"released": assignment.release, "solved": assignment.solved}[kind]
    data = without_metadata(make(assignment.read(SOURCES[handed_in])), also_of_cells=also_of_cells)
    cells, _ = submissions.read_notebook(data)
    own = [
        name for name, source in SOURCES.items() if not matching.is_another(assignment.read(source), cells)
    ]
    assert own == [handed_in]


def test_another_assignments_notebook_without_metadata_gets_a_status():
    data = without_metadata(assignment.solved(assignment.read(SOURCES["a2"])), also_of_cells=True)
    record = grade.grade(SOURCES["a5"], incoming(data))
    assert record.status == "not this assignment" and record.shown == []


@pytest.mark.parametrize(
    "kept, points",
    [
        (("scale", "row_errors", "threshold", "flag"), 8),
        (("scale", "flag"), 4),
        (("flag", "test-flag"), 2),
        (("scale",), None),
    ],
    ids=["all solutions", "half of them", "one and its test", "one alone"],
)
def test_what_is_left_of_ones_own_notebook_is_graded(kept, points):
    """Without metadata and most of the author's cells; what could be anybody's gets a status."""
    about = assignment.read(SOURCE)
    notebook = json.loads(without_metadata(assignment.solved(about), also_of_cells=True))
    pairs = zip(notebook["cells"], about.cells, strict=True)
    notebook["cells"] = [cell for cell, part in pairs if part.name in kept]
    record = grade.grade(SOURCE, incoming(assignment.to_bytes(notebook)))
    assert (record.status == "not this assignment") == (points is None)
    assert record.automatic == (points or 0), record.cells


def test_a_cell_of_many_megabytes_is_graded():
    """As many as assignment 5 allows."""
    record = changed(
        lambda cells: cells.insert(2, assignment.new_cell("code", "own", f"text = '{'7' * 19_000_000}'"))
    )
    assert (record.status, record.automatic) == ("graded", 8), record.notes

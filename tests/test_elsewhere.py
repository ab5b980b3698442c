"""The course on Windows and macOS, as far as Linux can simulate them (tests/elsewhere/sitecustomize.py).

The lessons are run in the same way by `make test-elsewhere`.
"""

import json
import os
import pathlib
import subprocess
import sys

import nbformat
import numpy as np
import pytest

from aecourse.grading import assignment
from tools import text

ROOT = pathlib.Path(__file__).parents[1]
WINDOWS = {
    "PYTHONPATH": os.pathsep.join([str(ROOT / "tests" / "elsewhere"), str(ROOT)]),
    "PYTHONIOENCODING": "cp1252:strict",
    "PYTHONUTF8": "0",
    "PYTHONWARNDEFAULTENCODING": "1",
    "AECOURSE_PROGRESS": "0",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a blank and letters that are not ASCII, with a table and a solved assignment in it."""
    folder = tmp_path_factory.mktemp("elsewhere") / "Jürgens Übungen, 日本"
    folder.mkdir()
    rng = np.random.default_rng(0)
    lines = [f"{a:.3f};{b:.3f};{c:.3f};normal" for a, b, c in rng.normal(size=(300, 3))]
    table = "größe;b;c;label\n" + "\n".join([*lines, "9;9;-9;odd"]) + "\n"
    (folder / "tägliche daten.csv").write_text(table, encoding="utf-8")
    solved = assignment.solved(assignment.read((ROOT / "assignments/source/a3/a3.ipynb").read_bytes()))
    (folder / "a3 größer.ipynb").write_bytes(solved.replace(b"your id", b"4711", 1))
    return folder


def run(folder, *arguments, status=0, **named):
    """Run Python as on Windows; return what it printed, and fail on another status or a traceback."""
    result = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=os.environ | WINDOWS | named, capture_output=True
    )
    out, err = result.stdout.decode("cp1252"), result.stderr.decode("cp1252", "replace")
    assert result.returncode == status and "Traceback" not in err, out + err
    return out + err


@pytest.mark.parametrize(
    "code",
    [
        "import fcntl",
        "import os; os.fork",
        "import signal; signal.SIGKILL",
        "open('/proc/self/stat')",
        "open('x')",
    ],
)
def test_the_simulation_blocks_our_code_and_no_other(tmp_path, code):
    (tmp_path / "x").touch()
    (tmp_path / "tools.py").write_text(code)
    (tmp_path / "others.py").write_text(code)
    environment = (
        os.environ | WINDOWS | {"PYTHONPATH": f"{ROOT / 'tests' / 'elsewhere'}{os.pathsep}{tmp_path}"}
    )
    for name, fails in (("tools", True), ("others", False)):
        command = [sys.executable, "-c", f"import {name}"]
        result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert (result.returncode != 0) == fails, result.stderr


def test_a_student_checks_an_assignment(folder):
    assert "All visible tests pass." in run(folder, "-m", "aecourse.cli", "check", "a3 größer.ipynb")


def test_a_table_is_searched_and_new_rows_are_scored(folder):
    words = [
        "-m",
        "aecourse.cli",
        "detect",
        "tägliche daten.csv",
        "--train-on",
        "label == 'normal'",
        "-o",
        "ergebnis ü",
    ]
    assert "Written" in run(folder, *words)
    detector = next((folder / "ergebnis ü").glob("*.aecourse"))
    assert "Written" in run(folder, "-m", "aecourse.cli", "score", str(detector), "tägliche daten.csv")


def test_the_grader_says_that_it_needs_linux(folder):
    run(
        folder,
        "-c",
        "import sys; sys.platform = 'win32'; from aecourse import cli; "
        "sys.exit(cli.main(['grade', '.', '-o', 'out']))",
        status=1,
    )


def test_the_copy_of_the_lessons_is_made(folder):
    said = run(ROOT, "-m", "tools.lab", "--copy-only", "--work", str(folder / "meine Kopie é"))
    assert "copied" in said and (folder / "meine Kopie é" / "00_start_here.ipynb").exists()


LESSON = """+++ {"id": "title"}

# 01 · A lesson with a → sign

```{code-cell}
:id: sum
:tags: [headline]

print("2 → 2, größer als ≈ 1")
```
"""


def test_a_lesson_is_executed_and_its_headline_printed_where_a_sign_has_no_place(folder):
    notebooks = folder / "notebooks"
    notebooks.mkdir()
    nbformat.write(text.from_text(LESSON), notebooks / "01_good.ipynb")
    (notebooks / "lessons.toml").write_text('["01_good.ipynb"]\nabout = "a"\nreading = 1\nminutes = 0.1\n')
    said = run(ROOT, "-m", "tools.course", "--notebooks", str(notebooks), "-o", str(folder / "out"))
    assert "2 ? 2" in said and "1 of 1 lessons pass" in said


@pytest.mark.parametrize(
    "module",
    [
        "tools.book.build",
        "tools.book.serve",
        "tools.lesson",
        "tools.readme",
        "tools.setup_env",
        "aecourse.doctor",
        "aecourse.scaling",
    ],
)
def test_what_students_and_authors_run_can_be_imported(folder, module):
    run(ROOT, "-c", f"import {module}")


@pytest.mark.parametrize("script", ["tools/setup_env.py", "tools/python_needed.txt", "tools/with_python.sh"])
def test_what_comes_before_the_environment_speaks_ascii(script):
    (ROOT / script).read_text(encoding="ascii")


def test_the_doctor_runs_to_its_end_and_shows_a_question_mark_for_what_has_no_place(folder):
    """It is started alone, not by the command `aecourse`; in ASCII, which has less than cp1252."""
    kernel = folder / "kernels" / "python3" / "kernel.json"
    kernel.parent.mkdir(parents=True, exist_ok=True)
    argv = [str(folder / "python"), "-m", "ipykernel"]
    kernel.write_text(json.dumps({"argv": argv, "display_name": "x", "language": "python"}))
    named = {"JUPYTER_PATH": str(folder), "PYTHONIOENCODING": "ascii:strict"}
    report = run(folder, "-m", "aecourse.doctor", status=1, **named)
    failed = [line for line in report.splitlines() if line.startswith("FAIL")]
    assert len(failed) == 1 and "python3 is another Python" in failed[0] and ", ??" in failed[0]
    assert (
        "OK   disk" in report and "adds up" in report and f"1 of {report.count('OK ') + 1} checks" in report
    )


def test_the_simulation_ends_a_program_that_prints_what_cp1252_lacks(folder):
    run(folder, "-c", "print('größer')")
    with pytest.raises(AssertionError, match="UnicodeEncodeError"):
        run(folder, "-c", "print('→')")


def test_the_help_of_every_runner_can_be_printed(folder):
    """With no sign replaced; in one process, as each start takes seconds."""
    modules = [
        "tools.book.__main__",
        *(f"tools.{name}" for name in ("course", "lab", "lesson", "quizzes", "readme", "setup_env")),
    ]
    code = f"""if True:
        import contextlib, importlib, sys
        for name in {modules}:
            with contextlib.suppress(SystemExit):
                importlib.import_module(name).main(["--help"])
        from aecourse import cli
        with contextlib.suppress(SystemExit):
            cli.main(["--help"])"""
    said = run(ROOT, "-c", code, PYTHONIOENCODING="ascii:strict", COLUMNS="200")
    assert said.count("usage: ") == len(modules) + 1 and "?" not in said

"""A lesson is held to its minutes of processor time, however busy the machine is."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psutil

from tools import minutes

ROOT = Path(__file__).parents[1]


def test_a_slow_lesson_is_found():
    limits = {"a.ipynb": {"minutes": 1.0}, "b.ipynb": {"minutes": 1.0}}
    assert minutes.over_limit({"a.ipynb": 59, "b.ipynb": 90}, limits) == [("b.ipynb", 1.5, 1.0)]


def test_the_processor_time_of_finished_and_running_children_counts():
    busy = "import time\nwhile time.process_time() < 0.3: pass\n"
    outer = (
        "import subprocess, sys, time\n"
        f"subprocess.run([sys.executable, '-c', {busy!r}])\n"
        f"child = subprocess.Popen([sys.executable, '-c', {busy + 'print(flush=True); input()'!r}],\n"
        "    stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n"
        "child.stdout.readline(); print(flush=True); input(); child.communicate(b'\\n')\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", outer], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    process.stdout.readline()
    used = minutes.processor_seconds(process.pid)
    process.communicate("\n")
    assert used >= 0.5  # both children's, in ticks of the system's clock


def test_the_processor_time_of_this_process_does_not_grow_while_it_sleeps():
    before = minutes.processor_seconds(psutil.Process().pid)
    time.sleep(0.2)
    assert minutes.processor_seconds(psutil.Process().pid) - before < 0.2


def test_a_run_fails_for_processor_time_and_not_for_waiting(tmp_path):
    """With two workers: the figures reach the process that decides."""
    shutil.copy(ROOT / "conftest.py", tmp_path)
    (tmp_path / "notebooks").mkdir()
    sources = {
        "waits": "import time\ntime.sleep(3.2)\nwhile time.process_time() < 1: pass",
        "computes": "sum(range(10**6)) > 0",
    }
    for name, source in sources.items():
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
        nbformat.write(notebook, tmp_path / "notebooks" / f"{name}.ipynb")
    (tmp_path / "notebooks" / "lessons.toml").write_text(
        '["waits.ipynb"]\nminutes = 0.05\n["computes.ipynb"]\nminutes = 0.001\n'
    )
    options = (
        "-q -n 2 --dist loadscope --no-loadscope-reorder -p no:cacheprovider --nbval-lax --nbval-current-env"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options.split(), "notebooks"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT), "AECOURSE_MINUTES": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1 and "2 passed" in done.stdout, done.stdout
    assert "TOO SLOW: computes.ipynb" in done.stdout and "TOO SLOW: waits.ipynb" not in done.stdout
    (row,) = [line.split() for line in done.stdout.splitlines() if line.startswith("waits.ipynb")]
    by_clock, of_processor = float(row[1]), float(row[2])
    assert by_clock > 0.05 > of_processor > 0

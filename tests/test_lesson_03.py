"""Lesson 03: its PyTensor cell runs on a machine without a C compiler, and without PyTensor."""

import os
import pathlib
import subprocess
import sys

import nbformat
import pytest

ROOT = pathlib.Path(__file__).parents[1]
NOTEBOOK = ROOT / "notebooks" / "03_autoencoder_from_equations.ipynb"
IMPORTS = "import numpy as np\nfrom scipy.special import expit as sigmoid\n"
WITHOUT_PYTENSOR = "import sys\nsys.modules['pytensor'] = None\n"  # makes the import fail
CELLS = ("numpy-network", "noise", "train-numpy", "pytensor", "agree")


def run_cells(home, prelude=""):
    """Run the NumPy and PyTensor cells in a process that finds no program, and so no compiler."""
    sources = {cell.id: cell.source for cell in nbformat.read(NOTEBOOK, as_version=4).cells}
    program = "\n".join([prelude + IMPORTS, *(sources[name] for name in CELLS)])
    environment = {"HOME": str(home), "PATH": str(home), "PYTHONWARNINGS": "always"}
    if "SYSTEMROOT" in os.environ:  # Windows needs it to start Python
        environment["SYSTEMROOT"] = os.environ["SYSTEMROOT"]
    return subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        cwd=home,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_pytensor_needs_no_compiler_and_leaves_no_files(tmp_path):
    pytest.importorskip("pytensor", reason="the extra 'theano' is not installed")
    done = run_cells(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "PyTensor ran." in done.stdout
    assert "NumPy and PyTensor: W1, W2 and all 3,200 losses agree to 1e-6: True" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_without_pytensor_the_lesson_says_so_and_goes_on(tmp_path):
    done = run_cells(tmp_path, prelude=WITHOUT_PYTENSOR)
    assert (done.returncode, done.stderr) == (0, "")
    assert "PyTensor is not installed here" in done.stdout
    assert "NumPy and PyTensor" not in done.stdout

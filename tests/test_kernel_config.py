"""The course's own kernels: what C code prints stays out of the cells, and so out of the stored outputs."""

import os
import pathlib
import sys

import nbformat
import pytest
from nbclient import NotebookClient

CONFIG = pathlib.Path(sys.prefix, "etc", "ipython", "ipython_kernel_config.py")
CELL = "import os, sys, warnings\nos.write(2, b'from C');\nprint('from Python')\nwarnings.warn('a warning')"


@pytest.mark.skipif(not CONFIG.exists(), reason="the environment was not made by tools/setup_env.py")
def test_a_cell_shows_what_python_prints_and_nothing_from_c():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    # Under pytest ipykernel leaves the file descriptors alone, whatever its configuration says.
    environment = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    NotebookClient(notebook, kernel_name="python3").execute(env=environment)
    shown = {output.name: output.text for output in notebook.cells[0].outputs}
    assert shown["stdout"] == "from Python\n"
    assert "UserWarning: a warning" in shown["stderr"] and "from C" not in shown["stderr"]

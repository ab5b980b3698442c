"""Run the recipe for hosted notebook services in one kernel, as a student there would.

    python -m tools.hosted          what `make test-hosted` calls, with an environment of its own

It runs the recipe in an empty folder with the interpreter that runs this module, then lesson 00 in
the same kernel. What the service brings must have the same versions afterwards.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from tools import catalogue, setup_env

# The README and each lesson's page give these lines. Not editable: that takes effect in the next kernel only.
RECIPE = (
    "!git clone --quiet --depth 1 {address} course && python -m pip install --quiet './course[theano]'",
    "%cd course/notebooks",
)
BROUGHT = ("tensorflow", "pandas", "numpy", "protobuf", "scikit-learn", "matplotlib")
VERSIONS = f"""\
import importlib.metadata
{{name: importlib.metadata.version(name) for name in {BROUGHT}}}"""


def main() -> int:
    """Run the recipe and lesson 00; return the exit status."""
    argparse.ArgumentParser(prog="python -m tools.hosted", description=__doc__.split("\n", 1)[0]).parse_args()
    if setup_env.read_stamp(Path(sys.prefix)):
        raise SystemExit(
            f"The recipe installs aecourse again, so {sys.prefix}, the course's own environment, is no place "
            "to try it: run 'make test-hosted'."
        )
    cell = "\n".join(RECIPE).format(address=f"'{catalogue.ROOT}'")
    lesson = next(entry for entry in catalogue.read() if entry.number == "00")
    code = [c.source for c in lesson.notebook().cells if c.cell_type == "code"]
    sources = [VERSIONS, cell, VERSIONS, "import aecourse; aecourse.__file__", *code]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    subprocess.run([sys.executable, "-m", "pip", "uninstall", "--quiet", "--yes", "aecourse"], check=True)
    # As there, "python" is the one of the kernel.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            notebook, kernel_name="python3", timeout=900, resources={"metadata": {"path": folder}}
        )
        client.execute()
    before, after, place = (notebook.cells[number].outputs[-1].data["text/plain"] for number in (0, 2, 3))
    print(f"before  {before}\nafter   {after}\naecourse is in {place}")
    installed = Path(sys.prefix).name in place
    print(
        "The recipe works in one kernel." if before == after and installed else "The recipe changed versions."
    )
    return 0 if before == after and installed else 1


if __name__ == "__main__":
    sys.exit(main())

"""A student's own notebook, run with its visible tests in a Jupyter kernel on the student's own machine.

It is the student's code on the student's machine, so there is no sandbox, and nothing here needs Linux:
the cells and the tests run one after the other, as they do in JupyterLab.
"""

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

import nbformat
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError

from aecourse.grading import matching, submissions
from aecourse.grading.assignment import Assignment
from aecourse.grading.record import Outcome
from aecourse.grading.steps import RunCell, RunTest, Step, plan

MAX_MESSAGE = 200


@dataclass
class SelfCheck:
    """What a student is told about a notebook.

    Parameters
    ----------
    parts : list of (Outcome, str, str)
        For each test and each answer in words: outcome, title and message.
    stops : list of str
        What the student's own cells stopped with.
    ended : str
        Why the notebook did not run to its end; empty if it did.
    """

    parts: list[tuple[Outcome, str, str]] = field(default_factory=list)
    stops: list[str] = field(default_factory=list)
    ended: str = ""

    @property
    def passed(self) -> bool:
        """Whether the notebook ran to its end and every test passed."""
        words = (Outcome.TO_BE_MARKED, Outcome.NOT_ANSWERED)
        return not self.ended and all(outcome in (Outcome.PASSED, *words) for outcome, _, _ in self.parts)


class _ThisPython(KernelSpecManager):
    """The kernel of this interpreter, whatever kernels another installation has left at home."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        # Its warnings are about the machine, not about the notebook.
        quiet = "--Application.log_level=40"
        program = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", quiet]
        # The debugger of older versions of ipykernel prints advice to its own developers otherwise.
        settings = {"PYDEVD_DISABLE_FILE_VALIDATION": "1"}
        return KernelSpec(argv=program, env=settings, display_name=kernel_name, language="python")


def check(assignment: Assignment, cells: Sequence[submissions.NotebookCell], folder: str) -> SelfCheck:
    """Run a student's cells with the visible tests.

    Parameters
    ----------
    assignment : Assignment
        As students get it; hidden tests, if it has any, are not run.
    cells : list of NotebookCell
        The student's, as :func:`aecourse.grading.submissions.read_notebook` returns them.
    folder : str
        The folder to run in.

    Returns
    -------
    SelfCheck

    Raises
    ------
    ValueError
        If the notebook holds none of the assignment's cells.
    """
    places, _ = matching.match(assignment, cells)
    if not any(part.name in places for part in assignment.cells if part.kind != "given"):
        raise ValueError(
            f"it holds none of the cells of {assignment.title}. Check the notebook of that name."
        )
    steps = plan(assignment, cells, places)
    notebook = _notebook(assignment, steps)
    result = SelfCheck(ended=_execute(notebook, folder, assignment.seconds))
    tests = {}
    for step, cell in zip(steps, notebook.cells, strict=True):
        if isinstance(step, RunTest):
            tests[step.name] = _outcome(cell, assignment.seconds)
        elif stop := _stop(cell):
            result.stops.append(_line(stop))
    for part in assignment.graded:
        if part.kind == "test":
            outcome, message = tests.get(part.name, (Outcome.NOT_REACHED, ""))
        else:
            position = places.get(part.name)
            answered = position is not None and matching.is_edited(part, cells[position])
            outcome, message = Outcome.TO_BE_MARKED if answered else Outcome.NOT_ANSWERED, ""
        result.parts.append((outcome, part.title, message))
    return result


def _notebook(assignment: Assignment, steps: Sequence[Step]) -> nbformat.NotebookNode:
    """Return a notebook whose cells are the steps of the run."""
    released = {part.name: part.released for part in assignment.cells}
    sources = [step.source if isinstance(step, RunCell) else released[step.name] for step in steps]
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])


def _execute(notebook: nbformat.NotebookNode, folder: str, seconds: float) -> str:
    """Run all cells, whatever they raise; return why that ended early, if it did."""
    client = NotebookClient(
        notebook,
        km=AsyncKernelManager(kernel_spec_manager=_ThisPython()),
        resources={"metadata": {"path": folder}},
        timeout=math.ceil(seconds),
        interrupt_on_timeout=True,
        allow_errors=True,
    )
    try:
        client.execute(cleanup_kc=True)  # or the kernel that we made would outlive the check
    except DeadKernelError:
        return "The kernel ended in the middle: a cell needs more memory than there is, or ends the process."
    except CellTimeoutError:
        return f"A cell did not stop within {seconds:g} seconds, the time that the grader gives the notebook."
    return ""


def _stop(cell: nbformat.NotebookNode) -> nbformat.NotebookNode | None:
    """Return the error that a cell stopped with, if it did."""
    return next((output for output in cell.outputs if output.output_type == "error"), None)


def _line(stop: nbformat.NotebookNode) -> str:
    return f"{stop.ename}: {stop.evalue}"[:MAX_MESSAGE]


def _outcome(cell: nbformat.NotebookNode, seconds: float) -> tuple[Outcome, str]:
    """Return what became of a test, and what its author says of it."""
    stop = _stop(cell)
    if stop is None:
        return (Outcome.PASSED if cell.execution_count is not None else Outcome.NOT_REACHED), ""
    if stop.ename == "KeyboardInterrupt":
        return Outcome.TIMED_OUT, f"stopped after {seconds:g} seconds"
    return Outcome.FAILED, stop.evalue[:MAX_MESSAGE] if stop.ename == "AssertionError" else _line(stop)

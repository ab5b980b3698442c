"""Grade one submission: a pure task, bytes in, record out."""

import platform
import time
from collections.abc import Mapping, Sequence
from importlib import metadata

from aecourse.grading import matching, submissions
from aecourse.grading.assignment import Assignment, Cell, has_tests
from aecourse.grading.assignment import read as read_assignment
from aecourse.grading.record import STATUSES, CellResult, Outcome, PartResult, Record, ShownCell, Status
from aecourse.grading.session import Session, printable
from aecourse.grading.steps import RunCell, plan
from aecourse.grading.submissions import Incoming, NotebookCell, Refused

# What a submission's status says of the ways in which its parts ended: the first that applies.
STATUS_OF_END = {
    Outcome.TIMED_OUT: Status.TIMED_OUT,
    Outcome.OUT_OF_MEMORY: Status.OUT_OF_MEMORY,
    Outcome.CRASHED: Status.CRASHED,
}
MAX_SOURCE = 50_000
MAX_SOURCES = 2_000_000


def environment() -> dict[str, str]:
    """Return the versions on which marks can depend."""
    versions = {"python": platform.python_version()}
    for package in ("aecourse", "numpy", "scipy", "pandas", "scikit-learn", "tensorflow", "keras", "ipython"):
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions


def refused(assignment: Assignment, incoming: Incoming, status: str, message: str = "") -> Record:
    """Return the record of a submission that was not run.

    Parameters
    ----------
    assignment : Assignment
    incoming : Incoming
    status : Status
    message : str, optional
        For the student; by default what the status means.

    Returns
    -------
    Record
    """
    return Record(
        student=incoming.student,
        name=incoming.name,
        origin=incoming.origin,
        assignment=assignment.name,
        status=Status(status),
        message=message or STATUSES[Status(status)],
        cells=[_unearned(cell, Outcome.NOT_REACHED) for cell in assignment.graded],
        notes=list(incoming.notes),
    )


def _unearned(cell: Cell, outcome: Outcome, message: str = "") -> CellResult:
    parts = tuple(PartResult(name, worth, 0.0) for name, worth in cell.parts.items())
    return CellResult(cell.name, cell.title, cell.kind, cell.points, 0.0, outcome, message, parts=parts)


def _results(
    assignment: Assignment,
    cells: Sequence[NotebookCell],
    places: Mapping[str, int],
    tests: Mapping[str, CellResult],
) -> list[CellResult]:
    """Return the results of all graded cells, also of those that a person is to mark."""
    results = []
    for part in assignment.graded:
        if part.kind == "test":
            too_late = "The time was used up before this was tested."
            results.append(tests.get(part.name) or _unearned(part, Outcome.NOT_REACHED, too_late))
            continue
        position = places.get(part.name)
        answered = position is not None and matching.is_edited(part, cells[position])
        results.append(_unearned(part, Outcome.TO_BE_MARKED if answered else Outcome.NOT_ANSWERED))
    return results


def _shown(
    assignment: Assignment, cells: Sequence[NotebookCell], places: Mapping[str, int], session: Session
) -> list[ShownCell]:
    """Return the student's cells with what they showed, for the feedback page and for marking."""
    names = {position: name for name, position in places.items()}
    reports = {
        step.position: session.reports.get(number)
        for number, step in enumerate(session.steps)
        if isinstance(step, RunCell)
    }
    parts = {part.name: part for part in assignment.cells}
    shown: list[ShownCell] = []
    left = MAX_SOURCES
    for position, cell in enumerate(cells):
        part = parts.get(names.get(position, ""))
        restored = part is not None and part.kind in ("given", "test")
        source = (part.released if part and restored else cell["source"])[: min(MAX_SOURCE, left)]
        left -= len(source)
        shown.append(
            {
                "name": part.name if part else None,
                "kind": part.kind if part else "free",
                # A solution that was turned into text ran as code; an answer is shown as text.
                "cell_type": part.cell_type if part and part.is_answer else cell["cell_type"],
                "source": printable(source),
                "report": reports.get(position),
            }
        )
        if not restored and "pictures" in cell:
            shown[-1]["pictures"] = cell["pictures"]
    return shown


def grade(source: bytes, incoming: Incoming, trusted: bool = False, warmed: bool = True) -> Record:
    """Grade one submission.

    Parameters
    ----------
    source : bytes
        The assignment's source notebook.
    incoming : Incoming
        The submission.
    trusted : bool
        Run it without a sandbox.
    warmed : bool
        Fork its processes from a server that has imported what the assignment imports. If False, each
        starts Python.

    Returns
    -------
    Record
        Whatever a submission does, it ends in a status.

    Raises
    ------
    ValueError
        If the assignment breaks the format.
    """
    started = time.monotonic()
    assignment = read_assignment(source)
    try:
        record = _grade(assignment, incoming, trusted, warmed)
    except Refused as refusal:
        record = refused(assignment, incoming, refusal.status, str(refusal))
    except Exception as error:  # a fault of ours must not stop the class, and must be seen
        record = refused(assignment, incoming, Status.GRADER_FAILED)
        record.notes.append(f"{type(error).__name__}: {error}"[:500])
    record.seconds = round(time.monotonic() - started, 3)
    return record


def _grade(assignment: Assignment, incoming: Incoming, trusted: bool, warmed: bool) -> Record:
    if incoming.data is None:
        return refused(assignment, incoming, incoming.status, incoming.message)
    cells, repairs = submissions.read_notebook(incoming.data)
    claimed = submissions.assignment_of(incoming.data)
    if claimed not in (None, assignment.name):
        raise Refused(
            Status.OTHER_ASSIGNMENT,
            f"This is the notebook of assignment {printable(str(claimed))[:40]}. "
            f"Hand in the notebook of {assignment.title}.",
        )
    places, more = matching.match(assignment, cells)
    repairs += more
    own = [part for part in assignment.cells if part.kind in ("solution", "manual", "test")]
    is_another = claimed is None and matching.is_another(assignment, cells)
    if is_another or not any(part.name in places for part in own):
        raise Refused(
            Status.OTHER_ASSIGNMENT,
            "The notebook holds none of this assignment's cells. "
            f"Hand in the notebook of {assignment.title}.",
        )
    steps = plan(assignment, cells, places)
    # The data are drawn from the id that the student typed, as when the notebook was written.
    drawn_from = incoming.typed or incoming.student
    session = Session(assignment, steps, drawn_from, beside=incoming.beside, trusted=trusted, warmed=warmed)
    if has_tests(assignment) or any(isinstance(step, RunCell) for step in steps):
        session.run()
    usual = Status.REPAIRED if repairs else Status.GRADED
    status = next((status for end, status in STATUS_OF_END.items() if end in session.ends), usual)
    return Record(
        student=incoming.student,
        name=incoming.name,
        origin=incoming.origin,
        assignment=assignment.name,
        status=status,
        message=STATUSES[status],
        cells=_results(assignment, cells, places, session.results),
        repairs=repairs,
        notes=list(incoming.notes),
        shown=_shown(assignment, cells, places, session),
        waited=round(session.clock.waited, 3),
    )

"""The steps of a run: which cells run, and where the tests stand among them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aecourse.grading.assignment import Assignment, Cell
from aecourse.grading.submissions import NotebookCell


@dataclass(frozen=True)
class RunCell:
    """Run code in the student's process.

    Parameters
    ----------
    source : str
    name : str or None
        The assignment's cell that it is; None for a cell of the student's own.
    position : int or None
        Its place in the submission; None for a given cell that the submission lacks.
    """

    source: str
    name: str | None
    position: int | None


@dataclass(frozen=True)
class RunTest:
    """Remember the student's names at this point; the test of this name runs with them."""

    name: str


Step = RunCell | RunTest


def _missing_parts(
    assignment: Assignment, cells: Sequence[NotebookCell], places: Mapping[str, int]
) -> dict[int, list[Cell]]:
    """Return, by position in the submission, the tests and the missing parts that come after it."""
    taken = set(places.values())
    after: dict[int, list[Cell]] = {}
    last = -1
    for part in assignment.cells:
        if part.kind == "free":
            continue
        own = places.get(part.name)
        # Not before the parts it builds on, wherever the student moved it.
        last = max(last, -1 if own is None else own)
        if own is None:
            end = last  # and after the student's own additional cells that follow them
            while end + 1 < len(cells) and end + 1 not in taken:
                end += 1
            after.setdefault(end, []).append(part)
        elif part.kind == "test":
            after.setdefault(last, []).append(part)
    return after


def plan(assignment: Assignment, cells: Sequence[NotebookCell], places: Mapping[str, int]) -> list[Step]:
    """Return the steps of a run, in order.

    Given cells are restored as the author wrote them. The source of a test is never run in the student's
    process. A part that is missing goes where its predecessor in the assignment is.

    Parameters
    ----------
    assignment : Assignment
    cells : list of NotebookCell
        The submission's, as :func:`submissions.read_notebook` returns them.
    places : dict of str to int
        Positions in ``cells`` by the name of the assignment's cell, from :func:`matching.match`.

    Returns
    -------
    list of RunCell and RunTest
    """
    parts = {part.name: part for part in assignment.cells}
    names = {position: name for name, position in places.items()}
    after = _missing_parts(assignment, cells, places)
    steps: list[Step] = []

    def add_missing(position: int) -> None:
        for part in after.get(position, ()):
            if part.kind == "test":
                steps.append(RunTest(part.name))
            elif part.kind == "given" and part.cell_type == "code":
                steps.append(RunCell(part.source, part.name, None))

    add_missing(-1)
    for position, cell in enumerate(cells):
        part = parts.get(names.get(position, ""))
        kind = part.kind if part is not None else "free"
        # A solution is run in whatever type of cell it stands.
        is_code = cell["cell_type"] == "code" or (
            part is not None and part.kind == "solution" and part.cell_type == "code"
        )
        if is_code and kind != "test":
            source = part.source if part is not None and kind == "given" else cell["source"]
            steps.append(RunCell(source, part.name if part is not None else None, position))
        add_missing(position)
    return steps

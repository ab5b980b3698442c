"""The record of one submission: its status, what each graded cell earned, and the messages to the student."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any, TypedDict


class Status(StrEnum):
    """What became of a submission as a whole."""

    GRADED = "graded"
    REPAIRED = "graded after repair"
    TIMED_OUT = "timed out"
    CRASHED = "crashed"
    OUT_OF_MEMORY = "out of memory"
    UNREADABLE = "unreadable"
    TOO_LARGE = "too large"
    REFUSED = "refused"
    NOTHING_SUBMITTED = "nothing submitted"
    OTHER_ASSIGNMENT = "not this assignment"
    GRADER_FAILED = "grader failed"


class Outcome(StrEnum):
    """What became of one graded cell."""

    PASSED = "passed"
    PARTLY = "partly"
    FAILED = "failed"
    TIMED_OUT = "timed out"
    CRASHED = "crashed"
    OUT_OF_MEMORY = "out of memory"
    NOT_REACHED = "not reached"
    TO_BE_MARKED = "to be marked"
    MARKED = "marked"
    NOT_ANSWERED = "not answered"


#: What a student reads about each status.
STATUSES: dict[Status, str] = {
    Status.GRADED: "The notebook was run and graded.",
    Status.REPAIRED: "The notebook was repaired, then run and graded.",
    Status.TIMED_OUT: "Part of the notebook took longer than the time allowed. The rest was graded.",
    Status.CRASHED: "Part of the notebook ended Python itself. The rest was graded.",
    Status.OUT_OF_MEMORY: "Part of the notebook used more memory than allowed. The rest was graded.",
    Status.UNREADABLE: "The file could not be read as a notebook.",
    Status.TOO_LARGE: "The file is too large.",
    Status.REFUSED: "What was handed in is not safe to open.",
    Status.NOTHING_SUBMITTED: "No notebook was handed in.",
    Status.OTHER_ASSIGNMENT: "The notebook holds none of this assignment's cells.",
    Status.GRADER_FAILED: (
        "The grader itself failed. Your instructor has been told; you need not do anything."
    ),
}


class CellError(TypedDict):
    """The exception that stopped a cell: its type's name, its message, and the lines it passed through."""

    name: str
    message: str
    where: list[str]


class RunReport(TypedDict):
    """What one code cell of the student's showed, within bounds.

    An output is ``{"text": …}`` or ``{"picture": …}``, a PNG in base64. ``ended`` is the outcome of a cell
    with which its process ended, else None; ``seconds`` is None if they are not known.
    """

    outputs: list[dict[str, str]]
    error: CellError | None
    late: bool
    seconds: float | None
    ended: str | None


class ShownCell(TypedDict):
    """One cell of a submission, for the feedback page and for marking; ``name`` is None for an added cell."""

    name: str | None
    kind: str
    cell_type: str
    source: str
    report: RunReport | None


@dataclass(frozen=True)
class CellResult:
    """What one graded cell earned.

    Parameters
    ----------
    name, title, kind : str
        As in the assignment's cell.
    points, earned : float
        ``earned`` is 0 for a cell that a person marks, until it is marked.
    outcome : Outcome
    message : str
        For the student: the author's words, never the test's.
    """

    name: str
    title: str
    kind: str
    points: float
    earned: float
    outcome: Outcome
    message: str = ""


@dataclass
class Record:
    """All that is kept of one submission, in plain values, so that it can be stored as JSON.

    Parameters
    ----------
    student, name, origin : str
        The student's id and name, and the file that was handed in.
    assignment : str
    status : Status
    message : str
        For the student.
    cells : list of CellResult
        The graded cells, in order.
    repairs : list of str
        What the grader repaired, for the student.
    notes : list of str
        For the instructor.
    shown : list of ShownCell
        The notebook as it ran; empty if it did not run.
    seconds : float
        Wall-clock time of grading.
    waited : float
        Seconds of it in which the machine was busy with something else, which are not the student's.
    key : str
        Under which the record is stored.
    """

    student: str
    name: str
    origin: str
    assignment: str
    status: Status
    message: str
    cells: list[CellResult]
    repairs: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    shown: list[ShownCell] = field(default_factory=list)
    seconds: float = 0.0
    waited: float = 0.0
    key: str = ""

    @property
    def automatic(self) -> float:
        """Points earned by tests."""
        return sum(cell.earned for cell in self.cells if cell.kind == "test")

    @property
    def possible(self) -> float:
        """Points that tests can give."""
        return sum(cell.points for cell in self.cells if cell.kind == "test")

    @property
    def by_hand(self) -> float:
        """Points that a person can give."""
        return sum(cell.points for cell in self.cells if cell.kind == "manual")

    @property
    def total(self) -> float:
        """Points earned by tests and, as far as a person has marked, by written answers."""
        return sum(cell.earned for cell in self.cells)

    @property
    def unmarked(self) -> float:
        """Points of written answers that wait for a person."""
        return sum(cell.points for cell in self.cells if cell.outcome == Outcome.TO_BE_MARKED)

    def with_marks(self, marks: Mapping[tuple[str, str], tuple[float, str]]) -> "Record":
        """Return a copy with the marks that a person gave.

        Parameters
        ----------
        marks : dict
            (points, comment) by (student, cell), as :func:`gradebook.marks` returns them. A mark for a
            test replaces the test's own.

        Returns
        -------
        Record
        """
        cells = []
        for cell in self.cells:
            points, comment = marks.get((self.student, cell.name), (None, ""))
            if points is not None:
                outcome = Outcome.MARKED if cell.kind == "manual" else cell.outcome
                cell = replace(cell, earned=points, outcome=outcome, message=comment or cell.message)
            cells.append(cell)
        return replace(self, cells=cells)

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain values, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Record":
        """Return the record of plain values.

        Raises
        ------
        KeyError, TypeError, ValueError
            If a part is missing or unknown, such as a status that this version does not have.
        """
        cells = [CellResult(**{**cell, "outcome": Outcome(cell["outcome"])}) for cell in values["cells"]]
        return cls(**{**values, "status": Status(values["status"]), "cells": cells})

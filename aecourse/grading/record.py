"""What came of one submission: its status, what each graded cell earned, and what the student is told."""

from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum


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


STATUSES = {
    Status.GRADED: "The notebook was run and graded.",
    Status.REPAIRED: "The notebook was repaired, then run and graded.",
    Status.TIMED_OUT: "Part of the notebook took longer than the time allowed. The rest was graded.",
    Status.CRASHED: "Part of the notebook ended Python itself. The rest was graded.",
    Status.OUT_OF_MEMORY: "Part of the notebook used more memory than allowed. The rest was graded.",
    Status.UNREADABLE: "The file could not be read as a notebook.",
    Status.TOO_LARGE: "The file is too large.",
    Status.REFUSED: "What was handed in is not safe to open.",
    Status.NOTHING_SUBMITTED: "No notebook was handed in.",
    Status.OTHER_ASSIGNMENT: "The notebook holds no cell of this assignment.",
    Status.GRADER_FAILED: (
        "The grader itself failed. Your instructor has been told; you need not do anything."
    ),
}


@dataclass(frozen=True)
class CellResult:
    """What one graded cell earned.

    Parameters
    ----------
    name, title, kind : str
    points, earned : float
        ``earned`` is 0 for a cell that a person marks, until it is marked.
    outcome : str
        'passed', 'partly', 'failed', 'timed out', 'crashed', 'out of memory', 'not reached', 'to be marked',
        'marked', 'not answered'.
    message : str
        For the student: the author's words, never the test's.
    """

    name: str
    title: str
    kind: str
    points: float
    earned: float
    outcome: str
    message: str = ""


@dataclass
class Record:
    """What came of one submission; made of plain values, so that it is stored as JSON."""

    student: str
    name: str
    origin: str
    assignment: str
    status: str
    message: str
    cells: list
    repairs: list = field(default_factory=list)
    notes: list = field(default_factory=list)
    shown: list = field(default_factory=list)
    seconds: float = 0.0
    key: str = ""

    @property
    def automatic(self):
        """Points earned by tests."""
        return sum(cell.earned for cell in self.cells if cell.kind == "test")

    @property
    def possible(self):
        """Points that tests can give."""
        return sum(cell.points for cell in self.cells if cell.kind == "test")

    @property
    def by_hand(self):
        """Points that a person gives."""
        return sum(cell.points for cell in self.cells if cell.kind == "manual")

    @property
    def total(self):
        """Points earned by tests and, as far as they are given, by a person's marks."""
        return sum(cell.earned for cell in self.cells)

    @property
    def unmarked(self):
        """Points of written answers that wait for a person."""
        return sum(cell.points for cell in self.cells if cell.outcome == "to be marked")

    def with_marks(self, marks):
        """Return a copy that holds what a person marked.

        Parameters
        ----------
        marks : dict
            (points, comment) by (student, cell), as :func:`gradebook.marks` returns them. A mark given
            to a test counts instead of the test's own.
        """
        cells = []
        for cell in self.cells:
            points, comment = marks.get((self.student, cell.name), (None, ""))
            if points is not None:
                outcome = "marked" if cell.kind == "manual" else cell.outcome
                cell = replace(cell, earned=points, outcome=outcome, message=comment or cell.message)
            cells.append(cell)
        return replace(self, cells=cells)

    def to_dict(self):
        return asdict(self)

    @classmethod
    def from_dict(cls, values):
        return cls(**{**values, "cells": [CellResult(**cell) for cell in values["cells"]]})

"""The record of one submission: its status, what each graded cell earned, and the messages to the student."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any, NamedTuple, NotRequired, TypedDict

# A line of a marker's comment such as "Data: 4/6 no licence": one item of a rubric.
RUBRIC_ITEM = re.compile(
    r"^[ \t]*[-*•]?[ \t]*(?P<name>[^:\n]{1,60}?)[ \t]*:[ \t]*"
    r"(?P<points>-?\d+(?:[.,]\d+)?)[ \t]*(?:/|of)[ \t]*(?P<possible>\d+(?:[.,]\d+)?)[ \t]*(?P<words>[^\n]*)$",
    re.MULTILINE,
)


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


class Mark(NamedTuple):
    """What a person gave for one cell; ``points`` is None if only a comment or extra credit was given."""

    points: float | None
    comment: str = ""
    extra: float = 0.0


class PartResult(NamedTuple):
    """What one named part of a test earned; ``message`` is the author's hint if that is not all."""

    name: str
    points: float
    earned: float
    message: str = ""


class RubricItem(NamedTuple):
    """One item of a rubric, as the marker wrote it in the comment."""

    name: str
    points: float
    possible: float
    words: str


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
    """One cell of a submission, for the feedback page and for marking; ``name`` is None for an added cell.

    ``pictures`` are the addresses of PNG and JPEG pictures attached to it, by name, if there are any.
    """

    name: str | None
    kind: str
    cell_type: str
    source: str
    report: RunReport | None
    pictures: NotRequired[dict[str, str]]


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
    comment : str
        For the student: the marker's words.
    extra : float
        Extra credit that the marker gave.
    parts : tuple of PartResult
        The named parts of a test; empty if it has none, or if a person's mark replaced the test's.
    """

    name: str
    title: str
    kind: str
    points: float
    earned: float
    outcome: Outcome
    message: str = ""
    comment: str = ""
    extra: float = 0.0
    parts: tuple[PartResult, ...] = ()

    @property
    def rubric(self) -> list[RubricItem]:
        """The items of a rubric in the marker's comment: lines such as ``Data: 4/6 no licence``."""
        return [
            RubricItem(
                found["name"],
                float(found["points"].replace(",", ".")),
                float(found["possible"].replace(",", ".")),
                found["words"].strip(" –-,;"),
            )
            for found in RUBRIC_ITEM.finditer(self.comment)
        ]


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
    warnings : list of str
        For the instructor to look at.
    shown : list of ShownCell
        The notebook as it ran; empty if it did not run.
    seconds : float
        Wall-clock time of grading.
    waited : float
        Seconds of it in which the machine was busy with something else, which are not the student's.
    key : str
        Under which the record is stored.
    handed_in_by : str
        The id of the member of the group who handed it in, if it was another student.
    late_days : int
        Days after the due date, each begun one counted.
    late_days_free : int
        How many of them cost nothing, since the student had free days left.
    late : str
        The same in words; empty if it was in time.
    late_penalty : float
        The share of the points that is taken off for it.
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
    warnings: list[str] = field(default_factory=list)
    shown: list[ShownCell] = field(default_factory=list)
    seconds: float = 0.0
    waited: float = 0.0
    key: str = ""
    handed_in_by: str = ""
    late_days: int = 0
    late_days_free: int = 0
    late: str = ""
    late_penalty: float = 0.0

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
    def extra(self) -> float:
        """Extra credit that a person gave."""
        return sum(cell.extra for cell in self.cells)

    @property
    def total(self) -> float:
        """All points: of tests, of marked written answers, and extra, less those for lateness."""
        earned = sum(cell.earned + cell.extra for cell in self.cells)
        return earned * (1 - self.late_penalty)

    @property
    def unmarked(self) -> float:
        """Points of written answers that wait for a person."""
        return sum(cell.points for cell in self.cells if cell.outcome == Outcome.TO_BE_MARKED)

    def with_marks(self, marks: Mapping[tuple[str, str], Mark]) -> "Record":
        """Return a copy with the marks that a person gave.

        Parameters
        ----------
        marks : dict
            By (student, cell), as :func:`gradebook.marks` returns them. A mark for a test replaces the
            test's own.

        Returns
        -------
        Record
        """
        cells, warnings = [], list(self.warnings)
        for cell in self.cells:
            mark = marks.get((self.student, cell.name), Mark(None))
            cell = replace(cell, comment=mark.comment, extra=mark.extra)
            if mark.points is not None:
                outcome = Outcome.MARKED if cell.kind == "manual" else cell.outcome
                cell = replace(cell, earned=mark.points, outcome=outcome, parts=())
            items = sum(item.points for item in cell.rubric)
            if cell.rubric and abs(items - cell.earned - cell.extra) > 1e-9:
                warnings.append(
                    f"{cell.title}: the items of the rubric sum to {items:g}, the mark is {cell.earned:g}"
                )
            cells.append(cell)
        return replace(self, cells=cells, warnings=warnings)

    def identified(
        self,
        name: str,
        origin: str,
        notes: Iterable[str] = (),
        warnings: Iterable[str] = (),
        handed_in_by: str = "",
    ) -> "Record":
        """Return a copy with what is known of the student now, whenever the submission was graded.

        Parameters
        ----------
        name, origin : str
        notes, warnings : iterable of str
            Put before those of the grader.
        handed_in_by : str
            The id of the member of the group who handed it in, if it was another student.

        Returns
        -------
        Record
        """
        return replace(
            self,
            name=name,
            origin=origin,
            notes=[*notes, *self.notes],
            warnings=[*warnings, *self.warnings],
            handed_in_by=handed_in_by,
        )

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
        cells = [
            CellResult(
                **{
                    **cell,
                    "outcome": Outcome(cell["outcome"]),
                    "parts": tuple(PartResult(*part) for part in cell["parts"]),
                }
            )
            for cell in values["cells"]
        ]
        return cls(**{**values, "status": Status(values["status"]), "cells": cells})

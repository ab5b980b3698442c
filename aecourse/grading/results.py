"""Write what came of a class: tables of grades, feedback pages and the class report."""

import csv
import io
import os
import pathlib
import re
from collections.abc import Iterable, Sequence

from aecourse._support.files import write_whole
from aecourse.grading import feedback
from aecourse.grading.assignment import Assignment
from aecourse.grading.record import Outcome, Record

Row = Sequence[str | float]

# As Canvas names what it hands out: name, number of the student, number of the attempt, file.
CANVAS_NAME = re.compile(r"[^/_]+(_LATE)?_\d+_\d+_")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def plain(text: object) -> str:
    """Return text that a spreadsheet does not take for a formula.

    Examples
    --------
    >>> plain("=HYPERLINK(1)"), plain("ada")
    ("'=HYPERLINK(1)", 'ada')
    """
    text = str(text)
    return "'" + text if text.startswith(FORMULA_STARTS) else text


def _write_table(path: pathlib.Path, rows: Iterable[Row]) -> None:
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows(
        [[plain(value) if isinstance(value, str) else value for value in row] for row in rows]
    )
    write_whole(path, stream.getvalue())


def _points(value: float) -> float:
    return int(value) if value == int(value) else round(value, 4)


def grade_rows(assignment: Assignment, records: Sequence[Record]) -> list[Row]:
    """Return the rows of ``grades.csv``: one for each student, with each cell and the totals."""
    head = [
        "Student",
        "ID",
        "Status",
        "Message",
        *(f"{cell.name} (of {feedback.format_points(cell.points)})" for cell in assignment.graded),
        "From tests",
        "Possible from tests",
        "Waits for a mark",
        "Total",
        "Possible",
    ]
    rows: list[Row] = [head]
    for record in records:
        results = {cell.name: cell for cell in record.cells}
        earned = [
            "" if result.outcome == Outcome.TO_BE_MARKED else _points(result.earned)
            for result in (results[cell.name] for cell in assignment.graded)
        ]
        sums = (record.automatic, record.possible, record.unmarked, record.total, assignment.points)
        rows.append(
            [record.name, record.student, record.status, record.message, *earned, *map(_points, sums)]
        )
    return rows


def _comment(record: Record) -> str:
    if record.unmarked:
        return f"{record.message} {feedback.format_points(record.unmarked)} points are not marked yet."
    return record.message


def moodle_rows(assignment: Assignment, records: Sequence[Record]) -> list[Row]:
    """Return the rows that Moodle imports.

    Submissions downloaded from a Moodle assignment are named by its participants' numbers. Only the
    assignment's own grading worksheet knows these, so the rows have its columns then. Otherwise the rows
    are for the gradebook's import, where the instructor says what each column holds, and the id is the
    user's ID number.
    """
    if any("_assignsubmission_" in record.origin for record in records):
        head = ["Identifier", "Full name", "Grade", "Maximum Grade", "Last modified (grade)"]
        maximum = _points(assignment.points)
        rows: list[Row] = [
            [f"Participant {record.student}", record.name, _points(record.total), maximum, "-"]
            for record in records
        ]
    else:
        head = ["ID number", "Full name", assignment.name]
        rows = [[record.student, record.name, _points(record.total)] for record in records]
    comments = map(_comment, records)
    return [
        [*head, "Feedback comments"],
        *([*row, comment] for row, comment in zip(rows, comments, strict=True)),
    ]


def canvas_rows(assignment: Assignment, records: Sequence[Record]) -> list[Row]:
    """Return the rows that Canvas imports into its gradebook.

    Canvas takes each further column for an assignment, so there is only one. The names of files
    downloaded from Canvas hold its own number of the student, which belongs in the column ID; Canvas
    looks for any other id among the school's ids and logins.
    """
    from_canvas = any(CANVAS_NAME.match(record.origin) for record in records)
    rows: list[Row] = [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", assignment.name],
        ["    Points Possible", "", "", "", "", _points(assignment.points)],
    ]
    for record in records:
        ids = [record.student, "", ""] if from_canvas else ["", record.student, record.student]
        rows.append([record.name, *ids, "", _points(record.total)])
    return rows


def write(
    folder: str | os.PathLike[str],
    assignment: Assignment,
    records: Sequence[Record],
    unread: Sequence[str] = (),
) -> dict[str, pathlib.Path]:
    """Write the tables, the pages and the report into a folder.

    Each file is written whole or not at all.

    Parameters
    ----------
    folder : path-like
    assignment : Assignment
    records : list of Record
        With the marks that a person gave, if there are any.
    unread : list of str
        Files that nobody reads, since it is not known whose they are.

    Returns
    -------
    dict of str to pathlib.Path
        The files, by what they are.
    """
    folder = pathlib.Path(folder)
    pages = folder / "feedback"
    pages.mkdir(parents=True, exist_ok=True)
    _write_table(folder / "grades.csv", grade_rows(assignment, records))
    _write_table(folder / "moodle.csv", moodle_rows(assignment, records))
    _write_table(folder / "canvas.csv", canvas_rows(assignment, records))
    for record in records:
        write_whole(pages / f"{record.student}.html", feedback.student_page(record))
    links = {record.student: f"feedback/{record.student}.html" for record in records}
    write_whole(folder / "report.html", feedback.class_report(assignment, records, links, unread))
    return {
        name: folder / name for name in ("grades.csv", "moodle.csv", "canvas.csv", "feedback", "report.html")
    }

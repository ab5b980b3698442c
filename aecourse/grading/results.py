"""Write what came of a class: tables of grades, feedback pages and the class report."""

import csv
import pathlib

from aecourse.grading import feedback

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def plain(text):
    """Return text that a spreadsheet does not take for a formula.

    Examples
    --------
    >>> plain("=HYPERLINK(1)"), plain("ada")
    ("'=HYPERLINK(1)", 'ada')
    """
    text = str(text)
    return "'" + text if text.startswith(FORMULA) else text


def _write(path, rows):
    with open(path, "w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(
            [[plain(value) if isinstance(value, str) else value for value in row] for row in rows]
        )


def _points(value):
    return int(value) if value == int(value) else round(value, 4)


def grade_rows(assignment, records):
    """Return the rows of ``grades.csv``: one a student, with each cell and the totals."""
    cells = assignment.graded
    head = [
        "Student",
        "ID",
        "Status",
        "Message",
        *(f"{cell.name} (of {feedback.number(cell.points)})" for cell in cells),
        "From tests",
        "Possible from tests",
        "To mark by hand",
        "Total",
    ]
    rows = [head]
    for record in records:
        earned = {cell.name: cell for cell in record.cells}
        values = [
            _points(earned[cell.name].earned)
            if cell.kind == "test"
            else (0 if earned[cell.name].outcome in ("not answered", "not reached") else "")
            for cell in cells
        ]
        rows.append(
            [
                record.name,
                record.student,
                record.status,
                record.message,
                *values,
                _points(record.automatic),
                _points(record.possible),
                _points(record.by_hand),
                _points(record.automatic),
            ]
        )
    return rows


def write(folder, assignment, records):
    """Write the tables, the pages and the report into a folder.

    Parameters
    ----------
    folder : path-like
    assignment : assignment.Assignment
    records : list of task.Record

    Returns
    -------
    dict of str to pathlib.Path
        The files, by what they are.
    """
    folder = pathlib.Path(folder)
    (folder / "feedback").mkdir(parents=True, exist_ok=True)
    _write(folder / "grades.csv", grade_rows(assignment, records))
    total = [(record, _points(record.automatic)) for record in records]
    _write(
        folder / "moodle.csv",
        [
            ["ID number", assignment.name, "Feedback comments"],
            *([record.student, points, record.message] for record, points in total),
        ],
    )
    possible = _points(sum(cell.points for cell in assignment.graded if cell.kind == "test"))
    canvas = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", assignment.name]
    _write(
        folder / "canvas.csv",
        [
            canvas,
            ["    Points Possible", "", "", "", "", possible],
            *([record.name, record.student, "", "", "", points] for record, points in total),
        ],
    )
    links = {}
    for record in records:
        name = f"{record.student}.html"
        (folder / "feedback" / name).write_text(feedback.student_page(record), encoding="utf-8")
        links[record.student] = f"feedback/{name}"
    (folder / "report.html").write_text(feedback.class_report(assignment, records, links), encoding="utf-8")
    return {
        name: folder / name for name in ("grades.csv", "moodle.csv", "canvas.csv", "feedback", "report.html")
    }

"""Write what came of a class: tables of grades, feedback pages and the class report."""

import csv
import pathlib
import re

from aecourse.grading import feedback

# As Canvas names what it hands out: name, number of the student, number of the attempt, file.
CANVAS_NAME = re.compile(r"[^/_]+(_LATE)?_\d+_\d+_")
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
        "Waits for a mark",
        "Total",
        "Possible",
    ]
    rows = [head]
    for record in records:
        earned = {cell.name: cell for cell in record.cells}
        values = [
            "" if earned[cell.name].outcome == "to be marked" else _points(earned[cell.name].earned)
            for cell in cells
        ]
        sums = (record.automatic, record.possible, record.unmarked, record.total, possible(assignment))
        who = [record.name, record.student, record.status, record.message]
        rows.append([*who, *values, *map(_points, sums)])
    return rows


def possible(assignment):
    """Return all points of an assignment, from tests and by hand."""
    return sum(cell.points for cell in assignment.graded)


def _words(record):
    if record.unmarked:
        return f"{record.message} {feedback.number(record.unmarked)} points are not marked yet."
    return record.message


def moodle_rows(assignment, records):
    """Return the rows that Moodle imports.

    Submissions downloaded from a Moodle assignment are named by its participants' numbers. Only the
    assignment's own grading worksheet knows these; its columns are written then. Else the rows are for
    the gradebook's import, where the instructor says which column is what, and the id is the user's ID
    number.
    """
    if any("_assignsubmission_" in record.origin for record in records):
        whole = _points(possible(assignment))
        head = ["Identifier", "Full name", "Grade", "Maximum Grade", "Last modified (grade)"]
        rows = [
            [f"Participant {record.student}", record.name, _points(record.total), whole, "-"]
            for record in records
        ]
    else:
        head = ["ID number", "Full name", assignment.name]
        rows = [[record.student, record.name, _points(record.total)] for record in records]
    rows = [[*row, _words(record)] for row, record in zip(rows, records, strict=True)]
    return [[*head, "Feedback comments"], *rows]


def canvas_rows(assignment, records):
    """Return the rows that Canvas imports into its gradebook.

    Canvas takes each further column for an assignment, so there is one. Names of files downloaded from
    Canvas hold its own number of the student, which belongs in the column ID; any other id is looked for
    among the school's ids and logins.
    """
    own = any(CANVAS_NAME.match(record.origin) for record in records)
    head = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", assignment.name]
    rows = [["    Points Possible", "", "", "", "", _points(possible(assignment))]]
    for record in records:
        ids = [record.student, "", ""] if own else ["", record.student, record.student]
        rows.append([record.name, *ids, "", _points(record.total)])
    return [head, *rows]


def write(folder, assignment, records):
    """Write the tables, the pages and the report into a folder.

    Parameters
    ----------
    folder : path-like
    assignment : assignment.Assignment
    records : list of record.Record
        With the marks that a person gave, where there are any.

    Returns
    -------
    dict of str to pathlib.Path
        The files, by what they are.
    """
    folder = pathlib.Path(folder)
    (folder / "feedback").mkdir(parents=True, exist_ok=True)
    _write(folder / "grades.csv", grade_rows(assignment, records))
    _write(folder / "moodle.csv", moodle_rows(assignment, records))
    _write(folder / "canvas.csv", canvas_rows(assignment, records))
    links = {}
    for record in records:
        name = f"{record.student}.html"
        (folder / "feedback" / name).write_text(feedback.student_page(record), encoding="utf-8")
        links[record.student] = f"feedback/{name}"
    (folder / "report.html").write_text(feedback.class_report(assignment, records, links), encoding="utf-8")
    return {
        name: folder / name for name in ("grades.csv", "moodle.csv", "canvas.csv", "feedback", "report.html")
    }

"""Write what came of a class: tables of grades, feedback pages and the class report."""

import collections
import contextlib
import csv
import fcntl
import io
import os
import pathlib
import re
from collections.abc import Iterable, Iterator, Sequence

from aecourse._support.files import full_disk_in_words, make_folder, write_whole
from aecourse.grading import feedback, identity
from aecourse.grading.assignment import Assignment
from aecourse.grading.record import Outcome, Record
from aecourse.grading.roster import key_of

Row = Sequence[str | float]

# The column of grades.csv from which the next assignment knows how many free days are left.
FREE_DAYS = "Free days late used"
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
        *(
            f"{cell.name}: {name} (of {feedback.format_points(worth)})"
            for cell in assignment.graded
            for name, worth in cell.parts.items()
        ),
        *(f"{title}: {name}" for title, name in _rubric(records)),
        "From tests",
        "Possible from tests",
        "Waits for a mark",
        "Extra credit",
        "Days late",
        FREE_DAYS,
        "Taken off for lateness",
        "Total",
        "Possible",
        "Comments",
    ]
    rows: list[Row] = [head]
    for record in records:
        results = {cell.name: cell for cell in record.cells}
        earned = [
            "" if result.outcome == Outcome.TO_BE_MARKED else _points(result.earned)
            for result in (results[cell.name] for cell in assignment.graded)
        ]
        parts = {(cell.name, part.name): part.earned for cell in record.cells for part in cell.parts}
        named = [(cell.name, name) for cell in assignment.graded for name in cell.parts]
        items = {(cell.title, item.name): item.points for cell in record.cells for item in cell.rubric}
        before = sum(cell.earned + cell.extra for cell in record.cells)
        sums = (
            *(record.automatic, record.possible, record.unmarked, record.extra, record.late_days),
            record.late_days_free,
            *(before - record.total, record.total, assignment.points),
        )
        rows.append(
            [
                *(record.name, record.student, record.status, record.message),
                *earned,
                *("" if key not in parts else _points(parts[key]) for key in named),
                *("" if key not in items else _points(items[key]) for key in _rubric(records)),
                *map(_points, sums),
                _marker_words(record),
            ]
        )
    return rows


def free_days_used(folders: Sequence[str | os.PathLike[str]]) -> dict[str, int]:
    """Return how many free days late each student used in earlier assignments.

    Parameters
    ----------
    folders : list of path-like
        The folders of results of these assignments, whose ``grades.csv`` is read.

    Returns
    -------
    dict of str to int
        By id in the form of :func:`roster.key_of`; empty if there are no folders.

    Raises
    ------
    ValueError
        If a folder is named twice, or its table cannot be read.
    """
    used: collections.Counter[str] = collections.Counter()
    places = [pathlib.Path(folder).resolve() for folder in folders]
    for place in places:
        if places.count(place) > 1:
            raise ValueError(f"{place} is named twice; name the results of each earlier assignment once.")
        file = place / "grades.csv"
        if not file.is_file():
            raise ValueError(f"{place} has no grades.csv; name a folder that `aecourse grade -o` wrote.")
        with open(file, newline="", encoding="utf-8-sig") as stream:
            for number, row in enumerate(csv.DictReader(stream), 2):
                days = str(row.get(FREE_DAYS, "")).strip()
                if not row.get("ID") or not re.fullmatch(r"\d{1,4}", days):
                    raise ValueError(
                        f"{file}, line {number}: found {days!r} in the column {FREE_DAYS!r}, expected a "
                        "number of days. Grade that assignment again, which writes the column."
                    )
                used[key_of(_without_quote(row["ID"]))] += int(days)
    return dict(used)


def _without_quote(text: str) -> str:
    """Return what :func:`plain` was given."""
    return text[1:] if text.startswith("'") and text[1:].startswith(FORMULA_STARTS) else text


def _rubric(records: Sequence[Record]) -> list[tuple[str, str]]:
    """Return the items of rubrics in the class, as (cell's title, item), in their order."""
    found = [(cell.title, item.name) for record in records for cell in record.cells for item in cell.rubric]
    return list(dict.fromkeys(found))


def _marker_words(record: Record) -> str:
    return "\n".join(f"{cell.title}: {cell.comment}" for cell in record.cells if cell.comment)


def _comment(record: Record) -> str:
    """Return what a student reads next to the points."""
    sentences = [record.message]
    if record.unmarked:
        waiting = feedback.format_points(record.unmarked)
        sentences.append(f"{'1 point is' if waiting == '1' else waiting + ' points are'} not marked yet.")
    if record.late:
        sentences.append(f"{record.late}.")
    lines = [" ".join(sentences), *_marker_words(record).splitlines()]
    # Moodle takes it for HTML, in which an end of line is a blank; a file's name must not be markup.
    text = "; ".join(line.strip() for line in lines if line.strip())
    return text.replace("<", "‹").replace(">", "›")


def _number(record: Record, platform: str) -> str:
    """Return a platform's own number of a student, from the name of the file; empty if it is not there."""
    if record.handed_in_by:  # the number is that of the other member of the group
        return ""
    for part in record.origin.split("/"):
        claim = identity.recognise(part)
        if claim is not None and claim.platform == platform:
            return claim.id
    return ""


def moodle_rows(assignment: Assignment, records: Sequence[Record]) -> list[Row]:
    """Return the rows that Moodle imports.

    Submissions downloaded from a Moodle assignment are named by its participants' numbers. Only the
    assignment's own grading worksheet knows these, so the rows have its columns then. Otherwise the rows
    are for the gradebook's import, where the instructor says what each column holds, and the id is the
    user's ID number.
    """
    if any(_number(record, "moodle") for record in records):
        head = ["Identifier", "Full name", "Grade", "Maximum Grade", "Last modified (grade)"]
        maximum = _points(assignment.points)
        # Only who handed something in has a number in the download.
        records = [record for record in records if _number(record, "moodle")]
        rows: list[Row] = [
            [f"Participant {_number(record, 'moodle')}", record.name, _points(record.total), maximum, "-"]
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
    rows: list[Row] = [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", assignment.name],
        ["    Points Possible", "", "", "", "", _points(assignment.points)],
    ]
    for record in records:
        number = _number(record, "canvas")
        ids = [number, "", ""] if number else ["", record.student, record.student]
        rows.append([record.name, *ids, "", _points(record.total)])
    return rows


@contextlib.contextmanager
def claimed(folder: str | os.PathLike[str], assignment_name: str) -> Iterator[None]:
    """Keep a folder of results for one assignment, and for one run at a time.

    Parameters
    ----------
    folder : path-like
        Created if it is missing.
    assignment_name : str

    Raises
    ------
    ValueError
        If the folder holds another assignment's results.
    OSError
        If another run writes into it now.
    """
    folder = pathlib.Path(folder)
    make_folder(folder)
    with full_disk_in_words(folder):
        file = open(folder / "assignment.txt", "a+b", buffering=0)
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OSError(
                f"another run writes into {folder} now. Wait until it ends, or name another folder with -o."
            ) from error
        file.seek(0)
        before = file.read().decode().strip() or _earlier_assignment(folder)
        if before not in ("", assignment_name):
            raise ValueError(
                f"{folder} holds the results of {before}, and this is {assignment_name}. Name another folder "
                "with -o: each assignment has its own."
            )
        with full_disk_in_words(file.name):
            file.truncate(0)
            file.write(f"{assignment_name}\n".encode())
        yield


def _earlier_assignment(folder: pathlib.Path) -> str:
    """Return whose results a folder holds that does not say it: that of the course made for marking."""
    sources = sorted((folder / "nbgrader" / "source").glob("*/*.ipynb"))
    return sources[0].stem if sources else ""


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
    make_folder(pages)
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

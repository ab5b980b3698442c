"""Export to nbgrader's gradebook, whose pages a person marks the written answers on.

Only the grader writes it, from records, after the class was graded. Marks that a person gave
stay when the class is graded again, and are read back into the tables. Students' prose is put
there as plain text: the marking pages would show its HTML as such. Students' code is not put
where nbgrader looks for submissions, since its own autograder would run it without a sandbox.
"""

import contextlib
import json
import os
import pathlib
import re
import sys
import warnings

from aecourse.grading import assignment as assignments

CONFIG = """\
c = get_config()  # noqa: F821
c.CourseDirectory.root = {root!r}
c.CourseDirectory.course_id = "aecourse"
c.CourseDirectory.db_url = {url!r}
"""
NOT_HERE = (
    "Handed in, and graded by `aecourse grade` in a sandbox; its notebook is under autograded/.\n"
    "nbgrader's Autograde button finds nothing to run here: it would run it outside a sandbox, as you.\n"
)
HOW_TO_GET_IT = "The gradebook needs nbgrader: pip install 'aecourse[grading]'."


def available():
    """Say whether nbgrader is installed."""
    try:
        import nbgrader.api  # noqa: F401
    except ImportError:
        return False
    return True


def as_plain_markdown(text):
    """Return text as a fenced block that ends only where it ends.

    Examples
    --------
    >>> print(as_plain_markdown("<b>hi</b>"))
    ~~~text
    <b>hi</b>
    ~~~
    """
    longest = max([2, *(len(run) for run in re.findall(r"~+", text))])
    fence = "~" * (longest + 1)
    return f"{fence}text\n{text}\n{fence}"


def _outputs(report, words):
    texts = [output["text"] for output in (report or {}).get("outputs", []) if "text" in output]
    pictures = [output["picture"] for output in (report or {}).get("outputs", []) if "picture" in output]
    if words:
        texts.append(words)
    made = [{"output_type": "stream", "name": "stdout", "text": text} for text in texts]
    made += [
        {"output_type": "display_data", "metadata": {}, "data": {"image/png": picture}}
        for picture in pictures
    ]
    return made


def graded_notebook(assignment, record):
    """Return a student's notebook (a dict) for the marking pages."""
    parts = {part.name: part for part in assignment.cells}
    results = {cell.name: cell for cell in record.cells}
    shown = list(record.shown)
    there = {cell["name"] for cell in shown}
    for part in assignment.graded:
        if part.name not in there:
            shown.append(
                {"name": part.name, "cell_type": part.cell_type, "source": part.released, "report": None}
            )
    cells = []
    for number, cell in enumerate(shown):
        part, result = parts.get(cell["name"]), results.get(cell["name"])
        meta = {"nbgrader": assignments.nbgrader_metadata(part)} if part and part.kind != "free" else {}
        made = {
            "cell_type": cell["cell_type"],
            "id": f"cell-{number}",
            "metadata": meta,
            "source": cell["source"],
        }
        if cell["cell_type"] == "code":
            words = f"{result.outcome}: {result.message}" if result and result.kind == "test" else ""
            made |= {"execution_count": None, "outputs": _outputs(cell["report"], words)}
        elif part is None or part.kind != "given":
            made["source"] = as_plain_markdown(cell["source"])
            made["cell_type"] = "markdown"
        cells.append(made)
    return {
        "cells": cells,
        "metadata": {"language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


@contextlib.contextmanager
def _tools_on_path():
    """nbgrader calls alembic by its bare name; it is beside this interpreter."""
    before = os.environ.get("PATH", "")
    os.environ["PATH"] = os.pathsep.join([os.path.dirname(os.path.abspath(sys.executable)), before])
    try:
        yield
    finally:
        os.environ["PATH"] = before


@contextlib.contextmanager
def _open(file):
    from nbgrader.api import Gradebook

    with (
        _tools_on_path(),
        warnings.catch_warnings(),
        contextlib.closing(Gradebook(f"sqlite:///{file}", course_id="aecourse")) as book,
    ):
        # nbgrader's own way of making submissions provokes warnings about its session.
        warnings.filterwarnings("ignore", module="nbgrader")
        yield book


def _missing():
    from nbgrader.api import MissingEntry

    return MissingEntry


def _write(path, notebook):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook, indent=1), encoding="utf-8")


def _define(book, assignment):
    name = assignment.name
    book.update_or_create_assignment(name)
    book.update_or_create_notebook(name, name)
    for cell in assignment.cells:
        if cell.kind == "free":
            continue
        book.update_or_create_source_cell(
            cell.name,
            name,
            name,
            cell_type=cell.cell_type,
            source=cell.source,
            locked=cell.kind in ("given", "test"),
        )
        if cell.kind in ("test", "manual"):
            book.update_or_create_grade_cell(
                cell.name, name, name, max_score=cell.points, cell_type=cell.cell_type
            )
        if cell.kind in ("solution", "manual"):
            book.update_or_create_solution_cell(cell.name, name, name)


def _enter(book, assignment, record):
    name = assignment.name
    book.update_or_create_student(record.student, last_name=record.name)
    book.update_or_create_submission(name, record.student)
    for cell in record.cells:
        grade = book.find_grade(cell.name, name, name, record.student)
        if cell.kind == "test":
            grade.auto_score, grade.needs_manual_grade = cell.earned, False
        elif cell.outcome == "to be marked":
            grade.auto_score, grade.needs_manual_grade = None, grade.manual_score is None
        else:
            grade.auto_score, grade.needs_manual_grade = 0.0, False


def marks(folder, assignment):
    """Read what a person marked on nbgrader's pages.

    Parameters
    ----------
    folder : path-like
        As for :func:`write`.
    assignment : assignment.Assignment

    Returns
    -------
    dict
        (points, comment) by (student, cell); empty where there is no gradebook yet.
    """
    file = pathlib.Path(folder).resolve() / "gradebook.db"
    if not file.is_file():
        return {}
    found = {}
    with _open(file) as book:
        try:
            submissions = book.assignment_submissions(assignment.name)
        except _missing():
            return {}
        for submission in submissions:
            for notebook in submission.notebooks:
                words = {comment.name: comment.manual_comment or "" for comment in notebook.comments}
                for grade in notebook.grades:
                    if grade.manual_score is not None:
                        where = submission.student.id, grade.name
                        found[where] = float(grade.manual_score), words.get(grade.name, "")
    return found


def write(folder, assignment, source, records):
    """Write a course folder that nbgrader opens: the gradebook, and the notebooks to mark.

    Parameters
    ----------
    folder : path-like
        Made where it is missing; an existing gradebook is updated.
    assignment : assignment.Assignment
    source : bytes
        The assignment's source notebook.
    records : list of record.Record

    Returns
    -------
    pathlib.Path
        The gradebook's file.

    Raises
    ------
    ImportError
        If nbgrader is not installed.
    """
    folder = pathlib.Path(folder).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "gradebook.db"
    url = f"sqlite:///{file}"
    (folder / "nbgrader_config.py").write_text(CONFIG.format(root=str(folder), url=url), encoding="utf-8")
    name = assignment.name
    for place, data in (("source", source), ("release", assignments.release(assignment))):
        path = folder / place / name / f"{name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    with _open(file) as book:
        _define(book, assignment)
        for record in records:
            _enter(book, assignment, record)
            _write(
                folder / "autograded" / record.student / name / f"{name}.ipynb",
                graded_notebook(assignment, record),
            )
            if record.status != "nothing submitted":
                # nbgrader counts submissions by these folders.
                place = folder / "submitted" / record.student / name / "README.txt"
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(NOT_HERE, encoding="utf-8")
        book.db.commit()
    return file

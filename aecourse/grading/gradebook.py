"""Export to nbgrader's gradebook, on whose pages a person marks the written answers.

Only the grader writes it, from records, after the class was graded. Marks that a person gave
stay when the class is graded again, and are read back into the tables. Students' prose is stored
as plain text: the marking pages would show its HTML as HTML. Students' code is not stored
where nbgrader looks for submissions, since its own autograder would run it without a sandbox.
"""

import contextlib
import os
import pathlib
import re
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from aecourse._support.files import make_folder, write_whole
from aecourse.grading import assignment as assignment_format
from aecourse.grading.assignment import Assignment
from aecourse.grading.feedback import picture_address
from aecourse.grading.record import CellResult, Mark, Outcome, Record, Status

if TYPE_CHECKING:
    from nbgrader.api import Gradebook

FILE = "gradebook.db"
# The folder finds itself, so that it can be moved or copied with its marks.
CONFIG = f"""\
import os

here = os.path.dirname(os.path.abspath(__file__))
c = get_config()  # noqa: F821
c.CourseDirectory.root = here
c.CourseDirectory.course_id = "aecourse"
c.CourseDirectory.db_url = "sqlite:///" + os.path.join(here, "{FILE}")
"""
NOT_HERE = (
    "Handed in, and graded by `aecourse grade` in a sandbox; the notebook is under autograded/.\n"
    "nbgrader's Autograde button finds nothing to run here: it would run it outside a sandbox, as you.\n"
)
HOW_TO_GET_IT = "The gradebook needs nbgrader: pip install 'aecourse[grading]'."


def available() -> bool:
    """Say whether nbgrader is installed."""
    try:
        import nbgrader.api  # noqa: F401
    except ImportError:
        return False
    return True


def as_plain_markdown(text: str) -> str:
    """Return text as a fenced block that the text itself cannot end.

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


def _notebook_outputs(report: Mapping[str, Any] | None, result: str) -> list[dict[str, Any]]:
    """Return what a cell showed, and the result of a test, as a notebook's outputs: text before pictures."""
    outputs = report["outputs"] if report else []
    texts = [output["text"] for output in outputs if "text" in output]
    if result:
        texts.append(result)
    return [
        *({"output_type": "stream", "name": "stdout", "text": text} for text in texts),
        *(
            {"output_type": "display_data", "metadata": {}, "data": {"image/png": output["picture"]}}
            for output in outputs
            if "picture" in output and picture_address(output["picture"])
        ),
    ]


def _attach(cell: dict[str, Any], pictures: Mapping[str, str]) -> None:
    """Show pictures below a cell's text, under names of our own: the student's text is plain text here."""
    cell["attachments"] = {}
    for number, address in enumerate(pictures.values(), 1):
        kind, _, data = address.removeprefix("data:").partition(";base64,")
        cell["attachments"][f"picture-{number}"] = {kind: data}
        cell["source"] += f"\n\n![picture {number}](attachment:picture-{number})"


def _tested(result: CellResult | None) -> str:
    """Return in words what a test found, with a line for each of its named parts."""
    if result is None or result.kind != "test":
        return ""
    parts = (
        f"  {part.name}: {part.earned:g} of {part.points:g} {part.message}".rstrip() for part in result.parts
    )
    return "\n".join([f"{result.outcome}: {result.message}", *parts])


def graded_notebook(assignment: Assignment, record: Record) -> dict[str, Any]:
    """Return a student's notebook for the marking pages."""
    parts = {part.name: part for part in assignment.cells}
    results = {cell.name: cell for cell in record.cells}
    present = {cell["name"] for cell in record.shown}
    absent: list[Mapping[str, Any]] = [
        {"name": part.name, "cell_type": part.cell_type, "source": part.released, "report": None}
        for part in assignment.graded
        if part.name not in present
    ]
    shown: list[Mapping[str, Any]] = [*record.shown, *absent]
    cells = []
    for number, cell in enumerate(shown):
        part, result = parts.get(cell["name"]), results.get(cell["name"])
        meta = {"nbgrader": assignment_format.nbgrader_metadata(part)} if part and part.kind != "free" else {}
        cell_type, source, outputs = cell["cell_type"], cell["source"], []
        if cell_type == "code":
            outputs = _notebook_outputs(cell["report"], _tested(result))
        elif part is None or part.kind != "given":
            cell_type, source = "markdown", as_plain_markdown(source)
        new = assignment_format.new_cell(cell_type, f"cell-{number}", source, meta, outputs)
        if cell_type == "markdown" and cell.get("pictures"):
            _attach(new, cell["pictures"])
        cells.append(new)
    return assignment_format.new_notebook(cells, {"language_info": {"name": "python"}})


@contextlib.contextmanager
def alembic_on_path() -> Iterator[None]:
    """Let nbgrader find alembic, which it calls by its bare name: it is in this interpreter's folder."""
    before = os.environ.get("PATH", "")
    os.environ["PATH"] = os.pathsep.join([os.path.dirname(os.path.abspath(sys.executable)), before])
    try:
        yield
    finally:
        os.environ["PATH"] = before


@contextlib.contextmanager
def _open_gradebook(file: pathlib.Path) -> Iterator["Gradebook"]:
    from nbgrader.api import Gradebook
    from sqlalchemy.exc import OperationalError

    is_new = not file.exists()
    try:
        with (
            alembic_on_path(),
            warnings.catch_warnings(),
            contextlib.closing(Gradebook(f"sqlite:///{file}", course_id="aecourse")) as book,
        ):
            # nbgrader's own way of making submissions provokes warnings about its session.
            warnings.filterwarnings("ignore", module="nbgrader")
            yield book
    except OperationalError as error:  # as SQLite says that the disk is full
        if is_new:
            file.unlink(missing_ok=True)
        raise OSError(
            f"{file} could not be written ({error.orig}). Free some space, or write elsewhere."
        ) from error


def _write_file(path: pathlib.Path, content: bytes | str) -> None:
    make_folder(path.parent)
    write_whole(path, content)


def _enter_assignment(book: "Gradebook", assignment: Assignment) -> None:
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
        if cell.is_graded:
            book.update_or_create_grade_cell(
                cell.name, name, name, max_score=cell.points, cell_type=cell.cell_type
            )
        if cell.is_answer:
            book.update_or_create_solution_cell(cell.name, name, name)


def _enter_record(book: "Gradebook", assignment: Assignment, record: Record) -> None:
    name = assignment.name
    book.update_or_create_student(record.student, last_name=record.name)
    book.update_or_create_submission(name, record.student)
    for cell in record.cells:
        grade = book.find_grade(cell.name, name, name, record.student)
        if cell.kind == "test":
            grade.auto_score, grade.needs_manual_grade = cell.earned, False
        elif cell.outcome == Outcome.TO_BE_MARKED:
            grade.auto_score, grade.needs_manual_grade = None, grade.manual_score is None
        else:
            grade.auto_score, grade.needs_manual_grade = 0.0, False


def _carriers(assignment: Assignment) -> dict[str, str]:
    """Return for each cell the graded one with which its comment is shown: itself, or the next one."""
    carriers: dict[str, str] = {}
    following = ""
    for cell in reversed(assignment.cells):
        following = cell.name if cell.is_graded else following
        carriers[cell.name] = following or (assignment.graded[-1].name if assignment.graded else "")
    return carriers


def marks(folder: str | os.PathLike[str], assignment: Assignment) -> dict[tuple[str, str], Mark]:
    """Read what a person marked on nbgrader's pages.

    Parameters
    ----------
    folder : path-like
        As for :func:`write`.
    assignment : Assignment

    Returns
    -------
    dict
        Marks by (student, cell); empty if there is not a gradebook yet. A comment on a cell that is not
        graded itself, such as the solution above a test, is with the next cell that is.
    """
    file = pathlib.Path(folder).resolve() / FILE
    if not file.is_file():
        return {}
    from nbgrader.api import MissingEntry

    given: dict[tuple[str, str], Mark] = {}
    carriers = _carriers(assignment)
    with _open_gradebook(file) as book:
        try:
            submissions = book.assignment_submissions(assignment.name)
        except MissingEntry:
            return {}
        for submission in submissions:
            for notebook in submission.notebooks:
                comments: dict[str, list[str]] = {}
                for comment in notebook.comments:
                    if comment.manual_comment:
                        name = carriers.get(comment.name, comment.name)
                        comments.setdefault(name, []).append(comment.manual_comment)
                for grade in notebook.grades:
                    points = None if grade.manual_score is None else float(grade.manual_score)
                    mark = Mark(
                        points, "\n".join(comments.get(grade.name, ())), float(grade.extra_credit or 0)
                    )
                    if mark != Mark(None):
                        given[submission.student.id, grade.name] = mark
    return given


def write(
    folder: str | os.PathLike[str], assignment: Assignment, source: bytes, records: Sequence[Record]
) -> pathlib.Path:
    """Write a course folder that nbgrader opens: the gradebook, and the notebooks to mark.

    Parameters
    ----------
    folder : path-like
        Created if it is missing; an existing gradebook is updated.
    assignment : Assignment
    source : bytes
        The assignment's source notebook.
    records : list of Record

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
    file = folder / FILE
    _write_file(folder / "nbgrader_config.py", CONFIG)
    name = assignment.name
    _write_file(folder / "source" / name / f"{name}.ipynb", source)
    _write_file(folder / "release" / name / f"{name}.ipynb", assignment_format.release(assignment))
    with _open_gradebook(file) as book:
        _enter_assignment(book, assignment)
        for record in records:
            _enter_record(book, assignment, record)
            notebook = assignment_format.to_bytes(graded_notebook(assignment, record))
            _write_file(folder / "autograded" / record.student / name / f"{name}.ipynb", notebook)
            if record.status != Status.NOTHING_SUBMITTED:
                # nbgrader counts submissions by these folders.
                _write_file(folder / "submitted" / record.student / name / "README.txt", NOT_HERE)
        book.db.commit()
    return file

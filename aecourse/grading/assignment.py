"""The format of an assignment: nbgrader's cells, with hints beside them.

A source notebook holds solutions and hidden tests between nbgrader's marks. The version for
students is generated from it. A cell's part is told by its nbgrader metadata:

======== ======================== ==========================================================
kind     grade / solution / locked  what it is
======== ======================== ==========================================================
given    – / – / yes              the author's code or prose, put back if a student edits it
solution – / yes / –              the student's code, not worth points by itself
test     yes / – / yes            asserts, visible and hidden; worth points
manual   yes / yes / –            an answer that a person marks; worth points
free     no metadata              anything else
======== ======================== ==========================================================

A test cell earns all of its points when it runs through, and none when it raises; where its
last line is a number, that many points. Beside nbgrader's metadata a cell may carry, under
``aecourse``: ``title``, ``hint`` (shown when the test fails) and ``hints``, a dict from the
message of an assert to the hint for that mistake. A test finds, beside the names of the given
cells and the student's, ``student_id``, ``notebook_errors`` (cells that failed) and
``notebook_seconds``. The notebook's own ``aecourse`` metadata
holds ``assignment``, ``title``, ``minutes``, and the limits ``seconds`` and ``memory_mb``.
"""

import ast
import hashlib
import json
import re
from dataclasses import dataclass, field

BEGIN_SOLUTION, END_SOLUTION = "### BEGIN SOLUTION", "### END SOLUTION"
BEGIN_HIDDEN, END_HIDDEN = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"
CODE_STUB = "# YOUR CODE HERE\nraise NotImplementedError()"
TEXT_STUB = "YOUR ANSWER HERE"
DEFAULT_SECONDS = 60
DEFAULT_MEMORY_MB = 2048


@dataclass(frozen=True)
class Cell:
    """One cell of an assignment's source.

    Parameters
    ----------
    name : str
        nbgrader's ``grade_id``; for a free cell a made-up one.
    kind : str
        'given', 'solution', 'test', 'manual' or 'free'.
    cell_type : str
        'code' or 'markdown'.
    source, released : str
        The author's text, and what students get.
    points : float
    title, hint : str
    hints : dict
    names : tuple of str
        Names that the model solution binds: the student's to define.
    """

    name: str
    kind: str
    cell_type: str
    source: str
    released: str
    points: float = 0.0
    title: str = ""
    hint: str = ""
    hints: dict = field(default_factory=dict)
    names: tuple = ()


@dataclass(frozen=True)
class Assignment:
    """An assignment, read from its source notebook (or from the version for students)."""

    name: str
    title: str
    minutes: int
    seconds: float
    memory_mb: int
    cells: tuple
    digest: str

    @property
    def graded(self):
        """The cells worth points, in order."""
        return [cell for cell in self.cells if cell.kind in ("test", "manual")]

    @property
    def student_names(self):
        """Names that are the student's to define."""
        return frozenset(name for cell in self.cells for name in cell.names)

    @property
    def imports(self):
        """Modules that the author's own cells import, in their model solutions too."""
        code = [cell.source for cell in self.cells if cell.cell_type == "code"]
        return sorted({name for source in code for name in imported_modules(source)})

    def hidden_lines(self):
        """Return the lines that no student may see: hidden tests and solutions, without short ones."""
        shown = {line.strip() for cell in self.cells for line in cell.released.split("\n")}
        lines = {line.strip() for cell in self.cells for line in cell.source.split("\n")}
        return sorted(line for line in lines - shown if len(line) >= 12 and not line.startswith("###"))


def _regions(source, begin, end):
    """Yield (line, inside) of a source, without the marks themselves; check that marks pair up."""
    inside = False
    for line in source.split("\n"):
        mark = line.strip()
        if mark in (begin, end):
            if inside == (mark == begin):
                raise ValueError(f"a cell has {mark!r} where the other mark was expected; pair the marks.")
            inside = mark == begin
            yield line, None
        else:
            yield line, inside
    if inside:
        raise ValueError(f"a cell has {begin!r} without {end!r}; close it.")


def _released_solution(source, stub):
    if BEGIN_SOLUTION not in source:
        return stub
    lines, indent = [], ""
    for line, inside in _regions(source, BEGIN_SOLUTION, END_SOLUTION):
        if inside is None and line.strip() == BEGIN_SOLUTION:
            indent = line[: len(line) - len(line.lstrip())]
            lines += [indent + part for part in stub.split("\n")]
        elif inside is False:
            lines.append(line)
    return "\n".join(lines)


def _released_test(source):
    return "\n".join(
        line for line, inside in _regions(source, BEGIN_HIDDEN, END_HIDDEN) if inside is False
    ).rstrip()


def hidden_line_numbers(source):
    """Return the numbers (from 1) of the lines of a test that students do not see."""
    return {
        number for number, (_, inside) in enumerate(_regions(source, BEGIN_HIDDEN, END_HIDDEN), 1) if inside
    }


def bound_names(source):
    """Return the names that a cell's code binds at its top level."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return ()
    names = []
    for statement in tree.body:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.append(statement.name)
        elif isinstance(statement, (ast.Import, ast.ImportFrom)):
            names += [(alias.asname or alias.name).split(".")[0] for alias in statement.names]
        else:
            names += [
                node.id
                for node in ast.walk(statement)
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
            ]
    return tuple(dict.fromkeys(names))


def imported_modules(source):
    """Return the modules that a cell's code imports, wherever in it.

    Examples
    --------
    >>> imported_modules("import numpy as np\\nfrom sklearn.pipeline import Pipeline")
    ['numpy', 'sklearn.pipeline']
    """
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except SyntaxError:  # a cell with IPython's own commands
        return []
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module]
    return sorted(set(names))


def text_of(source):
    """Return a cell's source as one string; files hold it as a string or as a list of lines."""
    return "".join(source) if isinstance(source, list) else source


def _kind(meta, cell_type):
    grade, solution, locked = (bool(meta.get(key)) for key in ("grade", "solution", "locked"))
    if grade and solution:
        return "manual"
    if grade:
        if cell_type != "code":
            raise ValueError("a test cell must be a code cell.")
        return "test"
    if solution:
        return "solution"
    return "given" if locked else "free"


def _read_cell(raw, number):
    meta = raw.get("metadata", {}).get("nbgrader") or {}
    extra = raw.get("metadata", {}).get("aecourse") or {}
    cell_type, source = raw["cell_type"], text_of(raw["source"])
    kind = _kind(meta, cell_type)
    released = source
    if kind in ("solution", "manual"):
        released = _released_solution(source, CODE_STUB if cell_type == "code" else TEXT_STUB)
    elif kind == "test":
        released = _released_test(source)
    names = extra.get("names") or (bound_names(source) if kind == "solution" and cell_type == "code" else ())
    return Cell(
        name=meta.get("grade_id") or f"free-{number}",
        kind=kind,
        cell_type=cell_type,
        source=source,
        released=released,
        points=float(meta.get("points") or 0) if kind in ("test", "manual") else 0.0,
        title=extra.get("title") or meta.get("grade_id") or "",
        hint=extra.get("hint", ""),
        hints=dict(extra.get("hints", {})),
        names=tuple(names),
    )


def read(data):
    """Read an assignment from the bytes of its notebook.

    Parameters
    ----------
    data : bytes
        The source notebook, or the version for students (whose tests are the visible ones).

    Returns
    -------
    Assignment

    Raises
    ------
    ValueError
        If the notebook breaks the format; the message names the cell.
    """
    raw = json.loads(data)
    about = raw.get("metadata", {}).get("aecourse") or {}
    cells = []
    for number, raw_cell in enumerate(raw["cells"]):
        try:
            cells.append(_read_cell(raw_cell, number))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"cell {number} of the assignment breaks the format: {error}") from error
    names = [cell.name for cell in cells]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"grade_id {twice[0]!r} is used by two cells; give each its own.")
    return Assignment(
        name=about.get("assignment", "assignment"),
        title=about.get("title", about.get("assignment", "assignment")),
        minutes=int(about.get("minutes", 0)),
        seconds=float(about.get("seconds", DEFAULT_SECONDS)),
        memory_mb=int(about.get("memory_mb", DEFAULT_MEMORY_MB)),
        cells=tuple(cells),
        digest=hashlib.sha256(data).hexdigest(),
    )


def has_tests(assignment):
    """Say whether anything in the notebook is graded by running it."""
    return any(cell.kind == "test" for cell in assignment.cells)


def nbgrader_metadata(cell):
    """Return nbgrader's metadata of a cell, or None for a free one."""
    if cell.kind == "free":
        return None
    meta = {
        "schema_version": 3,
        "grade_id": cell.name,
        "grade": cell.kind in ("test", "manual"),
        "solution": cell.kind in ("solution", "manual"),
        "locked": cell.kind in ("given", "test"),
        "task": False,
        "cell_type": cell.cell_type,
    }
    if cell.kind in ("test", "manual"):
        meta["points"] = int(cell.points) if cell.points == int(cell.points) else cell.points
    return meta


def notebook_of(assignment, sources, metadata=None):
    """Return a notebook (a dict) of the assignment's cells with the given sources.

    Parameters
    ----------
    assignment : Assignment
    sources : dict
        The text of each cell, by name.
    metadata : dict, optional
        Replaces the ``aecourse`` metadata of the notebook.
    """
    about = {
        "assignment": assignment.name,
        "title": assignment.title,
        "minutes": assignment.minutes,
        "seconds": assignment.seconds,
        "memory_mb": assignment.memory_mb,
    }
    cells = []
    for cell in assignment.cells:
        meta = {}
        if nbgrader_metadata(cell):
            meta["nbgrader"] = nbgrader_metadata(cell)
        extra = {"title": cell.title} if cell.kind in ("test", "manual") and cell.title != cell.name else {}
        if cell.names:
            extra["names"] = list(cell.names)
        if extra:
            meta["aecourse"] = extra
        made = {
            "cell_type": cell.cell_type,
            "id": re.sub(r"[^A-Za-z0-9_-]", "-", cell.name)[:64],
            "metadata": meta,
            "source": sources[cell.name].splitlines(keepends=True),
        }
        if cell.cell_type == "code":
            made |= {"execution_count": None, "outputs": []}
        cells.append(made)
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    return {
        "cells": cells,
        "metadata": {
            "aecourse": metadata or about,
            "kernelspec": kernel,
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def to_bytes(notebook):
    """Return a notebook as the bytes of its file."""
    return (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode()


def release(assignment):
    """Return the bytes of the version for students: stubs for solutions, no hidden tests, no hints."""
    return to_bytes(notebook_of(assignment, {cell.name: cell.released for cell in assignment.cells}))


def _handed_in(cell):
    """Return a cell's text in a submission: without hidden tests, and without the author's marks."""
    if cell.kind == "test":
        return cell.released
    marks = (BEGIN_SOLUTION, END_SOLUTION)
    return "\n".join(line for line in cell.source.split("\n") if line.strip() not in marks)


def solved(assignment):
    """Return the bytes of a submission that holds the model solution."""
    return answered(assignment, {})


def answered(assignment, answers):
    """Return the bytes of a submission: the released notebook with some answers filled in.

    Parameters
    ----------
    assignment : Assignment
    answers : dict
        Sources by cell name; cells that are not named keep the model solution.

    Raises
    ------
    ValueError
        If a name is not a cell of the assignment.
    """
    unknown = sorted(set(answers) - {cell.name for cell in assignment.cells})
    if unknown:
        raise ValueError(f"answers names {unknown}, which the assignment does not have.")
    sources = {cell.name: answers.get(cell.name, _handed_in(cell)) for cell in assignment.cells}
    return to_bytes(notebook_of(assignment, sources))

"""The format of an assignment: nbgrader's cells, with hints for the student.

A source notebook holds solutions and hidden tests between nbgrader's marks. The version for
students is generated from it. The nbgrader metadata of a cell say of which kind it is:

======== ========================== ==========================================================
kind     grade / solution / locked  what it is
======== ========================== ==========================================================
given    – / – / yes                the author's code or prose, restored if a student edits it
solution – / yes / –                the student's code, not worth points by itself
test     yes / – / yes              asserts, visible and hidden; worth points
manual   yes / yes / –              an answer that a person marks; worth points
free     no metadata                anything else
======== ========================== ==========================================================

A test cell earns all of its points if it runs to its end, and none if it raises an exception. If its
last line is an expression, it must be a plain number, and the test earns that many points; anything
else, a truth value or an array too, earns none. Next to nbgrader's metadata a cell may carry, under
``aecourse``: ``title``, ``hint`` (shown if the test fails) and ``hints``, a dict from the
message of an assert to the hint for that mistake. ``parts``, a list of dicts from a name to its points,
which sum to the cell's, makes several named tests of one cell: its last line then writes out a dict
from these names to plain numbers, and ``hints`` may have a hint for each name. A solution's ``stub``
is what students get in place of the marked lines. A test can use the names of the given cells, the
student's names, ``student_id``, ``notebook_errors`` (how many cells failed) and
``notebook_seconds``. The notebook's own ``aecourse`` metadata hold ``assignment``, ``title``,
``minutes``, and the limits ``seconds`` and ``memory_mb``.

This module uses the standard library only: the sandbox imports it, too.
"""

import ast
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

BEGIN_SOLUTION, END_SOLUTION = "### BEGIN SOLUTION", "### END SOLUTION"
BEGIN_HIDDEN, END_HIDDEN = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"
CODE_STUB = "# YOUR CODE HERE\nraise NotImplementedError()"
TEXT_STUB = "YOUR ANSWER HERE"
DEFAULT_SECONDS = 60
DEFAULT_MEMORY_MB = 2048
# Shorter lines, such as "return X", say nothing about a solution or a test.
MIN_TELLING_LINE = 12

Kind = Literal["given", "solution", "test", "manual", "free"]


@dataclass(frozen=True)
class Cell:
    """One cell of an assignment's source.

    Parameters
    ----------
    name : str
        nbgrader's ``grade_id``; a generated name for a free cell.
    kind : str
        'given', 'solution', 'test', 'manual' or 'free'.
    cell_type : str
        'code' or 'markdown'.
    source, released : str
        The author's text, and the text that students get.
    points : float
    title, hint : str
    hints : dict of str to str
    names : tuple of str
        Names that the model solution binds: the student is to define them.
    parts : dict of str to float
        The points of each named part of a test; empty if it has none.
    """

    name: str
    kind: Kind
    cell_type: str
    source: str
    released: str
    points: float = 0.0
    title: str = ""
    hint: str = ""
    hints: dict[str, str] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    parts: dict[str, float] = field(default_factory=dict)

    @property
    def is_graded(self) -> bool:
        """Whether the cell is worth points."""
        return self.kind in ("test", "manual")

    @property
    def is_answer(self) -> bool:
        """Whether the student is to fill in the cell."""
        return self.kind in ("solution", "manual")


@dataclass(frozen=True)
class Assignment:
    """An assignment, read from its source notebook (or from the version for students)."""

    name: str
    title: str
    minutes: int
    seconds: float
    memory_mb: int
    cells: tuple[Cell, ...]

    @property
    def graded(self) -> list[Cell]:
        """The cells worth points, in order."""
        return [cell for cell in self.cells if cell.is_graded]

    @property
    def points(self) -> float:
        """All points, from tests and by hand."""
        return sum(cell.points for cell in self.graded)

    @property
    def test_points(self) -> float:
        """The points that tests can give."""
        return sum(cell.points for cell in self.cells if cell.kind == "test")

    @property
    def student_names(self) -> frozenset[str]:
        """The names that the student is to define."""
        return frozenset(name for cell in self.cells for name in cell.names)

    @property
    def imports(self) -> list[str]:
        """The modules that the author's own cells import, including the model solutions."""
        code = [cell.source for cell in self.cells if cell.cell_type == "code"]
        return sorted({name for source in code for name in imported_modules(source)})

    def hidden_lines(self) -> list[str]:
        """Return the lines that no student may see, of hidden tests and solutions; not short ones."""
        shown = {line.strip() for cell in self.cells for line in cell.released.split("\n")}
        lines = {line.strip() for cell in self.cells for line in cell.source.split("\n")}
        return sorted(
            line for line in lines - shown if len(line) >= MIN_TELLING_LINE and not line.startswith("###")
        )


def _regions(source: str, begin: str, end: str) -> Iterator[tuple[str, bool | None]]:
    """Yield each line and whether it lies between the marks (None for a mark); check that marks pair up."""
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


def _released_solution(source: str, stub: str) -> str:
    if BEGIN_SOLUTION not in source:
        return stub
    lines = []
    for line, inside in _regions(source, BEGIN_SOLUTION, END_SOLUTION):
        if inside is None and line.strip() == BEGIN_SOLUTION:
            indent = line[: len(line) - len(line.lstrip())]
            lines += [indent + part for part in stub.splitlines()]
        elif inside is False:
            lines.append(line)
    return "\n".join(lines)


def _released_test(source: str) -> str:
    regions = _regions(source, BEGIN_HIDDEN, END_HIDDEN)
    return "\n".join(line for line, inside in regions if inside is False).rstrip()


def hidden_line_numbers(source: str) -> set[int]:
    """Return the numbers (from 1) of the lines of a test that students do not see."""
    regions = _regions(source, BEGIN_HIDDEN, END_HIDDEN)
    return {number for number, (_, inside) in enumerate(regions, 1) if inside}


def bound_names(source: str) -> tuple[str, ...]:
    """Return the names that a cell's code binds at its top level."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return ()
    names: list[str] = []
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


def imported_modules(source: str) -> list[str]:
    """Return the modules that a cell's code imports, at its top level or within a function.

    Examples
    --------
    >>> imported_modules("import numpy as np\\nfrom sklearn.pipeline import Pipeline")
    ['numpy', 'sklearn.pipeline']
    """
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except SyntaxError:  # a cell with IPython's own commands
        return []
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    return sorted(names)


def text_of(source: str | list[str]) -> str:
    """Return a cell's source as one string; files hold it as a string or as a list of lines."""
    return "".join(source) if isinstance(source, list) else source


def _kind(meta: Mapping[str, Any], cell_type: str) -> Kind:
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


def _read_cell(raw: Mapping[str, Any], number: int) -> Cell:
    meta = raw.get("metadata", {}).get("nbgrader") or {}
    extra = raw.get("metadata", {}).get("aecourse") or {}
    cell_type, source = raw["cell_type"], text_of(raw["source"])
    kind = _kind(meta, cell_type)
    if kind == "solution" and meta.get("cell_type") in ("code", "markdown"):
        cell_type = meta[
            "cell_type"
        ]  # a student's own notebook may hold a solution that was turned into text
    released = source
    if kind in ("solution", "manual"):
        stub = CODE_STUB if cell_type == "code" else TEXT_STUB
        released = _released_solution(source, str(extra.get("stub", stub)))
    elif kind == "test":
        released = _released_test(source)
    points = float(meta.get("points") or 0) if kind in ("test", "manual") else 0.0
    names = extra.get("names") or (bound_names(source) if kind == "solution" and cell_type == "code" else ())
    return Cell(
        name=meta.get("grade_id") or f"free-{number}",
        kind=kind,
        cell_type=cell_type,
        source=source,
        released=released,
        points=points,
        title=extra.get("title") or meta.get("grade_id") or "",
        hint=extra.get("hint", ""),
        hints=dict(extra.get("hints", {})),
        names=tuple(names),
        parts=_parts(extra.get("parts", ()), points) if kind == "test" else {},
    )


def _parts(raw: Iterable[Mapping[str, Any]], points: float) -> dict[str, float]:
    """Return the points of a test's named parts."""
    parts = {str(name): float(worth) for part in raw for name, worth in part.items()}
    if parts and (min(parts.values()) <= 0 or abs(sum(parts.values()) - points) > 1e-9):
        raise ValueError(
            f"its parts are worth {', '.join(f'{worth:g}' for worth in parts.values())} and the cell "
            f"{points:g} points; give each part some, so that they sum to the cell's."
        )
    return parts


def read(data: bytes) -> Assignment:
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
    if not isinstance(raw, dict) or not isinstance(raw.get("cells"), list):
        raise ValueError("the assignment is not a notebook of nbformat 4: it has no list of cells.")
    about = raw.get("metadata", {}).get("aecourse") or {}
    cells = []
    for number, raw_cell in enumerate(raw["cells"]):
        try:
            cells.append(_read_cell(raw_cell, number))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"cell {number} of the assignment breaks the format: {error}") from error
    names = [cell.name for cell in cells]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"grade_id {twice[0]!r} is used by two cells; give each its own.")
    name = about.get("assignment", "assignment")
    return Assignment(
        name=name,
        title=about.get("title", name),
        minutes=int(about.get("minutes", 0)),
        seconds=float(about.get("seconds", DEFAULT_SECONDS)),
        memory_mb=int(about.get("memory_mb", DEFAULT_MEMORY_MB)),
        cells=tuple(cells),
    )


def has_tests(assignment: Assignment) -> bool:
    """Say whether anything in the notebook is graded by running it."""
    return any(cell.kind == "test" for cell in assignment.cells)


def nbgrader_metadata(cell: Cell) -> dict[str, Any] | None:
    """Return nbgrader's metadata of a cell, or None for a free one."""
    if cell.kind == "free":
        return None
    meta = {
        "schema_version": 3,
        "grade_id": cell.name,
        "grade": cell.is_graded,
        "solution": cell.is_answer,
        "locked": cell.kind in ("given", "test"),
        "task": False,
        "cell_type": cell.cell_type,
    }
    if cell.is_graded:
        meta["points"] = int(cell.points) if cell.points == int(cell.points) else cell.points
    return meta


def new_cell(
    cell_type: str,
    cell_id: str,
    source: str | list[str],
    metadata: Mapping[str, Any] | None = None,
    outputs: Iterable[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Return one cell as a notebook's file holds it; a text cell has no outputs."""
    cell: dict[str, Any] = {
        "cell_type": cell_type,
        "id": cell_id,
        "metadata": metadata or {},
        "source": source,
    }
    return cell | {"execution_count": None, "outputs": list(outputs)} if cell_type == "code" else cell


def new_notebook(cells: list[dict[str, Any]], metadata: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return a notebook of nbformat 4.5 as its file holds it."""
    return {"cells": cells, "metadata": metadata or {}, "nbformat": 4, "nbformat_minor": 5}


def notebook_of(assignment: Assignment, sources: Mapping[str, str]) -> dict[str, Any]:
    """Return a notebook of the assignment's cells with the given sources.

    Parameters
    ----------
    assignment : Assignment
    sources : dict of str to str
        The text of each cell, by name.

    Returns
    -------
    dict
    """
    cells = []
    for cell in assignment.cells:
        meta: dict[str, Any] = {}
        if cell.kind != "free":
            meta["nbgrader"] = nbgrader_metadata(cell)
        extra: dict[str, Any] = {}
        if cell.is_graded and cell.title != cell.name:
            extra["title"] = cell.title
        if cell.names:
            extra["names"] = list(cell.names)
        if extra:
            meta["aecourse"] = extra
        cell_id = re.sub(r"[^A-Za-z0-9_-]", "-", cell.name)[:64]
        cells.append(new_cell(cell.cell_type, cell_id, sources[cell.name].splitlines(keepends=True), meta))
    return new_notebook(
        cells,
        {
            "aecourse": {
                "assignment": assignment.name,
                "title": assignment.title,
                "minutes": assignment.minutes,
                "seconds": assignment.seconds,
                "memory_mb": assignment.memory_mb,
            },
            "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
    )


def to_bytes(notebook: Mapping[str, Any]) -> bytes:
    """Return a notebook as the bytes of its file."""
    return (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode()


def release(assignment: Assignment) -> bytes:
    """Return the bytes of the version for students: stubs for solutions, no hidden tests, no hints."""
    return to_bytes(notebook_of(assignment, {cell.name: cell.released for cell in assignment.cells}))


def _submitted_source(cell: Cell) -> str:
    """Return a cell's text in a submission: without hidden tests and the author's marks."""
    if cell.kind == "test":
        return cell.released
    marks = (BEGIN_SOLUTION, END_SOLUTION)
    return "\n".join(line for line in cell.source.split("\n") if line.strip() not in marks)


def solved(assignment: Assignment) -> bytes:
    """Return the bytes of a submission that holds the model solution."""
    return answered(assignment, {})


def answered(assignment: Assignment, answers: Mapping[str, str]) -> bytes:
    """Return the bytes of a submission: the released notebook with some answers filled in.

    Parameters
    ----------
    assignment : Assignment
    answers : dict of str to str
        Sources by cell name; cells that are not named keep the model solution.

    Returns
    -------
    bytes

    Raises
    ------
    ValueError
        If a name does not belong to a cell of the assignment.
    """
    unknown = sorted(set(answers) - {cell.name for cell in assignment.cells})
    if unknown:
        raise ValueError(f"answers names {unknown}, which the assignment does not have.")
    sources = {cell.name: answers.get(cell.name, _submitted_source(cell)) for cell in assignment.cells}
    return to_bytes(notebook_of(assignment, sources))

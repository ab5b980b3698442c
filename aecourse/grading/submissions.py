"""One student's submission, and its cells, read without running or trusting any of it.

``read_notebook`` turns the bytes of a submission into cells, and repairs what can be repaired. Which file is
whose is found by :mod:`aecourse.grading.collecting`.
"""

import ast
import codecs
import json
import re
from dataclasses import dataclass
from typing import Any, Literal, NotRequired, TypedDict

from aecourse.grading import pictures
from aecourse.grading.archives import MAX_FILE, Refused
from aecourse.grading.assignment import Assignment, text_of
from aecourse.grading.record import Status

__all__ = ["MAX_FILE", "Incoming", "NotebookCell", "Refused", "read_notebook", "typed_id", "undone"]

MAX_CELLS = 1000
# Characters of an id, and of the line that a student types it in.
MAX_ID, MAX_ID_LINE = 200, 1000


@dataclass(frozen=True)
class Incoming:
    """One student's submission as it came.

    Parameters
    ----------
    student : str
        The student's id: that of the roster, else what the name of the file or folder says.
    name : str
        The student's name, from the roster or from the file or folder.
    origin : str
        The file it came from, for the instructor.
    data : bytes or None
        The notebook; None if it was refused.
    status : Status or ''
        Why it was refused; empty if it was not.
    message : str
        The same in words.
    notes : tuple of str
        What else happened, such as an older attempt set aside.
    warnings : tuple of str
        What the instructor has to look at, such as an id that is not the roster's.
    typed : str
        The id that the student typed in the notebook, from which the data are drawn; empty if there is none.
    handed_in : float
        When, in seconds since 1970, as far as the file says; 0 if it does not.
    time_is_sure : bool
        The time is a platform's or the instructor's, not that of the file alone.
    marked_late : bool
        The platform marked it as late.
    handed_in_by : str
        The id of the member of the group who handed it in, if it was another student.
    beside : tuple of (str, bytes)
        The files that were handed in with the notebook, by their paths from its folder: they are there
        when it runs.
    """

    student: str
    name: str
    origin: str
    data: bytes | None
    status: Status | Literal[""] = ""
    message: str = ""
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    typed: str = ""
    handed_in: float = 0.0
    time_is_sure: bool = False
    marked_late: bool = False
    handed_in_by: str = ""
    beside: tuple[tuple[str, bytes], ...] = ()


class NotebookCell(TypedDict):
    """One cell of a submission.

    ``grade_id`` is nbgrader's name of the part, if the cell still has it; ``pictures`` are the addresses of
    those attached to it, by name, if there are any.
    """

    cell_type: str
    source: str
    grade_id: str | None
    pictures: NotRequired[dict[str, str]]


def typed_id(data: bytes | None) -> str:
    """Return the id that a student typed in a notebook, as text; empty if there is none.

    Parameters
    ----------
    data : bytes or None
        The notebook.

    Examples
    --------
    >>> typed_id(b'{"cells": [{"cell_type": "code", "source": "student_id = 4711"}]}')
    '4711'
    """
    try:
        cells, _ = read_notebook(data or b"")
    except Refused:
        return ""
    found = ""
    code = "\n".join(cell["source"] for cell in cells if cell["cell_type"] == "code")
    for line in re.findall(r"^student_id\s*(?::\s*\w+\s*)?=(?!=).*", code, re.MULTILINE):
        if "confirmed" in line:  # from here on the assignment's own cells use it
            break
        found = _typed_in(line) or found
    return found


def _typed_in(line: str) -> str:
    """Return the id that a line of code writes out, also as ``str(4711)``; empty if it computes one."""
    try:
        [statement] = ast.parse(line[:MAX_ID_LINE]).body[:1]
        value: Any = getattr(statement, "value", None)
        if isinstance(value, ast.Call) and getattr(value.func, "id", "") in ("str", "int") and value.args:
            value = value.args[0]
        found = str(ast.literal_eval(value)).strip()
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return ""
    return "" if found == "your id" or len(found) > MAX_ID or not found.isprintable() else found


def _decode(data: bytes, repairs: list[str]) -> str:
    is_utf_16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if b"\0" in data and not is_utf_16:
        data = data.replace(b"\0", b"")
        repairs.append("null bytes were removed")
    try:
        text = data.decode("utf-16" if is_utf_16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused(
            Status.UNREADABLE,
            "The file is not text in UTF-8. Open it in JupyterLab, save it and hand it in again.",
        ) from error
    if is_utf_16:
        repairs.append("the file was not in UTF-8")
    return text


def _parse(text: str) -> dict[str, Any]:
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError, MemoryError) as error:
        why = "The file is not a Jupyter notebook."
        if text.lstrip().startswith("{") and not text.rstrip().endswith("}"):
            why = "The file ends in the middle: it was cut off while saving or uploading."
        raise Refused(
            Status.UNREADABLE, f"{why} Download the notebook from JupyterLab and hand it in again."
        ) from error
    if not isinstance(raw, dict):
        raise Refused(Status.UNREADABLE, "The file is not a Jupyter notebook.")
    return raw


def _worksheet_cells(worksheets: list[Any]) -> list[dict[str, Any]]:
    """Return the cells of a notebook of format 3, which had worksheets."""
    return [
        {**cell, "source": cell.get("input", cell.get("source", ""))}
        for sheet in worksheets
        for cell in (sheet.get("cells", []) if isinstance(sheet, dict) else [])
        if isinstance(cell, dict)
    ]


def _raw_cells(raw: dict[str, Any], repairs: list[str]) -> list[Any]:
    cells = raw.get("cells")
    if cells is None and isinstance(raw.get("worksheets"), list):
        repairs.append("the notebook was in an old format")
        cells = _worksheet_cells(raw["worksheets"])
    if not isinstance(cells, list) or not cells:
        raise Refused(Status.UNREADABLE, "The notebook has no cells.")
    if len(cells) > MAX_CELLS:
        raise Refused(Status.REFUSED, f"The notebook has more than {MAX_CELLS} cells.")
    return cells


def _source_of(cell: Any) -> str | None:
    """Return a cell's source, or None if this is not a cell."""
    if not isinstance(cell, dict) or cell.get("cell_type") not in ("code", "markdown", "raw"):
        return None
    source = cell.get("source", "")
    if isinstance(source, list) and not all(isinstance(line, str) for line in source):
        return None
    source = text_of(source)
    # A lone surrogate cannot be written in UTF-8, and would break every page that shows it.
    return source.encode("utf-8", "replace").decode() if isinstance(source, str) else None


def _grade_id(cell: dict[str, Any]) -> str | None:
    meta = cell.get("metadata")
    meta = meta.get("nbgrader") if isinstance(meta, dict) else None
    name = meta.get("grade_id") if isinstance(meta, dict) else None
    return name if isinstance(name, str) else None


def undone(assignment: Assignment, data: bytes | None) -> list[str]:
    """Return what a student changed of the parts that grading restores: nothing of it changed a mark.

    Parameters
    ----------
    assignment : Assignment
    data : bytes or None
        The notebook that was handed in.

    Returns
    -------
    list of str
        In words for the instructor: tests that were changed, removed or no longer marked as tests; points.
    """
    try:
        raw = _raw_cells(_parse(_decode(data or b"", [])), [])
    except Refused:
        return []
    cells = {name: cell for cell in reversed(raw) if isinstance(cell, dict) and (name := _grade_id(cell))}
    found = []
    for part in assignment.graded:
        cell = cells.get(part.name)
        if cell is None:
            # Some editors drop all marks; who lacks only some removed them.
            if cells and part.kind == "test":
                found.append(f"the test {part.title!r} was removed")
            continue
        meta = cell["metadata"]["nbgrader"]
        points = meta.get("points")
        if isinstance(points, bool) or not isinstance(points, (int, float)) or points != part.points:
            found.append(
                f"the points of {part.title!r} were changed from {part.points:g} to {str(points)[:40]}"
            )
        if part.kind != "test":
            continue
        if _without_margins(_source_of(cell) or "") != _without_margins(part.released):
            found.append(f"the test {part.title!r} was changed")
        if not (meta.get("grade") is True and meta.get("locked") is True and meta.get("solution") is False):
            found.append(f"the marks that make {part.title!r} a locked test were changed")
    return found


def _without_margins(source: str) -> list[str]:
    return [line.rstrip() for line in source.strip().splitlines()]


def assignment_of(data: bytes) -> str | None:
    """Return the name of the assignment that a readable notebook says it is of, if it does."""
    raw = _parse(_decode(data, []))
    about = raw.get("metadata")
    about = about.get("aecourse") if isinstance(about, dict) else None
    name = about.get("assignment") if isinstance(about, dict) else None
    return name if isinstance(name, str) else None


def read_notebook(data: bytes) -> tuple[list[NotebookCell], list[str]]:
    """Read the bytes of a submission.

    Parameters
    ----------
    data : bytes

    Returns
    -------
    cells : list of NotebookCell
        Dicts with ``cell_type``, ``source`` (str), ``grade_id`` (str or None) and ``pictures``.
    repairs : list of str
        What had to be repaired, in words for the student.

    Raises
    ------
    Refused
        If it cannot be read as a notebook.
    """
    repairs: list[str] = []
    if not data.strip():
        raise Refused(Status.UNREADABLE, "The file is empty. Save the notebook and hand it in again.")
    cells: list[NotebookCell] = []
    ids: set[str] = set()
    names: set[str] = set()
    room = pictures.MAX_PICTURES
    for raw_cell in _raw_cells(_parse(_decode(data, repairs)), repairs):
        source = _source_of(raw_cell)
        if source is None:
            repairs.append("a cell that could not be read was left out")
            continue
        if raw_cell.get("id") is not None:
            if str(raw_cell["id"]) in ids:
                repairs.append("two cells had the same id")
            ids.add(str(raw_cell["id"]))
        name = _grade_id(raw_cell)
        if name in names:
            repairs.append("two cells claimed to be the same part of the assignment")
        if name is not None:
            names.add(name)
        cell: NotebookCell = {"cell_type": raw_cell["cell_type"], "source": source, "grade_id": name}
        found, size, n_refused = pictures.attached(raw_cell, room)
        room -= size
        if found:
            cell["pictures"] = found
        if n_refused:
            repairs.append("a pasted picture was left out: only PNG and JPEG of at most 2 MB are shown")
        cells.append(cell)
    return cells, list(dict.fromkeys(repairs))

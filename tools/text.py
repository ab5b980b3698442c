"""Notebooks as the text that people edit and review: MyST Markdown, written and read by jupytext.

The text holds what a person decides: cells in order, their ids, their tags and, in an assignment, what is
graded. Outputs, the kernel's name and everything that follows from a tag or an id are left to the notebook.
"""

import re

import jupytext
import nbformat
import yaml
from nbformat import NotebookNode

from tools import choices

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
LANGUAGE = {"name": "python", "file_extension": ".py", "mimetype": "text/x-python"}
FORMAT = "md:myst"
# Folded in JupyterLab: a solution that the student opens.
FOLDED_TAG = "solution"
FOLDED = {"source_hidden": True, "outputs_hidden": True}
# A cell that only holds the text to its claims: its code is out of the way, its output, if any, in sight.
CHECKS_TAG = "checks"
CHECKS = {"source_hidden": True}
# JupyterLab shows the first line of a folded cell and of a folded output, and each of them gives the answer
# away. Under a folded heading it shows neither. So the sentence above a solution becomes such a heading.
FOLDED_HEADING = "jp-MarkdownHeadingCollapsed"
HEADING_MARK = "#### "
# nbgrader describes what becomes of a cell by three flags; an author needs one word.
GRADED = {
    "given": {"grade": False, "solution": False, "locked": True},
    "solution": {"grade": False, "solution": True, "locked": False},
    "test": {"grade": True, "solution": False, "locked": True},
    "manual": {"grade": True, "solution": True, "locked": False},
}


def to_text(notebook: NotebookNode) -> str:
    """Return a notebook as text, without outputs.

    Parameters
    ----------
    notebook : nbformat.NotebookNode

    Returns
    -------
    str
        MyST Markdown; :func:`from_text` makes the same cells of it.
    """
    cells = []
    for cell in notebook.cells:
        follows = ("jupyter", FOLDED_HEADING)
        about = {"id": cell.id} | {key: value for key, value in cell.metadata.items() if key not in follows}
        about |= _grading_in_words(about.pop("nbgrader", None))
        new = nbformat.v4.new_code_cell if cell.cell_type == "code" else nbformat.v4.new_markdown_cell
        source = cell.source.removeprefix(HEADING_MARK) if is_fold(cell) else cell.source
        cells.append(new(source, metadata=about))
    only_cells = nbformat.v4.new_notebook(cells=cells)
    only_cells.metadata["jupytext"] = {"notebook_metadata_filter": "-all", "cell_metadata_filter": "all"}
    header: dict[str, object] = {"kernelspec": dict(KERNEL)}
    if "aecourse" in notebook.metadata:
        header["aecourse"] = dict(notebook.metadata["aecourse"])
    head = yaml.safe_dump(header, sort_keys=False, allow_unicode=True)
    return f"---\n{head}---\n\n{_body(jupytext.writes(only_cells, FORMAT))}"


def from_text(text: str) -> NotebookNode:
    """Return the notebook that a text describes, without outputs.

    A cell without an id gets one from its first words, and a multiple-choice cell of an assignment becomes
    the three cells of :func:`choices.cells`.

    Parameters
    ----------
    text : str
        MyST Markdown, as :func:`to_text` writes it or as a person edits it.

    Returns
    -------
    nbformat.NotebookNode

    Raises
    ------
    ValueError
        If two cells have the same id, a cell is graded in an unknown way, or a choice lacks something.
    """
    read = jupytext.reads(text, FORMAT)
    cells: list[NotebookNode] = []
    taken: set[str] = set()
    written = [
        new for cell in read.cells for new in (choices.cells(cell) if choices.is_choice(cell) else [cell])
    ]
    for cell in written:
        about = dict(cell.metadata)
        cell_id = about.pop("id", None) or _free_id(cell.source, taken)
        if cell_id in taken:
            raise ValueError(f"two cells have the id {cell_id!r}; give one of them another")
        taken.add(cell_id)
        if "kind" in about:
            about["nbgrader"] = _grading_of(about, cell_id, cell.cell_type)
        if cell.cell_type == "code" and FOLDED_TAG in about.get("tags", ()):
            about["jupyter"] = dict(FOLDED)
        elif cell.cell_type == "code" and CHECKS_TAG in about.get("tags", ()):
            about["jupyter"] = dict(CHECKS)
        new = nbformat.v4.new_code_cell if cell.cell_type == "code" else nbformat.v4.new_markdown_cell
        cells.append(new(cell.source, id=cell_id, metadata=about))
    _fold(cells)
    metadata: dict[str, object] = {"kernelspec": dict(KERNEL), "language_info": dict(LANGUAGE)}
    if "aecourse" in read.metadata:
        metadata["aecourse"] = dict(read.metadata["aecourse"])
    return nbformat.v4.new_notebook(cells=cells, metadata=metadata)


def is_solution(cell: NotebookNode) -> bool:
    """Return whether a cell is code that a student opens after trying."""
    return cell.cell_type == "code" and FOLDED_TAG in cell.metadata.get("tags", ())


def is_checks(cell: NotebookNode) -> bool:
    """Return whether a cell is code that only holds the text to its claims."""
    return cell.cell_type == "code" and CHECKS_TAG in cell.metadata.get("tags", ())


def is_fold(cell: NotebookNode) -> bool:
    """Return whether a cell is the folded heading above a solution."""
    return FOLDED_HEADING in cell.metadata


def _fold(cells: list[NotebookNode]) -> None:
    """Make a folded heading of the one line of text right above each solution."""
    for above, cell in zip(cells, cells[1:], strict=False):
        one_line = above.cell_type == "markdown" and not above.source.startswith("#")
        if is_solution(cell) and one_line and "\n" not in above.source:
            above.source = HEADING_MARK + above.source
            above.metadata[FOLDED_HEADING] = True


def _body(text: str) -> str:
    """Return a text without the header that jupytext writes, whose versions change without any edit."""
    return re.sub(r"\A---\n.*?^---\n+", "", text, flags=re.DOTALL | re.MULTILINE)


def _free_id(source: str, taken: set[str]) -> str:
    """Make a cell id, of letters, digits and dashes, from the cell's first words."""
    base = "-".join(re.findall(r"[a-z0-9]+", source.lower()))[:40].strip("-") or "cell"
    candidate, number = base, 2
    while candidate in taken:
        candidate, number = f"{base}-{number}", number + 1
    return candidate


def _grading_in_words(flags: dict | None) -> dict:
    if flags is None:
        return {}
    kind = next(kind for kind, wanted in GRADED.items() if wanted.items() <= flags.items())
    return {"kind": kind} | ({"points": flags["points"]} if "points" in flags else {})


def _grading_of(about: dict, cell_id: str, cell_type: str) -> dict:
    """Take kind and points out of a cell's metadata; return nbgrader's own form of them."""
    kind = about.pop("kind")
    if kind not in GRADED:
        raise ValueError(
            f"cell {cell_id!r} has the kind {kind!r}; it must be one of {', '.join(GRADED)}, choice"
        )
    points = {"points": about.pop("points")} if "points" in about else {}
    return {
        "schema_version": 3,
        "grade_id": cell_id,
        **GRADED[kind],
        "task": False,
        "cell_type": cell_type,
        **points,
    }

"""What the lessons are: their numbers, titles, minutes and headline results.

``notebooks/lessons.toml`` holds what a person decides; titles and headline results are read
from the lessons themselves.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tools.places import ROOT

NOTEBOOKS = ROOT / "notebooks"
HEADLINE_TAG = "headline"


@dataclass(frozen=True)
class Entry:
    """One lesson: file, number, title, what it is about, minutes to work through, and to compute at most."""

    path: Path
    number: str
    title: str
    about: str
    reading: int  # minutes that a student needs
    minutes: float  # processor minutes that all cells together may use

    def notebook(self) -> NotebookNode:
        """Return the lesson with its stored outputs."""
        return nbformat.read(self.path, as_version=4)


def title_of(notebook: NotebookNode) -> str:
    """Return the lesson's title: its first heading, without the number."""
    heading = notebook.cells[0].source.split("\n")[0]
    number, separator, title = heading.removeprefix("# ").partition(" · ")
    if not separator or not number.isdigit():
        raise ValueError(f"a lesson's first line must be '# NN · title'; found {heading!r}")
    return title


def headline(notebook: NotebookNode) -> str:
    """Return what the cell tagged ``headline`` printed, in one line."""
    for cell in notebook.cells:
        if HEADLINE_TAG in cell.metadata.get("tags", []):
            printed = (output.get("text", "") for output in cell.outputs if output.get("name") == "stdout")
            return " ".join("".join(printed).split())
    return ""


def read(folder: Path = NOTEBOOKS) -> list[Entry]:
    """Return the entries of all lessons, in order."""
    table = tomllib.loads((folder / "lessons.toml").read_text(encoding="utf-8"))
    return [
        Entry(folder / name, name[:2], title_of(nbformat.read(folder / name, as_version=4)), **table[name])
        for name in sorted(table)
    ]


def chosen(beginnings: list[str], folder: Path = NOTEBOOKS) -> list[Entry]:
    """Return the entries whose files' names begin so, by default all, or say that there are none."""
    entries = [e for e in read(folder) if not beginnings or e.path.name.startswith(tuple(beginnings))]
    if not entries:
        raise SystemExit(f"no lesson starts with {beginnings}; there are {numbers(folder)}")
    return entries


def numbers(folder: Path = NOTEBOOKS) -> str:
    """Return the numbers of all lessons, as one text."""
    return ", ".join(entry.number for entry in read(folder))

"""What the lessons are: their numbers, titles, minutes and headline results.

``notebooks/lessons.toml`` holds what a person decides; titles and headline results are read
from the lessons themselves.
"""

import pathlib
import tomllib
from dataclasses import dataclass

import nbformat

ROOT = pathlib.Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
HEADLINE_TAG = "headline"


@dataclass(frozen=True)
class Entry:
    """One lesson: file, number, title, what it is about, minutes to work through and to compute."""

    path: pathlib.Path
    number: str
    title: str
    about: str
    reading: int  # minutes that a student needs
    minutes: float  # minutes that all cells together may take on two cores


def title_of(notebook):
    """Return the lesson's title: its first heading, without the number."""
    heading = notebook.cells[0].source.split("\n")[0]
    number, separator, title = heading.removeprefix("# ").partition(" · ")
    if not separator or not number.isdigit():
        raise ValueError(f"a lesson's first line must be '# NN · title'; found {heading!r}")
    return title


def headline(notebook):
    """Return what the cell tagged ``headline`` printed, in one line."""
    for cell in notebook.cells:
        if HEADLINE_TAG in cell.metadata.get("tags", []):
            return " ".join(
                "".join(
                    output.get("text", "") for output in cell.outputs if output.get("name") == "stdout"
                ).split()
            )
    return ""


def read(folder=NOTEBOOKS):
    """Return the entries of all lessons, in order."""
    table = tomllib.loads((folder / "lessons.toml").read_text(encoding="utf-8"))
    entries = []
    for file_name, facts in sorted(table.items()):
        path = folder / file_name
        notebook = nbformat.read(path, as_version=4)
        entries.append(Entry(path, file_name[:2], title_of(notebook), **facts))
    return entries


def numbers(folder=NOTEBOOKS):
    """Return the numbers of all lessons, as one text."""
    return ", ".join(entry.number for entry in read(folder))

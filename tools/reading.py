"""The minutes that a student needs for a lesson, by one rule for all lessons.

    python -m tools.reading            what the rule gives, next to what each lesson states
    python -m tools.reading --write    write it into lessons.toml, the texts and the notebooks
    python -m tools.reading 06 07      the same for some lessons

The rule is `RATES`. It counts what a student sees: words, lines of code, figures, tables, exercises and quiz
questions. Folded checks and further reading are not counted. An exercise takes some minutes to understand and
more for each line of its solution. The sum is stated in steps of five minutes; ``tests/test_reading.py``
fails where a lesson states something else, or takes more than `LONGEST` minutes without a marked place to
stop.
"""

import argparse
import re
import sys
import tomllib
from dataclasses import dataclass

from nbformat import NotebookNode

from aecourse._support.files import write_whole
from tools import catalogue
from tools import lesson as lessons
from tools import text as texts

RATES = {  # seconds
    "words": 60 / 150,
    "lines of code": 60 / 10,
    "figures": 30,
    "tables": 20,
    "exercises": 120,
    "lines of a solution": 30,
    "quiz questions": 60,
}
STEP = 5  # minutes
LONGEST = 120  # minutes; above, a lesson marks a place to stop for the day
STOP = "This is a good place to stop for the day."

_SO_FAR = re.compile(r"\*\(minutes so far: \d+\)\*")
_HEADING = re.compile(r"^#+ .*$", re.MULTILINE)


@dataclass(frozen=True)
class Minutes:
    """The minutes of a lesson: the sum, and those before each section that states them, in order."""

    total: float
    so_far: tuple[float, ...]

    @property
    def stated(self) -> int:
        """The sum as a lesson states it."""
        return max(STEP, STEP * round(self.total / STEP))


def words_of(markdown: str) -> list[str]:
    """Return the words and numbers of Markdown, without code, tags of HTML, addresses and further reading."""
    prose = re.sub(r"^## Further reading.*", "", markdown, flags=re.DOTALL | re.MULTILINE)
    prose = re.sub(r"```.*?```|<[^>]+>|https?://\S+", " ", prose, flags=re.DOTALL)
    return re.findall(r"[^\W\d_][\w'’-]*|\d[\d.,]*", prose)


def lines_of(code: str) -> int:
    """Return the number of lines that hold code: not those of comments, nor those of brackets alone."""
    return sum(bool(re.match(r"\s*[^\s#()\[\]{},]", line)) for line in code.split("\n"))


def seconds(cell: NotebookNode) -> float:
    """Return the seconds that a cell takes by the rule."""
    tags = cell.metadata.get("tags", ())
    if cell.cell_type == "markdown":
        questions = len(re.findall(r"^\*\*\d+\.\*\*", cell.source, re.MULTILINE))
        return RATES["words"] * len(words_of(cell.source)) + RATES["quiz questions"] * questions
    if "exercise" in tags:
        return RATES["exercises"]
    if texts.is_solution(cell):
        return RATES["lines of a solution"] * lines_of(cell.source)
    if texts.is_checks(cell):
        return 0
    shown = [output.get("data", {}) for output in cell.outputs]
    figures = sum(any(kind.startswith("image/") for kind in data) for data in shown)
    tables = sum("text/html" in data for data in shown)
    code = RATES["lines of code"] * lines_of(cell.source)
    return code + RATES["figures"] * figures + RATES["tables"] * tables


def minutes(notebook: NotebookNode) -> Minutes:
    """Return the minutes of a lesson by the rule."""
    total, so_far = 0.0, []
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and (mark := _SO_FAR.search(cell.source)):
            above = _HEADING.sub("", cell.source[: mark.start()])
            so_far.append((total + RATES["words"] * len(words_of(above))) / 60)
        total += seconds(cell)
    return Minutes(total / 60, tuple(so_far))


def stated(notebook: NotebookNode) -> tuple[int, tuple[int, ...]]:
    """Return the sum and the minutes before each section as the lesson states them."""
    first = re.search(r"about (\d+) to work through", notebook.cells[0].source)
    marks = [mark for cell in notebook.cells for mark in _SO_FAR.findall(cell.source)]
    assert first, "a lesson's first cell says 'about NN to work through'"
    return int(first[1]), tuple(int(re.sub(r"\D", "", mark)) for mark in marks)


def with_minutes(text: str, needed: Minutes) -> str:
    """Return a lesson's text with these minutes in its first cell and its sections."""
    places = iter(needed.so_far)
    text = _SO_FAR.sub(lambda _: f"*(minutes so far: {max(1, round(next(places)))})*", text)
    return re.sub(r"about \d+ to work through", f"about {needed.stated} to work through", text, count=1)


def write(entry: catalogue.Entry) -> None:
    """Write a lesson's minutes where they are stated."""
    needed = minutes(entry.notebook())
    path = lessons.text_path(entry.path)
    write_whole(path, with_minutes(path.read_text(encoding="utf-8"), needed))
    lessons.words(entry.path)
    table = entry.path.parent / "lessons.toml"
    head, name, rest = table.read_text(encoding="utf-8").partition(f'["{entry.path.name}"]')
    rest = re.sub(r"^reading = \d+$", f"reading = {needed.stated}", rest, count=1, flags=re.MULTILINE)
    tomllib.loads(head + name + rest)
    write_whole(table, head + name + rest)


def main(arguments: list[str] | None = None) -> int:
    """Print a line for each lesson, or write its minutes."""
    parser = argparse.ArgumentParser(prog="python -m tools.reading", description=__doc__.split("\n", 1)[0])
    parser.add_argument("lessons", nargs="*", help="numbers of lessons; all by default")
    parser.add_argument("--write", action="store_true", help="write the minutes where they are stated")
    options = parser.parse_args(arguments)
    for entry in catalogue.read():
        if options.lessons and entry.number not in options.lessons:
            continue
        if options.write:
            write(entry)
        notebook = catalogue.Entry.notebook(entry)
        needed, says = minutes(notebook), stated(notebook)[0]
        print(f"{entry.number}  {needed.total:5.0f} by the rule, {says} stated")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Execute every lesson from scratch, write them as a web book, and print one table.

    python -m tools.course                 all lessons
    python -m tools.course 06              lessons whose file names start with 06
    python -m tools.course -o FOLDER       write the pages there instead of into _build/course

The pages are those of the web book (`make site`), with the outputs of this run: open index.html. The exit
status is 1 if a lesson fails; the table says at which cell.
"""

import argparse
import sys
import textwrap
import time
from dataclasses import dataclass
from pathlib import Path

from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from tqdm import tqdm

from tools import catalogue
from tools import lesson as lessons
from tools.book.build import build_run
from tools.places import built_path, make_folder

OUT = built_path("course")


@dataclass(frozen=True)
class Result:
    """What came of one lesson: with its outputs, minutes by the clock, headline result, and what failed."""

    entry: catalogue.Entry
    notebook: NotebookNode
    minutes: float
    headline: str
    failure: str | None


def execute(entry: catalogue.Entry, bar: tqdm) -> Result:
    """Execute one lesson."""
    notebook = entry.notebook()
    n_code = max(sum(cell.cell_type == "code" for cell in notebook.cells), 1)
    started = time.monotonic()
    place = ""

    def on_start(cell: NotebookNode, cell_index: int) -> None:
        nonlocal place
        place = f"cell {cell_index + 1} ({cell.id})"

    def on_executed(cell: NotebookNode, cell_index: int, execute_reply: dict) -> None:
        bar.update(entry.minutes / n_code)

    failure = None
    try:
        lessons.execute(entry.path, notebook=notebook, on_cell_execute=on_start, on_cell_executed=on_executed)
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        if isinstance(error, CellExecutionError):
            reason = f"{error.ename}: {error.evalue}"
        else:
            reason = f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"
        failure = f"{place}: {reason}"
    minutes = (time.monotonic() - started) / 60
    return Result(entry, notebook, minutes, catalogue.headline(notebook), failure)


def markdown_table(results: list[Result]) -> str:
    """Return what :func:`print_table` prints as a Markdown table whose lessons are links."""
    lines = ["| lesson | minutes | | headline result |", "|---|--:|---|---|"]
    for result in results:
        entry = result.entry
        link = f"[{entry.number} {entry.title}](lessons/{entry.path.name})"
        text = (result.failure or result.headline).replace("|", "\\|")
        verdict = "**failed**" if result.failure else "passed"
        lines.append(f"| {link} | {result.minutes:.2f} | {verdict} | {text} |")
    return "\n".join(lines)


def print_table(results: list[Result]) -> None:
    """Print lesson, minutes, pass or fail, and headline result or failure."""
    print(f"\n{'lesson':<40} {'minutes':>7}  {'':<4}  headline result")
    for result in results:
        first, *rest = textwrap.wrap(result.failure or result.headline, 76) or [""]
        verdict = "FAIL" if result.failure else "pass"
        print(f"{result.entry.number} {result.entry.title:<37} {result.minutes:>7.2f}  {verdict}  {first}")
        for line in rest:
            print(f"{'':<55}{line}")


def main(arguments: list[str] | None = None) -> int:
    """Execute the lessons and print the table; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.course", description=__doc__.split("\n", 1)[0])
    parser.add_argument("lessons", nargs="*", help="beginnings of file names; all lessons by default")
    parser.add_argument("-o", "--out", type=Path, default=OUT, help="folder (_build/course)")
    parser.add_argument("--notebooks", type=Path, default=catalogue.NOTEBOOKS, help="folder of the lessons")
    options = parser.parse_args(arguments)
    entries = catalogue.chosen(options.lessons, options.notebooks)
    make_folder(options.out.resolve().parent)  # before the lessons, which take minutes
    results = []
    # The bar counts the minutes that the catalogue gives for each lesson, so that the time left
    # is an estimate even while the first lesson runs.
    with tqdm(
        total=sum(entry.minutes for entry in entries),
        unit="min",
        file=sys.stderr,
        smoothing=0,  # cells differ so much that only the rate since the start tells anything
        bar_format="{l_bar}{bar}| {elapsed} gone, about {remaining} left",
    ) as bar:
        done = 0.0
        for entry in entries:
            bar.set_description(f"lesson {entry.number}")
            results.append(execute(entry, bar))
            done += entry.minutes
            bar.update(done - bar.n)
    print_table(results)
    build_run(
        options.out.resolve(),
        "The lessons, as they ran here",
        markdown_table(results),
        {result.entry.path: result.notebook for result in results},
    )
    failed = [result.entry.number for result in results if result.failure]
    print(f"\n{len(results) - len(failed)} of {len(results)} lessons pass; open {options.out / 'index.html'}")
    if failed:
        print(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

"""Execute every lesson from scratch, write them as HTML, and print one table.

    python -m tools.course                 all lessons
    python -m tools.course 06              lessons whose file names start with 06
    python -m tools.course -o FOLDER       write the HTML there instead of into _build/lessons

The exit status is 1 if a lesson fails; the table says at which cell.
"""

import argparse
import sys
import textwrap
import time
from dataclasses import dataclass
from pathlib import Path

from jinja2 import DictLoader
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbconvert import HTMLExporter
from nbformat import NotebookNode
from tqdm import tqdm

from tools import catalogue
from tools import lesson as lessons
from tools import text as texts

# nbconvert's page with solutions, their outputs and checks folded, and with the pictures' descriptions as
# their alternative texts.
TEMPLATE = """
{%- extends 'lab/index.html.j2' -%}
{% block data_png -%}
{% set alt = output | get_metadata('alt', 'image/png') -%}
{{ super() | replace('<img ', '<img alt="' ~ (alt | escape_html) ~ '" ') if alt else super() }}
{%- endblock data_png %}
{% block data_svg -%}
{% set alt = output | get_metadata('alt', 'image/svg+xml') -%}
{{ super() | replace('<img ', '<img alt="' ~ (alt | escape_html) ~ '" ') if alt else super() }}
{%- endblock data_svg %}
{% block any_cell %}
{%- if cell | is_solution -%}
<details class="solution"><summary>Show a solution</summary>{{ super() }}</details>
{%- elif cell | is_checks -%}
<details class="checks"><summary>Show what is asserted</summary>{{ super() }}</details>
{%- elif not cell | is_fold -%}{{ super() }}{%- endif -%}
{% endblock any_cell %}
"""
# What the template calls.
FILTERS = {"is_solution": texts.is_solution, "is_checks": texts.is_checks, "is_fold": texts.is_fold}


@dataclass(frozen=True)
class Result:
    """What came of one lesson: minutes by the clock, headline result, and what failed, if anything."""

    entry: catalogue.Entry
    minutes: float
    headline: str
    failure: str | None


def execute(entry: catalogue.Entry, bar: tqdm, out: Path) -> Result:
    """Execute one lesson and write it as HTML into the folder ``out``."""
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
    html = as_html(notebook, entry.title)
    (out / f"{entry.path.stem}.html").write_text(html, encoding="utf-8")
    return Result(entry, minutes, catalogue.headline(notebook), failure)


def as_html(notebook: NotebookNode, title: str) -> str:
    """Return a lesson as one page."""
    exporter = HTMLExporter(
        extra_loaders=[DictLoader({"lesson.html.j2": TEMPLATE})],
        template_file="lesson.html.j2",
        filters=FILTERS,
    )
    return exporter.from_notebook_node(notebook, {"metadata": {"name": title}})[0]


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
    parser.add_argument("-o", "--out", type=Path, default=catalogue.ROOT / "_build" / "lessons")
    parser.add_argument("--notebooks", type=Path, default=catalogue.NOTEBOOKS, help="folder of the lessons")
    options = parser.parse_args(arguments)
    entries = [
        entry
        for entry in catalogue.read(options.notebooks)
        if not options.lessons or entry.path.name.startswith(tuple(options.lessons))
    ]
    if not entries:
        raise SystemExit(
            f"no lesson starts with {options.lessons}; there are {catalogue.numbers(options.notebooks)}"
        )
    options.out.mkdir(parents=True, exist_ok=True)
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
            results.append(execute(entry, bar, options.out))
            done += entry.minutes
            bar.update(done - bar.n)
    print_table(results)
    failed = [result.entry.number for result in results if result.failure]
    print(f"\n{len(results) - len(failed)} of {len(results)} lessons pass; HTML is in {options.out}")
    if failed:
        print(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

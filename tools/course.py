"""Execute every lesson from scratch, write them as HTML, and print one table.

    python tools/course.py                 all lessons
    python tools/course.py 06              lessons whose file name starts so
    python tools/course.py -o FOLDER       HTML and executed notebooks go there (_build/lessons)

The exit status is 1 if a lesson fails; the table says at which cell.
"""

import argparse
import pathlib
import sys
import time

import nbformat
from jinja2 import DictLoader
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbconvert import HTMLExporter
from tqdm import tqdm

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import catalogue
import lesson as lessons

ROOT = pathlib.Path(__file__).resolve().parents[1]
# nbconvert's page, with the source of solutions folded as in JupyterLab, and with the pictures'
# descriptions as their alternative texts, which its template for JupyterLab's looks leaves out.
TEMPLATE = """
{%- extends 'lab/index.html.j2' -%}
{% block data_png -%}
{% set alt = output | get_metadata('alt', 'image/png') -%}
{{ super() | replace('<img ', '<img alt="' ~ (alt | escape_html) ~ '" ') if alt else super() }}
{%- endblock data_png %}
{% block input %}
{%- if 'solution' in cell.metadata.get('tags', []) -%}
<details><summary>Show the solution</summary>{{ super() }}</details>
{%- else -%}{{ super() }}{%- endif -%}
{% endblock input %}
"""


def wrap(text, width):
    """Break a text into lines of at most ``width`` characters, at spaces."""
    import textwrap

    return textwrap.wrap(text, width) or [""]


def execute(entry, bar, out):
    """Execute one lesson and write it as HTML; return minutes, headline and what failed, if anything."""
    notebook = nbformat.read(entry.path, as_version=4)
    n_code = max(sum(cell.cell_type == "code" for cell in notebook.cells), 1)
    started = time.monotonic()
    position = {"cell": None}

    def on_start(cell, cell_index):
        position["cell"] = (cell_index, cell)

    def on_executed(cell, cell_index, execute_reply):
        bar.update(entry.minutes / n_code)

    failure = None
    try:
        lessons.execute(entry.path, notebook=notebook, on_cell_execute=on_start, on_cell_executed=on_executed)
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        index, cell = position["cell"]
        if isinstance(error, CellExecutionError):
            reason = f"{error.ename}: {error.evalue}"
        else:
            reason = f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"
        failure = f"cell {index + 1} ({cell.id}): {reason}"
    minutes = (time.monotonic() - started) / 60
    exporter = HTMLExporter(
        extra_loaders=[DictLoader({"lesson.html.j2": TEMPLATE})], template_file="lesson.html.j2"
    )
    html, _ = exporter.from_notebook_node(notebook, {"metadata": {"name": entry.title}})
    (out / f"{entry.path.stem}.html").write_text(html, encoding="utf-8")
    headline = catalogue.headline(notebook) if failure is None else failure
    return minutes, headline, failure


def print_table(rows):
    """Print lesson, minutes, headline result, pass or fail."""
    print(f"\n{'lesson':<40} {'minutes':>7}  {'':<4}  headline result")
    for entry, minutes, headline, failure in rows:
        first, *rest = wrap(headline, 76)
        print(f"{entry.number} {entry.title:<37} {minutes:>7.2f}  {'FAIL' if failure else 'pass'}  {first}")
        for line in rest:
            print(f"{'':<55}{line}")


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("lessons", nargs="*", help="beginnings of file names; all lessons by default")
    parser.add_argument("-o", "--out", type=pathlib.Path, default=ROOT / "_build" / "lessons")
    parser.add_argument(
        "--notebooks", type=pathlib.Path, default=catalogue.NOTEBOOKS, help="folder of the lessons"
    )
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
    rows = []
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
            rows.append((entry, *execute(entry, bar, options.out)))
            done += entry.minutes
            bar.update(done - bar.n)
    print_table(rows)
    failed = [entry.number for entry, _, _, failure in rows if failure]
    print(f"\n{len(rows) - len(failed)} of {len(rows)} lessons pass; HTML is in {options.out}")
    if failed:
        print(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

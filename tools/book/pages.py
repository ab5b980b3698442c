"""The sources of the book's pages: lessons, assignments, reference, landing page."""

import copy
import importlib
import inspect
import os
import re
import shutil
import tomllib
import urllib.parse
from pathlib import Path

import jupytext
import nbformat
from nbconvert.preprocessors import ClearOutputPreprocessor
from nbformat import NotebookNode

from tools import catalogue, explorer_data, readme
from tools import text as texts
from tools.book import citations, glossary, pieces, selfchecks
from tools.hosted import RECIPE

ROOT = catalogue.ROOT
DOCS = ROOT / "docs"
# Of the reference: in the order that data flow; modules not named here follow by name.
FIRST = ("datasets", "builders", "training", "detector", "baselines", "thresholds", "evaluation", "plots")
COMMANDS = ("cli", "doctor")  # `aecourse --help` says what they do
# These get scikit-learn's four scoring methods from a mixin of ours. What scikit-learn's own bases add is
# documented there.
WITH_MIXIN = ("baselines", "detector")
INHERITED = (
    "OutlierMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, _SetOutputMixin, BaseEstimator, "
    "_MetadataRequester"
)
PARTS = {"homework": ("personal", "broken")}  # what assignments import


def repository() -> str | None:
    """Return the public address of the course, or None if it is not known."""
    address = os.environ.get("AECOURSE_REPOSITORY")
    if address is None:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        address = project.get("urls", {}).get("Repository")
    return address.removesuffix("/").removesuffix(".git") if address else None


def colab(address: str, path: str) -> str | None:
    """Return Colab's address for a notebook, or None: Colab opens notebooks from GitHub alone."""
    host, _, name = address.removeprefix("https://").partition("/")
    known = host == "github.com"
    return f"https://colab.research.google.com/github/{name}/blob/main/{path}" if known else None


def report(address: str, title: str) -> str | None:
    """Return the address at which a fault on a page is reported, or None for a host that is not known."""
    host = address.removeprefix("https://").partition("/")[0]
    words = urllib.parse.quote(f"Fault in {title}")
    known = {
        "github.com": f"{address}/issues/new?title={words}",
        "gitlab.com": f"{address}/-/issues/new?issue%5Btitle%5D={words}",
    }
    return known.get(host)


def buttons(path: str, address: str | None) -> str:
    """Return the buttons below a lesson's title, as Markdown."""
    name, stem = Path(path).name, Path(path).stem
    parts = [
        f"{{download}}`Download the notebook <../downloads/{name}>`",
        f"{{download}}`Download as a script <../downloads/{stem}.py>`",
    ]
    if address and colab(address, path):
        parts.insert(0, f"[Run in Colab]({colab(address, path)})")
    if address and report(address, stem):
        parts.append(f"[Report a fault on this page]({report(address, stem)})")
    return "\n".join(["", "", ":::{container} lesson-buttons run-lesson", *parts, ":::"])


def how_to_run(path: str, address: str | None) -> str:
    """Return the buttons of a lesson and the box that says how to run it, as Markdown."""
    name = path.rpartition("/")[2]
    copy_of = address or "ADDRESS-OF-YOUR-COPY"
    install = " and ".join(f"`{line.format(address=copy_of)}`" for line in RECIPE)
    lines = [f"- **On your machine**: run `make lab` in a copy of the course and open `{name}`."]
    if address and colab(address, path):
        lines.append(
            f"- **Colab**: [open this lesson in Colab]({colab(address, path)}) and run {install} "
            "in a cell above the first."
        )
    else:
        lines.append(f"- **Colab**: upload the notebook, and run {install} in a cell above the first.")
    box = ["", "", ":::{admonition} Run this lesson", ":class: tip run-lesson", *lines, ":::"]
    return buttons(path, address) + "\n".join(box)


CHECKS_PROMPTS = {"code_prompt_show": "Show what is asserted", "code_prompt_hide": "Hide what is asserted"}


def lesson_page(notebook: NotebookNode, path: str, address: str | None) -> NotebookNode:
    """Return a lesson as the book shows it: how to run it, folds, pieces, links to the bibliography."""
    page = copy.deepcopy(notebook)
    page.cells[0].source += how_to_run(path, address)
    selfchecks.put_in(page)
    if (ROOT / path).exists():  # not in the pages of somebody else's notebook with the same number
        pieces.put_in(page, Path(path).name[:2])
    # The fold itself says what it opens.
    page.cells = [cell for cell in page.cells if not texts.is_fold(cell)]
    for cell in page.cells:
        if cell.cell_type == "markdown":
            # JupyterLab folds a solution into three dots, the book behind a button.
            cell.source = citations.cite_reading(cell.source).replace("click on the dots to", "click to")
        elif texts.is_solution(cell):
            cell.metadata["tags"] = [*cell.metadata["tags"], "hide-cell"]
        elif texts.is_checks(cell):
            cell.metadata["tags"] = [*cell.metadata["tags"], "hide-input"]
            cell.metadata["mystnb"] = dict(CHECKS_PROMPTS)
    names = package_names(notebook)
    if names:
        text = f"## From the package\n\nUsed in this lesson: {', '.join(f'`{name}`' for name in names)}."
        page.cells.append(nbformat.v4.new_markdown_cell(text))
    return page


def package_names(notebook: NotebookNode) -> list[str]:
    """Return the names of the package that a lesson's code uses, such as thresholds.Conformal."""
    pattern = re.compile(rf"\b(?:{'|'.join(modules())})\.[A-Za-z]\w*|\bAutoencoderDetector\b")
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    return sorted(name for name in set(pattern.findall(code)) if is_public(name))


def is_public(name: str) -> bool:
    """Say whether the package has a public function or class of this name."""
    module_name, _, member = name.rpartition(".")
    module = importlib.import_module(f"aecourse.{module_name or 'detector'}")
    thing = getattr(module, member, None)
    named = member in getattr(module, "__all__", (member,))
    return named and (inspect.isclass(thing) or inspect.isfunction(thing))


def assignment_page(notebook: NotebookNode, name: str) -> NotebookNode:
    """Return an assignment as the book shows it."""
    page = copy.deepcopy(notebook)
    first = next(cell for cell in page.cells if cell.cell_type == "markdown")
    first.source += (
        "\n\n:::{admonition} How to work on it\n:class: tip run-lesson\n"
        f"Take {{download}}`the notebook <../downloads/{name}>`, work on it in JupyterLab, and check it with "
        f"`aecourse check {name}` before you hand it in.\n:::"
    )
    return page


def modules() -> list[str]:
    """Return the names of the modules that lessons and assignments import, in the order of the reference."""
    folder = ROOT / "aecourse"
    names = [path.stem for path in folder.glob("*.py")]
    names += [path.parent.name for path in folder.glob("*/__init__.py")]
    names = sorted(name for name in names if not name.startswith("_") and name not in COMMANDS)
    return [name for name in FIRST if name in names] + [name for name in names if name not in FIRST]


def summary(name: str) -> str:
    """Return the first sentence of a module's docstring."""
    text = importlib.import_module(f"aecourse.{name}").__doc__ or ""
    return text.partition("\n\n")[0].strip().replace("\n", " ")


def reference_pages() -> dict[str, str]:
    """Return the pages of the reference: {path: text}."""

    def page(title: str, body: str) -> str:
        return f"{title}\n{'=' * len(title)}\n\n{body}"

    names = modules()
    pages = {
        "reference/index.rst": page(
            "The package",
            "\n".join(
                [
                    ".. automodule:: aecourse",
                    "",
                    "The modules",
                    "-----------",
                    "",
                    *[f"- :py:mod:`aecourse.{name}`: {summary(name)}" for name in names],
                    "",
                ]
            ),
        )
    }
    for name in names:
        parts = [f"aecourse.{name}"] + [f"aecourse.{name}.{part}" for part in PARTS.get(name, ())]
        inherited = f"   :inherited-members: {INHERITED}\n" if name in WITH_MIXIN else ""
        first, *rest = [f".. automodule:: {part}\n   :members:\n{inherited}" for part in parts]
        for title, body in zip(parts[1:], rest, strict=True):
            first += f"\n{title}\n{'-' * len(title)}\n\n{body}"
        pages[f"reference/{name}.rst"] = page(parts[0], first)
    return pages


def toctree(caption: str, pages: list[str]) -> str:
    """Return a hidden table of contents, which orders the pages."""
    return "\n".join(["```{toctree}", ":hidden:", f":caption: {caption}", "", *pages, "```", ""])


def landing(entries: list[catalogue.Entry], assignments: list[Path]) -> str:
    """Return the landing page: docs/index.md with the generated tables and the order of all pages."""
    text = (DOCS / "index.md").read_text(encoding="utf-8")
    table = readme.course_map(entries).replace("(notebooks/", "(lessons/")
    text = readme.fill(readme.fill(text, "map", table), "results", readme.results(entries))
    trees = [toctree("Lessons", [f"lessons/{entry.path.stem}" for entry in entries])]
    trees.append(toctree("Try it", ["Threshold explorer <explorer/index>"]))
    trees.append(toctree("Assignments", [f"assignments/{path.stem}" for path in assignments]))
    trees.append(toctree("For instructors", ["The instructor's guide <instructors>"]))
    trees.append(toctree("Look up", ["A detector in service <service>", "glossary", "bibliography"]))
    reference = [
        "Architecture <architecture>",
        "Conventions <reference/index>",
        *[f"reference/{name}" for name in modules()],
    ]
    trees.append(toctree("The package", reference))
    return text + "\n" + "\n".join(trees)


def write_page(folder: Path, path: str, content: str | NotebookNode) -> None:
    """Write the source of a page."""
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, str):
        target.write_text(content, encoding="utf-8")
    else:
        nbformat.write(content, target)


def write_lessons(folder: Path, notebooks: dict[Path, NotebookNode]) -> None:
    """Write the sources of lessons' pages, of what they link to, and what can be downloaded from them."""
    address = repository()
    downloads = folder / "downloads"
    downloads.mkdir(parents=True)
    for path, notebook in notebooks.items():
        write_page(folder, f"lessons/{path.name}", lesson_page(notebook, f"notebooks/{path.name}", address))
        # Without outputs: the page shows them, and a student runs the cells.
        empty, _ = ClearOutputPreprocessor().preprocess(notebook, {})
        nbformat.write(empty, downloads / path.name)
        script = jupytext.writes(empty, "py:percent")
        (downloads / f"{path.stem}.py").write_text(script, encoding="utf-8")
    write_page(folder, "glossary.md", glossary.page())
    shutil.copy(DOCS / "bibliography.md", folder)
    explorer_data.write_static(folder / "static" / "explorer")
    pieces.write_static(folder / "static" / "pieces")
    shutil.copy(readme.PICTURE, folder / "static")  # chats and search engines, which preview a page, want PNG


def write_sources(folder: Path) -> None:
    """Write the sources of all pages into an empty folder."""
    settings = shutil.ignore_patterns("_static", "conf.py", "*.toml", "*.bib")
    shutil.copytree(DOCS, folder, ignore=settings)
    entries = catalogue.read()
    write_lessons(folder, {entry.path: entry.notebook() for entry in entries})
    assignments = sorted((ROOT / "assignments" / "release").glob("*/*.ipynb"))
    for path in assignments:
        page = assignment_page(nbformat.read(path, as_version=4), path.name)
        write_page(folder, f"assignments/{path.name}", page)
        shutil.copy(path, folder / "downloads")
    for name, text in reference_pages().items():
        write_page(folder, name, text)
    write_page(folder, "index.md", landing(entries, assignments))
    write_page(folder, "instructors.md", (ROOT / "assignments" / "README.md").read_text(encoding="utf-8"))


def write_run(folder: Path, title: str, table: str, notebooks: dict[Path, NotebookNode]) -> None:
    """Write the sources of a book of executed lessons alone, whose first page has a table of the run."""
    write_lessons(folder, notebooks)
    lessons = toctree("Lessons", [f"lessons/{path.stem}" for path in notebooks])
    words = toctree("Look up", ["glossary", "bibliography"])
    write_page(folder, "index.md", f"# {title}\n\n{table}\n\n{lessons}\n{words}")

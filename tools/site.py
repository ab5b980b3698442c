"""Build the course as a web book from the lessons' stored outputs, or serve it.

    python tools/site.py             build into _build/site, if anything has changed
    python tools/site.py --serve     the same, then serve it on 127.0.0.1 and open it

Nothing is executed and nothing is downloaded. Where the course's public address is known, in the
environment variable AECOURSE_REPOSITORY (such as https://github.com/OWNER/NAME) or as
``[project.urls] Repository`` in pyproject.toml, each lesson gets links to Binder and Colab.
"""

import argparse
import ast
import contextlib
import copy
import functools
import hashlib
import http.server
import importlib.metadata
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tomllib
import urllib.parse
import webbrowser

import nbformat

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "docs" / "_ext")]
import catalogue
import explorer_data
import readme
from aebook import citations, glossary

DOCS = ROOT / "docs"
BUILD = ROOT / "_build"
SITE = BUILD / "site"
# What the pages are made of: a change of any of these is a reason to build again.
INPUTS = ("README.md", "pyproject.toml", "docs", "notebooks", "aecourse", "assignments", "tools")
PACKAGES = ("sphinx", "myst-nb", "sphinx-book-theme", "pydata-sphinx-theme", "sphinxcontrib-bibtex", "plotly")
# Of the reference: in the order that data flows; modules not named here follow by name.
FIRST = ("datasets", "builders", "training", "detector", "baselines", "thresholds", "evaluation", "plots")
COMMANDS = ("cli", "doctor")  # `aecourse --help` says what they do
PARTS = {"grading": ("personal", "broken")}  # what assignments import; the rest is the grader's own business


# --- Sources of the pages ------------------------------------------------------------------------


def repository():
    """Return the public address of the course, or None where it is not known."""
    address = os.environ.get("AECOURSE_REPOSITORY")
    if address is None:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        address = project.get("urls", {}).get("Repository")
    return address.removesuffix("/").removesuffix(".git") if address else None


def binder(address, path):
    """Return Binder's address for a notebook."""
    host, _, name = address.removeprefix("https://").partition("/")
    known = {"github.com": f"gh/{name}", "gitlab.com": f"gl/{urllib.parse.quote(name, safe='')}"}
    where = known.get(host, f"git/{urllib.parse.quote(address, safe='')}")
    return f"https://mybinder.org/v2/{where}/HEAD?urlpath=lab/tree/{path}"


def colab(address, path):
    """Return Colab's address for a notebook, or None: Colab opens notebooks from GitHub alone."""
    host, _, name = address.removeprefix("https://").partition("/")
    known = host == "github.com"
    return f"https://colab.research.google.com/github/{name}/blob/main/{path}" if known else None


def how_to_run(path, address):
    """Return the box of a lesson that says how to run it, as Markdown."""
    name = path.rpartition("/")[2]
    copy_of = address or "ADDRESS-OF-YOUR-COPY"
    install = f"`!git clone {copy_of} course && pip install -e ./course` and `%cd course/notebooks`"
    lines = [
        f"- **On your machine**: run `make lab` in a copy of the course and open `{name}` "
        f"({{download}}`this lesson as a notebook <../downloads/{name}>`)."
    ]
    if address:
        lines.append(f"- **Binder**: [open this lesson on Binder]({binder(address, path)}).")
    else:
        lines.append(
            "- **Binder**: give it the address of your copy of the course; it reads `environment.yml`."
        )
    if address and colab(address, path):
        lines.append(
            f"- **Colab**: [open this lesson in Colab]({colab(address, path)}) and run {install} "
            "in a cell above the first."
        )
    else:
        lines.append(f"- **Colab**: upload the notebook, and run {install} in a cell above the first.")
    return "\n".join(["", "", ":::{admonition} Run this lesson", ":class: tip run-lesson", *lines, ":::"])


def lesson_page(notebook, path, address):
    """Return a lesson as the book shows it: how to run it, folded solutions, links to the bibliography."""
    page = copy.deepcopy(notebook)
    page.cells[0].source += how_to_run(path, address)
    for cell in page.cells:
        if cell.cell_type == "markdown":
            # JupyterLab folds a solution into three dots, the book behind a button.
            cell.source = citations.cite_reading(cell.source).replace("click on the dots to", "click to")
        elif "solution" in cell.metadata.get("tags", []):
            cell.metadata["tags"] = [*cell.metadata["tags"], "hide-cell"]
    names = package_names(notebook)
    if names:
        text = f"## From the package\n\nUsed in this lesson: {', '.join(f'`{name}`' for name in names)}."
        page.cells.append(nbformat.v4.new_markdown_cell(text))
    return page


def package_names(notebook):
    """Return the names of the package that a lesson's code uses, such as thresholds.Conformal."""
    pattern = re.compile(rf"\b(?:{'|'.join(modules())})\.[A-Za-z]\w*|\bAutoencoderDetector\b")
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    return sorted(name for name in set(pattern.findall(code)) if public(name))


def public(name):
    """Whether the package has a function or class of this name, as its source tells."""
    module, _, member = name.rpartition(".")
    body = parsed(module or "detector").body
    return member in {node.name for node in body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}


def assignment_page(notebook, name):
    """Return an assignment as the book shows it."""
    page = copy.deepcopy(notebook)
    first = next(cell for cell in page.cells if cell.cell_type == "markdown")
    first.source += (
        "\n\n:::{admonition} How to work on it\n:class: tip run-lesson\n"
        f"Take {{download}}`the notebook <../downloads/{name}>`, work on it in JupyterLab, and check it with "
        f"`aecourse check {name}` before you hand it in.\n:::"
    )
    return page


def modules():
    """Return the names of the modules that lessons and assignments import, in the order of the reference."""
    folder = ROOT / "aecourse"
    names = [path.stem for path in folder.glob("*.py")]
    names += [path.parent.name for path in folder.glob("*/__init__.py")]
    names = sorted(name for name in names if not name.startswith("_") and name not in COMMANDS)
    return [name for name in FIRST if name in names] + [name for name in names if name not in FIRST]


@functools.cache
def parsed(module):
    """Return a module's syntax tree: what it holds, without importing it."""
    path = ROOT / "aecourse" / module
    source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ast.parse(source.read_text(encoding="utf-8"))


def summary(name):
    """Return the first sentence of a module's docstring."""
    return ast.get_docstring(parsed(name)).partition("\n\n")[0].replace("\n", " ")


def reference_pages():
    """Return the pages of the reference: {path: text}."""

    def page(title, body):
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
        first, *rest = [f".. automodule:: {part}\n   :members:\n" for part in parts]
        for title, body in zip(parts[1:], rest, strict=True):
            first += f"\n{title}\n{'-' * len(title)}\n\n{body}"
        pages[f"reference/{name}.rst"] = page(parts[0], first)
    return pages


def toctree(caption, pages):
    return "\n".join(["```{toctree}", ":hidden:", f":caption: {caption}", "", *pages, "```", ""])


def landing(entries, assignments):
    """Return the landing page: docs/index.md with the generated tables and the order of all pages."""
    text = (DOCS / "index.md").read_text(encoding="utf-8")
    table = readme.course_map(entries).replace("(notebooks/", "(lessons/")
    text = readme.fill(readme.fill(text, "map", table), "results", readme.results(entries))
    trees = [toctree("Lessons", [f"lessons/{entry.path.stem}" for entry in entries])]
    trees.append(toctree("Try it", ["Threshold explorer <explorer/index>"]))
    trees.append(toctree("Assignments", [f"assignments/{path.stem}" for path in assignments]))
    trees.append(toctree("For instructors", ["The instructor's guide <instructors>"]))
    trees.append(toctree("Look up", ["glossary", "bibliography"]))
    reference = ["Conventions <reference/index>", *[f"reference/{name}" for name in modules()]]
    trees.append(toctree("The package", reference))
    return text + "\n" + "\n".join(trees)


def write_sources(folder):
    """Write the sources of all pages into an empty folder."""

    def write(path, content):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            target.write_text(content, encoding="utf-8")
        else:
            nbformat.write(content, target)

    settings = shutil.ignore_patterns("_ext", "_static", "conf.py", "*.toml", "*.bib")
    shutil.copytree(DOCS, folder, ignore=settings)
    entries, address = catalogue.read(), repository()
    for entry in entries:
        notebook = nbformat.read(entry.path, as_version=4)
        write(f"lessons/{entry.path.name}", lesson_page(notebook, f"notebooks/{entry.path.name}", address))
    assignments = sorted((ROOT / "assignments" / "release").glob("*/*.ipynb"))
    for path in assignments:
        write(f"assignments/{path.name}", assignment_page(nbformat.read(path, as_version=4), path.name))
    for path, text in reference_pages().items():
        write(path, text)
    write("index.md", landing(entries, assignments))
    write("instructors.md", (ROOT / "assignments" / "README.md").read_text(encoding="utf-8"))
    write("glossary.md", glossary.page())
    explorer_data.write_static(folder / "static" / "explorer")
    downloads = folder / "downloads"
    downloads.mkdir()
    for path in [*(entry.path for entry in entries), *assignments]:
        shutil.copy(path, downloads)


# --- Build ---------------------------------------------------------------------------------------


def fingerprint():
    """Return a digest of everything that the book is made of."""
    digest = hashlib.sha256(repr([repository(), sys.version]).encode())
    for name in PACKAGES:
        digest.update(f"{name} {importlib.metadata.version(name)}".encode())
    for name in INPUTS:
        top = ROOT / name
        for path in [top] if top.is_file() else sorted(top.rglob("*")):
            if path.is_file() and path.suffix != ".pyc" and ".ipynb_checkpoints" not in path.parts:
                digest.update(str(path.relative_to(ROOT)).encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()


@contextlib.contextmanager
def locked(path):
    """Let one process at a time build."""
    import fcntl

    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def sphinx(sources, out):
    """Run Sphinx; every warning is an error."""
    # A page that asked for something from a network would fail here, not at a reader's desk.
    names = ("http_proxy", "https_proxy", "all_proxy")
    nowhere = dict.fromkeys((*names, *map(str.upper, names)), "http://127.0.0.1:9")
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "sphinx",
            "-b",
            "html",
            "-W",
            "--keep-going",
            "-q",
            "-j",
            "2",
            "-c",
            DOCS,
            "-d",
            out.with_name("doctrees"),
            sources,
            out,
        ],
        env=os.environ | nowhere | {"NO_PROXY": "", "no_proxy": "", "TF_CPP_MIN_LOG_LEVEL": "3"},
    ).returncode


def build(site=SITE):
    """Build the book, unless what is there was built from the same sources; return its folder."""
    stamp = site / ".fingerprint"
    with locked(site.with_name(site.name + ".lock")):
        now = fingerprint()
        if stamp.exists() and stamp.read_text() == now:
            return site
        work = site.with_name(site.name + ".work")
        shutil.rmtree(work, ignore_errors=True)
        write_sources(work / "sources")
        if sphinx(work / "sources", work / "html") != 0:
            raise SystemExit("the book was not built: see the warnings above")
        (work / "html" / stamp.name).write_text(now)
        shutil.rmtree(site, ignore_errors=True)
        (work / "html").rename(site)
        shutil.rmtree(work)
    return site


# --- Serve ---------------------------------------------------------------------------------------


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serve files without a line for each request."""

    def log_message(self, *arguments):
        pass


def server(folder, port=0):
    """Return a server of a folder on 127.0.0.1, at a free port unless one is given."""
    return http.server.ThreadingHTTPServer(("127.0.0.1", port), functools.partial(Quiet, directory=folder))


def serve(folder, port, browser):
    """Serve a folder until Ctrl-C, and say where."""
    try:
        here = server(folder, port)
    except OSError:
        here = server(folder)
    address = f"http://127.0.0.1:{here.server_port}/"
    print(f"The book is at {address} (Ctrl-C ends it)", flush=True)
    if browser:
        webbrowser.open(address)
    with here, contextlib.suppress(KeyboardInterrupt):
        here.serve_forever()


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("-o", "--out", type=pathlib.Path, default=SITE, help="folder (_build/site)")
    parser.add_argument("--serve", action="store_true", help="serve the book on 127.0.0.1")
    parser.add_argument("--port", type=int, default=8000, help="port to try first (8000)")
    parser.add_argument("--no-browser", action="store_true", help="serve without opening a browser")
    options = parser.parse_args(arguments)
    site = build(options.out.resolve())
    print(f"The book is in {options.out}: open index.html, or run 'make site-open'")
    if options.serve:
        serve(site, options.port, not options.no_browser)
    return 0


if __name__ == "__main__":
    sys.exit(main())

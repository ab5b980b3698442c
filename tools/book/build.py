"""Build the book with Sphinx, unless what is there was built from the same sources."""

import hashlib
import importlib.metadata
import os
import shutil
import subprocess
import sys
from pathlib import Path

from filelock import FileLock
from nbformat import NotebookNode

from tools.book.pages import DOCS, ROOT, repository, write_run, write_sources
from tools.places import built_path, make_folder

SITE = built_path("site")
# What the pages are made of: a change of any of these is a reason to build again.
INPUTS = ("README.md", "pyproject.toml", "docs", "notebooks", "aecourse", "assignments", "tools")
SECONDS = ".processor_seconds"  # of the build, in its folder: the tests hold it to a limit
PACKAGES = ("sphinx", "myst-nb", "sphinx-book-theme", "pydata-sphinx-theme", "sphinxcontrib-bibtex")


def fingerprint() -> str:
    """Return a digest of everything that the book is made of."""
    digest = hashlib.sha256(repr([repository(), os.environ.get("AECOURSE_BOOK"), sys.version]).encode())
    for name in PACKAGES:
        digest.update(f"{name} {importlib.metadata.version(name)}".encode())
    for name in INPUTS:
        top = ROOT / name
        for path in [top] if top.is_file() else sorted(top.rglob("*")):
            left_out = {".ipynb_checkpoints", "slides"} & set(path.parts)
            if path.is_file() and path.suffix != ".pyc" and not left_out:
                digest.update(str(path.relative_to(ROOT)).encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()


def processor_seconds() -> float:
    """Return what this process and those that it has waited for have used of the processor."""
    return sum(os.times()[:4])


def sphinx(sources: Path, out: Path, strict: bool = True) -> int:
    """Run Sphinx and return its exit status; every warning is an error, if ``strict``."""
    # A page that asks for something from a network must fail here, not for a reader.
    names = ("http_proxy", "https_proxy", "all_proxy")
    nowhere = dict.fromkeys((*names, *map(str.upper, names)), "http://127.0.0.1:9")
    warnings = ("-W", "--keep-going") if strict else ()
    return subprocess.run(
        [
            *(sys.executable, "-m", "sphinx", "-b", "html", "-q", "-j", "2", *warnings),
            *("-c", DOCS, "-d", out.with_name("doctrees"), sources, out),
        ],
        cwd=ROOT,  # from which docs/conf.py imports tools.book
        env=os.environ | nowhere | {"NO_PROXY": "", "no_proxy": "", "TF_CPP_MIN_LOG_LEVEL": "3"},
    ).returncode


def build(site: Path = SITE) -> Path:
    """Build the book, unless the one there was built from the same sources; return its folder."""
    stamp = site / ".fingerprint"
    make_folder(site.parent)
    with FileLock(site.with_name(site.name + ".lock")):
        now = fingerprint()
        if stamp.exists() and stamp.read_text() == now:
            return site
        work = site.with_name(site.name + ".work")
        shutil.rmtree(work, ignore_errors=True)
        before = processor_seconds()
        write_sources(work / "sources")
        if sphinx(work / "sources", work / "html") != 0:
            raise SystemExit("the book was not built: see the warnings above")
        (work / "html" / stamp.name).write_text(now)
        (work / "html" / SECONDS).write_text(f"{processor_seconds() - before:.1f}")
        shutil.rmtree(site, ignore_errors=True)
        (work / "html").rename(site)
        shutil.rmtree(work)
    return site


def build_run(folder: Path, title: str, table: str, notebooks: dict[Path, NotebookNode]) -> None:
    """Build a book of executed lessons alone into a folder, in place of what is there."""
    make_folder(folder.parent)
    work = folder.with_name(folder.name + ".work")
    shutil.rmtree(work, ignore_errors=True)
    write_run(work / "sources", title, table, notebooks)
    # What a lesson prints on this machine may be anything, and is no reason to show nothing.
    if sphinx(work / "sources", work / "html", strict=False) != 0:
        raise SystemExit("the lessons ran, but their pages were not built: see the messages above")
    shutil.rmtree(folder, ignore_errors=True)
    (work / "html").rename(folder)
    shutil.rmtree(work)

"""Make the notebook of a lesson from its text: write, execute and tidy it.

People edit ``notebooks/text/NN_slug.md``; the notebook is generated, executed in order from a clean kernel::

    python -m tools.lesson make 06     text to notebook: written, executed, tidied
    python -m tools.lesson words 06    the same without executing, after an edit of words, tags or layout
    python -m tools.lesson format 06   lay out the code of the text with ruff, then the same as words
    python -m tools.lesson text 06     notebook to text, after an edit in JupyterLab
    python -m tools.lesson check       say which notebook and which text differ

A lesson is named by the beginning of its file's name. Cell ids survive; a new cell gets one, which is
written into the text. Executing twice gives the same file.
"""

import argparse
import ast
import os
import pathlib
import subprocess
import sys
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

from aecourse._support.files import write_whole
from tools import text as texts

NOTEBOOKS = pathlib.Path(__file__).resolve().parents[1] / "notebooks"


def text_path(notebook: pathlib.Path) -> pathlib.Path:
    """Return the path of the text that a lesson's notebook is made from."""
    return notebook.parent / "text" / f"{notebook.stem}.md"


def tidy(notebook: NotebookNode) -> None:
    """Drop what differs from run to run or from machine to machine; refuse what must not be stored."""
    notebook.metadata["kernelspec"] = dict(texts.KERNEL)
    notebook.metadata["language_info"] = dict(texts.LANGUAGE)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type != "code":
            continue
        for output in cell.outputs:
            if output.get("name") == "stderr":
                raise SystemExit(f"cell {cell.id} writes to standard error:\n{output.text}")
            if output.output_type == "error":
                raise SystemExit(f"cell {cell.id} fails: {output.ename}: {output.evalue}")
            if output.output_type == "execute_result":
                output.execution_count = cell.execution_count


def headless() -> None:
    """Set the environment in which lessons are executed without a reader: no progress bars."""
    os.environ["AECOURSE_PROGRESS"] = "0"


def execute(
    path: pathlib.Path, notebook: NotebookNode | None = None, timeout: int = 600, **hooks: Any
) -> NotebookNode:
    """Execute a notebook from a clean kernel, in its file's folder; return it with its outputs.

    The notebook is read from the file unless it is given. ``hooks`` are nbclient's, for example
    ``on_cell_executed``. If a cell fails, the outputs so far are in the notebook that was given.
    """
    headless()
    if notebook is None:
        notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name=texts.KERNEL["name"],
        resources={"metadata": {"path": str(pathlib.Path(path).parent)}},
        record_timing=False,
        coalesce_streams=True,  # or the number of pieces depends on how fast a cell prints
        extra_arguments=["--IPKernelApp.log_level=40"],  # or it warns of its own transport
        **hooks,
    )
    client.execute()
    return notebook


def described(path: pathlib.Path) -> NotebookNode:
    """Return the notebook that a lesson's text describes, or end with what is wrong in the text."""
    source = text_path(path)
    try:
        return texts.from_text(source.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SystemExit(f"{source} does not exist: run 'make lesson-text LESSON={path.name[:2]}'") from None
    except ValueError as error:
        raise SystemExit(f"{source}: {error}") from None


def make(path: pathlib.Path) -> None:
    """Write, execute and tidy the notebook of a lesson; nothing is written if a cell fails."""
    source, notebook = text_path(path), described(path)
    execute(path, notebook)
    tidy(notebook)
    write_whole(path, nbformat.writes(notebook) + "\n")
    write_whole(source, texts.to_text(notebook))  # with the ids of new cells


def same_code(one: NotebookNode, other: NotebookNode) -> bool:
    """Return whether two cells hold the same code, however it is laid out; comments do not count."""
    if one.source == other.source:
        return True
    try:
        return ast.dump(ast.parse(one.source)) == ast.dump(ast.parse(other.source))
    except SyntaxError:  # commands of IPython
        return False


def laid_out(code: str, near: pathlib.Path) -> str:
    """Return code as ruff lays it out by the settings of the folder of ``near``; broken code stays."""
    ruff = pathlib.Path(sys.executable).with_name("ruff")
    done = subprocess.run(
        [ruff, "format", "--stdin-filename", near.with_suffix(".py"), "-"],
        input=code,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    return done.stdout.rstrip("\n") if done.returncode == 0 else code


def format_code(path: pathlib.Path) -> None:
    """Lay out the code of a lesson's text, and write its notebook with the outputs that it has."""
    notebook = described(path)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = laid_out(cell.source, path)
    write_whole(text_path(path), texts.to_text(notebook))
    words(path)


def words(path: pathlib.Path) -> None:
    """Write the notebook of a lesson again with the outputs that it has; its code must do the same."""
    stored, notebook = nbformat.read(path, as_version=4), described(path)
    ran = {cell.id: cell for cell in stored.cells if cell.cell_type == "code"}
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    if [cell.id for cell in code] != list(ran) or not all(same_code(cell, ran[cell.id]) for cell in code):
        raise SystemExit(
            f"{path.name}: its code is not that of its text, so its outputs may not be either: "
            f"make lesson LESSON={path.name[:2]}"
        )
    for cell in code:
        cell.outputs, cell.execution_count = ran[cell.id].outputs, ran[cell.id].execution_count
    write_whole(path, nbformat.writes(notebook) + "\n")
    write_whole(text_path(path), texts.to_text(notebook))


def differs(path: pathlib.Path) -> bool:
    """Return whether a notebook is not what its text gives, outputs apart."""
    notebook = nbformat.read(path, as_version=4)
    made = described(path)
    for cell in (*notebook.cells, *made.cells):
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return (notebook.cells, notebook.metadata) != (made.cells, made.metadata)


def _chosen(beginnings: list[str], folder: pathlib.Path) -> list[pathlib.Path]:
    """Return the notebooks, existing or to be made, whose names begin so; all of them by default."""
    names = {path.stem for path in (*folder.glob("[0-9]*.ipynb"), *(folder / "text").glob("[0-9]*.md"))}
    if unknown := [each for each in beginnings if not any(name.startswith(each) for name in names)]:
        raise SystemExit(f"no lesson begins with {unknown[0]!r}; there are {', '.join(sorted(names))}")
    wanted = tuple(beginnings) or ("",)
    return [folder / f"{name}.ipynb" for name in sorted(names) if name.startswith(wanted)]


def main(arguments: list[str] | None = None) -> int:
    """Run one of the five commands."""
    parser = argparse.ArgumentParser(prog="python -m tools.lesson", description=__doc__.split("\n", 1)[0])
    parser.add_argument("command", choices=["make", "words", "format", "text", "check"])
    parser.add_argument("lessons", nargs="*", help="beginnings of file names; all lessons by default")
    parser.add_argument("--notebooks", type=pathlib.Path, default=NOTEBOOKS, help="folder of the lessons")
    options = parser.parse_args(arguments)
    status = 0
    for path in _chosen(options.lessons, options.notebooks):
        if options.command == "make":
            make(path)
            print(f"{path.name}: written, executed and tidied")
        elif options.command == "words":
            words(path)
            print(f"{path.name}: written with the outputs that it had")
        elif options.command == "format":
            format_code(path)
            print(f"{path.name}: its code is laid out")
        elif options.command == "text":
            write_whole(text_path(path), texts.to_text(nbformat.read(path, as_version=4)))
            print(f"{text_path(path).name}: written")
        elif differs(path):
            status = 1
            source = text_path(path).name
            print(f"{path.name} is not what {source} gives: make lesson LESSON={path.name[:2]}")
    return status


if __name__ == "__main__":
    sys.exit(main())

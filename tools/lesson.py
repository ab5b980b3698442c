"""Write, execute and tidy the lessons.

A lesson is a committed ``.ipynb``, executed in order from a clean kernel. Editing one by hand
is awkward, so it can be turned into a script and back; cell ids and tags survive::

    python tools/lesson.py to-script notebooks/06_mnist_zeros_lab.ipynb lesson.py
    python tools/lesson.py from-script lesson.py notebooks/06_mnist_zeros_lab.ipynb
    python tools/lesson.py execute notebooks/06_mnist_zeros_lab.ipynb

In the script a cell starts with ``# %%`` (code) or ``# %% [markdown]``, followed by
``id=…`` and ``tags=a,b``; Markdown lines are written as comments. ``execute`` stores the
outputs without timestamps, so that executing twice gives the same file but for pictures.
"""

import argparse
import os
import pathlib
import re
import sys

import nbformat
from nbclient import NotebookClient

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
LANGUAGE = {"name": "python", "file_extension": ".py", "mimetype": "text/x-python"}
HEADER = re.compile(r"^# %%(?P<markdown> \[markdown\])?(?P<options>.*)$")
# Folded in JupyterLab: a solution or an answer that the student opens.
FOLDED_TAG = "solution"


def to_script(notebook):
    """Return a notebook's cells as the text of a script."""
    parts = []
    for cell in notebook.cells:
        kind = " [markdown]" if cell.cell_type == "markdown" else ""
        tags = cell.metadata.get("tags", [])
        options = f" id={cell.id}" + (f" tags={','.join(tags)}" if tags else "")
        lines = cell.source.split("\n")
        if kind:
            lines = [f"# {line}".rstrip() for line in lines]
        parts.append("\n".join([f"# %%{kind}{options}", *lines]))
    return "\n\n".join(parts) + "\n"


def _slug(text, taken):
    """Make a cell id, of letters, digits and dashes, from the cell's first words."""
    words = re.findall(r"[a-z0-9]+", text.lower())
    base = "-".join(words)[:40].strip("-") or "cell"
    slug, number = base, 2
    while slug in taken:
        slug, number = f"{base}-{number}", number + 1
    return slug


def from_script(text):
    """Return the notebook that a script describes, without outputs."""
    notebook = nbformat.v4.new_notebook()
    notebook.metadata = {"kernelspec": dict(KERNEL), "language_info": dict(LANGUAGE)}
    blocks = []
    for line in text.split("\n"):
        header = HEADER.match(line)
        if header:
            blocks.append((header, []))
        elif blocks:
            blocks[-1][1].append(line)
        elif line.strip():
            raise SystemExit(f"the script must start with a '# %%' line; found {line!r}")
    taken = set()
    for header, lines in blocks:
        options = dict(option.split("=", 1) for option in header["options"].split())
        if header["markdown"]:
            lines = [re.sub(r"^# ?", "", line) for line in lines]
        source = "\n".join(lines).strip("\n")
        cell_id = options.get("id") or _slug(source, taken)
        if cell_id in taken:
            raise SystemExit(f"two cells have the id {cell_id!r}")
        taken.add(cell_id)
        make = nbformat.v4.new_markdown_cell if header["markdown"] else nbformat.v4.new_code_cell
        cell = make(source, id=cell_id)
        if "tags" in options:
            cell.metadata["tags"] = options["tags"].split(",")
            if FOLDED_TAG in cell.metadata["tags"] and not header["markdown"]:
                cell.metadata["jupyter"] = {"source_hidden": True}
        notebook.cells.append(cell)
    return notebook


def keep_outputs(new, old):
    """Copy stored outputs from cells of the same id and source, so that an edit of prose keeps them."""
    stored = {(cell.id, cell.source): cell for cell in old.cells if cell.cell_type == "code"}
    for cell in new.cells:
        before = stored.get((cell.id, cell.source))
        if before is not None:
            cell.outputs, cell.execution_count = before.outputs, before.execution_count


def tidy(notebook):
    """Drop what differs from run to run or from machine to machine; check what stays."""
    notebook.metadata = {"kernelspec": dict(KERNEL), "language_info": dict(LANGUAGE)}
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type != "code":
            continue
        for output in cell.outputs:
            if output.get("name") == "stderr":
                raise SystemExit(f"cell {cell.id} writes on standard error:\n{output.text}")
            if output.output_type == "error":
                raise SystemExit(f"cell {cell.id} fails: {output.ename}: {output.evalue}")
            if output.output_type == "execute_result":
                output.execution_count = cell.execution_count


def headless():
    """Set the environment in which lessons are executed without a reader: no progress bars."""
    os.environ["AECOURSE_PROGRESS"] = "0"


def execute(path, notebook=None, timeout=600, **hooks):
    """Execute a notebook from a clean kernel, in its file's folder; return it with its outputs.

    The notebook is read from the file unless it is given. ``hooks`` are nbclient's, for example
    ``on_cell_executed``. Where a cell fails the outputs so far are in the notebook that was given.
    """
    headless()
    if notebook is None:
        notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name=KERNEL["name"],
        resources={"metadata": {"path": str(pathlib.Path(path).parent)}},
        record_timing=False,
        extra_arguments=["--IPKernelApp.log_level=40"],  # else it warns of its own transport
        **hooks,
    )
    client.execute()
    return notebook


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("to-script", "from-script"):
        command = commands.add_parser(name)
        command.add_argument("source", type=pathlib.Path)
        command.add_argument("target", type=pathlib.Path)
    commands.add_parser("execute").add_argument("notebooks", nargs="+", type=pathlib.Path)
    options = parser.parse_args(arguments)

    if options.command == "to-script":
        options.target.write_text(to_script(nbformat.read(options.source, as_version=4)))
    elif options.command == "from-script":
        notebook = from_script(options.source.read_text())
        if options.target.exists():
            keep_outputs(notebook, nbformat.read(options.target, as_version=4))
        nbformat.write(notebook, options.target)
    else:
        for path in options.notebooks:
            notebook = execute(path)
            tidy(notebook)
            nbformat.write(notebook, path)
            print(f"{path}: {sum(cell.cell_type == 'code' for cell in notebook.cells)} code cells executed")


if __name__ == "__main__":
    sys.exit(main())

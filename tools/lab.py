"""Open JupyterLab on work/, the student's own copy of the lessons.

A file that the student has changed is never overwritten. If the same file changed in the
course too, the new one is put next to it, as ``NAME.update-1.ipynb``.
"""

import argparse
import hashlib
import json
import os
import shutil
import sys
from pathlib import Path

from aecourse._support.files import whole_file, write_whole

ROOT = Path(__file__).resolve().parents[1]
FIRST = "00_start_here.ipynb"  # what JupyterLab opens with
LEFT_OUT = {"__pycache__", "text"}  # the lessons' texts, with every solution in the open, are for authors
RECORD = ".copied.json"  # for each file: the hash of the course's version that was last copied


def digest(path: Path) -> str:
    """Return the hash of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def update_path(path: Path) -> Path:
    """Return a free name for an update of a file, next to the file."""
    number = 1
    while (candidate := path.with_name(f"{path.stem}.update-{number}{path.suffix}")).exists():
        number += 1
    return candidate


def copy(source: Path, target: Path) -> None:
    """Copy a file whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(target) as temporary:
        shutil.copyfile(source, temporary)


def update(lessons: Path, work: Path) -> list[str]:
    """Bring the working copy up to date; return a sentence for each file that was written."""
    work.mkdir(parents=True, exist_ok=True)
    record_path = work / RECORD
    record = json.loads(record_path.read_text()) if record_path.exists() else {}
    sentences = []
    for source in sorted(path for path in lessons.rglob("*") if path.is_file()):
        name = source.relative_to(lessons)
        if any(part.startswith(".") or part in LEFT_OUT for part in name.parts):
            continue
        target, new = work / name, digest(source)
        if not target.exists():
            copy(source, target)
            sentences.append(f"{name}: copied")
        elif record.get(str(name)) != new and digest(target) != new:
            if digest(target) == record.get(str(name)):  # unchanged since it was copied
                copy(source, target)
                sentences.append(f"{name}: brought up to date")
            else:
                added = update_path(target)
                copy(source, added)
                sentences.append(
                    f"{name}: changed in the course and by you; yours is kept, the new one is {added.name}"
                )
        record[str(name)] = new
        write_whole(record_path, json.dumps(record, indent=1, sort_keys=True))
    return sentences


def main(arguments: list[str] | None = None) -> int:
    """Bring the working copy up to date and become JupyterLab."""
    parser = argparse.ArgumentParser(prog="python -m tools.lab", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--lessons", type=Path, default=ROOT / "notebooks", help="folder of the lessons")
    parser.add_argument("--work", type=Path, default=ROOT / "work", help="folder of the working copy")
    parser.add_argument("--no-browser", action="store_true", help="print the address instead of opening it")
    parser.add_argument("--copy-only", action="store_true", help="bring the working copy up to date and stop")
    parser.add_argument("--port", type=int, default=8888, help="first port to try")
    options = parser.parse_args(arguments)
    for sentence in update(options.lessons, options.work):
        print(sentence)
    if options.copy_only:
        return 0
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={options.port}",
        f"--ServerApp.root_dir={options.work.resolve()}",
        f"--LabApp.default_url=/lab/tree/{FIRST}",
    ]
    if options.no_browser:
        command.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # in a container; the server still listens on 127.0.0.1 only
    os.execv(command[0], command)


if __name__ == "__main__":
    sys.exit(main())

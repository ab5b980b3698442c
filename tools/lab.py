"""Open JupyterLab on work/, the student's own copy of the lessons.

A file that the student has changed is never overwritten. Where the same file changed in the
course too, the new one is put beside it, as ``NAME.update-1.ipynb``.
"""

import argparse
import hashlib
import json
import os
import pathlib
import shutil
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
FIRST = "00_start_here.ipynb"  # what JupyterLab opens with
RECORD = ".copied.json"  # for each file: the hash of the course's version that was last copied


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def beside(path):
    """Return a free name for an update of a file, beside it."""
    number = 1
    while (candidate := path.with_name(f"{path.stem}.update-{number}{path.suffix}")).exists():
        number += 1
    return candidate


def copy(source, target):
    """Copy under another name first, so that an interruption leaves no half-written file."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".part")
    shutil.copyfile(source, partial)
    os.replace(partial, target)


def update(lessons, work):
    """Bring the working copy up to date; return a sentence for each file that was written."""
    work.mkdir(parents=True, exist_ok=True)
    record_path = work / RECORD
    record = json.loads(record_path.read_text()) if record_path.exists() else {}
    said = []
    for source in sorted(path for path in lessons.rglob("*") if path.is_file()):
        name = source.relative_to(lessons)
        if any(part.startswith(".") or part == "__pycache__" for part in name.parts):
            continue
        target, new = work / name, digest(source)
        if not target.exists():
            copy(source, target)
            said.append(f"{name}: copied")
        elif record.get(str(name)) != new and digest(target) != new:
            if digest(target) == record.get(str(name)):  # as it was copied: nothing of the student's in it
                copy(source, target)
                said.append(f"{name}: brought up to date")
            else:
                added = beside(target)
                copy(source, added)
                said.append(
                    f"{name}: changed in the course and by you; yours is kept, the new one is {added.name}"
                )
        record[str(name)] = new
        partial = record_path.with_name(RECORD + ".part")
        partial.write_text(json.dumps(record, indent=1, sort_keys=True))
        os.replace(partial, record_path)
    return said


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--lessons", type=pathlib.Path, default=ROOT / "notebooks")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "work")
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

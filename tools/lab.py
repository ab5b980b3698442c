"""Open JupyterLab on work/, the student's own copy of the lessons and assignments.

A file that the student has changed is never overwritten. If the same file changed in the course too, the new
one is put next to it, as ``NAME.update-1.ipynb``, and ``UPDATES.md`` in the list of files says so. Of a
notebook the cells' sources count: running, opening or saving it is no change.
"""

import argparse
import datetime
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from aecourse._support.files import whole_file, write_whole
from tools.places import HOME, ROOT, work_path

ASSIGNMENTS = ROOT / "assignments" / "release"
FIRST = "00_start_here.ipynb"  # what JupyterLab opens with
# The lessons' texts, with every solution in the open, and their table of contents are for authors.
LEFT_OUT = {"__pycache__", "text", "lessons.toml"}
RECORD = ".copied.json"  # for each file: the digest of the course's version that was last copied
UPDATES = "UPDATES.md"
UPDATES_TITLE = "# What updates of the course did\n\n"
# JupyterLab's settings for students: no news to agree to, no panels of nbgrader, which are for instructors.
# Sliders are heard in the kernel's own thread: in a second one, pictures and answers can be lost.
SETTINGS = Path(__file__).parent / "lab_settings"


def digest(path: Path) -> str:
    """Return the hash of a file; of a notebook, that of its cells' sources."""
    content = path.read_bytes()
    if path.suffix == ".ipynb":
        try:
            cells = [[cell["cell_type"], "".join(cell["source"])] for cell in json.loads(content)["cells"]]
            content = json.dumps(cells).encode()
        except (ValueError, KeyError, TypeError):
            pass  # not a notebook any more: its bytes count
    return hashlib.sha256(content).hexdigest()


def is_as_recorded(path: Path, recorded: str | None) -> bool:
    """Say whether a file is the one that was copied; earlier records hold hashes of bytes."""
    return recorded in (digest(path), hashlib.sha256(path.read_bytes()).hexdigest())


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


def sources(lessons: Path, assignments: Path) -> dict[str, Path]:
    """Return the files of the working copy, by their places in it."""
    found = {path.relative_to(lessons): path for path in lessons.rglob("*") if path.is_file()}
    for path in assignments.rglob("*"):
        if path.is_file():
            found[Path("assignments") / path.relative_to(assignments)] = path
    return {
        name.as_posix(): path
        for name, path in sorted(found.items())
        if not any(part.startswith(".") or part in LEFT_OUT for part in name.parts)
    }


def read_record(path: Path) -> dict[str, str]:
    """Return the record of what was copied; empty if there is none or it is damaged, so that all is kept."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return record if isinstance(record, dict) else {}
    except (FileNotFoundError, ValueError):
        return {}


def note_update(path: Path, sentences: list[str]) -> None:
    """Write what an update did above what earlier ones did."""
    earlier = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    lines = "".join(f"- {sentence}\n" for sentence in sentences)
    today = f"{UPDATES_TITLE}## {datetime.date.today().isoformat()}\n\n{lines}"
    write_whole(path, f"{today}\n{earlier.removeprefix(UPDATES_TITLE)}".rstrip() + "\n")


def update(lessons: Path, work: Path, assignments: Path = ASSIGNMENTS) -> list[str]:
    """Bring the working copy up to date; return a sentence for each file that was written."""
    work.mkdir(parents=True, exist_ok=True)
    record_path = work / RECORD
    is_first = not record_path.exists()
    record = read_record(record_path)
    sentences = []
    for name, source in sources(lessons, assignments).items():
        target, new = work / name, digest(source)
        if not target.exists():
            copy(source, target)
            sentences.append(f"{name}: copied")
        elif record.get(name) != new and digest(target) != new:
            if is_as_recorded(target, record.get(name)):
                copy(source, target)
                sentences.append(f"{name}: brought up to date")
            elif not is_as_recorded(source, record.get(name)):
                added = update_path(target)
                copy(source, added)
                sentences.append(
                    f"{name}: changed in the course and by you; yours is kept, the new one is {added.name}"
                )
        if record.get(name) != new:
            record[name] = new
            write_whole(record_path, json.dumps(record, indent=1, sort_keys=True))
    if sentences and not is_first:
        note_update(work / UPDATES, sentences)
    return sentences


def environment(work: Path) -> dict[str, str]:
    """Return the environment of JupyterLab and its kernels.

    Our kernel comes before those of other installations, and settings of Keras for other work do not count.
    Where the home cannot be written, what Jupyter and others keep there goes into a hidden folder of
    ``work``.
    """

    def before(name: str, path: Path) -> str:
        return os.pathsep.join([str(path), *filter(None, [os.environ.get(name)])])

    changed = {
        "JUPYTER_PREFER_ENV_PATH": "1",
        "JUPYTER_PATH": before("JUPYTER_PATH", Path(sys.prefix) / "share" / "jupyter"),
        "JUPYTER_CONFIG_PATH": before("JUPYTER_CONFIG_PATH", SETTINGS),
        "KERAS_BACKEND": "tensorflow",
    }
    if not os.access(HOME, os.W_OK):
        home = work.resolve() / ".home"
        home.mkdir(exist_ok=True)
        names = (
            "JUPYTER_CONFIG_DIR",
            "JUPYTER_DATA_DIR",
            "JUPYTER_RUNTIME_DIR",
            "IPYTHONDIR",
            "MPLCONFIGDIR",
        )
        changed |= {name: str(home / name.lower()) for name in (*names, "KERAS_HOME", "AECOURSE_CACHE")}
        changed["PYTENSOR_FLAGS"] = f"base_compiledir={home / 'pytensor'}"
    return {**os.environ, **changed}


def main(arguments: list[str] | None = None) -> int:
    """Bring the working copy up to date and become JupyterLab."""
    parser = argparse.ArgumentParser(prog="python -m tools.lab", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--lessons", type=Path, default=ROOT / "notebooks", help="folder of the lessons")
    parser.add_argument("--work", type=Path, default=work_path(), help="folder of the working copy")
    parser.add_argument("--no-browser", action="store_true", help="print the address instead of opening it")
    parser.add_argument("--copy-only", action="store_true", help="bring the working copy up to date and stop")
    parser.add_argument("--port", type=int, default=8888, help="first port to try")
    options = parser.parse_args(arguments)
    try:
        for sentence in update(options.lessons, options.work):
            print(sentence)
    except OSError as error:
        print(
            f"The working copy {options.work} could not be written ({error}). Name a folder of yours: "
            "AECOURSE_WORK=FOLDER make lab",
            file=sys.stderr,
        )
        return 1
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
    if os.name == "nt":  # there, the console would not wait for a program that takes our place
        return subprocess.call(command, env=environment(options.work))
    os.execve(command[0], command, environment(options.work))


if __name__ == "__main__":
    sys.exit(main())

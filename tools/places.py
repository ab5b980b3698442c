"""Where the tools write: into the checkout, or to a place of the user's own if the checkout is read-only."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HOME = Path(os.path.expanduser("~"))  # Path.home() fails for a user of whom the machine knows no home


def work_path() -> Path:
    """Return the folder of the working copy: $AECOURSE_WORK, work/, or one at home if that is read-only."""
    default = ROOT / "work" if os.access(ROOT, os.W_OK) else HOME / "aecourse-work"
    return Path(os.path.expanduser(os.environ.get("AECOURSE_WORK", default)))


def built_path(name: str) -> Path:
    """Return the folder for pages and other things made from the lessons: in _build, as ``name``.

    In a read-only checkout, _build is next to the student's own lessons.
    """
    parent = ROOT if os.access(ROOT, os.W_OK) else work_path()
    return parent / "_build" / name


def make_folder(folder: Path) -> None:
    """Make a folder to write in, or end the command with a sentence."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SystemExit(
            f"{folder} cannot be made ({error.strerror}). Name a folder of your own with -o FOLDER, or "
            "one for all that the course writes with the environment variable AECOURSE_WORK."
        ) from error

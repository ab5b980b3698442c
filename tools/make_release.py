"""Make the notebooks of each assignment from its text: the instructor's source and the students' version.

python -m tools.make_release            write assignments/source/ and assignments/release/
python -m tools.make_release --check    fail if a notebook differs from what its text gives
"""

import argparse
import sys
from pathlib import Path

import nbformat

from aecourse._support.files import write_whole
from aecourse.grading import assignment
from tools import text as texts

FOLDER = Path(__file__).resolve().parents[1] / "assignments"


def notebooks() -> dict[Path, bytes]:
    """Return what every text gives: the source and the released notebook, by path."""
    made = {}
    for path in sorted((FOLDER / "text").glob("*.md")):
        source = (nbformat.writes(texts.from_text(path.read_text(encoding="utf-8"))) + "\n").encode()
        place = Path(path.stem) / f"{path.stem}.ipynb"
        made[FOLDER / "source" / place] = source
        made[FOLDER / "release" / place] = assignment.release(assignment.read(source))
    return made


def main(arguments: list[str] | None = None) -> int:
    """Write or check the notebooks; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if one differs")
    options = parser.parse_args(arguments)
    differ = 0
    for path, content in notebooks().items():
        if path.is_file() and path.read_bytes() == content:
            continue
        differ += 1
        if options.check:
            print(f"{path} is not what its text gives; run 'make assignments'", file=sys.stderr)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, content)
            print(path)
    return int(options.check and differ > 0)


if __name__ == "__main__":
    sys.exit(main())

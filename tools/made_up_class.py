"""A made-up class: thirty submissions that do what real and hostile ones do.

``make grade-demo`` grades it and opens the report.
"""

import argparse
import os
import pathlib
import shutil
import sys
import webbrowser
from collections.abc import Iterable

from aecourse import cli
from aecourse.grading import assignment
from tools.hostile_submissions import Case, cases
from tools.made_up_assignment import FULL_MARKS, NAME, PARTS, WRONG, source, submission

# Most submissions of a class are honest, and some of the hard ones are among them.
HARD_CASES_SHOWN = (
    "loop exit deleted-test raised-points same-ids stripped output patched truncated nulls symlink script "
    "bomb memory-of-many reader other"
).split()


def class_of_30(about: assignment.Assignment) -> list[Case]:
    """Return thirty cases: fourteen honest submissions of different quality, and sixteen hard ones."""
    hard = [case for case in cases(about) if case.label in HARD_CASES_SHOWN]
    honest = []
    for number in range(30 - len(hard)):
        # The bits of the number say which parts are wrong; from student 9 on all are right.
        wrong = {name: WRONG[name] for bit, name in enumerate(PARTS) if number >> bit & 1 and number < 9}
        marks = FULL_MARKS | {f"test-{name}": 0 for name in wrong}
        honest.append(Case(f"student-{number}", submission(about, wrong), marks=marks))
    return honest + hard


def write_class(folder: str | os.PathLike[str], rows: Iterable[Case]) -> dict[str, str]:
    """Write the submissions as an LMS names them; return the student ids by label."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    students = {}
    for number, case in enumerate(rows, 10_001):
        path = folder / f"{case.label}_{number}_{NAME} (1){case.suffix}"
        if case.place is not None:
            case.place(path)
        else:
            path.write_bytes(case.data)
        students[case.label] = str(number)
    return students


def show(address: str) -> None:
    """Open an address in a browser; without a display, print what to open."""
    # Without one a browser in text mode could start and wait for keys.
    display = sys.platform != "linux" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if not (display and webbrowser.open(address)):
        print(f"This machine has no display for the report. Open it in a browser: {address}")


def main() -> int:
    """Grade the made-up class and open its report."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", nargs="?", type=pathlib.Path, default=pathlib.Path("_build/grade-demo"))
    parser.add_argument("--no-browser", action="store_true", help="do not open the report")
    options = parser.parse_args()
    submissions, results = options.folder / "submissions", options.folder / "results"
    path = options.folder / "source" / f"{NAME}.ipynb"
    for folder in (submissions, path.parent):
        shutil.rmtree(folder, ignore_errors=True)
    path.parent.mkdir(parents=True)
    path.write_bytes(source())
    write_class(submissions, class_of_30(assignment.read(source())))
    status = cli.main(["grade", str(submissions), "-o", str(results), "-a", str(path)])
    if status == 0 and not options.no_browser:
        show((results / "report.html").resolve().as_uri())
    return status


if __name__ == "__main__":
    raise SystemExit(main())

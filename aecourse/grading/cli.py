"""The commands ``aecourse grade`` and ``aecourse check``."""

import argparse
import collections
import csv
import json
import pathlib
import re
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aecourse.grading.record import Record
    from aecourse.grading.selfcheck import SelfCheck
    from aecourse.grading.submissions import Incoming

SOURCES = pathlib.Path("assignments/source")
RELEASES = pathlib.Path("assignments/release")


def add_commands(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``grade`` and ``check`` to the parser of the command line.

    Parameters
    ----------
    subparsers : argparse._SubParsersAction
        As returned by ``ArgumentParser.add_subparsers``; each command sets ``run``.
    """
    grade = subparsers.add_parser("grade", help="grade a class's notebooks in a sandbox")
    grade.add_argument(
        "submissions",
        type=pathlib.Path,
        metavar="SUBMISSIONS",
        help="a folder or zip file with a folder or zip file for each student, or a download from an LMS",
    )
    grade.add_argument(
        "-o",
        "--output",
        type=pathlib.Path,
        required=True,
        metavar="RESULTS",
        help="folder for grades, feedback, report and gradebook; a second run resumes there",
    )
    grade.add_argument(
        "-a",
        "--assignment",
        metavar="SOURCE",
        help="the source notebook, or its name under assignments/source (default: guessed)",
    )
    grade.add_argument(
        "--roster", type=pathlib.Path, metavar="CSV", help="class list: id and name in two columns"
    )
    grade.add_argument("--scheduler", metavar="ADDRESS", help="a Dask scheduler, tcp://host:port")
    grade.add_argument(
        "--workers",
        type=int,
        metavar="COUNT",
        help="submissions graded at the same time on this machine (default: its number of cores)",
    )
    grade.add_argument(
        "--trusted",
        action="store_true",
        help="run without a sandbox: only for submissions that you trust like your own code",
    )
    grade.set_defaults(run=run_grade)
    check = subparsers.add_parser("check", help="run the visible tests of your own assignment notebook")
    check.add_argument("notebook", type=pathlib.Path, metavar="NOTEBOOK", help="your .ipynb file")
    check.set_defaults(run=run_check)


def _known_sources() -> dict[str, pathlib.Path]:
    paths = sorted(SOURCES.glob("*/*.ipynb"))
    return {path.parent.name: path for path in paths if path.stem == path.parent.name}


def _find_source(wanted: str | None, submissions: Sequence["Incoming"]) -> pathlib.Path:
    """Return the path of the assignment's source: the one named, or that of most submissions."""
    known = _known_sources()
    if wanted is not None:
        path = known.get(wanted, pathlib.Path(wanted))
        if not path.is_file():
            here = ", ".join(known) or "none"
            raise OSError(f"--assignment {wanted}: this notebook does not exist; known here: {here}.")
        return path
    votes: collections.Counter[str] = collections.Counter()
    for incoming in submissions:
        for name in known:
            in_metadata = re.search(rb'"assignment":\s*"%s"' % re.escape(name).encode(), incoming.data or b"")
            in_path = rf"(?:^|[^a-z0-9]){re.escape(name)}(?:[^a-z0-9]|$)"
            if in_metadata or re.search(in_path, incoming.origin.lower()):
                votes[name] += 1
    if not votes:
        raise OSError("the assignment could not be guessed from the submissions; name it with --assignment.")
    return known[votes.most_common(1)[0][0]]


def _read_roster(path: pathlib.Path) -> dict[str, str]:
    with open(path, newline="", encoding="utf-8-sig") as stream:
        rows = [row for row in csv.reader(stream) if len(row) >= 2 and row[0].strip()]
    return {row[0].strip(): row[1].strip() for row in rows if row[0].strip().lower() not in ("id", "student")}


def run_grade(options: argparse.Namespace) -> int:
    """Grade a class; return the exit status."""
    if not sys.platform.startswith("linux"):
        print(
            "The grader runs submissions in a sandbox of Linux, and so needs Linux, for example in a virtual "
            "machine or in WSL. Students check their own notebooks anywhere: aecourse check NOTEBOOK",
            file=sys.stderr,
        )
        return 1
    from aecourse.grading import assignment, batch, submissions
    from aecourse.grading.sandbox import process

    try:
        if options.scheduler is None and not options.trusted:
            process.require()
        roster = _read_roster(options.roster) if options.roster else None
        collected = submissions.collect(options.submissions, roster=roster)
        if not collected:
            raise OSError(f"{options.submissions} does not contain a submission.")
        source = _find_source(options.assignment, collected).read_bytes()
        # Among several notebooks of a student, the one that is named like the assignment counts.
        about = assignment.read(source)
        collected = submissions.collect(options.submissions, about.name, roster)
        records, n_computed = batch.grade_all(
            source,
            collected,
            batch.Store(options.output / "records"),
            scheduler=options.scheduler,
            workers=options.workers,
            trusted=options.trusted,
        )
    except (process.SandboxMissing, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted. What was graded is kept; the same command continues from there.", file=sys.stderr)
        return 130
    return _write_results(options.output, source, records, n_computed)


def _write_results(folder: pathlib.Path, source: bytes, records: Sequence["Record"], n_computed: int) -> int:
    """Write what came of a class and print a summary; return the exit status."""
    from aecourse.grading import assignment, gradebook, results
    from aecourse.grading.record import Status

    about = assignment.read(source)
    course = folder / "nbgrader"
    marks = gradebook.marks(course, about) if gradebook.available() else {}
    with_marks = [record.with_marks(marks) for record in records]
    written = results.write(folder, about, with_marks)
    counts = collections.Counter(record.status for record in records)
    n_kept = len(records) - n_computed
    print(f"{len(records)} submissions of {about.name}, {n_computed} graded now, {n_kept} kept")
    for status, count in counts.most_common():
        print(f"  {count:4d}  {status}")
    if gradebook.available():
        written["gradebook"] = gradebook.write(course, about, source, records)
    else:
        print(gradebook.HOW_TO_GET_IT)
    for name, file in written.items():
        print(f"{name}: {file}")
    n_waiting = sum(record.unmarked > 0 for record in with_marks)
    if n_waiting:
        print(
            f"{n_waiting} submissions have answers for a person to mark: run `jupyter lab` in {course}, "
            "then open Formgrader.\nThe same command, given again, puts the marks into the tables and pages."
        )
    return 1 if counts[Status.GRADER_FAILED] else 0


def _visible_tests(data: bytes) -> bytes:
    """Return the notebook whose tests check a student's file: the released one, or the file itself."""
    try:
        name = json.loads(data)["metadata"]["aecourse"]["assignment"]
    except (ValueError, KeyError, TypeError):
        return data
    if isinstance(name, str) and re.fullmatch(r"[A-Za-z0-9_-]+", name):
        released = RELEASES / name / f"{name}.ipynb"
        if released.is_file():
            return released.read_bytes()
    return data


def _check_student(cells: Sequence[Mapping[str, Any]]) -> None:
    """Refuse a notebook that asks for an id and still has the placeholder."""
    from aecourse.homework import personal

    code = "\n".join(cell["source"] for cell in cells if cell["cell_type"] == "code")
    typed = re.search(r"^student_id\s*=\s*[\"'](.+?)[\"']", code, re.MULTILINE)
    if typed:
        personal.confirmed(typed[1])


def run_check(options: argparse.Namespace) -> int:
    """Run the visible tests of a student's own notebook; return 1 if one fails."""
    from aecourse.grading import assignment, selfcheck, submissions

    try:
        data = options.notebook.read_bytes()
        cells, _ = submissions.read_notebook(data)
        about = assignment.read(_visible_tests(data))
        if not assignment.has_tests(about):
            raise ValueError("it has no tests. Start again from the notebook that you were given.")
        _check_student(cells)
        return _print_check(selfcheck.check(about, cells, str(options.notebook.resolve().parent)))
    except (submissions.Refused, OSError, ValueError) as error:
        print(f"{options.notebook}: {error}", file=sys.stderr)
        return 1


def _print_check(result: "SelfCheck") -> int:
    """Print which visible tests pass; return the exit status."""
    for outcome, title, message in result.parts:
        print(f"{outcome:>12}  {title}{': ' if message else ''}{message}")
    for stop in result.stops:
        print(f"  a cell stops with {stop}")
    if result.ended:
        print(result.ended)
    print(
        f"{'All visible tests pass.' if result.passed else 'Some parts do not pass yet.'} "
        "The hidden tests check the same properties on other data."
    )
    return 0 if result.passed else 1

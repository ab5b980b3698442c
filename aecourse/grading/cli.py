"""The commands ``aecourse grade`` and ``aecourse check``."""

import collections
import csv
import json
import pathlib
import re
import sys

SOURCES = pathlib.Path("assignments/source")
RELEASES = pathlib.Path("assignments/release")


def add_commands(subparsers):
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
        help="a folder or zip: a folder or zip a student, or an LMS download as it comes",
    )
    grade.add_argument(
        "-o",
        "--output",
        type=pathlib.Path,
        required=True,
        metavar="RESULTS",
        help="folder for grades, feedback, report and gradebook; grading again resumes there",
    )
    grade.add_argument(
        "-a",
        "--assignment",
        metavar="SOURCE",
        help="the source notebook, or its name under assignments/source; guessed where omitted",
    )
    grade.add_argument(
        "--roster", type=pathlib.Path, metavar="CSV", help="class list: id and name in two columns"
    )
    grade.add_argument("--scheduler", metavar="ADDRESS", help="a Dask scheduler, tcp://host:port")
    grade.add_argument("--workers", type=int, help="submissions at once on this machine (default: its cores)")
    grade.add_argument(
        "--trusted",
        action="store_true",
        help="run without a sandbox: only for submissions that you trust as your own code",
    )
    grade.set_defaults(run=run_grade)
    check = subparsers.add_parser("check", help="run the visible tests of your own assignment notebook")
    check.add_argument("notebook", type=pathlib.Path)
    check.set_defaults(run=run_check)


def _known_sources():
    return {
        path.parent.name: path for path in sorted(SOURCES.glob("*/*.ipynb")) if path.stem == path.parent.name
    }


def _find_source(wanted, submissions):
    """Return the path of the assignment's source: the one named, or the one that most submissions are of."""
    known = _known_sources()
    if wanted is not None:
        path = known.get(wanted, pathlib.Path(wanted))
        if not path.is_file():
            raise OSError(
                f"--assignment {wanted}: no such notebook; known here: {', '.join(known) or 'none'}."
            )
        return path
    votes = collections.Counter()
    for incoming in submissions:
        for name in known:
            said = re.search(rb'"assignment":\s*"%s"' % re.escape(name).encode(), incoming.data or b"")
            if said or re.search(
                rf"(?:^|[^a-z0-9]){re.escape(name)}(?:[^a-z0-9]|$)", incoming.origin.lower()
            ):
                votes[name] += 1
    if not votes:
        raise OSError("which assignment these are of could not be guessed; say it with --assignment.")
    return known[votes.most_common(1)[0][0]]


def _read_roster(path):
    with open(path, newline="", encoding="utf-8-sig") as stream:
        rows = [row for row in csv.reader(stream) if len(row) >= 2 and row[0].strip()]
    return {row[0].strip(): row[1].strip() for row in rows if row[0].strip().lower() not in ("id", "student")}


def run_grade(options):
    """Grade a class; return the exit status."""
    from aecourse.grading import assignment, batch, gradebook, results
    from aecourse.grading import submissions as preflight
    from aecourse.grading.sandbox import process as sandbox

    try:
        if options.scheduler is None and not options.trusted:
            sandbox.require()
        roster = _read_roster(options.roster) if options.roster else None
        first = preflight.collect(options.submissions, roster=roster)
        path = _find_source(options.assignment, first)
        source = path.read_bytes()
        about = assignment.read(source)
        submissions = preflight.collect(options.submissions, about.name, roster)
        if not submissions:
            print(f"{options.submissions} holds no submission.", file=sys.stderr)
            return 1
        records, computed = batch.grade_all(
            source,
            submissions,
            batch.Store(options.output / "records"),
            scheduler=options.scheduler,
            workers=options.workers,
            trusted=options.trusted,
        )
    except (sandbox.SandboxMissing, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted. What was graded is kept; the same command goes on from there.", file=sys.stderr)
        return 130
    place = options.output / "nbgrader"
    marked = gradebook.marks(place, about) if gradebook.available() else {}
    with_marks = [record.with_marks(marked) for record in records]
    written = results.write(options.output, about, with_marks)
    counts = collections.Counter(record.status for record in records)
    print(
        f"{len(records)} submissions of {about.name}, {computed} graded now, {len(records) - computed} kept"
    )
    for status, count in counts.most_common():
        print(f"  {count:4d}  {status}")
    if gradebook.available():
        written["gradebook"] = gradebook.write(place, about, source, records)
    else:
        print(gradebook.HOW_TO_GET_IT)
    for name, file in written.items():
        print(f"{name}: {file}")
    waiting = sum(record.unmarked > 0 for record in with_marks)
    if waiting:
        print(
            f"{waiting} submissions hold answers that a person marks: `jupyter lab` in {place}, "
            "then Formgrader.\nThe same command again puts the marks into the tables and pages."
        )
    return 1 if counts["grader failed"] else 0


def _own_tests(data):
    """Return the notebook whose tests check a student's file: the released one, or the file itself."""
    try:
        name = json.loads(data)["metadata"]["aecourse"]["assignment"]
    except (ValueError, KeyError, TypeError):
        name = None
    released = RELEASES / str(name) / f"{name}.ipynb"
    if name and re.fullmatch(r"[A-Za-z0-9_-]+", str(name)) and released.is_file():
        return released.read_bytes()
    return data


def run_check(options):
    """Run the visible tests of a student's own notebook; return 1 where one fails."""
    from aecourse.grading import assignment
    from aecourse.grading import grade as task
    from aecourse.grading import submissions as preflight
    from aecourse.homework import personal

    try:
        data = options.notebook.read_bytes()
        cells, _ = preflight.read_notebook(data)
        source = _own_tests(data)
        about = assignment.read(source)
    except (preflight.Refused, OSError, ValueError, KeyError) as error:
        print(f"{options.notebook}: {error}", file=sys.stderr)
        return 1
    if not assignment.has_tests(about):
        print(
            f"{options.notebook} holds no tests. Start again from the notebook you were given.",
            file=sys.stderr,
        )
        return 1
    code = "\n".join(cell["source"] for cell in cells if cell["cell_type"] == "code")
    typed = re.search(r"^student_id\s*=\s*[\"'](.+?)[\"']", code, re.MULTILINE)
    try:
        student = personal.confirmed(typed.group(1)) if typed else ""
    except ValueError as error:
        print(f"{options.notebook}: {error}", file=sys.stderr)
        return 1
    incoming = preflight.Incoming(student, "", str(options.notebook), data)
    # A student's own notebook on the student's own machine: no sandbox is needed.
    record = task.grade(source, incoming, trusted=True)
    for cell in record.cells:
        if cell.kind == "test":
            print(f"{cell.outcome:>12}  {cell.title}" + (f": {cell.message}" if cell.message else ""))
        else:
            print(f"{cell.outcome:>12}  {cell.title}")
    for shown in record.shown:
        error = (shown["report"] or {}).get("error")
        if error:
            print(f"  a cell stops with {error['name']}: {error['message'][:200]}")
    if record.status not in ("graded", "graded after repair"):
        print(f"{record.status}: {record.message}")
    failed = [cell for cell in record.cells if cell.kind == "test" and cell.outcome != "passed"]
    print(
        f"{'Some parts do not pass yet.' if failed else 'All visible tests pass.'} "
        "The hidden tests check the same properties on other data."
    )
    return 1 if failed or record.status not in ("graded", "graded after repair") else 0

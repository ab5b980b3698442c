"""The commands ``aecourse collect``, ``aecourse grade`` and ``aecourse check``."""

import argparse
import collections
import json
import pathlib
import re
import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aecourse._support.terminal import say
from aecourse._support.wording import counted

if TYPE_CHECKING:
    from aecourse.grading import collecting, deadlines
    from aecourse.grading.assignment import Assignment
    from aecourse.grading.record import Record
    from aecourse.grading.selfcheck import SelfCheck
    from aecourse.grading.submissions import Incoming

SOURCES = pathlib.Path("assignments/source")
RELEASES = pathlib.Path("assignments/release")


def add_commands(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``collect``, ``grade`` and ``check`` to the parser of the command line.

    Parameters
    ----------
    subparsers : argparse._SubParsersAction
        As returned by ``ArgumentParser.add_subparsers``; each command sets ``run``.
    """
    class_of = argparse.ArgumentParser(add_help=False)
    class_of.add_argument(
        "submissions",
        type=pathlib.Path,
        metavar="SUBMISSIONS",
        help="a folder or archive with a folder or archive for each student, or a download from a platform",
    )
    class_of.add_argument(
        "-a",
        "--assignment",
        metavar="SOURCE",
        help="the source notebook, or its name under assignments/source (default: guessed)",
    )
    class_of.add_argument(
        "--roster",
        type=pathlib.Path,
        metavar="CSV",
        help="class list with headings such as id, name, login, email, group; without headings: id, name",
    )
    class_of.add_argument(
        "--encoding", metavar="NAME", help="encoding of the class list (default: found, else asked for)"
    )
    class_of.add_argument(
        "--pattern",
        metavar="TEXT",
        help="how files are named, such as '{name}_{id}_*', where no platform's pattern fits",
    )
    collect = subparsers.add_parser(
        "collect",
        parents=[class_of],
        help="write a table of which file is whose, to read and correct before grading",
    )
    collect.add_argument(
        "-o",
        "--output",
        type=pathlib.Path,
        default=pathlib.Path("students.csv"),
        metavar="TABLE",
        help="table to write (default: students.csv); corrections in an existing one are kept",
    )
    collect.set_defaults(run=run_collect)
    grade = subparsers.add_parser("grade", parents=[class_of], help="grade a class's notebooks in a sandbox")
    grade.add_argument(
        "-o",
        "--output",
        type=pathlib.Path,
        required=True,
        metavar="RESULTS",
        help="folder for grades, feedback, report and gradebook; a second run resumes there",
    )
    grade.add_argument(
        "--students",
        type=pathlib.Path,
        metavar="TABLE",
        help="the table that `aecourse collect` wrote, as you corrected it",
    )
    grade.add_argument(
        "--force",
        action="store_true",
        help="grade although it is unclear whose a file is or which is the last: the report says where",
    )
    grade.add_argument(
        "--due",
        metavar="DATE",
        help="when it is due, such as '2027-03-01 23:59' (a day alone ends at its end); the class list may "
        "give an extension in days or as a date",
    )
    grade.add_argument(
        "--late-penalty",
        type=_percent,
        default=0.0,
        metavar="PERCENT",
        help="percent of a student's points that each day begun after the due date costs (default: 0)",
    )
    grade.add_argument(
        "--free-days",
        type=_days,
        default=0,
        metavar="DAYS",
        help="days late that cost a student nothing, over this assignment and those of --earlier together",
    )
    grade.add_argument(
        "--earlier",
        action="append",
        type=pathlib.Path,
        default=[],
        metavar="RESULTS",
        help="results of an earlier assignment, in which free days were used; may be given several times",
    )
    grade.add_argument(
        "--regrade",
        action="append",
        default=[],
        metavar="ID",
        help="grade this student again, whatever is stored; may be given several times",
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


def _percent(text: str) -> float:
    """Read a percentage as a share."""
    try:
        value = float(text.removesuffix("%").replace(",", "."))
    except ValueError:
        value = -1.0
    if not 0 <= value <= 100:
        raise argparse.ArgumentTypeError(f"must be a number from 0 to 100, such as 10; found {text!r}")
    return value / 100


def _days(text: str) -> int:
    """Read a number of whole days."""
    if not re.fullmatch(r"\d{1,3}", text):
        raise argparse.ArgumentTypeError(f"must be a number of days such as 5; found {text!r}")
    return int(text)


def _deadline(options: argparse.Namespace) -> "deadlines.Deadline | None":
    """Return when the assignment is due and what lateness costs, or None if it is not due."""
    from aecourse.grading import deadlines, results, roster

    if options.free_days and not options.due:
        raise ValueError("--free-days is of use with a due date only; give --due, too.")
    if options.earlier and not options.free_days:
        raise ValueError(
            "--earlier tells how many free days were used; say how many there are by --free-days."
        )
    if options.output.resolve() in [folder.resolve() for folder in options.earlier]:
        raise ValueError(f"--earlier {options.output}: these are the results of this assignment itself.")
    if not options.due:
        return None
    used = results.free_days_used(options.earlier)
    return deadlines.Deadline(roster.moment(options.due), options.late_penalty, options.free_days, used)


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


def _find(
    options: argparse.Namespace, table: Sequence["collecting.Row"] | None
) -> tuple["collecting.Found", pathlib.Path]:
    """Return what a class handed in, and the path of the assignment's source."""
    from aecourse.grading import assignment, collecting, roster

    listed = roster.read(options.roster, options.encoding) if options.roster else None
    settings: dict[str, Any] = {"known": list(_known_sources()), "pattern": options.pattern, "table": table}
    found = collecting.find(options.submissions, "", listed, **settings)
    if not any(row.file for row in found.rows):
        raise OSError(f"{options.submissions} does not contain a submission.")
    source = _find_source(options.assignment, found.submissions)
    # Among several notebooks of a student, the one that is named like the assignment counts.
    about = assignment.read(source.read_bytes())
    return collecting.find(options.submissions, about.name, listed, **settings), source


def run_collect(options: argparse.Namespace) -> int:
    """Write the table of files and students; return the exit status."""
    from aecourse.grading import collecting

    try:
        kept = collecting.read_rows(options.output) if options.output.is_file() else None
        found, _ = _find(options, kept)
        collecting.write_rows(options.output, found.rows)
    except (OSError, ValueError) as error:
        say(error, wrong=True)
        return 1
    n_files, n_students = sum(bool(row.file) for row in found.rows), len(found.submissions)
    kept_too = "; your corrections were kept" if kept is not None else ""
    files, students = counted(n_files, "file"), counted(n_students, "student")
    say(f"{options.output}: {files} of {students}{kept_too}")
    if found.questions:
        say(f"To decide ({len(found.questions)}):", *(f"  {question}" for question in found.questions))
    say(
        f"Read the table, correct it, and grade with\n"
        f"  aecourse grade {_class_of(options)} --students {shlex.quote(str(options.output))} -o RESULTS"
    )
    return 0


def _class_of(options: argparse.Namespace) -> str:
    """Return the words of a command line that name the class, for another command about it."""
    named = {name: getattr(options, name) for name in ("assignment", "roster", "encoding", "pattern")}
    words = [
        options.submissions,
        *(word for name, value in named.items() if value for word in (f"--{name}", value)),
    ]
    return shlex.join(map(str, words))


def _print_questions(options: argparse.Namespace, questions: Sequence[str]) -> None:
    say(f"Nothing was graded: it is unclear who is who ({len(questions)}).", wrong=True)
    say(*(f"  {question}" for question in questions), wrong=True)
    if options.students:
        what = f"Correct {options.students} and give the same command again"
    else:
        what = (
            f"Write a table with\n  aecourse collect {_class_of(options)}\n"
            "correct it and pass it with --students"
        )
    say(f"{what}, or go on with --force: then each is a remark in the report.", wrong=True)


def _regraded(wanted: Sequence[str], submissions: Sequence["Incoming"]) -> list[str]:
    """Return the ids of the students to grade again, as the class has them."""
    from aecourse.grading.roster import key_of

    known = {key_of(incoming.student): incoming.student for incoming in submissions}
    unknown = [student for student in wanted if key_of(student) not in known]
    if unknown:
        raise ValueError(f"--regrade {unknown[0]}: nobody in this class has that id.")
    return [known[key_of(student)] for student in wanted]


def run_grade(options: argparse.Namespace) -> int:
    """Grade a class; return the exit status."""
    if not sys.platform.startswith("linux"):
        say(
            "The grader runs submissions in a sandbox of Linux, and so needs Linux, for example in a virtual "
            "machine or in WSL. Students check their own notebooks anywhere: aecourse check NOTEBOOK",
            wrong=True,
        )
        return 1
    from aecourse.grading import assignment, collecting, results
    from aecourse.grading.sandbox import process

    try:
        if options.scheduler is None and not options.trusted:
            process.require()
        table = collecting.read_rows(options.students) if options.students else None
        found, path = _find(options, table)
        if found.questions and not options.force:
            _print_questions(options, found.questions)
            return 1
        source = path.read_bytes()
        with results.claimed(options.output, assignment.read(source).name):
            return _grade_class(options, source, found)
    except BrokenPipeError:  # nobody reads on: nothing is wrong with a file
        raise
    except (process.SandboxMissing, OSError, ValueError) as error:
        say(error, wrong=True)
        return 1
    except KeyboardInterrupt:
        say("Interrupted. What was graded is kept; the same command continues from there.", wrong=True)
        return 130


def _grade_class(options: argparse.Namespace, source: bytes, found: "collecting.Found") -> int:
    """Grade what was found and write the results; return the exit status."""
    from aecourse.grading import assignment, batch, collecting, deadlines, roster

    listed = roster.read(options.roster, options.encoding) if options.roster else roster.Roster()
    deadline = _deadline(options)
    for student in listed.students:
        if deadline is not None:
            deadline.of(student.extension)  # refuses one that cannot be read before the class is graded
    records, n_computed = batch.grade_all(
        source,
        found.submissions,
        batch.Store(options.output / "records"),
        scheduler=options.scheduler,
        workers=options.workers,
        trusted=options.trusted,
        again=_regraded(options.regrade, found.submissions),
    )
    if deadline is not None:
        records = deadlines.applied(deadline, records, found.submissions, listed)
    records = _with_tampering(assignment.read(source), records, found.submissions)
    collecting.write_rows(options.output / "students.csv", found.rows)
    return _write_results(options.output, source, records, n_computed, found.lost)


def _with_tampering(
    about: "Assignment", records: Sequence["Record"], handed_in: Sequence["Incoming"]
) -> list["Record"]:
    """Return the records with a warning for each change that grading took back."""
    from aecourse.grading import submissions

    return [
        replace(
            record,
            warnings=[
                *record.warnings,
                *(f"{change}; grading restored it" for change in submissions.undone(about, incoming.data)),
            ],
        )
        for record, incoming in zip(records, handed_in, strict=True)
    ]


def _write_results(
    folder: pathlib.Path, source: bytes, records: Sequence["Record"], n_computed: int, unread: Sequence[str]
) -> int:
    """Write what came of a class and print a summary; return the exit status."""
    from aecourse.grading import assignment, gradebook, results
    from aecourse.grading.record import Status

    about = assignment.read(source)
    course = folder / "nbgrader"
    marks = gradebook.marks(course, about) if gradebook.available() else {}
    with_marks = [record.with_marks(marks) for record in records]
    written = results.write(folder, about, with_marks, unread)
    counts = collections.Counter(record.status for record in records)
    n_kept = len(records) - n_computed
    say(f"{counted(len(records), 'submission')} of {about.name}, {n_computed} graded now, {n_kept} kept")
    for status, count in counts.most_common():
        say(f"  {count:4d}  {status}")
    if gradebook.available():
        gradebook.write(course, about, source, records)
        written["gradebook"] = course / gradebook.FILE  # as the folder was given
    else:
        say(gradebook.HOW_TO_GET_IT)
    for name, file in written.items():
        say(f"{name}: {file}")
    n_over = sum(record.total > about.points for record in with_marks)
    if n_over:
        who = "1 student has" if n_over == 1 else f"{n_over} students have"
        say(f"{who} more than {about.points:g} points, which Moodle's worksheet does not take.")
    n_waiting = sum(record.unmarked > 0 for record in with_marks)
    if n_waiting:
        which = "1 submission has" if n_waiting == 1 else f"{n_waiting} submissions have"
        say(
            f"{which} answers for a person to mark: run `jupyter lab` in {course}, "
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


def run_check(options: argparse.Namespace) -> int:
    """Run the visible tests of a student's own notebook; return 1 if one fails."""
    from aecourse.grading import assignment, selfcheck, submissions
    from aecourse.homework import personal

    try:
        data = options.notebook.read_bytes()
        cells, _ = submissions.read_notebook(data)
        about = assignment.read(_visible_tests(data))
        if not assignment.has_tests(about):
            raise ValueError("it has no tests. Start again from the notebook that you were given.")
        typed = submissions.typed_id(data)
        code = "\n".join(cell["source"] for cell in cells if cell["cell_type"] == "code")
        if re.search(r"^student_id\s*=", code, re.MULTILINE):
            personal.confirmed(typed or "your id")
        return _print_check(selfcheck.check(about, cells, str(options.notebook.resolve().parent)))
    except BrokenPipeError:
        raise
    except (submissions.Refused, OSError, ValueError) as error:
        say(f"{options.notebook}: {error}", wrong=True)
        return 1


def _print_check(result: "SelfCheck") -> int:
    """Print which visible tests pass; return the exit status."""
    for outcome, title, message in result.parts:
        say(f"{outcome:>12}  {title}{': ' if message else ''}{message}")
    for stop in result.stops:
        say(f"  a cell stops with {stop}")
    if result.ended:
        say(result.ended)
    say(
        f"{'All visible tests pass.' if result.passed else 'Some parts do not pass yet.'} "
        "The hidden tests check the same properties on other data."
    )
    return 0 if result.passed else 1

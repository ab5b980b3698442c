"""The ``aecourse`` command."""

import argparse
import importlib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from aecourse import __version__
from aecourse._support import ending
from aecourse._support.files import full_disk_in_words
from aecourse._support.notices import import_tensorflow_quietly
from aecourse._support.terminal import say

if TYPE_CHECKING:
    from aecourse.tabular import Result


def _prepare_tensorflow(*needed: str) -> None:
    """Import TensorFlow without its notices, if the files of the command exist.

    This process is the command's own, so its standard error may be redirected during the import: later
    imports are silent, and progress bars, warnings and errors are shown. If a file does not exist, the
    command says so without the seconds that the import takes.
    """
    if all(file == "-" or os.path.exists(file) for file in needed):
        import_tensorflow_quietly()


def _doctor(options: argparse.Namespace) -> int:
    from aecourse import doctor

    return doctor.main(as_json=options.json)


def _common(options: argparse.Namespace) -> dict[str, Any]:
    """Return the options on the file that were given, as keyword arguments."""
    names = ("separator", "encoding", "header", "ragged", "sheet")
    return {name: getattr(options, name) for name in names if getattr(options, name) is not None}


def _choices(options: argparse.Namespace) -> Any:
    """Return what the user said about the columns."""
    from aecourse.tabular import Choices

    return Choices(
        decimal=options.decimal,
        thousands=options.thousands,
        units=dict(options.units),
        date_formats=options.date_format,
        na_values=options.na_values,
        numeric=options.numeric,
        categorical=options.categorical,
        only=options.only,
        ignore=options.ignore,
    )


def _sentences(result: "Result") -> list[str]:
    drift = [f"Drift? {warning}" for warning in result.warnings]
    report = f" and {result.report}" if result.report else ""
    written = [] if str(result.output) == "-" else [f"Written: {result.output}{report}"]
    return [*result.lines, *drift, *written]


def _run_job(job: Callable[[], Sequence[str]], *, output_is_taken: bool = False) -> int:
    """Run a job on files, and print what it did or one sentence on what went wrong.

    If standard output holds the results, what was done is said on standard error.
    """
    try:
        with ending.in_order():
            lines = job()
            with full_disk_in_words("standard output", "or write to a file"):
                say(*lines, wrong=output_is_taken)
                sys.stdout.flush()  # here, so that a pipe that nobody reads is noticed
    except BrokenPipeError:
        raise  # nobody reads on, and nothing is wrong
    except BaseException as error:
        asked = ending.asked() or (signal.SIGINT if isinstance(error, KeyboardInterrupt) else None)
        if asked is None:
            return _fail(error)
        what = "no more rows are scored" if output_is_taken else "nothing was written"
        say(f"aecourse: {ending.in_words(asked)}; {what}.", wrong=True)
        return ending.status(asked)
    return 0


def _fail(error: BaseException) -> int:
    """Say in one sentence what went wrong; raise again what should not occur."""
    if isinstance(error, MemoryError):
        error = ValueError("the table does not fit into memory. Use a part of its rows.")
    if not isinstance(error, (OSError, ValueError)):
        raise error
    say(f"aecourse: {error}", wrong=True)
    try:
        sys.stdout.flush()
    except OSError:  # the disk is full: what is left must not be tried once more at the end
        _read_no_further()
    return 1


def _read_no_further() -> None:
    """Let standard output go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _prepare_look(options: argparse.Namespace) -> None:
    importlib.import_module("aecourse.tabular")


def _look(options: argparse.Namespace) -> int:
    from aecourse import tabular

    return _run_job(
        lambda: tabular.look(
            options.csv,
            train_on=options.train_on,
            budget=options.budget,
            choices=_choices(options),
            **_common(options),
        )
    )


def _prepare_detect(options: argparse.Namespace) -> None:
    importlib.import_module("aecourse.tabular")
    _prepare_tensorflow(options.csv)


def _detect(options: argparse.Namespace) -> int:
    from aecourse import tabular

    def job() -> list[str]:
        result = tabular.detect(
            options.csv,
            options.output,
            train_on=options.train_on,
            budget=options.budget,
            random_state=options.random_state,
            trim=options.trim,
            time=options.time,
            window=options.window,
            choices=_choices(options),
            force=options.force,
            **_common(options),
        )
        return _sentences(result)

    return _run_job(job)


def _prepare_score(options: argparse.Namespace) -> None:
    importlib.import_module("aecourse.tabular")
    _prepare_tensorflow(options.detector, options.csv)


def _score(options: argparse.Namespace) -> int:
    from aecourse import tabular

    def job() -> list[str]:
        result = tabular.score(
            options.detector,
            options.csv,
            options.output,
            decimal=options.decimal,
            thousands=options.thousands,
            force=options.force,
            **_common(options),
        )
        return _sentences(result)

    return _run_job(job, output_is_taken=options.output == "-")


_TABLE = (
    "a CSV file whose first line names the columns, or the same packed (gz, bz2, xz, zip); a Parquet, "
    "Arrow or Excel file (.xlsx); - for standard input"
)


def _budget(text: str) -> float:
    """Read a share strictly between 0 and 1."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"must be a share between 0 and 1, such as 0.01; found {text!r}")
    return value


def _trim(text: str) -> float:
    """Read a share from 0 to 0.5."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 0.5:
        raise argparse.ArgumentTypeError(f"must be a share from 0 to 0.5, such as 0.05; found {text!r}")
    return value


def _query(text: str) -> str:
    """Refuse a text that is not a query before the file is read."""
    from aecourse import tabular

    try:
        return tabular.Query(text).text
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _unit(text: str) -> tuple[str, float]:
    """Read a unit and what it is worth, such as g=0.001."""
    unit, _, worth = text.rpartition("=")
    try:
        return unit.strip(), float(worth)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"must be a unit and what it is worth, such as g=0.001; found {text!r}"
        ) from error


def _add_choices(command: argparse.ArgumentParser) -> None:
    """Add the options that say which rows are normal and how columns are read; the detector keeps them."""
    command.add_argument(
        "--train-on",
        type=_query,
        metavar="QUERY",
        help="which rows are normal, such as \"label == 'normal'\"; the columns that it names are "
        "not used as features (default: all rows)",
    )
    command.add_argument(
        "--budget",
        type=_budget,
        default=0.01,
        metavar="SHARE",
        help="share of normal rows that may be flagged (default: 0.01)",
    )

    def add(option: str, metavar: str, help: str, **more: Any) -> None:
        command.add_argument(
            option,
            action="append",
            default=[],
            metavar=metavar,
            help=f"{help}; may be given several times",
            **more,
        )

    add("--na-values", "VALUE", "value that stands for a missing one, such as ? or -999")
    add("--units", "UNIT=WORTH", "what a unit beside numbers is worth, such as g=0.001", type=_unit)
    add("--date-format", "FORMAT", "how dates are written, such as %%d/%%m/%%Y")
    add("--numeric", "COLUMN", "use this column as the numbers that it holds, even if it looks like a clock")
    add("--categorical", "COLUMN", "use this column as categories, even if it holds numbers")
    add("--only", "COLUMN", "use no columns but this one")
    add("--ignore", "COLUMN", "do not use this column")


def _add_tabular(commands: Any) -> None:
    """Add the commands `look`, `detect` and `score`."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--separator", metavar="SIGN", help="sign between fields (default: found from the first line)"
    )
    common.add_argument(
        "--decimal",
        choices=[".", ","],
        metavar="SIGN",
        help="decimal sign, . or , (default: found by column)",
    )
    common.add_argument(
        "--thousands",
        choices=[",", ".", " ", "'", "_"],
        metavar="SIGN",
        help="sign that separates thousands: one of , . ' _ and the blank (default: found by column)",
    )
    common.add_argument("--encoding", metavar="NAME", help="encoding of the file (default: UTF-8)")
    common.add_argument(
        "--header",
        action=argparse.BooleanOptionalAction,
        help="whether the first line names the columns (default: it must look like it)",
    )
    common.add_argument(
        "--ragged",
        choices=["refuse", "keep"],
        help="rows with fewer or more fields than names: refuse the file (default), or keep them, short ones "
        "filled with missing values and long ones cut",
    )
    common.add_argument("--sheet", metavar="NAME", help="sheet of a spreadsheet that has several")
    look = commands.add_parser(
        "look",
        parents=[common],
        help="say how each column of a table is read, before anything is fitted",
        description="Say how each column of a table is read, what was noticed, and what 'aecourse detect' "
        "would do with the same options. Nothing is fitted or written.",
    )
    look.add_argument("csv", metavar="TABLE", help=_TABLE)
    _add_choices(look)
    look.set_defaults(prepare=_prepare_look, run=_look)
    writing = argparse.ArgumentParser(add_help=False)
    writing.add_argument("--force", action="store_true", help="replace earlier results")
    detect = commands.add_parser(
        "detect",
        parents=[common, writing],
        help="find anomalous rows of a table",
        description="Fit a detector on the normal rows of a table, score all rows, "
        "and write the scores, the flagged rows, a report and the detector.",
    )
    detect.add_argument("csv", metavar="TABLE", help=_TABLE)
    _add_choices(detect)
    detect.add_argument(
        "--random-state", type=int, default=0, metavar="SEED", help="seed of all random choices (default: 0)"
    )
    detect.add_argument(
        "--trim",
        type=_trim,
        default=0.0,
        metavar="SHARE",
        help="leave out this share of the training rows, those that look most anomalous, because anomalies "
        "may be among them; at most 0.5 (default: 0)",
    )
    detect.add_argument(
        "--time", metavar="COLUMN", help="the rows are a series with these times: find events; needs --window"
    )
    detect.add_argument("--window", type=int, metavar="POINTS", help="points of a window of the series")
    detect.add_argument("-o", "--output", metavar="FOLDER", help="folder to write (default: TABLE-results)")
    detect.set_defaults(prepare=_prepare_detect, run=_detect)
    score = commands.add_parser(
        "score",
        parents=[common, writing],
        help="score the rows of a table with a saved detector",
        description="Score the rows of a table with a detector that 'aecourse detect' saved, and say "
        "whether they still look like the rows it was trained on.",
    )
    score.add_argument("detector", metavar="DETECTOR.aecourse", help="the saved detector")
    score.add_argument("csv", metavar="NEW", help="the new table; it needs the columns of the training table")
    score.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="file to write (default: NEW-scores.csv), with a report for programs next to it "
        "(NEW-scores-report.json); - for standard output, without a report, where each row of standard "
        "input is scored when it arrives",
    )
    score.set_defaults(prepare=_prepare_score, run=_score)


def parser() -> argparse.ArgumentParser:
    """Build the parser of the command line, in which each subcommand names its function as ``run``."""
    from aecourse.grading.cli import add_commands as add_grading

    top = argparse.ArgumentParser(
        prog="aecourse", description="Anomaly detection with autoencoders: a course and its tools."
    )
    top.add_argument("--version", action="version", version=f"aecourse {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    doctor = commands.add_parser("doctor", help="check this machine and its Python environment")
    doctor.add_argument("--json", action="store_true", help="print the report as JSON")
    doctor.set_defaults(run=_doctor)
    add_grading(commands)
    _add_tabular(commands)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        Words of the command line; by default those of this process.

    Returns
    -------
    int
        Exit status: 0 for success, 1 for a failure that was reported, 2 for wrong usage; 130 after Ctrl-C
        and 143 after SIGTERM.
    """
    # A console may have no place for a sign of a table, such as cp1252 for Greek: "?" is shown for it.
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")
    try:
        options = parser().parse_args(arguments)
        if hasattr(options, "prepare"):  # imports what the command needs
            options.prepare(options)
        ending.as_usual()
        return options.run(options)
    except KeyboardInterrupt:
        say("aecourse: interrupted.", wrong=True)
        return ending.status(signal.SIGINT)
    except BrokenPipeError:  # as in `aecourse doctor | head`: nobody reads on
        _read_no_further()
        return 1
    except Exception as error:
        if os.environ.get("AECOURSE_TRACEBACK"):
            raise
        say(
            f"aecourse: an error that should not occur ({type(error).__name__}: {error}). Please report it "
            "with the command that you typed; with AECOURSE_TRACEBACK=1 the command says where it arose.",
            wrong=True,
        )
        return 1


if __name__ == "__main__":
    ending.at_once()
    sys.exit(main())

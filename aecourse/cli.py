"""The ``aecourse`` command."""

import argparse
import sys

from aecourse import __version__
from aecourse.grading.cli import add_commands as add_grading


def _doctor(options):
    from aecourse import doctor

    return doctor.main(as_json=options.json)


def _reading(options):
    return {
        "separator": options.separator,
        "decimal": options.decimal,
        "encoding": options.encoding,
        "force": options.force,
    }


def _job(work):
    """Run a job on files; print what it did, or the one sentence of what went wrong."""
    try:
        result = work()
    except (OSError, ValueError) as error:
        print(f"aecourse: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("aecourse: interrupted; nothing was written.", file=sys.stderr)
        return 130
    print(*result.lines, sep="\n")
    for warning in result.warnings:
        print(f"Drift? {warning}")
    print(f"Written: {result.output}")
    return 0


def _detect(options):
    from aecourse import detect

    return _job(
        lambda: detect.detect(
            options.csv,
            options.output,
            train_on=options.train_on,
            budget=options.budget,
            ignore=options.ignore,
            random_state=options.random_state,
            **_reading(options),
        )
    )


def _score(options):
    from aecourse import detect

    return _job(lambda: detect.score(options.detector, options.csv, options.output, **_reading(options)))


def _budget(text):
    """Read a share between 0 and 1."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"must be a share between 0 and 1, such as 0.01; found {text!r}")
    return value


def _query(text):
    """Refuse a query that is none before the table is read."""
    from aecourse import tables

    try:
        return tables.Query(text).text
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _add_tables(commands):
    """Add ``detect`` and ``score``."""
    reading = argparse.ArgumentParser(add_help=False)
    reading.add_argument("--separator", metavar="SIGN", help="between fields (default: found by itself)")
    reading.add_argument("--decimal", default=".", metavar="SIGN", help="decimal sign, . or , (default: .)")
    reading.add_argument("--encoding", metavar="NAME", help="of the file (default: UTF-8)")
    reading.add_argument("--force", action="store_true", help="replace results that are there")
    detect = commands.add_parser(
        "detect",
        parents=[reading],
        help="find anomalous rows of a CSV file",
        description="Fit a detector on the normal rows of a table, score all rows, "
        "and write scores, flagged rows, a report and the detector.",
    )
    detect.add_argument("csv", metavar="TABLE.csv")
    detect.add_argument(
        "--train-on",
        type=_query,
        metavar="QUERY",
        help="which rows are normal, such as \"label == 'normal'\"; its columns are no "
        "features (default: all rows)",
    )
    detect.add_argument(
        "--budget",
        type=_budget,
        default=0.01,
        metavar="SHARE",
        help="share of normal rows that may be flagged (default: 0.01)",
    )
    detect.add_argument(
        "--ignore",
        action="append",
        default=[],
        metavar="COLUMN",
        help="a column that is no feature; may be given again",
    )
    detect.add_argument("--random-state", type=int, default=0, metavar="SEED", help="seed (default: 0)")
    detect.add_argument("-o", "--output", metavar="FOLDER", help="where to (default: TABLE-results)")
    detect.set_defaults(run=_detect)
    score = commands.add_parser(
        "score", parents=[reading], help="score the rows of a CSV file with a saved detector"
    )
    score.add_argument("detector", metavar="DETECTOR.aecourse")
    score.add_argument("csv", metavar="NEW.csv")
    score.add_argument("-o", "--output", metavar="FILE", help="where to (default: NEW-scores.csv)")
    score.set_defaults(run=_score)


def parser():
    """Build the parser of the command line, a subcommand a function."""
    top = argparse.ArgumentParser(
        prog="aecourse", description="Anomaly detection with autoencoders: the course."
    )
    top.add_argument("--version", action="version", version=f"aecourse {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    doctor = commands.add_parser("doctor", help="check this machine and the environment")
    doctor.add_argument("--json", action="store_true", help="print the report as JSON")
    doctor.set_defaults(run=_doctor)
    add_grading(commands)
    _add_tables(commands)
    return top


def main(arguments=None):
    """Run the command.

    Parameters
    ----------
    arguments : list of str, optional
        Words of the command line; those of this process by default.

    Returns
    -------
    int
        Exit status: 0 for success, 1 for a failure that was reported, 2 for wrong usage.
    """
    options = parser().parse_args(arguments)
    return options.run(options)


if __name__ == "__main__":
    sys.exit(main())

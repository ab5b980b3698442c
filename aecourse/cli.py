"""The ``aecourse`` command."""

import argparse
import sys

from aecourse import __version__
from aecourse.grading.cli import add_commands as add_grading


def _doctor(options):
    from aecourse import doctor

    return doctor.main(as_json=options.json)


def parser():
    """Build the parser of the command line, a subcommand a function."""
    top = argparse.ArgumentParser(prog="aecourse", description="Anomaly detection with autoencoders: the course.")
    top.add_argument("--version", action="version", version=f"aecourse {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    doctor = commands.add_parser("doctor", help="check this machine and the environment")
    doctor.add_argument("--json", action="store_true", help="print the report as JSON")
    doctor.set_defaults(run=_doctor)
    add_grading(commands)
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

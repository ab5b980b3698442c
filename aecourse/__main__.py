"""The ``aecourse`` command: ``aecourse …`` and ``python -m aecourse …`` start here.

Whoever stops it while Python still imports its modules sees a sentence, and no traceback.
"""

import sys

from aecourse._support import ending

ending.at_once()  # before the imports that take time


def main() -> int:
    """Run the command; return its exit status."""
    from aecourse.cli import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())

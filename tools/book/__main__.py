"""Build the course as a web book from the lessons' stored outputs, or serve it.

    python -m tools.book             build into _build/site, if anything has changed
    python -m tools.book --serve     the same, then serve it on 127.0.0.1 and open it

Nothing is executed and nothing is downloaded. If the course's public address is known, from the
environment variable AECOURSE_REPOSITORY (such as https://github.com/OWNER/NAME) or as
``[project.urls] Repository`` in pyproject.toml, each lesson gets links to Binder and Colab and one to
report a fault. The address at which the book itself is published, in AECOURSE_BOOK, adds a picture to the
previews of its pages.
"""

import argparse
import sys
from pathlib import Path

from tools.book.build import SITE, build
from tools.book.serve import serve


def main(arguments: list[str] | None = None) -> int:
    """Build the book, and serve it if asked."""
    parser = argparse.ArgumentParser(prog="python -m tools.book", description=__doc__.split("\n", 1)[0])
    parser.add_argument("-o", "--out", type=Path, default=SITE, help="folder (_build/site)")
    parser.add_argument("--serve", action="store_true", help="serve the book on 127.0.0.1")
    parser.add_argument("--port", type=int, default=8000, help="port to try first (8000)")
    parser.add_argument("--no-browser", action="store_true", help="serve without opening a browser")
    options = parser.parse_args(arguments)
    site = build(options.out.resolve())
    print(f"The book is in {options.out}: open index.html, or run 'make site-open'")
    if options.serve:
        serve(site, options.port, not options.no_browser)
    return 0


if __name__ == "__main__":
    sys.exit(main())

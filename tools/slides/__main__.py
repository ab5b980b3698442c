"""Make slides of the lessons, from their pages in the book.

    python -m tools.slides              all lessons, into _build/slides
    python -m tools.slides 03 06        lessons whose file names start with 03 or 06
    python -m tools.slides -o FOLDER    write them there instead

The folder holds all that the slides need, so it can be copied to any machine: open index.html. Press S for
the speaker's notes, F for the full screen, and ? for the other keys.
"""

import argparse
import sys
from pathlib import Path

from tools import catalogue
from tools.book.build import build
from tools.places import built_path, make_folder
from tools.slides.folder import write

SLIDES = built_path("slides")


def main(arguments: list[str] | None = None) -> int:
    """Make the slides and say where they are."""
    parser = argparse.ArgumentParser(prog="python -m tools.slides", description=__doc__.split("\n", 1)[0])
    parser.add_argument("lessons", nargs="*", help="beginnings of file names; all lessons by default")
    parser.add_argument("-o", "--out", type=Path, default=SLIDES, help="folder (_build/slides)")
    options = parser.parse_args(arguments)
    entries = catalogue.chosen(options.lessons)
    make_folder(options.out)
    write(build(), options.out, entries)
    print(f"Slides of {len(entries)} lessons are in {options.out}: open index.html")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Write the generated parts of README.md: the map of the course and the headline results.

    python -m tools.readme            write
    python -m tools.readme --check    exit with 1 if the README is out of date

Each part stands between ``<!-- NAME: generated -->`` and ``<!-- end of NAME -->``.
"""

import argparse
import base64
import re
import sys

from aecourse._support.files import write_whole
from tools import catalogue

README = catalogue.ROOT / "README.md"
# The README's picture: its file, the lesson that draws it, and the cell.
PICTURE, PICTURE_LESSON, PICTURE_CELL = catalogue.ROOT / "docs" / "zeros.png", "06", "right-hist"


def course_map(entries: list[catalogue.Entry]) -> str:
    """Return the map of the course as a Markdown table."""
    lines = [
        "| | lesson | what it is about | minutes to work through | to compute, at most |",
        "|---|---|---|--:|--:|",
    ]
    for entry in entries:
        link = f"[{entry.title}](notebooks/{entry.path.name})"
        lines.append(f"| {entry.number} | {link} | {entry.about} | {entry.reading} | {entry.minutes:g} |")
    total_reading, total_minutes = sum(e.reading for e in entries), sum(e.minutes for e in entries)
    lines.append(f"| | all | | {total_reading} | {total_minutes:g} |")
    return "\n".join(lines)


def results(entries: list[catalogue.Entry]) -> str:
    """Return the headline results, as the stored outputs of the lessons give them."""
    lines = ["| lesson | headline result |", "|---|---|"]
    for entry in entries:
        if text := catalogue.headline(entry.notebook()):
            lines.append(f"| {entry.number} {entry.title} | {text} |")
    return "\n".join(lines)


def fill(text: str, name: str, content: str) -> str:
    """Replace the text between the two marks of a part."""
    start, end = f"<!-- {name}: generated -->", f"<!-- end of {name} -->"
    pattern = re.compile(re.escape(start) + ".*?" + re.escape(end), re.DOTALL)
    if not pattern.search(text):
        raise SystemExit(f"README.md has no part between {start!r} and {end!r}")
    return pattern.sub(lambda _: f"{start}\n{content}\n{end}", text)


def picture() -> bytes:
    """Return the README's picture as PNG, as its lesson has stored it."""
    (entry,) = [entry for entry in catalogue.read() if entry.number == PICTURE_LESSON]
    (cell,) = [cell for cell in entry.notebook().cells if cell.id == PICTURE_CELL]
    (png,) = [output.data["image/png"] for output in cell.outputs if "image/png" in output.get("data", {})]
    return base64.b64decode(png)


def generate(text: str) -> str:
    """Return the README with its generated parts brought up to date."""
    entries = catalogue.read()
    return fill(fill(text, "map", course_map(entries)), "results", results(entries))


def main(arguments: list[str] | None = None) -> int:
    """Write or check the README; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.readme", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if out of date")
    options = parser.parse_args(arguments)
    before = README.read_text(encoding="utf-8")
    after = generate(before)
    if options.check:
        current = before == after and PICTURE.exists() and PICTURE.read_bytes() == picture()
        if not current:
            print("README.md or its picture is out of date; run 'make readme'")
        return int(not current)
    write_whole(PICTURE, picture())
    write_whole(README, after)
    return 0


if __name__ == "__main__":
    sys.exit(main())

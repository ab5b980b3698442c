"""Write the generated parts of README.md: the map of the course and the headline results.

    python -m tools.readme            write
    python -m tools.readme --check    exit with 1 if the README is out of date

Each part stands between ``<!-- NAME: generated -->`` and ``<!-- end of NAME -->``.
"""

import argparse
import base64
import re
import sys
from pathlib import Path

from aecourse._support.files import write_whole
from tools import catalogue

README = catalogue.ROOT / "README.md"
# The README's picture and the same for the book: their files, the lesson that draws them, and the cell.
PICTURE, DRAWING = catalogue.ROOT / "docs" / "zeros.png", catalogue.ROOT / "docs" / "zeros.svg"
PICTURE_LESSON, PICTURE_CELL = "06", "right-hist"


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


def pictures() -> dict[Path, bytes]:
    """Return the README's picture as PNG and the book's as SVG, as their lesson has stored them."""
    (entry,) = [entry for entry in catalogue.read() if entry.number == PICTURE_LESSON]
    (cell,) = [cell for cell in entry.notebook().cells if cell.id == PICTURE_CELL]
    (data,) = [output.data for output in cell.outputs if "image/png" in output.get("data", {})]
    return {PICTURE: base64.b64decode(data["image/png"]), DRAWING: data["image/svg+xml"].encode()}


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
        current = before == after and all(
            path.exists() and path.read_bytes() == content for path, content in pictures().items()
        )
        if not current:
            print("README.md or one of its pictures is out of date; run 'make readme'")
        return int(not current)
    for path, content in pictures().items():
        write_whole(path, content)
    write_whole(README, after)
    return 0


if __name__ == "__main__":
    sys.exit(main())

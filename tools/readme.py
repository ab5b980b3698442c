"""Write the generated parts of README.md, the map of the course and the headline results, and of the
instructor's guide, the table of lectures.

    python -m tools.readme            write
    python -m tools.readme --check    exit with 1 if the README is out of date

Each part stands between ``<!-- NAME: generated -->`` and ``<!-- end of NAME -->``.
"""

import argparse
import base64
import itertools
import math
import re
import sys
from pathlib import Path

from aecourse._support.files import write_whole
from tools import catalogue, reading

README = catalogue.ROOT / "README.md"
GUIDE = catalogue.ROOT / "assignments" / "README.md"
SESSION = 45  # minutes of a lecture that is held in one go
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


def lectures(entries: list[catalogue.Entry]) -> str:
    """Return the table of lectures: which lesson each is, minutes without exercises and quiz, slides."""
    lines = ["| lecture | lesson | minutes | sessions | slides |", "|--:|---|--:|--:|---|"]
    total = 0
    for number, entry in enumerate(entries, 1):
        minutes = lecture_minutes(entry)
        total += minutes
        sessions = math.ceil(minutes / SESSION)
        slides = f"`{entry.path.stem}.html`"
        lines.append(f"| {number} | {entry.number} {entry.title} | {minutes} | {sessions} | {slides} |")
    lines.append(f"| | all | {total} | | |")
    return "\n".join(lines)


def lecture_minutes(entry: catalogue.Entry) -> int:
    """Return the minutes of a lesson before its exercises, by the rule of :mod:`tools.reading`."""
    cells = itertools.takewhile(
        lambda cell: not cell.source.startswith("## Exercises"), entry.notebook().cells
    )
    return reading.STEP * max(1, round(sum(map(reading.seconds, cells)) / 60 / reading.STEP))


def fill(text: str, name: str, content: str) -> str:
    """Replace the text between the two marks of a part."""
    start, end = f"<!-- {name}: generated -->", f"<!-- end of {name} -->"
    pattern = re.compile(re.escape(start) + ".*?" + re.escape(end), re.DOTALL)
    if not pattern.search(text):
        raise SystemExit(f"the text has no part between {start!r} and {end!r}")
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
    """Write or check the README and the guide; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.readme", description=__doc__.split("\n\n", 1)[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if out of date")
    options = parser.parse_args(arguments)
    guide = GUIDE.read_text(encoding="utf-8")
    made = {
        README: generate(README.read_text(encoding="utf-8")).encode(),
        GUIDE: fill(guide, "lectures", lectures(catalogue.read())).encode(),
        **pictures(),
    }
    old = [path for path, content in made.items() if not path.exists() or path.read_bytes() != content]
    if options.check:
        for path in old:
            print(f"{path.name} in {path.parent.name} is out of date; run 'make readme'")
        return int(bool(old))
    for path in old:
        write_whole(path, made[path])
    return 0


if __name__ == "__main__":
    sys.exit(main())

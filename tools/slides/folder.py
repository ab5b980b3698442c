"""A folder with the slides of lessons and everything that they load."""

import shutil
from pathlib import Path

from jinja2 import Environment, FileSystemLoader

from tools import catalogue
from tools.slides.deck import Deck, deck

HERE = Path(__file__).parent
# reveal.js, its window for the speaker, and what is our own.
OWN = (
    "reveal/reveal.js",
    "reveal/reveal.css",
    "reveal/notes.js",
    "reveal/LICENSE",
    "slides.css",
    "slides.js",
)


def write(site: Path, folder: Path, entries: list[catalogue.Entry]) -> None:
    """Write the slides of lessons into a folder, from the pages of a book that is built."""
    shutil.rmtree(folder, ignore_errors=True)
    static = folder / "static"
    static.mkdir(parents=True)
    for name in OWN:
        shutil.copy(HERE / name, static)
    shutil.copy(site / "_static" / "pygments.css", static)
    shutil.copytree(site / "_static" / "mathjax", static / "mathjax")
    pages = Environment(loader=FileSystemLoader(HERE), autoescape=True, trim_blocks=True)
    decks: list[tuple[catalogue.Entry, Deck]] = []
    for entry in entries:
        page = site / "lessons" / f"{entry.path.stem}.html"
        made = deck(page.read_text(encoding="utf-8"))
        for picture in made.pictures:
            target = folder / "pictures" / picture.name
            target.parent.mkdir(exist_ok=True)
            shutil.copy(page.parent / picture, target)
        text = pages.get_template("deck.html").render(entry=entry, deck=made)
        (folder / f"{entry.path.stem}.html").write_text(text, encoding="utf-8")
        decks.append((entry, made))
    index = pages.get_template("index.html").render(decks=decks)
    (folder / "index.html").write_text(index, encoding="utf-8")

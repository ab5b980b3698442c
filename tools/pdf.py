"""Print the book's lessons as PDF, each by itself and all as one, in Chromium.

    python -m tools.pdf              all lessons, and the book, into _build/site/pdf
    python -m tools.pdf 03 06        lessons whose file names start with 03 or 06, and no book
    python -m tools.pdf -o FOLDER    write them there; by default they join the book, whose pages get a button

Solutions and the quiz's answers are at the end of each lesson, with links there and back.
"""

import argparse
import shutil
import sys
import time
from pathlib import Path

from playwright.sync_api import Page, PdfMargins, sync_playwright
from pypdf import PdfWriter

from aecourse._support.files import write_whole
from tools import catalogue
from tools.book.build import SITE, build
from tools.places import make_folder

BOOK = "anomaly-detection-with-autoencoders.pdf"
# The shell without windows takes half the time of the whole browser.
BROWSERS = ("chromium-headless-shell", "chromium", "google-chrome", "chromium-browser")
FIRST, LAST = ("index",), ("glossary", "bibliography")  # pages of the book around the lessons
# Printed smaller than on a screen, so that a line of 88 characters fits; A4 is then so many pixels wide.
SCALE, WIDTH = 0.8, 850
MARGIN = PdfMargins(top="18mm", bottom="16mm", left="15mm", right="15mm")
RUNNING = '<div style="width: 100%; padding: 0 15mm; font: 8px sans-serif; text-align: {}">{}</div>'
HEADER = RUNNING.format("left", '<span class="title"></span>')
FOOTER = RUNNING.format("center", '<span class="pageNumber"></span> / <span class="totalPages"></span>')
# Move what is folded to the end of the page; what is only asserted is left out.
ANSWERS_LAST = """
() => {
  const made = (name, properties, ...inside) => {
    const element = Object.assign(document.createElement(name), properties);
    element.append(...inside);
    return element;
  };
  // What a reader moves with a mouse stays on the screen.
  document.querySelectorAll(".tag_checks.cell details, article .piece").forEach((each) => each.remove());
  const folds = [...document.querySelectorAll("article details")];
  if (folds.length === 0) return 0;
  const answers = made("section", {id: "answers"}, made("h2", {}, "Answers and solutions"));
  folds.forEach((fold, index) => {
    const number = index + 1;
    const heading = fold.closest("section").querySelector("h2, h3").cloneNode(true);
    heading.querySelectorAll("a").forEach((link) => link.remove());
    const question = made("a", {href: `#question-${number}`}, `Answer ${number} · ${heading.textContent}`);
    const place = fold.closest(".cell") ?? fold;
    const link = made("a", {href: `#answer-${number}`}, `Answer ${number} is at the end.`);
    place.replaceWith(made("p", {id: `question-${number}`}, link));
    const inside = [...fold.childNodes].filter((child) => child.localName !== "summary");
    const title = made("h3", {id: `answer-${number}`}, question);
    answers.append(title, made("div", {className: place.className}, ...inside));
  });
  document.querySelector("article > section").append(answers);
  return folds.length;
}
"""


def executable() -> str:
    """Return the path of the browser, or end with a sentence."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise SystemExit("this needs Chromium: apt-get install chromium-headless-shell")
    return found


def prepare(page: Page, path: Path) -> None:
    """Open a page of the book and make it what is printed: formulas, pictures, answers at the end."""
    page.goto(path.as_uri())
    page.evaluate("window.MathJax && MathJax.startup.promise")
    page.evaluate("Promise.all([...document.images].map((image) => image.decode().catch(() => {})))")
    page.evaluate(ANSWERS_LAST)


def print_page(page: Page, path: Path, target: Path) -> None:
    """Print a page of the book into a PDF."""
    prepare(page, path)
    printed = page.pdf(
        format="A4",
        scale=SCALE,
        margin=MARGIN,
        print_background=True,
        display_header_footer=True,
        header_template=HEADER,
        footer_template=FOOTER,
        outline=True,
        tagged=True,
    )
    write_whole(target, printed)


def print_pages(site: Path, folder: Path, names: list[str]) -> list[Path]:
    """Print pages of a book, named as in ``lessons/03_title``; return the files in the same order."""
    make_folder(folder)
    targets = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=["--no-sandbox"])
        page = browser.new_context(
            offline=True, color_scheme="light", viewport={"width": WIDTH, "height": 1200}
        ).new_page()
        for name in names:
            target = folder / f"{name.rpartition('/')[2]}.pdf"
            print_page(page, site / f"{name}.html", target)
            targets.append(target)
        browser.close()
    return targets


def join(parts: dict[str, Path], target: Path) -> None:
    """Write several PDFs, each with the title of its part, as one."""
    writer = PdfWriter()
    for title, path in parts.items():
        writer.append(path, outline_item=title)
    writer.compress_identical_objects()
    writer.add_metadata({"/Title": "Anomaly detection with autoencoders"})
    with target.open("wb") as file:
        writer.write(file)


def with_button(text: str, address: str) -> str:
    """Return a lesson's page with a button to its PDF among the others; with one already, as it is."""
    row = text.find("lesson-buttons")
    end = text.find("</p>", row)
    if row < 0 or f'href="{address}"' in text:
        return text
    return f'{text[:end]}\n<a class="reference external" href="{address}">Read as PDF</a>{text[end:]}'


def main(arguments: list[str] | None = None) -> int:
    """Print the lessons and say how large the files are."""
    parser = argparse.ArgumentParser(prog="python -m tools.pdf", description=__doc__.split("\n", 1)[0])
    parser.add_argument("lessons", nargs="*", help="beginnings of file names; by default all, and the book")
    parser.add_argument("-o", "--out", type=Path, help="folder (_build/site/pdf)")
    options = parser.parse_args(arguments)
    entries = catalogue.chosen(options.lessons)
    site, started = build(), time.monotonic()
    folder = options.out or SITE / "pdf"
    names = [f"lessons/{entry.path.stem}" for entry in entries]
    printed = print_pages(site, folder, names)
    titles = [f"{entry.number} · {entry.title}" for entry in entries]
    if not options.lessons:
        around = print_pages(site, folder, [*FIRST, *LAST])
        titles = ["Contents", *titles, "Glossary", "Bibliography"]
        join(dict(zip(titles, [around[0], *printed, *around[1:]], strict=True)), folder / BOOK)
        for path in around:
            path.unlink()
        printed.append(folder / BOOK)
    if options.out is None:
        for name in names:
            page = site / f"{name}.html"
            address = f"../pdf/{page.stem}.pdf"
            write_whole(page, with_button(page.read_text(encoding="utf-8"), address))
    for path in printed:
        print(f"{path.stat().st_size / 1e6:6.1f} MB  {path}")
    print(f"{len(printed)} files in {time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())

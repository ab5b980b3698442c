"""From a lesson's page in the book to its slides, by one rule for all lessons.

- A heading of the second rank begins a stack of slides, to the right of the last; one of the third rank
  begins a slide below it.
- Of a paragraph and of an item of a list, the slide has the first sentence, and the speaker's notes have all
  of it. Questions are shown whole.
- Code is shown with what it prints, which appears at the next step. Code that draws a picture is in the
  notes, and the picture on the slide.
- Solutions, answers, checks, self-checks, further reading and how to run the lesson are left out.

How many slides a section takes is decided by the browser (`slides.js`), which knows how high things are.
"""

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from bs4 import BeautifulSoup, NavigableString, Tag

# Of an article, what no slide shows. Among it is everything that gives an answer away.
LEFT_OUT = (
    "details, .tag_solution, .tag_checks, .self-check, .run-lesson, .headerlink, .only-dark, [hidden], "
    "button, script, style, link"
)
SECTIONS_LEFT_OUT = ("further-reading", "from-the-package")
QUESTIONS = ("exercises", "quiz")  # sections whose text is shown whole
# Text that is as short as this is shown whole, too.
SHORT = 25
SENTENCE_END = re.compile(r"[.!?](?=\s+[^\sa-z])")
MINUTES = re.compile(r"\(minutes so far: \d+\)")
AS_IT_IS = "table, .pst-scrollable-table-container, .math, [class^=highlight-], blockquote, figure, img, svg"
PICTURE = "img, svg, object"


@dataclass
class Block:
    """A piece of a slide that is not divided: its HTML, what the speaker's notes add, when it appears."""

    html: str
    notes: str = ""
    kind: str = ""  # "item" of a list, "output" that appears at the next step, or neither


@dataclass
class Slide:
    """A heading, as HTML with its rank, and what is under it; the browser divides what is too high."""

    level: str
    heading: str
    blocks: list[Block] = field(default_factory=list)


@dataclass
class Deck:
    """The slides of a lesson in stacks, and the pictures that they show, as the page names them."""

    stacks: list[list[Slide]]
    pictures: list[PurePosixPath]


def deck(page: str) -> Deck:
    """Return the slides of a lesson, from its page in the book."""
    article = BeautifulSoup(page, "html.parser").select_one("article section")
    if article is None:
        raise ValueError("the page has no article with a section: is it a lesson's page of the book?")
    tidy(article)
    pictures = [PurePosixPath(str(image["src"])) for image in article.select("img[src]")]
    for image in article.select("img[src]"):
        image["src"] = f"pictures/{PurePosixPath(str(image['src'])).name}"
    parts = [part for part in article.find_all("section", recursive=False) if wanted(part)]
    stacks = [[title_slide(article)]] + [[*section_slides(part)] for part in parts]
    return Deck(stacks, list(dict.fromkeys(pictures)))


def wanted(section: Tag) -> bool:
    """Return whether a section of a lesson is for its slides."""
    return section.get("id") not in SECTIONS_LEFT_OUT


def tidy(article: Tag) -> None:
    """Remove what no slide shows, and links to the book's other pages, which are not in the folder."""
    for left_out in article.select(LEFT_OUT):
        left_out.decompose()
    for section in article.find_all("section", id=SECTIONS_LEFT_OUT):
        section.decompose()
    for link in article.find_all("a"):
        link.unwrap()


def title_slide(article: Tag) -> Slide:
    """Return a lesson's first slide: everything above its first code."""
    slide = Slide("h1", inner(heading_of(article)))
    for child in article.find_all(recursive=False):
        if child.name in ("div", "section"):
            break
        slide.blocks += text_blocks(child, whole=True)
    return slide


def section_slides(section: Tag, whole: bool = False) -> Iterator[Slide]:
    """Yield the slide of a section, which names its parts, and those of the parts."""
    whole = whole or section.get("id") in QUESTIONS
    heading = heading_of(section)
    parts = section.find_all("section", recursive=False)
    slide = Slide("h2" if heading.name == "h2" else "h3", inner(heading))
    for child in section.find_all(recursive=False):
        slide.blocks += cell_blocks(child) if is_cell(child) else text_blocks(child, whole)
    if len(parts) > 1 and not whole:
        names = [inner(heading_of(part)) for part in parts]
        slide.blocks += [Block(f"<p>{name}</p>", kind="item") for name in names]
    if slide.blocks:
        yield slide
    for part in parts:
        yield from section_slides(part, whole)


def is_cell(child: Tag) -> bool:
    """Return whether an element is a cell of code."""
    return "cell" in child.get_attribute_list("class")


def heading_of(section: Tag) -> Tag:
    """Return the heading of a section."""
    heading = section.find(re.compile("^h[1-6]$"), recursive=False)
    if not isinstance(heading, Tag):
        raise ValueError(f"a section of the page has no heading: {section.get_text()[:60]!r}")
    return heading


def inner(tag: Tag) -> str:
    """Return what is inside a tag, as HTML."""
    return tag.decode_contents()


def text_blocks(child: Tag, whole: bool) -> list[Block]:
    """Return the blocks of a paragraph, list, formula, table or listing; of anything else, none."""
    if child.name == "p":
        if MINUTES.fullmatch(child.get_text().strip()):
            return []
        return [Block(*shortened(child, whole))]
    if child.name in ("ul", "ol"):
        return [Block(*shortened(item, whole), kind="item") for item in child.find_all("li", recursive=False)]
    if child.name == "dl":
        return [Block(str(child))]
    return [Block(str(child))] if child.css.match(AS_IT_IS) else []


def shortened(text: Tag, whole: bool) -> tuple[str, str]:
    """Return the first sentence of a text, and all of it for the notes if that is more."""
    full = f"<p>{inner(text)}</p>" if text.name != "li" else f"<div>{inner(text)}</div>"
    if whole or len(text.get_text().split()) <= SHORT:
        return full, ""
    first = copy.copy(text)
    only = first.find("p", recursive=False)
    return (f"<p>{inner(only or first)}</p>", full) if cut(only or first) else (full, "")


def cut(text: Tag) -> bool:
    """Remove what follows the first sentence of a text; return whether anything does."""
    for child in list(text.children):
        end = SENTENCE_END.search(child) if isinstance(child, NavigableString) else None
        if end:
            for later in list(child.next_siblings):
                later.extract()
            child.replace_with(str(child)[: end.end()])
            return True
    return False


def is_picture(output: Tag) -> bool:
    """Return whether an output is or holds a picture."""
    return output.css.match(PICTURE) or bool(output.select(PICTURE))


def cell_blocks(cell: Tag) -> list[Block]:
    """Return the blocks of a cell: its code and what it prints or draws."""
    tags, code = cell.get_attribute_list("class"), cell.select_one(".cell_input pre")
    listing = str(code) if code else ""
    if "tag_exercise" in tags:
        return [Block(listing)]  # what its check prints is for whoever runs it
    outputs = cell.select_one(".cell_output")
    shown = outputs.find_all(recursive=False) if outputs else []
    drawn = [Block(str(output)) for output in shown if is_picture(output)]
    printed = [Block(str(output), kind="output") for output in shown if not is_picture(output)]
    if drawn or "tag_headline" in tags:
        blocks = [Block(block.html) for block in printed] + drawn
        if blocks:
            blocks[0].notes = listing
        return blocks
    return [Block(listing), *printed]

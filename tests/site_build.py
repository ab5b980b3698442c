"""The web book for the tests: built once, by whichever test needs it first, and its pages taken apart."""

import functools
import html.parser
import re

from tools.book.build import build

#: What a page loads: the attribute that holds the address, by tag.
LOADS = {
    "script": "src",
    "link": "href",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "object": "data",
    "video": "src",
    "audio": "src",
    "embed": "src",
    "use": "href",
    "image": "href",
}
VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())
NOT_PROSE = frozenset("code pre script style h1 h2 h3 h4 h5 h6 summary button".split())
NOT_PROSE_CLASSES = frozenset(("cell_output", "run-lesson", "math", "admonition-title", "prev-next-area"))


@functools.cache
def build_once():
    """Build the book; return its folder, or why it was not built, so that no other test tries again."""
    try:
        return build()
    except SystemExit as error:
        return error


def built_site():
    """Return the folder of the book, which is built first if anything has changed."""
    site = build_once()
    if isinstance(site, SystemExit):
        raise site
    return site


class Page(html.parser.HTMLParser):
    """One page of the book: ids, links, what it loads, pictures, folds, and its article's running text."""

    def __init__(self, path):
        super().__init__()
        self.path = path
        self.ids, self.links, self.loads, self.pictures, self.folds = set(), [], [], [], []
        self.text, self.prose = "", ""
        self.term_links = []  # (start and end in prose, id in the glossary)
        self.linked = []  # stretches of prose that are links of any kind
        self.next, self.previous = None, None
        self._stack = []
        self.feed(path.read_text(encoding="utf-8"))

    def _inside(self, test):
        return any(test(tag, attributes) for tag, attributes, _ in self._stack)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        classes = set((attributes.get("class") or "").split())
        if attributes.get("id"):
            self.ids.add(attributes["id"])
        if LOADS.get(tag) in attributes and attributes.get("rel") not in ("search", "next", "prev", "index"):
            self.loads.append((tag, attributes[LOADS[tag]]))
        if tag == "a" and "href" in attributes:
            self.links.append(attributes["href"])
            if "right-next" in classes:
                self.next = attributes["href"]
            if "left-prev" in classes:
                self.previous = attributes["href"]
        if tag == "img":
            self.pictures.append((attributes.get("src"), attributes.get("alt")))
        if tag == "details":
            self.folds.append((classes, "open" in attributes))
        self._cut(tag)
        if tag not in VOID:
            self._stack.append((tag, attributes, len(self.prose)))

    def _cut(self, tag):
        """Mark where emphasis begins and ends, so that a term is not found across it."""
        if tag in ("em", "strong"):
            self.prose += "\0"

    def handle_endtag(self, tag):
        self._cut(tag)
        while self._stack and any(open_tag == tag for open_tag, _, _ in self._stack):
            open_tag, attributes, start = self._stack.pop()
            if open_tag == "a" and "href" in attributes and len(self.prose) > start:
                self.linked.append((start, len(self.prose)))
                target = re.search(r"glossary\.html#(term-.+)$", attributes["href"])
                if target:
                    self.term_links.append((start, len(self.prose), target.group(1)))
            if open_tag in ("p", "li", "dd", "td", "div"):
                self.prose += "\n"
            if open_tag == tag:
                break

    def handle_data(self, data):
        if self._inside(lambda tag, _: tag in ("script", "style")):
            return
        if self._inside(lambda tag, attributes: tag == "article"):
            self.text += data
            hidden = self._inside(
                lambda tag, attributes: (
                    tag in NOT_PROSE
                    or bool(NOT_PROSE_CLASSES & set((attributes.get("class") or "").split()))
                    or attributes.get("id") == "further-reading"
                )
            )
            self.prose += "" if hidden else data


@functools.cache
def pages():
    """Return {path inside the book: Page} of all pages; without the theme's templates."""
    site = built_site()
    return {
        str(path.relative_to(site)): Page(path)
        for path in sorted(site.rglob("*.html"))
        if "_static" not in path.parts and "_downloads" not in path.parts
    }

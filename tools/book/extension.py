"""What the book adds to the pages while it is built: links, and the pictures' descriptions.

- The first use of each term on a page is linked to the glossary.
- Names of the package in code, such as ``thresholds.Conformal``, are linked to the reference.
- "lesson 06" is linked to the lesson.
- The references in docstrings are linked to the bibliography.
- Lists whose markup, as docutils writes it, confuses screen readers are corrected.
- Each picture gets the alternative text that its lesson stores with it.
- Each drawing gets a second set of colours, for the dark pages.
- Long lines of code can wrap, and each page says what it is about.
"""

import base64
import functools
import hashlib
import html
import inspect
import re
import shutil
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path, PurePath
from typing import Any

import nbformat
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.config import Config

import aecourse
from tools import catalogue
from tools.book import citations, dark, glossary

PACKAGE = Path(aecourse.__file__).parent
MODULES = frozenset(path.stem for path in PACKAGE.glob("[a-z]*") if path.suffix == ".py" or path.is_dir())
# Text under these is not running text of the page.
NOT_PROSE = (
    nodes.title,
    nodes.reference,
    nodes.literal,
    nodes.literal_block,
    nodes.math,
    nodes.math_block,
    nodes.raw,
    nodes.citation,
    nodes.rubric,
    nodes.image,
    addnodes.pending_xref,
    addnodes.download_reference,
    addnodes.toctree,
    addnodes.desc_signature,
)
LESSONS_NAMED = re.compile(
    r"\blessons?\s+\d\d(?:(?:,| and|, and| or|\s+to|[–-])\s*\d\d\b(?!\s*%))*", re.IGNORECASE
)
NAME = re.compile(r"(?:aecourse\.)?([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)(?:\(.*\))?", re.DOTALL)


def join_lines(doctree: nodes.document) -> None:
    """Join neighbouring text nodes: Markdown's line breaks cut the text, and a term may span one."""
    for parent in {id(text.parent): text.parent for text in doctree.findall(nodes.Text)}.values():
        joined: list[nodes.Node] = []
        for child in parent.children:
            if isinstance(child, nodes.Text) and joined and isinstance(joined[-1], nodes.Text):
                joined[-1] = nodes.Text(joined[-1].astext() + child.astext())
            else:
                joined.append(child)
        if len(joined) < len(parent.children):
            parent.children = []
            parent.extend(joined)


def prose(doctree: nodes.document) -> list[nodes.Text]:
    """Return the nodes of running text, in the order of the page, without "Further reading"."""
    running = []
    for text in doctree.findall(nodes.Text):
        ancestors, node = [], text.parent
        while node is not None:
            ancestors.append(node)
            node = node.parent
        if any(isinstance(node, NOT_PROSE) for node in ancestors):
            continue
        elements = [node for node in ancestors if isinstance(node, nodes.Element)]
        if any("further-reading" in node["ids"] or "run-lesson" in node["classes"] for node in elements):
            continue
        running.append(text)
    return running


def replace(text: nodes.Text, links: Sequence[tuple[int, int, Callable[[str], nodes.Node]]]) -> None:
    """Put links into a text node: [(start, end, function from text to node)]."""
    whole, pieces, done = text.astext(), [], 0
    for start, end, make in links:
        if start > done:
            pieces.append(nodes.Text(whole[done:start]))
        pieces.append(make(whole[start:end]))
        done = end
    if done < len(whole):
        pieces.append(nodes.Text(whole[done:]))
    text.parent.replace(text, pieces)


def cross_reference(
    content: nodes.Node, docname: str, domain: str, kind: str, target: str, *, refwarn: bool
) -> nodes.Node:
    """Return a link that Sphinx resolves when all pages are read."""
    return addnodes.pending_xref(
        "",
        content,
        refdoc=docname,
        refdomain=domain,
        reftype=kind,
        reftarget=target,
        refexplicit=True,
        refwarn=refwarn,
    )


def link_terms(doctree: nodes.document, docname: str) -> None:
    """Link the first use of each term on the page to the glossary."""
    wanted = list(glossary.terms())
    for text in prose(doctree):
        uses = glossary.first_uses(text.astext(), wanted)
        if not uses:
            continue
        used = {term.name for _, _, term in uses}
        wanted = [term for term in wanted if term.name not in used]
        links = [(start, end, functools.partial(term_link, docname, term)) for start, end, term in uses]
        replace(text, links)


def lesson_link(docname: str, target: str, words: str) -> nodes.Node:
    """Return a link to a lesson."""
    return cross_reference(nodes.inline(words, words), docname, "std", "doc", f"/{target}", refwarn=True)


def term_link(docname: str, term: glossary.Term, words: str) -> nodes.Node:
    """Return a link to a term of the glossary."""
    content = nodes.inline(words, words, classes=["term"])
    return cross_reference(content, docname, "std", "term", term.name, refwarn=True)


def link_lessons(doctree: nodes.document, docname: str, lessons: dict[str, str]) -> None:
    """Link the numbers in "lesson 06" and "lessons 01, 02 and 04" to the lessons."""
    for text in prose(doctree):
        links = []
        for named in LESSONS_NAMED.finditer(text.astext()):
            for number in re.finditer(r"\d\d", named.group()):
                target = lessons.get(number.group())
                if target and target != docname:
                    start = named.start() + number.start()
                    links.append((start, start + 2, functools.partial(lesson_link, docname, target)))
        if links:
            replace(text, links)


def link_names(doctree: nodes.document, docname: str) -> None:
    """Link names of the package in code to the reference, if it has them."""
    for literal in list(doctree.findall(nodes.literal)):
        named = NAME.fullmatch(literal.astext())
        if named is None or isinstance(literal.parent, (nodes.reference, addnodes.pending_xref, nodes.title)):
            continue
        name = named.group(1)
        if name == "AutoencoderDetector" or name.startswith("AutoencoderDetector."):
            name = f"detector.{name}"
        bare = "." not in name and not literal.astext().startswith("aecourse.")
        if bare or name.split(".")[0] not in MODULES:
            continue
        xref = cross_reference(literal.deepcopy(), docname, "py", "obj", f"aecourse.{name}", refwarn=False)
        literal.parent.replace(literal, xref)


def describe_pictures(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Give each picture of a lesson the description that is stored with it."""
    path = Path(app.env.doc2path(docname))
    if path.suffix != ".ipynb":
        return
    stored = {}
    for cell in nbformat.read(path, as_version=4).cells:
        for output in cell.get("outputs", ()):
            for kind, content in output.get("data", {}).items():
                if kind.startswith("image/"):
                    raw = content.encode() if kind == "image/svg+xml" else base64.b64decode(content)
                    stored[hashlib.sha256(raw).hexdigest()] = output.metadata.get(kind, {})
    for image in doctree.findall(nodes.image):
        digest = PurePath(image["uri"]).stem
        if digest in stored:
            image["alt"] = stored[digest].get("alt", "")
            if "width" in stored[digest]:  # fewer than the pixels it has, so that it is sharp
                image["width"] = f"{stored[digest]['width']}px"


def add_dark_pictures(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put after each drawing a copy in the colours of the dark pages; the theme shows one of the two."""
    for image in list(doctree.findall(nodes.image)):
        if not image["uri"].endswith(".svg"):
            continue
        path = Path(app.env.relfn2path(image["uri"], docname)[1])
        drawing = path.read_text(encoding="utf-8")
        if dark.has_pixels(drawing):
            continue
        copy = image.deepcopy()
        copy["uri"] = image["uri"].removesuffix(".svg") + "_dark.svg"
        path.with_name(f"{path.stem}_dark.svg").write_text(dark.dark_svg(drawing), encoding="utf-8")
        image["classes"].append("only-light")
        copy["classes"].append("only-dark")
        image.parent.insert(image.parent.index(image) + 1, copy)


def on_pictures(app: Sphinx, doctree: nodes.document) -> None:
    """Describe the pictures of a page, and add the dark ones."""
    describe_pictures(app, doctree, app.env.docname)
    add_dark_pictures(app, doctree, app.env.docname)


def on_doctree_read(app: Sphinx, doctree: nodes.document) -> None:
    """Put in the links of a page."""
    docname = app.env.docname
    lessons = {
        name.removeprefix("lessons/")[:2]: name
        for name in app.env.found_docs
        if re.match(r"lessons/\d\d_", name)
    }
    read_through = docname.startswith(("lessons/", "assignments/", "instructors"))
    if read_through or docname in ("index", "glossary"):
        join_lines(doctree)
        link_lessons(doctree, docname, lessons)
        link_names(doctree, docname)
    if read_through:
        link_terms(doctree, docname)


def on_docstring(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Link the references of a docstring, in place."""
    module = inspect.getmodule(obj)
    citations.cite_docstring(lines, (inspect.getdoc(module) or "").split("\n"))


def on_skip_member(
    app: Sphinx, what: str, name: str, obj: object, skip: bool, options: object
) -> bool | None:
    """Leave out the methods that scikit-learn adds to every estimator: their texts link to its own manual."""
    return True if re.fullmatch(r"set_\w+_request", name) else None


def hang_lines(code: re.Match[str]) -> str:
    """Return code as HTML whose lines say how far they are indented, so that what wraps hangs below."""

    def line(text: str) -> str:
        plain = re.sub("<[^>]+>", "", text)
        indent = len(plain) - len(plain.lstrip(" "))
        style = f' style="--indent: {indent}ch"' if indent else ""
        return f'<span class="line"{style}>{text}</span>' if plain else text

    return code[1] + "\n".join(line(text) for text in code[2].split("\n")) + code[3]


@functools.cache
def lines_of_catalogue() -> dict[str, str]:
    """Return what each lesson is about: {page: line}."""
    return {
        f"lessons/{entry.path.stem}": f"Lesson {entry.number}, about {entry.reading} minutes: {entry.about}"
        for entry in catalogue.read()
    }


def about_page(page: str, doctree: nodes.document | None) -> str:
    """Return what a page is about: a lesson's line in the catalogue, or the beginning of the page."""
    if page in lines_of_catalogue():
        return lines_of_catalogue()[page]
    first = next(iter(doctree.findall(nodes.paragraph)), None) if doctree else None
    words = " ".join(first.astext().split()) if first else ""
    return textwrap.shorten(words, 200, placeholder=" …")


def preview(app: Sphinx, page: str, title: str, about: str) -> str:
    """Return the tags from which search engines and chats make a card of a page.

    A picture must have a full address, so there is one only if the book's own address is known.
    """
    tags = {"og:type": "article", "og:title": title, "og:description": about, "twitter:card": "summary"}
    if base := app.config.html_baseurl.rstrip("/"):
        tags |= {"og:url": f"{base}/{page}.html", "og:image": f"{base}/_static/zeros.png"}
    lines = [f'<meta name="description" content="{html.escape(about)}" />']
    lines += [f'<meta property="{name}" content="{html.escape(words)}" />' for name, words in tags.items()]
    return "\n".join(lines)


def on_page(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Describe a page for previews; prepare the lines of code of lessons and assignments for wrapping."""
    if about := about_page(page, doctree):
        title = html.unescape(re.sub("<[^>]+>", "", context["title"]))
        context["metatags"] = context.get("metatags", "") + preview(app, page, title, about)
    if page.startswith(("lessons/", "assignments/")):
        pattern = r"(<div class=\"highlight\"><pre>(?:<span></span>)?)(.*?)(</pre></div>)"
        context["body"] = re.sub(pattern, hang_lines, context["body"], flags=re.DOTALL)


def drop_roles(app: Sphinx, exception: Exception | None) -> None:
    """Remove the roles from the bibliography: docutils writes a list whose children are not list items."""
    page = Path(app.outdir) / "bibliography.html"
    if exception is None and page.exists():
        text = page.read_text(encoding="utf-8")
        for role in (' role="list"', ' role="doc-biblioentry"'):
            text = text.replace(role, "")
        page.write_text(text, encoding="utf-8")


# Of MathJax the book loads `tex-chtml.js`, its fonts and extensions, and for reading aloud the English words.
# That file holds its core, its menu and what reads and writes formulas; they need no files of their own.
UNUSED = (
    "**/*.map",
    "mathjax/*.js",
    "mathjax/input/*.js",
    "mathjax/input/mml",
    "mathjax/input/tex/extensions/all-packages.js",
    "mathjax/output/*.js",
    "mathjax/output/svg",
    "mathjax/output/chtml/fonts/*.js",
    "mathjax/ui",
    "locales",
    "mathjax/sre/mathmaps/*.json",
)
USED = ("tex-chtml.js", "base.json", "en.json")


def drop_unused(app: Sphinx, exception: Exception | None) -> None:
    """Remove what no page asks for: maps of scripts, other forms of MathJax and other languages."""
    for path in [found for pattern in UNUSED for found in (Path(app.outdir) / "_static").glob(pattern)]:
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name not in USED:
            path.unlink()


def add_generated_files(app: Sphinx, config: Config) -> None:
    """Serve the files that `tools.book.pages` has written into ``static`` next to the pages."""
    if (app.srcdir / "static").is_dir():
        config.html_static_path.append(str(app.srcdir / "static"))


def setup(app: Sphinx) -> dict[str, object]:
    """Connect the functions above to Sphinx's events."""
    app.setup_extension("sphinx.ext.autodoc")  # whose event this listens to
    app.connect("config-inited", add_generated_files)
    app.connect("build-finished", drop_roles)
    app.connect("build-finished", drop_unused)
    app.connect("doctree-read", on_pictures, priority=400)  # before Sphinx collects the files of pictures
    app.connect("doctree-read", on_doctree_read)
    app.connect("html-page-context", on_page)
    # Before napoleon, which turns the sections of a docstring into other markup.
    app.connect("autodoc-process-docstring", on_docstring, priority=100)
    app.connect("autodoc-skip-member", on_skip_member)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

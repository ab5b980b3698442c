"""The lessons as PDF: printed, and read back."""

import functools
import itertools
import re
import shutil

import chromium
import pypdf
import pytest
from site_build import built_site
from test_browser_site import lesson_notebook, solved_lines

from tools import pdf
from tools import text as texts

NAME = "03_autoencoder_from_equations"
# What sticks out of the printed page to the right, and what would be cut in its own box.
CUT = """
() => {
  // What is read aloud takes a little more room than the formula, and is not seen.
  document.querySelectorAll("mjx-assistive-mml").forEach((spoken) => spoken.remove());
  const wide = [...document.querySelectorAll("article *")].filter((element) => {
    const box = element.getBoundingClientRect();
    const style = getComputedStyle(element);
    const hides = style.overflowX !== "visible" && style.display !== "inline";
    return box.width > 2 && !element.closest("svg, .headerlink")
      && (box.right > innerWidth + 1 || (hides && element.scrollWidth > element.clientWidth + 1));
  });
  return wide.map((element) => `${element.localName}.${element.className}: ${element.innerText}`);
}
"""


def plain(text):
    """Return a text without spaces and line breaks, which a PDF does not keep, and without ligatures."""
    return re.sub(r"\s", "", text.replace("ﬁ", "fi").replace("ﬂ", "fl").replace("ﬀ", "ff"))


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """The PDF of one lesson, printed from the book as its files are."""
    (path,) = pdf.print_pages(built_site(), tmp_path_factory.mktemp("pdf"), [f"lessons/{NAME}"])
    return path


@functools.cache
def text_of(path):
    return "\f".join(page.extract_text() for page in pypdf.PdfReader(path).pages)


def test_a_lesson_has_its_title_its_outline_and_its_pages(printed):
    reader = pypdf.PdfReader(printed)
    assert reader.metadata.title.startswith("03 · The autoencoder from equations")
    assert len(reader.pages) > 15
    # Without blanks, since versions of pypdf differ in where they see one.
    assert "Theautoencoderfromequations" in "".join(text_of(printed)[:200].split())
    titles = [each.title for each in reader.outline if not isinstance(each, list)]
    nested = [
        each.title
        for each in itertools.chain(*(o for o in reader.outline if isinstance(o, list)))
        if not isinstance(each, list)
    ]
    assert any("Backward" in title or "As published" in title for title in titles + nested)
    assert printed.stat().st_size < 4_000_000


def test_formulas_are_set_and_not_their_source(printed):
    text = text_of(printed)
    assert "∂" in text and "⊤" in text  # of the gradients of section 1.3
    assert not re.search(r"\\(?:frac|sigma|partial|top|\(|\[)|\$[A-Z]", text)


def test_all_code_and_prose_is_there(printed):
    whole = plain(text_of(printed))
    missing = [
        line
        for cell in lesson_notebook(NAME).cells
        if cell.cell_type == "code" and not texts.is_checks(cell)
        for line in cell.source.split("\n")
        if plain(line) not in whole
    ]
    # Where a line of code is divided between two pages, the running title stands between its halves.
    assert len(missing) <= 2, missing
    for heading in re.findall(
        r"^#{2,3} (.*)$", "\n".join(c.source for c in lesson_notebook(NAME).cells), re.M
    ):
        if not heading.startswith("# "):
            assert plain(heading) in whole, heading


def test_answers_are_at_the_end_and_assertions_nowhere(printed):
    text = text_of(printed)
    before, heading, after = text.rpartition("Answers and solutions")
    lines = solved_lines(lesson_notebook(NAME))
    assert heading and lines
    assert [line for line in lines if plain(line) in plain(before)] == []
    assert sum(plain(line) in plain(after) for line in lines) > 0.9 * len(lines)
    assert "Show a solution" not in text and "Show what is asserted" not in text
    links = [annotation for page in pypdf.PdfReader(printed).pages for annotation in page.get("/Annots", ())]
    assert len(links) > 20


@pytest.mark.parametrize("name", [NAME, "02_classical_methods", "13_time_series"])
def test_nothing_is_cut_on_the_right(name):
    with chromium.browser() as browser:
        page = browser.new_page(viewport={"width": pdf.WIDTH, "height": 1200}, color_scheme="light")
        page.emulate_media(media="print")
        pdf.prepare(page, built_site() / "lessons" / f"{name}.html")
        assert page.evaluate(CUT) == []
        page.add_style_tag(content="article p { width: 1000px; }")
        assert page.evaluate(CUT) != []


def test_several_are_joined_with_their_titles(printed, tmp_path):
    second = shutil.copy(printed, tmp_path / "second.pdf")
    pdf.join({"First": printed, "Second": second}, tmp_path / "book.pdf")
    book = pypdf.PdfReader(tmp_path / "book.pdf")
    assert len(book.pages) == 2 * len(pypdf.PdfReader(printed).pages)
    assert [each.title for each in book.outline if not isinstance(each, list)] == ["First", "Second"]
    assert (tmp_path / "book.pdf").stat().st_size < 1.5 * printed.stat().st_size  # what is equal is kept once


def test_a_lesson_gets_one_button_to_its_pdf():
    page = (built_site() / "lessons" / f"{NAME}.html").read_text(encoding="utf-8")
    address = "../pdf/another.pdf"
    once = pdf.with_button(page, address)
    row = re.search(r'<div class="lesson-buttons.*?</div>', once, re.DOTALL)[0]
    assert f'<a class="reference external" href="{address}">Read as PDF</a>' in row
    assert pdf.with_button(once, address) == once
    assert pdf.with_button("<p>another page</p>", address) == "<p>another page</p>"


def test_without_a_browser_it_says_what_to_install(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SystemExit, match="chromium-headless-shell"):
        pdf.executable()

"""The slides in a real browser, from their files: nothing is hidden, no answer shown, nothing else loaded."""

import hashlib
import re

import chromium
import pytest
from site_build import built_site
from test_browser_site import LESSONS, lesson_notebook, solved_lines

from tools import catalogue
from tools.slides import folder

REVEAL = catalogue.ROOT / "tools" / "slides" / "reveal"
# Go through all slides with everything shown; return their number, their text and what sticks out of one.
# What is inside a box that scrolls cannot stick out; the box itself can.
LOOK = """
() => {
  const faults = [], texts = [];
  const scrolls = (element) => ["auto", "scroll"].includes(getComputedStyle(element).overflowY);
  const all = Reveal.getSlides();
  for (const slide of all) {
    const {h, v} = Reveal.getIndices(slide);
    Reveal.slide(h, v, Infinity);
    texts.push(slide.innerText);
    const walk = (element) => {
      const box = element.getBoundingClientRect();
      if (element.matches("aside, mjx-assistive-mml") || box.width < 2) return;
      if (box.bottom > innerHeight + 1 || box.right > innerWidth + 1 || box.left < -1 || box.top < -1) {
        faults.push(`slide ${h}.${v}: ${element.localName}.${element.className} ${element.innerText}`);
      } else if (!scrolls(element)) [...element.children].forEach(walk);
    };
    [...slide.children].forEach(walk);
  }
  return [all.length, texts.join("\\n"), faults];
}
"""


@pytest.fixture(scope="module")
def decks(tmp_path_factory):
    made = tmp_path_factory.mktemp("slides")
    folder.write(built_site(), made, catalogue.read())
    return made


@pytest.fixture(scope="module")
def page():
    with chromium.browser() as browser:
        context = browser.new_context(viewport={"width": 1280, "height": 720}, offline=True)
        yield context.new_page()


def opened(page, decks, name):
    """Open a deck from its file; return what goes wrong meanwhile."""
    faults = chromium.watch_files(page, decks)
    page.goto((decks / f"{name}.html").as_uri())
    page.wait_for_function("window.Reveal && Reveal.isReady()")
    return faults


@pytest.mark.parametrize("name", LESSONS)
def test_slides_show_all_of_their_text_and_no_answer(page, decks, name):
    faults = opened(page, decks, name)
    slides, text, sticking_out = page.evaluate(LOOK)
    assert faults == []
    assert sticking_out == []
    assert slides >= 15
    looked_for = solved_lines(lesson_notebook(name))
    html = (decks / f"{name}.html").read_text(encoding="utf-8")
    assert looked_for and [line for line in looked_for if line in text] == []
    assert not re.search(r"tag_solution|tag_checks|<details|Exercise [\d.]+: right", html)
    assert page.locator("mjx-merror").count() == 0


def test_formulas_are_set(page, decks):
    opened(page, decks, "03_autoencoder_from_equations")
    assert page.locator("mjx-container").count() > 50
    _, text, _ = page.evaluate(LOOK)
    assert "\\(" not in text and "\\[" not in text


def test_what_sticks_out_is_found(page, decks):
    opened(page, decks, "00_start_here")
    page.evaluate("document.querySelector('.slides section.present .block').style.height = '900px'")
    assert len(page.evaluate(LOOK)[2]) >= 1


def test_keys_go_through_the_slides_and_the_notes_have_the_whole_text(page, decks):
    faults = opened(page, decks, "03_autoencoder_from_equations")
    assert page.locator("section.present h1").inner_text().startswith("03")
    page.keyboard.press("ArrowRight")
    assert "As published" in page.locator("section.present section.present > :is(h2, h3)").inner_text()
    with page.expect_popup() as window:
        page.keyboard.press("s")
    notes = window.value.locator(".speaker-controls-notes")
    page.keyboard.press("ArrowDown")
    notes.get_by_text("Theano for anomaly detection").wait_for()
    window.value.close()
    assert faults == []


def test_reveal_is_the_published_one():
    listed = dict(
        re.findall(r"^\| `(.+?)` \| `(\w{64})` \|", (REVEAL / "README.md").read_text(), re.MULTILINE)
    )
    assert set(listed) == {path.name for path in REVEAL.iterdir()} - {"README.md"}
    for name, digest in listed.items():
        assert hashlib.sha256((REVEAL / name).read_bytes()).hexdigest() == digest, name

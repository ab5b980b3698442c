"""What `make course` writes, in a real browser and from its files, without a network."""

import chromium
import pytest
from test_browser_site import lesson_notebook, solutions, spoilers

from tools import catalogue, course
from tools.book.build import build_run

NAMES = ("02_classical_methods", "03_autoencoder_from_equations")


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """The pages of two lessons with the outputs that are stored, which executing them gives again."""
    folder = tmp_path_factory.mktemp("course") / "out"
    entries = [entry for entry in catalogue.read() if entry.path.stem in NAMES]
    results = [
        course.Result(entry, entry.notebook(), 0.5, catalogue.headline(entry.notebook()), None)
        for entry in entries
    ]
    table = course.markdown_table(results)
    build_run(folder, "The lessons", table, {each.entry.path: each.notebook for each in results})
    return folder


@pytest.fixture
def page(out):
    with chromium.browser() as browser:
        page = browser.new_context(offline=True).new_page()
        faults = chromium.watch_files(page, out)
        page.goto((out / "index.html").as_uri())
        yield page
        assert faults == []


def test_the_table_leads_to_the_lessons_and_a_lesson_to_the_next(page):
    for name in NAMES:
        assert page.locator(f'article a[href="lessons/{name}.html"]').count() == 1
    page.locator(f'article a[href="lessons/{NAMES[0]}.html"]').click()
    page.wait_for_url(f"**/lessons/{NAMES[0]}.html")  # a click returns before the next page is there
    page.locator("a.right-next").click()
    page.wait_for_url(f"**/lessons/{NAMES[1]}.html")
    # "lesson 02" in the text is a link, "lesson 09", which did not run, is none.
    assert page.locator(f'article p a[href="{NAMES[0]}.html"]').count() >= 1
    assert page.locator('article a[href*="09_"]').count() == 0


def test_formulas_are_set(page, out):
    page.goto((out / "lessons" / f"{NAMES[1]}.html").as_uri())
    page.evaluate("MathJax.startup.promise")
    assert page.locator("mjx-container").count() > 50 and page.locator("mjx-merror").count() == 0


@pytest.mark.parametrize("name", NAMES)
def test_a_lesson_opens_without_a_spoiler(page, out, name):
    page.goto((out / "lessons" / f"{name}.html").as_uri())
    notebook = lesson_notebook(name)
    assert spoilers(page, notebook) == []
    shown = page.locator("summary", has_text="Show a solution")
    assert shown.count() == len(solutions(notebook))
    shown.first.click()
    assert spoilers(page, notebook) != []  # or the search above would find nothing at all

"""The web book in a real browser: errors, other hosts, folds, search, contrast, narrow screens, paper.

The screenshots that it leaves in ``_build/screenshots`` are for a person to look at.
"""

import contextlib
import io
import re

import chromium
import nbformat
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from site_build import built_site, pages
from test_plots import ALL

from aecourse import exercises
from aecourse.plots import pictures
from aecourse.plots.description import whole_figure
from tools import catalogue
from tools import text as texts
from tools.book import dark, selfchecks

SIZES = {360: 740, 768: 1024, 1440: 900}
SHOTS = {
    "index.html": 0,
    "lessons/06_mnist_zeros_lab.html": 4600,
    "reference/thresholds.html": 0,
    "glossary.html": 0,
}
LESSONS = [entry.path.stem for entry in catalogue.read()]
LESSON = "lessons/06_mnist_zeros_lab.html"
# Code and formulas hold thousands of coloured pieces. Here they become plain text: the colours of code
# are tested one by one in test_site.py. Of long tables of numbers two lines are looked at.
SIMPLIFY = """
document.querySelectorAll(".highlight pre").forEach((code) => { code.textContent = code.textContent; });
document.querySelectorAll("mjx-container").forEach((formula) => { formula.textContent = "formula"; });
document.querySelectorAll("table.dataframe tbody tr:nth-child(n+3)").forEach((row) => row.remove());
"""
# Colours take most of axe's time, and depend on an element's kind: the tags, classes and styles from the
# body down to it. So each kind of text is looked at on the first page that holds it.
MARK_NEW_KINDS = """
() => {
  const seen = new Set(JSON.parse(sessionStorage.seen || "[]"));
  const holdsText = (element) => [...element.childNodes].some(
    (node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
  for (const element of [...document.querySelectorAll("body *")].filter(holdsText)) {
    let kind = "";
    for (let at = element; at !== document.body; at = at.parentElement) {
      kind = `${at.localName}.${at.className}[${at.getAttribute("style")}]${at.rowIndex % 2} ${kind}`;
    }
    if (!seen.has(kind)) element.dataset.newKind = "";
    seen.add(kind);
  }
  sessionStorage.seen = JSON.stringify([...seen]);
}
"""
AXE = """
async () => {
  const faults = [];
  const look = async (theme, where, rules) => {
    document.documentElement.dataset.theme = theme;
    const result = await axe.run(where, {
      // Selectors take a third of the time.
      resultTypes: ["violations"], preload: false, selectors: false, ...rules});
    for (const fault of result.violations.filter((fault) => ["serious", "critical"].includes(fault.impact))) {
      const places = fault.nodes.slice(0, 3).map((node) => node.html);
      faults.push(`${theme}: ${fault.id}: ${places.join("; ")}`);
    }
  };
  const ofColours = ["color-contrast", "link-in-text-block"];
  const withoutColours = Object.fromEntries(ofColours.map((rule) => [rule, {enabled: false}]));
  await look("light", document, {rules: withoutColours});
  const kinds = document.querySelectorAll("[data-new-kind]");
  for (const theme of kinds.length ? ["light", "dark"] : []) await look(theme, kinds, {runOnly: ofColours});
  return faults;
}
"""


@pytest.fixture(scope="module")
def address():
    """Serve the book on 127.0.0.1."""
    with chromium.served(built_site()) as found:
        yield found


@pytest.fixture(scope="module")
def browser():
    with chromium.browser() as opened_browser:
        yield opened_browser


@contextlib.contextmanager
def opened(browser, address, name="", **settings):
    """Open a page in a browser window of its own; afterwards nothing may have gone wrong."""
    context = browser.new_context(**({"viewport": {"width": 1440, "height": 900}} | settings))
    context.set_default_timeout(30_000)
    page = context.new_page()
    page.faults = listen(page, address)
    page.goto(address + name)
    yield page
    assert page.faults == []
    context.close()


def listen(page, address):
    """Return a list that fills with console errors, errors of scripts, and requests that went wrong."""
    faults = []

    def note(wrong, text):
        if wrong:
            faults.append(f"{page.url}: {text}")

    page.on("console", lambda said: note(said.type == "error", said.text))
    page.on("pageerror", lambda error: note(True, error))
    # What the last page still asked for when this one was opened is aborted, and no fault.
    page.on("requestfailed", lambda asked: note(asked.failure != "net::ERR_ABORTED", f"{asked.url} failed"))
    page.on("response", lambda answer: note(answer.status >= 400, f"{answer.url}: {answer.status}"))
    page.on(
        "request",
        lambda asked: note(not asked.url.startswith((address, "data:", "blob:")), f"asks for {asked.url}"),
    )
    return faults


def accessibility(page):
    """Return axe's serious and critical faults of a page, as "theme: rule: places"."""
    page.evaluate(SIMPLIFY)
    page.add_style_tag(content="* { transition: none !important; }")
    page.evaluate(Axe().axe_script)
    page.evaluate(MARK_NEW_KINDS)
    return page.evaluate(AXE)


def look_at(browser, address, names):
    """Return what is wrong on pages: errors, requests to others, too wide on a phone, accessibility."""
    faults = []
    with opened(browser, address, reduced_motion="reduce", color_scheme="light") as page:
        page.faults.clear()
        for name in names:
            page.goto(address + name)
            page.evaluate("document.fonts.ready")
            faults += [f"{name}: {fault}" for fault in page.faults]
            page.faults.clear()
            page.set_viewport_size({"width": 360, "height": 740})
            width = page.evaluate("document.documentElement.scrollWidth")
            if width > 360:
                faults.append(f"{name}: {width} px wide on a screen of 360 px")
            page.set_viewport_size({"width": 1440, "height": 900})
            faults += [f"{name}: {fault}" for fault in accessibility(page)]
            page.faults.clear()  # what axe itself asked for
    return faults


class TestLessonPages:
    def test_no_fault(self, browser, address):
        names = [name for name in pages() if name.startswith("lessons/")]
        assert len(names) >= 10
        assert look_at(browser, address, names) == []


class TestOtherPages:
    def test_no_fault(self, browser, address):
        names = [name for name in pages() if not name.startswith("lessons/")]
        assert len(names) >= 20
        assert look_at(browser, address, names) == []


class TestLooking:
    @pytest.mark.parametrize(
        ("put_in", "expected"),
        [
            (
                '<p style="color: #999; background: #aaa">pale</p>',
                [["light", "color-contrast"], ["dark", "color-contrast"]],
            ),
            ('<img src="data:,">', [["light", "image-alt"]]),
        ],
    )
    def test_finds_a_fault_on_a_page_whose_kinds_were_seen(self, browser, address, put_in, expected):
        def found(page):
            return [fault.split(": ")[:2] for fault in accessibility(page)]

        with opened(browser, address, "reference/scaling.html", color_scheme="light") as page:
            assert found(page) == []
            page.evaluate(
                "text => document.querySelector('article').insertAdjacentHTML('beforeend', text)", put_in
            )
            assert found(page) == expected


# Of the code, outputs and tables of a page with all folds open, those that scroll sideways.
TOO_WIDE = """
() => {
  document.querySelectorAll("article details").forEach((fold) => { fold.open = true; });
  const boxes = [...document.querySelectorAll("article :is(pre, .cell_output > .output)")];
  const wide = boxes.filter((box) => box.scrollWidth > box.clientWidth + 1);
  return [boxes.length, wide.map((box) => box.innerText)];
}
"""


# Answer a self-check in its form; return what it says.
ANSWER = """
([id, answer]) => {
  const forms = [...document.querySelectorAll(".self-check form")];
  const form = forms.find((one) => one.innerText.includes(`${id} `));
  for (const input of form.querySelectorAll("input")) {
    if (input.type === "radio") input.checked = input.value === answer;
    else input.value = answer;
  }
  form.requestSubmit();
  return form.querySelector("output").textContent;
}
"""
# Of each line of code that wraps: how far its first row and the rows below it are from the left.
WRAPPED = """
() => [...document.querySelectorAll(".cell_input .line")].flatMap((line) => {
  const words = document.createRange();
  words.selectNodeContents(line);
  const rows = [...words.getClientRects()].filter((row) => row.width > 0);
  const left = line.getBoundingClientRect().left;
  const below = rows.filter((row) => row.top > rows[0].bottom - 2).map((row) => row.left - left);
  return below.length ? [[rows[0].left - left, Math.min(...below)]] : [];
})
"""


def lesson_notebook(name):
    return nbformat.read(catalogue.NOTEBOOKS / f"{name}.ipynb", as_version=4)


def solutions(notebook):
    return [cell for cell in notebook.cells if texts.is_solution(cell)]


def solved_lines(notebook):
    """Return the lines that only solutions, or what they print, hold."""
    solved, others = set(), ""
    for cell in notebook.cells:
        shown = "\n".join([cell.source, *(output.get("text", "") for output in cell.get("outputs", ()))])
        if texts.is_solution(cell):
            solved |= {line.strip() for line in shown.splitlines()}
        else:
            others += " ".join(shown.replace("`", "").split()) + "\n"
    return {line for line in solved if len(line) > 8 and line not in others}


def spoilers(page, notebook):
    """Return the lines that only solutions, or what they print, hold and that a reader sees."""
    looked_for = solved_lines(notebook)
    assert looked_for
    seen = page.locator("body").inner_text()
    return sorted(line for line in looked_for if line in seen) + re.findall("Exercise .*: right.*", seen)


# Of each picture of a lesson that is shown: its classes, and how wide it is.
PICTURES = """
() => [...document.querySelectorAll("article .cell_output img")]
  .filter((picture) => getComputedStyle(picture).display !== "none")
  .map((picture) => [picture.className, picture.naturalWidth])
"""
WITH_DRAWINGS = "lessons/02_classical_methods.html"


def margin(element):
    """Return the colour of an element's margin at the right, where nothing is drawn and nothing covers it."""
    with Image.open(io.BytesIO(element.screenshot())) as shot:
        return shot.convert("RGB").getpixel((shot.width - 3, shot.height // 4))


def rgb(colour):
    return tuple(int(colour[place : place + 2], 16) for place in (1, 3, 5))


class TestDrawings:
    @pytest.mark.parametrize(("theme", "ground"), [("light", "#ffffff"), ("dark", dark.GROUND)])
    def test_a_page_shows_each_drawing_once_in_the_colours_of_its_theme(
        self, browser, address, theme, ground
    ):
        with opened(browser, address, WITH_DRAWINGS, color_scheme=theme) as page:
            page.wait_for_load_state("load")
            shown = page.evaluate(PICTURES)
            assert {classes for classes, _ in shown} == {f"only-{theme}"}
            assert len(shown) == page.locator("article button.enlarge").count() >= 8
            assert min(width for _, width in shown) > 300  # loaded
            button = page.locator("article button.enlarge").first
            assert margin(button) == rgb(ground)
            assert page.evaluate("getComputedStyle(document.body).backgroundColor") == f"rgb{rgb(ground)}"
            button.click()
            copy = page.get_by_role("dialog").get_by_role("img")
            assert margin(copy) == rgb(ground)
            assert copy.get_attribute("alt") == button.get_by_role("img").get_attribute("alt")
            assert page.get_by_role("dialog").evaluate("box => getComputedStyle(box).backgroundColor") == (
                f"rgb{rgb(ground)}"
            )

    def test_in_the_dark_a_picture_with_pixels_lies_on_white_paper(self, browser, address):
        with opened(browser, address, LESSON, color_scheme="dark") as page:
            digits = page.locator('article img[alt*="28 by 28 pixels"]').first
            assert digits.get_attribute("src").endswith(".svg") and digits.is_visible()
            assert margin(digits) == (224, 224, 224)  # a little less bright than paper

    def test_a_page_printed_from_the_dark_has_the_drawings_of_light_pages(self, browser, address):
        with opened(browser, address, WITH_DRAWINGS, color_scheme="dark") as page:
            page.emulate_media(media="print", color_scheme="dark")
            assert {classes for classes, _ in page.evaluate(PICTURES)} == {"only-light"}

    @pytest.mark.parametrize("name", ["score_histogram", "error_scatter", "decision_regions", "pairwise"])
    def test_what_is_left_out_of_a_drawing_is_not_missed(self, browser, tmp_path, name):
        figure = whole_figure(ALL[name]())
        figure.canvas.draw()
        figure.savefig(tmp_path / "whole.svg", facecolor="white")
        (tmp_path / "short.svg").write_text(pictures.svg(figure, ""), encoding="utf-8")
        assert (tmp_path / "short.svg").stat().st_size < 0.6 * (tmp_path / "whole.svg").stat().st_size
        page = browser.new_page(viewport={"width": 900, "height": 900})
        shots = []
        for file in ("whole", "short"):
            page.goto((tmp_path / f"{file}.svg").as_uri())
            page.evaluate("document.documentElement.setAttribute('width', 900)")
            page.evaluate("document.documentElement.removeAttribute('height')")
            shots.append(np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("L"), int))
        page.close()
        differing = np.abs(shots[0] - shots[1])
        assert (shots[0] < 200).mean() > 0.005  # something is drawn
        assert (differing > 64).mean() < 0.001 and differing.mean() < 0.5


@pytest.fixture(scope="module")
def window(browser, address):
    with opened(browser, address) as page:
        yield page


@pytest.fixture
def lesson(window, address):
    """A lesson's page as it opens, in one window for all tests that leave nothing behind."""
    window.goto(address + LESSON)
    yield window
    assert window.faults == []


class TestUse:
    @pytest.mark.parametrize("key", ["click", "Enter", "Space"])
    def test_folds_open_by_mouse_and_by_keyboard(self, lesson, key):
        for kind in ("details.hide", "details:not(.hide)"):
            fold = lesson.locator(f"article {kind}").first
            assert not fold.evaluate("fold => fold.open")
            inside = fold.locator(":scope > :not(summary)").first
            assert not inside.is_visible()
            summary = fold.locator("summary")
            if key == "click":
                summary.click()
            else:
                summary.focus()
                lesson.keyboard.press(key)
            assert fold.evaluate("fold => fold.open") and inside.is_visible()

    def test_solution_and_answer_say_what_they_open(self, lesson):
        hidden = lesson.locator("article details.hide > summary").all_inner_texts()
        words = {summary.strip() for summary in hidden}
        assert words == {"Show a solution", "Show what is asserted"}
        assert lesson.locator("article details:not(.hide) > summary").first.inner_text().strip() == "Answer"

    @pytest.mark.parametrize("name", LESSONS)
    def test_a_lesson_opens_without_a_spoiler(self, window, address, name):
        window.goto(f"{address}lessons/{name}.html")
        assert spoilers(window, lesson_notebook(name)) == []

    @pytest.mark.parametrize("name", LESSONS)
    def test_code_and_outputs_fit_without_scrolling_sideways(self, window, address, name):
        window.goto(f"{address}lessons/{name}.html")
        looked_at, too_wide = window.evaluate(TOO_WIDE)
        assert looked_at >= 30 and too_wide == []

    @pytest.mark.parametrize(
        ("put_in", "faults"),
        [("pre { white-space: pre !important; }", 4), ("table { min-width: 1200px; }", 1)],
    )
    def test_what_scrolls_sideways_is_found(self, lesson, put_in, faults):
        lesson.add_style_tag(content=put_in)
        assert len(lesson.evaluate(TOO_WIDE)[1]) >= faults

    def test_what_wraps_hangs_behind_the_beginning_of_its_line(self, browser, address):
        with opened(browser, address, LESSON, viewport={"width": 360, "height": 740}) as page:
            lefts = page.evaluate(WRAPPED)
            assert len(lefts) > 20
            assert all(below > first + 20 for first, below in lefts)
            written = [
                cell.source for cell in lesson_notebook("06_mnist_zeros_lab").cells if "import" in cell.source
            ]
            assert page.locator(".cell_input pre").first.text_content().strip() in written

    @pytest.mark.parametrize("key", ["click", "Enter", "Space"])
    def test_a_picture_opens_enlarged_and_closes(self, lesson, key):
        button = lesson.locator("article button.enlarge").first
        picture = button.locator("img:visible")
        width = picture.bounding_box()["width"]
        if key == "click":
            button.click()
        else:
            button.focus()
            lesson.keyboard.press(key)
        dialog = lesson.get_by_role("dialog", name="The picture, enlarged")
        assert dialog.get_by_role("img").get_attribute("alt") == picture.get_attribute("alt")
        assert dialog.get_by_role("img").bounding_box()["width"] > 1.2 * width
        assert lesson.evaluate("document.activeElement.textContent") == "Close"
        lesson.keyboard.press("Escape")
        assert dialog.count() == 0
        assert button.evaluate("button => button === document.activeElement")

    @pytest.mark.parametrize("name", LESSONS)
    def test_a_self_check_says_what_the_lesson_says(self, window, address, name):
        window.goto(f"{address}lessons/{name}.html")
        checks = {each.id: each for _, each, _ in selfchecks.questions(lesson_notebook(name))}
        judged = [each for each in checks.values() if selfchecks.answerable(each)]
        assert window.locator(".self-check form").count() == len(judged) >= 1
        for exercise in judged:
            examples = [exercise.right_example, *(wrong.example for wrong in exercise.wrong)]
            for answer in (*examples, "" if isinstance(exercise.right_example, str) else -12345.5):
                said = window.evaluate(ANSWER, [exercise.id, str(answer)])
                expected = exercises.verdict(exercise, None if answer == "" else answer)
                assert said == f"Exercise {exercise.id}: {expected}", answer
        window.evaluate("localStorage.clear()")

    def test_a_self_check_is_answered_by_keyboard_and_remembered(self, browser, address):
        with opened(browser, address, LESSON) as page:
            number = page.get_by_role("group", name="Answer exercise 06.1 here")
            number.get_by_label("Your number").focus()
            page.keyboard.type("398/2")
            page.keyboard.press("Enter")
            assert (
                "Exercise 06.1: right."
                in page.locator(".self-check").first.get_by_role("status").inner_text()
            )
            choice = page.get_by_role("group", name="Answer exercise 06.4 here")
            choice.get_by_role("radio").first.focus()
            page.keyboard.press("ArrowDown")
            page.keyboard.press("Tab")
            page.keyboard.press("Enter")
            fold = page.locator("#quiz details").first
            fold.locator("summary").press("Enter")
            fold.get_by_label("I had this right").press("Space")
            told = page.locator(".progress-kept")
            assert "Done on this page: 3 of 8." in told.inner_text()
            page.reload()
            assert "Done on this page: 3 of 8." in told.inner_text()
            assert "done" in number.inner_text() and "done" in choice.inner_text()
            told.get_by_role("button", name="Forget it").press("Enter")
            page.reload()
            assert "Done on this page: 0 of 8." in told.inner_text()

    @pytest.mark.parametrize("written", ["0.5", ".5", "1/2", "5e-1", " 1 / 2 ", "500/1,000"])
    def test_numbers_are_understood_as_people_write_them(self, browser, address, written):
        with opened(browser, address, "lessons/00_start_here.html") as page:
            page.evaluate(
                """(definition) => {
                const place = document.querySelector(".self-check");
                place.dataset.definition = JSON.stringify(definition);
                place.replaceChildren();
            }""",
                {
                    "id": "99.1",
                    "kind": "number",
                    "value": 0.5,
                    "tol": 0,
                    "why": "Half.",
                    "wrong": [],
                    "hint": "No.",
                },
            )
            page.add_script_tag(path=catalogue.ROOT / "docs" / "_static" / "selfcheck.js")
            assert page.evaluate(ANSWER, ["99.1", written]) == "Exercise 99.1: right. Half."

    def test_without_scripts_a_picture_is_a_picture(self, browser, address):
        with opened(browser, address, LESSON, java_script_enabled=False) as page:
            assert page.locator("article .cell_output img").count() >= 10
            assert page.locator("article :is(.cell_output button, .self-check form)").count() == 0
            page.faults.clear()  # a script that was asked for and is not run counts as one

    def test_search_finds(self, browser, address):
        with opened(browser, address) as page:
            page.keyboard.press("Control+k")
            field = page.locator("dialog[open] input[type=search]")
            field.wait_for()
            field.fill("conformal")
            field.press("Enter")
            page.wait_for_url("**/search.html?q=conformal*")
            # The results come one by one.
            for wanted in ("lessons/09_threshold_evaluation", "reference/thresholds"):
                link = page.locator(f'#search-results li a[href*="{wanted}"]').first
                link.wait_for()
                assert link.is_visible()

    @pytest.mark.parametrize(
        ("word", "place", "quoted"),
        [
            ("subspace_angles", "lessons/03", "from scipy.linalg import subspace_angles"),
            ("backpropagation", "lessons/03", "This reuse of D_2 is all that backpropagation is."),
            ("threshold", "lessons/", None),
        ],
    )
    def test_search_quotes_the_sentence_or_the_line_of_code(self, browser, address, word, place, quoted):
        with opened(browser, address, f"search.html?q={word}") as page:
            page.locator("#search-results p", has_text="Search finished").wait_for()
            page.wait_for_load_state("networkidle")
            results = page.locator("#search-results li", has=page.locator(f'a[href*="{place}"]'))
            quotes = [quote.inner_text() for quote in results.locator("p.context").all()]
            assert quotes
            for quote in quotes:
                assert word.lower() in quote.lower() and len(quote) <= 250
                assert not re.search("On this page|Settings", quote)
            assert quoted is None or quoted in quotes

    def test_light_and_dark_by_the_menu_and_kept_for_the_next_page(self, browser, address):
        with opened(browser, address, LESSON, color_scheme="light") as page:
            grounds = set()
            for mode in ("light", "dark"):
                page.locator(".theme-switch-button:visible").first.focus()
                page.keyboard.press("Enter")
                page.locator(f".theme-change-button[data-mode={mode}]:visible").first.click()
                assert page.evaluate("document.documentElement.dataset.theme") == mode
                grounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
            assert len(grounds) == 2
            page.goto(address + "glossary.html")
            assert page.evaluate("document.documentElement.dataset.theme") == "dark"

    def test_on_paper_the_folds_are_open_and_the_menus_away(self, lesson):
        lesson.emulate_media(media="print")
        lesson.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        assert lesson.locator("article details:not([open])").count() == 0
        for menu in (".bd-sidebar-primary", ".bd-header-article", ".prev-next-footer"):
            assert not lesson.locator(menu).first.is_visible()
        assert "MNIST" in lesson.locator("h1:visible").inner_text()
        lesson.evaluate("window.dispatchEvent(new Event('afterprint'))")
        assert lesson.locator("article details[open]").count() == 0
        lesson.emulate_media(media="screen")

    def test_a_term_leads_to_its_definition(self, lesson):
        lesson.locator("article a:has(> .term)").first.click()
        lesson.wait_for_url("**/glossary.html#term-*")
        assert lesson.locator("dt:target").is_visible()

    def test_screenshots(self, browser, address):
        for width, height in SIZES.items():
            theme = "dark" if width == 768 else "light"
            with opened(
                browser, address, viewport={"width": width, "height": height}, color_scheme=theme
            ) as page:
                for name, scroll in SHOTS.items():
                    page.goto(address + name)
                    page.evaluate(f"window.scrollTo(0, {scroll})")
                    file = name.removesuffix(".html").replace("/", "_")
                    path = chromium.keep_picture(page, f"{file}_{width}")
                    assert path.stat().st_size > 5_000

"""The lessons' interactive pieces in a real browser: their numbers are the package's, by mouse and keys."""

import base64
import io

import chromium
import numpy as np
import PIL.Image
import pytest
from axe_playwright_python.sync_playwright import Axe
from site_build import built_site
from sklearn.metrics import roc_curve
from sklearn.neighbors import NearestNeighbors
from test_pieces import LESSONS, PIECES

from aecourse import builders, evaluation, explorer, training
from tools.book import pieces

DESK, PHONE = {"width": 1100, "height": 900}, {"width": 360, "height": 740}
MEGABYTE = 10**6
AXE = """
async (where) => {
  const { violations } = await axe.run(where, {resultTypes: ["violations"]});
  return violations.map((fault) => [fault.id, fault.nodes.map((node) => node.html)]);
}
"""


def address_of(name):
    return f"lessons/{LESSONS[PIECES[name].lesson].path.stem}.html"


@pytest.fixture(scope="module")
def address():
    with chromium.served(built_site()) as found:
        yield found


@pytest.fixture(scope="module")
def browser():
    with chromium.browser() as opened:
        yield opened


def listen(page):
    """Return a list that fills with errors of a page, wherever it was opened from."""
    faults = []
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("requestfailed", lambda asked: faults.append(f"{asked.url} failed"))
    return faults


@pytest.fixture(scope="module")
def windows(browser, address):
    """Open each piece's lesson once, in a window of its own: {name: page}."""
    context = browser.new_context(viewport=DESK, color_scheme="light", reduced_motion="reduce")
    found = {}
    for name in PIECES:
        page = context.new_page()
        page.faults = listen(page)
        page.goto(address + address_of(name))
        page.wait_for_selector(f'[data-piece="{name}"][data-ready]')
        found[name] = page
    yield found
    assert [page.faults for page in found.values()] == [[]] * len(PIECES)
    context.close()


def part(page, name, selector=""):
    return page.locator(f'[data-piece="{name}"] {selector}')


def words(page, name):
    return part(page, name, ".piece-words").inner_text()


def set_slider(page, name, value, which=0):
    part(page, name, "input").nth(which).fill(str(value))


CELLS = """
(table) => [...table.tBodies[0].rows].map(
  (row) => [...row.querySelectorAll("td")].map((cell) => cell.textContent))
"""


def cells(page, name, which=0):
    """Return the numbers of a table, row by row."""
    return part(page, name, "table").nth(which).evaluate(CELLS)


def ink(canvas):
    """Return the ink of a canvas, 0 to 255 for each of its pixels, and see that it is grey."""
    picture = base64.b64decode(canvas.evaluate("one => one.toDataURL()").partition(",")[2])
    pixels = np.asarray(PIL.Image.open(io.BytesIO(picture)).convert("RGB"), dtype=int)
    assert np.all(pixels == pixels[:, :, :1])
    return 255 - pixels[:, :, 0]


def inks(page, name, row):
    """Return the ink of all digits of a row, (digits, 784)."""
    digits = part(page, name, ".piece-row").nth(row).locator("canvas")
    return np.array([ink(digit).ravel() for digit in digits.all()])


def captions(page, name, row):
    return part(page, name, ".piece-row").nth(row).locator("li span").all_inner_texts()


# --- What they show --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def decoder():
    """Return the decoder that the page holds as a model of the package."""
    stored = PIECES["latent"].stored()
    names = ("kernel_1", "bias_1", "kernel_2", "bias_2")
    model = builders.dense(
        784, (128,), 2, code_activation="linear", output="sigmoid", random_state=1, dtype="float64"
    )
    model.decoder.set_weights(
        [stored[name] * scale for name, scale in zip(names, stored["scales"], strict=False)]
    )
    return model.decoder


def test_a_decoded_image_is_the_packages(windows, decoder):
    stored, page = PIECES["latent"].stored(), windows["latent"]
    codes = stored["codes"] * stored["scales"][4]
    points = np.vstack([codes[:40], np.random.default_rng(0).uniform(-40, 15, (60, 2)), [[0, 0]]])
    found = page.evaluate(
        """(points) => {
        const data = window.pieceData.latent;
        const decode = window.pieceLatent.decoder(data);
        const scale = data.scales[4];
        const codes = Float64Array.from(window.pieces.numbers(data.codes), (one) => one * scale);
        const labels = window.pieces.numbers(data.labels);
        const { nearestCode } = window.pieceLatent;
        return points.map((point) => [[...decode(point)], nearestCode(codes, labels, point)]);
    }""",
        points.tolist(),
    )
    images = np.array([image for image, _ in found])
    assert np.allclose(images, training.predict(decoder, points), rtol=0, atol=1e-12)
    distance, nearest = NearestNeighbors(n_neighbors=1).fit(codes).kneighbors(points)
    assert np.allclose([each["distance"] for _, each in found], distance[:, 0])
    assert [each["digit"] for _, each in found] == stored["labels"][nearest[:, 0]].tolist()


def shown_point(page):
    return [float(part(page, "latent", "input").nth(unit).input_value()) for unit in (0, 1)]


def check_latent(page, decoder):
    """Compare the image and the words with the package's at the page's point; return that."""
    point = shown_point(page)
    stored = PIECES["latent"].stored()
    expected = np.round(255 * training.predict(decoder, np.array([point]))[0])
    shown = ink(part(page, "latent", ".piece-digit"))
    assert np.abs(shown.ravel() - expected).max() <= 1  # the value may lie between two steps of grey
    away = np.hypot(*(stored["codes"] * stored["scales"][4] - point).T)
    said = words(page, "latent")
    assert f"({point[0]:,.2f}, {point[1]:,.2f})" in said
    assert f"is a {stored['labels'][away.argmin()]}, at a distance of {away.min():.2f}." in said
    return point


def test_the_point_moves_by_arrow_keys_sliders_and_mouse(windows, decoder):
    page = windows["latent"]
    before = check_latent(page, decoder)
    assert np.allclose(before, PIECES["latent"].stored()["start"], atol=0.125)  # as it opens, among the zeros
    page_map = part(page, "latent", ".piece-map")
    page_map.focus()
    scrolled = page.evaluate("scrollY")
    for key, step in {"ArrowRight": (0.5, 0), "ArrowDown": (0, -0.5), "ArrowLeft": (-0.5, 0)}.items():
        page.keyboard.press(key)
        now = check_latent(page, decoder)
        assert np.allclose(np.subtract(now, before), step)
        before = now
    assert page.evaluate("scrollY") == scrolled
    part(page, "latent", "input").nth(1).focus()
    page.keyboard.press("ArrowUp")
    assert np.allclose(np.subtract(check_latent(page, decoder), before), (0, 0.25))
    box = page_map.bounding_box()
    low, high = PIECES["latent"].stored()["view"]
    page.mouse.move(box["x"] + 10, box["y"] + 10)
    page.mouse.down()
    for across, up in ((0.25, 0.75), (0.8, 0.2), (0.5, 0.5)):
        page.mouse.move(box["x"] + across * box["width"], box["y"] + (1 - up) * box["height"])
        assert np.allclose(check_latent(page, decoder), low + (high - low) * (across, up), atol=0.5)
    page.mouse.move(box["x"] + box["width"] + 300, box["y"] - 40)
    corner = check_latent(page, decoder)
    page.mouse.up()
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    assert check_latent(page, decoder) == corner  # let go
    assert np.all(np.abs(corner - high) <= 0.25)  # beyond the edge it stays on it


def test_the_point_moves_by_touch(browser, address, decoder):
    context = browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(address + address_of("latent"))
    page_map = part(page, "latent", ".piece-map")
    page_map.scroll_into_view_if_needed()
    before, box = check_latent(page, decoder), page_map.bounding_box()
    page.touchscreen.tap(box["x"] + 0.8 * box["width"], box["y"] + 0.8 * box["height"])
    after = check_latent(page, decoder)
    assert after[0] > before[0] and after[1] < before[1]
    assert box["width"] < 0.9 * PHONE["width"]  # beside it a finger moves the page
    context.close()


def test_the_bottleneck_shows_the_stored_figures_at_every_width(windows):
    stored, page = PIECES["bottleneck"].stored(), windows["bottleneck"]
    assert part(page, "bottleneck", "input").get_attribute("aria-valuetext") == "16 units"  # as it opens
    assert np.array_equal(inks(page, "bottleneck", 0), stored["originals"])
    for place, size in enumerate(stored["sizes"].tolist()):
        set_slider(page, "bottleneck", place)
        assert part(page, "bottleneck", "input").get_attribute("aria-valuetext") == f"{size} units"
        expected = [
            [f"{zeros:.4f}", f"{others:.4f}", f"{auroc:.3f}"]
            for zeros, others, auroc in stored["measures"][:, place]
        ]
        assert cells(page, "bottleneck") == expected
        for method in (0, 1):
            assert np.array_equal(inks(page, "bottleneck", 1 + method), stored["images"][method, place])
            assert captions(page, "bottleneck", 1 + method) == [
                f"{error:.3f}" for error in stored["row_errors"][method, place]
            ]
        said = words(page, "bottleneck")
        assert f"With {size} units" in said and all(text in said for row in expected for text in row)


def test_training_shows_the_stored_figures_at_every_epoch(windows):
    stored, page = PIECES["training"].stored(), windows["training"]
    assert np.array_equal(inks(page, "training", 0), stored["originals"])
    for epoch in range(21):
        set_slider(page, "training", epoch)
        assert np.array_equal(inks(page, "training", 1), stored["images"][epoch])
        assert captions(page, "training", 1) == [f"{error:.3f}" for error in stored["row_errors"][epoch]]
        said = words(page, "training")
        assert f"validation loss {stored['val_loss'][epoch]:.4f}" in said
        assert (f"After epoch {epoch}: training loss {stored['loss'][epoch]:.4f}" in said) == (epoch > 0)
    drawn = part(page, "training", "svg polyline.explorer-curve").get_attribute("points")
    heights = np.array([float(pair.split(",")[1]) for pair in drawn.split()])
    losses = stored["val_loss"][1:]
    assert np.corrcoef(heights, losses)[0, 1] == pytest.approx(-1)  # down the screen is down


def test_the_curve_is_scikit_learns(windows):
    score, y = pieces.knn_scores()
    found = windows["threshold"].evaluate("window.pieceThreshold.curve(window.pieceData.threshold)")
    rate, recall, _ = roc_curve(y, score, drop_intermediate=False)
    assert np.allclose(found, np.column_stack([rate, recall]))


def check_threshold(page):
    """Compare counts, rates, words and the point with the package's at the page's threshold; return that."""
    score, y = pieces.knn_scores()
    data = pieces.data_of(PIECES["threshold"])
    step = int(part(page, "threshold", "input").input_value())
    # As the page opens the threshold is the lesson's, which lies between two steps.
    is_start = f"At the threshold {pieces.START}:" in words(page, "threshold")
    threshold = pieces.START if is_start else data["steps"][step]
    found = explorer.outcome(y, score, threshold)
    assert cells(page, "threshold") == [
        [str(found.passed), str(found.false_alarms)],
        [str(found.missed), str(found.caught)],
    ]
    table = evaluation.report(y, score, threshold, n_resamples=1)["value"]
    rates = [table[name] for name in ("recall", "false-alarm rate", "precision")]
    texts = ["undefined" if np.isnan(rate) else f"{rate:.3f}" for rate in rates]
    assert cells(page, "threshold", 1) == [[text] for text in texts]
    said = words(page, "threshold")
    assert f"{found.caught} of 60 anomalies caught, {found.false_alarms} false alarms" in said
    assert f"false-alarm rate {texts[1]} and the recall {texts[0]}; the precision is {texts[2]}." in said
    # The circle lies where the curve's own corners, (0, 0) and (1, 1), put this point.
    points, circle = page.evaluate("""() => {
        const roc = document.querySelector('[data-piece="threshold"] .piece-roc');
        const circle = roc.querySelector("circle");
        const read = (name) => Number(circle.getAttribute(name));
        return [roc.querySelector("polyline").getAttribute("points"), [read("cx"), read("cy")]];
    }""")
    points = np.array([[float(number) for number in pair.split(",")] for pair in points.split()])
    low, high = points[0], points[-1]
    assert np.allclose((circle - low) / (high - low), [rates[1], rates[0]])
    return threshold


def test_the_threshold_moves_by_keys_and_by_mouse(windows):
    page = windows["threshold"]
    assert check_threshold(page) == pieces.START  # as it opens
    steps = pieces.data_of(PIECES["threshold"])["steps"]
    for step in (0, 40, 111, 112, 150, 200, 260, len(steps) - 1):
        set_slider(page, "threshold", step)
        assert check_threshold(page) == steps[step]
    part(page, "threshold", "input").focus()
    page.keyboard.press("ArrowLeft")
    assert check_threshold(page) == steps[-2]
    box = part(page, "threshold", ".piece-scores").bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.3 * box["width"], middle)
    page.mouse.down()
    seen = []
    for share in (0.3, 0.5, 0.8):
        page.mouse.move(box["x"] + share * box["width"], middle)
        seen.append(check_threshold(page))
    page.mouse.up()
    assert seen == sorted(set(seen))


# --- How they are used ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PIECES)
def test_tab_reaches_every_control_and_the_focus_is_seen(windows, name):
    page = windows[name]
    controls = part(page, name, ":is(input, [tabindex])")
    count = controls.count()
    assert count >= 1
    controls.first.focus()
    page.keyboard.press("Shift+Tab")  # before the first
    for place in range(count):
        page.keyboard.press("Tab")
        assert controls.nth(place).evaluate("one => one === document.activeElement")
        outline = page.evaluate("getComputedStyle(document.activeElement).outline")
        assert "3px" in outline and "solid" in outline


@pytest.mark.parametrize("name", PIECES)
def test_a_screen_reader_is_told_once_the_reader_stops_and_not_before(browser, address, name):
    page = browser.new_page()
    page.goto(address + address_of(name))
    told = part(page, name, '[aria-live="polite"]')
    page.wait_for_timeout(1000)  # longer than a piece waits before it speaks
    assert told.text_content() == "" and words(page, name) != ""
    slider = part(page, name, "input").first
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert told.text_content() == ""
    page.wait_for_function(f"document.querySelector('[data-piece={name}] [aria-live]').textContent !== ''")
    assert told.text_content() == words(page, name)
    assert slider.get_attribute("aria-valuetext")
    named = page.get_by_role("region", name=f"Try it: {PIECES[name].title}")
    assert named.count() == 1 and named.is_visible()
    page.close()


@pytest.mark.parametrize("name", PIECES)
def test_it_works_from_a_file_on_disk(browser, name):
    page = browser.new_context(offline=True).new_page()
    faults = listen(page)
    page.goto((built_site() / address_of(name)).as_uri())
    page.wait_for_selector(f'[data-piece="{name}"][data-ready]')
    before = words(page, name)
    part(page, name, "input").first.press("ArrowRight")
    assert words(page, name) != before
    assert faults == []
    page.context.close()


@pytest.mark.parametrize("name", PIECES)
def test_without_scripts_nothing_of_it_is_seen(browser, address, name):
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(address + address_of(name))
    place = page.locator(f'[data-piece="{name}"]')
    assert place.count() == 1 and not place.is_visible()
    page.context.close()


@pytest.mark.parametrize("name", PIECES)
def test_without_its_data_it_stays_hidden_and_silent(browser, address, name):
    page = browser.new_page()
    page.route(f"**/{name}.data.js", lambda route: route.fulfill(body=""))
    faults = listen(page)
    page.goto(address + address_of(name))
    page.wait_for_load_state()
    assert not page.locator(f'[data-piece="{name}"]').is_visible() and faults == []
    page.close()


# All measured at one moment: after a change of the window's size the columns of the page move for a while.
TOO_WIDE = """(piece) => {
  const end = piece.getBoundingClientRect().right - 8;
  return [...piece.querySelectorAll("canvas, input, table, svg, p")]
    .filter((one) => one.getBoundingClientRect().right > end)
    .map((one) => one.outerHTML.slice(0, 200));
}"""


@pytest.mark.parametrize("name", PIECES)
def test_accessible_and_narrow_enough_in_light_and_dark(browser, address, name):
    for theme in ("light", "dark"):
        context = browser.new_context(viewport=DESK, color_scheme=theme, reduced_motion="reduce")
        page = context.new_page()
        page.goto(address + address_of(name))
        piece = page.locator(f'[data-piece="{name}"][data-ready]')
        piece.wait_for()
        assert page.evaluate("document.documentElement.dataset.theme") == theme
        page.evaluate(Axe().axe_script)
        faults = page.evaluate(AXE, f'[data-piece="{name}"]')
        assert faults == [], theme
        for size in (PHONE, DESK):
            page.set_viewport_size(size)
            page.evaluate(
                "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
            )
            assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
            assert piece.evaluate(TOO_WIDE) == []
            chromium.keep_picture(piece, f"piece-{name}-{size['width']}-{theme}")
        context.close()


def test_pages_and_site_stay_small():
    site = built_site()
    for lesson in {piece.lesson for piece in PIECES.values()}:
        names = [
            f"{name}{end}"
            for name, piece in PIECES.items()
            if piece.lesson == lesson
            for end in (".js", ".data.js")
        ]
        page = site / "lessons" / f"{LESSONS[lesson].path.stem}.html"
        assert (
            page.stat().st_size + sum((site / "_static" / "pieces" / name).stat().st_size for name in names)
            < MEGABYTE
        )
    assert sum(path.stat().st_size for path in site.rglob("*") if path.is_file()) < 25 * MEGABYTE

"""The threshold explorer in a real browser: its numbers are the package's, by mouse, keys and rules."""

import json

import chromium
import numpy as np
import pytest
import site_build
from axe_playwright_python.sync_playwright import Axe
from sklearn.model_selection import train_test_split
from test_explorer_page import stored_data

from aecourse import evaluation, explorer, thresholds
from tools import explorer_data

ROOT = explorer_data.ROOT

KEYS = ("06", "08")
TRUTH = {"06": "y", "08": "cluster"}
DAYS = [
    {"rows": 1000, "baseRate": 0.01, "costMiss": 30, "costFalseAlarm": 1},
    {"rows": 86_400, "baseRate": 0.0007, "costMiss": 1234.5, "costFalseAlarm": 0.3},
    {"rows": 1, "baseRate": 0.9, "costMiss": 0.1, "costFalseAlarm": 7},
]
FIELDS = {
    "rows": "rows",
    "baseRate": "base-rate",
    "costMiss": "cost-miss",
    "costFalseAlarm": "cost-false-alarm",
}
DESK = {"width": 1440, "height": 1000}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return explorer_data.build(tmp_path_factory.mktemp("explorer"))


@pytest.fixture(scope="module")
def address(folder):
    with chromium.served(folder) as found:
        yield found


@pytest.fixture(scope="module")
def browser():
    with chromium.browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def labs(folder):
    """Return for each lab its scores and labels, from the lesson's file, and the slider's steps."""
    steps = {lab["key"]: lab["steps"] for lab in stored_data(folder)["labs"]}
    found = {}
    for key in KEYS:
        with np.load(ROOT / "notebooks" / "data" / f"scores_{key}.npz") as stored:
            found[key] = {
                "val": stored["val"].astype(float),
                "test": stored["test"].astype(float),
                "y": stored[TRUTH[key]].astype(int),
                "steps": steps[key],
            }
    return found


@pytest.fixture(scope="module")
def opened(browser, address):
    """Open the explorer once: to load it takes longer than any test. Return it with its list of faults."""
    context = browser.new_context(viewport=DESK)
    page = context.new_page()
    faults = chromium.watch(page)
    page.goto(address)
    page.wait_for_selector(".explorer[data-ready]")
    yield page, faults
    context.close()


@pytest.fixture
def page(opened):
    """Return the explorer as it opens; after the test nothing may have gone wrong in it."""
    page, faults = opened
    page.set_viewport_size(DESK)
    page.emulate_media(color_scheme="light")
    page.evaluate("() => { delete document.documentElement.dataset.theme; }")
    for name, field in FIELDS.items():
        page.fill(f"#explorer-{field}", repr(DAYS[0][name]))
    page.select_option("#explorer-lab", "06")
    page.select_option("#explorer-rule", "conformal")
    page.evaluate("() => scrollTo(0, 0)")
    yield page
    assert faults == []


def arguments(day):
    """Return the settings of a day as the package calls them."""
    return {
        "rows_per_day": day["rows"],
        "base_rate": day["baseRate"],
        "cost_miss": day["costMiss"],
        "cost_false_alarm": day["costFalseAlarm"],
    }


def measures(lab, threshold):
    table = evaluation.report(lab["y"], lab["test"], threshold, n_resamples=1)
    return table["value"]


def cuts(lab):
    """Return thresholds between scores, at scores that are tied and not, beside them, and beyond the ends."""
    rng = np.random.default_rng(0)
    values, counts = np.unique(lab["test"], return_counts=True)
    tied = values[counts > 1]
    assert tied.size
    normal, anomaly = lab["test"][lab["y"] == 0], lab["test"][lab["y"] == 1]
    near = np.concatenate(
        [
            rng.choice(values, 60),
            rng.choice(tied, min(20, tied.size)),
            values[[0, -1]],
            [normal.max(), anomaly.min()],
        ]
    )
    found = np.concatenate(
        [
            near,
            np.nextafter(near, -np.inf),
            np.nextafter(near, np.inf),
            lab["steps"][::8],
            [-1.0, 0.0, values[0] - 1, values[-1] + 1, 1e300],
        ]
    )
    return np.unique(found).tolist()


def calculate(page, expression, argument):
    """Evaluate an expression of ``c`` (calculate.js), ``lab(key)`` and ``given``."""
    return page.evaluate(
        f"""async (given) => {{
        const [c, data] = [window.explorerCalculate, window.explorerData];
        const lab = (key) => data.labs.find((one) => one.key === key);
        return {expression};
    }}""",
        argument,
    )


# --- Calculations -----------------------------------------------------------------------------------


@pytest.mark.parametrize("key", KEYS)
def test_every_number_is_the_packages_to_the_last_bit(page, labs, key):
    lab = labs[key]
    chosen = cuts(lab)
    assert len(chosen) > 150
    found = calculate(
        page,
        "given.days.map((day) => given.cuts.map((cut) => c.outcome(lab(given.key), cut, day)))",
        {"key": key, "cuts": chosen, "days": DAYS},
    )
    names = {
        "caught": "caught",
        "missed": "missed",
        "falseAlarms": "false_alarms",
        "passed": "passed",
        "recall": "recall",
        "falseAlarmRate": "false_alarm_rate",
        "alerts": "alerts",
        "falseAlerts": "false_alerts",
        "misses": "misses",
        "precisionInUse": "precision",
        "cost": "cost",
        "threshold": "threshold",
    }
    for day, outcomes in zip(DAYS, found, strict=True):
        for cut, shown in zip(chosen, outcomes, strict=True):
            expected = explorer.outcome(lab["y"], lab["test"], cut, **arguments(day))
            for name, attribute in names.items():
                np.testing.assert_equal(shown[name], getattr(expected, attribute), f"{name} at {cut}")
    for cut, shown in zip(chosen[::4], found[0][::4], strict=True):
        table = measures(lab, cut)
        for name, row in (
            ("precision", "precision"),
            ("recall", "recall"),
            ("f1", "F1"),
            ("falseAlarmRate", "false-alarm rate"),
        ):
            np.testing.assert_equal(shown[name], table[row], f"{name} at {cut}")
    flagged = {one["caught"] + one["falseAlarms"] for one in found[0]}
    assert {0, lab["y"].size} <= flagged  # both ends were among them


@pytest.mark.parametrize("key", KEYS)
def test_cheapest_is_where_the_packages_rule_lands(page, labs, key):
    extremes = [{**DAYS[0], "costMiss": 1e6}, {**DAYS[0], "costMiss": 1e-6}]
    for day in DAYS + extremes:
        rule = thresholds.ExpectedCost(
            cost_miss=day["costMiss"], cost_false_alarm=day["costFalseAlarm"], base_rate=day["baseRate"]
        ).fit(labs[key]["test"], labs[key]["y"])
        assert (
            calculate(page, "c.cheapest(lab(given.key), given.day)", {"key": key, "day": day})
            == rule.threshold_
        )


def test_cheapest_can_be_to_flag_everything(page):
    lab = {"normal": [2, 3], "anomaly": [1, 2, 5], "belowAll": float(np.nextafter(1, -np.inf))}
    day = {**DAYS[0], "baseRate": 0.5, "costMiss": 1000}
    rule = thresholds.ExpectedCost(1000, 1, base_rate=0.5).fit([2, 3, 1, 2, 5], [0, 0, 1, 1, 1])
    assert rule.threshold_ < 1
    assert calculate(page, "c.cheapest(given.lab, given.day)", {"lab": lab, "day": day}) == rule.threshold_


def test_numbers_are_written_as_python_writes_them(page):
    rng = np.random.default_rng(0)
    halves = [
        0.5,
        1.5,
        2.5,
        0.125,
        0.375,
        0.03125,
        0.09375,
        1234.5,
        999.5,
        999999.125,
        0.0,
        1.0,
        0.00005,
        0.15,
    ]
    numbers = halves + rng.uniform(size=300).tolist() + (10 ** rng.uniform(-6, 15, size=300)).tolist()
    numbers += (rng.integers(0, 2**20, size=300) / 2**10).tolist()
    for decimals in (0, 1, 2, 4):
        found = calculate(
            page,
            "given.numbers.map((n) => c.fixed(n, given.decimals))",
            {"numbers": numbers, "decimals": decimals},
        )
        assert found == [f"{number:,.{decimals}f}" for number in numbers]
    found = calculate(page, "given.map((n) => c.percent(n, 2))", numbers)
    assert found == [f"{number:,.2%}".replace("%", " %") for number in numbers]
    assert calculate(page, "[c.fixed(NaN, 2), c.percent(NaN, 2)]", None) == ["undefined", "undefined"]


def test_nearest_step(page):
    rising = [0.0, 1.0, 4.0]
    values = [-5, 0, 0.4, 0.5, 0.6, 1, 2.4, 2.6, 4, 9]
    found = calculate(
        page, "given.values.map((v) => c.nearest(given.rising, v))", {"rising": rising, "values": values}
    )
    assert found == [int(np.argmin(np.abs(np.subtract(rising, value)))) for value in values]


# --- What the page shows ------------------------------------------------------------------------------


def expected_texts(lab, threshold, day):
    found = explorer.outcome(lab["y"], lab["test"], threshold, **arguments(day))
    table = measures(lab, threshold)

    def words(number, decimals):
        return "undefined" if np.isnan(number) else f"{number:,.{decimals}f}"

    return {
        "caught": words(found.caught, 0),
        "missed": words(found.missed, 0),
        "falseAlarms": words(found.false_alarms, 0),
        "passed": words(found.passed, 0),
        "precision": words(table["precision"], 4),
        "recall": words(table["recall"], 4),
        "f1": words(table["F1"], 4),
        "falseAlarmRate": words(table["false-alarm rate"], 4),
        "alerts": words(found.alerts, 2),
        "falseAlerts": words(found.false_alerts, 2),
        "misses": words(found.misses, 2),
        "precisionInUse": words(found.precision, 4),
        "cost": words(found.cost, 2),
    }


def texts(page):
    return page.evaluate("""() => Object.fromEntries([...document.querySelectorAll("[data-show]")].map(
        (cell) => [cell.dataset.show, cell.textContent]))""")


def threshold_of(page):
    return float(page.input_value("#explorer-threshold"))


def line_at(page, log=False):
    """Return where the chart draws the threshold."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    line, (left, right), (low, high) = page.evaluate(
        """(key) => {
        const read = (kind, name) =>
            Number(document.querySelector(`#explorer-chart ${kind}`).getAttribute(name));
        const { edges } = window.explorerData.labs.find((lab) => lab.key === key);
        const panel = read("clipPath rect", "x");
        return [read("line.explorer-threshold", "x1"), [panel, panel + read("clipPath rect", "width")],
            [edges[0], edges.at(-1)]];
    }""",
        page.input_value("#explorer-lab"),
    )
    share = (line - left) / (right - left)
    if log:
        return float(low * (high / low) ** share)
    return low + share * (high - low)


def check(page, lab, day=DAYS[0]):
    """Compare all numbers on the page with the package's, at the page's threshold; return that."""
    threshold = threshold_of(page)
    assert texts(page) == expected_texts(lab, threshold, day)
    return threshold


def test_it_opens_as_lesson_09_does(browser, address, labs):
    page = browser.new_page()
    page.goto(address)
    page.wait_for_selector(".explorer[data-ready]")
    assert page.input_value("#explorer-lab") == "06" and page.input_value("#explorer-rule") == "conformal"
    assert check(page, labs["06"]) == thresholds.Conformal(rate=0.01).fit(labs["06"]["val"]).threshold_
    page.close()


@pytest.mark.parametrize("key", KEYS)
def test_numbers_shown_are_the_packages(page, labs, key):
    lab = labs[key]
    page.select_option("#explorer-lab", key)
    check(page, lab)
    for cut in [*cuts(lab)[::12], float(lab["test"].max()), float(lab["test"].min())]:
        page.fill("#explorer-threshold", repr(cut))
        assert check(page, lab) == cut
        assert page.input_value("#explorer-rule") == "by hand"


def test_the_day_follows_its_inputs(page, labs):
    for day in DAYS:
        for name, field in FIELDS.items():
            page.fill(f"#explorer-{field}", repr(day[name]))
        check(page, labs["06"], day)


@pytest.mark.parametrize("key", KEYS)
def test_a_chosen_rule_moves_the_threshold_to_where_the_package_puts_it(page, labs, key):
    lab = labs[key]
    page.select_option("#explorer-lab", key)
    rules = {name: rule.fit(lab["val"]) for name, rule in thresholds.rules(0.01).items()}
    learn, _ = train_test_split(np.arange(lab["y"].size), test_size=0.5, stratify=lab["y"], random_state=0)
    learned = {
        "F1, from labels": thresholds.FBeta(1),
        "F2, from labels": thresholds.FBeta(2),
        "expected cost, from labels": thresholds.ExpectedCost(10, 1, base_rate=0.01),
    }
    rules |= {name: rule.fit(lab["test"][learn], lab["y"][learn]) for name, rule in learned.items()}
    offered = page.eval_on_selector_all("#explorer-rule option", "all => all.map((one) => one.value)")
    assert offered == [*rules, "cheapest on these rows", "by hand"]
    for name, rule in rules.items():
        page.select_option("#explorer-rule", name)
        assert check(page, lab) == rule.threshold_
        assert line_at(page, log=key == "08") == pytest.approx(rule.threshold_, rel=1e-9)
        said = page.inner_text("#explorer-rule-text")
        assert rule.rule in said and rule.assumption in said
        if name not in learned:
            assert str(rule.realised(lab["test"][lab["y"] == 0])) in said
        assert ("flatter" in said) == (name in learned)
    page.click("#explorer-cheapest")
    rule = thresholds.ExpectedCost(30, 1, base_rate=0.01).fit(lab["test"], lab["y"])
    assert (
        check(page, lab) == rule.threshold_ and page.input_value("#explorer-rule") == "cheapest on these rows"
    )
    page.fill("#explorer-cost-miss", "300")  # the cheapest follows the costs
    rule = thresholds.ExpectedCost(300, 1, base_rate=0.01).fit(lab["test"], lab["y"])
    assert check(page, lab, {**DAYS[0], "costMiss": 300}) == rule.threshold_


def test_a_rule_stays_chosen_on_another_lab(page, labs):
    page.select_option("#explorer-rule", "percentile")
    page.select_option("#explorer-lab", "08")
    assert page.input_value("#explorer-rule") == "percentile"
    assert check(page, labs["08"]) == thresholds.Percentile(99).fit(labs["08"]["val"]).threshold_


@pytest.mark.parametrize("key", KEYS)
def test_dragging_on_the_chart_moves_the_threshold(page, labs, key):
    lab = labs[key]
    page.select_option("#explorer-lab", key)
    box = page.locator("#explorer-chart").bounding_box()
    seen = []
    middle = box["y"] + box["height"] / 3
    page.mouse.move(box["x"] + 0.2 * box["width"], middle)
    page.mouse.down()
    for share in (0.2, 0.3, 0.5, 0.8):
        page.mouse.move(box["x"] + share * box["width"], middle, steps=3)
        seen.append(check(page, lab))
        assert seen[-1] in lab["steps"]
        assert line_at(page, log=key == "08") == pytest.approx(seen[-1], rel=1e-9)
        # The line is under the pointer, up to half a step of the slider.
        pixels = page.evaluate("""() => {
            const chart = document.getElementById("explorer-chart");
            const line = chart.querySelector("line.explorer-threshold").getBoundingClientRect();
            return line.x + line.width / 2;
        }""")
        assert pixels == pytest.approx(box["x"] + share * box["width"], abs=3)
    assert seen == sorted(seen) and len(set(seen)) == 4
    page.mouse.move(box["x"] + box["width"] + 50, middle)
    assert check(page, lab) == lab["steps"][-1]  # dragged out to the right: nothing is flagged
    page.mouse.up()
    page.mouse.move(box["x"] + 0.3 * box["width"], middle)
    assert threshold_of(page) == lab["steps"][-1]  # let go
    assert page.input_value("#explorer-rule") == "by hand"


def test_the_slider_moves_by_keys(page, labs):
    lab = labs["06"]
    page.focus("#explorer-slider")
    before = int(page.input_value("#explorer-slider"))
    page.keyboard.press("ArrowRight")
    assert check(page, lab) == lab["steps"][before + 1]
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert check(page, lab) == lab["steps"][before - 1]
    assert (
        page.get_attribute("#explorer-slider", "aria-valuetext") == f"threshold {lab['steps'][before - 1]:g}"
    )
    assert line_at(page) == pytest.approx(lab["steps"][before - 1])
    page.keyboard.press("Home")
    assert check(page, lab) == lab["steps"][0] and texts(page)["passed"] == "0"
    page.keyboard.press("End")
    assert check(page, lab) == lab["steps"][-1] and texts(page)["precision"] == "undefined"


def test_tab_reaches_every_control_and_the_focus_is_seen(page):
    controls = page.eval_on_selector_all(
        "#explorer select, #explorer input, #explorer button", "all => all.map((one) => one.id)"
    )
    page.focus(f"#{controls[0]}")
    page.keyboard.press("Shift+Tab")  # before the first
    reached = []
    for _ in controls:
        page.keyboard.press("Tab")
        name, outline = page.evaluate(
            "() => [document.activeElement.id, getComputedStyle(document.activeElement).outline]"
        )
        reached.append(name)
        assert "3px" in outline and "solid" in outline
    assert reached == controls


def test_the_description_follows_and_is_told(page, labs):
    lab = labs["06"]
    page.fill("#explorer-threshold", "0.02")
    found = explorer.outcome(lab["y"], lab["test"], 0.02, **arguments(DAYS[0]))
    said = (
        "The threshold is at 0.02 (mean squared error). Flagged, to its right: "
        f"{found.caught:,} of 9,020 other digits ({found.recall:.2%}) and "
        f"{found.false_alarms:,} of 980 zeros ({found.false_alarm_rate:.2%}). "
        f"A day of 1,000 rows brings {found.alerts:,.2f} alerts and costs {found.cost:,.2f}; "
        "flagging nothing would cost 300.00."
    ).replace("%)", " %)")
    assert page.inner_text("#explorer-description") == said
    page.wait_for_function(
        """(said) => document.querySelector("[aria-live=polite]").textContent === said""", arg=said
    )
    chart = page.locator("#explorer-chart")
    assert (
        chart.get_attribute("role") == "img"
        and chart.get_attribute("aria-describedby") == "explorer-description"
    )


@pytest.mark.parametrize(
    "field, bad, words",
    [
        ("threshold", "", "must be a number"),
        ("rows", "0", "whole number"),
        ("rows", "2.5", "whole number"),
        ("base-rate", "1", "between 0 and 1"),
        ("cost-miss", "-3", "above 0"),
        ("cost-false-alarm", "", "above 0"),
    ],
)
def test_an_unusable_input_is_named_and_changes_nothing(page, field, bad, words):
    before, good = texts(page), page.input_value(f"#explorer-{field}")
    page.fill(f"#explorer-{field}", bad)
    assert words in page.inner_text(f"#explorer-{field}-error")
    assert page.get_attribute(f"#explorer-{field}", "aria-invalid") == "true"
    assert texts(page) == before
    page.fill(f"#explorer-{field}", good)
    assert page.inner_text(f"#explorer-{field}-error") == "" and texts(page) == before


def test_a_missing_data_file_is_said(browser, address):
    page = browser.new_page()
    page.route("**/data.js", lambda route: route.fulfill(status=404))
    page.goto(address)
    page.wait_for_function(
        """() => document.getElementById("explorer-status").textContent.includes("could not start")"""
    )
    page.close()


def test_the_images_beside_the_threshold_are_the_nearest(page, labs):
    stored = json.loads(page.evaluate("() => JSON.stringify(window.explorerData.labs[0].images)"))
    for threshold in (0.02, 0.034, 1e9, -1.0):
        page.fill("#explorer-threshold", repr(threshold))
        line_at(page)
        shown = {
            side: page.eval_on_selector_all(
                f"#explorer-{side}-images li",
                """all => all.map((one) => [one.textContent, one.firstChild.getAttribute("aria-label")])""",
            )
            for side in ("passed", "flagged")
        }
        pairs = list(zip(stored["scores"], stored["digits"], strict=True))
        expected = {
            "passed": [pair for pair in pairs if pair[0] <= threshold][-5:],
            "flagged": [pair for pair in pairs if pair[0] > threshold][:5],
        }
        for side, wanted in expected.items():
            names = [f"a {digit}, one of the {'other digits' if digit else 'zeros'}" for _, digit in wanted]
            assert [label for _, label in shown[side]] == names
            assert [float(text) for text, _ in shown[side]] == [
                pytest.approx(score, rel=1e-3) for score, _ in wanted
            ]
    page.select_option("#explorer-lab", "08")
    line_at(page)
    assert page.locator("#explorer-images").is_hidden()


def test_the_address_keeps_what_is_chosen(browser, address, labs):
    page = browser.new_page()
    page.goto(address)
    page.wait_for_selector(".explorer[data-ready]")
    page.select_option("#explorer-lab", "08")
    page.fill("#explorer-cost-miss", "77")
    page.fill("#explorer-threshold", "1.25")
    page.wait_for_function("() => location.hash.includes('threshold=1.25')")
    link = page.url
    assert "lab=08" in link and "cost-miss=77" in link and "rows" not in link
    page.goto("about:blank")
    page.goto(link)
    page.wait_for_selector(".explorer[data-ready]")
    assert page.input_value("#explorer-lab") == "08" and page.input_value("#explorer-cost-miss") == "77"
    assert check(page, labs["08"], {**DAYS[0], "costMiss": 77}) == 1.25
    page.goto("about:blank")
    page.goto(f"{address}#lab=08&rule=percentile&rows=-4&base-rate=x&threshold=")
    page.wait_for_selector(".explorer[data-ready]")
    assert page.input_value("#explorer-rule") == "percentile"
    assert check(page, labs["08"]) == thresholds.Percentile(99).fit(labs["08"]["val"]).threshold_
    page.close()


def test_it_works_from_a_file(browser, folder, labs):
    page = browser.new_page()
    faults = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("requestfailed", lambda request: faults.append(request.url))
    page.goto((folder / "index.html").as_uri())
    page.wait_for_selector(".explorer[data-ready]")
    page.select_option("#explorer-rule", "percentile")
    assert check(page, labs["06"]) == thresholds.Percentile(99).fit(labs["06"]["val"]).threshold_
    assert line_at(page) == pytest.approx(threshold_of(page))
    assert page.locator("#explorer-passed-images li").count() == 5
    page.close()
    assert faults == []


# --- Looks ------------------------------------------------------------------------------------------------


def dark(page, how):
    """Make the page dark as the reader's system does, or as the book's theme does."""
    if how == "system":
        page.emulate_media(color_scheme="dark")
    else:
        page.evaluate("() => { document.documentElement.dataset.theme = 'dark'; }")


def serious_faults(page, context=None):
    """Return what axe finds serious: the rule's name and the elements."""
    # Without preloading: axe would ask for what the theme's style sheets import, at wrong addresses.
    found = Axe().run(page, context, {"resultTypes": ["violations"], "preload": False}).response["violations"]
    return [
        (fault["id"], [node["html"] for node in fault["nodes"]])
        for fault in found
        if fault["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("theme", ["light", "dark by system", "dark by theme"])
def test_no_serious_accessibility_fault(page, theme):
    if theme != "light":
        dark(page, theme.rpartition(" ")[2])
    page.fill("#explorer-rows", "0")  # the words of an error are looked at too
    assert serious_faults(page) == []


def contrast(one, other):
    """Return the contrast of two colours ``#rrggbb`` (WCAG 2.2)."""

    def luminance(colour):
        channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
        linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
        return linear @ [0.2126, 0.7152, 0.0722]

    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("how", ["light", "system", "theme"])
def test_colours_of_the_chart_stand_out(page, how):
    if how != "light":
        dark(page, how)
    names = ("surface", "text", "muted", "error", "line", "normal", "anomaly", "threshold")
    colours = page.evaluate(
        """(names) => {
        const style = getComputedStyle(document.querySelector(".explorer"));
        return names.map((name) => style.getPropertyValue("--explorer-" + name).trim());
    }""",
        names,
    )
    colours = dict(zip(names, colours, strict=True))
    for name in ("text", "muted", "error"):
        assert contrast(colours[name], colours["surface"]) >= 4.5
    for name in ("line", "normal", "anomaly", "threshold"):
        assert contrast(colours[name], colours["surface"]) >= 3
    drawn = page.evaluate("""() => {
        const colour = (kind, property) =>
            getComputedStyle(document.querySelector(`#explorer-chart ${kind}`))[property];
        return { line: colour(".explorer-axis", "stroke"), normal: colour(".explorer-curve", "stroke"),
            anomaly: colour("path.explorer-anomaly", "stroke"), text: colour("text", "fill"),
            threshold: colour(".explorer-threshold", "stroke") };
    }""")
    for name, colour in drawn.items():
        channels = [int(colours[name][place : place + 2], 16) for place in (1, 3, 5)]
        assert colour == f"rgb({', '.join(map(str, channels))})", name


@pytest.mark.parametrize("width", chromium.WIDTHS)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_sideways_scrolling_and_a_picture_to_look_at(page, width, theme):
    page.set_viewport_size({"width": width, "height": 900})
    if theme == "dark":
        dark(page, "system")
    for key in KEYS:
        page.select_option("#explorer-lab", key)
        page.wait_for_timeout(200)  # the chart takes its new width
        wide = page.evaluate(
            "() => [document.documentElement, document.querySelector('#explorer-chart svg')]"
            ".map((element, place) => place ? element.clientWidth : element.scrollWidth)"
        )
        assert max(wide) <= width
        chromium.keep_picture(page, f"explorer-{key}-{width}-{theme}", full_page=True)


def test_inside_the_book_it_works_too(browser, labs):
    with chromium.served(site_build.built_site()) as address:
        page = browser.new_page(viewport={"width": 768, "height": 900})
        faults = chromium.watch(page)
        page.goto(f"{address}explorer/index.html")
        page.wait_for_selector(".explorer[data-ready]")
        page.focus("#explorer-slider")
        page.keyboard.press("ArrowRight")
        assert check(page, labs["06"]) in labs["06"]["steps"]
        for width in (*chromium.WIDTHS, 900):  # the book's sidebar comes and goes
            page.set_viewport_size({"width": width, "height": 900})
            page.wait_for_timeout(500)
            assert page.evaluate("() => document.documentElement.scrollWidth") <= width
            for theme in ("light", "dark"):
                page.evaluate("(theme) => { document.documentElement.dataset.theme = theme; }", theme)
                line_at(page)  # waits until the chart is drawn anew
                chromium.keep_picture(page, f"explorer-book-{width}-{theme}", full_page=True)
                assert serious_faults(page, ".explorer") == []
        page.close()
        assert faults == []

"""`make lab` as a student meets it: JupyterLab in a browser, lesson 00 from the menu, lesson 09's slider."""

import contextlib
import json
import math
import os
import pathlib
import re
import socket
import subprocess
import sys

import chromium
import numpy as np
import pytest
from playwright.sync_api import TimeoutError

from aecourse import explorer
from tools import lab as tools_lab

ROOT = pathlib.Path(__file__).parents[1]
WORK = []  # the working copy, once the lab has made it
MINUTE = 60_000  # milliseconds; a busy machine gets several, a quiet one needs seconds

# What the tests read of JupyterLab. It keeps only the cells in sight in the page; its model has all.
CELLS = """() => [...jupyterapp.shell.currentWidget.content.model.cells].map((cell) => cell.toJSON())"""
DONE = """() => {
    const panel = jupyterapp.shell.currentWidget;
    const cells = [...panel.content.model.cells].map((cell) => cell.toJSON())
        .filter((cell) => cell.cell_type === "code");
    const failed = cells.some((cell) => cell.outputs.some((output) => output.output_type === "error"));
    const idle = panel.sessionContext.session?.kernel?.status === "idle";
    return failed || (idle && cells.every((cell) => cell.execution_count !== null));
}"""
STATE = """() => {
    const kernel = jupyterapp.shell.currentWidget.sessionContext.session?.kernel;
    const {localName, className} = document.activeElement;
    return `kernel ${kernel?.status}, ${kernel?.connectionStatus}; focus on ${localName}.${className}`;
}"""
OPEN = """(name) => {
    const panel = window.jupyterapp?.shell.currentWidget;
    return panel?.context?.path === name && panel.context.isReady && panel.sessionContext.isReady;
}"""


READY = """() => {
    const panel = window.jupyterapp?.shell.currentWidget;
    return panel?.context?.isReady && panel.sessionContext.isReady;
}"""


IDLE = """() => window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status === "idle" """


def open_lesson(page, name):
    """Open a lesson from the list of files, whichever is open already."""
    page.wait_for_function(READY)
    page.locator(".jp-DirListing-item", has_text=name).dblclick()
    page.wait_for_function(OPEN, arg=name)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Start what `make lab` starts, on a working copy of its own; yield the address that it prints."""
    home = tmp_path_factory.mktemp("lab")
    config, settings = home / "config", home / "settings"  # empty, so that what the lab sets is tested
    config.mkdir()
    (config / "jupyter_lab_config.py").write_text("c.LabApp.expose_app_in_browser = True\n")
    environment = os.environ | {
        "JUPYTER_CONFIG_DIR": str(config),
        "JUPYTERLAB_SETTINGS_DIR": str(settings),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "IPYTHONDIR": str(home / "ipython"),
    }
    environment.pop("AECOURSE_PROGRESS", None)  # a student's kernel shows progress bars and widgets
    with (home / "log").open("w+") as log:
        server = subprocess.Popen(
            [
                *(sys.executable, "-m", "tools.lab", "--work", str(home / "work")),
                *("--no-browser", "--port", str(free_port())),
            ],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
        )
        try:
            for line in server.stdout:
                log.write(line)
                if found := re.search(r"http://127\.0\.0\.1:\d+/lab\S*\?token=\w+", line):
                    break
            else:
                log.seek(0)
                pytest.fail(f"the server did not start:\n{log.read()}")
            # Read on, or the server would wait once the pipe is full.
            reader = subprocess.Popen(["cat"], stdin=server.stdout, stdout=log)
            WORK.append(home / "work")
            yield found.group()
        finally:
            server.terminate()
            server.wait(timeout=60)
            server.stdout.close()
        reader.wait(timeout=60)


@pytest.fixture(scope="module")
def lab(address):
    """Open the address in a browser; return the page and what went wrong in it."""
    with chromium.browser() as browser:
        page = browser.new_page(viewport={"width": 1440, "height": 1000})
        page.set_default_timeout(3 * MINUTE)
        faults = chromium.watch(page)
        page.goto(address)
        yield page, faults


def menu(page, name, entry):
    """Choose an entry of JupyterLab's menu with the mouse."""
    page.get_by_role("menuitem", name=name, exact=True).click()
    page.get_by_role("menuitem", name=re.compile(f"^{entry}")).click()


def faulty(cells):
    """Return what cells show as an error, or write to stderr."""
    return [
        output
        for cell in cells
        for output in cell.get("outputs", [])
        if output["output_type"] == "error" or output.get("name") == "stderr"
    ]


def nothing_asked_elsewhere(page, faults):
    assert [fault for fault in faults if "another host" in fault] == []
    assert page.locator(".jp-Dialog").count() == 0


def test_every_setting_for_students_is_one_that_jupyterlab_knows():
    """A setting with a misspelt name would be passed over without a word."""
    settings = json.loads((ROOT / "tools/lab_settings/labconfig/default_setting_overrides.json").read_text())
    schemas = pathlib.Path(sys.prefix, "share", "jupyter", "lab", "schemas")
    assert settings
    for plugin, chosen in settings.items():
        package, name = plugin.split(":")
        known = json.loads((schemas / package / f"{name}.json").read_text())["properties"]
        for setting, value in chosen.items():
            allowed = [option["const"] for option in known[setting].get("oneOf", []) if "const" in option]
            assert not allowed or value in allowed, f"{plugin} {setting}"


def test_lesson_00_runs_from_the_menu_without_an_error(lab):
    page, faults = lab
    page.wait_for_function(OPEN, arg="00_start_here.ipynb")  # what `make lab` opens with
    menu(page, "Edit", "Clear Outputs of All Cells")
    code = [cell for cell in page.evaluate(CELLS) if cell["cell_type"] == "code"]
    assert code and all(cell["execution_count"] is None for cell in code)
    menu(page, "Run", "Run All Cells")
    page.wait_for_function(DONE)
    cells = page.evaluate(CELLS)
    assert faulty(cells) == []
    printed = "".join("".join(output.get("text", "")) for cell in cells for output in cell.get("outputs", []))
    assert "What the lessons need is in order." in printed and "Malignant tumours" in printed
    chromium.keep_picture(page, "lab-00")
    nothing_asked_elsewhere(page, faults)
    # A request that JupyterLab gives up, as it does when it opens something else, is no fault.
    assert [fault for fault in faults if not fault.startswith("request failed")] == []


INSTRUCTORS = """() => {
    const commands = jupyterapp.commands.listCommands();
    const places = ".jp-SideBar .lm-TabBar-tab, .jp-Toolbar-item, .jp-LauncherCard";
    const shown = [...document.querySelectorAll(places)]
        .map((item) => `${item.title} ${item.dataset.id ?? ""} ${item.innerText}`);
    const theirs = /nbgrader|formgrader|validate|assignment list|course list/i;
    return [...commands, ...shown].filter((text) => theirs.test(text));
}"""


def test_a_student_sees_no_news_and_nothing_that_is_for_instructors(lab):
    """The whole environment has nbgrader: if not switched off, its panels and its button would be there."""
    page, faults = lab
    page.wait_for_function(OPEN, arg="00_start_here.ipynb")
    assert page.evaluate("() => jupyterapp.commands.listCommands().length") > 300
    assert (
        page.locator(".jp-Toolbar-item").count() > 5
        and page.locator(".jp-SideBar .lm-TabBar-tab").count() > 2
    )
    assert page.evaluate(INSTRUCTORS) == []
    assert page.locator(".Toastify__toast").count() == 0 and page.get_by_text("Jupyter news").count() == 0
    nothing_asked_elsewhere(page, faults)


def test_opening_and_saving_is_no_change(lab):
    """JupyterLab rewrites the file with outputs and settings of its own; the next update replaces it."""
    page, _ = lab
    page.wait_for_function(OPEN, arg="00_start_here.ipynb")
    copied, course = WORK[0] / "00_start_here.ipynb", ROOT / "notebooks" / "00_start_here.ipynb"
    before = copied.stat().st_mtime_ns
    page.evaluate("() => jupyterapp.shell.currentWidget.context.save()")
    assert copied.stat().st_mtime_ns > before
    assert tools_lab.digest(copied) == tools_lab.digest(course)
    recorded = json.loads((WORK[0] / tools_lab.RECORD).read_text())
    assert tools_lab.is_as_recorded(copied, recorded[copied.name])


SPOILERS = """async () => {
    const notebook = jupyterapp.shell.currentWidget.content;
    const cells = [...notebook.model.cells].map((cell) => cell.toJSON());
    const text = (source) => [source].flat().join("");
    const isSolution = (cell) => (cell.metadata.tags || []).includes("solution");
    const others = cells.filter((cell) => !isSolution(cell)).map((cell) => text(cell.source)).join("\\n");
    const lines = cells.filter(isSolution)
        .flatMap((cell) => [cell.source, ...cell.outputs.map((output) => output.text || "")])
        .flatMap((some) => text(some).split("\\n")).map((line) => line.trim())
        .filter((line) => line.length > 8 && !others.includes(line));
    const seen = new Set();
    for (const [place, cell] of cells.entries()) {
        if (!cell.metadata["jp-MarkdownHeadingCollapsed"]) continue;
        await notebook.scrollToItem(place, "smart");
        let shown = "";
        for (let tries = 0; tries < 100 && !shown.includes("Solution"); tries += 1) {
            await new Promise((done) => setTimeout(done, 200));
            shown = notebook.node.innerText;
        }
        if (!shown.includes("Solution")) seen.add(`no heading in sight of ${cell.id}`);
        lines.filter((line) => shown.includes(line)).forEach((line) => seen.add(line));
    }
    return [lines.length, [...seen]];
}"""


def test_a_lesson_opens_without_a_spoiler_and_shows_its_solutions_when_asked(lab):
    page, _ = lab
    name = "01_what_is_an_anomaly.ipynb"
    open_lesson(page, name)
    page.locator(".jp-MarkdownCell h1:visible").first.wait_for()
    looked_for, seen = page.evaluate(SPOILERS)
    assert looked_for > 5 and seen == []
    chromium.keep_picture(page, "lab-solution-folded")
    heading = page.locator(".jp-MarkdownCell:visible", has_text="Solution (open it").last
    heading.hover()
    heading.locator(".jp-collapseHeadingButton").click()
    folded = page.locator(".jp-CodeCell:visible .jp-Placeholder-content")
    folded.first.wait_for()
    while folded.count():  # the code, then its output
        folded.first.click()
    chromium.keep_picture(page, "lab-solution")
    assert "Exercise 01.5: right. " in page.locator(".jp-Notebook:visible").inner_text()


def run_cells(page, identifiers):
    """Run some cells from the menu, one after the other, until they are done."""
    for identifier in identifiers:
        page.evaluate(
            """(identifier) => {
            const notebook = jupyterapp.shell.currentWidget.content;
            notebook.deselectAll();
            notebook.activeCellIndex = [...notebook.model.cells].findIndex((cell) => cell.id === identifier);
        }""",
            identifier,
        )
        menu(page, "Run", "Run Selected Cell and Do not Advance")
    page.wait_for_function(
        """(wanted) => {
        const panel = jupyterapp.shell.currentWidget;
        const cells = [...panel.content.model.cells].filter((cell) => wanted.includes(cell.id))
            .map((cell) => cell.toJSON());
        const failed = cells.some((cell) => cell.outputs.some((output) => output.output_type === "error"));
        return failed || (panel.sessionContext.session?.kernel?.status === "idle" &&
            cells.every((cell) => cell.execution_count !== null));
    }""",
        arg=identifiers,
    )


NEEDED = ["imports", "load", "labelled", "cost", "explorer"]  # of lesson 09, for its explorer
BOX = ".jp-OutputArea .widget-vbox"


@pytest.fixture(scope="module")
def sliders(lab):
    """Open lesson 09 and run what its explorer needs; return the explorer's widgets."""
    page, _ = lab
    name = "09_threshold_evaluation.ipynb"
    open_lesson(page, name)
    menu(page, "Edit", "Clear Outputs of All Cells")
    run_cells(page, NEEDED)
    page.locator(BOX).scroll_into_view_if_needed()
    return page.locator(BOX)


def errors_of_explorer(page):
    return faulty(cell for cell in page.evaluate(CELLS) if cell["id"] in NEEDED)


def move_slider(page, sliders, shown, before):
    """Move the threshold by the keyboard until `shown`, JavaScript that gets the value before, is true.

    A notebook that is still scrolling takes the focus, and a key with it. So the key is pressed again.
    """
    handle = sliders.locator(".noUi-handle").first
    for attempt in range(9):
        # Focus as a script gives it, or as a reader's mouse does.
        handle.click() if attempt % 2 else handle.focus()
        page.keyboard.press("ArrowRight")
        with contextlib.suppress(TimeoutError):
            page.wait_for_function(shown, arg=before, timeout=MINUTE / 3)
            # The numbers come before the picture: the next move waits until both are there.
            return page.wait_for_function(IDLE)
    pytest.fail(f"the slider does not move: {page.evaluate(STATE)}")


def test_the_slider_of_lesson_09_moves_the_numbers(lab, sliders):
    page, faults = lab
    assert errors_of_explorer(page) == []
    numbers = sliders.locator(".widget-html-content").first
    seen = [numbers.inner_text()]
    for _ in range(3):
        move_slider(
            page,
            sliders,
            f"""(seen) => document.querySelector("{BOX} .widget-html-content").innerText !== seen""",
            seen[-1],
        )
        seen.append(numbers.inner_text())
    threshold, ratio = (float(text) for text in sliders.locator(".widget-readout").all_inner_texts()[:2])
    ratio = 10 ** round(math.log10(ratio), 2)  # the slider's step; its readout is rounded
    with np.load(ROOT / "notebooks" / "data" / "scores_06.npz") as stored:
        found = explorer.outcome(
            stored["y"].astype(int), stored["test"].astype(float), threshold, cost_miss=ratio, base_rate=0.01
        )
    for part in (
        f"{found.passed:,}",
        f"{found.false_alarms:,} ({found.false_alarm_rate:.2%})",
        f"{found.missed:,}",
        f"{found.caught:,} ({found.recall:.1%})",
        f"cost {found.cost:.1f}",
    ):
        assert part in seen[-1]
    chromium.keep_picture(page, "lab-09")
    assert errors_of_explorer(page) == []
    nothing_asked_elsewhere(page, faults)


def test_the_picture_of_lesson_09_is_shown_and_follows(lab, sliders):
    page, faults = lab
    assert page.get_by_text("javascript error").count() == 0
    picture = sliders.locator("img")
    assert picture.evaluate("(image) => image.decode().then(() => image.naturalWidth)") > 300
    before = picture.get_attribute("src")
    move_slider(page, sliders, f"""(before) => document.querySelector("{BOX} img").src !== before""", before)
    picture.evaluate("(image) => image.decode()")
    picture.scroll_into_view_if_needed()
    chromium.keep_picture(page, "lab-09-picture")
    assert [fault for fault in faults if not fault.startswith("request failed")] == []

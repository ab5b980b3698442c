"""The marking page in a browser: what a person sees of a submission, and where points and comments go."""

import argparse
import base64
import csv
import io
import json

import chromium
import formgrader
import nbformat
import nbgrader  # noqa: F401  (a missing nbgrader is a failure, not a skipped test)
import pytest
from PIL import Image
from test_grading_parts import SOLVE

from aecourse.grading import assignment, cli
from tools import text

TEXT = """---
aecourse: {assignment: small, title: Small, minutes: 30, seconds: 60, memory_mb: 2048}
---

+++ {"id": "rate", "kind": "choice", "points": 2, "aecourse": {"title": "the rate"}}

Which rows is a false-alarm rate measured on?

- [ ] on the anomalies
  > Those that are not flagged are misses.
- [x] on the normal rows

"""
TEXT += (
    SOLVE
    + """
+++ {"id": "why", "kind": "manual", "points": 3, "aecourse": {"title": "why normal rows"}}

### BEGIN SOLUTION
Because they decide how often the alarm rings.
### END SOLUTION
"""
)
# Two figures, as students make them: one shown, and one that is a cell's last value.
SHOWN = "import matplotlib.pyplot as plt\nplt.figure(figsize=(3, 2))\nplt.plot([1, 2])\nplt.show()"
LAST_VALUE = "figure, axes = plt.subplots(figsize=(4, 2))\naxes.plot([2, 1])\nplt.close(figure)\nfigure"


def jpeg(width):
    """A picture as a student pastes it."""
    stream = io.BytesIO()
    Image.new("RGB", (width, 20), "orange").save(stream, "JPEG")
    return base64.b64encode(stream.getvalue()).decode()


def handed_in(about):
    answers = {"rate-answer": "answer_rate = 'a)'", "solve": "found = {'low': 1.0, 'high': 1.0}"}
    notebook = json.loads(assignment.answered(about, answers))
    pasted = assignment.new_cell("markdown", "pasted", "My sketch: ![a sketch](attachment:sketch.jpg)")
    notebook["cells"] += [
        assignment.new_cell("code", "shown", SHOWN),
        assignment.new_cell("code", "last", LAST_VALUE),
        pasted | {"attachments": {"sketch.jpg": {"image/jpeg": jpeg(123)}}},
    ]
    return assignment.to_bytes(notebook)


@pytest.fixture(scope="module")
def grade(tmp_path_factory):
    """What grades a class of one with the command, and its folder of results."""
    folder = tmp_path_factory.mktemp("formgrader")
    source = nbformat.writes(text.from_text(TEXT)).encode()
    (folder / "small.ipynb").write_bytes(source)
    (folder / "in").mkdir()
    (folder / "in" / "Ada_4711_small.ipynb").write_bytes(handed_in(assignment.read(source)))
    parser = argparse.ArgumentParser()
    cli.add_commands(parser.add_subparsers())
    words = ["grade", folder / "in", "-o", folder / "out", "-a", folder / "small.ipynb"]
    options = parser.parse_args(list(map(str, words)))

    def again():
        assert options.run(options) == 0
        with open(folder / "out" / "grades.csv", newline="", encoding="utf-8") as stream:
            [row] = csv.DictReader(stream)
        return row

    again.results = folder / "out"
    return again


def only_here(route):
    """Let a page ask this machine alone: nbgrader takes MathJax from another."""
    route.continue_() if "//127.0.0.1:" in route.request.url else route.abort()


def enter(page, field, value):
    """Type into a field of the marking page, as a person does, until nbgrader has stored it."""
    with page.expect_response(lambda answer: answer.request.method == "PUT" and answer.ok):
        field.fill(value)
        field.press("Tab")


def test_a_person_sees_pictures_choices_and_parts_and_marks_arrive(grade, tmp_path):
    row = grade()
    assert (row["From tests"], row["why (of 3)"], row["Waits for a mark"]) == ("2.5", "", "3")
    with formgrader.opened(grade.results / "nbgrader", tmp_path) as get, chromium.browser() as browser:
        page = browser.new_page(viewport={"width": 1200, "height": 1000})
        page.set_default_timeout(60_000)
        page.route("**/*", only_here)
        page.goto(f"{get.address}/submissions/{formgrader.submissions(get, 'small')['4711']}")
        page.wait_for_function("[...document.images].every((one) => one.complete)")
        # plt.show, a figure as a last value, and the pasted sketch; matplotlib draws 100 points an inch.
        sizes = page.locator("img:visible").evaluate_all("(all) => all.map((one) => one.naturalWidth)")
        assert len(sizes) == 3 and min(sizes[:2]) > 200 and sizes[2] == 123
        words = page.locator("body").inner_text()
        for seen in (
            "answer_rate = 'a)'",
            "Those that are not flagged are misses.",
            "how often the alarm rings",
        ):
            assert seen in words
        assert "low: 1 of 1\n  high: 1.5 of 3 The largest value is meant." in words
        assert "1.5 * found" not in words
        chromium.keep_picture(page, "formgrader", full_page=True)
        # A mark and a comment on the written answer, extra credit on a test, a comment on a solution.
        enter(page, page.locator("#why"), "2.5")
        enter(page, page.locator("#why-comment"), "Say <b>whose</b> rows.")
        enter(page, page.locator("#test-solve_extra_credit"), "0.5")
        enter(page, page.locator("#solve-comment"), "Neat.")
    row = grade()
    found = [row[name] for name in ("why (of 3)", "Extra credit", "Waits for a mark", "Total")]
    assert found == ["2.5", "0.5", "0", "5.5"]
    page = (grade.results / "feedback" / "4711.html").read_text(encoding="utf-8")
    for seen in ("Say &lt;b&gt;whose&lt;/b&gt; rows.", "Neat.", "Extra credit: 0.5.", "marked by a person"):
        assert seen in page
    assert page.count("data:image/png;base64") == 2 and page.count("data:image/jpeg;base64") == 1
    uploaded = (grade.results / "moodle.csv").read_text(encoding="utf-8")
    assert "5.5" in uploaded and "Say ‹b›whose‹/b› rows." in uploaded

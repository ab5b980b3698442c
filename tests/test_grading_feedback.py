"""What the pages and the report show, from records made by hand."""

import re

import pytest

from aecourse.grading import assignment, feedback
from aecourse.grading.record import CellResult, Outcome, Record, Status
from tools import made_up_assignment

ABOUT = assignment.read(made_up_assignment.source())
ACTIVE = "</pre><script>alert(1)</script><img src=x onerror=\"alert('1')\">"


def record_of(student, earned=0.0, text="", shown=True):
    """A record of one test of two points, with a text in every place that a student or an author fills."""
    report = {
        "outputs": [{"text": text}, {"picture": text}, {"picture": "iVBORw0KGgo="}],
        "error": {"name": text, "message": text, "where": [text]},
        "ended": text,
    }
    cell = {"name": "scale", "kind": "solution", "cell_type": "code", "source": text, "report": report}
    outcome = Outcome.PASSED if earned == 2 else Outcome.FAILED
    return Record(
        student=student,
        name=text,
        origin=text,
        assignment=f"demo{text}",
        status=Status.GRADED,
        message=text,
        cells=[CellResult("test-scale", f"scale{text}", "test", 2.0, earned, outcome, f"hint{text}")],
        repairs=[text, text],
        notes=[text],
        shown=[cell] if shown else [],
    )


@pytest.mark.parametrize("shown", [True, False])
def test_text_is_text_wherever_it_comes_from(shown):
    record = record_of(f"4711{ACTIVE}", text=ACTIVE, shown=shown)
    link = {record.student: f'feedback/"{ACTIVE}.html'}
    for page in (feedback.student_page(record), feedback.class_report(ABOUT, [record] * 2, link)):
        assert "&lt;script&gt;alert(1)" in page
        assert "<script" not in page and "<img src=x" not in page and 'onerror="' not in page
        assert page.count("<style>") == page.count("<body>") == page.count("</body>") == 1
        assert "default-src 'none'; img-src data:" in page


def test_a_page_shows_outputs_errors_and_pictures():
    page = feedback.student_page(record_of("4711", text="its text"))
    assert page.count('<pre class="output">its text</pre>') == 1
    assert page.count("<img ") == 1 and 'src="data:image/png;base64,iVBORw0KGgo="' in page
    assert '<pre class="error">its text\nits text: its text</pre>' in page
    assert "This cell did not end: its text." in page
    assert "Repaired: its text; its text." in page


ATTACKS = [
    ACTIVE,
    "[a](javascript:alert(1))",
    "![a](javascript:alert(1))",
    "<javascript:alert(1)>",
    "[a]: javascript:alert(1)\n\n[a]",
    '[a](x "" onmouseover=alert(1) ")',
    "$</span><script>alert(1)</script>$",
    "$$\n</div><script>alert(1)</script>\n$$",
    "| <script>alert(1)</script> |\n|---|\n| <img src=x onerror=alert(1)> |",
    "```<script>\n</code></pre><script>alert(1)</script>\n```",
    "[" * 5000,
    "> " * 3000,
]


@pytest.mark.parametrize("text", ATTACKS)
def test_markdown_on_a_page_is_never_active(text):
    record = record_of("4711", text="own")
    record.shown.append({**record.shown[0], "cell_type": "markdown", "source": text, "report": None})
    page = feedback.student_page(record)
    tags = re.findall(r"<[^<>]*>", page)
    assert not [tag for tag in tags if re.search(r"<script|<img src=x|\son\w+=|javascript:", tag)]


def test_markdown_and_formulas_are_rendered():
    record = record_of("4711", text="own")
    text = "## Answer\n\n- *one* with $x^2 < 1$\n\n| a | b |\n|---|---|\n| 1 | 2 |"
    record.shown.append({**record.shown[0], "cell_type": "markdown", "source": text, "report": None})
    page = feedback.student_page(record)
    for part in ("<h2>Answer</h2>", "<em>one</em>", "x^2 &lt; 1", "<th>a</th>", "<td>2</td>"):
        assert part in page


def test_the_hardest_cell_and_the_common_mistakes():
    records = [record_of("1", 2.0), record_of("2", 1.0), record_of("3", 0.0)]
    [cell] = feedback.hardest(records)
    assert (cell.title, cell.n_full, cell.n_submissions) == ("scale", 1, 3)
    assert cell.mean_share == pytest.approx(0.5)
    assert feedback.common_mistakes(records) == [("scale", "hint", 3)]
    assert feedback.common_mistakes(records, at_least=4) == []
    report = feedback.class_report(ABOUT, records)
    assert "3 submissions, 3 run; 8 points from tests." in report
    assert "Median 1, mean 1, from 0 to 2." in report


def test_a_class_of_which_nothing_ran_has_a_report():
    report = feedback.class_report(ABOUT, [record_of("1", text="no file", shown=False)])
    assert "1 submissions, 0 run" in report and "Median" not in report
    assert "No hint was given to two students." in report and "no file" in report

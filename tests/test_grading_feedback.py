"""What the pages and the report show, from records made by hand."""

import base64
import html
import io
import json
import re
import struct
from dataclasses import replace

import chromium
import nbformat
import pytest
from nbconvert import HTMLExporter
from PIL import Image

from aecourse.grading import assignment, feedback, gradebook, pictures, similar
from aecourse.grading.grade import grade
from aecourse.grading.record import CellResult, Outcome, Record, Status
from aecourse.grading.submissions import Incoming
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


PNG = base64.b64encode(pictures.SIGNATURES["image/png"] + b"its own bytes").decode()
JPEG = base64.b64encode(pictures.SIGNATURES["image/jpeg"] + b"its own bytes").decode()
SVG = base64.b64encode(b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>").decode()
LARGE = base64.b64encode(pictures.SIGNATURES["image/png"] + bytes(pictures.MAX_PICTURE)).decode()


def with_attachments(text, attachments):
    """The record of the model solution with one more Markdown cell, its page, and its notebook to mark."""
    notebook = json.loads(assignment.solved(ABOUT))
    cell = assignment.new_cell("markdown", "own", text)
    notebook["cells"].insert(1, cell | {"attachments": attachments})
    record = grade(
        made_up_assignment.source(),
        Incoming("4711", "Ada", "a.ipynb", assignment.to_bytes(notebook)),
        trusted=True,
    )
    assert record.automatic == 8
    stored = Record.from_dict(json.loads(json.dumps(record.to_dict())))
    return record, feedback.student_page(stored), gradebook.graded_notebook(ABOUT, stored)


def test_pasted_pictures_reach_both_pages():
    text = "See ![a <b> curve](attachment:image.png) and ![it](attachment:my%20photo.jpg)."
    found = {"image.png": {"image/png": PNG}, "my photo.jpg": {"image/jpeg": [JPEG[:8], JPEG[8:]]}}
    record, page, marking = with_attachments(text, found)
    assert record.status == Status.GRADED
    assert f'<img src="data:image/png;base64,{PNG}" alt="a &lt;b&gt; curve" />' in page
    assert f'<img src="data:image/jpeg;base64,{JPEG}" alt="it" />' in page
    [cell] = [cell for cell in marking["cells"] if "attachments" in cell]
    assert cell["attachments"] == {"picture-1": {"image/png": PNG}, "picture-2": {"image/jpeg": JPEG}}
    assert cell["source"].startswith("~~~text\nSee ![a")
    shown, _ = HTMLExporter().from_notebook_node(nbformat.from_dict(marking))
    assert f'src="data:image/png;base64,{PNG}"' in shown and f'src="data:image/jpeg;base64,{JPEG}"' in shown


@pytest.mark.parametrize(
    "forms",
    [
        {"image/png": SVG},
        {"image/svg+xml": SVG},
        {"text/html": base64.b64encode(b"<script>alert(1)</script>").decode()},
        {"image/png": LARGE},
        {"image/png": "no base64!"},
        {"image/png": 3},
        {"image/png": [PNG, 3]},
        {},
        None,
        "text",
    ],
    ids=lambda forms: str(forms)[:40],
)
def test_an_attachment_of_another_kind_or_size_is_left_out_and_told(forms):
    record, page, marking = with_attachments("![it](attachment:image.png)", {"image.png": forms})
    assert record.status == Status.REPAIRED
    assert record.repairs == ["a pasted picture was left out: only PNG and JPEG of at most 2 MB are shown"]
    assert "<svg" not in page and "data:image" not in page and "alert(1)" not in page
    assert not [cell for cell in marking["cells"] if "attachments" in cell]


def test_a_media_type_and_a_name_are_not_taken_from_the_student():
    """The type is that of the bytes; a name with markup in it names nothing on a page."""
    name = 'x" onerror="alert(1)'
    _, page, marking = with_attachments(f"![it](<attachment:{name}>)", {name: {'image/png" onload="x': JPEG}})
    assert f'<img src="data:image/jpeg;base64,{JPEG}" alt="it" />' in page
    assert 'onload="' not in page and 'onerror="' not in page
    assert name not in json.dumps(marking["cells"][1]["attachments"])


@pytest.mark.parametrize("side, shown", [(8000, True), (8001, False), (65_000, False)])
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_picture_of_more_pixels_than_a_browser_can_bear_is_left_out(kind, side, shown):
    """A file of some kilobytes can ask for many gigabytes. Only its head is changed here."""
    stream = io.BytesIO()
    Image.new("L", (8, 8)).save(stream, kind)
    assert pictures.n_pixels(stream.getvalue()) == 64
    said = struct.pack(">II" if kind == "PNG" else ">HH", 8, 8)
    data = stream.getvalue().replace(said, struct.pack(">II" if kind == "PNG" else ">HH", side, side), 1)
    assert pictures.n_pixels(data) == side**2
    cell = {"attachments": {"a": {"image/png": base64.b64encode(data).decode()}}}
    found, _, n_refused = pictures.attached(cell)
    assert (bool(found), n_refused) == (shown, int(not shown))
    if kind == "PNG":
        assert bool(feedback.picture_address(base64.b64encode(data).decode())) == shown


@pytest.mark.parametrize(
    "data", [b"", b"\xff", b"\xff\xd8", b"\xff\xd8\xff\xe0", b"\xff" * 99, JPEG.encode()]
)
def test_a_picture_that_does_not_say_its_size_has_none(data):
    assert pictures.n_pixels(data) == 0


def test_a_flood_of_text_is_cut_for_the_page_and_the_comparison():
    """Cells of fifty thousand characters each: the page, the record and the comparison stay small."""
    notebook = json.loads(assignment.solved(ABOUT))
    words = " ".join(f"w{number}" for number in range(9000))
    notebook["cells"] += [assignment.new_cell("markdown", f"m{n}", f"{n} {words}") for n in range(60)]
    incoming = Incoming("4711", "Ada", "a.ipynb", assignment.to_bytes(notebook))
    record = grade(made_up_assignment.source(), incoming, trusted=True)
    assert record.automatic == 8
    assert 1_900_000 < sum(len(cell["source"]) for cell in record.shown) <= 2_000_000
    [group] = similar.groups(ABOUT, [record, replace(record, student="4712")])
    assert group.students == ["4711", "4712"]


def test_the_pictures_of_a_notebook_are_bounded_together():
    half = base64.b64encode(pictures.SIGNATURES["image/png"] + bytes(pictures.MAX_PICTURE - 8)).decode()
    cell = {"attachments": {f"{number}.png": {"image/png": half} for number in range(6)}}
    found, size, n_refused = pictures.attached(cell)
    assert (len(found), size, n_refused) == (4, pictures.MAX_PICTURES, 2)
    assert pictures.attached(cell, 100)[0] == {} == pictures.attached({"attachments": [1]})[0]


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
    assert "1 submission, 0 run" in report and "Median" not in report
    assert "No hint was given to two students." in report and "no file" in report


# For the instructor's eye.


def written(student, answer, **changes):
    cell = {"name": "scale", "kind": "solution", "cell_type": "code", "source": answer, "report": None}
    return replace(record_of(student, 2.0), name=f"Name {student}", message="", shown=[cell], **changes)


def section(page, title):
    """Return one section of a report as text."""
    [part] = [part for part in page.split("<h2>") if part.startswith(f"{title}</h2>")]
    return part


def test_the_report_opens_with_what_needs_attention():
    usual = written("1", "x = 1")
    records = [
        usual,
        replace(usual, student="2", name="Two", status=Status.NOTHING_SUBMITTED, shown=[]),
        replace(usual, student="3", name="Three", status=Status.TIMED_OUT, message="too long"),
        replace(usual, student="4", name="Four", warnings=["typed the id '5'"]),
        replace(
            usual, student="5", name="Five", status=Status.GRADER_FAILED, notes=["KeyError: 'x'"], shown=[]
        ),
        replace(usual, student="6", name="Six", status=Status.NOTHING_SUBMITTED, shown=[]),
    ]
    matters = feedback.attention(records, ["lost.ipynb"])
    assert [(matter.student, matter.kind) for matter in matters] == [
        ("", "not read"),
        ("5", "grader failed"),
        ("4", "look"),
        ("3", "timed out"),
        ("", "nothing submitted"),
    ]
    assert matters[1].words == "KeyError: 'x'" and matters[4].words == "2 students: Two, Six"
    page = feedback.class_report(ABOUT, records, unread=["lost.ipynb"])
    assert page.index("Needs your attention") < page.index("Statuses")
    part = section(page, "Needs your attention")
    assert part.count("<tr>") == 6 and "typed the id &#39;5&#39;" in part and "lost.ipynb" in part
    assert "Nothing: all files were read" in section(
        feedback.class_report(ABOUT, [usual]), "Needs your attention"
    )


def test_the_distribution_counts_those_not_run_and_the_times_are_told():
    records = [written("1", "x"), written("2", "x", seconds=9.0), replace(written("3", "x"), shown=[])]
    page = feedback.class_report(ABOUT, records)
    assert '<td>not run</td><td class="number">1</td>' in section(page, "Distribution")
    assert "Median 4.5 s a submission, 9 s in all. The slowest: Name 2 9.0 s" in section(page, "Run times")


OWN = """
def scale(X, centre={number}):
    total_{number} = sum(value * {number} for value in X) / len(X)
    spread_{number} = max(abs(value - total_{number}) for value in X if value != {number})
    return [(value - total_{number}) / spread_{number} + {number} * centre for value in X]
"""


def test_similar_submissions_are_a_hint():
    copied = OWN.format(number=7)
    records = [written(str(number), OWN.format(number=number)) for number in range(4)]
    records += [written("7", copied), written("8", copied + "# mine\n")]
    [group] = similar.groups(ABOUT, records)
    assert group.students == ["7", "8"] and 0.9 < group.lowest <= group.highest <= 1
    part = section(feedback.class_report(ABOUT, records), "Similar submissions")
    assert "a hint and no proof" in part and "<bdi>Name 7</bdi>, <bdi>Name 8</bdi>" in part
    released = next(cell.released for cell in ABOUT.cells if cell.kind == "solution")
    assert similar.groups(ABOUT, [written("1", released), written("2", released)]) == []


def test_a_range_of_one_value_is_said_as_one():
    """Of likeness, points and numbers of students: no "1.00 to 1.00", and no "1 students"."""
    same = [written("7", OWN.format(number=7)), written("8", OWN.format(number=7))]
    missing = replace(written("9", "x"), status=Status.NOTHING_SUBMITTED, shown=[])
    page = feedback.class_report(ABOUT, [*same, missing])
    assert '<td class="number">1.00</td>' in section(page, "Similar submissions")
    words = html.unescape(re.sub(r"<[^>]*>", " ", page))
    assert re.findall(r"([\d.]+) to \1(?! ?%)\b", words) == []
    assert re.findall(r"\b1 (?:students|submissions|days|points)\b", words) == []
    assert "1 student: Name 9" in words and "Each earned 2." in words


def test_a_page_carries_the_students_name():
    page = feedback.student_page(written("4711", "x = 1"))
    assert "Name 4711</h1>" in page and "<p>ID 4711</p>" in page and "Name 4711</title>" in page


@pytest.mark.parametrize("width", [360, 1440])
def test_pages_fit_a_telephone_and_a_screen(width, tmp_path):
    """No page is wider than the window, and no word of a table is broken into letters."""
    records = [
        written(str(number), OWN.format(number=number), warnings=["a remark of some words"])
        for number in range(1000, 1012)
    ]
    pages = {"report": feedback.class_report(ABOUT, records), "page": feedback.student_page(records[0])}
    with chromium.browser() as browser:
        for name, text in pages.items():
            (tmp_path / f"{name}.html").write_text(text, encoding="utf-8")
            page = browser.new_page(viewport={"width": width, "height": 900})
            page.goto((tmp_path / f"{name}.html").as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            tallest = page.evaluate(
                "Math.max(...[...document.querySelectorAll('td')].map(td => td.offsetHeight))"
            )
            assert tallest < 200

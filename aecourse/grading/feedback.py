"""Pages of feedback for students, and the class report for the instructor.

Everything that came from a submission is escaped, pictures are checked to be PNG, and the page
forbids scripts and requests by its content security policy. A test appears by its title, its
points and the author's hint: its text is never on a page.
"""

import base64
import binascii
import collections
import html
import statistics

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem;
       margin: 2rem auto; padding: 0 1rem; color: #1a1a1a }
table { border-collapse: collapse; min-width: 24rem; margin: 1rem 0 }
th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid #ccc; vertical-align: top }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums }
pre { background: #f5f5f5; padding: .6rem; overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere }
pre.prose { background: #fff; padding: .6rem 0; font: inherit }
pre.output { background: #fff; border-left: 3px solid #0072b2 }
pre.error { background: #fff; border-left: 3px solid #d55e00 }
.passed, .marked { color: #00684f } .failed, .crashed, .timed-out, .out-of-memory { color: #a34100 }
.bar { background: #0072b2; height: .8rem; display: inline-block }
img { max-width: 100% }
"""
WORDS = {
    "passed": "✓ passed",
    "partly": "◐ partly",
    "failed": "✗ failed",
    "timed out": "✗ timed out",
    "crashed": "✗ crashed",
    "out of memory": "✗ out of memory",
    "not reached": "– not reached",
    "to be marked": "to be marked by a person",
    "marked": "✓ marked by a person",
    "not answered": "– not answered",
}
PNG = b"\x89PNG\r\n\x1a\n"


def escape(text):
    """Return text as it may stand in a page."""
    return html.escape(str(text), quote=True)


def number(value):
    """Return points as short text."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def page(title, body):
    """Return a whole page."""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f'<meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n<body>\n{body}\n</body></html>\n"
    )


def table(headings, rows, numbers=()):
    """Return a table; cells are escaped unless they are :class:`Markup`."""

    def line(values, tag):
        parts = []
        for column, value in enumerate(values):
            kind = ' class="number"' if column in numbers else ""
            parts.append(f"<{tag}{kind}>{value if isinstance(value, Markup) else escape(value)}</{tag}>")
        return f"<tr>{''.join(parts)}</tr>"

    return "<table>\n" + "\n".join([line(headings, "th"), *(line(row, "td") for row in rows)]) + "\n</table>"


class Markup(str):
    """Text that is HTML already."""


def _picture(data):
    try:
        raw = base64.b64decode("".join(data.split()), validate=True)
    except (binascii.Error, ValueError):
        return ""
    if not raw.startswith(PNG):
        return ""
    return f'<img alt="a figure of this cell" src="data:image/png;base64,{base64.b64encode(raw).decode()}">'


def _report(report):
    if not report:
        return ""
    parts = []
    for output in report["outputs"]:
        if "picture" in output:
            parts.append(_picture(output["picture"]))
        elif output["text"]:
            parts.append(f'<pre class="output">{escape(output["text"])}</pre>')
    if report.get("ended"):
        parts.append(
            f'<pre class="error">This cell did not end: {escape(report["ended"])}. '
            "The others were run without it.</pre>"
        )
    if report["error"]:
        error = report["error"]
        lines = "\n".join([*error["where"], f"{error['name']}: {error['message']}"])
        parts.append(f'<pre class="error">{escape(lines)}</pre>')
    return "\n".join(parts)


def student_page(record):
    """Return a student's feedback page.

    Parameters
    ----------
    record : record.Record

    Returns
    -------
    str
        HTML without scripts, without hidden tests and without anything that the student's
        code could have made active.
    """
    rows = [
        (
            cell.title,
            Markup(f'<span class="{cell.outcome.replace(" ", "-")}">{escape(WORDS[cell.outcome])}</span>'),
            "" if cell.outcome == "to be marked" else number(cell.earned),
            number(cell.points),
            cell.message,
        )
        for cell in record.cells
    ]
    parts = [
        f"<h1>{escape(record.assignment)}: {escape(record.student)}</h1>",
        f"<p><strong>{escape(record.status.capitalize())}.</strong> {escape(record.message)}</p>",
    ]
    if record.repairs:
        parts.append("<p>Repaired: " + "; ".join(escape(words) for words in record.repairs) + ".</p>")
    parts.append(
        f"<p>Points from tests: <strong>{number(record.automatic)} of {number(record.possible)}</strong>."
        + (f" {number(record.unmarked)} more wait for a person's mark." if record.unmarked else "")
        + (f" In all: <strong>{number(record.total)}</strong>." if record.by_hand else "")
        + "</p>"
    )
    parts.append(table(("Part", "Outcome", "Points", "of", "What to do"), rows, numbers=(2, 3)))
    if record.shown:
        parts.append("<h2>Your notebook, as it ran</h2>")
        for cell in record.shown:
            if cell["kind"] != "test":
                prose = "" if cell["cell_type"] == "code" else ' class="prose"'
                parts.append(f"<pre{prose}>{escape(cell['source'])}</pre>\n{_report(cell['report'])}")
    return page(f"{record.assignment} {record.student}", "\n".join(parts))


def _bars(counts):
    most = max([*counts.values(), 1])
    return table(
        ("Share of the points", "Submissions", ""),
        [
            (label, count, Markup(f'<span class="bar" style="width: {20 * count / most:.1f}rem"></span>'))
            for label, count in counts.items()
        ],
        numbers=(1,),
    )


def _distribution(records):
    counts = {f"{low} to {low + 10} %": 0 for low in range(0, 100, 10)}
    labels = list(counts)
    for record in records:
        if record.possible:
            counts[labels[min(int(10 * record.automatic / record.possible), 9)]] += 1
    return counts


def hardest(records):
    """Return (title, mean share of points, count of full marks, count) of each tested cell, hardest first."""
    shares = collections.defaultdict(list)
    for record in records:
        for cell in record.cells:
            if cell.kind == "test" and cell.points:
                shares[cell.title].append(cell.earned / cell.points)
    rows = [
        (title, statistics.fmean(values), sum(value == 1 for value in values), len(values))
        for title, values in shares.items()
    ]
    return sorted(rows, key=lambda row: row[1])


def common_mistakes(records, at_least=2):
    """Return (title, message, count) of the hints that several students got, most frequent first."""
    seen = collections.Counter(
        (cell.title, cell.message)
        for record in records
        for cell in record.cells
        if cell.message and cell.outcome != "not reached"
    )
    return [(title, message, count) for (title, message), count in seen.most_common() if count >= at_least]


def class_report(assignment, records, links=None):
    """Return the instructor's report of a class.

    Parameters
    ----------
    assignment : assignment.Assignment
    records : list of record.Record
    links : dict, optional
        File names of the feedback pages by student.

    Returns
    -------
    str
        HTML: statuses, distribution, hardest cells, common mistakes, one line a student.
    """
    statuses = collections.Counter(record.status for record in records)
    ran = [record for record in records if record.shown]
    totals = [record.automatic for record in ran]
    possible = sum(cell.points for cell in assignment.graded if cell.kind == "test")
    parts = [
        f"<h1>{escape(assignment.title)}</h1>",
        f"<p>{len(records)} submissions, {len(ran)} run; {number(possible)} points from tests.",
    ]
    if totals:
        parts.append(
            f" Median {number(statistics.median(totals))}, mean {number(statistics.fmean(totals))}, "
            f"from {number(min(totals))} to {number(max(totals))}."
        )
    parts.append("</p><h2>Statuses</h2>")
    parts.append(table(("Status", "Submissions"), statuses.most_common(), numbers=(1,)))
    parts += ["<h2>Distribution</h2>", _bars(_distribution(ran)), "<h2>Hardest cells</h2>"]
    parts.append(
        table(
            ("Cell", "Mean share of points", "Full marks", "Submissions"),
            [(title, f"{100 * mean:.0f} %", full, count) for title, mean, full, count in hardest(ran)],
            numbers=(1, 2, 3),
        )
    )
    mistakes = common_mistakes(ran)
    parts.append("<h2>Common mistakes</h2>")
    parts.append(
        table(("Cell", "Hint given", "Students"), mistakes, numbers=(2,))
        if mistakes
        else "<p>No hint was given to two students.</p>"
    )
    parts.append("<h2>Submissions</h2>")
    rows = []
    for record in records:
        link = (links or {}).get(record.student)
        who = Markup(f'<a href="{escape(link)}">{escape(record.student)}</a>') if link else record.student
        why = [] if record.shown else [record.message]
        remarks = "; ".join([*why, *record.repairs, *record.notes])
        rows.append((who, record.name, record.status, number(record.total), number(record.unmarked), remarks))
    headings = ("Student", "Name", "Status", "Points so far", "Waits for a mark", "Remarks")
    parts.append(table(headings, rows, numbers=(3, 4)))
    return page(assignment.title, "\n".join(parts))

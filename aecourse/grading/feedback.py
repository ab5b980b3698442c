"""Pages of feedback for students, and the class report for the instructor.

The templates escape everything that came from a submission, pictures are checked to be PNG, and the
pages forbid scripts and requests by their content security policy. A test appears by its title, its
points and the author's hint: its text is never on a page.
"""

import base64
import binascii
import collections
import statistics
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from aecourse._support import html
from aecourse._support.wording import counted, from_to
from aecourse.grading import pictures, similar
from aecourse.grading.assignment import Assignment
from aecourse.grading.record import Outcome, Record, Status

WORDS: Mapping[str, str] = {
    Outcome.PASSED: "✓ passed",
    Outcome.PARTLY: "◐ partly",
    Outcome.FAILED: "✗ failed",
    Outcome.TIMED_OUT: "✗ timed out",
    Outcome.CRASHED: "✗ crashed",
    Outcome.OUT_OF_MEMORY: "✗ out of memory",
    Outcome.NOT_REACHED: "– not reached",
    Outcome.TO_BE_MARKED: "to be marked by a person",
    Outcome.MARKED: "✓ marked by a person",
    Outcome.NOT_ANSWERED: "– not answered",
}
# Statuses that need nobody's attention.
AS_USUAL = (Status.GRADED, Status.REPAIRED)
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


class Matter(NamedTuple):
    """Something that the instructor has to look at; without a student if it is about several."""

    student: str
    name: str
    kind: str
    words: str


class CellSummary(NamedTuple):
    """How a class did on one tested cell."""

    title: str
    mean_share: float
    n_full: int
    n_submissions: int


class Mistake(NamedTuple):
    """A hint, and how many students got it."""

    title: str
    hint: str
    n_students: int


def format_points(value: float) -> str:
    """Return points as short text.

    Examples
    --------
    >>> format_points(1.5), format_points(2.0)
    ('1.5', '2')
    """
    return f"{value:.2f}".rstrip("0").rstrip(".")


def picture_address(data: str) -> str:
    """Return the address of a picture for a page; empty if the text is not that of a PNG of bearable size."""
    try:
        raw = base64.b64decode("".join(data.split()), validate=True)
    except (binascii.Error, ValueError):
        return ""
    shown = raw.startswith(PNG_SIGNATURE) and pictures.n_pixels(raw) <= pictures.MAX_PIXELS
    return html.png_address(raw) if shown else ""


def student_page(record: Record) -> str:
    """Return a student's feedback page.

    Parameters
    ----------
    record : Record

    Returns
    -------
    str
        HTML without scripts, without hidden tests, and without anything that the student's
        code could have made active.
    """
    return html.render(
        "grading_feedback.html",
        title=f"{record.assignment}: {record.name}",
        record=record,
        words=WORDS,
        to_be_marked=Outcome.TO_BE_MARKED,
        format_points=format_points,
        picture_address=picture_address,
        from_markdown=html.from_markdown,
    )


def _distribution(records: Sequence[Record]) -> dict[str, int]:
    """Return how many records earned each tenth of the points."""
    counts = {f"{low} to {low + 10} %": 0 for low in range(0, 100, 10)}
    labels = list(counts)
    for record in records:
        if record.possible:
            counts[labels[min(int(10 * record.automatic / record.possible), 9)]] += 1
    return counts


def hardest(records: Sequence[Record]) -> list[CellSummary]:
    """Return a summary of each tested cell, the hardest first."""
    shares = collections.defaultdict(list)
    for record in records:
        for cell in record.cells:
            if cell.kind == "test" and cell.points:
                shares[cell.title].append(cell.earned / cell.points)
    summaries = [
        CellSummary(title, statistics.fmean(values), sum(value == 1 for value in values), len(values))
        for title, values in shares.items()
    ]
    return sorted(summaries, key=lambda summary: summary.mean_share)


def common_mistakes(records: Sequence[Record], at_least: int = 2) -> list[Mistake]:
    """Return the hints that several students got, the most frequent first."""
    seen = collections.Counter(
        (cell.title, cell.message)
        for record in records
        for cell in record.cells
        if cell.message and cell.outcome != Outcome.NOT_REACHED
    )
    return [Mistake(title, hint, count) for (title, hint), count in seen.most_common() if count >= at_least]


def attention(records: Sequence[Record], unread: Sequence[str] = ()) -> list[Matter]:
    """Return what the instructor has to look at, the gravest first.

    Parameters
    ----------
    records : list of Record
    unread : list of str
        Files that nobody reads, since it is not known whose they are.

    Returns
    -------
    list of Matter
        The students who handed nothing in share one.
    """
    matters = [Matter("", "", "not read", f"{file}: it is not known whose it is") for file in unread]
    absent = [record for record in records if record.status == Status.NOTHING_SUBMITTED]
    failed = [record for record in records if record.status == Status.GRADER_FAILED]
    for record in failed:
        words = "; ".join(record.notes) or record.message
        matters.append(Matter(record.student, record.name, record.status, words))
    for record in records:
        matters += [Matter(record.student, record.name, "look", warning) for warning in record.warnings]
    for record in records:
        if record.status not in AS_USUAL and record not in absent and record not in failed:
            matters.append(Matter(record.student, record.name, record.status, record.message))
    if absent:
        names = ", ".join(record.name for record in absent)
        matters.append(
            Matter("", "", Status.NOTHING_SUBMITTED, f"{counted(len(absent), 'student')}: {names}")
        )
    return matters


def _seconds(records: Sequence[Record]) -> list[str]:
    """Return sentences on how long the submissions took to run."""
    taken = sorted(records, key=lambda record: -record.seconds)
    if not taken:
        return []
    median = statistics.median(record.seconds for record in taken)
    total = sum(record.seconds for record in taken)
    slowest = ", ".join(f"{record.name} {record.seconds:.1f} s" for record in taken[:3])
    return [f"Median {median:.1f} s a submission, {total:.0f} s in all. The slowest: {slowest}."]


def class_report(
    assignment: Assignment,
    records: Sequence[Record],
    links: Mapping[str, str] | None = None,
    unread: Sequence[str] = (),
) -> str:
    """Return the instructor's report of a class.

    Parameters
    ----------
    assignment : Assignment
    records : list of Record
    links : dict of str to str, optional
        File names of the feedback pages by student.
    unread : list of str
        Files that nobody reads.

    Returns
    -------
    str
        HTML: what needs attention, statuses, distribution, run times, hardest cells, common mistakes,
        similar submissions, one line for each student.
    """
    names = {record.student: record.name for record in records}
    ran = [record for record in records if record.shown]
    totals = [record.automatic for record in ran]
    return html.render(
        "grading_class.html",
        title=assignment.title,
        records=records,
        links=links or {},
        names=names,
        attention=attention(records, unread),
        seconds=_seconds(ran),
        alike=similar.groups(assignment, records),
        totals=totals,
        median=statistics.median(totals) if totals else None,
        mean=statistics.fmean(totals) if totals else None,
        possible=assignment.test_points,
        statuses=collections.Counter(record.status for record in records).most_common(),
        distribution={**_distribution(ran), "not run": len(records) - len(ran)},
        hardest=[
            (cell.title, f"{100 * cell.mean_share:.0f} %", cell.n_full, cell.n_submissions)
            for cell in hardest(ran)
        ],
        mistakes=common_mistakes(ran),
        format_points=format_points,
        counted=counted,
        from_to=from_to,
    )

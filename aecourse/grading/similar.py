"""Submissions that look alike: a hint for a conversation, and no proof of anything."""

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from aecourse.grading.assignment import Assignment
from aecourse.grading.record import Record

# Runs of this many words and signs are compared: one changed line leaves the others alike.
RUN = 5
MIN_RUNS = 30
# More than an honest notebook has; the memory of the one who compares is bounded by it.
MAX_RUNS = 20_000
MIN_LIKENESS = 0.8


class Group(NamedTuple):
    """Students whose submissions look alike, each like another one of them; from 0 to 1, how alike."""

    students: list[str]
    lowest: float
    highest: float


def _runs(text: str) -> Iterator[str]:
    words = re.findall(r"\w+|[^\w\s]", text)
    for start in range(len(words) - RUN + 1):
        yield " ".join(words[start : start + RUN])


def _own_runs(record: Record, released: set[str]) -> list[str]:
    """Return the runs that a student wrote: those of the released notebook are everybody's."""
    cells = [cell["source"] for cell in record.shown if cell["kind"] not in ("given", "test")]
    own = (run for source in cells for run in _runs(source) if run not in released)
    return list(itertools.islice(own, MAX_RUNS))


def groups(assignment: Assignment, records: Sequence[Record]) -> list[Group]:
    """Return the groups of submissions that share most of what their authors wrote, the likest first.

    Runs of words that many students share count little (TF–IDF), so an answer that everybody finds does not
    make everybody alike. Scikit-learn does the comparing.

    Parameters
    ----------
    assignment : Assignment
    records : list of Record

    Returns
    -------
    list of Group
        Each member is like another one with a cosine of 0.8 or more.
    """
    released = {run for cell in assignment.cells for run in _runs(cell.released)}
    written = [(record.student, _own_runs(record, released)) for record in records if record.shown]
    written = [(student, runs) for student, runs in written if len(set(runs)) >= MIN_RUNS]
    if len(written) < 2:
        return []
    from scipy.sparse.csgraph import connected_components
    from sklearn.feature_extraction.text import TfidfVectorizer

    weights = TfidfVectorizer(analyzer=list, sublinear_tf=True).fit_transform([runs for _, runs in written])
    likeness = (weights @ weights.T).toarray()
    alike = likeness >= MIN_LIKENESS
    _, labels = connected_components(alike, directed=False)
    found = []
    for label in sorted(set(labels)):
        members = [place for place, other in enumerate(labels) if other == label]
        values = [
            min(float(likeness[one, other]), 1.0)
            for one in members
            for other in members
            if one < other and alike[one, other]
        ]
        if values:
            found.append(Group([written[place][0] for place in members], min(values), max(values)))
    return sorted(found, key=lambda group: -group.highest)

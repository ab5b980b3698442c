"""A small assignment for the made-up class: four functions of two points each, and an answer in words."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from aecourse.grading import assignment

NAME = "demo"
SECONDS = 20
MEMORY_MB = 1024
# A word in the hidden tests alone: wherever it appears, they have leaked.
HIDDEN_WORD = "hidden_heron"


class Part(NamedTuple):
    """One function to write: the model solution, its test, and hints by the message of an assert."""

    solution: str
    test: str
    hints: dict[str, str]


PARTS = {
    "scale": Part(
        "def scale(X):\n    ### BEGIN SOLUTION\n    X = np.asarray(X, dtype=float)\n"
        "    return (X - X.mean(axis=0)) / X.std(axis=0)\n    ### END SOLUTION",
        "assert scale([[1, 2], [3, 6]]).shape == (2, 2), 'scale keeps the shape'\n### BEGIN HIDDEN TESTS\n"
        f"{HIDDEN_WORD} = np.random.default_rng(20).normal(3, 2, (30, 4))\n"
        f"scaled_heron = scale({HIDDEN_WORD})\n"
        "assert np.allclose(scaled_heron.mean(axis=0), 0), 'mean'\n"
        "assert np.allclose(scaled_heron.std(axis=0), 1), 'spread'\n### END HIDDEN TESTS",
        {"mean": "Subtract each column's mean.", "spread": "Divide each column by its standard deviation."},
    ),
    "row_errors": Part(
        "def row_errors(X, R):\n    ### BEGIN SOLUTION\n"
        "    return ((np.asarray(X) - np.asarray(R)) ** 2).mean(axis=1)\n"
        "    ### END SOLUTION",
        "found = np.asarray(row_errors(np.eye(3), np.zeros((3, 3))))\n"
        "assert found.ndim == 1, 'one error a row'\n"
        f"### BEGIN HIDDEN TESTS\n{HIDDEN_WORD}_rows = np.arange(12.0).reshape(4, 3)\n"
        f"heron_errors = np.asarray(row_errors({HIDDEN_WORD}_rows, np.zeros((4, 3))))\n"
        "assert heron_errors.shape == (4,), 'rows'\nassert np.all(np.diff(heron_errors) > 0), 'order'\n"
        f"1 + int(np.allclose(heron_errors, ({HIDDEN_WORD}_rows ** 2).mean(axis=1)))\n### END HIDDEN TESTS",
        {
            "rows": "Return one error for each row.",
            "order": "Rows further from their reconstruction score higher.",
        },
    ),
    "threshold": Part(
        "def threshold(scores, rate):\n    ### BEGIN SOLUTION\n"
        "    return float(np.quantile(scores, 1 - rate))\n"
        "    ### END SOLUTION",
        "assert threshold([1.0, 2.0, 3.0], 0.5) == 2.0, 'half of three scores lie above the middle one'\n"
        f"### BEGIN HIDDEN TESTS\n{HIDDEN_WORD}_scores = np.random.default_rng(21).exponential(size=2000)\n"
        f"heron_rate = np.mean({HIDDEN_WORD}_scores > threshold({HIDDEN_WORD}_scores, 0.05))\n"
        "assert abs(heron_rate - 0.05) < 0.002, 'rate'\n### END HIDDEN TESTS",
        {"rate": "The share of scores above the threshold must be the rate."},
    ),
    "flag": Part(
        "def flag(scores, limit):\n    ### BEGIN SOLUTION\n"
        "    return (np.asarray(scores) > limit).astype(int)\n"
        "    ### END SOLUTION",
        "assert list(flag([0.0, 1.0], 0.5)) == [0, 1], '1 marks an anomaly'\n### BEGIN HIDDEN TESTS\n"
        f"{HIDDEN_WORD}_flags = flag([0.5, 0.25, 0.75], 0.5)\n"
        f"assert list({HIDDEN_WORD}_flags) == [0, 0, 1], 'strict'\n### END HIDDEN TESTS",
        {"strict": "A score equal to the threshold is not flagged."},
    ),
}
FULL_MARKS = {f"test-{name}": 2 for name in PARTS}
NO_MARKS = dict.fromkeys(FULL_MARKS, 0)
# A wrong answer to each part.
WRONG = {name: f"def {name}(*args):\n    return 0" for name in PARTS}


def _cell(
    cell_type: str, name: str, text: str, extra: Mapping[str, Any] | None = None, **nbgrader: Any
) -> dict[str, Any]:
    meta = {"schema_version": 3, "grade_id": name, "cell_type": cell_type, "task": False}
    meta |= {"grade": False, "solution": False, "locked": False} | nbgrader
    return assignment.new_cell(
        cell_type, name, text, {"nbgrader": meta} | ({"aecourse": extra} if extra else {})
    )


def source(seconds: float = SECONDS, memory_mb: int = MEMORY_MB) -> bytes:
    """Return the bytes of the assignment's source."""
    cells = [
        _cell("markdown", "title", "# A detector in four functions", locked=True),
        _cell("code", "imports", "import numpy as np", locked=True),
    ]
    for name, part in PARTS.items():
        hint = f"Read again what {name} returns."
        extra = {"title": f"the function {name}", "hints": part.hints, "hint": hint}
        cells.append(_cell("code", name, part.solution, solution=True))
        cells.append(_cell("code", f"test-{name}", part.test, extra, grade=True, locked=True, points=2))
    answer = "### BEGIN SOLUTION\nBecause normal rows set it.\n### END SOLUTION"
    extra = {"title": "why validation normals"}
    cells.append(_cell("markdown", "why", answer, extra, grade=True, solution=True, points=3))
    about = {"assignment": NAME, "title": "Demo", "minutes": 20, "seconds": seconds, "memory_mb": memory_mb}
    return assignment.to_bytes(assignment.new_notebook(cells, {"aecourse": about}))


def submission(
    about: assignment.Assignment, answers: Mapping[str, str] | None = None, first_cell: str = ""
) -> bytes:
    """Return the bytes of a submission: the model solution with some answers replaced.

    Parameters
    ----------
    about : assignment.Assignment
    answers : dict of str to str, optional
        Sources by cell name.
    first_cell : str
        Code that the student runs before all answers.

    Returns
    -------
    bytes
    """
    data = assignment.answered(about, answers or {})
    if not first_cell:
        return data
    notebook = json.loads(data)
    notebook["cells"].insert(2, assignment.new_cell("code", "own", first_cell))
    return assignment.to_bytes(notebook)

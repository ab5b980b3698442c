"""Multiple-choice questions, and tests of several named parts: from an author's text to a student's page."""

import json
import re

import nbformat
import numpy as np
import pytest

from aecourse.grading import assignment, feedback, gradebook, results
from aecourse.grading.grade import grade, refused
from aecourse.grading.record import Mark, Outcome, Record
from aecourse.grading.submissions import Incoming
from aecourse.homework import forms
from tools import choices, text
from tools.in_process import Sitting
from tools.sweep import EqualToAll, TextEqualToAll

# A question with its test of two named parts.
SOLVE = """```{code-cell}
:id: solve
:kind: solution

found = {"low": 1.0, "high": 2.0}
```

```{code-cell}
---
id: test-solve
kind: test
points: 4
aecourse:
  title: both ends
  hint: Sort the values first.
  parts: [low: 1, high: 3]
  hints: {high: The largest value is meant.}
---
assert len(found) == 2, "two values"
### BEGIN HIDDEN TESTS
{"low": found["low"], "high": 1.5 * found["high"]}
### END HIDDEN TESTS
```
"""
TEXT = """---
aecourse: {assignment: small, title: Small, minutes: 30, seconds: 20}
---

+++ {"id": "rate", "kind": "choice", "points": 2, "aecourse": {"title": "the rate"}}

Which rows is a false-alarm rate measured on?

- [ ] on the anomalies
  > Those that are not flagged
  > are misses.
- [x] on the normal rows,
  whatever their number
- [ ] on all rows

"""
TEXT += SOLVE


def source(changed=TEXT):
    return nbformat.writes(text.from_text(changed)).encode()


ABOUT = assignment.read(source())


@pytest.fixture(scope="module")
def run():
    return Sitting(source(), "4711")


def graded(answers):
    record = grade(source(), Incoming("4711", "Ada", "a.ipynb", assignment.answered(ABOUT, answers)))
    return record, {cell.name: cell for cell in record.cells}


# Multiple choice.


def test_a_choice_becomes_a_question_an_answer_and_a_test():
    assert [cell.name for cell in ABOUT.cells[:3]] == ["rate", "rate-answer", "test-rate"]
    question, answer, tested = ABOUT.cells[:3]
    assert question.source.endswith(
        "- **A** on the anomalies\n- **B** on the normal rows, whatever their number\n- **C** on all rows\n\n"
        "One is right."
    )
    assert (question.kind, answer.kind, tested.kind) == ("given", "solution", "test")
    assert answer.released == 'answer_rate = None  # "A", "B" or "C"' and answer.names == ("answer_rate",)
    assert tested.points == 2 and tested.hints["A"] == "Those that are not flagged are misses."


def test_students_do_not_get_the_right_letters_or_the_hints():
    released = assignment.release(ABOUT).decode()
    for hidden in ('answer_rate = \\"B\\"', "not in _chosen", "_chosen ==", "are misses", "[x]"):
        assert hidden not in released
        assert hidden in source().decode() or hidden == "[x]"


@pytest.mark.parametrize("answer", ["B", "b", "B)", " B ", "(b)", "b) the normal rows", "B.", ["B"], {"b"}])
def test_the_right_letter_counts_as_people_write_it(run, answer):
    assert run.test("test-rate", {"answer_rate": answer})["earned"] == 2


@pytest.mark.parametrize(
    "answer, key",
    [
        *(
            (answer, None)
            for answer in (None, "", "?", "D", 2, 1.0, True, ..., [], {}, b"B", {"B": True}, object())
        ),
        *(
            (answer, None)
            for answer in (EqualToAll(), TextEqualToAll("?"), [EqualToAll()], ["B", None], [["B"]])
        ),
        *((answer, "A") for answer in ("A", "a)", "ABC", ["A", "B", "C"], "A, B and C", "a) not b)")),
        ("C", "C"),
        ("B or C", None),
        ("the normal rows", None),
    ],
)
def test_another_answer_earns_nothing_and_says_why(run, answer, key):
    result = run.test("test-rate", {"answer_rate": answer})
    assert result["earned"] == 0 and result.get("key") == key


def test_one_of_several_right_letters_is_not_enough():
    several = TEXT.replace("- [ ] on all rows", "- [x] on all rows")
    run = Sitting(source(several), "4711")
    assert [run.test("test-rate", {"answer_rate": given})["earned"] for given in ("B", "CB", "ABC")] == [
        0,
        2,
        0,
    ]
    assert run.test("test-rate", {"answer_rate": "c"})["key"] == "missing"
    assert "Several are right" in assignment.read(source(several)).cells[0].source


@pytest.mark.parametrize(
    "before, after, words",
    [
        ("- [x]", "- [ ]", "3 options, 0 of them right"),
        ("- [ ]", "- [x]", "3 options, 3 of them right"),
        ("  whatever", "whatever", "indent it"),
        (', "points": 2', "", "needs an id, points"),
        (', "aecourse": {"title": "the rate"}', "", "aecourse.title"),
        ('"kind": "choice"', '"kind": "chioce"', "must be one of .*choice"),
        ("+++", "```{code-cell}\n:id: rate-answer\n\n1\n```\n\n+++", "two cells have the id 'rate-answer'"),
    ],
)
def test_a_choice_that_cannot_be_read_is_an_error_that_says_so(before, after, words):
    with pytest.raises(ValueError, match=words):
        text.from_text(TEXT.replace(before, after))


def test_the_example_of_the_module_can_be_read():
    example = "\n".join(line[4:] for line in choices.__doc__.split("\n") if line.startswith("    "))
    names = [cell.id for cell in text.from_text(example).cells]
    assert names == ["rate", "rate-answer", "test-rate"]


@pytest.mark.parametrize(
    "answer", [None, 3, "", "E", ["A", "E"], [], {}, "A because", np.zeros(2), iter(int, 1)]
)
def test_what_names_no_option_is_an_error_that_names_the_options(answer):
    with pytest.raises(ValueError, match="expected letters of A, B, C, D"):
        forms.letters(answer, "ABCD")


# Named parts.


@pytest.mark.parametrize(
    "low, high, parts",
    [
        (1.0, 2.0, {"low": 1, "high": 3}),
        (np.float64(0.5), 2, {"low": 0.5, "high": 3}),
        (-1, 99, {"low": 0, "high": 3}),
        (np.nan, np.inf, {"low": 0, "high": 0}),
        (True, np.array([2.0]), {"low": 0, "high": 0}),
        (None, 1, {"low": 0, "high": 1.5}),
        (EqualToAll(), 2.0, {"low": 0, "high": 3}),
        ("1", np.array([[2.0]]), {"low": 0, "high": 0}),
    ],
)
def test_each_part_earns_only_by_a_plain_number_within_its_points(run, low, high, parts):
    result = run.test("test-solve", {"found": {"low": low, "high": high}})
    assert result["parts"] == parts and result["earned"] == sum(parts.values())


@pytest.mark.parametrize(
    "last", ['found["low"]', "4", "[1, 3]", '{"low": 1, "neither": 3}', "found", "None", "{}"]
)
def test_a_last_line_that_does_not_name_the_parts_earns_nothing_for_them(last):
    run = Sitting(source(re.sub(r'\{"low": found.*', last, TEXT)), "4711")
    chosen_by_the_student = {"low": {"low": 1, "high": 3}, "high": 3}
    expected = 1 if "neither" in last else 0
    assert run.test("test-solve", {"found": chosen_by_the_student})["earned"] == expected
    assert run.test("test-solve")["earned"] == expected


def test_a_test_that_stops_earns_nothing_for_any_part(run):
    result = run.test("test-solve", {"found": {"low": 1.0}})
    assert result["earned"] == 0 and "parts" not in result


@pytest.mark.parametrize(
    "parts", ["[low: 1, high: 2]", "[low: 4, high: 0]", "[low: 5, high: -1]", "[high: 1, high: 3]"]
)
def test_parts_that_do_not_sum_to_the_points_are_refused(parts):
    with pytest.raises(ValueError, match="cell 4 of the assignment.*sum to the cell's"):
        assignment.read(source(TEXT.replace("[low: 1, high: 3]", parts)))


def test_parts_and_choices_arrive_on_the_page_in_the_table_and_in_the_gradebook():
    record, cells = graded({"rate-answer": "answer_rate = 'a)'", "solve": 'found = {"low": 1, "high": 1}'})
    assert record.automatic == 2.5 and cells["test-rate"].message == "Those that are not flagged are misses."
    assert (
        cells["test-solve"].outcome == Outcome.PARTLY
        and cells["test-solve"].message == "Sort the values first."
    )
    low, high = cells["test-solve"].parts
    assert (low.earned, low.points, low.message) == (1, 1, "")
    assert (high.earned, high.points, high.message) == (1.5, 3, "The largest value is meant.")
    assert Record.from_dict(json.loads(json.dumps(record.to_dict()))) == record
    page = feedback.student_page(record)
    found = re.findall(
        r'<tr class="part"><td>– (\w+)</td>\n<td>(.)</td>\n<td class="number">([\d.]+)</td>', page
    )
    assert found == [("low", "✓", "1"), ("high", "◐", "1.5")]
    head, row = results.grade_rows(ABOUT, [record])
    table = dict(zip(head, row, strict=True))
    assert table["test-solve: low (of 1)"] == 1 and table["test-solve: high (of 3)"] == 1.5
    marking = json.dumps(gradebook.graded_notebook(ABOUT, record))
    assert "  low: 1 of 1\\n  high: 1.5 of 3 The largest value is meant." in marking


def test_parts_without_points_are_shown_too_and_those_of_a_marked_test_are_not():
    nothing = refused(ABOUT, Incoming("4711", "Ada", "a.ipynb", None), "unreadable")
    assert [(part.name, part.earned) for part in nothing.cells[1].parts] == [("low", 0), ("high", 0)]
    marked = nothing.with_marks({("4711", "test-solve"): Mark(3.5)})
    assert marked.cells[1].parts == () and marked.automatic == 3.5
    head, row = results.grade_rows(ABOUT, [marked])
    assert dict(zip(head, row, strict=True))["test-solve: low (of 1)"] == ""

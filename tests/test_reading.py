"""The minutes that a lesson states are those of the rule in `tools.reading`."""

import nbformat
import pytest

from tools import catalogue, reading
from tools import text as texts

LESSONS = catalogue.read()


@pytest.mark.parametrize("entry", LESSONS, ids=lambda entry: entry.number)
def test_a_lesson_states_the_minutes_of_the_rule(entry):
    """Within a step, so that a changed sentence does not change the minutes."""
    notebook = entry.notebook()
    needed, (total, so_far) = reading.minutes(notebook), reading.stated(notebook)
    again = f"python -m tools.reading --write {entry.number}"
    assert total == entry.reading
    assert abs(total - needed.total) <= reading.STEP, f"{needed.total:.0f} by the rule: {again}"
    assert len(so_far) == len(needed.so_far)
    assert max(map(abs, map(float.__sub__, map(float, so_far), needed.so_far))) <= reading.STEP, again
    assert list(so_far) == sorted(so_far) and so_far[-1] < total, again


@pytest.mark.parametrize("entry", LESSONS, ids=lambda entry: entry.number)
def test_a_long_lesson_marks_a_place_to_stop(entry):
    notebook = entry.notebook()
    marked = any(reading.STOP in cell.source for cell in notebook.cells)
    announced = "good place to stop" in notebook.cells[0].source.replace("\n", " ")
    assert marked or entry.reading <= reading.LONGEST
    assert announced or not marked


def cell(source, *tags, outputs=()):
    made = nbformat.v4.new_code_cell(source, metadata={"tags": list(tags)})
    made.outputs = [nbformat.v4.new_output("display_data", {kind: ""}) for kind in outputs]
    return made


def text(source):
    return nbformat.v4.new_markdown_cell(source)


@pytest.mark.parametrize(
    ("counted", "seconds"),
    [
        (text("One two three, *four* and 5.5"), 6 * 0.4),
        (text("```python\nx = 1\n```\nword\n\n## Further reading\n\n- not counted"), 0.4),
        (text("**1.** Why?\n\n<details><summary>Answer</summary>\n\nBecause.\n\n</details>"), 60 + 4 * 0.4),
        (cell("# a comment\n\nx = 1\nx"), 12),
        (cell("x", outputs=["image/png", "text/html"]), 6 + 30 + 20),
        (cell("assert x\n" * 9, "checks"), 0),
        (cell("...", "exercise"), 120),
        (cell("x = 1\nx", "solution"), 60),
    ],
    ids=["words", "code in text", "quiz", "code", "outputs", "checks", "exercise", "solution"],
)
def test_the_rule_counts_what_a_student_sees(counted, seconds):
    assert reading.seconds(counted) == pytest.approx(seconds)


SMALL = """+++ {"id": "title"}

# 99 · A lesson

**Minutes**: about 70 to work through; under 1 to compute on two cores.

+++ {"id": "first"}

## 1 · A section
*(minutes so far: 44)*

Nothing yet.

```{code-cell}
:id: cell

print(1)
```

+++ {"id": "second"}

## 2 · Another
*(minutes so far: 2)*
"""


def test_the_minutes_are_written_where_they_are_stated():
    needed = reading.Minutes(62.4, (1.2, 30.6))
    written = reading.with_minutes(SMALL, needed)
    assert reading.stated(texts.from_text(written)) == (60, (1, 31))
    for now, before in (("about 60", "about 70"), ("far: 1)", "far: 44)"), ("far: 31)", "far: 2)")):
        written = written.replace(now, before)
    assert written == SMALL  # nothing else has changed


def test_the_minutes_before_a_section_are_those_of_the_cells_above_it():
    notebook = texts.from_text(SMALL.replace("print(1)", "print(1)\n" * 100))
    before_first, before_second = reading.minutes(notebook).so_far
    assert before_first < 0.2 and before_second == pytest.approx(before_first + 10, abs=0.2)

"""Every lesson's file is in order, and the comparison of its outputs can fail."""

import copy
import itertools
import os
import pathlib
import re
import shutil
import subprocess
import sys

import nbformat
import notebook_guards as guards
import pytest
from nbclient.exceptions import CellExecutionError

from tools import catalogue, text
from tools import lesson as lessons

ROOT = pathlib.Path(__file__).parents[1]
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_is_in_order(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert guards.all_faults(notebook, path.stat().st_size) == []


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_says_its_minutes(path):
    """The minutes in the lesson's first cell are those of the catalogue, to which it is held."""
    entry = next(entry for entry in catalogue.read() if entry.path.name == path.name)
    first = nbformat.read(path, as_version=4).cells[0].source
    reading, computing = re.search(r"about (\d+) to work through; under ([\d.]+) to compute", first).groups()
    assert (int(reading), float(computing)) == (entry.reading, entry.minutes)


def test_every_lesson_is_in_the_catalogue():
    assert [entry.path.name for entry in catalogue.read()] == [path.name for path in LESSONS]


def test_every_headline_fits_the_table():
    for entry in catalogue.read():
        headline = catalogue.headline(nbformat.read(entry.path, as_version=4))
        assert 20 <= len(headline) <= 200, (entry.number, headline)


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_is_what_its_text_gives(path):
    assert not lessons.differs(path), f"run 'make lesson LESSON={path.name[:2]}'"
    # And the text is written as it would be from the notebook, so that a diff shows edits only.
    assert lessons.text_path(path).read_text() == text.to_text(nbformat.read(path, as_version=4))


def test_every_text_has_a_notebook():
    assert [path.stem for path in sorted((ROOT / "notebooks" / "text").glob("*.md"))] == [
        path.stem for path in LESSONS
    ]


@pytest.mark.parametrize("change", ["a sentence", "a line of code", "a tag", "an id", "one cell more"])
def test_a_text_and_a_notebook_that_differ_are_found(change, small, tmp_path):
    notebook = tmp_path / small.name
    shutil.copy(small, notebook)
    before = text.to_text(nbformat.read(small, as_version=4))
    after = {
        "a sentence": before.replace("A small notebook", "A little notebook"),
        "a line of code": before.replace("2 + 2", "2 + 3"),
        "a tag": before.replace(":id: number\n", ":id: number\n:tags: [headline]\n"),
        "an id": before.replace(":id: number", ":id: figure"),
        "one cell more": before + '\n+++ {"id": "end"}\n\nThe end.\n',
    }[change]
    assert after != before
    source = lessons.text_path(notebook)
    source.parent.mkdir()
    source.write_text(before)
    assert not lessons.differs(notebook)
    source.write_text(after)
    assert lessons.differs(notebook)
    assert lessons.main(["check", "99", "--notebooks", str(tmp_path)]) == 1


def test_a_new_cell_gets_an_id_and_the_others_keep_theirs():
    made = text.from_text(SMALL + "\n```{code-cell}\nprint('one more')\n```\n\n+++\n\nOne more, in words.\n")
    assert [cell.id for cell in made.cells] == [
        "title",
        "number",
        "picture",
        "print-one-more",
        "one-more-in-words",
    ]
    assert text.from_text(text.to_text(made)) == made


def test_two_cells_with_one_id_are_refused():
    with pytest.raises(ValueError, match="two cells have the id 'number'"):
        text.from_text(SMALL.replace(":id: picture", ":id: number"))


def test_make_writes_executes_tidies_and_keeps_the_text(tmp_path, capsys):
    (tmp_path / "text").mkdir()
    source = tmp_path / "text" / "99_small.md"
    source.write_text(SMALL + "\n```{code-cell}\nprint('one more')\n```\n")
    assert lessons.main(["make", "99", "--notebooks", str(tmp_path)]) == 0
    notebook = nbformat.read(tmp_path / "99_small.ipynb", as_version=4)
    assert [cell.execution_count for cell in guards.code_cells(notebook)] == [1, 2, 3]
    assert notebook.cells[-1].outputs[0].text == "one more\n"
    assert ":id: print-one-more" in source.read_text()  # the new cell's id, to stay
    assert lessons.main(["check", "--notebooks", str(tmp_path)]) == 0


def test_words_change_without_executing_and_the_outputs_stay(small, tmp_path, capsys):
    notebook = tmp_path / small.name
    shutil.copy(small, notebook)
    before = nbformat.read(small, as_version=4)
    source = lessons.text_path(notebook)
    source.parent.mkdir()
    source.write_text(text.to_text(before).replace("A small notebook", "A little notebook"))
    assert lessons.main(["words", "99", "--notebooks", str(tmp_path)]) == 0
    after = nbformat.read(notebook, as_version=4)
    assert after.cells[0].source == "# 99 · A little notebook"
    assert guards.code_cells(after) == guards.code_cells(before)
    source.write_text(source.read_text().replace("2 + 2", "2 + 3"))
    kept = notebook.read_bytes()
    with pytest.raises(SystemExit, match="make lesson LESSON=99"):
        lessons.main(["words", "99", "--notebooks", str(tmp_path)])
    assert notebook.read_bytes() == kept


SOLVED = """+++ {"id": "question"}

Two and two?

+++ {"id": "above"}

Solution (open it after trying):

```{code-cell}
:id: solved
:tags: [solution]

print(2 + 2)
```
"""


def test_a_solution_is_folded_under_the_line_above_it():
    made = text.from_text(SOLVED)
    question, above, solved = made.cells
    assert question.source == "Two and two?" and not question.metadata
    assert above.source == "#### Solution (open it after trying):" and text.is_fold(above)
    assert solved.metadata.jupyter == {"source_hidden": True, "outputs_hidden": True}
    assert text.to_text(made).endswith(SOLVED)


def test_a_check_is_folded_and_its_output_is_not():
    checks = SOLVED.replace("[solution]", "[checks]")
    _, above, cell = text.from_text(checks).cells
    assert not text.is_fold(above) and text.is_checks(cell)
    assert cell.metadata.jupyter == {"source_hidden": True}
    assert text.to_text(text.from_text(checks)).endswith(checks)


@pytest.mark.parametrize("change", ["folded output", "folded code", "heading"])
def test_a_solution_in_the_open_is_found(lesson, change):
    above, cell = next(pair for pair in itertools.pairwise(lesson.cells) if text.is_solution(pair[1]))
    if change == "heading":
        del above.metadata[text.FOLDED_HEADING]
    else:
        del cell.metadata.jupyter["outputs_hidden" if change == "folded output" else "source_hidden"]
    assert [fault.split(":")[0] for fault in guards.exercises(lesson)] == [cell.id]


def test_what_is_wrong_in_a_text_is_said_in_a_sentence(tmp_path):
    notebook = tmp_path / "99_small.ipynb"
    notebook.touch()
    with pytest.raises(SystemExit, match="99_small.md does not exist: run 'make lesson-text LESSON=99'"):
        lessons.main(["make", "99", "--notebooks", str(tmp_path)])
    lessons.text_path(notebook).parent.mkdir()
    lessons.text_path(notebook).write_text(SMALL.replace(":id: picture", ":id: number"))
    with pytest.raises(SystemExit, match="99_small.md: two cells have the id 'number'"):
        lessons.main(["make", "99", "--notebooks", str(tmp_path)])


def test_make_writes_nothing_if_a_cell_fails(tmp_path):
    (tmp_path / "text").mkdir()
    source = tmp_path / "text" / "99_small.md"
    source.write_text(SMALL + "\n```{code-cell}\n1 / 0\n```\n")
    before = source.read_text()
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        lessons.main(["make", "99", "--notebooks", str(tmp_path)])
    assert source.read_text() == before and not (tmp_path / "99_small.ipynb").exists()


def test_an_unknown_lesson_is_refused(tmp_path):
    with pytest.raises(SystemExit, match="no lesson begins with '77'; there are 00_start_here"):
        lessons.main(["check", "77"])


# --- the guards find what nbval lets pass ------------------------------------------------------

LESSON = nbformat.read(LESSONS[0], as_version=4) if LESSONS else None


@pytest.fixture
def lesson():
    return copy.deepcopy(LESSON)


def first_code(notebook, wanted=lambda cell: True):
    return next(cell for cell in guards.code_cells(notebook) if wanted(cell))


def has_picture(cell):
    return any(map(guards.kinds_of_picture, cell.outputs))


def test_cleared_notebook_is_found(lesson):
    for cell in guards.code_cells(lesson):
        cell.outputs = []
    assert any("stored output" in fault for fault in guards.all_faults(lesson))


def test_cells_out_of_order_are_found(lesson):
    first_code(lesson).execution_count = 7
    assert any("in order" in fault for fault in guards.all_faults(lesson))


@pytest.mark.parametrize("line", ["%timeit 1", "!ls", "%%bash\nls", "get_ipython().run_line_magic('x', '')"])
def test_magic_is_found(lesson, line):
    first_code(lesson).source = line
    assert guards.source(lesson) != []


@pytest.mark.parametrize(
    "tags",
    [
        ["nbval-ignore-output"],
        ["nbval-skip"],
        ["timing"],
        ["raises-exception"],
        ["nbval-ignore-output", "timing", "version"],
    ],
)
def test_a_cell_excused_without_reason_is_found(lesson, tags):
    first_code(lesson).metadata["tags"] = tags
    assert guards.comparison(lesson) != []


def test_an_nbval_comment_is_found(lesson):
    first_code(lesson).source += "\n# NBVAL_IGNORE_OUTPUT"
    assert any("comment" in fault for fault in guards.comparison(lesson))


@pytest.mark.parametrize("kind", ["image/png", "image/svg+xml"])
def test_a_picture_without_description_or_in_one_form_is_found(kind):
    path = next(path for path in LESSONS if any(map(has_picture, guards.code_cells(nbformat.read(path, 4)))))
    notebook = nbformat.read(path, as_version=4)
    cell = first_code(notebook, has_picture)
    picture = next(output for output in cell.outputs if guards.kinds_of_picture(output))
    assert guards.pictures(notebook) == []
    picture.metadata[kind]["alt"] = ""
    assert any("description" in fault for fault in guards.pictures(notebook))
    del picture.data[kind]
    assert any("not as vectors and as PNG" in fault for fault in guards.pictures(notebook))
    cell.metadata["tags"] = ["nbval-ignore-output", "timing"]
    assert any("picture is excused" in fault for fault in guards.comparison(notebook))


@pytest.mark.parametrize(
    "output, word",
    [
        (nbformat.v4.new_output("stream", name="stderr", text="careful"), "standard error"),
        (nbformat.v4.new_output("stream", name="stdout", text="5%|▌    | 1/20"), "progress bar"),
        (nbformat.v4.new_output("stream", name="stdout", text="3/3 ━━━ 0s 2ms/step"), "progress bar"),
        (nbformat.v4.new_output("stream", name="stdout", text="UserWarning: hm"), "warning"),
        (nbformat.v4.new_output("stream", name="stdout", text="saved to /home/me/x"), "absolute path"),
        (nbformat.v4.new_output("error", ename="ValueError", evalue="", traceback=[]), "error"),
    ],
)
def test_an_output_that_must_not_be_stored_is_found(lesson, output, word):
    first_code(lesson).outputs.append(output)
    assert any(word in fault for fault in guards.outputs(lesson))


def test_file_faults_are_found(lesson):
    assert any("bytes" in fault for fault in guards.file_facts(lesson, 1_200_000))
    lesson.cells[1]["id"] = lesson.cells[0]["id"]
    lesson.cells[2]["id"] = "0a1b2c3d"
    lesson.cells[0].metadata["execution"] = {"iopub.status.idle": "2026"}
    lesson.metadata["kernelspec"]["name"] = "mine"
    found = " ".join(guards.file_facts(lesson, 10))
    assert all(word in found for word in ("same id", "random id", "execution times", "kernel"))


@pytest.mark.parametrize(
    "words", ["**Prerequisites**", "## Quiz", "## Summary", "</details>", "minutes so far"]
)
def test_missing_parts_are_found(lesson, words):
    for cell in lesson.cells:
        cell.source = cell.source.replace(words, "")
    assert guards.anatomy(lesson) != []


# --- nbval bites -------------------------------------------------------------------------------

SMALL = """---
kernelspec:
  display_name: Python 3 (ipykernel)
  language: python
  name: python3
---

+++ {"id": "title"}

# 99 · A small notebook

```{code-cell}
:id: number

value = 2 + 2
print(f"measured {value / 3:.3f}")
```

```{code-cell}
:id: picture

import matplotlib.pyplot as plt
from aecourse import plots
figure, ax = plt.subplots(figsize=(2, 2))
ax.bar([0, 1], [value, 1])
ax.set(title="Bars", xlabel="bar", ylabel="height")
plots.show(ax, "Two bars, the first four times as high.")
```
"""


CHANGES = {
    "a number": ("measured 1.333", "measured 1.334"),
    "a picture's description": ("the first four times", "the first three times"),
    "a picture's title": ("high. Bars.", "high. Bins."),
}
DRAWN = {"a picture's colour": ("#1f77b4", "#ff7700"), "a picture's lines": ("<path d='M", "<path d='M1 1M")}


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    path = tmp_path_factory.mktemp("small") / "99_small.ipynb"
    nbformat.write(text.from_text(SMALL), path)
    notebook = lessons.execute(path)
    lessons.tidy(notebook)
    nbformat.write(notebook, path)
    return path


def change(notebook, before, after, kinds=("text/plain",)):
    """Change the stored outputs' text, or data of these kinds; return in how many the word stood."""
    changed = 0
    for cell in guards.code_cells(notebook):
        for output in cell.outputs:
            for holder, key in ((output, "text"), *((output.get("data", {}), kind) for kind in kinds)):
                if before in holder.get(key, ""):
                    holder[key] = holder[key].replace(before, after)
                    changed += 1
    return changed


@pytest.fixture(scope="module")
def nbval_said(small, tmp_path_factory):
    """What nbval says of the notebook as executed, and of a copy for each change: one line a cell."""
    folder = tmp_path_factory.mktemp("changed")
    shutil.copy(small, folder / "as executed.ipynb")
    for name, (before, after) in CHANGES.items():
        notebook = nbformat.read(small, as_version=4)
        assert change(notebook, before, after) == 1, [cell.outputs for cell in guards.code_cells(notebook)]
        nbformat.write(notebook, folder / f"{name}.ipynb")
    for name, (before, after) in DRAWN.items():
        notebook = nbformat.read(small, as_version=4)
        assert change(notebook, before, after, ["image/svg+xml"]) == 1
        nbformat.write(notebook, folder / f"{name}.ipynb")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-vv",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:xdist",
            "-p",
            "no:cov",
            "-p",
            "conftest",  # the repository's own: the folder is outside of it
            "--rootdir",
            str(folder),
            "--nbval",
            "--nbval-current-env",
            str(folder),
        ],
        capture_output=True,
        text=True,
        cwd=folder,
        env=os.environ | {"AECOURSE_PROGRESS": "0", "PYTHONPATH": str(catalogue.ROOT)},
    )
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


def outcomes(said, name):
    """Return nbval's word on each cell of a notebook, in order."""
    return re.findall(rf"^{re.escape(name)}::ipynb::Cell \d+ (\w+)", said, re.MULTILINE)


def test_nbval_passes_what_was_just_executed(nbval_said):
    assert outcomes(nbval_said, "as executed") == ["PASSED", "PASSED"]


@pytest.mark.parametrize("name", CHANGES)
def test_nbval_fails_on_a_changed_output(nbval_said, name):
    expected = ["FAILED", "PASSED"] if name == "a number" else ["PASSED", "FAILED"]
    assert outcomes(nbval_said, name) == expected


@pytest.mark.parametrize("name", DRAWN)
def test_nbval_passes_a_picture_that_is_drawn_otherwise_with_the_same_words(nbval_said, name):
    assert outcomes(nbval_said, name) == ["PASSED", "PASSED"]


def test_executing_twice_gives_the_same_file(small, tmp_path):
    path = tmp_path / small.name
    path.write_bytes(small.read_bytes())
    notebook = lessons.execute(path)
    lessons.tidy(notebook)
    nbformat.write(notebook, path)
    assert path.read_bytes() == small.read_bytes()


def test_tidy_refuses_standard_error():
    notebook = text.from_text("```{code-cell}\n:id: a\n\nimport sys\n```\n")
    notebook.cells[0].outputs = [nbformat.v4.new_output("stream", name="stderr", text="careful")]
    with pytest.raises(SystemExit, match="standard error"):
        lessons.tidy(notebook)


# --- a lesson is held to its minutes -----------------------------------------------------------


def test_the_lessons_fit_into_the_time_for_ci():
    """The limits are about three times what a quiet machine takes, so that a slower one passes too.

    Two run side by side: at their limits all lessons take 12 minutes, on a quiet machine about 5.
    """
    assert sum(entry.minutes for entry in catalogue.read()) <= 30


def test_layout_and_comments_are_no_change_of_code_and_a_number_is():
    def cell(source):
        return nbformat.v4.new_code_cell(source)

    stored = cell('total = max(1,\n            2)  # of two\nprint("a " "b")')
    assert lessons.same_code(stored, cell('total = max(1, 2)\nprint("a b")'))
    assert not lessons.same_code(stored, cell('total = max(1, 3)\nprint("a b")'))
    assert not lessons.same_code(cell("%time 1"), cell("%time  1"))


@pytest.mark.skipif(
    not pathlib.Path(sys.executable).with_name("ruff").exists(), reason="ruff is in the authors' environment"
)
def test_laying_out_a_lesson_keeps_its_outputs_and_what_it_does(tmp_path):
    source = 'print( "laid out",\n   1 )'
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source, id="only")])
    notebook.cells[0].outputs = [nbformat.v4.new_output("stream", name="stdout", text="laid out 1\n")]
    path = tmp_path / "00_made_up.ipynb"
    (tmp_path / "text").mkdir()
    nbformat.write(notebook, path)
    lessons.text_path(path).write_text(text.to_text(notebook), encoding="utf-8")
    lessons.main(["format", "00", "--notebooks", str(tmp_path)])
    (made,) = nbformat.read(path, as_version=4).cells
    assert made.source == 'print("laid out", 1)' and made.outputs == notebook.cells[0].outputs
    assert 'print("laid out", 1)' in lessons.text_path(path).read_text(encoding="utf-8")

"""The self-checks that the book itself answers: choices and numbers, with the texts that the lesson prints.

A function can only be judged by Python, so an exercise that asks for one is answered in the notebook.
"""

import html
import json
import re
from typing import Any

import nbformat
from nbformat import NotebookNode

from aecourse.exercises import Check, Exercise, Wrong, all_exercises
from tools import text as texts

CALL = re.compile(r"exercises\.check\(\s*[\"'](\d\d\.\d+)[\"']")
OPTION = re.compile(
    r"(?:^|(?<=[\s;]))[-*]?\s*\(?([a-e])\)\s+(.*?)(?=;?\s+(?:[-*]\s+)?\(?[a-e]\)\s|\n\n|\Z)", re.DOTALL
)


def form_of(check: Check | Any) -> dict[str, Any] | None:
    """Return what is right in plain values, or None if only Python can tell."""
    return dict(check.form) if isinstance(check, Check) and check.form else None


def answerable(exercise: Exercise) -> bool:
    """Return whether a page can judge every answer of an exercise as the lesson does."""
    return all(form_of(test) for test in (exercise.is_right, *(wrong.matches for wrong in exercise.wrong)))


def options_of(question: str) -> dict[str, str]:
    """Return the options of a question, by letter: "a) nothing; b) the scaler" or a list."""
    return {letter: " ".join(words.split()).rstrip(".;") for letter, words in OPTION.findall(question)}


def definition(exercise: Exercise, question: str) -> dict[str, Any]:
    """Return an exercise in plain values: id, forms of the right and the wrong answers, and what is said."""

    def said(wrong: Wrong) -> dict[str, Any]:
        return {**(form_of(wrong.matches) or {}), "hint": wrong.hint}

    right = form_of(exercise.is_right) or {}
    labels = options_of(question) if right["kind"] == "choice" else {}
    return {
        "id": exercise.id,
        **right,
        "labels": {option: labels.get(option, "") for option in right.get("options", ())},
        "why": exercise.why,
        "wrong": [said(wrong) for wrong in exercise.wrong],
        "hint": exercise.hint,
    }


def questions(notebook: NotebookNode) -> list[tuple[int, Exercise, str]]:
    """Return a lesson's exercises: [(place of the cell to answer in, exercise, question in Markdown)].

    A lesson may call a check before, to show what it prints; the last call is where the student answers.
    """
    found: dict[str, tuple[int, Exercise, str]] = {}
    question, known = "", all_exercises()
    for place, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown" and not texts.is_fold(cell):
            question = cell.source
        elif cell.cell_type == "code" and not texts.is_solution(cell):
            found |= {each: (place, known[each], question) for each in CALL.findall(cell.source)}
    return sorted(found.values(), key=lambda each: each[0])


def put_in(notebook: NotebookNode) -> None:
    """Put a place for the answer below each exercise that a page can judge; a script fills it."""
    for place, exercise, question in reversed(questions(notebook)):
        if answerable(exercise):
            values = html.escape(json.dumps(definition(exercise, question), ensure_ascii=False))
            markup = f'<div class="self-check" data-definition="{values}"></div>'
            notebook.cells.insert(place + 1, nbformat.v4.new_markdown_cell(markup))

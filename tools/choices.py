"""Multiple-choice questions: one cell of an assignment's text becomes question, answer and test.

    +++ {"id": "rate", "kind": "choice", "points": 1, "aecourse": {"title": "e \u00b7 the rate"}}

    Which rows is a false-alarm rate measured on?

    - [ ] on the anomalies
      > Those that are not flagged are misses.
    - [x] on the normal rows

Every option that is right has an ``x``. The quoted line below a wrong one is its hint. Students see lettered
options, and a cell in which they set ``answer_rate``; which letters are right is in the hidden test alone.
"""

import re
import string

import nbformat
from nbformat import NotebookNode

OPTION = re.compile(r"- \[(?P<mark>[ xX])\] (?P<words>.+)")
TEST = """\
from aecourse.homework import forms

_chosen = forms.letters({name}, "{letters}")
### BEGIN HIDDEN TESTS
{wrong}
assert _chosen == {right}, "missing"
### END HIDDEN TESTS"""
HINT = 'Answer with letters of the options, such as "A".'
MISSING = "What you chose is right, but other options are right, too."


def is_choice(cell: NotebookNode) -> bool:
    """Return whether a cell of a text is a multiple-choice question."""
    return cell.metadata.get("kind") == "choice"


def cells(cell: NotebookNode) -> list[NotebookNode]:
    """Return the cells that a multiple-choice question becomes: what is asked, the answer, and its test.

    Parameters
    ----------
    cell : nbformat.NotebookNode
        Of Markdown, with an id, points and a title, as in this module's own example.

    Returns
    -------
    list of nbformat.NotebookNode
        Named ``rate``, ``rate-answer`` and ``test-rate`` for a question named ``rate``.

    Raises
    ------
    ValueError
        If it lacks an id, points, a title, or options of which at least one is right and one is wrong.
    """
    about = cell.metadata
    name, points, extra = about.get("id"), about.get("points"), dict(about.get("aecourse", {}))
    if not name or not points or not extra.get("title"):
        raise ValueError(f"the choice {name or cell.source[:40]!r} needs an id, points and aecourse.title")
    question, options = _read(cell.source, name)
    letters = string.ascii_uppercase[: len(options)]
    right = {letter for letter, (_, is_right, _) in zip(letters, options, strict=True) if is_right}
    if not 0 < len(right) < len(options):
        raise ValueError(
            f"the choice {name!r} has {len(options)} options, {len(right)} of them right; mark at least one "
            "with an x, and leave at least one without"
        )
    listed = [f"- **{letter}** {words}" for letter, (words, _, _) in zip(letters, options, strict=True)]
    ask = "One is right." if len(right) == 1 else 'Several are right: give all, such as ["X", "Y"].'
    variable = "answer_" + re.sub(r"\W", "_", name)
    hints = {letter: hint for letter, (_, _, hint) in zip(letters, options, strict=True) if hint}
    wrong = [f'assert "{letter}" not in _chosen, "{letter}"' for letter in letters if letter not in right]
    test = TEST.format(
        name=variable,
        letters=letters,
        wrong="\n".join(wrong),
        right="{" + ", ".join(f'"{letter}"' for letter in sorted(right)) + "}",
    )
    return [
        nbformat.v4.new_markdown_cell(
            "\n".join([question, "", *listed, "", ask]), metadata={"id": name, "kind": "given"}
        ),
        nbformat.v4.new_code_cell(
            _answer(variable, letters, right),
            metadata={"id": f"{name}-answer", "kind": "solution", "aecourse": {"stub": ""}},
        ),
        nbformat.v4.new_code_cell(
            test,
            metadata={
                "id": f"test-{name}",
                "kind": "test",
                "points": points,
                "aecourse": {"hint": HINT, **extra, "hints": {"missing": MISSING, **hints}},
            },
        ),
    ]


def _answer(variable: str, letters: str, right: set[str]) -> str:
    """Return the source of the answer's cell, whose marked line students do not get."""
    known = ", ".join(f'"{letter}"' for letter in letters[:-1]) + f' or "{letters[-1]}"'
    found = [f'"{letter}"' for letter in sorted(right)]
    value = found[0] if len(found) == 1 else f"[{', '.join(found)}]"
    return f"{variable} = None  # {known}\n### BEGIN SOLUTION\n{variable} = {value}\n### END SOLUTION"


def _read(source: str, name: str) -> tuple[str, list[tuple[str, bool, str]]]:
    """Return the question, and for each option its words, whether it is right, and its hint."""
    question: list[str] = []
    options: list[tuple[str, bool, str]] = []
    for line in source.split("\n"):
        option = OPTION.fullmatch(line.rstrip())
        if option:
            options.append((option["words"], option["mark"] != " ", ""))
        elif not options:
            question.append(line)
        elif line.strip():
            words, is_right, hint = options[-1]
            if not line.startswith("  "):
                raise ValueError(
                    f"the choice {name!r} has {line!r} below its options; indent it, or move it up"
                )
            more = line.strip()
            if hint or more.startswith("> "):
                hint = f"{hint} {more.removeprefix('> ')}".strip()
            else:
                words = f"{words} {more}"
            options[-1] = (words, is_right, hint)
    return "\n".join(question).strip(), options

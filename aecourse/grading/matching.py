"""Find which cell of a submission belongs to which part of the assignment.

Colab and other editors drop the metadata that name a part, and students delete, copy and move cells.
"""

import difflib
import itertools
import re
from collections.abc import Mapping, Sequence

from aecourse.grading.assignment import Assignment, Cell
from aecourse.grading.submissions import NotebookCell

MAX_UNMATCHED = 200
MAX_WORDS = 400
MIN_LIKENESS = 0.55
MIN_SHARED_WORDS = 0.3
# A shorter text of the author's may stand in any notebook.
MIN_TELLING_WORDS = 8


def match(assignment: Assignment, cells: Sequence[NotebookCell]) -> tuple[dict[str, int], list[str]]:
    """Find which cell of a submission belongs to which part of the assignment.

    A cell that still has its metadata is found by them. The others are matched by the likeness of
    their text, in order.

    Parameters
    ----------
    assignment : Assignment
    cells : list of NotebookCell
        As returned by :func:`submissions.read_notebook`.

    Returns
    -------
    places : dict of str to int
        Positions in ``cells`` by the part's name.
    repairs : list of str
        What had to be repaired, in words for the student.
    """
    parts = {part.name: part for part in assignment.cells if part.kind != "free"}
    places: dict[str, int] = {}
    repairs = []
    for name, positions in _claims(cells).items():
        if name in parts and (chosen := _chosen(parts[name], positions, cells)) is not None:
            places[name] = chosen
            if parts[name].kind == "solution" and cells[chosen]["cell_type"] != parts[name].cell_type:
                repairs.append("a solution had been turned into text and was run as code")
            if chosen != positions[0]:
                repairs.append("of several copies of a cell the last one that was edited was graded")
    missing = [part for part in parts.values() if part.name not in places]
    taken = set(places.values())
    unmatched = [position for position in range(len(cells)) if position not in taken][:MAX_UNMATCHED]
    if missing and unmatched:
        matched = _align(missing, unmatched, cells)
        if places or matched:
            matched |= _between_neighbours(list(parts.values()), cells, places | matched)
        if any(parts[name].kind != "given" for name in matched):
            repairs.append("the grading marks of some cells were missing and were put back")
        places |= matched
    for part in parts.values():
        elsewhere = _written_elsewhere(part, cells, places) if part.kind == "manual" else None
        if elsewhere is not None:
            places[part.name] = elsewhere
            repairs.append("a written answer stood in a cell of its own and was taken from there")
    if any(part.kind == "test" and part.name not in places for part in parts.values()):
        repairs.append("a test cell had been deleted and was put back")
    return places, repairs


def is_another(assignment: Assignment, cells: Sequence[NotebookCell]) -> bool:
    """Say whether a notebook that does not name its assignment shows by its cells that it is another's.

    The cells of two assignments have some names and all stubs in common, so that :func:`match` finds places
    in either. A notebook is of this assignment if it has half of the names of its answers and tests, one of
    the author's texts or tests word for word, or half of what the student is to define.

    Parameters
    ----------
    assignment : Assignment
    cells : list of NotebookCell

    Returns
    -------
    bool
    """
    own = {part.name for part in assignment.cells if part.is_answer or part.kind == "test"}
    if 2 * len(own & {cell["grade_id"] for cell in cells}) >= len(own):
        return False
    texts = {tuple(_words(cell["source"])) for cell in cells}
    for part in assignment.cells:
        is_the_authors = part.kind == "test" or (part.kind == "given" and part.cell_type == "markdown")
        words = tuple(_words(part.released))
        if is_the_authors and len(words) >= MIN_TELLING_WORDS and words in texts:
            return False
    solutions = [set(part.names) for part in assignment.cells if part.kind == "solution" and part.names]
    defined = {name for cell in cells for name in _defined_names(cell["source"])}
    return 2 * sum(2 * len(names & defined) >= len(names) for names in solutions) < len(solutions)


def _claims(cells: Sequence[NotebookCell]) -> dict[str, list[int]]:
    """Return the positions of the cells that carry the name of each part."""
    claims: dict[str, list[int]] = {}
    for position, cell in enumerate(cells):
        if cell["grade_id"]:
            claims.setdefault(cell["grade_id"], []).append(position)
    return claims


def is_edited(part: Cell, cell: NotebookCell) -> bool:
    """Say whether a student has written something in the cell of an answer.

    Parameters
    ----------
    part : Cell
        The assignment's.
    cell : NotebookCell
        The student's.

    Returns
    -------
    bool
        False for an empty cell, and for one that is as the student got it.
    """
    return cell["source"].strip() not in ("", part.released.strip())


def _chosen(part: Cell, positions: Sequence[int], cells: Sequence[NotebookCell]) -> int | None:
    """Return which of the cells that carry a part's name is graded: the last that was edited.

    An answer counts in a cell of any type; of a part that the student is not to edit, the first copy does.
    """
    if part.is_answer:
        edited = [position for position in positions if is_edited(part, cells[position])]
        if edited:
            return edited[-1]
    same_type = [position for position in positions if cells[position]["cell_type"] == part.cell_type]
    return same_type[0] if same_type else None


def _written_elsewhere(part: Cell, cells: Sequence[NotebookCell], places: Mapping[str, int]) -> int | None:
    """Return the cell below an empty answer that holds what was written, if there is one."""
    own = places.get(part.name)
    if own is None or is_edited(part, cells[own]):
        return None
    taken, below = set(places.values()), own + 1
    while below < len(cells) and below not in taken:
        if is_edited(part, cells[below]):
            return below
        below += 1
    return None


def _words(text: str) -> list[str]:
    found = re.finditer(r"[A-Za-z_]\w*|\d+|[^\s\w]", text)
    return [word[0] for word in itertools.islice(found, MAX_WORDS)]


def _defined_names(source: str) -> set[str]:
    """Return the names that a cell seems to define; by pattern, since parsing can exhaust a parser."""
    pattern = r"^(?:async\s+)?(?:def|class)\s+(\w+)|^(\w+)\s*(?:,|=(?!=))"
    return {name for pair in re.findall(pattern, source, re.MULTILINE) for name in pair if name}


def _likeness(part: Cell, cell: NotebookCell, part_words: list[str], cell_words: list[str]) -> float:
    """Return how much a cell looks like a part of the assignment, from 0 to 1."""
    if part.cell_type != cell["cell_type"]:
        return 0.0
    likeness = 0.0
    part_vocabulary, cell_vocabulary = set(part_words), set(cell_words)
    n_shared = len(part_vocabulary & cell_vocabulary)
    if n_shared >= MIN_SHARED_WORDS * min(len(part_vocabulary), len(cell_vocabulary)):
        matcher = difflib.SequenceMatcher(None, part_words, cell_words, autojunk=False)
        likeness = matcher.ratio()
        # An answer is longer than the stub that it fills in: what counts is how much of the stub it contains.
        contained = sum(block.size for block in matcher.get_matching_blocks()) / max(len(part_words), 1)
        if part.is_answer and len(part_words) >= 6:
            likeness = max(likeness, 0.9 * contained)
    if part.kind == "solution" and part.cell_type == "code" and part.names:
        defined = _defined_names(cell["source"]) & set(part.names)
        likeness = max(likeness, 0.95 * len(defined) / len(part.names))
    return likeness


def _align(parts: list[Cell], positions: list[int], cells: Sequence[NotebookCell]) -> dict[str, int]:
    """Pair parts with positions, in order, so that the sum of likenesses is largest (Needleman–Wunsch)."""
    part_words = [_words(part.released) for part in parts]
    cell_words = [_words(cells[position]["source"]) for position in positions]
    n_parts, n_cells = len(parts), len(positions)
    score = [[0.0] * n_cells for _ in parts]
    for row, part in enumerate(parts):
        for column, position in enumerate(positions):
            likeness = _likeness(part, cells[position], part_words[row], cell_words[column])
            score[row][column] = likeness if likeness >= MIN_LIKENESS else 0.0
    # best[row][column] is the largest sum for the parts from row on and the cells from column on.
    best = [[0.0] * (n_cells + 1) for _ in range(n_parts + 1)]
    for row in reversed(range(n_parts)):
        for column in reversed(range(n_cells)):
            paired = score[row][column] + best[row + 1][column + 1] if score[row][column] else 0.0
            best[row][column] = max(best[row + 1][column], best[row][column + 1], paired)
    pairs, row, column = {}, 0, 0
    while row < n_parts and column < n_cells:
        if score[row][column] and best[row][column] == score[row][column] + best[row + 1][column + 1]:
            pairs[parts[row].name] = positions[column]
            row, column = row + 1, column + 1
        elif best[row][column] == best[row + 1][column]:
            row += 1
        else:
            column += 1
    return pairs


def _between_neighbours(
    parts: list[Cell], cells: Sequence[NotebookCell], places: dict[str, int]
) -> dict[str, int]:
    """Find answers that share no word with their stub: the longest cell left at the answer's place."""
    guessed: dict[str, int] = {}
    for number, part in enumerate(parts):
        if part.name in places or not part.is_answer:
            continue
        known = places | guessed
        before = max((known[other.name] for other in parts[:number] if other.name in known), default=-1)
        after = min(
            (known[other.name] for other in parts[number + 1 :] if other.name in known), default=len(cells)
        )
        left = [
            position
            for position in range(before + 1, after)
            if position not in known.values()
            and cells[position]["cell_type"] == part.cell_type
            and cells[position]["source"].strip()
        ]
        if left:
            guessed[part.name] = max(left, key=lambda position: len(cells[position]["source"]))
    return guessed

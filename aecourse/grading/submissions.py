"""Read what a class handed in, without running or trusting any of it.

``collect`` finds the submissions in a folder or an archive and says whose they are;
``read_notebook`` turns the bytes of one into cells, repairing what can be repaired;
``match`` finds which cell of the submission belongs to which of the assignment.
"""

import datetime
import difflib
import io
import json
import os
import pathlib
import re
import stat
import zipfile
from dataclasses import dataclass

from aecourse.grading.assignment import text_of

MAX_FILE = 20 * 2**20
MAX_ARCHIVE = 200 * 2**20
MAX_UNPACKED = 400 * 2**20
MAX_ENTRIES = 20_000
MAX_ENTRIES_OF_ONE = 500
MAX_RATIO = 200
MAX_CELLS = 1000
MAX_UNMATCHED = 200
MAX_DEPTH_OF_FOLDERS = 6
ALIKE = 0.55
IGNORED_FOLDERS = {"__MACOSX", ".ipynb_checkpoints", "__pycache__", ".git"}


class Refused(Exception):
    """A submission that is not graded; ``status`` and a message for the student."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Incoming:
    """One student's submission as it came.

    Parameters
    ----------
    student : str
        The student's id: the number in the name where there is one.
    name : str
        The student's name as the file or folder gives it.
    origin : str
        The file it came from, for the instructor.
    data : bytes or None
        The notebook; None where it was refused.
    status, message : str
        Why it was refused; empty where it was not.
    notes : tuple of str
        What else happened, such as an older attempt set aside.
    """

    student: str
    name: str
    origin: str
    data: bytes | None
    status: str = ""
    message: str = ""
    notes: tuple = ()


@dataclass(frozen=True)
class _File:
    path: tuple
    data: bytes | None
    refusal: Refused | None = None
    modified: float = 0.0


def safe_name(text):
    """Return a name that is harmless as a file's name and in a table."""
    cleaned = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._")
    return cleaned[:80] or "unnamed"


def identify(text):
    """Return (id, name) of a student from the name of a file or folder of an LMS.

    Examples
    --------
    >>> identify("lovelace_12345_a1 (1).ipynb")
    ('12345', 'lovelace')
    >>> identify("Ada Lovelace_4711_assignsubmission_file_")
    ('4711', 'Ada-Lovelace')
    >>> identify("ada")
    ('ada', 'ada')
    """
    stem = re.sub(r"\.(ipynb|zip)$", "", text, flags=re.IGNORECASE)
    stem = re.sub(r"( ?\(\d+\)|-\d{1,2})$", "", stem)
    parts = [part for part in stem.split("_") if part and part.upper() != "LATE"]
    for place, part in enumerate(parts):
        if place > 0 and re.fullmatch(r"\d{3,}", part):
            return part, safe_name(" ".join(parts[:place]))
    if parts and re.fullmatch(r"\d{3,}", parts[0]):
        return parts[0], safe_name(" ".join(parts[1:2]) or parts[0])
    return safe_name(parts[0] if parts else text), safe_name(parts[0] if parts else text)


def _attempt(file):
    """Order the attempts of one student: by the number that a browser or an LMS adds, then by date."""
    stem = file.path[-1].rsplit(".", 1)[0]
    number = re.search(r"(?: ?\((\d+)\)|-(\d{1,2}))$", stem)
    return int(next(filter(None, number.groups()))) if number else 0, file.modified, file.path


def _bounded(stream, limit):
    data = stream.read(limit + 1)
    if len(data) > limit:
        raise Refused(
            "too large",
            f"The notebook is larger than {MAX_FILE >> 20} MB. "
            "Clear its outputs (Edit → Clear Outputs of All Cells), save it and hand it in again.",
        )
    return data


def _parts_of(name):
    """Return an archive entry's path as parts, or refuse one that leads out of its folder."""
    cleaned = name.replace("\\", "/")
    parts = tuple(part for part in cleaned.split("/") if part not in ("", "."))
    if cleaned.startswith("/") or re.match(r"[A-Za-z]:", cleaned) or ".." in parts or "\0" in name:
        raise Refused(
            "refused",
            "The archive holds a path that leads out of its own folder. Hand in the notebook itself.",
        )
    return parts


def _read_archive(stream, prefix=(), nested=False):
    """Yield the notebooks and archives of a zip file; raise :class:`Refused` for an unsafe one."""
    try:
        archive = zipfile.ZipFile(stream)
        entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError) as error:
        raise Refused(
            "unreadable", "The zip file is damaged. Make it again and hand it in once more."
        ) from error
    if len(entries) > (MAX_ENTRIES_OF_ONE if nested else MAX_ENTRIES):
        raise Refused(
            "refused",
            "The archive holds far more files than a submission needs. Hand in the notebook itself.",
        )
    unpacked = 0
    for entry in entries:
        if entry.is_dir():
            continue
        try:
            file = _read_entry(archive, entry, prefix)
        except Refused as refusal:
            if nested:
                raise
            parts = tuple(part for part in re.split(r"[\\/]+", entry.filename) if part not in ("", ".", ".."))
            file = _File(prefix + (parts or ("unnamed",)), None, refusal)
        if file is None:
            continue
        unpacked += len(file.data or b"")
        if unpacked > (MAX_FILE * 2 if nested else MAX_UNPACKED):
            raise Refused(
                "refused",
                "The archive unpacks to far more than a submission needs. Hand in the notebook itself.",
            )
        yield file


def _read_entry(archive, entry, prefix):
    parts = _parts_of(entry.filename)
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise Refused("refused", "The archive holds a link instead of a file. Hand in the notebook itself.")
    if not parts or IGNORED_FOLDERS & set(parts) or not parts[-1].lower().endswith((".ipynb", ".zip")):
        return None
    if entry.file_size > 2**20 and entry.file_size > MAX_RATIO * max(entry.compress_size, 1):
        raise Refused(
            "refused", "The archive unpacks to far more than its size. Hand in the notebook itself."
        )
    try:
        with archive.open(entry) as stream:
            data = _bounded(stream, MAX_FILE)
    except Refused:
        raise
    except Exception as error:  # damaged, encrypted or of an unknown compression: all unreadable
        raise Refused(
            "unreadable", "The zip file is damaged or has a password. Hand in the notebook itself."
        ) from error
    when = 0.0
    try:
        when = datetime.datetime(*entry.date_time).timestamp()
    except (ValueError, OverflowError, OSError):
        pass
    return _File(prefix + parts, data, None, when)


def _read_folder(folder, prefix=()):
    """Yield the notebooks and archives of a folder, without following a link."""
    if len(prefix) > MAX_DEPTH_OF_FOLDERS:
        return
    for entry in sorted(os.scandir(folder), key=lambda item: item.name):
        path = (*prefix, entry.name)
        if entry.name in IGNORED_FOLDERS:
            continue
        about = entry.stat(follow_symlinks=False)
        wanted = entry.name.lower().endswith((".ipynb", ".zip"))
        if stat.S_ISDIR(about.st_mode):
            yield from _read_folder(entry.path, path)
        elif stat.S_ISLNK(about.st_mode):
            if wanted or not prefix:
                yield _File(
                    path,
                    None,
                    Refused(
                        "refused", "A link was handed in instead of a file. Hand in the notebook itself."
                    ),
                )
        elif wanted and not stat.S_ISREG(about.st_mode):
            yield _File(
                path, None, Refused("refused", "This is not a plain file. Hand in the notebook itself.")
            )
        elif wanted:
            yield _read_file(entry.path, path, about)


def _read_file(path, parts, about):
    limit = MAX_FILE if parts[-1].lower().endswith(".ipynb") else MAX_ARCHIVE
    try:
        # O_NOFOLLOW: the entry may have become a link since it was looked at.
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as stream:
            return _File(parts, _bounded(stream, limit), None, about.st_mtime)
    except Refused as refusal:
        return _File(parts, None, refusal, about.st_mtime)
    except OSError as error:
        return _File(parts, None, Refused("unreadable", f"The file could not be read ({error.strerror})."))


def _open_nested(files):
    """Replace each zip inside by its notebooks, as if its name were a folder's."""
    for file in files:
        if file.data is None or not file.path[-1].lower().endswith(".zip"):
            yield file
            continue
        prefix = file.path if len(file.path) == 1 else file.path[:-1]
        try:
            inside = list(_read_archive(io.BytesIO(file.data), prefix, nested=True))
        except Refused as refusal:
            yield _File(file.path, None, refusal, file.modified)
            continue
        notebooks = [found for found in inside if found.path[-1].lower().endswith(".ipynb")]
        if not notebooks:
            yield _File(file.path, None, Refused("unreadable", "The archive holds no notebook (.ipynb)."))
        yield from notebooks


def _readable(path):
    """Return a path as text that can be written: names in other encodings hold what UTF-8 cannot."""
    return "/".join(path).encode("utf-8", "replace").decode()


def _choose(student, name, files, assignment_name):
    """Choose which of a student's files is graded: the assignment's name first, then the last attempt."""
    wanted = re.sub(r"[^a-z0-9]", "", assignment_name.lower())
    usable = [file for file in files if file.data is not None and file.path[-1].lower().endswith(".ipynb")]
    named = [file for file in usable if wanted in re.sub(r"[^a-z0-9]", "", file.path[-1].lower())]
    pool = named or usable
    if not pool:
        worst = next((file for file in files if file.refusal is not None), None)
        refusal = worst.refusal if worst else Refused("nothing submitted", "No notebook (.ipynb) was found.")
        origin = _readable((worst or files[0]).path) if files else ""
        return Incoming(student, name, origin, None, refusal.status, str(refusal))
    best = max(pool, key=_attempt)
    notes = tuple(f"set aside: {_readable(file.path)}" for file in files if file is not best)
    return Incoming(student, name, _readable(best.path), best.data, notes=notes)


def collect(place, assignment_name="", roster=None):
    """Find the submissions in a folder, an archive or one notebook.

    Parameters
    ----------
    place : path-like
        A folder or zip of: a folder a student, a zip a student, or files named by an LMS.
    assignment_name : str
        Preferred among several notebooks of one student.
    roster : dict, optional
        Names by student id; who is in it and handed nothing in gets a record that says so.

    Returns
    -------
    list of Incoming
        One a student, by id.

    Raises
    ------
    OSError
        If the place cannot be read.
    """
    place = pathlib.Path(place)
    if place.is_dir():
        files = _read_folder(place)
    elif place.suffix.lower() == ".ipynb" and place.is_file():
        files = [_read_file(place, (place.name,), place.stat())]
    elif place.is_file():
        stream = open(place, "rb")
        try:
            with stream:
                files = list(_read_archive(stream))
        except Refused as refusal:
            raise OSError(f"{place}: {refusal}") from refusal
        tops = {file.path[0] for file in files}
        if len(tops) == 1 and all(len(file.path) > 1 for file in files):
            # The archive of one folder that holds the class.
            inner = [_File(file.path[1:], file.data, file.refusal, file.modified) for file in files]
            files = inner if any(len(file.path) > 1 or identify(file.path[0])[0] for file in inner) else files
    else:
        raise OSError(f"{place} is neither a folder, nor a zip file, nor a notebook; pass one of them.")
    by_student = {}
    for file in _open_nested(files):
        student, name = identify(file.path[0])
        by_student.setdefault(safe_name(student), (name, []))[1].append(file)
    if place.is_dir():  # a student's folder without a notebook is a submission too
        for entry in sorted(place.iterdir()):
            if entry.is_dir() and not entry.is_symlink() and entry.name not in IGNORED_FOLDERS:
                student, name = identify(entry.name)
                by_student.setdefault(safe_name(student), (name, []))
    for student, name in (roster or {}).items():
        by_student.setdefault(safe_name(student), (safe_name(name), []))
    return [
        _choose(student, name, files, assignment_name)
        for student, (name, files) in sorted(by_student.items())
    ]


def _decoded(data, repairs):
    if b"\0" in data and data[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        data = data.replace(b"\0", b"")
        repairs.append("null bytes were removed")
    for encoding in ("utf-8-sig", "utf-16"):
        if encoding == "utf-16" and data[:2] not in (b"\xff\xfe", b"\xfe\xff"):
            continue
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if encoding == "utf-16":
            repairs.append("the file was not in UTF-8")
        return text
    raise Refused(
        "unreadable", "The file is not text in UTF-8. Open it in JupyterLab, save it and hand it in again."
    )


def _old_format(raw, repairs):
    """Return the cells of a notebook of format 3, which had worksheets."""
    repairs.append("the notebook was in an old format")
    cells = []
    for sheet in raw["worksheets"]:
        for cell in sheet.get("cells", []) if isinstance(sheet, dict) else []:
            if isinstance(cell, dict):
                cells.append({**cell, "source": cell.get("input", cell.get("source", ""))})
    return cells


def read_notebook(data):
    """Read the bytes of a submission.

    Parameters
    ----------
    data : bytes

    Returns
    -------
    cells : list of dict
        With ``cell_type``, ``source`` (str), ``grade_id`` (str or None).
    repairs : list of str
        What had to be repaired, in words for the student.

    Raises
    ------
    Refused
        If it cannot be read as a notebook.
    """
    repairs = []
    if not data.strip():
        raise Refused("unreadable", "The file is empty. Save the notebook and hand it in again.")
    text = _decoded(data, repairs)
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError, MemoryError) as error:
        cut = text.lstrip().startswith("{") and not text.rstrip().endswith("}")
        why = (
            "The file ends in the middle: it was cut off while saving or uploading."
            if cut
            else "The file is not a Jupyter notebook."
        )
        raise Refused(
            "unreadable", f"{why} Download the notebook from JupyterLab and hand it in again."
        ) from error
    if not isinstance(raw, dict):
        raise Refused("unreadable", "The file is not a Jupyter notebook.")
    found = raw.get("cells")
    if found is None and isinstance(raw.get("worksheets"), list):
        found = _old_format(raw, repairs)
    if not isinstance(found, list) or not found:
        raise Refused("unreadable", "The notebook holds no cells.")
    if len(found) > MAX_CELLS:
        raise Refused("refused", f"The notebook has more than {MAX_CELLS} cells.")
    cells, ids, names = [], set(), set()
    for cell in found:
        source = text_of_safely(cell)
        if source is None:
            _note(repairs, "a cell that could not be read was left out")
            continue
        if cell.get("id") is not None:
            if str(cell["id"]) in ids:
                _note(repairs, "two cells had the same id")
            ids.add(str(cell["id"]))
        name = _grade_id(cell)
        if name is not None and name in names:
            _note(repairs, "two cells claimed to be the same part of the assignment")
            name = None
        names.add(name)
        cells.append({"cell_type": cell["cell_type"], "source": source, "grade_id": name})
    return cells, repairs


def _note(repairs, words):
    if words not in repairs:
        repairs.append(words)


def text_of_safely(cell):
    """Return a cell's source, or None where the cell is not one."""
    if not isinstance(cell, dict) or cell.get("cell_type") not in ("code", "markdown", "raw"):
        return None
    source = cell.get("source", "")
    if isinstance(source, list) and not all(isinstance(line, str) for line in source):
        return None
    source = text_of(source)
    # A lone surrogate cannot be written in UTF-8, and would break every page that shows it.
    return source.encode("utf-8", "replace").decode() if isinstance(source, str) else None


def _grade_id(cell):
    meta = cell.get("metadata")
    meta = meta.get("nbgrader") if isinstance(meta, dict) else None
    name = meta.get("grade_id") if isinstance(meta, dict) else None
    return name if isinstance(name, str) else None


def _words(text):
    return re.findall(r"[A-Za-z_]\w*|\d+|[^\s\w]", text)[:400]


def _defined(source):
    """Return the names that a cell seems to define; by pattern, since parsing can exhaust a parser."""
    return set(re.findall(r"^(?:async\s+)?(?:def|class)\s+(\w+)|^(\w+)\s*(?:,|=(?!=))", source, re.MULTILINE))


def _likeness(part, cell, part_words, cell_words):
    """Return how much a cell looks like a part of the assignment, from 0 to 1."""
    ratio = 0.0
    shared = len(set(part_words) & set(cell_words))
    if shared >= 0.3 * min(len(set(part_words)), len(set(cell_words))):
        matcher = difflib.SequenceMatcher(None, part_words, cell_words, autojunk=False)
        ratio = matcher.ratio()
        # A filled-in answer is longer than its stub: what counts is how much of the stub is in it.
        held = sum(block.size for block in matcher.get_matching_blocks()) / max(len(part_words), 1)
        if part.kind in ("solution", "manual") and len(part_words) >= 6:
            ratio = max(ratio, 0.9 * held)
    if part.kind == "solution" and part.cell_type == "code" and part.names:
        defined = {name for pair in _defined(cell["source"]) for name in pair if name}
        ratio = max(ratio, 0.95 * len(defined & set(part.names)) / len(part.names))
    return ratio


def match(assignment, cells):
    """Find which cell of a submission belongs to which part of the assignment.

    A cell that still has its metadata is found by it. The others are matched by the likeness of
    their text, in order.

    Parameters
    ----------
    assignment : Assignment
    cells : list of dict
        As returned by :func:`read_notebook`.

    Returns
    -------
    dict
        Positions in ``cells`` by the part's name.
    list of str
        Repairs, in words for the student.
    """
    parts = {part.name: part for part in assignment.cells if part.kind != "free"}
    places, repairs = {}, []
    for position, cell in enumerate(cells):
        part = parts.get(cell["grade_id"])
        if part is not None and part.cell_type == cell["cell_type"]:
            places[part.name] = position
    missing = [part for part in assignment.cells if part.kind != "free" and part.name not in places]
    taken = set(places.values())
    free = [position for position in range(len(cells)) if position not in taken][:MAX_UNMATCHED]
    if missing and free:
        found = _align(missing, free, cells)
        if places or found:
            found |= _between_neighbours(assignment, cells, {**places, **found})
        lost = [name for name in found if parts[name].kind != "given"]
        if lost:
            repairs.append("the grading marks of some cells were missing and were put back")
        places.update(found)
    if [part.name for part in assignment.cells if part.kind == "test" and part.name not in places]:
        repairs.append("a test cell had been deleted and was put back")
    return places, repairs


def _between_neighbours(assignment, cells, places):
    """Find answers that share no word with their stub: the longest cell left where the answer belongs."""
    parts = [part for part in assignment.cells if part.kind != "free"]
    found = {}
    for number, part in enumerate(parts):
        if part.name in places or part.kind not in ("manual", "solution"):
            continue
        known = places | found
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
            found[part.name] = max(left, key=lambda position: len(cells[position]["source"]))
    return found


def _align(parts, positions, cells):
    """Pair parts with positions, in order, so that the sum of likenesses is largest."""
    part_words = [_words(part.released) for part in parts]
    cell_words = {position: _words(cells[position]["source"]) for position in positions}
    rows, columns = len(parts), len(positions)
    score = [[0.0] * columns for _ in range(rows)]
    for row, part in enumerate(parts):
        for column, position in enumerate(positions):
            if part.cell_type == cells[position]["cell_type"]:
                likeness = _likeness(part, cells[position], part_words[row], cell_words[position])
                score[row][column] = likeness if likeness >= ALIKE else 0.0
    best = [[0.0] * (columns + 1) for _ in range(rows + 1)]
    for row in range(rows - 1, -1, -1):
        for column in range(columns - 1, -1, -1):
            best[row][column] = max(
                best[row + 1][column],
                best[row][column + 1],
                score[row][column] + best[row + 1][column + 1] if score[row][column] else 0.0,
            )
    pairs, row, column = {}, 0, 0
    while row < rows and column < columns:
        if score[row][column] and best[row][column] == score[row][column] + best[row + 1][column + 1]:
            pairs[parts[row].name] = positions[column]
            row, column = row + 1, column + 1
        elif best[row][column] == best[row + 1][column]:
            row += 1
        else:
            column += 1
    return pairs

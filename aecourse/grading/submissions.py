"""Read what a class handed in, without running or trusting any of it.

``collect`` finds the submissions in a folder or an archive and identifies the students;
``read_notebook`` turns the bytes of one into cells, and repairs what can be repaired.
"""

import codecs
import datetime
import io
import json
import os
import pathlib
import re
import stat
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import IO, Any, Literal, TypedDict

from aecourse.grading.assignment import text_of
from aecourse.grading.record import Status

MAX_FILE = 20 * 2**20
MAX_ARCHIVE = 200 * 2**20
MAX_UNPACKED = 400 * 2**20
MAX_ENTRIES = 20_000
MAX_ENTRIES_OF_ONE = 500
MAX_RATIO = 200
MAX_CELLS = 1000
MAX_DEPTH_OF_FOLDERS = 6
IGNORED_FOLDERS = {"__MACOSX", ".ipynb_checkpoints", "__pycache__", ".git"}
# The number that a browser or an LMS adds to the name of a later attempt: " (2)" or "-2".
ATTEMPT = re.compile(r"(?: ?\((\d+)\)|-(\d{1,2}))$")


class Refused(Exception):
    """A submission that is not graded, with a status and a message for the student."""

    def __init__(self, status: Status, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Incoming:
    """One student's submission as it came.

    Parameters
    ----------
    student : str
        The student's id: the number in the name, if there is one.
    name : str
        The student's name as the file or folder gives it.
    origin : str
        The file it came from, for the instructor.
    data : bytes or None
        The notebook; None if it was refused.
    status : Status or ''
        Why it was refused; empty if it was not.
    message : str
        The same in words.
    notes : tuple of str
        What else happened, such as an older attempt set aside.
    """

    student: str
    name: str
    origin: str
    data: bytes | None
    status: Status | Literal[""] = ""
    message: str = ""
    notes: tuple[str, ...] = ()


class NotebookCell(TypedDict):
    """One cell of a submission; ``grade_id`` is nbgrader's name of the part, if the cell still has it."""

    cell_type: str
    source: str
    grade_id: str | None


@dataclass(frozen=True)
class _File:
    """One file that was handed in: its path in parts, and its content or why there is none."""

    path: tuple[str, ...]
    data: bytes | None
    refusal: Refused | None = None
    modified: float = 0.0

    @property
    def name(self) -> str:
        return self.path[-1]

    @property
    def is_notebook(self) -> bool:
        return self.name.lower().endswith(".ipynb")

    @property
    def is_archive(self) -> bool:
        return self.name.lower().endswith(".zip")

    @property
    def origin(self) -> str:
        """The path as text that can be written: a name in another encoding holds what UTF-8 cannot."""
        return "/".join(self.path).encode("utf-8", "replace").decode()


@dataclass
class _Student:
    name: str
    files: list[_File] = field(default_factory=list)


def safe_name(text: str) -> str:
    """Return a name that is harmless as a file's name and in a table."""
    cleaned = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._")
    return cleaned[:80] or "unnamed"


def identify(text: str) -> tuple[str, str]:
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
    stem = ATTEMPT.sub("", re.sub(r"\.(ipynb|zip)$", "", text, flags=re.IGNORECASE))
    parts = [part for part in stem.split("_") if part and part.upper() != "LATE"]
    for position, part in enumerate(parts):
        if position > 0 and re.fullmatch(r"\d{3,}", part):
            return part, safe_name(" ".join(parts[:position]))
    if parts and re.fullmatch(r"\d{3,}", parts[0]):
        return parts[0], safe_name(" ".join(parts[1:2]) or parts[0])
    name = safe_name(parts[0] if parts else text)
    return name, name


def _unsafe(reason: str) -> Refused:
    return Refused(Status.REFUSED, f"{reason} Hand in the notebook itself.")


def _is_wanted(name: str) -> bool:
    return name.lower().endswith((".ipynb", ".zip"))


def _read_bounded(stream: IO[bytes], limit: int) -> bytes:
    data = stream.read(limit + 1)
    if len(data) > limit:
        raise Refused(
            Status.TOO_LARGE,
            f"The notebook is larger than {MAX_FILE >> 20} MB. "
            "Clear its outputs (Edit → Clear Outputs of All Cells), save it and hand it in again.",
        )
    return data


def _entry_path(name: str) -> tuple[str, ...]:
    """Return an archive entry's path as parts, or refuse one that leads out of its folder."""
    cleaned = name.replace("\\", "/")
    parts = tuple(part for part in cleaned.split("/") if part not in ("", "."))
    if cleaned.startswith("/") or re.match(r"[A-Za-z]:", cleaned) or ".." in parts or "\0" in name:
        raise _unsafe("The archive holds a path that leads out of its own folder.")
    return parts


def _read_archive(
    stream: IO[bytes], prefix: tuple[str, ...] = (), *, max_entries: int, max_unpacked: int
) -> Iterator[_File]:
    """Yield the notebooks and archives of a zip file; an unsafe entry is a file with a refusal."""
    try:
        archive = zipfile.ZipFile(stream)
        entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError) as error:
        raise Refused(
            Status.UNREADABLE, "The zip file is damaged. Make it again and hand it in once more."
        ) from error
    if len(entries) > max_entries:
        raise _unsafe("The archive holds far more files than a submission needs.")
    unpacked = 0
    for entry in entries:
        if entry.is_dir():
            continue
        try:
            file = _read_entry(archive, entry, prefix)
        except Refused as refusal:
            parts = tuple(part for part in re.split(r"[\\/]+", entry.filename) if part not in ("", ".", ".."))
            file = _File(prefix + (parts or ("unnamed",)), None, refusal)
        if file is None:
            continue
        unpacked += len(file.data or b"")
        if unpacked > max_unpacked:
            raise _unsafe("The archive unpacks to far more than a submission needs.")
        yield file


def _read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, prefix: tuple[str, ...]) -> _File | None:
    """Return an entry of an archive, or None if it is neither a notebook nor an archive."""
    parts = _entry_path(entry.filename)
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise _unsafe("The archive holds a link instead of a file.")
    if not parts or IGNORED_FOLDERS & set(parts) or not _is_wanted(parts[-1]):
        return None
    if entry.file_size > 2**20 and entry.file_size > MAX_RATIO * max(entry.compress_size, 1):
        raise _unsafe("The archive unpacks to far more than its size.")
    try:
        with archive.open(entry) as stream:
            data = _read_bounded(stream, MAX_FILE)
    except Refused:
        raise
    except Exception as error:  # damaged, encrypted or of an unknown compression: all unreadable
        raise Refused(
            Status.UNREADABLE, "The zip file is damaged or has a password. Hand in the notebook itself."
        ) from error
    try:
        modified = datetime.datetime(*entry.date_time).timestamp()
    except (ValueError, OverflowError, OSError):
        modified = 0.0
    return _File(prefix + parts, data, modified=modified)


def _read_folder(folder: str | os.PathLike[str], prefix: tuple[str, ...] = ()) -> Iterator[_File]:
    """Yield the notebooks and archives of a folder, without following a link."""
    if len(prefix) > MAX_DEPTH_OF_FOLDERS:
        return
    for entry in sorted(os.scandir(folder), key=lambda item: item.name):
        path = (*prefix, entry.name)
        if entry.name in IGNORED_FOLDERS:
            continue
        about = entry.stat(follow_symlinks=False)
        wanted = _is_wanted(entry.name)
        if stat.S_ISDIR(about.st_mode):
            yield from _read_folder(entry.path, path)
        elif stat.S_ISLNK(about.st_mode):
            if wanted or not prefix:
                yield _File(path, None, _unsafe("A link was handed in instead of a file."))
        elif wanted and not stat.S_ISREG(about.st_mode):
            yield _File(path, None, _unsafe("This is not a plain file."))
        elif wanted:
            yield _read_file(entry.path, path, about.st_mtime)


def _read_file(path: str | os.PathLike[str], parts: tuple[str, ...], modified: float) -> _File:
    limit = MAX_FILE if parts[-1].lower().endswith(".ipynb") else MAX_ARCHIVE
    try:
        # O_NOFOLLOW: the entry may have become a link since it was looked at.
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as stream:
            return _File(parts, _read_bounded(stream, limit), modified=modified)
    except Refused as refusal:
        return _File(parts, None, refusal, modified)
    except OSError as error:
        message = f"The file could not be read ({error.strerror})."
        return _File(parts, None, Refused(Status.UNREADABLE, message))


def _read_class_archive(path: pathlib.Path) -> list[_File]:
    """Return the files of an archive of the whole class, without the one folder that may hold the class."""
    try:
        with open(path, "rb") as stream:
            files = list(_read_archive(stream, max_entries=MAX_ENTRIES, max_unpacked=MAX_UNPACKED))
    except Refused as refusal:
        raise OSError(f"{path}: {refusal}") from refusal
    if len({file.path[0] for file in files}) == 1 and all(len(file.path) > 1 for file in files):
        files = [replace(file, path=file.path[1:]) for file in files]
    return files


def _read_place(place: pathlib.Path) -> Iterable[_File]:
    if place.is_dir():
        return _read_folder(place)
    if not place.is_file():
        raise OSError(f"{place} is neither a folder, nor a zip file, nor a notebook; pass one of them.")
    if place.suffix.lower() == ".ipynb":
        return [_read_file(place, (place.name,), place.stat().st_mtime)]
    return _read_class_archive(place)


def _open_nested(files: Iterable[_File]) -> Iterator[_File]:
    """Replace each zip inside by its notebooks, as if its name were a folder's."""
    for file in files:
        if file.data is None or not file.is_archive:
            yield file
            continue
        prefix = file.path if len(file.path) == 1 else file.path[:-1]
        entries = _read_archive(
            io.BytesIO(file.data), prefix, max_entries=MAX_ENTRIES_OF_ONE, max_unpacked=2 * MAX_FILE
        )
        inside = []
        try:
            for entry in entries:
                if entry.refusal is not None:  # one unsafe entry refuses a student's whole archive, unread
                    raise entry.refusal
                inside.append(entry)
        except Refused as refusal:
            yield replace(file, data=None, refusal=refusal)
            continue
        notebooks = [entry for entry in inside if entry.is_notebook]
        if not notebooks:
            message = "The archive does not contain a notebook (.ipynb)."
            yield _File(file.path, None, Refused(Status.UNREADABLE, message))
        yield from notebooks


def _attempt(file: _File) -> tuple[int, float, tuple[str, ...]]:
    """Order the attempts of one student: by the number in the name, then by date."""
    number = ATTEMPT.search(file.name.rsplit(".", 1)[0])
    return int(number[1] or number[2]) if number else 0, file.modified, file.path


def _letters(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def _choose(student: str, name: str, files: list[_File], assignment_name: str) -> Incoming:
    """Choose which of a student's files is graded: the assignment's name first, then the last attempt."""
    usable = [file for file in files if file.data is not None and file.is_notebook]
    named = [file for file in usable if _letters(assignment_name) in _letters(file.name)]
    if not usable:
        refused = next((file for file in files if file.refusal is not None), None)
        refusal = refused.refusal if refused else None
        refusal = refusal or Refused(Status.NOTHING_SUBMITTED, "No notebook (.ipynb) was found.")
        origin = (refused or files[0]).origin if files else ""
        return Incoming(student, name, origin, None, refusal.status, str(refusal))
    best = max(named or usable, key=_attempt)
    notes = tuple(f"set aside: {file.origin}" for file in files if file is not best)
    return Incoming(student, name, best.origin, best.data, notes=notes)


def collect(
    place: str | os.PathLike[str], assignment_name: str = "", roster: Mapping[str, str] | None = None
) -> list[Incoming]:
    """Find the submissions in a folder, an archive or one notebook.

    Parameters
    ----------
    place : path-like
        A folder or zip file that holds a folder for each student, a zip file for each student, or files
        named by an LMS.
    assignment_name : str
        Preferred among several notebooks of one student.
    roster : dict of str to str, optional
        Names by student id; a student of the roster who handed nothing in gets a record that says so.

    Returns
    -------
    list of Incoming
        One for each student, ordered by id.

    Raises
    ------
    OSError
        If the place cannot be read.
    """
    place = pathlib.Path(place)
    students: dict[str, _Student] = {}

    def student_of(file_name: str) -> _Student:
        student, name = identify(file_name)
        return students.setdefault(safe_name(student), _Student(name))

    for file in _open_nested(_read_place(place)):
        student_of(file.path[0]).files.append(file)
    if place.is_dir():  # a student's folder without a notebook is a submission too
        for entry in sorted(place.iterdir()):
            if entry.is_dir() and not entry.is_symlink() and entry.name not in IGNORED_FOLDERS:
                student_of(entry.name)
    for student, name in (roster or {}).items():
        students.setdefault(safe_name(student), _Student(safe_name(name)))
    return [
        _choose(student, about.name, about.files, assignment_name)
        for student, about in sorted(students.items())
    ]


def _decode(data: bytes, repairs: list[str]) -> str:
    is_utf_16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if b"\0" in data and not is_utf_16:
        data = data.replace(b"\0", b"")
        repairs.append("null bytes were removed")
    try:
        text = data.decode("utf-16" if is_utf_16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused(
            Status.UNREADABLE,
            "The file is not text in UTF-8. Open it in JupyterLab, save it and hand it in again.",
        ) from error
    if is_utf_16:
        repairs.append("the file was not in UTF-8")
    return text


def _parse(text: str) -> dict[str, Any]:
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError, MemoryError) as error:
        why = "The file is not a Jupyter notebook."
        if text.lstrip().startswith("{") and not text.rstrip().endswith("}"):
            why = "The file ends in the middle: it was cut off while saving or uploading."
        raise Refused(
            Status.UNREADABLE, f"{why} Download the notebook from JupyterLab and hand it in again."
        ) from error
    if not isinstance(raw, dict):
        raise Refused(Status.UNREADABLE, "The file is not a Jupyter notebook.")
    return raw


def _worksheet_cells(worksheets: list[Any]) -> list[dict[str, Any]]:
    """Return the cells of a notebook of format 3, which had worksheets."""
    return [
        {**cell, "source": cell.get("input", cell.get("source", ""))}
        for sheet in worksheets
        for cell in (sheet.get("cells", []) if isinstance(sheet, dict) else [])
        if isinstance(cell, dict)
    ]


def _raw_cells(raw: dict[str, Any], repairs: list[str]) -> list[Any]:
    cells = raw.get("cells")
    if cells is None and isinstance(raw.get("worksheets"), list):
        repairs.append("the notebook was in an old format")
        cells = _worksheet_cells(raw["worksheets"])
    if not isinstance(cells, list) or not cells:
        raise Refused(Status.UNREADABLE, "The notebook has no cells.")
    if len(cells) > MAX_CELLS:
        raise Refused(Status.REFUSED, f"The notebook has more than {MAX_CELLS} cells.")
    return cells


def _source_of(cell: Any) -> str | None:
    """Return a cell's source, or None if this is not a cell."""
    if not isinstance(cell, dict) or cell.get("cell_type") not in ("code", "markdown", "raw"):
        return None
    source = cell.get("source", "")
    if isinstance(source, list) and not all(isinstance(line, str) for line in source):
        return None
    source = text_of(source)
    # A lone surrogate cannot be written in UTF-8, and would break every page that shows it.
    return source.encode("utf-8", "replace").decode() if isinstance(source, str) else None


def _grade_id(cell: dict[str, Any]) -> str | None:
    meta = cell.get("metadata")
    meta = meta.get("nbgrader") if isinstance(meta, dict) else None
    name = meta.get("grade_id") if isinstance(meta, dict) else None
    return name if isinstance(name, str) else None


def assignment_of(data: bytes) -> str | None:
    """Return the name of the assignment that a readable notebook says it is of, if it does."""
    raw = _parse(_decode(data, []))
    about = raw.get("metadata")
    about = about.get("aecourse") if isinstance(about, dict) else None
    name = about.get("assignment") if isinstance(about, dict) else None
    return name if isinstance(name, str) else None


def read_notebook(data: bytes) -> tuple[list[NotebookCell], list[str]]:
    """Read the bytes of a submission.

    Parameters
    ----------
    data : bytes

    Returns
    -------
    cells : list of NotebookCell
        Dicts with ``cell_type``, ``source`` (str) and ``grade_id`` (str or None).
    repairs : list of str
        What had to be repaired, in words for the student.

    Raises
    ------
    Refused
        If it cannot be read as a notebook.
    """
    repairs: list[str] = []
    if not data.strip():
        raise Refused(Status.UNREADABLE, "The file is empty. Save the notebook and hand it in again.")
    cells: list[NotebookCell] = []
    ids: set[str] = set()
    names: set[str] = set()
    for raw_cell in _raw_cells(_parse(_decode(data, repairs)), repairs):
        source = _source_of(raw_cell)
        if source is None:
            repairs.append("a cell that could not be read was left out")
            continue
        if raw_cell.get("id") is not None:
            if str(raw_cell["id"]) in ids:
                repairs.append("two cells had the same id")
            ids.add(str(raw_cell["id"]))
        name = _grade_id(raw_cell)
        if name in names:
            repairs.append("two cells claimed to be the same part of the assignment")
        if name is not None:
            names.add(name)
        cells.append({"cell_type": raw_cell["cell_type"], "source": source, "grade_id": name})
    return cells, list(dict.fromkeys(repairs))

"""Read the files of a folder or an archive, within bounds and without following a link.

A file's kind is decided by its name and its first bytes. Zip, tar, gzip, bzip2 and xz archives are opened,
also inside one another; 7z, RAR and Zstandard archives are refused with a message that names them. What
tools leave behind (``.git``, ``.venv``, ``__MACOSX`` and their like) is left out.
"""

import bz2
import contextlib
import datetime
import functools
import io
import lzma
import os
import pathlib
import re
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import IO, Any

from aecourse.grading.record import Status

MAX_FILE = 20 * 2**20
MAX_ARCHIVE = 200 * 2**20
MAX_UNPACKED = 400 * 2**20
# A file beside a notebook, such as a table or a module of the student's own, is read if it is this small.
MAX_BESIDE = 2 * 2**20
# Of what an archive or a folder may hold in all, the part for such files.
SHARE_BESIDE = 0.25
MAX_ENTRIES = 100_000
MAX_ENTRIES_OF_ONE = 500
MAX_RATIO = 200
MAX_DEPTH_OF_FOLDERS = 8
MAX_DEPTH_OF_ARCHIVES = 3
MAX_MEMORY_OF_XZ = 256 * 2**20
IGNORED_FOLDERS = {
    "__MACOSX",
    ".ipynb_checkpoints",
    "__pycache__",
    ".git",
    ".svn",
    ".venv",
    "venv",
    "site-packages",
    "node_modules",
    ".idea",
    ".vscode",
}
IGNORED_FILES = {".ds_store", "thumbs.db", "desktop.ini", ".gitignore"}
# The file that marks a virtual environment, whatever its folder is called.
ENVIRONMENT = "pyvenv.cfg"
# Browsers and mail programs add one of these to a name that they do not know.
NOTEBOOK = re.compile(r"\.ipynb(?:\.(?:txt|json))?$", re.IGNORECASE)
ARCHIVE = re.compile(
    r"\.(?:zip|tar|tgz|tbz2?|txz|gz|bz2|xz|7z|rar|zst|tar\.(?:gz|bz2|xz|zst))$", re.IGNORECASE
)
# Gradescope's list of who handed in which folder.
METADATA = "submission_metadata.yml"
NOT_OPENED = {b"7z\xbc\xaf\x27\x1c": "7z", b"Rar!\x1a\x07": "RAR", b"\x28\xb5\x2f\xfd": "Zstandard"}


class Refused(Exception):
    """A submission that is not graded, with a status and a message for the student."""

    def __init__(self, status: Status, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class File:
    """One file that was handed in.

    Parameters
    ----------
    path : tuple of str
        Where it was, in parts; an archive counts as a folder.
    data : bytes or None
        Its content, if it is a notebook, or Gradescope's list, that could be read; of other files if small.
    refusal : Refused, optional
        Why there is no content.
    modified : float
        When it was changed, in seconds since 1970; 0 if that is not known.
    """

    path: tuple[str, ...]
    data: bytes | None
    refusal: Refused | None = None
    modified: float = 0.0

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path[-1]

    @property
    def is_notebook(self) -> bool:
        """Whether its name is that of a notebook."""
        return NOTEBOOK.search(self.name) is not None

    @property
    def is_archive(self) -> bool:
        """Whether its name is that of an archive."""
        return ARCHIVE.search(self.name) is not None

    @property
    def origin(self) -> str:
        """The path as text that can be written: a name in another encoding holds what UTF-8 cannot."""
        return "/".join(self.path).encode("utf-8", "replace").decode()


def without_suffix(name: str) -> str:
    """Return a file's name without the end that says what kind of file it is.

    Examples
    --------
    >>> without_suffix("a3.ipynb.txt"), without_suffix("a3.tar.gz"), without_suffix("v1.2")
    ('a3', 'a3', 'v1.2')
    """
    return NOTEBOOK.sub("", ARCHIVE.sub("", name))


def _unsafe(reason: str) -> Refused:
    return Refused(Status.REFUSED, f"{reason} Hand in the notebook itself.")


def _damaged(cause: object = None) -> Refused:
    return Refused(Status.UNREADABLE, "The archive is damaged. Make it again and hand it in once more.")


def _too_much() -> Refused:
    return _unsafe("The archive unpacks to far more than a submission needs.")


def _is_wanted(name: str) -> bool:
    return bool(NOTEBOOK.search(name) or ARCHIVE.search(name) or name == METADATA)


def _is_ignored(parts: tuple[str, ...]) -> bool:
    """Say whether a path is inside a tool's folder, or is a file that a system leaves behind."""
    return bool(
        IGNORED_FOLDERS.intersection(parts)
        or parts[-1].lower() in IGNORED_FILES
        or parts[-1].startswith(("._", "~$"))
    )


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


def _safe_parts(name: str) -> tuple[str, ...]:
    """Return the path of an entry that is refused, for the instructor to read."""
    parts = tuple(part for part in re.split(r"[\\/]+", name) if part not in ("", ".", ".."))
    return parts or ("unnamed",)


@dataclass(frozen=True)
class _Entry:
    """One entry of an archive, of whatever kind: ``read`` returns its content, within bounds."""

    name: str
    is_link: bool
    is_file: bool
    size: int
    packed: int
    modified: float
    read: Callable[[], bytes]


def _zip_name(entry: zipfile.ZipInfo) -> str:
    """Return an entry's name; some systems write UTF-8 and do not say so."""
    if entry.flag_bits & 0x800:
        return entry.filename
    try:
        return entry.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return entry.filename


def _zip_entries(stream: IO[bytes]) -> list[_Entry]:
    archive = zipfile.ZipFile(stream)
    entries = []
    for info in archive.infolist():
        try:
            modified = datetime.datetime(*info.date_time).timestamp()
        except (ValueError, OverflowError, OSError):
            modified = 0.0

        def read(info: zipfile.ZipInfo = info) -> bytes:
            with archive.open(info) as content:
                return _read_bounded(content, MAX_FILE)

        mode = info.external_attr >> 16
        name = _zip_name(info)
        link = stat.S_ISLNK(mode)
        entries.append(
            _Entry(name, link, not info.is_dir(), info.file_size, info.compress_size, modified, read)
        )
    return entries


def _tar_entries(stream: IO[bytes]) -> list[_Entry]:
    archive = tarfile.open(fileobj=stream, mode="r:")
    entries: list[_Entry] = []
    for info in archive:
        if len(entries) > MAX_ENTRIES:
            raise _unsafe("The archive holds far more files than a submission needs.")

        def read(info: tarfile.TarInfo = info) -> bytes:
            content = archive.extractfile(info)
            if content is None:
                raise _damaged()
            return _read_bounded(content, MAX_FILE)

        link = info.issym() or info.islnk()
        is_file = link or info.isfile()
        entries.append(_Entry(info.name, link, is_file, info.size, info.size, float(info.mtime), read))
    return entries


def _decompressor(head: bytes) -> Any:
    """Return what decompresses a stream that begins like this, or None."""
    if head.startswith(b"\x1f\x8b"):
        return zlib.decompressobj(wbits=31)
    if head.startswith(b"BZh"):
        return bz2.BZ2Decompressor()
    if head.startswith(b"\xfd7zXZ\0"):
        return lzma.LZMADecompressor(memlimit=MAX_MEMORY_OF_XZ)
    return None


def _decompressed(stream: IO[bytes], limit: int) -> IO[bytes]:
    """Return a compressed stream's content as a file, or refuse one of more bytes than the limit."""
    content = tempfile.TemporaryFile()  # noqa: SIM115  (the caller reads it)
    size, piece = 0, stream.read(2**16)
    worker = _decompressor(piece)
    while worker is not None:
        # zlib takes the rest of its input again, the others keep it themselves.
        plain = worker.decompress(piece, 2**20)
        size += len(plain)
        if size > limit:
            raise _too_much()
        content.write(plain)
        piece = getattr(worker, "unconsumed_tail", b"")
        if worker.eof:
            piece = worker.unused_data + stream.read(2**16)
            worker = _decompressor(piece)
        elif not plain and not piece:
            piece = stream.read(2**16)
            if not piece:
                raise EOFError("the stream ends in the middle")
    content.seek(0)
    return content


def _entries(stream: IO[bytes], name: str, limit: int) -> list[_Entry]:
    """Return the entries of an archive, by its first bytes."""
    head = stream.read(512)
    stream.seek(0)
    for start, kind in NOT_OPENED.items():
        if head.startswith(start):
            message = f"This is a {kind} archive, which the grader does not open. Hand in a zip file instead."
            raise Refused(Status.UNREADABLE, message)
    if head.startswith(b"PK"):
        return _zip_entries(stream)
    if _decompressor(head) is not None:
        plain = _decompressed(stream, limit)
        if plain.read(512)[257:262] != b"ustar":
            plain.seek(0)
            size = plain.seek(0, io.SEEK_END)
            plain.seek(0)
            inner = re.sub(r"\.(gz|bz2|xz)$", "", name, flags=re.IGNORECASE)
            return [_Entry(inner, False, True, size, size, 0.0, lambda: _read_bounded(plain, MAX_FILE))]
        plain.seek(0)
        return _tar_entries(plain)
    return _tar_entries(stream)


def _wanted_entries(entries: Iterable[_Entry]) -> list[tuple[tuple[str, ...], _Entry]]:
    """Return the entries of a student's own, without those of tools, each with its path in parts."""
    listed = [(_safe_parts(entry.name), entry) for entry in entries if entry.is_file]
    environments = {parts[:-1] for parts, _ in listed if parts[-1] == ENVIRONMENT and len(parts) > 1}
    return [
        (parts, entry)
        for parts, entry in listed
        if not _is_ignored(parts) and not any(parts[:depth] in environments for depth in range(1, len(parts)))
    ]


def _read_entry(entry: _Entry) -> bytes:
    if entry.is_link:
        raise _unsafe("The archive holds a link instead of a file.")
    if entry.size > 2**20 and entry.size > MAX_RATIO * max(entry.packed, 1):
        raise _unsafe("The archive unpacks to far more than its size.")
    try:
        return entry.read()
    except Refused:
        raise
    except Exception as error:  # damaged, encrypted or of an unknown compression: all unreadable
        raise Refused(
            Status.UNREADABLE, "The archive is damaged or has a password. Hand in the notebook itself."
        ) from error


class _Beside:
    """How many bytes of files beside notebooks may still be read."""

    def __init__(self, most: float) -> None:
        self._left = most

    def read(self, size: int, read: Callable[[], bytes]) -> bytes | None:
        """Return a small file's content, or None; whether it can be read decides nothing."""
        if size > min(MAX_BESIDE, self._left):
            return None
        self._left -= size
        with contextlib.suppress(Refused, OSError):
            return read()
        return None


def _read_archive(
    stream: IO[bytes], path: tuple[str, ...], *, max_entries: int, max_unpacked: int
) -> Iterator[File]:
    """Yield the files of an archive; an unsafe entry is a file with a refusal."""
    try:
        entries = _wanted_entries(_entries(stream, path[-1], max_unpacked))
    except Refused:
        raise
    except Exception as error:  # archives break in as many ways as their readers have exceptions
        raise _damaged() from error
    if len(entries) > max_entries:
        raise _unsafe("The archive holds far more files than a submission needs.")
    unpacked = 0
    beside = _Beside(SHARE_BESIDE * max_unpacked)
    for parts, entry in entries:
        try:
            inside = _entry_path(entry.name)
            if _is_wanted(inside[-1]):
                data: bytes | None = _read_entry(entry)
            else:
                data = beside.read(entry.size, functools.partial(_read_entry, entry))
            file = File(path + inside, data, modified=entry.modified)
        except Refused as refusal:
            file = File(path + parts, None, refusal, entry.modified)
        unpacked += len(file.data or b"")
        if unpacked > max_unpacked:
            raise _too_much()
        yield file


def _read_folder(
    folder: str | os.PathLike[str], beside: _Beside, prefix: tuple[str, ...] = ()
) -> Iterator[File]:
    """Yield the files of a folder, without following a link."""
    if len(prefix) > MAX_DEPTH_OF_FOLDERS:
        return
    entries = sorted(os.scandir(folder), key=lambda item: item.name)
    if prefix and any(entry.name == ENVIRONMENT for entry in entries):
        return
    for entry in entries:
        path = (*prefix, entry.name)
        if _is_ignored(path):
            continue
        about = entry.stat(follow_symlinks=False)
        wanted = _is_wanted(entry.name)
        if stat.S_ISDIR(about.st_mode):
            yield from _read_folder(entry.path, beside, path)
        elif stat.S_ISLNK(about.st_mode):
            if wanted or not prefix:
                yield File(path, None, _unsafe("A link was handed in instead of a file."))
        elif wanted and not stat.S_ISREG(about.st_mode):
            yield File(path, None, _unsafe("This is not a plain file."))
        elif wanted:
            yield _read_file(entry.path, path, about.st_mtime)
        elif stat.S_ISREG(about.st_mode):
            read = functools.partial(_content, entry.path, MAX_BESIDE)
            yield File(path, beside.read(about.st_size, read), modified=about.st_mtime)
        else:
            yield File(path, None, modified=about.st_mtime)


def _content(path: str | os.PathLike[str], limit: int) -> bytes:
    # O_NOFOLLOW: the entry may have become a link since it was looked at.
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as stream:
        return _read_bounded(stream, limit)


def _read_file(path: str | os.PathLike[str], parts: tuple[str, ...], modified: float) -> File:
    limit = MAX_FILE if NOTEBOOK.search(parts[-1]) else MAX_ARCHIVE
    try:
        return File(parts, _content(path, limit), modified=modified)
    except Refused as refusal:
        return File(parts, None, refusal, modified)
    except OSError as error:
        message = f"The file could not be read ({error.strerror})."
        return File(parts, None, Refused(Status.UNREADABLE, message))


def _opened(file: File, depth: int = 1) -> Iterator[File]:
    """Replace an archive by the files in it, and those archives by theirs."""
    # A notebook is text: one that begins like a zip file was renamed.
    is_archive = file.is_archive or (file.is_notebook and (file.data or b"").startswith(b"PK\x03\x04"))
    if file.data is None or not is_archive:
        yield file
        return
    if depth > MAX_DEPTH_OF_ARCHIVES:
        message = "Archives are packed inside one another too deeply. Hand in the notebook itself."
        yield replace(file, data=None, refusal=Refused(Status.REFUSED, message))
        return
    entries = _read_archive(
        io.BytesIO(file.data), file.path, max_entries=MAX_ENTRIES_OF_ONE, max_unpacked=2 * MAX_FILE
    )
    inside: list[File] = []
    try:
        for entry in entries:
            if entry.refusal is not None:  # one unsafe entry refuses a student's whole archive, unread
                raise entry.refusal
            inside.append(entry)
    except Refused as refusal:
        yield replace(file, data=None, refusal=refusal)
        return
    if not any(entry.is_notebook or entry.is_archive for entry in inside):
        message = "The archive does not contain a notebook (.ipynb)."
        yield File(file.path, None, Refused(Status.UNREADABLE, message), file.modified)
        return
    for entry in inside:
        yield from _opened(entry, depth + 1)


def read_place(place: str | os.PathLike[str]) -> list[File]:
    """Return the files of a folder, of an archive of the whole class, or one notebook.

    Parameters
    ----------
    place : path-like

    Returns
    -------
    list of File
        With the content of notebooks and of small files. Archives inside are replaced by what is in them.

    Raises
    ------
    OSError
        If the place cannot be read.
    """
    place = pathlib.Path(place)
    if place.is_dir():
        files: Iterable[File] = _read_folder(place, _Beside(SHARE_BESIDE * MAX_UNPACKED))
    elif not place.is_file():
        raise OSError(f"{place} is neither a folder, nor an archive, nor a notebook; pass one of them.")
    elif NOTEBOOK.search(place.name):
        files = [_read_file(place, (place.name,), place.stat().st_mtime)]
    else:
        try:
            with open(place, "rb") as stream:
                whole = list(
                    _read_archive(stream, (place.name,), max_entries=MAX_ENTRIES, max_unpacked=MAX_UNPACKED)
                )
        except Refused as refusal:
            raise OSError(f"{place}: {refusal}") from refusal
        files = [replace(file, path=file.path[1:]) for file in whole]
    return [inside for file in files for inside in _opened(file)]

"""Open what a user names as a table, once: a file, a pipe or standard input, packed or not.

What cannot be read twice is copied to a temporary file first, and what is packed is unpacked into one, piece
by piece and up to a limit, so that neither a pipe loses rows nor a small file fills the memory or the disk.
"""

import bz2
import codecs
import csv
import difflib
import gzip
import hashlib
import lzma
import os
import re
import shutil
import stat
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO

from aecourse._support.files import full_disk_in_words

__all__ = [
    "STDIN",
    "Source",
    "check_readable",
    "closest",
    "first_bytes",
    "first_few",
    "open_source",
    "refuse_repeated",
    "refuse_unknown",
    "stem",
    "too_large",
]

STDIN = "-"
ALWAYS = 1 << 30  # a packed file may always unpack to this size,
MAX_RATIO = 200  # and beyond it to so many times its own

_BLOCK = 1 << 20
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_LZMA_MEMORY = 1 << 28
_PACKED = {
    b"\x1f\x8b": "gz",
    b"BZh": "bz2",
    b"\xfd7zXZ\x00": "xz",
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
}
_EXPORT = "export the table as CSV in UTF-8"
_OTHER_FORMATS = (
    (b"%PDF", f"a PDF; {_EXPORT}"),
    (b"\xd0\xcf\x11\xe0", f"an old Excel file or another Office document; {_EXPORT}, or save it as .xlsx"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd; unpack it first: zstd -d"),
    (b"\x04\x22\x4d\x18", "compressed with lz4; unpack it first: lz4 -d"),
    (b"7z\xbc\xaf", "a 7-Zip archive; unpack it first"),
    (b"Rar!", "a RAR archive; unpack it first"),
    (b"SQLite format 3", f"an SQLite database; {_EXPORT}"),
    (b"\x89HDF", f"an HDF5 file; {_EXPORT}"),
    (b"\x93NUMPY", "a NumPy array; write a CSV file with numpy.savetxt and a header"),
    (b"FEA1", "a Feather file of the old version 1; write it again with pyarrow.feather.write_feather"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"version https://git-lfs", "a pointer of Git LFS, and not the file itself; fetch it: git lfs pull"),
    (b"\x80\x03", f"a pickle; {_EXPORT}, with pandas.read_pickle(…).to_csv(…) if you trust it"),
    (b"\x80\x04", f"a pickle; {_EXPORT}, with pandas.read_pickle(…).to_csv(…) if you trust it"),
    (b"\x80\x05", f"a pickle; {_EXPORT}, with pandas.read_pickle(…).to_csv(…) if you trust it"),
    (b"@RELATION", f"an ARFF file; {_EXPORT}"),
    (b"@relation", f"an ARFF file; {_EXPORT}"),
)
_DAMAGE = (
    EOFError,
    zlib.error,
    gzip.BadGzipFile,
    lzma.LZMAError,
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    ValueError,
)


@dataclass(frozen=True)
class Source:
    """A table that can be read as often as needed.

    Attributes
    ----------
    name : str
        What the user calls it, for messages.
    path : pathlib.Path
        A file that is not packed; temporary, if the table came through a pipe or was packed.
    kind : {'text', 'parquet', 'arrow', 'arrow stream'}
        What it contains. Text is in UTF-8.
    original : pathlib.Path or None
        The file as the user has it, packed or in another encoding, or the copy of a pipe; None if that is
        ``path``.

    Examples
    --------
    >>> Source("people.csv.gz", Path("table"), "text").kind
    'text'
    """

    name: str
    path: Path
    kind: str
    original: Path | None = None

    def sha256(self) -> str:
        """Return the SHA-256 of the file as the user has it.

        Returns
        -------
        str
            64 hexadecimal digits.
        """
        with open(self.original or self.path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def first_few(values: Collection[object], most: int = 5) -> str:
    """Quote the first few values, and say how many more there are.

    Parameters
    ----------
    values : collection
        The values.
    most : int
        Number of values to quote.

    Returns
    -------
    str

    Examples
    --------
    >>> first_few(["a", "b", "c"], most=2)
    "'a', 'b' and 1 more"
    """
    shown = ", ".join(repr(value) for value in list(values)[:most])
    return shown + (f" and {len(values) - most} more" if len(values) > most else "")


def closest(name: str, names: Collection[object]) -> str:
    """Ask whether the most similar name was meant; empty if none is similar.

    Parameters
    ----------
    name : str
        The name that was looked for.
    names : collection
        Those that there are.

    Returns
    -------
    str
        It begins with a blank.

    Examples
    --------
    >>> closest("Label", ["size", "label"])
    " Did you mean 'label'?"
    """
    close = difflib.get_close_matches(name, map(str, names), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def refuse_unknown(option: str, wanted: Collection[str], names: Collection[object]) -> None:
    """Refuse a choice about columns that the table does not have.

    Parameters
    ----------
    option : str
        What the choice is called.
    wanted : collection of str
        The columns that it names.
    names : collection
        The columns of the table.

    Raises
    ------
    ValueError
        If the table lacks one of them.
    """
    for name in wanted:
        if name not in names:
            raise ValueError(
                f"{option} names the column {name!r}, which the table does not have."
                f"{closest(name, names)} It has {first_few(list(names), 8)}."
            )


def refuse_repeated(names: Sequence[str], place: str = "") -> None:
    """Refuse names of columns of which some stand more than once.

    Parameters
    ----------
    names : sequence of str
        The names.
    place : str
        What the message begins with, such as the name of the file.

    Raises
    ------
    ValueError
        If two names are equal.

    Examples
    --------
    >>> refuse_repeated(["a", "b", "a"], "t.csv: ")
    Traceback (most recent call last):
        ...
    ValueError: t.csv: these names of columns stand more than once: 'a'. Give each column a name of its own.
    """
    repeated = sorted({each for each in names if names.count(each) > 1})
    if repeated:
        raise ValueError(
            f"{place}these names of columns stand more than once: {first_few(repeated)}. "
            "Give each column a name of its own."
        )


def too_large(name: str) -> ValueError:
    """Return the error for a table that does not fit into memory.

    Parameters
    ----------
    name : str
        The table.

    Returns
    -------
    ValueError

    Examples
    --------
    >>> str(too_large("big.csv")).split(".")[0]
    'big'
    """
    return ValueError(
        f"{name} does not fit into memory. Train on a part of its rows, and score the rest with "
        "'aecourse score', which reads a file in pieces."
    )


def stem(path: str | os.PathLike[str]) -> str:
    """Return a table's name without its folder and endings, from which names of results are made.

    Parameters
    ----------
    path : path-like
        What the user named.

    Returns
    -------
    str

    Examples
    --------
    >>> stem("data/people.csv.gz"), stem("-")
    ('people', 'stdin')
    """
    name = Path(path).name
    if os.fspath(path) == STDIN:
        return "stdin"
    packed = {".gz", ".bz2", ".xz", ".zip"}
    return Path(name).with_suffix("").stem if Path(name).suffix.lower() in packed else Path(name).stem


def check_readable(path: str | os.PathLike[str]) -> None:
    """Refuse anything that is not a file, a pipe or standard input.

    Parameters
    ----------
    path : path-like
        What the user named; ``-`` is standard input.

    Raises
    ------
    OSError
        If it does not exist, or is a folder or a device.
    ValueError
        If it is an address.

    Examples
    --------
    >>> check_readable("https://example.org/data.csv")
    Traceback (most recent call last):
        ...
    ValueError: 'https://example.org/data.csv' is an address, and only files are read. Download it first, or \
pipe it: curl -L ADDRESS | aecourse detect -
    """
    name = os.fspath(path)
    if name == STDIN:
        if sys.stdin is None or sys.stdin.isatty():
            raise ValueError("standard input is a terminal. Pipe a table: cat data.csv | aecourse detect -")
        return
    if _ADDRESS.match(name) and not name.lower().startswith("file:"):
        raise ValueError(
            f"{name!r} is an address, and only files are read. Download it first, or pipe it: "
            "curl -L ADDRESS | aecourse detect -"
        )
    try:
        mode = os.stat(name).st_mode
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{name} does not exist. Check the name and the folder.") from error
    except (OSError, ValueError) as error:  # a zero byte, a name too long, a folder that may not be entered
        raise type(error)(f"{name!r} cannot be opened: {error}.") from error
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(f"{name} is a folder; name a file with a table.")
    if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
        raise OSError(f"{name} is a device or a socket, and not a file or a pipe. Name a file with a table.")


def first_bytes(path: str | os.PathLike[str], most: int) -> bytes:
    """Return the first bytes of a file.

    Parameters
    ----------
    path : path-like
        The file.
    most : int
        How many to return at most.

    Returns
    -------
    bytes

    Examples
    --------
    >>> first_bytes(__file__, 3)
    b'\"\"\"'
    """
    with open(path, "rb") as file:
        return file.read(most)


@contextmanager
def open_source(
    path: str | os.PathLike[str], *, encoding: str | None = None, sheet: str | None = None
) -> Iterator[Source]:
    """Open a table, and remove what was copied or unpacked afterwards.

    Parameters
    ----------
    path : path-like
        A file, a pipe, or ``-`` for standard input; gz, bz2, xz, a zip archive of one file, or .xlsx.
    encoding : str, optional
        Encoding of a text; by default UTF-8, or UTF-16 if the first bytes say so.
    sheet : str, optional
        Which sheet of a spreadsheet to read, if it has several.

    Yields
    ------
    Source

    Raises
    ------
    OSError
        If it cannot be opened.
    ValueError
        If it is of a kind that is not read, is damaged, or unpacks to far more than its size.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "people.csv.gz"
    ...     _ = file.write_bytes(gzip.compress(b"name,height"))
    ...     with open_source(file) as source:
    ...         source.kind, source.path.read_bytes()
    ('text', b'name,height')
    """
    check_readable(path)
    name = "standard input" if os.fspath(path) == STDIN else os.fspath(path)
    with tempfile.TemporaryDirectory(prefix="aecourse-") as folder:
        with full_disk_in_words(f"the temporary folder {folder}", "or set TMPDIR to another folder"):
            original = _as_file(path, Path(folder) / "copied")
            local = _unpacked(original, Path(folder) / "unpacked", name, sheet)
            kind = _kind(first_bytes(local, 512), name)
            if kind == "text":
                local = _as_utf8(local, Path(folder) / "text", name, encoding)
        yield Source(name, local, kind, original)


def _as_file(path: str | os.PathLike[str], copy: Path) -> Path:
    """Return a file that can be read several times: the file itself, or a copy of what a pipe delivers."""
    if os.fspath(path) == STDIN:
        _copy(sys.stdin.buffer, copy)
        return copy
    if stat.S_ISREG(os.stat(path).st_mode):
        with open(path, "rb"):  # may be forbidden
            return Path(path)
    with open(path, "rb") as pipe:
        _copy(pipe, copy)
    return copy


def _copy(stream: IO[bytes] | BinaryIO, to: Path, most: int | None = None) -> bool:
    """Copy a stream to a file, piece by piece; return whether all of it was within the limit."""
    left = float("inf") if most is None else most
    with open(to, "wb") as file:
        while block := stream.read(_BLOCK):
            left -= len(block)
            if left < 0:
                return False
            file.write(block)
    return True


def _packing(head: bytes) -> str | None:
    return next((kind for start, kind in _PACKED.items() if head.startswith(start)), None)


def _unpacked(path: Path, to: Path, name: str, sheet: str | None) -> Path:
    """Unpack a packed file, or write the sheet of a spreadsheet as a CSV file."""
    head = first_bytes(path, 512)
    packing = _packing(head)
    if packing is None:
        return path
    most = max(ALWAYS, MAX_RATIO * path.stat().st_size)
    try:
        if packing == "zip":
            with zipfile.ZipFile(path) as archive:
                fits = _from_zip(archive, path, to, name, sheet, most)
        else:
            if packing == "xz":  # says at the beginning how much memory it takes
                lzma.LZMADecompressor(memlimit=_LZMA_MEMORY).decompress(head, max_length=1)
            opened: dict[str, Callable[..., Any]] = {"gz": gzip.open, "bz2": bz2.open, "xz": lzma.open}
            with opened[packing](path, "rb") as stream:
                fits = _copy(stream, to, most)
    except _Refused:
        raise
    except _DAMAGE as error:
        raise ValueError(
            f"{name} is packed ({packing}), and damaged or cut off ({str(error).rstrip('.')}). "
            "Copy or download it again."
        ) from error
    except OSError as error:
        if error.errno is not None:
            raise
        raise ValueError(f"{name} is packed ({packing}), and damaged: {error}. Copy it again.") from error
    if not fits:
        raise ValueError(
            f"{name} is packed and unpacks to more than {most / 2**30:.0f} GB, over {MAX_RATIO} times its "
            "size, as no usual table does. If you trust it, unpack it first."
        )
    inner = first_bytes(to, 512)
    if _packing(inner) or inner[257:262] == b"ustar":
        raise ValueError(f"{name} is packed and holds an archive. Unpack it, and name the table in it.")
    return to


class _Refused(ValueError):
    """A packed file that is not read, though it is not damaged."""


def _from_zip(
    archive: zipfile.ZipFile, path: Path, to: Path, name: str, sheet: str | None, most: int
) -> bool:
    """Unpack the one file of a zip archive, or write a sheet as CSV; return whether the limit allows it."""
    names = archive.namelist()
    if sum(entry.file_size for entry in archive.infolist()) > most:
        return False
    if "xl/workbook.xml" in names:
        _sheet_as_csv(path, to, name, sheet)
        return True
    if "mimetype" in names or "[Content_Types].xml" in names:
        raise _Refused(f"{name} is a document of an office program, but not .xlsx. Save the table as CSV.")
    files = [
        entry
        for entry in archive.infolist()
        if not entry.is_dir()
        and not entry.filename.startswith("__MACOSX/")
        and "/." not in f"/{entry.filename}"
    ]
    if len(files) != 1:
        inside = ", ".join(repr(entry.filename) for entry in files[:3]) or "none"
        raise _Refused(
            f"{name} is an archive of {len(files)} files ({inside}{', …' if len(files) > 3 else ''}), and "
            "one table is needed. Unpack it, and name the table."
        )
    if files[0].flag_bits & 1:
        raise _Refused(f"{name} is protected by a password. Unpack it first.")
    with archive.open(files[0]) as stream:
        return _copy(stream, to, most)


def _sheet_as_csv(path: Path, to: Path, name: str, sheet: str | None) -> None:
    """Write the values of a sheet as a CSV file; empty rows around the table are left out."""
    try:
        import openpyxl
    except ImportError as error:
        raise _Refused(
            f"{name} is an Excel file, which needs the package openpyxl: pip install openpyxl. Or save the "
            "sheet as CSV."
        ) from error
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except Exception as error:  # of many kinds, all from a damaged file
        raise _Refused(f"{name} is an Excel file, and cannot be opened ({error}). Save it again.") from error
    try:
        _write_sheet(_choose_sheet(book, name, sheet), to, name)
    finally:
        book.close()


def _choose_sheet(book: Any, name: str, sheet: str | None) -> Any:
    sheets = {each.title: each for each in book.worksheets}
    listed = ", ".join(repr(title) for title in sheets)
    if sheet is not None:
        if sheet not in sheets:
            raise _Refused(f"{name} has no sheet {sheet!r}; it has {listed}.")
        return sheets[sheet]
    if len(sheets) != 1:
        raise _Refused(f"{name} has {len(sheets)} sheets ({listed}). Say which: sheet= or --sheet.")
    return next(iter(sheets.values()))


def _write_sheet(sheet: Any, to: Path, name: str) -> None:
    width = 0
    with open(to, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        for row in sheet.iter_rows(values_only=True):
            cells = ["" if cell is None else str(cell) for cell in row]
            while len(cells) > width and not cells[-1]:  # formatted cells to the right of the table
                cells.pop()
            if not any(cells):
                continue  # as blank lines of a CSV file
            width = width or len(cells)
            writer.writerow(cells + [""] * (width - len(cells)))
    if not width:
        raise _Refused(f"{name}: the sheet {sheet.title!r} is empty.")


def _kind(head: bytes, name: str) -> str:
    """Say what a file contains, or refuse it."""
    for start, what in _OTHER_FORMATS:
        if head.startswith(start):
            raise ValueError(f"{name} is not a CSV file: it is {what}.")
    if head[257:262] == b"ustar":
        raise ValueError(f"{name} is a tar archive. Unpack it, and name the table in it.")
    for start, kind in ((b"PAR1", "parquet"), (b"ARROW1", "arrow"), (b"\xff\xff\xff\xff", "arrow stream")):
        if head.startswith(start):
            return kind
    begin = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if begin.startswith((b"<!doctype html", b"<html", b"<?xml")):
        raise ValueError(
            f"{name} is a web page or XML, and no table. Was it downloaded from a page that asks for a login?"
        )
    if begin.startswith((b"[{", b"[[")) or re.match(rb'\{\s*"', begin):
        raise ValueError(f"{name} is not a CSV file: it is JSON. Write a CSV: pandas.read_json(…).to_csv(…).")
    return "text"


def _as_utf8(path: Path, to: Path, name: str, encoding: str | None) -> Path:
    """Return the text in UTF-8: the file itself, or a copy."""
    if encoding is None:
        head = first_bytes(path, 4)
        if not head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return path
        encoding = "utf-32" if head == codecs.BOM_UTF32_LE else "utf-16"
    try:
        if codecs.lookup(encoding).name in ("utf-8", "utf-8-sig"):
            return path
        with (
            open(path, encoding=encoding, newline="") as text,
            open(to, "w", encoding="utf-8", newline="") as copy,
        ):
            shutil.copyfileobj(text, copy, _BLOCK)
    except LookupError as error:
        raise ValueError(
            f"encoding must be one that Python knows, such as 'cp1252'; found {encoding!r}."
        ) from error
    except UnicodeError as error:
        raise ValueError(
            f"{name} cannot be read as {encoding} ({error}). Save it as UTF-8, or name its encoding: "
            "encoding= or --encoding."
        ) from error
    return to

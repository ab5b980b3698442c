"""Read a CSV file with the faults that such files have.

The encoding and the separator are found from the first bytes. A file that could be read in two ways is
refused with a sentence that says what to do.
"""

import codecs
import csv
import io
import os
import warnings
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from aecourse._support.checks import check_whole

__all__ = ["read_chunks", "read_csv"]

SEPARATORS = (",", ";", "\t", "|")

_HEAD_BYTES = 1 << 16
_HEAD_ROWS = 2000  # rows that tell whether a column holds codes
_OTHER_FORMATS = (
    (b"PK\x03\x04", "a zip archive or a spreadsheet; export the sheet as CSV"),
    (b"\x1f\x8b", "compressed; unpack it first"),
    (b"%PDF", "a PDF; export the table as CSV"),
    (b"PAR1", "a Parquet file; read it with pandas.read_parquet and write a CSV"),
)
_ZERO_BYTES = "it contains zero bytes. Export the table as CSV in UTF-8."


@dataclass(frozen=True)
class _Layout:
    """How a CSV file is to be read."""

    encoding: str
    separator: str
    names: list[str]


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


def _find_encoding(head: bytes, path: Path, encoding: str | None) -> str:
    """Return the encoding to read with, given the first bytes of a file."""
    for start, what in _OTHER_FORMATS:
        if head.startswith(start):
            raise ValueError(f"{path} is no CSV: it is {what}.")
    if encoding is not None:
        try:
            codecs.lookup(encoding)
        except LookupError as error:
            raise ValueError(
                f"encoding must be one that Python knows, such as 'cp1252'; found {encoding!r}."
            ) from error
        return encoding
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if b"\0" in head:
        raise ValueError(f"{path} is not a CSV file: {_ZERO_BYTES}")
    return "utf-8-sig"  # UTF-8, with or without the mark that spreadsheets put in front


def _wrong_encoding(path: str | os.PathLike[str], encoding: str, error: UnicodeDecodeError) -> ValueError:
    return ValueError(
        f"{path} is not in {encoding.removesuffix('-sig').upper()} (byte "
        f"{error.object[error.start]:#04x} cannot be read). Save it as UTF-8, or name its "
        "encoding, often 'cp1252': encoding= or --encoding."
    )


def _first_record(text: str, separator: str) -> list[str]:
    """Return the fields of the first line that is not blank; a quoted field may contain line ends."""
    try:
        for record in csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True):
            if any(field.strip() for field in record):
                return [field.strip() for field in record]
    except csv.Error:
        pass
    return []


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _column_names(fields: list[str], path: Path) -> list[str]:
    """Return the fields of the first line if they can serve as column names."""
    if len(fields) > 1 and fields[0] == "":
        fields = ["row number", *fields[1:]]  # as pandas and R write a table's index
    if "" in fields:
        raise ValueError(
            f"{path}: column {fields.index('') + 1} has no name. Give every column a name in the first line."
        )
    repeated = sorted({name for name in fields if fields.count(name) > 1})
    if repeated:
        raise ValueError(
            f"{path}: {len(repeated)} column names stand more than once: {first_few(repeated)}. "
            "Rename the columns so that each name stands once."
        )
    if all(_is_number(name) for name in fields):
        raise ValueError(
            f"{path} seems to have no header: its first line is {first_few(fields)}. "
            "Put a line with the names of the columns on top."
        )
    return fields


def _find_layout(path: str | os.PathLike[str], separator: str | None, encoding: str | None) -> _Layout:
    """Find the layout of a CSV file from its first bytes."""
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; name a CSV file.")
    try:
        with open(path, "rb") as file:
            head = file.read(_HEAD_BYTES)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{path} does not exist. Check the name and the folder.") from error
    encoding = _find_encoding(head, path, encoding)
    try:
        # incremental, because the last character of the head may be cut in two
        text = codecs.getincrementaldecoder(encoding)().decode(head, final=len(head) < _HEAD_BYTES)
    except UnicodeDecodeError as error:
        raise _wrong_encoding(path, encoding, error) from error
    if not text.strip():
        raise ValueError(f"{path} is empty. It must hold a line with the names of the columns, and rows.")
    if "\0" in text:
        raise ValueError(f"{path} is not a CSV file: {_ZERO_BYTES}")
    n_fields = {each: len(_first_record(text, each)) for each in SEPARATORS}
    best = max(SEPARATORS, key=n_fields.__getitem__)
    if separator is None:
        separator = best
    elif len(separator) != 1:
        raise ValueError(f"separator must be one character, such as ';'; found {separator!r}.")
    fields = _first_record(text, separator)
    if len(fields) == 1 < n_fields[best]:
        raise ValueError(
            f"{path} has one column with the separator {separator!r}, but {n_fields[best]} "
            f"with {best!r}. Pass the right one, or leave it out: it is found from the first line."
        )
    if not fields:
        raise ValueError(f"{path}: its first line cannot be read. Put the names of the columns there.")
    return _Layout(encoding, separator, _column_names(fields, path))


def _open_with_pandas(path: str | os.PathLike[str], layout: _Layout, decimal: str, **options: object) -> Any:
    """Call pandas with everything decided."""
    if decimal not in (".", ",") or decimal == layout.separator:
        raise ValueError(
            "decimal must be '.' or ',', and differ from the separator; found the decimal sign "
            f"{decimal!r} and the separator {layout.separator!r}."
        )
    return pd.read_csv(
        path,
        sep=layout.separator,
        decimal=decimal,
        encoding=layout.encoding,
        header=0,
        names=layout.names,
        index_col=False,
        skipinitialspace=True,
        low_memory=False,
        compression=None,
        **options,
    )


@contextmanager
def _errors_in_sentences(path: str | os.PathLike[str], encoding: str | None) -> Iterator[None]:
    """Turn pandas's errors into sentences; its warnings of lost fields become errors."""
    encoding = encoding or "utf-8"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            yield
    except UnicodeDecodeError as error:
        raise _wrong_encoding(path, encoding, error) from error
    except UnicodeError as error:
        raise ValueError(
            f"{path} cannot be read as {encoding} ({error}). Save it as UTF-8, or name its "
            "encoding: encoding= or --encoding."
        ) from error
    except pd.errors.ParserWarning as error:
        raise ValueError(
            f"{path} has rows with more fields than names in the first line. Quote fields that "
            "contain the separator, or name every column."
        ) from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError, csv.Error) as error:
        said = str(error).replace("Error tokenizing data. C error: ", "").strip().rstrip(".")
        raise ValueError(
            f"{path} cannot be read as a table: {said}. Look at that line: is a quotation mark "
            "not closed, or does a field hold the separator?"
        ) from error
    except MemoryError as error:
        raise ValueError(
            f"{path} does not fit into memory. Train on a part of its rows, and score the rest with "
            "'aecourse score', which reads a file in pieces."
        ) from error


def _code_columns(path: str | os.PathLike[str], layout: _Layout, decimal: str) -> list[str]:
    """Return the columns in which numbers begin with a zero: codes, which must not lose it.

    The first rows decide, for the whole file as for its pieces.
    """
    try:
        head = _open_with_pandas(path, layout, decimal, dtype="str", nrows=_HEAD_ROWS)
    except (ValueError, Warning):
        return []  # reading the file itself says what is wrong
    return [name for name in head.columns if head[name].str.fullmatch(r"\s*0\d+\s*").eq(True).any()]


def _no_rows(path: str | os.PathLike[str]) -> ValueError:
    return ValueError(f"{path} has a line of names, but no rows below it.")


def read_csv(
    path: str | os.PathLike[str],
    *,
    separator: str | None = None,
    decimal: str = ".",
    encoding: str | None = None,
) -> pd.DataFrame:
    """Read a whole CSV file.

    Parameters
    ----------
    path : path-like
        The file. Its first line names the columns.
    separator : str, optional
        One character. If it is not given, the one of comma, semicolon, tab and bar that divides the first
        line into the most fields.
    decimal : {'.', ','}
        The decimal sign of the numbers.
    encoding : str, optional
        If it is not given, UTF-8, or UTF-16 if the first bytes of the file say so.

    Returns
    -------
    pandas.DataFrame
        One row per line, with the types that pandas finds. An unnamed first column is called ``row number``.

    Raises
    ------
    OSError
        If the file cannot be opened.
    ValueError
        If it is empty, is not text, has another encoding, no header, repeated names or ragged rows.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "people.csv"
    ...     _ = file.write_text("name;height\\nAda;1,65\\nBo;1,80\\n")
    ...     read_csv(file, decimal=",")["height"].tolist()
    [1.65, 1.8]
    """
    with _errors_in_sentences(path, encoding):
        layout = _find_layout(path, separator, encoding)
        codes = dict.fromkeys(_code_columns(path, layout, decimal), "str")
        table = _open_with_pandas(path, layout, decimal, dtype=codes)
    if table.empty:
        raise _no_rows(path)
    return table


def read_chunks(
    path: str | os.PathLike[str],
    rows: int = 50_000,
    *,
    text_columns: Sequence[str] = (),
    separator: str | None = None,
    decimal: str = ".",
    encoding: str | None = None,
) -> Iterator[pd.DataFrame]:
    """Read a CSV file in pieces, so that memory does not grow with the file.

    Parameters
    ----------
    path : path-like
        The file.
    rows : int
        Number of rows per piece.
    text_columns : sequence of str
        Columns to read as text, even in a piece in which all their values look like numbers.
    separator, decimal, encoding
        As for :func:`read_csv`.

    Yields
    ------
    pandas.DataFrame
        At most ``rows`` rows. The index counts the rows of the whole file.

    Raises
    ------
    OSError, ValueError
        As :func:`read_csv`. A fault in a later piece is raised when that piece is reached.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "numbers.csv"
    ...     _ = file.write_text("a,b\\n1,2\\n3,4\\n5,6\\n")
    ...     [len(piece) for piece in read_chunks(file, rows=2)]
    [2, 1]
    """
    rows = check_whole(rows, "rows")
    with _errors_in_sentences(path, encoding):
        layout = _find_layout(path, separator, encoding)
        names = {*text_columns, *_code_columns(path, layout, decimal)}
        dtype = {name: "str" for name in names if name in layout.names}
        reader = _open_with_pandas(path, layout, decimal, dtype=dtype, chunksize=rows)
    empty = True
    with reader:
        while True:
            with _errors_in_sentences(path, encoding):
                piece = next(reader, None)
            if piece is None or piece.empty:
                break
            empty = False
            yield piece
    if empty:
        raise _no_rows(path)

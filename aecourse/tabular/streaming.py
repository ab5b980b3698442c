"""A table that comes through standard input, read as it arrives."""

import re
import select
from collections.abc import Collection, Iterator
from typing import Any, BinaryIO

import pandas as pd

from aecourse._support.files import temporary_folder
from aecourse.tabular.reading import open_table

__all__ = ["arriving_pieces"]

NAME = "standard input"
_BLOCK = 1 << 16  # bytes read at a time
_MOST_BYTES = 1 << 22  # of a piece, while more is waiting
_MOST_RECORD = 1 << 26  # bytes without the end of a row
_MOST_ROWS = 50_000  # of a piece


def arriving_pieces(
    stream: BinaryIO, text_columns: Collection[str] = (), **options: Any
) -> Iterator[pd.DataFrame]:
    """Read a CSV table from a stream, and yield its rows as soon as they are complete.

    Parameters
    ----------
    stream : binary file
        What has arrived of it is read at once; it may be endless.
    text_columns : collection of str
        Columns to read as text.
    **options
        As for `open_table`.

    Yields
    ------
    pandas.DataFrame
        One row or more. Its index counts the rows of the whole table.

    Raises
    ------
    ValueError
        If the text cannot be read as a table. Rows before the fault were yielded already.

    Examples
    --------
    >>> import io
    >>> stream = io.BytesIO(b"a,b\\n1,2\\n3,4\\n")
    >>> pd.concat(arriving_pieces(stream)).to_dict("list")
    {'a': [1, 3], 'b': [2, 4]}
    """
    records = _whole_records(stream)
    waiting = next(records, b"")
    if b"\0" in waiting:
        raise ValueError(
            f"{NAME} is packed, or not a CSV table, and cannot be read as it arrives. Unpack it first, for "
            "example with zcat, or name a file for the scores: -o FILE."
        )
    top = b""  # stands above each piece, so that each can be read as a table
    if options.get("header") is not False:
        while not (end := _end_of_header(waiting)) and (block := next(records, b"")):
            waiting += block
        top, waiting = waiting[:end], waiting[end:]
    n_rows = n_lines = 0
    while True:
        if waiting.strip():
            for piece in _read(top + waiting, n_lines, text_columns, options):
                piece.index = piece.index - piece.index[0] + n_rows
                n_rows += len(piece)
                yield piece
            n_lines += waiting.count(b"\n")
            waiting = b""
            if top:
                options["header"] = True  # the first rows have shown that it is one
        block = next(records, None)
        if block is None:
            break
        waiting += block
    if not n_rows:
        next(_read(top + waiting, 0, text_columns, options))  # says what is missing


def _whole_records(stream: BinaryIO) -> Iterator[bytes]:
    """Yield what has arrived, up to the end of a row; at last also a row that does not end."""
    buffer = b""
    while block := _arrived(stream):
        buffer += block
        while len(buffer) < _MOST_BYTES and _more_is_waiting(stream) and (block := _arrived(stream)):
            buffer += block
        end = _end_of_last_record(buffer)
        if end:
            yield buffer[:end]
            buffer = buffer[end:]
        elif len(buffer) > _MOST_RECORD:
            raise ValueError(f"{NAME} has a row without end: a quotation mark is not closed. Close it.")
    if buffer:
        yield buffer


def _arrived(stream: Any) -> bytes:
    """Wait until something has arrived and return it; nothing at the end of the stream."""
    return stream.read1(_BLOCK)


def _more_is_waiting(stream: BinaryIO) -> bool:
    try:
        return bool(select.select([stream.fileno()], [], [], 0)[0])
    except (OSError, ValueError):  # not a pipe, or a system that cannot say
        return False


def _end_of_last_record(text: bytes) -> int:
    """Return where the last complete row ends: at a line end that is not between quotation marks."""
    n_marks, end = text.count(b'"'), len(text)
    while (place := text.rfind(b"\n", 0, end)) >= 0:
        n_marks -= text.count(b'"', place, end)
        if n_marks % 2 == 0:
            return place + 1
        end = place
    return 0


def _end_of_header(text: bytes) -> int:
    """Return where the line of names ends, or 0; a line that says the separator may stand above it."""
    place = 0
    for _ in range(2 if re.match(rb'(\xef\xbb\xbf)?"?sep=', text, re.IGNORECASE) else 1):
        line_end = text.find(b"\n", place)
        while line_end >= 0 and text.count(b'"', place, line_end) % 2:
            line_end = text.find(b"\n", line_end + 1)
        if line_end < 0:
            return 0
        place = line_end + 1
    return place


def _read(
    content: bytes, lines_before: int, text_columns: Collection[str], options: dict[str, Any]
) -> Iterator[pd.DataFrame]:
    """Read a piece like a file of its own; errors count the lines of the whole stream."""
    with temporary_folder() as folder:
        path = folder / "piece.csv"
        path.write_bytes(content)
        try:
            with open_table(path, **options) as table:
                yield from table.pieces(_MOST_ROWS, text_columns)
        except ValueError as error:
            words = str(error).replace(str(path), NAME)
            words = re.sub(r"\bline (\d+)", lambda found: f"line {int(found[1]) + lines_before}", words)
            raise ValueError(words) from error

"""Count the rows of a CSV file and the fields of each, before pandas reads it.

pandas silently fills a row that is too short, and some versions of it cut one that is too long. So each row
is counted here: whole blocks at a time with NumPy, and by Python's own reader from the first block on in
which quotation marks stand inside of fields, where counting marks is not enough.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

__all__ = ["Count", "count_rows", "first_record"]

BLOCK = 1 << 17  # bytes: small enough for the processor's cache
LONGEST_ROW = 1 << 24  # bytes; longer only if a quotation mark is not closed
MOST_REMEMBERED = 5  # rows of another length whose lines are remembered

_QUOTE, _ZERO, _SPACE, _LF, _CR = b'"0 \n\r'


@dataclass
class Count:
    """What was counted in a CSV file below its header.

    Attributes
    ----------
    n_rows : int
        Number of rows, blank lines apart; in a table of one column a blank line is a row.
    n_short, n_long : int
        Number of rows with fewer, or more, fields than there are names.
    odd : list of (int, int)
        Line and number of fields of the first of these rows.
    most : int
        Largest number of fields of a row.
    last_is_short : bool
        Whether the last row is one of them, as in a file that was cut off.
    codes : set of int
        Positions of the columns in which a number begins with a zero, as in 007.
    zero_line : int
        The first line with a zero byte, as no text has; 0 if there is none.
    open_line : int
        The line in which a quotation begins that is never closed; 0 if there is none.

    Examples
    --------
    >>> Count(n_rows=3, n_short=1, odd=[(4, 1)]).n_long
    0
    """

    n_rows: int = 0
    n_short: int = 0
    n_long: int = 0
    odd: list[tuple[int, int]] = field(default_factory=list)
    most: int = 0
    last_is_short: bool = False
    codes: set[int] = field(default_factory=set)
    zero_line: int = 0
    open_line: int = 0

    def add_odd(self, line: int, n_fields: int, n_names: int) -> None:
        """Count one row of another length.

        Parameters
        ----------
        line : int
            Its line in the file.
        n_fields, n_names : int
            The number of fields found, and the number expected.
        """
        self.n_short += n_fields < n_names
        self.n_long += n_fields > n_names
        self.most = max(self.most, n_fields)
        if len(self.odd) < MOST_REMEMBERED:
            self.odd.append((line, n_fields))


def first_record(text: str, separator: str) -> tuple[list[str], int, int]:
    """Read the first line that is not blank; a quoted field may contain line ends.

    Parameters
    ----------
    text : str
        The beginning of a file.
    separator : str
        The sign between fields.

    Returns
    -------
    fields : list of str
        Without surrounding blanks; empty if there are none.
    n_lines : int
        Number of lines read.
    n_bytes : int
        Their length in UTF-8.

    Examples
    --------
    >>> first_record("\\na, b\\n1,2\\n", ",")
    (['a', 'b'], 2, 6)
    """
    read: list[str] = []

    def lines() -> Iterator[str]:
        for line in io.StringIO(text, newline=""):
            read.append(line)
            yield line

    try:
        for record in csv.reader(lines(), delimiter=separator, skipinitialspace=True):
            if any(each.strip() for each in record):
                return [each.strip() for each in record], len(read), len("".join(read).encode())
    except csv.Error:
        pass
    return [], len(read), len("".join(read).encode())


def count_rows(path: Path, start: int, line: int, separator: str, n_names: int) -> Count:
    """Count the rows of a file, and the fields of each.

    Parameters
    ----------
    path : pathlib.Path
        A text in UTF-8.
    start, line : int
        Where the rows begin: the position in bytes, and the number of the line.
    separator : str
        The sign between fields.
    n_names : int
        How many fields a row should have.

    Returns
    -------
    Count

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "table.csv"
    ...     _ = file.write_text("1,07\\n2\\n3,'x'\\n")
    ...     count = count_rows(file, 0, 1, ",", 2)
    >>> count.n_rows, count.odd, count.codes
    (3, [(2, 1)], {1})
    """
    count = Count()
    with open(path, "rb") as file:
        file.seek(start)
        rest = b""
        if len(separator.encode()) > 1:  # not one byte
            _count_with_csv(file, rest, count, line, separator, n_names)
            return count
        while True:
            block = file.read(max(BLOCK, len(rest)))
            data = rest + block
            if not data:
                return count
            counted = _count_block(data, not block, count, line, separator, n_names)
            if counted is None:
                _count_with_csv(file, data, count, line, separator, n_names)
                return count
            used, lines = counted
            rest, line = data[used:], line + lines
            if not block or len(rest) > LONGEST_ROW:
                count.open_line = line if rest else 0
                return count


def _count_block(
    data: bytes, is_last: bool, count: Count, line: int, separator: str, n_names: int
) -> tuple[int, int] | None:
    """Count the whole rows of a block; return how many bytes and lines they have.

    None means that quotation marks are used in a way that only a reader of CSV files understands.
    """
    if is_last and data[-1:] not in (b"\n", b"\r"):
        data += b"\n"
    text = np.frombuffer(data, np.uint8)
    ends = text == _LF
    if b"\r" in data:  # ends a line if no line feed follows, which may come with the next block
        ends = ends | ((text == _CR) & (np.append(text[1:], 0 if is_last else _LF) != _LF))
    separators = text == ord(separator)
    line_ends = np.flatnonzero(ends)
    if b'"' in data:
        inside = _inside_quotes(text, ends | separators | (text == _CR))
        if inside is None:
            return None
        ends, separators = ends & ~inside, separators & ~inside
    row_ends = np.flatnonzero(ends)
    if not row_ends.size:
        return 0, 0
    used = int(row_ends[-1]) + 1
    row_starts = np.append(0, row_ends[:-1] + 1)
    stops = np.flatnonzero((ends | separators)[:used])  # of the fields
    last_field = np.searchsorted(stops, row_ends)
    n_fields = np.diff(last_field, prepend=-1)
    if not count.zero_line and b"\0" in data:
        count.zero_line = line + int(np.searchsorted(line_ends, data.index(b"\0")))
    count.n_rows += row_ends.size
    last = row_ends.size - 1
    blank = set()
    for row in np.flatnonzero(n_fields != n_names):
        if data[row_starts[row] : row_ends[row]].strip(b" \t\r\n"):
            at = line + int(np.searchsorted(line_ends, row_starts[row]))
            count.add_odd(at, int(n_fields[row]), n_names)
        else:
            blank.add(int(row))
    count.n_rows -= len(blank)
    while last in blank:
        last -= 1
    if last >= 0:
        count.last_is_short = bool(n_fields[last] < n_names)
    _note_codes(text, stops, last_field, count)
    return used, int(np.searchsorted(line_ends, used))


def _inside_quotes(text: NDArray[np.uint8], borders: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    """Say which bytes lie between quotation marks, if all marks enclose whole fields or are doubled."""
    marks = text == _QUOTE
    inside = np.cumsum(marks, dtype=np.int32) & 1 == 1
    places = np.flatnonzero(marks)
    opening = inside[places]
    before, after = np.append(True, borders | marks)[places], np.append(borders | marks, True)[places + 1]
    return inside if bool(np.where(opening, before, after).all()) else None


def _note_codes(text: NDArray[np.uint8], stops: NDArray, last_field: NDArray, count: Count) -> None:
    """Find the columns with numbers such as 007: a zero and more digits, and nothing else."""
    starts = np.append(0, stops[:-1] + 1)
    while (padded := _is_padding(text[starts]) & (starts < stops)).any():  # before the first digit
        starts = starts + padded
    fields = np.flatnonzero((text[starts] == _ZERO) & (starts + 1 < stops))
    fields = fields[_are_digits(text[starts[fields] + 1])]
    if not fields.size:
        return
    row = np.searchsorted(last_field, fields)
    column = fields - np.append(0, last_field[:-1] + 1)[row]
    new = ~np.isin(column, list(count.codes))
    fields, column = fields[new], column[new]
    if fields.size:  # marks and blanks do no harm: with them inside, the column is one of texts anyway
        other = np.append(0, np.cumsum(~(_are_digits(text) | _is_padding(text))))
        only_digits = other[stops[fields]] == other[starts[fields]]
        count.codes.update(np.unique(column[only_digits]).tolist())


def _is_padding(text: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return (text == _SPACE) | (text == _QUOTE) | (text == _CR)


def _are_digits(text: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return text - np.uint8(_ZERO) < 10  # unsigned: what is smaller wraps around


def _count_with_csv(
    file: BinaryIO, data: bytes, count: Count, line: int, separator: str, n_names: int
) -> None:
    """Count the rest of a file with Python's reader, which knows every use of quotation marks."""
    raw = io.BufferedReader(_Joined(io.BytesIO(data), file))
    text = io.TextIOWrapper(raw, encoding="utf-8", errors="replace", newline="")
    last = ""

    def each_line() -> Iterator[str]:
        nonlocal last
        for each in text:
            last = each
            yield each

    reader = csv.reader(each_line(), delimiter=separator, skipinitialspace=True)
    at = line
    try:
        for record in reader:
            if len(record) == n_names or n_names == 1 or last.strip():  # not a blank line
                _count_record(record, at, count, n_names)
            at = line + reader.line_num
    except csv.Error:  # a field of more than 100 kB
        count.open_line = at


def _count_record(record: list[str], at: int, count: Count, n_names: int) -> None:
    count.n_rows += 1
    n_fields = max(len(record), 1)  # a blank line is an empty value
    count.last_is_short = n_fields < n_names
    if n_fields != n_names:
        count.add_odd(at, n_fields, n_names)
    for place, each in enumerate(record):
        if not count.zero_line and "\0" in each:
            count.zero_line = at
        if each[:1] == "0" and each[1:].rstrip(" ").isdecimal():
            count.codes.add(place)


class _Joined(io.RawIOBase):
    """Some bytes, and after them the rest of a file."""

    def __init__(self, *parts: BinaryIO) -> None:
        self._parts = list(parts)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while self._parts:
            block = self._parts[0].read(len(buffer))
            if block:
                buffer[: len(block)] = block
                return len(block)
            self._parts.pop(0)
        return 0

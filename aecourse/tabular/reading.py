"""Read a table from a file with the faults that such files have.

The separator, the header and the number of fields in each row are found from the file. What could be read in
two ways is refused with a sentence that says what to do.
"""

import csv
import io
import os
import re
import warnings
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO, Protocol

import pandas as pd

from aecourse._support.checks import check_whole
from aecourse.tabular.columnar import Columnar
from aecourse.tabular.lines import Count, count_rows, first_record
from aecourse.tabular.sources import Source, first_bytes, first_few, open_source, refuse_repeated, too_large

__all__ = ["Reading", "Table", "open_table", "read_chunks", "read_csv"]

SEPARATORS = (",", ";", "\t", "|")
RAGGED = ("refuse", "keep")

_HEAD_BYTES = 1 << 16
_MOST_HEAD_BYTES = 1 << 26
_HEAD_ROWS = 200  # rows with which the first line is compared
_SEPARATOR_LINE = re.compile(r'"?sep=([^"\r\n])"?(\r\n|\n|\r)', re.IGNORECASE)  # as Excel writes and reads
_ZERO_BYTES = (
    "it contains zero bytes. Export the table as CSV in UTF-8, or name its encoding, such as --encoding "
    "utf-16-le."
)
# What pandas takes for a missing value. In a column of texts only an empty one is: None may name a class.
_MISSING = ["", " ", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN"]
_MISSING += ["<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"]


class Table(Protocol):
    """A table that is open for reading.

    Attributes
    ----------
    name : str
        What the user calls it.
    names : list of str
        Its columns.
    n_rows : int
        Number of its rows.
    notes : list of str
        What was noticed in the file.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
    ...     _ = file.write("a,b\\n1,2\\n3,4\\n")
    ...     file.flush()
    ...     with open_table(file.name) as table:
    ...         table.n_rows, table.names
    (2, ['a', 'b'])
    """

    name: str
    names: list[str]
    n_rows: int
    notes: list[str]

    def sha256(self) -> str:
        """Return the SHA-256 of the file as the user has it.

        Returns
        -------
        str
            64 hexadecimal digits.
        """
        ...

    def read(self) -> pd.DataFrame:
        """Read the whole table.

        Returns
        -------
        pandas.DataFrame of shape (n_rows, columns)
        """
        ...

    def pieces(self, rows: int, text_columns: Collection[str] = ()) -> Iterator[pd.DataFrame]:
        """Read the table in pieces.

        Parameters
        ----------
        rows : int
            Number of rows per piece.
        text_columns : collection of str
            Columns to read as text.

        Yields
        ------
        pandas.DataFrame
            Its index counts the rows of the whole table.
        """
        ...


@dataclass(frozen=True)
class Reading:
    """How the file of a table is read; None leaves it to be found from the file. See `open_table`.

    Attributes
    ----------
    separator, encoding, header, ragged, sheet
        As for `open_table`.

    Raises
    ------
    ValueError
        If a value is not of the kind that it must be.

    Examples
    --------
    >>> Reading(separator=";").or_else(Reading(sheet="May", separator=","))
    Reading(separator=';', encoding=None, header=None, ragged=None, sheet='May')
    """

    separator: str | None = None
    encoding: str | None = None
    header: bool | None = None
    ragged: str | None = None
    sheet: str | None = None

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            kind = bool if name == "header" else str
            if value is not None and not isinstance(value, kind):
                raise ValueError(f"{name} must be a {kind.__name__} or None; found {value!r}.")

    def or_else(self, other: "Reading") -> "Reading":
        """Return these choices, and those of another where there is none.

        Parameters
        ----------
        other : Reading
            The others.

        Returns
        -------
        Reading
        """
        mine = {name: value for name, value in asdict(self).items() if value is not None}
        return Reading(**(asdict(other) | mine))

    def options(self) -> dict[str, Any]:
        """Return the choices as keyword arguments of `open_table`.

        Returns
        -------
        dict
        """
        return asdict(self) | {"ragged": self.ragged or "refuse"}


@dataclass(frozen=True)
class _Layout:
    """How a CSV file is to be read."""

    separator: str
    names: list[str]
    start: int  # of the rows, in bytes
    line: int  # of the first row
    notes: list[str]


def _wrong_encoding(name: str, error: UnicodeDecodeError) -> ValueError:
    return ValueError(
        f"{name} is not in UTF-8 (byte {error.object[error.start]:#04x} cannot be read). Save it as UTF-8, "
        "or name its encoding, often 'cp1252': encoding= or --encoding."
    )


def _read_head(source: Source, n_bytes: int) -> str:
    """Return the beginning of a text."""
    head = first_bytes(source.path, n_bytes)
    if b"\0" in head:
        raise ValueError(f"{source.name} is not a CSV file: {_ZERO_BYTES}")
    try:
        # the last character of the head may be cut in two
        return head[: _end_of_last_character(head)].decode() if len(head) == n_bytes else head.decode()
    except UnicodeDecodeError as error:
        raise _wrong_encoding(source.name, error) from error


def _end_of_last_character(head: bytes) -> int:
    """Return where the last character of a text in UTF-8 begins: bytes 0x80 to 0xbf continue one."""
    end = len(head) - 1
    while end > len(head) - 4 and 0x80 <= head[end] < 0xC0:
        end -= 1
    return end


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _column_names(fields: list[str], name: str) -> list[str]:
    """Return the fields of the first line if they can serve as column names."""
    if len(fields) > 1 and fields[0] == "":
        fields = ["row number", *fields[1:]]  # as pandas and R write a table's index
    if "" in fields:
        raise ValueError(
            f"{name}: column {fields.index('') + 1} has no name. Give every column a name in the first line."
        )
    refuse_repeated(fields, f"{name}: ")
    return fields


def _why_no_header(fields: list[str], rows: list[list[str]]) -> str | None:
    """Return why the first line seems to contain values instead of names."""
    numbers = [each for each in fields if _is_number(each)]
    if numbers and not _count_on(numbers):
        return f"contains numbers, such as {numbers[0]!r}"
    columns = [[row[place] for row in rows if len(row) == len(fields)] for place in range(len(fields))]
    for each, column in zip(fields, columns, strict=True):
        form = re.sub(r"\d", "9", each)
        if "9" in form and not _is_number(each) and len(column) >= 3:
            if sum(re.sub(r"\d", "9", value.strip()) == form for value in column) >= 0.95 * len(column):
                return f"contains {each!r}, written like the values below it"
    texts = [(each, column) for each, column in zip(fields, columns, strict=True) if not _is_number(each)]
    numeric = any(sum(map(_is_number, column)) > 0.5 * len(column) for _, column in texts)
    if numeric and fields in [[each.strip() for each in row] for row in rows]:
        return None  # the names stand once more among numbers, which is said when the rows are known
    if texts and all(each in map(str.strip, column) for each, column in texts):
        return f"contains {first_few([each for each, _ in texts], 3)}, which recur below"
    return None


def _count_on(numbers: list[str]) -> bool:
    """Whether numbers are names: 0, 1, 2 … or 1, 2, 3 …, as programs write them, or years in their order."""
    if len(numbers) < 2 or not all(each.isdecimal() for each in numbers):
        return False
    values = [int(each) for each in numbers]
    steps = {later - earlier for earlier, later in zip(values, values[1:], strict=False)}
    years = all(1900 <= value <= 2100 for value in values)
    return len(steps) == 1 and (steps == {1} and values[0] in (0, 1) or years and steps != {0})


def _find_layout(source: Source, separator: str | None, header: bool | None) -> _Layout:
    """Find the layout of a CSV file from its beginning."""
    n_bytes = _HEAD_BYTES
    while True:
        text = _read_head(source, n_bytes)
        start = 3 if text.startswith("\ufeff") else 0  # the mark that spreadsheets put in front
        text = text.removeprefix("\ufeff")
        if not text.strip():
            raise ValueError(
                f"{source.name} is empty. It must hold a line with the names of the columns, and rows."
            )
        line, said = 1, _SEPARATOR_LINE.match(text)
        if said:
            text, start, line = text[said.end() :], start + len(said[0].encode()), 2
            separator = separator or said[1]
        separator = _find_separator(source.name, text, separator)
        fields, n_lines, n_read = first_record(text, separator)
        whole = n_read < len(text.encode()) or n_bytes >= source.path.stat().st_size
        if whole or n_bytes >= _MOST_HEAD_BYTES:
            break
        n_bytes *= 8  # the first line is longer
        separator = None if not said else said[1]
    if not fields:
        raise ValueError(f"{source.name}: its first line cannot be read. Put the names of the columns there.")
    if header is False:
        names = [f"column {place + 1}" for place in range(len(fields))]
        return _Layout(separator, names, start, line, [])
    notes = _why_one_column(fields, text)
    if header is None:
        rows = _some_rows(text.encode()[n_read:].decode(), separator)
        why = _why_no_header(fields, rows)
        if why:
            raise ValueError(
                f"{source.name} seems to have no header: its first line {why}. Put a line with the names "
                "of the columns on top, or say what it is: header=False or --no-header if it is a row, "
                "header=True or --header if it contains names."
            )
        if any(map(_is_number, fields)):
            numbers = [each for each in fields if _is_number(each)]
            notes.append(
                f"The first line contains {first_few(numbers, 3)}, which were taken for names of columns; if "
                "it is a row: header=False or --no-header."
            )
    return _Layout(separator, _column_names(fields, source.name), start + n_read, line + n_lines, notes)


def _why_one_column(fields: list[str], text: str) -> list[str]:
    """Say that another sign may separate fields, if all lines of the only column hold one."""
    lines = [line.strip() for line in text.splitlines()[:20] if line.strip()]
    if len(fields) != 1 or len(lines) < 2:
        return []
    for sign in (":", "~", "^", " "):
        if all(sign in line for line in lines):
            advice = f"separator={sign!r} or --separator {sign!r}" if sign != " " else "write commas there"
            what = repr(sign) if sign != " " else "blanks"
            return [
                f"There is only one column, and all lines hold {what}. If these separate fields: {advice}."
            ]
    return []


def _find_separator(name: str, text: str, separator: str | None) -> str:
    """Return the sign that divides the first line into the most fields, unless one is given."""
    n_fields = {each: len(first_record(text, each)[0]) for each in SEPARATORS}
    best = max(SEPARATORS, key=n_fields.__getitem__)
    if separator is None:
        return best
    if len(separator) != 1 or separator in '"\r\n':
        raise ValueError(f"separator must be one character, such as ';'; found {separator!r}.")
    if len(first_record(text, separator)[0]) == 1 < n_fields[best]:
        raise ValueError(
            f"{name} has one column with the separator {separator!r}, but {n_fields[best]} "
            f"with {best!r}. Pass the right one, or leave it out: it is found from the first line."
        )
    return separator


def _some_rows(text: str, separator: str) -> list[list[str]]:
    rows = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True):
            if any(row):
                rows.append(row)
            if len(rows) == _HEAD_ROWS:
                break
    except csv.Error:
        pass
    return rows


class _Text:
    """A CSV file that is open for reading, see `Table`."""

    def __init__(
        self, source: Source, separator: str | None, decimal: str, header: bool | None, ragged: str
    ) -> None:
        layout = _find_layout(source, separator, header)
        if decimal not in (".", ",") or decimal == layout.separator:
            raise ValueError(
                "decimal must be '.' or ',', and differ from the separator; found the decimal sign "
                f"{decimal!r} and the separator {layout.separator!r}."
            )
        self.name, self.names = source.name, layout.names
        self._source, self._layout, self._decimal = source, layout, decimal
        count = count_rows(source.path, layout.start, layout.line, layout.separator, len(layout.names))
        self.n_rows = count.n_rows
        self.notes = [*layout.notes, *_check_count(self.name, count, len(self.names), ragged)]
        self._codes = [self.names[place] for place in sorted(count.codes) if place < len(self.names)]
        # pandas refuses rows with more fields than it knows names
        self._surplus = [f"\0{place}" for place in range(count.most - len(self.names))]

    def sha256(self) -> str:
        return self._source.sha256()

    def read(self) -> pd.DataFrame:
        with _errors_in_sentences(self.name), open(self._source.path, "rb") as file:
            table = self._with_pandas(file, self.names, self._codes)
            texts = [
                name
                for name in self.names
                if not pd.api.types.is_numeric_dtype(table[name]) and table[name].hasnans
            ]
            if texts:  # once more: here None, NA and the like may be names
                again = self._with_pandas(file, texts, texts)
                for name in texts:
                    table[name] = again[name]
        if table.empty:  # the only row below was the mark of an encoding, which pandas does not read
            raise _without_rows(self.name)
        return table

    def pieces(self, rows: int, text_columns: Collection[str] = ()) -> Iterator[pd.DataFrame]:
        some = False
        with open(self._source.path, "rb") as file:
            with _errors_in_sentences(self.name):
                reader = self._with_pandas(file, self.names, {*self._codes, *text_columns}, chunksize=rows)
            while True:
                with _errors_in_sentences(self.name):
                    piece = next(reader, None)
                if piece is None or piece.empty:
                    break
                some = True
                yield piece
        if not some:
            raise _without_rows(self.name)

    def _with_pandas(
        self, file: BinaryIO, names: Sequence[str], texts: Collection[str], **options: object
    ) -> Any:
        """Call pandas with everything decided."""
        file.seek(self._layout.start)
        return pd.read_csv(
            file,
            sep=self._layout.separator,
            decimal=self._decimal,
            encoding="utf-8",
            header=None,
            names=[*self.names, *self._surplus],
            usecols=list(names),
            index_col=False,
            dtype={name: "str" for name in names if name in texts},
            keep_default_na=False,
            na_values={name: [""] if name in texts else _MISSING for name in names},
            skipinitialspace=True,
            skip_blank_lines=len(self.names) > 1,
            low_memory=False,
            **options,
        )


def _without_rows(name: str) -> ValueError:
    return ValueError(f"{name} has a line of names, but no rows below it.")


def _check_count(name: str, count: Count, n_names: int, ragged: str) -> list[str]:
    """Refuse a file whose rows cannot be read as they stand; return notes on what is read all the same."""
    if count.zero_line:
        raise ValueError(f"{name}, line {count.zero_line}, is not text: {_ZERO_BYTES}")
    if count.open_line:
        raise ValueError(
            f"{name}, line {count.open_line}: a quotation mark is not closed, or a field is too long to be "
            "one. Close it, or double a mark that belongs to the text."
        )
    if not count.n_rows:
        raise _without_rows(name)
    n_odd = count.n_short + count.n_long
    if not n_odd:
        return []
    shown = ", ".join(f"line {line} has {n}" for line, n in count.odd) + (
        ", …" if n_odd > len(count.odd) else ""
    )
    if ragged == "keep":
        return [
            f"{n_odd:,} of {count.n_rows:,} rows do not have {n_names} fields ({shown}). As you asked, "
            f"{count.n_short:,} short ones were filled with missing values, {count.n_long:,} long ones cut."
        ]
    if n_odd == 1 and count.last_is_short:
        what = (
            f"was probably cut off, or ends in a remark: its last row does not have {n_names} fields "
            f"({shown}). Copy it again, or remove the remark"
        )
    elif n_names == 1 and count.n_long >= 0.5 * count.n_rows:
        what = (
            f"seems to begin with a title or a remark, and not with the names of the columns: its first "
            f"line has one field, and {count.n_long:,} of {count.n_rows:,} rows have more ({shown}). "
            "Remove the lines above the names"
        )
    elif count.n_long == count.n_rows:
        what = (
            f"has rows with more fields than names: there are {n_names} names ({shown}). Name every column "
            "in the first line, also that of row names; quote fields that contain the separator"
        )
    else:
        what = (
            f"has {n_odd:,} of {count.n_rows:,} rows that do not have {n_names} fields, as many as there "
            f"are names ({shown}). Look at these lines: does a field hold an unquoted separator?"
        )
    end = "" if what.endswith("?") else "."
    raise ValueError(
        f"{name} {what}{end} To fill short rows with missing values and cut long ones: ragged='keep' or "
        "--ragged keep."
    )


@contextmanager
def _errors_in_sentences(name: str) -> Iterator[None]:
    """Turn pandas's errors into sentences; its warnings of lost fields become errors."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            yield
    except UnicodeDecodeError as error:
        raise _wrong_encoding(name, error) from error
    except (pd.errors.ParserError, pd.errors.ParserWarning, pd.errors.EmptyDataError, csv.Error) as error:
        said = str(error).replace("Error tokenizing data. C error: ", "").strip().rstrip(".")
        raise ValueError(
            f"{name} cannot be read as a table: {said}. Look at that line: is a quotation mark "
            "not closed, or does a field hold the separator?"
        ) from error
    except MemoryError as error:
        raise too_large(name) from error


@contextmanager
def open_table(
    path: str | os.PathLike[str],
    *,
    separator: str | None = None,
    decimal: str = ".",
    encoding: str | None = None,
    header: bool | None = None,
    ragged: str = "refuse",
    sheet: str | None = None,
) -> Iterator[Table]:
    """Open a table in a file or pipe, and count its rows.

    Parameters
    ----------
    path : path-like
        A text with one row per line (CSV), packed with gz, bz2, xz or zip if you like, a Parquet or Arrow
        file, or a spreadsheet (.xlsx). ``-`` is standard input.
    separator : str, optional
        One character. If it is not given, the one of comma, semicolon, tab and bar that divides the first
        line into the most fields.
    decimal : {'.', ','}
        The decimal sign of the numbers.
    encoding : str, optional
        If it is not given, UTF-8, or UTF-16 if the first bytes of the file say so.
    header : bool, optional
        Whether the first line names the columns. If it is not given, it must look like it; False calls them
        ``column 1``, ``column 2`` and so on.
    ragged : {'refuse', 'keep'}
        What to do if rows have fewer or more fields than there are names. ``keep`` fills short rows with
        missing values and cuts long ones, and says so in the notes.
    sheet : str, optional
        The sheet of a spreadsheet that has several.

    Yields
    ------
    Table
        It can be read several times, until the ``with`` block ends.

    Raises
    ------
    OSError
        If the file cannot be opened.
    ValueError
        If it is empty, is of another kind, has another encoding, no header, repeated names or ragged rows.

    Examples
    --------
    >>> import gzip, tempfile
    >>> with tempfile.NamedTemporaryFile(suffix=".csv.gz") as file:
    ...     _ = file.write(gzip.compress(b"a;b\\n1;2\\n3\\n"))
    ...     file.flush()
    ...     with open_table(file.name, ragged="keep") as table:
    ...         print(table.read().to_string(index=False))
    a   b
    1 2.0
    3 NaN
    """
    if ragged not in RAGGED:
        raise ValueError(f"ragged must be 'refuse' or 'keep'; found {ragged!r}.")
    with open_source(path, encoding=encoding, sheet=sheet) as source:
        if source.kind == "text":
            yield _Text(source, separator, decimal, header, ragged)
        else:
            yield Columnar(source)


def read_csv(
    path: str | os.PathLike[str],
    *,
    separator: str | None = None,
    decimal: str = ".",
    encoding: str | None = None,
    header: bool | None = None,
    ragged: str = "refuse",
) -> pd.DataFrame:
    """Read a whole table.

    Parameters
    ----------
    path : path-like
        The file, see `open_table`.
    separator, decimal, encoding, header, ragged
        As for `open_table`.

    Returns
    -------
    pandas.DataFrame
        One row per line, with the types that pandas finds. An unnamed first column is called ``row number``.
        In a column of texts only an empty one is missing: ``None`` and ``NA`` may name a class.

    Raises
    ------
    OSError, ValueError
        As for `open_table`.

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
    with open_table(
        path, separator=separator, decimal=decimal, encoding=encoding, header=header, ragged=ragged
    ) as table:
        return table.read()


def read_chunks(
    path: str | os.PathLike[str],
    rows: int = 50_000,
    *,
    text_columns: Sequence[str] = (),
    separator: str | None = None,
    decimal: str = ".",
    encoding: str | None = None,
    header: bool | None = None,
    ragged: str = "refuse",
) -> Iterator[pd.DataFrame]:
    """Read a table in pieces, so that memory does not grow with the file.

    Parameters
    ----------
    path : path-like
        The file, see `open_table`.
    rows : int
        Number of rows per piece.
    text_columns : sequence of str
        Columns to read as text, even in a piece in which all their values look like numbers.
    separator, decimal, encoding, header, ragged
        As for `open_table`.

    Yields
    ------
    pandas.DataFrame
        At most ``rows`` rows. The index counts the rows of the whole file.

    Raises
    ------
    OSError, ValueError
        As for `open_table`, before the first piece.

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
    with open_table(
        path, separator=separator, decimal=decimal, encoding=encoding, header=header, ragged=ragged
    ) as table:
        yield from table.pieces(rows, text_columns)

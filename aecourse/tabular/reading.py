"""A table as people have it: read a CSV with its dirt, choose rows by a query, turn columns into numbers.

Three steps, each of which either handles what it finds and says so, or refuses with a sentence on what to do:

- :func:`read_csv` (and :func:`read_chunks`, for tables larger than memory) finds the encoding and the
  separator, and refuses files that could be read in two ways;
- :class:`Query` selects rows by comparisons such as ``"label == 'normal' and age > 3"``. It evaluates
  nothing else: no call, no attribute, no variable;
- :class:`Preparation` learns from normal rows how each column becomes numbers, and keeps it as plain JSON.
"""

import ast
import codecs
import csv
import difflib
import io
import operator
import re
import warnings
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

__all__ = ["Column", "Preparation", "Query", "read_chunks", "read_csv"]

SEPARATORS = (",", ";", "\t", "|")
MAX_CATEGORIES = 20  # more distinct texts than this: the most frequent, and one column for all others
MIN_PARSED = 0.8  # a text column counts as numbers, or dates, when so many of its values can be read as such
MIN_MARKED = 0.05  # where so many training rows lack a value, a feature of its own says which rows do
FAR = 1e300  # stands for an infinite value: finite, and far outside of any range

_HEAD = 1 << 16
_SPECIAL = (  # first bytes of files that are no text
    (b"PK\x03\x04", "a zip archive or a spreadsheet; export the sheet as CSV"),
    (b"\x1f\x8b", "compressed; unpack it first"),
    (b"%PDF", "a PDF; export the table as CSV"),
    (b"PAR1", "a Parquet file; read it with pandas.read_parquet and write a CSV"),
)
_MISSING_AS_CATEGORY = "(missing)"
_OTHER_AS_CATEGORY = "(other)"
_DECIMAL_COMMA = r"[-+]?\d+,\d+"
_DAY_MONTH = r"\d{1,2}[./-]\d{1,2}[./-]\d{2,4}(?:[ T].*)?"
_ISO_DATE = r"\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}.*)?"


# ---------------------------------------------------------------------------- reading


def _encoding_of(head, path, encoding):
    """Return the encoding to read with, from what the first bytes say."""
    for start, what in _SPECIAL:
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
        raise ValueError(f"{path} is no CSV: it holds zero bytes. Export the table as CSV in UTF-8.")
    return "utf-8-sig"  # UTF-8, with or without the mark that spreadsheets put in front


def _bad_encoding(path, encoding, error):
    return ValueError(
        f"{path} is not in {encoding.removesuffix('-sig').upper()} (byte "
        f"{error.object[error.start]:#04x} cannot be read). Save it as UTF-8, or name its "
        "encoding, often 'cp1252': encoding= or --encoding."
    )


def _first_record(text, separator):
    """Return the fields of the first line that is not blank; a quoted field may hold line ends."""
    try:
        for record in csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True):
            if any(field.strip() for field in record):
                return [field.strip() for field in record]
    except csv.Error:
        return []
    return []


def _is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True


def _names(fields, path):
    """Return the column names, once they can be told apart."""
    if len(fields) > 1 and fields[0] == "":
        fields = ["row number", *fields[1:]]  # as pandas and R write a table's index
    for place, name in enumerate(fields, start=1):
        if name == "":
            raise ValueError(
                f"{path}: column {place} has no name. Give every column a name in the first line."
            )
    repeated = sorted({name for name in fields if fields.count(name) > 1})
    if repeated:
        raise ValueError(
            f"{path}: {len(repeated)} column names stand more than once: {_some(repeated)}. "
            "Rename the columns so that each name stands once."
        )
    if all(_is_number(name) for name in fields):
        raise ValueError(
            f"{path} seems to have no header: its first line is {_some(fields)}. "
            "Put a line with the names of the columns on top."
        )
    return fields


def _some(values, most=5):
    """Name the first few values."""
    shown = ", ".join(repr(value) for value in list(values)[:most])
    return shown + (f" and {len(values) - most} more" if len(values) > most else "")


def _layout(path, separator, encoding):
    """Return encoding, separator and column names of a CSV, from its first bytes."""
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; name a CSV file.")
    try:
        with open(path, "rb") as file:
            head = file.read(_HEAD)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{path} does not exist. Check the name and the folder.") from error
    encoding = _encoding_of(head, path, encoding)
    try:
        # incremental, because the last character of the head may be cut in two
        text = codecs.getincrementaldecoder(encoding)().decode(head, final=len(head) < _HEAD)
    except UnicodeDecodeError as error:
        raise _bad_encoding(path, encoding, error) from error
    if not text.strip():
        raise ValueError(f"{path} is empty. It must hold a line with the names of the columns, and rows.")
    if "\0" in text:
        raise ValueError(f"{path} is no CSV: it holds zero bytes. Export the table as CSV in UTF-8.")
    found = {each: _first_record(text, each) for each in SEPARATORS}
    best = max(SEPARATORS, key=lambda each: len(found[each]))
    if separator is None:
        separator = best
    elif len(separator) != 1:
        raise ValueError(f"separator must be one character, such as ';'; found {separator!r}.")
    fields = _first_record(text, separator)
    if len(fields) == 1 < len(found[best]):
        raise ValueError(
            f"{path} has one column with the separator {separator!r}, but {len(found[best])} "
            f"with {best!r}. Pass the right one, or none: it is found by itself."
        )
    if not fields:
        raise ValueError(f"{path}: its first line cannot be read. Put the names of the columns there.")
    return encoding, separator, _names(fields, path)


def _open(path, separator, decimal, encoding, **options):
    """Call pandas with everything decided."""
    encoding, separator, names = _layout(path, separator, encoding)
    if decimal not in (".", ",") or decimal == separator:
        raise ValueError(
            f"decimal must be '.' or ',', and not the separator; found {decimal!r} beside the "
            f"separator {separator!r}."
        )
    return pd.read_csv(
        path,
        sep=separator,
        decimal=decimal,
        encoding=encoding,
        header=0,
        names=names,
        index_col=False,
        skipinitialspace=True,
        low_memory=False,
        compression=None,
        **options,
    )


@contextmanager
def _sentences(path, encoding):
    """Turn pandas's errors into sentences; its warnings of lost fields are errors."""
    encoding = encoding or "utf-8"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            yield
    except UnicodeDecodeError as error:
        raise _bad_encoding(path, encoding, error) from error
    except UnicodeError as error:
        raise ValueError(
            f"{path} cannot be read as {encoding} ({error}). Save it as UTF-8, or name its "
            "encoding: encoding= or --encoding."
        ) from error
    except pd.errors.ParserWarning as error:
        raise ValueError(
            f"{path} has rows with more fields than names in the first line. Quote fields that "
            "hold the separator, or name every column."
        ) from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError, csv.Error) as error:
        said = str(error).replace("Error tokenizing data. C error: ", "").strip().rstrip(".")
        raise ValueError(
            f"{path} cannot be read as a table: {said}. Look at that line: is a quotation mark "
            "not closed, or does a field hold the separator?"
        ) from error
    except MemoryError as error:
        raise ValueError(
            f"{path} does not fit into memory. Cut out the rows to train on, fit on them, and "
            "score the rest with 'aecourse score', which reads it in pieces."
        ) from error


def read_csv(path, *, separator=None, decimal=".", encoding=None):
    """Read a whole CSV file.

    Parameters
    ----------
    path : path-like
        The file. Its first line names the columns.
    separator : str, optional
        One character. Where not given, the one of comma, semicolon, tab and bar that makes most columns of
        the first line.
    decimal : {'.', ','}
        What stands between the whole and the broken part of a number.
    encoding : str, optional
        UTF-8 where not given, or UTF-16 where the file says so in its first bytes.

    Returns
    -------
    pandas.DataFrame
        One row a line, types as pandas finds them. An unnamed first column is called ``row number``.

    Raises
    ------
    OSError
        If the file cannot be opened.
    ValueError
        If it is empty, no text, in another encoding, without header, or has repeated names or ragged rows.

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
    with _sentences(path, encoding):
        table = _open(path, separator, decimal, encoding)
    if table.empty:
        raise ValueError(f"{path} has a line of names, but no rows below it.")
    return table


def read_chunks(path, rows=50_000, *, text_columns=(), separator=None, decimal=".", encoding=None):
    """Read a CSV file in pieces, so that memory does not grow with the file.

    Parameters
    ----------
    path : path-like
        The file.
    rows : int
        Rows of a piece.
    text_columns : sequence of str
        Columns to read as text, so that a piece in which all texts look like numbers is read like the others.
    separator, decimal, encoding
        As for :func:`read_csv`.

    Yields
    ------
    pandas.DataFrame
        At most ``rows`` rows, the index counting on from piece to piece.

    Raises
    ------
    OSError, ValueError
        As :func:`read_csv`; a fault further down raises when its piece is reached.

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
    with _sentences(path, encoding):
        names = _layout(path, separator, encoding)[2]
        dtype = {name: "str" for name in text_columns if name in names}
        reader = _open(path, separator, decimal, encoding, dtype=dtype, chunksize=rows)
    empty = True
    with reader:
        while True:
            with _sentences(path, encoding):
                piece = next(reader, None)
            if piece is None or piece.empty:
                break
            empty = False
            yield piece
    if empty:
        raise ValueError(f"{path} has a line of names, but no rows below it.")


# ---------------------------------------------------------------------------- selecting rows

# A quoted text, a name in backticks, or one of the signs that pandas reads as 'and' and 'or'.
_TOKEN = re.compile(r"""('(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")|`([^`\n]*)`|(&&?|\|\|?)""")
_COMPARE = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_QUERY_HELP = (
    "Write comparisons of columns, such as \"label == 'normal' and age > 3\", joined by and, or, "
    "not; a list after 'in'; a name with spaces in `backticks`."
)


class Query:
    """Select rows of a table by comparisons, and by nothing else.

    The language is the part of ``DataFrame.query`` that only compares: ``== != < <= > >=``, ``in`` and
    ``not in`` a list, ``and or not`` (or ``& | ~`` with brackets), column names, in backticks where they are
    no Python names, texts and numbers. Calls, attributes, variables and arithmetic are refused before any
    table is seen, because ``DataFrame.query`` itself would run them.

    Parameters
    ----------
    text : str
        The query.

    Attributes
    ----------
    text : str
        The query as given.
    columns : tuple of str
        The columns that it names.

    Raises
    ------
    ValueError
        If the text is no such query.

    Examples
    --------
    >>> import pandas as pd
    >>> query = Query("label == 'normal' and `core temperature` < 40")
    >>> query.columns
    ('label', 'core temperature')
    >>> query.select(pd.DataFrame({"label": ["normal", "normal", "odd"], "core temperature": [36, 41, 37]}))
    array([ True, False, False])
    """

    def __init__(self, text):
        self.text = text
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"the query is empty. {_QUERY_HELP}")
        if len(text) > 2000:
            raise ValueError(f"the query has {len(text):,} characters; at most 2,000. {_QUERY_HELP}")
        quoted = []

        def replace(found):
            if found.group(1) is not None:
                return found.group(1)
            if found.group(2) is not None:
                quoted.append(found.group(2))
                return f" _column_{len(quoted) - 1}_ "
            return " and " if found.group(3).startswith("&") else " or "

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of odd escapes in a text; what matters is what it means
                self._tree = ast.parse(_TOKEN.sub(replace, text).strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise ValueError(f"the query {text!r} cannot be read. {_QUERY_HELP}") from error
        self._quoted = {f"_column_{place}_": name for place, name in enumerate(quoted)}
        self._found = []
        self._check(self._tree)
        self.columns = tuple(dict.fromkeys(self._found))
        if not self.columns:
            raise ValueError(f"the query {text!r} names no column. {_QUERY_HELP}")

    def _refuse(self, node):
        raise ValueError(
            f"the query {self.text!r} holds {_node_word(node)}, which is not allowed. {_QUERY_HELP}"
        )

    def _check(self, node):
        """Refuse any part of the tree that is no condition."""
        if isinstance(node, ast.BoolOp):
            for part in node.values:
                self._check(part)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.Invert)):
            self._check(node.operand)
        elif isinstance(node, ast.Compare):
            self._check_comparison(node)
        elif isinstance(node, ast.Name):
            self._found.append(self._column(node))
        else:
            self._refuse(node)

    def _check_comparison(self, node):
        self._check_operand(node.left)
        left = node.left
        for op, right in zip(node.ops, node.comparators, strict=True):
            if isinstance(op, (ast.In, ast.NotIn)):
                if not isinstance(left, ast.Name) or not isinstance(right, (ast.List, ast.Tuple)):
                    raise ValueError(
                        f"the query {self.text!r}: write a column before 'in' and a list after "
                        "it, such as label in ['a', 'b']."
                    )
                for element in right.elts:
                    _constant(element, self._refuse)
            elif type(op) in _COMPARE:
                self._check_operand(right)
            else:
                self._refuse(op)
            left = right

    def _check_operand(self, node):
        if isinstance(node, ast.Name):
            self._found.append(self._column(node))
        else:
            _constant(node, self._refuse)

    def _column(self, node):
        return self._quoted.get(node.id, node.id)

    def select(self, table):
        """Say which rows fulfil the query.

        Parameters
        ----------
        table : pandas.DataFrame of shape (n, columns)
            The table.

        Returns
        -------
        ndarray of bool of shape (n,)
            A missing value fulfils no comparison but ``!=`` and ``not in``, as in pandas.

        Raises
        ------
        ValueError
            If a column is missing, or a comparison makes no sense for it.
        """
        for name in self.columns:
            if name not in table.columns:
                close = difflib.get_close_matches(name, map(str, table.columns), n=1)
                hint = f" Did you mean {close[0]!r}?" if close else ""
                raise ValueError(
                    f"the query {self.text!r} names the column {name!r}, which the table does "
                    f"not have.{hint} It has {_some(list(table.columns), 8)}."
                )
        return self._evaluate(self._tree, table)

    def _evaluate(self, node, table):
        if isinstance(node, ast.BoolOp):
            join = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
            return join.reduce([self._evaluate(part, table) for part in node.values])
        if isinstance(node, ast.UnaryOp):
            return ~self._evaluate(node.operand, table)
        if isinstance(node, ast.Name):
            column = table[self._column(node)]
            if not pd.api.types.is_bool_dtype(column):
                raise ValueError(
                    f"the query {self.text!r} uses the column {self._column(node)!r} as a "
                    "condition, but it does not hold True and False. Compare it with something."
                )
            return _mask(column)
        result = np.ones(len(table), dtype=bool)
        left = node.left
        for op, right in zip(node.ops, node.comparators, strict=True):
            result &= self._compare(op, left, right, table)
            left = right
        return result

    def _compare(self, op, left, right, table):
        if isinstance(op, (ast.In, ast.NotIn)):
            found = _mask(self._operand(left, table).isin([ast.literal_eval(each) for each in right.elts]))
            return found if isinstance(op, ast.In) else ~found
        left, right = self._operand(left, table), self._operand(right, table)
        try:
            found = _COMPARE[type(op)](left, right)
        except TypeError as error:
            raise ValueError(
                f"the query {self.text!r} compares text with numbers. Put texts in quotation "
                "marks, numbers not."
            ) from error
        return np.full(len(table), bool(found)) if np.ndim(found) == 0 else _mask(found)

    def _operand(self, node, table):
        return table[self._column(node)] if isinstance(node, ast.Name) else ast.literal_eval(node)


def _constant(node, refuse):
    """Let a text, a number, True or False pass, a number also with a sign."""
    signed = isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd))
    value = node.operand if signed else node
    kinds = (int, float) if signed else (str, bool, int, float)
    if not isinstance(value, ast.Constant) or not isinstance(value.value, kinds):
        refuse(node)


def _node_word(node):
    words = {
        "Call": "a call",
        "Attribute": "an attribute",
        "Subscript": "an index",
        "BinOp": "arithmetic",
        "Lambda": "a function",
        "JoinedStr": "a formatted text",
        "NamedExpr": "an assignment",
    }
    return words.get(type(node).__name__, f"a {type(node).__name__.lower()}")


def _mask(series):
    return series.fillna(False).to_numpy(dtype=bool) if series.isna().any() else series.to_numpy(dtype=bool)


# ---------------------------------------------------------------------------- columns to numbers


@dataclass(frozen=True)
class Column:
    """What was learned of one column.

    Attributes
    ----------
    name : str
        Its name.
    kind : {'number', 'category', 'date'}
        What it holds. True and False are the numbers 1 and 0.
    low, high : float
        Least and largest number in the rows learned from; 0 for other kinds.
    fill : float
        Median, which stands for a missing number.
    values : tuple of str
        The texts that get a column each.
    other : bool
        Whether there were more texts, which share one column.
    missing : bool
        Whether values were missing in the rows learned from.
    marked : bool
        Whether so many were that a feature of its own says where.
    parts : tuple of str
        What a date is turned into: ``weekday``, ``hour``.
    used : bool
        False for a constant column, which is watched but is no feature.

    Examples
    --------
    >>> Column("age", "number", low=1.0, high=90.0, fill=40.0).features()
    ['age']
    """

    name: str
    kind: str
    low: float = 0.0
    high: float = 0.0
    fill: float = 0.0
    values: tuple = ()
    other: bool = False
    missing: bool = False
    marked: bool = False
    parts: tuple = ()
    used: bool = True

    def features(self):
        """Return the names of the features that the column becomes."""
        if not self.used:
            return []
        if self.kind == "number":
            names = [self.name]
        elif self.kind == "category":
            names = [f"{self.name} = {value}" for value in self.values]
            names += [f"{self.name} = {_OTHER_AS_CATEGORY}"] if self.other else []
        else:
            names = [f"{self.name}: {part}, {wave}" for part in self.parts for wave in ("sine", "cosine")]
        return names + ([f"{self.name} is missing"] if self.marked else [])


class Preparation:
    """How the columns of a table become numbers: learned from normal rows, kept as plain JSON.

    - Numbers stay; a missing one becomes the median. Where at least 5 % of the training rows lack a value, a
      feature of its own says which rows do; a rarer gap would be flagged for nothing but being a gap. Of a
      text column that holds numbers in at least 80 % of its values the others count as missing. An infinite
      value becomes ±1e300, which is far outside.
    - A text column with few distinct texts becomes one column of 0 and 1 for each, at most 20, and one for
      all others.
    - A date, written as 2024-03-01 or 2024-03-01 14:30, becomes weekday and hour, each as a sine and a
      cosine, so that Sunday is next to Monday. The date itself is not used: later ones would all be outside.
    - Left out, with a note: what the caller names, constant columns, copies of other columns, texts that are
      nearly all different, numbers that rise from row to row (row numbers, clocks), columns without values.

    Attributes
    ----------
    columns_ : tuple of Column
        What was learned of each column that is used or watched.
    left_out_ : dict of str to str
        Columns that are no features, and why.
    notes_ : list of str
        What else was noticed while learning.
    feature_names_ : list of str
        Names of the numbers that `transform` returns.
    sources_ : ndarray of int of shape (features,)
        The place in ``source_names_`` of the column that a feature comes from.
    source_names_ : list of str
        The columns that become features.
    n_rows_ : int
        Rows learned from.

    References
    ----------
    The logic is that of scikit-learn's ``SimpleImputer(add_indicator=True)`` and ``OneHotEncoder`` with
    infrequent categories (Pedregosa et al., 2011, Journal of Machine Learning Research 12), which a test
    compares.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"size": [1.0, None, 3.0], "colour": ["red", "blue", "red"], "unit": "mm"})
    >>> preparation = Preparation().fit(table)
    >>> preparation.feature_names_
    ['size', 'size is missing', 'colour = red', 'colour = blue']
    >>> preparation.transform(table)
    array([[1., 0., 1., 0.],
           [2., 1., 0., 1.],
           [3., 0., 1., 0.]])
    >>> preparation.left_out_
    {'unit': "always 'mm'"}
    """

    def fit(self, table, leave_out=None):
        """Learn how each column becomes numbers.

        Parameters
        ----------
        table : pandas.DataFrame of shape (n, columns)
            Normal rows, in their order.
        leave_out : dict of str to str, optional
            Columns that are no features, and why.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a column could be read in two ways, or none is left.
        """
        self.n_rows_ = len(table)
        self.left_out_, self.notes_ = dict(leave_out or {}), []
        columns, seen = [], {}
        for name in map(str, table.columns):
            if name in self.left_out_:
                continue
            column = self._learn(name, table[name])
            if column is None:
                continue
            if column.used:
                same = seen.setdefault(_encode(column, table[name]).tobytes(), name)
                if same != name:
                    self.left_out_[name] = f"the same as {same!r}"
                    continue
            columns.append(column)
        self._set(columns)
        if not self.feature_names_:
            why = "; ".join(f"{name}: {reason}" for name, reason in list(self.left_out_.items())[:8])
            raise ValueError(
                f"no column is left to learn from ({why}). Add columns that vary among normal rows."
            )
        return self

    def _set(self, columns):
        self.columns_ = tuple(columns)
        used = [column for column in columns if column.used]
        self.source_names_ = [column.name for column in used]
        self.feature_names_ = [name for column in used for name in column.features()]
        self.sources_ = np.repeat(np.arange(len(used)), [len(column.features()) for column in used])

    def _learn(self, name, series):
        """Return what a column is, or None with a reason in ``left_out_``."""
        if series.isna().all():
            self.left_out_[name] = "it has no values"
            return None
        kind = _kind(name, series)
        if kind == "number":
            return self._learn_number(name, series)
        if kind == "date":
            return self._learn_date(name, series)
        return self._learn_category(name, series)

    def _learn_number(self, name, series):
        numbers = _numbers(series)
        unread = series[np.isnan(numbers) & series.notna().to_numpy()]
        if len(unread):
            self.notes_.append(
                f"{name!r}: {len(unread):,} values are no numbers "
                f"({_some(list(unread.unique()), 3)}) and count as missing."
            )
        infinite = np.isinf(numbers)
        if infinite.any():
            self.notes_.append(
                f"{name!r}: {int(infinite.sum()):,} infinite values, which count as far "
                "outside; the rows that hold them are not trained on."
            )
        finite = numbers[np.isfinite(numbers)]
        if finite.size == 0:
            self.left_out_[name] = "it has no finite values"
            return None
        low, high, gaps = float(finite.min()), float(finite.max()), _gaps(np.isnan(numbers))
        if low == high:
            if not gaps["marked"]:
                self.left_out_[name] = f"always {_short(low)}"
            return Column(name, "number", low, high, low, used=gaps["marked"], **gaps)
        whole = np.all(finite == np.floor(finite))
        with np.errstate(invalid="ignore"):  # of two infinite values
            steps = np.diff(numbers)
        if len(numbers) >= 50 and whole and not gaps["missing"] and (np.all(steps > 0) or np.all(steps < 0)):
            self.left_out_[name] = "it rises or falls from row to row, like a row number or a clock"
            return None
        if len(numbers) >= 50 and whole and len(np.unique(finite)) == len(numbers):
            self.notes_.append(
                f"{name!r}: whole numbers, all different. If they are identifiers, leave the "
                "column out: ignore= or --ignore."
            )
        with np.errstate(over="ignore"):  # the mean of the two middle values may overflow
            fill = float(np.median(finite))
        fill = fill if np.isfinite(fill) else float(np.sort(finite)[finite.size // 2])
        return Column(name, "number", low, high, fill, **gaps)

    def _learn_date(self, name, series):
        when = _dates(series)
        known = when[when.notna()]
        unread = int((when.isna() & series.notna()).sum())
        if unread:
            self.notes_.append(f"{name!r}: {unread:,} values are no dates and count as missing.")
        parts = [
            part
            for part, values in (("weekday", known.dt.day_of_week), ("hour", _hour(known)))
            if values.nunique() > 1
        ]
        if not parts:
            self.left_out_[name] = "a date that is always the same weekday and hour"
            return None
        self.notes_.append(f"{name!r} is a date: of it {' and '.join(parts)} are used, not the date itself.")
        return Column(name, "date", parts=tuple(parts), **_gaps(when.isna()))

    def _learn_category(self, name, series):
        gaps = _gaps(series.isna())
        counts = _texts(series).value_counts()
        counts = counts[counts.index != _MISSING_AS_CATEGORY]
        # as many as the rows allow, the most frequent first, and equals in the order of the alphabet
        values = sorted(counts.index, key=lambda value: (-counts[value], value))
        if len(values) == 1 and not gaps["marked"]:
            self.left_out_[name] = f"always {values[0]!r}"
            return Column(name, "category", values=tuple(values), used=False, **gaps)
        if len(values) > MAX_CATEGORIES and len(values) > 0.5 * len(series):
            self.left_out_[name] = "nearly every row has another text, as in an identifier or free text"
            return None
        if len(values) > MAX_CATEGORIES:
            self.notes_.append(
                f"{name!r} holds {len(values):,} different texts; the {MAX_CATEGORIES} most "
                "frequent are told apart."
            )
        return Column(
            name,
            "category",
            values=tuple(values[:MAX_CATEGORIES]),
            other=len(values) > MAX_CATEGORIES,
            **gaps,
        )

    # ------------------------------------------------------------------ use

    def check(self, table):
        """Compare the columns of a table with those learned.

        Parameters
        ----------
        table : pandas.DataFrame
            A table, its columns in any order.

        Returns
        -------
        list of str
            Columns that were unknown when learning, and are ignored.

        Raises
        ------
        ValueError
            If a column is missing that is needed.
        """
        names = [str(name) for name in table.columns]
        lacking = [column.name for column in self.columns_ if column.used and column.name not in names]
        if lacking:
            extra = [name for name in names if name not in self._known()]
            close = {name: difflib.get_close_matches(name, extra, n=1, cutoff=0.7) for name in lacking}
            hints = [f"{found[0]!r} for {name!r}" for name, found in close.items() if found]
            raise ValueError(
                f"the table lacks {len(lacking)} of the {len(self.source_names_)} columns that the detector "
                f"was trained on: {_some(lacking)}."
                + (f" Was a column renamed ({', '.join(hints[:3])})?" if hints else "")
                + " Add them with their old names; an unknown value may be left empty."
            )
        return [name for name in names if name not in self._known()]

    def _known(self):
        return {column.name for column in self.columns_} | set(self.left_out_)

    def transform(self, table):
        """Turn rows into numbers.

        Parameters
        ----------
        table : pandas.DataFrame of shape (n, columns)
            Rows; columns are found by their names, so their order is free, and others are ignored.

        Returns
        -------
        ndarray of shape (n, features)
            Finite numbers.

        Raises
        ------
        ValueError
            If a column is missing, or does not hold what it held when learning.
        """
        self.check(table)
        used = [column for column in self.columns_ if column.used]
        return np.column_stack([_encode(column, table[column.name]) for column in used])

    def outside(self, table):
        """Say which values lie outside of what was learned from.

        Parameters
        ----------
        table : pandas.DataFrame of shape (n, columns)
            Rows.

        Returns
        -------
        pandas.DataFrame of bool of shape (n, columns watched)
            True for a number below the least or above the largest one in training, a text that was not seen
            in training (or was among the rare ones), and a missing value where none was missing.
        """
        result = {}
        for column in self.columns_:
            if column.name in table.columns:
                result[column.name] = _outside(column, table[column.name])
        return pd.DataFrame(result, index=table.index)

    def to_json(self):
        """Return everything as plain lists, texts and numbers.

        Returns
        -------
        dict
            What :meth:`from_json` reads.
        """
        return {
            "columns": [asdict(column) for column in self.columns_],
            "left_out": self.left_out_,
            "notes": self.notes_,
            "n_rows": self.n_rows_,
        }

    @classmethod
    def from_json(cls, data):
        """Build the preparation that :meth:`to_json` described.

        Parameters
        ----------
        data : dict
            As ``to_json`` returned it.

        Returns
        -------
        Preparation

        Raises
        ------
        ValueError
            If the data is not of that form.
        """
        try:
            columns = [_column_from_json(each) for each in data["columns"]]
            preparation = cls()
            preparation.left_out_ = {str(name): str(why) for name, why in data["left_out"].items()}
            preparation.notes_ = [str(note) for note in data["notes"]]
            preparation.n_rows_ = int(data["n_rows"])
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ValueError(f"the description of the columns cannot be read ({error!r}).") from error
        preparation._set(columns)
        return preparation


def _column_from_json(data):
    column = Column(
        **{name: tuple(value) if isinstance(value, list) else value for name, value in data.items()}
    )
    kinds = {
        "name": str,
        "kind": str,
        "low": float,
        "high": float,
        "fill": float,
        "values": tuple,
        "other": bool,
        "missing": bool,
        "marked": bool,
        "parts": tuple,
        "used": bool,
    }
    for name, kind in kinds.items():
        if not isinstance(getattr(column, name), kind):
            raise ValueError(f"{name} is {getattr(column, name)!r}")
    if column.kind not in ("number", "category", "date") or not set(column.parts) <= {"weekday", "hour"}:
        raise ValueError(f"unknown kind {column.kind!r} with parts {column.parts!r}")
    if not all(isinstance(value, str) for value in column.values):
        raise ValueError("values must be texts")
    if not np.isfinite([column.low, column.high, column.fill]).all():
        raise ValueError("numbers must be finite")
    return column


def _gaps(missing):
    """What is known of the gaps of a column."""
    return {"missing": bool(missing.any()), "marked": bool(missing.mean() >= MIN_MARKED)}


def _short(number):
    return f"{number:.6g}"


def _share(mask, of):
    return mask.sum() / max(1, of)


def _kind(name, series):
    """Say what a column holds, or refuse where it could be two things."""
    if pd.api.types.is_numeric_dtype(series) or pd.api.types.is_bool_dtype(series):
        return "number"
    if pd.api.types.is_datetime64_any_dtype(series):
        return "date"
    known = _texts(series.dropna())
    numbers = _numbers(series.dropna())
    if _share(~np.isnan(numbers), len(known)) >= MIN_PARSED:
        return "number"
    _refuse_decimal_comma(name, known)
    if _share(known.str.fullmatch(_ISO_DATE), len(known)) >= MIN_PARSED:
        return "date"
    if _share(known.str.fullmatch(_DAY_MONTH), len(known)) >= MIN_PARSED:
        raise ValueError(
            f"column {name!r} holds dates such as {known.iloc[0]!r}, in which day and month "
            "cannot be told apart. Write them as 2024-03-01, or leave the column out: ignore= "
            "or --ignore."
        )
    return "category"


def _refuse_decimal_comma(name, texts):
    if _share(texts.str.fullmatch(_DECIMAL_COMMA), len(texts)) >= 0.5:
        raise ValueError(
            f"column {name!r} holds numbers with a comma, such as {texts.iloc[0]!r}. If that is "
            "a decimal comma pass decimal=',' or --decimal ','; if it parts thousands, remove "
            "it."
        )


def _texts(series):
    """Return a column as texts without blanks around them, a missing one as a text of its own."""
    texts = series.astype("str").str.strip()
    return texts.where(series.notna(), _MISSING_AS_CATEGORY)


def _numbers(series):
    """Return a column as floats; what is no number becomes NaN. True and False are 1 and 0."""
    if pd.api.types.is_bool_dtype(series) or pd.api.types.is_numeric_dtype(series):
        return series.to_numpy(dtype=float, na_value=np.nan)
    texts = series.astype("str").str.strip().str.lower()
    texts = texts.replace({"true": "1", "false": "0"})
    return pd.to_numeric(texts, errors="coerce").to_numpy(dtype=float, na_value=np.nan)


def _dates(series):
    if pd.api.types.is_datetime64_any_dtype(series):
        return pd.to_datetime(series, utc=True)
    return pd.to_datetime(series.astype("str").str.strip(), errors="coerce", format="ISO8601", utc=True)


def _hour(when):
    return when.dt.hour + when.dt.minute / 60


def _encode(column, series):
    """Turn one column into its features, (n, features)."""
    encode = {"number": _encode_number, "category": _encode_category, "date": _encode_date}[column.kind]
    return np.column_stack(encode(column, series)).astype(float)


def _encode_number(column, series):
    numbers = _numbers(series)
    lost = np.isnan(numbers)
    present = series.notna().to_numpy()
    if present.sum() >= 20 and _share(lost & present, present.sum()) > 0.5:
        texts = _texts(series[present])
        _refuse_decimal_comma(column.name, texts)
        raise ValueError(
            f"column {column.name!r} held numbers when the detector was trained, but here most "
            f"of its values are none, such as {texts.iloc[0]!r}. Write numbers, or leave "
            "unknown ones empty."
        )
    filled = np.nan_to_num(np.where(lost, column.fill, numbers), posinf=FAR, neginf=-FAR)
    return [np.clip(filled, -FAR, FAR), *([lost] if column.marked else [])]


def _encode_category(column, series):
    texts = _texts(series)
    parts = [(texts == value).to_numpy() for value in column.values]
    missing = series.isna().to_numpy()
    if column.other:
        parts.append(~np.logical_or.reduce([*parts, missing]))
    return parts + ([missing] if column.marked else [])


def _encode_date(column, series):
    when = _dates(series)
    missing = when.isna().to_numpy()
    parts = []
    for part in column.parts:
        share = when.dt.day_of_week / 7 if part == "weekday" else _hour(when) / 24
        angle = 2 * np.pi * share.to_numpy(dtype=float, na_value=np.nan)
        parts += [np.where(missing, 0, np.sin(angle)), np.where(missing, 0, np.cos(angle))]
    return parts + ([missing] if column.marked else [])


def _outside(column, series):
    if column.kind == "number":
        numbers = _numbers(series)
        outside = (numbers < column.low) | (numbers > column.high)
        return outside | (np.isnan(numbers) & (not column.missing))
    if column.kind == "category":
        known = _texts(series).isin(column.values).to_numpy()
        return ~known & ~(series.isna().to_numpy() & column.missing)
    return _dates(series).isna().to_numpy() & (not column.missing)

"""Select rows of a table by comparisons such as ``"label == 'normal' and age > 3"``, and by nothing else."""

import ast
import keyword
import operator
import re
import warnings
from typing import Any, NoReturn

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aecourse.tabular.sources import closest, first_few

__all__ = ["Query"]

# Words with a meaning in queries, or in an expression that is refused with a sentence of its own.
_OWN_WORDS = {"and", "or", "not", "in", "is", "True", "False", "None", "lambda", "if", "else"}
_KEYWORDS = "|".join(sorted(set(keyword.kwlist) - _OWN_WORDS))
# A quoted text, a name in backticks, a name that is a word of Python such as class, or one of the signs that
# pandas reads as 'and' and 'or'.
_TOKEN = re.compile(
    r"""('(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")|`([^`\n]*)`|(?<![\w.])("""
    + _KEYWORDS
    + r""")(?!\w)|(&&?|\|\|?)"""
)
_COMPARISONS = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_REFUSED = {
    "Call": "a call",
    "Attribute": "an attribute",
    "Subscript": "an index",
    "BinOp": "arithmetic",
    "Lambda": "a function",
    "JoinedStr": "a formatted text",
    "NamedExpr": "an assignment",
}
_HELP = (
    "Write comparisons of columns, such as \"label == 'normal' and age > 3\", joined by and, or, "
    "not; a list after 'in'; a name with spaces in `backticks`."
)
_MAX_CHARACTERS = 2000


class Query:
    """Select rows of a table by comparisons, and by nothing else.

    The language is the part of ``DataFrame.query`` that only compares: ``== != < <= > >=``, ``in`` and
    ``not in`` a list, ``and or not`` (or ``& | ~`` with brackets), texts, numbers, and column names, which
    stand in backticks if they hold blanks or signs, or are ``in``, ``is``, ``not`` and the like. Calls,
    attributes, variables and arithmetic are
    refused before the query meets a table, because ``DataFrame.query`` itself would run them.

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
        If the text is not such a query.

    Examples
    --------
    >>> import pandas as pd
    >>> query = Query("label == 'normal' and `core temperature` < 40")
    >>> query.columns
    ('label', 'core temperature')
    >>> query.select(pd.DataFrame({"label": ["normal", "normal", "odd"], "core temperature": [36, 41, 37]}))
    array([ True, False, False])
    """

    text: str
    columns: tuple[str, ...]

    def __init__(self, text: str) -> None:
        self.text = text
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"the query is empty. {_HELP}")
        if len(text) > _MAX_CHARACTERS:
            raise ValueError(
                f"the query has {len(text):,} characters; at most {_MAX_CHARACTERS:,} are allowed. {_HELP}"
            )
        self._names: dict[str, str] = {}  # what stands for a name in backticks, and that name
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # an odd escape in a text is not an error
                self._tree = ast.parse(_TOKEN.sub(self._as_python, text).strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise ValueError(f"the query {text!r} cannot be read. {_hint(text)}{_HELP}") from error
        self._check(self._tree)
        named = [node for node in ast.walk(self._tree) if isinstance(node, ast.Name)]
        named.sort(key=lambda node: (node.lineno, node.col_offset))
        self.columns = tuple(dict.fromkeys(self._column(node) for node in named))
        if not self.columns:
            raise ValueError(f"the query {text!r} names no column. {_HELP}")

    def _as_python(self, token: re.Match[str]) -> str:
        """Write a token so that Python's parser can read it."""
        text, name, word, sign = token.groups()
        name = word if name is None else name
        if text is not None:
            return text
        if name is not None:
            placeholder = f"_column_{len(self._names)}_"
            self._names[placeholder] = name
            return f" {placeholder} "
        return " and " if sign.startswith("&") else " or "

    def _column(self, node: ast.Name) -> str:
        return self._names.get(node.id, node.id)

    def _refuse(self, node: ast.AST) -> NoReturn:
        kind = type(node).__name__
        what = _REFUSED.get(kind, f"a {kind.lower()}")
        raise ValueError(f"the query {self.text!r} holds {what}, which is not allowed. {_HELP}")

    def _check(self, node: ast.expr) -> None:
        """Refuse any part of the tree that is not a condition."""
        if isinstance(node, ast.BoolOp):
            for part in node.values:
                self._check(part)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.Invert)):
            self._check(node.operand)
        elif isinstance(node, ast.Compare):
            self._check_comparison(node)
        elif not isinstance(node, ast.Name):
            self._refuse(node)

    def _check_comparison(self, node: ast.Compare) -> None:
        left = node.left
        self._check_operand(left)
        for op, right in zip(node.ops, node.comparators, strict=True):
            if isinstance(op, (ast.In, ast.NotIn)):
                if not isinstance(left, ast.Name) or not isinstance(right, (ast.List, ast.Tuple)):
                    raise ValueError(
                        f"the query {self.text!r}: write a column before 'in' and a list after "
                        "it, such as label in ['a', 'b']."
                    )
                for element in right.elts:
                    self._check_constant(element)
            elif type(op) in _COMPARISONS:
                self._check_operand(right)
            else:
                self._refuse(op)
            left = right

    def _check_operand(self, node: ast.expr) -> None:
        if not isinstance(node, ast.Name):
            self._check_constant(node)

    def _check_constant(self, node: ast.expr) -> None:
        """Let a text, True, False, or a number with or without a sign pass."""
        signed = isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd))
        value = node.operand if isinstance(node, ast.UnaryOp) and signed else node
        kinds = (int, float) if signed else (str, bool, int, float)
        if not isinstance(value, ast.Constant) or not isinstance(value.value, kinds):
            self._refuse(node)

    def select(self, table: pd.DataFrame) -> NDArray[np.bool_]:
        """Say which rows fulfil the query.

        Parameters
        ----------
        table : pandas.DataFrame of shape (n, columns)
            The table.

        Returns
        -------
        ndarray of bool of shape (n,)
            True for the rows that do. A missing value fulfils no comparison except ``!=`` and ``not in``, as
            in pandas.

        Raises
        ------
        ValueError
            If a column is missing, or cannot be compared in this way.
        """
        for name in self.columns:
            if name not in table.columns:
                hint = closest(name, table.columns)
                if not hint and len(self.columns) > 1:
                    hint = f" If it is a text, put it in quotation marks: '{name}'."
                raise ValueError(
                    f"the query {self.text!r} names the column {name!r}, which the table does "
                    f"not have.{hint} It has {first_few(list(table.columns), 8)}."
                )
        return self._evaluate(self._tree, table)

    def _evaluate(self, node: Any, table: pd.DataFrame) -> NDArray[np.bool_]:
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
                    "condition, but it does not hold True and False. Compare it with a value."
                )
            return _as_mask(column)
        result = np.ones(len(table), dtype=bool)
        left = node.left
        for op, right in zip(node.ops, node.comparators, strict=True):
            result &= self._compare(op, left, right, table)
            left = right
        return result

    def _compare(self, op: ast.cmpop, left: Any, right: Any, table: pd.DataFrame) -> NDArray[np.bool_]:
        if isinstance(op, (ast.In, ast.NotIn)):
            listed = [ast.literal_eval(each) for each in right.elts]
            member = _as_mask(self._operand(left, table).isin(listed))
            return member if isinstance(op, ast.In) else ~member
        try:
            result = _COMPARISONS[type(op)](self._operand(left, table), self._operand(right, table))
        except TypeError as error:
            raise ValueError(
                f"the query {self.text!r} compares text with numbers. Put texts in quotation "
                "marks, but not numbers."
            ) from error
        return np.full(len(table), bool(result)) if np.ndim(result) == 0 else _as_mask(result)

    def _operand(self, node: ast.expr, table: pd.DataFrame) -> Any:
        return table[self._column(node)] if isinstance(node, ast.Name) else ast.literal_eval(node)


def _hint(text: str) -> str:
    """Say what is probably wrong with a query that cannot be read."""
    bare = _TOKEN.sub(" ", text)
    if re.search(r"(?<![=!<>])=(?!=)", bare):
        return "One = assigns; compare with ==. "
    words = re.findall(r"\b(is|if|else|lambda|in|not)\b *(?:==|!=|<|>)", bare)
    return f"A column called {words[0]!r} stands in backticks: `{words[0]}`. " if words else ""


def _as_mask(series: pd.Series) -> NDArray[np.bool_]:
    return series.fillna(False).to_numpy(dtype=bool) if series.isna().any() else series.to_numpy(dtype=bool)

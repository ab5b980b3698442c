"""The same answer in any usual form: what tests use to read the values that students return.

A limit may arrive as a float, as a NumPy scalar or as a tensor, scores as a list or as a column of a
table, a report as a list of dicts or as a table. Each function here returns one plain form, and raises
``ValueError`` for anything else. Nothing is rounded or guessed.
"""

import decimal
import itertools
import numbers as numeric
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


def table(values: Any) -> NDArray[np.float64]:
    """Return numbers as an array of floats, of the shape in which they came.

    Parameters
    ----------
    values : array-like, DataFrame, Series, tensor, dict of numbers, or number

    Returns
    -------
    ndarray of float

    Raises
    ------
    ValueError
        If they are not numbers, or do not form a regular array.

    Examples
    --------
    >>> table([[1, 2], [3, 4]])
    array([[1., 2.],
           [3., 4.]])
    """
    if isinstance(values, Mapping):
        values = list(values.values())
    try:
        array = np.asarray(values)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"expected numbers, found a {type(values).__name__} that does not form an array."
        ) from error
    if array.dtype == object:
        array = np.array([_plain(item) for item in array.reshape(-1)], dtype=float).reshape(array.shape)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"expected numbers, found a {type(values).__name__} of {array.dtype}.")
    return array.astype(float)


def _plain(item: Any) -> float:
    """Return one element of a mixed array as a float."""
    if isinstance(item, (numeric.Real, decimal.Decimal)):
        return float(item)
    if np.ndim(item) == 0 and np.asarray(item).dtype == object:
        raise ValueError(f"expected a number, found a {type(item).__name__}.")
    return number(item)


def numbers(values: Any) -> NDArray[np.float64]:
    """Return numbers as a one-dimensional array, such as one score for each row.

    Parameters
    ----------
    values : array-like, Series, DataFrame, tensor, or dict of numbers
        Of shape (n,), (n, 1) or (1, n).

    Returns
    -------
    ndarray of float, shape (n,)

    Raises
    ------
    ValueError
        If they are not numbers, or have several rows and columns.

    Examples
    --------
    >>> numbers([[0.5], [2.0]])
    array([0.5, 2. ])
    """
    array = table(values)
    if array.ndim == 0 or array.size != max(array.shape, default=1):
        raise ValueError(f"expected one number for each row, found the shape {array.shape}.")
    return array.reshape(-1)


def number(value: Any) -> float:
    """Return one number as a float.

    Parameters
    ----------
    value : float, NumPy scalar, tensor, or an array, list, Series or DataFrame of one element

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If it is not a number, or more than one.

    Examples
    --------
    >>> number(np.array([2])), number(0.5)
    (2.0, 0.5)
    """
    array = table(value)
    if array.size != 1:
        raise ValueError(f"expected one number, found the shape {array.shape}.")
    return float(array.reshape(-1)[0])


def mapping(values: Any) -> dict[Any, Any]:
    """Return a dict of what belongs to each name.

    Parameters
    ----------
    values : dict, Series (its index holds the names), DataFrame (its columns do), or pairs
        A DataFrame of one row has one value for each name, any other has a Series.

    Returns
    -------
    dict

    Raises
    ------
    ValueError
        If nothing in it has a name.

    Examples
    --------
    >>> mapping([("knn", 0.5)])
    {'knn': 0.5}
    """
    if hasattr(values, "columns") and len(values) == 1:
        values = values.iloc[0]
    if isinstance(values, Mapping) or hasattr(values, "items"):  # a Series and a DataFrame have items
        return dict(values.items())
    try:
        return dict(values)
    except (TypeError, ValueError) as error:
        raise ValueError(f"expected a dict, found a {type(values).__name__}.") from error


def records(values: Any, label: str | None = None) -> list[dict[str, Any]]:
    """Return a report as a list of dicts, one for each row.

    Parameters
    ----------
    values : list of dict, of Series or of namedtuple; DataFrame; dict of columns, or of rows by their label
        The index of a DataFrame counts as a column if it has a name.
    label : str, optional
        The column that an index without a name, or the keys of a dict of rows, stand for.

    Returns
    -------
    list of dict

    Raises
    ------
    ValueError
        If its rows have no names.

    Examples
    --------
    >>> records({"method": ["knn", "pca"], "auroc": [0.9, 0.8]})
    [{'method': 'knn', 'auroc': 0.9}, {'method': 'pca', 'auroc': 0.8}]
    >>> records({"knn": {"auroc": 0.9}}, "method")
    [{'method': 'knn', 'auroc': 0.9}]
    """
    if hasattr(values, "columns"):
        if values.index.names != [None]:
            values = values.reset_index()
        elif label is not None and label not in values.columns:
            values = values.reset_index(names=label)
        return list(values.to_dict("records"))
    if isinstance(values, Mapping) and label is not None and label not in values:
        return [{label: name, **mapping(row)} for name, row in values.items()]
    if isinstance(values, Mapping):
        columns = [list(column) for column in values.values()]
        return [dict(zip(values, row, strict=True)) for row in zip(*columns, strict=True)]
    try:
        return [row._asdict() if hasattr(row, "_asdict") else mapping(row) for row in values]
    except TypeError as error:
        raise ValueError(f"expected a list of dicts, found a {type(values).__name__}.") from error


def letters(answer: Any, options: str) -> frozenset[str]:
    """Return the letters that an answer to a multiple-choice question names, in upper case.

    Parameters
    ----------
    answer : str, or list, tuple, set, array or Series of str
        Such as ``"b"``, ``"B)"``, ``"b) the test set"``, ``"A, C"``, ``"AC"`` or ``["A", "C"]``.
    options : str
        The letters of all options.

    Returns
    -------
    frozenset of str
        At least one.

    Raises
    ------
    ValueError
        If it names nothing, or anything but options.

    Examples
    --------
    >>> letters(" b) ", "ABCD") == {"B"}, letters(["A", "c"], "ABCD") == {"A", "C"}
    (True, True)
    """
    found: set[str] = set()
    if isinstance(answer, str):
        found = _letters_of_text(answer)
    elif not isinstance(answer, Mapping):
        try:
            items = list(itertools.islice(answer, len(options) + 1))
        except TypeError:
            items = []
        texts = [_letters_of_text(item) if isinstance(item, str) else set() for item in items]
        found = set().union(*texts) if all(texts) else set()
    if not found or not found <= set(options):
        shown = f" {answer[:40]!r}" if isinstance(answer, str) else ""
        raise ValueError(f"expected letters of {', '.join(options)}, found a {type(answer).__name__}{shown}.")
    return frozenset(found)


def _letters_of_text(text: str) -> set[str]:
    """Return the letters that a text lists, such as "A, C" or "AC"; one if words follow, as in "b) rows"."""
    words = [word for word in re.split(r"[\s,;/&+]+|\band\b", text) if word]
    single = [re.fullmatch(r"\(?([A-Za-z])[).:]?", word) for word in words]
    if all(single):
        return {match[1].upper() for match in single if match}
    joined = re.fullmatch(r"\s*([A-Z]+)\s*", text)
    if joined:
        return set(joined[1])
    with_words = re.match(r"\s*\(?([A-Za-z])[).:]\s", text)
    return {with_words[1].upper()} if with_words else set()


def kinds(value: Any) -> list[str]:
    """Return of which kinds an object is: package and name of its class, and of the classes above it.

    Where a test runs apart from the student's notebook, the object itself is out of reach, and what stands
    for it knows its kinds.

    Parameters
    ----------
    value : object

    Returns
    -------
    list of str

    Examples
    --------
    >>> kinds(True)
    ['builtins.bool', 'builtins.int', 'builtins.object']
    """
    told = getattr(value, "kinds_told", None)
    if isinstance(told, list):
        return told
    return [f"{kind.__module__.split('.')[0]}.{kind.__name__}" for kind in type(value).__mro__]

"""Checks of arguments that several modules share.

Each check returns the argument in the form that the caller works on, or raises a
``ValueError`` that names the argument, what was found and what to do.
"""

import math
import operator
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

RandomState = int | np.random.RandomState | None  # what a ``random_state`` may be


def check_whole(value: object, name: str, minimum: int = 1, maximum: int | None = None) -> int:
    """Return a whole number of at least ``minimum`` (and at most ``maximum``) as an int, not a bool."""
    limits = f"of at least {minimum}" if maximum is None else f"from {minimum} to {maximum}"
    message = f"{name} must be a whole number {limits}; found {value!r}."
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError as error:
        raise ValueError(message) from error
    if number < minimum or (maximum is not None and number > maximum):
        raise ValueError(message)
    return number


def _as_float(value: object, message: str) -> float:
    """Return a number as a float; a text is none, although ``float`` would read it."""
    try:
        if isinstance(value, (str, bytes)):
            raise TypeError
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise ValueError(message) from error


def check_number(
    value: object,
    name: str,
    *,
    above: float | None = None,
    at_least: float | None = None,
    below: float | None = None,
    at_most: float | None = None,
    infinite: bool = False,
) -> float:
    """Return a number within the limits as a float: finite, unless ``infinite``, and never NaN."""
    limits = [
        f"{words} {limit:g}"
        for words, limit in (("above", above), ("at least", at_least), ("below", below), ("at most", at_most))
        if limit is not None
    ]
    kind = "a number" if infinite else "a finite number"
    message = f"{name} must be {kind} {' and '.join(limits)}".rstrip() + f"; found {value!r}."
    number = _as_float(value, message)
    inside = (
        (not math.isnan(number) if infinite else math.isfinite(number))
        and (above is None or number > above)
        and (at_least is None or number >= at_least)
        and (below is None or number < below)
        and (at_most is None or number <= at_most)
    )
    if not inside:
        raise ValueError(message)
    return number


def check_fraction(value: object, name: str, inclusive: bool = False) -> float:
    """Return a number strictly between 0 and 1 (or from 0 to 1, if ``inclusive``) as a float."""
    limits = "from 0 to 1" if inclusive else "strictly between 0 and 1"
    message = f"{name} must be a number {limits}; found {value!r}."
    number = _as_float(value, message)
    if not (0 <= number <= 1 if inclusive else 0 < number < 1):
        raise ValueError(message)
    return number


def check_random_state(random_state: object) -> np.random.RandomState:
    """Return a random generator made from a seed, from none, or the one that was given."""
    from sklearn.utils import check_random_state as make_generator  # half a second, and seldom needed

    try:
        return make_generator(random_state)
    except ValueError as error:
        raise ValueError(
            "random_state must be None, a whole number of at least 0, or a numpy RandomState; "
            f"found {random_state!r}."
        ) from error


def refuse_masked(values: object, name: str) -> None:
    """Refuse an array with masked entries: NumPy would use the values behind the mask."""
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        raise ValueError(
            f"{name} has {int(np.ma.count_masked(values))} masked entries. Fill them with {name}.filled(…), "
            "or leave their rows out."
        )


def match_rows(values: Any, to: Any, name: str, to_name: str) -> Any:
    """Return labelled values in the order of others that are labelled too; refuse labels that differ.

    Without this check two pandas objects would be compared by position, whatever their labels say. Values
    without labels are returned as they are.
    """
    index, to_index = (getattr(each, "index", None) for each in (values, to))
    if index is None or to_index is None or not hasattr(index, "equals") or not hasattr(to_index, "equals"):
        return values  # a list's index is a method
    if index.equals(to_index):
        return values
    if index.is_unique and to_index.is_unique and len(index) == len(to_index) and index.isin(to_index).all():
        return values.loc[to_index]
    raise ValueError(
        f"{name} and {to_name} have different row labels, so their rows cannot be matched. Select the same "
        f"rows, such as {name}.loc[{to_name}.index], or pass arrays (.to_numpy()) if their order is the same."
    )


def _as_floats(values: ArrayLike, name: str) -> NDArray[np.float64]:
    refuse_masked(values, name)
    try:
        return np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} must hold numbers, but could not be read as such ({error}). "
            "Encode text columns as numbers, or leave them out."
        ) from error


def _refuse_infinite(array: NDArray, name: str) -> None:
    bad = ~np.isfinite(array)
    if bad.any():
        n_nan = int(np.isnan(array).sum())
        n_inf = int(bad.sum()) - n_nan
        raise ValueError(
            f"{name} holds {n_nan} NaN and {n_inf} infinite values. Fill or drop them before this call."
        )


def check_finite_array(values: ArrayLike, name: str) -> NDArray[np.float64]:
    """Return finite numbers as a float array of any shape."""
    array = _as_floats(values, name)
    _refuse_infinite(array, name)
    return array


def check_scores(scores: ArrayLike, name: str = "scores", min_size: int = 1) -> NDArray[np.float64]:
    """Return anomaly scores as a float array of shape (n,)."""
    array = _as_floats(scores, name)
    if array.ndim != 1:
        raise ValueError(
            f"{name} must be one-dimensional, one anomaly score a row; found shape {array.shape}. "
            "Pass the scores of the rows, for example detector.anomaly_score(X)."
        )
    if array.size < min_size:
        raise ValueError(f"{name} must hold at least {min_size} scores; found {array.size}.")
    _refuse_infinite(array, name)
    return array


def check_labels(
    y: ArrayLike, name: str = "y", n_rows: int | None = None, need_both: bool = False
) -> NDArray[np.int64]:
    """Return labels as an integer array of shape (n,), 1 = anomaly and 0 = normal."""
    refuse_masked(y, name)
    try:
        labels = np.asarray(y)
    except (TypeError, ValueError) as error:  # ragged
        raise ValueError(f"{name} must be one label a row, but has no shape ({error}).") from error
    if labels.ndim != 1:
        raise ValueError(f"{name} must be one-dimensional, one label a row; found shape {labels.shape}.")
    if labels.size == 0:
        raise ValueError(f"{name} is empty; pass at least one label.")
    try:
        found = set(labels.tolist())
    except TypeError as error:
        raise ValueError(f"{name} must hold 0 (normal) and 1 (anomaly) only; found {labels[0]!r}.") from error
    if not found <= {0, 1}:
        raise ValueError(
            f"{name} must hold 0 (normal) and 1 (anomaly) only; found {sorted(found, key=str)[:5]}. "
            "Turn scikit-learn's -1/+1 into this with (y == -1).astype(int)."
        )
    if n_rows is not None and labels.size != n_rows:
        raise ValueError(f"{name} has {labels.size} labels for {n_rows} rows; pass one label a row.")
    if need_both and len(found) < 2:
        missing = "anomalies (1)" if found == {0} else "normal rows (0)"
        raise ValueError(f"{name} has no {missing}, but this measure needs both classes.")
    return labels.astype(int)


def check_rows(
    X: ArrayLike, name: str = "X", n_features: int | None = None, min_rows: int = 1
) -> NDArray[np.float64]:
    """Return rows as a float array of shape (n, d)."""
    X = _as_floats(X, name)
    if X.ndim != 2:
        raise ValueError(
            f"{name} must be two-dimensional, rows by features; found shape {X.shape}. "
            f"Reshape images with {name}.reshape(len({name}), -1)."
        )
    if X.shape[0] < min_rows:
        raise ValueError(f"{name} must have at least {min_rows} rows; found {X.shape[0]}.")
    if X.shape[1] == 0:
        raise ValueError(f"{name} has no columns; pass at least one feature.")
    if n_features is not None and X.shape[1] != n_features:
        raise ValueError(
            f"{name} has {X.shape[1]} columns, but {n_features} were seen in fit; pass the same features."
        )
    _refuse_infinite(X, name)
    return X


def check_flag(value: object, name: str) -> bool:
    """Return a choice between yes and no; an array or a text is none."""
    if isinstance(value, (bool, np.bool_)) or (isinstance(value, int) and value in (0, 1)):
        return bool(value)
    raise ValueError(f"{name} must be True or False; found {value!r}.")


def check_named_numbers(values: object, name: str) -> dict[str, float]:
    """Return finite numbers by name; none for None."""
    if values is None:
        return {}
    if not isinstance(values, Mapping):
        raise ValueError(f"{name} must be a dict of numbers by name; found {type(values).__name__}.")
    return {str(each): check_number(value, f"{name}[{each!r}]") for each, value in values.items()}


def check_limits(values: object, name: str) -> tuple[float, float]:
    """Return the lower and the upper end of a range."""
    message = f"{name} must be two numbers, the lower one first; found {values!r}."
    try:
        if isinstance(values, (str, bytes, Mapping)):
            raise TypeError
        pair: list[object] = list(values)  # type: ignore[call-overload]
        first, last = pair
    except (TypeError, ValueError) as error:
        raise ValueError(message) from error
    low, high = _as_float(first, message), _as_float(last, message)
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError(message)
    return low, high


def check_names(
    values: object, name: str, n: int | None = None, what: str = "rows", each: str = "names"
) -> list[str]:
    """Return names as a list of texts, of which there must be ``n``."""
    if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Iterable):
        raise ValueError(f"{name} must be a list of texts; found {type(values).__name__}.")
    names = [str(value) for value in values]
    if n is not None and len(names) != n:
        raise ValueError(f"{name} has {len(names)} {each} for {n} {what}; pass one for each.")
    return names


def check_classes(values: ArrayLike, name: str, n_rows: int) -> NDArray:
    """Return the class of each row, which may be a number or a text."""
    refuse_masked(values, name)
    try:
        array = np.asarray(values)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be one value for each row, but has no shape ({error}).") from error
    if array.shape != (n_rows,):
        raise ValueError(
            f"{name} has the shape {array.shape} for {n_rows} rows; pass one value for each row."
        )
    if array.dtype.kind == "O" and len({type(each) for each in array}) > 1:
        array = array.astype(str)  # None beside numbers: they have no order, their names have
    return array

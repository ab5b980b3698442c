"""Checks of arguments that several modules share.

Each check returns the argument as the array that the caller works on, or raises a
``ValueError`` that names the argument, what was found and what to do.
"""

import numpy as np


def _as_floats(values, name):
    try:
        return np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} must hold numbers, but could not be read as such ({error}). "
            "Encode text columns as numbers, or leave them out."
        ) from error


def _check_finite(array, name):
    bad = ~np.isfinite(array)
    if bad.any():
        n_nan = int(np.isnan(array).sum())
        n_inf = int(bad.sum()) - n_nan
        raise ValueError(
            f"{name} holds {n_nan} NaN and {n_inf} infinite values. Fill or drop them before this call."
        )


def check_scores(scores, name="scores", min_size=1):
    """Return anomaly scores as a float array of shape (n,)."""
    scores = _as_floats(scores, name)
    if scores.ndim != 1:
        raise ValueError(
            f"{name} must be one-dimensional, one anomaly score a row; found shape {scores.shape}. "
            "Pass the scores of the rows, for example detector.anomaly_score(X)."
        )
    if scores.size < min_size:
        raise ValueError(f"{name} must hold at least {min_size} scores; found {scores.size}.")
    _check_finite(scores, name)
    return scores


def check_labels(y, name="y", n_rows=None, need_both=False):
    """Return labels as an integer array of shape (n,), 1 = anomaly and 0 = normal."""
    labels = np.asarray(y)
    if labels.ndim != 1:
        raise ValueError(f"{name} must be one-dimensional, one label a row; found shape {labels.shape}.")
    if labels.size == 0:
        raise ValueError(f"{name} is empty; pass at least one label.")
    found = set(labels.tolist())
    if not found <= {0, 1}:
        raise ValueError(
            f"{name} must hold 0 (normal) and 1 (anomaly) only; found {sorted(found, key=str)[:5]}. "
            "Turn scikit-learn's -1/+1 into this with (y == -1).astype(int)."
        )
    if n_rows is not None and labels.size != n_rows:
        raise ValueError(f"{name} has {labels.size} labels for {n_rows} rows; pass one label a row.")
    if need_both and len(found) < 2:
        missing = "anomalies (1)" if found == {0} else "normal rows (0)"
        raise ValueError(f"{name} holds no {missing}; this measure needs both classes.")
    return labels.astype(int)


def check_rows(X, name="X", n_features=None, min_rows=1):
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
    _check_finite(X, name)
    return X


def check_fraction(value, name, inclusive=False):
    """Return a number strictly between 0 and 1 (or from 0 to 1, where ``inclusive``)."""
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be a number between 0 and 1; found {value!r}.") from error
    inside = 0 <= number <= 1 if inclusive else 0 < number < 1
    if not inside:
        raise ValueError(
            f"{name} must be {'from' if inclusive else 'strictly between'} 0 "
            f"{'to' if inclusive else 'and'} 1; found {value!r}."
        )
    return number

"""Detectors with one planted fault each, for the assignment in which students diagnose them.

The detector is a linear autoencoder (principal components), so that a class can be graded
without TensorFlow; the faults are those of the tutorials that the course takes apart.
"""

import numpy as np

from aecourse.grading import personal

FAULTS = ("range", "leakage", "bottleneck", "labels")
NAMES = ("alpha", "beta", "gamma", "delta")
N_FEATURES = 10
CODE_SIZE = 3


def truth(student_id):
    """Return which fault each of a student's detectors has.

    Parameters
    ----------
    student_id : str

    Returns
    -------
    dict of str to str
        Faults by the detector's name.

    Examples
    --------
    >>> sorted(truth("12345").values())
    ['bottleneck', 'labels', 'leakage', 'range']
    """
    order = np.random.default_rng(personal.seed(student_id, "a4")).permutation(len(FAULTS))
    return {name: FAULTS[place] for name, place in zip(NAMES, order, strict=True)}


def _rows(rng):
    """Draw normal rows near a plane of CODE_SIZE dimensions, and anomalies off it."""
    mixing = rng.normal(size=(CODE_SIZE, N_FEATURES))
    normal = rng.normal(size=(900, CODE_SIZE)) @ mixing + 0.2 * rng.normal(size=(900, N_FEATURES))
    odd = rng.normal(size=(100, CODE_SIZE)) @ mixing + 1.2 * rng.normal(size=(100, N_FEATURES))
    X_test = np.vstack([normal[600:], odd])
    y_test = np.repeat([0, 1], [300, 100])
    order = rng.permutation(400)
    return normal[:600], X_test[order], y_test[order]


def detector(student_id, name):
    """Return one of a student's detectors, as plain data.

    Parameters
    ----------
    student_id : str
    name : str
        'alpha', 'beta', 'gamma' or 'delta'.

    Returns
    -------
    dict
        ``X_train`` of shape (n, 10) and ``X_test`` of shape (400, 10), standardised by the training rows;
        ``y_test`` of shape (400,); ``R_test``, the reconstructions of the test rows; ``code_size``.

    Raises
    ------
    ValueError
        If there is no detector of that name.

    Examples
    --------
    >>> detector("12345", "alpha")["X_test"].shape
    (400, 10)
    """
    if name not in NAMES:
        raise ValueError(f"name is {name!r}; the detectors are {', '.join(NAMES)}.")
    fault = truth(student_id)[name]
    rng = np.random.default_rng([personal.seed(student_id, "a4"), NAMES.index(name)])
    X_train, X_test, y_test = _rows(rng)
    if fault == "leakage":
        X_train = np.vstack([X_train, X_test[y_test == 1], X_test[y_test == 0][:100]])
        X_train = X_train[rng.permutation(len(X_train))]
    centre, spread = X_train.mean(axis=0), X_train.std(axis=0)
    X_train, X_test = (X_train - centre) / spread, (X_test - centre) / spread
    code_size = N_FEATURES if fault == "bottleneck" else CODE_SIZE
    axes = np.linalg.svd(X_train, full_matrices=False)[2][:code_size]
    R_test = X_test @ axes.T @ axes
    if fault == "range":
        R_test = 1 / (1 + np.exp(-R_test))
    if fault == "labels":
        y_test = 1 - y_test
    return {"X_train": X_train, "X_test": X_test, "y_test": y_test, "R_test": R_test, "code_size": code_size}

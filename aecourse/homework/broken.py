"""Detectors with one planted fault each, for the assignment in which students diagnose them.

The detectors are data: students get what this module holds, and it does not say which detector has
which fault. They are linear autoencoders (principal components), so that a class can be graded without
TensorFlow; the faults are those of the tutorials that the course examines.
"""

import functools
import pathlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aecourse.homework import personal

FAULTS = ("range", "leakage", "bottleneck", "labels")
NAMES = ("alpha", "beta", "gamma", "delta")
VARIANTS = 12
FILE = pathlib.Path(__file__).parents[1] / "data" / "detectors.npz"
PARTS = ("X_train", "X_test", "y_test", "R_test", "code_size")


def variant(student_id: str) -> int:
    """Return which of the prepared sets of four detectors belongs to a student.

    Parameters
    ----------
    student_id : str

    Returns
    -------
    int
        From 0 to ``VARIANTS`` - 1.

    Examples
    --------
    >>> variant("12345") == variant("12345"), 0 <= variant("12346") < VARIANTS
    (True, True)
    """
    return personal.seed(student_id, "a4") % VARIANTS


@functools.cache
def _stored_arrays() -> dict[str, NDArray[Any]]:
    with np.load(FILE, allow_pickle=False) as archive:
        return dict(archive)


def detector(student_id: str, name: str) -> dict[str, Any]:
    """Return one of a student's detectors, as plain data.

    Parameters
    ----------
    student_id : str
    name : str
        'alpha', 'beta', 'gamma' or 'delta'.

    Returns
    -------
    dict
        ``X_train`` of shape (n, 10) and ``X_test`` of shape (220, 10), standardised by the training rows;
        ``y_test`` of shape (220,); ``R_test`` of shape (220, 10), the reconstructions of the test rows;
        ``code_size``, an int.

    Raises
    ------
    ValueError
        If a student has no detector of that name.

    Examples
    --------
    >>> detector("12345", "alpha")["X_test"].shape
    (220, 10)
    """
    if name not in NAMES:
        raise ValueError(f"name is {name!r}; the detectors are {', '.join(NAMES)}.")
    stored, number = _stored_arrays(), variant(student_id)
    arrays = {part: stored[f"{number}_{name}_{part}"] for part in PARTS}
    return {
        "X_train": arrays["X_train"].astype(float),
        "X_test": arrays["X_test"].astype(float),
        "y_test": arrays["y_test"].astype(int),
        "R_test": arrays["R_test"].astype(float),
        "code_size": int(arrays["code_size"]),
    }

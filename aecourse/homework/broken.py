"""Detectors with one planted fault each, for the assignment in which students diagnose them.

The detectors are data: what is here is what students get, and says nothing of which has which
fault. They are linear autoencoders (principal components), so that a class can be graded without
TensorFlow; the faults are those of the tutorials that the course takes apart.
"""

import functools
import pathlib

import numpy as np

from aecourse.homework import personal

FAULTS = ("range", "leakage", "bottleneck", "labels")
NAMES = ("alpha", "beta", "gamma", "delta")
VARIANTS = 12
FILE = pathlib.Path(__file__).parents[1] / "data" / "detectors.npz"
PARTS = ("X_train", "X_test", "y_test", "R_test", "code_size")


def variant(student_id):
    """Return which of the prepared sets of four detectors is a student's.

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
def _content():
    with np.load(FILE, allow_pickle=False) as archive:
        return dict(archive)


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
        ``X_train`` of shape (n, 10) and ``X_test`` of shape (220, 10), standardised by the training rows;
        ``y_test`` of shape (220,); ``R_test``, the reconstructions of the test rows; ``code_size``.

    Raises
    ------
    ValueError
        If there is no detector of that name.

    Examples
    --------
    >>> detector("12345", "alpha")["X_test"].shape
    (220, 10)
    """
    if name not in NAMES:
        raise ValueError(f"name is {name!r}; the detectors are {', '.join(NAMES)}.")
    content, number = _content(), variant(student_id)
    found = {part: content[f"{number}_{name}_{part}"] for part in PARTS}
    whole = {"y_test": found["y_test"].astype(int), "code_size": int(found["code_size"])}
    return {part: np.array(value, dtype=float) for part, value in found.items()} | whole

"""A data set as the course uses it: normal rows to train and validate on, and a labelled test set."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from aecourse._support.checks import check_fraction, check_labels

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Split:
    """A data set, divided as every lesson of the course uses it.

    Parameters
    ----------
    X_train : ndarray of shape (n_train, n_features)
        Normal rows only: models and scalers are fitted on them.
    X_val : ndarray of shape (n_val, n_features)
        Normal rows only, held out: training is stopped and the threshold is chosen on them.
    X_test : ndarray of shape (n_test, n_features)
        Normal rows and anomalies, used once, for the report.
    y_test : ndarray of shape (n_test,)
        1 = anomaly, 0 = normal.
    feature_names : tuple of str
        One name for each column.
    name, description, licence, citation : str
        What the data set is, its licence and its source.
    groups_test : ndarray of shape (n_test,), optional
        What each test row is, in more detail than 0 or 1: the digit, the species, the cluster.
    image_shape : tuple of int, optional
        Height and width, if each row is an image.

    Raises
    ------
    ValueError
        If the parts do not fit together.

    Examples
    --------
    >>> from aecourse import datasets
    >>> split = datasets.load_iris_novelty()
    >>> split.X_test.shape, int(split.y_test.sum())
    ((70, 4), 50)
    """

    X_train: NDArray[np.floating]
    X_val: NDArray[np.floating]
    X_test: NDArray[np.floating]
    y_test: NDArray[np.integer]
    feature_names: tuple[str, ...]
    name: str
    description: str
    licence: str
    citation: str
    groups_test: NDArray | None = None
    image_shape: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        check_labels(self.y_test, "y_test", n_rows=len(self.X_test))
        for part in ("X_train", "X_val", "X_test"):
            shape = getattr(self, part).shape
            if len(shape) != 2 or shape[1] != len(self.feature_names):
                raise ValueError(
                    f"{part} must have one column for each of the {len(self.feature_names)} "
                    f"feature names; found shape {shape}."
                )
        if self.groups_test is not None and len(self.groups_test) != len(self.X_test):
            raise ValueError(
                f"groups_test has {len(self.groups_test)} entries for {len(self.X_test)} test rows; "
                "pass one for each row."
            )

    @property
    def n_features(self) -> int:
        """Number of columns."""
        return len(self.feature_names)

    def summary(self) -> "pd.DataFrame":
        """Count the rows of each part.

        Returns
        -------
        pandas.DataFrame
            Index: train, validation, test; columns: rows, normal, anomalies.

        Examples
        --------
        >>> from aecourse import datasets
        >>> print(datasets.load_iris_novelty().summary())
                    rows  normal  anomalies
        train         64      64          0
        validation    16      16          0
        test          70      20         50
        """
        import pandas as pd

        n_anomalies = int(np.sum(self.y_test))
        n_train, n_val, n_test = len(self.X_train), len(self.X_val), len(self.X_test)
        return pd.DataFrame(
            {
                "rows": [n_train, n_val, n_test],
                "normal": [n_train, n_val, n_test - n_anomalies],
                "anomalies": [0, 0, n_anomalies],
            },
            index=["train", "validation", "test"],
        )


def hold_out(rows: NDArray, fraction: float, rng: np.random.RandomState) -> tuple[NDArray, NDArray]:
    """Divide rows at random into those kept and those held out, each in their old order."""
    order = rng.permutation(len(rows))
    n_out = round(len(rows) * fraction)
    return rows[np.sort(order[n_out:])], rows[np.sort(order[:n_out])]


def split_labelled(
    X: NDArray,
    is_anomaly: NDArray[np.bool_],
    groups: NDArray,
    test_fraction: float,
    validation_fraction: float,
    random_state: int | None,
    **about: Any,
) -> Split:
    """Split a labelled table: all anomalies and a share of the normal rows go into the test set."""
    check_fraction(test_fraction, "test_fraction")
    check_fraction(validation_fraction, "validation_fraction")
    rng = np.random.RandomState(random_state)
    kept, test_normal = hold_out(np.flatnonzero(~is_anomaly), test_fraction, rng)
    train, validation = hold_out(kept, validation_fraction, rng)
    test = np.concatenate([test_normal, np.flatnonzero(is_anomaly)])
    return Split(
        X_train=X[train],
        X_val=X[validation],
        X_test=X[test],
        y_test=is_anomaly[test].astype(int),
        groups_test=groups[test],
        **about,
    )

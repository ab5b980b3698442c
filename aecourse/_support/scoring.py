"""The scoring methods of scikit-learn that follow from an anomaly score and a threshold.

The detector and the baselines share them. They are here, below both, because neither builds on the other.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import OutlierMixin

__all__ = ["AnomalyScoreMixin"]


class AnomalyScoreMixin(OutlierMixin):
    """Give a class with ``anomaly_score`` and ``threshold_`` the methods of an outlier detector.

    `score_samples`, `decision_function` and `predict` are defined here, ``fit_predict`` in scikit-learn's own
    mixin. As in scikit-learn, they are high for normal rows; the anomaly score is high for anomalies.

    Attributes
    ----------
    threshold_ : float
        `predict` flags the rows with an anomaly score strictly above it.
    offset_ : float
        −``threshold_``, so that ``decision_function = score_samples − offset_``.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.base import BaseEstimator
    >>> class Size(AnomalyScoreMixin, BaseEstimator):
    ...     threshold_ = 2.0
    ...     def anomaly_score(self, X):
    ...         return np.abs(X).max(axis=1)
    >>> Size().predict(np.array([[1.0, -2.0], [0.0, 3.0]]))
    array([ 1, -1])
    """

    threshold_: float

    @property
    def offset_(self) -> float:
        """float: minus ``threshold_``; setting one sets the other."""
        return -self.threshold_

    @offset_.setter
    def offset_(self, value: float) -> None:
        self.threshold_ = -value

    def anomaly_score(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return how anomalous each row is; each class defines its own."""
        raise NotImplementedError(f"{type(self).__name__} must define anomaly_score(X), high = anomalous.")

    def score_samples(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the negated anomaly score: high = normal.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Rows.

        Returns
        -------
        ndarray of shape (n,)

        Examples
        --------
        >>> from aecourse.baselines import KNNDistance
        >>> knn = KNNDistance(n_neighbors=2, scale=False).fit([[0.0], [1.0], [2.0], [3.0]])
        >>> knn.score_samples([[2.5], [7.0]])
        array([-0.5, -4.5])
        """
        return -self.anomaly_score(X)

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return ``threshold_`` minus the anomaly score: negative for the rows that `predict` flags.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Rows.

        Returns
        -------
        ndarray of shape (n,)

        Examples
        --------
        >>> from aecourse.baselines import KNNDistance
        >>> knn = KNNDistance(n_neighbors=2, scale=False).fit([[0.0], [1.0], [2.0], [3.0]])
        >>> knn.decision_function([[2.5], [7.0]])
        array([ 1., -3.])
        """
        return self.score_samples(X) - self.offset_

    def predict(self, X: ArrayLike) -> NDArray[np.int64]:
        """Flag the rows whose anomaly score is strictly above ``threshold_``.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Rows.

        Returns
        -------
        ndarray of shape (n,)
            −1 for a flagged row, +1 for any other, as in scikit-learn.

        Examples
        --------
        >>> from aecourse.baselines import KNNDistance
        >>> knn = KNNDistance(n_neighbors=2, scale=False).fit([[0.0], [1.0], [2.0], [3.0]])
        >>> knn.predict([[2.5], [7.0]])
        array([ 1, -1])
        """
        return np.where(self.anomaly_score(X) > self.threshold_, -1, 1)

"""Seven simple detectors behind one interface: what an autoencoder has to beat.

Each is a scikit-learn outlier detector that is fitted on normal rows only:

- ``fit(X)`` learns from normal rows and sets ``threshold_``, the ``1 - contamination``
  quantile of the training rows' scores;
- ``anomaly_score(X)`` has shape (n,), high = anomalous;
- ``score_samples(X)`` is ``-anomaly_score(X)``, and ``decision_function(X)`` is
  ``score_samples(X) - offset_`` with ``offset_ = -threshold_``, as in scikit-learn;
- ``predict(X)`` is -1 for the rows with a score strictly above ``threshold_``, else +1.

The methods that measure distances across columns standardise the columns first (``scale=True``);
a column that is constant in the training rows is only centred. With ``scale=False`` the columns
keep their units.

k-NN, LOF and DBSCAN use the neighbours of a row. A training row does not count as its own
neighbour; otherwise every training score, and so the threshold, would be too low. A new row that
equals a training row is scored like that training row. All other rows are scored as usual.

The threshold comes from training scores, as with scikit-learn's ``contamination``. If a
false-alarm rate must be kept, fit a rule from `aecourse.thresholds` on the scores of held-out
normal rows instead.
"""

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn import decomposition, ensemble, neighbors, svm
from sklearn.base import BaseEstimator
from sklearn.covariance import MinCovDet
from sklearn.preprocessing import StandardScaler
from sklearn.utils import gen_batches
from sklearn.utils.validation import check_is_fitted, validate_data

from aecourse._support.checks import check_number, check_whole, refuse_masked
from aecourse._support.scoring import AnomalyScoreMixin

# Numbers in one batch of rows while scoring (32 MB of floats): memory stays flat.
_BATCH_NUMBERS = 4_000_000

# The threshold is a quantile of the scores of at most this many training rows, evenly spaced.
# A neighbour search over all rows would take longer than the fit, and a 5 % quantile of
# 20,000 scores is already known to within 0.15 percentage points (one standard error).
_MAX_TRAINING_SCORES = 20_000

_Floats = NDArray[np.float64]
_RandomState = int | np.random.RandomState | None


class _Baseline(AnomalyScoreMixin, BaseEstimator):
    """What the seven share. A subclass has ``_fit(Z)`` and ``_score(Z)``, on scaled rows."""

    contamination: float

    def _fit(self, Z: _Floats) -> None:
        raise NotImplementedError

    def _score(self, Z: _Floats) -> _Floats:
        raise NotImplementedError

    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Learn what normal rows look like.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Normal rows, at least two.
        y : ignored
            Part of scikit-learn's interface.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If X is not a finite table of numbers, or a parameter is out of its range.

        Examples
        --------
        >>> from aecourse.baselines import KNNDistance
        >>> KNNDistance(n_neighbors=1, scale=False).fit([[0.0], [1.0], [2.0]]).threshold_
        1.0
        """
        contamination = check_number(self.contamination, "contamination", above=0, at_most=0.5)
        refuse_masked(X, "X")
        rows = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        # Centring changes no score, and keeps distances exact if the values are large.
        self._scaler = StandardScaler(with_std=getattr(self, "scale", False)).fit(rows)
        self._fit(self._scaler.transform(rows))
        chosen = np.linspace(0, len(rows) - 1, min(len(rows), _MAX_TRAINING_SCORES)).astype(int)
        self.threshold_ = float(np.quantile(self._in_batches(self._score, rows[chosen]), 1 - contamination))
        return self

    def anomaly_score(self, X: ArrayLike) -> _Floats:
        """Score each row, high = anomalous.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Rows.

        Returns
        -------
        ndarray of shape (n,)
            In the unit that the class names. Memory does not grow with n beyond X itself.

        Raises
        ------
        ValueError
            If X is not a finite table of numbers with the columns seen in ``fit``.

        Examples
        --------
        >>> from aecourse.baselines import KNNDistance
        >>> KNNDistance(n_neighbors=1, scale=False).fit([[0.0], [1.0], [2.0]]).anomaly_score([[5.0]])
        array([3.])
        """
        return self._in_batches(self._score, self._check(X))

    def _check(self, X: ArrayLike) -> _Floats:
        check_is_fitted(self)
        refuse_masked(X, "X")
        return validate_data(self, X, dtype=np.float64, reset=False)

    def _in_batches(self, function: Callable[[_Floats], _Floats], X: _Floats) -> _Floats:
        size = max(1, _BATCH_NUMBERS // X.shape[1])
        parts = [function(self._scaler.transform(X[rows])) for rows in gen_batches(len(X), size)]
        return np.concatenate(parts)


class KNNDistance(_Baseline):
    """Distance to the nearest training rows.

    The score is the mean Euclidean distance to the ``n_neighbors`` nearest training rows [2]_,
    or, with ``aggregate="kth"``, the distance to the last of them [1]_.

    Parameters
    ----------
    n_neighbors : int
        Number of neighbours; if there are fewer training rows, all the others.
    aggregate : {"mean", "kth"}
        The mean is the default: it is less noisy than one distance.
    scale : bool
        Standardise the columns first.
    contamination : float
        Share of the training rows above ``threshold_``.

    Attributes
    ----------
    threshold_, offset_ : float
        See the module.
    n_neighbors_ : int
        The number of neighbours in use.

    References
    ----------
    .. [1] S. Ramaswamy, R. Rastogi and K. Shim (2000). Efficient algorithms for mining
       outliers from large data sets. SIGMOD, 427-438.
    .. [2] F. Angiulli and C. Pizzuti (2002). Fast outlier detection in high dimensional
       spaces. PKDD, 15-27.

    Examples
    --------
    >>> from aecourse.baselines import KNNDistance
    >>> knn = KNNDistance(n_neighbors=2, scale=False).fit([[0.0], [1.0], [2.0], [3.0]])
    >>> knn.anomaly_score([[2.5], [7.0]])
    array([0.5, 4.5])
    >>> knn.predict([[2.5], [7.0]])
    array([ 1, -1])
    """

    def __init__(
        self,
        n_neighbors: int = 5,
        *,
        aggregate: Literal["mean", "kth"] = "mean",
        scale: bool = True,
        contamination: float = 0.05,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.aggregate = aggregate
        self.scale = scale
        self.contamination = contamination

    def _fit(self, Z: _Floats) -> None:
        if self.aggregate not in ("mean", "kth"):
            raise ValueError(f"aggregate must be 'mean' or 'kth'; found {self.aggregate!r}.")
        self.n_neighbors_ = min(check_whole(self.n_neighbors, "n_neighbors"), len(Z) - 1)
        self._neighbours = _OtherRows(Z)

    def _score(self, Z: _Floats) -> _Floats:
        distances = self._neighbours.distances(Z, self.n_neighbors_)
        return distances.mean(axis=1) if self.aggregate == "mean" else distances[:, -1]


class LOF(_Baseline):
    """Local outlier factor: how much sparser a row's surroundings are than its neighbours'.

    The score is the mean local density of the row's nearest training rows over its own [1]_,
    which is about 1 inside a cluster of any density. Computed by
    ``sklearn.neighbors.LocalOutlierFactor(novelty=True)``.

    Parameters
    ----------
    n_neighbors : int
        Number of neighbours; if there are fewer training rows, all the others.
    scale : bool
        Standardise the columns first.
    contamination : float
        Share of the training rows above ``threshold_``.

    Attributes
    ----------
    threshold_, offset_ : float
        See the module.
    n_neighbors_ : int
        The number of neighbours in use.

    References
    ----------
    .. [1] M. M. Breunig, H.-P. Kriegel, R. T. Ng and J. Sander (2000). LOF: identifying
       density-based local outliers. SIGMOD, 93-104.

    Examples
    --------
    >>> import numpy as np
    >>> from aecourse.baselines import LOF
    >>> grid = np.array([[a, b] for a in range(10) for b in range(10)], dtype=float)
    >>> LOF(n_neighbors=8).fit(grid).predict([[4.5, 4.5], [4.5, 20.0]])
    array([ 1, -1])
    """

    def __init__(self, n_neighbors: int = 20, *, scale: bool = True, contamination: float = 0.05) -> None:
        self.n_neighbors = n_neighbors
        self.scale = scale
        self.contamination = contamination

    def _fit(self, Z: _Floats) -> None:
        self.n_neighbors_ = min(check_whole(self.n_neighbors, "n_neighbors"), len(Z) - 1)
        self._rows = Z
        self._lof = neighbors.LocalOutlierFactor(n_neighbors=self.n_neighbors_, novelty=True).fit(Z)

    def _score(self, Z: _Floats) -> _Floats:
        score = -self._lof.score_samples(Z)
        nearest = self._lof.kneighbors(Z, n_neighbors=1, return_distance=False)[:, 0]
        own = (self._rows[nearest] == Z).all(axis=1)
        score[own] = -self._lof.negative_outlier_factor_[nearest[own]]
        return score


class IsolationForest(_Baseline):
    """How few random cuts it takes to separate a row from the others.

    The score is ``2 ** (-mean depth / expected depth)`` over the trees [1]_: above 0.5 if a row is
    separated sooner than a random one, and at most 1. Each cut uses one column, so the scale of
    the columns does not matter, and anomalies in combinations of columns are missed. Computed by
    ``sklearn.ensemble.IsolationForest``.

    Parameters
    ----------
    n_estimators : int
        Number of trees.
    max_samples : "auto", int or float
        Training rows in each tree; "auto" is 256, or all rows if there are fewer.
    contamination : float
        Share of the training rows above ``threshold_``.
    random_state : int, RandomState or None
        Seeds the cuts.

    Attributes
    ----------
    threshold_, offset_ : float
        See the module.

    References
    ----------
    .. [1] F. T. Liu, K. M. Ting and Z.-H. Zhou (2008). Isolation forest. ICDM, 413-422.

    Examples
    --------
    >>> import numpy as np
    >>> from aecourse.baselines import IsolationForest
    >>> X = np.random.default_rng(0).normal(size=(300, 2))
    >>> IsolationForest().fit(X).predict([[0.0, 0.0], [6.0, 6.0]])
    array([ 1, -1])
    """

    def __init__(
        self,
        n_estimators: int = 100,
        *,
        max_samples: Literal["auto"] | int | float = "auto",
        contamination: float = 0.05,
        random_state: _RandomState = 0,
    ) -> None:
        self.n_estimators = n_estimators
        self.max_samples = max_samples
        self.contamination = contamination
        self.random_state = random_state

    def _fit(self, Z: _Floats) -> None:
        self._forest = ensemble.IsolationForest(
            n_estimators=self.n_estimators, max_samples=self.max_samples, random_state=self.random_state
        ).fit(Z)

    def _score(self, Z: _Floats) -> _Floats:
        return -self._forest.score_samples(Z)


class DBSCANDistance(_Baseline):
    """DBSCAN for new rows: the distance to the nearest core point.

    DBSCAN [1]_ calls a row a core point when at least ``min_samples`` rows, itself included,
    lie within ``eps``; rows within ``eps`` of a core point belong to a cluster, the rest is
    noise. It assigns training rows only, but its rule extends to new ones: the score is the
    distance to the nearest core point of the training rows, and DBSCAN would call a row noise
    if this is above ``eps_``. (Set ``threshold_`` to ``eps_`` to flag by that rule.) The clusters
    themselves are not needed, so they are not built.

    Parameters
    ----------
    eps : float, optional
        The radius, in standardised units if ``scale``. By default from the sorted distances to
        the ``min_samples``-th row [1]_: the smallest radius that makes all but the share
        ``contamination`` of the training rows core points.
    min_samples : int
        Rows within ``eps`` that make a core point, itself included; if there are fewer training
        rows, all of them.
    scale : bool
        Standardise the columns first.
    contamination : float
        Share of the training rows above ``threshold_``, and share of noise in the choice of ``eps``.

    Attributes
    ----------
    threshold_, offset_ : float
        See the module.
    eps_ : float
        The radius in use.
    core_sample_indices_ : ndarray of int
        Which training rows are core points.

    References
    ----------
    .. [1] M. Ester, H.-P. Kriegel, J. Sander and X. Xu (1996). A density-based algorithm for
       discovering clusters in large spatial databases with noise. KDD, 226-231.

    Examples
    --------
    >>> from aecourse.baselines import DBSCANDistance
    >>> X = [[0.0], [1.0], [2.0], [3.0], [50.0]]
    >>> dbscan = DBSCANDistance(eps=1.5, min_samples=3, scale=False).fit(X)
    >>> dbscan.core_sample_indices_
    array([1, 2])
    >>> dbscan.anomaly_score([[2.5], [10.0]])
    array([0.5, 8. ])
    """

    def __init__(
        self,
        eps: float | None = None,
        *,
        min_samples: int = 5,
        scale: bool = True,
        contamination: float = 0.05,
    ) -> None:
        self.eps = eps
        self.min_samples = min_samples
        self.scale = scale
        self.contamination = contamination

    def _fit(self, Z: _Floats) -> None:
        # The row itself is one of the min_samples.
        needed = min(check_whole(self.min_samples, "min_samples"), len(Z)) - 1
        reach = _OtherRows(Z).distances(Z, needed)[:, -1] if needed else np.zeros(len(Z))
        if self.eps is None:
            self.eps_ = float(np.quantile(reach, 1 - self.contamination, method="inverted_cdf"))
        else:
            self.eps_ = check_number(self.eps, "eps", above=0)
        core = reach <= self.eps_
        if not core.any():
            raise ValueError(
                f"eps={self.eps!r} leaves no core point: no training row has {needed + 1} rows within it, "
                f"itself included. Raise eps above {reach.min():.3g}, lower min_samples, or pass eps=None."
            )
        self.core_sample_indices_ = np.flatnonzero(core)
        self._core = _OtherRows(Z[core])

    def _score(self, Z: _Floats) -> _Floats:
        return self._core.distances(Z, 1)[:, 0]


class OneClassSVM(_Baseline):
    """A boundary around the normal rows, in the feature space of a Gaussian kernel.

    The score is minus the weighted sum of kernels around the support vectors [1]_; where it
    is high, few training rows are near. The time to fit grows at least with the square of the
    number of rows: pass a few thousand. Computed by ``sklearn.svm.OneClassSVM``.

    Parameters
    ----------
    nu : float
        Upper bound on the share of training rows outside the boundary, in (0, 1].
    gamma : "scale", "auto" or float
        Kernel coefficient, as in scikit-learn.
    scale : bool
        Standardise the columns first.
    contamination : float
        Share of the training rows above ``threshold_``.

    Attributes
    ----------
    threshold_, offset_ : float
        See the module. The threshold is a quantile of the training scores, not the SVM's boundary.

    References
    ----------
    .. [1] B. Schölkopf, J. C. Platt, J. Shawe-Taylor, A. J. Smola and R. C. Williamson (2001).
       Estimating the support of a high-dimensional distribution. Neural Computation 13(7),
       1443-1471.

    Examples
    --------
    >>> import numpy as np
    >>> from aecourse.baselines import OneClassSVM
    >>> X = np.random.default_rng(0).normal(size=(300, 2))
    >>> OneClassSVM().fit(X).predict([[0.0, 0.0], [6.0, 6.0]])
    array([ 1, -1])
    """

    def __init__(
        self,
        nu: float = 0.05,
        *,
        gamma: Literal["scale", "auto"] | float = "scale",
        scale: bool = True,
        contamination: float = 0.05,
    ) -> None:
        self.nu = nu
        self.gamma = gamma
        self.scale = scale
        self.contamination = contamination

    def _fit(self, Z: _Floats) -> None:
        self._svm = svm.OneClassSVM(nu=self.nu, gamma=self.gamma).fit(Z)

    def _score(self, Z: _Floats) -> _Floats:
        return -self._svm.score_samples(Z)


class PCAReconstruction(_Baseline):
    """What is left of a row after its projection on the first principal components.

    The linear counterpart of an autoencoder with mean squared error [1]_. The score is the mean
    over the columns of the squared reconstruction error [2]_, in standardised units if ``scale``,
    else in the squared units of the columns.

    Parameters
    ----------
    n_components : int, float or None
        Number of components kept: a whole number from 1 to d - 1 (and below the number of rows).
        Or a share of the variance strictly between 0 and 1: as few components as hold it. None is
        a share of 0.9. At least one direction is always left out, since all of them together
        would reconstruct every row.
    scale : bool
        Standardise the columns first.
    contamination : float
        Share of the training rows above ``threshold_``.

    Attributes
    ----------
    threshold_, offset_ : float
        See the module.
    n_components_ : int
        Components kept; 0 if there is only one column, or all rows are equal.
    components_ : ndarray of shape (n_components_, d)
        Their directions, for the scaled columns.
    explained_variance_ratio_ : ndarray of shape (n_components_,)
        Share of the variance that each holds.

    References
    ----------
    .. [1] P. Baldi and K. Hornik (1989). Neural networks and principal component analysis:
       learning from examples without local minima. Neural Networks 2(1), 53-58.
    .. [2] J. E. Jackson and G. S. Mudholkar (1979). Control procedures for residuals associated
       with principal component analysis. Technometrics 21(3), 341-349.

    Examples
    --------
    >>> import numpy as np
    >>> from aecourse.baselines import PCAReconstruction
    >>> line = np.arange(10.0)
    >>> pca = PCAReconstruction(n_components=1, scale=False).fit(np.column_stack([line, line]))
    >>> pca.anomaly_score([[20.0, 20.0], [4.0, 6.0]]).round(6)  # on the line, and off it
    array([0., 1.])
    """

    def __init__(
        self, n_components: int | float | None = None, *, scale: bool = True, contamination: float = 0.05
    ) -> None:
        self.n_components = n_components
        self.scale = scale
        self.contamination = contamination

    def _fit(self, Z: _Floats) -> None:
        most = min(Z.shape) - 1
        wanted, is_share = self._check_n_components(Z.shape, most)
        with np.errstate(invalid="ignore"):  # rows that are all equal: a variance of 0 over 0
            pca = decomposition.PCA().fit(Z)
        variance = pca.explained_variance_
        if is_share:
            held = np.cumsum(variance)
            wanted = np.searchsorted(held, wanted * held[-1]) + 1 if held[-1] > 0 else 0
        self.n_components_ = int(min(wanted, most))
        self.components_ = pca.components_[: self.n_components_]
        self.explained_variance_ratio_ = variance[: self.n_components_] / (variance.sum() or 1.0)

    def _check_n_components(self, shape: tuple[int, ...], most: int) -> tuple[float, bool]:
        """Return the number of components or the share of the variance, and whether it is a share."""
        wanted = 0.9 if self.n_components is None else self.n_components
        if isinstance(wanted, Integral) and not isinstance(wanted, bool):
            if 1 <= int(wanted) <= most:
                return wanted, False
        elif isinstance(wanted, Real) and 0 < float(wanted) < 1:
            return wanted, True
        if most > 0:
            raise ValueError(
                f"n_components={wanted!r} does not fit X of {shape[0]} sample(s) and {shape[1]} "
                f"feature(s): it must be a whole number from 1 to {most}, so that at least one direction is "
                "left out, a share of the variance strictly between 0 and 1, or None."
            )
        raise ValueError(
            f"n_components={wanted!r} cannot be kept of {shape[1]} feature(s): at least one direction is "
            "left out. Pass None, or more features."
        )

    def _errors(self, Z: _Floats) -> _Floats:
        return (Z - Z @ self.components_.T @ self.components_) ** 2

    def _score(self, Z: _Floats) -> _Floats:
        return self._errors(Z).mean(axis=1)

    def reconstruct(self, X: ArrayLike) -> _Floats:
        """Reconstruct each row from the kept components, in the units of X.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Rows.

        Returns
        -------
        ndarray of shape (n, d)

        Examples
        --------
        >>> import numpy as np
        >>> line = np.arange(10.0)
        >>> pca = PCAReconstruction(n_components=1, scale=False).fit(np.column_stack([line, line]))
        >>> pca.reconstruct([[4.0, 6.0]]).round(6)
        array([[5., 5.]])
        """
        Z = self._scaler.transform(self._check(X))
        return self._scaler.inverse_transform(Z @ self.components_.T @ self.components_)

    def feature_errors(self, X: ArrayLike) -> _Floats:
        """Return the squared reconstruction error of each column; their mean is the anomaly score.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Rows.

        Returns
        -------
        ndarray of shape (n, d)
            In standardised units if ``scale``, else in the squared units of the columns.

        Examples
        --------
        >>> import numpy as np
        >>> line = np.arange(10.0)
        >>> pca = PCAReconstruction(n_components=1, scale=False).fit(np.column_stack([line, line]))
        >>> pca.feature_errors([[4.0, 6.0]]).round(6)
        array([[1., 1.]])
        """
        return self._in_batches(self._errors, self._check(X))


class MahalanobisDistance(_Baseline):
    """Squared distance from the mean, in units of the covariance of the normal rows [1]_.

    Directions in which normal rows vary little count more, whether along a column or a
    combination of columns. For normally distributed rows the score follows a chi-squared
    distribution with d degrees of freedom.

    Parameters
    ----------
    ridge : float
        Added to each variance, as a share of the mean variance, so that constant and collinear
        columns are allowed: a row outside the space in which all training rows lie gets a score
        that is high, not infinite. 0 ignores such directions (a pseudo-inverse).
    robust : bool
        Estimate mean and covariance by the minimum covariance determinant [2]_, which outliers
        among the training rows hardly change. Needs at least twice as many rows as columns.
    scale : bool
        Standardise the columns first. Without the ridge this changes no score.
    contamination : float
        Share of the training rows above ``threshold_``.
    random_state : int, RandomState or None
        Seeds the subsets of ``robust``.

    Attributes
    ----------
    threshold_, offset_ : float
        See the module.
    location_ : ndarray of shape (d,)
        The centre, in the units of X.

    References
    ----------
    .. [1] P. C. Mahalanobis (1936). On the generalised distance in statistics. Proceedings of
       the National Institute of Sciences of India 2(1), 49-55.
    .. [2] P. J. Rousseeuw and K. Van Driessen (1999). A fast algorithm for the minimum
       covariance determinant estimator. Technometrics 41(3), 212-223.
    .. [3] P. H. Garthwaite and I. Koch (2016). Evaluating the contributions of individual
       variables to a quadratic form. Australian & New Zealand Journal of Statistics 58(1),
       99-119.

    Examples
    --------
    >>> import numpy as np
    >>> from aecourse.baselines import MahalanobisDistance
    >>> X = np.random.default_rng(0).normal(size=(500, 1)) * [1, 1] + [[0.1, 0], [-0.1, 0]] * 250
    >>> mahalanobis = MahalanobisDistance().fit(X)  # two columns that are nearly equal
    >>> mahalanobis.predict([[2.0, 2.0], [1.0, -1.0]])
    array([ 1, -1])
    """

    def __init__(
        self,
        *,
        ridge: float = 1e-6,
        robust: bool = False,
        scale: bool = True,
        contamination: float = 0.05,
        random_state: _RandomState = 0,
    ) -> None:
        self.ridge = ridge
        self.robust = robust
        self.scale = scale
        self.contamination = contamination
        self.random_state = random_state

    def _fit(self, Z: _Floats) -> None:
        ridge = check_number(self.ridge, "ridge", at_least=0)
        centre, covariance = np.zeros(Z.shape[1]), Z.T @ Z / len(Z)
        if self.robust:
            centre, covariance = self._robust_location(Z, covariance)
        variances, directions = np.linalg.eigh(covariance)
        variances = np.where(_above_rounding(variances), variances, 0.0)
        variances += ridge * (variances.mean() or 1.0)
        weights = np.divide(1, np.sqrt(variances), out=np.zeros_like(variances), where=variances > 0)
        self._centre = centre
        # The symmetric root of the inverse: the whitened columns stay as close as possible to the
        # columns that they come from [3], so that each column has its share in the score.
        self._whitening = directions * weights @ directions.T
        self.location_ = self._scaler.inverse_transform(centre[None])[0]

    def _robust_location(self, Z: _Floats, covariance: _Floats) -> tuple[_Floats, _Floats]:
        """Robust centre and covariance, in the directions in which the rows vary at all."""
        variances, directions = np.linalg.eigh(covariance)
        spread = _above_rounding(variances)
        if not spread.any():
            return np.zeros(Z.shape[1]), covariance
        if len(Z) < 2 * spread.sum():
            raise ValueError(
                f"robust=True needs at least {2 * spread.sum()} rows for {spread.sum()} columns that are not "
                f"collinear; found {len(Z)}. Pass robust=False, or more rows."
            )
        root = directions[:, spread] * np.sqrt(variances[spread])
        inverse_root = directions[:, spread] / np.sqrt(variances[spread])
        mcd = MinCovDet(random_state=self.random_state).fit(Z @ inverse_root)
        return root @ mcd.location_, root @ mcd.covariance_ @ root.T

    def _errors(self, Z: _Floats) -> _Floats:
        return ((Z - self._centre) @ self._whitening) ** 2

    def _score(self, Z: _Floats) -> _Floats:
        return self._errors(Z).sum(axis=1)

    def feature_errors(self, X: ArrayLike) -> _Floats:
        """Return the share of each column in the score: the squared whitened columns, whose sum it is.

        The columns are whitened by the symmetric root of the inverse covariance (see [3] in the
        class), so that each stays as close as possible to the column that it comes from.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Rows.

        Returns
        -------
        ndarray of shape (n, d)
            No unit; about 1 for a normal row.

        Examples
        --------
        >>> import numpy as np
        >>> X = np.random.default_rng(0).normal(size=(500, 3))
        >>> int(MahalanobisDistance().fit(X).feature_errors([[0.0, 5.0, 0.0]]).argmax())
        1
        """
        return self._in_batches(self._errors, self._check(X))


def strong(random_state: _RandomState = 0, *, scale: bool = True) -> dict[str, Any]:
    """Return the four simple detectors that every report includes, not yet fitted.

    Parameters
    ----------
    random_state : int, RandomState or None
        For the detectors that draw random numbers.
    scale : bool
        Standardise the columns. Pass False if all columns share a unit, like the pixels of an
        image: standardised, a pixel that is nearly always 0 counts as much as any other, and the
        baselines are weaker than they could be.

    Returns
    -------
    dict of str to detector
        PCA reconstruction, Mahalanobis, k-NN and Isolation Forest, at their defaults.

    Examples
    --------
    >>> from aecourse import baselines
    >>> list(baselines.strong())
    ['PCA reconstruction', 'Mahalanobis', 'k-NN', 'Isolation Forest']
    """
    return {
        "PCA reconstruction": PCAReconstruction(scale=scale),
        "Mahalanobis": MahalanobisDistance(scale=scale, random_state=random_state),
        "k-NN": KNNDistance(scale=scale),
        "Isolation Forest": IsolationForest(random_state=random_state),
    }


def every(random_state: _RandomState = 0, *, scale: bool = True) -> dict[str, Any]:
    """Return all seven detectors, not yet fitted.

    Parameters
    ----------
    random_state, scale
        As in `strong`.

    Returns
    -------
    dict of str to detector
        The four of `strong`, then LOF, DBSCAN and One-Class SVM, at their defaults.

    Examples
    --------
    >>> from aecourse import baselines
    >>> list(baselines.every())[4:]
    ['LOF', 'DBSCAN', 'One-Class SVM']
    """
    return strong(random_state, scale=scale) | {
        "LOF": LOF(scale=scale),
        "DBSCAN": DBSCANDistance(scale=scale),
        "One-Class SVM": OneClassSVM(scale=scale),
    }


class _OtherRows:
    """Distances to the nearest stored rows, where a stored row is not its own neighbour."""

    def __init__(self, rows: _Floats) -> None:
        self._rows = rows
        self._index = neighbors.NearestNeighbors().fit(rows)

    def distances(self, Z: _Floats, k: int) -> _Floats:
        """Distances (n, k) from each row to the k nearest, the nearest first."""
        if k == len(self._rows):  # a single core point: it has no other row as a neighbour
            return self._index.kneighbors(Z, k)[0]
        distances, nearest = self._index.kneighbors(Z, k + 1)
        own = (self._rows[nearest[:, 0]] == Z).all(axis=1)
        return np.where(own[:, None], distances[:, 1:], distances[:, :-1])


def _above_rounding(variances: _Floats) -> NDArray[np.bool_]:
    """Which variances (eigenvalues of a covariance) differ from zero by more than rounding."""
    return variances > variances.max() * len(variances) * np.finfo(float).eps

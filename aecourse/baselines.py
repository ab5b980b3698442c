"""Seven simple detectors behind one interface: what an autoencoder has to beat.

Each is a scikit-learn outlier detector that is fitted on normal rows only:

- ``fit(X)`` learns from normal rows and sets ``threshold_``, the ``1 - contamination``
  quantile of the training rows' scores;
- ``anomaly_score(X)`` has shape (n,), high = anomalous;
- ``score_samples(X)`` is ``-anomaly_score(X)``, and ``decision_function(X)`` is
  ``score_samples(X) - offset_`` with ``offset_ = -threshold_``, as scikit-learn has them;
- ``predict(X)`` is -1 for the rows with a score strictly above ``threshold_``, else +1.

The methods that measure distances across columns standardise them inside (``scale=True``);
a column that is constant in the training rows is only centred. With ``scale=False`` columns
keep their units.

k-NN, LOF and DBSCAN look at the neighbours of a row. A training row is not its own
neighbour, or every training score, and with it the threshold, would be too low. So a row that
equals a training row is scored as that training row is: leaving itself out. Rows that equal no
training row are not touched by this.

The threshold comes from training scores, which is what scikit-learn's ``contamination`` does.
Where a false-alarm rate has to be kept, fit a rule of `aecourse.thresholds` on the scores of
held-out normal rows instead.
"""

from numbers import Integral, Real

import numpy as np
from sklearn import decomposition, ensemble, neighbors, svm
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.covariance import MinCovDet
from sklearn.preprocessing import StandardScaler
from sklearn.utils import gen_batches
from sklearn.utils.validation import check_is_fitted, validate_data

# Numbers in one batch of rows while scoring (32 MB of floats): memory stays flat.
_BATCH_NUMBERS = 4_000_000

# The threshold is a quantile of the scores of at most this many training rows, evenly spaced.
# A neighbour search over all rows would take longer than the fit, and a 5 % quantile of
# 20,000 scores is already known to within 0.15 percentage points (one standard error).
_MAX_TRAINING_SCORES = 20_000


class _Baseline(OutlierMixin, BaseEstimator):
    """What the seven share. A subclass has ``_fit(Z)`` and ``_score(Z)``, on scaled rows."""

    def fit(self, X, y=None):
        """Learn what normal rows look like.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Normal rows, at least two.
        y : ignored
            There for scikit-learn's interface.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If X is not a finite table of numbers, or a parameter is out of its range.
        """
        contamination = self.contamination
        if not isinstance(contamination, Real) or not 0 < contamination <= 0.5:
            raise ValueError(
                f"contamination must be above 0 and at most 0.5; found {contamination!r}. It is the share "
                "of the training rows that the threshold flags."
            )
        X = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        # Centring changes no score, and keeps distances exact where values are large.
        self._scaler = StandardScaler(with_std=getattr(self, "scale", False)).fit(X)
        self._fit(self._scaler.transform(X))
        chosen = np.linspace(0, len(X) - 1, min(len(X), _MAX_TRAINING_SCORES)).astype(int)
        self.threshold_ = float(np.quantile(self._score_in_batches(X[chosen]), 1 - contamination))
        self.offset_ = -self.threshold_
        return self

    def anomaly_score(self, X):
        """Score each row, high = anomalous.

        Parameters
        ----------
        X : array-like of shape (n, d)

        Returns
        -------
        ndarray of shape (n,)
            In the unit that the class names. Memory does not grow with n beyond X itself.

        Raises
        ------
        ValueError
            If X is not a finite table of numbers with the columns seen in ``fit``.
        """
        return self._score_in_batches(self._check(X))

    def score_samples(self, X):
        """Minus the anomaly score, so that high = normal, as scikit-learn has it.

        Parameters
        ----------
        X : array-like of shape (n, d)

        Returns
        -------
        ndarray of shape (n,)
        """
        return -self.anomaly_score(X)

    def decision_function(self, X):
        """How far each row is on the normal side of the threshold; negative = flagged.

        Parameters
        ----------
        X : array-like of shape (n, d)

        Returns
        -------
        ndarray of shape (n,)
            ``score_samples(X) - offset_``.
        """
        return self.score_samples(X) - self.offset_

    def predict(self, X):
        """Flag rows: -1 where the anomaly score is strictly above ``threshold_``, else +1.

        Parameters
        ----------
        X : array-like of shape (n, d)

        Returns
        -------
        ndarray of int of shape (n,)
        """
        return np.where(self.anomaly_score(X) > self.threshold_, -1, 1)

    def _check(self, X):
        check_is_fitted(self)
        return validate_data(self, X, dtype=np.float64, reset=False)

    def _in_batches(self, function, X):
        size = max(1, _BATCH_NUMBERS // X.shape[1])
        parts = [function(self._scaler.transform(X[rows])) for rows in gen_batches(len(X), size)]
        return np.concatenate(parts)

    def _score_in_batches(self, X):
        return self._in_batches(self._score, X)


class KNNDistance(_Baseline):
    """Distance to the nearest training rows.

    The score is the mean Euclidean distance to the ``n_neighbors`` nearest training rows [2]_,
    or, with ``aggregate="kth"``, the distance to the last of them [1]_.

    Parameters
    ----------
    n_neighbors : int
        How many neighbours; with fewer training rows, all the others.
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

    def __init__(self, n_neighbors=5, *, aggregate="mean", scale=True, contamination=0.05):
        self.n_neighbors = n_neighbors
        self.aggregate = aggregate
        self.scale = scale
        self.contamination = contamination

    def _fit(self, Z):
        if self.aggregate not in ("mean", "kth"):
            raise ValueError(f"aggregate must be 'mean' or 'kth'; found {self.aggregate!r}.")
        self.n_neighbors_ = min(_check_count(self.n_neighbors, "n_neighbors"), len(Z) - 1)
        self._neighbours = _OtherRows(Z)

    def _score(self, Z):
        distances = self._neighbours.distances(Z, self.n_neighbors_)
        return distances.mean(axis=1) if self.aggregate == "mean" else distances[:, -1]


class LOF(_Baseline):
    """Local outlier factor: how much sparser a row's surroundings are than its neighbours'.

    The score is the mean local density of the row's nearest training rows over its own [1]_,
    about 1 inside a cluster of any density. Computed by
    ``sklearn.neighbors.LocalOutlierFactor(novelty=True)``.

    Parameters
    ----------
    n_neighbors : int
        How many neighbours; with fewer training rows, all the others.
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

    def __init__(self, n_neighbors=20, *, scale=True, contamination=0.05):
        self.n_neighbors = n_neighbors
        self.scale = scale
        self.contamination = contamination

    def _fit(self, Z):
        self.n_neighbors_ = min(_check_count(self.n_neighbors, "n_neighbors"), len(Z) - 1)
        self._rows = Z
        self._lof = neighbors.LocalOutlierFactor(n_neighbors=self.n_neighbors_, novelty=True).fit(Z)

    def _score(self, Z):
        score = -self._lof.score_samples(Z)
        nearest = self._lof.kneighbors(Z, n_neighbors=1, return_distance=False)[:, 0]
        own = (self._rows[nearest] == Z).all(axis=1)
        score[own] = -self._lof.negative_outlier_factor_[nearest[own]]
        return score


class IsolationForest(_Baseline):
    """How few random cuts it takes to set a row apart.

    The score is ``2 ** (-mean depth / expected depth)`` over the trees [1]_: above 0.5 where
    a row is cut off sooner than a random one, at most 1. Each cut looks at one column, so the
    scale of the columns does not matter, and anomalies in combinations of columns are missed.
    Computed by ``sklearn.ensemble.IsolationForest``.

    Parameters
    ----------
    n_estimators : int
        Number of trees.
    max_samples : "auto", int or float
        Training rows in each tree; "auto" is 256, or all where there are fewer.
    contamination : float
        Share of the training rows above ``threshold_``.
    random_state : int, RandomState or None
        What the cuts are drawn from.

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

    def __init__(self, n_estimators=100, *, max_samples="auto", contamination=0.05, random_state=0):
        self.n_estimators = n_estimators
        self.max_samples = max_samples
        self.contamination = contamination
        self.random_state = random_state

    def _fit(self, Z):
        self._forest = ensemble.IsolationForest(
            n_estimators=self.n_estimators, max_samples=self.max_samples, random_state=self.random_state
        ).fit(Z)

    def _score(self, Z):
        return -self._forest.score_samples(Z)


class DBSCANDistance(_Baseline):
    """DBSCAN for new rows: the distance to the nearest core point.

    DBSCAN [1]_ calls a row a core point when at least ``min_samples`` rows, itself included,
    lie within ``eps``; rows within ``eps`` of a core point belong to a cluster, the rest is
    noise. It has no answer for a row that was not there, but its rule has: the score is the
    distance to the nearest core point of the training rows, and DBSCAN would call a row noise
    where this is above ``eps_``. (Set ``threshold_`` and ``offset_`` to ``eps_`` and
    ``-eps_`` to flag by that rule.) The clusters themselves are not needed, so they are not built.

    Parameters
    ----------
    eps : float, optional
        The radius, in standardised units where ``scale``. By default from the sorted
        distances to the ``min_samples``-th row [1]_: the smallest radius that makes all but
        the share ``contamination`` of the training rows core points.
    min_samples : int
        Rows within ``eps`` that make a core point, itself included; with fewer training
        rows, all of them.
    scale : bool
        Standardise the columns first.
    contamination : float
        Share of the training rows above ``threshold_``, and share of noise in the choice of eps.

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

    def __init__(self, eps=None, *, min_samples=5, scale=True, contamination=0.05):
        self.eps = eps
        self.min_samples = min_samples
        self.scale = scale
        self.contamination = contamination

    def _fit(self, Z):
        # The row itself is one of the min_samples.
        needed = min(_check_count(self.min_samples, "min_samples"), len(Z)) - 1
        reach = _OtherRows(Z).distances(Z, needed)[:, -1] if needed else np.zeros(len(Z))
        if self.eps is None:
            self.eps_ = float(np.quantile(reach, 1 - self.contamination, method="inverted_cdf"))
        elif not isinstance(self.eps, Real) or not 0 < self.eps < np.inf:
            raise ValueError(f"eps must be a number above 0, or None to choose it; found {self.eps!r}.")
        else:
            self.eps_ = float(self.eps)
        core = reach <= self.eps_
        if not core.any():
            raise ValueError(
                f"eps={self.eps!r} leaves no core point: no training row has {needed + 1} rows within it, "
                f"itself included. Raise eps above {reach.min():.3g}, lower min_samples, or pass eps=None."
            )
        self.core_sample_indices_ = np.flatnonzero(core)
        self._core = _OtherRows(Z[core])

    def _score(self, Z):
        return self._core.distances(Z, 1)[:, 0]


class OneClassSVM(_Baseline):
    """A boundary around the normal rows, in the feature space of a Gaussian kernel.

    The score is minus the weighted sum of kernels around the support vectors [1]_; where it
    is high, few training rows are near. Fitting takes time that grows with the square of the
    number of rows or faster: give it some thousands. Computed by ``sklearn.svm.OneClassSVM``.

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
        See the module. The threshold is this module's quantile, not the boundary of the SVM.

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

    def __init__(self, nu=0.05, *, gamma="scale", scale=True, contamination=0.05):
        self.nu = nu
        self.gamma = gamma
        self.scale = scale
        self.contamination = contamination

    def _fit(self, Z):
        self._svm = svm.OneClassSVM(nu=self.nu, gamma=self.gamma).fit(Z)

    def _score(self, Z):
        return -self._svm.score_samples(Z)


class PCAReconstruction(_Baseline):
    """What is left of a row after its projection on the first principal components.

    The linear counterpart of an autoencoder with mean squared error [1]_. The score is the mean
    over the columns of the squared reconstruction error [2]_, in standardised units where
    ``scale``, else in the squared units of the columns.

    Parameters
    ----------
    n_components : int, float or None
        How many components are kept: a whole number from 1 to d - 1 (and below the number of
        rows); or a share of the variance strictly between 0 and 1, and as few components as
        hold it; None is a share of 0.9. At least one direction is always left out, since
        all of them would reconstruct every row.
    scale : bool
        Standardise the columns first.
    contamination : float
        Share of the training rows above ``threshold_``.

    Attributes
    ----------
    threshold_, offset_ : float
        See the module.
    n_components_ : int
        Components kept; 0 where there is one column only, or all rows are equal.
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
    >>> pca.feature_errors([[4.0, 6.0]]).round(6)
    array([[1., 1.]])
    """

    def __init__(self, n_components=None, *, scale=True, contamination=0.05):
        self.n_components = n_components
        self.scale = scale
        self.contamination = contamination

    def _fit(self, Z):
        most = min(Z.shape[0], Z.shape[1]) - 1
        wanted = 0.9 if self.n_components is None else self.n_components
        whole = isinstance(wanted, Integral) and not isinstance(wanted, bool)
        share = isinstance(wanted, Real) and not isinstance(wanted, Integral) and 0 < wanted < 1
        if not share and not (whole and 1 <= wanted <= most):
            raise ValueError(
                f"n_components={wanted!r} does not fit X of {Z.shape[0]} sample(s) and {Z.shape[1]} "
                f"feature(s): it must be a whole number from 1 to {most}, so that at least one direction is "
                "left out, a share of the variance strictly between 0 and 1, or None."
                if most > 0
                else f"n_components={wanted!r} cannot be kept of {Z.shape[1]} feature(s): at least one "
                "direction is left out. Pass None, or more features."
            )
        with np.errstate(invalid="ignore"):  # rows that are all equal: a variance of 0 over 0
            pca = decomposition.PCA().fit(Z)
        variance = pca.explained_variance_
        if share:
            held = np.cumsum(variance)
            wanted = np.searchsorted(held, wanted * held[-1]) + 1 if held[-1] > 0 else 0
        self.n_components_ = int(min(wanted, most))
        self.components_ = pca.components_[: self.n_components_]
        self.explained_variance_ratio_ = variance[: self.n_components_] / (variance.sum() or 1.0)

    def _errors(self, Z):
        return (Z - Z @ self.components_.T @ self.components_) ** 2

    def _score(self, Z):
        return self._errors(Z).mean(axis=1)

    def reconstruct(self, X):
        """Each row as the kept components give it back, in the units of X.

        Parameters
        ----------
        X : array-like of shape (n, d)

        Returns
        -------
        ndarray of shape (n, d)
        """
        Z = self._scaler.transform(self._check(X))
        return self._scaler.inverse_transform(Z @ self.components_.T @ self.components_)

    def feature_errors(self, X):
        """Squared reconstruction error of each column; their mean is the anomaly score.

        Parameters
        ----------
        X : array-like of shape (n, d)

        Returns
        -------
        ndarray of shape (n, d)
            In standardised units where ``scale``, else in the squared units of the columns.
        """
        return self._in_batches(self._errors, self._check(X))


class MahalanobisDistance(_Baseline):
    """Squared distance from the mean, in units of the covariance of the normal rows [1]_.

    The whitened form of a distance: a step that normal rows seldom take counts more, whether it
    is along a column or a combination of columns. For normally distributed rows the score
    follows a chi-squared distribution with d degrees of freedom.

    Parameters
    ----------
    ridge : float
        Added to each variance, as a share of the mean variance, so that constant and collinear
        columns are no crash: a row that leaves the space in which all training rows lie gets a
        score that is high, not infinite. 0 ignores such directions (a pseudo-inverse).
    robust : bool
        Mean and covariance by the minimum covariance determinant [2]_, which outliers among
        the training rows do not pull. Needs at least twice as many rows as columns.
    scale : bool
        Standardise the columns first. Without the ridge this changes no score.
    contamination : float
        Share of the training rows above ``threshold_``.
    random_state : int, RandomState or None
        What the subsets of ``robust`` are drawn from.

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

    def __init__(self, *, ridge=1e-6, robust=False, scale=True, contamination=0.05, random_state=0):
        self.ridge = ridge
        self.robust = robust
        self.scale = scale
        self.contamination = contamination
        self.random_state = random_state

    def _fit(self, Z):
        if not isinstance(self.ridge, Real) or not 0 <= self.ridge < np.inf:
            raise ValueError(f"ridge must be a number, 0 or more; found {self.ridge!r}.")
        centre, covariance = np.zeros(Z.shape[1]), Z.T @ Z / len(Z)
        if self.robust:
            centre, covariance = self._robust(Z, covariance)
        variances, directions = np.linalg.eigh(covariance)
        variances = np.where(_is_spread(variances), variances, 0.0)
        variances += self.ridge * (variances.mean() or 1.0)
        weights = np.divide(1, np.sqrt(variances), out=np.zeros_like(variances), where=variances > 0)
        self._centre = centre
        # The symmetric root of the inverse: the whitened columns stay as close as can be to the
        # columns that they come from [3], so each can be blamed for its share.
        self._whitening = directions * weights @ directions.T
        self.location_ = self._scaler.inverse_transform(centre[None])[0]

    def _robust(self, Z, covariance):
        """Robust centre and covariance, in the directions in which the rows vary at all."""
        variances, directions = np.linalg.eigh(covariance)
        spread = _is_spread(variances)
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

    def _errors(self, Z):
        return ((Z - self._centre) @ self._whitening) ** 2

    def _score(self, Z):
        return self._errors(Z).sum(axis=1)

    def feature_errors(self, X):
        """Share of each column in the score: squared whitened columns, their sum is the score.

        Whitened by the symmetric root of the inverse covariance [3]_ of the class, so that each
        whitened column stays as close as possible to the column of the same place.

        Parameters
        ----------
        X : array-like of shape (n, d)

        Returns
        -------
        ndarray of shape (n, d)
            No unit; about 1 for a normal row.
        """
        return self._in_batches(self._errors, self._check(X))


def strong(random_state=0, *, scale=True):
    """The four simple detectors that stand in every report, not yet fitted.

    Parameters
    ----------
    random_state : int, RandomState or None
        For the detectors that draw random numbers.
    scale : bool
        Standardise the columns. Pass False where all columns share a unit, as the pixels of an
        image do: standardised, a pixel that is nearly always 0 counts as much as any other,
        and the baselines are weaker than they could be.

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


def every(random_state=0, *, scale=True):
    """All seven detectors, not yet fitted.

    Parameters
    ----------
    random_state : int, RandomState or None
        For the detectors that draw random numbers.
    scale : bool
        Standardise the columns. Pass False where all columns share a unit, as the pixels of an
        image do: standardised, a pixel that is nearly always 0 counts as much as any other,
        and the baselines are weaker than they could be.

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

    def __init__(self, rows):
        self._rows = rows
        self._index = neighbors.NearestNeighbors().fit(rows)

    def distances(self, Z, k):
        """Distances (n, k) from each row to the k nearest, the nearest first."""
        if k == len(self._rows):  # a single core point: nobody else to ask
            return self._index.kneighbors(Z, k)[0]
        found, which = self._index.kneighbors(Z, k + 1)
        own = (self._rows[which[:, 0]] == Z).all(axis=1)
        return np.where(own[:, None], found[:, 1:], found[:, :-1])


def _check_count(value, name):
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name} must be a whole number, 1 or more; found {value!r}.")
    return int(value)


def _is_spread(variances):
    """Which variances are not zero up to rounding (eigenvalues of a covariance)."""
    return variances > variances.max() * len(variances) * np.finfo(float).eps

"""`AutoencoderDetector`: an ensemble of denoising autoencoders behind scikit-learn's interface.

What it does, and why each part is there, is in the class's docstring. TensorFlow is imported when
a detector is fitted or loaded, not when this module is.
"""

import hashlib
import io
import json
import os
import platform
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import Self

import numpy as np
from scipy.special import log_ndtr, logsumexp
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, OutlierMixin, TransformerMixin
from sklearn.neighbors import NearestNeighbors
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

import aecourse
from aecourse import thresholds
from aecourse._support.checks import check_fraction, check_number

__all__ = ["AutoencoderDetector"]

PARTS = ("plain", "white", "latent")

# Automatic sizes of the training. Small tables: 3 steps a row within these bounds, so that a fit takes a
# second or two.
_MIN_STEPS, _MAX_STEPS, _BATCH = 60, 300, 128
# Large tables are worth longer training and larger batches: a more exact fit shows in their rare rows.
_LARGE, _LARGE_STEPS, _LARGE_BATCH = 20_000, 1000, 512
_MIN_CALIBRATION = 10  # with fewer held-out rows, the training rows help to find location and spread
_MAX_WHITE_FEATURES = 1024  # a matrix of d × d is inverted for the white view
_RIDGES = np.logspace(-6, 0, 13)  # in units of a standardised column's variance
_LIMIT = 1e6  # standardised values beyond it are clipped there; they are anomalous enough
_VALUES_A_CHUNK = 2**22

_FORMAT, _FORMAT_VERSION = "aecourse detector", 1
_FILES = ("about.json", "model.keras", "arrays.npz")
_ARRAYS = ("center", "scale", "references", "part_center", "part_spread", "feature_level")
_CLASSES = {
    "Functional",
    "InputLayer",
    "DTypePolicy",
    "Fan",
    "Gather",
    "RowNoise",
    "MemberDense",
    "JoinMembers",
    "SplitMembers",
    "__keras_tensor__",
}


class AutoencoderDetector(ClassNamePrefixFeaturesOutMixin, TransformerMixin, OutlierMixin, BaseEstimator):
    """Detect anomalies in a table by how badly autoencoders of the normal rows reconstruct them.

    Several small autoencoders are trained at once on the standardised rows, each to remove Gaussian
    noise whose size changes from row to row and is not told. Such a network learns where the data lie:
    its residual, row minus reconstruction, grows with the distance of the row from them, so the code need not
    be narrow, and the directions of low variance, which a narrow code throws away, keep their say. Half of
    the members see the rows *whitened*, so that all directions weigh the same. For Gaussian rows
    and linear members the residual of the white view has the Mahalanobis distance for its length.

    The anomaly score joins three parts, each the mean over members:

    ``plain``
        log root-mean-square residual of the members that see the standardised columns;
    ``white``
        the same of the members that see the whitened columns;
    ``latent``
        log mean distance of the row's code to its nearest codes of training rows, over the plain members.

    Each part is standardised by its median and standard deviation on held-out normal rows, and turned into a
    Gaussian tail probability p. The score is the log of the mean of 1/p over the parts: minus the log of the
    harmonic mean of the probabilities, which joins tests that depend on each other. A row stands out where
    one part is sure, or several are fairly sure. The threshold does not rely on the Gaussian: it comes
    from the scores of held-out normals.

    Parameters
    ----------
    n_members : int
        Autoencoders in the ensemble, at least 1. Half of them, rounded down, see the white view.
    hidden : int
        Width of the hidden layers of each member.
    code_size : int, optional
        Width of the code of each member. Where not given, the number of columns, at most ``hidden``.
    noise : (float, float)
        Smallest and largest standard deviation of the noise, in standard deviations of the columns.
        ``(0, 0)`` trains without noise: choose a ``code_size`` below the number of columns then.
    criterion : {"combined", "plain", "white", "latent"}
        The part of the score to use, or all three.
    n_neighbors : int
        Training codes whose distance is averaged in the latent part.
    max_references : int
        At most so many codes of training rows, drawn at random, are kept for the latent part.
    epochs : int, optional
        Passes over the training rows. Where not given, as many as make 300 steps (1000 from 20,000 rows on,
        fewer below 100 rows), and at least 2; an epoch then repeats few rows, with new noise.
    batch_size : int, optional
        Rows of a training step. Where not given, 128, and 512 from 20,000 rows on.
    learning_rate : float
        Highest learning rate; it rises to it for the first tenth of the steps and falls to 0.
    patience : int
        Epochs without a better loss on held-out rows after which training stops.
    validation_fraction : float
        Share of the rows held out, for stopping and for the threshold. More are held out of few rows, up to
        a quarter, so that the threshold can keep its promise.
    false_alarm_rate : float
        Share of normal rows that `predict` may flag.
    random_state : int, RandomState or None
        Seeds the held-out rows, the starting weights, the noise and the order of the rows.

    Attributes
    ----------
    model_ : keras.Model
        The ensemble as one autoencoder in double precision: standardised rows → mean reconstruction. It
        has ``.encoder`` and ``.decoder``, which share its weights.
    history_ : dict
        Loss and held-out loss of each epoch: mean squared residual, over members.
    threshold_ : float
        Rows with an anomaly score above it are flagged.
    promised_rate_ : float or None
        Bound on the mean false-alarm rate at the threshold. It is larger than ``false_alarm_rate`` where too
        few rows could be held out to promise that; the threshold is the largest held-out score then. None
        if `set_threshold` was given a threshold without a promise.
    offset_ : float
        −``threshold_``, so that ``decision_function = score_samples − offset_``.
    parts_ : tuple of str
        Parts of the score that there are; ``white`` needs 2 to 1024 columns and two members.
    n_features_in_, feature_names_in_
        As in all of scikit-learn.

    Notes
    -----
    Fit it on normal rows only; a few undetected anomalies among them do little harm, many do. The threshold
    uses the rows that stopped the training, which favours it a little.

    Training is in single precision, scoring in double, in chunks of bounded memory. No training row is
    stored, only codes of at most ``max_references`` of them.

    References
    ----------
    Vincent, Larochelle, Lajoie, Bengio, Manzagol (2010). Stacked denoising autoencoders. Journal of Machine
    Learning Research 11, 3371–3408 (the denoising objective).

    Alain, Bengio (2014). What regularized auto-encoders learn from the data-generating distribution.
    Journal of Machine Learning Research 15, 3743–3773 (the residual follows the gradient of the log density).

    Kessy, Lewin, Strimmer (2018). Optimal whitening and decorrelation. The American Statistician 72(4),
    309–314 (why the white view's matrix is symmetric).

    Ramaswamy, Rastogi, Shim (2000). Efficient algorithms for mining outliers from large data sets. SIGMOD
    (distance to nearest neighbours as an anomaly score).

    Wilson (2019). The harmonic mean p-value for combining dependent tests. Proceedings of the National
    Academy of Sciences 116(4), 1195–1200.

    Examples
    --------
    >>> import numpy as np
    >>> from aecourse import AutoencoderDetector
    >>> angle = np.random.default_rng(0).uniform(0, 2 * np.pi, size=400)
    >>> ring = np.column_stack([np.cos(angle), np.sin(angle)])
    >>> detector = AutoencoderDetector(random_state=0).fit(ring)
    >>> detector.predict([[0.0, 1.0], [0.0, 0.0], [2.0, 2.0]])
    array([ 1, -1, -1])
    """

    def __init__(
        self,
        n_members=6,
        *,
        hidden=128,
        code_size=None,
        noise=(0.1, 2.0),
        criterion="combined",
        n_neighbors=5,
        max_references=5000,
        epochs=None,
        batch_size=None,
        learning_rate=0.01,
        patience=5,
        validation_fraction=0.15,
        false_alarm_rate=0.05,
        random_state=0,
    ):
        self.n_members = n_members
        self.hidden = hidden
        self.code_size = code_size
        self.noise = noise
        self.criterion = criterion
        self.n_neighbors = n_neighbors
        self.max_references = max_references
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.false_alarm_rate = false_alarm_rate
        self.random_state = random_state

    # ------------------------------------------------------------------ fit

    def fit(self, X, y=None):
        """Train the ensemble on normal rows and choose the threshold.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Normal rows, in any units; they are standardised inside. At least two.
        y : ignored
            For scikit-learn's sake. Labels are not used: leave anomalies out of ``X``.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            Where a parameter is out of range, or the rows are no finite numbers, or fewer than two.

        Examples
        --------
        >>> import numpy as np
        >>> X = np.random.default_rng(0).normal(size=(200, 3))
        >>> detector = AutoencoderDetector(random_state=0).fit(X)
        >>> sorted(detector.history_), detector.n_features_in_
        (['loss', 'val_loss'], 3)
        """
        self._check_parameters()
        X = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        rng = check_random_state(self.random_state)
        train, held_out = _hold_out(X, self.validation_fraction, self.false_alarm_rate, rng)
        self.center_, self.scale_ = _location_and_scale(train)
        train, held_out = self._standardise(train), self._standardise(held_out)
        self._train(train, held_out, rng)
        keep = rng.permutation(len(train))[: self.max_references]
        self._calibrate(train[keep], held_out)
        return self

    def _check_parameters(self):
        for name, low in (
            ("n_members", 1),
            ("hidden", 1),
            ("n_neighbors", 1),
            ("max_references", 1),
            ("patience", 0),
        ):
            _check_whole(getattr(self, name), name, low)
        for name in ("code_size", "epochs", "batch_size"):
            if getattr(self, name) is not None:
                _check_whole(getattr(self, name), name, 1)
        for name in ("validation_fraction", "false_alarm_rate"):
            check_fraction(getattr(self, name), name)
        if self.criterion not in ("combined", *PARTS):
            raise ValueError(f"criterion must be 'combined' or one of {PARTS}; found {self.criterion!r}.")
        try:
            low, high = (float(value) for value in self.noise)
        except (TypeError, ValueError) as error:
            raise ValueError(
                "noise must be two numbers, the smallest and the largest standard deviation; "
                f"found {self.noise!r}."
            ) from error
        if not (0 < low <= high < np.inf or low == high == 0):
            raise ValueError(
                "noise must be two finite numbers with 0 < smallest <= largest, or (0, 0) for "
                f"none; found {self.noise!r}."
            )
        try:
            rate = float(self.learning_rate)
        except (TypeError, ValueError):
            rate = np.nan
        if not 0 < rate < np.inf:
            raise ValueError(f"learning_rate must be a positive number; found {self.learning_rate!r}.")

    def _members(self, n_rows, n_features):
        """How many members see the plain and the white view."""
        n_white = self.n_members // 2 if 2 <= n_features <= _MAX_WHITE_FEATURES and n_rows > 1 else 0
        return self.n_members - n_white, n_white

    def _train(self, train, held_out, rng):
        from aecourse.detector import ensemble as _members

        n_features = train.shape[1]
        n_plain, n_white = self._members(*train.shape)
        self.parts_ = tuple(part for part in PARTS if part != "white" or n_white)
        if self.criterion not in ("combined", *self.parts_):
            raise ValueError(
                f"criterion='white' needs at least two members and 2 to {_MAX_WHITE_FEATURES} "
                f"columns; found n_members={self.n_members} and {n_features} columns."
            )
        self._shape = {
            "n_features": n_features,
            "n_plain": n_plain,
            "n_white": n_white,
            "hidden": int(self.hidden),
            "code_size": int(self.code_size or min(n_features, self.hidden)),
            "noise": tuple(float(value) for value in self.noise),
        }
        rows, batch_size, epochs = _plan(train, self.batch_size, self.epochs)
        self._weights, self.history_ = _members.train(
            self._shape,
            rows,
            held_out,
            epochs,
            batch_size,
            float(self.learning_rate),
            self.patience,
            _whitener(train, held_out) if n_white else None,
            int(rng.randint(2**31 - 1)),
        )
        self._model = None

    @property
    def model_(self):
        """keras.Model: the ensemble as one autoencoder, built when first asked for."""
        check_is_fitted(self, "_weights")
        if self._model is None:
            from aecourse.detector import ensemble as _members

            self._model = _members.build(**self._shape, dtype="float64")
            _members.set_weights(self._model, self._weights)
        return self._model

    def _calibrate(self, train, held_out):
        """Find what is usual on held-out rows, and the threshold."""
        codes = self._through(train)[2][: self._shape["n_plain"]]
        self._references = _side_by_side(codes).astype(np.float32)
        self._index()
        parts, squares = self._measure(held_out)
        self._feature_level = _feature_level(squares)
        if len(held_out) < _MIN_CALIBRATION:
            parts = np.vstack([parts, self._measure(train, skip_nearest=True)[0]])
        self._part_center = np.median(parts, axis=0)
        self._part_spread = np.maximum(parts.std(axis=0), 1e-3)
        scores = self._join(parts)
        n_held_out = len(held_out)
        try:
            rule = thresholds.Conformal(rate=self.false_alarm_rate).fit(scores[:n_held_out])
            self.threshold_, self.promised_rate_ = float(rule.threshold_), float(rule.promised_rate)
        except thresholds.CannotPromise:
            self.threshold_, self.promised_rate_ = float(scores.max()), 1 / (n_held_out + 1)
        self.offset_ = -self.threshold_

    def set_threshold(self, threshold: float, promised_rate: float | None = None) -> Self:
        """Replace the threshold of a fitted detector, for example by one chosen on other normal rows.

        Parameters
        ----------
        threshold : float
            Rows with an anomaly score strictly above it are flagged from now on.
        promised_rate : float, optional
            Bound on the mean false-alarm rate at this threshold, from 0 to 1. If it is not given,
            ``promised_rate_`` becomes None: the promise of the old threshold does not hold for the new one.

        Returns
        -------
        self

        Raises
        ------
        NotFittedError
            If the detector is not fitted.
        ValueError
            If the threshold is not a finite number, or the promised rate is not a number from 0 to 1.

        Examples
        --------
        >>> import numpy as np
        >>> from aecourse import thresholds
        >>> rng = np.random.default_rng(0)
        >>> detector = AutoencoderDetector(random_state=0).fit(rng.normal(size=(200, 3)))
        >>> others = rng.normal(size=(500, 3))
        >>> rule = thresholds.Conformal(rate=0.01).fit(detector.anomaly_score(others))
        >>> detector = detector.set_threshold(rule.threshold_, rule.promised_rate)
        >>> int((detector.predict(others) == -1).sum()), round(detector.promised_rate_, 3)
        (4, 0.01)
        """
        check_is_fitted(self)
        threshold = check_number(threshold, "threshold")
        if promised_rate is not None:
            promised_rate = check_fraction(promised_rate, "promised_rate", inclusive=True)
        self.threshold_, self.promised_rate_ = threshold, promised_rate
        self.offset_ = -threshold
        return self

    def _index(self):
        k = min(self.n_neighbors, len(self._references))
        self._neighbors = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(self._references)

    # ------------------------------------------------------------------ scoring

    def _standardise(self, X):
        with np.errstate(over="ignore"):
            return np.clip((X - self.center_) / self.scale_, -_LIMIT, _LIMIT)

    def _check(self, X):
        check_is_fitted(self)
        return self._standardise(validate_data(self, X, dtype=np.float64, reset=False))

    def _chunks(self, Z):
        """Yield slices of the rows whose residuals fit into bounded memory."""
        widest = self._n_members * max(self._shape[name] for name in ("n_features", "hidden", "code_size"))
        size = max(64, _VALUES_A_CHUNK // widest)
        for start in range(0, len(Z), size):
            yield Z[start : start + size]

    @property
    def _n_members(self):
        return self._shape["n_plain"] + self._shape["n_white"]

    def _through(self, Z):
        """Send rows through the members: views and outputs (members, n, d), and codes (members, n, code).

        The same arithmetic as ``model_``, in NumPy: in double precision a row's score does not depend on the
        rows it is scored with, and TensorFlow need not be loaded.
        """
        weights = self._weights
        views = np.repeat(Z[None], self._n_members, axis=0)
        if self._shape["n_white"]:
            views[self._shape["n_plain"] :] = Z @ weights["views.whitener"]

        def dense(x, name):
            x = x @ weights[f"{name}.kernel"]
            x += weights[f"{name}.bias"]
            return x

        def relu(x):
            return np.maximum(x, 0, out=x)

        codes = dense(relu(dense(views, "encoder_1")), "encoder_2")
        return views, dense(relu(dense(codes, "decoder_1")), "decoder_2"), codes

    def _measure(self, Z, skip_nearest=False, only=None):
        """Return the raw parts (n, parts), and squared residuals (n, views, d), of a chunk of rows.

        With ``only`` the name of a part, the others are not computed.
        """
        views, outputs, codes = self._through(Z)
        n_plain = self._shape["n_plain"]
        squares = np.square(views - outputs)
        by_view = dict(zip(self.parts_[:-1], [squares[:n_plain], squares[n_plain:]]))

        def part(name):
            if name == "latent":
                return self._latent_distance(_side_by_side(codes[:n_plain]), skip_nearest)
            return (0.5 * np.log(by_view[name].mean(axis=2) + 1e-12)).mean(axis=0)

        parts = [part(name) for name in self.parts_ if only in (None, name)]
        return np.column_stack(parts), np.stack([view.mean(axis=0) for view in by_view.values()], axis=1)

    def _latent_distance(self, codes, skip_nearest):
        """Log mean distance to the nearest references; ``skip_nearest`` for the references themselves."""
        k = min(self._neighbors.n_neighbors + skip_nearest, len(self._references))
        nearest = self._neighbors.kneighbors(codes.astype(np.float32), n_neighbors=k, return_distance=False)
        if k > 1:
            nearest = nearest[:, int(skip_nearest) :]
        # The search rounds; the distances are computed afresh, so that equal rows get equal scores.
        total = np.zeros(len(codes))
        for column in nearest.T:
            total += np.sqrt(((codes - self._references[column]) ** 2).mean(axis=1))
        return np.log(total / nearest.shape[1] + 1e-3)

    def _join(self, parts):
        z = (parts - self._part_center) / self._part_spread
        return self.combine(z) if self.criterion == "combined" else z[:, self.parts_.index(self.criterion)]

    def _score(self, Z):
        """Anomaly scores of a chunk of rows; of one part alone where only that is asked for."""
        if self.criterion == "combined":
            return self._join(self._measure(Z)[0])
        which = self.parts_.index(self.criterion)
        raw = self._measure(Z, only=self.criterion)[0][:, 0]
        return (raw - self._part_center[which]) / self._part_spread[which]

    @staticmethod
    def combine(z):
        """Join standardised parts of a score: the log of the mean of 1/p, p the Gaussian tail beyond z.

        Parameters
        ----------
        z : array-like of shape (n, parts)
            Parts in standard deviations above the median of held-out normals, as `score_parts` gives them.

        Returns
        -------
        ndarray of shape (n,)
            At least 0; high = anomalous.

        Examples
        --------
        >>> AutoencoderDetector.combine([[0.0, 0.0], [0.0, 4.0]]).round(2)
        array([0.69, 9.67])
        """
        z = np.asarray(z, dtype=float)
        return logsumexp(-log_ndtr(-z), axis=1) - np.log(z.shape[1])

    def anomaly_score(self, X):
        """Return how anomalous each row is.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Rows, in the units of the rows of ``fit``.

        Returns
        -------
        ndarray of shape (n,)
            High = anomalous. With ``criterion="combined"`` it is the log mean of 1/p over the parts, at
            least 0; otherwise the part in standard deviations above the median of held-out normals.

        Raises
        ------
        ValueError
            Where the rows are no finite numbers or have another width.

        Examples
        --------
        >>> import numpy as np
        >>> X = np.random.default_rng(0).normal(size=(200, 3))
        >>> score = AutoencoderDetector(random_state=0).fit(X).anomaly_score([[0, 0, 0], [9, 9, 9]])
        >>> bool(score[1] > score[0])
        True
        """
        Z = self._check(X)
        return np.concatenate([self._score(chunk) for chunk in self._chunks(Z)])

    def score_parts(self, X):
        """Return each part of the score, in standard deviations above the median of held-out normals.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Rows.

        Returns
        -------
        dict of str to ndarray of shape (n,)
            One entry for each of ``parts_``; high = anomalous.

        Examples
        --------
        >>> import numpy as np
        >>> X = np.random.default_rng(0).normal(size=(200, 3))
        >>> list(AutoencoderDetector(random_state=0).fit(X).score_parts(X))
        ['plain', 'white', 'latent']
        """
        Z = self._check(X)
        parts = np.concatenate([self._measure(chunk)[0] for chunk in self._chunks(Z)])
        z = (parts - self._part_center) / self._part_spread
        return dict(zip(self.parts_, z.T, strict=True))

    def score_samples(self, X):
        """Return the negated anomaly score, as scikit-learn orients it: high = normal.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Rows.

        Returns
        -------
        ndarray of shape (n,)

        Examples
        --------
        >>> import numpy as np
        >>> X = np.random.default_rng(0).normal(size=(200, 3))
        >>> detector = AutoencoderDetector(random_state=0).fit(X)
        >>> bool(np.all(detector.score_samples(X) == -detector.anomaly_score(X)))
        True
        """
        return -self.anomaly_score(X)

    def decision_function(self, X):
        """Return ``threshold_`` minus the anomaly score: negative where a row is flagged.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Rows.

        Returns
        -------
        ndarray of shape (n,)

        Examples
        --------
        >>> import numpy as np
        >>> X = np.random.default_rng(0).normal(size=(200, 3))
        >>> detector = AutoencoderDetector(random_state=0).fit(X)
        >>> bool(detector.decision_function([[9.0, 9.0, 9.0]])[0] < 0)
        True
        """
        return self.score_samples(X) - self.offset_

    def predict(self, X):
        """Flag the rows whose anomaly score is strictly above ``threshold_``.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Rows.

        Returns
        -------
        ndarray of shape (n,)
            −1 where flagged, +1 otherwise, as scikit-learn has it.

        Examples
        --------
        >>> import numpy as np
        >>> X = np.random.default_rng(0).normal(size=(200, 3))
        >>> AutoencoderDetector(random_state=0).fit(X).predict([[0.0, 0.0, 0.0], [9.0, 9.0, 9.0]])
        array([ 1, -1])
        """
        return np.where(self.decision_function(X) < 0, -1, 1)

    # ------------------------------------------------------------------ what the ensemble sees

    def transform(self, X):
        """Return the latent code: the codes of all members, side by side.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Rows.

        Returns
        -------
        ndarray of shape (n, n_members * code_size)
            The codes of the plain members first.

        Examples
        --------
        >>> import numpy as np
        >>> X = np.random.default_rng(0).normal(size=(200, 3))
        >>> AutoencoderDetector(n_members=2, code_size=2, random_state=0).fit(X).transform(X).shape
        (200, 4)
        """
        Z = self._check(X)
        return np.concatenate([_side_by_side(self._through(chunk)[2]) for chunk in self._chunks(Z)])

    @property
    def _n_features_out(self):
        return self._n_members * self._shape["code_size"]

    def reconstruct(self, X):
        """Return the mean reconstruction over the members, in the units of the rows.

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
        >>> X = np.random.default_rng(0).normal(loc=100, size=(200, 3))
        >>> close = AutoencoderDetector(random_state=0).fit(X).reconstruct(X) - X
        >>> bool(np.abs(close).mean() < 1)
        True
        """
        Z = self._check(X)
        Z = np.concatenate([self._gather(self._through(chunk)[1]) for chunk in self._chunks(Z)])
        return Z * self.scale_ + self.center_

    def _gather(self, outputs):
        """Mean of the members' outputs, turned back into the columns as given."""
        n_plain = self._shape["n_plain"]
        total = outputs[:n_plain].sum(axis=0)
        if self._shape["n_white"]:
            total += outputs[n_plain:].sum(axis=0) @ self._weights["output.colourer"]
        return total / self._n_members

    def feature_errors(self, X):
        """Return how much of each row's anomaly lies in each feature.

        The squared residual of the feature, over its mean on held-out normal rows, averaged over the plain
        and the white view. The white view's matrix is symmetric, so its columns stand for the features, each
        cleared of what the others tell about it. The latent part has no share by feature.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Rows.

        Returns
        -------
        ndarray of shape (n, d)
            At least 0; about 1 for a feature of a normal row.

        Examples
        --------
        >>> import numpy as np
        >>> X = np.random.default_rng(0).normal(size=(300, 4))
        >>> errors = AutoencoderDetector(random_state=0).fit(X).feature_errors([[0, 0, 6, 0]])
        >>> int(errors.argmax())
        2
        """
        Z = self._check(X)
        return np.concatenate(
            [(self._measure(chunk)[1] / self._feature_level).mean(axis=1) for chunk in self._chunks(Z)]
        )

    # ------------------------------------------------------------------ files

    def save(self, path):
        """Write the fitted detector to one file, without pickle.

        The file is a zip archive of the Keras model, the arrays, and a JSON text with parameters, versions
        and checksums. It appears whole or not at all.

        Parameters
        ----------
        path : str or path
            Where to write; an existing file is replaced.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        ValueError
            Where a parameter cannot be written as JSON, such as a RandomState object.
        OSError
            Where the file cannot be written.

        Examples
        --------
        >>> import numpy as np, tempfile
        >>> X = np.random.default_rng(0).normal(size=(200, 3))
        >>> detector = AutoencoderDetector(random_state=0).fit(X)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     detector.save(f"{folder}/detector.zip")
        ...     same = AutoencoderDetector.load(f"{folder}/detector.zip")
        >>> bool(np.allclose(same.anomaly_score(X), detector.anomaly_score(X), rtol=1e-6))
        True
        """
        check_is_fitted(self)
        arrays = io.BytesIO()
        np.savez_compressed(arrays, **{name: getattr(self, where) for name, where in _array_attributes()})
        contents = {"model.keras": _model_to_bytes(self.model_), "arrays.npz": arrays.getvalue()}
        about = {
            "format": _FORMAT,
            "format_version": _FORMAT_VERSION,
            "versions": _versions(),
            "sha256": {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()},
            "params": {name: _plain(value, name) for name, value in self.get_params().items()},
            "threshold": self.threshold_,
            "promised_rate": self.promised_rate_,
            "history": self.history_,
            "feature_names": [str(name) for name in self.feature_names_in_]
            if hasattr(self, "feature_names_in_")
            else None,
        }
        contents["about.json"] = json.dumps(about, indent=1).encode()
        _write_whole(path, contents)

    @classmethod
    def load(cls, path):
        """Read a detector that `save` wrote.

        Nothing in the file is executed: arrays are read without pickle, the model in Keras's safe mode and
        only if it is made of the layers that this module uses.

        Parameters
        ----------
        path : str or path
            The file.

        Returns
        -------
        AutoencoderDetector
            Its scores equal those of the detector that was saved.

        Raises
        ------
        OSError
            Where the file is missing, or no whole archive.
        ValueError
            Where it is no detector, of an unknown format version, with unknown parameters, or was changed.

        Examples
        --------
        >>> AutoencoderDetector.load("/nowhere/detector.zip")
        Traceback (most recent call last):
            ...
        FileNotFoundError: [Errno 2] No such file or directory: '/nowhere/detector.zip'
        """
        contents = _read_whole(path)
        about = _read_about(contents, path, set(cls().get_params()))
        arrays = _read_arrays(contents["arrays.npz"], path)
        params = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in about["params"].items()
        }
        detector = cls(**params)
        detector._check_parameters()
        for name, attribute in _array_attributes():
            setattr(detector, attribute, arrays[name])
        detector.n_features_in_ = len(arrays["center"])
        if about["feature_names"] is not None:
            detector.feature_names_in_ = np.array(about["feature_names"], dtype=object)
        detector.threshold_, detector.promised_rate_ = about["threshold"], about["promised_rate"]
        detector.offset_ = -detector.threshold_
        detector.history_ = about["history"]
        detector._model, detector._shape, detector._weights = _model_from_bytes(contents["model.keras"], path)
        detector.parts_ = tuple(part for part in PARTS if part != "white" or detector._shape["n_white"])
        _check_agreement(detector, path)
        detector._index()
        return detector

    def __getstate__(self):
        state = dict(super().__getstate__())
        if "_model" in state:
            state["_model"] = None  # made of the weights, when asked for
        return state


# ---------------------------------------------------------------------------- data


def _check_whole(value, name, low):
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < low:
        raise ValueError(f"{name} must be a whole number of at least {low}; found {value!r}.")


def _hold_out(X, fraction, rate, rng):
    """Split rows at random into training rows and held-out rows, at least one of each."""
    n = len(X)
    wanted = min(thresholds.rows_needed(rate), n // 4)  # so many the threshold's promise needs
    n_held_out = min(max(int(np.ceil(fraction * n)), wanted, 1), n - 1)
    order = rng.permutation(n)
    return X[order[n_held_out:]], X[order[:n_held_out]]


def _location_and_scale(X):
    """Mean and standard deviation of each column; 1 for a constant one."""
    largest = np.maximum(np.abs(X).max(axis=0), np.finfo(float).tiny)
    unit = X / largest  # so that squares neither overflow nor vanish
    center, scale = unit.mean(axis=0), unit.std(axis=0)
    constant = scale <= 1e-12
    return center * largest, np.where(constant, 1.0, scale * largest)


def _whitener(train, held_out):
    """Inverse square root of the covariance plus a ridge, symmetric, so that columns keep their meaning.

    The ridge is the one under which held-out rows are most likely, as a Gaussian has it. So small eigenvalues
    that the held-out rows bear out are kept, and those that come of too few rows are not.
    """
    values, vectors = np.linalg.eigh(np.cov(train, rowvar=False, bias=True))
    values = np.maximum(values, 0)
    squares = ((held_out @ vectors) ** 2).mean(axis=0)
    cost = [(np.log(values + ridge) + squares / (values + ridge)).sum() for ridge in _RIDGES]
    return (vectors / np.sqrt(values + _RIDGES[np.argmin(cost)])) @ vectors.T


def _side_by_side(codes):
    """Codes of the members (members, n, code) → (n, members · code)."""
    return codes.transpose(1, 0, 2).reshape(codes.shape[1], -1)


def _plan(rows, batch_size, epochs):
    """Return the rows of an epoch, the batch size and the number of epochs, where they are not given."""
    large = len(rows) >= _LARGE
    batch_size = batch_size or (_LARGE_BATCH if large else _BATCH)
    if epochs is None:
        n_steps = _LARGE_STEPS if large else int(np.clip(3 * len(rows), _MIN_STEPS, _MAX_STEPS))
        times = -(-(n_steps // 10) * batch_size // len(rows))
        if times > 1 and not large:  # few rows are repeated, each time with new noise: 10 epochs
            rows = np.tile(rows, (times, 1))
        epochs = max(2, -(-n_steps // -(-len(rows) // batch_size)))
    return rows, batch_size, epochs


def _feature_level(squares):
    """Mean squared residual of each view and feature (views, d), kept off zero."""
    level = squares.mean(axis=0)
    return np.maximum(level, 1e-6 * level.mean() + 1e-12)


# ---------------------------------------------------------------------------- files


def _array_attributes():
    """Names of the arrays in a file, and the attributes that hold them."""
    return [(name, f"{name}_" if name in ("center", "scale") else f"_{name}") for name in _ARRAYS]


def _plain(value, name):
    """Return a parameter as JSON can hold it."""
    if isinstance(value, (tuple, list)):
        return [_plain(part, name) for part in value]
    value = value.item() if isinstance(value, np.generic) else value
    if value is not None and not isinstance(value, (bool, int, float, str)):
        raise ValueError(
            f"{name}={value!r} cannot be saved. Set a plain value first: detector.set_params({name}=...)."
        )
    return value


def _versions():
    import keras
    import sklearn
    import tensorflow

    return {
        "aecourse": aecourse.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "scikit-learn": sklearn.__version__,
        "tensorflow": tensorflow.__version__,
    }


def _write_whole(path, contents):
    """Write an archive beside its place, then move it there."""
    path = Path(path)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            with zipfile.ZipFile(file, "w") as archive:
                for name, data in contents.items():
                    archive.writestr(name, data)
            file.flush()
            os.fsync(file.fileno())
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)  # as any other new file; mkstemp makes it private
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _read_whole(path):
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if sorted(names) != sorted(_FILES):
                raise ValueError(
                    f"{os.fspath(path)!r} is no saved detector: it holds {sorted(names)[:5]}, "
                    f"not {sorted(_FILES)}. Pass a file that AutoencoderDetector.save wrote."
                )
            return {name: archive.read(name) for name in names}
    except (zipfile.BadZipFile, EOFError, zlib.error, NotImplementedError, RuntimeError) as error:
        raise OSError(
            f"{os.fspath(path)!r} is damaged or no saved detector ({error}). Save the detector again."
        ) from error


def _read_about(contents, path, known_params):
    """Return the JSON part, once everything in it is known and the checksums agree."""
    path = os.fspath(path)
    try:
        about = json.loads(contents["about.json"])
        found = about["format"], about["format_version"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path!r} is no saved detector: its description cannot be read ({error})."
        ) from error
    if found != (_FORMAT, _FORMAT_VERSION):
        raise ValueError(
            f"{path!r} has format {found[0]!r}, version {found[1]!r}; this aecourse reads "
            f"{_FORMAT!r}, version {_FORMAT_VERSION}. Use the aecourse that wrote it"
            f" ({about.get('versions')})."
        )
    wanted = {
        "format",
        "format_version",
        "versions",
        "sha256",
        "params",
        "threshold",
        "promised_rate",
        "history",
        "feature_names",
    }
    if set(about) != wanted:
        raise ValueError(f"{path!r} has unknown or missing entries {sorted(set(about) ^ wanted)}; refused.")
    if not isinstance(about["params"], dict) or set(about["params"]) != known_params:
        raise ValueError(
            f"{path!r} has unknown or missing parameters "
            f"{sorted(set(about['params']) ^ known_params)}; refused."
        )
    for name in ("model.keras", "arrays.npz"):
        if hashlib.sha256(contents[name]).hexdigest() != about["sha256"].get(name):
            raise ValueError(
                f"{path!r} was changed after it was saved: the checksum of {name} differs. "
                "Save the detector again."
            )
    for name in ("threshold", "promised_rate"):
        if name == "promised_rate" and about[name] is None:  # a threshold that was set without a promise
            continue
        if not isinstance(about[name], float) or not np.isfinite(about[name]):
            raise ValueError(f"{path!r} has {name}={about[name]!r}, which is no finite number; refused.")
    return about


def _read_arrays(data, path):
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            arrays = dict(archive)
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{os.fspath(path)!r}: its arrays cannot be read ({error}); refused.") from error
    if sorted(arrays) != sorted(_ARRAYS):
        raise ValueError(
            f"{os.fspath(path)!r} has unknown or missing arrays "
            f"{sorted(set(arrays) ^ set(_ARRAYS))}; refused."
        )
    for name, array in arrays.items():
        if array.dtype.kind != "f" or not np.isfinite(array).all():
            raise ValueError(f"{os.fspath(path)!r}: its array {name!r} holds no finite numbers; refused.")
    return arrays


def _check_agreement(detector, path):
    """Refuse a file whose model and arrays have shapes that do not fit together."""
    shape, d, n_parts = detector._shape, detector.n_features_in_, len(detector.parts_)
    width = shape["n_plain"] * shape["code_size"]
    shapes = {
        "center": (d,),
        "scale": (d,),
        "part_center": (n_parts,),
        "part_spread": (n_parts,),
        "references": (len(detector._references), width),
        "feature_level": (n_parts - 1, d),
    }
    found = {name: getattr(detector, attribute).shape for name, attribute in _array_attributes()}
    if found != shapes or shape["n_features"] != d or not len(detector._references):
        raise ValueError(
            f"{os.fspath(path)!r} does not fit together: its model has {shape}, and its arrays "
            f"have the shapes {found}; refused."
        )


def _model_to_bytes(model):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.keras"
        model.save(file)
        return file.read_bytes()


def _model_from_bytes(data, path):
    """Load a Keras model made of known layers only; return it with its shape and its weights."""
    from aecourse._support.tensorflow import keras
    from aecourse.detector import ensemble as _members

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            config = json.loads(archive.read("config.json"))
        _check_classes(config)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "model.keras"
            file.write_bytes(data)
            loaded = keras.saving.load_model(file, compile=False, safe_mode=True)
        # The graph is built anew, so that the file decides on sizes and weights only.
        shape, weights = _members.shape_of(loaded), _members.get_weights(loaded)
        model = _members.build(**shape, dtype="float64")
        _members.set_weights(model, weights)
    except (zipfile.BadZipFile, AttributeError, KeyError, TypeError, ValueError, OSError) as error:
        raise ValueError(f"{os.fspath(path)!r}: its model cannot be read ({error}); refused.") from error
    return model, shape, weights


def _check_classes(config):
    """Refuse a model's description that names anything but the classes a detector is made of."""
    if isinstance(config, dict):
        name = config.get("class_name")
        if name is not None and name not in _CLASSES:
            raise ValueError(f"it names the class {name!r}, which no detector has")
        for value in config.values():
            _check_classes(value)
    elif isinstance(config, list):
        for value in config:
            _check_classes(value)

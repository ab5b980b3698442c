"""`AutoencoderDetector`: an ensemble of denoising autoencoders behind scikit-learn's interface.

The class's docstring says what it does and why each part is there. TensorFlow is imported when a detector is
fitted or loaded, not with this module.
"""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_ndtr, logsumexp
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.neighbors import NearestNeighbors
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from aecourse import thresholds
from aecourse._support.checks import check_fraction, check_number, check_whole
from aecourse._support.scoring import AnomalyScoreMixin
from aecourse.detector import saving
from aecourse.detector.forward import (
    EnsembleShape,
    Floats,
    LayerOutputs,
    chunks,
    forward,
    gather,
    join_members,
)

if TYPE_CHECKING:
    import keras

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
_LIMIT = 1e6  # standardised values are clipped here; a row this far away is anomalous enough
# The arrays of a saved detector, and the attributes that hold them.
_ARRAYS = {
    "center": "center_",
    "scale": "scale_",
    "references": "_references",
    "part_center": "_part_center",
    "part_spread": "_part_spread",
    "feature_level": "_feature_level",
}


class AutoencoderDetector(
    AnomalyScoreMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
    """Detect anomalies in a table by how badly autoencoders of the normal rows reconstruct them.

    Several small autoencoders are trained at once on the standardised rows, each to remove Gaussian noise
    whose size changes from row to row and is unknown to the network. Such a network learns where the data
    lie: its residual, row minus reconstruction, grows with the distance of the row from them. So the code
    need not be narrow, and the directions of low variance, which a narrow code throws away, still count.
    Half of the members see the rows *whitened*, so that all directions have equal weight. For Gaussian rows
    and linear members, the length of the white view's residual is the Mahalanobis distance.

    The anomaly score combines three parts, each a mean over members:

    ``plain``
        log root-mean-square residual of the members that see the standardised columns;
    ``white``
        the same of the members that see the whitened columns;
    ``latent``
        log mean distance of the row's code to its nearest codes of training rows, over the plain members.

    Each part is standardised by its median and standard deviation on held-out normal rows, and turned into a
    Gaussian tail probability p. The score is the log of the mean of 1/p over the parts: minus the log of the
    harmonic mean of the probabilities, which combines tests that depend on each other. A row stands out if
    one part is sure, or several are fairly sure. The threshold does not rely on the Gaussian: it comes from
    the scores of held-out normals.

    Parameters
    ----------
    n_members : int
        Autoencoders in the ensemble, at least 1. Half of them, rounded down, see the white view.
    hidden : int
        Width of the hidden layers of each member.
    code_size : int, optional
        Width of the code of each member. By default the number of columns, at most ``hidden``.
    noise : (float, float)
        Smallest and largest standard deviation of the noise, in standard deviations of the columns.
        ``(0, 0)`` trains without noise; choose a ``code_size`` below the number of columns in that case.
    criterion : {"combined", "plain", "white", "latent"}
        The part of the score to use, or all three.
    n_neighbors : int
        Training codes whose distance is averaged in the latent part.
    max_references : int
        Largest number of codes of training rows, drawn at random, that are kept for the latent part.
    epochs : int, optional
        Passes over the training rows. By default as many as make 300 steps (1000 from 20,000 rows on, fewer
        below 100 rows), and at least 2; an epoch repeats the rows, with new noise, if there are few.
    batch_size : int, optional
        Rows in a training step. By default 128, and 512 from 20,000 rows on.
    learning_rate : float
        Highest learning rate; the rate rises to it in the first tenth of the steps, then falls to 0.
    patience : int
        Training stops after this many epochs without a better loss on the held-out rows.
    validation_fraction : float
        Share of the rows held out, for stopping and for the threshold. If there are few rows, more are held
        out, up to a quarter, so that the threshold can keep its promise.
    false_alarm_rate : float
        Share of normal rows that `predict` may flag.
    random_state : int, RandomState or None
        Seeds the held-out rows, the starting weights, the noise and the order of the rows.

    Attributes
    ----------
    model_ : keras.Model
        The ensemble as one autoencoder in double precision: standardised rows → mean reconstruction. Its
        ``.encoder`` and ``.decoder`` share its weights.
    history_ : dict
        Loss and held-out loss of each epoch: mean squared residual, over members.
    threshold_ : float
        Rows with an anomaly score above it are flagged.
    promised_rate_ : float or None
        Bound on the mean false-alarm rate at the threshold. It is larger than ``false_alarm_rate`` if too few
        rows could be held out to promise that; the threshold is then the largest held-out score. None if
        `set_threshold` was given a threshold without a promise.
    offset_ : float
        −``threshold_``, so that ``decision_function = score_samples − offset_``.
    parts_ : tuple of str
        Parts of the score; ``white`` is one of them if there are 2 to 1024 columns and two members.
    n_features_in_, feature_names_in_
        As in all of scikit-learn.

    Notes
    -----
    Fit it on normal rows only; a few undetected anomalies among them do little harm, many do. The threshold
    comes from the rows that stopped the training, so it is slightly too low.

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

    history_: dict[str, list[float]]
    promised_rate_: float | None
    parts_: tuple[str, ...]
    n_features_in_: int
    feature_names_in_: NDArray[np.object_]

    def __init__(
        self,
        n_members: int = 6,
        *,
        hidden: int = 128,
        code_size: int | None = None,
        noise: tuple[float, float] = (0.1, 2.0),
        criterion: str = "combined",
        n_neighbors: int = 5,
        max_references: int = 5000,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float = 0.01,
        patience: int = 5,
        validation_fraction: float = 0.15,
        false_alarm_rate: float = 0.05,
        random_state: int | np.random.RandomState | None = 0,
    ) -> None:
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

    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Train the ensemble on normal rows and choose the threshold.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Normal rows, in any units; they are standardised inside. At least two.
        y : ignored
            Part of scikit-learn's interface. Labels are not used: leave anomalies out of ``X``.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter is out of range, the rows are not finite numbers, or there are fewer than two.

        Examples
        --------
        >>> import numpy as np
        >>> X = np.random.default_rng(0).normal(size=(200, 3))
        >>> detector = AutoencoderDetector(random_state=0).fit(X)
        >>> sorted(detector.history_), detector.n_features_in_
        (['loss', 'val_loss'], 3)
        """
        self._check_parameters()
        rows = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        rng = check_random_state(self.random_state)
        train, held_out = _hold_out(rows, self.validation_fraction, self.false_alarm_rate, rng)
        self.center_, self.scale_ = _location_and_scale(train)
        train, held_out = self._standardise(train), self._standardise(held_out)
        self._train(train, held_out, rng)
        keep = rng.permutation(len(train))[: self.max_references]
        self._calibrate(train[keep], held_out)
        return self

    def _check_parameters(self) -> None:
        for name in ("n_members", "hidden", "n_neighbors", "max_references"):
            check_whole(getattr(self, name), name)
        check_whole(self.patience, "patience", minimum=0)
        for name in ("code_size", "epochs", "batch_size"):
            if getattr(self, name) is not None:
                check_whole(getattr(self, name), name)
        for name in ("validation_fraction", "false_alarm_rate"):
            check_fraction(getattr(self, name), name)
        check_number(self.learning_rate, "learning_rate", above=0)
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

    def _train(self, train: Floats, held_out: Floats, rng: np.random.RandomState) -> None:
        from aecourse.detector import ensemble

        self._shape = self._choose_shape(*train.shape)
        self.parts_ = _parts_of(self._shape)
        if self.criterion not in ("combined", *self.parts_):
            raise ValueError(
                f"criterion='white' needs at least two members and 2 to {_MAX_WHITE_FEATURES} "
                f"columns; found n_members={self.n_members} and {train.shape[1]} columns."
            )
        rows, batch_size, epochs = _training_plan(train, self.batch_size, self.epochs)
        self._weights, self.history_ = ensemble.train(
            self._shape,
            rows,
            held_out,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=float(self.learning_rate),
            patience=self.patience,
            whitener=_whitening_matrix(train, held_out) if self._shape.n_white else None,
            seed=int(rng.randint(2**31 - 1)),
        )
        self._model = None

    def _choose_shape(self, n_rows: int, n_features: int) -> EnsembleShape:
        """The sizes of the networks for a training table."""
        white_view = 2 <= n_features <= _MAX_WHITE_FEATURES and n_rows > 1
        n_white = int(self.n_members) // 2 if white_view else 0
        low, high = self.noise
        return EnsembleShape(
            n_features=n_features,
            n_plain=int(self.n_members) - n_white,
            n_white=n_white,
            hidden=int(self.hidden),
            code_size=int(self.code_size or min(n_features, self.hidden)),
            noise=(float(low), float(high)),
        )

    @property
    def model_(self) -> "keras.Model":
        """keras.Model: the ensemble as one autoencoder, built when first asked for."""
        check_is_fitted(self, "_weights")
        if self._model is None:
            from aecourse.detector import ensemble

            self._model = ensemble.build(self._shape, dtype="float64")
            ensemble.set_weights(self._model, self._weights)
        return self._model

    def _calibrate(self, train: Floats, held_out: Floats) -> None:
        """Find what is usual on held-out rows, and the threshold."""
        codes = self._forward(train).codes[: self._shape.n_plain]
        self._references = join_members(codes).astype(np.float32)
        self._index_references()
        layers = self._forward(held_out)
        level = self._squared_residuals(layers).mean(axis=0)
        self._feature_level = np.maximum(level, 1e-6 * level.mean() + 1e-12)  # above zero: a divisor
        parts = self._raw_parts(layers, self.parts_)
        if len(held_out) < _MIN_CALIBRATION:
            of_train = self._raw_parts(self._forward(train), self.parts_, are_references=True)
            parts = np.vstack([parts, of_train])
        self._part_center = np.median(parts, axis=0)
        self._part_spread = np.maximum(parts.std(axis=0), 1e-3)
        scores = self._join((parts - self._part_center) / self._part_spread)
        n_held_out = len(held_out)
        try:
            rule = thresholds.Conformal(rate=self.false_alarm_rate).fit(scores[:n_held_out])
            self.set_threshold(rule.threshold_, rule.promised_rate)
        except thresholds.CannotPromise:
            self.set_threshold(scores.max(), 1 / (n_held_out + 1))

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
        return self

    def _index_references(self) -> None:
        k = min(self.n_neighbors, len(self._references))
        self._neighbors = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(self._references)

    def _standardise(self, X: Floats) -> Floats:
        with np.errstate(over="ignore"):
            return np.clip((X - self.center_) / self.scale_, -_LIMIT, _LIMIT)

    def _chunks(self, X: ArrayLike) -> Iterator[Floats]:
        """Check rows and yield them, standardised, in chunks."""
        check_is_fitted(self)
        return chunks(self._shape, self._standardise(validate_data(self, X, dtype=np.float64, reset=False)))

    def _forward(self, Z: Floats) -> LayerOutputs:
        return forward(self._shape, self._weights, Z)

    def _raw_parts(
        self, layers: LayerOutputs, names: tuple[str, ...], are_references: bool = False
    ) -> Floats:
        """The named parts of the score (n, parts), not yet standardised."""
        n_plain = self._shape.n_plain
        members = {"plain": slice(None, n_plain), "white": slice(n_plain, None)}

        def part(name: str) -> Floats:
            if name == "latent":
                return self._latent_distance(join_members(layers.codes[:n_plain]), are_references)
            squares = np.square(layers.views[members[name]] - layers.outputs[members[name]])
            return (0.5 * np.log(squares.mean(axis=2) + 1e-12)).mean(axis=0)

        return np.column_stack([part(name) for name in names])

    def _squared_residuals(self, layers: LayerOutputs) -> Floats:
        """Squared residuals of each view (n, views, d), averaged over its members."""
        squares = np.square(layers.views - layers.outputs)
        views = np.split(squares, [self._shape.n_plain]) if self._shape.n_white else [squares]
        return np.stack([view.mean(axis=0) for view in views], axis=1)

    def _latent_distance(self, codes: Floats, are_references: bool) -> Floats:
        """Log mean distance to the nearest references; a reference leaves itself out."""
        k = min(self._neighbors.n_neighbors + are_references, len(self._references))
        nearest = self._neighbors.kneighbors(codes.astype(np.float32), n_neighbors=k, return_distance=False)
        if k > 1:
            nearest = nearest[:, int(are_references) :]
        # The search rounds; the distances are computed again, so that equal rows get equal scores.
        total = np.zeros(len(codes))
        for column in nearest.T:
            total += np.sqrt(((codes - self._references[column]) ** 2).mean(axis=1))
        return np.log(total / nearest.shape[1] + 1e-3)

    def _join(self, z: Floats) -> Floats:
        """The anomaly score from all standardised parts (n, parts)."""
        return self.combine(z) if self.criterion == "combined" else z[:, self.parts_.index(self.criterion)]

    def _score(self, Z: Floats) -> Floats:
        """Anomaly scores of a chunk of rows; if only one part counts, the others are not computed."""
        if self.criterion == "combined":
            return self._join(self._standardised_parts(Z))
        which = self.parts_.index(self.criterion)
        raw = self._raw_parts(self._forward(Z), (self.criterion,))[:, 0]
        return (raw - self._part_center[which]) / self._part_spread[which]

    def _standardised_parts(self, Z: Floats) -> Floats:
        return (self._raw_parts(self._forward(Z), self.parts_) - self._part_center) / self._part_spread

    @staticmethod
    def combine(z: ArrayLike) -> Floats:
        """Combine standardised parts of a score: the log of the mean of 1/p, p the Gaussian tail beyond z.

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

    def anomaly_score(self, X: ArrayLike) -> Floats:
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
            If the rows are not finite numbers, or do not have the columns seen in ``fit``.

        Examples
        --------
        >>> import numpy as np
        >>> X = np.random.default_rng(0).normal(size=(200, 3))
        >>> score = AutoencoderDetector(random_state=0).fit(X).anomaly_score([[0, 0, 0], [9, 9, 9]])
        >>> bool(score[1] > score[0])
        True
        """
        return np.concatenate([self._score(chunk) for chunk in self._chunks(X)])

    def score_parts(self, X: ArrayLike) -> dict[str, Floats]:
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
        z = np.concatenate([self._standardised_parts(chunk) for chunk in self._chunks(X)])
        return dict(zip(self.parts_, z.T, strict=True))

    def transform(self, X: ArrayLike) -> Floats:
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
        return np.concatenate([join_members(self._forward(chunk).codes) for chunk in self._chunks(X)])

    @property
    def _n_features_out(self) -> int:
        return self._shape.n_members * self._shape.code_size

    def reconstruct(self, X: ArrayLike) -> Floats:
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
        outputs = (self._forward(chunk).outputs for chunk in self._chunks(X))
        Z = np.concatenate([gather(self._shape, self._weights, each) for each in outputs])
        return Z * self.scale_ + self.center_

    def feature_errors(self, X: ArrayLike) -> Floats:
        """Return how much each feature contributes to each row's anomaly.

        The squared residual of the feature, over its mean on held-out normal rows, averaged over the plain
        and the white view. The white view's matrix is symmetric, so its columns stand for the features, each
        without what the others tell about it. The latent part is not divided among the features.

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
        residuals = (self._squared_residuals(self._forward(chunk)) for chunk in self._chunks(X))
        return np.concatenate([(each / self._feature_level).mean(axis=1) for each in residuals])

    def save(self, path: str | os.PathLike[str]) -> None:
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
            If the detector is not fitted.
        ValueError
            If JSON cannot hold a parameter, such as a RandomState object.
        OSError
            If the file cannot be written.

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
        names = getattr(self, "feature_names_in_", None)
        saved = saving.SavedDetector(
            params=self.get_params(),
            threshold=self.threshold_,
            promised_rate=self.promised_rate_,
            history=self.history_,
            feature_names=None if names is None else [str(name) for name in names],
            arrays={name: getattr(self, attribute) for name, attribute in _ARRAYS.items()},
            shape=self._shape,
            weights=self._weights,
        )
        saving.write(path, saved)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a detector that `save` wrote.

        Nothing in the file is executed: arrays are read without pickle, the model in Keras's safe mode and
        only if it is made of the layers in `aecourse.detector.ensemble`.

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
            If the file is missing, or is not a whole archive.
        ValueError
            If it is not a detector, has an unknown format version or unknown parameters, or was changed.

        Examples
        --------
        >>> AutoencoderDetector.load("/nowhere/detector.zip")
        Traceback (most recent call last):
            ...
        FileNotFoundError: [Errno 2] No such file or directory: '/nowhere/detector.zip'
        """
        saved = saving.read(path, cls().get_params())
        detector = cls(**saved.params)
        detector._check_parameters()
        for name, attribute in _ARRAYS.items():
            setattr(detector, attribute, saved.arrays[name])
        detector._shape, detector._weights, detector._model = saved.shape, saved.weights, None
        detector._index_references()
        detector.n_features_in_ = saved.shape.n_features
        if saved.feature_names is not None:
            detector.feature_names_in_ = np.array(saved.feature_names, dtype=object)
        detector.history_, detector.parts_ = saved.history, _parts_of(saved.shape)
        return detector.set_threshold(saved.threshold, saved.promised_rate)

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        if "_model" in state:
            state["_model"] = None  # it is built from the weights again when asked for
        return state


def _parts_of(shape: EnsembleShape) -> tuple[str, ...]:
    return tuple(part for part in PARTS if part != "white" or shape.n_white)


def _hold_out(X: Floats, fraction: float, rate: float, rng: np.random.RandomState) -> tuple[Floats, Floats]:
    """Split rows at random into training rows and held-out rows, at least one of each."""
    n = len(X)
    wanted = min(thresholds.rows_needed(rate), n // 4)  # for the threshold's promise
    n_held_out = min(max(int(np.ceil(fraction * n)), wanted, 1), n - 1)
    order = rng.permutation(n)
    return X[order[n_held_out:]], X[order[:n_held_out]]


def _location_and_scale(X: Floats) -> tuple[Floats, Floats]:
    """Mean and standard deviation of each column; 1 for a constant one."""
    largest = np.maximum(np.abs(X).max(axis=0), np.finfo(float).tiny)
    unit = X / largest  # so that squares neither overflow nor vanish
    center, scale = unit.mean(axis=0), unit.std(axis=0)
    constant = scale <= 1e-12
    return center * largest, np.where(constant, 1.0, scale * largest)


def _whitening_matrix(train: Floats, held_out: Floats) -> Floats:
    """Inverse square root of the covariance plus a ridge, symmetric, so that columns keep their meaning.

    The ridge is the one under which held-out rows are most likely if they are Gaussian. So small eigenvalues
    are kept if the held-out rows confirm them, and raised if they come from too few rows.
    """
    values, vectors = np.linalg.eigh(np.cov(train, rowvar=False, bias=True))
    values = np.maximum(values, 0)
    squares = ((held_out @ vectors) ** 2).mean(axis=0)
    cost = [(np.log(values + ridge) + squares / (values + ridge)).sum() for ridge in _RIDGES]
    return (vectors / np.sqrt(values + _RIDGES[np.argmin(cost)])) @ vectors.T


def _training_plan(rows: Floats, batch_size: int | None, epochs: int | None) -> tuple[Floats, int, int]:
    """Return the rows of an epoch, the batch size and the number of epochs, chosen unless they are given."""
    large = len(rows) >= _LARGE
    batch_size = batch_size or (_LARGE_BATCH if large else _BATCH)
    if epochs is None:
        n_steps = _LARGE_STEPS if large else int(np.clip(3 * len(rows), _MIN_STEPS, _MAX_STEPS))
        times = -(-(n_steps // 10) * batch_size // len(rows))
        if times > 1 and not large:  # few rows are repeated, each time with new noise: 10 epochs
            rows = np.tile(rows, (times, 1))
        epochs = max(2, -(-n_steps // -(-len(rows) // batch_size)))
    return rows, batch_size, epochs

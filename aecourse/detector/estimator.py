"""`AutoencoderDetector`: an ensemble of denoising autoencoders behind scikit-learn's interface.

The class's docstring says what it does and why each part is there. TensorFlow is imported when a detector is
fitted or loaded, not with this module.
"""

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from aecourse import thresholds
from aecourse._support.checks import check_fraction, check_number, check_whole, refuse_masked
from aecourse._support.scoring import AnomalyScoreMixin
from aecourse.detector import joining, saving
from aecourse.detector.forward import (
    EnsembleShape,
    Floats,
    LayerOutputs,
    Weights,
    chunks,
    forward,
    gather,
    join_members,
    weight_shapes,
)
from aecourse.detector.joining import PARTS
from aecourse.detector.neighbors import LocalNeighbors, Neighbors
from aecourse.detector.tails import N_KNOTS, ColumnTails, Tails

if TYPE_CHECKING:
    import keras

__all__ = ["AutoencoderDetector"]


# Automatic sizes of the training. Small tables: 3 steps a row within these bounds, so that a fit takes a
# second or two.
_MIN_STEPS, _MAX_STEPS, _BATCH = 60, 300, 128
# Large tables are worth longer training and larger batches: a more exact fit shows in their rare rows. Time
# grows with the members, so large tables get fewer; what that costs in quality was not measured.
_LARGE, _LARGE_STEPS, _LARGE_BATCH = 20_000, 1000, 512
_MEMBERS, _LARGE_MEMBERS = 15, 9
# With fewer held-out rows than this, training rows help to find how far the parts of normal rows reach: of
# 20 rows, two or three would decide about the tails, and the joined score would change with the seed.
_MIN_CALIBRATION = 50
_MIN_FOR_SPREAD = 10  # held-out rows, to find how much wider a part spreads over them than over training rows
_RESIDUALS = ("plain", "white")  # parts that are smaller for rows that the networks were trained on
_MAX_WHITE_FEATURES = 1024  # a matrix of d × d is inverted for the white view
_RIDGES = np.logspace(-6, 0, 13)  # in units of a standardised column's variance
_LIMIT = 1e6  # standardised values are clipped here; a row this far away is anomalous enough
_LOCAL_NEIGHBORS = 10  # of the part ``local``
_TAILS = ("knots", "heights", "excess")  # of the tails in a saved detector
_POSITIVE = ("scale", "stretch", "feature_level", "excess")  # divisors in a saved detector
_ROUNDING = 1e-6  # by which a score may differ between machines; added to the threshold
_MAX_SURPRISES = 2000  # held-out rows that are kept to calibrate sums of parts


class AutoencoderDetector(
    AnomalyScoreMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
    """Detect anomalies in a table: an ensemble of autoencoders of the normal rows, and distances to them.

    Several small autoencoders are trained at once on the standardised rows, each to remove Gaussian noise
    whose size changes from row to row and is unknown to the network. Such a network learns where the data
    lie: its residual, row minus reconstruction, grows with the distance of the row from them. So the code
    need not be narrow, and the directions of low variance, which a narrow code throws away, still count.

    The members see the rows in three views, since no scaling of the columns suits every table: the
    standardised columns; the columns *stretched* to one range, where a column with a few far values weighs
    little; and the rows *whitened*, so that all directions have equal weight. For Gaussian rows and linear
    members, the length of the white view's residual is the Mahalanobis distance.

    The anomaly score has six parts:

    ``plain``
        log root-mean-square residual, a mean over the members that see the standardised columns;
    ``latent``
        log distance of the row's codes to the nearest codes of normal rows, over the same members;
    ``range``
        the same of the members that see the stretched columns;
    ``local``
        log mean distance of the stretched row to its ten nearest normal rows, less the mean of the same
        distances of those rows: a row may lie no farther out than where normal rows lie thinly;
    ``columns``
        log sum of the surprises of its values, each in its own column;
    ``white``
        as ``plain``, of the members that see the whitened rows.

    Each part becomes a *surprise*, −log p, with p the share of normal rows whose part is at least as high:
    counted on held-out rows, and continued beyond them by a tail fitted to the largest. Fewer than 50
    held-out rows are joined by training rows. Networks reconstruct rows that they were trained on better, so
    the residuals of these get the mean and the spread that held-out rows have. The surprises of all
    parts but ``white`` are added, ``columns`` with half a weight, and the sum becomes a surprise again.
    It is joined with that of ``white``, which sees a kind of anomaly that the others miss, by a mean of 1/p
    with the weights 0.98 and 0.02: a row stands out if one of the two is sure. Beyond a probability of one
    tenth both are made to grow faster, so that the surer one decides. The threshold relies on none of this:
    it comes from the scores of held-out normals.

    Parameters
    ----------
    n_members : int, optional
        Autoencoders in the ensemble, at least 1. A third of them each see the range and the white view. By
        default 15, and 9 from 20,000 rows on.
    hidden : int
        Width of the hidden layers of each member.
    code_size : int, optional
        Width of the code of each member. By default the number of columns, at most ``hidden``.
    noise : (float, float)
        Smallest and largest standard deviation of the noise, in standard deviations of the columns. The
        members of the range view do without the smaller half, on a logarithmic scale. ``(0, 0)`` trains
        without noise; choose a ``code_size`` below the number of columns in that case.
    criterion : {"combined", "plain", "latent", "range", "local", "columns", "white"}
        The part of the score to use, or all of them.
    n_neighbors : int
        Codes of normal rows whose distance is averaged in the parts ``latent`` and ``range``.
    max_references : int
        Largest number of normal rows, drawn at random, to which distances are measured; at least 2.
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
    trim : float
        Share of the rows of ``fit`` that may be undetected anomalies, at most 0.5. If it is above 0, the
        ensemble is fitted twice: this share of the rows, those with the highest scores, is left out of the
        second fit.
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
        Parts of the score. ``range`` needs three members and two columns, ``white`` two members and 2 to 1024
        columns.
    n_features_in_, feature_names_in_
        As in all of scikit-learn.

    Notes
    -----
    Fit it on normal rows only; a few undetected anomalies among them do little harm, many do. With
    ``trim`` they are looked for first: a row is not compared with itself, so a training row that
    lies alone has a high score too. Anomalies that resemble each other hide each other, and stay. If the
    share is too large, normal rows are left out, and normal rows like them are flagged from then on:
    ``promised_rate_`` allows for the worst case, that all rows left out were normal.

    The threshold comes from the rows that stopped the training, so it is slightly too low.

    Of fewer than about 150 rows the joined score still varies with the seed, although training rows help to
    calibrate it. Where anomalies break correlations, Mahalanobis distance varies less on such tables
    (``benchmarks/bench_promise.py`` measures both): compare the two there.

    What each part of the score, each view of the rows and each choice in the training is worth on fourteen
    tables of ADBench: means over tables and three seeds, and below them the differences to the whole with
    95 % intervals over the tables. A view is left out with all parts that see it; the members trained on it
    are not replaced.

    =============================  =========================  =========================
    Score                          AUROC                      average precision
    =============================  =========================  =========================
    all parts                      0.938                      0.854
    without plain                  -0.002 (-0.005 to +0.001)  -0.003 (-0.012 to +0.005)
    without latent                 -0.000 (-0.002 to +0.002)  +0.001 (-0.005 to +0.006)
    without range                  -0.001 (-0.004 to +0.002)  -0.006 (-0.021 to +0.006)
    without local                  -0.001 (-0.005 to +0.002)  -0.012 (-0.022 to -0.002)
    without columns                -0.002 (-0.005 to +0.001)  +0.003 (-0.003 to +0.009)
    without white                  +0.000 (-0.000 to +0.001)  +0.004 (-0.000 to +0.010)
    without the standardised view  -0.004 (-0.010 to +0.003)  -0.008 (-0.024 to +0.007)
    without the stretched view     -0.005 (-0.011 to +0.001)  -0.038 (-0.092 to -0.002)
    without noise                  -0.004 (-0.013 to +0.002)  -0.011 (-0.027 to +0.003)
    code of 2                      -0.004 (-0.012 to +0.002)  -0.023 (-0.047 to -0.000)
    =============================  =========================  =========================

    The weights with which the parts are joined were chosen on these same tables, so the differences flatter
    the whole. Leaving out a single part costs little: only the interval of ``local`` in average precision
    excludes 0, and the mean is even slightly higher without ``latent``, ``columns`` or ``white``. What pays
    is the stretched view, and a code that is not narrow.

    On tables that no choice was made on: scikit-learn's digits, wine and Iris with each class as the normal
    one, and each digit as the anomaly, three splits each. Its breast-cancer data are not among them, as they
    are one of the fourteen tables, WDBC.

    ===================  =========================  =========================
    Method               AUROC                      average precision
    ===================  =========================  =========================
    AutoencoderDetector  0.978                      0.953
    PCA reconstruction   -0.086 (-0.129 to -0.046)  -0.133 (-0.205 to -0.068)
    Mahalanobis          -0.064 (-0.102 to -0.030)  -0.133 (-0.205 to -0.068)
    k-NN                 -0.017 (-0.027 to -0.007)  -0.063 (-0.097 to -0.033)
    Isolation Forest     -0.089 (-0.143 to -0.043)  -0.144 (-0.221 to -0.074)
    1-NN                 -0.011 (-0.018 to -0.004)  -0.041 (-0.063 to -0.021)
    k-NN, one range      +0.007 (+0.004 to +0.011)  +0.019 (+0.008 to +0.031)
    LOF                  -0.032 (-0.051 to -0.015)  -0.083 (-0.129 to -0.042)
    ===================  =========================  =========================

    Here k-NN on columns scaled to one range is better than the detector, above all where one digit is the
    anomaly; it is the first method to try on images and other columns in one unit. The tables of one data set
    resemble each other, so these intervals are too narrow. `aecourse.datasets.load_results` has the figures
    by table.

    Training is in single precision, scoring in double, in chunks of bounded memory. Up to ``max_references``
    of the rows of ``fit`` are kept in the detector, standardised, and go into its file.

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

    Breunig, Kriegel, Ng, Sander (2000). LOF: identifying density-based local outliers. SIGMOD (distances
    compared with those of the neighbours).

    Wilson (2019). The harmonic mean p-value for combining dependent tests. Proceedings of the National
    Academy of Sciences 116(4), 1195–1200 (the weighted mean of 1/p).

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
        n_members: int | None = None,
        *,
        hidden: int = 128,
        code_size: int | None = None,
        noise: tuple[float, float] = (0.1, 2.0),
        criterion: str = "combined",
        n_neighbors: int = 1,
        max_references: int = 5000,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float = 0.01,
        patience: int = 5,
        validation_fraction: float = 0.15,
        false_alarm_rate: float = 0.05,
        trim: float = 0.0,
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
        self.trim = trim
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
        refuse_masked(X, "X")
        rows = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        rng = check_random_state(self.random_state)
        self._fit_rows(rows, rng)
        n_left_out = int(np.ceil(self.trim * len(rows)))
        if n_left_out:
            kept = np.argsort(self.anomaly_score(X), kind="stable")[: max(2, len(rows) - n_left_out)]
            self._fit_rows(rows[np.sort(kept)], rng)
            assert self.promised_rate_ is not None
            # At worst all rows that were left out were normal, and new ones like them are flagged.
            self.promised_rate_ += (1 - self.promised_rate_) * n_left_out / len(rows)
        return self

    def _fit_rows(self, rows: Floats, rng: np.random.RandomState) -> None:
        """Train on rows and choose the threshold."""
        train, held_out = _hold_out(rows, self.validation_fraction, self.false_alarm_rate, rng)
        self.center_, self.scale_ = _location_and_scale(train)
        train, held_out = self._standardise(train), self._standardise(held_out)
        self._stretch = _stretch(train)
        self._train(train, held_out, rng)
        places = rng.permutation(len(train) + len(held_out))[: self.max_references]
        in_train = places < len(train)
        references = np.empty((len(places), train.shape[1]))
        references[in_train] = train[places[in_train]]
        references[~in_train] = held_out[places[~in_train] - len(train)]
        self._calibrate(train, held_out, references)

    def _check_parameters(self) -> None:
        for name in ("hidden", "n_neighbors"):
            check_whole(getattr(self, name), name)
        check_whole(self.max_references, "max_references", minimum=2)
        check_whole(self.patience, "patience", minimum=0)
        for name in ("n_members", "code_size", "epochs", "batch_size"):
            if getattr(self, name) is not None:
                check_whole(getattr(self, name), name)
        for name in ("validation_fraction", "false_alarm_rate"):
            check_fraction(getattr(self, name), name)
        check_number(self.learning_rate, "learning_rate", above=0)
        if check_fraction(self.trim, "trim", inclusive=True) > 0.5:
            raise ValueError(f"trim must be at most 0.5: most rows must be normal; found {self.trim!r}.")
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
                f"criterion={self.criterion!r} needs more than n_members={self._shape.n_members}, or "
                f"{train.shape[1]} columns are too few or too many for it; here the parts are {self.parts_}."
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
            views=_view_weights(self._shape, self._stretch, train, held_out),
            seed=int(rng.randint(2**31 - 1)),
        )
        self._model = None

    def _choose_shape(self, n_rows: int, n_features: int) -> EnsembleShape:
        """The sizes of the networks for a training table."""
        n_members = int(self.n_members or (_MEMBERS if n_rows < _LARGE else _LARGE_MEMBERS))
        several_columns = n_features >= 2 and n_rows > 1
        n_range = n_members // 3 if several_columns else 0
        n_white = (n_members + 1) // 3 if several_columns and n_features <= _MAX_WHITE_FEATURES else 0
        low, high = self.noise
        return EnsembleShape(
            n_features=n_features,
            n_plain=n_members - n_range - n_white,
            n_range=n_range,
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

    def _calibrate(self, train: Floats, held_out: Floats, references: Floats) -> None:
        """Find what is usual on held-out rows, and the threshold."""
        self._column_tails = ColumnTails.fit(train)
        self._keep_references(references)
        level, raw = self._raw_of_held_out(held_out)
        self._feature_level = np.maximum(level, 1e-6 * level.mean() + 1e-12)  # above zero: a divisor
        raw = self._with_training_rows(raw, train)
        self._part_tails = Tails.fit(raw)
        surprises = self._part_tails.surprise(raw)
        self._surprises_held_out = surprises[:_MAX_SURPRISES]
        self._joint = joining.Joint.fit(self._by_part(self._surprises_held_out))
        scores = self._join(surprises)
        n_held_out = len(held_out)
        try:
            rule = thresholds.Conformal(rate=self.false_alarm_rate).fit(scores[:n_held_out])
            self.set_threshold(rule.threshold_ + _ROUNDING, rule.promised_rate)
        except thresholds.CannotPromise:
            self.set_threshold(scores[:n_held_out].max() + _ROUNDING, 1 / (n_held_out + 1))

    def _with_training_rows(self, raw: Floats, train: Floats) -> Floats:
        """Add parts of training rows to those of too few held-out rows (n, parts).

        Distances and columns treat both kinds of rows alike. Residuals are smaller, and vary less, for rows
        that the networks were trained on: their logarithms get the mean and the spread that they have for
        held-out rows.
        """
        missing = _MIN_CALIBRATION - len(raw)
        if missing <= 0:
            return raw
        few = chunks(self._shape, train[:_MIN_CALIBRATION])
        known = np.concatenate([self._raw_parts(chunk, self.parts_) for chunk in few])
        for place in (self.parts_.index(part) for part in _RESIDUALS if part in self.parts_):
            seen, unseen = known[:, place], raw[:, place]
            wider = unseen.std() / seen.std() if len(raw) >= _MIN_FOR_SPREAD and seen.std() > 1e-9 else 1.0
            known[:, place] = unseen.mean() + (seen - seen.mean()) * wider
        return np.vstack([raw, known[:missing]])

    def _raw_of_held_out(self, held_out: Floats) -> tuple[Floats, Floats]:
        """Return the mean squared residuals (views, d), and the parts (n, parts), of standardised rows."""
        totals, raw = [], []
        for chunk in chunks(self._shape, held_out):  # the networks' outputs are much larger than the rows
            layers = self._forward(chunk)
            totals.append(self._squared_residuals(layers).sum(axis=0))
            raw.append(np.column_stack([self._raw_part(name, chunk, layers) for name in self.parts_]))
        return np.sum(totals, axis=0) / len(held_out), np.concatenate(raw)

    def _keep_references(self, Z: Floats) -> None:
        """Keep standardised rows and their codes, to measure distances to them."""
        codes = np.concatenate([self._forward(chunk).codes for chunk in chunks(self._shape, Z)], axis=1)
        self._neighbors = {
            "latent" if view == "plain" else view: Neighbors(join_members(codes[members]), self.n_neighbors)
            for view, members in self._shape.members.items()
            if view != "white"
        }
        self._local = LocalNeighbors(Z * self._stretch, _LOCAL_NEIGHBORS)

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

    def _standardise(self, X: Floats) -> Floats:
        with np.errstate(over="ignore"):
            Z = X - self.center_
            Z /= self.scale_  # in place: a table may fill much of the memory
            return np.clip(Z, -_LIMIT, _LIMIT, out=Z)

    def _chunks(self, X: ArrayLike) -> Iterator[Floats]:
        """Check rows and yield them, standardised, in chunks."""
        check_is_fitted(self)
        refuse_masked(X, "X")
        return chunks(self._shape, self._standardise(validate_data(self, X, dtype=np.float64, reset=False)))

    def _forward(self, Z: Floats) -> LayerOutputs:
        return forward(self._shape, self._weights, Z)

    def _raw_parts(self, Z: Floats, names: tuple[str, ...]) -> Floats:
        """The named parts (n, parts) of the score of standardised rows, not yet as probabilities."""
        layers = self._forward(Z) if set(names) - {"local", "columns"} else None
        return np.column_stack([self._raw_part(name, Z, layers) for name in names])

    def _raw_part(self, name: str, Z: Floats, layers: LayerOutputs | None) -> Floats:
        if name == "local":
            return self._local.score(Z * self._stretch)
        if name == "columns":
            return self._column_tails.score(Z)
        assert layers is not None
        members = self._shape.members["plain" if name == "latent" else name]
        if name in self._neighbors:
            return self._neighbors[name].log_distance(join_members(layers.codes[members]))
        squares = np.square(layers.views[members] - layers.outputs[members])
        return (0.5 * np.log(squares.mean(axis=2) + 1e-12)).mean(axis=0)

    def _squared_residuals(self, layers: LayerOutputs) -> Floats:
        """Squared residuals of each view (n, views, d), averaged over its members."""
        squares = np.square(layers.views - layers.outputs)
        return np.stack([squares[members].mean(axis=0) for members in self._shape.members.values()], axis=1)

    def _by_part(self, surprises: Floats) -> dict[str, Floats]:
        return dict(zip(self.parts_, surprises.T, strict=True))

    def _join(self, surprises: Floats) -> Floats:
        """The anomaly score (n,) from all surprises (n, parts)."""
        parts = self._by_part(surprises)
        return self._joint.score(parts) if self.criterion == "combined" else parts[self.criterion]

    def _score(self, Z: Floats) -> Floats:
        """Anomaly scores of a chunk of rows; if only one part counts, the others are not computed."""
        if self.criterion == "combined":
            return self._join(self._surprises(Z))
        raw = self._raw_parts(Z, (self.criterion,))
        return self._part_tails.only(self.parts_.index(self.criterion)).surprise(raw)[:, 0]

    def _surprises(self, Z: Floats) -> Floats:
        return self._part_tails.surprise(self._raw_parts(Z, self.parts_))

    def combine(self, parts: Mapping[str, ArrayLike]) -> Floats:
        """Join parts of the score, all of them or some, as `anomaly_score` joins them all.

        Parameters
        ----------
        parts : mapping of str to array-like of shape (n,)
            Surprises as `score_parts` returns them, for at least one of ``parts_``.

        Returns
        -------
        ndarray of shape (n,)
            At least 0; high = anomalous.

        Raises
        ------
        NotFittedError
            If the detector is not fitted.
        ValueError
            If there is no part, or one that the detector does not have.

        Examples
        --------
        >>> import numpy as np
        >>> X = np.random.default_rng(0).normal(size=(200, 3))
        >>> detector = AutoencoderDetector(random_state=0).fit(X)
        >>> parts = detector.score_parts(X)
        >>> bool(np.allclose(detector.combine(parts), detector.anomaly_score(X)))
        True
        >>> without_white = detector.combine({name: parts[name] for name in parts if name != "white"})
        """
        check_is_fitted(self)
        if not parts or set(parts) - set(self.parts_):
            raise ValueError(
                f"parts must hold some of {self.parts_}; found {tuple(parts) or 'none'}. "
                "Pass what score_parts returned, or some of its entries."
            )
        held_out = self._by_part(self._surprises_held_out)
        joint = joining.Joint.fit({name: held_out[name] for name in parts})
        return joint.score({name: np.asarray(value, dtype=float) for name, value in parts.items()})

    def anomaly_score(self, X: ArrayLike) -> Floats:
        """Return how anomalous each row is.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Rows, in the units of the rows of ``fit``.

        Returns
        -------
        ndarray of shape (n,)
            High = anomalous, at least 0. With ``criterion="combined"`` all parts joined; otherwise the
            surprise of that part, −log p.

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
        """Return each part of the score as a surprise, −log p.

        p is the share of normal rows whose part is at least as high: counted on held-out normals, and
        continued beyond them by an exponential tail.

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
        ['plain', 'latent', 'range', 'local', 'columns', 'white']
        """
        return self._by_part(np.concatenate([self._surprises(chunk) for chunk in self._chunks(X)]))

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

        The squared residual of the feature, over its mean on held-out normal rows, averaged over the views.
        The white view's matrix is symmetric, so its columns stand for the features, each without what the
        others tell about it. The distances are not divided among the features.

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

        The file is a zip archive of arrays, and a JSON text with parameters, versions and checksums. It
        appears whole or not at all. It holds up to ``max_references`` of the rows of ``fit``, standardised:
        give it only to people who may see them.

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
            arrays=self._to_arrays(),
            shape=self._shape,
        )
        saving.write(path, saved)

    def export(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted detector for other programs, as TensorFlow SavedModel or ONNX.

        The graph takes ``rows``, a matrix (n, d) in double precision in the units of ``fit``, and returns
        ``anomaly_score`` (n,) and ``flagged`` (n,), whether a row's score is above the threshold. It needs
        neither this package nor Python. Rows are not checked: a missing value gives a score that is none.

        Parameters
        ----------
        path : str or path
            A file that ends in ``.onnx``, or else a folder for the SavedModel. ONNX needs the extra
            ``aecourse[onnx]``.

        Raises
        ------
        NotFittedError
            If the detector is not fitted.
        OSError
            If the path exists, or cannot be written.
        ImportError
            If tf2onnx is needed and not installed.

        Notes
        -----
        Scores agree to rounding. An exception are rows with several training rows at exactly the same
        distance, as in tables of whole numbers: which of them count as the nearest is not defined, and
        ``local`` may differ. All rows of a call are computed at once: pass some thousands at a time.

        Examples
        --------
        >>> import numpy as np, tempfile, tensorflow as tf
        >>> X = np.random.default_rng(0).normal(size=(200, 3))
        >>> detector = AutoencoderDetector(random_state=0).fit(X)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     detector.export(f"{folder}/served")
        ...     served = tf.saved_model.load(f"{folder}/served").signatures["serving_default"]
        ...     score = served(tf.constant(X))["anomaly_score"].numpy()
        >>> bool(np.allclose(score, detector.anomaly_score(X), rtol=0, atol=1e-5))
        True
        """
        check_is_fitted(self)
        from aecourse.detector import export

        scoring = export.Scoring(
            center=self.center_,
            scale=self.scale_,
            limit=_LIMIT,
            stretch=self._stretch,
            shape=self._shape,
            weights=self._weights,
            neighbors=self._neighbors,
            local=self._local,
            column_tails=self._column_tails,
            part_tails=self._part_tails,
            joint=self._joint,
            parts=self.parts_,
            criterion=self.criterion,
            threshold=self.threshold_,
        )
        export.write(path, scoring)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a detector that `save` wrote.

        Nothing in the file is executed: it holds arrays, read without pickle, and a JSON text. TensorFlow is
        not needed.

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
        detector._shape, detector.parts_ = saved.shape, _parts_of(saved.shape)
        divisors = {name for name in saved.arrays if name.split(".")[-1] in _POSITIVE}
        saving.check_arrays(saved.arrays, detector._array_shapes(saved.arrays), divisors, path)
        detector._from_arrays(saved.arrays)
        detector.n_features_in_ = saved.shape.n_features
        if saved.feature_names is not None:
            detector.feature_names_in_ = np.array(saved.feature_names, dtype=object)
        detector.history_ = saved.history
        return detector.set_threshold(saved.threshold, saved.promised_rate)

    def _to_arrays(self) -> dict[str, NDArray]:
        """Everything that scoring needs, by name."""
        arrays = {
            "center": self.center_,
            "scale": self.scale_,
            "stretch": self._stretch,
            "feature_level": self._feature_level,
            "surprises_held_out": self._surprises_held_out,
            "references.local": self._local.references,
        }
        arrays |= {f"references.{part}": each.references for part, each in self._neighbors.items()}
        arrays |= {f"weights.{name}": value for name, value in self._weights.items()}
        tails = {
            "parts": self._part_tails,
            "above": self._column_tails.above,
            "below": self._column_tails.below,
        }
        for which, each in tails.items():
            arrays |= {f"tails.{which}.{name}": getattr(each, name) for name in _TAILS}
        return arrays

    def _from_arrays(self, arrays: Mapping[str, NDArray]) -> None:
        """Take over what `_to_arrays` gave."""
        self.center_, self.scale_ = arrays["center"], arrays["scale"]
        self._stretch, self._feature_level = arrays["stretch"], arrays["feature_level"]
        self._surprises_held_out = arrays["surprises_held_out"]
        self._weights = {
            name.removeprefix("weights."): value
            for name, value in arrays.items()
            if name.startswith("weights.")
        }
        self._model = None
        self._part_tails, above, below = (
            Tails(**{name: arrays[f"tails.{which}.{name}"] for name in _TAILS})
            for which in ("parts", "above", "below")
        )
        self._column_tails = ColumnTails(above, below)
        self._neighbors = {
            part: Neighbors(arrays[f"references.{part}"], self.n_neighbors)
            for part in ("latent", "range")
            if part in self.parts_
        }
        self._local = LocalNeighbors(arrays["references.local"], _LOCAL_NEIGHBORS)
        self._joint = joining.Joint.fit(self._by_part(self._surprises_held_out))

    def _array_shapes(self, found: Mapping[str, NDArray]) -> dict[str, tuple[int, ...]]:
        """The shapes that the arrays of a file must have; it decides on its numbers of rows alone."""
        shape, d, n_parts = self._shape, self._shape.n_features, len(self.parts_)

        def rows(name: str, fewest: int) -> int:
            return max(fewest, *found[name].shape[:1], 0) if name in found else fewest

        n_references = rows("references.local", 2)
        shapes: dict[str, tuple[int, ...]] = {
            "center": (d,),
            "scale": (d,),
            "stretch": (d,),
            "feature_level": (len(shape.members), d),
            "surprises_held_out": (rows("surprises_held_out", 1), n_parts),
            "references.local": (n_references, d),
            "references.latent": (n_references, shape.n_plain * shape.code_size),
        }
        if "range" in self.parts_:
            shapes["references.range"] = (n_references, shape.n_range * shape.code_size)
        shapes |= {f"weights.{name}": each for name, each in weight_shapes(shape).items()}
        for which, columns in {"parts": n_parts, "above": d, "below": d}.items():
            for name in _TAILS:
                shapes[f"tails.{which}.{name}"] = (columns,) if name == "excess" else (columns, N_KNOTS)
        return shapes

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        if "_model" in state:
            state["_model"] = None  # it is built from the weights again when asked for
        return state


def _parts_of(shape: EnsembleShape) -> tuple[str, ...]:
    return tuple(part for part in PARTS if part not in ("range", "white") or part in shape.members)


def _stretch(Z: Floats) -> Floats:
    """Factors of standardised columns that give them one range, with a mean variance of 1."""
    spans = np.ptp(Z, axis=0)
    varying = spans > 0
    factors = np.ones(Z.shape[1])
    if varying.any():
        inverse = 1 / spans[varying]
        factors[varying] = inverse / np.sqrt(np.square(inverse).mean())
    return factors


def _view_weights(shape: EnsembleShape, stretch: Floats, train: Floats, held_out: Floats) -> Weights:
    """The fixed weights that turn standardised columns into the views of the members, and back."""
    weights: Weights = {}
    if "range" in shape.members:
        weights |= {"views.stretch": stretch, "output.shrink": 1 / stretch}
    if "white" in shape.members:
        whitener = _whitening_matrix(train, held_out)
        colourer = np.linalg.inv(whitener).astype(np.float64)
        weights |= {"views.whitener": whitener, "output.colourer": colourer}
    return weights


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

"""The detector: its scores, its threshold, its manners as a scikit-learn estimator, and its files."""

import hashlib
import io
import json
import os
import pickle
import random
import subprocess
import sys
import tracemalloc
import zipfile

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_moons
from sklearn.exceptions import NotFittedError
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from aecourse import AutoencoderDetector, baselines, datasets, tabular, thresholds
from aecourse.detector import estimator, forward
from aecourse.detector.neighbors import EQUAL, SMALLEST, LocalNeighbors, Neighbors
from aecourse.detector.tails import ColumnTails, Tails
from benchmarks import bench_quality


def normals(n=300, d=5, seed=0):
    """Correlated Gaussian rows; the mixture of the columns is the same for every seed."""
    mix = np.random.default_rng(100 + d).normal(size=(d, d))
    return np.random.default_rng(seed).normal(size=(n, d)) @ mix


@pytest.fixture(scope="module")
def fitted():
    return AutoencoderDetector(random_state=0).fit(normals())


@parametrize_with_checks([AutoencoderDetector()])
def test_sklearn_checks(estimator, check):
    check(estimator)


def test_init_only_stores():
    odd = {name: object() for name in AutoencoderDetector().get_params()}
    made = AutoencoderDetector(**odd)
    assert vars(made) == odd


def test_pipeline_grid_search_and_cross_validation():
    X = np.vstack([normals(120), 40 + normals(20, seed=1)])
    y = np.repeat([0, 1], [120, 20])

    def scorer(estimator, X, y):
        return roc_auc_score(y, -estimator.score_samples(X))

    # Folds that train on normal rows only and test on both.
    folds = [(np.arange(0, 60), np.r_[60:120, 120:140]), (np.arange(60, 120), np.r_[0:60, 120:140])]
    pipe = make_pipeline(StandardScaler(), AutoencoderDetector(n_members=2, epochs=10))
    assert cross_val_score(pipe, X, y, cv=folds, scoring=scorer).min() > 0.99
    search = GridSearchCV(
        AutoencoderDetector(n_members=2, epochs=10), {"code_size": [2, 5]}, cv=folds, scoring=scorer
    ).fit(X, y)
    assert search.best_score_ > 0.99
    assert pipe.fit(X[:120]).predict(X[120:]).tolist() == [-1] * 20


def test_pandas_in_and_names_out():
    frame = pd.DataFrame(normals(60, 3), columns=["volt", "amp", "watt"])
    made = AutoencoderDetector(n_members=2, code_size=2).fit(frame)
    assert made.feature_names_in_.tolist() == ["volt", "amp", "watt"]
    names = made.get_feature_names_out()
    assert names.tolist() == [f"autoencoderdetector{i}" for i in range(4)]
    out = made.set_output(transform="pandas").transform(frame)
    assert out.columns.tolist() == names.tolist() and out.shape == (60, 4)
    assert np.array_equal(
        made.anomaly_score(frame),
        AutoencoderDetector(n_members=2, code_size=2).fit(frame.to_numpy()).anomaly_score(frame.to_numpy()),
    )
    with pytest.raises(ValueError, match="feature names"):
        made.predict(frame[["amp", "volt", "watt"]])


@pytest.mark.parametrize(
    "change",
    [
        {"n_members": 0},
        {"n_members": 2.5},
        {"hidden": True},
        {"code_size": 0},
        {"epochs": "many"},
        {"batch_size": 0},
        {"patience": -1},
        {"n_neighbors": 0},
        {"max_references": 1},
        {"criterion": "best"},
        {"noise": 1},
        {"noise": (0, 1)},
        {"noise": (2, 1)},
        {"noise": (0.1, np.inf)},
        {"learning_rate": 0},
        {"learning_rate": "fast"},
        {"validation_fraction": 1},
        {"false_alarm_rate": 0},
    ],
)
def test_bad_parameters_are_named(change):
    (name,) = change
    with pytest.raises(ValueError, match=f"^{name} must be"):
        AutoencoderDetector(**change).fit(normals(20))


@pytest.mark.parametrize("criterion, n_members, columns", [("white", 1, 5), ("range", 2, 5), ("white", 9, 1)])
def test_a_criterion_needs_members_of_its_view(criterion, n_members, columns):
    detector = AutoencoderDetector(n_members=n_members, criterion=criterion)
    message = (
        f"criterion='{criterion}' needs more than n_members={n_members}, or {columns} columns are too few"
    )
    with pytest.raises(ValueError, match=message):
        detector.fit(normals(20)[:, :columns])


@pytest.mark.parametrize(
    "X, message",
    [
        (np.full((5, 2), np.nan), "NaN"),
        ([[1.0, np.inf]] * 5, "infinity"),
        ([[1.0, 2.0]], "1 sample"),
        (np.empty((0, 3)), "0 sample"),
        (np.empty((5, 0)), "0 feature"),
        (np.zeros(5), "1D array"),
        ([["a", "b"]] * 5, "could not convert string to float"),
    ],
)
def test_bad_rows_are_refused(X, message):
    with pytest.raises(ValueError, match=message):
        AutoencoderDetector().fit(X)


def test_use_before_fit_and_wrong_width(fitted, tmp_path):
    for use in ("anomaly_score", "predict", "reconstruct", "transform", "feature_errors", "score_parts"):
        with pytest.raises(NotFittedError):
            getattr(AutoencoderDetector(), use)(normals(5))
        with pytest.raises(ValueError, match="3 features"):
            getattr(fitted, use)(np.zeros((2, 3)))
    with pytest.raises(NotFittedError):
        AutoencoderDetector().save(tmp_path / "x")
    assert not hasattr(AutoencoderDetector(), "model_")


ROWS = np.random.default_rng(5).normal(size=(40, 3))


@pytest.mark.parametrize(
    "X",
    [
        ROWS[:10],
        ROWS[:2],
        np.random.default_rng(0).normal(size=(10, 10)),
        ROWS[:, :1],
        np.column_stack([ROWS, np.full(40, 7.0)]),
        np.repeat(ROWS[:8], 6, axis=0),
        np.tile(ROWS[:1], (20, 1)),
        np.random.default_rng(0).normal(size=(15, 60)),
        np.zeros((12, 4)),
        (ROWS > 0).astype(int),
        np.column_stack([ROWS, ROWS[:, 0], ROWS @ [1, 2, 3]]),
    ],
    ids=[
        "10 rows",
        "2 rows",
        "10 columns",
        "1 column",
        "constant column",
        "duplicates",
        "one distinct row",
        "wide",
        "zeros",
        "binary",
        "redundant columns",
    ],
)
def test_awkward_tables(X):
    made = AutoencoderDetector(n_members=2).fit(X)
    scores = made.anomaly_score(X)
    far = made.anomaly_score(X[:1] + 1000.0)
    assert np.isfinite(scores).all() and np.isfinite(far).all()
    assert far[0] > made.threshold_ and far[0] > scores.max()
    assert np.isfinite(made.reconstruct(X)).all() and np.isfinite(made.feature_errors(X)).all()


@pytest.mark.parametrize("factor, shift", [(1e12, 0), (1e-12, 0), (1e150, 0), (1e-200, 0), (1.0, 1e6)])
def test_units_do_not_matter(fitted, factor, shift):
    X, new = normals(), normals(50, seed=1)
    made = AutoencoderDetector(random_state=0).fit(X * factor + shift)
    assert np.allclose(
        made.anomaly_score(new * factor + shift), fitted.anomaly_score(new), rtol=0.02, atol=0.01
    )  # training amplifies the rounding of the inputs
    assert made.promised_rate_ == fitted.promised_rate_


def test_values_near_the_largest_float_are_scored(fitted):
    rows = np.zeros((2, 5))
    rows[1] = 1e308
    scores = fitted.anomaly_score(rows)
    assert np.isfinite(scores).all() and scores[1] > scores[0]


def test_it_finds_what_a_linear_method_cannot():
    X, _ = make_moons(600, noise=0.05, random_state=0)
    rng = np.random.default_rng(0)
    between = rng.uniform([-1, -0.5], [2, 1], size=(400, 2))
    nearest = np.sqrt(((between[:, None] - X[None]) ** 2).sum(axis=2)).min(axis=1)
    between = between[nearest > 0.25]
    new, _ = make_moons(300, noise=0.05, random_state=1)
    test, y = np.vstack([new, between]), np.repeat([0, 1], [300, len(between)])
    ours = roc_auc_score(y, AutoencoderDetector().fit(X).anomaly_score(test))
    linear = roc_auc_score(y, baselines.MahalanobisDistance().fit(X).anomaly_score(test))
    assert ours > 0.98 > linear + 0.2


def test_the_imbalanced_lab_at_the_defaults():
    split = datasets.make_imbalanced()
    made = AutoencoderDetector().fit(np.vstack([split.X_train, split.X_val]))
    score = made.anomaly_score(split.X_test)
    assert average_precision_score(split.y_test, score) >= 0.50
    assert average_precision_score(split.groups_test == "anomaly", score) >= 0.985
    rule = thresholds.Conformal(rate=0.05).fit(score[split.y_test == 0])
    assert made.threshold_ == pytest.approx(rule.threshold_, rel=0.15)
    assert len(made._local.references) == made.max_references


def test_anomalies_in_low_variance_directions():
    """The white view finds what the plain view drowns: a small step off a thin plane."""
    rng = np.random.default_rng(0)
    scales = np.array([5.0, 5.0, 5.0, 5.0, 0.05])
    turn, _ = np.linalg.qr(rng.normal(size=(5, 5)))
    X, new = rng.normal(size=(800, 5)) * scales @ turn, rng.normal(size=(300, 5)) * scales
    new[200:, 4] += 0.4
    y = np.repeat([0, 1], [200, 100])
    made = AutoencoderDetector().fit(X)
    aurocs = {part: roc_auc_score(y, score) for part, score in made.score_parts(new @ turn).items()}
    assert aurocs["white"] > 0.99 > aurocs["latent"]
    assert roc_auc_score(y, made.anomaly_score(new @ turn)) > 0.97


def test_parts_are_surprises_joined_as_described(fitted):
    X = np.vstack([normals(40, seed=2), normals(5, seed=3) * 3])
    parts = fitted.score_parts(X)
    assert tuple(parts) == fitted.parts_ == ("plain", "latent", "range", "local", "columns", "white")
    assert all((surprise >= 0).all() for surprise in parts.values())
    weights = {"plain": 1, "latent": 1, "range": 1, "local": 1, "columns": 0.5}

    def added(parts):
        return sum(weight * parts[name] for name, weight in weights.items())[:, None]

    held_out = dict(zip(fitted.parts_, fitted._surprises_held_out.T, strict=True))
    of_sum = Tails.fit(added(held_out)).surprise(added(parts))[:, 0]

    def surer(surprise):
        return surprise + np.maximum(surprise - np.log(10), 0) ** 2 / 4

    expected = np.log(0.98 * np.exp(surer(of_sum)) + 0.02 * np.exp(surer(parts["white"])))
    assert np.allclose(fitted.anomaly_score(X), expected, rtol=1e-9)
    assert np.allclose(fitted.combine(parts), expected, rtol=1e-9)
    only_white = fitted.combine({"white": parts["white"]})
    assert np.allclose(only_white, surer(parts["white"]))
    without = fitted.combine({name: parts[name] for name in parts if name != "white"})
    assert np.allclose(without, surer(of_sum))


def test_only_parts_of_the_detector_can_be_combined(fitted):
    with pytest.raises(ValueError, match="found none"):
        fitted.combine({})
    with pytest.raises(ValueError, match=r"found \('other',\)"):
        fitted.combine({"other": [1.0]})
    with pytest.raises(NotFittedError):
        AutoencoderDetector().combine({"plain": [1.0]})


def test_scikit_learns_orientation(fitted):
    X = np.vstack([normals(40, seed=2), 50 + normals(5, seed=3)])
    score = fitted.anomaly_score(X)
    assert np.array_equal(fitted.score_samples(X), -score)
    assert np.allclose(fitted.decision_function(X), fitted.threshold_ - score)
    assert np.array_equal(fitted.predict(X) == -1, score > fitted.threshold_)
    assert fitted.offset_ == -fitted.threshold_ and (fitted.predict(X[40:]) == -1).all()


def test_a_row_is_scored_alike_in_any_company(fitted, monkeypatch):
    X = normals(200, seed=4)
    whole = fitted.anomaly_score(X), fitted.transform(X), fitted.reconstruct(X), fitted.feature_errors(X)
    monkeypatch.setattr(forward, "VALUES_PER_CHUNK", 1)  # 64 rows at a time
    assert [len(chunk) for chunk in fitted._chunks(X)] == [64, 64, 64, 8]
    parts = fitted.anomaly_score(X), fitted.transform(X), fitted.reconstruct(X), fitted.feature_errors(X)
    for one, other in zip(whole, parts, strict=True):
        assert np.allclose(one, other, rtol=1e-9, atol=1e-9)


def test_whitener_whitens():
    scaler = StandardScaler().fit(normals(5000, 6))
    train, held_out = (scaler.transform(normals(5000, 6, seed)) for seed in (0, 1))
    W = estimator._whitening_matrix(train, held_out)
    assert np.allclose(W, W.T)
    assert np.allclose(np.cov(held_out @ W, rowvar=False), np.eye(6), atol=0.1)


def test_whitener_keeps_only_small_directions_that_are_borne_out():
    rng = np.random.default_rng(0)
    thin = rng.normal(size=(400, 3)) * [1, 1, 1e-3]
    assert np.linalg.eigvalsh(estimator._whitening_matrix(thin[:300], thin[300:])).max() > 500
    wide = rng.normal(size=(30, 60))  # 20 rows span few of the 60 directions; the others are not thin
    assert np.linalg.eigvalsh(estimator._whitening_matrix(wide[:20], wide[20:])).max() < 3


def test_parts_without_range_and_white_view():
    one = AutoencoderDetector(n_members=1).fit(normals(60))
    fewer = ("plain", "latent", "local", "columns")
    assert one.parts_ == fewer == tuple(one.score_parts(normals(3)))
    thin = AutoencoderDetector().fit(normals(60)[:, :1])
    assert thin.parts_ == fewer and thin.feature_errors([[0.0]]).shape == (1, 1)


def test_false_alarm_rate_is_kept():
    rates = []
    for seed in range(6):
        made = AutoencoderDetector(n_members=2, false_alarm_rate=0.1, random_state=seed).fit(
            normals(400, seed=seed)
        )
        rates.append(np.mean(made.predict(normals(2000, seed=50 + seed)) == -1))
        assert made.promised_rate_ <= 0.1
    # 60 rows are held out each time, so the mean of six has a standard error near 0.016.
    assert 0.03 < np.mean(rates) < 0.15


def test_threshold_is_the_conformal_one_of_the_held_out_rows(fitted):
    rng = np.random.RandomState(0)
    _, held_out = estimator._hold_out(normals(), 0.15, 0.05, rng)
    rule = thresholds.Conformal(rate=0.05).fit(fitted.anomaly_score(held_out))
    assert fitted.threshold_ == pytest.approx(rule.threshold_, abs=2e-6)
    assert fitted.promised_rate_ == rule.promised_rate


def test_undetected_anomalies_among_the_training_rows_are_left_out():
    rng = np.random.default_rng(0)
    new, odd = normals(500, seed=1), rng.permuted(3 * normals(300, seed=2), axis=0)
    X = np.vstack([normals(450), odd[:50]])
    kwargs = {"n_members": 3, "random_state": 0}
    alone, trimmed = (AutoencoderDetector(trim=c, **kwargs).fit(X) for c in (0, 0.1))
    clean = AutoencoderDetector(**kwargs).fit(normals(450))
    found = [np.mean(each.predict(odd[50:]) == -1) for each in (alone, trimmed, clean)]
    assert found[0] < found[1] - 0.1 and abs(found[1] - found[2]) < 0.15
    assert np.mean(trimmed.predict(new) == -1) <= trimmed.promised_rate_
    assert trimmed.promised_rate_ == pytest.approx(0.1 + 0.9 * alone.promised_rate_, abs=0.01)
    assert alone.promised_rate_ <= 0.05 and trimmed.get_params()["trim"] == 0.1


@pytest.mark.parametrize("trim", [-0.1, 0.6, "some", "0.1", np.nan])
def test_a_share_to_trim_that_makes_no_sense_is_refused(trim):
    with pytest.raises(ValueError, match="^trim must be"):
        AutoencoderDetector(trim=trim).fit(normals(20))


@pytest.mark.parametrize(("n", "added"), [(12, 9), (50, 38), (140, 29), (327, 0)])
def test_training_rows_help_to_calibrate_where_few_rows_are_held_out(n, added):
    made = AutoencoderDetector(n_members=3, epochs=2).fit(normals(n))
    train, held_out = estimator._hold_out(normals(n), 0.15, 0.05, np.random.RandomState(0))
    assert len(made._surprises_held_out) == len(held_out) + added
    raw, known = (made._raw_parts(made._standardise(rows), made.parts_) for rows in (held_out, train))
    both = made._with_training_rows(raw, made._standardise(train))
    assert np.array_equal(both[: len(raw)], raw) and len(both) == len(raw) + added
    if added == len(train):  # all of them, so that mean and spread are exactly those of the held-out rows
        for place, part in enumerate(made.parts_):
            joined = both[len(raw) :, place]
            if part not in ("plain", "white"):
                assert np.allclose(joined, known[:, place])
                continue
            assert joined.mean() == pytest.approx(raw[:, place].mean())
            # of three rows no spread can be known
            expected = raw if len(raw) >= 10 else known
            assert joined.std() == pytest.approx(expected[:, place].std())


def test_a_part_that_sees_the_anomalies_is_not_lost_with_few_rows():
    """Anomalies break correlations, which the white view sees; 19 of 101 rows are held out."""

    def factors(n, seed):
        rng, mixing = np.random.default_rng(seed), np.random.RandomState(7).normal(size=(3, 8))
        return rng.standard_t(3, size=(n, 3)) @ mixing + 0.2 * rng.normal(size=(n, 8))

    new, odd = factors(1000, seed=100), np.random.default_rng(0).permuted(factors(300, seed=101), axis=0)
    shares = []
    for seed in (1, 2):
        made = AutoencoderDetector(random_state=seed).fit(factors(101, seed))
        found = made.anomaly_score(odd) > np.quantile(made.anomaly_score(new), 0.98)
        shares.append(found.mean())
    assert np.mean(shares) > 0.85  # 0.90; calibrated on the 19 rows alone 0.76


def test_few_rows_promise_less():
    made = AutoencoderDetector().fit(normals(12))
    assert made.promised_rate_ == 1 / 4  # three rows held out
    assert (made.anomaly_score(normals(12)) <= made.threshold_).mean() > 0.5


@pytest.mark.parametrize("promised_rate", [None, 0.25])
def test_a_threshold_that_was_set_is_used_everywhere_and_saved(tmp_path, promised_rate):
    X = normals(60)
    made = AutoencoderDetector(n_members=1, epochs=2).fit(X)
    score = made.anomaly_score(X)
    middle = np.sort(score)[30]
    assert made.set_threshold(middle, promised_rate) is made
    made.save(tmp_path / "detector.zip")
    for each in (made, AutoencoderDetector.load(tmp_path / "detector.zip")):
        assert each.threshold_ == middle == -each.offset_ and each.promised_rate_ == promised_rate
        assert (each.predict(X) == -1).sum() == 29  # strictly above
        assert np.array_equal(each.decision_function(X), middle - score)
    assert made.set_threshold(1).threshold_ == 1.0 and made.promised_rate_ is None
    assert type(made.set_threshold(np.float32(2), np.float64(0.5)).threshold_) is float


def test_only_a_finite_threshold_of_a_fitted_detector_can_be_set():
    with pytest.raises(NotFittedError):
        AutoencoderDetector().set_threshold(1.0)
    made = AutoencoderDetector(n_members=1, epochs=1).fit(normals(20))
    before = made.threshold_, made.promised_rate_, made.offset_
    for bad in (np.nan, np.inf, -np.inf, "high", None):
        with pytest.raises(ValueError, match=f"^threshold must be a finite number; found {bad!r}"):
            made.set_threshold(bad)
    for bad in (-0.1, 1.5, np.nan, "half"):
        with pytest.raises(ValueError, match="^promised_rate must be a number from 0 to 1; found"):
            made.set_threshold(1.0, bad)
    assert (made.threshold_, made.promised_rate_, made.offset_) == before


@pytest.mark.parametrize("n, expected", [(2, 1), (12, 3), (60, 15), (100, 19), (1000, 150)])
def test_rows_held_out(n, expected):
    train, held_out = estimator._hold_out(np.arange(n)[:, None], 0.15, 0.05, np.random.RandomState(0))
    assert len(held_out) == expected
    assert sorted(np.vstack([train, held_out]).ravel()) == list(range(n))


def test_same_seed_same_scores(fitted):
    X = normals(50, seed=9)
    again = AutoencoderDetector(random_state=0).fit(normals())
    assert np.array_equal(again.anomaly_score(X), fitted.anomaly_score(X))
    assert again.history_ == fitted.history_
    assert np.array_equal(again.fit(normals()).anomaly_score(X), fitted.anomaly_score(X))
    other = AutoencoderDetector(random_state=1).fit(normals())
    assert not np.allclose(other.anomaly_score(X), fitted.anomaly_score(X))
    one, two = (
        AutoencoderDetector(n_members=1, random_state=np.random.RandomState(0)).fit(normals(30))
        for _ in range(2)
    )
    assert one.threshold_ == two.threshold_


def test_no_global_seed_is_read_or_moved():
    import keras
    import tensorflow as tf

    def draws(with_fit):
        keras.utils.set_random_seed(3)  # Python's, NumPy's, TensorFlow's and Keras's own
        score = (
            AutoencoderDetector(n_members=2).fit(normals(40)).anomaly_score(normals(5)) if with_fit else None
        )
        return score, [
            random.random(),
            np.random.random(),
            float(tf.random.uniform(())),
            float(keras.random.uniform(())),
        ]

    _, without = draws(False)
    first, after = draws(True)
    assert after == without
    keras.utils.set_random_seed(99)
    assert np.array_equal(AutoencoderDetector(n_members=2).fit(normals(40)).anomaly_score(normals(5)), first)


def test_networks_kept_from_an_earlier_fit_change_nothing(monkeypatch):
    from aecourse.detector import ensemble

    X, other = normals(80, seed=1), normals(80, seed=2)
    ensemble._idle.clear()
    fresh = AutoencoderDetector(n_members=2).fit(X)
    assert len(ensemble._idle) == 1
    AutoencoderDetector(n_members=2, random_state=7).fit(other)  # uses the kept networks
    assert len(ensemble._idle) == 1
    again = AutoencoderDetector(n_members=2).fit(X)
    assert again.history_ == fresh.history_
    assert np.array_equal(again.anomaly_score(X), fresh.anomaly_score(X))
    monkeypatch.setattr(ensemble, "_MAX_IDLE", 1)
    AutoencoderDetector(n_members=2, epochs=1).fit(X)
    assert len(ensemble._idle) == 1  # the older networks were dropped


def test_model_is_a_keras_autoencoder_that_agrees_with_the_scores(fitted):
    import keras

    X = normals(30, seed=6)
    Z = (X - fitted.center_) / fitted.scale_
    model = fitted.model_
    assert isinstance(model, keras.Model) and fitted.model_ is model
    assert model.input_shape == (None, 5) and model.output_shape == (None, 5)
    out = model(Z).numpy()
    assert np.allclose(out * fitted.scale_ + fitted.center_, fitted.reconstruct(X), rtol=1e-9, atol=1e-9)
    code = model.encoder(Z).numpy()
    assert np.allclose(code, fitted.transform(X), rtol=1e-9, atol=1e-9)
    assert np.allclose(model.decoder(code).numpy(), out, rtol=1e-9, atol=1e-9)
    assert fitted.transform(X).shape == (30, 15 * 5)


@pytest.mark.parametrize("n_plain, n_range, n_white", [(1, 0, 0), (3, 0, 2), (1, 2, 0), (2, 3, 1)])
def test_the_forward_pass_in_numpy_agrees_with_the_keras_model(n_plain, n_range, n_white):
    from aecourse.detector import ensemble

    shape = forward.EnsembleShape(
        n_features=4,
        n_plain=n_plain,
        n_range=n_range,
        n_white=n_white,
        hidden=7,
        code_size=3,
        noise=(0.1, 2.0),
    )
    model = ensemble.build(shape, dtype="float64")
    rng = np.random.default_rng(0)
    weights = {name: rng.normal(size=value.shape) for name, value in ensemble.get_weights(model).items()}
    ensemble.set_weights(model, weights)
    Z = rng.normal(size=(20, 4))
    passed = forward.forward(shape, weights, Z)
    assert {name: value.shape for name, value in weights.items()} == forward.weight_shapes(shape)
    assert len(passed.views) == len(passed.codes) == len(passed.outputs) == n_plain + n_range + n_white
    views = model.get_layer("views")(Z).numpy()
    assert np.allclose(passed.views, views, rtol=1e-12, atol=1e-12)
    assert np.allclose(forward.join_members(passed.codes), model.encoder(Z).numpy(), rtol=1e-9, atol=1e-12)
    reconstruction = forward.gather(shape, weights, passed.outputs)
    assert np.allclose(reconstruction, model(Z).numpy(), rtol=1e-9, atol=1e-9)


def test_it_reconstructs_normal_rows_and_not_others(fitted):
    X = normals(200, seed=7)
    far = X * 6
    share = np.mean((X - fitted.reconstruct(X)) ** 2) / np.mean((X - X.mean(axis=0)) ** 2)
    assert share < 0.2
    assert np.mean((far - fitted.reconstruct(far)) ** 2) > 36 * np.mean((X - fitted.reconstruct(X)) ** 2)


def test_history_and_early_stopping(fitted):
    assert sorted(fitted.history_) == ["loss", "val_loss"]
    assert len(fitted.history_["loss"]) == len(fitted.history_["val_loss"]) <= 10
    assert fitted.history_["loss"][-1] < fitted.history_["loss"][0]
    impatient = AutoencoderDetector(n_members=1, epochs=200, patience=0, learning_rate=0.05).fit(normals(60))
    assert len(impatient.history_["loss"]) < 200
    assert len(AutoencoderDetector(n_members=1, epochs=3).fit(normals(60)).history_["loss"]) == 3


def test_learning_rate_rises_then_falls_to_zero():
    from aecourse.detector import ensemble

    schedule = ensemble._Schedule(0.01)
    for n_steps, warm_up in ((100, 10), (5, 1)):
        schedule.n_steps.assign(n_steps)
        rates = [float(schedule(step)) for step in range(n_steps + 1)]
        assert rates[0] == pytest.approx(0.001) and np.argmax(rates) == warm_up
        assert max(rates) == pytest.approx(0.01) and rates[-1] == pytest.approx(0, abs=1e-8)
        assert np.all(np.diff(rates[warm_up:]) < 0)


def test_noise_is_there_in_training_only():
    from aecourse.detector import ensemble

    layer = ensemble.RowNoise([0.1, 0.5], 2.0, seed=0)
    x = np.zeros((2, 1000, 100), dtype="float32")
    assert np.array_equal(layer(x), x)
    for low, size in zip([0.1, 0.5], layer(x, training=True).numpy().std(axis=2), strict=True):
        assert 0.7 * low < size.min() < 1.1 * low and 1.9 < size.max() < 2.6
        # Log-uniform between low and 2: the median is the geometric mean.
        assert np.median(size) == pytest.approx(np.sqrt(low * 2.0), rel=0.1)
    assert np.array_equal(ensemble.RowNoise([0, 0], 0, seed=0)(x, training=True), x)


def test_members_of_the_range_view_do_without_the_smallest_noise():
    from aecourse.detector import ensemble

    shape = AutoencoderDetector(n_members=4)._choose_shape(100, 5)
    assert (shape.n_plain, shape.n_range, shape.n_white) == (2, 1, 1)
    assert ensemble._lows(shape) == pytest.approx([0.1, 0.1, np.sqrt(0.2), 0.1])


@pytest.mark.parametrize(
    "n_members, expected", [(1, (1, 0, 0)), (2, (1, 0, 1)), (3, (1, 1, 1)), (9, (3, 3, 3))]
)
def test_members_are_shared_among_the_views(n_members, expected):
    shape = AutoencoderDetector(n_members=n_members)._choose_shape(100, 5)
    assert (shape.n_plain, shape.n_range, shape.n_white) == expected


@pytest.mark.parametrize("rows, expected", [(2, 15), (19_999, 15), (20_000, 9), (1_000_000, 9)])
def test_small_tables_get_more_members(rows, expected):
    assert AutoencoderDetector()._choose_shape(rows, 5).n_members == expected
    assert AutoencoderDetector(n_members=4)._choose_shape(rows, 5).n_members == 4


def test_the_range_view_gives_columns_one_range():
    Z = normals(200) * [1, 1, 1, 0, 5] + [0, 3, 0, 0, 0]
    factors = estimator._stretch(Z)
    assert np.ptp(np.ptp(Z * factors, axis=0)[[0, 1, 2, 4]]) < 1e-9
    assert np.square(factors[[0, 1, 2, 4]]).mean() == pytest.approx(1) and factors[3] == 1


def test_without_noise_and_with_a_narrow_code():
    made = AutoencoderDetector(noise=(0, 0), code_size=2, epochs=100, learning_rate=0.01).fit(normals(300))
    assert made.transform(normals(3)).shape == (3, 15 * 2)
    shuffled = np.random.default_rng(0).permuted(normals(100, seed=2) * 2, axis=0)
    score = made.anomaly_score(np.vstack([normals(100, seed=1), shuffled]))
    assert roc_auc_score(np.repeat([0, 1], 100), score) > 0.85


@pytest.mark.parametrize(
    "n, given, expected",
    [
        (50, (None, None), (1950, 128, 10)),
        (1000, (None, None), (4000, 128, 10)),
        (10_000, (None, None), (10_000, 128, 4)),
        (30_000, (None, None), (30_000, 512, 17)),
        (10**6, (None, None), (10**6, 512, 2)),
        (50, (16, 7), (50, 16, 7)),
        (50, (None, 7), (50, 128, 7)),
    ],
)
def test_plan_of_the_training(n, given, expected):
    rows, batch_size, epochs = estimator._training_plan(np.zeros((n, 1)), *given)
    assert (len(rows), batch_size, epochs) == expected


def test_feature_errors_point_at_the_feature():
    made = AutoencoderDetector().fit(normals(500, 6))
    X = normals(120, 6, seed=8)
    usual = made.feature_errors(X)
    assert usual.shape == (120, 6) and (usual >= 0).all()
    assert 0.5 < usual.mean() < 2
    planted = np.arange(120) % 6
    X[np.arange(120), planted] += 5 * made.scale_[planted]
    assert np.mean(made.feature_errors(X).argmax(axis=1) == planted) > 0.9


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    frame = pd.DataFrame(normals(120, 3), columns=list("abc"))
    made = AutoencoderDetector(n_members=2, code_size=2, false_alarm_rate=0.1).fit(frame)
    path = tmp_path_factory.mktemp("saved") / "detector.zip"
    made.save(path)
    return made, path, frame


def test_load_gives_the_same_detector(saved):
    made, path, frame = saved
    same = AutoencoderDetector.load(path)
    new = frame + 1
    assert np.allclose(same.anomaly_score(new), made.anomaly_score(new), rtol=1e-6)
    assert np.allclose(same.feature_errors(new), made.feature_errors(new), rtol=1e-6)
    assert np.array_equal(same.predict(new), made.predict(new))
    assert same.get_params() == made.get_params() and same.history_ == made.history_
    assert same.feature_names_in_.tolist() == list("abc") and same.n_features_in_ == 3
    assert same.promised_rate_ == made.promised_rate_ and same.offset_ == made.offset_
    assert same.model_.encoder.output_shape == (None, 4)
    assert same.fit(frame).threshold_ == pytest.approx(made.threshold_)


def test_equal_scores_in_a_new_process(saved, tmp_path):
    made, path, frame = saved
    np.save(tmp_path / "rows.npy", frame.to_numpy())
    code = (
        "import sys, numpy as np\n"
        "from aecourse import AutoencoderDetector\n"
        "assert 'tensorflow' not in sys.modules\n"
        "detector = AutoencoderDetector.load(sys.argv[1])\n"
        "import warnings; warnings.simplefilter('ignore')\n"
        "np.save(sys.argv[3], detector.anomaly_score(np.load(sys.argv[2])))\n"
        "assert 'tensorflow' not in sys.modules\n"
    )
    rows, scores = str(tmp_path / "rows.npy"), str(tmp_path / "scores.npy")
    subprocess.run([sys.executable, "-c", code, str(path), rows, scores], check=True, timeout=120)
    assert np.allclose(np.load(scores), made.anomaly_score(frame), rtol=1e-6)


def test_a_copy_scores_without_tensorflow(saved, tmp_path):
    made, _, frame = saved
    assert made.model_ is not None  # built, so that it has to be left out of the copy
    (tmp_path / "copy").write_bytes(pickle.dumps((made, frame.to_numpy(), made.anomaly_score(frame))))
    code = (
        "import pickle, sys, warnings; warnings.simplefilter('ignore')\n"
        "detector, rows, score = pickle.load(open(sys.argv[1], 'rb'))\n"
        "assert abs(detector.anomaly_score(rows) - score).max() < 1e-6\n"
        "assert 'tensorflow' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "copy")], check=True, timeout=120)
    assert pickle.loads(pickle.dumps(made)).model_.output_shape == (None, 3)


def test_a_file_of_the_first_format_is_refused_with_what_to_do(tmp_path):
    with zipfile.ZipFile(tmp_path / "old.zip", "w") as archive:
        for name in ("about.json", "arrays.npz", "model.keras"):
            archive.writestr(name, b"")
    with pytest.raises(ValueError, match="written by an older aecourse.* Fit the detector again and save it"):
        AutoencoderDetector.load(tmp_path / "old.zip")


def test_the_file_says_what_made_it(saved):
    made, path, _ = saved
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        about = json.loads(archive.read("about.json"))
    assert set(names) == {"about.json", *about["sha256"]} and {"center.npy", "references.local.npy"} < set(
        names
    )
    assert {"aecourse", "keras", "tensorflow", "numpy", "python", "scikit-learn"} == set(about["versions"])
    assert about["params"]["false_alarm_rate"] == 0.1 and about["format_version"] == 2
    assert about["shape"]["n_plain"] == made._shape.n_plain


def test_saving_replaces_whole_files_only(saved, tmp_path, monkeypatch):
    made, _, _ = saved
    path = tmp_path / "detector.zip"
    path.write_text("old")
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError("no space left")))
    with pytest.raises(OSError, match="no space left"):
        made.save(path)
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["detector.zip"]
    monkeypatch.undo()
    made.save(path)
    assert AutoencoderDetector.load(path).threshold_ == made.threshold_
    with pytest.raises(OSError):
        made.save(tmp_path / "missing" / "detector.zip")


def test_only_plain_parameters_are_saved(saved, tmp_path):
    _, _, frame = saved
    made = AutoencoderDetector(n_members=np.int64(1), random_state=np.random.RandomState(0)).fit(frame)
    with pytest.raises(ValueError, match=r"random_state=.* cannot be saved"):
        made.save(tmp_path / "x.zip")
    made.set_params(random_state=None).save(tmp_path / "x.zip")
    assert AutoencoderDetector.load(tmp_path / "x.zip").n_members == 1


def rewrite(path, target, change_about=None, seal=True, method=zipfile.ZIP_STORED, **arrays):
    """Copy a saved detector with some arrays exchanged, or left out if None; ``seal`` mends the checksums."""
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    for name, data in arrays.items():
        contents[f"{name.replace('__', '.')}.npy"] = (
            data if data is None or type(data) is bytes else packed(data)
        )
    contents = {name: data for name, data in contents.items() if data is not None}
    about = json.loads(contents.pop("about.json"))
    if seal:
        about["sha256"] = {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()}
    if change_about:
        change_about(about)
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, data in (contents | {"about.json": json.dumps(about)}).items():
            archive.writestr(name, data)
    return target


def packed(array):
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda about: about.update(format_version=1), "version 1"),
        (lambda about: about.update(format="other"), "'other'"),
        (lambda about: about.update(extra=1), "extra"),
        (lambda about: about.pop("history"), "history"),
        (lambda about: about["params"].update(gpu=True), "gpu"),
        (lambda about: about["params"].pop("hidden"), "hidden"),
        (lambda about: about["params"].update(hidden=-3), "hidden must be"),
        (lambda about: about.update(params=[]), "unknown or missing parameters"),
        (lambda about: about.update(params=3), "unknown or missing parameters"),
        (lambda about: about.update(sha256=3), "unknown or missing arrays"),
        (lambda about: about.update(threshold="high"), "threshold='high'"),
        (lambda about: about.update(promised_rate=float("nan")), "promised_rate=nan"),
        (lambda about: about.pop("format"), "description cannot be read"),
        (lambda about: about.update(shape=[1]), "the networks' sizes"),
        (lambda about: about["shape"].update(n_plain=0), "the size n_plain=0"),
        (lambda about: about["shape"].update(hidden=True), "the size hidden=True"),
        (lambda about: about["shape"].update(noise=[0.1]), "the size noise="),
        (lambda about: about["shape"].update(hidden=10**30), "does not fit together"),
        (lambda about: about["shape"].update(n_white=0), "does not fit together"),
    ],
    ids=range(19),
)
def test_unknown_descriptions_are_refused(saved, tmp_path, change, message):
    _, path, _ = saved
    with pytest.raises(ValueError, match=message):
        AutoencoderDetector.load(rewrite(path, tmp_path / "x.zip", change))


def test_changed_arrays_are_refused(saved, tmp_path):
    made, path, _ = saved

    def load(**changes):
        return AutoencoderDetector.load(rewrite(path, tmp_path / "x.zip", **changes))

    with pytest.raises(ValueError, match="checksum of center.npy"):
        load(seal=False, center=made.center_ + 1)
    # With new checksums it is just another file.
    assert load(center=made.center_ + 1).center_[0] == made.center_[0] + 1
    with pytest.raises(ValueError, match=r"'center.npy' says that it holds numbers of the type object"):
        load(center=np.array([{}, 1], dtype=object))
    with pytest.raises(ValueError, match="'center.npy' cannot be read"):
        load(center=b"nothing")
    with pytest.raises(ValueError, match="which its 16 bytes are not"):
        load(center=packed(made.center_)[:-8])
    with pytest.raises(ValueError, match="'more' has the shape .* asks for no such array"):
        load(more=np.zeros(1))
    with pytest.raises(ValueError, match="'center' has the shape of none: it is missing"):
        load(center=None)
    with pytest.raises(ValueError, match="does not hold finite numbers"):
        load(scale=made.scale_ * np.nan)
    for divisor in ("scale", "tails__parts__excess", "feature_level"):
        zeros = np.zeros_like(made._to_arrays()[divisor.replace("__", ".")])
        with pytest.raises(ValueError, match="must be above zero"):
            load(**{divisor: zeros})
    with pytest.raises(ValueError, match="does not fit together"):
        load(references__latent=made._neighbors["latent"].references[:, :1])
    with pytest.raises(ValueError, match="does not fit together"):
        load(center=np.zeros(4))


def test_compressed_files_are_refused_before_they_are_unpacked(saved, tmp_path):
    _, path, _ = saved
    bomb = rewrite(path, tmp_path / "x.zip", method=zipfile.ZIP_DEFLATED, center=np.zeros(10**7))
    assert bomb.stat().st_size < 10**6
    tracemalloc.start()
    with pytest.raises(ValueError, match="compressed entries"):
        AutoencoderDetector.load(bomb)
    assert tracemalloc.get_traced_memory()[1] < 10**7
    tracemalloc.stop()


def test_damaged_files_are_refused(saved, tmp_path):
    _, path, _ = saved
    whole = path.read_bytes()
    for name, data in {"short": whole[: len(whole) // 2], "empty": b"", "text": b"hello"}.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(OSError, match="damaged or not a saved detector"):
            AutoencoderDetector.load(tmp_path / name)
    flipped = bytearray(whole)
    flipped[len(flipped) // 2] ^= 1
    (tmp_path / "flipped").write_bytes(flipped)
    with pytest.raises((OSError, ValueError)):
        AutoencoderDetector.load(tmp_path / "flipped")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(ValueError, match="is not a saved detector"):
        AutoencoderDetector.load(tmp_path / "other.zip")
    with pytest.raises(FileNotFoundError):
        AutoencoderDetector.load(tmp_path / "missing.zip")


def test_the_file_of_a_table_says_what_reads_it(tmp_path):
    table = pd.DataFrame(normals(100), columns=list("abcde"))
    tabular.TableDetector(budget=0.1).fit(table).save(tmp_path / "table")
    with pytest.raises(ValueError, match="a detector of a table.*TableDetector.load"):
        AutoencoderDetector.load(tmp_path / "table")


def test_quality_benchmark_without_data(tmp_path, capsys):
    assert bench_quality.main(["--data", str(tmp_path / "none"), "--out", str(tmp_path / "out")]) == 0
    assert bench_quality.main(["--data", str(tmp_path), "--out", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out.count("data not found") == 2
    assert not (tmp_path / "out").exists()


def test_quality_protocol():
    y = np.repeat([0, 1], [100, 10])
    X = np.arange(110.0)[:, None]
    train, test, labels = bench_quality.protocol(X, y)
    assert train.shape == (70, 1) and test.shape == (40, 1) and labels.sum() == 10
    assert train.mean() == pytest.approx(0) and train.std() == pytest.approx(1)
    order = np.random.RandomState(0).permutation(100)
    kept = X[order[:70]]
    assert np.allclose(train, (kept - kept.mean()) / kept.std())


def test_sets_are_compared_in_pairs():
    ours = {"a": [0.9, 0.5], "b": [0.8, 0.5], "c": [0.7, 0.5]}
    other = {"a": [0.8, 0.5], "b": [0.803, 0.4], "c": [0.9, 0.8]}
    found = bench_quality.paired(ours, other, 0)
    assert (found.ahead, found.level, found.behind) == (1, 1, 1)
    assert found.difference[0] == pytest.approx((0.1 - 0.003 - 0.2) / 3)
    assert -0.21 < found.difference[1] < found.difference[0] < found.difference[2] < 0.11
    assert bench_quality.paired(ours, other, 1).behind == 1


def test_quality_benchmark_on_a_small_table(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(bench_quality, "CHANGES", {"without noise": {"noise": (0, 0)}})
    X = np.vstack([normals(150, 4), 6 * normals(20, 4, seed=1)])
    np.savez(tmp_path / "1_small.npz", X=X, y=np.repeat([0, 1], [150, 20]))
    assert (
        bench_quality.main(
            ["--data", str(tmp_path), "--out", str(tmp_path / "out"), "--seeds", "0", "--no-lab"]
        )
        == 0
    )
    shown = capsys.readouterr().out
    result = json.loads((tmp_path / "out" / "quality.json").read_text())
    assert (tmp_path / "out" / "quality.png").stat().st_size > 5000
    train, test, y = bench_quality.load(tmp_path)["small"]
    score = AutoencoderDetector(random_state=0).fit(train).anomaly_score(test)
    assert result["mean"] == pytest.approx([roc_auc_score(y, score), average_precision_score(y, score)])
    assert result["lab"] is None and set(result["simple"]) > {
        "k-NN",
        "k-NN, one range",
        "LOF",
        "Isolation Forest",
    }
    assert sum(result["paired"]["LOF"]["AUROC"][key] for key in ("ahead", "level", "behind")) == 1
    assert {"all parts", "plain only", "without latent", "without noise (seed 0)"} <= set(result["ablation"])
    assert f"mean AUROC {result['mean'][0]:.4f}" in shown and "targets reached: AUROC" in shown


def test_a_fit_in_small_pieces_gives_the_same_scores(monkeypatch):
    """Held-out rows, references and columns go through in pieces, however large the table is."""
    rows = np.random.default_rng(0).normal(size=(1500, 4))
    whole = AutoencoderDetector(epochs=2, random_state=0).fit(rows)
    widest, whole_pass = [], estimator.forward
    monkeypatch.setattr(estimator, "forward", lambda *a: widest.append(len(a[2])) or whole_pass(*a))
    monkeypatch.setattr("aecourse.detector.forward.VALUES_PER_CHUNK", 15 * 128 * 70)
    monkeypatch.setattr("aecourse.detector.tails.VALUES_PER_CHUNK", 2500)
    pieces = AutoencoderDetector(epochs=2, random_state=0).fit(rows)
    assert max(widest) == 70
    np.testing.assert_allclose(pieces.anomaly_score(rows), whole.anomaly_score(rows), rtol=1e-9)
    np.testing.assert_allclose(pieces.feature_errors(rows), whole.feature_errors(rows), rtol=1e-9)
    assert pieces.threshold_ == pytest.approx(whole.threshold_, rel=1e-9)


@pytest.mark.parametrize("part", ["plain", "latent", "range", "local", "columns", "white"])
def test_a_single_part_is_scored_as_among_all_parts(part):
    rows = np.random.default_rng(0).normal(size=(200, 4))
    detector = AutoencoderDetector(criterion=part, epochs=2, random_state=0).fit(rows)
    np.testing.assert_array_equal(detector.anomaly_score(rows), detector.score_parts(rows)[part])


# --- from values to probabilities, and distances -----------------------------------------------


def test_surprises_of_new_values_are_those_of_their_distribution():
    """Over many samples, −log p of a new value averages to that of an exact p: the mean of an exponential."""
    rng = np.random.default_rng(0)
    for draw in (rng.normal, rng.exponential, rng.uniform):
        surprises = np.concatenate(
            [Tails.fit(draw(size=(50, 1))).surprise(draw(size=(50, 1))) for _ in range(400)]
        )
        assert np.mean(surprises > np.log(20)) == pytest.approx(0.05, abs=0.015)
        assert np.mean(surprises > np.log(5)) == pytest.approx(0.2, abs=0.02)


def test_a_tail_goes_on_beyond_what_was_seen():
    values = np.random.default_rng(0).exponential(size=(2000, 1))
    tails = Tails.fit(values)
    ten, twenty = tails.surprise(np.array([[10.0], [20.0]]))[:, 0]
    # The mean excess of 60 values is known to 13 %.
    assert ten == pytest.approx(10, rel=0.25) and twenty == pytest.approx(20, rel=0.25)
    known = tails.surprise(values)
    assert np.array_equal(np.argsort(known[:, 0], kind="stable")[-60:], np.argsort(values[:, 0])[-60:])
    level = tails.knots[:, -1:]
    assert tails.surprise(level + 1e-9) == pytest.approx(tails.surprise(level), abs=1e-6)


def test_equal_values_have_the_surprise_of_all_that_are_as_high():
    tails = Tails.fit(np.repeat([0.0, 1.0], [900, 100])[:, None])
    assert tails.surprise(np.zeros((1, 1))) == 0
    assert tails.surprise(np.ones((1, 1))) == pytest.approx(np.log(10), abs=0.1)
    assert np.isfinite(Tails.fit(np.zeros((1, 2))).surprise(np.full((1, 2), 1e6))).all()


def test_surprises_are_interpolated_between_the_knots():
    values = np.round(np.random.default_rng(0).normal(size=(300, 3)), 1) * [1, 10, 0]
    tails = Tails.fit(values)
    new = np.vstack([values[:50] + 0.03, np.full((1, 3), -99.0), np.full((1, 3), 99.0), tails.knots[:, 3]])
    for column, knots, heights, excess, found in zip(
        new.T, tails.knots, tails.heights, tails.excess, tails.surprise(new).T, strict=True
    ):
        expected = np.interp(column, knots, heights) + np.maximum(column - knots[-1], 0) / excess
        assert np.allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_column_tails_add_the_surprises_of_both_sides():
    rows = np.random.default_rng(1).normal(size=(500, 3))
    usual, one_side, two_sides, both = ColumnTails.fit(rows).score(
        np.array([[0.0, 0, 0], [4, 0, 0], [-4, 0, 0], [4, -4, 0]])
    )
    assert usual < one_side < both and usual < two_sides < both


def test_a_reference_does_not_count_as_its_own_neighbour():
    rows = np.random.default_rng(0).normal(size=(60, 4))
    near = Neighbors(rows, n_neighbors=3)
    distances, places = near.nearest(rows)
    full = np.sqrt(((rows[:, None] - rows) ** 2).mean(axis=2))
    np.fill_diagonal(full, np.inf)
    assert np.allclose(distances, np.sort(full, axis=1)[:, :3], atol=1e-6)
    assert (places != np.arange(60)[:, None]).all()
    new = np.random.default_rng(1).normal(size=(20, 4))
    expected = np.sort(np.sqrt(((new[:, None] - rows) ** 2).mean(axis=2)), axis=1)[:, :3]
    assert np.allclose(near.nearest(new)[0], expected, atol=1e-6)
    assert np.allclose(near.nearest(new[:1])[0], expected[:1], atol=1e-6)  # few rows go another way
    assert Neighbors(rows[:2], n_neighbors=5).n_neighbors == 1


@pytest.mark.parametrize("n_neighbors", [1, 10])
@pytest.mark.parametrize("n_columns", [1, 2, 3, 6, 20])
def test_a_row_has_the_neighbours_that_it_has_among_others(n_columns, n_neighbors):
    """Also in a dense table far from the origin, where single precision confuses the references."""
    rng = np.random.default_rng(n_columns)
    references, rows = 5 + rng.normal(size=(3000, n_columns)), 5 + rng.normal(size=(300, n_columns))
    rows[:5] = references[:5]
    near = Neighbors(references, n_neighbors)
    together, alone = near.log_distance(rows), [near.log_distance(row[None])[0] for row in rows]
    np.testing.assert_allclose(alone, together, rtol=0, atol=1e-9)
    distances = np.sqrt(np.square(rows[:, None] - references.astype(np.float32)).mean(axis=2))
    same = EQUAL * (1 + np.sqrt(np.square(rows).mean(axis=1)))
    distances[distances <= same[:, None]] = np.inf  # a row that is a reference itself
    expected = np.sort(distances, axis=1)[:, :n_neighbors].mean(axis=1)
    np.testing.assert_allclose(np.exp(together) - SMALLEST, expected, rtol=1e-3, atol=1e-6)


def test_one_row_of_one_column_has_the_score_that_it_has_in_a_table():
    rng = np.random.default_rng(0)
    detector = AutoencoderDetector(random_state=0, epochs=2).fit(5 + rng.normal(size=(3000, 1)))
    rows = 5 + rng.normal(size=(200, 1))
    alone = [detector.anomaly_score(row[None])[0] for row in rows]
    np.testing.assert_allclose(alone, detector.anomaly_score(rows), rtol=0, atol=1e-9)


def test_local_distances_compare_with_the_neighbours_own():
    rows = np.random.default_rng(0).normal(size=(200, 2)) * np.repeat([[0.1], [3.0]], 100, axis=0)
    local = LocalNeighbors(rows, n_neighbors=10)
    own = local.neighbors.log_distance(rows.astype(np.float32).astype(float))
    distances, places = local.neighbors.nearest(rows[:5] + 0.3)
    expected = np.log(distances.mean(axis=1) + 1e-3) - own[places].mean(axis=1)
    assert np.allclose(local.score(rows[:5] + 0.3), expected, atol=1e-5)


def test_masked_entries_are_refused():
    """NumPy would use the values behind the mask."""
    X = np.random.RandomState(0).normal(size=(60, 3))
    masked = np.ma.masked_array(X, mask=np.eye(60, 3, dtype=bool))
    fitted = AutoencoderDetector(random_state=0).fit(X)
    for method in (AutoencoderDetector().fit, fitted.anomaly_score, fitted.predict, fitted.feature_errors):
        with pytest.raises(ValueError, match="X has 3 masked entries"):
            method(masked)
    np.testing.assert_array_equal(fitted.predict(np.ma.masked_array(X)), fitted.predict(X))

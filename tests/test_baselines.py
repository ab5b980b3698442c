"""Each baseline against an independent computation, and all of them behind one interface."""

import doctest
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from scipy.stats import binom, chi2
from sklearn import ensemble, neighbors, svm
from sklearn.base import clone
from sklearn.cluster import DBSCAN
from sklearn.covariance import EmpiricalCovariance, MinCovDet
from sklearn.datasets import make_classification
from sklearn.decomposition import PCA
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.utils.estimator_checks import check_estimator
from threadpoolctl import threadpool_limits

from aecourse import baselines
from aecourse._support import scoring
from aecourse.baselines import (
    LOF,
    DBSCANDistance,
    IsolationForest,
    KNNDistance,
    MahalanobisDistance,
    OneClassSVM,
    PCAReconstruction,
)

EVERY = list(baselines.every())


@pytest.fixture(scope="module", autouse=True)
def single_thread():
    """Thousands of tiny searches: on busy cores, threads wait for each other most of the time."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="module")
def table():
    """Correlated columns in different units: 150 training rows, 60 other rows."""
    rng = np.random.default_rng(0)
    mix = rng.normal(size=(5, 5)) * [1, 10, 0.1, 3, 1]
    rows = rng.normal(size=(210, 5)) @ mix + 100
    return rows[:150], rows[150:] + rng.normal(size=(60, 5)) * [0, 5, 0, 0, 0]


def standardised(train, test):
    scaler = StandardScaler().fit(train)
    return scaler.transform(train), scaler.transform(test)


# One interface


@pytest.mark.parametrize(
    "detector",
    [
        *(baselines.every() | {"Isolation Forest": IsolationForest(n_estimators=20)}).values(),  # 20: faster
        KNNDistance(aggregate="kth", scale=False),
        PCAReconstruction(n_components=0.5, scale=False),
        MahalanobisDistance(robust=True),
        MahalanobisDistance(ridge=0, scale=False),
    ],
    ids=repr,
)
def test_scikit_learns_own_checks_pass_without_exception(detector):
    results = check_estimator(detector, on_skip=None)
    assert len(results) > 30
    assert {result["status"] for result in results} <= {"passed", "skipped"}
    assert all(result["expected_to_fail"] is False for result in results)


@pytest.mark.parametrize("name", EVERY)
def test_orientation_threshold_and_predictions(name, table):
    train, test = table
    detector = baselines.every()[name].set_params(contamination=0.1)
    assert detector.fit(train) is detector
    score = detector.anomaly_score(test)
    assert score.shape == (60,) and score.dtype == float
    assert detector.anomaly_score(train.mean(axis=0) + [[0, 500, 0, 0, 0]]) > np.median(score)
    np.testing.assert_array_equal(detector.score_samples(test), -score)
    np.testing.assert_array_equal(detector.decision_function(test), detector.threshold_ - score)
    np.testing.assert_array_equal(detector.predict(test), np.where(score > detector.threshold_, -1, 1))
    assert detector.offset_ == -detector.threshold_
    assert detector.threshold_ == np.quantile(detector.anomaly_score(train), 0.9)
    assert (detector.predict(train) == -1).sum() == 15
    # The threshold itself is not flagged; it and the offset change together.
    detector.threshold_ = score[0]
    assert detector.predict(test)[0] == 1 and detector.decision_function(test)[0] == 0
    detector.offset_ = -score.max()
    assert detector.threshold_ == score.max() and (detector.predict(test) == 1).all()


@pytest.mark.parametrize("name", EVERY)
def test_equal_scores_when_fitted_twice_cloned_pickled_or_scored_in_small_batches(name, table, monkeypatch):
    train, test = table
    detector = baselines.every()[name].fit(train)
    score = detector.anomaly_score(test)
    np.testing.assert_array_equal(detector.fit(train).anomaly_score(test), score)
    np.testing.assert_array_equal(clone(detector).fit(train).anomaly_score(test), score)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(detector)).anomaly_score(test), score)
    monkeypatch.setattr(baselines, "_BATCH_NUMBERS", 35)  # seven rows at a time
    np.testing.assert_allclose(detector.anomaly_score(test), score, rtol=1e-9)


@pytest.mark.parametrize("name", EVERY)
def test_the_threshold_comes_from_evenly_spaced_rows_where_there_are_many(name, table, monkeypatch):
    train, _ = table
    monkeypatch.setattr(baselines, "_MAX_TRAINING_SCORES", 50)
    detector = baselines.every()[name].fit(train)
    chosen = np.linspace(0, 149, 50).astype(int)
    expected = np.quantile(detector.anomaly_score(train[chosen]), 0.95)
    assert detector.threshold_ == pytest.approx(expected)


@pytest.mark.parametrize("name", EVERY)
def test_new_normal_rows_are_flagged_at_about_the_contamination(name):
    rng = np.random.default_rng(0)
    detector = baselines.every()[name].set_params(contamination=0.1).fit(rng.normal(size=(1000, 3)))
    flagged = (detector.predict(rng.normal(size=(1000, 3))) == -1).sum()
    # The threshold is itself a quantile of 1,000 scores, so the variance is twice the binomial one.
    spread = (binom.ppf(0.9995, 1000, 0.1) - 100) * np.sqrt(2)
    # The boundary of the SVM lies close around its own training rows: new rows fall outside more often.
    assert 100 - spread < flagged < 100 + spread * (2 if name == "One-Class SVM" else 1)


@pytest.mark.parametrize("name", EVERY)
def test_pandas_columns_are_remembered(name, table):
    train, test = table
    columns = list("abcde")
    detector = baselines.every()[name].fit(pd.DataFrame(train, columns=columns))
    assert detector.feature_names_in_.tolist() == columns and detector.n_features_in_ == 5
    score = detector.anomaly_score(pd.DataFrame(test, columns=columns))
    expected = baselines.every()[name].fit(train).anomaly_score(test)
    np.testing.assert_allclose(score, expected, rtol=1e-9)
    with pytest.raises(ValueError, match="feature names"):
        detector.anomaly_score(pd.DataFrame(test, columns=list("edcba")))


def test_in_a_pipeline_and_a_grid_search(table):
    train, test = table
    pipeline = make_pipeline(MinMaxScaler(), KNNDistance()).fit(train)
    assert set(pipeline.predict(test)) <= {-1, 1}
    X = np.vstack([train, test])
    y = np.repeat([0, 1], [150, 60])
    search = GridSearchCV(
        PCAReconstruction(),
        {"n_components": [1, 4]},
        scoring=lambda detector, X, y: roc_auc_score(y, detector.anomaly_score(X)),
        cv=[(np.arange(100), np.arange(100, 210))],
    ).fit(X, y)
    assert search.best_params_ == {"n_components": 4}


def test_the_sets_of_baselines():
    strong, every = baselines.strong(random_state=3), baselines.every(random_state=3)
    assert list(strong) == ["PCA reconstruction", "Mahalanobis", "k-NN", "Isolation Forest"]
    assert set(every) == {*strong, "LOF", "DBSCAN", "One-Class SVM"}
    assert every["Isolation Forest"].random_state == 3
    unscaled = baselines.every(scale=False)
    assert {name for name in unscaled if not getattr(unscaled[name], "scale", True)} == {*unscaled} - {
        "Isolation Forest"
    }
    assert all(getattr(detector, "scale", True) for detector in every.values())
    kinds = [PCAReconstruction, MahalanobisDistance, KNNDistance, IsolationForest, LOF, DBSCANDistance]
    assert [type(detector) for detector in every.values()] == [*kinds, OneClassSVM]


# Against independent computations


@pytest.mark.parametrize("scale", [True, False])
def test_knn_is_the_distance_by_brute_force(table, scale):
    train, test = table
    a, b = standardised(train, test) if scale else table
    nearest = np.sort(cdist(b, a), axis=1)[:, :4]
    mean = KNNDistance(4, scale=scale).fit(train).anomaly_score(test)
    np.testing.assert_allclose(mean, nearest.mean(axis=1))
    kth = KNNDistance(4, aggregate="kth", scale=scale).fit(train).anomaly_score(test)
    np.testing.assert_allclose(kth, nearest[:, 3])


@pytest.mark.parametrize("n_columns", [3, 30])  # a tree, and a search by matrix products
def test_a_training_row_is_not_its_own_neighbour(n_columns):
    rng = np.random.default_rng(0)
    train = rng.normal(size=(80, n_columns)) * 5 + 1e4
    train[10] = train[11]  # two equal rows are each other's neighbour
    a = StandardScaler().fit_transform(train)
    apart = cdist(a, a) + np.diag(np.full(80, np.inf))
    knn = KNNDistance(3).fit(train)
    expected = np.sort(apart, axis=1)[:, :3].mean(axis=1)
    np.testing.assert_allclose(knn.anomaly_score(train), expected, atol=1e-6)
    dbscan = DBSCANDistance(contamination=0.2).fit(train)
    expected = apart[:, dbscan.core_sample_indices_].min(axis=1)
    np.testing.assert_allclose(dbscan.anomaly_score(train), expected, atol=1e-6)
    lof = LOF(7).fit(train)
    reference = neighbors.LocalOutlierFactor(7).fit(a)
    np.testing.assert_allclose(lof.anomaly_score(train), -reference.negative_outlier_factor_)


def test_lof_isolation_forest_and_svm_are_scikit_learns(table):
    train, test = table
    a, b = standardised(train, test)
    reference = neighbors.LocalOutlierFactor(n_neighbors=9, novelty=True).fit(a)
    np.testing.assert_allclose(LOF(9).fit(train).score_samples(test), reference.score_samples(b))
    centred = train - train.mean(axis=0)
    reference = ensemble.IsolationForest(n_estimators=50, max_samples=64, random_state=5).fit(centred)
    ours = IsolationForest(50, max_samples=64, random_state=5).fit(train)
    np.testing.assert_allclose(ours.score_samples(test), reference.score_samples(test - train.mean(axis=0)))
    reference = svm.OneClassSVM(nu=0.2, gamma=0.3).fit(a)
    ours = OneClassSVM(0.2, gamma=0.3).fit(train)
    np.testing.assert_allclose(ours.score_samples(test), reference.score_samples(b), rtol=1e-6)


@pytest.mark.parametrize("eps", [0.6, 1.1])
def test_dbscan_has_the_core_points_of_scikit_learn_and_calls_the_same_rows_noise(table, eps):
    train, test = table
    a, b = standardised(train, test)
    reference = DBSCAN(eps=eps, min_samples=4).fit(a)
    ours = DBSCANDistance(eps, min_samples=4).fit(train)
    np.testing.assert_array_equal(ours.core_sample_indices_, reference.core_sample_indices_)
    np.testing.assert_allclose(ours.anomaly_score(test), cdist(b, reference.components_).min(axis=1))
    others = np.setdiff1d(np.arange(150), reference.core_sample_indices_)
    assert 0 < (reference.labels_ == -1).sum() < 150
    np.testing.assert_array_equal(
        ours.anomaly_score(train[others]) > ours.eps_, reference.labels_[others] == -1
    )


def test_dbscan_chooses_the_smallest_radius_that_leaves_the_share_of_noise(table):
    train, _ = table
    a, _ = standardised(train, train)
    ours = DBSCANDistance(min_samples=4, contamination=0.1).fit(train)
    reach = np.sort(cdist(a, a), axis=1)[:, 3]  # the row itself is the first of the four
    assert (reach <= ours.eps_ + 1e-9).mean() >= 0.9
    assert (reach <= ours.eps_ - 1e-9).mean() < 0.9
    assert len(ours.core_sample_indices_) == (reach <= ours.eps_ + 1e-9).sum()
    every_row = DBSCANDistance(0.1, min_samples=1).fit(train)
    assert len(every_row.core_sample_indices_) == 150
    few = DBSCANDistance(min_samples=50).fit(train[:6])  # six rows: all of them
    assert len(few.core_sample_indices_) >= 1


def test_a_single_core_point_measures_the_distance_to_itself():
    star = np.array([[0.0, 0.0], [1, 0], [-1, 0], [0, 1], [0, -1]])
    ours = DBSCANDistance(1.0, min_samples=5, scale=False).fit(star)
    assert ours.core_sample_indices_.tolist() == [0]
    np.testing.assert_allclose(ours.anomaly_score([[0, 0], [0, 1], [3, 4]]), [0, 1, 5], atol=1e-7)


@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("n_components", [1, 3])
def test_pca_is_the_reconstruction_error_of_scikit_learn(table, scale, n_components):
    train, test = table
    a, b = standardised(train, test) if scale else table
    reference = PCA(n_components).fit(a)
    errors = (b - reference.inverse_transform(reference.transform(b))) ** 2
    ours = PCAReconstruction(n_components, scale=scale).fit(train)
    np.testing.assert_allclose(ours.feature_errors(test), errors, rtol=1e-6, atol=1e-12 * errors.max())
    np.testing.assert_allclose(ours.anomaly_score(test), errors.mean(axis=1), rtol=1e-6)
    np.testing.assert_allclose(ours.explained_variance_ratio_, reference.explained_variance_ratio_)
    assert ours.n_components_ == n_components and ours.components_.shape == (n_components, 5)
    back = ours.reconstruct(test)
    unit = train.std(axis=0) if scale else 1
    np.testing.assert_allclose(((test - back) / unit) ** 2, errors, rtol=1e-6, atol=1e-9 * errors.max())


def test_pca_keeps_as_few_components_as_hold_the_share_and_leaves_one_out():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4000, 4)) * [3, 2, 1, 0.1]  # shares of about 0.64, 0.28, 0.07, 0.0007
    for share, expected in [(0.5, 1), (0.9, 2), (None, 2), (0.95, 3), (0.99999, 3)]:
        assert PCAReconstruction(share, scale=False).fit(X).n_components_ == expected
    single = PCAReconstruction().fit(X[:, :1])
    assert single.n_components_ == 0
    np.testing.assert_allclose(single.anomaly_score([[X[:, 0].mean() + 6]]), [36 / X[:, 0].var()])


@pytest.mark.parametrize("scale", [True, False])
def test_mahalanobis_is_the_squared_distance_of_scikit_learn(table, scale):
    train, test = table
    expected = EmpiricalCovariance().fit(train).mahalanobis(test)
    exact = MahalanobisDistance(ridge=0, scale=scale).fit(train)
    np.testing.assert_allclose(exact.anomaly_score(test), expected, rtol=1e-6)
    np.testing.assert_allclose(exact.location_, train.mean(axis=0))
    default = MahalanobisDistance().fit(train)
    np.testing.assert_allclose(default.anomaly_score(test), expected, rtol=1e-3)
    np.testing.assert_allclose(default.feature_errors(test).sum(axis=1), default.anomaly_score(test))
    assert (default.feature_errors(test) >= 0).all()


def test_mahalanobis_of_normal_rows_follows_chi_squared():
    rng = np.random.default_rng(0)
    mix = rng.normal(size=(4, 4))
    ours = MahalanobisDistance().fit(rng.normal(size=(20_000, 4)) @ mix)
    score = ours.anomaly_score(rng.normal(size=(20_000, 4)) @ mix)
    for share in (0.5, 0.9, 0.99):
        above = (score > chi2.ppf(share, 4)).mean()
        assert above == pytest.approx(1 - share, abs=5 * np.sqrt(share * (1 - share) / 20_000))


def test_mahalanobis_blames_the_column_that_was_changed(table):
    train, _ = table
    ours = MahalanobisDistance().fit(train)
    loose = np.linalg.inv(np.corrcoef(train.T)).diagonal()  # how far the others determine a column
    for column in range(5):
        row = train.mean(axis=0)
        row[column] += 5 * train[:, column].std() / np.sqrt(loose[column])
        errors = ours.feature_errors(row[None])[0]
        assert errors.argmax() == column, (column, errors)


def test_robust_mahalanobis_is_scikit_learns_and_outliers_do_not_pull_it():
    rng = np.random.default_rng(0)
    train = rng.normal(size=(300, 3)) * [1, 5, 2]
    train[:30] += [20, 0, 0]
    test = rng.normal(size=(100, 3)) * [1, 5, 2]
    reference = MinCovDet(random_state=0).fit(train)
    ours = MahalanobisDistance(robust=True, ridge=0).fit(train)
    np.testing.assert_allclose(ours.anomaly_score(test), reference.mahalanobis(test), rtol=0.05)
    assert abs(ours.location_[0]) < 0.3 < abs(MahalanobisDistance().fit(train).location_[0])
    collinear = np.column_stack([train, train[:, 0], np.ones(300)])
    both = MahalanobisDistance(robust=True).fit(collinear)
    inside = np.column_stack([test, test[:, 0], np.ones(100)])
    np.testing.assert_allclose(both.anomaly_score(inside), ours.anomaly_score(test), rtol=0.05)
    assert np.isfinite(MahalanobisDistance(robust=True).fit(np.ones((9, 2))).anomaly_score(test[:, :2])).all()


# The synthetic set of the imbalanced lab


def test_figures_on_the_imbalanced_synthetic_set():
    X, y = make_classification(
        n_samples=100_000,
        n_features=32,
        n_informative=32,
        n_redundant=0,
        n_repeated=0,
        n_classes=2,
        n_clusters_per_class=1,
        weights=[0.995, 0.005],
        class_sep=0.5,
        random_state=0,
    )
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=42)
    normal = X_train[y_train == 0]
    expected = {
        MahalanobisDistance(): (0.750, 0.520),
        PCAReconstruction(n_components=28): (0.750, 0.508),
        IsolationForest(random_state=0): (0.526, 0.010),
    }
    for detector, (area, precision) in expected.items():
        score = detector.fit(normal).anomaly_score(X_test)
        assert roc_auc_score(y_test, score) == pytest.approx(area, abs=0.001), detector
        assert average_precision_score(y_test, score) == pytest.approx(precision, abs=0.001), detector


# Awkward and bad input


@pytest.mark.parametrize("name", EVERY)
def test_constant_and_collinear_columns(name):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 2))
    train = np.column_stack([x, np.full(60, 7.0), x[:, 0] * 1000, np.zeros(60)])
    detector = baselines.every()[name].fit(train)
    assert np.isfinite(detector.anomaly_score(train)).all()
    if name not in ("Isolation Forest", "PCA reconstruction"):  # no cut, and maybe no component, looks there
        usual = detector.anomaly_score(train[:1])
        moved = train[:1] + [[0, 0, 50, 0, 0]]
        assert detector.anomaly_score(moved) > usual  # leaving a constant column is seen


def test_leaving_the_space_of_the_training_rows_is_seen_with_a_ridge_and_ignored_without():
    x = np.random.default_rng(0).normal(size=(100, 1))
    train = np.column_stack([x, x])
    off = [[0.5, -0.5]]
    assert MahalanobisDistance().fit(train).predict(off) == [-1]
    without = MahalanobisDistance(ridge=0).fit(train)
    np.testing.assert_allclose(without.anomaly_score(off), without.anomaly_score([[0, 0]]), atol=1e-9)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("shape", [(2, 3), (10, 3), (10, 30), (25, 1)])
def test_few_rows_and_few_columns_are_no_crash(name, shape):
    rng = np.random.default_rng(0)
    detector = baselines.every()[name].fit(rng.normal(size=shape))
    assert np.isfinite(detector.anomaly_score(rng.normal(size=(4, shape[1])))).all()
    assert np.isfinite(detector.threshold_)


@settings(max_examples=10, deadline=None)
@pytest.mark.filterwarnings("ignore:Duplicate values")
@pytest.mark.parametrize("name", [n for n in EVERY if n != "Isolation Forest"])
@given(
    rows=st.integers(1, 3).flatmap(
        lambda d: st.lists(st.lists(st.integers(-2, 2), min_size=d, max_size=d), min_size=2, max_size=12)
    )
)
def test_any_small_table_gives_finite_scores_and_consistent_predictions(name, rows):
    X = np.array(rows) / 3
    detector = baselines.every()[name].fit(X)
    score = detector.anomaly_score(X)
    assert np.isfinite(score).all()
    np.testing.assert_array_equal(detector.predict(X) == -1, detector.decision_function(X) < 0)
    assert (score > detector.threshold_).mean() <= 0.5


@settings(max_examples=10, deadline=None)
@pytest.mark.parametrize("name", EVERY)
@given(
    X=st.lists(
        st.lists(st.one_of(st.floats(width=32), st.none(), st.text(max_size=2)), min_size=2, max_size=2),
        max_size=4,
    ),
    bad=st.sampled_from([np.nan, np.inf, -np.inf, "x", None]),
)
def test_bad_rows_raise_a_value_error(name, X, bad):
    with pytest.raises(ValueError):
        baselines.every()[name].fit([*X, [1.0, bad]])
    fitted = baselines.every()[name].fit([[0.0, 1.0], [1.0, 0.0], [0.5, 2.0]])
    with pytest.raises(ValueError):
        fitted.anomaly_score([[1.0, bad]])


@pytest.mark.parametrize(
    ("detector", "words"),
    [
        (
            KNNDistance(contamination=0),
            "contamination must be a finite number above 0 and at most 0.5; found 0",
        ),
        (KNNDistance(contamination="auto"), "contamination must be a finite number above 0.*found 'auto'"),
        (KNNDistance(0), "n_neighbors must be a whole number"),
        (KNNDistance(2.5), "n_neighbors must be a whole number"),
        (KNNDistance(aggregate="median"), "aggregate must be 'mean' or 'kth'"),
        (LOF(True), "n_neighbors must be a whole number"),
        (DBSCANDistance(min_samples=0), "min_samples must be"),
        (DBSCANDistance(-1), "eps must be a finite number above 0; found -1"),
        (DBSCANDistance(1e-9), "eps=1e-09 leaves no core point.*Raise eps above"),
        (OneClassSVM(nu=2), "nu"),
        (IsolationForest(0), "n_estimators"),
        (PCAReconstruction(5), "n_components=5 does not fit X of 20 sample.*5 feature.*from 1 to 4"),
        (PCAReconstruction(1.0), "n_components=1.0 does not fit"),
        (PCAReconstruction("mle"), "n_components='mle' does not fit"),
        (PCAReconstruction(True), "n_components=True does not fit"),
        (MahalanobisDistance(ridge=-1), "ridge must be a finite number at least 0; found -1"),
    ],
)
def test_a_parameter_out_of_range_is_named(detector, words):
    X = np.random.default_rng(0).normal(size=(20, 5))
    with pytest.raises(ValueError, match=words):
        detector.fit(X)


def test_other_errors_say_what_to_do():
    X = np.random.default_rng(0).normal(size=(9, 5))
    with pytest.raises(ValueError, match="robust=True needs at least 10 rows.*found 9"):
        MahalanobisDistance(robust=True).fit(X)
    with pytest.raises(ValueError, match="cannot be kept of 1 feature"):
        PCAReconstruction(1).fit(X[:, :1])
    with pytest.raises(ValueError, match="minimum of 2 is required"):
        KNNDistance().fit(X[:1])
    with pytest.raises(ValueError, match="X has 4 features, but KNNDistance is expecting 5"):
        KNNDistance().fit(X).anomaly_score(X[:, :4])


# The module


def test_baselines_and_evaluation_do_not_import_tensorflow():
    code = (
        "import sys; import aecourse.baselines as b, aecourse.evaluation as e\n"
        "detector = b.strong()['Mahalanobis'].fit([[0., 1.], [1., 0.], [2., 2.]])\n"
        "score = detector.anomaly_score([[1., 1.], [9., 0.]])\n"
        "assert e.auroc([0, 1], score) == 1.0\n"
        "print(sorted({'tensorflow', 'keras', 'torch', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(("module", "at_least"), [(baselines, 25), (scoring, 10)])
def test_the_examples_in_the_docstrings_run(module, at_least):
    outcome = doctest.testmod(module)
    assert outcome.attempted > at_least and outcome.failed == 0


def test_the_shared_scoring_methods_need_an_anomaly_score():
    with pytest.raises(NotImplementedError, match="Bare must define anomaly_score"):
        type("Bare", (scoring.AnomalyScoreMixin,), {})().predict([[0.0]])

"""The adapter for PyOD, held to what PyOD's own tests ask of each of its detectors.

PyOD needs PyTorch, so it is not in the lock, and these tests are skipped where it is not installed;
`make test-pyod` fails there instead.
"""

import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import roc_auc_score

from aecourse import AutoencoderDetector


def test_without_pyod_the_adapter_says_what_to_install():
    program = (
        "import sys; sys.modules['pyod'] = None\n"
        "import aecourse.detector.pyod\n"
        "try:\n    from aecourse.detector.pyod import PyODDetector\n"
        "except ImportError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "pip install pyod" in done.stdout


@pytest.fixture(scope="module")
def data():
    generate = pytest.importorskip("pyod.utils.data").generate_data
    return generate(n_train=200, n_test=100, n_features=3, contamination=0.1, random_state=42)


@pytest.fixture(scope="module")
def made(data):
    from aecourse.detector.pyod import PyODDetector

    return PyODDetector(contamination=0.1, detector=AutoencoderDetector(epochs=2, random_state=0)).fit(
        data[0]
    )


def test_attributes_are_set_and_labels_follow_the_contamination(made, data):
    assert len(made.decision_scores_) == len(made.labels_) == len(data[0])
    assert made.labels_.sum() == 20 and ((made.decision_scores_ > made.threshold_) == made.labels_).all()
    assert made._mu == made.decision_scores_.mean() and made._sigma == made.decision_scores_.std()


def test_scores_are_those_of_the_detector_and_tell_anomalies(made, data):
    _, test, _, y = data
    score = made.decision_function(test)
    plain = AutoencoderDetector(epochs=2, random_state=0).fit(data[0])
    np.testing.assert_array_equal(score, plain.anomaly_score(test))
    assert roc_auc_score(y, score) > 0.8
    np.testing.assert_array_equal(made.predict(test), score > made.threshold_)


@pytest.mark.parametrize("method", ["linear", "unify"])
def test_probabilities_and_confidence_are_shares(made, data, method):
    probabilities, confidence = made.predict_proba(data[1], method=method, return_confidence=True)
    assert probabilities.shape == (100, 2) and confidence.shape == (100,)
    assert ((0 <= probabilities) & (probabilities <= 1)).all() and (
        (0 <= confidence) & (confidence <= 1)
    ).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    with pytest.raises(ValueError):
        made.predict_proba(data[1], method="something")


def test_ranks_and_rejection(made, data):
    _, test, _, y = data
    ranks = made._predict_rank(test)
    assert (ranks <= len(data[0])).all() and (ranks >= 0).all()
    assert (
        np.argsort(made.decision_function(test))[-5:]
        == np.argsort(ranks + 1e-9 * made.decision_function(test))[-5:]
    ).all()
    normalised = made._predict_rank(test, normalized=True)
    assert ((0 <= normalised) & (normalised <= 1.01)).all()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert set(made.predict_with_rejection(test)) <= {-2, 0, 1}


def test_fit_predict_and_its_score(made, data):
    train, _, y_train, _ = data
    again = clone(made)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        assert (again.fit_predict(train) == made.labels_).all()
        assert again.fit_predict_score(train, y_train) > 0.8
        with pytest.raises(NotImplementedError):
            again.fit_predict_score(train, y_train, scoring="something")


@pytest.mark.parametrize("contamination", [0, 0.6, -0.1])
def test_a_contamination_out_of_range_is_refused(made, contamination):
    with pytest.raises(ValueError, match="contamination"):
        type(made)(contamination=contamination)


def test_it_is_cloned_and_pickled(made, data):
    copy = clone(made.set_params(contamination=0.1))
    assert not hasattr(copy, "detector_") and copy.detector is not made.detector
    same = pickle.loads(pickle.dumps(made))
    np.testing.assert_array_equal(same.decision_function(data[1]), made.decision_function(data[1]))
    assert "PyODDetector" in repr(made)


def test_scikit_learns_checks_that_pyods_own_detectors_pass(made):
    """PyOD's detectors do not pass all of them: their labels are 0 and 1, scikit-learn's are 1 and -1."""
    from pyod.models.knn import KNN
    from sklearn.utils.estimator_checks import check_estimator

    def failed(estimator):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            done = check_estimator(estimator, on_fail=None)
        return {each["check_name"] for each in done if each["status"] == "failed"}

    ours = failed(type(made)(detector=AutoencoderDetector(n_members=1, epochs=1, hidden=4)))
    print("failed:", sorted(ours))
    assert len(ours) < 10 and ours <= failed(KNN())

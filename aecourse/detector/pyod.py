"""`AutoencoderDetector` among the detectors of PyOD; PyOD is needed only by those who use it.

The class is made when it is first asked for: ``from aecourse.detector.pyod import PyODDetector``.
"""

from typing import Any

from aecourse.detector.estimator import AutoencoderDetector


def __getattr__(name: str) -> Any:
    if name != "PyODDetector":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    made = globals()["PyODDetector"] = _make()
    return made


def _make() -> type:
    """Return the class, a subclass of PyOD's base class."""
    try:
        from pyod.models.base import BaseDetector
    except ImportError as error:
        raise ImportError("PyODDetector needs PyOD: 'pip install pyod'.") from error
    from numpy.typing import ArrayLike, NDArray
    from sklearn.base import clone
    from sklearn.utils.validation import check_is_fitted

    class PyODDetector(BaseDetector):
        """`AutoencoderDetector` with PyOD's interface: 1 = anomaly, and a threshold by ``contamination``.

        Parameters
        ----------
        contamination : float
            Share of anomalies among the training rows, in (0, 0.5]. As everywhere in PyOD it decides on the
            threshold alone; ``AutoencoderDetector(trim=...)`` leaves suspicious rows out of the training.
        detector : AutoencoderDetector, optional
            The detector, not fitted; by default one at its defaults.

        Attributes
        ----------
        detector_ : AutoencoderDetector
            The fitted detector.
        decision_scores_, threshold_, labels_
            As in all of PyOD.
        """

        def __init__(self, contamination: float = 0.1, detector: AutoencoderDetector | None = None) -> None:
            super().__init__(contamination=contamination)
            self.detector = detector

        def fit(self, X: ArrayLike, y: object = None) -> "PyODDetector":
            """Fit the detector; labels are not used."""
            self._set_n_classes(y)
            self.detector_ = clone(self.detector or AutoencoderDetector()).fit(X)
            self.decision_scores_ = self.detector_.anomaly_score(X)
            self._process_decision_scores()
            return self

        def decision_function(self, X: ArrayLike) -> NDArray:
            """Return the anomaly score of each row; in PyOD it is high for anomalies."""
            check_is_fitted(self, ["decision_scores_", "threshold_", "labels_"])
            return self.detector_.anomaly_score(X)

    PyODDetector.__qualname__ = "PyODDetector"  # so that fitted detectors can be pickled
    return PyODDetector

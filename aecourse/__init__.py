"""aecourse: the tested package under a course on anomaly detection with autoencoders.

Conventions, kept everywhere:

- **1 = anomaly**, the positive class; 0 = normal. An *anomaly score* is high for
  anomalies, and every function that returns one says so in its name. scikit-learn's own
  methods (``score_samples``, ``decision_function``, ``predict``) keep scikit-learn's
  orientation: high = normal, −1 = outlier.
- Models, scalers and thresholds see **normal rows only**. The threshold is chosen on
  held-out (validation) normals under a stated false-alarm budget. The test set is used
  once, for the report.
- Randomness is a ``random_state`` argument. No function touches a global seed, and fitting
  the same object twice gives equal scores.
- Bad input raises a ``ValueError`` (or an ``OSError`` for a file) that names the argument,
  what was found and what to do.

The modules, in the order that data flows: ``datasets`` → ``builders``, ``training`` →
``detector`` → ``thresholds`` → ``evaluation`` → ``plots``, with ``baselines`` beside the
detector and ``exercises`` behind the lessons' self-checks.

TensorFlow takes seconds to import, so only the modules that need it load it, and only when
they are used.
"""

import importlib
import os

from aecourse._support import moved as _moved

__version__ = "0.1.0"

# TensorFlow prints start-up notices about the processor on standard error. They say nothing
# about the lesson, and nbval would compare them. Set the variable yourself to see them.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# Modules have moved; their old names go on working.
_moved.install()

_MODULES = (
    "baselines",
    "builders",
    "conformal",
    "datasets",
    "detect",
    "detector",
    "downloads",
    "evaluation",
    "exercises",
    "explorer",
    "homework",
    "plots",
    "progress",
    "scaling",
    "tables",
    "tabular",
    "thresholds",
    "training",
    "windows",
)

__all__ = ["AutoencoderDetector", "__version__", *_MODULES]


def __getattr__(name):
    """Import a module, or the detector, the first time it is asked for."""
    if name == "AutoencoderDetector":
        from aecourse.detector import AutoencoderDetector

        return AutoencoderDetector
    if name in _MODULES:
        return importlib.import_module(f"aecourse.{name}")
    raise AttributeError(f"module 'aecourse' has no attribute {name!r}")


def __dir__():
    return sorted(__all__)

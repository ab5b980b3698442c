"""Training of small Keras models, a whole epoch at a time in one compiled function."""

from aecourse.training.fitting import fit, predict

__all__ = ["fit", "predict"]

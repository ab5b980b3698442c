"""Keras on TensorFlow: the one place where the package imports the two.

A user who sets ``KERAS_BACKEND`` keeps that choice. TensorFlow prints a few notices about the processor
and the graphics card while it is imported, whatever ``TF_CPP_MIN_LOG_LEVEL`` says.
"""

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras  # noqa: E402
import tensorflow as tf  # noqa: E402

__all__ = ["keras", "tf"]

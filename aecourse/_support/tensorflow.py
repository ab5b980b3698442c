"""Keras on TensorFlow: the one place where the package imports the two.

A user who sets ``KERAS_BACKEND`` keeps that choice. TensorFlow prints a few notices about the processor
and the graphics card while it is imported, whatever ``TF_CPP_MIN_LOG_LEVEL`` says.
"""

import gc
import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

# An import makes hundreds of thousands of objects that stay. Collections meanwhile find nothing and take a
# quarter of its time, so they wait until it is done.
_collecting = gc.isenabled()
gc.disable()
try:
    import keras
    import tensorflow as tf
finally:
    if _collecting:
        gc.enable()

__all__ = ["keras", "tf"]

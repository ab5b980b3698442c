"""Import TensorFlow and Keras once, quietly.

TensorFlow writes notices about the processor and about missing GPU drivers while it is
imported, before its own ``TF_CPP_MIN_LOG_LEVEL`` takes effect. In a notebook they would stand
in the stored output of the first cell, and differ from machine to machine. Modules that need
TensorFlow import it from here; what it says after the import is not hidden.
"""

import contextlib
import os


@contextlib.contextmanager
def _without_stderr():
    """Send file descriptor 2 to nowhere: the notices come from C++, not from Python."""
    null = os.open(os.devnull, os.O_WRONLY)
    saved = os.dup(2)
    try:
        os.dup2(null, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(null)


os.environ.setdefault("KERAS_BACKEND", "tensorflow")
with _without_stderr():
    import tensorflow as tf
    import keras

__all__ = ["keras", "tf"]

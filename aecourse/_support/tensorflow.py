"""Import TensorFlow and Keras once, quietly.

TensorFlow writes notices about the processor and about missing GPU drivers while it is
imported, before its own ``TF_CPP_MIN_LOG_LEVEL`` takes effect. In a notebook they would stand
in the stored output of the first cell, and differ from machine to machine. Modules that need
TensorFlow import it from here; what it says after the import is not hidden.
"""

import contextlib
import gc
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


@contextlib.contextmanager
def _left_out_of_collection():
    """Leave what is made here out of every search for garbage: modules stay to the end of the process.

    During the import and at the process's end such a search takes a third of the time of both.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()


os.environ.setdefault("KERAS_BACKEND", "tensorflow")
with _without_stderr(), _left_out_of_collection():
    import keras
    import tensorflow as tf

__all__ = ["keras", "tf"]

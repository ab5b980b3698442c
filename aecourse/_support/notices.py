"""TensorFlow for a command of ours, without the notices that it prints from C++ while it is imported.

A library must leave its user's streams alone; a command is a process of its own, and standard error is
for its own sentences. ``TF_CPP_MIN_LOG_LEVEL`` does not silence these notices.
"""

import importlib
import os
import sys
import tempfile


def import_tensorflow_quietly() -> None:
    """Import TensorFlow; what it prints meanwhile is shown only if the import fails."""
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as printed:
        os.dup2(printed.fileno(), 2)
        try:
            importlib.import_module("aecourse._support.tensorflow")
        except BaseException:
            printed.seek(0)
            os.write(stderr, printed.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)

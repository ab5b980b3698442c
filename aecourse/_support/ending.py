"""How a command ends when the user or the system asks it to: with one sentence and the usual exit status.

While modules are imported, an exception may be swallowed by the one that is being imported, or come out of it
as another error. Nothing was begun then, so the command ends at once. Later it ends by an exception, so that
temporary files are removed.
"""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

# The signals that ask a process to end, and what Python does about them of its own accord.
_USUAL = {
    getattr(signal, name): usual
    for name, usual in (
        ("SIGINT", signal.default_int_handler),
        ("SIGTERM", signal.SIG_DFL),
        ("SIGHUP", signal.SIG_DFL),
    )
    if hasattr(signal, name)
}
_asked: list[int] = []  # the signals that came


class Ended(BaseException):
    """The user or the system asked this process to end."""


def in_words(asked: int) -> str:
    """Say which signal it was."""
    return "interrupted" if asked == signal.SIGINT else f"ended by {signal.Signals(asked).name}"


def status(asked: int) -> int:
    """Return the exit status, as shells count it."""
    return 128 + asked


def asked() -> int | None:
    """Return the signal that asked to end, whatever became of the exception that it raised."""
    return _asked[0] if _asked else None


def at_once() -> None:
    """From now on end without an exception: for the time in which a command imports what it needs."""
    stderr = os.dup(2)  # which may point elsewhere while TensorFlow is imported

    def end(number: int, _: FrameType | None) -> None:
        os.write(stderr, f"aecourse: {in_words(number)}; nothing was begun.\n".encode())
        os._exit(status(number))

    for each, usual in _USUAL.items():
        if signal.getsignal(each) == usual:  # what a caller such as nohup ignores stays ignored
            signal.signal(each, end)
            _at_once.append(each)


_at_once: list[int] = []


def as_usual() -> None:
    """Undo `at_once`."""
    while _at_once:
        each = _at_once.pop()
        signal.signal(each, _USUAL[each])


@contextmanager
def in_order() -> Iterator[None]:
    """End by an exception, so that temporary files are removed, and remember which signal it was."""

    def end(number: int, _: FrameType | None) -> None:
        for each in signals:
            signal.signal(each, signal.SIG_IGN)  # a second one must not stop the tidying
        _asked.append(number)
        raise Ended(number)

    def swallowed(unraisable: "sys.UnraisableHookArgs") -> None:
        if isinstance(unraisable.exc_value, Ended):  # raised where nobody catches it: ask once more
            number = _asked.pop()
            signal.signal(number, end)
            signal.raise_signal(number)
        else:
            sys.__unraisablehook__(unraisable)

    as_usual()
    _asked.clear()
    here = threading.current_thread() is threading.main_thread()
    signals = [each for each, usual in _USUAL.items() if here and signal.getsignal(each) == usual]
    before, sys.unraisablehook = sys.unraisablehook, swallowed
    for each in signals:
        signal.signal(each, end)
    try:
        yield
    finally:
        sys.unraisablehook = before
        for each in signals:
            signal.signal(each, _USUAL[each])

"""Inside the sandbox: answer a test's questions about what the student's cells define.

A test stands below a cell, and what it asks is answered in the state after that cell, although all cells
have run by then: names mean what they meant there, and lists, arrays and fitted models hold what they held.
"""

import contextlib
import copy
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from aecourse.grading.sandbox.messages import Encoder, Header, decode


class OutOfTime(BaseException):
    """The cell or the call took longer than its share of the time."""


def error_header(problem: BaseException) -> Header:
    """Return an answer that names the exception, and the first of Python's own among its bases."""
    builtin = next(
        (kind.__name__ for kind in type(problem).__mro__ if kind.__module__ == "builtins"), "Exception"
    )
    return {"error": builtin, "name": type(problem).__name__[:80], "late": isinstance(problem, OutOfTime)}


# A larger array is not copied for each test.
LARGE = 64 * 2**20


class State:
    """What every name stood for at one place of the notebook, with copies of what can be copied.

    Functions and modules are not copied. A function looks its names up in ``names``, so :meth:`restore`
    changes what it finds. A Keras model is kept with a copy of its weights.

    Parameters
    ----------
    names : dict
    """

    def __init__(self, names: Mapping[str, Any]) -> None:
        self._weights: list[tuple[Any, Any]] = []
        copied: dict[int, Any] = {}  # shared, so that two names of one object remain two names of one
        with self._models_by_their_weights():
            self._names = {name: self._copy(name, value, copied) for name, value in names.items()}

    @staticmethod
    def _copy(name: str, value: Any, copied: dict[int, Any]) -> Any:
        if name.startswith("_") or name in ("In", "Out"):  # IPython's own
            return value
        try:
            return value if getattr(value, "nbytes", 0) > LARGE else copy.deepcopy(value, copied)
        except Exception:  # a module, a generator, an open file
            return value

    @contextlib.contextmanager
    def _models_by_their_weights(self) -> Iterator[None]:
        """Within this, a copy of a Keras model is the model itself, and its weights are kept."""
        model = getattr(sys.modules.get("keras"), "Model", None)
        if model is None:
            yield
            return

        def keep(instance: Any, copied: dict[int, Any]) -> Any:
            self._weights.append((instance, instance.get_weights()))
            return instance

        own = vars(model).get("__deepcopy__")
        model.__deepcopy__ = keep
        try:
            yield
        finally:
            if own is None:
                del model.__deepcopy__
            else:
                model.__deepcopy__ = own

    def restore(self, names: dict[str, Any]) -> None:
        """Let the names stand for what they stood for."""
        names.clear()
        names.update(self._names)
        for model, weights in self._weights:
            model.set_weights(weights)

    def __getitem__(self, name: str) -> Any:
        return self._names[name]


class Answerer:
    """The student's names at the place of each test, and the objects that a test was given.

    Parameters
    ----------
    names : dict
        The names of the student's cells, which their functions look up when they are called.
    """

    def __init__(self, names: dict[str, Any]) -> None:
        self._names = names
        self._states: dict[str, State] = {}
        self._current: str | None = None
        self._kept: list[Any] = []

    def snapshot(self, point: str) -> None:
        """Remember what every name stands for now, for the test at this point."""
        self._states[point] = State(self._names)

    def keep(self, value: Any) -> int:
        """Keep an object for the test; return its number."""
        self._kept.append(value)
        return len(self._kept) - 1

    def _object(self, number: int, kinds: list[str]) -> Any:
        return self._kept[number]

    def answer(self, header: Header, body: bytes) -> Any:
        """Do what a test asks for; return the value."""
        op = header["op"]
        if op == "fetch":
            state = self._states[header["point"]]
            if header["point"] != self._current:
                self._current = header["point"]
                state.restore(self._names)
            return state[header["name"]]
        target = self._kept[header["handle"]]
        if op == "getattr":
            return getattr(target, header["name"])
        if op == "list":
            return list(target)
        if op == "len":
            return len(target)
        arguments, named = decode(header["arguments"], body, self._object)
        if op == "call":
            return target(*arguments, **named)
        if op == "getitem":
            return target[arguments[0]]
        raise ValueError(f"unknown question {op!r}")

    def reply(self, header: Mapping[str, Any], body: bytes) -> tuple[Header, bytes]:
        """Do what a test asks for; return the value as a message.

        Raises
        ------
        BaseException
            Whatever the student's code raises, or ``ValueError`` for a value too large to pass on.
        """
        encoder = Encoder(self.keep)
        tree = encoder.encode(self.answer(dict(header), body))
        return {"value": tree}, encoder.body

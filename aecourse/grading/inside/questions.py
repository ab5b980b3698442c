"""Inside the sandbox: answer a test's questions about what the student's cells define."""

from collections.abc import Mapping
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


class Answerer:
    """The student's names at the place of each test, and the objects that a test was given.

    Parameters
    ----------
    names : dict
        The names of the student's cells, which their functions look up when they are called.
    """

    def __init__(self, names: dict[str, Any]) -> None:
        self._names = names
        self._snapshots: dict[str, dict[str, Any]] = {}
        self._kept: list[Any] = []

    def snapshot(self, point: str) -> None:
        """Remember what every name stands for now, for the test at this point."""
        self._snapshots[point] = dict(self._names)

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
            return self._snapshots[header["point"]][header["name"]]
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

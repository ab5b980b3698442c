"""Inside a second sandbox: run an assignment's tests, on data that a student's process returns.

This process never loads the student's code. A test's names are its own, those of the
assignment's given cells, and, for the student's names, plain values or :class:`Remote` objects,
whose calls the grader passes on to the student's process.
"""

import ast
import builtins
import contextlib
import io
import math
import signal
import socket
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NoReturn

import numpy as np

from aecourse.grading.assignment import hidden_line_numbers
from aecourse.grading.record import Outcome
from aecourse.grading.sandbox.messages import BlockingChannel, Encoder, Header, decode


class RemoteFailure(Exception):
    """The student's code raised something that is not one of Python's own exceptions."""


class Unanswered(BaseException):
    """The student's process has ended or is out of time, so this test cannot be finished."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome)
        self.outcome = outcome


class Remote:
    """Something in the student's process: it can be called, indexed and asked for attributes."""

    def __init__(self, link: "Link", number: int, kinds: list[str]) -> None:
        object.__setattr__(self, "_remote", (link, number))
        #: For ``homework.forms.kinds``.
        object.__setattr__(self, "kinds_told", kinds)

    def __getattr__(self, name: str) -> Any:
        link, number = self._remote
        try:
            return link.ask({"op": "getattr", "handle": number, "name": name})
        except Exception as error:
            raise AttributeError("the student's object has no such attribute") from error

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise TypeError("a test cannot change the student's object")

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return _operate(self, "call", arguments, named)

    def __getitem__(self, key: Any) -> Any:
        return _operate(self, "getitem", (key,))

    def __len__(self) -> int:
        length = _operate(self, "len")
        return length if type(length) is int and 0 <= length < 2**31 else 0

    def __iter__(self) -> Iterator[Any]:
        items = _operate(self, "list")
        return iter(items if isinstance(items, list) else [])

    def __bool__(self) -> NoReturn:
        raise TypeError("an object of the student's is neither true nor false to a test")

    def __repr__(self) -> str:
        return "<an object of the student's>"


def _operate(remote: Remote, op: str, arguments: tuple = (), named: Mapping[str, Any] | None = None) -> Any:
    """Ask for one operation on an object; not a method, which would hide an attribute of that name."""
    link, number = remote._remote
    return link.ask({"op": op, "handle": number}, arguments, named or {})


def _number_of(value: Any) -> int:
    """Return the number under which the student's process knows a value."""
    if not isinstance(value, Remote):
        raise TypeError(f"a test passed a {type(value).__name__} to the student's code; pass plain data")
    return value._remote[1]


def _exception(name: Any) -> Exception:
    """Return Python's own exception of that name; never one that a test could mistake for its own."""
    kind = getattr(builtins, name, None) if isinstance(name, str) else None
    words = "raised by the student's code"
    error: Exception = RemoteFailure(words)
    if (
        isinstance(kind, type)
        and issubclass(kind, Exception)
        and not issubclass(kind, (AssertionError, StopIteration, UnicodeError))
    ):
        with contextlib.suppress(TypeError):
            error = kind(words)
    error.from_student = True  # type: ignore[attr-defined]
    return error


class Link:
    """Questions to the student's process, which the grader passes on."""

    def __init__(self, channel: BlockingChannel) -> None:
        self._channel = channel

    def ask(self, header: Header, arguments: tuple = (), named: Mapping[str, Any] | None = None) -> Any:
        """Send a question with the arguments of a call, if it is one; return the answer.

        Raises
        ------
        Unanswered
            If the student's process gives none.
        Exception
            If the student's code raised it.
        """
        encoder = Encoder(_number_of)
        if named is not None:
            header = {**header, "arguments": encoder.encode((arguments, dict(named)))}
        self._channel.send({"question": header}, encoder.body)
        answer, body = self._channel.receive()
        if "unanswered" in answer:
            raise Unanswered(Outcome(answer["unanswered"]))
        if "error" in answer:
            raise _exception(answer["error"])
        return decode(answer.get("value"), body, lambda number, kinds: Remote(self, number, kinds))


def _names_needed(tree: ast.AST, students: set[str]) -> list[str]:
    """Return the names that a test reads and the student is to define; it never asks for another."""
    read = {
        node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }
    return sorted(read & students)


def _constant_message(tree: ast.AST, line: int) -> str | None:
    """Return the literal message of the assert on a line, or None."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert) and node.lineno <= line <= (node.end_lineno or node.lineno):
            if isinstance(node.msg, ast.Constant) and isinstance(node.msg.value, str):
                return node.msg.value
    return None


def _line_of(error: BaseException, file_name: str) -> int:
    """Return the first line of a file that an exception passed through, or 0."""
    step = error.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename == file_name:
            return step.tb_lineno
        step = step.tb_next
    return 0


def _result(outcome: Outcome, earned: float = 0.0, **more: Any) -> dict[str, Any]:
    return {"outcome": outcome, "earned": earned, **more}


def _number(value: Any, most: float) -> float:
    """Return the points that a value gives, which it does only as a plain number.

    A truth value, an array, nothing or an object of the student's shows that the answer was not a number,
    and such an answer must not earn all points.
    """
    is_number = type(value) in (int, float)
    is_scalar = isinstance(value, (np.floating, np.integer)) and not isinstance(value, np.timedelta64)
    if not is_number and not is_scalar:
        return 0.0
    return min(max(float(value), 0.0), most) if math.isfinite(value) else 0.0


def _earned(value: Any, points: float, parts: Mapping[str, float]) -> dict[str, Any]:
    """Return the result of a test that ran to its last line, which is an expression of this value."""
    more: dict[str, Any] = {}
    if parts:
        given = value if type(value) is dict else {}
        more["parts"] = {name: _number(given.get(name), worth) for name, worth in parts.items()}
        earned = min(sum(more["parts"].values()), points)
    else:
        earned = _number(value, points)
    outcome = Outcome.PASSED if earned == points else Outcome.PARTLY if earned else Outcome.FAILED
    return _result(outcome, earned, **more)


class Scorer:
    """The names of the given cells, and the tests that run with them.

    Parameters
    ----------
    channel : BlockingChannel
    students : iterable of str
        The names that the student is to define.
    """

    def __init__(self, channel: BlockingChannel, students: Iterable[str]) -> None:
        self._link = Link(channel)
        # Whose submission it is, the grader says, not the student.
        self._students = set(students) - {"student_id"}
        self.names: dict[str, Any] = {"__name__": "__scorer__"}
        self._fetched: list[str] = []

    def given(self, sources: Iterable[str], values: Mapping[str, Any]) -> None:
        """Run the assignment's own cells."""
        self.names.update(values)
        for source in sources:
            exec(compile(source, "<given>", "exec"), self.names)

    def test(
        self,
        source: str,
        point: str,
        points: float,
        facts: Mapping[str, Any],
        parts: Mapping[str, float] | None = None,
    ) -> dict[str, Any]:
        """Run one test; return its result, which holds none of the test's text but its messages.

        Parameters
        ----------
        source : str
        point : str
            Where the student's names are to be taken from: the test's own place in the notebook.
        points : float
        facts : dict
            More names for the test.
        parts : dict of str to float, optional
            The points of its named parts, if it has any.

        Returns
        -------
        dict
            ``outcome`` and ``earned``; ``parts``, what each part earned, if the test came to its last line;
            for a failed test ``line`` too, and ``raised``, ``undefined``, ``key`` and ``visible`` as far as
            they apply.
        """
        self.names.update(facts)
        tree = ast.parse(source)
        try:
            self._fetch(_names_needed(tree, self._students), point)
            return self._run(tree, points, parts or {})
        except Unanswered as end:
            return _result(end.outcome)
        except Exception as error:
            return self._failure(error, source)

    def _fetch(self, needed: list[str], point: str) -> None:
        """Get the student's names as they were at a point."""
        for name in self._fetched + needed:  # one of an earlier test may stand for something else by now
            self.names.pop(name, None)
        self._fetched = needed
        for name in needed:
            # A name that is undefined, or does not arrive, is a NameError in the test, as in a notebook.
            with contextlib.suppress(Exception):
                self.names[name] = self._link.ask({"op": "fetch", "point": point, "name": name})

    def _run(self, tree: ast.Module, points: float, parts: Mapping[str, float]) -> dict[str, Any]:
        """Run a test; if its last line is an expression, that is what it earns."""
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(compile(tree, "<test>", "exec"), self.names)
            if not isinstance(last, ast.Expr):
                return _result(Outcome.PASSED, points)
            value = eval(compile(ast.Expression(last.value), "<test>", "eval"), self.names)
            # Written out in the test: a dict that the student returned must not say what its parts earn.
            if parts and not isinstance(last.value, (ast.Dict, ast.DictComp)):
                value = None
            return _earned(value, points, parts)

    def _failure(self, error: Exception, source: str) -> dict[str, Any]:
        line = _line_of(error, "<test>")
        result = _result(Outcome.FAILED, line=line)
        if getattr(error, "from_student", False):
            result["raised"] = type(error).__name__
        elif isinstance(error, NameError):
            result["undefined"] = str(error.name or "") if error.name in self._students else ""
        if type(error) is AssertionError:
            result["key"] = _constant_message(ast.parse(source), line)
            result["visible"] = line not in hidden_line_numbers(source)
        return result


def main(number: int) -> None:
    """Serve the grader over the socket of that number."""
    channel = BlockingChannel(socket.socket(fileno=number))
    sys.stdout = sys.stderr = io.StringIO()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    header, _ = channel.receive()
    scorer = Scorer(channel, header["students"])
    try:
        scorer.given(header["given"], header["values"])
    except Exception as error:
        channel.send({"broken": f"a given cell of the assignment fails: {type(error).__name__}: {error}"})
        return
    channel.send({"ready": True})
    while True:
        try:
            header, _ = channel.receive()
        except EOFError:
            return
        about = {name: header[name] for name in ("source", "point", "points", "facts", "parts")}
        channel.send({"result": scorer.test(**about)})

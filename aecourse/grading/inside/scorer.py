"""Inside a second sandbox: run an assignment's tests, on data that a student's process returns.

This process never loads the student's code. A test's names are its own, those of the
assignment's given cells, and, for the student's names, plain values or :class:`Remote` objects,
whose calls are passed to the student's process by the grader.
"""

import ast
import builtins
import io
import math
import signal
import socket
import sys
import warnings

from aecourse.grading.assignment import hidden_line_numbers
from aecourse.grading.sandbox import messages as wire


class RemoteFailure(Exception):
    """The student's code raised something that is not one of Python's own exceptions."""


class Unanswered(BaseException):
    """The student's process is gone, or out of time: this test cannot be finished."""


class Remote:
    """Something in the student's process: it can be called, indexed and asked for attributes."""

    def __init__(self, link, number, kind):
        object.__setattr__(self, "_remote", (link, number, kind))

    def __getattr__(self, name):
        link, number, _ = self._remote
        try:
            return link.ask({"op": "getattr", "handle": number, "name": name})
        except Unanswered:
            raise
        except Exception as error:
            raise AttributeError("the student's object has no such attribute") from error

    def __setattr__(self, name, value):
        raise TypeError("a test cannot change the student's object")

    def __call__(self, *arguments, **named):
        link, number, _ = self._remote
        return link.ask({"op": "call", "handle": number}, (arguments, named))

    def __getitem__(self, key):
        link, number, _ = self._remote
        return link.ask({"op": "getitem", "handle": number}, ((key,), {}))

    def __len__(self):
        link, number, _ = self._remote
        length = link.ask({"op": "len", "handle": number}, ((), {}))
        return length if type(length) is int and 0 <= length < 2**31 else 0

    def __iter__(self):
        link, number, _ = self._remote
        items = link.ask({"op": "list", "handle": number})
        return iter(items if isinstance(items, list) else [])

    def __bool__(self):
        raise TypeError("an object of the student's is neither true nor false to a test")

    def __repr__(self):
        return "<an object of the student's>"


class Link:
    """Questions to the student's process, passed on by the grader."""

    def __init__(self, channel):
        self._channel = channel

    def ask(self, header, arguments=None):
        encoder = wire.Encoder()
        if arguments is not None:
            encoder = wire.Encoder(self._number)
            header = {**header, "arguments": encoder.encode((tuple(arguments[0]), dict(arguments[1])))}
        self._channel.send({"question": header}, encoder.body)
        answer, body = self._channel.receive()
        if "unanswered" in answer:
            raise Unanswered(answer["unanswered"])
        if "error" in answer:
            raise self._exception(answer["error"])
        return wire.decode(answer.get("value"), body, lambda number, kind: Remote(self, number, kind))

    def _number(self, value):
        if not isinstance(value, Remote):
            raise TypeError(f"a test passed a {type(value).__name__} to the student's code; pass plain data")
        return value._remote[1]

    @staticmethod
    def _exception(name):
        """Return Python's own exception of that name; never one that a test could mistake for its own."""
        kind = getattr(builtins, name, None) if isinstance(name, str) else None
        usable = (
            isinstance(kind, type)
            and issubclass(kind, Exception)
            and not issubclass(kind, (AssertionError, StopIteration, UnicodeError))
        )
        try:
            error = (
                kind("raised by the student's code")
                if usable
                else RemoteFailure("raised by the student's code")
            )
        except TypeError:
            error = RemoteFailure("raised by the student's code")
        error.from_student = True
        return error


def _names_needed(tree, students):
    """Return the names that a test reads and that are the student's to define: no other is ever asked for."""
    read = {
        node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }
    return sorted(read & students)


def _constant_message(tree, line):
    """Return the literal message of the assert on a line, or None."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert) and node.lineno <= line <= (node.end_lineno or node.lineno):
            if isinstance(node.msg, ast.Constant) and isinstance(node.msg.value, str):
                return node.msg.value
    return None


def _line_of(error, file_name):
    line, step = 0, error.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename == file_name:
            line = line or step.tb_lineno
        step = step.tb_next
    return line


class Scorer:
    """The namespace of the given cells, and the tests that run in it."""

    def __init__(self, channel, students):
        self._link = Link(channel)
        # Whose submission it is, the grader says, not the student.
        self._students = set(students) - {"student_id"}
        self.names = {"__name__": "__scorer__"}
        self._fetched = set()

    def given(self, sources, values):
        """Run the assignment's own cells."""
        self.names.update(values)
        for source in sources:
            exec(compile(source, "<given>", "exec"), self.names)

    def test(self, source, point, points, facts):
        """Run one test; return its outcome without a word of its text."""
        self.names.update(facts)
        tree = ast.parse(source)
        for name in self._fetched:  # the student's names may stand for something else by now
            self.names.pop(name, None)
        self._fetched = set(_names_needed(tree, self._students))
        for name in self._fetched:
            self.names.pop(name, None)
            try:
                self.names[name] = self._link.ask({"op": "fetch", "point": point, "name": name})
            except Unanswered as gone:
                return {"outcome": str(gone), "earned": 0.0}
            except (KeyError, wire.Malformed, RemoteFailure, ValueError, TypeError):
                continue  # an undefined name is a NameError in the test, as in a notebook
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                exec(compile(tree, "<test>", "exec"), self.names)
                value = None
                if last is not None:
                    value = eval(compile(ast.Expression(last.value), "<test>", "eval"), self.names)
        except Unanswered as gone:
            return {"outcome": str(gone), "earned": 0.0}
        except Exception as error:
            return self._failure(error, source)
        return self._earned(value, points)

    @staticmethod
    def _earned(value, points):
        number = None
        if (
            type(value) in (int, float)
            or type(value).__module__ == "numpy"
            and getattr(value, "ndim", 1) == 0
        ):
            number = float(value)
        if number is None:
            return {"outcome": "passed", "earned": points}
        earned = min(max(number, 0.0), points) if math.isfinite(number) else 0.0
        outcome = "passed" if earned == points else "partly" if earned else "failed"
        return {"outcome": outcome, "earned": earned}

    def _failure(self, error, source):
        line = _line_of(error, "<test>")
        answer = {"outcome": "failed", "earned": 0.0, "line": line}
        if getattr(error, "from_student", False):
            answer["raised"] = type(error).__name__
        elif isinstance(error, NameError):
            answer["undefined"] = str(error.name or "") if error.name in self._students else ""
        if type(error) is AssertionError:
            message = _constant_message(ast.parse(source), line)
            answer["key"] = message
            answer["visible"] = line not in hidden_line_numbers(source)
        return answer


def main(number):
    """Serve the grader over the socket of that number."""
    channel = wire.Blocking(socket.socket(fileno=number))
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
        channel.send(
            {"result": scorer.test(header["source"], header["point"], header["points"], header["facts"])}
        )

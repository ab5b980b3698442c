"""Answer an assignment's tests in this process, without a sandbox: for our own answers alone.

The tests, the questions they ask and the messages are those of the grader. Only the processes are missing,
so a test takes milliseconds and a sweep can try thousands of answers.
"""

import contextlib
import io
import os
import warnings
from collections.abc import Iterator, Mapping
from typing import Any
from unittest import mock

from aecourse.grading.assignment import Assignment, answered, read
from aecourse.grading.inside.questions import Answerer, error_header
from aecourse.grading.inside.scorer import Scorer
from aecourse.grading.sandbox.messages import Header
from aecourse.grading.steps import RunCell, RunTest, plan
from aecourse.grading.submissions import read_notebook
from aecourse.homework import personal


class _Direct:
    """A channel at whose other end the answers are found at once."""

    def __init__(self) -> None:
        self.answerer: Answerer
        self._answer: tuple[Header, bytes] = {}, b""

    def send(self, header: Header, body: bytes = b"") -> None:
        try:
            self._answer = self.answerer.reply(header["question"], body)
        except Exception as problem:
            self._answer = error_header(problem), b""

    def receive(self) -> tuple[Header, bytes]:
        return self._answer


@contextlib.contextmanager
def _quiet(student: str) -> Iterator[None]:
    with (
        mock.patch.dict(os.environ, {personal.VARIABLE: student}),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        yield


class Sitting:
    """One student's answers to one assignment, run once and then tested as often as wanted.

    Parameters
    ----------
    source : bytes
        The assignment's source notebook.
    student : str
    answers : dict of str to str, optional
        Sources by cell name; the other cells hold the model solution.
    """

    def __init__(self, source: bytes, student: str, answers: Mapping[str, str] | None = None) -> None:
        self.about: Assignment = read(source)
        self.student = student
        self._channel = _Direct()
        self._scorer = Scorer(self._channel, self.about.student_names)  # type: ignore[arg-type]
        self.names: dict[str, Any] = {"__name__": "__main__"}
        self._answerer = Answerer(self.names)
        cells, _ = read_notebook(answered(self.about, answers or {}))
        places = {cell.name: place for place, cell in enumerate(self.about.cells)}
        self.errors = 0
        with _quiet(student):
            for step in plan(self.about, cells, places):
                if isinstance(step, RunTest):
                    self._answerer.snapshot(step.name)
                elif isinstance(step, RunCell):
                    self._run(step.source)
            given = [c.source for c in self.about.cells if c.kind == "given" and c.cell_type == "code"]
            self._scorer.given(given, {"student_id": student})
        self._given = dict(self._scorer.names)

    def _run(self, source: str) -> None:
        try:
            exec(compile(source, "<cell>", "exec"), self.names)
        except Exception:
            self.errors += 1

    def test(self, name: str, changed: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the result of one test.

        Parameters
        ----------
        name : str
            Of the test.
        changed : dict, optional
            Values that stand for those of the student's names.

        Returns
        -------
        dict
            As :meth:`Scorer.test` returns it.
        """
        [part] = [cell for cell in self.about.cells if cell.name == name]
        self._scorer.names = dict(self._given)
        self._channel.answerer = self._answerer
        if changed:
            self._channel.answerer = Answerer({**self.names, **changed})
            self._channel.answerer.snapshot(name)
        facts = {"notebook_errors": self.errors, "notebook_seconds": 1.0}
        with _quiet(self.student):
            return self._scorer.test(part.source, name, part.points, facts, part.parts)

    def results(self) -> dict[str, dict[str, Any]]:
        """Return the results of all tests, by their names."""
        return {cell.name: self.test(cell.name) for cell in self.about.cells if cell.kind == "test"}

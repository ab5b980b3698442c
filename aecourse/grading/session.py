"""Run one submission: its two processes, and the steps that they take.

The student's cells run once, in order, and what they show is recorded then: before any test has
begun, so that nothing of a test can be in it. At the place of each test the student's names are
remembered. Then the tests run, in another process, and ask for values and calls. A process that
dies or does not answer costs the cell or the test that caused it; the rest is run again without it,
under the same deadline.
"""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from aecourse.grading.assignment import Assignment, Cell
from aecourse.grading.record import CellResult, Outcome, PartResult, RunReport
from aecourse.grading.sandbox import fork_server, messages
from aecourse.grading.sandbox.clock import Clock
from aecourse.grading.sandbox.messages import Header
from aecourse.grading.sandbox.process import End, Ended, Limits, Process, Role
from aecourse.grading.steps import RunCell, RunTest, Step

MAX_STARTS = 4
# The share of the assignment's seconds that one cell or one test may take.
SHARE_OF_A_CELL = 0.4
# Seconds that a process gets to report that its share is over, before it is ended.
GRACE = 1.5
# Seconds beyond the deadline within which a record must be there: two starts and a clean-up.
OVERHEAD = 30
# Of one cell; the student's process has kept less, if it is honest.
MAX_OUTPUTS = 25
MAX_TEXT = 21_000
MAX_PICTURE = 400_000

OUTCOMES = {
    End.TIMED_OUT: Outcome.TIMED_OUT,
    End.CRASHED: Outcome.CRASHED,
    End.MALFORMED_MESSAGE: Outcome.CRASHED,
    End.OUT_OF_MEMORY: Outcome.OUT_OF_MEMORY,
}


class _Questions:
    """The questions of one test, passed on to the student's process while it answers."""

    def __init__(self, student: Process, clock: Clock, deadline: float) -> None:
        self._student, self._clock, self._deadline = student, clock, deadline
        #: How the student's process ended, if it did.
        self.end: Ended | None = None
        #: Whether an answer came after its time.
        self.late = False

    def answer(self, question: Header, body: bytes) -> tuple[Header, bytes]:
        """Return the student's answer, reduced to what is expected of one."""
        if self.end is not None or self._clock.now() >= self._deadline:
            return {"unanswered": OUTCOMES[self.end.why if self.end else End.TIMED_OUT]}, b""
        seconds = max(0.05, self._deadline - GRACE - self._clock.now())
        try:
            answer, data = self._student.ask({**question, "seconds": seconds}, body, self._deadline)
            self.late = self.late or answer.get("late") is True
            reply = {"value": answer["value"]} if "value" in answer else {"error": _text(answer, "error", 80)}
            messages.pack(reply)
            return reply, data
        except (ValueError, RecursionError):  # only a forged header is too large, or too deep, to pass on
            self.end = Ended(End.MALFORMED_MESSAGE)
        except Ended as end:
            self.end = end
        return {"unanswered": OUTCOMES[self.end.why]}, b""


class Session:
    """One submission's two processes; the student's is started again if it was lost.

    Parameters
    ----------
    assignment : Assignment
    steps : list of RunCell and RunTest
    student : str
        The student's id.
    beside : sequence of (str, bytes)
        Files that are there when the cells run, by their paths.
    trusted : bool
        Run without a sandbox.
    warmed : bool
        Fork from a server that has imported what the assignment imports.

    Attributes
    ----------
    results : dict of str to CellResult
        By test.
    reports : dict of int to RunReport
        By the number of the step.
    ends : set of Outcome
        In which ways a cell or a test did not end as it should.
    clock : Clock
        What the submission is charged for; the assignment's seconds are on it.
    """

    def __init__(
        self,
        assignment: Assignment,
        steps: Sequence[Step],
        student: str,
        *,
        beside: Sequence[tuple[str, bytes]] = (),
        trusted: bool,
        warmed: bool,
    ) -> None:
        self.assignment, self.steps = assignment, steps
        self.results: dict[str, CellResult] = {}
        self.reports: dict[int, RunReport] = {}
        self.ends: set[Outcome] = set()
        self._student, self._beside, self._trusted = student, beside, trusted
        self._server = fork_server.server_for(assignment.imports) if warmed and not trusted else None
        self.clock = Clock()
        self._deadline = assignment.seconds
        self._share = assignment.seconds * SHARE_OF_A_CELL
        self._limits = Limits(
            memory_mb=assignment.memory_mb,
            # The clock decides; this ends what would escape it, on all cores together.
            cpu_seconds=int(assignment.seconds * max(2, os.cpu_count() or 2)) + 5,
        )
        self._lost_cells: set[int] = set()

    def run(self) -> None:
        """Run everything, as far as the deadline allows.

        Raises
        ------
        RuntimeError
            If a process of ours does not start or fails, which is not the submission's fault.
        """
        with self._process("scorer") as scorer:
            self._prepare(scorer)
            ready = False
            for _ in range(MAX_STARTS):
                with self._process("student") as student:
                    try:
                        self._run_cells(student)
                        if not ready:
                            _expect_ready(scorer, self._deadline + OVERHEAD / 2)
                            ready = True
                        self._run_tests(student, scorer)
                        return
                    except Ended as end:
                        self.ends.add(OUTCOMES[end.why])
                        if self.clock.now() >= self._deadline:
                            return

    def _process(self, role: Role) -> Process:
        variables = {"AECOURSE_STUDENT": self._student}
        if self._server is not None:
            try:
                return Process(role, self._limits, variables, server=self._server, clock=self.clock)
            except fork_server.Unavailable:  # it ended meanwhile
                pass
        return Process(role, self._limits, variables, trusted=self._trusted, clock=self.clock)

    def _prepare(self, scorer: Process) -> None:
        """Have the given cells run in the scorer; it says that it is ready while the student's cells run."""
        cells = self.assignment.cells
        scorer.send(
            {
                "students": sorted(self.assignment.student_names),
                "given": [cell.source for cell in cells if cell.kind == "given" and cell.cell_type == "code"],
                "values": {"student_id": self._student},
            },
            deadline=self._deadline,
        )

    def _step_deadline(self) -> float:
        return min(self._deadline, self.clock.now() + self._share + GRACE)

    def _run_cells(self, student: Process) -> None:
        """Run the student's cells and remember their names at the place of each test."""
        _wait_until_ready(student, self.clock)
        for name, content in self._beside:
            student.ask({"op": "file", "name": name}, content, deadline=self._deadline)
        for number, step in enumerate(self.steps):
            if number in self._lost_cells:
                continue
            try:
                self._run_step(number, step, student)
            except Ended as end:
                if isinstance(step, RunCell):
                    self._lost_cells.add(number)
                self.reports[number] = tidy_report({}, ended=OUTCOMES[end.why])
                raise

    def _run_step(self, number: int, step: Step, student: Process) -> None:
        if isinstance(step, RunTest):
            student.ask({"op": "snapshot", "point": step.name}, deadline=self._step_deadline())
            return
        question = {"op": "run", "seconds": self._share}
        # In the body: a cell may hold a table of many megabytes.
        source = step.source.encode("utf-8", "replace")
        report, _ = student.ask(question, source, deadline=self._step_deadline())
        self.reports[number] = tidy_report(report)
        if self.reports[number]["late"]:
            self.ends.add(Outcome.TIMED_OUT)

    def _run_tests(self, student: Process, scorer: Process) -> None:
        for part in self.assignment.cells:
            if part.kind == "test" and part.name not in self.results:
                if self.clock.now() >= self._deadline:
                    raise Ended(End.TIMED_OUT)
                self._run_test(part, student, scorer)

    def _run_test(self, part: Cell, student: Process, scorer: Process) -> None:
        """Run one test, passing its questions on to the student's process."""
        deadline = self._step_deadline()
        # The scorer is ours: it gets time to finish a sum after the student's share is used up.
        scorers_deadline = deadline + OVERHEAD / 2
        questions = _Questions(student, self.clock, deadline)
        message: Header = {
            "source": part.source,
            "point": part.name,
            "points": part.points,
            "parts": part.parts,
            "facts": self._facts(),
        }
        body = b""
        try:
            while "result" not in message:
                message, body = scorer.ask(message, body, scorers_deadline)
                if "question" in message:
                    message, body = questions.answer(message["question"], body)
        except Ended as end:
            raise RuntimeError(f"the scorer failed in {part.name} ({end})") from end
        self.results[part.name] = _cell_result(part, message["result"], questions.late)
        if questions.late:
            self.ends.add(Outcome.TIMED_OUT)
        if questions.end is not None:
            raise questions.end

    def _facts(self) -> dict[str, float]:
        """Return what a test may know of the run: cells that failed, and seconds taken."""
        reports = self.reports.values()
        return {
            "notebook_errors": sum(bool(report["error"] or report["ended"]) for report in reports),
            "notebook_seconds": sum(report["seconds"] or 0.0 for report in reports),
        }


def _wait_until_ready(student: Process, clock: Clock) -> None:
    """Start the student's side; none of the student's code has run yet, so a failure is our fault."""
    try:
        student.ask({}, deadline=clock.now() + OVERHEAD)
    except Ended as end:
        raise RuntimeError(f"the sandboxed process did not start ({end})") from end


def _expect_ready(scorer: Process, deadline: float) -> None:
    try:
        answer, _ = scorer.receive(deadline)
    except Ended as end:
        raise RuntimeError(f"the scorer did not start ({end})") from end
    if "broken" in answer:
        raise RuntimeError(answer["broken"])


def _cell_result(part: Cell, result: Mapping[str, Any], late: bool) -> CellResult:
    """Return a test's result with the author's words for the student."""
    outcome = Outcome(result["outcome"])
    if late and outcome == Outcome.FAILED:
        outcome = Outcome.TIMED_OUT
    message = ""
    if outcome in (Outcome.FAILED, Outcome.PARTLY):
        key = result.get("key")
        message = part.hints.get(key or "") or (key if result.get("visible") and key else "") or part.hint
        if result.get("raised"):
            message = f"Your code raised {result['raised']}. {message}".strip()
        elif result.get("undefined"):
            message = f"{result['undefined']} is not defined when this is tested. {message}".strip()
    elif outcome == Outcome.TIMED_OUT:
        message = "Your code took longer than one test may."
    elif outcome == Outcome.CRASHED:
        message = "Your code ended Python itself."
    earned = min(max(0.0, float(result["earned"])), part.points)
    parts = _part_results(part, result.get("parts", {}), complete=outcome == Outcome.PASSED)
    return CellResult(part.name, part.title, part.kind, part.points, earned, outcome, message, parts=parts)


def _part_results(part: Cell, earned: Mapping[str, float], complete: bool) -> tuple[PartResult, ...]:
    """Return what each named part of a test earned, with the author's hint for what it lacks."""
    results = []
    for name, worth in part.parts.items():
        points = worth if complete else float(earned.get(name, 0.0))
        results.append(PartResult(name, worth, points, "" if points == worth else part.hints.get(name, "")))
    return tuple(results)


def tidy_report(report: Mapping[str, Any], ended: Outcome | None = None) -> RunReport:
    """Return a report of the student's process with only what is expected of it, of bounded size.

    Parameters
    ----------
    report : dict
        Whatever the process sent.
    ended : Outcome, optional
        How the process ended while it ran the cell, if it did.

    Returns
    -------
    RunReport
    """
    outputs: list[dict[str, str]] = []
    for item in _list_of(report.get("outputs"), MAX_OUTPUTS):
        if isinstance(item, dict) and isinstance(item.get("picture"), str):
            outputs.append({"picture": item["picture"][:MAX_PICTURE]})
        elif isinstance(item, dict) and isinstance(item.get("text"), str):
            outputs.append({"text": _text(item, "text", MAX_TEXT)})
    error, seconds = report.get("error"), report.get("seconds")
    return {
        "outputs": outputs,
        "error": {
            "name": _text(error, "name", 80),
            "message": _text(error, "message", 2000),
            "where": [
                printable(line[:300]) for line in _list_of(error.get("where"), 6) if isinstance(line, str)
            ],
        }
        if isinstance(error, dict)
        else None,
        "late": report.get("late") is True,
        "seconds": round(seconds, 2) if type(seconds) is float and 0 <= seconds < 1e6 else None,
        "ended": ended,
    }


def _list_of(value: Any, most: int) -> list[Any]:
    """Return the first items of what should be a list; none if it is something else."""
    return value[:most] if isinstance(value, list) else []


def _text(values: Mapping[str, Any], name: str, most: int) -> str:
    """Return the first characters of what should be text; none if it is something else."""
    value = values.get(name)
    return printable(value[:most]) if isinstance(value, str) else ""


def printable(text: str) -> str:
    """Return text without control characters, and without what UTF-8 cannot hold."""
    text = text.encode("utf-8", "replace").decode()
    return "".join(character for character in text if character in "\n\t" or character >= " ")

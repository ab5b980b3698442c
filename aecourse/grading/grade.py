"""Grade one submission: a pure task, bytes in, record out.

The student's cells run once, in order, and what they show is recorded then: before any test has
begun, so that nothing of a test can be in it. At the place of each test the student's names are
remembered. Then the tests run, in another process, and ask for values and calls. A process that
dies or does not answer costs the cell or the test that did it; the rest is run again without it,
under the same deadline.
"""

import platform
import time
from importlib import metadata

from aecourse.grading import assignment as assignments
from aecourse.grading import matching
from aecourse.grading import submissions as preflight
from aecourse.grading.record import STATUSES, CellResult, Record, Status
from aecourse.grading.sandbox import fork_server as warm
from aecourse.grading.sandbox.process import Ended, Limits, Process

OF_ENDS = {
    "timed out": Status.TIMED_OUT,
    "crashed": Status.CRASHED,
    "channel": Status.CRASHED,
    "memory": Status.OUT_OF_MEMORY,
}
STARTS = 4
SHARE_OF_A_CELL = 0.4
GRACE = 1.5
# Seconds beyond the deadline within which a record must be there: two starts and a clean-up.
OVERHEAD = 30


def environment():
    """Return the versions on which marks can depend."""
    found = {"python": platform.python_version()}
    for package in ("aecourse", "numpy", "scipy", "pandas", "scikit-learn", "tensorflow", "keras", "ipython"):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def _blank(assignment, outcome, message=""):
    return [
        CellResult(cell.name, cell.title, cell.kind, cell.points, 0.0, outcome, message)
        for cell in assignment.graded
    ]


def refused(assignment, incoming, status, message):
    """Return the record of a submission that was not run."""
    return Record(
        incoming.student,
        incoming.name,
        incoming.origin,
        assignment.name,
        status,
        message or STATUSES[status],
        _blank(assignment, "not reached"),
        notes=list(incoming.notes),
    )


def _plan(assignment, cells, places):
    """Return the steps of the run: ('run', source, name, position) and ('test', name) in order.

    Given cells are put back as the author wrote them; tests are never run in the student's
    process; a part that is missing goes where its predecessor in the assignment is.
    """
    parts = {part.name: part for part in assignment.cells}
    at = {position: name for name, position in places.items()}
    after, last = {}, -1
    for part in assignment.cells:
        if part.kind == "free":
            continue
        own = places.get(part.name)
        if part.kind == "test" or own is None:
            # Not before the parts it builds on, wherever the student moved it; and after the student's own
            # additional cells that follow them.
            last = max(last, own if own is not None else -1)
            after.setdefault(_end_of_additions(last, at, cells) if own is None else last, []).append(part)
        else:
            last = max(last, own)
    steps = []

    def put(missing):
        for part in missing:
            if part.kind == "test":
                steps.append(("test", part.name))
            elif part.kind == "given" and part.cell_type == "code":
                steps.append(("run", part.source, part.name, None))

    put(after.get(-1, ()))
    for position, cell in enumerate(cells):
        part = parts.get(at.get(position))
        if cell["cell_type"] == "code" and (part is None or part.kind != "test"):
            source = part.source if part is not None and part.kind == "given" else cell["source"]
            steps.append(("run", source, part.name if part else None, position))
        put(after.get(position, ()))
    return steps


def _end_of_additions(position, at, cells):
    while position + 1 < len(cells) and position + 1 not in at:
        position += 1
    return position


class _Session:
    """One submission's two processes, started anew where the student's one was lost."""

    def __init__(self, assignment, steps, student, trusted, warmed):
        self.assignment, self.steps, self.trusted = assignment, steps, trusted
        self.server = warm.server(assignment.imports) if warmed and not trusted else None
        self.deadline = time.monotonic() + assignment.seconds
        self.share = assignment.seconds * SHARE_OF_A_CELL
        self.variables = {"AECOURSE_STUDENT": student}
        self.limits = Limits(memory_mb=assignment.memory_mb, cpu_seconds=int(assignment.seconds * 2) + 5)
        self.skip, self.results, self.reports, self.ends = set(), {}, {}, []

    def _step_deadline(self):
        return min(self.deadline, time.monotonic() + self.share + GRACE)

    def _process(self, role):
        try:
            return Process(role, self.limits, self.variables, self.trusted, self.server)
        except warm.Unavailable:  # it ended meanwhile
            return Process(role, self.limits, self.variables, self.trusted)

    def run(self):
        """Run everything; return whether the deadline passed."""
        with self._process("scorer") as scorer:
            given = [
                cell.source
                for cell in self.assignment.cells
                if cell.kind == "given" and cell.cell_type == "code"
            ]
            ready = False
            scorer.send(
                {
                    "students": sorted(self.assignment.student_names),
                    "given": given,
                    "values": {"student_id": self.variables["AECOURSE_STUDENT"]},
                },
                deadline=self.deadline,
            )
            for _ in range(STARTS):
                with self._process("student") as student:
                    try:
                        self._cells(student)
                        if not ready:
                            _expect_ready(scorer, self.deadline + OVERHEAD / 2)
                            ready = True
                        self._tests(student, scorer)
                        return
                    except Ended as end:
                        self.ends.append(OF_ENDS[end.why])
                        if time.monotonic() >= self.deadline:
                            return

    def _wait_until_ready(self, student):
        """Nothing of the student's has run before this: if it fails, the fault is ours."""
        try:
            student.ask({}, deadline=time.monotonic() + OVERHEAD)
        except Ended as end:
            raise RuntimeError(f"the sandboxed process did not start ({end})") from end

    def _cells(self, student):
        """Run the student's cells and remember their names at the place of each test."""
        current = None
        try:
            self._wait_until_ready(student)
            for number, step in enumerate(self.steps):
                current = number
                if step[0] == "test":
                    student.ask({"op": "snapshot", "point": step[1]}, deadline=self._step_deadline())
                elif number not in self.skip:
                    report, _ = student.ask(
                        {"op": "run", "source": step[1], "seconds": self.share},
                        deadline=self._step_deadline(),
                    )
                    self.reports[number] = _tidy_report(report)
                    if self.reports[number]["late"]:
                        self.ends.append("timed out")
        except Ended as end:
            if current is not None:
                self.skip.add(current)
                self.reports[current] = {
                    "outputs": [],
                    "late": False,
                    "ended": OF_ENDS[end.why],
                    "error": None,
                    "seconds": None,
                }
            raise

    def _tests(self, student, scorer):
        for part in self.assignment.cells:
            if part.kind != "test" or part.name in self.results:
                continue
            if time.monotonic() >= self.deadline:
                raise Ended("timed out")
            self._test(part, student, scorer)

    def _test(self, part, student, scorer):
        """Run one test, passing its questions on to the student's process."""
        lost, late = None, False
        ends = self._step_deadline()
        scorer.send(
            {"source": part.source, "point": part.name, "points": part.points, "facts": self._facts()},
            deadline=ends,
        )
        while True:
            # The scorer is ours: it gets time to finish a sum when the student's share is used up.
            try:
                answer, body = scorer.receive(ends + OVERHEAD / 2)
            except Ended as end:
                raise RuntimeError(f"the scorer failed in {part.name} ({end})") from end
            if "result" in answer:
                break
            reply, data = {"unanswered": OF_ENDS[lost.why] if lost else "timed out"}, b""
            if lost is None and time.monotonic() < ends:
                question = {**answer["question"], "seconds": max(0.05, ends - GRACE - time.monotonic())}
                try:
                    student.send(question, body, ends)
                    reply, data = student.receive(ends)
                    late = late or reply.get("late") is True
                    reply = (
                        {"value": reply["value"]} if "value" in reply else {"error": str(reply.get("error"))}
                    )
                except Ended as end:
                    lost, reply = end, {"unanswered": OF_ENDS[end.why]}
            scorer.send(reply, data, ends + OVERHEAD / 2)
        self.results[part.name] = self._result(part, answer["result"], late)
        if late:
            self.ends.append("timed out")
        if lost is not None:
            raise lost

    def _facts(self):
        """Return what a test may know of the run: cells that failed, and seconds taken."""
        reports = self.reports.values()
        failed = sum(report["error"] is not None or "ended" in report for report in reports)
        return {
            "notebook_errors": failed,
            "notebook_seconds": sum(report["seconds"] or 0.0 for report in reports),
        }

    @staticmethod
    def _result(part, result, late):
        message = ""
        outcome = "timed out" if late and result["outcome"] == "failed" else result["outcome"]
        if outcome in ("failed", "partly"):
            key = result.get("key")
            message = part.hints.get(key) or (key if result.get("visible") and key else "") or part.hint
            if result.get("raised"):
                message = f"Your code raised {result['raised']}. {message}".strip()
            elif result.get("undefined"):
                message = f"{result['undefined']} is not defined when this is tested. {message}".strip()
        elif outcome == "timed out":
            message = "Your code took longer than one test may."
        elif outcome == "crashed":
            message = "Your code ended Python itself."
        return CellResult(
            part.name, part.title, part.kind, part.points, float(result["earned"]), outcome, message
        )


def _expect_ready(scorer, deadline):
    try:
        answer, _ = scorer.receive(deadline)
    except Ended as end:
        raise RuntimeError(f"the scorer did not start ({end})") from end
    if "broken" in answer:
        raise RuntimeError(answer["broken"])


def _tidy_report(report):
    """Return a report of the student's process with only what is expected of it, of bounded size."""
    outputs = []
    for item in report.get("outputs", [])[:25] if isinstance(report.get("outputs"), list) else []:
        if isinstance(item, dict) and isinstance(item.get("picture"), str):
            outputs.append({"picture": item["picture"][:400_000]})
        elif isinstance(item, dict) and isinstance(item.get("text"), str):
            outputs.append({"text": _printable(item["text"][:21_000])})
    error = report.get("error")
    if isinstance(error, dict):
        where = error.get("where") if isinstance(error.get("where"), list) else []
        error = {
            "name": _printable(str(error.get("name"))[:80]),
            "message": _printable(str(error.get("message"))[:2000]),
            "where": [_printable(str(line)[:300]) for line in where[:6]],
        }
    else:
        error = None
    seconds = report.get("seconds")
    return {
        "outputs": outputs,
        "error": error,
        "late": report.get("late") is True,
        "seconds": round(seconds, 2) if type(seconds) is float and 0 <= seconds < 1e6 else None,
    }


def _printable(text):
    text = text.encode("utf-8", "replace").decode()
    return "".join(character for character in text if character in "\n\t" or character >= " ")


def _answer_results(assignment, cells, places, tests):
    """Return the results of all graded cells, those for a person to mark included."""
    results = []
    for part in assignment.graded:
        if part.kind == "test":
            results.append(
                tests.get(part.name)
                or CellResult(
                    part.name,
                    part.title,
                    part.kind,
                    part.points,
                    0.0,
                    "not reached",
                    "The time was used up before this was tested.",
                )
            )
            continue
        position = places.get(part.name)
        text = cells[position]["source"].strip() if position is not None else ""
        answered = bool(text) and text != part.released.strip()
        results.append(
            CellResult(
                part.name,
                part.title,
                part.kind,
                part.points,
                0.0,
                "to be marked" if answered else "not answered",
            )
        )
    return results


def _shown(assignment, cells, places, session):
    """Return the student's cells with what they showed, for the feedback page and for marking."""
    names = {position: name for name, position in places.items()}
    reports = {
        step[3]: session.reports.get(number)
        for number, step in enumerate(session.steps)
        if step[0] == "run" and step[3] is not None
    }
    parts = {part.name: part for part in assignment.cells}
    shown = []
    for position, cell in enumerate(cells):
        part = parts.get(names.get(position))
        source = part.released if part is not None and part.kind in ("given", "test") else cell["source"]
        shown.append(
            {
                "name": part.name if part else None,
                "kind": part.kind if part else "free",
                "cell_type": cell["cell_type"],
                "source": _printable(source[:50_000]),
                "report": reports.get(position),
            }
        )
    return shown


def grade(source, incoming, trusted=False, warmed=True):
    """Grade one submission.

    Parameters
    ----------
    source : bytes
        The assignment's source notebook.
    incoming : preflight.Incoming
        The submission.
    trusted : bool
        Run it without a sandbox.
    warmed : bool
        Fork its processes from a server that has imported what the assignment imports; else start them
        from nothing.

    Returns
    -------
    Record
        Always: whatever a submission does ends in a status.
    """
    started = time.monotonic()
    assignment = assignments.read(source)
    try:
        record = _grade(assignment, incoming, trusted, warmed)
    except preflight.Refused as refusal:
        record = refused(assignment, incoming, refusal.status, str(refusal))
    except Exception as error:  # a fault of ours must not stop the class, and must be seen
        record = refused(assignment, incoming, "grader failed", "")
        record.notes.append(f"{type(error).__name__}: {error}"[:500])
    record.seconds = round(time.monotonic() - started, 3)
    return record


def _grade(assignment, incoming, trusted, warmed):
    if incoming.data is None:
        return refused(assignment, incoming, incoming.status, incoming.message)
    cells, repairs = preflight.read_notebook(incoming.data)
    places, more = matching.match(assignment, cells)
    repairs += more
    if not any(
        part.name in places for part in assignment.cells if part.kind in ("solution", "manual", "test")
    ):
        raise preflight.Refused(
            "not this assignment",
            "The notebook holds none of this assignment's cells. "
            f"Hand in the notebook of {assignment.title}.",
        )
    session = _Session(assignment, _plan(assignment, cells, places), incoming.student, trusted, warmed)
    if assignments.has_tests(assignment) or any(step[0] == "run" for step in session.steps):
        session.run()
    order = ("timed out", "out of memory", "crashed")
    status = next(
        (end for end in order if end in session.ends), "graded after repair" if repairs else "graded"
    )
    return Record(
        student=incoming.student,
        name=incoming.name,
        origin=incoming.origin,
        assignment=assignment.name,
        status=status,
        message=STATUSES[status],
        cells=_answer_results(assignment, cells, places, session.results),
        repairs=repairs,
        notes=list(incoming.notes),
        shown=_shown(assignment, cells, places, session),
    )

"""Time: a submission is charged for what it uses, not for what a busy machine makes it wait."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from aecourse.grading import assignment, batch, grade, submissions
from aecourse.grading.record import Status
from aecourse.grading.sandbox import clock
from tools import made_up_assignment

SOURCE = made_up_assignment.source(seconds=20)
ABOUT = assignment.read(SOURCE)
# A cell may take eight of the twenty seconds; this takes about four of the processor's.
WORK = "import time\nstart = time.process_time()\nwhile time.process_time() - start < 4: pass"


def incoming(first="", answers=None, source=SOURCE):
    about = assignment.read(source)
    return submissions.Incoming("10001", "", "", made_up_assignment.submission(about, answers, first))


@pytest.fixture
def busy_machine():
    """As many processes on each core as leave a submission about a fifth of it."""
    cores = len(os.sched_getaffinity(0))
    # Sessions of their own: Linux divides the processor among sessions, and a submission is one.
    loop = [sys.executable, "-c", "while True: pass"]
    loops = [subprocess.Popen(loop, start_new_session=True) for _ in range(4 * cores)]
    yield
    for loop in loops:
        loop.kill()
        loop.wait()


def test_a_busy_machine_takes_no_points(busy_machine):
    started = time.monotonic()
    record = grade.grade(SOURCE, incoming(WORK))
    assert (record.status, record.automatic) == ("graded", 8), record.notes
    [report] = [cell["report"] for cell in record.shown if "process_time" in cell["source"]]
    # How much of the machine it gets is the kernel's choice; what it waited for is not charged.
    assert 3.5 < report["seconds"] < 8
    assert time.monotonic() - started > report["seconds"] + 1 and record.waited > 1


@pytest.mark.parametrize(
    "cell",
    ["while True: pass", "import time\ntime.sleep(10_000)", "import threading\nthreading.Event().wait()"],
)
def test_what_never_ends_is_ended(cell):
    started = time.monotonic()
    record = grade.grade(SOURCE, incoming(cell))
    assert (record.status, record.automatic) == ("timed out", 8)
    assert time.monotonic() - started < clock.MAX_SLOWDOWN * 20 + 60


def test_a_clock_ends_however_busy_the_machine_is(monkeypatch):
    own = clock.Clock()
    own.add(10)
    own.give_back(9)
    assert (own.now(), own.waited) == (1, 9)
    now = time.monotonic()
    monkeypatch.setattr(clock.time, "monotonic", lambda: now + 1000)
    assert own.now() >= 1000 / clock.MAX_SLOWDOWN


@pytest.mark.parametrize("waited, tries", [(5.0, 2), (0.0, 1)])
def test_a_timeout_on_a_busy_machine_is_tried_again_alone(waited, tries, tmp_path, monkeypatch):
    running, together, seen = [], [], []

    def graded(source, handed_in, trusted=False, warmed=True):
        running.append(handed_in.student)
        time.sleep(0.2)
        together.append(len(running))
        seen.append(handed_in.student)
        running.remove(handed_in.student)
        late = handed_in.student == "2" and seen.count("2") == 1
        made = grade.refused(ABOUT, handed_in, Status.TIMED_OUT if late else Status.GRADED)
        made.seconds, made.waited = 10.0, waited
        return made

    monkeypatch.setattr(batch, "grade", graded)
    handed_in = [submissions.Incoming(str(number), "", "", b"") for number in range(6)]
    records, computed = batch.grade_all(SOURCE, handed_in, batch.Store(tmp_path), workers=3)
    assert computed == 6 and seen.count("2") == tries
    assert records[2].status == (Status.GRADED if tries == 2 else Status.TIMED_OUT)
    if tries == 2:
        assert seen[-1] == "2" and together[-1] == 1


def test_the_alarm_of_a_cell_leaves_no_trace():
    """It is off when the cell has ended, and what the cell used is known."""
    from aecourse.grading.inside.student import OutOfTime, Share

    before = signal.getsignal(signal.SIGALRM)
    try:
        share = Share()
        with pytest.raises(OutOfTime), share.of(0.3):
            while True:
                pass
        assert 0.2 < share.used < 5 and signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
        with share.of(5.0):
            threading.Event().wait(0.05)
        assert share.used < 1
    finally:
        signal.signal(signal.SIGALRM, before)

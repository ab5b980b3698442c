"""Grade classes of made-up submissions and print the seconds that each submission takes.

    python -m benchmarks.bench_grading 25 100
    python -m benchmarks.bench_grading --tensorflow 6
    python -m benchmarks.bench_grading --killed 200

Times are of this machine. That every submission gets the marks it must get is checked.
"""

import argparse
import csv
import os
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

from aecourse.grading import assignment, batch, cli, submissions
from aecourse.grading.record import Status
from aecourse.grading.sandbox import fork_server
from tools.made_up_assignment import PARTS, WRONG, source, submission


def grade_class(
    data: bytes, incoming: Sequence[submissions.Incoming], **settings: object
) -> tuple[float, list[float]]:
    """Grade a class into an empty folder; return the seconds a submission, and the points of each.

    Parameters
    ----------
    data : bytes
        The assignment's source.
    incoming : list of submissions.Incoming
    **settings
        As for :func:`batch.grade_all`.
    """
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        records, _ = batch.grade_all(data, incoming, batch.Store(folder), **settings)
        seconds = (time.perf_counter() - start) / len(incoming)
    if any(record.status != Status.GRADED for record in records):
        raise RuntimeError("a generated submission was not graded as it should be.")
    return seconds, [record.automatic for record in records]


def made_up(count: int) -> tuple[list[submissions.Incoming], list[float]]:
    """Return a class in which every submission differs, and the points that each must get."""
    about = assignment.read(source())
    incoming, expected = [], []
    for number in range(count):
        wrong = {name: WRONG[name] for bit, name in enumerate(PARTS) if number >> bit & 1}
        data = submission(about, wrong, f"number = {number}")
        incoming.append(submissions.Incoming(str(1000 + number), "", "", data))
        expected.append(8.0 - 2.0 * len(wrong))
    return incoming, expected


def write_class(folder: pathlib.Path, incoming: Sequence[submissions.Incoming]) -> None:
    """Write submissions and their assignment as files."""
    (folder / "in").mkdir()
    for one in incoming:
        (folder / "in" / f"{one.student}_demo.ipynb").write_bytes(one.data or b"")
    (folder / "demo.ipynb").write_bytes(source())


def measure_killed(count: int) -> tuple[int, int]:
    """Kill the command when half of a class is graded, give it again, and compare all marks.

    Parameters
    ----------
    count : int
        Submissions.

    Returns
    -------
    kept, graded : int
        Submissions that were graded before it was killed, and after it.

    Raises
    ------
    RuntimeError
        If one was lost, graded twice, or got other marks.
    """
    incoming, expected = made_up(count)
    command = [sys.executable, "-m", "aecourse.cli", "grade", "in", "-o", "out", "-a", "demo.ipynb"]
    environment = {**os.environ, "PYTHONPATH": str(pathlib.Path(__file__).parents[1])}
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        write_class(folder, incoming)
        quiet = subprocess.DEVNULL
        first = subprocess.Popen(command, cwd=folder, env=environment, stdout=quiet, stderr=quiet)
        records = folder / "out" / "records"
        while first.poll() is None and len(list(records.glob("*.json"))) < count // 2:
            time.sleep(0.02)
        first.kill()
        first.wait()
        kept = {path: path.stat().st_mtime_ns for path in records.glob("*.json")}
        second = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
        graded = count - len(kept)
        if f"{count} submissions of demo, {graded} graded now, {len(kept)} kept" not in second.stdout:
            raise RuntimeError(f"{len(kept)} were kept, and it says: {second.stdout}{second.stderr}")
        if any(path.stat().st_mtime_ns != when for path, when in kept.items()):
            raise RuntimeError("a submission was graded twice.")
        with open(folder / "out" / "grades.csv", newline="", encoding="utf-8") as stream:
            marks = {row["ID"]: float(row["Total"]) for row in csv.DictReader(stream)}
    if marks != {one.student: points for one, points in zip(incoming, expected, strict=True)}:
        raise RuntimeError("the marks are not those that the submissions must get.")
    print(f"{count} submissions, killed when {len(kept)} were graded: {graded} graded after it, none lost")
    return len(kept), graded


def measure(count: int, workers: int | None = None, scheduler: str | None = None) -> float:
    """Grade a class in which every submission differs; print and return the seconds a submission."""
    incoming, expected = made_up(count)
    seconds, marks = grade_class(source(), incoming, workers=workers, scheduler=scheduler)
    if marks != expected:
        raise RuntimeError(f"the marks are {marks}, not {expected}.")
    print(f"{count} submissions: {seconds:.3f} s a submission, {1 / seconds:.1f} a second")
    return seconds


def measure_tensorflow(count: int) -> dict[str, float]:
    """Grade model solutions of assignment 1, which train with TensorFlow, from nothing and warm.

    Parameters
    ----------
    count : int
        Submissions, each another student's.

    Returns
    -------
    dict of str to float
        Seconds a submission: 'from nothing'; 'warm', with the start of the server; and 'once it runs'.
    """
    data = (cli.SOURCES / "a1" / "a1.ipynb").read_bytes()
    solved = assignment.solved(assignment.read(data))
    incoming = [submissions.Incoming(str(number), "", "", solved) for number in range(count)]
    fork_server.close()
    taken = {}
    for name in ("from nothing", "warm", "once it runs"):
        taken[name], marks = grade_class(data, incoming, warmed=name != "from nothing")
        print(f"{count} submissions with TensorFlow, {name}: {taken[name]:.2f} s a submission")
        if set(marks) != {20}:
            raise RuntimeError(f"a model solution did not get 20 points: {marks}.")
    print(f"from nothing takes {taken['from nothing'] / taken['once it runs']:.1f} times as long")
    return taken


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("counts", type=int, nargs="*", metavar="COUNT", help="submissions of each class")
    parser.add_argument(
        "--tensorflow", type=int, metavar="COUNT", help="also grade model solutions of assignment 1"
    )
    parser.add_argument(
        "--killed",
        type=int,
        metavar="COUNT",
        help="also kill the command half-way through a class, and resume",
    )
    parser.add_argument("--workers", type=int, metavar="COUNT", help="submissions at the same time")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="a Dask scheduler, tcp://host:port")
    options = parser.parse_args()
    if not (options.counts or options.tensorflow or options.killed):
        parser.error("say how many submissions to grade, for example 25 100")
    for count in options.counts:
        measure(count, options.workers, options.scheduler)
    if options.tensorflow:
        measure_tensorflow(options.tensorflow)
    if options.killed:
        measure_killed(options.killed)


if __name__ == "__main__":
    main()

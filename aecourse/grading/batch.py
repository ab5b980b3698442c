"""Grade a class: a task of a Dask scheduler for each submission, resumed after an interruption.

A record is stored as soon as it is there, under the hash of the submission, student, assignment,
environment and the grader's own code. Grading again computes only what changed.
"""

import contextlib
import functools
import hashlib
import json
import logging
import os
import pathlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import distributed

import aecourse
from aecourse._support import progress
from aecourse._support.files import make_folder, write_whole
from aecourse.grading.grade import environment, grade
from aecourse.grading.record import Record, Status
from aecourse.grading.sandbox import process
from aecourse.grading.submissions import Incoming

# The files and folders of this package that decide marks. A record is graded again after a change to one
# of them, so each must be here that reads a submission, runs it or turns what it did into points, and what
# student notebooks import. The rest of the package counts by its version. Pages, tables, the
# gradebook and the command are not here: a change to them must not cost a class another night of grading.
DECIDE_MARKS = (
    "grading/assignment.py",
    "grading/grade.py",
    "grading/inside",
    "grading/matching.py",
    "grading/pictures.py",
    "grading/record.py",
    "grading/sandbox",
    "grading/session.py",
    "grading/steps.py",
    "grading/submissions.py",
    "homework",
)
# Records of these are not kept: grading again tries again.
NOT_KEPT = {Status.GRADER_FAILED}
# A submission that timed out is tried again alone if for this share of its time the machine was busy.
BUSY = 0.1


def code_digest(package: str | os.PathLike[str]) -> str:
    """Return the hash of the code that decides marks, so that a changed grader grades again.

    Parameters
    ----------
    package : path-like
        The folder of the package ``aecourse``, or of a copy.

    Returns
    -------
    str
        64 hexadecimal digits.

    Raises
    ------
    FileNotFoundError
        If one of the files is missing.
    """
    folder, digest = pathlib.Path(package), hashlib.sha256()
    for name in DECIDE_MARKS:
        place = folder / name
        for file in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            digest.update(f"{file.relative_to(folder).as_posix()}\0".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


@functools.cache
def _grader() -> dict[str, Any]:
    """Return what decides marks besides the submission and its assignment."""
    return {"environment": environment(), "code": code_digest(pathlib.Path(aecourse.__file__).parent)}


def key_of(source: bytes, incoming: Incoming, trusted: bool = False) -> str:
    """Return the key of a record: equal for equal submission, student, assignment and environment.

    Parameters
    ----------
    source : bytes
        The assignment's source notebook.
    incoming : Incoming
    trusted : bool

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    about = {
        "assignment": hashlib.sha256(source).hexdigest(),
        "submission": hashlib.sha256(incoming.data).hexdigest() if incoming.data is not None else None,
        "beside": [(name, hashlib.sha256(content).hexdigest()) for name, content in incoming.beside],
        "student": incoming.student,
        "refusal": [incoming.status, incoming.message],
        "trusted": trusted,
        **_grader(),
    }
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()


class Store:
    """Records in a folder, one file each, written whole or not at all.

    Parameters
    ----------
    folder : path-like
        Created if it is missing.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = pathlib.Path(folder)
        make_folder(self.folder)

    def get(self, key: str) -> Record | None:
        """Return the record of a key, or None if there is none that can be read."""
        try:
            return Record.from_dict(json.loads((self.folder / f"{key}.json").read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def forget(self, key: str) -> None:
        """Remove the record of a key, if there is one, so that it is graded again."""
        (self.folder / f"{key}.json").unlink(missing_ok=True)

    def put(self, record: Record) -> None:
        """Store a record under its key; two graders may store the same one at once."""
        write_whole(self.folder / f"{record.key}.json", json.dumps(record.to_dict(), ensure_ascii=False))


def workers_here() -> int:
    """Return how many submissions are graded at once on this machine."""
    return max(1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def _grade_task(source: bytes, incoming: Incoming, trusted: bool, key: str, warmed: bool) -> dict[str, Any]:
    """Grade on the machine of the worker, which must have a sandbox, too."""
    if not trusted:
        process.require()
    record = grade(source, incoming, trusted, warmed)
    record.key = key
    return record.to_dict()


def _end_sandboxes(kind: type[BaseException] | None, *_: object) -> None:
    """After an error, end what the cluster's threads wait for: the cluster ends when they do."""
    if kind is not None:
        process.INTERRUPTED.set()


@contextlib.contextmanager
def _client(scheduler: str | None, workers: int | None) -> Iterator[distributed.Client]:
    """Connect to a Dask scheduler: the one at an address, or one of our own in this process."""
    with contextlib.ExitStack() as stack:
        address: Any = scheduler
        if scheduler is None:
            stack.callback(process.INTERRUPTED.clear)
            # Threads, since they only wait for sandboxes; so all of them fork from one server. No limit to
            # this process's memory: the submissions take the memory, and theirs is limited.
            address = stack.enter_context(
                distributed.LocalCluster(
                    n_workers=1,
                    threads_per_worker=workers or workers_here(),
                    processes=False,
                    memory_limit=0,
                    # Its pages of statistics, for this machine only, at any free port.
                    scheduler_kwargs={"dashboard": False, "dashboard_address": "127.0.0.1:0"},
                    worker_dashboard_address="127.0.0.1:0",
                    silence_logs=logging.ERROR,
                )
            )
            stack.push(_end_sandboxes)
        yield stack.enter_context(distributed.Client(address, timeout="30s", set_as_default=False))


def _graded(
    client: distributed.Client, source: bytes, waiting: Mapping[str, Incoming], trusted: bool, warmed: bool
) -> Iterator[Record]:
    """Yield the records of submissions, each as soon as it is there."""
    shared = client.scatter(source, broadcast=True, hash=True)
    # Pure tasks, keyed by content: a worker that dies is replaced by another that computes the same.
    futures = [
        client.submit(_grade_task, shared, incoming, trusted, key, warmed, key=f"grade-{key}", retries=2)
        for key, incoming in waiting.items()
    ]
    too_late = []
    for future in distributed.as_completed(futures, loop=client.loop):
        record = Record.from_dict(future.result())
        if record.status == Status.TIMED_OUT and record.waited > BUSY * record.seconds:
            too_late.append(record.key)
        else:
            yield record
    for key in too_late:  # the machine was busy: once more, with nothing else running
        alone = client.submit(_grade_task, shared, waiting[key], trusted, key, warmed, key=f"alone-{key}")
        yield Record.from_dict(alone.result())


def grade_all(
    source: bytes,
    submissions: Sequence[Incoming],
    store: Store,
    *,
    scheduler: str | None = None,
    workers: int | None = None,
    trusted: bool = False,
    warmed: bool = True,
    again: Collection[str] = (),
) -> tuple[list[Record], int]:
    """Grade submissions, except those whose record is stored already.

    Parameters
    ----------
    source : bytes
        The assignment's source notebook.
    submissions : list of Incoming
    store : Store
    scheduler : str, optional
        Address of a Dask scheduler, ``tcp://host:port``. By default one in this process.
    workers : int, optional
        Submissions at once on this machine, if no scheduler is given; by default as many as it has cores.
    trusted : bool
        Run without a sandbox.
    warmed : bool
        As for :func:`grade.grade`: faster, with the same results.
    again : collection of str
        Ids of students who are graded again, whatever is stored.

    Returns
    -------
    records : list of Record
        One for each submission, in the order given.
    computed : int
        How many were graded now.

    Raises
    ------
    SandboxMissing
        If this machine has no working sandbox and ``trusted`` is not set.
    """
    if not trusted and scheduler is None:
        process.require()
    keys = [key_of(source, incoming, trusted) for incoming in submissions]
    for key, incoming in zip(keys, submissions, strict=True):
        if incoming.student in again:
            store.forget(key)
    stored = {key: store.get(key) for key in keys}
    records = {key: record for key, record in stored.items() if record is not None}
    # A record holds what marks depend on; who the student is may be corrected later, and is added each time.
    waiting = {
        key: replace(incoming, notes=(), warnings=())
        for key, incoming in zip(keys, submissions, strict=True)
        if key not in records
    }
    with progress.bar(total=len(keys), description="grading") as shown:
        shown.update(len(keys) - len(waiting))
        if waiting:
            with _client(scheduler, workers) as client:
                for record in _graded(client, source, waiting, trusted, warmed):
                    records[record.key] = record
                    if record.status not in NOT_KEPT:
                        store.put(record)
                    shown.update()
    identified = [
        records[key].identified(one.name, one.origin, one.notes, one.warnings, one.handed_in_by)
        for key, one in zip(keys, submissions, strict=True)
    ]
    return identified, len(waiting)

"""Grade a class: a task of a Dask scheduler for each submission, resumed where it stopped.

A record is stored under the hash of submission, student, assignment, environment and the
grader's own code, as soon as it is there. Grading again computes only what changed.
"""

import contextlib
import functools
import hashlib
import json
import logging
import os
import pathlib

import distributed

from aecourse._support import progress
from aecourse.grading import grade as task
from aecourse.grading.sandbox import process as sandbox

# Records of these are not kept: grading again tries again.
NOT_KEPT = {"grader failed"}


@functools.cache
def _code_digest():
    """Return the hash of the grader's own files, so that a changed grader grades anew."""
    digest = hashlib.sha256()
    for file in sorted(pathlib.Path(__file__).parent.glob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def key_of(source, incoming, trusted=False):
    """Return the key of a record: equal for equal submission, student, assignment and environment.

    Parameters
    ----------
    source : bytes
        The assignment's source notebook.
    incoming : preflight.Incoming
    trusted : bool

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    about = {
        "assignment": hashlib.sha256(source).hexdigest(),
        "submission": hashlib.sha256(incoming.data).hexdigest() if incoming.data is not None else None,
        "student": incoming.student,
        "refusal": [incoming.status, incoming.message],
        "environment": task.environment(),
        "code": _code_digest(),
        "trusted": trusted,
    }
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()


class Store:
    """Records in a folder, one file each, written whole or not at all."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)

    def get(self, key):
        """Return the record of a key, or None where there is none that can be read."""
        try:
            return task.Record.from_dict(
                json.loads((self.folder / f"{key}.json").read_text(encoding="utf-8"))
            )
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def put(self, record):
        """Store a record under its key."""
        final = self.folder / f"{record.key}.json"
        partial = final.with_suffix(f".{os.getpid()}.partial")
        partial.write_text(json.dumps(record.to_dict(), ensure_ascii=False), encoding="utf-8")
        os.replace(partial, final)


def workers_here():
    """Return how many submissions are graded at once on this machine."""
    return max(1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def _task(source, incoming, trusted, key, warmed):
    """Run where the worker is; the sandbox must be there."""
    if not trusted:
        sandbox.require()
    record = task.grade(source, incoming, trusted, warmed)
    record.key = key
    return record.to_dict()


def _end_sandboxes(kind, *_):
    """After an error, end what the cluster's threads wait for: the cluster ends when they do."""
    if kind is not None:
        sandbox.INTERRUPTED.set()


@contextlib.contextmanager
def _client(scheduler, workers):
    """Connect to a Dask scheduler: the one at an address, or one of our own in this process."""
    with contextlib.ExitStack() as stack:
        if scheduler is None:
            stack.callback(sandbox.INTERRUPTED.clear)
            # Threads, for they only wait for sandboxes; so all of them fork from one server. No limit to this
            # process's memory: what takes memory are the submissions, and they are bounded.
            scheduler = stack.enter_context(
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
        yield stack.enter_context(distributed.Client(scheduler, timeout="30s", set_as_default=False))


def _run(source, waiting, trusted, warmed, scheduler, workers):
    with _client(scheduler, workers) as client:
        shared = client.scatter(source, broadcast=True, hash=True)
        # Pure tasks, keyed by content: a worker that dies is replaced by another that computes the same.
        futures = [
            client.submit(_task, shared, incoming, trusted, key, warmed, key=f"grade-{key}", retries=2)
            for key, incoming in waiting
        ]
        for future in distributed.as_completed(futures, loop=client.loop):
            yield future.result()


def grade_all(source, submissions, store, *, scheduler=None, workers=None, trusted=False, warmed=True):
    """Grade submissions; those whose record is stored already are not graded again.

    Parameters
    ----------
    source : bytes
        The assignment's source notebook.
    submissions : list of preflight.Incoming
    store : Store
    scheduler : str, optional
        Address of a Dask scheduler, ``tcp://host:port``. By default one in this process.
    workers : int, optional
        Submissions at once on this machine, where no scheduler is given; by default as many as it has cores.
    trusted : bool
        Run without a sandbox.
    warmed : bool
        As for :func:`task.grade`: faster, with the same results.

    Returns
    -------
    records : list of task.Record
        One a submission, in the order given.
    computed : int
        How many were graded now.

    Raises
    ------
    sandbox.SandboxMissing
        If there is no sandbox here and ``trusted`` is not set.
    """
    if not trusted and scheduler is None:
        sandbox.require()
    keys = [key_of(source, incoming, trusted) for incoming in submissions]
    records = {key: store.get(key) for key in keys}
    waiting = {key: incoming for key, incoming in zip(keys, submissions, strict=True) if records[key] is None}
    with progress.bar(total=len(keys), description="grading") as shown:
        shown.update(len(keys) - len(waiting))
        if waiting:
            with contextlib.closing(
                _run(source, waiting.items(), trusted, warmed, scheduler, workers)
            ) as graded:
                for values in graded:
                    record = task.Record.from_dict(values)
                    records[record.key] = record
                    if record.status not in NOT_KEPT:
                        store.put(record)
                    shown.update()
    return [records[key] for key in keys], len(waiting)

"""Warm starts: a sandboxed server imports what an assignment needs, then forks the processes.

Starting Python and importing takes most of the seconds of a submission, nearly all of them if it uses
TensorFlow. A server does this once. It holds nothing that is worth reading: no test and no submission.
Each of its forks serves one submission and is ended; see ``inside.fork_server``. If a server cannot run
(on a machine without nested namespaces), each process starts Python: slower, with the same results.
"""

import atexit
import contextlib
import json
import os
import select
import signal
import socket
import sys
import threading
from collections.abc import Iterable

from aecourse.grading.sandbox import process
from aecourse.grading.sandbox.process import Child, Limits, Role

# Servers kept at once, so that grading again soon, or two assignments side by side, starts no new one.
KEPT = 2
IMPORT_SECONDS = 180
FORK_SECONDS = 30
MAX_MESSAGE = 1 << 16


class Unavailable(Exception):
    """A server to fork from cannot be had."""


class Fork(Child):
    """A process that a server forked, held by its entry in the kernel's own table.

    Parameters
    ----------
    handle : int
        Its pidfd: unlike a process's number it never comes to mean another process.
    server : Server
    """

    def __init__(self, handle: int, server: "Server") -> None:
        self._handle, self._server = handle, server
        with open(f"/proc/self/fdinfo/{handle}", encoding="ascii") as stream:
            self.pid = next(int(line.split()[1]) for line in stream if line.startswith("Pid:"))

    def lost(self) -> bool:
        """Say whether it ended because its server did, which is not the submission's fault."""
        return not self._server.running()

    def kill(self) -> None:
        """End it, and with this first process of its namespace all others in there."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._handle, signal.SIGKILL)
        ended = select.poll()
        ended.register(self._handle, select.POLLIN)
        ended.poll(FORK_SECONDS * 1000)
        os.close(self._handle)
        self._server.users.discard(self)


class Server:
    """A sandboxed process that has imported some modules.

    Parameters
    ----------
    modules : iterable of str

    Attributes
    ----------
    users : set of Fork
        The forks that were not killed yet.

    Raises
    ------
    Unavailable
        If it does not start, or cannot fork.
    """

    def __init__(self, modules: Iterable[str]) -> None:
        self.users: set[Fork] = set()
        self._turn = threading.Lock()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        line = [os.path.abspath(sys.executable), "-P", "-s", "-m", "aecourse.grading.inside.fork_server"]
        line = process.server_command([*line, str(theirs.fileno())])
        started = threading.Event()
        # The kernel ends a sandbox with the thread that started it, so that is a thread of its own.
        threading.Thread(target=self._keep, args=(line, theirs, started), daemon=True).start()
        started.wait()
        setup = {
            "modules": list(modules),
            "places": [str(place) for place in process.readable_places()],
            "scratch": process.SCRATCH_FOLDERS,
        }
        try:
            self._control.settimeout(IMPORT_SECONDS)
            self._control.send(json.dumps(setup).encode())
            self._answer()
            self._control.settimeout(FORK_SECONDS)
            ours, theirs = socket.socketpair()
            with ours, theirs:  # a trial: not every machine lets a sandbox make namespaces
                self.fork("scorer", theirs, Limits()).kill()
        except Unavailable:
            self.close()
            raise
        except OSError as error:
            self.close()
            raise Unavailable(f"the server does not answer ({error})") from error
        atexit.register(self.close)

    @staticmethod
    def _keep(line: list[str], theirs: socket.socket, started: threading.Event) -> None:
        """Start the server and wait for its end."""
        with theirs:
            try:
                child = process.start(line, theirs)
            finally:
                started.set()
        child.wait()

    def _answer(self) -> list[int]:
        """Return the descriptors that come with the server's next message."""
        try:
            message, handles, _, _ = socket.recv_fds(self._control, MAX_MESSAGE, 1)
            answer = json.loads(message)
        except (OSError, ValueError) as error:
            raise Unavailable(f"the server does not answer ({error})") from error
        if "failed" in answer:
            raise Unavailable(answer["failed"])
        return handles

    def running(self) -> bool:
        """Say whether the server is still there."""
        try:
            look = select.poll()
            look.register(self._control, 0)  # asked for nothing, it reports only that the other end closed
            return not look.poll(0)
        except (OSError, ValueError):  # closed on this side
            return False

    def fork(self, role: Role, channel: socket.socket, limits: Limits) -> Fork:
        """Fork a process with namespaces, folders, limits and a user of its own.

        Its first message must hold its ``environment``.

        Parameters
        ----------
        role : {'student', 'scorer'}
        channel : socket.socket
            Its end of the connection.
        limits : Limits

        Returns
        -------
        Fork

        Raises
        ------
        Unavailable
            If the server has ended, or may not make namespaces here.
        """
        request = {
            "role": role,
            "user": process.random_user(),
            "scratch_mb": limits.scratch_mb,
            "limits": limits.resources(),
        }
        with self._turn:
            try:
                socket.send_fds(self._control, [json.dumps(request).encode()], [channel.fileno()])
            except OSError as error:
                raise Unavailable(f"the server has ended ({error})") from error
            [handle] = self._answer()
        fork = Fork(handle, self)
        self.users.add(fork)
        return fork

    def close(self) -> None:
        """End the server, and with it everything that it forked."""
        atexit.unregister(self.close)
        self._control.close()


class Servers:
    """The servers of one process, by the modules that they have imported."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[tuple[str, ...], Server] = {}
        #: Why there is no server for some modules; it is not tried again.
        self.problems: dict[tuple[str, ...], str] = {}

    def get(self, modules: Iterable[str]) -> Server | None:
        """Return a running server that has imported these modules, or None if there cannot be one.

        Parameters
        ----------
        modules : iterable of str

        Returns
        -------
        Server or None
        """
        key = tuple(sorted(modules))
        with self._lock:
            if key in self.problems:
                return None
            current = self._running.pop(key, None)
            if current is None or not current.running():
                try:
                    current = Server(key)
                except Unavailable as problem:
                    self.problems[key] = str(problem)
                    return None
            idle = [name for name, kept in self._running.items() if not kept.users]
            for name in idle[: max(0, len(self._running) + 1 - KEPT)]:
                self._running.pop(name).close()
            self._running[key] = current  # last in the order, so that the one used last is closed last
            return current

    def close(self) -> None:
        """End every server."""
        with self._lock:
            for kept in self._running.values():
                kept.close()
            self._running.clear()


SERVERS = Servers()
server_for, close = SERVERS.get, SERVERS.close

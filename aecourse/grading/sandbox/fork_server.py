"""Warm starts: a sandboxed server that has imported what an assignment needs, and forks.

Starting Python and importing takes most of the seconds of a submission, nearly all of them with
TensorFlow. A server does it once. It holds nothing worth reading: not the tests, not a submission.
Each of its forks is used for one submission and ended; see ``_zygote``. Where a server cannot run
(a machine without nested namespaces), processes start cold: slower, with the same results.
"""

import atexit
import contextlib
import json
import os
import random
import select
import signal
import socket
import subprocess
import sys
import threading

from aecourse.grading.sandbox import process as sandbox

# Servers kept at once: grading again soon, or two assignments side by side, starts none anew.
KEPT = 2
IMPORT_SECONDS = 180
FORK_SECONDS = 30
_lock = threading.Lock()
_servers, _refused = {}, {}


class Unavailable(Exception):
    """There is no server to fork from."""


class Fork:
    """A process that a server forked, held by its number in the kernel's own table.

    Parameters
    ----------
    handle : int
        Its pidfd: unlike a process's number it is never another's.
    server : Server
    """

    def __init__(self, handle, server):
        self._handle, self._server = handle, server
        with open(f"/proc/self/fdinfo/{handle}", encoding="ascii") as stream:
            self.pid = next(int(line.split()[1]) for line in stream if line.startswith("Pid:"))

    def lost(self):
        """Say whether it ended because its server did: no fault of a submission."""
        return not self._server.running()

    def kill(self):
        """End it; it is the first of its namespace, and all others in there end with it."""
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
    modules : tuple of str

    Raises
    ------
    Unavailable
        If it does not start, or cannot fork.
    """

    def __init__(self, modules):
        self.users = set()
        self._turn = threading.Lock()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        line = [os.path.abspath(sys.executable), "-P", "-s", "-m", "aecourse.grading.inside.fork_server"]
        line = sandbox.server_command([*line, str(theirs.fileno())])
        started = threading.Event()
        # The kernel ends a sandbox with the thread that started it, so that is a thread of its own.
        threading.Thread(target=self._keep, args=(line, theirs, started), daemon=True).start()
        started.wait()
        try:
            self._control.settimeout(IMPORT_SECONDS)
            places = [str(place) for place in sandbox.readable_places()]
            self._control.send(json.dumps({"modules": list(modules), "places": places}).encode())
            self._answer()
            self._control.settimeout(FORK_SECONDS)
            ours, theirs = socket.socketpair()
            with ours, theirs:  # a trial: not every machine lets a sandbox make namespaces
                self.fork("scorer", theirs, sandbox.Limits()).kill()
        except Unavailable:
            self.close()
            raise
        except OSError as error:
            self.close()
            raise Unavailable(f"the server does not answer ({error})") from error

    @staticmethod
    def _keep(line, theirs, started):
        with theirs:
            try:
                child = subprocess.Popen(
                    line,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                )
            finally:
                started.set()
        child.wait()

    def _answer(self):
        try:
            message, handles, _, _ = socket.recv_fds(self._control, 1 << 16, 1)
            answer = json.loads(message)
        except (OSError, ValueError) as error:
            raise Unavailable(f"the server does not answer ({error})") from error
        if "failed" in answer:
            raise Unavailable(answer["failed"])
        return handles

    def running(self):
        """Say whether the server is still there."""
        try:
            look = select.poll()
            look.register(self._control, 0)  # asked for nothing, it reports that the other end is gone
            return not look.poll(0)
        except (OSError, ValueError):  # closed on this side
            return False

    def fork(self, role, channel, limits):
        """Fork a process with namespaces, folders, limits and a user of its own.

        Its first message is to hold its ``environment``.

        Parameters
        ----------
        role : str
            'student' or 'scorer'.
        channel : socket.socket
            Its end of the connection.
        limits : sandbox.Limits

        Returns
        -------
        Fork

        Raises
        ------
        Unavailable
            If the server is gone, or may not make namespaces here.
        """
        request = {
            "role": role,
            "user": random.SystemRandom().randrange(2**20, 2**30),
            "scratch_mb": limits.scratch_mb,
            "limits": limits.resources(),
        }
        with self._turn:
            try:
                socket.send_fds(self._control, [json.dumps(request).encode()], [channel.fileno()])
            except OSError as error:
                raise Unavailable(f"the server is gone ({error})") from error
            [handle] = self._answer()
        fork = Fork(handle, self)
        self.users.add(fork)
        return fork

    def close(self):
        """End the server, and with it everything that it forked."""
        self._control.close()


def server(modules):
    """Return a running server that has imported these modules, or None where there can be none.

    Parameters
    ----------
    modules : iterable of str
    """
    key = tuple(sorted(modules))
    with _lock:
        if key in _refused:
            return None
        found = _servers.pop(key, None)
        if found is None or not found.running():
            try:
                found = Server(key)
            except Unavailable as problem:
                _refused[key] = str(problem)
                return None
        idle = [name for name, kept in _servers.items() if not kept.users]
        for name in idle[: max(0, len(_servers) + 1 - KEPT)]:
            _servers.pop(name).close()
        _servers[key] = found  # the last one used is the last to go
        return found


def close():
    """End every server."""
    with _lock:
        for kept in _servers.values():
            kept.close()
        _servers.clear()


atexit.register(close)

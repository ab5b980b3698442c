"""Run a Python module where it can reach nothing: bubblewrap, setpriv and prlimit.

The process sees the interpreter, the installed packages and the system libraries, read-only,
an empty home and a scratch folder of limited size in memory. It has no network, sees no other
process, holds no privilege, and dies with the grader.
"""

import contextlib
import functools
import os
import pathlib
import random
import resource
import select
import shutil
import signal
import site
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass

import psutil

import aecourse
from aecourse.grading.sandbox import messages as wire

HOW_TO_GET_ONE = (
    "No sandbox: {reason}\n"
    "Submissions are other people's programs, so they are not run without one.\n"
    "Debian, Ubuntu: apt-get install bubblewrap util-linux    Fedora: dnf install bubblewrap util-linux\n"
    "For any user but root, user namespaces must be allowed: /proc/sys/user/max_user_namespaces above 0; on\n"
    "Ubuntu 24.04 an AppArmor profile for bwrap or sysctl kernel.apparmor_restrict_unprivileged_userns=0.\n"
    "In a container, allow it to make namespaces (docker run --privileged, or a seccomp profile that permits "
    "unshare).\n"
    "If you trust every submission as you trust your own code, pass --trusted."
)
SYSTEM_FOLDERS = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
SYSTEM_FILES = ("/etc/ld.so.cache", "/etc/alternatives", "/etc/fonts", "/etc/localtime")
POLL_SECONDS = 0.2


class SandboxMissing(RuntimeError):
    """There is no working sandbox on this machine."""


class Ended(Exception):
    """A sandboxed process is over; ``why`` is 'crashed', 'timed out', 'memory' or 'channel'."""

    def __init__(self, why, detail=""):
        super().__init__(f"{why}: {detail}" if detail else why)
        self.why = why


@dataclass(frozen=True)
class Limits:
    """What one sandboxed process may use.

    Parameters
    ----------
    memory_mb : int
        Address space of each process, and resident memory of all of them together.
    cpu_seconds : int
        CPU time of each process.
    processes : int
        Processes and threads together.
    scratch_mb : int
        Size of each folder that can be written to, held in memory.
    open_files : int
        Open files of each process.
    """

    memory_mb: int = 3072
    cpu_seconds: int = 120
    processes: int = 256
    scratch_mb: int = 64
    open_files: int = 256

    def resources(self):
        """Return the limits as the ``resource`` module names them, in its units."""
        return {
            "RLIMIT_AS": self.memory_mb * 2**20,
            "RLIMIT_CPU": self.cpu_seconds,
            "RLIMIT_NPROC": self.processes,
            "RLIMIT_FSIZE": self.scratch_mb * 2**20,
            "RLIMIT_NOFILE": self.open_files,
            "RLIMIT_CORE": 0,
        }


def readable_places():
    """Return the folders that Python needs: the interpreter, its packages and this package."""
    places = {sys.prefix, sys.base_prefix, os.path.dirname(aecourse.__file__), *site.getsitepackages()}
    # A package folder that a .pth file adds. Nothing else of sys.path: the working folder may hold solutions.
    places.update(entry for entry in sys.path if entry.endswith(("site-packages", "dist-packages")))
    # Without "..": in the sandbox the folders on the way are empty.
    places = {pathlib.Path(os.path.abspath(place)) for place in places}
    places.update(place.resolve() for place in list(places))
    found = sorted(place for place in places if place.is_dir())
    kept = []
    for place in found:
        if not any(place.is_relative_to(other) for other in (*kept, *map(pathlib.Path, SYSTEM_FOLDERS))):
            kept.append(place)
    return kept


def _environment(extra):
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": "/home/student",
        "USER": "student",
        "LANG": "C.UTF-8",
        "TMPDIR": "/tmp",
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": "/tmp/matplotlib",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "AECOURSE_PROGRESS": "0",
        # Arrow's allocator starts a thread when it is imported, and a process with threads cannot be forked.
        "JE_ARROW_MALLOC_CONF": "background_thread:false",
        **extra,
    }


def _room(scratch_mb, environment):
    """Return the command line of bubblewrap, up to the program that it runs."""
    line = [
        "bwrap",
        "--unshare-pid",
        "--unshare-net",
        "--unshare-ipc",
        "--unshare-uts",
        "--unshare-cgroup-try",
        "--die-with-parent",
        "--new-session",
        "--hostname",
        "sandbox",
        "--clearenv",
    ]
    if os.geteuid() != 0:
        line += ["--unshare-user", "--cap-drop", "ALL"]
    for name, value in _environment(environment).items():
        line += ["--setenv", name, value]
    size = str(scratch_mb * 2**20)
    line += ["--proc", "/proc", "--dev", "/dev"]
    for folder in ("/tmp", "/dev/shm", "/home/student"):
        if folder == "/home/student":
            line += ["--perms", "0755", "--dir", "/home"]
        line += ["--perms", "1777", "--size", size, "--tmpfs", folder]
    for folder in SYSTEM_FOLDERS:
        if os.path.islink(folder):
            line += ["--symlink", os.readlink(folder), folder]
        elif os.path.isdir(folder):
            line += ["--ro-bind", folder, folder]
    line += ["--perms", "0755", "--dir", "/etc"]
    for name in SYSTEM_FILES:
        line += ["--ro-bind-try", name, name]
    made = {"/", "/tmp", "/home", "/etc", "/dev", "/proc", *SYSTEM_FOLDERS}
    for place in readable_places():
        for parent in reversed(place.parents):
            if str(parent) not in made:
                line += ["--perms", "0755", "--dir", str(parent)]
                made.add(str(parent))
        line += ["--ro-bind", str(place), str(place)]
    # The folders on the way would be the student's to fill, where the grader is not root.
    return [*line, "--remount-ro", "/", "--chdir", "/home/student", "--"]


def command(arguments, limits, environment):
    """Return the whole command line that runs ``arguments`` in the sandbox."""
    drop = ["setpriv", "--no-new-privs", "--inh-caps=-all"]
    if os.geteuid() == 0:
        # A number of its own, so that limits on processes are not shared with other sandboxes.
        user = str(random.SystemRandom().randrange(2**20, 2**30))
        drop += ["--bounding-set=-all", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
    options = [f"--{name[7:].lower()}={value}" for name, value in limits.resources().items()]
    return [*_room(limits.scratch_mb, environment), *drop, "prlimit", *options, *arguments]


def server_command(arguments):
    """Return the command line of a server that forks submissions (``warm``).

    It keeps what it needs to make namespaces, and each fork gives that up before it is told anything:
    as root four capabilities, else none, since a user may make namespaces of their own.
    """
    drop = ["setpriv", "--no-new-privs", "--inh-caps=-all"]
    if os.geteuid() == 0:
        drop += ["--bounding-set=-all,+sys_admin,+net_admin,+setuid,+setgid"]
    return [*_room(Limits.scratch_mb, {}), *drop, *arguments]


@functools.cache
def problem():
    """Return why there is no working sandbox here, or None where there is one."""
    for tool in ("bwrap", "setpriv", "prlimit"):
        if shutil.which(tool) is None:
            return f"the program {tool} is not installed."
    try:
        tried = subprocess.run(
            command([os.path.abspath(sys.executable), "-c", "import aecourse"], Limits(), {}),
            capture_output=True,
            text=True,
            timeout=60,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"bubblewrap does not start ({error})."
    if tried.returncode != 0:
        return f"bubblewrap does not work here: {tried.stderr.strip()[-300:]}"
    return None


def require():
    """Raise :class:`SandboxMissing`, with how to get one, unless there is a working sandbox."""
    reason = problem()
    if reason:
        raise SandboxMissing(HOW_TO_GET_ONE.format(reason=reason))


def _limit_in_place(limits):
    """Set the limits of an unsandboxed child, for trusted submissions."""
    os.setsid()
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_mb * 2**20,) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_seconds,) * 2)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limits.scratch_mb * 2**20,) * 2)


def _resident(process):
    try:
        memory = process.memory_info()
    except psutil.Error:
        return 0
    return memory.rss - memory.shared


def _proportional(process):
    """Return a process's memory in bytes, of shared pages only its share."""
    try:
        with open(f"/proc/{process.pid}/smaps_rollup", encoding="ascii") as stream:
            return next(int(line.split()[1]) * 1024 for line in stream if line.startswith("Pss:"))
    except PermissionError:
        return _resident(process)
    except (OSError, StopIteration):
        return 0


class _Started:
    """A process started anew, from nothing."""

    def __init__(self, role, channel, limits, environment, trusted):
        self._folder = tempfile.TemporaryDirectory(prefix="aecourse-") if trusted else None
        # Imported, as a server does it, so that a submission finds the same modules either way.
        program = f"from aecourse.grading.inside import {role}; {role}.main({channel.fileno()})"
        arguments = [os.path.abspath(sys.executable), "-P", "-s", "-c", program]
        extra = {}
        if trusted:
            own = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
            folder = self._folder.name
            places = {"TMPDIR": folder, "MPLCONFIGDIR": os.path.join(folder, "matplotlib")}
            extra = {
                "cwd": folder,
                "env": _environment({**own, **environment, **places}),
                "preexec_fn": functools.partial(_limit_in_place, limits),
            }
        else:
            arguments = command(arguments, limits, environment)
        self._child = subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[channel.fileno()],
            **extra,
        )
        self.pid = self._child.pid

    @staticmethod
    def lost():
        """Say whether it ended by a fault of ours: there is none to know of."""
        return False

    def kill(self):
        """End it and everything that it started."""
        family = []
        if self._folder is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                family = psutil.Process(self.pid).children(recursive=True)
        self._child.kill()
        self._child.wait()
        for member in family:  # without a sandbox there is no namespace that ends with its first process
            with contextlib.suppress(OSError):
                os.kill(member.pid, signal.SIGKILL)
        if self._folder is not None:
            self._folder.cleanup()


#: Set, it ends the wait for every sandboxed process, in all threads.
INTERRUPTED = threading.Event()


class Process:
    """A process in a sandbox, and the frames exchanged with it.

    Parameters
    ----------
    role : str
        'student' or 'scorer'; its module finds its socket's number as its argument.
    limits : Limits
    environment : dict, optional
        More variables for it.
    trusted : bool
        Run it without a sandbox, in a temporary folder.
    server : warm.Server, optional
        Fork it from there instead of starting it anew.
    """

    def __init__(self, role, limits, environment=None, trusted=False, server=None):
        self._limits = limits
        self._socket, theirs = socket.socketpair()
        with theirs:
            if server is not None:
                self._child = server.fork(role, theirs, limits)
            else:
                self._child = _Started(role, theirs, limits, environment or {}, trusted)
        self._watched = psutil.Process(self._child.pid)
        self._buffer = bytearray()
        self._next_look = 0.0
        if server is not None:
            try:
                self.send({"environment": environment or {}})
            except Ended as end:
                self.close()
                raise RuntimeError(f"a forked process did not start ({end})") from end

    def _look_at_memory(self):
        """End the process where it and its children hold more memory than allowed."""
        started = time.monotonic()
        if started < self._next_look:
            return
        try:
            family = [self._watched, *self._watched.children(recursive=True)]
        except psutil.NoSuchProcess:
            family = []
        allowed = self._limits.memory_mb * 2**20
        # Resident memory counts pages that forked processes share once for each of them. It is quick to
        # read, so the exact share is read only where it is over the limit.
        if sum(map(_resident, family)) > allowed and sum(map(_proportional, family)) > allowed:
            raise Ended("memory", f"more than {self._limits.memory_mb} MB held together")
        # Hundreds of processes take long to look at: looking takes a third of the time at most.
        now = time.monotonic()
        self._next_look = now + max(POLL_SECONDS, 2 * (now - started))

    def _wait(self, deadline, for_write=False):
        """Wait until the socket is ready, or raise :class:`Ended`."""
        while True:
            if INTERRUPTED.is_set():
                raise RuntimeError("the run was interrupted")
            left = deadline - time.monotonic()
            if left <= 0:
                raise Ended("timed out")
            wanted = [self._socket]
            readable, writable, _ = select.select(
                [] if for_write else wanted, wanted if for_write else [], [], min(left, POLL_SECONDS)
            )
            self._look_at_memory()
            if readable or writable:
                return

    def _exactly(self, size, deadline):
        while len(self._buffer) < size:
            self._wait(deadline)
            try:
                part = self._socket.recv(2**18)
            except OSError:
                part = b""
            if not part:
                if self._child.lost():
                    raise RuntimeError("the server of the sandboxes ended")
                raise Ended("crashed", "it ended without an answer")
            self._buffer += part
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    def send(self, header, body=b"", deadline=float("inf")):
        """Send a frame before the deadline (on the clock of ``time.monotonic``)."""
        data = memoryview(wire.pack(header, body))
        self._socket.setblocking(False)
        try:
            while data:
                self._wait(deadline, for_write=True)
                try:
                    data = data[self._socket.send(data) :]
                except BlockingIOError:
                    continue
                except OSError as error:
                    raise Ended("crashed", "it closed its connection") from error
        finally:
            self._socket.setblocking(True)

    def receive(self, deadline):
        """Wait for a frame; return its header and body.

        Raises
        ------
        Ended
            If the deadline passes, the process is over, it holds too much memory, or what it
            sends is not a frame.
        """
        try:
            head, body = wire.unpack_lengths(self._exactly(wire.LENGTHS.size, deadline))
            return wire.unpack_header(self._exactly(head, deadline)), self._exactly(body, deadline)
        except wire.Malformed as error:
            raise Ended("channel", str(error)) from error

    def ask(self, header, body=b"", deadline=float("inf")):
        """Send a frame and return the answer."""
        self.send(header, body, deadline)
        return self.receive(deadline)

    def close(self):
        """End the process and everything that it started."""
        self._child.kill()
        self._socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

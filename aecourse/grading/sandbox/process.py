"""Run a Python module in a sandbox, made by bubblewrap, setpriv, prlimit and libseccomp.

The process sees the interpreter, the installed packages and the system libraries, all read-only,
an empty home and a scratch folder of limited size in memory. It has no network and no privileges,
sees no other process, asks nothing unusual of the kernel, and dies with the grader.
"""

import contextlib
import ctypes.util
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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, Protocol

import psutil

import aecourse
from aecourse.grading.sandbox import memory_group, messages
from aecourse.grading.sandbox.clock import WINDOW, Clock, charged
from aecourse.grading.sandbox.messages import Header

HOW_TO_GET_ONE = (
    "No sandbox: {reason}\n"
    "Submissions are other people's programs, so they are not run without one.\n"
    "Debian, Ubuntu: apt-get install bubblewrap util-linux libseccomp2\n"
    "Fedora: dnf install bubblewrap util-linux libseccomp\n"
    "For any user but root, user namespaces must be allowed: /proc/sys/user/max_user_namespaces above 0; on\n"
    "Ubuntu 24.04 an AppArmor profile for bwrap or sysctl kernel.apparmor_restrict_unprivileged_userns=0.\n"
    "In a container, allow it to make namespaces (docker run --privileged, or a seccomp profile that permits "
    "unshare).\n"
    "If you trust every submission as you trust your own code, pass --trusted."
)
ISOLATION = (
    "--unshare-pid --unshare-net --unshare-ipc --unshare-uts --unshare-cgroup-try --die-with-parent "
    "--new-session --hostname sandbox --clearenv"
)
# The folders that each process may write to, in memory.
SCRATCH_FOLDERS = ("/tmp", "/dev/shm", "/home/student")
SYSTEM_FOLDERS = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
SYSTEM_FILES = ("/etc/ld.so.cache", "/etc/alternatives", "/etc/fonts", "/etc/localtime")
POLL_SECONDS = 0.2
# What the kernel may keep for an honest sandbox, above what its processes hold.
KERNEL_MB = 128

#: Set, it ends the wait for every sandboxed process, in all threads.
INTERRUPTED = threading.Event()

Role = Literal["student", "scorer"]


class SandboxMissing(RuntimeError):
    """This machine has no working sandbox."""


class End(StrEnum):
    """Why a sandboxed process is over."""

    CRASHED = "crashed"
    TIMED_OUT = "timed out"
    OUT_OF_MEMORY = "out of memory"
    MALFORMED_MESSAGE = "malformed message"


class Ended(Exception):
    """A sandboxed process is over."""

    def __init__(self, why: End, detail: str = "") -> None:
        super().__init__(f"{why}: {detail}" if detail else str(why))
        self.why = why


# Signals and timers that wait, of one user.
SIGNALS = 1024


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

    @property
    def together_mb(self) -> int:
        """Memory of a whole sandbox, its folders and what the kernel keeps for it included."""
        return self.memory_mb + len(SCRATCH_FOLDERS) * self.scratch_mb + KERNEL_MB

    def resources(self) -> dict[str, int]:
        """Return the limits as the ``resource`` module names them, in its units."""
        return {
            "RLIMIT_AS": self.memory_mb * 2**20,
            "RLIMIT_CPU": self.cpu_seconds,
            "RLIMIT_NPROC": self.processes,
            "RLIMIT_FSIZE": self.scratch_mb * 2**20,
            "RLIMIT_NOFILE": self.open_files,
            "RLIMIT_CORE": 0,
            "RLIMIT_SIGPENDING": SIGNALS,  # timers count as well: each takes memory of the kernel
        }


def readable_places() -> list[pathlib.Path]:
    """Return the folders that Python needs: the interpreter, its packages and this package."""
    named = {sys.prefix, sys.base_prefix, os.path.dirname(aecourse.__file__), *site.getsitepackages()}
    # A package folder that a .pth file adds. Nothing else of sys.path: the working folder may hold solutions.
    named.update(entry for entry in sys.path if entry.endswith(("site-packages", "dist-packages")))
    # Without "..": in the sandbox the folders on the way are empty.
    places = {pathlib.Path(os.path.abspath(name)) for name in named}
    places |= {place.resolve() for place in places}
    kept: list[pathlib.Path] = []
    for place in sorted(place for place in places if place.is_dir()):
        if not any(place.is_relative_to(other) for other in (*kept, *map(pathlib.Path, SYSTEM_FOLDERS))):
            kept.append(place)
    return kept


def _environment(extra: Mapping[str, str]) -> dict[str, str]:
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": "/home/student",
        "USER": "student",
        "LANG": "C.UTF-8",
        "TMPDIR": "/tmp",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PIP_NO_INDEX": "1",
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


def _bubblewrap(scratch_mb: int, environment: Mapping[str, str]) -> list[str]:
    """Return the command line of bubblewrap, up to the program that it runs."""
    line = ["bwrap", *ISOLATION.split()]
    if os.geteuid() != 0:
        line += ["--unshare-user", "--cap-drop", "ALL"]
    for name, value in _environment(environment).items():
        line += ["--setenv", name, value]
    size = str(scratch_mb * 2**20)
    line += ["--proc", "/proc", "--dev", "/dev"]
    for folder in SCRATCH_FOLDERS:
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
    # If the grader is not root, a student could otherwise write to the folders on the way.
    return [*line, "--remount-ro", "/", "--chdir", "/home/student", "--"]


def command(arguments: Sequence[str], limits: Limits, environment: Mapping[str, str]) -> list[str]:
    """Return the whole command line that runs ``arguments`` in the sandbox."""
    drop = ["setpriv", "--no-new-privs", "--inh-caps=-all"]
    if os.geteuid() == 0:
        user = random_user()
        drop += ["--bounding-set=-all", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
    options = [f"--{name[7:].lower()}={value}" for name, value in limits.resources().items()]
    return [*_bubblewrap(limits.scratch_mb, environment), *drop, "prlimit", *options, *arguments]


def random_user() -> int:
    """Return a random user's number: sandboxes of one user would share its limit on processes."""
    return random.SystemRandom().randrange(2**20, 2**30)


def server_command(arguments: Sequence[str]) -> list[str]:
    """Return the command line of a server that forks processes (``fork_server``).

    It keeps what it needs to make namespaces: four capabilities if it is root's, else none, since any
    user may make namespaces of their own. Each fork gives them up before it receives anything.
    """
    drop = ["setpriv", "--no-new-privs", "--inh-caps=-all"]
    if os.geteuid() == 0:
        drop += ["--bounding-set=-all,+sys_admin,+net_admin,+setuid,+setgid"]
    return [*_bubblewrap(Limits.scratch_mb, {}), *drop, *arguments]


@functools.cache
def problem() -> str | None:
    """Return why this machine has no working sandbox, or None if it has one."""
    for tool in ("bwrap", "setpriv", "prlimit"):
        if shutil.which(tool) is None:
            return f"the program {tool} is not installed."
    if ctypes.util.find_library("seccomp") is None:
        return "the library libseccomp is not installed."
    try:
        program = "from aecourse.grading.inside import calls; calls.close()"
        tried = subprocess.run(
            command([os.path.abspath(sys.executable), "-c", program], Limits(), {}),
            capture_output=True,
            text=True,
            timeout=60,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"bubblewrap does not start ({error})."
    if tried.returncode != 0:
        return f"bubblewrap does not work here: {tried.stderr.strip()[-300:]}"
    return None


def require() -> None:
    """Check that there is a working sandbox.

    Raises
    ------
    SandboxMissing
        If there is none; the message says how to get one.
    """
    reason = problem()
    if reason:
        raise SandboxMissing(HOW_TO_GET_ONE.format(reason=reason))


def _limit_this_process(limits: Mapping[str, int]) -> None:
    """Set the limits of an unsandboxed child, for trusted submissions."""
    os.setsid()
    # Not the number of processes: the kernel would count all those of the user.
    for name in ("RLIMIT_AS", "RLIMIT_CPU", "RLIMIT_FSIZE"):
        resource.setrlimit(getattr(resource, name), (limits[name],) * 2)


def _resident(process: psutil.Process) -> int:
    """Return the bytes that a process holds, with all that it shares; 0 if it has ended."""
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def _processor_seconds(process: psutil.Process) -> float:
    """Return the processor time of a process and of its children that have ended; 0 if it has ended, too."""
    try:
        return float(sum(process.cpu_times()[:4]))
    except psutil.Error:
        return 0.0


def _proportional(process: psutil.Process) -> int:
    """Return the bytes that a process holds, of shared pages only its share; 0 if it has ended."""
    try:
        with open(f"/proc/{process.pid}/smaps_rollup", encoding="ascii") as stream:
            return next(int(line.split()[1]) * 1024 for line in stream if line.startswith("Pss:"))
    except PermissionError:  # a process can hide its share, and then all that it holds counts
        return _resident(process)
    except (OSError, StopIteration):
        return 0


class Child(Protocol):
    """A started process, however it was started."""

    pid: int

    def lost(self) -> bool:
        """Say whether it ended by a fault of ours, as far as we can know."""
        return False

    def kill(self) -> None:
        """End it and everything that it started."""


class Forks(Protocol):
    """What starts processes by forking: see :class:`fork_server.Server`."""

    def fork(self, role: Role, channel: socket.socket, limits: Limits) -> Child: ...


def start(arguments: Sequence[str], channel: socket.socket, **extra: Any) -> subprocess.Popen[bytes]:
    """Start a program that inherits one end of a connection and nothing else."""
    null = subprocess.DEVNULL
    return subprocess.Popen(
        arguments, stdin=null, stdout=null, stderr=null, pass_fds=[channel.fileno()], **extra
    )


def _program(role: Role, channel: socket.socket, *, trusted: bool = False) -> list[str]:
    # Imported, as a server does it, so that a submission finds the same modules either way.
    code = f"from aecourse.grading.inside import calls, {role}; "
    code += ("" if trusted else "calls.close(); ") + f"{role}.main({channel.fileno()})"
    return [os.path.abspath(sys.executable), "-P", "-s", "-c", code]


class _Sandboxed(Child):
    """A process with a sandbox of its own."""

    def __init__(
        self,
        role: Role,
        channel: socket.socket,
        limits: Limits,
        environment: Mapping[str, str],
        group: memory_group.MemoryGroup | None,
    ) -> None:
        line = command(_program(role, channel), limits, environment)
        self._child = start(group.entering(line) if group else line, channel)
        self.pid = self._child.pid

    def kill(self) -> None:
        self._child.kill()  # bubblewrap is the parent of its namespace, which ends with it
        self._child.wait()


class _Trusted(Child):
    """A process without a sandbox, in a temporary folder."""

    def __init__(
        self, role: Role, channel: socket.socket, limits: Limits, environment: Mapping[str, str]
    ) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="aecourse-")
        folder = self._folder.name
        own = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
        places = {"TMPDIR": folder, "MPLCONFIGDIR": os.path.join(folder, "matplotlib")}
        self._child = start(
            _program(role, channel, trusted=True),
            channel,
            cwd=folder,
            env=_environment({**own, **environment, **places}),
            preexec_fn=functools.partial(_limit_this_process, limits.resources()),
        )
        self.pid = self._child.pid

    def kill(self) -> None:
        family: list[psutil.Process] = []
        with contextlib.suppress(psutil.NoSuchProcess):
            family = psutil.Process(self.pid).children(recursive=True)
        self._child.kill()
        self._child.wait()
        for member in family:  # without a sandbox there is no namespace that ends with its first process
            with contextlib.suppress(OSError):
                os.kill(member.pid, signal.SIGKILL)
        self._folder.cleanup()


class Process:
    """A process in a sandbox, and the frames exchanged with it.

    Parameters
    ----------
    role : {'student', 'scorer'}
        The module of ``inside`` that it runs.
    limits : Limits
    environment : dict of str to str, optional
        More environment variables for it.
    trusted : bool
        Run it without a sandbox, in a temporary folder.
    server : fork_server.Server, optional
        Fork it from there instead of starting Python again.
    clock : Clock, optional
        Charged while the process is waited for; deadlines are on it.

    Raises
    ------
    fork_server.Unavailable
        If the server cannot fork.
    RuntimeError
        If the forked process does not start.
    """

    def __init__(
        self,
        role: Role,
        limits: Limits,
        environment: Mapping[str, str] | None = None,
        *,
        trusted: bool = False,
        server: Forks | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._limits = limits
        self._clock = clock or Clock()
        self._unsettled = self._processor = 0.0
        self._socket, theirs = socket.socketpair()
        self._group = None if trusted else memory_group.make(limits.together_mb)
        self._child: Child
        with theirs:
            if server is not None:
                self._child = server.fork(role, theirs, limits)
            elif trusted:
                self._child = _Trusted(role, theirs, limits, environment or {})
            else:
                self._child = _Sandboxed(role, theirs, limits, environment or {}, self._group)
        self._watched = psutil.Process(self._child.pid)
        if server is not None and self._group:
            # It forks once before our first message, and then waits for that: none can stay outside.
            self._group.add(self._child.pid)
            self._group.add(*(child.pid for child in self._family()[1:]))
        self._buffer = bytearray()
        self._next_look = 0.0
        if server is not None:
            try:
                self.send({"environment": dict(environment or {})})
            except Ended as end:
                self.close()
                raise RuntimeError(f"a forked process did not start ({end})") from end

    def _family(self) -> list[psutil.Process]:
        try:
            return [self._watched, *self._watched.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def _look_at_memory(self) -> None:
        """Raise :class:`Ended` if the process and its children hold more memory than allowed."""
        started = time.monotonic()
        if started < self._next_look:
            return
        family = self._family()
        allowed = self._limits.memory_mb * 2**20
        # Resident memory counts pages that forked processes share once for each of them. It is quick to
        # read, so the exact share is read only if that is over the limit.
        if sum(map(_resident, family)) > allowed and sum(map(_proportional, family)) > allowed:
            raise Ended(End.OUT_OF_MEMORY, f"more than {self._limits.memory_mb} MB held together")
        # Hundreds of processes take long to look at: looking takes a third of the time at most.
        now = time.monotonic()
        self._next_look = now + max(POLL_SECONDS, 2 * (now - started))

    def _wait(self, deadline: float, for_write: bool = False) -> None:
        """Wait until the socket is ready, or raise :class:`Ended`."""
        wanted = [self._socket]
        while True:
            if INTERRUPTED.is_set():
                raise RuntimeError("the run was interrupted")
            left = deadline - self._clock.now()
            if left <= 0 or self._unsettled >= WINDOW:
                self._settle()
                left = deadline - self._clock.now()
            if left <= 0:
                raise Ended(End.TIMED_OUT)
            started = time.monotonic()
            readable, writable, _ = select.select(
                [] if for_write else wanted, wanted if for_write else [], [], min(left, POLL_SECONDS)
            )
            seconds = time.monotonic() - started
            self._clock.add(seconds)
            self._unsettled += seconds
            self._look_at_memory()
            if readable or writable:
                return

    def _settle(self) -> None:
        """Take back the seconds in which the process would have run if it had got a processor."""
        used = sum(map(_processor_seconds, self._family()))
        wall, self._unsettled = self._unsettled, 0.0
        self._clock.give_back(wall - charged(wall, max(0.0, used - self._processor)))
        self._processor = used

    def _exactly(self, size: int, deadline: float) -> bytes:
        while len(self._buffer) < size:
            self._wait(deadline)
            try:
                part = self._socket.recv(2**18)
            except OSError:
                part = b""
            if not part:
                if self._child.lost():
                    raise RuntimeError("the server of the sandboxes ended")
                if self._group and self._group.exceeded():
                    raise Ended(End.OUT_OF_MEMORY, f"more than {self._limits.together_mb} MB held together")
                raise Ended(End.CRASHED, "it ended without an answer")
            self._buffer += part
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    def send(self, header: Header, body: bytes = b"", deadline: float = float("inf")) -> None:
        """Send a frame before the deadline, on the clock that is charged.

        Raises
        ------
        Ended
            If the deadline passes, the process is over, or it holds too much memory.
        """
        data = memoryview(messages.pack(header, body))
        self._socket.setblocking(False)
        try:
            while data:
                self._wait(deadline, for_write=True)
                try:
                    data = data[self._socket.send(data) :]
                except BlockingIOError:
                    continue
                except OSError as error:
                    raise Ended(End.CRASHED, "it closed its connection") from error
        finally:
            self._socket.setblocking(True)

    def receive(self, deadline: float) -> tuple[Header, bytes]:
        """Wait for a frame; return its header and body.

        Raises
        ------
        Ended
            If the deadline passes, the process is over, it holds too much memory, or what it
            sends is not a frame.
        """
        try:
            head, body = messages.unpack_lengths(self._exactly(messages.LENGTHS.size, deadline))
            return messages.unpack_header(self._exactly(head, deadline)), self._exactly(body, deadline)
        except messages.Malformed as error:
            raise Ended(End.MALFORMED_MESSAGE, str(error)) from error

    def ask(self, header: Header, body: bytes = b"", deadline: float = float("inf")) -> tuple[Header, bytes]:
        """Send a frame and return the answer; as :meth:`send` and :meth:`receive`."""
        self.send(header, body, deadline)
        return self.receive(deadline)

    def close(self) -> None:
        """End the process and everything that it started."""
        self._child.kill()
        self._socket.close()
        if self._group:
            self._group.close()

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

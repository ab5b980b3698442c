"""Inside the sandbox: import once what an assignment needs, then fork a process for each submission.

This process runs none of a student's code. Its forks do, and each gets namespaces, folders, limits
and a user of its own before it receives anything. It shares with the next one only the memory as it
was after the imports, of which each has its own copy.
"""

import contextlib
import ctypes
import fcntl
import gc
import importlib
import json
import os
import random
import resource
import socket
import struct
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from aecourse.grading.inside import calls, scorer, student
from aecourse.grading.sandbox.messages import BlockingChannel

ROLES = {"student": student.main, "scorer": scorer.main}
# What a student's process needs before its first cell.
ALWAYS = (
    "numpy",
    "aecourse.grading.inside.shell",
    "IPython.extensions.storemagic",
    "tornado.platform.asyncio",
)
MAX_MESSAGE = 1 << 16
SCRATCH_FILES = 20_000  # in each folder that can be written to
# From the kernel's headers: linux/sched.h, linux/mount.h, linux/prctl.h, linux/capability.h, net/if.h.
CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 8, 1 << 12, 1 << 14, 1 << 18
PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 4, 38
LINUX_CAPABILITY_VERSION_3 = 0x20080522
SIOCSIFFLAGS, IFF_UP, IFF_RUNNING = 0x8914, 0x01, 0x40
_libc = ctypes.CDLL(None, use_errno=True)


def _call(name: str, *arguments: Any) -> None:
    """Call a function of the C library that returns 0 for success."""
    if getattr(_libc, name)(*arguments) != 0:
        raise OSError(ctypes.get_errno(), f"{name}: {os.strerror(ctypes.get_errno())}")


def _mount(kind: str, place: str, flags: int, options: str = "") -> None:
    _call("mount", kind.encode(), place.encode(), kind.encode(), ctypes.c_ulong(flags), options.encode())


def _unshare() -> None:
    """Leave the namespaces that the server is in; the next fork is the first process of new ones."""
    user, group = os.getuid(), os.getgid()
    flags = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET
    _call("unshare", flags if user == 0 else flags | CLONE_NEWUSER)
    if user != 0:
        maps = {"setgroups": "deny", "uid_map": f"{user} {user} 1", "gid_map": f"{group} {group} 1"}
        for name, text in maps.items():
            with open(f"/proc/self/{name}", "w", encoding="ascii") as stream:
                stream.write(text)
    # The new network has only its own address 127.0.0.1.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP | IFF_RUNNING))


def _mount_folders(scratch: Iterable[str], scratch_mb: int, places: Iterable[str]) -> None:
    """Mount empty scratch folders; Python's own folders stay readable at their places."""
    _mount("none", "/", MS_PRIVATE | MS_REC)
    # Python itself may be in a folder that is about to be covered, such as a clone in /tmp.
    kept = {place: os.open(place, os.O_PATH) for place in places}
    for folder in scratch:
        # Empty files take memory of the kernel, too.
        options = f"mode=1777,size={scratch_mb * 2**20},nr_inodes={SCRATCH_FILES}"
        _mount("tmpfs", folder, MS_NOSUID | MS_NODEV, options)
    for place, handle in kept.items():
        if not os.path.isdir(place):
            os.makedirs(place, mode=0o755)
            # It stays read-only: a bound folder has the flags of the mount that it was taken from.
            source = f"/proc/self/fd/{handle}"
            _call("mount", source.encode(), place.encode(), None, ctypes.c_ulong(MS_BIND | MS_REC), None)
        os.close(handle)


def _drop_privileges(user: int) -> None:
    if os.getuid() == 0:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    header, none = (ctypes.c_uint32 * 2)(LINUX_CAPABILITY_VERSION_3, 0), (ctypes.c_uint32 * 6)()
    _call("capset", header, none)
    _call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    # As after the start of a program: a change of user clears it, and /proc/self is root's then.
    _call("prctl", PR_SET_DUMPABLE, 1, 0, 0, 0)


def _reap_until(child: int) -> None:
    """As the first process of a namespace: collect the processes that end, until the child does."""
    while True:
        try:
            if os.wait()[0] == child:
                return
        except ChildProcessError:
            return


def _enter_sandbox(request: Mapping[str, Any], setup: Mapping[str, Any]) -> bool:
    """Give this process a sandbox of its own; return False in the parent that is left behind."""
    os.setsid()
    _unshare()
    _mount_folders(setup["scratch"], request["scratch_mb"], setup["places"])
    if os.fork() != 0:
        return False
    _mount("proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    with open("/proc/self/oom_score_adj", "w", encoding="ascii") as stream:
        stream.write("500")  # if memory is short, the kernel ends a submission before its server
    _drop_privileges(request["user"])
    os.chdir("/home/student")
    for name, value in request["limits"].items():
        resource.setrlimit(getattr(resource, name), (value, value))
    return True


def _serve(
    control: socket.socket, channel: int, request: Mapping[str, Any], setup: Mapping[str, Any]
) -> None:
    """In a fork: become the first process of a sandbox, and fork the one that does the work."""
    if not _enter_sandbox(request, setup):
        return
    handle = os.pidfd_open(os.getpid())
    socket.send_fds(control, [b"{}"], [handle])
    os.close(handle)
    control.close()
    child = os.fork()
    if child != 0:
        os.closerange(3, 1 << 16)
        _reap_until(child)
        return
    os.dup2(channel, 3)
    os.closerange(4, 1 << 16)
    # Whose submission it is comes this way, so that the server's memory never holds a name.
    with socket.socket(fileno=os.dup(3)) as own:
        header, _ = BlockingChannel(own).receive()
    os.environ.update(header["environment"])
    random.seed()
    sys.modules["numpy"].random.seed()
    calls.close()
    ROLES[request["role"]](3)


def _fork(control: socket.socket, channel: int, request: Mapping[str, Any], setup: Mapping[str, Any]) -> None:
    child = os.fork()
    if child == 0:
        status = 1
        try:
            _serve(control, channel, request, setup)
            status = 0
        except OSError as error:
            with contextlib.suppress(OSError):  # the control is closed once the answer was given
                control.send(json.dumps({"failed": str(error)}).encode())
        finally:
            os._exit(status)
    os.close(channel)
    os.waitpid(child, 0)


def main(number: int) -> None:
    """Import the modules that the first message names, then fork one process for each further message.

    The first message also names the ``places`` that each fork must be able to read, and the ``scratch``
    folders that it may write to.

    Parameters
    ----------
    number : int
        The descriptor of the connected socket.
    """
    control = socket.socket(fileno=number)
    setup = json.loads(control.recv(MAX_MESSAGE))
    calls.prepare()
    gc.disable()  # what imports create is there to stay
    for name in (*ALWAYS, *setup["modules"]):
        # A missing module is missing in the submission's process too, which reports it.
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()
    gc.enable()
    threads = len(os.listdir("/proc/self/task"))
    # A fork copies one thread only: a lock that another one held would stay locked forever.
    control.send(json.dumps({"failed": f"{threads} threads"} if threads > 1 else {}).encode())
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, MAX_MESSAGE, 1)
        if not message:
            return
        _fork(control, descriptors[0], json.loads(message), setup)


if __name__ == "__main__":
    main(int(sys.argv[1]))

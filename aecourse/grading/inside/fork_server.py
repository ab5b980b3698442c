"""Inside the sandbox: import once what an assignment needs, then fork a process for each submission.

This process runs no line of a student's. Its children do, and each gets namespaces, folders, limits
and a user of its own before it is told anything: it shares with the next one only the memory as it
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

from aecourse.grading.inside import scorer as _scorer
from aecourse.grading.inside import student as _student
from aecourse.grading.sandbox import messages as wire

ROLES = {"student": _student.main, "scorer": _scorer.main}
# What a student's process needs before its first cell.
ALWAYS = ("numpy", "IPython.core.displayhook", "IPython.core.displaypub", "IPython.core.interactiveshell")
NEW_MOUNTS, NEW_NAMES, NEW_IPC = 0x00020000, 0x04000000, 0x08000000
NEW_USERS, NEW_PROCESSES, NEW_NETWORK = 0x10000000, 0x20000000, 0x40000000
PRIVATE, RECURSIVE, BIND, NO_SETUID, NO_DEVICES, NO_PROGRAMS = 1 << 18, 1 << 14, 1 << 12, 2, 4, 8
DUMPABLE, NO_NEW_PRIVILEGES = 4, 38
CAPABILITY_VERSION = 0x20080522
SET_FLAGS, UP_AND_RUNNING = 0x8914, 0x41
_libc = ctypes.CDLL(None, use_errno=True)


def _call(name, *arguments):
    """Call a function of the C library that returns 0 for success."""
    if getattr(_libc, name)(*arguments) != 0:
        raise OSError(ctypes.get_errno(), f"{name}: {os.strerror(ctypes.get_errno())}")


def _mount(kind, place, flags, options=""):
    _call("mount", kind.encode(), place.encode(), kind.encode(), ctypes.c_ulong(flags), options.encode())


def _leave(scratch_mb, places):
    """Leave the namespaces and the folders that the others are in."""
    user, group = os.getuid(), os.getgid()
    wanted = NEW_MOUNTS | NEW_NAMES | NEW_IPC | NEW_PROCESSES | NEW_NETWORK
    _call("unshare", wanted if user == 0 else wanted | NEW_USERS)
    if user != 0:
        for name, text in (
            ("setgroups", "deny"),
            ("uid_map", f"{user} {user} 1"),
            ("gid_map", f"{group} {group} 1"),
        ):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as stream:
                stream.write(text)
    _raise_loopback()
    _mount("none", "/", PRIVATE | RECURSIVE)
    # Python itself may be in a folder that is about to be covered, where a clone lies under /tmp.
    kept = {place: os.open(place, os.O_PATH) for place in places}
    for folder in ("/tmp", "/dev/shm", "/home/student"):
        _mount("tmpfs", folder, NO_SETUID | NO_DEVICES, f"mode=1777,size={scratch_mb * 2**20}")
    for place, handle in kept.items():
        if not os.path.isdir(place):
            os.makedirs(place, mode=0o755)
            # It stays read-only: a bound folder has the flags of the mount that it was taken from.
            source = f"/proc/self/fd/{handle}"
            _call("mount", source.encode(), place.encode(), None, ctypes.c_ulong(BIND | RECURSIVE), None)
        os.close(handle)


def _raise_loopback():
    """A new network has its own address 127.0.0.1, and reaches nothing else."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SET_FLAGS, struct.pack("16sH14x", b"lo", UP_AND_RUNNING))


def _lose_privileges(user):
    if os.getuid() == 0:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    header, none = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0), (ctypes.c_uint32 * 6)()
    _call("capset", header, none)
    _call("prctl", NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    # As after the start of a program: a change of user clears it, and /proc/self is root's then.
    _call("prctl", DUMPABLE, 1, 0, 0, 0)


def _bound(limits):
    for name, value in limits.items():
        resource.setrlimit(getattr(resource, name), (value, value))


def _reap_until(child):
    """As the first process of a namespace: collect what ends, until the child does."""
    while True:
        try:
            if os.wait()[0] == child:
                return
        except ChildProcessError:
            return


def _become(control, channel, request, places):
    """In a fork: become the first process of a namespace, and fork the one that does the work."""
    os.setsid()
    _leave(request["scratch_mb"], places)
    if os.fork() != 0:
        return
    _mount("proc", "/proc", NO_SETUID | NO_DEVICES | NO_PROGRAMS)
    with open("/proc/self/oom_score_adj", "w", encoding="ascii") as stream:
        stream.write("500")  # where memory is short, a submission goes before its server does
    _lose_privileges(request["user"])
    os.chdir("/home/student")
    _bound(request["limits"])
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
        header, _ = wire.Blocking(own).receive()
    os.environ.update(header["environment"])
    random.seed()
    sys.modules["numpy"].random.seed()
    ROLES[request["role"]](3)


def _fork(control, channel, request, places):
    child = os.fork()
    if child == 0:
        status = 1
        try:
            _become(control, channel, request, places)
            status = 0
        except OSError as error:
            with contextlib.suppress(OSError):  # the control is closed once the answer was given
                control.send(json.dumps({"failed": str(error)}).encode())
        finally:
            os._exit(status)
    os.close(channel)
    os.waitpid(child, 0)


def main(number):
    """Import the modules that the first message names, then fork one process a message.

    The message also names the ``places`` that each fork must be able to read.
    """
    control = socket.socket(fileno=number)
    wanted = json.loads(control.recv(1 << 16))
    gc.disable()  # imports make what stays
    for name in (*ALWAYS, *wanted["modules"]):
        # One that is missing is missing in the submission's process too, where it is reported.
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()
    gc.enable()
    threads = len(os.listdir("/proc/self/task"))
    # A fork copies one thread only: what another held would stay held for ever.
    control.send(json.dumps({"failed": f"{threads} threads"} if threads > 1 else {}).encode())
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 1 << 16, 1)
        if not message:
            return
        _fork(control, descriptors[0], json.loads(message), wanted["places"])


if __name__ == "__main__":
    main(int(sys.argv[1]))

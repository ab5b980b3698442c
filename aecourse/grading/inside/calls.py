"""Inside the sandbox: close the system calls that no lesson and no assignment needs.

A sandbox hides files, processes and the network, but all its programs talk to the machine's own kernel.
What they may ask of it is cut down by a filter, made by libseccomp. A closed call fails as it would without
the permission for it, so that a library that merely tries one goes on.
"""

import contextlib
import errno
import functools
from typing import Any

#: Memory that is held without being mapped, so that no one who looks at a process sees it.
HIDDEN_MEMORY = ("memfd_create", "memfd_secret", "shmget", "shmat", "semget", "msgget", "mq_open")
#: Keys, which one session of a user shares.
KEYS = ("add_key", "keyctl", "request_key")
NAMESPACES_AND_MOUNTS = (
    *("unshare", "setns", "chroot", "pivot_root", "mount", "umount2", "mount_setattr", "move_mount"),
    *("open_tree", "fsopen", "fsconfig", "fsmount", "fspick", "name_to_handle_at", "open_by_handle_at"),
)
OTHER_PROCESSES = (
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "process_madvise",
    "kcmp",
    "pidfd_getfd",
)
KERNEL = (
    *("bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register"),
    *("fanotify_init", "init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load"),
    *("swapon", "swapoff", "reboot", "acct", "quotactl", "syslog", "settimeofday", "clock_settime"),
    *("clock_adjtime", "adjtimex", "iopl", "ioperm", "modify_ldt", "vhangup", "lookup_dcookie"),
    *("sethostname", "setdomainname"),
)
CLOSED = (*HIDDEN_MEMORY, *KEYS, *NAMESPACES_AND_MOUNTS, *OTHER_PROCESSES, *KERNEL)
# From the kernel's headers: linux/sched.h, sys/socket.h, asm-generic/ioctls.h.
CLONE_NEWUSER = 0x10000000
AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_LAST_KNOWN = 1, 2, 10, 16, 63
TIOCSTI, TIOCLINUX = 0x5412, 0x541C


@functools.cache
def _filter() -> Any:
    """Make the filter once; a process that forks others lets them load it."""
    import pyseccomp

    refused = pyseccomp.ERRNO(errno.EPERM)
    made = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    # Calls of another kind of processor, such as 32-bit ones, would go past the filter by other numbers.
    made.set_attr(pyseccomp.Attr.ACT_BADARCH, pyseccomp.KILL_PROCESS)
    for name in CLOSED:
        # An older libseccomp does not know the newest calls, and other processors lack some.
        with contextlib.suppress(OSError):
            made.add_rule(refused, name)
    user_namespace = pyseccomp.Arg(0, pyseccomp.MASKED_EQ, CLONE_NEWUSER, CLONE_NEWUSER)
    made.add_rule(refused, "clone", user_namespace)
    # Its flags are in memory, where no filter can read them. The C library goes on with clone.
    made.add_rule(pyseccomp.ERRNO(errno.ENOSYS), "clone3")
    for family in range(AF_LAST_KNOWN + 1):
        if family not in (AF_UNIX, AF_INET, AF_INET6, AF_NETLINK):
            made.add_rule(refused, "socket", pyseccomp.Arg(0, pyseccomp.EQ, family))
    made.add_rule(refused, "socket", pyseccomp.Arg(0, pyseccomp.GT, AF_LAST_KNOWN))
    for request in (TIOCSTI, TIOCLINUX):  # both type into the instructor's terminal
        made.add_rule(refused, "ioctl", pyseccomp.Arg(1, pyseccomp.MASKED_EQ, 0xFFFFFFFF, request))
    return made


def prepare() -> None:
    """Make the filter, before this process forks.

    Raises
    ------
    ImportError, RuntimeError
        If pyseccomp or libseccomp is missing.
    """
    _filter()


def close() -> None:
    """Close the calls, for this process and all that it starts, for good.

    Raises
    ------
    ImportError, RuntimeError
        If pyseccomp or libseccomp is missing.
    OSError
        If the kernel has no filters.
    """
    _filter().load()

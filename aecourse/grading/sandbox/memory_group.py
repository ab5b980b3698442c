"""Bound the memory of a whole sandbox by a control group, where this machine lets us make one.

The grader also measures what the processes of a sandbox hold. A control group counts what no process shows,
too: what the kernel keeps for them, such as unread messages in sockets, and empty files.
"""

import contextlib
import functools
import itertools
import os
import pathlib
import time

CLOSE_SECONDS = 2.0  # the kernel takes a moment to forget a process that was ended
_numbers = itertools.count()


def _hierarchies() -> list[tuple[pathlib.Path, str, int]]:
    """Return (mount point, path of our group, version) of each mounted hierarchy of control groups.

    Of version 1, only the one for memory.
    """
    groups = {}
    for line in pathlib.Path("/proc/self/cgroup").read_text("utf-8").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "" or "memory" in controllers.split(","):
            groups[2 if controllers == "" else 1] = path
    found = []
    for line in pathlib.Path("/proc/self/mountinfo").read_text("utf-8").splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = after.split(" ", 2)
        version = 2 if kind == "cgroup2" else 1
        if kind in ("cgroup", "cgroup2") and version in groups:
            if version == 1 and "memory" not in options.split(","):
                continue
            root, mounted = before.split(" ")[3:5]
            path = os.path.relpath(groups[version], root)
            if not path.startswith(".."):
                found.append((pathlib.Path(mounted), path, version))
    return found


class MemoryGroup:
    """A control group of one sandbox.

    Parameters
    ----------
    folder : Path
        An empty group, which becomes ours.
    version : {1, 2}
        Of the kernel's interface.
    memory_mb : int
        Memory of all its processes together, what the kernel keeps for them included.

    Raises
    ------
    OSError
        If the group has no limit of memory, or we may not set it.
    """

    def __init__(self, folder: pathlib.Path, version: int, memory_mb: int) -> None:
        self.folder = folder
        self._events = folder / ("memory.events" if version == 2 else "memory.oom_control")
        limit = folder / ("memory.max" if version == 2 else "memory.limit_in_bytes")
        swap = folder / ("memory.swap.max" if version == 2 else "memory.memsw.limit_in_bytes")
        self._write(limit, memory_mb * 2**20)
        with contextlib.suppress(OSError):  # a kernel without swap accounting
            self._write(swap, 0 if version == 2 else memory_mb * 2**20)
        self.exceeded()

    @staticmethod
    def _write(path: pathlib.Path, number: int) -> None:
        # Not created if it is not there: in a folder that is no control group nothing would be limited.
        with open(path, "r+", encoding="ascii") as stream:
            stream.write(str(number))

    def entering(self, command: list[str]) -> list[str]:
        """Return a command line that enters the group, if it may, before it runs ``command``."""
        script = 'echo $$ > "$1"; shift; exec "$@"'
        return ["/bin/sh", "-c", script, "sh", str(self.folder / "cgroup.procs"), *command]

    def add(self, *processes: int) -> None:
        """Move running processes into the group, if we may; what they start later is in it, too."""
        for number in processes:
            with contextlib.suppress(OSError):
                self._write(self.folder / "cgroup.procs", number)

    def exceeded(self) -> bool:
        """Say whether the kernel has ended a process of the group for want of memory."""
        lines = self._events.read_text("ascii").splitlines()
        return any(line.startswith("oom_kill ") and line.split()[1] != "0" for line in lines)

    def close(self) -> None:
        """Remove the group, whose processes have ended."""
        patience = time.monotonic() + CLOSE_SECONDS
        while time.monotonic() < patience:
            with contextlib.suppress(OSError):
                return self.folder.rmdir()
            time.sleep(0.01)


@functools.cache
def _remove_left_behind(parent: pathlib.Path) -> None:
    """Remove the empty groups of graders that were killed."""
    for folder in parent.glob("aecourse-*-*"):
        number = folder.name.split("-")[1]
        if not pathlib.Path("/proc", number).exists():
            with contextlib.suppress(OSError):  # it has processes: someone else's
                folder.rmdir()


def make(memory_mb: int) -> MemoryGroup | None:
    """Return a new control group with this limit, or None where we may not make one.

    Parameters
    ----------
    memory_mb : int
        Memory of all processes in the group together.

    Returns
    -------
    MemoryGroup or None
    """
    name = f"aecourse-{os.getpid()}-{next(_numbers)}"
    with contextlib.suppress(OSError):
        for mounted, path, version in _hierarchies():
            # In version 2 a group that has processes can have no limited groups below it: ours is next to it.
            own = mounted / path
            folder = (own.parent if version == 2 and own != mounted else own) / name
            try:
                folder.mkdir()
            except OSError:
                continue
            _remove_left_behind(folder.parent)
            try:
                return MemoryGroup(folder, version, memory_mb)
            except OSError:
                folder.rmdir()
    return None

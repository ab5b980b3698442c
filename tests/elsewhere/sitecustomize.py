"""Make a process look like Windows to the course's own code, as far as Linux can: PYTHONPATH=tests/elsewhere.

What Windows lacks is missing for code of `aecourse` and `tools`, and for that code alone, as other packages
choose by the platform and would ask for Windows's own modules. Text files need an encoding to be named.
"""

import builtins
import os
import signal
import sys
import warnings

OURS = ("aecourse", "tools")
MODULES = {"fcntl", "grp", "pwd", "resource", "termios", "pty"}
ATTRIBUTES = {
    os: (
        "fork",
        "geteuid",
        "getuid",
        "killpg",
        "mkfifo",
        "pidfd_open",
        "sched_getaffinity",
        "setsid",
        "uname",
    ),
    signal: ("SIGKILL", "SIGALRM", "alarm", "pidfd_send_signal", "setitimer"),
}


def asked_by_us(depth=2):
    return (
        sys._getframe(depth).f_globals.get("__name__", "").split(".")[0] in OURS
        or (sys._getframe(depth).f_globals.get("__package__") or "").split(".")[0] in OURS
    )


_import, _open = builtins.__import__, builtins.open


def import_(name, globals=None, locals=None, fromlist=(), level=0):
    asking = (globals or {}).get("__name__", "")
    package = (globals or {}).get("__package__") or ""
    if level == 0 and name in MODULES and (asking.split(".")[0] in OURS or package.split(".")[0] in OURS):
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    return _import(name, globals, locals, fromlist, level)


def open_(file, *arguments, **named):
    if isinstance(file, (str, os.PathLike)) and os.fspath(file).startswith("/proc") and asked_by_us():
        raise FileNotFoundError(2, "No such file or directory", os.fspath(file))
    mode = arguments[0] if arguments else named.get("mode", "r")
    if "b" not in mode and "encoding" not in named and asked_by_us():
        raise EncodingWarning(f"open({file!r}) would read and write cp1252")
    return _open(file, *arguments, **named)


class Lacking(type(os)):
    """A module that hides some of its attributes from our code."""

    def __getattribute__(self, name):
        if name in HIDDEN.get(object.__getattribute__(self, "__name__"), ()) and asked_by_us():
            raise AttributeError(f"module has no attribute {name!r}")
        return super().__getattribute__(name)


HIDDEN = {module.__name__: names for module, names in ATTRIBUTES.items()}
builtins.__import__, builtins.open = import_, open_
for module in ATTRIBUTES:
    module.__class__ = Lacking
# The same for files of pathlib, with -X warn_default_encoding.
warnings.filterwarnings("error", category=EncodingWarning, module=rf"({'|'.join(OURS)})\b.*")

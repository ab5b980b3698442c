"""Inside the sandbox: a notebook kernel without its sockets, and what its cells show.

The shell is ipykernel's own, so that magics and habits of a notebook do what they do there. Where a habit
needs what a sandbox lacks, a window, the network or a service of Colab or Kaggle, it does nothing.
"""

import ast
import builtins
import cmd
import contextlib
import getpass
import importlib.abc
import importlib.machinery
import io
import re
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ipykernel.debugger
from ipykernel.inprocess.ipkernel import InProcessInteractiveShell, InProcessKernel
from ipykernel.inprocess.socket import DummySocket
from ipykernel.iostream import IOPubThread
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from jupyter_client.session import Session
from traitlets import Type
from traitlets.config import Config

# Colours and movements of the cursor, and the titles of windows.
ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-Z\\-_()=>]")
SERVICES = ("google.colab", "kaggle_secrets", "kaggle_datasets")
MAX_DISPLAYED = 20
# What matplotlib calls the windows of other systems and the widgets of notebooks.
WINDOWS = {"macosx", "nbagg", "ipympl", "widget", "notebook"}
WINDOWS |= {f"{kind}{way}" for kind in ("tk", "qt", "qt4", "qt5", "qt6", "gtk3", "gtk4", "wx", "web")
            for way in ("agg", "cairo")}  # fmt: skip
INLINE = "module://matplotlib_inline.backend_inline"
NO_EFFECT = "{} has no effect while the notebook is graded."


class CappedText(io.TextIOBase):
    """Keep the first characters written, as a terminal would show them in the end, and count the others.

    A progress bar writes its line again and again: its last state is kept.

    Parameters
    ----------
    limit : int
        Characters.
    before_write : callable, optional
        Called before anything is written.
    """

    def __init__(self, limit: int, before_write: Callable[[], None] | None = None) -> None:
        self._limit, self._before_write = limit, before_write
        self.clear()

    def clear(self) -> None:
        """Forget what was written."""
        self._parts: list[str] = []
        self._kept = self.dropped = 0
        self._line, self._returned = "", False

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        """Return what takes the output of programs that a cell starts; it leads nowhere."""
        return 1

    def write(self, text: str) -> int:
        text = str(text)
        if self._before_write is not None:
            self._before_write()
        for part in re.split(r"([\n\r\b])", ESCAPES.sub("", text)):
            if part == "\n":
                self._end_line()
            elif part == "\r":
                self._returned = True
            elif part == "\b":
                self._line = self._line[:-1]
            elif part:
                self._extend(part)
        return len(text)

    def _extend(self, part: str) -> None:
        if self._returned:
            self._line, self._returned = "", False
        room = max(0, self._limit - self._kept - len(self._line))
        self._line += part[:room]
        self.dropped += max(0, len(part) - room)

    def _end_line(self) -> None:
        self._returned = False
        if self._kept < self._limit:
            self._parts.append(self._line + "\n")
            self._kept += len(self._line) + 1
        else:
            self.dropped += 1
        self._line = ""

    def text(self) -> str:
        """Return what was kept, and how much was not."""
        note = f"\n… {self.dropped:,} more characters were not kept" if self.dropped else ""
        return "".join(self._parts) + self._line + note


class Shown:
    """What one cell prints and displays."""

    def __init__(self, limit: int) -> None:
        self.text = CappedText(limit, self._clear_if_due)
        self.displays: list[tuple[str | None, Mapping[str, Any]]] = []
        self._clear_next = False

    def _clear_if_due(self) -> None:
        if self._clear_next:
            self.clear()

    def add(self, data: Mapping[str, Any], name: str | None = None, update: bool = False) -> None:
        """Add a display, or let it take the place of the earlier one of its name."""
        self._clear_if_due()
        if update:
            self.displays = [(own, data if own == name else shown) for own, shown in self.displays]
        elif len(self.displays) < MAX_DISPLAYED:
            self.displays.append((name, data))

    def clear(self, wait: bool = False) -> None:
        """Forget what was shown; ``wait`` does so when something else is shown."""
        self._clear_next = wait
        if not wait:
            self.text.clear()
            self.displays.clear()


class _Publisher(DisplayPublisher):
    shown = Shown(0)

    def publish(self, data: Any, metadata: Any = None, **named: Any) -> None:  # type: ignore[override]
        name = (named.get("transient") or {}).get("display_id")
        type(self).shown.add(data, name, bool(named.get("update")))

    def clear_output(self, wait: bool = False) -> None:
        type(self).shown.clear(wait)


def _ignore(*arguments: object, **named: object) -> None:
    pass


class _WithoutWindows(ast.NodeTransformer):
    """Let a cell that asks matplotlib for a window draw into the page instead."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if getattr(node.func, "attr", "") in ("use", "switch_backend") and node.args:
            asked = node.args[0]
            if isinstance(asked, ast.Constant) and str(asked.value).lower() in WINDOWS:
                node.args[0] = ast.copy_location(ast.Constant(INLINE), asked)
        return node


def _go_on(debugger: Any, *arguments: object, **named: object) -> None:
    """Let a debugger, which nobody answers, continue."""
    getattr(debugger, "set_continue", _ignore)()


class _Hook(DisplayHook):
    """Collect the value of a cell's last line; a semicolon after it hides it."""

    write_output_prompt = finish_displayhook = _ignore

    def write_format_data(self, format_dict: Any, md_dict: Any = None) -> None:
        _Publisher.shown.add(format_dict)


class _Shell(InProcessInteractiveShell):
    displayhook_class = Type(_Hook)  # type: ignore[assignment]
    display_pub_class = Type(_Publisher)  # type: ignore[assignment]

    def enable_matplotlib(self, gui: Any = None) -> Any:
        return super().enable_matplotlib("inline")  # there is no window, and a page holds no widget

    def enable_pylab(self, gui: Any = None, import_all: bool = True) -> Any:
        # Past ipykernel's own, which before version 7 hands IPython a word too many.
        return super(InProcessInteractiveShell, self).enable_pylab("inline", import_all)

    def magic(self, text: str) -> Any:
        """Run a line magic, as IPython did before version 9."""
        name, _, line = text.partition(" ")
        return self.run_line_magic(name.lstrip("%"), line, 2)

    def run_line_magic(self, magic_name: str, line: str, _stack_depth: int = 1) -> Any:
        if self.find_line_magic(magic_name) is None:
            print(NO_EFFECT.format(f"%{magic_name}"))
            return None
        return super().run_line_magic(magic_name, line, _stack_depth + 1)

    def run_cell_magic(self, magic_name: str, line: str, cell: str) -> Any:
        """Run a magic, or the cell below one that is not installed, if that is Python."""
        if self.find_cell_magic(magic_name) is not None:
            return super().run_cell_magic(magic_name, line, cell)
        print(NO_EFFECT.format(f"%%{magic_name}"))
        with contextlib.suppress(SyntaxError, ValueError):
            ast.parse(self.transform_cell(cell))
            self.run_cell(cell).raise_error()
        return None


class _Nothing(types.ModuleType):
    """A module of a service that is not here: whatever it is asked for does nothing."""

    __path__: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Nothing(f"{self.__name__}.{name}")

    def __call__(self, *arguments: object, **named: object) -> "_Nothing":
        return self


class _Services(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Find the modules of Colab and Kaggle, which students import and the course does not need."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if any(fullname == name or fullname.startswith(f"{name}.") for name in SERVICES):
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        return _Nothing(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        pass


def _no_input(prompt: object = "", stream: object = None) -> str:
    print(prompt)
    return ""


def _inline_backend(shell: Any) -> None:
    from matplotlib_inline.config import InlineBackend  # imports matplotlib

    backend = InlineBackend.instance(parent=shell)
    backend.observe(_only_png, "figure_formats")  # once, however often it is asked for
    if backend not in shell.configurables:
        shell.configurables.append(backend)


def _only_png(change: Any) -> None:
    """Let pictures be PNG: nothing else is shown on a page of feedback."""
    if not {"png", "retina", "png2x"} & set(change["new"]):
        change["owner"].figure_formats = {"png"}


def _png(figure: Any) -> Any:
    from IPython.core.pylabtools import print_figure

    return print_figure(figure, fmt="png", base64=True)


def _flush_figures() -> None:
    """Show the figures of the first cell that plots; afterwards the inline backend does it."""
    backend = sys.modules.get("matplotlib_inline.backend_inline")
    if backend is not None and not hasattr(backend.configure_inline_support, "current_backend"):
        backend.show(True)


def _tolerate(shell: Any) -> None:
    """Let a magic that is not installed say so, instead of ending its cell."""

    def nothing(line: str, cell: str | None = None) -> None:
        print(NO_EFFECT.format("This"))

    for name in ("tensorflow_version", "tensorboard", "conda", "mamba", "uv", "pip", "skip", "bigquery"):
        shell.register_magic_function(nothing, "line_cell", name)
    extensions = shell.extension_manager
    load = extensions.load_extension

    def load_or_say(name: str) -> Any:
        try:
            return load(name)
        except ImportError:
            print(f"The extension {name} is not installed where the notebook is graded.")
            return None

    extensions.load_extension = load_or_say


def new_shell() -> Any:
    """Return a kernel's shell that prints no results; what is displayed goes to :func:`show_in`."""
    # The debugger of notebooks takes a second to start and waits for an editor.
    ipykernel.debugger._is_debugpy_available = False
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    session = Session(key=b"")
    # It is not started, so what little still goes its way is dropped at once. It gets no session, which
    # ipykernel before version 7 does not take.
    nowhere = IOPubThread(DummySocket())
    kernel = InProcessKernel(config=config, shell_class=_Shell, session=session, iopub_thread=nowhere)
    shell: Any = kernel.shell
    for name in ("showtraceback", "showindentationerror"):  # the error is reported instead
        setattr(shell, name, _ignore)
    builtins.input = getpass.getpass = _no_input
    cmd.Cmd.cmdloop = _go_on  # type: ignore[assignment]
    shell.ast_transformers.append(_WithoutWindows())
    sys.meta_path.insert(0, _Services())
    _tolerate(shell)
    shell.extension_manager.load_extension("storemagic")
    config_magic = shell.find_line_magic("config")

    def configure(line: str) -> Any:
        if "InlineBackend" in line:
            _inline_backend(shell)
        return config_magic(line)

    shell.magics_manager.magics["line"]["config"] = configure
    # In force before matplotlib is imported; its own set-up comes after the first cell that plots.
    shell.display_formatter.formatters["image/png"].for_type_by_name("matplotlib.figure", "Figure", _png)
    shell.events.register("post_execute", _flush_figures)
    return shell


def show_in(shown: Shown) -> None:
    """Let what is displayed from now on be added there."""
    _Publisher.shown = shown

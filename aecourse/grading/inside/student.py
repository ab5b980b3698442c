"""Inside the sandbox: run a student's cells, then answer questions about what they define.

Nothing that this process says is believed: it only ever sends data, which the grader bounds
and the scorer decodes as plain values.
"""

import io
import re
import signal
import socket
import sys
import time
import traceback
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aecourse.grading.inside.questions import Answerer, OutOfTime, error_header
from aecourse.grading.sandbox.messages import BlockingChannel, Header

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

# Characters that are kept of one cell and of all together; those of pictures are base64.
CELL_TEXT = 20_000
ALL_TEXT = 200_000
PICTURE = 400_000
ALL_PICTURES = 1_500_000
MAX_DISPLAYED = 20
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def _raise_out_of_time(number: int, frame: object) -> None:
    raise OutOfTime("this took longer than one cell may")


class CappedText(io.TextIOBase):
    """Keep the first characters written, and count the others."""

    def __init__(self, limit: int) -> None:
        self._limit, self._kept, self.dropped = limit, 0, 0
        self._parts: list[str] = []

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        text = str(text)
        room = self._limit - self._kept
        if room > 0:
            self._parts.append(text[:room])
            self._kept += len(self._parts[-1])
        self.dropped += max(0, len(text) - max(room, 0))
        return len(text)

    def text(self) -> str:
        """Return what was kept, and how much was not."""
        note = f"\n… {self.dropped:,} more characters were not kept" if self.dropped else ""
        return "".join(self._parts) + note


def _ignore(*arguments: object, **named: object) -> None:
    pass


def _new_shell() -> "InteractiveShell":
    """Return an IPython shell that prints no results and collects what is displayed."""
    from IPython.core.displayhook import DisplayHook
    from IPython.core.displaypub import CapturingDisplayPublisher
    from IPython.core.interactiveshell import InteractiveShell

    class SilentHook(DisplayHook):
        write_output_prompt = write_format_data = finish_displayhook = _ignore

    shell = InteractiveShell.instance(
        user_ns={"__name__": "__main__"},
        colors="nocolor",
        displayhook_class=SilentHook,
        display_pub_class=CapturingDisplayPublisher,
    )
    if shell.history_manager is not None:
        shell.history_manager.enabled = False
    for name in ("showtraceback", "showindentationerror"):  # the error is reported instead
        setattr(shell, name, _ignore)
    return shell


def _describe(problem: BaseException) -> dict[str, Any]:
    """Return an exception's name and message, and the lines of the student's that it passed through."""
    lines = []
    try:
        for frame in traceback.extract_tb(problem.__traceback__)[-6:]:
            if "ipython-input" in frame.filename or frame.filename.startswith("<"):
                lines.append(f"line {frame.lineno}, in {frame.name}: {frame.line or ''}")
        message = ANSI.sub("", str(problem))[:2000]
    except Exception:
        message = ""
    return {"name": type(problem).__name__[:80], "message": message, "where": lines}


class Runner:
    """IPython without a terminal: cells in, captured outputs out."""

    def __init__(self) -> None:
        self.shell: Any = _new_shell()
        self._text_left, self._picture_left = ALL_TEXT, ALL_PICTURES
        self._answerer = Answerer(self.shell.user_ns)

    def _bounded_output(self, data: Mapping[str, Any]) -> dict[str, str]:
        """Return what is kept of a rich output: a picture, or plain text."""
        picture = data.get("image/png")
        if isinstance(picture, str) and len(picture) <= min(PICTURE, self._picture_left):
            self._picture_left -= len(picture)
            return {"picture": picture}
        return {"text": str(data.get("text/plain", ""))[:CELL_TEXT]}

    def run(self, source: str, seconds: float) -> dict[str, Any]:
        """Run one cell; return what it printed and displayed, its error, and its seconds."""
        shell = self.shell
        out = CappedText(min(CELL_TEXT, self._text_left))
        error, displayed = None, []
        shell.display_pub.outputs.clear()
        streams = sys.stdout, sys.stderr
        sys.stdout = sys.stderr = out
        started = time.monotonic()
        try:
            signal.setitimer(signal.ITIMER_REAL, seconds)
            try:
                done = shell.run_cell(source, store_history=False)
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
            problem = done.error_before_exec or done.error_in_exec
            if problem is not None:
                error = _describe(problem)
            elif done.result is not None:
                displayed = [shell.display_formatter.format(done.result)[0]]
            displayed = [item["data"] for item in shell.display_pub.outputs[:MAX_DISPLAYED]] + displayed
        except BaseException as problem:  # an alarm between two steps, a broken display, a patched IPython
            error = _describe(problem)
        finally:
            sys.stdout, sys.stderr = streams
        text = out.text()
        self._text_left = max(0, self._text_left - len(text))
        outputs = [{"text": text}] if text else []
        outputs += [self._bounded_output(data) for data in displayed]
        return {
            "outputs": outputs,
            "error": error,
            "seconds": time.monotonic() - started,
            "late": error is not None and error["name"] == "OutOfTime",
        }

    def reply(self, channel: BlockingChannel, header: Header, body: bytes) -> None:
        """Do what one message asks for, and send the answer."""
        op = header["op"]
        if op == "run":
            channel.send(self.run(header["source"], header["seconds"]))
        elif op == "snapshot":
            self._answerer.snapshot(header["point"])
            channel.send({})
        else:
            self._reply_to_test(channel, header, body)

    def _reply_to_test(self, channel: BlockingChannel, header: Header, body: bytes) -> None:
        sys.stdout = sys.stderr = CappedText(0)
        try:
            signal.setitimer(signal.ITIMER_REAL, header["seconds"])
            try:
                answer, data = self._answerer.reply(header, body)
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
            channel.send(answer, data)
        except BaseException as problem:  # also exits and alarms: the process goes on for the next test
            channel.send(error_header(problem))


def main(number: int) -> None:
    """Serve the grader over the socket of that number."""
    channel = BlockingChannel(socket.socket(fileno=number))
    sys.argv = [""]
    sys.path.insert(0, "")
    signal.signal(signal.SIGALRM, _raise_out_of_time)
    channel.receive()
    runner = Runner()
    channel.send({"ready": True})
    while True:
        try:
            header, body = channel.receive()
        except EOFError:
            return
        runner.reply(channel, header, body)

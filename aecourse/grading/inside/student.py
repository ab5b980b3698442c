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

from aecourse.grading.sandbox import messages as wire

CELL_TEXT = 20_000
ALL_TEXT = 200_000
PICTURE = 400_000
ALL_PICTURES = 1_500_000
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class OutOfTime(BaseException):
    """The cell or the call took longer than its share of the time."""


def _alarm(number, frame):
    raise OutOfTime("this took longer than one cell may")


class CappedText(io.TextIOBase):
    """Keep the first characters written, and count the others."""

    def __init__(self, limit):
        self._limit, self._parts, self._kept, self.dropped = limit, [], 0, 0

    def writable(self):
        return True

    def write(self, text):
        text = str(text)
        room = self._limit - self._kept
        if room > 0:
            self._parts.append(text[:room])
            self._kept += len(self._parts[-1])
        self.dropped += max(0, len(text) - max(room, 0))
        return len(text)

    def text(self):
        note = f"\n… {self.dropped:,} more characters were not kept" if self.dropped else ""
        return "".join(self._parts) + note


def _shell():
    """Return an IPython shell that prints no results and collects what is displayed."""
    from IPython.core.displayhook import DisplayHook
    from IPython.core.displaypub import CapturingDisplayPublisher
    from IPython.core.interactiveshell import InteractiveShell

    class Silent(DisplayHook):
        def write_output_prompt(self):
            pass

        def write_format_data(self, format_dict, md_dict=None):
            pass

        def finish_displayhook(self):
            pass

    shell = InteractiveShell(
        user_ns={"__name__": "__main__"},
        colors="nocolor",
        displayhook_class=Silent,
        display_pub_class=CapturingDisplayPublisher,
    )
    InteractiveShell._instance = shell
    shell.history_manager.enabled = False
    shell.showtraceback = shell.showsyntaxtraceback = shell.showindentationerror = lambda *a, **k: None
    return shell


class Runner:
    """IPython without a terminal: cells in, captured outputs out."""

    def __init__(self):
        self.shell = _shell()
        self._text_left, self._picture_left = ALL_TEXT, ALL_PICTURES
        self.snapshots = {}
        self._kept = []

    def _reduce(self, data):
        """Return what is kept of a rich output: a picture, or plain text."""
        picture = data.get("image/png")
        if isinstance(picture, str) and len(picture) <= min(PICTURE, self._picture_left):
            self._picture_left -= len(picture)
            return {"picture": picture}
        return {"text": str(data.get("text/plain", ""))[:CELL_TEXT]}

    def run(self, source, seconds):
        """Run one cell; return what it printed and displayed, its error, and its seconds."""
        shell = self.shell
        out = CappedText(min(CELL_TEXT, self._text_left))
        error, shown = None, []
        shell.display_pub.outputs.clear()
        old = sys.stdout, sys.stderr
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
                error = self._describe(problem)
            elif done.result is not None:
                shown = [shell.display_formatter.format(done.result)[0]]
            shown = [item["data"] for item in shell.display_pub.outputs[:20]] + shown
        except BaseException as problem:  # an alarm between two steps, a broken display, a patched IPython
            error = self._describe(problem)
        finally:
            sys.stdout, sys.stderr = old
        text = out.text()
        self._text_left = max(0, self._text_left - len(text))
        outputs = [{"text": text}] if text else []
        outputs += [self._reduce(data) for data in shown]
        return {
            "outputs": outputs,
            "error": error,
            "seconds": time.monotonic() - started,
            "late": error is not None and error["name"] == "OutOfTime",
        }

    @staticmethod
    def _describe(problem):
        lines = []
        try:
            for frame in traceback.extract_tb(problem.__traceback__)[-6:]:
                if "ipython-input" in frame.filename or frame.filename.startswith("<"):
                    lines.append(f"line {frame.lineno}, in {frame.name}: {frame.line or ''}")
            words = ANSI.sub("", str(problem))[:2000]
        except Exception:
            words = ""
        return {"name": type(problem).__name__[:80], "message": words, "where": lines}

    def snapshot(self, point):
        """Remember what every name stands for now, for the test at this point."""
        self.snapshots[point] = dict(self.shell.user_ns)

    def keep(self, value):
        self._kept.append(value)
        return len(self._kept) - 1

    def answer(self, header, body):
        """Do what a test asks for; return the value."""
        op = header["op"]
        if op == "fetch":
            return self.snapshots[header["point"]][header["name"]]
        target = self._kept[header["handle"]]
        if op == "getattr":
            return getattr(target, header["name"])
        if op == "list":
            return list(target)
        arguments, named = wire.decode(header["arguments"], body, lambda number, kind: self._kept[number])
        if op == "call":
            return target(*arguments, **named)
        if op == "getitem":
            return target[arguments[0]]
        if op == "len":
            return len(target)
        raise ValueError(f"unknown question {op!r}")

    @staticmethod
    def _error_header(problem):
        builtin = next(
            (kind.__name__ for kind in type(problem).__mro__ if kind.__module__ == "builtins"), "Exception"
        )
        return {"error": builtin, "name": type(problem).__name__[:80], "late": isinstance(problem, OutOfTime)}

    def reply(self, channel, header, body):
        """Do what one message asks for, and send what came of it."""
        op = header["op"]
        if op == "run":
            channel.send(self.run(header["source"], header["seconds"]))
            return
        if op == "snapshot":
            self.snapshot(header["point"])
            channel.send({})
            return
        sys.stdout = sys.stderr = io.StringIO() if op == "fetch" else CappedText(0)
        try:
            signal.setitimer(signal.ITIMER_REAL, header["seconds"])
            try:
                value = self.answer(header, body)
                encoder = wire.Encoder(self.keep)
                tree = encoder.encode(value)
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
        except BaseException as problem:  # also exits and alarms: the process goes on for the next test
            channel.send(self._error_header(problem))
            return
        try:
            channel.send({"value": tree}, encoder.body)
        except ValueError as problem:
            channel.send(self._error_header(problem))


def main(number):
    """Serve the grader over the socket of that number."""
    channel = wire.Blocking(socket.socket(fileno=number))
    sys.argv = [""]
    sys.path.insert(0, "")
    signal.signal(signal.SIGALRM, _alarm)
    channel.receive()
    runner = Runner()
    channel.send({"ready": True})
    while True:
        try:
            header, body = channel.receive()
        except EOFError:
            return
        runner.reply(channel, header, body)

"""Inside the sandbox: run a student's cells, then answer questions about what they define.

Nothing that this process says is believed: it only ever sends data, which the grader bounds
and the scorer decodes as plain values.
"""

import base64
import signal
import socket
import sys
import time
import traceback
from collections.abc import Mapping
from typing import Any

from aecourse.grading.inside.questions import Answerer, OutOfTime, error_header
from aecourse.grading.inside.shell import ESCAPES, CappedText, Shown, new_shell, show_in
from aecourse.grading.sandbox.messages import BlockingChannel, Header

# Characters that are kept of one cell and of all together; those of pictures are base64.
CELL_TEXT = 20_000
ALL_TEXT = 200_000
PICTURE = 400_000
ALL_PICTURES = 1_500_000


def _raise_out_of_time(number: int, frame: object) -> None:
    raise OutOfTime("this took longer than one cell may")


def _describe(problem: BaseException) -> dict[str, Any]:
    """Return an exception's name and message, and the lines of the student's that it passed through."""
    lines = []
    try:
        for frame in traceback.extract_tb(problem.__traceback__)[-6:]:
            if "ipykernel_" in frame.filename or frame.filename.startswith("<"):
                lines.append(f"line {frame.lineno}, in {frame.name}: {frame.line or ''}")
        message = ESCAPES.sub("", str(problem))[:2000]
    except Exception:
        message = ""
    return {"name": type(problem).__name__[:80], "message": message, "where": lines}


class Runner:
    """IPython without a terminal: cells in, captured outputs out."""

    def __init__(self) -> None:
        self.shell: Any = new_shell()
        self._text_left, self._picture_left = ALL_TEXT, ALL_PICTURES
        self._answerer = Answerer(self.shell.user_ns)

    def _bounded_output(self, data: Mapping[str, Any]) -> dict[str, str]:
        """Return what is kept of a rich output: a picture, or plain text."""
        picture = data.get("image/png")
        if isinstance(picture, bytes):
            picture = base64.b64encode(picture).decode()
        if isinstance(picture, str) and len(picture) <= min(PICTURE, self._picture_left):
            self._picture_left -= len(picture)
            return {"picture": picture}
        return {"text": str(data.get("text/plain", ""))[:CELL_TEXT]}

    def run(self, source: str, seconds: float) -> dict[str, Any]:
        """Run one cell; return what it printed and displayed, its error, and its seconds."""
        shown = Shown(min(CELL_TEXT, self._text_left))
        show_in(shown)
        error = None
        streams = sys.stdout, sys.stderr
        sys.stdout = sys.stderr = shown.text
        started = time.monotonic()
        try:
            signal.setitimer(signal.ITIMER_REAL, seconds)
            try:
                done = self.shell.run_cell(source, store_history=True)
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
            problem = done.error_before_exec or done.error_in_exec
            if problem is not None:
                error = _describe(problem)
        except BaseException as problem:  # an alarm between two steps, a broken display, a patched IPython
            error = _describe(problem)
        finally:
            sys.stdout, sys.stderr = streams
        text = shown.text.text()
        self._text_left = max(0, self._text_left - len(text))
        outputs = [{"text": text}] if text else []
        outputs += [self._bounded_output(data) for _, data in shown.displays]
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

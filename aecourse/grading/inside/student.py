"""Inside the sandbox: run a student's cells, then answer questions about what they define.

Nothing that this process says is believed: it only ever sends data, which the grader bounds
and the scorer decodes as plain values.
"""

import base64
import contextlib
import io
import os
import pathlib
import signal
import socket
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from typing import Any

from aecourse.grading.inside.questions import Answerer, OutOfTime, error_header
from aecourse.grading.inside.shell import ESCAPES, CappedText, Shown, new_shell, show_in
from aecourse.grading.sandbox.clock import WINDOW, charged
from aecourse.grading.sandbox.messages import BlockingChannel, Header

# Characters that are kept of one cell and of all together; those of pictures are base64.
CELL_TEXT = 20_000
ALL_TEXT = 200_000
PICTURE = 400_000
ALL_PICTURES = 1_500_000
SMALLEST_PICTURE = 5_000
NO_ROOM = "This picture was not kept: those of a notebook take 1 MB at most."


class Share:
    """The seconds that a cell or a call may take; at their end :class:`OutOfTime` is raised in it."""

    def __init__(self) -> None:
        self.used = self._allowed = 0.0
        self._wall, self._processor = self._clocks()
        signal.signal(signal.SIGALRM, self._look)

    @staticmethod
    def _clocks() -> tuple[float, float]:
        return time.monotonic(), sum(os.times()[:4])

    def _look(self, number: int = 0, frame: object = None) -> None:
        """Charge the time since the last look; set the next alarm, or end what runs."""
        wall, processor = self._clocks()
        self.used += charged(wall - self._wall, processor - self._processor)
        self._wall, self._processor = wall, processor
        left = self._allowed - self.used
        if number and left <= 0.01:
            raise OutOfTime("this took longer than one cell may")
        if number:
            signal.setitimer(signal.ITIMER_REAL, min(max(left, 0.01), WINDOW))

    @contextlib.contextmanager
    def of(self, seconds: float) -> Iterator[None]:
        """Allow what is done within this some seconds."""
        self.used, self._allowed = 0.0, seconds
        self._wall, self._processor = self._clocks()
        signal.setitimer(signal.ITIMER_REAL, min(max(seconds, 0.01), WINDOW))
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            self._look()


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


def fitted(picture: str, room: int) -> str:
    """Return a PNG in base64, drawn smaller until it fits into so many characters; empty if it does not."""
    if len(picture) <= room:
        return picture
    with contextlib.suppress(Exception):  # what it is the student decides
        from PIL import Image

        image = Image.open(io.BytesIO(base64.b64decode(picture)), formats=["PNG"])
        while room >= SMALLEST_PICTURE and min(image.size) > 1:
            image = image.resize((image.width * 2 // 3, image.height * 2 // 3))
            stream = io.BytesIO()
            image.save(stream, "PNG", optimize=True)
            picture = base64.b64encode(stream.getvalue()).decode()
            if len(picture) <= room:
                return picture
    return ""


def write_beside(name: str, content: bytes) -> None:
    """Write a file that was handed in with the notebook into the folder in which its cells run."""
    with contextlib.suppress(OSError):  # two files of names that are one here, or no space left
        path = pathlib.Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


class Runner:
    """IPython without a terminal: cells in, captured outputs out."""

    def __init__(self) -> None:
        self.shell: Any = new_shell()
        self._text_left, self._picture_left = ALL_TEXT, ALL_PICTURES
        self._answerer = Answerer(self.shell.user_ns)
        self._share = Share()

    def _bounded_output(self, data: Mapping[str, Any]) -> dict[str, str]:
        """Return what is kept of a rich output: a picture, or plain text."""
        picture = data.get("image/png")
        if isinstance(picture, bytes):
            picture = base64.b64encode(picture).decode()
        text = str(data.get("text/plain", ""))[:CELL_TEXT]
        if not isinstance(picture, str):
            return {"text": text}
        picture = fitted(picture, min(PICTURE, self._picture_left))
        self._picture_left -= len(picture)
        return {"picture": picture} if picture else {"text": f"{text}\n{NO_ROOM}"}

    def run(self, source: str, seconds: float) -> dict[str, Any]:
        """Run one cell; return what it printed and displayed, its error, and its seconds."""
        shown = Shown(min(CELL_TEXT, self._text_left))
        show_in(shown)
        error = None
        streams = sys.stdout, sys.stderr
        sys.stdout = sys.stderr = shown.text
        try:
            with self._share.of(seconds):
                done = self.shell.run_cell(source, store_history=True)
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
            "seconds": self._share.used,
            "late": error is not None and error["name"] == "OutOfTime",
        }

    def reply(self, channel: BlockingChannel, header: Header, body: bytes) -> None:
        """Do what one message asks for, and send the answer."""
        op = header["op"]
        if op == "run":
            channel.send(self.run(body.decode(), header["seconds"]))
        elif op == "snapshot":
            self._answerer.snapshot(header["point"])
            channel.send({})
        elif op == "file":
            write_beside(header["name"], body)
            channel.send({})
        else:
            self._reply_to_test(channel, header, body)

    def _reply_to_test(self, channel: BlockingChannel, header: Header, body: bytes) -> None:
        sys.stdout = sys.stderr = CappedText(0)
        try:
            with self._share.of(header["seconds"]):
                answer, data = self._answerer.reply(header, body)
            channel.send(answer, data)
        except BaseException as problem:  # also exits and alarms: the process goes on for the next test
            channel.send(error_header(problem))


def main(number: int) -> None:
    """Serve the grader over the socket of that number."""
    channel = BlockingChannel(socket.socket(fileno=number))
    sys.argv = [""]
    sys.path.insert(0, "")
    channel.receive()
    runner = Runner()
    channel.send({"ready": True})
    while True:
        try:
            header, body = channel.receive()
        except EOFError:
            return
        runner.reply(channel, header, body)
